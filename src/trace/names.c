#include "trace/record.h"

#include <stddef.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* The entry of a table of names, or "?" for a value that has none. */
static const char *pick(const char *const *names, size_t count, unsigned i)
{
	return i < count && names[i] ? names[i] : "?";
}

const char *event_kind_name(enum event_kind kind)
{
	static const char *const names[EV_KINDS] = {
		[EV_FAULT] = "fault",       [EV_TRAP] = "trap", [EV_ABORT] = "abort",
		[EV_SOFT_INT] = "soft-int", [EV_INT1] = "int1", [EV_INT3] = "int3",
		[EV_INTO] = "into",         [EV_IRQ] = "irq",   [EV_NMI] = "nmi",
	};

	return pick(names, COUNT(names), kind);
}

const char *delivery_outcome_name(enum delivery_outcome outcome)
{
	static const char *const names[] = {
		[OUT_DELIVERED] = "delivered", [OUT_TASK_SWITCH] = "task-switch", [OUT_REDIRECTED] = "redirected",
		[OUT_FAULTED] = "refused",     [OUT_SHUTDOWN] = "shutdown",
	};

	return pick(names, COUNT(names), outcome);
}

const char *delivery_step_name(enum delivery_step step)
{
	static const char *const names[] = {
		[STEP_VECTOR] = "vector",
		[STEP_GATE] = "gate",
		[STEP_GATE_DPL] = "gate-dpl",
		[STEP_GATE_PRESENT] = "gate-present",
		[STEP_CODE_SEGMENT] = "code-segment",
		[STEP_CODE_PRESENT] = "code-present",
		[STEP_STACK_SELECT] = "stack-select",
		[STEP_STACK_SEGMENT] = "stack-segment",
		[STEP_STACK_LIMIT] = "stack-limit",
		[STEP_TARGET_LIMIT] = "target-limit",
		[STEP_PUSH] = "push",
		[STEP_COMMIT] = "commit",
	};

	return pick(names, COUNT(names), step);
}

const char *stack_source_name(enum stack_source source)
{
	static const char *const names[] = {
		[STACK_SAME] = "same", [STACK_TSS16] = "tss16", [STACK_TSS32] = "tss32", [STACK_RSP] = "rsp",
		[STACK_IST] = "ist",   [STACK_VM86] = "vm86",   [STACK_TASK] = "task",
	};

	return pick(names, COUNT(names), source);
}

const char *pushed_name_text(enum pushed_name name, unsigned width)
{
	static const char *const names16[PUSH_NAMES] = {
		[PUSH_ERROR] = "error", [PUSH_IP] = "IP", [PUSH_CS] = "CS", [PUSH_FLAGS] = "FLAGS", [PUSH_SP] = "SP",
		[PUSH_SS] = "SS",       [PUSH_ES] = "ES", [PUSH_DS] = "DS", [PUSH_FS] = "FS",       [PUSH_GS] = "GS",
	};
	static const char *const names32[PUSH_NAMES] = {[PUSH_IP] = "EIP", [PUSH_FLAGS] = "EFLAGS", [PUSH_SP] = "ESP"};
	static const char *const names64[PUSH_NAMES] = {[PUSH_IP] = "RIP", [PUSH_FLAGS] = "RFLAGS", [PUSH_SP] = "RSP"};
	const char *const *wide = width == 64 ? names64 : names32;

	if (width > 16 && (unsigned)name < PUSH_NAMES && wide[name])
		return wide[name];
	return pick(names16, COUNT(names16), name);
}

const char *exception_name(unsigned vector)
{
	/* SDM 3A, "Exception and Interrupt Vectors". */
	static const char *const names[] = {
		"#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM", "#DF", "#CSO",
		"#TS", "#NP", "#SS", "#GP", "#PF", NULL,  "#MF", "#AC", "#MC", "#XM",
	};

	return vector < COUNT(names) ? names[vector] : NULL;
}

const char *gate_type_name(unsigned type)
{
	/* SDM 3A, "System-Segment and Gate-Descriptor Types". */
	static const char *const names[16] = {
		"reserved", "tss16-available", "ldt",      "tss16-busy", "call16", "task",     "int16", "trap16",
		"reserved", "tss32-available", "reserved", "tss32-busy", "call32", "reserved", "int32", "trap32",
	};

	return pick(names, COUNT(names), type);
}

