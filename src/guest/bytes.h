/* Little-endian numbers in bytes, at any alignment. */
#ifndef TRAPGATE_GUEST_BYTES_H
#define TRAPGATE_GUEST_BYTES_H

#include <stdint.h>

static inline uint32_t load16(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static inline uint32_t load32(const uint8_t *p)
{
	return load16(p) | load16(p + 2) << 16;
}

static inline uint64_t load64(const uint8_t *p)
{
	return load32(p) | (uint64_t)load32(p + 4) << 32;
}

static inline void store(uint8_t *p, unsigned bytes, uint64_t v)
{
	for (unsigned i = 0; i < bytes; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

#endif
