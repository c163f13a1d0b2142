/* Returns find their deliveries: by the address of the frame, and through stacks that tasks share by the task. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "trace/trace.h"

static struct trace trace;
static struct return_record last;
static struct unreturned_record lost[1024];
static struct trace_summary summary;
static unsigned losses;
static struct task_key key; /* what the processor shows now */

static void keep_return(void *owner, const struct return_record *r)
{
	last = *r;
}

static void keep_lost(void *owner, const struct unreturned_record *r)
{
	if (losses < sizeof(lost) / sizeof(lost[0]))
		lost[losses++] = *r;
}

static void keep_summary(void *owner, const struct trace_summary *s)
{
	summary = *s;
}

static bool give_key(void *owner, unsigned cpu, struct task_key *k)
{
	*k = key;
	return key.known;
}

static int setup(void **state)
{
	trace_init(&trace);
	losses = 0;
	key = (struct task_key){.known = false};
	trace.task_key = give_key;
	trace_add_sink(&trace,
		       (struct trace_sink){.returned = keep_return, .unreturned = keep_lost, .ended = keep_summary});
	return 0;
}

/* A delivery from ring `from` at ip, sp whose three-word frame ends at `frame`. */
static uint64_t enter_at(enum event_kind kind, uint8_t vector, uint64_t frame, uint64_t when, unsigned from, bool error,
			 uint64_t ip, uint64_t sp, unsigned cpu)
{
	struct delivery_record *r = trace_delivery_begin(&trace);

	r->kind = (uint8_t)kind;
	r->vector = vector;
	r->outcome = OUT_DELIVERED;
	r->when = when;
	r->cpu = (uint8_t)cpu;
	r->from.cpl = (uint8_t)from;
	r->from.rip = ip;
	r->from.rsp = sp;
	r->word_bytes = 4;
	r->words = 3;
	r->word_name[0] = PUSH_FLAGS;
	r->word_name[1] = PUSH_CS;
	r->word_name[2] = PUSH_IP;
	if (error)
		r->word_name[r->words++] = PUSH_ERROR;
	r->frame = frame;
	trace_delivery_done(&trace, r);
	return r->id;
}

static uint64_t enter(enum event_kind kind, uint8_t vector, uint64_t frame, uint64_t when, unsigned from, bool error)
{
	return enter_at(kind, vector, frame, when, from, error, 0x100, 0x200, 0);
}

static uint64_t leave_to(enum return_kind kind, uint64_t frame, uint64_t when, unsigned to, uint64_t ip, uint64_t sp,
			 unsigned cpu)
{
	struct return_record r = {.when = when,
				  .kind = (uint8_t)kind,
				  .frame = frame,
				  .cpu = (uint8_t)cpu,
				  .to = {.cpl = (uint8_t)to, .rip = ip, .rsp = sp}};

	trace_returned(&trace, &r);
	return last.delivery;
}

/* Back to ring 3, to where enter() came from. */
static void leave(enum return_kind kind, uint64_t frame, uint64_t when)
{
	leave_to(kind, frame, when, 3, 0x100, 0x200, 0);
}

/* Back to the same ring. */
static void back(uint64_t frame, uint64_t when)
{
	leave_to(RET_IRET, frame, when, 0, 0x100, 0x200, 0);
}

static void a_return_through_the_frame_ends_its_delivery(void **state)
{
	uint64_t id = enter(EV_SOFT_INT, 0x80, 0x1000, 100, 3, false);

	leave(RET_IRET, 0x1000, 512);
	assert_int_equal(last.delivery, id);
	assert_int_equal(last.ended_kind, EV_SOFT_INT);
	assert_int_equal(last.ended_vector, 0x80);
	assert_int_equal(last.insns, 412);
	assert_int_equal(last.nested.total, 0);
}

static void a_return_through_another_frame_ends_nothing(void **state)
{
	enter(EV_SOFT_INT, 0x80, 0x1000, 100, 3, false);
	leave(RET_IRET, 0x2000, 200);
	assert_int_equal(last.delivery, 0);
	leave_to(RET_FAR, 0x1000, 300, 0, 0x100, 0x200, 0);
	assert_int_equal(last.delivery, 0);
}

