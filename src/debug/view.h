/* What a trace writer may ask about a machine's guest: symbols and the text
 * of instructions (Capstone; for reading only, never for deciding). */
#ifndef TRAPGATE_DEBUG_VIEW_H
#define TRAPGATE_DEBUG_VIEW_H

#include "machine/machine.h"
#include "trace/writer.h"

struct view {
	struct machine *machine;
	size_t disassembler; /* csh; 0: none */
};

/* False: no disassembler; symbols work all the same. */
bool view_init(struct view *view, struct machine *machine);
void view_free(struct view *view);
struct trace_view view_of(struct view *view);

/* Registers and place of the processor, in a few lines. */
void view_print_state(struct view *view, FILE *file);
/* Why a run ended where that asks for more than one line: the state, and the deliveries that
 * led there. */
void view_explain_end(struct view *view, const struct machine_end *end, FILE *file);

#endif
