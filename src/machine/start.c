/* Where the processor stands at the first instruction of a guest that is
 * loaded without firmware. */
#include "machine/boot.h"

#define START_STACK 0x7c00u
/* __BOOT_CS and __BOOT_DS ("The Linux/x86 Boot Protocol", "32-bit Boot Protocol") */
#define LINUX_CS 0x10
#define LINUX_DS 0x18

static struct segment flat(uint16_t sel, uint8_t type, bool db)
{
	return (struct segment){.sel = sel,
				.limit = 0xffffffff,
				.type = type,
				.s = true,
				.present = true,
				.db = db,
				.g = true,
				.usable = true};
}

/* 32-bit or 16-bit code over flat data, paging off, A20 on, IF = 0: the machine
 * state of the Multiboot Specification 0.6.96, which suits plain ELF and flat binaries too.  GDTR and
 * IDTR are empty: the guest loads its own before it loads a segment register. */
static void start_protected(struct machine *m, bool code32)
{
	struct arch_state *s = &m->cpu[0]->s;

	s->cr0 |= CR0_PE;
	s->cr0 &= ~(uint64_t)(CR0_CD | CR0_NW); /* firmware has the caches on */
	s->gdtr.limit = s->idtr.limit = 0;
	for (int i = SEG_ES; i <= SEG_GS; i++)
		s->seg[i] = flat(0x10, TYPE_WRITABLE | TYPE_ACCESSED, true);
	s->seg[SEG_CS] = flat(0x08, TYPE_CODE | TYPE_READABLE | TYPE_ACCESSED, code32);
	s->rip = m->guest.entry;
	if (!code32) {
		s->seg[SEG_CS].base = m->guest.entry & ~UINT64_C(0xffff);
		s->rip = m->guest.entry & 0xffff;
	}
}

static void start_real(struct machine *m)
{
	struct arch_state *s = &m->cpu[0]->s;
	uint64_t entry = m->guest.entry;
	uint16_t cs = entry < 0x10000 ? 0 : (uint16_t)((entry >> 4) & 0xf000);

	for (int i = SEG_ES; i <= SEG_GS; i++) {
		s->seg[i].sel = 0;
		s->seg[i].base = 0;
	}
	s->seg[SEG_CS].sel = cs;
	s->seg[SEG_CS].base = (uint64_t)cs << 4;
	s->rip = entry - s->seg[SEG_CS].base;
}

/* Linux: flat segments from a GDT in memory, all other registers zero but ESI, IF = 0. */
static void start_linux(struct machine *m)
{
	struct arch_state *s = &m->cpu[0]->s;

	start_protected(m, true);
	s->gdtr.base = LINUX_GDT;
	s->gdtr.limit = LINUX_GDT_BYTES - 1;
	for (int i = SEG_ES; i <= SEG_GS; i++)
		s->seg[i].sel = LINUX_DS;
	s->seg[SEG_CS].sel = LINUX_CS;
	s->gpr.r64[RSI] = m->guest.info;
}

/* The same in 64-bit mode, memory identity-mapped ("64-bit Boot Protocol"). */
static void start_linux64(struct machine *m)
{
	struct arch_state *s = &m->cpu[0]->s;

	start_linux(m);
	s->cr3 = m->guest.pages;
	s->cr4 |= CR4_PAE;
	s->efer |= EFER_LME | EFER_LMA;
	s->cr0 |= CR0_PG;
	s->seg[SEG_CS].db = false;
	s->seg[SEG_CS].l = true;
}

/* PVH (Xen, "x86/HVM direct boot ABI"): PE alone in CR0, nothing in CR4, a TSS. */
static void start_pvh(struct machine *m)
{
	struct arch_state *s = &m->cpu[0]->s;

	start_protected(m, true);
	s->seg[SEG_TR] = (struct segment){
		.limit = 0x67, .type = SYS_TSS32_BUSY, .present = true, .usable = true};
	s->gpr.r64[RBX] = m->guest.info;
}

static void start_multiboot(struct machine *m, uint32_t magic)
{
	start_protected(m, true);
	m->cpu[0]->s.gpr.r64[RAX] = magic;
	m->cpu[0]->s.gpr.r64[RBX] = m->guest.info;
}

void machine_start(struct machine *m)
{
	struct arch_state *s = &m->cpu[0]->s;

	if (m->guest.mode != START_RESET) {
		struct diagnostic why;

		if (!machine_like_firmware(m, &why))
			machine_finish(m, END_UNIMPLEMENTED, 12, "%s", why.text);
		for (int i = 0; i < 8; i++)
			s->gpr.r64[i] = 0;
		s->gpr.r64[RSP] = START_STACK;
	}
	switch (m->guest.mode) {
	case START_RESET:
		break;
	case START_REAL:
		start_real(m);
		break;
	case START_PROT16:
	case START_PROT32:
		start_protected(m, m->guest.mode == START_PROT32);
		break;
	case START_MULTIBOOT:
		start_multiboot(m, 0x2badb002);
		break;
	case START_MULTIBOOT2:
		start_multiboot(m, 0x36d76289);
		break;
	case START_PVH:
		start_pvh(m);
		break;
	case START_LINUX:
		start_linux(m);
		break;
	case START_LINUX64:
		start_linux64(m);
		break;
	}
	cpu_state_changed(m->cpu[0]);
}
