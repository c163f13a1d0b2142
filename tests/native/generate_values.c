/* Values, places, selectors and targets. */
#include "native/generate_parts.h"

#if NATIVE_BITS == 64
word random_word(struct random *r)
{
	return random_next(r);
}

/* 32-bit edges as they are, carried on by the sign, or in the upper half. */
static word widened(struct random *r, uint32_t low)
{
	switch (random_below(r, 4)) {
	case 0:
		return (uint64_t)(int64_t)(int32_t)low;
	case 1:
		return (uint64_t)low << 32 | (random_below(r, 2) ? low : 0);
	case 2:
		return (uint64_t)random32(r) << 32 | low;
	default:
		return low;
	}
}

word anywhere(struct random *r, uint32_t place)
{
	return chance(r, 40) ? UPPER_ARENA + place : place;
}

/* Around the ends of the canonical addresses, and in the kernel's half. */
static word far_place(struct random *r)
{
	static const uint64_t edges[] = {UINT64_C(0x0000800000000000), UINT64_C(0xffff800000000000),
					 UINT64_C(0x100000000), 0};
	uint64_t any = random_next(r);

	if (chance(r, 70))
		return edges[random_below(r, 4)] + random_below(r, 48) - 24;
	return chance(r, 50) ? any : (uint64_t)((int64_t)(any << 16) >> 16);
}
#else
word random_word(struct random *r)
{
	return random32(r);
}
static word widened(struct random *r, uint32_t low)
{
	return low;
}
word anywhere(struct random *r, uint32_t place)
{
	return place;
}
#endif

static uint32_t random_value32(struct random *r)
{
	static const uint32_t edges[] = {0,          1,          2,      0x7f,    0x80,       0xff,
					 0x7fff,     0x8000,     0xffff, 0x10000, 0x7fffffff, 0x80000000,
					 0xffffffff, 0xfffffffe, 31,     32};

	switch (random_below(r, 4)) {
	case 0:
		return edges[random_below(r, sizeof(edges) / sizeof(edges[0]))];
	case 1:
		return random_below(r, 256);
	default:
		return random32(r);
	}
}

word random_value(struct random *r)
{
	return widened(r, random_value32(r));
}

word random_place(struct random *r)
{
	static const uint32_t edges[] = {
		DATA, DATA + PAGE,       READ_ONLY,         READ_ONLY + PAGE,  STACK, STACK + STACK_BYTES,
		CODE, LDT_BASE + 0x2ff4, LDT_BASE + 0x1801, LDT_BASE + 0x10000};
	unsigned kind = random_below(r, 100);

#if NATIVE_BITS == 64
	if (chance(r, 6))
		return far_place(r);
#endif
	if (kind < 60)
		return anywhere(r, DATA + 64 + random_below(r, DATA_BYTES - 256));
	if (kind < 90)
		return anywhere(r, edges[random_below(r, sizeof(edges) / sizeof(edges[0]))] - 16 + random_below(r, 24));
	if (kind < 94)
		return anywhere(r, READ_ONLY + random_below(r, PAGE - 16));
	if (kind < 97)
		return anywhere(r, STACK + random_below(r, STACK_BYTES));
	return kind == 97 ? 0u - random_below(r, 16) : random32(r) & 0x7fffffff;
}

uint16_t random_selector(struct random *r)
{
	static const uint16_t selectors[] = {
		0,
		3,
		0x2b,
		0x2b,
		0x2b,
		0x28,
		0x2a,
		0x23,
		0x20,
		0x10,
		0x18,
		0x1b,
		0xfff8,
		0x5f,
		SEL_LDT_DATA16,
		SEL_LDT_SHORT,
		SEL_LDT_READ_ONLY,
		SEL_LDT_DOWN,
		SEL_LDT_CODE16,
		SEL_LDT_ABSENT,
		SEL_LDT_EXECUTE,
		SEL_LDT_CODE32,
		4,
		0x0d,
		0x16,
	};
	return selectors[random_below(r, sizeof(selectors) / sizeof(selectors[0]))];
}

uint16_t random_code_selector(struct random *r, bool ldt)
{
	static const uint16_t selectors[] = {SEL_USER_CODE, NATIVE_BITS == 64 ? SEL_USER_CODE64 : SEL_USER_CODE,
					     SEL_USER_CODE, SEL_LDT_CODE16, SEL_LDT_CODE32, SEL_LDT_EXECUTE};

	if (chance(r, 20))
		return random_selector(r);
	return selectors[random_below(r, ldt ? 6 : 3)];
}

bool is_own(const struct test_case *c, word at)
{
	return (word)(at + sizeof(c->lead_bytes) - c->at) < sizeof(c->lead_bytes) + sizeof(c->bytes);
}

word random_target(struct random *r, const struct test_case *c, uint16_t cs)
{
	word at = UPPER(c->at) + CODE + random_below(r, CODE_BYTES);
#if NATIVE_BITS == 64
	if (chance(r, 8))
		return far_place(r);
#endif

	if (chance(r, 10))
		return random32(r) & 0x7fffffff;
	if (is_own(c, at))
		at = CODE;
	return cs == SEL_LDT_CODE16 || cs == SEL_LDT_CODE32 ? at - ARENA : at;
}
