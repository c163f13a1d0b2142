/* Local APICs without processors: what they would be told is written down. */
#ifndef TRAPGATE_TESTS_DEVICES_APICBED_H
#define TRAPGATE_TESTS_DEVICES_APICBED_H

#include <stdio.h>

#include "bed.h"

#include "devices/lapic.h"

struct apics {
	struct bed bed;
	struct apic_bus bus;
	char told[256]; /* "nmi0 init1 sipi1:9a " */
	unsigned eois;
	uint8_t extint;
};

static inline void tell(struct apics *t, const char *what, unsigned processor)
{
	size_t used = strlen(t->told);

	snprintf(t->told + used, sizeof(t->told) - used, "%s%u ", what, processor);
}
static inline void tell_nmi(void *owner, unsigned processor, uint64_t cause) { tell(owner, "nmi", processor); }
static inline void tell_smi(void *owner, unsigned processor, uint64_t cause) { tell(owner, "smi", processor); }
static inline void tell_init(void *owner, unsigned processor, uint64_t cause) { tell(owner, "init", processor); }
static inline void tell_sipi(void *owner, unsigned processor, uint8_t vector, uint64_t cause)
{
	char text[16];

	snprintf(text, sizeof(text), "sipi:%02x@", vector);
	tell(owner, text, processor);
}
static inline uint8_t take_extint(void *device, uint64_t *cause)
{
	struct apics *t = device;

	*cause = 4242;
	return t->extint;
}

static inline void open_apics(struct apics *t, unsigned count)
{
	struct apic_processors p = {tell_nmi, tell_smi, tell_init, tell_sipi, take_extint, t, t};

	memset(t, 0, sizeof(*t));
	bed_open(&t->bed);
	t->extint = 0x77;
	assert_true(apic_init(&t->bus, t->bed.bus, &t->bed.clock, count, &p));
}

static inline void close_apics(struct apics *t)
{
	bed_close(&t->bed);
}

static inline uint32_t get(struct apics *t, unsigned processor, unsigned reg)
{
	bus_set_initiator(t->bed.bus, processor);
	return (uint32_t)bus_read(t->bed.bus, APIC_BASE + reg * 16, 4);
}

static inline void set(struct apics *t, unsigned processor, unsigned reg, uint32_t value)
{
	bus_set_initiator(t->bed.bus, processor);
	bus_write(t->bed.bus, APIC_BASE + reg * 16, 4, value);
}

static inline void enable(struct apics *t, unsigned processor)
{
	set(t, processor, APIC_SVR, 0x1ff);
}

static inline void enable_all(struct apics *t)
{
	for (unsigned i = 0; i < t->bus.count; i++)
		enable(t, i);
}

/* The vector the processor would take now, -1: INTR is low. */
static inline int taken(struct apics *t, unsigned processor)
{
	uint64_t cause;

	return lapic_pending(&t->bus.apic[processor]) ? lapic_acknowledge(&t->bus.apic[processor], &cause) : -1;
}

static inline bool send_fixed(struct apics *t, uint32_t destination, bool logical, uint8_t vector)
{
	struct apic_message m = {.destination = destination, .logical = logical, .vector = vector, .cause = 9};

	return apic_send(&t->bus, &m);
}

/* The processors that have the vector in IRR, as bits. */
static inline unsigned who_has(struct apics *t, uint8_t vector)
{
	unsigned set = 0;

	for (unsigned i = 0; i < t->bus.count; i++) {
		struct apic_bits *irr = &t->bus.apic[i].irr;

		if (irr->word[vector / 32] >> vector % 32 & 1)
			set |= 1u << i;
		irr->word[vector / 32] &= ~(1u << vector % 32);
		lapic_update(&t->bus.apic[i]);
	}
	return set;
}

#endif
