/* The bed in IA-32e mode: 64-bit code or compatibility mode, gates of 16 bytes.  Addresses of
 * any canonical page lead to RAM: see rig_long64(). */
#ifndef TRAPGATE_TESTS_DELIVER_BED64_H
#define TRAPGATE_TESTS_DELIVER_BED64_H

#include "deliver/bed.h"

/* Selectors beside the rig's and the bed's (CODE and DATA are what a test is about). */
#define CS1_64 0x61u /* 64-bit code of DPL 1: its stack is RSP1 */
#define CS2_64 0x6au
#define CONF64 0x70u /* conforming 64-bit code, DPL 0 */
#define CSC(cpl) (0x78u + 8 * (cpl) + (cpl)) /* 32-bit code of that DPL: compatibility mode */
#define DSC(cpl) (0x98u + 8 * (cpl) + (cpl)) /* data of that DPL */
#define CS64(cpl) ((cpl) == 0 ? RIG_CS0_64 : (cpl) == 1 ? CS1_64 : (cpl) == 2 ? CS2_64 : RIG_CS3_64)

#define F_64   0xau /* G, L */
#define F_BOTH 0xeu /* G, D, L */
#define G_INT64(dpl)  (0x8eu | (dpl) << 5)
#define G_TRAP64(dpl) (0x8fu | (dpl) << 5)
#define RSP_AT(n) (RIG_TSS + 4 + 8 * (n))
#define IST_AT(n) (RIG_TSS + 0x1c + 8 * (n))
#define STACK2 0x24800u

#define NOT_CANONICAL UINT64_C(0x0000900000000000)
#define LAST_LOW      UINT64_C(0x00007fffffffffff) /* the last canonical address of the lower half */
#define FIRST_HIGH    UINT64_C(0xffff800000000000)

/* INTO is no instruction of 64-bit mode. */
#define EACH_WAY64(way) for (enum way way = INT_N; way < WAYS; way++) if (way != INT_O)

static inline void tables64(void)
{
	descriptor(CS1_64, 0, FLAT, A_CODE(1), F_64);
	descriptor(CS2_64, 0, FLAT, A_CODE(2), F_64);
	descriptor(CONF64, 0, FLAT, A_CONF(0), F_64);
	for (unsigned cpl = 0; cpl < 4; cpl++) {
		descriptor(CSC(cpl), 0, FLAT, A_CODE(cpl), F_32);
		descriptor(DSC(cpl), 0, FLAT, A_DATA(cpl), F_32);
	}
	rig_write64(r, RSP_AT(1), STACK1);
	rig_write64(r, RSP_AT(2), STACK2);
}

static inline void at64(unsigned cpl)
{
	deliveries_before = r->trace.deliveries;
	rig_long64(r, cpl);
	tables64();
	s()->cpl = (uint8_t)cpl;
	load(SEG_CS, CS64(cpl));
	load(SEG_SS, DSC(cpl));
}

/* Compatibility mode, 32-bit code and stack. */
static inline void at_compat(unsigned cpl)
{
	at64(cpl);
	load(SEG_CS, CSC(cpl));
}

static inline void at_mode(bool compat, unsigned cpl) { compat ? at_compat(cpl) : at64(cpl); }

static inline void gate64(enum way way, unsigned sel, uint64_t offset, unsigned access, unsigned ist)
{
	rig_gate64(r, ways[way].vector, (uint16_t)sel, offset, (uint8_t)access, ist);
}

static inline uint64_t rsp(void) { return s()->gpr.r64[RSP]; }
static inline void set_rsp(uint64_t v) { s()->gpr.r64[RSP] = v; }
static inline uint64_t rflags(void) { return cpu_flags(&r->cpu); }

/* Of the last frame. */
static inline uint64_t word64(unsigned n) { return rig_read64(r, (last()->frame & 0x3fffff) + 8 * n); }

/* As refused(), with frames of 8-byte words. */
static inline void refused64(enum vector vector, uint32_t error, enum why why, enum delivery_step step)
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
	assert_int_equal(next->from.rip, RIG_CODE);
	if (next->outcome == OUT_DELIVERED) {
		assert_int_equal(rig_read64(r, next->frame), error);
		assert_int_equal(rig_read64(r, next->frame + 8), RIG_CODE);
	}
}

static inline void put_words64(unsigned bytes, unsigned n, const uint64_t *words)
{
	for (unsigned i = 0; i < n; i++)
		rig_write(r, (rsp() & 0x3fffff) + i * bytes, &words[i], bytes);
}
#define PUT64(bytes, ...) put_words64(bytes, sizeof((uint64_t[]){__VA_ARGS__}) / 8, (const uint64_t[]){__VA_ARGS__})

/* The page that begins at lin (below 4 MiB) with that entry. */
static inline void map64(uint32_t page, uint64_t entry)
{
	rig_write64(r, RIG_PT + page / 4096 * 8, entry);
	cpu_state_changed(&r->cpu);
}

#endif
