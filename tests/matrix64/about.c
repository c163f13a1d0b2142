/* The words of the matrix of IA-32e mode. */
#include "oracle.h"

#include <stdio.h>

static const char *const source_names[SOURCES] = {
	"INT n", "INT3",   "INT1",   "external", "NMI",   "#UD",   "#DE",   "#GP",   "#NP",   "#SS",
	"#PF",   "#GP(0)", "#SS(0)", "INTO",     "IRETQ", "IRETD", "IRETW", "RETFQ", "RETFD", "RETFW",
};

void describe(const struct world *w)
{
	static const char *const mode[] = {"64-bit mode", "32-bit compatibility mode", "16-bit compatibility mode"};
	const uint64_t *gate = w->idt[source_vector[w->source]];

	printf("%s from %s, CPL %u, RSP %llx, ", source_names[w->source], mode[w->mode], w->level,
	       (unsigned long long)w->rsp);
	if (is_return(w))
		printf("to %llx:%llx, flags %llx, stack %llx:%llx\n", (unsigned long long)w->image[1],
		       (unsigned long long)w->image[0], (unsigned long long)w->image[2],
		       (unsigned long long)w->image[4], (unsigned long long)w->image[3]);
	else
		printf("gate %016llx %016llx\n", (unsigned long long)gate[0], (unsigned long long)gate[1]);
}

void doc_head(uint32_t combinations)
{
	printf("\n# The same in IA-32e mode\n\n");
	printf("Printed by `matrix64 doc` from tests/matrix64/peers.def; `ctest -R matrix64_qemu` and `ctest -C soak "
	       "-R\n");
	printf("matrix64_bochs` prove it.\n\n");
	printf("The guest roms/matrix64 walks %u combinations: events (INT n, INT3, INT1, INTO, exceptions, an\n"
	       "external interrupt, an NMI) in 64-bit mode and in 32- and 16-bit compatibility mode, gate, IST, code\n",
	       combinations);
	printf("segment, CPL, TSS, stack pointer and pages; and what IRET and RETF of each size return to. Trapgate's\n"
	       "records are those of tests/matrix64/oracle.c, the SDM's pseudocode written down plainly, in every "
	       "one.\n\n");
	printf("Two things are not tried, because QEMU finds no way back from them: IRETD with VM = 1 in the image\n"
	       "(QEMU enters virtual-8086 mode), and a gate of #GP itself whose offset is not canonical (it is "
	       "entered\n"
	       "for ever).\n");
}
