/* struct insn -> struct uop: the handler is chosen by the row's exec set, the
 * form of the operands and the width; operands become register indices. */
#include "cpu/block.h"
#include "cpu/model.h"
#include "cpu/optable.h"

static unsigned size_index(unsigned width)
{
	return width == 8 ? 0 : width == 16 ? 1 : width == 64 ? 3 : 2;
}

/* The index of a register operand in its file, see reg8 ... in cpu.h. */
static uint8_t operand_index(const struct operand *op)
{
	if (op->kind == OPD_GPR && op->width == 8)
		return op->reg < 16 ? op->reg * 8 : (op->reg - 16) * 8 + 1;
	if (op->kind == OPD_GPR && op->width == 16)
		return op->reg * 4;
	return op->reg;
}

enum class { CLASS_NONE, CLASS_R, CLASS_M, CLASS_I, CLASS_COUNT };

static enum class class_of(const struct operand *op)
{
	static const uint8_t classes[] = {
		[OPD_NONE] = CLASS_NONE, [OPD_GPR] = CLASS_R,  [OPD_SREG] = CLASS_R, [OPD_CR] = CLASS_R,
		[OPD_DR] = CLASS_R,      [OPD_ST] = CLASS_R,   [OPD_MEM] = CLASS_M,  [OPD_IMM] = CLASS_I,
		[OPD_REL] = CLASS_I,     [OPD_FAR] = CLASS_I,  [OPD_STR_SRC] = CLASS_NONE,
		[OPD_STR_DST] = CLASS_NONE, [OPD_MMX] = CLASS_R, [OPD_VEC] = CLASS_R,
	};

	return (enum class)classes[op->kind];
}

/* forms[a][b][c]: the form of operands of these classes; absent ones are
 * FORM_NONE, which no exec set fills for them. */
static const uint8_t forms[CLASS_COUNT][CLASS_COUNT][CLASS_COUNT] = {
	[CLASS_R] = {[CLASS_NONE] = {[CLASS_NONE] = FORM_R},
		     [CLASS_R] = {[CLASS_NONE] = FORM_RR, [CLASS_I] = FORM_RRI, [CLASS_R] = FORM_RRR,
				  [CLASS_M] = FORM_RRM},
		     [CLASS_M] = {[CLASS_NONE] = FORM_RM, [CLASS_I] = FORM_RMI, [CLASS_R] = FORM_RMR},
		     [CLASS_I] = {[CLASS_NONE] = FORM_RI}},
	[CLASS_M] = {[CLASS_NONE] = {[CLASS_NONE] = FORM_M},
		     [CLASS_R] = {[CLASS_NONE] = FORM_MR, [CLASS_I] = FORM_MRI, [CLASS_R] = FORM_MRR},
		     [CLASS_I] = {[CLASS_NONE] = FORM_MI}},
	[CLASS_I] = {[CLASS_NONE] = {[CLASS_NONE] = FORM_I},
		     [CLASS_R] = {[CLASS_NONE] = FORM_IR},
		     [CLASS_I] = {[CLASS_NONE] = FORM_II}},
};

static bool is_string(const struct operand *op) { return op->kind == OPD_STR_SRC || op->kind == OPD_STR_DST; }

static enum form form_of(const struct insn *insn)
{
	enum class c[3] = {CLASS_NONE, CLASS_NONE, CLASS_NONE};

	if (is_string(&insn->op[0]) || is_string(&insn->op[1]))
		return (opcode_rows[insn->row].attributes & ATTR_REP) && (insn->rep || insn->repne) ? FORM_REP
												    : FORM_NONE;
	for (unsigned i = 0; i < insn->operands && i < 3; i++)
		c[i] = class_of(&insn->op[i]);
	return (enum form)forms[c[0]][c[1]][c[2]];
}

static unsigned column_of(const struct insn *insn)
{
	if (insn->width || !insn->vl)
		return size_index(insn->width);
	return insn->vl == 64 ? VEC_MMX : !insn->vex ? VEC_SSE : insn->vl == 128 ? VEC_AVX128 : VEC_AVX256;
}

static uop_fn exec_too_long, exec_not_built;

const struct uop *exec_undefined(struct cpu *cpu, const struct uop *u)
{
	return uop_raise(cpu, u, VEC_UD, 0, WHY_UNDEFINED_OPCODE);
}

static const struct uop *exec_too_long(struct cpu *cpu, const struct uop *u)
{
	return uop_raise(cpu, u, VEC_GP, 0, WHY_INSTRUCTION_TOO_LONG);
}

static const struct uop *exec_not_built(struct cpu *cpu, const struct uop *u)
{
	unimplemented(cpu, "an instruction form without a handler");
	return uop_fault(cpu, u);
}

