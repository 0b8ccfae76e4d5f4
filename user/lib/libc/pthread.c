/*
 * Threads: pthread_create, _exit, _join, and what a thread does at its end. Read pthread.h and
 * user/lib/libmach/cthread.h before.
 */
#include "../libmach/cthread.h"
#include "posix.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define STACK_DEFAULT (2UL << 20) /* only what is touched takes memory */

/* The values of its keys, if the program has keys. (pthread_key.c) */
void __pthread_destroy_values(void) __attribute__((weak));

/* Every thread's last act, but the one whose exit() ends the process. */
static void end_thread(void)
{
    cthread_t self = mach_thread_current();

    while (self->cleanups != NULL) {
        struct __pthread_cleanup *cleanup = self->cleanups;

        self->cleanups = cleanup->next;
        cleanup->function(cleanup->arg);
    }
    if (__pthread_destroy_values != NULL)
        __pthread_destroy_values();
    if (mach_thread_leave() == 0) /* the last: the process ends as if by exit(0) */
        exit(0);
}

int pthread_create(pthread_t *restrict thread, const pthread_attr_t *restrict attr, void *(*start)(void *),
                   void *restrict arg)
{
    size_t size = attr != NULL && attr->stack_size != 0 ? attr->stack_size : STACK_DEFAULT;
    pthread_t made;
    kern_return_t kr;

    mach_thread_ending = end_thread;
    if (attr != NULL && attr->detached) {
        kr = mach_thread_create_sized(start, arg, size, TRUE, thread);
    } else {
        kr = mach_thread_create_sized(start, arg, size, FALSE, &made);
        if (kr == KERN_SUCCESS)
            *thread = made;
    }
    return kr == KERN_SUCCESS ? 0 : EAGAIN;
}

void pthread_exit(void *value)
{
    mach_thread_ending = end_thread;
    mach_thread_exit(value);
}

int pthread_join(pthread_t thread, void **value)
{
    void *result;

    if (thread == mach_thread_current())
        return EDEADLK;
    if (mach_thread_is_detached(thread))
        return EINVAL;
    result = mach_thread_join(thread);
    if (value != NULL)
        *value = result;
    return 0;
}

int pthread_detach(pthread_t thread)
{
    if (mach_thread_is_detached(thread))
        return EINVAL;
    mach_thread_detach(thread);
    return 0;
}

pthread_t pthread_self(void)
{
    return mach_thread_current();
}

int pthread_equal(pthread_t a, pthread_t b)
{
    return a == b;
}

int sched_yield(void)
{
    swtch();
    return 0;
}

void __pthread_cleanup_push(struct __pthread_cleanup *cleanup)
{
    cthread_t self = mach_thread_current();

    cleanup->next = self->cleanups;
    self->cleanups = cleanup;
}

void __pthread_cleanup_pop(struct __pthread_cleanup *cleanup, int run)
{
    mach_thread_current()->cleanups = cleanup->next;
    if (run)
        cleanup->function(cleanup->arg);
}

/* ---- attributes ---- */

int pthread_attr_init(pthread_attr_t *attr)
{
    *attr = (pthread_attr_t){0, PTHREAD_CREATE_JOINABLE};
    return 0;
}

int pthread_attr_destroy(pthread_attr_t *attr)
{
    return 0;
}

int pthread_attr_getdetachstate(const pthread_attr_t *attr, int *state)
{
    *state = attr->detached;
    return 0;
}

int pthread_attr_setdetachstate(pthread_attr_t *attr, int state)
{
    if (state != PTHREAD_CREATE_JOINABLE && state != PTHREAD_CREATE_DETACHED)
        return EINVAL;
    attr->detached = state;
    return 0;
}

int pthread_attr_getstacksize(const pthread_attr_t *restrict attr, size_t *restrict size)
{
    *size = attr->stack_size != 0 ? attr->stack_size : STACK_DEFAULT;
    return 0;
}

int pthread_attr_setstacksize(pthread_attr_t *attr, size_t size)
{
    if (size < PTHREAD_STACK_MIN || size > SSIZE_MAX / 2)
        return EINVAL;
    attr->stack_size = size;
    return 0;
}

int pthread_attr_getguardsize(const pthread_attr_t *restrict attr, size_t *restrict size)
{
    *size = PAGE_SIZE;
    return 0;
}

int pthread_attr_setguardsize(pthread_attr_t *attr, size_t size)
{
    return size <= PAGE_SIZE ? 0 : EINVAL;
}

int pthread_attr_getscope(const pthread_attr_t *restrict attr, int *restrict scope)
{
    *scope = PTHREAD_SCOPE_SYSTEM;
    return 0;
}

int pthread_attr_setscope(pthread_attr_t *attr, int scope)
{
    return scope == PTHREAD_SCOPE_SYSTEM ? 0 : scope == PTHREAD_SCOPE_PROCESS ? ENOTSUP : EINVAL;
}