static void a_far_return_to_where_it_came_from_ends_it_too(void **state)
{
	uint64_t id = enter(EV_SOFT_INT, 0x80, 0x1000, 100, 3, false);

	leave(RET_FAR, 0x1000, 300);
	assert_int_equal(last.delivery, id);
}

static void an_error_code_is_popped_before_the_return(void **state)
{
	uint64_t id = enter(EV_FAULT, 14, 0x1000, 100, 3, true);

	leave(RET_IRET, 0x1004, 200);
	assert_int_equal(last.delivery, id);
}

static void a_task_switch_returns_through_the_other_tasks_frame(void **state)
{
	uint64_t first = enter(EV_SOFT_INT, 0x80, 0x1000, 100, 3, false);
	uint64_t second = enter(EV_SOFT_INT, 0x80, 0x5000, 200, 3, false);

	leave(RET_IRET, 0x1000, 300);
	assert_int_equal(last.delivery, first);
	leave(RET_IRET, 0x5000, 400);
	assert_int_equal(last.delivery, second);
}

static void nested_deliveries_are_counted_by_kind_and_vector(void **state)
{
	uint64_t outer = enter(EV_SOFT_INT, 0x80, 0x1000, 100, 3, false), fault;

	enter(EV_IRQ, 0x20, 0x0f00, 110, 0, false);
	back(0x0f00, 120);
	fault = enter(EV_FAULT, 14, 0x0f00, 130, 0, true);
	enter(EV_IRQ, 0x20, 0x0e00, 140, 0, false);
	back(0x0e00, 150);
	back(0x0f04, 160);
	assert_int_equal(last.delivery, fault);
	assert_int_equal(last.nested.total, 1);
	leave(RET_IRET, 0x1000, 170);
	assert_int_equal(last.delivery, outer);
	assert_int_equal(last.nested.total, 3);
	assert_int_equal(last.nested.used, 2);
	assert_int_equal(last.nested.by[0].kind, EV_IRQ);
	assert_int_equal(last.nested.by[0].count, 2);
	assert_int_equal(last.nested.by[1].vector, 14);
}

static void a_delivery_from_ring_3_is_nested_in_nothing(void **state)
{
	enter(EV_SOFT_INT, 0x80, 0x1000, 100, 3, false);
	enter(EV_SOFT_INT, 0x80, 0x0f00, 110, 3, false); /* another task, stack below */
	leave(RET_IRET, 0x1000, 120);
	assert_int_equal(last.nested.total, 0);
}

static void a_frame_that_is_overwritten_was_abandoned(void **state)
{
	uint64_t first = enter(EV_FAULT, 13, 0x1000, 100, 3, false), second;

	second = enter(EV_SOFT_INT, 0x80, 0x1000, 200, 3, false);
	leave(RET_IRET, 0x1000, 300);
	assert_int_equal(last.delivery, second);
	leave(RET_IRET, 0x1000, 400);
	assert_int_equal(last.delivery, 0);
	assert_int_equal(losses, 1);
	assert_int_equal(lost[0].delivery, first);
	assert_int_equal(lost[0].why, UNRETURNED_OVERWRITTEN);
	assert_int_equal(lost[0].by, second);
}

static void an_overwritten_frame_of_the_same_level_was_abandoned(void **state)
{
	enter_at(EV_FAULT, 13, 0x1000, 100, 0, false, 0x100, 0x200, 0);
	enter_at(EV_IRQ, 0x20, 0x1000, 200, 0, false, 0x900, 0x200, 0);
	assert_int_equal(losses, 1);
	assert_int_equal(lost[0].why, UNRETURNED_OVERWRITTEN);
}

/* ---- one stack of the processor for all tasks, as Linux has since 4.15: the frame's address says nothing ---- */
#define ENTRY_FRAME 0xff403fecu

static void run_task(uint64_t stack, uint64_t cr3)
{
	key = (struct task_key){.known = true, .tr = 0xff406000, .sp0 = 0xff404000, .sp1 = stack, .cr3 = cr3};
}

