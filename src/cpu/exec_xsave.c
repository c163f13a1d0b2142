/* MXCSR, FXSAVE, XSAVE and their sisters.  SDM 1, "Managing State Using the XSAVE Feature Set"; SDM 2, the
 * instructions' pages. */
#include "cpu/ending.h"
#include "cpu/vec.h"

/* ---- MXCSR ---- */

static bool mxcsr_valid(struct cpu *cpu, uint32_t v)
{
	return !(v & ~MXCSR_WRITABLE) || cpu_raise(cpu, VEC_GP, 0, WHY_MXCSR_RESERVED);
}
static bool ldmxcsr(struct cpu *cpu, const struct uop *u)
{
	struct rd m = mem_read(cpu, u, 4);

	if (!m.ok || !mxcsr_valid(cpu, (uint32_t)m.v))
		return false;
	cpu->s.mxcsr = (uint32_t)m.v;
	return true;
}
THEN_NEXT(ldmxcsr_m, ldmxcsr(cpu, u))
THEN_NEXT(stmxcsr_m, mem_write(cpu, u, 4, cpu->s.mxcsr))
const struct exec exec_ldmxcsr = {{[FORM_M] = EXEC_ALL(ldmxcsr_m)}};
const struct exec exec_stmxcsr = {{[FORM_M] = EXEC_ALL(stmxcsr_m)}};

/* ---- the area in memory ---- */

#define AREA_MXCSR  24u
#define AREA_ST     32u
#define AREA_XMM    160u
#define AREA_HEADER XSAVE_AREA_HEADER /* XSTATE_BV, XCOMP_BV, reserved */
#define AREA_AVX    XSAVE_AREA_AVX
#define AREA_PKRU   XSAVE_AREA_PKRU
#define AREA_BYTES  XSAVE_AREA_END

struct area {
	uint8_t bytes[AREA_BYTES];
};
struct range {
	unsigned at, bytes;
};

/* The ranges of the area that these state components lie in. */
static unsigned ranges_of(const struct cpu *cpu, uint64_t components, struct range *range)
{
	unsigned n = 0;

	if (components & XCR0_X87) {
		range[n++] = (struct range){0, AREA_MXCSR};
		range[n++] = (struct range){AREA_ST, 128};
	}
	if (components & (XCR0_SSE | XCR0_AVX))
		range[n++] = (struct range){AREA_MXCSR, 8};
	if (components & XCR0_SSE)
		range[n++] = (struct range){AREA_XMM, 16 * vec_count(cpu)};
	if (components & XCR0_AVX)
		range[n++] = (struct range){AREA_AVX, 16 * vec_count(cpu)};
	if (components & XCR0_PKRU)
		range[n++] = (struct range){AREA_PKRU, 8};
	return n;
}
#define MOST_RANGES 7

static bool area_aligned(struct cpu *cpu, const struct uop *u, unsigned align)
{
	if (((cpu->mmu.win[u->seg].base + uop_ea(cpu, u)) & (align - 1)) == 0)
		return true;
	return cpu_raise(cpu, VEC_GP, 0, WHY_XSAVE_ALIGNMENT);
}

/* Address n bytes into the area. */
static uint64_t area_at(const struct cpu *cpu, const struct uop *u, unsigned n)
{
	return operand_at(cpu, uop_ea(cpu, u), n);
}

/* Can all of the ranges be written? */
static bool area_probe(struct cpu *cpu, const struct uop *u, const struct range *range, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (!seg_probe_write(&cpu->mmu, (enum seg)u->seg, area_at(cpu, u, range[i].at), range[i].bytes))
			return false;
	return true;
}
/* Call after area_probe(). */
static bool area_store(struct cpu *cpu, const struct uop *u, const struct area *a, const struct range *range, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		for (unsigned k = range[i].at; k < range[i].at + range[i].bytes; k += 8)
			if (!seg_store(&cpu->mmu, (enum seg)u->seg, area_at(cpu, u, k), 8, 1, &a->bytes[k]))
				return false;
	return true;
}
static bool area_load(struct cpu *cpu, const struct uop *u, struct area *a, const struct range *range, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		for (unsigned k = range[i].at; k < range[i].at + range[i].bytes; k += 8)
			if (!seg_load(&cpu->mmu, (enum seg)u->seg, area_at(cpu, u, k), 8, 1, &a->bytes[k]))
				return false;
	return true;
}

/* ---- the state in the area: SDM 1, "x87 State", "SSE State", "AVX State" ---- */

