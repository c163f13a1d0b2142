/* Every row of the opcode table has a handler for every form and width in which it can be met; and the
 * rows that tests/native leaves out, one instruction each, through decoder and run loop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "coverage/record.h"
#include "cpu/block.h"
#include "cpu/optable.h"
#include "decode/table.h"
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

/* ---- handlers ---- */
/* What lower() chooses where an exec set is empty. */
static uop_fn *not_built(void)
{
	static const uint8_t nop[] = {0x90, 0, 0};
	struct insn insn;
	struct uop u;

	decode(&insn, nop, sizeof(nop), MODE_PROTECTED, true);
	insn.operands = 1;
	insn.op[0].kind = OPD_FAR; /* no NOP takes one */
	lower(&u, &insn, cpu_model_find("max"), 0);
	return u.fn;
}

static unsigned check_bytes(const uint8_t *bytes, enum decode_mode mode, bool db, uop_fn *empty)
{
	const struct cpu_model *max = cpu_model_find("max");
	struct insn insn;
	struct uop u;

	if (decode(&insn, bytes, 15, mode, model_decode(max) | (db ? DECODE_D32 : 0)) != DECODE_OK)
		return 0;
	lower(&u, &insn, max, 0);
	if (u.fn == empty || u.fn == NULL)
		fail_msg("no handler: %s %s", opcode_rows[insn.row].encoding, opcode_rows[insn.row].operands);
	return 1;
}

/* In every mode. */
static unsigned check_modes(const uint8_t *bytes, uop_fn *empty)
{
	static const struct {
		enum decode_mode mode;
		bool db;
	} modes[] = {{MODE_PROTECTED, true}, {MODE_PROTECTED, false}, {MODE_REAL, false}, {MODE_VM86, false},
		     {MODE_LONG64, false}};
	unsigned met = 0;

	for (unsigned m = 0; m < sizeof(modes) / sizeof(modes[0]); m++)
		met += check_bytes(bytes, modes[m].mode, modes[m].db, empty);
	return met;
}

/* The prefixes that change widths and forms; then the opcode and modrm. */
static unsigned check_legacy(const struct row *d, uint8_t modrm, uop_fn *empty)
{
	static const uint8_t prefixes[][2] = {{0x3e, 0x3e}, {0x66, 0x3e}, {0x67, 0x3e}, {0x66, 0x67}, {0xf3, 0x3e},
					      {0xf2, 0x3e}, {0xf3, 0x66}, {0xf2, 0x66}, {0x3e, 0x48}, {0x66, 0x48},
					      {0xf3, 0x48}, {0xf2, 0x48}};
	unsigned met = 0;

	for (unsigned p = 0; p < sizeof(prefixes) / sizeof(prefixes[0]); p++) {
		uint8_t bytes[15] = {prefixes[p][0], prefixes[p][1]}, *at = bytes + 2;
		if (d->map != MAP_1)
			*at++ = 0x0f;
		if (d->map == MAP_0F38 || d->map == MAP_0F3A)
			*at++ = d->map == MAP_0F38 ? 0x38 : 0x3a;
		*at++ = d->opcode;
		*at = modrm;
		met += check_modes(bytes, empty);
	}
	return met;
}

/* All values of W, L and pp, with and without a register in vvvv. */
static unsigned check_vex(const struct row *d, uint8_t modrm, uop_fn *empty)
{
	unsigned met = 0;

	for (unsigned last = 0; last < 16; last++) {
		uint8_t wlpp = (uint8_t)((last & 8) << 4 | (last & 7));
		uint8_t bytes[15] = {0xc4, (uint8_t)(0xe0 | (d->map - MAP_V0F + 1)), wlpp | 0x78, d->opcode, modrm};
		met += check_modes(bytes, empty);
		bytes[2] = wlpp | 0x68;
		met += check_modes(bytes, empty);
	}
	return met;
}

