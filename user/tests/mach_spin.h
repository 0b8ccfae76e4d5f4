/* Children that spin or sleep, and whether they do. Read mach_child.h before. */
#ifndef MACH_SPIN_H
#define MACH_SPIN_H

#include "mach_child.h"

static volatile uint64_t ticks;

static inline void spin(uint64_t arg)
{
    for (;;)
        ticks++;
}

static inline void sleep_for_ever(uint64_t arg)
{
    for (;;)
        sleep_ms(1000000);
}

/* Until the child has spun a little: it runs. */
static inline boolean_t is_spinning(task_t task)
{
    uint64_t before, after;

    peek(task, &ticks, &before);
    for (int ms = 0; ms < WAIT_LIMIT_MS; ms += 2) {
        sleep_ms(2);
        peek(task, &ticks, &after);
        if (after != before)
            return TRUE;
    }
    return FALSE;
}

static inline boolean_t is_still(task_t task)
{
    uint64_t before, after;

    peek(task, &ticks, &before);
    sleep_ms(30);
    peek(task, &ticks, &after);
    return before == after;
}

static inline struct task_basic_info basic_info(task_t task)
{
    struct task_basic_info info;
    mach_msg_type_number_t count = TASK_BASIC_INFO_COUNT;

    memset(&info, 0xff, sizeof info);
    task_info(task, TASK_BASIC_INFO, (task_info_t)&info, &count);
    return info;
}

static inline struct thread_basic_info thread_basic(thread_t thread)
{
    struct thread_basic_info info;
    mach_msg_type_number_t count = THREAD_BASIC_INFO_COUNT;

    memset(&info, 0xff, sizeof info);
    thread_info(thread, THREAD_BASIC_INFO, (thread_info_t)&info, &count);
    return info;
}

#endif
