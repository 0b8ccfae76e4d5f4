/* Ids of notifications (notify.defs), in Mach's octal. */
#ifndef _MACH_NOTIFY_H_
#define _MACH_NOTIFY_H_
#define MACH_NOTIFY_FIRST          0100
#define MACH_NOTIFY_PORT_DELETED   0101
#define MACH_NOTIFY_PORT_DESTROYED 0105
#define MACH_NOTIFY_NO_SENDERS     0106
#define MACH_NOTIFY_SEND_ONCE      0107
#define MACH_NOTIFY_DEAD_NAME      0110
#define MACH_NOTIFY_LAST           0115
#endif
