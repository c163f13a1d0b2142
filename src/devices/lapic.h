/* Local APICs (xAPIC and x2APIC) of up to eight processors, and the bus that
 * carries interrupt messages between them, the IOAPICs and MSI.
 *
 * Source: Intel SDM 3A, chapter "Advanced Programmable Interrupt Controller
 * (APIC)"; section titles are cited where a rule is.
 *
 * What the SDM leaves to the model, and what stands here:
 *  - the timer's input clock is the virtual clock (one a tick); so is the TSC
 *    that TSC-deadline mode compares with;
 *  - lowest priority goes to the matching processor with the lowest PPR, then
 *    to the one with the lowest index;
 *  - when TPR and ISRV are of the same class PPR takes TPR's low bits;
 *  - interrupts in IRR come before ExtINT;
 *  - the register page stays at FEE00000h: another base is a gap. */
#ifndef TRAPGATE_DEVICES_LAPIC_H
#define TRAPGATE_DEVICES_LAPIC_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/bus.h"
#include "bus/clock.h"
#include "bus/line.h"

#define APIC_MAX 8
#define APIC_BASE UINT64_C(0xfee00000)
#define APIC_VERSION 0x00050014u /* six LVT entries */

/* IA32_APIC_BASE */
#define APIC_BASE_BSP (UINT64_C(1) << 8)
#define APIC_BASE_X2 (UINT64_C(1) << 10)
#define APIC_BASE_EN (UINT64_C(1) << 11)

/* Registers by offset / 16, which is MSR - 800h too. */
enum apic_register {
	APIC_ID = 0x02, APIC_VER = 0x03, APIC_TPR = 0x08, APIC_APR = 0x09, APIC_PPR = 0x0a, APIC_EOI = 0x0b,
	APIC_RRD = 0x0c, APIC_LDR = 0x0d, APIC_DFR = 0x0e, APIC_SVR = 0x0f, APIC_ISR = 0x10, APIC_TMR = 0x18,
	APIC_IRR = 0x20, APIC_ESR = 0x28, APIC_ICR = 0x30, APIC_ICR2 = 0x31, APIC_LVT = 0x32,
	APIC_TIMER_INITIAL = 0x38, APIC_TIMER_CURRENT = 0x39, APIC_TIMER_DIVIDE = 0x3e, APIC_SELF_IPI = 0x3f,
};

enum apic_lvt { LVT_TIMER, LVT_THERMAL, LVT_PERFORMANCE, LVT_LINT0, LVT_LINT1, LVT_ERROR, LVTS };
#define APIC_LVT_MASKED 0x10000u
#define APIC_LVT_LEVEL 0x8000u
#define APIC_LVT_REMOTE_IRR 0x4000u
#define APIC_LVT_LOW 0x2000u
#define APIC_LVT_PERIODIC 0x20000u
#define APIC_LVT_DEADLINE 0x40000u
#define APIC_SVR_ENABLE 0x100u

enum apic_delivery {
	APIC_FIXED, APIC_LOWEST, APIC_SMI, APIC_RESERVED3, APIC_NMI, APIC_INIT, APIC_SIPI, APIC_EXTINT
};

#define APIC_ESR_SEND_VECTOR 0x20u
#define APIC_ESR_RECEIVE_VECTOR 0x40u
#define APIC_ESR_REGISTER 0x80u

#define APIC_ICR_LOGICAL 0x800u
#define APIC_ICR_ASSERT 0x4000u
#define APIC_ICR_LEVEL 0x8000u
#define APIC_ICR_SELF 0x40000u
#define APIC_ICR_ALL 0x80000u
#define APIC_ICR_OTHERS 0xc0000u

/* Towards the processors.  Any may be NULL. */
struct apic_processors {
	void (*nmi)(void *owner, unsigned processor, uint64_t cause);
	void (*smi)(void *owner, unsigned processor, uint64_t cause);
	/* The local APIC itself has gone to its INIT state already. */
	void (*init)(void *owner, unsigned processor, uint64_t cause);
	void (*sipi)(void *owner, unsigned processor, uint8_t vector, uint64_t cause);
	/* INTA cycles at the 8259A, for ExtINT. */
	uint8_t (*extint)(void *device, uint64_t *cause);
	void *owner, *extint_device;
};

struct apic_bits { /* 256 vectors */
	uint32_t word[8];
};

struct apic_bus;

struct lapic {
	struct apic_bus *apics;
	unsigned index;       /* of the processor */
	uint64_t base;        /* IA32_APIC_BASE */
	uint32_t id;          /* x2APIC ID; in xAPIC mode the ID register is id8 */
	uint8_t id8;
	uint32_t tpr, ldr, dfr, svr;
	uint32_t esr, errors; /* as read; gathered since the last write */
	uint64_t icr;
	uint32_t lvt[LVTS];
	struct apic_bits irr, isr, tmr;
	uint64_t cause[256];  /* of the request in irr */
	uint64_t served[256]; /* of what is in service in isr */
	uint32_t initial, divide;
	uint64_t started;     /* tick at which the timer began to count initial down */
	uint64_t deadline;    /* IA32_TSC_DEADLINE, 0: not armed */
	struct timer timer;
	bool timer_rests;     /* its vector is pending: no expiry is awaited */
	bool pin[2];          /* LINT0, LINT1 */
	uint64_t pin_cause[2]; /* of their last changes to the active level */
	bool extint_message;  /* an IOAPIC asked for an INTA cycle */
	struct irq_line intr; /* towards the processor */
	/* What the tracer was told last of each request in irr: enum hold and by; HOLD_NONE: passed on. */
	struct {
		uint8_t why[256], by[256];
		struct apic_bits known;
		uint8_t extint; /* STAGE_HELD or STAGE_PASSED: LINT0 as the way of the 8259A's INTR; 0: nothing told */
	} told;
	char why[128];
};

