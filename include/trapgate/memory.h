/* Guest memory, without side effects: no device is touched, no fault is raised, no accessed bit set. */
#ifndef TRAPGATE_MEMORY_H
#define TRAPGATE_MEMORY_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Physical memory: RAM and ROM (which can be written this way).  What the processor has translated follows.
 *   done  bytes read or written from the start; may be NULL
 *   Errors: ARGUMENT; UNMAPPED: no memory behind `done` bytes, which were read or written. */
TG_API enum tg_error tg_memory_read(struct tg_machine *machine, uint64_t address, void *buffer, size_t size,
				    size_t *done);
TG_API enum tg_error tg_memory_write(struct tg_machine *machine, uint64_t address, const void *data, size_t size,
				     size_t *done);

/* The same by the linear address that a processor's page tables translate now; permissions do not count. */
TG_API enum tg_error tg_linear_read(struct tg_cpu *cpu, uint64_t address, void *buffer, size_t size, size_t *done);
TG_API enum tg_error tg_linear_write(struct tg_cpu *cpu, uint64_t address, const void *data, size_t size, size_t *done);

/* The physical address of a linear one.  Errors: ARGUMENT; UNMAPPED: no page there. */
TG_API enum tg_error tg_translate(struct tg_cpu *cpu, uint64_t linear, uint64_t *physical);

#ifdef __cplusplus
}
#endif

#endif
