/* --qemu: a case in QEMU.  A loader in ROM, written for the case, makes the processor what the case says and goes
 * there; breakpoints stand where a case may end. */
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

#define LOADER      0xf0000u /* in ROM: real mode; 32-bit code 100h above; its GDT at 800h */
#define LOADER_32   (LOADER + 0x100)
#define LOADER_GDT  (LOADER + 0x800)
#define LOADER_REAL 0x600u    /* offset of the way back to real mode */
#define LOADER_DATA 0x17e000u /* in RAM: x87 image, tables' addresses */
#define LOADER_SS                                                                                                      \
	0x170000u /* base of the loader's stack: ESP's upper half is 0, which IRET to a 16-bit stack keeps             \
		   */
#define LOADER_ESP 0xf000u
#define HOLE       0xa0000u /* to 1 MiB: no RAM on a PC */
#define RESET      0xfffffff0u
#define CASE_MS    150u
#define MOST_IDLE  8u

/* ---- the loader ---- */
struct emit {
	uint8_t code[0x500];
	unsigned n;
};

static void bytes(struct emit *e, const void *data, unsigned size)
{
	if (e->n + size > sizeof(e->code))
		return;
	memcpy(e->code + e->n, data, size);
	e->n += size;
}
#define B(e, ...) bytes((e), (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void imm(struct emit *e, uint64_t value, unsigned size)
{
	bytes(e, &value, size);
}

static void mov_eax(struct emit *e, uint64_t value)
{
	B(e, 0xb8);
	imm(e, value, 4);
}

/* From the reset vector: interrupts masked, protected mode, flat. */
static void start_16(struct emit *e)
{
	B(e, 0xfa, 0xb0, 0xff, 0xe6, 0x21, 0xe6, 0xa1);                   /* CLI; 8259s masked */
	B(e, 0x2e, 0x66, 0x0f, 0x01, 0x16, 0xf0, 0x08);                   /* LGDT CS:[8F0h] */
	B(e, 0x0f, 0x20, 0xc0, 0x66, 0x83, 0xc8, 0x01, 0x0f, 0x22, 0xc0); /* CR0.PE */
	B(e, 0x66, 0xea);                                                 /* JMP 8:LOADER_32 */
	imm(e, LOADER_32, 4);
	imm(e, 8, 2);
}

static void control_registers(struct emit *e, const struct arch_state *s, bool real)
{
	B(e, 0x66, 0xb8, 0x10, 0x00, 0x8e, 0xd8, 0x8e, 0xc0); /* DS, ES flat; SS */
	B(e, 0x66, 0xb8, 0x20, 0x00, 0x8e, 0xd0, 0xbc);
	imm(e, LOADER_ESP, 4);
	B(e, 0xdd, 0x25); /* FRSTOR */
	imm(e, LOADER_DATA, 4);
	for (unsigned i = 0; i < 3 && (s->sysenter_cs || s->sysenter_esp || s->sysenter_eip); i++) {
		const uint64_t value[3] = {s->sysenter_cs, s->sysenter_esp, s->sysenter_eip};
		B(e, 0xb9);
		imm(e, MSR_SYSENTER_CS + i, 4);
		mov_eax(e, value[i]);
		B(e, 0x31, 0xd2, 0x0f, 0x30); /* XOR EDX, EDX; WRMSR */
	}
	if (s->efer) {
		B(e, 0xb9);
		imm(e, MSR_EFER, 4);
		mov_eax(e, s->efer);
		B(e, 0x31, 0xd2, 0x0f, 0x30);
	}
	for (unsigned i = 0; i < 4; i++) {
		mov_eax(e, s->dr[i]);
		B(e, 0x0f, 0x23, (uint8_t)(0xc0 | i << 3));
	}
	mov_eax(e, s->dr6);
	B(e, 0x0f, 0x23, 0xf0);
	mov_eax(e, s->dr7);
	B(e, 0x0f, 0x23, 0xf8);
	mov_eax(e, s->cr2);
	B(e, 0x0f, 0x22, 0xd0);
	if (!real) {
		B(e, 0x0f, 0x01, 0x1d); /* LIDT */
		imm(e, LOADER_DATA + 0x100, 4);
	}
	if (s->cr4) {
		mov_eax(e, s->cr4);
		B(e, 0x0f, 0x22, 0xe0);
	}
	mov_eax(e, s->cr3);
	B(e, 0x0f, 0x22, 0xd8);
	if (!real) {
		B(e, 0x0f, 0x01, 0x15); /* LGDT */
		imm(e, LOADER_DATA + 0x110, 4);
	}
}

