/* The laboratory, see lab.h. */
#include "kernel.h"

#define COM1      0x3f8
#define ELCR      0x4d0
#define DR7_FIXED 0x400ul

struct lab_seen seen;
volatile uint32_t level_deliveries;
bool level_try;
uint64_t lab_jump_to;
static uint32_t watch_action, step_action;
static volatile bool nmi_hold, softirq_done;
static volatile uint64_t thread_result;
extern const uint64_t sys_call_table[NR_syscalls];

long sys_lab(uint64_t request, uint64_t a, uint64_t b);

void lab_record(struct lab_frame *to, const struct pt_regs *regs, uint64_t vector, uint64_t error)
{
	*to = (struct lab_frame){to->count + 1, (unsigned)vector, error, regs->ip, regs->cs & 0xffff, regs->flags,
				 regs->ss & 0xffff, regs->sp, (uint64_t)(regs + 1), 0, 0};
	if (user_mode(regs))
		__asm__ volatile("movl %%ss, %0" : "=r"(seen.user_ss));
}

/* In #DB, IF = 0: afterwards NMIs are blocked and one waits.  The first is returned from without IRETQ (lab_nmi), the
 * second is held until the IRETQ of #DB, and so comes at exactly the instruction that #DB returns to. SDM 3A,
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

void lab_debug(bool watch)
{
	uint32_t action = watch ? watch_action : step_action;

	if (watch)
		__asm__ volatile("movq %0, %%db7" : : "r"(DR7_FIXED));
	if (watch)
		watch_action = ACT_NOTHING;
	else
		step_action = ACT_NOTHING;
	if (action & ACT_HOLD_NMI)
		hold_nmi();
}

/* DR0, four bytes or an instruction; DR7: G0, R/W0 in bits 16-17, LEN0 in 18-19 (SDM 3B, "Debug Control Register"). */
static long watch(uint64_t address, uint32_t how)
{
	uint64_t kind = how & 3, length = kind == WATCH_EXECUTE ? 0 : 3;

	if ((how & ACT_HOLD_NMI) && !has_apic)
		return -ENODEV;
	watch_action = how & ACT_HOLD_NMI;
	__asm__ volatile("movq %0, %%db0; movq %1, %%db7"
			 : : "r"(address), "r"(DR7_FIXED | 2 | kind << 16 | length << 18));
	return 0;
}

static long step(uint32_t how)
{
	if ((how & ACT_HOLD_NMI) && !has_apic)
		return -ENODEV;
	step_action = how & ACT_HOLD_NMI;
	return 0;
}

static void describe_processor(struct lab_info *info)
{
	info->intel = features.intel;
	info->has_syscall32 = features.syscall32;
	info->has_sysenter = features.sysenter;
	info->has_nx = features.nx;
	info->has_pcid = features.pcid;
	info->has_smep = features.smep;
	info->has_smap = features.smap;
	info->has_umip = features.umip;
	info->has_fsgsbase = features.fsgsbase;
	info->has_apic = has_apic;
	info->has_ioapic = has_ioapic;
	info->has_wp = 1;
	info->star = rdmsr(MSR_STAR);
	info->lstar = rdmsr(MSR_LSTAR);
	info->cstar = rdmsr(MSR_CSTAR);
	info->fmask = rdmsr(MSR_FMASK);
	info->efer = rdmsr(MSR_EFER);
	info->cr4 = read_cr4();
	info->user_cr3 = cpu_area.user_cr3 & ~cpu_area.noflush;
}

