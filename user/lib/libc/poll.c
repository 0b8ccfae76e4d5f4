/*
 * poll: a message to each descriptor's server, with a send-once right of one port, which the server
 * answers when the descriptor is ready: at once, or later. Nobody asks again and again. When the first
 * answer is here the others are asked how it is now, and the port is destroyed; the rights of those
 * that have not answered die with it, which their servers find.
 */
#include "posix.h"

#include <errno.h>
#include <mach/error.h>
#include <mach/mach_port.h>
#include <poll.h>
#include <server_types.h>
#include <servers/io.h>
#include <stdlib.h>
#include <time.h>

#define REPLY_ID (IO_POLL_ID + 100) /* MIG's rule */

struct request {
    mach_msg_header_t head;
    uint32_t events;
    uint32_t tag;
};

struct reply {
    mach_msg_header_t head;
    kern_return_t code;
    uint32_t revents;
    uint32_t tag;
    uint8_t trailer[MAX_TRAILER_SIZE];
};

struct wait {
    struct pollfd *fds;
    nfds_t count;
    mach_port_t port;
    nfds_t asked;    /* requests sent */
    nfds_t answered;
    int ready;       /* descriptors with revents */
    int unknown;     /* an answer came that does not say whose it is: some server does not know io_poll,
        or died */
    int refused;     /* a server has no room for one more that waits */
    uint32_t handled; /* signals, before */
};

static uint32_t events_of(short events)
{
    return (events & (POLLIN | POLLRDNORM) ? IO_POLL_IN : 0)
        | (events & (POLLOUT | POLLWRNORM) ? IO_POLL_OUT : 0);
}

static void tell(struct wait *w, nfds_t i, uint32_t revents)
{
    struct pollfd *p = &w->fds[i];
    short told = (short)(revents & (POLLERR | POLLHUP));

    if (revents & IO_POLL_IN)
        told |= p->events & (POLLIN | POLLRDNORM);
    if (revents & IO_POLL_OUT)
        told |= p->events & (POLLOUT | POLLWRNORM);
    if (told != 0 && p->revents == 0)
        w->ready++;
    p->revents |= told;
}

/* Asks the server of descriptor i. */
static void ask(struct wait *w, nfds_t i, uint32_t now)
{
    struct fd *f = __fd_get(w->fds[i].fd);
    struct request request = {
        .head.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
        .head.msgh_size = sizeof(request),
        .head.msgh_local_port = w->port,
        .head.msgh_id = IO_POLL_ID,
        .events = events_of(w->fds[i].events) | now,
        .tag = (uint32_t)i,
    };

    if (f == NULL) {
        w->fds[i].revents = POLLNVAL;
        w->ready++;
        return;
    }
    request.head.msgh_remote_port = f->port;
    if (mach_msg(&request.head, MACH_SEND_MSG, sizeof(request), 0, MACH_PORT_NULL, MACH_MSG_TIMEOUT_NONE,
                 MACH_PORT_NULL) == MACH_MSG_SUCCESS)
        w->asked++;
    else
        tell(w, i, IO_POLL_ERR | IO_POLL_HUP); /* its server is gone */
}

/* The next answer, waited for at most ms, or (-1) without end. MACH_RCV_INTERRUPTED: a handler has run. */
static mach_msg_return_t receive(struct wait *w, int ms)
{
    const mach_msg_option_t options = MACH_RCV_MSG | MACH_RCV_INTERRUPT | (ms >= 0 ? MACH_RCV_TIMEOUT : 0);
    struct reply reply;
    mach_msg_return_t mr;

    if (mach_tcb()->sig_handled != w->handled)
        return MACH_RCV_INTERRUPTED;
    mr = mach_msg(&reply.head, options, 0, sizeof(reply), w->port, (mach_msg_timeout_t)(ms >= 0 ? ms : 0),
                  MACH_PORT_NULL);
    if (mr == MACH_RCV_INTERRUPTED && mach_tcb()->sig_handled == w->handled)
        return MACH_RCV_TIMED_OUT; /* by a signal without a handler: the caller sees what time is left */

    if (mr != MACH_MSG_SUCCESS)
        return mr;
    w->answered++;
    if (reply.head.msgh_id == REPLY_ID && reply.code == KERN_SUCCESS && reply.tag < w->count)
        tell(w, reply.tag, reply.revents);
    else if (reply.code == unix_err(EAGAIN) || reply.code == unix_err(ENOMEM))
        w->refused = 1;
    else
        w->unknown = 1;
    mach_msg_destroy(&reply.head);
    return mr;
}

