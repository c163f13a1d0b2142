/* The two runs of a case, by single instructions and by blocks: events come at the same ticks, and whatever is otherwise
 * is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "testcase/compare.h"
#include "testcase/suite.h"

static struct {
	struct suite suite;
	struct arena arena;
	struct scene *scene;
	struct bench *plain, *blocks;
} t;

/* The only case of a file, run both ways. */
static void run_both(const char *text)
{
	struct problems problems = {.arena = &t.arena};
	struct build_options options = {.cpu = NULL};

	assert_true(suite_read(&t.suite, "text", text, strlen(text), 1));
	assert_int_equal(t.suite.count, 1);
	t.scene = arena_alloc(&t.arena, sizeof(*t.scene));
	assert_true(scene_build(t.scene, &t.arena, &problems, t.suite.row[0].node, "case", NULL, &options));
	t.plain = bench_new(t.scene);
	t.blocks = bench_new(t.scene);
	assert_non_null(t.plain);
	assert_non_null(t.blocks);
	bench_run(t.plain);
	bench_repeat(t.blocks, t.plain);
}

static int teardown(void **state)
{
	(void)state;
	bench_free(t.plain);
	bench_free(t.blocks);
	suite_free(&t.suite);
	arena_free(&t.arena);
	memset(&t, 0, sizeof(t));
	return 0;
}

static struct differences compared(void)
{
	struct differences d = {.arena = &t.arena, .first_delivery = -1};

	compare_runs(t.scene, t.plain, t.blocks, &d);
	return d;
}

static const char loop[] = "cases:\n"
			   "  - name: x\n"
			   "    flags: IF\n"
			   "    code:\n"
			   "      - {hex: 40 49 75 fc f4}\n" /* INC EAX; DEC ECX; JNZ; HLT */
			   "      - {at: handler(0x40), hex: 43 cf}\n" /* INC EBX; IRETD */
			   "    regs: {ecx: 50}\n"
			   "    events: [{after: 17, raise: 0x40}, {after: 80, raise: 0x40}, {at: end, raise: nmi}]\n"
			   "    expect: {}\n";

/* The label `end` lies behind the HLT: the NMI that waits for it never comes, the others do. */
static void test_events_come_at_the_same_ticks(void **state)
{
	(void)state;
	run_both(loop);
	assert_int_equal(t.plain->deliveries, 2);
	assert_int_equal(t.blocks->deliveries, 2);
	assert_true(t.plain->fired[0] && t.plain->fired[1] && !t.plain->fired[2]);
	assert_int_equal(t.plain->delivered[0].when, t.blocks->delivered[0].when);
	assert_int_equal(t.plain->delivered[1].from.rip, t.blocks->delivered[1].from.rip);
	assert_int_equal(t.plain->cpu.icount, t.blocks->cpu.icount);
	assert_int_equal(compared().count, 0);
}

static void test_a_register_that_is_otherwise(void **state)
{
	(void)state;
	run_both(loop);
	t.blocks->cpu.s.gpr.r64[RDX]++;
	assert_int_equal(compared().count, 1);
	assert_non_null(strstr(compared().item[0].text, "edx"));
}

static void test_a_byte_that_is_otherwise(void **state)
{
	(void)state;
	run_both(loop);
	t.blocks->ram->host[0x100fff]++;
	assert_int_equal(compared().count, 1);
	assert_non_null(strstr(compared().item[0].text, "memory"));
}

static void test_an_end_that_is_otherwise(void **state)
{
	(void)state;
	run_both(loop);
	assert_int_equal(t.plain->end, END_HALT);
	t.blocks->end = END_SHUTDOWN;
	t.blocks->deliveries++;
	assert_int_equal(compared().count, 2);
}

static void test_the_x87_that_is_otherwise(void **state)
{
	(void)state;
	run_both(loop);
	t.blocks->cpu.s.fpu.st[3].mantissa = 1;
	assert_int_equal(compared().count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_events_come_at_the_same_ticks, teardown),
		cmocka_unit_test_teardown(test_a_register_that_is_otherwise, teardown),
		cmocka_unit_test_teardown(test_a_byte_that_is_otherwise, teardown),
		cmocka_unit_test_teardown(test_an_end_that_is_otherwise, teardown),
		cmocka_unit_test_teardown(test_the_x87_that_is_otherwise, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
