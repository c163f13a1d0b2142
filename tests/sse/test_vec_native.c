/* Floating-point instructions on vectors against the processor underneath: registers, memory, EFLAGS, MXCSR, #XM. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sse/fp_operands.h"
#include "sse/vec_rig.h"

/* What the sources are made of. */
enum content { SINGLE, DOUBLE, HALF, INTEGER };

struct sample {
	const char *text;
	const uint8_t *bytes, *end;
	uint64_t content;
};
/* vec_samples.S */
extern const struct sample vec_samples[], vec_samples_end[];

static unsigned cases = 300;

static void fill(struct random *r, void *to, size_t bytes, enum content content)
{
	static const unsigned sizes[] = {[SINGLE] = 4, [DOUBLE] = 8, [HALF] = 2, [INTEGER] = 8};
	uint8_t *p = to;

	/* Often few elements are special, so that an exception of one meets what others find. */
	for (size_t i = 0; i < bytes; i += sizes[content]) {
		uint64_t v = content == SINGLE   ? fp_random_bits(r, &fp_single)
			     : content == DOUBLE ? fp_random_bits(r, &fp_double)
			     : content == HALF   ? fp_random_bits(r, &fp_half)
						 : random_next(r) >> random_below(r, 64);

		memcpy(p + i, &v, sizes[content]);
	}
}

static void show(const char *who, const struct vec_state *s)
{
	print_message("%s: MXCSR %04x, flags %03x, RCX %llx, MM0 %llx%s\n", who, s->mxcsr, (unsigned)s->rflags & 0x8d5,
		      (unsigned long long)s->rcx, (unsigned long long)s->mmx[0], s->trapped ? ", #XM" : "");
	for (unsigned i = 0; i < 3; i++)
		print_message("  YMM%u %016llx %016llx %016llx %016llx\n", i, (unsigned long long)s->vec[i].u64[3],
			      (unsigned long long)s->vec[i].u64[2], (unsigned long long)s->vec[i].u64[1],
			      (unsigned long long)s->vec[i].u64[0]);
	print_message("  memory %016llx %016llx\n", (unsigned long long)s->memory[0].u64[1],
		      (unsigned long long)s->memory[0].u64[0]);
}

static bool same(const struct vec_state *a, const struct vec_state *b)
{
	return memcmp(a->vec, b->vec, sizeof(a->vec)) == 0 && memcmp(a->memory, b->memory, sizeof(a->memory)) == 0 &&
	       memcmp(a->mmx, b->mmx, sizeof(a->mmx)) == 0 && a->rcx == b->rcx && a->mxcsr == b->mxcsr &&
	       ((a->rflags ^ b->rflags) & 0x8d5) == 0 && a->trapped == b->trapped;
}

static void as_the_host(void **state)
{
	const struct sample *sample = *state;
	bool long64 = strstr(sample->text, "rcx") || strstr(sample->text, "qword ptr [rdx]");
	struct random random = {88172645463325252u + (uint64_t)(sample - vec_samples) * 1000};
	uint64_t at = RIG_CODE + 32u * (uint64_t)(sample - vec_samples) % 0x8000;

	if (!vec_host_start()) {
		print_message("SKIPPED: the host has no AVX2 and FMA\n");
		skip();
	}
	struct rig *r = vec_rig_new(long64);

	rig_write(r, at, sample->bytes, (size_t)(sample->end - sample->bytes));
	vec_host_load(sample->bytes, (unsigned)(sample->end - sample->bytes));
	for (unsigned i = 0; i < cases; i++) {
		struct vec_state before, host, here;

		memset(&before, 0, sizeof(before));
		fill(&random, before.vec, sizeof(before.vec), (enum content)sample->content);
		fill(&random, before.memory, sizeof(before.memory), (enum content)sample->content);
		fill(&random, before.mmx, sizeof(before.mmx), INTEGER);
		before.rcx = random_next(&random) >> random_below(&random, 64);
		before.rflags = (random_next(&random) & 0x8d5) | 0x202;
		before.mxcsr = fp_random_mxcsr(&random) | (random_below(&random, 2) ? 0 : random_below(&random, 64));
		host = here = before;
		vec_host_run(&host);
		vec_rig_run(r, at, &here);
		if (same(&host, &here))
			continue;
		show("before", &before);
		show("host", &host);
		show("here", &here);
		rig_free(r);
		fail_msg("%s", sample->text);
	}
	rig_free(r);
}

int main(int argc, char **argv)
{
	unsigned n = (unsigned)(vec_samples_end - vec_samples);
	struct CMUnitTest *tests = calloc(n + 1, sizeof(*tests));

	if (argc > 1)
		cases = (unsigned)strtoul(argv[1], NULL, 10);
	for (unsigned i = 0; i < n; i++)
		tests[i] = (struct CMUnitTest){vec_samples[i].text, as_the_host, NULL, NULL, (void *)&vec_samples[i]};
	int failed = _cmocka_run_group_tests("vec_native", tests, n, NULL, NULL);

	free(tests);
	return failed;
}
