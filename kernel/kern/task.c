/*
 * Tasks: birth, references, death. Read kern/task.h first; task_act.c has the calls user programs
 * make.
 *
 * A TASK'S END. task_terminate marks it inactive, so that nothing new comes to it, and tells its
 * threads to end. The last of them to leave gives back everything the task held (task_cleanup), its
 * port last, so that a dead name means that it is all over; without threads the caller does. The
 * structure itself goes with the last reference.
 */
#include <ipc/ipc_port.h>
#include <ipc/ipc_space.h>
#include <kern/debug.h>
#include <kern/host.h>
#include <kern/ledger.h>
#include <kern/sched.h>
#include <kern/task.h>
#include <kern/zone.h>
#include <machine/cpu.h>
#include <vm/vm_map.h>

static zone_t task_zone;
static struct queue all_tasks = QUEUE_INITIALIZER(all_tasks); /* those with a port */
static uint32_t all_tasks_count;
static spinlock_t all_tasks_lock = SPINLOCK_INITIALIZER(LOCK_LEAF);

/* What a task may take to end, before another may be blamed for the want of memory. */
#define END_MS 2000
static uint32_t ending_count; /* atomic: tasks that have begun to end */
static uint64_t ending_until; /* atomic: END_MS after the last began */
static uint32_t ends_begun;   /* atomic */

struct task *kernel_task;

/* A task ends: task_cleanup is to follow. */
static void begin_end(void)
{
    __atomic_store_n(&ending_until, deadline_after_ms(END_MS), __ATOMIC_RELAXED);
    __atomic_fetch_add(&ending_count, 1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&ends_begun, 1, __ATOMIC_RELEASE);
}

/* An empty task with one reference, in no list. NULL: out of memory. */
static struct task *task_alloc(const char *name)
{
    struct task *task = zalloc_zeroed(task_zone);

    if (task == NULL)
        return NULL;
    task->refs = 1;
    spin_lock_init(&task->lock, LOCK_TASK);
    task->active = true;
    queue_init(&task->threads);
    queue_init(&task->semaphores);
    queue_init(&task->alarms);
    queue_init(&task->all_link);
    task->token.val[0] = 1; /* {0, 0} is the kernel's */
    strlcpy(task->name, name, sizeof(task->name));
    return task;
}

/* Special ports and settings of the parent; its map, too. The child is nobody else's yet. */
static kern_return_t task_inherit(struct task *child, struct task *parent, struct vm_map **map)
{
    spin_lock(&parent->lock);
    if (!parent->active) {
        spin_unlock(&parent->lock);
        return KERN_TERMINATED;
    }
    *map = parent->map;
    vm_map_reference(*map);
    child->emulation = parent->emulation;
    child->token = parent->token;
    memcpy(child->name, parent->name, sizeof(child->name));
    child->bootstrap = ipc_port_copy_send(parent->bootstrap);
    for (int i = 0; i < EXC_TYPES_COUNT; i++) {
        child->exc_actions[i] = parent->exc_actions[i];
        child->exc_actions[i].port = ipc_port_copy_send(parent->exc_actions[i].port);
    }
    spin_unlock(&parent->lock);
    return KERN_SUCCESS;
}

