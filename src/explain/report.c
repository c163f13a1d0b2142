#include "explain/report.h"

#include <inttypes.h>
#include <string.h>

#include "explain/know.h"

#define REG_BYTES     4u
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
			 entry->entry.kind == ENTRY_SYSENTER ? "SYSENTER"
							     : entry_kind_name((enum entry_kind)entry->entry.kind));
}

/* Linux's numbers, include/uapi/asm-generic/errno-base.h and errno.h, as far as system calls of a study return them. */
const char *errno_name(uint32_t result)
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
		if (result == -names[i].number)
			return names[i].name;
	return NULL;
}

static void put_gate(struct explain *x, struct fact *o, const struct delivery_record *r)
{
	struct fact *gate = put_object(o, "gate");

	put_hex(gate, "vector", r->vector, 2);
	put_text(gate, "type", "%s", gate_type_name(r->gate.type));
	put_number(gate, "dpl", r->gate.dpl);
	put_hex(gate, "selector", r->gate.selector, 4);
	put_place(x, gate, "handler", r->to.cs_base + r->gate.offset);
	put_text(gate, "eflags_if", "%u -> %u", !!(r->from.rflags & FLAG_IF), !!(r->to.rflags & FLAG_IF));
}

static void put_stack(struct fact *o, const struct delivery_record *r)
{
	struct fact *stack = put_object(o, "stack");

	put_text(stack, "source", "%s", stack_source_name(r->stack_source));
	if (r->stack_source == STACK_TSS32 || r->stack_source == STACK_TSS16)
		put_hex(stack, "tss", r->tss_base, 8);
	put_text(stack, "before", "%04x:%08" PRIx64, r->from.ss, r->from.rsp);
	put_text(stack, "from_tss", "%04x:%08" PRIx64, r->to.ss, r->to.rsp + (uint64_t)r->words * r->word_bytes);
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
			put_place(x, row, "place", r->from.cs_base + r->word[i]);
	}
}

static void put_sysenter(struct explain *x, struct fact *o, const struct arch_state *s)
{
	struct fact *msrs = put_object(o, "msrs");

	put_hex(msrs, "174_sysenter_cs", s->sysenter_cs, 4);
	put_hex(msrs, "175_sysenter_esp", s->sysenter_esp, 8);
	put_place(x, msrs, "176_sysenter_eip", s->sysenter_eip);
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
		put_sysenter(x, o, &p->start);
		return;
	}
	put_gate(x, o, &p->entry.delivery);
	put_stack(o, &p->entry.delivery);
	put_pushed(x, o, &p->entry.delivery);
}

/* Who wrote the word, as of the moment when pt_regs were complete. */
static void put_writer(struct explain *x, const struct path *p, struct fact *row, uint32_t at)
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
		put_text(row, "before", "processor's %08" PRIx32, source->value);
	source = w->has_from ? path_writer(p, w->from, w->t) : NULL;
	if (source)
		put_text(row, "copy_of", "%s %08" PRIx32, source->processor ? "processor's" : "software's", w->from);
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
	put_number(o, "bytes", d->regs * REG_BYTES);
	put_hex(o, "end", p->regs + d->regs * REG_BYTES, 8);
	if (p->complete)
		put_number(o, "complete_at_t", p->complete);
	rows = put_list(o, "words");
	for (unsigned i = d->regs; i-- > 0;) {
		uint32_t at = p->regs + i * REG_BYTES;
		const struct write *w = path_writer(p, at, p->complete ? p->complete : UINT64_MAX);
		struct fact *row = put_object(rows, NULL);
		uint32_t value;

		put_hex(row, "at", at, 8);
		put_text(row, "name", "%s", d->reg[i].name);
		if (w && w->lin == at && w->bytes == REG_BYTES)
			put_hex(row, "value", w->value, 8);
		else if (know_read32(cpu_of(p), at, &value))
			put_hex(row, "value", value, 8);
		put_writer(x, p, row, at);
	}
}

void report_arguments(struct explain *x, const struct path *p)
{
	static const struct {
		const char *reg, *slot;
		enum gpr gpr;
	} arguments[] = {{"ebx", "bx", RBX}, {"ecx", "cx", RCX}, {"edx", "dx", RDX},
			 {"esi", "si", RSI}, {"edi", "di", RDI}, {"ebp", "bp", RBP}};
	struct fact *rows = put_list(&x->facts.root, "arguments");

	for (unsigned i = 0; i < sizeof(arguments) / sizeof(arguments[0]); i++) {
		struct fact *row = put_object(rows, NULL);
		const struct write *w = NULL;
		uint32_t offset;

		put_number(row, "argument", i + 1);
		put_text(row, "register", "%s", arguments[i].reg);
		put_hex(row, "at_entry", p->start.gpr.r64[arguments[i].gpr], 8);
		if (p->regs && desc_reg_offset(&x->desc, arguments[i].slot, &offset))
			w = path_writer(p, p->regs + offset, p->handler_begun ? p->handler_begun : UINT64_MAX);
		if (w && w->bytes == REG_BYTES)
			put_hex(row, "saved", w->value, 8);
	}
}

void report_empty_stack(struct explain *x, const struct path *p)
{
	struct fact *o;
	uint32_t end = p->regs + x->desc.regs * REG_BYTES;
	bool empty = p->regs && end == p->top;

	if (!p->top || (!p->frame && !p->regs))
		return;
	o = put_object(&x->facts.root, "kernel_stack");
	put_hex(o, "top", p->top, 8);
	if (!p->regs || !x->desc.regs) {
		uint32_t behind = p->frame + 5 * REG_BYTES; /* EIP, CS, EFLAGS, ESP, SS */

		empty = p->from_user && p->frame && behind == p->top;
		put_hex(o, "frame_end", behind, 8);
	} else {
		put_hex(o, "pt_regs_end", end, 8);
	}
	put_flag(o, "empty_before", empty)->tone = empty ? TONE_GOOD : TONE_PLAIN;
	put_text(o, "because",
		 empty ? "pt_regs + sizeof(pt_regs) == top"
		       : "pt_regs + sizeof(pt_regs) != top: %" PRIu32 " bytes lie between",
		 empty ? 0 : p->top - (p->regs ? end : p->frame + 5 * REG_BYTES));
}
