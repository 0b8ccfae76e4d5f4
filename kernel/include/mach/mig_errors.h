/*
 * What MIG-made stubs return beside kern_return_t, and the shape of an error reply.
 *
 * Ownership, the one rule: a server routine that returns KERN_SUCCESS (or MIG_NO_REPLY) has
 * consumed every right and out-of-line region it was given; on any other return the stub releases
 * them all. A client has given away what it passed, unless the call returns a MACH_SEND_ code (but
 * TIMED_OUT and INTERRUPTED): then nothing was sent, and all is still the client's.
 */
#ifndef _MACH_MIG_ERRORS_H_
#define _MACH_MIG_ERRORS_H_

#include <mach/message.h>

#define MIG_TYPE_ERROR    (-300) /* client: the reply's shape is wrong */
#define MIG_REPLY_MISMATCH (-301) /* client: the reply's id is wrong */
#define MIG_REMOTE_ERROR  (-302) /* client: the server returned a MACH_SEND_ code */
#define MIG_BAD_ID        (-303) /* server: no such routine */
#define MIG_BAD_ARGUMENTS (-304) /* server: the request's shape is wrong */
#define MIG_NO_REPLY      (-305) /* server routine: it will reply itself, or never */
#define MIG_EXCEPTION     (-306)
#define MIG_ARRAY_TOO_LARGE (-307) /* a result is longer than there is room for */
#define MIG_SERVER_DIED   (-308)
#define MIG_TRAILER_ERROR (-309)

typedef struct {
    mach_msg_header_t Head;
    kern_return_t RetCode;
} mig_reply_error_t;

static inline boolean_t mig_is_send_code(mach_msg_return_t code)
{
    return (code & ~MACH_MSG_MASK & ~0xff) == (MACH_SEND_IN_PROGRESS & ~0xff);
}

/*
 * Is what the client passed still the client's? After the two other codes of a send that failed,
 * mach_msg gave the message back, in part under other names, and the stub has released it.
 */
static inline boolean_t mig_not_sent(mach_msg_return_t code)
{
    return mig_is_send_code(code) && (code & ~MACH_MSG_MASK) != MACH_SEND_TIMED_OUT
        && (code & ~MACH_MSG_MASK) != MACH_SEND_INTERRUPTED;
}

/*
 * What a server returned, to its client. It must not pretend that the request was not sent: what
 * went with it would be released twice.
 */
static inline kern_return_t mig_remote_code(kern_return_t code)
{
    return mig_is_send_code(code) ? MIG_REMOTE_ERROR : code;
}

#endif
