/* The state as a whole, and what no processor can be in. */
#include <inttypes.h>
#include <string.h>

#include "api/api.h"
#include "cpu/model.h"
#include "cpu/vec.h"
#include "cpu/x87.h"

#define PDPTE_P 1u
/* Bits 2:1 and 8:5 of a PDPTE are reserved (SDM 3A, "PDPTE Registers"). */
#define PDPTE_RESERVED 0x1e6u

static enum tg_error bad(struct tg_cpu *c, const char *what, uint64_t value)
{
	return api_fail(c->machine, TG_ERROR_VALUE, "0x%" PRIx64 ": %s", value, what);
}

/* A processor without 64-bit mode: nothing here is wider than 32 bits. */
static enum tg_error check_narrow(struct tg_cpu *c, const struct arch_state *s)
{
	const struct {
		const char *what;
		uint64_t value;
	} narrow[] = {
		{"CR2 has 32 bits", s->cr2},
		{"DR0 has 32 bits", s->dr[0]},
		{"DR1 has 32 bits", s->dr[1]},
		{"DR2 has 32 bits", s->dr[2]},
		{"DR3 has 32 bits", s->dr[3]},
		{"GDTR's base has 32 bits", s->gdtr.base},
		{"IDTR's base has 32 bits", s->idtr.base},
	};

	for (size_t i = 0; i < sizeof(narrow) / sizeof(narrow[0]); i++)
		if (narrow[i].value > UINT32_MAX)
			return bad(c, narrow[i].what, narrow[i].value);
	for (unsigned i = 0; i < 16; i++)
		if (s->gpr.r64[i] > (i < 8 ? UINT32_MAX : 0))
			return bad(c, i < 8 ? "general registers have 32 bits" : "R8 to R15 need a 64-bit processor",
				   s->gpr.r64[i]);
	for (unsigned i = 0; i < SEG_COUNT; i++)
		if (s->seg[i].base > UINT32_MAX)
			return bad(c, "segment bases have 32 bits", s->seg[i].base);
	return TG_OK;
}

/* Linear addresses in canonical form; SDM 1, "Canonical Addressing". */
static enum tg_error check_canonical(struct tg_cpu *c, const struct arch_state *s)
{
	const uint64_t addresses[] = {s->gdtr.base, s->idtr.base, s->sysenter_esp,  s->sysenter_eip,
				      s->lstar,     s->cstar,     s->kernel_gs_base};

	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
		if (!base_canonical(c->cpu, addresses[i]))
			return bad(c, "this address is not in canonical form", addresses[i]);
	for (unsigned i = 0; i < SEG_COUNT; i++)
		if (!base_canonical(c->cpu, s->seg[i].base))
			return bad(c, "a segment's base is not in canonical form", s->seg[i].base);
	return TG_OK;
}

static enum tg_error check_widths(struct tg_cpu *c, const struct arch_state *s)
{
	bool wide = model_has(c->cpu->model, FEAT_81_EDX, F81D_LM), long64 = (s->efer & EFER_LMA) && s->seg[SEG_CS].l;
	const struct {
		const char *what;
		uint64_t value;
	} narrow[] = {
		{"EFLAGS has 32 bits", s->rflags}, {"CR0 has 32 bits", s->cr0},         {"CR4 has 32 bits", s->cr4},
		{"DR6 has 32 bits", s->dr6},       {"DR7 has 32 bits", s->dr7},         {"PKRU has 32 bits", s->pkru},
		{"SFMASK has 32 bits", s->sfmask}, {"TSC_AUX has 32 bits", s->tsc_aux},
	};

	for (size_t i = 0; i < sizeof(narrow) / sizeof(narrow[0]); i++)
		if (narrow[i].value > UINT32_MAX)
			return bad(c, narrow[i].what, narrow[i].value);
	if (long64 ? !address_canonical(s->rip, s->cr4 & CR4_LA57 ? 57 : 48) : s->rip > UINT32_MAX)
		return bad(c, long64 ? "RIP is not in canonical form" : "EIP has 32 bits outside of 64-bit mode",
			   s->rip);
	/* Bit 63 is no part of what CR3 holds. */
	if (s->cr3 & ~(wide ? c->cpu->mmu.phys_mask | 0xfff : UINT32_MAX))
		return bad(c, "CR3 has more bits than a physical address of this model", s->cr3);
	return wide ? check_canonical(c, s) : check_narrow(c, s);
}

