#include "devices/lapic.h"

#include <stdio.h>
#include <string.h>

#include "devices/order.h"

#define NO_VECTOR (-1)

/* ---- 256 bits ---- */
static void set_bit(struct apic_bits *b, unsigned n) { b->word[n / 32] |= 1u << n % 32; }
static void clear_bit(struct apic_bits *b, unsigned n) { b->word[n / 32] &= ~(1u << n % 32); }
static bool test_bit(const struct apic_bits *b, unsigned n) { return b->word[n / 32] >> n % 32 & 1; }

static int highest(const struct apic_bits *b)
{
	for (int i = 7; i >= 0; i--) {
		if (b->word[i])
			return i * 32 + 31 - __builtin_clz(b->word[i]);
	}
	return NO_VECTOR;
}

/* ---- priorities: "Task and Processor Priorities" ---- */
uint8_t lapic_ppr(const struct lapic *a)
{
	int isrv = highest(&a->isr);
	unsigned class = isrv == NO_VECTOR ? 0 : (unsigned)isrv & 0xf0;

	return (uint8_t)((a->tpr & 0xf0) >= class ? a->tpr : class);
}

/* The vector that may interrupt the processor now. */
static int deliverable(const struct lapic *a)
{
	int irrv = highest(&a->irr);

	return irrv != NO_VECTOR && (irrv & 0xf0) > (lapic_ppr(a) & 0xf0) ? irrv : NO_VECTOR;
}

static unsigned delivery_of(uint32_t lvt)
{
	return lvt >> 8 & 7;
}

/* The 8259A's INTR, as it comes through LINT0 or past a disabled APIC. */
static bool extint(const struct lapic *a)
{
	uint32_t lint0 = a->lvt[LVT_LINT0];

	if (!lapic_enabled(a))
		return a->pin[0];
	if (a->extint_message)
		return true;
	return !(lint0 & APIC_LVT_MASKED) && delivery_of(lint0) == APIC_EXTINT &&
	       a->pin[0] != ((lint0 & APIC_LVT_LOW) != 0);
}

/* ---- for the tracer ---- */
void lapic_tell_why(const struct lapic *a, enum stage_what what, const char *input, int vector, uint64_t cause,
		    enum hold why, int by)
{
	if (LIKELY(!clock_traced(a->apics->clock)))
		return;
	clock_tell(a->apics->clock, (struct stage_record){
					    .cause = cause,
					    .unit = "LAPIC",
					    .instance = (int16_t)a->index,
					    .input = input,
					    .pin = STAGE_NO_NUMBER,
					    .vector = (int16_t)vector,
					    .what = (uint8_t)what,
					    .why = (uint8_t)why,
					    .by = by,
				    });
}

void lapic_tell(const struct lapic *a, enum stage_what what, const char *input, int vector, uint64_t cause)
{
	lapic_tell_why(a, what, input, vector, cause, HOLD_NONE, STAGE_NO_NUMBER);
}

/* What keeps the vector, which waits in IRR, from the processor while let is what may go. */
static enum hold hold_of(const struct lapic *a, int vector, int let, int *by)
{
	int isrv = highest(&a->isr);

	*by = STAGE_NO_NUMBER;
	if (vector == let)
		return HOLD_NONE;
	if (isrv != NO_VECTOR && (vector & 0xf0) <= (isrv & 0xf0)) {
		*by = isrv;
		return HOLD_LAPIC_IN_SERVICE;
	}
	if ((unsigned)(vector & 0xf0) <= (a->tpr & 0xf0)) {
		*by = (int)(a->tpr & 0xff);
		return HOLD_LAPIC_TPR;
	}
	*by = highest(&a->irr);
	return HOLD_LAPIC_OUTRANKED;
}

/* What became of each request in IRR, where it is news. */
static void tell_requests(struct lapic *a, int let)
{
	for (int v = highest(&a->irr); v >= 16; v--) {
		bool known = test_bit(&a->told.known, (unsigned)v);
		enum hold why;
		int by;

		if (!test_bit(&a->irr, (unsigned)v))
			continue;
		why = hold_of(a, v, let, &by);
		if (known && a->told.why[v] == why && a->told.by[v] == (uint8_t)by)
			continue;
		lapic_tell_why(a, why == HOLD_NONE ? STAGE_PASSED : STAGE_HELD, NULL, v, a->cause[v], why, by);
		set_bit(&a->told.known, (unsigned)v);
		a->told.why[v] = (uint8_t)why;
		a->told.by[v] = (uint8_t)by;
	}
}

