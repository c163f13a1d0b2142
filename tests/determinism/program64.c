/* A guest in IA-32e mode that does everything an interrupt can come between: in ring 0 loops, strings, HLT, stores into
 * its own code, exceptions of every kind, control registers, x87, SSE and AVX, compatibility mode; in ring 3
 * SYSCALL, gates, SYSENTER from compatibility mode, breakpoints and single steps.  A timer besides. */
#include "determinism/determinism.h"

#include <string.h>

#include "rig/guest.h"

/* Where the pieces lie. */
#define COMPAT  0x11000u
#define SECOND  0x12000u
#define RING3   0x13000u
#define HANDLER 0x14000u
#define SYSTEM  0x15000u /* SYSCALL */
#define INNER   0x15400u /* behind the call gate */
#define FAST32  0x15800u /* SYSENTER */
#define COMPAT3 0x16000u
#define COMPAT3_ON 0x16100u /* behind SYSEXIT */
#define RING3B  0x17000u
#define PATCHED 0x18000u
#define ACROSS  0x18ffcu /* the end of a page is inside its first instruction */
#define DOUBLES 0x53000u
#define GS_AREA 0x56000u
#define IRQ_COUNT 0x5e00cu
#define NMI_COUNT 0x5e004u
#define PERIOD  151u /* of the timer, in ticks */

/* Selectors, in the order that SYSCALL, SYSENTER and their returns want. */
enum {
	KERNEL = 0x140, KERNEL_DATA = 0x148, USER32 = 0x150, USER_DATA = 0x158, USER64 = 0x160, USER_DATA64 = 0x168,
	COMPAT0 = 0x170, ABSENT = 0x178, GATE = 0x180
};

/* An instruction that faults: its handler goes on behind it, EBP bytes further. */
#define F(text) ".byte 0xbd\n .long 8f - 7f\n 7: " text "\n 8:\n"
#define SET_CR4(bits) "mov rax, cr4\n or eax, " #bits "\n mov cr4, rax\n"
#define CHANGE_FLAGS(how) "pushfq\n " how "\n popfq\n"