static void general_registers(struct emit *e, const struct arch_state *s, bool with_esp)
{
	for (unsigned i = 0; i < 8; i++) {
		if (i == RSP && !with_esp)
			continue;
		B(e, (uint8_t)(0xb8 + i));
		imm(e, s->gpr.r64[i], 4);
	}
}

static void push(struct emit *e, uint64_t value)
{
	B(e, 0x68);
	imm(e, value, 4);
}

static void data_segments(struct emit *e, const struct arch_state *s)
{
	static const uint8_t order[4] = {SEG_ES, SEG_DS, SEG_FS, SEG_GS};

	for (unsigned i = 0; i < 4; i++) {
		B(e, 0x66, 0xb8);
		imm(e, s->seg[order[i]].sel, 2);
		B(e, 0x8e, (uint8_t)(0xc0 | order[i] << 3));
	}
}

static void into_protected(struct emit *e, const struct scene *scene)
{
	const struct arch_state *s = &scene->s;
	bool vm86 = scene->mode == SCENE_VM86;
	static const uint8_t vm86_order[4] = {SEG_GS, SEG_FS, SEG_DS, SEG_ES};

	mov_eax(e, s->cr0);
	B(e, 0x0f, 0x22, 0xc0, 0xeb, 0x00); /* MOV CR0, EAX; JMP $+2 */
	B(e, 0x66, 0xb8);
	imm(e, s->seg[SEG_LDTR].sel, 2);
	B(e, 0x0f, 0x00, 0xd0, 0x66, 0xb8); /* LLDT AX */
	imm(e, s->seg[SEG_TR].sel, 2);
	B(e, 0x0f, 0x00, 0xd8); /* LTR AX */
	if (!vm86)
		data_segments(e, s);
	if (!vm86 && scene->cpl == 0) {
		push(e, s->rflags);
		B(e, 0x9d, 0x66, 0xb8); /* POPFD; SS:ESP; JMP CS:EIP */
		imm(e, s->seg[SEG_SS].sel, 2);
		B(e, 0x8e, 0xd0);
		general_registers(e, s, true);
		B(e, 0xea);
		imm(e, s->rip, 4);
		imm(e, s->seg[SEG_CS].sel, 2);
		return;
	}
	for (unsigned i = 0; vm86 && i < 4; i++)
		push(e, s->seg[vm86_order[i]].sel);
	push(e, s->seg[SEG_SS].sel);
	push(e, s->gpr.r64[RSP]);
	push(e, s->rflags);
	push(e, s->seg[SEG_CS].sel);
	push(e, s->rip);
	general_registers(e, s, false);
	B(e, 0xcf); /* IRETD */
}

/* JMP 18:LOADER_REAL, 16-bit code based at LOADER. */
static void to_real(struct emit *e)
{
	B(e, 0xea);
	imm(e, LOADER_REAL, 4);
	imm(e, 0x18, 2);
}

