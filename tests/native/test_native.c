/* Ring-3 instructions against the processor this runs on: the same bytes at the same linear
 * addresses with the same registers, natively in 32-bit compatibility mode (native_ring3) or 64-bit mode
 * (native_ring3_64) and in the emulator, by
 * cached blocks and by single instructions in turn.  Compared: how it ended (the fault, its error code,
 * CR2, the pushed EIP, CS, EFLAGS, ESP, SS), the general registers, segment registers, memory and the
 * x87 state.  Every row of the opcode table has its turn; what is undefined or the host's own is in
 * rules.c.
 *
 *     native_ring3 [executions [seed [first group]]]      or TRAPGATE_NATIVE_EXECUTIONS
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "arch/x86.h"
#include "coverage/record.h"
#include "decode/insn.h"
#include "native/emulate.h"
#include "native/host.h"
#include "native/rules.h"

#define SKIPPED   77
#define GROUP     256u /* executions from one seed, with memory of their own */
#define MOST_ROWS 4096
#define ALL_ROWS  100000u /* so many executions reach every row */
#define MOST_TOLD 60
#define TOLD_EACH 4 /* failures shown of one mnemonic */

struct tally {
	uint64_t done, failed, pointers_lost, left_out[16], differs[64], by_vector[256], chance_bytes;
	uint32_t row_done[MOST_ROWS];
	bool row_left_out[MOST_ROWS];
	unsigned told, told_of[MNEMONIC_COUNT];
};

struct bench {
	struct host host;
	struct emulator emulator;
	struct tally tally;
	unsigned row[MOST_ROWS], offered; /* those that the emulator's model has outside 64-bit mode */
	uint64_t seed, group;
	struct random random;
};

/* ---- memory ---- */
static const struct {
	uint32_t linear, bytes;
	bool compared;
} places[] = {{DATA, DATA_BYTES, true}, {STACK, STACK_BYTES, true}, {X87, 256, true}, {READ_ONLY, PAGE, false}};
#define PLACES (sizeof(places) / sizeof(places[0]))

static uint8_t *host_memory(struct bench *b, word at)
{
	uint32_t linear = (uint32_t)at;

#if NATIVE_BITS == 64
	if (UPPER(at) != 0 && UPPER(at) != UPPER_ARENA)
		return NULL;
#endif
	if (linear - DATA < DATA_BYTES)
		return b->host.data + (linear - DATA);
	if (linear - STACK < STACK_BYTES)
		return b->host.stack + (linear - STACK);
	if (linear - READ_ONLY < PAGE)
		return b->host.read_only + (linear - READ_ONLY);
	return linear - X87 < PAGE ? b->host.x87 + (linear - X87) : NULL;
}

static void store_both(struct bench *b, word linear, const void *bytes, unsigned size)
{
	memcpy(host_memory(b, linear), bytes, size);
	emulator_load(&b->emulator, linear, bytes, size);
}

static void fresh_memory(struct bench *b)
{
	uint8_t page[2 * PAGE];

	for (unsigned i = 0; i < PLACES; i++) {
		for (unsigned n = 0; n < places[i].bytes; n += sizeof(word)) {
			uint64_t v = random_next(&b->random);
			word w = v & 3 ? (word)(v >> (NATIVE_BITS == 64 ? 0 : 20))
				       : CODE + ((uint32_t)(v >> 20) & (INT3_ONLY - 1));
			memcpy(page + n, &w, sizeof(w));
		}
		store_both(b, places[i].linear, page, places[i].bytes);
	}
}

static void poke(struct bench *b, const struct poke *p)
{
	for (unsigned i = 0; i < p->size; i++)
		if (host_memory(b, p->address + i))
			store_both(b, p->address + i, &p->bytes[i], 1);
}

static void place_code(struct bench *b, const struct test_case *c, bool remove)
{
	uint8_t bytes[sizeof(c->lead_bytes) + sizeof(c->bytes)];
	uint32_t at = (uint32_t)c->at - c->lead;
	unsigned n = c->lead + c->total;

	if (at + n > CODE + CODE_BYTES)
		n = CODE + CODE_BYTES - at;
	memset(bytes, 0xcc, sizeof(bytes));
	if (!remove) {
		memcpy(bytes, c->lead_bytes, c->lead);
		memcpy(bytes + c->lead, c->bytes, c->total);
	}
	memcpy(b->host.code + (at - CODE), bytes, n);
	emulator_load(&b->emulator, at, bytes, n);
}

