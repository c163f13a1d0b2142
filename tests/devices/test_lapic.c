/* Local APIC: registers, priorities, LVT, timer, IPIs, x2APIC. */
#include "apicbed.h"

static void registers_after_reset(void **state)
{
	static const struct { unsigned reg; uint32_t reset, writable; } row[] = {
		{APIC_ID, 0, 0xff000000}, {APIC_VER, APIC_VERSION, 0}, {APIC_TPR, 0, 0xff}, {APIC_APR, 0, 0},
		{APIC_PPR, 0, 0}, {APIC_EOI, 0, 0}, {APIC_RRD, 0, 0}, {APIC_LDR, 0, 0xff000000},
		{APIC_DFR, 0xffffffff, 0xf0000000}, {APIC_SVR, 0xff, 0x3ff}, {APIC_ISR, 0, 0}, {APIC_TMR + 7, 0, 0},
		{APIC_IRR + 3, 0, 0}, {APIC_ESR, 0, 0}, {APIC_ICR2, 0, 0xff000000},
		{APIC_LVT + LVT_TIMER, 0x10000, 0x700ff}, {APIC_LVT + LVT_THERMAL, 0x10000, 0x107ff},
		{APIC_LVT + LVT_PERFORMANCE, 0x10000, 0x107ff}, {APIC_LVT + LVT_LINT0, 0x10000, 0x1a7ff},
		{APIC_LVT + LVT_LINT1, 0x10000, 0x1a7ff}, {APIC_LVT + LVT_ERROR, 0x10000, 0x100ff},
		{APIC_TIMER_CURRENT, 0, 0}, {APIC_TIMER_DIVIDE, 0, 0x0b}, {APIC_ICR, 0, 0xccfff},
	};
	static const uint32_t pattern[] = {0, UINT32_MAX, 0x55555555, 0xaaaaaaaa};

	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct apics t;

		open_apics(&t, 1);
		assert_int_equal(get(&t, 0, row[i].reg), row[i].reset);
		enable(&t, 0);
		for (unsigned p = 0; p < 4; p++) {
			uint32_t want = (row[i].reset & ~row[i].writable) | (pattern[p] & row[i].writable);

			if (row[i].reg >= APIC_LVT && row[i].reg < APIC_LVT + LVTS)
				want = pattern[p] & row[i].writable;
			if (row[i].reg == APIC_PPR || row[i].reg == APIC_ESR || row[i].reg == APIC_APR)
				want = 0;
			set(&t, 0, row[i].reg, pattern[p]);
			if (get(&t, 0, row[i].reg) != want)
				fail_msg("register %02x: wrote %08x, read %08x, not %08x", row[i].reg, pattern[p],
					 get(&t, 0, row[i].reg), want);
		}
		close_apics(&t);
	}
}

static void bases_after_reset(void **state)
{
	struct apics t;

	open_apics(&t, 3);
	assert_int_equal(t.bus.apic[0].base, 0xfee00900);
	assert_int_equal(t.bus.apic[2].base, 0xfee00800);
	assert_int_equal(get(&t, 2, APIC_ID), 2u << 24);
	assert_false(apic_init(&t.bus, t.bed.bus, &t.bed.clock, 9, &(struct apic_processors){0}));
	close_apics(&t);
}

static void reserved_registers_are_an_error(void **state)
{
	struct apics t;

	open_apics(&t, 1);
	enable(&t, 0);
	get(&t, 0, 0x00);
	assert_int_equal(get(&t, 0, APIC_ESR), 0); /* not before a write */
	set(&t, 0, APIC_ESR, 0);
	assert_int_equal(get(&t, 0, APIC_ESR), APIC_ESR_REGISTER);
	set(&t, 0, APIC_ESR, 0);
	assert_int_equal(get(&t, 0, APIC_ESR), 0);
	set(&t, 0, APIC_SELF_IPI, 0x40); /* x2APIC only */
	set(&t, 0, APIC_ESR, 0);
	assert_int_equal(get(&t, 0, APIC_ESR), APIC_ESR_REGISTER);
	close_apics(&t);
}

