#define _GNU_SOURCE
#include "native/host.h"

#include "cpu/model.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

#include <asm/ldt.h>
#include <sys/syscall.h>

static struct {
	volatile bool inside;
	struct outcome *end;
	volatile unsigned number, seen; /* which call; the one the last tick met */
} host_call;

static struct native_state *const state = (struct native_state *)HOST_STATE;

/* ---- memory ---- */
static bool map_at(uint64_t at, size_t size, int rights, int fd)
{
	void *place = (void *)(uintptr_t)at;

	return mmap(place, size, rights, MAP_SHARED | MAP_FIXED_NOREPLACE | MAP_POPULATE, fd, 0) == place;
}

/* size bytes of a file at a fixed address with these rights; *alias: the same bytes, writable, elsewhere. */
static bool map(uint32_t at, size_t size, int rights, uint8_t **alias)
{
	int fd = memfd_create("arena", 0);
	bool ok = fd >= 0 && ftruncate(fd, (off_t)size) == 0;

	*alias = ok ? mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0) : MAP_FAILED;
	ok = *alias != MAP_FAILED && map_at(at, size, rights, fd);
#if NATIVE_BITS == 64
	if (at < HOST_STUB)
		ok = ok && map_at(UPPER_ARENA + at, size, rights, fd);
#endif
	if (fd >= 0)
		close(fd);
	return ok;
}

static bool map_all(struct host *host)
{
	uint8_t *stub, *st;

	return map(CODE, CODE_BYTES, PROT_READ | PROT_EXEC, &host->code) &&
	       map(DATA, DATA_BYTES, PROT_READ | PROT_WRITE, &host->data) &&
	       map(READ_ONLY, PAGE, PROT_READ, &host->read_only) &&
	       map(STACK, STACK_BYTES, PROT_READ | PROT_WRITE, &host->stack) &&
	       map(X87, PAGE, PROT_READ | PROT_WRITE, &host->x87) &&
	       map(HOST_STUB, PAGE, PROT_READ | PROT_EXEC, &stub) &&
	       map(HOST_STATE, PAGE, PROT_READ | PROT_WRITE, &st) &&
	       memcpy(stub, native_stub, (size_t)(native_stub_end - native_stub)) == stub;
}

/* The descriptors of ldt_entries[] as modify_ldt() wants them. */
static bool make_ldt(void)
{
	for (unsigned i = 0; i < LDT_COUNT; i++) {
		const struct ldt_entry *e = &ldt_entries[i];
		struct user_desc d = {
			.entry_number = i,
			.base_addr = e->base,
			.limit = e->limit,
			.seg_32bit = e->db,
			.contents = (e->type >> 2) & 3,
			.read_exec_only = !(e->type & 2),
			.limit_in_pages = e->big,
			.seg_not_present = !e->present,
		};
		if ((int)syscall(SYS_modify_ldt, 0x11, &d, sizeof(d)) != 0)
			return false;
	}
	return true;
}

bool host_has_gs_base(void)
{
	return getauxval(AT_HWCAP2) & 2;
}

