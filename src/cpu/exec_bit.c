/* BT BTS BTR BTC BSF BSR.  SDM 2A.
 *
 * Bit tests: CF is the bit before the change, ZF stays; OF, SF, AF, PF are
 * undefined and left alone, as processors from the Pentium Pro on do.
 * Bit scans: ZF tells a source of 0, and then the destination keeps its value
 * (the SDM calls it undefined; Intel and AMD processors all do so).  The other
 * flags are undefined and left alone, as the Pentium Pro and its successors do. */
#include "cpu/operand.h"

static inline uint64_t op_bt(uint64_t a, uint64_t mask) { return a; }
static inline uint64_t op_bts(uint64_t a, uint64_t mask) { return a | mask; }
static inline uint64_t op_btr(uint64_t a, uint64_t mask) { return a & ~mask; }
static inline uint64_t op_btc(uint64_t a, uint64_t mask) { return a ^ mask; }
static inline uint64_t op_bsf(uint64_t v) { return (uint64_t)__builtin_ctzll(v); }
static inline uint64_t op_bsr(uint64_t v) { return 63u - (uint64_t)__builtin_clzll(v); }

#define OP bt
#define BIT_WRITES 0
#include "cpu/bittest_set.inc"
#define OP bts
#define BIT_WRITES 1
#include "cpu/bittest_set.inc"
#define OP btr
#define BIT_WRITES 1
#include "cpu/bittest_set.inc"
#define OP btc
#define BIT_WRITES 1
#include "cpu/bittest_set.inc"

#define OP bsf
#include "cpu/bitscan_set.inc"
#define OP bsr
#include "cpu/bitscan_set.inc"
