/* Making machines, versions of structs, the memory map, running and its ends. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "world.h"

static char why[320];

static enum tg_error make(const struct tg_config *config)
{
	struct tg_machine *machine = (void *)1;
	enum tg_error error = tg_machine_new(config, &machine, why, sizeof(why));

	assert_true((error == TG_OK) == (machine != NULL));
	tg_machine_free(machine);
	return error;
}

static struct tg_config bare(void)
{
	return (struct tg_config){.size = sizeof(struct tg_config), .board = TG_BOARD_BARE, .ram = 0x10000};
}

/* ---- versions and errors ---- */

static void a_struct_without_size_is_refused(void **state)
{
	struct tg_config config = bare();

	config.size = 0;
	assert_int_equal(make(&config), TG_ERROR_VERSION);
	config.size = sizeof(config) - sizeof(config.drives) - 4;
	assert_int_equal(make(&config), TG_ERROR_VERSION);
}

static void a_newer_struct_works_while_its_news_are_zero(void **state)
{
	struct {
		struct tg_config config;
		uint64_t news;
	} newer = {bare(), 0};

	newer.config.size = sizeof(newer);
	assert_int_equal(make(&newer.config), TG_OK);
	newer.news = 1;
	assert_int_equal(make(&newer.config), TG_ERROR_VERSION);
}

static void an_output_of_a_newer_header_is_filled_as_far_as_known(void **state)
{
	struct {
		struct tg_stop stop;
		uint64_t news;
	} newer = {{.size = sizeof(newer)}, 77};
	struct tg_machine *m = world_new(0);

	CODE(m, 0xf4);
	OK(tg_run(m, 10, &newer.stop));
	assert_int_equal(newer.stop.kind, TG_STOP_HALT);
	assert_int_equal(newer.stop.size, sizeof(newer));
	assert_int_equal(newer.news, 0);
	newer.stop.size = 8;
	assert_int_equal(tg_run(m, 10, &newer.stop), TG_ERROR_VERSION);
	tg_machine_free(m);
}

static void every_error_has_a_text_of_its_own(void **state)
{
	for (int i = 0; i < TG_ERROR_COUNT; i++)
		for (int j = 0; j < i; j++)
			assert_string_not_equal(tg_error_text((enum tg_error)i), tg_error_text((enum tg_error)j));
	assert_string_equal(tg_error_text(TG_ERROR_COUNT), "no such error");
	assert_string_equal(tg_error_text((enum tg_error) - 1), "no such error");
}

static void header_and_library_are_of_one_version(void **state)
{
	assert_string_equal(tg_version(), TG_VERSION);
}

static void what_cannot_be_made_is_said(void **state)
{
	static const struct tg_drive drive = {.kind = TG_DRIVE_DISK};
	struct tg_config config = bare();

	config.cpu = "z80";
	assert_int_equal(make(&config), TG_ERROR_VALUE);
	assert_non_null(strstr(why, "z80: no such processor"));
	config = bare();
	config.cpus = 2;
	assert_int_equal(make(&config), TG_ERROR_VALUE);
	config = bare();
	config.serial[0] = "stdio";
	assert_int_equal(make(&config), TG_ERROR_VALUE);
	config = bare();
	config.ram = 0x1001;
	assert_int_equal(make(&config), TG_ERROR_VALUE);
	config = bare();
	config.board = (enum tg_board)7;
	assert_int_equal(make(&config), TG_ERROR_VALUE);
	config = bare();
	config.drive = &drive;
	config.drives = 1;
	assert_int_equal(make(&config), TG_ERROR_VALUE);
	assert_int_equal(make(NULL), TG_ERROR_ARGUMENT);
}

static void null_is_no_machine(void **state)
{
	struct tg_stop stop = {.size = sizeof(stop)};

	assert_int_equal(tg_run(NULL, 1, &stop), TG_ERROR_ARGUMENT);
	assert_int_equal(tg_memory_read(NULL, 0, why, 1, NULL), TG_ERROR_ARGUMENT);
	assert_int_equal(tg_register_set(NULL, TG_EAX, 1), TG_ERROR_ARGUMENT);
	assert_int_equal(tg_unhook(NULL, 1), TG_ERROR_ARGUMENT);
	assert_null(tg_machine_cpu(NULL, 0));
	assert_string_equal(tg_machine_detail(NULL), "");
	tg_machine_free(NULL);
	tg_snapshot_free(NULL);
	tg_stop(NULL);
	tg_interrupt(NULL);
}

