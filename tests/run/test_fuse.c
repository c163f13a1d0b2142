/* Blocks against one instruction at a time: random straight runs that end in a
 * conditional branch, dense in what fuse.c and address.c rewrite, in 32-bit and 64-bit mode.  Registers, all of
 * EFLAGS, memory and the count of instructions must agree, also where an instruction
 * faults and its EFLAGS are pushed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "rig/rig.h"

#define DATA 0x50000u

static uint64_t seed = 0x7261707467617465u;

static uint32_t random32(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 16);
}

static bool long64; /* of the program being made */

/* In 64-bit mode, mostly REX.W; sometimes R8-R11 for the first register, never for the second, which may be RBP. */
static unsigned emit_rex(uint8_t *p)
{
	if (!long64 || random32() % 4 == 0)
		return 0;
	p[0] = (uint8_t)(0x48 ^ (random32() % 4 ? 0 : 8) ^ (random32() % 4 ? 0 : 4));
	return 1;
}

/* INC and DEC: of 64-bit mode they have no short form. */
static unsigned emit_step(uint8_t *p)
{
	unsigned n = 0, which = random32();

	if (long64) {
		n += emit_rex(p);
		p[n++] = 0xff;
		p[n++] = (uint8_t)(0xc0 | (which & 0xb));
	} else {
		p[n++] = (uint8_t)(0x40 | (which & 0xb));
	}
	return n;
}

/* A load or store by [ebp + disp] or [ebp + ecx * 1, 2, 4], ECX first made small; in 64-bit mode by [rip + disp] too.
 * at: where p is in the program. */
static unsigned emit_access(uint8_t *p, unsigned at)
{
	static const uint8_t memory[][2] = {{0x8b, 0}, {0x89, 0}, {0x8a, 0}, {0x88, 0}, {0x0f, 0xb6}, {0x0f, 0xb7},
					    {0x0f, 0xbe}, {0x0f, 0xbf}, {0x01, 0}, {0x3b, 0}, {0x39, 0}, {0x2b, 0},
					    {0x33, 0}, {0x03, 0}, {0xff, 0}, {0x8d, 0}, {0x63, 0}, {0x23, 0}, {0x0b, 0}};
	const uint8_t *op = memory[random32() % (long64 ? 19 : 16)];
	unsigned reg = op[0] == 0xff ? random32() & 1 : random32() & 3, n = 0, way = random32() % (long64 ? 3 : 2);

	p[n++] = 0x83; /* and ecx, 0fh */
	p[n++] = 0xe1;
	p[n++] = 0x0f;
	if (op[0] == 0xff && long64)
		p[n++] = 0x48;
	else
		n += emit_rex(p + n);
	p[n++] = op[0];
	if (op[1])
		p[n++] = op[1];
	if (way == 2) {
		int32_t to = (int32_t)(DATA + (random32() & 0x1f) - RIG_CODE - at - (n + 5));
		p[n++] = (uint8_t)(0x05 | reg << 3);
		memcpy(p + n, &to, 4);
		return n + 4;
	}
	if (way == 0) {
		p[n++] = (uint8_t)(0x45 | reg << 3);
	} else {
		p[n++] = (uint8_t)(0x44 | reg << 3);
		p[n++] = (uint8_t)(random32() % 3 << 6 | RCX << 3 | RBP);
	}
	p[n++] = (uint8_t)(random32() & 0x1f);
	return n;
}

