#include "devices/virtio.h"

#include <string.h>

#include "devices/order.h"

#define DESC_NEXT 1u
#define DESC_WRITE 2u
#define DESC_INDIRECT 4u
#define AVAIL_NO_INTERRUPT 1u
#define ISR_QUEUE 1u
#define ISR_CONFIG 2u

#define CAP_FIRST 0x40u
#define CAP_STEP 0x14u
#define CAP_PCI 5u     /* the window in configuration space */
#define CAP_WINDOW (CAP_FIRST + 4 * CAP_STEP)
#define CAP_BAR 4u
#define CAP_OFFSET 8u
#define CAP_LENGTH 12u
#define CAP_DATA 16u

/* A register: where it lies and how long it is. */
struct field {
	uint8_t offset, bytes;
};

/* ---- the queue ---- */
static uint64_t fetch(struct virtio *v, uint64_t at, unsigned bytes)
{
	uint64_t value = 0;

	pci_master_read(&v->pci, at, &value, bytes);
	return value;
}

static void store(struct virtio *v, uint64_t at, unsigned bytes, uint64_t value)
{
	pci_master_write(&v->pci, at, &value, bytes);
}

static bool may_serve(const struct virtio *v)
{
	return v->enabled && (v->status & VIRTIO_STATUS_DRIVER_OK) && !(v->status & VIRTIO_STATUS_NEEDS_RESET) &&
	       (pci_config(&v->pci, PCI_COMMAND, 2) & PCI_COMMAND_MASTER);
}

static void raise_interrupt(struct virtio *v, uint8_t why)
{
	if (v->isr == 0)
		pci_set_intx(&v->pci, true, clock_new_cause(v->clock));
	v->isr |= why;
}

static void broken(struct virtio *v)
{
	v->status |= VIRTIO_STATUS_NEEDS_RESET;
	raise_interrupt(v, ISR_CONFIG);
}

/* Puts one descriptor's memory into the request.  What the device writes comes last. */
static bool add_segment(struct virtio_request *r, uint64_t address, uint32_t length, unsigned flags)
{
	struct virtio_segment *s;
	bool writable = flags & DESC_WRITE;

	if (r->count == VIRTIO_QUEUE_SIZE || (!writable && r->in))
		return false;
	if (length == 0 || address + length < address)
		return length == 0;
	s = &r->segment[r->count++];
	*s = (struct virtio_segment){address, length, writable};
	*(writable ? &r->in : &r->out) += length;
	return true;
}

/* A table of descriptors: the queue's own or an indirect one.  False: a rule is broken. */
static bool walk(struct virtio *v, struct virtio_request *r, uint64_t table, uint32_t size, uint32_t index,
		 bool indirect)
{
	for (uint32_t steps = 0; steps < size; steps++) {
		uint64_t at = table + 16 * (uint64_t)index;
		uint64_t address = fetch(v, at, 8);
		uint32_t length = (uint32_t)fetch(v, at + 8, 4);
		unsigned flags = (unsigned)fetch(v, at + 12, 2), next = (unsigned)fetch(v, at + 14, 2);

		if (flags & DESC_INDIRECT) {
			if (indirect || (flags & DESC_NEXT) || length == 0 || length % 16 ||
			    length / 16 > VIRTIO_QUEUE_SIZE)
				return false;
			return walk(v, r, address, length / 16, 0, true);
		}
		if (!add_segment(r, address, length, flags))
			return false;
		if (!(flags & DESC_NEXT))
			return true;
		if (next >= size)
			return false;
		index = next;
	}
	return false; /* longer than the table: a loop */
}

static void give_back(struct virtio *v, const struct virtio_request *r, uint32_t written)
{
	uint64_t entry = v->device + 4 + 8 * (uint64_t)(v->used_count % v->size);

	store(v, entry, 4, r->head);
	store(v, entry + 4, 4, written);
	v->used_count++;
	store(v, v->device + 2, 2, v->used_count);
	if (!(fetch(v, v->driver, 2) & AVAIL_NO_INTERRUPT))
		raise_interrupt(v, ISR_QUEUE);
}

