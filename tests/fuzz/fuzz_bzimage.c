/* The loader of Linux kernels. */
#include "fuzz.h"
#include "guest/boot.h"

#include <stdlib.h>
#include <string.h>

#define RAM (UINT64_C(4) << 20)

static const uint8_t seed[0x600] = {
	[0x1f1] = 1,                                                                /* setup_sects */
	[0x1f4] = 0x20,                                                             /* syssize */
	[0x1fe] = 0x55, 0xaa, 0xeb, 0x6a, 'H', 'd', 'r', 'S', 0x0f, 2, [0x211] = 1, /* loaded high */
	[0x22c] = 0xff, 0xff, 0xff, 0x7f,                                           /* initrd_addr_max */
	[0x238] = 0xff, 7,                                                          /* cmdline_size */
	[0x258] = 0,    0,    0x20,                                                 /* pref_address */
	[0x260] = 0,    0,    0x10,                                                 /* init_size */
};
const uint8_t *const fuzz_seed = seed;
const size_t fuzz_seed_size = sizeof(seed);
const unsigned fuzz_rounds = 20000;

static bool read_seed(const char *path, uint8_t **data, size_t *size, struct diagnostic *why)
{
	*data = calloc(1, 5000);
	*size = 5000;
	return *data;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct boot_board board = {.vga = size & 1, .long_mode = size & 2, .rsdp = 0xe0000};
	struct boot boot = {"console=ttyS0", size & 4 ? "rd" : NULL, read_seed, &board};
	struct bus *bus = bus_new();
	struct guest guest = {0};
	struct diagnostic why = {""};

	if (bus && boot_set_ram(&board, RAM, 0) && bus_add_ram(bus, "low", 0, 0xa0000) &&
	    bus_add_ram(bus, "high", 0x100000, RAM - 0x100000)) {
		bool ok = guest_load_kernel(bus, "fuzz", data, size, &boot, &guest, &why);

		if (ok ? guest.end > RAM : !why.text[0] || strchr(why.text, '\n'))
			__builtin_trap();
	}
	guest_free(&guest);
	bus_free(bus);
	return 0;
}
