/* fw_cfg: items through the ports and through DMA. */
#include "bed.h"

#include "devices/fwcfg.h"

#define RAM_SIZE 0x10000u
#define DESCRIPTOR 0x1000u
#define BUFFER 0x2000u

struct bench {
	struct bed bed;
	struct fwcfg fw;
	unsigned writes;
	uint32_t offset, size;
};

static void open_bench(struct bench *b)
{
	memset(b, 0, sizeof(*b));
	bed_open(&b->bed);
	assert_non_null(bus_add_ram(b->bed.bus, "RAM", 0, RAM_SIZE));
	assert_true(fwcfg_init(&b->fw, b->bed.bus));
}

static void pick(struct bench *b, unsigned key)
{
	bus_port_write(b->bed.bus, 0x510, 2, key);
}

static uint64_t take(struct bench *b, unsigned bytes)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < bytes; i++)
		value |= (uint64_t)in8(&b->bed, 0x511) << (8 * i);
	return value;
}

static uint32_t swap32(uint32_t v)
{
	return v >> 24 | (v >> 8 & 0xff00) | (v << 8 & 0xff0000) | v << 24;
}

/* Does the access and returns the control field afterwards. */
static uint32_t dma_at(struct bench *b, uint64_t descriptor, uint32_t control, uint32_t length, uint64_t address)
{
	bus_write(b->bed.bus, descriptor, 4, swap32(control));
	bus_write(b->bed.bus, descriptor + 4, 4, swap32(length));
	bus_write(b->bed.bus, descriptor + 8, 4, swap32((uint32_t)(address >> 32)));
	bus_write(b->bed.bus, descriptor + 12, 4, swap32((uint32_t)address));
	if (descriptor >> 32)
		bus_port_write(b->bed.bus, 0x514, 4, swap32((uint32_t)(descriptor >> 32)));
	bus_port_write(b->bed.bus, 0x518, 4, swap32((uint32_t)descriptor));
	return swap32((uint32_t)bus_read(b->bed.bus, descriptor, 4));
}

static uint32_t dma(struct bench *b, uint32_t control, uint32_t length, uint64_t address)
{
	return dma_at(b, DESCRIPTOR, control, length, address);
}

static void signature_and_interfaces(void **state)
{
	struct bench b;

	open_bench(&b);
	assert_int_equal(take(&b, 4), 0x554d4551); /* selected after reset: "QEMU" */
	pick(&b, FWCFG_SIGNATURE);
	assert_int_equal(take(&b, 4), 0x554d4551);
	pick(&b, FWCFG_ID);
	assert_int_equal(take(&b, 4), 3);
	assert_int_equal(bus_port_read(b.bed.bus, 0x514, 4), 0x554d4551);
	assert_int_equal(bus_port_read(b.bed.bus, 0x518, 4), 0x47464320);
	assert_int_equal(in8(&b.bed, 0x517), 'U');
	bed_close(&b.bed);
}

static void numbers_are_little_endian_and_reads_past_the_end_are_zero(void **state)
{
	struct bench b;

	open_bench(&b);
	assert_true(fwcfg_add_number(&b.fw, FWCFG_RAM_SIZE, UINT64_C(0x123456789a), 8));
	assert_true(fwcfg_add_number(&b.fw, FWCFG_NB_CPUS, 4, 2));
	assert_true(fwcfg_add_bytes(&b.fw, FWCFG_CMDLINE_DATA, "quiet", 6));
	assert_true(fwcfg_add_number(&b.fw, FWCFG_IRQ0_OVERRIDE, 1, 1));
	pick(&b, FWCFG_RAM_SIZE);
	assert_true(take(&b, 8) == UINT64_C(0x123456789a));
	assert_int_equal(take(&b, 4), 0);
	pick(&b, FWCFG_NB_CPUS);
	assert_int_equal(take(&b, 4), 4);
	pick(&b, FWCFG_CMDLINE_DATA);
	assert_int_equal(take(&b, 4), 0x65697571);
	pick(&b, FWCFG_IRQ0_OVERRIDE);
	assert_int_equal(take(&b, 4), 1);
	pick(&b, 0x77);
	assert_int_equal(take(&b, 4), 0);
	pick(&b, 0x8077);
	assert_int_equal(take(&b, 4), 0);
	bed_close(&b.bed);
}

