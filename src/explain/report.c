#include "explain/report.h"

#include <inttypes.h>
#include <string.h>

#include "explain/know.h"

#define SYSENTER_REGS 3

static struct cpu *cpu_of(const struct path *p)
{
	return p->x->machine->cpu[p->cpu];
}

void entry_text(char *text, size_t size, const struct seen *entry)
{
	if (entry->kind == SEEN_DELIVERY)
		event_text(text, size, entry->delivery.kind, entry->delivery.vector);
	else
		snprintf(text, size, "%s",
			 entry->entry.kind == ENTRY_SYSENTER  ? "SYSENTER"
			 : entry->entry.kind == ENTRY_SYSCALL ? "SYSCALL"
							      : entry_kind_name((enum entry_kind)entry->entry.kind));
}

/* Linux's numbers, include/uapi/asm-generic/errno-base.h and errno.h, as far as system calls of a study return them. */
const char *errno_name(uint64_t result)
{
	static const struct {
		uint32_t number;
		const char *name;
	} names[] = {{1, "EPERM"},
		     {2, "ENOENT"},
		     {3, "ESRCH"},
		     {4, "EINTR"},
		     {5, "EIO"},
		     {7, "E2BIG"},
		     {8, "ENOEXEC"},
		     {9, "EBADF"},
		     {10, "ECHILD"},
		     {11, "EAGAIN"},
		     {12, "ENOMEM"},
		     {13, "EACCES"},
		     {14, "EFAULT"},
		     {16, "EBUSY"},
		     {17, "EEXIST"},
		     {19, "ENODEV"},
		     {20, "ENOTDIR"},
		     {22, "EINVAL"},
		     {25, "ENOTTY"},
		     {29, "ESPIPE"},
		     {32, "EPIPE"},
		     {38, "ENOSYS"},
		     {512, "ERESTARTSYS"},
		     {513, "ERESTARTNOINTR"},
		     {514, "ERESTARTNOHAND"},
		     {516, "ERESTART_RESTARTBLOCK"}};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if ((uint32_t)result == -names[i].number)
			return names[i].name;
	return NULL;
}

static void put_gate(struct explain *x, struct fact *o, const struct delivery_record *r)
{
	struct fact *gate = put_object(o, "gate");

	put_hex(gate, "vector", r->vector, 2);
	put_text(gate, "type", "%s", gate_name(r->gate.type, r->gate.width));
	put_number(gate, "dpl", r->gate.dpl);
	put_hex(gate, "selector", r->gate.selector, 4);
	put_place(x, gate, "handler", where_linear(&r->to));
	if (r->gate.ist)
		put_number(gate, "ist", r->gate.ist);
	put_text(gate, "eflags_if", "%u -> %u", !!(r->from.rflags & FLAG_IF), !!(r->to.rflags & FLAG_IF));
}

static void put_stack(struct fact *o, const struct delivery_record *r)
{
	struct fact *stack = put_object(o, "stack");

	put_text(stack, "source", "%s", stack_source_name(r->stack_source));
	if (r->stack_source != STACK_SAME && r->stack_source != STACK_TASK)
		put_hex(stack, "tss", r->tss_base, 8);
	put_text(stack, "before", "%04x:%08" PRIx64, r->from.ss, r->from.rsp);
	put_text(stack, "from_tss", "%04x:%08" PRIx64, r->to.ss, r->to.rsp + (uint64_t)r->words * r->word_bytes);
	if (r->word_bytes == 8 && r->stack_pointer != r->to.rsp + (uint64_t)r->words * r->word_bytes)
		put_hex(stack, "before_alignment", r->stack_pointer, 8);
	put_text(stack, "after", "%04x:%08" PRIx64, r->to.ss, r->to.rsp);
}

static void put_pushed(struct explain *x, struct fact *o, const struct delivery_record *r)
{
	struct fact *rows = put_list(o, "pushed");

	for (unsigned i = 0; i < r->words && i < RECORD_MAX_WORDS; i++) {
		struct fact *row = put_object(rows, NULL);

		put_hex(row, "at", r->frame + (uint64_t)(r->words - 1u - i) * r->word_bytes, 8);
		put_text(row, "name", "%s", pushed_name_text((enum pushed_name)r->word_name[i], r->word_bytes * 8u));
		put_hex(row, "value", r->word[i], 8);
		if (r->word_name[i] == PUSH_IP)
			put_place(x, row, "place", where_linear(&r->from));
	}
}

