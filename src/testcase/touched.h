/* Memory of which a case touches little: pages nobody has touched hold zeros, and are not looked at. */
#ifndef TRAPGATE_TESTCASE_TOUCHED_H
#define TRAPGATE_TESTCASE_TOUCHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOUCHED_PAGE 0x1000u

/* Zeroed, whole pages, none of them touched; NULL: out of memory.  touched_free() gives it back. */
void *touched_new(size_t size);
void touched_free(void *memory, size_t size);
/* For each of 4 KiB of memory that was mapped anonymously: may it hold anything but zeros?  As many as pages. */
void touched_pages(const void *memory, unsigned pages, bool *touched);
/* The first byte in which the two differ, of size bytes, both mapped anonymously; size: none. */
size_t touched_first_difference(const uint8_t *a, const uint8_t *b, size_t size);

#endif
