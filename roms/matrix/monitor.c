/* The delivery matrix's monitor: for every combination it puts the world into memory, enters the interrupted program,
 * and prints to port E9h what the handler found:
 *
 *   index handler cs ss esp eflags cr2 [ds es fs gs] : frame [: saved]
 *
 * all hexadecimal; the segment registers where the event came in virtual-8086 mode or is a return; the frame as bytes
 * from SS:ESP up to where the stack began; saved: EIP, EFLAGS, ESP, CS, SS in the interrupted task's TSS, where the
 * handler is a task.
 */
#include "machine.h"
#include "world.h"

extern const uint8_t stubs[], stubs_end[];
extern uint8_t stack[], back[];

/* In the order IRETD and LSS, JMP want it (stubs.S). */
struct start {
	uint32_t eip, cs, eflags, esp, ss, es, ds, fs, gs, eax;
};

struct capture {
	uint32_t id, esp, eflags, cs, ss, ds, es, fs, gs;
};

struct safe {
	uint32_t esp, ss;
};

void enter_outer(const struct start *);
void enter_ring0(const struct start *);
void main(uint32_t magic, const uint32_t *multiboot);

static struct world world;

/* ---- set-up ---- */

static volatile uint32_t *pte(uint32_t linear)
{
	return (uint32_t *)PAGE_TABLE + (linear >> 12);
}

static void set_up(void)
{
	struct safe *safe = (struct safe *)(CAPTURE + 0x100);
	volatile uint32_t *dir = (uint32_t *)PAGE_DIR;
	const uint16_t int_return = 0xcd | RETURN_VECTOR << 8;

	copy(STUBS, stubs, 0x1200);
	copy(FAR_STUBS, stubs, 0x1200);
	for (unsigned i = 0; i < VECTORS; i++) /* in MOV EBX, id */
		*(uint8_t *)(FAR_STUBS + HANDLERS32 + i * 16 + 4) = HANDLER_FAR >> 8;
	copy(V86_CODE, stubs + V86_TRIGGERS, 0x200);
	/* INT 46h where a processor gets to that takes a return's CS for one of virtual-8086 mode */
	for (unsigned rpl = 0; rpl < 4; rpl++)
		copy_bytes((SEL(G_TEST_CS, rpl) << 4) + HANDLERS32 + RETURN_VECTOR * 16, &int_return, 2);
	for (unsigned i = 0; i < 256; i++) {
		safe[i].esp = SAFE_STACK + 0x400 * (i & 3) + 0x400;
		safe[i].ss = (i & 3) == 3 ? SEL(G_FLAT3, 3) : SEL(G_SAFE + (i & 3), i & 3);
	}
	for (unsigned i = 0; i < 1024; i++) {
		dir[i] = 0;
		*pte(i << 12) = i << 12 | ALL_RIGHTS;
	}
	*pte(ABSENT) = 0;
	dir[0] = PAGE_TABLE | ALL_RIGHTS;
	__asm__ volatile("mov %0, %%cr3; mov %%cr0, %%eax; and $~0x6000000e, %%eax; or $0x80010001, %%eax;"
			 "mov %%eax, %%cr0"
			 :
			 : "r"(PAGE_DIR)
			 : "eax", "memory");
	wrmsr(0x174, SEL(G_MONITOR_CS, 0));
	wrmsr(0x175, (uint32_t)stack);
	wrmsr(0x176, (uint32_t)back);
	set_up_interrupts(TEST_VECTOR & ~7);
}

static void install(const struct world *w)
{
	copy(GDT_BASE, w->gdt, sizeof(w->gdt));
	copy(LDT_BASE, w->ldt, sizeof(w->ldt));
	copy(IDT_BASE, w->idt, sizeof(w->idt));
	for (unsigned i = 0; i < TSS_COUNT; i++)
		copy(world_tss_base(i), w->tss[i], sizeof(w->tss[i]));
	for (unsigned i = 0; i < w->images; i++)
		copy_bytes(CUR_STACK + w->esp + i * return_size(w), &w->image[i], return_size(w));
	load_table(false, GDT_BASE, GDT_ENTRIES * 8 - 1);
	__asm__ volatile("ltr %w0; lldt %w1" : : "r"(SEL(G_TSS, 0)), "r"((uint32_t)w->ldt_sel) : "memory");
	load_table(false, GDT_BASE, w->gdt_limit);
	load_table(true, IDT_BASE, w->idt_limit);
}

static void enter(const struct world *w)
{
	struct start s = {w->eip, w->cs, w->eflags, w->esp, w->ss, w->es, w->ds, w->fs, w->gs, w->eax};

	if (w->level == 0) {
		s.eflags &= ~0x200u;
		enter_ring0(&s);
	} else {
		copy(LOW_FRAME, &s, sizeof(s));
		enter_outer((const struct start *)LOW_FRAME);
	}
}

