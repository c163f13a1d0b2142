#include "sse/vec_rig.h"

#include <string.h>

#include "cpu/flags.h"

static const struct cpu_model *model_of_everything(void)
{
	static struct cpu_model model;

	model = *cpu_model_find("max");
	for (unsigned i = 0; i < FEAT_WORDS; i++)
		model.feature[i] = ~0u;
	return &model;
}

struct rig *vec_rig_new(bool long64)
{
	struct rig *r = rig_new("max", 0x400000);

	r->cpu.model = model_of_everything();
	r->cpu.how = model_decode(r->cpu.model);
	if (long64)
		rig_long64(r, 0);
	else
		rig_protected(r, 0);
	r->cpu.s.cr0 &= ~(CR0_EM | CR0_TS);
	r->cpu.s.cr0 |= CR0_NE;
	r->cpu.s.cr4 |= CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_OSXSAVE;
	r->cpu.s.xcr0 = XCR0_X87 | XCR0_SSE | XCR0_AVX;
	cpu_state_changed(&r->cpu);
	return r;
}

void vec_rig_run(struct rig *r, uint64_t at, struct vec_state *s)
{
	struct arch_state *a = &r->cpu.s;
	uint64_t deliveries = r->trace.deliveries;

	memcpy(a->vec, s->vec, sizeof(s->vec));
	for (unsigned i = 0; i < 2; i++)
		a->fpu.st[i] = (struct fp80){s->mmx[i], 0xffff};
	rig_write(r, VEC_RIG_DATA, s->memory, sizeof(s->memory));
	a->gpr.r64[RCX] = s->rcx;
	a->gpr.r64[RDX] = VEC_RIG_DATA;
	a->gpr.r64[RSP] = RIG_STACK0;
	flags_load(&r->cpu.f, (uint32_t)s->rflags);
	a->mxcsr = s->mxcsr;
	a->rip = at;
	rig_run(r, 1);
	memcpy(s->vec, a->vec, sizeof(s->vec));
	for (unsigned i = 0; i < 2; i++)
		s->mmx[i] = a->fpu.st[i].mantissa;
	for (unsigned i = 0; i < sizeof(s->memory); i++)
		((uint8_t *)s->memory)[i] = rig_read8(r, VEC_RIG_DATA + i);
	s->rcx = a->gpr.r64[RCX];
	s->rflags = flags_status(&r->cpu.f);
	s->mxcsr = a->mxcsr;
	s->trapped = r->trace.deliveries != deliveries;
}
