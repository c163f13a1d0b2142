/* Starting a guest without firmware: what firmware would have done and found out. */
#ifndef TRAPGATE_MACHINE_BOOT_H
#define TRAPGATE_MACHINE_BOOT_H

#include "guest/boot.h"
#include "machine/machine.h"

/* The board's devices and memory as a BIOS leaves them: interrupt vectors, data areas, tables, the devices' registers.
 * Before an image is loaded, which may want the same memory; machine_start() does it for who has not.  Once: later
 * calls, and those for a bare machine, do nothing. */
bool machine_like_firmware(struct machine *machine, struct diagnostic *why) MUST_CHECK;

/* What firmware would tell a kernel of this board, for guest_load_kernel(). */
bool machine_boot_board(const struct machine *machine, struct boot_board *board, struct diagnostic *why) MUST_CHECK;

#endif
