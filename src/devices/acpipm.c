#include "devices/acpipm.h"

#include <string.h>

#include "devices/bytewise.h"
#include "devices/order.h"

#define ENABLE_BITS (ACPIPM_STS_TMR | ACPIPM_STS_GBL | ACPIPM_STS_PWRBTN | ACPIPM_STS_RTC)
#define CONTROL_BITS 0x1c03u /* SLP_TYP, BM_RLD, SCI_EN */
#define PORTS 12u
#define HALF (UINT64_C(1) << 23)

static void sync(struct acpipm *pm, uint64_t tick)
{
	uint64_t now = clock_ticks_to_cycles(tick, ACPIPM_HZ);

	if (now / HALF != pm->seen / HALF)
		pm->status |= ACPIPM_STS_TMR;
	pm->seen = now;
}

static void changed(struct acpipm *pm)
{
	bool level = (pm->status & pm->enable & ENABLE_BITS) && (pm->control & ACPIPM_CNT_SCI_EN);

	if (level != pm->sci.level)
		line_set(&pm->sci, level, level ? clock_new_cause(pm->clock) : 0);
	if ((pm->enable & ACPIPM_STS_TMR) && !(pm->status & ACPIPM_STS_TMR))
		timer_arm(&pm->timer, clock_cycles_to_ticks((pm->seen / HALF + 1) * HALF, ACPIPM_HZ));
	else
		timer_cancel(&pm->timer);
}

static void fire(void *owner, uint64_t when)
{
	struct acpipm *pm = owner;

	sync(pm, when);
	changed(pm);
}

static uint8_t read_port(void *device, uint16_t port)
{
	struct acpipm *pm = device;
	unsigned reg = (unsigned)port - pm->base;
	uint32_t value = 0;

	sync(pm, pm->clock->now);
	changed(pm);
	if (reg < 2)
		value = pm->status;
	else if (reg < 4)
		value = pm->enable;
	else if (reg < 6)
		value = pm->control;
	else if (reg >= 8 && reg < 12)
		return (uint8_t)((pm->seen & 0xffffff) >> (8 * (reg - 8)));
	else
		return reg < 8 ? 0 : 0xff;
	return (uint8_t)(value >> (8 * (reg & 1)));
}

static void write_control(struct acpipm *pm, unsigned shift, uint8_t value)
{
	uint16_t bits = (uint16_t)(value << shift);

	pm->control = (uint16_t)((pm->control & ~(0xffu << shift)) | bits) & CONTROL_BITS;
	changed(pm);
	if ((bits & ACPIPM_CNT_SLP_EN) && pm->sleep)
		pm->sleep(pm->owner, bits >> 10 & 7u);
}

static void write_port(void *device, uint16_t port, uint8_t value)
{
	struct acpipm *pm = device;
	unsigned reg = (unsigned)port - pm->base, shift = 8 * (reg & 1);

	sync(pm, pm->clock->now);
	if (reg < 2)
		pm->status &= (uint16_t)~(value << shift);
	else if (reg < 4)
		pm->enable = (uint16_t)((pm->enable & ~(0xffu << shift)) | (unsigned)value << shift) & ENABLE_BITS;
	else if (reg < 6)
		write_control(pm, shift, value);
	changed(pm);
}

static uint32_t port_read(void *device, uint16_t port, unsigned bytes)
{
	return bytewise_read(read_port, device, port, bytes);
}

static void port_write(void *device, uint16_t port, unsigned bytes, uint32_t value)
{
	bytewise_write(write_port, device, port, bytes, value);
}

void acpipm_set_sci_enable(struct acpipm *pm, bool on)
{
	pm->control = (uint16_t)(on ? pm->control | ACPIPM_CNT_SCI_EN : pm->control & ~ACPIPM_CNT_SCI_EN);
	changed(pm);
}

void acpipm_power_button(struct acpipm *pm)
{
	sync(pm, pm->clock->now);
	pm->status |= ACPIPM_STS_PWRBTN;
	changed(pm);
}

void acpipm_reset(struct acpipm *pm)
{
	pm->seen = clock_ticks_to_cycles(pm->clock->now, ACPIPM_HZ);
	pm->status = pm->enable = pm->control = 0;
	changed(pm);
}

bool acpipm_move(struct acpipm *pm, struct bus *bus, uint16_t base, bool decode)
{
	static const struct port_ops ops = {port_read, port_write};

	bus_remove_ports(bus, pm->base, PORTS, pm);
	pm->base = base;
	return !decode || bus_add_ports(bus, "ACPI PM", base, PORTS, ops, pm);
}

bool acpipm_init(struct acpipm *pm, struct bus *bus, struct clock *clock, uint16_t base,
		 void (*sleep)(void *owner, unsigned type), void *owner)
{
	memset(pm, 0, sizeof(*pm));
	pm->base = base;
	pm->clock = clock;
	pm->sleep = sleep;
	pm->owner = owner;
	line_init(&pm->sci, "ACPI SCI", clock);
	timer_init(&pm->timer, clock, "ACPI PM timer", ORDER_ACPI_PM, fire, pm);
	acpipm_reset(pm);
	return acpipm_move(pm, bus, base, true);
}
