/*
 * The rest of the kernel, for kernel/ipc on the host. Read ipc_host.h before.
 *
 * One coroutine (ucontext) a kernel thread. A switch may happen where a thread blocks, and, when
 * host_preempt is set, at random wherever a thread has just released its last lock or touches user
 * memory: so all interleavings of critical sections that several CPUs could make can come up, each
 * reproducible from the seed. Memory is malloc's, so the sanitizers see every use after free.
 */
#include "ipc_host.h"

#include <ipc/ipc_kobject.h>
#include <ipc/ipc_space.h>
#include <kern/debug.h>
#include <kern/host.h>
#include <kern/memory_gone.h>
#include <kern/zone.h>
#include <kern/trace.h>
#include <mig_kernel.h>
#include <stdlib.h>
#include <ucontext.h>
#include <vm/vm_map.h>

int fflush(void *stream); /* <stdio.h> would clash with kern/debug.h */

/* ---- randomness ------------------------------------------------------------------------------ */

static uint64_t random_state;

void host_seed(uint64_t seed)
{
    random_state = seed * 0x9e3779b97f4a7c15UL + 1;
}

uint32_t host_random(uint32_t below)
{
    random_state ^= random_state << 13; /* xorshift64 */
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (random_state >> 16) % below;
}

void panic(const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    vprintf(format, ap);
    va_end(ap);
    printf("\n");
    fflush(NULL);
    abort();
}

/* ---- threads --------------------------------------------------------------------------------- */

#define THREADS_MAX 32
#define STACK_SIZE  (256 * 1024)

struct coroutine {
    struct thread thread; /* FIRST */
    ucontext_t context;
    void (*entry)(void);
    void *stack;
    bool runnable;
    bool ended;
    bool at_rest; /* it yielded by itself, in the middle of nothing */
    /* the locks it holds */
    spinlock_t *held[16];
    uint32_t held_count;
};

struct thread *host_thread;
uint32_t host_thread_count;
bool host_preempt;
static struct coroutine *coroutines[THREADS_MAX];
static struct coroutine main_coroutine;
static ucontext_t scheduler;
struct cpu cpus[MAX_CPUS];
#define host_cpu cpus[0]

static struct coroutine *current(void)
{
    return (struct coroutine *)host_thread;
}

static void switch_out(void)
{
    struct coroutine *self = current();

    CHECK(self->held_count == 0);
    swapcontext(&self->context, &scheduler);
    host_thread = &self->thread;
}

void host_yield(void)
{
    current()->at_rest = true;
    switch_out();
    current()->at_rest = false;
}

static void maybe_preempt(void)
{
    if (host_preempt && current() != &main_coroutine && host_random(4) == 0)
        switch_out();
}

static void start(void)
{
    current()->entry();
    current()->ended = true;
    current()->runnable = false;
    for (;;)
        switch_out();
}

thread_t host_spawn(task_t task, void (*entry)(void))
{
    struct coroutine *c = calloc(1, sizeof(*c));

    CHECK(host_thread_count < THREADS_MAX);
    c->thread.machine.cpu = &host_cpu;
    c->thread.task = task;
    queue_init(&c->thread.wait_link);
    c->entry = entry;
    c->stack = malloc(STACK_SIZE);
    c->runnable = true;
    getcontext(&c->context);
    c->context.uc_stack.ss_sp = c->stack;
    c->context.uc_stack.ss_size = STACK_SIZE;
    makecontext(&c->context, start, 0);
    coroutines[host_thread_count++] = c;
    return &c->thread;
}

static void run(struct coroutine *c)
{
    host_thread = &c->thread;
    swapcontext(&scheduler, &c->context);
    host_thread = &main_coroutine.thread;
}

/* Ends a wait as a time-out or an abort would, unless another thread owns the wake-up already. */
static void end_wait(struct coroutine *c)
{
    if (c->thread.waitq == NULL)
        return;
    queue_remove(&c->thread.wait_link);
    c->thread.waitq = NULL;
    c->thread.wait_result = host_random(4) == 0 ? THREAD_INTERRUPTED : THREAD_TIMED_OUT;
    c->runnable = true;
}

void host_run(uint32_t switches)
{
    for (uint32_t i = 0; i < switches; i++) {
        struct coroutine *c = coroutines[host_random(host_thread_count)];

        if (!c->runnable && !c->ended && host_random(8) == 0)
            end_wait(c);
        if (c->runnable)
            run(c);
    }
    host_preempt = false;
    for (uint32_t i = 0; i < host_thread_count; i++)
        if (coroutines[i]->runnable && !coroutines[i]->at_rest) {
            run(coroutines[i]);
            i = -1; /* it may have woken any */
        }
}

