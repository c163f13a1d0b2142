/* Pieces of the text writer, between text.c and text_lines.c. */
#ifndef TRAPGATE_TRACE_TEXT_H
#define TRAPGATE_TRACE_TEXT_H

#include "trace/out.h"
#include "trace/writer.h"

/* How a delivery, or an entry, is called in a head line or in a list: "INT 0x80", "#PF", "sysenter". */
void text_event(struct out *out, unsigned kind, unsigned vector);
void text_handler(struct out *out, bool entry, unsigned kind, unsigned vector);
void text_flush(struct trace_writer *w, struct out *out);

/* text_lines.c */
void text_line(void *owner, const struct line_record *r);
void text_stage(void *owner, const struct stage_record *r);
void text_unreturned(void *owner, const struct unreturned_record *r);
void text_ended(void *owner, const struct trace_summary *summary);
/* The way to this delivery, as lines of its card. */
void text_way(struct out *out, const struct trace *trace, const struct delivery_record *r);

#endif
