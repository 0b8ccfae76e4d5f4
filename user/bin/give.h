/*
 * The messages of give and take, written by hand: what mig would make of
 *
 *     routine give(giver: mach_port_t; out right: mach_port_move_send_t);
 *
 * is a request with nothing but a header, and a reply with one right in its body.
 */
#ifndef GIVE_H
#define GIVE_H

#include <mach/mach.h>

#define GIVE_REQUEST_ID 7400
#define GIVE_REPLY_ID   (GIVE_REQUEST_ID + 100)

typedef struct {
    mach_msg_header_t header;
    mach_msg_body_t body; /* one descriptor */
    mach_msg_port_descriptor_t right;
} give_reply_t;

/* What either side receives into. A stranger's message may be longer still: it is lost, then. */
typedef union {
    mach_msg_header_t header;
    give_reply_t reply;
    char room[512];
} give_buffer_t;

#endif
