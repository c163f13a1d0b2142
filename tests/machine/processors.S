/* Guests for test_processors.c: one image, loaded at AT, with an entry for each test.  The first processor starts at the
 * entry in flat 32-bit mode; the others start at the image's first byte, by a SIPI of vector AT / 1000h, and go to where the
 * word AP_ENTRY says.  Results lie at RESULT. */
#define AT       0x8000
#define SECOND   0x9000 /* where a second SIPI would start */
#define RESULT   0x7000
#define AP_ENTRY (RESULT + 0x00)
#define STARTED  (RESULT + 0x04) /* processors that reached AP_ENTRY */
#define NUMBERS  (RESULT + 0x08) /* gives each its number, from 1 */
#define FIRST_CS (RESULT + 0x0c) /* CS and IP at the first instruction after SIPI */
#define DONE     (RESULT + 0x10)
#define VALUE    (RESULT + 0x14)
#define RACY     (RESULT + 0x18)
#define SEEN     (RESULT + 0x1c)
#define GO       (RESULT + 0x20)
#define BY_CPU   (RESULT + 0x40) /* a word each, by number; the first processor is 0 */
#define LOG      (RESULT + 0x100)
#define PAGES    0x20000         /* page directory, then its table */
#define FRAME_A  0x100000
#define FRAME_B  0x101000
#define WINDOW   0x180000        /* the page that is FRAME_A first and FRAME_B later */
#define APIC     0xfee00000
#define ICR      (APIC + 0x300)
#define ICR2     (APIC + 0x310)
#define EOI      (APIC + 0x0b0)
#define SVR      (APIC + 0x0f0)
#define ADDITIONS 20000
#define SWITCHES  64
#define ADDRESS(label) ((label) - guest_image + AT)

	.section .rodata
	.globl guest_image, guest_end
guest_image:
	.code16
	cli
	call 1f /* pushes the address: IP is its low word, 3 after the call */
1:	jmp 2f
	.org guest_image + 0x10
2:	movw %cs, %ax
	xorw %bx, %bx
	movw %bx, %ds
	movw %ax, FIRST_CS
	lgdtl ADDRESS(gdt_register)
	movl %cr0, %eax
	andl $0x9fffffff, %eax /* caches on */
	orl $1, %eax
	movl %eax, %cr0
	ljmpl $0x08, $ADDRESS(ap_32)
	.code32
ap_32:	call set_up
	movl $1, %eax
	lock xaddl %eax, NUMBERS
	leal 1(%eax), %ebp /* this processor's number */
	movl %ebp, %esp
	shll $12, %esp
	addl $0x30000, %esp
	lock incl STARTED
	jmp *AP_ENTRY

/* Segments, IDT, local APIC on. */
set_up:	movw $0x10, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %ss
	lidtl ADDRESS(idt_register)
	movl $0x1ff, SVR
	ret

/* The first processor.  EBX: where the others go. */
first:	lgdtl ADDRESS(gdt_register)
	ljmp $0x08, $ADDRESS(1f)
1:	popl %edx
	movl $0x30000, %esp
	pushl %edx
	movl %ebx, AP_ENTRY
	xorl %ebp, %ebp
	call set_up
	ret

start_all:
	movl $0xc4500, ICR /* INIT, all but self */
	movl $0xc4600 + AT / 0x1000, ICR
1:	movl STARTED, %eax
	cmpl %eax, DONE /* the test put the number of the others there */
	jne 1b
	movl $0, DONE
	ret

dead:	cli
	hlt
	jmp dead

/* Waits until DONE is what it was asked to be. */
wait:	cmpl %eax, DONE
	jb wait
	ret

/* ---- handlers ---- */
count_it:
	lock incl BY_CPU(,%ebp,4)
	lock incl DONE
	movl $0, EOI
	iretl
count_nmi:
	lock incl BY_CPU(,%ebp,4)
	lock incl DONE
	iretl
shoot:	invlpg WINDOW
	lock incl DONE
	movl $0, EOI
	iretl

#define ENTRY(name) .globl name; name: movl $ADDRESS(name##_others), %ebx; call first
#define OTHERS(name) name##_others:

	/* a SIPI starts a processor at its page */
	ENTRY(guest_sipi)
	call start_all
	jmp dead
	OTHERS(guest_sipi)
	jmp dead

	/* a second SIPI does nothing to a processor that runs */
	ENTRY(guest_sipi_twice)
	call start_all
	movl $0xc4600 + SECOND / 0x1000, ICR
	movl $10000, %ecx
1:	loop 1b
	movl $1, GO
	movl $1, %eax
	call wait
	jmp dead
	OTHERS(guest_sipi_twice)
1:	cmpl $0, GO
	je 1b
	lock incl DONE
	jmp dead

	/* NMIs to all others, which have IF = 0 */
	ENTRY(guest_nmi)
	call start_all
	movl $0xc4400, ICR
	movl $3, %eax
	call wait
	jmp dead
	OTHERS(guest_nmi)
	jmp dead

	/* one fixed interrupt to all others, which halt with IF = 1 */
	ENTRY(guest_fixed)
	call start_all
	movl $10000, %ecx /* they are halted by then */
1:	loop 1b
	movl $0xc4050, ICR
	movl $3, %eax
	call wait
	jmp dead
	OTHERS(guest_fixed)
	sti
	hlt
	jmp dead

	/* many of them, from everybody to everybody */
	ENTRY(guest_storm)
	call start_all
	movl $1, GO
	jmp guest_storm_others
	OTHERS(guest_storm)
	sti
	movl $200, %ecx