/* Appends one instruction; registers are EAX ECX EDX EBX (R8 to R11), EBP points to data. */
static unsigned emit(uint8_t *p, unsigned at)
{
	static const uint8_t alu_rr[] = {0x01, 0x09, 0x11, 0x19, 0x21, 0x29, 0x31, 0x39, 0x85, 0x89, 0x03, 0x2b, 0x3b,
					 0x38, 0x84, 0x00, 0x88};
	unsigned modrm = 0xc0 | (random32() & 3) << 3 | (random32() & 3), n = 0, kind = random32() % 16;

	if (kind != 2 && kind != 12)
		n += emit_rex(p);
	switch (kind) {
	case 0: /* ALU Ev, imm8 */
		p[n++] = 0x83;
		p[n++] = (uint8_t)(0xc0 | (random32() & 7) << 3 | (random32() & 3));
		p[n++] = (uint8_t)random32();
		break;
	case 1: /* shifts and rotates by imm8 */
		p[n++] = 0xc1;
		p[n++] = (uint8_t)(0xc0 | (random32() & 7) << 3 | (random32() & 3));
		p[n++] = (uint8_t)(random32() & (long64 ? 0x67 : 0x27));
		break;
	case 2:
		return emit_step(p);
	case 3: /* IMUL Gv, Ev and with imm8 */
		if (random32() & 1) {
			p[n++] = 0x0f;
			p[n++] = 0xaf;
			p[n++] = (uint8_t)modrm;
		} else {
			p[n++] = 0x6b;
			p[n++] = (uint8_t)modrm;
			p[n++] = (uint8_t)random32();
		}
		break;
	case 4: /* CMOVcc, SETcc */
		p[n++] = 0x0f;
		p[n++] = (uint8_t)((random32() & 1 ? 0x40 : 0x90) | (random32() & 15));
		p[n++] = (uint8_t)modrm;
		break;
	case 5: /* an access that may fault: [ebp + disp], sometimes beyond the segment's limit */
		p[n++] = random32() & 1 ? 0x3b : 0x03;
		p[n++] = (uint8_t)(0x45 | (random32() & 3) << 3);
		p[n++] = (uint8_t)(random32() % 8 ? random32() & 0x3c : 0x7f);
		break;
	case 6: /* CMP, TEST byte ptr [ebp + disp], imm8 */
		p[n++] = random32() & 1 ? 0x80 : 0xf6;
		p[n] = p[n - 1] == 0x80 ? 0x7d : 0x45;
		n++;
		p[n++] = (uint8_t)(random32() & 0x3f);
		p[n++] = (uint8_t)random32();
		break;
	case 7: /* TEST r8, imm8; CMP AL, imm8; PUSHF */
		if (random32() & 1) {
			p[n++] = 0xf6;
			p[n++] = (uint8_t)(0xc0 | (random32() & 7));
		} else {
			p[n++] = 0x3c;
		}
		p[n++] = (uint8_t)random32();
		break;
	case 8: /* MOVZX, MOVSX, LEA */
		p[n++] = 0x0f;
		p[n++] = (uint8_t)(0xb6 | (random32() & 9));
		p[n++] = (uint8_t)modrm;
		break;
	case 12:
		return emit_access(p, at);
	case 9: case 10: case 11: /* MOV r, r: the first of many pairs */
		p[n++] = 0x89;
		p[n++] = (uint8_t)modrm;
		break;
	default:
		p[n++] = alu_rr[random32() % sizeof(alu_rr)];
		p[n++] = (uint8_t)modrm;
	}
	return n;
}

static unsigned program(uint8_t *p)
{
	unsigned n = 0, insns = 1 + random32() % 14;

	for (unsigned i = 0; i < insns; i++)
		n += emit(p + n, n);
	p[n++] = (uint8_t)(0x70 | (random32() & 15)); /* Jcc over the HLT to another one */
	p[n++] = 1;
	p[n++] = 0xf4;
	p[n++] = long64 ? 0x90 : 0x40;
	p[n++] = 0xf4;
	return n;
}

struct outcome { /* no padding: compared as bytes */
	uint64_t gpr[GPR_COUNT], rip, rflags, cs_ss, cr2, ticks;
	uint8_t data[0x80], end[0x80], stack[0x80];
};

/* EBP + 43h is the last byte that is there. */
static struct arch_state make_mode(struct rig *r)
{
	uint64_t *rbp = &r->cpu.s.gpr.r64[RBP];

	if (long64) {
		rig_long64(r, 0);
		rig_write64(r, RIG_PT + (DATA / 0x1000 + 1) * 8, 0);
		*rbp = DATA + 0x1000 - 0x44;
	} else {
		rig_protected(r, 0);
		r->cpu.s.seg[SEG_SS].limit = DATA + 0x43;
		*rbp = DATA;
	}
	return r->cpu.s;
}

