/* Without libFuzzer: the seed with bytes changed, and random bytes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

#define LARGEST 4096

static uint64_t random_state = 0x9e3779b97f4a7c15;

static uint32_t random_below(uint32_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 32) % n;
}

static size_t make_up(uint8_t *bytes)
{
	size_t size = fuzz_seed_size < LARGEST ? fuzz_seed_size : LARGEST;

	if (size == 0 || random_below(4) == 0) {
		size = random_below(64);
		for (size_t i = 0; i < size; i++)
			bytes[i] = (uint8_t)random_below(256);
		return size;
	}
	memcpy(bytes, fuzz_seed, size);
	for (uint32_t n = random_below(8); n-- > 0;)
		bytes[random_below((uint32_t)size)] = (uint8_t)random_below(256);
	return random_below(8) ? size : random_below((uint32_t)size + 1);
}

int main(void)
{
	uint8_t *bytes = malloc(LARGEST);

	for (unsigned i = 0; bytes && i < fuzz_rounds; i++) {
		size_t size = make_up(bytes);
		uint8_t *own = malloc(size ? size : 1); /* so that reading past its end is seen */

		if (!own)
			return 1;
		memcpy(own, bytes, size);
		LLVMFuzzerTestOneInput(own, size);
		free(own);
	}
	free(bytes);
	printf("%u inputs\n", fuzz_rounds);
	return 0;
}
