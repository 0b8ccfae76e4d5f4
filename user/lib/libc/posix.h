/*
 * What libc's POSIX functions share: the process's ports and its descriptors. Not for programs.
 *
 * A descriptor is an entry in a table; its port, a send right, is the open file description.
 * Several entries, and the root and current directory, may have the same port name. Of each name
 * in use here the process holds exactly one user reference.
 */
#ifndef _POSIX_H_
#define _POSIX_H_

#include <errno.h>
#include <mach/error.h>
#include <limits.h>
#include <mach/mach.h>
#include <server_types.h>
#include <startup.h>
#include <sys/types.h>
#include <time.h>

enum fd_kind { FD_UNKNOWN, FD_REGULAR, FD_OTHER };

struct fd {
    mach_port_t port;   /* MACH_PORT_NULL: not in use */
    uint32_t flags;     /* O_* */
    uint8_t fd_flags;   /* FD_CLOEXEC */
    uint8_t kind;       /* enum fd_kind, found out when it matters */
    uint8_t own;        /* no other process has the open file description */
    uint8_t reads;      /* by messages, since there was a window, or the last try */
    uint8_t patience;   /* so many more, before the next try */
    struct window *window; /* what read() copies from, or NULL: window.c */
};

extern mach_port_t __proc_port; /* MACH_PORT_NULL: this program is no process (a server) */
extern mach_port_t __root_port;
extern mach_port_t __cwd_port;
extern mode_t __umask;
extern struct fd *__fd_table;
extern int __fd_count; /* entries of __fd_table, in use or not */
extern int __fd_limit; /* RLIMIT_NOFILE: no descriptor is that high */

/* Takes over what the startup record says. Before anything else here. */
void __posix_start(const struct startup *startup);

/* Sets errno to what the kern_return_t means; returns -1. */
int __error(kern_return_t kr);
/* clock_gettime of the clocks of processor time. (clock.c) */
int __cpu_clock(clockid_t clock, struct timespec *time);
/* The same for calls to a directory: a port that does not know them is none. */
int __fs_error(kern_return_t kr);
/* Sets errno; returns -1. */
int __fail(int error);

/* The entry of an open descriptor; NULL with EBADF. Valid until the descriptor is closed. */
static inline struct fd *__fd_get(int fd)
{
    if ((unsigned)fd >= (unsigned)__fd_count || __fd_table[fd].port == MACH_PORT_NULL) {
        errno = EBADF;
        return NULL;
    }
    return &__fd_table[fd];
}
/*
 * The lowest free descriptor that is not below `least`, for port (one user reference, consumed
 * also on failure). own: nobody else has it. -1 with EMFILE or ENOMEM.
 */
int __fd_install(mach_port_t port, uint32_t flags, uint8_t fd_flags, uint8_t own, int least);
/* Something was opened without O_NOCTTY: the first terminal that the leader of a session opens, controls it.
 * (setsid.c; NULL: this program has not made a session) */
void __opened(mach_port_t port) __attribute__((weak));
/* Would a read (IO_POLL_IN), a write (IO_POLL_OUT) not wait? One message. (poll.c) */
int __fd_ready(struct fd *f, uint32_t events);
/* The table is not changed between these, nor a signal's handler run. */
uint64_t __fd_lock(void);
void __fd_unlock(uint64_t blocked);
/* Is this an entry, of a port that no other has? Locked. */
int __fd_is_only(const struct fd *f);
/* Another process is about to have all open file descriptions, too. Locked, or there is one thread only. */
void __fd_share(void);

/* Has read a regular file by a message, and may do it by mapping from now on. (window.c) */
void __window_consider(struct fd *f);
/* Ends the window, if there is one. tell: the server is to have the offset. */
void __window_close(struct fd *f);
static inline void __window_end(struct fd *f)
{
    if (f->window != NULL)
        __window_close(f);
}
void __window_end_locked(struct fd *f, boolean_t tell);
/* The server said kr: was it since another thread opened a window? Then ask again. tries: 0 at first. */
boolean_t __window_busy(const struct fd *f, int *tries);
static inline boolean_t __window_retry(const struct fd *f, kern_return_t kr, int *tries)
{
    return kr == unix_err(EBUSY) && __window_busy(f, tries);
}
/* As read and lseek; -1: ask the server. Only if there was a window. */
ssize_t __window_read(struct fd *f, void *buffer, size_t size);
off_t __window_seek(struct fd *f, off_t offset, int whence);

/* Gives up a name, unless a descriptor, the root or the current directory still has it. The caller
 * has taken it out of where it was. */
void __port_release(mach_port_t port);
/* Is the name among those? */
int __port_in_use(mach_port_t port);

