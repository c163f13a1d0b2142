/* A delivery matrix, by its world.h, oracle and peers.def.
 * matrix [-a] [-e STEP] check FILE [PEER]: compares what the guest printed with the oracle; with PEER, with the oracle
 * and that peer's rows of peers.def, whose counts must be the real ones.  Names every difference (the first 40 unless
 * -a is given). STEP: the guest tried each STEPth index only.  Status 0: all is as it should be. matrix expect: prints
 * the oracle's records. matrix doc: prints docs/peers-delivery.md. */
#include "oracle.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct row {
	const char *peer, *name;
	uint32_t combinations;
	const char *who, *what, *where;
} rows[] = {
#define PEER(peer, version, combinations)
#define QUIRK(peer, name, combinations, who, what, where) {#peer, #name, combinations, who, what, where},
#include <peers.def>
#undef PEER
#undef QUIRK
};

static const struct peer {
	const char *name, *version;
	uint32_t combinations;
} peers[] = {
#define PEER(peer, version, combinations) {#peer, version, combinations},
#define QUIRK(peer, name, combinations, who, what, where)
#include <peers.def>
#undef PEER
#undef QUIRK
};

#define PEERS (sizeof(peers) / sizeof(peers[0]))

/* ---- a record as the guest prints it (roms/matrix/monitor.c) ---- */

static void print_record(const char *head, const struct record *r, bool segments)
{
	const uint64_t fields[] = {r->handler, r->cs,     r->ss,     r->esp,    r->eflags,
				   r->cr2,     r->seg[0], r->seg[1], r->seg[2], r->seg[3]};

	printf("%s%05x", head, r->index);
	for (unsigned i = 0; i < (segments ? 10 : 6); i++)
		printf(" %" PRIx64, fields[i]);
	printf(" :");
	for (unsigned i = 0; i < r->frame_bytes; i++)
		printf("%s%02x", i % 2 ? "" : i % 4 ? "." : " ", r->frame[i]);
	if (r->handler >= VECTORS)
		printf(" : %" PRIx64 " %" PRIx64 " %" PRIx64 " %" PRIx64 " %" PRIx64, r->saved[0], r->saved[1],
		       r->saved[2], r->saved[3], r->saved[4]);
	printf("\n");
}

