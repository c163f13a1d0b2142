/* The kernel's declarations. */
#ifndef KERNEL_KERNEL_H
#define KERNEL_KERNEL_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lab.h"
#include "layout.h"

/* System calls take their arguments from the stack, which are the words of pt_regs: they are const, so that the
 * compiler does not write to them, and no call is turned into a jump (-fno-optimize-sibling-calls). */
#define asmlinkage __attribute__((regparm(0)))
/* Called from assembly with the argument in EAX. */
#define fastcall __attribute__((regparm(3)))

#define HZ        1000
#define TIMESLICE 5 /* ticks */
#define NR_TASKS  16
#define NR_SIGNALS 32

struct pt_regs {
	uint32_t bx, cx, dx, si, di, bp, ax, ds, es;
#if !SAVE_ALL_24
	uint32_t fs, gs;
#endif
	uint32_t orig_ax, ip, cs, flags, sp, ss;
};
_Static_assert(sizeof(struct pt_regs) == PT_SIZE, "pt_regs");
_Static_assert(offsetof(struct pt_regs, ip) == PT_EIP, "pt_regs.ip");

struct thread_info {
	struct task_struct *task;
	uint32_t flags;
	uint32_t preempt_count; /* bits 0-7 preempt, 8-15 softirq, 16-23 hardirq */
};
#define SOFTIRQ_OFFSET 0x100u
#define HARDIRQ_OFFSET 0x10000u

union thread_union {
	struct thread_info info;
	uint8_t stack[THREAD_SIZE];
};

enum task_state { TASK_UNUSED, TASK_RUNNING, TASK_INTERRUPTIBLE, TASK_ZOMBIE };

/* What the hooks of a traced task do. */
struct tracing {
	bool log;
	uint32_t from, to;        /* the entry hook turns call `from` into `to`, if they differ */
	uint32_t entries, exits, last_number, last_result;
};

struct task_struct {
	uint32_t pid;
	uint32_t thread_esp, thread_eip; /* TASK_THREAD_ESP, TASK_THREAD_EIP */
	enum task_state state;
	struct task_struct *parent;
	uint32_t exit_code;       /* as wait tells it: code << 8 | signal */
	int32_t counter;          /* ticks left of the time slice */
	uint32_t wake_at;         /* jiffies; 0: no alarm */
	const void *waits_for;    /* what wake_up is called with */
	uint32_t *pgd;            /* the page directory */
	union thread_union *stack;
	uint32_t uid;
	uint32_t pending, blocked; /* bit n: signal n */
	uint32_t handler[NR_SIGNALS]; /* 0: default, 1: ignored */
	uint32_t trap_no, error_code, cr2; /* for the signal frame */
	uint64_t ldt[LDT_ENTRIES];
	struct tracing tracing;
	uint32_t fs, gs;          /* 2.4 order: not in pt_regs */
	char comm[16];
};
_Static_assert(offsetof(struct task_struct, thread_esp) == TASK_THREAD_ESP, "thread_esp");
_Static_assert(offsetof(struct task_struct, thread_eip) == TASK_THREAD_EIP, "thread_eip");

struct tss {
	uint16_t back_link, r0;
	uint32_t esp0, ss0, esp1, ss1, esp2, ss2, cr3, eip, eflags, eax, ecx, edx, ebx, esp, ebp, esi, edi;
	uint32_t es, cs, ss, ds, fs, gs, ldt;
	uint16_t trap, io_map;
};
_Static_assert(sizeof(struct tss) == 104 && offsetof(struct tss, esp0) == TSS_ESP0, "tss");

/* SYSENTER's ESP is &tss: the small stack before it takes what interrupts the first instruction. */
struct cpu_tss {
	uint32_t sysenter_stack[256];
	struct tss tss;
};

/* ---- setup.c ---- */
struct options {
	bool trap_gate, lapic_timer, pit_timer;
	char run[512];
};
extern struct options options;
extern uint32_t memory_end;
extern bool has_sep;
extern struct cpu_tss cpu_tss;
extern struct tss doublefault_tss;
extern uint64_t gdt_table[GDT_ENTRIES], idt_table[256];
uint64_t segment(uint32_t base, uint32_t limit, uint32_t access);
void set_tss_desc(unsigned selector, const void *tss);
void set_ldt_desc(const uint64_t *ldt);

/* ---- entry.S ---- */
extern char system_call[], sysenter_entry[], irq_return[], int3[], after_hlt[], debug_fixup[], ret_from_fork[],
	ret_from_kernel_thread[], doublefault_entry[], doublefault_push[], doublefault_back[], debug[],
	sti_hlt_end[], sti_nop_end[];
