/* Transcribed from SDM 2A, "INT n/INTO/INT3/INT1 - Call to Interrupt Procedure", Operation; the names of its parts are
 * kept.  What that pseudocode takes for granted comes from SDM 3A: "Interrupt 8 - Double Fault Exception (#DF)",
 * "Error Code", "Page-Fault Exceptions", "Limit Checking", "Task Switching" and 3B "Restart Flag (RF)". */
#include "oracle.h"

#include "sdm.h"

#include <string.h>

struct run {
	const struct world *w;
	struct record *r;
	uint64_t quirks;
	unsigned cpl;
	bool vm;
	uint32_t eflags;
	struct descriptor ss; /* of the interrupted program */
	unsigned ext;         /* EXT of the event being delivered */
	/* the nested exception */
	unsigned vector;
	uint32_t code, restart; /* restart: EIP of the interrupted instruction */
	/* the stack being pushed on */
	struct descriptor stack;
	uint32_t sp;
	unsigned push_cpl;
};

/* Where a peer departs from the SDM (peers.def). */
#define DIFFERS(x, name) ((x)->quirks >> QUIRK_##name & 1)

static bool raise(struct run *x, unsigned vector, uint32_t code)
{
	x->vector = vector;
	x->code = code;
	return false;
}

/* ---- memory ---- */

static bool access(struct run *x, uint32_t linear, bool write, bool user)
{
	uint32_t code;

	if (page_allows(&x->w->guarded, linear, x->w->wp, write, user, &code))
		return true;
	x->r->cr2 = linear;
	return raise(x, PF, code);
}

/* A range of bytes: the first page that refuses names the address. */
static bool accesses(struct run *x, uint32_t linear, unsigned size, bool write, bool user)
{
	uint32_t last = linear + size - 1;

	if (!access(x, linear, write, user))
		return false;
	return (last & ~0xfffu) == (linear & ~0xfffu) || access(x, last & ~0xfffu, write, user);
}

/* Is the selector's descriptor within its table's limits? */
static bool within(const struct world *w, unsigned selector)
{
	uint32_t last = (selector & ~7u) + 7;

	if (!(selector & 4))
		return last <= w->gdt_limit;
	return (w->ldt_sel & ~3) != 0 && last <= decode(w->gdt[w->ldt_sel >> 3]).limit;
}

static bool read_descriptor(struct run *x, unsigned selector, struct descriptor *d)
{
	unsigned i = selector >> 3;

	if (!accesses(x, (selector & 4 ? LDT_BASE : GDT_BASE) + i * 8, 8, false, false))
		return false;
	*d = decode(selector & 4 ? x->w->ldt[i] : x->w->gdt[i]);
	return true;
}

static bool read_tss(struct run *x, unsigned offset, unsigned bytes, uint32_t *v)
{
	*v = (uint32_t)get(x->w->tss[TSS_CUR] + offset, bytes);
	return accesses(x, TSS_BASE + offset, bytes, false, false);
}

/* ---- the stack ---- */

/* Room for so many values of size bytes below ESP. */
static bool room(const struct run *x, const struct descriptor *s, uint32_t esp, unsigned values, unsigned size)
{
	for (unsigned i = 1; i <= values && !DIFFERS(x, QEMU_STACK_LIMIT); i++)
		if (!in_limits(s, (esp - i * size) & stack_mask(s), size))
			return false;
	return true;
}

static bool push(struct run *x, uint32_t value, unsigned size)
{
	uint32_t mask = stack_mask(&x->stack), offset = (x->sp - size) & mask;
	struct record *r = x->r;

	if (!accesses(x, x->stack.base + offset, size, true, x->push_cpl == 3 && !DIFFERS(x, QEMU_PUSH_USER)))
		return false;
	x->sp = (x->sp & ~mask) | offset;
	memmove(r->frame + size, r->frame, r->frame_bytes);
	for (unsigned i = 0; i < size; i++)
		r->frame[i] = (uint8_t)(value >> i * 8);
	r->frame_bytes += size;
	r->frame_unseen <<= size;
	if (offset > mask - size + 1) /* beyond the end of the offsets: only with a peer's rules */
		r->frame_unseen |= ((1u << size) - 1) & ~((1u << (mask - offset + 1)) - 1);
	return true;
}

