/* What wait.c shares with wait4.c. */
#ifndef WAIT_NEWS_H
#define WAIT_NEWS_H

#include <stdint.h>
#include <sys/types.h>

struct wait_news { /* of proc_wait */
    int child, status, code;
    uint32_t uid;
};

/* What the server says; news->child 0: nothing yet (WNOHANG). 0, or -1 with errno. */
int __wait_for(pid_t pid, int options, struct wait_news *news);

#endif
