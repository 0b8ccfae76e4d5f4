/* Semaphores, without names: a word of memory. */
#ifndef _SEMAPHORE_H_
#define _SEMAPHORE_H_

#include <limits.h>
#include <stdint.h>
#include <time.h>

typedef struct {
    uint32_t value;
    uint32_t waiters;
    uint32_t shared;
} sem_t;

int sem_init(sem_t *sem, int shared, unsigned value);
int sem_destroy(sem_t *sem);
int sem_wait(sem_t *sem);
int sem_trywait(sem_t *sem);
int sem_timedwait(sem_t *restrict sem, const struct timespec *restrict deadline);
int sem_post(sem_t *sem);
int sem_getvalue(sem_t *restrict sem, int *restrict value);

#endif
