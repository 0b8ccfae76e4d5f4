/*
 * Conditions: a word that grows with each signal. Who waits remembers it while the mutex is still
 * held; a signal after that changes the word, so the wait does not begin, or is woken. Cancelling a
 * thread that waits is a signal to its condition, too.
 */
#include "../libmach/cthread.h"
#include "wait_word.h"

#include <errno.h>
#include <pthread.h>

int pthread_cond_init(pthread_cond_t *restrict cond, const pthread_condattr_t *restrict attr)
{
    *cond = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
    if (attr != NULL) {
        cond->clock = attr->clock;
        cond->shared = (uint32_t)attr->shared;
    }
    return 0;
}

int pthread_cond_destroy(pthread_cond_t *cond)
{
    return __atomic_load_n(&cond->waiters, __ATOMIC_RELAXED) != 0 ? EBUSY : 0;
}

static void lock_cancel(cthread_t thread)
{
    while (__atomic_exchange_n(&thread->cancel_lock, 1, __ATOMIC_ACQUIRE) != 0)
        swtch();
}

static void unlock_cancel(cthread_t thread)
{
    __atomic_store_n(&thread->cancel_lock, 0, __ATOMIC_RELEASE);
}

static int is_cancelled(cthread_t self)
{
    return (__atomic_load_n(&self->cancel, __ATOMIC_ACQUIRE) & (CANCEL_PENDING | CANCEL_DISABLED))
        == CANCEL_PENDING;
}

int pthread_cond_timedwait(pthread_cond_t *restrict cond, pthread_mutex_t *restrict mutex,
                           const struct timespec *restrict deadline)
{
    cthread_t self = mach_thread_current();
    uint32_t sequence = __atomic_load_n(&cond->sequence, __ATOMIC_RELAXED);
    int error;

    if (deadline != NULL && (deadline->tv_nsec < 0 || deadline->tv_nsec >= 1000000000L))
        return EINVAL;
    pthread_testcancel();
    __atomic_add_fetch(&cond->waiters, 1, __ATOMIC_SEQ_CST);
    error = pthread_mutex_unlock(mutex);
    if (error == 0) {
        lock_cancel(self);
        self->waiting_on = &cond->sequence;
        unlock_cancel(self);
        if (!is_cancelled(self))
            error = __wait_word(&cond->sequence, sequence, (int)cond->shared, cond->clock, deadline);
        lock_cancel(self);
        self->waiting_on = NULL;
        unlock_cancel(self);
    }
    __atomic_sub_fetch(&cond->waiters, 1, __ATOMIC_SEQ_CST);
    if (error == EPERM)
        return error;
    pthread_mutex_lock(mutex);
    pthread_testcancel();
    return error;
}

int pthread_cond_wait(pthread_cond_t *restrict cond, pthread_mutex_t *restrict mutex)
{
    return pthread_cond_timedwait(cond, mutex, NULL);
}

static int signal_waiters(pthread_cond_t *cond, int all)
{
    int shared = (int)cond->shared;

    __atomic_add_fetch(&cond->sequence, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&cond->waiters, __ATOMIC_SEQ_CST) != 0)
        __wake_word(&cond->sequence, shared, all);
    return 0;
}

int pthread_cond_signal(pthread_cond_t *cond)
{
    return signal_waiters(cond, 0);
}

int pthread_cond_broadcast(pthread_cond_t *cond)
{
    return signal_waiters(cond, 1);
}

/* ---- cancellation ---- */

/* The lock keeps the condition where it is: its waiter does not return before. */
int pthread_cancel(pthread_t thread)
{
    lock_cancel(thread);
    __atomic_or_fetch(&thread->cancel, CANCEL_PENDING, __ATOMIC_SEQ_CST);
    if (thread->waiting_on != NULL) {
        __atomic_add_fetch(thread->waiting_on, 1, __ATOMIC_SEQ_CST);
        __wake_word(thread->waiting_on, 0, 1);
        __wake_word(thread->waiting_on, 1, 1);
    }
    unlock_cancel(thread);
    return 0;
}

void pthread_testcancel(void)
{
    cthread_t self = mach_thread_current();

    if (is_cancelled(self)) {
        __atomic_or_fetch(&self->cancel, CANCEL_DISABLED, __ATOMIC_RELAXED); /* once */
        pthread_exit(PTHREAD_CANCELED);
    }
}

int pthread_setcancelstate(int state, int *old)
{
    cthread_t self = mach_thread_current();

    if (state != PTHREAD_CANCEL_ENABLE && state != PTHREAD_CANCEL_DISABLE)
        return EINVAL;
    if (old != NULL)
        *old = self->cancel & CANCEL_DISABLED ? PTHREAD_CANCEL_DISABLE : PTHREAD_CANCEL_ENABLE;
    if (state == PTHREAD_CANCEL_DISABLE)
        __atomic_or_fetch(&self->cancel, CANCEL_DISABLED, __ATOMIC_RELAXED);
    else
        __atomic_and_fetch(&self->cancel, ~(uint32_t)CANCEL_DISABLED, __ATOMIC_RELAXED);
    return 0;
}

/* Deferred is all there is. */
int pthread_setcanceltype(int type, int *old)
{
    if (type != PTHREAD_CANCEL_DEFERRED)
        return type == PTHREAD_CANCEL_ASYNCHRONOUS ? ENOTSUP : EINVAL;
    if (old != NULL)
        *old = PTHREAD_CANCEL_DEFERRED;
    return 0;
}

/* ---- attributes ---- */

int pthread_condattr_init(pthread_condattr_t *attr)
{
    *attr = (pthread_condattr_t){CLOCK_REALTIME, PTHREAD_PROCESS_PRIVATE};
    return 0;
}

int pthread_condattr_destroy(pthread_condattr_t *attr)
{
    return 0;
}

int pthread_condattr_getclock(const pthread_condattr_t *restrict attr, clockid_t *restrict clock)
{
    *clock = attr->clock;
    return 0;
}

int pthread_condattr_setclock(pthread_condattr_t *attr, clockid_t clock)
{
    if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC)
        return EINVAL;
    attr->clock = clock;
    return 0;
}

int pthread_condattr_getpshared(const pthread_condattr_t *restrict attr, int *restrict shared)
{
    *shared = attr->shared;
    return 0;
}

int pthread_condattr_setpshared(pthread_condattr_t *attr, int shared)
{
    if (shared != PTHREAD_PROCESS_PRIVATE && shared != PTHREAD_PROCESS_SHARED)
        return EINVAL;
    attr->shared = shared;
    return 0;
}
