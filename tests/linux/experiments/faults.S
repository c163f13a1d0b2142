/* Instructions that raise something, the same for i386 and x86-64. */
#include "raising.inc"

	.text
	raising div0 div %ecx
	raising breakpoint int3
	raising overflow int $4
	raising refused_int int $0x21
	raising refused_timer int $0xec
	raising undefined ud2
	raising privileged hlt
	raising read_nothing movl 0x10(%ecx), %eax
	raising write_text movl %eax, write_text

	.section .note.GNU-stack, "", @progbits
