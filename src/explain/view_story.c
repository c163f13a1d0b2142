/* One way through the kernel as sentences: who does what, from the event to the instruction after its return. */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "explain/know.h"
#include "explain/moment.h"
#include "explain/report.h"
#include "explain/views.h"

#define SENTENCE   200
#define BITS_WIDTH 48 /* of bits' names */

static const char program[] = "program", processor[] = "processor", kernel[] = "kernel";

struct story {
	struct explain *x;
	const struct path *p;
	struct fact *rows;
	bool call;       /* it is a system call */
	uint64_t pushed; /* tick of the last word of pt_regs; 0: unknown */
	bool told_words, told_handler, told_result, told_restore;
};

static bool fits(struct explain *x, const struct seen *s)
{
	const struct explain_options *o = &x->options;
	uint64_t nr = s->kind == SEEN_DELIVERY ? s->delivery.rax : s->entry.rax;

	if (o->has_nr || o->entry != BY_ANY || o->bad || o->traced || o->has_result)
		return moment_syscall(x, s) && (!o->has_nr || (uint32_t)nr == (uint32_t)o->nr);
	if (o->has_vector || o->has_kind || o->from_kernel)
		return seen_delivered(s);
	return moment_syscall(x, s);
}

/* "system_call+0x2 entry.S:99" */
static void place_text(struct explain *x, uint64_t address, char *text, size_t size)
{
	uint64_t offset = 0;
	const char *symbol = know_symbol(x, address, &offset), *file = NULL;
	unsigned line = 0;
	int n = symbol ? snprintf(text, size, offset ? "%s+0x%" PRIx64 : "%s", symbol, offset)
		       : snprintf(text, size, "%08" PRIx64, address);

	if (n >= 0 && (size_t)n < size && lines_find(&x->machine->guest.lines, address, &file, &line))
		snprintf(text + n, size - (size_t)n, " %s:%u", file, line);
}

