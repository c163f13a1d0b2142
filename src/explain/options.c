#include "explain/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct option {
	const char *name, *value, *help;
	unsigned takes; /* TAKES_ bit of the views that have it; 0: all */
	bool (*take)(struct explain_options *o, const char *option, const char *value, struct diagnostic *why);
};

bool explain_number(const char *text, uint64_t *value)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	*value = strtoull(text, &end, hex ? 16 : 10);
	return errno == 0 && *end == '\0';
}

static bool bad(const char *option, const char *value, const char *wanted, struct diagnostic *why)
{
	return diagnose(why, "%s %s: %s", option, value, wanted);
}

static bool upto(const char *option, const char *value, uint64_t most, uint64_t *n, struct diagnostic *why)
{
	if (explain_number(value, n) && *n <= most)
		return true;
	return diagnose(why, "%s %s: a number up to %llu is wanted", option, value, (unsigned long long)most);
}

static bool take_json(struct explain_options *o, const char *option, const char *value, struct diagnostic *why)
{
	o->json = true;
	return true;
}

static bool take_help(struct explain_options *o, const char *option, const char *value, struct diagnostic *why)
{
	o->help = true;
	return true;
}

static bool take_colour(struct explain_options *o, const char *option, const char *value, struct diagnostic *why)
{
	static const char *const names[] = {"auto", "always", "never"};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(value, names[i]) == 0) {
			o->colour = (enum colour)i;
			return true;
		}
	return bad(option, value, "auto, always or never is wanted", why);
}

static bool take_guest(struct explain_options *o, const char *option, const char *value, struct diagnostic *why)
{
	o->guest = value;
	return true;
}

static bool take_symbols(struct explain_options *o, const char *option, const char *value, struct diagnostic *why)
{
	o->symbols = value;
	return true;
}

static bool take_only(struct explain_options *o, const char *option, const char *value, struct diagnostic *why)
{
	o->only = value;
	return true;
}

static bool take_at(struct explain_options *o, const char *option, const char *value, struct diagnostic *why)
{
	o->has_at = true;
	return upto(option, value, INT64_MAX, &o->at, why);
}

static bool take_end(struct explain_options *o, const char *option, const char *value, struct diagnostic *why)
{
	o->end = true;
	return true;
}

static bool take_after(struct explain_options *o, const char *option, const char *value, struct diagnostic *why)
{
	return upto(option, value, INT64_MAX, &o->after, why);
}

static bool take_nth(struct explain_options *o, const char *option, const char *value, struct diagnostic *why)
{
	return upto(option, value, INT64_MAX, &o->nth, why) &&
	       (o->nth != 0 || bad(option, value, "counting begins at 1", why));
}

static bool take_count(struct explain_options *o, const char *option, const char *value, struct diagnostic *why)
{
	return upto(option, value, 100000, &o->count, why) &&
	       (o->count != 0 || bad(option, value, "at least 1 is wanted", why));
}

static bool take_vector(struct explain_options *o, const char *option, const char *value, struct diagnostic *why)
{
	uint64_t n;

	if (!upto(option, value, 255, &n, why))
		return false;
	o->has_vector = true;
	o->vector = (uint8_t)n;
	return true;
}

static bool take_kind(struct explain_options *o, const char *option, const char *value, struct diagnostic *why)
{
	for (unsigned i = 0; i < EV_KINDS; i++)
		if (strcmp(value, event_kind_name((enum event_kind)i)) == 0) {
			o->has_kind = true;
			o->kind = (enum event_kind)i;
			return true;
		}
	return bad(option, value, "fault, trap, abort, soft-int, int1, int3, into, irq or nmi is wanted", why);
}

static bool take_from(struct explain_options *o, const char *option, const char *value, struct diagnostic *why)
{
	o->from_user = strcmp(value, "user") == 0;
	o->from_kernel = strcmp(value, "kernel") == 0;
	return o->from_user || o->from_kernel || bad(option, value, "user or kernel is wanted", why);
}

static bool take_refused(struct explain_options *o, const char *option, const char *value, struct diagnostic *why)
{
	o->refused = true;
	return true;
}

static bool take_error(struct explain_options *o, const char *option, const char *value, struct diagnostic *why)
{
	uint64_t n;

	if (!upto(option, value, UINT32_MAX, &n, why))
		return false;
	o->has_error = true;
	o->error = (uint32_t)n;
	return true;
}

static bool take_nr(struct explain_options *o, const char *option, const char *value, struct diagnostic *why)
{
	o->has_nr = true;
	return upto(option, value, UINT32_MAX, &o->nr, why);
}

