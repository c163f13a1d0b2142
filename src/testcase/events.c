/* What arrives from outside and when, and how far the case runs. */
#include <inttypes.h>
#include <string.h>

#include "testcase/scene.h"

#define USUAL_LIMIT 10000u
#define MOST_TICKS  10000000u
#define MOST_EVENTS 1000u

static bool label_linear(struct scene *scene, const struct node *node, uint64_t *linear)
{
	struct scope scope = scene_scope(scene);
	const char *text = expr_substitute(&scope, node);

	if (!text)
		return false;
	for (unsigned i = 0; i < scene->labels; i++)
		if (!strcmp(scene->label[i].name, text)) {
			*linear = scene->label[i].linear;
			return true;
		}
	return expr_bits(&scope, node, 32, linear); /* a linear address */
}

/* nmi, init, a vector, or irq0 to irq15 of the interrupt controllers. */
static bool what_is_raised(struct scene *scene, const struct node *node, struct timed *event)
{
	struct scope scope = scene_scope(scene);
	const char *text = expr_substitute(&scope, node);
	uint64_t number;
	int64_t line;

	if (!text)
		return false;
	event->what = !strcmp(text, "nmi") ? RAISE_NMI : !strcmp(text, "init") ? RAISE_INIT : RAISE_VECTOR;
	if (event->what != RAISE_VECTOR)
		return true;
	if (!strncmp(text, "irq", 3)) {
		event->what = RAISE_LINE;
		if (!scene->pic)
			return problem(scene->problems, node, "interrupt lines need board: pic");
		if (!expr_text(&scope, node, text + 3, &line))
			return false;
		if (line < 0 || line > 15 || line == 2)
			return problem(scene->problems, node, "the lines are irq0 to irq15 without irq2, the cascade");
		event->number = (uint8_t)line;
		return true;
	}
	if (!expr_bits(&scope, node, 8, &number))
		return false;
	if (scene->pic)
		return problem(scene->problems, node, "with board: pic interrupts come by lines: irq0 to irq15");
	event->number = (uint8_t)number;
	return true;
}

static bool read_event(struct scene *scene, const struct node *node, struct timed *event)
{
	static const char *const keys[] = {"after", "at", "raise", "lower", NULL};
	struct scope scope = scene_scope(scene);
	const struct node *after = tree_get(node, "after"), *at = tree_get(node, "at"),
			  *raise = tree_get(node, "raise"), *lower = tree_get(node, "lower");

	*event = (struct timed){.node = node, .level = raise != NULL};
	if (!tree_keys(scene->problems, node, keys))
		return false;
	if (!after == !at)
		return problem(scene->problems, node, "an event comes `after: N` ticks or `at: LABEL`: one of the two");
	if (!raise == !lower)
		return problem(scene->problems, node,
			       "an event has `raise: nmi`, init, a vector or irqN, or `lower: irqN`");
	if (after && !expr_bits(&scope, after, 32, &event->when))
		return false;
	event->at_label = at != NULL;
	if (at && !label_linear(scene, at, &event->when))
		return false;
	if (!what_is_raised(scene, raise ? raise : lower, event))
		return false;
	if (lower && event->what != RAISE_LINE)
		return problem(scene->problems, lower, "only a line can be lowered");
	return true;
}

static bool read_run(struct scene *scene, const struct node *run)
{
	static const char *const keys[] = {"steps", "until", "limit", NULL};
	struct scope scope = scene_scope(scene);
	const struct node *steps = tree_get(run, "steps"), *until = tree_get(run, "until"),
			  *limit = tree_get(run, "limit");

	if (!tree_keys(scene->problems, run, keys))
		return false;
	if (steps && until)
		return problem(scene->problems, until, "both steps and until");
	if (limit && !expr_bits(&scope, limit, 32, &scene->limit))
		return false;
	if (scene->limit == 0 || scene->limit > MOST_TICKS)
		return problem(scene->problems, limit, "a limit from 1 to %u ticks", MOST_TICKS);
	if (steps) {
		if (!expr_bits(&scope, steps, 32, &scene->steps))
			return false;
		if (scene->steps > scene->limit)
			return problem(scene->problems, steps,
				       "%" PRIu64 " steps are above the limit of %" PRIu64 " ticks (key limit)",
				       scene->steps, scene->limit);
		scene->until = END_STEPS;
	}
	if (until && until->kind == NODE_SCALAR && !strcmp(until->text, "halt")) {
		scene->until = END_HALT;
		return true;
	}
	return !until || label_linear(scene, until, &scene->until_address);
}

bool events_build(struct scene *scene, const struct node *events, const struct node *run)
{
	bool good = true;

	scene->limit = USUAL_LIMIT;
	scene->until = END_AT_END;
	scene->until_address = scene->end;
	if (events && events->kind != NODE_LIST)
		return problem(scene->problems, events, "events is a list: - {after: 2, raise: nmi}");
	if (events && events->count > MOST_EVENTS)
		return problem(scene->problems, events, "more than %u events", MOST_EVENTS);
	scene->event = arena_alloc(scene->arena, (events ? events->count + 1 : 1) * sizeof(scene->event[0]));
	for (unsigned i = 0; events && i < events->count; i++)
		good &= read_event(scene, events->item[i], &scene->event[scene->events++]);
	return good && (!run || read_run(scene, run));
}
