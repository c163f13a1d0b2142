/* The callers of a place, through the frames of interrupts. */
#include <inttypes.h>
#include <string.h>

#include "cpu/deliver.h"
#include "explain/know.h"
#include "explain/views.h"

#define STACK_BYTES 16384u
#define MOST_FRAMES 64u
#define LABELS      512u

struct unwinder {
	struct explain *x;
	struct cpu *cpu;
	struct fact *rows;
	uint64_t ip, sp, bp;
	unsigned word; /* bytes */
	unsigned frames;
};

static uint64_t word(const struct unwinder *u, uint64_t at)
{
	uint64_t value;

	know_read(u->cpu, at, &value);
	return value;
}

static void put_frame(struct unwinder *u, uint64_t ip, uint64_t sp, const char *how, const char *event)
{
	struct fact *row = put_object(u->rows, NULL);

	put_number(row, "frame", u->frames++);
	put_place(u->x, row, "at", ip);
	put_hex(row, "esp", sp, 8);
	put_text(row, "found_by", "%s", how);
	if (event)
		put_text(row, "interrupted_by", "%s", event);
}

/* Is there a CALL right before the address?  *target: where it goes, 0: indirect. */
static bool behind_call(const struct unwinder *u, uint64_t address, uint64_t *target)
{
	static const uint8_t lengths[] = {5, 2, 3, 4, 6, 7};
	uint8_t bytes[8];
	struct insn insn;

	for (unsigned i = 0; i < sizeof(lengths); i++) {
		unsigned n = lengths[i];

		if (peek_lin(&u->cpu->mmu, address - n, bytes, n) != n ||
		    decode(&insn, bytes, n, know_kernel_mode(u->cpu), true) != DECODE_OK || insn.mnemonic != MN_call ||
		    insn.length != n)
			continue;
		*target = insn.op[0].kind == OPD_REL ? (address + insn.imm) & u->cpu->mmu.lin_mask : 0;
		return true;
	}
	return false;
}

/* May the address be where the function that ip is in returns to?  strict: a direct call has to go to that function. */
static bool is_caller(const struct unwinder *u, uint64_t address, bool strict)
{
	uint64_t offset;
	const char *function = know_symbol(u->x, u->ip, &offset), *called;
	uint64_t target;

	if (!know_symbol(u->x, address, &offset) || !behind_call(u, address, &target))
		return false;
	if (!strict || !target)
		return true;
	if (target <= u->ip && u->ip - target < LABELS)
		return true; /* a label inside the function has a name of its own */
	called = know_symbol(u->x, target, &offset);
	return called && function && strcmp(called, function) == 0;
}

/* The next caller below limit: by the chain of frame pointers, else by looking at every word. */
static bool next_caller(struct unwinder *u, uint64_t limit)
{
	if (u->bp >= u->sp && u->bp < limit - 2 * u->word && u->bp % u->word == 0 &&
	    is_caller(u, word(u, u->bp + u->word), false)) {
		uint64_t frame = u->bp;

		u->ip = word(u, frame + u->word);
		u->sp = frame + 2 * u->word;
		u->bp = word(u, frame);
		put_frame(u, u->ip, u->sp, "frame pointer", NULL);
		return true;
	}
	for (uint64_t at = u->sp; at < limit; at += u->word)
		if (is_caller(u, word(u, at), true)) {
			u->ip = word(u, at);
			u->sp = at + u->word;
			put_frame(u, u->ip, u->sp, "call before it", NULL);
			return true;
		}
	return false;
}

/* The nearest handler on this stack that has not returned. */
static const struct open_handler *next_handler(const struct unwinder *u)
{
	const struct match *match = &u->x->machine->trace.match;
	const struct open_handler *best = NULL;

	for (unsigned i = 0; i < match->open; i++) {
		const struct open_handler *h = &match->handler[i];

		if (h->cpu == u->cpu->id && h->frame && !h->gate && h->frame >= u->sp &&
		    h->frame - u->sp < STACK_BYTES && (!best || h->frame < best->frame))
			best = h;
	}
	return best;
}

