/* Experiments with returns: IRET that faults, 16-bit stacks, the double fault. */
#include "user.h"

struct user_desc {
	uint32_t entry, base, limit, flags;
};
#define UD_BIG         1u
#define UD_CODE        4u /* contents 2 */
#define UD_READ_ONLY   8u
#define UD_PAGES       16u
#define UD_NOT_PRESENT 32u

#define LDT_SELECTOR(n) ((n) * 8u + 7u)
#define UNUSED_SELECTOR 0xf3u /* entry 1Eh of the GDT is empty */

static int set_ldt(uint32_t entry, uint32_t base, uint32_t limit, uint32_t flags)
{
	struct user_desc desc = {entry, base, limit, flags};

	return CALL(NR_modify_ldt, 1, &desc, sizeof(desc));
}

/* ---- badiret ---- */
static volatile uint32_t bad_cs, bad_ss, bad_esp, ill_trap, ill_cs, ill_ss;

static void spoil(int number)
{
	signal_frame sc = SIGNAL_FRAME;

	if (bad_cs)
		sc->cs = bad_cs;
	if (bad_ss)
		sc->ss = bad_ss;
	if (bad_esp)
		sc->sp = bad_esp;
}

static void ill(int number)
{
	signal_frame sc = SIGNAL_FRAME;

	ill_trap = sc->trap_no;
	ill_cs = sc->cs;
	ill_ss = sc->ss;
	leave(ill_trap == 32 && (!bad_cs || ill_cs == bad_cs) && (!bad_ss || ill_ss == bad_ss) ? 42 : 1);
}

/* In a child: a signal's frame is changed, and sigreturn's IRET meets it. */
static void return_badly(void)
{
	on_signal(SIGUSR1, spoil);
	on_signal(SIGILL, ill);
	on_signal(SIGSEGV, ill);
	CALL(NR_kill, getpid(), SIGUSR1, 0);
	leave(2);
}

static void nested_task(void)
{
	on_signal(SIGILL, ill);
	lab(LAB_IRET_NT, 0, 0);
	leave(2);
}

struct bad_return {
	const char *name, *what;
	uint32_t cs, ss, esp;
	unsigned vector, error;
};

static const struct bad_return bad_returns[] = {
	{"ss", "badiret, SS names an empty descriptor", 0, UNUSED_SELECTOR, 0, 13, UNUSED_SELECTOR & ~3u},
	{"cs", "badiret, CS names an empty descriptor", UNUSED_SELECTOR, 0, 0, 13, UNUSED_SELECTOR & ~3u},
	{"ldt", "badiret, SS names a segment that is not present", 0, LDT_SELECTOR(1), 0, 12, LDT_SELECTOR(1) & ~3u},
	{"code", "badiret, CS names a segment that is not present", LDT_SELECTOR(2), 0, 0, 11, LDT_SELECTOR(2) & ~3u},
	{"nt", "badiret, NT = 1: a task return without a task", 0, 0, 0, 10, 0},
};
#define BAD_RETURNS (sizeof(bad_returns) / sizeof(bad_returns[0]))

static void try_bad_return(const struct bad_return *bad)
{
	struct lab_info info;
	struct lab_seen seen;
	int status;

	about(bad->what);
	bad_cs = bad->cs;
	bad_ss = bad->ss;
	bad_esp = 0;
	set_ldt(1, 0, 0xfffff, UD_BIG | UD_PAGES | UD_NOT_PRESENT);
	set_ldt(2, 0, 0xfffff, UD_BIG | UD_PAGES | UD_NOT_PRESENT | UD_CODE);
	know(&info);
	see(&seen);
	status = in_child(bad->cs || bad->ss ? return_badly : nested_task);
	see(&seen);
	check("IRET itself faulted, in ring 0: EIP", info.irq_return, seen.fixup.ip);
	check("vector", bad->vector, seen.fixup.vector);
	check("error code", bad->error, seen.fixup.error);
	check("the task got SIGILL, 32, with what it asked for in the frame", EXITED(42), (unsigned)status);
}

