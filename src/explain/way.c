#include "explain/way.h"

#include <stdlib.h>
#include <string.h>

#include "explain/know.h"

#define BRANCH_SOON 12 /* a test's branch comes within so many instructions */
#define FEW_NUMBERS 8u /* a comparison with less is not that of a system call's number with their count */

static void *grow(struct path *p, void *list, unsigned *room, unsigned used, size_t size)
{
	unsigned wanted = *room ? *room * 2 : 256;
	void *bigger;

	if (used < *room)
		return list;
	bigger = realloc(list, wanted * size);
	if (!bigger) {
		p->out_of_memory = true;
		return NULL;
	}
	*room = wanted;
	return bigger;
}

struct note *way_note(struct path *p, enum note_kind kind)
{
	struct note *list = grow(p, p->note, &p->note_room, p->notes, sizeof(*list));
	const struct level *l = p->levels ? &p->level[p->levels - 1] : NULL;

	if (!list)
		return NULL;
	p->note = list;
	list += p->notes++;
	*list = (struct note){.kind = kind,
			      .t = p->x->machine->cpu[p->cpu]->icount,
			      .eip = p->eip,
			      .level = p->levels,
			      .depth = p->depth,
			      .task = p->task};
	if (l) {
		list->event_kind = l->kind;
		list->vector = l->vector;
		list->event = l->id;
	} else if (p->entry.kind == SEEN_DELIVERY) {
		list->event_kind = p->entry.delivery.kind;
		list->vector = p->entry.delivery.vector;
	}
	return list;
}

struct write *way_write(struct path *p, uint64_t lin, unsigned bytes, uint64_t value)
{
	struct write *list = grow(p, p->write, &p->write_room, p->writes, sizeof(*list));

	if (!list)
		return NULL;
	p->write = list;
	list += p->writes++;
	*list = (struct write){.t = p->x->machine->cpu[p->cpu]->icount,
			       .lin = lin,
			       .value = value,
			       .eip = p->eip,
			       .bytes = (uint8_t)bytes};
	return list;
}

/* ---- memory ---- */
void way_words_again(struct path *p, struct cpu *cpu)
{
	for (unsigned i = 0; i < DESC_WORDS; i++)
		if (p->word_at[i])
			peek_lin(&cpu->mmu, p->word_at[i], &p->word_value[i], p->x->desc.word[i].bytes);
}

void way_words(struct path *p, struct cpu *cpu)
{
	for (unsigned i = 0; i < DESC_WORDS; i++) {
		p->word_value[i] = 0;
		if (!know_word(p->x, cpu, i, &p->word_at[i]))
			p->word_at[i] = 0;
	}
	way_words_again(p, cpu);
}

/* A store into flag word i: which bits did it change? */
static void word_written(struct path *p, unsigned i, uint64_t lin, unsigned bytes, uint64_t value)
{
	unsigned shift = 8 * (unsigned)(lin - p->word_at[i]);
	uint32_t mask = (bytes >= 4 ? UINT32_MAX : (UINT32_C(1) << 8 * bytes) - 1) << shift;
	uint32_t old = p->word_value[i], new = (old & ~mask) | ((uint32_t)value << shift & mask);
	struct note *n;

	/* Read, changed and written by one instruction: that is no test. */
	if (p->notes && p->note[p->notes - 1].kind == NOTE_TEST && p->note[p->notes - 1].eip == p->eip &&
	    p->test.wanted) {
		p->notes--;
		p->test.wanted = false;
	}
	p->word_value[i] = new;
	if (old == new)
		return;
	for (unsigned set = 0; set < 2; set++) {
		uint32_t bits = set ? new & ~old : old & ~new;

		n = bits ? way_note(p, set ? NOTE_SET : NOTE_CLEAR) : NULL;
		if (!n)
			continue;
		n->word = i;
		n->value = new;
		n->mask = bits;
	}
}

/* The mask of a TEST with an immediate operand, by where in the word it was applied. */
static uint32_t test_mask(const struct insn *insn, unsigned shift)
{
	if (insn->mnemonic != MN_test || insn->op[1].kind != OPD_IMM)
		return 0;
	return (uint32_t)insn->imm << shift;
}

static void word_read(struct path *p, unsigned i, uint64_t lin)
{
	struct note *n = p->levels == 0 ? way_note(p, NOTE_TEST) : NULL;

	if (!n)
		return;
	n->word = i;
	n->value = p->word_value[i];
	n->mask = test_mask(&p->insn, 8 * (unsigned)(lin - p->word_at[i]));
	p->test = (struct awaited){.wanted = true, .note = p->notes - 1, .left = BRANCH_SOON};
}

