#include "arch/fault.h"

#include <stddef.h>

static const struct why_info table[WHY_COUNT] = {
	[WHY_NONE] = {"NONE", "no reason recorded", ""},
#define WHY(name, sentence, source) [WHY_##name] = {#name, sentence, source},
#include "arch/why.def"
#undef WHY
};

const struct why_info *why_info(enum why why)
{
	return &table[(unsigned)why < WHY_COUNT ? why : WHY_NONE];
}
