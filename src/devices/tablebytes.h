/* Bytes of tables that firmware leaves in memory: little endian, with a sum of zero. */
#ifndef TRAPGATE_DEVICES_TABLEBYTES_H
#define TRAPGATE_DEVICES_TABLEBYTES_H

#include <stddef.h>
#include <stdint.h>

static inline void put_le(uint8_t *at, uint64_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

/* The byte at *checksum makes all of them sum to 0. */
static inline void put_checksum(const uint8_t *at, size_t size, uint8_t *checksum)
{
	uint8_t sum = 0;

	*checksum = 0;
	for (size_t i = 0; i < size; i++)
		sum = (uint8_t)(sum + at[i]);
	*checksum = (uint8_t)-sum;
}

#endif
