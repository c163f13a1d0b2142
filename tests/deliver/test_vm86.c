/* Virtual-8086 mode: into ring 0 and back, the six methods of handling INT n (SDM 3B,
 * "Software Interrupt Handling Methods While in Virtual-8086 Mode"), IRET of 8086 code;
 * and real mode's vectors, which redirected interrupts use. */
#include "deliver/bed.h"

#define ALL (FLAGS_DEFINED | FLAG_ONE)

static void step(void) { cpu_step(&r->cpu); }

/* ---- into ring 0 ---- */
static void assert_entered(unsigned bytes, uint32_t image, unsigned ip)
{
	static const struct { uint16_t sel; enum seg seg; } pushed[] = {
		{0x2111, SEG_ES}, {0x2333, SEG_DS}, {0x2444, SEG_FS}, {0x2555, SEG_GS},
	};
	uint64_t mask = bytes == 4 ? 0xffffffff : 0xffff;

	assert_int_equal(reg(RSP), RIG_STACK0 - 9 * bytes);
	for (unsigned i = 0; i < 9; i++) {
		const uint64_t expect[9] = {ip, RIG_CODE >> 4, image & mask, 0xf000, 0x2000,
					    pushed[0].sel, pushed[1].sel, pushed[2].sel, pushed[3].sel};
		assert_int_equal(bytes == 4 ? word(i) : half(i), expect[i]);
	}
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(s()->seg[pushed[i].seg].sel, 0);
		assert_false(s()->seg[pushed[i].seg].usable);
	}
	assert_int_equal(s()->cpl, 0);
	assert_int_equal(s()->seg[SEG_CS].sel, RIG_CS0);
	assert_int_equal(s()->seg[SEG_SS].sel, RIG_DS0);
}

/* Method 1: VME = 0, IOPL = 3. */
static void int_n_with_iopl_3_enters_ring_0(void **state)
{
	for (unsigned trap = 0; trap < 2; trap++) {
		at_vm86(3);
		rig_gate(r, V, RIG_CS0, 0x8000, trap ? G_TRAP32(3) : G_INT32(3));
		set_flags(FLAG_IF | FLAG_NT | FLAG_TF | FLAG_CF, 0);
		uint32_t image = flags();
		INSN(0xcd, V);
		step();
		delivered(V);
		assert_entered(4, image, 2);
		assert_int_equal(flags(), FLAG_ONE | FLAG_IOPL | FLAG_CF | (trap ? FLAG_IF : 0));
	}
}

static void gate_of_16_bits_from_vm86(void **state)
{
	at_vm86(3);
	rig_gate(r, V, RIG_CS0, 0x12348000, G_INT16(3));
	INSN(0xcd, V);
	step();
	delivered(V);
	assert_entered(2, FLAG_ONE | FLAG_IOPL, 2);
	assert_int_equal(s()->rip, 0x8000);
}

/* INT_VM86_IOPL: #GP(0); method 2: VME = 0, IOPL < 3. */
static void int_n_below_iopl_3(void **state)
{
	for (unsigned iopl_now = 0; iopl_now < 3; iopl_now++) {
		at_vm86(iopl_now);
		rig_gate(r, V, 0, 0, 0); /* not even looked at */
		INSN(0xcd, V);
		step();
		faulted(VEC_GP, 0, WHY_INT_VM86_IOPL);
		assert_int_equal(word(0), 0);
		assert_int_equal(word(1), 0);
	}
}

static void int3_into_int1_do_not_ask_iopl(void **state)
{
	for (enum way way = INT_3; way < WAYS; way++) {
		at_vm86(0);
		happen(way);
		delivered(ways[way].vector);
		assert_int_equal(s()->cpl, 0);
		assert_int_equal(last()->from.mode, MODE_VM86);
	}
}

/* VM86 is CPL 3 to the gate's DPL. */
static void gate_dpl_counts_in_vm86(void **state)
{
	for (unsigned dpl = 0; dpl < 3; dpl++) {
		at_vm86(3);
		rig_gate(r, V, RIG_CS0, 0x8000, (uint8_t)G_INT32(dpl));
		INSN(0xcd, V);
		step();
		assert_why(last()->why, WHY_GATE_DPL);
		assert_int_equal(word(0), V * 8 + 2);
		at_vm86(0);
		rig_gate(r, VEC_BP, RIG_CS0, 0x8000, (uint8_t)G_INT32(dpl));
		INSN(0xcc);
		step();
		assert_why(last()->why, WHY_GATE_DPL);
		assert_int_equal(word(0), VEC_BP * 8 + 2);
	}
}

