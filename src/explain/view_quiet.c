/* Why nothing is delivered right now; what is pending; the next timers. */
#include <inttypes.h>

#include "cpu/deliver.h"
#include "explain/know.h"
#include "explain/views.h"

#define MOST_HANDLERS 8u

static struct fact *put_cpu(struct explain *x, struct cpu *cpu)
{
	static const char *const activities[] = {[ACT_RUNNING] = "running",
						 [ACT_HALTED] = "halted",
						 [ACT_SHUTDOWN] = "shut down",
						 [ACT_WAIT_SIPI] = "waits for a start-up IPI"};
	struct fact *o = put_object(&x->facts.root, "processor");
	struct where w;

	where_now(cpu, &w);
	put_place(x, o, "at", where_linear(&w));
	put_number(o, "ring", w.cpl);
	put_text(o, "activity", "%s", activities[cpu->s.activity & 3]);
	put_number(o, "eflags_if", !!(w.rflags & FLAG_IF));
	put_text(o, "shadow", "%s",
		 cpu->s.shadow & SHADOW_MOVSS ? "MOV SS: interrupts, NMI and #DB wait for one instruction"
		 : cpu->s.shadow & SHADOW_STI ? "STI: interrupts wait for one instruction"
					      : "none");
	put_flag(o, "nmi_blocked", cpu->s.nmi_blocked);
	put_flag(o, "nmi_pending", cpu->nmi_pending);
	put_flag(o, "intr_pin", cpu->intr_line);
	return o;
}

/* Who cleared IF: the handler that runs now, if it came through an interrupt gate. */
static void put_handlers(struct explain *x, struct cpu *cpu)
{
	const struct match *match = &x->machine->trace.match;
	struct fact *rows = put_list(&x->facts.root, "handlers_that_have_not_returned");
	unsigned shown = 0;

	for (unsigned i = match->open; i-- > 0 && shown < MOST_HANDLERS;) {
		const struct open_handler *h = &match->handler[i];
		struct fact *row;
		char text[32];

		if (h->cpu != cpu->id)
			continue;
		row = put_object(rows, NULL);
		event_text(text, sizeof(text), h->kind, h->vector);
		put_text(row, "what", "%s", h->entry ? entry_kind_name((enum entry_kind)h->kind) : text);
		put_number(row, "since_t", h->when);
		if (h->frame)
			put_hex(row, "frame", h->frame, 8);
		shown++;
	}
}

static void put_pic(struct explain *x, const char *key, const struct pic *pic)
{
	struct fact *o = put_object(&x->facts.root, key);

	put_hex(o, "irr", pic_irr(pic), 2);
	put_hex(o, "isr", pic->isr, 2);
	put_hex(o, "imr", pic->imr, 2);
	put_hex(o, "first_vector", pic->icw2 & 0xf8, 2);
}

static void put_bits256(struct fact *o, const char *key, const struct apic_bits *bits)
{
	struct fact *list = put_list(o, key);

	for (unsigned v = 0; v < 256; v++)
		if (bits->word[v / 32] >> (v % 32) & 1)
			put_hex(list, NULL, v, 2);
}

static void put_lapic(struct explain *x, struct lapic *apic)
{
	static const char *const names[LVTS] = {"timer", "thermal", "performance", "lint0", "lint1", "error"};
	struct fact *o = put_object(&x->facts.root, "lapic"), *rows;

	put_flag(o, "enabled", lapic_enabled(apic) && (apic->svr & APIC_SVR_ENABLE));
	put_hex(o, "tpr", apic->tpr, 2);
	put_hex(o, "ppr", lapic_ppr(apic), 2);
	put_bits256(o, "irr", &apic->irr);
	put_bits256(o, "isr", &apic->isr);
	put_text(o, "says", "%s", lapic_why_quiet(apic));
	rows = put_list(o, "lvt");
	for (unsigned i = 0; i < LVTS; i++) {
		struct fact *row = put_object(rows, NULL);

		put_text(row, "entry", "%s", names[i]);
		put_hex(row, "vector", apic->lvt[i] & 0xff, 2);
		put_flag(row, "masked", apic->lvt[i] & APIC_LVT_MASKED);
		put_hex(row, "value", apic->lvt[i], 8);
	}
}