/* ---- the record ---- */

static uint64_t descriptor(uint32_t selector)
{
	const uint64_t *table = (const uint64_t *)(selector & 4 ? LDT_BASE : GDT_BASE);

	return table[selector >> 3 & (GDT_ENTRIES - 1)];
}

/* Where the stack that the handler found itself on began. */
static uint32_t stack_top(const struct world *w, const struct capture *c, const uint8_t *tss, bool tss32)
{
	const uint16_t *t = (const uint16_t *)tss;

	if ((c->id & 0xff) >= VECTORS)
		return tss32 ? t[0x1c] | (uint32_t)t[0x1d] << 16 : t[0x0d];
	if (c->ss == w->ss && w->level != V86)
		return w->esp;
	t = (const uint16_t *)w->tss[TSS_CUR];
	if (w->tss32)
		return t[2 + (c->cs & 3) * 4] | (uint32_t)t[3 + (c->cs & 3) * 4] << 16;
	return t[1 + (c->cs & 3) * 2];
}

static void put_frame(const struct world *w, const struct capture *c)
{
	unsigned task = c->id == TASK_DF ? TSS_DF : c->id == TASK_TEST ? TSS_TEST : TSS_EXC + c->id - TASK_EXC;
	uint64_t d = descriptor(c->ss);
	uint32_t base = ((uint32_t)(d >> 16) & 0xffffff) | ((uint32_t)(d >> 32) & 0xff000000);
	uint32_t mask = d >> 54 & 1 ? 0xffffffff : 0xffff, top, bytes;

	task %= TSS_COUNT;
	top = stack_top(w, c, w->tss[task], (w->gdt[G_TASK_TSS] >> 43 & 1) || task != TSS_TEST);
	bytes = (top - c->esp) & mask;
	if (is_return(w) && c->id == RETURN_VECTOR && !returns_to_v86(w)) /* nothing was pushed */
		bytes = 0;
	put(' ');
	put(':');
	if (base < 0x110000 && base != 0)
		bytes = 0;
	for (uint32_t i = 0; i < bytes && i < 44; i++) {
		uint32_t linear = base + ((c->esp + i) & mask);

		put_byte(i, linear < 0x160000 ? *(const uint8_t *)linear : 0);
	}
}

static void put_saved(const struct world *w)
{
	static const uint8_t at32[] = {0x20, 0x24, 0x38, 0x4c, 0x50}, at16[] = {0x0e, 0x10, 0x1a, 0x24, 0x26};

	put(' ');
	put(':');
	for (unsigned i = 0; i < 5; i++)
		put_field(w->tss32 ? *(const uint32_t *)(TSS_BASE + at32[i]) : *(const uint16_t *)(TSS_BASE + at16[i]));
}

static void record(uint32_t index, const struct world *w, uint32_t cr2)
{
	const struct capture *c = (const struct capture *)CAPTURE;

	put_hex(index, 5);
	put_field(c->id);
	put_field(c->cs & 0xffff);
	put_field(c->ss & 0xffff);
	put_field(c->esp);
	put_field(c->eflags);
	put_field(cr2);
	if (w->level == V86 || is_return(w)) {
		put_field(c->ds & 0xffff);
		put_field(c->es & 0xffff);
		put_field(c->fs & 0xffff);
		put_field(c->gs & 0xffff);
	}
	put_frame(w, c);
	if ((c->id & 0xff) >= VECTORS)
		put_saved(w);
	put('\n');
}

static void one(uint32_t index)
{
	uint32_t cr2;

	install(&world);
	set_wp(world.wp);
	__asm__ volatile("mov %0, %%cr2" : : "r"(0));
	if (world.source == SRC_EXT)
		raise_irq();
	set_pages(&world.guarded, true, pte);
	enter(&world);
	set_pages(&world.guarded, false, pte);
	set_wp(true);
	if (world.source == SRC_EXT)
		lower_irq();
	__asm__ volatile("mov %%cr2, %0" : "=r"(cr2));
	record(index, &world, cr2);
}

/* The test world's selectors, in its table. */
static void use_world_gdt(void)
{
	world_build(0, &world);
	copy(GDT_BASE, world.gdt, sizeof(world.gdt));
	load_table(false, GDT_BASE, GDT_ENTRIES * 8 - 1);
	LOAD_SEGMENTS(SEL(G_MONITOR_CS, 0), SEL(G_MONITOR_SS, 0), SEL(G_FLAT3, 3));
}

void main(uint32_t magic, const uint32_t *multiboot)
{
	uint32_t n = world_count(), every = step(magic, multiboot);

	use_world_gdt();
	set_up();
	for (uint32_t i = 0; i < n; i += every)
		if (world_build(i, &world))
			one(i);
	end();
}
