/* What the host showed the emulator to do wrong, one rule each. */
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

/* FST with an empty ST(0) and #IS unmasked stores nothing, yet a missing page is met first. */
GUEST32(fst, "fst dword ptr [0x200000]\n hlt")
static void x87_store_checks_its_address_before_it_raises(void **state)
{
	rig_protected(r, 0);
	rig_paging(r);
	rig_write32(r, 0x81000 + 0x200 * 4, 0);
	cpu_state_changed(&r->cpu);
	LOAD(r, RIG_CODE, fst);
	r->cpu.s.fpu.cw = 0x37e;
	r->cpu.s.fpu.sw = 0;
	r->cpu.s.fpu.tw = 0xffff;
	assert_int_equal(rig_run(r, 10), STOP_HALT);
	assert_int_equal(rig_last(r, 0)->vector, VEC_PF);
	assert_int_equal(rig_last(r, 0)->cr2, 0x200000);
	assert_int_equal(r->cpu.s.fpu.sw, 0);
}

/* Ten bytes are aligned as eight. */
GUEST32(fstp80, "fstp tbyte ptr [0x30004]\n hlt")
static void x87_store_that_raises_checks_alignment(void **state)
{
	rig_protected(r, 3);
	r->cpu.s.cr0 |= CR0_AM;
	r->cpu.s.rflags |= FLAG_AC;
	cpu_state_changed(&r->cpu);
	LOAD(r, RIG_CODE, fstp80);
	r->cpu.s.fpu.cw = 0x37e;
	r->cpu.s.fpu.tw = 0xffff;
	assert_int_equal(rig_run(r, 10), STOP_HALT);
	assert_int_equal(rig_last(r, 0)->vector, VEC_AC);
	assert_int_equal(rig_last(r, 0)->why, WHY_ALIGNMENT);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(x87_store_checks_its_address_before_it_raises),
		T(x87_store_that_raises_checks_alignment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
