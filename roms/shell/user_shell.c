/* The shell: lines from COM1, or from run= of the kernel's command line. */
#include "user.h"

void power_off_now(int status);
int shell(void);

void power_off_now(int status)
{
	lab(LAB_POWER_OFF, (unsigned long)status, 0);
}

void help(const char *argument)
{
	for (unsigned i = 0; commands[i].name; i++) {
		print("  %s %s", commands[i].name, commands[i].argument ? commands[i].argument : "");
		print(": %s\n", commands[i].help);
	}
}

void selfcheck(const char *argument)
{
	for (unsigned i = 0; commands[i].name; i++)
		if (commands[i].in_selfcheck) {
			about(commands[i].name);
			commands[i].run("");
		}
	about("all");
	check("registers that a system call did not give back", 0, (unsigned long)registers_lost);
}

void stats(const char *argument)
{
	struct lab_seen seen;
	struct lab_info info;

	see(&seen);
	know(&info);
	print("  jiffies %u, switches %u, forks returned %u, ", info.jiffies, seen.switches, seen.fork_returns);
	print("spurious interrupts: 8259 %u, APIC %u\n", seen.spurious_pic, seen.spurious_apic);
}

void triple(const char *argument)
{
	print("  no IDT, then INT3: the machine ends here\n");
	lab(LAB_TRIPLE_FAULT, 0, 0);
}

static void report(void)
{
	print("selfcheck: %u ok, %u FAIL, %u skipped\n", checks_ok, checks_failed, checks_skipped);
}

void leave_shell(const char *argument)
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
	for (unsigned i = 0; commands[i].name; i++) {
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
		long got = CALL(NR_read, 0, line + n, size - n);

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

	lab(LAB_CMDLINE, (unsigned long)line, sizeof(line));
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
