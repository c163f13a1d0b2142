/* The reader of test files: any bytes become cases, or problems with a place. */
#include "fuzz.h"
#include "testcase/scene.h"
#include "testcase/suite.h"

#include <stdlib.h>

#define MOST_BUILT 40u

static const char seed[] =
	"presets:\n  p: &p {cpl: 3, flags: IF IOPL=2, mode: vm86}\n"
	"cases:\n"
	"  - name: a ${n}\n    use: p\n    matrix: {n: 0..3, m: [a, b, random 2]}\n    let: {k: n * 8 + 2}\n"
	"    only: n != 2 || k == 3\n    regs: {eax: n, ds: {selector: ds0, limit: 0xfff}, cr4: PAE}\n"
	"    gdt: {0x58: {type: data, base: 0x10000, limit: 0xfffff, expand-down: yes}, cs3: ~}\n"
	"    idt: {0x50: {type: trap16, dpl: n, offset: end}}\n    tss: {esp0: 5, limit: 0x6f, bitmap: \"00 ff\"}\n"
	"    pages: [{at: data, count: 2, as: supervisor read-only}]\n    fpu: {st0: 1.5, sw: 0x3800}\n"
	"    memory: [{at: data, u32: [1, -1, data]}, {at: 0x3000, tss32: {eip: 5}}]\n"
	"    code: {hex: \"cd 50 ; int 0x50\"}\n    events: [{after: 3, raise: nmi}, {at: end, raise: 0x40}]\n"
	"    run: {steps: 5, limit: 10}\n"
	"    expect:\n      - {when: n < 2, deliver: [soft-int 0x50 refused GATE_DPL, GP(k) GATE_DPL]}\n"
	"      - <<: *p\n        deliver: {event: PF(5), cr2: data, frame: {eip: end, esp: any}}\n"
	"        regs: {al: 5, ebx: {value: 1, mask: 3}}\n        flags: CF -ZF ~AF\n"
	"        memory: [{at: data, bytes: \"01 02\"}]\n        fpu: {st0: empty}\n        end: shutdown\n"
	"  - name: l\n    mode: long64\n    regs: {r8: 1, r9b: 2, rax: 0x123456789ab, star: 5, fs.base: r8, ymm3.2: 7}\n"
	"    gdt: {0x68: {type: call64, offset: 0x123456789}, 0xa0: {type: code, bits: 64}, 0xa8: [1, 2]}\n"
	"    idt: {3: {type: trap64, ist: 3}}\n    tss: {rsp0: 5, ist7: 0x7fffffffffff}\n"
	"    pages: [{at: 0xffff800000000000, to: data, as: large global}]\n    code: {hex: 90, bits: 64}\n"
	"    expect: {regs: {r10d: 3}, deliver: {event: UD, frame: {rip: code}}, tss: {ist1: 0}}\n";
const uint8_t *const fuzz_seed = (const uint8_t *)seed;
const size_t fuzz_seed_size = sizeof(seed) - 1;
const unsigned fuzz_rounds = 3000;

static void require_places(const struct problems *problems)
{
	for (const struct problem *p = problems->first; p; p = p->next)
		if (!p->at.line || !p->at.column || !p->text[0])
			abort();
}

static void build(const struct suite *suite, const struct row *row)
{
	struct arena arena = {NULL};
	struct problems problems = {.arena = &arena};
	struct scene *scene = arena_alloc(&arena, sizeof(*scene));
	struct build_options options = {.no_assembler = true};
	bool good = scene_build(scene, &arena, &problems, row->node, row->name, row->params, &options);

	(void)suite;
	require_places(&problems);
	if (good != (problems.count == 0)) /* refused without a word, or used in spite of one */
		abort();
	arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct suite suite;

	bool good = suite_read(&suite, "fuzz.yml", (const char *)data, size, 1);
	require_places(&suite.problems);
	if (!good && !suite.problems.count)
		abort();
	for (unsigned i = 0; good && i < suite.count && i < MOST_BUILT; i++)
		build(&suite, &suite.row[i]);
	suite_free(&suite);
	return 0;
}
