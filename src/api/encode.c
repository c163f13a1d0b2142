/* Descriptors as they lie in memory. */
#include "api/api.h"
#include "cpu/desc.h"

void tg_segment_decode(uint64_t raw, uint16_t selector, struct tg_segment *segment)
{
	struct descriptor d;

	if (!segment)
		return;
	desc_decode(&d, raw, selector);
	api_segment_out(segment, &d.seg);
}

void tg_gate_decode(uint64_t raw, struct tg_gate *gate)
{
	struct descriptor d;

	if (!gate)
		return;
	desc_decode(&d, raw, 0);
	*gate = (struct tg_gate){.offset = gate_offset(&d),
				 .selector = gate_selector(&d),
				 .type = d.seg.type,
				 .dpl = d.seg.dpl,
				 .parameters = (uint8_t)gate_param_count(&d),
				 .present = d.seg.present};
}

uint64_t tg_segment_encode(const struct tg_segment *g)
{
	uint64_t limit, access, flags;

	if (!g)
		return 0;
	limit = g->g ? g->limit >> 12 : g->limit;
	access = (uint64_t)(g->type & 15) | (uint64_t)g->s << 4 | (uint64_t)(g->dpl & 3) << 5 |
		 (uint64_t)g->present << 7;
	flags = (uint64_t)g->avl | (uint64_t)g->l << 1 | (uint64_t)g->db << 2 | (uint64_t)g->g << 3;
	return (limit & 0xffff) | (g->base & 0xffffff) << 16 | access << 40 | (limit >> 16 & 15) << 48 | flags << 52 |
	       (g->base >> 24 & 0xff) << 56;
}

uint64_t tg_gate_encode(const struct tg_gate *g)
{
	if (!g)
		return 0;
	return (g->offset & 0xffff) | (uint64_t)g->selector << 16 | (uint64_t)(g->parameters & 31) << 32 |
	       (uint64_t)(g->type & 15) << 40 | (uint64_t)(g->dpl & 3) << 45 | (uint64_t)g->present << 47 |
	       (uint64_t)(g->offset >> 16) << 48;
}
