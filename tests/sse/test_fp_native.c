/* SSE's arithmetic (cpu/sse_fp.h) against the processor underneath: results and MXCSR's flags, in all rounding modes,
 * with DAZ and FTZ, with exceptions masked and not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "cpu/sse_fp.h"
#include "sse/fp_host.h"
#include "sse/fp_operands.h"

static unsigned cases = 4000;

/* What one operation does with the operands of a case: a result that lies in the low bits. */
typedef uint64_t soft_fn(const uint64_t *in, unsigned imm, struct sse_env *e);

enum where { IN_XMM, IN_GPR, IN_RFLAGS, IN_MASK };
struct operation {
	const char *name; /* of the host's instruction */
	soft_fn *soft;
	const struct fp_layout *from; /* of the operands; NULL: integers */
	unsigned bits;                /* of the result */
	enum where where;
	unsigned immediates; /* 0: no immediate */
};

#define BOTH(op)                                                                                                       \
	static uint64_t op##_32(const uint64_t *in, unsigned imm, struct sse_env *e)                                   \
	{                                                                                                              \
		return sse_##op(&fp_single, (uint32_t)in[0], (uint32_t)in[1], e);                                      \
	}                                                                                                              \
	static uint64_t op##_64(const uint64_t *in, unsigned imm, struct sse_env *e)                                   \
	{                                                                                                              \
		return sse_##op(&fp_double, in[0], in[1], e);                                                          \
	}
BOTH(add)
BOTH(sub)
BOTH(mul)
BOTH(div)
BOTH(min)
BOTH(max)

#define SOFT(name, value)                                                                                              \
	static uint64_t name(const uint64_t *in, unsigned imm, struct sse_env *e)                                      \
	{                                                                                                              \
		return value;                                                                                          \
	}
#define S in[0] & 0xffffffffu
#define T in[1] & 0xffffffffu
#define U in[2] & 0xffffffffu
SOFT(sqrt_32, sse_sqrt(&fp_single, T, e))
SOFT(sqrt_64, sse_sqrt(&fp_double, in[1], e))
SOFT(comis_32, sse_compare_flags(&fp_single, S, T, false, e))
SOFT(comis_64, sse_compare_flags(&fp_double, in[0], in[1], false, e))
SOFT(ucomis_32, sse_compare_flags(&fp_single, S, T, true, e))
SOFT(ucomis_64, sse_compare_flags(&fp_double, in[0], in[1], true, e))
SOFT(cmp_32, sse_compare(&fp_single, S, T, imm, e))
SOFT(cmp_64, sse_compare(&fp_double, in[0], in[1], imm, e))
SOFT(to_64, sse_single_to_double(T, e))
SOFT(to_32, sse_double_to_single(in[1], e))
SOFT(round_32, sse_round(&fp_single, T, imm, e))
SOFT(round_64, sse_round(&fp_double, in[1], imm, e))
SOFT(i32_of_32, sse_to_i32(&fp_single, T, sse_rc(e), e))
SOFT(i64_of_32, sse_to_i64(&fp_single, T, sse_rc(e), e))
SOFT(i32_of_64, sse_to_i32(&fp_double, in[1], sse_rc(e), e))
SOFT(i64_of_64, sse_to_i64(&fp_double, in[1], sse_rc(e), e))
SOFT(t32_of_32, sse_to_i32(&fp_single, T, FP_TRUNCATE, e))
SOFT(t64_of_32, sse_to_i64(&fp_single, T, FP_TRUNCATE, e))
SOFT(t32_of_64, sse_to_i32(&fp_double, in[1], FP_TRUNCATE, e))
SOFT(t64_of_64, sse_to_i64(&fp_double, in[1], FP_TRUNCATE, e))
SOFT(from_i32_32, sse_from_int(&fp_single, (int32_t)in[1], e))
SOFT(from_i64_32, sse_from_int(&fp_single, (int64_t)in[1], e))
SOFT(from_i32_64, sse_from_int(&fp_double, (int32_t)in[1], e))
SOFT(from_i64_64, sse_from_int(&fp_double, (int64_t)in[1], e))
SOFT(half_to, sse_half_to_single((uint16_t)in[1], e))
SOFT(to_half, sse_single_to_half(T, imm, e))
/* The 213 forms: xmm1 * xmm0 + xmm2. */
SOFT(fmadd_32, sse_fma(&fp_single, T, S, U, 0, e))
SOFT(fmadd_64, sse_fma(&fp_double, in[1], in[0], in[2], 0, e))
SOFT(fmsub_32, sse_fma(&fp_single, T, S, U, SSE_NEGATE_ADDEND, e))
SOFT(fmsub_64, sse_fma(&fp_double, in[1], in[0], in[2], SSE_NEGATE_ADDEND, e))
SOFT(fnmadd_32, sse_fma(&fp_single, T, S, U, SSE_NEGATE_PRODUCT, e))
SOFT(fnmadd_64, sse_fma(&fp_double, in[1], in[0], in[2], SSE_NEGATE_PRODUCT, e))
SOFT(fnmsub_32, sse_fma(&fp_single, T, S, U, SSE_NEGATE_PRODUCT | SSE_NEGATE_ADDEND, e))
SOFT(fnmsub_64, sse_fma(&fp_double, in[1], in[0], in[2], SSE_NEGATE_PRODUCT | SSE_NEGATE_ADDEND, e))
/* 132: xmm0 * xmm2 + xmm1; 231: xmm1 * xmm2 + xmm0. */
SOFT(fmadd132_32, sse_fma(&fp_single, S, U, T, 0, e))
SOFT(fmadd231_32, sse_fma(&fp_single, T, U, S, 0, e))

