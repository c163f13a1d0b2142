#include "native/emulate.h"

#include <stdlib.h>

#include "cpu/desc.h"
#include "cpu/x87.h"
#include "native/generate.h"
#include "native/host.h"

#define GDT_AT     SYSTEM
#define IDT_AT     (SYSTEM + 0x1000)
#define TSS_AT     (SYSTEM + 0x2000)
#define LDT_AT     (SYSTEM + 0x3000)
#define HALT_AT    (SYSTEM + 0x4000)
#define STACK0_AT  (SYSTEM + 0x6000)
#define MOST_TICKS 300000u

const struct ldt_entry ldt_entries[LDT_COUNT] = {
	{LDT_BASE, 0xffff, 0x3, false, false, true}, {LDT_BASE, 0x2ff3, 0x3, true, false, true},
	{LDT_BASE, 0xffff, 0x1, false, false, true}, {LDT_BASE, 0x1800, 0x7, false, false, true},
	{ARENA, 0xffff, 0xb, false, false, true},    {LDT_BASE, 0xffff, 0x3, true, false, false},
	{0, 0xfffff, 0x9, true, true, true},         {ARENA, 0xffff, 0xb, true, false, true},
};

/* ---- descriptors ---- */
static uint64_t ldt_descriptor(unsigned i)
{
	const struct ldt_entry *e = &ldt_entries[i];

	return rig_descriptor(e->base, e->limit, (uint8_t)(e->type | 0x70 | (e->present ? 0x80 : 0)),
			      (uint8_t)((e->db ? 4 : 0) | (e->big ? 8 : 0)));
}

static uint64_t gdt_descriptor(unsigned i)
{
	static const uint16_t linux_gdt[16] = {
		[1] = 0xc09b, [2] = 0xa09b, [3] = 0xc093, [4] = 0xc0fb, [5] = 0xc0f3, [6] = 0xa0fb};

	if (i > 6 || i == 0)
		return 0;
	return rig_descriptor(0, 0xfffff, linux_gdt[i] & 0xff, linux_gdt[i] >> 12);
}

static uint64_t descriptor_of(uint16_t selector)
{
	unsigned i = selector >> 3;

	if (selector & 4)
		return i < LDT_COUNT ? ldt_descriptor(i) : 0;
	return gdt_descriptor(i);
}

static struct segment segments[128]; /* by selector; those with RPL 3, and null */

void emulator_make_segments(void)
{
	for (unsigned selector = 3; selector < 128; selector += 4) {
		struct descriptor d;
		desc_decode(&d, descriptor_of((uint16_t)selector), (uint16_t)selector);
		segments[selector] = d.seg;
	}
	segments[0] = null_segment(0);
}

const struct segment *emulator_segment(uint16_t selector)
{
	return &segments[selector & 127];
}

/* ---- paging ---- */
/* As Linux pages, with NX: 4 levels, or PAE. */
static void map_page(struct emulator *e, uint64_t linear, uint32_t pa, bool user, bool writable, bool execute)
{
	uint32_t table = PA_TABLES;

	for (unsigned level = NATIVE_BITS == 64 ? 3 : 2; level > 0; level--) {
		uint32_t entry = table + ((linear >> (12 + 9 * level)) & 511) * 8;
		bool pdpt = NATIVE_BITS == 32 && level == 2;
		if (!rig_read32(e->rig, entry)) {
			e->next_table += PAGE;
			rig_write32(e->rig, entry, e->next_table | (pdpt ? 1 : 0x67));
		}
		table = rig_read32(e->rig, entry) & ~0xfffu;
	}
	rig_write64(e->rig, table + ((linear >> 12) & 511) * 8,
		    pa | 0x61 | (user ? 4 : 0) | (writable ? 2 : 0) | (execute ? 0 : UINT64_C(1) << 63));
}

static void map_pages(struct emulator *e, uint32_t linear, uint32_t pa, uint32_t bytes, bool user, bool writable,
		      bool execute)
{
	for (uint32_t i = 0; i < bytes; i += PAGE) {
		map_page(e, linear + i, pa + i, user, writable, execute);
#if NATIVE_BITS == 64
		if (user)
			map_page(e, UPPER_ARENA + linear + i, pa + i, user, writable, execute);
#endif
	}
}

