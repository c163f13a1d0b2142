#include "world.h"

static struct tg_segment flat(uint16_t selector, uint8_t type, uint8_t dpl)
{
	return (struct tg_segment){.selector = selector,
				   .limit = 0xffffffff,
				   .type = type,
				   .s = true,
				   .dpl = dpl,
				   .present = true,
				   .usable = true,
				   .db = true,
				   .g = true};
}

void world_code(struct tg_machine *machine, uint32_t address, const void *code, size_t size)
{
	OK(tg_memory_write(machine, address, code, size, NULL));
}

void world_gate(struct tg_machine *machine, unsigned vector, unsigned dpl)
{
	struct tg_gate gate = {
		.offset = WORLD_HANDLER(vector), .selector = 0x08, .type = 0xe, .dpl = (uint8_t)dpl, .present = true};
	uint64_t raw = tg_gate_encode(&gate);

	world_code(machine, WORLD_IDT + 8 * vector, &raw, 8);
}

static void enter(struct tg_machine *machine, const struct tg_segment table[5], unsigned cpl)
{
	struct tg_cpu *cpu = tg_machine_cpu(machine, 0);
	struct tg_state state = {.size = sizeof(state)};

	OK(tg_state_get(cpu, &state));
	state.cr0 |= 1;
	state.gdtr = (struct tg_table){WORLD_GDT, 0x2f};
	state.idtr = (struct tg_table){WORLD_IDT, 0x7ff};
	state.segment[TG_SEG_CS] = table[cpl ? 2 : 0];
	for (int i = TG_SEG_ES; i <= TG_SEG_GS; i++)
		if (i != TG_SEG_CS)
			state.segment[i] = table[cpl ? 3 : 1];
	state.segment[TG_SEG_TR] = table[4];
	state.cpl = (uint8_t)cpl;
	state.rip = WORLD_CODE;
	state.gpr[4] = cpl ? WORLD_STACK3 : WORLD_STACK0;
	OK(tg_state_set(cpu, &state));
}

struct tg_machine *world_new(unsigned cpl)
{
	struct tg_config config = {.size = sizeof(config), .board = TG_BOARD_BARE, .ram = WORLD_RAM};
	struct tg_segment table[5] = {flat(0x08, 0xb, 0), flat(0x10, 0x3, 0), flat(0x1b, 0xb, 3), flat(0x23, 0x3, 3),
				      flat(0x28, 0xb, 0)};
	static const uint32_t stack[2] = {WORLD_STACK0, 0x10};
	struct tg_machine *machine;

	table[4].s = table[4].db = table[4].g = false;
	table[4].base = WORLD_TSS;
	table[4].limit = 0x67;
	OK(tg_machine_new(&config, &machine, NULL, 0));
	for (unsigned i = 0; i < 5; i++) {
		uint64_t raw = tg_segment_encode(&table[i]);

		world_code(machine, WORLD_GDT + 8 * (i + 1), &raw, 8);
	}
	world_code(machine, WORLD_TSS + 4, stack, sizeof(stack));
	for (unsigned v = 0; v < 256; v++) {
		world_gate(machine, v, 0);
		HANDLER(machine, v, 0xf4);
	}
	enter(machine, table, cpl);
	return machine;
}

uint64_t world_get(struct tg_machine *machine, enum tg_register reg)
{
	uint64_t value = 0;

	OK(tg_register_get(tg_machine_cpu(machine, 0), reg, &value));
	return value;
}

struct tg_stop world_run(struct tg_machine *machine, uint64_t budget)
{
	struct tg_stop stop = {.size = sizeof(stop)};

	OK(tg_run(machine, budget, &stop));
	return stop;
}
