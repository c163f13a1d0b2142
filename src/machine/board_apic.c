/* The interrupt pins of the processors: straight from the 8259 on a board
 * without APICs, else by way of local APICs, I/O APIC and the HPET beside them. */
#include "cpu/model.h"
#include "machine/machine.h"

#define PHYSICAL_BITS(m) ((m)->cpu[0]->model->phys_bits)

/* ---- the pin: its level, and the test pin in front of the first processor's ---- */
static void update_intr(struct machine *m, unsigned processor)
{
	struct board *b = &m->board;
	const struct pin_level *pin = &b->intr[processor];

	if (processor == 0 && b->inject.line.level)
		cpu_set_intr(m->cpu[0], true, b->inject.line.cause);
	else
		cpu_set_intr(m->cpu[processor], pin->level, pin->cause);
}

static void intr_changed(void *owner, int processor, bool level, uint64_t cause)
{
	struct machine *m = owner;

	m->board.intr[processor] = (struct pin_level){level, cause};
	update_intr(m, (unsigned)processor);
}

static void inject_changed(void *owner, int input, bool level, uint64_t cause)
{
	update_intr(owner, 0);
}

static bool injected_pending(void *owner)
{
	struct board *b = &((struct machine *)owner)->board;

	return b->inject.line.level || b->uninjected.pending(b->uninjected.device);
}

static uint8_t injected_acknowledge(void *owner, uint64_t *cause)
{
	struct board *b = &((struct machine *)owner)->board;

	if (b->inject.line.level)
		return inject_acknowledge(&b->inject, cause);
	return b->uninjected.acknowledge(b->uninjected.device, cause);
}

static const char *injected_why_quiet(void *owner)
{
	struct board *b = &((struct machine *)owner)->board;

	return b->uninjected.why_quiet(b->uninjected.device);
}

/* ---- from the local APICs to the processors ---- */
static void apic_nmi(void *owner, unsigned processor, uint64_t cause)
{
	struct machine *m = owner;

	cpu_pulse_nmi(m->cpu[processor], cause);
}

/* No processor here has system management mode: the message is lost, as on one whose SMM
 * is never entered, and the gap is told. */
static void apic_smi(void *owner, unsigned processor, uint64_t cause)
{
	struct machine *m = owner;

	bus_gap(m->bus, "local APIC: SMI delivered to processor %u, which has no system management mode", processor);
}

static void apic_init_message(void *owner, unsigned processor, uint64_t cause)
{
	struct machine *m = owner;

	cpu_pulse_init(m->cpu[processor]);
}

static void apic_sipi(void *owner, unsigned processor, uint8_t vector, uint64_t cause)
{
	struct machine *m = owner;

	cpu_start(m->cpu[processor], vector);
}

/* ---- from the processors to their local APICs: struct local_apic ---- */
static int apic_id(void *device)
{
	const struct lapic *a = device;

	return lapic_enabled(a) ? (int)a->index : -1;
}

static bool apic_read_msr(void *device, uint32_t msr, uint64_t *value)
{
	const struct lapic *a = device;

	if (msr == MSR_APIC_BASE)
		*value = a->base;
	else if (msr == MSR_TSC_DEADLINE)
		*value = lapic_deadline(a);
	else
		return lapic_msr_read(device, msr, value);
	return true;
}

static uint8_t apic_cr8(void *device) { return lapic_cr8(device); }

static void apic_set_cr8(void *device, uint8_t value) { lapic_set_cr8(device, value); }

static bool write_base(struct machine *m, struct lapic *a, uint64_t value)
{
	if ((value & APIC_BASE_X2) && !model_has(m->cpu[0]->model, FEAT_1_ECX, F1C_X2APIC))
		return false;
	return lapic_set_base(a, value, PHYSICAL_BITS(m));
}

static bool apic_write_msr(void *device, uint32_t msr, uint64_t value, uint64_t tsc)
{
	struct lapic *a = device;

	if (msr == MSR_APIC_BASE)
		return write_base(a->apics->processors.owner, a, value);
	if (msr != MSR_TSC_DEADLINE)
		return lapic_msr_write(a, msr, value);
	lapic_set_deadline(a, value, tsc);
	return true;
}

