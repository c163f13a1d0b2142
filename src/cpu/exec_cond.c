/* SETcc and CMOVcc, one pair of sets a condition.  SDM 2A "CMOVcc", 2B
 * "SETcc". */
#include "cpu/operand.h"

#define COND o
#include "cpu/condition.inc"
#define COND no
#include "cpu/condition.inc"
#define COND b
#include "cpu/condition.inc"
#define COND ae
#include "cpu/condition.inc"
#define COND e
#include "cpu/condition.inc"
#define COND ne
#include "cpu/condition.inc"
#define COND be
#include "cpu/condition.inc"
#define COND a
#include "cpu/condition.inc"
#define COND s
#include "cpu/condition.inc"
#define COND ns
#include "cpu/condition.inc"
#define COND p
#include "cpu/condition.inc"
#define COND np
#include "cpu/condition.inc"
#define COND l
#include "cpu/condition.inc"
#define COND ge
#include "cpu/condition.inc"
#define COND le
#include "cpu/condition.inc"
#define COND g
#include "cpu/condition.inc"
