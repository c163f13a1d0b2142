/* Constants of the columns of opcodes.def.  Paste the column's token to the prefix: MODRM_##modrm. */
#ifndef TRAPGATE_DECODE_COLUMNS_H
#define TRAPGATE_DECODE_COLUMNS_H

/* V: behind a VEX prefix. */
enum column_map { MAP_1, MAP_0F, MAP_0F38, MAP_0F3A, MAP_V0F, MAP_V0F38, MAP_V0F3A, MAP_COUNT };

/* clang-format off */
/* The kind of ModR/M match in the high byte, the digit or the whole byte in the low one. */
#define MODRM_NONE   0x0000
#define MODRM_ANY    0x0100
#define MODRM_MEM    0x0200
#define MODRM_REG    0x0300
#define MODRM_D0     0x0400
#define MODRM_D1     0x0401
#define MODRM_D2     0x0402
#define MODRM_D3     0x0403
#define MODRM_D4     0x0404
#define MODRM_D5     0x0405
#define MODRM_D6     0x0406
#define MODRM_D7     0x0407
#define MODRM_M0     0x0500
#define MODRM_M1     0x0501
#define MODRM_M2     0x0502
#define MODRM_M3     0x0503
#define MODRM_M4     0x0504
#define MODRM_M5     0x0505
#define MODRM_M6     0x0506
#define MODRM_M7     0x0507
#define MODRM_R0     0x0600
#define MODRM_R1     0x0601
#define MODRM_R2     0x0602
#define MODRM_R3     0x0603
#define MODRM_R4     0x0604
#define MODRM_R5     0x0605
#define MODRM_R6     0x0606
#define MODRM_R7     0x0607
#define MODRM_X(byte) (0x0700 | 0x##byte)
#define MODRM_KIND(m) ((m) & 0xff00)

enum column_prefix { PREFIX_NP, PREFIX_P00, PREFIX_P66, PREFIX_PF3, PREFIX_PF2, PREFIX_PNF };

enum column_width { WIDTH_0, WIDTH_b, WIDTH_w, WIDTH_v, WIDTH_z, WIDTH_n, WIDTH_a, WIDTH_y };

/* COL_ alone: no operand. */
enum column_operand {
	COL_, COL_Eb, COL_Ew, COL_Ed, COL_Ez, COL_Ev, COL_Ey, COL_Gb, COL_Gw, COL_Gd, COL_Gv, COL_Gn, COL_Gy,
	COL_By, COL_Rv, COL_Rn, COL_Ry,
	COL_M, COL_Mb, COL_Mw, COL_Md, COL_Mq, COL_Mdq, COL_Mqq, COL_Mx, COL_Mv, COL_My,
	COL_Mt, COL_Mp, COL_Ma, COL_Ms, COL_Me, COL_Mf, COL_Mi32, COL_Mi64,
	COL_Zb, COL_Zv, COL_AL, COL_AX, COL_rAX, COL_eAX, COL_CL, COL_DX,
	COL_Ib, COL_Iz, COL_Iv, COL_Ub, COL_Uw, COL_1, COL_Jb, COL_Jz, COL_Ap, COL_Ob, COL_Ov,
	COL_Sw, COL_ES, COL_CS, COL_SS, COL_DS, COL_FS, COL_GS, COL_Cn, COL_Dn,
	COL_Xb, COL_Xv, COL_Xz, COL_Yb, COL_Yv, COL_Yz, COL_ST0, COL_STi,
	COL_Pd, COL_Pq, COL_Qd, COL_Qq,
	COL_Vd, COL_Vq, COL_Vdq, COL_Vqq, COL_Vh, COL_Vx, COL_Hd, COL_Hq, COL_Hdq, COL_Hqq, COL_Hh, COL_Hx,
	COL_Wb, COL_Ww, COL_Wd, COL_Wq, COL_Wdq, COL_Wqq, COL_Wh, COL_Wf, COL_We, COL_Wx, COL_Lx,
	COL_COUNT
};
/* clang-format on */

/* (Ev, Gv, Ib) to its parts: OPERAND_TEXT (Ev, Gv, Ib) is "Ev, Gv, Ib", OPERAND_COLUMNS (Ev, Gv, Ib) the
 * four constants, COL_ for those that are missing. */
#define OPERAND_TEXT(...)                                   #__VA_ARGS__
#define OPERAND_COLUMNS(...)                                OPERAND_COLUMNS_(__VA_ARGS__, , , , , )
#define OPERAND_COLUMNS_(first, second, third, fourth, ...) COL_##first, COL_##second, COL_##third, COL_##fourth

#endif