const char *gate_name(unsigned type, unsigned width)
{
	/* The same section: IA-32e mode. */
	static const char *const names64[16] = {
		[0x2] = "ldt", [0x9] = "tss64-available", [0xb] = "tss64-busy",
		[0xc] = "call64", [0xe] = "int64", [0xf] = "trap64",
	};

	if (width != 64)
		return gate_type_name(type);
	return type < COUNT(names64) && names64[type] ? names64[type] : "reserved";
}

const char *mode_name(unsigned mode)
{
	static const char *const names[] = {"real", "vm86", "protected", "compat", "64-bit"};

	return pick(names, COUNT(names), mode);
}

const char *return_kind_name(enum return_kind kind)
{
	static const char *const names[] = {
		[RET_IRET] = "iret",       [RET_IRET_TASK] = "iret-task", [RET_FAR] = "retf",
		[RET_SYSEXIT] = "sysexit", [RET_SYSRET] = "sysret",
	};

	return pick(names, COUNT(names), kind);
}

const char *entry_kind_name(enum entry_kind kind)
{
	static const char *const names[] = {
		[ENTRY_SYSENTER] = "sysenter", [ENTRY_SYSCALL] = "syscall", [ENTRY_CALL_GATE] = "call-gate"};

	return pick(names, COUNT(names), kind);
}

const char *task_cause_name(enum task_cause cause)
{
	static const char *const names[] = {
		[TASK_JMP] = "jmp", [TASK_CALL] = "call", [TASK_INT] = "int", [TASK_IRET] = "iret"};

	return pick(names, COUNT(names), cause);
}

const char *unreturned_name(enum unreturned_why why)
{
	static const char *const names[UNRETURNED_WHYS] = {
		[UNRETURNED_OPEN] = "open",           [UNRETURNED_OVERWRITTEN] = "overwritten",
		[UNRETURNED_DROPPED] = "dropped",     [UNRETURNED_ENTERED_AGAIN] = "entered-again",
		[UNRETURNED_REUSED] = "reused",       [UNRETURNED_REPLACED] = "replaced",
		[UNRETURNED_FORGOTTEN] = "forgotten",
	};

	return pick(names, COUNT(names), why);
}

const char *unreturned_sentence(enum unreturned_why why)
{
	static const char *const sentences[UNRETURNED_WHYS] = {
		[UNRETURNED_OPEN] = "the trace ended first",
		[UNRETURNED_OVERWRITTEN] = "another delivery wrote its frame over this one's",
		[UNRETURNED_ENTERED_AGAIN] = "its task entered from the outer level again",
		[UNRETURNED_DROPPED] = "the handler it interrupted has returned without it",
		[UNRETURNED_REUSED] = "its stack belongs to a new task",
		[UNRETURNED_REPLACED] = "the frame was changed: the return through it went to another place",
		[UNRETURNED_FORGOTTEN] = "too many were open at once: it was not followed further",
	};

	return pick(sentences, COUNT(sentences), why);
}

const char *stage_name(enum stage_what what)
{
	static const char *const names[STAGES] = {
		[STAGE_REQUESTED] = "requested",       [STAGE_HELD] = "held", [STAGE_PASSED] = "passed",
		[STAGE_ACKNOWLEDGED] = "acknowledged", [STAGE_EOI] = "eoi",   [STAGE_SPURIOUS] = "spurious",
		[STAGE_WITHDRAWN] = "withdrawn",       [STAGE_LOST] = "lost",
	};

	return pick(names, COUNT(names), what);
}

const char *stage_text(enum stage_what what)
{
	static const char *const texts[STAGES] = {
		[STAGE_REQUESTED] = "requested",  [STAGE_HELD] = "held back",
		[STAGE_PASSED] = "passed on",     [STAGE_ACKNOWLEDGED] = "acknowledged",
		[STAGE_EOI] = "end of interrupt", [STAGE_SPURIOUS] = "spurious",
		[STAGE_WITHDRAWN] = "withdrawn",  [STAGE_LOST] = "lost",
	};

	return pick(texts, COUNT(texts), what);
}

const struct hold_info *hold_info(enum hold hold)
{
	static const struct hold_info table[HOLD_COUNT] = {
		[HOLD_NONE] = {"NONE", NULL, "nothing", ""},
#define HOLD(name, by, sentence, source) [HOLD_##name] = {#name, by, sentence, source},
#include "trace/hold.def"
#undef HOLD
	};

	return &table[(unsigned)hold < HOLD_COUNT ? hold : HOLD_NONE];
}