static void threads_free(void)
{
    for (uint32_t i = 0; i < host_thread_count; i++) {
        CHECK(coroutines[i]->ended);
        free(coroutines[i]->stack);
        free(coroutines[i]);
    }
    host_thread_count = 0;
}

void host_run_out(void)
{
    bool left = true;

    while (left) {
        left = false;
        for (uint32_t i = 0; i < host_thread_count; i++) {
            struct coroutine *c = coroutines[i];

            if (c->ended)
                continue;
            left = true;
            if (!c->runnable)
                end_wait(c);
            if (c->runnable)
                run(c);
        }
    }
    threads_free();
}

void host_run_in_turn(void)
{
    bool ran = true;

    while (ran) {
        ran = false;
        for (uint32_t i = 0; i < host_thread_count; i++)
            if (coroutines[i]->runnable) {
                run(coroutines[i]);
                ran = true;
            }
    }
    threads_free();
}

bool host_thread_blocked(uint32_t i, thread_t *thread)
{
    *thread = &coroutines[i]->thread;
    return !coroutines[i]->runnable && !coroutines[i]->ended;
}

bool preempt_point(void)
{
    maybe_preempt();
    return true;
}

/* ---- waiting --------------------------------------------------------------------------------- */

void waitq_init(struct waitq *wq, spinlock_t *lock)
{
    queue_init(&wq->threads);
    wq->lock = lock;
}

void waitq_assert_wait(struct waitq *wq, bool interruptible, uint64_t deadline)
{
    CHECK(spin_holding(wq->lock));
    enqueue_tail(&wq->threads, &host_thread->wait_link);
    host_thread->waitq = wq;
    host_thread->wait_result = THREAD_WAITING;
}

thread_t waitq_dequeue(struct waitq *wq)
{
    struct queue *link;
    thread_t thread;

    CHECK(spin_holding(wq->lock));
    link = dequeue_head(&wq->threads);
    if (link == NULL)
        return NULL;
    thread = queue_entry(link, struct thread, wait_link);
    thread->waitq = NULL;
    return thread;
}

bool waitq_wakeup_one(struct waitq *wq, wait_result_t result)
{
    thread_t thread = waitq_dequeue(wq);

    if (thread != NULL)
        thread_go(thread, result);
    return thread != NULL;
}

void waitq_wakeup_all(struct waitq *wq, wait_result_t result)
{
    while (waitq_wakeup_one(wq, result))
        continue;
}

void thread_go(thread_t thread, wait_result_t result)
{
    CHECK(thread->waitq == NULL && thread->wait_result == THREAD_WAITING);
    thread->wait_result = result;
    ((struct coroutine *)thread)->runnable = true;
}

wait_result_t thread_block(void)
{
    CHECK(current() != &main_coroutine);
    if (host_thread->wait_result == THREAD_WAITING) {
        current()->runnable = false;
        switch_out();
    }
    CHECK(host_thread->wait_result != THREAD_WAITING && host_thread->waitq == NULL);
    return host_thread->wait_result;
}

/* Coroutines have no priorities to lend. */
void inherit_queued(ipc_port_t port, ipc_kmsg_t kmsg, bool call)
{
}

void inherit_received(ipc_kmsg_t kmsg)
{
}

void inherit_update(struct thread *thread)
{
}

void inherit_end(struct thread *self)
{
}

wait_result_t waitq_wait(struct waitq *wq, uint64_t deadline, thread_t next)
{
    waitq_assert_wait(wq, true, deadline);
    spin_unlock(wq->lock);
    if (next != NULL)
        thread_go(next, THREAD_AWAKENED);
    return thread_block();
}

uint64_t deadline_after_ms(uint32_t ms)
{
    return ms;
}

/* ---- locks ----------------------------------------------------------------------------------- */

void spin_lock_init(spinlock_t *lock, enum lock_class class)
{
    *lock = (spinlock_t){.class = class};
}

static void lock_take(spinlock_t *lock, bool second)
{
    struct coroutine *self = current();
    spinlock_t *last = self->held_count ? self->held[self->held_count - 1] : NULL;

    CHECK(!lock->locked && lock->class != 0);
    CHECK(last == NULL || last->class < lock->class || (second && last->class == lock->class
                                                        && last < lock));
    lock->locked = 1;
    self->held[self->held_count++] = lock;
}

