/* Starting a kernel without firmware: what the board's firmware would have told it,
 * the choice of a loader by the file's content, and what a BIOS leaves in memory. */
#ifndef TRAPGATE_GUEST_BOOT_H
#define TRAPGATE_GUEST_BOOT_H

#include "guest/image.h"

/* As ACPI numbers them ("System Address Map Interfaces", "Address Range Types"). */
enum memory_type { MEMORY_RAM = 1, MEMORY_RESERVED = 2, MEMORY_ACPI = 3, MEMORY_NVS = 4 };

struct memory_range {
	uint64_t start, size;
	uint32_t type; /* enum memory_type */
};

#define BOOT_MAX_RANGES 32u
#define BOOT_MAX_COM    4u

/* What firmware finds out about its board and hands on. */
struct boot_board {
	struct memory_range range[BOOT_MAX_RANGES]; /* by address, without overlap */
	unsigned ranges;
	uint64_t rsdp;              /* where the ACPI RSDP lies, 0: no ACPI tables */
	uint32_t seconds;           /* time of the day */
	uint16_t com[BOOT_MAX_COM]; /* ports of the serial interfaces, 0: none */
	uint8_t floppies, disks;    /* how many of them */
	bool fpu;
	bool vga;       /* a VGA, in its text mode 80x25 */
	bool long_mode; /* the processor has it */
};

/* Says what a part of the address space is, whatever stood there before.  False: BOOT_MAX_RANGES are full, or
 * the range wraps. */
bool boot_set_range(struct boot_board *board, uint64_t start, uint64_t size, enum memory_type type) MUST_CHECK;
/* The ranges of a PC: below: bytes of RAM from 0 on, those of the hole 640 KiB - 1 MiB counted; above: bytes from 4 GiB
 * on.  The last KiB of base memory is the extended BIOS data area. */
bool boot_set_ram(struct boot_board *board, uint64_t below, uint64_t above) MUST_CHECK;
/* The end of the RAM that begins at or goes on through an address; the address: there is none. */
uint64_t boot_ram_end(const struct boot_board *board, uint64_t from);
/* The extended BIOS data area. */
#define EBDA_SIZE 1024u
uint64_t boot_ebda(const struct boot_board *board);

/* How a file named by -initrd is read: as guest_read_file does. */
typedef bool guest_reader(const char *path, uint8_t **data, size_t *size, struct diagnostic *why);

struct boot {
	const char *append; /* command line, NULL: none */
	const char *initrd; /* -initrd as the user gave it, NULL: none; see guest_load_kernel */
	guest_reader *read; /* NULL: guest_read_file */
	const struct boot_board *board;
};

/* Loads a kernel by what its file holds, in this order (what QEMU's -kernel takes is taken the same way; the last two
 * are those it refuses):
 *  - Linux bzImage: initrd names one file.
 *  - Multiboot 1 (Multiboot Specification 0.6.96), ELF32, ELF64 or any file that gives its load addresses.  initrd is
 *    a list "FILE ARGUMENTS,FILE ARGUMENTS" (",,": a comma), each a module; the command line is "NAME APPEND".
 *  - PVH (Xen, "x86/HVM direct boot ABI"): an ELF file with the note "Xen" 18.  Modules as above; the command line is
 *    APPEND.
 *  - Multiboot 2 (Multiboot2 Specification 2.0), as Multiboot 1.
 *  - other ELF executables, which take neither command line nor modules.
 * An ELF64 file for x86-64 is entered as Multiboot and PVH enter any: in 32-bit protected mode, paging
 * off, flat segments; its own code goes on to long mode from there. */
bool guest_load_kernel(struct bus *bus, const char *name, const uint8_t *data, size_t size, const struct boot *boot,
		       struct guest *guest, struct diagnostic *why) MUST_CHECK;

/* What a BIOS leaves in memory: interrupt vectors, its data areas (40:0 and extended), and the F segment with the code
 * the vectors point to.  Before an image is loaded: an image that wants the same memory has it.
 * F0000h-FDFFFh stay free for tables (BIOS_TABLES). */
#define BIOS_SEGMENT     UINT64_C(0xf0000)
#define BIOS_TABLES      BIOS_SEGMENT
#define BIOS_TABLES_SIZE 0xe000u
bool guest_place_bios(struct bus *bus, const struct boot_board *board, struct diagnostic *why) MUST_CHECK;

/* A Linux bzImage for its 16-bit entry ("The Linux/x86 Boot Protocol", "Running the Kernel"): how firmware is to lay it
 * into memory.  data + setup_size is the kernel proper. */
#define LINUX_SETUP_AT   0x10000u
#define LINUX_CMDLINE_AT 0x20000u
#define LINUX_KERNEL_AT  0x100000u
struct linux_parts {
	uint32_t setup_size, kernel_size;
	uint32_t initrd_at;
};
bool guest_is_linux(const uint8_t *data, size_t size);
/* Does it count on being entered at its 16-bit entry, which calls the firmware?  Its code32_start, "the address to jump to in
 * protected mode", is 0; or its protocol is older than 2.04, from before loaders that use the 32-bit entry. */
bool guest_linux_needs_firmware(const uint8_t *data, size_t size);
/* Fills what a boot loader writes into the setup header, inside data.  ram_end: the end of the RAM above 1 MiB that firmware
 * leaves alone.  append may be NULL.  False: *why. */
bool guest_linux_parts(const char *name, uint8_t *data, size_t size, uint64_t initrd_size, uint64_t ram_end,
		       const char *append, const struct boot_board *board, struct linux_parts *parts,
		       struct diagnostic *why) MUST_CHECK;

#endif