GUEST64(main,
	"mov ecx, 5\n xor eax, eax\n movabs r8, 0x123456789abcdef\n"
	"1: add rax, rcx\n adc r8, rax\n ror r8, 3\n dec ecx\n jnz 1b\n"
	/* the same code by two addresses; an instruction in two pages */
	"sti\n nop\n movabs rax, 0xffffffff80018000\n call rax\n call rax\n cli\n nop\n sti\n nop\n"
	"mov eax, 0x18ffc\n call rax\n"
	"mov ecx, ss\n mov ss, ecx\n inc eax\n"
	"mov esi, 0x50000\n xor ecx, ecx\n lock cmpxchg16b [rsi]\n lock cmpxchg16b [rsi]\n lock xadd [rsi], rcx\n"
	"mov edx, 0xf0f0\n pext r9, r8, rdx\n mulx r10, r11, r8\n popcnt r12, r8\n enter 16, 0\n leave\n"
	/* strings: across a page, backwards, compared, with 32-bit addresses */
	"cld\n mov esi, 0x50000\n mov edi, 0x51000\n mov ecx, 12\n rep movsb\n"
	"mov edi, 0x51ff0\n mov ecx, 4\n rep stosq\n"
	"mov esi, 0x50000\n mov edi, 0x51000\n mov ecx, 20\n repe cmpsb\n pushfq\n pop rdx\n"
	"std\n mov esi, 0x50010\n mov edi, 0x51020\n mov ecx, 5\n .byte 0x67, 0xf3, 0x48, 0xa5\n cld\n"
	"mov esi, 0x50000\n mov edi, 0x60ff8\n mov ecx, 5\n rep movsd\n"
	/* faults of instructions, a wait for the timer */
	F("ud2") "hlt\n mov ecx, 0x1ff8\n" F("mov es, ecx") "int3\n xor ecx, ecx\n mov eax, 1\n cdq\n" F("div ecx")
	"movabs rbx, 0x900000000000\n" F("mov rax, [rbx]") F("jmp rbx")
	"cli\n mov rcx, rsp\n mov rsp, rbx\n" F("push rax") F("mov rax, [rsp + 8]") F("int3") "mov rsp, rcx\n sti\n"
	"mov eax, 0x178\n" F("mov fs, eax") F("mov ss, eax") "mov eax, 0x110\n" F("ltr ax")
	"mov ecx, 0x999\n" F("rdmsr")
	/* a frame that reaches into a page that is not present */
	"mov rbx, rsp\n mov esp, 0x63008\n int3\n mov rsp, rbx\n"
	/* #DE through a gate that is not present: double fault */
	"and byte ptr [0x2005], 0x7f\n xor ecx, ecx\n" F("div ecx")
	/* IRETQ: NT, and a bad address */
	CHANGE_FLAGS("or dword ptr [rsp], 0x4000") F("iretq") CHANGE_FLAGS("and dword ptr [rsp], 0xffffbfff")
	"push 0x10\n push 0x20000\n push 2\n push 0x100\n push rbx\n movabs rax, 0x8000000000000000\n mov [rsp], rax\n"
	F("iretq") "add rsp, 40\n"
	/* control registers */
	"mov rax, cr0\n mov rbx, rax\n btr eax, 31\n" F("mov cr0, rax")
	"lea rax, [rbx + 0x40000]\n mov cr0, rax\n mov eax, 3\n mov cr8, rax\n mov rcx, cr8\n mov eax, 16\n"
	F("mov cr8, rax") "mov rax, cr3\n mov cr3, rax\n"
	/* x87: 1/0 with ZM = 0, reported by the next waiting instruction; CR0.TS */
	"fninit\n fnstcw [0x5f000]\n and word ptr [0x5f000], 0xfffb\n fldcw [0x5f000]\n"
	"fldz\n fld1\n fdiv st(0), st(1)\n fld1\n fadd st(0), st(2)\n fstp qword ptr [0x5f008]\n fnstsw ax\n fninit\n"
	"mov rax, cr0\n or eax, 8\n mov cr0, rax\n fldpi\n fstp st(0)\n"
	/* SSE: one condition after another is met */
	"mov esi, 0x53000\n" F("addps xmm0, xmm1") SET_CR4(0x200)
	"mov dword ptr [0x5f000], 0x1d80\n ldmxcsr [0x5f000]\n movups xmm1, [rsi]\n xorps xmm0, xmm0\n"
	F("divpd xmm1, xmm0") SET_CR4(0x400) F("divpd xmm1, xmm0") "addpd xmm1, xmm1\n sqrtsd xmm2, xmm1\n"
	F("movaps xmm1, [rsi + 8]")
	"cvttsd2si rax, xmm2\n mulps xmm2, xmm1\n pshufb xmm2, xmm1\n aesenc xmm2, xmm1\n pclmulqdq xmm2, xmm1, 1\n"
	"movq mm0, [rsi]\n paddd mm0, mm0\n movq [0x5f030], mm0\n emms\n"
	/* AVX */
	F("vaddpd ymm2, ymm2, [rsi]") SET_CR4(0x40000) F("vaddpd ymm2, ymm2, [rsi]")
	"xor ecx, ecx\n xor edx, edx\n mov eax, 5\n" F("xsetbv") "mov eax, 7\n xsetbv\n"
	"mov ecx, 3\n"
	"1: vaddpd ymm2, ymm2, [rsi]\n vfmadd231pd ymm3, ymm2, ymm2\n vpaddd ymm4, ymm4, ymm2\n dec ecx\n jnz 1b\n"
	"vxorpd ymm5, ymm5, ymm5\n" F("vdivpd ymm6, ymm2, ymm5")
	"xor edx, edx\n mov eax, 7\n xsave [0x54000]\n vzeroall\n xrstor [0x54000]\n" F("xsave [0x54010]")
	"fxsave [0x55000]\n fxrstor [0x55000]\n"
	/* half of what is gathered, half of what is stored under a mask lies in a page that is not present */
	"vpcmpeqd ymm5, ymm5, ymm5\n vmovdqu ymm6, [0x53040]\n mov eax, 0x68fe0\n"
	"vpgatherdd ymm7, [rax + ymm6 * 4], ymm5\n"
	"vpcmpeqd ymm5, ymm5, ymm5\n vpmaskmovd [0x69ff0], ymm5, ymm7\n vzeroupper\n"
	/* compatibility mode */
	"push 0x170\n push 0x11000\n .byte 0x48, 0xcb")

