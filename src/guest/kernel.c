/* Which loader takes a file. */
#include <stdlib.h>

#include "guest/load.h"

/* An ELF executable without any protocol: nobody would read a command line or a module. */
static bool load_plain(struct load *l)
{
	if (!guest_load_elf(l->bus, l->name, l->data, l->size, l->guest, l->why))
		return false;
	if (l->boot->initrd)
		return diagnose(l->why,
				"-initrd %s: %s has no Linux, Multiboot or PVH header, and nothing else takes one",
				l->boot->initrd, l->name);
	if (l->boot->append)
		return diagnose(l->why, "-append: %s has no Linux, Multiboot or PVH header, and nothing else takes one",
				l->name);
	return true;
}

bool guest_load_kernel(struct bus *bus, const char *name, const uint8_t *data, size_t size, const struct boot *boot,
		       struct guest *guest, struct diagnostic *why)
{
	struct load l = {
		.bus = bus, .name = name, .data = data, .size = size, .boot = boot, .guest = guest, .why = why};
	bool ok;

	if (bzimage_is(&l))
		ok = bzimage_load(&l);
	else if (multiboot_is(&l))
		ok = multiboot_load(&l);
	else if (pvh_is(&l))
		ok = pvh_load(&l);
	else if (multiboot2_is(&l))
		ok = multiboot2_load(&l);
	else
		ok = load_plain(&l);
	free(l.taken.list);
	return ok;
}
