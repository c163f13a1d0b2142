/* Registers, the whole state, descriptors, texts. */
#include <stdlib.h>
#include <string.h>

#include "world.h"

static struct tg_cpu *first(struct tg_machine *m)
{
	return tg_machine_cpu(m, 0);
}

static void every_register_is_named_found_and_read(void **state)
{
	struct tg_machine *m = world_new(0);

	for (int i = 0; i < TG_REGISTERS; i++) {
		enum tg_register found = TG_REGISTERS;
		uint64_t value;

		assert_non_null(tg_register_name((enum tg_register)i));
		OK(tg_register_find(tg_register_name((enum tg_register)i), &found));
		assert_int_equal(found, i);
		OK(tg_register_get(first(m), (enum tg_register)i, &value));
		/* What it holds can be written, and stays. */
		OK(tg_register_set(first(m), (enum tg_register)i, value));
		assert_int_equal(world_get(m, (enum tg_register)i), value);
	}
	assert_null(tg_register_name(TG_REGISTERS));
	assert_int_equal(tg_register_find("r99", &(enum tg_register){TG_EAX}), TG_ERROR_NOT_FOUND);
	assert_int_equal(tg_register_get(first(m), TG_REGISTERS, &(uint64_t){0}), TG_ERROR_REGISTER);
	tg_machine_free(m);
}

static void parts_of_registers(void **state)
{
	struct tg_machine *m = world_new(0);

	OK(tg_register_set(first(m), TG_EBX, 0x11223344));
	assert_int_equal(world_get(m, TG_BX), 0x3344);
	assert_int_equal(world_get(m, TG_BH), 0x33);
	OK(tg_register_set(first(m), TG_BH, 0xff));
	assert_int_equal(world_get(m, TG_EBX), 0x1122ff44);
	assert_int_equal(tg_register_set(first(m), TG_BH, 0x100), TG_ERROR_VALUE);
	assert_non_null(strstr(tg_machine_detail(m), "bh = 0x100: it has 8 bits"));
	tg_machine_free(m);
}

static void states_no_processor_can_be_in_are_refused(void **state)
{
	static const struct {
		enum tg_register reg;
		uint64_t value;
	} bad[] = {
		{TG_CR0, 0x80000010},   /* PG without PE */
		{TG_CR0, 0x20000011},   /* NW without CD */
		{TG_CR0, 0x1000000000}, /* too wide */
		{TG_CR4, 0x80000000},   /* no such bit */
		{TG_EFLAGS, 0},         /* bit 1 is always 1 */
		{TG_EFLAGS, 0x8002},    /* bit 15 is always 0 */
		{TG_EFLAGS, 0x20002},   /* VM at CPL 0 */
		{TG_CPL, 4},
		{TG_ACTIVITY, 9},
	};
	struct tg_machine *m = world_new(0);

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint64_t before = world_get(m, bad[i].reg);

		assert_int_equal(tg_register_set(first(m), bad[i].reg, bad[i].value), TG_ERROR_VALUE);
		assert_int_equal(world_get(m, bad[i].reg), before);
	}
	tg_machine_free(m);
}

static void a_state_is_written_whole_or_not_at_all(void **state)
{
	struct tg_machine *m = world_new(3);
	struct tg_state was = {.size = sizeof(was)}, wanted, now = {.size = sizeof(now)};

	OK(tg_state_get(first(m), &was));
	wanted = was;
	wanted.gpr[0] = 5;
	wanted.cpl = 7;
	assert_int_equal(tg_state_set(first(m), &wanted), TG_ERROR_VALUE);
	wanted.cpl = 3;
	wanted.cr3 = UINT64_C(1) << 60;
	assert_int_equal(tg_state_set(first(m), &wanted), TG_ERROR_VALUE);
	OK(tg_state_get(first(m), &now));
	assert_memory_equal(&now, &was, sizeof(was));
	wanted.cr3 = was.cr3;
	wanted.gpr[1] = 6;
	wanted.dr[2] = 0x1234;
	wanted.sysenter_eip = 0x4567;
	wanted.st[3] = (struct tg_fp80){.mantissa = UINT64_C(1) << 63, .sign_exponent = 0x3fff};
	wanted.segment[TG_SEG_FS].base = 0x5000;
	OK(tg_state_set(first(m), &wanted));
	OK(tg_state_get(first(m), &now));
	assert_int_equal(now.gpr[0], 5);
	assert_int_equal(now.gpr[1], 6);
	assert_int_equal(now.dr[2], 0x1234);
	assert_int_equal(now.sysenter_eip, 0x4567);
	assert_int_equal(now.st[3].sign_exponent, 0x3fff);
	assert_int_equal(now.segment[TG_SEG_FS].base, 0x5000);
	wanted.size = 100;
	assert_int_equal(tg_state_set(first(m), &wanted), TG_ERROR_VERSION);
	tg_machine_free(m);
}

