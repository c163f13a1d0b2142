#define _GNU_SOURCE
#include "testcase/runner.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "decode/insn.h"
#include "testcase/assemble.h"
#include "trace/writer.h"

#define MOST_LINES 12u /* differences shown of one case */

/* ---- explanations ---- */
struct symbol_view {
	const struct scene *scene;
	struct bench *bench;
};

/* The label at or before a linear address, in the same block of code. */
static const char *label_at(void *owner, uint64_t address, uint64_t *offset)
{
	const struct symbol_view *view = owner;
	const char *name = NULL;
	uint64_t best = 0;

	for (unsigned i = 0; i < view->scene->labels; i++) {
		const struct label *l = &view->scene->label[i];
		if (l->linear <= address && address - l->linear < 0x200 && (!name || l->linear >= best)) {
			name = l->name;
			best = l->linear;
		}
	}
	*offset = address - best;
	return name;
}

static bool instruction_at(void *owner, const struct where *at, char *text, size_t size)
{
	const struct symbol_view *view = owner;
	uint8_t bytes[INSN_MAX_LENGTH];
	struct mmu *mmu = &view->bench->cpu.mmu;
	size_t got = peek_lin(mmu, (at->cs_base + at->rip) & mmu->lin_mask, bytes, sizeof(bytes));
	unsigned bits = at->mode == MODE_LONG64 ? 64 : scene_bits(view->scene);

	return got && disassemble(bytes, got, bits, at->rip, text, size) != 0;
}

static void print_steps(FILE *f, const struct bench *b)
{
	uint64_t first = b->steps > STEPS_KEPT ? b->steps - STEPS_KEPT : 0;
	char text[160];

	if (first)
		fprintf(f, "  the last %u of %" PRIu64 " instructions:\n", STEPS_KEPT, b->steps);
	else
		fprintf(f, "  the instructions met:\n");
	for (uint64_t i = first; i < b->steps; i++) {
		const struct step_taken *t = &b->step[i % STEPS_KEPT];
		unsigned n = disassemble(t->bytes, t->size, t->bits, t->rip, text, sizeof(text));
		fprintf(f, "    t=%-5" PRIu64 " %08" PRIx64 "  ", t->tick, t->linear);
		for (unsigned k = 0; k < n; k++)
			fprintf(f, "%02x ", t->bytes[k]);
		fprintf(f, "%*s %s\n", n < 8 ? (int)(8 - n) * 3 : 0, "", n ? text : "(no instruction)");
	}
}

/* Steps of the delivery that is otherwise, and the cards of all. */
static void print_explanation(FILE *f, const struct scene *scene, struct bench *b, const struct differences *d)
{
	struct symbol_view symbols = {scene, b};
	struct trace_writer writer = {.file = f, .view = {label_at, NULL, instruction_at, &symbols}};

	print_steps(f, b);
	if (d->first_delivery >= 0 && (unsigned)d->first_delivery < b->deliveries) {
		const struct delivery_record *r = &b->delivered[d->first_delivery];
		fprintf(f, "  the first delivery that is otherwise is number %d; it came to step %s:\n",
			d->first_delivery + 1, delivery_step_name((enum delivery_step)r->step));
	}
	for (unsigned i = 0; i < b->deliveries && i < 8; i++)
		trace_write_card(&writer, &b->delivered[i]);
	if (!b->deliveries)
		fprintf(f, "  nothing was delivered\n");
}

/* ---- one case ---- */
static void print_differences(FILE *f, const struct scene *scene, const struct differences *d)
{
	for (unsigned i = 0; i < d->count && i < MOST_LINES; i++) {
		const struct difference *x = &d->item[i];
		if (x->node)
			fprintf(f, "  %s:%u: %s\n", x->node->file, x->node->start.line, x->text);
		else
			fprintf(f, "  %s\n", x->text);
	}
	if (d->count > MOST_LINES)
		fprintf(f, "  and %u more\n", d->count - MOST_LINES);
	(void)scene;
}

