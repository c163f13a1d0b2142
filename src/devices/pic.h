/* Two 8259A interrupt controllers wired as on the PC/AT: master at 20h-21h,
 * slave at A0h-A1h with its INT at the master's IR2, edge/level control at
 * 4D0h-4D1h on boards that have it.
 *
 * Sources: Intel 8259A datasheet (231468), Intel 82371SB (PIIX3) datasheet
 * (290550), sections "Interrupt Controller Registers" and "ELCR".
 *
 * What the datasheets leave open, and what stands here:
 *  - power-on: the chips keep INT low until ICW1..ICW4 are complete; IMR reads 0;
 *  - INT follows the request: a request that goes away before the acknowledge
 *    takes INT down with it.  An acknowledge that finds nothing gets level 7
 *    with no ISR bit ("default IR7");
 *  - ICW1 clears ISR and the rotation as well;
 *  - INT goes low for a moment with each acknowledge, so that a slave in AEOI
 *    mode makes a new edge at the master for the next request. */
#ifndef TRAPGATE_DEVICES_PIC_H
#define TRAPGATE_DEVICES_PIC_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/bus.h"
#include "bus/line.h"

#define PIC_MASTER_PORT 0x20
#define PIC_SLAVE_PORT 0xa0
#define PIC_ELCR_PORT 0x4d0
#define PIC_CASCADE_IR 2

/* ICW1 */
#define PIC_ICW1_IC4 0x01u  /* ICW4 will follow */
#define PIC_ICW1_SNGL 0x02u /* no cascade: no ICW3 */
#define PIC_ICW1_ADI 0x04u  /* MCS-80: call addresses 4 bytes apart */
#define PIC_ICW1_LTIM 0x08u /* level triggered */
#define PIC_ICW1_D4 0x10u
/* ICW4 */
#define PIC_ICW4_UPM 0x01u  /* 8086 mode */
#define PIC_ICW4_AEOI 0x02u
#define PIC_ICW4_MS 0x04u   /* buffered mode: this is the master */
#define PIC_ICW4_BUF 0x08u
#define PIC_ICW4_SFNM 0x10u
/* OCW3 */
#define PIC_OCW3_RIS 0x01u
#define PIC_OCW3_RR 0x02u
#define PIC_OCW3_P 0x04u
#define PIC_OCW3_D3 0x08u
#define PIC_OCW3_SMM 0x20u
#define PIC_OCW3_ESMM 0x40u

/* The next write to the odd port. */
enum pic_step { PIC_STEP_OCW1, PIC_STEP_ICW2, PIC_STEP_ICW3, PIC_STEP_ICW4 };

/* One 8259A. */
struct pic {
	uint8_t pins;    /* levels at IR0-IR7 */
	uint8_t edges;   /* edge sense latches: a rise since the last acknowledge */
	uint8_t isr, imr;
	uint8_t elcr;    /* 1: the input is level triggered */
	uint8_t elcr_writable;
	uint8_t icw1, icw2, icw3, icw4;
	uint8_t lowest;  /* the IR of lowest priority; 7 in the fixed order */
	uint8_t step;    /* enum pic_step */
	bool ready;      /* initialised since power-on */
	bool is_master;  /* SP#/EN# pin */
	bool has_elcr;   /* LTIM is without effect */
	bool read_isr, poll, special_mask, rotate_on_aeoi;
	uint64_t cause[8]; /* of the last rise at each IR */
	uint64_t served[8]; /* cause of what is in service at each level */
	struct irq_line intr; /* its clock is where stages are told */
	/* What the tracer was told last of each request, so that only news is told. */
	struct {
		uint8_t requests; /* IRs told as requested */
		uint8_t why[8];   /* enum hold, HOLD_NONE: passed on, or nothing told yet */
		uint8_t by[8];
		uint8_t passed;   /* the IR told as passed on; 8: none */
	} told;
};

struct pic_pair {
	struct pic master, slave;
	struct bus *bus;
	char why[128]; /* text of pic_why_quiet() */
};

/* Adds the ports, in the power-on state.  clock: whose tracer is told of stages.  has_elcr: a PCI board's chipset
 * (ELCR present, LTIM ignored); else a plain AT.  False: out of memory. */
bool pic_init(struct pic_pair *pair, struct bus *bus, struct clock *clock, bool has_elcr);
/* The power-on state; the levels at the pins stay. */
void pic_reset(struct pic_pair *pair);

/* A line_connect() sink: input is the ISA IRQ number 0-15.  2 is the cascade
 * and has no pin on the board: ignored. */
void pic_input(void *pair, int irq, bool level, uint64_t cause);

/* The INTR wire towards the processor (or LINT0, or an IOAPIC pin). */
struct irq_line *pic_intr(struct pic_pair *pair);

/* The processor's side, in the shape of struct intr_pin.  pic_acknowledge
 * runs both INTA cycles and returns the vector; *cause is the id of what
 * raised the request, for a default IR7 that of the last request.  It may be
 * called at any time.  FFh: nobody drove the data bus. */
bool pic_pending(void *pair);
uint8_t pic_acknowledge(void *pair, uint64_t *cause);
/* One sentence on why INTR is low (or that it is not): for people. */
const char *pic_why_quiet(void *pair);

/* IRR as OCW3 reads it. */
uint8_t pic_irr(const struct pic *pic);

#endif
