/* x87 control instructions: control and status word, environment, state.  SDM 1,
 * "x87 FPU Control Instructions", "Saving the x87 FPU's State with
 * FSTENV/FNSTENV and FSAVE/FNSAVE". */
#include <string.h>

#include "cpu/x87.h"

/* ---- control and status word ---- */

uint16_t x87_control_word(uint16_t v)
{
	return (v & 0x1f3f) | 0x0040;
}

/* Changes to the masks show in ES. */
static bool set_control(struct cpu *cpu, uint16_t cw)
{
	struct fpu_state next = cpu->s.fpu;
	uint16_t sw;

	next.cw = cw;
	sw = x87_status(&next, 0, 0);
	if (!x87_may_commit(cpu, sw))
		return false;
	cpu->s.fpu.cw = cw;
	x87_commit(cpu, sw);
	return true;
}

static bool load_control(struct cpu *cpu, const struct uop *u)
{
	if (!x87_ready(cpu))
		return false;
	struct rd rd = seg_read(&cpu->mmu, (enum seg)u->seg, uop_ea(cpu, u), 2);

	return rd.ok && set_control(cpu, x87_control_word((uint16_t)rd.v));
}

static bool store_word(struct cpu *cpu, const struct uop *u, uint16_t v)
{
	return x87_available(cpu) && seg_write(&cpu->mmu, (enum seg)u->seg, uop_ea(cpu, u), 2, v);
}

static bool status_to_ax(struct cpu *cpu, const struct uop *u)
{
	if (!x87_available(cpu))
		return false;
	*reg16(cpu, u->dst) = cpu->s.fpu.sw;
	return true;
}

static bool clear_exceptions(struct cpu *cpu)
{
	uint16_t sw = cpu->s.fpu.sw & (FP_CC | FP_TOP);

	if (!x87_available(cpu) || !x87_may_commit(cpu, sw))
		return false;
	x87_commit(cpu, sw);
	return true;
}

/* Everything but the registers' contents as FNINIT leaves it. */
static bool initialize(struct cpu *cpu)
{
	if (!x87_may_commit(cpu, 0))
		return false;
	x87_commit(cpu, 0);
	x87_init(&cpu->s.fpu);
	return true;
}

X87_EXEC(fldcw, FORM_M, load_control(cpu, u))
X87_EXEC(fnstcw, FORM_M, store_word(cpu, u, cpu->s.fpu.cw))
X87_EXEC(fnstsw, FORM_M, store_word(cpu, u, cpu->s.fpu.sw))
X87_EXEC(fnstsw_ax, FORM_R, status_to_ax(cpu, u))
X87_EXEC(fnclex, FORM_NONE, clear_exceptions(cpu))
X87_EXEC(fninit, FORM_NONE, x87_available(cpu) && initialize(cpu))
/* Of the 8087 and 287, nothing since (SDM 1, "Unsupported x87 FPU Instructions"). */
X87_EXEC(feni, FORM_NONE, x87_available(cpu))
X87_EXEC(fdisi, FORM_NONE, x87_available(cpu))
X87_EXEC(fsetpm, FORM_NONE, x87_available(cpu))

/* WAIT: #NM only if MP is set too (SDM 2D "WAIT/FWAIT"); CR0.EM does not count. */
static bool wait(struct cpu *cpu)
{
	if ((cpu->s.cr0 & (CR0_MP | CR0_TS)) == (CR0_MP | CR0_TS))
		return cpu_raise(cpu, VEC_NM, 0, WHY_X87_WAIT);
	if (LIKELY(!(cpu->s.fpu.sw & FP_ES)))
		return true;
	return x87_error(cpu);
}
X87_EXEC(wait, FORM_NONE, wait(cpu))

/* ---- environment ---- */

/* SDM 1, the four "... x87 FPU State Image in Memory" figures. */
#define ENV_FIELDS 7
enum env_field { ENV_CW, ENV_SW, ENV_TW, ENV_IP, ENV_CS_OP, ENV_DP, ENV_DS };

#define MAX_IMAGE (ENV_FIELDS * 4 + 80)

static bool protected_format(const struct cpu *cpu)
{
	return in_protected(cpu) && !in_vm86(cpu);
}

/* The fields; in the 32-bit formats, reserved upper halves hold ones, as processors store
 * them.  Real and virtual-8086 mode show linear addresses. */
static void pack_environment(const struct cpu *cpu, unsigned width, uint32_t field[ENV_FIELDS])
{
	const struct fpu_state *f = &cpu->s.fpu;
	const uint32_t reserved = 0xffff0000u;

	field[ENV_CW] = reserved | f->cw;
	field[ENV_SW] = reserved | f->sw;
	field[ENV_TW] = reserved | x87_tag_word(f);
	if (protected_format(cpu)) {
		field[ENV_IP] = (uint32_t)f->fip;
		field[ENV_CS_OP] = (uint32_t)f->fop << 16 | f->fcs;
		field[ENV_DP] = (uint32_t)f->fdp;
		field[ENV_DS] = reserved | f->fds;
		return;
	}
	uint32_t ip = ((uint32_t)f->fcs << 4) + (uint32_t)f->fip;
	uint32_t dp = ((uint32_t)f->fds << 4) + (uint32_t)f->fdp;
	uint32_t upper = width == 16 ? 0xf0000u : 0xffff0000u;

	field[ENV_IP] = reserved | (ip & 0xffff);
	field[ENV_CS_OP] = (ip & upper) >> 4 | f->fop;
	field[ENV_DP] = reserved | (dp & 0xffff);
	field[ENV_DS] = (dp & upper) >> 4;
}

/* The inverse.  An image of real mode has linear addresses: selectors become 0.
 * The 16-bit protected format has no opcode. */