static void models_are_listed(void **state)
{
	const char *name = NULL, *description = NULL;
	struct tg_config config = bare();
	unsigned n = 0;

	while (tg_model(n, &name, &description) == TG_OK) {
		config.cpu = name;
		assert_int_equal(make(&config), TG_OK);
		n++;
	}
	assert_in_range(n, 3, 100);
	assert_int_equal(tg_model(0, NULL, NULL), TG_ERROR_ARGUMENT);
}

/* ---- memory ---- */

static void memory_ends_where_it_ends(void **state)
{
	struct tg_machine *m = world_new(0);
	uint8_t bytes[16] = {0};
	size_t done = 99;

	assert_int_equal(tg_memory_write(m, WORLD_RAM - 4, bytes, 16, &done), TG_ERROR_UNMAPPED);
	assert_int_equal(done, 4);
	assert_int_equal(tg_memory_read(m, WORLD_RAM - 3, bytes, 16, &done), TG_ERROR_UNMAPPED);
	assert_int_equal(done, 3);
	assert_string_equal(tg_machine_detail(m), "no memory at 0x40000");
	assert_int_equal(tg_memory_read(m, UINT64_MAX - 3, bytes, 16, &done), TG_ERROR_UNMAPPED);
	assert_int_equal(done, 0);
	assert_int_equal(tg_memory_write(m, UINT64_MAX - 3, bytes, 16, &done), TG_ERROR_UNMAPPED);
	tg_machine_free(m);
}

static void maps_do_not_overlap(void **state)
{
	static const uint8_t image[] = {0x12};
	struct tg_machine *m = world_new(0);
	uint8_t byte = 0;

	assert_int_equal(tg_map_ram(m, WORLD_RAM - 0x1000, 0x2000), TG_ERROR_OVERLAP);
	OK(tg_map_ram(m, WORLD_RAM, 0x1000));
	assert_int_equal(tg_map_ram(m, 0x100000, 0x1001), TG_ERROR_ARGUMENT);
	assert_int_equal(tg_map_ram(m, UINT64_MAX - 0xfff, 0x1000), TG_ERROR_ARGUMENT);
	OK(tg_map_rom(m, 0x5000, 0x1000, image, 1)); /* over RAM */
	OK(tg_memory_read(m, 0x5000, &byte, 1, NULL));
	assert_int_equal(byte, 0x12);
	OK(tg_memory_read(m, 0x5001, &byte, 1, NULL));
	assert_int_equal(byte, 0xff);
	assert_int_equal(tg_map_rom(m, 0x5000, 0x1000, image, 1), TG_ERROR_OVERLAP);
	assert_int_equal(tg_map_rom(m, 0x80000, 0x1000, image, 0x1001), TG_ERROR_ARGUMENT);
	CODE(m, 0xc6, 0x05, 0, 0x50, 0, 0, 1, 0xf4); /* mov byte [0x5000], 1: swallowed */
	world_run(m, 10);
	OK(tg_memory_read(m, 0x5000, &byte, 1, NULL));
	assert_int_equal(byte, 0x12);
	tg_machine_free(m);
}

struct seen {
	struct tg_machine *machine;
	uint64_t offset, value, rip, now;
	unsigned bytes, reads, writes;
	enum tg_error busy[4];
};

static void look(struct seen *s)
{
	struct tg_cpu *cpu = tg_machine_cpu(s->machine, 0);
	struct tg_snapshot *snapshot;

	s->rip = world_get(s->machine, TG_EIP);
	s->now = tg_now(s->machine);
	s->busy[0] = tg_run(s->machine, 1, NULL);
	s->busy[1] = tg_register_set(cpu, TG_EAX, 0);
	s->busy[2] = tg_map_ram(s->machine, 0x100000, 0x1000);
	s->busy[3] = tg_snapshot_save(s->machine, &snapshot);
}

static uint64_t mmio_read(void *owner, uint64_t offset, unsigned bytes)
{
	struct seen *s = owner;

	look(s);
	s->reads++;
	s->offset = offset;
	s->bytes = bytes;
	return 0x11223344;
}

static void mmio_write(void *owner, uint64_t offset, unsigned bytes, uint64_t value)
{
	struct seen *s = owner;

	look(s);
	s->writes++;
	s->offset = offset;
	s->bytes = bytes;
	s->value = value;
}

