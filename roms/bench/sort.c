/* Quicksort, by a comparison function that is called through a pointer. */
#include <stdint.h>

#define COUNT  100000
#define ROUNDS 16

/* Above the image: QEMU 7.2's Multiboot loader refuses an image with so much BSS. */
static uint32_t *const list = (uint32_t *)0x200000;

static int ascending(uint32_t x, uint32_t y) { return x < y; }
static int descending(uint32_t x, uint32_t y) { return x > y; }

static void sort(uint32_t *first, uint32_t *last, int (*before)(uint32_t, uint32_t))
{
	while (last - first > 1) {
		uint32_t pivot = first[(last - first - 1) / 2];
		uint32_t *i = first, *k = last - 1;

		for (;;) {
			while (before(*i, pivot))
				i++;
			while (before(pivot, *k))
				k--;
			if (i >= k)
				break;
			uint32_t t = *i;
			*i++ = *k;
			*k-- = t;
		}
		k++;
		if (k - first < last - k) {
			sort(first, k, before);
			first = k;
		} else {
			sort(k, last, before);
			last = k;
		}
	}
}

uint32_t main(void);
uint32_t main(void)
{
	int (*volatile order[2])(uint32_t, uint32_t) = {ascending, descending};
	uint32_t seed = 1, sum = 0;

	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < COUNT; i++) {
			seed = seed * 1664525u + 1013904223u;
			list[i] = seed >> 4;
		}
		sort(list, list + COUNT, order[round & 1]);
		for (int i = 1; i < COUNT; i++)
			sum = (sum << 1 | sum >> 31) ^ list[i] ^ (uint32_t)order[round & 1](list[i], list[i - 1]);
	}
	return sum;
}
