/* The laboratory, see lab.h. */
#include "kernel.h"

#define COM1        0x3f8
#define ELCR        0x4d0
#define DR7_FIXED   0x400u
#define MSR_SYSENTER_CS 0x174

struct lab_seen seen;
volatile uint32_t level_deliveries;
bool level_try;
static uint32_t watch_action, step_action;
static volatile bool nmi_hold, softirq_done;
static volatile uint32_t thread_result;

asmlinkage int sys_lab(const uint32_t request, const uint32_t a, const uint32_t b);

void lab_record(struct lab_frame *to, const struct pt_regs *regs, uint32_t vector, uint32_t error)
{
	*to = (struct lab_frame){to->count + 1, vector, error, regs->ip, regs->cs & 0xffff, regs->flags, __KERNEL_DS,
				 (uint32_t)&regs->sp};
	if (user_mode(regs)) {
		to->ss = regs->ss & 0xffff;
		to->sp = regs->sp;
	}
}

/* In #DB, IF = 0: afterwards NMIs are blocked and one waits.  The first is returned from without IRET (lab_nmi), the
 * second is held until the IRET of #DB, and so comes at exactly the instruction that #DB returns to. SDM 3A,
 * "Handling Multiple NMIs". */
static void hold_nmi(void)
{
	uint32_t before = seen.nmi.count;

	nmi_hold = true;
	apic_send_nmi();
	for (uint32_t i = 0; i < 100000 && *(volatile unsigned *)&seen.nmi.count == before; i++)
		;
	apic_send_nmi();
}

bool lab_nmi(void)
{
	bool hold = nmi_hold;

	nmi_hold = false;
	return hold;
}

bool lab_watches(uint32_t ss)
{
	return !(watch_action & ACT_ON_ESPFIX) || (ss & 0xffff) == __ESPFIX_SS;
}

void lab_debug(bool watch)
{
	uint32_t action = watch ? watch_action : step_action;

	if (watch)
		__asm__ volatile("movl %0, %%db7" : : "r"(DR7_FIXED));
	if (watch)
		watch_action = ACT_NOTHING;
	else
		step_action = ACT_NOTHING;
	if (action & ACT_HOLD_NMI)
		hold_nmi();
}

/* DR0, four bytes or an instruction; DR7: G0, R/W0 in bits 16-17, LEN0 in 18-19 (SDM 3B, "Debug Control Register"). */
static int watch(uint32_t address, uint32_t how)
{
	uint32_t kind = how & 3, length = kind == WATCH_EXECUTE ? 0 : 3;

	if ((how & ACT_HOLD_NMI) && !has_apic)
		return -ENODEV;
	watch_action = how & (ACT_HOLD_NMI | ACT_ON_ESPFIX);
	__asm__ volatile("movl %0, %%db0; movl %1, %%db7"
			 : : "r"(address), "r"(DR7_FIXED | 2 | kind << 16 | length << 18));
	return 0;
}

static int step(uint32_t how)
{
	if ((how & ACT_HOLD_NMI) && !has_apic)
		return -ENODEV;
	step_action = how & ACT_HOLD_NMI;
	return 0;
}

static int fill_info(uint32_t to)
{
	uint64_t gate = idt_table[SYSCALL_VECTOR], gate81 = idt_table[DPL0_VECTOR], gate8 = idt_table[8];
	uint64_t espfix = gdt_table[__ESPFIX_SS / 8];
	struct lab_info info = {
		.save_all_24 = SAVE_ALL_24, .gate_type = gate >> 40 & 15, .gate_dpl = gate >> 45 & 3,
		.gate81_type = gate81 >> 40 & 15, .gate81_dpl = gate81 >> 45 & 3, .gate8_type = gate8 >> 40 & 15,
		.gate8_selector = gate8 >> 16 & 0xffff, .sp0 = cpu_tss.tss.esp0, .espfix = espfix_on,
		.has_wp = has_wp(), .has_sep = has_sep, .has_apic = has_apic, .has_ioapic = has_ioapic,
		.lapic_timer = options.lapic_timer, .jiffies = jiffies,
		.espfix_base = (espfix >> 16 & 0xffffff) | (espfix >> 56) << 24,
		.system_call = (uint32_t)system_call, .sysenter_entry = (uint32_t)sysenter_entry,
		.irq_return = (uint32_t)irq_return, .int3 = (uint32_t)int3, .after_hlt = (uint32_t)after_hlt,
		.debug = (uint32_t)debug, .debug_fixup = (uint32_t)debug_fixup, .df_push = (uint32_t)doublefault_push,
		.sti_hlt_end = (uint32_t)sti_hlt_end, .sti_nop_end = (uint32_t)sti_nop_end,
		.sysenter_frame_bx = (uint32_t)&cpu_tss.tss - PT_OLDESP,
	};

	if (has_sep) {
		info.sysenter_cs = rdmsr(MSR_SYSENTER_CS);
		info.sysenter_esp = rdmsr(MSR_SYSENTER_CS + 1);
		info.sysenter_eip = rdmsr(MSR_SYSENTER_CS + 2);
	}
	return copy_to_user(to, &info, sizeof(info));
}

