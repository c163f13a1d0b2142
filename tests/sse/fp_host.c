/* One function for each instruction (and value of its immediate): operands in xmm0, xmm1, xmm2 and RDX, RAX holds the
 * address to go on at after #XM, which arrives as SIGFPE. */
#define _GNU_SOURCE /* REG_RIP */
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <ucontext.h>

#include "sse/fp_host.h"

#if defined(__x86_64__) && defined(__linux__)

static void resume(int signal, siginfo_t *info, void *context)
{
	ucontext_t *c = context;

	c->uc_mcontext.gregs[REG_RIP] = c->uc_mcontext.gregs[REG_RAX];
	c->uc_mcontext.gregs[REG_RCX] = 1;
}

void host_prepare(void)
{
	struct sigaction a = {.sa_sigaction = resume, .sa_flags = SA_SIGINFO | SA_NODEFER};

	sigaction(SIGFPE, &a, NULL);
}

#define RUN(id, insn)                                                                                                  \
	static void run_##id(const struct host_operands *in, uint32_t mxcsr, struct host_result *out)                  \
	{                                                                                                              \
		uint32_t usual = 0x1f80;                                                                               \
		uint64_t trapped = 0, gpr = in->xmm[1][0];                                                             \
                                                                                                                       \
		__asm__ volatile("movdqu 0(%[in]), %%xmm0\n\t"                                                         \
				 "movdqu 16(%[in]), %%xmm1\n\t"                                                        \
				 "movdqu 32(%[in]), %%xmm2\n\t"                                                        \
				 "lea 1f(%%rip), %%rax\n\t"                                                            \
				 "ldmxcsr %[mxcsr]\n\t" insn "\n1:\n\t"                                                \
				 "stmxcsr %[after]\n\t"                                                                \
				 "ldmxcsr %[usual]\n\t"                                                                \
				 "movdqu %%xmm0, %[xmm]\n\t"                                                           \
				 "lea -128(%%rsp), %%rsp\n\t"                                                          \
				 "pushf\n\tpop %[rflags]\n\t"                                                          \
				 "lea 128(%%rsp), %%rsp"                                                               \
				 : [after] "=m"(out->mxcsr), [xmm] "=m"(out->xmm), [rflags] "=r"(out->rflags),         \
				   "+c"(trapped), "+d"(gpr)                                                            \
				 : [in] "r"(in), "m"(*in), [mxcsr] "m"(mxcsr), [usual] "m"(usual)                      \
				 : "rax", "xmm0", "xmm1", "xmm2", "cc", "memory");                                     \
		out->gpr = gpr;                                                                                        \
		out->trapped = trapped;                                                                                \
	}

/* Two-operand forms: xmm0 op= xmm1. */
#define TWO(name) RUN(name, #name " %%xmm1, %%xmm0")
#define EACH_TWO(X)                                                                                                    \
	X(addss)                                                                                                       \
	X(addsd) X(addps) X(addpd) X(subss) X(subsd) X(mulss) X(mulsd) X(divss) X(divsd) X(divps) X(divpd) X(sqrtss)   \
		X(sqrtsd) X(minss) X(minsd) X(maxss) X(maxsd) X(comiss) X(comisd) X(ucomiss) X(ucomisd) X(cvtss2sd)    \
			X(cvtsd2ss) X(cvtdq2ps) X(cvtdq2pd) X(cvtps2dq) X(cvttps2dq) X(rcpss) X(rsqrtss) X(mulps)      \
				X(haddps) X(haddpd) X(hsubps) X(hsubpd) X(addsubps) X(addsubpd) X(vcvtph2ps)
EACH_TWO(TWO)

