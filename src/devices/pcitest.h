/* The PCI test device, as OS test suites use it to count accesses: 1B36:0005, BAR0 memory of 4 KiB, BAR1 256 I/O ports.
 *
 * Source: QEMU documentation, "QEMU PCI test device".  Each BAR begins with
 *   0 test (write only): chooses a test and clears its count      8 data (32 bits): what is to be written
 *   1 width: 1, 2 or 4; 0: no such test                          12 count (32 bits): writes seen of that width and data
 *   4 offset (32 bits): where in this BAR                        16 name, ends with NUL
 * Here test n of 0 to 2 counts writes of 1 << n bytes.  All else reads 0 and takes nothing.  BAR2 is not built. */
#ifndef TRAPGATE_DEVICES_PCITEST_H
#define TRAPGATE_DEVICES_PCITEST_H

#include "devices/pci.h"

#define PCITEST_MEMORY 4096u
#define PCITEST_PORTS  256u
#define PCITEST_TESTS  3u
#define PCITEST_BARS   2u

struct pcitest {
	struct pci_function pci;
	struct pcitest_bar {
		uint8_t test;
		uint32_t count;
	} bar[PCITEST_BARS];
};

/* False: no room on the bus, or out of memory. */
bool pcitest_init(struct pcitest *dev, struct pci *pci, uint8_t devfn);

#endif
