/* The physical address space: what is seen where, how cycles are split, who
 * is told of changes. */
#include "bus/cmocka_all.h"

#include "bus/bus.h"

#define KIB 1024u
#define LOG 16

struct device {
	unsigned cycles;
	struct {
		uint64_t offset, value;
		unsigned bytes;
		bool write;
	} log[LOG];
};

static uint64_t device_read(void *owner, uint64_t offset, unsigned bytes)
{
	struct device *d = owner;

	d->log[d->cycles % LOG].offset = offset;
	d->log[d->cycles % LOG].bytes = bytes;
	d->log[d->cycles++ % LOG].write = false;
	return UINT64_C(0xa7a6a5a4a3a2a1a0) + offset; /* wider than asked: the bus cuts */
}

static void device_write(void *owner, uint64_t offset, unsigned bytes, uint64_t value)
{
	struct device *d = owner;

	d->log[d->cycles % LOG].offset = offset;
	d->log[d->cycles % LOG].bytes = bytes;
	d->log[d->cycles % LOG].value = value;
	d->log[d->cycles++ % LOG].write = true;
}

static const struct mmio_ops ops = {device_read, device_write};

struct watched {
	unsigned written, changed, marked, bytes;
	uint64_t pa, page;
	const uint8_t *host;
};

static void on_written(void *owner, uint64_t pa, unsigned bytes)
{
	struct watched *w = owner;

	w->written++;
	w->pa = pa;
	w->bytes = bytes;
}
static void on_changed(void *owner) { ((struct watched *)owner)->changed++; }
static void on_marked(void *owner, uint64_t page, const uint8_t *host)
{
	struct watched *w = owner;

	w->marked++;
	w->page = page;
	w->host = host;
}

struct setup {
	struct bus *bus;
	struct region *ram, *rom, *mmio;
	struct device device;
	struct watched watched;
};

/* RAM 0-64K, MMIO 2000-200f over it, ROM f0000-f1fff. */
static int set_up(void **state)
{
	struct setup *t = calloc(1, sizeof(*t));

	t->bus = bus_new();
	t->ram = bus_add_ram(t->bus, "RAM", 0, 64 * KIB);
	t->rom = bus_add_rom(t->bus, "ROM", 0xf0000, 8 * KIB, (const uint8_t *)"ROM", 3);
	t->mmio = bus_add_mmio(t->bus, "device", 0x2000, 16, ops, &t->device, 1);
	assert_true(bus_watch(t->bus, (struct bus_watcher){.code_written = on_written, .map_changed = on_changed,
							   .code_marked = on_marked, .owner = &t->watched}));
	*state = t;
	return 0;
}

static int tear_down(void **state)
{
	struct setup *t = *state;

	bus_free(t->bus);
	free(t);
	return 0;
}

static void holes_read_all_ones_and_swallow_writes(void **state)
{
	struct setup *t = *state;

	for (unsigned bytes = 1; bytes <= 8; bytes *= 2)
		assert_int_equal(bus_read(t->bus, 0x20000, bytes), UINT64_MAX >> (64 - 8 * bytes));
	bus_write(t->bus, 0x20000, 4, 0);
	assert_int_equal(bus_read(t->bus, 0x20000, 4), 0xffffffff);
	assert_int_equal(bus_read(t->bus, UINT64_MAX - 3, 4), 0xffffffff);
}

static void rom_keeps_its_bytes(void **state)
{
	struct setup *t = *state;

	bus_write(t->bus, 0xf0000, 1, 'x');
	assert_int_equal(bus_read(t->bus, 0xf0000, 1), 'R');
	assert_int_equal(bus_read(t->bus, 0xf0003, 1), 0xff); /* behind the image */
	assert_int_equal(bus_load(t->bus, 0xf0000, "rom", 3), 3);
	assert_int_equal(bus_read(t->bus, 0xf0000, 1), 'r');
	assert_int_equal(t->watched.written, 1); /* may have been translated */
}

static void devices_see_offset_width_and_cut_values(void **state)
{
	struct setup *t = *state;

	assert_int_equal(bus_read(t->bus, 0x2004, 2), 0xa1a4);
	assert_int_equal(t->device.log[0].offset, 4);
	assert_int_equal(t->device.log[0].bytes, 2);
	bus_write(t->bus, 0x2008, 1, 0x1234);
	assert_int_equal(t->device.log[1].value, 0x34);
	assert_true(t->device.log[1].write);
	/* Three bytes are no cycle of a bus: three single ones. */
	assert_int_equal(bus_read(t->bus, 0x2000, 3), 0xa2a1a0);
	assert_int_equal(t->device.cycles, 5);
}

