/* Where a test instruction lives: the same linear addresses natively and in
 * the emulator.  Everything else below 4 GiB is unmapped in both.
 *
 * NATIVE_BITS: 32, compatibility mode, or 64, where the arena is a second time at UPPER_ARENA. */
#ifndef TRAPGATE_TESTS_NATIVE_ARENA_H
#define TRAPGATE_TESTS_NATIVE_ARENA_H

#include <stdbool.h>
#include <stdint.h>

#ifndef NATIVE_BITS
#define NATIVE_BITS 32
#endif

#if NATIVE_BITS == 64
typedef uint64_t word; /* a general register, an address */
enum { AX, CX, DX, BX, SP, BP, SI, DI, REGS = 16 };
#define UPPER_ARENA UINT64_C(0x123400000000)
#define UPPER(linear) ((linear) & ~(uint64_t)UINT32_MAX)
#else
typedef uint32_t word;
enum { AX, CX, DX, BX, SP, BP, SI, DI, REGS };
#define UPPER(linear) 0u
#endif
#define WORD_BITS NATIVE_BITS

#define PAGE 0x1000u

#define ARENA       0x30000000u
#define CODE        (ARENA + 0x1000) /* two pages, execute and read only; int3 all over */
#define CODE_BYTES  (2 * PAGE)
#define INT3_ONLY   64u              /* so many bytes at its start never hold anything else */
#define DATA        (ARENA + 0x9000) /* two pages, writable; then a read-only one; then none */
#define DATA_BYTES  (2 * PAGE)
#define READ_ONLY   (DATA + DATA_BYTES)
#define STACK       (ARENA + 0x11000) /* two pages, writable */
#define STACK_BYTES (2 * PAGE)
#define X87         (ARENA + 0x20000) /* one page, writable: FNSAVE images */

/* The emulator's own tables and handlers, supervisor only; nothing there natively. */
#define SYSTEM       0xfe000000u
#define SYSTEM_BYTES (8 * PAGE)

/* Selectors.  Those of the GDT are Linux's. */
enum {
	SEL_USER_CODE = 0x23,
	SEL_USER_DATA = 0x2b,
	SEL_USER_CODE64 = 0x33,
	SEL_LDT_DATA16 = 0x07, /* base ARENA + 8000h, limit FFFFh, 16-bit */
	SEL_LDT_SHORT = 0x0f,  /* the same, limit 2FF3h, 32-bit: ends shortly before READ_ONLY does */
	SEL_LDT_READ_ONLY = 0x17,
	SEL_LDT_DOWN = 0x1f,   /* expand-down, 16-bit: 1801h to FFFFh */
	SEL_LDT_CODE16 = 0x27, /* base ARENA, limit FFFFh, readable */
	SEL_LDT_ABSENT = 0x2f,
	SEL_LDT_EXECUTE = 0x37, /* 32-bit code, not readable, base 0 */
	SEL_LDT_CODE32 = 0x3f,  /* 32-bit code, readable, base ARENA, limit FFFFh */
};
#define LDT_BASE  (ARENA + 0x8000)
#define LDT_COUNT 8u

struct ldt_entry {
	uint32_t base, limit; /* limit as in the descriptor: in pages where big */
	uint8_t type;         /* of the descriptor, accessed */
	bool db, big, present;
};
extern const struct ldt_entry ldt_entries[LDT_COUNT];

struct fsave {
	uint32_t cw, sw, tw, fip, fcs_fop, fdp, fds;
	uint8_t st[8][10]; /* ST(0) first */
};
#define FSAVE_BYTES 108u
_Static_assert(sizeof(struct fsave) == FSAVE_BYTES, "FSAVE image, 32-bit protected mode");

/* What an instruction starts from. */
struct start {
	word gpr[REGS];
	word eip;
	uint32_t eflags;
	uint16_t cs, ss, ds, es, gs; /* FS is null: the host needs its own */
	word gs_base;                /* 64 bits: GS is null, and this is its base */
	bool x87, vec; /* loaded, and compared at the end */
	struct fsave fpu;
	uint32_t mxcsr;
	uint8_t ymm[REGS][32];
};

/* The trap that ended it: a fault of its own or the int3 behind it. */
struct outcome {
	uint8_t vector;
	uint32_t error;
	word cr2;
	word gpr[REGS];
	word eip;
	uint32_t eflags;
	uint16_t cs, ss, ds, es, gs;
	word gs_base;
	/* x87, meaningful if the instruction itself trapped: no FNSAVE came after */
	uint16_t fcw, fsw;
	uint8_t full; /* physical registers that are not empty */
	uint8_t st[8][10];
	uint32_t mxcsr; /* vectors */
	uint8_t ymm[REGS][32];
};

#endif
