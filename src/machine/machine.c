#include "machine/machine.h"

#include <inttypes.h>
#include <stdlib.h>

#include "cpu/model.h"

static void gap(void *owner, const char *text)
{
	machine_finish(owner, END_UNIMPLEMENTED, 12, "not built yet: %s", text);
}

static bool check_config(const struct machine_config *config, const struct cpu_model **model, struct diagnostic *why)
{
	*model = cpu_model_find(config->cpu);
	if (!*model)
		return diagnose(why, "-cpu %s: no such processor; see -cpu help", config->cpu);
	if (config->cpus > MACHINE_MAX_CPUS)
		return diagnose(why, "-smp %u: 1 to %u processors", config->cpus, MACHINE_MAX_CPUS);
	if (config->ram % BUS_PAGE_SIZE || (config->ram < MACHINE_MIN_RAM && !config->bare) ||
	    config->ram > MACHINE_MAX_RAM)
		return diagnose(why, "-m: %" PRIu64 " bytes of memory; 64 KiB to 3 GiB, in whole pages of 4 KiB",
				config->ram);
	return true;
}

static bool add_processors(struct machine *m, const struct cpu_model *model, struct diagnostic *why)
{
	while (m->cpus < m->config.cpus) {
		struct cpu *cpu = calloc(1, sizeof(*cpu));

		if (!cpu || !cpu_init(cpu, m->cpus, m->bus, &m->clock, &m->trace, model)) {
			free(cpu);
			return diagnose(why, "out of memory");
		}
		m->cpu[m->cpus++] = cpu;
		cpu_reset(cpu, false);
		cpu->plain = m->config.plain;
	}
	return true;
}

struct machine *machine_new(const struct machine_config *config, struct diagnostic *why)
{
	const struct cpu_model *model;
	struct machine *m;

	if (!check_config(config, &model, why))
		return NULL;
	m = calloc(1, sizeof(*m));
	if (m)
		m->bus = bus_new();
	if (!m || !m->bus) {
		free(m);
		diagnose(why, "out of memory");
		return NULL;
	}
	m->config = *config;
	m->guest.mode = START_RESET;
	clock_init(&m->clock);
	trace_init(&m->trace);
	m->trace.task_key = machine_task_key;
	m->trace.task_key_owner = m;
	m->config.cpus = config->cpus ? config->cpus : 1;
	if (!add_processors(m, model, why) || !board_init(m, why)) {
		machine_free(m);
		return NULL;
	}
	bus_set_gap_sink(m->bus, gap, m);
	return m;
}

void machine_free(struct machine *m)
{
	if (!m)
		return;
	board_free(m);
	for (unsigned i = 0; i < m->cpus; i++) {
		cpu_free(m->cpu[i]);
		free(m->cpu[i]);
	}
	bus_free(m->bus);
	guest_free(&m->guest);
	free(m);
}
