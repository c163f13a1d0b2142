/* Two tasks to switch to: TSS_B of 32 bits and TSS_C of 16. */
#ifndef TRAPGATE_TESTS_FAR_TASKS_H
#define TRAPGATE_TESTS_FAR_TASKS_H

#include "far/bench.h"

#define TSS_OLD16  0x2c00u
#define LDT_NEW    0x2e00u
#define NEW_IP     0x00112233u
#define NEW_IP16   0x2233u
#define NEW_SP     0x6000u
#define SEL_DATA16 0xa8u /* data of 16 bits, DPL 0 */

static inline void put_tasks(struct bench *b)
{
	static const uint16_t seg[6] = {DATA(2), CODE(0), DATA(0), DATA(3), DATA(1), 0};

	put_desc(b, SEL_DATA16, descriptor(0, 0xffff, A_DATA, F_16));
	poke32(b, TSS_B + 0x1c, 0x3000);
	poke32(b, TSS_B + 0x20, NEW_IP);
	poke32(b, TSS_B + 0x24, FLAG_ONE);
	for (unsigned i = 0; i < 8; i++)
		poke32(b, TSS_B + 0x28 + 4 * i, i == RSP ? NEW_SP : 0x10203040 + i);
	for (unsigned i = 0; i < 6; i++)
		poke32(b, TSS_B + 0x48 + 4 * i, seg[i]);
	poke16(b, TSS_C + 0x0e, NEW_IP16);
	poke16(b, TSS_C + 0x10, FLAG_ONE | FLAG_CF | FLAG_IF);
	for (unsigned i = 0; i < 8; i++)
		poke16(b, TSS_C + 0x12 + 2 * i, (uint16_t)(i == RSP ? NEW_SP : 0x3040 + i));
	for (unsigned i = 0; i < 4; i++)
		poke16(b, TSS_C + 0x22 + 2 * i, i == SEG_SS ? SEL_DATA16 : seg[i]);
}

/* The task in TSS_B starts at that level. */
static inline void put_level(struct bench *b, unsigned cpl)
{
	poke16(b, TSS_B + 0x4c, CODE(cpl));
	poke16(b, TSS_B + 0x50, DATA(cpl));
	for (unsigned at = 0x48; at <= 0x58; at += 4)
		if (at != 0x4c && at != 0x50)
			poke16(b, TSS_B + at, DATA(3));
}

static inline bool task_go(struct bench *b, struct task_switch t)
{
	bool committed;

	b->cpu.s.rip = NEXT_IP - 7;
	bool ok = task_switch(&b->cpu, &t, &committed);
	if (ok)
		assert_true(committed);
	return ok;
}

#endif
