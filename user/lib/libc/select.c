/* select: poll, by sets of bits. */
#include "posix.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/select.h>

static short wanted(int fd, fd_set *readable, fd_set *writable, fd_set *except)
{
    return (short)((readable != NULL && FD_ISSET(fd, readable) ? POLLIN : 0)
                   | (writable != NULL && FD_ISSET(fd, writable) ? POLLOUT : 0)
                   | (except != NULL && FD_ISSET(fd, except) ? POLLPRI : 0));
}

/* Clears fd in the set, unless it was asked for and is so. How many bits stay. */
static int answer(int fd, fd_set *set, int is_so)
{
    if (set == NULL || !FD_ISSET(fd, set))
        return 0;
    if (!is_so)
        FD_CLR(fd, set);
    return is_so;
}

/* Rounded up to milliseconds; -1: without end. -2: it is no time. */
static int milliseconds(const struct timeval *timeout)
{
    if (timeout == NULL)
        return -1;
    if (timeout->tv_sec < 0 || timeout->tv_usec < 0 || timeout->tv_usec >= 1000000)
        return -2;
    if (timeout->tv_sec > INT_MAX / 1000 - 1)
        return INT_MAX;
    return (int)(timeout->tv_sec * 1000 + (timeout->tv_usec + 999) / 1000);
}

int select(int count, fd_set *restrict readable, fd_set *restrict writable, fd_set *restrict except,
           struct timeval *restrict timeout)
{
    struct pollfd fds[FD_SETSIZE];
    nfds_t n = 0;
    int ms = milliseconds(timeout);
    int bits = 0;

    if (count < 0 || count > FD_SETSIZE || ms == -2)
        return __fail(EINVAL);
    for (int fd = 0; fd < count; fd++) {
        short events = wanted(fd, readable, writable, except);

        if (events != 0)
            fds[n++] = (struct pollfd){fd, events, 0};
    }
    if (poll(fds, n, ms) < 0)
        return -1;
    for (nfds_t i = 0; i < n; i++)
        if (fds[i].revents & POLLNVAL)
            return __fail(EBADF);
    for (nfds_t i = 0; i < n; i++) {
        short r = fds[i].revents;

        bits += answer(fds[i].fd, readable, (r & (POLLIN | POLLHUP | POLLERR)) != 0);
        bits += answer(fds[i].fd, writable, (r & (POLLOUT | POLLERR)) != 0);
        bits += answer(fds[i].fd, except, (r & POLLPRI) != 0);
    }
    return bits;
}
