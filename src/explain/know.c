#include "explain/know.h"

#include <string.h>

#include "explain/segment.h"
#include "guest/kallsyms.h"

#define FARTHEST     0x10000u /* symbols without a size reach no further than functions do */
#define COMM_BYTES   16u
#define TASK_BYTES   8192u /* of a task structure, at most */
#define CODE_BYTES   256u
#define FIRST_FIELDS 0x40u
#define TSS32_ESP0   4u /* SDM 3A, "Task-State Segment (TSS)" */
#define TSS16_SP0    2u

bool know_read32(struct cpu *cpu, uint64_t lin, uint32_t *value)
{
	return peek_lin(&cpu->mmu, lin & cpu->mmu.lin_mask, value, sizeof(*value)) == sizeof(*value);
}

unsigned know_word_bytes(const struct cpu *cpu)
{
	return in_ia32e(cpu) ? 8 : 4;
}

bool know_read(struct cpu *cpu, uint64_t lin, uint64_t *value)
{
	unsigned bytes = know_word_bytes(cpu);

	*value = 0;
	return peek_lin(&cpu->mmu, bytes == 8 ? lin : lin & UINT32_MAX, value, bytes) == bytes;
}

uint64_t know_reg(const struct cpu *cpu, enum gpr reg)
{
	return in_long64(cpu) ? cpu->s.gpr.r64[reg] : reg32(cpu, reg);
}

uint64_t know_stack(const struct cpu *cpu)
{
	return seg_linear(cpu, SEG_SS, know_reg(cpu, RSP));
}

uint64_t where_linear(const struct where *w)
{
	return w->mode == MODE_LONG64 ? w->rip : (w->cs_base + w->rip) & UINT32_MAX;
}

enum decode_mode know_kernel_mode(const struct cpu *cpu)
{
	return in_ia32e(cpu) ? MODE_LONG64 : MODE_PROTECTED;
}

/* ---- symbols and description ---- */
/* The number in an instruction of a function that a place is found by: the nth LEA off a register with a displacement
 * behind the first fields, or (nth = 0) the first absolute operand in that segment.  False: none in its first bytes. */
static bool number_in_code(struct cpu *cpu, uint64_t function, unsigned nth, uint8_t seg, uint64_t *number)
{
	uint8_t bytes[CODE_BYTES];
	size_t got = peek_lin(&cpu->mmu, function, bytes, sizeof(bytes));
	struct insn insn;

	for (size_t at = 0; at < got; at += insn.length) {
		if (decode(&insn, bytes + at, got - at, know_kernel_mode(cpu), true) != DECODE_OK)
			return false;
		*number = know_word_bytes(cpu) == 8 ? (uint64_t)insn.disp : (uint32_t)insn.disp;
		if (nth && insn.mnemonic == MN_lea && insn.base != REG_NONE && *number > FIRST_FIELDS &&
		    *number < TASK_BYTES && --nth == 0)
			return true;
		if (!nth && insn.seg_override && insn.seg == seg && insn.base == REG_NONE && insn.index == REG_NONE &&
		    insn.disp_size == 4)
			return true;
	}
	return false;
}

/* The memory that code lies in has to be mapped now. */
static void resolve(struct explain *x, struct desc_place *at)
{
	uint64_t address;

	if (!at->symbol[0] || !know_address(x, at->symbol, &address))
		return;
	at->address = address;
	at->resolved = at->base == DESC_AT_SYMBOL || at->base == DESC_AT_PERCPU ||
		       number_in_code(x->machine->cpu[0], address, at->base == DESC_AT_TASK ? at->mask : 0,
				      at->mask ? SEG_GS : SEG_FS, &at->address);
}

static void resolve_all(struct explain *x)
{
	struct desc *d = &x->desc;

	resolve(x, &d->current);
	resolve(x, &d->percpu);
	resolve(x, &d->top);
	resolve(x, &d->comm);
	resolve(x, &d->pid);
	for (unsigned i = 0; i < d->words; i++)
		resolve(x, &d->word[i].at);
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
	resolve_all(x);
	return true;
}

bool know_need_symbols(struct explain *x, const char *view)
{
	return x->machine->guest.symbols.count ||
	       diagnose(&x->why,
			"explain %s: no symbols: the image has none, and no kallsyms lies in the guest's memory; "
			"give --symbols FILE",
			view);
}

