/* Semaphores without names: a count, waited for while it is 0. */
#include "posix.h"
#include "wait_word.h"

#include <errno.h>
#include <semaphore.h>

int sem_init(sem_t *sem, int shared, unsigned value)
{
    if (value > SEM_VALUE_MAX)
        return __fail(EINVAL);
    *sem = (sem_t){value, 0, shared != 0};
    return 0;
}

int sem_destroy(sem_t *sem)
{
    return sem->waiters != 0 ? __fail(EBUSY) : 0;
}

int sem_trywait(sem_t *sem)
{
    uint32_t value = __atomic_load_n(&sem->value, __ATOMIC_RELAXED);

    while (value > 0)
        if (__atomic_compare_exchange_n(&sem->value, &value, value - 1, 0, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED))
            return 0;
    return __fail(EAGAIN);
}

int sem_timedwait(sem_t *restrict sem, const struct timespec *restrict deadline)
{
    int before = errno;

    while (sem_trywait(sem) < 0) {
        int error;

        __atomic_add_fetch(&sem->waiters, 1, __ATOMIC_SEQ_CST);
        error = __wait_word(&sem->value, 0, (int)sem->shared, CLOCK_REALTIME, deadline);
        __atomic_sub_fetch(&sem->waiters, 1, __ATOMIC_SEQ_CST);
        if (error != 0)
            return __fail(error);
    }
    errno = before;
    return 0;
}

int sem_wait(sem_t *sem)
{
    return sem_timedwait(sem, NULL);
}

int sem_post(sem_t *sem)
{
    uint32_t value = __atomic_load_n(&sem->value, __ATOMIC_RELAXED);
    int shared = (int)sem->shared;

    do
        if (value == SEM_VALUE_MAX)
            return __fail(EOVERFLOW);
    while (!__atomic_compare_exchange_n(&sem->value, &value, value + 1, 0, __ATOMIC_SEQ_CST,
                                        __ATOMIC_RELAXED));
    if (__atomic_load_n(&sem->waiters, __ATOMIC_SEQ_CST) != 0)
        __wake_word(&sem->value, shared, 0);
    return 0;
}

int sem_getvalue(sem_t *restrict sem, int *restrict value)
{
    *value = (int)__atomic_load_n(&sem->value, __ATOMIC_RELAXED);
    return 0;
}
