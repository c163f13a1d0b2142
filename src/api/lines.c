/* Pins and lines. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"

/* ---- the interrupt pin of a bare machine's processor ---- */

static bool pin_pending(void *owner)
{
	struct tg_cpu *c = owner;

	return c->level;
}

static void pin_set(struct tg_cpu *c, bool level, uint64_t cause)
{
	c->level = level;
	c->cause = cause;
	c->disturbed = true;
	cpu_set_intr(c->cpu, level, cause);
}

static uint8_t pin_acknowledge(void *owner, uint64_t *cause)
{
	struct tg_cpu *c = owner;

	*cause = c->cause;
	if (c->acknowledge)
		return c->acknowledge(c->acknowledge_owner, c);
	pin_set(c, false, 0);
	return c->vector;
}

static const char *pin_quiet(void *owner)
{
	struct tg_cpu *c = owner;

	return c->level ? "the interrupt pin is high" : "nobody has raised the interrupt pin";
}

void api_pin_connect(struct tg_cpu *c)
{
	c->cpu->intr = (struct intr_pin){c, pin_pending, pin_acknowledge, pin_quiet};
}

static enum tg_error has_pin(struct tg_cpu *c)
{
	if (c->machine->m->config.bare)
		return TG_OK;
	return api_fail(c->machine, TG_ERROR_BOARD,
			"the pin belongs to the board's interrupt controllers: drive a line, tg_line_set()");
}

enum tg_error tg_interrupt_raise(struct tg_cpu *c, uint8_t vector)
{
	enum tg_error error = c ? has_pin(c) : TG_ERROR_ARGUMENT;

	if (error != TG_OK)
		return error;
	if (c->acknowledge)
		return api_fail(c->machine, TG_ERROR_ARGUMENT,
				"the pin belongs to the source set by tg_interrupt_source()");
	c->vector = vector;
	pin_set(c, true, clock_new_cause(&c->machine->m->clock));
	return TG_OK;
}

enum tg_error tg_interrupt_source(struct tg_cpu *c, uint8_t (*acknowledge)(void *owner, struct tg_cpu *cpu),
				  void *owner)
{
	enum tg_error error = c ? has_pin(c) : TG_ERROR_ARGUMENT;

	if (error != TG_OK)
		return error;
	c->acknowledge = acknowledge;
	c->acknowledge_owner = owner;
	pin_set(c, false, 0);
	return TG_OK;
}

enum tg_error tg_interrupt_level(struct tg_cpu *c, bool level)
{
	enum tg_error error = c ? has_pin(c) : TG_ERROR_ARGUMENT;

	if (error != TG_OK)
		return error;
	if (!c->acknowledge)
		return api_fail(c->machine, TG_ERROR_ARGUMENT,
				"nobody gives the vector: call tg_interrupt_source() first, or tg_interrupt_raise()");
	if (level != c->level)
		pin_set(c, level, level ? clock_new_cause(&c->machine->m->clock) : 0);
	return TG_OK;
}

const char *tg_why_quiet(struct tg_cpu *c)
{
	const struct intr_pin *pin;

	if (!c)
		return "";
	pin = &c->cpu->intr;
	return pin->why_quiet ? pin->why_quiet(pin->device) : "";
}

/* ---- pulses ---- */

enum tg_error tg_pulse(struct tg_cpu *c, enum tg_pin pin)
{
	if (!c)
		return TG_ERROR_ARGUMENT;
	switch (pin) {
	case TG_PIN_NMI:
		cpu_pulse_nmi(c->cpu, clock_new_cause(&c->machine->m->clock));
		break;
	case TG_PIN_INIT:
		cpu_pulse_init(c->cpu);
		break;
	case TG_PIN_SMI:
		return api_fail(c->machine, TG_ERROR_NOT_BUILT, "system management mode is not built");
	default:
		return api_fail(c->machine, TG_ERROR_ARGUMENT, "pin %d: there is no such pin", (int)pin);
	}
	c->disturbed = true;
	return TG_OK;
}

/* ---- a PC's lines ---- */

#define CASCADE 2u

static bool line_number(const char *name, unsigned *n)
{
	char expected[8];

	for (*n = 0; *n < ISA_LINES; ++*n) {
		snprintf(expected, sizeof(expected), "IRQ%u", *n);
		if (*n != CASCADE && strcmp(name, expected) == 0)
			return true;
	}
	return false;
}

enum tg_error tg_line_set(struct tg_machine *tg, const char *name, bool level)
{
	unsigned n;

	if (!tg || !name)
		return TG_ERROR_ARGUMENT;
	if (tg->m->config.bare)
		return api_fail(tg, TG_ERROR_BOARD, "a bare machine has no lines: tg_interrupt_raise(), tg_pulse()");
	if (!line_number(name, &n))
		return api_fail(tg, TG_ERROR_NOT_FOUND, "%s: no such line; IRQ0 to IRQ15 but IRQ2", name);
	if (!tg->line_connected[n]) {
		tg->line[n].name = "libtrapgate";
		if (!hub_add_source(&tg->m->board.isa, n, &tg->line[n]))
			return api_fail(tg, TG_ERROR_MEMORY, "%s has too many sources", name);
		tg->line_connected[n] = true;
	}
	line_set(&tg->line[n], level, level ? clock_new_cause(&tg->m->clock) : 0);
	for (unsigned i = 0; i < tg->m->cpus; i++)
		tg->cpu[i].disturbed = true;
	return TG_OK;
}
