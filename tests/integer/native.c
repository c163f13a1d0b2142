/* Machine code around the instruction, in memory below 4 GiB:
 *   64-bit  registers and flags from *s, the instruction, registers back to *s
 *   compat  the same behind a far return to the user's 32-bit code segment,
 *           and back by a far jump; its data is reached through SS */
#define _GNU_SOURCE
#include "integer/native.h"

#if defined(__x86_64__) && defined(__linux__)
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define BUFFER     0x3000u
#define STATE_AT   0x1000u /* struct native_state, then the saved RSP */
#define STACK_AT   0x2ff0u
#define USER_CS32  0x23
#define USER_CS64  0x33

struct native {
	uint8_t *buffer;
	uint8_t *insn;  /* where the instruction goes */
	unsigned space; /* bytes there, filled up with NOPs */
	void (*run)(struct native_state *s);
};

struct writer {
	uint8_t *at;
};

static void put(struct writer *w, const void *bytes, size_t size)
{
	memcpy(w->at, bytes, size);
	w->at += size;
}
#define PUT(w, ...) put((w), (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))
static void put32(struct writer *w, uint32_t v) { put(w, &v, 4); }

#define INSN_SPACE 15

static void reserve(struct native *n, struct writer *w)
{
	n->insn = w->at;
	n->space = INSN_SPACE;
	memset(w->at, 0x90, INSN_SPACE);
	w->at += INSN_SPACE;
}

static void write_64(struct native *n, struct writer *w)
{
	PUT(w, 0x53, 0x48, 0x8b, 0x07, 0x48, 0x8b, 0x4f, 0x08);       /* push rbx; rax, rcx */
	PUT(w, 0x48, 0x8b, 0x57, 0x10, 0x48, 0x8b, 0x5f, 0x18);       /* rdx, rbx */
	PUT(w, 0xff, 0x77, 0x20, 0x9d);                               /* push [rdi+20h]; popf */
	reserve(n, w);
	PUT(w, 0x9c, 0x8f, 0x47, 0x20, 0x48, 0x89, 0x07, 0x48, 0x89, 0x4f, 0x08);
	PUT(w, 0x48, 0x89, 0x57, 0x10, 0x48, 0x89, 0x5f, 0x18, 0x5b, 0xc3);
}

static void write_compat(struct native *n, struct writer *w)
{
	uint32_t base = (uint32_t)(uintptr_t)n->buffer;
	uint8_t *target32, *patch32;

	PUT(w, 0x53, 0x48, 0x89, 0x67, 0x28);                         /* push rbx; [rdi+28h] = rsp */
	PUT(w, 0xbc), put32(w, base + STACK_AT);                      /* mov esp, stack */
	PUT(w, 0x6a, USER_CS32, 0x68), patch32 = w->at, put32(w, 0);  /* push cs; push target */
	PUT(w, 0x48, 0xcb);                                           /* retfq */
	target32 = w->at;
	PUT(w, 0x36, 0x8b, 0x07, 0x36, 0x8b, 0x4f, 0x08);             /* eax, ecx */
	PUT(w, 0x36, 0x8b, 0x57, 0x10, 0x36, 0x8b, 0x5f, 0x18);       /* edx, ebx */
	PUT(w, 0x36, 0xff, 0x77, 0x20, 0x9d);                         /* push [edi+20h]; popf */
	reserve(n, w);
	PUT(w, 0x9c, 0x36, 0x8f, 0x47, 0x20, 0x36, 0x89, 0x07, 0x36, 0x89, 0x4f, 0x08);
	PUT(w, 0x36, 0x89, 0x57, 0x10, 0x36, 0x89, 0x5f, 0x18);
	PUT(w, 0xea), put32(w, (uint32_t)(uintptr_t)w->at + 6), PUT(w, USER_CS64, 0); /* jmp far */
	PUT(w, 0x48, 0x8b, 0x67, 0x28, 0x5b, 0xc3);                   /* rsp = [rdi+28h]; pop rbx; ret */
	uint32_t target = (uint32_t)(uintptr_t)target32;
	memcpy(patch32, &target, 4);
}

static sigjmp_buf refused;

static void on_refused(int number)
{
	(void)number;
	siglongjmp(refused, 1);
}

/* Does a first try (of NOPs) come back? */
static bool works(struct native *n)
{
	static uint8_t signal_stack[65536];
	stack_t stack = {.ss_sp = signal_stack, .ss_size = sizeof(signal_stack)}, old_stack;
	struct sigaction action = {.sa_handler = on_refused, .sa_flags = SA_ONSTACK}, old[3];
	static const int numbers[3] = {SIGSEGV, SIGILL, SIGBUS};
	struct native_state s = {.rax = 1, .rcx = 2, .rdx = 3, .rbx = 4, .flags = 2};
	volatile bool ok = false;

	sigaltstack(&stack, &old_stack);
	for (unsigned i = 0; i < 3; i++)
		sigaction(numbers[i], &action, &old[i]);
	if (sigsetjmp(refused, 1) == 0) {
		native_run(n, (const uint8_t[]){0x90}, 1, &s);
		ok = s.rax == 1 && s.rcx == 2 && s.rdx == 3 && s.rbx == 4;
	}
	for (unsigned i = 0; i < 3; i++)
		sigaction(numbers[i], &old[i], NULL);
	sigaltstack(&old_stack, NULL);
	return ok;
}

struct native *native_new(bool compat)
{
	struct native *n = calloc(1, sizeof(*n));
	struct writer w;

	if (n == NULL)
		return NULL;
	n->buffer = mmap(NULL, BUFFER, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT,
			 -1, 0);
	if (n->buffer == MAP_FAILED) {
		free(n);
		return NULL;
	}
	w.at = n->buffer;
	memcpy(&n->run, &(void *){n->buffer}, sizeof(n->run));
	if (compat)
		write_compat(n, &w);
	else
		write_64(n, &w);
	if (works(n))
		return n;
	native_free(n);
	return NULL;
}

void native_free(struct native *n)
{
	if (n == NULL)
		return;
	munmap(n->buffer, BUFFER);
	free(n);
}

void native_run(struct native *n, const uint8_t *insn, unsigned length, struct native_state *s)
{
	struct native_state *inner = (struct native_state *)(n->buffer + STATE_AT);

	memset(n->insn, 0x90, n->space);
	memcpy(n->insn, insn, length);
	*inner = *s;
	n->run(inner);
	*s = *inner;
}

#else
struct native *native_new(bool compat) { return NULL; }
void native_free(struct native *n) {}
void native_run(struct native *n, const uint8_t *insn, unsigned length, struct native_state *s) {}
#endif
