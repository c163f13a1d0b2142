/* Snapshots of a bare machine. */
#include <stdlib.h>
#include <string.h>

#include "api/api.h"

struct saved_page {
	uint64_t address;
	uint8_t bytes[BUS_PAGE_SIZE];
};

struct saved_moment {
	uint64_t when;
	void (*function)(void *owner, struct tg_machine *machine);
	void *owner;
};

struct tg_snapshot {
	const struct cpu_model *model;
	struct arch_state s;
	uint64_t now, icount, idle, next_cause;
	/* what the processor remembers between two instructions, and its pins */
	bool step_inhibit, rep_resumes, nmi_pending, init_pending, intr_line, ferr, ignne;
	uint64_t nmi_cause, intr_cause;
	__typeof__(((struct cpu *)0)->rep) rep;
	bool level;
	uint8_t vector;
	uint64_t cause;

	uint64_t next_id, deliveries;
	struct delivery_record ring[TRACE_RING];
	struct match match;

	struct ram *ram;
	struct saved_page *page; /* those that are not all zeros */
	size_t pages;
	struct saved_moment *moment; /* in the order of firing */
	size_t moments;
};

static void ram_free(struct ram *ram)
{
	while (ram) {
		struct ram *next = ram->next;

		free(ram);
		ram = next;
	}
}

void tg_snapshot_free(struct tg_snapshot *snapshot)
{
	if (!snapshot)
		return;
	ram_free(snapshot->ram);
	free(snapshot->page);
	free(snapshot->moment);
	free(snapshot);
}

/* ---- saving ---- */

static void save_processor(struct tg_snapshot *to, const struct tg_cpu *c)
{
	const struct cpu *cpu = c->cpu;

	api_state_read(c, &to->s);
	to->model = cpu->model;
	to->icount = cpu->icount;
	to->step_inhibit = cpu->step_inhibit;
	to->rep_resumes = cpu->rep_resumes;
	to->nmi_pending = cpu->nmi_pending;
	to->init_pending = cpu->init_pending;
	to->intr_line = cpu->intr_line;
	to->nmi_cause = cpu->nmi_cause;
	to->intr_cause = cpu->intr_cause;
	to->ferr = cpu->ferr;
	to->ignne = cpu->ignne;
	to->rep = cpu->rep;
	to->level = c->level;
	to->vector = c->vector;
	to->cause = c->cause;
}

static void save_rest(struct tg_snapshot *to, const struct machine *m)
{
	to->now = m->clock.now;
	to->next_cause = m->clock.next_cause;
	to->idle = m->idle;
	to->next_id = m->trace.next_id;
	to->deliveries = m->trace.deliveries;
	memcpy(to->ring, m->trace.ring, sizeof(to->ring));
	to->match = m->trace.match;
}

/* The moments that wait, in the order of firing: the list has the last one made first. */
static bool save_moments(struct tg_snapshot *to, const struct tg_machine *tg)
{
	const struct timer *timer = tg->m->clock.first;

	to->moment = calloc(tg->m->moments + 1, sizeof(*to->moment));
	for (; to->moment && timer; timer = timer->later) {
		const struct moment *moment = timer->owner;

		to->moment[to->moments++] = (struct saved_moment){timer->when, moment->function, moment->owner};
	}
	return to->moment != NULL;
}

static bool save_page(struct tg_snapshot *to, struct bus *bus, uint64_t address)
{
	static const uint8_t zeros[BUS_PAGE_SIZE];
	uint8_t bytes[BUS_PAGE_SIZE];
	struct saved_page *page;

	if (bus_peek(bus, address, bytes, sizeof(bytes)) != sizeof(bytes) || memcmp(bytes, zeros, sizeof(bytes)) == 0)
		return true;
	/* Room doubles. */
	if ((to->pages & (to->pages - 1)) == 0) {
		page = realloc(to->page, (to->pages ? 2 * to->pages : 1) * sizeof(*page));
		if (!page)
			return false;
		to->page = page;
	}
	page = &to->page[to->pages++];
	page->address = address;
	memcpy(page->bytes, bytes, sizeof(bytes));
	return true;
}

static bool save_ram(struct tg_snapshot *to, const struct tg_machine *tg)
{
	struct ram **end = &to->ram;

	for (const struct ram *ram = tg->ram; ram; ram = ram->next) {
		*end = calloc(1, sizeof(**end));
		if (!*end)
			return false;
		(*end)->start = ram->start;
		(*end)->size = ram->size;
		end = &(*end)->next;
		for (uint64_t at = ram->start; at - ram->start < ram->size; at += BUS_PAGE_SIZE)
			if (!save_page(to, tg->m->bus, at))
				return false;
	}
	return true;
}

