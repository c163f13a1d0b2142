/* The delivery matrix: what a combination is.  world_build() turns an index into a world: descriptor tables, task
 * state, page protections and the state in which the event comes.  The guest puts the world into memory and lets the
 * event happen; the oracle of tests/matrix reads the same world and says what must come of it.  Nothing here knows how
 * an event is delivered. */
#ifndef MATRIX_WORLD_H
#define MATRIX_WORLD_H

#include "common.h"

/* ---- places (linear = physical addresses), for C and the assembler ---- */
#define STUBS      0x110000 /* base of every test code segment: triggers and handlers */
#define IDT_BASE   0x113f00 /* vectors 0-1Fh in one page, 20h and up in the next */
#define GDT_BASE   0x115f78 /* descriptors 0-16 in one page, 17-31 in the next */
#define LDT_BASE   0x118000
#define TSS_BASE   0x119000 /* the current task's */
#define TASKS_BASE 0x11a000 /* the others', 80h apart */
#define TASK_STEP  0x80
#define CAPTURE    0x11c000 /* what a handler found */
#define SAFE_STACK 0x11d000 /* 400h for each level, used by handlers after the capture of SS:ESP */
#define TASK_STACK 0x11e000 /* 100h for each task */
#define CUR_STACK  0x120000 /* 64 KiB: the interrupted program's stack */
#define IN_STACK   0x140000 /* 64 KiB: stacks of the inner levels */
#define PAGE_DIR   0x160000
#define PAGE_TABLE 0x161000
#define FAR_STUBS  0x170000 /* where a processor gets to that takes 32 bits of offset from a 16-bit gate */
#define LOW_FRAME  0x7000   /* IRETD's frame: below 64 KiB, so that ESP's upper half is 0 whether restored or not */
#define V86_CODE   0x8000
#define V86_STACK  0x9000
#define ABSENT     0xa000 /* a page that is never present */

/* Offsets in the stubs */
#define TRIGGERS     0x000 /* 20h each */
#define HANDLERS32   0x400 /* 10h each, for code segments with D = 1 */
#define HANDLERS16   0x900 /* 10h each, for code segments with D = 0 */
#define V86_TRIGGERS 0x1000
#define TRIGGER_STEP 0x20
#define TRIGGER_SKIP 2 /* STI, NOP before the trigger proper */

#define TEST_VECTOR   0x44 /* INT n, and IRQ 4 */
#define RETURN_VECTOR 0x46 /* the handler that returns go to */
#define VECTORS       0x48
/* Handlers: 0 to VECTORS - 1 by vector, then those that are tasks */
#define TASK_DF     0x48
#define TASK_EXC    0x4a /* + vector - 10 */
#define TASK_TEST   0x4f
#define HANDLERS    0x50
#define HANDLER_FAR 0x100 /* added at FAR_STUBS */

/* GDT indices */
#define G_MONITOR_CS 1
#define G_MONITOR_SS 2
#define G_FLAT3      3
#define G_CS         4 /* + level: where triggers and exception handlers run */
#define G_SAFE       8 /* + level 0-2 */
#define G_DF_TSS     11
#define G_IN_SS      12 /* + level 0-2 */
#define G_TSS        15
#define G_CUR_SS     16
#define G_EXC_TSS    17 /* + vector - 10 */
#define G_TASK_TSS   22
#define G_LDT        23
#define G_TEST_CS    24
#define G_TEST_SS    25
#define G_ES         26 /* what returns find in ES: data; in FS: conforming code; in GS: other code */
#define G_FS         29
#define G_GS         30
#define G_ABSENT     27
#define G_ABSENT_SS  28
#define G_LAST       31
#define GDT_ENTRIES  32
#define G_NONE       0x1555 /* beyond every GDT */

#ifndef __ASSEMBLER__

enum source {
	SRC_INT,
	SRC_INT3,
	SRC_INTO,
	SRC_INT1,
	SRC_EXT,
	SRC_UD,
	SRC_DE,
	SRC_GP,
	SRC_NP,
	SRC_SS,
	SRC_TS,
	SRC_PF,
	EVENTS,
	SRC_IRET32 = EVENTS,
	SRC_IRET16,
	SRC_RETF32,
	SRC_RETF16,
	SOURCES
};

#define V86 4 /* level: virtual-8086 mode */

/* Where exceptions that come up while the event is delivered are handled. */
enum nested { NESTED_SAME, NESTED_RING0, NESTED_TASK };

enum { TSS_CUR, TSS_DF, TSS_EXC, TSS_TEST = TSS_EXC + 5, TSS_COUNT };

struct world {
	unsigned source, level;
	uint64_t gdt[GDT_ENTRIES], ldt[4], idt[VECTORS];
	uint32_t gdt_limit, idt_limit;
	uint16_t ldt_sel; /* LDTR; 0: none */
	bool tss32;       /* kind of the current TSS */
	uint8_t tss[TSS_COUNT][0x68];
	struct guarded guarded;
	bool wp; /* CR0.WP */
	/* the interrupted program */
	uint32_t eip, eflags, esp, eax;
	uint16_t cs, ss, ds, es, fs, gs;
	/* what it returns to, from the top of its stack: EIP CS EFLAGS ESP SS ES DS FS GS (RETF: without EFLAGS) */
	uint32_t image[9];
	unsigned images;
	uint32_t trigger; /* EIP of the instruction that raises the event, or before which it comes */
};

static inline bool is_return(const struct world *w)
{
	return w->source >= EVENTS;
}

/* Bytes of a value on the stack that a return pops. */
static inline unsigned return_size(const struct world *w)
{
	return w->source == SRC_IRET32 || w->source == SRC_RETF32 ? 4 : 2;
}

/* Does the return lead to virtual-8086 mode? */
static inline bool returns_to_v86(const struct world *w)
{
	return w->source == SRC_IRET32 && w->level == 0 && (w->image[2] & 0x20000) && !(w->eflags & 0x4000);
}

/* Do the segment registers belong to the record? */
static inline bool shows_segments(const struct world *w)
{
	return w->level == V86 || is_return(w);
}

/* The vector of each event. */
extern const uint8_t source_vector[SOURCES];

/* The memory of task number n in struct world.tss. */
static inline uint32_t world_tss_base(unsigned n)
{
	return n == TSS_CUR ? TSS_BASE : TASKS_BASE + (n - 1) * TASK_STEP;
}

#endif
#endif
