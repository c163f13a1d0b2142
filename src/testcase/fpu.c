/* x87 registers: {cw: 0x37f, st0: 1.5, st1: "3fff:8000000000000000"}. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/x87.h"
#include "testcase/scene.h"

/* The 80-bit form of a double: bit 63 sign, 62:52 exponent, 51:0 fraction. */
static struct fp80 extended(double value)
{
	uint64_t bits, fraction;
	int exponent;

	memcpy(&bits, &value, sizeof(bits));
	uint16_t sign = bits >> 63 ? 0x8000 : 0;
	exponent = (int)(bits >> 52 & 0x7ff);
	fraction = bits << 11 & ~(UINT64_C(1) << 63);
	if (exponent == 0x7ff)
		return (struct fp80){fraction ? UINT64_C(0xc000000000000000) : UINT64_C(1) << 63, sign | 0x7fff};
	if (exponent == 0 && fraction == 0)
		return (struct fp80){0, sign};
	if (exponent == 0) { /* a denormal of 64 bits is a normal number of 80 */
		for (exponent = 1; !(fraction >> 63); exponent--)
			fraction <<= 1;
		return (struct fp80){fraction, (uint16_t)(sign | (exponent - 1023 + 16383))};
	}
	return (struct fp80){fraction | UINT64_C(1) << 63, (uint16_t)(sign | (exponent - 1023 + 16383))};
}

/* A number, inf, nan, or sign and exponent : mantissa. */
static bool read_fp80(struct scene *scene, const struct node *node, struct fp80 *value)
{
	struct scope scope = scene_scope(scene);
	const char *text = expr_substitute(&scope, node), *colon;
	char *end;

	if (!text)
		return false;
	if ((colon = strchr(text, ':'))) {
		unsigned long top = strtoul(text, &end, 16);
		if (end == colon && top <= 0xffff && strspn(colon + 1, "0123456789abcdefABCDEF") == 16 && !colon[17]) {
			*value = (struct fp80){strtoull(colon + 1, NULL, 16), (uint16_t)top};
			return true;
		}
	} else {
		double number = strtod(text, &end);
		if (end != text && !*end) {
			*value = extended(number);
			return true;
		}
	}
	return problem(scene->problems, node,
		       "'%s': a number, inf, nan, or 4 digits : 16 digits as in 3fff:8000000000000000", text);
}

static int stack_register(const char *key)
{
	return !strncmp(key, "st", 2) && key[2] >= '0' && key[2] <= '7' && !key[3] ? key[2] - '0' : -1;
}

/* cw -> fcw ... */
static bool plain_name(struct scene *scene, const struct node *key, unsigned *reg)
{
	static const char *const names[][2] = {{"cw", "fcw"}, {"sw", "fsw"}, {"tw", "ftw"}, {"op", "fop"},
					       {"ip", "fip"}, {"cs", "fcs"}, {"dp", "fdp"}, {"ds", "fds"}};

	for (unsigned i = 0; i < 8; i++)
		if (!strcmp(names[i][0], key->text)) {
			*reg = reg_index(names[i][1]);
			return true;
		}
	return problem(scene->problems, key, "unknown key '%s'; known here: cw, sw, tw, op, ip, cs, dp, ds, st0 to st7",
		       key->text);
}

bool fpu_build(struct scene *scene, const struct node *fpu)
{
	struct scope scope = scene_scope(scene);
	struct fpu_state *f = &scene->s.fpu;
	bool good = fpu->kind == NODE_MAP || problem(scene->problems, fpu, "fpu is a mapping: {st0: 1.5}");

	for (unsigned pass = 0; good && pass < 2; pass++) /* sw, which holds TOP, before the stack */
		for (unsigned i = 0; i < fpu->count; i++) {
			const struct entry *e = &fpu->entry[i];
			int st = stack_register(e->key->text);
			unsigned reg;
			uint64_t value;
			if ((st >= 0) != (pass == 1))
				continue;
			if (st < 0) {
				if (!plain_name(scene, e->key, &reg) ||
				    !expr_bits(&scope, e->value, reg_bits(reg, false), &value))
					return false;
				reg_set(&scene->s, reg, value);
				continue;
			}
			if (!read_fp80(scene, e->value, x87_st(f, (unsigned)st)))
				return false;
			if (!tree_get(fpu, "tw"))
				f->tw &= (uint16_t) ~(3u << x87_physical(f, (unsigned)st) * 2);
		}
	return good;
}

bool fpu_expected(struct scene *scene, const struct node *fpu)
{
	static const char *const pointers[] = {"fop", "fip", "fcs", "fdp", "fds", "ftw"};
	struct fpu_want *want = &scene->expect.fpu_want;
	struct scope scope = scene_scope(scene);
	unsigned reg;

	if (fpu->kind != NODE_MAP) {
		want->any = fpu->kind == NODE_SCALAR && !strcmp(fpu->text, "any");
		for (reg = reg_index("fcw"); want->any && reg <= reg_index("fds"); reg++)
			scene->expect.reg[reg].mask = 0;
		return want->any || problem(scene->problems, fpu, "fpu is a mapping: {st0: 1.5}, or any");
	}
	for (unsigned i = 0; i < sizeof(pointers) / sizeof(pointers[0]); i++)
		scene->expect.reg[reg_index(pointers[i])].mask = 0; /* whatever the last instruction leaves there */
	for (unsigned i = 0; i < fpu->count; i++) {
		const struct entry *e = &fpu->entry[i];
		int st = stack_register(e->key->text);
		if (st >= 0) {
			want->st_node[st] = e->value;
			want->st_empty[st] = e->value->kind == NODE_SCALAR && !strcmp(e->value->text, "empty");
			want->st_stated[st] = true;
			if (!want->st_empty[st] && !read_fp80(scene, e->value, &want->st[st]))
				return false;
			continue;
		}
		if (!plain_name(scene, e->key, &reg))
			return false;
		struct reg_want *w = &scene->expect.reg[reg];
		const struct node *value = e->value, *mask = tree_get(value, "mask");
		w->mask = (UINT64_C(1) << reg_bits(reg, false)) - 1;
		if (mask && !expr_bits(&scope, mask, reg_bits(reg, false), &w->mask))
			return false;
		if (mask && !(value = tree_get(value, "value")))
			return problem(scene->problems, e->value, "a mask needs a value");
		if (!expr_bits(&scope, value, reg_bits(reg, false), &w->value))
			return false;
		w->stated = true;
		w->node = value;
		w->part = (struct reg_part){reg, 0, reg_bits(reg, false)};
	}
	return true;
}

void fpu_fnsave_image(const struct fpu_state *fpu, uint8_t image[FNSAVE_BYTES])
{
	struct fpu_state f = *fpu;
	const uint32_t head[7] = {f.cw, f.sw, x87_tag_word(&f)};

	memcpy(image, head, sizeof(head));
	for (unsigned i = 0; i < 8; i++) {
		memcpy(image + sizeof(head) + i * 10, &x87_st(&f, i)->mantissa, 8);
		memcpy(image + sizeof(head) + i * 10 + 8, &x87_st(&f, i)->sign_exponent, 2);
	}
}
