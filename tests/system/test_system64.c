/* Segment registers, system registers, SYSENTER and SYSEXIT in IA-32e mode.  SDM 2A/2B: Operation and 64-Bit Mode
 * Exceptions of each; SDM 3A, "Segment Registers", "System Segment Descriptors in 64-bit mode". */
#include "cpu/model.h"
#include "deliver/bed64.h"

#define SYS 0xb8u /* of 16 bytes */
#define RUN(...) do { INSN(__VA_ARGS__); cpu_step(&r->cpu); } while (0)

static void done(void)
{
	assert_int_equal(r->trace.deliveries, deliveries_before);
}

static void wide(uint64_t base, unsigned access) { rig_gdt_system64(r, SYS, base, 0x67, (uint8_t)access); }

/* ---- LTR and LLDT ---- */
enum { LTR, LLDT };
static const unsigned good_access[2] = {0x89, 0x82};

static void load_system(unsigned which, unsigned sel)
{
	set_reg(RAX, sel);
	RUN(0x0f, 0x00, which == LTR ? 0xd8 : 0xd0);
}

static void system_descriptors_have_64_bit_bases(void **state)
{
	for (unsigned compat = 0; compat < 2; compat++) {
		for (unsigned which = LTR; which <= LLDT; which++) {
			at_mode(compat, 0);
			wide(FIRST_HIGH + 0x76543210, good_access[which]);
			load_system(which, SYS);
			done();
			const struct segment *g = &s()->seg[which == LTR ? SEG_TR : SEG_LDTR];
			assert_int_equal(g->base, FIRST_HIGH + 0x76543210);
			assert_int_equal(g->limit, 0x67);
			assert_int_equal(g->sel, SYS);
			assert_int_equal(rig_read8(r, RIG_GDT + SYS + 5), which == LTR ? 0x8b : 0x82);
		}
	}
}

/* LTR_TYPE, LLDT_TYPE: of TSSs only type 9, #GP(selector) */
static void types_of_ltr_and_lldt(void **state)
{
	for (unsigned which = LTR; which <= LLDT; which++) {
		for (unsigned type = 0; type < 0x20; type++) {
			at64(0);
			wide(0x5000, 0x80 | type);
			load_system(which, SYS);
			if (type == (good_access[which] & 0x1f))
				done();
			else
				faulted(VEC_GP, SYS, which == LTR ? WHY_LTR_TYPE : WHY_LLDT_TYPE);
		}
	}
}

/* LTR_TABLE, LLDT_TABLE: 16 bytes inside the GDT, #GP(selector) */
static void sixteen_bytes_inside_the_gdt(void **state)
{
	for (unsigned which = LTR; which <= LLDT; which++) {
		for (unsigned short_by = 0; short_by < 2; short_by++) {
			at64(0);
			rig_gdt_system64(r, 0x200, 0x5000, 0x67, (uint8_t)good_access[which]);
			s()->gdtr.limit = (uint16_t)(0x20f - short_by);
			load_system(which, 0x200);
			if (short_by)
				faulted(VEC_GP, 0x200, which == LTR ? WHY_LTR_TABLE : WHY_LLDT_TABLE);
			else
				done();
		}
	}
}

/* SYSTEM_UPPER_TYPE: #GP(selector), before P */
static void upper_type_must_be_zero(void **state)
{
	for (unsigned which = LTR; which <= LLDT; which++) {
		for (unsigned bit = 0; bit < 32; bit++) {
			bool type = bit >= 8 && bit <= 12;

			at64(0);
			wide(0x5000, type ? ABSENT(good_access[which]) : good_access[which]);
			rig_write32(r, RIG_GDT + SYS + 12, 1u << bit);
			load_system(which, SYS);
			if (type)
				faulted(VEC_GP, SYS, WHY_SYSTEM_UPPER_TYPE);
			else
				done();
		}
	}
}

/* LTR_NOT_PRESENT, LLDT_NOT_PRESENT, then SYSTEM_BASE_NON_CANONICAL: #GP(selector) */
static void presence_then_canonical_base(void **state)
{
	for (unsigned which = LTR; which <= LLDT; which++) {
		at64(0);
		wide(UINT64_C(1) << 62, ABSENT(good_access[which]));
		load_system(which, SYS);
		faulted(VEC_NP, SYS, which == LTR ? WHY_LTR_NOT_PRESENT : WHY_LLDT_NOT_PRESENT);
		at64(0);
		wide(UINT64_C(1) << 62, good_access[which]);
		load_system(which, SYS);
		faulted(VEC_GP, SYS, WHY_SYSTEM_BASE_NON_CANONICAL);
		assert_int_equal(rig_read8(r, RIG_GDT + SYS + 5), good_access[which]); /* not busy */
	}
}

