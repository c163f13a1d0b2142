/* One instruction on the rig's processor, and what became of it. */
#ifndef TRAPGATE_TESTS_SYSTEM_BED_H
#define TRAPGATE_TESTS_SYSTEM_BED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "cpu/desc.h"
#include "rig/rig.h"

static struct rig *r;
static uint64_t deliveries_before;

static inline int bed_setup(void **state)
{
	r = rig_new("max", 1 << 20);
	rig_protected(r, 0);
	return r == NULL;
}

static inline int bed_teardown(void **state)
{
	rig_free(r);
	r = NULL;
	return 0;
}

static inline void bed_model(const char *name)
{
	rig_free(r);
	r = rig_new(name, 1 << 20);
	rig_protected(r, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, bed_setup, bed_teardown)

static inline struct arch_state *s(void) { return &r->cpu.s; }
static inline uint32_t reg(enum gpr n) { return (uint32_t)s()->gpr.r64[n]; }
static inline void set_reg(enum gpr n, uint32_t v) { s()->gpr.r64[n] = v; }
static inline uint32_t flags(void) { return (uint32_t)cpu_flags(&r->cpu); }

/* Virtual-8086 mode at 1000:0, which is RIG_CODE; stack at 2000:F000. */
static inline void bed_vm86(unsigned iopl)
{
	rig_protected(r, 3);
	for (unsigned i = SEG_ES; i <= SEG_GS; i++)
		s()->seg[i] = vm86_segment(i == SEG_CS ? RIG_CODE >> 4 : 0x2000);
	s()->rip = 0;
	set_reg(RSP, 0xf000);
	s()->rflags = FLAG_ONE | FLAG_VM | iopl << FLAG_IOPL_SHIFT;
}

static inline void bed_iopl(unsigned iopl)
{
	s()->rflags = (s()->rflags & ~(uint64_t)FLAG_IOPL) | iopl << FLAG_IOPL_SHIFT;
}

/* Runs the instruction at CS:RIP. */
static inline void step_here(void)
{
	cpu_state_changed(&r->cpu);
	deliveries_before = r->trace.deliveries;
	cpu_step(&r->cpu);
}

static inline void step_code(const uint8_t *code, size_t size)
{
	rig_write(r, (s()->seg[SEG_CS].base + s()->rip) & 0xffffffff, code, size);
	step_here();
}
#define STEP(...) step_code((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static inline bool faulted(void) { return r->trace.deliveries != deliveries_before; }

static inline void check_done(const char *file, int line)
{
	if (faulted())
		print_error("unexpected %s\n", why_info(rig_last(r, 0)->why)->name);
	_assert_int_equal(faulted(), 0, file, line);
}
#define DONE() check_done(__FILE__, __LINE__)

static inline void check_fault(unsigned vector, uint32_t error, enum why why, const char *file, int line)
{
	_assert_int_equal(faulted(), 1, file, line);
	const struct delivery_record *d = rig_last(r, 0);
	if (d->why != why)
		print_error("%s, expected %s\n", why_info(d->why)->name, why_info(why)->name);
	_assert_int_equal(d->vector, vector, file, line);
	_assert_int_equal(d->error, error, file, line);
	_assert_int_equal(d->why, why, file, line);
	_assert_int_equal(d->kind, EV_FAULT, file, line);
}
#define FAULT(vector, error, why) check_fault((vector), (error), (why), __FILE__, __LINE__)

#endif
