/* Waiting until one of several descriptors is ready, by sets of bits. */
#ifndef _SYS_SELECT_H_
#define _SYS_SELECT_H_

#include <sys/time.h>
#include <sys/types.h>
#include <time.h>

#define FD_SETSIZE 1024

typedef struct {
    unsigned long fds_bits[FD_SETSIZE / (8 * sizeof(unsigned long))];
} fd_set;

#define _FD_WORD(fd, set) ((set)->fds_bits[(fd) / (8 * sizeof(unsigned long))])
#define _FD_BIT(fd)       (1UL << (fd) % (8 * sizeof(unsigned long)))
#define FD_SET(fd, set)   ((void)(_FD_WORD(fd, set) |= _FD_BIT(fd)))
#define FD_CLR(fd, set)   ((void)(_FD_WORD(fd, set) &= ~_FD_BIT(fd)))
#define FD_ISSET(fd, set) ((_FD_WORD(fd, set) & _FD_BIT(fd)) != 0)
#define FD_ZERO(set)      ((void)(*(set) = (fd_set){{0}}))

int select(int count, fd_set *restrict readable, fd_set *restrict writable, fd_set *restrict except,
           struct timeval *restrict timeout);

#endif