/* A processor whose kernel was seen to write sp1. */
static void watch_a_switch(void)
{
	run_task(0xc1000000, 1);
	enter_at(EV_IRQ, 0x20, 0xc0fff000, 1, 0, false, 0x1, 0x1, 0);
	back(0xc0fff000, 2);
	run_task(0xc1002000, 1);
	enter_at(EV_IRQ, 0x20, 0xc1001f00, 3, 0, false, 0x1, 0x1, 0);
	back(0xc1001f00, 4);
	losses = 0;
}

static void tasks_that_share_the_entry_stack_are_told_apart(void **state)
{
	uint64_t a, b;

	watch_a_switch();
	run_task(0xc2000000, 0xa000);
	a = enter_at(EV_SOFT_INT, 0x80, ENTRY_FRAME, 100, 3, false, 0x1000, 0xbf00, 0);
	run_task(0xc3000000, 0xb000);
	b = enter_at(EV_SOFT_INT, 0x80, ENTRY_FRAME, 200, 3, false, 0x1000, 0xbf00, 0);
	assert_int_equal(losses, 0);
	run_task(0xc2000000, 0xa000);
	assert_int_equal(leave_to(RET_IRET, ENTRY_FRAME, 300, 3, 0x1000, 0xbf00, 0), a);
	assert_int_equal(last.insns, 200);
	run_task(0xc3000000, 0xb000);
	assert_int_equal(leave_to(RET_IRET, ENTRY_FRAME, 400, 3, 0x1000, 0xbf00, 0), b);
	assert_int_equal(losses, 0);
}

static void threads_of_one_space_are_told_apart(void **state)
{
	uint64_t a, b;

	watch_a_switch();
	run_task(0xc2000000, 0xa000);
	a = enter_at(EV_SOFT_INT, 0x80, ENTRY_FRAME, 100, 3, false, 0x1000, 0xbf00, 0);
	run_task(0xc3000000, 0xa000);
	b = enter_at(EV_SOFT_INT, 0x80, ENTRY_FRAME, 200, 3, false, 0x1000, 0xbf00, 0);
	run_task(0xc2000000, 0xa000);
	assert_int_equal(leave_to(RET_IRET, ENTRY_FRAME, 300, 3, 0x1000, 0xbf00, 0), a);
	run_task(0xc3000000, 0xa000);
	assert_int_equal(leave_to(RET_IRET, ENTRY_FRAME, 400, 3, 0x1000, 0xbf00, 0), b);
}

/* Tasks that nothing tells apart but their space: Linux for x86-64. */
static void a_space_with_another_pcid_is_the_same(void **state)
{
	uint64_t a;

	key = (struct task_key){.known = true, .cr3 = 0xa001, .pcid = 0xfff};
	a = enter_at(EV_SOFT_INT, 0x80, ENTRY_FRAME, 100, 3, false, 0x1000, 0xbf00, 0);
	key.cr3 = 0xb002;
	assert_int_equal(leave_to(RET_IRET, ENTRY_FRAME, 200, 3, 0x1000, 0xbf00, 0), 0);
	key.cr3 = 0xa005;
	assert_int_equal(leave_to(RET_IRET, ENTRY_FRAME, 300, 3, 0x1000, 0xbf00, 0), a);
	assert_int_equal(last.changed, 0);
}

static void without_pcids_all_of_cr3_tells_a_space(void **state)
{
	key = (struct task_key){.known = true, .cr3 = 0xa020};
	enter_at(EV_SOFT_INT, 0x80, ENTRY_FRAME, 100, 3, false, 0x1000, 0xbf00, 0);
	key.cr3 = 0xa040; /* PAE: tables of 32 bytes */
	assert_int_equal(leave_to(RET_IRET, ENTRY_FRAME, 200, 3, 0x1000, 0xbf00, 0), 0);
}

static void a_task_that_moved_returns_on_another_processor(void **state)
{
	uint64_t a;

	watch_a_switch();
	run_task(0xc2000000, 0xa000);
	a = enter_at(EV_SOFT_INT, 0x80, ENTRY_FRAME, 100, 3, false, 0x1000, 0xbf00, 0);
	key.tr = 0xff506000;
	key.sp0 = 0xff504000;
	assert_int_equal(leave_to(RET_IRET, ENTRY_FRAME + 0x100000, 300, 3, 0x1000, 0xbf00, 1), a);
	assert_int_equal(last.ended_cpu, 0);
	assert_int_equal(last.cpu, 1);
}

