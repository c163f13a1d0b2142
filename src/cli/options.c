#include "cli/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* An option: its value's name (NULL: takes none) and what is done with it. */
struct option {
	const char *name, *value, *help; /* help NULL: not listed, or taken without effect */
	bool (*take)(struct options *o, const char *option, const char *value, struct diagnostic *why);
};

/* ---- values ---- */

/* A whole number, decimal or with 0x; the rest of the text in *end. */
static bool number(const char *text, uint64_t *value, const char **end)
{
	char *stop;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	*value = strtoull(text, &stop, text[0] == '0' && (text[1] == 'x' || text[1] == 'X') ? 16 : 10);
	*end = stop;
	return errno == 0;
}

static bool whole(const char *text, uint64_t *value)
{
	const char *end;

	return number(text, value, &end) && *end == '\0';
}

static bool bad(const char *option, const char *value, const char *wanted, struct diagnostic *why)
{
	return diagnose(why, "%s %s: %s", option, value, wanted);
}

/* Is text the word, up to the next comma or the end? */
static bool word(const char *text, const char *wanted)
{
	size_t n = strlen(wanted);

	return strncmp(text, wanted, n) == 0 && (text[n] == '\0' || text[n] == ',');
}

/* ---- the options ---- */

static bool take_memory(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	static const struct {
		char letter;
		unsigned shift;
	} units[] = {{'\0', 20}, {'M', 20}, {'m', 20}, {'G', 30}, {'g', 30}, {'K', 10}, {'k', 10}, {'B', 0}, {'b', 0}};
	const char *text = strncmp(value, "size=", 5) == 0 ? value + 5 : value, *end;
	uint64_t n;

	if (number(text, &n, &end) && (!*end || !end[1]))
		for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
			if (*end == units[i].letter && n <= (MACHINE_MAX_RAM >> units[i].shift)) {
				o->machine.ram = n << units[i].shift;
				return true;
			}
	return bad(option, value, "a size like 16, 64M or 1G, 3 GiB at most, is wanted", why);
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

	if (!at || n == 0 || n >= sizeof(o->load) || !whole(at + 1, &o->load_address))
		return bad(option, value, "FILE@ADDRESS is wanted, like boot.bin@0x7c00", why);
	memcpy(o->load, value, n);
	o->load[n] = '\0';
	o->has_load = true;
	return true;
}

static bool take_entry(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	if (!whole(value, &o->entry) || o->entry > 0xffffffff)
		return bad(option, value, "a physical address below 4 GiB is wanted", why);
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
	return bad(option, value, "real, prot16 or prot32 is wanted", why);
}

static bool take_cpu(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	if (strcmp(value, "help") == 0 || strcmp(value, "?") == 0)
		o->errand = ERRAND_LIST_CPUS;
	else
		o->machine.cpu = value;
	return true;
}

static bool take_serial(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	unsigned port = 0;

	while (port < BOARD_SERIAL_PORTS && o->machine.board.serial[port])
		port++;
	if (port == BOARD_SERIAL_PORTS)
		return bad(option, value, "there are two serial ports, COM1 and COM2", why);
	o->machine.board.serial[port] = value;
	return true;
}

static bool take_debugcon(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	o->machine.board.debugcon = value;
	return true;
}

static bool take_nographic(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	o->nographic = true;
	return true;
}

/* "iobase=0xf4,iosize=4" behind isa-debug-exit. */
static bool debug_exit_property(struct options *o, const char *property, uint64_t n)
{
	if (strncmp(property, "iobase=", 7) == 0 && n <= 0xffff) {
		o->machine.board.debug_exit_port = (uint16_t)n;
		return true;
	}
	if (strncmp(property, "iosize=", 7) == 0 && (n == 1 || n == 2 || n == 4)) {
		o->machine.board.debug_exit_size = (unsigned)n;
		return true;
	}
	return false;
}

