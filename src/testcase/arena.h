/* Memory that is freed all at once: what a test file or one of its cases is made of. */
#ifndef TRAPGATE_TESTCASE_ARENA_H
#define TRAPGATE_TESTCASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena_block;
struct arena {
	struct arena_block *blocks;
};

/* Zeroed.  Out of memory ends the program: exit status 2, one line. */
void *arena_alloc(struct arena *arena, size_t size);
/* The first n characters of text. */
char *arena_copy(struct arena *arena, const char *text, size_t n);
/* All of text, in a block of just its size: for the little that stays of something large. */
char *arena_copy_alone(struct arena *arena, const char *text);
char *arena_print(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprint(struct arena *arena, const char *format, va_list arguments) __attribute__((format(printf, 2, 0)));
void arena_free(struct arena *arena);

/* Room for one more in an array of count elements, which grows by doubling. */
void *arena_more(struct arena *arena, void *array, size_t count, size_t size);

#endif
