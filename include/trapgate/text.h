/* Texts: reasons, names, delivery cards, disassembly. */
#ifndef TRAPGATE_TEXT_H
#define TRAPGATE_TEXT_H

#include "record.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A check of the architecture that can refuse something. */
struct tg_why {
	size_t size;          /* sizeof(struct tg_why) */
	const char *name;     /* "GATE_DPL": stays the same in later versions, the number may not */
	const char *sentence; /* what the processor objected to */
	const char *source;   /* the place in the SDM, by section title */
};
/* Reason n of a record; 0 is "no reason recorded".  The strings are constants.
 *   Errors: ARGUMENT, VERSION; NOT_FOUND. */
TG_API enum tg_error tg_why(unsigned n, struct tg_why *why);
/* The number of the reason of that name.  Errors: ARGUMENT, NOT_FOUND. */
TG_API enum tg_error tg_why_find(const char *name, unsigned *n);
TG_API unsigned tg_why_count(void);

/* Names of the numbers in records, as in traces ("soft-int", "gate-dpl", "tss32", "EIP"); "?" for a number that is
 * none. */
TG_API const char *tg_event_name(unsigned kind);
TG_API const char *tg_outcome_name(unsigned outcome);
TG_API const char *tg_step_name(unsigned step);
TG_API const char *tg_stack_name(unsigned source);
TG_API const char *tg_word_name(unsigned word, unsigned bytes);
TG_API const char *tg_return_name(unsigned kind);
TG_API const char *tg_entry_name(unsigned kind);
TG_API const char *tg_task_name(unsigned cause);
TG_API const char *tg_mode_name(unsigned mode);
/* "#GP"; NULL: no exception has that vector. */
TG_API const char *tg_exception_name(unsigned vector);

/* Room that is enough for every text below. */
#define TG_TEXT_SIZE 32768u

/* The card of a delivery that is still kept (the last 256), lines ending in newlines.
 *   id     its record's
 *   Errors: ARGUMENT, MEMORY; NOT_FOUND; SMALL. */
TG_API enum tg_error tg_delivery_card(struct tg_machine *machine, uint64_t id, char *text, size_t size);

/* The deliveries that led to the last one, oldest first, as cards.  Errors: ARGUMENT, MEMORY, SMALL. */
TG_API enum tg_error tg_explain(struct tg_machine *machine, char *text, size_t size);

/* Registers and place of the first processor, in a few lines.  Errors: ARGUMENT, MEMORY, SMALL. */
TG_API enum tg_error tg_state_text(struct tg_machine *machine, char *text, size_t size);

/* The instruction at CS:rip as text ("mov eax, 1"), for reading only: Capstone's words.
 *   length  its bytes; may be NULL
 *   Errors: ARGUMENT; UNMAPPED: no bytes there; NOT_FOUND: no instruction; SMALL. */
TG_API enum tg_error tg_disassemble(struct tg_cpu *cpu, uint64_t rip, char *text, size_t size, unsigned *length);

/* The symbol of the loaded image at or before a linear address, and the distance to it.
 *   name   good as long as the machine
 *   Errors: ARGUMENT, NOT_FOUND. */
TG_API enum tg_error tg_symbol(const struct tg_machine *machine, uint64_t address, const char **name, uint64_t *offset);
/* The address of a name.  Errors: ARGUMENT, NOT_FOUND. */
TG_API enum tg_error tg_symbol_address(const struct tg_machine *machine, const char *name, uint64_t *address);

#ifdef __cplusplus
}
#endif

#endif
