/* A whole processor on a small bus, for tests that run guest code.
 *
 * Memory: RAM from 0 (rig_new says how much).  rig_protected() leaves a flat
 * 32-bit machine with these fixed places: */
#ifndef TRAPGATE_TESTS_RIG_H
#define TRAPGATE_TESTS_RIG_H

#include "cpu/cpu.h"
#include "cpu/model.h"
#include "trace/trace.h"

#define RIG_GDT    0x1000u
#define RIG_IDT    0x2000u
#define RIG_TSS    0x3000u
#define RIG_LDT    0x3800u
#define RIG_CODE   0x10000u /* CPL 0 code starts here */
#define RIG_STACK0 0x20000u /* ESP at CPL 0; also TSS ESP0 */
#define RIG_STACK3 0x30000u
#define RIG_IST(n) (0x24000u + (n) * 0x1000u) /* 64-bit TSS: IST1 to IST7 */
#define RIG_HANDLER(v) (0x40000u + (v) * 16u) /* one HLT each */

/* Selectors of the GDT it makes. */
enum rig_selector {
	RIG_CS0 = 0x08, RIG_DS0 = 0x10, RIG_CS3 = 0x1b, RIG_DS3 = 0x23, RIG_TR = 0x28, RIG_LDTR = 0x30,
	RIG_FREE = 0x38, /* and up: null */
	/* with rig_long64() besides: 64-bit code, and descriptors of 16 bytes */
	RIG_CS0_64 = 0x100, RIG_CS3_64 = 0x10b, RIG_TR64 = 0x110, RIG_LDTR64 = 0x120,
};

struct rig {
	struct bus *bus;
	struct region *ram;
	struct clock clock;
	struct trace trace;
	struct cpu cpu;
	struct { bool level; uint8_t vector; unsigned acknowledged; } pin;
	uint64_t recorded; /* deliveries that tests/coverage knows of */
};

struct rig *rig_new(const char *model, uint64_t ram_bytes);
void rig_free(struct rig *r);

/* Real mode at CS:IP, stack at 0:7000h, IDTR 0/3FF. */
void rig_real(struct rig *r, uint16_t cs, uint16_t ip);
/* Flat protected mode at EIP RIG_CODE with the given CPL (0 or 3): GDT, a TSS, and an
 * IDT of 256 interrupt gates (DPL 3) to RIG_HANDLER(v). */
void rig_protected(struct rig *r, unsigned cpl);
/* Identity page tables at 80000h for the first 4 MiB (present, writable, user), paging on. */
void rig_paging(struct rig *r);
/* 64-bit mode at RIP RIG_CODE with the given CPL: the GDT of rig_protected() and the selectors of 64-bit mode, a
 * 64-bit TSS (RSP0 RIG_STACK0), an IDT of 256 interrupt gates (DPL 3) to RIG_HANDLER(v).
 * Pages (present, writable, user): each GiB of every canonical address is the first one, in pages of 4 KiB below
 * 4 MiB and of 2 MiB above, its last 2 MiB excepted: they are 2-4 MiB, so there is RAM on both sides
 * of 4 GiB and of the canonical boundary.  PML4 at RIG_PML4, then the PDPT, the directory and two tables. */
#define RIG_PML4 0x80000u
#define RIG_PDPT 0x81000u
#define RIG_PD   0x82000u
#define RIG_PT   0x83000u /* 400h entries: the page at n * 1000h */
void rig_long64(struct rig *r, unsigned cpl);

void rig_write(struct rig *r, uint64_t pa, const void *bytes, size_t size);
void rig_write8(struct rig *r, uint64_t pa, uint8_t v);
void rig_write16(struct rig *r, uint64_t pa, uint16_t v);
void rig_write32(struct rig *r, uint64_t pa, uint32_t v);
void rig_write64(struct rig *r, uint64_t pa, uint64_t v);
uint64_t rig_read64(struct rig *r, uint64_t pa);
uint32_t rig_read32(struct rig *r, uint64_t pa);
uint16_t rig_read16(struct rig *r, uint64_t pa);
uint8_t rig_read8(struct rig *r, uint64_t pa);

/* Raw descriptor: base, limit (20 bits as stored), access byte, flags nibble (G D L AVL). */
uint64_t rig_descriptor(uint32_t base, uint32_t limit, uint8_t access, uint8_t flags);
void rig_gdt(struct rig *r, uint16_t selector, uint64_t raw);
void rig_gate(struct rig *r, uint8_t vector, uint16_t selector, uint32_t offset, uint8_t access);
void rig_gate64(struct rig *r, uint8_t vector, uint16_t selector, uint64_t offset, uint8_t access, unsigned ist);
/* The second half of a descriptor of 16 bytes goes into the next entry. */
void rig_gdt_system64(struct rig *r, uint16_t selector, uint64_t base, uint32_t limit, uint8_t access);

/* Raises the interrupt pin; the acknowledge drops it again. */
void rig_interrupt(struct rig *r, uint8_t vector);

/* Runs until HLT, shutdown or so many ticks. */
enum stop rig_run(struct rig *r, uint64_t ticks);
/* The last delivery, or the one so many before it. */
const struct delivery_record *rig_last(struct rig *r, unsigned back);

#endif