void spin_lock(spinlock_t *lock)
{
    lock_take(lock, false);
}

void spin_lock_second(spinlock_t *lock)
{
    lock_take(lock, true);
}

void spin_unlock(spinlock_t *lock)
{
    struct coroutine *self = current();
    uint32_t i;

    CHECK(lock->locked);
    lock->locked = 0;
    for (i = 0; self->held[i] != lock; i++)
        CHECK(i < self->held_count);
    for (self->held_count--; i < self->held_count; i++)
        self->held[i] = self->held[i + 1];
    if (self->held_count == 0)
        maybe_preempt();
}

bool spin_holding(const spinlock_t *lock)
{
    return lock->locked;
}

/* ---- memory ---------------------------------------------------------------------------------- */

uint32_t host_fail_one_in;

struct zone {
    size_t size;
    uint32_t count;
};

static bool fails(void)
{
    return host_fail_one_in != 0 && host_random(host_fail_one_in) == 0;
}

zone_t zone_create(const char *name, size_t size)
{
    zone_t zone = calloc(1, sizeof(*zone));

    zone->size = size;
    return zone;
}

void *zalloc(zone_t zone)
{
    if (fails())
        return NULL;
    zone->count++;
    return memset(malloc(zone->size), 0xa5, zone->size);
}

void *zalloc_zeroed(zone_t zone)
{
    void *object = zalloc(zone);

    return object == NULL ? NULL : memset(object, 0, zone->size);
}

void zfree(zone_t zone, void *object)
{
    zone->count--;
    free(object);
}

uint32_t zone_count(zone_t zone)
{
    return zone->count;
}

/* The size is kept in front, to be compared when it is given back. */
void *kalloc(size_t size)
{
    size_t *block;

    CHECK(size > 0);
    if (fails())
        return NULL;
    block = malloc(size + 16);
    block[0] = size;
    return memset(block + 2, 0xa5, size);
}

void *kalloc_zeroed(size_t size)
{
    void *block = kalloc(size);

    return block == NULL ? NULL : memset(block, 0, size);
}

void kfree(void *address, size_t size)
{
    size_t *block = (size_t *)address - 2;

    CHECK(block[0] == size);
    free(block);
}

/* ---- user memory and vm ---------------------------------------------------------------------- */

#define REGIONS_MAX 65536
static void *regions[REGIONS_MAX];
static uint32_t region_count;

void *host_user_alloc(size_t size)
{
    void *p = aligned_alloc(PAGE_SIZE, round_page(size));

    CHECK(region_count < REGIONS_MAX);
    regions[region_count++] = p;
    return memset(p, 0, round_page(size));
}

void host_user_free_all(void)
{
    while (region_count > 0)
        free(regions[--region_count]);
}

static bool bad_address(const void *p)
{
    return (uintptr_t)p < VM_MIN_ADDRESS;
}

int copyin(const void *user, void *kernel, size_t size)
{
    CHECK(current()->held_count == 0);
    maybe_preempt();
    if (bad_address(user))
        return KERN_INVALID_ADDRESS;
    memcpy(kernel, user, size);
    return 0;
}

int copyout(const void *kernel, void *user, size_t size)
{
    CHECK(current()->held_count == 0);
    maybe_preempt();
    if (bad_address(user))
        return KERN_INVALID_ADDRESS;
    memcpy(user, kernel, size);
    return 0;
}

static uint32_t copy_count;

uint32_t host_copy_count(void)
{
    return copy_count;
}

bool memory_again(void)
{
    return false;
}

kern_return_t vm_map_copyin_kernel(const void *data, vm_size_t size, vm_map_copy_t *copy)
{
    *copy = VM_MAP_COPY_NULL;
    if (size == 0)
        return KERN_SUCCESS;
    if (fails())
        return KERN_RESOURCE_SHORTAGE;
    *copy = malloc(sizeof(**copy) + size);
    (*copy)->size = size;
    (*copy)->data = (uint8_t *)(*copy + 1);
    memcpy((*copy)->data, data, size);
    copy_count++;
    return KERN_SUCCESS;
}

kern_return_t vm_map_copyin(vm_map_t map, vm_address_t src, vm_size_t len, bool src_destroy,
                            vm_map_copy_t *copy)
{
    CHECK(current()->held_count == 0 && !src_destroy);
    maybe_preempt();
    if (bad_address((void *)src))
        return KERN_INVALID_ADDRESS;
    return vm_map_copyin_kernel((void *)src, len, copy);
}

