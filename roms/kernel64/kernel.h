/* The kernel's declarations. */
#ifndef KERNEL_KERNEL_H
#define KERNEL_KERNEL_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lab.h"
#include "layout.h"

/* What the i386 kernel marks where it shares a source with this one; here all take their arguments alike. */
#define fastcall

#define HZ        1000
#define TIMESLICE 5 /* ticks */
#define NR_TASKS  16
#define NR_SIGNALS 32

struct pt_regs {
	uint64_t r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip, cs, flags, sp, ss;
};
_Static_assert(sizeof(struct pt_regs) == PT_SIZE, "pt_regs");
_Static_assert(offsetof(struct pt_regs, ip) == PT_RIP && offsetof(struct pt_regs, ax) == PT_RAX, "pt_regs");

struct thread_info {
	struct task_struct *task;
	uint32_t flags;
	uint32_t preempt_count; /* bits 0-7 preempt, 8-15 softirq, 16-23 hardirq */
};
#define SOFTIRQ_OFFSET 0x100u
#define HARDIRQ_OFFSET 0x10000u
_Static_assert(offsetof(struct thread_info, flags) == TI_flags, "thread_info");

union thread_union {
	struct thread_info info;
	uint8_t stack[THREAD_SIZE];
};

enum task_state { TASK_UNUSED, TASK_RUNNING, TASK_INTERRUPTIBLE, TASK_ZOMBIE };

/* What the hooks of a traced task do. */
struct tracing {
	bool log;
	uint64_t from, to;        /* the entry hook turns call `from` into `to`, if they differ */
	uint64_t entries, exits, last_number, last_result;
};

/* The two page tables of a task, PTI_PAGE apart. */
struct page_tables {
	uint64_t kernel[512], user[512];
};
_Static_assert(offsetof(struct page_tables, user) == PTI_PAGE, "page_tables");

struct task_struct {
	uint64_t pid;
	uint64_t thread_sp, thread_ip; /* TASK_THREAD_SP, TASK_THREAD_IP */
	enum task_state state;
	struct task_struct *parent;
	uint32_t exit_code;       /* as wait tells it: code << 8 | signal */
	int32_t counter;          /* ticks left of the time slice */
	uint32_t wake_at;         /* jiffies; 0: no alarm */
	const void *waits_for;    /* what wake_up is called with */
	struct page_tables *pgd;
	union thread_union *stack;
	uint32_t uid;
	uint32_t pending, blocked; /* bit n: signal n */
	uint64_t handler[NR_SIGNALS]; /* 0: default, 1: ignored */
	uint64_t restorer;        /* where handlers return to */
	uint64_t trap_no, error_code, cr2; /* for the signal frame */
	uint64_t fs_base, gs_base;
	uint64_t ldt[LDT_ENTRIES];
	struct tracing tracing;
	char comm[16];
};
_Static_assert(offsetof(struct task_struct, thread_sp) == TASK_THREAD_SP, "thread_sp");
_Static_assert(offsetof(struct task_struct, thread_ip) == TASK_THREAD_IP, "thread_ip");

/* SDM 3A, "TSS Format in 64-bit Mode". */
struct tss {
	uint32_t r0;
	uint64_t sp[3], r1, ist[7], r2; /* ist[0] is IST 1 */
	uint16_t r3, io_map;
} __attribute__((packed));
_Static_assert(sizeof(struct tss) == 104, "tss");

/* GS base of the kernel: CPU_... of layout.h. */
struct cpu_area {
	struct task_struct *task;
	uint64_t top_of_stack, user_sp, user_cr3, noflush;
};

struct gate {
	uint16_t offset_low, selector;
	uint8_t ist, type;
	uint16_t offset_middle;
	uint32_t offset_high, zero;
};

/* ---- setup.c ---- */
struct options {
	bool lapic_timer, pit_timer;
	char run[512];
};
extern struct options options;
extern uint64_t memory_end;
extern struct tss cpu_tss;
extern uint64_t gdt_table[GDT_ENTRIES], ldt_table[LDT_ENTRIES];
extern struct gate idt_table[256];
uint64_t segment(uint32_t base, uint32_t limit, uint32_t access);
/* What CPUID says of what not every processor has. */
struct features {
	bool intel, nx, pcid, smep, smap, umip, fsgsbase, sysenter, syscall32;
};
extern struct features features;

/* ---- entry.S ---- */
extern char entry_SYSCALL_64[], entry_SYSCALL_compat[], entry_SYSENTER_compat[], entry_INT80[], irq_return[],
	sysret_instruction[], int3[], after_hlt[], ret_from_fork[], ret_from_kernel_thread[], doublefault_push[],
	doublefault_back[], debug[], sti_hlt_end[], sti_nop_end[], trap_at_end[], entry_stack[],
	entry_stack_top[], ist_stacks[], entry_start[], entry_end[];
extern struct cpu_area cpu_area;
extern uint32_t fsgsbase_on, resched_on_return, syscalls, ia32_syscalls, sysenters, sysret_unchecked;
extern uint64_t paranoid_gs, paranoid_cr3; /* as paranoid_entry found them */
void try_sti_hlt(void);
void try_sti_cli(void);
void try_sti_nop_cli(void);
void default_idle(void);
struct task_struct *switch_to(struct task_struct *prev, struct task_struct *next);
void double_fault_now(void);
void bad_ist_now(void);
void trap_at(uint64_t n);
long read_at(uint64_t address);
int copy_bytes(void *to, const void *from, uint64_t n); /* 0, or -EFAULT */

