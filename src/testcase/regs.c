/* Registers at the start: what the mode gives, and what the case says. */
#include <inttypes.h>
#include <string.h>

#include "cpu/desc.h"
#include "cpu/x87.h"
#include "testcase/descriptor.h"

/* ---- what the mode gives ---- */
static struct segment decoded(const struct scene *scene, uint16_t selector)
{
	struct descriptor d;
	uint64_t raw[2];

	if (sel_null(selector))
		return null_segment(selector);
	scene_peek(scene, (selector & SEL_TI ? AT_LDT : AT_GDT) + (selector & SEL_INDEX), raw, sizeof(raw));
	desc_decode(&d, raw[0], selector);
	if (scene_is_long(scene) && !d.seg.s) /* bits 63:32 of the base */
		d.seg.base |= raw[1] << 32;
	return d.seg;
}

static struct segment real_mode_segment(uint16_t selector, bool code)
{
	return (struct segment){.sel = selector,
				.base = (uint64_t)selector << 4,
				.limit = 0xffff,
				.s = true,
				.type = (code ? TYPE_CODE | TYPE_READABLE : TYPE_WRITABLE) | TYPE_ACCESSED,
				.present = true,
				.usable = true};
}

/* What loading the selector in this mode gives, with no check. */
static struct segment loaded(const struct scene *scene, enum seg seg, uint16_t selector)
{
	if (seg == SEG_LDTR || seg == SEG_TR)
		return decoded(scene, selector);
	if (scene->mode == SCENE_REAL)
		return real_mode_segment(selector, seg == SEG_CS);
	return scene->mode == SCENE_VM86 ? vm86_segment(selector) : decoded(scene, selector);
}

static uint16_t usual_selector(const struct scene *scene, enum seg seg)
{
	uint16_t inner = (uint16_t)(scene->cpl * 16 + scene->cpl);

	if (scene->mode == SCENE_REAL || scene->mode == SCENE_VM86)
		return 0;
	if (scene->host && scene->cpl == 3)
		return seg != SEG_CS ? HOST_DS3 : scene->mode == SCENE_LONG64 ? HOST_CS64 : HOST_CS3;
	if (scene->mode == SCENE_COMPAT && seg == SEG_CS)
		return (uint16_t)(SEL_COMPAT0 + scene->cpl * 9);
	return (uint16_t)((seg == SEG_CS ? SEL_CS0 : SEL_DS0) + inner);
}

static void usual_control(struct scene *scene)
{
	struct arch_state *s = &scene->s;
	uint64_t cr0 = CR0_ET | CR0_NE;

	if (scene->mode != SCENE_REAL)
		cr0 |= CR0_PE;
	if (scene->paging != PAGING_NONE)
		cr0 |= CR0_PG | CR0_WP;
	s->cr0 = (cr0 & (scene->model->cr0 | CR0_PE | CR0_PG)) | scene->model->cr0_fixed;
	s->cr3 = scene->paging != PAGING_NONE ? AT_TABLES : 0;
	s->cr4 = scene->paging >= PAGING_PAE ? CR4_PAE | (scene->paging == PAGING_5_LEVEL ? CR4_LA57 : 0) : 0;
	s->efer = scene_is_long(scene) ? EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE : 0;
	s->dr6 = DR6_FIXED1;
	s->dr7 = DR7_FIXED1;
	s->mxcsr = MXCSR_RESET;
	s->xcr0 = XCR0_X87;
	s->pat = UINT64_C(0x0007040600070406);
	s->gdtr = (struct table_register){AT_GDT, scene_is_long(scene) ? TABLE_LIMIT64 : TABLE_LIMIT};
	s->idtr = (struct table_register){AT_IDT, scene_is_long(scene) ? 0xfff : 0x7ff};
	if (scene->mode == SCENE_REAL)
		s->idtr = (struct table_register){0, 0x3ff};
	x87_init(&s->fpu);
}