static void collect_row(void *owner, struct cpu *cpu, const uint8_t *bytes, unsigned size)
{
	bool *rows = owner;
	enum decode_mode mode = cpu_mode(cpu);
	bool wide = mode >= MODE_PROTECTED && cpu->s.seg[SEG_CS].db;
	struct insn insn;

	if (decode(&insn, bytes, size, mode, cpu->how | (wide ? DECODE_D32 : 0)) == DECODE_OK)
		rows[insn.row] = true;
}

static void note_coverage(struct run *run, const struct scene *scene, const bool *rows)
{
	for (unsigned i = 0; i < opcode_row_count; i++)
		if (rows[i])
			__atomic_store_n(&run->coverage.row[i], true, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < scene->expect.deliveries; i++) {
		const struct delivery_want *w = &scene->expect.delivery[i];
		__atomic_store_n(&run->coverage.why[w->why], true, __ATOMIC_RELAXED);
		__atomic_store_n(&run->coverage.why[w->refused], true, __ATOMIC_RELAXED);
	}
}

static void missed_events(const struct scene *scene, const struct bench *b)
{
	for (unsigned i = 0; i < scene->events; i++)
		if (!b->fired[i])
			problem(scene->problems, scene->event[i].node,
				"this event never comes: the case ended by %s after %" PRIu64 " ticks",
				scene_end_names[b->end], b->cpu.icount);
}

/* The changes that would make the case pass. */
static void keep_changes(struct job *job, const struct scene *scene, const struct differences *d)
{
	struct result *r = &job->result;

	r->change = arena_alloc(&r->arena, (d->count + 1) * sizeof(r->change[0]));
	for (unsigned i = 0; i < d->count; i++)
		r->change[r->changes++] = (struct change){d->item[i], job->row, scene->expect.node};
}

static void judge(struct run *run, struct job *job, const struct scene *scene, struct bench *plain,
		  struct bench *blocks)
{
	struct differences d = {.arena = &job->result.arena, .first_delivery = -1};
	struct result *r = &job->result;
	char *text = NULL;
	size_t size;

	compare(scene, plain, &d);
	if (!d.count)
		compare_runs(scene, plain, blocks, &d);
	r->status = d.count ? STATUS_FAILED : STATUS_PASSED;
	if (!d.count)
		return;
	FILE *f = open_memstream(&text, &size);
	if (f) {
		print_differences(f, scene, &d);
		if (run->settings.explain)
			print_explanation(f, scene, plain, &d);
		fclose(f);
		r->text = arena_copy(&r->arena, text, size);
		free(text);
	}
	keep_changes(job, scene, &d);
}

static void run_scene(struct run *run, struct job *job, const struct scene *scene)
{
	struct bench *plain = bench_new(scene), *blocks = bench_new(scene);
	bool *rows = run->settings.coverage ? calloc(opcode_row_count, 1) : NULL;

	if (!plain || !blocks) {
		problem(scene->problems, scene->node, "out of memory");
	} else {
		plain->each = rows ? collect_row : NULL;
		plain->each_owner = rows;
		bench_run(plain);
		missed_events(scene, plain);
		bench_repeat(blocks, plain);
		judge(run, job, scene, plain, blocks);
		if (rows && job->result.status == STATUS_PASSED)
			note_coverage(run, scene, rows);
	}
	free(rows);
	bench_free(plain);
	bench_free(blocks);
}

const char *problems_text(struct arena *arena, const struct problems *problems)
{
	const char *text = "";

	for (const struct problem *p = problems->first; p; p = p->next)
		text = arena_print(arena, "%s%s:%u:%u: %s\n", text, p->file, p->at.line, p->at.column, p->text);
	return text;
}

/* host: no, qemu: no. */
static bool may_ask(const struct scene *scene, const char *who)
{
	struct scope scope = {scene->arena, scene->problems, scene->params, scene};
	const struct node *node = tree_get(scene->node, who);
	bool may = true;

	return !node || (expr_bool(&scope, node, &may) && may);
}

static void ask_authorities(struct run *run, struct job *job, const struct scene *scene)
{
	if (run->settings.host && !may_ask(scene, "host"))
		note_authority(job, &run->host, "host", ANSWER_NOT_ASKED, "the case says host: no");
	else if (run->settings.host)
		ask_host(run, job, scene);
	if (run->settings.qemu && !may_ask(scene, "qemu"))
		note_authority(job, &run->qemu, "qemu", ANSWER_NOT_ASKED, "the case says qemu: no");
	else if (run->settings.qemu)
		ask_qemu(run, job);
}

