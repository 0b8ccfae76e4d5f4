/*
 * Streams and threads: a stream is locked by a mutex, and by the same thread as often as it likes. A program
 * with one thread does not lock. Read stdio_file.h before.
 */
#include "stdio_file.h"

#include <mach/mach.h>

void flockfile(FILE *f)
{
    cthread_t self = mach_thread_current();

    if (__atomic_load_n(&f->owner, __ATOMIC_RELAXED) != self) { /* only this thread can have written `self` */
        mutex_lock(&f->lock);
        __atomic_store_n(&f->owner, self, __ATOMIC_RELAXED);
    }
    f->depth++;
}

int ftrylockfile(FILE *f)
{
    cthread_t self = mach_thread_current();

    if (__atomic_load_n(&f->owner, __ATOMIC_RELAXED) != self) {
        if (!mutex_try_lock(&f->lock))
            return -1;
        __atomic_store_n(&f->owner, self, __ATOMIC_RELAXED);
    }
    f->depth++;
    return 0;
}

void funlockfile(FILE *f)
{
    if (--f->depth > 0)
        return;
    __atomic_store_n(&f->owner, NULL, __ATOMIC_RELAXED);
    mutex_unlock(&f->lock);
}

struct FILE *__stdio_lock(FILE *f)
{
    if (!mach_multithreaded)
        return NULL;
    flockfile(f);
    return f;
}

void __stdio_unlock(struct FILE **f)
{
    if (*f != NULL)
        funlockfile(*f);
}

/* A program with one thread does not even write to the lock: a child that ends would copy a page for it. */
static mutex_t list_lock = MUTEX_INITIALIZER;

void __stdio_lock_list(void)
{
    if (mach_multithreaded)
        mutex_lock(&list_lock);
}

void __stdio_unlock_list(void)
{
    if (mach_multithreaded)
        mutex_unlock(&list_lock);
}
