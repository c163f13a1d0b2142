/* A QEMU that stands still, spoken to through its gdb stub. */
#ifndef TRAPGATE_TESTCASE_GDBWIRE_H
#define TRAPGATE_TESTCASE_GDBWIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QEMU_RAM (UINT64_C(4) << 20)

struct qemu {
	struct qemu *next;
	const char *model; /* of its -cpu */
	int pid, wire;
	uint8_t *ram; /* the guest's, as it is */
	char folder[32];
	bool broken; /* it does not answer any more */
};

/* Starts qemu-system-x86_64 with a 64 KiB ROM whose reset vector jumps to F000:0000; breakpoints stand nowhere.
 * NULL: there is none, or it does not start. */
struct qemu *qemu_start(const char *model);
void qemu_stop(struct qemu *q);

/* Everything below fails once the wire is broken. */
bool qemu_reset(struct qemu *q);                                             /* to the reset vector, standing */
bool qemu_write(struct qemu *q, uint32_t at, const void *data, size_t size); /* paging off; ROM too */
bool qemu_break(struct qemu *q, uint64_t linear, bool on);
bool qemu_step(struct qemu *q);
/* Runs to a breakpoint; *stopped: false: it did not stop in so many milliseconds, and was made to. */
bool qemu_continue(struct qemu *q, unsigned milliseconds, bool *stopped);

struct qemu_state {
	uint64_t gpr[16], rip;   /* outside 64-bit mode the stub shows the lower halves, and no R8 to R15 */
	uint32_t eflags, seg[6]; /* seg: cs ss ds es fs gs */
	uint64_t base[3];        /* of FS and GS, and IA32_KERNEL_GS_BASE */
	uint64_t cr0, cr2, cr3, cr4, cr8, efer;
	uint8_t st[8][10];   /* physical registers */
	uint64_t vec[16][4]; /* the upper halves only with `upper` */
	uint32_t mxcsr;
};
/* upper: YMM registers too, which the stub does not show: the monitor does where XCR0 has AVX. */
bool qemu_state(struct qemu *q, struct qemu_state *s, bool upper);

#endif