static void error_interrupt(void **state)
{
	struct apics t;

	open_apics(&t, 1);
	enable(&t, 0);
	set(&t, 0, APIC_LVT + LVT_ERROR, 0x45);
	send_fixed(&t, 0, false, 0x0f);
	assert_int_equal(taken(&t, 0), 0x45);
	set(&t, 0, APIC_EOI, 0);
	set(&t, 0, APIC_LVT + LVT_ERROR, 0x05); /* an illegal vector itself: no endless chain */
	set(&t, 0, APIC_ICR2, 0);
	set(&t, 0, APIC_ICR, 0x0e);
	assert_int_equal(taken(&t, 0), -1);
	set(&t, 0, APIC_ESR, 0);
	assert_int_equal(get(&t, 0, APIC_ESR), APIC_ESR_SEND_VECTOR | APIC_ESR_RECEIVE_VECTOR);
	close_apics(&t);
}

static void odd_accesses_are_gaps(void **state)
{
	struct apics t;

	open_apics(&t, 1);
	bus_write(t.bed.bus, APIC_BASE + 0x80, 1, 0x20);
	assert_int_equal(get(&t, 0, APIC_TPR), 0);
	assert_int_equal(bus_read(t.bed.bus, APIC_BASE + 0x84, 4), 0);
	assert_int_equal(bus_read(t.bed.bus, APIC_BASE + 0x32, 2), 0x0005); /* a narrow read is let through */
	assert_int_equal(t.bed.gaps, 2);
	close_apics(&t);
}

static void irr_isr_and_eoi(void **state)
{
	struct apics t;
	uint64_t cause = 0;

	open_apics(&t, 1);
	enable(&t, 0);
	send_fixed(&t, 0, false, 0x31);
	assert_int_equal(get(&t, 0, APIC_IRR + 1), 1u << 17);
	assert_int_equal(lapic_acknowledge(&t.bus.apic[0], &cause), 0x31);
	assert_int_equal(cause, 9);
	assert_int_equal(get(&t, 0, APIC_IRR + 1), 0);
	assert_int_equal(get(&t, 0, APIC_ISR + 1), 1u << 17);
	send_fixed(&t, 0, false, 0x3f); /* same class: waits */
	assert_int_equal(taken(&t, 0), -1);
	assert_string_equal(lapic_why_quiet(&t.bus.apic[0]), "vector 3f waits for the end of interrupt of vector 31");
	send_fixed(&t, 0, false, 0x40);
	assert_int_equal(taken(&t, 0), 0x40);
	set(&t, 0, APIC_EOI, 0); /* the highest */
	assert_int_equal(get(&t, 0, APIC_ISR + 2), 0);
	assert_int_equal(taken(&t, 0), -1);
	set(&t, 0, APIC_EOI, 0);
	assert_int_equal(taken(&t, 0), 0x3f);
	close_apics(&t);
}

static void task_and_processor_priority(void **state)
{
	struct apics t;

	open_apics(&t, 1);
	enable(&t, 0);
	set(&t, 0, APIC_TPR, 0x35);
	assert_int_equal(get(&t, 0, APIC_PPR), 0x35);
	send_fixed(&t, 0, false, 0x3f);
	assert_int_equal(taken(&t, 0), -1);
	assert_string_equal(lapic_why_quiet(&t.bus.apic[0]), "vector 3f is held back by the task priority 35");
	send_fixed(&t, 0, false, 0x51);
	assert_int_equal(taken(&t, 0), 0x51);
	assert_int_equal(get(&t, 0, APIC_PPR), 0x50);
	set(&t, 0, APIC_EOI, 0);
	assert_int_equal(lapic_cr8(&t.bus.apic[0]), 3);
	lapic_set_cr8(&t.bus.apic[0], 2);
	assert_int_equal(get(&t, 0, APIC_TPR), 0x20);
	assert_int_equal(taken(&t, 0), 0x3f);
	close_apics(&t);
}

static void spurious_vector_when_tpr_rises_before_the_acknowledge(void **state)
{
	struct apics t;
	uint64_t cause;

	open_apics(&t, 1);
	set(&t, 0, APIC_SVR, 0x1ef);
	send_fixed(&t, 0, false, 0x31);
	assert_true(lapic_pending(&t.bus.apic[0]));
	set(&t, 0, APIC_TPR, 0xf0);
	assert_int_equal(lapic_acknowledge(&t.bus.apic[0], &cause), 0xef);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(get(&t, 0, APIC_ISR + i), 0); /* no ISR bit */
	assert_int_equal(get(&t, 0, APIC_IRR + 1), 1u << 17);
	close_apics(&t);
}

