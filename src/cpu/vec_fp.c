/* What floating-point instructions on vectors do with the exceptions they found. */
#include "cpu/vec_fp.h"

bool fp_record(struct cpu *cpu, uint32_t flags, bool masked)
{
	cpu->s.mxcsr |= flags;
	if (LIKELY(masked))
		return true;
	if (!(cpu->s.cr4 & CR4_OSXMMEXCPT))
		return cpu_raise(cpu, VEC_UD, 0, WHY_SIMD_OSXMMEXCPT);
	return cpu_raise(cpu, VEC_XM, 0, WHY_SIMD_EXCEPTION);
}

bool fp_report(struct cpu *cpu, struct sse_env *e)
{
	bool masked = sse_settle(e);

	return fp_record(cpu, e->flags, masked);
}