static const struct operation operations[] = {
	{"addss", add_32, &fp_single, 32, IN_XMM, 0},
	{"addsd", add_64, &fp_double, 64, IN_XMM, 0},
	{"subss", sub_32, &fp_single, 32, IN_XMM, 0},
	{"subsd", sub_64, &fp_double, 64, IN_XMM, 0},
	{"mulss", mul_32, &fp_single, 32, IN_XMM, 0},
	{"mulsd", mul_64, &fp_double, 64, IN_XMM, 0},
	{"divss", div_32, &fp_single, 32, IN_XMM, 0},
	{"divsd", div_64, &fp_double, 64, IN_XMM, 0},
	{"sqrtss", sqrt_32, &fp_single, 32, IN_XMM, 0},
	{"sqrtsd", sqrt_64, &fp_double, 64, IN_XMM, 0},
	{"minss", min_32, &fp_single, 32, IN_XMM, 0},
	{"minsd", min_64, &fp_double, 64, IN_XMM, 0},
	{"maxss", max_32, &fp_single, 32, IN_XMM, 0},
	{"maxsd", max_64, &fp_double, 64, IN_XMM, 0},
	{"comiss", comis_32, &fp_single, 32, IN_RFLAGS, 0},
	{"comisd", comis_64, &fp_double, 32, IN_RFLAGS, 0},
	{"ucomiss", ucomis_32, &fp_single, 32, IN_RFLAGS, 0},
	{"ucomisd", ucomis_64, &fp_double, 32, IN_RFLAGS, 0},
	{"vcmpss", cmp_32, &fp_single, 32, IN_MASK, 32},
	{"vcmpsd", cmp_64, &fp_double, 64, IN_MASK, 32},
	{"cvtss2sd", to_64, &fp_single, 64, IN_XMM, 0},
	{"cvtsd2ss", to_32, &fp_double, 32, IN_XMM, 0},
	{"roundss", round_32, &fp_single, 32, IN_XMM, 16},
	{"roundsd", round_64, &fp_double, 64, IN_XMM, 16},
	{"cvtss2sil", i32_of_32, &fp_single, 64, IN_GPR, 0},
	{"cvtss2siq", i64_of_32, &fp_single, 64, IN_GPR, 0},
	{"cvtsd2sil", i32_of_64, &fp_double, 64, IN_GPR, 0},
	{"cvtsd2siq", i64_of_64, &fp_double, 64, IN_GPR, 0},
	{"cvttss2sil", t32_of_32, &fp_single, 64, IN_GPR, 0},
	{"cvttss2siq", t64_of_32, &fp_single, 64, IN_GPR, 0},
	{"cvttsd2sil", t32_of_64, &fp_double, 64, IN_GPR, 0},
	{"cvttsd2siq", t64_of_64, &fp_double, 64, IN_GPR, 0},
	{"cvtsi2ssl", from_i32_32, NULL, 32, IN_XMM, 0},
	{"cvtsi2ssq", from_i64_32, NULL, 32, IN_XMM, 0},
	{"cvtsi2sdl", from_i32_64, NULL, 64, IN_XMM, 0},
	{"cvtsi2sdq", from_i64_64, NULL, 64, IN_XMM, 0},
	{"vcvtph2ps", half_to, &fp_half, 32, IN_XMM, 0},
	{"vcvtps2ph", to_half, &fp_single, 16, IN_XMM, 16},
	{"vfmadd213ss", fmadd_32, &fp_single, 32, IN_XMM, 0},
	{"vfmadd213sd", fmadd_64, &fp_double, 64, IN_XMM, 0},
	{"vfmsub213ss", fmsub_32, &fp_single, 32, IN_XMM, 0},
	{"vfmsub213sd", fmsub_64, &fp_double, 64, IN_XMM, 0},
	{"vfnmadd213ss", fnmadd_32, &fp_single, 32, IN_XMM, 0},
	{"vfnmadd213sd", fnmadd_64, &fp_double, 64, IN_XMM, 0},
	{"vfnmsub213ss", fnmsub_32, &fp_single, 32, IN_XMM, 0},
	{"vfnmsub213sd", fnmsub_64, &fp_double, 64, IN_XMM, 0},
	{"vfmadd132ss", fmadd132_32, &fp_single, 32, IN_XMM, 0},
	{"vfmadd231ss", fmadd231_32, &fp_single, 32, IN_XMM, 0},
};

