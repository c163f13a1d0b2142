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
 * `entry`; START_MULTIBOOT is 32-bit protected mode with EAX and EBX as Multiboot 1 says,
 * START_LINUX the same as Linux's 32-bit boot protocol says. */
enum start_mode { START_RESET, START_REAL, START_PROT16, START_PROT32, START_MULTIBOOT, START_LINUX };

struct guest {
	enum start_mode mode;
	uint64_t entry; /* linear = physical */
	uint64_t end;   /* first byte behind everything loaded */
	uint64_t info;  /* START_MULTIBOOT, START_LINUX: address of the information structure */
	struct symbols symbols;
	struct lines lines;
};

/* The whole file; *data is malloc'd.  Files above GUEST_MAX_FILE are refused. */
#define GUEST_MAX_FILE (UINT64_C(1) << 30)
bool guest_read_file(const char *path, uint8_t **data, size_t *size, struct diagnostic *why) MUST_CHECK;

/* An ELF32 executable for the 386 at its physical addresses (p_paddr); BSS is
 * zeroed, symbols and source lines are taken over.  name is for diagnostics. */
bool guest_load_elf(struct bus *bus, const char *name, const uint8_t *data, size_t size, struct guest *guest,
		    struct diagnostic *why) MUST_CHECK;

/* Bytes as they are at a physical address in RAM. */
bool guest_load_flat(struct bus *bus, const char *name, const uint8_t *data, size_t size, uint64_t address,
		     struct guest *guest, struct diagnostic *why) MUST_CHECK;

/* A ROM of at most 16 MiB, whole 4 KiB pages, ending at 4 GiB; its last 128 KiB are seen below
 * 1 MiB too, as on a PC. */
bool guest_load_rom(struct bus *bus, const char *name, const uint8_t *data, size_t size, struct guest *guest,
		    struct diagnostic *why) MUST_CHECK;

/* Does the image carry a Multiboot 1 header (Multiboot Specification 0.6.96, "OS
 * image format")?  Then guest_multiboot writes the information structure behind the image and
 * sets mode and info; ram is the size of memory, append the command line or NULL. */
bool guest_is_multiboot(const uint8_t *data, size_t size);
bool guest_multiboot(struct bus *bus, const char *name, uint64_t ram, const char *append, struct guest *guest,
		     struct diagnostic *why) MUST_CHECK;

/* What a Linux kernel is started with, and where that lies: boot parameters ("zero page"), GDT,
 * command line. */
struct linux_boot {
	const char *append;      /* NULL: none */
	const uint8_t *initrd;   /* NULL: none */
	size_t initrd_size;
	const char *initrd_name; /* for diagnostics */
};
#define LINUX_PARAMS    UINT64_C(0x10000)
#define LINUX_GDT       (LINUX_PARAMS + 0x1000)
#define LINUX_GDT_BYTES 32u
#define LINUX_CMDLINE   (LINUX_PARAMS + 0x2000)

/* Is it a kernel for Linux's boot protocol (2.00 or later)?  guest_load_bzimage puts it at 1 MiB, the
 * initial RAM disk as high as the kernel takes it, and sets mode, entry, end (where the kernel will
 * have unpacked itself) and info.  ram: memory from 0 on. */
bool guest_is_bzimage(const uint8_t *data, size_t size);
bool guest_load_bzimage(struct bus *bus, const char *name, const uint8_t *data, size_t size, uint64_t ram,
			const struct linux_boot *boot, struct guest *guest, struct diagnostic *why) MUST_CHECK;

void guest_free(struct guest *guest);

#endif
