/* Groups: the lines of /etc/group, NAME:x:GID:USER,USER... */
#ifndef _GRP_H_
#define _GRP_H_

#include <sys/types.h>

struct group {
    char *gr_name;
    gid_t gr_gid;
    char **gr_mem; /* ends with NULL */
};

/* NULL: there is none, or the file cannot be read. What they return is good until the next call. */
struct group *getgrgid(gid_t gid);
struct group *getgrnam(const char *name);

#endif
