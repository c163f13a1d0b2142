/* Segment descriptors: reading them from GDT and LDT, taking them apart. */
#ifndef TRAPGATE_CPU_DESC_H
#define TRAPGATE_CPU_DESC_H

#include "cpu/cpu.h"

/* A descriptor in decoded form; raw is as it lies in memory.  seg is
 * what a segment register would hold; offset, param_count, gate_sel are those of gates. */
struct descriptor {
	uint64_t raw;
	uint64_t address;   /* linear, of its first byte */
	struct segment seg; /* usable = true; sel as asked for */
	uint64_t offset;    /* call gate: upper half ignored in 16-bit gates */
	uint16_t gate_sel;
	uint8_t param_count;
};

void desc_decode(struct descriptor *d, uint64_t raw, uint16_t sel);

/* Reads the descriptor that sel names (not null: the caller has checked).
 * Beyond the table's limit, or an LDT that is not usable: vector(sel & ~3 + ext)
 * with the given why.  Also #PF of the access. */
bool desc_read(struct cpu *cpu, struct descriptor *d, uint16_t sel, enum vector vector, uint32_t ext,
	       enum why why) MUST_CHECK;
/* The same without faults, for LAR, LSL, VERR, VERW: *found = false where the
 * selector is null or beyond the limit.  False only with a #PF. */
bool desc_probe(struct cpu *cpu, struct descriptor *d, uint16_t sel, bool *found) MUST_CHECK;

/* Sets the accessed bit in memory (only if it is clear) and in d.  #PF. */
bool desc_set_accessed(struct cpu *cpu, struct descriptor *d) MUST_CHECK;
/* TSS descriptors: sets or clears the busy bit in memory.  #PF. */
bool desc_set_busy(struct cpu *cpu, uint16_t tss_sel, bool busy) MUST_CHECK;

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
 * stack mask, instruction pointer mask, link epoch).  No checks. */
void set_segment(struct cpu *cpu, enum seg seg, const struct segment *value);
/* The value a null selector gives: unusable. */
struct segment null_segment(uint16_t sel);
/* Real mode and VM86: base = sel * 16; real mode keeps limit and rights of *old. */
struct segment real_segment(const struct segment *old, uint16_t sel);
struct segment vm86_segment(uint16_t sel);
/* CPL changes together with everything that depends on it. */
void set_cpl(struct cpu *cpu, unsigned cpl);

#endif
