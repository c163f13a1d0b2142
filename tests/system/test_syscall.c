/* SYSCALL and SYSRET: SDM 2B, Operation; AMD's rules by APM 3. */
#include "system/bed.h"

#define HIGH   UINT64_C(0xffff800000000000)
#define STAR   (UINT64_C(0x1b) << 48 | UINT64_C(0x4b) << 32 | 0x14000)
#define TARGET (HIGH + 0x14000)

static struct entry_record entry;
static struct return_record returned;
static struct cpu_model amd;

static void on_entry(void *owner, const struct entry_record *e) { entry = *e; }
static void on_returned(void *owner, const struct return_record *e) { returned = *e; }

static void registers(void)
{
	s()->efer |= EFER_SCE;
	s()->star = STAR;
	s()->lstar = TARGET;
	s()->cstar = TARGET + 0x100;
	s()->sfmask = FLAG_IF | FLAG_TF | FLAG_DF | FLAG_AC;
	s()->gpr.r64[RCX] = HIGH + 0x4444;
	s()->gpr.r64[R11] = FLAG_CF | FLAG_IF | FLAG_RF | FLAG_VM | FLAG_IOPL | 0x8028;
}

static void long64(unsigned cpl)
{
	rig_long64(r, cpl);
	registers();
}

static void by_amd(void)
{
	amd = *r->cpu.model;
	amd.amd = true;
	r->cpu.model = &amd;
	r->cpu.how = model_decode(&amd);
}

/* Compatibility mode; protected mode outside IA-32e mode. */
static void compatible(unsigned cpl)
{
	rig_protected(r, cpl);
	struct segment cs = s()->seg[SEG_CS];
	rig_long64(r, cpl);
	s()->seg[SEG_CS] = cs;
	registers();
}

static void legacy(unsigned cpl)
{
	rig_protected(r, cpl);
	registers();
	s()->gpr.r64[RCX] = 0x4444;
}

static void check_flat(enum seg seg, uint16_t sel, unsigned type, unsigned dpl, bool l)
{
	const struct segment *g = &s()->seg[seg];

	assert_int_equal(g->sel, sel);
	assert_int_equal(g->base, 0);
	assert_int_equal(g->limit, 0xffffffff);
	assert_int_equal(g->type, type);
	assert_int_equal(g->dpl, dpl);
	assert_int_equal(g->l, l);
	assert_int_equal(g->db, !l);
	assert_true(g->s && g->present && g->g && g->usable);
	assert_int_equal(s()->cpl, dpl);
}

static void do_syscall(void) { STEP(0x0f, 0x05); }
static void do_sysret(void) { STEP(0x0f, 0x07); }
static void do_sysret64(void) { STEP(0x48, 0x0f, 0x07); }

/* ---- SYSCALL ---- */
static void syscall_saves_rip_and_flags(void **state)
{
	long64(3);
	s()->rflags |= FLAG_IF | FLAG_CF | FLAG_DF | FLAG_AC;
	do_syscall();
	DONE();
	assert_int_equal(s()->gpr.r64[RCX], RIG_CODE + 2);
	assert_int_equal(s()->gpr.r64[R11], FLAG_ONE | FLAG_IF | FLAG_CF | FLAG_DF | FLAG_AC);
	assert_int_equal(flags(), FLAG_ONE | FLAG_CF);
	assert_int_equal(s()->rip, TARGET);
	check_flat(SEG_CS, 0x48, 0xb, 0, true);
	check_flat(SEG_SS, 0x50, 0x3, 0, false);
}

static void syscall_keeps_the_stack_pointer(void **state)
{
	long64(3);
	s()->gpr.r64[RSP] = 0x123456789ab;
	do_syscall();
	assert_int_equal(s()->gpr.r64[RSP], 0x123456789ab);
}

static void syscall_from_cpl_0(void **state)
{
	long64(0);
	do_syscall();
	DONE();
	assert_int_equal(s()->rip, TARGET);
}

