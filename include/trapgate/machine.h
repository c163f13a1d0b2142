/* Machines: making them, mapping memory, loading guests, lines, running, snapshots. */
#ifndef TRAPGATE_MACHINE_H
#define TRAPGATE_MACHINE_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

enum tg_board {
	TG_BOARD_BARE, /* processors, memory and an interrupt pin */
	TG_BOARD_PC    /* the machine that the trapgate program runs */
};

/* PC: a disk, CD or floppy image in the host's file, as -hda, -cdrom and -fda have it. */
enum tg_drive_kind { TG_DRIVE_DISK, TG_DRIVE_CD, TG_DRIVE_FLOPPY, TG_DRIVE_VIRTIO };
struct tg_drive {
	enum tg_drive_kind kind;
	unsigned index;   /* disk, CD: channel * 2 + drive; floppy: 0 or 1; virtio: in order */
	const char *file; /* NULL: a CD drive without a medium */
	bool snapshot;    /* what the guest writes goes away with the machine */
	bool read_only;
};

struct tg_config {
	size_t size; /* sizeof(struct tg_config) */
	enum tg_board board;
	const char *cpu; /* a model's name, see tg_model(); NULL: the default one */
	unsigned cpus;   /* processors; 0: 1.  A bare machine has one */
	uint64_t ram;    /* bytes from address 0, whole pages of 4 KiB.  PC: 64 KiB to 3 GiB; bare: 0 to 3 GiB */
	bool plain;      /* decode each instruction afresh: slow, the oracle of the fast interpreter */
	/* PC: where the host's end of COM1, COM2 and port E9h is: "stdio", "file:PATH" or "null", as for -serial and
	 * -debugcon.  NULL: nothing connected to COM1; no COM2; no port E9h. */
	const char *serial[2];
	const char *debugcon;
	/* PC: writing v to this port ends the run with status (v << 1) | 1, as QEMU's isa-debug-exit does. */
	bool debug_exit;
	uint16_t debug_exit_port;
	unsigned debug_exit_size; /* ports: 1, 2 or 4 */
	const char *firmware; /* PC: SeaBIOS's file; the machine starts in it where no guest is loaded.  NULL: none */
	const char *vga_firmware;     /* PC: the VGA BIOS for it */
	const struct tg_drive *drive; /* PC: `drives` of them; needed for this call only */
	unsigned drives;              /* 12 at most */
};

/* Makes a machine, with its processors as after power-on.
 *   config    its strings need to live for this call only
 *   machine   the machine; the caller frees it with tg_machine_free()
 *   why, why_size  a buffer for a sentence on what went wrong; may be NULL, 0
 *   Errors: ARGUMENT, VERSION, MEMORY; VALUE: the model, the sizes, the host's files. */
TG_API enum tg_error tg_machine_new(const struct tg_config *config, struct tg_machine **machine, char *why,
				    size_t why_size);

/* Frees the machine and everything made for it but snapshots.  NULL: nothing.  Not from its own callbacks. */
TG_API void tg_machine_free(struct tg_machine *machine);

/* What went wrong in the last call on this machine that failed: one sentence, no newline; "" if it was no
 * sentence's worth.  The text is good until the next call. */
TG_API const char *tg_machine_detail(const struct tg_machine *machine);

/* Processor n, counted from 0; NULL: there is none.  It lives as long as the machine. */
TG_API struct tg_cpu *tg_machine_cpu(struct tg_machine *machine, unsigned n);

/* Name and description (may be NULL) of processor model n.
 *   Errors: ARGUMENT; NOT_FOUND: there are no more. */
TG_API enum tg_error tg_model(unsigned n, const char **name, const char **description);

/* ---- memory map ----
 * What the PC's board has mapped lies where it lies; a device of the caller's is seen in front of it. */

/* Zeroed RAM, or a ROM with a copy of image; what the image leaves free reads as FFh.  Whole pages of 4 KiB.
 * A ROM may lie over RAM and hides it.
 *   Errors: ARGUMENT: not whole pages, beyond 2^52, larger image; OVERLAP: RAM over anything that is
 *   mapped, a ROM over a ROM or device; MEMORY; BUSY from callbacks. */
TG_API enum tg_error tg_map_ram(struct tg_machine *machine, uint64_t address, uint64_t size);
TG_API enum tg_error tg_map_rom(struct tg_machine *machine, uint64_t address, uint64_t size, const void *image,
				size_t image_size);

