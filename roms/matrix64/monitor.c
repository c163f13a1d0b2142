/* The monitor of the delivery matrix of IA-32e mode: itself 32-bit code, in compatibility mode.  For every combination
 * it puts the world into memory, enters the interrupted program, and prints to port E9h what the handler found:
 *
 *   index handler cs ss rsp rflags cr2 [ds es fs gs] : frame
 *
 * all hexadecimal; the segment registers where the event is a return; the frame as bytes from RSP up.
 */
#include "machine.h"
#include "world.h"

extern const uint8_t stubs[];
extern uint8_t stack[], back[];

/* In the order enter() wants it (stubs.S). */
struct start {
	uint64_t rip, cs, rflags, rsp, ss, rax, rdx, rbp, es, ds, fs, gs;
};

struct capture {
	uint64_t id, rsp, rflags, cs, ss, ds, es, fs, gs, cr2;
};

struct safe {
	uint32_t esp, ss;
};

void enter(const struct start *);
void take_nmi(volatile uint32_t *icr, uint32_t command);
void main(uint32_t magic, const uint32_t *multiboot);

static struct world world;

/* The local APIC's interrupt command register; to itself, by its number 0. */
#define APIC_SVR ((volatile uint32_t *)0xfee000f0)
#define APIC_ICR ((volatile uint32_t *)0xfee00300)
#define SEND_NMI 0x4400

/* ---- set-up ---- */

static volatile uint32_t *table(unsigned n, unsigned entry)
{
	return (uint32_t *)(TABLES + n * 0x1000) + entry * 2;
}

static volatile uint32_t *pte(uint32_t linear)
{
	return table(3, linear >> 12 & 0x3ff);
}

/* Every canonical address leads to the first 4 MiB; but the last GiB below 4 GiB has the local APIC. */
static void set_up_pages(void)
{
	for (unsigned i = 0; i < 1024; i++)
		*pte(i << 12) = i << 12 | ALL_RIGHTS;
	*pte(ABSENT) = 0;
	for (unsigned i = 0; i < 512; i++) {
		*table(0, i) = (TABLES + (i ? 0x1000 : 0x5000)) | ALL_RIGHTS;
		*table(1, i) = *table(5, i) = (TABLES + 0x2000) | ALL_RIGHTS;
		*table(2, i) = *table(6, i) = (TABLES + 0x3000 + (i & 1) * 0x1000) | ALL_RIGHTS;
	}
	*table(5, 3) = (TABLES + 0x6000) | ALL_RIGHTS;
	*table(6, 0xfee00000 >> 21 & 511) = 0xfee00000 | 0x90 | ALL_RIGHTS; /* 2 MiB, PCD */
	__asm__ volatile(
		"mov %0, %%cr3; mov %%cr4, %%eax; or $0x20, %%eax; mov %%eax, %%cr4;"
		"mov $0xc0000080, %%ecx; rdmsr; or $0x100, %%eax; wrmsr;"
		"mov %%cr0, %%eax; and $~0x6000000e, %%eax; or $0x80010001, %%eax; mov %%eax, %%cr0; jmp 1f; 1:"
		:
		: "r"(TABLES)
		: "eax", "ecx", "edx", "memory");
}

static void set_up(void)
{
	struct safe *safe = (struct safe *)(CAPTURE + 0x100);

	copy(STUBS, stubs, STUBS_SIZE);
	copy(FAR_STUBS, stubs, STUBS_SIZE);
	for (unsigned i = 0; i < VECTORS; i++) /* in MOV EBX, id */
		*(uint8_t *)(FAR_STUBS + HANDLERS64 + i * 16 + 2) = HANDLER_FAR >> 8;
	for (unsigned i = 0; i < 256; i++) {
		safe[i].esp = SAFE_STACK + 0x400 * (i & 3) + 0x400;
		safe[i].ss = (i & 3) == 3 ? SEL(G_FLAT3, 3) : SEL(G_SAFE + (i & 3), i & 3);
	}
	memset((void *)TABLES, 0, 0x7000);
	set_up_pages();
	wrmsr(0x174, SEL(G_SYSENTER, 0));
	wrmsr(0x175, (uint32_t)stack);
	wrmsr(0x176, (uint32_t)back);
	*APIC_SVR = 0x1ff;
	set_up_interrupts(TEST_VECTOR & ~7);
}

