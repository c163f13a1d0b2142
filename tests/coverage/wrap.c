/* In place of the processor's own, by the linker's --wrap: recorded, then done. */
#include "coverage/record.h"
#include "cpu/cpu.h"

typedef bool raise_fn(struct cpu *cpu, enum vector vector, uint32_t error, enum why why);
typedef const struct uop *uop_raise_fn(struct cpu *cpu, const struct uop *u, enum vector vector, uint32_t error,
				       enum why why);

raise_fn __wrap_cpu_raise, __real_cpu_raise;
uop_raise_fn __wrap_uop_raise, __real_uop_raise;

bool __wrap_cpu_raise(struct cpu *cpu, enum vector vector, uint32_t error, enum why why)
{
	coverage_why(why);
	return __real_cpu_raise(cpu, vector, error, why);
}

const struct uop *__wrap_uop_raise(struct cpu *cpu, const struct uop *u, enum vector vector, uint32_t error,
				   enum why why)
{
	coverage_why(why);
	return __real_uop_raise(cpu, u, vector, error, why);
}
