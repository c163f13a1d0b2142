/* The host bridge of the 440FX chip set: the memory that lies under the
 * ROMs (PAM registers) and under the video memory (SMRAM).
 *
 * Source: Intel 82441FX (PMC) datasheet (290549), "PCI configuration registers".
 *
 * A segment of C0000h-FFFFFh by its PAM bits, read enable (RE) and write enable (WE):
 *  neither: reads and writes go to PCI, where the ROMs are
 *  RE:      reads see RAM, writes go to PCI (and are lost in the ROMs)
 *  WE:      reads go to PCI, writes go to RAM: how firmware copies its ROM
 *  both:    RAM
 * Timing and DRAM row registers hold what is written and change nothing.
 * There is no system management mode: SMRAM is seen only while it is open. */
#ifndef TRAPGATE_DEVICES_I440FX_H
#define TRAPGATE_DEVICES_I440FX_H

#include "devices/pci.h"

#define I440FX_PAM 0x59
#define I440FX_PAM_READ 0x1u
#define I440FX_PAM_WRITE 0x2u
#define I440FX_SMRAM 0x72
#define I440FX_SMRAM_OPEN 0x40u
#define I440FX_SMRAM_CLOSED 0x20u
#define I440FX_SMRAM_LOCK 0x10u
#define I440FX_SMRAM_ENABLE 0x08u
#define I440FX_SEGMENTS 13

struct i440fx_segment {
	struct region *ram;
	struct region *split; /* reads from PCI, writes into ram */
	struct bus *bus;
	unsigned mode;        /* I440FX_PAM_READ | I440FX_PAM_WRITE */
};

struct i440fx {
	struct pci_function pci;
	struct i440fx_segment segment[I440FX_SEGMENTS]; /* F0000h, then C0000h upwards by 16 KiB */
	struct region *smram;                           /* A0000h-BFFFFh */
	uint8_t smram_lock;                             /* I440FX_SMRAM_LOCK once it is set */
};

/* Device 0 of the bus, with its RAM.  Leave C0000h-FFFFFh to it, apart from ROMs.  False: out of memory. */
bool i440fx_init(struct i440fx *host, struct pci *pci);

#endif
