/* Returns find their deliveries by the address of the frame. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "trace/trace.h"

static struct trace trace;
static struct return_record last;
static unsigned returns;

static void keep_return(void *owner, const struct return_record *r)
{
	last = *r;
	returns++;
}

static int setup(void **state)
{
	trace_init(&trace);
	returns = 0;
	trace_add_sink(&trace, (struct trace_sink){.returned = keep_return});
	return 0;
}

/* A delivery whose three-word frame ends at `frame`. */
static uint64_t enter(enum event_kind kind, uint8_t vector, uint64_t frame, uint64_t when, unsigned from, bool error)
{
	struct delivery_record *r = trace_delivery_begin(&trace);

	r->kind = (uint8_t)kind;
	r->vector = vector;
	r->outcome = OUT_DELIVERED;
	r->when = when;
	r->from.cpl = (uint8_t)from;
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

static void leave(enum return_kind kind, uint64_t frame, uint64_t when)
{
	struct return_record r = {.when = when, .kind = (uint8_t)kind, .frame = frame};

	trace_returned(&trace, &r);
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
	leave(RET_FAR, 0x1000, 300);
	assert_int_equal(last.delivery, 0);
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
	leave(RET_IRET, 0x0f00, 120);
	fault = enter(EV_FAULT, 14, 0x0f00, 130, 0, true);
	enter(EV_IRQ, 0x20, 0x0e00, 140, 0, false);
	leave(RET_IRET, 0x0e00, 150);
	leave(RET_IRET, 0x0f04, 160);
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
	uint64_t second;

	enter(EV_FAULT, 13, 0x1000, 100, 3, false);
	second = enter(EV_SOFT_INT, 0x80, 0x1000, 200, 3, false);
	leave(RET_IRET, 0x1000, 300);
	assert_int_equal(last.delivery, second);
	leave(RET_IRET, 0x1000, 400);
	assert_int_equal(last.delivery, 0);
}

static void handlers_dropped_by_an_outer_return_are_closed(void **state)
{
	enter(EV_SOFT_INT, 0x80, 0x1000, 100, 3, false);
	enter(EV_FAULT, 14, 0x0f00, 110, 0, false);
	enter(EV_IRQ, 0x20, 0x0e00, 120, 0, false);
	leave(RET_IRET, 0x1000, 130);
	assert_int_equal(trace.match.frames, 0);
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
	assert_int_equal(trace.match.frames, 0);
}

static void memory_stays_bounded_and_the_newest_frames_are_kept(void **state)
{
	uint64_t id = 0;

	for (unsigned i = 0; i < 3 * MATCH_FRAMES; i++)
		id = enter(EV_SOFT_INT, 0x80, 0x100000u * (i + 1), i, 3, false);
	assert_int_equal(trace.match.frames, MATCH_FRAMES);
	leave(RET_IRET, UINT64_C(0x100000) * 3 * MATCH_FRAMES, 10000);
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
		cmocka_unit_test_setup(an_error_code_is_popped_before_the_return, setup),
		cmocka_unit_test_setup(a_task_switch_returns_through_the_other_tasks_frame, setup),
		cmocka_unit_test_setup(nested_deliveries_are_counted_by_kind_and_vector, setup),
		cmocka_unit_test_setup(a_delivery_from_ring_3_is_nested_in_nothing, setup),
		cmocka_unit_test_setup(a_frame_that_is_overwritten_was_abandoned, setup),
		cmocka_unit_test_setup(handlers_dropped_by_an_outer_return_are_closed, setup),
		cmocka_unit_test_setup(a_task_gate_is_ended_by_the_task_return, setup),
		cmocka_unit_test_setup(refused_deliveries_open_no_frame, setup),
		cmocka_unit_test_setup(memory_stays_bounded_and_the_newest_frames_are_kept, setup),
		cmocka_unit_test_setup(the_ring_keeps_the_last_256_without_any_sink, setup),
		cmocka_unit_test_setup(records_of_every_kind_share_one_numbering, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
