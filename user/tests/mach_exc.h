/*
 * Exceptions that a Mach test receives: what the last message said, and what to answer. A program that
 * includes this serves exc.defs. Read mach_child.h before.
 */
#ifndef MACH_EXC_H
#define MACH_EXC_H

#include "mach_child.h"

#include <mach/exc_server.h>

static struct caught {
    int count;
    exception_type_t type;
    int64_t code[EXCEPTION_CODE_MAX];
    thread_t thread; /* MACH_PORT_NULL if the behavior does not say */
    task_t task;
    arm_thread_state64_t state; /* of the *_STATE behaviors */
} caught;

/* Decides what to return, and (*_STATE) may change caught.state. NULL: KERN_SUCCESS. */
static kern_return_t (*on_exception)(void);

static kern_return_t catch_one(thread_t thread, task_t task, exception_type_t type,
                               const int64_t *code, mach_msg_type_number_t code_count)
{
    caught.count++;
    caught.type = type;
    caught.thread = thread;
    caught.task = task;
    for (unsigned i = 0; i < EXCEPTION_CODE_MAX; i++)
        caught.code[i] = i < code_count ? code[i] : 0;
    return on_exception != NULL ? on_exception() : KERN_SUCCESS;
}

/* What is to become of a thread's registers, and nothing else (of *_STATE behaviors, whose flavor it is). */
static void (*on_state)(arm_thread_state64_t *state);

/* Rights that came: ours when we return success, the stub's to release otherwise. */
static kern_return_t give_up_rights(kern_return_t kr, mach_port_t thread, mach_port_t task)
{
    if (kr == KERN_SUCCESS) {
        mach_port_deallocate(SELF, thread);
        mach_port_deallocate(SELF, task);
    }
    return kr;
}

kern_return_t catch_exception_raise(mach_port_t exception_port, mach_port_t thread, mach_port_t task,
                                    exception_type_t exception, const int64_t *code,
                                    mach_msg_type_number_t code_count)
{
    return give_up_rights(catch_one(thread, task, exception, code, code_count), thread, task);
}

static kern_return_t catch_state(thread_t thread, task_t task, exception_type_t exception,
                                 const int64_t *code, mach_msg_type_number_t code_count,
                                 const natural_t *old_state, mach_msg_type_number_t old_count,
                                 thread_state_t new_state, mach_msg_type_number_t *new_count)
{
    kern_return_t kr;

    *new_count = ARM_THREAD_STATE64_COUNT;
    if (on_state != NULL) {
        memcpy(new_state, old_state, sizeof caught.state);
        on_state((arm_thread_state64_t *)new_state);
        return KERN_SUCCESS;
    }
    memset(&caught.state, 0, sizeof caught.state);
    if (old_count == ARM_THREAD_STATE64_COUNT)
        memcpy(&caught.state, old_state, sizeof caught.state);
    kr = catch_one(thread, task, exception, code, code_count);
    memcpy(new_state, &caught.state, sizeof caught.state);
    return kr;
}

kern_return_t catch_exception_raise_state(mach_port_t exception_port, exception_type_t exception,
                                          const int64_t *code, mach_msg_type_number_t code_count,
                                          int *flavor, const natural_t *old_state,
                                          mach_msg_type_number_t old_count, thread_state_t new_state,
                                          mach_msg_type_number_t *new_count)
{
    return catch_state(MACH_PORT_NULL, MACH_PORT_NULL, exception, code, code_count, old_state,
                       old_count, new_state, new_count);
}

kern_return_t catch_exception_raise_state_identity(
    mach_port_t exception_port, mach_port_t thread, mach_port_t task, exception_type_t exception,
    const int64_t *code, mach_msg_type_number_t code_count, int *flavor, const natural_t *old_state,
    mach_msg_type_number_t old_count, thread_state_t new_state, mach_msg_type_number_t *new_count)
{
    return give_up_rights(catch_state(thread, task, exception, code, code_count, old_state, old_count,
                                      new_state, new_count), thread, task);
}

/* Receives one exception message on port and answers it. */
static inline mach_msg_return_t serve_exception(mach_port_t port)
{
    return mach_msg_server_once(exc_server, exc_server_max_request, port, 0);
}

/* A child whose exceptions of `mask` come to port, with that behavior. */
static inline kern_return_t child_make_watched(struct child *child, mach_port_t port,
                                               exception_mask_t mask, exception_behavior_t behavior)
{
    kern_return_t kr = child_make(child);

    on_exception = NULL;
    memset(&caught, 0, sizeof caught);
    if (kr != KERN_SUCCESS)
        return kr;
    return task_set_exception_ports(child->task, mask, port, behavior, ARM_THREAD_STATE64);
}

/* Gives it a thread with a handler of its own for `mask`, at pc with x0: thread_resume begins it. */
static inline kern_return_t child_thread_watched(struct child *child, mach_port_t port,
                                                 exception_mask_t mask, exception_behavior_t behavior,
                                                 uint64_t pc, uint64_t x0)
{
    arm_thread_state64_t state = {
        .x[0] = x0,
        .sp = (uint64_t)child_stack + CHILD_STACK_SIZE,
        .pc = pc,
    };
    kern_return_t kr = thread_create(child->task, &child->thread);

    if (kr == KERN_SUCCESS)
        kr = thread_set_exception_ports(child->thread, mask, port, behavior, ARM_THREAD_STATE64);
    if (kr == KERN_SUCCESS)
        kr = thread_set_state(child->thread, ARM_THREAD_STATE64, (thread_state_t)&state,
                              ARM_THREAD_STATE64_COUNT);
    return kr;
}

/* ---- what children do ---- */

#define BAD_ADDRESS 0x7f0000001000UL /* nothing is there */

static volatile uint64_t result __attribute__((unused)); /* set by a child when it went on */

/* The end of such a child, in assembler: x0 + 1 goes to result; then it sleeps. */
#define ASM_TELL_AND_SLEEP \
    "    add x0, x0, #1\n" \
    "    adrp x1, result\n" \
    "    str x0, [x1, :lo12:result]\n" \
    "1:  mov x0, #0\n" \
    "    mov x1, #2\n" /* SWITCH_OPTION_WAIT */ \
    "    mov x2, #10000\n" \
    "    mov x16, #-61\n" /* thread_switch */ \
    "    svc #0x80\n" \
    "    b 1b\n"

#endif
