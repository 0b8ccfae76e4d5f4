/* Values of a thread's own, by key; and pthread_once. */
#include "../libmach/cthread.h"
#include "wait_word.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>

static struct key {
    int in_use;
    unsigned number; /* of keys that were here before: their values are not this one's */
    void (*destructor)(void *);
} keys[PTHREAD_KEYS_MAX];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

struct value {
    const void *value;
    unsigned number;
};

int pthread_key_create(pthread_key_t *key, void (*destructor)(void *))
{
    int error = EAGAIN;

    pthread_mutex_lock(&lock);
    for (unsigned i = 0; i < PTHREAD_KEYS_MAX && error != 0; i++) {
        if (keys[i].in_use)
            continue;
        keys[i] = (struct key){1, keys[i].number + 1, destructor};
        *key = i;
        error = 0;
    }
    pthread_mutex_unlock(&lock);
    return error;
}

int pthread_key_delete(pthread_key_t key)
{
    int error = EINVAL;

    pthread_mutex_lock(&lock);
    if (key < PTHREAD_KEYS_MAX && keys[key].in_use) {
        keys[key].in_use = 0;
        error = 0;
    }
    pthread_mutex_unlock(&lock);
    return error;
}

void *pthread_getspecific(pthread_key_t key)
{
    struct value *values = mach_thread_current()->values;

    if (values == NULL || key >= PTHREAD_KEYS_MAX || values[key].number != keys[key].number)
        return NULL;
    return (void *)values[key].value;
}

int pthread_setspecific(pthread_key_t key, const void *value)
{
    cthread_t self = mach_thread_current();
    struct value *values = self->values;

    if (key >= PTHREAD_KEYS_MAX || !keys[key].in_use)
        return EINVAL;
    if (values == NULL) {
        values = calloc(PTHREAD_KEYS_MAX, sizeof(*values));
        if (values == NULL)
            return ENOMEM;
        self->values = values;
    }
    values[key] = (struct value){value, keys[key].number};
    return 0;
}

/* At a thread's end. A destructor may set values again. */
void __pthread_destroy_values(void)
{
    cthread_t self = mach_thread_current();
    struct value *values = self->values;
    int again = values != NULL;

    for (int round = 0; again && round < PTHREAD_DESTRUCTOR_ITERATIONS; round++) {
        again = 0;
        for (unsigned i = 0; i < PTHREAD_KEYS_MAX; i++) {
            void *value = pthread_getspecific(i);

            if (value == NULL || !keys[i].in_use || keys[i].destructor == NULL)
                continue;
            values[i].value = NULL;
            keys[i].destructor(value);
            again = 1;
        }
    }
    self->values = NULL;
    free(values);
}

#define ONCE_RUNNING 1
#define ONCE_DONE    2

int pthread_once(pthread_once_t *once, void (*function)(void))
{
    uint32_t state = PTHREAD_ONCE_INIT;

    if (__atomic_load_n(once, __ATOMIC_ACQUIRE) == ONCE_DONE)
        return 0;
    if (__atomic_compare_exchange_n(once, &state, ONCE_RUNNING, 0, __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE)) {
        function();
        __atomic_store_n(once, ONCE_DONE, __ATOMIC_RELEASE);
        __wake_word(once, 0, 1);
    }
    while (__atomic_load_n(once, __ATOMIC_ACQUIRE) != ONCE_DONE)
        __wait_word(once, ONCE_RUNNING, 0, CLOCK_MONOTONIC, NULL);
    return 0;
}