/* ---- comparing ---- */
struct complaint {
	char text[1200];
	size_t used;
};

__attribute__((format(printf, 2, 3))) static void complain(struct complaint *c, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	if (c->used < sizeof(c->text)) {
		int n = vsnprintf(c->text + c->used, sizeof(c->text) - c->used, format, arguments);
		c->used += n > 0 ? (size_t)n : 0;
	}
	va_end(arguments);
}

static void differ(struct complaint *c, const char *name, word ours, word host, word mask)
{
	if ((ours ^ host) & mask)
		complain(c, " %s=%llx/%llx", name, (unsigned long long)ours, (unsigned long long)host);
}
#define ALL (~(word)0)

/* The host's kernel returns to an outer level before the selector is read, which clears null ones whole
 * (SDM 2, "IRET/IRETD/IRETQ"). */
static void differ_data_segment(struct complaint *c, const char *name, uint16_t ours, uint16_t host)
{
	differ(c, name, ours < 4 ? 0 : ours, host < 4 ? 0 : host, ALL);
}

static void complain_ymm(struct complaint *c, const char *before, const uint8_t *v)
{
	complain(c, "%s", before);
	for (unsigned i = 32; i-- > 0;)
		complain(c, "%02x%s", v[i], i == 16 ? "'" : "");
}

static void compare_vec(const struct outcome *ours, const struct outcome *host, struct complaint *c)
{
	differ(c, "mxcsr", ours->mxcsr, host->mxcsr, ALL);
	for (unsigned i = 0; i < REGS; i++) {
		if (memcmp(ours->ymm[i], host->ymm[i], 32) == 0)
			continue;
		complain(c, " ymm%u", i);
		complain_ymm(c, "=", ours->ymm[i]);
		complain_ymm(c, "/", host->ymm[i]);
	}
}

static const char *const names[16] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi",
				      "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};

/* Compatibility mode: "the upper 32 bits of the general-purpose registers are undefined" (SDM 1, "64-Bit Mode"); the
 * host shows 0 above ESP. */
static word stack_pointer_bits(const struct outcome *host)
{
	return NATIVE_BITS == 64 && host->cs != SEL_USER_CODE64 ? (word)UINT32_MAX : ALL;
}

static void compare_outcomes(const struct test_case *t, const struct outcome *ours, const struct outcome *host,
			     struct complaint *c)
{
	uint32_t undefined;
	uint16_t undefined_fsw;

	undefined_after(t, &undefined, &undefined_fsw);
	differ(c, "vector", ours->vector, host->vector, ALL);
	differ(c, "error", ours->error, host->error, ALL);
	if (host->vector == VEC_PF)
		differ(c, "cr2", ours->cr2, host->cr2, ALL);
	differ(c, "eip", ours->eip, host->eip, ALL);
	differ(c, "eflags", ours->eflags, host->eflags, ~undefined);
	for (unsigned i = 0; i < REGS; i++)
		differ(c, names[i], ours->gpr[i], host->gpr[i], i == SP ? stack_pointer_bits(host) : ALL);
	differ(c, "cs", ours->cs, host->cs, ALL);
	differ(c, "ss", ours->ss, host->ss, ALL);
	differ_data_segment(c, "ds", ours->ds, host->ds);
	differ_data_segment(c, "es", ours->es, host->es);
	differ_data_segment(c, "gs", ours->gs, host->gs);
	differ(c, "gs base", ours->gs_base, host->gs_base, ALL);
	if (t->start.vec)
		compare_vec(ours, host, c);
	if (!t->start.x87 || (host->vector == VEC_BP && t->fnsave))
		return;
	differ(c, "fcw", ours->fcw, host->fcw, ALL);
	differ(c, "fsw", ours->fsw, host->fsw, ~(uint32_t)undefined_fsw);
	differ(c, "full", ours->full, host->full, ALL);
	for (unsigned i = 0; i < 8; i++)
		if (memcmp(ours->st[i], host->st[i], 10) != 0)
			complain(c, " st%u", i);
}

