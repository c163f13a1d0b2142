#include "testcase/expr.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "testcase/scene.h"

#define DEEPEST            40u
#define MOST_SUBSTITUTIONS 1000u

struct parser {
	struct scope *scope;
	const struct node *node;
	const char *text, *at;
	unsigned depth;
	bool quiet, failed;
};

static bool fail(struct parser *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool fail(struct parser *p, const char *format, ...)
{
	va_list arguments;

	if (p->failed)
		return false;
	p->failed = true;
	if (p->quiet)
		return false;
	va_start(arguments, format);
	const char *what = arena_vprint(p->scope->arena, format, arguments);
	va_end(arguments);
	return problem(p->scope->problems, p->node, "in '%s': %s", p->text, what);
}

static void space(struct parser *p)
{
	while (isspace((unsigned char)*p->at))
		p->at++;
}

static bool take(struct parser *p, const char *token)
{
	size_t n = strlen(token);

	space(p);
	if (strncmp(p->at, token, n) != 0)
		return false;
	p->at += n;
	return true;
}

static int64_t ternary(struct parser *p);

const struct param *param_find(const struct scope *scope, const char *name, size_t length)
{
	for (const struct param *i = scope->params; i; i = i->next)
		if (strlen(i->name) == length && !strncmp(i->name, name, length))
			return i;
	return NULL;
}

/* ---- names ---- */
static bool name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '.';
}

static int64_t call(struct parser *p, const char *name, size_t length)
{
	int64_t argument = ternary(p), value = 0;

	if (!take(p, ")"))
		fail(p, "no ')' behind %.*s(...", (int)length, name);
	if (!p->failed && (!p->scope->scene || !scene_function(p->scope->scene, name, length, argument, &value)))
		fail(p, "there is no function %.*s()", (int)length, name);
	return value;
}

/* A parameter whose text is an expression over names that were not known when it was bound: selectors, labels. */
static int64_t text_value(struct parser *p, const struct param *param)
{
	struct parser inner = {.scope = p->scope,
			       .node = p->node,
			       .text = param->text,
			       .at = param->text,
			       .depth = p->depth + 1,
			       .quiet = true};
	int64_t value = ternary(&inner);

	space(&inner);
	if (inner.failed || *inner.at)
		fail(p, "the parameter %s is text, not a number: '%s'", param->name, param->text);
	return value;
}

static int64_t named(struct parser *p)
{
	const char *name = p->at;
	size_t n = 0;
	int64_t value = 0;

	while (name_char(name[n]))
		n++;
	p->at += n;
	if (take(p, "("))
		return call(p, name, n);
	const struct param *param = param_find(p->scope, name, n);
	if (param && !param->number)
		value = text_value(p, param);
	else if (param)
		value = param->value;
	else if (!p->scope->scene || !scene_name(p->scope->scene, name, n, &value))
		fail(p, "unknown name '%.*s'", (int)n, name);
	return value;
}

/* ---- numbers ---- */
static int64_t number(struct parser *p)
{
	char *end;
	uint64_t value;

	errno = 0;
	if (p->at[0] == '0' && (p->at[1] == 'b' || p->at[1] == 'B'))
		value = strtoull(p->at + 2, &end, 2);
	else
		value = strtoull(p->at, &end, p->at[0] == '0' && (p->at[1] | 32) == 'x' ? 16 : 10);
	if (errno || name_char(*end))
		fail(p, "'%.20s' is no number", p->at);
	p->at = end;
	return (int64_t)value;
}

static int64_t primary(struct parser *p)
{
	int64_t value = 0;

	space(p);
	if (p->failed || ++p->depth > DEEPEST) {
		fail(p, "nested too deep");
	} else if (take(p, "(")) {
		value = ternary(p);
		if (!take(p, ")"))
			fail(p, "no ')' for a '('");
	} else if (take(p, "-")) {
		value = (int64_t)(0 - (uint64_t)primary(p));
	} else if (take(p, "~")) {
		value = ~primary(p);
	} else if (*p->at == '!' && p->at[1] != '=') {
		p->at++;
		value = !primary(p);
	} else if (isdigit((unsigned char)*p->at)) {
		value = number(p);
	} else if (isalpha((unsigned char)*p->at) || *p->at == '_') {
		value = named(p);
	} else {
		fail(p, *p->at ? "'%s' is not expected here" : "something is missing at the end%s", p->at);
	}
	p->depth--;
	return value;
}

/* ---- operators, the loosest first ---- */
static const struct operator
{
	const char *token;
	unsigned level;
}
operators[] = {
	{"||", 0}, {"&&", 1}, {"==", 5}, {"!=", 5}, {"<<", 7}, {">>", 7}, {"<=", 6}, {">=", 6}, {"<", 6},
	{">", 6},  {"|", 2},  {"^", 3},  {"&", 4},  {"+", 8},  {"-", 8},  {"*", 9},  {"/", 9},  {"%", 9},
};
#define LEVELS 10u

static const struct operator* next_operator(struct parser *p, unsigned level)
{
	space(p);
	for (unsigned i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
		size_t n = strlen(operators[i].token);
		if (strncmp(p->at, operators[i].token, n) != 0)
			continue;
		if (operators[i].level != level)
			return NULL;
		p->at += n;
		return &operators[i];
	}
	return NULL;
}

static int64_t divide(struct parser *p, char which, int64_t a, int64_t b)
{
	if (b == 0 || (a == INT64_MIN && b == -1)) {
		fail(p, "division by zero, or overflow");
		return 0;
	}
	return which == '/' ? a / b : a % b;
}

