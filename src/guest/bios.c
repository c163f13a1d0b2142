/* What a BIOS leaves in memory.  Places and contents: IBM PC AT Technical Reference, "System BIOS" (interrupt vectors,
 * "ROM BIOS Data Areas", the fixed entry points of compatible BIOSes at the end of the F segment). */
#include <stdlib.h>
#include <string.h>

#include "guest/boot.h"
#include "guest/bytes.h"
#include "guest/place.h"

#define SEGMENT_SIZE 0x10000u
#define ROM_CS       0xf000u
#define VECTORS      256u

/* Offsets in the F segment. */
#define AT_RESTART   0xe05bu
#define AT_DISKETTE  0xefc7u /* diskette parameter table */
#define AT_MASTER    0xe200u
#define AT_SLAVE     0xe210u
#define AT_FPU       0xe220u
#define AT_NO_DISK   0xe230u
#define AT_NO_SYSTEM 0xe234u
#define AT_TIMER     0xfea5u
#define AT_IRET      0xff53u
#define AT_RESET     0xfff0u
#define AT_DATE      0xfff5u
#define AT_MODEL     0xfffeu
#define MODEL_AT     0xfcu

/* INT 08h, IRQ0: counts ticks at 40:6C up to a day's 1800B0h, then days at 40:70; the user's INT 1Ch; EOI. */
static const uint8_t timer[] = {
	0x50,                                                 /* push ax */
	0x1e,                                                 /* push ds */
	0xb8, 0x40, 0x00,                                     /* mov ax, 40h */
	0x8e, 0xd8,                                           /* mov ds, ax */
	0x66, 0xff, 0x06, 0x6c, 0x00,                         /* inc dword [6ch] */
	0x66, 0x81, 0x3e, 0x6c, 0x00, 0xb0, 0x00, 0x18, 0x00, /* cmp dword [6ch], 1800b0h */
	0x72, 0x0d,                                           /* jb 1f */
	0x66, 0xc7, 0x06, 0x6c, 0x00, 0x00, 0x00, 0x00, 0x00, /* mov dword [6ch], 0 */
	0xfe, 0x06, 0x70, 0x00,                               /* inc byte [70h] */
	0xcd, 0x1c,                                           /* 1: int 1ch */
	0xb0, 0x20,                                           /* mov al, 20h */
	0xe6, 0x20,                                           /* out 20h, al */
	0x1f,                                                 /* pop ds */
	0x58,                                                 /* pop ax */
	0xcf,                                                 /* iret */
};

/* Other interrupts of the first 8259A: EOI. */
static const uint8_t master[] = {
	0x50,       /* push ax */
	0xb0, 0x20, /* mov al, 20h */
	0xe6, 0x20, /* out 20h, al */
	0x58,       /* pop ax */
	0xcf,       /* iret */
};

/* Of the second one: EOI to both. */
static const uint8_t slave[] = {
	0x50,       /* push ax */
	0xb0, 0x20, /* mov al, 20h */
	0xe6, 0xa0, /* out 0a0h, al */
	0xe6, 0x20, /* out 20h, al */
	0x58,       /* pop ax */
	0xcf,       /* iret */
};

/* IRQ13, x87 errors: takes the request down (port F0h), EOI, then INT 2, where the PC had it. */
static const uint8_t fpu[] = {
	0x50,       /* push ax */
	0x30, 0xc0, /* xor al, al */
	0xe6, 0xf0, /* out 0f0h, al */
	0xb0, 0x20, /* mov al, 20h */
	0xe6, 0xa0, /* out 0a0h, al */
	0xe6, 0x20, /* out 20h, al */
	0x58,       /* pop ax */
	0xcd, 0x02, /* int 2 */
	0xcf,       /* iret */
};

/* INT 13h and 15h: there is no such service: CF = 1, AH = 1 (bad command) or 86h (no such function). */
static const uint8_t no_disk[] = {
	0xb4, 0x01, /* mov ah, 1 */
	0xeb, 0x02, /* jmp 1f */
};
static const uint8_t no_system[] = {
	0xb4, 0x86,             /* mov ah, 86h */
	0x55,                   /* 1: push bp */
	0x89, 0xe5,             /* mov bp, sp */
	0x80, 0x4e, 0x06, 0x01, /* or byte [bp + 6], 1 */
	0x5d,                   /* pop bp */
	0xcf,                   /* iret */
};

/* INT 18h, INT 19h and the reset vector: there is nothing to start again but the machine: the keyboard controller
 * pulses the reset line. */
static const uint8_t restart[] = {
	0xb0, 0xfe, /* mov al, 0feh */
	0xe6, 0x64, /* out 64h, al */
	0xf4,       /* 1: hlt */
	0xeb, 0xfd, /* jmp 1b */
};
static const uint8_t reset[] = {0xea, AT_RESTART & 0xff, AT_RESTART >> 8, ROM_CS & 0xff, ROM_CS >> 8};
static const uint8_t iret[] = {0xcf};
static const uint8_t date[] = "01/01/26";
static const uint8_t model[] = {MODEL_AT};
/* 1.44 MB: step rate and times, motor off time, 512 bytes, 18 sectors, gaps, data length, fill byte, settle
 * times. */
static const uint8_t diskette[] = {0xaf, 0x02, 0x25, 0x02, 0x12, 0x1b, 0xff, 0x6c, 0xf6, 0x0f, 0x08};

