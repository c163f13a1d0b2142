/* Facts that many views put. */
#include <inttypes.h>

#include "explain/know.h"

struct fact *put_place(struct explain *x, struct fact *parent, const char *key, uint64_t address)
{
	uint64_t offset = 0;
	const char *symbol = know_symbol(x, address, &offset), *file = NULL;
	unsigned line = 0;

	if (!lines_find(&x->machine->guest.lines, address, &file, &line))
		file = NULL;
	return put_address(parent, key, address, symbol, offset, file, line);
}

void put_flags(struct fact *parent, const char *key, uint64_t flags)
{
	static const struct {
		const char *name;
		uint32_t bit;
	} names[] = {{"CF", FLAG_CF}, {"PF", FLAG_PF},   {"AF", FLAG_AF},   {"ZF", FLAG_ZF},
		     {"SF", FLAG_SF}, {"TF", FLAG_TF},   {"IF", FLAG_IF},   {"DF", FLAG_DF},
		     {"OF", FLAG_OF}, {"NT", FLAG_NT},   {"RF", FLAG_RF},   {"VM", FLAG_VM},
		     {"AC", FLAG_AC}, {"VIF", FLAG_VIF}, {"VIP", FLAG_VIP}, {"ID", FLAG_ID}};
	struct fact *list = put_list(parent, key);

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (flags & names[i].bit)
			put_text(list, NULL, "%s", names[i].name);
	if (flags & FLAG_IOPL)
		put_text(list, NULL, "IOPL=%u", (unsigned)(flags & FLAG_IOPL) >> FLAG_IOPL_SHIFT);
}

void put_where(struct explain *x, struct fact *parent, const char *key, const struct where *w)
{
	struct fact *o = put_object(parent, key);

	put_place(x, o, "at", where_linear(w));
	put_hex(o, "cs", w->cs, 4);
	put_number(o, "ring", w->cpl);
	put_hex(o, "ss", w->ss, 4);
	put_hex(o, "esp", w->rsp, 8);
	put_hex(o, "eflags", w->rflags, 8);
	put_flags(o, "flags", w->rflags);
}

void put_bits(struct fact *parent, const char *key, const struct desc_word *word, uint32_t value)
{
	struct fact *list = put_list(parent, key);

	for (unsigned bit = 0; bit < 32; bit++) {
		unsigned i = 0;

		if (!(value >> bit & 1))
			continue;
		while (i < word->bits && word->bit[i].bit != bit)
			i++;
		if (i < word->bits)
			put_text(list, NULL, "%s", word->bit[i].name);
		else
			put_text(list, NULL, "bit %u", bit);
	}
}

void put_instruction(struct explain *x, struct fact *parent, const char *key, const struct where *at)
{
	struct trace_view view = view_of(&x->session.view);
	char text[96];

	if (view.instruction(view.owner, at, text, sizeof(text)))
		put_text(parent, key, "%s", text);
}

void put_task(struct explain *x, struct fact *parent, const char *key, struct cpu *cpu, uint64_t task)
{
	char name[32];

	if (know_task_name(x, cpu, task, name, sizeof(name)))
		put_text(parent, key, "%s (%08" PRIx64 ")", name, task);
	else
		put_text(parent, key, "%08" PRIx64, task);
}

void event_text(char *text, size_t size, unsigned kind, unsigned vector)
{
	const char *exception = exception_name(vector);

	if (kind == EV_NMI)
		snprintf(text, size, "NMI");
	else if (kind == EV_IRQ)
		snprintf(text, size, "IRQ %02x", vector);
	else if (kind == EV_SOFT_INT || !exception)
		snprintf(text, size, "INT %02x", vector);
	else
		snprintf(text, size, "%s", exception);
}
