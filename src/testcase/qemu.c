/* --qemu: a case in QEMU.  A loader in ROM makes the processor what the case says and goes there; breakpoints stand
 * where a case may end. */
#include "testcase/runner.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "arch/x86.h"
#include "cpu/desc.h"
#include "cpu/x87.h"
#include "testcase/gdbwire.h"
#include "testcase/host.h"
#include "testcase/qemu.h"
#include "testcase/qemu_loader.h"

#define RESET   0xfffffff0u
#define CASE_MS 150u

/* ---- one case ---- */
/* The initial memory, but TR's descriptor, which LTR makes busy. */
static bool write_memory(struct qemu *q, const struct scene *scene, uint8_t *image)
{
	memset(image, 0, QEMU_RAM);
	for (unsigned i = 0; i < scene->memory_count; i++)
		memcpy(image + scene->memory[i].at, scene->memory[i].data, scene->memory[i].size);
	if (scene->mode != SCENE_REAL)
		image[AT_GDT + (scene->s.seg[SEG_TR].sel & SEL_INDEX) + 5] &= (uint8_t)~2u;
	for (uint32_t page = 0; page < QEMU_LOADER_DATA; page += 0x1000) {
		bool hole = page >= QEMU_HOLE && page < 0x100000;
		if (!hole && memcmp(image + page, q->ram + page, 0x1000) != 0 &&
		    !qemu_write(q, page, image + page, 0x1000))
			return false;
	}
	return true;
}

static uint64_t linear_rip(const struct arch_state *s)
{
	bool flat = (s->efer & EFER_LMA) && s->seg[SEG_CS].l;

	return flat ? s->rip : (uint32_t)(s->seg[SEG_CS].base + s->rip);
}

/* Where the case ends, but for handlers: behind its first block of code, or where so many steps lead. */
static uint64_t end_of(const struct bench *b)
{
	return b->scene->until == END_STEPS ? linear_rip(&b->cpu.s) : b->scene->end;
}

static bool run_there(struct qemu *q, const struct bench *b, struct qemu_state *state, bool *stopped)
{
	return qemu_step(q) && qemu_break(q, RESET, true) && qemu_break(q, end_of(b), true) &&
	       qemu_continue(q, CASE_MS, stopped) && qemu_state(q, state, b->scene->s.xcr0 & XCR0_AVX) &&
	       qemu_break(q, end_of(b), false) && qemu_break(q, RESET, false);
}

/* ---- the comparison ---- */
static bool does_not_matter(const struct scene *scene, uint64_t at)
{
	const struct expectation *x = &scene->expect;

	if (at >= QEMU_HOLE && at < 0x100000)
		return true;
	for (unsigned i = 0; i < x->scratch_count; i++)
		if (at - x->scratch[i].at < x->scratch[i].size)
			return true;
	for (unsigned i = 0; i < x->memory_count; i++)
		if (x->memory[i].mask && at - x->memory[i].at < x->memory[i].size &&
		    x->memory[i].mask[at - x->memory[i].at] != 0xff)
			return true;
	return false;
}

/* The word of a frame that lies at an address, by its place in the record, and the byte of it; NULL: none does. */
static const struct delivery_record *word_at(const struct bench *b, uint64_t at, unsigned *word, unsigned *byte)
{
	for (unsigned i = 0; i < b->deliveries && i < MOST_KEPT_DELIVERIES; i++) {
		const struct delivery_record *d = &b->delivered[i];
		uint64_t offset = at - d->frame;
		if (d->outcome != OUT_DELIVERED || !d->words || offset >= (uint64_t)d->words * d->word_bytes)
			continue;
		*byte = (unsigned)(offset % d->word_bytes);
		*word = (unsigned)(d->words - 1 - offset / d->word_bytes);
		return d;
	}
	return NULL;
}

/* What QEMU does otherwise wherever it comes up (docs/peers-delivery.md), so that it does not hide the rest. */
static bool known_difference(const struct bench *b, uint64_t at, uint8_t changed, const char **known)
{
	unsigned byte = 0, word = 0;
	const struct delivery_record *d = word_at(b, at, &word, &byte);
	enum pushed_name name = d ? (enum pushed_name)d->word_name[word] : PUSH_NAMES;
	uint64_t error = d ? d->word[word] : 0, doubled = (error & ~UINT64_C(7)) << 1 | ERR_IDT;

	if (name == PUSH_FLAGS && byte == 2 && changed == FLAG_RF >> 16)
		*known = *known ? *known : PEERS_RF;
	else if (name == PUSH_ERROR && byte == 0 && changed == ERR_EXT)
		*known = PEERS_EXT;
	else if (name == PUSH_ERROR && (error & ERR_IDT) && d->word_bytes == 8 &&
		 changed == (uint8_t)((error ^ doubled) >> (8 * byte)))
		*known = PEERS_IDT;
	else
		return false;
	return true;
}

