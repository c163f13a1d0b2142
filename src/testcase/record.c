#include "testcase/record.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/x86.h"
#include "cli/session.h"
#include "cpu/x87.h"
#include "testcase/assemble.h"
#include "testcase/compare.h"
#include "testcase/replica.h"
#include "testcase/runner.h"
#include "testcase/testcase.h"

#define STATUS_USAGE 2
#define OPTION       "--record-case"

/* What is to be recorded. */
struct wish {
	char file[512];
	bool delivery;
	uint64_t number;
};

static int complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int complain(const char *format, ...)
{
	va_list arguments;

	fputs("trapgate: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	return STATUS_USAGE;
}

/* ---- the option ---- */
static const char *value_of(const char *argument)
{
	const char *name = argument + (argument[0] == '-' && argument[1] != '-' ? 1 : 2);

	if (argument[0] != '-' || strncmp(name, &OPTION[2], strlen(OPTION) - 2) != 0)
		return NULL;
	name += strlen(OPTION) - 2;
	return *name == '=' ? name + 1 : *name ? NULL : name;
}

bool record_wanted(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (value_of(argv[i]))
			return true;
	return false;
}

/* Takes the option out of the arguments. */
static bool take_option(int *argc, char **argv, struct wish *wish)
{
	const char *value = NULL, *at, *digits;
	int kept = 0;
	char *end;

	for (int i = 0; i < *argc; i++) {
		const char *v = i ? value_of(argv[i]) : NULL;
		if (!v)
			argv[kept++] = argv[i];
		else
			value = *v || i + 1 == *argc ? v : argv[++i];
	}
	*argc = kept;
	at = value ? strrchr(value, '@') : NULL;
	if (!at || at == value || (size_t)(at - value) >= sizeof(wish->file))
		return false;
	wish->delivery = !strncmp(at, "@delivery:", 10);
	if (!wish->delivery && strncmp(at, "@insn:", 6) != 0)
		return false;
	digits = strchr(at, ':') + 1;
	errno = 0;
	wish->number = strtoull(digits, &end, 0);
	snprintf(wish->file, sizeof(wish->file), "%.*s", (int)(at - value), value);
	return end != digits && !*end && !errno && (!wish->delivery || wish->number);
}

/* ---- the first run: when was delivery N? ---- */
struct finding {
	struct machine *machine;
	uint64_t number, seen;
	uint64_t chain; /* record that the present chain of failed deliveries began with */
	uint64_t chain_at;
	struct delivery_record found;
	uint64_t at; /* instructions retired before it */
};

static void look(void *owner, const struct delivery_record *r)
{
	struct finding *f = owner;
	uint64_t retired = r->when - f->machine->idle - 1;

	if (!r->parent)
		f->chain_at = retired;
	if (++f->seen != f->number)
		return;
	f->found = *r;
	f->at = f->chain_at;
	f->machine->interrupted = 1;
	cpu_request_stop(f->machine->cpu[r->cpu]);
}

static void ignore_return(void *owner, const struct return_record *r)
{
	(void)owner, (void)r;
}
static void ignore_entry(void *owner, const struct entry_record *r)
{
	(void)owner, (void)r;
}
static void ignore_task(void *owner, const struct task_record *r)
{
	(void)owner, (void)r;
}

static int find_delivery(const struct options *options, struct finding *f)
{
	struct diagnostic why = {""};
	struct session session;

	if (!session_open(&session, options, &why))
		return complain("%s", why.text);
	f->machine = session.machine;
	trace_add_sink(&session.machine->trace, (struct trace_sink){.delivery = look,
								    .returned = ignore_return,
								    .entry = ignore_entry,
								    .task = ignore_task,
								    .owner = f});
	machine_start(session.machine);
	struct machine_end end = machine_run(session.machine);
	session_close(&session);
	if (f->seen < f->number)
		return complain(OPTION ": the run had %" PRIu64 " deliveries, not %" PRIu64 ": %s", f->seen, f->number,
				end.text);
	return 0;
}

/* ---- the case as text ---- */
static const char *mode_key(const struct arch_state *s)
{
	if (!(s->cr0 & CR0_PE))
		return "real";
	if (s->rflags & FLAG_VM)
		return "vm86";
	if (s->efer & EFER_LMA)
		return s->seg[SEG_CS].l ? "long64" : "compat";
	return s->seg[SEG_CS].db ? "prot32" : "prot16";
}

/* What a case of that mode begins with. */
static bool usual_state(struct arena *arena, const struct replica *r, struct arch_state *usual)
{
	const char *text =
		arena_print(arena, "cases: [{name: x, mode: %s, cpu: %s, cpl: %u, code: {hex: 90}, expect: {}}]",
			    mode_key(&r->start), r->cpu.model->name, r->start.cpl);
	struct build_options options = {.no_assembler = true};
	struct suite suite;
	struct scene *scene = arena_alloc(arena, sizeof(*scene));
	struct problems problems = {.arena = arena};
	bool good = suite_read(&suite, "usual", text, strlen(text), 1) && suite.count == 1 &&
		    scene_build(scene, arena, &problems, suite.row[0].node, "x", NULL, &options);

	if (good)
		*usual = scene->s;
	suite_free(&suite);
	return good;
}

/* Written elsewhere; and registers of the x87 where the step has nothing to do with it. */
static bool not_written(unsigned reg, bool x87)
{
	return reg == reg_index("cpl") || reg == REG_EFLAGS ||
	       (!x87 && reg >= reg_index("fcw") && reg <= reg_index("fds"));
}

/* An x87 instruction, WAIT, or one that saves or loads all of it: opcodes D8 to DF, 9B, 0F AE. */
static bool about_x87(const struct replica *r)
{
	unsigned i = 0;

	while (i < r->code_bytes && strchr("\x26\x2e\x36\x3e\x64\x65\x66\x67\xf0\xf2\xf3", r->code[i]) && r->code[i])
		i++;
	return i < r->code_bytes && ((r->code[i] & 0xf8) == 0xd8 || r->code[i] == 0x9b ||
				     (r->code[i] == 0x0f && i + 1 < r->code_bytes && r->code[i + 1] == 0xae));
}

#define WIDEST 100 /* columns */

/* `name: 0x...` of each register that is otherwise in `now`, behind what stands in the line already. */
static void write_registers(FILE *f, const struct arch_state *before, const struct arch_state *now, bool x87,
			    const char *indent)
{
	int column = 40;

	for (unsigned i = 0; i < reg_count; i++) {
		bool selector = i >= REG_SEGMENT && i < REG_SEGMENT + 4 * SEG_COUNT;
		unsigned first = selector ? REG_SEGMENT + (i - REG_SEGMENT) / 4 * 4 : i;
		bool other = false;
		for (unsigned k = first; k < first + (selector ? 4 : 1); k++)
			other |= reg_get(before, k) != reg_get(now, k);
		if (!other || not_written(i, x87))
			continue;
		bool wrap = column > WIDEST;
		column = wrap ? (int)strlen(indent) : column;
		column += fprintf(f, ",%s%s%s: 0x%" PRIx64, wrap ? "\n" : " ", wrap ? indent : "",
				  reg_name(i, before->efer & EFER_LMA), reg_get(now, i));
	}
}

/* Registers of the x87's stack: those in use (all: every one). */
static void write_stack(FILE *f, const struct arch_state *s, bool all)
{
	struct fpu_state fpu = s->fpu;
	const char *between = "";

	for (unsigned i = 0; i < 8; i++) {
		const struct fp80 *st = x87_st(&fpu, i);
		if (x87_empty(&fpu, i) && !all)
			continue;
		if (x87_empty(&fpu, i))
			fprintf(f, "%sst%u: empty", between, i);
		else
			fprintf(f, "%sst%u: \"%04x:%016" PRIx64 "\"", between, i, st->sign_exponent, st->mantissa);
		between = ", ";
	}
}

static bool stack_in_use(const struct arch_state *s)
{
	return s->fpu.tw != 0xffff;
}

static int by_address(const void *a, const void *b)
{
	const struct replica_byte *x = a, *y = b;

	return x->pa < y->pa ? -1 : x->pa > y->pa;
}

/* Stretches of bytes; changed: as they are now, those that changed; else as they were. */
static void write_memory(FILE *f, const struct replica *r, bool changed)
{
	for (unsigned i = 0; i < r->bytes;) {
		const struct replica_byte *b = &r->byte[i];
		if (changed && b->before == b->now) {
			i++;
			continue;
		}
		fprintf(f, "%s- {at: 0x%" PRIx64 ", bytes: \"", changed ? "        " : "      ", b->pa);
		uint64_t first = b->pa;
		for (; i < r->bytes && r->byte[i].pa - first < 16; i++) {
			if (i && r->byte[i].pa != first && r->byte[i].pa != r->byte[i - 1].pa + 1)
				break;
			if (changed && r->byte[i].before == r->byte[i].now)
				break;
			fprintf(f, "%s%02x", r->byte[i].pa == first ? "" : " ",
				changed ? r->byte[i].now : r->byte[i].before);
		}
		fprintf(f, "\"%s}\n", changed ? "" : ", over: yes");
	}
}

static void write_deliveries(FILE *f, struct arena *arena, const struct replica *r)
{
	if (!r->deliveries)
		return;
	fprintf(f, "      deliver:\n");
	for (unsigned i = 0; i < r->deliveries; i++) {
		const struct delivery_record *d = &r->delivered[i];
		static const char *const keys[PUSH_NAMES] = {"error", "eip", "cs", "eflags", "esp",
							     "ss",    "es",  "ds", "fs",     "gs"};
		fprintf(f, "        - event: %s\n", delivery_text(arena, d));
		if (d->outcome != OUT_DELIVERED || !d->words)
			continue;
		fprintf(f, "          frame: {");
		for (unsigned k = 0; k < d->words; k++)
			fprintf(f, "%s%s: 0x%" PRIx64, k ? ", " : "", keys[d->word_name[k]], d->word[k]);
		fprintf(f, "}\n");
	}
}

static void write_instruction(FILE *f, const struct replica *r)
{
	const struct segment *cs = &r->start.seg[SEG_CS];
	bool protected = (r->start.cr0 & CR0_PE) && !(r->start.rflags & FLAG_VM);
	unsigned bits = protected && (r->start.efer & EFER_LMA) && cs->l ? 64 : protected && cs->db ? 32 : 16;
	uint8_t bytes[INSN_MAX_LENGTH];
	char text[160];
	size_t got = r->code_bytes;

	memcpy(bytes, r->code, sizeof(bytes));
	unsigned n = disassemble(bytes, got, bits, r->start.rip, text, sizeof(text));
	fprintf(f, "    # %04x:%08" PRIx64 "  ", r->start.seg[SEG_CS].sel, r->start.rip);
	for (unsigned i = 0; i < n; i++)
		fprintf(f, "%02x ", bytes[i]);
	fprintf(f, " %s\n", n ? text : "(no instruction)");
}

static uint64_t memory_needed(const struct replica *r)
{
	uint64_t last = SCENE_RAM - 1;

	for (unsigned i = 0; i < r->bytes; i++)
		last = r->byte[i].pa > last ? r->byte[i].pa : last;
	return (last | 0xfff) + 1;
}

static void write_case(FILE *f, struct arena *arena, const struct replica *r, const struct arch_state *usual,
		       const char *name, const char *raise)
{
	const struct arch_state *now = &r->cpu.s;
	bool x87 = about_x87(r);

	fprintf(f, "cases:\n  - name: %s\n", name);
	write_instruction(f, r);
	fprintf(f, "    mode: %s\n    cpu: %s\n", mode_key(&r->start), r->cpu.model->name);
	if (r->start.cpl && !(r->start.rflags & FLAG_VM))
		fprintf(f, "    cpl: %u\n", r->start.cpl);
	if (memory_needed(r) > SCENE_RAM)
		fprintf(f, "    ram: 0x%" PRIx64 "\n", memory_needed(r));
	fprintf(f, "    regs: {eflags: 0x%" PRIx64, r->start.rflags);
	write_registers(f, usual, &r->start, x87, "           ");
	fprintf(f, "}\n");
	if (x87 && stack_in_use(&r->start)) {
		fprintf(f, "    fpu: {tw: 0x%x, ", r->start.fpu.tw);
		write_stack(f, &r->start, false);
		fprintf(f, "}\n");
	}
	fprintf(f, "    memory:\n");
	write_memory(f, r, false);
	if (raise)
		fprintf(f, "    events: [{after: 0, raise: %s}]\n", raise);
	fprintf(f, "    run: {steps: %" PRIu64 "}\n    expect:\n", r->cpu.icount);
	fprintf(f, "      regs: {eflags: 0x%" PRIx64, cpu_flags(&r->cpu));
	write_registers(f, &r->start, now, x87, "             ");
	fprintf(f, "}\n");
	if (x87 && (stack_in_use(now) || stack_in_use(&r->start))) {
		fprintf(f, "      fpu: {");
		write_stack(f, now, true);
		fprintf(f, "}\n");
	}
	write_deliveries(f, arena, r);
	bool changes = false;
	for (unsigned i = 0; i < r->bytes; i++)
		changes |= r->byte[i].before != r->byte[i].now;
	if (changes)
		fprintf(f, "      memory:\n");
	if (changes)
		write_memory(f, r, true);
}

/* ---- the second run: up to there, one step on a replica, the same step on the machine itself ---- */
static bool same_outcome(const struct replica *r, const struct cpu *cpu, struct arena *arena, const char **what)
{
	for (unsigned i = 0; i < reg_count; i++)
		if (reg_get(&r->cpu.s, i) != reg_get(&cpu->s, i)) {
			*what = arena_print(arena, "%s is then %" PRIx64 " in the run and %" PRIx64 " in the case",
					    reg_name(i, r->start.efer & EFER_LMA), reg_get(&cpu->s, i),
					    reg_get(&r->cpu.s, i));
			return false;
		}
	return true;
}

static int write_and_check(const struct wish *wish, struct arena *arena, struct replica *r, const char *raise)
{
	struct arch_state usual;
	const char *name = arena_print(arena, "%s %" PRIu64, wish->delivery ? "delivery" : "instruction", wish->number);
	FILE *f;
	char *arguments[] = {"test", (char *)(uintptr_t)wish->file, NULL};

	if (!usual_state(arena, r, &usual))
		return complain(OPTION ": no case begins in this mode of the processor");
	qsort(r->byte, r->bytes, sizeof(r->byte[0]), by_address);
	f = fopen(wish->file, "w");
	if (!f)
		return complain(OPTION " %s: %s", wish->file, strerror(errno));
	write_case(f, arena, r, &usual, name, raise);
	if (fclose(f) != 0)
		return complain(OPTION " %s: %s", wish->file, strerror(errno));
	return testcase_main(2, arguments);
}

/* ---- a processor that waited: its interrupt comes by a clock that has not gone on yet ---- */
struct own_pin {
	struct cpu *cpu;
	bool level;
	uint8_t vector;
};

static bool own_pending(void *device)
{
	return ((struct own_pin *)device)->level;
}

static uint8_t own_acknowledge(void *device, uint64_t *cause)
{
	struct own_pin *pin = device;

	(void)cause;
	pin->level = false;
	cpu_set_intr(pin->cpu, false, 0);
	return pin->vector;
}

static const char *own_quiet(void *device)
{
	(void)device;
	return "nothing is raised";
}

/* The step that the replica has done, on the processor itself. */
static void step_itself(struct machine *m, struct cpu *cpu, const struct delivery_record *d, bool event)
{
	struct own_pin pin = {.cpu = cpu, .level = true, .vector = event ? d->vector : 0};
	bool waited = cpu->s.activity == ACT_HALTED;
	struct intr_pin real = cpu->intr;

	cpu->plain = true;
	cpu->s.activity = ACT_RUNNING;
	if (!event || waited) { /* the instruction itself, whatever waits */
		cpu_set_intr(cpu, false, 0);
		cpu->nmi_pending = false;
	}
	if (event && waited && d->kind == EV_NMI) {
		cpu_pulse_nmi(cpu, 0);
	} else if (event && waited) {
		cpu->intr = (struct intr_pin){&pin, own_pending, own_acknowledge, own_quiet};
		cpu_set_intr(cpu, true, 0);
	}
	bus_set_initiator(m->bus, cpu->id);
	cpu_step(cpu);
	cpu->intr = real;
}

static int record_here(const struct wish *wish, struct machine *m, struct cpu *cpu, const struct delivery_record *d)
{
	struct arena arena = {NULL};
	struct replica *r = replica_new(m->bus, cpu);
	uint64_t linear = code_linear(cpu, cpu->s.rip);
	const char *raise = NULL, *what = NULL;
	int status;

	if (!r)
		return complain("out of memory");
	if (d && d->kind == EV_IRQ) {
		r->event = true;
		r->vector = d->vector;
		raise = arena_print(&arena, "0x%02x", d->vector);
	} else if (d && d->kind == EV_NMI) {
		r->nmi = true;
		raise = "nmi";
	}
	r->code_bytes = (unsigned)peek_lin(&cpu->mmu, linear & cpu->mmu.lin_mask, r->code, sizeof(r->code));
	replica_step(r);
	step_itself(m, cpu, d, raise != NULL);
	if (r->trouble)
		status = complain(OPTION ": this cannot be a case of its own: %s", r->trouble);
	else if (!same_outcome(r, cpu, &arena, &what))
		status = complain(OPTION ": this cannot be a case of its own: %s", what);
	else
		status = write_and_check(wish, &arena, r, raise);
	replica_free(r);
	arena_free(&arena);
	return status;
}

int record_main(int argc, char **argv)
{
	struct diagnostic why = {""};
	struct finding found = {.machine = NULL};
	struct options options;
	struct session session;
	struct wish wish = {.number = 0};
	int status = 0;

	if (!take_option(&argc, argv, &wish))
		return complain(OPTION " takes FILE@insn:N or FILE@delivery:N");
	if (!options_parse(&options, argc - 1, argv + 1, &why))
		return complain("%s", why.text);
	if (options.errand != ERRAND_RUN)
		return complain(OPTION " needs a guest to run");
	found.number = wish.number;
	if (wish.delivery && (status = find_delivery(&options, &found)))
		return status;
	options.machine.max_insns = wish.delivery ? found.at : wish.number;
	if (!session_open(&session, &options, &why))
		return complain("%s", why.text);
	struct machine *m = session.machine;
	machine_start(m);
	struct machine_end end = {.kind = END_MAX_INSNS};
	if (options.machine.max_insns)
		end = machine_run(m);
	if (end.kind != END_MAX_INSNS)
		status = complain(OPTION ": the run ended before: %s", end.text);
	else
		status = record_here(&wish, m, m->cpu[wish.delivery ? found.found.cpu : m->turn],
				     wish.delivery ? &found.found : NULL);
	session_close(&session);
	return status;
}