static void software_disabled(void **state)
{
	struct apics t;

	open_apics(&t, 1);
	assert_true(send_fixed(&t, 0, false, 0x31)); /* heard, not taken */
	assert_int_equal(taken(&t, 0), -1);
	set(&t, 0, APIC_LVT + LVT_LINT0, 0x31);
	assert_int_equal(get(&t, 0, APIC_LVT + LVT_LINT0), 0x10031); /* the mask is stuck */
	assert_string_equal(lapic_why_quiet(&t.bus.apic[0]), "the local APIC is software-disabled (SVR bit 8)");
	enable(&t, 0);
	set(&t, 0, APIC_LVT + LVT_LINT0, 0x31);
	assert_int_equal(get(&t, 0, APIC_LVT + LVT_LINT0), 0x31);
	send_fixed(&t, 0, false, 0x41);
	set(&t, 0, APIC_SVR, 0xff);
	assert_int_equal(get(&t, 0, APIC_LVT + LVT_LINT0), 0x10031); /* all masked */
	assert_int_equal(taken(&t, 0), 0x41);                        /* what was pending stays */
	close_apics(&t);
}

static void lint_edge_level_and_polarity(void **state)
{
	struct apics t;
	struct lapic *a = &t.bus.apic[0];

	open_apics(&t, 1);
	enable(&t, 0);
	set(&t, 0, APIC_LVT + LVT_LINT0, 0x40); /* edge, high */
	lapic_lint(a, 0, true, 1);
	assert_int_equal(taken(&t, 0), 0x40);
	set(&t, 0, APIC_EOI, 0);
	assert_int_equal(taken(&t, 0), -1);
	lapic_lint(a, 0, false, 0);
	set(&t, 0, APIC_LVT + LVT_LINT1, 0x50 | APIC_LVT_LEVEL | APIC_LVT_LOW);
	assert_int_equal(get(&t, 0, APIC_LVT + LVT_LINT1) & APIC_LVT_REMOTE_IRR, APIC_LVT_REMOTE_IRR);
	assert_int_equal(taken(&t, 0), 0x50); /* low is active */
	assert_int_equal(get(&t, 0, APIC_TMR + 2), 1u << 16);
	set(&t, 0, APIC_EOI, 0);
	assert_int_equal(taken(&t, 0), 0x50); /* still asserted */
	lapic_lint(a, 1, true, 0);
	set(&t, 0, APIC_EOI, 0);
	assert_int_equal(taken(&t, 0), -1);
	assert_int_equal(get(&t, 0, APIC_LVT + LVT_LINT1) & APIC_LVT_REMOTE_IRR, 0);
	close_apics(&t);
}

static void lint_delivery_modes(void **state)
{
	struct apics t;
	struct lapic *a = &t.bus.apic[0];

	open_apics(&t, 1);
	enable(&t, 0);
	set(&t, 0, APIC_LVT + LVT_LINT1, APIC_NMI << 8);
	lapic_lint(a, 1, true, 1);
	lapic_lint(a, 1, true, 1);
	lapic_lint(a, 1, false, 1);
	assert_string_equal(t.told, "nmi0 ");
	set(&t, 0, APIC_LVT + LVT_LINT1, APIC_SMI << 8);
	lapic_lint(a, 1, true, 1);
	lapic_lint(a, 1, false, 1);
	assert_string_equal(t.told, "nmi0 smi0 ");
	set(&t, 0, APIC_LVT + LVT_LINT1, APIC_INIT << 8);
	lapic_lint(a, 1, true, 1);
	assert_string_equal(t.told, "nmi0 smi0 init0 ");
	assert_int_equal(get(&t, 0, APIC_SVR), 0xff); /* the APIC went through INIT too */
	close_apics(&t);
}

