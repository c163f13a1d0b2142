/* Where the decoder and Zydis 4.0 disagree for good, and what decides it.  For test_zydis.c only. */

struct difference {
	uint16_t mnemonic; /* MN_INVALID: any */
	enum check check;
	bool (*applies)(const struct pair *p); /* NULL: always */
	const char *reason;
};

static bool is_prefetch(const struct pair *p)
{
	return p->zydis_ok && p->z.meta.isa_set == ZYDIS_ISA_SET_SSE_PREFETCH;
}

static bool is_pause(const struct pair *p)
{
	return p->zydis_ok && p->z.mnemonic == ZYDIS_MNEMONIC_PAUSE;
}

static bool is_real(const struct pair *p)
{
	return p->mode->mode == MODE_REAL;
}

static bool has_no_row(const struct pair *p)
{
	return p->our.status == DECODE_UD && p->our.mnemonic == MN_INVALID;
}

static bool is_byte(const struct pair *p)
{
	return p->our.width == 8 && p->z.operand_width == 8;
}

static bool is_control_register(const struct pair *p)
{
	unsigned to = p->our.op[0].kind, from = p->our.op[1].kind;

	return (to == OPD_CR || from == OPD_CR || to == OPD_DR || from == OPD_DR) && p->our.width == p->z.operand_width;
}

static bool is_hint(const struct pair *p)
{
	return p->our.has_modrm;
}

static bool is_16_of_32(const struct pair *p)
{
	return p->our.op[1].width == 16 && p->our.osize == 32;
}

static bool is_segment_override(const struct pair *p)
{
	return p->our.seg_override;
}

/* clang-format off */
static const struct difference differences[] = {
	/* validity */
	{MN_nop, CHECK_VALID_FOR_US, is_prefetch,
	 "SDM 2, \"Two-byte Opcode Map\", 0F 18: reserved-NOP; the prefetches came with SSE"},
	{MN_nop, CHECK_VALID_FOR_US, is_pause, "SDM 2, \"PAUSE\": operates like a NOP on earlier processors"},
	{MN_sysenter, CHECK_VALID_FOR_US, is_real,
	 "SDM 2, \"SYSENTER\", Real-Address Mode Exceptions: #GP, so it is decoded"},
	{MN_sysexit, CHECK_VALID_FOR_US, is_real,
	 "SDM 2, \"SYSEXIT\", Real-Address Mode Exceptions: #GP, so it is decoded"},
	{MN_INVALID, CHECK_TOO_LONG, has_no_row,
	 "SDM 2, \"Opcode Map\": undefined by opcode or ModR/M alone; Zydis goes on reading a later instruction"},
	/* sizes: SDM 1, "Operand-Size and Address-Size Attributes", knows 16 and 32; the rest is insn.width */
	{MN_INVALID, CHECK_OSIZE, is_byte, "Zydis gives byte instructions the operand size 8"},
	{MN_mov, CHECK_OSIZE, is_control_register,
	 "SDM 2, \"MOV - Move to/from Control Registers\": always 32 bits, whatever the operand size"},
	{MN_invlpg, CHECK_OSIZE, NULL, "Zydis says 8; the instruction has no operand of that size"},
	{MN_cmpxchg8b, CHECK_OSIZE, NULL, "Zydis says 32; SDM 2, \"CMPXCHG8B\": 64 bits, no operand size"},
	{MN_nop, CHECK_OSIZE, is_hint, "Zydis says 32 for 0F 1E; SDM 2, \"NOP\": r/m16, r/m32"},
	/* operands */
	{MN_nop, CHECK_OPERAND_COUNT, is_hint, "SDM 2, \"Two-byte Opcode Map\", 0F 18 to 0F 1F: one operand, Ev"},
	{MN_nop, CHECK_REGISTER_NUMBER, is_hint, "the same: Zydis puts Gv before Ev in 0F 1A and 0F 1B"},
	{MN_nop, CHECK_REGISTER_CLASS, is_hint, "SDM 2, \"NOP\": r/m16, r/m32, where Zydis has 32 bits for 0F 1E"},
	{MN_nop, CHECK_OPERAND_WIDTH, is_hint, "the same, and m8 for the prefetches"},
	{MN_fucomp, CHECK_OPERAND_COUNT, NULL, "SDM 2, \"FUCOM/FUCOMP/FUCOMPP\": FUCOMP ST(i)"},
	{MN_fucomp, CHECK_REGISTER_NUMBER, NULL, "the same: Zydis puts ST0 before ST(i)"},
	{MN_lar, CHECK_REGISTER_CLASS, is_16_of_32, "SDM 2, \"LAR\": of r32/m16 only 16 bits are used"},
	{MN_lsl, CHECK_REGISTER_CLASS, is_16_of_32, "SDM 2, \"LSL\": of r32/m16 only 16 bits are used"},
	{MN_lar, CHECK_OPERAND_WIDTH, is_16_of_32, "the same"},
	{MN_lsl, CHECK_OPERAND_WIDTH, is_16_of_32, "the same"},
	{MN_ud0, CHECK_REGISTER_CLASS, NULL,
	 "SDM 2, \"UD\": r32, r/m32; never read, so they have the operand size here"},
	{MN_ud1, CHECK_REGISTER_CLASS, NULL, "the same"},
	{MN_ud0, CHECK_OPERAND_WIDTH, NULL, "the same"},
	{MN_ud1, CHECK_OPERAND_WIDTH, NULL, "the same"},
	{MN_lea, CHECK_SEGMENT, is_segment_override,
	 "SDM 2, \"LEA\": no access, so no segment; the prefix is in insn.seg"},
	{MN_invlpg, CHECK_OPERAND_WIDTH, NULL, "SDM 2, \"INVLPG\": m has no width"},
	{MN_lea, CHECK_OPERAND_WIDTH, NULL, "SDM 2, \"LEA\": m has no width"},
};
#define DIFFERENCES (sizeof(differences) / sizeof(differences[0]))

