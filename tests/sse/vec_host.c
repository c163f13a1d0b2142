#define _GNU_SOURCE /* REG_RIP */
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "sse/vec_host.h"

#if defined(__x86_64__) && defined(__linux__)

/* The instruction, followed by RET. */
static uint8_t *code;
static unsigned code_length;

static void after_trap(int signal, siginfo_t *info, void *context)
{
	ucontext_t *c = context;

	c->uc_mcontext.gregs[REG_RIP] = (greg_t)(code + code_length);
	((struct vec_state *)c->uc_mcontext.gregs[REG_RBX])->trapped = 1;
}

bool vec_host_start(void)
{
	struct sigaction a = {.sa_sigaction = after_trap, .sa_flags = SA_SIGINFO | SA_NODEFER};

	__builtin_cpu_init();
	if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
		return false;
	if (!code)
		code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	sigaction(SIGFPE, &a, NULL);
	return code != MAP_FAILED;
}

void vec_host_load(const uint8_t *bytes, unsigned length)
{
	memcpy(code, bytes, length);
	code[length] = 0xc3;
	code_length = length;
}

void vec_host_run(struct vec_state *s)
{
	static const uint32_t usual = 0x1f80; /* not on the stack, whose pointer moves */

	s->trapped = 0;
	__asm__ volatile("vmovdqa 0(%%rbx), %%ymm0\n\t"
			 "vmovdqa 32(%%rbx), %%ymm1\n\t"
			 "vmovdqa 64(%%rbx), %%ymm2\n\t"
			 "vmovdqa 96(%%rbx), %%ymm3\n\t"
			 "movq 160(%%rbx), %%mm0\n\t"
			 "movq 168(%%rbx), %%mm1\n\t"
			 "lea 128(%%rbx), %%rdx\n\t"
			 "movq 176(%%rbx), %%rcx\n\t"
			 "lea -128(%%rsp), %%rsp\n\t"
			 "ldmxcsr 192(%%rbx)\n\t"
			 "pushq 184(%%rbx)\n\tpopfq\n\t"
			 "call *%%rax\n\t"
			 "pushfq\n\tpopq 184(%%rbx)\n\t"
			 "stmxcsr 192(%%rbx)\n\t"
			 "ldmxcsr %[usual]\n\t"
			 "lea 128(%%rsp), %%rsp\n\t"
			 "vmovdqa %%ymm0, 0(%%rbx)\n\t"
			 "vmovdqa %%ymm1, 32(%%rbx)\n\t"
			 "vmovdqa %%ymm2, 64(%%rbx)\n\t"
			 "vmovdqa %%ymm3, 96(%%rbx)\n\t"
			 "movq %%mm0, 160(%%rbx)\n\t"
			 "movq %%mm1, 168(%%rbx)\n\t"
			 "movq %%rcx, 176(%%rbx)\n\t"
			 "emms\n\tvzeroupper"
			 :
			 : "b"(s), "a"(code), [usual] "m"(usual)
			 : "rcx", "rdx", "cc", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "st", "st(1)", "st(2)",
			   "st(3)", "st(4)", "st(5)", "st(6)", "st(7)");
}

#else

bool vec_host_start(void)
{
	return false;
}

void vec_host_load(const uint8_t *bytes, unsigned length) {}

void vec_host_run(struct vec_state *s) {}

#endif
