/* The i386 matrix's own words. */
#include "oracle.h"

#include <stdio.h>

static const char *const source_names[SOURCES] = {
	"INT n", "INT3", "INTO", "INT1", "external", "#UD",   "#DE",   "#GP",
	"#NP",   "#SS",  "#TS",  "#PF",  "IRETD",    "IRETW", "RETFD", "RETFW",
};

void describe(const struct world *w)
{
	static const char *const level[] = {"ring 0", "ring 1", "ring 2", "ring 3", "virtual-8086 mode"};

	printf("%s from %s, %d-bit TSS, gate %016llx\n", source_names[w->source], level[w->level], w->tss32 ? 32 : 16,
	       (unsigned long long)w->idt[source_vector[w->source]]);
}

void doc_head(uint32_t combinations)
{
	printf("# Deliveries and returns: where the peers depart from the SDM\n\n");
	printf("Printed by `matrix doc` from tests/matrix/peers.def; `ctest -R matrix_qemu` and `ctest -C soak -R\n");
	printf("matrix_bochs` prove it.\n\n");
	printf("The guest roms/matrix walks %u combinations of source, gate, code segment, CPL, task state and "
	       "stack,\n",
	       combinations);
	printf("and of what IRET and RETF return to. Trapgate's records are those of tests/matrix/oracle.c, the "
	       "SDM's\n");
	printf("pseudocode written down plainly, in every one. So are the peers', except by the rules below: with a\n");
	printf("peer's rules in force the oracle gives each of its records, and without one of them the stated "
	       "number\n");
	printf("of records would be others. A record may come under several rules.\n");
}
