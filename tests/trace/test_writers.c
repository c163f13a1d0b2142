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
		TEST(a_refusal_names_the_step_the_error_and_the_reason),
		TEST(a_page_fault_spells_its_error_code),
		TEST(a_return_tells_what_it_ends),
		TEST(explaining_starts_at_the_chains_first_event),
		TEST(json_is_one_object_a_line_with_names_and_values),
		TEST(json_of_a_refusal_has_the_reason_and_its_sentence),
		TEST(every_value_of_every_enumeration_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
