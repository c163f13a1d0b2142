/* The portable backend: values for memory. */
#include "cpu/fp_round.h"

/* Overflow: the masked response (SDM 1, "Numeric Overflow Exception (#O)"). */
static struct fp_packed too_large(const struct fp_layout *f, bool sign, bool inexact, enum fp_rounding rc)
{
	bool to_largest = rc == FP_TRUNCATE || (rc == FP_DOWN && !sign) || (rc == FP_UP && sign);
	uint64_t ones = (UINT64_C(1) << f->fraction) - 1;
	struct fp_packed p = {.huge = true, .inexact = true, .inexact_wide = inexact, .up = !to_largest};

	p.bits = to_largest ? fp_bits(f, sign, fp_exponent_max(f) - 1, ones) : fp_bits(f, sign, fp_exponent_max(f), 0);
	return p;
}

struct fp_packed fp_pack(const struct fp_layout *f, bool sign, int32_t exponent, fp_u128 m, enum fp_rounding rc)
{
	unsigned bits = f->fraction + 1;
	struct fp_rounded r = fp_round_bits(m, bits, sign, rc);
	struct fp_packed p = {.inexact_wide = r.inexact};

	exponent += (int32_t)(fp_exponent_max(f) >> 1) - FP_EXP_BIAS;
	if (exponent + r.carry >= (int32_t)fp_exponent_max(f))
		return too_large(f, sign, r.inexact, rc);
	p.tiny = exponent + r.carry < 1;
	if (exponent < 1) {
		unsigned shift = exponent < -127 ? 128 : (unsigned)(1 - exponent);

		r = fp_round_bits(fp_shift_right(m, shift), bits, sign, rc);
		exponent = r.m >> 63;
	} else {
		exponent += r.carry;
	}
	p.inexact = r.inexact;
	p.up = r.up;
	p.bits = fp_bits(f, sign, (uint64_t)exponent, (r.m << 1) >> (64 - f->fraction));
	return p;
}

static struct fp_stored narrow_number(const struct fp_layout *f, struct fp80 v, uint16_t cw)
{
	struct fp_num n = fp_unpack(v);
	struct fp_packed p = fp_pack(f, n.sign, n.exponent, (fp_u128)n.m << 64, fp_rc(cw));

	if (p.huge && !(cw & FP_OE))
		return (struct fp_stored){.sw = FP_OE};
	if (p.tiny && !(cw & FP_UE))
		return (struct fp_stored){.sw = FP_UE};
	uint16_t flags = (p.huge ? FP_OE : 0) | (p.inexact ? FP_PE : 0) | (p.up ? FP_C1 : 0) |
			 (p.tiny && p.inexact ? FP_UE : 0);

	return (struct fp_stored){p.bits, 0, flags};
}

static struct fp_stored narrow(const struct fp_layout *f, struct fp80 v, uint16_t cw)
{
	switch (fp_classify(v)) {
	case FP_UNSUPPORTED:
		return (struct fp_stored){fp_bits(f, true, fp_exponent_max(f), UINT64_C(1) << (f->fraction - 1)), 0,
					  FP_IE};
	case FP_NAN:
		return (struct fp_stored){fp_bits(f, fp_sign(v), fp_exponent_max(f),
						      ((v.mantissa | FP_QUIET_BIT) << 1) >> (64 - f->fraction)),
					  0, fp_is_snan(v) ? FP_IE : 0};
	case FP_INFINITY:
		return (struct fp_stored){.lo = fp_bits(f, fp_sign(v), fp_exponent_max(f), 0)};
	case FP_ZERO:
		return (struct fp_stored){.lo = fp_bits(f, fp_sign(v), 0, 0)};
	default:
		return narrow_number(f, v, cw);
	}
}

struct fp_stored fp_soft_f32(struct fp80 v, uint16_t cw)
{
	return narrow(&fp_single, v, cw);
}

struct fp_stored fp_soft_f64(struct fp80 v, uint16_t cw)
{
	return narrow(&fp_double, v, cw);
}

/* False: not an integer of magnitude at most `positive` or, if negative,
 * `negative`. */
static bool integer(struct fp80 v, uint16_t cw, uint64_t positive, uint64_t negative, uint64_t *magnitude,
		    uint16_t *flags)
{
	enum fp_class class = fp_classify(v);

	*magnitude = 0;
	*flags = 0;
	if (class == FP_ZERO)
		return true;
	if (class != FP_NORMAL && class != FP_DENORMAL)
		return false;
	struct fp_num n = fp_unpack(v);

	return fp_to_integer(&n, fp_rc(cw), magnitude, flags) && *magnitude <= (n.sign ? negative : positive);
}

static struct fp_stored to_int(struct fp80 v, uint16_t cw, unsigned bits)
{
	uint64_t limit = UINT64_C(1) << (bits - 1);
	uint64_t mask = limit | (limit - 1);
	uint64_t magnitude;
	uint16_t flags;

	if (!integer(v, cw, limit - 1, limit, &magnitude, &flags))
		return (struct fp_stored){limit, 0, FP_IE};
	return (struct fp_stored){(fp_sign(v) ? -magnitude : magnitude) & mask, 0, flags};
}

struct fp_stored fp_soft_i16(struct fp80 v, uint16_t cw)
{
	return to_int(v, cw, 16);
}

struct fp_stored fp_soft_i32(struct fp80 v, uint16_t cw)
{
	return to_int(v, cw, 32);
}

struct fp_stored fp_soft_i64(struct fp80 v, uint16_t cw)
{
	return to_int(v, cw, 64);
}

struct fp_stored fp_soft_bcd(struct fp80 v, uint16_t cw)
{
	uint64_t limit = UINT64_C(999999999999999999), magnitude;
	struct fp_stored s = {0, 0, 0};

	if (!integer(v, cw, limit, limit, &magnitude, &s.sw))
		return (struct fp_stored){0xc000000000000000u, 0xffff, FP_IE};
	for (unsigned i = 0; i < 16; i++, magnitude /= 10)
		s.lo |= (magnitude % 10) << (4 * i);
	s.hi = (uint16_t)(magnitude % 10 | magnitude / 10 << 4 | (fp_sign(v) ? 0x8000 : 0));
	return s;
}