/* A device in memory: offset counts from its start; bytes is 1, 2, 4 or 8, and an access never leaves the
 * device.  owner is handed to the functions.  What they may call: everything but tg_run(), tg_step(), mapping,
 * loading, snapshots and writing registers (TG_ERROR_BUSY). */
struct tg_mmio {
	size_t size; /* sizeof(struct tg_mmio) */
	uint64_t (*read)(void *owner, uint64_t offset, unsigned bytes);
	void (*write)(void *owner, uint64_t offset, unsigned bytes, uint64_t value);
	void *owner;
};
/* It lies over RAM and ROM, and over devices mapped earlier.
 *   Errors: ARGUMENT (also: a function is NULL), VERSION, MEMORY, BUSY. */
TG_API enum tg_error tg_map_mmio(struct tg_machine *machine, uint64_t address, uint64_t size,
				 const struct tg_mmio *device);

/* A device at ports first to first + count - 1: bytes is 1, 2 or 4.  A port mapped later wins, also over the board's.
 *   Errors as tg_map_mmio(). */
struct tg_ports {
	size_t size; /* sizeof(struct tg_ports) */
	uint32_t (*read)(void *owner, uint16_t port, unsigned bytes);
	void (*write)(void *owner, uint16_t port, unsigned bytes, uint32_t value);
	void *owner;
};
TG_API enum tg_error tg_map_ports(struct tg_machine *machine, uint16_t first, unsigned count,
				  const struct tg_ports *device);

/* ---- guests ----
 * As the command line loads them; call tg_start() after.  Symbols and source lines of an ELF file are kept for texts.
 */

/* -kernel: an image of any kind the program knows.  append, initrd: NULL: none.
 *   Errors: ARGUMENT; FILE: see tg_machine_detail(); BUSY. */
TG_API enum tg_error tg_load_kernel(struct tg_machine *machine, const char *path, const char *append,
				    const char *initrd);
/* --load: the file's bytes into RAM; starts there in real mode.  Errors as tg_load_kernel(). */
TG_API enum tg_error tg_load_flat(struct tg_machine *machine, const char *path, uint64_t address);
/* --rom: whole pages that end at 4 GiB, the last 128 KiB below 1 MiB too; starts at the reset vector.  Errors as
 * tg_load_kernel(). */
TG_API enum tg_error tg_load_rom(struct tg_machine *machine, const char *path);

enum tg_mode {
	TG_MODE_IMAGE,  /* as the loaded image wants it; none loaded: as after reset */
	TG_MODE_RESET,  /* at the reset vector */
	TG_MODE_REAL,   /* real mode */
	TG_MODE_PROT16, /* protected mode, 16-bit code over flat data */
	TG_MODE_PROT32  /* protected mode, flat 32-bit segments, GDTR and IDTR empty, IF = 0 */
};
/* Puts the first processor where the guest begins, with a PC's interrupt controllers and timer as firmware leaves
 * them.  Call it before the machine has run.
 *   mode, entry  entry is physical and counts for REAL, PROT16 and PROT32 only
 *   Errors: ARGUMENT; VALUE: the entry is out of reach; BUSY. */
TG_API enum tg_error tg_start(struct tg_machine *machine, enum tg_mode mode, uint64_t entry);

/* ---- lines ---- */

enum tg_pin {
	TG_PIN_NMI,
	TG_PIN_INIT,
	TG_PIN_SMI /* NOT_BUILT */
};
/* Pulses a pin of a processor: the next step looks at it.
 *   Errors: ARGUMENT, NOT_BUILT. */
TG_API enum tg_error tg_pulse(struct tg_cpu *cpu, enum tg_pin pin);

/* The interrupt pin of a bare machine's processor goes high until the processor acknowledges; the vector is given by
 * then.  A second call before that replaces the vector.
 *   Errors: ARGUMENT; BOARD: a PC's pin belongs to its interrupt controllers, see tg_line_set(). */
TG_API enum tg_error tg_interrupt_raise(struct tg_cpu *cpu, uint8_t vector);

/* The same pin as a level, with a device that answers the acknowledge cycle: acknowledge yields the vector and may set
 * the level again.  acknowledge NULL: the pin belongs to tg_interrupt_raise() again.
 *   Errors as tg_interrupt_raise(). */
TG_API enum tg_error tg_interrupt_source(struct tg_cpu *cpu, uint8_t (*acknowledge)(void *owner, struct tg_cpu *cpu),
					 void *owner);
TG_API enum tg_error tg_interrupt_level(struct tg_cpu *cpu, bool level);

