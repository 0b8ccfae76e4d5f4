/*
 * give NAME [COUNT]: hands its standard input to whoever asks for it by NAME (see take), COUNT times
 * (default: once). What goes over is the right to the open file, in a message: give reads not a byte.
 *
 * Messages by hand, to show what mig's stubs do: read give.h, then mach/message.h.
 */
#include "give.h"

#include <mach/error.h>
#include <mach/mach_port.h>
#include <ostia.h>
#include <servers/bootstrap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int fail(const char *what, kern_return_t kr)
{
    fprintf(stderr, "give: %s: %s\n", what, mach_error_string(kr));
    return 1;
}

/* A new port that the name server knows as name. */
static kern_return_t open_shop(const char *name, mach_port_t *port)
{
    kern_return_t kr = mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, port);

    if (kr == KERN_SUCCESS)
        kr = mach_port_insert_right(mach_task_self(), *port, *port, MACH_MSG_TYPE_MAKE_SEND);
    return kr == KERN_SUCCESS ? bootstrap_register(bootstrap_port, name, *port) : kr;
}

/* Is it a request as it should be, from somebody who waits for the answer? */
static int is_request(const mach_msg_header_t *m)
{
    return m->msgh_id == GIVE_REQUEST_ID && m->msgh_size == sizeof(*m)
        && MACH_MSGH_BITS_REMOTE(m->msgh_bits) == MACH_MSG_TYPE_PORT_SEND_ONCE;
}

/* Answers the request with a copy of the right. Consumes the reply right, also on failure. */
static mach_msg_return_t answer(const mach_msg_header_t *request, mach_port_t right)
{
    give_reply_t reply = {
        .header = {
            .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0) | MACH_MSGH_BITS_COMPLEX,
            .msgh_size = sizeof(reply),
            .msgh_remote_port = request->msgh_remote_port,
            .msgh_id = GIVE_REPLY_ID,
        },
        .body.msgh_descriptor_count = 1,
        .right = {
            .name = right,
            .disposition = MACH_MSG_TYPE_COPY_SEND,
            .type = MACH_MSG_PORT_DESCRIPTOR,
        },
    };
    mach_msg_return_t mr = mach_msg(&reply.header, MACH_SEND_MSG, sizeof(reply), 0, MACH_PORT_NULL,
                                    MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);

    if (mr != MACH_MSG_SUCCESS)
        mach_msg_destroy(&reply.header); /* a failed send consumed nothing */
    return mr;
}

int main(int argc, char **argv)
{
    char *end = "";
    unsigned long left = argc == 3 ? strtoul(argv[2], &end, 10) : 1;
    mach_port_t shop, right;
    kern_return_t kr;

    if (argc < 2 || argc > 3 || *end != '\0' || left == 0 || strchr("+-", argv[argc - 1][0]) != NULL) {
        fprintf(stderr, "usage: give name [count]\n");
        return 2;
    }
    right = getdport(STDIN_FILENO);
    if (right == MACH_PORT_NULL) {
        perror("give: standard input");
        return 1;
    }
    kr = open_shop(argv[1], &shop);
    if (kr != KERN_SUCCESS)
        return fail(argv[1], kr);
    while (left > 0) {
        give_buffer_t request;
        mach_msg_return_t mr = mach_msg(&request.header, MACH_RCV_MSG, 0, sizeof(request), shop,
                                        MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);

        if (mr == MACH_RCV_TOO_LARGE) /* not ours, and gone */
            continue;
        if (mr != MACH_MSG_SUCCESS)
            return fail("receive", mr);
        if (!is_request(&request.header))
            mach_msg_destroy(&request.header); /* with all rights that came in it */
        else if (answer(&request.header, right) == MACH_MSG_SUCCESS)
            left--;
    }
    return 0;
}
