/* SingleStepTests' JSON: [{"name": ..., "bytes": [...], "initial": {"regs": {"ax": 0, ...}, "ram": [[address, value],
 * ...]}, "final": {...: what changed}, "exception": {"number": 13, "flag_addr": ...}}, ...]. */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <zlib.h>

#include "testcase/vectors.h"

static size_t read_zipped(void *buffer, size_t size, void *owner)
{
	int got = gzread(owner, buffer, (unsigned)size);

	return got < 0 ? (size_t)-1 : (size_t)got;
}

bool sst_open(struct sst_file *file, const char *path, struct arena *arena, const char **why)
{
	gzFile gz = gzopen(path, "rb"); /* reads plain files too */
	json_error_t error;

	*file = (struct sst_file){NULL, 0, 0};
	if (!gz) {
		*why = "cannot be read";
		return false;
	}
	file->root = json_load_callback(read_zipped, gz, 0, &error);
	gzclose(gz);
	if (file->root && json_is_array((json_t *)file->root)) {
		file->count = json_array_size(file->root);
		return true;
	}
	*why = file->root ? "no list of tests"
			  : arena_print(arena, "line %d, column %d: %s", error.line, error.column, error.text);
	sst_close(file);
	return false;
}

void sst_close(struct sst_file *file)
{
	if (file->root)
		json_decref(file->root);
	file->root = NULL;
}

static bool number(const json_t *value, uint64_t most, uint64_t *n)
{
	*n = (uint64_t)json_integer_value(value);
	return json_is_integer(value) && json_integer_value(value) >= 0 && *n <= most;
}

static const char *read_registers(struct moo_state *s, json_t *regs)
{
	const char *name;
	json_t *value;
	uint64_t n;

	json_object_foreach(regs, name, value)
	{
		unsigned i = 0;
		while (i < MOO_REGS && strcmp(moo_reg_names[i], name) != 0)
			i++;
		if (i == MOO_REGS)
			return "a register that a 16-bit processor does not have (32-bit tests are not read)";
		if (!number(value, 0xffff, &n))
			return "a register's value is no number of 16 bits";
		s->reg[i] = (uint16_t)n;
	}
	return NULL;
}

static const char *read_memory(struct moo_state *s, const json_t *ram)
{
	s->ram_count = 0;
	if (json_array_size(ram) > MOO_MAX_RAM)
		return "more bytes of memory than 1024";
	for (size_t i = 0; i < json_array_size(ram); i++) {
		const json_t *pair = json_array_get(ram, i);
		uint64_t address, value;
		if (!number(json_array_get(pair, 0), UINT32_MAX, &address) ||
		    !number(json_array_get(pair, 1), 255, &value))
			return "memory is pairs of address and byte";
		s->ram[s->ram_count++] = (struct moo_byte){(uint32_t)address, (uint8_t)value};
	}
	return NULL;
}

static const char *read_state(struct moo_state *s, const json_t *state)
{
	const char *why = json_is_object(state) ? NULL : "no state 'initial' or 'final'";

	if (!why)
		why = read_registers(s, json_object_get(state, "regs"));
	return why ? why : read_memory(s, json_object_get(state, "ram"));
}

static const char *read_test(struct moo_test *t, const json_t *test)
{
	const json_t *bytes = json_object_get(test, "bytes"), *exception = json_object_get(test, "exception");
	const char *name = json_string_value(json_object_get(test, "name")), *why;
	uint64_t n;

	snprintf(t->name, sizeof(t->name), "%s", name ? name : "");
	if (json_array_size(bytes) > MOO_MAX_BYTES)
		return "an instruction of more than 16 bytes";
	for (t->size = 0; t->size < json_array_size(bytes); t->size++) {
		if (!number(json_array_get(bytes, t->size), 255, &n))
			return "a byte is no number below 256";
		t->bytes[t->size] = (uint8_t)n;
	}
	if (exception) {
		t->exception = true;
		if (!number(json_object_get(exception, "number"), 255, &n))
			return "an exception without its number";
		t->vector = (uint8_t)n;
	}
	if ((why = read_state(&t->init, json_object_get(test, "initial"))))
		return why;
	memcpy(t->final.reg, t->init.reg, sizeof(t->final.reg));
	return read_state(&t->final, json_object_get(test, "final"));
}

bool sst_next(struct sst_file *file, struct moo_test *test, struct arena *arena, const char **why)
{
	const char *wrong;

	*why = NULL;
	if (file->at == file->count)
		return false;
	memset(test, 0, sizeof(*test));
	test->index = (uint32_t)file->at;
	wrong = read_test(test, json_array_get(file->root, file->at++));
	if (wrong)
		*why = arena_print(arena, "test %u: %s", test->index, wrong);
	return wrong == NULL;
}
