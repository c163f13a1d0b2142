/* SYSENTER and SYSEXIT; a stack of 16 bits and espfix. */
#include <inttypes.h>

#include "explain/know.h"
#include "explain/report.h"
#include "explain/segment.h"
#include "explain/views.h"

#define SYSENTER_0F 0x0f
#define SYSENTER_34 0x34

static bool fits_sysenter(struct explain *x, const struct seen *s)
{
	const struct explain_options *o = &x->options;

	return s->kind == SEEN_ENTRY && s->entry.kind == ENTRY_SYSENTER &&
	       (!o->has_nr || (uint32_t)s->entry.rax == (uint32_t)o->nr);
}

static const struct moment sysenter_moment = {"SYSENTER", fits_sysenter};

struct search {
	struct explain *x;
	uint64_t skip;
};

/* About to run SYSENTER in ring 3. */
static bool at_sysenter(void *owner, struct cpu *cpu)
{
	struct search *q = owner;
	const struct explain_options *o = &q->x->options;
	uint8_t bytes[2];

	return cpu->s.cpl == 3 &&
	       peek_lin(&cpu->mmu, code_linear(cpu, cpu->s.rip), bytes, sizeof(bytes)) == sizeof(bytes) &&
	       bytes[0] == SYSENTER_0F && bytes[1] == SYSENTER_34 &&
	       (!o->has_nr || reg32(cpu, RAX) == (uint32_t)o->nr) && q->skip-- == 0;
}

/* --tf: TF is set in ring 3 right before the instruction, as a debugger of the program would. */
static bool step_into(struct explain *x)
{
	struct search q = {x, x->options.nth - 1};
	const struct look look = {.instruction = at_sysenter, .owner = &q};
	struct cpu *cpu;

	if (x->options.after > drive_now(&x->drive))
		drive_run(&x->drive, NULL, x->options.after);
	if (drive_run(&x->drive, &look, CLOCK_NEVER) != DRIVEN_STOPPED)
		return explain_never(x, "SYSENTER");
	cpu = moment_cpu(x);
	cpu_set_flags(cpu, cpu_flags(cpu) | FLAG_TF);
	return moment_event(x, &sysenter_moment, 0);
}

static void put_shadow(struct explain *x, const struct path *p)
{
	struct fact *o = put_object(&x->facts.root, "exit");
	bool sysexit = p->end.returned.kind == RET_SYSEXIT;

	put_text(o, "by", "%s", return_kind_name((enum return_kind)p->end.returned.kind));
	put_place(x, o, "instruction", p->end.from->cs_base + p->end.from->rip);
	if (!sysexit)
		return;
	put_hex(o, "eip_from_edx", p->before_end.gpr.r64[RDX], 8);
	put_hex(o, "esp_from_ecx", p->before_end.gpr.r64[RCX], 8);
	put_flag(o, "in_the_shadow_of_sti", p->before_end.shadow & SHADOW_STI);
	put_number(o, "eflags_if_before", !!(p->before_end.rflags & FLAG_IF));
}

bool view_sysenter(struct explain *x)
{
	struct path p;
	bool ok = x->options.tf ? step_into(x) : moment_event(x, &sysenter_moment, x->options.nth - 1);
	struct fact *o;

	if (!ok)
		return false;
	if (x->options.raise)
		moment_raise(x);
	ok = path_record(x, &p, NULL);
	if (ok) {
		put_text(&x->facts.root, "title",
			 "SYSENTER, system call %" PRIu32 " %s on cpu%u, t=%" PRIu64 " to %" PRIu64, p.nr,
			 p.handler_name ? p.handler_name : "", p.cpu, p.entry.when, p.end.when);
		put_number(&x->facts.root, "number", p.nr);
		report_entry(x, &p);
		o = put_object(&x->facts.root, "eflags");
		put_number(o, "if_after", !!(p.entry.to->rflags & FLAG_IF));
		put_number(o, "tf_after", !!(p.entry.to->rflags & FLAG_TF));
		put_text(o, "rule", "SYSENTER clears IF, VM and RF; TF and NT stay as they are");
		report_between(x, &p);
		report_words(x, &p);
		report_arguments(x, &p);
		report_decisions(x, &p);
		report_result(x, &p);
		report_way(x, &p);
		put_shadow(x, &p);
		report_return(x, &p);
	}
	path_free(&p);
	return ok;
}

/* ---- a 16-bit stack ---- */

/* Ring 3 was interrupted on a stack whose segment has B = 0. */
static bool fits_narrow(struct explain *x, const struct seen *s)
{
	struct segment_facts ss;

	if (!moment_from_user(x, s))
		return false;
	segment_look_up(x->machine->cpu[s->cpu], s->from->ss, &ss);
	return ss.found && !ss.wide && s->from->mode != MODE_LONG64; /* where SS's size means nothing */
}

static void put_narrow(struct explain *x, const struct path *p)
{
	struct fact *user = put_object(&x->facts.root, "user_stack"), *o;
	struct segment_facts ss;
	const struct segment *kernel = &p->before_end.seg[SEG_SS];
	uint32_t esp = (uint32_t)p->before_end.gpr.r64[RSP], after = (uint32_t)p->after_end.gpr.r64[RSP];
	bool leaks = after >> 16 != (uint32_t)p->entry.from->rsp >> 16;

	segment_look_up(x->machine->cpu[p->cpu], p->entry.from->ss, &ss);
	put_hex(user, "ss", p->entry.from->ss, 4);
	put_text(user, "segment", "%s", ss.text);
	put_hex(user, "esp_before", p->entry.from->rsp, 8);
	put_hex(user, "esp_after", after, 8);
	o = put_object(&x->facts.root, "iret_stack");
	put_hex(o, "ss", kernel->sel, 4);
	put_hex(o, "base", kernel->base, 8);
	put_hex(o, "esp", esp, 8);
	put_hex(o, "linear", (kernel->base + esp) & UINT32_MAX, 8);
	put_flag(o, "espfix", kernel->base != 0);
	o = put_object(&x->facts.root, "high_half");
	put_text(o, "rule", "IRET to a 16-bit stack loads SP alone: ESP's high half stays the kernel's");
	put_hex(o, "kernels", esp >> 16, 4);
	put_hex(o, "users_before", p->entry.from->rsp >> 16, 4);
	put_hex(o, "users_after", after >> 16, 4);
	put_flag(o, "leaks", leaks)->tone = leaks ? TONE_BAD : TONE_GOOD;
}

bool view_espfix(struct explain *x)
{
	static const struct moment moment = {"an entry from a 16-bit stack", fits_narrow};
	struct path p;
	bool ok = find_way(x, &moment, &p);

	if (ok) {
		put_text(&x->facts.root, "title",
			 "16-bit stack and the return to it on cpu%u, t=%" PRIu64 " to %" PRIu64, p.cpu, p.entry.when,
			 p.end.when);
		put_narrow(x, &p);
		report_way(x, &p);
		report_return(x, &p);
	}
	path_free(&p);
	return ok;
}
