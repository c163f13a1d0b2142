/* Tells on port E9h what the kernel was given and what the board looks like; ends by isa-debug-exit with 10h, or 1
 * after a line "FAILED".  Lines that begin with "=" hold for every loader and board of this kind; the others are this
 * loader's own. */
#include <stdint.h>

#include "pc.h"

struct entry { /* as start.S pushes it */
	uint32_t cr0;
	uint32_t edi, esi, ebp, esp, ebx, edx, ecx, eax;
	uint32_t eflags;
};

extern char image_start[], image_end[];
void look(const struct entry *entry);
void real_mode(void);

static uint8_t inb(uint16_t port)
{
	uint8_t v;

	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static void outb(uint16_t port, uint8_t v)
{
	__asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}

/* Physical memory, which for the compiler holds no objects. */
static uint32_t word(uint64_t at)
{
	uint32_t v;

	__asm__ volatile("movl (%1), %0" : "=r"(v) : "r"((uintptr_t)at) : "memory");
	return v;
}

static uint8_t byte(uint64_t at)
{
	uint8_t v;

	__asm__ volatile("movb (%1), %0" : "=q"(v) : "r"((uintptr_t)at) : "memory");
	return v;
}

static uint64_t quad(uint64_t at)
{
	return word(at) | (uint64_t)word(at + 4) << 32;
}

static void text(const char *s)
{
	while (*s)
		outb(PORT_DEBUGCON, (uint8_t)*s++);
}

static void hex(uint64_t v)
{
	unsigned digits = 1;

	while (digits < 16 && v >> (4 * digits))
		digits++;
	outb(PORT_DEBUGCON, ' ');
	while (digits-- > 0)
		outb(PORT_DEBUGCON, (uint8_t) "0123456789abcdef"[v >> (4 * digits) & 15]);
}

static void line(const char *name, unsigned count, ...)
{
	__builtin_va_list list;

	text(name);
	__builtin_va_start(list, count);
	while (count-- > 0)
		hex(__builtin_va_arg(list, uint64_t));
	__builtin_va_end(list);
	text("\n");
}

static void string(const char *name, uint64_t at)
{
	text(name);
	text(" \"");
	text((const char *)(uintptr_t)at);
	text("\"\n");
}

static void end(uint8_t status)
{
	outb(PORT_DEBUG_EXIT, status);
}

static void require(int ok, const char *what)
{
	if (ok)
		return;
	text("FAILED: ");
	text(what);
	text("\n");
	end(1);
}

#define IN_IMAGE(from, to) ((uintptr_t)image_start < (to) && (from) < (uintptr_t)image_end)

static void memory_entry(uint64_t start, uint64_t size, uint32_t type)
{
	if (start < 0xa0000)
		line("=memory", 3, start, size, (uint64_t)type);
	else if (start == 0x100000) /* where it ends is the firmware's choice: its tables may lie there */
		line("=memory", 2, start, (uint64_t)type);
	else
		line("other memory", 3, start, size, (uint64_t)type);
}

/* The bytes of a module add up to what the test put into it. */
static void module(uint64_t start, uint64_t stop)
{
	uint32_t sum = 0;

	require(start % 4096 == 0 && start < stop, "a module on a page");
	require(!IN_IMAGE(start, stop), "a module beside the kernel");
	for (uint64_t at = start; at < stop; at++)
		sum += byte(at);
	line("=module: bytes, sum", 2, stop - start, (uint64_t)sum);
}

static int alike(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

/* Section headers of ELF32 or ELF64: the names and the symbols are in memory. */
static void sections(uint64_t table, uint32_t count, uint32_t bytes, uint32_t names)
{
	int wide = bytes == 64, seen = 0;
	uint64_t strings = wide ? quad(table + names * 64 + 16) : word(table + names * 40 + 12);

	require(bytes == 40 || wide, "section headers of ELF");
	for (uint32_t i = 0; i < count; i++) {
		uint64_t h = table + (uint64_t)i * bytes, at = wide ? quad(h + 16) : word(h + 12);
		const char *name = (const char *)(uintptr_t)(strings + word(h));

		if (alike(name, ".text"))
			require(at == (uintptr_t)image_start, ".text where it was linked"), seen |= 1;
		if (alike(name, ".symtab"))
			require(at != 0 && word(at) == 0 && !IN_IMAGE(at, at + 16), ".symtab in memory"), seen |= 2;
	}
	require(seen == 3, "the sections .text and .symtab");
	line("sections", 1, (uint64_t)count);
}

static void multiboot1(uint64_t info)
{
	uint32_t flags = word(info);

	line("=multiboot 1", 0);
	require((flags & 0x24d) >= 0x24d, "memory, command line, modules, map and loader's name");
	line("=lower memory", 1, (uint64_t)word(info + 4));
	string("=command line", word(info + 16));
	string("loader", word(info + 64));
	for (uint64_t at = word(info + 48), stop = at + word(info + 44); at < stop; at += word(at) + 4)
		memory_entry(quad(at + 4), quad(at + 12), word(at + 20));
	for (uint32_t i = 0; i < word(info + 20); i++) {
		uint64_t m = word(info + 24) + 16 * i;

		string("=words", word(m + 8));
		module(word(m), word(m + 4));
	}
	if (flags & 0x20)
		sections(word(info + 36), word(info + 28), word(info + 32), word(info + 40));
	if (flags & 0x1000)
		line("screen", 6, quad(info + 88), (uint64_t)word(info + 96), (uint64_t)word(info + 100),
		     (uint64_t)word(info + 104), (uint64_t)byte(info + 108), (uint64_t)byte(info + 109));
}

static void boot_tag(uint32_t type, uint64_t at, uint32_t size)
{
	switch (type) {
	case 1:
		string("=command line", at);
		break;
	case 2:
		string("loader", at);
		break;
	case 3:
		string("=words", at + 8);
		module(word(at), word(at + 4));
		break;
	case 4:
		line("=lower memory", 1, (uint64_t)word(at));
		break;
	case 6:
		for (uint32_t i = 8; i < size; i += word(at))
			memory_entry(quad(at + i), quad(at + i + 8), word(at + i + 16));
		break;
	case 8:
		line("=screen", 6, quad(at), (uint64_t)word(at + 8), (uint64_t)word(at + 12), (uint64_t)word(at + 16),
		     (uint64_t)byte(at + 20), (uint64_t)byte(at + 21));
		break;
	case 9:
		line("=sections", 0);
		sections(at + 12, word(at), word(at + 4), word(at + 8));
		break;
	case 14:
	case 15:
		require(quad(at) == 0x2052545020445352, "RSD PTR");
		break;
	}
}

static void multiboot2(uint64_t info)
{
	uint64_t stop = info + word(info), at = info + 8;

	line("=multiboot 2", 0);
	require(info % 8 == 0, "boot information on a multiple of 8");
	for (; at < stop && word(at); at += (word(at + 4) + 7) & ~7u)
		boot_tag(word(at), at + 8, word(at + 4) - 8);
	require(at + 8 == stop && word(at + 4) == 8, "the end tag at the end");
}

static void pvh(uint64_t info)
{
	line("=pvh", 1, (uint64_t)word(info + 4));
	require(word(info + 4) >= 1, "version 1");
	string("=command line", quad(info + 24));
	for (uint32_t i = 0; i < word(info + 48); i++) {
		uint64_t at = quad(info + 40) + 24 * i;

		memory_entry(quad(at), quad(at + 8), word(at + 16));
	}
	for (uint32_t i = 0; i < word(info + 12); i++) {
		uint64_t m = quad(info + 16) + 32 * i;

		module(quad(m), quad(m) + quad(m + 8));
	}
	if (quad(info + 32))
		require(quad(quad(info + 32)) == 0x2052545020445352, "RSD PTR");
}

/* A20: what differs in bit 20 alone is another place. */
static int a20_is_on(void)
{
	volatile uint32_t *low = (uint32_t *)0x7f00, *high = (uint32_t *)0x107f00;
	uint32_t keep = *high;
	int on;

	*low = 0x12345678;
	*high = 0x87654321;
	on = *low == 0x12345678;
	*high = keep;
	return on;
}

static uint32_t cmos(unsigned at)
{
	uint32_t v;

	outb(0x70, (uint8_t)at);
	v = inb(0x71);
	outb(0x70, (uint8_t)(at + 1));
	return v | (uint32_t)inb(0x71) << 8;
}

static void board(void)
{
	uint32_t ebda = (uint32_t)(word(0x40e) & 0xffff) << 4;

	line("=base memory: data area, CMOS", 2, (uint64_t)(word(0x413) & 0xffff), (uint64_t)cmos(0x15));
	line("=extended memory: CMOS", 2, (uint64_t)cmos(0x30), (uint64_t)cmos(0x34));
	line("=extended BIOS data area", 2, (uint64_t)ebda, (uint64_t)byte(ebda));
	line("=COM1", 1, (uint64_t)(word(0x400) & 0xffff));
	line("=video: mode, columns, CRT controller, rows - 1", 4, (uint64_t)byte(0x449),
	     (uint64_t)(word(0x44a) & 0xffff), (uint64_t)(word(0x463) & 0xffff), (uint64_t)byte(0x484));
	line("=keyboard buffer", 2, (uint64_t)word(0x41a), (uint64_t)word(0x480));
	line("=timer vector's segment", 1, (uint64_t)(word(0x20) >> 16));
	line("=model", 1, (uint64_t)byte(0xffffe));
	line("=interrupt masks", 2, (uint64_t)inb(0x21), (uint64_t)inb(0xa1));
	outb(0x43, 0xe2); /* read-back: status of counter 0 */
	line("timer mode", 1, (uint64_t)(inb(0x40) & 0x3f));
	line("=port 61h", 1, (uint64_t)(inb(0x61) & 0x0f));
}

static void trip_to_real_mode(void)
{
	real_mode();
	require(word(0x500) == 36 || word(0x500) == 37, "18.2 ticks a second at 40:6C");
	require((word(0x508) & 0xffff) >= 36 && (word(0x508) & 0xffff) <= 38, "INT 1Ch with every tick");
	line("=INT 15h, no such function: CF, AH", 2, (uint64_t)byte(0x504), (uint64_t)byte(0x505));
}

void look(const struct entry *entry)
{
	require((entry->cr0 & 0x80000001) == 1, "protected mode, paging off");
	require(!(entry->eflags & 0x20300), "IF, TF and VM clear");
	require(a20_is_on(), "A20 on");
	if (entry->eax == 0x2badb002)
		multiboot1(entry->ebx);
	else if (entry->eax == 0x36d76289)
		multiboot2(entry->ebx);
	else if (entry->ebx && word(entry->ebx) == 0x336ec578)
		pvh(entry->ebx);
	else
		line("=no protocol", 0);
	line("=cr0", 1, (uint64_t)entry->cr0);
	board();
	trip_to_real_mode();
	line("=done", 0);
	end(0x10);
}