static void virtual_wire(void **state)
{
	struct apics t;
	struct lapic *a = &t.bus.apic[0];
	uint64_t cause;

	open_apics(&t, 1);
	lapic_lint(a, 0, true, 5);
	assert_int_equal(taken(&t, 0), -1); /* masked after reset */
	assert_string_equal(lapic_why_quiet(a), "the local APIC is software-disabled (SVR bit 8)");
	lapic_virtual_wire(a);
	assert_true(lapic_pending(a));
	assert_int_equal(lapic_acknowledge(a, &cause), 0x77);
	assert_int_equal(cause, 4242);
	lapic_lint(a, 0, false, 0);
	assert_false(lapic_pending(a));
	lapic_lint(a, 1, true, 0);
	assert_string_equal(t.told, "nmi0 ");
	close_apics(&t);
}

static void globally_disabled_passes_the_pins_on(void **state)
{
	struct apics t;
	struct lapic *a = &t.bus.apic[0];

	open_apics(&t, 1);
	enable(&t, 0);
	send_fixed(&t, 0, false, 0x31);
	assert_true(lapic_set_base(a, APIC_BASE | APIC_BASE_BSP, 36));
	assert_int_equal(get(&t, 0, APIC_VER), UINT32_MAX); /* nothing answers */
	assert_false(send_fixed(&t, 0, false, 0x31));
	assert_int_equal(taken(&t, 0), -1);
	lapic_lint(a, 0, true, 1);
	assert_int_equal(taken(&t, 0), 0x77);
	lapic_lint(a, 1, true, 1);
	assert_string_equal(t.told, "nmi0 ");
	lapic_lint(a, 0, false, 1);
	assert_true(lapic_set_base(a, APIC_BASE | APIC_BASE_BSP | APIC_BASE_EN, 36));
	assert_int_equal(get(&t, 0, APIC_SVR), 0xff); /* as after power-on */
	assert_int_equal(taken(&t, 0), -1);
	close_apics(&t);
}

static void base_msr_checks(void **state)
{
	const uint64_t off = APIC_BASE, x1 = APIC_BASE | APIC_BASE_EN, x2 = x1 | APIC_BASE_X2;
	struct apics t;
	struct lapic *a = &t.bus.apic[0];

	open_apics(&t, 1);
	assert_false(lapic_set_base(a, x1 | 1, 36));
	assert_false(lapic_set_base(a, x1 | 0x200, 36));
	assert_false(lapic_set_base(a, x1 | UINT64_C(1) << 36, 36));
	assert_false(lapic_set_base(a, off | APIC_BASE_X2, 36)); /* EXTD without EN */
	assert_true(lapic_set_base(a, x2, 36));
	assert_false(lapic_set_base(a, x1, 36));  /* x2APIC to xAPIC */
	assert_true(lapic_set_base(a, off, 36));
	assert_false(lapic_set_base(a, x2, 36));  /* disabled to x2APIC */
	assert_true(lapic_set_base(a, x1, 36));
	assert_int_equal(t.bed.gaps, 0);
	assert_true(lapic_set_base(a, x1 + 0x1000, 36));
	assert_int_equal(t.bed.gaps, 1);
	close_apics(&t);
}

static void timer_one_shot(void **state)
{
	struct apics t;

	open_apics(&t, 1);
	enable(&t, 0);
	set(&t, 0, APIC_LVT + LVT_TIMER, 0x60);
	set(&t, 0, APIC_TIMER_DIVIDE, 0x3); /* by 16 */
	set(&t, 0, APIC_TIMER_INITIAL, 100);
	run_for(&t.bed, 160);
	assert_int_equal(get(&t, 0, APIC_TIMER_CURRENT), 90);
	run_for(&t.bed, 1600 - 161);
	assert_int_equal(taken(&t, 0), -1);
	assert_int_equal(get(&t, 0, APIC_TIMER_CURRENT), 1);
	run_for(&t.bed, 1);
	assert_int_equal(taken(&t, 0), 0x60);
	assert_int_equal(get(&t, 0, APIC_TIMER_CURRENT), 0);
	set(&t, 0, APIC_EOI, 0);
	run_for(&t.bed, 100000);
	assert_int_equal(taken(&t, 0), -1);
	close_apics(&t);
}

