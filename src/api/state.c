/* Registers one by one. */
#include <inttypes.h>
#include <string.h>

#include "api/api.h"
#include "cpu/block.h"
#include "cpu/desc.h"
#include "cpu/model.h"
#include "cpu/msr.h"
#include "cpu/x87.h"

enum place { PLAIN, WHOLE, SELECTOR, EIP, EFLAGS, TAGS }; /* PLAIN: nothing is derived from it */

struct reg {
	const char *name;
	uint16_t offset; /* in struct arch_state */
	uint8_t bytes;   /* there */
	uint8_t bits;
	uint8_t place;
	uint8_t seg; /* SELECTOR */
};

/* clang-format off */
#define AT(field)              offsetof(struct arch_state, field)
#define GPR32(name, n)         {name, AT(gpr) + 8 * (n), 8, 32, PLAIN, 0}
#define GPR64(name, n)         {name, AT(gpr) + 8 * (n), 8, 64, PLAIN, 0}
#define GPR16(name, n)         {name, AT(gpr) + 8 * (n), 2, 16, PLAIN, 0}
#define GPR8(name, n, high)    {name, AT(gpr) + 8 * (n) + (high), 1, 8, PLAIN, 0}
#define FIELD(name, field, bits) {name, AT(field), sizeof(((struct arch_state *)0)->field), bits, WHOLE, 0}
#define SEL(name, seg)         {name, 0, 2, 16, SELECTOR, seg}

