/* The loader of --qemu: machine code in ROM, written for one case, that makes the processor what the case says. */
#include <string.h>

#include "arch/x86.h"
#include "cpu/desc.h"
#include "cpu/model.h"
#include "testcase/host.h"
#include "testcase/qemu_loader.h"

#define LOADER      0xf0000u /* in ROM: real mode; 32-bit code 100h above; its GDT at 800h; 64-bit code */
#define LOADER_32   (LOADER + 0x100)
#define LOADER_GDT  (LOADER + 0x800)
#define LOADER_64   (LOADER + 0x1000)
#define LOADER_REAL 0x600u                /* offset of the way back to real mode */
#define LOADER_DATA QEMU_LOADER_DATA      /* x87 image, tables' addresses, vectors */
#define DATA_TABLES (LOADER_DATA + 0x100) /* IDTR, GDTR, the GDT with its largest limit; 10h bytes each */
#define DATA_MXCSR  (LOADER_DATA + 0x180)
#define DATA_VEC    (LOADER_DATA + 0x200)
/* The base of the loader's stack: ESP's upper half is 0, which IRET to a 16-bit stack keeps. */
#define LOADER_SS  0x170000u
#define LOADER_ESP 0xf000u

struct emit {
	uint8_t code[0x800];
	unsigned n;
};

static void bytes(struct emit *e, const void *data, unsigned size)
{
	if (e->n + size > sizeof(e->code))
		return;
	memcpy(e->code + e->n, data, size);
	e->n += size;
}
#define B(e, ...) bytes((e), (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void imm(struct emit *e, uint64_t value, unsigned size)
{
	bytes(e, &value, size);
}

static void mov_eax(struct emit *e, uint64_t value)
{
	B(e, 0xb8);
	imm(e, value, 4);
}

/* From the reset vector: interrupts masked, protected mode, flat. */
static void start_16(struct emit *e)
{
	B(e, 0xfa, 0xb0, 0xff, 0xe6, 0x21, 0xe6, 0xa1);                   /* CLI; 8259s masked */
	B(e, 0x2e, 0x66, 0x0f, 0x01, 0x16, 0xf0, 0x08);                   /* LGDT CS:[8F0h] */
	B(e, 0x0f, 0x20, 0xc0, 0x66, 0x83, 0xc8, 0x01, 0x0f, 0x22, 0xc0); /* CR0.PE */
	B(e, 0x66, 0xea);                                                 /* JMP 8:LOADER_32 */
	imm(e, LOADER_32, 4);
	imm(e, 8, 2);
}

static void wrmsr(struct emit *e, uint32_t number, uint64_t value)
{
	B(e, 0xb9); /* MOV ECX; MOV EAX; MOV EDX; WRMSR */
	imm(e, number, 4);
	mov_eax(e, value);
	B(e, 0xba);
	imm(e, value >> 32, 4);
	B(e, 0x0f, 0x30);
}

/* What is not as reset leaves it: not every processor has these. */
static void model_specific(struct emit *e, const struct arch_state *s)
{
	const struct {
		uint32_t number;
		uint64_t value;
	} msr[] = {{MSR_SYSENTER_CS, s->sysenter_cs},
		   {MSR_SYSENTER_ESP, s->sysenter_esp},
		   {MSR_SYSENTER_EIP, s->sysenter_eip},
		   {MSR_STAR, s->star},
		   {MSR_LSTAR, s->lstar},
		   {MSR_CSTAR, s->cstar},
		   {MSR_SFMASK, s->sfmask},
		   {MSR_KERNEL_GS_BASE, s->kernel_gs_base},
		   {MSR_TSC_AUX, s->tsc_aux}};

	for (unsigned i = 0; i < sizeof(msr) / sizeof(msr[0]); i++)
		if (msr[i].value)
			wrmsr(e, msr[i].number, msr[i].value);
}

