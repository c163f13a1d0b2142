/* What a block gains from knowing all of its instructions: flags that nobody
 * reads are not computed, and common pairs run as one handler. */
#ifndef TRAPGATE_CPU_FUSE_H
#define TRAPGATE_CPU_FUSE_H

#include "cpu/block.h"

/* Rewrites the handlers of a block just built.  Every uop stays in its place with its own
 * operands: a fused handler is entered at the first of its pair and may at any
 * time go on with the plain handlers instead. */
void fuse(struct block *b);

/* address.c: the handler for this memory operand's kind of address, if there is one.
 * Last of all: it hides from fuse() what the instruction is. */
void shorten_address(struct uop *u);

#endif