/* LINT0 where the 8259A's INTR comes in. */
static void tell_extint(struct lapic *a)
{
	uint32_t lint0 = a->lvt[LVT_LINT0];
	bool on = lapic_enabled(a);
	bool asks = on ? delivery_of(lint0) == APIC_EXTINT && a->pin[0] != ((lint0 & APIC_LVT_LOW) != 0) : a->pin[0];
	uint8_t now = !asks ? 0 : on && (lint0 & APIC_LVT_MASKED) ? STAGE_HELD : STAGE_PASSED;

	if (now && now != a->told.extint)
		lapic_tell_why(a, (enum stage_what)now, "LINT0", STAGE_NO_NUMBER, a->pin_cause[0],
			       now == STAGE_HELD ? HOLD_LVT_MASKED : HOLD_NONE, STAGE_NO_NUMBER);
	a->told.extint = now;
}

void lapic_update(struct lapic *a)
{
	int v = lapic_enabled(a) ? deliverable(a) : NO_VECTOR;

	if (UNLIKELY(clock_traced(a->apics->clock))) {
		tell_requests(a, v);
		tell_extint(a);
	}
	line_set(&a->intr, v != NO_VECTOR || extint(a), v != NO_VECTOR ? a->cause[v] : a->pin_cause[0]);
}

/* ---- taking interrupts ---- */
/* "Error Handling": the LVT error interrupt comes with each new error. */
void lapic_error(struct lapic *a, uint32_t bits)
{
	bool news = bits & ~a->errors;

	a->errors |= bits;
	if (news)
		lapic_local(a, LVT_ERROR, clock_new_cause(a->apics->clock));
}

void lapic_accept(struct lapic *a, uint8_t vector, bool level, uint64_t cause)
{
	if (vector < 16) {
		lapic_tell_why(a, STAGE_LOST, NULL, vector, cause, HOLD_LAPIC_VECTOR, vector);
		/* An error interrupt with an illegal vector of its own ends here. */
		if ((a->lvt[LVT_ERROR] & 0xff) >= 16)
			lapic_error(a, APIC_ESR_RECEIVE_VECTOR);
		else
			a->errors |= APIC_ESR_RECEIVE_VECTOR;
		return;
	}
	if (!(a->svr & APIC_SVR_ENABLE)) {
		lapic_tell_why(a, STAGE_LOST, NULL, vector, cause, HOLD_LAPIC_SOFT_OFF, STAGE_NO_NUMBER);
		return;
	}
	if (!test_bit(&a->irr, vector)) {
		a->cause[vector] = cause;
		clear_bit(&a->told.known, vector);
		lapic_tell(a, STAGE_REQUESTED, NULL, vector, cause);
	} else if (cause != a->cause[vector]) {
		lapic_tell_why(a, STAGE_LOST, NULL, vector, cause, HOLD_LAPIC_MERGED, vector);
	}
	set_bit(&a->irr, vector);
	if (level)
		set_bit(&a->tmr, vector);
	else
		clear_bit(&a->tmr, vector);
	lapic_update(a);
}

static const char *const lvt_name[LVTS] = {
	[LVT_TIMER] = "LVT timer", [LVT_THERMAL] = "LVT thermal", [LVT_PERFORMANCE] = "LVT performance",
	[LVT_LINT0] = "LINT0",     [LVT_LINT1] = "LINT1",         [LVT_ERROR] = "LVT error",
};

static void deliver_lvt(struct lapic *a, unsigned which, bool level, uint64_t cause)
{
	uint32_t lvt = a->lvt[which];
	struct apic_message m = {
		.delivery = (uint8_t)delivery_of(lvt),
		.vector = (uint8_t)lvt,
		.level = level,
		.cause = cause,
	};

	if (which == LVT_TIMER || which == LVT_ERROR)
		m.delivery = APIC_FIXED; /* these have no delivery mode */
	if (m.delivery == APIC_FIXED || m.delivery == APIC_SMI || m.delivery == APIC_NMI || m.delivery == APIC_INIT)
		apic_event(a->apics, a, &m);
}

