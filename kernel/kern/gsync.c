/*
 * gsync: waiting for a word of user memory to change. Read mach/gsync.defs and kern/sched.h first.
 *
 * The word cannot be looked at under a spin lock, since it may have to be paged in. So a bucket of the hash
 * table counts the wakes that it has seen. Who wants to wait reads the count, then the word, then takes
 * the lock and looks at the count again: if it has not changed, nobody has called for a wake since the
 * word was read; who calls from now on finds the waiter in the queue. Who wakes has changed the word
 * before he called, and the count is stored with release: who sees the new count sees the new word.
 */
#include <kern/debug.h>
#include <kern/sched.h>
#include <kern/task.h>
#include <mach/gsync_server.h>
#include <vm/vm_map.h>

#define GSYNC_FLAGS (GSYNC_SHARED | GSYNC_QUAD | GSYNC_TIMED | GSYNC_BROADCAST | GSYNC_MUTATE)

/* What waiters and wakers meet by. A waiter's is on its stack, where thread->wait_event points: owned by the
 * bucket's lock while it waits. */
struct gsync_key {
    void *memory;       /* the map; or (shared) the object, with a reference as long as the key is used */
    vm_offset_t offset; /* in that */
};

#define BUCKETS 256 /* a power of two */

static struct bucket {
    spinlock_t lock;
    uint32_t wakes;
    struct waitq waitq;
} buckets[BUCKETS];

static struct bucket *bucket_of(const struct gsync_key *key)
{
    /* objects are 16-aligned, words 4-aligned; the factor is 2^64 / golden ratio */
    uint64_t hash = (((uintptr_t)key->memory >> 4) ^ (key->offset >> 2)) * 0x9e3779b97f4a7c15UL;

    return &buckets[hash / (~0UL / BUCKETS + 1)];
}

/* Checks flags and address; on success the key is to be dropped. No locks. */
static kern_return_t key_make(vm_map_t map, vm_address_t address, int flags, struct gsync_key *key)
{
    vm_size_t size = flags & GSYNC_QUAD ? sizeof(uint64_t) : sizeof(uint32_t);

    if (map == NULL)
        return KERN_INVALID_TASK;
    if (flags & ~GSYNC_FLAGS)
        return KERN_INVALID_ARGUMENT;
    if (address % size != 0)
        return KERN_INVALID_ADDRESS;
    if (flags & GSYNC_SHARED)
        return vm_map_object_at(map, address, (vm_object_t *)&key->memory, &key->offset);
    *key = (struct gsync_key){map, address};
    return KERN_SUCCESS;
}

static void key_drop(const struct gsync_key *key, int flags)
{
    if (flags & GSYNC_SHARED)
        vm_object_deallocate(key->memory);
}

/* The first who waits for the key, or NULL. Bucket locked. */
static thread_t find(struct bucket *bucket, const struct gsync_key *key)
{
    thread_t thread;

    queue_for_each (thread, &bucket->waitq.threads, struct thread, wait_link) {
        const struct gsync_key *other = thread->wait_event;

        if (other->memory == key->memory && other->offset == key->offset)
            return thread;
    }
    return NULL;
}

/* For who may be about to wait: see above. Bucket locked. */
static void count_wake(struct bucket *bucket)
{
    __atomic_store_n(&bucket->wakes, bucket->wakes + 1, __ATOMIC_RELEASE);
}

/* ---- waiting --------------------------------------------------------------------------------- */

/* In one access if it is the current task's. */
static kern_return_t read_word(vm_map_t map, vm_address_t address, vm_size_t size, uint64_t *word)
{
    *word = 0;
    if (map == current_map())
        return copyin((const void *)address, word, size) == 0 ? KERN_SUCCESS : KERN_INVALID_ADDRESS;
    return vm_map_read_bytes(map, address, word, size);
}

/* One attempt: KERN_FAILURE, somebody was woken meanwhile; look again. */
static kern_return_t wait_once(vm_map_t map, vm_address_t address, uint64_t value, vm_size_t size,
                               uint64_t deadline, struct gsync_key *key)
{
    struct bucket *bucket = bucket_of(key);
    uint32_t wakes = __atomic_load_n(&bucket->wakes, __ATOMIC_ACQUIRE);
    uint64_t word;
    kern_return_t kr = read_word(map, address, size, &word);

    if (kr != KERN_SUCCESS)
        return kr;
    if (word != value)
        return KERN_INVALID_ARGUMENT;
    spin_lock(&bucket->lock);
    if (bucket->wakes != wakes) {
        spin_unlock(&bucket->lock);
        return KERN_FAILURE;
    }
    waitq_assert_wait(&bucket->waitq, true, deadline);
    current_thread()->wait_event = key;
    spin_unlock(&bucket->lock);
    switch (thread_block()) {
    case THREAD_AWAKENED:
        return KERN_SUCCESS;
    case THREAD_TIMED_OUT:
        return KERN_OPERATION_TIMED_OUT;
    default:
        return KERN_ABORTED;
    }
}