static void make_paging(struct emulator *e)
{
	e->next_table = PA_TABLES;
	map_pages(e, CODE, PA_CODE, CODE_BYTES, true, false, true);
	map_pages(e, DATA, PA_DATA, DATA_BYTES, true, true, false);
	map_pages(e, READ_ONLY, PA_READ_ONLY, PAGE, true, false, false);
	map_pages(e, STACK, PA_STACK, STACK_BYTES, true, true, false);
	map_pages(e, X87, PA_X87, PAGE, true, true, false);
	map_pages(e, SYSTEM, PA_SYSTEM, SYSTEM_BYTES, false, true, true);
}

/* ---- tables ---- */
static uint32_t system_pa(uint32_t linear)
{
	return linear - SYSTEM + PA_SYSTEM;
}

/* Linux lets ring 3 reach #BP and #OF by INT n, and 80h, which no test uses. */
static void make_tables(struct rig *r)
{
	for (unsigned i = 0; i < 16; i++)
		rig_write64(r, system_pa(GDT_AT) + i * 8, gdt_descriptor(i));
	for (unsigned i = 0; i < LDT_COUNT; i++)
		rig_write64(r, system_pa(LDT_AT) + i * 8, ldt_descriptor(i));
	for (unsigned v = 0; v < 256; v++) {
		uint64_t access = v == VEC_BP || v == VEC_OF ? 0xee : 0x8e, offset = HALT_AT;
		uint64_t selector = NATIVE_BITS == 64 ? 0x10 : 0x08;
		rig_write64(r, system_pa(IDT_AT) + v * (NATIVE_BITS / 4),
			    (offset & 0xffff) | selector << 16 | access << 40 | (offset >> 16) << 48);
	}
	rig_write8(r, system_pa(HALT_AT), 0xf4);
	rig_write32(r, system_pa(TSS_AT) + 4, STACK0_AT);
	rig_write32(r, system_pa(TSS_AT) + 8, NATIVE_BITS == 64 ? 0 : 0x18);
	rig_write16(r, system_pa(TSS_AT) + 0x66, 0x68);
}

void emulator_init(struct emulator *e)
{
	struct rig *r = e->rig = rig_new("max", 4 << 20);
	struct arch_state *s = &r->cpu.s;
	struct descriptor d;

	/* The host pushes and pops whole doublewords of segment registers. */
	e->model = *r->cpu.model;
	e->model.sreg_full_width = true;
	if (!host_has_la57())
		e->model.feature[FEAT_7_ECX] &= ~F7C_LA57;
	r->cpu.model = &e->model;

	emulator_make_segments();
	make_paging(e);
	make_tables(r);
	rig_real(r, 0, 0);
	s->cr0 = CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_PG;
	s->cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_OSXSAVE;
	s->xcr0 = XCR0_X87 | XCR0_SSE | XCR0_AVX;
	s->efer = EFER_NXE;
	s->cr3 = PA_TABLES;
	for (unsigned i = 0; i < 4; i++)
		s->pdpte[i] = rig_read32(r, PA_TABLES + i * 8);
	if (NATIVE_BITS == 64) {
		s->cr4 |= host_has_gs_base() ? CR4_FSGSBASE : 0;
		s->efer |= EFER_LME | EFER_LMA | EFER_SCE;
		r->cpu.how |= host_decodes();
	}
	s->gdtr = (struct table_register){GDT_AT, 0x7f};
	s->idtr = (struct table_register){IDT_AT, 256 * (NATIVE_BITS / 4) - 1};
	desc_decode(&d, rig_descriptor(TSS_AT, 0x67, 0x8b, 0), 0x40);
	s->seg[SEG_TR] = d.seg;
	desc_decode(&d, rig_descriptor(LDT_AT, LDT_COUNT * 8 - 1, 0x82, 0), 0x50);
	s->seg[SEG_LDTR] = d.seg;
	s->seg[SEG_FS] = null_segment(0);
	s->cpl = 3;
	x87_init(&s->fpu);
	e->blank = *s;
}

static const struct {
	uint32_t linear, pa, bytes;
} places[] = {
	{CODE, PA_CODE, CODE_BYTES},    {DATA, PA_DATA, DATA_BYTES}, {READ_ONLY, PA_READ_ONLY, PAGE},
	{STACK, PA_STACK, STACK_BYTES}, {X87, PA_X87, PAGE},
};

/* The upper arena is the lower one. */
static uint32_t physical(word at)
{
	uint32_t linear = (uint32_t)at;

#if NATIVE_BITS == 64
	if (UPPER(at) != 0 && UPPER(at) != UPPER_ARENA)
		return 0;
#endif
	for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (linear - places[i].linear < places[i].bytes)
			return linear - places[i].linear + places[i].pa;
	return 0;
}

