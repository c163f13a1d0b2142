/* The files of -initrd. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "guest/load.h"
#include "guest/place.h"

bool read_initrd(const struct load *l, const char *path, uint8_t **data, size_t *size)
{
	guest_reader *read = l->boot->read ? l->boot->read : guest_read_file;

	return read(path, data, size, l->why);
}

char *command_line(const struct load *l)
{
	const char *append = l->boot->append ? l->boot->append : "";
	size_t name = strlen(l->name), more = strlen(append);
	char *line = malloc(name + more + 2);

	if (!line) {
		diagnose(l->why, "%s: out of memory", l->name);
		return NULL;
	}
	memcpy(line, l->name, name + 1);
	if (more) {
		line[name] = ' ';
		memcpy(line + name + 1, append, more + 1);
	}
	return line;
}

/* The element of the list at *text, its doubled commas made single; *text goes behind it, NULL: it was the last. */
static char *next_element(const char **text)
{
	char *words = malloc(strlen(*text) + 1), *end = words;
	const char *c = *text;

	for (; words && *c && (*c != ',' || c[1] == ','); c++) {
		*end++ = *c;
		if (*c == ',')
			c++;
	}
	if (words)
		*end = '\0';
	*text = *c == ',' ? c + 1 : NULL;
	return words;
}

/* Behind the image and the modules before it; in what lies below the image if there is no room. */
static bool place_module(struct load *l, const char *path, struct module *m, const uint8_t *data)
{
	struct wish wish = {.size = m->size, .align = BUS_PAGE_SIZE, .from = HIGH_START, .to = FOUR_GIB};

	if (l->guest->end > wish.from)
		wish.from = l->guest->end;
	if (!space_find(l, &wish, &m->start)) {
		wish.from = 0x10000;
		if (!space_find(l, &wish, &m->start))
			return diagnose(l->why, "-initrd %s: no room in RAM for its %" PRIu64 " bytes; use -m", path,
					m->size);
	}
	if (!place_bytes(l->bus, m->start, data, m->size))
		return diagnose(l->why, "-initrd %s: 0x%" PRIx64 "+0x%" PRIx64 " could not be written", path, m->start,
				m->size);
	return space_take(l, m->start, m->start + m->size, 0);
}

/* The file's name is what stands before the first space. */
static bool load_module(struct load *l, struct module *m)
{
	char *space = strchr(m->words, ' ');
	uint8_t *data = NULL;
	size_t size = 0;
	bool ok;

	m->arguments = space ? space + 1 : "";
	if (space)
		*space = '\0';
	if (!m->words[0])
		return diagnose(l->why, "-initrd \"%s\": a file's name is missing; a comma inside a name is written ,,",
				l->boot->initrd);
	ok = read_initrd(l, m->words, &data, &size);
	m->size = size;
	ok = ok && place_module(l, m->words, m, data);
	free(data);
	if (space)
		*space = ' ';
	return ok;
}

bool modules_load(struct load *l, struct modules *modules)
{
	const char *text = l->boot->initrd;

	*modules = (struct modules){.count = 0};
	while (text) {
		struct module *list = realloc(modules->list, (modules->count + 1) * sizeof(*list));
		struct module *m;

		if (!list)
			return diagnose(l->why, "-initrd: out of memory");
		modules->list = list;
		m = &list[modules->count];
		*m = (struct module){.words = next_element(&text)};
		if (!m->words)
			return diagnose(l->why, "-initrd: out of memory");
		modules->count++;
		if (!load_module(l, m))
			return false;
		modules->text += strlen(m->words) + 1;
	}
	return true;
}

void modules_free(struct modules *modules)
{
	for (size_t i = 0; i < modules->count; i++)
		free(modules->list[i].words);
	free(modules->list);
	*modules = (struct modules){.count = 0};
}
