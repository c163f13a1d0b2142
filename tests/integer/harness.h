/* One handler at a time: a processor with flat segments on a small bus, and
 * uops made by hand.  The endings of a handler (uop_fault, uop_leave ...) are
 * doubles that only note which one it was. */
#ifndef TRAPGATE_TESTS_INTEGER_HARNESS_H
#define TRAPGATE_TESTS_INTEGER_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cpu/cpu.h"

#define MEMORY    0x200000u /* bytes of RAM from 0 */
#define PAGE_DIR  0x100000u /* see harness_paging() */
#define STACK_TOP 0x8000u

enum outcome {
	NOT_RUN,
	NEXT,  /* went on with the following uop */
	FAULT, /* cpu.fault */
	ALONE, /* wants to be run on its own */
	LEFT,  /* uop_leave */
	AGAIN, /* uop_again: a repetition is not over */
};

struct harness {
	struct cpu cpu; /* first: the doubles find the harness by it */
	struct bus *bus;
	struct clock clock;
	uint8_t *ram;
	uint64_t budget; /* what rep_budget() answers */
	enum outcome outcome;
	struct uop u[2];
};

struct harness *harness_new(void);
void harness_free(struct harness *h);

/* Identity paging of the first 4 MiB, all pages present, writable, user; CR0.WP
 * on.  harness_page() then changes the entry of the page at lin. */
void harness_paging(struct harness *h);
void harness_page(struct harness *h, uint32_t lin, uint32_t entry_flags);
#define PAGE_RW 0x7u
#define PAGE_RO 0x5u
#define PAGE_NO 0x0u

/* 64-bit mode: each GiB of every canonical address is the first one, its first and its last 2 MiB are the RAM, all
 * writable, user.  So there is RAM on both sides of 4 GiB and of the canonical boundary.  harness_uop() then has
 * 64-bit addresses; the bases of ES, CS, SS and DS are 1234000h and their limits 0, which must not matter. */
void harness_long64(struct harness *h);

/* The segment's descriptor changed. */
void harness_segment(struct harness *h, enum seg seg);
/* SS.B = 0: SP, limit FFFFh. */
void harness_stack16(struct harness *h);

/* A blank uop of this operand size: 32-bit addresses, DS, no base or index. */
struct uop *harness_uop(struct harness *h, unsigned width);
/* Runs u[0] as set->fn[form][its width]. */
enum outcome harness_run(struct harness *h, const struct exec *set, enum form form);

uint64_t harness_load(const struct harness *h, uint32_t pa, unsigned bytes);
void harness_store(struct harness *h, uint32_t pa, unsigned bytes, uint64_t v);

/* The status flags, and setting them. */
uint32_t harness_flags(const struct harness *h);
void harness_set_flags(struct harness *h, uint32_t flags);

/* xorshift: the same numbers in every run. */
uint64_t harness_random(uint64_t *state);

#define HARNESS_TEST(f) cmocka_unit_test_setup_teardown(f, harness_setup, harness_teardown)
int harness_setup(void **state);
int harness_teardown(void **state);

#endif