static void xsetbv(struct emit *e, uint64_t value)
{
	mov_eax(e, value);
	B(e, 0x31, 0xc9, 0x31, 0xd2, 0x0f, 0x01, 0xd1); /* XOR ECX, ECX; XOR EDX, EDX; XSETBV */
}

/* ModRM of an absolute address: in 64-bit mode with a SIB byte, or it were relative to RIP. */
static void absolute(struct emit *e, bool wide, unsigned reg, uint32_t address)
{
	if (wide)
		B(e, (uint8_t)(0x04 | reg << 3), 0x25);
	else
		B(e, (uint8_t)(0x05 | reg << 3));
	imm(e, address, 4);
}

/* Vector registers, with CR4 for that alone; XCR0, MXCSR, PKRU. */
static void vectors(struct emit *e, const struct arch_state *s, const struct cpu_model *model, bool wide)
{
	bool xsave = model_has(model, FEAT_1_ECX, F1C_XSAVE), avx = model_has(model, FEAT_1_ECX, F1C_AVX);

	mov_eax(e, s->cr4 | CR4_OSFXSR | (xsave ? CR4_OSXSAVE : 0));
	B(e, 0x0f, 0x22, 0xe0);
	if (avx)
		xsetbv(e, XCR0_X87 | XCR0_SSE | XCR0_AVX);
	B(e, 0x0f, 0xae); /* LDMXCSR; VMOVUPS or MOVUPS */
	absolute(e, wide, 2, DATA_MXCSR);
	for (unsigned i = 0; i < (wide ? 16u : 8u); i++) {
		if (avx)
			B(e, 0xc5, (uint8_t)(i < 8 ? 0xfc : 0x7c));
		else if (i >= 8)
			B(e, 0x44, 0x0f);
		else
			B(e, 0x0f);
		B(e, 0x10);
		absolute(e, wide, i & 7, DATA_VEC + i * 32);
	}
	if (xsave)
		xsetbv(e, s->xcr0);
	if (s->cr4 & CR4_PKE) {
		mov_eax(e, s->pkru);
		B(e, 0x31, 0xc9, 0x31, 0xd2, 0x0f, 0x01, 0xef); /* WRPKRU */
	}
}

static bool uses_vectors(const struct arch_state *s)
{
	static const union vec none[16];

	return s->xcr0 != XCR0_X87 || s->mxcsr != MXCSR_RESET || memcmp(s->vec, none, sizeof(none)) != 0;
}

static void control_registers(struct emit *e, const struct scene *scene)
{
	const struct arch_state *s = &scene->s;
	bool real = scene->mode == SCENE_REAL;

	B(e, 0x66, 0xb8, 0x10, 0x00, 0x8e, 0xd8, 0x8e, 0xc0); /* DS, ES flat; SS */
	B(e, 0x66, 0xb8, 0x20, 0x00, 0x8e, 0xd0, 0xbc);
	imm(e, LOADER_ESP, 4);
	B(e, 0xdd); /* FRSTOR */
	absolute(e, false, 4, LOADER_DATA);
	if (uses_vectors(s))
		vectors(e, s, scene->model, false);
	model_specific(e, s);
	if (s->efer)
		wrmsr(e, MSR_EFER, s->efer);
	for (unsigned i = 0; i < 4; i++) {
		mov_eax(e, s->dr[i]);
		B(e, 0x0f, 0x23, (uint8_t)(0xc0 | i << 3));
	}
	mov_eax(e, s->dr6);
	B(e, 0x0f, 0x23, 0xf0);
	mov_eax(e, s->dr7);
	B(e, 0x0f, 0x23, 0xf8);
	mov_eax(e, s->cr2);
	B(e, 0x0f, 0x22, 0xd0);
	if (!real) {
		B(e, 0x0f, 0x01, 0x1d); /* LIDT */
		imm(e, LOADER_DATA + 0x100, 4);
	}
	if (s->cr4 || uses_vectors(s)) {
		mov_eax(e, s->cr4);
		B(e, 0x0f, 0x22, 0xe0);
	}
	mov_eax(e, s->cr3);
	B(e, 0x0f, 0x22, 0xd8);
	if (!real) {
		B(e, 0x0f, 0x01, 0x15); /* LGDT */
		imm(e, LOADER_DATA + 0x110, 4);
	}
}

