/* Virtual time: the total order of timers, and exact conversions. */
#include "bus/cmocka_all.h"

#include "bus/clock.h"

#define TIMERS 40

static struct record {
	unsigned count;
	int who[1000];
	uint64_t when[1000];
} fired;

struct owner {
	int id;
	struct timer timer;
	uint64_t period;
	unsigned again;
};

static void on_fire(void *owner, uint64_t when)
{
	struct owner *o = owner;

	fired.who[fired.count] = o->id;
	fired.when[fired.count++] = when;
	if (o->again != 0) {
		o->again--;
		timer_arm(&o->timer, when + o->period);
	}
}

static struct clock timebase;
static struct owner owners[TIMERS];
static unsigned nearer;
static void on_sooner(void *owner) { nearer += *(unsigned *)owner; }
static unsigned one = 1;

static int set_up(void **state)
{
	(void)state;
	memset(&fired, 0, sizeof(fired));
	memset(owners, 0, sizeof(owners));
	nearer = 0;
	clock_init(&timebase);
	timebase.sooner = on_sooner;
	timebase.sooner_owner = &one;
	for (int i = 0; i < TIMERS; i++) {
		owners[i].id = i;
		timer_init(&owners[i].timer, &timebase, "t", 0, on_fire, &owners[i]);
	}
	return 0;
}

static void assert_fired(const int *who, unsigned count)
{
	assert_int_equal(fired.count, count);
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(fired.who[i], who[i]);
}

static void timers_fire_by_time_then_priority_then_arming(void **state)
{
	(void)state;
	owners[2].timer.priority = -1;
	timer_arm(&owners[0].timer, 20);
	timer_arm(&owners[1].timer, 10);
	timer_arm(&owners[2].timer, 20); /* before 0: priority */
	timer_arm(&owners[3].timer, 20); /* after 0: armed later */
	timer_arm(&owners[4].timer, 30);
	timer_arm(&owners[0].timer, 20); /* armed again: now after 3 */
	assert_int_equal(clock_deadline(&timebase), 10);
	clock_advance(&timebase, 9);
	assert_int_equal(fired.count, 0);
	clock_advance(&timebase, 29);
	assert_fired((const int[]){1, 2, 3, 0}, 4);
	assert_int_equal(fired.when[3], 20);
	assert_int_equal(timebase.now, 29);
	assert_int_equal(clock_deadline(&timebase), 30);
	assert_true(timer_armed(&owners[4].timer));
	assert_false(timer_armed(&owners[0].timer));
}

static void a_periodic_timer_catches_up_in_order_with_others(void **state)
{
	(void)state;
	owners[0].period = 10;
	owners[0].again = 3;
	timer_arm(&owners[0].timer, 10);
	timer_arm(&owners[1].timer, 25);
	clock_advance(&timebase, 100);
	assert_fired((const int[]){0, 0, 1, 0, 0}, 5);
	assert_int_equal(fired.when[1], 20);
	assert_int_equal(fired.when[4], 40);
	assert_int_equal(clock_deadline(&timebase), CLOCK_NEVER);
}

static void time_never_goes_backwards(void **state)
{
	(void)state;
	clock_advance(&timebase, 50);
	clock_advance(&timebase, 40);
	assert_int_equal(timebase.now, 50);
	timer_arm(&owners[0].timer, 10); /* in the past: at the next advance */
	assert_int_equal(fired.count, 0);
	clock_advance(&timebase, 0);
	assert_int_equal(fired.count, 1);
	assert_int_equal(fired.when[0], 10);
}

static void cancelling_and_never(void **state)
{
	(void)state;
	timer_cancel(&owners[0].timer); /* not armed */
	timer_arm(&owners[0].timer, 10);
	timer_arm(&owners[1].timer, 20);
	timer_arm(&owners[2].timer, 30);
	timer_cancel(&owners[1].timer);
	timer_arm(&owners[0].timer, CLOCK_NEVER); /* as cancelling */
	assert_false(timer_armed(&owners[0].timer));
	assert_int_equal(clock_deadline(&timebase), 30);
	clock_advance(&timebase, 100);
	assert_fired((const int[]){2}, 1);
}

static void sooner_is_told_when_the_deadline_comes_nearer(void **state)
{
	(void)state;
	timer_arm(&owners[0].timer, 100);
	assert_int_equal(nearer, 1);
	timer_arm(&owners[1].timer, 200);
	assert_int_equal(nearer, 1);
	timer_arm(&owners[1].timer, 50);
	assert_int_equal(nearer, 2);
}

static void random_arming_keeps_the_order(void **state)
{
	uint64_t seed = 1;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		struct timer *t;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		t = &owners[(seed >> 33) % TIMERS].timer;
		t->priority = (int)(seed >> 40) % 3;
		if ((seed >> 50) % 4 == 0)
			timer_cancel(t);
		else
			timer_arm(t, (seed >> 20) % 64);
	}
	clock_advance(&timebase, 100);
	assert_true(fired.count > 10);
	for (unsigned i = 1; i < fired.count; i++) {
		const struct timer *a = &owners[fired.who[i - 1]].timer, *b = &owners[fired.who[i]].timer;
		bool in_order = fired.when[i - 1] != fired.when[i] ? fired.when[i - 1] < fired.when[i]
				: a->priority != b->priority	   ? a->priority < b->priority
								   : a->sequence < b->sequence;
		assert_true(in_order);
	}
}

static void causes_are_fresh_and_never_zero(void **state)
{
	(void)state;
	assert_int_equal(clock_new_cause(&timebase), 1);
	assert_int_equal(clock_new_cause(&timebase), 2);
}

static void conversions_are_exact(void **state)
{
	static const uint64_t rates[] = {1, 32768, 1193182, 3579545, 14318180, 100000000, CLOCK_HZ, 2399998765};

	(void)state;
	for (unsigned r = 0; r < sizeof(rates) / sizeof(*rates); r++) {
		uint64_t hz = rates[r];

		for (uint64_t n = 0; n < 2000; n++) {
			/* Small numbers, and those of a machine that ran for years. */
			uint64_t cycles = n + (n & 1 ? UINT64_C(1) << 55 : 0) % (UINT64_MAX / CLOCK_HZ * hz);
			uint64_t tick = clock_cycles_to_ticks(cycles, hz);

			if (tick == CLOCK_NEVER)
				continue;
			assert_true(clock_ticks_to_cycles(tick, hz) >= cycles);
			if (tick != 0)
				assert_true(clock_ticks_to_cycles(tick - 1, hz) < cycles);
		}
	}
	assert_int_equal(clock_cycles_to_ticks(1193182, 1193182), CLOCK_HZ);
	assert_int_equal(clock_cycles_to_ticks(1, 1193182), 839);
	assert_int_equal(clock_cycles_to_ticks(1, 0), CLOCK_NEVER);
	assert_int_equal(clock_ticks_to_cycles(12345, 0), 0);
	assert_int_equal(clock_cycles_to_ticks(UINT64_MAX, 1), CLOCK_NEVER);
	assert_int_equal(clock_ticks_to_cycles(UINT64_MAX, 2 * CLOCK_HZ), UINT64_MAX);
}

#define TEST(f) cmocka_unit_test_setup(f, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(timers_fire_by_time_then_priority_then_arming),
		TEST(a_periodic_timer_catches_up_in_order_with_others),
		TEST(time_never_goes_backwards),
		TEST(cancelling_and_never),
		TEST(sooner_is_told_when_the_deadline_comes_nearer),
		TEST(random_arming_keeps_the_order),
		TEST(causes_are_fresh_and_never_zero),
		TEST(conversions_are_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