/* Asks each in turn of which nothing is known. One that does not know the question is always ready. */
static void ask_in_turn(struct wait *w)
{
    for (nfds_t i = 0; i < w->count; i++) {
        struct fd *f = w->fds[i].fd >= 0 && w->fds[i].revents == 0 ? __fd_get(w->fds[i].fd) : NULL;
        uint32_t events = events_of(w->fds[i].events);
        uint32_t revents = 0;
        uint32_t tag;
        kern_return_t kr;

        if (f == NULL)
            continue;
        kr = io_poll(f->port, events | IO_POLL_NOW, 0, &revents, &tag);
        tell(w, i, kr == KERN_SUCCESS ? revents : kr == MIG_BAD_ID ? events : IO_POLL_ERR | IO_POLL_HUP);
    }
}

/* Milliseconds since `begin`. */
static int64_t since(const struct timespec *begin)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - begin->tv_sec) * 1000 + (now.tv_nsec - begin->tv_nsec) / 1000000;
}

static int wait_for_answers(struct wait *w, int timeout)
{
    struct timespec begin;
    mach_msg_return_t mr = MACH_MSG_SUCCESS;
    int64_t left = timeout;

    clock_gettime(CLOCK_MONOTONIC, &begin);
    if (timeout == 0) { /* all answer at once */
        while (w->answered < w->asked && (mr == MACH_MSG_SUCCESS || mr == MACH_RCV_TIMED_OUT))
            mr = receive(w, -1);
        if (w->unknown)
            ask_in_turn(w);
        return mr == MACH_RCV_INTERRUPTED && w->ready == 0 ? __fail(EINTR) : w->ready;
    }
    while (w->ready == 0 && (timeout < 0 || (left = timeout - since(&begin)) > 0)) {
        mr = receive(w, (int)left);
        if (mr == MACH_RCV_INTERRUPTED)
            return __fail(EINTR);
        if (w->unknown) {
            ask_in_turn(w);
            w->unknown = 0;
        }
        if (w->refused && w->ready == 0)
            return __fail(EAGAIN);
    }
    if (w->ready > 0 && w->answered < w->asked)
        ask_in_turn(w); /* who else is ready: POSIX wants all told that are */
    return w->ready;
}

int poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    struct wait w = {.fds = fds, .count = count, .handled = mach_tcb()->sig_handled};
    int result;

    if (count > (nfds_t)__fd_count + 65536)
        return __fail(EINVAL);
    if (mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &w.port) != KERN_SUCCESS)
        return __fail(ENOMEM);
    for (nfds_t i = 0; i < count; i++) {
        int error = errno;

        fds[i].revents = 0;
        if (fds[i].fd >= 0 && __fd_get(fds[i].fd) == NULL) {
            errno = error;
            timeout_ms = 0; /* this one is an event: no other is waited for */
        }
    }
    for (nfds_t i = 0; i < count; i++)
        if (fds[i].fd >= 0)
            ask(&w, i, timeout_ms == 0 ? IO_POLL_NOW : 0);
    result = wait_for_answers(&w, timeout_ms);
    mach_port_mod_refs(mach_task_self(), w.port, MACH_PORT_RIGHT_RECEIVE, -1);
    return result;
}

int __fd_ready(struct fd *f, uint32_t events)
{
    uint32_t revents = 0;
    uint32_t tag;

    return io_poll(f->port, events | IO_POLL_NOW, 0, &revents, &tag) != KERN_SUCCESS || revents != 0;
}