static uop_fn *handler_of(const struct insn *insn, const struct cpu_model *model)
{
	if (insn->status == DECODE_TOO_LONG)
		return exec_too_long;
	if (insn->status != DECODE_OK || !model_has_row(model, &opcode_rows[insn->row]))
		return exec_undefined;
	uop_fn *fn = exec_of_row[insn->row]->fn[form_of(insn)][column_of(insn)];
	return fn ? fn : exec_not_built;
}

extern const struct exec exec_mov_offset;

/* While a block runs, s.rip is that of its first byte. */
static void lower_rip_relative(struct uop *u, int64_t disp)
{
	u->base = GPR_RIP;
	if (disp > INT32_MAX) {
		u->index = GPR_256;
		disp -= 256;
	}
	u->disp = (int32_t)disp;
}

/* An offset of 64 bits: mostly no displacement. */
static void lower_offset(struct uop *u, const struct insn *insn)
{
	u->imm = (uint64_t)insn->disp;
	u->fn = exec_mov_offset.fn[form_of(insn)][column_of(insn)];
}

static void lower_memory(struct uop *u, const struct insn *insn)
{
	u->base = insn->base == REG_NONE ? GPR_ZERO : insn->base;
	u->index = insn->index == REG_NONE ? GPR_ZERO : insn->index;
	u->scale = insn->scale;
	u->disp = (int32_t)insn->disp;
	if (insn->rip_relative)
		lower_rip_relative(u, insn->disp + u->off + u->len);
	else if (insn->disp_size == 8 && insn->disp != u->disp)
		lower_offset(u, insn);
}

void lower_links(struct block *b, const struct insn *insn, uint64_t ip_mask)
{
	uint64_t next = (b->rip + b->bytes) & ip_mask, target = next + insn->imm;

	b->link[LINK_NEXT].rip = next;
	b->link[LINK_TAKEN].rip = insn->osize == 16 ? (uint16_t)target : insn->osize == 32 ? (uint32_t)target : target;
}

/* dst is the first operand where that is a register, src the first register
 * among the others.  (A third register operand is always CL.) */
static void lower_registers(struct uop *u, const struct insn *insn)
{
	if (class_of(&insn->op[0]) == CLASS_R)
		u->dst = operand_index(&insn->op[0]);
	for (unsigned i = insn->operands; i-- > 1;)
		if (class_of(&insn->op[i]) == CLASS_R)
			u->src = operand_index(&insn->op[i]);
}

/* As uop_second() and uop_fourth() have it, below them the immediate byte. */
static void lower_vex(struct uop *u, const struct insn *insn)
{
	enum class third = insn->operands > 2 ? class_of(&insn->op[2]) : CLASS_NONE;

	u->imm &= 0xff;
	if (third != CLASS_R && third != CLASS_M)
		return;
	u->src = insn->op[2].reg;
	u->imm |= (uint64_t)insn->op[1].reg << 8;
	if (insn->operands > 3 && class_of(&insn->op[3]) == CLASS_R)
		u->imm |= (uint64_t)insn->op[3].reg << 16;
}

static bool has_memory(const struct insn *insn)
{
	for (unsigned i = 0; i < insn->operands; i++)
		if (insn->op[i].kind == OPD_MEM)
			return true;
	return false;
}

void lower(struct uop *u, const struct insn *insn, const struct cpu_model *model, unsigned off)
{
	*u = (struct uop){.fn = handler_of(insn, model),
			  .imm = insn->imm,
			  .base = GPR_ZERO,
			  .index = GPR_ZERO,
			  .seg = insn->seg,
			  .addr_shift = (uint8_t)(64 - insn->asize),
			  .off = (uint8_t)off,
			  .len = insn->length,
			  .width = insn->width};
	u->flags = (insn->rep ? UOP_REP : 0) | (insn->repne ? UOP_REPNE : 0) | (insn->lock ? UOP_LOCK : 0);
	if (insn->status != DECODE_OK)
		return;
	lower_registers(u, insn);
	if (insn->vex)
		lower_vex(u, insn);
	if (has_memory(insn))
		lower_memory(u, insn);
	else
		u->disp = insn->imm2;
	if (insn->width == 0 || (opcode_rows[insn->row].attributes & ATTR_BRANCH))
		u->width = insn->osize; /* LOOP, JCXZ: the width row is the count register's */
	if (opcode_rows[insn->row].attributes & ATTR_X87) /* FOP, SDM 1 "x87 FPU Opcode" */
		u->imm = (uint64_t)(opcode_of_row[insn->row] & 7) << 8 | insn->modrm;
}