static void timer_periodic(void **state)
{
	struct apics t;
	unsigned count = 0;

	open_apics(&t, 1);
	enable(&t, 0);
	set(&t, 0, APIC_TIMER_DIVIDE, 0xb); /* by 1 */
	set(&t, 0, APIC_LVT + LVT_TIMER, 0x60 | APIC_LVT_PERIODIC);
	set(&t, 0, APIC_TIMER_INITIAL, 1000);
	for (unsigned i = 0; i < 10500; i++) {
		run_for(&t.bed, 1);
		if (taken(&t, 0) == 0x60) {
			assert_int_equal(t.bed.clock.now % 1000, 0);
			set(&t, 0, APIC_EOI, 0);
			count++;
		}
	}
	assert_int_equal(count, 10);
	assert_int_equal(get(&t, 0, APIC_TIMER_CURRENT), 500);
	set(&t, 0, APIC_LVT + LVT_TIMER, 0x60 | APIC_LVT_PERIODIC | APIC_LVT_MASKED);
	assert_int_equal(clock_deadline(&t.bed.clock), CLOCK_NEVER); /* nothing to do while masked */
	run_for(&t.bed, 1200);
	assert_int_equal(get(&t, 0, APIC_TIMER_CURRENT), 300); /* but it counts on */
	set(&t, 0, APIC_LVT + LVT_TIMER, 0x60 | APIC_LVT_PERIODIC);
	run_for(&t.bed, 299);
	assert_int_equal(taken(&t, 0), -1);
	run_for(&t.bed, 1);
	assert_int_equal(taken(&t, 0), 0x60);
	set(&t, 0, APIC_TIMER_INITIAL, 0); /* stops it */
	assert_int_equal(clock_deadline(&t.bed.clock), CLOCK_NEVER);
	close_apics(&t);
}

/* A timer as fast as the clock costs nothing while its vector waits. */
static void timer_rests_while_its_vector_is_pending(void **state)
{
	struct apics t;

	open_apics(&t, 1);
	enable(&t, 0);
	set(&t, 0, APIC_TIMER_DIVIDE, 0xb);
	set(&t, 0, APIC_LVT + LVT_TIMER, 0x60 | APIC_LVT_PERIODIC);
	set(&t, 0, APIC_TIMER_INITIAL, 1);
	run_for(&t.bed, 100 * CLOCK_HZ);
	assert_int_equal(taken(&t, 0), 0x60);
	assert_int_equal(clock_deadline(&t.bed.clock), t.bed.clock.now + 1);
	run_for(&t.bed, 1);
	set(&t, 0, APIC_EOI, 0);
	assert_int_equal(taken(&t, 0), 0x60);
	set(&t, 0, APIC_LVT + LVT_TIMER, 0x05 | APIC_LVT_PERIODIC); /* illegal: logged once */
	run_for(&t.bed, 100 * CLOCK_HZ);
	set(&t, 0, APIC_ESR, 0);
	assert_int_equal(get(&t, 0, APIC_ESR), APIC_ESR_RECEIVE_VECTOR);
	run_for(&t.bed, 1);
	set(&t, 0, APIC_ESR, 0);
	assert_int_equal(get(&t, 0, APIC_ESR), APIC_ESR_RECEIVE_VECTOR);
	close_apics(&t);
}

static void timer_divisors(void **state)
{
	static const struct { unsigned dcr, by; } row[] = {
		{0, 2}, {1, 4}, {2, 8}, {3, 16}, {8, 32}, {9, 64}, {10, 128}, {11, 1},
	};

	for (unsigned i = 0; i < 8; i++) {
		struct apics t;

		open_apics(&t, 1);
		enable(&t, 0);
		set(&t, 0, APIC_TIMER_DIVIDE, row[i].dcr);
		set(&t, 0, APIC_LVT + LVT_TIMER, 0x60);
		set(&t, 0, APIC_TIMER_INITIAL, 7);
		assert_int_equal(clock_deadline(&t.bed.clock), 7 * row[i].by);
		run_for(&t.bed, row[i].by);
		set(&t, 0, APIC_TIMER_DIVIDE, 3); /* goes on at the new pace */
		assert_int_equal(get(&t, 0, APIC_TIMER_CURRENT), 6);
		assert_int_equal(clock_deadline(&t.bed.clock), row[i].by + 6 * 16);
		close_apics(&t);
	}
}

