/* Task switches that fail: in the old task, which has not changed, or in the
 * new one, which is entered. */
#include "far/bench.h"
#include "far/tasks.h"

/* ---- before the commit point ---- */
static void refused(struct bench *b, struct task_switch t, enum vector vector, uint32_t error, enum why why)
{
	bool committed;

	bench_mark(b);
	assert_false(task_switch(&b->cpu, &t, &committed));
	assert_false(committed);
	assert_fault(b, vector, error, why);
	assert_unchanged(b);
}

/* By JMP, CALL and INT the vector is #GP, by IRET #TS; EXT goes into the error code. */
static void refused_by_all(struct bench *b, uint16_t sel, uint32_t error, enum why why)
{
	for (unsigned cause = TASK_JMP; cause <= TASK_IRET; cause++) {
		struct task_switch t = {.tss_sel = sel, .cause = (enum task_cause)cause};
		enum vector vector = cause == TASK_IRET ? VEC_TS : VEC_GP;

		refused(b, t, vector, error, why);
		t.ext = ERR_EXT;
		refused(b, t, vector, error | ERR_EXT, why);
	}
}

static void null_tss_selector(void **state)
{
	refused_by_all(*state, 3, 0, WHY_TASK_TSS_NULL);
}

static void local_tss_selector(void **state)
{
	struct bench *b = bench_of(state);

	put_desc(b, 8 | SEL_TI, descriptor(TSS_B, 0x67, A_SYS(SYS_TSS32_AVAIL), 0));
	refused_by_all(b, 8 | SEL_TI, 8 | SEL_TI, WHY_TASK_TSS_LOCAL);
}

static void tss_selector_beyond_the_gdt(void **state)
{
	refused_by_all(*state, SEL_FAR | 2, SEL_FAR, WHY_TASK_TSS_BEYOND_GDT);
}

static void tss_selector_of_something_else(void **state)
{
	struct bench *b = bench_of(state);

	refused_by_all(b, CODE(0), CODE(0), WHY_TASK_TSS_TYPE);
	for (unsigned type = 0; type < 16; type++) {
		put_desc(b, SEL_X, descriptor(TSS_B, 0x67, A_SYS(type), 0));
		if ((type & ~0xau) != 1)
			refused_by_all(b, SEL_X, SEL_X, WHY_TASK_TSS_TYPE);
	}
	put_desc(b, SEL_X, descriptor(TSS_B, 0x67, A_SYS(SYS_TSS32_AVAIL) | 0x10, 0)); /* code */
	refused_by_all(b, SEL_X, SEL_X, WHY_TASK_TSS_TYPE);
}

static void busy_task_is_entered_by_iret_only(void **state)
{
	struct bench *b = bench_of(state);
	static const uint16_t sel[2] = {SEL_TSS_B, SEL_TSS_C};

	for (unsigned i = 0; i < 2; i++) {
		refused(b, (struct task_switch){.tss_sel = sel[i], .cause = TASK_IRET}, VEC_TS, sel[i],
			WHY_TASK_TSS_NOT_BUSY);
		b->ram[GDT_BASE + sel[i] + 5] |= 2;
		for (unsigned cause = TASK_JMP; cause <= TASK_INT; cause++)
			refused(b, (struct task_switch){.tss_sel = sel[i], .cause = (enum task_cause)cause}, VEC_GP,
				sel[i], WHY_TASK_TSS_BUSY);
	}
}

static void absent_tss_is_np_for_every_cause(void **state)
{
	struct bench *b = bench_of(state);

	for (unsigned cause = TASK_JMP; cause <= TASK_IRET; cause++) {
		unsigned type = cause == TASK_IRET ? SYS_TSS32_BUSY : SYS_TSS32_AVAIL;

		put_desc(b, SEL_X, descriptor(TSS_B, 0, type, 0));
		refused(b, (struct task_switch){.tss_sel = SEL_X, .cause = (enum task_cause)cause}, VEC_NP, SEL_X,
			WHY_TASK_TSS_NOT_PRESENT);
	}
}

static void availability_is_checked_before_presence(void **state)
{
	struct bench *b = bench_of(state);

	put_desc(b, SEL_X, descriptor(TSS_B, 0, SYS_TSS32_BUSY, 0));
	refused(b, (struct task_switch){.tss_sel = SEL_X, .cause = TASK_JMP}, VEC_GP, SEL_X, WHY_TASK_TSS_BUSY);
}

