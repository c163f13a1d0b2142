/* Proves guaranteed tail calls: ten million mutual calls on a small stack,
 * with a local whose address is taken in between. */
#include <stdint.h>
#include <sys/resource.h>

struct uop;
typedef const struct uop *uop_fn(uint64_t *count, const struct uop *u);
struct uop {
	uop_fn *fn;
};

static void touch(volatile uint64_t *p) { *p += 1; }
static uop_fn ping, pong;
static const struct uop uops[2] = {{ping}, {pong}};

static const struct uop *ping(uint64_t *count, const struct uop *u)
{
	uint64_t local = *count;

	touch(&local);
	*count = local;
	if (*count > 10000000)
		return 0;
	__attribute__((musttail)) return u[1].fn(count, u + 1);
}

static const struct uop *pong(uint64_t *count, const struct uop *u)
{
	*count += 1;
	__attribute__((musttail)) return u[-1].fn(count, u - 1);
}

int main(void)
{
	struct rlimit small = {1 << 20, 1 << 20};
	uint64_t count = 0;

	setrlimit(RLIMIT_STACK, &small);
	return uops[0].fn(&count, uops) == 0 ? 0 : 1;
}
