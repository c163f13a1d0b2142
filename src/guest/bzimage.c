/* Linux bzImage by the 32-bit boot protocol ("The Linux/x86 Boot Protocol" in the kernel's
 * documentation: "The Real-Mode Kernel Header", "Details of Header Fields", "32-bit Boot Protocol";
 * "Zero Page" for struct boot_params). */
#include <inttypes.h>
#include <string.h>

#include "guest/image.h"
#include "guest/place.h"

/* Places in the file's first sectors, and in the boot parameters alike. */
#define H_SETUP_SECTS  0x1f1u
#define H_SYSSIZE      0x1f4u /* in units of 16 bytes */
#define H_BOOT_FLAG    0x1feu
#define H_END          0x201u /* the header ends 202h + this byte */
#define H_MAGIC        0x202u
#define H_VERSION      0x206u
#define H_LOADER       0x210u
#define H_LOADFLAGS    0x211u
#define H_INITRD       0x218u
#define H_INITRD_SIZE  0x21cu
#define H_CMDLINE      0x228u
#define H_INITRD_MAX   0x22cu /* since 2.03 */
#define H_XLOADFLAGS   0x236u /* since 2.12 */
#define H_CMDLINE_SIZE 0x238u /* since 2.06 */
#define H_PREF_ADDRESS 0x258u /* since 2.10, as the next one */
#define H_INIT_SIZE    0x260u
#define H_LIMIT        0x290u /* the parameters have other fields from here on */

#define MAGIC          0x53726448u /* "HdrS" */
#define BOOT_FLAG      0xaa55u
#define LOADED_HIGH    0x01u
#define XLF_KERNEL_64  0x01u
#define LOADER_UNKNOWN 0xffu
#define SECTOR         512u

/* Boot parameters only. */
#define P_E820_ENTRIES 0x1e8u
#define P_E820         0x2d0u
#define E820_RAM       1u
#define E820_RESERVED  2u

#define CMDLINE_ROOM      4096u
#define INITRD_MAX_BEFORE 0x37ffffffu /* protocols before 2.03 */
#define CMDLINE_BEFORE    255u        /* protocols before 2.06 */

#define LOW_RAM_END 0x9fc00u /* where a BIOS keeps its extended data */
#define LOW_END     0xa0000u
#define BIOS_START  0xf0000u
#define HIGH_START  0x100000u

/* What the header says. */
struct header {
	const char *name;
	const uint8_t *data;
	uint16_t version;
	uint32_t setup, kernel; /* bytes of the two parts */
	uint64_t end;           /* the kernel works below this while it starts */
	uint64_t initrd_max;
	uint32_t cmdline_size;
};

