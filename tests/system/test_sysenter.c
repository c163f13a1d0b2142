/* SYSENTER and SYSEXIT: SDM 2B, Operation. */
#include "system/bed.h"

static struct entry_record entry;
static struct return_record returned;

static void on_entry(void *owner, const struct entry_record *e) { entry = *e; }
static void on_returned(void *owner, const struct return_record *e) { returned = *e; }

static void prepare(unsigned cpl)
{
	rig_protected(r, cpl);
	s()->sysenter_cs = 0x1234b;
	s()->sysenter_esp = 0x18000;
	s()->sysenter_eip = 0x14000;
	memset(&entry, 0, sizeof(entry));
	memset(&returned, 0, sizeof(returned));
}

static void check_flat(enum seg seg, uint16_t sel, unsigned type, unsigned dpl)
{
	const struct segment *g = &s()->seg[seg];

	assert_int_equal(g->sel, sel);
	assert_int_equal(g->base, 0);
	assert_int_equal(g->limit, 0xffffffff);
	assert_int_equal(g->type, type);
	assert_int_equal(g->dpl, dpl);
	assert_true(g->s && g->present && g->db && g->g && g->usable);
}

static void sysenter_loads_fixed_segments(void **state)
{
	prepare(3);
	s()->rflags |= FLAG_IF | FLAG_RF | FLAG_CF | FLAG_NT | FLAG_AC;
	STEP(0x0f, 0x34);
	DONE();
	check_flat(SEG_CS, 0x2348, 0xb, 0);
	check_flat(SEG_SS, 0x2350, 0x3, 0);
	assert_int_equal(s()->cpl, 0);
	assert_int_equal(s()->rip, 0x14000);
	assert_int_equal(reg(RSP), 0x18000);
	assert_int_equal(flags(), FLAG_ONE | FLAG_CF | FLAG_NT | FLAG_AC);
	assert_int_equal(s()->seg[SEG_DS].sel, RIG_DS3);
}

static void sysenter_leaves_virtual_8086_mode(void **state)
{
	prepare(3);
	bed_vm86(0);
	s()->sysenter_cs = 0x40;
	STEP(0x0f, 0x34);
	DONE();
	assert_false(flags() & FLAG_VM);
	assert_int_equal(s()->cpl, 0);
	assert_int_equal(r->cpu.sp_mask, 0xffffffff);
	assert_int_equal(r->cpu.ip_mask, 0xffffffff);
}

static void sysenter_from_cpl_0(void **state)
{
	prepare(0);
	STEP(0x0f, 0x34);
	DONE();
	assert_int_equal(s()->rip, 0x14000);
}

static void sysenter_does_not_clear_tf(void **state)
{
	prepare(3);
	s()->rflags |= FLAG_TF;
	STEP(0x0f, 0x34);
	DONE();
	assert_true(flags() & FLAG_TF);
	cpu_step(&r->cpu);
	assert_int_equal(rig_last(r, 0)->why, WHY_SINGLE_STEP);
	assert_int_equal(rig_last(r, 0)->from.rip, 0x14000);
}

static void SYSENTER_CS_NULL(void **state)
{
	prepare(3);
	s()->sysenter_cs = 0x10003;
	STEP(0x0f, 0x34);
	FAULT(VEC_GP, 0, WHY_SYSENTER_CS_NULL);
}

static void SYSENTER_REAL_MODE(void **state)
{
	rig_real(r, RIG_CODE >> 4, 0);
	s()->sysenter_cs = 0x10;
	STEP(0x0f, 0x34);
	FAULT(VEC_GP, 0, WHY_SYSENTER_REAL_MODE);
}

static void sysexit_loads_fixed_segments(void **state)
{
	prepare(0);
	s()->rflags |= FLAG_IF | FLAG_CF;
	set_reg(RCX, 0x1c000);
	set_reg(RDX, 0x15000);
	STEP(0x0f, 0x35);
	DONE();
	check_flat(SEG_CS, 0x235b, 0xb, 3);
	check_flat(SEG_SS, 0x2363, 0x3, 3);
	assert_int_equal(s()->cpl, 3);
	assert_int_equal(s()->rip, 0x15000);
	assert_int_equal(reg(RSP), 0x1c000);
	assert_int_equal(flags(), FLAG_ONE | FLAG_IF | FLAG_CF);
}

static void SYSEXIT_CS_NULL(void **state)
{
	prepare(0);
	s()->sysenter_cs = 2;
	STEP(0x0f, 0x35);
	FAULT(VEC_GP, 0, WHY_SYSEXIT_CS_NULL);
}

static void SYSEXIT_REAL_MODE(void **state)
{
	rig_real(r, RIG_CODE >> 4, 0);
	s()->sysenter_cs = 0x10;
	STEP(0x0f, 0x35);
	FAULT(VEC_GP, 0, WHY_SYSEXIT_REAL_MODE);
}

static void both_are_undefined_without_sep(void **state)
{
	bed_model("pentium");
	STEP(0x0f, 0x34);
	assert_int_equal(rig_last(r, 0)->vector, VEC_UD);
}

static void both_are_recorded(void **state)
{
	trace_add_sink(&r->trace, (struct trace_sink){.entry = on_entry, .returned = on_returned});
	prepare(3);
	set_reg(RAX, 0x77);
	STEP(0x0f, 0x34);
	assert_int_equal(entry.kind, ENTRY_SYSENTER);
	assert_int_equal(entry.rax, 0x77);
	assert_int_equal(entry.from.rip, RIG_CODE);
	assert_int_equal(entry.from.cpl, 3);
	assert_int_equal(entry.to.rip, 0x14000);
	assert_int_equal(entry.to.cpl, 0);
	assert_int_equal(entry.when, r->cpu.icount);
	set_reg(RDX, 0x15000);
	STEP(0x0f, 0x35);
	assert_int_equal(returned.kind, RET_SYSEXIT);
	assert_int_equal(returned.from.rip, 0x14000);
	assert_int_equal(returned.to.rip, 0x15000);
	assert_int_equal(returned.to.cpl, 3);
	assert_int_equal(returned.frame, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(sysenter_loads_fixed_segments), T(sysenter_leaves_virtual_8086_mode), T(sysenter_from_cpl_0),
		T(sysenter_does_not_clear_tf), T(SYSENTER_CS_NULL), T(SYSENTER_REAL_MODE),
		T(sysexit_loads_fixed_segments), T(SYSEXIT_CS_NULL), T(SYSEXIT_REAL_MODE),
		T(both_are_undefined_without_sep), T(both_are_recorded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