static void accesses_across_an_end_are_split_into_bytes(void **state)
{
	struct setup *t = *state;

	bus_load(t->bus, 0x1ffe, "\x11\x22", 2);
	bus_load(t->bus, 0x2010, "\x33\x44", 2); /* RAM again behind the device */
	assert_int_equal(bus_read(t->bus, 0x1ffe, 4), 0xa1a02211);
	assert_int_equal(t->device.cycles, 2);
	assert_int_equal(t->device.log[1].bytes, 1);
	assert_int_equal(bus_read(t->bus, 0x200f, 2), 0x33af);
	bus_write(t->bus, 0x200e, 4, 0x88776655);
	assert_int_equal(t->device.log[4].value, 0x66);
	assert_int_equal(bus_read(t->bus, 0x2010, 2), 0x8877);
	assert_int_equal(bus_read(t->bus, 0xfffe, 4), 0xffff0000); /* RAM, then a hole */
}

static void the_higher_priority_then_the_later_is_seen(void **state)
{
	struct setup *t = *state;
	struct device other = {0};
	uint64_t offset;
	struct region *low, *late;

	low = bus_add_mmio(t->bus, "low", 0x2000, 16, ops, &other, 0);
	assert_ptr_equal(bus_find(t->bus, 0x2000, &offset), t->mmio);
	region_set_enabled(t->bus, t->mmio, false);
	assert_ptr_equal(bus_find(t->bus, 0x2003, &offset), low); /* later than the RAM, of equal priority */
	assert_int_equal(offset, 3);
	late = bus_add_mmio(t->bus, "late", 0x2000, 16, ops, &other, 0);
	assert_ptr_equal(bus_find(t->bus, 0x2000, &offset), late);
	region_move(t->bus, late, 0x3000);
	assert_ptr_equal(bus_find(t->bus, 0x2000, &offset), low);
	assert_ptr_equal(bus_find(t->bus, 0x3001, &offset), late);
	assert_ptr_equal(bus_find(t->bus, 0x3010, &offset), t->ram);
	assert_int_equal(offset, 0x3010);
	assert_null(bus_find(t->bus, 0x10000, &offset));
	region_set_enabled(t->bus, t->mmio, true);
	assert_ptr_equal(bus_find(t->bus, 0x2000, &offset), t->mmio);
}

static void rom_is_seen_over_ram(void **state)
{
	struct setup *t = *state;
	uint64_t offset;

	assert_non_null(bus_add_ram(t->bus, "late RAM", 0xe0000, 128 * KIB));
	assert_ptr_equal(bus_find(t->bus, 0xf0000, &offset), t->rom);
	assert_int_equal(bus_read(t->bus, 0xeffff, 2), 'R' << 8);
}

static void pages_of_more_than_one_region_are_not_whole(void **state)
{
	struct setup *t = *state;
	struct region *r;
	uint64_t offset;

	assert_true(bus_find_page(t->bus, 0x1234, &r, &offset));
	assert_ptr_equal(r, t->ram);
	assert_int_equal(offset, 0x1234);
	assert_false(bus_find_page(t->bus, 0x2000, &r, &offset));
	assert_false(bus_find_page(t->bus, 0x2800, &r, &offset));
	assert_true(bus_find_page(t->bus, 0x10000, &r, &offset));
	assert_null(r);
	bus_add_mmio(t->bus, "middle", 0x20010, 4, ops, &t->device, 0);
	assert_false(bus_find_page(t->bus, 0x20000, &r, &offset));
}

static void changes_of_the_map_are_told(void **state)
{
	struct setup *t = *state;

	assert_int_equal(t->watched.changed, 0);
	region_set_enabled(t->bus, t->mmio, true); /* as it was */
	region_move(t->bus, t->mmio, 0x2000);
	assert_int_equal(t->watched.changed, 0);
	region_set_enabled(t->bus, t->mmio, false);
	region_move(t->bus, t->mmio, 0x4000);
	bus_add_ram(t->bus, "more", 0x100000, 4 * KIB);
	assert_int_equal(t->watched.changed, 3);
	bus_unwatch(t->bus, &t->watched);
	region_set_enabled(t->bus, t->mmio, true);
	assert_int_equal(t->watched.changed, 3);
}

static void bad_ranges_are_refused(void **state)
{
	struct setup *t = *state;

	assert_null(bus_add_ram(t->bus, "empty", 0x100000, 0));
	assert_null(bus_add_ram(t->bus, "odd", 0x100800, 4 * KIB));
	assert_null(bus_add_ram(t->bus, "part", 0x100000, 100));
	assert_null(bus_add_mmio(t->bus, "wraps", UINT64_MAX - 3, 8, ops, &t->device, 0));
	for (unsigned i = 1; i < BUS_MAX_WATCHERS; i++)
		assert_true(bus_watch(t->bus, (struct bus_watcher){.owner = t}));
	assert_false(bus_watch(t->bus, (struct bus_watcher){.owner = t}));
	region_set_enabled(t->bus, t->mmio, false); /* watchers without functions are fine */
}

