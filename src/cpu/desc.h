/* Segment descriptors: reading them from GDT and LDT, taking them apart. */
#ifndef TRAPGATE_CPU_DESC_H
#define TRAPGATE_CPU_DESC_H

#include "cpu/cpu.h"

/* A descriptor in decoded form; raw is as it lies in memory.  seg is
 * what a segment register would hold; the gate_ functions are for gates. */
struct descriptor {
	uint64_t raw;
	uint64_t address;   /* linear, of its first byte */
	struct segment seg; /* usable = true; sel as asked for */
};

/* Limit, selector and attributes of a segment register as one word, written and read
 * as one: a load wider than the stores before it would have to wait for them to leave
 * the host's store buffer. */
static inline uint64_t segment_rest(const struct segment *seg)
{
	uint64_t rest;

	memcpy(&rest, &seg->limit, sizeof(rest));
	__asm__("" : "+r"(rest));
	return rest;
}

static inline void segment_set_rest(struct segment *seg, uint64_t rest)
{
	memcpy(&seg->limit, &rest, sizeof(rest));
}

static inline void segment_copy(struct segment *to, const struct segment *from)
{
	to->base = from->base;
	segment_set_rest(to, segment_rest(from));
}

static inline void desc_decode(struct descriptor *d, uint64_t raw, uint16_t sel)
{
	uint32_t limit = (uint32_t)(raw & 0xffff) | (uint32_t)(raw >> 32 & 0xf0000);

	if (raw >> 55 & 1) /* G */
		limit = limit << 12 | 0xfff;
	d->raw = raw;
	d->address = 0;
	d->seg.base = (raw >> 16 & 0xffffff) | (raw >> 32 & 0xff000000);
	segment_set_rest(&d->seg, limit | (uint64_t)sel << 32 |
				  ((raw >> 40 & SEGMENT_ATTRIBUTES) | SEGMENT_USABLE) << 48);
}

/* SDM 3A, "Call Gates".  Gates of 16 bits have types 4, 6, 7 (S = 0); their bits 63:48 are
 * reserved and the processor ignores them. */
static inline uint16_t gate_selector(const struct descriptor *d) { return (uint16_t)(d->raw >> 16); }
static inline unsigned gate_param_count(const struct descriptor *d) { return d->raw >> 32 & 0x1f; }
static inline uint32_t gate_offset(const struct descriptor *d)
{
	return (uint32_t)(d->raw & 0xffff) | (d->seg.type & 8 ? (uint32_t)(d->raw >> 32 & 0xffff0000) : 0);
}

/* Reads the descriptor that sel names (not null: the caller has checked).
 * Beyond the table's limit, or an LDT that is not usable: vector(sel & ~3 + ext)
 * with the given why.  Also #PF of the access. */
static inline bool desc_read(struct cpu *cpu, struct descriptor *d, uint16_t sel, enum vector vector, uint32_t ext,
			     enum why why);
/* The same without faults, for LAR, LSL, VERR, VERW: *found = false where the
 * selector is null or beyond the limit.  False only with a #PF. */
bool desc_probe(struct cpu *cpu, struct descriptor *d, uint16_t sel, bool *found) MUST_CHECK;

/* Sets the accessed bit in memory (only if it is clear) and in d.  #PF. */
bool desc_mark_accessed(struct cpu *cpu, struct descriptor *d) MUST_CHECK;
static inline bool desc_set_accessed(struct cpu *cpu, struct descriptor *d)
{
	return LIKELY(d->seg.type & TYPE_ACCESSED) || desc_mark_accessed(cpu, d);
}
/* TSS descriptors: sets or clears the busy bit in memory.  #PF. */
bool desc_set_busy(struct cpu *cpu, uint16_t tss_sel, bool busy) MUST_CHECK;

/* After a fault that reading a descriptor made: where the reason is that its address is not canonical, the fault
 * becomes #GP(error).  False. */
bool desc_unreadable(struct cpu *cpu, uint32_t error);
/* IA-32e mode: the upper half of a system descriptor of 16 bytes that desc_read() has read the lower one of (SDM 3A,
 * "System Segment Descriptors in 64-bit mode").  Beyond the table: #GP(sel) with the given why; bits 12:8 not
 * zero: #GP(sel) WHY_SYSTEM_UPPER_TYPE; #PF. */
bool desc_read_upper(struct cpu *cpu, const struct descriptor *d, enum why why, uint64_t *upper) MUST_CHECK;

