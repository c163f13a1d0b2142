#include "native/generate_parts.h"

#include <string.h>

#include "arch/x86.h"
#include "native/emulate.h"
#include "native/host.h"

/* ---- segments, registers, flags ---- */
/* Canonical. */
static word random_gs_base(struct random *r)
{
	uint64_t any = chance(r, 50) ? DATA : random_place(r);

	return chance(r, 60) || !host_has_gs_base() ? 0 : (word)((int64_t)(any << 16) >> 16);
}

static void make_segments(struct random *r, bool ldt, bool x87, struct test_case *c)
{
	static const uint16_t data[] = {SEL_LDT_DATA16, SEL_LDT_SHORT, SEL_LDT_READ_ONLY, SEL_LDT_DOWN, SEL_LDT_CODE32};
	struct start *s = &c->start;

	s->ds = s->es = s->ss = SEL_USER_DATA;
	s->gs = 0;
	if (NATIVE_BITS == 64)
		s->gs_base = random_gs_base(r);
	if (!ldt)
		return;
	if (chance(r, 30))
		s->ds = chance(r, 5) ? 0 : data[random_below(r, 5)];
	if (chance(r, 30))
		s->es = chance(r, 5) ? 0 : data[random_below(r, 5)];
	if (NATIVE_BITS == 32 && chance(r, 50))
		s->gs = chance(r, 30) ? SEL_USER_DATA : data[random_below(r, 5)];
	if (NATIVE_BITS == 32 && chance(r, 20) && !x87)
		s->ss = data[random_below(r, 2)];
}

static word segment_base(const struct test_case *c, unsigned seg)
{
	const struct start *s = &c->start;

	if (NATIVE_BITS == 64)
		return seg == SEG_GS ? s->gs_base : 0;
	const uint16_t selectors[] = {s->es, s->cs, s->ss, s->ds, 0, s->gs};

	return (uint32_t)emulator_segment(selectors[seg])->base;
}

static void set_register(struct test_case *c, unsigned n, unsigned width, word value)
{
	word mask = (word)~(word)0 >> (WORD_BITS - width);

	c->start.gpr[n] = (c->start.gpr[n] & ~mask) | (value & mask);
}

static void make_registers(struct random *r, struct test_case *c)
{
	struct start *s = &c->start;

	for (unsigned i = 0; i < REGS; i++)
		s->gpr[i] = random_value(r);
	if (chance(r, 30))
		s->gpr[DX] = chance(r, 50) ? 0 : (word)0 - (s->gpr[AX] >> (WORD_BITS - 1));
	word stack = chance(r, 80) ? anywhere(r, STACK + 256 + random_below(r, STACK_BYTES - 512)) : random_place(r);
	s->gpr[SP] = (chance(r, 80) ? stack & ~(word)(WORD_BITS / 8 - 1) : stack) - segment_base(c, SEG_SS);
	if (chance(r, 40))
		s->gpr[BP] = s->gpr[SP] + random_below(r, 64);
	s->eflags = (random32(r) & FLAGS_STATUS) | FLAG_ONE | FLAG_IF | (chance(r, 30) ? FLAG_DF : 0) |
		    (chance(r, 8) ? FLAG_AC : 0) | (chance(r, 50) ? FLAG_ID : 0);
}

static void make_x87(struct random *r, struct fsave *f)
{
	memset(f, 0, sizeof(*f));
	f->cw = 0xffff0000u | random_control(r);
	f->sw = 0xffff0000u | (random32(r) & 0x7f00) | (chance(r, 15) ? random32(r) & 0x7f : 0);
	f->tw = 0xffff0000u;
	for (unsigned i = 0; i < 8; i++)
		f->tw |= chance(r, 12) ? 3u << (2 * i) : 0;
	for (unsigned i = 0; i < 8; i++) {
		struct fp80 v = random_operand(r);
		memcpy(f->st[i], &v.mantissa, 8);
		memcpy(f->st[i] + 8, &v.sign_exponent, 2);
	}
}

/* Elements of all sizes: by chance, at the edges, equal to others, characters. */
static void make_vec(struct random *r, struct start *s)
{
	static const uint8_t edges[] = {0, 0, 1, 0x7f, 0x80, 0xff, 0xff};

	s->mxcsr = 0x1f80 | (random32(r) & 0xe07f);
	if (chance(r, 30))
		s->mxcsr = random32(r) & 0xffff;
	for (unsigned i = 0; i < REGS; i++) {
		unsigned kind = random_below(r, 5), size = 1u << random_below(r, 4);
		random_bytes(r, s->ymm[i], 32);
		for (unsigned n = 0; n < 32; n++)
			if (kind == 1)
				s->ymm[i][n] = (uint8_t)('a' + random_below(r, 4));
			else if (kind == 2)
				s->ymm[i][n] = edges[random_below(r, (unsigned)sizeof(edges))];
			else if (kind == 3) /* small numbers */
				s->ymm[i][n] = n % size == 0 ? (uint8_t)random_below(r, 80) : 0;
		if (i > 0 && kind == 4)
			memcpy(s->ymm[i] + 8 * random_below(r, 4), s->ymm[i - 1] + 8 * random_below(r, 4), 8);
	}
}

