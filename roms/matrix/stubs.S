/* Triggers and handlers of the delivery matrix.  They are copied to STUBS, so each is at a fixed offset of the test
 * code segments; nothing refers to an address outside but through the flat data segment. */
#include "world.h"

#define CAP_ID     0
#define CAP_ESP    4
#define CAP_EFLAGS 8
#define CAP_CS     12
#define CAP_SS     16
#define CAP_DS     20
#define CAP_ES     24
#define CAP_FS     28
#define CAP_GS     32
#define CAP_SAFE   0x100 /* SS:ESP by the low byte of CS: 8 bytes each */
#include "capture.h"

	.section .rodata
	.globl stubs, stubs_end
stubs:
	.macro trigger n
	.org stubs + TRIGGERS + \n * TRIGGER_STEP
	sti
	nop
	.endm

	/* An external interrupt that did not come, or any trigger that raised nothing, ends here. */
	.macro missed
	int $0x47
	.endm

	.code32
	trigger 0
	int $TEST_VECTOR
	missed
	trigger 1
	int3
	missed
	trigger 2
	into
	missed
	trigger 3
	.byte 0xf1
	missed
	trigger 4
	nop
	nop
	missed
	trigger 5
	ud2
	missed
	trigger 6
	divl %ecx
	missed
	trigger 7
	movl %eax, %gs
	missed
	trigger 8
	movl %eax, %gs
	missed
	trigger 9
	movl %eax, %ss
	missed
	trigger 10
	iretl
	missed
	trigger 11
	movl ABSENT, %eax
	missed
	trigger 12
	iretl
	missed
	trigger 13
	iretw
	missed
	trigger 14
	lretl
	missed
	trigger 15
	lretw
	missed

	/* The handlers touch no stack and no flag before they have stored SS:ESP.  DS is whatever the event left. */
	.macro handlers offset, common
	.set id, 0
	.rept HANDLERS
	.org stubs + \offset + id * 16
	movl %ds, %ebp
	movl $id, %ebx
	jmp \common
	.set id, id + 1
	.endr
	.endm

	handlers HANDLERS32, 1f
	.code16
	handlers HANDLERS16, 2f
	.org stubs + 0xe00
	.code32
1:	capture
	.org stubs + 0xf00
	.code16
2:	capture

	.macro v86_trigger n
	.org stubs + V86_TRIGGERS + \n * TRIGGER_STEP
	sti
	nop
	.endm
	v86_trigger 0
	int $TEST_VECTOR
	missed
	v86_trigger 1
	int3
	missed
	v86_trigger 2
	into
	missed
	v86_trigger 3
	.byte 0xf1
	missed
	v86_trigger 4
	nop
	nop
	missed
	v86_trigger 5
	ud2
	missed
	v86_trigger 6
	divl %ecx
	missed
	v86_trigger 7
	hlt
	missed
	v86_trigger 9
	.byte 0x36, 0xa1, 0xff, 0xff		/* mov %ss:0xffff, %ax */
	missed
	v86_trigger 11
	movw 0, %ax
	missed
	v86_trigger 12				/* where a return to virtual-8086 mode goes */
	int $RETURN_VECTOR
	missed
	.org stubs + 0x1200
stubs_end:

/* uint32_t run(const struct start *): enters the interrupted program; returns when a handler has captured.
 * struct start: eip, cs, eflags, esp, ss, es, ds, fs, gs, eax (IRETD to an outer level or to virtual-8086 mode),
 * or for level 0: the same, entered by a far jump after LSS. */
	.text
	.code32
	.globl enter_outer, enter_ring0, back
enter_outer:
	pushal
	movl %esp, saved_esp
	movl 36(%esp), %esi
	movl 36(%esi), %eax
	xorl %ecx, %ecx
	movl $0x12345678, %edx
	testl $0x20000, 8(%esi)		/* VM: IRETD loads them */
	jnz 1f
	movw 20(%esi), %es
	movw 28(%esi), %fs
	movw 32(%esi), %gs
1:	movl %esi, %esp			/* the start structure is the frame */
	iretl
enter_ring0:
	pushal
	movl %esp, saved_esp
	movl 36(%esp), %esi
	movl 36(%esi), %eax
	xorl %ecx, %ecx
	movw 20(%esi), %es
	movw 28(%esi), %fs
	movw 32(%esi), %gs
	pushl 8(%esi)
	popfl
	lss 12(%esi), %esp
	ljmp *(%esi)
/* SYSENTER comes here: flat code, flat stack, ESP of no use. */
back:
	movl saved_esp, %esp
	pushl $2
	popfl				/* no task return */
	pushl $2			/* and IRETD clears VIF and VIP */
	pushl %cs
	pushl $1f
	iretl
1:	movl $SEL(G_FLAT3, 3), %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %fs
	movl %eax, %gs
	popal
	ret

	.bss
	.balign 4
saved_esp:
	.skip 4
	.section .note.GNU-stack, "", @progbits
