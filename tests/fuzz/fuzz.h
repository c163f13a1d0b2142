/* A fuzz target: takes any bytes, and must neither crash nor hang. */
#ifndef TRAPGATE_TESTS_FUZZ_H
#define TRAPGATE_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* For made_up.c: an input worth mutating, and how many inputs are tried. */
extern const uint8_t *const fuzz_seed;
extern const size_t fuzz_seed_size;
extern const unsigned fuzz_rounds;

#endif