/* IRET does not look at the stack it loads: ring 3 finds out. */
static void try_bad_esp(void)
{
	struct lab_seen seen;

	about("badiret, ESP on a page that is not mapped");
	bad_cs = bad_ss = 0;
	bad_esp = 0x70000000;
	see(&seen);
	check("IRET succeeds, the first access faults, no frame for its handler can be pushed: SIGSEGV", SIGSEGV,
	      (unsigned)in_child(return_badly));
	see(&seen);
	check("the kernel's own fault when it tried to: vector", 14, seen.fixup.vector);
}

void try_badiret(const char *argument)
{
	bool known = !*argument || same(argument, "esp");

	for (unsigned i = 0; i < BAD_RETURNS; i++)
		if (!*argument || same(argument, bad_returns[i].name)) {
			known = true;
			try_bad_return(&bad_returns[i]);
		}
	if (!*argument || same(argument, "esp"))
		try_bad_esp();
	if (!known)
		print("sh: badiret %s: ss, cs, ldt, code, esp, nt or nothing is wanted\n", argument);
}

/* ---- espfix ---- */

/* With SS of the LDT, 16 bits, base 0: SP is what counts, and the upper half of ESP is free.  It is given a value, a
 * system call is made, and it is looked at again.  The stack is not used meanwhile: the low 64 KiB are not mapped. */
uint32_t esp_over_call(uint32_t esp)
{
	uint32_t after;

	set_ldt(0, 0, 0xffff, 0);
	__asm__ volatile("movl %%esp, %%esi\n\t"
			 "movl %%ss, %%edi\n\t"
			 "movl %%ecx, %%ss\n\t"
			 "movl %%edx, %%esp\n\t"
			 "int $0x80\n\t"
			 "movl %%esp, %%edx\n\t"
			 "movl %%edi, %%ss\n\t"
			 "movl %%esi, %%esp"
			 : "=d"(after) : "a"(NR_getpid), "c"(LDT_SELECTOR(0)), "d"(esp) : "esi", "edi", "memory");
	return after;
}

void try_espfix(const char *argument)
{
	struct lab_info info;
	unsigned was_on, after;

	know(&info);
	was_on = info.espfix;
	check("modify_ldt: a 16-bit data segment", 0, (unsigned)set_ldt(0, 0, 0xffff, 0));
	lab(LAB_ESPFIX, 1, 0);
	check("with espfix: ESP keeps all its bits over a system call", 0x12341000, esp_over_call(0x12341000));
	know(&info);
	check("the base of SS d0h: so that base + 1234xxxx is the kernel stack",
	      ((info.sp0 - 20) & 0xffff0000) - 0x12340000, info.espfix_base);
	lab(LAB_ESPFIX, 0, 0);
	after = esp_over_call(0x12341000);
	print("  without: ESP 0x12341000 became 0x%x, the kernel stack is at 0x%x\n", after, info.sp0);
	check("without espfix: SP", 0x1000, after & 0xffff);
	check("without espfix: the upper half is the kernel's, a leak", (info.sp0 - 20) >> 16, after >> 16);
	lab(LAB_ESPFIX, was_on, 0);
	check("modify_ldt, entry 8: -EINVAL", (unsigned)-EINVAL, (unsigned)set_ldt(8, 0, 0xffff, 0));
}

/* ---- the double fault ---- */
void try_df(const char *argument)
{
	struct lab_info info;
	struct lab_seen seen;

	know(&info);
	check("vector 8: a task gate (type 5)", 5, info.gate8_type);
	check("to the TSS", GDT_DOUBLEFAULT, info.gate8_selector);
	for (unsigned i = 0; i < 2; i++) {
		see(&seen);
		check("back from it", 0, (unsigned)lab(LAB_DOUBLE_FAULT, 0, 0));
		see(&seen);
		check("the double fault's task ran", 1, seen.double_fault.count);
		check("the back link in its TSS: the TSS of before", GDT_TSS, seen.double_fault.error);
		check("EIP saved in the TSS of before: the PUSH", info.df_push, seen.double_fault.ip);
		check("ESP saved there", 0x800, seen.double_fault.sp);
		check("CS saved there", __KERNEL_CS, seen.double_fault.cs);
	}
}
