/* Virtio over PCI: one split queue, legacy registers in an I/O BAR and the
 * ones of version 1 in a memory BAR (a transitional device), INTx.
 *
 * Source: Virtual I/O Device (VIRTIO) 1.1 (OASIS), "Virtqueues", "Virtio Over
 * PCI Bus", "Legacy Interfaces: A Note on PCI Device Layout".
 *
 * A request is served at a time of its own, never within the access that
 * notifies.  A driver that breaks the rules of the queue finds
 * DEVICE_NEEDS_RESET in the status and nothing more is served until it resets.
 * There is no MSI-X: the vector registers read FFFFh. */
#ifndef TRAPGATE_DEVICES_VIRTIO_H
#define TRAPGATE_DEVICES_VIRTIO_H

#include "bus/clock.h"
#include "devices/pci.h"

#define VIRTIO_QUEUE_SIZE 128u
#define VIRTIO_DELAY UINT64_C(5000) /* ns from a notification to the service, and between requests */
#define VIRTIO_BAR_IO 0
#define VIRTIO_BAR_MEMORY 4

#define VIRTIO_STATUS_DRIVER_OK 0x04u
#define VIRTIO_STATUS_FEATURES_OK 0x08u
#define VIRTIO_STATUS_NEEDS_RESET 0x40u

#define VIRTIO_F_ANY_LAYOUT (UINT64_C(1) << 27) /* legacy only */
#define VIRTIO_F_INDIRECT (UINT64_C(1) << 28)
#define VIRTIO_F_VERSION_1 (UINT64_C(1) << 32)

/* Legacy I/O layout. */
#define VIRTIO_IO_FEATURES 0
#define VIRTIO_IO_DRIVER_FEATURES 4
#define VIRTIO_IO_QUEUE_PFN 8
#define VIRTIO_IO_QUEUE_SIZE 12
#define VIRTIO_IO_QUEUE_SELECT 14
#define VIRTIO_IO_NOTIFY 16
#define VIRTIO_IO_STATUS 18
#define VIRTIO_IO_ISR 19
#define VIRTIO_IO_CONFIG 20
#define VIRTIO_IO_SIZE 128u

/* Memory BAR: pages of ... */
#define VIRTIO_MEMORY_COMMON 0x0000u
#define VIRTIO_MEMORY_ISR 0x1000u
#define VIRTIO_MEMORY_CONFIG 0x2000u
#define VIRTIO_MEMORY_NOTIFY 0x3000u
#define VIRTIO_MEMORY_SIZE 0x4000u
#define VIRTIO_CONFIG_SIZE 64u

/* Common configuration structure. */
enum virtio_common {
	VIRTIO_DEVICE_SELECT = 0,
	VIRTIO_DEVICE_FEATURES = 4,
	VIRTIO_DRIVER_SELECT = 8,
	VIRTIO_DRIVER_FEATURES = 12,
	VIRTIO_MSIX_CONFIG = 16,
	VIRTIO_QUEUES = 18,
	VIRTIO_STATUS = 20,
	VIRTIO_GENERATION = 21,
	VIRTIO_QUEUE_SELECT = 22,
	VIRTIO_QUEUE_LENGTH = 24,
	VIRTIO_QUEUE_VECTOR = 26,
	VIRTIO_QUEUE_ENABLE = 28,
	VIRTIO_QUEUE_NOTIFY_OFF = 30,
	VIRTIO_QUEUE_DESC = 32,
	VIRTIO_QUEUE_DRIVER = 40,
	VIRTIO_QUEUE_DEVICE = 48,
	VIRTIO_COMMON_SIZE = 56,
};

struct virtio_segment {
	uint64_t address;
	uint32_t length;
	bool writable; /* by the device */
};

/* A chain of descriptors: first what the device reads, then what it writes. */
struct virtio_request {
	uint16_t head;
	unsigned count;
	uint64_t out, in; /* bytes */
	struct virtio_segment segment[VIRTIO_QUEUE_SIZE];
};

struct virtio;

/* Serves one request: *written: bytes it wrote into it, *ns: the time that takes.  False: the request is malformed. */
typedef bool virtio_serve(struct virtio *v, const struct virtio_request *request, uint32_t *written, uint64_t *ns);

struct virtio {
	struct pci_function pci;
	struct clock *clock;
	uint64_t features, driver_features;
	uint32_t device_select, driver_select;
	uint16_t queue_select;
	uint8_t status, isr;
	bool enabled;                 /* the queue */
	uint16_t size, next, used_count; /* next: available entries taken */
	uint64_t desc, driver, device; /* addresses of the queue's three parts */
	uint32_t pfn;                 /* legacy */
	struct timer timer;
	uint8_t config[VIRTIO_CONFIG_SIZE]; /* of the kind of device, read only */
	virtio_serve *serve;
};

/* type: 2 is a block device.  index orders the timers of several devices.  features: without VERSION_1, ANY_LAYOUT and
 * INDIRECT, which are always there.  False: out of memory. */
bool virtio_init(struct virtio *v, struct pci *pci, struct clock *clock, uint8_t devfn, unsigned index,
		 const char *name, uint16_t type, uint32_t class_code, uint64_t features, virtio_serve *serve);

/* Bytes of a request, counted from the first the device reads or the first it writes.  They must be there. */
void virtio_get(struct virtio *v, const struct virtio_request *request, uint64_t from, void *data, uint32_t size);
void virtio_put(struct virtio *v, const struct virtio_request *request, uint64_t from, const void *data, uint32_t size);

#endif
