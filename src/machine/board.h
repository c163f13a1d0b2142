/* The board: which devices there are and how they are wired.
 *
 *  pc     440FX and PIIX3 with PCI, IDE, power management, and, where the processor model has
 *         a local APIC: APICs, I/O APIC and HPET; up to eight processors
 *  isapc  an AT: no PCI, no APIC, one processor
 *
 * Both have the AT's devices: 8259 pair, 8254, RTC, 8042, DMA, floppy, two serial ports, VGA. */
#ifndef TRAPGATE_MACHINE_BOARD_H
#define TRAPGATE_MACHINE_BOARD_H

#include "bus/line.h"
#include "cpu/cpu.h"
#include "devices/acpitable.h"
#include "devices/debugport.h"
#include "devices/disk.h"
#include "devices/dma.h"
#include "devices/fdc.h"
#include "devices/fwcfg.h"
#include "devices/hpet.h"
#include "devices/hub.h"
#include "devices/i440fx.h"
#include "devices/i8042.h"
#include "devices/ide.h"
#include "devices/ioapic.h"
#include "devices/lapic.h"
#include "devices/pcitest.h"
#include "devices/pic.h"
#include "devices/piix3.h"
#include "devices/pit.h"
#include "devices/port61.h"
#include "devices/port92.h"
#include "devices/rtc.h"
#include "devices/testdev.h"
#include "devices/uart.h"
#include "devices/vga.h"
#include "devices/virtio_blk.h"
#include "machine/chardev.h"
#include "machine/inject.h"

struct machine;
struct diagnostic;

#define BOARD_SERIAL_PORTS 2u
#define BOARD_ISA_IRQS     16u
#define BOARD_MAX_DRIVES   12u
#define BOARD_MAX_VIRTIO   4u
#define BOARD_MAX_ITEMS    8u
#define BOARD_TEXT         1024u /* room for a file name */
/* The real-time clock at the start of a run, seconds since 1970-01-01 UTC: 2026-01-01 00:00:00. */
#define BOARD_RTC_START UINT64_C(1767225600)
/* Where the firmware of this kind of board puts the power management registers. */
#define BOARD_PM_BASE 0x600u
/* Where a board without firmware has its ACPI tables. */
#define BOARD_ACPI_TABLES 0xe0000u
/* The ISA interrupts that firmware of this kind of board routes PIRQA#-PIRQD# to. */
#define BOARD_PIRQ 10, 10, 11, 11

enum board_kind { BOARD_PC, BOARD_ISAPC };

enum drive_kind { DRIVE_DISK, DRIVE_CD, DRIVE_FLOPPY, DRIVE_VIRTIO };

struct board_drive {
	enum drive_kind kind;
	unsigned index;   /* IDE: channel * 2 + drive; floppy: 0 or 1; virtio: in order */
	char file[BOARD_TEXT]; /* "": a CD drive without a medium */
	bool snapshot, read_only;
};

/* An item for the firmware configuration device. */
struct board_item {
	char name[FWCFG_NAME];
	char value[BOARD_TEXT]; /* the text itself, or the name of a file */
	bool is_file;
};

struct board_config {
	enum board_kind kind;
	/* COM1 and COM2: a chardev's name.  NULL: nothing connected to COM1, no COM2. */
	const char *serial[BOARD_SERIAL_PORTS];
	const char *debugcon;   /* port debugcon_port: likewise; NULL: no such port */
	uint16_t debugcon_port; /* 0: E9h */
	bool no_vga;            /* no display adapter: nothing answers at A0000h-BFFFFh */
	uint64_t rtc_start;     /* as BOARD_RTC_START, which 0 stands for */
	bool no_acpi, no_hpet;  /* no such tables; no HPET */
	bool debug_exit;        /* isa-debug-exit */
	uint16_t debug_exit_port;
	unsigned debug_exit_size;
	bool testdev;           /* pc-testdev */
	bool pci_testdev;       /* on the pc board only */
	bool inject;            /* a test pin raises inject_vector ... */
	uint8_t inject_vector;
	uint64_t inject_every;  /* ... after each so many instructions */
	struct board_drive drive[BOARD_MAX_DRIVES];
	unsigned drives;
	struct board_item item[BOARD_MAX_ITEMS];
	unsigned items;
	const char *firmware;   /* SeaBIOS's file; NULL: none */
	const char *vga_firmware; /* the VGA BIOS for it */
	/* A Linux bzImage that the firmware starts, its initial RAM disk and command line; NULL: none. */
	const char *kernel, *initrd, *append;
	const char *boot_order; /* letters a, c, d as of -boot; NULL: disk, CD, floppy */
	bool boot_menu;
	bool serial_console;    /* firmware also talks on COM1 */
};

/* The level of an interrupt pin of a processor, and what made it. */
struct pin_level {
	bool level;
	uint64_t cause;
};