/* Through the frame of an interrupt into what it interrupted.  False: that was ring 3. */
static bool through(struct unwinder *u, const struct open_handler *h)
{
	uint32_t ip, bp;
	char text[32], event[64];

	event_text(text, sizeof(text), h->kind, h->vector);
	snprintf(event, sizeof(event), "%s (vector %u) at t=%" PRIu64, text, h->vector, h->when);
	/* The frame pointer of what was interrupted is in pt_regs, around the frame. */
	if (desc_reg_offset(&u->x->desc, "ip", &ip) && desc_reg_offset(&u->x->desc, "bp", &bp))
		u->bp = word(u, h->frame - ip + bp);
	u->ip = h->back.ip;
	/* In IA-32e mode RSP is always in the frame. */
	u->sp = h->outer || u->word == 8 ? word(u, h->frame + 3 * u->word) : h->frame + 3 * u->word;
	put_frame(u, u->ip, u->sp, h->outer ? "ring 3" : "interrupt frame", event);
	return !h->outer;
}

/* What came in ring 3 at this instruction, and has not returned. */
static const struct open_handler *came_at(const struct unwinder *u, uint64_t ip)
{
	const struct match *match = &u->x->machine->trace.match;

	for (unsigned i = match->open; i-- > 0;)
		if (match->handler[i].outer && match->handler[i].cpu == u->cpu->id && match->handler[i].back.ip == ip)
			return &match->handler[i];
	return NULL;
}

/* The pt_regs of an entry from ring 3, at the very top of the task's stack: kernels that leave the stack the processor
 * pushed onto have their copy there. */
static void put_user(struct unwinder *u)
{
	const struct open_handler *h;
	char text[32], event[80] = "pt_regs at the top of the stack";

	const struct desc *d = &u->x->desc;
	uint64_t top, regs;
	uint32_t ip, cs, sp;

	if (!d->regs || !know_top(u->x, u->cpu, &top) || top - u->sp >= STACK_BYTES || !desc_reg_offset(d, "ip", &ip) ||
	    !desc_reg_offset(d, "cs", &cs) || !desc_reg_offset(d, "sp", &sp))
		return;
	regs = top - d->regs * u->word;
	if ((word(u, regs + cs) & 3) != 3)
		return;
	h = came_at(u, word(u, regs + ip));
	if (h) {
		event_text(text, sizeof(text), h->kind, h->vector);
		snprintf(event, sizeof(event), "%s (vector %u) at t=%" PRIu64,
			 h->entry ? (h->kind == ENTRY_SYSCALL ? "SYSCALL" : "SYSENTER") : text, h->vector, h->when);
	}
	put_frame(u, word(u, regs + ip), word(u, regs + sp), "ring 3", event);
}

static uint64_t stack_limit(const struct unwinder *u)
{
	uint64_t top;

	if (know_top(u->x, u->cpu, &top) && top > u->sp && top - u->sp < STACK_BYTES)
		return top;
	return (u->sp | (STACK_BYTES / 2 - 1)) + 1;
}

bool view_unwind(struct explain *x)
{
	struct unwinder u = {.x = x};
	struct where w;

	if (!moment_state(x, NULL) || !know_need_symbols(x, "unwind"))
		return false;
	u.cpu = moment_cpu(x);
	where_now(u.cpu, &w);
	u.ip = where_linear(&w);
	u.sp = know_stack(u.cpu);
	u.bp = know_reg(u.cpu, RBP);
	u.word = know_word_bytes(u.cpu);
	put_text(&x->facts.root, "title", "callers on cpu%u at t=%" PRIu64, u.cpu->id, drive_now(&x->drive));
	put_number(&x->facts.root, "t", drive_now(&x->drive));
	u.rows = put_list(&x->facts.root, "frames");
	put_frame(&u, u.ip, u.sp, "runs now", NULL);
	if (w.cpl == 3)
		return true;
	while (u.frames < MOST_FRAMES) {
		const struct open_handler *h = next_handler(&u);

		if (next_caller(&u, h ? h->frame : stack_limit(&u)))
			continue;
		if (!h) {
			put_user(&u);
			break;
		}
		if (!through(&u, h))
			break;
	}
	return true;
}
