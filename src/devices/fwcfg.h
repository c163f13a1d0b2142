/* The firmware configuration device: named and numbered items of bytes that
 * the host lays out and the guest's firmware reads, at ports 510h-51Bh.
 *
 * Source: QEMU documentation, "QEMU Firmware Configuration (fw_cfg) Device".
 *
 *  510h  selector, 16 bits, write only: the item, its first byte next
 *  511h  data, 8 bits: the next byte of the item, 0 past its end; writes do nothing
 *  514h  DMA address, 64 bits, big endian: the physical address of an access
 *        structure {control, length: 32 bits; address: 64 bits; big endian};
 *        writing the low half (518h) makes the transfer, at once.  Reads
 *        "QEMU CFG".  Takes 32-bit writes only.
 *
 * Bit 14 of a selector means nothing (writability is the item's), bit 15
 * selects the items of the architecture.
 *
 * What the documentation leaves open, and what stands here:
 *  - an item that is not there reads as zeros and is no error; it cannot be
 *    written;
 *  - a write that does not fit into the item, or to one that is not
 *    writable, changes nothing and is an error;
 *  - a transfer from or to addresses where nothing answers is an error; what can be
 *    moved is moved;
 *  - an access structure that is not in memory is none: nothing happens;
 *  - the selector takes only 16-bit writes; other accesses to 510h do nothing
 *    and read FFh. */
#ifndef TRAPGATE_DEVICES_FWCFG_H
#define TRAPGATE_DEVICES_FWCFG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/bus.h"

#define FWCFG_SELECT_PORT 0x510
#define FWCFG_DATA_PORT 0x511
#define FWCFG_DMA_PORT 0x514

enum fwcfg_key {
	FWCFG_SIGNATURE = 0x00, /* "QEMU" */
	FWCFG_ID = 0x01,        /* 32 bits: interfaces */
	FWCFG_UUID = 0x02,
	FWCFG_RAM_SIZE = 0x03,  /* 64 bits */
	FWCFG_NOGRAPHIC = 0x04, /* 16 bits */
	FWCFG_NB_CPUS = 0x05,   /* 16 bits */
	FWCFG_MACHINE_ID = 0x06,
	FWCFG_KERNEL_ADDR = 0x07, /* addresses and sizes: 32 bits */
	FWCFG_KERNEL_SIZE = 0x08,
	FWCFG_KERNEL_CMDLINE = 0x09,
	FWCFG_INITRD_ADDR = 0x0a,
	FWCFG_INITRD_SIZE = 0x0b,
	FWCFG_BOOT_DEVICE = 0x0c, /* 16 bits */
	FWCFG_NUMA = 0x0d,
	FWCFG_BOOT_MENU = 0x0e,   /* 16 bits */
	FWCFG_MAX_CPUS = 0x0f,    /* 16 bits */
	FWCFG_KERNEL_ENTRY = 0x10,
	FWCFG_KERNEL_DATA = 0x11,
	FWCFG_INITRD_DATA = 0x12,
	FWCFG_CMDLINE_ADDR = 0x13,
	FWCFG_CMDLINE_SIZE = 0x14,
	FWCFG_CMDLINE_DATA = 0x15,
	FWCFG_SETUP_ADDR = 0x16,
	FWCFG_SETUP_SIZE = 0x17,
	FWCFG_SETUP_DATA = 0x18,
	FWCFG_FILE_DIR = 0x19,
	FWCFG_FILE_FIRST = 0x20,
	/* of this architecture */
	FWCFG_ARCH = 0x8000,
	FWCFG_ACPI_TABLES = 0x8000,
	FWCFG_SMBIOS = 0x8001,
	FWCFG_IRQ0_OVERRIDE = 0x8002, /* 8 bits: IRQ0 is at input 2 of the IOAPIC */
	FWCFG_E820 = 0x8003,
	FWCFG_HPET = 0x8004,
};

#define FWCFG_ID_PORTS 0x1u
#define FWCFG_ID_DMA 0x2u

#define FWCFG_DMA_ERROR 0x01u
#define FWCFG_DMA_READ 0x02u
#define FWCFG_DMA_SKIP 0x04u
#define FWCFG_DMA_SELECT 0x08u
#define FWCFG_DMA_WRITE 0x10u

#define FWCFG_ARCH_ITEMS 8u
#define FWCFG_FILES 64u
#define FWCFG_NAME 56u /* with the NUL */

struct fwcfg_item {
	bool present;
	const uint8_t *data; /* the host's; NULL: value */
	uint8_t *writable;   /* the same bytes, if guests may write them */
	uint32_t size;
	uint8_t value[8];
	void (*written)(void *owner, uint32_t offset, uint32_t size);
	void *owner;
};

struct fwcfg_file {
	char name[FWCFG_NAME];
	struct fwcfg_item item;
};

struct fwcfg {
	struct bus *bus;
	struct fwcfg_item generic[FWCFG_FILE_FIRST];
	struct fwcfg_item arch[FWCFG_ARCH_ITEMS];
	struct fwcfg_file file[FWCFG_FILES]; /* by name */
	unsigned files;
	uint16_t key;
	uint32_t offset;    /* of the next byte; stays at the item's end */
	uint32_t dma_high;
};

/* Ports, signature and id.  False: out of memory. */
bool fwcfg_init(struct fwcfg *fw, struct bus *bus);
/* The selector back at key 0.  Items stay. */
void fwcfg_reset(struct fwcfg *fw);

/* Items.  data stays the caller's and has to live as long as the device; what was at the key (or
 * under the name) before is replaced.  Add all of them before the guest runs: keys of
 * files follow the order of their names.  False: no such key, no room for
 * another file, or a name that is empty or too long. */
bool fwcfg_add_bytes(struct fwcfg *fw, uint16_t key, const void *data, uint32_t size);
/* bytes: 1, 2, 4 or 8, little endian, kept inside. */
bool fwcfg_add_number(struct fwcfg *fw, uint16_t key, uint64_t value, unsigned bytes);
bool fwcfg_add_file(struct fwcfg *fw, const char *name, const void *data, uint32_t size);
/* A file the guest may write (by DMA).  written may be NULL; it is told after each write. */
bool fwcfg_add_writable_file(struct fwcfg *fw, const char *name, void *data, uint32_t size,
			     void (*written)(void *owner, uint32_t offset, uint32_t size), void *owner);

/* The item behind a selector, NULL: none (or the directory, which is made as it is read). */
const struct fwcfg_item *fwcfg_item(const struct fwcfg *fw, uint16_t key);
/* The selector of a file, 0: no such file. */
uint16_t fwcfg_file_key(const struct fwcfg *fw, const char *name);

#endif