void way_access(struct path *p, uint64_t lin, unsigned bytes, uint64_t value, bool write)
{
	struct write *w;

	for (unsigned i = 0; i < DESC_WORDS; i++) {
		if (!p->word_at[i] || lin - p->word_at[i] >= 4)
			continue;
		if (write)
			word_written(p, i, lin, bytes, value);
		else
			word_read(p, i, lin);
	}
	if (!write) {
		p->last_read = lin;
		p->last_value = value;
		p->last_bytes = (uint8_t)bytes;
		return;
	}
	w = way_write(p, lin, bytes, value);
	if (w && p->last_bytes == bytes && p->last_value == value && p->last_read != lin) {
		w->from = p->last_read;
		w->has_from = true;
	}
}

/* ---- branches ---- */
static bool is_jcc(const struct insn *insn)
{
	return insn->mnemonic == MN_ja || insn->mnemonic == MN_jae || insn->mnemonic == MN_jb ||
	       insn->mnemonic == MN_jbe || insn->mnemonic == MN_je || insn->mnemonic == MN_jne ||
	       insn->mnemonic == MN_js || insn->mnemonic == MN_jns;
}

/* The branch that was waited for has been run: where did it go? */
static void branch_done(struct path *p, struct awaited *a)
{
	struct note *n;

	if (!a->wanted || !a->jumping)
		return;
	n = &p->note[a->note];
	n->has_branch = true;
	n->taken = p->eip == a->target;
	n->to = p->eip;
	*a = (struct awaited){.wanted = false};
}

static void await_branch(struct path *p, struct awaited *a)
{
	if (!a->wanted)
		return;
	if (is_jcc(&p->insn) && p->insn.op[0].kind == OPD_REL) {
		a->jumping = true;
		a->target =
			(p->eip + p->insn.length + (uint64_t)p->insn.imm) & p->x->machine->cpu[p->cpu]->mmu.lin_mask;
	} else if (a->left-- == 0) {
		a->wanted = false;
	}
}

/* TEST with an immediate of a register that the word was read into. */
static void refine_mask(struct path *p)
{
	if (p->test.wanted && !p->note[p->test.note].mask)
		p->note[p->test.note].mask = test_mask(&p->insn, 0);
}

/* Before the table is used: a comparison of the number with an immediate. */
static void number_compared(struct path *p, struct cpu *cpu)
{
	const struct insn *i = &p->insn;
	struct note *n;

	if (p->has_number || p->has_handler || p->levels || i->mnemonic != MN_cmp || i->op[1].kind != OPD_IMM ||
	    i->op[0].kind != OPD_GPR || i->op[0].width < 32 || reg32(cpu, i->op[0].reg) != p->nr ||
	    (uint32_t)i->imm < FEW_NUMBERS)
		return;
	n = way_note(p, NOTE_NUMBER);
	if (!n)
		return;
	n->value = (uint32_t)i->imm;
	p->number = (struct awaited){.wanted = true, .note = p->notes - 1, .left = BRANCH_SOON};
}

/* JA and JBE bound the number by the immediate itself, JAE and JB by one less. */
static void number_branch(struct path *p)
{
	unsigned mn = p->insn.mnemonic;
	uint32_t limit;

	if (!p->number.wanted || !p->number.jumping || p->has_number)
		return;
	limit = p->note[p->number.note].value;
	if (mn == MN_ja || mn == MN_jbe)
		limit++;
	else if (mn != MN_jae && mn != MN_jb)
		return;
	p->has_number = true;
	p->number_limit = limit;
	p->bad_number = p->nr >= limit;
}

/* ---- calls ---- */
static void enter_handler(struct path *p, struct cpu *cpu, const char *name)
{
	uint64_t esp = know_stack(cpu), back;

	know_read(cpu, esp, &back);
	p->has_handler = true;
	p->handler = p->eip;
	p->handler_name = name;
	p->handler_esp = esp;
	p->handler_back = back;
	p->handler_begun = cpu->icount;
}

/* A function whose register points to pt_regs says where they are. */
static void told_regs(struct path *p, struct cpu *cpu, const char *name)
{
	const struct desc_role *role = p->levels || p->regs_told ? NULL : desc_plays(&p->x->desc, "regs", name);

	if (!role)
		return;
	p->regs = know_reg(cpu, role->reg);
	p->regs_told = true;
	p->complete = cpu->icount;
}

