/* Interrupt messages: who is meant, and what becomes of them there.
 * SDM 3A, "Determining IPI Destination", "Delivery of interrupts". */
#include "devices/lapic.h"

#define ALL8 0xffu

static bool matches_x2(const struct lapic *a, const struct apic_message *m)
{
	if (m->destination == (m->wide ? UINT32_MAX : ALL8))
		return true;
	if (!m->logical)
		return a->id == m->destination;
	return a->ldr >> 16 == m->destination >> 16 && (a->ldr & m->destination & 0xffff);
}

/* "Logical Destination Mode": flat by bits, cluster by number and bits. */
static bool matches(const struct lapic *a, const struct apic_message *m)
{
	uint8_t d = (uint8_t)m->destination, ldr = (uint8_t)(a->ldr >> 24);

	if (!lapic_enabled(a))
		return false;
	if (lapic_x2(a))
		return matches_x2(a, m);
	if (m->wide && m->destination > ALL8 && m->destination != UINT32_MAX)
		return false;
	if (d == ALL8)
		return true;
	if (!m->logical)
		return a->id8 == d;
	if (a->dfr >> 28 == 0xf)
		return ldr & d;
	return (d >> 4 == 0xf || ldr >> 4 == d >> 4) && (ldr & d & 0x0f);
}

/* Everything but fixed and lowest priority. */
void apic_event(struct apic_bus *apics, struct lapic *a, const struct apic_message *m)
{
	const struct apic_processors *p = &apics->processors;
	static const char *const name[] = {
		[APIC_SMI] = "SMI",   [APIC_NMI] = "NMI",       [APIC_INIT] = "INIT",
		[APIC_SIPI] = "SIPI", [APIC_EXTINT] = "ExtINT",
	};

	if (m->delivery <= APIC_EXTINT && name[m->delivery])
		lapic_tell(a, STAGE_PASSED, name[m->delivery], m->delivery == APIC_SIPI ? m->vector : STAGE_NO_NUMBER,
			   m->cause);
	switch (m->delivery) {
	case APIC_SMI:
		if (p->smi)
			p->smi(p->owner, a->index, m->cause);
		break;
	case APIC_NMI:
		if (p->nmi)
			p->nmi(p->owner, a->index, m->cause);
		break;
	case APIC_INIT:
		lapic_init_state(a);
		if (p->init)
			p->init(p->owner, a->index, m->cause);
		break;
	case APIC_SIPI:
		if (p->sipi)
			p->sipi(p->owner, a->index, m->vector, m->cause);
		break;
	case APIC_EXTINT:
		a->extint_message = true;
		lapic_update(a);
		break;
	default:
		lapic_accept(a, m->vector, m->level, m->cause);
		break;
	}
}

/* "Lowest Priority Delivery Mode".  A software-disabled APIC does not take part. */
static struct lapic *lowest(struct apic_bus *apics, uint32_t set)
{
	struct lapic *best = NULL;

	for (unsigned i = 0; i < apics->count; i++) {
		struct lapic *a = &apics->apic[i];

		if (!(set & 1u << i) || !(a->svr & APIC_SVR_ENABLE))
			continue;
		if (!best || lapic_ppr(a) < lapic_ppr(best))
			best = a;
	}
	return best;
}

static bool send_to(struct apic_bus *apics, uint32_t set, const struct apic_message *m)
{
	struct apic_message one = *m;

	if (m->delivery == APIC_LOWEST) {
		struct lapic *a = lowest(apics, set);

		one.delivery = APIC_FIXED;
		if (a)
			apic_event(apics, a, &one);
		return a;
	}
	if (m->delivery == APIC_RESERVED3)
		return false;
	for (unsigned i = 0; i < apics->count; i++) {
		if (set & 1u << i)
			apic_event(apics, &apics->apic[i], m);
	}
	return set;
}

bool apic_send(struct apic_bus *apics, const struct apic_message *m)
{
	uint32_t set = 0;

	for (unsigned i = 0; i < apics->count; i++) {
		if (matches(&apics->apic[i], m))
			set |= 1u << i;
	}
	return send_to(apics, set, m);
}

