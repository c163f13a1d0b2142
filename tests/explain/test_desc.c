/* Guest descriptions: what is taken, and how each error is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "guest/desc.h"

static bool parse(struct desc *d, const char *text, struct diagnostic *why)
{
	return desc_parse(d, "x.desc", text, strlen(text), why);
}

static void whole_description_is_taken(void **state)
{
	struct diagnostic why;
	struct desc d;
	uint32_t offset;

	assert_true(
		parse(&d,
		      "guest tiny A tiny kernel # comment\n\nrecognise a b\nregs bx cx\nregs ip\nsyscall 0x80 table 9\n"
		      "percpu segment:0xd8\ncurrent *percpu:now+4\nword flags current+8 4\nbit 3 NEED resched\n"
		      "role regs edx f\nrole handler sys_* do_*",
		      &why));
	assert_string_equal(d.name, "tiny");
	assert_string_equal(d.title, "A tiny kernel");
	assert_int_equal(d.recognised, 2);
	assert_int_equal(d.regs, 3);
	assert_true(desc_reg_offset(&d, "ip", &offset));
	assert_int_equal(offset, 8);
	assert_false(desc_reg_offset(&d, "ss", &offset));
	assert_true(d.has_syscall);
	assert_int_equal(d.syscall, 0x80);
	assert_int_equal(d.calls, 9);
	assert_int_equal(d.current.base, DESC_AT_PERCPU);
	assert_true(d.current.indirect);
	assert_int_equal(d.current.offset, 4);
	assert_int_equal(d.percpu.mask, 0xd8);
	assert_string_equal(d.word[0].bit[0].meaning, "resched");
	assert_int_equal(desc_plays(&d, "regs", "f")->reg, 2);
	assert_null(desc_plays(&d, "regs", "g"));
}

static void roles_go_by_patterns(void **state)
{
	struct diagnostic why;
	struct desc d;

	assert_true(parse(&d, "guest g\nrole regs eax sys_a\nrole handler sys_* *_end a*c\n", &why));
	assert_string_equal(desc_role_of(&d, "sys_a")->role, "handler"); /* regs is no role of this kind */
	assert_non_null(desc_role_of(&d, "sys_"));
	assert_non_null(desc_role_of(&d, "the_end"));
	assert_non_null(desc_role_of(&d, "abbc"));
	assert_null(desc_role_of(&d, "abcd"));
	assert_null(desc_role_of(&d, "xsys_a"));
}

static void every_error_names_file_and_line(void **state)
{
	static const struct {
		const char *text, *says;
	} errors[] = {
		{"guest g\nflavour x\n", "x.desc:2: no such word begins a line: flavour"},
		{"guest\n", "x.desc:1: too few or too many words behind: guest"},
		{"guest g\nguest h\n", "x.desc:2: the guest has its name already: g"},
		{"regs a b a\n", "x.desc:1: pt_regs has two words of this name: a"},
		{"syscall 256\n", "x.desc:1: a number is wanted, and not above what fits: 256"},
		{"syscall 0x8g\n", "x.desc:1: a number is wanted, and not above what fits: 0x8g"},
		{"current symbol\n", "x.desc:1: a symbol belongs behind the colon: symbol"},
		{"current tss:5\n", "x.desc:1: nothing goes behind it: tss:5"},
		{"current somewhere\n", "x.desc:1: no such place"},
		{"word flags tss 3\n", "x.desc:1: a flag word has 1, 2 or 4 bytes: 3"},
		{"bit 3 A\n", "x.desc:1: a bit belongs behind the word it is in"},
		{"word flags tss 1\nbit 8 A\n", "x.desc:2: a number is wanted, and not above what fits: 8"},
		{"word flags tss 1\nbit 1 A tea\n", "x.desc:2: resched, signal, notify or trace"},
		{"role regs f\n", "x.desc:1: role regs REGISTER FUNCTION... is wanted"},
		{"role regs f g\n", "x.desc:1: a register like eax or rax is wanted: f"},
		{"guest g\nbase tea\n", "x.desc:2: no description of that name is shipped: tea"},
		{"guest g\nregs a\nbase linux-6.1-i386\n", "x.desc:3: base has to be the first line behind guest"},
		{"regs a\n", "x.desc: no line \"guest NAME\""},
		{"guest g\ncomm current+4\n", "x.desc: something lies in current, but no line says where current is"},
		{"guest g\ncurrent *percpu:x\n",
		 "x.desc: something is per processor, but no line \"percpu\" says from where"},
		{"guest g\ncurrent current+4\n", "x.desc: current cannot lie in current"},
		{"guest g\npercpu tss\n", "x.desc: percpu is segment:SELECTOR, gsbase or *symbol:NAME"},
	};

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		struct diagnostic why = {""};
		struct desc d;

		assert_false(parse(&d, errors[i].text, &why));
		if (strncmp(why.text, errors[i].says, strlen(errors[i].says)) != 0)
			fail_msg("\"%s\" instead of \"%s\"", why.text, errors[i].says);
	}
}

static void text_that_is_none_is_refused(void **state)
{
	static const char nul[] = "guest g\nregs a\0b\n";
	char line[2000];
	struct diagnostic why;
	struct desc d;

	assert_false(desc_parse(&d, "x.desc", nul, sizeof(nul) - 1, &why));
	assert_string_equal(why.text, "x.desc:2: a NUL: this is no text");
	memset(line, 'a', sizeof(line));
	assert_false(desc_parse(&d, "x.desc", line, sizeof(line), &why));
	assert_string_equal(why.text, "x.desc:1: the line is too long");
}

static void every_shipped_description_is_right(void **state)
{
	assert_true(desc_shipped_count >= 3);
	for (unsigned i = 0; i < desc_shipped_count; i++) {
		const struct desc_shipped *s = &desc_shipped[i];
		struct diagnostic why = {""};
		struct desc d;

		if (!desc_parse(&d, s->name, s->text, s->size, &why))
			fail_msg("%s", why.text);
		assert_string_equal(d.name, s->name);
		assert_true(d.recognised > 0 && d.regs > 0 && d.words > 0);
	}
}

static void guest_is_recognised_by_all_its_symbols(void **state)
{
	static const char *const names[] = {"entry_INT80_32", "entry_SYSENTER_32", "do_int80_syscall_32",
					    "exit_to_user_mode_prepare", "ret_from_fork"};
	struct symbols symbols = {0};
	struct desc d;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		symbols_sort(&symbols);
		assert_false(desc_recognise(&d, &symbols));
		assert_true(symbols_add(&symbols, 0x1000 * (i + 1), 0, names[i]));
	}
	symbols_sort(&symbols);
	assert_true(desc_recognise(&d, &symbols));
	assert_string_equal(d.name, "linux-6.1-i386");
	symbols_free(&symbols);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_description_is_taken),
		cmocka_unit_test(roles_go_by_patterns),
		cmocka_unit_test(every_error_names_file_and_line),
		cmocka_unit_test(text_that_is_none_is_refused),
		cmocka_unit_test(every_shipped_description_is_right),
		cmocka_unit_test(guest_is_recognised_by_all_its_symbols),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