/* Flags are computed late inside: what is read is what the instructions made. */
static void flags_are_read_as_computed(void **state)
{
	struct tg_machine *m = world_new(0);

	CODE(m, 0x31, 0xc0, 0xf4); /* xor eax, eax */
	world_run(m, 1);
	assert_int_equal(world_get(m, TG_EFLAGS) & 0x8d5, 0x44); /* ZF PF */
	OK(tg_register_set(first(m), TG_EFLAGS, 0x8d7));
	assert_int_equal(world_get(m, TG_EFLAGS), 0x8d7);
	tg_machine_free(m);
}

static void a_selector_brings_its_descriptor(void **state)
{
	struct tg_machine *m = world_new(0);
	struct tg_segment g = {.selector = 0x28,
			       .base = 0x12345678,
			       .limit = 0x00abcfff,
			       .type = 3,
			       .s = true,
			       .dpl = 2,
			       .present = true,
			       .usable = true,
			       .avl = true,
			       .db = true,
			       .g = true},
			  got;
	uint64_t raw = tg_segment_encode(&g);

	world_code(m, WORLD_GDT + 0x28, &raw, 8);
	OK(tg_register_set(first(m), TG_FS, 0x28));
	OK(tg_segment_get(first(m), TG_SEG_FS, &got));
	assert_memory_equal(&got, &g, sizeof(g));
	OK(tg_register_set(first(m), TG_FS, 3));
	OK(tg_segment_get(first(m), TG_SEG_FS, &got));
	assert_false(got.usable);
	assert_int_equal(tg_register_set(first(m), TG_FS, 0x30), TG_ERROR_UNMAPPED);
	g.base = 0x5000;
	OK(tg_segment_set(first(m), TG_SEG_GS, &g));
	CODE(m, 0x65, 0xc6, 0x05, 1, 0, 0, 0, 9, 0xf4); /* mov byte gs:[1], 9 */
	world_run(m, 10);
	OK(tg_memory_read(m, 0x5001, &raw, 1, NULL));
	assert_int_equal(raw & 0xff, 9);
	g.type = 16;
	assert_int_equal(tg_segment_set(first(m), TG_SEG_GS, &g), TG_ERROR_VALUE);
	tg_machine_free(m);
}

static void in_real_mode_the_base_follows_the_selector(void **state)
{
	struct tg_config config = {.size = sizeof(config), .ram = 0x100000};
	struct tg_segment got;
	struct tg_machine *m;

	OK(tg_machine_new(&config, &m, NULL, 0));
	OK(tg_start(m, TG_MODE_REAL, 0x7c00));
	assert_int_equal(world_get(m, TG_EIP), 0x7c00);
	OK(tg_register_set(first(m), TG_ES, 0x1234));
	OK(tg_segment_get(first(m), TG_SEG_ES, &got));
	assert_int_equal(got.base, 0x12340);
	assert_int_equal(got.limit, 0xffff);
	tg_machine_free(m);
}

