/* The option parser: arguments are separated by zero bytes. */
#include "cli/options.h"
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#define ARGUMENTS 16

static const char seed[] =
	"-m\0"
	"64M\0-kernel\0k\0-device\0isa-debug-exit,iobase=0xf4,iosize=4\0--trace=text:x\0-d\0int,unimp\0"
	"--inject\0"
	"0x40@every:1";
const uint8_t *const fuzz_seed = (const uint8_t *)seed;
const size_t fuzz_seed_size = sizeof(seed);
const unsigned fuzz_rounds = 100000;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *arguments[ARGUMENTS];
	struct diagnostic why;
	struct options options;
	int count = 0;

	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	for (size_t at = 0; at < size && count < ARGUMENTS; at += strlen(text + at) + 1)
		arguments[count++] = text + at;
	if (!options_parse(&options, count, arguments, &why) && (!why.text[0] || strchr(why.text, '\n')))
		abort(); /* refused without one clear line */
	free(text);
	return 0;
}
