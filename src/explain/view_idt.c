/* The interrupt descriptor table, out of IDTR: all of it, or one gate taken apart. */
#include <inttypes.h>

#include "explain/know.h"
#include "explain/moment.h"
#include "explain/segment.h"
#include "explain/views.h"

#define VECTORS    256u
#define TSS64_IST1 0x24u

struct gate {
	uint64_t raw, address;
	unsigned vector, type, dpl, ist;
	bool present, s;
	uint16_t selector;
	uint64_t offset;
};

/* SDM 3A, "64-Bit Mode IDT": 16 bytes each, with 64 bits of offset and a number of an IST. */
static unsigned gate_bytes(const struct cpu *cpu)
{
	return in_ia32e(cpu) ? 16 : 8;
}

/* False: outside the limit, or its page is not mapped. */
static bool read_gate(struct cpu *cpu, unsigned vector, struct gate *g)
{
	unsigned bytes = gate_bytes(cpu);
	uint64_t halves[2] = {0, 0}, raw;

	*g = (struct gate){.vector = vector,
			   .address = (cpu->s.idtr.base + (uint64_t)vector * bytes) & cpu->mmu.lin_mask};
	if (vector * bytes + bytes - 1 > cpu->s.idtr.limit || peek_lin(&cpu->mmu, g->address, halves, bytes) != bytes)
		return false;
	raw = halves[0];
	g->raw = raw;
	g->type = raw >> 40 & 0xf;
	g->s = raw >> 44 & 1;
	g->dpl = raw >> 45 & 3;
	g->present = raw >> 47 & 1;
	g->selector = (uint16_t)(raw >> 16);
	g->offset = (raw & 0xffff) | (g->type & 8 ? raw >> 32 & 0xffff0000 : 0) | halves[1] << 32;
	g->ist = bytes == 16 ? raw >> 32 & 7 : 0;
	return true;
}

static const char *kind_of(const struct gate *g)
{
	static const char *const names[16] = {[SYS_TASK_GATE] = "task gate",
					      [SYS_INT_GATE16] = "interrupt gate 16",
					      [SYS_TRAP_GATE16] = "trap gate 16",
					      [SYS_INT_GATE32] = "interrupt gate",
					      [SYS_TRAP_GATE32] = "trap gate"};

	return g->s || !names[g->type] ? "none the IDT may hold" : names[g->type];
}

static bool is_interrupt_gate(const struct gate *g)
{
	return g->type == SYS_INT_GATE32 || g->type == SYS_INT_GATE16;
}

/* Which stack the handler gets when ring 3 is interrupted. */
static void stack_text(struct cpu *cpu, const struct gate *g, const struct segment_facts *code, char *text, size_t size)
{
	uint64_t esp0 = 0;
	uint16_t ss0 = 0;

	if (g->ist) {
		/* ISTs: SDM 3A, "64-Bit TSS Format". */
		if (know_read(cpu, cpu->s.seg[SEG_TR].base + TSS64_IST1 + 8 * (g->ist - 1), &esp0))
			snprintf(text, size, "IST %u: %016" PRIx64, g->ist, esp0);
		else
			snprintf(text, size, "IST %u: no TSS", g->ist);
		return;
	}
	if (g->type == SYS_TASK_GATE)
		snprintf(text, size, "TSS %04x", g->selector);
	else if (!code->found || code->conforming || code->dpl == 3)
		snprintf(text, size, "same");
	else if (code->dpl != 0)
		snprintf(text, size, "TSS ss%u:esp%u", code->dpl, code->dpl);
	else if (know_esp0(cpu, &esp0, &ss0))
		snprintf(text, size, "%04x:%08" PRIx64, ss0, esp0);
	else
		snprintf(text, size, "no TSS");
}

static uint64_t handler_at(struct cpu *cpu, const struct gate *g, const struct segment_facts *code)
{
	return in_ia32e(cpu) ? g->offset : (code->base + g->offset) & UINT32_MAX;
}

static void put_row(struct explain *x, struct cpu *cpu, struct fact *rows, const struct gate *g)
{
	struct fact *row = put_object(rows, NULL);
	struct segment_facts code;
	char stack[48];

	put_hex(row, "vector", g->vector, 2);
	put_text(row, "type", "%s", kind_of(g));
	put_number(row, "type_number", g->type);
	put_number(row, "dpl", g->dpl);
	put_flag(row, "present", g->present)->tone = g->present ? TONE_PLAIN : TONE_BAD;
	segment_look_up(cpu, g->selector, &code);
	put_hex(row, "selector", g->selector, 4);
	put_text(row, "segment", "%s", code.text);
	stack_text(cpu, g, &code, stack, sizeof(stack));
	put_text(row, "stack", "%s", stack);
	if (g->type == SYS_TASK_GATE) {
		uint32_t eip;

		/* The task's EIP, at 20h of its TSS. */
		if (code.found && know_read32(cpu, code.base + 0x20, &eip))
			put_place(x, row, "handler", eip);
		return;
	}
	put_place(x, row, "handler", handler_at(cpu, g, &code));
}

static void put_idtr(struct explain *x, struct cpu *cpu)
{
	struct fact *idtr = put_object(&x->facts.root, "idtr");
	uint64_t address, pa, other;

	put_place(x, idtr, "base", cpu->s.idtr.base);
	put_hex(idtr, "limit", cpu->s.idtr.limit, 4);
	/* Linux shows the processor a read-only alias of its table. */
	if (know_address(x, "idt_table", &address) && address != cpu->s.idtr.base &&
	    peek_translate(&cpu->mmu, cpu->s.idtr.base, &pa) && peek_translate(&cpu->mmu, address, &other))
		put_text(idtr, "alias",
			 pa == other ? "the same memory as idt_table at %08" PRIx64
				     : "another memory than idt_table at %08" PRIx64,
			 address);
}