static void processors_with_the_same_frame_address_do_not_mix(void **state)
{
	uint64_t a = enter_at(EV_IRQ, 0x20, 0x1000, 100, 0, false, 0x10, 0x20, 0);
	uint64_t b = enter_at(EV_IRQ, 0x30, 0x1000, 110, 0, false, 0x30, 0x40, 1);

	assert_int_equal(losses, 0);
	assert_int_equal(leave_to(RET_IRET, 0x1000, 120, 0, 0x10, 0x20, 0), a);
	assert_int_equal(leave_to(RET_IRET, 0x1000, 130, 0, 0x30, 0x40, 1), b);
	assert_int_equal(leave_to(RET_IRET, 0x1000, 140, 0, 0x10, 0x20, 0), 0);
	a = enter_at(EV_IRQ, 0x20, 0x1000, 200, 3, false, 0x10, 0x20, 0);
	b = enter_at(EV_IRQ, 0x20, 0x1000, 210, 3, false, 0x10, 0x20, 1);
	assert_int_equal(leave_to(RET_IRET, 0x1000, 220, 3, 0x10, 0x20, 0), a);
	assert_int_equal(leave_to(RET_IRET, 0x1000, 230, 3, 0x10, 0x20, 1), b);
}

static void a_signal_and_its_sigreturn_belong_to_their_task(void **state)
{
	uint64_t interrupted, sigreturn;

	watch_a_switch();
	run_task(0xc2000000, 0xa000);
	interrupted = enter_at(EV_IRQ, 0xec, ENTRY_FRAME, 100, 3, false, 0x1000, 0xbf00, 0);
	assert_int_equal(leave_to(RET_IRET, ENTRY_FRAME, 200, 3, 0x7000, 0xbe00, 0), interrupted);
	assert_int_equal(last.changed, CHANGED_IP | CHANGED_SP);
	sigreturn = enter_at(EV_SOFT_INT, 0x80, ENTRY_FRAME, 300, 3, false, 0x7010, 0xbe00, 0);
	/* A brother with the same layout waits where the signal came. */
	run_task(0xc3000000, 0xb000);
	enter_at(EV_IRQ, 0xec, ENTRY_FRAME, 350, 3, false, 0x1000, 0xbf00, 0);
	run_task(0xc2000000, 0xa000);
	assert_int_equal(leave_to(RET_IRET, ENTRY_FRAME, 400, 3, 0x1000, 0xbf00, 0), sigreturn);
	assert_int_equal(losses, 0);
}

static void execve_returns_into_another_space(void **state)
{
	uint64_t execve;

	watch_a_switch();
	run_task(0xc2000000, 0xa000);
	execve = enter_at(EV_SOFT_INT, 0x80, ENTRY_FRAME, 100, 3, false, 0x1000, 0xbf00, 0);
	run_task(0xc2000000, 0xc000);
	assert_int_equal(leave_to(RET_IRET, ENTRY_FRAME, 200, 3, 0x8048000, 0xbfff, 0), execve);
	assert_int_equal(last.changed, CHANGED_IP | CHANGED_SP | CHANGED_CR3);
}

static void the_first_return_of_a_child_ends_nothing(void **state)
{
	uint64_t fork, died;

	watch_a_switch();
	run_task(0xc3000000, 0xb000); /* a task that ends in exit() ... */
	died = enter_at(EV_SOFT_INT, 0x80, ENTRY_FRAME, 100, 3, false, 0x5000, 0xbd00, 0);
	run_task(0xc2000000, 0xa000);
	fork = enter_at(EV_SOFT_INT, 0x80, ENTRY_FRAME, 200, 3, false, 0x1000, 0xbf00, 0);
	assert_int_equal(leave_to(RET_IRET, ENTRY_FRAME, 300, 3, 0x1000, 0xbf00, 0), fork);
	run_task(0xc3000000, 0xb000); /* ... and a child that gets its stack */
	assert_int_equal(leave_to(RET_IRET, ENTRY_FRAME, 400, 3, 0x1000, 0xbf00, 0), 0);
	assert_int_equal(last.copy_of, fork);
	assert_int_equal(losses, 1);
	assert_int_equal(lost[0].delivery, died);
	assert_int_equal(lost[0].why, UNRETURNED_REUSED);
	assert_int_equal(lost[0].by, last.id);
}

