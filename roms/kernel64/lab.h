/* The laboratory: system call 222, lab(what, argument, argument).  What the user program cannot do in ring 3
 * is done here, and what the kernel saw is told to it. */
#ifndef KERNEL_LAB_H
#define KERNEL_LAB_H

enum lab_request {
	LAB_CMDLINE,    /* (buffer, size): the value of run= */
	LAB_INFO,       /* (struct lab_info *) */
	LAB_SEEN,       /* (struct lab_seen *); clears it */
	LAB_WATCH,      /* (address, enum lab_watch | enum lab_action): one debug register, for one hit */
	LAB_STEP,       /* (enum lab_action) at the next single step that is seen in ring 0 */
	LAB_STI_HLT,    /* STI; HLT with an interrupt waiting */
	LAB_STI_CLI,    /* STI; CLI (0) or STI; NOP; CLI (1) with an interrupt waiting */
	LAB_IRET_NT,    /* the return from this call meets NT = 1 */
	LAB_KTHREAD,    /* (n): a kernel thread adds 1 to n */
	LAB_SOFTIRQ,    /* a softirq waits for the next timer interrupt */
	LAB_RESCHED,    /* NEED_RESCHED before the return from this call */
	LAB_SELF_NMI,
	LAB_TPR,        /* an IPI to oneself while TPR holds it back: enum lab_tpr */
	LAB_CR8,        /* the same by CR8 */
	LAB_LEVEL,      /* (0 edge, 1 level; 0 8259, 1 IOAPIC): deliveries of a request that stays for two of them */
	LAB_DOUBLE_FAULT,
	LAB_TRIPLE_FAULT,
	LAB_TRAP,       /* (n): INT in ring 0 with RSP n bytes lower */
	LAB_BAD_IST,    /* INT through a gate whose stack is no canonical address */
	LAB_FMASK,      /* (flags): of SYSCALL; 0: what they were */
	LAB_SYSRET,     /* (on): without its check of RIP, #GP on a stack of its own meanwhile */
	LAB_WALK,       /* (address; 0 the kernel's page table, 1 ring 3's): 1 if it is mapped there */
	LAB_READ,       /* (address): ring 0 reads there as it is: 0 or -EFAULT */
	LAB_JUMP,       /* (address): ring 0 calls what is there: 0, or -EFAULT if it may not */
	LAB_CR4,        /* (bits, mask) */
	LAB_POWER_OFF,  /* (status) */
	LAB_REQUESTS
};

enum lab_watch { WATCH_EXECUTE = 0, WATCH_WRITE = 1, WATCH_ACCESS = 3 };
enum lab_action { ACT_NOTHING = 0, ACT_HOLD_NMI = 0x100 /* an NMI waits for the IRETQ of #DB */ };
enum lab_tpr { TPR_EARLY = 1, TPR_NOT_IN_IRR = 2, TPR_PPR = 4, TPR_LATE = 8, TPR_LEFT_IN_ISR = 16, TPR_NOT_CR8 = 32 };
enum resched_why { RESCHED_NOBODY, RESCHED_TIMER, RESCHED_YIELD, RESCHED_WAKE, RESCHED_LAB };

/* Where an interrupt or exception found the machine. */
struct lab_frame {
	unsigned count, vector;
	unsigned long error, ip, cs, flags, ss, sp;
	unsigned long at;            /* where the processor left its frame: behind SS */
	unsigned long gs, cr3;       /* as they were found; of #DB and NMI from ring 0 only */
};

struct lab_seen {
	struct lab_frame watch;      /* #DB of the debug register */
	struct lab_frame step;       /* #DB by TF in ring 0 */
	struct lab_frame nmi;
	struct lab_frame fixup;      /* the last fault in ring 0 that the exception table knew */
	struct lab_frame user;       /* the last fault of ring 3 */
	struct lab_frame trap;       /* INT in ring 0 */
	struct lab_frame double_fault;
	struct lab_frame timer;      /* the last timer interrupt in ring 0 */
	struct lab_frame shadow;     /* the one that LAB_STI_HLT and LAB_STI_CLI waited for */
	unsigned long idle_ip;       /* where the timer found default_idle */
	unsigned long user_room;     /* top of the kernel stack - end of pt_regs, the timer having come in ring 3 */
	unsigned user_ss;            /* SS in ring 0 behind an interrupt of ring 3 */
	unsigned user_timers;        /* how often the timer came in ring 3 */
	unsigned depth;              /* deepest nesting of interrupts */
	unsigned softirq_nested;     /* interrupts that came inside the softirq that waited */
	unsigned softirq_if;         /* RFLAGS.IF while softirqs run */
	unsigned resched_why[5];     /* calls of set_need_resched by enum resched_why */
	unsigned resched_on_return;  /* how often work_resched called schedule */
	unsigned switches;
	unsigned spurious_apic, spurious_pic;
	unsigned syscalls, ia32_syscalls, sysenters, fork_returns;
};

struct lab_info {
	unsigned gate_type, gate_dpl, gate81_type, gate81_dpl, gate_ist[19]; /* of vectors 0 to 18 */
	unsigned intel, has_syscall32, has_sysenter, has_nx, has_pcid, has_smep, has_smap, has_umip, has_fsgsbase;
	unsigned has_apic, has_ioapic, lapic_timer, has_wp, jiffies;
	unsigned long sp0, ist[7], entry_stack_top, entry_start, entry_end;
	unsigned long star, lstar, cstar, fmask, efer, cr4, user_cr3;
	unsigned long system_call, entry_syscall, entry_sysenter, irq_return, sysret_instruction, int3, after_hlt;
	unsigned long debug, df_push, sti_hlt_end, sti_nop_end, trap_at_end, sys_call_table, read_at, cpu_area;
	unsigned long debug_r15; /* where #DB from ring 0 keeps R15, its last word */
};

#endif
