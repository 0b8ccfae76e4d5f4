/* Locks for many readers or one writer: a mutex, and two conditions to wait for. A writer that waits is
 * before any reader that comes after it. */
#include <errno.h>
#include <pthread.h>

int pthread_rwlock_init(pthread_rwlock_t *restrict lock, const pthread_rwlockattr_t *restrict attr)
{
    *lock = (pthread_rwlock_t)PTHREAD_RWLOCK_INITIALIZER;
    if (attr != NULL)
        lock->lock.shared = lock->readers.shared = lock->writers.shared = (uint32_t)attr->shared;
    return 0;
}

int pthread_rwlock_destroy(pthread_rwlock_t *lock)
{
    return lock->active != 0 ? EBUSY : 0;
}

/* Inside, cancelling has to wait: it would leave the counts wrong. */
static int wait_for(pthread_cond_t *cond, pthread_rwlock_t *lock, const struct timespec *deadline)
{
    int state;
    int error;

    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    error = pthread_cond_timedwait(cond, &lock->lock, deadline);
    pthread_setcancelstate(state, NULL);
    return error;
}

int pthread_rwlock_timedrdlock(pthread_rwlock_t *restrict lock, const struct timespec *restrict deadline)
{
    int error = 0;

    pthread_mutex_lock(&lock->lock);
    while (error == 0 && (lock->active < 0 || lock->waiting_writers > 0))
        error = wait_for(&lock->readers, lock, deadline);
    if (error == 0)
        lock->active++;
    pthread_mutex_unlock(&lock->lock);
    return error;
}

int pthread_rwlock_timedwrlock(pthread_rwlock_t *restrict lock, const struct timespec *restrict deadline)
{
    int error = 0;

    pthread_mutex_lock(&lock->lock);
    lock->waiting_writers++;
    while (error == 0 && lock->active != 0)
        error = wait_for(&lock->writers, lock, deadline);
    lock->waiting_writers--;
    if (error == 0)
        lock->active = -1;
    else if (lock->waiting_writers == 0)
        pthread_cond_broadcast(&lock->readers); /* they stood behind this one */
    pthread_mutex_unlock(&lock->lock);
    return error;
}

int pthread_rwlock_rdlock(pthread_rwlock_t *lock)
{
    return pthread_rwlock_timedrdlock(lock, NULL);
}

int pthread_rwlock_wrlock(pthread_rwlock_t *lock)
{
    return pthread_rwlock_timedwrlock(lock, NULL);
}

int pthread_rwlock_tryrdlock(pthread_rwlock_t *lock)
{
    int free;

    pthread_mutex_lock(&lock->lock);
    free = lock->active >= 0 && lock->waiting_writers == 0;
    lock->active += free;
    pthread_mutex_unlock(&lock->lock);
    return free ? 0 : EBUSY;
}

int pthread_rwlock_trywrlock(pthread_rwlock_t *lock)
{
    int free;

    pthread_mutex_lock(&lock->lock);
    free = lock->active == 0;
    lock->active -= free;
    pthread_mutex_unlock(&lock->lock);
    return free ? 0 : EBUSY;
}

int pthread_rwlock_unlock(pthread_rwlock_t *lock)
{
    pthread_mutex_lock(&lock->lock);
    lock->active = lock->active < 0 ? 0 : lock->active - 1;
    if (lock->active == 0 && lock->waiting_writers > 0)
        pthread_cond_signal(&lock->writers);
    else if (lock->waiting_writers == 0)
        pthread_cond_broadcast(&lock->readers);
    pthread_mutex_unlock(&lock->lock);
    return 0;
}

int pthread_rwlockattr_init(pthread_rwlockattr_t *attr)
{
    attr->shared = PTHREAD_PROCESS_PRIVATE;
    return 0;
}

int pthread_rwlockattr_destroy(pthread_rwlockattr_t *attr)
{
    return 0;
}

int pthread_rwlockattr_getpshared(const pthread_rwlockattr_t *restrict attr, int *restrict shared)
{
    *shared = attr->shared;
    return 0;
}

int pthread_rwlockattr_setpshared(pthread_rwlockattr_t *attr, int shared)
{
    if (shared != PTHREAD_PROCESS_PRIVATE && shared != PTHREAD_PROCESS_SHARED)
        return EINVAL;
    attr->shared = shared;
    return 0;
}
