/* start_kernel: options, GDT, IDT, TSSs, SYSENTER's MSRs, the first tasks. */
#include "kernel.h"
#include "pc.h"

#define MULTIBOOT_ENTRY 0x2badb002u
#define INFO_MEMORY     1u
#define INFO_CMDLINE    4u
#define SMALLEST_MEMORY 0x800000u

/* Access bytes and flags of descriptors, SDM 3A "Segment Descriptors": byte 5 in bits 0-7, G D/B in bits 14-15. */
#define SEG_CODE0  0xc09au
#define SEG_DATA0  0xc092u
#define SEG_CODE3  0xc0fau
#define SEG_DATA3  0xc0f2u
#define SEG_LDT    0x0082u
#define SEG_TSS    0x0089u
#define FLAT       0xfffffu

#define GATE_TASK 0x05u
#define GATE_INTR 0x0eu
#define GATE_TRAP 0x0fu
#define GATE_P    0x80u
#define GATE_DPL3 0x60u

struct multiboot_info {
	uint32_t flags, mem_lower, mem_upper, boot_device, cmdline;
};

struct options options = {.trap_gate = true};
uint32_t memory_end = KERNEL_END;
bool has_sep;
struct cpu_tss cpu_tss __attribute__((aligned(4096)));
struct tss doublefault_tss;
uint64_t gdt_table[GDT_ENTRIES], idt_table[256];
static uint8_t doublefault_stack[4096] __attribute__((aligned(16)));
extern struct task_struct *current_task;

void start_kernel(uint32_t magic, const struct multiboot_info *info);
void load_tables(const void *gdtr, const void *idtr);

uint64_t segment(uint32_t base, uint32_t limit, uint32_t access)
{
	uint32_t low = (limit & 0xffff) | base << 16;
	uint32_t high = (base >> 16 & 0xff) | (access & 0xff) << 8 | (limit & 0xf0000) | (access & 0xf000) << 8 |
			(base & 0xff000000);

	return (uint64_t)high << 32 | low;
}

void set_tss_desc(unsigned selector, const void *tss)
{
	gdt_table[selector / 8] = segment((uint32_t)tss, sizeof(struct tss) - 1, SEG_TSS);
}

void set_ldt_desc(const uint64_t *ldt)
{
	gdt_table[GDT_LDT / 8] = segment((uint32_t)ldt, LDT_ENTRIES * 8 - 1, SEG_LDT);
	__asm__ volatile("lldt %w0" : : "r"(GDT_LDT));
}

static void setup_gdt(void)
{
	gdt_table[__KERNEL_CS / 8] = segment(0, FLAT, SEG_CODE0);
	gdt_table[__KERNEL_DS / 8] = segment(0, FLAT, SEG_DATA0);
	gdt_table[__USER_CS / 8] = segment(0, FLAT, SEG_CODE3);
	gdt_table[__USER_DS / 8] = segment(0, FLAT, SEG_DATA3);
	gdt_table[__ESPFIX_SS / 8] = segment(0, FLAT, SEG_DATA0);
	gdt_table[__KERNEL_PERCPU / 8] = segment((uint32_t)&current_task, FLAT, SEG_DATA0);
	set_tss_desc(GDT_TSS, &cpu_tss.tss);
	set_tss_desc(GDT_DOUBLEFAULT, &doublefault_tss);
}

static void set_gate(unsigned vector, uint32_t type, const void *handler)
{
	uint32_t address = (uint32_t)handler;
	uint32_t selector = type == (GATE_P | GATE_TASK) ? GDT_DOUBLEFAULT : __KERNEL_CS;

	idt_table[vector] = (uint64_t)((address & 0xffff0000) | type << 8) << 32 | selector << 16 | (address & 0xffff);
}

extern char divide_error[], debug[], nmi[], overflow[], bounds[], invalid_op[], device_not_available[],
	coprocessor_segment_overrun[], invalid_TSS[], segment_not_present[], stack_segment[], general_protection[],
	page_fault[], unknown_exception[], coprocessor_error[], alignment_check[], machine_check[],
	irq_entries_start[], apic_timer_interrupt[], spurious_interrupt[], lab_interrupt[], level_interrupt[],
	dpl0_call[];

/* Traps keep IF; what reads CR2, DR6 or must not be interrupted is an interrupt gate. */
static void setup_idt(void)
{
	static const struct {
		uint8_t vector, type;
		const char *handler;
	} gates[] = {
		{0, GATE_TRAP, divide_error}, {1, GATE_INTR, debug}, {2, GATE_INTR, nmi},
		{3, GATE_INTR | GATE_DPL3, int3}, {4, GATE_TRAP | GATE_DPL3, overflow}, {5, GATE_TRAP, bounds},
		{6, GATE_TRAP, invalid_op}, {7, GATE_TRAP, device_not_available}, {8, GATE_TASK, NULL},
		{9, GATE_TRAP, coprocessor_segment_overrun}, {10, GATE_INTR, invalid_TSS},
		{11, GATE_INTR, segment_not_present}, {12, GATE_INTR, stack_segment},
		{13, GATE_INTR, general_protection}, {14, GATE_INTR, page_fault}, {15, GATE_TRAP, unknown_exception},
		{16, GATE_TRAP, coprocessor_error}, {17, GATE_TRAP, alignment_check}, {18, GATE_TRAP, machine_check},
		{LAB_VECTOR, GATE_INTR, lab_interrupt}, {LEVEL_VECTOR, GATE_INTR, level_interrupt},
		{DPL0_VECTOR, GATE_INTR, dpl0_call}, {TIMER_VECTOR, GATE_INTR, apic_timer_interrupt},
		{SPURIOUS_VECTOR, GATE_INTR, spurious_interrupt},
	};

	for (unsigned i = 0; i < sizeof(gates) / sizeof(gates[0]); i++)
		set_gate(gates[i].vector, GATE_P | gates[i].type, gates[i].handler);
	for (unsigned i = 0; i < 16; i++)
		set_gate(FIRST_IRQ_VECTOR + i, GATE_P | GATE_INTR, irq_entries_start + 16 * i);
	set_gate(SYSCALL_VECTOR, GATE_P | GATE_DPL3 | (options.trap_gate ? GATE_TRAP : GATE_INTR), system_call);
}