kern_return_t task_create_internal(task_t parent, bool inherit_memory, task_t *out)
{
    struct task *task = task_alloc("");
    struct vm_map *parent_map = NULL;
    kern_return_t kr = KERN_RESOURCE_SHORTAGE;

    if (task == NULL)
        return kr;
    task->ledger = ledger_create(parent != NULL ? parent->ledger : NULL, sizeof(struct task));
    if (task->ledger == NULL) {
        zfree(task_zone, task);
        return kr;
    }
    if (parent != NULL) {
        kr = task_inherit(task, parent, &parent_map);
        if (kr != KERN_SUCCESS)
            goto fail;
        kr = KERN_RESOURCE_SHORTAGE;
    }
    /* Not the parent's: a privileged host port is given to a task on purpose, or not at all. */
    task->host = ipc_port_make_send(realhost.self);

    task->map = inherit_memory && parent != NULL ? vm_map_fork(parent_map, task->ledger)
                                                  : vm_map_create(task->ledger);
    if (task->map == NULL)
        goto fail;
    kr = ipc_space_create(task, &task->space);
    if (kr != KERN_SUCCESS)
        goto fail;
    task->self = ipc_port_alloc_kernel(IKOT_TASK, task);
    if (task->self == NULL) {
        kr = KERN_RESOURCE_SHORTAGE;
        goto fail;
    }
    task->refs = 2; /* alive, and the caller's */
    spin_lock(&all_tasks_lock);
    enqueue_tail(&all_tasks, &task->all_link);
    all_tasks_count++;
    spin_unlock(&all_tasks_lock);
    if (parent_map != NULL)
        vm_map_deallocate(parent_map);
    *out = task;
    return KERN_SUCCESS;

fail:
    if (parent_map != NULL)
        vm_map_deallocate(parent_map);
    task->active = false;
    begin_end();
    task_cleanup(task); /* and with it the only reference */
    return kr;
}

void task_reference(task_t task)
{
    __atomic_fetch_add(&task->refs, 1, __ATOMIC_RELAXED);
}

/* All that the task held went in task_cleanup; its map is empty. This never blocks, and may be
 * called in interrupt context. The page tables go only now: a CPU may have them loaded as long as
 * one of the task's threads has not made its last switch, and each holds a reference. NULL is
 * allowed. */