GUEST32(compat,
	"mov eax, 0x7fffffff\n inc eax\n into\n mov ecx, 3\n 1: push eax\n pop edx\n aaa\n loop 1b\n sti\n nop\n"
	"mov dword ptr [0x5f010], 0\n mov dword ptr [0x5f014], 5\n mov eax, 9\n" F(".byte 0x62, 0x05\n .long 0x5f010")
	F("ud2") "int3\n" F(".byte 0xd4, 0") F(".byte 0x0f, 0x05") "mov eax, 7\n int 0x80\n"
	"mov esi, 0x50000\n mov edi, 0x51000\n mov ecx, 4\n rep movsd\n addpd xmm1, xmm2\n"
	"mov eax, 0x1ff8\n" F("mov gs, eax") "push 0x1fff\n" F(".byte 0xcf") "pop eax\n"
	".byte 0xea\n .long 0x12000\n .word 0x100")

#define WRMSR(msr, low, high) "mov ecx, " #msr "\n mov eax, " #low "\n mov edx, " #high "\n wrmsr\n"
GUEST64(second,
	"mov ecx, 0xc0000080\n rdmsr\n or eax, 0x801\n wrmsr\n" /* NXE, SCE */
	WRMSR(0xc0000081, 0, 0x01500140) WRMSR(0xc0000082, 0x15000, 0) WRMSR(0xc0000084, 0x300, 0)
	WRMSR(0xc0000102, 0x56000, 0) WRMSR(0x174, 0x140, 0) WRMSR(0x175, 0x22000, 0) WRMSR(0x176, 0x15800, 0)
	"mov ecx, 0xc0000082\n mov edx, 0x90000000\n" F("wrmsr")
	"movabs rcx, 0x900000000000\n" F(".byte 0x48, 0x0f, 0x07")
	/* process-context identifiers, protection keys, bases of FS and GS */
	SET_CR4(0x430000) "mov rax, cr3\n inc rax\n mov cr3, rax\n inc dword ptr [0x6c000]\n dec rax\n mov cr3, rax\n"
	"mov dword ptr [0x5f040], 1\n mov eax, 1\n invpcid rax, [0x5f040]\n inc dword ptr [0x6c000]\n"
	/* breakpoints: four bytes of data, one instruction */
	"mov eax, 0x5e028\n mov dr0, rax\n mov eax, 0x18000\n mov dr1, rax\n mov eax, 0xd0405\n mov dr7, rax\n"
	"push 0x15b\n push 0x30000\n push 0x202\n push 0x163\n push 0x13000\n iretq")

