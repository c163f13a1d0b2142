/* Hooks. */
#include <string.h>

#include "world.h"

struct log {
	unsigned calls, hook;
	uint64_t at[64];
	struct tg_delivery delivery;
	struct tg_return returned;
	struct tg_task task;
	struct tg_entry entry;
	struct tg_check check[64];
	struct tg_access access[64];
	struct tg_instruction instruction[64];
	enum tg_action answer;
	uint64_t stop_at; /* linear address of the instruction to stop at */
	struct tg_machine *machine;
};

static unsigned slot(struct log *log)
{
	return log->calls++ % 64;
}

static enum tg_action on_delivery(void *owner, struct tg_cpu *cpu, const struct tg_delivery *d)
{
	struct log *log = owner;

	log->at[slot(log)] = d->when;
	log->delivery = *d;
	return log->answer;
}

static enum tg_action on_return(void *owner, struct tg_cpu *cpu, const struct tg_return *r)
{
	struct log *log = owner;

	slot(log);
	log->returned = *r;
	return log->answer;
}

static enum tg_action on_task(void *owner, struct tg_cpu *cpu, const struct tg_task *t)
{
	struct log *log = owner;

	slot(log);
	log->task = *t;
	return log->answer;
}

static enum tg_action on_entry(void *owner, struct tg_cpu *cpu, const struct tg_entry *e)
{
	struct log *log = owner;

	slot(log);
	log->entry = *e;
	return log->answer;
}

static enum tg_action on_check(void *owner, struct tg_cpu *cpu, const struct tg_check *c)
{
	struct log *log = owner;

	log->check[slot(log)] = *c;
	return log->answer;
}

static enum tg_action on_access(void *owner, struct tg_cpu *cpu, const struct tg_access *a)
{
	struct log *log = owner;

	log->access[slot(log)] = *a;
	return log->answer;
}

static enum tg_action on_instruction(void *owner, struct tg_cpu *cpu, const struct tg_instruction *i)
{
	struct log *log = owner;

	log->instruction[slot(log)] = *i;
	return log->stop_at == i->linear ? TG_STOP_RUN : log->answer;
}

static void a_delivery_is_told_with_its_frame(void **state)
{
	struct tg_machine *m = world_new(3);
	struct log log = {.calls = 0};

	world_gate(m, 0x80, 3);
	CODE(m, 0xcd, 0x80);
	OK(tg_hook_delivery(m, on_delivery, &log, &log.hook));
	world_run(m, 100);
	assert_int_equal(log.calls, 1);
	assert_int_equal(log.delivery.size, sizeof(struct tg_delivery));
	assert_int_equal(log.delivery.kind, TG_EVENT_SOFT_INT);
	assert_int_equal(log.delivery.vector, 0x80);
	assert_int_equal(log.delivery.outcome, TG_OUTCOME_DELIVERED);
	assert_int_equal(log.delivery.step, TG_CHECK_COMMIT);
	assert_int_equal(log.delivery.from.rip, WORLD_CODE + 2);
	assert_int_equal(log.delivery.from.cpl, 3);
	assert_int_equal(log.delivery.to.cpl, 0);
	assert_int_equal(log.delivery.gate.dpl, 3);
	assert_int_equal(log.delivery.code.selector, 0x08);
	assert_int_equal(log.delivery.stack_source, TG_STACK_TSS32);
	assert_int_equal(log.delivery.words, 5);
	assert_int_equal(log.delivery.word_name[4], TG_WORD_IP);
	assert_int_equal(log.delivery.word[4], WORLD_CODE + 2);
	assert_int_equal(log.delivery.frame, WORLD_STACK0 - 20);
	tg_machine_free(m);
}

static void a_delivery_hook_stops_at_the_handler(void **state)
{
	struct tg_machine *m = world_new(0);
	struct log log = {.answer = TG_STOP_RUN};
	struct tg_stop stop;

	CODE(m, 0x90, 0xcc);
	OK(tg_hook_delivery(m, on_delivery, &log, &log.hook));
	stop = world_run(m, 100);
	assert_int_equal(stop.kind, TG_STOP_HOOK);
	assert_int_equal(stop.hook, log.hook);
	assert_int_equal(world_get(m, TG_EIP), WORLD_HANDLER(3));
	assert_int_equal(world_run(m, 100).kind, TG_STOP_HALT);
	tg_machine_free(m);
}

