/* A case as a scene: mode, model, and the order in which the parts are made. */
#include <inttypes.h>
#include <string.h>

#include "arch/x86.h"
#include "testcase/scene.h"

struct scope scene_scope(struct scene *scene)
{
	return (struct scope){scene->arena, scene->problems, scene->params, scene};
}

const char *const scene_end_names[] = {"any", "end", "handler", "halt", "shutdown", "steps", "limit"};

/* ---- memory as it is put together ---- */
void scene_put(struct scene *scene, struct bytes bytes)
{
	scene->memory = arena_more(scene->arena, scene->memory, scene->memory_count, sizeof(scene->memory[0]));
	scene->memory[scene->memory_count++] = bytes;
}

void scene_peek(const struct scene *scene, uint64_t at, void *buffer, size_t size)
{
	uint8_t *to = buffer;

	memset(to, 0, size);
	for (unsigned i = 0; i < scene->memory_count; i++) {
		const struct bytes *b = &scene->memory[i];
		uint64_t first = at > b->at ? at : b->at;
		uint64_t last = at + size < b->at + b->size ? at + size : b->at + b->size;
		if (first < last)
			memcpy(to + (first - at), b->data + (first - b->at), last - first);
	}
}

bool scene_is_handler(const struct scene *scene, uint64_t linear)
{
	if (linear < AT_HANDLERS || linear >= AT_HANDLERS + HANDLERS || linear % 16)
		return false;
	for (unsigned i = 0; i < scene->memory_count; i++) {
		const struct bytes *b = &scene->memory[i];
		if (!b->preset && linear - b->at < b->size)
			return false;
	}
	return true;
}

/* Two parts of the case that lie over each other, and bytes outside of memory. */
bool scene_overlaps(struct scene *scene)
{
	bool good = true;

	for (unsigned i = 0; i < scene->memory_count; i++) {
		const struct bytes *a = &scene->memory[i];
		if (a->at + a->size > scene->ram || a->at + a->size < a->at)
			good = problem(scene->problems, a->node,
				       "%s at 0x%" PRIx64 ", 0x%x bytes: memory ends at 0x%" PRIx64 " (key ram)",
				       a->what, a->at, a->size, scene->ram);
		for (unsigned j = 0; j < i && !a->preset; j++) {
			const struct bytes *b = &scene->memory[j];
			if (b->preset || a->at >= b->at + b->size || b->at >= a->at + a->size)
				continue;
			good = problem(scene->problems, a->node,
				       "%s at 0x%" PRIx64 "-0x%" PRIx64 " overlaps %s at 0x%" PRIx64 "-0x%" PRIx64
				       " (line %u)",
				       a->what, a->at, a->at + a->size - 1, b->what, b->at, b->at + b->size - 1,
				       b->node->start.line);
		}
	}
	return good;
}

/* ---- the first keys ---- */
static bool pick_word(struct scene *scene, const struct node *node, const char *const *words, const char *what,
		      unsigned *picked)
{
	struct scope scope = scene_scope(scene);
	const char *text = expr_substitute(&scope, node), *list = "";

	for (unsigned i = 0; text && words[i]; i++) {
		if (!strcmp(words[i], text)) {
			*picked = i;
			return true;
		}
		list = arena_print(scene->arena, "%s%s%s", list, i ? ", " : "", words[i]);
	}
	return text && problem(scene->problems, node, "'%s' is no %s; there are %s", text, what, list);
}

static bool build_mode(struct scene *scene, const struct node *node)
{
	static const char *const modes[] = {"real", "prot16", "prot32", "vm86", "compat", "long64", NULL};
	static const char *const pagings[] = {"off", "32-bit", "pae", "4-level", "5-level", NULL};
	const struct node *mode = tree_get(node, "mode"), *paging = tree_get(node, "paging");
	unsigned picked = SCENE_PROT32;
	bool good = !mode || pick_word(scene, mode, modes, "mode", &picked);

	scene->mode = (enum scene_mode)picked;
	picked = scene_is_long(scene) ? PAGING_4_LEVEL : tree_get(node, "pages") ? PAGING_32 : PAGING_NONE;
	good &= !paging || pick_word(scene, paging, pagings, "paging", &picked);
	scene->paging = (enum scene_paging)picked;
	if (scene_is_long(scene) != (scene->paging >= PAGING_4_LEVEL))
		good = problem(scene->problems, paging ? paging : node,
			       "paging of 4 or 5 levels, and no other, belongs to IA-32e mode");
	if (scene->paging != PAGING_NONE && scene->mode == SCENE_REAL)
		good = problem(scene->problems, paging ? paging : node, "there is no paging in real mode");
	if (tree_get(node, "pages") && scene->paging == PAGING_NONE)
		good = problem(scene->problems, paging, "pages are described, but paging is off");
	return good;
}

