/* What deliveries and far transfers ask of a segment. */
#ifndef TRAPGATE_CPU_GATE_H
#define TRAPGATE_CPU_GATE_H

#include "cpu/desc.h"

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
