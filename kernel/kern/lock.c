/*
 * The spinlock checker of a DEBUG build: lock order, recursion, release by the wrong CPU, and locks
 * held where the kernel may block. Read kern/lock.h first; the lock itself is in machine/spin.h.
 *
 * Each CPU keeps the list of the locks it holds, in the order of taking (struct cpu.held). It needs
 * no lock, since only its own CPU looks at it. A context switch passes the outgoing thread's lock
 * on to the incoming thread: the same CPU releases it, so the list stays right.
 */
#include <kern/cpu.h>
#include <kern/debug.h>
#include <kern/lock.h>
#include <machine/spin.h>

void spin_lock_init(spinlock_t *lock, enum lock_class class)
{
    lock->locked = 0;
#ifdef DEBUG
    lock->class = class;
    lock->cpu = 0;
    lock->pc = NULL;
#endif
}

#ifdef DEBUG

/*
 * How locks are used, by class; each CPU counts its own. `moved`: the lock was last held by another CPU, so
 * it (and what it guards) had to come over from there. For who looks at the machine from outside.
 */
struct lock_stats {
    uint64_t taken, contended, moved;
} lock_stats[MAX_CPUS][LOCK_CLASSES];

/* So long nobody holds a spinlock: it is a deadlock, or a loop that should have let go of it. */
#define STUCK_SECONDS 60

static const char *const class_names[LOCK_CLASSES] = {
    [LOCK_TASK] = "task",           [LOCK_VM_MAP] = "vm_map",   [LOCK_IPC_SPACE] = "ipc_space",
    [LOCK_IPC_PORT] = "ipc_port",   [LOCK_IPC_PSET] = "pset",   [LOCK_VM_OBJECT] = "vm_object",
    [LOCK_PMAP] = "pmap",           [LOCK_PV] = "pv",           [LOCK_WAITQ] = "waitq",
    [LOCK_THREAD] = "thread",       [LOCK_RUNQ] = "runq",       [LOCK_TIMER] = "timer",
    [LOCK_ASID] = "asid",           [LOCK_ZONE] = "zone",       [LOCK_VM_HASH] = "vm_hash",
    [LOCK_VM_PAGE] = "vm_page",     [LOCK_IRQ] = "irq",         [LOCK_DEVICE] = "device",
    [LOCK_LEAF] = "leaf",           [LOCK_CONSOLE] = "console",     [LOCK_INHERIT] = "inherit",
};

static const char *class_name(const spinlock_t *lock)
{
    return lock->class < LOCK_CLASSES && class_names[lock->class] ? class_names[lock->class]
                                                                  : "(not initialized)";
}

/* Two of one class: by address, but for memory objects, which have an order of their own
 * (lock.h). */
static bool second_in_order(const spinlock_t *held, const spinlock_t *lock)
{
    return lock->class == LOCK_VM_OBJECT || held < lock;
}

/* May this CPU wait for lock, with what it holds? second: another of the same class may be held. */
static void check_order(struct cpu *cpu, const spinlock_t *lock, const void *pc, bool second)
{
    if (lock->class == 0 || lock->class >= LOCK_CLASSES)
        panic("spin_lock: lock %p was never given a class by spin_lock_init; taken at %p", lock,
              pc);
    for (uint32_t i = 0; i < cpu->held_count; i++) {
        const spinlock_t *held = cpu->held[i];

        if (held == lock)
            panic("spin_lock: %s lock %p is held by this CPU already, since %p; taken again at %p",
                  class_name(lock), lock, held->pc, pc);
        if (held->class > lock->class
            || (held->class == lock->class && !(second && second_in_order(held, lock))))
            panic("lock order: %s lock %p wanted at %p, %s lock %p held since %p: see kern/lock.h",
                  class_name(lock), lock, pc, class_name(held), held, held->pc);
    }
}

static void note_taken(struct cpu *cpu, spinlock_t *lock, const void *pc)
{
    struct lock_stats *stats = &lock_stats[cpu->number][lock->class];

    stats->taken++;
    stats->moved += lock->cpu != 0 && lock->cpu != cpu->number + 1;
    lock->cpu = cpu->number + 1;
    lock->pc = pc;
    if (cpu->held_count == sizeof(cpu->held) / sizeof(cpu->held[0]))
        panic("spin_lock: CPU %u holds %u locks, the last a %s lock: is one never released?",
              cpu->number, cpu->held_count, class_name(lock));
    cpu->held[cpu->held_count++] = lock;
}

static void lock_checked(spinlock_t *lock, const void *pc, bool second)
{
    struct cpu *cpu = current_cpu();

    check_order(cpu, lock, pc, second);
    if (!machine_spin_try_lock(&lock->locked)) {
        uint64_t give_up = machine_time() + STUCK_SECONDS * machine_time_frequency();

        lock_stats[cpu->number][lock->class].contended++;
        while (!machine_spin_try_lock(&lock->locked)) {
            machine_spin_pause();
            if (machine_time() > give_up)
                panic("spin_lock: CPU %u waits at %p for %s lock %p, which CPU %d took at %p",
                      cpu->number, pc, class_name(lock), lock, lock->cpu - 1, lock->pc);
        }
    }
    note_taken(cpu, lock, pc);
}

void spin_lock(spinlock_t *lock)
{
    lock_checked(lock, __builtin_return_address(0), false);
}

void spin_lock_second(spinlock_t *lock)
{
    lock_checked(lock, __builtin_return_address(0), true);
}

bool spin_try_lock(spinlock_t *lock)
{
    if (lock->class == 0 || lock->class >= LOCK_CLASSES)
        panic("spin_try_lock: lock %p was never given a class by spin_lock_init", lock);
    if (!machine_spin_try_lock(&lock->locked))
        return false;
    note_taken(current_cpu(), lock, __builtin_return_address(0));
    return true;
}

void spin_unlock(spinlock_t *lock)
{
    struct cpu *cpu = current_cpu();
    uint32_t i = cpu->held_count;

    while (i > 0 && cpu->held[i - 1] != lock)
        i--;
    if (i == 0)
        panic("spin_unlock: %s lock %p is not held by CPU %u; last taken by CPU %d at %p",
              class_name(lock), lock, cpu->number, lock->cpu - 1, lock->pc);
    for (; i < cpu->held_count; i++)
        cpu->held[i - 1] = cpu->held[i];
    cpu->held_count--;
    machine_spin_unlock(&lock->locked);
}

bool spin_holding(const spinlock_t *lock)
{
    return lock->locked && lock->cpu == current_cpu()->number + 1;
}

void spin_assert_none(void)
{
    struct cpu *cpu = current_cpu();

    if (cpu->held_count != 0)
        panic("about to block with %u locks held, the last a %s lock %p taken at %p",
              cpu->held_count, class_name(cpu->held[cpu->held_count - 1]),
              cpu->held[cpu->held_count - 1], cpu->held[cpu->held_count - 1]->pc);
}

#endif
