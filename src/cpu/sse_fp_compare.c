/* SSE's comparisons, minimum and maximum. */
#include "cpu/sse_operand.h"

enum order { LESS = 1, EQUAL = 2, GREATER = 4, UNORDERED = 8 };

/* signaling: a QNaN is an invalid operand too. */
static enum order compare(const struct sse_operand *a, const struct sse_operand *b, bool signaling, struct sse_env *e)
{
	uint16_t sw = fp_compare(a->v, b->v, !signaling);

	e->flags |= sw & FP_IE;
	if (sw & FP_C2)
		return UNORDERED;
	sse_denormal(a->denormal || b->denormal, e);
	return sw & FP_C0 ? LESS : sw & FP_C3 ? EQUAL : GREATER;
}

/* SDM 2, "CMPPD", table "Comparison Predicate for VCMPPD and VCMPPS Instructions". */
#define SIGNALING 16
static const uint8_t predicates[16] = {
	EQUAL,                                   /* EQ_OQ */
	LESS | SIGNALING,                        /* LT_OS */
	LESS | EQUAL | SIGNALING,                /* LE_OS */
	UNORDERED,                               /* UNORD_Q */
	LESS | GREATER | UNORDERED,              /* NEQ_UQ */
	EQUAL | GREATER | UNORDERED | SIGNALING, /* NLT_US */
	GREATER | UNORDERED | SIGNALING,         /* NLE_US */
	LESS | EQUAL | GREATER,                  /* ORD_Q */
	EQUAL | UNORDERED,                       /* EQ_UQ */
	LESS | UNORDERED | SIGNALING,            /* NGE_US */
	LESS | EQUAL | UNORDERED | SIGNALING,    /* NGT_US */
	0,                                       /* FALSE_OQ */
	LESS | GREATER,                          /* NEQ_OQ */
	EQUAL | GREATER | SIGNALING,             /* GE_OS */
	GREATER | SIGNALING,                     /* GT_OS */
	LESS | EQUAL | GREATER | UNORDERED,      /* TRUE_UQ */
};

bool sse_compare(const struct fp_layout *f, uint64_t a, uint64_t b, unsigned predicate, struct sse_env *e)
{
	struct sse_operand x = sse_operand(f, a, e), y = sse_operand(f, b, e);
	unsigned p = predicates[predicate & 15];
	/* The upper half: the same truth, signaling where the lower half is quiet. */
	bool signaling = !!(p & SIGNALING) != !!(predicate & 16);

	return (p & compare(&x, &y, signaling, e)) != 0;
}

uint32_t sse_compare_flags(const struct fp_layout *f, uint64_t a, uint64_t b, bool quiet, struct sse_env *e)
{
	struct sse_operand x = sse_operand(f, a, e), y = sse_operand(f, b, e);

	switch (compare(&x, &y, !quiet, e)) {
	case LESS:
		return SSE_CF;
	case EQUAL:
		return SSE_ZF;
	case GREATER:
		return 0;
	default:
		return SSE_ZF | SSE_PF | SSE_CF;
	}
}

static uint64_t choose(const struct fp_layout *f, uint64_t a, uint64_t b, enum order first, struct sse_env *e)
{
	struct sse_operand x = sse_operand(f, a, e), y = sse_operand(f, b, e);

	return compare(&x, &y, true, e) == first ? x.bits : y.bits;
}

uint64_t sse_min(const struct fp_layout *f, uint64_t a, uint64_t b, struct sse_env *e)
{
	return choose(f, a, b, LESS, e);
}

uint64_t sse_max(const struct fp_layout *f, uint64_t a, uint64_t b, struct sse_env *e)
{
	return choose(f, a, b, GREATER, e);
}