struct board {
	struct pic_pair pic;
	struct pit pit;
	struct port61 port61;
	struct port92 port92;
	struct rtc rtc;
	struct i8042 kbc;
	struct dma dma;
	struct fdc fdc;
	struct ide ide;
	struct uart com[BOARD_SERIAL_PORTS];
	struct debugcon debugcon;
	struct debug_exit debug_exit;
	struct post_port post;
	struct testdev testdev;
	struct vga *vga; /* NULL: none */
	struct chardev serial[BOARD_SERIAL_PORTS], debug;
	struct fwcfg fwcfg;
	struct disk disk[BOARD_MAX_DRIVES];

	/* interrupt wires: ISA interrupts, and the inputs of the I/O APIC */
	struct irq_hub isa, inputs;
	struct irq_line isa_to_input[BOARD_ISA_IRQS];
	struct irq_line timer_irq, rtc_irq; /* behind the HPET's switch */
	struct irq_line fpu_irq;            /* IRQ 13: FERR# through the AT's latch */

	/* the processors' interrupt pins */
	bool has_apic;
	struct apic_bus apics;
	struct ioapic ioapic;
	struct hpet hpet;
	struct inject inject;
	struct pin_level intr[APIC_MAX];
	struct intr_pin uninjected; /* the first processor's, behind the test pin */

	/* PCI */
	bool has_pci;
	struct pci pci;
	struct i440fx host;
	struct piix3 bridge;
	struct piix4pm pm;
	struct pcitest pci_test;
	struct virtio_blk virtio[BOARD_MAX_VIRTIO];
	unsigned virtios;

	/* firmware's tables */
	uint8_t acpi[ACPI_MAX_SIZE], rsdp[ACPI_RSDP_SIZE], acpi_script[ACPI_LOADER_MAX_SIZE];
	uint8_t *vga_firmware;
	uint8_t *item[BOARD_MAX_ITEMS];
	uint8_t *linux_kernel, *linux_initrd, *linux_rom;
	uint8_t e820[20];
};

/* Adds memory and devices, opens the host's files and connects the processors. */
bool board_init(struct machine *machine, struct diagnostic *why);
void board_free(struct machine *machine);
/* RESET# of everything on the board; the processors' is the caller's. */
void board_reset(struct machine *machine);
/* Interrupt controllers, timer, serial ports, keyboard controller and PCI as a PC's firmware leaves them
 * (vectors 08h and 70h, 18.2 Hz, 115200 8N1, A20 on by port 92h), ACPI and MP tables: for guests that are
 * loaded without firmware.  ebda: where the extended BIOS data area is, which holds the MP table. */
void board_like_firmware(struct machine *machine, uint32_t ebda);
/* Sets the MTRRs of each processor that has them as firmware does: RAM is write-back, video memory and the window of
 * PCI devices uncacheable, ROMs write-protected.  SDM 3A, "Memory Type Range Registers (MTRRs)". */
void board_memory_types(struct machine *machine);
/* The address of the ACPI RSDP that board_like_firmware() writes, 0: this board has none. */
uint32_t board_rsdp(const struct machine *machine);

/* May something outside the processors still raise an interrupt?  idle: how long
 * they have been waiting. */
bool board_may_interrupt(const struct machine *machine, uint64_t idle);
/* May an NMI come, which wakes a processor that has IF = 0? */
bool board_may_nmi(const struct machine *machine);
/* May a character from the host interrupt: is there an input, and does its port want to tell of it? */
bool board_awaits_input(const struct machine *machine);
/* Is there input from the host that a serial port would take? */
bool board_input_waits(struct machine *machine);
/* Does the guest look for characters from the host, by interrupt or time and again?  Then host time passes while it
 * halts, or a person could not answer in time. */
bool board_listens(const struct machine *machine);
/* Input from the host goes to the devices.  wait: at most so many
 * nanoseconds are waited for some to come. */
void board_poll_input(struct machine *machine, uint64_t wait);
/* What still waits in the serial ports and in the disks goes to the host: for the end of a run.  False: the host has not
 * taken all that was said on the serial ports and port E9h; it has been told. */
bool board_flush(struct machine *machine);

/* ---- parts of the board, in files of their own ---- */
/* board_apic.c: local APICs, I/O APIC, HPET; and the interrupt pins of the processors. */
bool board_add_apics(struct machine *machine);
void board_connect_processors(struct machine *machine);
/* board_pci.c */
bool board_add_pci(struct machine *machine);
void board_pci_like_firmware(struct machine *machine);
bool board_add_virtio(struct machine *machine, struct disk *disk);
/* board_drives.c */
bool board_add_drives(struct machine *machine, struct diagnostic *why);
/* board_firmware.c: fw_cfg, SeaBIOS, and the tables of a board without it. */
bool board_add_firmware(struct machine *machine, struct diagnostic *why);
/* board_linux.c */
bool board_add_linux(struct machine *machine, struct diagnostic *why);
void board_write_tables(struct machine *machine, uint32_t ebda);

#endif
