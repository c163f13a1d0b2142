#include "trace/out.h"

void out_char(struct out *out, char c)
{
	if (out->n < OUT_SIZE)
		out->text[out->n++] = c;
}

void out_text(struct out *out, const char *text)
{
	while (*text)
		out_char(out, *text++);
}

static void digits(struct out *out, uint64_t v, unsigned base, unsigned least, unsigned group)
{
	char buffer[32];
	unsigned n = 0, written = 0;

	do {
		if (group && written && written % group == 0)
			buffer[n++] = ',';
		buffer[n++] = "0123456789abcdef"[v % base];
		written++;
		v /= base;
	} while (v || written < least);
	while (n)
		out_char(out, buffer[--n]);
}

void out_dec(struct out *out, uint64_t v)
{
	digits(out, v, 10, 1, 0);
}

void out_grouped(struct out *out, uint64_t v)
{
	digits(out, v, 10, 1, 3);
}

void out_hex(struct out *out, uint64_t v, unsigned least)
{
	digits(out, v, 16, least <= 16 ? least : 16, 0);
}

void out_address(struct out *out, uint64_t v)
{
	out_hex(out, v, v >> 32 ? 16 : 8);
}

void out_column(struct out *out, unsigned column)
{
	size_t start = out->n;

	while (start && out->text[start - 1] != '\n')
		start--;
	do
		out_char(out, ' ');
	while (out->n < OUT_SIZE && out->n - start < column);
}
