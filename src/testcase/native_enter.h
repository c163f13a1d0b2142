/* The way from a 64-bit process into 32-bit code at ring 3, on x86-64 Linux: its fixed places, and what it loads. */
#ifndef TRAPGATE_TESTCASE_NATIVE_ENTER_H
#define TRAPGATE_TESTCASE_NATIVE_ENTER_H

/* Fixed places of the way in; for native_enter.S too. */
#define HOST_STUB      0x50000000
#define HOST_STATE     0x50001000
#define HOST_GPR       (HOST_STATE + 0x00)
#define HOST_SS_ESP    (HOST_STATE + 0x20)
#define HOST_CS_EIP    (HOST_STATE + 0x28)
#define HOST_EFLAGS    (HOST_STATE + 0x30)
#define HOST_DS        (HOST_STATE + 0x34)
#define HOST_ES        (HOST_STATE + 0x38)
#define HOST_GS        (HOST_STATE + 0x3c)
#define HOST_USE_X87   (HOST_STATE + 0x40)
#define HOST_USE_VEC   (HOST_STATE + 0x44)
#define HOST_SAVED_RSP (HOST_STATE + 0x48)
#define HOST_ENTRY     (HOST_STATE + 0x50)
#define HOST_FSAVE     (HOST_STATE + 0x100)
/* The same for 64-bit code. */
#define HOST_STATE64   (HOST_STATE + 0x200)
#define HOST_RIP64     (HOST_STATE64 + 0x80)
#define HOST_FLAGS64   (HOST_STATE64 + 0x88)
#define HOST_DS64      (HOST_STATE64 + 0x90)
#define HOST_ES64      (HOST_STATE64 + 0x94)
#define HOST_MXCSR     (HOST_STATE64 + 0x98)
#define HOST_USE_AVX   (HOST_STATE64 + 0x9c)
#define HOST_YMM       (HOST_STATE64 + 0xa0)
#define HOST_STACK     (HOST_STATE + 0x800)
#define HOST_XSAVE     (HOST_STATE + 0xa00) /* an XSAVE area */

#ifndef __ASSEMBLER__
#include <signal.h>
#include <stdint.h>

/* What lies at HOST_STATE. */
struct native_state {
	uint32_t gpr[8]; /* in the order of their numbers */
	uint32_t esp, ss;
	uint32_t eip, cs;
	uint32_t eflags, ds, es, gs;
	uint32_t use_x87; /* the FNSAVE image at HOST_FSAVE is loaded */
	uint32_t use_vec; /* SSE and AVX state is loaded from the XSAVE area at HOST_XSAVE: XCR0[2:1], or 0 */
	uint64_t saved_rsp;
	uint32_t entry, entry_cs;
};
_Static_assert(sizeof(struct native_state) == 0x58, "places of native_enter.h");

/* What lies at HOST_STATE64; the FNSAVE image is at HOST_FSAVE too. */
struct native_state64 {
	uint64_t gpr[16];
	uint64_t rip, rflags;
	uint32_t ds, es;
	uint32_t mxcsr, use_avx; /* 0: the lower halves of YMM alone are loaded */
	uint8_t ymm[16][32];
};
_Static_assert(sizeof(struct native_state64) == 0x2a0, "places of native_enter.h");

/* Leaves this process's code for what the state says; comes back when the handler of a signal calls native_leave(). */
void native_enter(void);
void native_leave(void) __attribute__((noreturn));
/* The same, into 64-bit code, and for ever. */
void native_enter64(void) __attribute__((noreturn));
/* A part of that: what is below ymm is loaded and not the rest. */
void native_enter64_registers(void) __attribute__((noreturn));
/* The handler for sigaction(); calls native_record(), which who uses this defines. */
void native_on_signal(int number, siginfo_t *info, void *context);
void native_record(int number, siginfo_t *info, void *context);
/* To be copied to HOST_STUB. */
extern const uint8_t native_stub[], native_stub_end[];
#endif

#endif