static bool take_bad(struct explain_options *o, const char *option, const char *value, struct diagnostic *why)
{
	o->bad = true;
	return true;
}

static bool take_traced(struct explain_options *o, const char *option, const char *value, struct diagnostic *why)
{
	o->traced = true;
	return true;
}

static bool take_result(struct explain_options *o, const char *option, const char *value, struct diagnostic *why)
{
	uint64_t n;
	bool minus = value[0] == '-';

	if (!explain_number(value + minus, &n) || n > UINT32_MAX)
		return bad(option, value, "a return value like 0 or -14 is wanted", why);
	o->has_result = true;
	o->result = minus ? -(int64_t)n : (int64_t)n;
	return true;
}

static bool take_entry(struct explain_options *o, const char *option, const char *value, struct diagnostic *why)
{
	o->entry = strcmp(value, "int") == 0        ? BY_INT
		   : strcmp(value, "sysenter") == 0 ? BY_SYSENTER
		   : strcmp(value, "syscall") == 0  ? BY_SYSCALL
						    : BY_ANY;
	return o->entry != BY_ANY || bad(option, value, "int, sysenter or syscall is wanted", why);
}

static bool take_symbol(struct explain_options *o, const char *option, const char *value, struct diagnostic *why)
{
	o->symbol = value;
	return true;
}

static bool take_task(struct explain_options *o, const char *option, const char *value, struct diagnostic *why)
{
	o->task = value;
	return true;
}

/* nmi or a vector, each with @TICK if it is not to be raised at the view's own moment. */
static bool take_raise(struct explain_options *o, const char *option, const char *value, struct diagnostic *why)
{
	const char *at = strchr(value, '@');
	char what[16];
	uint64_t n;

	snprintf(what, sizeof(what), "%.*s", (int)(at ? at - value : (long)strlen(value)), value);
	o->raise = strcmp(what, "nmi") == 0 ? RAISE_NMI : RAISE_VECTOR;
	if (o->raise == RAISE_VECTOR && (!explain_number(what, &n) || n > 255))
		return bad(option, value, "nmi or a vector, then @TICK if you like, is wanted", why);
	if (o->raise == RAISE_VECTOR)
		o->raise_vector = (uint8_t)n;
	o->raise_at_set = at != NULL;
	return !at || upto(option, at + 1, INT64_MAX, &o->raise_at, why);
}

static bool take_idle(struct explain_options *o, const char *option, const char *value, struct diagnostic *why)
{
	o->idle = true;
	return true;
}

static bool take_user(struct explain_options *o, const char *option, const char *value, struct diagnostic *why)
{
	o->user = true;
	return true;
}

static bool take_ring(struct explain_options *o, const char *option, const char *value, struct diagnostic *why)
{
	uint64_t n;

	if (!upto(option, value, 3, &n, why))
		return false;
	o->has_ring = true;
	o->ring = (uint8_t)n;
	return true;
}

static bool take_tf(struct explain_options *o, const char *option, const char *value, struct diagnostic *why)
{
	o->tf = true;
	return true;
}

static bool take_resched(struct explain_options *o, const char *option, const char *value, struct diagnostic *why)
{
	o->resched = true;
	return true;
}

static bool take_signal(struct explain_options *o, const char *option, const char *value, struct diagnostic *why)
{
	o->signal = true;
	return true;
}

static bool take_softirq(struct explain_options *o, const char *option, const char *value, struct diagnostic *why)
{
	o->softirq = true;
	return true;
}

static bool take_fault(struct explain_options *o, const char *option, const char *value, struct diagnostic *why)
{
	o->fault = true;
	return true;
}