/* GATE_CS_VM86: #GP(selector + EXT) */
static void only_ring_0_that_does_not_conform(void **state)
{
	for (unsigned conforming = 0; conforming < 2; conforming++) {
		for (unsigned dpl = 0; dpl < 4; dpl++) {
			for (unsigned pin = 0; pin < 2; pin++) {
				at_vm86(3);
				descriptor(CODE, 0, FLAT, conforming ? A_CONF(dpl) : A_CODE(dpl), F_32);
				rig_gate(r, V, CODE, 0x8000, G_INT32(3));
				happen(pin ? PIN : INT_N);
				if (!conforming && dpl == 0) {
					delivered(V);
					continue;
				}
				assert_why(last()->why, WHY_GATE_CS_VM86);
				assert_int_equal(last()->vector, VEC_GP);
				assert_int_equal(word(0), CODE | pin);
				assert_int_equal(word(1), 0);
			}
		}
	}
}

static void code_present_before_the_vm86_rule(void **state)
{
	at_vm86(3);
	descriptor(CODE, 0, FLAT, ABSENT(A_CODE(1)), F_32);
	rig_gate(r, V, CODE, 0x8000, G_INT32(3));
	INSN(0xcd, V);
	step();
	assert_why(last()->why, WHY_GATE_CS_NOT_PRESENT);
	assert_int_equal(last()->vector, VEC_NP);
}

static void vm86_rule_before_the_stack(void **state)
{
	at_vm86(3);
	descriptor(CODE, 0, FLAT, A_CODE(1), F_32);
	rig_gate(r, V, CODE, 0x8000, G_INT32(3));
	rig_write16(r, RIG_TSS + 16, 0);
	INSN(0xcd, V);
	step();
	assert_why(last()->why, WHY_GATE_CS_VM86);
}

/* FRAME_NO_ROOM: 36 bytes, 40 with an error code; half of that through 16-bit gates. */
static void room_for_nine_or_ten_words(void **state)
{
	for (unsigned wide = 0; wide < 2; wide++) {
		for (unsigned error = 0; error < 2; error++) {
			for (unsigned short_by = 0; short_by < 2; short_by++) {
				unsigned needs = (wide ? 36 : 18) + error * (wide ? 4 : 2);

				at_vm86(3);
				descriptor(DATA, 0x60000, 0xffff, A_DATA(0), F_32_BYTE);
				rig_write32(r, RIG_TSS + 4, needs - short_by);
				rig_write16(r, RIG_TSS + 8, DATA);
				rig_gate(r, error ? VEC_GP : V, RIG_CS0, 0x8000, wide ? G_INT32(3) : G_INT16(3));
				if (error)
					INSN(0xf4);
				else
					INSN(0xcd, V);
				enum stop stop = cpu_step(&r->cpu);
				if (!short_by) {
					delivered(error ? VEC_GP : V);
					assert_int_equal(reg(RSP), 0);
					continue;
				}
				assert_int_equal(stop, STOP_SHUTDOWN);
				unsigned chain;
				assert_why(first(&chain)->refused.why, WHY_FRAME_NO_ROOM);
				assert_int_equal(first(&chain)->refused.error, DATA | error);
			}
		}
	}
}

/* ---- back: IRET at CPL 0 with VM in the image ---- */
static void iret_to_vm86(void **state)
{
	at_cpl(0);
	PUT32(0x1234, 0xffff1000, ALL & ~FLAG_TF, 0x89abcdef, 0x2222, 0x3333, 0x4444, 0x5555, 0x6666);
	INSN(0xcf);
	step();
	static const uint16_t sel[] = {0x3333, 0x1000, 0x2222, 0x4444, 0x5555, 0x6666};
	for (unsigned i = SEG_ES; i <= SEG_GS; i++) {
		const struct segment *seg = &s()->seg[i];
		assert_int_equal(seg->sel, sel[i]);
		assert_int_equal(seg->base, sel[i] * 16);
		assert_int_equal(seg->limit, 0xffff);
		assert_int_equal(seg->dpl, 3);
		assert_true(seg->usable && seg->present && seg->s && !seg->db);
	}
	assert_int_equal(s()->cpl, 3);
	assert_int_equal(s()->rip, 0x1234);
	assert_int_equal(reg(RSP), 0x89abcdef);
	assert_int_equal(flags(), ALL & ~FLAG_TF);
}