uint8_t *emulator_memory(struct emulator *e, word linear)
{
	uint32_t pa = physical(linear);

	return pa ? e->rig->ram->host + pa : NULL;
}

void emulator_load(struct emulator *e, word linear, const void *bytes, unsigned size)
{
	rig_write(e->rig, physical(linear), bytes, size);
}

/* ---- one instruction ---- */
static void load_x87(struct fpu_state *f, const struct fsave *from)
{
	f->cw = (uint16_t)from->cw;
	f->sw = (uint16_t)from->sw;
	f->tw = (uint16_t)from->tw;
	f->fip = from->fip;
	f->fcs = (uint16_t)from->fcs_fop;
	f->fop = (from->fcs_fop >> 16) & 0x7ff;
	f->fdp = from->fdp;
	f->fds = (uint16_t)from->fds;
	for (unsigned i = 0; i < 8; i++)
		memcpy(x87_st(f, i), from->st[i], 10);
}

static void store_x87(struct outcome *end, struct fpu_state *f)
{
	end->fcw = f->cw;
	end->fsw = f->sw;
	end->full = 0;
	for (unsigned i = 0; i < 8; i++) {
		end->full |= (uint8_t)((((f->tw >> (2 * i)) & 3) != 3) << i);
		memcpy(end->st[i], x87_st(f, i), 10);
	}
}

static void load_vec(struct arch_state *s, const struct start *start)
{
	s->mxcsr = start->mxcsr;
	for (unsigned i = 0; i < REGS; i++)
		memcpy(&s->vec[i], start->ymm[i], 32);
}

static void store_vec(struct outcome *end, const struct arch_state *s)
{
	end->mxcsr = s->mxcsr;
	for (unsigned i = 0; i < REGS; i++)
		memcpy(end->ymm[i], &s->vec[i], 32);
}

static word pushed(const struct delivery_record *d, enum pushed_name name)
{
	for (unsigned i = 0; i < d->words; i++)
		if (d->word_name[i] == name)
			return (word)d->word[i];
	return 0;
}

bool emulator_run(struct emulator *e, const struct start *start, bool plain, struct outcome *end)
{
	struct cpu *cpu = &e->rig->cpu;
	struct arch_state *s = &cpu->s;

	*s = e->blank;
	for (unsigned i = 0; i < REGS; i++)
		s->gpr.r64[i] = start->gpr[i];
	s->rip = start->eip;
	s->rflags = start->eflags;
	s->seg[SEG_CS] = *emulator_segment(start->cs);
	s->seg[SEG_SS] = *emulator_segment(start->ss);
	s->seg[SEG_DS] = *emulator_segment(start->ds);
	s->seg[SEG_ES] = *emulator_segment(start->es);
	s->seg[SEG_GS] = *emulator_segment(start->gs);
	if (NATIVE_BITS == 64)
		s->seg[SEG_GS].base = start->gs_base;
	if (start->x87)
		load_x87(&s->fpu, &start->fpu);
	if (start->vec)
		load_vec(s, start);
	cpu_state_changed(cpu);
	x87_state_changed(cpu);
	cpu->plain = plain;
	uint64_t before = e->rig->trace.deliveries;
	if (rig_run(e->rig, MOST_TICKS) != STOP_HALT || e->rig->trace.deliveries == before)
		return false;
	const struct delivery_record *d = rig_last(e->rig, 0);
	if (d->outcome != OUT_DELIVERED)
		return false;
	*end = (struct outcome){
		.vector = d->vector,
		.error = d->has_error ? d->error : 0,
		.cr2 = (word)d->cr2,
		.eip = pushed(d, PUSH_IP),
		.eflags = (uint32_t)pushed(d, PUSH_FLAGS),
		.cs = (uint16_t)pushed(d, PUSH_CS),
		.ss = (uint16_t)pushed(d, PUSH_SS),
		.ds = s->seg[SEG_DS].sel,
		.es = s->seg[SEG_ES].sel,
		.gs = s->seg[SEG_GS].sel,
		.gs_base = NATIVE_BITS == 64 && host_has_gs_base() ? (word)s->seg[SEG_GS].base : 0,
	};
	for (unsigned i = 0; i < REGS; i++)
		end->gpr[i] = (word)(i == SP ? pushed(d, PUSH_SP) : s->gpr.r64[i]);
	store_x87(end, &s->fpu);
	store_vec(end, s);
	return true;
}
