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

static bool instruction(void *owner, const struct where *at, char *text, size_t size)
{
	struct view *view = owner;
	struct cpu *cpu = machine_current(view->machine);
	bool wide = at->mode == MODE_PROTECTED && cpu->s.seg[SEG_CS].db;
	uint8_t bytes[INSN_MAX_LENGTH];
	size_t got = peek_lin(&cpu->mmu, (at->cs_base + at->rip) & cpu->mmu.lin_mask, bytes, sizeof(bytes));
	cs_insn *insn;

	if (!view->disassembler || !got)
		return false;
	cs_option(view->disassembler, CS_OPT_MODE, wide ? CS_MODE_32 : CS_MODE_16);
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

void view_print_state(struct view *view, FILE *file)
{
	static const char *const gpr[] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};
	static const char *const seg[] = {"es", "cs", "ss", "ds", "fs", "gs", "ldtr", "tr"};
	const struct cpu *cpu = machine_current(view->machine);
	const struct arch_state *s = &cpu->s;
	uint64_t offset = 0;
	const char *name = symbol(view, s->seg[SEG_CS].base + s->rip, &offset);

	if (view->machine->cpus > 1)
		fprintf(file, "  processor %u\n", cpu->id);
	fprintf(file, "  at %04x:%08" PRIx64, s->seg[SEG_CS].sel, s->rip);
	if (name)
		fprintf(file, " %s+0x%" PRIx64, name, offset);
	fprintf(file, "  ring %u  eflags %08" PRIx64 "  cr0 %08" PRIx64 "  cr2 %08" PRIx64 "  cr3 %08" PRIx64 "\n",
		s->cpl, cpu_flags(cpu), s->cr0, s->cr2, s->cr3);
	for (int i = 0; i < 8; i++)
		fprintf(file, "%s%s %08" PRIx64, i % 4 ? "  " : "  ", gpr[i], s->gpr.r64[i]);
	fputc('\n', file);
	for (int i = 0; i < SEG_COUNT; i++)
		fprintf(file, "  %s %04x", seg[i], s->seg[i].sel);
	fprintf(file, "\n  idtr %08" PRIx64 "/%04x  gdtr %08" PRIx64 "/%04x\n", s->idtr.base, s->idtr.limit,
		s->gdtr.base, s->gdtr.limit);
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
