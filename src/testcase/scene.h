/* One case of a test file with its parameters put in: what a machine looks like, what it executes, what arrives
 * when, and what must be true afterwards. */
#ifndef TRAPGATE_TESTCASE_SCENE_H
#define TRAPGATE_TESTCASE_SCENE_H

#include "arch/fault.h"
#include "arch/state.h"
#include "cpu/model.h"
#include "testcase/expr.h"
#include "trace/record.h"

/* ---- the fixed places of a case's memory; below 64 KiB, a page or more each ---- */
#define AT_GDT         0x1000u
#define AT_LDT         0x1800u
#define AT_IDT         0x2000u
#define AT_TSS         0x2800u
#define AT_TSS64       0x3000u /* in IA-32e mode, whose IDT has 16 bytes a gate */
#define AT_HANDLERS    0x4000u /* handler(v): 16 bytes each, all HLT */
#define HANDLERS       0x1000u
#define AT_STACK       0x7000u /* stack0; stack1 a page above it, and so on: each grows down over a page */
#define AT_IST         0x5200u /* ist1; 200h bytes each, growing down */
#define AT_CODE        0xb000u
#define AT_DATA        0xd000u
#define AT_TABLES      0x10000u /* page tables */
#define SCENE_RAM      0x110000u
#define SCENE_MOST_RAM (UINT64_C(1) << 30)
#define HOST_SHIFT     0x80000u
#define HOST_CS3       0x23u /* Linux: __USER32_CS, __USER_DS, __USER_CS */
#define HOST_DS3       0x2bu
#define HOST_CS64      0x33u
#define TABLE_LIMIT    0x7fu /* of GDT and LDT: 16 descriptors; of the GDT in IA-32e mode ... */
#define TABLE_LIMIT64  0xbfu

/* Selectors of the preset GDT. */
enum {
	SEL_CS0 = 0x08,
	SEL_DS0 = 0x10,
	SEL_CS1 = 0x19,
	SEL_DS1 = 0x21,
	SEL_CS2 = 0x2a,
	SEL_DS2 = 0x32,
	SEL_CS3 = 0x3b,
	SEL_DS3 = 0x43,
	SEL_TR = 0x48,
	SEL_LDTR = 0x50,
	SEL_FREE = 0x58,
	/* in IA-32e mode */
	SEL_LDTR64 = 0x58,
	SEL_COMPAT0 = 0x80 /* 32-bit code, DPL 0; 9 above it DPL 1, and so on */
};

enum scene_mode { SCENE_REAL, SCENE_PROT16, SCENE_PROT32, SCENE_VM86, SCENE_COMPAT, SCENE_LONG64 };
enum scene_paging { PAGING_NONE, PAGING_32, PAGING_PAE, PAGING_4_LEVEL, PAGING_5_LEVEL };
/* 2 to 5; without paging 0. */
unsigned scene_paging_levels(enum scene_paging paging);

/* Bytes that the case puts somewhere, or expects there. */
struct bytes {
	uint64_t at;
	uint32_t size;
	const uint8_t *data;
	const uint8_t *mask; /* NULL: every bit counts */
	const struct node *node;
	const char *what;                        /* "GDT" ...; for messages */
	enum { BYTES_PLAIN, BYTES_STRING } form; /* how --bless writes them: a number, or pairs of digits */
	bool preset;                             /* not the case's own: may be overwritten by what it says */
};

struct label {
	const char *name;
	uint64_t value; /* what the assembler makes of it */
	uint64_t linear;
};

enum raise { RAISE_VECTOR, RAISE_NMI, RAISE_INIT, RAISE_LINE };
struct timed {
	const struct node *node;
	bool at_label;
	uint64_t when; /* ticks from the start, or a linear address */
	enum raise what;
	uint8_t number; /* vector or line */
	bool level;     /* of a line */
};

