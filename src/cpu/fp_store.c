/* The portable backend: values for memory. */
#include "cpu/fp_round.h"

/* A format with `fraction` fraction bits. */
struct format {
	unsigned fraction, exponent_bits;
};

static uint64_t format_pack(const struct format *f, bool sign, uint64_t exponent, uint64_t fraction)
{
	return (uint64_t)sign << (f->fraction + f->exponent_bits) | exponent << f->fraction | fraction;
}

static uint64_t exponent_max(const struct format *f)
{
	return (UINT64_C(1) << f->exponent_bits) - 1;
}

/* Overflow: the masked response (SDM 1, "Numeric Overflow Exception (#O)"). */
static struct fp_stored too_large(const struct format *f, bool sign, uint16_t cw)
{
	enum fp_rounding rc = fp_rc(cw);
	bool to_largest = rc == FP_TRUNCATE || (rc == FP_DOWN && !sign) || (rc == FP_UP && sign);
	uint64_t ones = (UINT64_C(1) << f->fraction) - 1;

	if (to_largest)
		return (struct fp_stored){format_pack(f, sign, exponent_max(f) - 1, ones), 0, FP_OE | FP_PE};
	return (struct fp_stored){format_pack(f, sign, exponent_max(f), 0), 0, FP_OE | FP_PE | FP_C1};
}

static struct fp_stored narrow_number(const struct format *f, struct fp80 v, uint16_t cw)
{
	struct fp_num n = fp_unpack(v);
	unsigned bits = f->fraction + 1;
	int32_t bias = (int32_t)(exponent_max(f) >> 1);
	int32_t exponent = n.exponent - FP_EXP_BIAS + bias;
	fp_u128 m = (fp_u128)n.m << 64;
	struct fp_rounded r = fp_round_bits(m, bits, n.sign, fp_rc(cw));
	bool tiny = exponent + r.carry < 1;
	uint16_t flags;

	if (exponent + r.carry >= (int32_t)exponent_max(f))
		return (cw & FP_OE) ? too_large(f, n.sign, cw) : (struct fp_stored){.sw = FP_OE};
	if (tiny && !(cw & FP_UE))
		return (struct fp_stored){.sw = FP_UE};
	if (exponent < 1) {
		unsigned shift = (unsigned)(1 - exponent);

		r = fp_round_bits(fp_shift_right(m, shift > 127 ? 128 : shift), bits, n.sign, fp_rc(cw));
		exponent = r.m >> 63;
	} else {
		exponent += r.carry;
	}
	flags = (r.inexact ? FP_PE : 0) | (r.up ? FP_C1 : 0) | (tiny && r.inexact ? FP_UE : 0);
	return (struct fp_stored){format_pack(f, n.sign, (uint64_t)exponent, (r.m << 1) >> (64 - f->fraction)), 0,
				  flags};
}

static struct fp_stored narrow(const struct format *f, struct fp80 v, uint16_t cw)
{
	switch (fp_classify(v)) {
	case FP_UNSUPPORTED:
		return (struct fp_stored){format_pack(f, true, exponent_max(f), UINT64_C(1) << (f->fraction - 1)), 0,
					  FP_IE};
	case FP_NAN:
		return (struct fp_stored){format_pack(f, fp_sign(v), exponent_max(f),
						      ((v.mantissa | FP_QUIET_BIT) << 1) >> (64 - f->fraction)),
					  0, fp_is_snan(v) ? FP_IE : 0};
	case FP_INFINITY:
		return (struct fp_stored){.lo = format_pack(f, fp_sign(v), exponent_max(f), 0)};
	case FP_ZERO:
		return (struct fp_stored){.lo = format_pack(f, fp_sign(v), 0, 0)};
	default:
		return narrow_number(f, v, cw);
	}
}

struct fp_stored fp_soft_f32(struct fp80 v, uint16_t cw)
{
	static const struct format single = {23, 8};

	return narrow(&single, v, cw);
}

struct fp_stored fp_soft_f64(struct fp80 v, uint16_t cw)
{
	static const struct format twice = {52, 11};

	return narrow(&twice, v, cw);
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
