/* Into 32-bit compatibility mode and back.  Absolute addresses: native_enter.h. */
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
1:	push dword ptr [HOST_EFLAGS]
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