static void unpack_environment(const struct cpu *cpu, unsigned width, const uint32_t field[ENV_FIELDS],
			       struct fpu_state *f)
{
	f->cw = x87_control_word((uint16_t)field[ENV_CW]);
	f->sw = (uint16_t)field[ENV_SW];
	f->tw = (uint16_t)field[ENV_TW];
	if (protected_format(cpu)) {
		f->fip = field[ENV_IP];
		f->fcs = (uint16_t)field[ENV_CS_OP];
		f->fop = width == 16 ? 0 : (field[ENV_CS_OP] >> 16) & 0x7ff;
		f->fdp = field[ENV_DP];
		f->fds = (uint16_t)field[ENV_DS];
	} else {
		f->fip = (field[ENV_IP] & 0xffff) | (field[ENV_CS_OP] & 0x0ffff000) << 4;
		f->fop = field[ENV_CS_OP] & 0x7ff;
		f->fdp = (field[ENV_DP] & 0xffff) | (field[ENV_DS] & 0x0ffff000) << 4;
		f->fcs = f->fds = 0;
	}
	f->sw = x87_status(f, 0, 0);
}

static unsigned put_fields(uint8_t *image, unsigned width, const uint32_t field[ENV_FIELDS])
{
	unsigned bytes = width / 8;

	for (unsigned i = 0; i < ENV_FIELDS; i++)
		host_store(image + i * bytes, bytes, field[i]);
	return ENV_FIELDS * bytes;
}

static void get_fields(const uint8_t *image, unsigned width, uint32_t field[ENV_FIELDS])
{
	unsigned bytes = width / 8;

	for (unsigned i = 0; i < ENV_FIELDS; i++)
		field[i] = (uint32_t)host_load(image + i * bytes, bytes);
}

/* Whole or not at all, in pieces of the operand size (which #AC goes by). */
static bool write_image(struct cpu *cpu, const struct uop *u, const uint8_t *image, unsigned size)
{
	enum seg seg = (enum seg)u->seg;
	uint64_t ea = uop_ea(cpu, u);
	unsigned piece = u->width / 8;

	if (!seg_probe_write(&cpu->mmu, seg, ea, size))
		return false;
	for (unsigned i = 0; i < size; i += piece)
		if (!seg_write(&cpu->mmu, seg, ea + i, piece, host_load(image + i, piece)))
			return false;
	return true;
}

static bool read_image(struct cpu *cpu, const struct uop *u, uint8_t *image, unsigned size)
{
	enum seg seg = (enum seg)u->seg;
	uint64_t ea = uop_ea(cpu, u);
	unsigned piece = u->width / 8;

	if (!seg_probe_read(&cpu->mmu, seg, ea, size))
		return false;
	for (unsigned i = 0; i < size; i += piece) {
		struct rd rd = seg_read(&cpu->mmu, seg, ea + i, piece);
		if (!rd.ok)
			return false;
		host_store(image + i, piece, rd.v);
	}
	return true;
}

/* Stored first, then every exception is masked (SDM 2A "FSTENV/FNSTENV"). */
static bool store_environment(struct cpu *cpu, const struct uop *u)
{
	uint32_t field[ENV_FIELDS];
	uint8_t image[MAX_IMAGE];
	uint16_t sw = cpu->s.fpu.sw & (uint16_t) ~(FP_ES | FP_B);

	if (!x87_available(cpu) || !x87_may_commit(cpu, sw))
		return false;
	pack_environment(cpu, u->width, field);
	if (!write_image(cpu, u, image, put_fields(image, u->width, field)))
		return false;
	return set_control(cpu, cpu->s.fpu.cw | FP_EXCEPTIONS);
}

static bool save(struct cpu *cpu, const struct uop *u)
{
	uint32_t field[ENV_FIELDS];
	uint8_t image[MAX_IMAGE];

	if (!x87_available(cpu) || !x87_may_commit(cpu, 0))
		return false;
	pack_environment(cpu, u->width, field);
	unsigned size = put_fields(image, u->width, field);

	for (unsigned i = 0; i < 8; i++, size += 10) {
		host_store(image + size, 8, x87_st(&cpu->s.fpu, i)->mantissa);
		host_store(image + size + 8, 2, x87_st(&cpu->s.fpu, i)->sign_exponent);
	}
	return write_image(cpu, u, image, size) && initialize(cpu);
}

bool x87_adopt(struct cpu *cpu, const struct fpu_state *next)
{
	if (!x87_may_commit(cpu, next->sw))
		return false;
	x87_commit(cpu, next->sw);
	cpu->s.fpu = *next;
	return true;
}

/* FLDENV and FRSTOR. */
static bool load_state(struct cpu *cpu, const struct uop *u, bool registers)
{
	unsigned at = ENV_FIELDS * u->width / 8;
	struct fpu_state next = cpu->s.fpu;
	uint32_t field[ENV_FIELDS];
	uint8_t image[MAX_IMAGE];

	if (!x87_ready(cpu) || !read_image(cpu, u, image, at + (registers ? 80 : 0)))
		return false;
	get_fields(image, u->width, field);
	unpack_environment(cpu, u->width, field, &next);
	for (unsigned i = 0; registers && i < 8; i++, at += 10) {
		x87_st(&next, i)->mantissa = host_load(image + at, 8);
		x87_st(&next, i)->sign_exponent = (uint16_t)host_load(image + at + 8, 2);
	}
	return x87_adopt(cpu, &next);
}

X87_EXEC(fnstenv, FORM_M, store_environment(cpu, u))
X87_EXEC(fnsave, FORM_M, save(cpu, u))
X87_EXEC(fldenv, FORM_M, load_state(cpu, u, false))
X87_EXEC(frstor, FORM_M, load_state(cpu, u, true))
