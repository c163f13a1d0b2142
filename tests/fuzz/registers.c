/* registers [ACCESSES [SEED]]: random port and memory traffic at all widths on every device of both boards, with time
 * passing, interrupts acknowledged and resets between.  Nothing a guest writes may crash the host, hang it or make it
 * grow; and the same traffic finds the same values each time.  Default: a million accesses, seed 1. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "machine/boot.h"
#include "machine/machine.h"

#define RAM       (UINT64_C(4) << 20)
#define DISK_SIZE (1 << 20)
#define GROWTH_KB 65536 /* what a run may grow by after its first tenth: the disks' snapshots are part of it */

struct traffic {
	struct machine *m;
	uint64_t state; /* of the random numbers */
	uint64_t digest;
};

/* xorshift64* (Marsaglia, Vigna) */
static uint64_t random64(struct traffic *t)
{
	t->state ^= t->state >> 12;
	t->state ^= t->state << 25;
	t->state ^= t->state >> 27;
	return t->state * UINT64_C(0x2545f4914f6cdd1d);
}

static unsigned below(struct traffic *t, unsigned n) { return (unsigned)(random64(t) >> 33) % n; }

static void note(struct traffic *t, uint64_t value)
{
	t->digest = (t->digest ^ value) * UINT64_C(0x100000001b3);
}

/* Where devices are, more often hit than the rest of the space. */
static const struct {
	uint16_t first, count;
} ports[] = {
	{0x00, 0x20},  {0x20, 2},    {0x40, 4},    {0x60, 5},    {0x70, 4},    {0x80, 0x13}, {0xa0, 2},    {0xb2, 2},
	{0xc0, 0x20},  {0xe0, 0x15}, {0x170, 8},   {0x1f0, 8},   {0x2f8, 8},   {0x376, 1},   {0x3b0, 0x30}, {0x3f0, 8},
	{0x3f8, 8},    {0x4d0, 2},   {0x501, 4},   {0x510, 12},  {0x600, 64},  {0xcf8, 8},   {0xc000, 64}, {0xc040, 128},
	{0x2000, 24},
};

static const struct {
	uint32_t first, count;
} memory[] = {
	{0xa0000, 0x20000},      {0xc0000, 0x40000}, {0xfee00000, 0x1000}, {0xfec00000, 0x50},
	{0xfed00000, 0x400},     {0xff000000, 0x100}, {0xfebf0000, 0x10000}, {0xfebe0000, 0x10000},
	{0, RAM},
};

static uint32_t value(struct traffic *t)
{
	static const uint32_t telling[] = {0, 1, 0xff, 0xffff, 0xffffffff, 0x80, 0x8000, 0x80000000, 0x1000, 0x00100000};
	uint64_t r = random64(t);

	switch (r >> 62) {
	case 0:
		return telling[(uint32_t)r % (sizeof(telling) / sizeof(telling[0]))];
	case 1:
		return (uint32_t)r & 0xff;
	case 2: /* an address in RAM: bus masters get somewhere */
		return (uint32_t)r & (RAM - 16);
	default:
		return (uint32_t)r;
	}
}

static void port_access(struct traffic *t)
{
	unsigned bytes = 1u << below(t, 3), i = below(t, sizeof(ports) / sizeof(ports[0]) + 1);
	uint16_t port = (uint16_t)random64(t);

	if (i < sizeof(ports) / sizeof(ports[0]))
		port = (uint16_t)(ports[i].first + below(t, ports[i].count));
	if (below(t, 2))
		note(t, bus_port_read(t->m->bus, port, bytes));
	else
		bus_port_write(t->m->bus, port, bytes, value(t));
}

static void memory_access(struct traffic *t)
{
	unsigned bytes = 1u << below(t, 4), i = below(t, sizeof(memory) / sizeof(memory[0]) + 1);
	uint64_t pa = random64(t) & 0xfffffffff;

	if (i < sizeof(memory) / sizeof(memory[0]))
		pa = memory[i].first + (uint64_t)below(t, memory[i].count);
	bus_set_initiator(t->m->bus, below(t, t->m->cpus));
	if (below(t, 2))
		note(t, bus_read(t->m->bus, pa, bytes));
	else
		bus_write(t->m->bus, pa, bytes, value(t) | (uint64_t)value(t) << 32);
}

/* PCI configuration: a function that is there, any register. */
static void configuration(struct traffic *t)
{
	static const uint8_t functions[] = {0x00, 0x08, 0x09, 0x0b, 0x20, 0x28};
	unsigned offset = below(t, 256), bytes = 1u << below(t, 3);

	bus_port_write(t->m->bus, 0xcf8, 4, 0x80000000 | (uint32_t)functions[below(t, 6)] << 8 | (offset & 0xfc));
	if (below(t, 2))
		note(t, bus_port_read(t->m->bus, (uint16_t)(0xcfc + (offset & 3)), bytes));
	else
		bus_port_write(t->m->bus, (uint16_t)(0xcfc + (offset & 3)), bytes, value(t));
}