static const char *memory_differs(struct arena *arena, const struct qemu *q, const struct bench *b)
{
	const char *known = NULL;

	for (uint64_t at = 0; at < b->scene->ram; at++)
		if (q->ram[at] != b->ram->host[at] && !does_not_matter(b->scene, at) &&
		    !known_difference(b, at, q->ram[at] ^ b->ram->host[at], &known))
			return arena_print(arena, "memory at 0x%" PRIx64 " is %02x, expected %02x", at, q->ram[at],
					   b->ram->host[at]);
	return known;
}

static const char *x87_differs(struct arena *arena, const struct qemu_state *q, const struct bench *b)
{
	struct fpu_state f = b->cpu.s.fpu;

	for (unsigned i = 0; i < 8 && !b->scene->expect.fpu_want.any; i++) {
		uint8_t st[10];
		memcpy(st, &f.st[i].mantissa, 8); /* the stub shows the physical registers */
		memcpy(st + 8, &f.st[i].sign_exponent, 2);
		if ((f.tw >> (2 * i) & 3) != 3 && memcmp(st, q->st[i], 10) != 0)
			return arena_print(arena, "the x87's physical register %u", i);
	}
	return NULL;
}

struct found {
	const char *name; /* in reg_table */
	uint64_t value;
};

static const char *list_differing(struct arena *arena, const char *list, const struct bench *b,
				  const struct found *found, uint64_t bits)
{
	unsigned reg = reg_index(found->name);
	const struct reg_want *want = &b->scene->expect.reg[reg];
	uint64_t ours = reg_get(&b->cpu.s, reg) & bits, mask = bits & (want->stated ? want->mask : UINT64_MAX);

	if (!((found->value ^ ours) & mask))
		return list;
	return arena_print(arena, "%s%s%s %" PRIx64 ", expected %" PRIx64, list, *list ? "; " : "",
			   reg_name(reg, b->scene->mode == SCENE_LONG64), found->value & bits, ours);
}

static const char *vectors_differ(struct arena *arena, const char *list, const struct qemu_state *q,
				  const struct bench *b)
{
	static const char *const parts[] = {".0", ".1", ".2", ".3"};
	bool upper = b->scene->s.xcr0 & b->cpu.s.xcr0 & XCR0_AVX;

	for (unsigned i = 0; i < 16; i++)
		for (unsigned part = 0; part < (upper ? 4u : 2u); part++)
			list = list_differing(
				arena, list, b,
				&(struct found){arena_print(arena, "ymm%u%s", i, parts[part]), q->vec[i][part]},
				UINT64_MAX);
	return list_differing(arena, list, b, &(struct found){"mxcsr", q->mxcsr}, UINT64_MAX);
}

/* What 64-bit mode has more. */
static const char *wide_registers_differ(struct arena *arena, const char *list, const struct qemu_state *q,
					 const struct bench *b)
{
	static const char *const names[] = {"r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"};
	const struct found more[] = {
		{"fs.base", q->base[0]}, {"gs.base", q->base[1]}, {"kernel_gs_base", q->base[2]}, {"cr8", q->cr8}};

	for (unsigned i = 0; i < 8 && b->cpu.s.seg[SEG_CS].l; i++)
		list = list_differing(arena, list, b, &(struct found){names[i], q->gpr[8 + i]}, UINT64_MAX);
	for (unsigned i = 0; i < sizeof(more) / sizeof(more[0]); i++)
		list = list_differing(arena, list, b, &more[i], UINT64_MAX);
	return list;
}

static const char *registers_differ(struct arena *arena, const struct qemu_state *q, const struct bench *b)
{
	const struct found found[] = {
		{"eax", q->gpr[RAX]}, {"ecx", q->gpr[RCX]}, {"edx", q->gpr[RDX]}, {"ebx", q->gpr[RBX]},
		{"esp", q->gpr[RSP]}, {"ebp", q->gpr[RBP]}, {"esi", q->gpr[RSI]}, {"edi", q->gpr[RDI]},
		{"eip", q->rip},      {"cs", q->seg[0]},    {"ss", q->seg[1]},    {"ds", q->seg[2]},
		{"es", q->seg[3]},    {"fs", q->seg[4]},    {"gs", q->seg[5]},    {"cr0", q->cr0},
		{"cr2", q->cr2},      {"cr3", q->cr3},      {"cr4", q->cr4},      {"efer", q->efer}};
	bool in_64bit = (b->cpu.s.efer & EFER_LMA) && b->cpu.s.seg[SEG_CS].l;
	const char *list = "";

	for (unsigned i = 0; i < sizeof(found) / sizeof(found[0]); i++)
		list = list_differing(arena, list, b, &found[i], i > 8 || in_64bit ? UINT64_MAX : UINT32_MAX);
	if (scene_is_long(b->scene))
		list = wide_registers_differ(arena, list, q, b);
	list = vectors_differ(arena, list, q, b);
	uint64_t flags = b->scene->expect.reg[REG_EFLAGS].mask & FLAGS_DEFINED;
	if ((q->eflags ^ b->cpu.s.rflags) & flags)
		list = arena_print(arena, "%s%sflags %s", list, *list ? "; " : "",
				   flags_text(arena, b->cpu.s.rflags, q->eflags, flags | ~(uint64_t)FLAGS_DEFINED));
	return *list ? list : NULL;
}

