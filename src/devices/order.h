/* Which device's timer fires first when several are due at the same tick:
 * the lower number.  Fixed, so that a run does not depend on the order in
 * which a board is put together. */
#ifndef TRAPGATE_DEVICES_ORDER_H
#define TRAPGATE_DEVICES_ORDER_H

enum timer_order {
	ORDER_PIT = 10,
	ORDER_LAPIC = 20, /* + processor index */
	ORDER_HPET = 40,  /* + timer index */
	ORDER_RTC = 60,
	ORDER_ACPI_PM,
	ORDER_I8042 = 70,
	ORDER_UART = 80,  /* + 3 * port: transmitter, receiver, timeout */
	ORDER_IDE = 100,  /* + channel */
	ORDER_FDC = 110,
	ORDER_VIRTIO = 120, /* + device */
};

#endif