/* One request, if there is one. */
static void serve_next(struct virtio *v)
{
	struct virtio_request r = {.count = 0};
	uint16_t waiting = (uint16_t)(fetch(v, v->driver + 2, 2) - v->next);
	uint64_t ns = 0;
	uint32_t written = 0;

	if (waiting == 0)
		return;
	if (waiting > v->size) {
		broken(v);
		return;
	}
	r.head = (uint16_t)fetch(v, v->driver + 4 + 2 * (uint64_t)(v->next % v->size), 2);
	if (r.head >= v->size || !walk(v, &r, v->desc, v->size, r.head, false) || !v->serve(v, &r, &written, &ns)) {
		broken(v);
		return;
	}
	v->next++;
	give_back(v, &r, written);
	timer_arm(&v->timer, v->clock->now + VIRTIO_DELAY + ns);
}

static void fire(void *owner, uint64_t when)
{
	struct virtio *v = owner;

	if (may_serve(v))
		serve_next(v);
}

static void notify(struct virtio *v)
{
	if (may_serve(v) && !timer_armed(&v->timer))
		timer_arm(&v->timer, v->clock->now + VIRTIO_DELAY);
}

static void copy(struct virtio *v, const struct virtio_request *r, uint64_t from, uint8_t *data, uint32_t size,
		 bool put)
{
	for (unsigned i = 0; i < r->count && size; i++) {
		const struct virtio_segment *s = &r->segment[i];
		uint32_t n;

		if (s->writable != put)
			continue;
		if (from >= s->length) {
			from -= s->length;
			continue;
		}
		n = s->length - (uint32_t)from < size ? s->length - (uint32_t)from : size;
		if (put)
			pci_master_write(&v->pci, s->address + from, data, n);
		else
			pci_master_read(&v->pci, s->address + from, data, n);
		from = 0;
		data += n;
		size -= n;
	}
}

void virtio_get(struct virtio *v, const struct virtio_request *r, uint64_t from, void *data, uint32_t size)
{
	copy(v, r, from, data, size, false);
}

void virtio_put(struct virtio *v, const struct virtio_request *r, uint64_t from, const void *data, uint32_t size)
{
	uint8_t bytes[512];

	for (uint32_t n; size; size -= n, from += n, data = (const uint8_t *)data + n) {
		n = size < sizeof(bytes) ? size : (uint32_t)sizeof(bytes);
		memcpy(bytes, data, n);
		copy(v, r, from, bytes, n, true);
	}
}

/* ---- status and features ---- */
static void reset(struct virtio *v)
{
	timer_cancel(&v->timer);
	v->driver_features = 0;
	v->device_select = v->driver_select = 0;
	v->queue_select = 0;
	v->status = v->isr = 0;
	v->enabled = false;
	v->size = VIRTIO_QUEUE_SIZE;
	v->next = v->used_count = 0;
	v->desc = v->driver = v->device = 0;
	v->pfn = 0;
	if (v->pci.pci)
		pci_set_intx(&v->pci, false, 0);
}

/* modern: FEATURES_OK sticks only for features that are there, VERSION_1 among them. */
static void write_status(struct virtio *v, uint8_t value, bool modern)
{
	uint8_t kept = v->status & VIRTIO_STATUS_NEEDS_RESET;

	if (value == 0) {
		reset(v);
		return;
	}
	if (modern && ((v->driver_features & ~v->features) || !(v->driver_features & VIRTIO_F_VERSION_1)))
		value &= (uint8_t)~VIRTIO_STATUS_FEATURES_OK;
	v->status = value | kept;
	notify(v);
}