/* EFLAGS is popped from the ROM: no stack of the case is touched. */
static void into_real(struct emit *e, const struct scene *scene)
{
	const struct arch_state *s = &scene->s;
	static const uint8_t order[4] = {SEG_ES, SEG_DS, SEG_FS, SEG_GS};

	B(e, 0x66, 0xb8); /* MOV EAX, CR0; MOV CR0, EAX; JMP F000:... */
	imm(e, s->cr0, 4);
	B(e, 0x0f, 0x22, 0xc0, 0xea);
	imm(e, LOADER_REAL + e->n + 4, 2);
	imm(e, LOADER >> 4, 2);
	B(e, 0x2e, 0x66, 0x0f, 0x01, 0x1e, 0xd0, 0x07); /* LIDT CS:[7D0h]; LGDT CS:[7E0h] */
	B(e, 0x2e, 0x66, 0x0f, 0x01, 0x16, 0xe0, 0x07);
	for (unsigned i = 0; i < 4; i++) {
		B(e, 0xb8);
		imm(e, s->seg[order[i]].sel, 2);
		B(e, 0x8e, (uint8_t)(0xc0 | order[i] << 3));
	}
	B(e, 0xb8);
	imm(e, LOADER >> 4, 2);
	B(e, 0x8e, 0xd0, 0x66, 0xbc); /* SS:ESP = F000:7F0h, where EFLAGS lies */
	imm(e, 0x7f0, 4);
	B(e, 0x66, 0x9d, 0xb8); /* POPFD */
	imm(e, s->seg[SEG_SS].sel, 2);
	B(e, 0x8e, 0xd0);
	for (unsigned i = 0; i < 8; i++) {
		B(e, 0x66, (uint8_t)(0xb8 + i));
		imm(e, s->gpr.r64[i], 4);
	}
	B(e, 0xea);
	imm(e, s->rip, 2);
	imm(e, s->seg[SEG_CS].sel, 2);
}

/* ---- what cannot be brought about by loading registers ---- */
static bool loads_so(const struct scene *scene, enum seg seg)
{
	const struct segment *is = &scene->s.seg[seg];
	struct descriptor d;
	uint64_t raw;

	if (scene->mode == SCENE_REAL)
		return is->base == (uint64_t)is->sel << 4 && is->limit == 0xffff;
	if (scene->mode == SCENE_VM86 && seg < SEG_LDTR)
		return is->base == (uint64_t)is->sel << 4;
	if (sel_null(is->sel))
		return !is->usable && seg != SEG_SS && seg != SEG_TR;
	scene_peek(scene, (is->sel & SEL_TI ? AT_LDT : AT_GDT) + (is->sel & SEL_INDEX), &raw, 8);
	desc_decode(&d, raw, is->sel);
	return d.seg.base == is->base && d.seg.limit == is->limit && d.seg.attributes == is->attributes &&
	       is->present && (!is->s || (is->type & TYPE_ACCESSED));
}

static bool maps_onto_itself(const struct scene *scene, uint64_t at)
{
	uint64_t entry;

	if (!(scene->s.cr0 & CR0_PG))
		return true;
	entry = host_page_entry(scene, at);
	return (entry & 3) == 3 && !(entry & 0x80) && (entry & 0xffffffffff000) == at && !(entry >> 63);
}

static const char *unfit(const struct scene *scene)
{
	const struct arch_state *s = &scene->s;

	if (scene->events || scene->until != END_AT_END || !scene->codes)
		return "events from outside, or an end of its own";
	if (scene->ram > LOADER_DATA || scene->pic)
		return "its memory is too large, or it has a board";
	if (s->rflags & FLAG_RF || (s->rflags & FLAG_TF && (scene->cpl == 0)))
		return "TF or RF at the start";
	if (s->nmi_blocked || s->shadow || s->pending_dr6 || (s->dr7 & DR7_GD) || (s->cr4 & (CR4_SMEP | CR4_SMAP)))
		return "a state that the loader cannot leave behind";
	for (unsigned seg = SEG_ES; seg <= (scene->mode == SCENE_REAL ? SEG_GS : SEG_TR); seg++)
		if (!loads_so(scene, (enum seg)seg))
			return "a segment register holds what its descriptor does not say";
	if (!maps_onto_itself(scene, LOADER) || !maps_onto_itself(scene, LOADER_DATA) ||
	    !maps_onto_itself(scene, LOADER_SS + LOADER_ESP - 0x1000) || !maps_onto_itself(scene, AT_GDT))
		return "its page tables leave no room for the loader";
	for (unsigned i = 0; i < scene->memory_count; i++)
		if (scene->memory[i].at + scene->memory[i].size > HOLE && scene->memory[i].at < 0x100000)
			return "memory between 640 KiB and 1 MiB";
	return NULL;
}