static void a_removed_hook_is_silent(void **state)
{
	struct tg_machine *m = world_new(0);
	struct log log = {.calls = 0};

	CODE(m, 0xcc, 0xf4);
	HANDLER(m, 3, 0xcf);
	OK(tg_hook_delivery(m, on_delivery, &log, &log.hook));
	OK(tg_unhook(m, log.hook));
	assert_int_equal(tg_unhook(m, log.hook), TG_ERROR_NOT_FOUND);
	world_run(m, 100);
	assert_int_equal(log.calls, 0);
	tg_machine_free(m);
}

static enum tg_action remove_itself(void *owner, struct tg_cpu *cpu, const struct tg_delivery *d)
{
	struct log *log = owner;
	struct log *never = log + 1;

	log->calls++;
	OK(tg_unhook(log->machine, log->hook));
	OK(tg_hook_delivery(log->machine, on_delivery, never, NULL));
	return TG_GO;
}

static void a_hook_may_remove_itself_and_set_others(void **state)
{
	struct tg_machine *m = world_new(0);
	struct log log[3] = {{.machine = m}, {.calls = 0}, {.calls = 0}};

	CODE(m, 0xcc, 0xcc, 0xcc, 0xf4);
	HANDLER(m, 3, 0xcf);
	OK(tg_hook_delivery(m, remove_itself, &log[0], &log[0].hook));
	OK(tg_hook_delivery(m, on_delivery, &log[2], NULL));
	world_run(m, 100);
	assert_int_equal(log[0].calls, 1);
	assert_int_equal(log[2].calls, 3);
	assert_int_equal(log[1].calls, 2); /* from the next delivery on */
	tg_machine_free(m);
}

/* ---- gate checks ---- */

static void checks_come_in_order_up_to_the_one_that_refuses(void **state)
{
	static const uint8_t steps[] = {TG_CHECK_VECTOR, TG_CHECK_GATE, TG_CHECK_GATE_DPL};
	struct tg_machine *m = world_new(3);
	struct log log = {.calls = 0};
	struct tg_why why = {.size = sizeof(why)};

	CODE(m, 0xcd, 0x80); /* the gate's DPL is 0 */
	OK(tg_hook_check(m, on_check, &log, NULL));
	world_run(m, 2);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(log.check[i].step, steps[i]);
		assert_int_equal(log.check[i].result, i < 2 ? TG_CHECK_PASSED : TG_CHECK_REFUSED);
		assert_int_equal(log.check[i].delivery, 1);
	}
	OK(tg_why(log.check[2].why, &why));
	assert_string_equal(why.name, "GATE_DPL");
	/* then the #GP: twelve checks, DPL not looked at */
	assert_int_equal(log.calls, 3 + TG_CHECKS);
	assert_int_equal(log.check[3 + TG_CHECK_GATE_DPL].result, TG_CHECK_EXEMPT);
	assert_int_equal(log.check[3 + TG_CHECK_COMMIT].result, TG_CHECK_PASSED);
	tg_machine_free(m);
}

static void checks_of_a_stack_that_is_refused(void **state)
{
	static const uint32_t stack[] = {WORLD_STACK0, 0x23}; /* SS0 with RPL 3 */
	struct tg_machine *m = world_new(3);
	struct log log = {.calls = 0};

	world_gate(m, 0x80, 3);
	world_code(m, WORLD_TSS + 4, stack, sizeof(stack));
	CODE(m, 0xcd, 0x80);
	OK(tg_hook_check(m, on_check, &log, NULL));
	world_run(m, 1);
	assert_int_equal(log.check[6].step, TG_CHECK_STACK_SELECT);
	assert_int_equal(log.check[6].result, TG_CHECK_PASSED);
	assert_int_equal(log.check[7].step, TG_CHECK_STACK_SEGMENT);
	assert_int_equal(log.check[7].result, TG_CHECK_REFUSED);
	tg_machine_free(m);
}

static void checks_without_a_stack_switch_leave_its_steps_out(void **state)
{
	struct tg_machine *m = world_new(0);
	struct log log = {.calls = 0};

	CODE(m, 0xcc);
	OK(tg_hook_check(m, on_check, &log, NULL));
	world_run(m, 1);
	assert_int_equal(log.calls, TG_CHECKS - 2);
	for (unsigned i = 0; i < log.calls; i++)
		assert_true(log.check[i].step != TG_CHECK_STACK_SELECT && log.check[i].step != TG_CHECK_STACK_SEGMENT);
	tg_machine_free(m);
}