/* A command that makes sense now and then: to an ATA drive, to the floppy controller, through fw_cfg's DMA. */
static void whole_command(struct traffic *t)
{
	static const uint8_t ata[] = {0x20, 0x24, 0x25, 0x30, 0x34, 0x35, 0xa0, 0xa1, 0xc4, 0xc5, 0xc8, 0xca, 0xe7, 0xec, 0xef};
	uint16_t base = below(t, 2) ? 0x1f0 : 0x170;

	if (below(t, 2)) {
		for (unsigned r = 1; r < 7; r++)
			bus_port_write(t->m->bus, (uint16_t)(base + r), 1, below(t, 256));
		bus_port_write(t->m->bus, (uint16_t)(base + 7), 1, ata[below(t, sizeof(ata))]);
		for (unsigned i = below(t, 300); i > 0; i--)
			note(t, bus_port_read(t->m->bus, base, 2));
	} else {
		for (unsigned i = below(t, 10); i > 0; i--)
			bus_port_write(t->m->bus, 0x3f5, 1, below(t, 256));
	}
}

static void time_passes(struct traffic *t)
{
	struct machine *m = t->m;
	unsigned cpu = below(t, m->cpus);

	clock_advance(&m->clock, m->clock.now + (uint64_t)below(t, 1u << below(t, 21)));
	if (m->cpu[cpu]->intr.pending(m->cpu[cpu]->intr.device)) {
		uint64_t cause = 0;

		note(t, m->cpu[cpu]->intr.acknowledge(m->cpu[cpu]->intr.device, &cause));
	}
	note(t, (uint64_t)(uintptr_t)m->cpu[cpu]->intr.why_quiet(m->cpu[cpu]->intr.device)[0]);
	if (below(t, 20000) == 0)
		board_reset(m);
	m->end.kind = END_NONE; /* it switched itself off, or met a gap: on */
	m->reset = RESET_NONE;
}

static void one(struct traffic *t)
{
	unsigned kind = below(t, 64);

	if (kind < 30)
		port_access(t);
	else if (kind < 50)
		memory_access(t);
	else if (kind < 56)
		configuration(t);
	else if (kind < 57)
		whole_command(t);
	else
		time_passes(t);
}

static void make_image(char path[])
{
	int fd = mkstemp(path);

	if (fd < 0 || ftruncate(fd, DISK_SIZE) != 0)
		exit(2);
	close(fd);
}

static struct machine *make_machine(enum board_kind kind, const char *image)
{
	static const struct {
		enum drive_kind kind;
		unsigned index;
	} drives[] = {{DRIVE_DISK, 0}, {DRIVE_CD, 2}, {DRIVE_FLOPPY, 0}, {DRIVE_VIRTIO, 0}};
	struct machine_config config = {.ram = RAM, .cpus = kind == BOARD_PC ? 4 : 1};
	struct board_config *board = &config.board;
	struct diagnostic why = {""};
	struct machine *m;

	board->kind = kind;
	board->serial[0] = board->serial[1] = board->debugcon = "null";
	board->debug_exit = board->testdev = true;
	board->debug_exit_port = 0xf4;
	board->debug_exit_size = 4;
	for (unsigned i = 0; i < sizeof(drives) / sizeof(drives[0]); i++) {
		struct board_drive *d = &board->drive[board->drives];

		if (drives[i].kind == DRIVE_VIRTIO && kind != BOARD_PC)
			continue;
		*d = (struct board_drive){.kind = drives[i].kind, .index = drives[i].index, .snapshot = true};
		snprintf(d->file, sizeof(d->file), "%s", image);
		board->drives++;
	}
	m = machine_new(&config, &why);
	if (!m || !machine_like_firmware(m, &why)) {
		fprintf(stderr, "registers: %s\n", why.text);
		exit(2);
	}
	return m;
}

static long resident_kb(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
}

static uint64_t run(enum board_kind kind, const char *image, uint64_t accesses, uint64_t seed)
{
	struct traffic t = {.m = make_machine(kind, image), .state = seed * 2 + 1, .digest = 1};
	long before = 0;

	for (uint64_t i = 0; i < accesses; i++) {
		one(&t);
		if (i == accesses / 10)
			before = resident_kb();
	}
	printf("%s: %" PRIu64 " accesses, digest %016" PRIx64 ", memory grew by %ld KiB\n",
	       kind == BOARD_PC ? "pc" : "isapc", accesses, t.digest, resident_kb() - before);
	if (resident_kb() - before > GROWTH_KB)
		exit(1);
	machine_free(t.m);
	return t.digest;
}

int main(int argc, char **argv)
{
	uint64_t accesses = argc > 1 ? strtoull(argv[1], NULL, 0) : 1000000, seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	char image[] = "/tmp/registers-XXXXXX";
	bool same = true;

	make_image(image);
	for (enum board_kind kind = BOARD_PC; kind <= BOARD_ISAPC; kind++) {
		uint64_t digest = run(kind, image, accesses / 2, seed);

		/* The same once more; a long run is enough by itself. */
		same &= accesses > 2000000 || run(kind, image, accesses / 2, seed) == digest;
	}
	unlink(image);
	if (!same)
		fputs("registers: the same traffic found other values\n", stderr);
	return same ? 0 : 1;
}