static void timer_tsc_deadline(void **state)
{
	struct apics t;
	struct lapic *a = &t.bus.apic[0];

	open_apics(&t, 1);
	enable(&t, 0);
	lapic_set_deadline(a, 5000, 0);
	assert_int_equal(lapic_deadline(a), 0); /* not in this mode */
	set(&t, 0, APIC_LVT + LVT_TIMER, 0x60 | APIC_LVT_DEADLINE);
	set(&t, 0, APIC_TIMER_INITIAL, 50);
	assert_int_equal(get(&t, 0, APIC_TIMER_INITIAL), 0); /* ignored */
	lapic_set_deadline(a, 1000500, 1000000); /* the TSC is ahead of the clock */
	assert_int_equal(lapic_deadline(a), 1000500);
	run_for(&t.bed, 499);
	assert_int_equal(taken(&t, 0), -1);
	run_for(&t.bed, 1);
	assert_int_equal(taken(&t, 0), 0x60);
	assert_int_equal(lapic_deadline(a), 0);
	set(&t, 0, APIC_EOI, 0);
	lapic_set_deadline(a, 10, 1000000); /* past: at once */
	assert_int_equal(taken(&t, 0), 0x60);
	lapic_set_deadline(a, 2000000, 1000000);
	lapic_set_deadline(a, 0, 1000000);
	assert_int_equal(clock_deadline(&t.bed.clock), CLOCK_NEVER);
	lapic_set_deadline(a, 2000000, 1000000);
	set(&t, 0, APIC_LVT + LVT_TIMER, 0x60); /* leaving the mode disarms */
	assert_int_equal(lapic_deadline(a), 0);
	close_apics(&t);
}

static void destinations(void **state)
{
	struct apics t;

	open_apics(&t, 4);
	enable_all(&t);
	send_fixed(&t, 2, false, 0x40);
	assert_int_equal(who_has(&t, 0x40), 4);
	send_fixed(&t, 0xff, false, 0x40);
	assert_int_equal(who_has(&t, 0x40), 15);
	assert_false(send_fixed(&t, 9, false, 0x40));
	for (unsigned i = 0; i < 4; i++)
		set(&t, i, APIC_LDR, 1u << (24 + i)); /* flat */
	send_fixed(&t, 0x0a, true, 0x40);
	assert_int_equal(who_has(&t, 0x40), 10);
	send_fixed(&t, 0xff, true, 0x40);
	assert_int_equal(who_has(&t, 0x40), 15);
	for (unsigned i = 0; i < 4; i++) { /* cluster: 0 and 1 in cluster 1, 2 and 3 in cluster 2 */
		set(&t, i, APIC_DFR, 0x0fffffff);
		set(&t, i, APIC_LDR, (i < 2 ? 0x10u : 0x20u) << 24 | 1u << (24 + i % 2));
	}
	send_fixed(&t, 0x12, true, 0x40);
	assert_int_equal(who_has(&t, 0x40), 2);
	send_fixed(&t, 0x23, true, 0x40);
	assert_int_equal(who_has(&t, 0x40), 12);
	send_fixed(&t, 0xf1, true, 0x40); /* all clusters */
	assert_int_equal(who_has(&t, 0x40), 5);
	close_apics(&t);
}

static void lowest_priority(void **state)
{
	struct apics t;
	struct apic_message m = {.destination = 0xff, .delivery = APIC_LOWEST, .vector = 0x40};

	open_apics(&t, 4);
	enable_all(&t);
	apic_send(&t.bus, &m);
	assert_int_equal(who_has(&t, 0x40), 1); /* all alike: the first */
	set(&t, 0, APIC_TPR, 0x50);
	set(&t, 1, APIC_TPR, 0x20);
	set(&t, 2, APIC_TPR, 0x10);
	set(&t, 3, APIC_SVR, 0xff); /* disabled: not in the running */
	apic_send(&t.bus, &m);
	assert_int_equal(who_has(&t, 0x40), 4);
	send_fixed(&t, 2, false, 0x80);
	assert_int_equal(taken(&t, 2), 0x80);
	apic_send(&t.bus, &m);
	assert_int_equal(who_has(&t, 0x40), 2);
	close_apics(&t);
}

