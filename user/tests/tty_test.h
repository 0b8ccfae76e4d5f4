/*
 * What the tests of the terminal share. A program is its own typist (TIOCSTI). A test that needs a session
 * has it in a child (in_session), where CHECK tells the test what went wrong.
 */
#ifndef TTY_TEST_H
#define TTY_TEST_H

#include "posix_test.h"

#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>

#define CONSOLE "/dev/console"
#define CTRL(c) ((c) & 0x1f)

static int told = -1; /* where a child's CHECK writes */

#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            dprintf(told, "line %d: expected %s (errno %d)", __LINE__, #condition, errno); \
            return 1; \
        } \
    } while (0)

static inline int type(int tty, const char *keys)
{
    for (; *keys != '\0'; keys++)
        if (ioctl(tty, TIOCSTI, keys) < 0)
            return -1;
    return 0;
}

/* The modes at the start, less these of c_lflag, with MIN and TIME. What was typed is gone. */
static inline int set_modes(int tty, tcflag_t less, int min, int time)
{
    static struct termios first;
    struct termios t;

    if (first.c_cflag == 0 && tcgetattr(tty, &first) < 0)
        return -1;
    t = first;
    t.c_lflag &= ~(less | ECHO);
    t.c_cc[VMIN] = (cc_t)min;
    t.c_cc[VTIME] = (cc_t)time;
    return tcsetattr(tty, TCSAFLUSH, &t);
}

/* Is that what a read gives? */
static inline int reads(int tty, const char *text)
{
    char buffer[64];
    ssize_t n = read(tty, buffer, sizeof(buffer));

    return n == (ssize_t)strlen(text) && memcmp(buffer, text, (size_t)n) == 0;
}

static inline long ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static inline void pause_ms(long ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

/* Opens the terminal as the leader of a session, which it controls then. -1: not so. */
static inline int open_for_session(void)
{
    int tty = setsid() > 0 ? open(CONSOLE, O_RDWR) : -1;

    return tty >= 0 && tcgetsid(tty) == getpid() ? tty : -1;
}

/* Runs function in a child, with the terminal, which controls its session or (no `session`) nothing. */
static inline void in_child_at(int (*function)(int tty), int session, int line)
{
    char text[256];
    int fds[2], status = -1;
    pid_t pid;

    REQUIRE_EQ(pipe(fds), 0);
    pid = fork();
    if (pid == 0) {
        int tty;

        close(fds[0]);
        told = fds[1];
        tty = session ? open_for_session() : open(CONSOLE, O_RDWR);
        if (tty < 0 || set_modes(tty, 0, 1, 0) < 0)
            dprintf(told, "no session: errno %d", errno);
        else
            status = function(tty);
        _exit(status);
    }
    close(fds[1]);
    read_all(fds[0], text, sizeof(text));
    close(fds[0]);
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    if (text[0] != '\0' || status != 0)
        test_fail(__FILE__, line, "%s; status 0x%x", text, (unsigned)status);
}
#define in_session(function) in_child_at(function, 1, __LINE__)
#define in_child(function) in_child_at(function, 0, __LINE__)

/* A child in a group of its own, which is in the foreground if so said. */
static inline pid_t start(int tty, int (*function)(int tty), int foreground)
{
    pid_t pid = fork();

    if (pid == 0) {
        setpgid(0, 0);
        if (foreground) {
            signal(SIGTTOU, SIG_IGN);
            tcsetpgrp(tty, getpid());
            signal(SIGTTOU, SIG_DFL);
        }
        _exit(function(tty));
    }
    setpgid(pid, pid);
    if (foreground)
        tcsetpgrp(tty, pid);
    return pid;
}

/* How it ended, or (0x7f in the low byte) stopped. */
static inline int status_of(pid_t pid)
{
    int status = -1;

    return waitpid(pid, &status, WUNTRACED) == pid ? status : -1;
}

/* The terminal in the foreground of somebody who ignores SIGTTOU for that. */
static inline int bring_back(int tty, pid_t group)
{
    int result;

    signal(SIGTTOU, SIG_IGN);
    result = tcsetpgrp(tty, group);
    signal(SIGTTOU, SIG_DFL);
    return result;
}

static inline int finish(pid_t pid)
{
    kill(pid, SIGKILL);
    kill(pid, SIGCONT);
    return status_of(pid);
}

static volatile sig_atomic_t came[NSIG];

static inline void note(int signal)
{
    came[signal]++;
}

static inline void catch(int signal, int flags)
{
    struct sigaction action = {.sa_handler = note, .sa_flags = flags};

    came[signal] = 0;
    sigaction(signal, &action, NULL);
}

#endif
