/* Runs a flat binary in real mode and counts: instructions, the bytes it stores, and what it says at port E9h.
 *     count FILE [ADDRESS]        ADDRESS: 0x7c00 if not given */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <trapgate/trapgate.h>

struct counts {
	uint64_t instructions, stored;
};

static enum tg_action on_instruction(void *owner, struct tg_cpu *cpu, const struct tg_instruction *instruction)
{
	struct counts *counts = owner;

	counts->instructions++;
	return TG_GO;
}

static enum tg_action on_store(void *owner, struct tg_cpu *cpu, const struct tg_access *access)
{
	struct counts *counts = owner;

	counts->stored += access->bytes;
	return TG_GO;
}

static uint32_t say_read(void *owner, uint16_t port, unsigned bytes)
{
	return 0xe9;
}

static void say(void *owner, uint16_t port, unsigned bytes, uint32_t value)
{
	putchar((int)(value & 0xff));
}

static int fail(const struct tg_machine *machine, enum tg_error error)
{
	fprintf(stderr, "count: %s\n", *tg_machine_detail(machine) ? tg_machine_detail(machine) : tg_error_text(error));
	return 1;
}

int main(int argc, char **argv)
{
	struct tg_config config = {.size = sizeof(config), .board = TG_BOARD_BARE, .ram = 1 << 20};
	struct tg_ports console = {.size = sizeof(console), .read = say_read, .write = say};
	struct tg_stop stop = {.size = sizeof(stop)};
	struct counts counts = {0, 0};
	struct tg_machine *machine;
	enum tg_error error;
	uint64_t address = argc > 2 ? strtoull(argv[2], NULL, 0) : 0x7c00;

	if (argc < 2) {
		fputs("usage: count FILE [ADDRESS]\n", stderr);
		return 2;
	}
	error = tg_machine_new(&config, &machine, NULL, 0);
	if (error != TG_OK)
		return fail(NULL, error);
	error = tg_map_ports(machine, 0xe9, 1, &console);
	if (error == TG_OK)
		error = tg_load_flat(machine, argv[1], address);
	if (error == TG_OK)
		error = tg_start(machine, TG_MODE_IMAGE, 0);
	if (error == TG_OK)
		error = tg_hook_instruction(machine, on_instruction, &counts, NULL);
	if (error == TG_OK)
		error = tg_hook_memory(machine, 0, UINT64_MAX, TG_WRITES, on_store, &counts, NULL);
	if (error == TG_OK)
		error = tg_run(machine, 1000000, &stop);
	if (error != TG_OK) {
		int status = fail(machine, error);

		tg_machine_free(machine);
		return status;
	}
	printf("%s\n%" PRIu64 " instructions, %" PRIu64 " bytes stored\n", stop.text, counts.instructions,
	       counts.stored);
	tg_machine_free(machine);
	return 0;
}