static void short_tss_is_ts(void **state)
{
	struct bench *b = bench_of(state);
	static const struct {
		unsigned type, limit;
	} least[] = {{SYS_TSS16_AVAIL, 0x2c}, {SYS_TSS32_AVAIL, 0x67}};

	for (unsigned i = 0; i < 2; i++)
		for (unsigned cause = TASK_JMP; cause <= TASK_IRET; cause++) {
			unsigned type = least[i].type | (cause == TASK_IRET ? 2 : 0);
			struct task_switch t = {.tss_sel = SEL_X, .cause = (enum task_cause)cause, .ext = ERR_EXT};

			put_desc(b, SEL_X, descriptor(TSS_B, least[i].limit - 1, A_SYS(type), 0));
			refused(b, t, VEC_TS, SEL_X | ERR_EXT, WHY_TASK_TSS_LIMIT);
		}
	put_desc(b, SEL_X, descriptor(TSS_B, 0x67, A_SYS(SYS_TSS32_AVAIL), 0));
	assert_true(task_go(b, (struct task_switch){.tss_sel = SEL_X, .cause = TASK_JMP}));
	put_desc(b, SEL_Y, descriptor(TSS_C, 0x2c, A_SYS(SYS_TSS16_AVAIL), 0));
	assert_true(task_go(b, (struct task_switch){.tss_sel = SEL_Y, .cause = TASK_JMP}));
}

static void old_tss_too_short_to_save_in_is_ts_tr(void **state)
{
	struct bench *b = bench_of(state);
	struct task_switch t = {.tss_sel = SEL_TSS_B, .cause = TASK_CALL};

	force_segment(b, SEG_TR, SEL_TSS_A, descriptor(TSS_A, 0x5c, A_SYS(SYS_TSS32_BUSY), 0));
	refused(b, t, VEC_TS, SEL_TSS_A, WHY_TASK_OLD_TSS_LIMIT);
	force_segment(b, SEG_TR, SEL_TSS_A, descriptor(TSS_A, 0x28, A_SYS(SYS_TSS16_BUSY), 0));
	refused(b, t, VEC_TS, SEL_TSS_A, WHY_TASK_OLD_TSS_LIMIT);
	force_segment(b, SEG_TR, SEL_TSS_A, descriptor(TSS_A, 0x5d, A_SYS(SYS_TSS32_BUSY), 0));
	assert_true(task_go(b, t));
}

/* ---- DPL, by JMP and CALL ---- */
static void task_gate_dpl_counts(void **state)
{
	struct bench *b = bench_of(state);

	put_desc(b, SEL_GATE, gate(SEL_TSS_B, 0, A_SYS(SYS_TASK_GATE) | A_DPL(2), 0));
	refuses(b, false, SEL_GATE | 3, VEC_GP, SEL_GATE, WHY_TASK_GATE_DPL);
	set_level(b, 3);
	refuses(b, true, SEL_GATE, VEC_GP, SEL_GATE, WHY_TASK_GATE_DPL);
}

static void absent_task_gate_is_np_gate(void **state)
{
	struct bench *b = bench_of(state);

	put_desc(b, SEL_GATE, gate(0, 0, SYS_TASK_GATE, 0));
	refuses(b, false, SEL_GATE, VEC_NP, SEL_GATE, WHY_TASK_GATE_NOT_PRESENT);
	refuses(b, true, SEL_GATE, VEC_NP, SEL_GATE, WHY_TASK_GATE_NOT_PRESENT);
}

static void tss_dpl_counts_without_a_gate(void **state)
{
	struct bench *b = bench_of(state);

	put_desc(b, SEL_X, descriptor(TSS_B, 0x67, A_SYS(SYS_TSS32_BUSY) | A_DPL(2), 0));
	refuses(b, false, SEL_X | 3, VEC_GP, SEL_X, WHY_TSS_DPL);
	set_level(b, 3);
	refuses(b, true, SEL_X, VEC_GP, SEL_X, WHY_TSS_DPL);
}

