#include "explain/views.h"

#define STATE (TAKES_AT | TAKES_EVENT | TAKES_NTH | TAKES_SYMBOL | TAKES_TASK)
#define WAY   (TAKES_EVENT | TAKES_SYSCALL | TAKES_NTH | TAKES_TASK | TAKES_RESCHED)

const struct explain_view explain_views[] = {
	{"idt", NULL, false, "the whole interrupt descriptor table, from IDTR, with symbols", "B4",
	 "Each gate decoded: type by name, DPL, P, the segment behind the selector, the stack or TSS that an entry "
	 "from\n"
	 "ring 3 would use, the handler.  Without an option for the moment: at the first entry from ring 3.",
	 STATE, view_idt},
	{"gate", "VECTOR", true, "one gate, taken apart, and whether INT n may use it", "B1 B2",
	 "All fields of the gate, the segment behind it, what entry does to IF; and the checks of INT n from ring 3 "
	 "(or\n"
	 "--from-ring N) with the error code they would give.",
	 STATE | TAKES_CPL, view_gate},
	{"story", NULL, false, "one system call, exception or interrupt in sentences: who does what, step by step",
	 "A1 B1 B3 A12 A13",
	 "For a first look; what it leaves out is in the other views.  The first system call, or the entry that the "
	 "options\n"
	 "choose; \"after\" counts ticks from the entry on.",
	 WAY, view_story},
	{"syscall", NULL, false, "one system call as one record", "A1 A2 A11 A12 A13 C1",
	 "From the instruction to the instruction after its return: entry, frame, pt_regs word by word, tracing, "
	 "number,\n"
	 "table slot, handler, result, the work flags read with their bits, calls, interrupts in between, return.",
	 TAKES_SYSCALL | TAKES_NTH | TAKES_TASK | TAKES_RESCHED, view_syscall},
	{"words", NULL, false, "pt_regs word by word: which the processor pushed, which software, by which instruction",
	 "A12 A13 C1",
	 "Of a system call, an exception or an interrupt; with the arguments and whether the kernel stack was empty "
	 "before.",
	 WAY, view_words},
	{"frame", NULL, false, "the frame of a return before it is executed, and what it will load", "A4",
	 "The IRET's words (or SYSEXIT's registers), what each loads in place of what, the change of ring and flags.",
	 WAY, view_frame},
	{"return", NULL, false, "the return that belongs to an entry", "A5",
	 "Nested interrupts, other tasks' returns and those by the same instruction are passed over and counted.", WAY,
	 view_return},
	{"sched", NULL, false, "schedule before a return: who set need_resched, and who came next", "A3",
	 "The first entry (that the options allow) on whose way out schedule() is called because of the flag.",
	 TAKES_EVENT | TAKES_SYSCALL | TAKES_NTH | TAKES_TASK, view_sched},
	{"fork", NULL, false, "fork: the child's first instruction, its copied frame, who ran first", "A6",
	 "A system call fork, clone, vfork or clone3 (or --nr), followed in the parent and in the child.",
	 TAKES_SYSCALL | TAKES_NTH | TAKES_TASK, view_fork},
	{"sysenter", NULL, false, "SYSENTER and the return from it", "A8 A9",
	 "The MSRs 174h-176h, target, ESP, flags; SYSEXIT and the shadow of the STI before it.  --raise nmi and --tf "
	 "put an NMI\n"
	 "or a single-step trap on the first instruction behind SYSENTER.",
	 TAKES_SYSCALL | TAKES_NTH | TAKES_TASK | TAKES_RAISE | TAKES_STEP, view_sysenter},
	{"espfix", NULL, false, "the return to a 16-bit stack: espfix, or the leak of ESP's high half", "A7",
	 "SS with its base, ESP and linear stack at the IRET; ESP in ring 3 before and after.", TAKES_NTH | TAKES_TASK,
	 view_espfix},
	{"iretfault", NULL, false, "a fault of the IRET itself: where, error code, fixup, signal", "A10",
	 "The frame that was refused, the reason, where the kernel went on, and which signal functions it called.",
	 TAKES_NTH | TAKES_TASK | TAKES_EVENT, view_iretfault},
	{"taskgate", NULL, false, "a delivery through a task gate: both TSSs, what was saved and loaded", "B5",
	 "And the way back, if the task returns.", TAKES_NTH, view_taskgate},
	{"timer", NULL, false, "an interrupt from outside, in idle or in a user loop", "C2 C3",
	 "--idle: taken behind HLT, woken by which vector after how long.  --user: CPL 3 -> 0, old SS:ESP -> new, and "
	 "whether\n"
	 "the kernel stack was empty before.",
	 TAKES_EVENT | TAKES_NTH | TAKES_TASK | TAKES_USER, view_timer},
	{"latency", NULL, false, "an interrupt from the line to the return, with nesting and softirqs", "C9",
	 "Each stage with its tick: line, controllers, delivery, handlers, what came in between, return.",
	 TAKES_EVENT | TAKES_NTH | TAKES_TASK | TAKES_USER | TAKES_RESCHED, view_latency},
	{"delivery", NULL, false, "one delivery: gate, checks, stack, pushed words", "B2 B3 C8",
	 "Also one that was refused (--refused), with the check, the reason and the error code's bits.",
	 TAKES_EVENT | TAKES_NTH | TAKES_TASK, view_delivery},
	{"current", NULL, false, "synchronous or asynchronous: may `current` be used in this handler?", "C8",
	 "For one delivery, or for --count N of them, one after the other.",
	 TAKES_EVENT | TAKES_NTH | TAKES_TASK | TAKES_COUNT, view_current},
	{"unwind", NULL, false, "the callers of a place, through interrupt frames", "C4",
	 "Handler, the interrupt, then what was interrupted, kernel or ring 3.  The moment: --symbol, an event, --at; "
	 "without\n"
	 "one: where the guest ends.",
	 STATE, view_unwind},
	{"memory", "ADDRESS", true, "memory as the kernel sees it at its entry: page tables, rights, words", "C7",
	 "An address or a symbol.  CR3 at the entry, before the return, and how often it changed in between.", STATE,
	 view_memory},
	{"quiet", NULL, false, "why no interrupt is delivered right now", "C5",
	 "IF, shadow, blocked NMIs, 8259s, TPR, PPR, ISR, the masks in LVT and I/O APIC, or nothing pending.  Without "
	 "an\n"
	 "option for the moment: where the guest ends.",
	 STATE | TAKES_RAISE, view_quiet},
	{"pending", NULL, false, "what is pending, and the next timers; raises an interrupt on request", "C6",
	 "--raise nmi@T or VECTOR@T raises one at exactly tick T and tells when it was delivered.", STATE | TAKES_RAISE,
	 view_pending},
	{"symbols", "[PATTERN]", false, "what is known of the guest: description, current, flag words, symbols", "",
	 "With a pattern like sys_* the symbols whose names fit are listed.  Without an option for the moment: at the "
	 "first\n"
	 "entry from ring 3.",
	 STATE, view_symbols},
	{"batch", "FILE", true, "several views of one run", "",
	 "FILE has one view with its options a line (# begins a comment), as they stand behind `explain`.  The guest "
	 "runs once to\n"
	 "the moment of the batch's own options, by default the first entry from ring 3; each view goes on from there "
	 "by "
	 "itself,\n"
	 "and is printed in turn.  Status 2 if one of them fails.",
	 STATE, view_batch},
};
const unsigned explain_view_count = sizeof(explain_views) / sizeof(explain_views[0]);
