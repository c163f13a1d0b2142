/* Into 32-bit compatibility mode and back; into 64-bit code.  Absolute addresses: native_enter.h. */
#include "testcase/native_enter.h"

#if defined(__x86_64__) && defined(__linux__)
	.intel_syntax noprefix
	.text
	.code64
	/* void native_enter(void): comes back through native_leave. */
	.globl native_enter
native_enter:
	push rbx
	push rbp
	push r12
	push r13
	push r14
	push r15
	mov [HOST_SAVED_RSP], rsp
	ljmp [HOST_ENTRY]

	/* void native_leave(void), called in the signal handler. */
	.globl native_leave
native_leave:
	mov rsp, [HOST_SAVED_RSP]
	pop r15
	pop r14
	pop r13
	pop r12
	pop rbp
	pop rbx
	ret

	/* void native_enter64(void): for ever. */
	.globl native_enter64
native_enter64:
	frstor [HOST_FSAVE]
	ldmxcsr [HOST_MXCSR]
	cmp dword ptr [HOST_USE_AVX], 0
	jne 1f
	movups xmm0, [HOST_YMM + 0]
	movups xmm1, [HOST_YMM + 32]
	movups xmm2, [HOST_YMM + 64]
	movups xmm3, [HOST_YMM + 96]
	movups xmm4, [HOST_YMM + 128]
	movups xmm5, [HOST_YMM + 160]
	movups xmm6, [HOST_YMM + 192]
	movups xmm7, [HOST_YMM + 224]
	movups xmm8, [HOST_YMM + 256]
	movups xmm9, [HOST_YMM + 288]
	movups xmm10, [HOST_YMM + 320]
	movups xmm11, [HOST_YMM + 352]
	movups xmm12, [HOST_YMM + 384]
	movups xmm13, [HOST_YMM + 416]
	movups xmm14, [HOST_YMM + 448]
	movups xmm15, [HOST_YMM + 480]
	jmp 2f
1:
	vmovups ymm0, [HOST_YMM + 0]
	vmovups ymm1, [HOST_YMM + 32]
	vmovups ymm2, [HOST_YMM + 64]
	vmovups ymm3, [HOST_YMM + 96]
	vmovups ymm4, [HOST_YMM + 128]
	vmovups ymm5, [HOST_YMM + 160]
	vmovups ymm6, [HOST_YMM + 192]
	vmovups ymm7, [HOST_YMM + 224]
	vmovups ymm8, [HOST_YMM + 256]
	vmovups ymm9, [HOST_YMM + 288]
	vmovups ymm10, [HOST_YMM + 320]
	vmovups ymm11, [HOST_YMM + 352]
	vmovups ymm12, [HOST_YMM + 384]
	vmovups ymm13, [HOST_YMM + 416]
	vmovups ymm14, [HOST_YMM + 448]
	vmovups ymm15, [HOST_YMM + 480]
2:
	/* The general registers and flags; tests/native comes here with all else loaded. */
	.globl native_enter64_registers
native_enter64_registers:
	mov ds, [HOST_DS64]
	mov es, [HOST_ES64]
	push [HOST_FLAGS64]
	popfq
	mov rax, [HOST_STATE64 + 0]
	mov rcx, [HOST_STATE64 + 8]
	mov rdx, [HOST_STATE64 + 16]
	mov rbx, [HOST_STATE64 + 24]
	mov rsp, [HOST_STATE64 + 32]
	mov rbp, [HOST_STATE64 + 40]
	mov rsi, [HOST_STATE64 + 48]
	mov rdi, [HOST_STATE64 + 56]
	mov r8, [HOST_STATE64 + 64]
	mov r9, [HOST_STATE64 + 72]
	mov r10, [HOST_STATE64 + 80]
	mov r11, [HOST_STATE64 + 88]
	mov r12, [HOST_STATE64 + 96]
	mov r13, [HOST_STATE64 + 104]
	mov r14, [HOST_STATE64 + 112]
	mov r15, [HOST_STATE64 + 120]
	jmp qword ptr ds:[HOST_RIP64]

	/* The signal handler: AC and NT may still be the guest's. */
	.globl native_on_signal
native_on_signal:
	pushfq
	and dword ptr [rsp], ~0x44000
	popfq
	jmp native_record

	/* Copied to HOST_STUB. */
	.section .rodata
	.code32
	.globl native_stub
native_stub:
	mov eax, 0x2b
	mov ss, eax
	mov esp, HOST_STACK
	mov ds, eax
	mov es, eax
	cmp dword ptr [HOST_USE_X87], 0
	je 1f
	frstor [HOST_FSAVE]
1:	mov eax, [HOST_USE_VEC]
	test eax, eax
	je 2f
	xor edx, edx
	xrstor [HOST_XSAVE]
2:	push dword ptr [HOST_EFLAGS]
	popfd
	mov es, cs:[HOST_ES]
	mov gs, cs:[HOST_GS]
	mov eax, cs:[HOST_GPR]
	mov ecx, cs:[HOST_GPR + 4]
	mov edx, cs:[HOST_GPR + 8]
	mov ebx, cs:[HOST_GPR + 12]
	mov ebp, cs:[HOST_GPR + 20]
	mov esi, cs:[HOST_GPR + 24]
	mov edi, cs:[HOST_GPR + 28]
	mov ds, cs:[HOST_DS]
	lss esp, cs:[HOST_SS_ESP]
	ljmp cs:[HOST_CS_EIP]
	.globl native_stub_end
native_stub_end:
	.code64
#endif
	.section .note.GNU-stack, "", @progbits