bool host_has_la57(void)
{
	unsigned eax = 7, ebx, ecx = 0, edx;

	__asm__("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
	return ecx & F7C_LA57;
}

/* ---- traps ---- */
static word gs_base(void)
{
	uint64_t base = 0;

	if (NATIVE_BITS == 64 && host_has_gs_base())
		__asm__ volatile(".byte 0xf3, 0x48, 0x0f, 0xae, 0xc8" : "=a"(base)); /* RDGSBASE RAX */
	return (word)base;
}

static const int signals[] = {SIGALRM, SIGSEGV, SIGILL, SIGBUS, SIGFPE, SIGTRAP};

static void record_x87(struct outcome *end, const struct _libc_fpstate *f)
{
	end->fcw = f->cwd;
	end->fsw = f->swd;
	end->full = (uint8_t)f->ftw;
	for (unsigned i = 0; i < 8; i++)
		memcpy(end->st[i], &f->_st[i], 10);
}

/* The parts of the signal frame's XSAVE area (standard form) that are not in their initial state. */
static void record_vec(struct outcome *end, const struct _libc_fpstate *f)
{
	const uint8_t *area = (const uint8_t *)f;
	uint32_t magic;
	uint64_t present = 3;

	memcpy(&magic, area + 464, 4);
	if (magic == 0x46505853) /* FP_XSTATE_MAGIC1 */
		memcpy(&present, area + 512, 8);
	end->mxcsr = f->mxcsr;
	memset(end->ymm, 0, sizeof(end->ymm));
	for (unsigned i = 0; i < REGS; i++) {
		if (present & 2)
			memcpy(end->ymm[i], area + 160 + 16 * i, 16);
		if (present & 4)
			memcpy(end->ymm[i] + 16, area + 576 + 16 * i, 16);
	}
}

void native_record(int number, siginfo_t *info, void *context)
{
	const ucontext_t *uc = context;
	const greg_t *g = uc->uc_mcontext.gregs;
	static const int order[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
				      REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
	struct outcome *end = host_call.end;

	if (number == SIGALRM) { /* the same instruction two ticks long: it loops */
		bool loops = host_call.inside && host_call.seen == host_call.number;
		host_call.seen = host_call.number;
		if (!loops)
			return;
	}
	if (!host_call.inside) { /* a fault of the test program itself */
		signal(number, SIG_DFL);
		raise(number);
		_exit(1);
	}
	host_call.inside = false;
	for (unsigned i = 0; i < REGS; i++)
		end->gpr[i] = (word)g[order[i]];
	end->eip = (word)g[REG_RIP];
	end->eflags = (uint32_t)g[REG_EFL];
	end->vector = number == SIGALRM ? HOST_LOOPS : (uint8_t)g[REG_TRAPNO];
	end->error = (uint32_t)g[REG_ERR];
	end->cr2 = (word)g[REG_CR2];
	end->cs = (uint16_t)g[REG_CSGSFS];
	end->ss = (uint16_t)((uint64_t)g[REG_CSGSFS] >> 48);
	__asm__("mov %%ds, %0\n mov %%es, %1\n mov %%gs, %2" : "=r"(end->ds), "=r"(end->es), "=r"(end->gs));
	end->gs_base = gs_base();
	record_x87(end, uc->uc_mcontext.fpregs);
	record_vec(end, uc->uc_mcontext.fpregs);
	native_leave();
}

static bool catch_traps(void)
{
	stack_t stack = {.ss_size = 1 << 17};
	struct sigaction action = {.sa_sigaction = native_on_signal, .sa_flags = SA_ONSTACK | SA_SIGINFO | SA_NODEFER};

	stack.ss_sp = malloc(stack.ss_size);
	if (!stack.ss_sp || sigaltstack(&stack, NULL) != 0)
		return false;
	for (unsigned i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (sigaction(signals[i], &action, NULL) != 0)
			return false;
	return setitimer(ITIMER_REAL, &(struct itimerval){{0, 100000}, {0, 100000}}, NULL) == 0;
}

bool host_init(struct host *host, const char **why)
{
	*why = "this host will not map the places of the test below 4 GiB";
	if (!map_all(host))
		return false;
	*why = "this host gives no signal stack";
	if (!catch_traps())
		return false;
	host->ldt = make_ldt();
	return true;
}

/* An XSAVE area with SSE and AVX state. */
static void load_vec(const struct start *start)
{
	uint8_t *area = (uint8_t *)(uintptr_t)HOST_XSAVE;
	uint64_t present = state->use_vec;

	memset(area, 0, 832);
	memcpy(area + 24, &start->mxcsr, 4);
	memcpy(area + 512, &present, 8);
	for (unsigned i = 0; i < REGS; i++) {
		memcpy(area + 160 + 16 * i, start->ymm[i], 16);
		memcpy(area + 576 + 16 * i, start->ymm[i] + 16, 16);
	}
}

#if NATIVE_BITS == 64
void native_call64(void);

static void enter(const struct start *start)
{
	struct native_state64 *wide = (struct native_state64 *)HOST_STATE64;

	memcpy(wide->gpr, start->gpr, sizeof(wide->gpr));
	wide->rip = start->eip;
	wide->rflags = start->eflags;
	wide->ds = start->ds;
	wide->es = start->es;
	__asm__ volatile("mov %0, %%gs" : : "r"(0));
	if (host_has_gs_base())
		__asm__ volatile(".byte 0xf3, 0x48, 0x0f, 0xae, 0xd8" : : "a"(start->gs_base)); /* WRGSBASE RAX */
	host_call.inside = true;
	native_call64();
}
#else
static void enter(const struct start *start)
{
	memcpy(state->gpr, start->gpr, sizeof(state->gpr));
	state->esp = start->gpr[SP];
	state->ss = start->ss;
	state->eip = start->eip;
	state->cs = start->cs;
	state->eflags = start->eflags;
	state->ds = start->ds;
	state->es = start->es;
	state->gs = start->gs;
	state->entry = HOST_STUB;
	state->entry_cs = SEL_USER_CODE;
	host_call.inside = true;
	native_enter();
}
#endif

void host_run(const struct start *start, struct outcome *end)
{
	state->use_x87 = start->x87;
	state->use_vec = start->vec ? 6 : 0;
	if (start->vec)
		load_vec(start);
	if (start->x87)
		memcpy((void *)(uintptr_t)HOST_FSAVE, &start->fpu, FSAVE_BYTES);
	host_call.end = end;
	host_call.number++;
	enter(start);
}
