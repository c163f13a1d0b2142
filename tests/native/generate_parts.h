/* The parts that test cases are made of. */
#ifndef TRAPGATE_TESTS_NATIVE_GENERATE_PARTS_H
#define TRAPGATE_TESTS_NATIVE_GENERATE_PARTS_H

#include "native/generate.h"

static inline bool chance(struct random *r, unsigned percent)
{
	return random_below(r, 100) < percent;
}
static inline uint32_t random32(struct random *r)
{
	return (uint32_t)(random_next(r) >> 16);
}

/* ---- generate_values.c: edges as often as not ---- */
word random_word(struct random *r);
word random_value(struct random *r);
/* A place in the lower arena: mostly there, with 64 bits in the upper one too. */
word anywhere(struct random *r, uint32_t place);
/* A place for an operand: mostly readable and writable, often near the end of something. */
word random_place(struct random *r);
uint16_t random_selector(struct random *r);
uint16_t random_code_selector(struct random *r, bool ldt);
/* Is the address among the bytes of the test's own instructions, or may be? */
bool is_own(const struct test_case *c, word at);
/* An offset that leads to int3, mostly, and not into the instruction itself. */
word random_target(struct random *r, const struct test_case *c, uint16_t cs);

/* ---- generate_bytes.c ---- */
void random_bytes(struct random *r, uint8_t *p, unsigned n);
/* After its bytes were changed. */
enum decode_status decode_case(struct test_case *c);
/* Prefixes, opcode, ModR/M; the rest by chance.  False: not an instruction that is wanted. */
bool make_bytes(struct random *r, unsigned row, unsigned turn, struct test_case *c);
/* Up to four instructions between registers right before it, so that blocks are more than one instruction. */
void make_lead(struct random *r, struct test_case *c);

#endif
