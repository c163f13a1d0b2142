/* What a view found out, as a tree: objects, lists and values.  The text for people and the JSON for
 * programs are both printed from it, so they cannot say different things. */
#ifndef TRAPGATE_EXPLAIN_FACTS_H
#define TRAPGATE_EXPLAIN_FACTS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum fact_kind { FACT_OBJECT, FACT_LIST, FACT_TEXT, FACT_NUMBER, FACT_HEX, FACT_FLAG, FACT_PLACE };

/* How a value is meant, for terminals with colours. */
enum tone { TONE_PLAIN, TONE_GOOD, TONE_BAD };

struct fact {
	struct facts *of;
	const char *key; /* NULL inside lists; text that outlives the tree */
	enum fact_kind kind;
	enum tone tone;
	unsigned digits;    /* FACT_HEX: at least so many */
	uint64_t value;     /* FACT_NUMBER, FACT_HEX, FACT_FLAG, FACT_PLACE */
	char *text;         /* FACT_TEXT; FACT_PLACE: "name+0x2 file.c:3", or empty */
	const char *symbol; /* FACT_PLACE: NULL: none; outlives the tree */
	uint64_t offset;
	const char *file; /* FACT_PLACE: NULL: none; outlives the tree */
	unsigned line;
	struct fact *first, *last, *next;
};

struct facts {
	struct fact root; /* an object */
	bool failed;      /* out of memory: something is missing */
	struct fact lost; /* takes what there is no memory for */
};

void facts_init(struct facts *facts);
void facts_free(struct facts *facts);

/* Each adds a value to an object (with a key) or a list (key NULL) and returns it. */
struct fact *put_object(struct fact *parent, const char *key);
struct fact *put_list(struct fact *parent, const char *key);
struct fact *put_text(struct fact *parent, const char *key, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
struct fact *put_number(struct fact *parent, const char *key, uint64_t value);
struct fact *put_hex(struct fact *parent, const char *key, uint64_t value, unsigned digits);
struct fact *put_flag(struct fact *parent, const char *key, bool value);
/* An address in the guest; symbol and file may be NULL. */
struct fact *put_address(struct fact *parent, const char *key, uint64_t address, const char *symbol, uint64_t offset,
			 const char *file, unsigned line);

/* The value behind a key of an object; NULL: none. */
struct fact *fact_find(const struct fact *object, const char *key);
/* Takes all but the values with these keys (separated by commas) out of an object.  False: one of
 * them is not there; *missing (within keys) and *length tell which. */
bool facts_keep(struct fact *object, const char *keys, const char **missing, size_t *length);

/* For people: aligned values, lists of objects as tables.  The root's "title" is the head line. */
void facts_print_text(const struct facts *facts, FILE *file, bool colour);
/* One JSON object in one line.  Addresses and register values are strings ("0x1b"), counts are numbers. */
void facts_print_json(const struct facts *facts, FILE *file);

#endif