static void run(struct rig *r, const struct arch_state *mode, const uint8_t *code, unsigned size,
		const uint64_t regs[8], bool plain, struct outcome *out)
{
	uint64_t rbp = mode->gpr.r64[RBP];

	r->cpu.s = *mode;
	rig_write(r, RIG_CODE, code, size);
	for (unsigned i = 0; i < 0x80; i += 4) {
		rig_write32(r, DATA + i, (uint32_t)regs[i / 4 % 8] * 0x9e3779b9u);
		rig_write32(r, (rbp + i) & ~UINT64_C(3), (uint32_t)regs[i / 4 % 8] * 0x7e3779b9u);
	}
	memset(out, 0, sizeof(*out));
	rig_write(r, RIG_STACK0 - sizeof(out->stack), out->stack, sizeof(out->stack));
	for (unsigned i = RAX; i <= RBX; i++)
		r->cpu.s.gpr.r64[i] = long64 ? regs[i] : (uint32_t)regs[i];
	for (unsigned i = R8; long64 && i <= R11; i++)
		r->cpu.s.gpr.r64[i] = regs[i - 4];
	r->cpu.s.rflags = (regs[4] & FLAGS_STATUS) | FLAG_ONE;
	cpu_state_changed(&r->cpu);
	r->cpu.plain = plain;
	uint64_t before = r->cpu.icount;
	assert_int_equal(rig_run(r, 200), STOP_HALT);
	memcpy(out->gpr, r->cpu.s.gpr.r64, sizeof(out->gpr));
	out->rip = r->cpu.s.rip;
	out->rflags = r->cpu.s.rflags;
	out->cs_ss = (uint64_t)r->cpu.s.seg[SEG_CS].sel << 16 | r->cpu.s.seg[SEG_SS].sel;
	out->cr2 = r->cpu.s.cr2;
	out->ticks = r->cpu.icount - before;
	bus_peek(r->bus, DATA, out->data, sizeof(out->data));
	bus_peek(r->bus, rbp, out->end, sizeof(out->end));
	bus_peek(r->bus, RIG_STACK0 - sizeof(out->stack), out->stack, sizeof(out->stack));
}

static uint64_t random_value(void)
{
	uint64_t upper = long64 ? random32() % 3 - 1u : 0;

	if (random32() & 3)
		return (long64 && random32() & 1 ? (uint64_t)random32() << 32 : 0) | random32();
	return upper << 32 | (uint32_t)((random32() & 1 ? 0x80000000u : 0) - (random32() & 1));
}

static void compare(bool wide, unsigned cases)
{
	struct rig *r = rig_new("max", 1 << 20);
	struct arch_state mode;

	long64 = wide;
	mode = make_mode(r);
	for (unsigned i = 0; i < cases; i++) {
		uint64_t start = seed;
		uint8_t code[256];
		uint64_t regs[8];
		struct outcome fast, plain;
		unsigned size = program(code);

		for (unsigned k = 0; k < 8; k++)
			regs[k] = random_value();
		run(r, &mode, code, size, regs, true, &plain);
		run(r, &mode, code, size, regs, false, &fast);
		if (memcmp(&fast, &plain, sizeof(fast)) != 0) {
			print_error("case %u, seed %016lx\n", i, (unsigned long)start);
			for (unsigned k = 0; k < size; k++)
				print_error("%02x ", code[k]);
			print_error("\n");
			for (unsigned k = RAX; k <= RBX; k++)
				assert_int_equal(fast.gpr[k], plain.gpr[k]);
			assert_int_equal(fast.rflags, plain.rflags);
			assert_int_equal(fast.rip, plain.rip);
			assert_int_equal(fast.ticks, plain.ticks);
			assert_memory_equal(fast.stack, plain.stack, sizeof(fast.stack));
			assert_memory_equal(fast.data, plain.data, sizeof(fast.data));
			assert_memory_equal(fast.end, plain.end, sizeof(fast.end));
			fail_msg("the state differs");
		}
	}
	rig_free(r);
}

static void fused_blocks_do_what_single_instructions_do(void **state) { compare(false, 40000); }
static void fused_blocks_of_64_bit_mode_do_too(void **state) { compare(true, 40000); }

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fused_blocks_do_what_single_instructions_do),
		cmocka_unit_test(fused_blocks_of_64_bit_mode_do_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