static void put_ioapic(struct explain *x, struct ioapic *io)
{
	struct fact *rows = put_list(&x->facts.root, "ioapic");

	for (unsigned pin = 0; pin < IOAPIC_PINS; pin++) {
		bool masked = io->entry[pin] & IOAPIC_RTE_MASKED;
		struct fact *row;

		if (masked && !io->pin[pin])
			continue; /* neither used nor asked for */
		row = put_object(rows, NULL);
		put_number(row, "pin", pin);
		put_hex(row, "vector", io->entry[pin] & 0xff, 2);
		put_flag(row, "masked", masked);
		put_flag(row, "high", io->pin[pin]);
		put_text(row, "trigger", io->entry[pin] & IOAPIC_RTE_LEVEL ? "level" : "edge");
		put_text(row, "says", "%s", ioapic_why_quiet(io, pin));
	}
}

static void put_controllers(struct explain *x, struct cpu *cpu)
{
	struct board *b = &x->machine->board;

	put_pic(x, "pic_master", &b->pic.master);
	put_pic(x, "pic_slave", &b->pic.slave);
	put_text(&x->facts.root, "pic_says", "%s", pic_why_quiet(&b->pic));
	if (!b->has_apic)
		return;
	put_lapic(x, &b->apics.apic[cpu->id]);
	put_ioapic(x, &b->ioapic);
}

/* In the order of what has to be true first. */
static void put_verdict(struct explain *x, struct cpu *cpu)
{
	struct fact *list = put_list(&x->facts.root, "because");
	uint64_t flags = cpu_flags(cpu);
	bool line = cpu->intr_line;

	if (cpu->s.activity == ACT_SHUTDOWN)
		put_text(list, NULL, "the processor is shut down");
	if (cpu->s.activity == ACT_WAIT_SIPI)
		put_text(list, NULL, "the processor waits for a start-up IPI");
	if (!line)
		put_text(list, NULL, "nothing is at the interrupt pin: %s", cpu->intr.why_quiet(cpu->intr.device));
	if (line && !(flags & FLAG_IF))
		put_text(list, NULL, "a request is at the pin, and EFLAGS.IF = 0 holds it back");
	if (!line && !(flags & FLAG_IF))
		put_text(list, NULL, "EFLAGS.IF = 0 would hold a maskable one back");
	if (cpu->s.shadow & SHADOW_STI)
		put_text(list, NULL, "the instruction behind STI has not been run yet");
	if (cpu->s.shadow & SHADOW_MOVSS)
		put_text(list, NULL, "the instruction behind MOV SS or POP SS has not been run yet");
	if (cpu->nmi_pending && cpu->s.nmi_blocked)
		put_text(list, NULL, "an NMI is pending, and NMIs are blocked until the next IRET");
	if (line && (flags & FLAG_IF) && !cpu->s.shadow && cpu->s.activity != ACT_SHUTDOWN)
		put_text(list, NULL,
			 "nothing holds it back: the request at the pin is delivered before the next instruction");
}

bool view_quiet(struct explain *x)
{
	struct cpu *cpu;

	if (!moment_state(x, NULL))
		return false;
	cpu = moment_cpu(x);
	if (x->options.raise) {
		moment_raise(x);
		put_text(&x->facts.root, "raised",
			 x->options.raise == RAISE_NMI ? "NMI" : "vector %02x at the test pin",
			 x->options.raise_vector);
	}
	put_text(&x->facts.root, "title", "why nothing is delivered on cpu%u at t=%" PRIu64, cpu->id,
		 drive_now(&x->drive));
	put_number(&x->facts.root, "t", drive_now(&x->drive));
	put_verdict(x, cpu);
	put_cpu(x, cpu);
	put_controllers(x, cpu);
	put_handlers(x, cpu);
	return true;
}

