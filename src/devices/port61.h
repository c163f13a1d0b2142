/* Port 61h, the AT's system control port B, and the NMI logic behind it:
 * speaker gate, refresh toggle, parity (SERR#) and channel check (IOCHK#).
 *
 * Source: Intel 82371SB (PIIX3) datasheet (290550), "NMISC - NMI Status and
 * Control Register" and "NMI Enable and Real-Time Clock Address Register".
 *
 *  bit 7 RO  SERR# seen (a latch, cleared while bit 2 is 1)
 *  bit 6 RO  IOCHK# seen (a latch, cleared while bit 3 is 1)
 *  bit 5 RO  OUT2 of the 8254
 *  bit 4 RO  toggles with each refresh cycle, every 18 PIT clocks
 *  bit 3 RW  IOCHK# NMI disabled
 *  bit 2 RW  SERR# NMI disabled
 *  bit 1 RW  speaker data
 *  bit 0 RW  GATE2 of the 8254
 * Reset value of the RW bits: 0. */
#ifndef TRAPGATE_DEVICES_PORT61_H
#define TRAPGATE_DEVICES_PORT61_H

#include "devices/pit.h"

#define PORT61 0x61
#define PORT61_GATE2 0x01u
#define PORT61_SPEAKER 0x02u
#define PORT61_SERR_OFF 0x04u
#define PORT61_IOCHK_OFF 0x08u
#define PORT61_REFRESH 0x10u
#define PORT61_OUT2 0x20u
#define PORT61_IOCHK 0x40u
#define PORT61_SERR 0x80u

enum port61_input {
	PORT61_IN_SERR,
	PORT61_IN_IOCHK,
	PORT61_IN_NMI_OFF, /* bit 7 of port 70h */
};

struct port61 {
	struct pit *pit;
	uint8_t control;     /* bits 3-0 */
	bool serr, iochk;    /* latches */
	bool nmi_off;
	uint64_t cause;      /* of the last latch set */
	struct irq_line nmi; /* towards the processors: its rise is the NMI */
};

bool port61_init(struct port61 *port, struct bus *bus, struct pit *pit);
void port61_reset(struct port61 *port);
/* A line_connect() sink; input is an enum port61_input. */
void port61_input(void *port, int input, bool level, uint64_t cause);

#endif
