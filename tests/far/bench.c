#include "far/bench.h"

#include <stdlib.h>

#include "cpu/model.h"

extern const struct exec exec_jmp_far, exec_call_far, exec_ret_far;

uint64_t descriptor(uint32_t base, uint32_t limit, unsigned access, unsigned flags)
{
	return (limit & 0xffff) | (uint64_t)(base & 0xffffff) << 16 | (uint64_t)access << 40 |
	       (uint64_t)((limit >> 16) & 0xf) << 48 | (uint64_t)flags << 52 | (uint64_t)(base >> 24) << 56;
}

uint64_t gate(uint16_t sel, uint32_t offset, unsigned access, unsigned params)
{
	return (offset & 0xffff) | (uint64_t)sel << 16 | (uint64_t)params << 32 | (uint64_t)access << 40 |
	       (uint64_t)(offset >> 16) << 48;
}

static uint32_t desc_at(uint16_t sel)
{
	return ((sel & SEL_TI) ? LDT_BASE : GDT_BASE) + (sel & SEL_INDEX);
}

void put_desc(struct bench *b, uint16_t sel, uint64_t raw)
{
	memcpy(b->ram + desc_at(sel), &raw, 8);
}
uint8_t access_byte(struct bench *b, uint16_t sel)
{
	return b->ram[desc_at(sel) + 5];
}

uint32_t peek32(struct bench *b, uint32_t at)
{
	uint32_t v;

	memcpy(&v, b->ram + at, 4);
	return v;
}

uint16_t peek16(struct bench *b, uint32_t at)
{
	return (uint16_t)peek32(b, at);
}
void poke32(struct bench *b, uint32_t at, uint32_t value)
{
	memcpy(b->ram + at, &value, 4);
}
void poke16(struct bench *b, uint32_t at, uint16_t value)
{
	memcpy(b->ram + at, &value, 2);
}

static void on_entry(void *owner, const struct entry_record *r)
{
	struct bench *b = owner;

	b->entries++;
	b->entry = *r;
}

static void on_return(void *owner, const struct return_record *r)
{
	struct bench *b = owner;

	b->returns++;
	b->returned = *r;
}

static void on_task(void *owner, const struct task_record *r)
{
	struct bench *b = owner;

	b->tasks++;
	b->task = *r;
}

static void put_tables(struct bench *b)
{
	for (unsigned n = 0; n < 4; n++) {
		put_desc(b, CODE(n), descriptor(0, FLAT, A_CODE | A_DPL(n), F_32));
		put_desc(b, DATA(n), descriptor(0, FLAT, A_DATA | A_DPL(n), F_32));
		put_desc(b, CONF(n), descriptor(0, FLAT, A_CONF | A_DPL(n), F_32));
	}
	put_desc(b, SEL_TSS_A, descriptor(TSS_A, 0x67, A_SYS(SYS_TSS32_BUSY), 0));
	put_desc(b, SEL_TSS_B, descriptor(TSS_B, 0x67, A_SYS(SYS_TSS32_AVAIL), 0));
	put_desc(b, SEL_TSS_C, descriptor(TSS_C, 0x2c, A_SYS(SYS_TSS16_AVAIL), 0));
	put_desc(b, SEL_LDT, descriptor(LDT_BASE, LDT_LIMIT, A_SYS(SYS_LDT), 0));
	poke32(b, TSS_A + 4, STACK0);
	poke16(b, TSS_A + 8, DATA(0));
	poke32(b, TSS_A + 12, STACK1);
	poke16(b, TSS_A + 16, DATA(1));
	poke32(b, TSS_A + 20, STACK2);
	poke16(b, TSS_A + 24, DATA(2));
}

struct bench *bench_open(void)
{
	struct bench *b = calloc(1, sizeof(*b));
	struct trace_sink sink = {.entry = on_entry, .returned = on_return, .task = on_task, .owner = b};

	assert_non_null(b);
	b->bus = bus_new();
	assert_non_null(b->bus);
	struct region *ram = bus_add_ram(b->bus, "ram", 0, RAM_SIZE);
	assert_non_null(ram);
	b->ram = ram->host;
	clock_init(&b->clock);
	trace_init(&b->trace);
	assert_true(trace_add_sink(&b->trace, sink));
	assert_true(cpu_init(&b->cpu, 0, b->bus, &b->clock, &b->trace, cpu_model_find(NULL)));
	put_tables(b);
	b->cpu.s.cr0 = CR0_PE | CR0_ET;
	b->cpu.s.gdtr = (struct table_register){GDT_BASE, GDT_LIMIT};
	cpu_state_changed(&b->cpu);
	force_segment(b, SEG_TR, SEL_TSS_A, descriptor(TSS_A, 0x67, A_SYS(SYS_TSS32_BUSY), 0));
	force_segment(b, SEG_LDTR, SEL_LDT, descriptor(LDT_BASE, LDT_LIMIT, A_SYS(SYS_LDT), 0));
	set_level(b, 0);
	set_esp(b, STACK);
	b->block = calloc(1, sizeof(*b->block));
	assert_non_null(b->block);
	b->block->n = 1;
	b->cpu.mmu.alone = true;
	return b;
}

void bench_close(struct bench *b)
{
	cpu_free(&b->cpu);
	bus_free(b->bus);
	free(b->block);
	free(b);
}

int bench_setup(void **state)
{
	*state = bench_open();
	return 0;
}

int bench_teardown(void **state)
{
	bench_close(*state);
	return 0;
}

void force_segment(struct bench *b, enum seg seg, uint16_t sel, uint64_t raw)
{
	struct descriptor d;

	desc_decode(&d, raw, sel);
	set_segment(&b->cpu, seg, &d.seg);
}

