#include "testcase/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/x87.h"

#define PIC_VECTORS 0x20u

/* ---- pins ---- */
static bool pin_pending(void *device)
{
	return ((struct bench *)device)->pin.level;
}

static uint8_t pin_acknowledge(void *device, uint64_t *cause)
{
	struct bench *b = device;

	(void)cause;
	b->pin.level = false;
	cpu_set_intr(&b->cpu, false, 0);
	return b->pin.vector;
}

static const char *pin_quiet(void *device)
{
	return ((struct bench *)device)->pin.level ? "it reaches the pin" : "nothing is raised";
}

static void pic_changed(void *sink, int input, bool level, uint64_t cause)
{
	struct bench *b = sink;

	(void)input;
	cpu_set_intr(&b->cpu, level, cause);
}

/* ICW1 to ICW4 as a PC's kernel gives them: vectors 20h and 28h, nothing masked. */
static bool add_pic(struct bench *b)
{
	static const uint8_t writes[][2] = {
		{0x20, 0x11}, {0x21, PIC_VECTORS},     {0x21, 0x04}, {0x21, 0x01}, {0x21, 0},
		{0xa0, 0x11}, {0xa1, PIC_VECTORS + 8}, {0xa1, 0x02}, {0xa1, 0x01}, {0xa1, 0}};

	if (!pic_init(&b->pic, b->bus, &b->clock, false))
		return false;
	b->has_pic = true;
	for (unsigned i = 0; i < sizeof(writes) / sizeof(writes[0]); i++)
		bus_port_write(b->bus, writes[i][0], 1, writes[i][1]);
	line_connect(pic_intr(&b->pic), pic_changed, b, 0);
	b->cpu.intr = (struct intr_pin){&b->pic, pic_pending, pic_acknowledge, pic_why_quiet};
	return true;
}

static void gap(void *owner, const char *text)
{
	struct bench *b = owner;

	if (!b->gap[0])
		snprintf(b->gap, sizeof(b->gap), "%s", text);
	cpu_request_stop(&b->cpu);
}

static void keep_delivery(void *owner, const struct delivery_record *r)
{
	struct bench *b = owner;

	if (b->deliveries < MOST_KEPT_DELIVERIES)
		b->delivered[b->deliveries] = *r;
	b->deliveries++;
}
static void no_return(void *owner, const struct return_record *r)
{
	(void)owner, (void)r;
}
static void no_entry(void *owner, const struct entry_record *r)
{
	(void)owner, (void)r;
}
static void no_task(void *owner, const struct task_record *r)
{
	(void)owner, (void)r;
}

/* ---- life ---- */
static void load(struct bench *b, const struct scene *scene)
{
	for (unsigned i = 0; i < scene->memory_count; i++)
		memcpy(b->ram->host + scene->memory[i].at, scene->memory[i].data, scene->memory[i].size);
	b->cpu.s = scene->s;
	cpu_state_changed(&b->cpu);
}

struct bench *bench_new(const struct scene *scene)
{
	struct bench *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->scene = scene;
	b->bus = bus_new();
	b->ram = b->bus ? bus_add_ram(b->bus, "RAM", 0, scene->ram) : NULL;
	b->delivered = malloc(MOST_KEPT_DELIVERIES * sizeof(b->delivered[0]));
	b->fired = calloc(scene->events + 1, sizeof(b->fired[0]));
	b->fired_at = calloc(scene->events + 1, sizeof(b->fired_at[0]));
	clock_init(&b->clock);
	trace_init(&b->trace);
	if (!b->ram || !b->delivered || !b->fired || !b->fired_at ||
	    !cpu_init(&b->cpu, 0, b->bus, &b->clock, &b->trace, scene->model)) {
		bench_free(b);
		return NULL;
	}
	b->cpu.intr = (struct intr_pin){b, pin_pending, pin_acknowledge, pin_quiet};
	if (scene->pic && !add_pic(b)) {
		bench_free(b);
		return NULL;
	}
	bus_set_gap_sink(b->bus, gap, b);
	trace_add_sink(&b->trace, (struct trace_sink){.delivery = keep_delivery,
						      .returned = no_return,
						      .entry = no_entry,
						      .task = no_task,
						      .owner = b});
	load(b, scene);
	return b;
}

void bench_free(struct bench *b)
{
	if (!b)
		return;
	cpu_free(&b->cpu);
	if (b->bus)
		bus_free(b->bus);
	free(b->delivered);
	free(b->fired);
	free(b->fired_at);
	free(b);
}

/* ---- events ---- */
static void fire(struct bench *b, unsigned i)
{
	const struct timed *t = &b->scene->event[i];

	b->fired[i] = true;
	b->fired_at[i] = b->cpu.icount;
	switch (t->what) {
	case RAISE_NMI:
		cpu_pulse_nmi(&b->cpu, clock_new_cause(&b->clock));
		break;
	case RAISE_INIT:
		cpu_pulse_init(&b->cpu);
		break;
	case RAISE_LINE:
		pic_input(&b->pic, t->number, t->level, clock_new_cause(&b->clock));
		break;
	case RAISE_VECTOR:
		b->pin.level = true;
		b->pin.vector = t->number;
		cpu_set_intr(&b->cpu, true, clock_new_cause(&b->clock));
		break;
	}
}

static void fire_due(struct bench *b)
{
	for (unsigned i = 0; i < b->scene->events; i++)
		if (!b->fired[i] && !b->scene->event[i].at_label && b->scene->event[i].when <= b->cpu.icount)
			fire(b, i);
}

