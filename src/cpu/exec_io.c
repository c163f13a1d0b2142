/* IN OUT INS OUTS and who may execute them.  SDM 2A/2B; SDM 1, "I/O Privilege
 * Level" and "I/O Permission Bit Map"; SDM 3B, "Debug Registers" for I/O
 * breakpoints.
 *
 * Devices see the clock of the very instruction (REP: iteration) that asks them.
 * Every access ends in the run loop: it may have moved a line or a timer. */
#include "cpu/debug.h"
#include "cpu/ending.h"
#include "cpu/operand.h"

#define TSS32_MIN_LIMIT  0x67
#define TSS32_IO_BASE    0x66

/* The bits of the permission map for the ports: all must be 0.  The processor
 * reads two bytes of it whatever the width; both must lie inside the TSS.  A
 * 16-bit TSS has no map. */
static bool bitmap_allows(struct cpu *cpu, uint16_t port, unsigned bytes)
{
	const struct segment *tr = &cpu->s.seg[SEG_TR];

	if (!tr->usable || tr->s || (tr->type | 2) != SYS_TSS32_BUSY || tr->limit < TSS32_MIN_LIMIT)
		return cpu_raise(cpu, VEC_GP, 0, WHY_IO_NO_BITMAP);
	struct rd base = lin_read(&cpu->mmu, tr->base + TSS32_IO_BASE, 2);
	if (!base.ok)
		return false;
	uint32_t at = (uint32_t)base.v + port / 8u;
	if (at + 1 > tr->limit)
		return cpu_raise(cpu, VEC_GP, 0, WHY_IO_BITMAP_LIMIT);
	struct rd map = lin_read(&cpu->mmu, tr->base + at, 2);
	if (!map.ok)
		return false;
	if (map.v >> (port & 7) & ((1u << bytes) - 1))
		return cpu_raise(cpu, VEC_GP, 0, WHY_IO_BITMAP_DENIED);
	return true;
}

/* Virtual-8086 mode always goes by the bitmap, whatever IOPL is. */
static inline bool io_allowed(struct cpu *cpu, uint16_t port, unsigned bytes)
{
	if (LIKELY(in_real(cpu) || (cpu->s.cpl <= iopl(cpu) && !in_vm86(cpu))))
		return true;
	return bitmap_allows(cpu, port, bytes);
}

/* I/O breakpoints trap after the instruction (REP: the iteration). */
static uint32_t port_read(struct cpu *cpu, uint16_t port, unsigned bytes)
{
	cpu->s.pending_dr6 |= io_breakpoints(&cpu->s, port, bytes);
	cpu_sync_clock(cpu);
	return bus_port_read(cpu->bus, port, bytes);
}

static void port_write(struct cpu *cpu, uint16_t port, unsigned bytes, uint32_t value)
{
	cpu->s.pending_dr6 |= io_breakpoints(&cpu->s, port, bytes);
	cpu_sync_clock(cpu);
	bus_port_write(cpu->bus, port, bytes, value);
}

static inline uint16_t port_dx(const struct cpu *cpu) { return (uint16_t)gpr_read(cpu, RDX, 16); }

/* ---- IN and OUT ---- */

static inline bool in(struct cpu *cpu, const struct uop *u, uint16_t port, unsigned bits)
{
	if (!io_allowed(cpu, port, bits / 8))
		return false;
	reg_write(cpu, u->dst, bits, port_read(cpu, port, bits / 8));
	return true;
}

static inline bool out(struct cpu *cpu, const struct uop *u, uint16_t port, unsigned bits)
{
	if (!io_allowed(cpu, port, bits / 8))
		return false;
	port_write(cpu, port, bits / 8, (uint32_t)reg_read(cpu, u->src, bits));
	return true;
}