GUEST64(ring3,
	"mov eax, 0x15b\n mov ds, eax\n mov es, eax\n mov ebx, 4\n"
	"1: mov eax, ebx\n syscall\n int 0x80\n add r9, rax\n dec ebx\n jnz 1b\n"
	F("cli") F("hlt") F("mov rax, cr0") F("int 0x90") F("int 0x91") F("int 0x92") F("int 0x93") F("int 0x94")
	F("int 0x95") "int 0x96\n"
	"mov rcx, rsp\n movabs rsp, 0x7fffffffffff\n" F("pop rax") "mov rsp, rcx\n"
	/* pages: supervisor, read-only, reserved bit, execute-disable, protection key */
	"mov rax, [0x66010]\n inc qword ptr [0x65010]\n mov al, [0x67010]\n mov eax, 0x64000\n call rax\n"
	"mov eax, 4\n xor ecx, ecx\n xor edx, edx\n wrpkru\n mov rax, [0x6b010]\n xor eax, eax\n wrpkru\n"
	"mov edi, 0x61ff9\n mov ecx, 16\n rep stosb\n"
	CHANGE_FLAGS("or dword ptr [rsp], 0x40000") F("mov eax, [0x50001]") "mov eax, [0x50004]\n"
	CHANGE_FLAGS("and dword ptr [rsp], 0xfffbffff")
	"mov eax, 0x50000\n wrfsbase rax\n mov rcx, fs:[8]\n movabs rdx, 0x9000000000000000\n" F("wrgsbase rdx")
	"mov eax, 1\n .byte 0xff, 0x1c, 0x25\n .long 0x5f020\n"
	/* breakpoints */
	"mov eax, 0x18000\n call rax\n mov edi, 0x5e020\n mov ecx, 4\n rep stosd\n mov [0x5e028], al\n"
	/* single steps, over a string instruction and a system call */
	CHANGE_FLAGS("or dword ptr [rsp], 0x100") "nop\n mov edi, 0x5e030\n mov ecx, 2\n rep stosb\n mov eax, 3\n"
	"syscall\n"
	"movaps xmm3, xmm1\n" CHANGE_FLAGS("and dword ptr [rsp], 0xfffffeff") "nop\n"
	/* to compatibility mode */
	"xor eax, eax\n syscall")

GUEST32(compat3, "mov eax, 5\n int 0x80\n" F("cli") F("int 0x90") "mov ecx, esp\n mov edx, 0x16100\n sysenter")
GUEST32(compat3_on, "inc eax\n push eax\n pop ecx\n .byte 0xea\n .long 0x17000\n .word 0x163")
GUEST64(ring3b, "mov rax, [0x5e018]\n vaddpd ymm2, ymm2, ymm2\n int 0x81")

GUEST64(system,
	"test eax, eax\n jz 2f\n swapgs\n mov gs:[8], rsp\n mov rsp, gs:[0]\n push rcx\n push r11\n sti\n"
	"imul rax, rax\n add [0x5e018], rax\n cli\n pop r11\n pop rcx\n mov rsp, gs:[8]\n"
	"swapgs\n .byte 0x48, 0x0f, 0x07\n"
	"2: mov ecx, 0x16000\n .byte 0x0f, 0x07")
GUEST64(inner, "inc rax\n sti\n nop\n .byte 0x48, 0xcb")
GUEST64(fast32, "mov rax, rsp\n sti\n .byte 0x0f, 0x35")
/* Changes the immediate of the instruction behind, then one already run; by another address than it may run at. */
GUEST64(patched, "inc byte ptr [0x18008]\n mov cl, 1\n add rbx, rcx\n inc byte ptr [0x18008]\n ret")
GUEST64(across, "add r10, 0x12345678\n ret")

GUEST64(skip, "add [rsp], rbp\n iretq")
GUEST64(skip_error, "add rsp, 8\n add [rsp], rbp\n iretq")
GUEST64(count_debug, "inc dword ptr [0x5e000]\n or dword ptr [rsp + 16], 0x10000\n iretq")
GUEST64(count_nmi, "inc dword ptr [0x5e004]\n iretq")
GUEST64(count_irq, "inc dword ptr [0x5e00c]\n iretq")
GUEST64(count_timer, "inc dword ptr [0x5e010]\n nop\n iretq")
GUEST64(plain_return, "nop\n iretq")
/* Maps the page, of whatever address it is an alias. */
GUEST64(page_in, "push rax\n push rbx\n mov rax, cr2\n and eax, 0x3ff000\n mov ebx, eax\n shr ebx, 9\n"
		 "add ebx, 0x83000\n or eax, 7\n mov [rbx], rax\n mov rax, cr2\n invlpg [rax]\n pop rbx\n pop rax\n"
		 "add rsp, 8\n iretq")
