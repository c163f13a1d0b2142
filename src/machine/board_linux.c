/* A Linux kernel that firmware starts: its parts as items of the configuration device, and the option ROM that fetches
 * them (roms/linuxboot). */
#include <stdlib.h>
#include <string.h>

#include "machine/boot.h"

/* SeaBIOS works in the last part of the RAM until the guest is started ("ZoneHigh" of 256 KiB, and the tables below the
 * top); a kernel's RAM disk stays below. */
#define FIRMWARE_KEEPS 0x100000u
#define CHECKSUM       7u /* the byte that makes the ROM's sum 0 */

extern const uint8_t linuxboot_rom[], linuxboot_rom_end[];

static bool add_part(struct fwcfg *fw, uint16_t address_key, uint32_t address, uint16_t size_key, uint16_t data_key,
		     const void *data, size_t size)
{
	return fwcfg_add_number(fw, address_key, address, 4) && fwcfg_add_number(fw, size_key, size, 4) &&
	       fwcfg_add_bytes(fw, data_key, data, (uint32_t)size);
}

static bool add_rom(struct board *b)
{
	static const char order[] = "/rom@genroms/linuxboot.bin";
	size_t size = (size_t)(linuxboot_rom_end - linuxboot_rom);
	uint8_t sum = 0;

	b->linux_rom = malloc(size);
	if (!b->linux_rom)
		return false;
	memcpy(b->linux_rom, linuxboot_rom, size);
	for (size_t i = 0; i < size; i++)
		sum = (uint8_t)(sum + b->linux_rom[i]);
	b->linux_rom[CHECKSUM] = (uint8_t)(b->linux_rom[CHECKSUM] - sum);
	return fwcfg_add_file(&b->fwcfg, "genroms/linuxboot.bin", b->linux_rom, (uint32_t)size) &&
	       fwcfg_add_file(&b->fwcfg, "bootorder", order, sizeof(order));
}

static bool add_linux(struct machine *m, const struct linux_parts *parts, size_t initrd_size)
{
	struct board *b = &m->board;
	const char *append = m->config.board.append ? m->config.board.append : "";

	return add_part(&b->fwcfg, FWCFG_SETUP_ADDR, LINUX_SETUP_AT, FWCFG_SETUP_SIZE, FWCFG_SETUP_DATA,
			b->linux_kernel, parts->setup_size) &&
	       add_part(&b->fwcfg, FWCFG_KERNEL_ADDR, LINUX_KERNEL_AT, FWCFG_KERNEL_SIZE, FWCFG_KERNEL_DATA,
			b->linux_kernel + parts->setup_size, parts->kernel_size) &&
	       add_part(&b->fwcfg, FWCFG_INITRD_ADDR, parts->initrd_at, FWCFG_INITRD_SIZE, FWCFG_INITRD_DATA,
			b->linux_initrd, initrd_size) &&
	       add_part(&b->fwcfg, FWCFG_CMDLINE_ADDR, LINUX_CMDLINE_AT, FWCFG_CMDLINE_SIZE, FWCFG_CMDLINE_DATA, append,
			strlen(append) + 1) &&
	       add_rom(b);
}

bool board_add_linux(struct machine *m, struct diagnostic *why)
{
	const struct board_config *config = &m->config.board;
	struct board *b = &m->board;
	struct boot_board board;
	struct linux_parts parts;
	size_t size, initrd_size = 0;
	uint64_t ram_end = m->config.ram > 2 * FIRMWARE_KEEPS ? m->config.ram - FIRMWARE_KEEPS : 0;

	if (!config->kernel)
		return true;
	if (!machine_boot_board(m, &board, why) || !guest_read_file(config->kernel, &b->linux_kernel, &size, why) ||
	    (config->initrd && !guest_read_file(config->initrd, &b->linux_initrd, &initrd_size, why)) ||
	    !guest_linux_parts(config->kernel, b->linux_kernel, size, initrd_size, ram_end, config->append, &board,
			       &parts, why))
		return false;
	return add_linux(m, &parts, initrd_size) || diagnose(why, "out of memory");
}