#define IN_OUT(name, bits)                                   \
	THEN_LEAVE(name##_imm##bits, name(cpu, u, u->imm & 0xff, bits)) \
	THEN_LEAVE(name##_dx##bits, name(cpu, u, port_dx(cpu), bits))
IN_OUT(in, 8)
IN_OUT(in, 16)
IN_OUT(in, 32)
IN_OUT(out, 8)
IN_OUT(out, 16)
IN_OUT(out, 32)
const struct exec exec_in = {.fn = {[FORM_RI] = EXEC_BV(in_imm8, in_imm16, in_imm32),
				    [FORM_RR] = EXEC_BV(in_dx8, in_dx16, in_dx32)}};
const struct exec exec_out = {.fn = {[FORM_IR] = EXEC_BV(out_imm8, out_imm16, out_imm32),
				     [FORM_RR] = EXEC_BV(out_dx8, out_dx16, out_dx32)}};

/* ---- INS and OUTS ---- */

/* A count or index register by address size. */
static inline uint64_t address_mask(const struct uop *u) { return ~UINT64_C(0) >> u->addr_shift; }

static inline uint64_t address_register(const struct cpu *cpu, const struct uop *u, enum gpr r)
{
	return cpu->s.gpr.r64[r] & address_mask(u);
}

static inline void set_address_register(struct cpu *cpu, const struct uop *u, enum gpr r, uint64_t value)
{
	reg_write(cpu, reg_index(r, 64 - u->addr_shift), 64 - u->addr_shift, value & address_mask(u));
}

static inline void step_index(struct cpu *cpu, const struct uop *u, enum gpr r, unsigned bytes)
{
	uint64_t step = cpu->s.rflags & FLAG_DF ? -(uint64_t)bytes : bytes;

	set_address_register(cpu, u, r, address_register(cpu, u, r) + step);
}

/* The destination is proved writable before the port is read: a faulting INS
 * has taken nothing from the device. */
static bool ins(struct cpu *cpu, const struct uop *u, unsigned bits)
{
	uint64_t di = address_register(cpu, u, RDI);
	uint16_t port = port_dx(cpu);

	if (!io_allowed(cpu, port, bits / 8) || !seg_probe_write(&cpu->mmu, SEG_ES, di, bits / 8))
		return false;
	if (!seg_write(&cpu->mmu, SEG_ES, di, bits / 8, port_read(cpu, port, bits / 8)))
		return false;
	step_index(cpu, u, RDI, bits / 8);
	return true;
}

static bool outs(struct cpu *cpu, const struct uop *u, unsigned bits)
{
	uint16_t port = port_dx(cpu);

	if (!io_allowed(cpu, port, bits / 8))
		return false;
	struct rd value = seg_read(&cpu->mmu, (enum seg)u->seg, address_register(cpu, u, RSI), bits / 8);
	if (!value.ok)
		return false;
	port_write(cpu, port, bits / 8, (uint32_t)value.v);
	step_index(cpu, u, RSI, bits / 8);
	return true;
}

/* icount goes with the iterations, so that the device sees the time of each.
 * run_until becomes 0 when a device moved a line or a timer: the run loop looks
 * before the next iteration. */
static const struct uop *repeat(struct cpu *cpu, const struct uop *u,
				bool (*one)(struct cpu *cpu, const struct uop *u, unsigned bits), unsigned bits)
{
	uint64_t count = address_register(cpu, u, RCX), budget = rep_budget(cpu);

	if (count == 0)
		return uop_leave(cpu, u);
	for (;;) {
		if (!one(cpu, u, bits))
			return uop_fault(cpu, u);
		set_address_register(cpu, u, RCX, --count);
		if (count == 0)
			return uop_leave(cpu, u);
		if (--budget == 0 || cpu->run_until == 0)
			return uop_again(cpu, u);
		cpu->icount++;
	}
}

#define STRING_IO(name, bits)                                                           \
	THEN_LEAVE(name##bits, name(cpu, u, bits))                                      \
	static const struct uop *rep_##name##bits(struct cpu *cpu, const struct uop *u) \
	{                                                                               \
		return repeat(cpu, u, name, bits);                                      \
	}
STRING_IO(ins, 8)
STRING_IO(ins, 16)
STRING_IO(ins, 32)
STRING_IO(outs, 8)
STRING_IO(outs, 16)
STRING_IO(outs, 32)
const struct exec exec_ins = {.fn = {[FORM_NONE] = EXEC_BV(ins8, ins16, ins32),
				     [FORM_REP] = EXEC_BV(rep_ins8, rep_ins16, rep_ins32)}};
const struct exec exec_outs = {.fn = {[FORM_NONE] = EXEC_BV(outs8, outs16, outs32),
				      [FORM_REP] = EXEC_BV(rep_outs8, rep_outs16, rep_outs32)}};