/* IRET_EIP_LIMIT: #GP(0) */
static void iret_to_vm86_beyond_64_kbytes(void **state)
{
	at_cpl(0);
	PUT32(0x10000, 0x1000, FLAG_ONE | FLAG_VM, 0, 0, 0, 0, 0, 0);
	INSN(0xcf);
	step();
	faulted(VEC_GP, 0, WHY_IRET_EIP_LIMIT);
	assert_int_equal(last()->from.rsp, RIG_STACK0);
	assert_int_equal(last()->from.cpl, 0);
}

static void iret_to_vm86_needs_nine_words(void **state)
{
	for (unsigned short_by = 0; short_by < 2; short_by++) {
		at_cpl(0);
		descriptor(DATA, 0, 0x61000 + 35 - short_by, A_DATA(0), F_32_BYTE);
		load(SEG_SS, DATA);
		set_reg(RSP, 0x61000);
		PUT32(0x10, 0x1000, FLAG_ONE | FLAG_VM, 0, 0, 0, 0, 0, 0);
		INSN(0xcf);
		step();
		if (short_by)
			faulted(VEC_SS, 0, WHY_IRET_STACK_LIMIT);
		else
			assert_true(in_vm86(&r->cpu));
	}
}

/* ---- VME: the redirection bitmap, 32 bytes below the I/O map ---- */
#define IO_MAP 0x90u
#define IVT_CS 0x4321u
#define IVT_IP 0x8765u

static void vme(unsigned iopl_now, bool directed_to_the_monitor)
{
	at_vm86(iopl_now);
	s()->cr4 |= CR4_VME;
	s()->seg[SEG_TR].limit = 0xff;
	rig_write16(r, RIG_TSS + 0x66, IO_MAP);
	for (unsigned i = 0; i < 32; i++)
		rig_write8(r, RIG_TSS + IO_MAP - 32 + i, directed_to_the_monitor ? 0 : 0xff);
	rig_write8(r, RIG_TSS + IO_MAP - 32 + V / 8, (uint8_t)(directed_to_the_monitor ? 1 << V % 8 : ~(1 << V % 8)));
	rig_write16(r, V * 4, IVT_IP);
	rig_write16(r, V * 4 + 2, IVT_CS);
	INSN(0xcd, V);
	cpu_state_changed(&r->cpu);
}

/* Method 3: IOPL < 3, bit = 1: #GP(0). */
static void method_3(void **state)
{
	for (unsigned iopl_now = 0; iopl_now < 3; iopl_now++) {
		vme(iopl_now, true);
		step();
		faulted(VEC_GP, 0, WHY_INT_VM86_IOPL);
	}
}

/* Method 4: IOPL = 3, bit = 1: the protected-mode handler. */
static void method_4(void **state)
{
	vme(3, true);
	step();
	delivered(V);
	assert_entered(4, FLAG_ONE | FLAG_VM | FLAG_IOPL, 2);
}

static void assert_redirected(uint32_t image, uint32_t after)
{
	assert_int_equal(last()->outcome, OUT_REDIRECTED);
	assert_int_equal(last()->vector, V);
	assert_int_equal(last()->kind, EV_SOFT_INT);
	assert_int_equal(last()->from.rip, 2);
	assert_int_equal(s()->rip, IVT_IP);
	assert_int_equal(s()->seg[SEG_CS].sel, IVT_CS);
	assert_int_equal(s()->seg[SEG_CS].base, IVT_CS * 16);
	assert_int_equal(s()->cpl, 3);
	assert_int_equal(reg(RSP), 0xeffa);
	assert_int_equal(last()->frame, 0x20000 + 0xeffa);
	assert_int_equal(half(0), 2);
	assert_int_equal(half(1), RIG_CODE >> 4);
	assert_int_equal(half(2), image);
	assert_int_equal(flags(), after);
	assert_int_equal(s()->seg[SEG_DS].sel, 0x2333);
}