static void gate_checks_come_before_those_of_the_tss(void **state)
{
	struct bench *b = bench_of(state);

	put_desc(b, SEL_GATE, gate(SEL_TSS_A, 0, A_SYS(SYS_TASK_GATE), 0));
	refuses(b, false, SEL_GATE, VEC_GP, SEL_TSS_A, WHY_TASK_TSS_BUSY);
	put_desc(b, SEL_GATE, gate(CODE(0), 0, A_SYS(SYS_TASK_GATE), 0));
	refuses(b, true, SEL_GATE, VEC_GP, CODE(0), WHY_TASK_TSS_TYPE);
	put_desc(b, SEL_GATE, gate(0, 0, A_SYS(SYS_TASK_GATE), 0));
	refuses(b, true, SEL_GATE, VEC_GP, 0, WHY_TASK_TSS_NULL);
}

/* ---- paging ---- */
#define NEW_DIR 0x12000u

static void page_tasks(struct bench *b)
{
	poke32(b, TSS_B + 0x1c, PAGE_DIR);
	set_paging(b);
}

static void page_fault_refuses(struct bench *b, struct task_switch t, uint32_t cr2)
{
	bool committed;

	bench_mark(b);
	assert_false(task_switch(&b->cpu, &t, &committed));
	assert_false(committed);
	assert_page_fault(b, cr2);
}

static void page_faults_before_the_commit_point_change_nothing(void **state)
{
	struct bench *b = bench_of(state);
	struct task_switch t = {.tss_sel = SEL_X, .cause = TASK_CALL};

	page_tasks(b);
	put_desc(b, SEL_X, descriptor(0x3fc0, 0x67, A_SYS(SYS_TSS32_AVAIL), 0)); /* its end on another page */
	map(b, 0x4000, 2);
	page_fault_refuses(b, t, 0x4000);
	put_desc(b, SEL_X, descriptor(TSS_B, 0x67, A_SYS(SYS_TSS32_AVAIL), 0));
	map(b, 0x4000, 3);
	force_segment(b, SEG_TR, SEL_TSS_A, descriptor(0x3fc0, 0x67, A_SYS(SYS_TSS32_BUSY), 0));
	map(b, 0x4000, 1); /* read only */
	page_fault_refuses(b, t, 0x4000);
	map(b, 0x4000, 3);
	map(b, 0x1000, 1); /* the GDT: no busy bit can be set */
	page_fault_refuses(b, t, GDT_BASE + SEL_X + 5);
	t.cause = TASK_JMP; /* nor cleared */
	page_fault_refuses(b, t, GDT_BASE + SEL_TSS_A + 5);
	map(b, 0x1000, 3);
	put_desc(b, SEL_X, descriptor(0x5ffe, 0x67, A_SYS(SYS_TSS32_AVAIL), 0));
	map(b, 0x5000, 1); /* the link */
	t.cause = TASK_CALL;
	page_fault_refuses(b, t, 0x5ffe);
}

static void page_fault_behind_the_commit_point_is_the_new_tasks(void **state)
{
	struct bench *b = bench_of(state);
	struct task_switch t = {.tss_sel = SEL_TSS_B, .cause = TASK_INT, .has_error = true};
	bool committed;

	page_tasks(b);
	map(b, NEW_SP - 0x1000, 2);
	assert_false(task_switch(&b->cpu, &t, &committed));
	assert_true(committed);
	assert_int_equal(b->cpu.fault.vector, VEC_PF);
	assert_int_equal(b->cpu.fault.cr2, NEW_SP - 4);
	assert_int_equal(esp(b), NEW_SP);
	assert_int_equal(sel_of(b, SEG_TR), SEL_TSS_B);
	assert_int_equal(b->cpu.s.rip, NEW_IP);
	assert_int_equal(b->tasks, 1);
}

static void cr3_of_the_new_task_is_in_force(void **state)
{
	struct bench *b = bench_of(state);
	struct task_switch t = {.tss_sel = SEL_TSS_B, .cause = TASK_INT, .has_error = true, .error = 0x1234};

	page_tasks(b);
	memcpy(b->ram + NEW_DIR, b->ram + PAGE_DIR, 4096);
	poke32(b, NEW_DIR, (NEW_DIR + 0x1000) | 3);
	memcpy(b->ram + NEW_DIR + 0x1000, b->ram + PAGE_TABLE, 4096);
	poke32(b, NEW_DIR + 0x1000 + (NEW_SP - 0x1000) / 1024, 0x20003); /* its stack lies elsewhere */
	poke32(b, TSS_B + 0x1c, NEW_DIR);
	assert_true(lin_write(&b->cpu.mmu, NEW_SP - 4, 4, 0)); /* the TLB knows the old place */
	assert_true(task_go(b, t));
	assert_int_equal(b->cpu.s.cr3, NEW_DIR);
	assert_int_equal(peek32(b, 0x20ffc), 0x1234);
	assert_int_equal(peek32(b, NEW_SP - 4), 0);
}

