/* clock: processor time of this process. */
#include "posix.h"

#include <mach/task.h>
#include <time.h>

clock_t clock(void)
{
    task_basic_info_data_t info;
    mach_msg_type_number_t count = TASK_BASIC_INFO_COUNT;

    if (task_info(mach_task_self(), TASK_BASIC_INFO, (task_info_t)&info, &count) != KERN_SUCCESS)
        return (clock_t)-1;
    return ((clock_t)info.user_time.seconds + info.system_time.seconds) * CLOCKS_PER_SEC
        + info.user_time.microseconds + info.system_time.microseconds;
}
