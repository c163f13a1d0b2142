/* A program at ring 3 calls the kernel with int 0x80.  First the gate's DPL is 0 and the processor refuses; then it is
 * 3.  Both deliveries are printed as cards: which gate was read, which checks were made, what was pushed.
 *     cc int_gate.c $(pkg-config --cflags --libs trapgate) */
#include <stdio.h>
#include <stdlib.h>

#include <trapgate/trapgate.h>

#define GDT     0x1000
#define IDT     0x2000
#define TSS     0x3000
#define KERNEL  0x4000 /* handler of int 0x80 */
#define REFUSED 0x5000 /* handler of #GP */
#define USER    0x8000

static struct tg_machine *machine;

static void check(enum tg_error error)
{
	if (error == TG_OK)
		return;
	fprintf(stderr, "int_gate: %s: %s\n", tg_error_text(error), tg_machine_detail(machine));
	exit(1);
}

static void put(uint64_t address, const void *bytes, size_t size)
{
	check(tg_memory_write(machine, address, bytes, size, NULL));
}

/* A flat segment, or with base and limit the TSS. */
static struct tg_segment segment(uint16_t selector, uint8_t type, bool s, uint8_t dpl)
{
	return (struct tg_segment){.selector = selector,
				   .limit = s ? 0xffffffff : 0x67,
				   .base = s ? 0 : TSS,
				   .type = type,
				   .s = s,
				   .dpl = dpl,
				   .present = true,
				   .usable = true,
				   .db = s,
				   .g = s};
}

static void put_gate(unsigned vector, uint32_t handler, uint8_t dpl)
{
	struct tg_gate gate = {.offset = handler, .selector = 0x08, .type = 0xe, .dpl = dpl, .present = true};
	uint64_t raw = tg_gate_encode(&gate);

	put(IDT + 8 * vector, &raw, 8);
}

static void set_up(void)
{
	static const uint8_t user[] = {0xb8, 4,    0, 0, 0, /* mov eax, 4 */
				       0xcd, 0x80,          /* int 0x80 */
				       0xeb, 0xfe};         /* jmp . */
	static const uint8_t halt[] = {0xf4};
	static const uint32_t stack[] = {0x7000, 0x10}; /* ESP0, SS0 */
	const struct tg_segment table[] = {
		segment(0x08, 0xb, true, 0), segment(0x10, 0x3, true, 0),  segment(0x1b, 0xb, true, 3),
		segment(0x23, 0x3, true, 3), segment(0x28, 0xb, false, 0),
	};
	struct tg_cpu *cpu = tg_machine_cpu(machine, 0);
	struct tg_state state = {.size = sizeof(state)};

	for (unsigned i = 0; i < 5; i++) {
		uint64_t raw = tg_segment_encode(&table[i]);

		put(GDT + 8 * (i + 1), &raw, 8);
	}
	put(TSS + 4, stack, sizeof(stack));
	put(USER, user, sizeof(user));
	put(KERNEL, halt, 1);
	put(REFUSED, halt, 1);
	put_gate(0x0d, REFUSED, 0);

	check(tg_state_get(cpu, &state));
	state.cr0 |= 1; /* PE */
	state.gdtr = (struct tg_table){GDT, 0x2f};
	state.idtr = (struct tg_table){IDT, 0x7ff};
	state.segment[TG_SEG_CS] = table[2];
	state.segment[TG_SEG_TR] = table[4];
	state.segment[TG_SEG_SS] = state.segment[TG_SEG_DS] = state.segment[TG_SEG_ES] = table[3];
	state.cpl = 3;
	state.rip = USER;
	state.gpr[4] = 0x9000; /* ESP */
	check(tg_state_set(cpu, &state));
}

/* Runs the user's program and prints the delivery of its int. */
static void show(const char *title, uint8_t dpl, struct tg_snapshot *start)
{
	struct tg_stop stop = {.size = sizeof(stop)};
	struct tg_delivery delivery = {.size = sizeof(delivery)};
	static char card[TG_TEXT_SIZE];

	check(tg_snapshot_restore(machine, start));
	put_gate(0x80, KERNEL, dpl);
	check(tg_run(machine, 1000, &stop));
	printf("== %s (%s)\n", title, stop.text);
	for (unsigned n = (unsigned)tg_delivery_count(machine); n-- > 0;) {
		check(tg_delivery_recent(machine, n, &delivery));
		check(tg_delivery_card(machine, delivery.id, card, sizeof(card)));
		fputs(card, stdout);
	}
}

int main(void)
{
	struct tg_config config = {.size = sizeof(config), .board = TG_BOARD_BARE, .ram = 0x10000};
	struct tg_snapshot *start;
	char why[256];

	if (tg_machine_new(&config, &machine, why, sizeof(why)) != TG_OK) {
		fprintf(stderr, "int_gate: %s\n", why);
		return 1;
	}
	set_up();
	check(tg_snapshot_save(machine, &start));
	show("gate DPL 0", 0, start);
	show("gate DPL 3", 3, start);
	tg_snapshot_free(start);
	tg_machine_free(machine);
	return 0;
}