static void all_busy(const struct seen *s)
{
	for (int i = 0; i < 4; i++)
		assert_int_equal(s->busy[i], TG_ERROR_BUSY);
}

static void a_device_in_memory_is_asked(void **state)
{
	struct tg_machine *m = world_new(0);
	struct seen s = {.machine = m};
	struct tg_mmio device = {.size = sizeof(device), .read = mmio_read, .write = mmio_write, .owner = &s};

	OK(tg_map_mmio(m, 0x6000, 0x100, &device)); /* over RAM */
	CODE(m, 0x90, 0xa1, 0x10, 0x60, 0, 0,       /* nop; mov eax, [0x6010] */
	     0x66, 0xa3, 0x20, 0x60, 0, 0, 0xf4);   /* mov [0x6020], ax; hlt */
	world_run(m, 2);
	assert_int_equal(world_get(m, TG_EAX), 0x11223344);
	assert_int_equal(s.offset, 0x10);
	assert_int_equal(s.bytes, 4);
	assert_int_equal(s.rip, WORLD_CODE + 1);
	assert_int_equal(s.now, 2);
	all_busy(&s);
	world_run(m, 100);
	assert_int_equal(s.writes, 1);
	assert_int_equal(s.offset, 0x20);
	assert_int_equal(s.bytes, 2);
	assert_int_equal(s.value, 0x3344);
	OK(tg_map_mmio(m, 0, UINT64_C(1) << 51, &device)); /* one over everything: in front of all */
	OK(tg_register_set(tg_machine_cpu(m, 0), TG_ACTIVITY, TG_RUNNING));
	world_run(m, 1); /* its bytes are the code now: 44 33 22 11, inc esp */
	assert_int_equal(world_get(m, TG_ESP), WORLD_STACK0 + 1);
	assert_int_equal(tg_map_mmio(m, UINT64_C(1) << 51, UINT64_C(1) << 52, &device), TG_ERROR_ARGUMENT);
	device.read = NULL;
	assert_int_equal(tg_map_mmio(m, 0x7000, 0x100, &device), TG_ERROR_ARGUMENT);
	tg_machine_free(m);
}

static uint32_t port_read(void *owner, uint16_t port, unsigned bytes)
{
	return (uint32_t)mmio_read(owner, port, bytes);
}
static void port_write(void *owner, uint16_t port, unsigned bytes, uint32_t value)
{
	mmio_write(owner, port, bytes, value);
}

static void a_device_at_ports_is_asked(void **state)
{
	struct tg_machine *m = world_new(0);
	struct seen s = {.machine = m};
	struct tg_ports device = {.size = sizeof(device), .read = port_read, .write = port_write, .owner = &s};

	OK(tg_map_ports(m, 0x70, 2, &device));
	assert_int_equal(tg_map_ports(m, 0xffff, 2, &device), TG_ERROR_ARGUMENT);
	CODE(m, 0x90, 0x90, 0xe5, 0x70, 0x90,  /* nop; nop; in eax, 0x70: two ports are ours, two nobody's */
	     0xb0, 7, 0xe6, 0x71, 0x90, 0xf4); /* mov al, 7; out 0x71, al; nop; hlt */
	world_run(m, 3);
	assert_int_equal(world_get(m, TG_EAX), 0xffff4444);
	assert_int_equal(s.rip, WORLD_CODE + 2);
	assert_int_equal(s.now, 3);
	all_busy(&s);
	world_run(m, 100);
	assert_int_equal(s.offset, 0x71);
	assert_int_equal(s.value, 7);
	assert_int_equal(s.rip, WORLD_CODE + 7);
	tg_machine_free(m);
}

static void code_written_from_outside_is_the_code_that_runs(void **state)
{
	struct tg_machine *m = world_new(0);

	CODE(m, 0xb0, 1, 0xf4); /* mov al, 1; hlt */
	world_run(m, 10);
	assert_int_equal(world_get(m, TG_AL), 1);
	CODE(m, 0xb0, 2, 0xf4);
	OK(tg_register_set(tg_machine_cpu(m, 0), TG_EIP, WORLD_CODE));
	OK(tg_register_set(tg_machine_cpu(m, 0), TG_ACTIVITY, TG_RUNNING));
	world_run(m, 10);
	assert_int_equal(world_get(m, TG_AL), 2);
	tg_machine_free(m);
}

