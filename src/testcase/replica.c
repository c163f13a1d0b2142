#include "testcase/replica.h"

#include <stdlib.h>
#include <string.h>

/* ---- memory: each byte is taken from the original machine when it is first met ---- */
static struct replica_byte *byte_at(struct replica *r, uint64_t pa)
{
	static const uint8_t nothing = 0xff;
	uint64_t offset;

	for (unsigned i = 0; i < r->bytes; i++)
		if (r->byte[i].pa == pa)
			return &r->byte[i];
	if (r->bytes == REPLICA_MOST_BYTES) {
		r->trouble = "it touches more than 4096 bytes";
		return &r->byte[0];
	}
	const struct region *region = bus_find(r->original, pa, &offset);
	if (!region || region->kind == REGION_MMIO)
		r->trouble = "it touches a device, or addresses where nothing is";
	struct replica_byte *b = &r->byte[r->bytes++];
	*b = (struct replica_byte){.pa = pa, .before = nothing};
	bus_peek(r->original, pa, &b->before, 1);
	b->now = b->before;
	return b;
}

static uint64_t read_memory(void *device, uint64_t offset, unsigned bytes)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < bytes; i++)
		value |= (uint64_t)byte_at(device, offset + i)->now << (8 * i);
	return value;
}

static void write_memory(void *device, uint64_t offset, unsigned bytes, uint64_t value)
{
	for (unsigned i = 0; i < bytes; i++)
		byte_at(device, offset + i)->now = (uint8_t)(value >> (8 * i));
}

/* ---- pins, deliveries, ports ---- */
static bool pending(void *device)
{
	return ((struct replica *)device)->event;
}

static uint8_t acknowledge(void *device, uint64_t *cause)
{
	struct replica *r = device;

	(void)cause;
	r->event = false;
	cpu_set_intr(&r->cpu, false, 0);
	return r->vector;
}

static const char *quiet(void *device)
{
	(void)device;
	return "nothing is raised";
}

static void delivery(void *owner, const struct delivery_record *d)
{
	struct replica *r = owner;

	if (r->deliveries < sizeof(r->delivered) / sizeof(r->delivered[0]))
		r->delivered[r->deliveries++] = *d;
}
static void returned(void *owner, const struct return_record *d)
{
	(void)owner, (void)d;
}
static void entry(void *owner, const struct entry_record *d)
{
	(void)owner, (void)d;
}
static void task(void *owner, const struct task_record *d)
{
	(void)owner, (void)d;
}

static uint32_t port_read(void *device, uint16_t port, unsigned bytes)
{
	(void)port, (void)bytes;
	((struct replica *)device)->trouble = "it reads a port";
	return UINT32_MAX;
}

static void port_write(void *device, uint16_t port, unsigned bytes, uint32_t value)
{
	(void)port, (void)bytes, (void)value;
	((struct replica *)device)->trouble = "it writes a port";
}

static bool connect(struct replica *r, const struct cpu *cpu)
{
	static const struct mmio_ops memory = {read_memory, write_memory};
	static const struct port_ops ports = {port_read, port_write};

	r->byte = malloc(REPLICA_MOST_BYTES * sizeof(r->byte[0]));
	r->bus = bus_new();
	if (!r->byte || !r->bus || !bus_add_mmio(r->bus, "memory", 0, UINT64_C(1) << 36, memory, r, 0) ||
	    !bus_add_ports(r->bus, "ports", 0, 0x10000, ports, r))
		return false;
	clock_init(&r->clock);
	trace_init(&r->trace);
	trace_add_sink(&r->trace,
		       (struct trace_sink){
			       .delivery = delivery, .returned = returned, .entry = entry, .task = task, .owner = r});
	return cpu_init(&r->cpu, 0, r->bus, &r->clock, &r->trace, cpu->model);
}

struct replica *replica_new(struct bus *original, const struct cpu *cpu)
{
	struct replica *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->original = original;
	if (!connect(r, cpu)) {
		replica_free(r);
		return NULL;
	}
	r->cpu.intr = (struct intr_pin){r, pending, acknowledge, quiet};
	r->start = cpu->s;
	r->start.rflags = cpu_flags(cpu);
	r->start.activity = ACT_RUNNING;
	r->cpu.mmu.a20_mask = cpu->mmu.a20_mask;
	return r;
}

void replica_free(struct replica *r)
{
	if (!r)
		return;
	cpu_free(&r->cpu);
	if (r->bus)
		bus_free(r->bus);
	free(r->byte);
	free(r);
}

void replica_step(struct replica *r)
{
	r->cpu.s = r->start;
	r->cpu.plain = true;
	cpu_state_changed(&r->cpu);
	if (r->nmi)
		cpu_pulse_nmi(&r->cpu, 0);
	else if (r->event)
		cpu_set_intr(&r->cpu, true, 0);
	enum stop stop = cpu_step(&r->cpu);
	if (stop == STOP_UNIMPLEMENTED)
		r->trouble = "the instruction is not built yet";
}
