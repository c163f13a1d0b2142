#include "cli/options.h"

#include <string.h>
#include <time.h>

#include "cli/property.h"

/* An option: its value's name (NULL: takes none) and what is done with it. */
struct option {
	const char *name, *value, *help; /* help NULL: not listed, or taken without effect */
	bool (*take)(struct options *o, const char *option, const char *value, struct diagnostic *why);
};

/* ---- the options ---- */

static bool take_memory(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	static const struct {
		char letter;
		unsigned shift;
	} units[] = {{'\0', 20}, {'M', 20}, {'m', 20}, {'G', 30}, {'g', 30}, {'K', 10}, {'k', 10}, {'B', 0}, {'b', 0}};
	const char *text = strncmp(value, "size=", 5) == 0 ? value + 5 : value, *end;
	uint64_t n;

	if (value_number(text, &n, &end) && (!*end || !end[1]))
		for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
			if (*end == units[i].letter && n <= (MACHINE_MAX_RAM >> units[i].shift)) {
				o->machine.ram = n << units[i].shift;
				return true;
			}
	return value_bad(option, value, "a size like 16, 64M or 1G, 3 GiB at most, is wanted", why);
}

static bool take_kernel(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	o->kernel = value;
	return true;
}

static bool take_append(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	o->append = value;
	return true;
}

static bool take_initrd(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	o->initrd = value;
	return true;
}

static bool take_rom(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	o->rom = value;
	return true;
}

static bool take_load(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	const char *at = strrchr(value, '@');
	size_t n = at ? (size_t)(at - value) : 0;

	if (!at || n == 0 || n >= sizeof(o->load) || !value_whole(at + 1, &o->load_address))
		return value_bad(option, value, "FILE@ADDRESS is wanted, like boot.bin@0x7c00", why);
	memcpy(o->load, value, n);
	o->load[n] = '\0';
	o->has_load = true;
	return true;
}

static bool take_entry(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	if (!value_whole(value, &o->entry) || o->entry > 0xffffffff)
		return value_bad(option, value, "a physical address below 4 GiB is wanted", why);
	o->has_entry = true;
	return true;
}

static bool take_mode(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	static const struct {
		const char *name;
		enum start_mode mode;
	} modes[] = {{"real", START_REAL}, {"prot16", START_PROT16}, {"prot32", START_PROT32}};

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (strcmp(value, modes[i].name) == 0) {
			o->mode = modes[i].mode;
			o->has_mode = true;
			return true;
		}
	return value_bad(option, value, "real, prot16 or prot32 is wanted", why);
}

static bool take_cpu(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	if (strcmp(value, "help") == 0 || strcmp(value, "?") == 0)
		o->errand = ERRAND_LIST_CPUS;
	else
		o->machine.cpu = value;
	return true;
}

static bool take_nographic(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	o->nographic = true;
	return true;
}

/* QEMU's -d is a list of topics; interrupts are the one there is. */
static bool take_log(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	for (const char *p = value;; p++) {
		if (value_word(p, "int"))
			o->trace = o->trace == TRACE_NONE ? TRACE_TEXT : o->trace;
		else if (!value_word(p, "guest_errors") && !value_word(p, "unimp"))
			return value_bad(option, value, "int, guest_errors and unimp are known", why);
		p = strchr(p, ',');
		if (!p)
			return true;
	}
}

static bool take_log_file(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	o->log_file = value;
	return true;
}

static bool take_trace(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	const char *colon = strchr(value, ':'), *lines = strstr(value, ",lines");
	size_t n = colon ? (size_t)(colon - value) : strlen(value);

	o->trace_lines = lines && lines + strlen(",lines") == value + n;
	if (o->trace_lines)
		n = (size_t)(lines - value);
	if (n == 4 && strncmp(value, "text", n) == 0)
		o->trace = TRACE_TEXT;
	else if (n == 5 && strncmp(value, "jsonl", n) == 0)
		o->trace = TRACE_JSONL;
	else
		return value_bad(option, value, "text or jsonl, then ,lines and :FILE if you like, is wanted", why);
	if (colon && !colon[1])
		return value_bad(option, value, "a file name is missing behind the colon", why);
	o->trace_file = colon ? colon + 1 : NULL;
	return true;
}