/* ---- one case ---- */
/* The initial memory, but TR's descriptor, which LTR makes busy. */
static bool write_memory(struct qemu *q, const struct scene *scene, uint8_t *image)
{
	memset(image, 0, QEMU_RAM);
	for (unsigned i = 0; i < scene->memory_count; i++)
		memcpy(image + scene->memory[i].at, scene->memory[i].data, scene->memory[i].size);
	if (scene->mode != SCENE_REAL)
		image[AT_GDT + (scene->s.seg[SEG_TR].sel & SEL_INDEX) + 5] &= (uint8_t)~2u;
	for (uint32_t page = 0; page < LOADER_DATA; page += 0x1000) {
		bool hole = page >= HOLE && page < 0x100000;
		if (!hole && memcmp(image + page, q->ram + page, 0x1000) != 0 &&
		    !qemu_write(q, page, image + page, 0x1000))
			return false;
	}
	return true;
}

static bool write_loader(struct qemu *q, const struct scene *scene)
{
	static const uint64_t gdt[5] = {0, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x00009b0f0000ffff,
					0x004093170000ffff};
	struct emit start = {.n = 0}, main = {.n = 0}, real = {.n = 0};
	const struct arch_state *s = &scene->s;
	uint8_t table[6], image[FNSAVE_BYTES];
	uint32_t flags = (uint32_t)s->rflags, base = LOADER_GDT;
	uint16_t limit = sizeof(gdt) - 1;

	start_16(&start);
	control_registers(&main, s, scene->mode == SCENE_REAL);
	if (scene->mode == SCENE_REAL)
		to_real(&main);
	else
		into_protected(&main, scene);
	into_real(&real, scene);
	memcpy(table, &limit, 2);
	memcpy(table + 2, &base, 4);
	bool good = qemu_write(q, LOADER, start.code, start.n) && qemu_write(q, LOADER_32, main.code, main.n) &&
		    qemu_write(q, LOADER + LOADER_REAL, real.code, real.n) &&
		    qemu_write(q, LOADER + 0x7f0, &flags, 4) && qemu_write(q, LOADER_GDT, gdt, sizeof(gdt)) &&
		    qemu_write(q, LOADER_GDT + 0xf0, table, 6);
	fpu_fnsave_image(&s->fpu, image);
	good = good && qemu_write(q, LOADER_DATA, image, sizeof(image));
	const struct table_register *registers[2] = {&s->idtr, &s->gdtr};
	for (unsigned i = 0; i < 2 && good; i++) {
		base = (uint32_t)registers[i]->base;
		memcpy(table, &registers[i]->limit, 2);
		memcpy(table + 2, &base, 4);
		good = qemu_write(q, LOADER_DATA + 0x100 + i * 0x10, table, 6) &&
		       qemu_write(q, LOADER + 0x7d0 + i * 0x10, table, 6);
	}
	return good;
}

static bool run_there(struct qemu *q, const struct scene *scene, struct qemu_state *state, bool *stopped)
{
	return qemu_step(q) && qemu_break(q, RESET, true) && qemu_break(q, (uint32_t)scene->end, true) &&
	       qemu_continue(q, CASE_MS, stopped) && qemu_state(q, state) &&
	       qemu_break(q, (uint32_t)scene->end, false) && qemu_break(q, RESET, false);
}

