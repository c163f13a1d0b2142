/* The machine under a delivery matrix: memory, the interrupt that comes from outside, output to port E9h. */
#ifndef MATRIX_MACHINE_H
#define MATRIX_MACHINE_H

#include "common.h"

#include <stddef.h>

static inline void outb(uint16_t port, uint8_t v)
{
	__asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}

static inline uint8_t inb(uint16_t port)
{
	uint8_t v;

	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline void wrmsr(uint32_t n, uint32_t v)
{
	__asm__ volatile("wrmsr" : : "c"(n), "a"(v), "d"(0));
}

static inline void load_table(bool idt, uint32_t base, uint32_t limit)
{
	struct {
		uint16_t limit;
		uint32_t base;
	} __attribute__((packed)) r = {(uint16_t)limit, base};

	if (idt)
		__asm__ volatile("lidt %0" : : "m"(r));
	else
		__asm__ volatile("lgdt %0" : : "m"(r));
}

/* What compilers call of their own accord. */
void *memset(void *at, int c, size_t n);
void *memcpy(void *to, const void *from, size_t n);

/* Whole doublewords; bytes. */
void copy(uint32_t to, const void *from, uint32_t bytes);
void copy_bytes(uint32_t to, const void *from, uint32_t bytes);

/* The 8259s with all but the UART's interrupt masked, which comes as vector (of a multiple of 8, + 4). */
void set_up_interrupts(uint8_t vector);

/* The UART asks for IRQ 4, and the PIC has seen it; no more. */
void raise_irq(void);
void lower_irq(void);

void set_wp(bool wp);

/* Puts the table entries of guarded pages at work, or makes them ordinary again.  entry: the table's low half of the
 * entry of an address. */
void set_pages(const struct guarded *g, bool on, volatile uint32_t *(*entry)(uint32_t linear));

void put(char c);
void put_hex(uint64_t v, int digits);
void put_field(uint64_t v);

/* Byte number i of a frame: groups of four in the order of memory. */
void put_byte(uint32_t i, uint8_t v);

/* A number on the Multiboot command line (behind the image's name, where the loader puts that): each STEPth index only.
 */
uint32_t step(uint32_t magic, const uint32_t *multiboot);

/* Ends the run on every machine. */
void end(void);

/* Loads the GDT's code, stack and data segments. */
#define LOAD_SEGMENTS(cs, ss, ds)                                                                                      \
	__asm__ volatile("ljmp %0, $1f; 1: mov %1, %%ss; mov %2, %%ds; mov %2, %%es; mov %2, %%fs; mov %2, %%gs"       \
			 :                                                                                             \
			 : "i"(cs), "r"(ss), "r"(ds))

#endif