static void ipis_and_shorthands(void **state)
{
	struct apics t;

	open_apics(&t, 4);
	enable_all(&t);
	set(&t, 1, APIC_ICR2, 3u << 24);
	set(&t, 1, APIC_ICR, APIC_ICR_ASSERT | 0x40);
	assert_int_equal(who_has(&t, 0x40), 8);
	set(&t, 1, APIC_ICR, APIC_ICR_SELF | 0x41);
	assert_int_equal(who_has(&t, 0x41), 2);
	set(&t, 1, APIC_ICR, APIC_ICR_ALL | 0x42);
	assert_int_equal(who_has(&t, 0x42), 15);
	set(&t, 1, APIC_ICR, APIC_ICR_OTHERS | 0x43);
	assert_int_equal(who_has(&t, 0x43), 13);
	set(&t, 1, APIC_ICR, APIC_ICR_SELF | APIC_NMI << 8); /* not a valid combination */
	assert_string_equal(t.told, "");
	set(&t, 1, APIC_ICR, 0x05); /* illegal vector */
	set(&t, 1, APIC_ESR, 0);
	assert_int_equal(get(&t, 1, APIC_ESR), APIC_ESR_SEND_VECTOR);
	close_apics(&t);
}

static void init_and_startup_ipis(void **state)
{
	struct apics t;

	open_apics(&t, 3);
	enable_all(&t);
	set(&t, 2, APIC_TPR, 0x40);
	set(&t, 2, APIC_ID, 7u << 24);
	set(&t, 0, APIC_ICR2, 7u << 24);
	set(&t, 0, APIC_ICR, APIC_ICR_ASSERT | APIC_ICR_LEVEL | APIC_INIT << 8);
	assert_string_equal(t.told, "init2 ");
	assert_int_equal(get(&t, 2, APIC_TPR), 0);
	assert_int_equal(get(&t, 2, APIC_SVR), 0xff);
	assert_int_equal(get(&t, 2, APIC_ID), 7u << 24); /* the ID stays */
	set(&t, 0, APIC_ICR, APIC_ICR_ALL | APIC_ICR_LEVEL | APIC_INIT << 8); /* de-assert: nothing */
	set(&t, 0, APIC_ICR, APIC_ICR_ASSERT | APIC_SIPI << 8 | 0x9a);
	assert_string_equal(t.told, "init2 sipi:9a@2 ");
	set(&t, 0, APIC_ICR, APIC_ICR_OTHERS | APIC_NMI << 8);
	assert_string_equal(t.told, "init2 sipi:9a@2 nmi1 nmi2 ");
	close_apics(&t);
}

static void x2apic_registers(void **state)
{
	struct apics t;
	struct lapic *a = &t.bus.apic[3];
	uint64_t v = 0;

	open_apics(&t, 4);
	assert_false(lapic_msr_read(a, 0x802, &v)); /* not in x2APIC mode */
	assert_true(lapic_set_base(a, a->base | APIC_BASE_X2, 36));
	assert_int_equal(get(&t, 3, APIC_VER), UINT32_MAX); /* the page is gone */
	assert_true(lapic_msr_read(a, 0x802, &v));
	assert_int_equal(v, 3);
	assert_true(lapic_msr_read(a, 0x80d, &v));
	assert_int_equal(v, 8); /* LDR from the ID */
	assert_false(lapic_msr_write(a, 0x802, 1));
	assert_false(lapic_msr_write(a, 0x80d, 1));
	assert_false(lapic_msr_read(a, 0x80e, &v)); /* no DFR */
	assert_false(lapic_msr_read(a, 0x80b, &v)); /* EOI is write only */
	assert_false(lapic_msr_write(a, 0x80b, 1)); /* and takes 0 only */
	assert_true(lapic_msr_write(a, 0x80b, 0));
	assert_false(lapic_msr_write(a, 0x828, 1));
	assert_true(lapic_msr_write(a, 0x828, 0));
	assert_false(lapic_msr_write(a, 0x808, 0x100));
	assert_true(lapic_msr_write(a, 0x808, 0x20));
	assert_true(lapic_msr_read(a, 0x808, &v));
	assert_int_equal(v, 0x20);
	assert_false(lapic_msr_write(a, 0x80f, 0x400));
	assert_false(lapic_msr_write(a, 0x832, UINT64_C(1) << 32));
	assert_false(lapic_msr_write(a, 0x830, 0x1000));
	assert_false(lapic_msr_read(a, 0x831, &v));
	assert_false(lapic_msr_read(a, 0x83f, &v));
	assert_false(lapic_msr_write(a, 0x810, 0));
	assert_false(lapic_msr_read(a, 0x840, &v));
	close_apics(&t);
}

