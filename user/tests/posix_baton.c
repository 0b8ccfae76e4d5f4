/*
 * The server of the book's chapter on servers (user/examples/batond.c): it gives its baton to one at a time,
 * and gets it back from whoever dies.
 */
#include "posix_test.h"
#include <mach/mach.h>
#include <mach/mach_port.h>
#include <mach/notify_ids.h>
#include <servers/baton.h>
#include <servers/baton_server.h>
#include <servers/bootstrap.h>
#include <time.h>

TEST_LIMIT(60);

#define SELF mach_task_self()

static pid_t server;
static mach_port_t service;

static void pause_ms(long ms)
{
    struct timespec t = {0, ms * 1000000};

    nanosleep(&t, NULL);
}

static int start(void)
{
    kern_return_t kr = KERN_FAILURE;

    server = fork();
    if (server == 0) {
        execl("/examples/batond", "batond", NULL);
        _exit(127);
    }
    for (int tries = 0; tries < 500 && kr != KERN_SUCCESS; tries++) {
        pause_ms(10);
        kr = bootstrap_look_up(bootstrap_port, "baton", &service);
    }
    return kr == KERN_SUCCESS;
}

static void stop(void)
{
    int status;

    kill(server, SIGKILL);
    EXPECT_EQ(waitpid(server, &status, 0), server);
    mach_port_deallocate(SELF, service);
}

static pid_t holder(void)
{
    uint32_t pid = 0;

    return baton_holder(service, &pid) == KERN_SUCCESS ? (pid_t)pid : -1;
}

/* Asks for the baton without waiting: the port that the answer comes to. (What is sent next by this thread is
 * served after it.) */
static mach_port_t ask(void)
{
    mach_msg_header_t request = {
        .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
        .msgh_size = sizeof request,
        .msgh_remote_port = service,
        .msgh_id = baton_subsystem_base,
    };

    if (mach_port_allocate(SELF, MACH_PORT_RIGHT_RECEIVE, &request.msgh_local_port) != KERN_SUCCESS)
        return MACH_PORT_NULL;
    EXPECT_KR(mach_msg(&request, MACH_SEND_MSG, sizeof request, 0, MACH_PORT_NULL, MACH_MSG_TIMEOUT_NONE,
                       MACH_PORT_NULL), MACH_MSG_SUCCESS);
    return request.msgh_local_port;
}

/* Waits for the answer, and destroys the port. Its id; *baton is the right that it brought. */
static mach_msg_id_t answer(mach_port_t port, mach_port_t *baton)
{
    struct {
        mach_msg_header_t header;
        mach_msg_body_t body;
        mach_msg_port_descriptor_t right;
        char rest[64];
    } m;

    *baton = MACH_PORT_NULL;
    EXPECT_KR(mach_msg(&m.header, MACH_RCV_MSG, 0, sizeof m, port, MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL),
              MACH_MSG_SUCCESS);
    if (m.header.msgh_bits & MACH_MSGH_BITS_COMPLEX)
        *baton = m.right.name;
    mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_RECEIVE, -1);
    return m.header.msgh_id;
}

TEST(one_has_it_at_a_time)
{
    mach_port_t baton[3], second, third;

    REQUIRE_TRUE(start());
    EXPECT_EQ(holder(), 0);
    REQUIRE_KR(baton_take(service, &baton[0]), KERN_SUCCESS);
    EXPECT_EQ(holder(), getpid());
    second = ask();
    third = ask();
    mach_port_deallocate(SELF, baton[0]);
    EXPECT_EQ(answer(second, &baton[1]), baton_subsystem_base + 100);
    mach_port_deallocate(SELF, baton[1]);
    EXPECT_EQ(answer(third, &baton[2]), baton_subsystem_base + 100);
    EXPECT_EQ(holder(), getpid());
    mach_port_deallocate(SELF, baton[2]);
    REQUIRE_KR(baton_take(service, &baton[0]), KERN_SUCCESS);
    mach_port_deallocate(SELF, baton[0]);
    stop();
}

TEST(who_died_while_it_waited_is_passed_over)
{
    mach_port_t baton, dead, next;

    REQUIRE_TRUE(start());
    REQUIRE_KR(baton_take(service, &baton), KERN_SUCCESS);
    dead = ask();
    next = ask();
    mach_port_mod_refs(SELF, dead, MACH_PORT_RIGHT_RECEIVE, -1);
    mach_port_deallocate(SELF, baton);
    EXPECT_EQ(answer(next, &baton), baton_subsystem_base + 100);
    mach_port_deallocate(SELF, baton);
    stop();
}

TEST(who_is_killed_gives_it_back)
{
    mach_port_t baton;
    int fds[2], status;
    char c;
    pid_t child;

    REQUIRE_TRUE(start());
    REQUIRE_EQ(pipe(fds), 0);
    child = fork();
    if (child == 0) {
        mach_port_t its;

        if (bootstrap_look_up(bootstrap_port, "baton", &its) == KERN_SUCCESS
            && baton_take(its, &baton) == KERN_SUCCESS)
            write(fds[1], "x", 1);
        for (;;)
            pause();
    }
    close(fds[1]);
    EXPECT_EQ(read(fds[0], &c, 1), 1);
    EXPECT_EQ(holder(), child);
    kill(child, SIGKILL);
    EXPECT_KR(baton_take(service, &baton), KERN_SUCCESS);
    EXPECT_EQ(holder(), getpid());
    EXPECT_EQ(waitpid(child, &status, 0), child);
    mach_port_deallocate(SELF, baton);
    close(fds[0]);
    stop();
}

TEST(who_waits_is_told_when_the_server_dies)
{
    mach_port_t baton, none, waits;
    uint32_t pid;

    REQUIRE_TRUE(start());
    REQUIRE_KR(baton_take(service, &baton), KERN_SUCCESS);
    waits = ask();
    EXPECT_EQ(holder(), getpid()); /* so the one before it was received, too */
    kill(server, SIGKILL);
    EXPECT_EQ(answer(waits, &none), MACH_NOTIFY_SEND_ONCE);
    EXPECT_KR(baton_holder(service, &pid), MACH_SEND_INVALID_DEST);
    mach_port_deallocate(SELF, baton);
    stop();
}

TEST(the_command_says_how_it_went)
{
    char output[200];

    REQUIRE_TRUE(start());
    EXPECT_EQ(WEXITSTATUS(shell("/examples/baton echo mine; /examples/baton sh -c 'exit 7'", output,
                                sizeof output)), 7);
    EXPECT_STREQ(output, "mine\n");
    EXPECT_EQ(WEXITSTATUS(shell("/examples/baton", output, sizeof output)), 2);
    stop();
    EXPECT_EQ(WEXITSTATUS(shell("/examples/baton true", output, sizeof output)), 1);
}

POSIX_TEST_MAIN
