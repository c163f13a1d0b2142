/* Guests write anything: random traffic at every width over all devices of a
 * board.  Nothing may crash, hang, grow, or leave a wire and its register in
 * disagreement.  TRAPGATE_FUZZ_ACCESSES: how many accesses (default 1000000);
 * TRAPGATE_FUZZ_SEED: where to start. */
#include "bed.h"

#include <stdlib.h>

#include "board.h"

static uint64_t from_environment(const char *name, uint64_t fallback)
{
	const char *text = getenv(name);

	return text && *text ? strtoull(text, NULL, 0) : fallback;
}

static uint64_t draw(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static uint64_t value_of(uint64_t *seed)
{
	static const uint64_t special[] = {0, 1, 0x80, 0xff, 0xffff, UINT32_MAX, UINT64_MAX, 0x10};
	uint64_t r = draw(seed);

	return r & 3 ? draw(seed) >> (r >> 8 & 63) : special[r >> 2 & 7];
}

static void random_access(struct board *b, uint64_t *seed)
{
	static const unsigned width[4] = {1, 1, 2, 4};
	uint64_t r = draw(seed);
	const struct board_range *range = &board_ranges[r % BOARD_RANGES];
	uint64_t at = range->first + draw(seed) % range->count;
	unsigned bytes = range->mmio && (r >> 20 & 7) == 0 ? 8 : width[r >> 16 & 3];

	if (range->mmio && (r >> 32 & 7))
		at &= ~UINT64_C(15);
	if (range->mmio && (r >> 24 & 1))
		bus_read(b->bed.bus, at, bytes);
	else if (range->mmio)
		bus_write(b->bed.bus, at, bytes, value_of(seed));
	else if (r >> 24 & 1)
		bus_port_read(b->bed.bus, (uint16_t)at, bytes);
	else
		bus_port_write(b->bed.bus, (uint16_t)at, bytes, (uint32_t)value_of(seed));
}

static void the_world(struct board *b, uint64_t *seed)
{
	uint64_t r = draw(seed);

	switch (r & 7) {
	case 0:
		i8042_key(&b->kbc, (uint8_t)(r >> 8), r >> 16 & 1);
		break;
	case 1:
		i8042_mouse(&b->kbc, (int)(r >> 8), (int)(r >> 16), (int)(r >> 24), (uint8_t)(r >> 32));
		break;
	case 2:
		b->input = (int)(r >> 8 & 0x7ff);
		uart_input_ready(&b->com1);
		break;
	case 3:
		uart_set_modem(&b->com1, (uint8_t)(r >> 8));
		break;
	case 4:
		board_acknowledge(b);
		break;
	case 5:
		lapic_set_base(&b->apics.apic[r >> 8 & 3], APIC_BASE | (r >> 10 & 0xc00), 36);
		for (unsigned i = 0; i < 8; i++)
			lapic_msr_write(&b->apics.apic[r >> 8 & 3], 0x800 + (draw(seed) & 0x3f), value_of(seed));
		lapic_set_deadline(&b->apics.apic[r >> 8 & 3], b->bed.clock.now + (r >> 40 & 0xfff), b->bed.clock.now);
		break;
	default:
		run_for(&b->bed, r >> 8 & 0xfffff);
		break;
	}
}

static void random_traffic(void **state)
{
	uint64_t accesses = from_environment("TRAPGATE_FUZZ_ACCESSES", 1000000);
	uint64_t seed = from_environment("TRAPGATE_FUZZ_SEED", UINT64_C(0x9e3779b97f4a7c15)) | 1;
	struct board *b = board_open();

	for (uint64_t i = 0; i < accesses; i++) {
		random_access(b, &seed);
		if (i % 16 == 0)
			the_world(b, &seed);
		if (i % 4096 == 0)
			board_check(b);
	}
	board_check(b);
	board_close(b);
}

/* Two boards, the same traffic: the same state. */
static void same_traffic_same_state(void **state)
{
	uint64_t end[2];

	for (unsigned run = 0; run < 2; run++) {
		struct board *b = board_open();
		uint64_t seed = 12345;

		for (unsigned i = 0; i < 20000; i++) {
			random_access(b, &seed);
			if (i % 16 == 0)
				the_world(b, &seed);
		}
		end[run] = board_hash(b);
		board_close(b);
	}
	assert_true(end[0] == end[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_traffic),
		cmocka_unit_test(same_traffic_same_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