static void pack_x87(const struct cpu *cpu, struct area *a, bool wide)
{
	struct fpu_state f = cpu->s.fpu;
	unsigned full = 0;

	for (unsigned i = 0; i < 8; i++) {
		full |= ((f.tw >> (2 * i)) & 3) != 3 ? 1u << i : 0;
		host_store(&a->bytes[AREA_ST + 16 * i], 8, x87_st(&f, i)->mantissa);
		host_store(&a->bytes[AREA_ST + 16 * i + 8], 2, x87_st(&f, i)->sign_exponent);
	}
	host_store(&a->bytes[0], 2, f.cw);
	host_store(&a->bytes[2], 2, f.sw);
	host_store(&a->bytes[4], 1, full);
	host_store(&a->bytes[6], 2, f.fop);
	host_store(&a->bytes[8], wide ? 8 : 4, f.fip);
	host_store(&a->bytes[16], wide ? 8 : 4, f.fdp);
	if (!wide) {
		host_store(&a->bytes[12], 2, f.fcs);
		host_store(&a->bytes[20], 2, f.fds);
	}
}
static void unpack_x87(const struct area *a, bool wide, struct fpu_state *f)
{
	unsigned full = a->bytes[4];

	f->cw = x87_control_word((uint16_t)host_load(&a->bytes[0], 2));
	f->sw = (uint16_t)host_load(&a->bytes[2], 2);
	f->tw = 0;
	f->fop = host_load(&a->bytes[6], 2) & 0x7ff;
	f->fip = host_load(&a->bytes[8], wide ? 8 : 4);
	f->fdp = host_load(&a->bytes[16], wide ? 8 : 4);
	f->fcs = wide ? 0 : (uint16_t)host_load(&a->bytes[12], 2);
	f->fds = wide ? 0 : (uint16_t)host_load(&a->bytes[20], 2);
	for (unsigned i = 0; i < 8; i++) {
		f->tw |= (uint16_t)((full >> i & 1 ? 0u : 3u) << (2 * i));
		x87_st(f, i)->mantissa = host_load(&a->bytes[AREA_ST + 16 * i], 8);
		x87_st(f, i)->sign_exponent = (uint16_t)host_load(&a->bytes[AREA_ST + 16 * i + 8], 2);
	}
	f->sw = x87_status(f, 0, 0);
}
static void pack_mxcsr(const struct cpu *cpu, struct area *a)
{
	host_store(&a->bytes[AREA_MXCSR], 4, cpu->s.mxcsr);
	host_store(&a->bytes[AREA_MXCSR + 4], 4, MXCSR_WRITABLE);
}
static void pack_vec(const struct cpu *cpu, struct area *a, unsigned at, unsigned lane)
{
	for (unsigned i = 0; i < vec_count(cpu); i++)
		memcpy(&a->bytes[at + 16 * i], &cpu->s.vec[i].lane[lane], 16);
}
/* Registers from the area; a NULL: their initial state. */
static void unpack_vec(struct cpu *cpu, const struct area *a, unsigned at, unsigned lane)
{
	for (unsigned i = 0; i < vec_count(cpu); i++) {
		cpu->s.vec[i].lane[lane] = (union xmm){.u64 = {0, 0}};
		if (a)
			memcpy(&cpu->s.vec[i].lane[lane], &a->bytes[at + 16 * i], 16);
	}
}
static bool wide_pointers(const struct uop *u) { return u->width == 64; }

/* ---- FXSAVE, FXRSTOR ---- */

/* Without CR4.OSFXSR the vector registers and MXCSR are left out (SDM 2, "FXRSTOR"). */
static uint64_t fx_components(const struct cpu *cpu)
{
	return XCR0_X87 | (cpu->s.cr4 & CR4_OSFXSR ? XCR0_SSE : 0);
}
static bool fxsave(struct cpu *cpu, const struct uop *u)
{
	struct range range[MOST_RANGES];
	struct area a = {{0}};

	if (!x87_available(cpu) || !area_aligned(cpu, u, 16))
		return false;
	pack_x87(cpu, &a, wide_pointers(u));
	pack_mxcsr(cpu, &a);
	pack_vec(cpu, &a, AREA_XMM, 0);
	const struct range whole = {0, AREA_HEADER};
	unsigned n = ranges_of(cpu, fx_components(cpu), range);

	return area_probe(cpu, u, &whole, 1) && area_store(cpu, u, &a, range, n);
}
static bool fxrstor(struct cpu *cpu, const struct uop *u)
{
	struct fpu_state next = cpu->s.fpu;
	struct range range[MOST_RANGES];
	struct area a;
	bool sse = fx_components(cpu) & XCR0_SSE;

	if (!x87_available(cpu) || !area_aligned(cpu, u, 16) ||
	    !seg_probe_read(&cpu->mmu, (enum seg)u->seg, uop_ea(cpu, u), AREA_HEADER) ||
	    !area_load(cpu, u, &a, range, ranges_of(cpu, fx_components(cpu), range)))
		return false;
	uint32_t mxcsr = (uint32_t)host_load(&a.bytes[AREA_MXCSR], 4);

	if (sse && !mxcsr_valid(cpu, mxcsr))
		return false;
	unpack_x87(&a, wide_pointers(u), &next);
	if (!x87_adopt(cpu, &next))
		return false;
	if (sse) {
		cpu->s.mxcsr = mxcsr;
		unpack_vec(cpu, &a, AREA_XMM, 0);
	}
	return true;
}
THEN_NEXT(fxsave_m, fxsave(cpu, u))
THEN_NEXT(fxrstor_m, fxrstor(cpu, u))
const struct exec exec_fxsave = {{[FORM_M] = EXEC_ALL(fxsave_m)}};
const struct exec exec_fxrstor = {{[FORM_M] = EXEC_ALL(fxrstor_m)}};

