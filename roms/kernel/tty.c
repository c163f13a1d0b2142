/* COM1, a line at a time with echo; printk; the ways to switch the machine off. */
#include <kernel.h> /* of the kernel that this is built for: this one, or roms/kernel64 */
#include "pc.h"

#define COM1 0x3f8
#define LINE_READY 0x01u
#define THR_EMPTY  0x20u
#define END_OF_FILE 4 /* Ctrl-D */

/* What ring 3 has not read yet: head <= finished <= tail, modulo size; behind finished is a line that is still
 * typed.  What is typed ahead is echoed when it is read: echoed is how far that has come, in the line that `echoing`
 * tells of. */
static struct {
	char text[1024];
	uint32_t head, finished, tail, echoed;
	bool echoing, throttled;
} input;
#define SLOT(n) input.text[(n) % sizeof(input.text)]

/* FCR stays as it is: a change between the modes clears the FIFOs (PC16550D datasheet, "FIFO Control Register"), and
 * what was typed ahead of the kernel would be lost. */
void tty_init(void)
{
	outb(COM1 + 1, 0);
	outb(COM1 + 3, 0x80); /* divisor 1: 115200 baud, 8 bits, no parity */
	outb(COM1 + 0, 1);
	outb(COM1 + 1, 0);
	outb(COM1 + 3, 0x03);
	outb(COM1 + 4, 0x0b);
}

/* After the 8259s: a request that was there before ICW1 is no edge to them. */
void tty_listen(void)
{
	outb(COM1 + 1, 1);
}

static void put(char c)
{
	for (uint32_t i = 0; i < 1000000 && !(inb(COM1 + 5) & THR_EMPTY); i++)
		;
	outb(COM1, (uint8_t)c);
}

void tty_write(const char *text, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (text[i] == '\n')
			put('\r');
		put(text[i]);
	}
}

static void echo(void)
{
	while (input.echoing && input.echoed != input.tail) {
		char c = SLOT(input.echoed++);

		if (c != END_OF_FILE)
			tty_write(&c, 1);
		input.echoing = c != '\n' && c != END_OF_FILE;
	}
}

static void rub_out(void)
{
	if (input.tail == input.finished)
		return;
	if (input.echoed == input.tail--) {
		input.echoed--;
		tty_write("\b \b", 3);
	}
}

static void finish_line(void)
{
	input.finished = input.tail;
	wake_up(&input);
}

static void take(char c)
{
	if (c == '\r')
		c = '\n';
	if (c == '\b' || c == 0x7f) {
		rub_out();
		return;
	}
	SLOT(input.tail++) = c;
	echo();
	if (c == '\n' || c == END_OF_FILE)
		finish_line();
}

/* Without room characters stay in the UART, and before it, until some are read. */
void tty_interrupt(void)
{
	if (level_try) {
		level_served();
		return;
	}
	while (inb(COM1 + 5) & LINE_READY) {
		if (input.tail - input.head == sizeof(input.text)) {
			finish_line();
			input.throttled = true;
			outb(COM1 + 1, 0);
			return;
		}
		take((char)inb(COM1));
	}
}

/* Up to the end of the line. */
int tty_read(char *to, uint32_t n)
{
	uint32_t got = 0;

	cli();
	input.echoing |= input.echoed == input.head;
	echo();
	while (input.head == input.finished)
		if (!sleep_on(&input, 0)) {
			sti();
			return -EINTR;
		}
	while (got < n && input.head != input.finished) {
		char c = SLOT(input.head++);

		if (c == END_OF_FILE)
			break;
		to[got++] = c;
		if (c == '\n')
			break;
	}
	if (input.throttled) {
		input.throttled = false;
		tty_listen();
	}
	sti();
	return (int)got;
}

static void put_number(unsigned long value, uint32_t base, uint32_t width)
{
	char digits[24];
	uint32_t n = 0;

	do {
		digits[n++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value || n < width);
	while (n)
		tty_write(&digits[--n], 1);
}

/* %s %u %d %x %lx; a width for %x means leading zeros. */
void printk(const char *format, ...)
{
	va_list values;

	va_start(values, format);
	for (; *format; format++) {
		uint32_t width = 0;
		const char *text;
		int32_t number;

		if (*format != '%') {
			tty_write(format, 1);
			continue;
		}
		for (format++; *format >= '0' && *format <= '9'; format++)
			width = width * 10 + (uint32_t)(*format - '0');
		if (*format == 's') {
			for (text = va_arg(values, const char *); *text; text++)
				tty_write(text, 1);
			continue;
		}
		if (*format == 'l') {
			format++;
			put_number(va_arg(values, unsigned long), 16, width);
			continue;
		}
		number = va_arg(values, int32_t);
		if (*format == 'd' && number < 0)
			tty_write("-", 1), number = -number;
		put_number((uint32_t)number, *format == 'x' ? 16 : 10, width);
	}
	va_end(values);
}

/* isa-debug-exit, where there is one, ends the machine with (status << 1) | 1. */
void power_off(uint32_t status)
{
	cli();
	__asm__ volatile("outl %0, %w1" : : "a"(status), "Nd"(PORT_DEBUG_EXIT));
	__asm__ volatile("outw %w0, %w1" : : "a"(POWER_OFF), "d"(PORT_POWER_OFF));
	for (;;)
		__asm__ volatile("cli; hlt");
}