static inline bool sel_null(uint16_t sel) { return (sel & ~SEL_RPL) == 0; }
static inline bool seg_is_code(const struct segment *s) { return s->s && (s->type & TYPE_CODE); }
static inline bool seg_is_conforming(const struct segment *s) { return seg_is_code(s) && (s->type & TYPE_CONFORMING); }
static inline bool seg_is_writable_data(const struct segment *s)
{
	return s->s && !(s->type & TYPE_CODE) && (s->type & TYPE_WRITABLE);
}
static inline bool seg_is_readable(const struct segment *s)
{
	return s->s && (!(s->type & TYPE_CODE) || (s->type & TYPE_READABLE));
}

/* segload.c: loads DS, ES, FS, GS or SS as MOV, POP, LDS ... do, in every
 * mode, with all checks (SDM 2A "MOV", 3A "Segment Loading").  Nothing changes on a
 * fault.  SS: the caller adds the shadow. */
bool load_data_segment(struct cpu *cpu, enum seg seg, uint16_t sel) MUST_CHECK;

/* Writes a segment register whole and lets everything derived follow (window,
 * stack mask, instruction pointer mask and limit, link epoch).  No checks. */
static inline void set_segment(struct cpu *cpu, enum seg seg, const struct segment *value);
/* What follows from a segment register that was written: window, masks, epoch. */
void segment_changed(struct cpu *cpu, enum seg seg);
/* The value a null selector gives: unusable. */
struct segment null_segment(uint16_t sel);
/* The same for DS, ES, FS, GS, with the base that FS and GS keep in IA-32e mode with AMD's processors. */
struct segment null_data_segment(const struct cpu *cpu, enum seg seg, uint16_t sel);
/* Real mode and VM86: base = sel * 16; real mode keeps limit and rights of *old. */
struct segment real_segment(const struct segment *old, uint16_t sel);
struct segment vm86_segment(uint16_t sel);
/* What SYSENTER, SYSEXIT, SYSCALL and SYSRET load without reading a descriptor: base 0, 4 GBytes. */
struct segment flat_segment(uint16_t sel, unsigned type, unsigned dpl);
/* CPL changes together with everything that depends on it. */
static inline void set_cpl(struct cpu *cpu, unsigned cpl)
{
	cpu->s.cpl = (uint8_t)cpl;
	mmu_cpl_changed(&cpu->mmu);
}

/* What of the attributes something else is derived from. */
#define ATTRIBUTES_WITH_EFFECT 0x611fu /* db, l, usable, s, type */

static inline void set_segment(struct cpu *cpu, enum seg seg, const struct segment *value)
{
	struct segment *to = &cpu->s.seg[seg];
	const uint64_t with_effect = UINT64_C(0xffffffff) | (uint64_t)ATTRIBUTES_WITH_EFFECT << 48;
	bool same = to->base == value->base && ((segment_rest(to) ^ segment_rest(value)) & with_effect) == 0;

	segment_copy(to, value);
	if (UNLIKELY(!same)) /* more than another selector or DPL for the same bytes */
		segment_changed(cpu, seg);
}

#define DESC_BYTES 8

/* Where the table that sel indexes holds its descriptor; false: beyond the
 * table's limit, or an LDT selector while LDTR is null. */
static inline bool desc_locate(const struct cpu *cpu, uint16_t sel, uint64_t *address)
{
	const struct segment *ldtr = &cpu->s.seg[SEG_LDTR];
	uint32_t index = sel & SEL_INDEX;
	uint64_t base = cpu->s.gdtr.base;
	uint32_t limit = cpu->s.gdtr.limit;

	if (UNLIKELY(sel & SEL_TI)) {
		if (!ldtr->usable)
			return false;
		base = ldtr->base;
		limit = ldtr->limit;
	}
	*address = (base + index) & cpu->mmu.system_mask;
	return index + DESC_BYTES - 1 <= limit;
}

static inline bool desc_fetch(struct cpu *cpu, struct descriptor *d, uint16_t sel, uint64_t address)
{
	struct rd raw = lin_read(&cpu->mmu, address, DESC_BYTES);
	if (!raw.ok)
		return false;
	desc_decode(d, raw.v, sel);
	d->address = address;
	return true;
}

__attribute__((always_inline)) static inline bool desc_read(struct cpu *cpu, struct descriptor *d, uint16_t sel,
							    enum vector vector, uint32_t ext, enum why why)
{
	uint64_t address;

	if (!desc_locate(cpu, sel, &address))
		return cpu_raise(cpu, vector, (sel & ~SEL_RPL) | ext, why);
	return LIKELY(desc_fetch(cpu, d, sel, address)) || desc_unreadable(cpu, (sel & ~SEL_RPL) | ext);
}

#endif
