/* The delivery matrix of IA-32e mode: what a combination is.  As roms/matrix/world.h: world_build() turns an index into
 * a world, the guest lets its event happen, the oracle of tests/matrix64 says what must come of it.  Nothing here knows
 * how an event is delivered. */
#ifndef MATRIX64_WORLD_H
#define MATRIX64_WORLD_H

#include "common.h"

/* ---- places, for C and the assembler.  Each canonical address is mapped, to physical address modulo 4 MiB. ---- */
#define STUBS      0x4000   /* triggers and handlers, below 64 KiB: IRETW reaches them */
#define COMPAT     0x170000 /* base of the 16- and 32-bit code segments; 64-bit mode takes no notice of it */
#define FAR_STUBS  0x174000 /* the stubs once more: COMPAT + STUBS */
#define IDT_BASE   0x112e00 /* vectors 0-1Fh in one page, 20h and up in the next */
#define GDT_BASE   0x114f38 /* descriptors 0-24 in one page, 25-39 in the next */
#define LDT_BASE   0x118000
#define TSS_BASE   0x119000
#define CAPTURE    0x11c000 /* what a handler found */
#define SAFE_STACK 0x11d000 /* 400h for each level, used by handlers after the capture */
#define LOW_STACK  0xc000   /* the programs' stack where offsets have 16 bits */
#define CUR_STACK  0x120000 /* 64 KiB: the interrupted program's stack */
#define IN_STACK   0x140000 /* 64 KiB: stacks of the inner levels and of IST 1-5 */
#define OWN_STACK  0x150000 /* 64 KiB: IST 6 and 7 */
#define TABLES     0x160000 /* PML4, PDPT, page directory, two page tables */
#define LOW_FRAME  0xb000   /* the frame a program is entered by */
#define ABSENT     0xa000   /* a page that is never present */
#define MEMORY     0x3fffff /* the mask from linear to physical */

/* Offsets in the stubs */
#define TRIGGERS64   0x000 /* 20h each, in each mode */
#define TRIGGERS32   0x400
#define TRIGGERS16   0x800
#define TRIGGER_STEP 0x20
#define HANDLERS64   0xc00 /* 10h each */
#define LANDING32    0x1100 /* where returns to compatibility mode go */
#define LANDING16    0x1120
#define STUBS_SIZE   0x1400

#define TEST_VECTOR   0x44 /* INT n, and IRQ 4 */
#define RETURN_VECTOR 0x46 /* the handler that returns go to */
#define MISSED_VECTOR 0x47
#define VECTORS       0x48
#define HANDLER_FAR   0x100 /* added at FAR_STUBS */
#define RETURN32      0x232 /* a return's arrival in 32- and 16-bit code */
#define RETURN16      0x216

/* GDT indices */
#define G_SYSENTER   1 /* 64-bit code, flat data: SYSENTER's */
#define G_MONITOR_SS 2
#define G_MONITOR_CS 3 /* 32-bit */
#define G_FLAT3      4
#define G_CS64       5  /* + level */
#define G_CS32       9  /* + level */
#define G_CS16       13 /* + level */
#define G_SS         17 /* + level: the programs' stacks, base 0 */
#define G_TSS        21 /* and 22 */
#define G_LDT        23 /* and 24 */
#define G_TEST_CS    25
#define G_TEST_SS    26
#define G_ABSENT     27
#define G_ABSENT_SS  28
#define G_ES         29 /* what returns find in ES: data; in FS: conforming code; in GS: other code */
#define G_FS         30
#define G_GS         31
#define G_SAFE       32 /* + level 0-2: for handlers after the capture */
#define G_LAST       39
#define GDT_ENTRIES  40
#define G_NONE       0x1555 /* beyond every GDT */

#ifndef __ASSEMBLER__

enum source {
	SRC_INT,
	SRC_INT3,
	SRC_INT1,
	SRC_EXT,
	SRC_NMI,
	SRC_UD,
	SRC_DE,
	SRC_GP,     /* a selector */
	SRC_NP,
	SRC_SS,
	SRC_PF,
	SRC_GP0,    /* 64-bit mode: an address that is not canonical */
	SRC_SS0,    /* 64-bit mode: the same, of the stack */
	SRC_INTO,   /* #UD in 64-bit mode */
	EVENTS,
	SRC_IRET64 = EVENTS,
	SRC_IRET32,
	SRC_IRET16,
	SRC_RETF64,
	SRC_RETF32,
	SRC_RETF16,
	SOURCES
};

enum mode { MODE64, MODE32, MODE16 };

/* Where exceptions that come up while the event is delivered are handled: at the program's level on its stack, at ring
 * 0 on RSP0, at ring 0 on a stack of their own. */
enum nested { NESTED_SAME, NESTED_RING0, NESTED_IST };

struct world {
	unsigned source, level, mode;
	uint64_t gdt[GDT_ENTRIES], ldt[4], idt[VECTORS][2];
	uint32_t gdt_limit, idt_limit;
	uint16_t ldt_sel; /* LDTR; 0: none */
	uint8_t tss[0x68];
	struct guarded guarded; /* by physical address */
	bool wp;                /* CR0.WP */
	/* the interrupted program; rip: of the instruction that raises the event, or before which it comes */
	uint64_t rip, rflags, rsp, rax, rdx, rbp;
	uint16_t cs, ss, ds, es, fs, gs;
	/* what it returns to, from the top of its stack: RIP CS RFLAGS RSP SS (RETF: without RFLAGS) */
	uint64_t image[5];
	unsigned images;
};

static inline bool is_return(const struct world *w)
{
	return w->source >= EVENTS;
}

/* Do the segment registers belong to the record? */
static inline bool shows_segments(const struct world *w)
{
	return is_return(w);
}

/* Bytes of a value on the stack that a return pops. */
static inline unsigned return_size(const struct world *w)
{
	return 8u >> (w->source - SRC_IRET64) % 3;
}

/* The vector of each event. */
extern const uint8_t source_vector[SOURCES];

#endif
#endif
