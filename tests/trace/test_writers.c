/* What the text and JSON writers say about a delivery, a refusal and a return. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "trace/writer.h"

static char *text;
static size_t size;
static struct trace_writer writer;
static struct trace trace;

static const char *symbol(void *owner, uint64_t address, uint64_t *offset)
{
	if (address < 0x100000)
		return NULL;
	*offset = address & 0xff;
	return address < 0x200000 ? "user \"main\"" : "system_call";
}

static int setup(void **state)
{
	writer = (struct trace_writer){.file = open_memstream(&text, &size), .view.symbol = symbol};
	trace_init(&trace);
	return 0;
}

static int teardown(void **state)
{
	fclose(writer.file);
	free(text);
	return 0;
}

/* INT 80h from ring 3 through gate 80h, stack by the TSS: the card of docs/trace.md. */
static struct delivery_record int80(void)
{
	static const uint8_t names[] = {PUSH_SS, PUSH_SP, PUSH_FLAGS, PUSH_CS, PUSH_IP};
	static const uint64_t words[] = {0x23, 0x103000, 0x202, 0x1b, 0x100012};
	struct delivery_record r = {
		.id = 1042,
		.when = 18203,
		.kind = EV_SOFT_INT,
		.vector = 0x80,
		.outcome = OUT_DELIVERED,
		.step = STEP_COMMIT,
		.rax = 4,
		.from = {.rip = 0x100012,
			 .rsp = 0x103000,
			 .rflags = 0x202,
			 .cs = 0x1b,
			 .ss = 0x23,
			 .cpl = 3,
			 .mode = 2},
		.to = {.rip = 0x200000, .rsp = 0x1ffec, .rflags = 2, .cs = 8, .ss = 0x10, .mode = 2},
		.gate = {.address = 0x8400,
			 .offset = 0x200000,
			 .selector = 8,
			 .type = 14,
			 .dpl = 3,
			 .present = 1,
			 .width = 32},
		.code = {.selector = 8, .type = 10, .present = 1},
		.stack_source = STACK_TSS32,
		.tss_base = 0x9000,
		.words = 5,
		.word_bytes = 4,
		.frame = 0x1ffec,
	};

	memcpy(r.word_name, names, sizeof(names));
	memcpy(r.word, words, sizeof(words));
	return r;
}

static void expect(const char *part)
{
	fflush(writer.file);
	if (!strstr(text, part))
		fail_msg("\"%s\" is missing in:\n%s", part, text);
}

static void a_card_shows_gate_checks_stack_and_frame(void **state)
{
	struct delivery_record r = int80();

	trace_write_card(&writer, &r);
	expect("#1042");
	expect("t=18,203 insn");
	expect("INT 0x80 (software, eax=4)");
	expect("ring 3 -> 0");
	expect("IDT[80]@00008400 int32 P=1 DPL=3 sel=0008 off=00200000 system_call\n");
	expect("CPL 3 <= gate DPL 3: ok\n");
	expect("code, DPL 0 < CPL 3 -> stack switch: ok\n");
	expect("tss32 TSS@00009000 -> 0010:00020000");
	expect("IF 1->0  TF 0->0\n");
	expect("        0001fffc  00000023  SS\n");
	expect("   SP-> 0001ffec  00100012  EIP user \"main\"+0x12\n");
	expect(" to     0008:00200000 system_call\n");
}

/* A page fault of 64-bit code through a gate with IST. */
static struct delivery_record fault64(void)
{
	struct delivery_record r = int80();

	r.from.mode = r.to.mode = 4;
	r.from.rip = 0xffffffff81000000;
	r.to.rsp = r.frame = 0xffff800000004fd8;
	r.to.ss = 0;
	r.gate.width = 64;
	r.gate.ist = 3;
	r.stack_source = STACK_IST;
	r.stack_pointer = 0xffff800000005008;
	r.word_bytes = 8;
	return r;
}

