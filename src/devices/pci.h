/* PCI bus 0: configuration mechanism 1, functions with their BARs, interrupt
 * pins and message-signalled interrupts.
 *
 * Source: PCI Local Bus Specification 2.1 (and 2.3 for the interrupt disable
 * bit), "Configuration Space", "Base Addresses", "Generating Configuration
 * Cycles", "Message Signalled Interrupts".
 *
 *  CF8h: a 32-bit write or read is CONFIG_ADDRESS; any other width passes by
 *        (CF9h is the ISA bridge's reset register).
 *  CFCh-CFFh: the bytes of the register selected; all ones when bit 31 of
 *        CONFIG_ADDRESS is 0 or nothing answers.
 *
 * BARs keep bits 31 down to their size in both spaces, since firmware takes
 * the size from all 32 bits.  A BAR at 0 or past the end of its space is not
 * decoded.  RAM and ROM hide a memory BAR laid over them. */
#ifndef TRAPGATE_DEVICES_PCI_H
#define TRAPGATE_DEVICES_PCI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/bus.h"
#include "bus/clock.h"
#include "bus/line.h"

#define PCI_ADDRESS_PORT 0xcf8
#define PCI_DATA_PORT 0xcfc
#define PCI_ENABLE UINT32_C(0x80000000)
#define PCI_DEVFN(device, function) ((uint8_t)((device) << 3 | (function)))
#define PCI_MAX_FUNCTIONS 32
#define PCI_BARS 6

enum pci_register {
	PCI_VENDOR = 0x00,
	PCI_DEVICE = 0x02,
	PCI_COMMAND = 0x04,
	PCI_STATUS = 0x06,
	PCI_REVISION = 0x08,
	PCI_CLASS = 0x09, /* three bytes */
	PCI_LATENCY = 0x0d,
	PCI_HEADER = 0x0e,
	PCI_BAR0 = 0x10,
	PCI_SUBSYSTEM_VENDOR = 0x2c,
	PCI_SUBSYSTEM = 0x2e,
	PCI_CAPABILITIES = 0x34,
	PCI_INTERRUPT_LINE = 0x3c,
	PCI_INTERRUPT_PIN = 0x3d,
};

#define PCI_COMMAND_IO 0x0001u
#define PCI_COMMAND_MEMORY 0x0002u
#define PCI_COMMAND_MASTER 0x0004u
#define PCI_COMMAND_INTX_OFF 0x0400u
#define PCI_STATUS_INTX 0x0008u
#define PCI_STATUS_CAPABILITIES 0x0010u
#define PCI_HEADER_MULTI 0x80u

/* MSI capability, offsets from its start. */
#define PCI_MSI_CONTROL 2
#define PCI_MSI_ADDRESS 4
#define PCI_MSI_DATA 8
#define PCI_MSI_SIZE 10
#define PCI_MSI_ENABLE 0x0001u
/* Where messages go: a memory write there is an interrupt (SDM 3A, "Message Address Register Format"). */
#define PCI_MSI_WINDOW UINT32_C(0xfee00000)

enum pci_bar_kind { PCI_BAR_NONE, PCI_BAR_IO, PCI_BAR_MEMORY };

struct pci;
struct pci_function;

/* ops get offsets from the BAR's start. */
struct pci_bar {
	enum pci_bar_kind kind;
	uint32_t size; /* a power of two; I/O 4 at least, memory 16 */
	struct mmio_ops ops;
	struct pci_function *function;
	struct region *region;
	bool decoded;
	uint32_t base; /* while decoded */
};

struct pci_identity {
	uint16_t vendor, device, subsystem_vendor, subsystem;
	uint8_t revision;
	uint32_t class_code; /* class, subclass, programming interface */
	uint8_t pin;         /* 0: none, 1: INTA# ... */
};

struct pci_function {
	const char *name;
	uint8_t devfn;
	uint8_t config[256];
	uint8_t reset[256];    /* values after RST# */
	uint8_t writable[256]; /* bits that take what is written ... */
	uint8_t clear[256];    /* ... and bits that a written 1 clears */
	struct pci_bar bar[PCI_BARS];
	uint8_t msi;           /* offset of the capability, 0: none */
	bool intx;             /* the function wants its pin asserted */
	uint64_t intx_cause;
	struct pci *pci;
	/* After a write of configuration bytes offset..offset+bytes-1 and after reset (0, 256). */
	void (*written)(void *device, unsigned offset, unsigned bytes);
	/* Before configuration bytes are read; may be NULL. */
	void (*reading)(void *device, unsigned offset, unsigned bytes);
	void *device;
};

struct pci {
	struct bus *bus;
	struct clock *clock;
	uint32_t address;
	struct pci_function *function[PCI_MAX_FUNCTIONS];
	unsigned functions;
	struct irq_line pirq[4]; /* PIRQA# ... PIRQD#, high: asserted */
	struct port_ops beside;  /* cycles at CF8h-CFBh that are not 32 bits wide */
	void *beside_device;
	void (*message)(void *owner, uint64_t address, uint32_t data, uint64_t cause);
	void *message_owner;
};

/* Adds ports CF8h-CFFh.  False: out of memory. */
bool pci_init(struct pci *pci, struct bus *bus, struct clock *clock);
/* RST#: every function's configuration as after power-on. */
void pci_reset(struct pci *pci);
/* Message-signalled interrupts go there. */
void pci_set_message_sink(struct pci *pci,
			  void (*message)(void *owner, uint64_t address, uint32_t data, uint64_t cause), void *owner);
/* Who sees cycles at CF8h-CFBh that are not configuration addresses. */
void pci_set_beside(struct pci *pci, struct port_ops ops, void *device);

/* Building a function: begin, then registers, BARs and capabilities, then pci_add(). */
void pci_function_begin(struct pci_function *f, const char *name, uint8_t devfn, const struct pci_identity *id);
/* The value after reset of bytes bytes, and the bits a guest may change. */
void pci_function_register(struct pci_function *f, unsigned offset, unsigned bytes, uint32_t reset, uint32_t writable);
void pci_function_clear_bits(struct pci_function *f, unsigned offset, unsigned bytes, uint32_t clear);
void pci_function_bar(struct pci_function *f, unsigned index, enum pci_bar_kind kind, uint32_t size,
		      struct mmio_ops ops);
/* A capability of size bytes at offset (64 or more, a multiple of 4), in front of those already there. */
void pci_function_capability(struct pci_function *f, unsigned offset, uint8_t id);
/* One message, 32-bit addresses. */
void pci_function_msi(struct pci_function *f, unsigned offset);
/* Puts the function on the bus, reset.  False: no room, or out of memory. */
bool pci_add(struct pci *pci, struct pci_function *f);

/* Registers as the function itself sees them. */
uint32_t pci_config(const struct pci_function *f, unsigned offset, unsigned bytes);
void pci_config_set(struct pci_function *f, unsigned offset, unsigned bytes, uint32_t value);

/* The function's interrupt pin.  cause: of a rise. */
void pci_set_intx(struct pci_function *f, bool level, uint64_t cause);
bool pci_msi_enabled(const struct pci_function *f);
/* Sends the function's message: nothing happens unless it is enabled. */
void pci_msi_send(struct pci_function *f, uint64_t cause);

/* Memory cycles of the function as a bus master.  False, and nothing happens: it may not (command register). */
bool pci_master_read(struct pci_function *f, uint64_t pa, void *data, size_t size);
bool pci_master_write(struct pci_function *f, uint64_t pa, const void *data, size_t size);

#endif