void lapic_local(struct lapic *a, enum apic_lvt which, uint64_t cause)
{
	lapic_tell(a, STAGE_REQUESTED, lvt_name[which], (int)(a->lvt[which] & 0xff), cause);
	if (!lapic_enabled(a))
		lapic_tell_why(a, STAGE_LOST, lvt_name[which], STAGE_NO_NUMBER, cause, HOLD_LAPIC_OFF, STAGE_NO_NUMBER);
	else if (a->lvt[which] & APIC_LVT_MASKED)
		lapic_tell_why(a, STAGE_LOST, lvt_name[which], STAGE_NO_NUMBER, cause, HOLD_LVT_MASKED, STAGE_NO_NUMBER);
	else
		deliver_lvt(a, which, false, cause);
}

/* ---- LINT pins: "Local Vector Table" ---- */
static bool pin_is_level(const struct lapic *a, unsigned which)
{
	return (a->lvt[which] & APIC_LVT_LEVEL) && delivery_of(a->lvt[which]) == APIC_FIXED;
}

/* A level-triggered LINT pin asks until remote IRR is set. */
static void ask_level(struct lapic *a, unsigned which, uint64_t cause)
{
	uint32_t lvt = a->lvt[which];
	bool active = a->pin[which - LVT_LINT0] != ((lvt & APIC_LVT_LOW) != 0);

	if (!active || !lapic_enabled(a) || !pin_is_level(a, which))
		return;
	if (lvt & (APIC_LVT_MASKED | APIC_LVT_REMOTE_IRR)) {
		lapic_tell_why(a, STAGE_HELD, lvt_name[which], STAGE_NO_NUMBER, cause,
			       lvt & APIC_LVT_MASKED ? HOLD_LVT_MASKED : HOLD_LVT_REMOTE_IRR,
			       lvt & APIC_LVT_MASKED ? STAGE_NO_NUMBER : (int)(lvt & 0xff));
		return;
	}
	if ((lvt & 0xff) >= 16)
		a->lvt[which] |= APIC_LVT_REMOTE_IRR;
	deliver_lvt(a, which, true, cause);
}

void lapic_lint(void *device, int input, bool level, uint64_t cause)
{
	struct lapic *a = device;
	unsigned which = LVT_LINT0 + ((unsigned)input & 1);
	bool low = a->lvt[which] & APIC_LVT_LOW, rise;

	rise = level != a->pin[input & 1] && (level != low || !lapic_enabled(a));
	a->pin[input & 1] = level;
	if (rise && (level || lapic_enabled(a))) {
		a->pin_cause[input & 1] = cause;
		lapic_tell(a, STAGE_REQUESTED, lvt_name[which], STAGE_NO_NUMBER, cause);
	}
	if (!lapic_enabled(a)) {
		struct apic_message nmi = {.delivery = APIC_NMI, .cause = cause};

		if (rise && level && (input & 1)) /* LINT1 is the NMI pin */
			apic_event(a->apics, a, &nmi);
	} else if (pin_is_level(a, which)) {
		ask_level(a, which, cause);
	} else if (rise && delivery_of(a->lvt[which]) != APIC_EXTINT) {
		if (a->lvt[which] & APIC_LVT_MASKED)
			lapic_tell_why(a, STAGE_LOST, lvt_name[which], STAGE_NO_NUMBER, cause, HOLD_LVT_MASKED,
				       STAGE_NO_NUMBER);
		else
			deliver_lvt(a, which, false, cause);
	}
	lapic_update(a);
}

/* ---- the processor's side ---- */
bool lapic_pending(void *device)
{
	struct lapic *a = device;

	return a->intr.level;
}

/* "Spurious Interrupt": nothing may be dispensed any more: the spurious
 * vector, and no ISR bit. */
