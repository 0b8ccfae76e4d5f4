/*
 * take NAME [COMMAND [ARGUMENT...]]: asks the give of that NAME for its standard input, and runs COMMAND with
 * it as its own; without a COMMAND, copies it to the standard output. Read give.c first.
 */
#include "give.h"

#include <errno.h>
#include <fcntl.h>
#include <mach/mach_port.h>
#include <mach/notify_ids.h>
#include <ostia.h>
#include <servers/bootstrap.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "take: %s: %s\n", what, why);
    return 1;
}

static int is_reply(const give_reply_t *m)
{
    return m->header.msgh_id == GIVE_REPLY_ID && m->header.msgh_size == sizeof(*m)
        && m->header.msgh_bits & MACH_MSGH_BITS_COMPLEX && m->body.msgh_descriptor_count == 1
        && m->right.type == MACH_MSG_PORT_DESCRIPTOR
        && m->right.disposition == MACH_MSG_TYPE_PORT_SEND && m->right.name != MACH_PORT_NULL
        && m->right.name != MACH_PORT_DEAD;
}

/*
 * Asks, and waits for the answer: one trap. *right gets a send right. MIG_SERVER_DIED: the giver
 * ended, or dropped the request. MIG_TYPE_ERROR: it answered something else.
 */
static kern_return_t ask(mach_port_t giver, mach_port_t *right)
{
    mach_port_t reply_port = mig_get_reply_port();
    give_buffer_t m = {
        .header = {
            .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
            .msgh_size = sizeof(m.header),
            .msgh_remote_port = giver,
            .msgh_local_port = reply_port,
            .msgh_id = GIVE_REQUEST_ID,
        },
    };
    mach_msg_return_t mr = mach_msg(&m.header, MACH_SEND_MSG | MACH_RCV_MSG, sizeof(m.header),
                                    sizeof(m), reply_port, MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);

    if (mr == MACH_RCV_TOO_LARGE)
        return MIG_TYPE_ERROR;
    if (mr != MACH_MSG_SUCCESS)
        return mr;
    if (is_reply(&m.reply)) {
        *right = m.reply.right.name;
        return KERN_SUCCESS;
    }
    mach_msg_destroy(&m.header);
    /* The kernel sends this when a send-once right dies unused. */
    return m.header.msgh_id == MACH_NOTIFY_SEND_ONCE ? MIG_SERVER_DIED : MIG_TYPE_ERROR;
}

static int copy(void)
{
    static char buffer[8192];
    ssize_t n;

    while ((n = read(STDIN_FILENO, buffer, sizeof(buffer))) > 0)
        if (write(STDOUT_FILENO, buffer, n) != n)
            return fail("standard output", strerror(errno));
    return n < 0 ? fail("read", strerror(errno)) : 0;
}

int main(int argc, char **argv)
{
    mach_port_t giver, right;
    kern_return_t kr;
    int fd;

    if (argc < 2) {
        fprintf(stderr, "usage: take name [command [argument...]]\n");
        return 2;
    }
    kr = bootstrap_look_up(bootstrap_port, argv[1], &giver);
    if (kr == KERN_SUCCESS) {
        kr = ask(giver, &right);
        mach_port_deallocate(mach_task_self(), giver);
    }
    if (kr != KERN_SUCCESS)
        return fail(argv[1], mach_error_string(kr));
    fd = openport(right, O_RDONLY);
    if (fd < 0 || dup2(fd, STDIN_FILENO) < 0)
        return fail(argv[1], strerror(errno));
    if (fd != STDIN_FILENO)
        close(fd);
    if (argc == 2)
        return copy();
    execvp(argv[2], argv + 2);
    return fail(argv[2], strerror(errno)), errno == ENOENT ? 127 : 126;
}
