/* Barriers: the last that comes lets all go. And spin locks, which wait by letting others run. */
#include <errno.h>
#include <mach/mach.h>
#include <pthread.h>

int pthread_barrier_init(pthread_barrier_t *restrict barrier, const pthread_barrierattr_t *restrict attr,
                         unsigned count)
{
    if (count == 0)
        return EINVAL;
    *barrier = (pthread_barrier_t){.count = count};
    if (attr != NULL)
        barrier->lock.shared = barrier->all_there.shared = (uint32_t)attr->shared;
    return 0;
}

int pthread_barrier_destroy(pthread_barrier_t *barrier)
{
    return barrier->arrived != 0 ? EBUSY : 0;
}

int pthread_barrier_wait(pthread_barrier_t *barrier)
{
    unsigned round;
    int state;
    int last;

    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state); /* it is no cancellation point */
    pthread_mutex_lock(&barrier->lock);
    round = barrier->round;
    last = ++barrier->arrived == barrier->count;
    if (last) {
        barrier->arrived = 0;
        barrier->round++;
        pthread_cond_broadcast(&barrier->all_there);
    }
    while (barrier->round == round)
        pthread_cond_wait(&barrier->all_there, &barrier->lock);
    pthread_mutex_unlock(&barrier->lock);
    pthread_setcancelstate(state, NULL);
    return last ? PTHREAD_BARRIER_SERIAL_THREAD : 0;
}

int pthread_barrierattr_init(pthread_barrierattr_t *attr)
{
    attr->shared = PTHREAD_PROCESS_PRIVATE;
    return 0;
}

int pthread_barrierattr_destroy(pthread_barrierattr_t *attr)
{
    return 0;
}

int pthread_barrierattr_getpshared(const pthread_barrierattr_t *restrict attr, int *restrict shared)
{
    *shared = attr->shared;
    return 0;
}

int pthread_barrierattr_setpshared(pthread_barrierattr_t *attr, int shared)
{
    if (shared != PTHREAD_PROCESS_PRIVATE && shared != PTHREAD_PROCESS_SHARED)
        return EINVAL;
    attr->shared = shared;
    return 0;
}

int pthread_spin_init(pthread_spinlock_t *lock, int shared)
{
    *lock = 0;
    return 0;
}

int pthread_spin_destroy(pthread_spinlock_t *lock)
{
    return *lock != 0 ? EBUSY : 0;
}

int pthread_spin_trylock(pthread_spinlock_t *lock)
{
    return __atomic_exchange_n(lock, 1, __ATOMIC_ACQUIRE) != 0 ? EBUSY : 0;
}

int pthread_spin_lock(pthread_spinlock_t *lock)
{
    while (pthread_spin_trylock(lock) != 0)
        swtch();
    return 0;
}

int pthread_spin_unlock(pthread_spinlock_t *lock)
{
    __atomic_store_n(lock, 0, __ATOMIC_RELEASE);
    return 0;
}