static uint8_t read_isr(struct virtio *v)
{
	uint8_t isr = v->isr;

	v->isr = 0;
	pci_set_intx(&v->pci, false, 0);
	return isr;
}

static uint64_t config_bytes(const struct virtio *v, uint64_t offset, unsigned bytes)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < bytes && offset + i < VIRTIO_CONFIG_SIZE; i++)
		value |= (uint64_t)v->config[offset + i] << (8 * i);
	return value;
}

/* ---- legacy registers ---- */
static void set_pfn(struct virtio *v, uint32_t pfn)
{
	uint64_t avail_end;

	if (v->queue_select)
		return;
	v->pfn = pfn;
	v->enabled = pfn != 0;
	v->size = VIRTIO_QUEUE_SIZE;
	v->next = v->used_count = 0;
	v->desc = (uint64_t)pfn << 12;
	v->driver = v->desc + 16 * VIRTIO_QUEUE_SIZE;
	avail_end = v->driver + 6 + 2 * VIRTIO_QUEUE_SIZE;
	v->device = (avail_end + 4095) & ~UINT64_C(4095);
}

static uint32_t legacy_value(struct virtio *v, unsigned offset)
{
	switch (offset) {
	case VIRTIO_IO_FEATURES:
		return (uint32_t)v->features;
	case VIRTIO_IO_DRIVER_FEATURES:
		return (uint32_t)v->driver_features;
	case VIRTIO_IO_QUEUE_PFN:
		return v->queue_select ? 0 : v->pfn;
	case VIRTIO_IO_QUEUE_SIZE:
		return v->queue_select ? 0 : VIRTIO_QUEUE_SIZE;
	case VIRTIO_IO_QUEUE_SELECT:
		return v->queue_select;
	case VIRTIO_IO_STATUS:
		return v->status;
	case VIRTIO_IO_ISR:
		return read_isr(v);
	default:
		return 0; /* notify */
	}
}

static void set_legacy(struct virtio *v, unsigned offset, uint32_t value)
{
	switch (offset) {
	case VIRTIO_IO_DRIVER_FEATURES:
		v->driver_features = value & (uint32_t)v->features;
		break;
	case VIRTIO_IO_QUEUE_PFN:
		set_pfn(v, value);
		break;
	case VIRTIO_IO_QUEUE_SELECT:
		v->queue_select = (uint16_t)value;
		break;
	case VIRTIO_IO_NOTIFY:
		notify(v);
		break;
	case VIRTIO_IO_STATUS:
		write_status(v, (uint8_t)value, false);
		break;
	default:
		break;
	}
}

static const struct field legacy_fields[] = {{0, 4}, {4, 4}, {8, 4}, {12, 2}, {14, 2}, {16, 2}, {18, 1}, {19, 1}};
#define LEGACY_FIELDS (sizeof(legacy_fields) / sizeof(legacy_fields[0]))

/* Registers are read at any width, whole or in parts, also several at once; each is read once. */
static uint64_t legacy_read(void *device, uint64_t offset, unsigned bytes)
{
	struct virtio *v = device;
	uint64_t value = 0;

	for (unsigned f = 0; f < LEGACY_FIELDS; f++) {
		unsigned first = legacy_fields[f].offset, end = first + legacy_fields[f].bytes;
		uint32_t reg;

		if (offset >= end || offset + bytes <= first)
			continue;
		reg = legacy_value(v, first);
		for (unsigned i = 0; i < bytes; i++) {
			if (offset + i >= first && offset + i < end)
				value |= (uint64_t)(reg >> (8 * (offset + i - first)) & 0xff) << (8 * i);
		}
	}
	for (unsigned i = 0; i < bytes; i++) {
		if (offset + i >= VIRTIO_IO_CONFIG)
			value |= config_bytes(v, offset + i - VIRTIO_IO_CONFIG, 1) << (8 * i);
	}
	return value;
}