static void a_card_of_64_bit_mode_shows_ist_and_alignment(void **state)
{
	struct delivery_record r = fault64();

	trace_write_card(&writer, &r);
	expect("INT 0x80 (software, rax=4)");
	expect("int64 P=1 DPL=3 IST=3 sel=0008");
	expect("0008 64-bit code, DPL 0 < CPL 3 -> stack switch: ok\n");
	expect("stack-select   IST3 readable in the TSS: ok\n");
	expect("stack-limit    stack pointer and frame canonical: ok\n");
	expect("target-limit   offset canonical: ok\n");
	expect(" stack  ist IST3 of TSS@00009000 -> 0000:ffff800000005000");
	expect("        RSP ffff800000005008 aligned down on 16 bytes before the push\n");
	expect("   SP-> ffff800000004fd8  0000000000100012  RIP");
	assert_null(strstr(text, "stack-segment"));
	r.gate.ist = 0;
	r.stack_source = STACK_RSP;
	r.stack_pointer = 0xffff800000005000;
	trace_write_card(&writer, &r);
	expect(" stack  rsp RSP0 of TSS@00009000 -> 0000:ffff800000005000");
}

static void json_of_64_bit_mode(void **state)
{
	struct trace_sink sink = trace_jsonl_sink(&writer);
	struct delivery_record r = fault64();

	sink.delivery(sink.owner, &r);
	expect("\"type_name\":\"int64\",\"width\":64");
	expect("\"ist\":3}");
	expect("\"source\":\"ist\",\"tss\":\"0x9000\",\"pointer\":\"0xffff800000005008\"");
	expect("\"mode\":\"64-bit\"");
	expect("\"name\":\"RIP\"");
}

static void a_refusal_names_the_step_the_error_and_the_reason(void **state)
{
	struct delivery_record r = int80();

	r.outcome = OUT_FAULTED;
	r.step = STEP_GATE_DPL;
	r.gate.dpl = 0;
	r.refused = (struct fault){.vector = 13, .has_error = true, .error = 0x402, .why = WHY_BRANCH_LIMIT};
	trace_write_card(&writer, &r);
	expect("CPL 3 <= gate DPL 0: REFUSED\n");
	expect("REFUSED at gate-dpl: #GP(0402: IDT[80])\n");
	expect(why_info(WHY_BRANCH_LIMIT)->sentence);
	assert_null(strstr(text, "P = 1"));
	assert_null(strstr(text, "ring 3 -> 0"));
}

static void a_stack_refused_at_its_segment_was_selected(void **state)
{
	struct delivery_record r = int80();

	r.outcome = OUT_FAULTED;
	r.step = STEP_STACK_SEGMENT;
	r.stack_source = STACK_SAME;
	r.refused = (struct fault){.vector = 10, .has_error = true, .error = 0x10, .why = WHY_INNER_SS_DPL};
	trace_write_card(&writer, &r);
	expect("SS:SP of the inner level readable in the TSS: ok\n");
	expect("RPL = DPL = new CPL, present: REFUSED\n");
}

static void a_page_fault_spells_its_error_code(void **state)
{
	struct delivery_record r = int80();

	r.kind = EV_FAULT;
	r.vector = 14;
	r.has_error = true;
	r.error = 7;
	r.cr2 = 0xdeadbeef;
	trace_write_card(&writer, &r);
	expect("#PF(0007: protection, write, user)");
	expect("linear address deadbeef");
}

static void a_return_tells_what_it_ends(void **state)
{
	struct trace_sink sink = trace_text_sink(&writer);
	struct return_record r = {.id = 7,
				  .when = 900,
				  .frame = 0x1ffec,
				  .delivery = 1042,
				  .ended_kind = EV_SOFT_INT,
				  .ended_vector = 0x80,
				  .insns = 1412,
				  .to = {.cpl = 3, .mode = 2},
				  .nested = {.total = 3, .used = 2, .by = {{EV_IRQ, 0x20, 1}, {EV_FAULT, 14, 2}}}};

	sink.returned(sink.owner, &r);
	expect("iret of #1042 INT 0x80 after 1,412 insn (3 nested: IRQ 0x20 x1, #PF x2)");
	expect("ring 0 -> 3");
}

static void explaining_starts_at_the_chains_first_event(void **state)
{
	static const struct {
		uint8_t vector, outcome;
	} chain[] = {{0x20, OUT_DELIVERED}, {14, OUT_FAULTED}, {8, OUT_SHUTDOWN}};
	uint64_t parent = 0;

	for (unsigned i = 0; i < 3; i++) {
		struct delivery_record *r = trace_delivery_begin(&trace);

		r->kind = EV_FAULT;
		r->vector = chain[i].vector;
		r->outcome = chain[i].outcome;
		r->parent = i == 2 ? parent : 0;
		parent = r->id;
	}
	trace_explain(&writer, &trace, 0);
	expect("#PF");
	expect("raised while #2 was being delivered\n");
	expect("SHUTDOWN");
	assert_null(strstr(text, "vector 20"));
	trace_explain(&writer, &trace, 5);
	expect("vector 20");
}

