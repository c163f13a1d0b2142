#include "guest/desc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/state.h"

#define MAX_TOKENS 40
#define MAX_LINE   512

/* One line, cut into its words. */
struct line_of {
	const char *name; /* of the file */
	unsigned number, count;
	char *word[MAX_TOKENS];
	struct diagnostic *why;
};

static bool wrong(const struct line_of *l, const char *what, const char *word)
{
	return diagnose(l->why, "%s:%u: %s%s%s", l->name, l->number, what, word ? ": " : "", word ? word : "");
}

static bool copy(const struct line_of *l, char *to, size_t size, const char *from)
{
	if (strlen(from) >= size)
		return wrong(l, "too long", from);
	memcpy(to, from, strlen(from) + 1);
	return true;
}

static bool number(const struct line_of *l, const char *text, uint32_t most, uint32_t *value)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	unsigned long long n;
	char *end;

	errno = 0;
	n = strtoull(text, &end, hex ? 16 : 10);
	if (text[0] < '0' || text[0] > '9' || *end || errno || n > most)
		return wrong(l, "a number is wanted, and not above what fits", text);
	*value = (uint32_t)n;
	return true;
}

/* ---- places: [*]WORD[:NAME or NUMBER][+N] ---- */
static const struct {
	const char *word;
	enum desc_base base;
	bool names, numbers; /* what belongs behind the colon */
	uint32_t which;      /* DESC_AT_TASK: the mask */
} bases[] = {
	{"symbol", DESC_AT_SYMBOL, true, false, 0},    {"percpu", DESC_AT_PERCPU, true, false, 0},
	{"fs", DESC_AT_CODE, true, false, 0},          {"gs", DESC_AT_CODE, true, false, 1},
	{"gsbase", DESC_AT_GSBASE, false, false, 0},   {"segment", DESC_AT_SEGMENT, false, true, 0},
	{"current", DESC_AT_CURRENT, false, false, 0}, {"lea", DESC_AT_TASK, true, false, 1},
	{"lea2", DESC_AT_TASK, true, false, 2},        {"tss", DESC_AT_TSS, false, false, 0},
	{"stack", DESC_AT_STACK, false, true, 0},
};

static bool place(const struct line_of *l, const char *text, struct desc_place *at)
{
	char word[DESC_NAME], *colon, *plus;

	*at = (struct desc_place){.indirect = text[0] == '*'};
	if (!copy(l, word, sizeof(word), text + at->indirect))
		return false;
	plus = strrchr(word, '+');
	if (plus) {
		*plus++ = '\0';
		if (!number(l, plus, INT32_MAX, &at->offset))
			return false;
	}
	colon = strchr(word, ':');
	if (colon)
		*colon++ = '\0';
	for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
		if (strcmp(word, bases[i].word) != 0)
			continue;
		at->base = bases[i].base;
		at->mask = bases[i].which;
		if ((bases[i].names || bases[i].numbers) != (colon && *colon))
			return wrong(l,
				     bases[i].names     ? "a symbol belongs behind the colon"
				     : bases[i].numbers ? "a number belongs behind the colon"
							: "nothing goes behind it",
				     text);
		if (bases[i].numbers)
			return number(l, colon, UINT32_MAX, &at->mask);
		return !colon || copy(l, at->symbol, sizeof(at->symbol), colon);
	}
	return wrong(l,
		     "no such place (symbol:NAME, percpu:NAME, fs:FUNCTION, gs:FUNCTION, gsbase, segment:SELECTOR, "
		     "current, lea:FUNCTION, tss, "
		     "stack:MASK)",
		     text);
}

/* ---- one function for each first word of a line ---- */
static bool take_guest(struct desc *d, const struct line_of *l)
{
	if (d->name[0])
		return wrong(l, "the guest has its name already", d->name);
	if (!copy(l, d->name, sizeof(d->name), l->word[1]))
		return false;
	for (unsigned i = 2; i < l->count; i++) {
		size_t n = strlen(d->title);

		if (n + strlen(l->word[i]) + 2 > sizeof(d->title))
			return wrong(l, "the title is too long", NULL);
		snprintf(d->title + n, sizeof(d->title) - n, "%s%s", n ? " " : "", l->word[i]);
	}
	return true;
}

