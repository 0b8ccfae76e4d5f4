/*
 * times: the time the shell has used, and its children. Read sh.h first. XCU times.
 */
#include "builtins.h"
#include "sh.h"

#include <mach/mach.h>
#include <mach/task.h>
#include <stdio.h>

static void print(time_value_t user, time_value_t system)
{
    printf("%dm%d.%06ds %dm%d.%06ds\n", user.seconds / 60, user.seconds % 60, user.microseconds,
           system.seconds / 60, system.seconds % 60, system.microseconds);
}

int builtin_times(int argc, char **argv)
{
    task_basic_info_data_t info;
    mach_msg_type_number_t count = TASK_BASIC_INFO_COUNT;
    kern_return_t kr = task_info(mach_task_self(), TASK_BASIC_INFO, (task_info_t)&info, &count);

    if (kr != KERN_SUCCESS)
        return builtin_error("%s", mach_error_string(kr));
    print(info.user_time, info.system_time);
    print((time_value_t){0}, (time_value_t){0});
    return 0;
}
