/* The delivery matrix's monitor: for every combination it puts the world into memory, enters the interrupted program,
 * and prints to port E9h what the handler found:
 *
 *   index handler cs ss esp eflags cr2 [ds es fs gs] : frame [: saved]
 *
 * all hexadecimal; the segment registers where the event came in virtual-8086 mode or is a return; the frame as bytes
 * from SS:ESP up to where the stack began; saved: EIP, EFLAGS, ESP, CS, SS in the interrupted task's TSS, where the
 * handler is a task.
 */
#include "pc.h"
#include "world.h"

#include <stddef.h>

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
void *memset(void *at, int c, size_t n);
void *memcpy(void *to, const void *from, size_t n);

static struct world world;

/* ---- the machine ---- */

static inline void outb(uint16_t port, uint8_t v)
{
	__asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}

static inline uint8_t inb(uint16_t port)
{
	uint8_t v;

	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline void wrmsr(uint32_t n, uint32_t v)
{
	__asm__ volatile("wrmsr" : : "c"(n), "a"(v), "d"(0));
}

static inline void invlpg(uint32_t linear)
{
	__asm__ volatile("invlpg (%0)" : : "r"(linear) : "memory");
}

static inline void load_table(bool idt, uint32_t base, uint32_t limit)
{
	struct {
		uint16_t limit;
		uint32_t base;
	} __attribute__((packed)) r = {(uint16_t)limit, base};

	if (idt)
		__asm__ volatile("lidt %0" : : "m"(r));
	else
		__asm__ volatile("lgdt %0" : : "m"(r));
}

static void copy(uint32_t to, const void *from, uint32_t bytes)
{
	void *d = (void *)to;

	__asm__ volatile("rep movsl" : "+D"(d), "+S"(from), "=c"(bytes) : "2"(bytes / 4) : "memory");
}

/* What compilers call of their own accord. */
void *memset(void *at, int c, size_t n)
{
	void *d = at;

	__asm__ volatile("rep stosb" : "+D"(d), "+c"(n) : "a"(c) : "memory");
	return at;
}

void *memcpy(void *to, const void *from, size_t n)
{
	void *d = to;

	__asm__ volatile("rep movsb" : "+D"(d), "+S"(from), "+c"(n) : : "memory");
	return to;
}

static void copy_bytes(uint32_t to, const void *from, uint32_t bytes)
{
	memcpy((void *)to, from, bytes);
}

/* ---- output ---- */

static void put(char c)
{
	outb(PORT_DEBUGCON, (uint8_t)c);
}

static void put_hex(uint32_t v, int digits)
{
	while (digits < 8 && v >> (digits * 4))
		digits++;
	while (digits--)
		put("0123456789abcdef"[v >> (digits * 4) & 15]);
}

static void put_field(uint32_t v)
{
	put(' ');
	put_hex(v, 1);
}

/* ---- set-up ---- */

#define ALL (PAGE_PRESENT | PAGE_WRITE | PAGE_USER)

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
		*pte(i << 12) = i << 12 | ALL;
	}
	*pte(ABSENT) = 0;
	dir[0] = PAGE_TABLE | ALL;
	__asm__ volatile("mov %0, %%cr3; mov %%cr0, %%eax; and $~0x6000000e, %%eax; or $0x80010001, %%eax;"
			 "mov %%eax, %%cr0"
			 :
			 : "r"(PAGE_DIR)
			 : "eax", "memory");
	wrmsr(0x174, SEL(G_MONITOR_CS, 0));
	wrmsr(0x175, (uint32_t)stack);
	wrmsr(0x176, (uint32_t)back);
	outb(0x20, 0x11); /* both PICs: edge triggered; IRQ 0 at 40h; IRQ 4 alone is let through */
	outb(0x21, TEST_VECTOR & ~7);
	outb(0x21, 4);
	outb(0x21, 1);
	outb(0xa0, 0x11);
	outb(0xa1, 0x70);
	outb(0xa1, 2);
	outb(0xa1, 1);
	outb(0x21, 0xef);
	outb(0xa1, 0xff);
	outb(0x3fb, 3); /* the UART: its transmitter is empty, so IER bit 1 is an interrupt request */
	outb(0x3f9, 0);
	outb(0x3fc, 8);
}

/* The UART asks for IRQ 4, and the PIC has seen it. */
static void raise_irq(void)
{
	outb(0x3f9, 2);
	outb(0x20, 0x0a);
	for (unsigned i = 0; i < 100000 && !(inb(0x20) & 0x10); i++)
		;
}

static void lower_irq(void)
{
	outb(0x3f9, 0);
	inb(0x3fa);
	outb(0x20, 0x20);
}

static void set_wp(bool wp)
{
	uint32_t cr0;

	__asm__ volatile("clts; mov %%cr0, %0" : "=r"(cr0));
	if ((cr0 >> 16 & 1) != wp)
		__asm__ volatile("mov %0, %%cr0" : : "r"(cr0 ^ 0x10000) : "memory");
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

static void set_pages(const struct world *w, bool on)
{
	for (unsigned i = 0; i < w->pages; i++) {
		*pte(w->page[i].linear) = w->page[i].linear | (on ? w->page[i].flags : ALL);
		invlpg(w->page[i].linear);
	}
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

		if (i % 2 == 0)
			put(i % 4 ? '.' : ' ');
		put_hex(linear < 0x160000 ? *(const uint8_t *)linear : 0, 2);
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
	set_pages(&world, true);
	enter(&world);
	set_pages(&world, false);
	set_wp(true);
	if (world.source == SRC_EXT)
		lower_irq();
	__asm__ volatile("mov %%cr2, %0" : "=r"(cr2));
	record(index, &world, cr2);
}

/* A number on the Multiboot command line (behind the image's name, where the loader puts that): each STEPth index only.
 */
static uint32_t step(uint32_t magic, const uint32_t *multiboot)
{
	const char *s;
	uint32_t n = 0;

	if (magic != 0x2badb002 || !(multiboot[0] & 4))
		return 1;
	for (s = (const char *)multiboot[4]; *s; s++)
		n = *s >= '0' && *s <= '9' ? n * 10 + (uint32_t)(*s - '0') : 0;
	return n ? n : 1;
}

/* The test world's selectors, in its table. */
static void use_world_gdt(void)
{
	world_build(0, &world);
	copy(GDT_BASE, world.gdt, sizeof(world.gdt));
	load_table(false, GDT_BASE, GDT_ENTRIES * 8 - 1);
	__asm__ volatile("ljmp %0, $1f; 1: mov %1, %%ss; mov %2, %%ds; mov %2, %%es; mov %2, %%fs; mov %2, %%gs"
			 :
			 : "i"(SEL(G_MONITOR_CS, 0)), "r"(SEL(G_MONITOR_SS, 0)), "r"(SEL(G_FLAT3, 3)));
}

static void end(void)
{
	for (const char *s = "end\n"; *s; s++)
		put(*s);
	for (const char *s = "Shutdown"; *s; s++) /* Bochs switches off by these */
		outb(0x8900, (uint8_t)*s);
	outb(PORT_DEBUG_EXIT, 0);
	__asm__ volatile("outw %w0, %w1" : : "a"(POWER_OFF), "d"(PORT_POWER_OFF));
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
