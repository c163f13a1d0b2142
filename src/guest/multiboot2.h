/* Multiboot 2: what the header of an image asks for. */
#ifndef TRAPGATE_GUEST_MULTIBOOT2_H
#define TRAPGATE_GUEST_MULTIBOOT2_H

#include "guest/load.h"

/* Tags of the boot information ("Boot information format"). */
enum boot_tag {
	TAG_END,
	TAG_CMDLINE,
	TAG_LOADER,
	TAG_MODULE,
	TAG_MEMORY,
	TAG_BOOT_DEVICE,
	TAG_MMAP,
	TAG_VBE,
	TAG_FRAMEBUFFER,
	TAG_SECTIONS,
	TAG_APM,
	TAG_EFI32,
	TAG_EFI64,
	TAG_SMBIOS,
	TAG_RSDP_OLD,
	TAG_RSDP_NEW,
	TAG_NETWORK,
	TAG_EFI_MMAP,
	TAG_EFI_SERVICES,
	TAG_EFI32_IMAGE,
	TAG_EFI64_IMAGE,
	TAG_LOAD_BASE,
	TAG_COUNT,
};

struct multiboot2 {
	uint64_t at; /* of the header in the file */
	uint32_t length;
	bool has_addresses, has_entry, relocatable;
	struct addresses addresses;
	uint32_t entry;
	uint32_t lowest, highest, align, preference; /* relocatable */
	bool text, console;                          /* EGA text is supported; a console is required */
	uint32_t load_base;                          /* where the image's first byte went */
};

/* False: said. */
bool multiboot2_header(const struct load *l, struct multiboot2 *m);
bool multiboot2_info(struct load *l, const struct multiboot2 *m, const struct elf_file *f);

#endif
