/* fork: the child's first instruction, its copied frame, and who ran first. */
#include <inttypes.h>
#include <string.h>

#include "explain/know.h"
#include "explain/report.h"
#include "explain/views.h"

/* Linux's numbers: fork, clone, vfork, clone3. */
static bool forks(uint32_t nr)
{
	return nr == 2 || nr == 57 || nr == 120 || nr == 190 || nr == 435;
}

static bool fits(struct explain *x, const struct seen *s)
{
	uint64_t nr = s->kind == SEEN_DELIVERY ? s->delivery.rax : s->entry.rax;

	return moment_syscall(x, s) &&
	       (x->options.has_nr ? (uint32_t)nr == (uint32_t)x->options.nr : forks((uint32_t)nr));
}

/* The function with the role ret-from-fork. */
static bool child_begins_at(struct explain *x, uint64_t *address)
{
	for (unsigned i = 0; i < x->desc.roles; i++)
		if (strcmp(x->desc.role[i].role, "ret-from-fork") == 0 &&
		    know_address(x, x->desc.role[i].patterns, address))
			return true;
	return know_address(x, "ret_from_fork", address) ||
	       diagnose(&x->why,
			"explain fork: the guest has no ret_from_fork, and its description no role ret-from-fork");
}

static void put_parent(struct explain *x, const struct path *p)
{
	struct fact *o = put_object(&x->facts.root, "parent");

	put_task(x, o, "task", x->machine->cpu[p->cpu], p->task);
	put_number(o, "entry_t", p->entry.when);
	if (p->has_handler)
		put_place(x, o, "handler", p->handler);
	put_number(o, "returned_t", p->end.when);
	put_text(o, "eax", "%" PRId32, (int32_t)p->after_end.gpr.r64[RAX]);
	put_place(x, o, "goes_on_at", p->end.to->cs_base + p->end.to->rip);
}

static void put_child(struct explain *x, const struct path *p)
{
	struct fact *o = put_object(&x->facts.root, "child");
	struct cpu *cpu = x->machine->cpu[p->child_end.cpu];

	put_task(x, o, "task", cpu, p->child_task);
	put_number(o, "first_instruction_t", p->child_t);
	put_place(x, o, "first_instruction", p->wish.child_at);
	put_hex(o, "esp", p->child_first.gpr.r64[RSP], 8);
	put_hex(o, "eax_first", p->child_first.gpr.r64[RAX], 8);
	put_hex(o, "pt_regs", p->child_regs, 8);
	put_number(o, "returned_t", p->child_end.when);
	put_text(o, "returned_by", "%s", return_kind_name((enum return_kind)p->child_end.returned.kind));
	put_place(x, o, "return_instruction", p->child_end.from->cs_base + p->child_end.from->rip);
	put_place(x, o, "goes_on_at", p->child_end.to->cs_base + p->child_end.to->rip);
	put_text(o, "eax", "%" PRId32, (int32_t)p->child_eax);
}

/* The child's pt_regs as it found them, against the parent's. */
static void put_frames(struct explain *x, const struct path *p)
{
	struct fact *rows = put_list(&x->facts.root, "frame");

	for (unsigned i = x->desc.regs; i-- > 0;) {
		const struct write *w = p->regs ? path_writer(p, p->regs + i * p->word,
							      p->handler_begun ? p->handler_begun : UINT64_MAX)
						: NULL;
		struct fact *row = put_object(rows, NULL);

		put_text(row, "word", "%s", x->desc.reg[i].name);
		if (w)
			put_hex(row, "parent", w->value, 8);
		put_hex(row, "child", p->child_words[i], 8);
		if (w)
			put_flag(row, "same", w->value == p->child_words[i]);
	}
}

bool view_fork(struct explain *x)
{
	static const struct moment moment = {"a fork", fits};
	struct fact *o;
	uint64_t at;
	struct path p;
	bool ok;

	if (!moment_event(x, &moment, x->options.nth - 1) || !know_need_symbols(x, "fork") || !child_begins_at(x, &at))
		return false;
	if (!x->desc.regs)
		return diagnose(&x->why, "explain fork: no description tells this guest's pt_regs; give --guest FILE");
	ok = path_record(x, &p, &(struct path_wish){.child_at = at}) && path_await_child(x, &p);
	if (ok) {
		put_text(&x->facts.root, "title", "fork by system call %" PRIu32 " on cpu%u at t=%" PRIu64, p.nr, p.cpu,
			 p.entry.when);
		put_parent(x, &p);
		put_child(x, &p);
		put_frames(x, &p);
		o = put_object(&x->facts.root, "order");
		put_text(o, "first_in_the_kernel",
			 p.child_t < p.end.when ? "the child began before the parent returned"
						: "the parent returned before the child began");
		put_text(o, "first_in_ring_3", p.child_end.when < p.end.when ? "child" : "parent");
		put_flag(o, "same_place", p.child_end.to->rip == p.end.to->rip);
	}
	path_free(&p);
	return ok;
}