/* The first event out of ring 3: the kernel is set up then. */
static const struct moment set_up = {"an entry from ring 3, the moment without --at or --end", moment_from_user};

static bool protected_mode(struct explain *x, struct cpu *cpu)
{
	return in_protected(cpu) || diagnose(&x->why,
					     "explain %s: the processor is in real mode: there is no IDT, but the "
					     "vector table at 0",
					     fact_find(&x->facts.root, "view")->text);
}

bool view_idt(struct explain *x)
{
	struct fact *rows;
	struct cpu *cpu;
	unsigned unmapped = 0;
	struct gate g;

	if (!moment_state(x, x->options.end || x->options.has_at ? NULL : &set_up))
		return false;
	cpu = moment_cpu(x);
	if (!protected_mode(x, cpu))
		return false;
	put_text(&x->facts.root, "title", "IDT of cpu%u at t=%" PRIu64, cpu->id, drive_now(&x->drive));
	put_number(&x->facts.root, "t", drive_now(&x->drive));
	put_number(&x->facts.root, "cpu", cpu->id);
	put_idtr(x, cpu);
	rows = put_list(&x->facts.root, "gates");
	for (unsigned v = 0; v < VECTORS && v * gate_bytes(cpu) + gate_bytes(cpu) - 1 <= cpu->s.idtr.limit; v++)
		if (read_gate(cpu, v, &g))
			put_row(x, cpu, rows, &g);
		else
			unmapped++;
	if (unmapped)
		put_number(&x->facts.root, "gates_not_mapped", unmapped);
	return true;
}

/* SDM 2A, "INT n", Operation: in the order of the checks. */
static void put_judgement(struct explain *x, const struct gate *g, unsigned cpl)
{
	struct fact *o = put_object(&x->facts.root, "int_n");
	uint32_t error = g->vector << 3 | ERR_IDT;
	const char *verdict = "allowed";
	bool bad = true;

	put_number(o, "from_ring", cpl);
	if (g->s || !gate_type_name(g->type) || kind_of(g)[0] == 'n')
		verdict = "refused: #GP: not a gate";
	else if (g->dpl < cpl)
		verdict = "refused: #GP: gate DPL < CPL";
	else if (!g->present)
		verdict = "refused: #NP: P = 0";
	else
		bad = false;
	put_text(o, "verdict", "%s", verdict)->tone = bad ? TONE_BAD : TONE_GOOD;
	put_text(o, "check", "CPL %u %s gate DPL %u", cpl, g->dpl < cpl ? ">" : "<=", g->dpl);
	if (!bad)
		return;
	put_hex(o, "error_code", error, 4);
	put_text(o, "error_means", "vector %02x * 8 + IDT (bit 1); EXT (bit 0) = 0: software called it", g->vector);
}

static void put_gate(struct explain *x, struct cpu *cpu, const struct gate *g)
{
	struct fact *o = put_object(&x->facts.root, "gate");
	struct segment_facts code;
	char stack[48];

	put_hex(o, "address", g->address, 8);
	put_hex(o, "raw", g->raw, 16);
	put_text(o, "type", "%s", kind_of(g));
	put_number(o, "type_number", g->type);
	put_flag(o, "present", g->present)->tone = g->present ? TONE_GOOD : TONE_BAD;
	put_number(o, "dpl", g->dpl);
	put_number(o, "s", g->s);
	put_hex(o, "selector", g->selector, 4);
	segment_look_up(cpu, g->selector, &code);
	put_segment(&x->facts.root, "segment", &code);
	if (g->type != SYS_TASK_GATE) {
		put_hex(o, "offset", g->offset, 8);
		put_place(x, o, "handler", handler_at(cpu, g, &code));
		put_text(o, "eflags_if",
			 is_interrupt_gate(g) ? "interrupt gate: IF is cleared on entry"
					      : "trap gate: IF stays as it is");
	}
	stack_text(cpu, g, &code, stack, sizeof(stack));
	put_text(o, "stack_from_ring_3", "%s", stack);
}

bool view_gate(struct explain *x)
{
	uint64_t vector;
	struct cpu *cpu;
	struct gate g;

	if (!explain_number(x->options.argument, &vector) || vector >= VECTORS)
		return diagnose(&x->why, "explain gate %s: a vector, 0 to 255, is wanted", x->options.argument);
	if (!moment_state(x, &set_up))
		return false;
	cpu = moment_cpu(x);
	if (!protected_mode(x, cpu))
		return false;
	put_text(&x->facts.root, "title", "IDT[%02x] at t=%" PRIu64, (unsigned)vector, drive_now(&x->drive));
	put_number(&x->facts.root, "t", drive_now(&x->drive));
	put_number(&x->facts.root, "vector", vector);
	if ((unsigned)vector * gate_bytes(cpu) + gate_bytes(cpu) - 1 > cpu->s.idtr.limit) {
		put_text(&x->facts.root, "gate", "outside the IDT's limit %04x: #GP(%04x)", cpu->s.idtr.limit,
			 (unsigned)vector << 3 | ERR_IDT)
			->tone = TONE_BAD;
		return true;
	}
	if (!read_gate(cpu, (unsigned)vector, &g))
		return diagnose(&x->why, "explain gate %s: the IDT's page at %08" PRIx64 " is not mapped",
				x->options.argument, g.address);
	put_gate(x, cpu, &g);
	put_judgement(x, &g, x->options.has_ring ? x->options.ring : 3);
	return true;
}
