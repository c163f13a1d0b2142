/* Matching of execution and I/O breakpoints.  SDM 3B, "Debug Registers" and
 * "Breakpoint Field Recognition". */
#include "cpu/debug.h"

#define DR7_ENABLE(n) (3u << (2 * (n)))
#define DR7_RW(n)     (16 + 4 * (n))
#define DR7_LEN(n)    (18 + 4 * (n))

struct breakpoint breakpoint_decode(const struct arch_state *s, unsigned n)
{
	static const uint8_t lengths[4] = {1, 2, 8, 4};
	unsigned bytes = lengths[(s->dr7 >> DR7_LEN(n)) & 3];

	return (struct breakpoint){
		.kind = (enum breakpoint_kind)((s->dr7 >> DR7_RW(n)) & 3),
		.enabled = s->dr7 & DR7_ENABLE(n),
		.address = s->dr[n] & ~(uint64_t)(bytes - 1),
		.bytes = bytes,
	};
}

/* Without CR4.DE the encoding R/W = 2 is undefined: it matches nothing. */
static bool in_force(const struct arch_state *s, const struct breakpoint *b, enum breakpoint_kind kind)
{
	return b->enabled && b->kind == kind && (kind != BREAK_IO || (s->cr4 & CR4_DE));
}

bool breakpoints_armed(const struct arch_state *s, enum breakpoint_kind kind)
{
	if (LIKELY(!(s->dr7 & DR7_ENABLE_ANY)))
		return false;
	for (unsigned n = 0; n < 4; n++) {
		struct breakpoint b = breakpoint_decode(s, n);
		if (in_force(s, &b, kind))
			return true;
	}
	return false;
}

uint32_t execution_breakpoints(const struct arch_state *s, uint64_t lin)
{
	uint32_t hits = 0;

	if (LIKELY(!(s->dr7 & DR7_ENABLE_ANY)))
		return 0;
	for (unsigned n = 0; n < 4; n++) {
		struct breakpoint b = breakpoint_decode(s, n);
		if (in_force(s, &b, BREAK_EXECUTE) && b.bytes == 1 && b.address == lin)
			hits |= DR6_B0 << n;
	}
	return hits;
}

uint32_t io_breakpoints(const struct arch_state *s, uint16_t port, unsigned bytes)
{
	uint32_t hits = 0;

	if (LIKELY(!(s->dr7 & DR7_ENABLE_ANY)))
		return 0;
	for (unsigned n = 0; n < 4; n++) {
		struct breakpoint b = breakpoint_decode(s, n);
		if (in_force(s, &b, BREAK_IO) && port < b.address + b.bytes && b.address < (uint64_t)port + bytes)
			hits |= DR6_B0 << n;
	}
	return hits;
}
