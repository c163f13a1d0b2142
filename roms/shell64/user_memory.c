/* Experiments with what x86-64 changes of memory: page tables, canonical addresses, bases, protections. */
#include "user64.h"

/* ---- two page tables ---- */
static bool mapped(unsigned long address, bool user_table)
{
	return lab(LAB_WALK, address, user_table);
}

void try_pti(const char *argument)
{
	struct lab_info info;
	struct lab_seen seen;
	unsigned long me = (unsigned long)&try_pti;

	know(&info);
	check("sys_call_table in the kernel's page table", 1, mapped(info.sys_call_table, false));
	check("sys_call_table in ring 3's", 0, mapped(info.sys_call_table, true));
	check("entry_SYSCALL_64 in ring 3's", 1, mapped(info.entry_syscall, true));
	check("the IST stacks in ring 3's", 1, mapped(info.ist[0] - 8, true));
	check("the GS area in ring 3's", 1, mapped(info.cpu_area, true));
	check("this program in both", 1, mapped(me, false) && mapped(me, true));
	print("  ring 3 sees %u KiB of the kernel\n", (unsigned)(info.entry_end - info.entry_start) / 1024);
	check("CR3: bit 12 is ring 3's", PTI_PAGE, info.user_cr3 & PTI_PAGE);
	if (info.has_pcid) {
		check("CR4.PCIDE", 1ul << 17, info.cr4 & 1ul << 17);
		check("ring 3's PCID", PTI_PCID | KERNEL_PCID, info.user_cr3 & 0xfff);
	} else {
		skip("PCID", "this processor has none");
	}
	see(&seen);
	lab(LAB_WATCH, info.read_at, WATCH_EXECUTE);
	check("ring 0 reads sys_call_table", 0, (unsigned long)lab(LAB_READ, info.sys_call_table, 0));
	see(&seen);
	check("CR3 there: the kernel's", info.user_cr3 & ~(unsigned long)(PTI_PAGE | PTI_PCID), seen.watch.cr3);
	check("GS base there: the kernel's", info.cpu_area, seen.watch.gs);
	check("ring 0 reads where nobody is: -EFAULT", (unsigned long)-EFAULT,
	      (unsigned long)lab(LAB_READ, NOBODY, 0));
}

/* ---- faults of a child ---- */
static void ends_by(void (*fn)(void), unsigned long signal, struct lab_seen *seen)
{
	see(seen);
	check("the child ended by the signal", signal, (unsigned long)in_child(fn));
	see(seen);
}

/* ---- NX ---- */
static uint8_t ret_in_data[16] = {0xc3};

static void jump_to_data(void)
{
	((void (*)(void))(uintptr_t)ret_in_data)();
	leave(1);
}

void try_nx(const char *argument)
{
	struct lab_info info;
	struct lab_seen seen;

	know(&info);
	if (!info.has_nx) {
		skip("NX", "this processor has none");
		return;
	}
	ends_by(jump_to_data, SIGSEGV, &seen);
	check("vector", 14, seen.user.vector);
	check("error code: P, U, I", 0x15, seen.user.error);
	check("RIP: where the page says no", (unsigned long)ret_in_data, seen.user.ip);
}

/* ---- SMEP, SMAP, UMIP ---- */
#define CR4_SMEP (1ul << 20)
#define CR4_SMAP (1ul << 21)

__asm__(".text\nuser_ret: ret");
extern char user_ret[];

void try_smep(const char *argument)
{
	struct lab_info info;
	struct lab_seen seen;

	know(&info);
	if (info.has_smep) {
		see(&seen);
		check("ring 0 calls a function of ring 3: -EFAULT", (unsigned long)-EFAULT,
		      (unsigned long)lab(LAB_JUMP, (unsigned long)user_ret, 0));
		see(&seen);
		check("error code: P, I", 0x11, seen.fixup.error);
	} else {
		skip("SMEP", "this processor has none");
	}
	lab(LAB_CR4, 0, CR4_SMEP);
	check("without SMEP it may", 0, (unsigned long)lab(LAB_JUMP, (unsigned long)user_ret, 0));
	lab(LAB_CR4, info.cr4, CR4_SMEP);
}

