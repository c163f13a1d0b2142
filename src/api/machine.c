/* Making machines, and what every function needs. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "cpu/model.h"

static const char *const error_texts[TG_ERROR_COUNT] = {
	[TG_OK] = "no error",
	[TG_ERROR_ARGUMENT] = "a null pointer, or a number out of its range",
	[TG_ERROR_VERSION] = "a struct's size fits no version of it, or it asks for what this library does not know",
	[TG_ERROR_MEMORY] = "out of memory",
	[TG_ERROR_BUSY] = "not while the machine runs",
	[TG_ERROR_BOARD] = "a machine with this board has no such thing",
	[TG_ERROR_NOT_BUILT] = "the architecture has it, Trapgate has not",
	[TG_ERROR_OVERLAP] = "something is mapped there already",
	[TG_ERROR_UNMAPPED] = "there is no memory at that address",
	[TG_ERROR_VALUE] = "no processor of this model can hold that value, or be in that state",
	[TG_ERROR_REGISTER] = "there is no such register, or not on this model",
	[TG_ERROR_FILE] = "a file cannot be read, or is no image of that kind",
	[TG_ERROR_NOT_FOUND] = "nothing of that name or number",
	[TG_ERROR_SMALL] = "the buffer is too small: the text is cut off",
};

const char *tg_error_text(enum tg_error error)
{
	return (unsigned)error < TG_ERROR_COUNT ? error_texts[error] : "no such error";
}

const char *tg_version(void)
{
	return TRAPGATE_VERSION;
}

enum tg_error api_fail(struct tg_machine *tg, enum tg_error error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(tg->detail.text, sizeof(tg->detail.text), format, arguments);
	va_end(arguments);
	return error;
}

enum tg_error api_fail_why(struct tg_machine *tg, enum tg_error error, const struct diagnostic *why)
{
	tg->detail = *why;
	return error;
}

enum tg_error api_take(void *to, size_t known, const void *from, size_t least)
{
	size_t size;

	memcpy(&size, from, sizeof(size));
	if (size < least)
		return TG_ERROR_VERSION;
	for (size_t i = known; i < size; i++)
		if (((const uint8_t *)from)[i] != 0)
			return TG_ERROR_VERSION;
	memset(to, 0, known);
	memcpy(to, from, size < known ? size : known);
	return TG_OK;
}

enum tg_error api_give(void *to, const void *from, size_t known, size_t least)
{
	size_t size;

	memcpy(&size, to, sizeof(size));
	if (size < least)
		return TG_ERROR_VERSION;
	if (size > known) {
		memset((uint8_t *)to + known, 0, size - known);
		memcpy((uint8_t *)to + sizeof(size), (const uint8_t *)from + sizeof(size), known - sizeof(size));
		return TG_OK;
	}
	memcpy((uint8_t *)to + sizeof(size), (const uint8_t *)from + sizeof(size), size - sizeof(size));
	return TG_OK;
}

enum tg_error api_stands(struct tg_machine *tg)
{
	return tg->running ? api_fail(tg, TG_ERROR_BUSY, "the machine is running: not from its callbacks") : TG_OK;
}

enum tg_error api_writable(struct tg_machine *tg)
{
	if (!tg->running || tg->between)
		return TG_OK;
	return api_fail(
		tg, TG_ERROR_BUSY,
		"the machine is running: of all callbacks only instruction hooks and moments may write registers");
}

static bool small_enough(const struct tg_config *c, struct diagnostic *why)
{
	if (c->board != TG_BOARD_BARE && c->board != TG_BOARD_PC)
		return diagnose(why, "board %d: there is no such board", (int)c->board);
	if (c->board == TG_BOARD_BARE && c->cpus > 1)
		return diagnose(why, "%u processors: a bare machine has one", c->cpus);
	if (c->board == TG_BOARD_BARE && (c->serial[0] || c->serial[1] || c->debugcon || c->debug_exit || c->firmware ||
					  c->vga_firmware || c->drives))
		return diagnose(why, "a bare machine has no devices: map your own");
	if (c->drives > BOARD_MAX_DRIVES || (c->drives && !c->drive))
		return diagnose(why, "%u drives: up to %u are wanted", c->drives, BOARD_MAX_DRIVES);
	for (unsigned i = 0; i < c->drives; i++)
		if ((unsigned)c->drive[i].kind > TG_DRIVE_VIRTIO)
			return diagnose(why, "drive %u: there is no kind %d", i, (int)c->drive[i].kind);
		else if (c->drive[i].file && strlen(c->drive[i].file) >= sizeof(((struct board_drive *)0)->file))
			return diagnose(why, "drive %u: the file's name is too long", i);
	if (c->debug_exit && c->debug_exit_size != 1 && c->debug_exit_size != 2 && c->debug_exit_size != 4)
		return diagnose(why, "debug_exit_size %u: 1, 2 or 4 ports", c->debug_exit_size);
	return true;
}

static struct machine_config machine_config_of(const struct tg_config *c)
{
	struct machine_config to = {
		.ram = c->ram,
		.cpu = c->cpu,
		.cpus = c->cpus,
		.plain = c->plain,
		.bare = c->board == TG_BOARD_BARE,
		.board = {.serial = {c->serial[0], c->serial[1]},
			  .debugcon = c->debugcon,
			  .debug_exit = c->debug_exit,
			  .debug_exit_port = c->debug_exit_port,
			  .debug_exit_size = c->debug_exit_size,
			  .firmware = c->firmware,
			  .vga_firmware = c->vga_firmware,
			  .drives = c->drives},
	};

	for (unsigned i = 0; i < c->drives; i++) {
		struct board_drive *drive = &to.board.drive[i];

		*drive = (struct board_drive){.kind = (enum drive_kind)c->drive[i].kind,
					      .index = c->drive[i].index,
					      .snapshot = c->drive[i].snapshot,
					      .read_only = c->drive[i].read_only};
		if (c->drive[i].file)
			snprintf(drive->file, sizeof(drive->file), "%s", c->drive[i].file);
	}
	return to;
}

/* The caller's strings may go away; what is asked later is only whether there was one. */
static void forget_strings(struct machine_config *config)
{
	struct board_config *board = &config->board;
	const char **strings[] = {&config->cpu,     &board->serial[0], &board->serial[1],
				  &board->debugcon, &board->firmware,  &board->vga_firmware};

	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
		if (*strings[i])
			*strings[i] = "";
}

