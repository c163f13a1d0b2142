/* IN, OUT, INS, OUTS: permissions, repetition, restart, breakpoints. */
#include "system/bed.h"

#define PORT 0x290u
#define DATA 0x5000u
#define MAP  0x88u /* of the I/O permission bitmap in the TSS */

/* A device that logs its accesses and counts up when read. */
static struct {
	unsigned reads, writes;
	uint64_t time[16];
	uint16_t port;
	unsigned bytes;
	uint32_t value;
	bool interrupts; /* raises the pin at each access */
} device;

static void device_note(uint16_t port, unsigned bytes)
{
	device.time[(device.reads + device.writes) & 15] = r->clock.now;
	device.port = port;
	device.bytes = bytes;
	if (device.interrupts)
		rig_interrupt(r, 0x40);
}

static uint32_t device_read(void *owner, uint16_t port, unsigned bytes)
{
	device_note(port, bytes);
	return 0x89abcd00u + device.reads++;
}

static void device_write(void *owner, uint16_t port, unsigned bytes, uint32_t value)
{
	device_note(port, bytes);
	device.value = value;
	device.writes++;
}

static int setup(void **state)
{
	memset(&device, 0, sizeof(device));
	if (bed_setup(state))
		return 1;
	return !bus_add_ports(r->bus, "test", PORT, 8, (struct port_ops){device_read, device_write}, NULL) ||
	       !bus_add_ports(r->bus, "test", 0x29, 1, (struct port_ops){device_read, device_write}, NULL) ||
	       !bus_add_ports(r->bus, "test", 0xffff, 1, (struct port_ops){device_read, device_write}, NULL);
}
#define TIO(f) cmocka_unit_test_setup_teardown(f, setup, bed_teardown)

/* A TSS of that limit with the map at MAP, all ports allowed, then 0xff. */
static void bitmap(uint32_t limit)
{
	rig_write16(r, RIG_TSS + 0x66, MAP);
	for (unsigned i = 0; i < 0x100; i++)
		rig_write8(r, RIG_TSS + MAP + i, 0);
	s()->seg[SEG_TR].limit = limit;
}

static void user(unsigned iopl)
{
	rig_protected(r, 3);
	bed_iopl(iopl);
	set_reg(RDX, PORT);
}

/* ---- IN and OUT ---- */
static void in_writes_only_its_width(void **state)
{
	set_reg(RDX, PORT);
	set_reg(RAX, 0x11223344);
	STEP(0xec);
	DONE();
	assert_int_equal(reg(RAX), 0x11223300);
	STEP(0x66, 0xed);
	assert_int_equal(reg(RAX), 0x1122cd01);
	STEP(0xed);
	assert_int_equal(reg(RAX), 0x89abcd02);
	assert_int_equal(device.bytes, 4);
}

static void in_of_an_immediate_port(void **state)
{
	STEP(0xe4, 0x29);
	DONE();
	assert_int_equal(device.port, 0x29);
	STEP(0xe6, 0x29);
	assert_int_equal(device.writes, 1);
}

static void out_sends_its_width(void **state)
{
	set_reg(RDX, PORT);
	set_reg(RAX, 0x11223344);
	STEP(0xee);
	assert_int_equal(device.value, 0x44);
	STEP(0x66, 0xef);
	assert_int_equal(device.value, 0x3344);
	STEP(0xef);
	assert_int_equal(device.value, 0x11223344);
}

static void device_sees_the_time_of_the_instruction(void **state)
{
	static const uint8_t code[] = {0x90, 0x90, 0xec, 0x90, 0xec, 0xf4};

	set_reg(RDX, PORT);
	rig_write(r, RIG_CODE, code, sizeof(code));
	cpu_state_changed(&r->cpu);
	uint64_t before = r->cpu.icount;
	rig_run(r, 100);
	assert_int_equal(device.time[0] - before, 3);
	assert_int_equal(device.time[1] - before, 5);
}

/* ---- permissions ---- */
static void cpl_up_to_iopl_needs_no_bitmap(void **state)
{
	user(3);
	s()->seg[SEG_TR].limit = 0x67;
	STEP(0xec);
	DONE();
	rig_protected(r, 0);
	bed_iopl(0);
	set_reg(RDX, PORT);
	STEP(0xec);
	DONE();
}

