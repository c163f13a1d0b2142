/* 64-bit code through decoder, blocks and handlers; fast and plain. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "rig/guest.h"

static struct rig *r;

static int setup(void **state)
{
	r = rig_new("max", 8 << 20);
	return r == NULL;
}

static int teardown(void **state)
{
	rig_free(r);
	return 0;
}

GUEST64(r8d, "mov r8d, 0x12345678\n hlt")
static void rig_long64_is_64_bit_mode(void **state)
{
	rig_long64(r, 0);
	r->cpu.s.gpr.r64[R8] = UINT64_MAX;
	LOAD(r, RIG_CODE, r8d);
	assert_int_equal(rig_run(r, 10), STOP_HALT);
	assert_int_equal(r->cpu.s.gpr.r64[R8], 0x12345678);
	assert_int_equal(r->cpu.s.rip, RIG_CODE + 7);
	assert_int_equal(r->cpu.sp_mask, UINT64_MAX);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(rig_long64_is_64_bit_mode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