/* SDM 3B, "Restart Flag (RF)": what is pushed in its place. */
static uint32_t pushed_eflags(const struct run *x, const struct event *e)
{
	if (DIFFERS(x, QEMU_RF))
		return x->eflags;
	return (x->eflags & ~RF_FLAG) | (e->fault ? RF_FLAG : e->rf);
}

/* ---- arrival ---- */

static void enter(struct run *x, const struct event *e, unsigned selector, uint32_t offset, bool d, bool interrupt_gate)
{
	struct record *r = x->r;

	if (offset > 0xffff) /* only with a peer's rules */
		r->handler = HANDLER_FAR + (offset - (FAR_STUBS - STUBS) - HANDLERS32) / 16;
	else
		r->handler = (offset - (d ? HANDLERS32 : HANDLERS16)) / 16;
	r->cs = (selector & ~3u) | x->push_cpl;
	r->esp = x->sp;
	r->eflags = x->eflags & ~(interrupt_gate ? IF_FLAG : 0) & ~(TF_FLAG | VM_FLAG | RF_FLAG | NT_FLAG);
	/* SDM 3A, "Interrupt 8": the program state after a double fault is undefined */
	r->frame_rf_undefined = e->vector == DF && r->frame_bytes >= 16 ? 3 * 4 + 2 : 0;
}

/* ---- the pseudocode ---- */

/* Is the instruction pointer from the gate within the new code segment's limits? */
static bool in_code(const struct run *x, const struct descriptor *cs, uint32_t offset)
{
	return offset <= cs->limit || DIFFERS(x, QEMU_TARGET_LIMIT);
}

static bool intra_privilege_level_interrupt(struct run *x, const struct event *e, uint64_t gate,
					    const struct descriptor *cs, unsigned selector, uint32_t offset)
{
	unsigned size = gate >> 43 & 1 ? 4 : 2;
	const struct world *w = x->w;

	if (!room(x, &x->ss, w->esp, e->has_code ? 4 : 3, size))
		return raise(x, SS, x->ext);
	if (!in_code(x, cs, offset))
		return raise(x, GP, x->ext);
	x->stack = x->ss;
	x->sp = w->esp;
	x->push_cpl = x->cpl;
	if (!push(x, pushed_eflags(x, e), size) || !push(x, w->cs, size) || !push(x, e->eip, size) ||
	    (e->has_code && !push(x, e->code, size)))
		return false;
	x->r->ss = w->ss;
	enter(x, e, selector, offset, cs->b, !(gate >> 40 & 1));
	return true;
}

/* SS:ESP for the level from the current TSS, with all checks (INTER-PRIVILEGE-LEVEL-INTERRUPT and
 * INTERRUPT-FROM-VIRTUAL-8086-MODE say the same). */
static bool inner_stack(struct run *x, unsigned level, uint32_t *new_ss, uint32_t *new_esp)
{
	const struct world *w = x->w;
	uint32_t tss_limit = decode(w->gdt[G_TSS]).limit, address;
	struct descriptor ss;

	if (w->tss32) {
		address = (level << 3) + 4;
		if (address + (DIFFERS(x, QEMU_TSS_ROOM) || DIFFERS(x, BOCHS_TSS_ROOM) ? 7 : 5) > tss_limit)
			return raise(x, TS, error_code(SEL(G_TSS, 0), 0, x->ext));
		if ((DIFFERS(x, QEMU_ESP_FIRST) && !read_tss(x, address, 4, new_esp)) ||
		    !read_tss(x, address + 4, 2, new_ss) || !read_tss(x, address, 4, new_esp))
			return false;
	} else {
		address = (level << 2) + 2;
		if (address + 3 > tss_limit)
			return raise(x, TS, error_code(SEL(G_TSS, 0), 0, x->ext));
		if ((DIFFERS(x, QEMU_ESP_FIRST) && !read_tss(x, address, 2, new_esp)) ||
		    !read_tss(x, address + 2, 2, new_ss) || !read_tss(x, address, 2, new_esp))
			return false;
	}
	if ((*new_ss & ~3u) == 0)
		return raise(x, TS, x->ext);
	if (!within(w, *new_ss) || (*new_ss & 3) != level)
		return raise(x, TS, error_code(*new_ss, 0, x->ext));
	if (!read_descriptor(x, *new_ss, &ss))
		return false;
	if (ss.dpl != level || (ss.type & 0x1a) != 0x12)
		return raise(x, TS, error_code(*new_ss, 0, x->ext));
	if (!ss.p)
		return raise(x, DIFFERS(x, QEMU_SS_ABSENT) ? TS : SS, error_code(*new_ss, 0, x->ext));
	x->stack = ss;
	return true;
}

