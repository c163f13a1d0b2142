#include "mmu/bench.h"

#include "coverage/record.h"

static uint64_t device_read(void *owner, uint64_t offset, unsigned bytes)
{
	struct bench *b = owner;

	(void)offset;
	(void)bytes;
	b->device_reads++;
	return b->device_value;
}

static void device_write(void *owner, uint64_t offset, unsigned bytes, uint64_t value)
{
	struct bench *b = owner;

	(void)offset;
	(void)bytes;
	b->device_writes++;
	b->device_value = value;
}

static void on_code_written(void *owner, uint64_t pa, unsigned bytes)
{
	struct bench *b = owner;

	(void)bytes;
	b->code_written++;
	b->code_pa = pa;
}

void bench_segment(struct bench *b, enum seg seg, struct segment value)
{
	b->s.seg[seg] = value;
	mmu_segment_changed(&b->mmu, seg);
}

void bench_cpl(struct bench *b, unsigned cpl)
{
	b->s.cpl = (uint8_t)cpl;
	mmu_mode_changed(&b->mmu);
}

void bench_modes(struct bench *b, uint64_t cr0, uint64_t cr4, uint64_t efer)
{
	b->s.cr0 = cr0;
	b->s.cr4 = cr4;
	b->s.efer = efer;
	mmu_mode_changed(&b->mmu);
	mmu_flush(&b->mmu, true);
}

struct bench *bench_new(void)
{
	static const struct mmio_ops ops = {device_read, device_write};
	struct bench *b = calloc(1, sizeof(*b));

	b->bus = bus_new();
	b->ram = bus_add_ram(b->bus, "RAM", 0, RAM_SIZE);
	bus_add_mmio(b->bus, "device", DEVICE_PA, 0x1000, ops, b, 0);
	bus_add_rom(b->bus, "ROM", ROM_PA, 0x1000, (const uint8_t *)"ROM!", 4);
	bus_watch(b->bus, (struct bus_watcher){.code_written = on_code_written, .owner = b});
	b->s.cr0 = CR0_PE;
	if (!mmu_init(&b->mmu, &b->s, b->bus, &b->fault))
		return NULL;
	for (unsigned seg = 0; seg <= SEG_GS; seg++) {
		struct segment g = {.limit = UINT32_MAX, .type = TYPE_WRITABLE | TYPE_ACCESSED, .s = true,
				    .present = true, .db = true, .g = true, .usable = true, .sel = 0x10};
		if (seg == SEG_CS)
			g.type = TYPE_CODE | TYPE_READABLE | TYPE_ACCESSED;
		bench_segment(b, (enum seg)seg, g);
	}
	return b;
}

void bench_free(struct bench *b)
{
	mmu_free(&b->mmu);
	bus_free(b->bus);
	free(b);
}

int bench_set_up(void **state)
{
	*state = bench_new();
	return *state == NULL;
}

int bench_tear_down(void **state)
{
	bench_free(*state);
	return 0;
}

uint32_t mem32(struct bench *b, uint64_t pa) { return (uint32_t)bus_read(b->bus, pa, 4); }
void set_mem32(struct bench *b, uint64_t pa, uint32_t value) { bus_write(b->bus, pa, 4, value); }
uint64_t mem64(struct bench *b, uint64_t pa) { return bus_read(b->bus, pa, 8); }
void set_mem64(struct bench *b, uint64_t pa, uint64_t value) { bus_write(b->bus, pa, 8, value); }
uint32_t pte(struct bench *b, uint64_t lin) { return mem32(b, PT + (lin >> 12) * 4); }
void set_pte(struct bench *b, uint64_t lin, uint32_t value) { set_mem32(b, PT + (lin >> 12) * 4, value); }

void bench_paging(struct bench *b, uint64_t cr4)
{
	for (unsigned i = 0; i < 1024; i++)
		set_mem32(b, PT + 4 * i, (i << 12) | 7);
	set_mem32(b, PD, PT | 7);
	b->s.cr3 = PD;
	bench_modes(b, CR0_PE | CR0_PG | CR0_WP, cr4, 0);
}

void bench_pae(struct bench *b, uint64_t cr4, uint64_t efer)
{
	for (unsigned i = 0; i < 1024; i++)
		set_mem64(b, PT + 8 * i, (i << 12) | 7); /* PT and PT2 */
	set_mem64(b, PD, PT | 7);
	set_mem64(b, PD + 8, PT2 | 7);
	set_mem64(b, PDPT, PD | 1);
	b->s.cr3 = PDPT;
	bench_modes(b, CR0_PE | CR0_PG | CR0_WP, cr4 | CR4_PAE, efer);
	assert_true(mmu_load_pdptes(&b->mmu, PDPT));
}

void bench_code64(struct bench *b, bool on)
{
	struct segment cs = b->s.seg[SEG_CS];

	cs.l = on;
	cs.db = !on;
	bench_segment(b, SEG_CS, cs);
}

void bench_long(struct bench *b, uint64_t cr4, uint64_t efer)
{
	for (unsigned i = 0; i < 1024; i++)
		set_mem64(b, PT + 8 * i, (i << 12) | 7); /* PT and PT2 */
	set_mem64(b, PD, PT | 7);
	set_mem64(b, PD + 8, PT2 | 7);
	set_mem64(b, PDPT, PD | 7);
	set_mem64(b, PML4, PDPT | 7);
	set_mem64(b, PML5, PML4 | 7);
	b->s.cr3 = cr4 & CR4_LA57 ? PML5 : PML4;
	bench_modes(b, CR0_PE | CR0_PG | CR0_WP, cr4 | CR4_PAE, efer | EFER_LME | EFER_LMA);
	bench_code64(b, true);
}

void assert_fault(const struct bench *b, unsigned vector, uint32_t error, enum why why)
{
	assert_int_equal(b->mmu.stop, MMU_FAULT);
	assert_string_equal(why_info(b->fault.why)->name, why_info(why)->name);
	assert_int_equal(b->fault.vector, vector);
	assert_true(b->fault.has_error);
	assert_int_equal(b->fault.error, error);
	coverage_why(b->fault.why);
}

void assert_page_fault(const struct bench *b, uint32_t error, uint64_t cr2, enum why why)
{
	assert_fault(b, VEC_PF, error, why);
	assert_int_equal(b->fault.cr2, cr2);
}