GUEST64(clear_x87, "fnclex\n iretq")
GUEST64(clear_ts, "clts\n iretq")
/* #DE's gate is present again. */
GUEST64(double_fault, "or byte ptr [0x2005], 0x80\n add rsp, 8\n add [rsp], rbp\n iretq")
GUEST64(system_call, "imul rax, rax\n add [0x5e018], rax\n iretq")
GUEST64(the_end, "cli\n hlt")

#define INTERRUPT_GATE 0xee /* DPL 3 */
#define TRAP_GATE      0xef
#define TIMER          0x61u

static void handlers(struct rig *r)
{
	const struct { uint8_t vector, gate, ist; const uint8_t *code, *end; } handler[] = {
		{VEC_DE, TRAP_GATE, 0, guest_skip, guest_skip_end},
		{VEC_DB, INTERRUPT_GATE, 0, guest_count_debug, guest_count_debug_end},
		{VEC_NMI, INTERRUPT_GATE, 1, guest_count_nmi, guest_count_nmi_end},
		{VEC_BP, TRAP_GATE, 0, guest_plain_return, guest_plain_return_end},
		{VEC_OF, TRAP_GATE, 0, guest_plain_return, guest_plain_return_end},
		{VEC_BR, INTERRUPT_GATE, 0, guest_skip, guest_skip_end},
		{VEC_UD, TRAP_GATE, 0, guest_skip, guest_skip_end},
		{VEC_NM, INTERRUPT_GATE, 0, guest_clear_ts, guest_clear_ts_end},
		{VEC_DF, INTERRUPT_GATE, 2, guest_double_fault, guest_double_fault_end},
		{VEC_TS, TRAP_GATE, 0, guest_skip_error, guest_skip_error_end},
		{VEC_NP, TRAP_GATE, 0, guest_skip_error, guest_skip_error_end},
		{VEC_SS, INTERRUPT_GATE, 4, guest_skip_error, guest_skip_error_end},
		{VEC_GP, TRAP_GATE, 0, guest_skip_error, guest_skip_error_end},
		{VEC_PF, INTERRUPT_GATE, 3, guest_page_in, guest_page_in_end},
		{VEC_MF, TRAP_GATE, 0, guest_clear_x87, guest_clear_x87_end},
		{VEC_AC, INTERRUPT_GATE, 0, guest_skip_error, guest_skip_error_end},
		{VEC_XM, INTERRUPT_GATE, 0, guest_skip, guest_skip_end},
		{PROGRAM_IRQ, INTERRUPT_GATE, 0, guest_count_irq, guest_count_irq_end},
		{TIMER, TRAP_GATE, 0, guest_count_timer, guest_count_timer_end},
		{0x80, TRAP_GATE, 0, guest_system_call, guest_system_call_end},
		{0x81, INTERRUPT_GATE, 0, guest_the_end, guest_the_end_end},
		{0x96, TRAP_GATE, 6, guest_plain_return, guest_plain_return_end},
	};

	for (unsigned i = 0; i < sizeof(handler) / sizeof(handler[0]); i++) {
		uint32_t at = HANDLER + i * 0x40;
		rig_write(r, at, handler[i].code, (size_t)(handler[i].end - handler[i].code));
		rig_gate64(r, handler[i].vector, RIG_CS0_64, at, handler[i].gate, handler[i].ist);
	}
	rig_gate64(r, 0x90, RIG_CS0_64, HANDLER, 0x8e, 0);           /* of DPL 0: not for ring 3 */
	rig_gate64(r, 0x91, RIG_CS0_64, HANDLER, INTERRUPT_GATE, 7); /* the TSS ends before IST7 */
	rig_gate64(r, 0x92, RIG_CS0_64, UINT64_C(0x900000000000), INTERRUPT_GATE, 0);
	rig_gate64(r, 0x93, RIG_CS0_64, HANDLER, 0x6e, 0);           /* not present */
	rig_gate64(r, 0x94, RIG_CS0_64, HANDLER, 0xe5, 0);           /* a task gate */
	rig_gate64(r, 0x95, COMPAT0, HANDLER, INTERRUPT_GATE, 0);    /* not to 64-bit code */
}

