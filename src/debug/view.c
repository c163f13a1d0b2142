#include "debug/view.h"

#include <capstone/capstone.h>
#include <inttypes.h>

/* Deliveries shown before the one a chain began with. */
#define EARLIER 2

bool view_init(struct view *view, struct machine *machine)
{
	csh handle = 0;

	*view = (struct view){.machine = machine};
	if (cs_open(CS_ARCH_X86, CS_MODE_32, &handle) != CS_ERR_OK)
		return false;
	view->disassembler = handle;
	return true;
}

void view_free(struct view *view)
{
	csh handle = view->disassembler;

	if (handle)
		cs_close(&handle);
	view->disassembler = 0;
}

static const char *symbol(void *owner, uint64_t address, uint64_t *offset)
{
	const struct view *view = owner;

	return symbols_find(&view->machine->guest.symbols, address, offset);
}

static bool line(void *owner, uint64_t address, const char **file, unsigned *number)
{
	const struct view *view = owner;

	return lines_find(&view->machine->guest.lines, address, file, number);
}

/* In 64-bit mode CS's base counts for nothing. */
static uint64_t place_linear(const struct cpu *cpu, unsigned mode, uint64_t base, uint64_t rip)
{
	return ((mode == MODE_LONG64 ? 0 : base) + rip) & cpu->mmu.lin_mask;
}

static bool instruction(void *owner, const struct where *at, char *text, size_t size)
{
	struct view *view = owner;
	struct cpu *cpu = machine_current(view->machine);
	bool wide = at->mode >= MODE_PROTECTED && cpu->s.seg[SEG_CS].db;
	cs_mode mode = at->mode == MODE_LONG64 ? CS_MODE_64 : wide ? CS_MODE_32 : CS_MODE_16;
	uint8_t bytes[INSN_MAX_LENGTH];
	size_t got = peek_lin(&cpu->mmu, place_linear(cpu, at->mode, at->cs_base, at->rip), bytes, sizeof(bytes));
	cs_insn *insn;

	if (!view->disassembler || !got)
		return false;
	cs_option(view->disassembler, CS_OPT_MODE, mode);
	if (cs_disasm(view->disassembler, bytes, got, at->rip, 1, &insn) != 1)
		return false;
	snprintf(text, size, "%s%s%s", insn->mnemonic, insn->op_str[0] ? " " : "", insn->op_str);
	cs_free(insn, 1);
	return true;
}

struct trace_view view_of(struct view *view)
{
	return (struct trace_view){symbol, line, instruction, view};
}

static void print_general(const struct arch_state *s, bool wide, FILE *file)
{
	static const char *const names[] = {"ax", "cx", "dx", "bx", "sp", "bp", "si", "di"};

	for (unsigned i = 0; i < (wide ? 16u : 8u); i++) {
		if (i < 8)
			fprintf(file, "  %c%s", wide ? 'r' : 'e', names[i]);
		else
			fprintf(file, "  %sr%u", i < 10 ? " " : "", i);
		fprintf(file, " %0*" PRIx64 "%s", wide ? 16 : 8, s->gpr.r64[i], wide && i % 4 == 3 ? "\n" : "");
	}
	if (!wide)
		fputc('\n', file);
}

static void print_segments(const struct arch_state *s, bool wide, FILE *file)
{
	static const char *const names[] = {"es", "cs", "ss", "ds", "fs", "gs", "ldtr", "tr"};

	for (int i = 0; i < SEG_COUNT; i++)
		fprintf(file, "  %s %04x", names[i], s->seg[i].sel);
	fputc('\n', file);
	if (wide)
		fprintf(file, "  fs base %016" PRIx64 "  gs base %016" PRIx64 "  kernel gs base %016" PRIx64 "\n",
			s->seg[SEG_FS].base, s->seg[SEG_GS].base, s->kernel_gs_base);
}

void view_print_state(struct view *view, FILE *file)
{
	const struct cpu *cpu = machine_current(view->machine);
	const struct arch_state *s = &cpu->s;
	bool ia32e = in_ia32e(cpu);
	int digits = in_long64(cpu) ? 16 : 8, address = ia32e ? 16 : 8;
	uint64_t offset = 0;
	const char *name = symbol(view, place_linear(cpu, cpu_mode(cpu), s->seg[SEG_CS].base, s->rip), &offset);

	if (view->machine->cpus > 1)
		fprintf(file, "  processor %u\n", cpu->id);
	fprintf(file, "  at %04x:%0*" PRIx64, s->seg[SEG_CS].sel, digits, s->rip);
	if (name)
		fprintf(file, " %s+0x%" PRIx64, name, offset);
	fprintf(file, "  ring %u  eflags %08" PRIx64 "%s  cr0 %08" PRIx64 "  cr2 %0*" PRIx64 "  cr3 %08" PRIx64 "%s",
		s->cpl, cpu_flags(cpu), ia32e ? "\n" : "", s->cr0, address, s->cr2, s->cr3, ia32e ? "" : "\n");
	if (ia32e)
		fprintf(file, "  cr4 %08" PRIx64 "  cr8 %" PRIx64 "  efer %08" PRIx64 "\n", s->cr4, s->cr8, s->efer);
	print_general(s, in_long64(cpu), file);
	print_segments(s, ia32e, file);
	fprintf(file, "  idtr %0*" PRIx64 "/%04x  gdtr %0*" PRIx64 "/%04x\n", address, s->idtr.base, s->idtr.limit,
		address, s->gdtr.base, s->gdtr.limit);
}

void view_explain_end(struct view *view, const struct machine_end *end, FILE *file)
{
	struct trace_writer writer = {.file = file, .view = view_of(view)};

	if (end->kind != END_TRIPLE_FAULT && end->kind != END_DEAD_HALT && end->kind != END_UNIMPLEMENTED)
		return;
	view_print_state(view, file);
	if (end->kind == END_UNIMPLEMENTED)
		return;
	fputs(end->kind == END_TRIPLE_FAULT ? "How it came to that, the oldest delivery first:\n"
					    : "The last deliveries before, the oldest first:\n",
	      file);
	trace_explain(&writer, &view->machine->trace, EARLIER);
}
