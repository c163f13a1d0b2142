/* A guest that does everything an interrupt can come between: in ring 0 loops, strings, faults of
 * every kind, stores into its own code, x87 with an unmasked exception, task switches, virtual-8086
 * mode; in ring 3 system calls by gate, call gate and SYSENTER, single steps. */
#include "determinism/determinism.h"

#include <string.h>

#include "rig/guest.h"

/* Where the pieces lie. */
#define SECOND   0x11000u
#define RING3    0x12000u
#define INNER    0x13000u /* behind the call gate */
#define HANDLER  0x14000u
#define KERNEL   0x15000u /* SYSENTER */
#define VM86     0x16000u
#define TASK     0x17000u
#define PATCHED  0x18000u
#define TSS2     0x4000u
#define PAGE_TABLE 0x81000u
#define IRQ_COUNT 0x5e00cu
#define NMI_COUNT 0x5e004u

/* Where assemblers differ in the bytes they choose, those are given: the digest in
 * main() is of one program. */

/* Selectors: the call gate with RPL 3, the second task. */
#define GATE 0x3bu
#define TSS2_SEL 0x40u

GUEST32(main,
	"mov ecx, 5\n xor eax, eax\n xor ebx, ebx\n"
	"1: add eax, ecx\n adc ebx, eax\n ror ebx, 3\n dec ecx\n jnz 1b\n"
	"sti\n nop\n mov eax, 0x18000\n call eax\n call eax\n cli\n nop\n sti\n nop\n"
	/* shadows of SS */
	"mov ecx, ss\n mov ss, ecx\n inc eax\n .byte 0x16, 0x17\n inc eax\n"
	/* strings: across a page, backwards, compared */
	"cld\n mov esi, 0x50000\n mov edi, 0x51000\n mov ecx, 12\n rep movsb\n"
	"mov edi, 0x52ff4\n mov ecx, 6\n rep stosd\n"
	"mov esi, 0x50000\n mov edi, 0x51000\n mov ecx, 20\n repe cmpsb\n pushfd\n pop edx\n"
	"std\n mov esi, 0x50010\n mov edi, 0x51020\n mov ecx, 5\n .byte 0xf3, 0x66, 0xa5\n cld\n"
	/* faults */
	"ud2\n mov ecx, 0xff8\n mov es, ecx\n mov eax, [0x60010]\n int3\n"
	"mov esi, 0x50000\n mov edi, 0x60ff8\n mov ecx, 16\n rep movsb\n"
	/* x87: 1/0 with ZM = 0, reported by the next waiting instruction */
	"fninit\n fnstcw [0x5f000]\n and word ptr [0x5f000], 0xfffb\n fldcw [0x5f000]\n"
	"fldz\n fld1\n fdiv st(0), st(1)\n mov ecx, 3\n fld1\n fadd st(0), st(2)\n fstp qword ptr [0x5f008]\n"
	"fnstsw ax\n fninit\n"
	/* the second task, twice */
	".byte 0x9a\n .long 0\n .word 0x40\n nop\n .byte 0x9a\n .long 0\n .word 0x40\n"
	/* virtual-8086 mode, IOPL 3; INT 22h leaves it for SECOND */
	"push 0x1111\n push 0x2222\n push 0x5000\n push 0x5000\n push 0x3000\n push 0x800\n push 0x23202\n"
	"push 0x1600\n push 0\n iretd")

GUEST16(vm86,
	"mov ax, 0x1234\n mov di, 0x100\n mov cx, 4\n rep stosw\n cli\n pushf\n sti\n popf\n"
	"int 0x21\n .byte 0xa3, 0x20, 0\n sti\n nop\n int3\n int 0x22")

GUEST32(second,
	"mov esp, 0x20000\n mov eax, 0x10\n mov ds, eax\n mov es, eax\n sti\n"
	"push 0x23\n push 0x30000\n push 0x202\n push 0x1b\n push 0x12000\n iretd")