static void IO_NO_BITMAP_short_tss(void **state)
{
	user(0);
	bitmap(0x66);
	STEP(0xec);
	FAULT(VEC_GP, 0, WHY_IO_NO_BITMAP);
	assert_int_equal(device.reads, 0);
}

static void IO_NO_BITMAP_16_bit_tss(void **state)
{
	user(2);
	bitmap(0xffff);
	s()->seg[SEG_TR].type = SYS_TSS16_BUSY;
	rig_write16(r, RIG_TSS + 2, 0x8000); /* SP0, SS0 */
	rig_write16(r, RIG_TSS + 4, RIG_DS0);
	STEP(0xee);
	FAULT(VEC_GP, 0, WHY_IO_NO_BITMAP);
	assert_int_equal(device.writes, 0);
}

static void IO_BITMAP_LIMIT_two_bytes_must_lie_inside(void **state)
{
	user(0);
	bitmap(MAP + PORT / 8 + 1);
	STEP(0xec);
	DONE();
	user(0);
	bitmap(MAP + PORT / 8);
	STEP(0xec);
	FAULT(VEC_GP, 0, WHY_IO_BITMAP_LIMIT);
	user(0);
	bitmap(0x68);
	rig_write16(r, RIG_TSS + 0x66, 0xffff); /* base beyond the TSS: no map */
	STEP(0xec);
	FAULT(VEC_GP, 0, WHY_IO_BITMAP_LIMIT);
}

static void IO_BITMAP_DENIED_any_bit_of_the_access(void **state)
{
	for (unsigned bit = 0; bit < 12; bit++)
		for (unsigned width = 1; width <= 4; width *= 2)
			for (unsigned first = 0; first < 8; first++) {
				user(0);
				bitmap(0x200);
				rig_write16(r, RIG_TSS + MAP + PORT / 8, (uint16_t)(1u << bit));
				set_reg(RDX, PORT + first);
				if (width == 1)
					STEP(0xec);
				else if (width == 2)
					STEP(0x66, 0xed);
				else
					STEP(0xed);
				if (bit >= first && bit < first + width)
					FAULT(VEC_GP, 0, WHY_IO_BITMAP_DENIED);
				else
					DONE();
			}
}

static void last_port_reads_the_byte_behind_the_map(void **state)
{
	user(0);
	bitmap(MAP + 0x2000);
	rig_write16(r, RIG_TSS + MAP + 0x1fff, 0xff00);
	set_reg(RDX, 0xffff);
	STEP(0xec);
	DONE();
	STEP(0x66, 0xed);
	FAULT(VEC_GP, 0, WHY_IO_BITMAP_DENIED);
}

static void vm86_always_goes_by_the_bitmap(void **state)
{
	for (unsigned iopl = 0; iopl < 4; iopl += 3) {
		bed_vm86(iopl);
		bitmap(0x200);
		set_reg(RDX, PORT);
		STEP(0xec);
		DONE();
		rig_write8(r, RIG_TSS + MAP + PORT / 8, 1);
		STEP(0xec);
		FAULT(VEC_GP, 0, WHY_IO_BITMAP_DENIED);
	}
}

static void bitmap_in_a_missing_page_is_a_supervisor_page_fault(void **state)
{
	user(0);
	rig_paging(r);
	s()->seg[SEG_TR].limit = 0x2fff;
	rig_write16(r, RIG_TSS + 0x66, 0x2000);
	rig_write32(r, 0x81000 + 4 * 5, 0);
	set_reg(RDX, 0x20);
	STEP(0xec);
	assert_int_equal(rig_last(r, 0)->vector, VEC_PF);
	assert_int_equal(rig_last(r, 0)->error, 0);
	assert_int_equal(rig_last(r, 0)->cr2, 0x5004);
}

static void real_mode_may_always(void **state)
{
	rig_real(r, RIG_CODE >> 4, 0);
	set_reg(RDX, PORT);
	STEP(0xec);
	DONE();
	assert_int_equal(device.reads, 1);
}