/* Begins with all that a shipped description says but its name, how it is recognised, and the layout of pt_regs. */
static bool take_base(struct desc *d, const struct line_of *l)
{
	struct desc base;

	if (d->regs || d->roles || d->words)
		return wrong(l, "base has to be the first line behind guest", NULL);
	for (unsigned i = 0; i < desc_shipped_count; i++) {
		const struct desc_shipped *s = &desc_shipped[i];

		if (strcmp(s->name, l->word[1]) != 0 || strcmp(s->name, d->name) == 0)
			continue;
		if (!desc_parse(&base, s->name, s->text, s->size, l->why))
			return false;
		memcpy(base.name, d->name, sizeof(base.name));
		memcpy(base.title, d->title, sizeof(base.title));
		memcpy(base.recognise, d->recognise, sizeof(base.recognise));
		base.recognised = d->recognised;
		base.regs = 0;
		*d = base;
		return true;
	}
	return wrong(l, "no description of that name is shipped", l->word[1]);
}

static bool take_recognise(struct desc *d, const struct line_of *l)
{
	for (unsigned i = 1; i < l->count; i++) {
		if (d->recognised == DESC_RECOGNISED)
			return wrong(l, "too many symbols to recognise the guest by", NULL);
		if (!copy(l, d->recognise[d->recognised++], DESC_NAME, l->word[i]))
			return false;
	}
	return true;
}

static bool take_words(struct desc *d, const struct line_of *l, unsigned bytes)
{
	uint32_t offset;

	d->reg_bytes = bytes;
	for (unsigned i = 1; i < l->count; i++) {
		if (d->regs == DESC_REGS)
			return wrong(l, "pt_regs has too many words", NULL);
		if (desc_reg_offset(d, l->word[i], &offset))
			return wrong(l, "pt_regs has two words of this name", l->word[i]);
		if (!copy(l, d->reg[d->regs++].name, DESC_NAME, l->word[i]))
			return false;
	}
	return true;
}

static bool take_regs(struct desc *d, const struct line_of *l)
{
	return take_words(d, l, 4);
}

static bool take_regs64(struct desc *d, const struct line_of *l)
{
	return take_words(d, l, 8);
}

static bool take_syscall(struct desc *d, const struct line_of *l)
{
	uint32_t vector;

	if (!number(l, l->word[1], 255, &vector))
		return false;
	d->has_syscall = true;
	d->syscall = (uint8_t)vector;
	return (l->count < 3 || copy(l, d->table, sizeof(d->table), l->word[2])) &&
	       (l->count < 4 || number(l, l->word[3], INT32_MAX, &d->calls));
}

static bool take_current(struct desc *d, const struct line_of *l)
{
	return place(l, l->word[1], &d->current);
}
static bool take_percpu(struct desc *d, const struct line_of *l)
{
	return place(l, l->word[1], &d->percpu);
}
static bool take_top(struct desc *d, const struct line_of *l)
{
	return place(l, l->word[1], &d->top);
}
static bool take_comm(struct desc *d, const struct line_of *l)
{
	return place(l, l->word[1], &d->comm);
}
static bool take_pid(struct desc *d, const struct line_of *l)
{
	return place(l, l->word[1], &d->pid);
}

static bool take_word(struct desc *d, const struct line_of *l)
{
	struct desc_word *w = &d->word[d->words];
	uint32_t bytes;

	if (d->words == DESC_WORDS)
		return wrong(l, "too many flag words", NULL);
	if (!copy(l, w->name, sizeof(w->name), l->word[1]) || !place(l, l->word[2], &w->at) ||
	    !number(l, l->word[3], 4, &bytes))
		return false;
	if (bytes != 1 && bytes != 2 && bytes != 4)
		return wrong(l, "a flag word has 1, 2 or 4 bytes", l->word[3]);
	w->bytes = (uint8_t)bytes;
	d->words++;
	return true;
}