/* Its space was that of a task that has ended, and it goes where that one went (a page of the kernel's for system
 * calls). */
static void a_changed_return_is_no_copy_of_what_ended_before_it_began(void **state)
{
	uint64_t own;

	watch_a_switch();
	run_task(0xc3000000, 0xa000);
	enter_at(EV_SOFT_INT, 0x80, ENTRY_FRAME, 100, 3, false, 0x1000, 0xbf00, 0);
	leave_to(RET_IRET, ENTRY_FRAME, 200, 3, 0x1000, 0xbf00, 0);
	run_task(0xc2000000, 0xa000);
	own = enter_at(EV_SOFT_INT, 0x80, ENTRY_FRAME, 300, 3, false, 0x3000, 0xbf00, 0);
	assert_int_equal(leave_to(RET_IRET, ENTRY_FRAME, 400, 3, 0x1000, 0x10, 0), own);
	assert_int_equal(last.changed, CHANGED_IP | CHANGED_SP);
	assert_int_equal(last.copy_of, 0);
	assert_int_equal(losses, 0);
}

static void a_vforked_child_goes_first_and_the_parents_return_stays(void **state)
{
	uint64_t vfork;

	watch_a_switch();
	run_task(0xc2000000, 0xa000);
	vfork = enter_at(EV_SOFT_INT, 0x80, ENTRY_FRAME, 200, 3, false, 0x1000, 0xbf00, 0);
	run_task(0xc3000000, 0xa000);
	assert_int_equal(leave_to(RET_IRET, ENTRY_FRAME, 300, 3, 0x1000, 0xbf00, 0), 0);
	assert_int_equal(last.copy_of, vfork);
	run_task(0xc2000000, 0xa000);
	assert_int_equal(leave_to(RET_IRET, ENTRY_FRAME, 400, 3, 0x1000, 0xbf00, 0), vfork);
}

static void a_task_that_enters_again_has_not_returned(void **state)
{
	uint64_t first, second;

	watch_a_switch();
	run_task(0xc2000000, 0xa000);
	first = enter_at(EV_FAULT, 14, ENTRY_FRAME, 100, 3, true, 0x1000, 0xbf00, 0);
	second = enter_at(EV_SOFT_INT, 0x80, ENTRY_FRAME, 200, 3, false, 0x2000, 0xbf00, 0);
	assert_int_equal(losses, 1);
	assert_int_equal(lost[0].delivery, first);
	assert_int_equal(lost[0].why, UNRETURNED_ENTERED_AGAIN);
	assert_int_equal(lost[0].by, second);
}

static void interrupts_in_the_kernel_nest_in_the_call_of_their_task(void **state)
{
	uint64_t call;

	watch_a_switch();
	run_task(0xc2000000, 0xa000);
	call = enter_at(EV_SOFT_INT, 0x80, ENTRY_FRAME, 100, 3, false, 0x1000, 0xbf00, 0);
	enter_at(EV_IRQ, 0xec, 0xc1ffff00, 110, 0, false, 0x10, 0x20, 0); /* on the task's stack */
	back(0xc1ffff00, 120);
	enter_at(EV_IRQ, 0xed, 0xc1ffff00, 125, 0, false, 0x10, 0x20, 0); /* the task sleeps in this one */
	run_task(0xc1ffe000, 0xb000);
	enter_at(EV_IRQ, 0xec, 0xc1ffd000, 130, 0, false, 0x10, 0x20, 0); /* near, but another task's */
	back(0xc1ffd000, 140);
	run_task(0xc2000000, 0xa000);
	back(0xc1ffff00, 150);
	assert_int_equal(last.nested.total, 0);
	assert_int_equal(leave_to(RET_IRET, ENTRY_FRAME, 200, 3, 0x1000, 0xbf00, 0), call);
	assert_int_equal(last.nested.total, 2);
}

