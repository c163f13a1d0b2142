/* What the decoder knows of a row of opcodes.def, and how to find it.  For this directory only. */
#ifndef TRAPGATE_DECODE_TABLE_H
#define TRAPGATE_DECODE_TABLE_H

#include <stdint.h>

#include "decode/columns.h"

#define ROW_OPERANDS 4

struct row {
	uint8_t map, opcode, prefix, width; /* enum column_* */
	uint16_t modrm;                     /* MODRM_* */
	uint8_t operand[ROW_OPERANDS];      /* enum column_operand */
};
extern const struct row decode_rows[];

/* Number of the last row of an opcode, plus one; 0 where there is none.  The rows before it that have
 * the same map and opcode are the others. */
extern const uint16_t decode_last_row[MAP_COUNT][256];

/* DECODE_FEATURE of every row of a map: where a processor has none of them, it does not know the map's escape. */
extern const uint64_t decode_map_features[MAP_COUNT];

#endif