static void put_sysenter(struct explain *x, struct fact *o, const struct arch_state *s)
{
	struct fact *msrs = put_object(o, "msrs");

	put_hex(msrs, "174_sysenter_cs", s->sysenter_cs, 4);
	put_hex(msrs, "175_sysenter_esp", s->sysenter_esp, 8);
	put_place(x, msrs, "176_sysenter_eip", s->sysenter_eip);
}

/* SDM 2B, SYSCALL: CS and SS from STAR, RIP from LSTAR (CSTAR in compatibility mode), RFLAGS without what FMASK has. */
static void put_syscall(struct explain *x, struct fact *o, const struct path *p)
{
	const struct arch_state *s = &p->start;
	struct fact *msrs = put_object(o, "msrs");
	bool wide = p->entry.from->mode == MODE_LONG64;

	put_hex(msrs, "c0000081_star", s->star, 16);
	put_place(x, msrs, wide ? "c0000082_lstar" : "c0000083_cstar", wide ? s->lstar : s->cstar);
	put_hex(msrs, "c0000084_fmask", s->sfmask, 8);
	put_flags(msrs, "flags_cleared", s->sfmask & p->entry.from->rflags);
	put_place(x, o, "rcx", s->gpr.r64[RCX]);
	put_hex(o, "r11", s->gpr.r64[R11], 8);
}

/* SWAPGS and moves to CR3 on the way. */
void report_gs(struct explain *x, const struct path *p)
{
	struct fact *rows;

	if (!path_has(p, NOTE_GS, NULL) && !path_has(p, NOTE_CR3, NULL))
		return;
	rows = put_list(&x->facts.root, "gs_and_cr3");
	for (unsigned i = 0; i < p->notes; i++) {
		const struct note *n = &p->note[i];
		struct fact *row;

		if (n->kind != NOTE_GS && n->kind != NOTE_CR3)
			continue;
		row = put_object(rows, NULL);
		put_number(row, "t", n->t);
		put_text(row, "what", n->kind == NOTE_GS ? "GS base" : "CR3");
		put_hex(row, "before", n->to, 8);
		put_hex(row, "after", n->value, 8);
		put_place(x, row, "by", n->eip);
	}
}

void report_entry(struct explain *x, const struct path *p)
{
	struct fact *o = put_object(&x->facts.root, "entry");
	char text[32];

	entry_text(text, sizeof(text), &p->entry);
	put_text(o, "by", "%s", text);
	put_number(o, "t", p->entry.when);
	put_number(o, "id", p->entry.id);
	put_task(x, o, "task", cpu_of(p), p->task);
	put_where(x, o, "from", p->entry.from);
	put_where(x, o, "to", p->entry.to);
	if (p->entry.kind != SEEN_DELIVERY) {
		if (p->entry.entry.kind == ENTRY_SYSCALL)
			put_syscall(x, o, p);
		else
			put_sysenter(x, o, &p->start);
		return;
	}
	put_gate(x, o, &p->entry.delivery);
	put_stack(o, &p->entry.delivery);
	put_pushed(x, o, &p->entry.delivery);
}

/* Who wrote the word, as of the moment when pt_regs were complete. */
static void put_writer(struct explain *x, const struct path *p, struct fact *row, uint64_t at)
{
	const struct write *w = path_writer(p, at, p->complete ? p->complete : UINT64_MAX), *source;

	if (!w) {
		put_text(row, "by", !p->from_user && at >= p->frame ? "nobody: not pushed in ring 0" : "nobody yet");
		return;
	}
	if (w->processor) {
		put_text(row, "by", "processor")->tone = TONE_GOOD;
		return;
	}
	put_text(row, "by", "software");
	put_place(x, row, "instruction", w->eip);
	source = path_writer(p, at, w->t);
	if (source && source->processor)
		put_text(row, "before", "processor's %08" PRIx64, source->value);
	source = w->has_from ? path_writer(p, w->from, w->t) : NULL;
	if (source)
		put_text(row, "copy_of", "%s %08" PRIx64, source->processor ? "processor's" : "software's", w->from);
	if (source && !source->processor)
		put_place(x, row, "first_by", source->eip);
}

