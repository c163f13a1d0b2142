/* What the assembly of the experiments and their C agree on: numbers of Linux's user interface
 * (arch/x86/entry/syscalls/syscall_32.tbl and syscall_64.tbl, include/uapi), addresses and selectors. */
#ifndef EXPERIMENTS_H
#define EXPERIMENTS_H

#define SIGUSR1 10

#define NR32_GETPID 20
#define NR32_WRITE  4

#ifdef __x86_64__
#define NR_WRITE           1
#define NR_MMAP            9
#define NR_RT_SIGACTION    13
#define NR_RT_SIGRETURN    15
#define NR_SCHED_YIELD     24
#define NR_GETPID          39
#define NR_CLONE           56
#define NR_FORK            57
#define NR_EXIT            60
#define NR_WAIT4           61
#define NR_KILL            62
#define NR_GETPPID         110
#define NR_SIGALTSTACK     131
#define NR_MODIFY_LDT      154
#define NR_PRCTL           157
#define NR_ARCH_PRCTL      158
#define NR_REBOOT          169
#define NR_CLOCK_GETTIME   228
#define NR_CLOCK_NANOSLEEP 230

#define USER_CS   0x33
#define USER32_CS 0x23
#define USER_DS   0x2b
#else
#define NR_EXIT            1
#define NR_FORK            2
#define NR_WRITE           NR32_WRITE
#define NR_GETPID          NR32_GETPID
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
#endif

#define LDT_SS   0x0007     /* entry 0 of the LDT, RPL 3 */
#define LDT_BASE 0x12340000 /* of that segment, which is 64 KiB long */
#define LDT_ESP  0x12341000
#define NO_STACK 0x10 /* nothing is mapped there */

#endif
