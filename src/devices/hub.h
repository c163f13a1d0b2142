/* Where interrupt wires meet: each pin is the OR of its sources and is seen
 * by every sink (PIC and IOAPIC watch the same ISA IRQ; PCI devices share).
 * The cause a pin carries is that of the source that raised it. */
#ifndef TRAPGATE_DEVICES_HUB_H
#define TRAPGATE_DEVICES_HUB_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/line.h"

#define HUB_PINS 24
#define HUB_MAX_SOURCES 32 /* a pin */
#define HUB_MAX_SINKS 4    /* a pin */

struct hub_sink {
	void (*changed)(void *sink, int input, bool level, uint64_t cause);
	void *sink;
	int input;
};

struct hub_pin {
	uint32_t high;  /* bit s: source s is high */
	unsigned sources, sinks;
	uint64_t cause; /* of the last rise */
	struct hub_sink sink[HUB_MAX_SINKS];
};

struct irq_hub {
	struct clock *clock; /* of its sources: whose tracer is told; NULL: none */
	struct hub_pin pin[HUB_PINS];
};

void hub_init(struct irq_hub *hub);
/* The line drives the pin from now on.  False: no such pin, or too many sources. */
bool hub_add_source(struct irq_hub *hub, unsigned pin, struct irq_line *line);
/* changed sees the present level at once.  False: no such pin, or too many sinks. */
bool hub_add_sink(struct irq_hub *hub, unsigned pin,
		  void (*changed)(void *sink, int input, bool level, uint64_t cause), void *sink, int input);
bool hub_level(const struct irq_hub *hub, unsigned pin);

#endif