static const struct reg regs[TG_REGISTERS] = {
	[TG_EAX] = GPR32("eax", RAX), [TG_ECX] = GPR32("ecx", RCX), [TG_EDX] = GPR32("edx", RDX),
	[TG_EBX] = GPR32("ebx", RBX), [TG_ESP] = GPR32("esp", RSP), [TG_EBP] = GPR32("ebp", RBP),
	[TG_ESI] = GPR32("esi", RSI), [TG_EDI] = GPR32("edi", RDI),
	[TG_AX] = GPR16("ax", RAX), [TG_CX] = GPR16("cx", RCX), [TG_DX] = GPR16("dx", RDX), [TG_BX] = GPR16("bx", RBX),
	[TG_SP] = GPR16("sp", RSP), [TG_BP] = GPR16("bp", RBP), [TG_SI] = GPR16("si", RSI), [TG_DI] = GPR16("di", RDI),
	[TG_AL] = GPR8("al", RAX, 0), [TG_CL] = GPR8("cl", RCX, 0), [TG_DL] = GPR8("dl", RDX, 0),
	[TG_BL] = GPR8("bl", RBX, 0), [TG_AH] = GPR8("ah", RAX, 1), [TG_CH] = GPR8("ch", RCX, 1),
	[TG_DH] = GPR8("dh", RDX, 1), [TG_BH] = GPR8("bh", RBX, 1),
	[TG_EIP] = {"eip", AT(rip), 8, 32, EIP, 0},
	[TG_EFLAGS] = {"eflags", AT(rflags), 8, 32, EFLAGS, 0},
	[TG_ES] = SEL("es", SEG_ES), [TG_CS] = SEL("cs", SEG_CS), [TG_SS] = SEL("ss", SEG_SS),
	[TG_DS] = SEL("ds", SEG_DS), [TG_FS] = SEL("fs", SEG_FS), [TG_GS] = SEL("gs", SEG_GS),
	[TG_LDTR] = SEL("ldtr", SEG_LDTR), [TG_TR] = SEL("tr", SEG_TR),
	[TG_CPL] = FIELD("cpl", cpl, 2),
	[TG_GDTR_BASE] = FIELD("gdtr.base", gdtr.base, 64), [TG_GDTR_LIMIT] = FIELD("gdtr.limit", gdtr.limit, 16),
	[TG_IDTR_BASE] = FIELD("idtr.base", idtr.base, 64), [TG_IDTR_LIMIT] = FIELD("idtr.limit", idtr.limit, 16),
	[TG_CR0] = FIELD("cr0", cr0, 32), [TG_CR2] = FIELD("cr2", cr2, 64), [TG_CR3] = FIELD("cr3", cr3, 64),
	[TG_CR4] = FIELD("cr4", cr4, 32),
	[TG_DR0] = FIELD("dr0", dr[0], 64), [TG_DR1] = FIELD("dr1", dr[1], 64), [TG_DR2] = FIELD("dr2", dr[2], 64),
	[TG_DR3] = FIELD("dr3", dr[3], 64), [TG_DR6] = FIELD("dr6", dr6, 32), [TG_DR7] = FIELD("dr7", dr7, 32),
	[TG_FCW] = FIELD("fcw", fpu.cw, 16), [TG_FSW] = FIELD("fsw", fpu.sw, 16),
	[TG_FTW] = {"ftw", AT(fpu.tw), 2, 16, TAGS, 0}, [TG_FOP] = FIELD("fop", fpu.fop, 11),
	[TG_FIP] = FIELD("fip", fpu.fip, 64), [TG_FCS] = FIELD("fcs", fpu.fcs, 16),
	[TG_FDP] = FIELD("fdp", fpu.fdp, 64), [TG_FDS] = FIELD("fds", fpu.fds, 16),
	[TG_SHADOW] = FIELD("shadow", shadow, 2), [TG_NMI_BLOCKED] = FIELD("nmi_blocked", nmi_blocked, 1),
	[TG_ACTIVITY] = FIELD("activity", activity, 2),
	[TG_RAX] = GPR64("rax", RAX), [TG_RCX] = GPR64("rcx", RCX), [TG_RDX] = GPR64("rdx", RDX),
	[TG_RBX] = GPR64("rbx", RBX), [TG_RSP] = GPR64("rsp", RSP), [TG_RBP] = GPR64("rbp", RBP),
	[TG_RSI] = GPR64("rsi", RSI), [TG_RDI] = GPR64("rdi", RDI), [TG_R8] = GPR64("r8", R8), [TG_R9] = GPR64("r9", R9),
	[TG_R10] = GPR64("r10", R10), [TG_R11] = GPR64("r11", R11), [TG_R12] = GPR64("r12", R12),
	[TG_R13] = GPR64("r13", R13), [TG_R14] = GPR64("r14", R14), [TG_R15] = GPR64("r15", R15),
	[TG_RIP] = {"rip", AT(rip), 8, 64, EIP, 0}, [TG_RFLAGS] = {"rflags", AT(rflags), 8, 64, EFLAGS, 0},
	[TG_FS_BASE] = FIELD("fs.base", seg[SEG_FS].base, 64), [TG_GS_BASE] = FIELD("gs.base", seg[SEG_GS].base, 64),
	[TG_KERNEL_GS_BASE] = FIELD("kernel_gs_base", kernel_gs_base, 64), [TG_CR8] = FIELD("cr8", cr8, 4),
	[TG_EFER] = FIELD("efer", efer, 32), [TG_STAR] = FIELD("star", star, 64), [TG_LSTAR] = FIELD("lstar", lstar, 64),
	[TG_CSTAR] = FIELD("cstar", cstar, 64), [TG_SFMASK] = FIELD("sfmask", sfmask, 32),
	[TG_TSC_AUX] = FIELD("tsc_aux", tsc_aux, 32), [TG_PKRU] = FIELD("pkru", pkru, 32),
	[TG_XCR0] = FIELD("xcr0", xcr0, 64), [TG_MXCSR] = FIELD("mxcsr", mxcsr, 32),
};
/* clang-format on */

const char *tg_register_name(enum tg_register reg)
{
	return (unsigned)reg < TG_REGISTERS ? regs[reg].name : NULL;
}

enum tg_error tg_register_find(const char *name, enum tg_register *reg)
{
	if (!name || !reg)
		return TG_ERROR_ARGUMENT;
	for (unsigned i = 0; i < TG_REGISTERS; i++)
		if (strcmp(name, regs[i].name) == 0) {
			*reg = (enum tg_register)i;
			return TG_OK;
		}
	return TG_ERROR_NOT_FOUND;
}

