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
	return p->our.op[1].width == 16 && p->our.osize != 16;
}

static bool is_segment_override(const struct pair *p)
{
	return p->our.seg_override;
}

static bool is_vector(const struct pair *p)
{
	return p->our.vl != 0;
}

static bool is_io(const struct pair *p)
{
	return p->our.osize == 64 && p->our.width == 32 && p->z.operand_width == 32;
}

static bool has_no_width(const struct pair *p)
{
	return p->our.op[0].kind == OPD_MEM && p->our.op[0].width == 0;
}

static bool is_16_of_memory(const struct pair *p)
{
	return p->our.osize == 16;
}

static bool is_amd(const struct pair *p)
{
	return p->mode->how & DECODE_AMD;
}

static bool is_amd_branch(const struct pair *p)
{
	return is_amd(p) && (opcode_rows[p->our.row].attributes & (ATTR_BRANCH | ATTR_FAR));
}

static bool is_amd_without(const struct pair *p)
{
	return is_amd(p) && p->z.meta.isa_set == ZYDIS_ISA_SET_PREFETCH_NOP && p->our.modrm >= 0xc0;
}

static bool is_amd_wide(const struct pair *p)
{
	return is_amd(p) && p->our.mode != MODE_LONG64 && p->our.vex && (p->our.rex & 8);
}

static bool ignores_66(const struct pair *p)
{
	return p->our.osize != p->our.width;
}

static bool is_xchg_r8(const struct pair *p)
{
	return p->our.op[0].kind == OPD_GPR && p->our.op[0].reg == 8 && p->our.rep;
}

static bool is_mask(const struct pair *p)
{
	return p->our.rex & 8;
}

/* 67, REX.B or VEX.B, and a SIB byte with base 5 where mod is 0. */
static bool is_no_base(const struct pair *p)
{
	return p->our.mode == MODE_LONG64 && p->our.addrsize_prefix && (p->our.rex & 1) && p->our.modrm >> 6 == 0 &&
	       (p->our.modrm & 7) == 4 && p->our.base == REG_NONE;
}

