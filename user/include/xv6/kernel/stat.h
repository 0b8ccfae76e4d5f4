/* xv6's kernel/stat.h: its struct stat, which is not POSIX's. */
#ifndef _XV6_STAT_H_
#define _XV6_STAT_H_

#define T_DIR    1
#define T_FILE   2
#define T_DEVICE 3

struct stat {
    int dev;
    unsigned int ino;
    short type; /* T_* */
    short nlink;
    unsigned long size;
};

#endif
