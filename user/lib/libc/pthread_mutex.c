/*
 * Mutexes: a word that is 0 when free, 1 when held, 2 when held and perhaps waited for. Taking a free one and
 * giving back one nobody waits for are an atomic instruction each. [Drepper, Futexes Are Tricky, mutex 2]
 */
#include "wait_word.h"

#include <errno.h>
#include <pthread.h>

int pthread_mutex_init(pthread_mutex_t *restrict mutex, const pthread_mutexattr_t *restrict attr)
{
    *mutex = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    if (attr != NULL) {
        mutex->type = (uint32_t)attr->type;
        mutex->shared = (uint32_t)attr->shared;
    }
    return 0;
}

int pthread_mutex_destroy(pthread_mutex_t *mutex)
{
    return __atomic_load_n(&mutex->state, __ATOMIC_RELAXED) != 0 ? EBUSY : 0;
}

static int try_word(pthread_mutex_t *mutex)
{
    uint32_t free = 0;

    return __atomic_compare_exchange_n(&mutex->state, &free, 1, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

/* Does the caller hold it? Only it can have written its own name there. */
static int is_mine(const pthread_mutex_t *mutex)
{
    return __atomic_load_n(&mutex->owner, __ATOMIC_RELAXED) == pthread_self();
}

/* What the types that check and count do with a mutex that is the caller's. -1: it is not. */
static int lock_again(pthread_mutex_t *mutex, int own)
{
    if (mutex->type == PTHREAD_MUTEX_NORMAL || !is_mine(mutex))
        return -1;
    if (mutex->type == PTHREAD_MUTEX_ERRORCHECK)
        return own;
    if (mutex->depth == UINT32_MAX)
        return EAGAIN;
    mutex->depth++;
    return 0;
}

static int take(pthread_mutex_t *mutex)
{
    if (mutex->type != PTHREAD_MUTEX_NORMAL) {
        __atomic_store_n(&mutex->owner, pthread_self(), __ATOMIC_RELAXED);
        mutex->depth = 1;
    }
    return 0;
}

int pthread_mutex_trylock(pthread_mutex_t *mutex)
{
    int again = lock_again(mutex, EBUSY);

    if (again >= 0)
        return again;
    return try_word(mutex) ? take(mutex) : EBUSY;
}

int pthread_mutex_timedlock(pthread_mutex_t *restrict mutex, const struct timespec *restrict deadline)
{
    int again = lock_again(mutex, EDEADLK);

    if (again >= 0)
        return again;
    if (try_word(mutex))
        return take(mutex);
    while (__atomic_exchange_n(&mutex->state, 2, __ATOMIC_ACQUIRE) != 0) {
        int error = __wait_word(&mutex->state, 2, (int)mutex->shared, CLOCK_REALTIME, deadline);

        if (error != 0)
            return error; /* 2 stays: at worst an unlock wakes nobody */
    }
    return take(mutex);
}

int pthread_mutex_lock(pthread_mutex_t *mutex)
{
    return pthread_mutex_timedlock(mutex, NULL);
}

int pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    int shared = (int)mutex->shared; /* once it is free, another may destroy it */

    if (mutex->type != PTHREAD_MUTEX_NORMAL) {
        if (!is_mine(mutex))
            return EPERM;
        if (--mutex->depth > 0)
            return 0;
        __atomic_store_n(&mutex->owner, NULL, __ATOMIC_RELAXED);
    }
    if (__atomic_exchange_n(&mutex->state, 0, __ATOMIC_RELEASE) == 2)
        __wake_word(&mutex->state, shared, 0);
    return 0;
}

int pthread_mutexattr_init(pthread_mutexattr_t *attr)
{
    *attr = (pthread_mutexattr_t){PTHREAD_MUTEX_DEFAULT, PTHREAD_PROCESS_PRIVATE};
    return 0;
}

int pthread_mutexattr_destroy(pthread_mutexattr_t *attr)
{
    return 0;
}

int pthread_mutexattr_gettype(const pthread_mutexattr_t *restrict attr, int *restrict type)
{
    *type = attr->type;
    return 0;
}

/* Owners are known by their address, which another process may have, too. */
static int fits(int type, int shared)
{
    return shared == PTHREAD_PROCESS_PRIVATE || type == PTHREAD_MUTEX_NORMAL;
}

int pthread_mutexattr_settype(pthread_mutexattr_t *attr, int type)
{
    if (type < PTHREAD_MUTEX_NORMAL || type > PTHREAD_MUTEX_ERRORCHECK)
        return EINVAL;
    if (!fits(type, attr->shared))
        return ENOTSUP;
    attr->type = type;
    return 0;
}

int pthread_mutexattr_getpshared(const pthread_mutexattr_t *restrict attr, int *restrict shared)
{
    *shared = attr->shared;
    return 0;
}

int pthread_mutexattr_setpshared(pthread_mutexattr_t *attr, int shared)
{
    if (shared != PTHREAD_PROCESS_PRIVATE && shared != PTHREAD_PROCESS_SHARED)
        return EINVAL;
    if (!fits(attr->type, shared))
        return ENOTSUP;
    attr->shared = shared;
    return 0;
}