static void each_width_at_each_port(void **state)
{
	struct bench b;

	open_bench(&b);
	assert_true(fwcfg_add_number(&b.fw, FWCFG_NB_CPUS, 0x0201, 2));
	pick(&b, FWCFG_NB_CPUS);
	assert_int_equal(in8(&b.bed, 0x510), 0xff);                       /* the selector is write only */
	assert_int_equal(bus_port_read(b.bed.bus, 0x511, 2), 0xff01);     /* data is 8 bits wide */
	assert_int_equal(bus_port_read(b.bed.bus, 0x510, 2), 0x02ff);
	pick(&b, FWCFG_NB_CPUS);
	out8(&b.bed, 0x510, 0);                                           /* 8 bits select nothing */
	out8(&b.bed, 0x511, 0xee);                                        /* data writes are ignored */
	assert_int_equal(take(&b, 2), 0x0201);
	pick(&b, FWCFG_NB_CPUS | 0x4000);                                 /* bit 14 means nothing */
	assert_int_equal(take(&b, 2), 0x0201);
	bus_port_write(b.bed.bus, 0x510, 4, FWCFG_NB_CPUS);               /* nor do 32 */
	assert_int_equal(take(&b, 2), 0);
	bus_port_write(b.bed.bus, 0x518, 2, 0x0010);                      /* no transfer */
	out8(&b.bed, 0x51b, 0x10);
	assert_int_equal(bus_read(b.bed.bus, 0x1000, 8), 0);
	bed_close(&b.bed);
}

static void check_entry(struct bench *b, uint32_t size, unsigned key, const char *name)
{
	char got[FWCFG_NAME];

	assert_int_equal(swap32((uint32_t)take(b, 4)), size);
	assert_int_equal(swap32((uint32_t)take(b, 4)), key << 16);
	for (unsigned i = 0; i < sizeof(got); i++)
		got[i] = (char)take(b, 1);
	assert_string_equal(got, name);
}

static void directory_is_sorted_and_big_endian(void **state)
{
	struct bench b;

	open_bench(&b);
	assert_true(fwcfg_add_file(&b.fw, "etc/table-loader", "tttt", 4));
	assert_true(fwcfg_add_file(&b.fw, "bootorder", "/disk", 6));
	assert_true(fwcfg_add_file(&b.fw, "etc/acpi/rsdp", "rs", 2));
	assert_true(fwcfg_add_file(&b.fw, "opt/x", "", 0));
	pick(&b, FWCFG_FILE_DIR);
	assert_int_equal(swap32((uint32_t)take(&b, 4)), 4);
	check_entry(&b, 6, 0x20, "bootorder");
	check_entry(&b, 2, 0x21, "etc/acpi/rsdp");
	check_entry(&b, 4, 0x22, "etc/table-loader");
	check_entry(&b, 0, 0x23, "opt/x");
	assert_int_equal(take(&b, 4), 0);
	assert_int_equal(fwcfg_file_key(&b.fw, "etc/acpi/rsdp"), 0x21);
	assert_int_equal(fwcfg_file_key(&b.fw, "etc/none"), 0);
	pick(&b, 0x22);
	assert_int_equal(take(&b, 4), 0x74747474);
	assert_true(fwcfg_add_file(&b.fw, "bootorder", "/cd", 4)); /* replaced */
	assert_int_equal(b.fw.files, 4);
	pick(&b, 0x20);
	assert_int_equal(take(&b, 4), 0x0064632f);
	bed_close(&b.bed);
}

static void names_and_keys_that_cannot_be(void **state)
{
	struct bench b;
	char name[FWCFG_NAME + 1];

	open_bench(&b);
	memset(name, 'n', sizeof(name));
	name[FWCFG_NAME] = 0;
	assert_false(fwcfg_add_file(&b.fw, name, "", 0));
	assert_false(fwcfg_add_file(&b.fw, "", "", 0));
	name[FWCFG_NAME - 1] = 0;
	assert_true(fwcfg_add_file(&b.fw, name, "", 0));
	assert_false(fwcfg_add_bytes(&b.fw, 0x20, "", 0));
	assert_false(fwcfg_add_bytes(&b.fw, FWCFG_FILE_DIR, "", 0));
	assert_false(fwcfg_add_bytes(&b.fw, 0x4003, "", 0));
	assert_false(fwcfg_add_bytes(&b.fw, 0x8008, "", 0));
	for (unsigned i = 1; i < FWCFG_FILES; i++) {
		name[0] = (char)('A' + i % 32);
		name[1] = (char)('A' + i / 32);
		assert_true(fwcfg_add_file(&b.fw, name, "", 0));
	}
	assert_false(fwcfg_add_file(&b.fw, "one more", "", 0));
	bed_close(&b.bed);
}

