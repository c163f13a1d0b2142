#define _GNU_SOURCE
#include "testcase/assemble.h"

#include <ctype.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define LONGEST_SECONDS 10u
#define MOST_OBJECT     (8u << 20)

/* ---- the assembler's input ---- */
struct source {
	struct arena *arena;
	char *text;
	size_t used, room;
	unsigned lines;
};

static void out(struct source *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void out(struct source *s, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	const char *text = arena_vprint(s->arena, format, arguments);
	va_end(arguments);
	size_t n = strlen(text);
	if (s->used + n + 1 > s->room) {
		size_t room = (s->used + n + 1) * 2;
		char *bigger = arena_alloc(s->arena, room);
		if (s->used)
			memcpy(bigger, s->text, s->used);
		s->text = bigger;
		s->room = room;
	}
	memcpy(s->text + s->used, text, n + 1);
	s->used += n;
	for (const char *p = text; (p = strchr(p, '\n')); p++)
		s->lines++;
}

/* Does the code name it?  Then only is it in the input, so that cases whose code is the same share it. */
static bool names_word(const struct scene *scene, const char *word)
{
	size_t n = strlen(word);

	for (unsigned i = 0; i < scene->codes; i++) {
		const char *text = scene->code[i].text;
		for (const char *p = text; (p = strstr(p, word)); p++)
			if ((p == text || !(isalnum((unsigned char)p[-1]) || p[-1] == '_')) &&
			    !(isalnum((unsigned char)p[n]) || p[n] == '_'))
				return true;
	}
	return false;
}

/* Places, selectors and the case's numbers as symbols. */
static void out_symbols(struct source *s, const struct scene *scene, struct scope *scope)
{
	static const char *const names[] = {
		"gdt",    "ldt",  "idt",  "tss",  "code", "data", "tables", "stack0", "stack1", "stack2",
		"stack3", "cs0",  "ds0",  "cs1",  "ds1",  "cs2",  "ds2",    "cs3",    "ds3",    "ist1",
		"ist2",   "ist3", "ist4", "ist5", "ist6", "ist7", "cs32_0", "cs32_1", "cs32_2", "cs32_3"};
	int64_t value;

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names_word(scene, names[i]) && scene_name(scene, names[i], strlen(names[i]), &value))
			out(s, ".set %s, %" PRId64 "\n", names[i], value);
	for (const struct param *p = scene->params; p; p = p->next)
		if (names_word(scene, p->name) && (p->number || expr_try(scope, scene->node, p->text, &value)))
			out(s, ".set %s, %" PRId64 "\n", p->name, p->number ? p->value : value);
}

static const char *write_source(struct scene *scene)
{
	struct source s = {.arena = scene->arena};
	struct scope scope = scene_scope(scene);

	out(&s, ".intel_syntax noprefix\n");
	if (scene_is_long(scene)) /* another object for the same text */
		out(&s, "# --64\n");
	out_symbols(&s, scene, &scope);
	for (unsigned i = 0; i < scene->codes; i++) {
		struct code *c = &scene->code[i];
		if (c->hex)
			continue;
		out(&s, ".section .t%u,\"ax\",@progbits\n.code%u\n", i, c->bits);
		c->first_line = s.lines + 1;
		out(&s, "%s\n", c->text);
		if (i == 0)
			out(&s, ".section .t0\n.ifndef end\nend:\n.endif\n");
	}
	return s.text;
}

/* ---- running GNU as ---- */
static const struct code *code_of_line(const struct scene *scene, unsigned line)
{
	const struct code *found = NULL;

	for (unsigned i = 0; i < scene->codes; i++)
		if (!scene->code[i].hex && scene->code[i].first_line <= line)
			found = &scene->code[i];
	return found;
}

