/*
 * MIG-made client and server stubs of all.defs, run against each other on the host. In the order to
 * read: fake.c is the kernel; routines.c the server; calls.c the client; tests.c says what must
 * come of it. libmach's own mig_support.c and mach_msg.c are linked with them. Read messages.h
 * before.
 */
#ifndef _RUNTIME_H_
#define _RUNTIME_H_

#include <mach/mig_support.h>

#include "all.h"
#include "all_server.h"
#include "messages.h"

enum { SERVER_PORT = 2, REPLY_PORT = 3, REPLY_RIGHT = 4 };

/* ---- fake.c ---- */
extern struct seen { /* since reset() */
    int calls;       /* of server routines */
    int objects;     /* references to the_object */
    int delayed;     /* replies sent later */
    int reply_ports_made;
    int reply_ports_destroyed;
    mach_msg_option_t option;
    mach_msg_timeout_t timeout;
} seen;
extern kern_return_t routine_result;  /* what the routines are to return */
extern mach_msg_return_t fail_send;   /* what the trap is to return at once, if not success */
extern int interruptions;            /* how many times to be interrupted before that */
extern boolean_t interrupt_receive;  /* once, after the request was sent */
typedef void (*spoil_t)(mach_msg_header_t *);
extern spoil_t spoil_request, spoil_reply; /* what the sender does to a message before it goes */
struct wire {                              /* the last request and reply, as delivered */
    mach_msg_size_t request_size, reply_size;
    char request[70000], reply[70000];
};
extern struct wire wire;
extern boolean_t found;           /* what the demultiplexer said */
extern kern_return_t server_code; /* RetCode of its reply */
void reset(void);

/* A buffer of exactly the message's size (so that a read past its end is seen), with a trailer. */
mach_msg_header_t *delivered(const mach_msg_header_t *message, boolean_t trailer);

/* ---- calls.c: a call of each routine with known arguments, which checks what comes back ---- */
struct routine_test {
    const char *name;
    kern_return_t (*call)(void);
    int id;
    boolean_t simple;
    mach_msg_size_t request_size, reply_size; /* by hand, from docs/mig.md */
};
extern const struct routine_test tests[];
extern const unsigned test_count;
const struct routine_test *test_of(int id);
extern unsigned shorts_count, wides_count;                         /* of arrays() */
extern mach_msg_type_number_t room_asked, room_wanted, room_got;   /* of room() */
extern const char *text;                                           /* of strings() */
extern int later_mode;                                             /* of later() */
extern const char *returned_text;                                  /* of released() */

#endif
