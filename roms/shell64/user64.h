/* Ring 3 of x86-64: what its own experiments share. */
#ifndef KERNEL_USER64_H
#define KERNEL_USER64_H

#include "user.h"

long call_int80(long number, ...); /* from 64-bit code, numbers of the i386 */

/* From compatibility mode: one of the three ways in, with the arguments of an i386 system call. */
struct compat_call {
	uint32_t number, bx, cx, dx, si, di, bp;
};
long call_compat(const char *way, const struct compat_call *how); /* how lies below 4 GiB */
extern const char compat_int80[], compat_sysenter[], compat_syscall[], compat_narrow[], compat_int3[], compat_sysenter_tf[];
extern const char compat_behind_int80[];

extern uint64_t syscall_rsp; /* RSP at the last SYSCALL of call */

experiment try_gate64, try_syscall, try_window, try_sysret, try_nmi64, try_shadows64, try_badiret64, try_df64,
	try_align, try_badist, try_compat, try_espfix64, try_pti, try_nx, try_smep, try_smap, try_umip, try_canonical,
	try_fsgs, try_cr8;

#endif
