/* What every part of the library shares: errors, versions, the rules.
 *
 * - Handles are opaque.  A function that makes one says who frees it.
 * - Functions that can fail return an enum tg_error, and nothing has changed then unless they say so.
 *   tg_machine_detail() has a sentence on the last one of a machine.  Nothing aborts, and nothing is printed.
 * - Structs that may grow begin with their size, which the caller sets to sizeof.  A program built with an older
 *   header works with a newer library.  Structs handed to hooks have the library's size: read a field that came later
 *   than the first version only if it lies inside.  struct tg_segment, tg_table, tg_gate and tg_fp80 never change.
 * - There is no global state.  Different machines may be used by different threads at the same time; one machine
 *   by one thread at a time.  tg_interrupt() alone may be called from another thread or a signal handler.
 * - Times are ticks: one for each retired instruction, each iteration of a REP and each delivery that is no
 *   instruction of its own; 10^9 of them are a virtual second. */
#ifndef TRAPGATE_BASE_H
#define TRAPGATE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TG_API __attribute__((visibility("default")))

#ifdef __cplusplus
extern "C" {
#endif

#define TG_VERSION "0.1.0"

struct tg_machine;
struct tg_cpu;
struct tg_snapshot;

enum tg_error {
	TG_OK,
	TG_ERROR_ARGUMENT,  /* a null pointer, or a number out of its range */
	TG_ERROR_VERSION,   /* a struct's size fits no version of it, or it asks for what this library does not know */
	TG_ERROR_MEMORY,    /* the host is out of memory */
	TG_ERROR_BUSY,      /* not while the machine runs: see the function */
	TG_ERROR_BOARD,     /* a machine with this board has no such thing */
	TG_ERROR_NOT_BUILT, /* the architecture has it, Trapgate has not */
	TG_ERROR_OVERLAP,   /* something is mapped there already */
	TG_ERROR_UNMAPPED,  /* there is no memory at that address */
	TG_ERROR_VALUE,     /* no processor of this model can hold that value, or be in that state */
	TG_ERROR_REGISTER,  /* there is no such register, or not on this model */
	TG_ERROR_FILE,      /* a file cannot be read, or is no image of that kind */
	TG_ERROR_NOT_FOUND, /* nothing of that name or number */
	TG_ERROR_SMALL,     /* the buffer is too small: the text in it is cut off */
	TG_ERROR_COUNT
};

/* A sentence for an error.
 *   Returns a constant; "no such error" for a number that is none. */
TG_API const char *tg_error_text(enum tg_error error);

/* The version of the library that runs, like TG_VERSION, which is that of the header. */
TG_API const char *tg_version(void);

#ifdef __cplusplus
}
#endif

#endif