static void segments(struct rig *r)
{
	const struct { uint16_t selector; uint8_t access, flags; } segment[] = {
		{KERNEL, 0x9b, 0xa}, {KERNEL_DATA, 0x93, 0xc}, {USER32, 0xfb, 0xc}, {USER_DATA, 0xf3, 0xc},
		{USER64, 0xfb, 0xa}, {USER_DATA64, 0xf3, 0xc}, {COMPAT0, 0x9b, 0xc}, {ABSENT, 0x13, 0xc},
	};

	for (unsigned i = 0; i < sizeof(segment) / sizeof(segment[0]); i++)
		rig_gdt(r, segment[i].selector,
			rig_descriptor(0, 0xfffff, segment[i].access, segment[i].flags));
	rig_gdt(r, GATE, (INNER & 0xffff) | (uint64_t)KERNEL << 16 | UINT64_C(0xec00) << 32 |
				 (uint64_t)(INNER >> 16) << 48);
	rig_gdt(r, GATE + 8, 0);
	rig_write16(r, 0x5f024, GATE | 3);
	r->cpu.s.seg[SEG_TR].limit = 0x53; /* to IST6 */
}

static void pages(struct rig *r)
{
	static const uint8_t absent[] = {0x60, 0x61, 0x62, 0x69, 0x6a, 0x6c};

	for (unsigned i = 0; i < sizeof(absent); i++)
		rig_write64(r, RIG_PT + absent[i] * 8u, 0);
	rig_write64(r, RIG_PT + 0x64 * 8, UINT64_C(1) << 63 | 0x64007);
	rig_write64(r, RIG_PT + 0x65 * 8, 0x65005);
	rig_write64(r, RIG_PT + 0x66 * 8, 0x66003);
	rig_write64(r, RIG_PT + 0x67 * 8, UINT64_C(1) << 51 | 0x67007);
	rig_write64(r, RIG_PT + 0x6b * 8, UINT64_C(1) << 59 | 0x6b007);
	/* the page below the canonical boundary */
	rig_write64(r, RIG_PT + 0x3ff * 8, 0x57007);
}

static void data(struct rig *r)
{
	static const double numbers[] = {1.5, -0.1, 3e300, 1e-310, 0.5, 7e7, -2.25, 1e-20};

	for (unsigned i = 0; i < 64; i++)
		rig_write8(r, 0x50000 + i, (uint8_t)(i * 7));
	rig_write(r, DOUBLES, numbers, sizeof(numbers));
	for (unsigned i = 0; i < 8; i++)
		rig_write32(r, DOUBLES + 0x40 + i * 4, i * 2);
	rig_write64(r, GS_AREA, 0x21000); /* a stack */
	rig_write8(r, 0x64000, 0xc3);     /* RET */
}

static struct timer timer; /* of the rig that was made last */

static void tick(void *owner, uint64_t when)
{
	struct rig *r = owner;

	if (!r->pin.level)
		rig_interrupt(r, TIMER);
	timer_arm(&timer, when + PERIOD);
}

static struct rig *make(void)
{
	struct rig *r = rig_new("max", 1 << 20);