static void x2apic_ipis(void **state)
{
	struct apics t;
	struct lapic *a;

	open_apics(&t, 4);
	enable_all(&t);
	for (unsigned i = 0; i < 4; i++)
		assert_true(lapic_set_base(&t.bus.apic[i], t.bus.apic[i].base | APIC_BASE_X2, 36));
	a = &t.bus.apic[0];
	assert_true(lapic_msr_write(a, 0x830, UINT64_C(2) << 32 | 0x40));
	assert_int_equal(who_has(&t, 0x40), 4);
	assert_true(lapic_msr_write(a, 0x830, UINT64_C(0xffffffff) << 32 | 0x40));
	assert_int_equal(who_has(&t, 0x40), 15);
	assert_true(lapic_msr_write(a, 0x830, UINT64_C(0x0000000a) << 32 | APIC_ICR_LOGICAL | 0x40));
	assert_int_equal(who_has(&t, 0x40), 10);
	assert_true(lapic_msr_write(a, 0x830, UINT64_C(0x0001000a) << 32 | APIC_ICR_LOGICAL | 0x40));
	assert_int_equal(who_has(&t, 0x40), 0); /* another cluster */
	assert_true(lapic_msr_write(a, 0x83f, 0x55));
	assert_int_equal(who_has(&t, 0x55), 1);
	send_fixed(&t, 0xff, false, 0x40); /* 8-bit broadcast of an IOAPIC */
	assert_int_equal(who_has(&t, 0x40), 15);
	close_apics(&t);
}

static void message_signalled_interrupts(void **state)
{
	struct apics t;

	open_apics(&t, 2);
	enable_all(&t);
	assert_true(apic_msi(&t.bus, 0xfee01000, 0x4041, 3));
	assert_int_equal(who_has(&t, 0x41), 2);
	assert_false(apic_msi(&t.bus, 0xfec00000, 0x41, 3));
	assert_true(apic_msi(&t.bus, 0xfee00000, APIC_NMI << 8, 3));
	assert_string_equal(t.told, "nmi0 ");
	close_apics(&t);
}

static void local_events(void **state)
{
	struct apics t;

	open_apics(&t, 1);
	lapic_local(&t.bus.apic[0], LVT_PERFORMANCE, 1);
	assert_int_equal(taken(&t, 0), -1);
	enable(&t, 0);
	set(&t, 0, APIC_LVT + LVT_PERFORMANCE, 0x66);
	lapic_local(&t.bus.apic[0], LVT_PERFORMANCE, 1);
	assert_int_equal(taken(&t, 0), 0x66);
	set(&t, 0, APIC_LVT + LVT_PERFORMANCE, APIC_NMI << 8);
	lapic_local(&t.bus.apic[0], LVT_PERFORMANCE, 1);
	assert_string_equal(t.told, "nmi0 ");
	close_apics(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registers_after_reset),
		cmocka_unit_test(bases_after_reset),
		cmocka_unit_test(reserved_registers_are_an_error),
		cmocka_unit_test(error_interrupt),
		cmocka_unit_test(odd_accesses_are_gaps),
		cmocka_unit_test(irr_isr_and_eoi),
		cmocka_unit_test(task_and_processor_priority),
		cmocka_unit_test(spurious_vector_when_tpr_rises_before_the_acknowledge),
		cmocka_unit_test(software_disabled),
		cmocka_unit_test(lint_edge_level_and_polarity),
		cmocka_unit_test(lint_delivery_modes),
		cmocka_unit_test(virtual_wire),
		cmocka_unit_test(globally_disabled_passes_the_pins_on),
		cmocka_unit_test(base_msr_checks),
		cmocka_unit_test(timer_one_shot),
		cmocka_unit_test(timer_periodic),
		cmocka_unit_test(timer_rests_while_its_vector_is_pending),
		cmocka_unit_test(timer_divisors),
		cmocka_unit_test(timer_tsc_deadline),
		cmocka_unit_test(destinations),
		cmocka_unit_test(lowest_priority),
		cmocka_unit_test(ipis_and_shorthands),
		cmocka_unit_test(init_and_startup_ipis),
		cmocka_unit_test(x2apic_registers),
		cmocka_unit_test(x2apic_ipis),
		cmocka_unit_test(message_signalled_interrupts),
		cmocka_unit_test(local_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
