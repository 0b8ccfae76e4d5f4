/*
 * Around fork: a child is not to find locks taken by threads it does not have. fork calls, if the program has
 * them, pthread_atfork's handlers and, in a program of several threads, what has locks of its own.
 */
#ifndef _FORK_LOCK_H_
#define _FORK_LOCK_H_

#include <cthreads.h>

enum fork_stage { FORK_BEFORE, FORK_IN_PARENT, FORK_IN_CHILD };

void __run_atfork(enum fork_stage stage) __attribute__((weak));
void __fork_malloc(enum fork_stage stage) __attribute__((weak));
void __fork_fds(enum fork_stage stage);

/* Does with a lock what the stage asks for. */
static inline void fork_lock(mutex_t *mutex, enum fork_stage stage)
{
    if (stage == FORK_BEFORE)
        mutex_lock(mutex);
    else if (stage == FORK_IN_PARENT)
        mutex_unlock(mutex);
    else
        *mutex = (mutex_t)MUTEX_INITIALIZER; /* who waited for it is not here */
}

#endif