/* A write of part of a register leaves its other bytes. */
static void legacy_write(void *device, uint64_t offset, unsigned bytes, uint64_t value)
{
	struct virtio *v = device;

	for (unsigned f = 0; f < LEGACY_FIELDS; f++) {
		unsigned first = legacy_fields[f].offset, end = first + legacy_fields[f].bytes;
		uint32_t reg;

		if (offset >= end || offset + bytes <= first || first == VIRTIO_IO_ISR)
			continue;
		reg = legacy_value(v, first);
		for (unsigned i = 0; i < bytes; i++) {
			unsigned shift = 8 * (unsigned)(offset + i - first);

			if (offset + i >= first && offset + i < end)
				reg = (reg & ~(UINT32_C(0xff) << shift)) | (uint32_t)(value >> (8 * i) & 0xff) << shift;
		}
		set_legacy(v, first, reg);
	}
}

/* ---- registers of version 1 ---- */
static uint32_t half_of(uint64_t features, uint32_t select)
{
	return select > 1 ? 0 : (uint32_t)(features >> (32 * select));
}

static uint64_t common_value(const struct virtio *v, unsigned offset)
{
	bool there = v->queue_select == 0;

	switch (offset) {
	case VIRTIO_DEVICE_SELECT:
		return v->device_select;
	case VIRTIO_DEVICE_FEATURES:
		return half_of(v->features & ~VIRTIO_F_ANY_LAYOUT, v->device_select);
	case VIRTIO_DRIVER_SELECT:
		return v->driver_select;
	case VIRTIO_DRIVER_FEATURES:
		return half_of(v->driver_features, v->driver_select);
	case VIRTIO_MSIX_CONFIG:
	case VIRTIO_QUEUE_VECTOR:
		return 0xffff;
	case VIRTIO_QUEUES:
		return 1;
	case VIRTIO_STATUS:
		return v->status;
	case VIRTIO_QUEUE_SELECT:
		return v->queue_select;
	case VIRTIO_QUEUE_LENGTH:
		return there ? v->size : 0;
	case VIRTIO_QUEUE_ENABLE:
		return there && v->enabled;
	case VIRTIO_QUEUE_DESC:
		return there ? v->desc : 0;
	case VIRTIO_QUEUE_DRIVER:
		return there ? v->driver : 0;
	case VIRTIO_QUEUE_DEVICE:
		return there ? v->device : 0;
	default:
		return 0;
	}
}

/* The queue's place and size can be changed until it is enabled. */
static void set_queue(struct virtio *v, unsigned offset, uint64_t value)
{
	if (v->queue_select || v->enabled)
		return;
	switch (offset) {
	case VIRTIO_QUEUE_LENGTH:
		if (value && value <= VIRTIO_QUEUE_SIZE && !(value & (value - 1)))
			v->size = (uint16_t)value;
		break;
	case VIRTIO_QUEUE_ENABLE:
		v->enabled = value == 1;
		break;
	case VIRTIO_QUEUE_DESC:
		v->desc = value & ~UINT64_C(15);
		break;
	case VIRTIO_QUEUE_DRIVER:
		v->driver = value & ~UINT64_C(1);
		break;
	default:
		v->device = value & ~UINT64_C(3);
		break;
	}
}

static void set_common(struct virtio *v, unsigned offset, uint64_t value)
{
	uint64_t half;

	switch (offset) {
	case VIRTIO_DEVICE_SELECT:
		v->device_select = (uint32_t)value;
		break;
	case VIRTIO_DRIVER_SELECT:
		v->driver_select = (uint32_t)value;
		break;
	case VIRTIO_DRIVER_FEATURES:
		if (v->driver_select > 1 || (v->status & VIRTIO_STATUS_FEATURES_OK))
			break;
		half = UINT64_C(0xffffffff) << (32 * v->driver_select);
		v->driver_features = (v->driver_features & ~half) | (value & 0xffffffff) << (32 * v->driver_select);
		break;
	case VIRTIO_STATUS:
		write_status(v, (uint8_t)value, true);
		break;
	case VIRTIO_QUEUE_SELECT:
		v->queue_select = (uint16_t)value;
		break;
	case VIRTIO_QUEUE_LENGTH:
	case VIRTIO_QUEUE_ENABLE:
	case VIRTIO_QUEUE_DESC:
	case VIRTIO_QUEUE_DRIVER:
	case VIRTIO_QUEUE_DEVICE:
		set_queue(v, offset, value);
		break;
	default:
		break;
	}
}

