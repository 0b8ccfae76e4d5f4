/*
 * The message an interrupt becomes (device_intr_register). Never more than one is queued per line:
 * the line is masked from the interrupt to device_intr_ack.
 */
#ifndef _MACH_DEVICE_NOTIFY_H_
#define _MACH_DEVICE_NOTIFY_H_

#include <mach/message.h>

#define DEVICE_INTR_NOTIFY_ID 2900

typedef struct {
    mach_msg_header_t header;
    uint32_t intid; /* of the GIC */
    uint32_t count; /* interrupts taken on this line so far */
} device_intr_notify_t;

#endif