static struct tg_machine *make(const struct tg_config *config, struct diagnostic *why)
{
	struct machine_config wanted = machine_config_of(config);
	struct tg_machine *tg = calloc(1, sizeof(*tg));

	if (!tg) {
		diagnose(why, "out of memory");
		return NULL;
	}
	tg->hooks_end = &tg->hooks;
	tg->next_hook = tg->next_moment = 1;
	tg->m = machine_new(&wanted, why);
	if (!tg->m) {
		free(tg);
		return NULL;
	}
	forget_strings(&tg->m->config);
	if (!view_init(&tg->view, tg->m) || (wanted.bare && wanted.ram && !api_ram_add(tg, 0, wanted.ram))) {
		diagnose(why, "out of memory");
		tg_machine_free(tg);
		return NULL;
	}
	for (unsigned i = 0; i < tg->m->cpus; i++) {
		tg->cpu[i] = (struct tg_cpu){.machine = tg, .cpu = tg->m->cpu[i], .index = i};
		if (wanted.bare)
			api_pin_connect(&tg->cpu[i]);
	}
	return tg;
}

enum tg_error tg_machine_new(const struct tg_config *config, struct tg_machine **machine, char *why, size_t why_size)
{
	struct diagnostic text = {""};
	enum tg_error error = TG_OK;
	struct tg_config known;

	if (why && why_size)
		*why = '\0';
	if (machine)
		*machine = NULL;
	if (!config || !machine)
		return TG_ERROR_ARGUMENT;
	error = api_take(&known, sizeof(known), config, SIZE_UP_TO(struct tg_config, drives));
	if (error == TG_OK && small_enough(&known, &text))
		*machine = make(&known, &text);
	if (error == TG_OK && !*machine)
		error = strcmp(text.text, "out of memory") == 0 ? TG_ERROR_MEMORY : TG_ERROR_VALUE;
	if (why && why_size && error != TG_OK)
		snprintf(why, why_size, "%s", text.text[0] ? text.text : tg_error_text(error));
	return error;
}

void tg_machine_free(struct tg_machine *tg)
{
	if (!tg || tg->running)
		return;
	api_hooks_free(tg);
	api_moments_free(tg);
	view_free(&tg->view);
	machine_free(tg->m);
	while (tg->devices) {
		struct device *device = tg->devices;

		tg->devices = device->next;
		free(device);
	}
	while (tg->ram) {
		struct ram *ram = tg->ram;

		tg->ram = ram->next;
		free(ram);
	}
	free(tg);
}

const char *tg_machine_detail(const struct tg_machine *tg)
{
	return tg ? tg->detail.text : "";
}

struct tg_cpu *tg_machine_cpu(struct tg_machine *tg, unsigned n)
{
	return tg && n < tg->m->cpus ? &tg->cpu[n] : NULL;
}

enum tg_error tg_model(unsigned n, const char **name, const char **description)
{
	if (!name)
		return TG_ERROR_ARGUMENT;
	if (n >= cpu_model_count)
		return TG_ERROR_NOT_FOUND;
	*name = cpu_models[n].name;
	if (description)
		*description = cpu_models[n].description;
	return TG_OK;
}