static void the_same_cr3_keeps_the_tlb(void **state)
{
	struct bench *b = bench_of(state);
	struct task_switch t = {.tss_sel = SEL_TSS_B, .cause = TASK_INT, .has_error = true, .error = 0x1234};

	page_tasks(b);
	assert_true(lin_write(&b->cpu.mmu, NEW_SP - 4, 4, 0));
	poke32(b, PAGE_TABLE + (NEW_SP - 0x1000) / 1024, 0x20003); /* not told */
	assert_true(task_go(b, t));
	assert_int_equal(peek32(b, NEW_SP - 4), 0x1234);
}

static void bad_pdpte_of_the_new_task_is_gp0(void **state)
{
	struct bench *b = bench_of(state);
	uint64_t entry = PAGE_DIR | 1;

	memset(b->ram + PAGE_DIR, 0, 4096);
	for (uint32_t page = 0; page < RAM_SIZE; page += 4096)
		memcpy(b->ram + PAGE_TABLE + page / 512, &(uint64_t){page | 3}, 8);
	memcpy(b->ram + PAGE_DIR, &(uint64_t){PAGE_TABLE | 3}, 8);
	memcpy(b->ram + 0x13000, &entry, 8);
	b->cpu.s.cr4 |= CR4_PAE;
	b->cpu.s.cr0 |= CR0_PG | CR0_WP;
	b->cpu.s.cr3 = 0x13000;
	assert_true(mmu_load_pdptes(&b->cpu.mmu, 0x13000));
	mmu_mode_changed(&b->cpu.mmu);
	mmu_flush(&b->cpu.mmu, true);
	entry |= 2; /* reserved */
	memcpy(b->ram + 0x13020, &entry, 8);
	poke32(b, TSS_B + 0x1c, 0x13020);
	struct task_switch t = {.tss_sel = SEL_TSS_B, .cause = TASK_JMP};
	bool committed;
	b->cpu.s.rip = NEXT_IP - 7;
	struct arch_state before = b->cpu.s;
	assert_false(task_switch(&b->cpu, &t, &committed));
	assert_false(committed);
	assert_fault(b, VEC_GP, 0, WHY_TASK_PDPTE);
	assert_memory_equal(before.pdpte, b->cpu.s.pdpte, sizeof(before.pdpte));
	assert_int_equal(b->cpu.s.cr3, 0x13000);
	assert_int_equal(sel_of(b, SEG_TR), SEL_TSS_A);
	memcpy(b->ram + 0x13020, &(uint64_t){PAGE_DIR | 0x19}, 8); /* PWT and PCD may be set */
	assert_true(task_go(b, t));
	assert_int_equal(b->cpu.s.pdpte[0], PAGE_DIR | 0x19);
}

/* ---- behind the commit point: the order and codes of the table ---- */

/* The switch to TSS_B fails so in the new task; registers that were not
 * reached hold their selectors and are unusable. */
static void fails_inside(struct bench *b, enum vector vector, uint32_t error, enum why why)
{
	for (unsigned ext = 0; ext <= ERR_EXT; ext++) {
		struct task_switch t = {.tss_sel = SEL_TSS_B, .cause = TASK_CALL, .ext = ext};
		bool committed;

		memcpy(b->ram_before, b->ram, RAM_SIZE);
		struct arch_state before = b->cpu.s;
		assert_false(task_switch(&b->cpu, &t, &committed));
		assert_true(committed);
		assert_fault(b, vector, error | ext, why);
		assert_int_equal(sel_of(b, SEG_TR), SEL_TSS_B);
		assert_int_equal(b->cpu.s.rip, peek32(b, TSS_B + 0x20));
		assert_int_equal(esp(b), NEW_SP);
		assert_true(b->cpu.s.rflags & FLAG_NT);
		assert_true(b->cpu.s.cr0 & CR0_TS);
		for (unsigned i = 0; i < 6; i++)
			assert_int_equal(sel_of(b, (enum seg)i), peek16(b, TSS_B + 0x48 + 4 * i));
		assert_int_equal(peek16(b, TSS_B), SEL_TSS_A);
		assert_true(access_byte(b, SEL_TSS_B) & 2);
		memcpy(b->ram, b->ram_before, RAM_SIZE);
		b->cpu.s = before;
		cpu_state_changed(&b->cpu);
	}
	assert_int_equal(b->tasks, 2);
	b->tasks = 0;
}