/* Method 5: IOPL = 3, bit = 0: the 8086 program's handler; IF and TF are cleared, nothing
 * else is. */
static void method_5(void **state)
{
	for (unsigned i = 0; i < 4; i++) {
		vme(3, false);
		set_flags(ALL & ~(FLAG_OF | FLAG_RF), (i & 1 ? FLAG_VIF : 0) | (i & 2 ? FLAG_IF : 0));
		set_flags(0, (i & 1 ? FLAG_VIF : 0) | (i & 2 ? FLAG_IF : 0));
		uint32_t before = flags();
		step();
		assert_redirected(before & 0xffff, before & ~(FLAG_IF | FLAG_TF));
		step(); /* no single-step trap of the INT n itself */
		assert_int_equal(r->trace.deliveries, deliveries_before + 1);
	}
}

/* Method 6: IOPL < 3, bit = 0: the image has IOPL 3 and VIF for IF; VIF and TF are cleared. */
static void method_6(void **state)
{
	for (unsigned i = 0; i < 3 * 4; i++) {
		uint32_t virtual_if = i & 1 ? FLAG_VIF : 0, real_if = i & 2 ? FLAG_IF : 0;

		vme(i / 4, false);
		set_flags(FLAG_TF | FLAG_NT | FLAG_CF | virtual_if | real_if, 0);
		uint32_t before = flags();
		uint32_t image = (before & 0xffff & ~FLAG_IF) | FLAG_IOPL | (virtual_if ? FLAG_IF : 0);
		step();
		assert_redirected(image, before & ~(FLAG_VIF | FLAG_TF));
	}
}

static void redirection_is_for_int_n_alone(void **state)
{
	for (enum way way = INT_3; way < WAYS; way++) {
		vme(0, false);
		for (unsigned i = 0; i < 32; i++)
			rig_write8(r, RIG_TSS + IO_MAP - 32 + i, 0);
		happen(way);
		delivered(ways[way].vector);
		assert_int_equal(s()->cpl, 0);
	}
}

static void without_vme_there_is_no_bitmap(void **state)
{
	vme(3, false);
	s()->cr4 &= ~(uint64_t)CR4_VME;
	cpu_state_changed(&r->cpu);
	step();
	delivered(V);
	assert_int_equal(s()->cpl, 0);
}

static void no_bitmap_in_protected_mode(void **state)
{
	vme(3, false);
	at_cpl(3);
	s()->cr4 |= CR4_VME;
	INSN(0xcd, V);
	cpu_state_changed(&r->cpu);
	step();
	delivered(V);
	assert_int_equal(s()->cpl, 0);
}

/* VME_BITMAP_LIMIT: #GP(0) */
static void bitmap_beyond_the_tss(void **state)
{
	for (unsigned short_by = 0; short_by < 2; short_by++) {
		vme(0, false); /* the byte of the vector */
		s()->seg[SEG_TR].limit = IO_MAP - 32 + V / 8 - short_by;
		step();
		if (short_by)
			faulted(VEC_GP, 0, WHY_VME_BITMAP_LIMIT);
		else
			assert_int_equal(last()->outcome, OUT_REDIRECTED);
		vme(0, false); /* the I/O map base itself */
		rig_write16(r, RIG_TSS + 0x66, 32);
		rig_write8(r, RIG_TSS + V / 8, 0);
		s()->seg[SEG_TR].limit = 0x67 - short_by;
		step();
		if (short_by)
			faulted(VEC_GP, 0, WHY_VME_BITMAP_LIMIT);
		else
			assert_int_equal(last()->outcome, OUT_REDIRECTED);
		vme(0, false); /* no room for it below the map */
		rig_write16(r, RIG_TSS + 0x66, (uint16_t)(32 - short_by));
		rig_write8(r, RIG_TSS + V / 8, 0);
		step();
		if (short_by)
			faulted(VEC_GP, 0, WHY_VME_BITMAP_LIMIT);
		else
			assert_int_equal(last()->outcome, OUT_REDIRECTED);
	}
	vme(3, false); /* a 16-bit TSS has none */
	s()->seg[SEG_TR].type = SYS_TSS16_BUSY;
	rig_write16(r, RIG_TSS + 2, 0x7000);
	rig_write16(r, RIG_TSS + 4, RIG_DS0);
	step();
	faulted(VEC_GP, 0, WHY_VME_BITMAP_LIMIT);
}

