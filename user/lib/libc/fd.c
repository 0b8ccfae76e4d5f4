/* The table of descriptors: its entries, and the functions that only it matters to. Read posix.h
 * before. */
#include "fork_lock.h"
#include "posix.h"

#include <cthreads.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <mach/mach_port.h>
#include <mach/vm_map.h>
#include <server_types.h>
#include <servers/io.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#define FIRST_COUNT 16 /* entries there is room for without asking the kernel for memory */
#define FD_MAX      65536

mach_port_t __proc_port;
mach_port_t __root_port;
mach_port_t __cwd_port;
mode_t __umask;

static struct fd first_table[FIRST_COUNT];
struct fd *__fd_table = first_table;
int __fd_count = FIRST_COUNT;
static int used; /* no entry from here on is in use */
static mutex_t table_mutex = MUTEX_INITIALIZER; /* on changes of the table */
int __fd_limit = FD_MAX; /* RLIMIT_NOFILE */

/* A handler may open and close, too: it waits until the table is whole. */
uint64_t __fd_lock(void)
{
    uint64_t blocked = __signals_hold();

    mutex_lock(&table_mutex);
    return blocked;
}

void __fd_unlock(uint64_t blocked)
{
    mutex_unlock(&table_mutex);
    __signals_release(blocked);
}

/*
 * Makes the table hold `count` entries at least. The old one is left where it is, since another
 * thread may be looking at it; doubling bounds what that costs.
 */
static int grow(int count)
{
    vm_address_t memory = 0;
    int size = __fd_count;

    while (size < count)
        size *= 2;
    if (vm_allocate(mach_task_self(), &memory, size * sizeof(struct fd), TRUE) != KERN_SUCCESS)
        return __fail(ENOMEM);
    for (int i = 0; i < used; i++)
        __window_end_locked(&__fd_table[i], TRUE); /* who looks at an old entry is to find none */
    memcpy((void *)memory, __fd_table, __fd_count * sizeof(struct fd));
    __atomic_store_n(&__fd_table, (struct fd *)memory, __ATOMIC_RELEASE);
    __atomic_store_n(&__fd_count, size, __ATOMIC_RELEASE);
    return 0;
}

static int times_in_table(mach_port_t port)
{
    int times = 0;

    for (int i = 0; i < used; i++)
        times += __fd_table[i].port == port;
    return times;
}

int __fd_is_only(const struct fd *f)
{
    return f >= __fd_table && f < __fd_table + used && times_in_table(f->port) == 1;
}

void __fd_share(void)
{
    for (int i = 0; i < used; i++) {
        struct fd *f = &__fd_table[i];

        if (f->own) {
            __window_end_locked(f, TRUE);
            f->own = FALSE;
        }
    }
}

int __port_in_use(mach_port_t port)
{
    return port == __root_port || port == __cwd_port || port == __proc_port
           || times_in_table(port) != 0;
}

void __port_release(mach_port_t port)
{
    if (!__port_in_use(port))
        mach_port_deallocate(mach_task_self(), port);
}

/* Puts an entry at `fd`, which there is room for and which is free. Locked. */
static void set_entry(int fd, mach_port_t port, uint32_t flags, uint8_t fd_flags, uint8_t kind, uint8_t own)
{
    __fd_table[fd] = (struct fd){
        .port = port, .flags = flags, .fd_flags = fd_flags, .kind = kind, .own = own};
    if (fd >= used)
        used = fd + 1;
}

/* The lowest free entry from `least` on, with room made for it; -1 with errno. Locked. */
static int find_free(int least)
{
    int fd = least;

    while (fd < __fd_count && __fd_table[fd].port != MACH_PORT_NULL)
        fd++;
    if (fd >= __fd_limit)
        return __fail(EMFILE);
    if (fd >= __fd_count && grow(fd + 1) < 0)
        return -1;
    return fd;
}

int __fd_install(mach_port_t port, uint32_t flags, uint8_t fd_flags, uint8_t own, int least)
{
    uint64_t blocked;
    int fd;
    int had;

    blocked = __fd_lock();
    had = __port_in_use(port); /* then there is a user reference already: this one is too many */
    fd = find_free(least);
    if (fd >= 0)
        set_entry(fd, port, flags, fd_flags, FD_UNKNOWN, own);
    if (fd < 0 || had)
        mach_port_deallocate(mach_task_self(), port);
    __fd_unlock(blocked);
    return fd;
}

