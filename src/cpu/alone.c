/* One instruction by itself: fetched and decoded afresh, checked byte by byte
 * against CS's limit, run with every access allowed (devices, stores into
 * cached code, watched pages).  The oracle for the block cache, and the way
 * for whatever a block may not hold. */
#include "cpu/block.h"

struct fetched {
	uint8_t bytes[INSN_MAX_LENGTH];
	unsigned count;  /* bytes that could be fetched */
	bool at_limit;   /* the next byte is outside CS */
	bool fault;      /* the next byte faults: cpu->fault */
};

/* Fetches until 15 bytes, CS's limit or, when first_page_only, the page's end. */
static void fetch(struct cpu *cpu, struct fetched *f, bool first_page_only)
{
	uint64_t start = code_linear(cpu, cpu->s.rip);

	while (f->count < INSN_MAX_LENGTH && !f->at_limit && !f->fault) {
		uint64_t lin = (start + f->count) & cpu->mmu.lin_mask;
		if (first_page_only && ((lin ^ start) & PAGE_MASK))
			return;
		if (!code_reaches(cpu, cpu->s.rip + f->count)) {
			f->at_limit = true;
			return;
		}
		struct rd byte = mmu_fetch_byte(&cpu->mmu, lin);
		f->fault = !byte.ok;
		if (byte.ok)
			f->bytes[f->count++] = (uint8_t)byte.v;
	}
}

/* Decodes the instruction at CS:RIP.  The second page is touched only if the
 * instruction reaches it.  False: cpu->fault. */
static bool fetch_insn(struct cpu *cpu, struct insn *insn)
{
	uint8_t key = block_key(cpu);
	uint64_t how = key_how(cpu, key);
	struct fetched f = {.count = 0};

	fetch(cpu, &f, true);
	if (decode(insn, f.bytes, f.count, key_mode(key), how) != DECODE_SHORT)
		return true;
	if (!f.fault && !f.at_limit)
		fetch(cpu, &f, false);
	if (decode(insn, f.bytes, f.count, key_mode(key), how) != DECODE_SHORT)
		return true;
	if (f.fault)
		return false;
	return cpu_raise(cpu, VEC_GP, 0, in_long64(cpu) ? WHY_FETCH_NON_CANONICAL : WHY_FETCH_LIMIT);
}

void run_alone(struct cpu *cpu)
{
	_Alignas(struct block) uint8_t memory[sizeof(struct block) + 2 * sizeof(struct uop)];
	struct block *own = (struct block *)memory;
	struct uop *u = own->uops;
	struct insn insn;

	cpu->mmu.alone = true;
	cpu->mmu.stop = MMU_FAULT;
	cpu_sync_clock(cpu);
	if (!fetch_insn(cpu, &insn)) {
		cpu->leave = LEAVE_FAULT;
	} else {
		lower(&u[0], &insn, cpu->model, 0);
		vec_gate(&u[0], &insn, block_key(cpu));
		u[1] = (struct uop){.fn = exec_end_of_block, .off = insn.length, .n = 1};
		*own = (struct block){.alone = true, .n = 1, .bytes = insn.length, .rip = cpu->s.rip};
		lower_links(own, &insn, cpu->ip_mask);
		cpu->icount++;
		cpu->clock->now = cpu->icount;
		cpu->block = own;
		run_uops(cpu, u);
		cpu->block = NULL;
	}
	cpu->mmu.alone = false;
}
