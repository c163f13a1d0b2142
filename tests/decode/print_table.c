/* Prints the opcode table as Markdown, for documents. */
#include <stdio.h>

#include "decode/insn.h"

static const char *const generations[] = {
	[GEN_8086] = "8086",       [GEN_286] = "80286",        [GEN_386] = "80386",   [GEN_486] = "80486",
	[GEN_PENTIUM] = "Pentium", [GEN_PPRO] = "Pentium Pro", [GEN_LATER] = "later",
#define FEATURE(name, leaf, subleaf, reg, bit, with) [GEN_##name] = #name,
#include "decode/features.def"
#undef FEATURE
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
	{ATTR_D64, "64 bits by default in 64-bit mode"},
	{ATTR_F64, "64 bits in 64-bit mode"},
	{ATTR_W0, "W 0"},
	{ATTR_W1, "W 1"},
	{ATTR_B0, "B 0"},
	{ATTR_L0, "L 0"},
	{ATTR_L1, "L 1"},
	{ATTR_LIG, "L ignored"},
	{ATTR_256_AVX2, "256 bits with AVX2"},
	{ATTR_INTEL, "not AMD"},
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