static uint64_t operand(struct random *r, const struct operation *op)
{
	if (op->from)
		return fp_random_bits(r, op->from);
	uint64_t v = random_next(r) >> random_below(r, 64);

	if (random_below(r, 4) == 0)
		v = ((uint64_t)1 << random_below(r, 64)) - random_below(r, 2);
	return random_below(r, 2) ? v : -v;
}

static uint64_t host_value(const struct operation *op, const struct host_result *r)
{
	uint64_t mask = op->bits == 64 ? ~UINT64_C(0) : (UINT64_C(1) << op->bits) - 1;

	switch (op->where) {
	case IN_GPR:
		return r->gpr;
	case IN_RFLAGS:
		return r->rflags & (SSE_ZF | SSE_PF | SSE_CF);
	case IN_MASK:
		return (r->xmm[0] & mask) == mask;
	default:
		return r->xmm[0] & mask;
	}
}

static void one_case(const struct operation *op, const struct host_op *host, struct random *r)
{
	struct host_operands in = {{{operand(r, op)}, {operand(r, op)}, {operand(r, op)}}};
	const uint64_t low[] = {in.xmm[0][0], in.xmm[1][0], in.xmm[2][0]};
	unsigned imm = op->immediates ? random_below(r, op->immediates) : 0;
	struct sse_env e = {.mxcsr = fp_random_mxcsr(r)};
	struct host_result h;

	host->fn[imm](&in, e.mxcsr, &h);
	uint64_t v = op->soft(low, imm, &e);
	bool written = sse_settle(&e);
	uint32_t flags = h.mxcsr & FP_EXCEPTIONS;

	if (written == h.trapped || flags != e.flags || (written && v != host_value(op, &h)))
		fail_msg("%s imm %u, MXCSR %04x, operands %llx, %llx, %llx: host %s %llx, flags %02x; here %s %llx, "
			 "flags %02x",
			 op->name, imm, e.mxcsr, (unsigned long long)low[0], (unsigned long long)low[1],
			 (unsigned long long)low[2], h.trapped ? "#XM" : "result",
			 (unsigned long long)host_value(op, &h), flags, written ? "result" : "#XM",
			 (unsigned long long)v, e.flags);
}

static void operation_as_the_host(void **state)
{
	const struct operation *op = *state;
	const struct host_op *host = host_find(op->name);
	struct random r = {88172645463325252u + (uint64_t)(op - operations) * 1000};

	if (!host) {
		print_message("SKIPPED: the host has no %s\n", op->name);
		skip();
	}
	host_prepare(); /* CMocka catches SIGFPE for each test */
	for (unsigned i = 0; i < cases; i++)
		one_case(op, host, &r);
}

int main(int argc, char **argv)
{
	enum { OPERATIONS = sizeof(operations) / sizeof(operations[0]) };
	static struct CMUnitTest tests[OPERATIONS];

	if (argc > 1)
		cases = (unsigned)strtoul(argv[1], NULL, 10);

	for (unsigned i = 0; i < OPERATIONS; i++)
		tests[i] = (struct CMUnitTest){operations[i].name, operation_as_the_host, NULL, NULL,
					       (void *)&operations[i]};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