static void tell(struct story *s, uint64_t t, const char *who, uint64_t where, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
static void tell(struct story *s, uint64_t t, const char *who, uint64_t where, const char *format, ...)
{
	struct fact *row = put_object(s->rows, NULL);
	char text[SENTENCE];
	va_list arguments;

	put_number(row, "after", t - s->p->entry.when);
	put_text(row, "who", "%s", who);
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	put_text(row, "does", "%s", text);
	if (where) {
		place_text(s->x, where, text, sizeof(text));
		put_text(row, "at", "%s", text);
	}
}

/* Of the names of registers in the mode of the kernel: eax, rax. */
static char letter(const struct path *p)
{
	return p->word == 8 ? 'r' : 'e';
}

/* ---- the way in ---- */
/* The number and the arguments, as the program left them in its registers. */
static void tell_call(struct story *s, uint64_t where, const char *how)
{
	const uint64_t *r = s->p->start.gpr.r64;

	if (path_wide_call(s->p)) {
		tell(s, s->p->entry.when, program, where,
		     "%s in ring %u: rax = %" PRIu32 ", rdi = %" PRIx64 "h, rsi = %" PRIx64 "h, rdx = %" PRIx64 "h",
		     how, s->p->entry.from->cpl, s->p->nr, r[RDI], r[RSI], r[RDX]);
		return;
	}
	tell(s, s->p->entry.when, program, where,
	     "%s in ring %u: eax = %" PRIu32 ", ebx = %" PRIx32 "h, ecx = %" PRIx32 "h, edx = %" PRIx32 "h", how,
	     s->p->entry.from->cpl, s->p->nr, (uint32_t)r[RBX], (uint32_t)r[RCX], (uint32_t)r[RDX]);
}

static void tell_sysenter(struct story *s)
{
	const struct arch_state *state = &s->p->start;
	uint64_t t = s->p->entry.when;

	tell_call(s, where_linear(s->p->entry.from), "SYSENTER");
	tell(s, t, processor, 0, "takes CS %04x, ESP %08" PRIx32 " and EIP %08" PRIx32 " from MSRs 174h to 176h",
	     (unsigned)(state->sysenter_cs & 0xfffc), (uint32_t)state->sysenter_esp, (uint32_t)state->sysenter_eip);
	tell(s, t, processor, 0, "pushes nothing, keeps no return address, sets IF to 0");
	tell(s, t, processor, where_linear(s->p->entry.to), "goes on in ring 0");
}

static void tell_syscall(struct story *s)
{
	const struct arch_state *state = &s->p->start;
	const struct where *from = s->p->entry.from, *to = s->p->entry.to;
	uint64_t t = s->p->entry.when;

	tell_call(s, where_linear(from), "SYSCALL");
	tell(s, t, processor, 0, "keeps RIP in RCX: %08" PRIx64 ", RFLAGS in R11: %08" PRIx64, state->gpr.r64[RCX],
	     state->gpr.r64[R11]);
	tell(s, t, processor, 0, "takes CS %04x and SS %04x from STAR, RIP %08" PRIx64 " from %s", to->cs, to->ss,
	     to->rip, from->mode == MODE_LONG64 ? "LSTAR" : "CSTAR");
	tell(s, t, processor, 0, "clears in RFLAGS what FMASK has: %08" PRIx64 " & ~%08" PRIx64 " = %08" PRIx64,
	     from->rflags, state->sfmask, to->rflags);
	tell(s, t, processor, where_linear(to), "goes on in ring 0; RSP %08" PRIx64 ", GS and CR3 are still ring 3's",
	     to->rsp);
}

static void tell_cause(struct story *s, const struct delivery_record *r)
{
	char text[32], how[48];

	event_text(text, sizeof(text), r->kind, r->vector);
	if (r->kind == EV_SOFT_INT) {
		snprintf(how, sizeof(how), "%sh", text);
		tell_call(s, where_linear(&r->from) - 2, how); /* CD vv: two bytes */
		return;
	}
	tell(s, r->when, r->from.cpl ? program : kernel, where_linear(&r->from),
	     r->kind == EV_IRQ || r->kind == EV_NMI ? "is interrupted in ring %u before this instruction: %s"
						    : "runs into an exception in ring %u: %s",
	     r->from.cpl, text);
}

static void tell_gate(struct story *s, const struct delivery_record *r)
{
	bool before = r->from.rflags & FLAG_IF, after = r->to.rflags & FLAG_IF;
	bool trap = strncmp(gate_type_name(r->gate.type), "trap", 4) == 0;

	tell(s, r->when, processor, 0, "reads IDT gate %02xh at %08" PRIx64 ": %s gate, DPL %u, %04x:%08" PRIx64,
	     r->vector, r->gate.address, trap ? "trap" : "interrupt", r->gate.dpl, r->gate.selector, r->gate.offset);
	if (r->kind == EV_SOFT_INT || r->kind == EV_INT3 || r->kind == EV_INTO)
		tell(s, r->when, processor, 0, "CPL %u <= gate DPL %u: the program may call it", r->from.cpl,
		     r->gate.dpl);
	else
		tell(s, r->when, processor, 0, "the gate's DPL %u is not asked: no INT instruction", r->gate.dpl);
	if (r->stack_source == STACK_SAME)
		tell(s, r->when, processor, 0, "ring %u stays: so does the stack, %04x:%08" PRIx64, r->to.cpl, r->to.ss,
		     r->from.rsp);
	else if (r->stack_source == STACK_IST)
		tell(s, r->when, processor, 0, "takes the stack of IST %u from the TSS: %04x:%08" PRIx64, r->gate.ist,
		     r->to.ss, r->to.rsp + (uint64_t)r->words * r->word_bytes);
	else
		tell(s, r->when, processor, 0, "ring %u -> %u: takes that ring's stack from the TSS: %04x:%08" PRIx64,
		     r->from.cpl, r->to.cpl, r->to.ss, r->to.rsp + (uint64_t)r->words * r->word_bytes);
	for (unsigned i = 0; i < r->words && i < RECORD_MAX_WORDS; i++)
		tell(s, r->when, processor, 0, "pushes %-6s  %08" PRIx64 " at %08" PRIx64,
		     pushed_name_text((enum pushed_name)r->word_name[i], r->word_bytes * 8u), r->word[i],
		     r->frame + (uint64_t)(r->words - 1u - i) * r->word_bytes);
	tell(s, r->when, processor, where_linear(&r->to), "%s gate: IF %u -> %u; goes on in ring %u",
	     trap ? "trap" : "interrupt", before, after, r->to.cpl);
}

/* ---- pt_regs ---- */
/* Where in its file an instruction stands; 0: unknown. */
static unsigned line_of(struct explain *x, uint64_t address)
{
	const char *file;
	unsigned line;

	return lines_find(&x->machine->guest.lines, address, &file, &line) ? line : 0;
}

/* The first write to a word of pt_regs, if it was software's; NULL: it was not. */
static const struct write *pushed_by(const struct path *p, uint64_t at)
{
	const struct write *w = path_next_write(p, at, p->entry.when);

	return w && !w->processor && (!p->complete || w->t < p->complete) ? w : NULL;
}

static const char *reg_name(const struct story *s, uint64_t at)
{
	return s->x->desc.reg[(at - s->p->regs) / s->p->word].name;
}

/* Software's words of pt_regs; those of one source line (a macro) in one sentence. */
static void tell_words(struct story *s)
{
	const struct path *p = s->p;
	uint64_t end = p->regs + s->x->desc.regs * p->word, at = end;

	while (at > p->regs) {
		const struct write *w = pushed_by(p, at -= p->word), *next;
		unsigned line = w ? line_of(s->x, w->eip) : 0;
		char names[SENTENCE / 2];
		size_t n;

		if (!w)
			continue;
		n = (size_t)snprintf(names, sizeof(names), "%s", reg_name(s, at));
		while (line && at > p->regs && n < sizeof(names)) {
			next = pushed_by(p, at - p->word);
			if (!next || line_of(s->x, next->eip) != line)
				break;
			at -= p->word;
			n += (size_t)snprintf(names + n, sizeof(names) - n, " %s", reg_name(s, at));
		}
		tell(s, w->t, kernel, w->eip, "%s %s", w->has_from ? "copies" : "pushes", names);
	}
	tell(s, s->pushed, kernel, 0, "pt_regs are complete: %08" PRIx64 " to %08" PRIx64 "%s", p->regs, end,
	     end == p->top ? ", top of the kernel stack" : "");
}

/* The tick of the last push. */
static uint64_t last_push(const struct path *p)
{
	uint64_t t = 0;

	for (unsigned i = 0; p->regs && i < p->x->desc.regs; i++) {
		const struct write *w = pushed_by(p, p->regs + i * p->word);

		if (w && w->t > t)
			t = w->t;
	}
	return t;
}

/* ---- decisions ---- */
/* "SIGPENDING NEED_RESCHED"; "none"; as many as fit, "..." for the rest. */
static void bits_text(const struct desc_word *word, uint32_t value, char *text, size_t size)
{
	size_t n = 0;

	snprintf(text, size, "none");
	for (unsigned i = 0; i < word->bits && n < size; i++) {
		if (!(value >> word->bit[i].bit & 1))
			continue;
		if (n + strlen(word->bit[i].name) + sizeof(" ...") > size) {
			snprintf(text + n, size - n, " ...");
			return;
		}
		n += (size_t)snprintf(text + n, size - n, "%s%s", n ? " " : "", word->bit[i].name);
	}
}

static void tell_test(struct story *s, const struct note *n)
{
	const struct desc_word *word = &s->x->desc.word[n->word];
	char asked[BITS_WIDTH], set[BITS_WIDTH], to[64];

	if (!n->mask || !n->has_branch)
		return;
	bits_text(word, n->mask, asked, sizeof(asked));
	bits_text(word, n->value & n->mask, set, sizeof(set));
	place_text(s->x, n->to, to, sizeof(to));
	tell(s, n->t, kernel, n->eip, "asks %s for %s", word->name, asked);
	tell(s, n->t, kernel, 0, "  set: %s; goes on at %s", set, to);
}

static void tell_role(struct story *s, const struct note *n)
{
	if (n->role && strcmp(n->role->role, "handler") == 0)
		tell(s, n->t, kernel, n->eip, "calls %s", n->function);
	else if (n->role || n->depth <= 1)
		tell(s, n->t, kernel, n->eip, "calls %s%s%s%s", n->function, n->role ? " (" : "",
		     n->role ? n->role->role : "", n->role ? ")" : "");
}

static void tell_slot(struct story *s, const struct note *n)
{
	uint64_t offset = 0;
	const char *table = know_symbol(s->x, n->value, &offset);
	char to[64];

	place_text(s->x, n->to, to, sizeof(to));
	tell(s, n->t, kernel, n->eip, "%s[%" PRIu64 "] holds %s", table ? table : "the table", offset / s->p->word, to);
}

static void tell_bits(struct story *s, const struct note *n)
{
	const struct desc_word *word = &s->x->desc.word[n->word];
	char bits[BITS_WIDTH];

	bits_text(word, n->mask, bits, sizeof(bits));
	tell(s, n->t, kernel, n->eip, "%s %s in %s", n->kind == NOTE_SET ? "sets" : "clears", bits, word->name);
}

static void tell_note(struct story *s, const struct note *n)
{
	char text[32];

	event_text(text, sizeof(text), n->event_kind, n->vector);
	switch (n->kind) {
	case NOTE_CALL:
		tell_role(s, n);
		break;
	case NOTE_TEST:
		tell_test(s, n);
		break;
	case NOTE_NUMBER:
		if (!s->call)
			break;
		tell(s, n->t, kernel, n->eip, "compares the number %" PRIu32 " with %" PRIu64 ": %s", s->p->nr,
		     n->value, s->p->bad_number ? "there is no such call" : "there is such a call");
		break;
	case NOTE_SLOT:
		tell_slot(s, n);
		break;
	case NOTE_SET:
	case NOTE_CLEAR:
		tell_bits(s, n);
		break;
	case NOTE_DELIVERY:
		tell(s, n->t, processor, n->eip, "%s comes in between", text);
		break;
	case NOTE_RETURN:
		tell(s, n->t, processor, 0, "%s has returned", text);
		break;
	case NOTE_AWAY:
		tell(s, n->t, kernel, n->eip, "switches to another task");
		break;
	case NOTE_BACK:
		tell(s, n->t, kernel, 0, "this task runs again");
		break;
	case NOTE_GS:
		tell(s, n->t, kernel, n->eip, "changes the base of GS from %08" PRIx64 " to %08" PRIx64, n->to,
		     n->value);
		break;
	case NOTE_CR3:
		tell(s, n->t, kernel, n->eip, "changes CR3 from %08" PRIx64 " to %08" PRIx64, n->to, n->value);
		break;
	case NOTE_LABEL:
		if (n->role && !s->told_restore && strcmp(n->role->role, "restore") == 0) {
			s->told_restore = true;
			tell(s, n->t, kernel, n->to, "pops the saved registers");
		} else if (n->role && strcmp(n->role->role, "restore") != 0) {
			tell(s, n->t, kernel, n->to, "comes to %s", n->function);
		}
		break;
	}
}

/* What lies between the notes, once its time has come. */
static void tell_until(struct story *s, uint64_t t)
{
	const struct path *p = s->p;
	const struct write *w;

	if (!s->told_words && s->pushed && t > s->pushed) {
		s->told_words = true;
		tell_words(s);
	}
	if (!s->told_handler && p->handler_done && t >= p->handler_ended) {
		s->told_handler = true;
		tell(s, p->handler_ended, kernel, 0, "%s returns %" PRId32 "%s%s",
		     p->handler_name ? p->handler_name : "the function", (int32_t)p->result,
		     errno_name(p->result) ? ", -" : "", errno_name(p->result) ? errno_name(p->result) : "");
	}
	w = s->call && !s->told_result ? path_result_write(p) : NULL;
	if (w && t >= w->t) {
		s->told_result = true;
		tell(s, w->t, kernel, w->eip, "writes %08" PRIx64 " over the saved %cax at %08" PRIx64, w->value,
		     letter(p), w->lin);
	}
}

/* ---- the way out ---- */
/* SDM 2B, SYSRET: what SYSCALL kept, and selectors counted from STAR. */
static void tell_sysret(struct story *s, const struct return_record *r)
{
	tell(s, r->when, processor, where_linear(&r->from),
	     "SYSRET takes RIP %08" PRIx64 " from RCX, RFLAGS %08" PRIx64 " from R11; CS %04x and SS %04x from STAR",
	     r->to.rip, r->to.rflags, r->to.cs, r->to.ss);
	tell(s, r->when, processor, 0, "RSP stays: %08" PRIx64 "; ring %u -> %u", r->to.rsp, r->from.cpl, r->to.cpl);
}

static void tell_iret(struct story *s)
{
	const struct return_record *r = &s->p->end.returned;
	uint64_t where = where_linear(&r->from);
	bool iret = r->kind == RET_IRET;

	tell(s, r->when, processor, where,
	     s->p->word == 8 && iret ? "IRETQ takes RIP %08" PRIx64 ", CS %04x, RFLAGS %08" PRIx64 "%s"
	     : iret                  ? "IRET takes EIP %08" PRIx64 ", CS %04x, EFLAGS %08" PRIx64 "%s"
		    : "SYSEXIT takes EIP %08" PRIx64 " from EDX; CS %04x; EFLAGS %08" PRIx64 " stays%s",
	     r->to.rip, r->to.cs, r->to.rflags, iret ? " from the frame" : "");
	if (r->to.cpl != r->from.cpl)
		tell(s, r->when, processor, 0, "%s SS %04x, %cSP %08" PRIx64 "%s: ring %u -> %u",
		     !iret || s->p->word == 8 ? "and" : "and, because the ring changes,", r->to.ss,
		     letter(s->p) == 'r' ? 'R' : 'E', r->to.rsp, iret ? "" : " (from ECX)", r->from.cpl, r->to.cpl);
}

static void tell_return(struct story *s)
{
	const struct return_record *r = &s->p->end.returned;

	if (r->kind == RET_SYSRET)
		tell_sysret(s, r);
	else
		tell_iret(s);
	tell(s, r->when, r->to.cpl ? program : kernel, where_linear(&r->to),
	     "goes on in ring %u with %cax = %" PRId32 ", IF = %u", r->to.cpl, letter(s->p),
	     (int32_t)s->p->after_end.gpr.r64[RAX], !!(r->to.rflags & FLAG_IF));
}

static void tell_all(struct story *s)
{
	const struct path *p = s->p;

	if (p->entry.kind == SEEN_DELIVERY) {
		tell_cause(s, &p->entry.delivery);
		tell_gate(s, &p->entry.delivery);
	} else if (p->entry.entry.kind == ENTRY_SYSCALL) {
		tell_syscall(s);
	} else {
		tell_sysenter(s);
	}
	for (unsigned i = 0; i < p->notes; i++) {
		const struct note *n = &p->note[i];

		if (n->level && n->kind != NOTE_SET && n->kind != NOTE_CLEAR)
			continue;
		tell_until(s, n->t);
		tell_note(s, n);
	}
	tell_until(s, UINT64_MAX);
	tell_return(s);
}

bool view_story(struct explain *x)
{
	static const struct moment moment = {"an entry like that", fits};
	struct path p;
	bool ok = find_way(x, &moment, &p);

	if (ok) {
		struct story s = {.x = x, .p = &p, .call = moment_syscall(x, &p.entry), .pushed = last_push(&p)};
		char text[32];

		entry_text(text, sizeof(text), &p.entry);
		put_text(&x->facts.root, "title",
			 "%s%s%s, from the instruction to the one after its return: %" PRIu64 " instructions", text,
			 p.handler_name ? " " : "", p.handler_name ? p.handler_name : "", p.insns);
		s.rows = put_list(&x->facts.root, "steps");
		tell_all(&s);
	}
	path_free(&p);
	return ok;
}