/* ---- INS, OUTS ---- */
static void ins_stores_at_es_edi(void **state)
{
	set_reg(RDX, PORT);
	set_reg(RDI, DATA);
	rig_write32(r, DATA, 0);
	STEP(0x64, 0x6c); /* the override does not count */
	DONE();
	assert_int_equal(rig_read32(r, DATA), 0);
	assert_int_equal(reg(RDI), DATA + 1);
	STEP(0x6d);
	assert_int_equal(rig_read32(r, DATA + 1), 0x89abcd01);
	assert_int_equal(reg(RDI), DATA + 5);
	s()->rflags |= FLAG_DF;
	STEP(0x66, 0x6d);
	assert_int_equal(reg(RDI), DATA + 3);
}

static void outs_takes_a_segment_override(void **state)
{
	s()->seg[SEG_FS].base = 0x100;
	set_reg(RDX, PORT);
	set_reg(RSI, DATA);
	rig_write32(r, DATA, 0x11111111);
	rig_write32(r, DATA + 0x100, 0x22222222);
	STEP(0x6f);
	assert_int_equal(device.value, 0x11111111);
	set_reg(RSI, DATA);
	STEP(0x64, 0x6f);
	assert_int_equal(device.value, 0x22222222);
	assert_int_equal(reg(RSI), DATA + 4);
}

static void string_io_wraps_si_by_address_size(void **state)
{
	set_reg(RDX, PORT);
	set_reg(RSI, 0x1ffff);
	rig_write8(r, 0xffff, 0x77);
	STEP(0x67, 0x6e);
	DONE();
	assert_int_equal(device.value, 0x77);
	assert_int_equal(reg(RSI), 0x10000);
}

static void ins_proves_the_destination_before_it_reads_the_port(void **state)
{
	user(3);
	rig_paging(r);
	rig_write32(r, 0x81000 + 4 * 5, DATA | 5);
	set_reg(RDI, DATA);
	STEP(0x6d);
	assert_int_equal(rig_last(r, 0)->vector, VEC_PF);
	assert_int_equal(rig_last(r, 0)->error, PF_P | PF_W | PF_U);
	assert_int_equal(device.reads, 0);
	assert_int_equal(reg(RDI), DATA);
}

static void outs_checks_permission_before_it_reads_memory(void **state)
{
	user(0);
	bitmap(0x200);
	rig_write8(r, RIG_TSS + MAP + PORT / 8, 1);
	s()->seg[SEG_DS].limit = 0;
	set_reg(RSI, DATA);
	STEP(0x6e);
	FAULT(VEC_GP, 0, WHY_IO_BITMAP_DENIED);
}

static void run_rep(const uint8_t *code, size_t size, unsigned count, uint64_t ticks)
{
	set_reg(RDX, PORT);
	set_reg(RCX, count);
	rig_write(r, RIG_CODE, code, size);
	cpu_state_changed(&r->cpu);
	rig_run(r, ticks);
}

static const uint8_t rep_insb[] = {0xf3, 0x6c, 0xf4}, rep_outsd[] = {0xf3, 0x6f, 0xf4};

static void rep_ins_counts_each_iteration_in_time(void **state)
{
	uint64_t before = r->cpu.icount;

	set_reg(RDI, DATA);
	run_rep(rep_insb, 3, 5, 100);
	assert_int_equal(reg(RCX), 0);
	assert_int_equal(reg(RDI), DATA + 5);
	assert_int_equal(rig_read32(r, DATA), 0x03020100);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(device.time[i] - before, i + 1);
	assert_int_equal(r->cpu.icount - before, 5 + 1);
}

static void rep_with_count_0_does_nothing(void **state)
{
	user(0); /* not even the permission is checked */
	set_reg(RCX, 0);
	STEP(0xf3, 0x6c);
	DONE();
	assert_int_equal(device.reads, 0);
	assert_int_equal(s()->rip, RIG_CODE + 2);
}

static void rep_count_is_cx_with_16_bit_addresses(void **state)
{
	set_reg(RDX, PORT);
	set_reg(RCX, 0x50001);
	set_reg(RSI, DATA);
	STEP(0x67, 0xf3, 0x6e);
	DONE();
	assert_int_equal(reg(RCX), 0x50000);
	assert_int_equal(s()->rip, RIG_CODE + 3);
}

static void rep_stops_at_the_limit_of_the_run(void **state)
{
	set_reg(RSI, DATA);
	run_rep(rep_outsd, 3, 10, 4);
	assert_int_equal(device.writes, 4);
	assert_int_equal(reg(RCX), 6);
	assert_int_equal(s()->rip, RIG_CODE);
	rig_run(r, 100);
	assert_int_equal(device.writes, 10);
}