static void general_registers(struct emit *e, const struct arch_state *s, bool with_esp)
{
	for (unsigned i = 0; i < 8; i++) {
		if (i == RSP && !with_esp)
			continue;
		B(e, (uint8_t)(0xb8 + i));
		imm(e, s->gpr.r64[i], 4);
	}
}

static void push(struct emit *e, uint64_t value)
{
	B(e, 0x68);
	imm(e, value, 4);
}

static void data_segments(struct emit *e, const struct arch_state *s)
{
	static const uint8_t order[4] = {SEG_ES, SEG_DS, SEG_FS, SEG_GS};

	for (unsigned i = 0; i < 4; i++) {
		B(e, 0x66, 0xb8);
		imm(e, s->seg[order[i]].sel, 2);
		B(e, 0x8e, (uint8_t)(0xc0 | order[i] << 3));
	}
}

static void into_protected(struct emit *e, const struct scene *scene)
{
	const struct arch_state *s = &scene->s;
	bool vm86 = scene->mode == SCENE_VM86;
	static const uint8_t vm86_order[4] = {SEG_GS, SEG_FS, SEG_DS, SEG_ES};

	mov_eax(e, s->cr0);
	B(e, 0x0f, 0x22, 0xc0, 0xeb, 0x00); /* MOV CR0, EAX; JMP $+2 */
	B(e, 0x66, 0xb8);
	imm(e, s->seg[SEG_LDTR].sel, 2);
	B(e, 0x0f, 0x00, 0xd0, 0x66, 0xb8); /* LLDT AX */
	imm(e, s->seg[SEG_TR].sel, 2);
	B(e, 0x0f, 0x00, 0xd8); /* LTR AX */
	if (!vm86)
		data_segments(e, s);
	if (!vm86 && scene->cpl == 0) {
		push(e, s->rflags);
		B(e, 0x9d, 0x66, 0xb8); /* POPFD; SS:ESP; JMP CS:EIP */
		imm(e, s->seg[SEG_SS].sel, 2);
		B(e, 0x8e, 0xd0);
		general_registers(e, s, true);
		B(e, 0xea);
		imm(e, s->rip, 4);
		imm(e, s->seg[SEG_CS].sel, 2);
		return;
	}
	for (unsigned i = 0; vm86 && i < 4; i++)
		push(e, s->seg[vm86_order[i]].sel);
	push(e, s->seg[SEG_SS].sel);
	push(e, s->gpr.r64[RSP]);
	push(e, s->rflags);
	push(e, s->seg[SEG_CS].sel);
	push(e, s->rip);
	general_registers(e, s, false);
	B(e, 0xcf); /* IRETD */
}

/* JMP 18:LOADER_REAL, 16-bit code based at LOADER. */
static void to_real(struct emit *e)
{
	B(e, 0xea);
	imm(e, LOADER_REAL, 4);
	imm(e, 0x18, 2);
}

