#include "cli/property.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool value_number(const char *text, uint64_t *value, const char **end)
{
	char *stop;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	*value = strtoull(text, &stop, text[0] == '0' && (text[1] == 'x' || text[1] == 'X') ? 16 : 10);
	*end = stop;
	return errno == 0;
}

bool value_whole(const char *text, uint64_t *value)
{
	const char *end;

	return value_number(text, value, &end) && *end == '\0';
}

bool value_word(const char *text, const char *word)
{
	size_t n = strlen(word);

	return strncmp(text, word, n) == 0 && (text[n] == '\0' || text[n] == ',');
}

bool value_bad(const char *option, const char *value, const char *wanted, struct diagnostic *why)
{
	return diagnose(why, "%s %s: %s", option, value, wanted);
}

/* Copies up to a comma that is not doubled.  False: no room. */
static bool copy_value(const char **from, char *to, size_t size)
{
	const char *p = *from;
	size_t n = 0;

	for (; *p && (*p != ',' || p[1] == ','); p++) {
		if (*p == ',')
			p++;
		if (n + 1 >= size)
			return false;
		to[n++] = *p;
	}
	to[n] = '\0';
	*from = p;
	return true;
}

int property_next(const char **list, struct property *property)
{
	const char *p = *list;
	size_t n;

	if (*p == '\0')
		return 0;
	n = strcspn(p, "=,");
	if (n == 0 || n >= sizeof(property->key))
		return -1;
	memcpy(property->key, p, n);
	property->key[n] = '\0';
	p += n;
	property->has_value = *p == '=';
	property->value[0] = '\0';
	if (property->has_value) {
		p++;
		if (!copy_value(&p, property->value, sizeof(property->value)))
			return -1;
	}
	if (*p == ',') {
		p++;
		if (*p == '\0')
			return -1;
	}
	*list = p;
	return 1;
}

bool property_switch(const struct property *property, bool *value)
{
	static const struct {
		const char *word;
		bool value;
	} words[] = {{"on", true}, {"yes", true}, {"true", true}, {"off", false}, {"no", false}, {"false", false}};

	*value = true;
	if (!property->has_value)
		return true;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(property->value, words[i].word) == 0) {
			*value = words[i].value;
			return true;
		}
	return false;
}
