/* Instructions as hexadecimal text, for the tests of the decoder's rules. */
#ifndef TRAPGATE_TESTS_DECODE_TEXT_H
#define TRAPGATE_TESTS_DECODE_TEXT_H

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "decode/insn.h"

enum { ES, CS, SS, DS, FS, GS };
enum { AX, CX, DX, BX, SP, BP, SI, DI };

/* Decodes hexadecimal text, all of it and nothing behind it, from a buffer of just that size. */
static inline struct insn decode_text(const char *text, enum decode_mode mode, uint64_t how)
{
	uint8_t *bytes = malloc(strlen(text) + 1);
	size_t size = 0;
	struct insn insn;

	for (const char *at = text; *at; at++)
		if (*at != ' ') {
			char digits[3] = {at[0], at[1], 0};
			bytes[size++] = (uint8_t)strtoul(digits, NULL, 16);
			at++;
		}
	uint8_t *exact = malloc(size ? size : 1);
	memcpy(exact, bytes, size);
	free(bytes);
	enum decode_status status = decode(&insn, exact, size, mode, how);
	assert_int_equal(status, insn.status);
	free(exact);
	return insn;
}

struct status_case {
	const char *text;
	enum decode_status status;
	unsigned length;
};

static inline void check_status(const struct status_case *cases, size_t count, enum decode_mode mode, uint64_t how)
{
	for (size_t i = 0; i < count; i++) {
		struct insn insn = decode_text(cases[i].text, mode, how);
		if (insn.status != cases[i].status || insn.length != cases[i].length)
			fail_msg("%s: status %u, length %u", cases[i].text, insn.status, insn.length);
	}
}
#define CHECK_STATUS(cases, mode, db) check_status(cases, sizeof(cases) / sizeof((cases)[0]), mode, db)

static inline void check_operand(const struct operand *op, unsigned kind, unsigned reg, unsigned width)
{
	assert_int_equal(op->kind, kind);
	assert_int_equal(op->reg, reg);
	assert_int_equal(op->width, width);
}

#endif
