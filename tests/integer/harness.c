#include "integer/harness.h"

#include <stdlib.h>
#include <string.h>

/* ---- doubles ---- */
const struct uop *uop_fault(struct cpu *cpu, const struct uop *u)
{
	struct harness *h = (struct harness *)cpu;

	h->outcome = cpu->mmu.stop == MMU_RUN_ALONE ? ALONE : FAULT;
	cpu->mmu.stop = MMU_FAULT;
	cpu->icount--;
	return NULL;
}

bool cpu_raise(struct cpu *cpu, enum vector vector, uint32_t error, enum why why)
{
	cpu->fault = (struct fault){.vector = (uint8_t)vector, .error = error, .why = why};
	cpu->mmu.stop = MMU_FAULT;
	return false;
}

const struct uop *uop_raise(struct cpu *cpu, const struct uop *u, enum vector vector, uint32_t error, enum why why)
{
	cpu_raise(cpu, vector, error, why);
	return uop_fault(cpu, u);
}

const struct uop *uop_leave(struct cpu *cpu, const struct uop *u)
{
	((struct harness *)cpu)->outcome = LEFT;
	return NULL;
}

const struct uop *uop_again(struct cpu *cpu, const struct uop *u)
{
	((struct harness *)cpu)->outcome = AGAIN;
	return NULL;
}

uint64_t rep_budget(const struct cpu *cpu) { return ((const struct harness *)cpu)->budget; }
void rep_done(struct cpu *cpu, uint64_t iterations) { cpu->icount += iterations - 1; }

static const struct uop *reached_next(struct cpu *cpu, const struct uop *u)
{
	((struct harness *)cpu)->outcome = NEXT;
	return NULL;
}

/* ---- the machine ---- */
struct harness *harness_new(void)
{
	struct harness *h = calloc(1, sizeof(*h));
	struct region *ram;

	assert_non_null(h);
	h->bus = bus_new();
	assert_non_null(h->bus);
	ram = bus_add_ram(h->bus, "ram", 0, MEMORY);
	assert_non_null(ram);
	h->ram = ram->host;
	h->cpu.bus = h->bus;
	clock_init(&h->clock);
	h->cpu.clock = &h->clock;
	h->cpu.s.cr0 = CR0_PE | CR0_ET;
	h->cpu.s.rflags = FLAG_ONE;
	h->cpu.sp_mask = h->cpu.ip_mask = 0xffffffffu;
	h->cpu.sp_keep = 0;
	for (unsigned i = 0; i <= SEG_GS; i++)
		h->cpu.s.seg[i] = (struct segment){.limit = 0xffffffffu, .sel = 0x10, .s = true, .present = true, .db = true,
						   .type = TYPE_WRITABLE | TYPE_ACCESSED, .usable = true};
	h->cpu.s.gpr.r64[RSP] = STACK_TOP;
	h->budget = UINT64_MAX;
	assert_true(mmu_init(&h->cpu.mmu, &h->cpu.s, h->bus, &h->cpu.fault));
	harness_set_flags(h, 0);
	return h;
}

void harness_free(struct harness *h)
{
	mmu_free(&h->cpu.mmu);
	bus_free(h->bus);
	free(h);
}

int harness_setup(void **state)
{
	*state = harness_new();
	return 0;
}

int harness_teardown(void **state)
{
	harness_free(*state);
	return 0;
}

void harness_paging(struct harness *h)
{
	harness_store(h, PAGE_DIR, 4, (PAGE_DIR + 0x1000) | PAGE_RW);
	for (uint32_t lin = 0; lin < 0x400000; lin += 0x1000)
		harness_store(h, PAGE_DIR + 0x1000 + lin / 0x1000 * 4, 4, lin | PAGE_RW);
	h->cpu.s.cr3 = PAGE_DIR;
	h->cpu.s.cr0 |= CR0_PG | CR0_WP;
	mmu_mode_changed(&h->cpu.mmu);
}