static void bitmap_and_vectors_in_pages_that_are_not_there(void **state)
{
	vme(0, false);
	rig_paging(r);
	unmap(0);
	step();
	faulted(VEC_PF, 0, WHY_PAGE_NOT_PRESENT);
	assert_int_equal(s()->cr2, V * 4);
	assert_int_equal(last()->from.rsp, 0xf000);
	for (unsigned bitmap = 0; bitmap < 2; bitmap++) {
		uint32_t base = bitmap ? 0x61000 - (IO_MAP - 32) : 0x61000 - 0x66;

		vme(0, false);
		for (unsigned i = 0; i < 0x100; i++)
			rig_write8(r, base + i, rig_read8(r, RIG_TSS + i));
		s()->seg[SEG_TR].base = base;
		rig_paging(r);
		unmap(0x61000);
		step();
		faulted(VEC_PF, 0, WHY_PAGE_NOT_PRESENT);
		assert_int_equal(s()->cr2, bitmap ? 0x61000 + V / 8 : 0x61000);
	}
}

/* The three words wrap at the segment's end, one that crosses it is #SS(0), and a fault
 * has pushed nothing. */
static void redirected_frame(void **state)
{
	vme(0, false);
	set_reg(RSP, 0xabcd0002);
	step();
	assert_int_equal(last()->outcome, OUT_REDIRECTED);
	assert_int_equal(reg(RSP), 0xabcdfffc);
	assert_int_equal(rig_read16(r, 0x20000), FLAG_ONE | FLAG_IOPL);
	assert_int_equal(rig_read16(r, 0x2fffe), RIG_CODE >> 4);
	assert_int_equal(rig_read16(r, 0x2fffc), 2);
	vme(0, false);
	set_reg(RSP, 3);
	rig_write16(r, 0x20001, 0x7777);
	step();
	faulted(VEC_SS, 0, WHY_SEG_LIMIT);
	assert_int_equal(rig_read16(r, 0x20001), 0x7777);
	vme(0, false);
	rig_paging(r);
	set_reg(RSP, 0x1002);
	unmap(0x20000);
	rig_write16(r, 0x21000, 0x7777);
	step();
	faulted(VEC_PF, PF_W | PF_U, WHY_PAGE_NOT_PRESENT);
	assert_int_equal(rig_read16(r, 0x21000), 0x7777);
	assert_int_equal(last()->from.rsp, 0x1002);
}

/* ---- IRET of 8086 code ---- */
static void iret_in_vm86(unsigned iopl_now, bool extensions, unsigned bytes, uint32_t before, uint32_t image)
{
	at_vm86(iopl_now);
	if (extensions)
		s()->cr4 |= CR4_VME;
	set_flags(before, (FLAGS_DEFINED & ~(before | FLAG_VM | FLAG_IOPL)));
	if (bytes == 4) {
		PUT32(0x5678, 0xffff4321, image);
		INSN(0x66, 0xcf);
	} else {
		PUT16(0x5678, 0x4321, image & 0xffff);
		INSN(0xcf);
	}
	step();
}