kern_return_t gsync_wait(vm_map_t map, vm_address_t address, natural_t val1, natural_t val2,
                         natural_t timeout, int flags)
{
    uint64_t deadline = flags & GSYNC_TIMED ? deadline_after_ms(timeout) : DEADLINE_NONE;
    vm_size_t size = flags & GSYNC_QUAD ? sizeof(uint64_t) : sizeof(uint32_t);
    uint64_t value = flags & GSYNC_QUAD ? (uint64_t)val2 << 32 | val1 : val1;
    struct gsync_key key;
    kern_return_t kr = key_make(map, address, flags, &key);

    if (kr != KERN_SUCCESS)
        return kr;
    while ((kr = wait_once(map, address, value, size, deadline, &key)) == KERN_FAILURE)
        if (!preempt_point()) {
            kr = KERN_ABORTED;
            break;
        }
    key_drop(&key, flags);
    return kr;
}

/* ---- waking ---------------------------------------------------------------------------------- */

/* True: somebody was. No locks. */
static bool wake_one(const struct gsync_key *key)
{
    struct bucket *bucket = bucket_of(key);
    thread_t thread;

    spin_lock(&bucket->lock);
    count_wake(bucket);
    thread = find(bucket, key);
    if (thread != NULL && !waitq_remove(&bucket->waitq, thread))
        panic("gsync: thread %p is in a queue and does not wait", thread);
    spin_unlock(&bucket->lock);
    if (thread != NULL)
        thread_go(thread, THREAD_AWAKENED);
    return thread != NULL;
}

kern_return_t gsync_wake(vm_map_t map, vm_address_t address, natural_t val, int flags)
{
    struct gsync_key key;
    kern_return_t kr = key_make(map, address, flags, &key);

    if (kr != KERN_SUCCESS)
        return kr;
    if ((flags & GSYNC_MUTATE) && map == current_map())
        kr = copyout(&val, (void *)address, sizeof(val)) == 0 ? KERN_SUCCESS : KERN_INVALID_ADDRESS;
    else if (flags & GSYNC_MUTATE)
        kr = vm_map_write_bytes(map, address, &val, sizeof(val));
    if (kr == KERN_SUCCESS) {
        kr = wake_one(&key) ? KERN_SUCCESS : KERN_INVALID_ARGUMENT;
        while (kr == KERN_SUCCESS && (flags & GSYNC_BROADCAST) && preempt_point() && wake_one(&key))
            continue;
    }
    key_drop(&key, flags);
    return kr;
}

/* The first who waits for `from` waits for `to` from now on: true. The keys change places: *to is what the
 * waiter's was, to be dropped by the caller. No locks. */
static bool move_one(const struct gsync_key *from, struct gsync_key *to)
{
    struct bucket *source = bucket_of(from);
    struct bucket *target = bucket_of(to);
    struct bucket *first = MIN(source, target);
    struct bucket *second = MAX(source, target);
    thread_t thread;

    spin_lock(&first->lock);
    if (second != first)
        spin_lock_second(&second->lock);
    count_wake(source);
    thread = find(source, from);
    if (thread != NULL) {
        struct gsync_key *key = (struct gsync_key *)thread->wait_event;
        struct gsync_key swap = *key;

        *key = *to;
        *to = swap;
        waitq_move(&source->waitq, &target->waitq, thread);
    }
    if (second != first)
        spin_unlock(&second->lock);
    spin_unlock(&first->lock);
    return thread != NULL;
}

kern_return_t gsync_requeue(vm_map_t map, vm_address_t src, vm_address_t dst, boolean_t wake_first,
                            int flags)
{
    struct gsync_key from, to;
    kern_return_t kr = key_make(map, src, flags, &from);
    bool moved;

    if (kr != KERN_SUCCESS)
        return kr;
    kr = key_make(map, dst, flags, &to);
    if (kr != KERN_SUCCESS) {
        key_drop(&from, flags);
        return kr;
    }
    kr = KERN_INVALID_ARGUMENT;
    if (from.memory != to.memory || from.offset != to.offset) {
        if (wake_first && wake_one(&from))
            kr = KERN_SUCCESS;
        do {
            struct gsync_key given = to; /* the waiter's, with a reference of its own */

            if (flags & GSYNC_SHARED)
                vm_object_reference(given.memory);
            moved = move_one(&from, &given);
            key_drop(&given, flags);
            if (moved)
                kr = KERN_SUCCESS;
        } while (moved && (flags & GSYNC_BROADCAST) && preempt_point());
    }
    key_drop(&from, flags);
    key_drop(&to, flags);
    return kr;
}

void gsync_init(void)
{
    for (int i = 0; i < BUCKETS; i++) {
        spin_lock_init(&buckets[i].lock, LOCK_WAITQ);
        waitq_init(&buckets[i].waitq, &buckets[i].lock);
    }
}
