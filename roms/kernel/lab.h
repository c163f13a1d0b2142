/* The laboratory: system call 222, lab(what, argument, argument).  What the user program cannot do in ring 3
 * is done here, and what the kernel saw is told to it. */
#ifndef KERNEL_LAB_H
#define KERNEL_LAB_H

enum lab_request {
	LAB_CMDLINE,    /* (buffer, size): the value of run= */
	LAB_INFO,       /* (struct lab_info *) */
	LAB_SEEN,       /* (struct lab_seen *); clears it */
	LAB_ESPFIX,     /* (on) */
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
	LAB_LEVEL,      /* (0 edge, 1 level; 0 8259, 1 IOAPIC): deliveries of a request that stays for two of them */
	LAB_DOUBLE_FAULT,
	LAB_TRIPLE_FAULT,
	LAB_POWER_OFF,  /* (status) */
	LAB_REQUESTS
};

enum lab_watch { WATCH_EXECUTE = 0, WATCH_WRITE = 1, WATCH_ACCESS = 3 };
enum lab_action { ACT_NOTHING = 0, ACT_HOLD_NMI = 0x100 /* an NMI waits for the IRET of #DB */,
		  ACT_ON_ESPFIX = 0x200 /* hits on other stacks do not count */ };
enum lab_tpr { TPR_EARLY = 1, TPR_NOT_IN_IRR = 2, TPR_PPR = 4, TPR_LATE = 8, TPR_LEFT_IN_ISR = 16 };
enum resched_why { RESCHED_NOBODY, RESCHED_TIMER, RESCHED_YIELD, RESCHED_WAKE, RESCHED_LAB };

/* Where an interrupt or exception found the machine. */
struct lab_frame {
	unsigned count, vector, error, ip, cs, flags, ss, sp;
};

struct lab_seen {
	struct lab_frame watch;      /* #DB of the debug register */
	struct lab_frame step;       /* #DB by TF in ring 0 */
	struct lab_frame nmi;
	struct lab_frame fixup;      /* the last fault in ring 0 that the exception table knew */
	struct lab_frame double_fault; /* what its TSS tells of the program before it */
	struct lab_frame timer;      /* the last timer interrupt in ring 0 */
	struct lab_frame shadow;     /* the one that LAB_STI_HLT and LAB_STI_CLI waited for */
	unsigned idle_ip;            /* where the timer found default_idle */
	unsigned user_room;          /* TSS.esp0 - end of pt_regs, the timer having come in ring 3 */
	unsigned user_timers;        /* how often it came there */
	unsigned depth;              /* deepest nesting of interrupts */
	unsigned softirq_nested;     /* interrupts that came inside the softirq that waited */
	unsigned softirq_if;         /* EFLAGS.IF while softirqs run */
	unsigned resched_why[5];     /* calls of set_need_resched by enum resched_why */
	unsigned resched_on_return;  /* how often work_resched called schedule */
	unsigned switches;
	unsigned spurious_apic, spurious_pic;
	unsigned sysenters, fork_returns;
};

struct lab_info {
	unsigned save_all_24, gate_type, gate_dpl, gate81_type, gate81_dpl, gate8_type, gate8_selector;
	unsigned sp0, espfix, has_wp, has_sep, has_apic, has_ioapic, lapic_timer, jiffies, espfix_base;
	unsigned system_call, sysenter_entry, irq_return, int3, after_hlt, debug, debug_fixup, df_push;
	unsigned sti_hlt_end, sti_nop_end;
	unsigned sysenter_frame_bx; /* where #DB on the entry stack keeps EBX */
	unsigned sysenter_cs, sysenter_esp, sysenter_eip;
};

#endif
