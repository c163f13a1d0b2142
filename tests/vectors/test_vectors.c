/* Every vector captured from an 80286 (../shared/vectors), in real mode, through the whole
 * processor: by cached blocks and by single instructions decoded afresh.
 * What a 386 does otherwise than a 286 is left out by a row of
 * differences.h, which says why. */
#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rig/rig.h"
#include "vectors/differences.h"
#include "vectors/moo.h"

#define RAM_BYTES  (2u << 20) /* FFFF:FFFF lies below */
#define SKIPPED    77         /* CTest's SKIP_RETURN_CODE */
#define MOST_TICKS 200000u    /* the longest REP is 65535 iterations */
#define MOST_FORMS 512
#define MOST_TOLD  8 /* failures shown of one form */

struct run {
	struct rig *rig;
	struct arch_state blank;
	uint8_t *expected; /* all of RAM as it should be */
	const struct moo_metadata *metadata;
	char form[16];
	uint16_t mask;             /* flags that mean something after the form */
	uint16_t flags, registers; /* compared in this vector; registers by 1 << enum moo_reg */
	unsigned told;
	unsigned passed, failed, revoked, met[DIFFERENCES];
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

static void put_byte(struct run *r, uint32_t address, uint8_t value)
{
	r->expected[address] = value;
	rig_write8(r->rig, address, value);
}

/* FLAGS 15:12 are 0 on a 286 in real mode and are not in these tests. */
#define FLAGS_COMPARED 0x0fffu

static void load(struct run *r, const struct moo_test *t)
{
	struct cpu *cpu = &r->rig->cpu;

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
static uint8_t ram_mask(const struct run *r, const struct moo_test *t, uint32_t address)
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

static void compare_ram(struct run *r, const struct moo_test *t, const struct moo_byte *b, struct complaint *c)
{
	uint8_t now = rig_read8(r->rig, b->address), want = r->expected[b->address];

	if ((now ^ want) & ram_mask(r, t, b->address))
		complain(c, " [%05x]=%02x/%02x", b->address, now, want);
	r->expected[b->address] = now; /* told once */
}

static void compare(struct run *r, const struct moo_test *t, uint64_t deliveries, struct complaint *c)
{
	const struct cpu *cpu = &r->rig->cpu;

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
	else if (t->exception && rig_last(r->rig, 0)->vector != t->vector)
		complain(c, " vector=%02x/%02x", rig_last(r->rig, 0)->vector, t->vector);
}

static bool one_way(struct run *r, const struct moo_test *t, bool plain)
{
	struct complaint c = {.used = 0};
	struct rig *rig = r->rig;

	load(r, t);
	rig->cpu.plain = plain;
	uint64_t before = rig->trace.deliveries;
	enum stop stop = rig_run(rig, MOST_TICKS);
	if (stop != STOP_HALT)
		complain(&c, " stop=%d", (int)stop);
	compare(r, t, rig->trace.deliveries - before, &c);
	if (c.used == 0)
		return true;
	if (r->told++ < MOST_TOLD)
		printf("FAILED %s %u (%s) %s:%s (ours/hardware)\n", r->form, t->index, t->name,
		       plain ? "plain" : "blocks", c.text);
	return false;
}

/* What was stored and pushed is as expected. */
static void accept_stores(struct run *r, const struct moo_test *t)
{
	const struct segment *ss = &r->rig->cpu.s.seg[SEG_SS];

	for (unsigned i = 0; i < t->final.ram_count; i++)
		r->expected[t->final.ram[i].address] = rig_read8(r->rig, t->final.ram[i].address);
	for (unsigned i = 0; i < 6; i++) {
		uint32_t address = (uint32_t)ss->base + ((r->rig->cpu.s.gpr.r64[RSP] + i) & 0xffff);
		r->expected[address] = rig_read8(r->rig, address);
	}
}

/* The instruction raises this exception on a 386. */
static bool raises(struct run *r, const struct moo_test *t, uint8_t vector)
{
	struct rig *rig = r->rig;

	load(r, t);
	uint64_t before = rig->trace.deliveries;
	for (unsigned i = 0; i < MOST_TICKS && rig->trace.deliveries == before; i++)
		cpu_step(&rig->cpu);
	accept_stores(r, t);
	if (rig->trace.deliveries == before + 1 && rig_last(rig, 0)->vector == vector)
		return true;
	printf("FAILED %s %u (%s): should raise %u\n", r->form, t->index, t->name, vector);
	return false;
}

static void one_vector(struct run *r, const struct moo_test *t)
{
	if (moo_revoked(r->metadata, t->hash)) {
		r->revoked++;
		return;
	}
	unsigned row = difference_of(r->form, t);
	const struct difference *d = row < DIFFERENCES ? &differences[row] : &(struct difference){.what = COMPARED};
	if (row < DIFFERENCES)
		r->met[row]++;
	r->flags = r->mask & FLAGS_COMPARED & (uint16_t)~d->flags;
	r->registers = (uint16_t)~d->registers;
	if (d->what == FAULTS && !raises(r, t, d->vector))
		r->failed++;
	if (d->what != COMPARED)
		return;
	bool blocks = one_way(r, t, false), plain = one_way(r, t, true);
	if (blocks && plain)
		r->passed++;
	else
		r->failed++;
}

/* ---- one form: a file ---- */
/* Nothing but what the vectors list may have changed. */
static void compare_all_ram(struct run *r)
{
	if (memcmp(r->rig->ram->host, r->expected, RAM_BYTES) == 0)
		return;
	for (uint32_t a = 0; a < RAM_BYTES; a++)
		if (r->rig->ram->host[a] != r->expected[a] && r->told++ < MOST_TOLD)
			printf("FAILED %s: stray store to %05x\n", r->form, a);
	memcpy(r->expected, r->rig->ram->host, RAM_BYTES);
	r->failed++;
}

static void one_form(struct run *r, const char *folder, const char *name)
{
	static struct moo_test t;
	struct moo_file file;
	char path[4096];
	unsigned n = 0;
	bool bad = true;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	snprintf(r->form, sizeof(r->form), "%.*s", (int)(strlen(name) - strlen(".MOO.gz")), name);
	r->told = 0;
	if (!moo_flags_mask(r->metadata, r->form, &r->mask)) {
		printf("FAILED %s: not in metadata.json\n", r->form);
		r->failed++;
	}
	if (moo_open(&file, path)) {
		for (; moo_next(&file, &t, &bad); n++)
			one_vector(r, &t);
		bad |= n != file.count;
		moo_close(&file);
	}
	if (bad) {
		printf("FAILED %s: cut short or malformed after %u tests\n", r->form, n);
		r->failed++;
	}
	compare_all_ram(r);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The files' names in order; the count. */
static unsigned find_forms(const char *folder, char *names[MOST_FORMS])
{
	DIR *d = opendir(folder);
	struct dirent *e;
	unsigned n = 0;

	while (d && n < MOST_FORMS && (e = readdir(d))) {
		size_t length = strlen(e->d_name);
		if (length > 7 && !strcmp(e->d_name + length - 7, ".MOO.gz"))
			names[n++] = strdup(e->d_name);
	}
	if (d)
		closedir(d);
	qsort(names, n, sizeof(names[0]), by_name);
	return n;
}

static void set_up(struct run *r, const char *model)
{
	r->rig = rig_new(model, RAM_BYTES);
	rig_real(r->rig, 0, 0);
	r->blank = r->rig->cpu.s;
	r->blank.fpu.cw = 0x37f; /* as FNINIT leaves it */
	r->expected = calloc(1, RAM_BYTES);
	if (!r->expected)
		abort();
}

static void report(const struct run *r, unsigned forms)
{
	static const char *const titles[] = {
		[LEFT_OUT] = "left out",
		[FAULTS] = "left out, but for the exception of a 386",
		[COMPARED] = "passed, but for what is not compared",
	};
	unsigned left_out = r->revoked;

	for (unsigned i = 0; i < DIFFERENCES; i++)
		left_out += differences[i].what != COMPARED ? r->met[i] : 0;
	printf("vectors: %u forms, %u tests: %u passed, %u failed, %u left out (%u revoked)\n", forms,
	       r->passed + r->failed + left_out, r->passed, r->failed, left_out, r->revoked);
	for (unsigned what = LEFT_OUT; what <= COMPARED; what++) {
		printf("%s:\n", titles[what]);
		for (unsigned i = 0; i < DIFFERENCES; i++)
			if (differences[i].what == what)
				printf("%7u  %s\n", r->met[i], differences[i].reason);
	}
}

/* Arguments: the folder, the processor model; then, for looking closer, forms. */
int main(int argc, char **argv)
{
	static char *names[MOST_FORMS];
	static struct run r;
	const char *folder = argc > 1 ? argv[1] : ".";
	unsigned n = find_forms(folder, names);

	if (n == 0 || !(r.metadata = moo_metadata_new(folder))) {
		printf("SKIPPED: no vectors in %s (TRAPGATE_SHARED_DIR)\n", folder);
		return SKIPPED;
	}
	set_up(&r, argc > 2 ? argv[2] : "max");
	for (unsigned i = 0; i < n; i++) {
		bool wanted = argc <= 3;
		for (int a = 3; a < argc; a++)
			wanted |= !strncmp(names[i], argv[a], strlen(argv[a])) && names[i][strlen(argv[a])] == '.';
		if (wanted)
			one_form(&r, folder, names[i]);
	}
	report(&r, n);
	/* Every row is needed. */
	for (unsigned i = 0; argc <= 3 && i < DIFFERENCES; i++)
		if (r.met[i] == 0 && ++r.failed)
			printf("FAILED: no vector meets \"%s\"\n", differences[i].reason);
	return r.failed != 0;
}