void set_esp(struct bench *b, uint32_t value)
{
	b->cpu.s.gpr.r64[RSP] = value;
}

void set_level(struct bench *b, unsigned cpl)
{
	static const enum seg data[] = {SEG_DS, SEG_ES, SEG_FS, SEG_GS};

	force_segment(b, SEG_CS, CODE(cpl), descriptor(0, FLAT, A_CODE | A_DPL(cpl), F_32));
	force_segment(b, SEG_SS, DATA(cpl), descriptor(0, FLAT, A_DATA | A_DPL(cpl), F_32));
	for (unsigned i = 0; i < 4; i++)
		force_segment(b, data[i], DATA(3), descriptor(0, FLAT, A_DATA | A_DPL(3), F_32));
	set_cpl(&b->cpu, cpl);
}

static void paragraphs(struct bench *b, bool vm86)
{
	for (unsigned i = SEG_ES; i <= SEG_GS; i++) {
		struct segment v = vm86_segment((uint16_t)(0x100 * i));
		v.dpl = vm86 ? 3 : 0;
		set_segment(&b->cpu, (enum seg)i, &v);
	}
	set_esp(b, 0x100);
}

void set_real(struct bench *b)
{
	b->cpu.s.cr0 &= ~(uint64_t)CR0_PE;
	set_cpl(&b->cpu, 0);
	paragraphs(b, false);
}

void set_vm86(struct bench *b)
{
	cpu_set_flags(&b->cpu, FLAG_ONE | FLAG_VM);
	set_cpl(&b->cpu, 3);
	paragraphs(b, true);
}

void map(struct bench *b, uint32_t page, unsigned bits)
{
	poke32(b, PAGE_TABLE + page / 1024, page | bits);
	mmu_flush(&b->cpu.mmu, true);
}

void set_paging(struct bench *b)
{
	for (uint32_t page = 0; page < RAM_SIZE; page += 4096)
		poke32(b, PAGE_TABLE + page / 1024, page | 7);
	poke32(b, PAGE_DIR, PAGE_TABLE | 7);
	b->cpu.s.cr3 = PAGE_DIR;
	b->cpu.s.cr0 |= CR0_PG | CR0_WP;
	mmu_mode_changed(&b->cpu.mmu);
	mmu_flush(&b->cpu.mmu, true);
}

static bool run(struct bench *b, const struct exec *exec, enum form form, struct uop u)
{
	struct cpu *cpu = &b->cpu;

	u.fn = exec->fn[form][u.width == 16 ? 1 : 2];
	assert_non_null(u.fn);
	u.len = 7;
	u.base = u.base ? u.base : GPR_ZERO;
	u.index = GPR_ZERO;
	u.addr_shift = 32;
	cpu->block = b->block;
	cpu->s.rip = NEXT_IP - u.len;
	cpu->icount = 1;
	cpu->leave = LEAVE_ALONE;
	assert_null(u.fn(cpu, &u));
	cpu->block = NULL;
	assert_int_not_equal(cpu->leave, LEAVE_ALONE);
	return cpu->leave == LEAVE_LOOK;
}

bool far_i(struct bench *b, bool call, unsigned width, uint16_t sel, uint32_t offset)
{
	struct uop u = {.imm = offset, .disp = sel, .width = (uint8_t)width};

	return run(b, call ? &exec_call_far : &exec_jmp_far, FORM_I, u);
}

bool far_m(struct bench *b, bool call, unsigned width, uint16_t sel, uint32_t offset)
{
	struct uop u = {.disp = (int32_t)(POINTER - b->cpu.s.seg[SEG_DS].base), .seg = SEG_DS, .width = (uint8_t)width};

	poke32(b, POINTER, offset);
	poke16(b, POINTER + width / 8, sel);
	return run(b, call ? &exec_call_far : &exec_jmp_far, FORM_M, u);
}

bool ret_i(struct bench *b, unsigned width, unsigned release)
{
	struct uop u = {.imm = release, .width = (uint8_t)width};

	return run(b, &exec_ret_far, release ? FORM_I : FORM_NONE, u);
}

void bench_mark(struct bench *b)
{
	b->cpu.s.rip = NEXT_IP - 7;
	memcpy(&b->before, &b->cpu.s, sizeof(b->before));
	memcpy(b->ram_before, b->ram, RAM_SIZE);
}

void assert_unchanged(struct bench *b)
{
	assert_memory_equal(&b->before, &b->cpu.s, sizeof(b->before));
	assert_memory_equal(b->ram_before, b->ram, RAM_SIZE);
	assert_int_equal(b->entries + b->returns + b->tasks, 0);
}

void assert_page_fault(struct bench *b, uint32_t cr2)
{
	assert_int_equal(b->cpu.fault.vector, VEC_PF);
	assert_int_equal(b->cpu.fault.cr2, cr2);
	assert_memory_equal(&b->before, &b->cpu.s, sizeof(b->before));
	assert_memory_equal(b->ram_before, b->ram, PAGE_DIR);
	assert_int_equal(b->entries + b->returns + b->tasks, 0);
}

void assert_fault(struct bench *b, enum vector vector, uint32_t error, enum why why)
{
	assert_string_equal(why_info(b->cpu.fault.why)->name, why_info(why)->name);
	assert_int_equal(b->cpu.fault.vector, vector);
	assert_true(b->cpu.fault.has_error);
	assert_int_equal(b->cpu.fault.error, error);
}

void refuses(struct bench *b, bool call, uint16_t sel, enum vector vector, uint32_t error, enum why why)
{
	bench_mark(b);
	assert_false(far_i(b, call, 32, sel, 0x4321));
	assert_fault(b, vector, error, why);
	assert_unchanged(b);
}