static unsigned check_row(unsigned row, uop_fn *empty)
{
	const struct row *d = &decode_rows[row];
	unsigned met = 0;

	/* Every register and group; of operands in memory [eax] and one with a SIB byte: addresses choose no handler. */
	for (unsigned modrm = 0; modrm < 256; modrm++) {
		if (modrm < 0xc0 && (modrm & 0xc3))
			continue;
		met += (d->map >= MAP_V0F ? check_vex : check_legacy)(d, (uint8_t)modrm, empty);
	}
	return met;
}

static void every_row_has_its_handlers(void **state)
{
	uop_fn *empty = not_built();

	for (unsigned row = 0; row < opcode_row_count; row++)
		assert_true(check_row(row, empty) > 0 || !row_is_offered(row));
}

/* What lower() chooses where there is no instruction. */
static uop_fn *undefined(void)
{
	static const uint8_t bytes[] = {0x0f, 0x04};
	struct insn insn;
	struct uop u;

	decode(&insn, bytes, sizeof(bytes), MODE_PROTECTED, DECODE_D32);
	lower(&u, &insn, cpu_model_find("max"), 0);
	return u.fn;
}

static unsigned check_undefined(const uint8_t *bytes, enum decode_mode mode, uop_fn *ud)
{
	struct insn insn;
	struct uop u;

	if (decode(&insn, bytes, 15, mode, DECODE_D32 | DECODE_ALL_FEATURES) != DECODE_OK || row_is_offered(insn.row))
		return 0;
	lower(&u, &insn, cpu_model_find("max"), 0);
	if (u.fn != ud)
		fail_msg("a handler: %s %s", opcode_rows[insn.row].encoding, opcode_rows[insn.row].operands);
	return 1;
}

/* A feature that no model shows: its rows are #UD, even for a decoder that was told of it. */
static void rows_of_no_model_are_undefined(void **state)
{
	static const char *const starts[] = {"\x0f", "\x66\x0f", "\xf2\x0f", "\xf3\x0f", "\x66\x0f\x38", "\x66\x0f\x3a",
					     "\xf2\x0f\x38", "\xc5\xf8", "\xc5\xfd", "\xc4\xe2\x79", "\xc4\xe2\xf5"};
	uop_fn *ud = undefined();
	unsigned met = 0;

	for (unsigned s = 0; s < sizeof(starts) / sizeof(starts[0]); s++)
		for (unsigned opcode = 0; opcode < 256; opcode++)
			for (unsigned modrm = 0; modrm < 256; modrm++) {
				uint8_t bytes[15] = {0};
				size_t n = strlen(starts[s]);
				memcpy(bytes, starts[s], n);
				bytes[n] = (uint8_t)opcode;
				bytes[n + 1] = (uint8_t)modrm;
				met += check_undefined(bytes, MODE_PROTECTED, ud);
				met += check_undefined(bytes, MODE_REAL, ud);
			}
	bool none = true;
	for (unsigned row = 0; row < opcode_row_count; row++)
		none &= row_is_offered(row);
	assert_true(none || met > 0);
}

/* ---- rows that the host does not run as an i386 would ---- */
static uint32_t reg(enum gpr n)
{
	return (uint32_t)r->cpu.s.gpr.r64[n];
}

/* Records the row of the first instruction; runs up to HLT without an event in between. */
static void run_checked(const uint8_t *code, const uint8_t *end)
{
	struct insn insn;
	uint64_t before = r->trace.deliveries;

	assert_int_equal(decode(&insn, code, (size_t)(end - code), in_long64(&r->cpu) ? MODE_LONG64 : MODE_PROTECTED,
				r->cpu.how | DECODE_D32), DECODE_OK);
	rig_write(r, RIG_CODE, code, (size_t)(end - code));
	r->cpu.s.rip = RIG_CODE;
	r->cpu.s.activity = ACT_RUNNING;
	cpu_state_changed(&r->cpu);
	assert_int_equal(rig_run(r, 50), STOP_HALT);
	assert_int_equal(r->trace.deliveries, before);
	coverage_row(insn.row);
}
#define RUN(name) run_checked(guest_##name, guest_##name##_end)

