/* Guests: loaded as the command line does. */
#include <inttypes.h>
#include <stdlib.h>

#include "api/api.h"
#include "machine/boot.h"

#define REAL_MODE_REACH UINT64_C(0xfffff)

struct file {
	const char *path;
	uint8_t *data;
	size_t size;
};

static bool load_kernel(struct machine *m, const struct file *f, const char *append, const char *initrd,
			struct diagnostic *why)
{
	struct boot_board board;
	struct boot boot = {.append = append, .initrd = initrd, .board = &board};

	return machine_like_firmware(m, why) && machine_boot_board(m, &board, why) &&
	       guest_load_kernel(m->bus, f->path, f->data, f->size, &boot, &m->guest, why);
}

/* Reads the file whole. */
static enum tg_error read_whole(struct tg_machine *tg, struct file *f)
{
	struct diagnostic why = {""};
	enum tg_error error;

	if (!tg || !f->path)
		return TG_ERROR_ARGUMENT;
	error = api_stands(tg);
	if (error == TG_OK && !guest_read_file(f->path, &f->data, &f->size, &why))
		error = api_fail_why(tg, TG_ERROR_FILE, &why);
	return error;
}

static enum tg_error loaded(struct tg_machine *tg, struct file *f, bool ok, const struct diagnostic *why)
{
	free(f->data);
	return ok ? TG_OK : api_fail_why(tg, TG_ERROR_FILE, why);
}

enum tg_error tg_load_kernel(struct tg_machine *tg, const char *path, const char *append, const char *initrd)
{
	struct file f = {.path = path};
	struct diagnostic why = {""};
	enum tg_error error = read_whole(tg, &f);

	if (error != TG_OK)
		return error;
	return loaded(tg, &f, load_kernel(tg->m, &f, append, initrd, &why), &why);
}

enum tg_error tg_load_flat(struct tg_machine *tg, const char *path, uint64_t address)
{
	struct file f = {.path = path};
	struct diagnostic why = {""};
	enum tg_error error = read_whole(tg, &f);
	bool ok;

	if (error != TG_OK)
		return error;
	ok = machine_like_firmware(tg->m, &why) &&
	     guest_load_flat(tg->m->bus, path, f.data, f.size, address, &tg->m->guest, &why);
	if (ok) {
		tg->m->guest.mode = START_REAL;
		tg->m->guest.entry = address;
	}
	return loaded(tg, &f, ok, &why);
}

enum tg_error tg_load_rom(struct tg_machine *tg, const char *path)
{
	struct file f = {.path = path};
	struct diagnostic why = {""};
	enum tg_error error = read_whole(tg, &f);

	if (error != TG_OK)
		return error;
	return loaded(tg, &f, guest_load_rom(tg->m->bus, path, f.data, f.size, &tg->m->guest, &why), &why);
}

enum tg_error tg_start(struct tg_machine *tg, enum tg_mode mode, uint64_t entry)
{
	static const enum start_mode modes[] = {
		[TG_MODE_RESET] = START_RESET,
		[TG_MODE_REAL] = START_REAL,
		[TG_MODE_PROT16] = START_PROT16,
		[TG_MODE_PROT32] = START_PROT32,
	};
	struct guest *guest;
	enum tg_error error;

	if (!tg || (unsigned)mode > TG_MODE_PROT32)
		return TG_ERROR_ARGUMENT;
	error = api_stands(tg);
	if (error != TG_OK)
		return error;
	if (tg->m->clock.now != 0)
		return api_fail(tg, TG_ERROR_BUSY, "the machine has run already: make another one");
	guest = &tg->m->guest;
	if (mode != TG_MODE_IMAGE) {
		guest->mode = modes[mode];
		guest->entry = mode == TG_MODE_RESET ? 0 : entry;
	}
	if ((guest->mode == START_REAL && guest->entry > REAL_MODE_REACH) || guest->entry > UINT32_MAX)
		return api_fail(tg, TG_ERROR_VALUE, "the entry point 0x%" PRIx64 " is out of reach in this mode",
				guest->entry);
	machine_start(tg->m);
	return TG_OK;
}