	rig_long64(r, 0);
	memset(r->cpu.s.gpr.r64, 0, 16 * sizeof(r->cpu.s.gpr.r64[0]));
	r->cpu.s.gpr.r64[RSP] = RIG_STACK0;
	handlers(r);
	segments(r);
	pages(r);
	data(r);
	LOAD(r, RIG_CODE, main);
	LOAD(r, COMPAT, compat);
	LOAD(r, SECOND, second);
	LOAD(r, RING3, ring3);
	LOAD(r, SYSTEM, system);
	LOAD(r, INNER, inner);
	LOAD(r, FAST32, fast32);
	LOAD(r, COMPAT3, compat3);
	LOAD(r, COMPAT3_ON, compat3_on);
	LOAD(r, RING3B, ring3b);
	LOAD(r, PATCHED, patched);
	LOAD(r, ACROSS, across);
	cpu_state_changed(&r->cpu);
	timer_init(&timer, &r->clock, "timer", 0, tick, r);
	timer_arm(&timer, PERIOD);
	return r;
}

int main(void)
{
	static const char *const signs[] = {
		"\"vector\":0,", "\"vector\":1,", "\"vector\":3,", "\"vector\":4,", "\"vector\":5,", "\"vector\":6,",
		"\"vector\":7,", "\"vector\":8,", "\"vector\":10,", "\"vector\":11,", "\"vector\":12,",
		"\"vector\":13,",
		"\"vector\":14,", "\"vector\":16,", "\"vector\":17,", "\"vector\":19,", "\"vector\":97,",
		"\"vector\":128,", "\"vector\":129,", "\"vector\":150,", "\"64-bit\"", "\"compat\"",
		"\"call-gate\"", "\"syscall\"", "\"sysret\"", "\"sysenter\"", "\"sysexit\"",
		"\"DOUBLE_FAULT\"", "\"GATE_DPL\"", "\"TSS_RSP_LIMIT\"", "\"GATE_OFFSET_NON_CANONICAL\"",
		"\"GATE_NOT_PRESENT\"", "\"GATE_TYPE_64\"", "\"GATE_CS_NOT_64BIT\"", "\"NON_CANONICAL\"",
		"\"BRANCH_NON_CANONICAL\"", "\"FRAME_NON_CANONICAL\"", "\"RETURN_NON_CANONICAL\"", "\"IRET_NT\"",
		"\"SYSRET_NON_CANONICAL\"", "\"MSR_UNKNOWN\"", "\"MSR_NON_CANONICAL\"", "\"FSGSBASE_NON_CANONICAL\"",
		"\"CR0_PG_IN_64BIT\"", "\"CR8_RESERVED\"", "\"X87_PENDING\"", "\"X87_TASK_SWITCHED\"",
		"\"SIMD_OSFXSR\"",
		"\"SIMD_OSXMMEXCPT\"", "\"SIMD_OSXSAVE\"", "\"SIMD_XCR0\"", "\"SIMD_EXCEPTION\"", "\"SIMD_ALIGNMENT\"",
		"\"XCR0_VALUE\"", "\"XSAVE_ALIGNMENT\"", "\"PAGE_NOT_PRESENT\"", "\"PAGE_SUPERVISOR\"",
		"\"PAGE_READ_ONLY\"",
		"\"PAGE_RESERVED_BIT\"", "\"PAGE_NO_EXECUTE\"", "\"PAGE_PROTECTION_KEY\"", "\"ALIGNMENT\"",
		"\"SINGLE_STEP\"", "\"CODE_BREAKPOINT\"", "\"DATA_BREAKPOINT\"", "\"DIVIDE_ZERO\"", "\"BOUND_RANGE\"",
		"\"CLI_IOPL\"", "\"PRIVILEGED\"", "\"UD_INSTRUCTION\"", NULL,
	};
	struct program program = {
		.make = make,
		.irq_count = IRQ_COUNT,
		.nmi_count = NMI_COUNT,
		.code = RIG_CODE,
		.code_bytes = 0xa000,
		.least = 500,
		.most = 2000,
		.untouched = 2, /* CLI, HLT */
		.signs = signs,
		.digest = UINT64_C(0x383e863e758be10f),
		.code_digest = UINT64_C(0x5f2606a9d816a640),
	};

	return determinism("determinism of 64-bit code", &program);
}