/* EFLAGS is popped from the ROM: no stack of the case is touched. */
static void into_real(struct emit *e, const struct scene *scene)
{
	const struct arch_state *s = &scene->s;
	static const uint8_t order[4] = {SEG_ES, SEG_DS, SEG_FS, SEG_GS};

	B(e, 0x66, 0xb8); /* MOV EAX, CR0; MOV CR0, EAX; JMP F000:... */
	imm(e, s->cr0, 4);
	B(e, 0x0f, 0x22, 0xc0, 0xea);
	imm(e, LOADER_REAL + e->n + 4, 2);
	imm(e, LOADER >> 4, 2);
	B(e, 0x2e, 0x66, 0x0f, 0x01, 0x1e, 0xd0, 0x07); /* LIDT CS:[7D0h]; LGDT CS:[7E0h] */
	B(e, 0x2e, 0x66, 0x0f, 0x01, 0x16, 0xe0, 0x07);
	for (unsigned i = 0; i < 4; i++) {
		B(e, 0xb8);
		imm(e, s->seg[order[i]].sel, 2);
		B(e, 0x8e, (uint8_t)(0xc0 | order[i] << 3));
	}
	B(e, 0xb8);
	imm(e, LOADER >> 4, 2);
	B(e, 0x8e, 0xd0, 0x66, 0xbc); /* SS:ESP = F000:7F0h, where EFLAGS lies */
	imm(e, 0x7f0, 4);
	B(e, 0x66, 0x9d, 0xb8); /* POPFD */
	imm(e, s->seg[SEG_SS].sel, 2);
	B(e, 0x8e, 0xd0);
	for (unsigned i = 0; i < 8; i++) {
		B(e, 0x66, (uint8_t)(0xb8 + i));
		imm(e, s->gpr.r64[i], 4);
	}
	B(e, 0xea);
	imm(e, s->rip, 2);
	imm(e, s->seg[SEG_CS].sel, 2);
}

/* ---- IA-32e mode ---- */
static void mov_rax(struct emit *e, uint64_t value)
{
	B(e, 0x48, 0xb8);
	imm(e, value, 8);
}

static void push64(struct emit *e, uint64_t value)
{
	mov_rax(e, value);
	B(e, 0x50);
}

/* From 32-bit code without paging: the case's page tables, and into 64-bit code of the loader's GDT. */
static void into_64bit(struct emit *e, const struct arch_state *s)
{
	mov_eax(e, CR4_PAE | (s->cr4 & CR4_LA57));
	B(e, 0x0f, 0x22, 0xe0);
	mov_eax(e, s->cr3 & ~UINT64_C(0xfff)); /* PCID 0: CR4.PCIDE comes later */
	B(e, 0x0f, 0x22, 0xd8);
	wrmsr(e, MSR_EFER, s->efer & ~(uint64_t)EFER_LMA);
	mov_eax(e, CR0_PE | CR0_ET | CR0_NE | CR0_PG);
	B(e, 0x0f, 0x22, 0xc0, 0xea); /* MOV CR0, EAX; JMP 28:LOADER_64 */
	imm(e, LOADER_64, 4);
	imm(e, 0x28, 2);
}

static void control_registers_64(struct emit *e, const struct arch_state *s)
{
	for (unsigned i = 0; i < 8; i++) {
		if (i == 4 || i == 5)
			continue;
		mov_rax(e, i < 4 ? s->dr[i] : i == 6 ? s->dr6 : s->dr7);
		B(e, 0x0f, 0x23, (uint8_t)(0xc0 | i << 3));
	}
	mov_rax(e, s->cr2);
	B(e, 0x0f, 0x22, 0xd0);
	mov_rax(e, s->cr8);
	B(e, 0x44, 0x0f, 0x22, 0xc0);
	mov_rax(e, s->cr4);
	B(e, 0x0f, 0x22, 0xe0);
	mov_rax(e, s->cr3);
	B(e, 0x0f, 0x22, 0xd8);
}

/* Descriptors are read with the GDT's largest limit; CS's and SS's by IRETQ, with the case's own. */
static void segments_64(struct emit *e, const struct arch_state *s)
{
	B(e, 0x0f, 0x01); /* LIDT; LGDT */
	absolute(e, true, 3, DATA_TABLES);
	B(e, 0x0f, 0x01);
	absolute(e, true, 2, DATA_TABLES + 0x20);
	B(e, 0x66, 0xb8);
	imm(e, s->seg[SEG_LDTR].sel, 2);
	B(e, 0x0f, 0x00, 0xd0, 0x66, 0xb8); /* LLDT AX */
	imm(e, s->seg[SEG_TR].sel, 2);
	B(e, 0x0f, 0x00, 0xd8); /* LTR AX */
	data_segments(e, s);
	wrmsr(e, MSR_FS_BASE, s->seg[SEG_FS].base);
	wrmsr(e, MSR_GS_BASE, s->seg[SEG_GS].base);
	B(e, 0x0f, 0x01);
	absolute(e, true, 2, DATA_TABLES + 0x10);
}

