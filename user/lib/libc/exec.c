/* exec by search path, and with the arguments in a list. */
#include "posix.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_PATH "/bin:/usr/bin"

int execv(const char *path, char *const argv[])
{
    return execve(path, argv, environ);
}

/* A file that is executable but in no format known is a script for the shell, without its first
 * line. */
static int try(const char *path, char *const argv[])
{
    size_t argc = 0;

    execve(path, argv, environ);
    if (errno != ENOEXEC)
        return -1;
    while (argv[argc] != NULL)
        argc++;
    {
        char *shell_argv[argc + 2];

        shell_argv[0] = "sh";
        shell_argv[1] = (char *)path;
        for (size_t i = 1; i <= argc; i++)
            shell_argv[i + 1] = argv[i];
        if (argc == 0)
            shell_argv[2] = NULL;
        return execve("/bin/sh", shell_argv, environ);
    }
}

int execvp(const char *file, char *const argv[])
{
    const char *path = getenv("PATH");
    int denied = 0;

    if (strchr(file, '/') != NULL)
        return try(file, argv);
    if (*file == '\0')
        return __fail(ENOENT);
    if (path == NULL)
        path = DEFAULT_PATH;
    for (;;) {
        size_t length = strcspn(path, ":");
        char name[PATH_MAX];

        if (length + strlen(file) + 2 <= sizeof(name)) {
            memcpy(name, path, length);
            strcpy(name + length, length > 0 ? "/" : "");
            strcat(name, file);
            try(name, argv);
            if (errno == EACCES)
                denied = 1;
            else if (errno != ENOENT && errno != ENOTDIR)
                return -1;
        }
        if (path[length] == '\0')
            return __fail(denied ? EACCES : ENOENT);
        path += length + 1;
    }
}

/* The arguments from arg on to the NULL, in an array on the caller's stack. */
#define COLLECT(argv, ap, arg)                             \
    va_list count_ap;                                      \
    size_t argc = 1;                                       \
    va_start(ap, arg);                                     \
    va_copy(count_ap, ap);                                 \
    while (arg != NULL && va_arg(count_ap, char *) != NULL) \
        argc++;                                            \
    va_end(count_ap);                                      \
    char *argv[argc + 1];                                  \
    argv[0] = (char *)arg;                                 \
    for (size_t i = 1; arg != NULL && i <= argc; i++)      \
        argv[i] = va_arg(ap, char *)

int execl(const char *path, const char *arg, ...)
{
    va_list ap;
    COLLECT(argv, ap, arg);

    va_end(ap);
    return execve(path, argv, environ);
}

int execlp(const char *file, const char *arg, ...)
{
    va_list ap;
    COLLECT(argv, ap, arg);

    va_end(ap);
    return execvp(file, argv);
}

int execle(const char *path, const char *arg, ...)
{
    va_list ap;
    COLLECT(argv, ap, arg);
    char *const *envp = va_arg(ap, char *const *);

    va_end(ap);
    return execve(path, argv, envp);
}
