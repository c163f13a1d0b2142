/* What the symbols and the guest's description tell of the machine's memory.  All reads are without side effects. */
#ifndef TRAPGATE_EXPLAIN_KNOW_H
#define TRAPGATE_EXPLAIN_KNOW_H

#include "explain/explain.h"

/* Looks for symbols and the guest's description, once; a kernel without symbols in its image has to be
 * unpacked and running.  False: *why (bad files; a guest without symbols is none). */
bool know_learn(struct explain *x) MUST_CHECK;
/* False with *why: a view needs symbols, and there are none. */
bool know_need_symbols(struct explain *x, const char *view) MUST_CHECK;

/* The symbol at or before an address; NULL: none. */
const char *know_symbol(const struct explain *x, uint64_t address, uint64_t *offset);
/* Is there code of the symbol's very beginning at the address? */
const char *know_function(const struct explain *x, uint64_t address);
bool know_address(const struct explain *x, const char *symbol, uint64_t *address);

bool know_read32(struct cpu *cpu, uint64_t lin, uint32_t *value);

/* Bytes of an address and of a word of the kernel's stack: 8 in IA-32e mode, 4 else. */
unsigned know_word_bytes(const struct cpu *cpu);
/* A word of that size. */
bool know_read(struct cpu *cpu, uint64_t lin, uint64_t *value);
/* A register as far as the present mode sees it. */
uint64_t know_reg(const struct cpu *cpu, enum gpr reg);
/* SS base + RSP. */
uint64_t know_stack(const struct cpu *cpu);
/* CS base + RIP, as linear as the place's mode has it. */
uint64_t where_linear(const struct where *w);
/* How the kernel's code is to be decoded. */
enum decode_mode know_kernel_mode(const struct cpu *cpu);

/* ESP0 of the present TSS, and SS0; RSP0 and a null selector in IA-32e mode. */
bool know_esp0(struct cpu *cpu, uint64_t *esp0, uint16_t *ss0);
/* The address of the present task's structure.  Without a description: ESP0, which tells tasks with stacks of their
 * own apart.  0: unknown. */
uint64_t know_task(const struct explain *x, struct cpu *cpu);
/* Where it is stored: it changes only with a write there (or a task switch of the processor). */
bool know_task_at(const struct explain *x, struct cpu *cpu, uint64_t *address);
/* The name of a task, in *name; false: unknown. */
bool know_task_name(const struct explain *x, struct cpu *cpu, uint64_t task, char *name, size_t size);
/* Keeps the name for later. */
void know_remember_name(struct explain *x, struct cpu *cpu, uint64_t task);
/* Where flag word i of the present task lies. */
bool know_word(const struct explain *x, struct cpu *cpu, unsigned i, uint64_t *address);
bool know_word_value(const struct explain *x, struct cpu *cpu, unsigned i, uint64_t *address, uint32_t *value);
/* The address behind the pt_regs of an entry on an empty kernel stack. */
bool know_top(const struct explain *x, struct cpu *cpu, uint64_t *top);

/* Which bits of the word have a meaning like "resched"? */
uint32_t know_meaning(const struct desc_word *word, const char *meaning);

/* ---- facts that many views put ---- */
/* An address with its symbol and source line. */
struct fact *put_place(struct explain *x, struct fact *parent, const char *key, uint64_t address);
/* CS, EIP, privilege, SS:ESP, flags. */
void put_where(struct explain *x, struct fact *parent, const char *key, const struct where *w);
/* The names of EFLAGS' bits that are set, as a list. */
void put_flags(struct fact *parent, const char *key, uint64_t flags);
/* The names of the bits of a flag word that are set. */
void put_bits(struct fact *parent, const char *key, const struct desc_word *word, uint32_t value);
/* The instruction at a linear address as text. */
void put_instruction(struct explain *x, struct fact *parent, const char *key, const struct where *at);
/* Name (or address) of a task. */
void put_task(struct explain *x, struct fact *parent, const char *key, struct cpu *cpu, uint64_t task);
/* "INT 80", "IRQ 20", "#PF". */
void event_text(char *text, size_t size, unsigned kind, unsigned vector);

#endif
