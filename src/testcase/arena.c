#include "testcase/arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES (64u << 10)

struct arena_block {
	struct arena_block *next;
	size_t used, size;
	_Alignas(16) char bytes[];
};

static struct arena_block *new_block(struct arena *arena, size_t size)
{
	struct arena_block *b = calloc(1, sizeof(*b) + size);

	if (!b) {
		fputs("trapgate: out of memory\n", stderr);
		exit(2);
	}
	b->size = size;
	b->next = arena->blocks;
	arena->blocks = b;
	return b;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	struct arena_block *b = arena->blocks;

	size = (size + 15) & ~(size_t)15;
	if (!b || b->size - b->used < size)
		b = new_block(arena, size > BLOCK_BYTES ? size : BLOCK_BYTES);
	b->used += size;
	return b->bytes + b->used - size;
}

char *arena_copy(struct arena *arena, const char *text, size_t n)
{
	char *copy = arena_alloc(arena, n + 1);

	memcpy(copy, text, n);
	return copy;
}

char *arena_copy_alone(struct arena *arena, const char *text)
{
	size_t size = strlen(text) + 1;
	struct arena_block *b = new_block(arena, size);

	b->used = size;
	memcpy(b->bytes, text, size);
	return b->bytes;
}

char *arena_vprint(struct arena *arena, const char *format, va_list arguments)
{
	va_list again;

	va_copy(again, arguments);
	int n = vsnprintf(NULL, 0, format, again);
	va_end(again);
	char *text = arena_alloc(arena, (size_t)(n < 0 ? 0 : n) + 1);
	vsnprintf(text, (size_t)(n < 0 ? 0 : n) + 1, format, arguments);
	return text;
}

char *arena_print(struct arena *arena, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	char *text = arena_vprint(arena, format, arguments);
	va_end(arguments);
	return text;
}

void *arena_more(struct arena *arena, void *array, size_t count, size_t size)
{
	void *bigger;

	if (count & (count - 1))
		return array;
	bigger = arena_alloc(arena, (count ? count * 2 : 1) * size);
	if (count)
		memcpy(bigger, array, count * size);
	return bigger;
}

void arena_free(struct arena *arena)
{
	while (arena->blocks) {
		struct arena_block *b = arena->blocks;
		arena->blocks = b->next;
		free(b);
	}
}