static long fill_info(uint64_t to)
{
	struct gate gate = idt_table[SYSCALL_VECTOR], gate81 = idt_table[DPL0_VECTOR];
	struct lab_info info = {
		.gate_type = gate.type & 15, .gate_dpl = gate.type >> 5 & 3, .gate81_type = gate81.type & 15,
		.gate81_dpl = gate81.type >> 5 & 3, .lapic_timer = options.lapic_timer, .jiffies = jiffies,
		.sp0 = cpu_tss.sp[0], .entry_stack_top = (uint64_t)entry_stack_top,
		.entry_start = (uint64_t)entry_start, .entry_end = (uint64_t)entry_end,
		.system_call = (uint64_t)entry_INT80, .entry_syscall = (uint64_t)entry_SYSCALL_64,
		.entry_sysenter = (uint64_t)entry_SYSENTER_compat, .irq_return = (uint64_t)irq_return,
		.sysret_instruction = (uint64_t)sysret_instruction, .int3 = (uint64_t)int3,
		.after_hlt = (uint64_t)after_hlt, .debug = (uint64_t)debug, .df_push = (uint64_t)doublefault_push,
		.sti_hlt_end = (uint64_t)sti_hlt_end, .sti_nop_end = (uint64_t)sti_nop_end,
		.trap_at_end = (uint64_t)trap_at_end, .sys_call_table = (uint64_t)sys_call_table,
		.read_at = (uint64_t)read_at, .cpu_area = (uint64_t)&cpu_area,
		.debug_r15 = cpu_tss.ist[IST_DB - 1] - PT_SIZE,
	};

	for (unsigned i = 0; i < 7; i++)
		info.ist[i] = cpu_tss.ist[i];
	for (unsigned i = 0; i < 19; i++)
		info.gate_ist[i] = idt_table[i].ist;
	describe_processor(&info);
	return copy_to_user(to, &info, sizeof(info));
}

