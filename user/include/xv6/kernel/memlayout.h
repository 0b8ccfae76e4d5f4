/* xv6's kernel/memlayout.h: the addresses its user tests look at. There is nothing of ours at
 * them. */
#ifndef _XV6_MEMLAYOUT_H_
#define _XV6_MEMLAYOUT_H_

#define KERNBASE 0x80000000L
#define PHYSTOP  (KERNBASE + 128 * 1024 * 1024)
#define MAXVA    (1L << 38)
#define TRAMPOLINE (MAXVA - 4096)
#define TRAPFRAME  (TRAMPOLINE - 4096)

#endif
