/* Memory as the kernel sees it at its entry: which page tables, which rights, which bytes. */
#include <inttypes.h>
#include <string.h>

#include "explain/know.h"
#include "explain/views.h"

#define BYTES 64u

/* Page-table entries, SDM 3A, "Paging". */
#define PTE_P  0x01u
#define PTE_W  0x02u
#define PTE_U  0x04u
#define PTE_PS 0x80u

static uint64_t entry_at(struct explain *x, uint64_t pa, unsigned bytes)
{
	uint64_t value = 0;

	bus_peek(x->machine->bus, pa, &value, bytes);
	return value;
}

static void put_level(struct fact *rows, const char *name, uint64_t pa, uint64_t value)
{
	struct fact *row = put_object(rows, NULL);

	put_text(row, "level", "%s", name);
	put_hex(row, "at", pa, 8);
	put_hex(row, "entry", value, 8);
	put_flag(row, "present", value & PTE_P);
	put_flag(row, "writable", value & PTE_W);
	put_flag(row, "user", value & PTE_U);
}

#define PTE_ADDRESS UINT64_C(0xffffffffff000)
#define PTE_NX      (UINT64_C(1) << 63)

/* The walk of 4-level and of 5-level paging. */
static uint64_t walk_wide(struct explain *x, struct cpu *cpu, uint64_t lin, struct fact *rows)
{
	static const char *const names[] = {"PTE", "PDE", "PDPTE", "PML4E", "PML5E"};
	uint64_t table = cpu->s.cr3, rights = PTE_P | PTE_W | PTE_U, no_execute = 0;

	for (unsigned level = cpu->s.cr4 & CR4_LA57 ? 5 : 4; level-- > 0;) {
		uint64_t pa = (table & PTE_ADDRESS) + 8 * (lin >> (12 + 9 * level) & 0x1ff), e = entry_at(x, pa, 8);

		put_level(rows, names[level], pa, e);
		rights &= e;
		no_execute |= e & PTE_NX;
		table = e;
		if (!(e & PTE_P) || ((e & PTE_PS) && level && level < 3))
			break;
	}
	return rights | no_execute;
}

/* The walk of 32-bit and of PAE paging; returns the rights of all levels together. */
static uint64_t walk(struct explain *x, struct cpu *cpu, uint32_t lin, struct fact *rows)
{
	bool pae = cpu->s.cr4 & CR4_PAE;
	unsigned bytes = pae ? 8 : 4;
	uint64_t table = cpu->s.cr3 & (pae ? 0xffffffe0u : 0xfffff000u), rights = PTE_P | PTE_W | PTE_U, pa, e;

	if (pae) {
		e = cpu->s.pdpte[lin >> 30];
		put_level(rows, "PDPTE", table + 8 * (lin >> 30), e | PTE_W | PTE_U);
		if (!(e & PTE_P))
			return 0;
		table = e & UINT64_C(0xffffffffff000);
	}
	pa = table + bytes * (pae ? lin >> 21 & 0x1ff : lin >> 22);
	e = entry_at(x, pa, bytes);
	put_level(rows, "PDE", pa, e);
	rights &= e;
	if (!(e & PTE_P) || ((e & PTE_PS) && (pae || (cpu->s.cr4 & CR4_PSE))))
		return rights;
	pa = (e & (pae ? UINT64_C(0xffffffffff000) : 0xfffff000u)) + bytes * (lin >> 12 & (pae ? 0x1ff : 0x3ff));
	e = entry_at(x, pa, bytes);
	put_level(rows, "PTE", pa, e);
	return rights & e;
}

static void put_bytes(struct explain *x, struct cpu *cpu, uint64_t lin)
{
	struct fact *rows = put_list(&x->facts.root, "words");

	for (unsigned i = 0; i < BYTES; i += know_word_bytes(cpu)) {
		struct fact *row;
		uint64_t value;

		if (!know_read(cpu, lin + i, &value))
			break;
		row = put_object(rows, NULL);
		put_hex(row, "at", lin + i, 8);
		put_hex(row, "value", value, 8);
		if (know_symbol(x, value, &(uint64_t){0}))
			put_place(x, row, "means", value);
	}
}

/* CR3 where ring 3 was left, in the handler, and back in ring 3. */
static void put_cr3(struct explain *x)
{
	struct fact *o = put_object(&x->facts.root, "cr3");
	struct path p;

	if (path_record(x, &p, NULL)) {
		put_hex(o, "at_entry", p.start.cr3, 8);
		put_hex(o, "before_the_return", p.before_end.cr3, 8);
		put_number(o, "changes_in_between", p.cr3_changes);
		put_text(o, "so",
			 p.cr3_changes ? "the kernel switched page tables"
				       : "the kernel uses the program's page tables");
	}
	path_free(&p);
}

bool view_memory(struct explain *x)
{
	static const struct moment moment = {"an entry from ring 3, the moment without another one", moment_from_user};
	const char *text = x->options.argument;
	struct fact *o, *rows;
	uint64_t lin, pa, rights = PTE_P | PTE_W | PTE_U;
	struct cpu *cpu;

	if (!moment_state(x, &moment))
		return false;
	if (!explain_number(text, &lin) && !know_address(x, text, &lin))
		return diagnose(&x->why, "explain memory %s: neither an address nor a symbol of the guest", text);
	cpu = moment_cpu(x);
	if ((lin > UINT32_MAX && !in_ia32e(cpu)) || !peek_translate(&cpu->mmu, lin, &pa))
		return diagnose(&x->why, "explain memory %s: the address %08" PRIx64 " is not mapped at t=%" PRIu64,
				text, lin, drive_now(&x->drive));
	put_text(&x->facts.root, "title", "memory at %08" PRIx64 " at t=%" PRIu64, lin, drive_now(&x->drive));
	put_place(x, &x->facts.root, "address", lin);
	put_hex(&x->facts.root, "physical", pa, 8);
	if (cpu->s.cr0 & CR0_PG) {
		rows = put_list(&x->facts.root, "walk");
		rights = in_ia32e(cpu) ? walk_wide(x, cpu, lin, rows) : walk(x, cpu, (uint32_t)lin, rows);
	}
	o = put_object(&x->facts.root, "may");
	put_flag(o, "ring_0_read", true);
	put_flag(o, "ring_0_write", (rights & PTE_W) || !(cpu->s.cr0 & CR0_WP));
	put_flag(o, "ring_3_read", rights & PTE_U);
	put_flag(o, "ring_3_write", (rights & PTE_U) && (rights & PTE_W));
	if (in_ia32e(cpu))
		put_flag(o, "execute", !(rights & PTE_NX));
	put_bytes(x, cpu, lin);
	if (!x->options.has_at && !x->options.end && !x->options.symbol)
		put_cr3(x);
	return true;
}