static bool take_max_insns(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	if (!value_whole(value, &o->machine.max_insns) || o->machine.max_insns == 0 || o->machine.max_insns > INT64_MAX)
		return value_bad(option, value, "a number of instructions, at least 1, is wanted", why);
	return true;
}

static bool take_timeout(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	uint64_t n;

	if (!value_whole(value, &n) || n == 0 || n > 1000000)
		return value_bad(option, value, "seconds, 1 to 1000000, are wanted", why);
	o->machine.timeout = (unsigned)n;
	return true;
}

static bool take_plain(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	o->machine.plain = true;
	return true;
}

/* VECTOR@every:N */
static bool take_inject(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	uint64_t vector, every;
	const char *end;

	if (!value_number(value, &vector, &end) || vector > 255 || strncmp(end, "@every:", 7) != 0 ||
	    !value_whole(end + 7, &every) || every == 0 || every > INT64_MAX)
		return value_bad(option, value, "VECTOR@every:N is wanted, like 0x40@every:1", why);
	o->machine.board.inject = true;
	o->machine.board.inject_vector = (uint8_t)vector;
	o->machine.board.inject_every = every;
	return true;
}

static bool take_help(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	o->errand = ERRAND_HELP;
	return true;
}

static bool take_version(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	o->errand = ERRAND_VERSION;
	return true;
}

/* Things this machine is or has not anyway. */
static bool take_none(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	if (strcmp(value, "none") != 0 && strcmp(value, "null") != 0)
		return value_bad(option, value, "only \"none\" is built", why);
	return true;
}

static bool take_vga(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	if (strcmp(value, "std") != 0 && strcmp(value, "none") != 0)
		return value_bad(option, value, "std (a VGA) and none are built", why);
	o->machine.board.no_vga = strcmp(value, "none") == 0;
	return true;
}

/* pc or isapc, then what else QEMU's machines take: "type=pc,accel=tcg", "pc,graphics=off". */
static bool take_board(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	static const struct {
		const char *name;
		enum board_kind kind;
	} boards[] = {{"pc", BOARD_PC}, {"isapc", BOARD_ISAPC}};
	static const char *const switches[] = {"accel", "usb", "kernel_irqchip", "vmport", "mem-merge", "dump-guest-core"};
	struct property p;
	int more;

	if (strcmp(value, "help") == 0 || strcmp(value, "?") == 0) {
		o->errand = ERRAND_LIST_BOARDS;
		return true;
	}
	while ((more = property_next(&value, &p)) > 0) {
		const char *name = strcmp(p.key, "type") == 0 ? p.value : p.key;
		bool known = false, on;

		for (size_t i = 0; i < sizeof(boards) / sizeof(boards[0]); i++)
			if (strcmp(name, boards[i].name) == 0 || strncmp(name, "pc-i440fx-", 10) == 0) {
				o->machine.board.kind = strncmp(name, "pc-", 3) == 0 ? BOARD_PC : boards[i].kind;
				known = true;
			}
		for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++)
			known |= strcmp(p.key, switches[i]) == 0;
		if (strcmp(p.key, "acpi") == 0 || strcmp(p.key, "hpet") == 0 || strcmp(p.key, "graphics") == 0) {
			known = property_switch(&p, &on);
			if (p.key[0] == 'a')
				o->machine.board.no_acpi = !on;
			else if (p.key[0] == 'h')
				o->machine.board.no_hpet = !on;
			else
				o->machine.board.serial_console = !on;
		}
		if (!known)
			return value_bad(option, p.key, "pc and isapc are known, with acpi=on|off, hpet=on|off, graphics=on|off", why);
	}
	return more == 0 || value_bad(option, value, "pc and isapc are known", why);
}

static bool take_accelerator(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	return true; /* guests cannot tell: every accelerator is this interpreter */
}