static void sysenter_is_ended_by_sysexit_or_iret_of_its_task(void **state)
{
	struct entry_record e = {.kind = ENTRY_SYSENTER, .when = 100, .from = {.cpl = 3, .rip = 0x1000, .rsp = 0xbf00}};

	watch_a_switch();
	run_task(0xc2000000, 0xa000);
	trace_entry(&trace, &e);
	run_task(0xc3000000, 0xb000);
	assert_int_equal(leave_to(RET_SYSEXIT, 0, 150, 3, 0x9999, 0xbf00, 0), 0);
	run_task(0xc2000000, 0xa000);
	assert_int_equal(leave_to(RET_SYSEXIT, 0, 200, 3, 0x1004, 0xbf00, 0), e.id);
	assert_true(last.ended_entry);
	assert_int_equal(last.ended_kind, ENTRY_SYSENTER);
	assert_int_equal(last.changed, 0);
	trace_entry(&trace, &e);
	assert_int_equal(leave_to(RET_IRET, ENTRY_FRAME, 300, 3, 0x7000, 0xbe00, 0), e.id);
	assert_int_equal(last.changed, CHANGED_IP | CHANGED_SP);
}

static void a_frame_one_word_off_was_moved_by_its_handler(void **state)
{
	uint64_t id = enter_at(EV_INT3, 3, 0x1000, 100, 0, false, 0x100, 0x200, 0);

	assert_int_equal(leave_to(RET_IRET, 0x1000 - 12, 105, 0, 0x300, 0x200, 0),
			 0); /* IRET to the next instruction */
	assert_int_equal(leave_to(RET_IRET, 0x1000 - 4, 110, 0, 0x900, 0x1fc, 0), id);
	assert_int_equal(last.changed, CHANGED_IP | CHANGED_SP);
}

static void a_frame_behind_a_gap_was_copied_by_the_handler_of_int3(void **state)
{
	uint64_t id = enter_at(EV_INT3, 3, 0x1000, 100, 0, false, 0x100, 0x200, 0);

	assert_int_equal(leave_to(RET_IRET, 0x1000 - 6 * 4, 110, 0, 0x900, 0x1fc, 0), id);
	enter_at(EV_SOFT_INT, 0x40, 0x1000, 200, 0, false, 0x100, 0x200, 0);
	assert_int_equal(leave_to(RET_IRET, 0x1000 - 6 * 4, 210, 0, 0x900, 0x1fc, 0), 0);
}

/* ---- nothing known of tasks ---- */
static void a_frame_moved_away_and_back_finds_its_delivery(void **state)
{
	/* A kernel that keeps the frames elsewhere and has one stack: b's comes in between. */
	uint64_t a = enter_at(EV_IRQ, 0x20, 0x1000, 100, 3, false, 0x100, 0xa00, 0), b;

	assert_int_equal(leave_to(RET_IRET, 0x1000, 110, 3, 0x500, 0xb00, 0), 0); /* b for the first time */
	b = enter_at(EV_IRQ, 0x20, 0x1000, 200, 3, false, 0x510, 0xb00, 0);
	assert_int_equal(leave_to(RET_IRET, 0x1000, 210, 3, 0x100, 0xa00, 0), a);
	enter_at(EV_IRQ, 0x20, 0x1000, 300, 3, false, 0x110, 0xa00, 0);
	assert_int_equal(leave_to(RET_IRET, 0x1000, 310, 3, 0x510, 0xb00, 0), b);
	assert_int_equal(losses, 0);
}

static void a_return_moved_by_its_handler_still_ends_it(void **state)
{
	uint64_t id = enter_at(EV_FAULT, 13, 0x1000, 100, 3, true, 0x100, 0xa00, 0);

	assert_int_equal(leave_to(RET_IRET, 0x1004, 110, 3, 0x102, 0xa00, 0), id);
	assert_int_equal(last.changed, CHANGED_IP);
}

static void a_frame_replaced_as_a_whole_is_told_at_the_end(void **state)
{
	uint64_t id = enter_at(EV_FAULT, 13, 0x1000, 100, 3, true, 0x100, 0xa00, 0);

	assert_int_equal(leave_to(RET_IRET, 0x1004, 110, 3, 0x500, 0xb00, 0), 0);
	trace_end(&trace, 500);
	assert_int_equal(losses, 1);
	assert_int_equal(lost[0].delivery, id);
	assert_int_equal(lost[0].why, UNRETURNED_REPLACED);
	assert_int_equal(lost[0].by, last.id);
}