#define EACH_TO_GPR(X) X(cvtss2si) X(cvttss2si) X(cvtsd2si) X(cvttsd2si)
#define TO_GPR(name)                                                                                                   \
	RUN(name##l, #name " %%xmm1, %%edx")                                                                           \
	RUN(name##q, #name " %%xmm1, %%rdx")
EACH_TO_GPR(TO_GPR)

#define EACH_FROM_GPR(X) X(cvtsi2ss) X(cvtsi2sd)
#define FROM_GPR(name)                                                                                                 \
	RUN(name##l, #name "l %%edx, %%xmm0")                                                                          \
	RUN(name##q, #name "q %%rdx, %%xmm0")
EACH_FROM_GPR(FROM_GPR)

/* xmm0 and xmm1 are multiplied, xmm2 is added; the 213 form: the second operand (xmm1) is the multiplicand. */
#define EACH_FMA(X)                                                                                                    \
	X(vfmadd213ss)                                                                                                 \
	X(vfmadd213sd) X(vfmsub213ss) X(vfmsub213sd) X(vfnmadd213ss) X(vfnmadd213sd) X(vfnmsub213ss) X(vfnmsub213sd)   \
		X(vfmadd132ss) X(vfmadd231ss)
#define FMA(name) RUN(name, #name " %%xmm2, %%xmm1, %%xmm0")
EACH_FMA(FMA)

#define ALL_16(X, name)                                                                                                \
	X(name, 0)                                                                                                     \
	X(name, 1) X(name, 2) X(name, 3) X(name, 4) X(name, 5) X(name, 6) X(name, 7) X(name, 8) X(name, 9) X(name, 10) \
		X(name, 11) X(name, 12) X(name, 13) X(name, 14) X(name, 15)
#define ALL_32(X, name)                                                                                                \
	ALL_16(X, name)                                                                                                \
	X(name, 16)                                                                                                    \
	X(name, 17) X(name, 18) X(name, 19) X(name, 20) X(name, 21) X(name, 22) X(name, 23) X(name, 24) X(name, 25)    \
		X(name, 26) X(name, 27) X(name, 28) X(name, 29) X(name, 30) X(name, 31)
#define THREE_IMM(name, imm) RUN(name##_##imm, #name " $" #imm ", %%xmm1, %%xmm0, %%xmm0")
#define TWO_IMM(name, imm)   RUN(name##_##imm, #name " $" #imm ", %%xmm1, %%xmm0")
ALL_32(THREE_IMM, vcmpss)
ALL_32(THREE_IMM, vcmpsd)
ALL_16(TWO_IMM, roundss)
ALL_16(TWO_IMM, roundsd)
ALL_16(TWO_IMM, vcvtps2ph)
RUN(dpps_241, "dpps $0xf1, %%xmm1, %%xmm0")
RUN(dppd_49, "dppd $0x31, %%xmm1, %%xmm0")

#define ROW(name)      {#name, {run_##name}},
#define ROW_L_Q(name)  {#name "l", {run_##name##l}}, {#name "q", {run_##name##q}},
#define IMM(name, imm) run_##name##_##imm,
#define ROW_16(name)   {#name, {ALL_16(IMM, name)}},
#define ROW_32(name)   {#name, {ALL_32(IMM, name)}},
static const struct host_op ops[] = {
	EACH_TWO(ROW) EACH_FMA(ROW) EACH_TO_GPR(ROW_L_Q) EACH_FROM_GPR(ROW_L_Q) ROW_32(vcmpss) ROW_32(vcmpsd)
		ROW_16(roundss) ROW_16(roundsd) ROW_16(vcvtps2ph){"dpps", {run_dpps_241}},
	{"dppd", {run_dppd_49}},
};

static bool host_has(const char *name)
{
	__builtin_cpu_init();
	if (strncmp(name, "vf", 2) == 0)
		return __builtin_cpu_supports("fma");
	if (strncmp(name, "vcvtp", 5) == 0)
		return __builtin_cpu_supports("avx2"); /* as old as F16C or younger */
	if (name[0] == 'v')
		return __builtin_cpu_supports("avx");
	if (strncmp(name, "round", 5) == 0 || strncmp(name, "dpp", 3) == 0)
		return __builtin_cpu_supports("sse4.1");
	return __builtin_cpu_supports("sse3");
}

const struct host_op *host_find(const char *name)
{
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		if (strcmp(ops[i].name, name) == 0)
			return host_has(name) ? &ops[i] : NULL;
	}
	return NULL;
}

#else

void host_prepare(void) {}

const struct host_op *host_find(const char *name)
{
	return NULL;
}

#endif
