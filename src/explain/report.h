/* What a path through the kernel has to tell, part by part: each adds its facts to x->facts.root. */
#ifndef TRAPGATE_EXPLAIN_REPORT_H
#define TRAPGATE_EXPLAIN_REPORT_H

#include "explain/path.h"

/* From where, through which gate or MSR, onto which stack. */
void report_entry(struct explain *x, const struct path *path);
/* The words of pt_regs, each with who wrote it: the processor, or which instruction. */
void report_words(struct explain *x, const struct path *path);
/* SWAPGS and moves to CR3, each with what was there before; nothing if there was none. */
void report_gs(struct explain *x, const struct path *path);
/* A system call of 64-bit code by SYSCALL. */
bool path_wide_call(const struct path *path);
/* Arguments: the registers at the entry and what pt_regs hold. */
void report_arguments(struct explain *x, const struct path *path);
/* Is it traced?  Is the number bad?  Slot, handler, result. */
void report_decisions(struct explain *x, const struct path *path);
void report_result(struct explain *x, const struct path *path);
/* Flag words tested on the way out, and the branch each test led to. */
void report_work(struct explain *x, const struct path *path);
/* The labels of the entry code in their order. */
void report_way(struct explain *x, const struct path *path);
/* Calls of functions that play a part; interrupts in between; task switches; bits of flag words set. */
void report_calls(struct explain *x, const struct path *path);
void report_between(struct explain *x, const struct path *path);
void report_switches(struct explain *x, const struct path *path);
void report_bits(struct explain *x, const struct path *path);
/* The instruction that ended it, what it loaded and from where. */
void report_return(struct explain *x, const struct path *path);
/* Was the kernel stack empty before: do pt_regs end at its top? */
void report_empty_stack(struct explain *x, const struct path *path);

/* What wrote the result over the saved eax; NULL: nothing. */
const struct write *path_result_write(const struct path *path);
/* Was the entry hook of system-call tracing called? */
bool path_traced(const struct path *path);

/* "INT 80", "SYSENTER", "IRQ 20", "#PF": what entered. */
void entry_text(char *text, size_t size, const struct seen *entry);
/* The name of an error that a system call returns, "ENOSYS"; NULL: none. */
const char *errno_name(uint64_t result);

#endif
