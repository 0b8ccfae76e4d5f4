/*
 * What the tests of signals share: handlers that note what came, and how to set them up.
 */
#ifndef SIGNAL_TEST_H
#define SIGNAL_TEST_H

#include "posix_test.h"

#include <setjmp.h>

static volatile sig_atomic_t count, last, order[8];
static volatile siginfo_t told;

static inline void note(int signal)
{
    if (count < 8)
        order[count] = signal;
    count++;
    last = signal;
}

static inline void note_info(int signal, siginfo_t *info, void *context)
{
    note(signal);
    told = *info;
}

/* A handler; the old action is not wanted. */
static inline void handle(int signal, void (*handler)(int), int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};

    EXPECT_EQ(sigaction(signal, &action, NULL), 0);
}

static inline void handle_info(int signal, int flags)
{
    struct sigaction action = {.sa_sigaction = note_info, .sa_flags = SA_SIGINFO | flags};

    EXPECT_EQ(sigaction(signal, &action, NULL), 0);
}

static inline sigset_t set_of(int a, int b)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, a);
    if (b != 0)
        sigaddset(&set, b);
    return set;
}

static inline void handle_all(void (*handler)(int))
{
    for (int signal = 1; signal < NSIG; signal++)
        if (signal != SIGKILL && signal != SIGSTOP)
            handle(signal, handler, 0);
}

/* As before the case: nothing pending, nothing blocked, no handlers that a case made. */
static inline void reset(void)
{
    sigset_t none;

    handle_all(SIG_IGN);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    handle_all(SIG_DFL);
    count = last = 0;
}

/* Does what it takes in a child, and expects that status of exit. */
static inline void in_child(int (*function)(void), int expected)
{
    int status = run_child(function);

    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), expected);
}

static sigjmp_buf jump;

static inline void jump_out(int signal, siginfo_t *info, void *context)
{
    note_info(signal, info, context);
    siglongjmp(jump, 1);
}

static inline void handle_by_jump(int signal, int flags)
{
    struct sigaction action = {.sa_sigaction = jump_out, .sa_flags = SA_SIGINFO | flags};

    reset();
    sigaction(signal, &action, NULL);
}

#endif