static void json_is_one_object_a_line_with_names_and_values(void **state)
{
	struct trace_sink sink = trace_jsonl_sink(&writer);
	struct delivery_record r = int80();

	sink.delivery(sink.owner, &r);
	expect("{\"event\":\"header\",\"schema\":\"trapgate-trace\",\"version\":1}\n");
	expect("{\"event\":\"delivery\",\"id\":1042,\"t\":18203,\"cpu\":0,\"kind\":\"soft-int\",\"vector\":128,"
	       "\"outcome\":\"delivered\",\"step\":\"commit\"");
	expect("\"type_name\":\"int32\"");
	expect("{\"at\":\"0x1ffec\",\"name\":\"EIP\",\"value\":\"0x100012\"}");
	expect("\"name\":\"user \\\"main\\\"\"");
	assert_int_equal(text[size - 1], '\n');
}

static void json_of_a_refusal_has_the_reason_and_its_sentence(void **state)
{
	struct trace_sink sink = trace_jsonl_sink(&writer);
	struct delivery_record r = int80();

	r.outcome = OUT_FAULTED;
	r.step = STEP_GATE_DPL;
	r.refused = (struct fault){.vector = 13, .has_error = true, .error = 0x402, .why = WHY_BRANCH_LIMIT};
	sink.delivery(sink.owner, &r);
	expect("\"refused\":{\"vector\":13,\"exception\":\"#GP\",\"error\":\"0x402\",\"why\":{\"name\":\"BRANCH_"
	       "LIMIT\"");
	expect(why_info(WHY_BRANCH_LIMIT)->sentence);
}

/* ---- lines, stages, the end ---- */
static const struct line_record rises = {.id = 3, .when = 1000, .cause = 7, .name = "PIT OUT0", .level = true};
static const struct stage_record held = {.id = 4,
					 .when = 1002,
					 .cause = 7,
					 .unit = "LAPIC",
					 .instance = 1,
					 .pin = STAGE_NO_NUMBER,
					 .vector = 0x41,
					 .what = STAGE_HELD,
					 .why = HOLD_LAPIC_TPR,
					 .by = 0x40};

static void lines_and_stages_are_written_only_where_they_are_asked_for(void **state)
{
	struct trace_sink text_sink = trace_text_sink(&writer), json = trace_jsonl_sink(&writer);

	assert_true(!text_sink.line && !text_sink.stage && !json.line && !json.stage);
	writer.lines = &trace;
	text_sink = trace_text_sink(&writer);
	json = trace_jsonl_sink(&writer);
	assert_true(text_sink.line && text_sink.stage && json.line && json.stage);
}

static void text_of_a_line_and_a_stage(void **state)
{
	writer.lines = &trace;
	struct trace_sink sink = trace_text_sink(&writer);

	sink.line(sink.owner, &rises);
	sink.stage(sink.owner, &held);
	expect("~3            t=1,000 insn      PIT OUT0 rises  (cause 7)\n"
	       "~4            t=1,002 insn      LAPIC 1 vector 41: held back: the task priority is not below its class "
	       "(TPR 40)  (cause 7)\n");
}

static void json_of_a_line_and_a_stage(void **state)
{
	writer.lines = &trace;
	struct trace_sink sink = trace_jsonl_sink(&writer);
	struct stage_record r = {.id = 5,
				 .when = 1003,
				 .unit = "8259A master",
				 .instance = STAGE_NO_NUMBER,
				 .input = "IR",
				 .pin = 0,
				 .vector = 0x20,
				 .what = STAGE_ACKNOWLEDGED,
				 .by = STAGE_NO_NUMBER};

	sink.line(sink.owner, &rises);
	sink.stage(sink.owner, &held);
	sink.stage(sink.owner, &r);
	expect("{\"event\":\"line\",\"id\":3,\"t\":1000,\"name\":\"PIT OUT0\",\"level\":true,\"cause\":7}\n"
	       "{\"event\":\"stage\",\"id\":4,\"t\":1002,\"unit\":\"LAPIC\",\"instance\":1,\"what\":\"held\","
	       "\"vector\":65,\"cause\":7,\"why\":{\"name\":\"LAPIC_TPR\",\"sentence\":\"the task priority is not "
	       "below its class\",\"source\":\"Task and Processor Priorities\",\"by\":64}}\n"
	       "{\"event\":\"stage\",\"id\":5,\"t\":1003,\"unit\":\"8259A master\",\"input\":\"IR\",\"pin\":0,"
	       "\"what\":\"acknowledged\",\"vector\":32}\n");
}