/* "file:12: Error: no such instruction: `foo'": each at its line in the test file. */
static void report(struct scene *scene, char *messages)
{
	unsigned before = scene->problems->count;
	char *rest = NULL;

	for (char *line = strtok_r(messages, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char *error = strstr(line, " Error: "), *number = error;
		if (!error)
			continue;
		while (number > line && number[-1] != ':')
			number--;
		if (number == line)
			continue;
		for (number--; number > line && number[-1] != ':'; number--)
			;
		const struct code *c = code_of_line(scene, (unsigned)strtoul(number, NULL, 10));
		if (!c)
			continue;
		struct place at = c->node->start;
		at.line += (unsigned)strtoul(number, NULL, 10) - c->first_line + (c->node->block ? 1 : 0);
		at.column = c->node->block ? 1 : at.column;
		problem_at(scene->problems, c->node->file, at, "the assembler says: %s", error + strlen(" Error: "));
	}
	if (scene->problems->count == before)
		problem(scene->problems, scene->code[0].node, "the code cannot be assembled: %.200s", messages);
}

/* In the child: not for ever, not much memory, no large files. */
static void limit_child(int messages)
{
	struct rlimit cpu = {LONGEST_SECONDS, LONGEST_SECONDS}, memory = {1u << 30, 1u << 30},
		      file = {MOST_OBJECT, MOST_OBJECT};
	int null = open("/dev/null", O_RDONLY);

	setrlimit(RLIMIT_CPU, &cpu);
	setrlimit(RLIMIT_AS, &memory);
	setrlimit(RLIMIT_FSIZE, &file);
	alarm(LONGEST_SECONDS);
	signal(SIGXFSZ, SIG_DFL);
	dup2(null, 0);
	dup2(messages, 1);
	dup2(messages, 2);
}

static char *read_messages(struct arena *arena, int from)
{
	static const size_t room = 16384;
	char *text = arena_alloc(arena, room + 1), waste[512];
	size_t used = 0;
	ssize_t n;

	while ((n = used < room ? read(from, text + used, room - used) : read(from, waste, sizeof(waste))) > 0 ||
	       (n < 0 && errno == EINTR))
		used += n > 0 && used < room ? (size_t)n : 0;
	return text;
}

static bool run_as(struct scene *scene, const char *input, const char *output)
{
	int pipes[2], status = 0;

	if (pipe2(pipes, O_CLOEXEC) != 0)
		return problem(scene->problems, scene->code[0].node, "no pipe for the assembler: %s", strerror(errno));
	pid_t child = fork();
	if (child == 0) {
		limit_child(pipes[1]);
		execlp("as", "as", scene_is_long(scene) ? "--64" : "--32", "-o", output, input, (char *)NULL);
		dprintf(2, "GNU as cannot be started; install binutils\n");
		_exit(127);
	}
	close(pipes[1]);
	char *messages = child > 0 ? read_messages(scene->arena, pipes[0]) : arena_copy(scene->arena, "no process", 10);
	close(pipes[0]);
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	if (child > 0 && WIFSIGNALED(status))
		messages = arena_print(scene->arena, "it ran for more than %u seconds or wanted too much memory",
				       LONGEST_SECONDS);
	report(scene, messages);
	return false;
}

/* ---- the object file: ELF of 32 bits, or of 64 for IA-32e mode ---- */
struct section {
	uint32_t name, type, link, info;
	uint64_t offset, size;
};

struct object {
	const uint8_t *data;
	size_t size;
	bool wide;
	struct section *sections;
	unsigned count;
	const char *names;
	size_t names_size;
};

struct symbol {
	uint32_t name;
	uint16_t section;
	uint8_t type;
	uint64_t value;
};

static bool inside(const struct object *o, uint64_t at, uint64_t size)
{
	return at <= o->size && size <= o->size - at;
}

static struct section section_at(const struct object *o, uint64_t at)
{
	Elf64_Shdr wide;
	Elf32_Shdr h;

	if (o->wide) {
		memcpy(&wide, o->data + at, sizeof(wide));
		return (struct section){wide.sh_name, wide.sh_type,   wide.sh_link,
					wide.sh_info, wide.sh_offset, wide.sh_size};
	}
	memcpy(&h, o->data + at, sizeof(h));
	return (struct section){h.sh_name, h.sh_type, h.sh_link, h.sh_info, h.sh_offset, h.sh_size};
}

/* Where the section headers lie, how many, and which holds their names. */
static bool read_head(struct object *o, uint64_t *at, unsigned *names)
{
	Elf64_Ehdr wide;
	Elf32_Ehdr h;

	if (!inside(o, 0, sizeof(wide)) || memcmp(o->data, ELFMAG, SELFMAG) != 0)
		return false;
	memcpy(&wide, o->data, sizeof(wide));
	memcpy(&h, o->data, sizeof(h));
	o->wide = o->data[EI_CLASS] == ELFCLASS64;
	*at = o->wide ? wide.e_shoff : h.e_shoff;
	*names = o->wide ? wide.e_shstrndx : h.e_shstrndx;
	o->count = o->wide ? wide.e_shnum : h.e_shnum;
	uint64_t size = o->wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
	return (o->wide ? wide.e_shentsize : h.e_shentsize) == size && *names < o->count &&
	       inside(o, *at, o->count * size);
}

static bool open_object(struct object *o, struct arena *arena)
{
	unsigned names;
	uint64_t at;

	if (!read_head(o, &at, &names))
		return false;
	o->sections = arena_alloc(arena, o->count * sizeof(o->sections[0]));
	for (unsigned i = 0; i < o->count; i++) {
		o->sections[i] = section_at(o, at + i * (o->wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr)));
		if (o->sections[i].type != SHT_NOBITS && !inside(o, o->sections[i].offset, o->sections[i].size))
			return false;
	}
	o->names = (const char *)o->data + o->sections[names].offset;
	o->names_size = o->sections[names].size;
	return o->names_size > 0 && o->names[o->names_size - 1] == 0;
}

