/* Pages: 4-level paging (SDM 3A).  The kernel lies in the upper half, where physical memory is mapped at KERNEL_BASE; ring
 * 3 has the lower.  Each task has two tables: one with both halves, one with the lower half and the entry area. */
#include "kernel.h"

#define PTE_NO_CACHE  0x10ul
#define LARGE_PAGE    0x200000ul
#define LOWER_HALF    256 /* entries of a PML4 */

uint64_t pte_nx;
struct page_tables page_tables[NR_TASKS] __attribute__((aligned(8192)));
static uint64_t kernel_pdpt[512] __attribute__((aligned(4096))), image_pd[512] __attribute__((aligned(4096))),
	device_pd[512] __attribute__((aligned(4096))), entry_pdpt[512] __attribute__((aligned(4096))),
	entry_pd[512] __attribute__((aligned(4096))), entry_pt[512] __attribute__((aligned(4096)));
static void *free_list;
extern char image_end[], user_text_start[], user_text_end[], user_text_load[], user_data_start[], user_data_end[],
	user_data_load[];

uint64_t physical(const void *address)
{
	return (uint64_t)address - KERNEL_BASE;
}

static void *virtual(uint64_t entry)
{
	return (void *)((entry & PTE_ADDRESS) + KERNEL_BASE);
}

static void *get_page(void)
{
	uint64_t flags = save_flags();
	void *page;

	cli();
	page = free_list;
	if (page) {
		free_list = *(void **)page;
		fill_bytes(page, 0, PAGE_SIZE);
	}
	if (flags & X86_EFLAGS_IF)
		sti();
	return page;
}

static void free_page(void *page)
{
	uint64_t flags = save_flags();

	cli();
	*(void **)page = free_list;
	free_list = page;
	if (flags & X86_EFLAGS_IF)
		sti();
}

static unsigned index_at(uint64_t address, unsigned level)
{
	return address >> (12 + 9 * level) & 511;
}

/* In the lower half: both tables of the task share what is below the PML4. */
static bool map_page(struct page_tables *pgd, uint64_t address, uint64_t page, uint64_t bits)
{
	uint64_t *table = pgd->kernel;

	for (unsigned level = 3; level > 0; level--) {
		uint64_t *entry = &table[index_at(address, level)];

		if (!(*entry & PTE_PRESENT)) {
			void *next = get_page();

			if (!next)
				return false;
			*entry = physical(next) | PTE_PRESENT | PTE_WRITE | PTE_USER;
			if (level == 3)
				pgd->user[index_at(address, 3)] = *entry;
		}
		table = virtual(*entry);
	}
	table[index_at(address, 0)] = page | bits | PTE_PRESENT;
	return true;
}

bool is_mapped(const uint64_t *pgd, uint64_t address)
{
	for (unsigned level = 3;; level--) {
		uint64_t entry = pgd[index_at(address, level)];

		if (!(entry & PTE_PRESENT))
			return false;
		if (level == 0 || (entry & PTE_LARGE))
			return true;
		pgd = virtual(entry);
	}
}

void memory_init(void)
{
	for (uint64_t at = 0; at < KERNEL_END; at += LARGE_PAGE)
		image_pd[at / LARGE_PAGE] = at | PTE_PRESENT | PTE_WRITE | PTE_LARGE;
	device_pd[index_at(APIC, 1)] = 0xfee00000 | PTE_PRESENT | PTE_WRITE | PTE_LARGE | PTE_NO_CACHE | pte_nx;
	device_pd[index_at(IOAPIC, 1)] = 0xfec00000 | PTE_PRESENT | PTE_WRITE | PTE_LARGE | PTE_NO_CACHE | pte_nx;
	kernel_pdpt[510] = physical(image_pd) | PTE_PRESENT | PTE_WRITE;
	kernel_pdpt[511] = physical(device_pd) | PTE_PRESENT | PTE_WRITE;
	for (uint64_t at = (uint64_t)entry_start; at < (uint64_t)entry_end; at += PAGE_SIZE)
		entry_pt[index_at(at, 0)] = physical((void *)at) | PTE_PRESENT | PTE_WRITE;
	entry_pd[index_at((uint64_t)entry_start, 1)] = physical(entry_pt) | PTE_PRESENT | PTE_WRITE;
	entry_pdpt[510] = physical(entry_pd) | PTE_PRESENT | PTE_WRITE;
	for (unsigned i = 0; i < NR_TASKS; i++) {
		page_tables[i].kernel[511] = physical(kernel_pdpt) | PTE_PRESENT | PTE_WRITE;
		page_tables[i].user[511] = physical(entry_pdpt) | PTE_PRESENT | PTE_WRITE;
	}
	for (uint64_t at = (physical(image_end) + 4095) & ~4095ul; at < memory_end; at += PAGE_SIZE)
		free_page(virtual(at));
	__asm__ volatile("movq %0, %%cr3" : : "r"(physical(kernel_pgd)) : "memory");
}

