/* Users: the lines of /etc/passwd, NAME:x:UID:GID:WORDS:HOME:SHELL. */
#ifndef _PWD_H_
#define _PWD_H_

#include <sys/types.h>

struct passwd {
    char *pw_name;
    uid_t pw_uid;
    gid_t pw_gid;
    char *pw_gecos;
    char *pw_dir;
    char *pw_shell;
};

/* NULL: there is none, or the file cannot be read. What they return is good until the next call. */
struct passwd *getpwuid(uid_t uid);
struct passwd *getpwnam(const char *name);

#endif