static bool take_device(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	const char *p = strchr(value, ',');
	uint64_t n;

	if (strcmp(value, "help") == 0 || strcmp(value, "?") == 0) {
		o->errand = ERRAND_LIST_DEVICES;
		return true;
	}
	if (!word(value, "isa-debug-exit"))
		return bad(option, value, "no such device; see -device help", why);
	o->machine.board.debug_exit = true;
	o->machine.board.debug_exit_port = DEBUG_EXIT_PORT;
	o->machine.board.debug_exit_size = DEBUG_EXIT_SIZE;
	while (p) {
		const char *property = p + 1, *equals = strchr(property, '='), *end;

		if (!equals || !number(equals + 1, &n, &end) || (*end != '\0' && *end != ',') ||
		    !debug_exit_property(o, property, n))
			return bad(option, value, "iobase=PORT and iosize=1, 2 or 4 are wanted", why);
		p = *end ? end : NULL;
	}
	return true;
}

/* QEMU's -d is a list of topics; interrupts are the one there is. */
static bool take_log(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	for (const char *p = value;; p++) {
		if (word(p, "int"))
			o->trace = o->trace == TRACE_NONE ? TRACE_TEXT : o->trace;
		else if (!word(p, "guest_errors") && !word(p, "unimp"))
			return bad(option, value, "int, guest_errors and unimp are known", why);
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
	const char *colon = strchr(value, ':');
	size_t n = colon ? (size_t)(colon - value) : strlen(value);

	if (n == 4 && strncmp(value, "text", n) == 0)
		o->trace = TRACE_TEXT;
	else if (n == 5 && strncmp(value, "jsonl", n) == 0)
		o->trace = TRACE_JSONL;
	else
		return bad(option, value, "text or jsonl, then :FILE if you like, is wanted", why);
	if (colon && !colon[1])
		return bad(option, value, "a file name is missing behind the colon", why);
	o->trace_file = colon ? colon + 1 : NULL;
	return true;
}

static bool take_max_insns(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	if (!whole(value, &o->machine.max_insns) || o->machine.max_insns == 0 || o->machine.max_insns > INT64_MAX)
		return bad(option, value, "a number of instructions, at least 1, is wanted", why);
	return true;
}

static bool take_timeout(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	uint64_t n;

	if (!whole(value, &n) || n == 0 || n > 1000000)
		return bad(option, value, "seconds, 1 to 1000000, are wanted", why);
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

	if (!number(value, &vector, &end) || vector > 255 || strncmp(end, "@every:", 7) != 0 ||
	    !whole(end + 7, &every) || every == 0 || every > INT64_MAX)
		return bad(option, value, "VECTOR@every:N is wanted, like 0x40@every:1", why);
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
		return bad(option, value, "only \"none\" is built", why);
	return true;
}

static bool take_vga(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	if (strcmp(value, "std") != 0 && strcmp(value, "none") != 0)
		return bad(option, value, "std (a VGA) and none are built", why);
	o->machine.board.no_vga = strcmp(value, "none") == 0;
	return true;
}

static bool take_board(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	if (!word(value, "isapc") && !word(value, "pc"))
		return bad(option, value, "pc and isapc are known", why);
	return true;
}

static bool take_accelerator(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	return true; /* guests cannot tell: every accelerator is this interpreter */
}

static bool take_one(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	if (strcmp(value, "1") != 0 && strcmp(value, "cpus=1") != 0)
		return bad(option, value, "one processor is built", why);
	return true;
}

static bool take_nothing(struct options *o, const char *option, const char *value, struct diagnostic *why)
{
	return true;
}

static const struct option table[] = {
	{"-m", "SIZE", "memory, in MiB unless K, M or G follows (default 128)", take_memory},
	{"-cpu", "MODEL", "processor; -cpu help lists them", take_cpu},
	{"-kernel", "FILE",
	 "Linux bzImage, or ELF32 executable, loaded at its physical addresses; Multiboot 1 if it has the header",
	 take_kernel},
	{"-initrd", "FILE", "initial RAM disk of a Linux kernel", take_initrd},
	{"-append", "TEXT", "command line of a Linux or Multiboot kernel", take_append},
	{"--load", "FILE@ADDR", "flat binary at a physical address", take_load},
	{"--rom", "FILE", "ROM image that ends at 4 GiB and at 1 MiB; the processor starts at its reset vector",
	 take_rom},
	{"--entry", "ADDR", "first instruction, instead of the image's own", take_entry},
	{"--mode", "MODE", "real, prot16 or prot32: how the processor starts (default: real for --load)", take_mode},
	{"-serial", "DEV", "COM1: stdio, mon:stdio, file:PATH or null; given again: COM2", take_serial},
	{"-debugcon", "DEV", "port E9h: stdio, file:PATH or null", take_debugcon},
	{"-device", "NAME,...", "isa-debug-exit,iobase=PORT,iosize=N: writing v ends with status (v << 1) | 1",
	 take_device},
	{"-vga", "std|none", "the display adapter: a VGA (default) or none", take_vga},
	{"-nographic", NULL, "serial line on standard input and output", take_nographic},
	{"--trace", "FORMAT[:FILE]",
	 "text or jsonl: every delivery, return and task switch (default: standard error; -: output)", take_trace},
	{"-d", "TOPICS", "int: as --trace=text", take_log},
	{"-D", "FILE", "where -d goes", take_log_file},
	{"--max-insns", "N", "stop after N instructions, status 8", take_max_insns},
	{"--timeout", "SECONDS", "stop after so much host time, status 8", take_timeout},
	{"--plain", NULL, "decode each instruction afresh: slow, the oracle of the fast interpreter", take_plain},
	{"--inject", "V@every:N", "test pin: external interrupt V every N instructions", take_inject},
	{"--help", NULL, "this list", take_help},
	{"-h", NULL, NULL, take_help},
	{"--version", NULL, "the version", take_version},
	{"-display", "none", NULL, take_none},
	{"-monitor", "none", NULL, take_none},
	{"-parallel", "none", NULL, take_none},
	{"-net", "none", NULL, take_none},
	{"-nic", "none", NULL, take_none},
	{"-M", "pc", NULL, take_board},
	{"-machine", "pc", NULL, take_board},
	{"-accel", "NAME", NULL, take_accelerator},
	{"-smp", "1", NULL, take_one},
	{"-name", "TEXT", NULL, take_nothing},
	{"-enable-kvm", NULL, NULL, take_nothing},
	{"-no-reboot", NULL, NULL, take_nothing},
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

	if (text[0] != '-' || !*bare(text)) {
		diagnose(why, "%s: give images with -kernel, --load or --rom", text);
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
	if (option->value && (!value || !*value)) {
		diagnose(why, "%s: %s is missing behind it", text, option->value);
		return 0;
	}
	if (!option->value && equals) {
		diagnose(why, "%s: this option takes no value", text);
		return 0;
	}
	return option->take(o, text, value, why) ? taken : 0;
}

/* What several options say together. */
static bool check_together(struct options *o, struct diagnostic *why)
{
	int images = (o->kernel != NULL) + (o->rom != NULL) + o->has_load;

	if (o->errand != ERRAND_RUN)
		return true;
	if (images == 0)
		return diagnose(why, "no guest: give -kernel, --load or --rom; see --help");
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
	if (o->nographic && !o->machine.board.serial[0])
		o->machine.board.serial[0] = "mon:stdio";
	return true;
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
	fputs("usage: trapgate [options] -kernel FILE | --load FILE@ADDR | --rom FILE\n\noptions:\n", file);
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

void options_print_devices(FILE *file)
{
	fputs("name \"isa-debug-exit\", bus ISA\n", file);
}
