#include "guest/lines.h"

#include <elfutils/libdw.h>
#include <stdlib.h>
#include <string.h>

/* The file's name without its folder, kept once; NULL: out of memory. */
static const char *keep_name(struct lines *lines, const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	char **names, *copy;

	for (size_t i = lines->name_count; i-- > 0;)
		if (strcmp(lines->names[i], name) == 0)
			return lines->names[i];
	names = realloc(lines->names, (lines->name_count + 1) * sizeof(*names));
	if (!names)
		return NULL;
	lines->names = names;
	copy = strdup(name);
	if (copy)
		lines->names[lines->name_count++] = copy;
	return copy;
}

static bool add(struct lines *lines, struct line line)
{
	if (lines->count == lines->room) {
		size_t room = lines->room ? lines->room * 2 : 256;
		struct line *list = realloc(lines->list, room * sizeof(*list));

		if (!list)
			return false;
		lines->list = list;
		lines->room = room;
	}
	lines->list[lines->count++] = line;
	return true;
}

static bool add_unit(struct lines *lines, Dwarf_Lines *table, size_t count)
{
	const char *last_path = NULL, *last_name = NULL; /* tables name one file many times in a row */

	for (size_t i = 0; i < count; i++) {
		Dwarf_Line *entry = dwarf_onesrcline(table, i);
		const char *path = dwarf_linesrc(entry, NULL, NULL);
		struct line line = {0};
		Dwarf_Addr address;
		bool end = false;
		int number = 0;

		if (!entry || !path || dwarf_lineaddr(entry, &address) != 0 || dwarf_lineno(entry, &number) != 0)
			continue;
		line.address = address;
		dwarf_lineendsequence(entry, &end);
		if (!end && number > 0) {
			line.line = (unsigned)number;
			if (path != last_path)
				last_name = keep_name(lines, path);
			last_path = path;
			line.file = last_name;
			if (!line.file)
				return false;
		}
		if (!add(lines, line))
			return false;
	}
	return true;
}

/* By address; the end of one sequence before the start of the next one; then as in the table. */
static int compare(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	if (!x->file != !y->file)
		return x->file ? 1 : -1;
	return x->line < y->line ? -1 : x->line > y->line;
}

bool lines_read(struct lines *lines, char *bytes, size_t size)
{
	Elf *elf;
	Dwarf *dwarf;
	Dwarf_CU *unit = NULL;
	Dwarf_Die die;
	bool ok = true;

	elf_version(EV_CURRENT);
	elf = elf_memory(bytes, size);
	dwarf = elf ? dwarf_begin_elf(elf, DWARF_C_READ, NULL) : NULL;
	while (dwarf && ok && dwarf_get_units(dwarf, unit, &unit, NULL, NULL, &die, NULL) == 0) {
		Dwarf_Lines *table;
		size_t count;

		if (dwarf_getsrclines(&die, &table, &count) == 0)
			ok = add_unit(lines, table, count);
	}
	dwarf_end(dwarf);
	elf_end(elf);
	if (lines->count)
		qsort(lines->list, lines->count, sizeof(lines->list[0]), compare);
	return ok;
}

bool lines_find(const struct lines *lines, uint64_t address, const char **file, unsigned *line)
{
	size_t low = 0, high = lines->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (lines->list[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || !lines->list[low - 1].file)
		return false;
	*file = lines->list[low - 1].file;
	*line = lines->list[low - 1].line;
	return true;
}

void lines_free(struct lines *lines)
{
	for (size_t i = 0; i < lines->name_count; i++)
		free(lines->names[i]);
	free(lines->names);
	free(lines->list);
	*lines = (struct lines){0};
}