/* The block of code a section holds; -1: another section. */
static int block_of(const struct object *o, const struct scene *scene, unsigned section)
{
	unsigned block;
	char rest;

	if (section >= o->count || o->sections[section].name >= o->names_size ||
	    o->sections[section].type != SHT_PROGBITS ||
	    sscanf(o->names + o->sections[section].name, ".t%u%c", &block, &rest) != 1 || block >= scene->codes)
		return -1;
	return (int)block;
}

struct symbols {
	uint64_t at;
	unsigned count;
	const char *names;
	size_t names_size;
};

static bool find_symbols(const struct object *o, struct symbols *s)
{
	for (unsigned i = 0; i < o->count; i++) {
		const struct section *h = &o->sections[i];
		if (h->type != SHT_SYMTAB || h->link >= o->count)
			continue;
		s->at = h->offset;
		s->count = (unsigned)(h->size / (o->wide ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym)));
		s->names = (const char *)o->data + o->sections[h->link].offset;
		s->names_size = o->sections[h->link].size;
		return s->names_size > 0 && s->names[s->names_size - 1] == 0;
	}
	return true; /* code that needs none has none */
}

static struct symbol symbol_at(const struct object *o, const struct symbols *s, unsigned index)
{
	Elf64_Sym wide;
	Elf32_Sym y;

	if (o->wide) {
		memcpy(&wide, o->data + s->at + index * sizeof(wide), sizeof(wide));
		return (struct symbol){wide.st_name, wide.st_shndx, ELF64_ST_TYPE(wide.st_info), wide.st_value};
	}
	memcpy(&y, o->data + s->at + index * sizeof(y), sizeof(y));
	return (struct symbol){y.st_name, y.st_shndx, ELF32_ST_TYPE(y.st_info), y.st_value};
}

/* What the assembler's symbol is worth: an offset in its segment, or a plain number. */
static bool symbol_value(struct scene *scene, const struct object *o, const struct symbols *s, unsigned index,
			 uint64_t *value, bool note)
{
	if (index >= s->count)
		return false;
	struct symbol y = symbol_at(o, s, index);
	int block = block_of(o, scene, y.section);

	*value = y.value;
	if (y.section == SHN_ABS)
		return true;
	if (block >= 0) {
		*value += scene->code[block].at - scene->code[block].base;
		return true;
	}
	if (note && y.name < s->names_size)
		problem(scene->problems, scene->code[0].node, "the code names '%s', which is no label, place or number",
			s->names + y.name);
	return false;
}

/* An entry of a relocation table; addend: what is added to the symbol, where it does not lie in the code itself. */
struct relocation {
	uint64_t offset;
	unsigned symbol, type;
	uint64_t addend;
};

static struct relocation relocation_at(const struct object *o, uint64_t at)
{
	Elf64_Rela wide;
	Elf32_Rel r;

