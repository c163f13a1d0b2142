/* What a handler does in 16- and 32-bit code: stores what it finds, by the CAP_ offsets of the file that includes this,
 * and leaves by SYSENTER.  EBX: its number; EBP: DS as it was. */
	.macro capture
	movl $SEL(G_FLAT3, 3), %eax
	movl %eax, %ds
	movl $CAPTURE, %edx
	movl %ebx, CAP_ID(%edx)
	movl %esp, CAP_ESP(%edx)
	movl %ebp, CAP_DS(%edx)
	movl $0, %eax
	movl %es, %eax
	movl %eax, CAP_ES(%edx)
	movl %fs, %eax
	movl %eax, CAP_FS(%edx)
	movl %gs, %eax
	movl %eax, CAP_GS(%edx)
	movl %ss, %eax
	movl %eax, CAP_SS(%edx)
	movl %cs, %eax
	movl %eax, CAP_CS(%edx)
	movzbl %al, %eax
	lss CAP_SAFE(%edx, %eax, 8), %esp
	pushfl
	popl CAP_EFLAGS(%edx)
	sysenter
	.endm
