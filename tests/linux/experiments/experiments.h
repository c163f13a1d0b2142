/* What the assembly of the experiments and their C agree on.  Linux for i386: numbers and layouts are those of its user
 * interface (arch/x86/entry/syscalls/syscall_32.tbl, include/uapi). */
#ifndef EXPERIMENTS_H
#define EXPERIMENTS_H

#define NR_EXIT            1
#define NR_FORK            2
#define NR_WRITE           4
#define NR_GETPID          20
#define NR_KILL            37
#define NR_GETPPID         64
#define NR_SETHOSTNAME     74
#define NR_REBOOT          88
#define NR_WAIT4           114
#define NR_CLONE           120
#define NR_UNAME           122
#define NR_MODIFY_LDT      123
#define NR_PRCTL           172
#define NR_RT_SIGRETURN    173
#define NR_RT_SIGACTION    174
#define NR_SIGALTSTACK     186
#define NR_MMAP2           192
#define NR_SETUID32        213
#define NR_CLOCK_GETTIME   265
#define NR_CLOCK_NANOSLEEP 267

#define LDT_SS   0x0007     /* entry 0 of the LDT, RPL 3 */
#define LDT_BASE 0x12340000 /* of that segment, which is 64 KiB long */
#define LDT_ESP  0x12341000
#define NO_STACK 0x10 /* nothing is mapped there */

#endif
