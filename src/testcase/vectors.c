/* Files of vectors captured from hardware, in real mode, through the whole processor: by cached blocks and by
 * single instructions decoded afresh.  What a 386 does otherwise than the 80286 of ../shared/vectors is left out by a
 * row of exclusions.c, which says why. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "testcase/exclusions.h"
#include "testcase/runner.h"
#include "testcase/vectors.h"

#define RAM_BYTES  (2u << 20) /* FFFF:FFFF lies below */
#define MOST_TICKS 200000u    /* the longest REP is 65535 iterations */
#define MOST_TOLD  8u         /* failures shown of one file */

struct replay {
	struct bench *bench;
	struct scene scene;
	struct arch_state blank;
	uint8_t *expected; /* all of RAM as it should be */
	const struct moo_metadata *metadata;
	bool is_286; /* exclusions.c is about these */
	char form[32];
	uint16_t mask;             /* flags that mean something after the form */
	uint16_t flags, registers; /* compared in this vector; registers by 1 << enum moo_reg */
	unsigned told;
	unsigned passed, failed, left_out;
	unsigned *met; /* by row of exclusions[], of the whole run */
	FILE *out;
};

/* ---- one vector ---- */
static const uint8_t general[MOO_REGS] = {
	[MOO_AX] = RAX, [MOO_BX] = RBX, [MOO_CX] = RCX, [MOO_DX] = RDX,
	[MOO_SP] = RSP, [MOO_BP] = RBP, [MOO_SI] = RSI, [MOO_DI] = RDI,
};
static const uint8_t segment[MOO_REGS] = {
	[MOO_CS] = SEG_CS,
	[MOO_SS] = SEG_SS,
	[MOO_DS] = SEG_DS,
	[MOO_ES] = SEG_ES,
};

static bool is_segment(unsigned i)
{
	return i >= MOO_CS && i <= MOO_ES;
}

static uint8_t read8(const struct replay *r, uint32_t address)
{
	return r->bench->ram->host[address];
}

static void put_byte(struct replay *r, uint32_t address, uint8_t value)
{
	r->expected[address] = value;
	r->bench->ram->host[address] = value;
}

/* FLAGS 15:12 are 0 on a 286 in real mode and are not in these tests. */
#define FLAGS_COMPARED 0x0fffu

static void load_vector(struct replay *r, const struct moo_test *t)
{
	struct cpu *cpu = &r->bench->cpu;

	cpu->s = r->blank;
	for (unsigned i = 0; i < MOO_IP; i++) {
		if (is_segment(i)) {
			cpu->s.seg[segment[i]].sel = t->init.reg[i];
			cpu->s.seg[segment[i]].base = (uint32_t)t->init.reg[i] << 4;
		} else {
			cpu->s.gpr.r64[general[i]] = t->init.reg[i];
		}
	}
	cpu->s.rip = t->init.reg[MOO_IP];
	cpu->s.rflags = (t->init.reg[MOO_FLAGS] & FLAGS_COMPARED) | FLAG_ONE;
	for (unsigned i = 0; i < t->init.ram_count; i++)
		put_byte(r, t->init.ram[i].address, t->init.ram[i].value);
	cpu_state_changed(cpu);
}

static unsigned reg_now(const struct cpu *cpu, unsigned i)
{
	if (i == MOO_FLAGS)
		return (unsigned)cpu->s.rflags & 0xffff;
	if (i == MOO_IP)
		return (unsigned)cpu->s.rip;
	return is_segment(i) ? cpu->s.seg[segment[i]].sel : (unsigned)cpu->s.gpr.r64[general[i]];
}

