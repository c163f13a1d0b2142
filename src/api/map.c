/* The memory map: RAM, ROM and the caller's devices. */
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>

#include "api/api.h"

#define ADDRESS_LIMIT (UINT64_C(1) << 52)

static enum tg_error check_range(struct tg_machine *tg, uint64_t address, uint64_t size, bool pages)
{
	enum tg_error error = api_stands(tg);

	if (error != TG_OK)
		return error;
	if (size == 0 || address >= ADDRESS_LIMIT || size > ADDRESS_LIMIT - address)
		return api_fail(tg, TG_ERROR_ARGUMENT, "0x%" PRIx64 "+0x%" PRIx64 " is empty or goes beyond 2^52",
				address, size);
	if (pages && (address | size) % BUS_PAGE_SIZE)
		return api_fail(tg, TG_ERROR_ARGUMENT,
				"0x%" PRIx64 "+0x%" PRIx64 " is not made of whole pages of 4 KiB", address, size);
	return TG_OK;
}

/* Is anything but a hole (and, where allowed, RAM) in the way? */
static enum tg_error check_free(struct tg_machine *tg, uint64_t address, uint64_t size, bool over_ram)
{
	for (uint64_t at = address; at < address + size; at += BUS_PAGE_SIZE) {
		uint64_t offset;
		struct region *r;
		bool whole = bus_find_page(tg->m->bus, at, &r, &offset);

		if (whole && (!r || (over_ram && r->kind == REGION_RAM)))
			continue;
		return api_fail(tg, TG_ERROR_OVERLAP, "0x%" PRIx64 " holds %s already", at, r ? r->name : "a device");
	}
	return TG_OK;
}

bool api_ram_add(struct tg_machine *tg, uint64_t start, uint64_t size)
{
	struct ram **end = &tg->ram;

	while (*end)
		end = &(*end)->next;
	*end = calloc(1, sizeof(**end));
	if (*end) {
		(*end)->start = start;
		(*end)->size = size;
	}
	return *end != NULL;
}

enum tg_error tg_map_ram(struct tg_machine *tg, uint64_t address, uint64_t size)
{
	enum tg_error error;

	if (!tg)
		return TG_ERROR_ARGUMENT;
	error = check_range(tg, address, size, true);
	if (error == TG_OK && size > MACHINE_MAX_RAM)
		return api_fail(tg, TG_ERROR_ARGUMENT, "0x%" PRIx64 " bytes of RAM: 3 GiB at most", size);
	if (error == TG_OK)
		error = check_free(tg, address, size, false);
	if (error == TG_OK && (!bus_add_ram(tg->m->bus, "RAM", address, size) || !api_ram_add(tg, address, size)))
		return api_fail(tg, TG_ERROR_MEMORY, "out of memory");
	return error;
}

enum tg_error tg_map_rom(struct tg_machine *tg, uint64_t address, uint64_t size, const void *image, size_t image_size)
{
	enum tg_error error;

	if (!tg || (!image && image_size))
		return TG_ERROR_ARGUMENT;
	error = check_range(tg, address, size, true);
	if (error == TG_OK && (image_size > size || size > MACHINE_MAX_RAM))
		return api_fail(tg, TG_ERROR_ARGUMENT, "an image of %zu bytes in a ROM of 0x%" PRIx64 " bytes",
				image_size, size);
	if (error == TG_OK)
		error = check_free(tg, address, size, true);
	if (error == TG_OK && !bus_add_rom(tg->m->bus, "ROM", address, size, image ? image : "", image_size))
		return api_fail(tg, TG_ERROR_MEMORY, "out of memory");
	return error;
}

static uint64_t mmio_read(void *owner, uint64_t offset, unsigned bytes)
{
	struct device *d = owner;

	return d->mmio.read(d->mmio.owner, offset, bytes);
}

static void mmio_write(void *owner, uint64_t offset, unsigned bytes, uint64_t value)
{
	struct device *d = owner;

	d->mmio.write(d->mmio.owner, offset, bytes, value);
}

static uint32_t port_read(void *owner, uint16_t port, unsigned bytes)
{
	struct device *d = owner;
	uint32_t value;

	d->machine->in_port++;
	value = d->ports.read(d->ports.owner, port, bytes);
	d->machine->in_port--;
	return value;
}

static void port_write(void *owner, uint16_t port, unsigned bytes, uint32_t value)
{
	struct device *d = owner;

	d->machine->in_port++;
	d->ports.write(d->ports.owner, port, bytes, value);
	d->machine->in_port--;
}

/* The bus may go on pointing to a device: it lives as long as the machine. */
static struct device *new_device(struct tg_machine *tg)
{
	struct device *device = calloc(1, sizeof(*device));

	if (!device) {
		api_fail(tg, TG_ERROR_MEMORY, "out of memory");
		return NULL;
	}
	device->machine = tg;
	device->next = tg->devices;
	tg->devices = device;
	return device;
}

enum tg_error tg_map_mmio(struct tg_machine *tg, uint64_t address, uint64_t size, const struct tg_mmio *wanted)
{
	struct tg_mmio known;
	struct device *device;
	enum tg_error error;

	if (!tg || !wanted)
		return TG_ERROR_ARGUMENT;
	error = check_range(tg, address, size, false);
	if (error == TG_OK)
		error = api_take(&known, sizeof(known), wanted, SIZE_UP_TO(struct tg_mmio, owner));
	if (error != TG_OK)
		return error;
	if (!known.read || !known.write)
		return api_fail(tg, TG_ERROR_ARGUMENT, "a device needs a function to read and one to write");
	device = new_device(tg);
	if (!device)
		return TG_ERROR_MEMORY;
	device->mmio = known;
	/* Of equal ones the bus shows the one that came last. */
	if (!bus_add_mmio(tg->m->bus, "device", address, size, (struct mmio_ops){mmio_read, mmio_write}, device,
			  INT_MAX))
		return api_fail(tg, TG_ERROR_MEMORY, "out of memory");
	return TG_OK;
}

enum tg_error tg_map_ports(struct tg_machine *tg, uint16_t first, unsigned count, const struct tg_ports *wanted)
{
	struct tg_ports known;
	struct device *device;
	enum tg_error error;

	if (!tg || !wanted)
		return TG_ERROR_ARGUMENT;
	error = api_stands(tg);
	if (error == TG_OK && (count == 0 || first + count > 0x10000u))
		return api_fail(tg, TG_ERROR_ARGUMENT, "%u ports from 0x%x on", count, first);
	if (error == TG_OK)
		error = api_take(&known, sizeof(known), wanted, SIZE_UP_TO(struct tg_ports, owner));
	if (error != TG_OK)
		return error;
	if (!known.read || !known.write)
		return api_fail(tg, TG_ERROR_ARGUMENT, "a device needs a function to read and one to write");
	device = new_device(tg);
	if (!device)
		return TG_ERROR_MEMORY;
	device->ports = known;
	if (!bus_add_ports(tg->m->bus, "device", first, count, (struct port_ops){port_read, port_write}, device))
		return api_fail(tg, TG_ERROR_MEMORY, "out of memory");
	return TG_OK;
}
