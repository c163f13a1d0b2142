/* The opcode table as the interpreter sees it: row -> handler set. */
#ifndef TRAPGATE_CPU_OPTABLE_H
#define TRAPGATE_CPU_OPTABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "cpu/uop.h"

extern const struct exec *const exec_of_row[];
extern const uint8_t opcode_of_row[]; /* the row's opcode byte */

/* Does some processor model have the row?  Rows that none has are decoded, but #UD on all of them. */
bool row_is_offered(unsigned row);

#endif