static int fill_seen(uint32_t to)
{
	struct lab_seen copy;

	cli();
	seen.resched_on_return = resched_on_return;
	seen.sysenters = sysenters;
	copy_bytes(&copy, &seen, sizeof(seen));
	fill_bytes(&seen, 0, sizeof(seen));
	resched_on_return = sysenters = 0;
	sti();
	return copy_to_user(to, &copy, sizeof(copy));
}

/* Until a timer interrupt waits behind IF = 0; false: none came. */
static bool wait_for_timer(void)
{
	for (uint32_t i = 0; i < 50000000; i++) {
		if (options.lapic_timer ? apic_timer_waits() : (outb(0x20, 0x0a), inb(0x20) & 1))
			return true;
	}
	return false;
}

/* 1: the timer interrupt came, 0: none came. */
static int try_shadow(void (*fn)(void))
{
	uint32_t before;

	cli();
	before = jiffies;
	if (!wait_for_timer()) {
		sti();
		return -ENODEV;
	}
	fn();
	before = jiffies - before;
	seen.shadow = seen.timer;
	sti();
	return before != 0;
}

static int iret_with_nt(void)
{
	__asm__ volatile("pushl %0; popfl" : : "r"(save_flags() | X86_EFLAGS_NT) : "cc", "memory");
	return 0;
}

static void lab_thread(uint32_t n)
{
	thread_result = n + 1;
	wake_up((const void *)&thread_result);
	do_exit(0);
}

static int try_thread(uint32_t n)
{
	cli();
	thread_result = 0;
	if (!kernel_thread(lab_thread, n, "klab"))
		return -EAGAIN;
	while (!thread_result)
		if (!sleep_on((const void *)&thread_result, 0))
			break;
	sti();
	return (int)thread_result;
}

/* With IF = 1, on the way out of an interrupt: the next one comes inside. */
void lab_softirq(void)
{
	volatile uint32_t *now = &jiffies;
	uint32_t before = *now;

	for (uint32_t i = 0; i < 50000000 && *now == before; i++)
		;
	seen.softirq_nested = *now - before;
	softirq_done = true;
}

static int try_softirq(void)
{
	softirq_done = false;
	raise_softirq(SOFTIRQ_LAB);
	while (!softirq_done)
		default_idle();
	return 0;
}

/* The second delivery takes the request away: THRE is no longer enabled. */
void level_served(void)
{
	if (++level_deliveries >= 2)
		outb(COM1 + 1, 0);
}

/* COM1 asks because its transmitter is empty, and does not stop. */
static int try_level(bool level, bool ioapic)
{
	if (ioapic && !has_ioapic)
		return -ENODEV;
	cli();
	outb(COM1 + 1, 0);
	if (ioapic)
		ioapic_route(true, level);
	else
		outb(ELCR, level ? 0x10 : 0);
	if (!ioapic && (inb(ELCR) & 0x10) != (level ? 0x10 : 0)) {
		tty_listen();
		sti();
		return -ENODEV; /* a board without PCI */
	}
	level_try = true;
	level_deliveries = 0;
	outb(COM1 + 1, 2);
	sti();
	for (volatile uint32_t i = 0; i < 10000; i++)
		;
	cli();
	outb(COM1 + 1, 0);
	level_try = false;
	if (ioapic)
		ioapic_route(false, false);
	else
		outb(ELCR, 0);
	tty_listen();
	sti();
	return (int)level_deliveries;
}

static int self_nmi(void)
{
	if (!has_apic)
		return -ENODEV;
	apic_send_nmi();
	return 0;
}

/* No IDT: the interrupt, the #GP it ends in and the #DF find no gate. */
static int triple_fault(void)
{
	static const struct {
		uint16_t limit, base[2];
	} none;

	__asm__ volatile("lidt %0; int3" : : "m"(none));
	return 0;
}

static int double_fault(void)
{
	cli();
	double_fault_now();
	sti();
	return 0;
}

static int resched(void)
{
	set_need_resched(current, RESCHED_LAB);
	return 0;
}

asmlinkage int sys_lab(const uint32_t request, const uint32_t a, const uint32_t b)
{
	switch (request) {
	case LAB_CMDLINE: return copy_to_user(a, options.run, b < sizeof(options.run) ? b : sizeof(options.run));
	case LAB_INFO: return fill_info(a);
	case LAB_SEEN: return fill_seen(a);
	case LAB_ESPFIX: espfix_on = a; return 0;
	case LAB_WATCH: return watch(a, b);
	case LAB_STEP: return step(a);
	case LAB_STI_HLT: return try_shadow(try_sti_hlt);
	case LAB_STI_CLI: return try_shadow(a ? try_sti_nop_cli : try_sti_cli);
	case LAB_IRET_NT: return iret_with_nt();
	case LAB_KTHREAD: return try_thread(a);
	case LAB_SOFTIRQ: return try_softirq();
	case LAB_RESCHED: return resched();
	case LAB_SELF_NMI: return self_nmi();
	case LAB_TPR: return has_apic ? apic_try_tpr() : -ENODEV;
	case LAB_LEVEL: return try_level(a, b);
	case LAB_DOUBLE_FAULT: return double_fault();
	case LAB_TRIPLE_FAULT: return triple_fault();
	case LAB_POWER_OFF: power_off(a);
	default: return -EINVAL;
	}
}