static void the_summary_accounts_for_every_delivery(void **state)
{
	struct delivery_record *refused;
	const struct trace_counts *c = &summary.by[EV_SOFT_INT][0x80];

	enter(EV_SOFT_INT, 0x80, 0x1000, 100, 3, false);
	leave(RET_IRET, 0x1000, 110);
	enter(EV_SOFT_INT, 0x80, 0x1000, 120, 3, false);
	enter(EV_SOFT_INT, 0x80, 0x1000, 130, 3, false); /* over the other one */
	enter(EV_SOFT_INT, 0x80, 0x1000, 140, 3, false);
	refused = trace_delivery_begin(&trace);
	refused->kind = EV_SOFT_INT;
	refused->vector = 0x81;
	trace_delivery_done(&trace, refused);
	trace_end(&trace, 500);
	assert_int_equal(c->taken, 4);
	assert_int_equal(c->returned, 1);
	assert_int_equal(c->never, 2);
	assert_int_equal(c->open, 1);
	assert_int_equal(summary.by[EV_SOFT_INT][0x81].refused, 1);
	assert_int_equal(summary.all.taken, 4);
	assert_int_equal(summary.all.refused, 1);
	assert_int_equal(summary.all.returned, 1);
	assert_int_equal(summary.all.never, 2);
	assert_int_equal(summary.all.open, 1);
	assert_int_equal(summary.when, 500);
	assert_int_equal(lost[losses - 1].why, UNRETURNED_OPEN);
}

static void handlers_dropped_by_an_outer_return_are_closed(void **state)
{
	enter(EV_SOFT_INT, 0x80, 0x1000, 100, 3, false);
	enter(EV_FAULT, 14, 0x0f00, 110, 0, false);
	enter(EV_IRQ, 0x20, 0x0e00, 120, 0, false);
	leave(RET_IRET, 0x1000, 130);
	assert_int_equal(trace.match.open, 0);
	assert_int_equal(losses, 2);
	assert_int_equal(lost[0].why, UNRETURNED_DROPPED);
	assert_int_equal(lost[0].by, last.id);
}

static void a_task_gate_is_ended_by_the_task_return(void **state)
{
	struct delivery_record *r = trace_delivery_begin(&trace);

	r->outcome = OUT_TASK_SWITCH;
	r->vector = 8;
	trace_delivery_done(&trace, r);
	leave(RET_IRET, 0, 10);
	assert_int_equal(last.delivery, 0);
	leave(RET_IRET_TASK, 0, 20);
	assert_int_equal(last.delivery, r->id);
}

static void refused_deliveries_open_no_frame(void **state)
{
	struct delivery_record *r = trace_delivery_begin(&trace);

	r->outcome = OUT_FAULTED;
	r->frame = 0x1000;
	trace_delivery_done(&trace, r);
	assert_int_equal(trace.match.open, 0);
}

static void memory_stays_bounded_and_the_newest_frames_are_kept(void **state)
{
	uint64_t id = 0;

	for (unsigned i = 0; i < 3 * MATCH_OPEN; i++)
		id = enter(EV_SOFT_INT, 0x80, 0x100000u * (i + 1), i, 3, false);
	assert_int_equal(trace.match.open, MATCH_OPEN);
	leave(RET_IRET, UINT64_C(0x100000) * 3 * MATCH_OPEN, 10000);
	assert_int_equal(last.delivery, id);
	leave(RET_IRET, 0x100000, 10001);
	assert_int_equal(last.delivery, 0);
}

static void the_ring_keeps_the_last_256_without_any_sink(void **state)
{
	trace_init(&trace);
	for (unsigned i = 0; i < TRACE_RING + 10; i++) {
		struct delivery_record *r = trace_delivery_begin(&trace);

		r->vector = (uint8_t)i;
		trace_delivery_done(&trace, r);
	}
	assert_int_equal(trace_recent(&trace, 0)->id, TRACE_RING + 10);
	assert_int_equal(trace_recent(&trace, TRACE_RING - 1)->id, 11);
	assert_null(trace_recent(&trace, TRACE_RING));
}