/* ---- addresses ---- */
static word effective(const struct test_case *c)
{
	const struct insn *i = &c->insn;
	word a = (word)i->disp + (i->rip_relative ? c->start.eip + c->lead + c->size : 0);

	a += i->base == REG_NONE ? 0 : c->start.gpr[i->base];
	a += i->index == REG_NONE || i->vsib ? 0 : c->start.gpr[i->index] << i->scale;
	return a & ((word)~(word)0 >> (WORD_BITS - i->asize));
}

/* Directs the memory operand at a linear address, by the displacement or the base. */
static void aim(struct test_case *c, word linear)
{
	struct insn *i = &c->insn;
	word missing = linear - segment_base(c, i->seg) - effective(c), disp = (word)i->disp + missing;
	bool fits = i->disp_size == i->asize / 8 || (i->disp_size == 4 && (int64_t)disp == (int32_t)disp);

	if (fits) {
		memcpy(c->bytes + c->size - i->imm_size - i->disp_size, &disp, i->disp_size);
		decode_case(c);
	} else if (i->base != REG_NONE) {
		set_register(c, i->base, i->asize, c->start.gpr[i->base] + missing);
	}
}

static void add_poke(struct test_case *c, word address, const void *bytes, unsigned size)
{
	struct poke *p = &c->poke[c->pokes];

	if (c->pokes == MAX_POKES)
		return;
	c->pokes++;
	p->address = address;
	p->size = (uint8_t)size;
	memcpy(p->bytes, bytes, size);
}

static word stack_linear(const struct test_case *c)
{
	word sp = c->start.gpr[SP];

	if (NATIVE_BITS == 64)
		return sp;
	return segment_base(c, SEG_SS) + (emulator_segment(c->start.ss)->db ? sp : sp & 0xffff);
}

/* Words of the operand size, one after the other. */
static void poke_words(struct test_case *c, word at, unsigned n, const word *words)
{
	uint8_t bytes[40];
	unsigned each = c->insn.osize / 8;

	for (unsigned i = 0; i < n; i++)
		memcpy(bytes + i * each, &words[i], each);
	add_poke(c, at, bytes, n * each);
}

/* What returns and segment loads find where they look. */
static void make_stack(struct random *r, struct test_case *c, bool ldt)
{
	uint16_t cs = random_code_selector(r, ldt);
	uint32_t flags = random32(r) & ~FLAG_NT;

	switch (c->insn.mnemonic) {
	case MN_ret:
		poke_words(c, stack_linear(c), 1, (word[]){random_target(r, c, c->start.cs)});
		break;
	case MN_retf:
		poke_words(c, stack_linear(c), 2, (word[]){random_target(r, c, cs), cs});
		break;
	case MN_iret:
		poke_words(c, stack_linear(c), NATIVE_BITS == 64 ? 5 : 3,
			   (word[]){random_target(r, c, cs), cs, flags, random_place(r),
				    chance(r, 80) ? SEL_USER_DATA : random_selector(r)});
		break;
	case MN_pop:
		if (c->insn.op[0].kind == OPD_SREG)
			poke_words(c, stack_linear(c), 1, (word[]){random_selector(r)});
		break;
	default:
		break;
	}
}

static bool takes_selector(unsigned mnemonic)
{
	return mnemonic == MN_lar || mnemonic == MN_lsl || mnemonic == MN_verr || mnemonic == MN_verw ||
	       mnemonic == MN_mov;
}