/* The next tick at which an event waits; the limit: none does before. */
static uint64_t next_event(const struct bench *b, uint64_t limit)
{
	for (unsigned i = 0; i < b->scene->events; i++) {
		const struct timed *t = &b->scene->event[i];
		if (!b->fired[i] && !t->at_label && t->when < limit)
			limit = t->when;
	}
	return limit;
}

static bool fire_at(struct bench *b, uint64_t linear)
{
	bool any = false;

	for (unsigned i = 0; i < b->scene->events; i++)
		if (!b->fired[i] && b->scene->event[i].at_label && b->scene->event[i].when == linear) {
			fire(b, i);
			any = true;
		}
	return any;
}

/* ---- by single instructions ---- */
static void keep_step(struct bench *b, const struct cpu *cpu, uint64_t linear)
{
	struct step_taken *t = &b->step[b->steps++ % STEPS_KEPT];
	bool wide = in_protected(cpu) && !in_vm86(cpu) && cpu->s.seg[SEG_CS].db;
	unsigned bits = in_long64(cpu) ? 64 : wide ? 32 : 16;

	*t = (struct step_taken){.tick = cpu->icount, .linear = linear, .rip = cpu->s.rip, .bits = (uint8_t)bits};
	t->size = (uint8_t)peek_lin(&b->cpu.mmu, linear, t->bytes, sizeof(t->bytes));
	if (b->each)
		b->each(b->each_owner, &b->cpu, t->bytes, t->size);
}

static bool events_left(const struct bench *b)
{
	for (unsigned i = 0; i < b->scene->events; i++)
		if (!b->fired[i])
			return true;
	return false;
}

/* At the end of the code, or in a handler while nothing more is to come. */
static enum scene_end end_here(const struct bench *b, uint64_t linear)
{
	if (b->scene->until != END_AT_END || b->cpu.icount == 0)
		return END_ANY;
	if (linear == b->scene->until_address)
		return END_AT_END;
	return scene_is_handler(b->scene, linear) && !events_left(b) ? END_HANDLER : END_ANY;
}

static bool before_each(void *owner, struct cpu *cpu)
{
	struct bench *b = owner;
	uint64_t linear = code_linear(cpu, cpu->s.rip);

	if (fire_at(b, linear))
		return false;
	if ((b->end = end_here(b, linear)) != END_ANY) {
		cpu_request_stop(cpu);
		return false;
	}
	keep_step(b, cpu, linear);
	return true;
}

static uint64_t last_tick(const struct scene *scene)
{
	return scene->until == END_STEPS ? scene->steps : scene->limit;
}

/* Nothing runs any more: the time of the next event, if there is one.  False: it is the end. */
static bool wait_for_event(struct bench *b, uint64_t limit)
{
	uint64_t next = next_event(b, limit);

	if (next >= limit)
		return false;
	b->cpu.icount = next;
	return true;
}

/* INIT takes no tick: one that comes with the last tick is taken still. */
static void take_last_events(struct bench *b)
{
	fire_due(b);
	if (b->cpu.init_pending)
		cpu_step(&b->cpu);
}

void bench_run(struct bench *b)
{
	uint64_t limit = last_tick(b->scene);
	bool more = true;

	b->cpu.plain = true;
	b->cpu.before_instruction = before_each;
	b->cpu.before_owner = b;
	while (more) {
		fire_due(b);
		switch (cpu_run(&b->cpu, next_event(b, limit))) {
		case STOP_BUDGET:
			more = b->cpu.icount < limit;
			if (!more)
				take_last_events(b);
			b->end = b->scene->until == END_STEPS ? END_STEPS : END_LIMIT;
			break;
		case STOP_HALT:
			more = wait_for_event(b, limit);
			b->end = END_HALT;
			break;
		case STOP_SHUTDOWN:
			b->end = END_SHUTDOWN;
			more = false;
			break;
		case STOP_UNIMPLEMENTED:
			snprintf(b->gap, sizeof(b->gap), "%s", b->cpu.gap);
			more = false;
			break;
		case STOP_REQUESTED: /* at the end, or a gap */
			more = false;
			break;
		}
	}
}

/* ---- by blocks ---- */
/* The first event of the run before that has not been repeated; scene->events: none. */
static unsigned next_repeated(const struct bench *b, const struct bench *before)
{
	unsigned first = b->scene->events;

	for (unsigned i = 0; i < b->scene->events; i++)
		if (before->fired[i] && !b->fired[i] &&
		    (first == b->scene->events || before->fired_at[i] < before->fired_at[first]))
			first = i;
	return first;
}

static void run_to(struct bench *b, uint64_t tick)
{
	enum stop stop = STOP_BUDGET;

	while (b->cpu.icount < tick && stop == STOP_BUDGET)
		stop = cpu_run(&b->cpu, tick);
	if (stop == STOP_HALT)
		b->cpu.icount = tick;
	b->end = stop == STOP_SHUTDOWN ? END_SHUTDOWN : b->end;
}

void bench_repeat(struct bench *b, const struct bench *before)
{
	unsigned event;

	while ((event = next_repeated(b, before)) < b->scene->events) {
		run_to(b, before->fired_at[event]);
		fire(b, event);
	}
	run_to(b, before->cpu.icount);
	while (b->cpu.init_pending && before->cpu.icount == b->cpu.icount && !before->cpu.init_pending)
		if (cpu_step(&b->cpu) != STOP_BUDGET)
			break;
	if (before->end == END_HALT && b->cpu.s.activity == ACT_RUNNING)
		b->end = END_ANY;
	else
		b->end = before->end;
}