/* ---- XSAVE, XSAVEOPT, XRSTOR ---- */

static bool xsave_on(struct cpu *cpu)
{
	return (cpu->s.cr4 & CR4_OSXSAVE) || cpu_raise(cpu, VEC_UD, 0, WHY_SIMD_OSXSAVE);
}
static bool xsave_ready(struct cpu *cpu, const struct uop *u)
{
	if (!xsave_on(cpu))
		return false;
	if (cpu->s.cr0 & CR0_TS)
		return cpu_raise(cpu, VEC_NM, 0, WHY_SIMD_TASK_SWITCHED);
	return area_aligned(cpu, u, 64);
}
static uint64_t requested(const struct cpu *cpu)
{
	return cpu->s.xcr0 & ((uint64_t)reg32(cpu, RDX) << 32 | reg32(cpu, RAX));
}

/* XINUSE: the components not in their initial configuration (SDM 1, "Processor Tracking of XSAVE-Managed State").
 * MXCSR makes XSTATE_BV[1] 1 too. */
static uint64_t in_use(const struct cpu *cpu)
{
	static const struct fpu_state initial = {.cw = 0x037f, .tw = 0xffff};
	uint64_t lanes[2] = {0, 0}, use = 0;

	for (unsigned i = 0; i < vec_count(cpu); i++)
		for (unsigned lane = 0; lane < 2; lane++)
			lanes[lane] |= cpu->s.vec[i].lane[lane].u64[0] | cpu->s.vec[i].lane[lane].u64[1];
	const struct fpu_state *f = &cpu->s.fpu;
	bool x87 = f->cw != initial.cw || f->sw || f->tw != initial.tw || f->fop || f->fip || f->fdp || f->fcs || f->fds;

	for (unsigned i = 0; i < 8; i++)
		x87 |= f->st[i].mantissa || f->st[i].sign_exponent;
	use |= x87 ? XCR0_X87 : 0;
	use |= lanes[0] || cpu->s.mxcsr != MXCSR_RESET ? XCR0_SSE : 0;
	use |= lanes[1] ? XCR0_AVX : 0;
	use |= cpu->s.pkru ? XCR0_PKRU : 0;
	return use;
}

/* optimized: components in their initial configuration are not written. */
static bool xsave(struct cpu *cpu, const struct uop *u, bool optimized)
{
	struct range range[MOST_RANGES];
	struct area a = {{0}};

	if (!xsave_ready(cpu, u))
		return false;
	uint64_t asked = requested(cpu), use = in_use(cpu), saved = optimized ? asked & use : asked;
	unsigned n = ranges_of(cpu, saved, range);

	if (optimized && (asked & (XCR0_SSE | XCR0_AVX)) && !(saved & (XCR0_SSE | XCR0_AVX)))
		range[n++] = (struct range){AREA_MXCSR, 8};
	range[n++] = (struct range){AREA_HEADER, 8};
	if (!area_probe(cpu, u, range, n) || !area_load(cpu, u, &a, &range[n - 1], 1))
		return false;
	uint64_t old = host_load(&a.bytes[AREA_HEADER], 8);

	host_store(&a.bytes[AREA_HEADER], 8, (old & ~asked) | (use & asked));
	pack_x87(cpu, &a, wide_pointers(u));
	pack_mxcsr(cpu, &a);
	pack_vec(cpu, &a, AREA_XMM, 0);
	pack_vec(cpu, &a, AREA_AVX, 1);
	host_store(&a.bytes[AREA_PKRU], 8, cpu->s.pkru);
	return area_store(cpu, u, &a, range, n);
}
THEN_NEXT(xsave_m, xsave(cpu, u, false))
THEN_NEXT(xsaveopt_m, xsave(cpu, u, true))
const struct exec exec_xsave = {{[FORM_M] = EXEC_ALL(xsave_m)}};
const struct exec exec_xsaveopt = {{[FORM_M] = EXEC_ALL(xsaveopt_m)}};

