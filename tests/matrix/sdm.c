#include "sdm.h"

uint32_t error_code(uint32_t num, unsigned idt, unsigned ext)
{
	return idt ? num << 3 | 2 | ext : (num & 0xfffc) | ext;
}

struct descriptor decode(uint64_t d)
{
	struct descriptor s;

	s.base = ((uint32_t)(d >> 16) & 0xffffff) | ((uint32_t)(d >> 56) << 24);
	s.limit = ((uint32_t)d & 0xffff) | ((uint32_t)(d >> 32) & 0xf0000);
	if (d >> 55 & 1)
		s.limit = s.limit << 12 | 0xfff;
	s.type = d >> 40 & 31;
	s.dpl = d >> 45 & 3;
	s.p = d >> 47 & 1;
	s.b = d >> 54 & 1;
	s.l = d >> 53 & 1;
	return s;
}

uint32_t stack_mask(const struct descriptor *s)
{
	return s->b ? 0xffffffff : 0xffff;
}

bool in_limits(const struct descriptor *s, uint32_t offset, unsigned size)
{
	uint64_t last = (uint64_t)offset + size - 1;

	if ((s->type & 0x1c) == 0x14)
		return offset > s->limit && last <= stack_mask(s);
	return last <= s->limit;
}

bool page_allows(const struct guarded *g, uint32_t linear, bool wp, bool write, bool user, uint32_t *code)
{
	uint32_t flags = PAGE_PRESENT | PAGE_WRITE | PAGE_USER;

	for (unsigned i = 0; i < g->pages; i++)
		if (g->page[i].linear == (linear & ~0xfffu))
			flags = g->page[i].flags;
	*code = (flags & PAGE_PRESENT) | (write ? 2 : 0) | (user ? 4 : 0);
	return (flags & PAGE_PRESENT) && (!user || (flags & PAGE_USER)) &&
	       (!write || (flags & PAGE_WRITE) || (!user && !wp));
}

static int severity(const struct event *e)
{
	if (e->vector == PF)
		return 2;
	return e->vector == 0 || (e->vector >= TS && e->vector <= GP);
}

bool makes_double_fault(const struct event *first, const struct event *second)
{
	switch (severity(first)) {
	case 0:
		return false;
	case 1:
		return severity(second) == 1;
	default:
		return severity(second) >= 1;
	}
}

uint64_t get(const uint8_t *p, unsigned bytes)
{
	uint64_t v = 0;

	while (bytes--)
		v = v << 8 | p[bytes];
	return v;
}
