#include "cli/session.h"

#include <stdio.h>
#include <stdlib.h>

#include "machine/boot.h"

static bool load_kernel(struct machine *m, const struct options *o, struct diagnostic *why)
{
	struct boot_board board;
	struct boot boot = {.append = o->append, .initrd = o->initrd, .board = &board};
	struct diagnostic reading;
	uint8_t *data;
	size_t size;
	bool ok;

	if (!machine_boot_board(m, &board, why))
		return false;
	/* Test runners look for these words to learn whether a kernel was tried at all. */
	if (!guest_read_file(o->kernel, &data, &size, &reading))
		return diagnose(why, "could not open kernel: %s", reading.text);
	ok = guest_load_kernel(m->bus, o->kernel, data, size, &boot, &m->guest, why);
	free(data);
	return ok;
}

static bool load_flat(struct machine *m, const struct options *o, struct diagnostic *why)
{
	uint8_t *data;
	size_t size;
	bool ok;

	if (!guest_read_file(o->load, &data, &size, why))
		return false;
	ok = guest_load_flat(m->bus, o->load, data, size, o->load_address, &m->guest, why);
	free(data);
	if (!o->rom) {
		m->guest.mode = START_REAL;
		m->guest.entry = o->load_address;
	}
	return ok;
}

static bool load_rom(struct machine *m, const struct options *o, struct diagnostic *why)
{
	uint8_t *data;
	size_t size;
	bool ok;

	if (!guest_read_file(o->rom, &data, &size, why))
		return false;
	ok = guest_load_rom(m->bus, o->rom, data, size, &m->guest, why);
	free(data);
	return ok;
}

static bool load(struct machine *m, const struct options *o, struct diagnostic *why)
{
	bool without_firmware = !o->rom && (o->has_load || o->kernel);

	if ((o->rom && !load_rom(m, o, why)) || (without_firmware && !machine_like_firmware(m, why)) ||
	    (o->has_load && !load_flat(m, o, why)) || (o->kernel && !load_kernel(m, o, why)))
		return false;
	if (o->has_mode)
		m->guest.mode = o->mode;
	if (o->has_entry)
		m->guest.entry = o->entry;
	if (o->has_entry && m->guest.mode == START_RESET)
		return diagnose(why, "--entry: a ROM starts at its reset vector; add --mode");
	if (m->guest.mode == START_REAL && m->guest.entry > 0xfffff)
		return diagnose(why, "the entry point 0x%llx is out of reach in real mode; use --mode prot32",
				(unsigned long long)m->guest.entry);
	return true;
}

/* -bios and -kernel: the firmware starts a Linux kernel; it knows of no others.  Without -bios it starts those that count
 * on it. */
static bool choose_starter(struct options *o, struct diagnostic *why)
{
	struct board_config *board = &o->machine.board;
	struct diagnostic reading;
	uint8_t *data;
	size_t size;
	bool is_linux, needs_firmware;

	if (!o->kernel)
		return true;
	if (!guest_read_file(o->kernel, &data, &size, &reading))
		return diagnose(why, "could not open kernel: %s", reading.text);
	is_linux = guest_is_linux(data, size);
	needs_firmware = guest_linux_needs_firmware(data, size);
	free(data);
	if (!board->firmware && !needs_firmware)
		return true;
	if (!board->firmware && !options_choose_firmware(o, why))
		return false;
	if (!is_linux) {
		fprintf(stderr, "trapgate: %s: no Linux bzImage: it is loaded without the firmware of -bios\n",
			o->kernel);
		board->firmware = NULL;
		return true;
	}
	board->kernel = o->kernel;
	board->initrd = o->initrd;
	board->append = o->append;
	o->kernel = NULL;
	return true;
}

bool session_open(struct session *s, const struct options *o, struct diagnostic *why)
{
	*s = (struct session){.options = *o};
	if (!choose_starter(&s->options, why))
		return false;
	s->machine = machine_new(&s->options.machine, why);
	if (!s->machine)
		return false;
	view_init(&s->view, s->machine);
	if (load(s->machine, &s->options, why))
		return true;
	session_close(s);
	return false;
}

void session_close(struct session *s)
{
	if (!s->machine)
		return;
	view_free(&s->view);
	machine_free(s->machine);
	s->machine = NULL;
}