uint8_t lapic_acknowledge(void *device, uint64_t *cause)
{
	struct lapic *a = device;
	const struct apic_processors *p = &a->apics->processors;
	int v = lapic_enabled(a) ? deliverable(a) : NO_VECTOR;

	*cause = a->intr.cause;
	if (v != NO_VECTOR) {
		clear_bit(&a->irr, (unsigned)v);
		set_bit(&a->isr, (unsigned)v);
		*cause = a->served[v] = a->cause[v];
		lapic_tell(a, STAGE_ACKNOWLEDGED, NULL, v, *cause);
		lapic_timer_wake(a);
		lapic_update(a);
		return (uint8_t)v;
	}
	if ((extint(a) || !lapic_enabled(a)) && p->extint) {
		uint8_t vector;

		a->extint_message = false;
		vector = p->extint(p->extint_device, cause);
		lapic_update(a);
		return vector;
	}
	lapic_tell(a, STAGE_SPURIOUS, NULL, (int)(a->svr & 0xff), *cause);
	return (uint8_t)a->svr;
}

uint8_t lapic_cr8(const struct lapic *a)
{
	return (uint8_t)(a->tpr >> 4);
}

void lapic_set_cr8(struct lapic *a, uint8_t cr8)
{
	a->tpr = (uint32_t)(cr8 & 15) << 4;
	lapic_update(a);
}

/* "Signaling Interrupt Servicing Completion" */
static void end_of_interrupt(struct lapic *a)
{
	int v = highest(&a->isr);

	if (v == NO_VECTOR)
		return;
	lapic_tell(a, STAGE_EOI, NULL, v, a->served[v]);
	clear_bit(&a->isr, (unsigned)v);
	for (unsigned i = LVT_LINT0; i <= LVT_LINT1; i++) {
		if ((a->lvt[i] & APIC_LVT_REMOTE_IRR) && (a->lvt[i] & 0xff) == (unsigned)v) {
			a->lvt[i] &= ~APIC_LVT_REMOTE_IRR;
			ask_level(a, i, a->pin_cause[i - LVT_LINT0]);
		}
	}
	if (test_bit(&a->tmr, (unsigned)v)) {
		for (unsigned i = 0; i < a->apics->ioapics; i++)
			a->apics->ioapic[i].eoi(a->apics->ioapic[i].ioapic, (uint8_t)v);
	}
	lapic_update(a);
}

const char *lapic_why_quiet(void *device)
{
	struct lapic *a = device;
	int irrv = highest(&a->irr), isrv = highest(&a->isr);

	if (a->intr.level)
		return "INTR is asserted";
	if (!lapic_enabled(a))
		return "the local APIC is disabled and LINT0 is low";
	if (irrv == NO_VECTOR && a->pin[0] && delivery_of(a->lvt[LVT_LINT0]) == APIC_EXTINT)
		return "the 8259A asks at LINT0, which is masked";
	if (irrv == NO_VECTOR && !(a->svr & APIC_SVR_ENABLE))
		return "the local APIC is software-disabled (SVR bit 8)";
	if (irrv == NO_VECTOR)
		return "no vector is requested in the local APIC's IRR";
	if ((a->tpr & 0xf0) >= ((unsigned)irrv & 0xf0))
		snprintf(a->why, sizeof(a->why), "vector %02x is held back by the task priority %02x", (unsigned)irrv,
			 a->tpr & 0xffu);
	else
		snprintf(a->why, sizeof(a->why), "vector %02x waits for the end of interrupt of vector %02x",
			 (unsigned)irrv, (unsigned)isrv);
	return a->why;
}

/* ---- registers ---- */
static uint32_t lvt_writable(unsigned which)
{
	static const uint32_t mask[LVTS] = {0x700ff, 0x107ff, 0x107ff, 0x1a7ff, 0x1a7ff, 0x100ff};

	return mask[which];
}