/* Other names of the same instruction. */
static const struct {
	const char *our, *zydis;
	uint8_t bits; /* insn.width; 0: any */
} other_names[] = {
	{"ja", "jnbe", 0}, {"jae", "jnb", 0}, {"je", "jz", 0}, {"jne", "jnz", 0}, {"jg", "jnle", 0}, {"jge", "jnl", 0},
	{"seta", "setnbe", 0}, {"setae", "setnb", 0}, {"sete", "setz", 0}, {"setne", "setnz", 0},
	{"setg", "setnle", 0}, {"setge", "setnl", 0},
	{"cmova", "cmovnbe", 0}, {"cmovae", "cmovnb", 0}, {"cmove", "cmovz", 0}, {"cmovne", "cmovnz", 0},
	{"cmovg", "cmovnle", 0}, {"cmovge", "cmovnl", 0},
	{"movs", "movsb", 8}, {"movs", "movsw", 16}, {"movs", "movsd", 32},
	{"cmps", "cmpsb", 8}, {"cmps", "cmpsw", 16}, {"cmps", "cmpsd", 32},
	{"stos", "stosb", 8}, {"stos", "stosw", 16}, {"stos", "stosd", 32},
	{"lods", "lodsb", 8}, {"lods", "lodsw", 16}, {"lods", "lodsd", 32},
	{"scas", "scasb", 8}, {"scas", "scasw", 16}, {"scas", "scasd", 32},
	{"ins", "insb", 8}, {"ins", "insw", 16}, {"ins", "insd", 32},
	{"outs", "outsb", 8}, {"outs", "outsw", 16}, {"outs", "outsd", 32},
	{"cbw", "cwde", 32}, {"cwd", "cdq", 32}, {"iret", "iretd", 32}, {"jcxz", "jecxz", 32},
	{"pusha", "pushad", 32}, {"popa", "popad", 32}, {"pushf", "pushfd", 32}, {"popf", "popfd", 32},
	{"wait", "fwait", 0},
	{"feni", "feni8087_nop", 0}, {"fdisi", "fdisi8087_nop", 0}, {"fsetpm", "fsetpm287_nop", 0},
	{"nop", "pause", 0}, {"nop", "prefetchnta", 0}, {"nop", "prefetcht0", 0}, {"nop", "prefetcht1", 0},
	{"nop", "prefetcht2", 0},
};
/* clang-format on */