GUEST32(cpuid, "cpuid\n hlt")
static void cpuid_names_the_vendor(void **state)
{
	rig_protected(r, 0);
	r->cpu.s.gpr.r64[RAX] = 0;
	RUN(cpuid);
	assert_int_equal(reg(RBX), 0x756e6547);
	assert_int_equal(reg(RDX), 0x49656e69);
	assert_int_equal(reg(RCX), 0x6c65746e);
}

GUEST32(rdtsc, "rdtsc\n mov esi, eax\n mov edi, edx\n rdtsc\n hlt")
static void rdtsc_counts_up(void **state)
{
	rig_protected(r, 0);
	RUN(rdtsc);
	assert_true(((uint64_t)reg(RDX) << 32 | reg(RAX)) > ((uint64_t)reg(RDI) << 32 | reg(RSI)));
}

GUEST32(sgdt, "sgdt [0x50000]\n hlt")
GUEST32(sidt, "sidt [0x50000]\n hlt")
static void sgdt_and_sidt_store_limit_and_base(void **state)
{
	rig_protected(r, 0);
	RUN(sgdt);
	assert_int_equal(rig_read16(r, 0x50000), 0xfff);
	assert_int_equal(rig_read32(r, 0x50002), RIG_GDT);
	rig_protected(r, 0);
	RUN(sidt);
	assert_int_equal(rig_read16(r, 0x50000), 0x7ff);
	assert_int_equal(rig_read32(r, 0x50002), RIG_IDT);
}

GUEST32(sldt_m, "sldt word ptr [0x50000]\n hlt")
GUEST32(sldt_r, "sldt eax\n hlt")
GUEST32(str_m, "str word ptr [0x50000]\n hlt")
GUEST32(str_r, "str eax\n hlt")
GUEST32(smsw_m, "smsw word ptr [0x50000]\n hlt")
GUEST32(smsw_r, "smsw eax\n hlt")
static void sldt_str_and_smsw_store_16_bits_or_a_register(void **state)
{
	rig_protected(r, 0);
	rig_write32(r, 0x50000, 0xdeadbeef);
	RUN(sldt_m);
	assert_int_equal(rig_read32(r, 0x50000), 0xdead0000 | RIG_LDTR);
	RUN(str_m);
	assert_int_equal(rig_read32(r, 0x50000), 0xdead0000 | RIG_TR);
	RUN(smsw_m);
	assert_int_equal(rig_read32(r, 0x50000), 0xdead0000 | (r->cpu.s.cr0 & 0xffff));
	RUN(sldt_r);
	assert_int_equal(reg(RAX), RIG_LDTR);
	RUN(str_r);
	assert_int_equal(reg(RAX), RIG_TR);
	RUN(smsw_r);
	assert_int_equal(reg(RAX) & 0xffff, r->cpu.s.cr0 & 0xffff);
}

GUEST32(mov_fs, "mov fs, eax\n hlt")
GUEST32(pop_fs, "pop fs\n hlt")
GUEST32(lfs, "lfs ebx, [0x50000]\n hlt")
static void fs_is_loaded_like_the_others(void **state)
{
	rig_protected(r, 0);
	rig_gdt(r, RIG_FREE, rig_descriptor(0x12345000, 0xfff, 0x93, 4));
	r->cpu.s.gpr.r64[RAX] = RIG_FREE;
	RUN(mov_fs);
	assert_int_equal(r->cpu.s.seg[SEG_FS].base, 0x12345000);
	rig_protected(r, 0);
	rig_gdt(r, RIG_FREE, rig_descriptor(0x2345000, 0xfff, 0x93, 4));
	rig_write32(r, RIG_STACK0 - 4, RIG_FREE);
	r->cpu.s.gpr.r64[RSP] = RIG_STACK0 - 4;
	RUN(pop_fs);
	assert_int_equal(r->cpu.s.seg[SEG_FS].base, 0x2345000);
	assert_int_equal(reg(RSP), RIG_STACK0);
	rig_protected(r, 0);
	rig_gdt(r, RIG_FREE, rig_descriptor(0x345000, 0xfff, 0x93, 4));
	rig_write32(r, 0x50000, 0x11223344);
	rig_write16(r, 0x50004, RIG_FREE);
	RUN(lfs);
	assert_int_equal(r->cpu.s.seg[SEG_FS].base, 0x345000);
	assert_int_equal(reg(RBX), 0x11223344);
}

