/* Two machines in two threads.  Each runs the same loop, and an interrupt is raised in each at an instruction of its
 * own: the handler keeps the loop's counter, so the two differ by as many rounds as the moments are apart. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <trapgate/trapgate.h>

struct job {
	const char *name;
	uint64_t moment; /* instructions before the interrupt */
	uint32_t counter;
	enum tg_error error;
};

static void raise_line(void *owner, struct tg_machine *machine)
{
	struct job *job = owner;

	job->error = tg_interrupt_raise(tg_machine_cpu(machine, 0), 0x20);
}

static enum tg_error prepare(struct tg_machine *machine, struct job *job)
{
	static const uint8_t loop[] = {0xfb,                      /* sti */
				       0x66, 0x40,                /* inc eax */
				       0xeb, 0xfc};               /* jmp back to it */
	static const uint8_t handler[] = {0x66, 0xa3, 0x00, 0x06, /* mov [0x600], eax */
					  0xfa, 0xf4};            /* cli; hlt */
	static const uint16_t vector[2] = {0x1000, 0x0000};       /* IP, CS */
	enum tg_error error = tg_memory_write(machine, 0x7c00, loop, sizeof(loop), NULL);

	if (error == TG_OK)
		error = tg_memory_write(machine, 0x1000, handler, sizeof(handler), NULL);
	if (error == TG_OK)
		error = tg_memory_write(machine, 4 * 0x20, vector, sizeof(vector), NULL);
	if (error == TG_OK)
		error = tg_start(machine, TG_MODE_REAL, 0x7c00);
	if (error == TG_OK)
		error = tg_at(machine, job->moment, raise_line, job, NULL);
	return error;
}

static void *run(void *owner)
{
	struct tg_config config = {.size = sizeof(config), .board = TG_BOARD_BARE, .ram = 0x10000};
	struct job *job = owner;
	struct tg_machine *machine;

	job->error = tg_machine_new(&config, &machine, NULL, 0);
	if (job->error != TG_OK)
		return NULL;
	job->error = prepare(machine, job);
	if (job->error == TG_OK)
		job->error = tg_run(machine, 10000000, NULL);
	if (job->error == TG_OK)
		job->error = tg_memory_read(machine, 0x600, &job->counter, sizeof(job->counter), NULL);
	tg_machine_free(machine);
	return NULL;
}

int main(void)
{
	struct job jobs[2] = {{.name = "first", .moment = 100001}, {.name = "second", .moment = 200001}};
	pthread_t threads[2];

	for (int i = 0; i < 2; i++)
		if (pthread_create(&threads[i], NULL, run, &jobs[i]) != 0) {
			fputs("two_machines: no thread\n", stderr);
			return 1;
		}
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < 2; i++) {
		if (jobs[i].error != TG_OK) {
			fprintf(stderr, "two_machines: %s: %s\n", jobs[i].name, tg_error_text(jobs[i].error));
			return 1;
		}
		printf("%s: interrupted after %u rounds\n", jobs[i].name, jobs[i].counter);
	}
	return 0;
}