/* The LDT is where its 64-bit base says, in compatibility mode too. */
static void descriptors_of_an_ldt_above_4_gib(void **state)
{
	for (unsigned compat = 0; compat < 2; compat++) {
		at_mode(compat, 0);
		s()->seg[SEG_LDTR].base = FIRST_HIGH + RIG_LDT;
		const uint64_t data = rig_descriptor(0x12345678, FLAT, A_DATA(0), F_32);
		rig_write(r, RIG_LDT + 0x10, &data, 8);
		set_reg(RAX, 0x14);
		RUN(0x8e, 0xe0); /* MOV FS, EAX */
		done();
		assert_int_equal(s()->seg[SEG_FS].base, 0x12345678);
	}
}

/* ---- LAR, LSL, VERR, VERW ---- */
static void lar_and_lsl_know_the_types_of_ia32e_mode(void **state)
{
	for (unsigned compat = 0; compat < 2; compat++) {
		for (unsigned lsl = 0; lsl < 2; lsl++) {
			for (unsigned type = 0; type < 16; type++) {
				bool good = type == 2 || type == 9 || type == 0xb || (type == 0xc && !lsl);

				at_mode(compat, 0);
				wide(0x5000, 0x80 | type);
				set_reg(RAX, SYS);
				set_reg(RBX, 0x77777777);
				RUN(0x0f, 0x02 + lsl, 0xd8); /* EBX, EAX */
				done();
				assert_int_equal(!!(flags() & FLAG_ZF), good);
				assert_int_equal(reg(RBX), !good ? 0x77777777 : lsl ? 0x67 : (0x80 | type) << 8);
			}
		}
	}
}

static void lar_and_lsl_of_64_bits_are_zero_extended(void **state)
{
	for (unsigned lsl = 0; lsl < 2; lsl++) {
		at64(0);
		set_reg(RAX, RIG_DS3);
		s()->gpr.r64[RBX] = UINT64_MAX;
		RUN(0x48, 0x0f, 0x02 + lsl, 0xd8);
		done();
		assert_int_equal(s()->gpr.r64[RBX], lsl ? 0xffffffff : 0x00cff300);
	}
}

/* ---- SS ---- */

/* LOAD_SS_NULL: in 64-bit mode null is good at levels 0 to 2 with RPL = CPL, else #GP(0) */
static void null_ss_in_64_bit_mode(void **state)
{
	for (unsigned compat = 0; compat < 2; compat++) {
		for (unsigned cpl = 0; cpl < 4; cpl++) {
			for (unsigned rpl = 0; rpl < 4; rpl++) {
				at_mode(compat, cpl);
				set_reg(RAX, rpl);
				RUN(0x8e, 0xd0);
				if (!compat && cpl < 3 && rpl == cpl) {
					done();
					assert_int_equal(s()->seg[SEG_SS].sel, rpl);
					assert_false(s()->seg[SEG_SS].usable);
					assert_int_equal(s()->seg[SEG_SS].dpl, cpl);
					assert_int_equal(s()->shadow, SHADOW_MOVSS);
					s()->rip = RIG_CODE;
					uint64_t before = rsp();
					RUN(0x50); /* PUSH: the stack works all the same */
					done();
					assert_int_equal(rsp(), before - 8);
				} else {
					faulted(VEC_GP, 0, WHY_LOAD_SS_NULL);
				}
			}
		}
	}
}

static void lss_with_null(void **state)
{
	static const uint8_t lss[] = {0x48, 0x0f, 0xb2, 0x24, 0x25, 0x00, 0x30, 0x01, 0x00};

	at64(0);
	rig_write64(r, 0x13000, FIRST_HIGH + 0x30000);
	rig_write16(r, 0x13008, 0);
	code(lss, sizeof(lss));
	cpu_step(&r->cpu);
	done();
	assert_int_equal(rsp(), FIRST_HIGH + 0x30000);
	assert_int_equal(s()->seg[SEG_SS].sel, 0);
	assert_false(s()->seg[SEG_SS].usable);
}

/* Checks of a selector that is not null stay what they are: MOV SS, MOV DS. */
static void other_selectors_are_checked_as_ever(void **state)
{
	at64(0);
	set_reg(RAX, RIG_DS3);
	RUN(0x8e, 0xd0);
	faulted(VEC_GP, RIG_DS3 & ~3u, WHY_LOAD_SS_RPL);
	at64(3);
	set_reg(RAX, RIG_DS0);
	RUN(0x8e, 0xd8);
	faulted(VEC_GP, RIG_DS0, WHY_LOAD_SEG_DPL);
}