bool board_add_apics(struct machine *m)
{
	struct board *b = &m->board;
	const struct apic_processors processors = {.nmi = apic_nmi, .smi = apic_smi, .init = apic_init_message,
						   .sipi = apic_sipi, .owner = m, .extint = pic_acknowledge,
						   .extint_device = &b->pic};

	if (!b->has_apic)
		return true;
	if (!apic_init(&b->apics, m->bus, &m->clock, m->cpus, &processors) ||
	    !ioapic_init(&b->ioapic, m->bus, &b->apics, IOAPIC_BASE, IOAPIC_VERSION_EOI))
		return false;
	for (unsigned pin = 0; pin < HUB_PINS; pin++)
		if (!hub_add_sink(&b->inputs, pin, ioapic_input, &b->ioapic, (int)pin))
			return false;
	if (m->config.board.no_hpet)
		return true;
	if (!hpet_init(&b->hpet, m->bus, &m->clock) || !hub_add_source(&b->isa, 0, &b->hpet.irq0) ||
	    !hub_add_source(&b->isa, 8, &b->hpet.irq8))
		return false;
	for (unsigned pin = 0; pin < HUB_PINS; pin++)
		if ((HPET_ROUTES >> pin & 1) && !hub_add_source(&b->inputs, pin, &b->hpet.route[pin]))
			return false;
	return true;
}

/* ---- NMI: LINT1 of every local APIC, or the pin of the processor ---- */
static void nmi_changed(void *owner, int input, bool level, uint64_t cause)
{
	struct machine *m = owner;

	if (!m->board.has_apic && level)
		cpu_pulse_nmi(m->cpu[0], cause);
	for (unsigned i = 0; m->board.has_apic && i < m->cpus; i++)
		lapic_lint(&m->board.apics.apic[i], 1, level, cause);
}

static void connect_apic(struct machine *m, unsigned i)
{
	struct lapic *a = &m->board.apics.apic[i];

	m->cpu[i]->intr = (struct intr_pin){a, lapic_pending, lapic_acknowledge, lapic_why_quiet};
	m->cpu[i]->apic = (struct local_apic){a, apic_id, apic_read_msr, apic_write_msr, apic_cr8, apic_set_cr8};
	line_connect(&a->intr, intr_changed, m, (int)i);
}

void board_connect_processors(struct machine *m)
{
	struct board *b = &m->board;

	for (unsigned i = 0; b->has_apic && i < m->cpus; i++)
		connect_apic(m, i);
	if (b->has_apic) {
		line_connect(pic_intr(&b->pic), lapic_lint, &b->apics.apic[0], 0);
	} else {
		m->cpu[0]->intr = (struct intr_pin){&b->pic, pic_pending, pic_acknowledge, pic_why_quiet};
		line_connect(pic_intr(&b->pic), intr_changed, m, 0);
	}
	line_connect(&b->port61.nmi, nmi_changed, m, 0);
	if (!m->config.board.inject)
		return;
	b->uninjected = m->cpu[0]->intr;
	m->cpu[0]->intr = (struct intr_pin){m, injected_pending, injected_acknowledge, injected_why_quiet};
	inject_init(&b->inject, &m->clock, m->config.board.inject_vector, m->config.board.inject_every);
	line_connect(&b->inject.line, inject_changed, m, 0);
}

static bool is_nmi(uint32_t entry)
{
	return !(entry & APIC_LVT_MASKED) && (entry >> 8 & 7) == APIC_NMI;
}

bool board_may_nmi(const struct machine *m)
{
	const struct board *b = &m->board;

	for (unsigned pin = 0; b->has_apic && pin < IOAPIC_PINS; pin++)
		if (is_nmi((uint32_t)b->ioapic.entry[pin]))
			return true;
	for (unsigned i = 0; b->has_apic && i < m->cpus; i++)
		if (is_nmi(b->apics.apic[i].lvt[LVT_LINT0]))
			return true;
	return false;
}
