/* Ports for people and test runners: a console byte port (E9h, 402h), the
 * POST code at 80h, and the exit port.
 *
 * Sources: Bochs documentation, "port e9 hack" (a read gives E9h);
 * QEMU documentation of -device isa-debugcon and -device isa-debug-exit (a
 * write of v ends the run with status (v << 1) | 1, reads give 0). */
#ifndef TRAPGATE_DEVICES_DEBUGPORT_H
#define TRAPGATE_DEVICES_DEBUGPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/bus.h"

#define DEBUGCON_PORT 0xe9
#define DEBUGCON_READBACK 0xe9u
#define DEBUG_EXIT_PORT 0x501
#define DEBUG_EXIT_SIZE 2u
#define POST_PORT 0x80

/* A console: each byte written goes to write(); wide writes are bytes. */
struct debugcon {
	uint16_t port;
	uint8_t readback;
	void (*write)(void *owner, uint8_t byte);
	void *owner;
};
bool debugcon_init(struct debugcon *con, struct bus *bus, uint16_t port, uint8_t readback,
		   void (*write)(void *owner, uint8_t byte), void *owner);

/* The exit port: iobase..iobase+iosize-1, iosize 1 to 4.  exit() is told the status;
 * what the guest does until the machine stops is its own affair. */
struct debug_exit {
	void (*exit)(void *owner, uint32_t status);
	void *owner;
};
bool debug_exit_init(struct debug_exit *port, struct bus *bus, uint16_t iobase, unsigned iosize,
		     void (*exit)(void *owner, uint32_t status), void *owner);

/* The POST code latch: reads give the last byte written.  changed may be NULL. */
struct post_port {
	uint8_t code;
	void (*changed)(void *owner, uint8_t code);
	void *owner;
};
bool post_port_init(struct post_port *port, struct bus *bus, void (*changed)(void *owner, uint8_t code), void *owner);

#endif