uint64_t api_rip(const struct tg_cpu *c)
{
	const struct cpu *cpu = c->cpu;

	/* I/O instructions are the last of their block; what is run alone is a block of its own. */
	if (c->machine->in_port && cpu->block)
		return uop_rip(cpu, &cpu->block->uops[cpu->block->n - 1]);
	return cpu->s.rip;
}

void api_state_read(const struct tg_cpu *c, struct arch_state *s)
{
	*s = c->cpu->s;
	s->rip = api_rip(c);
	s->rflags = cpu_flags(c->cpu);
}

void api_state_write(struct tg_cpu *c, const struct arch_state *s)
{
	c->cpu->s = *s;
	c->cpu->gapped = false;
	c->disturbed = true;
	cpu_state_changed(c->cpu);
}

enum tg_error tg_register_get(struct tg_cpu *c, enum tg_register reg, uint64_t *value)
{
	const struct reg *r;
	uint64_t v = 0;

	if (!c || !value)
		return TG_ERROR_ARGUMENT;
	if ((unsigned)reg >= TG_REGISTERS)
		return api_fail(c->machine, TG_ERROR_REGISTER, "register %d: there is none of that number", (int)reg);
	r = &regs[reg];
	switch ((enum place)r->place) {
	case SELECTOR:
		*value = c->cpu->s.seg[r->seg].sel;
		return TG_OK;
	case EIP:
		*value = r->bits == 32 ? (uint32_t)api_rip(c) : api_rip(c);
		return TG_OK;
	case EFLAGS:
		*value = cpu_flags(c->cpu);
		return TG_OK;
	case TAGS:
		*value = x87_tag_word(&c->cpu->s.fpu);
		return TG_OK;
	case PLAIN:
	case WHOLE:
		break;
	}
	memcpy(&v, (const uint8_t *)&c->cpu->s + r->offset, r->bytes);
	*value = r->bits == 32 ? (uint32_t)v : v;
	return TG_OK;
}

/* The hidden part that goes with a selector. */
static enum tg_error load_selector(struct tg_cpu *c, struct arch_state *s, unsigned seg, uint16_t sel)
{
	struct cpu *cpu = c->cpu;
	struct descriptor d;
	uint64_t address, raw[2] = {0};
	unsigned bytes;

	if (seg < SEG_LDTR && (in_real(cpu) || in_vm86(cpu))) {
		s->seg[seg] = in_real(cpu) ? real_segment(&s->seg[seg], sel) : vm86_segment(sel);
		return TG_OK;
	}
	if (sel_null(sel)) {
		s->seg[seg] = null_segment(sel);
		return TG_OK;
	}
	bytes = in_ia32e(cpu) && seg >= SEG_LDTR ? sizeof(raw) : DESC_BYTES;
	if (!desc_locate(cpu, sel, &address) || peek_lin(&cpu->mmu, address, raw, bytes) != bytes)
		return api_fail(c->machine, TG_ERROR_UNMAPPED,
				"selector %04x: its descriptor is beyond the table, or not in memory", sel);
	desc_decode(&d, raw[0], sel);
	d.seg.base |= raw[1] << 32; /* of system descriptors in IA-32e mode */
	s->seg[seg] = d.seg;
	return TG_OK;
}

/* PAE paging: what MOV to CR0, CR3 and CR4 reads from memory (SDM 3A, "PDPTE Registers"). */
static enum tg_error load_pdptes(struct tg_cpu *c, struct arch_state *s)
{
	uint64_t table = s->cr3 & 0xffffffe0u;

	if (!(s->cr0 & CR0_PG) || !(s->cr4 & CR4_PAE) || (s->efer & EFER_LMA))
		return TG_OK;
	if (bus_peek(c->machine->m->bus, table, s->pdpte, sizeof(s->pdpte)) != sizeof(s->pdpte))
		return api_fail(c->machine, TG_ERROR_UNMAPPED,
				"no memory for the page-directory pointers at 0x%" PRIx64, table);
	return TG_OK;
}

