/* A scene on a processor of its own. */
#ifndef TRAPGATE_TESTCASE_RUN_H
#define TRAPGATE_TESTCASE_RUN_H

#include "bus/bus.h"
#include "cpu/cpu.h"
#include "devices/pic.h"
#include "testcase/scene.h"

/* Instructions met, the last ones: for --explain and --record-case. */
struct step_taken {
	uint64_t tick, linear, rip;
	uint8_t bits, size;
	uint8_t bytes[15];
};
#define STEPS_KEPT           24u
#define MOST_KEPT_DELIVERIES 256u

/* A processor with memory, an interrupt pin, and two 8259 where the case wants them. */
struct bench {
	struct bus *bus;
	struct region *ram;
	struct clock clock;
	struct trace trace;
	struct cpu cpu;
	struct pic_pair pic;
	bool has_pic;
	struct {
		bool level;
		uint8_t vector;
	} pin;
	char gap[160];
	/* what happened */
	struct delivery_record *delivered; /* the first MOST_KEPT_DELIVERIES */
	unsigned deliveries;
	struct step_taken step[STEPS_KEPT];
	uint64_t steps;
	enum scene_end end;
	const struct scene *scene;
	bool *fired;        /* by event */
	uint64_t *fired_at; /* ticks; of the run by single instructions */
	void (*each)(void *owner, struct cpu *cpu, const uint8_t *bytes, unsigned size); /* each instruction */
	void *each_owner;
};

/* NULL: out of memory. */
struct bench *bench_new(const struct scene *scene);
void bench_free(struct bench *bench);
/* By instructions decoded afresh, with the events where they belong. */
void bench_run(struct bench *bench);
/* By blocks, just as far and with the events at the same ticks as a run before. */
void bench_repeat(struct bench *bench, const struct bench *before);

/* The interrupt controllers as a PC's kernel sets them up: vectors 20h and 28h, nothing masked. */

#endif