static long fill_seen(uint64_t to)
{
	struct lab_seen copy;

	cli();
	seen.resched_on_return = resched_on_return;
	seen.syscalls = syscalls;
	seen.ia32_syscalls = ia32_syscalls;
	seen.sysenters = sysenters;
	copy_bytes(&copy, &seen, sizeof(seen));
	fill_bytes(&seen, 0, sizeof(seen));
	resched_on_return = syscalls = ia32_syscalls = sysenters = 0;
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
static long try_shadow(void (*fn)(void))
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

static void lab_thread(uint64_t n)
{
	thread_result = n + 1;
	wake_up((const void *)&thread_result);
	do_exit(0);
}

static long try_thread(uint64_t n)
{
	cli();
	thread_result = 0;
	if (!kernel_thread(lab_thread, n, "klab"))
		return -EAGAIN;
	while (!thread_result)
		if (!sleep_on((const void *)&thread_result, 0))
			break;
	sti();
	return (long)thread_result;
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

static long try_softirq(void)
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

/* A board without PCI has none, and nobody answers there: all ones. */
static bool has_elcr(void)
{
	outb(ELCR, 0);
	return inb(ELCR) == 0;
}

/* COM1 asks because its transmitter is empty, and does not stop. */
static long try_level(bool level, bool ioapic)
{
	if (ioapic ? !has_ioapic : !has_elcr())
		return -ENODEV;
	cli();
	outb(COM1 + 1, 0);
	if (ioapic)
		ioapic_route(true, level);
	else
		outb(ELCR, level ? 0x10 : 0);
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
	return (long)level_deliveries;
}

static long self_nmi(void)
{
	if (!has_apic)
		return -ENODEV;
	apic_send_nmi();
	return 0;
}

/* No IDT: the interrupt, the #GP it ends in and the #DF find no gate. */
static long triple_fault(void)
{
	static const struct {
		uint16_t limit, base[4];
	} none;

	__asm__ volatile("lidt %0; int3" : : "m"(none));
	return 0;
}

static long iret_with_nt(void)
{
	__asm__ volatile("pushq %0; popfq" : : "r"(save_flags() | X86_EFLAGS_NT) : "cc", "memory");
	return 0;
}

/* CR8 is bits 4-7 of TPR (SDM 3A, "Interaction of Task Priorities between CR8 and APIC"). */
static long try_cr8(void)
{
	uint64_t value;
	long wrong;

	if (!has_apic)
		return -ENODEV;
	__asm__ volatile("movq %0, %%cr8" : : "r"((uint64_t)(LAB_VECTOR + 0x10) >> 4));
	wrong = *(volatile uint32_t *)(APIC + 0x80) != ((LAB_VECTOR + 0x10) & 0xf0) ? TPR_NOT_CR8 : 0;
	__asm__ volatile("movq %%cr8, %0" : "=r"(value));
	wrong |= value != (LAB_VECTOR + 0x10) >> 4 ? TPR_NOT_CR8 : 0;
	return wrong | apic_try_tpr();
}

/* A #GP of SYSRET in ring 0 comes on ring 3's stack, so it gets one of its own meanwhile. */
static long try_sysret(bool on)
{
	sysret_unchecked = on;
	idt_table[13].ist = on ? IST_LAB : 0;
	return 0;
}

/* do_page_fault comes back here with -EFAULT. */
static long try_jump(uint64_t address)
{
	long result;

	lab_jump_to = address;
	__asm__ volatile("xorl %%eax, %%eax; call *%1" : "=&a"(result) : "r"(address) : "memory", "cc");
	lab_jump_to = 0;
	return result;
}

static long with_interrupts_off(void (*fn)(void))
{
	cli();
	fn();
	sti();
	return 0;
}


static long resched(void)
{
	set_need_resched(current, RESCHED_LAB);
	return 0;
}

static long set_fmask(uint64_t flags)
{
	static const uint64_t usual = X86_EFLAGS_TF | X86_EFLAGS_IF | X86_EFLAGS_DF | X86_EFLAGS_NT | X86_EFLAGS_AC;

	wrmsr(MSR_FMASK, flags ? flags : usual);
	return 0;
}

static long try_trap(uint64_t n)
{
	trap_at(n);
	return 0;
}

/* What concerns the processor; the rest is sys_lab's. */
static long lab_processor(uint64_t request, uint64_t a, uint64_t b)
{
	switch (request) {
	case LAB_IRET_NT: return iret_with_nt();
	case LAB_CR8: return try_cr8();
	case LAB_DOUBLE_FAULT: return with_interrupts_off(double_fault_now);
	case LAB_TRIPLE_FAULT: return triple_fault();
	case LAB_TRAP: return try_trap(a);
	case LAB_BAD_IST: return with_interrupts_off(bad_ist_now);
	case LAB_FMASK: return set_fmask(a);
	case LAB_SYSRET: return try_sysret(a);
	case LAB_WALK: return is_mapped(b ? current->pgd->user : current->pgd->kernel, a);
	case LAB_READ: return read_at(a);
	case LAB_JUMP: return try_jump(a);
	case LAB_CR4: write_cr4((read_cr4() & ~b) | (a & b)); return 0;
	default: return -EINVAL;
	}
}

long sys_lab(uint64_t request, uint64_t a, uint64_t b)
{
	switch (request) {
	case LAB_CMDLINE: return copy_to_user(a, options.run, b < sizeof(options.run) ? b : sizeof(options.run));
	case LAB_INFO: return fill_info(a);
	case LAB_SEEN: return fill_seen(a);
	case LAB_WATCH: return watch(a, (uint32_t)b);
	case LAB_STEP: return step((uint32_t)a);
	case LAB_STI_HLT: return try_shadow(try_sti_hlt);
	case LAB_STI_CLI: return try_shadow(a ? try_sti_nop_cli : try_sti_cli);
	case LAB_KTHREAD: return try_thread(a);
	case LAB_SOFTIRQ: return try_softirq();
	case LAB_RESCHED: return resched();
	case LAB_SELF_NMI: return self_nmi();
	case LAB_TPR: return has_apic ? apic_try_tpr() : -ENODEV;
	case LAB_LEVEL: return try_level(a, b);
	case LAB_POWER_OFF: power_off((uint32_t)a);
	default: return lab_processor(request, a, b);
	}
}
