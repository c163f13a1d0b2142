/* Multiboot 2 (Multiboot2 Specification version 2.0): the image. */
#include <inttypes.h>

#include "guest/multiboot2.h"

#define PREFER_HIGH 2u
#define LOWEST      0x8000u /* below are the BIOS's data and the stack the guest is started with */

static bool multiple_of(uint64_t address, uint32_t align)
{
	return address % align == 0;
}

/* How far an image linked at low..high moves ("Relocatable header tag"): not at all if it may stay, else to the
 * lowest or the highest place of the range the header gives. */
static bool choose_place(struct load *l, const struct multiboot2 *m, uint64_t low, uint64_t high, uint64_t *shift)
{
	struct wish wish = {.size = high - low,
			    .align = m->align,
			    .from = m->lowest < LOWEST ? LOWEST : m->lowest,
			    .to = (uint64_t)m->highest + 1,
			    .high = m->preference == PREFER_HIGH};
	uint64_t at;

	*shift = 0;
	if (!m->relocatable)
		return true;
	if (m->preference == 0 && low >= m->lowest && high <= wish.to && multiple_of(low, m->align) &&
	    boot_ram_end(l->boot->board, low) >= high)
		return true;
	if (!space_find(l, &wish, &at))
		return diagnose(l->why,
				"%s: no room for its 0x%" PRIx64 " bytes at a multiple of 0x%" PRIx32 " in 0x%" PRIx32
				"-0x%" PRIx32 ", where it asks to lie; use -m",
				l->name, wish.size, m->align, m->lowest, m->highest);
	*shift = at - low;
	return true;
}

static bool load_by_addresses(struct load *l, struct multiboot2 *m)
{
	uint64_t low, shift;

	m->addresses.entry = m->entry;
	if (!addresses_check(&m->addresses, l))
		return false;
	low = m->addresses.load;
	if (!choose_place(l, m, low, low + m->addresses.memory, &shift) || !addresses_place(&m->addresses, l, shift))
		return false;
	m->load_base = (uint32_t)(low + shift);
	l->guest->entry = m->entry + shift;
	return true;
}

static bool find_entry(const struct load *l, const struct multiboot2 *m, const struct elf_file *f, uint64_t *entry)
{
	if (!m->has_entry)
		return elf_physical(f, f->header.e_entry, entry) ||
		       diagnose(l->why, "%s: the entry point 0x%" PRIx64 " lies in no loadable segment", l->name,
				f->header.e_entry);
	*entry = m->entry;
	for (size_t i = 0; i < f->segments; i++)
		if (m->entry - f->segment[i].paddr < f->segment[i].memsz)
			return true;
	return diagnose(l->why,
			"%s: the entry address 0x%" PRIx32 " of its Multiboot2 header lies in no loadable segment",
			l->name, m->entry);
}

static bool load_elf(struct load *l, struct multiboot2 *m, struct elf_file *f)
{
	uint64_t entry, shift;

	if (!elf_is(l->data, l->size))
		return diagnose(
			l->why,
			"%s: its Multiboot2 header gives no load addresses (tag 2), and it is no ELF file; one or "
			"the other is wanted",
			l->name);
	if (!elf_open(f, l) || !find_entry(l, m, f, &entry) || !choose_place(l, m, f->low, f->high, &shift) ||
	    !elf_place(f, l, shift))
		return false;
	m->load_base = (uint32_t)(f->low + shift);
	l->guest->entry = entry + shift;
	return elf_names(f, l, shift);
}

bool multiboot2_load(struct load *l)
{
	struct elf_file f = {.elf = NULL};
	struct multiboot2 m;
	bool ok = multiboot2_header(l, &m) && (m.has_addresses ? load_by_addresses(l, &m) : load_elf(l, &m, &f)) &&
		  multiboot2_info(l, &m, &f);

	elf_close(&f);
	l->guest->mode = START_MULTIBOOT2;
	return ok;
}
