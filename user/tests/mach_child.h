/*
 * Tasks that a Mach test makes to try things on: copies of its own memory, with one thread that runs a
 * function of the test on a stack of its own. Read mach_test.h before.
 *
 *     child_make(&child);                     // a task without threads
 *     child_give(&child, port);               // a send right, under the same name
 *     child_run(&child, function, argument);  // begins; when function returns, the task ends
 *     child_end(&child);                      // or is ended here
 */
#ifndef MACH_CHILD_H
#define MACH_CHILD_H

#include "mach_test.h"

struct child {
    task_t task;
    thread_t thread;
};

#define CHILD_STACK_SIZE (64 * 1024)
#define WAIT_LIMIT_MS    10000 /* longer than anything here takes */

static char child_stack[CHILD_STACK_SIZE] __attribute__((aligned(16)));
static struct mach_tcb child_tcb;

/* Where a child begins, in a copy of this memory. */
static inline void child_begin(void (*function)(uint64_t), uint64_t arg)
{
    mach_init_child(&child_tcb);
    function(arg);
    task_terminate(SELF);
}

static inline kern_return_t child_make(struct child *child)
{
    child->thread = MACH_PORT_NULL;
    return task_create(SELF, TRUE, &child->task);
}

/* Gives the child a send right to a port that we have one for, or receive on. */
static inline kern_return_t child_give(const struct child *child, mach_port_t port)
{
    mach_msg_type_name_t how = type_of(port) & MACH_PORT_TYPE_RECEIVE ? MACH_MSG_TYPE_MAKE_SEND
                                                                      : MACH_MSG_TYPE_COPY_SEND;

    return mach_port_insert_right(child->task, port, port, how);
}

/* Starts a thread at pc itself with x0 and x1, without any preparation. */
static inline kern_return_t child_run_raw(struct child *child, uint64_t pc, uint64_t x0, uint64_t x1)
{
    arm_thread_state64_t state = {
        .x[0] = x0,
        .x[1] = x1,
        .sp = (uint64_t)child_stack + CHILD_STACK_SIZE,
        .pc = pc,
    };

    return thread_create_running(child->task, ARM_THREAD_STATE64, (thread_state_t)&state,
                                 ARM_THREAD_STATE64_COUNT, &child->thread);
}

static inline kern_return_t child_run(struct child *child, void (*function)(uint64_t), uint64_t arg)
{
    return child_run_raw(child, (uint64_t)child_begin, (uint64_t)function, arg);
}

static inline void child_end(struct child *child)
{
    task_terminate(child->task);
    mach_port_deallocate(SELF, child->task);
    if (child->thread != MACH_PORT_NULL)
        mach_port_deallocate(SELF, child->thread);
}

static inline void sleep_ms(mach_msg_timeout_t ms)
{
    thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, ms);
}

/* Waits until the port of that send right is dead. */
static inline boolean_t wait_until_dead(mach_port_t port)
{
    for (int ms = 0; ms < WAIT_LIMIT_MS; ms += 5) {
        if (type_of(port) & MACH_PORT_TYPE_DEAD_NAME)
            return TRUE;
        sleep_ms(5);
    }
    return FALSE;
}

/* Waits until *flag (which another thread sets) is value. */
static inline boolean_t wait_for_value(volatile uint64_t *flag, uint64_t value)
{
    for (int ms = 0; ms < WAIT_LIMIT_MS; ms += 2) {
        if (__atomic_load_n(flag, __ATOMIC_ACQUIRE) == value)
            return TRUE;
        sleep_ms(2);
    }
    return FALSE;
}

/* Waits until the thread waits in the kernel, or (TH_STATE_STOPPED) is suspended. */
static inline boolean_t wait_for_state(thread_t thread, int run_state)
{
    struct thread_basic_info info;

    for (int ms = 0; ms < WAIT_LIMIT_MS; ms += 2) {
        mach_msg_type_number_t count = THREAD_BASIC_INFO_COUNT;

        if (thread_info(thread, THREAD_BASIC_INFO, (thread_info_t)&info, &count) != KERN_SUCCESS)
            return FALSE;
        if (info.run_state == run_state)
            return TRUE;
        sleep_ms(2);
    }
    return FALSE;
}

/* A word of another task's memory; KERN_*: why not. */
static inline kern_return_t peek(task_t task, volatile uint64_t *address, uint64_t *word)
{
    vm_offset_t data;
    mach_msg_type_number_t size;
    kern_return_t kr = vm_read(task, (vm_address_t)address, sizeof(*word), &data, &size);

    *word = 0;
    if (kr != KERN_SUCCESS)
        return kr;
    *word = *(uint64_t *)data;
    return vm_deallocate(SELF, data, size);
}

static inline kern_return_t poke(task_t task, volatile uint64_t *address, uint64_t word)
{
    return vm_write(task, (vm_address_t)address, (vm_offset_t)&word, sizeof(word));
}

/* Waits until a word of the task's memory is value. */
static inline boolean_t wait_for_peek(task_t task, volatile uint64_t *address, uint64_t value)
{
    uint64_t word;

    for (int ms = 0; ms < WAIT_LIMIT_MS; ms += 2) {
        if (peek(task, address, &word) != KERN_SUCCESS)
            return FALSE;
        if (word == value)
            return TRUE;
        sleep_ms(2);
    }
    return FALSE;
}

#endif