/* At a function's first instruction, however it was reached. */
static void at_function(struct path *p, struct cpu *cpu, const char *name)
{
	const struct desc *d = &p->x->desc;
	const struct desc_role *role = desc_role_of(d, name);
	bool handler = desc_plays(d, "handler", name) || (p->has_slot && p->slot_target == p->eip);
	struct note *n;

	if (p->levels == 0 && handler && !p->has_handler)
		enter_handler(p, cpu, name);
	told_regs(p, cpu, name);
	if (p->levels == 0 && role && strcmp(role->role, "exit") == 0)
		p->exits = true;
	if ((!role && p->depth > 1) || p->depth == 0) /* a jump inside the entry code is a label's affair */
		return;
	n = way_note(p, NOTE_CALL);
	if (!n)
		return;
	n->to = p->eip;
	n->function = name;
	n->role = role;
}

static void handler_returned(struct path *p, struct cpu *cpu)
{
	if (!p->has_handler || p->handler_done || p->levels || p->eip != p->handler_back ||
	    know_stack(cpu) <= p->handler_esp)
		return;
	p->handler_done = true;
	p->handler_ended = cpu->icount;
	p->result = know_reg(cpu, RAX);
	p->has_result = true;
}

/* The entry code itself, outside of any call, goes from label to label. */
static void at_label(struct path *p)
{
	uint64_t offset = 0;
	const char *name = know_symbol(p->x, p->eip, &offset);
	struct note *n;

	if (p->levels || p->depth || !name || name == p->label)
		return;
	p->label = name;
	n = way_note(p, NOTE_LABEL);
	if (!n)
		return;
	n->to = p->eip;
	n->function = name;
	n->role = desc_role_of(&p->x->desc, name);
}

/* A CALL or JMP through memory that is indexed: a table. */
static void table_used(struct path *p, struct cpu *cpu)
{
	const struct insn *i = &p->insn;
	uint64_t base, target;
	struct note *n;

	if (p->has_slot || p->levels || (i->mnemonic != MN_call && i->mnemonic != MN_jmp) || i->op[0].kind != OPD_MEM ||
	    i->index == REG_NONE || know_reg(cpu, i->index) != p->nr)
		return;
	base = i->base == REG_NONE ? 0 : know_reg(cpu, i->base);
	p->slot = seg_linear(cpu, i->seg, base + (know_reg(cpu, i->index) << i->scale) + (uint64_t)i->disp);
	if (!know_read(cpu, p->slot, &target))
		return;
	p->has_slot = true;
	p->slot_target = target;
	n = way_note(p, NOTE_SLOT);
	if (!n)
		return;
	n->value = p->slot;
	n->to = target;
}

static void count_depth(struct path *p)
{
	if (p->insn.mnemonic == MN_call) {
		if (p->levels == 0 && p->depth == 0 && !p->complete)
			p->complete = p->x->machine->cpu[p->cpu]->icount;
		p->depth++;
	} else if (p->insn.mnemonic == MN_ret && p->depth) {
		p->depth--;
	}
}

static bool decode_here(struct path *p, struct cpu *cpu)
{
	uint8_t bytes[INSN_MAX_LENGTH];
	size_t got = peek_lin(&cpu->mmu, p->eip, bytes, sizeof(bytes));

	return decode(&p->insn, bytes, got, cpu_mode(cpu), cpu->s.seg[SEG_CS].db) == DECODE_OK;
}

void way_instruction(struct path *p, struct cpu *cpu)
{
	/* RET too: an indirect call through a thunk that hides the target from branch prediction ends in one. */
	bool called = p->has_insn &&
		      (p->insn.mnemonic == MN_call || p->insn.mnemonic == MN_jmp || p->insn.mnemonic == MN_ret);
	const char *name;

	p->eip = code_linear(cpu, cpu->s.rip);
	p->last_bytes = 0;
	branch_done(p, &p->test);
	branch_done(p, &p->number);
	handler_returned(p, cpu);
	name = called ? know_function(p->x, p->eip) : NULL;
	if (name)
		at_function(p, cpu, name);
	p->has_insn = decode_here(p, cpu);
	at_label(p);
	if (!p->has_insn)
		return;
	refine_mask(p);
	await_branch(p, &p->test);
	number_compared(p, cpu);
	await_branch(p, &p->number);
	number_branch(p);
	table_used(p, cpu);
	count_depth(p);
}
