/* Descriptors in words: {type: data, base: 0x10000, limit: 0xfff, dpl: 3}. */
#ifndef TRAPGATE_TESTCASE_DESCRIPTOR_H
#define TRAPGATE_TESTCASE_DESCRIPTOR_H

#include "testcase/scene.h"

/* What a new descriptor of a table is without a type: a gate to handler(vector), or nothing. */
struct descriptor_place {
	bool idt;
	uint8_t vector;
	unsigned bits; /* of a segment if nothing is said: 16, 32, 64 */
	bool is_long;  /* IA-32e mode: gates and system descriptors have 16 bytes */
};

/* raw, two words as they were, with what node says.  False: problems. */
bool descriptor_apply(struct scope *scope, const struct node *node, const struct descriptor_place *place,
		      uint64_t *raw);
/* How many bytes of raw are the descriptor: 8 or 16. */
unsigned descriptor_bytes(const struct descriptor_place *place, const uint64_t *raw);

/* A segment or system descriptor. type: bits 4:0 of the access byte, S above the type; bits: 16, 32 or 64. */
uint64_t descriptor_make(uint32_t base, uint32_t limit, unsigned type, unsigned dpl, unsigned bits);
uint64_t gate_make(uint16_t selector, uint32_t offset, unsigned type, unsigned dpl);

#endif
