/*
 * What the POSIX tests share: descriptors 0 to 2, children in one line, and what a shell command prints.
 */
#ifndef POSIX_TEST_H
#define POSIX_TEST_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <testlib.h>
#include <unistd.h>

#ifndef DIR_NAME
#define DIR_NAME "/var/test" /* where a program's files go; on the disk */
#endif

/* Expects that a call fails with -1 and that errno. */
#define EXPECT_ERRNO(call, error) \
    do { \
        errno = 0; \
        EXPECT_EQ((call), -1); \
        EXPECT_EQ(errno, (error)); \
    } while (0)

/* Runs function in a child; its status as wait tells it, or -1. */
static inline int run_child(int (*function)(void))
{
    int status = -1;
    pid_t pid = fork();

    if (pid == 0)
        _exit(function());
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return -1;
    return status;
}

/* Reads fd to its end, at most size - 1 bytes, with a NUL after them. */
static inline long read_all(int fd, char *buffer, size_t size)
{
    size_t length = 0;
    ssize_t n;

    while (length < size - 1 && (n = read(fd, buffer + length, size - 1 - length)) > 0)
        length += (size_t)n;
    buffer[length] = '\0';
    return (long)length;
}

/* sh -c command: what it writes to its standard output, and its status; -1: it could not be run. */
static inline int shell(const char *command, char *output, size_t size)
{
    int fds[2];
    int status = -1;
    pid_t pid;

    output[0] = '\0';
    if (pipe(fds) != 0)
        return -1;
    pid = fork();
    if (pid == 0) {
        dup2(fds[1], 1);
        dup2(fds[1], 2);
        close(fds[0]);
        close(fds[1]);
        execl("/bin/sh", "sh", "-c", command, NULL);
        _exit(127);
    }
    close(fds[1]);
    read_all(fds[0], output, size);
    close(fds[0]);
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return -1;
    return status;
}

/* A file with that text; 0, or -1. */
static inline int make_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    int ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

    if (fd >= 0)
        close(fd);
    return ok ? 0 : -1;
}

/* The file's text: at most size - 1 bytes of it. "" if there is none. */
static inline const char *file_text(const char *path, char *buffer, size_t size)
{
    int fd = open(path, O_RDONLY);

    buffer[0] = '\0';
    if (fd >= 0) {
        read_all(fd, buffer, size);
        close(fd);
    }
    return buffer;
}

/* A first process has no descriptors; a test wants the usual three, and a folder. */
static inline void open_standard(void)
{
    char output[64];
    int fd;

    while ((fd = open("/dev/null", O_RDWR)) >= 0 && fd < 2)
        ;
    if (fd > 2)
        close(fd);
    mkdir("/var", 0755);
    shell("rm -rf " DIR_NAME, output, sizeof output);
    mkdir(DIR_NAME, 0755);
    chdir(DIR_NAME);
}

static inline int posix_test_main(const char *file)
{
    if (test_open() != 0) /* before anything is started that could take it */
        test_report("no grading port: this boot was not started with test=");
    open_standard();
    return test_main(file);
}

/* Ends the file, in place of TEST_MAIN. */
#define POSIX_TEST_MAIN \
    int main(void) \
    { \
        return posix_test_main(__BASE_FILE__); /* it may include another test, to run it elsewhere */ \
    }

#endif