static const struct field common_fields[] = {
	{0, 4}, {4, 4}, {8, 4}, {12, 4}, {16, 2}, {18, 2}, {20, 1}, {21, 1}, {22, 2},
	{24, 2}, {26, 2}, {28, 2}, {30, 2}, {32, 8}, {40, 8}, {48, 8},
};
#define COMMON_FIELDS (sizeof(common_fields) / sizeof(common_fields[0]))

static uint64_t common_read(const struct virtio *v, uint64_t offset, unsigned bytes)
{
	uint64_t value = 0;

	for (unsigned f = 0; f < COMMON_FIELDS; f++) {
		unsigned first = common_fields[f].offset, end = first + common_fields[f].bytes;

		for (unsigned i = 0; i < bytes; i++) {
			if (offset + i >= first && offset + i < end)
				value |= (common_value(v, first) >> (8 * (offset + i - first)) & 0xff) << (8 * i);
		}
	}
	return value;
}

static void common_write(struct virtio *v, uint64_t offset, unsigned bytes, uint64_t value)
{
	for (unsigned f = 0; f < COMMON_FIELDS; f++) {
		unsigned first = common_fields[f].offset, end = first + common_fields[f].bytes;
		uint64_t reg;

		if (offset >= end || offset + bytes <= first)
			continue;
		reg = common_value(v, first);
		for (unsigned i = 0; i < bytes; i++) {
			unsigned shift = 8 * (unsigned)(offset + i - first);

			if (offset + i >= first && offset + i < end)
				reg = (reg & ~(UINT64_C(0xff) << shift)) | (value >> (8 * i) & 0xff) << shift;
		}
		set_common(v, first, reg);
	}
}

static uint64_t memory_read(void *device, uint64_t offset, unsigned bytes)
{
	struct virtio *v = device;
	uint64_t at = offset & 0xfff;

	switch (offset & 0x3000) {
	case VIRTIO_MEMORY_COMMON:
		return common_read(v, at, bytes);
	case VIRTIO_MEMORY_ISR:
		return at == 0 ? read_isr(v) : 0;
	case VIRTIO_MEMORY_CONFIG:
		return config_bytes(v, at, bytes);
	default:
		return 0;
	}
}

static void memory_write(void *device, uint64_t offset, unsigned bytes, uint64_t value)
{
	struct virtio *v = device;

	if ((offset & 0x3000) == VIRTIO_MEMORY_COMMON)
		common_write(v, offset & 0xfff, bytes, value);
	else if (offset == VIRTIO_MEMORY_NOTIFY)
		notify(v);
}

/* ---- the window in configuration space: BAR accesses without a mapped BAR ---- */
static bool window(const struct virtio *v, unsigned offset, unsigned bytes, uint32_t *at, unsigned *length)
{
	const struct pci_function *f = &v->pci;

	*at = pci_config(f, CAP_WINDOW + CAP_OFFSET, 4);
	*length = pci_config(f, CAP_WINDOW + CAP_LENGTH, 4);
	return offset < CAP_WINDOW + CAP_DATA + 4 && offset + bytes > CAP_WINDOW + CAP_DATA &&
	       f->config[CAP_WINDOW + CAP_BAR] == VIRTIO_BAR_MEMORY && *at < VIRTIO_MEMORY_SIZE &&
	       (*length == 1 || *length == 2 || *length == 4) && *at % *length == 0;
}

