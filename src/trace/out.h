/* A line or a few, put together in memory and written in one call.  Text that
 * does not fit is cut off: records are bounded, OUT_SIZE holds the longest. */
#ifndef TRAPGATE_TRACE_OUT_H
#define TRAPGATE_TRACE_OUT_H

#include <stddef.h>
#include <stdint.h>

#define OUT_SIZE 16384u

struct out {
	size_t n;
	char text[OUT_SIZE];
};

void out_char(struct out *out, char c);
void out_text(struct out *out, const char *text);
void out_dec(struct out *out, uint64_t v);
/* With commas between the thousands. */
void out_grouped(struct out *out, uint64_t v);
/* Lower case, at least so many digits. */
void out_hex(struct out *out, uint64_t v, unsigned digits);
/* A selector, an address, a register: 4 digits, 8 digits, or 16 above 4 GiB. */
void out_address(struct out *out, uint64_t v);
/* Blanks up to this column of the current line (from 0). */
void out_column(struct out *out, unsigned column);

#endif
