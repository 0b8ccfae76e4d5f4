/*
 * What clock_alarm sends when the time has come. [OSF/1 Mach, clock_alarm_reply]
 */
#ifndef _MACH_CLOCK_REPLY_H_
#define _MACH_CLOCK_REPLY_H_

#include <mach/mach_types.h>

#define CLOCK_ALARM_REPLY_ID 2

typedef struct {
    mach_msg_header_t header;
    kern_return_t alarm_code; /* KERN_SUCCESS */
    alarm_type_t alarm_type;  /* as asked for */
    time_value64_t alarm_time; /* now */
} clock_alarm_reply_t;

#endif
