/* Any bytes as guest code: the run ends by a documented status.  The first byte chooses how the processor starts. */
#include "fuzz.h"
#include "machine/machine.h"

#include <stdlib.h>

#define START 0x7c00

/* real mode: IVT, INT 80h, the way to protected mode and a far jump */
static const uint8_t seed[] = {0,    0x31, 0xc0, 0x8e, 0xd8, 0xc7, 0x06, 0x00, 0x02, 0x00, 0x7c, 0xcd,
			       0x80, 0x0f, 0x01, 0x16, 0x40, 0x7c, 0x0f, 0x20, 0xc0, 0x66, 0x83, 0xc8,
			       0x01, 0x0f, 0x22, 0xc0, 0xea, 0x00, 0x7c, 0x08, 0x00, 0xf3, 0xa4, 0x60,
			       0x61, 0x9c, 0x9d, 0xcf, 0xd9, 0xe8, 0xde, 0xc1, 0xfb};
const uint8_t *const fuzz_seed = seed;
const size_t fuzz_seed_size = sizeof(seed);
const unsigned fuzz_rounds = 200;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const models[] = {NULL, "i386", "i486", "pentium", "pentium2"};
	struct machine_config config = {.ram = UINT64_C(1) << 20, .max_insns = 3000, .cpu = models[size % 5]};
	struct diagnostic why;
	struct machine_end end;
	struct machine *m;

	if (size < 2)
		return 0;
	config.plain = data[0] & 4;
	if (data[0] & 8)
		config.board.inject = true, config.board.inject_vector = data[1], config.board.inject_every = 7;
	m = machine_new(&config, &why);
	if (!m)
		return 0;
	if (guest_load_flat(m->bus, "fuzz", data + 1, size - 1, START, &m->guest, &why)) {
		static const enum start_mode modes[] = {START_REAL, START_PROT16, START_PROT32, START_REAL};

		m->guest.entry = START;
		m->guest.mode = modes[data[0] & 3];
		machine_start(m);
		end = machine_run(m);
		if (end.status < 0 || end.status > 12 || (end.status & 1))
			abort();
	}
	machine_free(m);
	return 0;
}
