#include "testcase/moo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <zlib.h>

const char *const moo_reg_names[MOO_REGS] = {"ax", "bx", "cx", "dx", "cs", "ss", "ds",
					     "es", "sp", "bp", "si", "di", "ip", "flags"};

static uint32_t get32(const uint8_t *p)
{
	return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}
static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static bool unzip(struct moo_file *file, const char *path)
{
	gzFile gz = gzopen(path, "rb");
	size_t room = 1 << 20;
	int got = 0;

	if (!gz)
		return false;
	file->data = malloc(room);
	while (file->data && (got = gzread(gz, file->data + file->size, (unsigned)(room - file->size))) > 0) {
		file->size += (size_t)got;
		if (file->size < room)
			continue;
		room *= 2;
		uint8_t *bigger = realloc(file->data, room);
		if (!bigger)
			free(file->data);
		file->data = bigger;
	}
	gzclose(gz);
	return file->data && got == 0;
}

/* A chunk: id, length, body. */
struct chunk {
	char id[5];
	const uint8_t *body;
	uint32_t size;
};

static bool next_chunk(const uint8_t *data, size_t size, size_t *at, struct chunk *c)
{
	if (size - *at < 8)
		return false;
	memcpy(c->id, data + *at, 4);
	c->id[4] = 0;
	c->size = get32(data + *at + 4);
	c->body = data + *at + 8;
	if (c->size > size - *at - 8)
		return false;
	*at += 8 + c->size;
	return true;
}

bool moo_open(struct moo_file *file, const char *path)
{
	struct chunk c;

	*file = (struct moo_file){.data = NULL};
	if (unzip(file, path) && next_chunk(file->data, file->size, &file->at, &c) && !strcmp(c.id, "MOO ") &&
	    c.size >= 8) {
		file->count = get32(c.body + 4);
		return true;
	}
	moo_close(file);
	return false;
}

void moo_close(struct moo_file *file)
{
	free(file->data);
	file->data = NULL;
}

static bool read_registers(struct moo_state *s, const struct chunk *c)
{
	unsigned mask = c->size >= 2 ? get16(c->body) : 0;
	size_t at = 2;

	for (unsigned i = 0; i < MOO_REGS; i++) {
		if (!(mask >> i & 1))
			continue;
		if (at + 2 > c->size)
			return false;
		s->reg[i] = get16(c->body + at);
		at += 2;
	}
	return true;
}

static bool read_ram(struct moo_state *s, const struct chunk *c)
{
	unsigned n = c->size >= 4 ? get32(c->body) : 0;

	if (n > MOO_MAX_RAM || c->size < 4 + n * 5)
		return false;
	s->ram_count = n;
	for (unsigned i = 0; i < n; i++)
		s->ram[i] = (struct moo_byte){get32(c->body + 4 + i * 5), c->body[8 + i * 5]};
	return true;
}

static bool read_state(struct moo_state *s, const struct chunk *state)
{
	size_t at = 0;
	struct chunk c;
	bool ok = true;

	s->ram_count = 0;
	while (ok && next_chunk(state->body, state->size, &at, &c)) {
		if (!strcmp(c.id, "REGS"))
			ok = read_registers(s, &c);
		else if (!strcmp(c.id, "RAM "))
			ok = read_ram(s, &c);
	}
	return ok && at == state->size;
}

static bool read_part(struct moo_test *t, const struct chunk *c)
{
	if (!strcmp(c->id, "INIT")) {
		if (!read_state(&t->init, c))
			return false;
		memcpy(t->final.reg, t->init.reg, sizeof(t->final.reg));
	} else if (!strcmp(c->id, "FINA")) {
		return read_state(&t->final, c);
	} else if (!strcmp(c->id, "NAME") && c->size >= 4) {
		snprintf(t->name, sizeof(t->name), "%.*s", (int)(c->size - 4), (const char *)c->body + 4);
	} else if (!strcmp(c->id, "BYTS") && c->size >= 4 && c->size - 4 <= MOO_MAX_BYTES) {
		t->size = c->size - 4;
		memcpy(t->bytes, c->body + 4, t->size);
	} else if (!strcmp(c->id, "EXCP") && c->size >= 5) {
		t->exception = true;
		t->vector = c->body[0];
		t->flags_address = get32(c->body + 1);
	} else if (!strcmp(c->id, "HASH") && c->size == sizeof(t->hash)) {
		memcpy(t->hash, c->body, sizeof(t->hash));
	}
	return true;
}