static void linear_addresses_go_through_the_page_tables(void **state)
{
	struct tg_machine *m = world_new(0);
	struct tg_cpu *cpu = tg_machine_cpu(m, 0);
	const uint32_t directory = 0x7007, pages[3] = {0x8003, 0x5003, 0}; /* 0: code; 1: 5000h; 2: nothing */
	uint64_t pa = 0;
	uint8_t bytes[8] = {1, 2, 3, 4, 5, 6, 7, 8}, back[8] = {0};
	size_t done = 0;

	world_code(m, 0x6000, &directory, 4);
	world_code(m, 0x7000, pages, sizeof(pages));
	OK(tg_register_set(cpu, TG_CR3, 0x6000));
	OK(tg_register_set(cpu, TG_CR0, world_get(m, TG_CR0) | 0x80000000u));
	OK(tg_translate(cpu, 0x1234, &pa));
	assert_int_equal(pa, 0x5234);
	assert_int_equal(tg_translate(cpu, 0x2000, &pa), TG_ERROR_UNMAPPED);
	OK(tg_linear_write(cpu, 0xffc, bytes, 8, NULL)); /* over the border */
	OK(tg_memory_read(m, 0x8ffc, back, 4, NULL));
	OK(tg_memory_read(m, 0x5000, back + 4, 4, NULL));
	assert_memory_equal(back, bytes, 8);
	assert_int_equal(tg_linear_read(cpu, 0x1ffe, back, 8, &done), TG_ERROR_UNMAPPED);
	assert_int_equal(done, 2);
	assert_int_equal(tg_linear_write(cpu, 0x1ffe, back, 8, &done), TG_ERROR_UNMAPPED);
	assert_int_equal(done, 2);
	tg_machine_free(m);
}

/* ---- running ---- */

static void the_budget_is_exact(void **state)
{
	struct tg_machine *m = world_new(0);
	struct tg_stop stop;

	CODE(m, 0x40, 0xeb, 0xfd); /* inc eax; jmp back */
	stop = world_run(m, 1001);
	assert_int_equal(stop.kind, TG_STOP_BUDGET);
	assert_int_equal(stop.retired, 1001);
	assert_int_equal(world_get(m, TG_EAX), 501);
	OK(tg_step(m, &stop));
	OK(tg_step(m, &stop));
	assert_int_equal(world_get(m, TG_EAX), 502);
	assert_int_equal(tg_now(m), 1003);
	stop = world_run(m, 0);
	assert_int_equal(stop.kind, TG_STOP_BUDGET);
	assert_int_equal(tg_now(m), 1003);
	tg_machine_free(m);
}

static void halt_shutdown_and_the_way_on(void **state)
{
	struct tg_machine *m = world_new(0);
	struct tg_cpu *cpu = tg_machine_cpu(m, 0);
	struct tg_stop stop;

	CODE(m, 0xf4, 0xcc);
	stop = world_run(m, 100);
	assert_int_equal(stop.kind, TG_STOP_HALT);
	assert_int_equal(stop.status, 6);
	OK(tg_register_set(cpu, TG_ACTIVITY, TG_RUNNING));
	OK(tg_register_set(cpu, TG_IDTR_LIMIT, 0));
	stop = world_run(m, 100);
	assert_int_equal(stop.kind, TG_STOP_SHUTDOWN);
	assert_non_null(strstr(stop.text, "triple fault"));
	assert_int_equal(world_run(m, 100).kind, TG_STOP_SHUTDOWN);
	OK(tg_register_set(cpu, TG_ACTIVITY, TG_RUNNING));
	OK(tg_register_set(cpu, TG_EIP, WORLD_CODE));
	assert_int_equal(world_run(m, 100).kind, TG_STOP_HALT);
	tg_machine_free(m);
}

static void *interrupt_soon(void *machine)
{
	usleep(50000);
	tg_interrupt(machine);
	return NULL;
}

static void another_thread_ends_a_run(void **state)
{
	struct tg_machine *m = world_new(0);
	pthread_t thread;

	CODE(m, 0xeb, 0xfe);
	assert_int_equal(pthread_create(&thread, NULL, interrupt_soon, m), 0);
	assert_int_equal(world_run(m, TG_FOREVER).kind, TG_STOP_REQUEST);
	pthread_join(thread, NULL);
	assert_int_equal(world_run(m, 1000).kind, TG_STOP_BUDGET);
	tg_machine_free(m);
}

