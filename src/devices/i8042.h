/* The keyboard controller of the PS/2 (an 8042 with its firmware) at ports
 * 60h and 64h, with keyboard and mouse: IRQ1, IRQ12, A20 gate, reset.
 *
 * Source: IBM PS/2 Hardware Interface Technical Reference, "Keyboard and
 * Auxiliary Device Controller".
 *
 * A byte takes I8042_BYTE_TIME over a device's wire; a device's self test takes
 * I8042_SELF_TEST_TIME (real ones take up to 25 times as long).  The controller itself
 * answers at once: IBF always reads 0.
 *
 * What the reference leaves open, and what stands here:
 *  - power-on: command byte 30h (both devices held, no interrupts, no translation),
 *    output port DFh: A20 on;
 *  - a controller answer overwrites what lies in the output buffer. */
#ifndef TRAPGATE_DEVICES_I8042_H
#define TRAPGATE_DEVICES_I8042_H

#include "bus/bus.h"
#include "bus/clock.h"
#include "bus/line.h"
#include "devices/ps2.h"

#define I8042_DATA 0x60
#define I8042_COMMAND 0x64
#define I8042_BYTE_TIME UINT64_C(700000)        /* ticks: 11 bits at 15.7 kHz */
#define I8042_SELF_TEST_TIME UINT64_C(20000000)

#define I8042_STATUS_OBF 0x01u
#define I8042_STATUS_IBF 0x02u
#define I8042_STATUS_SYS 0x04u
#define I8042_STATUS_A2 0x08u  /* last write was a command */
#define I8042_STATUS_INH 0x10u /* keyboard lock open */
#define I8042_STATUS_AUX 0x20u /* output buffer holds the mouse's byte */

/* Command byte. */
#define I8042_CB_INT 0x01u
#define I8042_CB_AUX_INT 0x02u
#define I8042_CB_SYS 0x04u
#define I8042_CB_DISABLE 0x10u
#define I8042_CB_AUX_DISABLE 0x20u
#define I8042_CB_TRANSLATE 0x40u

/* Commands to port 64h that board makers use; their byte follows at port 60h. */
#define I8042_WRITE_CB 0x60u
#define I8042_WRITE_OUTPUT 0xd1u

/* Output port. */
#define I8042_OUT_RESET 0x01u /* 0: the processor is held in reset */
#define I8042_OUT_A20 0x02u
#define I8042_OUT_IRQ1 0x10u
#define I8042_OUT_IRQ12 0x20u

struct i8042 {
	struct ps2_keyboard keyboard;
	struct ps2_mouse mouse;
	uint8_t ram[32];     /* byte 0: the command byte */
	uint8_t output;      /* output buffer */
	bool obf, aux;       /* full; with the mouse's byte */
	uint8_t output_port; /* bits 0 and 1, the rest as it was written */
	uint8_t command;     /* waits for its byte at port 60h; 0: none */
	bool a2;
	uint8_t indicator;   /* status bits 7-4 after commands C1h and C2h */
	bool polling_input;
	bool breaking;       /* translation: F0h was swallowed */
	uint64_t keyboard_ready, mouse_ready; /* a self test lasts until then */
	struct bus *bus;
	struct clock *clock;
	struct timer wire, typematic;
	struct irq_line irq1, irq12, a20;
	struct irq_line reset; /* pulses */
};

bool i8042_init(struct i8042 *kbc, struct bus *bus, struct clock *clock);
void i8042_reset(struct i8042 *kbc);
/* Keyboard and mouse have passed their self tests, and their answers are read: as
 * firmware leaves them. */
void i8042_self_tests_done(struct i8042 *kbc);

/* What the user does: see ps2.h. */
void i8042_key(struct i8042 *kbc, uint8_t key, bool down);
void i8042_mouse(struct i8042 *kbc, int dx, int dy, int dz, uint8_t buttons);

#endif
