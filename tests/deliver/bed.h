/* A whole processor whose gates and segments a test bends, one event, and what
 * became of it. */
#ifndef TRAPGATE_TESTS_DELIVER_BED_H
#define TRAPGATE_TESTS_DELIVER_BED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "cpu/desc.h"
#include "rig/rig.h"

/* Selectors beside the rig's. */
#define CS1  0x39u /* flat code of DPL 1: its stack is SS1:ESP1 */
#define DS1  0x41u
#define CODE 0x48u /* what a test is about: a code segment */
#define DATA 0x50u /*                       a stack */
#define CONF 0x58u /* conforming, DPL 0 */
#define NOWHERE 0x2000u /* beyond the GDT */
#define LDT_CODE 0x0cu  /* flat code of DPL 0 in the LDT */
#define STACK1 0x24000u

/* Access bytes with P = 1, accessed. */
#define A_CODE(dpl) (0x9bu | (dpl) << 5)
#define A_CONF(dpl) (0x9fu | (dpl) << 5)
#define A_DATA(dpl) (0x93u | (dpl) << 5)
#define A_DOWN(dpl) (0x97u | (dpl) << 5) /* expand-down */
#define ABSENT(access) ((access) & ~0x80u)
#define G_INT32(dpl)  (0x8eu | (dpl) << 5)
#define G_TRAP32(dpl) (0x8fu | (dpl) << 5)
#define G_INT16(dpl)  (0x86u | (dpl) << 5)
#define G_TRAP16(dpl) (0x87u | (dpl) << 5)
#define FLAT 0xfffffu
#define F_32 0xcu      /* G, D/B */
#define F_32_BYTE 0x4u /* D/B, limit in bytes */
#define F_16 0x0u

#define NOP 0x90
#define V 0x50u /* the vector that INT n and the interrupt pin use */

static struct rig *r;
static uint64_t deliveries_before; /* of the present scene */

static inline int bed_setup(void **state)
{
	r = rig_new("max", 8 << 20);
	return r == NULL;
}

static inline int bed_teardown(void **state)
{
	rig_free(r);
	r = NULL;
	return 0;
}

#define T(f) cmocka_unit_test_setup_teardown(f, bed_setup, bed_teardown)

static inline struct arch_state *s(void) { return &r->cpu.s; }
static inline uint32_t reg(enum gpr n) { return (uint32_t)s()->gpr.r64[n]; }
static inline void set_reg(enum gpr n, uint32_t v) { s()->gpr.r64[n] = v; }
static inline uint32_t flags(void) { return (uint32_t)cpu_flags(&r->cpu); }

static inline void set_flags(uint32_t set, uint32_t clear)
{
	s()->rflags = (cpu_flags(&r->cpu) & ~(uint64_t)clear) | set;
	cpu_state_changed(&r->cpu);
}

static inline void descriptor(unsigned sel, uint32_t base, uint32_t limit, unsigned access, unsigned nibble)
{
	rig_gdt(r, (uint16_t)sel, rig_descriptor(base, limit, (uint8_t)access, (uint8_t)nibble));
}

/* Loads a segment register with what its descriptor says, unchecked. */
static inline void load(enum seg seg, unsigned sel)
{
	struct descriptor d;
	uint64_t raw = 0;

	bus_peek(r->bus, RIG_GDT + (sel & ~7u), &raw, 8);
	desc_decode(&d, raw, (uint16_t)sel);
	s()->seg[seg] = d.seg;
	cpu_state_changed(&r->cpu);
}

static inline void at_cpl(unsigned cpl)
{
	const uint64_t ldt_code = rig_descriptor(0, FLAT, A_CODE(0), F_32);

	deliveries_before = r->trace.deliveries;
	rig_protected(r, cpl == 3 ? 3 : 0);
	descriptor(CS1, 0, FLAT, A_CODE(1), F_32);
	descriptor(DS1, 0, FLAT, A_DATA(1), F_32);
	descriptor(CONF, 0, FLAT, A_CONF(0), F_32);
	rig_write(r, RIG_LDT + (LDT_CODE & ~7u), &ldt_code, 8);
	rig_write32(r, RIG_TSS + 12, STACK1);
	rig_write16(r, RIG_TSS + 16, DS1);
	s()->seg[SEG_LDTR].limit = 0x7ff;
	if (cpl == 1) {
		s()->cpl = 1;
		load(SEG_CS, CS1);
		load(SEG_SS, DS1);
	}
}

/* Virtual-8086 mode at 1000:0, which is RIG_CODE; stack at 2000:F000; each segment
 * register another selector. */
static inline void at_vm86(unsigned iopl)
{
	static const uint16_t sel[] = {0x2111, RIG_CODE >> 4, 0x2000, 0x2333, 0x2444, 0x2555};

	at_cpl(3);
	for (unsigned i = SEG_ES; i <= SEG_GS; i++)
		s()->seg[i] = vm86_segment(sel[i]);
	s()->rip = 0;
	set_reg(RSP, 0xf000);
	s()->rflags = FLAG_ONE | FLAG_VM | iopl << FLAG_IOPL_SHIFT;
	cpu_state_changed(&r->cpu);
}

static inline void at_real(void)
{
	deliveries_before = r->trace.deliveries;
	rig_real(r, RIG_CODE >> 4, 0);
}