/* ---- memory.c ---- */
#define PTE_PRESENT 1ul
#define PTE_WRITE   2ul
#define PTE_USER    4ul
#define PTE_LARGE   0x80ul
#define PTE_SHARED  0x200ul /* for software: fork shares this page */
#define PTE_ADDRESS 0x000ffffffffff000ul
extern uint64_t pte_nx; /* bit 63, where the processor has it */
extern struct page_tables page_tables[NR_TASKS]; /* [0]: the kernel's own */
#define kernel_pgd (&page_tables[0])
void memory_init(void);
uint64_t physical(const void *address);
void load_pgd(const struct page_tables *pgd);
bool is_mapped(const uint64_t *pgd, uint64_t address);
bool copy_pgd(struct page_tables *to, const struct page_tables *from);
bool load_user(struct page_tables *pgd);
void free_pgd(struct page_tables *pgd);
int copy_to_user(uint64_t to, const void *from, uint64_t n);   /* 0 or -EFAULT */
int copy_from_user(void *to, uint64_t from, uint64_t n);

/* ---- sched.c ---- */
extern struct task_struct tasks[NR_TASKS];
extern union thread_union init_stack;
extern uint32_t jiffies;
static inline struct task_struct *get_current(void)
{
	struct task_struct *task;

	__asm__ volatile("movq %%gs:0, %0" : "=r"(task));
	return task;
}
#define current get_current()
struct thread_info *task_info(const struct task_struct *task);
struct pt_regs *task_regs(const struct task_struct *task);
void set_flag(struct task_struct *task, uint32_t tif);
void set_need_resched(struct task_struct *task, enum resched_why why);
void sched_init(void);
struct task_struct *new_task(void);
struct task_struct *kernel_thread(void (*fn)(uint64_t), uint64_t arg, const char *name);
void schedule(void);
void scheduler_tick(void);
bool sleep_on(const void *what, uint32_t until); /* IF = 0; false: a signal came */
void wake_up(const void *what);
void wake_task(struct task_struct *task);
void cpu_idle(void) __attribute__((noreturn));

/* ---- fork.c, signal.c ---- */
void do_exit(uint32_t code) __attribute__((noreturn));
void send_signal(struct task_struct *task, unsigned number);
void force_signal(unsigned number, uint64_t trap_no, uint64_t error_code, uint64_t cr2);
bool signal_pending(const struct task_struct *task);
bool do_signal(struct pt_regs *regs);

/* ---- traps.c ---- */
bool user_mode(const struct pt_regs *regs);
bool fixup_exception(struct pt_regs *regs, uint64_t vector, uint64_t error) __attribute__((noinline));
void die(const char *what, const struct pt_regs *regs, uint64_t error) __attribute__((noreturn));

/* ---- irq.c, apic.c: the i386 kernel's ---- */
#define KERNEL_STACK_TOP cpu_area.top_of_stack
void irq_init(void);
void irq_enter(void);
void irq_exit(void);
void timer_tick(struct pt_regs *regs);
void pic_enable(unsigned irq, bool on);
void raise_softirq(unsigned number);
enum { SOFTIRQ_TIMER, SOFTIRQ_LAB };
extern bool has_apic, has_ioapic;
void apic_init(void);
void apic_send_nmi(void);
int apic_try_tpr(void);
bool apic_timer_waits(void);
void ioapic_route(bool on, bool level);
void apic_eoi(void);

/* ---- lab.c ---- */
extern struct lab_seen seen;
extern volatile uint32_t level_deliveries;
extern bool level_try;
extern uint64_t lab_jump_to; /* the address whose fetch ring 0 tries; 0: none */
void lab_record(struct lab_frame *to, const struct pt_regs *regs, uint64_t vector, uint64_t error);
void lab_debug(bool watch);
bool lab_nmi(void);
void lab_softirq(void);
void level_served(void);

/* ---- tty.c: the i386 kernel's ---- */
void tty_init(void);
void tty_listen(void);
void tty_interrupt(void);
void tty_write(const char *text, uint32_t n);
int tty_read(char *to, uint32_t n); /* 0: end of file; -EINTR */
void printk(const char *format, ...) __attribute__((format(printf, 1, 2)));
void power_off(uint32_t status) __attribute__((noreturn));

/* ---- small things ---- */
static inline uint8_t inb(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %w1, %b0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline void outb(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %b0, %w1" : : "a"(value), "Nd"(port));
}

static inline void cli(void)
{
	__asm__ volatile("cli" : : : "memory");
}

static inline void sti(void)
{
	__asm__ volatile("sti" : : : "memory");
}

static inline uint64_t save_flags(void)
{
	uint64_t flags;

	__asm__ volatile("pushfq; popq %0" : "=r"(flags));
	return flags;
}

static inline void wrmsr(uint32_t msr, uint64_t value)
{
	__asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
}

static inline uint64_t rdmsr(uint32_t msr)
{
	uint32_t low, high;

	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
	return (uint64_t)high << 32 | low;
}

static inline uint64_t read_cr4(void)
{
	uint64_t value;

	__asm__ volatile("movq %%cr4, %0" : "=r"(value));
	return value;
}

static inline void write_cr4(uint64_t value)
{
	__asm__ volatile("movq %0, %%cr4" : : "r"(value) : "memory");
}

/* The stack this runs on is a task's. */
static inline struct thread_info *stack_info(void)
{
	struct thread_info *info;

	__asm__ volatile("movq %1, %0; andq %%rsp, %0" : "=&r"(info) : "i"(-THREAD_SIZE));
	return info;
}

static inline void fill_bytes(void *to, uint8_t value, uint64_t n)
{
	__asm__ volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(value) : "memory");
}

static inline bool same_text(const char *a, const char *b, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		if (a[i] != b[i])
			return false;
	return true;
}

#endif