/* ---- returns, entries, tasks ---- */

static void a_return_names_the_delivery_it_ends(void **state)
{
	struct tg_machine *m = world_new(0);
	struct log log = {.calls = 0};

	CODE(m, 0xcc, 0xf4);
	HANDLER(m, 3, 0x90, 0xcf);
	OK(tg_hook_return(m, on_return, &log, NULL));
	world_run(m, 100);
	assert_int_equal(log.calls, 1);
	assert_int_equal(log.returned.kind, TG_RETURN_IRET);
	assert_int_equal(log.returned.delivery, 1);
	assert_int_equal(log.returned.ended_vector, 3);
	assert_int_equal(log.returned.ticks, 2);
	assert_int_equal(log.returned.to.rip, WORLD_CODE + 1);
	tg_machine_free(m);
}

static void a_call_gate_is_an_entry(void **state)
{
	struct tg_machine *m = world_new(3);
	struct tg_gate gate = {.offset = 0x9000, .selector = 0x08, .type = 0xc, .dpl = 3, .present = true};
	uint64_t raw = tg_gate_encode(&gate);
	struct log log = {.calls = 0};

	world_code(m, WORLD_GDT + 0x28, &raw, 8); /* TR is loaded already */
	world_code(m, 0x9000, "\xf4", 1);
	CODE(m, 0x9a, 0, 0, 0, 0, 0x2b, 0); /* call far 2b:0 */
	OK(tg_hook_entry(m, on_entry, &log, NULL));
	world_run(m, 100);
	assert_int_equal(log.calls, 1);
	assert_int_equal(log.entry.kind, TG_ENTRY_CALL_GATE);
	assert_int_equal(log.entry.to.rip, 0x9000);
	assert_int_equal(log.entry.to.cpl, 0);
	tg_machine_free(m);
}

static void a_task_gate_is_a_task_switch(void **state)
{
	struct tg_machine *m = world_new(0);
	struct tg_segment tss = {.selector = 0x30, .base = 0x3100, .limit = 0x67, .type = 9, .present = true};
	struct tg_gate gate = {.selector = 0x30, .type = 5, .present = true};
	uint64_t raw_tss = tg_segment_encode(&tss), raw_gate = tg_gate_encode(&gate);
	static const uint32_t words[26] = {
		[8] = 0x9000, [9] = 2, [14] = 0xc000, [18] = 0x10, [19] = 0x08, [20] = 0x10, [21] = 0x10};
	struct log log = {.calls = 0};

	world_code(m, WORLD_GDT + 0x30, &raw_tss, 8);
	world_code(m, WORLD_IDT + 8 * 0x40, &raw_gate, 8);
	world_code(m, 0x3100, words, sizeof(words));
	world_code(m, 0x9000, "\xf4", 1);
	OK(tg_register_set(tg_machine_cpu(m, 0), TG_GDTR_LIMIT, 0x37));
	CODE(m, 0xcd, 0x40);
	OK(tg_hook_task(m, on_task, &log, NULL));
	world_run(m, 100);
	assert_int_equal(log.calls, 1);
	assert_int_equal(log.task.cause, TG_TASK_INT);
	assert_int_equal(log.task.new_selector, 0x30);
	assert_int_equal(log.task.to.rip, 0x9000);
	tg_machine_free(m);
}

/* ---- instructions ---- */

static void each_instruction_is_told_once_before_it_runs(void **state)
{
	struct tg_machine *m = world_new(0);
	struct log log = {.calls = 0};

	CODE(m, 0x40, 0xb9, 3, 0, 0, 0, 0xf3, 0xaa, 0xcc, 0xf4); /* inc eax; mov ecx, 3; rep stosb; int3; hlt */
	HANDLER(m, 3, 0xcf);
	OK(tg_register_set(tg_machine_cpu(m, 0), TG_EDI, 0x5000));
	OK(tg_hook_instruction(m, on_instruction, &log, NULL));
	world_run(m, 100);
	assert_int_equal(log.calls, 8);
	assert_int_equal(log.instruction[0].linear, WORLD_CODE);
	assert_int_equal(log.instruction[0].when, 0);
	assert_int_equal(log.instruction[0].bytes[0], 0x40);
	assert_int_equal(log.instruction[0].length, 15);
	assert_false(log.instruction[2].again);
	assert_true(log.instruction[3].again && log.instruction[4].again);
	assert_int_equal(log.instruction[6].linear, WORLD_HANDLER(3));
	assert_int_equal(log.instruction[7].linear, WORLD_CODE + 9);
	tg_machine_free(m);
}