static bool build_model(struct scene *scene, const struct node *node, const struct build_options *options)
{
	struct scope scope = scene_scope(scene);
	const struct node *cpu = tree_get(node, "cpu");
	const char *name = cpu ? expr_substitute(&scope, cpu) : NULL, *list = "";

	if (cpu && !name)
		return false;
	if (options->cpu)
		name = options->cpu;
	scene->model = cpu_model_find(name);
	if (scene->model)
		return true;
	for (unsigned i = 0; i < cpu_model_count; i++)
		list = arena_print(scene->arena, "%s%s%s", list, i ? ", " : "", cpu_models[i].name);
	return problem(scene->problems, cpu ? cpu : node, "'%s' is no processor model; there are %s", name, list);
}

static bool build_sizes(struct scene *scene, const struct node *node)
{
	struct scope scope = scene_scope(scene);
	const struct node *ram = tree_get(node, "ram"), *cpl = tree_get(node, "cpl"), *board = tree_get(node, "board");
	static const char *const boards[] = {"bare", "pic", NULL};
	unsigned picked = 0;
	uint64_t level = 0;
	bool good = true;

	scene->ram = SCENE_RAM;
	if (ram)
		good &= expr_bits(&scope, ram, 32, &scene->ram);
	if (good && (scene->ram % 0x1000 || scene->ram < 0x20000 || scene->ram > SCENE_MOST_RAM))
		good = problem(scene->problems, ram, "0x%" PRIx64 " bytes: whole pages from 0x20000 to 0x40000000",
			       scene->ram);
	if (cpl)
		good &= expr_bits(&scope, cpl, 2, &level);
	scene->cpl = scene->mode == SCENE_VM86 ? 3 : scene->mode == SCENE_REAL ? 0 : (unsigned)level;
	if (cpl && good && scene->cpl != level)
		good = problem(scene->problems, cpl, "CPL is %u in this mode", scene->cpl);
	if (board)
		good &= pick_word(scene, board, boards, "board", &picked);
	scene->pic = picked == 1;
	return good;
}

/* A case with page tables of its own under PAE: the processor has loaded the four pointers with CR3. */
static void take_pdptes(struct scene *scene)
{
	const struct arch_state *s = &scene->s;

	if (scene->paging == PAGING_NONE && (s->cr0 & CR0_PG) && (s->cr4 & CR4_PAE))
		scene_peek(scene, s->cr3 & 0xffffffe0, scene->s.pdpte, sizeof(scene->s.pdpte));
}

static const char *const case_keys[] = {
	"name",    "about", "sdm",    "use",    "cpu",    "mode", "cpl",    "board", "ram",  "matrix", "rows",
	"columns", "let",   "only",   "paging", "pages",  "gdt",  "ldt",    "idt",   "ivt",  "tss",    "regs",
	"flags",   "fpu",   "memory", "code",   "events", "run",  "expect", "host",  "qemu", "tags",   NULL};

bool scene_build(struct scene *scene, struct arena *arena, struct problems *problems, const struct node *node,
		 const char *name, const struct param *params, const struct build_options *options)
{
	const struct node *expect = tree_get(node, "expect");

	*scene = (struct scene){.arena = arena,
				.problems = problems,
				.node = node,
				.file = node->file,
				.name = name,
				.params = params,
				.host = options->host,
				.shift = options->host ? HOST_SHIFT : 0};
	if (!tree_keys(problems, node, case_keys))
		return false;
	if (!build_mode(scene, node) || !build_model(scene, node, options) || !build_sizes(scene, node))
		return false;
	tables_preset(scene);
	if (!code_build(scene, tree_get(node, "code"), options) || !tables_build(scene, node) || !regs_build(scene, node))
		return false;
	if (!pages_build(scene, tree_get(node, "pages")) || !memory_build(scene, tree_get(node, "memory")) ||
	    !events_build(scene, tree_get(node, "events"), tree_get(node, "run")))
		return false;
	if (tree_get(node, "fpu") && !fpu_build(scene, tree_get(node, "fpu")))
		return false;
	take_pdptes(scene);
	if (!scene->codes && !scene->events && !tree_get(node, "run"))
		return problem(problems, node, "there is nothing to run: no code, and no events");
	if (!scene_overlaps(scene))
		return false;
	return expect ? expect_build(scene, expect)
		      : problem(problems, node, "the case expects nothing: there is no key 'expect'");
}