/* "4", "cpus=4,sockets=4": how they are packaged is not told to the guest. */
static bool take_smp(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	static const char wanted[] = "a number of processors, 1 to 8, is wanted";
	static const char *const packaging[] = {"sockets", "dies", "cores", "threads", "maxcpus"};
	const char *list = value;
	struct property p;
	uint64_t n;
	int more;

	while ((more = property_next(&list, &p)) > 0) {
		bool known = false;

		for (size_t i = 0; i < sizeof(packaging) / sizeof(packaging[0]); i++)
			known |= strcmp(p.key, packaging[i]) == 0 && value_whole(p.value, &n);
		if (known)
			continue;
		if ((p.has_value && strcmp(p.key, "cpus") != 0) || !value_whole(p.has_value ? p.value : p.key, &n) ||
		    n < 1 || n > MACHINE_MAX_CPUS)
			return value_bad(option, value, wanted, why);
		o->machine.cpus = (unsigned)n;
	}
	return more == 0 || value_bad(option, value, wanted, why);
}

static bool take_bios(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	o->bios = value;
	return true;
}

static bool take_library(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	o->library = value;
	return true;
}

static bool take_no_reboot(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	o->machine.no_reboot = true;
	return true;
}

static bool take_no_acpi(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	o->machine.board.no_acpi = true;
	return true;
}

static bool take_no_hpet(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	o->machine.board.no_hpet = true;
	return true;
}

static uint64_t seconds_of(const struct tm *date)
{
	static const unsigned days_before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
	int year = date->tm_year + 1900, leaps = (year - 1969) / 4 - (year - 1901) / 100 + (year - 1601) / 400;
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	uint64_t days = (uint64_t)(year - 1970) * 365 + (uint64_t)leaps + days_before[date->tm_mon] +
			(leap && date->tm_mon > 1) + (uint64_t)date->tm_mday - 1;

	return ((days * 24 + (uint64_t)date->tm_hour) * 60 + (uint64_t)date->tm_min) * 60 + (uint64_t)date->tm_sec;
}

/* YYYY-MM-DD, then THH:MM:SS if one likes. */
static bool read_date(const char *text, struct tm *date)
{
	int end = 0, day_end = 0;

	sscanf(text, "%4d-%2d-%2d%nT%2d:%2d:%2d%n", &date->tm_year, &date->tm_mon, &date->tm_mday, &day_end,
	       &date->tm_hour, &date->tm_min, &date->tm_sec, &end);
	date->tm_year -= 1900;
	date->tm_mon -= 1;
	return (end ? !text[end] : day_end && !text[day_end]) && date->tm_year >= 70 && date->tm_year < 200 &&
	       date->tm_mon >= 0 && date->tm_mon < 12 && date->tm_mday >= 1 && date->tm_mday <= 31 &&
	       date->tm_hour >= 0 && date->tm_hour < 24 && date->tm_min >= 0 && date->tm_min < 60 &&
	       date->tm_sec >= 0 && date->tm_sec < 60;
}

/* The real-time clock at the start: the host's time only on request, else every run is the same. */
static bool take_rtc(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	static const char wanted[] = "base=utc, base=localtime or base=YYYY-MM-DDTHH:MM:SS is wanted";
	const char *list = value;
	struct property p;
	int more;

	while ((more = property_next(&list, &p)) > 0) {
		struct tm date = {0};
		time_t now = time(NULL);
		bool ok = true;

		if (strcmp(p.key, "clock") == 0 || strcmp(p.key, "driftfix") == 0)
			continue;
		if (strcmp(p.key, "base") != 0)
			return value_bad(option, value, wanted, why);
		if (strcmp(p.value, "utc") == 0)
			gmtime_r(&now, &date);
		else if (strcmp(p.value, "localtime") == 0)
			localtime_r(&now, &date);
		else
			ok = read_date(p.value, &date);
		if (!ok)
			return value_bad(option, value, wanted, why);
		o->machine.board.rtc_start = seconds_of(&date);
	}
	return more == 0 || value_bad(option, value, wanted, why);
}

/* A network's host side without a network card in the guest is nothing. */
static bool take_network(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	if (value_word(value, "none") || value_word(value, "user"))
		return true;
	return value_bad(option, value, "there is no network card; \"none\" and \"user\" are taken without effect", why);
}

static bool take_unbuilt(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	return diagnose(why, "%s: the gdb stub is not built yet; see --trace and `trapgate explain help`", option);
}

static bool take_nothing(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	return true;
}