/* Selectors and far pointers in operands. */
static void make_selectors(struct random *r, struct test_case *c, bool ldt)
{
	const struct insn *i = &c->insn;
	unsigned mn = i->mnemonic;
	uint16_t cs = random_code_selector(r, ldt), selector = random_selector(r);

	if (c->has_memory && (mn == MN_lds || mn == MN_les || mn == MN_lss || mn == MN_lgs))
		poke_words(c, c->memory, 2, (word[]){random_word(r), selector});
	else if (c->has_memory && (mn == MN_jmp || mn == MN_call))
		poke_words(c, c->memory, 2, (word[]){random_target(r, c, cs), cs});
	else if (takes_selector(mn) && c->has_memory)
		add_poke(c, c->memory, &selector, 2);
	else if ((mn == MN_lar || mn == MN_lsl) && i->op[1].kind == OPD_GPR)
		set_register(c, i->op[1].reg, 16, selector);
	else if ((mn == MN_verr || mn == MN_verw || mn == MN_mov) && i->op[mn == MN_mov].kind == OPD_GPR &&
		 (mn != MN_mov || i->op[0].kind == OPD_SREG))
		set_register(c, i->op[mn == MN_mov].reg, 16, selector);
	else if ((mn == MN_jmp || mn == MN_call) && i->op[0].kind == OPD_GPR)
		c->start.gpr[i->op[0].reg] = random_target(r, c, c->start.cs);
}

/* What the operand in memory may have to be aligned on; 0: nothing. */
static uint32_t alignment_of(const struct insn *i)
{
	if (i->mnemonic == MN_xsave || i->mnemonic == MN_xrstor || i->mnemonic == MN_xsaveopt)
		return 64;
	return i->vl > 64 ? i->vl / 8u : i->mnemonic == MN_fxsave || i->mnemonic == MN_fxrstor ? 16 : 0;
}

/* The vector of a gather's indices: near, mostly. */
static void make_indices(struct random *r, struct test_case *c)
{
	uint8_t *index = c->start.ymm[c->insn.index];

	for (unsigned n = 0; n < 32; n += c->insn.vsib / 8) {
		int64_t value = (int64_t)random_below(r, 64) - 32;
		memcpy(index + n, &value, c->insn.vsib / 8);
	}
}

/* Areas that can be restored, for XRSTOR and FXRSTOR; components that this host and the emulator both have. */
static void make_areas(struct random *r, struct test_case *c)
{
	unsigned mn = c->insn.mnemonic;
	uint32_t mxcsr = chance(r, 90) ? random32(r) & 0xffff : random32(r);
	uint8_t header[24] = {(uint8_t)random_below(r, 8)};

	if (mn == MN_xsave || mn == MN_xsaveopt || mn == MN_xrstor) {
		c->start.gpr[AX] = random_below(r, 8);
		c->start.gpr[DX] = 0;
		c->memory = segment_base(c, c->insn.seg) + effective(c); /* one of them may be the base */
		if (chance(r, 10))
			header[random_below(r, 24)] = 1;
		add_poke(c, c->memory + 512, header, 12);
		add_poke(c, c->memory + 524, header + 12, 12);
	}
	if (mn == MN_xrstor || mn == MN_fxrstor || mn == MN_ldmxcsr || mn == MN_vldmxcsr)
		add_poke(c, c->memory + (mn == MN_ldmxcsr || mn == MN_vldmxcsr ? 0 : 24), &mxcsr, 4);
}

static void make_memory(struct random *r, struct test_case *c)
{
	const struct insn *i = &c->insn;

	for (unsigned n = 0; n < i->operands; n++) {
		if (i->op[n].kind == OPD_MEM)
			c->has_memory = true;
		if (i->op[n].kind == OPD_STR_SRC)
			set_register(c, SI, i->asize, random_place(r) - segment_base(c, i->seg));
		if (i->op[n].kind == OPD_STR_DST)
			set_register(c, DI, i->asize, random_place(r) - segment_base(c, SEG_ES));
	}
	if (i->mnemonic == MN_maskmovq || i->mnemonic == MN_maskmovdqu || i->mnemonic == MN_vmaskmovdqu)
		set_register(c, DI, i->asize, random_place(r) - segment_base(c, i->seg));
	if (i->mnemonic == MN_xlat)
		set_register(c, BX, i->asize, random_place(r) - segment_base(c, i->seg));
	if ((i->rep || i->repne) && (opcode_rows[i->row].attributes & ATTR_REP))
		set_register(c, CX, i->asize, chance(r, 85) ? random_below(r, 20) : random_below(r, 4000));
	if (!c->has_memory)
		return;
	bool bit = i->mnemonic == MN_bt || i->mnemonic == MN_bts || i->mnemonic == MN_btr || i->mnemonic == MN_btc;
	if (bit && i->op[1].kind == OPD_GPR && chance(r, 80))
		c->start.gpr[i->op[1].reg] = (word)random_below(r, 512) - 256;
	word place = random_place(r);

	if (alignment_of(i) && chance(r, 80))
		place &= ~(word)(alignment_of(i) - 1);
	if (chance(r, 95))
		aim(c, place);
	c->memory = segment_base(c, i->seg) + effective(c);
}

/* ---- immediates and branches ---- */
static void patch(struct test_case *c, unsigned from_end, const void *bytes, unsigned size)
{
	memcpy(c->bytes + c->size - from_end, bytes, size);
	decode_case(c);
}