/* ---- a PC ---- */

static void put_file(char *path, const uint8_t *bytes, size_t size)
{
	int fd = mkstemp(path);

	assert_true(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
	close(fd);
}

static struct tg_machine *pc(struct tg_config more, const uint8_t *code, size_t size)
{
	char path[] = "/tmp/trapgate-api-XXXXXX";
	struct tg_machine *m;

	more.size = sizeof(more);
	more.board = TG_BOARD_PC;
	more.ram = 1 << 20;
	OK(tg_machine_new(&more, &m, NULL, 0));
	put_file(path, code, size);
	OK(tg_load_flat(m, path, 0x7c00));
	unlink(path);
	OK(tg_start(m, TG_MODE_IMAGE, 0));
	return m;
}

static void the_debug_exit_has_its_status(void **state)
{
	static const uint8_t code[] = {0xb0, 5, 0xe6, 0xf4, 0xeb, 0xfe}; /* mov al, 5; out 0xf4, al */
	struct tg_machine *m = pc((struct tg_config){.debug_exit = true, .debug_exit_port = 0xf4, .debug_exit_size = 1},
				  code, sizeof(code));
	struct tg_stop stop = world_run(m, 1000);

	assert_int_equal(stop.kind, TG_STOP_DEBUG_EXIT);
	assert_int_equal(stop.status, 11);
	assert_int_equal(stop.retired, 2);
	assert_int_equal(world_run(m, 10).kind, TG_STOP_BUDGET);
	assert_int_equal(tg_start(m, TG_MODE_REAL, 0x7c00), TG_ERROR_BUSY);
	tg_machine_free(m);
}

static void what_is_not_built_is_said(void **state)
{
	static const uint8_t code[] = {0xb0, 0x99, 0xe6, 0x64, 0xeb, 0xfe}; /* the 8042 has no command 99h */
	struct tg_machine *m = pc((struct tg_config){.size = 0}, code, sizeof(code));
	struct tg_stop stop = world_run(m, 1000);

	assert_int_equal(stop.kind, TG_STOP_UNIMPLEMENTED);
	assert_non_null(strstr(stop.text, "8042"));
	tg_machine_free(m);
}

static void bad_images_are_said(void **state)
{
	struct tg_machine *m = world_new(0);

	assert_int_equal(tg_load_kernel(m, "/nonexistent", NULL, NULL), TG_ERROR_FILE);
	assert_non_null(strstr(tg_machine_detail(m), "/nonexistent: No such file"));
	assert_int_equal(tg_load_flat(m, "/proc/self/exe", WORLD_RAM), TG_ERROR_FILE);
	assert_int_equal(tg_load_kernel(m, "/etc/passwd", NULL, NULL), TG_ERROR_FILE);
	assert_int_equal(tg_load_rom(m, "/etc/passwd"), TG_ERROR_FILE);
	assert_int_equal(tg_start(m, TG_MODE_REAL, 0x100000), TG_ERROR_VALUE);
	tg_machine_free(m);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_struct_without_size_is_refused),
		cmocka_unit_test(a_newer_struct_works_while_its_news_are_zero),
		cmocka_unit_test(an_output_of_a_newer_header_is_filled_as_far_as_known),
		cmocka_unit_test(every_error_has_a_text_of_its_own),
		cmocka_unit_test(header_and_library_are_of_one_version),
		cmocka_unit_test(what_cannot_be_made_is_said),
		cmocka_unit_test(null_is_no_machine),
		cmocka_unit_test(models_are_listed),
		cmocka_unit_test(memory_ends_where_it_ends),
		cmocka_unit_test(maps_do_not_overlap),
		cmocka_unit_test(a_device_in_memory_is_asked),
		cmocka_unit_test(a_device_at_ports_is_asked),
		cmocka_unit_test(code_written_from_outside_is_the_code_that_runs),
		cmocka_unit_test(linear_addresses_go_through_the_page_tables),
		cmocka_unit_test(the_budget_is_exact),
		cmocka_unit_test(halt_shutdown_and_the_way_on),
		cmocka_unit_test(another_thread_ends_a_run),
		cmocka_unit_test(the_debug_exit_has_its_status),
		cmocka_unit_test(what_is_not_built_is_said),
		cmocka_unit_test(bad_images_are_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