/* Defaults of QEMU's own devices; that of the debug console says where firmware talks. */
static bool take_global(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	static const char debugcon[] = "isa-debugcon.iobase=";
	uint64_t port;

	if (strncmp(value, debugcon, strlen(debugcon)) != 0)
		return true;
	if (!value_whole(value + strlen(debugcon), &port) || port > 0xffff)
		return value_bad(option, value, "a port is wanted", why);
	o->machine.board.debugcon_port = (uint16_t)port;
	return true;
}

static const struct option table[] = {
	{"-m", "SIZE", "memory, in MiB unless K, M or G follows (default 128)", take_memory},
	{"-cpu", "MODEL", "processor; -cpu help lists them", take_cpu},
	{"-kernel", "FILE",
	 "Linux bzImage, or ELF32 executable, loaded at its physical addresses; Multiboot 1 if it has the header",
	 take_kernel},
	{"-initrd", "FILE", "initial RAM disk of a Linux kernel; of others, modules: \"FILE WORDS,FILE WORDS\"", take_initrd},
	{"-append", "TEXT", "command line of the kernel", take_append},
	{"--load", "FILE@ADDR", "flat binary at a physical address", take_load},
	{"--rom", "FILE", "ROM image that ends at 4 GiB and at 1 MiB; the processor starts at its reset vector",
	 take_rom},
	{"--entry", "ADDR", "first instruction, instead of the image's own", take_entry},
	{"--mode", "MODE", "real, prot16 or prot32: how the processor starts (default: real for --load)", take_mode},
	{"-M", "NAME,...", "the board: pc (PCI, APICs; default) or isapc (an AT); acpi=off, hpet=off", take_board},
	{"-smp", "N", "so many processors, 1 to 8, that run by turns", take_smp},
	{"-drive", "file=F,...",
	 "a drive: format=raw, if=ide|floppy|virtio|none, index=N, media=disk|cdrom, id=, snapshot=, readonly=", take_drive},
	{"-hda", "FILE", "IDE disk 0 (also -hdb -hdc -hdd; a bare FILE is -hda): a raw image", take_disk},
	{"-hdb", "FILE", NULL, take_disk},
	{"-hdc", "FILE", NULL, take_disk},
	{"-hdd", "FILE", NULL, take_disk},
	{"-cdrom", "FILE", "a CD image in IDE place 2", take_cdrom},
	{"-fda", "FILE", "floppy disk A (also -fdb)", take_floppy},
	{"-fdb", "FILE", NULL, take_floppy},
	{"-snapshot", NULL, "what guests write to drives is kept in memory and lost at the end", take_snapshot},
	{"-boot", "ORDER", "what the firmware boots from: letters of a (floppy), c (disk), d (CD); menu=on", take_boot},
	{"-bios", "FILE", "the firmware (default: Debian's SeaBIOS, when no kernel is given, or a bzImage that counts on a BIOS); with -kernel it starts a Linux kernel", take_bios},
	{"-L", "DIR", "where firmware is looked for first", take_library},
	{"-fw_cfg", "NAME,file=F", "an item for the firmware configuration device; or string=TEXT", take_fw_cfg},
	{"-rtc", "base=...", "start of the real-time clock: utc, localtime or a date (default 2026-01-01)", take_rtc},
	{"-no-reboot", NULL, "a reset ends the run", take_no_reboot},
	{"-no-acpi", NULL, "no ACPI tables", take_no_acpi},
	{"-no-hpet", NULL, "no HPET", take_no_hpet},
	{"-serial", "DEV", "COM1: stdio, mon:stdio, file:PATH, chardev:ID or null; given again: COM2", take_serial},
	{"-chardev", "KIND,id=ID", "stdio, file (with path=) or null, to be named by chardev:ID or chardev=ID",
	 take_chardev},
	{"-debugcon", "DEV", "port E9h: stdio, file:PATH or null", take_debugcon},
	{"-device", "NAME,...", "isa-debug-exit,iobase=PORT,iosize=N: writing v ends with status (v << 1) | 1; see -device help",
	 take_device},
	{"-display", "KIND", "none (default), curses (on the terminal; Ctrl-A x ends) or sdl (a window)", take_display},
	{"-curses", NULL, NULL, take_curses},
	{"--screen", "FILE[@insn:N]",
	 "the screen's text, at the end and on SIGUSR1, or after N instructions; -: standard output", take_screen},
	{"-vga", "std|none", "the display adapter: a VGA (default) or none", take_vga},
	{"-nographic", NULL, "no display, serial line on standard input and output", take_nographic},
	{"--trace", "FORMAT[,lines][:FILE]",
	 "text or jsonl: every delivery, return and task switch (default: standard error; -: output); lines: each "
	 "interrupt's way there",
	 take_trace},
	{"-d", "TOPICS", "int: as --trace=text", take_log},
	{"-D", "FILE", "where -d goes", take_log_file},
	{"--max-insns", "N", "stop after N instructions, status 8", take_max_insns},
	{"--timeout", "SECONDS", "stop after so much host time, status 8", take_timeout},
	{"--plain", NULL, "decode each instruction afresh: slow, the oracle of the fast interpreter", take_plain},
	{"--inject", "V@every:N", "test pin: external interrupt V every N instructions", take_inject},
	{"--help", NULL, "this list", take_help},
	{"-h", NULL, NULL, take_help},
	{"--version", NULL, "the version", take_version},
	{"-monitor", "none", NULL, take_none},
	{"-parallel", "none", NULL, take_none},
	{"-vnc", "none", NULL, take_none},
	{"-net", "none", NULL, take_network},
	{"-nic", "none", NULL, take_network},
	{"-netdev", "user,...", NULL, take_network},
	{"-mon", "chardev=ID", NULL, take_nothing},
	{"-global", "NAME", NULL, take_global},
	{"-k", "LANGUAGE", NULL, take_nothing},
	{"-uuid", "UUID", NULL, take_nothing},
	{"-overcommit", "TEXT", NULL, take_nothing},
	{"-no-user-config", NULL, NULL, take_nothing},
	{"-no-fd-bootchk", NULL, NULL, take_nothing},
	{"-machine", "NAME,...", NULL, take_board},
	{"-gdb", "DEV", "not built yet", take_unbuilt},
	{"-s", NULL, NULL, take_unbuilt},
	{"-S", NULL, NULL, take_unbuilt},
	{"-accel", "NAME", NULL, take_accelerator},
	{"-name", "TEXT", "of the guest, for the window's title", take_name},
	{"-enable-kvm", NULL, NULL, take_nothing},
	{"-no-shutdown", NULL, NULL, take_nothing},
	{"-nodefaults", NULL, NULL, take_nothing},
};

