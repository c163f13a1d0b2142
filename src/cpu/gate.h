/* Questions about gates and segments that deliveries, call gates and task
 * gates share. */
#ifndef TRAPGATE_CPU_GATE_H
#define TRAPGATE_CPU_GATE_H

#include "cpu/desc.h"

/* Interrupt, trap or task gate, 16 or 32 bit. */
static inline bool gate_type_in_idt(const struct descriptor *gate)
{
	static const bool allowed[16] = {
		[SYS_TASK_GATE] = true,    [SYS_INT_GATE16] = true,  [SYS_TRAP_GATE16] = true,
		[SYS_INT_GATE32] = true,   [SYS_TRAP_GATE32] = true,
	};

	return !gate->seg.s && allowed[gate->seg.type];
}

/* Are all bytes of [off, off + bytes) inside the segment?  Expand-down data
 * is valid above its limit, up to FFFF or FFFFFFFF by the B bit. */
static inline bool segment_covers(const struct segment *seg, uint64_t off, unsigned bytes)
{
	uint64_t last = off + bytes - 1;

	if (!(seg->type & TYPE_CODE) && (seg->type & TYPE_EXPANDDOWN))
		return off > seg->limit && last <= (seg->db ? 0xffffffffu : 0xffffu);
	return last <= seg->limit;
}

#endif
