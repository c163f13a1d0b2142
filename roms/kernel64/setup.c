/* start_kernel: options, GDT, IDT, TSS, MSRs of the system calls, control registers, the first tasks. */
#include "kernel.h"
#include "pc.h"

#define MULTIBOOT_ENTRY 0x2badb002u
#define INFO_MEMORY     1u
#define INFO_CMDLINE    4u
#define SMALLEST_MEMORY 0x800000u

/* Access bytes and flags of descriptors, SDM 3A "Segment Descriptors": byte 5 in bits 0-7, G D/B L in bits 13-15. */
#define SEG_CODE32_0 0xc09au
#define SEG_CODE64_0 0xa09au
#define SEG_DATA0    0xc092u
#define SEG_CODE32_3 0xc0fau
#define SEG_CODE64_3 0xa0fau
#define SEG_DATA3    0xc0f2u
#define SEG_LDT      0x0082u
#define SEG_TSS      0x0089u
#define FLAT         0xfffffu

#define GATE_INTR 0x0eu
#define GATE_TRAP 0x0fu
#define GATE_P    0x80u
#define GATE_DPL3 0x60u

#define CR4_UMIP     0x800ul
#define CR4_FSGSBASE 0x10000ul
#define CR4_PCIDE    0x20000ul
#define CR4_SMEP     0x100000ul
#define CR4_SMAP     0x200000ul

#define ENTRY_AREA __attribute__((section(".entry.data"), aligned(64)))

struct multiboot_info {
	uint32_t flags, mem_lower, mem_upper, boot_device, cmdline;
};

struct options options;
uint64_t memory_end = KERNEL_END;
struct features features;
ENTRY_AREA struct tss cpu_tss;
ENTRY_AREA uint64_t gdt_table[GDT_ENTRIES];
ENTRY_AREA uint64_t ldt_table[LDT_ENTRIES];
ENTRY_AREA struct gate idt_table[256];

void start_kernel(uint32_t magic, uint32_t info);
void load_tables(const void *gdtr, const void *idtr);

uint64_t segment(uint32_t base, uint32_t limit, uint32_t access)
{
	uint32_t low = (limit & 0xffff) | base << 16;
	uint32_t high = (base >> 16 & 0xff) | (access & 0xff) << 8 | (limit & 0xf0000) | (access & 0xf000) << 8 |
			(base & 0xff000000);

	return (uint64_t)high << 32 | low;
}

/* TSS and LDT descriptors have 16 bytes: the second half is bits 32-63 of the base. */
static void set_system_desc(unsigned selector, const void *base, uint32_t size, uint32_t access)
{
	gdt_table[selector / 8] = segment((uint32_t)(uint64_t)base, size - 1, access);
	gdt_table[selector / 8 + 1] = (uint64_t)base >> 32;
}

static void setup_gdt(void)
{
	gdt_table[__KERNEL32_CS / 8] = segment(0, FLAT, SEG_CODE32_0);
	gdt_table[__KERNEL_CS / 8] = segment(0, FLAT, SEG_CODE64_0);
	gdt_table[__KERNEL_DS / 8] = segment(0, FLAT, SEG_DATA0);
	gdt_table[__USER32_CS / 8] = segment(0, FLAT, SEG_CODE32_3);
	gdt_table[__USER_DS / 8] = segment(0, FLAT, SEG_DATA3);
	gdt_table[__USER_CS / 8] = segment(0, FLAT, SEG_CODE64_3);
	set_system_desc(GDT_TSS, &cpu_tss, sizeof(cpu_tss), SEG_TSS);
	set_system_desc(GDT_LDT, ldt_table, sizeof(ldt_table), SEG_LDT);
}

static void set_gate(unsigned vector, uint32_t type, unsigned ist, const char *handler)
{
	uint64_t address = (uint64_t)handler;

	idt_table[vector] = (struct gate){(uint16_t)address, __KERNEL_CS, (uint8_t)ist, (uint8_t)type,
					  (uint16_t)(address >> 16), (uint32_t)(address >> 32), 0};
}