const char *know_symbol(const struct explain *x, uint64_t address, uint64_t *offset)
{
	const char *name = symbols_find(&x->machine->guest.symbols, address, offset);

	return name && *offset <= FARTHEST ? name : NULL;
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
bool know_esp0(struct cpu *cpu, uint64_t *esp0, uint16_t *ss0)
{
	const struct segment *tr = &cpu->s.seg[SEG_TR];
	bool wide = tr->type & 8;
	uint32_t sp, ss;

	*ss0 = 0;
	if (tr->usable && in_ia32e(cpu))
		return know_read(cpu, tr->base + TSS32_ESP0, esp0); /* RSP0: at the same place */
	if (!tr->usable || !know_read32(cpu, tr->base + (wide ? TSS32_ESP0 : TSS16_SP0), &sp))
		return false;
	*esp0 = wide ? sp : sp & 0xffff;
	ss = sp >> 16;
	if (wide && !know_read32(cpu, tr->base + TSS32_ESP0 + 4, &ss))
		return false;
	*ss0 = (uint16_t)ss;
	return true;
}

/* SWAPGS swaps it with that of ring 3: the one in the upper half of the addresses is the kernel's. */
static bool kernel_gs(const struct cpu *cpu, uint64_t *base)
{
	uint64_t now = cpu->s.seg[SEG_GS].base;

	*base = now >> 63 ? now : cpu->s.kernel_gs_base;
	return *base >> 63;
}

/* What is added to the address of a symbol for this processor's copy. */
static bool percpu_base(const struct explain *x, struct cpu *cpu, uint64_t *add)
{
	const struct desc_place *percpu = &x->desc.percpu;
	struct segment_facts segment;

	if (percpu->base == DESC_AT_SYMBOL)
		return percpu->resolved &&
		       know_read(cpu, percpu->address + percpu->offset + know_word_bytes(cpu) * cpu->id, add);
	if (percpu->base == DESC_AT_GSBASE)
		return kernel_gs(cpu, add);
	segment_look_up(cpu, (uint16_t)percpu->mask, &segment);
	*add = segment.base;
	return segment.found;
}

/* Where the place lies, without its offset. */
static bool base_of(const struct explain *x, struct cpu *cpu, const struct desc_place *at, uint64_t *address)
{
	struct segment_facts segment;
	uint64_t more = 0;
	uint16_t ss0;

	switch (at->base) {
	case DESC_AT_NONE:
		break;
	case DESC_AT_GSBASE:
		return kernel_gs(cpu, address);
	case DESC_AT_PERCPU:
	case DESC_AT_CODE:
		if (!percpu_base(x, cpu, &more))
			return false;
		/* fall through */
	case DESC_AT_SYMBOL:
		*address = at->address + more;
		return at->resolved;
	case DESC_AT_SEGMENT:
		segment_look_up(cpu, (uint16_t)at->mask, &segment);
		*address = segment.base;
		return segment.found;
	case DESC_AT_TASK:
		more = at->address;
		if (!at->resolved)
			return false;
		/* fall through */
	case DESC_AT_CURRENT:
		*address = know_task(x, cpu) + more;
		return *address != more;
	case DESC_AT_TSS:
		*address = cpu->s.seg[SEG_TR].base;
		return cpu->s.seg[SEG_TR].usable;
	case DESC_AT_STACK:
		if (x->desc.top.base == DESC_AT_NONE ? !know_esp0(cpu, address, &ss0) : !know_top(x, cpu, address))
			return false;
		*address = (*address - 1) & ~(uint64_t)at->mask;
		return true;
	}
	return false;
}

/* The place's value: its address, or with * what is stored there. */
static bool value_of(const struct explain *x, struct cpu *cpu, const struct desc_place *at, uint64_t *value)
{
	if (!base_of(x, cpu, at, value))
		return false;
	*value += at->offset;
	return !at->indirect || know_read(cpu, *value, value);
}

uint64_t know_task(const struct explain *x, struct cpu *cpu)
{
	uint64_t task;
	uint16_t ss0;

	if (x->has_desc && x->desc.current.base != DESC_AT_NONE)
		return value_of(x, cpu, &x->desc.current, &task) ? task : 0;
	return know_esp0(cpu, &task, &ss0) ? task : 0;
}

bool know_task_at(const struct explain *x, struct cpu *cpu, uint64_t *address)
{
	const struct desc_place *current = &x->desc.current;

	if (x->has_desc && current->base != DESC_AT_NONE) {
		if (!current->indirect || !base_of(x, cpu, current, address))
			return false;
		*address += current->offset;
		return true;
	}
	*address = cpu->s.seg[SEG_TR].base + TSS32_ESP0;
	return cpu->s.seg[SEG_TR].usable && (cpu->s.seg[SEG_TR].type & 8);
}

static bool read_name(const struct explain *x, struct cpu *cpu, uint64_t task, char *name, size_t size)
{
	const struct desc_place *comm = &x->desc.comm;
	uint64_t at = task + comm->offset + (comm->base == DESC_AT_TASK ? comm->address : 0);
	char text[COMM_BYTES + 1] = "";
	size_t got;

	if (!x->has_desc || !task || (comm->base == DESC_AT_TASK ? !comm->resolved : comm->base != DESC_AT_CURRENT))
		return false;
	got = peek_lin(&cpu->mmu, at, text, COMM_BYTES);
	for (size_t i = 0; i < got && text[i]; i++)
		if (text[i] < 0x20 || text[i] > 0x7e)
			return false;
	snprintf(name, size, "%s", text);
	return got > 0 && text[0];
}

void know_remember_name(struct explain *x, struct cpu *cpu, uint64_t task)
{
	struct task_name new = {.task = task};

	if (!read_name(x, cpu, task, new.name, sizeof(new.name)))
		return;
	for (unsigned i = 0; i < EXPLAIN_NAMES; i++)
		if (x->names[i].task == task) {
			x->names[i] = new;
			return;
		}
	x->names[x->named++ % EXPLAIN_NAMES] = new;
}

bool know_task_name(const struct explain *x, struct cpu *cpu, uint64_t task, char *name, size_t size)
{
	if (read_name(x, cpu, task, name, size))
		return true;
	for (unsigned i = 0; task && i < EXPLAIN_NAMES; i++)
		if (x->names[i].task == task) {
			snprintf(name, size, "%s", x->names[i].name);
			return true;
		}
	return false;
}

bool know_word(const struct explain *x, struct cpu *cpu, unsigned i, uint64_t *address)
{
	return x->has_desc && i < x->desc.words && value_of(x, cpu, &x->desc.word[i].at, address);
}

bool know_word_value(const struct explain *x, struct cpu *cpu, unsigned i, uint64_t *address, uint32_t *value)
{
	*value = 0;
	return know_word(x, cpu, i, address) &&
	       peek_lin(&cpu->mmu, *address, value, x->desc.word[i].bytes) == x->desc.word[i].bytes;
}

bool know_top(const struct explain *x, struct cpu *cpu, uint64_t *top)
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
