/* Instructions on general registers that later processors brought: POPCNT, LZCNT, TZCNT, BMI1, BMI2, ADX, MOVBE, CRC32,
 * RDRAND, RDSEED, CMPXCHG16B.  SDM 2, the instructions' pages.
 *
 * Flags that the SDM leaves undefined keep their values, or become what the result makes of them. */
#include "cpu/block.h"
#include "cpu/operand.h"
#include "cpu/vec.h"

/* A handler: e, the operand that may be in memory, goes into core. */
#define WITH(name, get, core)                                                                                          \
	static const struct uop *name(struct cpu *cpu, const struct uop *u)                                            \
	{                                                                                                              \
		const struct rd e = get;                                                                               \
		if (UNLIKELY(!e.ok))                                                                                   \
			return uop_fault(cpu, u);                                                                      \
		core;                                                                                                  \
		RETURN_NEXT(cpu, u);                                                                                   \
	}
static inline struct rd reg_rd(const struct cpu *cpu, unsigned i, unsigned bits)
{
	return (struct rd){reg_read(cpu, i, bits), true};
}
#define SRC(bits)    reg_rd(cpu, u->src, bits)
#define SECOND(bits) reg_rd(cpu, uop_second(u), bits)
#define MEM(bits)    mem_read(cpu, u, (bits) / 8)