/* ---- registers that are set and compared ---- */
enum { REG_EIP = 8, REG_EFLAGS = 9, REG_SEGMENT = 10, REG_FPU_CW, FIRST_OTHER };
struct reg_info {
	const char *name, *wide_name; /* in IA-32e mode */
	uint16_t offset;              /* in struct arch_state */
	uint8_t bytes;
	uint8_t bits, wide_bits; /* of the value as people see it; bits 0: only IA-32e mode has it */
};
extern const struct reg_info reg_table[];
extern const unsigned reg_count;
#define MOST_REGS 160u
/* wide: in IA-32e mode. */
const char *reg_name(unsigned reg, bool wide);
unsigned reg_bits(unsigned reg, bool wide);
uint64_t reg_get(const struct arch_state *s, unsigned reg);
void reg_set(struct arch_state *s, unsigned reg, uint64_t value);
/* A name: the register, and the bits of it that are meant.  False: no such register. */
struct reg_part {
	unsigned reg, shift, bits;
};
bool reg_find(const char *name, size_t length, bool wide, struct reg_part *part);
/* The index of a name that is in the table. */
unsigned reg_index(const char *name);
unsigned reg_selector(enum seg seg); /* ... of a segment register's selector, and its hidden parts */
unsigned reg_base(enum seg seg);
unsigned reg_limit(enum seg seg);
unsigned reg_attributes(enum seg seg);

/* Names of flags: "CF"; 0: no such flag. */
uint32_t flag_bit(const char *name, size_t length);

/* ---- what is expected ---- */
struct reg_want {
	bool stated;
	uint64_t value, mask; /* bits that count */
	const struct node *node;
	struct reg_part part; /* as written, for --bless */
};

struct word_want {
	enum pushed_name name;
	uint64_t value, mask;
	const struct node *node;
};

struct delivery_want {
	const struct node *node;
	bool any_vector;
	uint8_t vector;
	int kind;  /* enum event_kind, -1: any */
	int error; /* -1 not stated, 0: none is pushed, 1: error_code */
	uint32_t error_code;
	enum why why, refused;    /* WHY_NONE: not stated; refused: must be, for this reason */
	bool refused_any;         /* refused, for whatever reason */
	int step, stack, outcome; /* -1: not stated */
	bool has_cr2;
	uint64_t cr2;
	bool no_frame_check;
	unsigned words;
	struct word_want word[RECORD_MAX_WORDS];
};

enum scene_end { END_ANY, END_AT_END, END_HANDLER, END_HALT, END_SHUTDOWN, END_STEPS, END_LIMIT };
extern const char *const scene_end_names[];

struct expectation {
	const struct node *node;
	const struct node *regs; /* the mapping `regs`, for --bless */
	struct reg_want reg[MOST_REGS];
	struct bytes *memory; /* in the order written */
	unsigned memory_count;
	struct bytes *scratch; /* whose contents do not matter */
	unsigned scratch_count;
	bool deliveries_any;
	unsigned deliveries;
	struct delivery_want *delivery;
	enum scene_end end;
	const struct node *end_node;
	struct fpu_state fpu; /* with TOP-relative registers resolved against the final TOP */
	struct fpu_want {
		bool any, st_stated[8], st_empty[8];
		struct fp80 st[8];
		const struct node *st_node[8];
	} fpu_want;
};

struct scene {
	struct arena *arena;
	struct problems *problems;
	const struct node *node; /* the case */
	const char *file, *name;
	const struct param *params;
	enum scene_mode mode;
	enum scene_paging paging;
	const struct cpu_model *model;
	uint64_t ram;
	bool pic;
	unsigned cpl;
	bool host;      /* laid out so that Linux lets ring 3 have the same: see struct build_options */
	uint32_t shift; /* of code, data and stack3 */
	struct arch_state s;
	bool known; /* s holds the registers already */
	struct bytes *memory;
	unsigned memory_count;
	struct label *label;
	unsigned labels;
	uint64_t end;      /* linear address behind the first block of code */
	struct code *code; /* blocks of code */
	unsigned codes;
	struct timed *event;
	unsigned events;
	enum scene_end until;
	uint64_t until_address, steps, limit;
	struct expectation expect;
};

