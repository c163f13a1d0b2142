/* A bare machine for tests, made through the library alone.  Flat 32-bit protected mode: */
#ifndef TRAPGATE_TESTS_API_WORLD_H
#define TRAPGATE_TESTS_API_WORLD_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "trapgate/trapgate.h"

#define WORLD_RAM        0x40000u
#define WORLD_GDT        0x1000u /* 08 code, 10 data, 1b code DPL 3, 23 data DPL 3, 28 TSS */
#define WORLD_IDT        0x2000u /* 256 interrupt gates, DPL 0, to WORLD_HANDLER(v) */
#define WORLD_TSS        0x3000u
#define WORLD_CODE       0x8000u
#define WORLD_STACK0     0x10000u
#define WORLD_STACK3     0x20000u
#define WORLD_HANDLER(v) (0x30000u + (v)*16u) /* HLT each */

#define OK(call) assert_int_equal((call), TG_OK)

struct tg_machine *world_new(unsigned cpl);
void world_code(struct tg_machine *machine, uint32_t address, const void *code, size_t size);
#define CODE(machine, ...)                                                                                             \
	world_code((machine), WORLD_CODE, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))
#define HANDLER(machine, v, ...)                                                                                       \
	world_code((machine), WORLD_HANDLER(v), (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))
void world_gate(struct tg_machine *machine, unsigned vector, unsigned dpl);
uint64_t world_get(struct tg_machine *machine, enum tg_register reg);
/* Runs at most so many ticks. */
struct tg_stop world_run(struct tg_machine *machine, uint64_t budget);

#endif
