#include <string.h>

#include "arch/x86.h"
#include "decode/insn.h"
#include "testcase/host.h"

uint64_t host_page_entry(const struct scene *scene, uint64_t linear)
{
	uint64_t entry = 0, table = scene->s.cr3 & ~UINT64_C(0xfff), rights = 6, no_execute = 0;
	unsigned levels = scene_paging_levels(scene->paging), bits = levels == 2 ? 10 : 9;

	if (scene->paging == PAGING_PAE) {
		table = scene->s.pdpte[linear >> 30 & 3] & ~UINT64_C(0xfff);
		levels = 2;
	}
	for (unsigned level = levels; level; level--) {
		uint64_t index = linear >> (12 + (level - 1) * bits) & ((1u << bits) - 1);
		entry = 0;
		scene_peek(scene, table + index * (bits == 10 ? 4 : 8), &entry, bits == 10 ? 4 : 8);
		rights &= entry;
		no_execute |= entry & (UINT64_C(1) << 63);
		if (!(entry & 1))
			return 0;
		if (level > 1 && level < 4 && (entry & 0x80)) /* a large page */
			break;
		table = entry & UINT64_C(0x000ffffffffff000);
	}
	return (entry & ~UINT64_C(6)) | rights | no_execute;
}

static bool is_flat(const struct segment *s)
{
	return s->usable && s->base == 0 && s->limit == 0xffffffff && (s->db || s->l) && s->dpl == 3;
}

static const char *unfit_pages(const struct scene *scene)
{
	if (scene->paging == PAGING_NONE)
		return NULL;
	for (uint64_t at = 0x10000; at < scene->ram; at += 0x1000) {
		uint64_t entry = host_page_entry(scene, at);
		if ((entry & 1) && !(entry & 0x80) && (entry & 0xffffffffff000) != at)
			return "its pages lie elsewhere";
		if ((entry & 1) && !(entry & 4))
			return "a supervisor's page";
		if (entry & (UINT64_C(1) << 51))
			return "a reserved bit in a page table";
	}
	return NULL;
}

const char *host_unfit(const struct scene *scene)
{
	const struct arch_state *s = &scene->s;

	if ((scene->mode != SCENE_PROT32 && !scene_is_long(scene)) || scene->cpl != 3)
		return "not ring 3 in 32-bit protected mode or IA-32e mode";
	if (scene->events || scene->until != END_AT_END || !scene->codes)
		return "events from outside, or an end of its own";
	if (scene->ram < 0x90000)
		return "its memory is too small";
	if (s->cr0 & (CR0_EM | CR0_TS))
		return "CR0.EM or CR0.TS";
	if ((s->dr7 & DR7_ENABLE_ANY) || (s->cr4 & (CR4_TSD | CR4_VME | CR4_PVI)))
		return "debug registers, or CR4";
	if ((s->rflags & FLAG_AC) && !(s->cr0 & CR0_AM))
		return "AC without CR0.AM";
	if (s->rflags & (FLAG_IOPL | FLAG_TF | FLAG_RF | FLAG_NT | FLAG_VIF | FLAG_VIP | FLAG_ID))
		return "flags a program cannot set";
	for (unsigned i = SEG_ES; i <= SEG_DS; i++)
		if (!is_flat(&s->seg[i]))
			return "segments that are not flat";
	if (tree_get(scene->node, "tss") || tree_get(scene->node, "ldt"))
		return "a TSS or LDT of its own";
	return unfit_pages(scene);
}

/* ---- instructions ---- */
static bool is_one_of(unsigned mnemonic, const uint16_t *list, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (list[i] == mnemonic)
			return true;
	return false;
}

static bool uses_fs(const struct insn *insn)
{
	for (unsigned i = 0; i < insn->operands; i++)
		if ((insn->op[i].kind == OPD_MEM || insn->op[i].kind == OPD_STR_SRC) && insn->seg >= SEG_FS)
			return true;
	return false;
}

static bool loads_segment(const struct insn *insn)
{
	static const uint16_t names[] = {MN_lds, MN_les, MN_lfs, MN_lgs, MN_lss};

	return is_one_of(insn->mnemonic, names, sizeof(names) / sizeof(names[0])) ||
	       ((insn->mnemonic == MN_mov || insn->mnemonic == MN_pop) && insn->op[0].kind == OPD_SREG);
}

void host_look_at(void *owner, struct cpu *cpu, const uint8_t *bytes, unsigned size)
{
	static const uint16_t tell[] = {MN_cpuid, MN_rdtsc, MN_rdpmc, MN_sgdt, MN_sidt, MN_sldt, MN_str, MN_smsw};
	static const uint16_t system[] = {MN_sysenter, MN_sysexit, MN_syscall, MN_sysret};
	static const uint16_t tables[] = {MN_lar, MN_lsl, MN_verr, MN_verw, MN_iret, MN_retf};
	struct host_look *look = owner;
	struct insn insn;

	if (look->why || decode(&insn, bytes, size, cpu_mode(cpu), cpu->how | DECODE_D32) != DECODE_OK)
		return;
	if (is_one_of(insn.mnemonic, tell, sizeof(tell) / sizeof(tell[0])))
		look->why = "an instruction that tells of the processor itself";
	else if (is_one_of(insn.mnemonic, system, sizeof(system) / sizeof(system[0])))
		look->why = "a system call of the host";
	else if (is_one_of(insn.mnemonic, tables, sizeof(tables) / sizeof(tables[0])) || loads_segment(&insn) ||
		 (opcode_rows[insn.row].attributes & ATTR_FAR) || insn.op[0].kind == OPD_FAR)
		look->why = "descriptors, which are the host's own";
	else if (uses_fs(&insn))
		look->why = "FS and GS, which are the host's own";
	else if (insn.mnemonic == MN_int && (insn.imm & 0xff) == 0x80)
		look->why = "a system call of the host";
	else if ((insn.mnemonic == MN_bsf || insn.mnemonic == MN_bsr) && insn.rep)
		look->why = "F3 BSF and F3 BSR are other instructions on later processors";
}

/* Exceptions that come of control registers, which are the host's own. */
static bool why_is_of_the_system(unsigned why)
{
	static const uint16_t list[] = {WHY_SIMD_EMULATED,      WHY_SIMD_OSFXSR,       WHY_SIMD_OSXSAVE, WHY_SIMD_XCR0,
					WHY_SIMD_TASK_SWITCHED, WHY_FSGSBASE_DISABLED, WHY_PKRU_DISABLED};

	return is_one_of(why, list, sizeof(list) / sizeof(list[0]));
}

/* Linux: DPL 3 for #BP, #OF and 80h. */
bool host_same_way(const struct bench *b)
{
	const struct delivery_record *first = &b->delivered[0];
	bool software = first->kind == EV_SOFT_INT || first->kind == EV_INT3 || first->kind == EV_INTO;
	bool linux_lets = first->vector == VEC_BP || first->vector == VEC_OF;
	bool refused = first->outcome == OUT_FAULTED;

	if (b->deliveries > 2 || (b->deliveries == 2 && (!refused || !software)) || (b->deliveries == 1 && refused))
		return false;
	if (first->kind == EV_INT1 || (refused && first->refused.why != WHY_GATE_DPL) ||
	    b->delivered[b->deliveries - 1].word_bytes != (scene_is_long(b->scene) ? 8 : 4))
		return false;
	if (why_is_of_the_system(b->delivered[b->deliveries - 1].why))
		return false;
	return !software || refused != linux_lets;
}
