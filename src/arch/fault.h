/* Reasons and faults.  A guest fault is a value: it is filled in where the
 * check fails and handed outwards by plain returns. */
#ifndef TRAPGATE_ARCH_FAULT_H
#define TRAPGATE_ARCH_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define LIKELY(x)   __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

/* Machine-readable reasons; why.def gives each its name, a sentence for
 * people and the SDM section. */
enum why {
	WHY_NONE,
#define WHY(name, sentence, source) WHY_##name,
#include "why.def"
#undef WHY
	WHY_COUNT
};

struct why_info {
	const char *name;     /* "GATE_DPL" */
	const char *sentence; /* what the processor objected to */
	const char *source;   /* section title */
};

/* Never NULL; an unknown value gives the entry of WHY_NONE. */
const struct why_info *why_info(enum why why);

struct fault {
	uint8_t vector;
	bool has_error;
	uint32_t error; /* pushed error code, EXT not yet added */
	uint64_t cr2;   /* #PF only: the linear address */
	enum why why;
};

/* Does this vector push an error code?  SDM 3A, "Protected-Mode Exceptions
 * and Interrupts" (table): 8, 10-14, 17, 21. */
static inline bool vector_has_error_code(unsigned vector)
{
	return vector < 32 && ((0x00227d00u >> vector) & 1);
}

#endif
