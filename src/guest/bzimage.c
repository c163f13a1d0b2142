/* Linux bzImage by the 32-bit and the 64-bit boot protocol ("The Linux/x86 Boot Protocol" in the kernel's
 * documentation: "The Real-Mode Kernel Header", "Details of Header Fields", "32-bit Boot Protocol",
 * "64-bit Boot Protocol"; "Zero Page" for struct boot_params). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "guest/bytes.h"
#include "guest/load.h"
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
#define H_CODE32       0x214u
#define H_INITRD       0x218u
#define H_INITRD_SIZE  0x21cu
#define H_HEAP_END     0x224u /* since 2.01 */
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
#define CAN_USE_HEAP   0x80u
#define XLF_KERNEL_64  0x01u
#define XLF_ABOVE_4G   0x02u /* the kernel takes an initial RAM disk from above 4 GiB */
#define LOADER_UNKNOWN 0xffu
#define SECTOR         512u
#define HEAP_END       0xe000u /* in the setup part's segment; its stack is below */

/* Boot parameters only. */
#define P_CURSOR       0x000u /* column, row */
#define P_EXT_MEM_K    0x002u
#define P_VIDEO_MODE   0x006u
#define P_VIDEO_COLS   0x007u
#define P_EGA_BX       0x00au
#define P_VIDEO_LINES  0x00eu
#define P_IS_VGA       0x00fu
#define P_VIDEO_POINTS 0x010u
#define P_RSDP         0x070u /* since 2.14 */
#define P_EXT_INITRD   0x0c0u /* high halves of address and size */
#define P_ALT_MEM_K    0x1e0u
#define P_E820_ENTRIES 0x1e8u
#define P_E820         0x2d0u
#define E820_BYTES     20u

#define CMDLINE_ROOM      4096u
#define INITRD_MAX_BEFORE 0x37ffffffu /* protocols before 2.03 */
#define CMDLINE_BEFORE    255u        /* protocols before 2.06 */

#define ENTRY_64   0x200u
#define CODE32     UINT64_C(0x00cf9b000000ffff) /* 4 GiB, flat */
#define CODE64     UINT64_C(0x00af9b000000ffff)
#define DATA32     UINT64_C(0x00cf93000000ffff)
#define TABLE_SIZE 512u /* entries of a page table */
#define TABLES     6u   /* PML4, PDPT, four page directories: 4 GiB in 2 MiB pages */
#define PTE_P_RW   UINT64_C(0x3)
#define PTE_LARGE  UINT64_C(0x80)

/* What the header says. */
struct header {
	uint16_t version;
	uint32_t setup, kernel; /* bytes of the two parts */
	uint64_t end;           /* the kernel works below this while it starts */
	uint64_t initrd_max;
	uint32_t cmdline_size;
	uint32_t xloadflags;
};

bool bzimage_is(const struct load *l)
{
	return l->size >= H_MAGIC + 4 && load16(l->data + H_BOOT_FLAG) == BOOT_FLAG &&
	       load32(l->data + H_MAGIC) == MAGIC;
}

/* The parts of the file. */
static bool read_sizes(struct header *h, const struct load *l)
{
	const uint8_t *data = l->data;
	unsigned sectors = data[H_SETUP_SECTS] ? data[H_SETUP_SECTS] : 4;

	h->setup = (sectors + 1) * SECTOR;
	if (l->size < H_LIMIT || l->size < h->setup)
		return diagnose(l->why, "%s: cut off in the setup part (%zu of %" PRIu32 " bytes are there)", l->name,
				l->size, h->setup);
	h->version = (uint16_t)load16(data + H_VERSION);
	if (h->version < 0x202)
		return diagnose(l->why, "%s: boot protocol %u.%02u is too old; 2.02 (Linux 2.4) or later is wanted",
				l->name, h->version >> 8, h->version & 0xffu);
	if (!(data[H_LOADFLAGS] & LOADED_HIGH))
		return diagnose(l->why, "%s: a zImage, loaded below 640 KiB; a bzImage is wanted", l->name);
	/* "For boot protocol prior to 2.04, the upper two bytes of the syssize field are unusable" (The Real-Mode
	 * Kernel Header): the kernel is the rest of the file. */
	if (h->version < 0x204) {
		h->kernel = (uint32_t)(l->size - h->setup);
		return h->kernel > 0 || diagnose(l->why, "%s: cut off: only the setup part is there", l->name);
	}
	h->kernel = load32(data + H_SYSSIZE);
	if (h->kernel == 0 || h->kernel > UINT32_MAX / 16)
		return diagnose(l->why, "%s: the header gives a size of %" PRIu32 " * 16 bytes; the file is corrupt",
				l->name, h->kernel);
	h->kernel *= 16;
	/* syssize counts paragraphs: the last one need not be whole in the file. */
	if (h->kernel > l->size - h->setup && h->kernel - (l->size - h->setup) < 16)
		h->kernel = (uint32_t)(l->size - h->setup);
	if (h->kernel > l->size - h->setup)
		return diagnose(l->why, "%s: cut off: %zu bytes are there, the header speaks of %" PRIu32 " + %" PRIu32,
				l->name, l->size, h->setup, h->kernel);
	return true;
}