/* VM, IOPL, VIP and VIF are not modified; 16 bits: the lower half but IOPL. */
static void iret_in_vm86_with_iopl_3(void **state)
{
	const uint32_t kept = FLAG_VM | FLAG_IOPL | FLAG_VIP | FLAG_VIF;

	for (unsigned extensions = 0; extensions < 2; extensions++) {
		iret_in_vm86(3, extensions, 4, FLAG_VIF, ALL & ~(FLAG_IOPL | FLAG_VM | FLAG_VIF));
		assert_int_equal(s()->rip, 0x5678);
		assert_int_equal(s()->seg[SEG_CS].base, 0x43210);
		assert_int_equal(reg(RSP), 0xf00c);
		assert_int_equal(flags(), (ALL & ~kept) | FLAG_VM | FLAG_IOPL | FLAG_VIF);
		iret_in_vm86(3, extensions, 4, ALL & ~(kept | FLAG_RF), 0);
		assert_int_equal(flags(), FLAG_ONE | FLAG_VM | FLAG_IOPL);
		iret_in_vm86(3, extensions, 2, 0, ALL & ~FLAG_IOPL);
		assert_int_equal(flags(), (ALL & 0xffff) | FLAG_VM);
		assert_int_equal(reg(RSP), 0xf006);
		iret_in_vm86(3, extensions, 2, FLAG_AC | FLAG_ID | FLAG_VIP | FLAG_CF | FLAG_IF, 0);
		assert_int_equal(flags(), FLAG_ONE | FLAG_VM | FLAG_IOPL | FLAG_AC | FLAG_ID | FLAG_VIP);
	}
}

/* IRET_VM86_IOPL: #GP(0); VME helps with 16 bits only. */
static void iret_in_vm86_below_iopl_3(void **state)
{
	for (unsigned iopl_now = 0; iopl_now < 3; iopl_now++) {
		for (unsigned bytes = 2; bytes <= 4; bytes += 2) {
			iret_in_vm86(iopl_now, false, bytes, 0, FLAG_ONE);
			faulted(VEC_GP, 0, WHY_IRET_VM86_IOPL);
			assert_int_equal(last()->from.rsp, 0xf000);
		}
		iret_in_vm86(iopl_now, true, 4, 0, FLAG_ONE);
		faulted(VEC_GP, 0, WHY_IRET_VM86_IOPL);
	}
}

/* Under VME the image's IF goes to VIF; IF and IOPL stay. */
static void iret_under_vme(void **state)
{
	iret_in_vm86(1, true, 2, FLAG_AC, 0xffff & ~FLAG_TF);
	assert_int_equal(s()->rip, 0x5678);
	assert_int_equal(s()->seg[SEG_CS].sel, 0x4321);
	assert_int_equal(reg(RSP), 0xf006);
	assert_int_equal(flags(), (ALL & 0xffff & ~(FLAG_TF | FLAG_IF | FLAG_IOPL)) | FLAG_VM | FLAG_AC | FLAG_VIF |
					  1 << FLAG_IOPL_SHIFT);
	iret_in_vm86(1, true, 2, FLAG_VIF | FLAG_IF | FLAG_VIP | FLAG_NT, 0);
	assert_int_equal(flags(), FLAG_ONE | FLAG_VM | FLAG_IF | FLAG_VIP | 1 << FLAG_IOPL_SHIFT);
}

/* IRET_VME_FLAGS: #GP(0) */
static void iret_under_vme_with_tf_or_a_pending_interrupt(void **state)
{
	iret_in_vm86(0, true, 2, 0, FLAG_TF);
	faulted(VEC_GP, 0, WHY_IRET_VME_FLAGS);
	iret_in_vm86(0, true, 2, FLAG_VIP, FLAG_IF);
	faulted(VEC_GP, 0, WHY_IRET_VME_FLAGS);
	assert_int_equal(last()->from.rflags & (FLAG_VIF | FLAG_VIP), FLAG_VIP);
	assert_int_equal(last()->from.rsp, 0xf000);
	iret_in_vm86(0, true, 2, 0, FLAG_IF);
	assert_int_equal(r->trace.deliveries, deliveries_before);
	assert_true(flags() & FLAG_VIF);
}

/* ---- real mode ---- */
static void real(void)
{
	at_real();
	rig_write16(r, V * 4, IVT_IP);
	rig_write16(r, V * 4 + 2, IVT_CS);
	INSN(0xcd, V);
}

