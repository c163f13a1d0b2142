/* A processor in protected mode with small tables in RAM, whose far-transfer
 * handlers are called directly.  Nothing is fetched: targets hold no code. */
#ifndef TRAPGATE_TESTS_FAR_BENCH_H
#define TRAPGATE_TESTS_FAR_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/block.h"
#include "cpu/cpu.h"
#include "cpu/deliver.h"
#include "cpu/desc.h"
#include "cpu/stackswitch.h"
#include "trace/trace.h"

/* Where things lie. */
#define RAM_SIZE  0x40000u
#define GDT_BASE  0x1000u
#define GDT_LIMIT 0x1ffu
#define LDT_BASE  0x1800u
#define LDT_LIMIT 0x7fu
#define TSS_A     0x2000u /* current, 32 bits */
#define TSS_B     0x2400u /* 32 bits */
#define TSS_C     0x2800u /* 16 bits */
#define STACK0    0x8000u /* ESP0 of TSS_A */
#define STACK1    0x9000u
#define STACK2    0xa000u
#define STACK     0xb000u /* ESP at the start */
#define POINTER   0xc000u /* far pointers in memory */

/* Selectors, without RPL.  Code and data of each level n: SEL_CODE + 8 * n ... */
#define SEL_CODE  0x08u
#define SEL_DATA  0x28u
#define SEL_CONF  0x48u /* conforming, DPL n */
#define SEL_TSS_A 0x68u
#define SEL_TSS_B 0x70u
#define SEL_TSS_C 0x78u
#define SEL_LDT   0x80u
#define SEL_GATE  0x88u /* free for gates */
#define SEL_X     0x90u /* free for what a test is about */
#define SEL_Y     0x98u
#define SEL_Z     0xa0u
#define SEL_FAR   0x3f8u /* beyond the GDT */
#define CODE(n)   ((uint16_t)(SEL_CODE + 8 * (n) + (n)))
#define DATA(n)   ((uint16_t)(SEL_DATA + 8 * (n) + (n)))
#define CONF(n)   ((uint16_t)(SEL_CONF + 8 * (n)))

/* Access bytes: P = 1, DPL 0 unless said. */
#define A_P         0x80u
#define A_DPL(n)    ((unsigned)(n) << 5)
#define A_CODE      0x9bu /* readable, accessed */
#define A_CONF      0x9fu
#define A_DATA      0x93u /* writable, accessed */
#define A_ABSENT(a) ((a) & ~A_P)
#define A_SYS(t)    (A_P | (unsigned)(t))
#define FLAT        0xfffffu /* with F_32: limit 4 GBytes */
#define F_32        0xcu     /* G, D/B */
#define F_32_BYTE   0x4u     /* D/B, limit in bytes */
#define F_16        0x0u     /* 16 bits, limit in bytes */

struct bench {
	struct bus *bus;
	struct clock clock;
	struct trace trace;
	struct cpu cpu;
	uint8_t *ram;
	struct arch_state before; /* bench_mark() */
	uint8_t ram_before[RAM_SIZE];
	struct block *block; /* a block of one instruction */
	unsigned entries, returns, tasks;
	struct entry_record entry;
	struct return_record returned;
	struct task_record task;
};

/* At CPL 0, 32-bit flat segments, TR = TSS_A, LDT loaded. */
struct bench *bench_open(void);
void bench_close(struct bench *b);
int bench_setup(void **state);
int bench_teardown(void **state);

/* Descriptors. */
uint64_t descriptor(uint32_t base, uint32_t limit, unsigned access, unsigned flags);
uint64_t gate(uint16_t sel, uint32_t offset, unsigned access, unsigned params);
void put_desc(struct bench *b, uint16_t sel, uint64_t raw);
uint8_t access_byte(struct bench *b, uint16_t sel);

uint32_t peek32(struct bench *b, uint32_t at);
uint16_t peek16(struct bench *b, uint32_t at);
void poke32(struct bench *b, uint32_t at, uint32_t value);
void poke16(struct bench *b, uint32_t at, uint16_t value);

/* Flat code and stack of that level, data of level 3 in DS..GS. */
void set_level(struct bench *b, unsigned cpl);
void set_real(struct bench *b);
void set_vm86(struct bench *b);
/* Loads a segment register with what the descriptor says, unchecked. */
void force_segment(struct bench *b, enum seg seg, uint16_t sel, uint64_t raw);
void set_esp(struct bench *b, uint32_t esp);

/* 32-bit paging with WP, every page its own, user, writable; map() changes
 * one: bits 1 present, 2 writable, 4 user. */
#define PAGE_DIR   0x10000u
#define PAGE_TABLE 0x11000u
void set_paging(struct bench *b);
void map(struct bench *b, uint32_t page, unsigned bits);

/* Runs a handler on an instruction at CS:NEXT_IP - 7; true: it did not fault. */
#define NEXT_IP 0x1007u
bool far_i(struct bench *b, bool call, unsigned width, uint16_t sel, uint32_t offset);
bool far_m(struct bench *b, bool call, unsigned width, uint16_t sel, uint32_t offset);
bool ret_i(struct bench *b, unsigned width, unsigned release);

/* Remembers state and RAM; nothing may have changed since but the fault. */
void bench_mark(struct bench *b);
void assert_unchanged(struct bench *b);
/* The same, paging structures aside (accessed and dirty bits); and a #PF there. */
void assert_page_fault(struct bench *b, uint32_t cr2);
void assert_fault(struct bench *b, enum vector vector, uint32_t error, enum why why);
/* far_i() faults so and changes nothing. */
void refuses(struct bench *b, bool call, uint16_t sel, enum vector vector, uint32_t error, enum why why);

static inline struct bench *bench_of(void **state)
{
	return *state;
}
static inline uint32_t esp(struct bench *b)
{
	return (uint32_t)b->cpu.s.gpr.r64[RSP];
}
static inline uint16_t sel_of(struct bench *b, enum seg seg)
{
	return b->cpu.s.seg[seg].sel;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

#endif