static const struct {
	uint16_t at;
	const uint8_t *bytes;
	size_t size;
} rom_parts[] = {
	{AT_RESTART, restart, sizeof(restart)},
	{AT_MASTER, master, sizeof(master)},
	{AT_SLAVE, slave, sizeof(slave)},
	{AT_FPU, fpu, sizeof(fpu)},
	{AT_NO_DISK, no_disk, sizeof(no_disk)},
	{AT_NO_SYSTEM, no_system, sizeof(no_system)},
	{AT_DISKETTE, diskette, sizeof(diskette)},
	{AT_TIMER, timer, sizeof(timer)},
	{AT_IRET, iret, sizeof(iret)},
	{AT_RESET, reset, sizeof(reset)},
	{AT_DATE, date, sizeof(date) - 1},
	{AT_MODEL, model, sizeof(model)},
};

/* Vectors that are not the plain IRET. */
static const struct {
	uint8_t first, last;
	uint16_t offset; /* 0: the vector is 0:0, a table that is not there */
} vectors[] = {
	{0x08, 0x08, AT_TIMER},   {0x09, 0x0f, AT_MASTER}, {0x13, 0x13, AT_NO_DISK},  {0x15, 0x15, AT_NO_SYSTEM},
	{0x18, 0x19, AT_RESTART}, {0x1d, 0x1d, 0},         {0x1e, 0x1e, AT_DISKETTE}, {0x1f, 0x1f, 0},
	{0x40, 0x40, AT_NO_DISK}, {0x41, 0x41, 0},         {0x43, 0x43, 0},           {0x46, 0x46, 0},
	{0x70, 0x74, AT_SLAVE},   {0x75, 0x75, AT_FPU},    {0x76, 0x77, AT_SLAVE},
};

static void fill_vectors(uint8_t *ivt)
{
	for (unsigned v = 0; v < VECTORS; v++)
		store(ivt + 4 * v, 4, (uint32_t)ROM_CS << 16 | AT_IRET);
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		for (unsigned v = vectors[i].first; v <= vectors[i].last; v++)
			store(ivt + 4 * v, 4, vectors[i].offset ? (uint32_t)ROM_CS << 16 | vectors[i].offset : 0);
}

/* Equipment word: diskette drives, x87, video (10b: 80x25 in colour), serial ports. */
static uint16_t equipment(const struct boot_board *board)
{
	unsigned com = 0;

	while (com < BOOT_MAX_COM && board->com[com])
		com++;
	return (uint16_t)((board->floppies ? 1u | (board->floppies - 1u) << 6 : 0) | (board->fpu ? 2u : 0) |
			  (board->vga ? 0x20u : 0) | com << 9);
}

/* Video part of the data area: mode 3 on a VGA. */
static void fill_video(uint8_t *bda)
{
	bda[0x49] = 3;
	store(bda + 0x4a, 2, 80);
	store(bda + 0x4c, 2, 0x1000); /* bytes of a page */
	store(bda + 0x60, 2, 0x0607); /* cursor lines */
	store(bda + 0x63, 2, 0x3d4);  /* the CRT controller */
	bda[0x65] = 0x29;             /* mode register: text, 80 columns, shown, blinking */
	bda[0x66] = 0x30;
	bda[0x84] = 24;           /* rows - 1 */
	store(bda + 0x85, 2, 16); /* lines of a character */
	bda[0x87] = 0x60;         /* 256 KiB, cleared at mode setting */
	bda[0x88] = 0xf9;
	bda[0x89] = 0x51; /* 400 lines, VGA active */
}

/* Ticks of 65536 / 1193182 s since midnight. */
static uint32_t ticks(uint32_t seconds)
{
	return (uint32_t)((uint64_t)(seconds % 86400) * 1193182 / 65536);
}

static void fill_data_area(uint8_t *bda, const struct boot_board *board)
{
	uint64_t ebda = boot_ebda(board);

	for (unsigned i = 0; i < BOOT_MAX_COM; i++) {
		store(bda + 2 * i, 2, board->com[i]);
		bda[0x7c + i] = board->com[i] ? 10 : 0; /* its time-out */
	}
	store(bda + 0x0e, 2, ebda >> 4);
	store(bda + 0x10, 2, equipment(board));
	store(bda + 0x13, 2, ebda >> 10); /* KiB of base memory */
	store(bda + 0x1a, 2, 0x1e);       /* keyboard buffer: head, tail; start, end */
	store(bda + 0x1c, 2, 0x1e);
	store(bda + 0x80, 2, 0x1e);
	store(bda + 0x82, 2, 0x3e);
	store(bda + 0x6c, 4, ticks(board->seconds));
	bda[0x75] = board->disks;
	bda[0x96] = 0x10; /* a keyboard with 101 or 102 keys */
	if (board->vga)
		fill_video(bda);
}

static bool place_rom(struct bus *bus)
{
	uint8_t *rom = calloc(1, SEGMENT_SIZE);
	bool ok;

	if (!rom)
		return false;
	for (size_t i = 0; i < sizeof(rom_parts) / sizeof(rom_parts[0]); i++)
		memcpy(rom + rom_parts[i].at, rom_parts[i].bytes, rom_parts[i].size);
	ok = bus_add_rom(bus, "BIOS", BIOS_SEGMENT, SEGMENT_SIZE, rom, SEGMENT_SIZE) != NULL;
	free(rom);
	return ok;
}

bool guest_place_bios(struct bus *bus, const struct boot_board *board, struct diagnostic *why)
{
	uint8_t low[0x500] = {0}, ebda[EBDA_SIZE] = {EBDA_SIZE / 1024};

	fill_vectors(low);
	fill_data_area(low + 0x400, board);
	if (!place_rom(bus))
		return diagnose(why, "out of memory");
	if (!place_bytes(bus, 0, low, sizeof(low)) || !place_bytes(bus, boot_ebda(board), ebda, sizeof(ebda)))
		return diagnose(why, "the BIOS data areas could not be written: the board has too little RAM");
	return true;
}