static void main_64(struct emit *e, const struct scene *scene)
{
	const struct arch_state *s = &scene->s;

	B(e, 0xbc); /* MOV ESP */
	imm(e, LOADER_SS + LOADER_ESP, 4);
	if (model_has(scene->model, FEAT_1_EDX, F1D_SSE))
		vectors(e, s, scene->model, true);
	B(e, 0xdd); /* FRSTOR */
	absolute(e, true, 4, LOADER_DATA);
	model_specific(e, s);
	control_registers_64(e, s);
	segments_64(e, s);
	mov_rax(e, s->cr0);
	B(e, 0x0f, 0x22, 0xc0);
	push64(e, s->seg[SEG_SS].sel);
	push64(e, s->gpr.r64[RSP]);
	push64(e, s->rflags);
	push64(e, s->seg[SEG_CS].sel);
	push64(e, s->rip);
	for (unsigned i = 0; i < 16; i++) {
		if (i == RSP)
			continue;
		B(e, (uint8_t)(i < 8 ? 0x48 : 0x49), (uint8_t)(0xb8 + (i & 7)));
		imm(e, s->gpr.r64[i], 8);
	}
	B(e, 0x48, 0xcf); /* IRETQ */
}

/* ---- what cannot be brought about by loading registers ---- */
static bool loads_so(const struct scene *scene, enum seg seg)
{
	const struct segment *is = &scene->s.seg[seg];
	struct descriptor d;
	uint64_t raw[2];

	if (scene->mode == SCENE_REAL)
		return is->base == (uint64_t)is->sel << 4 && is->limit == 0xffff;
	if (scene->mode == SCENE_VM86 && seg < SEG_LDTR)
		return is->base == (uint64_t)is->sel << 4;
	if (sel_null(is->sel))
		return !is->usable && seg != SEG_TR && (seg != SEG_SS || scene->mode == SCENE_LONG64);
	scene_peek(scene, (is->sel & SEL_TI ? AT_LDT : AT_GDT) + (is->sel & SEL_INDEX), raw, sizeof(raw));
	desc_decode(&d, raw[0], is->sel);
	if (scene_is_long(scene) && (seg == SEG_FS || seg == SEG_GS))
		d.seg.base = is->base; /* the loader writes it */
	else if (scene_is_long(scene) && seg >= SEG_LDTR)
		d.seg.base |= raw[1] << 32;
	return d.seg.base == is->base && d.seg.limit == is->limit && d.seg.attributes == is->attributes &&
	       is->present && (!is->s || (is->type & TYPE_ACCESSED));
}

static bool maps_onto_itself(const struct scene *scene, uint64_t at)
{
	uint64_t entry;

	if (!(scene->s.cr0 & CR0_PG))
		return true;
	entry = host_page_entry(scene, at);
	return (entry & 3) == 3 && !(entry & 0x80) && (entry & 0xffffffffff000) == at && !(entry >> 63);
}

static const char *unfit_long(const struct scene *scene)
{
	const struct arch_state *s = &scene->s;
	unsigned highest = (s->seg[SEG_CS].sel > s->seg[SEG_SS].sel ? s->seg[SEG_CS].sel : s->seg[SEG_SS].sel) | 7u;

	if (s->gdtr.base != AT_GDT || s->gdtr.limit < highest)
		return "a GDT that the loader cannot use";
	if (s->cr3 >> 32 || (s->pkru & 3) || !maps_onto_itself(scene, LOADER_64))
		return "its page tables leave no room for the loader";
	return NULL;
}

