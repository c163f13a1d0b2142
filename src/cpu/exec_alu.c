/* Handlers of ADD ADC SUB SBB CMP, AND OR XOR TEST, INC DEC NEG NOT. */
#include "cpu/alu.h"

#define OP add
#include "cpu/binary_set.inc"
#define OP adc
#include "cpu/binary_set.inc"
#define OP sub
#include "cpu/binary_set.inc"
#define OP sbb
#include "cpu/binary_set.inc"
#define OP and
#include "cpu/binary_set.inc"
#define OP or
#include "cpu/binary_set.inc"
#define OP xor
#include "cpu/binary_set.inc"
#define OP cmp
#include "cpu/compare_set.inc"
#define OP test
#include "cpu/compare_set.inc"
#define OP inc
#include "cpu/unary_set.inc"
#define OP dec
#include "cpu/unary_set.inc"
#define OP neg
#include "cpu/unary_set.inc"
#define OP not
#include "cpu/unary_set.inc"