static void rep_is_interrupted_behind_the_iteration_that_raised_the_line(void **state)
{
	device.interrupts = true;
	s()->rflags |= FLAG_IF;
	set_reg(RDI, DATA);
	run_rep(rep_insb, 3, 5, 100);
	assert_int_equal(device.reads, 1);
	assert_int_equal(rig_last(r, 0)->kind, EV_IRQ);
	assert_int_equal(rig_last(r, 0)->from.rip, RIG_CODE);
	assert_int_equal(reg(RCX), 4);
	assert_int_equal(rig_read32(r, reg(RSP) + 8) & FLAG_RF, FLAG_RF);
}

static void rep_ins_fault_is_restartable(void **state)
{
	rig_paging(r);
	rig_write32(r, 0x81000 + 4 * 6, 0);
	set_reg(RDI, 0x5ffe);
	uint64_t before = r->cpu.icount;
	run_rep(rep_insb, 3, 5, 100);
	assert_int_equal(rig_last(r, 0)->vector, VEC_PF);
	assert_int_equal(rig_last(r, 0)->from.rip, RIG_CODE);
	assert_int_equal(rig_last(r, 0)->when - before, 2 + 1); /* the delivery takes one */
	assert_int_equal(reg(RCX), 3);
	assert_int_equal(reg(RDI), 0x6000);
	assert_int_equal(device.reads, 2);
}

/* ---- I/O breakpoints ---- */
static void io_breakpoint_traps_after_the_instruction(void **state)
{
	s()->cr4 = CR4_DE;
	s()->dr[3] = PORT;
	s()->dr7 = 0x400 | 2u << 6 | 2u << 28; /* G3, I/O, one byte */
	set_reg(RDX, PORT);
	STEP(0xee, 0x90);
	DONE();
	cpu_step(&r->cpu);
	assert_int_equal(rig_last(r, 0)->vector, VEC_DB);
	assert_int_equal(rig_last(r, 0)->kind, EV_TRAP);
	assert_int_equal(rig_last(r, 0)->from.rip, RIG_CODE + 1);
	assert_int_equal(s()->dr6 & 0xf, 8);
	assert_int_equal(device.writes, 1);
}

static void io_breakpoint_traps_after_each_iteration(void **state)
{
	s()->cr4 = CR4_DE;
	s()->dr[0] = PORT;
	s()->dr7 = 0x400 | 1 | 2u << 16;
	set_reg(RDI, DATA);
	run_rep(rep_insb, 3, 5, 100);
	assert_int_equal(rig_last(r, 0)->vector, VEC_DB);
	assert_int_equal(device.reads, 1);
	assert_int_equal(reg(RCX), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TIO(in_writes_only_its_width), TIO(in_of_an_immediate_port), TIO(out_sends_its_width),
		TIO(device_sees_the_time_of_the_instruction), TIO(cpl_up_to_iopl_needs_no_bitmap),
		TIO(IO_NO_BITMAP_short_tss), TIO(IO_NO_BITMAP_16_bit_tss),
		TIO(IO_BITMAP_LIMIT_two_bytes_must_lie_inside), TIO(IO_BITMAP_DENIED_any_bit_of_the_access),
		TIO(last_port_reads_the_byte_behind_the_map), TIO(vm86_always_goes_by_the_bitmap),
		TIO(bitmap_in_a_missing_page_is_a_supervisor_page_fault), TIO(real_mode_may_always),
		TIO(ins_stores_at_es_edi), TIO(outs_takes_a_segment_override), TIO(string_io_wraps_si_by_address_size),
		TIO(ins_proves_the_destination_before_it_reads_the_port),
		TIO(outs_checks_permission_before_it_reads_memory), TIO(rep_ins_counts_each_iteration_in_time),
		TIO(rep_with_count_0_does_nothing), TIO(rep_count_is_cx_with_16_bit_addresses),
		TIO(rep_stops_at_the_limit_of_the_run),
		TIO(rep_is_interrupted_behind_the_iteration_that_raised_the_line), TIO(rep_ins_fault_is_restartable),
		TIO(io_breakpoint_traps_after_the_instruction), TIO(io_breakpoint_traps_after_each_iteration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