static bool field(const char **s, uint64_t *v)
{
	char *end;

	if (**s == ' ')
		++*s;
	*v = strtoull(*s, &end, 16);
	if (end == *s)
		return false;
	*s = end;
	return true;
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse(const char *s, struct record *r)
{
	uint64_t index = 0, *fields[] = {&index,  &r->handler, &r->cs,     &r->ss,     &r->esp,   &r->eflags,
					 &r->cr2, &r->seg[0],  &r->seg[1], &r->seg[2], &r->seg[3]};
	unsigned n = 0;

	memset(r, 0, sizeof(*r));
	while (n < 11 && strncmp(s, " :", 2) != 0)
		if (!field(&s, fields[n++]))
			return false;
	if ((n != 7 && n != 11) || strncmp(s, " :", 2) != 0)
		return false;
	r->index = (uint32_t)index;
	for (s += 2; *s && *s != '\n' && *s != ':'; s++) {
		if (*s == ' ' || *s == '.')
			continue;
		if (hex_digit(s[0]) < 0 || hex_digit(s[1]) < 0 || r->frame_bytes == FRAME_MAX)
			return false;
		r->frame[r->frame_bytes++] = (uint8_t)(hex_digit(s[0]) << 4 | hex_digit(s[1]));
		s++;
	}
	if (*s != ':')
		return *s == '\n';
	s++;
	for (unsigned i = 0; i < 5; i++)
		if (!field(&s, &r->saved[i]))
			return false;
	return *s == '\n';
}

static void forget_undefined(const struct record *expected, struct record *r)
{
	r->esp &= ~expected->esp_undefined;
	r->eflags &= ~expected->eflags_undefined;
	for (unsigned i = 0; i < FRAME_MAX; i++)
		if (expected->frame_unseen >> i & 1)
			r->frame[i] = 0;
	r->saved[1] &= ~expected->saved_eflags_undefined;
	if (expected->frame_rf_undefined)
		r->frame[expected->frame_rf_undefined] &= 0xfe;
}

static bool same(struct record e, struct record g, const struct world *w)
{
	struct record undefined = e;

	forget_undefined(&undefined, &e);
	forget_undefined(&undefined, &g);
	return e.any ||
	       (e.handler == g.handler && e.cs == g.cs && e.ss == g.ss && e.esp == g.esp && e.eflags == g.eflags &&
		e.cr2 == g.cr2 && (!shows_segments(w) || memcmp(e.seg, g.seg, sizeof(e.seg)) == 0) &&
		e.frame_bytes == g.frame_bytes && memcmp(e.frame, g.frame, e.frame_bytes) == 0 &&
		(e.handler < VECTORS || memcmp(e.saved, g.saved, sizeof(e.saved)) == 0));
}

/* ---- the comparison ---- */

struct tally {
	uint32_t combinations, different, departures, missing; /* departures: records that are not the SDM's */
	uint32_t row[QUIRKS];
};

static void explain(const struct world *w, const struct record *e, const struct record *got)
{
	printf("%05x %s: ", e->index, world_block(e->index));
	describe(w);
	print_record("  expected ", e, shows_segments(w));
	if (got)
		print_record("  found    ", got, shows_segments(w));
	else
		printf("  found    no record\n");
}

static uint64_t peer_quirks(const struct peer *peer)
{
	uint64_t quirks = 0;

	for (unsigned i = 0; i < QUIRKS; i++)
		if (peer && strcmp(rows[i].peer, peer->name) == 0)
			quirks |= (uint64_t)1 << i;
	return quirks;
}

/* Which rows make a difference here. */
static void count_rows(const struct world *w, uint64_t quirks, const struct record *with, struct tally *t)
{
	struct record r;

	if (!quirks)
		return;
	if (with->any || !oracle(with->index, w, 0, &r) || !same(r, *with, w))
		t->departures++;
	for (unsigned i = 0; i < QUIRKS; i++)
		if ((quirks >> i & 1) && (!oracle(with->index, w, quirks & ~((uint64_t)1 << i), &r) ||
					  r.any != with->any || !same(r, *with, w)))
			t->row[i]++;
}

static void skip_to(FILE *f, uint32_t index, struct record *got, bool *have)
{
	static char line[1024];

	while ((!*have || got->index < index) && fgets(line, sizeof(line), f))
		*have = parse(line, got);
}

static void compare(FILE *f, uint64_t quirks, uint32_t step, uint32_t most, struct tally *t)
{
	static struct world w;
	struct record want, got = {0};
	bool have = false;

	for (uint32_t i = 0; i < world_count(); i += step) {
		if (!world_build(i, &w))
			continue;
		t->combinations++;
		if (!oracle(i, &w, quirks, &want)) {
			printf("%05x %s: the oracle finds no way to any handler\n", i, world_block(i));
			t->different++;
			continue;
		}
		skip_to(f, i, &got, &have);
		if (!have || got.index != i)
			t->missing++;
		if (have && got.index == i && same(want, got, &w))
			count_rows(&w, quirks, &want, t);
		else if (t->different++ < most)
			explain(&w, &want, have && got.index == i ? &got : NULL);
	}
}

static int report(const struct tally *t, const struct peer *peer, uint64_t quirks, uint32_t step)
{
	bool wrong = t->different != 0 || t->combinations < 20000 / step;

	for (unsigned i = 0; i < QUIRKS; i++) {
		if (!(quirks >> i & 1))
			continue;
		printf("%7u %-18s %s\n", t->row[i], rows[i].name, rows[i].what);
		if (step == 1 && t->row[i] != rows[i].combinations) {
			printf("        but peers.def says %u\n", rows[i].combinations);
			wrong = true;
		}
	}
	if (peer) {
		printf("%u of %u records are not the SDM's; the rules of peers.def do not explain %u\n",
		       t->departures + t->different, t->combinations, t->different);
		if (step == 1 && t->departures != peer->combinations) {
			printf("peers.def says %u\n", peer->combinations);
			wrong = true;
		}
	} else {
		printf("%u combinations, %u differ, %u of them without a record\n", t->combinations, t->different,
		       t->missing);
	}
	return wrong;
}

static int check(const char *file, const char *peer_name, uint32_t step, uint32_t most)
{
	const struct peer *peer = NULL;
	struct tally t = {0};
	FILE *f = fopen(file, "rb");

	if (!f) {
		perror(file);
		return 2;
	}
	for (unsigned i = 0; i < PEERS; i++)
		if (peer_name && strcmp(peers[i].name, peer_name) == 0)
			peer = &peers[i];
	if (peer_name && !peer) {
		fprintf(stderr, "matrix: peers.def has no %s\n", peer_name);
		return 2;
	}
	compare(f, peer_quirks(peer), step, most, &t);
	fclose(f);
	return report(&t, peer, peer_quirks(peer), step);
}

static int expect(void)
{
	static struct world w;
	struct record r;

	for (uint32_t i = 0; i < world_count(); i++)
		if (world_build(i, &w) && oracle(i, &w, 0, &r))
			print_record("", &r, shows_segments(&w));
	return 0;
}

/* ---- docs/peers-delivery.md ---- */

static int doc(void)
{
	static struct world w;
	uint32_t combinations = 0;

	for (uint32_t i = 0; i < world_count(); i++)
		combinations += world_build(i, &w);
	doc_head(combinations);
	for (unsigned p = 0; p < PEERS; p++) {
		printf("\n## %s\n\n%u records are not the SDM's.\n\n| records | what it does otherwise | right | SDM "
		       "|\n|--:|---|---|---|\n",
		       peers[p].version, peers[p].combinations);
		for (unsigned i = 0; i < QUIRKS; i++)
			if (strcmp(rows[i].peer, peers[p].name) == 0)
				printf("| %u | %s | %s | %s |\n", rows[i].combinations, rows[i].what, rows[i].who,
				       rows[i].where);
	}
	return 0;
}

int main(int argc, char **argv)
{
	uint32_t most = 40, step = 1;
	int at = 1;

	for (; at < argc && argv[at][0] == '-'; at++)
		if (strcmp(argv[at], "-a") == 0)
			most = UINT32_MAX;
		else if (strcmp(argv[at], "-e") == 0 && at + 1 < argc)
			step = (uint32_t)strtoul(argv[++at], NULL, 10);
	argc -= at;
	argv += at;
	if (argc == 1 && strcmp(argv[0], "expect") == 0)
		return expect();
	if (argc == 1 && strcmp(argv[0], "doc") == 0)
		return doc();
	if ((argc == 2 || argc == 3) && strcmp(argv[0], "check") == 0 && step)
		return check(argv[1], argc == 3 ? argv[2] : NULL, step, most);
	fprintf(stderr, "usage: matrix [-a] [-e STEP] check FILE [PEER] | expect | doc\n");
	return 2;
}