/* ---- the comparison ---- */
static bool does_not_matter(const struct scene *scene, uint64_t at)
{
	const struct expectation *x = &scene->expect;

	if (at >= HOLE && at < 0x100000)
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

/* The word of a frame that lies at an address; PUSH_NAMES: none does. */
static enum pushed_name word_at(const struct bench *b, uint64_t at, unsigned *byte)
{
	for (unsigned i = 0; i < b->deliveries && i < MOST_KEPT_DELIVERIES; i++) {
		const struct delivery_record *d = &b->delivered[i];
		uint64_t offset = at - d->frame;
		if (d->outcome != OUT_DELIVERED || !d->words || offset >= (uint64_t)d->words * d->word_bytes)
			continue;
		*byte = (unsigned)(offset % d->word_bytes);
		return (enum pushed_name)d->word_name[d->words - 1 - offset / d->word_bytes];
	}
	return PUSH_NAMES;
}

/* What QEMU does otherwise wherever it comes up (docs/peers-delivery.md), so that it does not hide the rest. */
static bool known_difference(const struct bench *b, uint64_t at, uint8_t changed, const char **known)
{
	unsigned byte = 0;
	enum pushed_name name = word_at(b, at, &byte);

	if (name == PUSH_FLAGS && byte == 2 && changed == FLAG_RF >> 16)
		*known = *known ? *known : PEERS_RF;
	else if (name == PUSH_ERROR && byte == 0 && changed == ERR_EXT)
		*known = PEERS_EXT;
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

static const char *registers_differ(struct arena *arena, const struct qemu_state *q, const struct bench *b)
{
	static const char *const names[] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "eip", "cs",
					    "ss",  "ds",  "es",  "fs",  "gs",  "cr0", "cr2", "cr3", "cr4"};
	const uint32_t *found[] = {&q->gpr[0], &q->gpr[1], &q->gpr[2], &q->gpr[3], &q->gpr[4], &q->gpr[5], &q->gpr[6],
				   &q->gpr[7], &q->eip,    &q->seg[0], &q->seg[1], &q->seg[2], &q->seg[3], &q->seg[4],
				   &q->seg[5], &q->cr0,    &q->cr2,    &q->cr3,    &q->cr4};
	const char *list = "";

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		unsigned reg = reg_index(names[i]);
		uint64_t want = reg_get(&b->cpu.s, reg), mask = b->scene->expect.reg[reg].mask;
		if (b->scene->expect.reg[reg].stated ? (*found[i] ^ want) & mask : *found[i] != want)
			list = arena_print(arena, "%s%s%s %x, expected %" PRIx64, list, *list ? "; " : "", names[i],
					   *found[i], want);
	}
	uint64_t flags = b->scene->expect.reg[REG_EFLAGS].mask & FLAGS_DEFINED;
	if ((q->eflags ^ b->cpu.s.rflags) & flags)
		list = arena_print(arena, "%s%sflags %s", list, *list ? "; " : "",
				   flags_text(arena, b->cpu.s.rflags, q->eflags, flags | ~(uint64_t)FLAGS_DEFINED));
	return *list ? list : NULL;
}

static const char *differs(struct arena *arena, const struct qemu *q, const struct qemu_state *state, bool stopped,
			   const struct bench *b)
{
	bool reset = stopped && !(state->cr0 & CR0_PE) && state->seg[0] == 0xf000 && state->eip == 0xfff0;
	const char *what;

	if (b->end == END_SHUTDOWN)
		return reset ? NULL : "no shutdown";
	if (reset)
		return "a triple fault";
	if (!stopped && b->end != END_HALT)
		return arena_print(arena, "it does not end: cs:eip %04x:%08x", state->seg[0], state->eip);
	if ((what = registers_differ(arena, state, b)) || (what = x87_differs(arena, state, b)))
		return what;
	return memory_differs(arena, q, b);
}

/* ---- QEMUs that wait for their next case ---- */
static const char *model_of(const struct cpu_model *model)
{
	static const char *const names[][2] = {
		{"i386", "486"}, {"i486", "486"}, {"pentium", "pentium"}, {"pentium2", "pentium2"}};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(names[i][0], model->name))
			return names[i][1];
	return "max";
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
		note_authority(job, &run->qemu, "qemu", ANSWER_NOT_ASKED, "no qemu-system-i386 starts here");
	else if (!qemu_reset(q) || !write_memory(q, scene, image) || !write_loader(q, scene) ||
		 !run_there(q, scene, &state, &stopped)) {
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
		why = unfit(scene);
	if (!why && custom_handler(scene))
		why = "a handler of its own where breakpoints stand";
	struct bench *b = why ? NULL : bench_new(scene);
	if (b) {
		bench_run(b);
		ask_there(run, job, scene, b);
		bench_free(b);
	} else {
		note_authority(job, &run->qemu, "qemu", ANSWER_NOT_ASKED, why ? why : "out of memory");
	}
}