/* While software-disabled every mask bit is stuck at 1. */
static void write_lvt(struct lapic *a, unsigned which, uint32_t value)
{
	uint32_t old = a->lvt[which];

	value = (value & lvt_writable(which)) | (old & APIC_LVT_REMOTE_IRR);
	if (!(a->svr & APIC_SVR_ENABLE))
		value |= APIC_LVT_MASKED;
	if (!(value & APIC_LVT_LEVEL))
		value &= ~APIC_LVT_REMOTE_IRR;
	a->lvt[which] = value;
	if (which == LVT_TIMER) {
		if ((old ^ value) & APIC_LVT_DEADLINE) { /* "disarms the timer" */
			a->initial = 0;
			a->deadline = 0;
			timer_cancel(&a->timer);
		}
		lapic_timer_arm(a);
	} else if (which == LVT_LINT0 || which == LVT_LINT1) {
		ask_level(a, which, clock_new_cause(a->apics->clock));
	}
	lapic_update(a);
}

static void write_svr(struct lapic *a, uint32_t value)
{
	a->svr = value & 0x3ff;
	if (a->svr & APIC_SVR_ENABLE)
		return;
	for (unsigned i = 0; i < LVTS; i++)
		a->lvt[i] |= APIC_LVT_MASKED;
	lapic_timer_arm(a);
	lapic_update(a);
}

static void write_initial(struct lapic *a, uint32_t value)
{
	if (a->lvt[LVT_TIMER] & APIC_LVT_DEADLINE)
		return;
	a->initial = value;
	a->started = a->apics->clock->now;
	lapic_timer_arm(a);
}

static bool is_lvt(unsigned reg)
{
	return reg >= APIC_LVT && reg < APIC_LVT + LVTS;
}

/* False: no such register, or not for reading. */
static bool read_register(struct lapic *a, unsigned reg, uint32_t *value)
{
	bool x2 = lapic_x2(a);

	if (is_lvt(reg)) {
		*value = a->lvt[reg - APIC_LVT];
		return true;
	}
	if (reg >= APIC_ISR && reg < APIC_ISR + 8) {
		*value = a->isr.word[reg - APIC_ISR];
		return true;
	}
	if (reg >= APIC_TMR && reg < APIC_TMR + 8) {
		*value = a->tmr.word[reg - APIC_TMR];
		return true;
	}
	if (reg >= APIC_IRR && reg < APIC_IRR + 8) {
		*value = a->irr.word[reg - APIC_IRR];
		return true;
	}
	switch (reg) {
	case APIC_ID: *value = x2 ? a->id : (uint32_t)a->id8 << 24; return true;
	case APIC_VER: *value = APIC_VERSION; return true;
	case APIC_TPR: *value = a->tpr; return true;
	case APIC_PPR: *value = lapic_ppr(a); return true;
	case APIC_LDR: *value = a->ldr; return true;
	case APIC_SVR: *value = a->svr; return true;
	case APIC_ESR: *value = a->esr; return true;
	case APIC_ICR: *value = (uint32_t)a->icr; return true;
	case APIC_TIMER_INITIAL: *value = a->initial; return true;
	case APIC_TIMER_CURRENT: *value = lapic_timer_count(a); return true;
	case APIC_TIMER_DIVIDE: *value = a->divide; return true;
	case APIC_APR: *value = lapic_ppr(a); return !x2;
	case APIC_RRD: *value = 0; return !x2;
	case APIC_DFR: *value = a->dfr; return !x2;
	case APIC_ICR2: *value = (uint32_t)(a->icr >> 32); return !x2;
	case APIC_EOI: *value = 0; return !x2; /* write only: reads 0 */
	default: return false;
	}
}

/* False: no such register, or not for writing. */
static bool write_register(struct lapic *a, unsigned reg, uint32_t value)
{
	bool x2 = lapic_x2(a);

	if (is_lvt(reg)) {
		write_lvt(a, reg - APIC_LVT, value);
		return true;
	}
	switch (reg) {
	case APIC_TPR:
		a->tpr = value & 0xff;
		lapic_update(a);
		return true;
	case APIC_EOI:
		end_of_interrupt(a);
		return true;
	case APIC_SVR:
		write_svr(a, value);
		return true;
	case APIC_ESR: /* "a write loads it with what was gathered" */
		a->esr = a->errors;
		a->errors = 0;
		lapic_timer_wake(a);
		return true;
	case APIC_ICR:
		a->icr = (a->icr & UINT64_C(0xffffffff00000000)) | (value & 0xccfff);
		lapic_send_ipi(a);
		return true;
	case APIC_TIMER_INITIAL:
		write_initial(a, value);
		return true;
	case APIC_TIMER_DIVIDE:
		lapic_timer_divide(a, value);
		return true;
	case APIC_ID:
		a->id8 = x2 ? a->id8 : (uint8_t)(value >> 24);
		return !x2;
	case APIC_LDR:
		a->ldr = x2 ? a->ldr : value & 0xff000000;
		return !x2;
	case APIC_DFR:
		a->dfr = value | 0x0fffffff;
		return !x2;
	case APIC_ICR2:
		a->icr = (a->icr & UINT32_MAX) | (uint64_t)(value & 0xff000000) << 32;
		return !x2;
	case APIC_VER: case APIC_PPR: case APIC_APR: case APIC_RRD: case APIC_TIMER_CURRENT:
		return !x2; /* read only: dropped */
	default:
		return !x2 && reg >= APIC_ISR && reg < APIC_IRR + 8;
	}
}