static void dma_reads_selects_and_skips(void **state)
{
	struct bench b;
	char got[8];

	open_bench(&b);
	assert_true(fwcfg_add_file(&b.fw, "f", "abcdefgh", 8));
	assert_int_equal(dma(&b, 0x20u << 16 | FWCFG_DMA_SELECT | FWCFG_DMA_READ, 3, BUFFER), 0);
	assert_int_equal(dma(&b, FWCFG_DMA_SKIP, 2, 0), 0);
	assert_int_equal(dma(&b, FWCFG_DMA_READ, 5, BUFFER + 3), 0);
	assert_int_equal(bus_peek(b.bed.bus, BUFFER, got, 8), 8);
	assert_memory_equal(got, "abcfgh\0\0", 8); /* zeros past the end */
	pick(&b, 0x20);
	assert_int_equal(dma(&b, FWCFG_DMA_SKIP, UINT32_MAX, 0), 0);
	assert_int_equal(dma(&b, FWCFG_DMA_SKIP, UINT32_MAX, 0), 0);
	assert_int_equal(take(&b, 1), 0);
	assert_int_equal(dma(&b, 0x20u << 16 | FWCFG_DMA_SELECT, 0, 0), 0);
	assert_int_equal(take(&b, 1), 'a');
	assert_int_equal(dma(&b, 0, 4, BUFFER), 0); /* nothing to do */
	assert_int_equal(take(&b, 1), 'b');
	assert_int_equal(dma(&b, FWCFG_DMA_READ | FWCFG_DMA_SKIP, 1, BUFFER), 0); /* a read wins */
	assert_int_equal(take(&b, 1), 'd');
	bed_close(&b.bed);
}

static void dma_reads_the_directory_over_pages(void **state)
{
	struct bench b;
	char name[2] = {0};
	uint8_t got[4 + 64 * 64];

	open_bench(&b);
	for (unsigned i = 0; i < FWCFG_FILES; i++) {
		name[0] = (char)(64 + i - (i == 63 ? 20 : 0));
		if (i != 63)
			assert_true(fwcfg_add_file(&b.fw, name, "", i));
	}
	assert_int_equal(dma(&b, 0x19u << 16 | FWCFG_DMA_SELECT | FWCFG_DMA_READ, sizeof(got), BUFFER + 0xffd), 0);
	assert_int_equal(bus_peek(b.bed.bus, BUFFER + 0xffd, got, sizeof(got)), sizeof(got));
	assert_int_equal(got[3], 63);
	for (unsigned i = 0; i < 63; i++) {
		assert_int_equal(got[4 + 64 * i + 3], i);
		assert_int_equal(got[4 + 64 * i + 5], 0x20 + i);
		assert_int_equal(got[4 + 64 * i + 8], 64 + i);
	}
	assert_int_equal(got[4 + 64 * 63], 0);
	bed_close(&b.bed);
}

static void told(void *owner, uint32_t offset, uint32_t size)
{
	struct bench *b = owner;

	b->writes++;
	b->offset = offset;
	b->size = size;
}

static void only_declared_files_are_written(void **state)
{
	struct bench b;
	char fixed[] = "fixed", open[] = "........";

	open_bench(&b);
	assert_true(fwcfg_add_file(&b.fw, "fixed", fixed, 5));
	assert_true(fwcfg_add_writable_file(&b.fw, "open", open, 8, told, &b));
	bus_load(b.bed.bus, BUFFER, "12345678", 8);
	assert_int_equal(dma(&b, 0x20u << 16 | FWCFG_DMA_SELECT | FWCFG_DMA_WRITE, 2, BUFFER), FWCFG_DMA_ERROR);
	assert_string_equal(fixed, "fixed");
	assert_int_equal(dma(&b, 0x99u << 16 | FWCFG_DMA_SELECT | FWCFG_DMA_WRITE, 2, BUFFER), FWCFG_DMA_ERROR);
	assert_int_equal(dma(&b, 0x19u << 16 | FWCFG_DMA_SELECT | FWCFG_DMA_WRITE, 2, BUFFER), FWCFG_DMA_ERROR);
	assert_int_equal(b.writes, 0);
	assert_int_equal(dma(&b, 0x21u << 16 | FWCFG_DMA_SELECT | FWCFG_DMA_SKIP, 2, BUFFER), 0);
	assert_int_equal(dma(&b, FWCFG_DMA_WRITE, 3, BUFFER), 0);
	assert_string_equal(open, "..123...");
	assert_int_equal(b.writes, 1);
	assert_int_equal(b.offset, 2);
	assert_int_equal(b.size, 3);
	assert_int_equal(dma(&b, FWCFG_DMA_WRITE, 4, BUFFER), FWCFG_DMA_ERROR); /* does not fit */
	assert_string_equal(open, "..123...");
	assert_int_equal(dma(&b, FWCFG_DMA_WRITE, 3, BUFFER), 0);
	assert_string_equal(open, "..123123");
	bed_close(&b.bed);
}

