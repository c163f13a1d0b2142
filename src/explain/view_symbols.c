/* What is known of the guest: its description, its symbols. */
#include <inttypes.h>

#include "explain/know.h"
#include "explain/views.h"

static const struct moment set_up = {"an entry from ring 3, the moment without another one", moment_from_user};

static void put_description(struct explain *x, struct cpu *cpu)
{
	struct fact *o = put_object(&x->facts.root, "guest");
	uint64_t task, top;

	if (!x->has_desc) {
		put_text(o, "description", "none fits; give --guest FILE");
		return;
	}
	put_text(o, "description", "%s", x->desc.name);
	put_text(o, "title", "%s", x->desc.title);
	task = know_task(x, cpu);
	if (task)
		put_task(x, o, "current", cpu, task);
	if (know_top(x, cpu, &top))
		put_hex(o, "kernel_stack_top", top, 8);
	for (unsigned i = 0; i < x->desc.words; i++) {
		uint64_t at;
		uint32_t value;
		struct fact *word = put_object(o, x->desc.word[i].name);

		if (!know_word_value(x, cpu, i, &at, &value)) {
			put_text(word, "unknown", "its place cannot be found here");
			continue;
		}
		put_hex(word, "at", at, 8);
		put_hex(word, "value", value, 8);
		put_bits(word, "set", &x->desc.word[i], value);
	}
}

bool view_symbols(struct explain *x)
{
	const struct symbols *symbols = &x->machine->guest.symbols;
	const char *pattern = x->options.argument;
	struct fact *rows;

	if (!moment_state(x, &set_up) || !know_need_symbols(x, "symbols"))
		return false;
	put_text(&x->facts.root, "title", "%zu symbols", symbols->count);
	put_number(&x->facts.root, "count", symbols->count);
	put_description(x, moment_cpu(x));
	if (!pattern)
		return true;
	rows = put_list(&x->facts.root, "symbols");
	for (size_t i = 0; i < symbols->count; i++) {
		struct fact *row;

		if (!desc_match(pattern, symbols->list[i].name))
			continue;
		row = put_object(rows, NULL);
		put_hex(row, "address", symbols->list[i].address, 8);
		put_text(row, "name", "%s", symbols->list[i].name);
	}
	return rows->first || diagnose(&x->why, "explain symbols %s: no symbol's name fits", pattern);
}