static void config_reading(void *device, unsigned offset, unsigned bytes)
{
	struct virtio *v = device;
	unsigned length;
	uint32_t at;

	if (window(v, offset, bytes, &at, &length))
		pci_config_set(&v->pci, CAP_WINDOW + CAP_DATA, length, (uint32_t)memory_read(v, at, length));
}

static void config_written(void *device, unsigned offset, unsigned bytes)
{
	struct virtio *v = device;
	unsigned length;
	uint32_t at;

	if (bytes == 256)
		reset(v);
	else if (window(v, offset, bytes, &at, &length))
		memory_write(v, at, length, pci_config(&v->pci, CAP_WINDOW + CAP_DATA, length));
	else
		notify(v); /* it may be a bus master now */
}

static void add_capability(struct pci_function *f, unsigned index, uint8_t type, uint32_t offset, uint32_t length,
			   uint8_t size)
{
	unsigned at = CAP_FIRST + index * CAP_STEP;

	pci_function_capability(f, at, 0x09); /* vendor specific */
	pci_function_register(f, at + 2, 1, size, 0);
	pci_function_register(f, at + 3, 1, type, 0);
	pci_function_register(f, at + CAP_BAR, 1, type == CAP_PCI ? 0 : VIRTIO_BAR_MEMORY, type == CAP_PCI ? 0xff : 0);
	pci_function_register(f, at + CAP_OFFSET, 4, offset, type == CAP_PCI ? UINT32_MAX : 0);
	pci_function_register(f, at + CAP_LENGTH, 4, length, type == CAP_PCI ? UINT32_MAX : 0);
	if (type == CAP_PCI)
		pci_function_register(f, at + CAP_DATA, 4, 0, UINT32_MAX);
}

bool virtio_init(struct virtio *v, struct pci *pci, struct clock *clock, uint8_t devfn, unsigned index,
		 const char *name, uint16_t type, uint32_t class_code, uint64_t features, virtio_serve *serve)
{
	/* Transitional device ids: network 1000h, block 1001h ... */
	const struct pci_identity id = {0x1af4, (uint16_t)(0x0fff + type), 0x1af4, type, 0x00, class_code, 1};
	static const struct mmio_ops io = {legacy_read, legacy_write}, memory = {memory_read, memory_write};
	struct pci_function *f = &v->pci;

	memset(v, 0, sizeof(*v));
	v->clock = clock;
	v->features = features | VIRTIO_F_VERSION_1 | VIRTIO_F_ANY_LAYOUT | VIRTIO_F_INDIRECT;
	v->serve = serve;
	timer_init(&v->timer, clock, name, ORDER_VIRTIO + (int)index, fire, v);
	pci_function_begin(f, name, devfn, &id);
	pci_function_register(f, PCI_COMMAND, 2, 0, 0x0407);
	pci_function_bar(f, VIRTIO_BAR_IO, PCI_BAR_IO, VIRTIO_IO_SIZE, io);
	pci_function_bar(f, VIRTIO_BAR_MEMORY, PCI_BAR_MEMORY, VIRTIO_MEMORY_SIZE, memory);
	add_capability(f, 4, CAP_PCI, 0, 0, 20);
	add_capability(f, 3, 2, VIRTIO_MEMORY_NOTIFY, 4, 20); /* notify_off_multiplier 0 behind it */
	add_capability(f, 2, 4, VIRTIO_MEMORY_CONFIG, VIRTIO_CONFIG_SIZE, 16);
	add_capability(f, 1, 3, VIRTIO_MEMORY_ISR, 1, 16);
	add_capability(f, 0, 1, VIRTIO_MEMORY_COMMON, VIRTIO_COMMON_SIZE, 16);
	f->written = config_written;
	f->reading = config_reading;
	f->device = v;
	return pci_add(pci, f);
}
