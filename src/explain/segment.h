/* Descriptors of the GDT and LDT, looked up without side effects. */
#ifndef TRAPGATE_EXPLAIN_SEGMENT_H
#define TRAPGATE_EXPLAIN_SEGMENT_H

#include "cpu/desc.h"
#include "explain/facts.h"

struct segment_facts {
	uint16_t selector;
	bool found; /* inside its table and mapped */
	uint64_t raw, base;
	uint32_t limit;
	unsigned type, dpl;
	bool present, s, code, conforming, wide, l;
	char text[64]; /* "code32 dpl 0", "beyond the GDT" */
};

void segment_look_up(struct cpu *cpu, uint16_t selector, struct segment_facts *facts);
void put_segment(struct fact *parent, const char *key, const struct segment_facts *facts);

#endif