1:	movl $0xc4050, ICR
	leal 700(%ebp,%ebp,8), %eax
2:	decl %eax
	jnz 2b
	loop 1b
	lock incl SEEN
3:	cmpl $4, SEEN
	jne 3b
	movl $20000, %eax /* the last ones come in */
4:	decl %eax
	jnz 4b
	jmp dead

	/* LOCK XADD, and beside it a read, an addition and a write */
	ENTRY(guest_xadd)
	call start_all
	movl $1, GO
	jmp 1f
	OTHERS(guest_xadd)
1:	cmpl $0, GO
	je 1b
	movl $ADDITIONS, %ecx
2:	movl $1, %eax
	lock xaddl %eax, VALUE
	movl RACY, %eax
	incl %eax
	movl %eax, RACY
	loop 2b
	lock incl SEEN
	jmp dead

	/* the page behind WINDOW changes; the others drop their translation when they are told to */
	ENTRY(guest_shootdown)
	movl $PAGES, %edi
	movl $PAGES + 0x1003, (%edi)
	movl $PAGES + 0x2003, 0xfec(%edi) /* FEC00000h-FEFFFFFFh */
	movl $0x1000, %ecx
	movl $3, %eax
	xorl %edx, %edx
1:	movl %eax, PAGES + 0x1000(,%edx,4)
	leal 0xfec00000(%eax), %esi
	movl %esi, PAGES + 0x2000(,%edx,4)
	addl $0x1000, %eax
	incl %edx
	cmpl $1024, %edx
	jne 1b
	movl PAGES + 0xfec, %eax
	movl $0, PAGES + 0xfec
	movl %eax, PAGES + (APIC >> 22) * 4
	movl $0x11111111, FRAME_A
	movl $0x22222222, FRAME_B
	movl $FRAME_A + 3, PAGES + 0x1000 + (WINDOW >> 12) * 4
	call start_all
	movl $PAGES, %eax
	movl %eax, %cr3
	movl %cr0, %eax
	orl $0x80000000, %eax
	movl %eax, %cr0
	movl $3, %eax
2:	cmpl %eax, SEEN /* all have it in their TLBs */
	jb 2b
	movl $FRAME_B + 3, PAGES + 0x1000 + (WINDOW >> 12) * 4
	invlpg WINDOW
	movl $0xc4051, ICR
	call wait
	movl $1, GO
	movl $6, %eax
3:	cmpl %eax, SEEN
	jb 3b
	jmp dead
	OTHERS(guest_shootdown)
	movl $PAGES, %eax
	movl %eax, %cr3
	movl %cr0, %eax
	orl $0x80000000, %eax
	movl %eax, %cr0
	movl WINDOW, %eax
	cmpl $0x11111111, %eax
	jne dead
	lock incl SEEN
	sti
4:	movl WINDOW, %ebx /* keeps the translation warm */
	cmpl $0, GO
	je 4b
	movl WINDOW, %eax
	movl %eax, BY_CPU(,%ebp,4)
	lock incl SEEN
	jmp dead

	/* code that others run changes under them */
	ENTRY(guest_code)
	call start_all
	movl $3, %eax
1:	cmpl %eax, SEEN /* all have run the old code many times */
	jb 1b
	movl $2, ADDRESS(changing) + 1
	call wait
	jmp dead
	OTHERS(guest_code)
	movl $5000, %ecx
2:	call changing
	cmpl $1, %eax
	jne dead
	loop 2b
	lock incl SEEN
3:	call changing
	cmpl $2, %eax
	jne 3b
	movl %eax, BY_CPU(,%ebp,4)
	lock incl DONE
	jmp dead
	.balign 64
changing:
	movl $1, %eax
	ret
	.balign 64

	/* each notes how many rounds it made since it saw somebody else's mark */
	ENTRY(guest_turns)
	call start_all
	movl $1, GO
	OTHERS(guest_turns)
1:	cmpl $0, GO
	je 1b
2:	xorl %ecx, %ecx
3:	incl %ecx
	movl SEEN, %eax
	cmpl $SWITCHES, %eax
	jae dead
	cmpl %ebp, VALUE
	je 3b
	incl SEEN
	movl %ecx, LOG(,%eax,4)
	movl %ebp, VALUE
	jmp 2b

	/* the third of three has no handler for anything */
	ENTRY(guest_triple)
	call start_all
	movl $1, GO
1:	jmp 1b
	OTHERS(guest_triple)
2:	cmpl $0, GO
	je 2b
	cmpl $2, %ebp
	jne 2b
	lidtl ADDRESS(no_idt)
	int3

	.balign 8
gdt:	.quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
idt:	.rept 256
	.quad 0
	.endr
	.org guest_image + 0x1000
	.code16 /* SECOND */
	xorw %ax, %ax
	movw %ax, %ds
	movw $0xbad, VALUE
	hlt
gdt_register:
	.word 23
	.long ADDRESS(gdt)
idt_register:
	.word 0x52 * 8 - 1
	.long ADDRESS(idt)
no_idt:	.word 0
	.long 0
guest_end:
	.globl guest_idt, guest_count_it, guest_count_nmi, guest_shoot
	.set guest_idt, idt
	.set guest_count_it, count_it
	.set guest_count_nmi, count_nmi
	.set guest_shoot, shoot
	.section .note.GNU-stack, "", @progbits
