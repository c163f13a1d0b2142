#include "machine/console.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "machine/machine.h"

#define SECOND  UINT64_C(1000000000)
#define LOOK    (SECOND / CONSOLE_HZ)
#define TITLE   SECOND
#define SLICE   UINT64_C(10000000) /* serial input is looked for so often during a wait */
#define LONGEST 8u                 /* bytes of the longest key */

uint64_t console_host_time(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

/* ---- keys ---- */

/* Is there a key for the keyboard, whose buffer has room for it? */
static bool key_waits(struct machine *m)
{
	struct console *c = &m->console;

	if (m->board.kbc.keyboard.out.count + LONGEST > PS2_KEYS)
		return false;
	if (!c->has_key)
		c->has_key = c->ops->next(c->display, &c->key);
	return c->has_key;
}

static void feed(struct machine *m)
{
	while (key_waits(m)) {
		m->console.has_key = false;
		i8042_key(&m->board.kbc, m->console.key.key, m->console.key.down);
	}
}

bool console_may_interrupt(const struct machine *m)
{
	uint8_t command = m->board.kbc.ram[0];

	return m->console.ops && (command & I8042_CB_INT) && !(command & I8042_CB_DISABLE);
}

/* ---- the picture ---- */
static void make_title(struct machine *m, uint64_t now)
{
	struct console *c = &m->console;
	uint64_t retired = machine_retired(m);
	const char *name = c->name ? c->name : "", *space = c->name ? " " : "";
	uint64_t took = now - c->title_time, done = retired - c->title_retired;

	if (m->end.kind != END_NONE)
		snprintf(c->title, sizeof(c->title), "Trapgate%s%.32s: %.80s", space, name, m->end.text);
	else if (c->title_time == 0)
		snprintf(c->title, sizeof(c->title), "Trapgate%s%.32s", space, name);
	else if (took < TITLE)
		return;
	else if (done < took / SECOND * 100000)
		snprintf(c->title, sizeof(c->title), "Trapgate%s%.32s: waiting", space, name);
	else
		snprintf(c->title, sizeof(c->title), "Trapgate%s%.32s: running, %.1f million instructions a second", space,
			 name, (double)done * 1000 / (double)took);
	c->title_time = now;
	c->title_retired = retired;
}

static void show(struct machine *m, uint64_t now)
{
	struct console *c = &m->console;

	make_title(m, now);
	c->ops->show(c->display, &(struct console_view){m->board.vga, c->title, m->end.kind != END_NONE});
}

static void look(struct machine *m, uint64_t now)
{
	struct console *c = &m->console;

	c->next_look = now + LOOK;
	c->ops->wait(c->display, 0);
	show(m, now);
	if (c->ops->closed(c->display))
		machine_finish(m, END_CLOSED, 0, "the display was closed");
}

void console_step(struct machine *m)
{
	uint64_t now;

	if (!m->console.ops)
		return;
	now = console_host_time();
	if (now >= m->console.next_look)
		look(m, now);
	feed(m);
}

uint64_t console_wait(struct machine *m, uint64_t ns)
{
	struct console *c = &m->console;
	uint64_t start = console_host_time(), now = start;

	while (now - start < ns && !m->interrupted && m->end.kind == END_NONE) {
		uint64_t rest = ns - (now - start);

		if (now >= c->next_look)
			look(m, now);
		if (key_waits(m))
			return now - start;
		if (board_input_waits(m))
			return ns;
		c->ops->wait(c->display, rest < SLICE ? rest : SLICE);
		now = console_host_time();
	}
	return ns;
}

void console_finish(struct machine *m, uint64_t until)
{
	struct console *c = &m->console;
	uint64_t now = console_host_time();

	if (!c->ops)
		return;
	c->title_time = 0;
	look(m, now);
	while (m->end.kind == END_DEAD_HALT && !c->ops->closed(c->display) && !m->interrupted &&
	       (!until || now < until)) {
		c->ops->wait(c->display, LOOK);
		now = console_host_time();
		look(m, now);
		screen_step(m);
	}
}
