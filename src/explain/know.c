#include "explain/know.h"

#include <string.h>

#include "guest/kallsyms.h"

#define COMM_BYTES  16u
#define TASK_BYTES  8192u /* of a task structure, at most */
#define TSS32_ESP0  4u    /* SDM 3A, "Task-State Segment (TSS)" */
#define TSS16_SP0   2u

bool know_read32(const struct cpu *cpu, uint64_t lin, uint32_t *value)
{
	/* peek_lin changes nothing of the processor's. */
	return peek_lin(&((struct cpu *)cpu)->mmu, lin & UINT32_MAX, value, sizeof(*value)) == sizeof(*value);
}

/* ---- symbols and description ---- */
static void find_comm(struct explain *x)
{
	char bytes[TASK_BYTES];
	size_t n = strlen(x->desc.comm_text), got;
	uint64_t task;

	if (!x->desc.comm_search || !know_address(x, x->desc.comm.symbol, &task))
		return;
	got = peek_lin(&x->machine->cpu[0]->mmu, task, bytes, sizeof(bytes));
	for (size_t i = 0; i + n <= got; i++)
		if (memcmp(bytes + i, x->desc.comm_text, n) == 0) {
			x->comm_offset = (uint32_t)i;
			return;
		}
}

static bool find_symbols(struct explain *x)
{
	struct guest *guest = &x->machine->guest;
	struct diagnostic none;

	if (x->options.symbols) {
		symbols_free(&guest->symbols);
		lines_free(&guest->lines);
		return symbols_read_file(guest, x->options.symbols, &x->why);
	}
	/* None anywhere is no error yet: a view that needs them says so. */
	return guest->symbols.count || kallsyms_read(x->machine->bus, x->machine->config.ram, &guest->symbols, &none) ||
	       guest->symbols.count == 0;
}

bool know_learn(struct explain *x)
{
	if (x->learned)
		return true;
	x->learned = true;
	if (!find_symbols(x))
		return false;
	if (x->options.guest && !desc_read_file(&x->desc, x->options.guest, &x->why))
		return false;
	x->has_desc = x->options.guest || desc_recognise(&x->desc, &x->machine->guest.symbols);
	desc_resolve(&x->desc, &x->machine->guest.symbols);
	find_comm(x);
	return true;
}

bool know_need_symbols(struct explain *x, const char *view)
{
	return x->machine->guest.symbols.count ||
	       diagnose(&x->why, "explain %s: no symbols: the image has none, and no kallsyms lies in the guest's memory; "
			"give --symbols FILE", view);
}

const char *know_symbol(const struct explain *x, uint64_t address, uint64_t *offset)
{
	return symbols_find(&x->machine->guest.symbols, address, offset);
}

const char *know_function(const struct explain *x, uint64_t address)
{
	uint64_t offset;
	const char *name = know_symbol(x, address, &offset);

	return name && offset == 0 ? name : NULL;
}

bool know_address(const struct explain *x, const char *symbol, uint64_t *address)
{
	return symbols_address(&x->machine->guest.symbols, symbol, address);
}

/* ---- places of a description ---- */
bool know_esp0(const struct cpu *cpu, uint32_t *esp0, uint16_t *ss0)
{
	const struct segment *tr = &cpu->s.seg[SEG_TR];
	bool wide = tr->type & 8;
	uint32_t sp, ss;

	if (!tr->usable || !know_read32(cpu, tr->base + (wide ? TSS32_ESP0 : TSS16_SP0), &sp))
		return false;
	*esp0 = wide ? sp : sp & 0xffff;
	ss = sp >> 16;
	if (wide && !know_read32(cpu, tr->base + TSS32_ESP0 + 4, &ss))
		return false;
	*ss0 = (uint16_t)ss;
	return true;
}

/* Where the place lies, without its offset.  PROCESSOR's copy of a symbol lies so far from the symbol as a word for each
 * processor tells. */
static bool base_of(const struct explain *x, const struct cpu *cpu, const struct desc_place *at, uint32_t *address)
{
	const struct desc_place *percpu = &x->desc.percpu;
	uint32_t esp0, add = 0;
	uint16_t ss0;

	switch (at->base) {
	case DESC_AT_NONE:
		break;
	case DESC_AT_PERCPU:
		if (!percpu->resolved || !know_read32(cpu, percpu->address + percpu->offset + 4 * cpu->id, &add))
			return false;
		/* fall through */
	case DESC_AT_SYMBOL:
		*address = at->address + add;
		return at->resolved;
	case DESC_AT_CURRENT:
		*address = know_task(x, cpu);
		return *address != 0;
	case DESC_AT_STACK:
	case DESC_AT_TSS:
		if (!know_esp0(cpu, &esp0, &ss0))
			return false;
		*address = at->base == DESC_AT_TSS ? esp0 : (esp0 - 1) & ~at->mask;
		return true;
	}
	return false;
}

/* The place's value: its address, or with * what is stored there. */
static bool value_of(const struct explain *x, const struct cpu *cpu, const struct desc_place *at, uint32_t *value)
{
	if (!base_of(x, cpu, at, value))
		return false;
	*value += at->offset;
	return !at->indirect || know_read32(cpu, *value, value);
}

uint32_t know_task(const struct explain *x, const struct cpu *cpu)
{
	uint32_t task;
	uint16_t ss0;

	if (x->has_desc && x->desc.current.base != DESC_AT_NONE)
		return value_of(x, cpu, &x->desc.current, &task) ? task : 0;
	return know_esp0(cpu, &task, &ss0) ? task : 0;
}

bool know_task_name(const struct explain *x, const struct cpu *cpu, uint32_t task, char *name, size_t size)
{
	uint32_t at = task + (x->desc.comm_search ? x->comm_offset : x->desc.comm.offset);
	char text[COMM_BYTES + 1] = "";
	size_t got;

	if (!x->has_desc || !task || (x->desc.comm_search ? !x->comm_offset : x->desc.comm.base != DESC_AT_CURRENT))
		return false;
	got = peek_lin(&((struct cpu *)cpu)->mmu, at, text, COMM_BYTES);
	for (size_t i = 0; i < got && text[i]; i++)
		if (text[i] < 0x20 || text[i] > 0x7e)
			return false;
	snprintf(name, size, "%s", text);
	return got > 0 && text[0];
}

bool know_word(const struct explain *x, const struct cpu *cpu, unsigned i, uint32_t *address)
{
	return x->has_desc && i < x->desc.words && value_of(x, cpu, &x->desc.word[i].at, address);
}

bool know_word_value(const struct explain *x, const struct cpu *cpu, unsigned i, uint32_t *address, uint32_t *value)
{
	*value = 0;
	return know_word(x, cpu, i, address) &&
	       peek_lin(&((struct cpu *)cpu)->mmu, *address, value, x->desc.word[i].bytes) == x->desc.word[i].bytes;
}

bool know_top(const struct explain *x, const struct cpu *cpu, uint32_t *top)
{
	uint16_t ss0;

	if (x->has_desc && x->desc.top.base != DESC_AT_NONE)
		return value_of(x, cpu, &x->desc.top, top);
	return know_esp0(cpu, top, &ss0);
}

uint32_t know_meaning(const struct desc_word *word, const char *meaning)
{
	uint32_t mask = 0;

	for (unsigned i = 0; i < word->bits; i++)
		if (strcmp(word->bit[i].meaning, meaning) == 0)
			mask |= UINT32_C(1) << word->bit[i].bit;
	return mask;
}