/* ---- memory-mapped ---- */
static struct lapic *initiator(struct apic_bus *apics)
{
	unsigned i = bus_initiator(apics->bus);

	return &apics->apic[i < apics->count ? i : 0];
}

/* "All 32-bit registers should be accessed using 128-bit aligned 32-bit
 * loads or stores"; narrower loads are let through. */
static uint64_t mmio_read(void *device, uint64_t offset, unsigned bytes)
{
	struct apic_bus *apics = device;
	struct lapic *a = initiator(apics);
	uint32_t value = 0;

	if (!lapic_enabled(a) || lapic_x2(a))
		return UINT64_MAX;
	if ((offset & 15) >= 4 || (offset & 3) + bytes > 4)
		bus_gap(apics->bus, "local APIC: read that is not an aligned 32-bit one");
	if ((offset & 15) >= 4)
		return 0;
	if (!read_register(a, (unsigned)(offset >> 4), &value))
		lapic_error(a, APIC_ESR_REGISTER);
	return value >> (8 * (offset & 3));
}

static void mmio_write(void *device, uint64_t offset, unsigned bytes, uint64_t value)
{
	struct apic_bus *apics = device;
	struct lapic *a = initiator(apics);

	if (!lapic_enabled(a) || lapic_x2(a))
		return;
	if ((offset & 15) || bytes != 4) {
		bus_gap(apics->bus, "local APIC: write that is not an aligned 32-bit one");
		return;
	}
	if (!write_register(a, (unsigned)(offset >> 4), (uint32_t)value))
		lapic_error(a, APIC_ESR_REGISTER);
}

/* ---- MSRs: "x2APIC Register Address Space", "Reserved Bit Checking" ---- */
bool lapic_msr_read(struct lapic *a, uint32_t msr, uint64_t *value)
{
	uint32_t low;
	unsigned reg = msr - 0x800;

	if (!lapic_enabled(a) || !lapic_x2(a) || msr < 0x800 || msr > 0x8ff || !read_register(a, reg, &low))
		return false;
	*value = reg == APIC_ICR ? a->icr : low;
	return true;
}

static bool reserved_clear(unsigned reg, uint64_t value)
{
	if (is_lvt(reg)) /* delivery status and remote IRR may be written back */
		return !(value & ~(uint64_t)(lvt_writable(reg - APIC_LVT) | 0x5000));
	switch (reg) {
	case APIC_TPR: case APIC_SELF_IPI: return !(value & ~UINT64_C(0xff));
	case APIC_EOI: case APIC_ESR: return value == 0;
	case APIC_SVR: return !(value & ~UINT64_C(0x3ff));
	case APIC_ICR: return !(value & UINT64_C(0xfff33000));
	case APIC_TIMER_DIVIDE: return !(value & ~UINT64_C(0x0b));
	default: return !(value >> 32);
	}
}

bool lapic_msr_write(struct lapic *a, uint32_t msr, uint64_t value)
{
	unsigned reg = msr - 0x800;

	if (!lapic_enabled(a) || !lapic_x2(a) || msr < 0x800 || msr > 0x8ff || !reserved_clear(reg, value))
		return false;
	if (reg == APIC_ICR) {
		a->icr = value;
		lapic_send_ipi(a);
		return true;
	}
	if (reg == APIC_SELF_IPI) {
		a->icr = APIC_ICR_SELF | value;
		lapic_send_ipi(a);
		return true;
	}
	return write_register(a, reg, (uint32_t)value);
}

