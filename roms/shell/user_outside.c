/* Experiments with interrupts from outside. */
#include "user.h"

void try_softirq(const char *argument)
{
	struct lab_seen seen;

	see(&seen);
	lab(LAB_SOFTIRQ, 0, 0);
	see(&seen);
	check("the softirq ran with IF", X86_EFLAGS_IF, seen.softirq_if);
	check("a timer interrupt came inside it", 1, seen.softirq_nested > 0);
	check("deepest nesting", 2, seen.depth);
}

static void level(const char *what, unsigned expected, bool level_triggered, bool ioapic)
{
	long found = lab(LAB_LEVEL, level_triggered, ioapic);

	if (found == -ENODEV)
		skip(what, ioapic ? "no IOAPIC" : "no ELCR");
	else
		check(what, expected, (unsigned long)found);
}

void try_irq(const char *argument)
{
	struct lab_info info;

	know(&info);
	print("  the timer is the %s\n", info.lapic_timer ? "local APIC's" : "8254");
	print("  COM1 asks and goes on asking until its second delivery\n");
	level("8259, edge triggered: deliveries", 1, false, false);
	level("8259, level triggered: deliveries", 2, true, false);
	level("IOAPIC, edge triggered: deliveries", 1, false, true);
	level("IOAPIC, level triggered: deliveries", 2, true, true);
	if (info.has_apic)
		check("an IPI behind TPR: waits in IRR, PPR shows TPR, comes when TPR falls, leaves ISR", 0,
		      (unsigned long)lab(LAB_TPR, 0, 0));
	else
		skip("TPR", "no local APIC");
}