/* A kernel with the 64-bit entry is a 64-bit kernel. */
static bool read_width(struct header *h, const struct load *l)
{
	h->xloadflags = h->version >= 0x20c ? load16(l->data + H_XLOADFLAGS) : 0;
	if (!(h->xloadflags & XLF_KERNEL_64))
		return true;
	if (!l->boot->board->long_mode)
		return diagnose(
			l->why,
			"%s: a 64-bit kernel needs long mode; this processor model has none; use an i386 kernel",
			l->name);
	if (h->kernel <= ENTRY_64)
		return diagnose(l->why,
				"%s: %" PRIu32 " bytes of kernel do not reach its 64-bit entry at 0x%x; corrupt",
				l->name, h->kernel, ENTRY_64);
	return true;
}

/* Where the kernel unpacks itself: at the preferred address, which is above where it is loaded. */
static bool read_header(struct header *h, const struct load *l)
{
	const uint8_t *data = l->data;

	if (!read_sizes(h, l) || !read_width(h, l))
		return false;
	h->end = HIGH_START + (uint64_t)h->kernel;
	if (h->version >= 0x20a) {
		uint64_t at = load64(data + H_PREF_ADDRESS);

		if (at >> 32)
			return diagnose(l->why, "%s: the preferred address 0x%" PRIx64 " is above 4 GiB; corrupt",
					l->name, at);
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

/* As the kernel's own 16-bit part would find them by INT 10h and 15h. */
static void fill_board(uint8_t *params, const struct boot_board *board)
{
	uint64_t above_1m = (boot_ram_end(board, HIGH_START) - HIGH_START) >> 10;

	if (board->vga) {
		params[P_VIDEO_MODE] = 3;
		params[P_VIDEO_COLS] = 80;
		params[P_EGA_BX] = 3; /* colours, 256 KiB */
		params[P_VIDEO_LINES] = 25;
		params[P_IS_VGA] = 1;
		params[P_VIDEO_POINTS] = 16;
	}
	store(params + P_EXT_MEM_K, 2, above_1m > 0xfc00 ? 0xfc00 : above_1m);
	store(params + P_ALT_MEM_K, 4, above_1m);
	params[P_E820_ENTRIES] = (uint8_t)board->ranges;
	for (unsigned i = 0; i < board->ranges; i++) {
		uint8_t *entry = params + P_E820 + E820_BYTES * i;

		store(entry, 8, board->range[i].start);
		store(entry + 8, 8, board->range[i].size);
		store(entry + 16, 4, board->range[i].type);
	}
}

static void fill_params(uint8_t *params, const struct header *h, const struct load *l)
{
	uint32_t end = H_MAGIC + l->data[H_END];

	if (end > H_LIMIT)
		end = H_LIMIT;
	memcpy(params + H_SETUP_SECTS, l->data + H_SETUP_SECTS, end - H_SETUP_SECTS);
	params[H_LOADER] = LOADER_UNKNOWN;
	store(params + H_CMDLINE, 4, LINUX_CMDLINE);
	fill_board(params, l->boot->board);
	if (h->version >= 0x20e)
		store(params + P_RSDP, 8, l->boot->board->rsdp);
}

/* As high as it may lie: above where the kernel unpacks itself, below initrd_addr_max; beyond 4 GiB for kernels that
 * take it from there, if there is no room below. */
static bool find_initrd(struct load *l, const struct header *h, uint64_t size, uint64_t *at)
{
	struct wish wish = {
		.size = size, .align = BUS_PAGE_SIZE, .from = h->end, .to = h->initrd_max + 1, .high = true};

	if (space_find(l, &wish, at))
		return true;
	wish.align = 1; /* less than a page is left: it may start within one */
	if (space_find(l, &wish, at))
		return true;
	wish.align = BUS_PAGE_SIZE;
	wish.from = FOUR_GIB;
	wish.to = UINT64_MAX;
	return (h->xloadflags & XLF_KERNEL_64) && (h->xloadflags & XLF_ABOVE_4G) && space_find(l, &wish, at);
}

static bool place_initrd(struct load *l, const struct header *h, uint8_t *params, const uint8_t *data, uint64_t size)
{
	const char *name = l->boot->initrd;
	uint64_t at, end = boot_ram_end(l->boot->board, h->end);

	if (end > h->initrd_max + 1)
		end = h->initrd_max + 1;
	if (!find_initrd(l, h, size, &at))
		return diagnose(l->why,
				"-initrd %s: %" PRIu64 " bytes do not fit into RAM between the kernel's end (0x%" PRIx64
				") and 0x%" PRIx64 "; use -m",
				name, size, h->end, end);
	if (!place_bytes(l->bus, at, data, size))
		return diagnose(l->why, "-initrd %s: 0x%" PRIx64 "+0x%" PRIx64 " could not be written", name, at, size);
	store(params + H_INITRD, 4, at);
	store(params + H_INITRD_SIZE, 4, size);
	store(params + P_EXT_INITRD, 4, at >> 32);
	store(params + P_EXT_INITRD + 4, 4, size >> 32);
	return true;
}

static bool load_initrd(struct load *l, const struct header *h, uint8_t *params)
{
	uint8_t *data = NULL;
	size_t size = 0;
	bool ok;

	if (!l->boot->initrd)
		return true;
	ok = read_initrd(l, l->boot->initrd, &data, &size) && place_initrd(l, h, params, data, size);
	free(data);
	return ok;
}

/* Identity page tables of the first 4 GiB (SDM 3A, "4-Level Paging"). */
static bool place_page_tables(struct load *l)
{
	uint8_t *tables = calloc(TABLES, BUS_PAGE_SIZE);
	bool ok;

	if (!tables)
		return diagnose(l->why, "%s: out of memory", l->name);
	store(tables, 8, (LINUX_PAGES + BUS_PAGE_SIZE) | PTE_P_RW);
	for (unsigned i = 0; i < TABLES - 2; i++)
		store(tables + BUS_PAGE_SIZE + 8 * i, 8, (LINUX_PAGES + (2 + i) * BUS_PAGE_SIZE) | PTE_P_RW);
	for (uint64_t i = 0; i < (TABLES - 2) * TABLE_SIZE; i++)
		store(tables + 2 * BUS_PAGE_SIZE + 8 * i, 8, i << 21 | PTE_LARGE | PTE_P_RW);
	ok = place_bytes(l->bus, LINUX_PAGES, tables, (size_t)TABLES * BUS_PAGE_SIZE);
	free(tables);
	return ok || diagnose(l->why, "%s: the page tables could not be written", l->name);
}

/* Boot parameters, GDT and command line lie side by side. */
static bool place_area(struct load *l, const struct header *h)
{
	/* Selectors 10h and 18h: 4 GiB of code and of data. */
	const uint64_t gdt[LINUX_GDT_BYTES / 8] = {0, 0, h->xloadflags & XLF_KERNEL_64 ? CODE64 : CODE32, DATA32};
	uint8_t area[LINUX_CMDLINE - LINUX_PARAMS + CMDLINE_ROOM] = {0};
	size_t length = l->boot->append ? strlen(l->boot->append) : 0;

	if (length > h->cmdline_size)
		return diagnose(l->why, "-append: %zu characters are too many, this kernel takes %" PRIu32, length,
				h->cmdline_size);
	fill_params(area, h, l);
	if (!load_initrd(l, h, area))
		return false;
	for (unsigned i = 0; i < LINUX_GDT_BYTES / 8; i++)
		store(area + (LINUX_GDT - LINUX_PARAMS) + 8 * i, 8, gdt[i]);
	if (length)
		memcpy(area + (LINUX_CMDLINE - LINUX_PARAMS), l->boot->append, length);
	return place_bytes(l->bus, LINUX_PARAMS, area, sizeof(area)) ||
	       diagnose(l->why, "%s: the boot parameters could not be written", l->name);
}

bool bzimage_load(struct load *l)
{
	struct guest *guest = l->guest;
	struct header h = {.setup = 0};

	if (!read_header(&h, l))
		return false;
	if (load32(l->data + H_CODE32) == 0)
		return diagnose(l->why, "%s: it has no 32-bit entry; a board with firmware can start it (-bios)",
				l->name);
	if (h.end > boot_ram_end(l->boot->board, HIGH_START))
		return diagnose(l->why, "%s: the kernel needs memory up to 0x%" PRIx64 " to start; use -m", l->name,
				h.end);
	if (!place_area(l, &h))
		return false;
	if (!place_bytes(l->bus, HIGH_START, l->data + h.setup, h.kernel))
		return diagnose(l->why, "%s: the image could not be written", l->name);
	guest->mode = START_LINUX;
	guest->entry = HIGH_START;
	guest->end = h.end;
	guest->info = LINUX_PARAMS;
	if (h.xloadflags & XLF_KERNEL_64) {
		guest->mode = START_LINUX64;
		guest->entry += ENTRY_64;
		guest->pages = LINUX_PAGES;
		return place_page_tables(l);
	}
	return true;
}

/* ---- by way of firmware ---- */
bool guest_is_linux(const uint8_t *data, size_t size)
{
	return bzimage_is(&(struct load){.data = data, .size = size});
}

bool guest_linux_needs_firmware(const uint8_t *data, size_t size)
{
	return guest_is_linux(data, size) && size >= H_CODE32 + 4 &&
	       (load32(data + H_CODE32) == 0 || load16(data + H_VERSION) < 0x204);
}

bool guest_linux_parts(const char *name, uint8_t *data, size_t size, uint64_t initrd_size, uint64_t ram_end,
		       const char *append, const struct boot_board *board, struct linux_parts *parts,
		       struct diagnostic *why)
{
	const struct boot boot = {.board = board};
	struct load l = {.name = name, .data = data, .size = size, .boot = &boot, .why = why};
	struct header h = {.setup = 0};
	uint64_t top;

	if (!read_header(&h, &l))
		return false;
	if (append && strlen(append) > h.cmdline_size)
		return diagnose(why, "-append: %zu characters are too many, this kernel takes %" PRIu32, strlen(append),
				h.cmdline_size);
	if (h.setup > HEAP_END - SECTOR || h.end > ram_end)
		return diagnose(why, "%s: the kernel needs memory up to 0x%" PRIx64 " to start; use -m", name, h.end);
	top = h.initrd_max + 1 < ram_end ? h.initrd_max + 1 : ram_end;
	if (initrd_size && (top < h.end || initrd_size > top - h.end))
		return diagnose(why,
				"-initrd: %" PRIu64 " bytes do not fit between the kernel's end (0x%" PRIx64
				") and 0x%" PRIx64 "; use -m",
				initrd_size, h.end, top);
	*parts = (struct linux_parts){h.setup, h.kernel, 0};
	data[H_LOADER] = LOADER_UNKNOWN;
	data[H_LOADFLAGS] |= CAN_USE_HEAP;
	store(data + H_HEAP_END, 2, HEAP_END - SECTOR);
	store(data + H_CMDLINE, 4, LINUX_CMDLINE_AT);
	if (!initrd_size)
		return true;
	parts->initrd_at = (uint32_t)((top - initrd_size) & ~(uint64_t)(BUS_PAGE_SIZE - 1));
	if (parts->initrd_at < h.end)
		parts->initrd_at = (uint32_t)h.end;
	store(data + H_INITRD, 4, parts->initrd_at);
	store(data + H_INITRD_SIZE, 4, initrd_size);
	return true;
}
