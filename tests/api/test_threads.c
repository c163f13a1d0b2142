/* Two machines in two threads know nothing of each other.  Built with -DTRAPGATE_TSAN=ON, the thread sanitizer watches.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

struct outcome {
	uint64_t ticks, deliveries, instructions;
	struct tg_state state;
	char card[TG_TEXT_SIZE];
	enum tg_error error;
};

static enum tg_action count(void *owner, struct tg_cpu *cpu, const struct tg_instruction *instruction)
{
	struct outcome *o = owner;

	o->instructions++;
	return TG_GO;
}

static void again(void *owner, struct tg_machine *m)
{
	struct outcome *o = owner;

	o->error = tg_interrupt_raise(tg_machine_cpu(m, 0), 0x20);
	if (o->error == TG_OK)
		o->error = tg_at(m, tg_now(m) + 777, again, o, NULL);
}

/* Interrupts, a system call, paging off and on, texts, a snapshot, hooks: everything a machine has. */
static enum tg_error exercise(struct outcome *o)
{
	struct tg_machine *m = world_new(3);
	struct tg_cpu *cpu = tg_machine_cpu(m, 0);
	struct tg_snapshot *snapshot = NULL;
	struct tg_delivery d = {.size = sizeof(d)};
	char text[64];
	unsigned hook;

	world_gate(m, 0x80, 3);
	HANDLER(m, 0x80, 0xcf);
	HANDLER(m, 0x20, 0xcf);
	CODE(m, 0xcd, 0x80, 0x40, 0x50, 0x58, 0xd9, 0xeb, 0xdd, 0xd8, 0xeb,
	     0xf5); /* int 80; inc; push; pop; fldpi; fstp */
	OK(tg_register_set(cpu, TG_EFLAGS, 0x202));
	OK(tg_at(m, 100, again, o, NULL));
	OK(tg_run(m, 100000, NULL));
	OK(tg_snapshot_save(m, &snapshot));
	OK(tg_hook_instruction(m, count, o, &hook));
	OK(tg_run(m, 10000, NULL));
	OK(tg_unhook(m, hook));
	OK(tg_disassemble(cpu, WORLD_CODE, text, sizeof(text), NULL));
	OK(tg_snapshot_restore(m, snapshot));
	OK(tg_run(m, 200000, NULL));
	tg_snapshot_free(snapshot);
	OK(tg_delivery_recent(m, 0, &d));
	OK(tg_delivery_card(m, d.id, o->card, sizeof(o->card)));
	o->ticks = tg_now(m);
	o->deliveries = tg_delivery_count(m);
	o->state.size = sizeof(o->state);
	OK(tg_state_get(cpu, &o->state));
	tg_machine_free(m);
	return o->error;
}

static void boot_a_pc(void)
{
	struct tg_config config = {.size = sizeof(config), .board = TG_BOARD_PC, .ram = 1 << 20};
	struct tg_machine *m;

	OK(tg_machine_new(&config, &m, NULL, 0));
	OK(tg_start(m, TG_MODE_REAL, 0x7c00));
	world_code(m, 0x7c00, "\xfb\xeb\xfe", 3); /* sti; jmp .: the timer's interrupts come */
	OK(tg_run(m, 1000000, NULL));
	tg_machine_free(m);
}

static void *run(void *owner)
{
	struct outcome *o = owner;

	o->error = exercise(o);
	boot_a_pc();
	return NULL;
}

static void two_machines_in_two_threads_do_alike(void **state)
{
	static struct outcome outcome[3];
	pthread_t thread[2];

	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, run, &outcome[i]), 0);
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	run(&outcome[2]);
	assert_int_equal(outcome[0].error, TG_OK);
	assert_in_range(outcome[0].deliveries, 1000, 1000000);
	assert_true(outcome[0].instructions > 5000);
	assert_memory_equal(&outcome[0], &outcome[1], sizeof(outcome[0]));
	assert_memory_equal(&outcome[0], &outcome[2], sizeof(outcome[0]));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {cmocka_unit_test(two_machines_in_two_threads_do_alike)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