extern char divide_error[], nmi[], overflow[], invalid_op[], device_not_available[], double_fault[], invalid_TSS[],
	segment_not_present[], stack_segment[], general_protection[], page_fault[], coprocessor_error[],
	alignment_check[], machine_check[], irq_entries_start[], apic_timer_interrupt[], spurious_interrupt[],
	lab_interrupt[], level_interrupt[], lab_trap[], dpl0_call[];

/* All are interrupt gates but 80h on request: until SWAPGS is done no interrupt may come. */
static void setup_idt(void)
{
	static const struct {
		uint8_t vector, dpl, ist;
		const char *handler;
	} gates[] = {
		{0, 0, 0, divide_error}, {1, 0, IST_DB, debug}, {2, 0, IST_NMI, nmi}, {3, 3, 0, int3},
		{4, 3, 0, overflow}, {6, 0, 0, invalid_op}, {7, 0, 0, device_not_available},
		{8, 0, IST_DF, double_fault}, {10, 0, 0, invalid_TSS}, {11, 0, 0, segment_not_present},
		{12, 0, 0, stack_segment}, {13, 0, 0, general_protection}, {14, 0, 0, page_fault},
		{16, 0, 0, coprocessor_error}, {17, 0, 0, alignment_check}, {18, 0, IST_MC, machine_check},
		{LAB_VECTOR, 0, 0, lab_interrupt}, {TRAP_VECTOR, 0, 0, lab_trap},
		{BAD_IST_VECTOR, 0, IST_BAD, lab_trap}, {LEVEL_VECTOR, 0, 0, level_interrupt},
		{SYSCALL_VECTOR, 3, 0, entry_INT80}, {DPL0_VECTOR, 0, 0, dpl0_call},
		{TIMER_VECTOR, 0, 0, apic_timer_interrupt}, {SPURIOUS_VECTOR, 0, 0, spurious_interrupt},
	};

	for (unsigned i = 0; i < sizeof(gates) / sizeof(gates[0]); i++)
		set_gate(gates[i].vector, GATE_P | GATE_INTR | gates[i].dpl * 0x20u, gates[i].ist, gates[i].handler);
	for (unsigned i = 0; i < 16; i++)
		set_gate(FIRST_IRQ_VECTOR + i, GATE_P | GATE_INTR, 0, irq_entries_start + 16 * i);
}

static void setup_tss(void)
{
	cpu_tss.sp[0] = (uint64_t)entry_stack_top;
	for (unsigned i = 0; i < IST_LAB; i++)
		cpu_tss.ist[i] = (uint64_t)ist_stacks + (i + 1) * 4096;
	cpu_tss.ist[IST_BAD - 1] = NOT_CANONICAL;
	cpu_tss.io_map = sizeof(struct tss);
}

static void cpuid(uint32_t leaf, uint32_t r[4])
{
	r[0] = leaf, r[2] = 0;
	__asm__ volatile("cpuid" : "+a"(r[0]), "=b"(r[1]), "+c"(r[2]), "=d"(r[3]));
}

/* SYSENTER in IA-32e mode is Intel's, SYSCALL in compatibility mode AMD's (each manual, the instruction's page). */
static void setup_features(void)
{
	uint32_t r[4], highest;

	cpuid(0, r);
	highest = r[0];
	features.intel = r[1] == 0x756e6547; /* "Genu" */
	features.syscall32 = !features.intel;
	cpuid(1, r);
	has_apic = r[3] & 1u << 9;
	features.sysenter = features.intel && (r[3] & 1u << 11);
	features.pcid = r[2] & 1u << 17;
	if (highest >= 7) {
		cpuid(7, r);
		features.fsgsbase = r[1] & 1u;
		features.smep = r[1] & 1u << 7;
		features.smap = r[1] & 1u << 20;
		features.umip = r[2] & 1u << 2;
	}
	cpuid(0x80000001, r);
	features.nx = r[3] & 1u << 20;
	pte_nx = features.nx ? 1ul << 63 : 0;
}