struct apic_bus {
	struct lapic apic[APIC_MAX];
	unsigned count;
	struct apic_processors processors;
	/* EOI of a level-triggered vector goes to every IOAPIC. */
	struct {
		void (*eoi)(void *ioapic, uint8_t vector);
		void *ioapic;
	} ioapic[4];
	unsigned ioapics;
	struct bus *bus;
	struct clock *clock;
};

/* count processors; the first is the bootstrap processor.  False: out of memory, or count out of range. */
bool apic_init(struct apic_bus *apics, struct bus *bus, struct clock *clock, unsigned count,
	       const struct apic_processors *processors);
/* Power-on state of all ("Local APIC State After Power-Up or Reset"). */
void apic_reset(struct apic_bus *apics);
/* The state after INIT: as after power-on, but ID and IA32_APIC_BASE stay. */
void lapic_init_state(struct lapic *apic);
/* LINT0 = ExtINT and LINT1 = NMI with the APIC on: what firmware leaves
 * ("virtual wire mode", MP specification 1.4). */
void lapic_virtual_wire(struct lapic *apic);

/* ---- the processor's side: device is a struct lapic, in the shape of struct intr_pin ---- */
bool lapic_pending(void *device);
uint8_t lapic_acknowledge(void *device, uint64_t *cause);
const char *lapic_why_quiet(void *device);
/* CR8: bits 7-4 of TPR. */
uint8_t lapic_cr8(const struct lapic *apic);
void lapic_set_cr8(struct lapic *apic, uint8_t cr8);
/* IA32_APIC_BASE and the x2APIC MSRs 800h-8FFh, 6E0h.  False: #GP(0).
 * physical_bits bounds the base address; tsc is the processor's TSC now. */
bool lapic_set_base(struct lapic *apic, uint64_t value, unsigned physical_bits);
bool lapic_msr_read(struct lapic *apic, uint32_t msr, uint64_t *value);
bool lapic_msr_write(struct lapic *apic, uint32_t msr, uint64_t value);
uint64_t lapic_deadline(const struct lapic *apic);
void lapic_set_deadline(struct lapic *apic, uint64_t deadline, uint64_t tsc);

/* ---- wires ---- */
/* A line_connect() sink for LINT0 (input 0) and LINT1 (1). */
void lapic_lint(void *apic, int input, bool level, uint64_t cause);
/* A local event: performance counter overflow, thermal sensor. */
void lapic_local(struct lapic *apic, enum apic_lvt which, uint64_t cause);

/* ---- messages ---- */
struct apic_message {
	uint32_t destination;
	bool logical, level;
	bool wide;     /* a 32-bit destination (x2APIC ICR), else 8 bits */
	uint8_t delivery, vector;
	uint64_t cause;
};
/* True if at least one local APIC took it. */
bool apic_send(struct apic_bus *apics, const struct apic_message *message);
/* "Message Signalled Interrupts": a write of data to address FEExxxxxh. */
bool apic_msi(struct apic_bus *apics, uint64_t address, uint32_t data, uint64_t cause);
bool apic_add_ioapic(struct apic_bus *apics, void (*eoi)(void *ioapic, uint8_t vector), void *ioapic);

/* ---- between lapic.c and apicbus.c ---- */
void lapic_accept(struct lapic *apic, uint8_t vector, bool level, uint64_t cause);
void lapic_send_ipi(struct lapic *apic);
void lapic_error(struct lapic *apic, uint32_t bits);
void lapic_update(struct lapic *apic);
uint8_t lapic_ppr(const struct lapic *apic);
/* Tells the tracer, if there is one, what the APIC did.  input: "LVT timer" and the like, NULL: the IRR itself. */
void lapic_tell(const struct lapic *apic, enum stage_what what, const char *input, int vector, uint64_t cause);
void lapic_tell_why(const struct lapic *apic, enum stage_what what, const char *input, int vector, uint64_t cause,
		    enum hold why, int by);
void apic_event(struct apic_bus *apics, struct lapic *apic, const struct apic_message *message);
void lapic_timer_fire(void *owner, uint64_t when);
void lapic_timer_arm(struct lapic *apic);
void lapic_timer_wake(struct lapic *apic);
uint32_t lapic_timer_count(const struct lapic *apic);
void lapic_timer_divide(struct lapic *apic, uint32_t value);

static inline bool lapic_enabled(const struct lapic *apic) { return apic->base & APIC_BASE_EN; }
static inline bool lapic_x2(const struct lapic *apic) { return apic->base & APIC_BASE_X2; }

#endif