static void descriptors_go_there_and_back(void **state)
{
	struct tg_gate gate = {.offset = 0x12345678,
			       .selector = 0x1b,
			       .type = 0xc,
			       .dpl = 3,
			       .parameters = 17,
			       .present = true},
		       back;
	struct tg_segment g = {.selector = 8,
			       .base = 0xfedc1234,
			       .limit = 0x45678,
			       .type = 0xb,
			       .s = true,
			       .present = true,
			       .usable = true,
			       .l = true},
			  g_back;

	tg_gate_decode(tg_gate_encode(&gate), &back);
	assert_int_equal(back.offset, gate.offset);
	assert_int_equal(back.selector, gate.selector);
	assert_int_equal(back.type, gate.type);
	assert_int_equal(back.dpl, gate.dpl);
	assert_int_equal(back.parameters, gate.parameters);
	assert_true(back.present);
	tg_segment_decode(tg_segment_encode(&g), 8, &g_back);
	assert_memory_equal(&g_back, &g, sizeof(g));
	/* SDM 3A, "Segment Descriptors": flat 4 GiB code is this number. */
	g = (struct tg_segment){.limit = 0xffffffff, .type = 0xa, .s = true, .present = true, .db = true, .g = true};
	assert_true(tg_segment_encode(&g) == UINT64_C(0x00cf9a000000ffff));
}

static void pae_pointers_are_loaded_with_cr3(void **state)
{
	struct tg_machine *m = world_new(0);
	static const uint64_t good[4] = {0x6001}, bad[4] = {0x6007};
	uint64_t pd[4] = {0x83}, pa; /* one page of 2 MiB */

	world_code(m, 0x5000, good, sizeof(good));
	world_code(m, 0x5020, bad, sizeof(bad));
	world_code(m, 0x6000, pd, sizeof(pd));
	OK(tg_register_set(first(m), TG_CR4, 0x20));
	OK(tg_register_set(first(m), TG_CR3, 0x5000));
	OK(tg_register_set(first(m), TG_CR0, world_get(m, TG_CR0) | 0x80000000u));
	OK(tg_translate(first(m), 0x1234, &pa));
	assert_int_equal(pa, 0x1234);
	assert_int_equal(tg_register_set(first(m), TG_CR3, 0x5020), TG_ERROR_VALUE);
	assert_int_equal(world_get(m, TG_CR3), 0x5000);
	tg_machine_free(m);
}

static void msrs_are_as_rdmsr_and_wrmsr_have_them(void **state)
{
	struct tg_machine *m = world_new(0);
	uint64_t value;

	OK(tg_msr_set(first(m), 0x176, 0x1234)); /* IA32_SYSENTER_EIP */
	OK(tg_msr_get(first(m), 0x176, &value));
	assert_int_equal(value, 0x1234);
	assert_int_equal(tg_msr_get(first(m), 0xdead, &value), TG_ERROR_REGISTER);
	assert_non_null(strstr(tg_machine_detail(m), "MSR deadh"));
	assert_int_equal(tg_msr_set(first(m), 0x179, 0), TG_ERROR_VALUE); /* IA32_MCG_CAP is read-only */
	tg_machine_free(m);
}

static void x87_registers(void **state)
{
	struct tg_machine *m = world_new(0);
	struct tg_fp80 pi;

	CODE(m, 0xdb, 0xe3, 0xd9, 0xeb, 0xf4); /* fninit; fldpi: into R7 */
	world_run(m, 10);
	OK(tg_fpu_get(first(m), 7, &pi));
	assert_true(pi.mantissa == UINT64_C(0xc90fdaa22168c235) && pi.sign_exponent == 0x4000);
	assert_int_equal(world_get(m, TG_FTW), 0x3fff);
	pi.sign_exponent |= 0x8000;
	OK(tg_fpu_set(first(m), 7, &pi));
	OK(tg_fpu_get(first(m), 7, &pi));
	assert_int_equal(pi.sign_exponent, 0xc000);
	assert_int_equal(tg_fpu_get(first(m), 8, &pi), TG_ERROR_ARGUMENT);
	tg_machine_free(m);
}

/* ---- texts ---- */

static void every_reason_has_name_sentence_and_place(void **state)
{
	assert_in_range(tg_why_count(), 100, 1000);
	for (unsigned i = 1; i < tg_why_count(); i++) {
		struct tg_why why = {.size = sizeof(why)};
		unsigned n = 0;

		OK(tg_why(i, &why));
		assert_true(why.name[0] && why.sentence[0] && why.source[0]);
		OK(tg_why_find(why.name, &n));
		assert_int_equal(n, i);
	}
	assert_int_equal(tg_why(tg_why_count(), &(struct tg_why){.size = sizeof(struct tg_why)}), TG_ERROR_NOT_FOUND);
	assert_int_equal(tg_why_find("NO_SUCH_REASON", &(unsigned){0}), TG_ERROR_NOT_FOUND);
}

