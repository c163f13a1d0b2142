#include "devices/fwcfg.h"

#include <string.h>

#define KEY_WRITE 0x4000u
#define DIRECTORY_ENTRY 64u
#define PORTS 2u /* 510h, 511h */
#define DMA_PORTS 8u

static const uint8_t dma_signature[8] = {'Q', 'E', 'M', 'U', ' ', 'C', 'F', 'G'};

static uint32_t get_be32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void put_be32(uint8_t *at, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		at[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* ---- items ---- */
static struct fwcfg_item *find(struct fwcfg *fw, uint16_t key)
{
	key &= (uint16_t)~KEY_WRITE;
	if (key < FWCFG_FILE_FIRST)
		return &fw->generic[key];
	if (key >= FWCFG_ARCH && key < FWCFG_ARCH + FWCFG_ARCH_ITEMS)
		return &fw->arch[key - FWCFG_ARCH];
	if (key >= FWCFG_FILE_FIRST && key < FWCFG_FILE_FIRST + fw->files)
		return &fw->file[key - FWCFG_FILE_FIRST].item;
	return NULL;
}

const struct fwcfg_item *fwcfg_item(const struct fwcfg *fw, uint16_t key)
{
	struct fwcfg_item *item = find((struct fwcfg *)(uintptr_t)fw, key);

	return item && item->present ? item : NULL;
}

static bool is_directory(const struct fwcfg *fw)
{
	return (fw->key & ~KEY_WRITE) == FWCFG_FILE_DIR;
}

/* How many bytes the selected item has. */
static uint32_t selected_size(const struct fwcfg *fw)
{
	const struct fwcfg_item *item = fwcfg_item(fw, fw->key);

	if (is_directory(fw))
		return 4 + fw->files * DIRECTORY_ENTRY;
	return item ? item->size : 0;
}

/* Byte offset of the directory: a 32-bit count, then 64 bytes a file. */
static uint8_t directory_byte(const struct fwcfg *fw, uint32_t offset)
{
	uint8_t head[8] = {0};
	uint32_t index, in_entry;

	if (offset < 4) {
		put_be32(head, fw->files);
		return head[offset];
	}
	index = (offset - 4) / DIRECTORY_ENTRY;
	in_entry = (offset - 4) % DIRECTORY_ENTRY;
	if (in_entry >= sizeof(head))
		return (uint8_t)fw->file[index].name[in_entry - sizeof(head)];
	put_be32(head, fw->file[index].item.size);
	put_be32(head + 4, (FWCFG_FILE_FIRST + index) << 16);
	return head[in_entry];
}

static const uint8_t *item_bytes(const struct fwcfg_item *item)
{
	return item->data ? item->data : item->value;
}

/* The next size bytes of the selected item, zeros past its end. */
static void take(struct fwcfg *fw, uint8_t *to, uint32_t size)
{
	uint32_t left = selected_size(fw) - fw->offset, n = size < left ? size : left;

	if (is_directory(fw)) {
		for (uint32_t i = 0; i < n; i++)
			to[i] = directory_byte(fw, fw->offset + i);
	} else if (n != 0) {
		memcpy(to, item_bytes(fwcfg_item(fw, fw->key)) + fw->offset, n);
	}
	memset(to + n, 0, size - n);
	fw->offset += n;
}

static void select_item(struct fwcfg *fw, uint16_t key)
{
	fw->key = key;
	fw->offset = 0;
}

/* ---- DMA ---- */

/* Moves size bytes, of one page, into guest memory. */
static bool store(struct fwcfg *fw, uint64_t pa, const uint8_t *from, uint32_t size)
{
	struct region *region;
	uint64_t offset;
	bool whole = bus_find_page(fw->bus, pa, &region, &offset), answered = true;

	if (whole && region && region->kind == REGION_RAM)
		return bus_load(fw->bus, pa, from, size) == size;
	for (uint32_t i = 0; i < size; i++) {
		answered = answered && bus_find(fw->bus, pa + i, &offset);
		bus_write(fw->bus, pa + i, 1, from[i]);
	}
	return answered;
}

/* The rest of the page at pa, at most left bytes. */
static uint32_t page_part(uint64_t pa, uint32_t left)
{
	uint32_t rest = BUS_PAGE_SIZE - (uint32_t)(pa & (BUS_PAGE_SIZE - 1));

	return rest < left ? rest : left;
}

/* A page with nothing in it takes no bytes, so that a length of 4 GiB costs little. */
static bool empty_page(struct fwcfg *fw, uint64_t pa)
{
	struct region *region;
	uint64_t offset;

	return bus_find_page(fw->bus, pa, &region, &offset) && !region;
}

static bool dma_read(struct fwcfg *fw, uint64_t pa, uint32_t length)
{
	uint8_t page[BUS_PAGE_SIZE];
	bool good = true;

	for (uint32_t n; length != 0; pa += n, length -= n) {
		n = page_part(pa, length);
		take(fw, page, n);
		if (empty_page(fw, pa))
			good = false;
		else
			good = store(fw, pa, page, n) && good;
	}
	return good;
}

static bool dma_write(struct fwcfg *fw, uint64_t pa, uint32_t length)
{
	struct fwcfg_item *item = find(fw, fw->key);
	uint32_t start = fw->offset;
	uint64_t offset;
	bool good = true;

	if (!item || !item->present || !item->writable || length > item->size - start)
		return false;
	for (uint32_t i = 0; i < length; i++) {
		good = good && bus_find(fw->bus, pa + i, &offset);
		item->writable[start + i] = (uint8_t)bus_read(fw->bus, pa + i, 1);
	}
	fw->offset += length;
	if (item->written)
		item->written(item->owner, start, length);
	return good;
}

static void skip(struct fwcfg *fw, uint32_t length)
{
	uint32_t left = selected_size(fw) - fw->offset;

	fw->offset += length < left ? length : left;
}

static void dma(struct fwcfg *fw, uint64_t pa)
{
	uint8_t access[16], done[4];
	uint32_t control, length;
	uint64_t address;
	bool good = true;

	if (bus_peek(fw->bus, pa, access, sizeof(access)) != sizeof(access))
		return;
	control = get_be32(access);
	length = get_be32(access + 4);
	address = (uint64_t)get_be32(access + 8) << 32 | get_be32(access + 12);
	if (control & FWCFG_DMA_SELECT)
		select_item(fw, (uint16_t)(control >> 16));
	if (control & FWCFG_DMA_READ)
		good = dma_read(fw, address, length);
	else if (control & FWCFG_DMA_WRITE)
		good = dma_write(fw, address, length);
	else if (control & FWCFG_DMA_SKIP)
		skip(fw, length);
	put_be32(done, good ? 0 : FWCFG_DMA_ERROR);
	for (unsigned i = 0; i < sizeof(done); i++)
		bus_write(fw->bus, pa + i, 1, done[i]);
}

/* ---- ports ---- */
static uint32_t data_read(void *device, uint16_t port, unsigned bytes)
{
	struct fwcfg *fw = device;
	uint32_t value = 0;

	for (unsigned i = 0; i < bytes; i++) {
		uint8_t byte = 0xff;

		if (port + i == FWCFG_DATA_PORT)
			take(fw, &byte, 1);
		value |= (uint32_t)byte << (8 * i);
	}
	return value;
}

static void data_write(void *device, uint16_t port, unsigned bytes, uint32_t value)
{
	struct fwcfg *fw = device;

	if (port == FWCFG_SELECT_PORT && bytes == 2)
		select_item(fw, (uint16_t)value);
}

static uint32_t dma_port_read(void *device, uint16_t port, unsigned bytes)
{
	uint32_t value = 0;

	for (unsigned i = 0; i < bytes; i++) {
		unsigned at = (unsigned)port + i - FWCFG_DMA_PORT;

		value |= (uint32_t)(at < DMA_PORTS ? dma_signature[at] : 0xff) << (8 * i);
	}
	return value;
}

static void dma_port_write(void *device, uint16_t port, unsigned bytes, uint32_t value)
{
	struct fwcfg *fw = device;
	uint8_t wire[4] = {(uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16), (uint8_t)(value >> 24)};
	uint64_t address;

	if (bytes != 4)
		return;
	if (port == FWCFG_DMA_PORT) {
		fw->dma_high = get_be32(wire);
	} else if (port == FWCFG_DMA_PORT + 4) {
		address = (uint64_t)fw->dma_high << 32 | get_be32(wire);
		fw->dma_high = 0;
		dma(fw, address);
	}
}

/* ---- the host's side ---- */
static bool set(struct fwcfg *fw, uint16_t key, const struct fwcfg_item *item)
{
	struct fwcfg_item *at = (key & KEY_WRITE) || key == FWCFG_FILE_DIR ? NULL : find(fw, key);

	if (!at || (key >= FWCFG_FILE_FIRST && key < FWCFG_ARCH))
		return false;
	*at = *item;
	at->present = true;
	return true;
}

bool fwcfg_add_bytes(struct fwcfg *fw, uint16_t key, const void *data, uint32_t size)
{
	return set(fw, key, &(struct fwcfg_item){.data = data, .size = size});
}

bool fwcfg_add_number(struct fwcfg *fw, uint16_t key, uint64_t value, unsigned bytes)
{
	struct fwcfg_item item = {.size = bytes <= 8 ? bytes : 8};

	for (unsigned i = 0; i < item.size; i++)
		item.value[i] = (uint8_t)(value >> (8 * i));
	return set(fw, key, &item);
}

/* The file's place among the names; *found: it is there already. */
static unsigned place(const struct fwcfg *fw, const char *name, bool *found)
{
	unsigned i = 0;

	while (i < fw->files && strcmp(fw->file[i].name, name) < 0)
		i++;
	*found = i < fw->files && strcmp(fw->file[i].name, name) == 0;
	return i;
}

static bool add_file(struct fwcfg *fw, const char *name, const struct fwcfg_item *item)
{
	size_t length = strlen(name);
	bool found;
	unsigned at = place(fw, name, &found);

	if (length == 0 || length >= FWCFG_NAME || (!found && fw->files == FWCFG_FILES))
		return false;
	if (!found) {
		memmove(&fw->file[at + 1], &fw->file[at], (fw->files - at) * sizeof(fw->file[0]));
		fw->files++;
	}
	memset(&fw->file[at], 0, sizeof(fw->file[at]));
	memcpy(fw->file[at].name, name, length);
	fw->file[at].item = *item;
	fw->file[at].item.present = true;
	return true;
}

bool fwcfg_add_file(struct fwcfg *fw, const char *name, const void *data, uint32_t size)
{
	return add_file(fw, name, &(struct fwcfg_item){.data = data, .size = size});
}

bool fwcfg_add_writable_file(struct fwcfg *fw, const char *name, void *data, uint32_t size,
			     void (*written)(void *owner, uint32_t offset, uint32_t size), void *owner)
{
	return add_file(fw, name, &(struct fwcfg_item){.data = data, .writable = data, .size = size,
						       .written = written, .owner = owner});
}

uint16_t fwcfg_file_key(const struct fwcfg *fw, const char *name)
{
	bool found;
	unsigned at = place(fw, name, &found);

	return (uint16_t)(found ? FWCFG_FILE_FIRST + at : 0);
}

void fwcfg_reset(struct fwcfg *fw)
{
	select_item(fw, FWCFG_SIGNATURE);
	fw->dma_high = 0;
}

bool fwcfg_init(struct fwcfg *fw, struct bus *bus)
{
	static const struct port_ops data_ops = {data_read, data_write};
	static const struct port_ops dma_ops = {dma_port_read, dma_port_write};

	memset(fw, 0, sizeof(*fw));
	fw->bus = bus;
	fwcfg_reset(fw);
	return fwcfg_add_bytes(fw, FWCFG_SIGNATURE, dma_signature, 4) &&
	       fwcfg_add_number(fw, FWCFG_ID, FWCFG_ID_PORTS | FWCFG_ID_DMA, 4) &&
	       bus_add_ports(bus, "fw_cfg", FWCFG_SELECT_PORT, PORTS, data_ops, fw) &&
	       bus_add_ports(bus, "fw_cfg DMA", FWCFG_DMA_PORT, DMA_PORTS, dma_ops, fw);
}