static void SYSCALL_DISABLED(void **state)
{
	long64(0);
	s()->efer &= ~(uint64_t)EFER_SCE;
	do_syscall();
	FAULT(VEC_UD, 0, WHY_SYSCALL_DISABLED);
	long64(0);
	s()->efer &= ~(uint64_t)EFER_SCE;
	do_sysret64();
	FAULT(VEC_UD, 0, WHY_SYSCALL_DISABLED);
}

static void intel_has_syscall_in_64_bit_mode_alone(void **state)
{
	compatible(0);
	do_syscall();
	FAULT(VEC_UD, 0, WHY_UNDEFINED_OPCODE);
	compatible(0);
	do_sysret();
	FAULT(VEC_UD, 0, WHY_UNDEFINED_OPCODE);
	legacy(0);
	do_syscall();
	FAULT(VEC_UD, 0, WHY_UNDEFINED_OPCODE);
}

static void amd_takes_cstar_from_compatibility_mode(void **state)
{
	compatible(3);
	by_amd();
	do_syscall();
	DONE();
	assert_int_equal(s()->rip, TARGET + 0x100);
	assert_int_equal(s()->gpr.r64[RCX], RIG_CODE + 2);
	check_flat(SEG_CS, 0x48, 0xb, 0, true);
}

static void amd_takes_star_outside_ia32e_mode(void **state)
{
	legacy(3);
	by_amd();
	s()->rflags |= FLAG_IF | FLAG_AC | FLAG_CF;
	do_syscall();
	DONE();
	assert_int_equal(s()->rip, 0x14000);
	assert_int_equal(s()->gpr.r64[RCX], RIG_CODE + 2);
	assert_int_equal(flags(), FLAG_ONE | FLAG_AC | FLAG_CF);
	check_flat(SEG_CS, 0x48, 0xb, 0, false);
	check_flat(SEG_SS, 0x50, 0x3, 0, false);
}

/* ---- single-stepping ---- */
static void sfmask_keeps_the_trap_out_of_the_system_call(void **state)
{
	long64(3);
	s()->rflags |= FLAG_TF;
	do_syscall();
	DONE();
	assert_int_equal(s()->pending_dr6, 0);
	assert_true(s()->gpr.r64[R11] & FLAG_TF);
	long64(3);
	s()->rflags |= FLAG_TF;
	s()->sfmask = FLAG_IF;
	do_syscall();
	assert_int_equal(s()->pending_dr6, DR6_BS);
}

static void tf_of_r11_traps_right_behind_sysret(void **state)
{
	long64(0);
	s()->gpr.r64[R11] = FLAG_TF;
	do_sysret64();
	DONE();
	assert_int_equal(s()->pending_dr6, DR6_BS);
}

/* ---- SYSRET ---- */
static void sysret_to_64_bit_mode(void **state)
{
	long64(0);
	do_sysret64();
	DONE();
	assert_int_equal(s()->rip, HIGH + 0x4444);
	assert_int_equal(flags(), FLAG_ONE | FLAG_CF | FLAG_IF | FLAG_IOPL);
	check_flat(SEG_CS, 0x2b, 0xb, 3, true);
	check_flat(SEG_SS, 0x23, 0x3, 3, false);
	assert_int_equal(s()->gpr.r64[RCX], HIGH + 0x4444);
}

static void sysret_to_compatibility_mode(void **state)
{
	long64(0);
	do_sysret();
	DONE();
	assert_int_equal(s()->rip, 0x4444);
	check_flat(SEG_CS, 0x1b, 0xb, 3, false);
	check_flat(SEG_SS, 0x23, 0x3, 3, false);
	assert_int_equal(cpu_mode(&r->cpu), MODE_COMPAT);
}

static void sysret_is_privileged(void **state)
{
	long64(3);
	do_sysret64();
	FAULT(VEC_GP, 0, WHY_PRIVILEGED);
}