void task_deallocate(task_t task)
{
    if (task == NULL || __atomic_sub_fetch(&task->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    assert(!task->active && task->space == NULL);
    if (task->map != NULL)
        vm_map_deallocate(task->map);
    ledger_zfree(task->ledger, task_zone, task, sizeof(*task));
}

uint32_t task_total(void)
{
    return all_tasks_count;
}

bool task_is_ending(void)
{
    return __atomic_load_n(&ending_count, __ATOMIC_RELAXED) != 0
           && machine_time() < __atomic_load_n(&ending_until, __ATOMIC_RELAXED);
}

uint32_t task_ends_begun(void)
{
    return __atomic_load_n(&ends_begun, __ATOMIC_ACQUIRE);
}

kern_return_t task_terminate(task_t task)
{
    struct thread *thread;
    bool empty;

    if (task == NULL || task == kernel_task)
        return KERN_INVALID_ARGUMENT;
    spin_lock(&task->lock);
    if (!task->active) {
        spin_unlock(&task->lock);
        return KERN_TERMINATED;
    }
    task->active = false;
    /* The lock keeps the threads in the list; no new one comes to an inactive task. */
    queue_for_each (thread, &task->threads, struct thread, task_link)
        thread_terminate_async(thread);
    empty = task->thread_count == 0;
    spin_unlock(&task->lock);

    spin_lock(&all_tasks_lock);
    queue_remove(&task->all_link);
    all_tasks_count--;
    begin_end();
    spin_unlock(&all_tasks_lock);
    if (empty)
        task_cleanup(task);
    return KERN_SUCCESS;
}

/* Takes a pointer out of the task under its lock, so that it is given back once. */
#define take_away(task, field)                  \
    ({                                          \
        __typeof__((task)->field) taken;        \
        spin_lock(&(task)->lock);               \
        taken = (task)->field;                  \
        (task)->field = NULL;                   \
        spin_unlock(&(task)->lock);             \
        taken;                                  \
    })

void task_cleanup(task_t task)
{
    struct ipc_space *space;

    semaphore_destroy_all(task);
    clock_alarm_cancel_all(task);
    exception_actions_clear(task->exc_actions);
    ipc_port_release_send(take_away(task, bootstrap));
    ipc_port_release_send(take_away(task, host));
    if (task->space != NULL) {
        ipc_space_terminate(task->space);
        space = take_away(task, space);
        ipc_space_release(space);
    }
    if (task->map != NULL)
        vm_map_terminate(task->map);
    __atomic_fetch_sub(&ending_count, 1, __ATOMIC_RELAXED);
    /* Last: who learns of the port's death may rely on all the rest being gone. */
    ipc_port_dealloc_kernel(take_away(task, self));
    task_deallocate(task); /* for being alive */
}

kern_return_t task_list(task_t **tasks, uint32_t *count)
{
    for (;;) {
        uint32_t room = all_tasks_count; /* may change until the lock is held */
        task_t *array = kalloc(room * sizeof(task_t));
        struct task *task;

        if (array == NULL)
            return KERN_RESOURCE_SHORTAGE;
        spin_lock(&all_tasks_lock);
        if (all_tasks_count == room) { /* exactly: who frees the array knows only the count */
            *tasks = array;
            *count = room;
            queue_for_each (task, &all_tasks, struct task, all_link) {
                task_reference(task);
                *array++ = task;
            }
            spin_unlock(&all_tasks_lock);
            return KERN_SUCCESS;
        }
        spin_unlock(&all_tasks_lock);
        kfree(array, room * sizeof(task_t));
    }
}

task_t task_next(task_t task)
{
    struct queue *link = NULL;
    task_t next = NULL;

    spin_lock(&all_tasks_lock);
    if (task == NULL)
        link = all_tasks.next;
    else if (!queue_unlinked(&task->all_link))
        link = task->all_link.next;
    if (link != NULL && link != &all_tasks) {
        next = queue_entry(link, struct task, all_link);
        task_reference(next);
    }
    spin_unlock(&all_tasks_lock);
    if (task != NULL)
        task_deallocate(task);
    return next;
}

/* ---- ports ---- */

static void take_reference(void *task)
{
    task_reference(task);
}

task_t convert_port_to_task(mach_port_t port)
{
    task_t task = ipc_port_kobject(port, IKOT_TASK, take_reference);

    /* A task that has begun to end is as good as dead, though its port lives on until the end. */
    if (task != NULL && !__atomic_load_n(&task->active, __ATOMIC_RELAXED)) {
        task_deallocate(task);
        return NULL;
    }
    return task;
}

mach_port_t convert_task_to_port(task_t task)
{
    mach_port_t port = MACH_PORT_NULL;

    if (task == NULL)
        return MACH_PORT_NULL;
    spin_lock(&task->lock);
    if (task->self != NULL)
        port = ipc_port_make_send(task->self);
    spin_unlock(&task->lock);
    task_deallocate(task);
    return port;
}

vm_map_t convert_port_to_map(mach_port_t port)
{
    struct task *task = current_task();
    struct vm_map *map = NULL;

    if (__builtin_expect(port == task->self && task->active, 1)) {
        vm_map_reference(task->map); /* our own: it stays while we are here */
        return task->map;
    }
    task = convert_port_to_task(port);
    if (task == NULL)
        return NULL;
    spin_lock(&task->lock);
    if (task->active) {
        map = task->map;
        vm_map_reference(map);
    }
    spin_unlock(&task->lock);
    task_deallocate(task);
    return map;
}

ipc_space_t convert_port_to_space(mach_port_t port)
{
    struct task *task = current_task();
    struct ipc_space *space = NULL;

    if (__builtin_expect(port == task->self && task->active, 1)) {
        ipc_space_reference(task->space); /* our own: it stays while we are here */
        return task->space;
    }
    task = convert_port_to_task(port);
    if (task == NULL)
        return NULL;
    spin_lock(&task->lock);
    if (task->active) {
        space = task->space;
        ipc_space_reference(space);
    }
    spin_unlock(&task->lock);
    task_deallocate(task);
    return space;
}

void task_init(void)
{
    task_zone = zone_create("tasks", sizeof(struct task));
    kernel_task = task_alloc("kernel");
    if (kernel_task == NULL)
        panic("task_init: no memory for the kernel's task");
    kernel_task->token.val[0] = 0;
}
