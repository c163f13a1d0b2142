/* --host: a case of ring 3 on this computer's processor, in compatibility mode or in 64-bit mode, in a process of its
 * own. */
#define _GNU_SOURCE
#include "testcase/runner.h"

#include <string.h>

#if defined(__x86_64__) && defined(__linux__)

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "cpu/x87.h"
#include "testcase/host.h"
#include "testcase/native_enter.h"
#include "testcase/touched.h"

#define LOWEST 0x10000u /* below it Linux may let nobody have memory */
#define LOOPS  255u
#define INT3   0xccu

struct outcome {
	bool ended;
	uint8_t vector;
	uint32_t error, eflags;
	uint64_t cr2, gpr[16], rip;
	uint16_t cs, ss, ds, es;
	uint16_t fcw, fsw;
	uint8_t full; /* physical registers that are not empty */
	uint8_t st[8][10];
	uint32_t mxcsr;
	uint8_t ymm[16][32];
};

/* XSAVE's area in a signal's frame; SDM 1, "XSAVE-Supported Features and State-Component Bitmaps" and "AVX State". */
#define XSAVE_MAGIC_AT 464u
#define XSAVE_BV_AT    512u
#define XSAVE_AVX      4u
#define XSAVE_AVX_AT   576u

/* In the child: where the outcome goes.  A child runs one case and ends. */
static struct outcome *child_outcome;

/* ---- the child ---- */
static void record_vectors(struct outcome *o, const struct _libc_fpstate *f)
{
	const uint8_t *area = (const uint8_t *)f;
	uint32_t magic;
	uint64_t used;

	memcpy(&magic, area + XSAVE_MAGIC_AT, sizeof(magic));
	memcpy(&used, area + XSAVE_BV_AT, sizeof(used));
	o->mxcsr = f->mxcsr;
	for (unsigned i = 0; i < 16; i++) {
		memcpy(o->ymm[i], &f->_xmm[i], 16);
		if (magic == FP_XSTATE_MAGIC1 && (used & XSAVE_AVX))
			memcpy(o->ymm[i] + 16, area + XSAVE_AVX_AT + i * 16, 16);
	}
}