static void SYSRET_NON_CANONICAL(void **state)
{
	long64(0);
	s()->gpr.r64[RCX] = UINT64_C(1) << 47;
	do_sysret64();
	FAULT(VEC_GP, 0, WHY_SYSRET_NON_CANONICAL);
	assert_int_equal(rig_last(r, 0)->from.cpl, 0);
	long64(0);
	s()->gpr.r64[RCX] = UINT64_C(1) << 47; /* the lower half is all that counts */
	do_sysret();
	DONE();
}

static void amd_goes_to_a_non_canonical_address_first(void **state)
{
	long64(0);
	by_amd();
	s()->gpr.r64[RCX] = UINT64_C(1) << 47;
	do_sysret64();
	DONE();
	assert_int_equal(s()->cpl, 3);
	step_here();
	FAULT(VEC_GP, 0, WHY_FETCH_NON_CANONICAL);
	assert_int_equal(rig_last(r, 0)->from.cpl, 3);
}

static void amd_leaves_the_hidden_part_of_ss(void **state)
{
	long64(0);
	by_amd();
	s()->star = UINT64_C(0x18) << 48;
	struct segment before = s()->seg[SEG_SS];
	do_sysret64();
	DONE();
	assert_int_equal(s()->seg[SEG_SS].sel, 0x20); /* RPL as STAR has it */
	before.sel = 0x20;
	assert_memory_equal(&s()->seg[SEG_SS], &before, sizeof(before));
}

static void amd_returns_outside_ia32e_mode_with_if(void **state)
{
	legacy(0);
	by_amd();
	do_sysret();
	DONE();
	assert_int_equal(s()->rip, 0x4444);
	assert_int_equal(flags(), FLAG_ONE | FLAG_IF);
	assert_int_equal(s()->seg[SEG_CS].sel, 0x1b);
	assert_int_equal(s()->cpl, 3);
}

static void SYSRET_REAL_MODE(void **state)
{
	rig_real(r, 0x1000, 0);
	registers();
	by_amd();
	do_sysret();
	FAULT(VEC_GP, 0, WHY_SYSRET_REAL_MODE);
}

/* ---- the trace ---- */
static void both_are_told(void **state)
{
	assert_true(trace_add_sink(&r->trace, (struct trace_sink){.entry = on_entry, .returned = on_returned}));
	long64(3);
	s()->gpr.r64[RAX] = 39;
	do_syscall();
	assert_int_equal(entry.kind, ENTRY_SYSCALL);
	assert_int_equal(entry.rax, 39);
	assert_int_equal(entry.from.rip, RIG_CODE);
	assert_int_equal(entry.from.cpl, 3);
	assert_int_equal(entry.to.rip, TARGET);
	s()->rip = RIG_CODE;
	STEP(0x48, 0x0f, 0x07);
	assert_int_equal(returned.kind, RET_SYSRET);
	assert_int_equal(returned.from.cpl, 0);
	assert_int_equal(returned.to.rip, RIG_CODE + 2);
	assert_int_equal(returned.delivery, entry.id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(syscall_saves_rip_and_flags), T(syscall_keeps_the_stack_pointer), T(syscall_from_cpl_0),
		T(SYSCALL_DISABLED), T(intel_has_syscall_in_64_bit_mode_alone), T(amd_takes_cstar_from_compatibility_mode),
		T(amd_takes_star_outside_ia32e_mode), T(sfmask_keeps_the_trap_out_of_the_system_call),
		T(tf_of_r11_traps_right_behind_sysret), T(sysret_to_64_bit_mode), T(sysret_to_compatibility_mode),
		T(sysret_is_privileged), T(SYSRET_NON_CANONICAL), T(amd_goes_to_a_non_canonical_address_first),
		T(amd_leaves_the_hidden_part_of_ss), T(amd_returns_outside_ia32e_mode_with_if), T(SYSRET_REAL_MODE),
		T(both_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
