/* Prints the opcode table as Markdown, for documents. */
#include <stdio.h>

#include "decode/insn.h"

static const char *const generations[] = {
	[GEN_8086] = "8086",       [GEN_286] = "80286",        [GEN_386] = "80386",   [GEN_486] = "80486",
	[GEN_PENTIUM] = "Pentium", [GEN_PPRO] = "Pentium Pro", [GEN_LATER] = "later",
};

static const struct {
	unsigned bit;
	const char *text;
} attributes[] = {
	{ATTR_LOCK, "LOCK"},
	{ATTR_REP, "REP"},
	{ATTR_PROTECTED, "not in real or virtual-8086 mode"},
	{ATTR_I64, "not in 64-bit mode"},
	{ATTR_O64, "64-bit mode only"},
	{ATTR_UD, "always #UD"},
};

int main(void)
{
	printf("| Encoding | Instruction | Operands | Since | |\n|---|---|---|---|---|\n");
	for (unsigned i = 0; i < opcode_row_count; i++) {
		const struct opcode_row *row = &opcode_rows[i];
		const char *comma = "";
		printf("| %s | %s | %s | %s | ", row->encoding, row->name, row->operands, generations[row->cpu]);
		for (unsigned k = 0; k < sizeof(attributes) / sizeof(attributes[0]); k++)
			if (row->attributes & attributes[k].bit) {
				printf("%s%s", comma, attributes[k].text);
				comma = ", ";
			}
		printf(" |\n");
	}
	return 0;
}