void run_row(struct run *run, struct job *job)
{
	struct build_options options = {.cpu = run->settings.cpu, .cache = run->settings.cache};
	struct result *r = &job->result;
	struct problems problems = {.arena = &r->arena};
	struct scene *scene = arena_alloc(&r->arena, sizeof(*scene));

	if (scene_build(scene, &r->arena, &problems, job->row->node, job->row->name, job->row->params, &options))
		run_scene(run, job, scene);
	if (problems.count) {
		r->status = STATUS_BAD;
		r->text = problems_text(&r->arena, &problems);
	}
	if (r->status == STATUS_PASSED)
		ask_authorities(run, job, scene);
	r->passed = r->status == STATUS_PASSED;
	r->failed = r->status == STATUS_FAILED;
}

void note_authority(struct job *job, struct tally *tally, const char *who, enum answer answer, const char *what)
{
	static const char *const words[] = {"agrees", "agrees, but that ", "differs: ", "not asked: "};
	unsigned *const counts[] = {&tally->agree, &tally->known, &tally->differ, &tally->left_out};
	struct result *r = &job->result;

	__atomic_fetch_add(counts[answer], 1, __ATOMIC_RELAXED);
	r->authorities = arena_print(&r->arena, "%s%s%s %s%s", r->authorities ? r->authorities : "",
				     r->authorities ? "; " : "", who, words[answer], what ? what : "");
	r->differs |= answer == ANSWER_DIFFERS;
	if ((answer == ANSWER_DIFFERS || answer == ANSWER_KNOWN) && !strcmp(who, "qemu"))
		r->qemu_differs = what;
}

/* ---- all of them ---- */
struct pool {
	struct run *run;
	pthread_mutex_t lock;
	unsigned next, told;
	void (*tell)(void *owner, struct job *job);
	void *owner;
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void one_job(struct run *run, struct job *job)
{
	double started = now();

	if (job->vectors)
		run_vectors(run, job);
	else
		run_row(run, job);
	job->result.seconds = now() - started;
}

/* What is not needed any more goes: a passing case leaves a line at most. */
static void shrink(struct job *job)
{
	struct result *r = &job->result;
	struct arena kept = {NULL};

	if (r->status != STATUS_PASSED || r->text)
		return;
	if (r->authorities)
		r->authorities = arena_copy_alone(&kept, r->authorities);
	if (r->qemu_differs)
		r->qemu_differs = arena_copy_alone(&kept, r->qemu_differs);
	arena_free(&r->arena);
	r->arena = kept;
	r->changes = 0;
	r->change = NULL;
}

static void *work(void *argument)
{
	struct pool *pool = argument;
	struct run *run = pool->run;

	for (;;) {
		pthread_mutex_lock(&pool->lock);
		unsigned mine = pool->next++;
		pthread_mutex_unlock(&pool->lock);
		if (mine >= run->jobs)
			return NULL;
		one_job(run, &run->job[mine]);
		shrink(&run->job[mine]);
		pthread_mutex_lock(&pool->lock);
		run->job[mine].done = true;
		while (pool->told < run->jobs && run->job[pool->told].done)
			pool->tell(pool->owner, &run->job[pool->told++]);
		pthread_mutex_unlock(&pool->lock);
	}
}

void run_jobs(struct run *run, void (*tell)(void *owner, struct job *job), void *owner)
{
	struct pool pool = {.run = run, .tell = tell, .owner = owner};
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned wanted = run->settings.jobs ? run->settings.jobs : processors > 0 ? (unsigned)processors : 1;
	pthread_t *thread = calloc(wanted, sizeof(*thread));
	unsigned started = 0;

	pthread_mutex_init(&pool.lock, NULL);
	if (wanted > run->jobs)
		wanted = run->jobs;
	while (thread && started + 1 < wanted && pthread_create(&thread[started], NULL, work, &pool) == 0)
		started++;
	work(&pool); /* this thread is one of them */
	for (unsigned i = 0; i < started; i++)
		pthread_join(thread[i], NULL);
	pthread_mutex_destroy(&pool.lock);
	free(thread);
}
