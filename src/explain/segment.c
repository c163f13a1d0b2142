#include "explain/segment.h"

#include <inttypes.h>

#include "trace/record.h"

static void describe(struct segment_facts *f)
{
	if (!f->s)
		snprintf(f->text, sizeof(f->text), "%s%s", gate_type_name(f->type), f->present ? "" : ", not present");
	else if (f->code)
		snprintf(f->text, sizeof(f->text), "%scode%s dpl %u%s", f->conforming ? "conforming " : "",
			 f->l      ? "64"
			 : f->wide ? "32"
				   : "16",
			 f->dpl, f->present ? "" : ", not present");
	else
		snprintf(f->text, sizeof(f->text), "data%s dpl %u%s%s", f->wide ? "32" : "16", f->dpl,
			 f->type & TYPE_WRITABLE ? "" : " read-only", f->present ? "" : ", not present");
}

void segment_look_up(struct cpu *cpu, uint16_t selector, struct segment_facts *f)
{
	struct descriptor d;
	uint64_t address, raw;

	*f = (struct segment_facts){.selector = selector};
	if (sel_null(selector)) {
		snprintf(f->text, sizeof(f->text), "null");
		return;
	}
	if (!desc_locate(cpu, selector, &address)) {
		snprintf(f->text, sizeof(f->text), "beyond the %s", selector & SEL_TI ? "LDT" : "GDT");
		return;
	}
	if (peek_lin(&cpu->mmu, address, &raw, sizeof(raw)) != sizeof(raw)) {
		snprintf(f->text, sizeof(f->text), "descriptor not mapped");
		return;
	}
	desc_decode(&d, raw, selector);
	f->found = true;
	f->raw = raw;
	f->base = d.seg.base;
	f->limit = d.seg.limit;
	f->type = d.seg.type;
	f->dpl = d.seg.dpl;
	f->present = d.seg.present;
	f->s = d.seg.s;
	f->code = seg_is_code(&d.seg);
	f->conforming = seg_is_conforming(&d.seg);
	f->wide = d.seg.db;
	f->l = d.seg.l && in_ia32e(cpu);
	describe(f);
}

void put_segment(struct fact *parent, const char *key, const struct segment_facts *f)
{
	struct fact *o = put_object(parent, key);

	put_hex(o, "selector", f->selector, 4);
	put_text(o, "is", "%s", f->text)->tone = f->found ? TONE_PLAIN : TONE_BAD;
	if (!f->found)
		return;
	put_hex(o, "base", f->base, 8);
	put_hex(o, "limit", f->limit, 8);
	put_hex(o, "raw", f->raw, 16);
	put_number(o, "dpl", f->dpl);
	put_flag(o, "present", f->present);
}
