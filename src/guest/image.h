/* Guest images: what is put into memory before the first instruction, and
 * where that is.  Images are untrusted: every field is checked, and what is wrong
 * is said in one line (what, where, what to do). */
#ifndef TRAPGATE_GUEST_IMAGE_H
#define TRAPGATE_GUEST_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/fault.h"
#include "bus/bus.h"
#include "guest/lines.h"
#include "guest/symbols.h"

/* One line for the user, without a newline. */
struct diagnostic {
	char text[320];
};
/* Fills it in; returns false, so that a check can `return diagnose(...)`. */
bool diagnose(struct diagnostic *why, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* How the processor stands at the first instruction.  START_RESET: as after
 * reset (a ROM at the top of memory); the others in flat segments or real mode at
 * `entry`.  START_MULTIBOOT and START_MULTIBOOT2 are 32-bit protected mode with EAX and EBX as these specifications
 * say, START_PVH likewise with EBX, START_LINUX and START_LINUX64 as Linux's 32-bit and 64-bit boot protocols say. */
enum start_mode {
	START_RESET,
	START_REAL,
	START_PROT16,
	START_PROT32,
	START_MULTIBOOT,
	START_MULTIBOOT2,
	START_PVH,
	START_LINUX,
	START_LINUX64,
};

struct guest {
	enum start_mode mode;
	uint64_t entry; /* linear = physical */
	uint64_t end;   /* first byte behind everything loaded */
	uint64_t info;  /* START_MULTIBOOT and later ones: address of the information structure */
	uint64_t pages; /* START_LINUX64: address of the page tables */
	struct symbols symbols;
	struct lines lines;
};

/* The whole file; *data is malloc'd.  Files above GUEST_MAX_FILE are refused. */
#define GUEST_MAX_FILE (UINT64_C(1) << 30)
bool guest_read_file(const char *path, uint8_t **data, size_t *size, struct diagnostic *why) MUST_CHECK;

/* An ELF32 executable for the 386 or an ELF64 one for x86-64 at its physical addresses (p_paddr), entered in 32-bit
 * protected mode, the latter too; BSS is zeroed, symbols and source lines are taken over.  name is for
 * diagnostics.  Kernels of all kinds: guest_load_kernel (guest/boot.h). */
bool guest_load_elf(struct bus *bus, const char *name, const uint8_t *data, size_t size, struct guest *guest,
		    struct diagnostic *why) MUST_CHECK;

/* Bytes as they are at a physical address in RAM. */
bool guest_load_flat(struct bus *bus, const char *name, const uint8_t *data, size_t size, uint64_t address,
		     struct guest *guest, struct diagnostic *why) MUST_CHECK;

/* A ROM of at most 16 MiB, whole 4 KiB pages, ending at 4 GiB; its last 128 KiB are seen below
 * 1 MiB too, as on a PC. */
bool guest_load_rom(struct bus *bus, const char *name, const uint8_t *data, size_t size, struct guest *guest,
		    struct diagnostic *why) MUST_CHECK;

/* Where a Linux kernel's boot parameters ("zero page"), GDT, command line and (64-bit entry) page tables lie. */
#define LINUX_PARAMS    UINT64_C(0x10000)
#define LINUX_GDT       (LINUX_PARAMS + 0x1000)
#define LINUX_GDT_BYTES 32u
#define LINUX_CMDLINE   (LINUX_PARAMS + 0x2000)
#define LINUX_PAGES     (LINUX_PARAMS + 0x3000)

void guest_free(struct guest *guest);

#endif
