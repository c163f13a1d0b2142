/* The options of `trapgate explain VIEW`, which stand before those of the machine. */
#ifndef TRAPGATE_EXPLAIN_OPTIONS_H
#define TRAPGATE_EXPLAIN_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "guest/image.h"
#include "trace/record.h"

/* Who takes an option, beyond --json, --color, --guest, --symbols, --only, which all views take. */
#define TAKES_AT      0x001u /* --at T, --end: a moment by time */
#define TAKES_EVENT   0x002u /* --vector, --kind, --from, --refused, --error: an event */
#define TAKES_SYSCALL 0x004u /* --nr, --bad, --traced, --result, --entry: a system call */
#define TAKES_NTH     0x008u /* --nth, --after */
#define TAKES_SYMBOL  0x010u /* --symbol */
#define TAKES_TASK    0x020u /* --task */
#define TAKES_RAISE   0x040u /* --raise */
#define TAKES_COUNT   0x080u /* --count */
#define TAKES_USER    0x100u /* --idle, --user */
#define TAKES_CPL     0x200u /* --from-ring */
#define TAKES_STEP    0x400u /* --tf */
#define TAKES_RESCHED 0x800u /* --resched, --signal, --softirq, --fault */

enum entered_by { BY_ANY, BY_INT, BY_SYSENTER, BY_SYSCALL };
enum raised { RAISE_NOTHING, RAISE_NMI, RAISE_VECTOR };
enum colour { COLOUR_AUTO, COLOUR_ALWAYS, COLOUR_NEVER };

struct explain_options {
	bool json, help;
	enum colour colour;
	const char *guest, *symbols, *only; /* NULL: not given */
	const char *argument;               /* behind the view's name; NULL: none */
	bool has_at, end;
	uint64_t at, after, nth, count;
	bool has_vector, has_nr, has_kind, has_error, has_result, has_ring;
	uint8_t vector, ring;
	uint64_t nr;
	enum event_kind kind;
	uint32_t error;
	int64_t result;
	bool from_user, from_kernel, refused, bad, traced, idle, user, tf, resched, signal, softirq, fault;
	enum entered_by entry;
	const char *symbol, *task;
	enum raised raise;
	uint8_t raise_vector;
	bool raise_at_set;
	uint64_t raise_at;
};

/* Takes options from the front of the arguments, and at most one word without a dash, the view's argument.
 * *taken: how many arguments were the view's; the rest are the machine's.  False: *why. */
bool explain_options_parse(struct explain_options *options, const char *view, unsigned takes, bool argument, int count,
			   char *const *arguments, int *taken, struct diagnostic *why) MUST_CHECK;

/* The list of options that a view with these TAKES_ bits has. */
void explain_options_print(unsigned takes, FILE *file);

/* A whole number, decimal or with 0x. */
bool explain_number(const char *text, uint64_t *value);

#endif