bool moo_next(struct moo_file *file, struct moo_test *test, bool *bad)
{
	struct chunk c, part;
	size_t at = 4;

	*bad = false;
	do {
		if (*bad || file->at == file->size)
			return false;
		*bad = !next_chunk(file->data, file->size, &file->at, &c) || c.size < 4;
	} while (*bad || strcmp(c.id, "TEST") != 0);
	memset(test, 0, offsetof(struct moo_test, init));
	test->exception = false;
	test->index = get32(c.body);
	while (!*bad && at != c.size)
		*bad = !next_chunk(c.body, c.size, &at, &part) || !read_part(test, &part);
	return !*bad;
}

/* ---- metadata ---- */
struct moo_metadata {
	json_t *root;
	unsigned revoked_count;
	uint8_t (*revoked)[20];
};

/* Lines of 40 hexadecimal digits; others are comments. */
static bool read_revocations(struct moo_metadata *m, const char *path)
{
	char line[256];
	FILE *f = fopen(path, "r");

	if (!f)
		return false;
	while (fgets(line, sizeof(line), f)) {
		if (strspn(line, "0123456789abcdefABCDEF") != 40)
			continue;
		uint8_t(*more)[20] = realloc(m->revoked, (m->revoked_count + 1) * sizeof(*more));
		if (!more)
			break;
		m->revoked = more;
		for (unsigned i = 0; i < 20; i++) {
			unsigned byte;
			sscanf(line + i * 2, "%2x", &byte);
			more[m->revoked_count][i] = (uint8_t)byte;
		}
		m->revoked_count++;
	}
	fclose(f);
	return true;
}

struct moo_metadata *moo_metadata_new(const char *folder)
{
	struct moo_metadata *m = calloc(1, sizeof(*m));
	char path[4096];

	if (!m)
		return NULL;
	snprintf(path, sizeof(path), "%s/metadata.json", folder);
	m->root = json_load_file(path, 0, NULL);
	snprintf(path, sizeof(path), "%s/revocation_list.txt", folder);
	if (m->root && read_revocations(m, path))
		return m;
	moo_metadata_free(m);
	return NULL;
}

void moo_metadata_free(struct moo_metadata *m)
{
	json_decref(m->root);
	free(m->revoked);
	free(m);
}

bool moo_is_286(const struct moo_metadata *m)
{
	const char *cpu = json_string_value(json_object_get(m->root, "cpu"));

	return cpu && !strcmp(cpu, "286");
}

bool moo_flags_mask(const struct moo_metadata *m, const char *form, uint16_t *mask)
{
	const char *dot = strchr(form, '.');
	char opcode[8];

	snprintf(opcode, sizeof(opcode), "%.*s", dot ? (int)(dot - form) : (int)strlen(form), form);
	const json_t *entry = json_object_get(json_object_get(m->root, "opcodes"), opcode);
	if (dot)
		entry = json_object_get(json_object_get(entry, "reg"), dot + 1);
	const json_t *value = json_object_get(entry, "flags-mask");
	*mask = value ? (uint16_t)json_integer_value(value) : 0xffff;
	return entry != NULL;
}

bool moo_revoked(const struct moo_metadata *m, const uint8_t hash[20])
{
	for (unsigned i = 0; i < m->revoked_count; i++)
		if (memcmp(m->revoked[i], hash, 20) == 0)
			return true;
	return false;
}