static volatile int user_word;

void try_smap(const char *argument)
{
	struct lab_info info;
	struct lab_seen seen;

	know(&info);
	user_word = 1;
	if (!info.has_smap) {
		skip("SMAP", "this processor has none");
		check("ring 0 reads a page of ring 3", 0, (unsigned long)lab(LAB_READ, (unsigned long)&user_word, 0));
		return;
	}
	see(&seen);
	check("ring 0 reads a page of ring 3 with AC = 0: -EFAULT", (unsigned long)-EFAULT,
	      (unsigned long)lab(LAB_READ, (unsigned long)&user_word, 0));
	see(&seen);
	check("error code: P", 1, seen.fixup.error);
	lab(LAB_CR4, 0, CR4_SMAP);
	check("without SMAP it may", 0, (unsigned long)lab(LAB_READ, (unsigned long)&user_word, 0));
	lab(LAB_CR4, info.cr4, CR4_SMAP);
}

static void store_gdtr(void)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) gdtr;

	__asm__ volatile("sgdt %0" : "=m"(gdtr));
	leave(42);
}

void try_umip(const char *argument)
{
	struct lab_info info;
	struct lab_seen seen;

	know(&info);
	if (!info.has_umip) {
		check("without UMIP SGDT may be used in ring 3", EXITED(42), (unsigned long)in_child(store_gdtr));
		return;
	}
	ends_by(store_gdtr, SIGSEGV, &seen);
	check("vector", 13, seen.user.vector);
	check("error code", 0, seen.user.error);
}

/* ---- canonical addresses ---- */
#define FAULT(name, instructions)                                                                                       \
	extern char name##_here[];                                                                                     \
	static LABELLED void name(void)                                                                                \
	{                                                                                                              \
		__asm__ volatile(instructions : : "a"(NOT_CANONICAL) : "memory", "rcx");                               \
		leave(1);                                                                                              \
	}
#define HERE(name) ".globl " #name "_here\n" #name "_here: "

FAULT(by_rax, HERE(by_rax) "movl (%%rax), %%ecx")
FAULT(by_rbp, "movq %%rax, %%rbp\n" HERE(by_rbp) "movl (%%rbp), %%ecx")
FAULT(by_rsp, "movq %%rax, %%rsp\n" HERE(by_rsp) "movl 8(%%rsp), %%ecx")
FAULT(by_push, "leaq 8(%%rax), %%rsp\n" HERE(by_push) "pushq %%rcx")
FAULT(by_jump, HERE(by_jump) "jmp *%%rax")
FAULT(by_call, HERE(by_call) "call *%%rax")
FAULT(by_ret, "pushq %%rax\n" HERE(by_ret) "ret")
FAULT(by_upper, "decq %%rax\n" HERE(by_upper) "movb (%%rax), %%cl")

void try_canonical(const char *argument)
{
	static const struct {
		const char *name;
		void (*fn)(void);
		char *here;
		unsigned vector, error, signal;
	} cases[] = {
		{"canonical, a read by RAX: #GP", by_rax, by_rax_here, 13, 0, SIGSEGV},
		{"canonical, a read by RBP: #SS", by_rbp, by_rbp_here, 12, 0, SIGSEGV},
		{"canonical, a read by RSP: #SS", by_rsp, by_rsp_here, 12, 0, SIGSEGV},
		{"canonical, PUSH: #SS", by_push, by_push_here, 12, 0, SIGSEGV},
		{"canonical, JMP: #GP, on the jump", by_jump, by_jump_here, 13, 0, SIGSEGV},
		{"canonical, CALL: #GP, on the call", by_call, by_call_here, 13, 0, SIGSEGV},
		{"canonical, RET: #GP, on the return", by_ret, by_ret_here, 13, 0, SIGSEGV},
		{"canonical, the last address below 2^47: #PF", by_upper, by_upper_here, 14, 4, SIGSEGV},
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct lab_seen seen;

		about(cases[i].name);
		see(&seen);
		in_child(cases[i].fn);
		see(&seen);
		check("vector", cases[i].vector, seen.user.vector);
		check("error code", cases[i].error, seen.user.error);
		check("RIP", (unsigned long)cases[i].here, seen.user.ip);
	}
}