static enum tg_error can_be_saved(struct tg_machine *tg)
{
	enum tg_error error = api_stands(tg);

	if (error == TG_OK && !tg->m->config.bare)
		return api_fail(tg, TG_ERROR_BOARD, "a PC's devices cannot be saved: snapshots are for bare machines");
	return error;
}

enum tg_error tg_snapshot_save(struct tg_machine *tg, struct tg_snapshot **snapshot)
{
	struct tg_snapshot *to;
	enum tg_error error;

	if (!tg || !snapshot)
		return TG_ERROR_ARGUMENT;
	*snapshot = NULL;
	error = can_be_saved(tg);
	if (error != TG_OK)
		return error;
	to = calloc(1, sizeof(*to));
	if (!to || !save_moments(to, tg) || !save_ram(to, tg)) {
		tg_snapshot_free(to);
		return api_fail(tg, TG_ERROR_MEMORY, "out of memory");
	}
	save_processor(to, &tg->cpu[0]);
	save_rest(to, tg->m);
	*snapshot = to;
	return TG_OK;
}

/* ---- restoring ---- */

static bool same_ram(const struct ram *a, const struct ram *b)
{
	for (; a && b; a = a->next, b = b->next)
		if (a->start != b->start || a->size != b->size)
			return false;
	return a == b;
}

static void restore_page(struct bus *bus, uint64_t address, const uint8_t *bytes)
{
	uint8_t now[BUS_PAGE_SIZE];

	/* Pages that are alike keep what was translated from them. */
	if (bus_peek(bus, address, now, sizeof(now)) == sizeof(now) && memcmp(now, bytes, sizeof(now)) != 0)
		bus_load(bus, address, bytes, BUS_PAGE_SIZE);
}

static void restore_ram(struct tg_machine *tg, const struct tg_snapshot *from)
{
	static const uint8_t zeros[BUS_PAGE_SIZE];
	size_t next = 0; /* saved pages are in the order of the ranges */

	for (const struct ram *ram = tg->ram; ram; ram = ram->next)
		for (uint64_t at = ram->start; at - ram->start < ram->size; at += BUS_PAGE_SIZE) {
			bool saved = next < from->pages && from->page[next].address == at;

			restore_page(tg->m->bus, at, saved ? from->page[next].bytes : zeros);
			next += saved;
		}
}

static void restore_processor(struct tg_cpu *c, const struct tg_snapshot *from)
{
	struct cpu *cpu = c->cpu;

	cpu->icount = from->icount;
	cpu->ferr = from->ferr;
	cpu->ignne = from->ignne;
	api_state_write(c, &from->s);
	cpu->step_inhibit = from->step_inhibit;
	cpu->rep_resumes = from->rep_resumes;
	cpu->nmi_pending = from->nmi_pending;
	cpu->init_pending = from->init_pending;
	cpu->intr_line = from->intr_line;
	cpu->nmi_cause = from->nmi_cause;
	cpu->intr_cause = from->intr_cause;
	cpu->rep = from->rep;
	c->level = from->level;
	c->vector = from->vector;
	c->cause = from->cause;
	c->seen = false;
}

static void restore_rest(struct machine *m, const struct tg_snapshot *from)
{
	m->clock.now = from->now;
	m->clock.next_cause = from->next_cause;
	m->idle = from->idle;
	m->idle_since = 0;
	m->next_look = from->now;
	m->trace.next_id = from->next_id;
	m->trace.deliveries = from->deliveries;
	memcpy(m->trace.ring, from->ring, sizeof(from->ring));
	m->trace.match = from->match;
}

enum tg_error tg_snapshot_restore(struct tg_machine *tg, const struct tg_snapshot *from)
{
	struct moment *old;
	enum tg_error error;

	if (!tg || !from)
		return TG_ERROR_ARGUMENT;
	error = can_be_saved(tg);
	if (error != TG_OK)
		return error;
	if (from->model != tg->cpu[0].cpu->model || !same_ram(from->ram, tg->ram))
		return api_fail(tg, TG_ERROR_VALUE, "the snapshot is of another processor model, or of other RAM");
	/* First what may fail: the new moments wait beside the old ones, which then go. */
	old = tg->moments;
	tg->moments = NULL;
	for (size_t i = 0; i < from->moments; i++)
		if (!api_moment_add(tg, from->moment[i].when, from->moment[i].function, from->moment[i].owner)) {
			api_moments_free(tg);
			tg->moments = old;
			return api_fail(tg, TG_ERROR_MEMORY, "out of memory");
		}
	api_moments_drop(old);
	restore_ram(tg, from);
	restore_processor(&tg->cpu[0], from);
	restore_rest(tg->m, from);
	return TG_OK;
}