/* dst := function(cpu, e, bits) at 16, 32 and 64 bits. */
#define COUNT_AT(name, bits)                                                                                           \
	WITH(name##_rr##bits, SRC(bits), reg_write(cpu, u->dst, bits, op_##name(cpu, e.v, bits)))                      \
	WITH(name##_rm##bits, MEM(bits), reg_write(cpu, u->dst, bits, op_##name(cpu, e.v, bits)))
#define COUNT(name)                                                                                                    \
	COUNT_AT(name, 16)                                                                                             \
	COUNT_AT(name, 32)                                                                                             \
	COUNT_AT(name, 64)                                                                                             \
	const struct exec exec_##name = {{[FORM_RR] = {0, name##_rr16, name##_rr32, name##_rr64},                      \
					  [FORM_RM] = {0, name##_rm16, name##_rm32, name##_rm64}}};

static inline uint64_t op_popcnt(struct cpu *cpu, uint64_t v, unsigned bits)
{
	flags_load(&cpu->f, v == 0 ? FLAG_ZF : 0);
	return (uint64_t)__builtin_popcountll(v);
}

/* CF: the source was 0; ZF: the count is. */
static inline uint64_t counted(struct cpu *cpu, uint64_t v, uint64_t count)
{
	flags_set_cf(&cpu->f, v == 0);
	cpu->f.z = count;
	return count;
}
static inline uint64_t op_tzcnt(struct cpu *cpu, uint64_t v, unsigned bits)
{
	return counted(cpu, v, v ? (uint64_t)__builtin_ctzll(v) : bits);
}
static inline uint64_t op_lzcnt(struct cpu *cpu, uint64_t v, unsigned bits)
{
	return counted(cpu, v, v ? (uint64_t)__builtin_clzll(v) - (64 - bits) : bits);
}
COUNT(popcnt)
COUNT(tzcnt)
COUNT(lzcnt)

/* ---- BMI ---- */

/* SF and ZF by the result, OF 0, CF given. */
static inline uint64_t result_cf(struct cpu *cpu, uint64_t r, bool cf, unsigned bits)
{
	flags_logic(&cpu->f, r, bits);
	flags_set_cf(&cpu->f, cf);
	return r & width_mask(bits);
}

/* dst := function(cpu, a, e, bits), 32 and 64 bits.  Of (Gy, By, Ey) a is the second operand; of (Gy, Ey, By) it is
 * the third; (By, Ey) has none. */
#define BMI_AT(name, bits, register, memory, a_of_register, a_of_memory)                                               \
	WITH(name##_r##bits, register(bits), reg_write(cpu, u->dst, bits, op_##name(cpu, a_of_register, e.v, bits)))   \
	WITH(name##_m##bits, memory(bits), reg_write(cpu, u->dst, bits, op_##name(cpu, a_of_memory, e.v, bits)))
#define BMI(name, form_r, form_m, register, a)                                                                         \
	BMI_AT(name, 32, register, MEM, a, a)                                                                          \
	BMI_AT(name, 64, register, MEM, a, a)                                                                          \
	const struct exec exec_##name = {{[form_r] = {0, 0, name##_r32, name##_r64},                                   \
					  [form_m] = {0, 0, name##_m32, name##_m64}}};
#define BMI_BY_SECOND(name) BMI(name, FORM_RRR, FORM_RRM, SRC, cpu->s.gpr.r64[uop_second(u)])
#define BMI_BY_THIRD(name)  BMI(name, FORM_RRR, FORM_RMR, SECOND, cpu->s.gpr.r64[u->src])
#define BMI_ALONE(name)     BMI(name, FORM_RR, FORM_RM, SRC, 0)
#define BMI_BY_BYTE(name)   BMI(name, FORM_RRI, FORM_RMI, SRC, u->imm & 0xff)

static inline uint64_t op_andn(struct cpu *cpu, uint64_t a, uint64_t e, unsigned bits)
{
	return result_cf(cpu, ~a & e, false, bits);
}
static inline uint64_t op_blsr(struct cpu *cpu, uint64_t a, uint64_t e, unsigned bits)
{
	return result_cf(cpu, e & (e - 1), e == 0, bits);
}
static inline uint64_t op_blsmsk(struct cpu *cpu, uint64_t a, uint64_t e, unsigned bits)
{
	return result_cf(cpu, e ^ (e - 1), e == 0, bits);
}
static inline uint64_t op_blsi(struct cpu *cpu, uint64_t a, uint64_t e, unsigned bits)
{
	return result_cf(cpu, e & (0 - e), e != 0, bits);
}
/* a: bits 7:0 the first bit, 15:8 how many. */
static inline uint64_t op_bextr(struct cpu *cpu, uint64_t a, uint64_t e, unsigned bits)
{
	unsigned start = a & 0xff, length = (a >> 8) & 0xff;
	uint64_t r = start < bits ? e >> start : 0;

	return result_cf(cpu, length < 64 ? r & ((UINT64_C(1) << length) - 1) : r, false, bits);
}
static inline uint64_t op_bzhi(struct cpu *cpu, uint64_t a, uint64_t e, unsigned bits)
{
	unsigned n = a & 0xff;

	return result_cf(cpu, n < bits ? e & ((UINT64_C(1) << n) - 1) : e, n >= bits, bits);
}
static inline uint64_t op_pext(struct cpu *cpu, uint64_t a, uint64_t e, unsigned bits)
{
	uint64_t r = 0;

	for (unsigned i = 0; (e &= width_mask(bits)) != 0; i++, e &= e - 1)
		r |= (a >> __builtin_ctzll(e) & 1) << i;
	return r;
}
static inline uint64_t op_pdep(struct cpu *cpu, uint64_t a, uint64_t e, unsigned bits)
{
	uint64_t r = 0;

	for (; (e &= width_mask(bits)) != 0; a >>= 1, e &= e - 1)
		r |= (a & 1) << __builtin_ctzll(e);
	return r;
}
static inline uint64_t op_shlx(struct cpu *cpu, uint64_t a, uint64_t e, unsigned bits) { return e << (a & (bits - 1)); }
static inline uint64_t op_shrx(struct cpu *cpu, uint64_t a, uint64_t e, unsigned bits) { return e >> (a & (bits - 1)); }
static inline uint64_t op_sarx(struct cpu *cpu, uint64_t a, uint64_t e, unsigned bits)
{
	return (uint64_t)(sign_extend(e, bits) >> (a & (bits - 1)));
}
static inline uint64_t op_rorx(struct cpu *cpu, uint64_t a, uint64_t e, unsigned bits)
{
	unsigned n = a & (bits - 1);

	return n ? e >> n | e << (bits - n) : e;
}
BMI_BY_SECOND(andn)
BMI_BY_SECOND(pext)
BMI_BY_SECOND(pdep)
BMI_BY_THIRD(bextr)
BMI_BY_THIRD(bzhi)
BMI_BY_THIRD(shlx)
BMI_BY_THIRD(shrx)
BMI_BY_THIRD(sarx)
BMI_ALONE(blsr)
BMI_ALONE(blsmsk)
BMI_ALONE(blsi)
BMI_BY_BYTE(rorx)

/* The high half is written last: it stays where both destinations are one register. */
static inline void mulx(struct cpu *cpu, const struct uop *u, uint64_t e, unsigned bits)
{
	__extension__ unsigned __int128 product = gpr_read(cpu, RDX, bits);

	product *= e;

	reg_write(cpu, uop_second(u), bits, (uint64_t)product);
	reg_write(cpu, u->dst, bits, (uint64_t)(product >> bits));
}
WITH(mulx_r32, SRC(32), mulx(cpu, u, e.v, 32))
WITH(mulx_m32, MEM(32), mulx(cpu, u, e.v, 32))
WITH(mulx_r64, SRC(64), mulx(cpu, u, e.v, 64))
WITH(mulx_m64, MEM(64), mulx(cpu, u, e.v, 64))
const struct exec exec_mulx = {{[FORM_RRR] = {0, 0, mulx_r32, mulx_r64}, [FORM_RRM] = {0, 0, mulx_m32, mulx_m64}}};

/* ---- ADX: a chain of carries in CF, another in OF ---- */

static inline uint64_t add_carry(struct cpu *cpu, uint64_t a, uint64_t e, unsigned bits, bool overflow)
{
	bool cf = flag_cf(&cpu->f), of = flag_of(&cpu->f);
	uint64_t in = overflow ? of : cf, sum = a + e + in;
	bool carry = bits == 64 ? sum < a || (in && sum == a) : sum >> 32 & 1;

	flags_set_cf_of(&cpu->f, overflow ? cf : carry, overflow ? carry : of);
	return sum;
}
#define ADX_AT(name, overflow, bits)                                                                                   \
	WITH(name##_rr##bits, SRC(bits),                                                                               \
	     reg_write(cpu, u->dst, bits, add_carry(cpu, reg_read(cpu, u->dst, bits), e.v, bits, overflow)))           \
	WITH(name##_rm##bits, MEM(bits),                                                                               \
	     reg_write(cpu, u->dst, bits, add_carry(cpu, reg_read(cpu, u->dst, bits), e.v, bits, overflow)))
#define ADX(name, overflow)                                                                                            \
	ADX_AT(name, overflow, 32)                                                                                     \
	ADX_AT(name, overflow, 64)                                                                                     \
	const struct exec exec_##name = {                                                                              \
		{[FORM_RR] = {0, 0, name##_rr32, name##_rr64}, [FORM_RM] = {0, 0, name##_rm32, name##_rm64}}};
ADX(adcx, false)
ADX(adox, true)

/* ---- MOVBE ---- */

static inline uint64_t swapped(uint64_t v, unsigned bits) { return __builtin_bswap64(v) >> (64 - bits); }
#define MOVBE_AT(bits)                                                                                                 \
	WITH(movbe_rm##bits, MEM(bits), reg_write(cpu, u->dst, bits, swapped(e.v, bits)))                              \
	THEN_NEXT(movbe_mr##bits, mem_write(cpu, u, (bits) / 8, swapped(reg_read(cpu, u->src, bits), bits)))
MOVBE_AT(16)
MOVBE_AT(32)
MOVBE_AT(64)
const struct exec exec_movbe = {{[FORM_RM] = {0, movbe_rm16, movbe_rm32, movbe_rm64},
				 [FORM_MR] = {0, movbe_mr16, movbe_mr32, movbe_mr64}}};

/* ---- CRC32: the polynomial 11EDC6F41h, bits reflected ---- */

static inline uint64_t crc32c(uint32_t crc, uint64_t v, unsigned bits)
{
	for (unsigned i = 0; i < bits; i++, v >>= 1)
		crc = crc >> 1 ^ ((crc ^ v) & 1 ? 0x82f63b78u : 0);
	return crc;
}
#define CRC32_AT(bits)                                                                                                 \
	WITH(crc32_rr##bits, SRC(bits), cpu->s.gpr.r64[u->dst] = crc32c(reg32(cpu, u->dst), e.v, bits))                \
	WITH(crc32_rm##bits, MEM(bits), cpu->s.gpr.r64[u->dst] = crc32c(reg32(cpu, u->dst), e.v, bits))
CRC32_AT(8)
CRC32_AT(16)
CRC32_AT(32)
CRC32_AT(64)
const struct exec exec_crc32 = {{[FORM_RR] = {crc32_rr8, crc32_rr16, crc32_rr32, crc32_rr64},
				 [FORM_RM] = {crc32_rm8, crc32_rm16, crc32_rm32, crc32_rm64}}};

/* ---- RDRAND and RDSEED ---- */

/* Numbers that look random and are the same in each run: a mix of the instruction's tick and the processor's number
 * (the finalizer of MurmurHash3, twice). */
static uint64_t mixed(uint64_t v)
{
	v = (v ^ v >> 33) * UINT64_C(0xff51afd7ed558ccd);
	v = (v ^ v >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
	return v ^ v >> 33;
}
static uint64_t random_number(const struct cpu *cpu, const struct uop *u, uint64_t which)
{
	uint64_t tick = cpu->icount - cpu->block->n + u->n;

	return mixed(mixed(tick ^ which << 62 ^ (uint64_t)cpu->id << 52) + UINT64_C(0x9e3779b97f4a7c15));
}
/* CF: there was one.  OF, SF, ZF, AF, PF are 0. */
static inline bool give_random(struct cpu *cpu, const struct uop *u, unsigned bits, uint64_t which)
{
	reg_write(cpu, u->dst, bits, random_number(cpu, u, which));
	flags_load(&cpu->f, FLAG_CF);
	return true;
}
#define RANDOM(name, which)                                                                                            \
	THEN_NEXT(name##_16, give_random(cpu, u, 16, which))                                                         \
	THEN_NEXT(name##_32, give_random(cpu, u, 32, which))                                                         \
	THEN_NEXT(name##_64, give_random(cpu, u, 64, which))                                                         \
	const struct exec exec_##name = {{[FORM_R] = {0, name##_16, name##_32, name##_64}}};
RANDOM(rdrand, 1)
RANDOM(rdseed, 2)

/* ---- CMPXCHG16B: only ZF changes; the memory, which must be aligned, is written in either case ---- */

static bool cmpxchg16b(struct cpu *cpu, const struct uop *u)
{
	uint64_t *gpr = cpu->s.gpr.r64, ea = uop_ea(cpu, u);
	enum seg seg = (enum seg)u->seg;
	uint64_t m[2], wanted[2] = {gpr[RBX], gpr[RCX]};

	if (!seg_probe_store(&cpu->mmu, seg, ea, 16, 16) || !seg_load(&cpu->mmu, seg, ea, 16, 16, m))
		return false;
	bool equal = m[0] == gpr[RAX] && m[1] == gpr[RDX];

	if (!seg_store(&cpu->mmu, seg, ea, 16, 16, equal ? wanted : m))
		return false;
	cpu->f.z = !equal;
	if (!equal) {
		gpr[RAX] = m[0];
		gpr[RDX] = m[1];
	}
	return true;
}
THEN_NEXT(cmpxchg16b_m, cmpxchg16b(cpu, u))
const struct exec exec_cmpxchg16b = {{[FORM_M] = EXEC_ALL(cmpxchg16b_m)}};

/* ---- CLFLUSH, CLFLUSHOPT: there are no caches; the checks are those of reading a byte ---- */
THEN_NEXT(clflush_m, seg_probe_read(&cpu->mmu, (enum seg)u->seg, uop_ea(cpu, u), 1))
const struct exec exec_clflush = {{[FORM_M] = EXEC_ALL(clflush_m)}};
