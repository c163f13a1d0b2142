/* The clocks of a PC against each other, over ten seconds between two updates of the
 * real-time clock: 8254, local APIC timer, HPET and ACPI PM timer are read in one place of the code, by the same
 * instructions, at the start and at the end; so what reading costs cancels out.  Prints a line a clock to port E9h;
 * main() returns how many were more than one of their ticks off. */
#include <stdint.h>

#include "pc.h"

#define SECONDS 10u
#define TSC_HZ  1000000000u

#define PIT_HZ   1193182u
#define PM_HZ    3579545u
#define HPET_HZ  100000000u
#define LAPIC_HZ (TSC_HZ / 16)
#define HPET_INTERRUPT_HZ 100u

#define LAPIC(offset)  (*(volatile uint32_t *)(0xfee00000u + (offset)))
#define IOAPIC(offset) (*(volatile uint32_t *)(0xfec00000u + (offset)))
#define HPET(offset)   (*(volatile uint32_t *)(0xfed00000u + (offset)))
#define HPET_PIN 20u
#define PM_TIMER 0x608

/* Counted by the handlers of start.S. */
volatile uint32_t pit_interrupts, rtc_interrupts, hpet_interrupts, lapic_interrupts;

static inline void outb(uint16_t port, uint8_t value) { __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port)); }
static inline uint8_t inb(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}
static inline uint32_t inl(uint16_t port)
{
	uint32_t value;

	__asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}
static inline uint64_t rdtsc(void)
{
	uint64_t value;

	__asm__ volatile("rdtsc" : "=A"(value));
	return value;
}

static void print(const char *text)
{
	while (*text)
		outb(PORT_DEBUGCON, (uint8_t)*text++);
}

static void print_number(uint32_t n)
{
	char digits[11], *p = digits + 10;

	*p = '\0';
	do {
		*--p = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	print(p);
}

/* ---- set-up ---- */
static void set_up_pic(void)
{
	static const uint8_t words[][2] = {{0x20, 0x11}, {0x21, 0x20}, {0x21, 0x04}, {0x21, 0x01}, {0xa0, 0x11},
					   {0xa1, 0x28}, {0xa1, 0x02}, {0xa1, 0x01}, {0x21, 0xfa}, {0xa1, 0xfe}};

	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		outb(words[i][0], words[i][1]);
}

/* Mode 2, 65536 clocks a period. */
static void set_up_pit(void)
{
	outb(0x43, 0x34);
	outb(0x40, 0);
	outb(0x40, 0);
}

static uint8_t cmos(uint8_t index)
{
	outb(0x70, index);
	return inb(0x71);
}

/* An interrupt at the end of each update. */
static void set_up_rtc(void)
{
	uint8_t b = cmos(0x0b);

	outb(0x70, 0x0b);
	outb(0x71, b | 0x10);
	cmos(0x0c);
}

/* On, the 8259 through LINT0, the timer running down once from its largest count. */
static void set_up_lapic(void)
{
	LAPIC(0xf0) = 0x1ff;
	LAPIC(0x350) = 0x700;
	LAPIC(0x3e0) = 0x3; /* divide by 16 */
	LAPIC(0x320) = 0x51;
	LAPIC(0x380) = 0xffffffff;
}

/* Timer 0, periodic, 32 bits wide (the upper half of a comparator is all ones after reset), to input 20 of the
 * I/O APIC, vector 50h. */
static void set_up_hpet(void)
{
	IOAPIC(0) = 0x10 + 2 * HPET_PIN + 1;
	IOAPIC(0x10) = 0;
	IOAPIC(0) = 0x10 + 2 * HPET_PIN;
	IOAPIC(0x10) = 0x50;
	HPET(0x100) = HPET_PIN << 9 | 0x14c;
	HPET(0x108) = HPET_HZ / HPET_INTERRUPT_HZ;
	HPET(0x108) = HPET_HZ / HPET_INTERRUPT_HZ;
	HPET(0x10) = 1;
}

/* ---- reading ---- */
struct sample {
	uint64_t tsc;
	uint64_t pit, lapic, hpet, pm;
	uint32_t hpet_interrupts;
};

/* Clocks of the 8254 since set_up_pit; an IRQ0 that still waits is a period that ended. */
static uint64_t read_pit(void)
{
	uint32_t periods = pit_interrupts, left;

	outb(0x43, 0x00);
	left = inb(0x40);
	left |= (uint32_t)inb(0x40) << 8;
	if (left == 0)
		left = 65536;
	outb(0x20, 0x0a);
	if ((inb(0x20) & 1) && left > 32768)
		periods++;
	return (uint64_t)periods * 65536 + (65536 - left);
}

/* 24 bits that wrap every 4.7 s: to be read once a second. */
static uint64_t read_pm(void)
{
	static uint64_t pulses;
	static uint32_t last;
	uint32_t now = inl(PM_TIMER) & 0xffffff;

	pulses += (now - last) & 0xffffff;
	last = now;
	return pulses;
}

static uint64_t read_hpet(void)
{
	return HPET(0xf0) | (uint64_t)HPET(0xf4) << 32;
}

static __attribute__((noinline)) void read_all(struct sample *s)
{
	s->tsc = rdtsc();
	s->pit = read_pit();
	s->lapic = 0xffffffffu - LAPIC(0x390);
	s->hpet = read_hpet();
	s->pm = read_pm();
	s->hpet_interrupts = hpet_interrupts;
}

/* Halts until the next update of the real-time clock has ended. */
static void next_second(void)
{
	uint32_t seen = rtc_interrupts;

	while (rtc_interrupts == seen)
		__asm__ volatile("sti; hlt; cli" : : : "memory");
}

/* counted at hz, against the time-stamp counter: off by more than one? */
static unsigned compare(const char *name, uint64_t counted, uint32_t hz, uint64_t tsc)
{
	uint64_t a = counted * TSC_HZ, b = tsc * hz, off = a > b ? a - b : b - a;
	unsigned bad = off > TSC_HZ;

	print(name);
	print(": ");
	print_number((uint32_t)counted);
	print(bad ? " ticks, WRONG\n" : " ticks, agrees\n");
	return bad;
}

int main(void)
{
	struct sample first, last;
	unsigned bad = 0;

	set_up_pic();
	set_up_pit();
	set_up_rtc();
	set_up_lapic();
	set_up_hpet();
	next_second();
	read_all(&first);
	for (unsigned i = 0; i < SECONDS; i++) {
		next_second();
		read_all(&last);
	}
	last.tsc -= first.tsc;
	bad += compare("RTC seconds", SECONDS, 1, last.tsc);
	bad += compare("8254", last.pit - first.pit, PIT_HZ, last.tsc);
	bad += compare("local APIC timer", last.lapic - first.lapic, LAPIC_HZ, last.tsc);
	bad += compare("HPET", last.hpet - first.hpet, HPET_HZ, last.tsc);
	bad += compare("HPET interrupts", last.hpet_interrupts - first.hpet_interrupts, HPET_INTERRUPT_HZ, last.tsc);
	bad += compare("PM timer", last.pm - first.pm, PM_HZ, last.tsc);
	return (int)bad;
}
