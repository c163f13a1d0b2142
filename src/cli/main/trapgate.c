#include <stddef.h>
#include <string.h>

#include "cli/cli.h"
#include "explain/explain.h"
#include "testcase/record.h"
#include "testcase/testcase.h"

/* `trapgate WORD ...` does something else than running a guest.  arguments[0] is the word. */
static const struct {
	const char *word;
	int (*main)(int count, char **arguments);
} subcommands[] = {
	{"run", cli_main},
	{"explain", explain_main},
	{"test", testcase_main},
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(subcommands) / sizeof(subcommands[0]); i++)
		if (strcmp(argv[1], subcommands[i].word) == 0)
			return subcommands[i].main(argc - 1, argv + 1);
	if (record_wanted(argc, argv))
		return record_main(argc, argv);
	return cli_main(argc, argv);
}