/* Writes STAC and CLAC to where entry.S has left room for them. */
static void patch_smap(void)
{
	extern const struct {
		uint64_t at, opcode;
	} __start_smap_sites[], __stop_smap_sites[];

	for (unsigned i = 0; &__start_smap_sites[i] < __stop_smap_sites; i++)
		for (unsigned j = 0; j < 3; j++)
			*(volatile uint8_t *)(__start_smap_sites[i].at + j) =
				(uint8_t)(__start_smap_sites[i].opcode >> 8 * j);
}

/* On the page tables of memory_init.  PCIDE wants PCID 0 in CR3 when it is set. */
static void setup_cpu(void)
{
	if (features.smap)
		patch_smap();
	write_cr4(read_cr4() | (features.pcid ? CR4_PCIDE : 0) | (features.smep ? CR4_SMEP : 0) |
		  (features.smap ? CR4_SMAP : 0) | (features.umip ? CR4_UMIP : 0) |
		  (features.fsgsbase ? CR4_FSGSBASE : 0));
	fsgsbase_on = features.fsgsbase;
	cpu_area.noflush = features.pcid ? 1ul << 63 : 0;
	wrmsr(MSR_GS_BASE, (uint64_t)&cpu_area);
	wrmsr(MSR_KERNEL_GS_BASE, 0);
	wrmsr(MSR_STAR, (uint64_t)__USER32_CS << 48 | (uint64_t)__KERNEL_CS << 32);
	wrmsr(MSR_LSTAR, (uint64_t)entry_SYSCALL_64);
	wrmsr(MSR_CSTAR, (uint64_t)entry_SYSCALL_compat);
	wrmsr(MSR_FMASK, X86_EFLAGS_TF | X86_EFLAGS_IF | X86_EFLAGS_DF | X86_EFLAGS_NT | X86_EFLAGS_AC);
	if (!features.sysenter)
		return;
	wrmsr(0x174, __KERNEL_CS);
	wrmsr(0x175, (uint64_t)entry_stack_top);
	wrmsr(0x176, (uint64_t)entry_SYSENTER_compat);
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
	if (take(word, n, "timer=auto") || take(word, n, "timer=lapic") || take(word, n, "timer=pit"))
		options.pit_timer = word[6] == 'p', options.lapic_timer = word[6] == 'l';
	else if (take(word, n, "selfcheck"))
		copy_bytes(options.run, "selfcheck", sizeof("selfcheck"));
	else if (n > 4 && n < sizeof(options.run) && same_text(word, "run=", 4))
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
			printk(": not known, see roms/kernel64/README\n");
		}
		text += n;
	}
}

/* The loader's structures lie below KERNEL_END. */
static void read_multiboot(uint32_t at)
{
	const struct multiboot_info *info = (const void *)(KERNEL_BASE + at);
	uint64_t end = 0x100000 + (uint64_t)info->mem_upper * 1024;

	if ((info->flags & INFO_MEMORY) && end < memory_end)
		memory_end = end;
	if ((info->flags & INFO_CMDLINE) && info->cmdline < KERNEL_END)
		parse_options((const char *)(KERNEL_BASE + info->cmdline));
}

void start_kernel(uint32_t magic, uint32_t info)
{
	struct __attribute__((packed)) {
		uint16_t limit;
		void *base;
	} gdtr = {sizeof(gdt_table) - 1, gdt_table}, idtr = {sizeof(idt_table) - 1, idt_table};

	tty_init();
	if (magic == MULTIBOOT_ENTRY && info < KERNEL_END)
		read_multiboot(info);
	if (memory_end < SMALLEST_MEMORY) {
		printk("kernel: %u KiB of memory are too little, 8 MiB are wanted\n", (unsigned)(memory_end / 1024));
		power_off(1);
	}
	setup_features();
	setup_gdt();
	setup_tss();
	setup_idt();
	load_tables(&gdtr, &idtr);
	memory_init();
	setup_cpu();
	__asm__ volatile("lldt %w0" : : "r"(GDT_LDT));
	sched_init();
	apic_init();
	irq_init();
	tty_listen();
	cpu_idle();
}
