/*
 * Redirections, and taking them back. Read run.h first. XCU 2.7.
 */
#include "expand.h"
#include "job.h"
#include "run.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OWN_FD 10 /* the first descriptor of the shell's own: scripts name 0 to 9 */

struct saved_fd {
    struct saved_fd *next;
    int fd;
    int copy; /* -1: it was closed */
};

int move_fd(int fd)
{
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, OWN_FD);

    if (moved < 0)
        return fd;
    close(fd);
    return moved;
}

/* The document in a pipe. One that is too large for it is written by a child. */
static int open_here(const struct redirect *r)
{
    const char *text = r->quoted ? r->here : expand_here(r->here);
    size_t length = strlen(text);
    int fds[2];
    pid_t pid;

    if (pipe(fds) < 0) {
        complain("cannot make a pipe: %s", strerror(errno));
        return -1;
    }
    if (length <= PIPE_BUF) {
        if (write(fds[1], text, length) < 0)
            complain("here-document: %s", strerror(errno));
    } else {
        pid = fork_child(NULL, 0);
        if (pid == 0) {
            close(fds[0]);
            for (ssize_t n; length > 0 && (n = write(fds[1], text, length)) > 0; length -= n)
                text += n;
            _exit(0);
        }
        if (pid > 0)
            child_forget(pid);
    }
    close(fds[1]);
    return fds[0];
}

/* > with noclobber: only what is no file that is there already. */
static int open_new(const char *name)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0666);
    struct stat st;

    if (fd >= 0 || errno != EEXIST)
        return fd;
    if (stat(name, &st) == 0 && !S_ISREG(st.st_mode))
        return open(name, O_WRONLY);
    errno = EEXIST;
    return -1;
}

static int open_file(const struct redirect *r, const char *name)
{
    static const int flags[] = {
        [RE_IN] = O_RDONLY,
        [RE_OUT] = O_WRONLY | O_CREAT | O_TRUNC,
        [RE_CLOBBER] = O_WRONLY | O_CREAT | O_TRUNC,
        [RE_APPEND] = O_WRONLY | O_CREAT | O_APPEND,
        [RE_RDWR] = O_RDWR | O_CREAT,
    };
    int fd = r->kind == RE_OUT && options[OPT_NOCLOBBER] ? open_new(name)
                                                         : open(name, flags[r->kind], 0666);

    if (fd < 0)
        complain("cannot %s %s: %s", r->kind == RE_IN ? "open" : "create", name, strerror(errno));
    return fd;
}

static bool duplicate(const struct redirect *r, const char *name)
{
    char *end;
    long fd;

    if (strcmp(name, "-") == 0) {
        close(r->fd);
        return true;
    }
    fd = strtol(name, &end, 10);
    if (!isdigit((unsigned char)*name) || *end != '\0') {
        complain("%s: not a descriptor's number", name);
        return false;
    }
    if (fd > INT_MAX || dup2((int)fd, r->fd) < 0) {
        complain("%s: %s", name, strerror(EBADF));
        return false;
    }
    return true;
}

static bool redirect_one(const struct redirect *r)
{
    bool here = r->kind == RE_HERE || r->kind == RE_HERE_STRIP;
    const char *name = here ? NULL : expand_one(r->word);
    int fd;

    if (r->kind == RE_DUP_IN || r->kind == RE_DUP_OUT)
        return duplicate(r, name);
    fd = here ? open_here(r) : open_file(r, name);
    if (fd < 0)
        return false;
    if (fd != r->fd) {
        bool good = dup2(fd, r->fd) >= 0;

        if (!good)
            complain("%d: %s", r->fd, strerror(errno));
        close(fd);
        return good;
    }
    return true;
}

bool redirect(const struct redirect *list)
{
    for (; list != NULL; list = list->next)
        if (!redirect_one(list))
            return false;
    return true;
}

/* (Saved in the order of the list and put back in the opposite one: the first state is the last.) */
static void undo_redirects(struct unwind *unwind)
{
    struct redirected *redirected = (struct redirected *)unwind;
    struct saved_fd *saved;

    fflush(stdout);
    clearerr(stdout);
    while ((saved = redirected->saved) != NULL) {
        redirected->saved = saved->next;
        if (saved->copy >= 0) {
            if (!redirected->keep)
                dup2(saved->copy, saved->fd);
            close(saved->copy);
        } else if (!redirected->keep) {
            close(saved->fd);
        }
        free(saved);
    }
}

bool redirect_begin(struct redirected *redirected, const struct redirect *list)
{
    redirected->saved = NULL;
    redirected->keep = false;
    unwind_push(&redirected->unwind, undo_redirects);
    if (list != NULL)
        fflush(stdout);
    for (; list != NULL; list = list->next) {
        struct saved_fd *saved = need(malloc(sizeof(*saved)));

        *saved = (struct saved_fd){redirected->saved, list->fd,
                                   fcntl(list->fd, F_DUPFD_CLOEXEC, OWN_FD)};
        redirected->saved = saved;
        if (!redirect_one(list))
            return false;
    }
    return true;
}