/* The timer's way into the card of its delivery: how long it waited, and for what. */
static void a_card_shows_the_way_where_lines_are_traced(void **state)
{
	struct line_record line = rises;
	struct stage_record stage = held;
	struct delivery_record *r = trace_delivery_begin(&trace);

	writer.lines = &trace;
	assert_true(trace_add_sink(&trace, trace_text_sink(&writer)));
	trace_lines(&trace);
	trace_line(&trace, &line);
	trace_stage(&trace, &stage);
	stage.when = 1030;
	stage.what = STAGE_PASSED;
	stage.why = HOLD_NONE;
	trace_stage(&trace, &stage);
	r->kind = EV_IRQ;
	r->vector = 0x41;
	r->cause = 7;
	r->when = 1036;
	r->outcome = OUT_DELIVERED;
	r->step = STEP_COMMIT;
	trace_delivery_done(&trace, r);
	expect(" way    waited 35 insn since the request, 5 at the processor's pin\n"
	       "        t=1,000             PIT OUT0 rises\n"
	       "        t=1,002             LAPIC 1 vector 41: held back: the task priority is not below its class "
	       "(TPR 40)\n"
	       "        t=1,030             LAPIC 1 vector 41: passed on\n");
	assert_true(r->has_way);
	rewind(writer.file);
	struct return_record back = {.when = 1050, .kind = RET_IRET, .frame = r->frame};
	trace_returned(&trace, &back);
	assert_true(trace_write_chain(&writer, &trace, 7));
	expect("        t=1,036             cpu0: #1 IRQ 0x41: delivered\n"
	       "        t=1,050             cpu0: #2 returned from #1\n");
	assert_false(trace_write_chain(&writer, &trace, 8));
}

static void both_writers_tell_of_returns_that_never_came_and_sum_up(void **state)
{
	static struct trace_summary s;
	struct trace_sink in_text = trace_text_sink(&writer), in_json = trace_jsonl_sink(&writer);
	const struct unreturned_record gone = {.id = 9,
					       .when = 500,
					       .delivery = 4,
					       .began = 100,
					       .by = 8,
					       .kind = EV_SOFT_INT,
					       .vector = 0x80,
					       .why = UNRETURNED_REUSED};
	const struct unreturned_record open = {.id = 10,
					       .when = 500,
					       .delivery = 6,
					       .began = 400,
					       .entry = true,
					       .kind = ENTRY_SYSENTER,
					       .why = UNRETURNED_OPEN};

	s = (struct trace_summary){.id = 11, .when = 500, .all = {.taken = 3, .refused = 1, .returned = 2, .never = 1}};
	s.by[EV_SOFT_INT][0x80] = s.all;
	s.entry[ENTRY_SYSENTER] = (struct trace_counts){.taken = 1, .open = 1};
	in_text.unreturned(in_text.owner, &gone);
	in_text.unreturned(in_text.owner, &open);
	in_text.ended(in_text.owner, &s);
	expect("never returned: #4 INT 0x80: its stack belongs to a new task (#8)\n");
	expect("still open: #6 sysenter: the trace ended first\n");
	expect("                             taken    refused   returned      never       open\n"
	       "  0x80 soft-int                  3          1          2          1          0\n"
	       "  deliveries                     3          1          2          1          0\n"
	       "  sysenter                       1          0          0          0          1\n");
	in_json.unreturned(in_json.owner, &gone);
	in_json.ended(in_json.owner, &s);
	expect("{\"event\":\"unreturned\",\"id\":9,\"t\":500,\"cpu\":0,\"of\":4,\"kind\":\"soft-int\",\"vector\":128,"
	       "\"insns\":400,\"why\":{\"name\":\"reused\",\"sentence\":\"its stack belongs to a new "
	       "task\",\"by\":8}}\n");
	expect("{\"event\":\"summary\",\"id\":11,\"t\":500,\"deliveries\":{\"taken\":3,\"refused\":1,\"returned\":2,"
	       "\"never\":1,\"open\":0},\"by\":[{\"kind\":\"soft-int\",\"vector\":128,\"taken\":3,\"refused\":1,"
	       "\"returned\":2,\"never\":1,\"open\":0},{\"kind\":\"sysenter\",\"taken\":1,\"refused\":0,\"returned\":0,"
	       "\"never\":0,\"open\":1}]}\n");
}