static inline void code(const void *bytes, size_t size) { rig_write(r, RIG_CODE, bytes, size); }
#define INSN(...) code((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

/* ---- events ---- */
enum way { INT_N, INT_3, INT_O, INT_1, INVALID, PIN, NMI, WAYS };

/* The vector of each way, and the EXT bit of a fault on the way to its handler. */
static const struct { uint8_t vector, ext; } ways[WAYS] = {
	[INT_N] = {V, 0}, [INT_3] = {VEC_BP, 0}, [INT_O] = {VEC_OF, 0}, [INT_1] = {VEC_DB, 1},
	[INVALID] = {VEC_UD, 1}, [PIN] = {V, 1}, [NMI] = {VEC_NMI, 1},
};

static inline bool software(enum way way) { return way == INT_N || way == INT_3 || way == INT_O; }
static inline uint32_t idt_error(enum way way) { return ways[way].vector * 8u + 2 + ways[way].ext; }

/* Makes the event happen, as one step of the processor. */
static inline enum stop happen(enum way way)
{
	static const uint8_t text[WAYS][2] = {
		[INT_N] = {0xcd, V}, [INT_3] = {0xcc}, [INT_O] = {0xce}, [INT_1] = {0xf1}, [INVALID] = {0x0f, 0x0b},
	};

	code(text[way], 2);
	if (way == INT_O)
		s()->rflags |= FLAG_OF;
	if (way == PIN)
		s()->rflags |= FLAG_IF;
	cpu_state_changed(&r->cpu);
	if (way == PIN)
		rig_interrupt(r, V);
	if (way == NMI)
		cpu_pulse_nmi(&r->cpu, 0);
	return cpu_step(&r->cpu);
}

/* ---- what became of it ---- */
static inline void assert_why(unsigned found, enum why why)
{
	assert_string_equal(why_info((enum why)found)->name, why_info(why)->name);
}

/* The last delivery, which must be one of the present scene. */
static inline const struct delivery_record *last(void)
{
	assert_true(r->trace.deliveries > deliveries_before);
	return rig_last(r, 0);
}

/* The record that the last one came of, over all that lie between. */
static inline const struct delivery_record *first(unsigned *chain)
{
	const struct delivery_record *d = last();

	for (*chain = 0; d->parent; (*chain)++)
		d = rig_last(r, *chain + 1);
	return d;
}

/* The event was refused at that step, and the exception that came of it is the next. */
static inline void refused(enum vector vector, uint32_t error, enum why why, enum delivery_step step)
{
	unsigned chain;
	const struct delivery_record *d = first(&chain), *next = rig_last(r, chain - 1);

	assert_true(chain > 0);
	assert_why(d->refused.why, why);
	assert_int_equal(d->outcome, OUT_FAULTED);
	assert_int_equal(d->step, step);
	assert_int_equal(d->refused.vector, vector);
	assert_int_equal(d->refused.error, error);
	assert_int_equal(next->vector, vector);
	assert_int_equal(next->parent, d->id);
	assert_int_equal(next->from.rip, in_real(&r->cpu) ? RIG_CODE & 0xffff : RIG_CODE);
	if (next->outcome == OUT_DELIVERED && !in_real(&r->cpu)) {
		assert_int_equal(rig_read32(r, next->frame), error);
		assert_int_equal(rig_read32(r, next->frame + 4), RIG_CODE);
	}
}

static inline void delivered(unsigned vector)
{
	assert_int_equal(last()->outcome, OUT_DELIVERED);
	assert_int_equal(last()->vector, vector);
	assert_int_equal(last()->step, STEP_COMMIT);
	assert_int_equal(last()->parent, 0);
}

/* The instruction at RIG_CODE faulted so, and its handler was reached. */
static inline void faulted(enum vector vector, uint32_t error, enum why why)
{
	assert_why(last()->why, why);
	assert_int_equal(last()->kind, EV_FAULT);
	assert_int_equal(last()->vector, vector);
	assert_int_equal(last()->error, error);
	assert_int_equal(last()->from.cs_base + last()->from.rip, RIG_CODE);
	assert_int_equal(last()->outcome, OUT_DELIVERED);
}

/* ---- stacks ---- */
static inline uint32_t word(unsigned n) { return rig_read32(r, last()->frame + 4 * n); }
static inline uint16_t half(unsigned n) { return rig_read16(r, last()->frame + 2 * n); }

/* Words at SS:ESP, the lowest first. */
static inline void put_words(unsigned bytes, unsigned n, const uint32_t *words)
{
	uint64_t at = s()->seg[SEG_SS].base + s()->gpr.r64[RSP];

	for (unsigned i = 0; i < n; i++)
		rig_write(r, at + i * bytes, &words[i], bytes);
}
#define PUT32(...) put_words(4, sizeof((uint32_t[]){__VA_ARGS__}) / 4, (const uint32_t[]){__VA_ARGS__})
#define PUT16(...) put_words(2, sizeof((uint32_t[]){__VA_ARGS__}) / 4, (const uint32_t[]){__VA_ARGS__})

/* Maps one page with that entry (rig_paging() first). */
static inline void map(uint32_t page, uint32_t entry)
{
	rig_write32(r, 0x81000 + page / 4096 * 4, entry);
	cpu_state_changed(&r->cpu);
}
static inline void unmap(uint32_t page) { map(page, 0); }

#endif