/* DESCRIPTOR_NON_CANONICAL: #GP(selector) */
static void data_descriptor_at_no_canonical_address(void **state)
{
	at64(0);
	s()->seg[SEG_LDTR].base = LAST_LOW - 7;
	set_reg(RAX, 0x0c);
	RUN(0x8e, 0xd8);
	faulted(VEC_GP, 0x0c, WHY_DESCRIPTOR_NON_CANONICAL);
}

/* ---- FS and GS ---- */
static void a_selector_loads_32_bits_of_base(void **state)
{
	for (unsigned seg = SEG_FS; seg <= SEG_GS; seg++) {
		at64(0);
		s()->seg[seg].base = UINT64_MAX;
		descriptor(DATA, 0x89abcdef, FLAT, A_DATA(3), F_32);
		cpu_state_changed(&r->cpu);
		set_reg(RAX, DATA | 3);
		RUN(0x8e, 0xc0 | seg << 3);
		done();
		assert_int_equal(s()->seg[seg].base, 0x89abcdef);
		assert_int_equal(r->cpu.mmu.win[seg].base, 0x89abcdef);
	}
}

/* Null: Intel's processors clear the base, AMD's leave it. */
static void null_in_fs_and_gs(void **state)
{
	struct cpu_model amd = *cpu_model_find("max");

	amd.amd = true;
	for (unsigned is_amd = 0; is_amd < 2; is_amd++) {
		for (unsigned seg = SEG_FS; seg <= SEG_GS; seg++) {
			at64(0);
			const struct cpu_model *before = r->cpu.model;
			if (is_amd)
				r->cpu.model = &amd;
			s()->seg[seg].base = 0x123456789;
			cpu_state_changed(&r->cpu);
			set_reg(RAX, 2);
			RUN(0x8e, 0xc0 | seg << 3);
			done();
			assert_int_equal(s()->seg[seg].sel, 2);
			assert_false(s()->seg[seg].usable);
			assert_int_equal(s()->seg[seg].base, is_amd ? 0x123456789 : 0);
			r->cpu.model = before;
		}
	}
}

/* ---- SYSENTER and SYSEXIT ---- */
static void msrs(uint64_t cs, uint64_t sp, uint64_t ip)
{
	s()->sysenter_cs = cs;
	s()->sysenter_esp = sp;
	s()->sysenter_eip = ip;
}

static void sysenter_goes_to_64_bit_code(void **state)
{
	for (unsigned compat = 0; compat < 2; compat++) {
		at_mode(compat, 3);
		msrs(RIG_CS0_64 | 3, FIRST_HIGH + 0x30000, FIRST_HIGH + 0x11000);
		set_flags(FLAG_IF, 0);
		RUN(0x0f, 0x34);
		done();
		const struct segment *cs = &s()->seg[SEG_CS], *ss = &s()->seg[SEG_SS];
		assert_int_equal(s()->rip, FIRST_HIGH + 0x11000);
		assert_int_equal(rsp(), FIRST_HIGH + 0x30000);
		assert_int_equal(s()->cpl, 0);
		assert_int_equal(cs->sel, RIG_CS0_64);
		assert_true(cs->l && !cs->db && cs->g && cs->dpl == 0 && cs->type == 11 && cs->base == 0);
		assert_int_equal(ss->sel, RIG_CS0_64 + 8);
		assert_true(!ss->l && ss->db && ss->usable && ss->dpl == 0);
		assert_int_equal(flags() & FLAG_IF, 0);
		assert_int_equal(r->cpu.sp_mask, UINT64_MAX);
	}
}

/* SYSENTER_CS_NULL: bits 15:2, #GP(0) */
static void sysenter_without_a_selector(void **state)
{
	at64(3);
	msrs(3, 0, 0);
	RUN(0x0f, 0x34);
	faulted(VEC_GP, 0, WHY_SYSENTER_CS_NULL);
}

static void sysexit_with_rex_w_stays_in_64_bit_mode(void **state)
{
	at64(0);
	msrs(0x40, 0, 0);
	s()->gpr.r64[RCX] = LAST_LOW;
	s()->gpr.r64[RDX] = FIRST_HIGH;
	RUN(0x48, 0x0f, 0x35);
	done();
	const struct segment *cs = &s()->seg[SEG_CS];
	assert_int_equal(s()->rip, FIRST_HIGH);
	assert_int_equal(rsp(), LAST_LOW);
	assert_int_equal(cs->sel, 0x40 + 32 + 3);
	assert_int_equal(s()->seg[SEG_SS].sel, 0x40 + 40 + 3);
	assert_true(cs->l && !cs->db && cs->dpl == 3);
	assert_int_equal(s()->cpl, 3);
}

