/* xv6's kernel/fs.h, as far as user programs look at it: what read() gives of a directory. */
#ifndef _XV6_FS_H_
#define _XV6_FS_H_

#include "kernel/types.h"

#define ROOTINO   1
#define BSIZE     1024
#define NDIRECT   12
#define NINDIRECT (BSIZE / sizeof(uint))
#define MAXFILE   (NDIRECT + NINDIRECT)
#define DIRSIZ    14

struct dirent {
    ushort inum; /* 0: an entry not in use */
    char name[DIRSIZ] __attribute__((nonstring));
};

#endif