vm_size_t vm_map_copy_cost(vm_map_copy_t copy)
{
    return copy == VM_MAP_COPY_NULL ? 0 : sizeof(*copy) + copy->size;
}

bool vm_map_may_grow(vm_map_t map, vm_size_t size)
{
    (void)map, (void)size;
    return true;
}

void vm_map_copy_discard(vm_map_copy_t copy)
{
    CHECK(current()->held_count == 0);
    copy_count--;
    free(copy);
}

kern_return_t vm_map_copyout(vm_map_t map, vm_address_t *dst, vm_map_copy_t copy)
{
    if (fails())
        return host_random(2) ? KERN_NO_SPACE : KERN_RESOURCE_SHORTAGE;
    *dst = (vm_address_t)host_user_alloc(copy->size);
    memcpy((void *)*dst, copy->data, copy->size);
    vm_map_copy_discard(copy);
    return KERN_SUCCESS;
}

kern_return_t vm_map_enter(vm_map_t map, vm_address_t *address, vm_size_t size, vm_address_t mask,
                           bool anywhere, vm_object_t object, vm_offset_t offset, bool needs_copy,
                           vm_prot_t cur, vm_prot_t max, vm_inherit_t inheritance)
{
    if (fails())
        return KERN_NO_SPACE;
    *address = (vm_address_t)host_user_alloc(size);
    return KERN_SUCCESS;
}

kern_return_t vm_map_remove(vm_map_t map, vm_address_t start, vm_address_t end)
{
    return KERN_SUCCESS; /* it lives until host_user_free_all: other threads may still read it */
}

/* ---- other parts of the kernel --------------------------------------------------------------- */

void semaphore_no_senders(semaphore_t semaphore) {}
void semaphore_dereference(semaphore_t semaphore) {}
semaphore_t convert_port_to_semaphore(mach_port_t port) { return NULL; }
void device_no_senders(device_t device) {}
void device_deallocate(device_t device) {}
device_t convert_port_to_device(mach_port_t port) { return NULL; }
void vm_object_reference(vm_object_t object) {}
void vm_object_deallocate(vm_object_t object) {}
void memory_object_no_senders(vm_object_t object) {}

uint32_t host_watches_fired;
void memory_object_pager_died(vm_object_t object)
{
    host_watches_fired++;
}

static void take_space(void *task)
{
    ipc_space_reference(((struct task *)task)->space);
}

ipc_space_t convert_port_to_space(mach_port_t port)
{
    struct task *task = ipc_port_kobject(port, IKOT_TASK, take_space);

    return task == NULL ? NULL : task->space;
}

static const mig_kernel_stub_t no_routines[1];
#define EMPTY_SUBSYSTEM(name, base) \
    const struct mig_kernel_subsystem name = {base, base + 1, sizeof(mig_reply_error_t), \
                                              no_routines}
EMPTY_SUBSYSTEM(mach_host_subsystem, 200);
EMPTY_SUBSYSTEM(host_priv_subsystem, 400);
EMPTY_SUBSYSTEM(clock_subsystem, 1000);
EMPTY_SUBSYSTEM(memory_object_control_subsystem, 2200);
EMPTY_SUBSYSTEM(device_subsystem, 2800);
EMPTY_SUBSYSTEM(task_subsystem, 3400);
EMPTY_SUBSYSTEM(thread_act_subsystem, 3600);
EMPTY_SUBSYSTEM(vm_map_subsystem, 3800);
EMPTY_SUBSYSTEM(semaphore_subsystem, 4000);
EMPTY_SUBSYSTEM(gsync_subsystem, 4200);

/* Tracing is off. */
uint32_t trace_size;

void trace_record(uint32_t kind, const void *object, int32_t value)
{
}

__attribute__((constructor)) static void host_set_up(void)
{
    main_coroutine.thread.machine.cpu = &host_cpu;
    host_thread = &main_coroutine.thread;
}

/* ---- mach_msg_fast.c, which there is none of here ---- */

void mach_msg_fast_init(void)
{
}

bool mach_msg_put_plain(ipc_kmsg_t kmsg, mach_msg_header_t *msg, mach_msg_option_t option,
                        mach_msg_size_t rcv_size, mach_msg_return_t *mr)
{
    return false;
}

void mach_msg_fast_wait(struct thread *self, mach_msg_header_t *msg, mach_msg_option_t option,
                        mach_msg_size_t rcv_size)
{
}
