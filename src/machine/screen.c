#include "machine/screen.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "machine/machine.h"

#define TEXT_SIZE (VGA_MAX_ROWS * (VGA_MAX_COLUMNS * 3 + 1) + 1)

size_t screen_text(const struct machine *m, char *text, size_t size)
{
	struct vga_screen screen;
	int length;

	if (!m->board.vga)
		return (size_t)snprintf(text, size, "(no display adapter)\n");
	vga_screen(m->board.vga, &screen);
	if (!screen.on)
		length = snprintf(text, size, "(the screen is dark)\n");
	else if (screen.graphics)
		length = snprintf(text, size, "(graphics: %u x %u pixels, %u colors)\n", screen.pixel_width,
				  screen.pixel_height, screen.colors);
	else
		return vga_screen_text(&screen, text, size);
	return (size_t)length;
}

bool screen_open(struct screen *s, struct diagnostic *why)
{
	for (unsigned i = 0; i < s->dumps; i++) {
		struct screen_dump *d = &s->dump[i];

		d->file = strcmp(d->path, "-") == 0 ? stdout : fopen(d->path, "wb");
		if (!d->file)
			return diagnose(why, "--screen %s: %s", d->path, strerror(errno));
	}
	return true;
}

uint64_t screen_next(const struct screen *s)
{
	uint64_t next = UINT64_MAX;

	for (unsigned i = 0; i < s->dumps; i++)
		if (s->dump[i].timed && !s->dump[i].written && s->dump[i].insn < next)
			next = s->dump[i].insn;
	return next;
}

/* A file holds the screen of the last time it was written; a pipe and the terminal get all of them. */
static void write_dump(struct machine *m, struct screen_dump *d)
{
	char text[TEXT_SIZE];
	size_t length = screen_text(m, text, sizeof(text));
	long at = ftell(d->file);

	if (at > 0 && d->file != stdout && (fseek(d->file, 0, SEEK_SET) != 0 || ftruncate(fileno(d->file), 0) != 0))
		d->failed = true;
	if (fwrite(text, 1, length, d->file) != length || fflush(d->file) != 0)
		d->failed = true;
	if (d->failed && !d->error)
		d->error = errno;
	d->written = true;
}

static void write_untimed(struct machine *m)
{
	struct screen_dump to_stderr = {.file = stderr};
	bool any = false;

	for (unsigned i = 0; i < m->screen.dumps; i++) {
		if (m->screen.dump[i].timed)
			continue;
		write_dump(m, &m->screen.dump[i]);
		any = true;
	}
	if (!any)
		write_dump(m, &to_stderr);
}

void screen_step(struct machine *m)
{
	uint64_t retired = machine_retired(m);

	if (m->screen.requested) {
		m->screen.requested = 0;
		write_untimed(m);
	}
	if (retired < screen_next(&m->screen))
		return;
	for (unsigned i = 0; i < m->screen.dumps; i++) {
		struct screen_dump *d = &m->screen.dump[i];

		if (d->timed && !d->written && d->insn <= retired)
			write_dump(m, d);
	}
}

static bool close_dump(struct machine *m, struct screen_dump *d, struct diagnostic *why)
{
	if (!d->file)
		return true;
	if (!d->timed)
		write_dump(m, d);
	if (d->file != stdout && fclose(d->file) != 0 && !d->failed) {
		d->failed = true;
		d->error = errno;
	}
	d->file = NULL;
	if (d->failed)
		return diagnose(why, "--screen %s: the screen could not be written: %s", d->path, strerror(d->error));
	return d->written || diagnose(why, "--screen %s@insn:%" PRIu64 ": the run ended after %" PRIu64 " instructions",
				      d->path, d->insn, machine_retired(m));
}

bool screen_close(struct machine *m, struct diagnostic *why)
{
	bool good = true;

	screen_step(m);
	for (unsigned i = 0; i < m->screen.dumps; i++)
		good = close_dump(m, &m->screen.dump[i], good ? why : &(struct diagnostic){""}) && good;
	return good;
}
