/* Walking over a tree of files. */
#ifndef _FTW_H_
#define _FTW_H_

#include <sys/stat.h>

#define FTW_F   0 /* a file */
#define FTW_D   1 /* a directory, before what is in it */
#define FTW_DNR 2 /* a directory that cannot be read */
#define FTW_NS  3 /* it cannot be looked at */
#define FTW_SL  4 /* a symbolic link */
#define FTW_DP  5 /* a directory, after what is in it */
#define FTW_SLN 6 /* a symbolic link to nowhere */

#define FTW_PHYS  1 /* links are not followed */
#define FTW_MOUNT 2 /* nor other file systems entered */
#define FTW_CHDIR 4
#define FTW_DEPTH 8 /* a directory comes after what is in it */

struct FTW {
    int base; /* where the last name begins in the path */
    int level;
};

int nftw(const char *path, int (*visit)(const char *, const struct stat *, int, struct FTW *), int fds,
         int flags);
int ftw(const char *path, int (*visit)(const char *, const struct stat *, int), int fds);

#endif
