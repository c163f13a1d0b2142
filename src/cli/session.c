#include "cli/session.h"

#include <stdlib.h>

static bool load_linux(struct machine *m, const struct options *o, const uint8_t *data, size_t size,
		       struct diagnostic *why)
{
	struct linux_boot boot = {.append = o->append, .initrd_name = o->initrd};
	uint8_t *initrd = NULL;
	bool ok;

	if (o->initrd && !guest_read_file(o->initrd, &initrd, &boot.initrd_size, why))
		return false;
	boot.initrd = initrd;
	ok = guest_load_bzimage(m->bus, o->kernel, data, size, m->config.ram, &boot, &m->guest, why);
	free(initrd);
	return ok;
}

static bool load_elf(struct machine *m, const struct options *o, const uint8_t *data, size_t size,
		     struct diagnostic *why)
{
	if (!guest_load_elf(m->bus, o->kernel, data, size, &m->guest, why))
		return false;
	if (o->initrd)
		return diagnose(why, "-initrd %s: %s is no Linux bzImage, and nothing else takes one", o->initrd,
				o->kernel);
	return !guest_is_multiboot(data, size) ||
	       guest_multiboot(m->bus, o->kernel, m->config.ram, o->append, &m->guest, why);
}

static bool load_kernel(struct machine *m, const struct options *o, struct diagnostic *why)
{
	uint8_t *data;
	size_t size;
	bool ok;

	if (!guest_read_file(o->kernel, &data, &size, why))
		return false;
	ok = guest_is_bzimage(data, size) ? load_linux(m, o, data, size, why) : load_elf(m, o, data, size, why);
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
	if ((o->rom && !load_rom(m, o, why)) || (o->has_load && !load_flat(m, o, why)) ||
	    (o->kernel && !load_kernel(m, o, why)))
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

bool session_open(struct session *s, const struct options *o, struct diagnostic *why)
{
	*s = (struct session){.options = *o};
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
