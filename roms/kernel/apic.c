/* Local APIC and IOAPIC (SDM 3A, "Advanced Programmable Interrupt Controller"; 82093AA datasheet). */
#include <kernel.h> /* of the kernel that this is built for: this one, or roms/kernel64 */

#define APIC_ID       0x020
#define APIC_VERSION  0x030
#define APIC_TPR      0x080
#define APIC_PPR      0x0a0
#define APIC_EOI      0x0b0
#define APIC_SVR      0x0f0
#define APIC_ISR      0x100
#define APIC_IRR      0x200
#define APIC_ICR      0x300
#define APIC_ICR2     0x310
#define APIC_LVT_TIMER 0x320
#define APIC_LINT0    0x350
#define APIC_LINT1    0x360
#define APIC_INITIAL  0x380
#define APIC_CURRENT  0x390
#define APIC_DIVIDE   0x3e0
#define LVT_PERIODIC  0x20000u
#define LVT_MASKED    0x10000u
#define EXTINT        0x700u
#define NMI           0x400u
#define ICR_ASSERT    0x4000u
#define ICR_SELF      0x40000u
#define ICR_PENDING   0x1000u
#define RTE_LEVEL     0x8000u
#define RTE_MASKED    0x10000u
#define DIVIDE_BY_16  3u
#define COM1_PIN      4u
#define PIT2          0x42
#define PIT_MODE      0x43
#define PORT61        0x61
#define CALIBRATE     2386u /* PIT clocks: 2 ms */

bool has_apic, has_ioapic;
static volatile uint32_t ipis;

fastcall void smp_apic_timer_interrupt(struct pt_regs *regs);
fastcall void smp_spurious_interrupt(struct pt_regs *regs);
fastcall void do_lab_interrupt(struct pt_regs *regs);
fastcall void do_level_interrupt(struct pt_regs *regs);

static uint32_t apic_read(uint32_t at)
{
	return *(volatile uint32_t *)(APIC + at);
}

static void apic_write(uint32_t at, uint32_t value)
{
	*(volatile uint32_t *)(APIC + at) = value;
}

static uint32_t ioapic_read(uint32_t index)
{
	*(volatile uint32_t *)IOAPIC = index;
	return *(volatile uint32_t *)(IOAPIC + 0x10);
}

static void ioapic_write(uint32_t index, uint32_t value)
{
	*(volatile uint32_t *)IOAPIC = index;
	*(volatile uint32_t *)(IOAPIC + 0x10) = value;
}

static bool bit_of(uint32_t at, unsigned vector)
{
	return apic_read(at + vector / 32 * 0x10) >> vector % 32 & 1;
}

void apic_eoi(void)
{
	apic_write(APIC_EOI, 0);
}

/* Ticks of the timer, divided by 16, in 1/HZ s, by counter 2 of the 8254 (mode 0; OUT2 is bit 5 of port 61h). */
static uint32_t calibrate(void)
{
	uint8_t port61 = inb(PORT61);
	uint32_t ticks;

	outb(PORT61, (port61 & 0xfc) | 1);
	outb(PIT_MODE, 0xb0);
	apic_write(APIC_DIVIDE, DIVIDE_BY_16 & 0xb);
	apic_write(APIC_LVT_TIMER, LVT_MASKED | TIMER_VECTOR);
	outb(PIT2, CALIBRATE & 0xff);
	outb(PIT2, CALIBRATE >> 8);
	apic_write(APIC_INITIAL, 0xffffffff);
	while (!(inb(PORT61) & 0x20))
		;
	ticks = 0xffffffff - apic_read(APIC_CURRENT);
	outb(PORT61, port61);
	return ticks / 2 * 1000 / HZ;
}

/* Virtual wire: the 8259s stay on LINT0 (SDM 3A, "LVT", delivery mode ExtINT), NMI on LINT1. */
void apic_init(void)
{
	uint32_t version, ticks;

	version = has_apic ? apic_read(APIC_VERSION) & 0xff : 0;
	has_apic = version != 0 && version != 0xff;
	if (!has_apic) {
		if (options.lapic_timer)
			printk("kernel: timer=lapic: no local APIC here, the 8254 ticks\n");
		options.lapic_timer = false;
		return;
	}
	version = ioapic_read(1) & 0xff;
	has_ioapic = version != 0 && version != 0xff;
	apic_write(APIC_SVR, 0x100 | SPURIOUS_VECTOR);
	apic_write(APIC_TPR, 0);
	apic_write(APIC_LINT0, EXTINT);
	apic_write(APIC_LINT1, NMI);
	options.lapic_timer = !options.pit_timer;
	if (!options.lapic_timer)
		return;
	ticks = calibrate();
	apic_write(APIC_LVT_TIMER, LVT_PERIODIC | TIMER_VECTOR);
	apic_write(APIC_INITIAL, ticks ? ticks : 1);
}

fastcall void smp_apic_timer_interrupt(struct pt_regs *regs)
{
	irq_enter();
	timer_tick(regs);
	apic_eoi();
	irq_exit();
}

/* No bit is set in ISR: no EOI (SDM 3A, "Spurious Interrupt"). */
fastcall void smp_spurious_interrupt(struct pt_regs *regs)
{
	seen.spurious_apic++;
}

fastcall void do_lab_interrupt(struct pt_regs *regs)
{
	ipis++;
	apic_eoi();
}

fastcall void do_level_interrupt(struct pt_regs *regs)
{
	level_served();
	apic_eoi();
}

bool apic_timer_waits(void)
{
	return bit_of(APIC_IRR, TIMER_VECTOR);
}

/* "Self" is no destination for an NMI (SDM 3A, "Valid Combinations for the xAPIC Interrupt Command Register"). */
void apic_send_nmi(void)
{
	apic_write(APIC_ICR2, apic_read(APIC_ID));
	apic_write(APIC_ICR, ICR_ASSERT | NMI);
	while (apic_read(APIC_ICR) & ICR_PENDING)
		;
}

static void wait_a_little(void)
{
	for (volatile uint32_t i = 0; i < 10000; i++)
		;
}

/* IF = 1.  0: all as the SDM has it, "Task and Processor Priorities". */
int apic_try_tpr(void)
{
	uint32_t before = ipis;
	int wrong = 0;

	apic_write(APIC_TPR, LAB_VECTOR + 0x10);
	apic_write(APIC_ICR, ICR_SELF | ICR_ASSERT | LAB_VECTOR);
	wait_a_little();
	wrong |= ipis != before ? TPR_EARLY : 0;
	wrong |= !bit_of(APIC_IRR, LAB_VECTOR) ? TPR_NOT_IN_IRR : 0;
	wrong |= (apic_read(APIC_PPR) & 0xf0) != ((LAB_VECTOR + 0x10) & 0xf0) ? TPR_PPR : 0;
	apic_write(APIC_TPR, 0);
	wait_a_little();
	wrong |= ipis != before + 1 ? TPR_LATE : 0;
	wrong |= bit_of(APIC_ISR, LAB_VECTOR) ? TPR_LEFT_IN_ISR : 0;
	return wrong;
}

/* COM1 by the IOAPIC's pin 4, to this processor; the 8259 keeps quiet meanwhile. */
void ioapic_route(bool on, bool level)
{
	pic_enable(COM1_PIN, !on);
	ioapic_write(0x11 + 2 * COM1_PIN, apic_read(APIC_ID));
	ioapic_write(0x10 + 2 * COM1_PIN, LEVEL_VECTOR | (level ? RTE_LEVEL : 0) | (on ? 0 : RTE_MASKED));
}
