/* The code of a case: assembly, or bytes beside the text that a disassembler must give. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <capstone/capstone.h>

#include "testcase/assemble.h"

#define MOST_BLOCKS 64u

unsigned disassemble(const uint8_t *bytes, size_t size, unsigned bits, uint64_t at, char *text, size_t room)
{
	unsigned length = 0;
	cs_insn *insn;
	csh handle;

	text[0] = 0;
	if (cs_open(CS_ARCH_X86, bits == 64 ? CS_MODE_64 : bits == 32 ? CS_MODE_32 : CS_MODE_16, &handle) != CS_ERR_OK)
		return 0;
	if (cs_disasm(handle, bytes, size, at, 1, &insn) == 1) {
		length = insn->size;
		snprintf(text, room, "%s%s%s", insn->mnemonic, insn->op_str[0] ? " " : "", insn->op_str);
		cs_free(insn, 1);
	}
	cs_close(&handle);
	return length;
}

/* ---- hex, a line an instruction or more: `cd 50   ; int 0x50` ---- */
static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

/* The same words, however they are spaced. */
static bool same_text(const char *a, const char *b)
{
	for (;;) {
		while (isspace((unsigned char)*a))
			a++;
		while (isspace((unsigned char)*b))
			b++;
		if (!*a || !*b)
			return *a == *b;
		if (tolower((unsigned char)*a++) != tolower((unsigned char)*b++))
			return false;
	}
}

/* The instructions of so many bytes as "a; b". */
static const char *texts(struct scene *scene, const struct code *c, uint32_t from)
{
	const char *all = "";
	char one[200];

	while (from < c->size) {
		unsigned n =
			disassemble(c->bytes + from, c->size - from, c->bits, c->at - c->base + from, one, sizeof(one));
		all = arena_print(scene->arena, "%s%s%s", all, *all ? "; " : "", n ? one : "(no instruction)");
		from += n ? n : c->size;
	}
	return all;
}

static bool check_stated(struct scene *scene, const struct code *c, struct place at, uint32_t from, const char *stated)
{
	const char *found = texts(scene, c, from);

	while (isspace((unsigned char)*stated))
		stated++;
	if (same_text(found, stated))
		return true;
	return problem_at(scene->problems, c->node->file, at, "the bytes are '%s', the text beside them says '%s'",
			  found, stated);
}

static bool hex_line(struct scene *scene, struct code *c, const char *line, size_t length, struct place at)
{
	size_t text = strcspn(line, ";#");
	uint32_t from = c->size;

	for (size_t i = 0; i < length && i < text; i++) {
		if (isspace((unsigned char)line[i]))
			continue;
		if (i + 1 >= length || digit(line[i]) < 0 || digit(line[i + 1]) < 0)
			return problem_at(scene->problems, c->node->file, at,
					  "'%.8s': bytes are pairs of hexadecimal digits; text goes behind ';'",
					  line + i);
		c->bytes[c->size++] = (uint8_t)(digit(line[i]) << 4 | digit(line[i + 1]));
		i++;
	}
	if (text >= length)
		return true;
	return check_stated(scene, c, at, from, arena_copy(scene->arena, line + text + 1, length - text - 1));
}

static bool read_hex(struct scene *scene, struct code *c)
{
	struct scope scope = scene_scope(scene);
	struct place at = c->node->start;
	const char *stated;
	bool good = true;

	c->bytes = arena_alloc(scene->arena, strlen(c->text) / 2 + 1);
	at.line += c->node->block;
	for (const char *line = c->text; *line; at.line++) {
		size_t n = strcspn(line, "\n");
		good &= hex_line(scene, c, line, n, at);
		line += n + (line[n] != 0);
	}
	if (!good || !c->stated)
		return good;
	stated = expr_substitute(&scope, c->stated);
	return stated && check_stated(scene, c, c->stated->start, 0, stated);
}

