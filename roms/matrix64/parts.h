/* What the blocks of combinations are made with. */
#ifndef MATRIX64_PARTS_H
#define MATRIX64_PARTS_H

#include "world.h"

#define EVENT_BLOCKS  12
#define RETURN_BLOCKS 7

extern const struct block event_blocks[EVENT_BLOCKS], return_blocks[RETURN_BLOCKS];

/* The first and the last address that is not canonical. */
#define HOLE     0x0000800000000000u
#define HOLE_END 0xffff800000000000u /* the first canonical one behind it */

/* The gate of a vector. */
void set_vector(struct world *w, unsigned v, unsigned selector, uint64_t offset, unsigned type, unsigned dpl,
		unsigned p, unsigned ist);

/* The gate of the event's own vector, to its handler. */
void set_gate(struct world *w, unsigned selector, unsigned type, unsigned dpl, unsigned p, unsigned ist);

/* RSPn, and ISTn (1-7), of the TSS. */
void set_rsp(struct world *w, unsigned level, uint64_t rsp);
void set_ist(struct world *w, unsigned ist, uint64_t rsp);

/* Gates of the exceptions. */
void set_nested(struct world *w, enum nested nested);

/* A world in which all goes well: an interrupt gate, DPL 3, to 64-bit code of ring 0 on RSP0. */
bool begin(struct world *w, uint32_t index, unsigned source, unsigned level, unsigned mode);

#endif