#define OPTIONS (sizeof(table) / sizeof(table[0]))

/* Behind the dashes. */
static const char *bare(const char *name)
{
	return name + 1 + (name[1] == '-');
}

static const struct option *find(const char *name, size_t length)
{
	for (size_t i = 0; i < OPTIONS; i++)
		if (strlen(bare(table[i].name)) == length && strncmp(bare(table[i].name), name, length) == 0)
			return &table[i];
	return NULL;
}

/* One option and its value, which follows an "=" or is the next argument.  Returns how many arguments
 * it took, 0 on error. */
static int take(struct options *o, int count, char *const *arguments, struct diagnostic *why)
{
	const char *text = arguments[0], *name, *equals, *value = NULL;
	const struct option *option;
	int taken = 1;

	if (text[0] && text[0] != '-')
		return take_disk(o, text, text, why) ? 1 : 0;
	if (!*text || !*bare(text)) {
		diagnose(why, "\"%s\": no such option; see --help", text);
		return 0;
	}
	name = bare(text);
	equals = strchr(name, '=');
	option = find(name, equals ? (size_t)(equals - name) : strlen(name));
	if (!option) {
		diagnose(why, "%s: no such option; see --help", text);
		return 0;
	}
	if (option->value) {
		value = equals ? equals + 1 : count > 1 ? arguments[1] : NULL;
		taken = equals ? 1 : 2;
	}
	if (option->value && (!value || (!*value && option->take != take_append))) {
		diagnose(why, "%s: %s is missing behind it", text, option->value);
		return 0;
	}
	if (!option->value && equals) {
		diagnose(why, "%s: this option takes no value", text);
		return 0;
	}
	return option->take(o, text, value, why) ? taken : 0;
}

/* ---- firmware ---- */
#define FIRMWARE_DIRECTORY "/usr/share/seabios"