static uint32_t load16(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static uint32_t load32(const uint8_t *p)
{
	return load16(p) | load16(p + 2) << 16;
}

static void store(uint8_t *p, unsigned bytes, uint64_t v)
{
	for (unsigned i = 0; i < bytes; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

bool guest_is_bzimage(const uint8_t *data, size_t size)
{
	return size >= H_MAGIC + 4 && load16(data + H_BOOT_FLAG) == BOOT_FLAG && load32(data + H_MAGIC) == MAGIC;
}

/* The parts of the file. */
static bool read_sizes(struct header *h, const uint8_t *data, size_t size, struct diagnostic *why)
{
	unsigned sectors = data[H_SETUP_SECTS] ? data[H_SETUP_SECTS] : 4;

	h->setup = (sectors + 1) * SECTOR;
	if (size < H_LIMIT || size < h->setup)
		return diagnose(why, "%s: cut off in the setup part (%zu of %" PRIu32 " bytes are there)", h->name,
				size, h->setup);
	h->version = (uint16_t)load16(data + H_VERSION);
	if (h->version < 0x202)
		return diagnose(why, "%s: boot protocol %u.%02u is too old; 2.02 (Linux 2.4) or later is wanted",
				h->name, h->version >> 8, h->version & 0xffu);
	if (!(data[H_LOADFLAGS] & LOADED_HIGH))
		return diagnose(why, "%s: a zImage, loaded below 640 KiB; a bzImage is wanted", h->name);
	h->kernel = load32(data + H_SYSSIZE);
	if (h->kernel == 0 || h->kernel > UINT32_MAX / 16)
		return diagnose(why, "%s: the header gives a size of %" PRIu32 " * 16 bytes; the file is corrupt",
				h->name, h->kernel);
	h->kernel *= 16;
	if (h->kernel > size - h->setup)
		return diagnose(why, "%s: cut off: %zu bytes are there, the header speaks of %" PRIu32 " + %" PRIu32,
				h->name, size, h->setup, h->kernel);
	return true;
}

/* Where the kernel unpacks itself: at the preferred address, which is above where it is loaded. */
static bool read_header(struct header *h, const uint8_t *data, size_t size, struct diagnostic *why)
{
	if (!read_sizes(h, data, size, why))
		return false;
	if (h->version >= 0x20c && (load16(data + H_XLOADFLAGS) & XLF_KERNEL_64))
		return diagnose(why, "%s: a 64-bit kernel, and this machine has 32-bit processors; use an i386 one",
				h->name);
	h->data = data;
	h->end = HIGH_START + (uint64_t)h->kernel;
	if (h->version >= 0x20a) {
		uint64_t at = load32(data + H_PREF_ADDRESS) | (uint64_t)load32(data + H_PREF_ADDRESS + 4) << 32;

		if (at >> 32)
			return diagnose(why, "%s: the preferred address 0x%" PRIx64 " is above 4 GiB; corrupt", h->name,
					at);
		if (at < HIGH_START)
			at = HIGH_START;
		if (at + load32(data + H_INIT_SIZE) > h->end)
			h->end = at + load32(data + H_INIT_SIZE);
	}
	h->initrd_max = h->version >= 0x203 ? load32(data + H_INITRD_MAX) : INITRD_MAX_BEFORE;
	h->cmdline_size = h->version >= 0x206 ? load32(data + H_CMDLINE_SIZE) : CMDLINE_BEFORE;
	if (h->cmdline_size >= CMDLINE_ROOM)
		h->cmdline_size = CMDLINE_ROOM - 1;
	return true;
}

static void e820_add(uint8_t *params, uint64_t start, uint64_t end, uint32_t type)
{
	uint8_t *entry = params + P_E820 + 20u * params[P_E820_ENTRIES];

	if (end <= start)
		return;
	store(entry, 8, start);
	store(entry + 8, 8, end - start);
	store(entry + 16, 4, type);
	params[P_E820_ENTRIES]++;
}

static void fill_params(uint8_t *params, const struct header *h, uint64_t ram)
{
	uint32_t end = H_MAGIC + h->data[H_END];

	if (end > H_LIMIT)
		end = H_LIMIT;
	memcpy(params + H_SETUP_SECTS, h->data + H_SETUP_SECTS, end - H_SETUP_SECTS);
	params[H_LOADER] = LOADER_UNKNOWN;
	store(params + H_CMDLINE, 4, LINUX_CMDLINE);
	e820_add(params, 0, LOW_RAM_END, E820_RAM);
	e820_add(params, LOW_RAM_END, LOW_END, E820_RESERVED);
	e820_add(params, BIOS_START, HIGH_START, E820_RESERVED);
	e820_add(params, HIGH_START, ram, E820_RAM);
}

/* As high as it may lie: below it the kernel unpacks itself. */
static bool place_initrd(struct bus *bus, const struct header *h, uint64_t ram, const struct linux_boot *boot,
			 uint8_t *params, struct diagnostic *why)
{
	uint64_t top = h->initrd_max < ram - 1 ? h->initrd_max + 1 : ram;
	uint64_t at;

	if (!boot->initrd)
		return true;
	if (boot->initrd_size > top || top - boot->initrd_size < h->end)
		return diagnose(why,
				"-initrd %s: %zu bytes do not fit into RAM between the kernel's end (0x%" PRIx64
				") and 0x%" PRIx64 "; use -m",
				boot->initrd_name, boot->initrd_size, h->end, top);
	at = (top - boot->initrd_size) & ~(uint64_t)(BUS_PAGE_SIZE - 1);
	if (at < h->end)
		at = h->end; /* less than a page is left: it may start within one */
	if (!place_bytes(bus, at, boot->initrd, boot->initrd_size))
		return diagnose(why, "-initrd %s: 0x%" PRIx64 "+0x%zx could not be written", boot->initrd_name, at,
				boot->initrd_size);
	store(params + H_INITRD, 4, at);
	store(params + H_INITRD_SIZE, 4, boot->initrd_size);
	return true;
}

bool guest_load_bzimage(struct bus *bus, const char *name, const uint8_t *data, size_t size, uint64_t ram,
			const struct linux_boot *boot, struct guest *guest, struct diagnostic *why)
{
	/* Selectors 10h and 18h: 4 GiB of code and of data ("32-bit Boot Protocol"). */
	static const uint64_t gdt[LINUX_GDT_BYTES / 8] = {0, 0, 0x00cf9b000000ffff, 0x00cf93000000ffff};
	uint8_t area[LINUX_CMDLINE - LINUX_PARAMS + CMDLINE_ROOM] = {0};
	struct header h = {.name = name};
	size_t length = boot->append ? strlen(boot->append) : 0;

	if (!read_header(&h, data, size, why))
		return false;
	if (length > h.cmdline_size)
		return diagnose(why, "-append: %zu characters are too many, this kernel takes %" PRIu32, length,
				h.cmdline_size);
	if (h.end > ram)
		return diagnose(why, "%s: the kernel needs memory up to 0x%" PRIx64 " to start; use -m", name, h.end);
	fill_params(area, &h, ram);
	if (!place_initrd(bus, &h, ram, boot, area, why))
		return false;
	for (unsigned i = 0; i < LINUX_GDT_BYTES / 8; i++)
		store(area + (LINUX_GDT - LINUX_PARAMS) + 8 * i, 8, gdt[i]);
	if (length)
		memcpy(area + (LINUX_CMDLINE - LINUX_PARAMS), boot->append, length);
	if (!place_bytes(bus, LINUX_PARAMS, area, sizeof(area)) ||
	    !place_bytes(bus, HIGH_START, data + h.setup, h.kernel))
		return diagnose(why, "%s: the image could not be written", name);
	guest->mode = START_LINUX;
	guest->entry = HIGH_START;
	guest->end = h.end;
	guest->info = LINUX_PARAMS;
	return true;
}