struct complaint {
	char text[1024];
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

/* Which bits of the byte at address mean something: flags that were pushed are
 * masked as those in FLAGS. */
static uint8_t ram_mask(const struct replay *r, const struct moo_test *t, uint32_t address)
{
	bool pushf = !strcmp(r->form, "9C");
	uint16_t offset = (uint16_t)(t->final.reg[MOO_SP] + (t->exception ? 4 : 0));
	uint32_t pushed = ((uint32_t)t->final.reg[MOO_SS] << 4) + offset;

	if (!pushf && !t->exception)
		return 0xff;
	if (address == pushed)
		return (uint8_t)r->flags;
	return address == pushed + 1 ? (uint8_t)(r->flags >> 8) : 0xff;
}

static void compare_ram(struct replay *r, const struct moo_test *t, const struct moo_byte *b, struct complaint *c)
{
	uint8_t now = read8(r, b->address), want = r->expected[b->address];

	if ((now ^ want) & ram_mask(r, t, b->address))
		complain(c, " [%05x]=%02x/%02x", b->address, now, want);
	r->expected[b->address] = now; /* told once */
}

static void compare_vector(struct replay *r, const struct moo_test *t, uint64_t deliveries, struct complaint *c)
{
	const struct cpu *cpu = &r->bench->cpu;

	for (unsigned i = 0; i < MOO_REGS; i++) {
		unsigned now = reg_now(cpu, i), want = t->final.reg[i];
		unsigned mask = i == MOO_FLAGS ? r->flags : r->registers >> i & 1 ? 0xffff : 0;
		if ((now ^ want) & mask)
			complain(c, " %s=%04x/%04x", moo_reg_names[i], now, want);
	}
	for (unsigned i = 0; i < t->final.ram_count; i++)
		r->expected[t->final.ram[i].address] = t->final.ram[i].value;
	for (unsigned i = 0; i < t->init.ram_count; i++)
		compare_ram(r, t, &t->init.ram[i], c);
	for (unsigned i = 0; i < t->final.ram_count; i++)
		compare_ram(r, t, &t->final.ram[i], c);
	if (deliveries != t->exception)
		complain(c, " deliveries=%u/%u", (unsigned)deliveries, t->exception);
	else if (t->exception && trace_recent(&r->bench->trace, 0)->vector != t->vector)
		complain(c, " vector=%02x/%02x", trace_recent(&r->bench->trace, 0)->vector, t->vector);
}

static bool one_way(struct replay *r, const struct moo_test *t, bool plain)
{
	struct complaint c = {.used = 0};
	struct bench *b = r->bench;

	load_vector(r, t);
	b->cpu.plain = plain;
	uint64_t before = b->trace.deliveries;
	enum stop stop = cpu_run(&b->cpu, b->cpu.icount + MOST_TICKS);
	if (stop != STOP_HALT)
		complain(&c, " stop=%d", (int)stop);
	compare_vector(r, t, b->trace.deliveries - before, &c);
	if (c.used == 0)
		return true;
	if (r->told++ < MOST_TOLD)
		fprintf(r->out, "%s %u (%s) %s:%s (ours/hardware)\n", r->form, t->index, t->name,
			plain ? "plain" : "blocks", c.text);
	return false;
}

/* What was stored and pushed is as expected. */
static void accept_stores(struct replay *r, const struct moo_test *t)
{
	const struct segment *ss = &r->bench->cpu.s.seg[SEG_SS];

	for (unsigned i = 0; i < t->final.ram_count; i++)
		r->expected[t->final.ram[i].address] = read8(r, t->final.ram[i].address);
	for (unsigned i = 0; i < 6; i++) {
		uint32_t address = (uint32_t)ss->base + ((r->bench->cpu.s.gpr.r64[RSP] + i) & 0xffff);
		r->expected[address] = read8(r, address);
	}
}

/* The instruction raises this exception on a 386. */
static bool raises(struct replay *r, const struct moo_test *t, uint8_t vector)
{
	struct bench *b = r->bench;

	load_vector(r, t);
	uint64_t before = b->trace.deliveries;
	for (unsigned i = 0; i < MOST_TICKS && b->trace.deliveries == before; i++)
		cpu_step(&b->cpu);
	accept_stores(r, t);
	if (b->trace.deliveries == before + 1 && trace_recent(&b->trace, 0)->vector == vector)
		return true;
	fprintf(r->out, "%s %u (%s): should raise %u\n", r->form, t->index, t->name, vector);
	return false;
}

static bool inside(const struct moo_test *t)
{
	bool good = true;

	for (unsigned i = 0; i < t->init.ram_count; i++)
		good &= t->init.ram[i].address < RAM_BYTES;
	for (unsigned i = 0; i < t->final.ram_count; i++)
		good &= t->final.ram[i].address < RAM_BYTES;
	return good;
}

static void one_vector(struct replay *r, const struct moo_test *t)
{
	const struct exclusion *d = &(struct exclusion){.what = COMPARED};

	if (r->metadata && moo_revoked(r->metadata, t->hash)) {
		r->left_out++;
		return;
	}
	if (!inside(t)) {
		fprintf(r->out, "%s %u: memory above 2 MiB\n", r->form, t->index);
		r->failed++;
		return;
	}
	unsigned row = r->is_286 ? exclusion_of(r->form, t) : EXCLUSIONS;
	if (row < EXCLUSIONS) {
		d = &exclusions[row];
		__atomic_fetch_add(&r->met[row], 1, __ATOMIC_RELAXED);
	}
	r->flags = r->mask & FLAGS_COMPARED & (uint16_t)~d->flags;
	r->registers = (uint16_t)~d->registers;
	if (d->what == FAULTS && !raises(r, t, d->vector)) {
		r->failed++;
		return;
	}
	r->left_out += d->what != COMPARED;
	if (d->what != COMPARED)
		return;
	bool blocks = one_way(r, t, false), plain = one_way(r, t, true);
	if (blocks && plain)
		r->passed++;
	else
		r->failed++;
}

/* ---- a file ---- */
/* Nothing but what the vectors list may have changed. */
static void compare_all_ram(struct replay *r)
{
	const uint8_t *host = r->bench->ram->host;

	if (memcmp(host, r->expected, RAM_BYTES) == 0)
		return;
	for (uint32_t a = 0; a < RAM_BYTES; a++)
		if (host[a] != r->expected[a] && r->told++ < MOST_TOLD)
			fprintf(r->out, "%s: stray store to %05x\n", r->form, a);
	r->failed++;
}

static void all_moo(struct replay *r, const char *path, struct moo_test *t)
{
	struct moo_file file;
	unsigned n = 0;
	bool bad = true;

	if (moo_open(&file, path)) {
		for (; moo_next(&file, t, &bad); n++)
			one_vector(r, t);
		bad |= n != file.count;
		moo_close(&file);
	}
	if (bad) {
		fprintf(r->out, "%s: no MOO file, or cut short, or malformed after %u tests\n", path, n);
		r->failed++;
	}
}

static void all_sst(struct replay *r, const char *path, struct moo_test *t, struct arena *arena)
{
	const char *why = NULL;
	struct sst_file file;

	if (sst_open(&file, path, arena, &why)) {
		while (sst_next(&file, t, arena, &why))
			one_vector(r, t);
		sst_close(&file);
	}
	if (why) {
		fprintf(r->out, "%s: %s\n", path, why);
		r->failed++;
	}
}

static bool set_up(struct replay *r, const char *model)
{
	r->scene = (struct scene){.ram = RAM_BYTES, .model = cpu_model_find(model)};
	r->bench = bench_new(&r->scene);
	r->expected = calloc(1, RAM_BYTES);
	if (!r->bench || !r->expected)
		return false;
	cpu_reset(&r->bench->cpu, false);
	r->blank = r->bench->cpu.s;
	r->blank.idtr = (struct table_register){0, 0x3ff};
	r->blank.fpu.cw = 0x37f; /* as FNINIT leaves it */
	return true;
}

/* The undefined flags of the form, from the metadata beside the file, if there is any. */
static void find_metadata(struct replay *r, struct arena *arena, const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *dot = strstr(name, ".MOO");
	const char *folder = arena_print(arena, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
	struct moo_metadata *m = moo_metadata_new(folder);

	if (!dot)
		dot = strstr(name, ".json");
	snprintf(r->form, sizeof(r->form), "%.*s", dot ? (int)(dot - name) : (int)strlen(name), name);
	r->mask = 0xffff;
	r->metadata = m;
	r->is_286 = m && moo_is_286(m);
	if (m && !moo_flags_mask(m, r->form, &r->mask))
		fprintf(r->out, "%s: the form is not in metadata.json\n", r->form);
}

static bool ends_in(const char *path, const char *end)
{
	size_t n = strlen(path), m = strlen(end);

	return n > m && !strcmp(path + n - m, end);
}

static bool is_json(const char *path)
{
	return ends_in(path, ".json") || ends_in(path, ".json.gz");
}

bool is_vectors(const char *path)
{
	return ends_in(path, ".MOO") || ends_in(path, ".MOO.gz") || is_json(path);
}

static void replay_file(struct replay *r, const char *path, struct arena *arena)
{
	struct moo_test *test = malloc(sizeof(*test));

	if (!test) {
		fprintf(r->out, "out of memory\n");
		r->failed++;
		return;
	}
	find_metadata(r, arena, path);
	if (is_json(path))
		all_sst(r, path, test, arena);
	else
		all_moo(r, path, test);
	compare_all_ram(r);
	free(test);
	if (r->metadata)
		moo_metadata_free((struct moo_metadata *)(uintptr_t)r->metadata);
}

void report_exclusions(const struct run *run)
{
	static const char *const titles[] = {
		[LEFT_OUT] = "left out",
		[FAULTS] = "left out, but for the exception of a 386",
		[COMPARED] = "passed, but for what is not compared",
	};

	for (unsigned i = 0; i < EXCLUSIONS; i++)
		printf("%7u  %s: %s\n", run->exclusions_met[i], titles[exclusions[i].what], exclusions[i].reason);
}

void run_vectors(struct run *run, struct job *job)
{
	struct result *result = &job->result;
	char *text = NULL;
	size_t size = 0;
	struct replay *r = calloc(1, sizeof(*r));
	FILE *out = open_memstream(&text, &size);

	if (r)
		r->met = run->exclusions_met;
	if (r && out && (r->out = out, set_up(r, run->settings.cpu)))
		replay_file(r, job->vectors, &result->arena);
	if (out)
		fclose(out);
	if (r) {
		*result = (struct result){
			.passed = r->passed, .failed = r->failed, .left_out = r->left_out, .arena = result->arena};
		bench_free(r->bench);
		free(r->expected);
	}
	if (!r || !out)
		result->failed = 1;
	result->status = result->failed ? STATUS_FAILED : STATUS_PASSED;
	if (size)
		result->text = arena_copy(&result->arena, text, size);
	free(text);
	free(r);
}