/* EFER and what goes with IA-32e mode (SDM 3A, "Initializing IA-32e Mode"). */
static enum tg_error check_ia32e(struct tg_cpu *c, const struct arch_state *s)
{
	const struct cpu_model *model = c->cpu->model;
	bool wide = model_has(model, FEAT_81_EDX, F81D_LM);
	uint64_t efer = (model_has(model, FEAT_81_EDX, F81D_NX) ? EFER_NXE : 0) |
			(model_has(model, FEAT_81_EDX, F81D_SYSCALL) ? EFER_SCE : 0) | (wide ? EFER_LME | EFER_LMA : 0);

	if (s->efer & ~efer)
		return bad(c, "EFER has bits that this model has not", s->efer);
	if (s->cr8 > (wide ? 15 : 0))
		return bad(c, "CR8 has four bits, and needs a 64-bit processor", s->cr8);
	if (!(s->efer & EFER_LMA) != !((s->efer & EFER_LME) && (s->cr0 & CR0_PG)))
		return bad(c, "EFER.LMA is what LME and paging make of it", s->efer);
	if ((s->efer & EFER_LMA) && !(s->cr4 & CR4_PAE))
		return bad(c, "IA-32e mode without CR4.PAE", s->cr4);
	if (!(s->efer & EFER_LMA) && (s->cr4 & CR4_PCIDE))
		return bad(c, "CR4.PCIDE outside of IA-32e mode", s->cr4);
	if ((s->efer & EFER_LMA) && (s->rflags & FLAG_VM))
		return bad(c, "there is no virtual-8086 mode in IA-32e mode", s->rflags);
	if ((s->efer & EFER_LMA) && s->seg[SEG_CS].l && s->seg[SEG_CS].db)
		return bad(c, "CS has both L and D", s->seg[SEG_CS].attributes);
	return TG_OK;
}

static enum tg_error check_control(struct tg_cpu *c, const struct arch_state *s)
{
	const struct cpu_model *model = c->cpu->model;

	if ((s->cr0 & ~(uint64_t)(model->cr0 | model->cr0_fixed)) || (model->cr0_fixed & ~s->cr0))
		return bad(c, "CR0 has bits that this model has not, or lacks those that are always 1", s->cr0);
	if ((s->cr0 & CR0_PG) && !(s->cr0 & CR0_PE))
		return bad(c, "CR0: PG without PE", s->cr0);
	if ((s->cr0 & CR0_NW) && !(s->cr0 & CR0_CD))
		return bad(c, "CR0: NW without CD", s->cr0);
	if (s->cr4 & ~(uint64_t)model->cr4)
		return bad(c, "CR4 has bits that this model has not", s->cr4);
	if (s->mxcsr & ~MXCSR_WRITABLE)
		return bad(c, "MXCSR has reserved bits", s->mxcsr);
	if (!xcr0_valid(c->cpu, s->xcr0))
		return bad(c, "XCR0 has components that this model has not, or not so", s->xcr0);
	for (unsigned i = 0; (s->cr4 & CR4_PAE) && !(s->efer & EFER_LMA) && i < 4; i++)
		if ((s->pdpte[i] & PDPTE_P) && (s->pdpte[i] & (PDPTE_RESERVED | ~(c->cpu->mmu.phys_mask | 0xfff))))
			return bad(c, "a page-directory pointer with reserved bits", s->pdpte[i]);
	return check_ia32e(c, s);
}

enum tg_error api_state_check(struct tg_cpu *c, const struct arch_state *s)
{
	const struct cpu_model *model = c->cpu->model;
	enum tg_error error = check_widths(c, s);