static enum tg_error write_field(struct tg_cpu *c, const struct reg *r, uint64_t value)
{
	struct arch_state s;
	enum tg_error error = TG_OK;

	api_state_read(c, &s);
	if (r->place == SELECTOR)
		error = load_selector(c, &s, r->seg, (uint16_t)value);
	else
		memcpy((uint8_t *)&s + r->offset, &value, r->bytes);
	if (error == TG_OK && (r == &regs[TG_CR0] || r == &regs[TG_CR3] || r == &regs[TG_CR4]))
		error = load_pdptes(c, &s);
	if (error == TG_OK)
		error = api_state_check(c, &s);
	if (error == TG_OK)
		api_state_write(c, &s);
	return error;
}

enum tg_error tg_register_set(struct tg_cpu *c, enum tg_register reg, uint64_t value)
{
	const struct reg *r;
	enum tg_error error;

	if (!c)
		return TG_ERROR_ARGUMENT;
	if ((unsigned)reg >= TG_REGISTERS)
		return api_fail(c->machine, TG_ERROR_REGISTER, "register %d: there is none of that number", (int)reg);
	error = api_writable(c->machine);
	if (error != TG_OK)
		return error;
	r = &regs[reg];
	if (r->bits < 64 && value >> r->bits)
		return api_fail(c->machine, TG_ERROR_VALUE, "%s = 0x%" PRIx64 ": it has %u bits", r->name, value,
				r->bits);
	bool wide = value > UINT32_MAX && r->bits == 64;
	if ((r->place != PLAIN && r->place != EIP) || wide || (r->place == PLAIN && reg >= TG_R8 && reg <= TG_R15))
		return write_field(c, r, value);
	memcpy((uint8_t *)&c->cpu->s + r->offset, &value, r->bytes);
	c->cpu->gapped = false;
	c->disturbed = true;
	return TG_OK;
}

/* ---- model-specific registers ---- */

static enum tg_error msr_refused(struct tg_cpu *c, uint32_t number)
{
	enum why why = c->cpu->fault.why;

	return api_fail(c->machine, why == WHY_MSR_UNKNOWN ? TG_ERROR_REGISTER : TG_ERROR_VALUE, "MSR %" PRIx32 "h: %s",
			number, why_info(why)->sentence);
}

enum tg_error tg_msr_get(struct tg_cpu *c, uint32_t number, uint64_t *value)
{
	if (!c || !value)
		return TG_ERROR_ARGUMENT;
	return msr_read(c->cpu, number, value) ? TG_OK : msr_refused(c, number);
}

enum tg_error tg_msr_set(struct tg_cpu *c, uint32_t number, uint64_t value)
{
	enum tg_error error = c ? api_writable(c->machine) : TG_ERROR_ARGUMENT;

	if (error != TG_OK)
		return error;
	c->disturbed = true;
	return msr_write(c->cpu, number, value) ? TG_OK : msr_refused(c, number);
}

/* ---- x87 ---- */

enum tg_error tg_fpu_get(struct tg_cpu *c, unsigned n, struct tg_fp80 *value)
{
	if (!c || !value || n > 7)
		return TG_ERROR_ARGUMENT;
	*value = (struct tg_fp80){c->cpu->s.fpu.st[n].mantissa, c->cpu->s.fpu.st[n].sign_exponent};
	return TG_OK;
}

enum tg_error tg_fpu_set(struct tg_cpu *c, unsigned n, const struct tg_fp80 *value)
{
	enum tg_error error = c && value && n <= 7 ? api_writable(c->machine) : TG_ERROR_ARGUMENT;

	if (error == TG_OK)
		c->cpu->s.fpu.st[n] = (struct fp80){value->mantissa, value->sign_exponent};
	return error;
}