static void real_mode_vector(void **state)
{
	real();
	set_reg(RSP, 0xabcd7000);
	set_flags(ALL & ~(FLAG_VM | FLAG_RF), 0);
	uint32_t before = flags();
	step();
	delivered(V);
	assert_int_equal(s()->rip, IVT_IP);
	assert_int_equal(s()->seg[SEG_CS].sel, IVT_CS);
	assert_int_equal(s()->seg[SEG_CS].base, IVT_CS * 16);
	assert_int_equal(flags(), before & ~(FLAG_IF | FLAG_TF | FLAG_AC));
	assert_int_equal(reg(RSP), 0xabcd6ffa);
	assert_int_equal(half(0), 2);
	assert_int_equal(half(1), RIG_CODE >> 4);
	assert_int_equal(half(2), before & 0xffff);
}

static void real_mode_idtr_base_counts(void **state)
{
	real();
	s()->idtr.base = 0x8000;
	rig_write32(r, 0x8000 + V * 4, 0x12340567);
	step();
	assert_int_equal(s()->rip, 0x567);
	assert_int_equal(s()->seg[SEG_CS].sel, 0x1234);
}

/* IDT_LIMIT in real mode: vector * 4 + 3; no error code is pushed. */
static void real_mode_idt_limit(void **state)
{
	for (unsigned short_by = 0; short_by < 2; short_by++) {
		real();
		rig_write16(r, VEC_GP * 4, 0x100);
		s()->idtr.limit = (uint16_t)(V * 4 + 3 - short_by);
		step();
		if (!short_by) {
			delivered(V);
			continue;
		}
		assert_why(last()->why, WHY_IDT_LIMIT);
		assert_int_equal(last()->vector, VEC_GP);
		assert_int_equal(s()->rip, 0x100);
		assert_int_equal(reg(RSP), 0x7000 - 6);
		assert_int_equal(half(0), 0);
		assert_false(last()->has_error);
	}
}

/* FRAME_NO_ROOM in real mode, and the wrap that is none. */
static void real_mode_stack(void **state)
{
	real();
	set_reg(RSP, 4);
	step();
	delivered(V);
	assert_int_equal(reg(RSP), 0xfffe);
	assert_int_equal(rig_read16(r, 0xfffe), 2);
	real();
	set_reg(RSP, 1);
	assert_int_equal(cpu_step(&r->cpu), STOP_SHUTDOWN); /* no room for #SS and #DF either */
	unsigned chain;
	assert_why(first(&chain)->refused.why, WHY_FRAME_NO_ROOM);
	assert_int_equal(first(&chain)->refused.vector, VEC_SS);
	assert_int_equal(chain, 2);
	assert_int_equal(reg(RSP), 1);
}

/* GATE_OFFSET_LIMIT in real mode, where CS kept a small limit. */
static void real_mode_offset_limit(void **state)
{
	real();
	s()->seg[SEG_CS].limit = IVT_IP - 1;
	cpu_state_changed(&r->cpu);
	rig_write16(r, VEC_GP * 4, 0x100);
	step();
	assert_why(last()->why, WHY_GATE_OFFSET_LIMIT);
	assert_int_equal(last()->vector, VEC_GP);
	assert_int_equal(s()->rip, 0x100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(int_n_with_iopl_3_enters_ring_0), T(gate_of_16_bits_from_vm86), T(int_n_below_iopl_3),
		T(int3_into_int1_do_not_ask_iopl), T(gate_dpl_counts_in_vm86), T(only_ring_0_that_does_not_conform),
		T(code_present_before_the_vm86_rule), T(vm86_rule_before_the_stack), T(room_for_nine_or_ten_words),
		T(iret_to_vm86), T(iret_to_vm86_beyond_64_kbytes), T(iret_to_vm86_needs_nine_words), T(method_3),
		T(method_4), T(method_5), T(method_6), T(redirection_is_for_int_n_alone),
		T(without_vme_there_is_no_bitmap), T(no_bitmap_in_protected_mode), T(bitmap_beyond_the_tss),
		T(bitmap_and_vectors_in_pages_that_are_not_there), T(redirected_frame), T(iret_in_vm86_with_iopl_3),
		T(iret_in_vm86_below_iopl_3), T(iret_under_vme), T(iret_under_vme_with_tf_or_a_pending_interrupt),
		T(real_mode_vector), T(real_mode_idtr_base_counts), T(real_mode_idt_limit), T(real_mode_stack),
		T(real_mode_offset_limit),
	};

	return cmocka_run_group_tests_name("virtual-8086 and real mode", tests, NULL, NULL);
}