	if (error == TG_OK)
		error = check_control(c, s);
	if (error != TG_OK)
		return error;
	if ((s->rflags & ~(uint64_t)(model->eflags | FLAG_ONE)) || !(s->rflags & FLAG_ONE))
		return bad(c, "EFLAGS has bits that this model has not, or bit 1 is clear", s->rflags);
	if (s->cpl > 3 || s->shadow > 3 || s->activity > ACT_WAIT_SIPI)
		return bad(c, "CPL, shadow or activity is out of range", s->cpl);
	if (!(s->cr0 & CR0_PE) && (s->cpl != 0 || (s->rflags & FLAG_VM)))
		return bad(c, "in real mode CPL is 0 and EFLAGS.VM clear", s->rflags);
	if ((s->rflags & FLAG_VM) && s->cpl != 3)
		return bad(c, "in virtual-8086 mode CPL is 3", s->rflags);
	return TG_OK;
}

/* ---- segments ---- */

void api_segment_out(struct tg_segment *to, const struct segment *from)
{
	*to = (struct tg_segment){.base = from->base,
				  .limit = from->limit,
				  .selector = from->sel,
				  .type = from->type,
				  .dpl = from->dpl,
				  .s = from->s,
				  .present = from->present,
				  .usable = from->usable,
				  .avl = from->avl,
				  .l = from->l,
				  .db = from->db,
				  .g = from->g};
}

bool api_segment_in(struct segment *to, const struct tg_segment *from)
{
	*to = (struct segment){.base = from->base,
			       .limit = from->limit,
			       .sel = from->selector,
			       .type = from->type & 15,
			       .dpl = from->dpl & 3,
			       .s = from->s,
			       .present = from->present,
			       .usable = from->usable,
			       .avl = from->avl,
			       .l = from->l,
			       .db = from->db,
			       .g = from->g};
	return from->type < 16 && from->dpl < 4;
}

enum tg_error tg_segment_get(struct tg_cpu *c, enum tg_segment_register which, struct tg_segment *segment)
{
	if (!c || !segment || (unsigned)which >= TG_SEGMENTS)
		return TG_ERROR_ARGUMENT;
	api_segment_out(segment, &c->cpu->s.seg[which]);
	return TG_OK;
}

enum tg_error tg_segment_set(struct tg_cpu *c, enum tg_segment_register which, const struct tg_segment *segment)
{
	struct arch_state s;
	enum tg_error error;

	if (!c || !segment || (unsigned)which >= TG_SEGMENTS)
		return TG_ERROR_ARGUMENT;
	error = api_writable(c->machine);
	if (error != TG_OK)
		return error;
	api_state_read(c, &s);
	if (!api_segment_in(&s.seg[which], segment))
		return bad(c, "a segment's type has 4 bits, its DPL 2", segment->type);
	error = api_state_check(c, &s);
	if (error == TG_OK)
		api_state_write(c, &s);
	return error;
}

/* ---- everything ---- */

static void fpu_out(struct tg_state *to, const struct fpu_state *f)
{
	for (unsigned i = 0; i < 8; i++)
		to->st[i] = (struct tg_fp80){f->st[i].mantissa, f->st[i].sign_exponent};
	to->fcw = f->cw;
	to->fsw = f->sw;
	to->ftw = x87_tag_word(f);
	to->fop = f->fop;
	to->fcs = f->fcs;
	to->fds = f->fds;
	to->fip = f->fip;
	to->fdp = f->fdp;
}

static void fpu_in(struct fpu_state *f, const struct tg_state *from)
{
	for (unsigned i = 0; i < 8; i++)
		f->st[i] = (struct fp80){from->st[i].mantissa, from->st[i].sign_exponent};
	f->cw = from->fcw;
	f->sw = from->fsw;
	f->tw = from->ftw;
	f->fop = from->fop & 0x7ff;
	f->fcs = from->fcs;
	f->fds = from->fds;
	f->fip = from->fip;
	f->fdp = from->fdp;
}

