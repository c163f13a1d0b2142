/* Experiments with returns that are refused, and with the stacks of deliveries. */
#include "user64.h"

struct user_desc {
	uint32_t entry, base, limit, flags;
};
#define UD_BIG         1u
#define UD_NOT_PRESENT 32u
#define LDT_SELECTOR(n) ((n) * 8u + 7u)
#define UNUSED_SELECTOR 0xf3u /* beyond the GDT */

static long set_ldt(uint32_t entry, uint32_t base, uint32_t limit, uint32_t flags)
{
	struct user_desc desc = {entry, base, limit, flags};

	return CALL(NR_modify_ldt, 1, &desc, sizeof(desc));
}

/* ---- returns to a signal frame that the handler has spoilt ---- */
static volatile uint64_t bad_cs, bad_ss, bad_sp, bad_ip, ill_trap;

static void spoil(int number)
{
	signal_frame sc = SIGNAL_FRAME;

	if (bad_cs)
		sc->cs = bad_cs;
	if (bad_ss)
		sc->ss = bad_ss;
	if (bad_sp)
		sc->sp = bad_sp;
	if (bad_ip)
		sc->ip = sc->cx = bad_ip;
	sc->flags &= 0xdd5;
	sc->r11 = sc->flags | X86_EFLAGS_IF | 2; /* what the kernel makes of them */
}

static void ill(int number)
{
	ill_trap = SIGNAL_FRAME->trap_no;
	leave(ill_trap == 32 ? 42 : 1);
}

static void return_badly(void)
{
	on_signal(SIGUSR1, spoil);
	on_signal(SIGILL, ill);
	CALL(NR_kill, getpid(), SIGUSR1, 0);
	leave(2);
}

struct bad_return {
	const char *what;
	uint64_t cs, ss, sp, ip;
	unsigned vector, error;
};

static void bad_return(const struct lab_info *info, const struct bad_return *how)
{
	struct lab_seen seen;

	about(how->what);
	bad_cs = how->cs, bad_ss = how->ss, bad_sp = how->sp, bad_ip = how->ip;
	see(&seen);
	check("the child was told: SIGILL, trap 32", EXITED(42), (unsigned long)in_child(return_badly));
	see(&seen);
	check("a fault of IRETQ, in ring 0", info->irq_return, seen.fixup.ip);
	check("vector", how->vector, seen.fixup.vector);
	check("error code", how->error, seen.fixup.error);
}

/* RSP is not looked at by IRETQ; what uses it faults. */
static void rsp_not_canonical(void)
{
	struct lab_seen seen;
	int status;

	about("badiret, RSP is not canonical");
	bad_cs = bad_ss = bad_ip = 0;
	bad_sp = NOT_CANONICAL + 0x1000;
	see(&seen);
	status = in_child(return_badly);
	check("the child ended by a signal: no frame of a handler finds room", 1,
	      status == SIGBUS || status == SIGSEGV);
	see(&seen);
	check("no fault of IRETQ", 0, seen.fixup.count);
	check("RET in ring 3: #SS", 12, seen.user.vector);
	check("with error code", 0, (unsigned long)seen.user.error);
}

/* By int 80h, whose way back is IRETQ. */
static void return_with_nt(void)
{
	on_signal(SIGILL, ill);
	call_int80(NR32_lab, (long)LAB_IRET_NT, 0l, 0l, 4l, 5l, 6l);
	leave(2);
}

void try_badiret64(const char *argument)
{
	static const struct bad_return cases[] = {
		{"badiret, SS is beyond the GDT", 0, UNUSED_SELECTOR, 0, 0, 13, UNUSED_SELECTOR & ~3u},
		{"badiret, SS is a code segment", 0, __USER_CS, 0, 0, 13, __USER_CS & ~3u},
		{"badiret, SS is null", 0, 3, 0, 0, 13, 0},
		{"badiret, SS is not present", 0, LDT_SELECTOR(1), 0, 0, 12, LDT_SELECTOR(1) & ~3u},
		{"badiret, CS is beyond the GDT", UNUSED_SELECTOR, 0, 0, 0, 13, UNUSED_SELECTOR & ~3u},
		{"badiret, CS is a data segment", __USER_DS, 0, 0, 0, 13, __USER_DS & ~3u},
		{"badiret, CS has DPL 0", __KERNEL_CS, 0, 0, 0, 13, __KERNEL_CS},
		{"badiret, RIP is not canonical", 0, 0, 0, NOT_CANONICAL, 13, 0},
	};
	struct lab_info info;
	struct lab_seen seen;

	know(&info);
	check("an LDT with a segment that is not present", 0,
	      (unsigned long)set_ldt(1, 0, 0xfffff, UD_BIG | UD_NOT_PRESENT));
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		bad_return(&info, &cases[i]);
	rsp_not_canonical();
	about("badiret, NT = 1");
	see(&seen);
	check("the child was told: SIGILL, trap 32", EXITED(42), (unsigned long)in_child(return_with_nt));
	see(&seen);
	check("a fault of IRETQ, in ring 0", info.irq_return, seen.fixup.ip);
	check("vector", 13, seen.fixup.vector);
	check("error code", 0, seen.fixup.error);
}