static void make_immediate(struct random *r, struct test_case *c, bool ldt)
{
	const struct insn *i = &c->insn;
	unsigned n = i->imm_size;

	for (unsigned o = 0; o < i->operands; o++) {
		if (i->op[o].kind == OPD_IMM && n <= sizeof(word) && chance(r, 50) && i->mnemonic != MN_enter)
			patch(c, n, &(word){random_value(r)}, n);
		if (i->op[o].kind == OPD_FAR) {
			uint16_t cs = random_code_selector(r, ldt);
			patch(c, n, &(word){random_target(r, c, cs)}, n - 2);
			patch(c, 2, &cs, 2);
		}
		if (i->op[o].kind == OPD_REL) {
			word next = c->start.eip + c->size, target = random_target(r, c, c->start.cs);
			if (n > 1)
				patch(c, n, &(word){target - next}, n);
			/* Never into itself. */
			if (is_own(c, c->at + c->size + (word)c->insn.imm))
				patch(c, n, &(word){0}, n);
		}
	}
	if (i->mnemonic == MN_enter && chance(r, 50))
		patch(c, 3, (uint8_t[]){(uint8_t)random_below(r, 64), 0, (uint8_t)random_below(r, 4)}, 3);
}

/* Mostly inside the code pages, often so that it or what follows it reaches beyond. */
static void make_place(struct random *r, struct test_case *c)
{
	word upper = anywhere(r, 0), end = CODE + CODE_BYTES;
	unsigned kind = random_below(r, 100);

	if (kind < 80)
		c->at = CODE + INT3_ONLY + random_below(r, CODE_BYTES - 192);
	else if (kind < 90)
		c->at = CODE + PAGE - random_below(r, c->size + 1);
	else if (kind < 96)
		c->at = end - c->size;
	else
		c->at = end - 1 - random_below(r, c->size);
	c->at += upper;
	c->start.eip = c->start.cs == SEL_LDT_CODE16 ? c->at - ARENA : c->at;
}

/* FNSAVE into X87 with 32-bit operand and address size. */
static void add_fnsave(struct test_case *c)
{
	static const uint8_t with_sib[] = {0xdd, 0x34, 0x25}, without[] = {0x66, 0x67, 0x36, 0xdd, 0x35};
	const uint8_t *fnsave = NATIVE_BITS == 64 ? with_sib : without;
	unsigned skip = NATIVE_BITS == 64 || c->start.cs != SEL_USER_CODE ? 0 : 2;
	unsigned bytes = NATIVE_BITS == 64 ? sizeof(with_sib) : sizeof(without);
	uint32_t to = X87;

	c->total = c->size;
	if (!c->fnsave)
		return;
	memcpy(c->bytes + c->size, fnsave + skip, bytes - skip);
	memcpy(c->bytes + c->size + bytes - skip, &to, 4);
	c->total += bytes - skip + 4;
}

static bool uses_mmx(const struct insn *i)
{
	static const uint16_t others[] = {MN_emms, MN_fxsave, MN_fxrstor, MN_xsave, MN_xsaveopt, MN_xrstor};
	bool uses = false;

	for (unsigned n = 0; n < i->operands; n++)
		uses |= i->op[n].kind == OPD_MMX;
	for (unsigned n = 0; n < sizeof(others) / sizeof(others[0]); n++)
		uses |= i->mnemonic == others[n];
	return uses;
}

void make_case(struct random *r, unsigned row, unsigned turn, bool ldt, struct test_case *c)
{
	do {
		memset(c, 0, sizeof(*c));
		c->start.cs = NATIVE_BITS == 64 ? SEL_USER_CODE64 : ldt && chance(r, 25) ? SEL_LDT_CODE16 : SEL_USER_CODE;
	} while (!make_bytes(r, row, turn++, c));
	c->start.x87 = (opcode_rows[c->insn.row].attributes & ATTR_X87) || c->insn.mnemonic == MN_wait;
	c->fnsave = c->start.x87;
	c->start.vec = opcode_rows[c->insn.row].cpu > GEN_LATER;
	c->start.x87 |= uses_mmx(&c->insn);
	make_segments(r, ldt, c->fnsave, c);
	make_registers(r, c);
	make_x87(r, &c->start.fpu);
	make_vec(r, &c->start);
	make_place(r, c);
	make_immediate(r, c, ldt);
	make_memory(r, c);
	make_areas(r, c);
	if (c->insn.vsib)
		make_indices(r, c);
	make_selectors(r, c, ldt);
	make_stack(r, c, ldt);
	add_fnsave(c);
	make_lead(r, c);
}
