/* popen: a stream to or from a shell command. */
#include "stdio_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The child, and the parent's end that it must not hold; ours becomes its standard input or output. */
static pid_t start(const char *command, int ours, int theirs, int as)
{
    pid_t pid = fork();

    if (pid != 0)
        return pid;
    close(ours);
    if (theirs != as) {
        dup2(theirs, as);
        close(theirs);
    } else {
        fcntl(as, F_SETFD, 0);
    }
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
}

FILE *popen(const char *command, const char *mode)
{
    int reads = mode[0] == 'r';
    int fds[2];
    FILE *f;
    pid_t pid;

    if ((mode[0] != 'r' && mode[0] != 'w') || (mode[1] != '\0' && mode[1] != 'e')) {
        errno = EINVAL;
        return NULL;
    }
    if (pipe(fds) < 0)
        return NULL;
    fcntl(fds[0], F_SETFD, FD_CLOEXEC); /* no later child is to hold them, or the reader's end never comes */
    fcntl(fds[1], F_SETFD, FD_CLOEXEC);
    f = fdopen(fds[!reads], mode);
    pid = f != NULL ? start(command, fds[!reads], fds[reads], reads ? STDOUT_FILENO : STDIN_FILENO) : -1;
    if (pid < 0) {
        int error = errno;

        close(fds[reads]);
        if (f != NULL)
            fclose(f);
        else
            close(fds[!reads]);
        errno = error;
        return NULL;
    }
    close(fds[reads]);
    f->cookie = (void *)(uintptr_t)pid;
    return f;
}

int pclose(FILE *f)
{
    pid_t pid = (pid_t)(uintptr_t)f->cookie;
    int status;

    fclose(f);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return status;
}