static void an_instruction_hook_stops_before_it_and_goes_on(void **state)
{
	struct tg_machine *m = world_new(0);
	struct log log = {.stop_at = WORLD_CODE + 1};
	struct tg_stop stop;

	CODE(m, 0x40, 0x41, 0xf4);
	OK(tg_hook_instruction(m, on_instruction, &log, &log.hook));
	stop = world_run(m, 100);
	assert_int_equal(stop.kind, TG_STOP_HOOK);
	assert_int_equal(stop.hook, log.hook);
	assert_int_equal(world_get(m, TG_EIP), WORLD_CODE + 1);
	assert_int_equal(world_get(m, TG_ECX), 0);
	assert_int_equal(log.calls, 2);
	assert_int_equal(world_run(m, 100).kind, TG_STOP_HALT);
	assert_int_equal(world_get(m, TG_ECX), 1);
	assert_int_equal(log.calls, 3); /* not told of the same instruction again */
	tg_machine_free(m);
}

static enum tg_action raise_at(void *owner, struct tg_cpu *cpu, const struct tg_instruction *i)
{
	struct log *log = owner;

	log->calls++;
	if (i->linear == log->stop_at)
		OK(tg_interrupt_raise(cpu, 0x20));
	return TG_GO;
}

static void a_line_raised_before_an_instruction_comes_before_it(void **state)
{
	struct tg_machine *m = world_new(0);
	struct log log = {.stop_at = WORLD_CODE + 3};
	uint32_t ip = 0;

	CODE(m, 0xfb, 0x90, 0x90, 0x40, 0xf4); /* sti; nop; nop; inc eax; hlt */
	OK(tg_hook_instruction(m, raise_at, &log, NULL));
	world_run(m, 100);
	OK(tg_memory_read(m, WORLD_STACK0 - 12, &ip, 4, NULL));
	assert_int_equal(ip, WORLD_CODE + 3);
	assert_int_equal(world_get(m, TG_EAX), 0);
	assert_int_equal(log.calls, 5); /* sti nop nop inc and the handler's hlt */
	tg_machine_free(m);
}

static enum tg_action skip_inc(void *owner, struct tg_cpu *cpu, const struct tg_instruction *i)
{
	struct log *log = owner;

	log->calls++;
	if (i->bytes[0] == 0x40)
		OK(tg_register_set(cpu, TG_EIP, i->rip + 1));
	return TG_GO;
}

static void an_instruction_hook_may_write_registers(void **state)
{
	struct tg_machine *m = world_new(0);
	struct log log = {.calls = 0};

	CODE(m, 0x41, 0x40, 0x41, 0xf4);
	OK(tg_hook_instruction(m, skip_inc, &log, NULL));
	world_run(m, 100);
	assert_int_equal(world_get(m, TG_EAX), 0);
	assert_int_equal(world_get(m, TG_ECX), 2);
	assert_int_equal(log.calls, 4);
	tg_machine_free(m);
}

/* ---- memory ---- */

static void accesses_are_told_with_their_values(void **state)
{
	struct tg_machine *m = world_new(0);
	struct log log = {.calls = 0};
	static const uint32_t old = 0x01020304;

	world_code(m, 0x5000, &old, 4);
	CODE(m, 0x83, 0x05, 0, 0x50, 0, 0, 1, /* add dword [0x5000], 1 */
	     0xa0, 0xff, 0x4f, 0, 0,          /* mov al, [0x4fff]: outside */
	     0xa1, 0xfe, 0x4f, 0, 0, 0xf4);   /* mov eax, [0x4ffe]: meets the range, in two pieces */
	OK(tg_hook_memory(m, 0x5000, 0x5003, TG_READS | TG_WRITES, on_access, &log, NULL));
	world_run(m, 100);
	assert_int_equal(log.calls, 3);
	assert_false(log.access[0].write);
	assert_int_equal(log.access[0].value, old);
	assert_int_equal(log.access[0].bytes, 4);
	assert_true(log.access[1].write);
	assert_int_equal(log.access[1].value, old + 1);
	assert_int_equal(log.access[1].linear, 0x5000);
	assert_int_equal(log.access[1].physical, 0x5000);
	assert_int_equal(log.access[2].linear, 0x5000);
	assert_int_equal(log.access[2].bytes, 2);
	assert_int_equal(log.access[2].value, 0x0305);
	tg_machine_free(m);
}

