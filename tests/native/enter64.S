/* Into 64-bit code, and back by native_leave.  Absolute addresses: native_enter.h. */
#include "testcase/native_enter.h"

	.intel_syntax noprefix
	.text
	.code64
	/* void native_call64(void) */
	.globl native_call64
native_call64:
	push rbx
	push rbp
	push r12
	push r13
	push r14
	push r15
	mov [HOST_SAVED_RSP], rsp
	cmp dword ptr [HOST_USE_X87], 0
	je 1f
	frstor [HOST_FSAVE]
1:	mov eax, [HOST_USE_VEC]
	test eax, eax
	je 2f
	xor edx, edx
	xrstor [HOST_XSAVE]
2:	mov eax, 0x2b
	mov ss, eax
	jmp native_enter64_registers
	.section .note.GNU-stack, "", @progbits
