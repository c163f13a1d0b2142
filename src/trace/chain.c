#include "trace/chain.h"

#include <string.h>

void chain_init(struct chain *chain)
{
	chain->links = 0;
	memset(chain->times, 0, sizeof(chain->times));
}

void chain_add(struct chain *chain, const struct chain_link *link)
{
	struct cause_times *t = &chain->times[link->cause & (CHAIN_CAUSES - 1)];

	if (!link->cause)
		return;
	chain->link[chain->links++ & (CHAIN_LINKS - 1)] = *link;
	if (t->cause != link->cause)
		*t = (struct cause_times){link->cause, link->when, CHAIN_NOT_PASSED};
	if (link->kind == LINK_STAGE && link->stage.what == STAGE_PASSED)
		t->passed = link->when;
}

const struct cause_times *chain_times(const struct chain *chain, uint64_t cause)
{
	const struct cause_times *t = &chain->times[cause & (CHAIN_CAUSES - 1)];

	return cause && t->cause == cause ? t : NULL;
}

unsigned chain_of(const struct chain *chain, uint64_t cause, const struct chain_link **links, unsigned room)
{
	unsigned kept = chain->links < CHAIN_LINKS ? (unsigned)chain->links : CHAIN_LINKS, n = 0;

	for (unsigned i = 1; cause && i <= kept && n < room; i++) {
		const struct chain_link *link = &chain->link[(chain->links - i) & (CHAIN_LINKS - 1)];

		if (link->cause == cause)
			links[n++] = link;
	}
	for (unsigned i = 0; i < n / 2; i++) {
		const struct chain_link *swap = links[i];

		links[i] = links[n - 1 - i];
		links[n - 1 - i] = swap;
	}
	return n;
}