/*
 * A path on its way: where it is sent to, and what. The server may answer that it goes on elsewhere, over a
 * mount (docs/fs.md). So each call of fs.defs is made in a loop:
 *
 *     if (!__path_begin(&p, fd, path))
 *         return -1;
 *     do
 *         kr = fs_stat(p.port, p.rest, ...);
 *     while (__path_again(&p, &kr, FOLLOW));
 */
struct path {
    mach_port_t port;
    const char *rest;
    unsigned crossed;    /* mounts; then `port` is a reference of the path's own, given up at the end */
    char text[PATH_MAX]; /* the rest, from then on */
};

/* 0 with EBADF, ENOENT (empty path). */
int __path_begin(struct path *p, int fd, const char *path);
/* After a call. 0: it is done; *kr is its result, or why there is none. */
int __path_cross(struct path *p, kern_return_t *kr, enum follow follow);
/* Has it crossed a mount, or does it now? */
static inline int __path_left(const struct path *p, kern_return_t kr)
{
    return kr == unix_err(FS_EREMOTE) || p->crossed != 0;
}
static inline int __path_again(struct path *p, kern_return_t *kr, enum follow follow)
{
    return __path_left(p, *kr) && __path_cross(p, kr, follow);
}
/* The same for a call of two paths; both are followed as the calls do. */
int __path_again_two(struct path *from, enum follow follow, struct path *to, kern_return_t *kr);

/* fs_open of a path: a port, the caller's, that no descriptor has yet; MACH_PORT_NULL with errno. */
mach_port_t __path_open(int fd, const char *path, int flags, mode_t mode);
/* fs_stat of a path. */
kern_return_t __path_stat(int fd, const char *path, int follow, io_stat_t *stat);

/* Is that a whole record of fs_readdir's, in so many bytes? What a server says is checked: it may be
 * anybody's. */
int __dirent_ok(const io_dirent_t *e, size_t room);

/* io_utimes as futimens and utimensat mean it: UTIME_NOW, UTIME_OMIT; NULL: both now. */
struct timespec;
kern_return_t __io_utimes(mach_port_t port, const struct timespec *times);

/* The port of the pipe service, looked up once; MACH_PORT_NULL: there is none. */
mach_port_t __pipe_service(void);
/* The same if it has been looked up. */
mach_port_t __pipe_service_cached(void);

/*
 * Signals, as much of them as other parts need. A function that must not be interrupted by a handler
 * (which may call it, and it holds a lock) holds them, and releases them with what hold returned.
 */
extern struct signal_state {
    uint64_t entry;     /* 0: the proc server has not been told where signals come in */
    uint64_t ignored;
    uint64_t caught;    /* there is a handler */
    uint64_t wanted;    /* they do nothing by default, but were blocked: somebody may wait for one */
    uint64_t onstack;
    uint32_t flags;     /* SIG_* of signal_types.h */
    uint64_t pending;   /* of those the server has kept, at least these (it may have fewer) */
} __signals;

/* Runs the handlers of what is pending and not blocked. (sigdeliver.c; NULL: nothing ever is) */
void __signal_take_pending(void) __attribute__((weak));

/* (Where there are no handlers nothing is written: after a fork each page written to is copied.) */
static inline uint64_t __signals_hold(void)
{
    uint64_t blocked = mach_tcb()->sig_blocked;

    if (__signals.caught != 0)
        mach_tcb()->sig_blocked = ~0ULL;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    return blocked;
}

static inline void __signals_release(uint64_t blocked)
{
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    if (mach_tcb()->sig_blocked != blocked)
        mach_tcb()->sig_blocked = blocked;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    if ((__signals.pending & ~blocked) != 0)
        __signal_take_pending();
}

/* A terminal has sent SIGTTIN or SIGTTOU, perhaps, and this thread blocks it: the proc server is to know,
 * or it would be sent again and again. (sigmask.c; NULL: nothing is ever blocked here) */
void __signal_tell_blocked(void) __attribute__((weak));

/*
 * A call that may wait for long is made between these: a signal's handler without SA_RESTART then ends it.
 * The server is told so (interrupt.defs), and answers. again: it was the server's idea, or
 * meant for another thread's call.
 */
static inline void __wait_begin(mach_port_t port)
{
    struct mach_tcb *tcb = mach_tcb();

    if (__signals.caught == 0)
        return;
    tcb->interrupted = 0;
    tcb->waits_on = port;
}

static inline int __wait_again(kern_return_t kr)
{
    struct mach_tcb *tcb = mach_tcb();

    if (tcb->waits_on != MACH_PORT_NULL)
        tcb->waits_on = MACH_PORT_NULL;
    if (kr != unix_err(EINTR) || tcb->interrupted)
        return 0;
    if (__signal_tell_blocked != NULL)
        __signal_tell_blocked();
    return 1;
}

/* flushes stdio's streams, if the program has stdio. (stdio_file.c) */
void __stdio_exit(void) __attribute__((weak));

#endif
