/* A processor's memory with nothing around it: RAM, a ROM, a device, a hole,
 * and page tables that a test fills by hand. */
#ifndef TESTS_MMU_BENCH_H
#define TESTS_MMU_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mmu/mmu.h"

#define RAM_SIZE  0x400000u
#define DEVICE_PA 0x800000u /* one page */
#define ROM_PA    0xa00000u /* one page */
#define HOLE_PA   0xc00000u

/* Where the tests keep their page tables. */
#define PD  0x1000u
#define PT  0x2000u /* of linear 0-3fffff (PAE: 0-1fffff) */
#define PT2 0x3000u
#define PDPT 0x4000u
#define PML4 0x5000u
#define PML5 0x6000u
/* Linear and physical pages of data. */
#define PAGE_A 0x10000u
#define PAGE_B 0x11000u

struct bench {
	struct bus *bus;
	struct region *ram;
	struct arch_state s;
	struct fault fault;
	struct mmu mmu;
	unsigned device_reads, device_writes;
	uint64_t device_value;
	unsigned code_written;
	uint64_t code_pa;
};

/* Protected mode, CPL 0, flat segments, paging off; not alone. */
struct bench *bench_new(void);
void bench_free(struct bench *b);
int bench_set_up(void **state);
int bench_tear_down(void **state);

void bench_segment(struct bench *b, enum seg seg, struct segment value);
void bench_cpl(struct bench *b, unsigned cpl);
/* Sets the registers and lets the mmu know; flushes everything. */
void bench_modes(struct bench *b, uint64_t cr0, uint64_t cr4, uint64_t efer);
/* 32-bit paging: PD and PT in place, linear 0-3fffff mapped to itself, user, writable. */
void bench_paging(struct bench *b, uint64_t cr4);
/* The same with PAE: linear 0-1fffff by PT, 200000-3fffff by PT2. */
void bench_pae(struct bench *b, uint64_t cr4, uint64_t efer);

/* IA-32e mode, 64-bit code: the same linear pages, by 4 levels, or 5 with CR4_LA57; user, writable. */
void bench_long(struct bench *b, uint64_t cr4, uint64_t efer);
/* CS.L and CS.D: 64-bit mode, or compatibility mode with 32-bit code. */
void bench_code64(struct bench *b, bool on);

uint32_t mem32(struct bench *b, uint64_t pa);
void set_mem32(struct bench *b, uint64_t pa, uint32_t value);
uint64_t mem64(struct bench *b, uint64_t pa);
void set_mem64(struct bench *b, uint64_t pa, uint64_t value);
/* The 32-bit PTE of a linear address below 400000. */
uint32_t pte(struct bench *b, uint64_t lin);
void set_pte(struct bench *b, uint64_t lin, uint32_t value);

/* Exactly this fault is in b->fault. */
void assert_fault(const struct bench *b, unsigned vector, uint32_t error, enum why why);
void assert_page_fault(const struct bench *b, uint32_t error, uint64_t cr2, enum why why);

#define ASSERT_READ(b, seg, off, bytes, value)                                                                         \
	do {                                                                                                           \
		struct rd rd_ = seg_read(&(b)->mmu, (seg), (off), (bytes));                                            \
		assert_true(rd_.ok);                                                                                   \
		assert_int_equal(rd_.v, (value));                                                                      \
	} while (0)
#define ASSERT_WRITE(b, seg, off, bytes, value) assert_true(seg_write(&(b)->mmu, (seg), (off), (bytes), (value)))

#define TEST(f) cmocka_unit_test_setup_teardown(f, bench_set_up, bench_tear_down)

#endif
