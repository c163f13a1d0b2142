/* Memory afterwards: as it was, but for the frames of deliveries and what is stated. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "testcase/compare.h"
#include "testcase/touched.h"

#define MOST_SHOWN 16u /* bytes in a line */
#define MOST_RUNS  12u

void compare_memory(const struct scene *scene, const struct bench *b, struct differences *out);

static struct difference *add(struct differences *out)
{
	out->item = arena_more(out->arena, out->item, out->count, sizeof(out->item[0]));
	return &out->item[out->count++];
}

/* A stack of 16 bits wraps around at 64 KiB: by what SS holds at the end, if it is still that of the frame. */
static uint64_t stack_mask(const struct bench *b, const struct delivery_record *r)
{
	const struct segment *ss = &b->cpu.s.seg[SEG_SS];

	if (r->word_bytes == 8)
		return UINT64_MAX;
	return ss->sel == r->to.ss && !ss->db ? 0xffff : UINT32_MAX;
}

/* The words a delivery pushed lie where they were pushed. */
static void put_frame(const struct bench *b, const struct delivery_record *r, uint8_t *image)
{
	struct mmu *mmu = (struct mmu *)(uintptr_t)&b->cpu.mmu;
	uint64_t pa, base = r->word_bytes == 8 ? 0 : r->to.ss_base, mask = stack_mask(b, r);

	if (r->outcome != OUT_DELIVERED && r->outcome != OUT_REDIRECTED && r->outcome != OUT_TASK_SWITCH)
		return;
	for (unsigned i = 0; i < r->words && i < RECORD_MAX_WORDS; i++) {
		uint64_t linear = base + ((r->frame - base + (uint64_t)(r->words - 1u - i) * r->word_bytes) & mask);
		for (unsigned k = 0; k < r->word_bytes; k++)
			if (peek_translate(mmu, (linear + k) & mmu->lin_mask, &pa) && pa < b->scene->ram)
				image[pa] = (uint8_t)(r->word[i] >> (8 * k));
	}
}

static uint8_t mask_of(const struct bytes *m, uint32_t i)
{
	return m->mask ? m->mask[i] : 0xff;
}

static const char *hex_text(struct arena *arena, const uint8_t *bytes, uint32_t size)
{
	static const char digits[] = "0123456789abcdef";
	char *text = arena_alloc(arena, size * 3 + 4);
	uint32_t shown = size < MOST_SHOWN ? size : MOST_SHOWN;

	for (uint32_t i = 0; i < shown; i++) {
		text[i * 3] = digits[bytes[i] >> 4];
		text[i * 3 + 1] = digits[bytes[i] & 15];
		text[i * 3 + 2] = i + 1 < shown ? ' ' : 0;
	}
	if (shown < size)
		memcpy(text + shown * 3 - 1, " ...", 5);
	return text;
}

static const char *pairs(struct arena *arena, const uint8_t *bytes, uint32_t size)
{
	const char *text = "";

	for (uint32_t i = 0; i < size; i++)
		text = arena_print(arena, "%s%s%02x", text, i ? " " : "", bytes[i]);
	return text;
}

/* One thing that is stated; what was found takes its place in the image, so that it is told once. */
static void compare_stated(const struct bench *b, const struct bytes *m, uint8_t *image, struct differences *out)
{
	const uint8_t *found = b->ram->host + m->at;
	bool wrong = false;
	uint64_t value = 0, expected = 0;

	for (uint32_t i = 0; i < m->size; i++)
		wrong |= ((image[m->at + i] ^ found[i]) & mask_of(m, i)) != 0;
	if (!wrong)
		return;
	struct difference *d = add(out);
	memcpy(&value, found, m->size < 8 ? m->size : 8);
	memcpy(&expected, image + m->at, m->size < 8 ? m->size : 8);
	d->node = m->node;
	if (m->size <= 8 && m->form == BYTES_PLAIN)
		d->text = arena_print(out->arena, "%s at 0x%" PRIx64 ": expected %0*" PRIx64 ", found %0*" PRIx64,
				      m->what, m->at, (int)m->size * 2, expected, (int)m->size * 2, value);
	else
		d->text =
			arena_print(out->arena, "%s at 0x%" PRIx64 ": expected %s, found %s", m->what, m->at,
				    hex_text(out->arena, image + m->at, m->size), hex_text(out->arena, found, m->size));
	if (m->form == BYTES_STRING)
		d->replacement = arena_print(out->arena, "\"%s\"", pairs(out->arena, found, m->size));
	else if (m->node->kind == NODE_SCALAR && m->size <= 8)
		d->replacement = arena_print(out->arena, "0x%" PRIx64, value);
}

static void compare_stray(const struct bench *b, const uint8_t *image, struct differences *out)
{
	const uint8_t *found = b->ram->host;
	unsigned runs = 0;

	for (size_t page = 0; page < b->scene->ram; page += TOUCHED_PAGE) {
		page += touched_first_difference(image + page, found + page, b->scene->ram - page);
		page &= ~(size_t)(TOUCHED_PAGE - 1);
		if (page >= b->scene->ram)
			return;
		for (uint64_t at = page; at < page + TOUCHED_PAGE; at++) {
			uint64_t end = at, last = at;
			if (image[at] == found[at])
				continue;
			while (end < page + TOUCHED_PAGE && end - last < 4 && end - at < MOST_SHOWN) {
				last = image[end] != found[end] ? end : last;
				end++;
			}
			if (++runs > MOST_RUNS)
				return;
			uint32_t size = (uint32_t)(last + 1 - at);
			struct difference *d = add(out);
			d->text = arena_print(
				out->arena, "memory at 0x%" PRIx64 ": expected %s, found %s (nothing is said of it)",
				at, hex_text(out->arena, image + at, size), hex_text(out->arena, found + at, size));
			d->section = "memory";
			d->key = "";
			d->value = arena_print(out->arena, "{at: 0x%" PRIx64 ", bytes: \"%s\"}", at,
					       pairs(out->arena, found + at, size));
			at = last;
		}
	}
}

void compare_memory(const struct scene *scene, const struct bench *b, struct differences *out)
{
	const struct expectation *x = &scene->expect;
	uint8_t *image = touched_new(scene->ram);

	if (!image) {
		add(out)->text = "no memory to compare with";
		return;
	}
	for (unsigned i = 0; i < scene->memory_count; i++)
		memcpy(image + scene->memory[i].at, scene->memory[i].data, scene->memory[i].size);
	for (unsigned i = 0; i < b->deliveries && i < MOST_KEPT_DELIVERIES; i++)
		if (x->deliveries_any || out->first_delivery >= 0 || i < x->deliveries)
			put_frame(b, &b->delivered[i], image);
	for (unsigned i = 0; i < x->memory_count; i++)
		memcpy(image + x->memory[i].at, x->memory[i].data, x->memory[i].size);
	for (unsigned i = 0; i < x->memory_count; i++)
		compare_stated(b, &x->memory[i], image, out);
	for (unsigned i = 0; i < x->memory_count; i++)
		memcpy(image + x->memory[i].at, b->ram->host + x->memory[i].at, x->memory[i].size);
	for (unsigned i = 0; i < x->scratch_count; i++)
		memcpy(image + x->scratch[i].at, b->ram->host + x->scratch[i].at, x->scratch[i].size);
	compare_stray(b, image, out);
	touched_free(image, scene->ram);
}