static void set_seg(struct bench *b, enum seg seg, uint16_t sel)
{
	poke16(b, TSS_B + 0x48 + 4 * seg, sel);
}
static void set_ldt(struct bench *b, uint16_t sel)
{
	poke16(b, TSS_B + 0x60, sel);
}

static void ldt_selector_local(void **state)
{
	struct bench *b = bench_of(state);

	set_ldt(b, 8 | SEL_TI);
	fails_inside(b, VEC_TS, 8 | SEL_TI, WHY_TASK_LDT_LOCAL);
}

static void ldt_selector_beyond_the_gdt(void **state)
{
	struct bench *b = bench_of(state);

	set_ldt(b, SEL_FAR | 1);
	fails_inside(b, VEC_TS, SEL_FAR, WHY_TASK_LDT_BEYOND_GDT);
}

static void ldt_selector_of_something_else(void **state)
{
	struct bench *b = bench_of(state);

	set_ldt(b, DATA(0)); /* data, type 3 */
	fails_inside(b, VEC_TS, DATA(0), WHY_TASK_LDT_TYPE);
	put_desc(b, SEL_X, descriptor(0, FLAT, A_DATA & ~1u, F_32)); /* its type is that of an LDT, S is not */
	set_ldt(b, SEL_X);
	fails_inside(b, VEC_TS, SEL_X, WHY_TASK_LDT_TYPE);
	set_ldt(b, SEL_TSS_C);
	fails_inside(b, VEC_TS, SEL_TSS_C, WHY_TASK_LDT_TYPE);
}

static void ldt_absent(void **state)
{
	struct bench *b = bench_of(state);

	put_desc(b, SEL_X, descriptor(LDT_BASE, LDT_LIMIT, SYS_LDT, 0));
	set_ldt(b, SEL_X);
	fails_inside(b, VEC_TS, SEL_X, WHY_TASK_LDT_NOT_PRESENT);
	set_seg(b, SEG_CS, 8 | SEL_TI); /* cannot be looked at */
	set_seg(b, SEG_SS, 16 | SEL_TI);
	fails_inside(b, VEC_TS, SEL_X, WHY_TASK_LDT_NOT_PRESENT);
}

static void cs_dpl_is_not_its_rpl(void **state)
{
	struct bench *b = bench_of(state);

	set_seg(b, SEG_CS, (CODE(2) & ~SEL_RPL) | 1);
	fails_inside(b, VEC_TS, CODE(2) & ~SEL_RPL, WHY_TASK_CS_DPL);
	set_seg(b, SEG_CS, (CODE(2) & ~SEL_RPL) | 3);
	fails_inside(b, VEC_TS, CODE(2) & ~SEL_RPL, WHY_TASK_CS_DPL);
}

static void conforming_cs_dpl_above_its_rpl(void **state)
{
	struct bench *b = bench_of(state);

	set_seg(b, SEG_CS, CONF(2) | 1);
	fails_inside(b, VEC_TS, CONF(2), WHY_TASK_CS_CONFORMING_DPL);
	put_level(b, 2);
	set_seg(b, SEG_CS, CONF(2) | 2);
	assert_true(task_go(b, (struct task_switch){.tss_sel = SEL_TSS_B, .cause = TASK_JMP}));
}

static void ss_null(void **state)
{
	struct bench *b = bench_of(state);

	set_seg(b, SEG_SS, 2);
	fails_inside(b, VEC_TS, 0, WHY_TASK_SS_NULL);
}

static void ss_beyond_its_table(void **state)
{
	struct bench *b = bench_of(state);

	set_seg(b, SEG_SS, SEL_FAR);
	fails_inside(b, VEC_TS, SEL_FAR, WHY_TASK_SS_BEYOND_TABLE);
	set_seg(b, SEG_SS, 8 | SEL_TI); /* the new task has no LDT, the old one's does not count */
	fails_inside(b, VEC_TS, 8 | SEL_TI, WHY_TASK_SS_BEYOND_TABLE);
}