void __posix_start(const struct startup *startup)
{
    __proc_port = startup->proc;
    __root_port = startup->root;
    __cwd_port = startup->cwd;
    __umask = startup->umask;
    if (startup->fd_limit != 0)
        __fd_limit = startup->fd_limit;
    __signals.ignored = startup->ignored;
    mach_tcb()->sig_blocked = startup->blocked;
    for (uint32_t i = 0; i < startup->fd_count; i++) {
        const struct startup_fd *f = &startup->fds[i];

        if (f->fd >= 0 && !(f->fd_flags & FD_CLOEXEC)
            && (f->fd < __fd_count || grow(f->fd + 1) == 0))
            set_entry(f->fd, f->port, f->flags, 0, FD_UNKNOWN, (f->fd_flags & STARTUP_OWN) != 0);
    }
    /* Only now, when it is known what stays. */
    for (uint32_t i = 0; i < startup->fd_count; i++) {
        const struct startup_fd *f = &startup->fds[i];

        if (f->fd == STARTUP_RELEASE)
            mach_port_deallocate(mach_task_self(), f->port);
        else if (f->fd >= 0 && f->fd_flags & FD_CLOEXEC) {
            uint32_t first = 0;

            /* Several of these may be one name: once. */
            while (startup->fds[first].fd < 0 || startup->fds[first].port != f->port)
                first++;
            if (first == i)
                __port_release(f->port);
        }
    }
    if (startup->old_reply != MACH_PORT_NULL)
        mach_port_mod_refs(mach_task_self(), startup->old_reply, MACH_PORT_RIGHT_RECEIVE, -1);
    if (startup->old_sig_reply != MACH_PORT_NULL)
        mach_port_mod_refs(mach_task_self(), startup->old_sig_reply, MACH_PORT_RIGHT_RECEIVE, -1);
}

/* Takes the entry out. Locked. */
static void close_entry(int fd)
{
    mach_port_t port = __fd_table[fd].port;

    __window_end_locked(&__fd_table[fd], FALSE);
    __fd_table[fd].port = MACH_PORT_NULL;
    while (used > 0 && __fd_table[used - 1].port == MACH_PORT_NULL)
        used--;
    __port_release(port);
}

int close(int fd)
{
    uint64_t blocked;
    int result = 0;

    blocked = __fd_lock();
    if (__fd_get(fd) == NULL)
        result = -1;
    else
        close_entry(fd);
    __fd_unlock(blocked);
    return result;
}

/* A second descriptor for what fd is, not below least. */
static int duplicate(int fd, int least, uint8_t fd_flags)
{
    uint64_t blocked;
    int copy = -1;

    if (least < 0 || least >= __fd_limit)
        return __fail(EINVAL);
    blocked = __fd_lock();
    if (__fd_get(fd) != NULL && (copy = find_free(least)) >= 0) {
        struct fd *f = &__fd_table[fd];

        __window_end_locked(f, TRUE);
        set_entry(copy, f->port, f->flags, fd_flags, f->kind, f->own);
    }
    __fd_unlock(blocked);
    return copy;
}

int dup(int fd)
{
    return duplicate(fd, 0, 0);
}

int dup2(int fd, int to)
{
    uint64_t blocked;
    int result = to;

    blocked = __fd_lock();
    if (__fd_get(fd) == NULL || ((to < 0 || to >= __fd_limit) && __fail(EBADF) < 0)
        || (to >= __fd_count && grow(to + 1) < 0)) {
        result = -1;
    } else if (fd != to) {
        struct fd copy = __fd_table[fd];
        mach_port_t old = __fd_table[to].port;

        __window_end_locked(&__fd_table[fd], TRUE);
        __window_end_locked(&__fd_table[to], FALSE);
        set_entry(to, copy.port, copy.flags, 0, copy.kind, copy.own);
        if (old != MACH_PORT_NULL)
            __port_release(old);
    }
    __fd_unlock(blocked);
    return result;
}

/* The flags that F_SETFL changes are the open file's, and so of all its descriptors. */
static int set_flags(int fd, uint32_t flags)
{
    uint64_t blocked;
    const uint32_t changeable = O_APPEND | O_NONBLOCK;
    struct fd *f;

    blocked = __fd_lock();
    f = __fd_get(fd);
    for (int i = 0; f != NULL && i < __fd_count; i++)
        if (__fd_table[i].port == f->port)
            __fd_table[i].flags = (__fd_table[i].flags & ~changeable) | (flags & changeable);
    __fd_unlock(blocked);
    return f != NULL ? 0 : -1;
}

int fcntl(int fd, int command, ...)
{
    struct fd *f = __fd_get(fd);
    va_list ap;
    int argument;

    if (f == NULL)
        return -1;
    va_start(ap, command);
    argument = va_arg(ap, int);
    va_end(ap);
    switch (command) {
    case F_DUPFD:
        return duplicate(fd, argument, 0);
    case F_DUPFD_CLOEXEC:
        return duplicate(fd, argument, FD_CLOEXEC);
    case F_GETFD:
        return f->fd_flags;
    case F_SETFD:
        f->fd_flags = argument & FD_CLOEXEC;
        return 0;
    case F_GETFL:
        return (int)f->flags;
    case F_SETFL:
        return set_flags(fd, argument);
    default:
        return __fail(EINVAL);
    }
}

void __fork_fds(enum fork_stage stage)
{
    fork_lock(&table_mutex, stage);
    if (stage == FORK_BEFORE)
        __fd_share();
}