static bool is_refused_vex(const struct pair *p)
{
	return p->our.status == DECODE_TOO_LONG &&
	       (p->zydis_status == ZYDIS_STATUS_ILLEGAL_LOCK || p->zydis_status == ZYDIS_STATUS_ILLEGAL_LEGACY_PFX ||
		p->zydis_status == ZYDIS_STATUS_ILLEGAL_REX);
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
	{MN_INVALID, CHECK_TOO_LONG, is_refused_vex,
	 "SDM 3, \"Exception Priority\": the length comes before #UD; Zydis sees the prefix before C4 or C5 first"},
	{MN_INVALID, CHECK_VALID_FOR_ZYDIS, is_amd_without, "0F 0D with a register: measured, AMD's are #UD"},
	{MN_sysenter, CHECK_VALID_FOR_ZYDIS, is_amd, "AMD64 APM 3, \"SYSENTER\": #UD in long mode"},
	{MN_sysexit, CHECK_VALID_FOR_ZYDIS, is_amd, "AMD64 APM 3, \"SYSEXIT\": #UD in long mode"},
	{MN_INVALID, CHECK_VALID_FOR_ZYDIS, is_amd_wide, "VPEXTRQ, VPINSRQ outside 64-bit mode: measured, AMD's are #UD"},
	/* sizes: SDM 1, "Operand-Size and Address-Size Attributes", knows 16 and 32; the rest is insn.width */
	{MN_INVALID, CHECK_OSIZE, is_byte, "Zydis gives byte instructions the operand size 8"},
	{MN_mov, CHECK_OSIZE, is_control_register,
	 "SDM 2, \"MOV - Move to/from Control Registers\": always 32 bits, whatever the operand size"},
	{MN_invlpg, CHECK_OSIZE, NULL, "Zydis says 8; the instruction has no operand of that size"},
	{MN_cmpxchg8b, CHECK_OSIZE, NULL, "Zydis says 32; SDM 2, \"CMPXCHG8B\": 64 bits, no operand size"},
	{MN_nop, CHECK_OSIZE, is_hint, "Zydis says 32 for 0F 1E; SDM 2, \"NOP\": r/m16, r/m32"},
	{MN_INVALID, CHECK_OSIZE, is_vector, "vector instructions have no operand size"},
	{MN_in, CHECK_OSIZE, is_io, "SDM 2, \"IN\", \"OUT\": 32 bits with REX.W, which insn.width says"},
	{MN_out, CHECK_OSIZE, is_io, "the same"},
	{MN_syscall, CHECK_OSIZE, NULL, "SDM 2, \"SYSCALL\": no operand size"},
	{MN_invpcid, CHECK_OSIZE, NULL, "SDM 2, \"INVPCID\": always 64 bits in 64-bit mode, else 32, which insn.width says"},
	{MN_INVALID, CHECK_OSIZE, is_amd_branch,
	 "AMD64 APM 1, \"Near Branches in 64-Bit Mode\": 66 gives all of them 16 bits, Zydis knows it of rel32 alone;"
	 " APM 3, \"CALL (Far)\", \"JMP (Far)\", \"LDS, LES, LFS, LGS, LSS\": no m16:64"},
	{MN_adox, CHECK_OSIZE, ignores_66, "SDM 2, \"ADOX\": 32 bits, or 64 with REX.W, which insn.width says"},
	{MN_adcx, CHECK_OSIZE, ignores_66, "SDM 2, \"ADCX\": the same"},
	{MN_clflushopt, CHECK_OSIZE, NULL, "SDM 2, \"CLFLUSHOPT\": no operand size"},
	{MN_xchg, CHECK_MNEMONIC, is_xchg_r8, "F3 41 90: measured, a processor exchanges with R8; Zydis says PAUSE"},
	/* operands */
	{MN_INVALID, CHECK_BASE_INDEX, is_no_base,
	 "SDM 2, \"Special Encodings of the ModR/M and SIB Bytes\": base 5 is none whatever REX.B is; Zydis forgets it with 67"},
	{MN_movmskps, CHECK_REGISTER_CLASS, is_mask, "SDM 2, \"MOVMSKPS\": zero-extended, so 32 bits are enough with REX.W too"},
	{MN_movmskpd, CHECK_REGISTER_CLASS, is_mask, "the same"},
	{MN_movmskps, CHECK_OPERAND_WIDTH, is_mask, "the same"},
	{MN_movmskpd, CHECK_OPERAND_WIDTH, is_mask, "the same"},
	{MN_INVALID, CHECK_DISPLACEMENT, is_no_base, "base 5 is none: as above"},
	{MN_INVALID, CHECK_REGISTER_CLASS, is_amd_branch, "AMD64 APM: as above"},
	{MN_INVALID, CHECK_OPERAND_WIDTH, is_amd_branch, "AMD64 APM: as above"},
	{MN_fxsave, CHECK_OPERAND_WIDTH, has_no_width, "an area of 512 bytes, but not all of them are written"},
	{MN_fxrstor, CHECK_OPERAND_WIDTH, has_no_width, "the same"},
	{MN_xsave, CHECK_OPERAND_WIDTH, has_no_width, "XCR0 decides on the length of the area"},
	{MN_xrstor, CHECK_OPERAND_WIDTH, has_no_width, "the same"},
	{MN_xsaveopt, CHECK_OPERAND_WIDTH, has_no_width, "the same"},
	{MN_clflush, CHECK_OPERAND_WIDTH, NULL, "SDM 2, \"CLFLUSH\": m8"},
	{MN_clflushopt, CHECK_OPERAND_WIDTH, NULL, "SDM 2, \"CLFLUSHOPT\": m8"},
	{MN_movsxd, CHECK_OPERAND_WIDTH, is_16_of_memory, "SDM 2, \"MOVSX/MOVSXD\": MOVSXD r16, r/m16"},
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
	{"movs", "movsq", 64}, {"cmps", "cmpsq", 64}, {"stos", "stosq", 64}, {"lods", "lodsq", 64},
	{"scas", "scasq", 64}, {"cbw", "cdqe", 64}, {"cwd", "cqo", 64}, {"iret", "iretq", 64}, {"jcxz", "jrcxz", 64},
	{"pushf", "pushfq", 64}, {"popf", "popfq", 64}, {"movd", "movq", 64}, {"vmovd", "vmovq", 64},
	{"pextrd", "pextrq", 64}, {"vpextrd", "vpextrq", 64}, {"pinsrd", "pinsrq", 64}, {"vpinsrd", "vpinsrq", 64},
	{"fxsave", "fxsave64", 64}, {"fxrstor", "fxrstor64", 64}, {"xsave", "xsave64", 64},
	{"xrstor", "xrstor64", 64}, {"xsaveopt", "xsaveopt64", 64},
	{"ins", "insb", 8}, {"ins", "insw", 16}, {"ins", "insd", 32},
	{"outs", "outsb", 8}, {"outs", "outsw", 16}, {"outs", "outsd", 32},
	{"cbw", "cwde", 32}, {"cwd", "cdq", 32}, {"iret", "iretd", 32}, {"jcxz", "jecxz", 32},
	{"pusha", "pushad", 32}, {"popa", "popad", 32}, {"pushf", "pushfd", 32}, {"popf", "popfd", 32},
	{"wait", "fwait", 0},
	{"feni", "feni8087_nop", 0}, {"fdisi", "fdisi8087_nop", 0}, {"fsetpm", "fsetpm287_nop", 0},
	{"nop", "pause", 0}, {"nop", "prefetchnta", 0}, {"nop", "prefetcht0", 0}, {"nop", "prefetcht1", 0},
	{"nop", "prefetcht2", 0}, {"nop", "prefetch", 0}, {"nop", "prefetchw", 0}, {"nop", "prefetchwt1", 0},
};
/* clang-format on */
