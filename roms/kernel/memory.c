/* Pages.  Linear = physical for the kernel; ring 3 has pages of its own; 32-bit paging (SDM 3A, "32-Bit Paging"). */
#include "kernel.h"

#define CR0_PG 0x80000000u
#define CR0_WP 0x00010000u

uint32_t kernel_pgd[1024] __attribute__((aligned(4096)));
static uint32_t kernel_tables[KERNEL_END >> 22][1024] __attribute__((aligned(4096)));
static void *free_list;
extern char image_end[], user_text_start[], user_text_end[], user_text_load[], user_data_start[], user_data_end[],
	user_data_load[], landing_load[];

void *get_page(void)
{
	uint32_t flags = save_flags();
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

void free_page(void *page)
{
	uint32_t flags = save_flags();

	cli();
	*(void **)page = free_list;
	free_list = page;
	if (flags & X86_EFLAGS_IF)
		sti();
}

bool map_page(uint32_t *pgd, uint32_t address, uint32_t physical, uint32_t bits)
{
	uint32_t *entry = &pgd[address >> 22], *table;

	if (!(*entry & PTE_PRESENT)) {
		table = get_page();
		if (!table)
			return false;
		*entry = (uint32_t)table | PTE_PRESENT | PTE_WRITE | PTE_USER;
	}
	table = (uint32_t *)(*entry & ~0xfffu);
	table[address >> 12 & 1023] = physical | bits | PTE_PRESENT;
	return true;
}

/* Page 0 is not mapped: a null pointer faults in the kernel too. */
void memory_init(void)
{
	uint32_t cr0;

	for (uint32_t at = PAGE_SIZE; at < KERNEL_END; at += PAGE_SIZE)
		kernel_tables[at >> 22][at >> 12 & 1023] = at | PTE_PRESENT | PTE_WRITE;
	for (uint32_t i = 0; i < KERNEL_END >> 22; i++)
		kernel_pgd[i] = (uint32_t)kernel_tables[i] | PTE_PRESENT | PTE_WRITE;
	for (uint32_t at = ((uint32_t)image_end + 4095) & ~4095u; at < memory_end; at += PAGE_SIZE)
		free_page((void *)at);
	map_page(kernel_pgd, LANDING_PAGE, (uint32_t)landing_load, PTE_USER | PTE_SHARED);
	map_page(kernel_pgd, APIC, APIC, PTE_WRITE | 0x10);
	map_page(kernel_pgd, IOAPIC, IOAPIC, PTE_WRITE | 0x10);
	__asm__ volatile("movl %0, %%cr3" : : "r"(kernel_pgd));
	__asm__ volatile("movl %%cr0, %0; orl %1, %0; movl %0, %%cr0"
			 : "=&r"(cr0) : "i"(CR0_PG | CR0_WP) : "memory");
}

/* A 386 has no CR0.WP: ring 0 writes where ring 3 may not. */
bool has_wp(void)
{
	uint32_t cr0;

	__asm__ volatile("movl %%cr0, %0" : "=r"(cr0));
	return cr0 & CR0_WP;
}

/* The kernel's part is the same in all. */
uint32_t *new_pgd(void)
{
	uint32_t *pgd = get_page();

	if (pgd)
		copy_bytes(pgd, kernel_pgd, PAGE_SIZE);
	return pgd;
}

/* A table of its own: the processor writes A bits into each directory, so addresses are compared. */
static bool is_user(const uint32_t *pgd, uint32_t i)
{
	return (pgd[i] & PTE_PRESENT) && (pgd[i] ^ kernel_pgd[i]) & ~0xfffu;
}

static bool copy_page(uint32_t *to, uint32_t address, uint32_t entry)
{
	void *page;

	if (entry & PTE_SHARED)
		return map_page(to, address, entry & ~0xfffu, entry & 0xfff);
	page = get_page();
	if (!page)
		return false;
	copy_bytes(page, (const void *)(entry & ~0xfffu), PAGE_SIZE);
	if (map_page(to, address, (uint32_t)page, entry & 0xfff))
		return true;
	free_page(page);
	return false;
}

/* False: out of memory; what is there already is free_pgd's. */
bool copy_pgd(uint32_t *to, const uint32_t *from)
{
	for (uint32_t i = 0; i < 1024; i++) {
		const uint32_t *table = (const uint32_t *)(from[i] & ~0xfffu);

		for (uint32_t j = 0; j < 1024 && is_user(from, i); j++)
			if ((table[j] & PTE_PRESENT) && !copy_page(to, i << 22 | j << 12, table[j]))
				return false;
	}
	return true;
}

void free_pgd(uint32_t *pgd)
{
	for (uint32_t i = 0; i < 1024; i++) {
		uint32_t *table = (uint32_t *)(pgd[i] & ~0xfffu);

		if (!is_user(pgd, i))
			continue;
		for (uint32_t j = 0; j < 1024; j++)
			if ((table[j] & PTE_PRESENT) && !(table[j] & PTE_SHARED))
				free_page((void *)(table[j] & ~0xfffu));
		free_page(table);
	}
	free_page(pgd);
}

static bool load_private(uint32_t *pgd, uint32_t from, uint32_t to, const char *contents)
{
	for (uint32_t at = from; at < to; at += PAGE_SIZE) {
		void *page = get_page();

		if (!page || !map_page(pgd, at, (uint32_t)page, PTE_USER | PTE_WRITE))
			return false;
		if (contents)
			copy_bytes(page, contents + (at - from), PAGE_SIZE);
	}
	return true;
}

bool load_user(uint32_t *pgd)
{
	uint32_t n = (uint32_t)(user_text_end - user_text_start);

	for (uint32_t at = 0; at < n; at += PAGE_SIZE)
		if (!map_page(pgd, USER_START + at, (uint32_t)user_text_load + at, PTE_USER | PTE_SHARED))
			return false;
	return load_private(pgd, (uint32_t)user_data_start, (uint32_t)user_data_end, user_data_load) &&
	       load_private(pgd, STACK_TOP - 4 * PAGE_SIZE, STACK_TOP, NULL);
}

/* The pages themselves say what ring 3 may: a fault is met by the exception table.  Supervisor pages do not fault the
 * kernel, so addresses below ring 3's are refused here. */
static bool access_ok(uint32_t address, uint32_t n)
{
	return address >= USER_START && address < TASK_SIZE && n <= TASK_SIZE - address;
}

int copy_to_user(uint32_t to, const void *from, uint32_t n)
{
	return access_ok(to, n) ? copy_bytes((void *)to, from, n) : -EFAULT;
}

int copy_from_user(void *to, uint32_t from, uint32_t n)
{
	return access_ok(from, n) ? copy_bytes(to, (const void *)from, n) : -EFAULT;
}
