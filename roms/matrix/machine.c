/* The machine under a delivery matrix. */
#include "machine.h"

#include "pc.h"

void copy(uint32_t to, const void *from, uint32_t bytes)
{
	void *d = (void *)to;

	__asm__ volatile("rep movsl" : "+D"(d), "+S"(from), "=c"(bytes) : "2"(bytes / 4) : "memory");
}

void *memset(void *at, int c, size_t n)
{
	void *d = at;

	__asm__ volatile("rep stosb" : "+D"(d), "+c"(n) : "a"(c) : "memory");
	return at;
}

void *memcpy(void *to, const void *from, size_t n)
{
	void *d = to;

	__asm__ volatile("rep movsb" : "+D"(d), "+S"(from), "+c"(n) : : "memory");
	return to;
}

void copy_bytes(uint32_t to, const void *from, uint32_t bytes)
{
	memcpy((void *)to, from, bytes);
}

void set_up_interrupts(uint8_t vector)
{
	outb(0x20, 0x11); /* both PICs: edge triggered; IRQ 0 at 40h; IRQ 4 alone is let through */
	outb(0x21, vector);
	outb(0x21, 4);
	outb(0x21, 1);
	outb(0xa0, 0x11);
	outb(0xa1, 0x70);
	outb(0xa1, 2);
	outb(0xa1, 1);
	outb(0x21, 0xef);
	outb(0xa1, 0xff);
	outb(0x3fb, 3); /* the UART: its transmitter is empty, so IER bit 1 is an interrupt request */
	outb(0x3f9, 0);
	outb(0x3fc, 8);
}

void raise_irq(void)
{
	outb(0x3f9, 2);
	outb(0x20, 0x0a);
	for (unsigned i = 0; i < 100000 && !(inb(0x20) & 0x10); i++)
		;
}

void lower_irq(void)
{
	outb(0x3f9, 0);
	inb(0x3fa);
	outb(0x20, 0x20);
}

void set_wp(bool wp)
{
	uint32_t cr0;

	__asm__ volatile("clts; mov %%cr0, %0" : "=r"(cr0));
	if ((cr0 >> 16 & 1) != wp)
		__asm__ volatile("mov %0, %%cr0" : : "r"(cr0 ^ 0x10000) : "memory");
}

void set_pages(const struct guarded *g, bool on, volatile uint32_t *(*entry)(uint32_t linear))
{
	uint32_t cr3;

	for (unsigned i = 0; i < g->pages; i++)
		*entry(g->page[i].linear) = g->page[i].linear | (on ? g->page[i].flags : ALL_RIGHTS);
	if (g->pages) /* a page may have several addresses */
		__asm__ volatile("mov %%cr3, %0; mov %0, %%cr3" : "=r"(cr3) : : "memory");
}

void put(char c)
{
	outb(PORT_DEBUGCON, (uint8_t)c);
}

void put_hex(uint64_t v, int digits)
{
	while (digits < 16 && v >> (digits * 4))
		digits++;
	while (digits--)
		put("0123456789abcdef"[v >> (digits * 4) & 15]);
}

void put_field(uint64_t v)
{
	put(' ');
	put_hex(v, 1);
}

void put_byte(uint32_t i, uint8_t v)
{
	if (i % 2 == 0)
		put(i % 4 ? '.' : ' ');
	put_hex(v, 2);
}

uint32_t step(uint32_t magic, const uint32_t *multiboot)
{
	const char *s;
	uint32_t n = 0;

	if (magic != 0x2badb002 || !(multiboot[0] & 4))
		return 1;
	for (s = (const char *)multiboot[4]; *s; s++)
		n = *s >= '0' && *s <= '9' ? n * 10 + (uint32_t)(*s - '0') : 0;
	return n ? n : 1;
}

void end(void)
{
	for (const char *s = "end\n"; *s; s++)
		put(*s);
	for (const char *s = "Shutdown"; *s; s++) /* Bochs switches off by these */
		outb(0x8900, (uint8_t)*s);
	outb(PORT_DEBUG_EXIT, 0);
	__asm__ volatile("outw %w0, %w1" : : "a"(POWER_OFF), "d"(PORT_POWER_OFF));
}
