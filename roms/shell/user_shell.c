/* The shell: lines from COM1, or from run= of the kernel's command line. */
#include "user.h"

struct command {
	const char *name;
	experiment *run;
	const char *argument; /* NULL: takes none */
	const char *help;
	bool in_selfcheck;
};

static experiment help, selfcheck, stats, triple, leave_shell;

static const struct command commands[] = {
	{"fork", try_fork, NULL, "fork through the C wrapper: ret_from_fork, the child's copy, wait", true},
	{"myasmfork", try_myasmfork, NULL, "fork by a bare int 80h", true},
	{"sethostname", try_sethostname, "[NAME]", "set the host's name, or try EPERM, EINVAL and EFAULT", true},
	{"busy", try_busy, "[MS]", "two tasks that compute: timer interrupts in ring 3, need_resched", true},
	{"sleep", try_sleep, "[MS]", "sleep: the processor halts in default_idle", true},
	{"idle", try_idle, NULL, "where the timer finds the idle task", true},
	{"resched", try_resched, NULL, "schedule before the return, and who asked for it", true},
	{"signal", try_signal, NULL, "a handler on the user stack, and sigreturn", true},
	{"kill", try_kill, "[PID]", "SIGTERM to a task, or to a child that computes", true},
	{"trace", try_trace, "[log]", "hooks before and after system calls; log: with their lines", true},
	{"badnum", try_badnum, NULL, "system calls that do not exist", true},
	{"gate", try_gate, NULL, "vector 80h: gate type, IF at the entry; vector 81h: DPL 0", true},
	{"div0", try_div0, NULL, "a division by zero", true},
	{"null", try_null, NULL, "null pointers, in ring 3 and given to the kernel", true},
	{"badiret", try_badiret, "[ss|cs|ldt|code|esp|nt]", "returns that IRET refuses", true},
	{"espfix", try_espfix, NULL, "a 16-bit stack: the upper half of ESP with and without espfix", true},
	{"sysenter", try_sysenter, NULL, "SYSENTER, the sixth argument, TF on the first instruction", true},
	{"nmi", try_nmi, NULL, "NMI: in the kernel, after SYSENTER, in #DB's entry, on the espfix stack", true},
	{"shadows", try_shadows, NULL, "STI; HLT, STI; CLI, MOV SS; INT3, POP SS under TF", true},
	{"kthread", try_kthread, NULL, "a kernel thread", true},
	{"softirq", try_softirq, NULL, "a softirq on the way out, an interrupt inside it", true},
	{"irq", try_irq, NULL, "edge and level, TPR", true},
	{"df", try_df, NULL, "a double fault through its task gate, and back", true},
	{"stats", stats, NULL, "what the kernel has counted", false},
	{"triple", triple, NULL, "a triple fault: the machine ends", false},
	{"selfcheck", selfcheck, NULL, "all of the above but triple", false},
	{"help", help, NULL, "this list", false},
	{"exit", leave_shell, NULL, "switch the machine off", false},
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

void power_off_now(int status);
int shell(void);

void power_off_now(int status)
{
	lab(LAB_POWER_OFF, (unsigned)status, 0);
}

static void help(const char *argument)
{
	for (unsigned i = 0; i < COMMANDS; i++) {
		print("  %s %s", commands[i].name, commands[i].argument ? commands[i].argument : "");
		print(": %s\n", commands[i].help);
	}
}

static void selfcheck(const char *argument)
{
	for (unsigned i = 0; i < COMMANDS; i++)
		if (commands[i].in_selfcheck) {
			about(commands[i].name);
			commands[i].run("");
		}
	about("all");
	check("registers that a system call did not give back", 0, (unsigned)registers_lost);
}

static void stats(const char *argument)
{
	struct lab_seen seen;
	struct lab_info info;

	see(&seen);
	know(&info);
	print("  jiffies %u, switches %u, forks returned %u, ", info.jiffies, seen.switches, seen.fork_returns);
	print("spurious interrupts: 8259 %u, APIC %u\n", seen.spurious_pic, seen.spurious_apic);
}

static void triple(const char *argument)
{
	print("  no IDT, then INT3: the machine ends here\n");
	lab(LAB_TRIPLE_FAULT, 0, 0);
}

static void report(void)
{
	print("selfcheck: %u ok, %u FAIL, %u skipped\n", checks_ok, checks_failed, checks_skipped);
}

static void leave_shell(const char *argument)
{
	report();
	power_off_now(checks_failed != 0);
}

/* Cuts the line at its first space; what is behind it is the argument. */
static char *split(char *line)
{
	while (*line && *line != ' ')
		line++;
	while (*line == ' ')
		*line++ = '\0';
	return line;
}

static void start(const struct command *command, const char *argument)
{
	about(command->name);
	command->run(argument);
}

static void run(char *line)
{
	char *argument;

	while (*line == ' ')
		line++;
	argument = split(line);
	if (!*line)
		return;
	for (unsigned i = 0; i < COMMANDS; i++) {
		if (!same(line, commands[i].name))
			continue;
		if (*argument && !commands[i].argument)
			print("sh: %s %s: takes no argument\n", line, argument);
		else
			start(&commands[i], argument);
		return;
	}
	print("sh: %s: no such command, see help\n", line);
}

/* A colon stands for a space. */
static void run_script(char *script)
{
	while (*script) {
		char *line = script;

		for (; *script && *script != ','; script++)
			if (*script == ':')
				*script = ' ';
		if (*script)
			*script++ = '\0';
		print("# %s\n", line);
		run(line);
	}
	leave_shell("");
}

/* A line longer than the buffer is refused whole. */
static bool read_line(char *line, unsigned size)
{
	unsigned n = 0;
	bool whole = true;

	for (;;) {
		int got = CALL(NR_read, 0, line + n, size - n);

		if (got == -EINTR)
			continue;
		if (got <= 0)
			return false;
		n += (unsigned)got;
		if (line[n - 1] == '\n')
			break;
		if (n == size)
			n = 0, whole = false;
	}
	line[n - 1] = '\0';
	if (!whole) {
		print("sh: the line is longer than %u characters\n", size - 1);
		line[0] = '\0';
	}
	return true;
}

int shell(void)
{
	char line[512];

	lab(LAB_CMDLINE, (unsigned)line, sizeof(line));
	if (*line)
		run_script(line);
	print("Trapgate kernel: help lists the commands\n");
	for (;;) {
		print("$ ");
		if (!read_line(line, 128))
			leave_shell("");
		run(line);
	}
}
