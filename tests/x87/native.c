#define _GNU_SOURCE
#include "x87/native.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct native {
	uint8_t *code;
};

#define CODE_SIZE 4096

struct native *native_new(void)
{
#if defined(__x86_64__)
	struct native *n = malloc(sizeof *n);

	if (n == NULL)
		return NULL;
	n->code = mmap(NULL, CODE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (n->code != MAP_FAILED)
		return n;
	free(n);
#endif
	return NULL;
}

void native_free(struct native *n)
{
	if (n == NULL)
		return;
	munmap(n->code, CODE_SIZE);
	free(n);
}

void native_run(struct native *n, const uint8_t *insn, size_t size, void *memory, const struct fsave *before,
		struct fsave *after, uint64_t *eflags, uint16_t *ax)
{
	/* void (before, memory, after, eflags) in RDI RSI RDX RCX */
	static const uint8_t head[] = {
		0xff, 0x31, /* push [rcx] */
		0x9d,       /* popfq */
		0xdd, 0x27, /* frstor [rdi] */
	};
	static const uint8_t tail[] = {
		0xdd, 0x32,             /* fnsave [rdx] */
		0x9c,                   /* pushfq */
		0x8f, 0x01,             /* pop [rcx] */
		0x66, 0x89, 0x41, 0x08, /* mov [rcx + 8], ax */
		0xc3,                   /* ret */
	};
	struct {
		uint64_t eflags;
		uint64_t ax;
	} io = {*eflags, 0};
	uint8_t *p = n->code;
	void (*call)(const void *, void *, void *, void *);

	memcpy(p, head, sizeof head);
	memcpy(p + sizeof head, insn, size);
	memcpy(p + sizeof head + size, tail, sizeof tail);
	memcpy(&call, &p, sizeof call);
	call(before, memory, after, &io);
	*eflags = io.eflags;
	*ax = (uint16_t)io.ax;
}
