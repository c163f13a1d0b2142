/* Triggers and handlers of the delivery matrix of IA-32e mode.  They are copied to STUBS and FAR_STUBS, so each is at a
 * fixed offset; nothing refers to an address outside but by its number. */
#include "world.h"

#define CAP_ID     0
#define CAP_ESP    8
#define CAP_EFLAGS 16
#define CAP_CS     24
#define CAP_SS     32
#define CAP_DS     40
#define CAP_ES     48
#define CAP_FS     56
#define CAP_GS     64
#define CAP_CR2    72
#define CAP_SAFE   0x100 /* SS:ESP by the low byte of CS: 8 bytes each */
#include "../matrix/capture.h"

	.section .rodata
	.globl stubs
stubs:
	.macro trigger base, n
	.org stubs + \base + \n * TRIGGER_STEP
	.endm

	/* An interrupt that did not come, or any trigger that raised nothing, ends here. */
	.macro missed
	int $MISSED_VECTOR
	.endm

	/* Those that read alike in each mode. */
	.macro triggers base
	trigger \base, 0
	int $TEST_VECTOR
	missed
	trigger \base, 1
	int3
	missed
	trigger \base, 2
	.byte 0xf1
	missed
	trigger \base, 3
	nop
	nop
	missed
	trigger \base, 4
	nop
	nop
	missed
	trigger \base, 5
	ud2
	missed
	trigger \base, 6
	divl %ecx
	missed
	trigger \base, 7
	movl %eax, %gs
	missed
	trigger \base, 8
	movl %eax, %gs
	missed
	trigger \base, 9
	movl %eax, %ss
	missed
	.endm

	/* Those whose size the prefixes tell. */
	.macro triggers32 base
	trigger \base, 10
	movl (%edx), %eax
	missed
	trigger \base, 13
	into
	missed
	trigger \base, 15
	iretl
	missed
	trigger \base, 16
	iretw
	missed
	trigger \base, 18
	lretl
	missed
	trigger \base, 19
	lretw
	missed
	.endm

	.code64
	triggers TRIGGERS64
	trigger TRIGGERS64, 10
	movl (%rdx), %eax
	missed
	trigger TRIGGERS64, 11
	movl (%rdx), %eax
	missed
	trigger TRIGGERS64, 12
	movl (%rbp), %eax
	missed
	trigger TRIGGERS64, 13
	.byte 0xce			/* INTO */
	missed
	trigger TRIGGERS64, 14
	iretq
	missed
	trigger TRIGGERS64, 15
	.byte 0xcf			/* IRETD */
	missed
	trigger TRIGGERS64, 16
	.byte 0x66, 0xcf
	missed
	trigger TRIGGERS64, 17
	.byte 0x48, 0xcb		/* RETF, 64-bit */
	missed
	trigger TRIGGERS64, 18
	.byte 0xcb
	missed
	trigger TRIGGERS64, 19
	.byte 0x66, 0xcb
	missed
	.code32
	triggers TRIGGERS32
	triggers32 TRIGGERS32
	.code16
	triggers TRIGGERS16
	triggers32 TRIGGERS16

	/* The handlers touch no stack and no flag before they have stored them. */
	.code64
	.set id, 0
	.rept VECTORS
	.org stubs + HANDLERS64 + id * 16
	movl $id, %ebx
	jmp 1f
	.set id, id + 1
	.endr
	.code32
	.org stubs + LANDING32
	movl %ds, %ebp
	movl $RETURN32, %ebx
	jmp 2f
	.code16
	.org stubs + LANDING16
	movl %ds, %ebp
	movl $RETURN16, %ebx
	jmp 3f
	.code64
	.org stubs + 0x1180
1:	movq %rbx, CAPTURE + CAP_ID
	movq %rsp, CAPTURE + CAP_ESP
	movl %ds, %eax
	movq %rax, CAPTURE + CAP_DS
	movl %es, %eax
	movq %rax, CAPTURE + CAP_ES
	movl %fs, %eax
	movq %rax, CAPTURE + CAP_FS
	movl %gs, %eax
	movq %rax, CAPTURE + CAP_GS
	movl %ss, %eax
	movq %rax, CAPTURE + CAP_SS
	movl %cs, %eax
	movq %rax, CAPTURE + CAP_CS
	movl $(SAFE_STACK + 0x400), %esp
	pushfq
	popq CAPTURE + CAP_EFLAGS
	sysenter
	.code32
	.org stubs + 0x1280
2:	capture
	.org stubs + 0x1300
	.code16
3:	capture
	.org stubs + STUBS_SIZE

/* void enter(const struct start *): enters the interrupted program; returns when a handler has captured.
 * struct start: rip, cs, rflags, rsp, ss (IRETQ's), rax, rdx, rbp, es, ds, fs, gs. */
	.text
	.code32
	.globl enter, back, take_nmi
enter:
	pushal
	movl %esp, saved_esp
	movl 36(%esp), %esi
	ljmp $SEL(G_SYSENTER, 0), $1f
	.code64
1:	movl %esi, %esp			/* the start structure is the frame */
	movq 40(%rsp), %rax
	movq 48(%rsp), %rdx
	movq 56(%rsp), %rbp
	movw 64(%rsp), %es
	movw 72(%rsp), %ds
	movw 80(%rsp), %fs
	movw 88(%rsp), %gs
	xorl %ecx, %ecx
	iretq

/* void take_nmi(volatile uint32_t *icr, uint32_t command): an NMI, which is taken and not returned from: NMIs are
 * blocked until the next IRET. */
	.code32
take_nmi:
	pushal
	movl %esp, saved_esp
	movl 36(%esp), %esi
	movl 40(%esp), %eax
	pushfl				/* the last one may have left them blocked */
	pushl %cs
	pushl $1f
	iretl
1:	movl %eax, (%esi)
1:	pause
	jmp 1b

/* SYSENTER comes here: flat 64-bit code, flat stack, RSP of no use. */
	.code64
back:
	movq %cr2, %rax
	movq %rax, CAPTURE + CAP_CR2
	movl saved_esp(%rip), %esp
	pushq $2
	popfq
	pushq $SEL(G_MONITOR_CS, 0)
	leal 1f(%rip), %eax
	pushq %rax
	.byte 0x48, 0xcb		/* RETF, 64-bit */
	.code32
1:	movl $SEL(G_FLAT3, 3), %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %fs
	movl %eax, %gs
	popal
	ret

	.bss
	.balign 8
saved_esp:
	.skip 8
	.section .note.GNU-stack, "", @progbits