GUEST32(sysenter, "sysenter\n hlt")
GUEST32(sysexit, "sysexit\n hlt")
GUEST32(just_hlt, "hlt")
static void sysenter_and_sysexit_change_level(void **state)
{
	struct arch_state *s = &r->cpu.s;

	rig_protected(r, 3);
	s->sysenter_cs = RIG_CS0;
	s->sysenter_eip = 0x60000;
	s->sysenter_esp = 0x1f000;
	LOAD(r, 0x60000, just_hlt);
	RUN(sysenter);
	assert_int_equal(s->cpl, 0);
	assert_int_equal(s->rip, 0x60001);
	assert_int_equal(reg(RSP), 0x1f000);
	assert_int_equal(s->seg[SEG_CS].sel, RIG_CS0);

	/* Back to ring 3, whose HLT is #GP(0). */
	rig_protected(r, 0);
	s->sysenter_cs = RIG_CS0;
	s->gpr.r64[RDX] = 0x60000;
	s->gpr.r64[RCX] = 0x2f000;
	LOAD(r, RIG_CODE, sysexit);
	assert_int_equal(rig_run(r, 50), STOP_HALT);
	assert_int_equal(rig_last(r, 0)->vector, VEC_GP);
	assert_int_equal(rig_last(r, 0)->from.rip, 0x60000);
	assert_int_equal(rig_last(r, 0)->from.rsp, 0x2f000);
	assert_int_equal(rig_last(r, 0)->from.cpl, 3);
	struct insn insn;
	decode(&insn, guest_sysexit, 2, MODE_PROTECTED, true);
	coverage_row(insn.row);
}

/* ---- and of 64-bit mode ---- */
static void long64(uint64_t cr4)
{
	rig_long64(r, 0);
	r->cpu.s.cr4 |= cr4;
}

GUEST64(xgetbv, "xgetbv\n hlt")
static void xgetbv_reads_xcr0(void **state)
{
	long64(CR4_OSXSAVE);
	r->cpu.s.xcr0 = XCR0_X87 | XCR0_SSE;
	r->cpu.s.gpr.r64[RCX] = 0;
	r->cpu.s.gpr.r64[RDX] = UINT64_MAX;
	RUN(xgetbv);
	assert_int_equal(r->cpu.s.gpr.r64[RAX], 3);
	assert_int_equal(r->cpu.s.gpr.r64[RDX], 0);
}

GUEST64(rdpkru, "rdpkru\n hlt")
GUEST64(wrpkru, "wrpkru\n hlt")
static void pkru_is_read_and_written_by_eax(void **state)
{
	long64(CR4_PKE);
	r->cpu.s.gpr.r64[RAX] = 0xffffffff5555aaa0;
	r->cpu.s.gpr.r64[RCX] = r->cpu.s.gpr.r64[RDX] = 0;
	RUN(wrpkru);
	assert_int_equal(r->cpu.s.pkru, 0x5555aaa0);
	r->cpu.s.gpr.r64[RAX] = r->cpu.s.gpr.r64[RDX] = UINT64_MAX;
	RUN(rdpkru);
	assert_int_equal(r->cpu.s.gpr.r64[RAX], 0x5555aaa0);
	assert_int_equal(r->cpu.s.gpr.r64[RDX], 0);
}