/* ---- states ---- */
void lapic_init_state(struct lapic *a)
{
	timer_cancel(&a->timer);
	a->tpr = 0;
	a->ldr = lapic_x2(a) ? a->id >> 4 << 16 | 1u << (a->id & 15) : 0;
	a->dfr = UINT32_MAX;
	a->svr = 0xff;
	a->esr = a->errors = 0;
	a->icr = 0;
	for (unsigned i = 0; i < LVTS; i++)
		a->lvt[i] = APIC_LVT_MASKED;
	memset(&a->irr, 0, sizeof(a->irr));
	memset(&a->isr, 0, sizeof(a->isr));
	memset(&a->tmr, 0, sizeof(a->tmr));
	memset(a->cause, 0, sizeof(a->cause));
	memset(a->served, 0, sizeof(a->served));
	a->initial = a->divide = 0;
	a->deadline = 0;
	a->extint_message = a->timer_rests = false;
	lapic_update(a);
}

/* "x2APIC State Transitions": which ones IA32_APIC_BASE allows. */
bool lapic_set_base(struct lapic *a, uint64_t value, unsigned physical_bits)
{
	bool en = value & APIC_BASE_EN, x2 = value & APIC_BASE_X2;
	bool was_en = lapic_enabled(a), was_x2 = lapic_x2(a);

	if ((value & 0x2ff) || (physical_bits < 64 && value >> physical_bits))
		return false;
	if ((x2 && !en) || (was_x2 && en && !x2) || (!was_en && x2))
		return false;
	if ((value & ~UINT64_C(0xfff)) != APIC_BASE)
		bus_gap(a->apics->bus, "local APIC: registers moved away from FEE00000h");
	a->base = value;
	if (en != was_en)
		lapic_init_state(a);
	else if (x2 && !was_x2) {
		a->ldr = a->id >> 4 << 16 | 1u << (a->id & 15);
		a->icr = (a->icr & UINT32_MAX) | (uint64_t)(a->icr >> 56) << 32;
	}
	lapic_update(a);
	return true;
}

void lapic_virtual_wire(struct lapic *a)
{
	a->svr |= APIC_SVR_ENABLE;
	a->lvt[LVT_LINT0] = APIC_EXTINT << 8;
	a->lvt[LVT_LINT1] = APIC_NMI << 8;
	lapic_update(a);
}

void apic_reset(struct apic_bus *apics)
{
	for (unsigned i = 0; i < apics->count; i++) {
		struct lapic *a = &apics->apic[i];

		a->base = APIC_BASE | APIC_BASE_EN | (i == 0 ? APIC_BASE_BSP : 0);
		a->id = i;
		a->id8 = (uint8_t)i;
		lapic_init_state(a);
	}
}

bool apic_init(struct apic_bus *apics, struct bus *bus, struct clock *clock, unsigned count,
	       const struct apic_processors *processors)
{
	static const struct mmio_ops ops = {mmio_read, mmio_write};
	static const char *const name[APIC_MAX] = {
		"LAPIC 0 INTR", "LAPIC 1 INTR", "LAPIC 2 INTR", "LAPIC 3 INTR",
		"LAPIC 4 INTR", "LAPIC 5 INTR", "LAPIC 6 INTR", "LAPIC 7 INTR",
	};

	memset(apics, 0, sizeof(*apics));
	if (count < 1 || count > APIC_MAX)
		return false;
	apics->count = count;
	apics->processors = *processors;
	apics->bus = bus;
	apics->clock = clock;
	for (unsigned i = 0; i < count; i++) {
		struct lapic *a = &apics->apic[i];

		a->apics = apics;
		a->index = i;
		line_init(&a->intr, name[i], clock);
		timer_init(&a->timer, clock, "local APIC timer", ORDER_LAPIC + (int)i, lapic_timer_fire, a);
	}
	apic_reset(apics);
	return bus_add_mmio(bus, "local APIC", APIC_BASE, 0x1000, ops, apics, 2);
}