/* Values that are easy to tell apart, so that a stray write shows. */
static void usual_registers(struct scene *scene)
{
	static const uint32_t general[8] = {
		[RAX] = 0x0a0a0a0a, [RCX] = 0x0c0c0c0c, [RDX] = 0x0d0d0d0d, [RBX] = 0x0b0b0b0b,
		[RBP] = 0x0e0e0e0e, [RSI] = 0x51515151, [RDI] = 0xd1d1d1d1};
	struct arch_state *s = &scene->s;
	bool wide = scene->mode == SCENE_LONG64;

	for (unsigned i = 0; i < 8; i++)
		s->gpr.r64[i] = general[i] | (wide ? (uint64_t)general[i] << 32 : 0);
	for (unsigned i = R8; wide && i <= R15; i++)
		s->gpr.r64[i] = UINT64_C(0x0101010101010101) * i;
	s->gpr.r64[RSP] = AT_STACK + scene->cpl * 0x1000 + (scene->cpl == 3 ? scene->shift : 0);
	s->rip = AT_CODE + scene->shift;
	s->rflags = FLAG_ONE | (scene->mode == SCENE_VM86 ? FLAG_VM : 0);
	s->cpl = (uint8_t)scene->cpl;
	for (enum seg seg = SEG_ES; seg <= SEG_GS; seg++)
		s->seg[seg] = loaded(scene, seg, usual_selector(scene, seg));
	s->seg[SEG_LDTR] = decoded(scene, scene_is_long(scene) ? SEL_LDTR64 : SEL_LDTR);
	s->seg[SEG_TR] = decoded(scene, SEL_TR);
	if (scene->mode == SCENE_REAL) {
		s->seg[SEG_LDTR] = (struct segment){.limit = 0xffff, .type = SYS_LDT, .present = true, .usable = true};
		s->seg[SEG_TR] =
			(struct segment){.limit = 0xffff, .type = SYS_TSS32_BUSY, .present = true, .usable = true};
	}
}

/* ---- what the case says ---- */
/* The other keys of a mapping but `selector`: a descriptor. */
static const struct node *without_selector(struct scene *scene, const struct node *map)
{
	struct node *rest = arena_alloc(scene->arena, sizeof(*rest));

	*rest = *map;
	rest->entry = arena_alloc(scene->arena, (map->count + 1) * sizeof(rest->entry[0]));
	rest->count = 0;
	for (unsigned i = 0; i < map->count; i++)
		if (strcmp(map->entry[i].key->text, "selector") != 0)
			rest->entry[rest->count++] = map->entry[i];
	return rest;
}

/* cs: {selector: 0x58, limit: 0xff}: the hidden part is not what a load would give. */
static bool hidden_part(struct scene *scene, enum seg seg, const struct node *value)
{
	struct scope scope = scene_scope(scene);
	const struct node *selector = tree_get(value, "selector"), *rest = without_selector(scene, value);
	struct segment *s = &scene->s.seg[seg];
	struct descriptor d;
	uint64_t sel = s->sel, raw[2] = {0};

	if (selector && !expr_bits(&scope, selector, 16, &sel))
		return false;
	*s = loaded(scene, seg, (uint16_t)sel);
	if (!rest->count)
		return true;
	raw[0] = descriptor_make((uint32_t)s->base, s->limit, s->type | (s->s ? 0x10u : 0), s->dpl,
				 s->l    ? 64
				 : s->db ? 32
					 : 16);
	if (!descriptor_apply(&scope, rest, &(struct descriptor_place){.bits = scene_bits(scene)}, raw))
		return false;
	desc_decode(&d, raw[0], (uint16_t)sel);
	*s = d.seg;
	return true;
}

static bool segment_register(struct scene *scene, unsigned reg, const struct node *value)
{
	struct scope scope = scene_scope(scene);
	enum seg seg = (enum seg)((reg - REG_SEGMENT) / 4);
	uint64_t selector;

	if (value->kind == NODE_MAP)
		return hidden_part(scene, seg, value);
	if (!expr_bits(&scope, value, 16, &selector))
		return false;
	scene->s.seg[seg] = loaded(scene, seg, (uint16_t)selector);
	return true;
}

static bool is_selector(unsigned reg)
{
	return reg >= REG_SEGMENT && reg < REG_SEGMENT + 4 * SEG_COUNT && (reg - REG_SEGMENT) % 4 == 0;
}

static bool plain_register(struct scene *scene, const struct node *key, const struct reg_part *part,
			   const struct node *value)
{
	struct scope scope = scene_scope(scene);
	uint64_t v, old = reg_get(&scene->s, part->reg), mask;

	if (part->reg == reg_index("cpl"))
		return problem(scene->problems, key, "CPL is set by the key cpl of the case");
	if (!expr_bits(&scope, value, part->bits, &v))
		return false;
	mask = part->bits < 64 ? (UINT64_C(1) << part->bits) - 1 : UINT64_MAX;
	reg_set(&scene->s, part->reg, (old & ~(mask << part->shift)) | v << part->shift);
	return true;
}

static bool register_entry(struct scene *scene, const struct entry *e, bool selectors)
{
	struct scope scope = scene_scope(scene);
	const char *name = expr_substitute(&scope, e->key);
	struct reg_part part;

	if (!name)
		return false;
	if (!reg_find(name, strlen(name), scene_is_long(scene), &part))
		return problem(scene->problems, e->key, "there is no register '%s'", name);
	if (is_selector(part.reg) != selectors)
		return true;
	return selectors ? segment_register(scene, part.reg, e->value) : plain_register(scene, e->key, &part, e->value);
}

