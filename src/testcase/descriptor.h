/* Descriptors in words: {type: data, base: 0x10000, limit: 0xfff, dpl: 3}. */
#ifndef TRAPGATE_TESTCASE_DESCRIPTOR_H
#define TRAPGATE_TESTCASE_DESCRIPTOR_H

#include "testcase/scene.h"

/* What a new descriptor of a table is without a type: a gate to handler(vector), or nothing. */
struct descriptor_place {
	bool idt;
	uint8_t vector;
	bool wide; /* segments are 32-bit ones if nothing is said */
};

/* *raw, as it was, with what node says.  False: problems. */
bool descriptor_apply(struct scope *scope, const struct node *node, const struct descriptor_place *place,
		      uint64_t *raw);

/* A segment or system descriptor. type: bits 4:0 of the access byte, S above the type. */
uint64_t descriptor_make(uint32_t base, uint32_t limit, unsigned type, unsigned dpl, bool wide);
uint64_t gate_make(uint16_t selector, uint32_t offset, unsigned type, unsigned dpl);

#endif
