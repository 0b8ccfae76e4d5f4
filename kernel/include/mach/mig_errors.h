/*
 * What MIG-made stubs return beside kern_return_t, and the shape of an error reply.
 *
 * Ownership, the one rule: a server routine that returns KERN_SUCCESS (or MIG_NO_REPLY) has
 * consumed every right and out-of-line region it was given; on any other return the stub releases
 * them all.
 */
#ifndef _MACH_MIG_ERRORS_H_
#define _MACH_MIG_ERRORS_H_

#include <mach/message.h>

#define MIG_TYPE_ERROR    (-300) /* client: the reply's shape is wrong */
#define MIG_REPLY_MISMATCH (-301) /* client: the reply's id is wrong */
#define MIG_REMOTE_ERROR  (-302)
#define MIG_BAD_ID        (-303) /* server: no such routine */
#define MIG_BAD_ARGUMENTS (-304) /* server: the request's shape is wrong */
#define MIG_NO_REPLY      (-305) /* server routine: it will reply itself, or never */
#define MIG_EXCEPTION     (-306)
#define MIG_ARRAY_TOO_LARGE (-307)
#define MIG_SERVER_DIED   (-308)
#define MIG_TRAILER_ERROR (-309)

typedef struct {
    mach_msg_header_t Head;
    kern_return_t RetCode;
} mig_reply_error_t;

#endif