static void sysexit_without_it_goes_to_compatibility_mode(void **state)
{
	for (unsigned compat = 0; compat < 2; compat++) {
		at_mode(compat, 0);
		msrs(0x40, 0, 0);
		s()->gpr.r64[RCX] = NOT_CANONICAL + 0x30000; /* only the lower halves count */
		s()->gpr.r64[RDX] = NOT_CANONICAL + 0x11000;
		RUN(0x0f, 0x35);
		done();
		const struct segment *cs = &s()->seg[SEG_CS];
		assert_int_equal(s()->rip, 0x11000);
		assert_int_equal(rsp(), 0x30000);
		assert_int_equal(cs->sel, 0x40 + 16 + 3);
		assert_int_equal(s()->seg[SEG_SS].sel, 0x40 + 24 + 3);
		assert_true(!cs->l && cs->db && cs->dpl == 3);
		assert_int_equal(r->cpu.sp_mask, UINT32_MAX);
	}
}

/* SYSEXIT_NON_CANONICAL: #GP(0), after CPL and the selector; PRIVILEGED, SYSEXIT_CS_NULL */
static void checks_of_sysexit(void **state)
{
	for (unsigned which = 0; which < 2; which++) {
		at64(0);
		msrs(0x40, 0, 0);
		s()->gpr.r64[which ? RCX : RDX] = LAST_LOW + 1;
		RUN(0x48, 0x0f, 0x35);
		faulted(VEC_GP, 0, WHY_SYSEXIT_NON_CANONICAL);
	}
	at64(3);
	msrs(0, 0, 0);
	RUN(0x48, 0x0f, 0x35);
	faulted(VEC_GP, 0, WHY_PRIVILEGED);
	at64(0);
	msrs(3, 0, 0);
	s()->gpr.r64[RCX] = NOT_CANONICAL;
	RUN(0x48, 0x0f, 0x35);
	faulted(VEC_GP, 0, WHY_SYSEXIT_CS_NULL);
}

/* ---- the stack pointer in compatibility mode ---- */

/* SDM 1, "General-Purpose Registers in 64-Bit Mode": results of 32 bits are zero-extended, those of 16 leave the
 * rest. */
static void a_stack_of_32_bits_zero_extends_esp(void **state)
{
	static const struct { uint8_t code[4]; int moves; } list[] = {
		{{0x50}, -4}, {{0x58}, 4}, {{0x6a, 1}, -4}, {{0x1e}, -4}, {{0x1f}, 4}, {{0x9c}, -4}, {{0x9d}, 4},
		{{0x60}, -32}, {{0x61}, 32}, {{0xe8, 0, 0, 0}, -4}, {{0xc8, 0, 0, 0}, -4},
	};
	const uint64_t above = UINT64_C(0x1234567800000000), top = 0x28000;

	for (unsigned i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		for (unsigned words = 0; words < 2; words++) {
			at_compat(0);
			rig_write(r, top, (const uint32_t[9]){RIG_DS0}, 36);
			s()->seg[SEG_SS].db = !words;
			segment_changed(&r->cpu, SEG_SS);
			set_rsp(above | top);
			code(list[i].code, sizeof(list[i].code));
			cpu_step(&r->cpu);
			done();
			assert_int_equal(rsp(), (words ? above : 0) + top + (uint64_t)(int64_t)list[i].moves);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(system_descriptors_have_64_bit_bases),
		T(types_of_ltr_and_lldt),
		T(sixteen_bytes_inside_the_gdt),
		T(upper_type_must_be_zero),
		T(presence_then_canonical_base),
		T(descriptors_of_an_ldt_above_4_gib),
		T(lar_and_lsl_know_the_types_of_ia32e_mode),
		T(lar_and_lsl_of_64_bits_are_zero_extended),
		T(null_ss_in_64_bit_mode),
		T(lss_with_null),
		T(other_selectors_are_checked_as_ever),
		T(data_descriptor_at_no_canonical_address),
		T(a_selector_loads_32_bits_of_base),
		T(null_in_fs_and_gs),
		T(sysenter_goes_to_64_bit_code),
		T(sysenter_without_a_selector),
		T(sysexit_with_rex_w_stays_in_64_bit_mode),
		T(sysexit_without_it_goes_to_compatibility_mode),
		T(checks_of_sysexit),
		T(a_stack_of_32_bits_zero_extends_esp),
	};

	return cmocka_run_group_tests_name("system instructions in IA-32e mode", tests, NULL, NULL);
}
