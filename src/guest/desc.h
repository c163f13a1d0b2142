/* What is known of a guest kernel beyond its symbols: the layout of its pt_regs, where `current` and the
 * flag words lie and what their bits are called, which functions play which part on the way through the
 * kernel.  It comes out of a small text file, a guest description; docs/explain.md has the format. */
#ifndef TRAPGATE_GUEST_DESC_H
#define TRAPGATE_GUEST_DESC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guest/image.h"

#define DESC_NAME       48
#define DESC_PATTERN    160
#define DESC_REGS       40
#define DESC_WORDS      4
#define DESC_BITS       32
#define DESC_ROLES      48
#define DESC_RECOGNISED 8

/* Where a value lies. */
enum desc_base {
	DESC_AT_NONE,
	DESC_AT_SYMBOL, /* symbol:NAME */
	DESC_AT_PERCPU, /* percpu:NAME   the processor's copy of a symbol */
	DESC_AT_CODE,   /* fs:FUNCTION, gs:FUNCTION   the processor's copy of what the function's first absolute operand
			 * in   FS or GS names */
	DESC_AT_GSBASE, /* gsbase        the kernel's base of GS */
	DESC_AT_SEGMENT, /* segment:SEL   where a segment of the GDT begins */
	DESC_AT_CURRENT, /* current       in the task structure */
	DESC_AT_TASK,  /* lea:FUNCTION, lea2:FUNCTION   in the task structure, as far as the function's first or second
			* LEA with a displacement above 40h says */
	DESC_AT_TSS,   /* tss           in the present TSS */
	DESC_AT_STACK, /* stack:MASK    at the bottom of the stack that ends at ESP0: (ESP0 - 1) & ~MASK */
};
struct desc_place {
	enum desc_base base;
	char symbol[DESC_NAME];
	uint32_t offset,
		mask;     /* mask: the selector of DESC_AT_SEGMENT; which LEA of DESC_AT_TASK; 1: GS for DESC_AT_CODE */
	bool indirect;    /* the value is what is stored there, not the address */
	bool resolved;    /* for whoever reads the guest's memory: the symbol has been found ... */
	uint64_t address; /* ... here; with DESC_AT_CODE the operand's, with DESC_AT_TASK the displacement */
};

struct desc_bit {
	char name[DESC_NAME];
	char meaning[12]; /* "resched", "signal", "notify", "trace" or "" */
	uint8_t bit;
};

/* A word of flags that the kernel tests on its ways. */
struct desc_word {
	char name[DESC_NAME];
	struct desc_place at;
	uint8_t bytes;
	unsigned bits;
	struct desc_bit bit[DESC_BITS];
};

struct desc_reg {
	char name[DESC_NAME];
};

/* Functions whose names match one of the patterns play a part that views tell of.  reg: which register holds a pointer
 * to pt_regs when one of them is entered, for the role "regs". */
struct desc_role {
	char role[DESC_NAME];
	char patterns[DESC_PATTERN]; /* separated by blanks; * stands for any text */
	uint8_t reg;                 /* enum gpr */
};

struct desc {
	char name[DESC_NAME], title[80];
	unsigned recognised;
	char recognise[DESC_RECOGNISED][DESC_NAME]; /* symbols this guest has */
	unsigned regs;                              /* words of pt_regs, the lowest first */
	unsigned reg_bytes;                         /* of each: 4 or 8 */
	struct desc_reg reg[DESC_REGS];
	bool has_syscall;
	uint8_t syscall;             /* vector */
	char table[DESC_NAME];       /* symbol of the system-call table, or "" */
	uint32_t calls;              /* numbers from here on are bad; 0: not known */
	struct desc_place current;   /* value: address of the task structure */
	struct desc_place percpu;    /* value: what is added to a symbol for this processor */
	struct desc_place top;       /* value: address behind an empty kernel stack's pt_regs */
	struct desc_place comm, pid; /* address: the task's name, its number */
	unsigned words;
	struct desc_word word[DESC_WORDS];
	unsigned roles;
	struct desc_role role[DESC_ROLES];
};

/* Reads a description.  name is for diagnostics ("file:line: what is wrong").  The text need not end in NUL. */
bool desc_parse(struct desc *desc, const char *name, const char *text, size_t size, struct diagnostic *why) MUST_CHECK;
bool desc_read_file(struct desc *desc, const char *path, struct diagnostic *why) MUST_CHECK;

/* The descriptions that come with the program. */
struct desc_shipped {
	const char *name, *text;
	size_t size;
};
extern const struct desc_shipped desc_shipped[];
extern const unsigned desc_shipped_count;

/* The shipped description whose symbols the guest has all of.  False: none. */
bool desc_recognise(struct desc *desc, const struct symbols *symbols);

/* Which role plays a function?  NULL: none.  The first line that names it decides; "regs" is none for this. */
const struct desc_role *desc_role_of(const struct desc *desc, const char *function);
/* The line that gives a function this role; NULL: it does not play it. */
const struct desc_role *desc_plays(const struct desc *desc, const char *role, const char *function);
/* Does text match one of the patterns? */
bool desc_match(const char *patterns, const char *text);
/* Byte offset of a word of pt_regs; false: it has none of that name. */
bool desc_reg_offset(const struct desc *desc, const char *name, uint32_t *offset);

#endif