static bool take_bit(struct desc *d, const struct line_of *l)
{
	struct desc_word *w = d->words ? &d->word[d->words - 1] : NULL;
	struct desc_bit *b;
	uint32_t bit;

	if (!w)
		return wrong(l, "a bit belongs behind the word it is in", NULL);
	if (w->bits == DESC_BITS)
		return wrong(l, "the word has too many bits", NULL);
	if (!number(l, l->word[1], w->bytes * 8u - 1, &bit))
		return false;
	b = &w->bit[w->bits++];
	b->bit = (uint8_t)bit;
	if (l->count == 4 && !desc_match("resched signal notify trace", l->word[3]))
		return wrong(l, "resched, signal, notify or trace may follow the name of a bit", l->word[3]);
	return copy(l, b->name, sizeof(b->name), l->word[2]) &&
	       copy(l, b->meaning, sizeof(b->meaning), l->count == 4 ? l->word[3] : "");
}

static bool take_register(const struct line_of *l, const char *name, uint8_t *reg)
{
	static const char *const names[] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};

	for (uint8_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if ((name[0] == 'e' || name[0] == 'r') && strcmp(name + 1, names[i] + 1) == 0) {
			*reg = i;
			return true;
		}
	return wrong(l, "a register like eax or rax is wanted", name);
}

static bool take_role(struct desc *d, const struct line_of *l)
{
	struct desc_role *r = &d->role[d->roles];
	unsigned first = 2;

	if (d->roles == DESC_ROLES)
		return wrong(l, "too many roles", NULL);
	if (!copy(l, r->role, sizeof(r->role), l->word[1]))
		return false;
	if (strcmp(r->role, "regs") == 0) {
		if (l->count < 4)
			return wrong(l, "role regs REGISTER FUNCTION... is wanted", NULL);
		if (!take_register(l, l->word[2], &r->reg))
			return false;
		first = 3;
	}
	for (unsigned i = first; i < l->count; i++) {
		size_t n = strlen(r->patterns);

		if (n + strlen(l->word[i]) + 2 > sizeof(r->patterns))
			return wrong(l, "too many functions in one line; give the role another one", NULL);
		snprintf(r->patterns + n, sizeof(r->patterns) - n, "%s%s", n ? " " : "", l->word[i]);
	}
	d->roles++;
	return true;
}

static const struct {
	const char *word;
	unsigned least, most; /* words behind it */
	bool (*take)(struct desc *d, const struct line_of *l);
} lines_of[] = {
	{"guest", 1, MAX_TOKENS, take_guest},
	{"base", 1, 1, take_base},
	{"recognise", 1, MAX_TOKENS, take_recognise},
	{"regs", 1, MAX_TOKENS, take_regs},
	{"regs64", 1, MAX_TOKENS, take_regs64},
	{"syscall", 1, 3, take_syscall},
	{"current", 1, 1, take_current},
	{"percpu", 1, 1, take_percpu},
	{"top", 1, 1, take_top},
	{"comm", 1, 1, take_comm},
	{"pid", 1, 1, take_pid},
	{"word", 3, 3, take_word},
	{"bit", 2, 3, take_bit},
	{"role", 2, MAX_TOKENS, take_role},
};

static bool take_line(struct desc *d, struct line_of *l, char *text)
{
	static const char blanks[] = " \t\r";
	char *comment = strchr(text, '#'), *p;

	if (comment)
		*comment = '\0';
	l->count = 0;
	for (p = text + strspn(text, blanks); *p; p += strspn(p, blanks)) {
		if (l->count == MAX_TOKENS)
			return wrong(l, "too many words in one line", NULL);
		l->word[l->count++] = p;
		p += strcspn(p, blanks);
		if (*p)
			*p++ = '\0';
	}
	if (l->count == 0)
		return true;
	for (size_t i = 0; i < sizeof(lines_of) / sizeof(lines_of[0]); i++) {
		if (strcmp(l->word[0], lines_of[i].word) != 0)
			continue;
		if (l->count - 1 < lines_of[i].least || l->count - 1 > lines_of[i].most)
			return wrong(l, "too few or too many words behind", l->word[0]);
		return lines_of[i].take(d, l);
	}
	return wrong(l, "no such word begins a line", l->word[0]);
}