/* ESP := NewESP */
static uint32_t load_esp(const struct run *x, uint32_t new_esp)
{
	uint32_t mask = stack_mask(&x->stack);

	return DIFFERS(x, QEMU_SP) || DIFFERS(x, BOCHS_SP) ? (x->w->esp & ~mask) | (new_esp & mask) : new_esp;
}

static bool inter_privilege_level_interrupt(struct run *x, const struct event *e, uint64_t gate,
					    const struct descriptor *cs, unsigned selector, uint32_t offset)
{
	unsigned size = gate >> 43 & 1 ? 4 : 2;
	const struct world *w = x->w;
	uint32_t new_ss, new_esp;

	if (!inner_stack(x, cs->dpl, &new_ss, &new_esp))
		return false;
	if (!room(x, &x->stack, new_esp, e->has_code ? 6 : 5, size))
		return raise(x, SS, error_code(new_ss, 0, x->ext));
	if (!in_code(x, cs, offset))
		return raise(x, GP, x->ext);
	x->sp = load_esp(x, new_esp);
	x->push_cpl = cs->dpl;
	if (!push(x, w->ss, size) || !push(x, w->esp, size) || !push(x, pushed_eflags(x, e), size) ||
	    !push(x, w->cs, size) || !push(x, e->eip, size) || (e->has_code && !push(x, e->code, size)))
		return false;
	x->r->ss = new_ss;
	enter(x, e, selector, offset, cs->b, !(gate >> 40 & 1));
	return true;
}

static bool interrupt_from_virtual_8086_mode(struct run *x, const struct event *e, uint64_t gate,
					     const struct descriptor *cs, unsigned selector, uint32_t offset)
{
	unsigned size = gate >> 43 & 1 ? 4 : 2;
	const struct world *w = x->w;
	uint32_t new_ss, new_esp;

	if (!inner_stack(x, cs->dpl, &new_ss, &new_esp)) /* level 0 */
		return false;
	if (!room(x, &x->stack, new_esp, e->has_code ? 10 : 9, size))
		return raise(x, SS, error_code(new_ss, 0, x->ext));
	if (!in_code(x, cs, offset))
		return raise(x, GP, x->ext);
	x->sp = load_esp(x, new_esp);
	x->push_cpl = cs->dpl;
	if (!push(x, w->gs, size) || !push(x, w->fs, size) || !push(x, w->ds, size) || !push(x, w->es, size) ||
	    !push(x, w->ss, size) || !push(x, w->esp, size) || !push(x, pushed_eflags(x, e), size) ||
	    !push(x, w->cs, size) || !push(x, e->eip, size) || (e->has_code && !push(x, e->code, size)))
		return false;
	x->r->ss = new_ss;
	memset(x->r->seg, 0, sizeof(x->r->seg));
	enter(x, e, selector, offset, cs->b, !(gate >> 40 & 1));
	return true;
}

static bool trap_or_interrupt_gate(struct run *x, const struct event *e, uint64_t gate)
{
	unsigned selector = gate >> 16 & 0xffff;
	uint32_t offset = gate & 0xffff;
	struct descriptor cs;
	bool conforming;

	if ((gate >> 43 & 1) || DIFFERS(x, QEMU_GATE16)) /* a 16-bit gate has an IP */
		offset |= (uint32_t)(gate >> 32) & 0xffff0000;
	if ((selector & ~3u) == 0)
		return raise(x, GP, x->ext);
	if (!within(x->w, selector))
		return raise(x, GP, error_code(selector, 0, x->ext));
	if (!read_descriptor(x, selector, &cs))
		return false;
	if ((cs.type & 0x18) != 0x18 || cs.dpl > x->cpl)
		return raise(x, GP, error_code(selector, 0, x->ext));
	if (!cs.p)
		return raise(x, NP, error_code(selector, 0, x->ext));
	conforming = cs.type & 4;
	if (!conforming && cs.dpl < x->cpl) {
		if (!x->vm)
			return inter_privilege_level_interrupt(x, e, gate, &cs, selector, offset);
		if (cs.dpl != 0 && !DIFFERS(x, QEMU_V86_DPL))
			return raise(x, GP, error_code(selector, 0, x->ext));
		return interrupt_from_virtual_8086_mode(x, e, gate, &cs, selector, offset);
	}
	if (x->vm)
		return raise(x, GP, error_code(selector, 0, x->ext));
	return intra_privilege_level_interrupt(x, e, gate, &cs, selector, offset);
}