void harness_long64(struct harness *h)
{
	struct arch_state *s = &h->cpu.s;

	for (unsigned i = 0; i < 512; i++) {
		harness_store(h, PAGE_DIR + i * 8, 8, (PAGE_DIR + 0x1000) | PAGE_RW);
		harness_store(h, PAGE_DIR + 0x1000 + i * 8, 8, (PAGE_DIR + 0x2000) | PAGE_RW);
		harness_store(h, PAGE_DIR + 0x2000 + i * 8, 8, i % 511 ? 0 : (PAGE_DIR + 0x3000) | PAGE_RW);
		harness_store(h, PAGE_DIR + 0x3000 + i * 8, 8, i << 12 | PAGE_RW);
	}
	s->cr3 = PAGE_DIR;
	s->cr4 = CR4_PAE;
	s->efer = EFER_LME | EFER_LMA;
	s->cr0 |= CR0_PG | CR0_WP;
	s->seg[SEG_CS].l = true;
	s->seg[SEG_CS].db = false;
	h->cpu.sp_mask = h->cpu.ip_mask = UINT64_MAX;
	h->cpu.sp_keep = 0;
	for (unsigned i = SEG_ES; i <= SEG_DS; i++) {
		s->seg[i].base = 0x1234000;
		s->seg[i].limit = 0;
	}
	mmu_mode_changed(&h->cpu.mmu);
	for (unsigned i = SEG_ES; i <= SEG_GS; i++)
		harness_segment(h, (enum seg)i);
}

static bool is_long64(const struct harness *h) { return h->cpu.s.efer & EFER_LMA; }

void harness_page(struct harness *h, uint32_t lin, uint32_t entry_flags)
{
	if (is_long64(h))
		harness_store(h, PAGE_DIR + 0x3000 + lin / 0x1000 * 8, 8, (lin & ~0xfffu) | entry_flags);
	else
		harness_store(h, PAGE_DIR + 0x1000 + lin / 0x1000 * 4, 4, (lin & ~0xfffu) | entry_flags);
	mmu_invlpg(&h->cpu.mmu, lin);
}

void harness_segment(struct harness *h, enum seg seg) { mmu_segment_changed(&h->cpu.mmu, seg); }

void harness_stack16(struct harness *h)
{
	h->cpu.s.seg[SEG_SS].db = false;
	h->cpu.s.seg[SEG_SS].limit = 0xffff;
	h->cpu.sp_mask = 0xffff;
	h->cpu.sp_keep = ~UINT64_C(0xffff);
	harness_segment(h, SEG_SS);
}

struct uop *harness_uop(struct harness *h, unsigned width)
{
	h->u[0] = (struct uop){.base = GPR_ZERO, .index = GPR_ZERO, .seg = SEG_DS,
			       .addr_shift = is_long64(h) ? 0 : 32, .len = 2,
			       .width = (uint8_t)width};
	h->u[1] = (struct uop){.fn = reached_next};
	return &h->u[0];
}

enum outcome harness_run(struct harness *h, const struct exec *set, enum form form)
{
	unsigned width = h->u[0].width;
	uop_fn *fn = set->fn[form][width == 8 ? 0 : width == 16 ? 1 : width == 32 ? 2 : 3];

	assert_true(fn != NULL);
	h->outcome = NOT_RUN;
	h->cpu.icount++;
	/* Without tail calls a handler returns the uop to go on with. */
	for (const struct uop *next = fn(&h->cpu, h->u); next != NULL;)
		next = next->fn(&h->cpu, next);
	return h->outcome;
}

uint64_t harness_load(const struct harness *h, uint32_t pa, unsigned bytes) { return host_load(h->ram + pa, bytes); }
void harness_store(struct harness *h, uint32_t pa, unsigned bytes, uint64_t v) { host_store(h->ram + pa, bytes, v); }
uint32_t harness_flags(const struct harness *h) { return flags_status(&h->cpu.f); }
void harness_set_flags(struct harness *h, uint32_t flags) { flags_load(&h->cpu.f, flags); }

uint64_t harness_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state * 0x2545f4914f6cdd1d;
}