static void peek_and_load_stop_at_devices_and_holes(void **state)
{
	struct setup *t = *state;
	uint8_t buffer[64];

	assert_int_equal(bus_load(t->bus, 0x1ff0, "0123456789abcdefghij", 20), 16);
	assert_int_equal(bus_peek(t->bus, 0x1ff0, buffer, 64), 16);
	assert_memory_equal(buffer, "0123456789abcdef", 16);
	assert_int_equal(bus_peek(t->bus, 0xfff8, buffer, 64), 8);
	assert_int_equal(bus_peek(t->bus, 0x20000, buffer, 1), 0);
	assert_int_equal(t->device.cycles, 0);
	bus_add_ram(t->bus, "next", 0x10000, 4 * KIB);
	assert_int_equal(bus_peek(t->bus, 0xfff8, buffer, 64), 64); /* on into the next region */
}

static void stores_into_granules_with_code_are_told(void **state)
{
	struct setup *t = *state;

	assert_true(bus_code_mark(t->bus, 0x3040, 64)); /* one granule: 3040-307f */
	assert_int_equal(t->watched.marked, 1);
	assert_int_equal(t->watched.page, 0x3000);
	assert_ptr_equal(t->watched.host, t->ram->host + 0x3000);
	assert_false(bus_code_mark(t->bus, 0x3100, 1)); /* the page has code already */
	assert_int_equal(t->watched.marked, 1);
	bus_write(t->bus, 0x303c, 4, 0);
	bus_write(t->bus, 0x3080, 4, 0);
	assert_int_equal(t->watched.written, 0);
	bus_write(t->bus, 0x303d, 4, 0); /* last byte inside */
	assert_int_equal(t->watched.written, 1);
	assert_int_equal(t->watched.pa, 0x303d);
	assert_int_equal(t->watched.bytes, 4);
	bus_write(t->bus, 0x307f, 1, 0);
	bus_load(t->bus, 0x3100, "x", 1);
	assert_int_equal(t->watched.written, 3);
	bus_code_clear_page(t->bus, 0x3fff);
	bus_write(t->bus, 0x3040, 4, 0);
	assert_int_equal(t->watched.written, 3);
	assert_true(bus_code_mark(t->bus, 0x3fff, 2)); /* across pages: both */
	assert_int_equal(t->watched.marked, 3);
	assert_true(bus_code_hit(t->ram, 0x3fc0, 1));
	assert_true(bus_code_hit(t->ram, 0x403f, 1));
	assert_false(bus_code_hit(t->ram, 0x4040, 8));
	assert_true(bus_code_hit(t->ram, 0x3000, 4096));
	assert_false(bus_code_mark(t->bus, 0xf0000, 4)); /* ROM does not change */
}

struct told {
	unsigned count;
	char last[64];
};
static void on_gap(void *owner, const char *text)
{
	struct told *told = owner;

	told->count++;
	strncpy(told->last, text, sizeof(told->last) - 1);
}

static void gaps_are_told_once_each(void **state)
{
	struct setup *t = *state;
	struct told told = {0};

	bus_gap(t->bus, "early %d", 1);
	bus_set_gap_sink(t->bus, on_gap, &told);
	assert_int_equal(told.count, 1); /* what came before the sink */
	bus_gap(t->bus, "early %d", 1);
	bus_gap(t->bus, "port %x", 0x20);
	bus_gap(t->bus, "port %x", 0x20);
	assert_int_equal(told.count, 2);
	assert_string_equal(told.last, "port 20");
	bus_set_initiator(t->bus, 3);
	assert_int_equal(bus_initiator(t->bus), 3);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(holes_read_all_ones_and_swallow_writes),
		TEST(rom_keeps_its_bytes),
		TEST(devices_see_offset_width_and_cut_values),
		TEST(accesses_across_an_end_are_split_into_bytes),
		TEST(the_higher_priority_then_the_later_is_seen),
		TEST(rom_is_seen_over_ram),
		TEST(pages_of_more_than_one_region_are_not_whole),
		TEST(changes_of_the_map_are_told),
		TEST(bad_ranges_are_refused),
		TEST(peek_and_load_stop_at_devices_and_holes),
		TEST(stores_into_granules_with_code_are_told),
		TEST(gaps_are_told_once_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