static void ss_not_writable_data(void **state)
{
	struct bench *b = bench_of(state);

	set_seg(b, SEG_SS, CODE(0));
	fails_inside(b, VEC_TS, CODE(0), WHY_TASK_SS_TYPE);
	put_desc(b, SEL_X, descriptor(0, FLAT, A_DATA & ~2u, F_32));
	set_seg(b, SEG_SS, SEL_X);
	fails_inside(b, VEC_TS, SEL_X, WHY_TASK_SS_TYPE);
}

static void ss_absent(void **state)
{
	struct bench *b = bench_of(state);

	put_desc(b, SEL_X, descriptor(0, FLAT, A_ABSENT(A_DATA) | A_DPL(3), F_32));
	set_seg(b, SEG_SS, SEL_X); /* before its DPL is looked at */
	fails_inside(b, VEC_SS, SEL_X, WHY_TASK_SS_NOT_PRESENT);
}

static void ss_dpl_is_not_cpl(void **state)
{
	struct bench *b = bench_of(state);

	set_seg(b, SEG_SS, DATA(1));
	fails_inside(b, VEC_TS, DATA(1) & ~SEL_RPL, WHY_TASK_SS_DPL);
}

static void ss_rpl_is_not_its_dpl(void **state)
{
	struct bench *b = bench_of(state);

	set_seg(b, SEG_SS, DATA(0) | 1);
	fails_inside(b, VEC_TS, DATA(0), WHY_TASK_SS_RPL);
}

static void cs_null(void **state)
{
	struct bench *b = bench_of(state);

	set_seg(b, SEG_CS, 0);
	fails_inside(b, VEC_TS, 0, WHY_TASK_CS_NULL);
}

static void cs_beyond_its_table(void **state)
{
	struct bench *b = bench_of(state);

	for (unsigned rpl = 0; rpl < 4; rpl++) { /* it has no DPL to differ from */
		put_level(b, rpl);
		set_seg(b, SEG_CS, (uint16_t)(SEL_FAR | rpl));
		fails_inside(b, VEC_TS, SEL_FAR, WHY_TASK_CS_BEYOND_TABLE);
	}
}

static void cs_not_code(void **state)
{
	struct bench *b = bench_of(state);

	set_seg(b, SEG_CS, DATA(0));
	fails_inside(b, VEC_TS, DATA(0), WHY_TASK_CS_TYPE);
	set_seg(b, SEG_CS, DATA(1) & ~SEL_RPL); /* its DPL does not matter */
	fails_inside(b, VEC_TS, DATA(1) & ~SEL_RPL, WHY_TASK_CS_TYPE);
}

static void cs_absent(void **state)
{
	struct bench *b = bench_of(state);

	put_desc(b, SEL_X, descriptor(0, FLAT, A_ABSENT(A_CODE), F_32));
	set_seg(b, SEG_CS, SEL_X);
	fails_inside(b, VEC_NP, SEL_X, WHY_TASK_CS_NOT_PRESENT);
}

static void data_fails(struct bench *b, uint16_t sel, enum vector vector, enum why why)
{
	static const enum seg data[] = {SEG_DS, SEG_ES, SEG_FS, SEG_GS};

	for (unsigned i = 0; i < 4; i++) {
		uint16_t kept = peek16(b, TSS_B + 0x48 + 4 * data[i]);

		set_seg(b, data[i], sel);
		fails_inside(b, vector, sel & ~SEL_RPL, why);
		set_seg(b, data[i], kept);
	}
}

static void data_beyond_its_table(void **state)
{
	data_fails(*state, SEL_FAR | 1, VEC_TS, WHY_TASK_DATA_BEYOND_TABLE);
}

static void data_not_readable(void **state)
{
	struct bench *b = bench_of(state);

	data_fails(b, SEL_TSS_C, VEC_TS, WHY_TASK_DATA_TYPE);
	put_desc(b, SEL_X, descriptor(0, FLAT, A_CODE & ~2u, F_32));
	data_fails(b, SEL_X, VEC_TS, WHY_TASK_DATA_TYPE);
}

static void data_absent(void **state)
{
	struct bench *b = bench_of(state);

	put_desc(b, SEL_X, descriptor(0, FLAT, A_ABSENT(A_DATA), F_32));
	data_fails(b, SEL_X, VEC_NP, WHY_TASK_DATA_NOT_PRESENT);
}