/* Fields of the same name and type in both. */
#define SAME_FIELDS(X)                                                                                                 \
	X(rip)                                                                                                         \
	X(rflags)                                                                                                      \
	X(cpl)                                                                                                         \
	X(shadow) X(activity) X(nmi_blocked) X(pending_dr6) X(cr0) X(cr2) X(cr3) X(cr4) X(cr8) X(efer) X(dr6) X(dr7)   \
		X(tsc_offset) X(pat) X(sysenter_cs) X(sysenter_esp) X(sysenter_eip) X(misc_enable) X(mtrr_def_type)    \
			X(mcg_status) X(bios_sign_id) X(mxcsr) X(xcr0) X(pkru) X(star) X(lstar) X(cstar) X(sfmask)     \
				X(kernel_gs_base) X(tsc_aux)
#define SAME_ARRAYS(X) X(dr) X(pdpte) X(mtrr_phys) X(mtrr_fixed)

enum tg_error tg_state_get(struct tg_cpu *c, struct tg_state *state)
{
	struct tg_state out = {.size = sizeof(out)};
	struct arch_state s;

	if (!c || !state)
		return TG_ERROR_ARGUMENT;
	api_state_read(c, &s);
	memcpy(out.gpr, s.gpr.r64, sizeof(out.gpr));
	for (unsigned i = 0; i < SEG_COUNT; i++)
		api_segment_out(&out.segment[i], &s.seg[i]);
	out.gdtr = (struct tg_table){s.gdtr.base, s.gdtr.limit};
	out.idtr = (struct tg_table){s.idtr.base, s.idtr.limit};
#define OUT(field)       out.field = s.field;
#define OUT_ARRAY(field) memcpy(out.field, s.field, sizeof(out.field));
	SAME_FIELDS(OUT)
	SAME_ARRAYS(OUT_ARRAY)
	memcpy(out.vector, s.vec, sizeof(out.vector));
	fpu_out(&out, &s.fpu);
	return api_give(state, &out, sizeof(out), SIZE_UP_TO(struct tg_state, fdp));
}

/* The fields behind the first `known` bytes, as they are now. */
static enum tg_error keep_later(struct tg_cpu *c, struct tg_state *in, size_t known)
{
	struct tg_state now = {.size = sizeof(now)};
	enum tg_error error = tg_state_get(c, &now);

	if (error == TG_OK)
		memcpy((uint8_t *)in + known, (const uint8_t *)&now + known, sizeof(now) - known);
	return error;
}

enum tg_error tg_state_set(struct tg_cpu *c, const struct tg_state *state)
{
	struct arch_state s;
	struct tg_state in;
	enum tg_error error;
	bool fields = true;

	if (!c || !state)
		return TG_ERROR_ARGUMENT;
	error = api_writable(c->machine);
	if (error == TG_OK)
		error = api_take(&in, sizeof(in), state, SIZE_UP_TO(struct tg_state, fdp));
	if (error != TG_OK)
		return error;
	if (state->size < sizeof(in)) /* what came after that version stays */
		error = keep_later(c, &in, state->size);
	if (error != TG_OK)
		return error;
	api_state_read(c, &s);
	memcpy(s.gpr.r64, in.gpr, sizeof(in.gpr));
	for (unsigned i = 0; i < SEG_COUNT; i++)
		fields = api_segment_in(&s.seg[i], &in.segment[i]) && fields;
	if (!fields)
		return api_fail(c->machine, TG_ERROR_VALUE, "a segment's type has 4 bits, its DPL 2");
	s.gdtr = (struct table_register){in.gdtr.base, in.gdtr.limit};
	s.idtr = (struct table_register){in.idtr.base, in.idtr.limit};
#define IN(field)       s.field = in.field;
#define IN_ARRAY(field) memcpy(s.field, in.field, sizeof(s.field));
	SAME_FIELDS(IN)
	SAME_ARRAYS(IN_ARRAY)
	memcpy(s.vec, in.vector, sizeof(s.vec));
	fpu_in(&s.fpu, &in);
	error = api_state_check(c, &s);
	if (error == TG_OK)
		api_state_write(c, &s);
	return error;
}
