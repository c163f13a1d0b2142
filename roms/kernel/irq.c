/* Interrupts from outside: 8259s, 8254, softirq on the way out. */
#include <kernel.h> /* of the kernel that this is built for: this one, or roms/kernel64 */

#define PIC1 0x20
#define PIC2 0xa0
#define ICW1 0x11
#define ICW4 0x01
#define OCW2_EOI      0x20
#define OCW3_READ_ISR 0x0b
#define PIT0     0x40
#define PIT_MODE 0x43
#define PIT_HZ   1193182u
#define IRQ_TIMER   0
#define IRQ_CASCADE 2
#define IRQ_COM1    4

static uint32_t softirq_pending;
static uint8_t mask[2] = {0xff, 0xff};

fastcall void do_IRQ(struct pt_regs *regs);

void pic_enable(unsigned irq, bool on)
{
	uint8_t *which = &mask[irq / 8], bit = (uint8_t)(1u << irq % 8);

	*which = (uint8_t)(on ? *which & ~bit : *which | bit);
	outb(irq < 8 ? PIC1 + 1 : PIC2 + 1, *which);
}

/* ICW1 to ICW4: edge triggered, vectors 20h and 28h, cascade on IR2, 8086 mode, no AEOI. */
void irq_init(void)
{
	outb(PIC1, ICW1), outb(PIC2, ICW1);
	outb(PIC1 + 1, FIRST_IRQ_VECTOR), outb(PIC2 + 1, FIRST_IRQ_VECTOR + 8);
	outb(PIC1 + 1, 1u << IRQ_CASCADE), outb(PIC2 + 1, IRQ_CASCADE);
	outb(PIC1 + 1, ICW4), outb(PIC2 + 1, ICW4);
	outb(PIC1 + 1, mask[0]), outb(PIC2 + 1, mask[1]);
	pic_enable(IRQ_CASCADE, true);
	pic_enable(IRQ_COM1, true);
	if (options.lapic_timer)
		return;
	outb(PIT_MODE, 0x34); /* counter 0, both bytes, mode 2 */
	outb(PIT0, (PIT_HZ / HZ) & 0xff);
	outb(PIT0, PIT_HZ / HZ >> 8);
	pic_enable(IRQ_TIMER, true);
}

/* ---- nesting: bits 16-23 of preempt_count count interrupts, 8-15 softirqs, of the stack they run on ---- */
void raise_softirq(unsigned number)
{
	__asm__ volatile("orl %1, %0" : "+m"(softirq_pending) : "r"(1u << number));
}

/* With IF = 1: other interrupts come in between, but no second one of these. */
static void do_softirq(void)
{
	stack_info()->preempt_count += SOFTIRQ_OFFSET;
	while (softirq_pending) {
		uint32_t pending = softirq_pending;

		softirq_pending = 0;
		sti();
		seen.softirq_if = save_flags() & X86_EFLAGS_IF;
		if (pending & 1u << SOFTIRQ_TIMER)
			scheduler_tick();
		if (pending & 1u << SOFTIRQ_LAB)
			lab_softirq();
		cli();
	}
	stack_info()->preempt_count -= SOFTIRQ_OFFSET;
}

void irq_enter(void)
{
	uint32_t count = stack_info()->preempt_count += HARDIRQ_OFFSET;

	/* Interrupts that are inside each other: this one, and one for the softirq it came into. */
	count = (count >> 16 & 0xff) + (count >> 8 & 0xff);
	if (count > seen.depth)
		seen.depth = count;
}

void irq_exit(void)
{
	struct thread_info *info = stack_info();

	info->preempt_count -= HARDIRQ_OFFSET;
	if (softirq_pending && info->preempt_count == 0)
		do_softirq();
}

/* From the 8254 or the local APIC's timer. */
void timer_tick(struct pt_regs *regs)
{
	jiffies++;
	if (user_mode(regs)) {
		seen.user_timers++;
		seen.user_room = KERNEL_STACK_TOP - (unsigned long)(regs + 1);
	} else {
		lab_record(&seen.timer, regs, 0, 0);
	}
	if (!user_mode(regs) && current == &tasks[0] && stack_info()->preempt_count == HARDIRQ_OFFSET)
		seen.idle_ip = regs->ip;
	raise_softirq(SOFTIRQ_TIMER);
}

/* A request gone before the acknowledge: the 8259 answers 7 and sets no bit in ISR.  Of the second one the first has
 * seen a request on IR2 (8259A datasheet, "Edge and level triggered modes"). */
static bool is_spurious(unsigned irq)
{
	uint16_t port = irq < 8 ? PIC1 : PIC2;

	if (irq % 8 != 7)
		return false;
	outb(port, OCW3_READ_ISR);
	if (inb(port) & 0x80)
		return false;
	if (port == PIC2)
		outb(PIC1, OCW2_EOI);
	seen.spurious_pic++;
	return true;
}

fastcall void do_IRQ(struct pt_regs *regs)
{
	unsigned irq = ~(unsigned)regs->orig_ax;

	if (is_spurious(irq))
		return;
	irq_enter();
	if (irq == IRQ_TIMER)
		timer_tick(regs);
	if (irq == IRQ_COM1)
		tty_interrupt();
	if (irq >= 8)
		outb(PIC2, OCW2_EOI);
	outb(PIC1, OCW2_EOI);
	irq_exit();
}