static void data_dpl_below_cpl_or_rpl(void **state)
{
	struct bench *b = bench_of(state);

	data_fails(b, DATA(1) | 3, VEC_TS, WHY_TASK_DATA_DPL);
	put_level(b, 2);
	data_fails(b, DATA(1) & ~SEL_RPL, VEC_TS, WHY_TASK_DATA_DPL);
	set_seg(b, SEG_DS, CONF(0) | 3); /* conforming: no matter */
	assert_true(task_go(b, (struct task_switch){.tss_sel = SEL_TSS_B, .cause = TASK_JMP}));
}

static void eip_beyond_the_new_code_segment(void **state)
{
	struct bench *b = bench_of(state);

	put_desc(b, SEL_X, descriptor(0, 0xffff, A_CODE, F_32_BYTE));
	set_seg(b, SEG_CS, SEL_X);
	fails_inside(b, VEC_GP, 0, WHY_TASK_LIMIT);
	poke32(b, TSS_B + 0x24, FLAG_ONE | FLAG_VM);
	poke32(b, TSS_B + 0x20, 0x10000);
	fails_inside(b, VEC_GP, 0, WHY_TASK_LIMIT);
}

/* Each row of the table spoils one thing more, from the last check to the first:
 * every time the newest fault is the one that is raised. */
static void checks_come_in_the_order_of_the_table(void **state)
{
	struct bench *b = bench_of(state);
	uint16_t cs = SEL_X, ss = SEL_Y;

	put_desc(b, cs, descriptor(0, 0xffff, A_CODE, F_32_BYTE));
	put_desc(b, ss, descriptor(0, FLAT, A_DATA, F_32));
	set_seg(b, SEG_CS, cs);
	set_seg(b, SEG_SS, ss);
	fails_inside(b, VEC_GP, 0, WHY_TASK_LIMIT);
	set_seg(b, SEG_GS, SEL_FAR);
	fails_inside(b, VEC_TS, SEL_FAR, WHY_TASK_DATA_BEYOND_TABLE);
	set_seg(b, SEG_DS, SEL_TSS_C);
	fails_inside(b, VEC_TS, SEL_TSS_C, WHY_TASK_DATA_TYPE);
	set_seg(b, SEG_SS, ss | 3);
	fails_inside(b, VEC_TS, ss, WHY_TASK_SS_RPL);
	put_desc(b, cs, descriptor(0, 0xffff, A_ABSENT(A_CODE), F_32_BYTE));
	fails_inside(b, VEC_NP, cs, WHY_TASK_CS_NOT_PRESENT);
	put_desc(b, cs, descriptor(0, 0xffff, A_ABSENT(A_DATA), F_32_BYTE));
	fails_inside(b, VEC_TS, cs, WHY_TASK_CS_TYPE);
	put_desc(b, SEL_Z, descriptor(LDT_BASE, LDT_LIMIT, SYS_LDT, 0));
	set_ldt(b, SEL_Z);
	fails_inside(b, VEC_TS, SEL_Z, WHY_TASK_LDT_NOT_PRESENT);
	put_desc(b, ss, descriptor(0, FLAT, A_DATA | A_DPL(2), F_32));
	fails_inside(b, VEC_TS, ss, WHY_TASK_SS_DPL);
	put_desc(b, ss, descriptor(0, FLAT, A_ABSENT(A_DATA) | A_DPL(2), F_32));
	fails_inside(b, VEC_SS, ss, WHY_TASK_SS_NOT_PRESENT);
	put_desc(b, ss, descriptor(0, FLAT, A_ABSENT(A_CODE) | A_DPL(2), F_32));
	fails_inside(b, VEC_TS, ss, WHY_TASK_SS_TYPE);
	put_desc(b, cs, descriptor(0, 0xffff, A_ABSENT(A_CODE) | A_DPL(1), F_32_BYTE));
	fails_inside(b, VEC_TS, cs, WHY_TASK_CS_DPL);
	put_desc(b, SEL_Z, descriptor(LDT_BASE, LDT_LIMIT, SYS_TSS16_AVAIL, 0));
	fails_inside(b, VEC_TS, SEL_Z, WHY_TASK_LDT_TYPE);
}