GUEST64(rdtscp, "rdtscp\n mov r8d, ecx\n rdtsc\n hlt")
static void rdtscp_gives_tsc_aux_besides(void **state)
{
	long64(0);
	r->cpu.s.tsc_offset = UINT64_C(0x500000000) - r->cpu.icount;
	r->cpu.s.tsc_aux = 0x12345678;
	RUN(rdtscp);
	assert_int_equal(r->cpu.s.gpr.r64[R8], 0x12345678);
	assert_int_equal(r->cpu.s.gpr.r64[RDX], 5);
}

GUEST64(syscall, "syscall\n hlt")
static void syscall_goes_where_lstar_says(void **state)
{
	long64(0);
	r->cpu.s.efer |= EFER_SCE;
	r->cpu.s.star = (uint64_t)RIG_CS0_64 << 32;
	r->cpu.s.lstar = 0x60000;
	r->cpu.s.sfmask = FLAG_CF;
	r->cpu.s.rflags = FLAG_ONE | FLAG_CF | FLAG_ZF;
	LOAD(r, 0x60000, just_hlt);
	RUN(syscall);
	assert_int_equal(r->cpu.s.rip, 0x60001);
	assert_int_equal(r->cpu.s.gpr.r64[RCX], RIG_CODE + 2);
	assert_int_equal(r->cpu.s.gpr.r64[R11], FLAG_ONE | FLAG_CF | FLAG_ZF);
	assert_int_equal(cpu_flags(&r->cpu), FLAG_ONE | FLAG_ZF);
}

GUEST64(rdfsbase, "rdfsbase rax\n hlt")
GUEST64(wrfsbase, "wrfsbase rax\n hlt")
static void the_base_of_fs_is_read_and_written(void **state)
{
	long64(CR4_FSGSBASE);
	r->cpu.s.gpr.r64[RAX] = UINT64_C(0xffff812345678000);
	RUN(wrfsbase);
	assert_int_equal(r->cpu.s.seg[SEG_FS].base, UINT64_C(0xffff812345678000));
	r->cpu.s.gpr.r64[RAX] = 0;
	RUN(rdfsbase);
	assert_int_equal(r->cpu.s.gpr.r64[RAX], UINT64_C(0xffff812345678000));
}

GUEST64(rdrand, "rdrand rax\n pushfq\n rdrand rbx\n hlt")
GUEST64(rdseed, "rdseed rax\n pushfq\n rdseed rbx\n hlt")
static void random_numbers_differ_and_set_cf(void **state)
{
	const struct { const uint8_t *code, *end; } way[] = {{guest_rdrand, guest_rdrand_end},
							     {guest_rdseed, guest_rdseed_end}};

	for (unsigned i = 0; i < 2; i++) {
		long64(0);
		r->cpu.s.rflags = FLAG_ONE | FLAG_ZF | FLAG_SF | FLAG_OF | FLAG_AF | FLAG_PF;
		run_checked(way[i].code, way[i].end);
		assert_int_equal(rig_read64(r, RIG_STACK0 - 8) & FLAGS_STATUS, FLAG_CF);
		assert_true(r->cpu.s.gpr.r64[RAX] >> 32 != 0);
		assert_true(r->cpu.s.gpr.r64[RAX] != r->cpu.s.gpr.r64[RBX]);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(every_row_has_its_handlers),
		T(rows_of_no_model_are_undefined),
		T(cpuid_names_the_vendor),
		T(rdtsc_counts_up),
		T(sgdt_and_sidt_store_limit_and_base),
		T(sldt_str_and_smsw_store_16_bits_or_a_register),
		T(fs_is_loaded_like_the_others),
		T(sysenter_and_sysexit_change_level),
		T(xgetbv_reads_xcr0),
		T(pkru_is_read_and_written_by_eax),
		T(rdtscp_gives_tsc_aux_besides),
		T(syscall_goes_where_lstar_says),
		T(the_base_of_fs_is_read_and_written),
		T(random_numbers_differ_and_set_cf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
