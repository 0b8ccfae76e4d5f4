/* What the shim's files share: xv6's records, as its user programs see them. */
#ifndef _XV6_H_
#define _XV6_H_

#define XV6_T_DIR    1
#define XV6_T_FILE   2
#define XV6_T_DEVICE 3
#define XV6_DIRSIZ   14
#define XV6_TICK_MS  100 /* one tick of its clock */
#define XV6_MAXPATH  128

struct xv6_stat {
    int dev;
    unsigned int ino;
    short type;
    short nlink;
    unsigned long size;
};

struct xv6_dirent {
    unsigned short inum;
    char name[XV6_DIRSIZ];
};

/* Its limits (limits.c). */
int __xv6_limit_fd(int fd);
const char *__xv6_path(const char *path, char cut[XV6_MAXPATH]);
int __xv6_too_many(char **argv);

#endif