/* SDM 3A, "Task Switching": the old task's state goes to its TSS, the new task's comes from its. */
static void switch_tasks(struct run *x, const struct event *e, unsigned task, bool new32)
{
	const struct world *w = x->w;
	const uint8_t *t = w->tss[task];
	struct record *r = x->r;
	uint32_t saved[5] = {e->eip, pushed_eflags(x, e), w->esp, w->cs, w->ss};

	for (unsigned i = 0; i < 5; i++)
		r->saved[i] = w->tss32 ? saved[i] : saved[i] & 0xffff;
	r->saved_eflags_undefined = w->tss32 && e->vector == DF ? RF_FLAG : 0;
	r->handler = ((uint32_t)get(t + (new32 ? 0x20 : 0x0e), 2) - HANDLERS32) / 16;
	r->eflags = (new32 ? get(t + 0x24, 4) : get(t + 0x10, 2)) | NT_FLAG;
	r->esp = new32 ? get(t + 0x38, 4) : get(t + 0x1a, 2);
	r->cs = get(t + (new32 ? 0x4c : 0x24), 2);
	r->ss = get(t + (new32 ? 0x50 : 0x26), 2);
	r->seg[1] = get(t + (new32 ? 0x48 : 0x22), 2);
	r->seg[0] = get(t + (new32 ? 0x54 : 0x28), 2);
	r->seg[2] = new32 ? get(t + 0x58, 2) : 0;
	r->seg[3] = new32 ? get(t + 0x5c, 2) : 0;
	/* a 16-bit TSS says nothing of the upper halves */
	r->esp_undefined = new32 ? 0 : 0xffff0000;
	r->eflags_undefined = new32 ? 0 : 0xffff0000 & ~VM_FLAG;
}

static bool task_gate(struct run *x, const struct event *e, uint64_t gate)
{
	unsigned selector = gate >> 16 & 0xffff, task;
	const struct world *w = x->w;
	struct descriptor tss;
	bool new32;

	if ((selector & 4) && DIFFERS(x, QEMU_TASK_LOCAL))
		return raise(x, TS, error_code(selector, 0, x->ext));
	if ((selector & 4) || !within(w, selector))
		return raise(x, GP, error_code(selector, 0, x->ext));
	if (!read_descriptor(x, selector, &tss))
		return false;
	if (selector >> 3 == G_TSS)
		tss.type |= 2;              /* LTR has marked it busy */
	if (tss.type != 1 && tss.type != 9) /* no TSS, or a busy one */
		return raise(x, GP, error_code(selector, 0, x->ext));
	if (!tss.p)
		return raise(x, NP, error_code(selector, 0, x->ext));
	new32 = tss.type & 8;
	/* SDM 3A, "Interrupt 10": a TSS needs 67H or 2CH of limit; the current one what is saved */
	if (tss.limit < (new32 ? 0x67u : DIFFERS(x, QEMU_TSS16_LIMIT) || DIFFERS(x, BOCHS_TSS16_LIMIT) ? 0x2bu : 0x2cu))
		return raise(x, TS, error_code(selector, 0, x->ext));
	if (decode(w->gdt[G_TSS]).limit < (w->tss32 ? 0x5fu : 0x29u))
		return raise(x, TS, error_code(SEL(G_TSS, 0), 0, x->ext));
	for (task = 1; world_tss_base(task) != tss.base; task++)
		;
	switch_tasks(x, e, task, new32);
	x->r->any = !new32 && x->vm && DIFFERS(x, QEMU_V86_TSS16);
	x->stack = decode(w->gdt[x->r->ss >> 3]);
	x->sp = x->r->esp;
	x->push_cpl = 0;
	if (e->has_code) {
		if (!room(x, &x->stack, x->sp, 1, new32 ? 4 : 2))
			return raise(x, SS, x->ext);
		if (!push(x, e->code, new32 ? 4 : 2))
			return false;
		x->r->esp = x->sp;
	}
	return true;
}

