/* Assembly text to bytes by GNU as, cached. */
#ifndef TRAPGATE_TESTCASE_ASSEMBLE_H
#define TRAPGATE_TESTCASE_ASSEMBLE_H

#include "testcase/scene.h"

/* One stretch of code. */
struct code {
	const struct node *node; /* of its text */
	const char *text;        /* assembly, or pairs of digits */
	bool hex;
	unsigned bits;             /* 16, 32, 64 */
	uint64_t at, base;         /* linear address; where its segment begins */
	const struct node *stated; /* text that the disassembly of hex must agree with; NULL: none */
	unsigned first_line;       /* of the text in the assembler's input */
	uint8_t *bytes;
	uint32_t size;
};

/* Fills in bytes and size of each block that is not hex, and the scene's labels.  False: problems. */
bool assemble(struct scene *scene, const struct build_options *options);

/* cache: where assembled code is kept: $TRAPGATE_CACHE_DIR, else $XDG_CACHE_HOME/trapgate, else
 * ~/.cache/trapgate; NULL: none of these, and then each run assembles again.  Makes the folder. */
const char *assemble_cache(struct arena *arena);

/* Capstone's text of one instruction; its length, 0: none. */
unsigned disassemble(const uint8_t *bytes, size_t size, unsigned bits, uint64_t at, char *text, size_t room);

#endif