void native_record(int number, siginfo_t *info, void *context)
{
	const ucontext_t *uc = context;
	const greg_t *g = uc->uc_mcontext.gregs;
	static const int order[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
				      REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
	struct outcome *o = child_outcome;
	const struct _libc_fpstate *f = uc->uc_mcontext.fpregs;

	(void)info;
	for (unsigned i = 0; i < 16; i++)
		o->gpr[i] = (uint64_t)g[order[i]];
	o->rip = (uint64_t)g[REG_RIP];
	o->eflags = (uint32_t)g[REG_EFL];
	o->vector = number == SIGALRM ? LOOPS : (uint8_t)g[REG_TRAPNO];
	o->error = (uint32_t)g[REG_ERR];
	o->cr2 = (uint64_t)g[REG_CR2];
	o->cs = (uint16_t)g[REG_CSGSFS];
	o->ss = (uint16_t)((uint64_t)g[REG_CSGSFS] >> 48);
	__asm__("mov %%ds, %0\n mov %%es, %1" : "=r"(o->ds), "=r"(o->es));
	o->fcw = f->cwd;
	o->fsw = f->swd;
	o->full = (uint8_t)f->ftw;
	for (unsigned i = 0; i < 8; i++)
		memcpy(o->st[i], &f->_st[i], 10);
	record_vectors(o, f);
	o->ended = true;
	_exit(0);
}

static bool map_fixed(uint64_t at, size_t size, int rights, int fd, off_t offset)
{
	int flags = MAP_FIXED_NOREPLACE | (fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED);

	return mmap((void *)(uintptr_t)at, size, rights, flags, fd, offset) == (void *)(uintptr_t)at;
}

/* The rights of each page, as the case's page tables say. */
static bool protect(const struct scene *scene)
{
	if (scene->paging == PAGING_NONE)
		return true;
	for (uint64_t at = LOWEST; at < scene->ram; at += 0x1000) {
		uint64_t entry = host_page_entry(scene, at);
		int rights = !(entry & 1) || !(entry & 4)
				     ? PROT_NONE
				     : PROT_READ | (entry & 2 ? PROT_WRITE : 0) | (entry >> 63 ? 0 : PROT_EXEC);
		if (rights == (PROT_READ | PROT_WRITE | PROT_EXEC))
			continue;
		(void)*(volatile const uint8_t *)(uintptr_t)at; /* present: what is refused is what the rights forbid */
		if (mprotect((void *)(uintptr_t)at, 0x1000, rights) != 0)
			return false;
	}
	return true;
}

static bool catch_signals(void)
{
	static const int signals[] = {SIGALRM, SIGSEGV, SIGILL, SIGBUS, SIGFPE, SIGTRAP};
	struct sigaction action = {.sa_sigaction = native_on_signal, .sa_flags = SA_ONSTACK | SA_SIGINFO};
	stack_t stack = {.ss_size = 1 << 17};

	stack.ss_sp = mmap(NULL, stack.ss_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (stack.ss_sp == MAP_FAILED || sigaltstack(&stack, NULL) != 0)
		return false;
	for (unsigned i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (sigaction(signals[i], &action, NULL) != 0)
			return false;
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	return setitimer(ITIMER_REAL, &(struct itimerval){{0, 0}, {0, 300000}}, NULL) == 0;
}

static void enter32(const struct scene *scene)
{
	struct native_state *state = (struct native_state *)HOST_STATE;
	const struct arch_state *s = &scene->s;

	for (unsigned i = 0; i < 8; i++)
		state->gpr[i] = (uint32_t)s->gpr.r64[i];
	state->esp = (uint32_t)s->gpr.r64[RSP];
	state->eip = (uint32_t)s->rip;
	state->eflags = (uint32_t)s->rflags;
	state->ss = HOST_DS3;
	state->cs = HOST_CS3;
	state->ds = s->seg[SEG_DS].sel;
	state->es = s->seg[SEG_ES].sel;
	state->gs = s->seg[SEG_GS].sel;
	state->use_x87 = 1;
	state->entry = HOST_STUB;
	state->entry_cs = HOST_CS3;
	fpu_fnsave_image(&s->fpu, (uint8_t *)(uintptr_t)HOST_FSAVE);
	native_enter();
}

static void enter64(const struct scene *scene)
{
	struct native_state64 *state = (struct native_state64 *)HOST_STATE64;
	const struct arch_state *s = &scene->s;

	for (unsigned i = 0; i < 16; i++) {
		state->gpr[i] = s->gpr.r64[i];
		memcpy(state->ymm[i], &s->vec[i], sizeof(state->ymm[i]));
	}
	state->rip = s->rip;
	state->rflags = s->rflags;
	state->ds = s->seg[SEG_DS].sel;
	state->es = s->seg[SEG_ES].sel;
	state->mxcsr = s->mxcsr;
	state->use_avx = __builtin_cpu_supports("avx") != 0;
	fpu_fnsave_image(&s->fpu, (uint8_t *)(uintptr_t)HOST_FSAVE);
	native_enter64();
}

static void child(const struct scene *scene, int memory)
{
	size_t size = (size_t)scene->ram - LOWEST;

	if (!map_fixed(LOWEST, size, PROT_READ | PROT_WRITE | PROT_EXEC, memory, LOWEST) ||
	    !map_fixed(HOST_STUB, 0x1000, PROT_READ | PROT_WRITE | PROT_EXEC, -1, 0) ||
	    !map_fixed(HOST_STATE, 0x1000, PROT_READ | PROT_WRITE, -1, 0) || !protect(scene) || !catch_signals())
		_exit(1);
	memcpy((void *)(uintptr_t)HOST_STUB, native_stub, (size_t)(native_stub_end - native_stub));
	if (scene->mode == SCENE_LONG64)
		enter64(scene);
	else
		enter32(scene);
	_exit(1);
}

/* ---- the parent ---- */
struct host_run {
	struct outcome *outcome;
	uint8_t *memory; /* all of RAM, as the case left it */
	size_t size;
	int fd;         /* ... whose file this is */
	uint8_t at_end; /* the byte that gave way to an INT3 */
};

static bool host_open(struct host_run *h, const struct scene *scene)
{
	h->size = (size_t)scene->ram;
	h->outcome = mmap(NULL, sizeof(*h->outcome), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	h->fd = memfd_create("case", MFD_CLOEXEC);
	h->memory = h->fd >= 0 && ftruncate(h->fd, (off_t)h->size) == 0
			    ? mmap(NULL, h->size, PROT_READ | PROT_WRITE, MAP_SHARED, h->fd, 0)
			    : MAP_FAILED;
	if (h->outcome == MAP_FAILED || h->memory == MAP_FAILED)
		return false;
	for (unsigned i = 0; i < scene->memory_count; i++)
		memcpy(h->memory + scene->memory[i].at, scene->memory[i].data, scene->memory[i].size);
	if (scene->end < h->size) {
		h->at_end = h->memory[scene->end];
		h->memory[scene->end] = INT3;
	}
	return true;
}

static void host_close(struct host_run *h)
{
	if (h->outcome != MAP_FAILED)
		munmap(h->outcome, sizeof(*h->outcome));
	if (h->memory != MAP_FAILED)
		munmap(h->memory, h->size);
	if (h->fd >= 0)
		close(h->fd);
}

static bool host_start(struct host_run *h, const struct scene *scene)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		child_outcome = h->outcome;
		child(scene, h->fd);
	}
	if (pid < 0)
		return false;
	while (waitpid(pid, &status, 0) < 0)
		;
	if (scene->end < h->size && h->memory[scene->end] == INT3)
		h->memory[scene->end] = h->at_end;
	return h->outcome->ended;
}

/* ---- the comparison ---- */
static uint64_t pushed(const struct delivery_record *d, enum pushed_name name)
{
	for (unsigned i = 0; i < d->words; i++)
		if (d->word_name[i] == name)
			return d->word[i];
	return 0;
}

/* What our processor had at the moment the host stopped. */
static void ours(const struct bench *b, struct outcome *o)
{
	const struct delivery_record *d = b->deliveries ? &b->delivered[b->deliveries - 1] : NULL;
	const struct arch_state *s = &b->cpu.s;
	struct fpu_state f = s->fpu;

	*o = (struct outcome){.ended = true,
			      .ds = s->seg[SEG_DS].sel,
			      .es = s->seg[SEG_ES].sel,
			      .fcw = f.cw,
			      .fsw = f.sw,
			      .mxcsr = s->mxcsr};
	for (unsigned i = 0; i < 16; i++) {
		o->gpr[i] = s->gpr.r64[i];
		memcpy(o->ymm[i], &s->vec[i], sizeof(o->ymm[i]));
	}
	for (unsigned i = 0; i < 8; i++) {
		o->full |= (uint8_t)((((f.tw >> (2 * i)) & 3) != 3) << i);
		memcpy(o->st[i], &x87_st(&f, i)->mantissa, 8);
		memcpy(o->st[i] + 8, &x87_st(&f, i)->sign_exponent, 2);
	}
	if (b->end == END_AT_END) {
		o->vector = VEC_BP;
		o->rip = s->rip + 1;
		o->eflags = (uint32_t)s->rflags;
		o->cs = s->seg[SEG_CS].sel;
		o->ss = s->seg[SEG_SS].sel;
		return;
	}
	o->vector = d->vector;
	o->error = d->has_error ? d->error : 0;
	o->cr2 = d->cr2;
	o->rip = pushed(d, PUSH_IP);
	o->eflags = (uint32_t)pushed(d, PUSH_FLAGS);
	o->cs = (uint16_t)pushed(d, PUSH_CS);
	o->ss = (uint16_t)pushed(d, PUSH_SS);
	o->gpr[RSP] = pushed(d, PUSH_SP);
}

#define FLAGS_OF_HOST (FLAG_IF | FLAG_IOPL | FLAG_RF | FLAG_VIF | FLAG_VIP)

static bool does_not_matter(const struct scene *scene, uint64_t at)
{
	for (unsigned i = 0; i < scene->expect.scratch_count; i++)
		if (at - scene->expect.scratch[i].at < scene->expect.scratch[i].size)
			return true;
	return scene->paging != PAGING_NONE && at >= AT_TABLES && at < AT_TABLES + 0x40000;
}

static const char *compare_page(struct arena *arena, const struct host_run *h, const struct bench *b, uint64_t page)
{
	const uint8_t *host = h->memory, *our = b->ram->host;

	if (memcmp(host + page, our + page, TOUCHED_PAGE) != 0)
		for (uint64_t at = page; at < page + TOUCHED_PAGE; at++)
			if (host[at] != our[at] && !does_not_matter(b->scene, at))
				return arena_print(arena, "memory at 0x%" PRIx64 " is %02x, expected %02x", at,
						   host[at], our[at]);
	return NULL;
}

/* Pages that neither touched are not looked at: looking would make them. */
static const char *compare_memory_of(struct arena *arena, const struct host_run *h, const struct bench *b)
{
	unsigned pages = (unsigned)(h->size / TOUCHED_PAGE);
	bool *touched = arena_alloc(arena, pages * sizeof(*touched));
	const char *what = NULL;
	off_t data = -1; /* the host's first page of data from here on */

	touched_pages(b->ram->host, pages, touched);
	for (size_t page = LOWEST; page < h->size && !what; page += TOUCHED_PAGE) {
		if (data < (off_t)page && (data = lseek(h->fd, (off_t)page, SEEK_DATA)) < 0)
			data = (off_t)h->size;
		if (touched[page / TOUCHED_PAGE] || data < (off_t)(page + TOUCHED_PAGE))
			what = compare_page(arena, h, b, page);
	}
	return what;
}

static const char *vectors_differ(struct arena *arena, const struct outcome *o, const struct outcome *e,
				  const struct reg_want *want)
{
	unsigned first = reg_index("ymm0.0"), mxcsr = reg_index("mxcsr");

	if ((o->mxcsr ^ e->mxcsr) & want[mxcsr].mask)
		return arena_print(arena, "mxcsr %08x, expected %08x", o->mxcsr, e->mxcsr);
	for (unsigned i = 0; i < 64; i++) {
		uint64_t found, expected;
		memcpy(&found, &o->ymm[i / 4][i % 4 * 8], 8);
		memcpy(&expected, &e->ymm[i / 4][i % 4 * 8], 8);
		if ((found ^ expected) & want[first + i].mask)
			return arena_print(arena, "%s %016" PRIx64 ", expected %016" PRIx64, reg_name(first + i, true),
					   found, expected);
	}
	return NULL;
}

static const char *registers_differ(struct arena *arena, const struct scene *scene, const struct outcome *o,
				    const struct outcome *e)
{
	const struct reg_want *want = scene->expect.reg;
	bool wide = scene->mode == SCENE_LONG64;
	uint32_t flags = (uint32_t)want[REG_EFLAGS].mask & ~FLAGS_OF_HOST;

	for (unsigned i = 0; i < (wide ? 16u : 8u); i++) {
		unsigned reg = i < 8 ? i : reg_index("r8") + i - 8;
		if ((o->gpr[i] ^ e->gpr[i]) & want[reg].mask & (wide ? UINT64_MAX : UINT32_MAX))
			return arena_print(arena, "%s %08" PRIx64 ", expected %08" PRIx64, reg_name(reg, wide),
					   o->gpr[i], e->gpr[i]);
	}
	if ((o->eflags ^ e->eflags) & flags)
		return arena_print(arena, "flags: %s", flags_text(arena, e->eflags, o->eflags, flags | ~FLAGS_DEFINED));
	if (o->cs != e->cs || o->ss != e->ss || o->ds != e->ds || o->es != e->es)
		return arena_print(arena, "cs ss ds es %04x %04x %04x %04x, expected %04x %04x %04x %04x", o->cs, o->ss,
				   o->ds, o->es, e->cs, e->ss, e->ds, e->es);
	if (e->vector == VEC_PF && o->cr2 != e->cr2)
		return arena_print(arena, "cr2 %08" PRIx64 ", expected %08" PRIx64, o->cr2, e->cr2);
	return wide ? vectors_differ(arena, o, e, want) : NULL;
}

static const char *differing(struct arena *arena, const struct host_run *h, const struct bench *b)
{
	const struct outcome *o = h->outcome;
	struct outcome e;
	const char *what;

	ours(b, &e);
	if (o->vector != e.vector || ((o->error ^ e.error) && e.vector != VEC_BP && e.vector != VEC_DB))
		return arena_print(arena, "vector %u(%x) at %08" PRIx64 ", expected %u(%x) at %08" PRIx64, o->vector,
				   o->error, o->rip, e.vector, e.error, e.rip);
	if (e.rip != o->rip)
		return arena_print(arena, "eip %08" PRIx64 ", expected %08" PRIx64, o->rip, e.rip);
	if ((what = registers_differ(arena, b->scene, o, &e)))
		return what;
	if (!b->scene->expect.fpu_want.any &&
	    (o->fcw != e.fcw || o->full != e.full || memcmp(o->st, e.st, sizeof(o->st))))
		return "the x87's registers";
	if ((o->fsw ^ e.fsw) & b->scene->expect.reg[reg_index("fsw")].mask)
		return arena_print(arena, "x87 status %04x, expected %04x", o->fsw, e.fsw);
	return compare_memory_of(arena, h, b);
}

static void ask(struct run *run, struct job *job, const struct scene *scene, struct bench *b)
{
	struct arena *arena = &job->result.arena;
	struct host_run h = {.memory = MAP_FAILED, .fd = -1};
	const char *what;

	if (!host_open(&h, scene) || !host_start(&h, scene)) {
		note_authority(job, &run->host, "host", ANSWER_NOT_ASKED,
			       "this computer gives no memory below 4 GiB, or no 32-bit code");
	} else if (h.outcome->vector == VEC_PF && (h.outcome->cr2 < LOWEST || h.outcome->cr2 >= scene->ram)) {
		note_authority(job, &run->host, "host", ANSWER_NOT_ASKED,
			       "it reaches for memory that is not the case's");
	} else {
		what = differing(arena, &h, b);
		note_authority(job, &run->host, "host", what ? ANSWER_DIFFERS : ANSWER_AGREES, what);
	}
	host_close(&h);
}

void ask_host(struct run *run, struct job *job, const struct scene *as_it_is)
{
	struct build_options options = {.cpu = run->settings.cpu, .cache = run->settings.cache, .host = true};
	struct arena *arena = &job->result.arena;
	struct problems problems = {.arena = arena};
	struct scene *scene = arena_alloc(arena, sizeof(*scene));
	struct differences d = {.arena = arena, .first_delivery = -1};
	struct host_look look = {NULL};
	const char *why = host_unfit(as_it_is);

	if (why)
		;
	else if (!scene_build(scene, arena, &problems, job->row->node, job->row->name, job->row->params, &options))
		why = "it names places by number";
	else
		why = host_unfit(scene);
	struct bench *b = why ? NULL : bench_new(scene);
	if (b) {
		b->each = host_look_at;
		b->each_owner = &look;
		bench_run(b);
		compare(scene, b, &d);
		why = look.why  ? look.why
		      : d.count ? "it names places by number"
		      : b->deliveries && !host_same_way(b)
			      ? "its gates and deliveries are not those of the host's kernel"
		      : b->end != END_AT_END && b->end != END_HANDLER ? "it does not end at its end or in a handler"
								      : NULL;
	}
	if (why || !b)
		note_authority(job, &run->host, "host", ANSWER_NOT_ASKED, why ? why : "out of memory");
	else
		ask(run, job, scene, b);
	bench_free(b);
}

#else

void ask_host(struct run *run, struct job *job, const struct scene *as_it_is)
{
	(void)as_it_is;
	note_authority(job, &run->host, "host", ANSWER_NOT_ASKED, "this computer is no x86-64 under Linux");
}

#endif