/* The FNSAVE image behind an x87 instruction.  A switch of tasks in between loses the pointers: the host's kernel saves
 * no selectors, and the processor none at all unless an exception is pending. */
static void compare_x87(struct bench *b, const struct test_case *t, struct complaint *c)
{
	struct fsave ours, host;
	uint32_t undefined;
	uint16_t undefined_fsw;

	undefined_after(t, &undefined, &undefined_fsw);
	memcpy(&ours, emulator_memory(&b->emulator, X87), sizeof(ours));
	memcpy(&host, host_memory(b, X87), sizeof(host));
	differ(c, "fcw", ours.cw, host.cw, ALL);
	differ(c, "fsw", ours.sw, host.sw, ~(uint32_t)undefined_fsw);
	differ(c, "ftw", ours.tw, host.tw, ALL);
	bool selectors_lost = !(host.fcs_fop & 0xffff) && (ours.fcs_fop & 0xffff);
	bool all_lost = selectors_lost && host.fip == 0 && host.fdp == 0;
	b->tally.pointers_lost += selectors_lost;
	if (!all_lost) {
		differ(c, "fip", ours.fip, host.fip, ALL);
		differ(c, "fcs:fop", ours.fcs_fop, host.fcs_fop, selectors_lost ? 0xffff0000 : ALL);
		differ(c, "fdp", ours.fdp, host.fdp, ALL);
		differ(c, "fds", ours.fds, host.fds, selectors_lost ? 0 : ALL);
	}
	for (unsigned i = 0; i < 8; i++) {
		uint64_t m[2];
		uint16_t e[2];
		memcpy(&m[0], ours.st[i], 8), memcpy(&m[1], host.st[i], 8);
		memcpy(&e[0], ours.st[i] + 8, 2), memcpy(&e[1], host.st[i] + 8, 2);
		if (m[0] != m[1] || e[0] != e[1])
			complain(c, " st%u=%04x:%016llx/%04x:%016llx", i, e[0], (unsigned long long)m[0], e[1],
				 (unsigned long long)m[1]);
	}
	store_both(b, X87, &host, sizeof(host));
}

/* AMD's MXCSR has bit 17, which Intel's has not, and MXCSR_MASK in the areas of FXSAVE and XSAVE says so. */
static void hide_mxcsr_mask(struct bench *b, const struct test_case *t)
{
	unsigned mn = t->insn.mnemonic;
	uint8_t *byte = host_memory(b, t->memory + 30), *ours = emulator_memory(&b->emulator, t->memory + 30);

	if ((mn == MN_fxsave || mn == MN_xsave || mn == MN_xsaveopt) && byte && *byte == 2 && *ours == 0)
		*byte = 0;
}

static void compare_memory(struct bench *b, struct complaint *c)
{
	for (unsigned i = 0; i < PLACES; i++) {
		const uint8_t *ours = emulator_memory(&b->emulator, places[i].linear);
		const uint8_t *host = host_memory(b, places[i].linear);
		if (!places[i].compared || memcmp(ours, host, places[i].bytes) == 0)
			continue;
		for (unsigned n = 0; n < places[i].bytes; n++)
			if (ours[n] != host[n])
				complain(c, " [%08x]=%02x/%02x", places[i].linear + n, ours[n], host[n]);
		emulator_load(&b->emulator, places[i].linear, host, places[i].bytes);
	}
}