static bool protected_mode(struct run *x, const struct event *e)
{
	uint32_t v = e->vector;
	uint64_t gate;
	unsigned type, dpl;

	if ((v << 3) + 7 > x->w->idt_limit)
		return raise(x, GP, error_code(v, 1, x->ext));
	if (!accesses(x, IDT_BASE + v * 8, 8, false, false))
		return false;
	gate = x->w->idt[v];
	type = gate >> 40 & 31;
	dpl = gate >> 45 & 3;
	if (type != 5 && type != 6 && type != 7 && type != 14 && type != 15)
		return raise(x, GP, error_code(v, 1, x->ext));
	if (e->software && dpl < x->cpl)
		return raise(x, GP, error_code(v, 1, 0));
	if (!(gate >> 47 & 1))
		return raise(x, NP, error_code(v, 1, x->ext));
	return type == 5 ? task_gate(x, e, gate) : trap_or_interrupt_gate(x, e, gate);
}

static bool call_interrupt_procedure(struct run *x, const struct event *e)
{
	x->ext = e->software || DIFFERS(x, QEMU_NO_EXT) ? 0 : 1;
	x->r->frame_bytes = 0;
	x->r->frame_unseen = 0;
	if (x->vm && (x->eflags >> 12 & 3) < 3 && e->int_n)
		return raise(x, GP, 0);
	return protected_mode(x, e);
}

/* ---- the events ---- */

static struct event first_event(const struct world *w, uint64_t quirks)
{
	struct event e = {.vector = source_vector[w->source], .eip = w->trigger};
	unsigned selector = w->eax & 0xfffc;

	if (w->source == SRC_INT1 && (quirks >> QUIRK_QEMU_INT1 & 1))
		return (struct event){.vector = UD, .fault = true, .eip = w->trigger};
	if (w->source == SRC_SS && w->level == V86 && (quirks >> QUIRK_QEMU_DATA_LIMIT & 1))
		return (struct event){.vector = 0x47, .software = true, .int_n = true, .eip = w->trigger + 6};
	switch ((enum source)w->source) {
	case SRC_INT:
		e.software = e.int_n = true;
		e.eip += 2;
		break;
	case SRC_INT3:
	case SRC_INTO:
		e.software = true;
		e.eip += 1;
		break;
	case SRC_INT1:
		e.eip += 1;
		break;
	case SRC_EXT: /* between instructions: RF is as it was */
		e.rf = w->eflags & RF_FLAG;
		break;
	case SRC_GP:
	case SRC_NP:
	case SRC_SS:
	case SRC_TS:
	case SRC_PF:
		e.has_code = true;
		e.code = w->source == SRC_TS   ? SEL(G_FLAT3, 0)
			 : w->source == SRC_PF ? (w->level >= 3 ? 4 : 0)
			 : w->level == V86     ? 0
					       : selector;
		e.fault = true;
		break;
	default:
		e.fault = true;
	}
	return e;
}

/* The event, or what its failures become.  False: shutdown. */
static bool deliver(struct run *x, struct event e)
{
	struct event next;

	while (!call_interrupt_procedure(x, &e)) {
		if (e.vector == DF)
			return false;
		next = (struct event){
			.vector = x->vector, .has_code = true, .code = x->code, .eip = x->restart, .fault = true};
		if (makes_double_fault(&e, &next)) {
			next.vector = DF;
			next.code = 0;
			next.fault = false;
		}
		e = next;
	}
	return true;
}

static void begin(struct run *x)
{
	const struct world *w = x->w;

	x->r->seg[0] = w->ds;
	x->r->seg[1] = w->es;
	x->r->seg[2] = w->fs;
	x->r->seg[3] = w->gs;
	x->eflags = w->eflags;
	x->restart = w->trigger;
	x->vm = w->level == V86;
	x->cpl = x->vm ? 3 : w->level;
	if (!x->vm)
		x->ss = decode(w->gdt[w->ss >> 3]);
}

/* ---- returns: SDM 2A, "IRET/IRETD/IRETQ", "RET", Operation ---- */

struct image {
	uint32_t eip, cs, eflags, esp, ss;
};