static void put_timers(struct explain *x)
{
	struct fact *rows = put_list(&x->facts.root, "timers");
	uint64_t now = drive_now(&x->drive);

	for (const struct timer *t = x->machine->clock.first; t; t = t->later) {
		struct fact *row = put_object(rows, NULL);

		put_text(row, "name", "%s", t->name);
		put_number(row, "t", t->when);
		put_number(row, "in_ticks", t->when > now ? t->when - now : 0);
	}
}

static void put_requests(struct explain *x, struct cpu *cpu)
{
	struct fact *rows = put_list(&x->facts.root, "pending");
	struct board *b = &x->machine->board;
	uint8_t irr[2] = {pic_irr(&b->pic.master), pic_irr(&b->pic.slave)};
	struct fact *row;

	for (unsigned irq = 0; irq < 16; irq++) {
		const struct pic *pic = irq < 8 ? &b->pic.master : &b->pic.slave;

		if (!(irr[irq / 8] >> (irq % 8) & 1) || irq == PIC_CASCADE_IR)
			continue;
		row = put_object(rows, NULL);
		put_text(row, "at", "8259 IRQ %u", irq);
		put_hex(row, "vector", (pic->icw2 & 0xf8u) + irq % 8, 2);
		put_flag(row, "masked", pic->imr >> (irq % 8) & 1);
	}
	for (unsigned v = 0; b->has_apic && v < 256; v++)
		if (b->apics.apic[cpu->id].irr.word[v / 32] >> (v % 32) & 1) {
			row = put_object(rows, NULL);
			put_text(row, "at", "local APIC");
			put_hex(row, "vector", v, 2);
			put_flag(row, "masked", (v >> 4) <= (unsigned)(lapic_ppr(&b->apics.apic[cpu->id]) >> 4));
		}
	if (b->inject.line.level) {
		row = put_object(rows, NULL);
		put_text(row, "at", "test pin");
		put_hex(row, "vector", b->inject.vector, 2);
	}
	if (cpu->nmi_pending) {
		row = put_object(rows, NULL);
		put_text(row, "at", "NMI");
		put_hex(row, "vector", VEC_NMI, 2);
		put_flag(row, "masked", cpu->s.nmi_blocked);
	}
}

static bool delivered(void *owner, const struct seen *s)
{
	struct explain *x = owner;

	return seen_delivered(s) &&
	       (x->options.raise == RAISE_NMI
			? s->delivery.kind == EV_NMI
			: s->delivery.kind == EV_IRQ && s->delivery.vector == x->options.raise_vector);
}

/* What became of what --raise raised. */
static bool put_raised(struct explain *x)
{
	const struct look look = {.event = delivered, .owner = x};
	struct fact *o = put_object(&x->facts.root, "raised");
	const struct delivery_record *r = &x->drive.seen.delivery;
	uint64_t now = drive_now(&x->drive);

	put_text(o, "what", x->options.raise == RAISE_NMI ? "NMI" : "vector %02x at the test pin",
		 x->options.raise_vector);
	put_number(o, "at_t", now);
	if (drive_run(&x->drive, &look, CLOCK_NEVER) != DRIVEN_STOPPED)
		return explain_never(x, "--raise: its delivery");
	put_number(o, "delivered_at_t", r->when);
	put_number(o, "after_ticks", r->when - now);
	put_number(o, "id", r->id);
	put_place(x, o, "interrupted", where_linear(&r->from));
	put_place(x, o, "handler", where_linear(&r->to));
	return true;
}

bool view_pending(struct explain *x)
{
	struct cpu *cpu;

	if (x->options.raise && x->options.raise_at_set) {
		x->options.has_at = true;
		x->options.at = x->options.raise_at;
	}
	if (!moment_state(x, NULL))
		return false;
	cpu = moment_cpu(x);
	if (x->options.raise)
		moment_raise(x);
	put_text(&x->facts.root, "title", "pending on cpu%u at t=%" PRIu64, cpu->id, drive_now(&x->drive));
	put_number(&x->facts.root, "t", drive_now(&x->drive));
	put_place(x, &x->facts.root, "at", code_linear(cpu, cpu->s.rip));
	put_requests(x, cpu);
	put_timers(x);
	return !x->options.raise || put_raised(x);
}
