/* Guest memory without side effects. */
#include <inttypes.h>

#include "api/api.h"

static enum tg_error done_all(struct tg_machine *tg, uint64_t address, size_t got, size_t size, size_t *done)
{
	if (done)
		*done = got;
	if (got == size)
		return TG_OK;
	return api_fail(tg, TG_ERROR_UNMAPPED, "no memory at 0x%" PRIx64, address + got);
}

enum tg_error tg_memory_read(struct tg_machine *tg, uint64_t address, void *buffer, size_t size, size_t *done)
{
	if (!tg || (!buffer && size))
		return TG_ERROR_ARGUMENT;
	return done_all(tg, address, bus_peek(tg->m->bus, address, buffer, size), size, done);
}

enum tg_error tg_memory_write(struct tg_machine *tg, uint64_t address, const void *data, size_t size, size_t *done)
{
	if (!tg || (!data && size))
		return TG_ERROR_ARGUMENT;
	return done_all(tg, address, bus_load(tg->m->bus, address, data, size), size, done);
}

enum tg_error tg_linear_read(struct tg_cpu *c, uint64_t address, void *buffer, size_t size, size_t *done)
{
	if (!c || (!buffer && size))
		return TG_ERROR_ARGUMENT;
	return done_all(c->machine, address, peek_lin(&c->cpu->mmu, address, buffer, size), size, done);
}

enum tg_error tg_linear_write(struct tg_cpu *c, uint64_t address, const void *data, size_t size, size_t *done)
{
	size_t got = 0;

	if (!c || (!data && size))
		return TG_ERROR_ARGUMENT;
	while (got < size) {
		uint64_t lin = (address + got) & c->cpu->mmu.lin_mask, pa;
		size_t part = BUS_PAGE_SIZE - (lin & (BUS_PAGE_SIZE - 1)), put;

		if (part > size - got)
			part = size - got;
		if (!peek_translate(&c->cpu->mmu, lin, &pa))
			break;
		put = bus_load(c->machine->m->bus, pa, (const uint8_t *)data + got, part);
		got += put;
		if (put < part)
			break;
	}
	return done_all(c->machine, address, got, size, done);
}

enum tg_error tg_translate(struct tg_cpu *c, uint64_t linear, uint64_t *physical)
{
	if (!c || !physical)
		return TG_ERROR_ARGUMENT;
	if (!peek_translate(&c->cpu->mmu, linear & c->cpu->mmu.lin_mask, physical))
		return api_fail(c->machine, TG_ERROR_UNMAPPED, "no page at linear 0x%" PRIx64, linear);
	return TG_OK;
}
