/* PCMPESTRI, PCMPESTRM, PCMPISTRI, PCMPISTRM.  SDM 1, "Programming with Intel SSE4.2", "String and Text Processing
 * Instructions". */
#include "cpu/vec.h"

/* The immediate byte: 0 words, not bytes; 1 signed; 3:2 enum aggregation; 4 negative polarity, 5 only where the second
 * string has elements; 6 the last index, not the first, or a mask of whole elements. */
#define STR_WORDS    0x01u
#define STR_SIGNED   0x02u
#define STR_NEGATIVE 0x10u
#define STR_MASKED   0x20u
#define STR_BIT6     0x40u
enum aggregation { EQUAL_ANY, RANGES, EQUAL_EACH, EQUAL_ORDERED };

struct string {
	int32_t at[16];
	unsigned count;  /* elements a vector has: 16, 8 */
	unsigned length; /* those that count */
};

static void read_string(struct string *s, const union xmm *v, unsigned control)
{
	s->count = control & STR_WORDS ? 8 : 16;
	for (unsigned i = 0; i < s->count; i++)
		if (control & STR_WORDS)
			s->at[i] = control & STR_SIGNED ? v->i16[i] : v->u16[i];
		else
			s->at[i] = control & STR_SIGNED ? v->i8[i] : v->u8[i];
}
/* Implicit length: up to the first element that is 0. */
static void end_at_zero(struct string *s)
{
	for (s->length = 0; s->length < s->count && s->at[s->length] != 0;)
		s->length++;
}
/* Explicit length: the magnitude of a general register, at most all. */
static void end_at(struct string *s, int64_t length)
{
	uint64_t magnitude = length < 0 ? 0 - (uint64_t)length : (uint64_t)length;

	s->length = magnitude < s->count ? (unsigned)magnitude : s->count;
}

/* Does a (the first operand) match element j of b? */
static bool matches(const struct string *a, const struct string *b, unsigned j, enum aggregation how)
{
	switch (how) {
	case EQUAL_ANY:
		for (unsigned i = 0; i < a->length && j < b->length; i++)
			if (a->at[i] == b->at[j])
				return true;
		return false;
	case RANGES:
		for (unsigned i = 0; i + 1 < a->length && j < b->length; i += 2)
			if (a->at[i] <= b->at[j] && b->at[j] <= a->at[i + 1])
				return true;
		return false;
	case EQUAL_EACH:
		if (j >= a->length || j >= b->length)
			return j >= a->length && j >= b->length;
		return a->at[j] == b->at[j];
	default:
		for (unsigned i = 0; i < a->length && i + j < b->count; i++)
			if (i + j >= b->length || a->at[i] != b->at[i + j])
				return false;
		return true;
	}
}

/* IntRes2, and the flags. */
static uint32_t compare(struct cpu *cpu, const struct string *a, const struct string *b, unsigned control)
{
	uint32_t result = 0;

	for (unsigned j = 0; j < b->count; j++) {
		bool bit = matches(a, b, j, (enum aggregation)(control >> 2 & 3));

		if ((control & STR_NEGATIVE) && !((control & STR_MASKED) && j >= b->length))
			bit = !bit;
		result |= (uint32_t)bit << j;
	}
	flags_load(&cpu->f, (result ? FLAG_CF : 0) | (b->length < b->count ? FLAG_ZF : 0) |
				    (a->length < a->count ? FLAG_SF : 0) | (result & 1 ? FLAG_OF : 0));
	return result;
}

static bool give_index(struct cpu *cpu, uint32_t result, unsigned count, unsigned control)
{
	set_reg32(cpu, RCX, result == 0 ? count
			    : control & STR_BIT6 ? 31u - (unsigned)__builtin_clz(result)
						 : (unsigned)__builtin_ctz(result));
	return true;
}
static bool give_mask(struct cpu *cpu, uint32_t result, unsigned count, unsigned control, bool vex)
{
	union xmm r = {.u64 = {0, 0}};

	if (!(control & STR_BIT6))
		r.u32[0] = result;
	for (unsigned i = 0; (control & STR_BIT6) && i < 16; i++)
		r.u8[i] = result >> (count == 16 ? i : i / 2) & 1 ? 0xff : 0;
	if (vex)
		vec_write128(cpu, 0, r);
	else
		*xmm(cpu, 0) = r;
	return true;
}

enum string_kind { TO_INDEX, TO_MASK, TO_MASK_VEX };

/* bits: of the explicit lengths; 0: they are implicit. */
static bool strings(struct cpu *cpu, const struct uop *u, const union xmm *y, unsigned bits, enum string_kind kind)
{
	unsigned control = u->imm & 0xff;
	struct string a, b;

	read_string(&a, xmm(cpu, u->dst), control);
	read_string(&b, y, control);
	if (bits == 0) {
		end_at_zero(&a);
		end_at_zero(&b);
	} else {
		end_at(&a, sign_extend(gpr_read(cpu, RAX, bits), bits));
		end_at(&b, sign_extend(gpr_read(cpu, RDX, bits), bits));
	}
	uint32_t result = compare(cpu, &a, &b, control);

	return kind == TO_INDEX ? give_index(cpu, result, b.count, control)
				: give_mask(cpu, result, b.count, control, kind == TO_MASK_VEX);
}
/* The memory operand need not be aligned. */
static bool strings_memory(struct cpu *cpu, const struct uop *u, unsigned bits, enum string_kind kind)
{
	union xmm y;

	return vec_load(cpu, u, 16, 1, &y) && strings(cpu, u, &y, bits, kind);
}
#define STRINGS(name, bits, kind)                                                                                      \
	THEN_NEXT(name##_r, strings(cpu, u, xmm(cpu, u->src), bits, kind))                                             \
	THEN_NEXT(name##_m, strings_memory(cpu, u, bits, kind))
STRINGS(istri, 0, TO_INDEX)
STRINGS(istrm, 0, TO_MASK)
STRINGS(vistrm, 0, TO_MASK_VEX)
STRINGS(estri32, 32, TO_INDEX)
STRINGS(estrm32, 32, TO_MASK)
STRINGS(vestrm32, 32, TO_MASK_VEX)
STRINGS(estri64, 64, TO_INDEX)
STRINGS(estrm64, 64, TO_MASK)
STRINGS(vestrm64, 64, TO_MASK_VEX)
const struct exec exec_pcmpistri = {{[FORM_RRI] = {0, istri_r, istri_r, 0}, [FORM_RMI] = {0, istri_m, istri_m, 0}}};
const struct exec exec_pcmpistrm = {{[FORM_RRI] = {0, istrm_r, vistrm_r, 0}, [FORM_RMI] = {0, istrm_m, vistrm_m, 0}}};
const struct exec exec_pcmpestri = {{[FORM_RRI] = {0, 0, estri32_r, estri64_r},
				     [FORM_RMI] = {0, 0, estri32_m, estri64_m}}};
const struct exec exec_pcmpestrm = {{[FORM_RRI] = {0, 0, estrm32_r, estrm64_r},
				     [FORM_RMI] = {0, 0, estrm32_m, estrm64_m}}};
const struct exec exec_vpcmpestrm = {{[FORM_RRI] = {0, 0, vestrm32_r, vestrm64_r},
				      [FORM_RMI] = {0, 0, vestrm32_m, vestrm64_m}}};