static void dma_to_nowhere_is_an_error_and_costs_little(void **state)
{
	struct bench b;

	open_bench(&b);
	assert_non_null(bus_add_ram(b.bed.bus, "high RAM", UINT64_C(1) << 32, 0x1000));
	assert_int_equal(dma(&b, FWCFG_DMA_READ, 16, 0x40000000), FWCFG_DMA_ERROR);
	assert_int_equal(dma(&b, FWCFG_DMA_READ, UINT32_MAX, 0x40000000), FWCFG_DMA_ERROR);
	assert_int_equal(dma(&b, FWCFG_DMA_READ, UINT32_MAX, UINT64_MAX - 5), FWCFG_DMA_ERROR);
	bus_port_write(b.bed.bus, 0x518, 4, swap32(RAM_SIZE - 8)); /* not all of the structure is in memory */
	assert_int_equal(bus_read(b.bed.bus, RAM_SIZE - 8, 8), 0);
	/* above 4 GiB: the high half is written first, and is 0 again after the transfer */
	pick(&b, FWCFG_SIGNATURE);
	assert_int_equal(dma_at(&b, (UINT64_C(1) << 32) + 0x100, FWCFG_DMA_READ, 4, (UINT64_C(1) << 32) + 0x200), 0);
	assert_int_equal(bus_read(b.bed.bus, (UINT64_C(1) << 32) + 0x200, 4), 0x554d4551);
	pick(&b, FWCFG_SIGNATURE);
	assert_int_equal(dma(&b, FWCFG_DMA_READ, 4, BUFFER), 0);
	assert_int_equal(bus_read(b.bed.bus, BUFFER, 4), 0x554d4551);
	bed_close(&b.bed);
}

static void dma_leaves_rom_alone(void **state)
{
	struct bench b;
	uint8_t image[BUS_PAGE_SIZE];

	open_bench(&b);
	memset(image, 0x5a, sizeof(image));
	assert_non_null(bus_add_rom(b.bed.bus, "ROM", 0xf0000, sizeof(image), image, sizeof(image)));
	assert_int_equal(dma(&b, FWCFG_DMA_SELECT | FWCFG_DMA_READ, 4, 0xf0000), 0);
	assert_int_equal(bus_read(b.bed.bus, 0xf0000, 4), 0x5a5a5a5a);
	bed_close(&b.bed);
}

static void reset_selects_the_signature_and_keeps_items(void **state)
{
	struct bench b;

	open_bench(&b);
	assert_true(fwcfg_add_number(&b.fw, FWCFG_NB_CPUS, 7, 2));
	bus_port_write(b.bed.bus, 0x514, 4, 0x01000000);
	pick(&b, FWCFG_NB_CPUS);
	fwcfg_reset(&b.fw);
	assert_int_equal(take(&b, 4), 0x554d4551);
	pick(&b, FWCFG_NB_CPUS);
	assert_int_equal(take(&b, 2), 7);
	assert_int_equal(dma(&b, FWCFG_DMA_READ, 4, BUFFER), 0);
	bed_close(&b.bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signature_and_interfaces),
		cmocka_unit_test(numbers_are_little_endian_and_reads_past_the_end_are_zero),
		cmocka_unit_test(each_width_at_each_port),
		cmocka_unit_test(directory_is_sorted_and_big_endian),
		cmocka_unit_test(names_and_keys_that_cannot_be),
		cmocka_unit_test(dma_reads_selects_and_skips),
		cmocka_unit_test(dma_reads_the_directory_over_pages),
		cmocka_unit_test(only_declared_files_are_written),
		cmocka_unit_test(dma_to_nowhere_is_an_error_and_costs_little),
		cmocka_unit_test(dma_leaves_rom_alone),
		cmocka_unit_test(reset_selects_the_signature_and_keeps_items),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
