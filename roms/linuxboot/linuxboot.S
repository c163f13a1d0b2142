/* The option ROM that starts a Linux kernel given by -kernel on a board with firmware.  SeaBIOS finds it as the
 * firmware configuration file "genroms/linuxboot.bin", copies it to upper memory and calls its boot entry.  That puts the
 * setup part, the kernel, the initial RAM disk and the command line where the configuration items say, by the
 * configuration device's DMA, and enters the kernel at its 16-bit entry.
 *
 * Sources: Plug and Play BIOS Specification 1.0A, "Option ROM Header", "Expansion Header for Plug and Play"; QEMU
 * documentation, "QEMU Firmware Configuration (fw_cfg) Device"; "The Linux/x86 Boot Protocol", "Running the Kernel".
 *
 * It is assembled as data of the program: 16-bit code that names places in itself relative to its start.  The byte that
 * makes the sum of all bytes 0 is put in by the program. */
#define SELECT     0x510
#define DATA       0x511
#define DMA_HIGH   0x514
#define DMA_LOW    0x518
#define DMA_COMMAND 0x0a /* select the item, read */
#define STACK      0x7c00
#define DESCRIPTOR 0x7c00 /* control, length, address: in conventional memory that nobody uses now */
#define SETUP_ADDRESS 0x16
#define SETUP_SEGMENT_STACK 0xe000
#define AT(label)  ((label) - linuxboot_rom)

	.section .rodata
	.globl linuxboot_rom, linuxboot_rom_end
	.hidden linuxboot_rom, linuxboot_rom_end
	.code16
linuxboot_rom:
	.byte 0x55, 0xaa
	.byte (linuxboot_rom_end - linuxboot_rom) / 512
	movw $0x20, %ax /* init entry: boots from here, no display, no input */
	lret
	.byte 0 /* the checksum: LINUXBOOT_CHECKSUM */
	.org linuxboot_rom + 0x1a
	.word AT(pnp)

	.balign 16
pnp:	.ascii "$PnP"
	.byte 1, 2             /* revision; 32 bytes */
	.word 0                /* no further header */
	.byte 0, 0             /* reserved, checksum */
	.long 0                /* no device */
	.word AT(maker), AT(product)
	.byte 0, 0, 0          /* no class of device */
	.byte 0x64             /* device driver model, may be shadowed, boots */
	.word 0, 0             /* BCV, disconnect vector */
	.word AT(boot)         /* BEV */
	.word 0, 0
maker:	.asciz "Trapgate"
product: .asciz "Linux by -kernel"

/* Address, size and data of each item. */
items:	.byte 0x16, 0x17, 0x18 /* setup */
	.byte 0x07, 0x08, 0x11 /* kernel */
	.byte 0x0a, 0x0b, 0x12 /* initial RAM disk */
	.byte 0x13, 0x14, 0x15 /* command line */
items_end:

boot:	cli
	cld
	xorw %ax, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %ss
	movl $STACK, %esp
	movw $AT(items), %si
1:	movb %cs:(%si), %al
	call number
	movl %ecx, %edi /* where to */
	movb %cs:1(%si), %al
	call number
	movb %cs:2(%si), %al
	call fetch
	addw $3, %si
	cmpw $AT(items_end), %si
	jb 1b
	movb $SETUP_ADDRESS, %al
	call number
	shrl $4, %ecx
	movw %cx, %ds
	movw %cx, %es
	movw %cx, %fs
	movw %cx, %gs
	movw %cx, %ss
	movl $SETUP_SEGMENT_STACK, %esp
	addw $0x20, %cx /* the entry is 200h behind the setup part's start */
	pushw %cx
	pushw $0
	lret

/* ECX = the 32-bit item AL. */
number:	xorb %ah, %ah
	movw $SELECT, %dx
	outw %ax, %dx
	movw $DATA, %dx
	movw $4, %bx
2:	inb %dx, %al
	shrdl $8, %eax, %ecx
	decw %bx
	jnz 2b
	ret

/* ECX bytes of the item AL to the physical address EDI. */
fetch:	movzbl %al, %eax
	shll $16, %eax
	orl $DMA_COMMAND, %eax
	bswapl %eax
	movl %eax, DESCRIPTOR
	bswapl %ecx
	movl %ecx, DESCRIPTOR + 4
	movl $0, DESCRIPTOR + 8
	bswapl %edi
	movl %edi, DESCRIPTOR + 12
	xorl %eax, %eax
	movw $DMA_HIGH, %dx
	outl %eax, %dx
	movl $DESCRIPTOR, %eax
	bswapl %eax
	movw $DMA_LOW, %dx
	outl %eax, %dx
3:	movl DESCRIPTOR, %eax /* 0: done; bit 0 of the last byte: an error */
	testl %eax, %eax
	jz 4f
	testl $0x01000000, %eax
	jz 3b
	movw $AT(trouble), %si
5:	movb %cs:(%si), %al
	incw %si
	movb $0x0e, %ah
	movw $7, %bx
	int $0x10
	cmpb $0, %cs:(%si)
	jne 5b
6:	hlt
	jmp 6b
4:	ret

trouble: .asciz "-kernel: the kernel does not fit into memory\r\n"
	.org linuxboot_rom + 512
linuxboot_rom_end:
	.section .note.GNU-stack, "", @progbits
