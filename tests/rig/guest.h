/* Guest code in a test program: assembled by the host's assembler into read-only data.
 *     GUEST32(loop, "mov ecx, 5\n 1: dec ecx\n jnz 1b\n hlt");
 *     rig_code(r, RIG_CODE, loop, loop_end);
 * Intel syntax.  x86 hosts only (the tests that use it are built there only). */
#ifndef TRAPGATE_TESTS_GUEST_H
#define TRAPGATE_TESTS_GUEST_H

#include "rig/rig.h"

#define GUEST_CODE(name, mode, text)                                                       \
	__asm__(".pushsection .rodata\n.code" #mode "\n.intel_syntax noprefix\n"           \
		".globl guest_" #name "\nguest_" #name ":\n" text                          \
		"\n.globl guest_" #name "_end\nguest_" #name "_end:\n.byte 0xcc\n"         \
		".att_syntax prefix\n.code64\n.popsection\n");                             \
	extern const uint8_t guest_##name[], guest_##name##_end[];
#define GUEST32(name, text) GUEST_CODE(name, 32, text)
#define GUEST64(name, text) GUEST_CODE(name, 64, text)
#define GUEST16(name, text) GUEST_CODE(name, 16, text)

#define LOAD(rig, address, name) \
	rig_write((rig), (address), guest_##name, (size_t)(guest_##name##_end - guest_##name))

#endif