static void the_processors_own_accesses_are_told(void **state)
{
	struct tg_machine *m = world_new(3);
	struct log gate = {.calls = 0}, stack = {.calls = 0};

	world_gate(m, 0x80, 3);
	CODE(m, 0xcd, 0x80);
	OK(tg_hook_memory(m, WORLD_IDT, WORLD_IDT + 0x7ff, TG_READS, on_access, &gate, NULL));
	OK(tg_hook_memory(m, WORLD_STACK0 - 64, WORLD_STACK0 - 1, TG_WRITES, on_access, &stack, NULL));
	world_run(m, 1);
	assert_int_equal(gate.calls, 1);
	assert_int_equal(gate.access[0].linear, WORLD_IDT + 8 * 0x80);
	assert_int_equal(gate.access[0].bytes, 8);
	assert_int_equal(stack.calls, 5);
	assert_int_equal(stack.access[4].value, WORLD_CODE + 2);
	tg_machine_free(m);
}

/* After a hook the fast interpreter goes on with what it had in its TLB. */
static void hooks_come_and_go_while_pages_are_in_use(void **state)
{
	struct tg_machine *m = world_new(0);
	struct log log = {.calls = 0};

	CODE(m, 0xff, 0x05, 0, 0x50, 0, 0, 0xeb, 0xf8); /* inc dword [0x5000]; jmp back */
	world_run(m, 100);
	OK(tg_hook_memory(m, 0x5000, 0x5003, TG_WRITES, on_access, &log, &log.hook));
	world_run(m, 20);
	assert_int_equal(log.calls, 10);
	assert_int_equal(log.access[9].value, 60);
	OK(tg_unhook(m, log.hook));
	world_run(m, 100);
	assert_int_equal(log.calls, 10);
	world_run(m, 1);
	OK(tg_memory_read(m, 0x5000, &log.at[0], 4, NULL));
	assert_int_equal(log.at[0], 111);
	tg_machine_free(m);
}

static void a_memory_hook_stops_behind_its_instruction(void **state)
{
	struct tg_machine *m = world_new(0);
	struct log log = {.answer = TG_STOP_RUN};

	CODE(m, 0xa3, 0, 0x50, 0, 0, 0x40, 0xf4);
	OK(tg_hook_memory(m, 0x5000, 0x5000, TG_WRITES, on_access, &log, NULL));
	assert_int_equal(world_run(m, 100).kind, TG_STOP_HOOK);
	assert_int_equal(world_get(m, TG_EIP), WORLD_CODE + 5);
	assert_int_equal(world_get(m, TG_EAX), 0);
	assert_int_equal(tg_hook_memory(m, 2, 1, TG_WRITES, on_access, &log, NULL), TG_ERROR_ARGUMENT);
	assert_int_equal(tg_hook_memory(m, 1, 2, 0, on_access, &log, NULL), TG_ERROR_ARGUMENT);
	tg_machine_free(m);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_delivery_is_told_with_its_frame),
		cmocka_unit_test(a_delivery_hook_stops_at_the_handler),
		cmocka_unit_test(a_removed_hook_is_silent),
		cmocka_unit_test(a_hook_may_remove_itself_and_set_others),
		cmocka_unit_test(checks_come_in_order_up_to_the_one_that_refuses),
		cmocka_unit_test(checks_of_a_stack_that_is_refused),
		cmocka_unit_test(checks_without_a_stack_switch_leave_its_steps_out),
		cmocka_unit_test(a_return_names_the_delivery_it_ends),
		cmocka_unit_test(a_call_gate_is_an_entry),
		cmocka_unit_test(a_task_gate_is_a_task_switch),
		cmocka_unit_test(each_instruction_is_told_once_before_it_runs),
		cmocka_unit_test(an_instruction_hook_stops_before_it_and_goes_on),
		cmocka_unit_test(a_line_raised_before_an_instruction_comes_before_it),
		cmocka_unit_test(an_instruction_hook_may_write_registers),
		cmocka_unit_test(accesses_are_told_with_their_values),
		cmocka_unit_test(the_processors_own_accesses_are_told),
		cmocka_unit_test(hooks_come_and_go_while_pages_are_in_use),
		cmocka_unit_test(a_memory_hook_stops_behind_its_instruction),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
