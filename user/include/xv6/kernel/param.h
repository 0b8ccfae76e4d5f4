/* xv6's kernel/param.h, as far as user programs look at it. */
#ifndef _XV6_PARAM_H_
#define _XV6_PARAM_H_

#define NPROC       64
#define NCPU        8
#define NOFILE      16
#define NFILE       100
#define NINODE      50
#define NDEV        10
#define ROOTDEV     1
#define MAXARG      32
#define MAXOPBLOCKS 10
#define LOGSIZE     (MAXOPBLOCKS * 3)
#define LOGBLOCKS   (MAXOPBLOCKS * 3)
#define NBUF        (MAXOPBLOCKS * 3)
#define FSSIZE      2000
#define MAXPATH     128
#define USERSTACK   1

#endif