/* Pops the values from first on: each within the stack's limits, or #SS(0). */
static bool pops(struct run *x, unsigned first, unsigned count)
{
	const struct world *w = x->w;
	unsigned size = return_size(w);

	for (unsigned i = first; i < first + count && !DIFFERS(x, QEMU_STACK_LIMIT); i++) {
		unsigned bytes = first && i > first && DIFFERS(x, BOCHS_RETURN_ROOM) ? 2 : size; /* SS */

		if (!in_limits(&x->ss, (w->esp + i * size) & stack_mask(&x->ss), bytes))
			return raise(x, SS, 0);
	}
	return true;
}

/* The protected-mode exceptions of IRET and the code segment checks of RET. */
static bool return_code_segment(struct run *x, unsigned selector, struct descriptor *cs)
{
	unsigned rpl = selector & 3;

	if ((selector & ~3u) == 0)
		return raise(x, GP, 0);
	if (!within(x->w, selector))
		return raise(x, GP, selector & 0xfffc);
	if (!read_descriptor(x, selector, cs))
		return false;
	if ((cs->type & 0x18) != 0x18)
		return raise(x, GP, selector & 0xfffc);
	if (rpl < x->cpl)
		return raise(x, GP, selector & 0xfffc);
	if ((cs->type & 4) ? cs->dpl > rpl : cs->dpl != rpl)
		return raise(x, GP, selector & 0xfffc);
	if (!cs->p)
		return raise(x, NP, selector & 0xfffc);
	return true;
}

static bool return_stack_segment(struct run *x, unsigned selector, unsigned rpl, struct descriptor *ss)
{
	if ((selector & ~3u) == 0)
		return raise(x, GP, 0);
	if (!within(x->w, selector))
		return raise(x, GP, selector & 0xfffc);
	if (!read_descriptor(x, selector, ss))
		return false;
	if ((selector & 3) != rpl || (ss->type & 0x1a) != 0x12 || ss->dpl != rpl)
		return raise(x, GP, selector & 0xfffc);
	if (!ss->p)
		return raise(x,
			     DIFFERS(x, QEMU_RETURN_SS) || (DIFFERS(x, BOCHS_IRET_SS) && x->w->source < SRC_RETF32)
				     ? NP
				     : SS,
			     selector & 0xfffc);
	return true;
}

/* The flags that IRET loads at this CPL and IOPL. */
static uint32_t return_eflags(const struct run *x, uint32_t image)
{
	uint32_t mask = 0x4dd5; /* CF PF AF ZF SF TF DF OF NT */

	if (x->w->source == SRC_IRET32)
		mask |= RF_FLAG | 0x240000; /* AC ID */
	if (x->cpl <= (x->eflags >> 12 & 3))
		mask |= IF_FLAG;
	if (x->cpl == 0)
		mask |= 0x3000 |
			(x->w->source == SRC_IRET32 && !DIFFERS(x, QEMU_IRET_VIF) ? 0x180000 : 0); /* IOPL; VIF VIP */
	return (x->eflags & ~mask) | (image & mask);
}

/* A segment register that the outer level may not have becomes null. */
static uint32_t return_data_segment(const struct run *x, uint32_t selector, unsigned cpl)
{
	struct descriptor d = decode(x->w->gdt[selector >> 3]);

	if ((selector & ~3u) == 0 || (d.dpl < cpl && (d.type & 0xc) != 0xc))
		return 0;
	return selector;
}

/* IRET with NT = 1. */
static bool task_return(struct run *x)
{
	const struct world *w = x->w;
	unsigned selector = (unsigned)get(w->tss[TSS_CUR], 2);
	struct event e = {.eip = w->trigger + (w->source == SRC_IRET32 ? 1 : 2)};
	struct descriptor tss;
	bool new32;

	if ((selector & 4) || !within(w, selector))
		return raise(x, TS, selector & 0xfffc);
	if (!read_descriptor(x, selector, &tss))
		return false;
	if (tss.type != 3 && tss.type != 11)
		return raise(x, TS, selector & 0xfffc);
	if (!tss.p)
		return raise(x, NP, selector & 0xfffc);
	new32 = tss.type & 8;
	if (tss.limit < (new32 ? 0x67u : DIFFERS(x, QEMU_TSS16_LIMIT) || DIFFERS(x, BOCHS_TSS16_LIMIT) ? 0x2bu : 0x2cu))
		return raise(x, TS, selector & 0xfffc);
	switch_tasks(x, &e, TSS_TEST, new32);
	x->r->eflags &= ~NT_FLAG;   /* no nesting */
	x->r->saved[1] &= ~NT_FLAG; /* SDM 3A, "Task Switching": IRET clears NT in what is saved */
	return true;
}