static void records_of_every_kind_share_one_numbering(void **state)
{
	struct entry_record entry = {.kind = ENTRY_SYSENTER};
	struct task_record task = {.cause = TASK_JMP};

	assert_int_equal(enter(EV_NMI, 2, 0x1000, 0, 0, false), 1);
	leave(RET_IRET, 0x1000, 1);
	assert_int_equal(last.id, 2);
	trace_entry(&trace, &entry);
	assert_int_equal(entry.id, 3);
	trace_task(&trace, &task);
	assert_int_equal(task.id, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_return_through_the_frame_ends_its_delivery, setup),
		cmocka_unit_test_setup(a_return_through_another_frame_ends_nothing, setup),
		cmocka_unit_test_setup(a_far_return_to_where_it_came_from_ends_it_too, setup),
		cmocka_unit_test_setup(an_error_code_is_popped_before_the_return, setup),
		cmocka_unit_test_setup(a_task_switch_returns_through_the_other_tasks_frame, setup),
		cmocka_unit_test_setup(nested_deliveries_are_counted_by_kind_and_vector, setup),
		cmocka_unit_test_setup(a_delivery_from_ring_3_is_nested_in_nothing, setup),
		cmocka_unit_test_setup(a_frame_that_is_overwritten_was_abandoned, setup),
		cmocka_unit_test_setup(an_overwritten_frame_of_the_same_level_was_abandoned, setup),
		cmocka_unit_test_setup(tasks_that_share_the_entry_stack_are_told_apart, setup),
		cmocka_unit_test_setup(threads_of_one_space_are_told_apart, setup),
		cmocka_unit_test_setup(without_pcids_all_of_cr3_tells_a_space, setup),
		cmocka_unit_test_setup(a_space_with_another_pcid_is_the_same, setup),
		cmocka_unit_test_setup(a_task_that_moved_returns_on_another_processor, setup),
		cmocka_unit_test_setup(processors_with_the_same_frame_address_do_not_mix, setup),
		cmocka_unit_test_setup(a_signal_and_its_sigreturn_belong_to_their_task, setup),
		cmocka_unit_test_setup(execve_returns_into_another_space, setup),
		cmocka_unit_test_setup(the_first_return_of_a_child_ends_nothing, setup),
		cmocka_unit_test_setup(a_changed_return_is_no_copy_of_what_ended_before_it_began, setup),
		cmocka_unit_test_setup(a_vforked_child_goes_first_and_the_parents_return_stays, setup),
		cmocka_unit_test_setup(a_task_that_enters_again_has_not_returned, setup),
		cmocka_unit_test_setup(interrupts_in_the_kernel_nest_in_the_call_of_their_task, setup),
		cmocka_unit_test_setup(sysenter_is_ended_by_sysexit_or_iret_of_its_task, setup),
		cmocka_unit_test_setup(a_frame_one_word_off_was_moved_by_its_handler, setup),
		cmocka_unit_test_setup(a_frame_behind_a_gap_was_copied_by_the_handler_of_int3, setup),
		cmocka_unit_test_setup(a_frame_moved_away_and_back_finds_its_delivery, setup),
		cmocka_unit_test_setup(a_return_moved_by_its_handler_still_ends_it, setup),
		cmocka_unit_test_setup(a_frame_replaced_as_a_whole_is_told_at_the_end, setup),
		cmocka_unit_test_setup(the_summary_accounts_for_every_delivery, setup),
		cmocka_unit_test_setup(handlers_dropped_by_an_outer_return_are_closed, setup),
		cmocka_unit_test_setup(a_task_gate_is_ended_by_the_task_return, setup),
		cmocka_unit_test_setup(refused_deliveries_open_no_frame, setup),
		cmocka_unit_test_setup(memory_stays_bounded_and_the_newest_frames_are_kept, setup),
		cmocka_unit_test_setup(the_ring_keeps_the_last_256_without_any_sink, setup),
		cmocka_unit_test_setup(records_of_every_kind_share_one_numbering, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