extern uint32_t espfix_on, resched_on_return, sysenters;
void try_sti_hlt(void);
void try_sti_cli(void);
void try_sti_nop_cli(void);
void default_idle(void);
fastcall struct task_struct *switch_to(struct task_struct *prev, struct task_struct *next);
void double_fault_now(void);
fastcall void load_fs_gs(uint32_t fs, uint32_t gs); /* what does not load becomes null */
int copy_bytes(void *to, const void *from, uint32_t n); /* 0, or -EFAULT */

/* ---- memory.c ---- */
#define PTE_PRESENT 1u
#define PTE_WRITE   2u
#define PTE_USER    4u
#define PTE_SHARED  0x200u /* for software: fork shares this page */
void memory_init(void);
bool has_wp(void);
void *get_page(void); /* cleared; NULL: none left */
void free_page(void *page);
bool map_page(uint32_t *pgd, uint32_t address, uint32_t physical, uint32_t bits);
uint32_t *new_pgd(void);
bool copy_pgd(uint32_t *to, const uint32_t *from);
bool load_user(uint32_t *pgd);
void free_pgd(uint32_t *pgd);
int copy_to_user(uint32_t to, const void *from, uint32_t n);   /* 0 or -EFAULT */
int copy_from_user(void *to, uint32_t from, uint32_t n);
extern uint32_t kernel_pgd[1024];

/* ---- sched.c ---- */
extern struct task_struct tasks[NR_TASKS];
extern union thread_union init_stack;
extern uint32_t jiffies;
struct task_struct *get_current(void);
#define current get_current()
struct thread_info *task_info(const struct task_struct *task);
struct pt_regs *task_regs(const struct task_struct *task);
void set_flag(struct task_struct *task, uint32_t tif);
void set_need_resched(struct task_struct *task, enum resched_why why);
void sched_init(void);
struct task_struct *new_task(void);
struct task_struct *kernel_thread(void (*fn)(uint32_t), uint32_t arg, const char *name);
void schedule(void);
void scheduler_tick(void);
bool sleep_on(const void *what, uint32_t until); /* IF = 0; false: a signal came */
void wake_up(const void *what);
void wake_task(struct task_struct *task);
void cpu_idle(void) __attribute__((noreturn));

/* ---- fork.c, signal.c ---- */
void do_exit(uint32_t code) __attribute__((noreturn));
void send_signal(struct task_struct *task, unsigned number);
void force_signal(unsigned number, uint32_t trap_no, uint32_t error_code, uint32_t cr2);
bool signal_pending(const struct task_struct *task);
bool do_signal(struct pt_regs *regs);

/* ---- traps.c ---- */
bool user_mode(const struct pt_regs *regs);
bool fixup_exception(struct pt_regs *regs, uint32_t vector, uint32_t error);
void die(const char *what, const struct pt_regs *regs, uint32_t error) __attribute__((noreturn));

/* ---- irq.c, apic.c: roms/kernel64's too, with its kernel.h ---- */
#define KERNEL_STACK_TOP cpu_tss.tss.esp0
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
void lab_record(struct lab_frame *to, const struct pt_regs *regs, uint32_t vector, uint32_t error);
void lab_debug(bool watch);
bool lab_watches(uint32_t ss);
bool lab_nmi(void);
void lab_softirq(void);
void level_served(void);

/* ---- tty.c ---- */
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

static inline uint32_t save_flags(void)
{
	uint32_t flags;

	__asm__ volatile("pushfl; popl %0" : "=r"(flags));
	return flags;
}

static inline void wrmsr(uint32_t msr, uint32_t value)
{
	__asm__ volatile("wrmsr" : : "c"(msr), "a"(value), "d"(0));
}

static inline uint32_t rdmsr(uint32_t msr)
{
	uint32_t value, high;

	__asm__ volatile("rdmsr" : "=a"(value), "=d"(high) : "c"(msr));
	return value;
}

/* The stack this runs on is a task's. */
static inline struct thread_info *stack_info(void)
{
	struct thread_info *info;

	__asm__ volatile("movl %1, %0; andl %%esp, %0" : "=&r"(info) : "i"(-THREAD_SIZE));
	return info;
}

static inline void fill_bytes(void *to, uint8_t value, uint32_t n)
{
	__asm__ volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(value) : "memory");
}

static inline bool same_text(const char *a, const char *b, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (a[i] != b[i])
			return false;
	return true;
}

#endif