GUEST32(ring3,
	"mov eax, 0x23\n mov ds, eax\n mov es, eax\n mov ebx, 6\n"
	"1: mov eax, ebx\n int 0x80\n add edi, eax\n dec ebx\n jnz 1b\n"
	"xor edx, edx\n xor ecx, ecx\n mov eax, 1\n div ecx\n cli\n nop\n xor eax, eax\n inc eax\n int 0x90\n"
	"push 0x22222222\n push 0x11111111\n .byte 0x9a\n .long 0\n .word 0x3b\n mov [0x5e020], eax\n"
	"mov edi, 0x61ffa\n mov ecx, 40\n rep stosb\n int 0x80\n"
	/* three single steps, one of them over a string instruction */
	"pushfd\n or dword ptr [esp], 0x100\n popfd\n nop\n inc eax\n mov ecx, 2\n rep stosb\n"
	"pushfd\n and dword ptr [esp], 0xfffffeff\n popfd\n nop\n"
	"call 1f\n 1: pop edx\n add edx, 8\n mov ecx, esp\n sysenter\n"
	"mov dword ptr [0x5e024], eax\n int 0x81")

GUEST32(inner, "mov eax, [esp + 8]\n add eax, [esp + 12]\n sti\n nop\n retf 8")
GUEST32(kernel, "mov eax, cs\n sti\n sysexit")
GUEST32(task, "1: inc dword ptr [0x5e014]\n nop\n iretd\n jmp 1b")
/* Changes the immediate of the instruction behind, then one already run. */
GUEST32(patched, "inc byte ptr [0x18007]\n mov cl, 1\n add ebx, ecx\n inc byte ptr [0x18007]\n ret")

GUEST32(skip_two, "add dword ptr [esp], 2\n iretd")
GUEST32(skip_two_error, "add esp, 4\n add dword ptr [esp], 2\n iretd")
GUEST32(count_debug, "inc dword ptr ss:[0x5e000]\n iretd")
GUEST32(count_nmi, "inc dword ptr ss:[0x5e004]\n iretd")
GUEST32(count_vm86, "inc dword ptr ss:[0x5e008]\n nop\n iretd")
GUEST32(count_irq, "inc dword ptr ss:[0x5e00c]\n iretd")
GUEST32(plain_return, "nop\n iretd")
/* Maps the page. */
GUEST32(page_in, "push eax\n push ebx\n mov eax, cr2\n shr eax, 12\n lea ebx, [eax * 4 + 0x81000]\n shl eax, 12\n"
		 "or eax, 7\n mov ss:[ebx], eax\n mov eax, cr2\n invlpg ss:[eax]\n pop ebx\n pop eax\n add esp, 4\n"
		 "iretd")
GUEST32(clear_x87, "fnclex\n iretd")
GUEST32(leave_vm86, ".byte 0xea\n .long 0x11000\n .word 8")
GUEST32(system_call, "imul eax, eax\n add ss:[0x5e010], eax\n iretd")
GUEST32(the_end, "cli\n hlt")

#define INTERRUPT_GATE 0xee /* DPL 3 */
#define TRAP_GATE      0xef

static void handlers(struct rig *r)
{
	const struct { uint8_t vector, gate; const uint8_t *code, *end; } handler[] = {
		{VEC_DE, TRAP_GATE, guest_skip_two, guest_skip_two_end},
		{VEC_DB, INTERRUPT_GATE, guest_count_debug, guest_count_debug_end},
		{VEC_NMI, INTERRUPT_GATE, guest_count_nmi, guest_count_nmi_end},
		{VEC_BP, TRAP_GATE, guest_plain_return, guest_plain_return_end},
		{VEC_UD, INTERRUPT_GATE, guest_skip_two, guest_skip_two_end},
		{VEC_GP, TRAP_GATE, guest_skip_two_error, guest_skip_two_error_end},
		{VEC_PF, INTERRUPT_GATE, guest_page_in, guest_page_in_end},
		{VEC_MF, TRAP_GATE, guest_clear_x87, guest_clear_x87_end},
		{0x21, TRAP_GATE, guest_count_vm86, guest_count_vm86_end},
		{0x22, INTERRUPT_GATE, guest_leave_vm86, guest_leave_vm86_end},
		{PROGRAM_IRQ, INTERRUPT_GATE, guest_count_irq, guest_count_irq_end},
		{0x80, TRAP_GATE, guest_system_call, guest_system_call_end},
		{0x81, INTERRUPT_GATE, guest_the_end, guest_the_end_end},
	};

	for (unsigned i = 0; i < sizeof(handler) / sizeof(handler[0]); i++) {
		uint32_t at = HANDLER + i * 0x40;
		rig_write(r, at, handler[i].code, (size_t)(handler[i].end - handler[i].code));
		rig_gate(r, handler[i].vector, RIG_CS0, at, handler[i].gate);
	}
	rig_gate(r, 0x90, RIG_CS0, HANDLER, 0x8e); /* of DPL 0: not for ring 3 */
}