/* Does the case run in IA-32e mode? */
static inline bool scene_is_long(const struct scene *scene)
{
	return scene->mode == SCENE_COMPAT || scene->mode == SCENE_LONG64;
}
/* Of code: 16, 32 or 64. */
static inline unsigned scene_bits(const struct scene *scene)
{
	return scene->mode == SCENE_LONG64 ? 64 : scene->mode == SCENE_PROT32 || scene->mode == SCENE_COMPAT ? 32 : 16;
}

/* Numbers that stand for names: labels, registers as they are at the start, places, selectors, flags. */
bool scene_name(const struct scene *scene, const char *name, size_t length, int64_t *value);
bool scene_function(const struct scene *scene, const char *name, size_t length, int64_t argument, int64_t *value);

/* The scene of a case (defaults and presets are in it already) with these parameters.  False: problems. */
struct build_options {
	const char *cpu;   /* in place of the case's; NULL: the case's */
	const char *cache; /* folder of assembled code */
	bool no_assembler; /* code is taken as empty: for reading alone */
	/* code, data and stack3 lie above 64 KiB, cs3 and ds3 are Linux's selectors: for a run on the host. */
	bool host;
};
bool scene_build(struct scene *scene, struct arena *arena, struct problems *problems, const struct node *node,
		 const char *name, const struct param *params, const struct build_options *options);

/* ---- for the files that build a scene ---- */
struct scope scene_scope(struct scene *scene);
void scene_put(struct scene *scene, struct bytes bytes);
/* The byte of the initial memory. */
void scene_peek(const struct scene *scene, uint64_t at, void *buffer, size_t size);
bool scene_overlaps(struct scene *scene);
/* Is there a handler of the preset, which the case has not overwritten? */
bool scene_is_handler(const struct scene *scene, uint64_t linear);
/* One item of `memory`: what it puts where goes to the end of *list. */
bool memory_item(struct scene *scene, const struct node *item, bool expected, struct bytes **list, unsigned *count);
/* Pairs of hexadecimal digits, at a place. */
bool memory_digits(struct scene *scene, const struct node *digits, uint64_t at, struct bytes **list, unsigned *count);
/* tables.c: a whole TSS; expected: only the fields that are named. */
enum tss_kind { TSS_16, TSS_32, TSS_64 };
bool tss_item(struct scene *scene, const struct node *node, enum tss_kind kind, uint64_t at, bool expected,
	      struct bytes **list, unsigned *count);
bool memory_build(struct scene *scene, const struct node *memory);
/* What a case begins with, below everything it says itself; and what it says of the tables. */
void tables_preset(struct scene *scene);
bool tables_build(struct scene *scene, const struct node *node);
/* Descriptors that the expectation states, on top of the initial ones. */
bool tables_expected(struct scene *scene, const struct node *expect, struct bytes **list, unsigned *count);
bool pages_build(struct scene *scene, const struct node *pages);
bool pages_expected(struct scene *scene, const struct node *pages, struct bytes **list, unsigned *count);
bool code_build(struct scene *scene, const struct node *code, const struct build_options *options);
bool regs_build(struct scene *scene, const struct node *node);
bool events_build(struct scene *scene, const struct node *events, const struct node *run);
bool expect_build(struct scene *scene, const struct node *expect);
bool fpu_build(struct scene *scene, const struct node *fpu);
bool fpu_expected(struct scene *scene, const struct node *fpu);
/* What FNSAVE writes in 32-bit protected mode: 28 bytes with no pointers, and ST(0) first. */
#define FNSAVE_BYTES 108u
void fpu_fnsave_image(const struct fpu_state *fpu, uint8_t image[FNSAVE_BYTES]);
bool flags_apply(struct scene *scene, const struct node *node, uint64_t *value, uint64_t *mask);

#endif
