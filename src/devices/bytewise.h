/* Devices with an 8-bit data path.  The AT's bus converter turns a 16- or
 * 32-bit cycle at such a device into byte cycles at consecutive ports, lowest
 * port first (82371SB (PIIX3) datasheet, "ISA Interface").  A
 * byte that falls outside the device reads FFh and is dropped on writes. */
#ifndef TRAPGATE_DEVICES_BYTEWISE_H
#define TRAPGATE_DEVICES_BYTEWISE_H

#include <stdint.h>

static inline uint32_t bytewise_read(uint8_t (*read)(void *device, uint16_t port), void *device, uint16_t port,
				     unsigned bytes)
{
	uint32_t value = 0;

	for (unsigned i = 0; i < bytes && i < 4; i++)
		value |= (uint32_t)read(device, (uint16_t)(port + i)) << (8 * i);
	return value;
}

static inline void bytewise_write(void (*write)(void *device, uint16_t port, uint8_t value), void *device,
				  uint16_t port, unsigned bytes, uint32_t value)
{
	for (unsigned i = 0; i < bytes && i < 4; i++)
		write(device, (uint16_t)(port + i), (uint8_t)(value >> (8 * i)));
}

#endif