static void a_return_tells_what_was_changed_and_where_it_began(void **state)
{
	struct trace_sink in_text = trace_text_sink(&writer), in_json = trace_jsonl_sink(&writer);
	struct return_record r = {.id = 7,
				  .delivery = 4,
				  .ended_kind = EV_SOFT_INT,
				  .ended_vector = 0x80,
				  .cpu = 1,
				  .changed = CHANGED_IP | CHANGED_CR3,
				  .cr3 = 0x5000};
	struct return_record copy = {.id = 8, .copy_of = 4};

	in_text.returned(in_text.owner, &r);
	in_text.returned(in_text.owner, &copy);
	expect("        changed on the way: address, CR3; began on cpu0\n");
	expect("iret: first return of a task copied at #4");
	in_json.returned(in_json.owner, &r);
	in_json.returned(in_json.owner, &copy);
	expect("\"of\":4,\"vector\":128,\"entered_on\":0,\"changed\":[\"ip\",\"cr3\"],\"insns\":0");
	expect("\"cr3\":\"0x5000\"");
	expect("\"copy_of\":4");
}

static void every_value_of_every_enumeration_has_a_name(void **state)
{
	for (int i = 0; i < EV_KINDS; i++)
		assert_string_not_equal(event_kind_name(i), "?");
	for (int i = 0; i <= OUT_SHUTDOWN; i++)
		assert_string_not_equal(delivery_outcome_name(i), "?");
	for (int i = 0; i <= STEP_COMMIT; i++)
		assert_string_not_equal(delivery_step_name(i), "?");
	for (int i = 0; i <= STACK_TASK; i++)
		assert_string_not_equal(stack_source_name(i), "?");
	for (int i = 0; i < PUSH_NAMES; i++)
		assert_string_not_equal(pushed_name_text(i, 32), "?");
	for (int i = 0; i <= RET_SYSRET; i++)
		assert_string_not_equal(return_kind_name(i), "?");
	for (int i = 0; i <= ENTRY_CALL_GATE; i++)
		assert_string_not_equal(entry_kind_name(i), "?");
	for (int i = 0; i <= TASK_IRET; i++)
		assert_string_not_equal(task_cause_name(i), "?");
	for (int i = 0; i < STAGES; i++)
		assert_true(strcmp(stage_name(i), "?") && strcmp(stage_text(i), "?"));
	for (int i = 0; i < UNRETURNED_WHYS; i++)
		assert_true(strcmp(unreturned_name(i), "?") && strcmp(unreturned_sentence(i), "?"));
	for (int i = HOLD_NONE + 1; i < HOLD_COUNT; i++)
		assert_true(hold_info(i)->name[0] && hold_info(i)->sentence[0] && hold_info(i)->source[0]);
	assert_ptr_equal(hold_info(HOLD_COUNT), hold_info(HOLD_NONE));
	assert_string_equal(event_kind_name(EV_KINDS), "?");
	assert_string_equal(pushed_name_text(PUSH_IP, 16), "IP");
	assert_string_equal(pushed_name_text(PUSH_IP, 32), "EIP");
	assert_string_equal(pushed_name_text(PUSH_IP, 64), "RIP");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_card_shows_gate_checks_stack_and_frame),
		TEST(a_card_of_64_bit_mode_shows_ist_and_alignment),
		TEST(json_of_64_bit_mode),
		TEST(a_refusal_names_the_step_the_error_and_the_reason),
		TEST(a_stack_refused_at_its_segment_was_selected),
		TEST(a_page_fault_spells_its_error_code),
		TEST(a_return_tells_what_it_ends),
		TEST(explaining_starts_at_the_chains_first_event),
		TEST(json_is_one_object_a_line_with_names_and_values),
		TEST(json_of_a_refusal_has_the_reason_and_its_sentence),
		TEST(lines_and_stages_are_written_only_where_they_are_asked_for),
		TEST(text_of_a_line_and_a_stage),
		TEST(json_of_a_line_and_a_stage),
		TEST(a_card_shows_the_way_where_lines_are_traced),
		TEST(both_writers_tell_of_returns_that_never_came_and_sum_up),
		TEST(a_return_tells_what_was_changed_and_where_it_began),
		TEST(every_value_of_every_enumeration_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
