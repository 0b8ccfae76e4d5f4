/* POSIX's thread types, which pthread.h and sys/types.h both define. All zeros is a valid, unlocked
 * object. */
#ifndef _SYS_PTHREAD_TYPES_H_
#define _SYS_PTHREAD_TYPES_H_

#include <stddef.h>
#include <stdint.h>

typedef struct cthread *pthread_t;
typedef unsigned pthread_key_t;
typedef uint32_t pthread_once_t;
typedef uint32_t pthread_spinlock_t;

typedef struct {
    size_t stack_size; /* 0: the default */
    int detached;
} pthread_attr_t;

typedef struct {
    uint32_t state; /* 0 free, 1 held, 2 held and waited for: waiting is on this word */
    uint32_t type;
    pthread_t owner; /* of the types that check or count */
    uint32_t depth;
    uint32_t shared; /* between processes */
} pthread_mutex_t;

typedef struct {
    int type;
    int shared;
} pthread_mutexattr_t;

typedef struct {
    uint32_t sequence; /* grows with each signal: waiting is on this word */
    uint32_t waiters;
    int32_t clock;
    uint32_t shared;
} pthread_cond_t;

typedef struct {
    int clock;
    int shared;
} pthread_condattr_t;

typedef struct {
    pthread_mutex_t lock; /* on the rest */
    pthread_cond_t readers;
    pthread_cond_t writers;
    int active;          /* readers that have it; -1: a writer */
    int waiting_writers; /* before whom no new reader gets it */
} pthread_rwlock_t;

typedef struct {
    int shared;
} pthread_rwlockattr_t;

typedef struct {
    pthread_mutex_t lock; /* on the rest */
    pthread_cond_t all_there;
    unsigned count;
    unsigned arrived;
    unsigned round;
} pthread_barrier_t;

typedef struct {
    int shared;
} pthread_barrierattr_t;

#endif