/* Standard form: XSTATE_BV within XCR0, bytes 23:8 of the header 0. */
static bool header_valid(struct cpu *cpu, const struct area *a)
{
	if (host_load(&a->bytes[AREA_HEADER], 8) & ~cpu->s.xcr0)
		return cpu_raise(cpu, VEC_GP, 0, WHY_XSAVE_COMPONENT);
	if (host_load(&a->bytes[AREA_HEADER + 8], 8) | host_load(&a->bytes[AREA_HEADER + 16], 8))
		return cpu_raise(cpu, VEC_GP, 0, WHY_XSAVE_HEADER);
	return true;
}

/* A component asked for and not in XSTATE_BV gets its initial configuration; MXCSR comes from the area with either of
 * SSE and AVX state. */
static bool xrstor(struct cpu *cpu, const struct uop *u)
{
	const struct range header = {AREA_HEADER, 64};
	struct fpu_state next = cpu->s.fpu;
	struct range range[MOST_RANGES];
	struct area a;

	if (!xsave_ready(cpu, u) || !area_load(cpu, u, &a, &header, 1) || !header_valid(cpu, &a))
		return false;
	uint64_t asked = requested(cpu), present = asked & host_load(&a.bytes[AREA_HEADER], 8);
	bool mxcsr = asked & (XCR0_SSE | XCR0_AVX);
	unsigned n = ranges_of(cpu, present, range);

	if (mxcsr)
		range[n++] = (struct range){AREA_MXCSR, 8};
	if (!area_load(cpu, u, &a, range, n))
		return false;
	if (mxcsr && !mxcsr_valid(cpu, (uint32_t)host_load(&a.bytes[AREA_MXCSR], 4)))
		return false;
	if (present & XCR0_X87) {
		unpack_x87(&a, wide_pointers(u), &next);
	} else if (asked & XCR0_X87) {
		memset(next.st, 0, sizeof(next.st));
		x87_init(&next);
	}
	if (!x87_adopt(cpu, &next))
		return false;
	if (mxcsr)
		cpu->s.mxcsr = (uint32_t)host_load(&a.bytes[AREA_MXCSR], 4);
	if (asked & XCR0_SSE)
		unpack_vec(cpu, present & XCR0_SSE ? &a : NULL, AREA_XMM, 0);
	if (asked & XCR0_AVX)
		unpack_vec(cpu, present & XCR0_AVX ? &a : NULL, AREA_AVX, 1);
	if (asked & XCR0_PKRU) {
		cpu->s.pkru = present & XCR0_PKRU ? host_load(&a.bytes[AREA_PKRU], 4) : 0;
		mmu_pkru_changed(&cpu->mmu);
	}
	return true;
}
THEN_NEXT(xrstor_m, xrstor(cpu, u))
const struct exec exec_xrstor = {{[FORM_M] = EXEC_ALL(xrstor_m)}};

/* ---- XCR0 ---- */

static bool xcr_number(struct cpu *cpu)
{
	return reg32(cpu, RCX) == 0 || cpu_raise(cpu, VEC_GP, 0, WHY_XCR_NUMBER);
}
static bool xgetbv(struct cpu *cpu)
{
	if (!xsave_on(cpu) || !xcr_number(cpu))
		return false;
	set_reg32(cpu, RAX, (uint32_t)cpu->s.xcr0);
	set_reg32(cpu, RDX, (uint32_t)(cpu->s.xcr0 >> 32));
	return true;
}

/* What XCR0 can have on this model. */
static uint64_t xcr0_of(const struct cpu_model *model)
{
	return XCR0_X87 | XCR0_SSE | (model_has(model, FEAT_1_ECX, F1C_AVX) ? XCR0_AVX : 0) |
	       (model_has(model, FEAT_7_ECX, F7C_PKU) ? XCR0_PKRU : 0);
}

/* x87 state is always on, AVX state needs SSE state (SDM 2, "XSETBV"). */
bool xcr0_valid(const struct cpu *cpu, uint64_t value)
{
	return !(value & ~xcr0_of(cpu->model)) && (value & XCR0_X87) && (!(value & XCR0_AVX) || (value & XCR0_SSE));
}

static bool xsetbv(struct cpu *cpu)
{
	uint64_t value = (uint64_t)reg32(cpu, RDX) << 32 | reg32(cpu, RAX);

	if (!xsave_on(cpu) || !privileged(cpu) || !xcr_number(cpu))
		return false;
	if (!xcr0_valid(cpu, value))
		return cpu_raise(cpu, VEC_GP, 0, WHY_XCR0_VALUE);
	cpu->s.xcr0 = value;
	return true;
}
THEN_NEXT(xgetbv_none, xgetbv(cpu))
THEN_LEAVE(xsetbv_none, xsetbv(cpu))
const struct exec exec_xgetbv = {{[FORM_NONE] = EXEC_ALL(xgetbv_none)}};
const struct exec exec_xsetbv = {{[FORM_NONE] = EXEC_ALL(xsetbv_none)}};