/* ---- telling ---- */
static void tell(struct bench *b, const struct test_case *t, bool plain, const struct complaint *c)
{
	const struct start *s = &t->start;

	if (b->tally.told >= MOST_TOLD || b->tally.told_of[t->insn.mnemonic]++ >= TOLD_EACH)
		return;
	b->tally.told++;
	printf("FAILED group %llu, %s, %s (%s) %s:", (unsigned long long)b->group, mnemonic_name(t->insn.mnemonic),
	       opcode_rows[t->insn.row].encoding, opcode_rows[t->insn.row].operands, plain ? "plain" : "blocks");
	for (unsigned i = 0; i < t->lead; i++)
		printf(" %02x", t->lead_bytes[i]);
	printf("%s", t->lead ? " |" : "");
	for (unsigned i = 0; i < t->size; i++)
		printf(" %02x", t->bytes[i]);
	printf("\n   %s (ours/host)\n    eip=%llx cs=%x eflags=%x ds=%x es=%x ss=%x gs=%x", c->text,
	       (unsigned long long)s->eip, s->cs, s->eflags, s->ds, s->es, s->ss, s->gs);
	if (s->gs_base)
		printf(" base=%llx", (unsigned long long)s->gs_base);
	for (unsigned i = 0; i < REGS; i++)
		printf(" %s=%llx", names[i], (unsigned long long)s->gpr[i]);
	if (t->has_memory)
		printf(" memory=%llx", (unsigned long long)t->memory);
	for (unsigned i = 0; i < t->pokes; i++) {
		printf(" [%llx]=", (unsigned long long)t->poke[i].address);
		for (unsigned n = 0; n < t->poke[i].size; n++)
			printf("%02x", t->poke[i].bytes[n]);
	}
	if (s->x87) {
		printf(" fcw=%04x fsw=%04x ftw=%04x", s->fpu.cw & 0xffff, s->fpu.sw & 0xffff, s->fpu.tw & 0xffff);
		for (unsigned i = 0; i < 2; i++) {
			uint64_t m;
			memcpy(&m, s->fpu.st[i], 8);
			printf(" st%u=%02x%02x:%016llx", i, s->fpu.st[i][9], s->fpu.st[i][8], (unsigned long long)m);
		}
	}
	if (s->vec) {
		struct complaint registers = {.used = 0};
		for (unsigned i = 0; i < REGS; i++) {
			registers.used = 0;
			complain_ymm(&registers, "", s->ymm[i]);
			printf("\n    ymm%u=%s", i, registers.text);
		}
		printf(" mxcsr=%04x", s->mxcsr);
	}
	printf("\n");
}

/* ---- one execution ---- */
static bool is_host_difference(struct bench *b, const struct test_case *t, const struct outcome *host,
			       const struct outcome *ours)
{
	for (unsigned i = 0; i < host_difference_count; i++) {
		if (!host_differences[i].applies(t, host, ours))
			continue;
		b->tally.differs[i]++;
		return true;
	}
	return false;
}

/* Linux shows programs all pages from here on as present (its TASK_SIZE_MAX). */
#define KERNEL_HALF UINT64_C(0x7ffffffff000)

static void protect_kernel(struct outcome *ours, const struct outcome *host)
{
	uint64_t address = ours->cr2;

	if (ours->vector == VEC_PF && address >= KERNEL_HALF && (host->error & PF_P))
		ours->error |= PF_P;
}

static void execute(struct bench *b, const struct test_case *t, bool plain)
{
	struct outcome host = {.vector = 0}, ours = {.vector = 0};
	struct complaint c = {.used = 0};

	for (unsigned i = 0; i < t->pokes; i++)
		poke(b, &t->poke[i]);
	place_code(b, t, false);
	host_run(&t->start, &host);
	if (!emulator_run(&b->emulator, &t->start, plain, &ours))
		ours = (struct outcome){.vector = HOST_LOOPS};
	protect_kernel(&ours, &host);
	if (host.vector != HOST_LOOPS || ours.vector != HOST_LOOPS)
		compare_outcomes(t, &ours, &host, &c);
	if (t->fnsave && host.vector == VEC_BP)
		compare_x87(b, t, &c);
	hide_mxcsr_mask(b, t);
	compare_memory(b, &c);
	place_code(b, t, true);
	b->tally.done++;
	b->tally.by_vector[host.vector]++;
	b->tally.row_done[t->insn.row]++;
	if (c.used == 0) {
		coverage_row(t->insn.row);
	} else if (!is_host_difference(b, t, &host, &ours)) {
		b->tally.failed++;
		tell(b, t, plain, &c);
	}
}

static void find_rows(struct bench *b)
{
	for (unsigned i = 0; i < opcode_row_count; i++)
		if (row_is_met(&b->emulator.model, i))
			b->row[b->offered++] = i;
}