static void names_of_numbers(void **state)
{
	assert_string_equal(tg_event_name(TG_EVENT_SOFT_INT), "soft-int");
	assert_string_equal(tg_outcome_name(TG_OUTCOME_REFUSED), "refused");
	assert_string_equal(tg_step_name(TG_CHECK_STACK_LIMIT), "stack-limit");
	assert_string_equal(tg_stack_name(TG_STACK_TSS32), "tss32");
	assert_string_equal(tg_word_name(TG_WORD_IP, 4), "EIP");
	assert_string_equal(tg_word_name(TG_WORD_IP, 2), "IP");
	assert_string_equal(tg_return_name(TG_RETURN_SYSEXIT), "sysexit");
	assert_string_equal(tg_entry_name(TG_ENTRY_CALL_GATE), "call-gate");
	assert_string_equal(tg_task_name(TG_TASK_IRET), "iret");
	assert_string_equal(tg_mode_name(TG_CPU_VM86), "vm86");
	assert_string_equal(tg_exception_name(13), "#GP");
	assert_null(tg_exception_name(200));
	assert_string_equal(tg_event_name(99), "?");
}

static void cards_of_deliveries(void **state)
{
	static char card[TG_TEXT_SIZE];
	struct tg_machine *m = world_new(3);
	struct tg_delivery d = {.size = sizeof(d)};

	CODE(m, 0xcd, 0x80);
	world_run(m, 100);
	assert_int_equal(tg_delivery_count(m), 2);
	OK(tg_delivery_recent(m, 1, &d));
	assert_int_equal(d.outcome, TG_OUTCOME_REFUSED);
	OK(tg_delivery_card(m, d.id, card, sizeof(card)));
	assert_non_null(strstr(card, "REFUSED at gate-dpl: #GP(0402: IDT[80])"));
	OK(tg_explain(m, card, sizeof(card)));
	assert_non_null(strstr(card, "raised while #1 was being delivered"));
	OK(tg_state_text(m, card, sizeof(card)));
	assert_non_null(strstr(card, "ring 0"));
	assert_int_equal(tg_delivery_card(m, 77, card, sizeof(card)), TG_ERROR_NOT_FOUND);
	assert_int_equal(tg_delivery_card(m, d.id, card, 10), TG_ERROR_SMALL);
	assert_int_equal(strlen(card), 9);
	assert_int_equal(tg_delivery_recent(m, 2, &d), TG_ERROR_NOT_FOUND);
	tg_machine_free(m);
}

static void instructions_as_text(void **state)
{
	struct tg_machine *m = world_new(0);
	unsigned length = 0;
	char text[64];

	CODE(m, 0xb8, 1, 0, 0, 0);
	OK(tg_disassemble(first(m), WORLD_CODE, text, sizeof(text), &length));
	assert_string_equal(text, "mov eax, 1");
	assert_int_equal(length, 5);
	assert_int_equal(tg_disassemble(first(m), WORLD_RAM, text, sizeof(text), NULL), TG_ERROR_UNMAPPED);
	assert_int_equal(tg_disassemble(first(m), WORLD_CODE, text, 4, NULL), TG_ERROR_SMALL);
	assert_string_equal(text, "mov");
	tg_machine_free(m);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_register_is_named_found_and_read),
		cmocka_unit_test(parts_of_registers),
		cmocka_unit_test(states_no_processor_can_be_in_are_refused),
		cmocka_unit_test(a_state_is_written_whole_or_not_at_all),
		cmocka_unit_test(flags_are_read_as_computed),
		cmocka_unit_test(a_selector_brings_its_descriptor),
		cmocka_unit_test(in_real_mode_the_base_follows_the_selector),
		cmocka_unit_test(descriptors_go_there_and_back),
		cmocka_unit_test(pae_pointers_are_loaded_with_cr3),
		cmocka_unit_test(msrs_are_as_rdmsr_and_wrmsr_have_them),
		cmocka_unit_test(x87_registers),
		cmocka_unit_test(every_reason_has_name_sentence_and_place),
		cmocka_unit_test(names_of_numbers),
		cmocka_unit_test(cards_of_deliveries),
		cmocka_unit_test(instructions_as_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