	if (o->wide) {
		memcpy(&wide, o->data + at, sizeof(wide));
		return (struct relocation){wide.r_offset, (unsigned)ELF64_R_SYM(wide.r_info),
					   (unsigned)ELF64_R_TYPE(wide.r_info), (uint64_t)wide.r_addend};
	}
	memcpy(&r, o->data + at, sizeof(r));
	return (struct relocation){r.r_offset, ELF32_R_SYM(r.r_info), ELF32_R_TYPE(r.r_info), 0};
}

struct relocation_type {
	uint8_t type, bytes;
	bool relative;
};
static const struct relocation_type types32[] = {{R_386_32, 4, false},  {R_386_PC32, 4, true}, {R_386_16, 2, false},
						 {R_386_PC16, 2, true}, {R_386_8, 1, false},   {R_386_PC8, 1, true},
						 {R_386_PLT32, 4, true}};
static const struct relocation_type types64[] = {
	{R_X86_64_64, 8, false},  {R_X86_64_PC64, 8, true}, {R_X86_64_32, 4, false},  {R_X86_64_32S, 4, false},
	{R_X86_64_PC32, 4, true}, {R_X86_64_16, 2, false},  {R_X86_64_PC16, 2, true}, {R_X86_64_8, 1, false},
	{R_X86_64_PC8, 1, true},  {R_X86_64_PLT32, 4, true}};

static bool relocate_one(struct scene *scene, struct code *c, bool wide, const struct relocation *r, uint64_t value)
{
	const struct relocation_type *types = wide ? types64 : types32;
	size_t count = wide ? sizeof(types64) / sizeof(types64[0]) : sizeof(types32) / sizeof(types32[0]);

	for (size_t i = 0; i < count; i++) {
		uint64_t sum = 0;
		if (types[i].type != r->type || r->offset > c->size || types[i].bytes > c->size - r->offset)
			continue;
		if (!wide)
			memcpy(&sum, c->bytes + r->offset, types[i].bytes);
		sum += value + r->addend;
		if (types[i].relative)
			sum -= c->at - c->base + r->offset;
		memcpy(c->bytes + r->offset, &sum, types[i].bytes);
		return true;
	}
	return problem(scene->problems, c->node, "the code needs a relocation of type %u, which is not known here",
		       r->type);
}

static bool relocate(struct scene *scene, const struct object *o, const struct symbols *s)
{
	uint64_t size = o->wide ? sizeof(Elf64_Rela) : sizeof(Elf32_Rel);

	for (unsigned i = 0; i < o->count; i++) {
		const struct section *h = &o->sections[i];
		int block = h->type == (o->wide ? SHT_RELA : SHT_REL) ? block_of(o, scene, h->info) : -1;
		for (uint64_t k = 0; block >= 0 && k < h->size / size; k++) {
			struct relocation r = relocation_at(o, h->offset + k * size);
			uint64_t value;
			if (!symbol_value(scene, o, s, r.symbol, &value, true) ||
			    !relocate_one(scene, &scene->code[block], o->wide, &r, value))
				return false;
		}
	}
	return true;
}

static void take_labels(struct scene *scene, const struct object *o, const struct symbols *s)
{
	for (unsigned i = 1; i < s->count; i++) {
		struct symbol y = symbol_at(o, s, i);
		int block = block_of(o, scene, y.section);
		uint64_t value;
		if (block < 0 || y.name == 0 || y.name >= s->names_size || y.type == STT_SECTION ||
		    !symbol_value(scene, o, s, i, &value, false))
			continue;
		scene->label = arena_more(scene->arena, scene->label, scene->labels, sizeof(scene->label[0]));
		scene->label[scene->labels++] =
			(struct label){arena_copy(scene->arena, s->names + y.name, strlen(s->names + y.name)), value,
				       value + scene->code[block].base};
	}
}

/* False, and no problem: this is no object file of ours (a damaged cache). */
static bool take_object(struct scene *scene, const uint8_t *data, size_t size)
{
	struct object o = {.data = data, .size = size};
	struct symbols s = {.count = 0};

	if (!open_object(&o, scene->arena) || o.wide != scene_is_long(scene) || !find_symbols(&o, &s))
		return false;
	for (unsigned i = 0; i < o.count; i++) {
		int block = block_of(&o, scene, i);
		if (block < 0)
			continue;
		struct code *c = &scene->code[block];
		c->size = (uint32_t)o.sections[i].size;
		c->bytes = arena_alloc(scene->arena, c->size + 1);
		memcpy(c->bytes, data + o.sections[i].offset, c->size);
	}
	if (relocate(scene, &o, &s))
		take_labels(scene, &o, &s);
	return true;
}