static const char *differs(struct arena *arena, const struct qemu *q, const struct qemu_state *state, bool stopped,
			   const struct bench *b)
{
	bool reset = stopped && !(state->cr0 & CR0_PE) && state->seg[0] == 0xf000 && state->rip == 0xfff0;
	const char *what;

	if (b->end == END_SHUTDOWN)
		return reset ? NULL : "no shutdown";
	if (reset)
		return "a triple fault";
	if (!stopped && b->end != END_HALT)
		return arena_print(arena, "it does not end: cs:rip %04x:%08" PRIx64, state->seg[0], state->rip);
	if ((what = registers_differ(arena, state, b)) || (what = x87_differs(arena, state, b)))
		return what;
	return memory_differs(arena, q, b);
}

/* ---- QEMUs that wait for their next case ---- */
static const char *model_of(const struct cpu_model *model)
{
	static const char *const names[][2] = {
		{"i386", "486"},          {"i486", "486"},          {"pentium", "pentium"},
		{"pentium2", "pentium2"}, {"i486sx", "486,-fpu"},   {"qemu64", "qemu64"},
		{"core2", "core2duo"},    {"x86-64-v2", "Nehalem"}, {"x86-64-v3", "Haswell"}};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(names[i][0], model->name))
			return names[i][1];
	return "max,vendor=GenuineIntel";
}

static struct qemu *take(struct run *run, const char *model)
{
	struct qemu *q = NULL;

	pthread_mutex_lock(&run->qemus_lock);
	for (struct qemu **i = &run->qemus; *i; i = &(*i)->next)
		if (!strcmp((*i)->model, model)) {
			q = *i;
			*i = q->next;
			break;
		}
	pthread_mutex_unlock(&run->qemus_lock);
	if (q)
		return q;
	q = qemu_start(model);
	for (unsigned v = 0; q && v < 256; v++)
		if (!qemu_break(q, AT_HANDLERS + v * 16, true))
			q->broken = true;
	return q;
}

static void give_back(struct run *run, struct qemu *q)
{
	if (q->broken) {
		qemu_stop(q);
		return;
	}
	pthread_mutex_lock(&run->qemus_lock);
	q->next = run->qemus;
	run->qemus = q;
	pthread_mutex_unlock(&run->qemus_lock);
}

void qemus_stop(struct run *run)
{
	while (run->qemus) {
		struct qemu *q = run->qemus;
		run->qemus = q->next;
		qemu_stop(q);
	}
}

static void note_answer(struct run *run, struct job *job, const char *what)
{
	enum answer answer = !what ? ANSWER_AGREES : peers_is_known(what) ? ANSWER_KNOWN : ANSWER_DIFFERS;

	note_authority(job, &run->qemu, "qemu", answer, what);
}

static void ask_there(struct run *run, struct job *job, const struct scene *scene, struct bench *b)
{
	struct qemu *q = take(run, model_of(scene->model));
	uint8_t *image = malloc(QEMU_RAM);
	struct qemu_state state;
	bool stopped = false;

	if (!q || !image)
		note_authority(job, &run->qemu, "qemu", ANSWER_NOT_ASKED, "no qemu-system-x86_64 starts here");
	else if (!qemu_reset(q) || !write_memory(q, scene, image) || !loader_write(q, scene) ||
		 !run_there(q, b, &state, &stopped)) {
		q->broken = true;
		note_authority(job, &run->qemu, "qemu", ANSWER_DIFFERS, "QEMU does not answer any more");
	} else {
		note_answer(run, job, differs(&job->result.arena, q, &state, stopped, b));
	}
	free(image);
	if (q)
		give_back(run, q);
}

static bool custom_handler(const struct scene *scene)
{
	for (unsigned v = 0; v < 256; v++)
		if (!scene_is_handler(scene, AT_HANDLERS + v * 16))
			return true;
	return false;
}

void ask_qemu(struct run *run, struct job *job)
{
	struct build_options options = {.cpu = run->settings.cpu, .cache = run->settings.cache};
	struct arena *arena = &job->result.arena;
	struct problems problems = {.arena = arena};
	struct scene *scene = arena_alloc(arena, sizeof(*scene));
	const char *why = "out of memory";

	if (scene_build(scene, arena, &problems, job->row->node, job->row->name, job->row->params, &options))
		why = loader_unfit(scene);
	if (!why && custom_handler(scene))
		why = "a handler of its own where breakpoints stand";
	struct bench *b = why ? NULL : bench_new(scene);
	if (b) {
		bench_run(b);
		if (scene->until == END_STEPS && end_of(b) == linear_rip(&scene->s))
			why = "it ends where it begins";
		else
			ask_there(run, job, scene, b);
		bench_free(b);
	} else if (!why) {
		why = "out of memory";
	}
	if (why)
		note_authority(job, &run->qemu, "qemu", ANSWER_NOT_ASKED, why);
}
