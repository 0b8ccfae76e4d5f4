/*
 * What the tests of lab util's second half share (lab_util.h is read before): messages made and taken apart
 * by hand, names at the name server, and the requests that a program under test sends.
 */
#ifndef LAB_UTIL_MSG_H
#define LAB_UTIL_MSG_H

#include "lab_util.h"

#include <mach/error.h>
#include <mach/mig_errors.h>
#include <servers/bootstrap.h>

#define PATIENCE 3000 /* ms of guest time in which an answer must come */
#define REPLY    100  /* is added to a request's id */

/* One message, of any kind here. */
static union {
    mach_msg_header_t header;
    struct {
        mach_msg_header_t header;
        mach_msg_body_t body;
        mach_msg_port_descriptor_t right[2];
    } complex;
    struct {
        mach_msg_header_t header;
        int32_t ret_code;
    } reply;
    char bytes[4096];
} m;

static inline mach_port_t new_port(void)
{
    mach_port_t port = MACH_PORT_NULL;

    mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &port);
    return port;
}

static inline void destroy_port(mach_port_t port)
{
    mach_port_mod_refs(mach_task_self(), port, MACH_PORT_RIGHT_RECEIVE, -1);
}

/* Waits until the name server knows name (or not: known 0). The right; MACH_PORT_NULL. */
static inline mach_port_t wait_for_name(const char *name, int known)
{
    mach_port_t port = MACH_PORT_NULL;

    for (int ms = 0; ms < PATIENCE; ms += 5) {
        int found = bootstrap_look_up(bootstrap_port, name, &port) == KERN_SUCCESS;

        if (found && known)
            return port;
        if (found)
            mach_port_deallocate(mach_task_self(), port);
        else if (!known)
            return MACH_PORT_NULL;
        usleep(5000);
    }
    if (known)
        FAIL("%s: it does not register \"%s\" at the name server", r.command, name);
    else
        FAIL("%s has ended, and the name server still knows \"%s\"", r.command, name);
    return MACH_PORT_NULL;
}

/* Sends what is in m, size bytes, to port; the reply is to come to reply (MACH_PORT_NULL: none). */
static inline mach_msg_return_t send_request(mach_port_t port, mach_port_t reply, int id, size_t size,
                                             int complex)
{
    m.header.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND,
                                        reply != MACH_PORT_NULL ? MACH_MSG_TYPE_MAKE_SEND_ONCE : 0)
        | (complex ? MACH_MSGH_BITS_COMPLEX : 0);
    m.header.msgh_size = (mach_msg_size_t)size;
    m.header.msgh_remote_port = port;
    m.header.msgh_local_port = reply;
    m.header.msgh_seqno = 0;
    m.header.msgh_id = id;
    return mach_msg(&m.header, MACH_SEND_MSG | MACH_SEND_TIMEOUT, (mach_msg_size_t)size, 0,
                    MACH_PORT_NULL, PATIENCE, MACH_PORT_NULL);
}

/* Receives into m within so many milliseconds. */
static inline mach_msg_return_t receive(mach_port_t port, mach_msg_timeout_t ms)
{
    memset(&m, 0, sizeof m);
    return mach_msg(&m.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof m, port, ms, MACH_PORT_NULL);
}

/* A service port of ours; a name is used once, since the name server forgets it a little later. */
static inline mach_port_t serve(const char *name)
{
    mach_port_t port = new_port();

    mach_port_insert_right(mach_task_self(), port, port, MACH_MSG_TYPE_MAKE_SEND);
    if (bootstrap_register(bootstrap_port, name, port) != KERN_SUCCESS)
        FAIL("the test cannot register \"%s\"", name);
    mach_port_deallocate(mach_task_self(), port);
    return port;
}

/* The next request, in m; 0 after FAIL, and then the program is gone. */
static inline int get_request(mach_port_t port, int id)
{
    mach_msg_return_t mr = r.pid > 0 ? receive(port, PATIENCE) : MACH_RCV_TIMED_OUT;

    if (r.pid <= 0)
        return 0;
    while (mr == MACH_MSG_SUCCESS && m.header.msgh_id < 128) /* a notification: nobody's */
        mr = receive(port, PATIENCE);
    if (mr != MACH_MSG_SUCCESS)
        FAIL("%s: no request came: %s", r.command, mach_error_string(mr));
    else if (m.header.msgh_id != id)
        FAIL("%s: sent a request with id %d, expected %d", r.command, m.header.msgh_id, id);
    else if (MACH_MSGH_BITS_REMOTE(m.header.msgh_bits) != MACH_MSG_TYPE_PORT_SEND_ONCE)
        FAIL("%s: the request's reply right has disposition %u; expected send-once (18)", r.command,
             MACH_MSGH_BITS_REMOTE(m.header.msgh_bits));
    else
        return 1;
    put_away();
    return 0;
}

#endif