static void tell_msi(const struct apic_bus *apics, const struct apic_message *m, enum stage_what what, enum hold why)
{
	if (LIKELY(!clock_traced(apics->clock)))
		return;
	clock_tell(apics->clock, (struct stage_record){
					 .cause = m->cause,
					 .unit = "MSI",
					 .instance = STAGE_NO_NUMBER,
					 .pin = STAGE_NO_NUMBER,
					 .vector = m->vector,
					 .what = (uint8_t)what,
					 .why = (uint8_t)why,
					 .by = why == HOLD_NONE ? STAGE_NO_NUMBER : (int)m->destination,
				 });
}

/* Address bits 19-12 destination, 3 redirection hint, 2 destination mode;
 * data bits 7-0 vector, 10-8 delivery mode, 14 level, 15 trigger mode. */
bool apic_msi(struct apic_bus *apics, uint64_t address, uint32_t data, uint64_t cause)
{
	struct apic_message m = {
		.destination = address >> 12 & 0xff,
		.logical = address & 4,
		.level = data >> 15 & 1,
		.delivery = data >> 8 & 7,
		.vector = (uint8_t)data,
		.cause = cause,
	};

	if (address >> 20 != 0xfee)
		return false;
	tell_msi(apics, &m, STAGE_REQUESTED, HOLD_NONE);
	if (apic_send(apics, &m))
		return true;
	tell_msi(apics, &m, STAGE_LOST, HOLD_NO_DESTINATION);
	return false;
}

bool apic_add_ioapic(struct apic_bus *apics, void (*eoi)(void *ioapic, uint8_t vector), void *ioapic)
{
	if (apics->ioapics == sizeof(apics->ioapic) / sizeof(apics->ioapic[0]))
		return false;
	apics->ioapic[apics->ioapics].eoi = eoi;
	apics->ioapic[apics->ioapics++].ioapic = ioapic;
	return true;
}

static uint32_t everybody(const struct apic_bus *apics)
{
	uint32_t set = 0;

	for (unsigned i = 0; i < apics->count; i++) {
		if (lapic_enabled(&apics->apic[i]))
			set |= 1u << i;
	}
	return set;
}

/* What the ICR says.  "Interrupt Command Register (ICR)": INIT level
 * de-assert does nothing on processors since the Pentium 4; only fixed
 * interrupts may go to self, only fixed (and lowest, SMI) to all including self. */
void lapic_send_ipi(struct lapic *a)
{
	struct apic_bus *apics = a->apics;
	uint32_t low = (uint32_t)a->icr, self = 1u << a->index;
	struct apic_message m = {
		.destination = lapic_x2(a) ? (uint32_t)(a->icr >> 32) : (uint32_t)(a->icr >> 56),
		.logical = low & APIC_ICR_LOGICAL,
		.wide = lapic_x2(a),
		.delivery = low >> 8 & 7,
		.vector = (uint8_t)low,
	};
	bool taken = false;

	if (m.delivery == APIC_INIT && (low & APIC_ICR_LEVEL) && !(low & APIC_ICR_ASSERT))
		return;
	if (m.delivery <= APIC_LOWEST && m.vector < 16) {
		lapic_error(a, APIC_ESR_SEND_VECTOR);
		return;
	}
	if (m.delivery == APIC_RESERVED3 || m.delivery == APIC_EXTINT)
		return;
	m.cause = clock_new_cause(apics->clock);
	lapic_tell(a, STAGE_REQUESTED, "ICR", m.vector, m.cause);
	switch (low & APIC_ICR_OTHERS) {
	case APIC_ICR_SELF:
		taken = m.delivery == APIC_FIXED && send_to(apics, self, &m);
		break;
	case APIC_ICR_ALL:
		taken = m.delivery <= APIC_SMI && send_to(apics, everybody(apics), &m);
		break;
	case APIC_ICR_OTHERS:
		taken = send_to(apics, everybody(apics) & ~self, &m);
		break;
	default:
		taken = apic_send(apics, &m);
		break;
	}
	if (!taken)
		lapic_tell_why(a, STAGE_LOST, "ICR", m.vector, m.cause, HOLD_NO_DESTINATION,
			       low & APIC_ICR_OTHERS ? STAGE_NO_NUMBER : (int)m.destination);
}
