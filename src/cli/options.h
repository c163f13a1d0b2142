/* The command line: QEMU's words where QEMU has one, so that its users'
 * Makefiles work; ours begin with two dashes.  One or two dashes are alike. */
#ifndef TRAPGATE_CLI_OPTIONS_H
#define TRAPGATE_CLI_OPTIONS_H

#include "machine/machine.h"

struct display_kind;

enum trace_format { TRACE_NONE, TRACE_TEXT, TRACE_JSONL };

/* What the program does instead of running a guest. */
enum errand { ERRAND_RUN, ERRAND_HELP, ERRAND_VERSION, ERRAND_LIST_CPUS, ERRAND_LIST_BOARDS, ERRAND_LIST_DEVICES };

#define OPTION_TEXT     BOARD_TEXT
#define OPTION_ID       40u
#define OPTION_CHARDEVS 8u

/* A drive as it was asked for: where it goes is known once all options are. */
struct option_drive {
	struct board_drive drive;
	char id[OPTION_ID];
	int index;  /* -1: any place */
	bool waits; /* if=none: for a -device with drive=ID */
};

struct option_disk { /* -device virtio-blk-pci,drive=ID and the like */
	char id[OPTION_ID];
	enum drive_kind kind;
};

struct option_chardev {
	char id[OPTION_ID];
	char name[OPTION_TEXT + 8]; /* as chardev_open() takes it */
};

struct options {
	enum errand errand;
	struct machine_config machine;
	const char *kernel, *rom, *append, *initrd;
	char load[256]; /* FILE of --load */
	bool has_load;
	uint64_t load_address;
	bool has_entry, has_mode;
	uint64_t entry;
	enum start_mode mode;
	enum trace_format trace;
	bool trace_lines;       /* wires and interrupt controllers too */
	const char *trace_file; /* NULL: standard error; "-": standard output */
	const char *log_file;   /* -D */
	bool nographic;
	const struct display_kind *display; /* NULL: none */
	const char *name;     /* of the guest, for the display's title */
	struct screen screen; /* the dumps asked for */
	struct option_drive drive[BOARD_MAX_DRIVES];
	unsigned drives;
	struct option_disk disk[BOARD_MAX_DRIVES];
	unsigned disks;
	struct option_chardev chardev[OPTION_CHARDEVS];
	unsigned chardevs;
	char serial_id[BOARD_SERIAL_PORTS][OPTION_ID], debugcon_id[OPTION_ID]; /* chardev:ID */
	bool snapshot;
	char boot_order[8];
	const char *bios;
	char firmware[OPTION_TEXT], vga_firmware[OPTION_TEXT];
	const char *library; /* -L: where firmware is looked for */
};

/* Takes the arguments behind the program's name.  Their strings stay the caller's; *options points into itself, so
 * it must stay where it is for as long as a machine is made of it.  False: *why. */
bool options_parse(struct options *options, int count, char *const *arguments, struct diagnostic *why) MUST_CHECK;

/* Finds the firmware of -bios or, without, the board's SeaBIOS: what starts a guest that
 * comes on a disk.  False: *why. */
bool options_choose_firmware(struct options *options, struct diagnostic *why) MUST_CHECK;

/* The list of options, for --help. */
void options_print_help(FILE *file);
void options_print_devices(FILE *file);

#endif
