/* What both oracles take from SDM 3A: descriptors, error codes, access rights, the double fault. */
#ifndef MATRIX_SDM_H
#define MATRIX_SDM_H

#include "common.h"

#define IF_FLAG 0x200u
#define TF_FLAG 0x100u
#define NT_FLAG 0x4000u
#define RF_FLAG 0x10000u
#define VM_FLAG 0x20000u

enum { UD = 6, DF = 8, TS = 10, NP = 11, SS = 12, GP = 13, PF = 14 };

struct event {
	unsigned vector;
	bool software; /* INT n, INT3, INTO */
	bool int_n;    /* CD ib */
	bool fault;    /* fault-class exception: RF is pushed as 1 */
	bool has_code;
	uint32_t code;
	uint64_t eip; /* return address */
	uint32_t rf;  /* RF to push where it is no fault */
};

struct descriptor {
	uint32_t base, limit;
	unsigned type; /* bits 4-0: S and type */
	unsigned dpl;
	bool p, b, l;
};

/* SDM 2A, "INT n/INTO/INT3/INT1", Operation: error_code(num,idt,ext). */
uint32_t error_code(uint32_t num, unsigned idt, unsigned ext);

/* SDM 3A, "Segment Descriptors". */
struct descriptor decode(uint64_t d);

uint32_t stack_mask(const struct descriptor *s);

/* SDM 3A, "Limit Checking": expand-down segments hold the offsets above the limit. */
bool in_limits(const struct descriptor *s, uint32_t offset, unsigned size);

/* SDM 3A, "Access Rights", "Page-Fault Exceptions".  user: an access by CPL 3 that is not implicit.  False: the fault's
 * error code is stored. */
bool page_allows(const struct guarded *g, uint32_t linear, bool wp, bool write, bool user, uint32_t *code);

/* SDM 3A, "Interrupt 8 - Double Fault Exception (#DF)": the classes and the table. */
bool makes_double_fault(const struct event *first, const struct event *second);

/* So many bytes, the least significant first. */
uint64_t get(const uint8_t *p, unsigned bytes);

#endif
