#include "explain/drive.h"

/* After the board's timers of the same tick. */
#define ALARM_PRIORITY 1000

static void interrupt(struct drive *d)
{
	struct machine *m = d->machine;

	m->interrupted = 1;
	for (unsigned i = 0; i < m->cpus; i++)
		cpu_request_stop(m->cpu[i]);
}

/* What comes behind the event that was wanted (a refused delivery leads to another one) is not looked at. */
static bool over(struct drive *d)
{
	d->count++;
	if (d->wanted)
		return true;
	d->slept = d->machine->idle - d->idle;
	d->idle = d->machine->idle;
	return false;
}

static void happened(struct drive *d, uint64_t id, uint64_t when, unsigned cpu)
{
	d->seen.id = id;
	d->seen.when = when;
	d->seen.cpu = cpu;
	if (!d->look || !d->look->event || !d->look->event(d->look->owner, &d->seen))
		return;
	d->wanted = true;
	d->cpu = cpu;
	interrupt(d);
}

static void on_delivery(void *owner, const struct delivery_record *r)
{
	struct drive *d = owner;

	if (over(d))
		return;
	d->seen.kind = SEEN_DELIVERY;
	d->seen.delivery = *r;
	d->seen.from = &d->seen.delivery.from;
	d->seen.to = &d->seen.delivery.to;
	happened(d, r->id, r->when, r->cpu);
}

static void on_return(void *owner, const struct return_record *r)
{
	struct drive *d = owner;

	if (over(d))
		return;
	d->seen.kind = SEEN_RETURN;
	d->seen.returned = *r;
	d->seen.from = &d->seen.returned.from;
	d->seen.to = &d->seen.returned.to;
	happened(d, r->id, r->when, r->cpu);
}

static void on_entry(void *owner, const struct entry_record *r)
{
	struct drive *d = owner;

	if (over(d))
		return;
	d->seen.kind = SEEN_ENTRY;
	d->seen.entry = *r;
	d->seen.from = &d->seen.entry.from;
	d->seen.to = &d->seen.entry.to;
	happened(d, r->id, r->when, r->cpu);
}

static void on_task(void *owner, const struct task_record *r)
{
	struct drive *d = owner;

	if (over(d))
		return;
	d->seen.kind = SEEN_TASK;
	d->seen.task = *r;
	d->seen.from = &d->seen.task.from;
	d->seen.to = &d->seen.task.to;
	happened(d, r->id, r->when, r->cpu);
}

static void ring(void *owner, uint64_t when)
{
	struct drive *d = owner;

	d->rang = true;
	interrupt(d);
}

static bool before(void *owner, struct cpu *cpu)
{
	struct drive *d = owner;

	if (d->wanted)
		return false;
	if (!d->look->instruction(d->look->owner, cpu))
		return true;
	d->wanted = true;
	d->cpu = cpu->id;
	interrupt(d);
	return false;
}

static void on_access(void *owner, uint64_t lin, uint64_t pa, unsigned bytes, uint64_t value, bool write)
{
	struct drive *d = owner;

	d->look->access(d->look->owner, lin, bytes, value, write);
}

bool drive_init(struct drive *d, struct machine *machine)
{
	*d = (struct drive){.machine = machine};
	timer_init(&d->alarm, &machine->clock, "end of a look", ALARM_PRIORITY, ring, d);
	return trace_add_sink(&machine->trace, (struct trace_sink){.delivery = on_delivery,
								   .returned = on_return,
								   .entry = on_entry,
								   .task = on_task,
								   .owner = d});
}

/* Instruction by instruction, or no longer. */
static void set_slow(struct drive *d, bool slow)
{
	struct machine *m = d->machine;

	for (unsigned i = 0; i < m->cpus; i++) {
		struct cpu *cpu = m->cpu[i];

		cpu->plain = slow || m->config.plain;
		cpu->before_instruction = slow ? before : NULL;
		cpu->before_owner = d;
		if (!d->look || !d->look->access)
			continue;
		mmu_observe(&cpu->mmu, slow ? on_access : NULL, d);
	}
}

enum driven drive_run(struct drive *d, const struct look *look, uint64_t until)
{
	struct machine *m = d->machine;
	bool slow = look && look->instruction;

	if (m->end.kind != END_NONE)
		return DRIVEN_ENDED;
	if (until <= drive_now(d))
		return DRIVEN_TIME;
	d->look = look;
	d->wanted = d->rang = false;
	if (until != CLOCK_NEVER)
		timer_arm(&d->alarm, until);
	if (slow)
		set_slow(d, true);
	machine_run(m);
	if (slow)
		set_slow(d, false);
	timer_cancel(&d->alarm);
	d->look = NULL;
	if (m->end.kind != END_INTERRUPTED || (!d->wanted && !d->rang))
		return DRIVEN_ENDED;
	m->interrupted = 0;
	m->end = (struct machine_end){.kind = END_NONE};
	return d->wanted ? DRIVEN_STOPPED : DRIVEN_TIME;
}

uint64_t drive_now(const struct drive *d)
{
	return d->machine->clock.now;
}