/* Does a place that needs another one have it? */
static bool check_whole(const struct desc *d, const struct line_of *l)
{
	const struct desc_place *places[DESC_WORDS + 4] = {&d->current, &d->top, &d->comm, &d->pid};

	if (!d->name[0])
		return diagnose(l->why, "%s: no line \"guest NAME\"", l->name);
	if (d->current.base == DESC_AT_CURRENT || d->current.base == DESC_AT_TASK)
		return diagnose(l->why, "%s: current cannot lie in current", l->name);
	if (d->percpu.base != DESC_AT_NONE && d->percpu.base != DESC_AT_SEGMENT && d->percpu.base != DESC_AT_GSBASE &&
	    d->percpu.base != DESC_AT_SYMBOL)
		return diagnose(l->why, "%s: percpu is segment:SELECTOR, gsbase or *symbol:NAME", l->name);
	for (unsigned i = 0; i < d->words; i++)
		places[4 + i] = &d->word[i].at;
	for (unsigned i = 0; i < d->words + 4; i++) {
		enum desc_base base = places[i]->base;

		if ((base == DESC_AT_CURRENT || base == DESC_AT_TASK) && d->current.base == DESC_AT_NONE)
			return diagnose(l->why, "%s: something lies in current, but no line says where current is",
					l->name);
		if ((base == DESC_AT_PERCPU || base == DESC_AT_CODE) && d->percpu.base == DESC_AT_NONE)
			return diagnose(l->why,
					"%s: something is per processor, but no line \"percpu\" says from where",
					l->name);
	}
	return true;
}

bool desc_parse(struct desc *d, const char *name, const char *text, size_t size, struct diagnostic *why)
{
	struct line_of l = {.name = name, .why = why};
	size_t at = 0;

	memset(d, 0, sizeof(*d));
	while (at < size) {
		const char *end = memchr(text + at, '\n', size - at);
		size_t n = (end ? (size_t)(end - text) : size) - at;
		char line[MAX_LINE];

		l.number++;
		if (n >= sizeof(line))
			return wrong(&l, "the line is too long", NULL);
		if (memchr(text + at, '\0', n))
			return wrong(&l, "a NUL: this is no text", NULL);
		memcpy(line, text + at, n);
		line[n] = '\0';
		if (!take_line(d, &l, line))
			return false;
		at += n + 1;
	}
	return check_whole(d, &l);
}

bool desc_read_file(struct desc *d, const char *path, struct diagnostic *why)
{
	uint8_t *data;
	size_t size;
	bool ok;

	if (!guest_read_file(path, &data, &size, why))
		return false;
	ok = desc_parse(d, path, (const char *)data, size, why);
	free(data);
	return ok;
}

bool desc_recognise(struct desc *d, const struct symbols *symbols)
{
	struct diagnostic why;
	uint64_t address;

	for (unsigned i = 0; i < desc_shipped_count; i++) {
		unsigned found = 0;

		if (!desc_parse(d, desc_shipped[i].name, desc_shipped[i].text, desc_shipped[i].size, &why))
			continue;
		while (found < d->recognised && symbols_address(symbols, d->recognise[found], &address))
			found++;
		if (d->recognised && found == d->recognised)
			return true;
	}
	memset(d, 0, sizeof(*d));
	return false;
}

/* Does text match one pattern of n characters? */
static bool match_one(const char *pattern, size_t n, const char *text)
{
	if (n == 0)
		return *text == '\0';
	if (*pattern == '*')
		return match_one(pattern + 1, n - 1, text) || (*text && match_one(pattern, n, text + 1));
	return *pattern == *text && match_one(pattern + 1, n - 1, text + 1);
}

bool desc_match(const char *patterns, const char *text)
{
	while (*patterns) {
		size_t n = strcspn(patterns, " ");

		if (match_one(patterns, n, text))
			return true;
		patterns += n + (patterns[n] == ' ');
	}
	return false;
}

const struct desc_role *desc_role_of(const struct desc *d, const char *function)
{
	for (unsigned i = 0; i < d->roles; i++)
		if (strcmp(d->role[i].role, "regs") != 0 && desc_match(d->role[i].patterns, function))
			return &d->role[i];
	return NULL;
}

const struct desc_role *desc_plays(const struct desc *d, const char *role, const char *function)
{
	for (unsigned i = 0; i < d->roles; i++)
		if (strcmp(d->role[i].role, role) == 0 && desc_match(d->role[i].patterns, function))
			return &d->role[i];
	return NULL;
}

bool desc_reg_offset(const struct desc *d, const char *name, uint32_t *offset)
{
	for (unsigned i = 0; i < d->regs; i++)
		if (strcmp(d->reg[i].name, name) == 0) {
			*offset = i * d->reg_bytes;
			return true;
		}
	return false;
}