/* The mode and the registers must fit each other. */
static bool check_sense(struct scene *scene, const struct node *node)
{
	struct arch_state *s = &scene->s;

	s->rflags = (s->rflags & scene->model->eflags) | FLAG_ONE;
	if (scene->paging == PAGING_PAE) {
		s->cr4 |= CR4_PAE;
		if (!(scene->model->cr4 & CR4_PAE))
			return problem(scene->problems, node, "paging: pae needs a processor that has it, not %s",
				       scene->model->name);
	}
	if (scene_is_long(scene) && !model_has(scene->model, FEAT_81_EDX, F81D_LM))
		return problem(scene->problems, node, "IA-32e mode needs a processor that has it, not %s",
			       scene->model->name);
	if (scene_is_long(scene) != !!(s->efer & EFER_LMA))
		return problem(scene->problems, node, "EFER.LMA and the mode do not agree: use the key mode");
	if (!!(s->rflags & FLAG_VM) != (scene->mode == SCENE_VM86))
		return problem(scene->problems, node, "EFLAGS.VM and the mode do not agree: use mode: vm86");
	if (!(s->cr0 & CR0_PE) != (scene->mode == SCENE_REAL))
		return problem(scene->problems, node, "CR0.PE and the mode do not agree: use the key mode");
	if ((s->cr0 & CR0_PG) && !(s->cr0 & CR0_PE))
		return problem(scene->problems, node, "CR0.PG without CR0.PE");
	return true;
}

bool regs_build(struct scene *scene, const struct node *node)
{
	const struct node *regs = tree_get(node, "regs"), *flags = tree_get(node, "flags");
	uint64_t mask;
	bool good = true;

	usual_control(scene);
	usual_registers(scene);
	scene->known = true;
	if (regs && regs->kind != NODE_MAP)
		return problem(scene->problems, regs, "regs is a mapping from registers to values");
	for (unsigned pass = 0; regs && pass < 2; pass++)
		for (unsigned i = 0; i < regs->count; i++)
			good &= register_entry(scene, &regs->entry[i], pass == 0);
	if (flags)
		good &= flags_apply(scene, flags, &scene->s.rflags, &mask);
	return good && check_sense(scene, regs ? regs : node);
}

/* ---- flags: `CF -ZF ~AF IOPL=3`, or {CF: 1, AF: any} ---- */
static uint32_t lowest_bit(uint32_t mask)
{
	return mask & (0 - mask);
}

static bool set_flag(struct scene *scene, const struct node *node, const char *name, size_t length, char mark,
		     int64_t number, uint64_t *value, uint64_t *mask)
{
	uint32_t bits = length == 6 && !strncmp(name, "STATUS", 6) ? FLAGS_STATUS : flag_bit(name, length);

	if (!bits)
		return problem(scene->problems, node, "there is no flag '%.*s'", (int)length, name);
	if (mark == '~') {
		*mask &= ~(uint64_t)bits;
		return true;
	}
	*mask |= bits;
	*value &= ~(uint64_t)bits;
	if (bits == FLAGS_STATUS || mark == '-')
		*value |= mark == '-' || !number ? 0 : bits;
	else
		*value |= (uint64_t)(number * lowest_bit(bits)) & bits;
	return true;
}

static bool flag_words(struct scene *scene, const struct node *node, uint64_t *value, uint64_t *mask)
{
	struct scope scope = scene_scope(scene);
	const char *text = expr_substitute(&scope, node);
	bool good = text != NULL;

	while (good && *(text += strspn(text, " ,\t"))) {
		char mark = *text == '-' || *text == '~' ? *text++ : '+';
		size_t n = strcspn(text, " ,\t="), whole = strcspn(text, " ,\t");
		int64_t number = 1;
		if (n != whole)
			good = expr_text(&scope, node, arena_copy(scene->arena, text + n + 1, whole - n - 1), &number);
		good = good && set_flag(scene, node, text, n, mark, number, value, mask);
		text += whole;
	}
	return good;
}

bool flags_apply(struct scene *scene, const struct node *node, uint64_t *value, uint64_t *mask)
{
	struct scope scope = scene_scope(scene);
	bool good = true;

	if (node->kind == NODE_SCALAR)
		return flag_words(scene, node, value, mask);
	if (node->kind != NODE_MAP)
		return problem(scene->problems, node,
			       "flags are words (CF -ZF ~AF IOPL=3) or a mapping {CF: 1, AF: any}");
	for (unsigned i = 0; i < node->count; i++) {
		const struct entry *e = &node->entry[i];
		const char *name = e->key->text;
		bool any = e->value->kind == NODE_SCALAR && !strcmp(e->value->text, "any");
		int64_t number = 0;
		if (!any && !expr_node(&scope, e->value, &number))
			good = false;
		else
			good &= set_flag(scene, e->key, name, strlen(name), any ? '~' : '+',
					 strcmp(name, "IOPL") != 0 ? number != 0 : number, value, mask);
	}
	return good;
}