static void tasks(struct rig *r)
{
	static const uint16_t seg[6] = {RIG_DS0, RIG_CS0, RIG_DS0, RIG_DS0, RIG_DS0, RIG_DS0};

	rig_write32(r, RIG_TSS + 0x1c, (uint32_t)r->cpu.s.cr3);
	rig_gdt(r, TSS2_SEL, rig_descriptor(TSS2, 0x67, 0x89, 0));
	rig_write32(r, TSS2 + 0x1c, (uint32_t)r->cpu.s.cr3);
	rig_write32(r, TSS2 + 0x20, TASK);
	rig_write32(r, TSS2 + 0x24, FLAG_ONE | FLAG_IF);
	rig_write32(r, TSS2 + 0x38, 0x28000);
	for (unsigned i = 0; i < 6; i++)
		rig_write32(r, TSS2 + 0x48 + 4 * i, seg[i]);
	rig_write16(r, TSS2 + 0x66, 0x68);
}

static struct rig *make(void)
{
	struct rig *r = rig_new("max", 1 << 20);
	const uint64_t call_gate = (INNER & 0xffff) | (uint64_t)RIG_CS0 << 16 | UINT64_C(0xec02) << 32 |
				   (uint64_t)(INNER >> 16) << 48;

	if (!r)
		return NULL;
	rig_protected(r, 0);
	rig_paging(r);
	for (uint32_t page = 0x60; page < 0x63; page++)
		rig_write32(r, PAGE_TABLE + page * 4, 0);
	for (unsigned i = 0; i < 64; i++)
		rig_write8(r, 0x50000 + i, (uint8_t)(i * 7));
	rig_gdt(r, GATE, call_gate);
	handlers(r);
	tasks(r);
	memset(r->cpu.s.gpr.r64, 0, 8 * sizeof(r->cpu.s.gpr.r64[0])); /* EDX differs by model */
	r->cpu.s.gpr.r64[RSP] = RIG_STACK0;
	LOAD(r, RIG_CODE, main);
	LOAD(r, SECOND, second);
	LOAD(r, RING3, ring3);
	LOAD(r, INNER, inner);
	LOAD(r, KERNEL, kernel);
	LOAD(r, VM86, vm86);
	LOAD(r, TASK, task);
	LOAD(r, PATCHED, patched);
	r->cpu.s.sysenter_cs = RIG_CS0;
	r->cpu.s.sysenter_eip = KERNEL;
	r->cpu.s.sysenter_esp = RIG_STACK0;
	cpu_state_changed(&r->cpu);
	return r;
}

int main(void)
{
	static const char *const signs[] = {
		"\"vector\":0,", "\"vector\":1,", "\"vector\":3,", "\"vector\":6,", "\"vector\":13,", "\"vector\":14,",
		"\"vector\":16,", "\"vector\":33,", "\"vector\":34,", "\"vector\":128,", "\"vector\":129,",
		"\"call-gate\"", "\"sysenter\"", "\"sysexit\"", "\"iret-task\"", "\"vm86\"", "\"SINGLE_STEP\"",
		"\"X87_PENDING\"", "\"PAGE_NOT_PRESENT\"", "\"CLI_IOPL\"", "\"GATE_DPL\"",
		"\"UD_INSTRUCTION\"", "\"DIVIDE_ZERO\"", NULL,
	};
	struct program program = {
		.make = make,
		.irq_count = IRQ_COUNT,
		.nmi_count = NMI_COUNT,
		.code = RIG_CODE,
		.code_bytes = 0xa000,
		.least = 300,
		.most = 1000,
		.untouched = 2, /* CLI, HLT */
		.signs = signs,
		.digest = UINT64_C(0x66ae622ea3d26fc5),
		.code_digest = UINT64_C(0xc9985d96daf45d12),
	};

	return determinism("determinism of 32-bit code", &program);
}
