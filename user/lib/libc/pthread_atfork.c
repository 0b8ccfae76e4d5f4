/* pthread_atfork: functions around fork. */
#include "fork_lock.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

static struct handlers {
    struct handlers *next;     /* registered after this one */
    struct handlers *previous;
    void (*function[3])(void); /* before, in the parent, in the child */
} *first, *last;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

int pthread_atfork(void (*before)(void), void (*in_parent)(void), void (*in_child)(void))
{
    struct handlers *h = malloc(sizeof(*h));

    if (h == NULL)
        return ENOMEM;
    pthread_mutex_lock(&lock);
    *h = (struct handlers){NULL, last, {before, in_parent, in_child}};
    *(last != NULL ? &last->next : &first) = h;
    last = h;
    pthread_mutex_unlock(&lock);
    return 0;
}

/* Those before in reverse order, the others in that of their registration. */
void __run_atfork(enum fork_stage stage)
{
    struct handlers *h;

    if (stage == FORK_BEFORE)
        pthread_mutex_lock(&lock);
    for (h = stage == FORK_BEFORE ? last : first; h != NULL; h = stage == FORK_BEFORE ? h->previous : h->next)
        if (h->function[stage] != NULL)
            h->function[stage]();
    if (stage == FORK_IN_CHILD)
        lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER; /* who waited for it is not here */
    else if (stage == FORK_IN_PARENT)
        pthread_mutex_unlock(&lock);
}