/* Where a file of firmware is: as named, or in the directory of -L or Debian's. */
static bool find_firmware(const struct options *o, const char *name, char *path, size_t size)
{
	const char *directories[] = {o->library, FIRMWARE_DIRECTORY};
	FILE *file = strchr(name, '/') ? fopen(name, "rb") : NULL;

	snprintf(path, size, "%s", name);
	for (size_t i = 0; !file && i < 2; i++) {
		if (!directories[i] || strchr(name, '/'))
			continue;
		snprintf(path, size, "%s/%s", directories[i], name);
		file = fopen(path, "rb");
	}
	if (!file && !strchr(name, '/')) {
		snprintf(path, size, "%s", name);
		file = fopen(path, "rb");
	}
	if (file)
		fclose(file);
	return file != NULL;
}

bool options_choose_firmware(struct options *o, struct diagnostic *why)
{
	struct board_config *board = &o->machine.board;
	const char *bios = o->bios ? o->bios : board->kind == BOARD_PC ? "bios-256k.bin" : "bios.bin";

	if (!find_firmware(o, bios, o->firmware, sizeof(o->firmware)))
		return diagnose(why, o->bios ? "could not load PC BIOS '%s': no such file"
					     : "%s: no SeaBIOS here; install the package seabios, or name its directory with -L",
				bios);
	board->firmware = o->firmware;
	if (find_firmware(o, "vgabios-isavga.bin", o->vga_firmware, sizeof(o->vga_firmware)))
		board->vga_firmware = o->vga_firmware;
	return true;
}

/* What several options say together. */
static bool check_together(struct options *o, struct diagnostic *why)
{
	bool image = o->kernel || o->rom || o->has_load;

	if (o->errand != ERRAND_RUN)
		return true;
	if (!devices_resolve(o, why) || !drives_resolve(o, why))
		return false;
	if (!image && !o->drives && !o->bios)
		return diagnose(why, "no guest: give -kernel, a disk, --load or --rom; see --help");
	if (o->kernel && (o->rom || o->has_load))
		return diagnose(why, "-kernel goes with neither --load nor --rom");
	if (o->append && !o->kernel)
		return diagnose(why, "-append needs -kernel");
	if (o->initrd && !o->kernel)
		return diagnose(why, "-initrd needs -kernel");
	if (o->log_file && o->trace == TRACE_NONE)
		return diagnose(why, "-D %s: nothing to log; add -d int or --trace", o->log_file);
	if (o->log_file && !o->trace_file)
		o->trace_file = o->log_file;
	if (!display_check(o, why))
		return false;
	if (o->nographic && !o->machine.board.serial[0])
		o->machine.board.serial[0] = "mon:stdio";
	if (o->nographic)
		o->machine.board.serial_console = true;
	return (image && !(o->kernel && o->bios)) || options_choose_firmware(o, why);
}

bool options_parse(struct options *o, int count, char *const *arguments, struct diagnostic *why)
{
	*o = (struct options){.machine.ram = UINT64_C(128) << 20};
	for (int i = 0; i < count;) {
		int taken = take(o, count - i, arguments + i, why);

		if (!taken)
			return false;
		i += taken;
	}
	return check_together(o, why);
}

void options_print_help(FILE *file)
{
	fputs("usage: trapgate [options] -kernel FILE | DISK | --load FILE@ADDR | --rom FILE\n\noptions:\n", file);
	for (size_t i = 0; i < OPTIONS; i++) {
		const struct option *o = &table[i];
		int width;

		if (!o->help)
			continue;
		width = fprintf(file, "%s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "");
		fprintf(file, "%*s%s\n", width < 24 ? 24 - width : 1, "", o->help);
	}
	fputs("\ntaken for the sake of Makefiles written for QEMU, without effect:\n ", file);
	for (size_t i = 0; i < OPTIONS; i++)
		if (!table[i].help && table[i].take != take_help)
			fprintf(file, " %s%s%s", table[i].name, table[i].value ? " " : "",
				table[i].value ? table[i].value : "");
	fputs("\n\nexit status: 0 the guest switched the machine off; odd: isa-debug-exit; 2 bad options or image;\n"
	      "4 triple fault; 6 halted for ever; 8 a limit was reached; 12 the guest needs what is not built\n",
	      file);
}
