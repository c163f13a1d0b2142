#include "devices/hub.h"

#include <string.h>

void hub_init(struct irq_hub *hub)
{
	memset(hub, 0, sizeof(*hub));
}

bool hub_level(const struct irq_hub *hub, unsigned pin)
{
	return pin < HUB_PINS && hub->pin[pin].high;
}

/* A shared pin that is high already shows its sinks nothing of one more source. */
static void tell_shared(const struct irq_hub *hub, unsigned pin, uint64_t cause)
{
	clock_tell(hub->clock, (struct stage_record){
				       .cause = cause,
				       .unit = "interrupt wire",
				       .instance = STAGE_NO_NUMBER,
				       .input = "pin ",
				       .pin = (int16_t)pin,
				       .vector = STAGE_NO_NUMBER,
				       .what = STAGE_HELD,
				       .why = HOLD_PIN_SHARED,
				       .by = STAGE_NO_NUMBER,
			       });
}

/* input is pin * HUB_MAX_SOURCES + source. */
static void source_changed(void *owner, int input, bool level, uint64_t cause)
{
	struct irq_hub *hub = owner;
	struct hub_pin *pin = &hub->pin[input / HUB_MAX_SOURCES];
	uint32_t mask = UINT32_C(1) << (input % HUB_MAX_SOURCES);
	bool before = pin->high;

	if (UNLIKELY(clock_traced(hub->clock)) && level && before && !(pin->high & mask))
		tell_shared(hub, (unsigned)(input / HUB_MAX_SOURCES), cause);
	pin->high = level ? pin->high | mask : pin->high & ~mask;
	if (before == (pin->high != 0))
		return;
	if (level)
		pin->cause = cause;
	for (unsigned i = 0; i < pin->sinks; i++)
		pin->sink[i].changed(pin->sink[i].sink, pin->sink[i].input, level, cause);
}

bool hub_add_source(struct irq_hub *hub, unsigned pin, struct irq_line *line)
{
	if (pin >= HUB_PINS || hub->pin[pin].sources == HUB_MAX_SOURCES)
		return false;
	if (line->clock)
		hub->clock = line->clock;
	line_connect(line, source_changed, hub, (int)(pin * HUB_MAX_SOURCES + hub->pin[pin].sources++));
	return true;
}

bool hub_add_sink(struct irq_hub *hub, unsigned pin,
		  void (*changed)(void *sink, int input, bool level, uint64_t cause), void *sink, int input)
{
	struct hub_pin *p;

	if (pin >= HUB_PINS || hub->pin[pin].sinks == HUB_MAX_SINKS)
		return false;
	p = &hub->pin[pin];
	p->sink[p->sinks++] = (struct hub_sink){changed, sink, input};
	changed(sink, input, p->high != 0, p->cause);
	return true;
}
