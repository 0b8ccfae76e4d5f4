/*
 * Time-outs: a pairing heap of timers for each CPU, and conversions between the counter's ticks and
 * human units. Read the last part of kern/sched.h first.
 *
 * A pairing heap is a tree in which no timer is due before its parent: the root is due next. To
 * insert is to compare with the root: constant time. To remove a timer is to cut out its subtree,
 * and to merge its children pair by pair: O(log n) amortized, and most timers are removed before
 * they expire. `child` is the first child, `sibling` the next one, `prev` the previous sibling, or
 * for a first child the parent. [Fredman, Sedgewick, Sleator, Tarjan: The pairing heap, 1986]
 */
#include <kern/cpu.h>
#include <kern/debug.h>
#include <kern/thread.h>
#include <machine/spin.h>

#define NSEC_PER_SEC 1000000000UL

struct timer_queue {
    spinlock_t lock;
    struct timer *root;
    struct timer *volatile expiring; /* whose expire function runs here now */
};

static struct timer_queue queues[MAX_CPUS];

/* CPU 0 has a timer interrupt at least this often, busy or idle: who looks at grade_log from
 * outside reads the time there. */
#define PULSE_MS 100
static struct timer pulse;

/* Two heaps made one. */
static struct timer *heap_merge(struct timer *a, struct timer *b)
{
    if (a == NULL || b == NULL)
        return a != NULL ? a : b;
    if (b->deadline < a->deadline) {
        struct timer *swap = a;

        a = b;
        b = swap;
    }
    b->sibling = a->child;
    if (b->sibling != NULL)
        b->sibling->prev = b;
    b->prev = a;
    a->child = b;
    return a;
}

/* A list of siblings made one heap: first pairs from left to right, then all from right to left. */
static struct timer *heap_merge_list(struct timer *list)
{
    struct timer *pairs = NULL;
    struct timer *heap = NULL;

    while (list != NULL) {
        struct timer *first = list;
        struct timer *second = first->sibling;

        list = second != NULL ? second->sibling : NULL;
        first->sibling = first->prev = NULL;
        if (second != NULL)
            second->sibling = second->prev = NULL;
        first = heap_merge(first, second);
        first->sibling = pairs; /* a stack: the last pair is merged first */
        pairs = first;
    }
    while (pairs != NULL) {
        struct timer *next = pairs->sibling;

        pairs->sibling = NULL;
        heap = heap_merge(heap, pairs);
        pairs = next;
    }
    return heap;
}

static struct timer *heap_remove(struct timer *root, struct timer *timer)
{
    struct timer *rest = heap_merge_list(timer->child);

    timer->child = NULL;
    if (timer == root)
        return rest;
    if (timer->prev->child == timer)
        timer->prev->child = timer->sibling;
    else
        timer->prev->sibling = timer->sibling;
    if (timer->sibling != NULL)
        timer->sibling->prev = timer->prev;
    timer->sibling = timer->prev = NULL;
    return heap_merge(root, rest);
}

/* Programs this CPU's hardware timer. */
static void set_hardware(struct timer_queue *queue)
{
    machine_timer_set(queue->root != NULL ? queue->root->deadline : ~0UL);
}

void timer_init(struct timer *timer, void (*expire)(struct timer *))
{
    memset(timer, 0, sizeof(*timer));
    timer->expire = expire;
}

void timer_arm(struct timer *timer, uint64_t deadline)
{
    struct cpu *cpu = current_cpu();
    struct timer_queue *queue = &queues[cpu->number];

    spin_lock(&queue->lock);
    assert(!timer->armed);
    timer->deadline = deadline;
    timer->cpu = cpu->number;
    timer->armed = true;
    timer->child = timer->sibling = timer->prev = NULL;
    queue->root = heap_merge(queue->root, timer);
    if (queue->root == timer)
        set_hardware(queue);
    spin_unlock(&queue->lock);
}

bool timer_cancel(struct timer *timer)
{
    struct timer_queue *queue;
    bool was_armed;

    /* Its CPU cannot change while it is armed; the hardware may then go off for nothing:
     * harmless. */
    queue = &queues[timer->cpu];
    spin_lock(&queue->lock);
    was_armed = timer->armed;
    if (was_armed) {
        queue->root = heap_remove(queue->root, timer);
        timer->armed = false;
    }
    spin_unlock(&queue->lock);
    return was_armed;
}

void timer_drain(struct timer *timer)
{
    for (uint32_t i = 0; i < MAX_CPUS; i++) {
        /* Its own CPU cannot be in there now: we run. */
        while (queues[i].expiring == timer)
            machine_spin_pause();
    }
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
}

void timer_interrupt(void)
{
    struct timer_queue *queue = &queues[current_cpu()->number];

    for (;;) {
        struct timer *timer;

        spin_lock(&queue->lock);
        timer = queue->root;
        if (timer == NULL || timer->deadline > machine_time())
            break;
        queue->root = heap_remove(timer, timer);
        queue->expiring = timer; /* before armed is false: see timer_drain */
        __atomic_thread_fence(__ATOMIC_RELEASE);
        timer->armed = false;
        spin_unlock(&queue->lock);
        timer->expire(timer);
        __atomic_store_n(&queue->expiring, NULL, __ATOMIC_RELEASE);
    }
    set_hardware(queue);
    spin_unlock(&queue->lock);
}

static void pulse_expired(struct timer *timer)
{
    timer_arm(timer, deadline_after_ms(PULSE_MS));
}

void timer_system_init(void)
{
    for (uint32_t i = 0; i < MAX_CPUS; i++)
        spin_lock_init(&queues[i].lock, LOCK_TIMER);
    timer_init(&pulse, pulse_expired);
    timer_arm(&pulse, deadline_after_ms(PULSE_MS));
}

/* ---- units ---- */

/* An overflow means a time so far away that it never comes. */
uint64_t deadline_after_ns(uint64_t ns)
{
    uint64_t hz = machine_time_frequency();
    uint64_t seconds = ns / NSEC_PER_SEC;
    uint64_t ticks = seconds * hz + (ns % NSEC_PER_SEC * hz + NSEC_PER_SEC - 1) / NSEC_PER_SEC;

    /* At most 2^64 ns, and the counter runs slower than 1 GHz: only the sum can overflow. */
    return __builtin_add_overflow(machine_time(), ticks, &ticks) ? ~0UL : ticks;
}

uint64_t deadline_after_ms(uint32_t ms)
{
    return machine_time() + ((uint64_t)ms * machine_time_frequency() + 999) / 1000;
}

void time_from_machine(uint64_t ticks, time_value64_t *out)
{
    uint64_t hz = machine_time_frequency();

    out->seconds = ticks / hz;
    out->nanoseconds = ticks % hz * NSEC_PER_SEC / hz;
}