/* The kernel's PCID is flushed now, ring 3's when it is next loaded: bit 63 is 0. */
void load_pgd(const struct page_tables *pgd)
{
	uint64_t pcid = cpu_area.noflush ? KERNEL_PCID : 0;

	cpu_area.user_cr3 = physical(pgd->user) | pcid | (pcid ? PTI_PCID : 0);
	__asm__ volatile("movq %0, %%cr3" : : "r"(physical(pgd->kernel) | pcid) : "memory");
}

static bool copy_page(struct page_tables *to, uint64_t address, uint64_t entry)
{
	uint64_t bits = entry & ~PTE_ADDRESS;
	void *page;

	if (entry & PTE_SHARED)
		return map_page(to, address, entry & PTE_ADDRESS, bits);
	page = get_page();
	if (!page)
		return false;
	copy_bytes(page, virtual(entry), PAGE_SIZE);
	if (map_page(to, address, physical(page), bits))
		return true;
	free_page(page);
	return false;
}

/* False: out of memory; what is there already is free_pgd's. */
static bool copy_level(struct page_tables *to, const uint64_t *table, unsigned level, uint64_t at)
{
	unsigned n = level == 3 ? LOWER_HALF : 512;

	for (unsigned i = 0; i < n; i++) {
		uint64_t address = at | (uint64_t)i << (12 + 9 * level);

		if (!(table[i] & PTE_PRESENT))
			continue;
		if (level ? !copy_level(to, virtual(table[i]), level - 1, address) : !copy_page(to, address, table[i]))
			return false;
	}
	return true;
}

bool copy_pgd(struct page_tables *to, const struct page_tables *from)
{
	return copy_level(to, from->kernel, 3, 0);
}

static void free_level(uint64_t *table, unsigned level)
{
	unsigned n = level == 3 ? LOWER_HALF : 512;

	for (unsigned i = 0; i < n; i++) {
		if (!(table[i] & PTE_PRESENT))
			continue;
		if (level)
			free_level(virtual(table[i]), level - 1);
		if (level || !(table[i] & PTE_SHARED))
			free_page(virtual(table[i]));
		table[i] = 0;
	}
}

/* The lower half of both; nobody uses them now. */
void free_pgd(struct page_tables *pgd)
{
	free_level(pgd->kernel, 3);
	fill_bytes(pgd->user, 0, LOWER_HALF * 8);
}

static bool load_private(struct page_tables *pgd, uint64_t from, uint64_t to, const char *contents)
{
	for (uint64_t at = from; at < to; at += PAGE_SIZE) {
		void *page = get_page();

		if (!page || !map_page(pgd, at, physical(page), PTE_USER | PTE_WRITE | pte_nx))
			return false;
		if (contents)
			copy_bytes(page, contents + (at - from), PAGE_SIZE);
	}
	return true;
}

bool load_user(struct page_tables *pgd)
{
	uint64_t n = (uint64_t)(user_text_end - user_text_start);

	for (uint64_t at = 0; at < n; at += PAGE_SIZE)
		if (!map_page(pgd, USER_START + at, physical(user_text_load) + at, PTE_USER | PTE_SHARED))
			return false;
	return load_private(pgd, (uint64_t)user_data_start, (uint64_t)user_data_end, user_data_load) &&
	       load_private(pgd, STACK_TOP - 4 * PAGE_SIZE, STACK_TOP, NULL);
}

/* The pages themselves say what ring 3 may: a fault is met by the exception table. */
static bool access_ok(uint64_t address, uint64_t n)
{
	return address < TASK_SIZE && n <= TASK_SIZE - address;
}

int copy_to_user(uint64_t to, const void *from, uint64_t n)
{
	return access_ok(to, n) ? copy_bytes((void *)to, from, n) : -EFAULT;
}

int copy_from_user(void *to, uint64_t from, uint64_t n)
{
	return access_ok(from, n) ? copy_bytes(to, (const void *)from, n) : -EFAULT;
}