void report_words(struct explain *x, const struct path *p)
{
	struct fact *o = put_object(&x->facts.root, "pt_regs"), *rows;
	const struct desc *d = &x->desc;

	if (!p->regs || !d->regs) {
		put_text(o, "unknown", "the guest's description has no layout of pt_regs for this way");
		return;
	}
	put_hex(o, "at", p->regs, 8);
	put_number(o, "bytes", d->regs * p->word);
	put_hex(o, "end", p->regs + d->regs * p->word, 8);
	if (p->complete)
		put_number(o, "complete_at_t", p->complete);
	rows = put_list(o, "words");
	for (unsigned i = d->regs; i-- > 0;) {
		uint64_t at = p->regs + i * p->word;
		const struct write *w = path_writer(p, at, p->complete ? p->complete : UINT64_MAX);
		struct fact *row = put_object(rows, NULL);
		uint64_t value;

		put_hex(row, "at", at, 8);
		put_text(row, "name", "%s", d->reg[i].name);
		if (w && w->lin == at && w->bytes == p->word)
			put_hex(row, "value", w->value, 8);
		else if (know_read(cpu_of(p), at, &value))
			put_hex(row, "value", value, 8);
		put_writer(x, p, row, at);
	}
}

struct argument {
	const char *reg, *slot;
	enum gpr gpr;
};

/* Registers of the arguments: of SYSCALL in 64-bit mode, else the i386's. */
static const struct argument *arguments_of(const struct path *p)
{
	static const struct argument narrow[] = {{"ebx", "bx", RBX}, {"ecx", "cx", RCX}, {"edx", "dx", RDX},
						 {"esi", "si", RSI}, {"edi", "di", RDI}, {"ebp", "bp", RBP}};
	static const struct argument wide[] = {{"rdi", "di", RDI},  {"rsi", "si", RSI}, {"rdx", "dx", RDX},
					       {"r10", "r10", R10}, {"r8", "r8", R8},   {"r9", "r9", R9}};

	return path_wide_call(p) ? wide : narrow;
}

bool path_wide_call(const struct path *p)
{
	return p->entry.kind == SEEN_ENTRY && p->entry.entry.kind == ENTRY_SYSCALL &&
	       p->entry.from->mode == MODE_LONG64;
}

void report_arguments(struct explain *x, const struct path *p)
{
	const struct argument *arguments = arguments_of(p);
	struct fact *rows = put_list(&x->facts.root, "arguments");

	for (unsigned i = 0; i < 6; i++) {
		struct fact *row = put_object(rows, NULL);
		const struct write *w = NULL;
		uint32_t offset;

		put_number(row, "argument", i + 1);
		put_text(row, "register", "%s", arguments[i].reg);
		put_hex(row, "at_entry", p->start.gpr.r64[arguments[i].gpr], 8);
		if (p->regs && desc_reg_offset(&x->desc, arguments[i].slot, &offset))
			w = path_writer(p, p->regs + offset, p->handler_begun ? p->handler_begun : UINT64_MAX);
		if (w && w->bytes == p->word)
			put_hex(row, "saved", w->value, 8);
	}
}

void report_empty_stack(struct explain *x, const struct path *p)
{
	struct fact *o;
	uint64_t end = p->regs + x->desc.regs * p->word;
	bool empty = p->regs && end == p->top;

	if (!p->top || (!p->frame && !p->regs))
		return;
	o = put_object(&x->facts.root, "kernel_stack");
	put_hex(o, "top", p->top, 8);
	if (!p->regs || !x->desc.regs) {
		uint64_t behind = p->frame + 5 * p->word; /* EIP, CS, EFLAGS, ESP, SS */

		empty = p->from_user && p->frame && behind == p->top;
		put_hex(o, "frame_end", behind, 8);
	} else {
		put_hex(o, "pt_regs_end", end, 8);
	}
	put_flag(o, "empty_before", empty)->tone = empty ? TONE_GOOD : TONE_PLAIN;
	put_text(o, "because",
		 empty ? "pt_regs + sizeof(pt_regs) == top"
		       : "pt_regs + sizeof(pt_regs) != top: %" PRIu64 " bytes lie between",
		 empty ? 0 : p->top - (p->regs ? end : p->frame + 5 * p->word));
}