static const struct option table[] = {
	{"--json", NULL, "the same facts as one JSON object", 0, take_json},
	{"--color", "WHEN", "auto (on a terminal), always or never", 0, take_colour},
	{"--guest", "FILE", "guest description, instead of a shipped one", 0, take_guest},
	{"--symbols", "FILE", "symbols: System.map or vmlinux (default: the image's own, else the guest's kallsyms)", 0,
	 take_symbols},
	{"--only", "KEYS", "print only these parts, separated by commas", 0, take_only},
	{"--help", NULL, "what the view shows and which options it has", 0, take_help},
	{"--at", "T", "the moment: tick T (as t= in a trace)", TAKES_AT, take_at},
	{"--end", NULL, "the moment: where the guest ends, or a limit is reached", TAKES_AT, take_end},
	{"--after", "T", "look for the event only from tick T on", TAKES_NTH, take_after},
	{"--nth", "K", "take the K-th one that fits", TAKES_NTH, take_nth},
	{"--count", "N", "so many of them", TAKES_COUNT, take_count},
	{"--vector", "V", "delivery through vector V", TAKES_EVENT, take_vector},
	{"--kind", "KIND", "fault, trap, abort, soft-int, int3, into, irq, nmi", TAKES_EVENT, take_kind},
	{"--from", "WHERE", "it came in ring 3 (user) or not (kernel)", TAKES_EVENT, take_from},
	{"--refused", NULL, "a check refused it", TAKES_EVENT, take_refused},
	{"--error", "CODE", "with this error code", TAKES_EVENT, take_error},
	{"--nr", "N", "system call number N", TAKES_SYSCALL, take_nr},
	{"--entry", "HOW", "entered by int, sysenter or syscall", TAKES_SYSCALL, take_entry},
	{"--bad", NULL, "a system call whose number is bad", TAKES_SYSCALL, take_bad},
	{"--traced", NULL, "a system call of a task that is being traced", TAKES_SYSCALL, take_traced},
	{"--result", "N", "it returns N, like -14 for EFAULT", TAKES_SYSCALL, take_result},
	{"--resched", NULL, "schedule() is called before its return", TAKES_RESCHED, take_resched},
	{"--signal", NULL, "a signal is handled before its return", TAKES_RESCHED, take_signal},
	{"--softirq", NULL, "a softirq is run before its return", TAKES_RESCHED, take_softirq},
	{"--fault", NULL, "a fault happens in the kernel before its return", TAKES_RESCHED, take_fault},
	{"--symbol", "NAME[+N]", "the moment: the instruction at this symbol", TAKES_SYMBOL, take_symbol},
	{"--task", "NAME", "of the task with this name", TAKES_TASK, take_task},
	{"--idle", NULL, "the one that wakes HLT", TAKES_USER, take_idle},
	{"--user", NULL, "the one that interrupts ring 3", TAKES_USER, take_user},
	{"--from-ring", "N", "would software in ring N be allowed to call it?", TAKES_CPL, take_ring},
	{"--raise", "WHAT[@T]", "raise nmi or an external interrupt by its vector, at the moment or at tick T",
	 TAKES_RAISE, take_raise},
	{"--tf", NULL, "set TF in ring 3 right before the entry", TAKES_STEP, take_tf},
};
#define OPTIONS (sizeof(table) / sizeof(table[0]))

static const struct option *find(const char *text, size_t n)
{
	for (size_t i = 0; i < OPTIONS; i++)
		if (strlen(table[i].name) == n && strncmp(table[i].name, text, n) == 0)
			return &table[i];
	return NULL;
}

/* One option and its value.  Returns how many arguments it took; 0: not one of the view's; -1: *why. */
static int take(struct explain_options *o, const char *view, unsigned takes, int count, char *const *arguments,
		struct diagnostic *why)
{
	const char *text = arguments[0], *equals = strchr(text, '='), *value = NULL;
	const struct option *option = find(text, equals ? (size_t)(equals - text) : strlen(text));
	int taken = 1;

	if (!option)
		return 0;
	if (option->takes && !(option->takes & takes)) {
		diagnose(why, "%s: \"%s\" has no such option; see explain %s --help", text, view, view);
		return -1;
	}
	if (option->value) {
		value = equals ? equals + 1 : count > 1 ? arguments[1] : NULL;
		taken = equals ? 1 : 2;
	}
	if (option->value ? !value || !*value : equals != NULL) {
		if (option->value)
			diagnose(why, "%s: %s is missing behind it", text, option->value);
		else
			diagnose(why, "%s: this option takes no value", text);
		return -1;
	}
	return option->take(o, option->name, value, why) ? taken : -1;
}

bool explain_options_parse(struct explain_options *o, const char *view, unsigned takes, bool argument, int count,
			   char *const *arguments, int *taken, struct diagnostic *why)
{
	*o = (struct explain_options){.nth = 1, .count = 1};
	*taken = 0;
	while (*taken < count) {
		const char *text = arguments[*taken];
		int n;

		if (text[0] != '-' && argument && !o->argument) {
			o->argument = text;
			n = 1;
		} else {
			n = take(o, view, takes, count - *taken, arguments + *taken, why);
		}
		if (n < 0)
			return false;
		if (n == 0)
			break;
		*taken += n;
	}
	return !(o->has_at && o->end) || diagnose(why, "--at and --end: one moment is wanted");
}

void explain_options_print(unsigned takes, FILE *file)
{
	for (size_t i = 0; i < OPTIONS; i++) {
		const struct option *o = &table[i];
		int width;

		if (o->takes && !(o->takes & takes))
			continue;
		width = fprintf(file, "  %s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "");
		fprintf(file, "%*s%s\n", width < 22 ? 22 - width : 1, "", o->help);
	}
}