/* ---- blocks ---- */
/* The base of the code segment, where the mode says it: real mode and virtual-8086 mode. */
static bool usual_base(struct scene *scene, uint64_t *base)
{
	const struct node *cs = tree_get(tree_get(scene->node, "regs"), "cs");
	struct scope scope = scene_scope(scene);
	uint64_t selector = 0;

	*base = 0;
	if (scene->mode != SCENE_REAL && scene->mode != SCENE_VM86)
		return true;
	if (cs && cs->kind == NODE_MAP)
		cs = tree_get(cs, "selector");
	if (cs && !expr_bits(&scope, cs, 16, &selector))
		return false;
	*base = selector << 4;
	return true;
}

static bool read_block(struct scene *scene, const struct node *node, struct code *c)
{
	static const char *const keys[] = {"asm", "hex", "text", "at", "base", "bits", NULL};
	struct scope scope = scene_scope(scene);
	const struct node *text = node->kind == NODE_SCALAR ? node : tree_get(node, "asm"),
			  *hex = tree_get(node, "hex"), *at = tree_get(node, "at"), *base = tree_get(node, "base"),
			  *bits = tree_get(node, "bits");
	uint64_t width = scene_bits(scene);

	if (node->kind != NODE_SCALAR && !tree_keys(scene->problems, node, keys))
		return false;
	if (!text == !hex)
		return problem(scene->problems, node, "a block of code has asm or hex: one of the two");
	c->node = text ? text : hex;
	c->hex = hex != NULL;
	c->stated = tree_get(node, "text");
	if (c->stated && !hex)
		return problem(scene->problems, c->stated, "'text' belongs to hex");
	c->text = expr_substitute(&scope, c->node);
	if (!c->text || (at && !expr_bits(&scope, at, 32, &c->at)) ||
	    (base && !expr_bits(&scope, base, 32, &c->base)) || (bits && !expr_bits(&scope, bits, 8, &width)))
		return false;
	if (width != 16 && width != 32 && (width != 64 || !scene_is_long(scene)))
		return problem(scene->problems, bits, "code has 16 or 32 bits, and in IA-32e mode 64");
	c->bits = (unsigned)width;
	return !hex || read_hex(scene, c);
}

static bool read_blocks(struct scene *scene, const struct node *code)
{
	bool good = true;
	uint64_t base;

	scene->codes = !code ? 0 : code->kind == NODE_LIST ? code->count : 1;
	if (scene->codes > MOST_BLOCKS)
		return problem(scene->problems, code, "more than %u blocks of code", MOST_BLOCKS);
	scene->code = arena_alloc(scene->arena, (scene->codes + 1) * sizeof(scene->code[0]));
	if (!usual_base(scene, &base))
		return false;
	for (unsigned i = 0; i < scene->codes; i++) {
		scene->code[i].at = AT_CODE + scene->shift;
		scene->code[i].base = base;
		good &= read_block(scene, code->kind == NODE_LIST ? code->item[i] : code, &scene->code[i]);
	}
	return good;
}

static bool has_label(const struct scene *scene, const char *name)
{
	for (unsigned i = 0; i < scene->labels; i++)
		if (!strcmp(scene->label[i].name, name))
			return true;
	return false;
}

bool code_build(struct scene *scene, const struct node *code, const struct build_options *options)
{
	if (!read_blocks(scene, code) || !assemble(scene, options))
		return false;
	for (unsigned i = 0; i < scene->codes; i++) {
		struct code *c = &scene->code[i];
		if (!c->size && !options->no_assembler)
			return problem(scene->problems, c->node, "no code");
		if (c->size)
			scene_put(scene, (struct bytes){.at = c->at,
							.size = c->size,
							.data = c->bytes,
							.node = c->node,
							.what = "code"});
	}
	scene->end = scene->codes ? scene->code[0].at + scene->code[0].size : AT_CODE + scene->shift;
	if (!has_label(scene, "end")) {
		scene->label = arena_more(scene->arena, scene->label, scene->labels, sizeof(scene->label[0]));
		scene->label[scene->labels++] =
			(struct label){"end", scene->end - (scene->codes ? scene->code[0].base : 0), scene->end};
	}
	return true;
}