/* A PC's lines by name: "IRQ0" to "IRQ15" without IRQ2, which is the cascade.  Each is the caller's own source: the
 * line is high while it or the board's device drives it.
 *   Errors: ARGUMENT, MEMORY; NOT_FOUND: no such line; BOARD: a bare machine has none. */
TG_API enum tg_error tg_line_set(struct tg_machine *machine, const char *line, bool level);

/* Why is the interrupt pin low, or that it is not: a sentence; good until the next call. */
TG_API const char *tg_why_quiet(struct tg_cpu *cpu);

/* ---- running ---- */

enum tg_stop_kind {
	TG_STOP_BUDGET,       /* the budget is used up */
	TG_STOP_HALT,         /* HLT, and nothing can wake the machine */
	TG_STOP_SHUTDOWN,     /* triple fault */
	TG_STOP_DEBUG_EXIT,   /* the guest wrote to the exit port: status */
	TG_STOP_POWER_OFF,    /* the guest switched the machine off */
	TG_STOP_RESET,        /* the guest reset the machine, and there is no firmware to start */
	TG_STOP_HOOK,         /* a hook wants it: hook */
	TG_STOP_REQUEST,      /* tg_stop() or tg_interrupt() */
	TG_STOP_UNIMPLEMENTED /* the guest needs what is not built: text */
};

struct tg_stop {
	size_t size; /* sizeof(struct tg_stop) */
	enum tg_stop_kind kind;
	int status;       /* as the program's exit status; odd: DEBUG_EXIT */
	uint64_t now;     /* ticks */
	uint64_t retired; /* ticks of this call without those skipped in HLT */
	unsigned hook;    /* HOOK: its number */
	char text[192];   /* one line for people, no newline */
};

#define TG_FOREVER UINT64_MAX

/* Runs until something stops the machine.
 *   budget  ticks at most, not counting those skipped in HLT; a PC with several processors counts all of
 *           theirs.  An INT n that is refused is one step of two ticks: it may go one tick beyond
 *   stop    filled in; may be NULL
 *   The machine may be run on after every kind of stop.
 *   Errors: ARGUMENT, VERSION; BUSY from callbacks. */
TG_API enum tg_error tg_run(struct tg_machine *machine, uint64_t budget, struct tg_stop *stop);

/* One step: an instruction, an iteration of a REP or a delivery between two instructions.  tg_run() with budget 1. */
TG_API enum tg_error tg_step(struct tg_machine *machine, struct tg_stop *stop);

/* Ends the present tg_run() before the next instruction: for callbacks.  Without effect while nothing runs. */
TG_API void tg_stop(struct tg_machine *machine);

/* Ends the present or the next tg_run() within some milliseconds; from any thread, or from a signal handler. */
TG_API void tg_interrupt(struct tg_machine *machine);

/* The virtual time in ticks.  From callbacks: of the very instruction. */
TG_API uint64_t tg_now(const struct tg_machine *machine);

/* Calls function before the first instruction at or after the tick `when`: the machine's first instruction is
 * number 0, and a tick in the past is now.  It may raise lines, pulse pins, stop, set other moments and write memory
 * and registers.
 * A machine in HLT goes on to the next moment.
 *   moment  its number, for tg_at_cancel(); may be NULL
 *   Errors: ARGUMENT, MEMORY. */
TG_API enum tg_error tg_at(struct tg_machine *machine, uint64_t when,
			   void (*function)(void *owner, struct tg_machine *machine), void *owner, unsigned *moment);
/* Errors: ARGUMENT; NOT_FOUND: none of that number waits. */
TG_API enum tg_error tg_at_cancel(struct tg_machine *machine, unsigned moment);

/* ---- snapshots of a bare machine ----
 * Covered: the processor with its pins and what it remembers between two instructions, all RAM, virtual time, moments,
 * the last 256 deliveries and the numbers of records.  Not covered: the state behind the caller's devices, hooks, ROM.
 */

/* Saves.  *snapshot is the caller's: tg_snapshot_free().
 *   Errors: ARGUMENT, MEMORY; BOARD: a PC's devices cannot be saved; BUSY. */
TG_API enum tg_error tg_snapshot_save(struct tg_machine *machine, struct tg_snapshot **snapshot);
/* Puts the machine that was saved, or one made and mapped alike, back.  The snapshot stays.
 *   Errors: ARGUMENT; VALUE: another model or other RAM; MEMORY; BUSY. */
TG_API enum tg_error tg_snapshot_restore(struct tg_machine *machine, const struct tg_snapshot *snapshot);
/* NULL: nothing. */
TG_API void tg_snapshot_free(struct tg_snapshot *snapshot);

#ifdef __cplusplus
}
#endif

#endif
