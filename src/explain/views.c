#include "explain/views.h"

#define STATE (TAKES_AT | TAKES_EVENT | TAKES_NTH | TAKES_SYMBOL | TAKES_TASK)

const struct explain_view explain_views[] = {
	{"idt", NULL, false, "the whole interrupt descriptor table, from IDTR, with symbols", "B4",
	 "Each gate decoded: type by name, DPL, P, the segment behind the selector, the stack or TSS that an entry from\n"
	 "ring 3 would use, the handler.  Without an option for the moment: at the first entry from ring 3.",
	 STATE, view_idt},
	{"gate", "VECTOR", true, "one gate, taken apart, and whether INT n may use it", "B1 B2",
	 "All fields of the gate, the segment behind it, what entry does to IF; and the checks of INT n from ring 3 (or\n"
	 "--from-ring N) with the error code they would give.",
	 STATE | TAKES_CPL, view_gate},
	{"syscall", NULL, false, "one system call as one record", "A1 A2 A11 A12 A13 C1",
	 "From the instruction to the instruction after its return: entry, frame, pt_regs word by word, tracing, number,\n"
	 "table slot, handler, result, the work flags read with their bits, calls, interrupts in between, return.",
	 TAKES_SYSCALL | TAKES_NTH | TAKES_TASK | TAKES_RESCHED, view_syscall},
};
const unsigned explain_view_count = sizeof(explain_views) / sizeof(explain_views[0]);