const char *loader_unfit(const struct scene *scene)
{
	const struct arch_state *s = &scene->s;

	if (scene->events || (scene->until != END_AT_END && scene->until != END_STEPS) || !scene->codes)
		return "events from outside, or an end of its own";
	if (scene->ram > QEMU_LOADER_DATA || scene->pic)
		return "its memory is too large, or it has a board";
	if (s->nmi_blocked || s->shadow || s->pending_dr6 || (s->dr7 & DR7_GD) || (s->cr4 & (CR4_SMEP | CR4_SMAP)))
		return "a state that the loader cannot leave behind";
	for (unsigned seg = SEG_ES; seg <= (scene->mode == SCENE_REAL ? SEG_GS : SEG_TR); seg++)
		if (!loads_so(scene, (enum seg)seg))
			return "a segment register holds what its descriptor does not say";
	if (!maps_onto_itself(scene, LOADER) || !maps_onto_itself(scene, LOADER_DATA) ||
	    !maps_onto_itself(scene, LOADER_SS + LOADER_ESP - 0x1000) || !maps_onto_itself(scene, AT_GDT))
		return "its page tables leave no room for the loader";
	for (unsigned i = 0; i < scene->memory_count; i++)
		if (scene->memory[i].at + scene->memory[i].size > QEMU_HOLE && scene->memory[i].at < 0x100000)
			return "memory between 640 KiB and 1 MiB";
	if (scene_is_long(scene))
		return unfit_long(scene);
	return s->rflags & FLAG_RF || (s->rflags & FLAG_TF && scene->cpl == 0) ? "TF or RF at the start" : NULL;
}

/* ---- into the guest's memory ---- */
bool loader_write(struct qemu *q, const struct scene *scene)
{
	static const uint64_t gdt[6] = {
		0, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x00009b0f0000ffff, 0x004093170000ffff, 0x00209b0000000000};
	struct emit start = {.n = 0}, main = {.n = 0}, real = {.n = 0}, wide = {.n = 0};
	const struct arch_state *s = &scene->s;
	uint8_t table[10], image[FNSAVE_BYTES];
	uint32_t flags = (uint32_t)s->rflags, base = LOADER_GDT;
	uint16_t limit = sizeof(gdt) - 1;

	start_16(&start);
	if (scene_is_long(scene)) {
		into_64bit(&main, s);
		main_64(&wide, scene);
	} else {
		control_registers(&main, scene);
		if (scene->mode == SCENE_REAL)
			to_real(&main);
		else
			into_protected(&main, scene);
	}
	into_real(&real, scene);
	memcpy(table, &limit, 2);
	memcpy(table + 2, &base, 4);
	bool good = qemu_write(q, LOADER, start.code, start.n) && qemu_write(q, LOADER_32, main.code, main.n) &&
		    qemu_write(q, LOADER + LOADER_REAL, real.code, real.n) &&
		    qemu_write(q, LOADER_64, wide.code, wide.n) && qemu_write(q, DATA_MXCSR, &s->mxcsr, 4) &&
		    qemu_write(q, DATA_VEC, s->vec, sizeof(s->vec)) && qemu_write(q, LOADER + 0x7f0, &flags, 4) &&
		    qemu_write(q, LOADER_GDT, gdt, sizeof(gdt)) && qemu_write(q, LOADER_GDT + 0xf0, table, 6);
	fpu_fnsave_image(&s->fpu, image);
	good = good && qemu_write(q, LOADER_DATA, image, sizeof(image));
	const struct table_register tables[3] = {s->idtr, s->gdtr, {AT_GDT, 0xfff}};
	for (unsigned i = 0; i < 3 && good; i++) {
		memcpy(table, &tables[i].limit, 2);
		memcpy(table + 2, &tables[i].base, 8);
		good = qemu_write(q, DATA_TABLES + i * 0x10, table, 10) &&
		       (i == 2 || qemu_write(q, LOADER + 0x7d0 + i * 0x10, table, 6));
	}
	return good;
}