static void run_group(struct bench *b, uint64_t group)
{
	struct test_case t;
	unsigned rows = b->offered + b->offered / 16; /* the rest: bytes by chance */

	b->group = group;
	b->random.s = (b->seed + group) * UINT64_C(0x9e3779b97f4a7c15) | 1;
	random_next(&b->random);
	fresh_memory(b);
	for (unsigned i = 0; i < GROUP; i++) {
		uint64_t n = group * GROUP + i;
		unsigned row = (unsigned)(n % rows);
		make_case(&b->random, row < b->offered ? b->row[row] : opcode_row_count, (unsigned)(n / rows),
			  b->host.ldt, &t);
		unsigned reason = left_out_of(&t);
		if (reason < left_out_count) {
			b->tally.left_out[reason]++;
			b->tally.row_left_out[t.insn.row] = true;
		} else {
			execute(b, &t, n / rows & 1);
		}
		b->tally.chance_bytes += row >= b->offered;
	}
}

static void report(const struct bench *b, double seconds)
{
	const struct tally *t = &b->tally;
	unsigned rows = 0, left = 0;

	for (unsigned i = 0; i < opcode_row_count; i++) {
		rows += t->row_done[i] != 0;
		left += !t->row_done[i] && t->row_left_out[i];
	}
	printf("native: %llu executions in %.0f s, seed %llu: %llu failed\n", (unsigned long long)t->done, seconds,
	       (unsigned long long)b->seed, (unsigned long long)t->failed);
	printf("%u of %u rows, %u left out; %llu executions of bytes by chance\n", rows, b->offered, left,
	       (unsigned long long)t->chance_bytes);
	printf("ended by:");
	for (unsigned i = 0; i < 256; i++)
		if (t->by_vector[i])
			printf(" %u: %llu,", i, (unsigned long long)t->by_vector[i]);
	printf("\nnot run:\n");
	for (unsigned i = 0; i < left_out_count; i++)
		printf("%9llu  %s\n", (unsigned long long)t->left_out[i], left_out[i].reason);
	printf("x87 pointers lost between two instructions: %llu\n", (unsigned long long)t->pointers_lost);
	printf("the host differs:\n");
	for (unsigned i = 0; i < host_difference_count; i++)
		printf("%9llu  %s\n", (unsigned long long)t->differs[i], host_differences[i].reason);
}

/* Every row had its turn. */
static bool all_rows(const struct bench *b)
{
	const struct tally *t = &b->tally;
	bool all = true;

	for (unsigned n = 0; n < b->offered; n++) {
		unsigned i = b->row[n];
		if (t->row_done[i] || t->row_left_out[i])
			continue;
		printf("FAILED: no execution of %s (%s)\n", opcode_rows[i].encoding, opcode_rows[i].operands);
		all = false;
	}
	return all;
}

int main(int argc, char **argv)
{
	static struct bench b;
	const char *why, *wanted = getenv("TRAPGATE_NATIVE_EXECUTIONS");
	uint64_t executions = argc > 1 ? strtoull(argv[1], NULL, 0) : wanted ? strtoull(wanted, NULL, 0) : 200000;
	time_t start = time(NULL);

	b.seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	setvbuf(stdout, NULL, _IOLBF, 0);
	emulator_init(&b.emulator);
	find_rows(&b);
	if (!host_init(&b.host, &why)) {
		printf("SKIPPED: %s\n", why);
		return SKIPPED;
	}
	if (!b.host.ldt)
		printf("WITHOUT an LDT, which this host does not allow: no 16-bit code, no segment bases\n");
	memset(b.host.code, 0xcc, CODE_BYTES);
	memset(emulator_memory(&b.emulator, CODE), 0xcc, CODE_BYTES);
	uint64_t first = argc > 3 ? strtoull(argv[3], NULL, 0) : 0;
	for (uint64_t group = first; (group - first) * GROUP < executions; group++)
		run_group(&b, group);
	report(&b, difftime(time(NULL), start));
	return b.tally.failed != 0 || b.tally.pointers_lost > 10 + b.tally.done / 10000 ||
	       (executions >= ALL_ROWS && !all_rows(&b));
}
