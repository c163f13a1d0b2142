/* Start of the clock guest, and its handlers: each counts, ends its interrupt where it came
 * from, and returns. */
#include "pc.h"

#define PIC_EOI  0x20
#define LAPIC_EOI 0xfee000b0

	.section .header, "ax"
	multiboot_header

	.text
	.globl _start
_start:
	cli
	load_gdt
	movl $stack, %esp
	set_gate 0x20, on_pit, GATE_INT32_DPL0
	set_gate 0x28, on_rtc, GATE_INT32_DPL0
	set_gate 0x50, on_hpet, GATE_INT32_DPL0
	set_gate 0x51, on_lapic, GATE_INT32_DPL0
	set_gate 0xff, on_nothing, GATE_INT32_DPL0
	lidt idtr
	call main
	outl %eax, $PORT_DEBUG_EXIT
1:	cli
	hlt
	jmp 1b

on_pit:
	incl pit_interrupts
	pushl %eax
	movb $PIC_EOI, %al
	outb %al, $0x20
	popl %eax
	iretl

/* Register C must be read, or no further update interrupt comes. */
on_rtc:
	incl rtc_interrupts
	pushl %eax
	movb $0x0c, %al
	outb %al, $0x70
	inb $0x71, %al
	movb $PIC_EOI, %al
	outb %al, $0xa0
	outb %al, $0x20
	popl %eax
	iretl

on_hpet:
	incl hpet_interrupts
	movl $0, LAPIC_EOI
	iretl

on_lapic:
	incl lapic_interrupts
	movl $0, LAPIC_EOI
	iretl

on_nothing:
	iretl

	.data
	tables 256

	.bss
	.balign 16
	.skip 65536
stack:

	.section .note.GNU-stack, "", @progbits
