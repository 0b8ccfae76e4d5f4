/*
 * What the tests of hostile processes share: ports to be hostile to, and a look whether all is well
 * afterwards.
 */
#ifndef HOSTILE_TEST_H
#define HOSTILE_TEST_H

#include "posix_test.h"

#include "../lib/libc/posix.h" /* the ports that libc keeps */

#include <mach/mach_port.h>

static char output[4096];

/* Files, processes, pipes and the shell still do what they should. */
static inline void expect_all_well(void)
{
    EXPECT_EQ(make_file("well", "still here"), 0);
    EXPECT_STREQ(file_text("well", output, sizeof output), "still here");
    EXPECT_EQ(unlink("well"), 0);
    EXPECT_EQ(shell("echo alive | cat", output, sizeof output), 0);
    EXPECT_STREQ(output, "alive\n");
}

/* A descriptor's. */
static inline mach_port_t port_of(int fd)
{
    struct fd *entry = __fd_get(fd);

    return entry != NULL ? entry->port : MACH_PORT_NULL;
}

/* A port of ours that nobody receives from: the right to send is with it. */
static inline mach_port_t silent_port(void)
{
    mach_port_t port = MACH_PORT_NULL;

    mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &port);
    mach_port_insert_right(mach_task_self(), port, port, MACH_MSG_TYPE_MAKE_SEND);
    return port;
}

#endif
