#include "testcase/compare.h"
#include "testcase/touched.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/desc.h"
#include "cpu/x87.h"

#define MOST_DIFFERENCES 200u

static struct difference *differ(struct differences *out, const struct node *node, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static struct difference *differ(struct differences *out, const struct node *node, const char *format, ...)
{
	va_list arguments;

	if (out->count >= MOST_DIFFERENCES)
		return arena_alloc(out->arena, sizeof(struct difference));
	out->item = arena_more(out->arena, out->item, out->count, sizeof(out->item[0]));
	struct difference *d = &out->item[out->count++];
	va_start(arguments, format);
	*d = (struct difference){.node = node, .text = arena_vprint(out->arena, format, arguments)};
	va_end(arguments);
	return d;
}

/* ---- flags ---- */
static const struct {
	const char *name;
	uint32_t bit;
} flag_names[] = {
	{"CF", FLAG_CF}, {"PF", FLAG_PF}, {"AF", FLAG_AF},   {"ZF", FLAG_ZF},   {"SF", FLAG_SF}, {"TF", FLAG_TF},
	{"IF", FLAG_IF}, {"DF", FLAG_DF}, {"OF", FLAG_OF},   {"NT", FLAG_NT},   {"RF", FLAG_RF}, {"VM", FLAG_VM},
	{"AC", FLAG_AC}, {"ID", FLAG_ID}, {"VIF", FLAG_VIF}, {"VIP", FLAG_VIP},
};
#define FLAG_NAMES (sizeof(flag_names) / sizeof(flag_names[0]))

const char *flags_text(struct arena *arena, uint64_t before, uint64_t now, uint64_t mask)
{
	const char *text = "";

	for (unsigned i = 0; i < FLAG_NAMES; i++) {
		uint32_t bit = flag_names[i].bit;
		const char *mark = !(mask & bit) ? "~" : !((before ^ now) & bit) ? NULL : now & bit ? "" : "-";
		if (mark)
			text = arena_print(arena, "%s%s%s%s", text, *text ? " " : "", mark, flag_names[i].name);
	}
	if ((before ^ now) & mask & FLAG_IOPL)
		text = arena_print(arena, "%s%sIOPL=%u", text, *text ? " " : "", (unsigned)(now >> 12 & 3));
	return text;
}

static void compare_flags(const struct scene *scene, const struct reg_want *want, uint64_t found,
			  struct differences *out)
{
	uint64_t wrong = (want->value ^ found) & want->mask;
	const struct node *flags = tree_get(scene->expect.node, "flags");
	const char *expected = "", *got = "";

	if (!wrong)
		return;
	for (unsigned i = 0; i < FLAG_NAMES; i++)
		if (wrong & flag_names[i].bit) {
			expected = arena_print(out->arena, "%s %s=%u", expected, flag_names[i].name,
					       !!(want->value & flag_names[i].bit));
			got = arena_print(out->arena, "%s %s=%u", got, flag_names[i].name,
					  !!(found & flag_names[i].bit));
		}
	if (wrong & FLAG_IOPL) {
		expected = arena_print(out->arena, "%s IOPL=%u", expected, (unsigned)(want->value >> 12 & 3));
		got = arena_print(out->arena, "%s IOPL=%u", got, (unsigned)(found >> 12 & 3));
	}
	struct difference *d =
		differ(out, want->node ? want->node : flags, "flags: expected%s, found%s", expected, got);
	const char *words = flags_text(out->arena, scene->s.rflags, found, want->mask);
	if (want->node)
		d->replacement = arena_print(out->arena, "0x%" PRIx64, found);
	else if (flags && flags->kind == NODE_SCALAR)
		d->replacement = *words ? words : "\"\"";
	else if (!flags)
		d->section = "", d->key = "flags", d->value = words;
}

/* ---- registers ---- */
static void compare_register(unsigned reg, bool wide, const struct reg_want *want, uint64_t found,
			     struct differences *out)
{
	unsigned digits = (reg_bits(reg, wide) + 3) / 4;
	struct difference *d;

	if (!((want->value ^ found) & want->mask))
		return;
	d = differ(out, want->node, "%s: expected %0*" PRIx64 ", found %0*" PRIx64 "%s", reg_name(reg, wide), digits,
		   want->value & want->mask, digits, found & want->mask,
		   want->stated ? "" : " (nothing is said of it: it should be as it was)");
	const char *number = arena_print(
		out->arena, "0x%" PRIx64,
		found >> want->part.shift &
			(want->part.bits && want->part.bits < 64 ? (UINT64_C(1) << want->part.bits) - 1 : UINT64_MAX));
	if (want->node)
		d->replacement = number;
	else
		d->section = "regs", d->key = reg_name(reg, wide), d->value = number;
}

/* What a segment register holds that was loaded with this selector. */
static struct segment as_loaded(const struct bench *b, enum seg seg, uint16_t selector)
{
	const struct arch_state *s = &b->cpu.s;
	struct mmu *mmu = (struct mmu *)(uintptr_t)&b->cpu.mmu;
	struct descriptor d;
	uint64_t raw[2] = {0}, base = selector & SEL_TI ? s->seg[SEG_LDTR].base : s->gdtr.base;

	if (seg < SEG_LDTR && (s->rflags & FLAG_VM))
		return vm86_segment(selector);
	if (seg < SEG_LDTR && !(s->cr0 & CR0_PE))
		return (struct segment){.sel = selector,
					.base = (uint64_t)selector << 4,
					.limit = s->seg[seg].limit,
					.attributes = s->seg[seg].attributes};
	if (sel_null(selector))
		return null_segment(selector);
	peek_lin(mmu, base + (selector & SEL_INDEX), raw, sizeof(raw));
	desc_decode(&d, raw[0], selector);
	if (in_ia32e(&b->cpu) && !d.seg.s)
		d.seg.base |= raw[1] << 32;
	return d.seg;
}

/* The hidden parts of a segment register follow from a selector that was stated. */
static void want_hidden(const struct bench *b, struct reg_want *want, enum seg seg)
{
	const struct reg_want *selector = &want[reg_selector(seg)];
	struct arch_state loaded;
	const struct arch_state *before = &b->scene->s, *now = &b->cpu.s;
	bool same_mode = !((before->rflags ^ now->rflags) & FLAG_VM) && !((before->cr0 ^ now->cr0) & CR0_PE);
	bool same = !selector->stated || (selector->value == before->seg[seg].sel && seg != SEG_CS && same_mode);

	if (same && selector->mask)
		return;
	loaded.seg[seg] = as_loaded(b, seg, (uint16_t)selector->value);
	for (unsigned reg = reg_base(seg); reg <= reg_attributes(seg); reg++) {
		if (want[reg].stated)
			continue;
		want[reg].value = reg_get(&loaded, reg);
		if (seg >= SEG_LDTR && !in_protected(&b->cpu)) /* whatever was there */
			want[reg].mask = 0;
		else if (!selector->mask || (sel_null((uint16_t)selector->value) && in_protected(&b->cpu)))
			want[reg].mask = reg == reg_attributes(seg) && selector->mask ? SEGMENT_USABLE : 0;
	}
}

static void forgive(struct reg_want *want, unsigned reg)
{
	if (!want[reg].stated)
		want[reg].mask = 0;
}

static void forgive_segment(struct reg_want *want, enum seg seg)
{
	if (want[reg_selector(seg)].stated)
		return;
	for (unsigned reg = reg_selector(seg); reg <= reg_attributes(seg); reg++)
		forgive(want, reg);
}

/* Where the gate of a vector leads, by the tables the case began with.  False: no interrupt or trap gate. */
static bool gate_target(const struct scene *scene, uint8_t vector, uint64_t *offset)
{
	uint64_t raw, upper = 0;

	if (!(scene->s.cr0 & CR0_PE)) {
		scene_peek(scene, scene->s.idtr.base + vector * 4u, &raw, 4);
		*offset = raw & 0xffff;
		return true;
	}
	scene_peek(scene, scene->s.idtr.base + vector * (scene_is_long(scene) ? 16u : 8u), &raw, 8);
	if (scene_is_long(scene))
		scene_peek(scene, scene->s.idtr.base + vector * 16u + 8, &upper, 8);
	unsigned type = raw >> 40 & 0x1f;
	*offset = (raw & 0xffff) | (type & 8 ? raw >> 32 & 0xffff0000 : 0) | upper << 32;
	return (type & 0x16) == 6;
}

static uint64_t end_offset(const struct scene *scene)
{
	int64_t value = 0;

	scene_name(scene, "end", 3, &value);
	return (uint64_t)value;
}

/* What a delivery changes of itself, where the case ends in its handler. */
static void want_after_delivery(const struct scene *scene, const struct bench *b, struct reg_want *want)
{
	static const uint64_t changed = FLAG_IF | FLAG_TF | FLAG_NT | FLAG_RF | FLAG_VM | FLAG_AC;
	const struct delivery_record *last =
		&b->delivered[(b->deliveries < MOST_KEPT_DELIVERIES ? b->deliveries : MOST_KEPT_DELIVERIES) - 1];
	uint64_t offset;

	forgive_segment(want, SEG_CS);
	forgive_segment(want, SEG_SS);
	forgive(want, RSP);
	forgive(want, REG_EIP);
	if (!want[REG_EFLAGS].stated)
		want[REG_EFLAGS].mask &= ~changed;
	if (last->outcome == OUT_DELIVERED && !want[REG_EIP].stated && gate_target(scene, last->vector, &offset)) {
		want[REG_EIP].mask = scene_is_long(scene) ? UINT64_MAX : UINT32_MAX;
		want[REG_EIP].value = offset + (b->end == END_HALT);
		if (b->end == END_HALT && b->cpu.s.rip == end_offset(scene)) /* back from it, and to the HLT at the end */
			want[REG_EIP].value = end_offset(scene);
	}
	for (unsigned i = 0; i < b->deliveries && i < MOST_KEPT_DELIVERIES; i++)
		if (b->delivered[i].from.rflags & FLAG_VM)
			for (unsigned seg = SEG_ES; seg <= SEG_GS; seg++)
				forgive_segment(want, (enum seg)seg);
}

/* CR2 and DR6 belong to #PF and #DB. */
static void want_side_effects(const struct bench *b, struct reg_want *want)
{
	for (unsigned i = 0; i < b->deliveries && i < MOST_KEPT_DELIVERIES; i++) {
		if (b->delivered[i].vector == VEC_PF && b->delivered[i].kind == EV_FAULT)
			forgive(want, reg_index("cr2"));
		if (b->delivered[i].vector == VEC_DB)
			forgive(want, reg_index("dr6"));
		if (b->delivered[i].vector == VEC_DB)
			forgive(want, reg_index("dr7"));
	}
}


static void want_cpl(const struct bench *b, struct reg_want *want)
{
	struct reg_want *cpl = &want[reg_index("cpl")];

	if (cpl->stated)
		return;
	cpl->mask = want[reg_selector(SEG_CS)].mask ? 3 : 0;
	cpl->value = b->cpu.s.rflags & FLAG_VM ? 3 : b->cpu.s.cr0 & CR0_PE ? want[reg_selector(SEG_CS)].value & 3 : 0;
}

static void compare_registers(const struct scene *scene, const struct bench *b, struct differences *out)
{
	struct reg_want want[MOST_REGS];

	memcpy(want, scene->expect.reg, sizeof(want));
	if (!want[REG_EIP].stated)
		want[REG_EIP].value = end_offset(scene);
	if (b->deliveries && b->end != END_AT_END)
		want_after_delivery(scene, b, want);
	want_side_effects(b, want);
	for (unsigned seg = 0; seg < SEG_COUNT; seg++)
		want_hidden(b, want, (enum seg)seg);
	want_cpl(b, want);
	for (unsigned i = 0; i < reg_count; i++) {
		uint64_t found = reg_get(&b->cpu.s, i);
		if (i == REG_EFLAGS)
			compare_flags(scene, &want[i], found, out);
		else
			compare_register(i, scene_is_long(scene), &want[i], found, out);
	}
}

/* ---- x87 stack ---- */
static void compare_fpu(const struct scene *scene, const struct bench *b, struct differences *out)
{
	const struct fpu_want *want = &scene->expect.fpu_want;
	struct fpu_state f = b->cpu.s.fpu, before = scene->s.fpu;

	for (unsigned i = 0; i < 8 && !want->any; i++) {
		unsigned physical = x87_physical(&f, i);
		bool was_empty = (before.tw >> (2 * physical) & 3) == 3, empty = x87_empty(&f, i);
		bool should_be_empty = want->st_stated[i] ? want->st_empty[i] : was_empty;
		struct fp80 now = *x87_st(&f, i), should = want->st_stated[i] ? want->st[i] : before.st[physical];
		const char *text = arena_print(out->arena, "%04x:%016" PRIx64, now.sign_exponent, now.mantissa);
		struct difference *d = NULL;
		if (empty != should_be_empty)
			d = differ(out, want->st_node[i], "st%u: expected %s, found %s", i,
				   should_be_empty ? "empty" : "a value", empty ? "empty" : text);
		else if (!empty && (now.mantissa != should.mantissa || now.sign_exponent != should.sign_exponent))
			d = differ(out, want->st_node[i], "st%u: expected %04x:%016" PRIx64 ", found %s", i,
				   should.sign_exponent, should.mantissa, text);
		if (d && want->st_node[i])
			d->replacement = empty ? "empty" : text;
		else if (d)
			d->section = "fpu", d->key = arena_print(out->arena, "st%u", i),
			d->value = empty ? "empty" : text;
	}
}

/* ---- deliveries ---- */
static const char *vector_text(struct arena *arena, unsigned vector)
{
	const char *name = exception_name(vector);

	return name ? name + (*name == '#') : arena_print(arena, "0x%x", vector);
}

const char *delivery_text(struct arena *arena, const struct delivery_record *r)
{
	const char *text = r->kind == EV_FAULT || r->kind == EV_TRAP || r->kind == EV_ABORT || r->kind == EV_NMI
				   ? vector_text(arena, r->vector)
				   : arena_print(arena, "%s %s", event_kind_name((enum event_kind)r->kind),
						 vector_text(arena, r->vector));

	if (r->has_error)
		text = arena_print(arena, "%s(0x%x)", text, r->error);
	if (r->why)
		text = arena_print(arena, "%s %s", text, why_info((enum why)r->why)->name);
	if (r->outcome == OUT_FAULTED || r->outcome == OUT_SHUTDOWN)
		text = arena_print(arena, "%s refused %s", text, why_info(r->refused.why)->name);
	return text;
}

static bool is_refused(const struct delivery_record *r)
{
	return r->outcome == OUT_FAULTED || r->outcome == OUT_SHUTDOWN;
}

static void compare_frame(const struct delivery_want *want, const struct delivery_record *r, unsigned number,
			  struct differences *out)
{
	for (unsigned i = 0; i < want->words; i++) {
		const struct word_want *w = &want->word[i];
		unsigned k = 0, digits = r->word_bytes * 2u;
		while (k < r->words && r->word_name[k] != w->name)
			k++;
		const char *name = pushed_name_text(w->name, r->word_bytes * 8u);
		if (k == r->words && w->mask)
			differ(out, w->node, "delivery %u: no %s was pushed", number, name);
		uint64_t found = k < r->words ? r->word[k] : w->value,
			 mask = w->mask & (r->word_bytes == 2   ? 0xffff
					 : r->word_bytes == 4 ? UINT32_MAX
							      : UINT64_MAX);
		if ((found ^ w->value) & mask)
			differ(out, w->node, "delivery %u: %s pushed: expected %0*" PRIx64 ", found %0*" PRIx64, number,
			       name, digits, w->value & mask, digits, found & mask)
				->replacement = arena_print(out->arena, "0x%" PRIx64, found);
	}
}

/* The first thing in which a delivery is otherwise; false: in nothing but its frame. */
static bool delivery_differs(const struct delivery_want *w, const struct delivery_record *r, unsigned number,
			     struct differences *out)
{
	const char *found = delivery_text(out->arena, r);

	if (r->vector != w->vector && !(w->kind == EV_NMI && r->kind == EV_NMI))
		differ(out, w->node, "delivery %u: expected vector %s, found %s", number,
		       vector_text(out->arena, w->vector), found);
	else if (w->kind >= 0 && r->kind != w->kind)
		differ(out, w->node, "delivery %u: expected a %s, found %s", number,
		       event_kind_name((enum event_kind)w->kind), found);
	else if (w->error >= 0 && (r->has_error != w->error || (r->has_error && r->error != w->error_code)))
		differ(out, w->node, "delivery %u: expected %s%s, found %s", number, w->error ? "error code " : "none",
		       w->error ? arena_print(out->arena, "%04x", w->error_code) : " of error codes", found);
	else if (w->why && r->why != w->why)
		differ(out, w->node, "delivery %u: expected the reason %s, found %s", number, why_info(w->why)->name,
		       found);
	else if (is_refused(r) != w->refused_any)
		differ(out, w->node, "delivery %u: expected %s, found %s at step %s: %s", number,
		       w->refused_any ? "a refusal" : "it to reach its handler",
		       is_refused(r) ? "it refused" : "it delivered", delivery_step_name((enum delivery_step)r->step),
		       is_refused(r) ? arena_print(out->arena, "%s, %s", why_info(r->refused.why)->name,
						   why_info(r->refused.why)->sentence)
				     : found);
	else if (w->refused && r->refused.why != w->refused)
		differ(out, w->node, "delivery %u: expected to be refused for %s, found %s at step %s", number,
		       why_info(w->refused)->name, why_info(r->refused.why)->name,
		       delivery_step_name((enum delivery_step)r->step));
	else if (w->step >= 0 && r->step != w->step)
		differ(out, w->node, "delivery %u: expected to come to step %s, found %s", number,
		       delivery_step_name((enum delivery_step)w->step),
		       delivery_step_name((enum delivery_step)r->step));
	else if (w->stack >= 0 && r->stack_source != w->stack)
		differ(out, w->node, "delivery %u: expected the stack of %s, found %s", number,
		       stack_source_name((enum stack_source)w->stack),
		       stack_source_name((enum stack_source)r->stack_source));
	else if (w->outcome >= 0 && r->outcome != w->outcome)
		differ(out, w->node, "delivery %u: expected outcome %s, found %s", number,
		       delivery_outcome_name((enum delivery_outcome)w->outcome),
		       delivery_outcome_name((enum delivery_outcome)r->outcome));
	else if (w->has_cr2 && r->cr2 != w->cr2)
		differ(out, w->node, "delivery %u: expected the address %08" PRIx64 ", found %08" PRIx64, number,
		       w->cr2, r->cr2);
	else
		return false;
	return true;
}

/* All that was delivered, as `deliver` would state it. */
static const char *all_deliveries(struct arena *arena, const struct bench *b)
{
	const char *text = "";

	if (b->deliveries == 1)
		return delivery_text(arena, &b->delivered[0]);
	for (unsigned i = 0; i < b->deliveries && i < MOST_KEPT_DELIVERIES; i++)
		text = arena_print(arena, "%s%s%s", text, i ? ", " : "", delivery_text(arena, &b->delivered[i]));
	return arena_print(arena, "[%s]", text);
}

static bool states_words(const struct node *deliver)
{
	if (deliver->kind == NODE_SCALAR)
		return true;
	for (unsigned i = 0; deliver->kind == NODE_LIST && i < deliver->count; i++)
		if (deliver->item[i]->kind != NODE_SCALAR)
			return false;
	return deliver->kind == NODE_LIST && deliver->flow;
}

static void compare_deliveries(const struct scene *scene, const struct bench *b, struct differences *out)
{
	const struct expectation *x = &scene->expect;
	const struct node *deliver = tree_get(x->node, "deliver");
	unsigned before = out->count, i;

	if (x->deliveries_any)
		return;
	for (i = 0; i < x->deliveries && i < b->deliveries && i < MOST_KEPT_DELIVERIES; i++) {
		if (delivery_differs(&x->delivery[i], &b->delivered[i], i + 1, out))
			break;
		compare_frame(&x->delivery[i], &b->delivered[i], i + 1, out);
		if (out->count != before && out->first_delivery < 0)
			out->first_delivery = (int)i;
	}
	bool stopped = i < x->deliveries && i < b->deliveries;
	if (stopped && out->first_delivery < 0)
		out->first_delivery = (int)i;
	if (!stopped && b->deliveries < x->deliveries)
		differ(out, x->delivery[b->deliveries].node, "delivery %u: expected, but there were %u deliveries only",
		       b->deliveries + 1, b->deliveries);
	else if (!stopped && b->deliveries > x->deliveries)
		differ(out, NULL, "delivery %u: nothing was expected, found %s", x->deliveries + 1,
		       delivery_text(out->arena, &b->delivered[x->deliveries]));
	else if (!stopped)
		return;
	if (out->first_delivery < 0)
		out->first_delivery = (int)x->deliveries;
	struct difference *d = &out->item[out->count - 1];
	d->node = deliver ? deliver : d->node;
	if (deliver && states_words(deliver))
		d->replacement = all_deliveries(out->arena, b);
	else if (!deliver)
		d->section = "", d->key = "deliver", d->value = all_deliveries(out->arena, b);
}

/* ---- how it ended ---- */
static void compare_end(const struct scene *scene, const struct bench *b, struct differences *out)
{
	const struct expectation *x = &scene->expect;
	bool good = x->end == END_ANY ? b->end != END_LIMIT && b->end != END_SHUTDOWN : x->end == b->end;

	if (b->gap[0])
		differ(out, NULL, "the machine stopped: not built yet: %s", b->gap);
	else if (!good && x->end == END_ANY && b->end == END_LIMIT)
		differ(out, NULL, "the case did not end within %" PRIu64 " ticks (run: {limit: N})", scene->limit);
	else if (!good) {
		struct difference *d = differ(out, x->end_node, "it ended by %s%s%s", scene_end_names[b->end],
					      x->end == END_ANY ? "" : ", expected ",
					      x->end == END_ANY ? " (triple fault)" : scene_end_names[x->end]);
		if (x->end_node)
			d->replacement = scene_end_names[b->end];
		else
			d->section = "", d->key = "end", d->value = scene_end_names[b->end];
	}
}

void compare_memory(const struct scene *scene, const struct bench *b, struct differences *out);

void compare(const struct scene *scene, const struct bench *bench, struct differences *out)
{
	compare_end(scene, bench, out);
	compare_deliveries(scene, bench, out);
	compare_registers(scene, bench, out);
	compare_fpu(scene, bench, out);
	compare_memory(scene, bench, out);
}

void compare_runs(const struct scene *scene, const struct bench *plain, const struct bench *blocks,
		  struct differences *out)
{
	const char *head = "by blocks otherwise than by single instructions";

	if (plain->gap[0] || blocks->gap[0])
		return;
	if (plain->end != blocks->end)
		differ(out, NULL, "%s: ended by %s and %s", head, scene_end_names[blocks->end],
		       scene_end_names[plain->end]);
	if (plain->deliveries != blocks->deliveries)
		differ(out, NULL, "%s: %u and %u deliveries", head, blocks->deliveries, plain->deliveries);
	for (unsigned i = 0; i < reg_count; i++) {
		uint64_t p = reg_get(&plain->cpu.s, i), c = reg_get(&blocks->cpu.s, i);
		if (p != c)
			differ(out, NULL, "%s: %s %" PRIx64 " and %" PRIx64, head, reg_name(i, scene_is_long(scene)), c, p);
	}
	if (memcmp(&plain->cpu.s.fpu, &blocks->cpu.s.fpu, sizeof(plain->cpu.s.fpu)) != 0)
		differ(out, NULL, "%s: the x87", head);
	if (touched_first_difference(plain->ram->host, blocks->ram->host, scene->ram) != scene->ram)
		differ(out, NULL, "%s: memory", head);
}