static void setup_tss(void)
{
	cpu_tss.tss.ss0 = __KERNEL_DS;
	cpu_tss.tss.io_map = sizeof(struct tss);
	cpu_tss.tss.esp0 = (uint32_t)&init_stack + THREAD_SIZE;
	doublefault_tss = (struct tss){
		.cr3 = (uint32_t)kernel_pgd, .eip = (uint32_t)doublefault_entry, .eflags = 2,
		.esp = (uint32_t)(doublefault_stack + sizeof(doublefault_stack)), .cs = __KERNEL_CS, .ss = __KERNEL_DS,
		.ds = __USER_DS, .es = __USER_DS, .fs = __KERNEL_PERCPU, .io_map = sizeof(struct tss),
		.ss0 = __KERNEL_DS, .esp0 = (uint32_t)(doublefault_stack + sizeof(doublefault_stack)),
	};
}

/* EFLAGS.ID can be changed: there is CPUID.  SEP of models before family 6, model 3, stepping 3 means nothing
 * (SDM 2B "SYSENTER"). */
static void setup_cpu(void)
{
	uint32_t before = save_flags(), after, leaf = 1, b, c, d = 0;

	__asm__ volatile("pushl %1; popfl; pushfl; popl %0; pushl %2; popfl"
			 : "=&r"(after) : "r"(before ^ 0x200000), "r"(before) : "cc", "memory");
	if (((before ^ after) & 0x200000) == 0)
		return;
	__asm__ volatile("cpuid" : "+a"(leaf), "=b"(b), "=c"(c), "=d"(d));
	has_apic = d & 1u << 9;
	has_sep = (d & 1u << 11) && (leaf & 0xfff) >= 0x633;
	if (!has_sep)
		return;
	wrmsr(0x174, __KERNEL_CS);
	wrmsr(0x175, (uint32_t)&cpu_tss.tss);
	wrmsr(0x176, (uint32_t)sysenter_entry);
}

static bool take(const char *word, uint32_t n, const char *wanted)
{
	uint32_t length = 0;

	while (wanted[length])
		length++;
	return n == length && same_text(word, wanted, n);
}

static bool take_option(const char *word, uint32_t n)
{
	if (take(word, n, "gate=trap") || take(word, n, "gate=interrupt"))
		options.trap_gate = word[5] == 't';
	else if (take(word, n, "espfix=on") || take(word, n, "espfix=off"))
		espfix_on = word[8] == 'n';
	else if (take(word, n, "timer=auto") || take(word, n, "timer=lapic") || take(word, n, "timer=pit"))
		options.pit_timer = word[6] == 'p', options.lapic_timer = word[6] == 'l';
	else if (take(word, n, "selfcheck"))
		copy_bytes(options.run, "selfcheck", sizeof("selfcheck"));
	else if (n > 4 && n < sizeof(options.run) && take(word, 4, "run="))
		copy_bytes(options.run, word + 4, n - 4);
	else
		return false;
	return true;
}

static bool may_be_path(const char *word, uint32_t n)
{
	bool equals = false;

	for (uint32_t i = 0; i < n; i++) {
		if (word[i] == '/')
			return true;
		equals |= word[i] == '=';
	}
	return !equals;
}

/* The first word may be the image's path: loaders differ. */
static void parse_options(const char *text)
{
	for (bool first = true;; first = false) {
		uint32_t n = 0;

		while (*text == ' ')
			text++;
		if (!*text)
			return;
		while (text[n] && text[n] != ' ')
			n++;
		if (!take_option(text, n) && (!first || !may_be_path(text, n))) {
			printk("kernel: option ");
			tty_write(text, n);
			printk(": not known, see roms/kernel/README\n");
		}
		text += n;
	}
}

void start_kernel(uint32_t magic, const struct multiboot_info *info)
{
	struct __attribute__((packed)) {
		uint16_t limit;
		void *base;
	} gdtr = {sizeof(gdt_table) - 1, gdt_table}, idtr = {sizeof(idt_table) - 1, idt_table};

	tty_init();
	if (magic == MULTIBOOT_ENTRY) {
		if ((info->flags & INFO_MEMORY) && 0x100000 + info->mem_upper * 1024 < memory_end)
			memory_end = 0x100000 + info->mem_upper * 1024;
		if (info->flags & INFO_CMDLINE)
			parse_options((const char *)info->cmdline);
	}
	if (memory_end < SMALLEST_MEMORY) {
		printk("kernel: %u KiB of memory are too little, 8 MiB are wanted\n", memory_end / 1024);
		power_off(1);
	}
	setup_gdt();
	setup_tss();
	setup_idt();
	load_tables(&gdtr, &idtr);
	memory_init();
	setup_cpu();
	sched_init();
	apic_init();
	irq_init();
	tty_listen();
	cpu_idle();
}