static int64_t apply(struct parser *p, const char *token, int64_t a, int64_t b)
{
	uint64_t ua = (uint64_t)a, ub = (uint64_t)b;

	switch (token[0] << 8 | token[1]) {
	case '|' << 8 | '|':
		return a || b;
	case '&' << 8 | '&':
		return a && b;
	case '=' << 8 | '=':
		return a == b;
	case '!' << 8 | '=':
		return a != b;
	case '<' << 8 | '<':
		return ub < 64 ? (int64_t)(ua << ub) : 0;
	case '>' << 8 | '>':
		return ub < 64 ? (int64_t)(ua >> ub) : 0;
	case '<' << 8 | '=':
		return a <= b;
	case '>' << 8 | '=':
		return a >= b;
	case '<' << 8:
		return a < b;
	case '>' << 8:
		return a > b;
	case '|' << 8:
		return a | b;
	case '^' << 8:
		return a ^ b;
	case '&' << 8:
		return a & b;
	case '+' << 8:
		return (int64_t)(ua + ub);
	case '-' << 8:
		return (int64_t)(ua - ub);
	case '*' << 8:
		return (int64_t)(ua * ub);
	default:
		return divide(p, token[0], a, b);
	}
}

static int64_t level(struct parser *p, unsigned n)
{
	const struct operator* o;
	int64_t a;

	if (n == LEVELS)
		return primary(p);
	a = level(p, n + 1);
	while (!p->failed && (o = next_operator(p, n)))
		a = apply(p, o->token, a, level(p, n + 1));
	return a;
}

static int64_t ternary(struct parser *p)
{
	int64_t condition, yes, no;

	if (++p->depth > DEEPEST) {
		fail(p, "nested too deep");
		return 0;
	}
	condition = level(p, 0);
	if (!p->failed && take(p, "?")) {
		yes = ternary(p);
		if (!take(p, ":"))
			fail(p, "no ':' for a '?'");
		no = p->failed ? 0 : ternary(p);
		condition = condition ? yes : no;
	}
	p->depth--;
	return condition;
}

static bool evaluate(struct parser *p, int64_t *value)
{
	*value = ternary(p);
	space(p);
	if (!p->failed && *p->at)
		fail(p, "'%s' is not expected here", p->at);
	return !p->failed;
}

bool expr_text(struct scope *scope, const struct node *node, const char *text, int64_t *value)
{
	struct parser p = {.scope = scope, .node = node, .text = text, .at = text};

	return evaluate(&p, value);
}

bool expr_try(struct scope *scope, const struct node *node, const char *text, int64_t *value)
{
	struct parser p = {.scope = scope, .node = node, .text = text, .at = text, .quiet = true};

	return evaluate(&p, value);
}

/* ---- nodes ---- */
static const char *substitute_one(struct scope *scope, const struct node *node, const char *text, size_t length)
{
	char *name = arena_copy(scope->arena, text, length);
	const struct param *param = param_find(scope, text, length);
	int64_t value;

	if (param)
		return param->text;
	return expr_text(scope, node, name, &value) ? arena_print(scope->arena, "%" PRId64, value) : NULL;
}

const char *expr_substitute(struct scope *scope, const struct node *node)
{
	const char *text = node->text, *out = "", *open;
	unsigned count = 0;

	if (node->kind != NODE_SCALAR) {
		problem(scope->problems, node, "here belongs a single value");
		return NULL;
	}
	if (!strstr(text, "${"))
		return text;
	while ((open = strstr(text, "${"))) {
		const char *close = strchr(open, '}'), *value;
		if (!close || ++count > MOST_SUBSTITUTIONS) {
			problem(scope->problems, node, close ? "too many of ${...}" : "no '}' for a '${'");
			return NULL;
		}
		value = substitute_one(scope, node, open + 2, (size_t)(close - open - 2));
		if (!value)
			return NULL;
		out = arena_print(scope->arena, "%s%.*s%s", out, (int)(open - text), text, value);
		text = close + 1;
	}
	return arena_print(scope->arena, "%s%s", out, text);
}

bool expr_node(struct scope *scope, const struct node *node, int64_t *value)
{
	const char *text = expr_substitute(scope, node);

	if (!text)
		return false;
	if (!*text)
		return problem(scope->problems, node, "here belongs a number");
	return expr_text(scope, node, text, value);
}

bool expr_bits(struct scope *scope, const struct node *node, unsigned bits, uint64_t *value)
{
	int64_t v;

	if (!expr_node(scope, node, &v))
		return false;
	*value = (uint64_t)v;
	if (bits < 64 && (v >= INT64_C(1) << bits || v < -(INT64_C(1) << (bits - 1))))
		return problem(scope->problems, node, "%s is 0x%" PRIx64 ": more than %u bits", node->text, (uint64_t)v,
			       bits);
	if (bits < 64)
		*value &= (UINT64_C(1) << bits) - 1;
	return true;
}

bool expr_bool(struct scope *scope, const struct node *node, bool *value)
{
	static const char *const words[] = {"no", "false", "off", "yes", "true", "on"};
	const char *text = expr_substitute(scope, node);
	int64_t v;

	for (unsigned i = 0; text && i < 6; i++)
		if (!strcmp(text, words[i])) {
			*value = i >= 3;
			return true;
		}
	if (!text || !expr_text(scope, node, text, &v))
		return false;
	*value = v != 0;
	return true;
}