static void install(const struct world *w)
{
	copy(GDT_BASE, w->gdt, sizeof(w->gdt));
	copy(LDT_BASE, w->ldt, sizeof(w->ldt));
	copy(IDT_BASE, w->idt, sizeof(w->idt));
	copy(TSS_BASE, w->tss, sizeof(w->tss));
	for (unsigned i = 0; i < w->images; i++)
		copy_bytes((uint32_t)(w->rsp + i * return_size(w)) & MEMORY, &w->image[i], return_size(w));
	load_table(false, GDT_BASE, GDT_ENTRIES * 8 - 1);
	__asm__ volatile("ltr %w0; lldt %w1" : : "r"(SEL(G_TSS, 0)), "r"((uint32_t)w->ldt_sel) : "memory");
	load_table(false, GDT_BASE, w->gdt_limit);
	load_table(true, IDT_BASE, w->idt_limit);
}

static void enter_program(const struct world *w)
{
	struct start s = {w->rip, w->cs, w->rflags, w->rsp, w->ss, w->rax, w->rdx, w->rbp, w->es, w->ds, w->fs, w->gs};

	copy(LOW_FRAME, &s, sizeof(s));
	memset((void *)CAPTURE, 0, sizeof(struct capture));
	enter((const struct start *)LOW_FRAME);
}

/* ---- the record ---- */

static void record(uint32_t index, const struct world *w)
{
	const struct capture *c = (const struct capture *)CAPTURE;
	/* the stack began at a multiple of 16: five or six values */
	uint32_t bytes = c->rsp & 8 ? 40 : 48;

	put_hex(index, 5);
	put_field(c->id);
	put_field(c->cs);
	put_field(c->ss);
	put_field(c->rsp);
	put_field(c->rflags);
	put_field(c->cr2);
	if (shows_segments(w)) {
		put_field(c->ds & 0xffff);
		put_field(c->es & 0xffff);
		put_field(c->fs & 0xffff);
		put_field(c->gs & 0xffff);
	}
	put(' ');
	put(':');
	if (c->id == RETURN_VECTOR || c->id == RETURN32 || c->id == RETURN16) /* nothing was pushed */
		bytes = 0;
	for (uint32_t i = 0; i < bytes; i++)
		put_byte(i, *(const uint8_t *)(((uint32_t)c->rsp + i) & MEMORY));
	put('\n');
}

/* An NMI that waits for IRETQ: it was sent while NMIs were blocked. */
static void raise_nmi(void)
{
	static struct world quiet;

	world_build(0, &quiet);
	for (unsigned i = 0; i < VECTORS; i++)
		quiet.idt[i][0] = quiet.idt[MISSED_VECTOR][0];
	install(&quiet);
	take_nmi(APIC_ICR, SEND_NMI);
	*APIC_ICR = SEND_NMI;
}

static void one(uint32_t index)
{
	if (world.source == SRC_NMI)
		raise_nmi();
	install(&world);
	set_wp(world.wp);
	__asm__ volatile("mov %0, %%cr2" : : "r"(0));
	if (world.source == SRC_EXT)
		raise_irq();
	set_pages(&world.guarded, true, pte);
	enter_program(&world);
	set_pages(&world.guarded, false, pte);
	set_wp(true);
	if (world.source == SRC_EXT)
		lower_irq();
	record(index, &world);
}

void main(uint32_t magic, const uint32_t *multiboot)
{
	uint32_t n = world_count(), every = step(magic, multiboot);

	world_build(0, &world);
	copy(GDT_BASE, world.gdt, sizeof(world.gdt));
	load_table(false, GDT_BASE, GDT_ENTRIES * 8 - 1);
	LOAD_SEGMENTS(SEL(G_MONITOR_CS, 0), SEL(G_MONITOR_SS, 0), SEL(G_FLAT3, 3));
	set_up();
	for (uint32_t i = 0; i < n; i += every)
		if (world_build(i, &world))
			one(i);
	end();
}