/* ---- FS and GS ---- */
static uint64_t fs_words[3] = {0x1111, 0x2222, 0x3333};

static uint64_t read_fs(void)
{
	uint64_t value;

	__asm__ volatile("movq %%fs:8, %0" : "=r"(value));
	return value;
}

static void fs_child(void)
{
	if (read_fs() != 0x2222)
		leave(1);
	CALL(NR_arch_prctl, ARCH_SET_FS, fs_words + 1, 0);
	CALL(NR_sched_yield, 0, 0, 0);
	leave(read_fs() == 0x3333 ? 42 : 2);
}

static void fsgsbase_instructions(const struct lab_info *info)
{
	uint64_t base = 0;

	if (!info->has_fsgsbase) {
		skip("WRFSBASE", "this processor has none");
		return;
	}
	__asm__ volatile("wrfsbase %0" : : "r"(fs_words + 1));
	check("WRFSBASE", 0x3333, read_fs());
	CALL(NR_arch_prctl, ARCH_GET_FS, &base, 0);
	check("the MSR has it", (unsigned long)(fs_words + 1), base);
	CALL(NR_sched_yield, 0, 0, 0);
	__asm__ volatile("rdfsbase %0" : "=r"(base));
	check("RDFSBASE, behind a system call", (unsigned long)(fs_words + 1), base);
	__asm__ volatile("wrgsbase %0" : : "r"(fs_words));
	CALL(NR_sched_yield, 0, 0, 0);
	__asm__ volatile("rdgsbase %0" : "=r"(base));
	check("RDGSBASE, behind two SWAPGS", (unsigned long)fs_words, base);
}

void try_fsgs(const char *argument)
{
	struct lab_info info;
	uint64_t base = 1;
	uint32_t value;

	know(&info);
	check("arch_prctl(ARCH_SET_FS)", 0, (unsigned long)CALL(NR_arch_prctl, ARCH_SET_FS, fs_words, 0));
	check("a word by FS", 0x2222, read_fs());
	check("a child has it too, and its own changes; task switches keep them apart", EXITED(42),
	      (unsigned long)in_child(fs_child));
	check("... here nothing changed", 0x2222, read_fs());
	check("ARCH_GET_FS", 0, (unsigned long)CALL(NR_arch_prctl, ARCH_GET_FS, &base, 0));
	check("the base", (unsigned long)fs_words, base);
	CALL(NR_arch_prctl, ARCH_SET_GS, fs_words, 0);
	__asm__ volatile("movl %%gs:0, %0" : "=r"(value));
	check("a word by GS", 0x1111, value);
	check("a base in the kernel's half: -EPERM", (unsigned long)-EPERM,
	      (unsigned long)CALL(NR_arch_prctl, ARCH_SET_GS, KERNEL_BASE, 0));
	fsgsbase_instructions(&info);
	CALL(NR_arch_prctl, ARCH_SET_FS, 0, 0);
	CALL(NR_arch_prctl, ARCH_SET_GS, 0, 0);
}

/* ---- CR8 ---- */
static void read_cr8(void)
{
	uint64_t value;

	__asm__ volatile("movq %%cr8, %0" : "=r"(value));
	leave(1);
}

void try_cr8(const char *argument)
{
	struct lab_info info;
	struct lab_seen seen;

	know(&info);
	if (info.has_apic)
		check("CR8 is TPR's upper half, and an IPI waits behind it", 0, (unsigned long)lab(LAB_CR8, 0, 0));
	else
		skip("TPR", "no local APIC");
	ends_by(read_cr8, SIGSEGV, &seen);
	check("ring 3 may not read it: vector", 13, seen.user.vector);
	check("error code", 0, seen.user.error);
}