/* ---- SYSRET ---- */
void try_sysret(const char *argument)
{
	struct lab_info info;
	struct lab_seen seen;
	int status;

	know(&info);
	bad_cs = bad_ss = bad_sp = 0;
	bad_ip = NOT_CANONICAL;
	lab(LAB_SYSRET, 1, 0);
	see(&seen);
	status = in_child(return_badly);
	see(&seen);
	lab(LAB_SYSRET, 0, 0);
	print("  the processor is %s\n", info.intel ? "Intel's: SYSRET faults" : "not Intel's: the fetch faults");
	if (info.intel) {
		check("#GP in ring 0, on SYSRET: RIP", info.sysret_instruction, seen.fixup.ip);
		check("CS there", __KERNEL_CS, seen.fixup.cs);
		check("RSP there: ring 3's already", 1, seen.fixup.sp < TASK_SIZE && seen.fixup.sp > USER_START);
		check("vector", 13, seen.fixup.vector);
		check("error code", 0, seen.fixup.error);
		check("the child was told: SIGILL, trap 33", EXITED(1), (unsigned long)status);
	} else {
		check("no fault in ring 0", 0, seen.fixup.count);
		check("#GP in ring 3: CS", __USER_CS, seen.user.cs);
		check("RIP there", NOT_CANONICAL, seen.user.ip);
		check("vector", 13, seen.user.vector);
		check("error code", 0, seen.user.error);
		check("the child ended by SIGSEGV", SIGSEGV, (unsigned long)status);
	}
}

/* ---- 16-bit stack ---- */
extern char compat_stack[];

static void to_16_bit_stack(int number)
{
	signal_frame sc = SIGNAL_FRAME;

	sc->cs = __USER32_CS;
	sc->ss = LDT_SELECTOR(2);
	sc->sp = 0x800;
	sc->ip = (uint64_t)compat_narrow; /* EAX: ESP behind a system call, which was 12340800h before */
	sc->flags &= 0xdd5;
}

/* The handler of INT3 returns to compat_narrow, which leaves by the way of call_compat. */
static long esp_behind_iretq(void)
{
	static const struct compat_call unused;

	set_ldt(2, (uint32_t)(uint64_t)compat_stack, 0xfff, 0);
	on_signal(SIGTRAP, to_16_bit_stack);
	return call_compat(compat_int3, &unused);
}

void try_espfix64(const char *argument)
{
	struct lab_info info;
	unsigned long esp;

	know(&info);
	esp = (unsigned long)esp_behind_iretq() & 0xffffffff;
	on_signal(SIGTRAP, NULL);
	check("SP: from the frame", 0x800, esp & 0xffff);
	check("the upper half of ESP: the kernel's, there is no espfix here", info.entry_stack_top >> 16 & 0xffff,
	      esp >> 16);
}

/* ---- where deliveries put their frames ---- */
void try_align(const char *argument)
{
	struct lab_seen seen;
	struct lab_info info;
	bool aligned = true, near = true, kept = true;
	unsigned long first = 0;

	know(&info);
	for (unsigned long n = 0; n < 16; n++) {
		see(&seen);
		lab(LAB_TRAP, n, 0);
		see(&seen);
		aligned &= (seen.trap.at & 15) == 0;
		near &= seen.trap.sp - seen.trap.at < 16;
		first = n ? first : seen.trap.sp;
		kept &= first - seen.trap.sp == n;
	}
	check("INT in ring 0 from 16 stacks: the frame ends at a multiple of 16", 1, aligned);
	check("which is the next one below RSP", 1, near);
	check("RSP in the frame is the one that was not aligned", 1, kept);
	check("SS in the frame: SYSCALL's", __KERNEL_DS, seen.trap.ss);
	check("RIP", info.trap_at_end, seen.trap.ip);
	try_div0("");
	about("align");
	see(&seen);
	check("SS in ring 0 behind a fault of ring 3: null", 0, seen.user_ss);
}

void try_df64(const char *argument)
{
	struct lab_info info;
	struct lab_seen seen;

	know(&info);
	see(&seen);
	check("a push where there is no page", 0, (unsigned long)lab(LAB_DOUBLE_FAULT, 0, 0));
	see(&seen);
	check("one double fault", 1, seen.double_fault.count);
	check("error code", 0, seen.double_fault.error);
	check("RIP: the push", info.df_push, seen.double_fault.ip);
	check("RSP: the bad one", NOBODY, seen.double_fault.sp);
	check("on the stack of IST 1", info.ist[IST_DF - 1], seen.double_fault.at);
}

void try_badist(const char *argument)
{
	struct lab_info info;
	struct lab_seen seen;

	know(&info);
	check("IST 6 is not canonical", NOT_CANONICAL, info.ist[IST_BAD - 1]);
	see(&seen);
	check("INT through its gate", 0, (unsigned long)lab(LAB_BAD_IST, 0, 0));
	see(&seen);
	check("the handler did not run", 0, seen.trap.count);
	check("the fault, #SS, was met by the exception table: vector", 12, seen.fixup.vector);
	check("CS", __KERNEL_CS, seen.fixup.cs);
}