/* ---- the cache: one object file for each input, by the hash of its text ---- */
static uint64_t hash(const char *text, uint64_t seed)
{
	for (; *text; text++) {
		seed = (seed ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
		seed ^= seed >> 29;
	}
	return seed;
}

static uint8_t *read_file(struct arena *arena, const char *path, size_t *size)
{
	FILE *f = fopen(path, "rb");
	struct stat st;
	uint8_t *data = NULL;

	if (f && fstat(fileno(f), &st) == 0 && st.st_size > 0 && st.st_size <= (off_t)MOST_OBJECT) {
		data = arena_alloc(arena, (size_t)st.st_size);
		*size = fread(data, 1, (size_t)st.st_size, f);
	}
	if (f)
		fclose(f);
	return data;
}

static bool write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	if (!f)
		return false;
	bool good = fputs(text, f) >= 0;
	return (fclose(f) == 0) & good;
}

static bool make_folders(char *path)
{
	for (char *slash = path + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = 0;
		mkdir(path, 0777);
		*slash = '/';
	}
	return mkdir(path, 0777) == 0 || errno == EEXIST;
}

const char *assemble_cache(struct arena *arena)
{
	const char *own = getenv("TRAPGATE_CACHE_DIR"), *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	char *path = own && *own     ? arena_print(arena, "%s", own)
		     : xdg && *xdg   ? arena_print(arena, "%s/trapgate", xdg)
		     : home && *home ? arena_print(arena, "%s/.cache/trapgate", home)
				     : NULL;

	return path && make_folders(path) ? path : NULL;
}

static bool assemble_afresh(struct scene *scene, const char *source, const char *kept)
{
	char folder[] = "/tmp/trapgate-XXXXXX", input[64], output[64];
	uint8_t *data = NULL;
	size_t size = 0;

	if (!mkdtemp(folder))
		return problem(scene->problems, scene->code[0].node, "no temporary folder: %s", strerror(errno));
	snprintf(input, sizeof(input), "%s/case.s", folder);
	snprintf(output, sizeof(output), "%s/case.o", folder);
	bool good = write_file(input, source)
			    ? run_as(scene, input, output)
			    : problem(scene->problems, scene->code[0].node, "%s: %s", input, strerror(errno));
	if (good && !(data = read_file(scene->arena, output, &size)))
		good = problem(scene->problems, scene->code[0].node, "the assembler wrote nothing");
	if (good && kept) {
		char *part = arena_print(scene->arena, "%s.%s", kept, folder + strlen("/tmp/trapgate-"));
		FILE *f = fopen(part, "wb");
		bool written = f && fwrite(data, 1, size, f) == size;
		if (f && (fclose(f) != 0 || !written || rename(part, kept) != 0))
			unlink(part);
	}
	unlink(input);
	unlink(output);
	rmdir(folder);
	if (good && !take_object(scene, data, size))
		good = problem(scene->problems, scene->code[0].node, "the assembler's object file is not understood");
	return good && scene->problems->count == 0;
}

bool assemble(struct scene *scene, const struct build_options *options)
{
	const char *source, *kept = NULL;
	bool any = false;

	for (unsigned i = 0; i < scene->codes; i++)
		any |= !scene->code[i].hex;
	if (!any || options->no_assembler)
		return true;
	source = write_source(scene);
	if (options->cache) {
		size_t size;
		kept = arena_print(scene->arena, "%s/%016" PRIx64 "%016" PRIx64 ".o", options->cache,
				   hash(source, UINT64_C(0xcbf29ce484222325)),
				   hash(source, UINT64_C(0x9e3779b97f4a7c15)));
		uint8_t *data = read_file(scene->arena, kept, &size);
		if (data && take_object(scene, data, size))
			return scene->problems->count == 0;
	}
	return assemble_afresh(scene, source, kept);
}
