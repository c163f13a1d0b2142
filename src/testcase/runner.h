/* Jobs of a test run: rows of test files and files of captured vectors, in parallel. */
#ifndef TRAPGATE_TESTCASE_RUNNER_H
#define TRAPGATE_TESTCASE_RUNNER_H

#include "testcase/compare.h"
#include "testcase/exclusions.h"
#include "testcase/suite.h"

#include <pthread.h>
#include <stdio.h>

struct settings {
	unsigned jobs; /* threads; 0: one a processor */
	uint64_t seed;
	unsigned shard, shards; /* from 1; shards 0: all */
	const char *filter, *cpu, *junit;
	bool list, tap, bless, explain, verbose, coverage, host, qemu;
	const char *cache;
	const char *qemu_report; /* file for docs; NULL: none */
};

enum status { STATUS_PASSED, STATUS_FAILED, STATUS_BAD, STATUS_SKIPPED };

/* A change of the file that --bless would make. */
struct change {
	struct difference difference;
	const struct row *row;
	const struct node *expect; /* the expectation that applied */
};

struct result {
	enum status status;
	unsigned passed, failed, left_out; /* of a file of vectors; a row: 1 of one of them */
	const char *text;                  /* what is wrong, lines; NULL: nothing */
	const char *authorities;           /* who agrees: --host, --qemu */
	bool differs;                      /* one of them does not */
	const char *qemu_differs;          /* in what QEMU does not; NULL: it does, or was not asked */
	double seconds;
	struct arena arena;
	unsigned changes;
	struct change *change;
};

struct job {
	const struct suite *suite; /* a row of it ... */
	const struct row *row;
	const char *vectors; /* ... or a file of vectors */
	unsigned number;     /* in the whole run, from 0 */
	struct result result;
	bool done;
};

/* Reasons that passing cases expected and opcode rows that they ran: --coverage. */
struct coverage {
	bool *row;
	bool why[WHY_COUNT];
};

/* What another authority says of the cases. */
struct tally {
	unsigned agree, differ, left_out;
	unsigned known; /* differ only in what is known of that authority */
};

struct run {
	struct settings settings;
	struct tally host, qemu;
	struct suite *suite;
	unsigned suites;
	struct job *job;
	unsigned jobs;
	struct coverage coverage;
	unsigned bad_files;
	unsigned exclusions_met[EXCLUSIONS]; /* vectors */
	struct qemu *qemus;                  /* waiting for a case */
	pthread_mutex_t qemus_lock;
};

/* Runs every job; tell is called for each in order, from one thread at a time, as soon as those before it are
 * done. */
void run_jobs(struct run *run, void (*tell)(void *owner, struct job *job), void *owner);

/* "file:line:column: text" lines. */
const char *problems_text(struct arena *arena, const struct problems *problems);

/* One case. */
void run_row(struct run *run, struct job *job);
/* A file of vectors: vectors.c, sst.c. */
bool is_vectors(const char *path);
void run_vectors(struct run *run, struct job *job);
/* What was left out of 80286 vectors, and why. */
void report_exclusions(const struct run *run);

/* host.c, qemu.c: the case, which passes, on this computer's processor, in QEMU.  The result gets a line.
 * as_it_is: the case's scene, not laid out for the host. */
void ask_host(struct run *run, struct job *job, const struct scene *as_it_is);
void ask_qemu(struct run *run, struct job *job);
/* Notes what an authority said; what: in what it differs, or why it was not asked. */
enum answer { ANSWER_AGREES, ANSWER_KNOWN, ANSWER_DIFFERS, ANSWER_NOT_ASKED };
void note_authority(struct job *job, struct tally *tally, const char *who, enum answer answer, const char *what);

/* report.c */
void report_head(struct run *run);
void report_job(void *run, struct job *job);
/* The summary; the exit status. */
int report_tail(struct run *run, double seconds);
bool report_junit(struct run *run);

/* peers.c: the list of the cases that QEMU does not agree with, as a page of docs/.  False: it cannot be written. */
bool report_peers(struct run *run);

/* bless.c: writes what was found into the files.  False: something could not be. */
bool bless(struct run *run);

#endif
