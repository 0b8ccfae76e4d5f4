/* Processor time: of this process, of this thread. */
#include "posix.h"

#include <errno.h>
#include <mach/mach_port.h>
#include <mach/task.h>
#include <mach/thread_act.h>
#include <mach/traps.h>
#include <time.h>

/* In microseconds, -1: not to be had. */
static int64_t sum(time_value_t user, time_value_t system)
{
    return ((int64_t)user.seconds + system.seconds) * CLOCKS_PER_SEC + user.microseconds
        + system.microseconds;
}

clock_t clock(void)
{
    task_basic_info_data_t info;
    mach_msg_type_number_t count = TASK_BASIC_INFO_COUNT;

    if (task_info(mach_task_self(), TASK_BASIC_INFO, (task_info_t)&info, &count) != KERN_SUCCESS)
        return (clock_t)-1;
    return sum(info.user_time, info.system_time);
}

static int64_t thread_clock(void)
{
    thread_basic_info_data_t info;
    mach_msg_type_number_t count = THREAD_BASIC_INFO_COUNT;
    thread_t self = mach_thread_self();
    kern_return_t kr = thread_info(self, THREAD_BASIC_INFO, (thread_info_t)&info, &count);

    mach_port_deallocate(mach_task_self(), self);
    return kr == KERN_SUCCESS ? sum(info.user_time, info.system_time) : -1;
}

int __cpu_clock(clockid_t clock_id, struct timespec *time)
{
    int64_t used = clock_id == CLOCK_PROCESS_CPUTIME_ID ? clock() : thread_clock();

    if (used < 0)
        return __fail(EINVAL);
    *time = (struct timespec){used / CLOCKS_PER_SEC, used % CLOCKS_PER_SEC * 1000};
    return 0;
}