/* RETURN-TO-VIRTUAL-8086-MODE; there, INT 46h, which shows the state. */
static bool return_to_virtual_8086_mode(struct run *x)
{
	static struct world there;
	struct run y = {.w = &there, .r = x->r, .quirks = x->quirks};
	const struct world *w = x->w;
	struct event e = {.vector = RETURN_VECTOR, .software = true, .int_n = true};

	if (w->image[0] > 0xffff)
		return raise(x, GP, 0);
	there = *w;
	there.level = V86;
	there.trigger = w->image[0];
	there.cs = (uint16_t)w->image[1];
	there.eflags = (w->image[2] & 0x3f7fd5) | 2;
	there.esp = w->image[3];
	there.ss = (uint16_t)w->image[4];
	there.es = (uint16_t)w->image[5];
	there.ds = (uint16_t)w->image[6];
	there.fs = (uint16_t)w->image[7];
	there.gs = (uint16_t)w->image[8];
	begin(&y);
	if (DIFFERS(&y, QEMU_IRET_RF))
		y.eflags &= ~RF_FLAG;
	e.eip = there.trigger + 2;
	if (!deliver(&y, e))
		return false;
	if (!returns_to_v86(w) &&
	    x->r->handler == RETURN_VECTOR) /* only with a peer's rules: the guest expects no frame */
		x->r->frame_bytes = 0;
	return true;
}

static bool protected_mode_return(struct run *x)
{
	const struct world *w = x->w;
	bool iret = w->source < SRC_RETF32;
	unsigned size = return_size(w), n = iret ? 3 : 2, rpl = w->image[1] & 3;
	uint32_t mask = size == 4 ? 0xffffffff : 0xffff;
	struct descriptor cs, ss;
	struct record *r = x->r;

	if (!pops(x, 0, n))
		return false;
	if (returns_to_v86(w) || (DIFFERS(x, QEMU_IRET_VM) && w->source == SRC_IRET32 && (w->image[2] & VM_FLAG)))
		return return_to_virtual_8086_mode(x);
	if (!return_code_segment(x, w->image[1] & 0xffff, &cs))
		return false;
	r->ss = w->ss;
	r->esp = (w->esp & ~stack_mask(&x->ss)) | ((w->esp + n * size) & stack_mask(&x->ss));
	if (rpl > x->cpl) {
		if (!pops(x, n, 2) || !return_stack_segment(x, w->image[n + 1] & 0xffff, rpl, &ss))
			return false;
		r->ss = w->image[n + 1] & 0xffff;
		r->esp = w->image[n] & mask;
		r->esp_undefined = ss.b ? 0 : 0xffff0000;
		for (unsigned i = 0; i < 4; i++)
			r->seg[i] = return_data_segment(x, r->seg[i], rpl);
	}
	if (!in_code(x, &cs, w->image[0] & mask))
		return raise(x, GP, 0);
	r->handler = RETURN_VECTOR;
	r->cs = w->image[1] & 0xffff;
	r->eflags = (iret ? return_eflags(x, w->image[2]) : x->eflags) & ~RF_FLAG; /* the next instruction clears RF */
	return true;
}

bool oracle(uint32_t index, const struct world *w, uint64_t quirks, struct record *r)
{
	struct run x = {.w = w, .r = r, .quirks = quirks};
	struct event e = first_event(w, quirks);

	memset(r, 0, sizeof(*r));
	r->index = index;
	begin(&x);
	if (x.vm && DIFFERS(&x, QEMU_IRET_RF))
		x.eflags &= ~RF_FLAG;
	if (is_return(w)) {
		bool nt = w->source < SRC_RETF32 && (w->eflags & NT_FLAG);

		if (nt ? task_return(&x) : protected_mode_return(&x))
			return true;
		begin(&x);
		e = (struct event){
			.vector = x.vector, .has_code = true, .code = x.code, .eip = w->trigger, .fault = true};
	}
	if (w->source == SRC_PF)
		r->cr2 = ABSENT;
	if (e.vector == 0x47) /* only with a peer's rules */
		x.restart = w->trigger + 4;
	return deliver(&x, e);
}