static void registers_not_reached_are_unusable(void **state)
{
	struct bench *b = bench_of(state);
	struct task_switch t = {.tss_sel = SEL_TSS_B, .cause = TASK_JMP};
	bool committed;

	set_seg(b, SEG_FS, SEL_FAR);
	assert_false(task_switch(&b->cpu, &t, &committed));
	assert_true(b->cpu.s.seg[SEG_CS].usable);
	assert_true(b->cpu.s.seg[SEG_SS].usable);
	assert_true(b->cpu.s.seg[SEG_DS].usable);
	assert_true(b->cpu.s.seg[SEG_ES].usable);
	assert_false(b->cpu.s.seg[SEG_FS].usable);
	assert_false(b->cpu.s.seg[SEG_GS].usable);
	assert_int_equal(sel_of(b, SEG_FS), SEL_FAR);
}

static void no_room_for_the_error_code_is_ss_ext(void **state)
{
	struct bench *b = bench_of(state);

	put_desc(b, SEL_X, descriptor(0, NEW_SP - 5, A_DATA, F_32_BYTE));
	set_seg(b, SEG_SS, SEL_X);
	for (unsigned ext = 0; ext <= ERR_EXT; ext++) {
		struct task_switch t = {.tss_sel = SEL_TSS_B, .cause = TASK_INT, .has_error = true, .ext = ext};
		bool committed;

		b->ram[GDT_BASE + SEL_TSS_B + 5] &= (uint8_t)~2u;
		assert_false(task_switch(&b->cpu, &t, &committed));
		assert_true(committed);
		assert_int_equal(b->cpu.fault.vector, VEC_SS);
		assert_int_equal(b->cpu.fault.error, ext);
		assert_int_equal(esp(b), NEW_SP);
	}
}

/* A far JMP whose task switch fails behind the commit point ends as a fault of
 * the new task at its own EIP. */
static void far_jmp_faults_in_the_new_task(void **state)
{
	struct bench *b = bench_of(state);

	set_seg(b, SEG_DS, SEL_FAR);
	assert_false(far_i(b, false, 32, SEL_TSS_B, 0));
	assert_fault(b, VEC_TS, SEL_FAR, WHY_TASK_DATA_BEYOND_TABLE);
	assert_int_equal(b->cpu.s.rip, NEW_IP);
	assert_int_equal(b->cpu.leave, LEAVE_FAULT);
	assert_int_equal(b->cpu.icount, 1); /* the JMP is done */
}

static int setup(void **state)
{
	bench_setup(state);
	put_tasks(*state);
	return 0;
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, bench_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(null_tss_selector),
		TEST(local_tss_selector),
		TEST(tss_selector_beyond_the_gdt),
		TEST(tss_selector_of_something_else),
		TEST(busy_task_is_entered_by_iret_only),
		TEST(absent_tss_is_np_for_every_cause),
		TEST(availability_is_checked_before_presence),
		TEST(short_tss_is_ts),
		TEST(old_tss_too_short_to_save_in_is_ts_tr),
		TEST(task_gate_dpl_counts),
		TEST(absent_task_gate_is_np_gate),
		TEST(tss_dpl_counts_without_a_gate),
		TEST(gate_checks_come_before_those_of_the_tss),
		TEST(page_faults_before_the_commit_point_change_nothing),
		TEST(page_fault_behind_the_commit_point_is_the_new_tasks),
		TEST(cr3_of_the_new_task_is_in_force),
		TEST(the_same_cr3_keeps_the_tlb),
		TEST(bad_pdpte_of_the_new_task_is_gp0),
		TEST(ldt_selector_local),
		TEST(ldt_selector_beyond_the_gdt),
		TEST(ldt_selector_of_something_else),
		TEST(ldt_absent),
		TEST(cs_dpl_is_not_its_rpl),
		TEST(conforming_cs_dpl_above_its_rpl),
		TEST(ss_null),
		TEST(ss_beyond_its_table),
		TEST(ss_not_writable_data),
		TEST(ss_absent),
		TEST(ss_dpl_is_not_cpl),
		TEST(ss_rpl_is_not_its_dpl),
		TEST(cs_null),
		TEST(cs_beyond_its_table),
		TEST(cs_not_code),
		TEST(cs_absent),
		TEST(data_beyond_its_table),
		TEST(data_not_readable),
		TEST(data_absent),
		TEST(data_dpl_below_cpl_or_rpl),
		TEST(eip_beyond_the_new_code_segment),
		TEST(checks_come_in_the_order_of_the_table),
		TEST(registers_not_reached_are_unusable),
		TEST(no_room_for_the_error_code_is_ss_ext),
		TEST(far_jmp_faults_in_the_new_task),
	};

	return cmocka_run_group_tests_name("faults of task switches", tests, NULL, NULL);
}
