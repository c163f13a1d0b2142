/* Transcribed from SDM 2A, "INT n/INTO/INT3/INT1 - Call to Interrupt Procedure" and "IRET/IRETD/IRETQ", 2B "RET",
 * Operation, IA-32e mode; the names of their parts are kept.  What that pseudocode takes for granted comes from their
 * "64-Bit Mode Exceptions" and from SDM 3A: "Stack Switching in IA-32e Mode", "Canonical Addressing", "Error Code",
 * "Page-Fault Exceptions", "Limit Checking", and 3B "Restart Flag (RF)". */
#include "oracle.h"

#include "sdm.h"

#include <string.h>

struct run {
	const struct world *w;
	struct record *r;
	uint64_t quirks;
	unsigned cpl;
	uint64_t rflags;
	struct descriptor ss; /* of the interrupted program, in compatibility mode */
	unsigned ext;         /* EXT of the event being delivered */
	/* the nested exception */
	unsigned vector;
	uint32_t code;
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

/* SDM 1, "Canonical Addressing": bits 63 to 47 are alike. */
static bool canonical(uint64_t address)
{
	return address + (1ull << 47) < 1ull << 48;
}

/* A range of bytes: the first page that refuses names the address. */
static bool accesses(struct run *x, uint64_t linear, unsigned size, bool write, bool user)
{
	uint64_t last = linear + size - 1;
	uint32_t code;

	if (!page_allows(&x->w->guarded, (uint32_t)linear & MEMORY, x->w->wp, write, user, &code)) {
		x->r->cr2 = linear;
		return raise(x, PF, code);
	}
	return (linear ^ last) < 0x1000 || accesses(x, last & ~0xfffull, 1, write, user);
}

/* A stack address that is not canonical. */
static bool stack_not_canonical(struct run *x, uint32_t code)
{
	return DIFFERS(x, QEMU_STACK_CANONICAL) ? raise(x, GP, 0) : raise(x, SS, code);
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

/* ---- the pseudocode of INT n ---- */

/* SDM 3B, "Restart Flag (RF)": what is pushed in its place. */
static uint64_t pushed_rflags(const struct run *x, const struct event *e)
{
	if (DIFFERS(x, QEMU_RF))
		return x->rflags;
	return (x->rflags & ~(uint64_t)RF_FLAG) | (e->fault ? RF_FLAG : e->rf);
}

/* TSSstackAddress; NewRSP. */
static bool tss_stack(struct run *x, unsigned address, uint64_t *new_rsp)
{
	if (address + 7 > decode(x->w->gdt[G_TSS]).limit)
		return raise(x, TS, error_code(SEL(G_TSS, 0), 0, x->ext));
	*new_rsp = get(x->w->tss + address, 8);
	if (!accesses(x, TSS_BASE + address, 8, false, false))
		return false;
	return canonical(*new_rsp) || !DIFFERS(x, QEMU_STACK_CANONICAL) || raise(x, SS, 0);
}

static bool deliver(struct run *x, struct event e);

#define SHUTDOWN 0x100

/* Only with a peer's rules: the first fetch at an address that is not canonical. */
static bool fetch_fails(struct run *x, uint64_t rip, uint64_t rflags)
{
	struct world there = *x->w;
	struct record *r = x->r;
	struct run y = {.w = &there, .r = r, .quirks = x->quirks, .cpl = r->cs & 3, .rflags = rflags};

	there.level = y.cpl;
	there.mode = MODE64;
	there.rip = rip;
	there.rflags = y.rflags;
	there.cs = (uint16_t)r->cs;
	there.ss = (uint16_t)r->ss;
	there.rsp = r->esp;
	return deliver(&y, (struct event){.vector = GP, .has_code = true, .eip = rip, .fault = true}) ||
	       raise(x, SHUTDOWN, 0);
}

/* From "64-bit IDT gate" on.  cpl: at which the handler runs. */
static bool push_and_enter(struct run *x, const struct event *e, const uint64_t *gate, uint64_t new_rsp, bool from_tss,
			   unsigned new_ss, unsigned cpl)
{
	const struct world *w = x->w;
	uint64_t rip = (gate[0] & 0xffff) | (gate[0] >> 48) << 16 | gate[1] << 32;
	uint64_t rsp = new_rsp & ~15ull;
	const uint64_t values[] = {w->ss, w->rsp, pushed_rflags(x, e), w->cs, e->eip, e->code};
	unsigned n = e->has_code ? 6 : 5;
	struct record *r = x->r;

	/* "IF NewRSP contains a non-canonical address", and each push */
	for (unsigned i = !from_tss && (DIFFERS(x, QEMU_RSP) || DIFFERS(x, BOCHS_RSP)) ? 1 : 0; i <= n; i++)
		if (!canonical(rsp - i * 8))
			return stack_not_canonical(
				x, x->ext | (i == 0 && from_tss && DIFFERS(x, BOCHS_SS_CODE) ? w->ss & 0xfffcu : 0));
	if (!canonical(rip) && !DIFFERS(x, QEMU_RIP) && !DIFFERS(x, BOCHS_RIP_LAST))
		return raise(x, GP, x->ext);
	for (unsigned i = 1; i <= n; i++)
		if (!accesses(x, rsp - i * 8, 8, true, cpl == 3 && !DIFFERS(x, QEMU_PUSH_USER)))
			return false;
	if (!canonical(rip) && DIFFERS(x, BOCHS_RIP_LAST))
		return raise(x, GP, x->ext);
	for (unsigned i = 0; i < n; i++)
		for (unsigned b = 0; b < 8; b++)
			r->frame[(n - 1 - i) * 8 + b] = (uint8_t)(values[i] >> b * 8);
	r->frame_bytes = n * 8;
	r->frame_rf_undefined = e->vector == DF ? 3 * 8 + 2 : 0; /* SDM 3A, "Interrupt 8" */
	r->handler = (((uint32_t)rip & MEMORY) - STUBS - HANDLERS64) / 16;
	r->cs = (gate[0] >> 16 & 0xfffc) | cpl;
	r->ss = new_ss;
	r->esp = rsp - n * 8;
	r->eflags = x->rflags & ~(uint64_t)(TF_FLAG | VM_FLAG | RF_FLAG | NT_FLAG | (gate[0] >> 40 & 1 ? 0 : IF_FLAG));
	return canonical(rip) || fetch_fails(x, rip, r->eflags);
}

static bool trap_or_interrupt_gate(struct run *x, const struct event *e, const uint64_t *gate)
{
	unsigned selector = gate[0] >> 16 & 0xffff, ist = gate[0] >> 32 & 7, new_ss = x->w->ss, cpl = x->cpl;
	uint64_t new_rsp = x->w->rsp;
	struct descriptor cs;

	if ((selector & ~3u) == 0)
		return raise(x, GP, x->ext);
	if (!within(x->w, selector))
		return raise(x, GP, error_code(selector, 0, x->ext));
	if (!read_descriptor(x, selector, &cs))
		return false;
	if ((cs.type & 0x18) != 0x18 || cs.dpl > x->cpl)
		return raise(x, GP, error_code(selector, 0, x->ext));
	if (!cs.p && DIFFERS(x, QEMU_PRESENT_FIRST))
		return raise(x, NP, error_code(selector, 0, x->ext));
	if (!cs.l ||
	    cs.b) /* 64-Bit Mode Exceptions: "doesn't have the L-bit set, or has both the L-bit and D-bit set" */
		return raise(x, GP, error_code(selector, 0, x->ext));
	if (!cs.p)
		return raise(x, NP, error_code(selector, 0, x->ext));
	if (!(cs.type & 4) && cs.dpl < x->cpl) { /* INTER-PRIVILEGE-LEVEL-INTERRUPT */
		cpl = cs.dpl;
		if (!tss_stack(x, ist ? ist * 8 + 28 : cpl * 8 + 4, &new_rsp))
			return false;
		new_ss = cpl;                                      /* NULL selector with RPL = new CPL */
	} else if (ist && !tss_stack(x, ist * 8 + 28, &new_rsp)) { /* INTRA-PRIVILEGE-LEVEL-INTERRUPT */
		return false;
	}
	if (ist && DIFFERS(x, QEMU_IST_SS))
		new_ss = cpl;
	return push_and_enter(x, e, gate, new_rsp, ist || cpl != x->cpl, new_ss, cpl);
}

/* error_code(vector_number,1,EXT) */
static uint32_t gate_code(const struct run *x, unsigned v, unsigned ext)
{
	return error_code(DIFFERS(x, QEMU_IDT_CODE) ? v * 2 : v, 1, ext);
}

/* IA-32e-MODE */
static bool call_interrupt_procedure(struct run *x, const struct event *e)
{
	const uint64_t *gate = x->w->idt[e->vector];
	unsigned v = e->vector, type = gate[0] >> 40 & 31;

	x->ext = e->software || DIFFERS(x, QEMU_NO_EXT) ? 0 : 1;
	if ((v << 4) + 15 > x->w->idt_limit)
		return raise(x, GP, gate_code(x, v, x->ext));
	if (!accesses(x, IDT_BASE + v * 16, 16, false, false))
		return false;
	if ((type != 14 && type != 15) || ((gate[1] >> 40 & 31) && DIFFERS(x, BOCHS_GATE_RESERVED)))
		return raise(x, GP, gate_code(x, v, x->ext));
	if (e->software && (gate[0] >> 45 & 3) < x->cpl)
		return raise(x, GP, gate_code(x, v, 0));
	if (!(gate[0] >> 47 & 1))
		return raise(x, NP, gate_code(x, v, x->ext));
	return trap_or_interrupt_gate(x, e, gate);
}

/* ---- the events ---- */

static struct event first_event(const struct world *w, uint64_t quirks)
{
	struct event e = {.vector = source_vector[w->source], .eip = w->rip};

	if (w->source == SRC_INT1 && (quirks >> QUIRK_QEMU_INT1 & 1))
		return (struct event){.vector = UD, .fault = true, .eip = w->rip};
	if (w->source == SRC_SS0 && (quirks >> QUIRK_QEMU_STACK_CANONICAL & 1))
		e.vector = GP;
	switch ((enum source)w->source) {
	case SRC_INT:
		e.software = e.int_n = true;
		e.eip += 2;
		break;
	case SRC_INTO:
		if (w->mode == MODE64) {
			e.vector = UD;
			e.fault = true;
			break;
		} /* fall through */
	case SRC_INT3:
		e.software = true;
		e.eip += 1;
		break;
	case SRC_INT1:
		e.eip += 1;
		break;
	case SRC_EXT: /* between instructions: RF is as it was */
	case SRC_NMI:
		e.rf = w->rflags & RF_FLAG;
		break;
	case SRC_GP:
	case SRC_NP:
	case SRC_SS:
		e.code = w->rax & 0xfffc;
		e.has_code = e.fault = true;
		break;
	case SRC_PF:
		e.code = w->level == 3 ? 4 : 0;
		e.has_code = e.fault = true;
		break;
	case SRC_GP0:
	case SRC_SS0:
		e.has_code = e.fault = true;
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
		if (e.vector == DF || x->vector == SHUTDOWN)
			return false;
		next = (struct event){
			.vector = x->vector, .has_code = true, .code = x->code, .eip = x->w->rip, .fault = true};
		if (makes_double_fault(&e, &next)) {
			next.vector = DF;
			next.code = 0;
			next.fault = false;
		}
		e = next;
	}
	return true;
}

/* ---- returns ---- */

/* The address of a value on the stack that is popped from. */
static uint64_t popped_at(const struct run *x, unsigned i)
{
	uint64_t at = x->w->rsp + i * return_size(x->w);

	return x->w->mode != MODE64 || (return_size(x->w) < 8 && DIFFERS(x, QEMU_SP_MASK)) ? at & stack_mask(&x->ss)
											   : at;
}

/* Are the values read from the last to the first?  IRET pops RIP first; RET looks at the selector before it pops. */
static bool last_first(const struct run *x)
{
	return x->w->source < SRC_RETF64 ? DIFFERS(x, BOCHS_POP_ORDER) : !DIFFERS(x, QEMU_POP_ORDER);
}

/* Pops the values from first on. */
static bool pops(struct run *x, unsigned first, unsigned count)
{
	const struct world *w = x->w;
	unsigned size = return_size(w);

	for (unsigned i = first; i < first + count; i++) {
		uint64_t at = popped_at(x, i);

		if (w->mode == MODE64 && (!canonical(at) || !canonical(at + size - 1)))
			return stack_not_canonical(x, 0);
		if (w->mode != MODE64 &&
		    !in_limits(&x->ss, at,
			       first && i > first && w->source >= SRC_RETF64 && DIFFERS(x, BOCHS_RETURN_ROOM) ? 2
													      : size) &&
		    !DIFFERS(x, QEMU_STACK_LIMIT))
			return raise(x, SS, 0);
	}
	for (unsigned n = first; n < first + count; n++) {
		unsigned i = last_first(x) ? 2 * first + count - 1 - n : n;

		if (!accesses(x, popped_at(x, i), size, false, x->cpl == 3 && !DIFFERS(x, QEMU_POP_USER)))
			return false;
	}
	return true;
}

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
	if (cs->l && cs->b && !DIFFERS(x, QEMU_RETURN_LD))
		return raise(x, GP, selector & 0xfffc);
	if (rpl < x->cpl)
		return raise(x, GP, selector & 0xfffc);
	if ((cs->type & 4) ? cs->dpl > rpl : cs->dpl != rpl)
		return raise(x, GP, selector & 0xfffc);
	if (!cs->p)
		return raise(x, NP, selector & 0xfffc);
	return true;
}

static bool return_stack_segment(struct run *x, unsigned selector, unsigned rpl, bool to_64_bit, struct descriptor *ss)
{
	*ss = (struct descriptor){.b = true};
	if ((selector & ~3u) == 0) {
		if (rpl == 3 || (!to_64_bit && !DIFFERS(x, QEMU_NULL_SS)) ||
		    ((selector & 3) != rpl && !DIFFERS(x, QEMU_NULL_SS_RPL) && !DIFFERS(x, BOCHS_NULL_SS_RPL)))
			return raise(x, GP, 0);
		return true;
	}
	if (!within(x->w, selector))
		return raise(x, GP, selector & 0xfffc);
	if (!read_descriptor(x, selector, ss))
		return false;
	if ((selector & 3) != rpl || (ss->type & 0x1a) != 0x12 || ss->dpl != rpl)
		return raise(x, GP, selector & 0xfffc);
	if (!ss->p)
		return raise(x,
			     DIFFERS(x, QEMU_RETURN_SS) || (DIFFERS(x, BOCHS_IRET_SS) && x->w->source < SRC_RETF64)
				     ? NP
				     : SS,
			     selector & 0xfffc);
	return true;
}

/* The flags that IRET loads at this CPL and IOPL. */
static uint64_t return_rflags(const struct run *x, uint64_t image)
{
	uint64_t mask = 0x4dd5; /* CF PF AF ZF SF TF DF OF NT */

	if (return_size(x->w) > 2)
		mask |= RF_FLAG | 0x240000; /* AC ID */
	if (x->cpl <= (x->rflags >> 12 & 3))
		mask |= IF_FLAG;
	if (x->cpl == 0)
		mask |= 0x3000 |
			(return_size(x->w) > 2 && !DIFFERS(x, QEMU_IRET_VIF) ? 0x180000 : 0); /* IOPL; VIF VIP */
	return (x->rflags & ~mask) | (image & mask);
}

/* A segment register that the outer level may not have becomes null. */
static uint64_t return_data_segment(const struct run *x, uint64_t selector, unsigned cpl)
{
	struct descriptor d = decode(x->w->gdt[selector >> 3]);

	if ((selector & ~3u) == 0 || (d.dpl < cpl && (d.type & 0xc) != 0xc))
		return 0;
	return selector;
}

static bool within_code(struct run *x, const struct descriptor *cs, uint64_t rip)
{
	if (cs->l ? !canonical(rip) && !DIFFERS(x, QEMU_RIP)
		  : (uint32_t)rip > cs->limit && !DIFFERS(x, QEMU_CODE_LIMIT))
		return raise(x, GP, 0);
	return true;
}

static bool ia_32e_mode_return(struct run *x)
{
	const struct world *w = x->w;
	bool iret = w->source < SRC_RETF64;
	unsigned size = return_size(w), n = iret ? 3 : 2, cs_selector = w->image[1] & 0xffff, rpl = cs_selector & 3;
	uint64_t mask = size == 8 ? ~0ull : (1ull << size * 8) - 1, rflags;
	struct descriptor cs, ss = x->ss;
	struct record *r = x->r;

	if (iret && (x->rflags & NT_FLAG))
		return raise(x, GP, 0);
	if (!pops(x, 0, n) || !return_code_segment(x, cs_selector, &cs))
		return false;
	r->ss = w->ss;
	r->esp = popped_at(x, n);
	if (w->mode == MODE64 && (iret || !cs.l) && DIFFERS(x, BOCHS_SP)) {
		uint64_t bits = w->ss & 0xfffc ? 0xffffffff : 0xffff;

		r->esp = (w->rsp & ~bits) | (r->esp & bits);
	}
	if (rpl > x->cpl || (iret && w->mode == MODE64 && (size == 8 || !DIFFERS(x, BOCHS_IRET_STACK)))) {
		r->ss = w->image[n + 1] & 0xffff;
		if (!pops(x, n, 2) || !return_stack_segment(x, (unsigned)r->ss, rpl, cs.l, &ss))
			return false;
		r->esp = w->image[n] & mask;
	}
	if (!within_code(x, &cs, w->image[0] & mask))
		return false;
	for (unsigned i = 0; i < 4 && rpl > x->cpl; i++)
		r->seg[i] = return_data_segment(x, r->seg[i], rpl);
	if (!cs.l) /* the handler sees ESP */
		r->esp &= 0xffffffff;
	r->esp_undefined = cs.l || ss.b ? 0 : 0xffff0000;
	r->handler = cs.l ? RETURN_VECTOR : cs.b ? RETURN32 : RETURN16;
	r->cs = cs_selector;
	rflags = iret ? return_rflags(x, w->image[2]) : x->rflags & ~(uint64_t)RF_FLAG;
	r->eflags = rflags & ~(uint64_t)RF_FLAG; /* the next instruction clears RF */
	if (cs.l && !canonical(w->image[0] & mask))
		return fetch_fails(x, w->image[0] & mask, rflags);
	return true;
}

bool oracle(uint32_t index, const struct world *w, uint64_t quirks, struct record *r)
{
	struct run x = {.w = w, .r = r, .quirks = quirks, .cpl = w->level, .rflags = w->rflags};
	struct event e = first_event(w, quirks);

	memset(r, 0, sizeof(*r));
	r->index = index;
	r->seg[0] = w->ds;
	r->seg[1] = w->es;
	r->seg[2] = w->fs;
	r->seg[3] = w->gs;
	x.ss = w->mode == MODE64 ? (struct descriptor){.b = true} : decode(w->gdt[w->ss >> 3]);
	if (is_return(w)) {
		if (ia_32e_mode_return(&x))
			return true;
		if (x.vector == SHUTDOWN)
			return false;
		memset(r->seg, 0, sizeof(r->seg));
		r->seg[0] = w->ds;
		r->seg[1] = w->es;
		r->seg[2] = w->fs;
		r->seg[3] = w->gs;
		e = (struct event){.vector = x.vector, .has_code = true, .code = x.code, .eip = w->rip, .fault = true};
	}
	if (w->source == SRC_PF)
		r->cr2 = w->rdx;
	return deliver(&x, e);
}
