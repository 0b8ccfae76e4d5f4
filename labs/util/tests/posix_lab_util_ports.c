/*
 * Lab util, exercise 6: give and take. This program is the other side of each: it sends the requests and the
 * answers by hand, byte for byte as the handout has them, also such as are wrong, and it looks at the port
 * names that the program under test holds.
 */
#include "lab_util_msg.h"

#include <mach/task.h>
#include <servers/io.h>

TEST_LIMIT(10);

#define GIVE_ID 7400

static int help(int argc, char **argv)
{
    if (strcmp(argv[1], "cat") == 0) {
        char c;

        while (read(0, &c, 1) == 1)
            putchar(c);
    }
    (void)argc;
    return 0;
}

/* ---- 6: give ---- */

static char gift[64];

static mach_port_t begin_give(const char *count)
{
    snprintf(gift, sizeof gift, "what is given, %u\n", seed());
    make_file("gift", gift);
    BEGIN("gift", "give", "shop", count);
    return r.pid > 0 ? wait_for_name("shop", 1) : MACH_PORT_NULL;
}

/* Asks once; the right that came, checked in every respect. MACH_PORT_NULL after FAIL. */
static mach_port_t ask(mach_port_t shop)
{
    mach_port_t reply = new_port(), right = MACH_PORT_NULL;
    mach_msg_return_t mr = send_request(shop, reply, GIVE_ID, sizeof m.header, 0);

    if (mr == MACH_MSG_SUCCESS)
        mr = receive(reply, PATIENCE);
    if (mr != MACH_MSG_SUCCESS)
        FAIL("give: no answer to a request: %s", mach_error_string(mr));
    else if (m.header.msgh_id != GIVE_ID + REPLY || !(m.header.msgh_bits & MACH_MSGH_BITS_COMPLEX))
        FAIL("give: the answer has id %d and bits %#x; expected id 7500, complex", m.header.msgh_id,
             m.header.msgh_bits);
    else if (m.header.msgh_size != 48 || m.complex.body.msgh_descriptor_count != 1
             || m.complex.right[0].type != MACH_MSG_PORT_DESCRIPTOR)
        FAIL("give: the answer has %u bytes and %u descriptors; expected 48, and one, of a port",
             m.header.msgh_size, m.complex.body.msgh_descriptor_count);
    else if (m.complex.right[0].disposition != MACH_MSG_TYPE_PORT_SEND)
        FAIL("give: the answer holds a right of disposition %d; expected a send right (17)",
             m.complex.right[0].disposition);
    else
        right = m.complex.right[0].name;
    destroy_port(reply);
    return right;
}

/* Is it the file that give has as its input? */
static void expect_gift(mach_port_t right)
{
    char data[64];
    mach_msg_type_number_t count = sizeof data - 1;
    kern_return_t kr = io_pread(right, 0, count, data, &count);

    data[kr == KERN_SUCCESS ? count : 0] = '\0';
    if (kr != KERN_SUCCESS || strcmp(data, gift) != 0)
        FAIL("give: reading from what it gave: %s, \"%s\"", mach_error_string(kr), data);
}

TEST(give_once)
{
    mach_port_t shop = begin_give("1"), right;

    REQUIRE_TRUE(shop != MACH_PORT_NULL);
    right = ask(shop);
    if (!right) {
        put_away();
        return;
    }
    finish();
    EXPECT_RUN(0, "");
    expect_gift(right); /* ours, though the giver is gone */
    mach_port_deallocate(mach_task_self(), right);
    mach_port_deallocate(mach_task_self(), shop);
    wait_for_name("shop", 0);
}

TEST(give_several_times)
{
    mach_port_t shop = begin_give("3");

    REQUIRE_TRUE(shop != MACH_PORT_NULL);
    for (int i = 0; i < 3; i++) {
        mach_port_t right = ask(shop);

        if (!right) {
            put_away();
            return;
        }
        expect_gift(right);
        mach_port_deallocate(mach_task_self(), right);
    }
    finish();
    EXPECT_RUN(0, "");
    mach_port_deallocate(mach_task_self(), shop);
}

TEST(give_keeps_nothing_of_strangers)
{
    mach_port_t shop = begin_give("100"), keep[12], reply;
    int before, after, references, references_after, pid = r.pid;

    REQUIRE_TRUE(shop != MACH_PORT_NULL);
    mach_port_deallocate(mach_task_self(), ask(shop));
    before = count_rights(pid, &references);
    for (int i = 0; i < 12; i++) { /* rights to ports that live on, or a dead name would take their place */
        reply = new_port();
        keep[i] = new_port();
        memset(&m, 0, sizeof m);
        m.complex.body.msgh_descriptor_count = 1;
        m.complex.right[0].name = keep[i];
        m.complex.right[0].disposition = MACH_MSG_TYPE_MAKE_SEND;
        m.complex.right[0].type = MACH_MSG_PORT_DESCRIPTOR;
        EXPECT_KR(send_request(shop, i % 2 ? reply : MACH_PORT_NULL, i % 3 ? 1234 : GIVE_ID, 48, 1),
                  MACH_MSG_SUCCESS);
        if (i % 2 && receive(reply, PATIENCE) == MACH_MSG_SUCCESS
            && m.header.msgh_id == GIVE_ID + REPLY)
            FAIL("give: it answered a message that is no request");
        destroy_port(reply);
    }
    mach_port_deallocate(mach_task_self(), ask(shop)); /* so all before it have been dealt with */
    after = count_rights(pid, &references_after);
    if (after != before || references_after != references)
        FAIL("give held %d port names with %d references, and %d with %d after messages that are no "
             "requests: what came in them was not given back", before, references, after,
             references_after);
    for (int i = 0; i < 12; i++)
        destroy_port(keep[i]);
    mach_port_deallocate(mach_task_self(), shop);
    put_away();
}

TEST(give_survives)
{
    mach_port_t shop = begin_give("2"), reply = new_port();
    task_t task;

    REQUIRE_TRUE(shop != MACH_PORT_NULL);
    memset(&m, 0, sizeof m);
    EXPECT_KR(send_request(shop, reply, GIVE_ID, 4000, 0), MACH_MSG_SUCCESS); /* too long for anybody */
    REQUIRE_KR(proc_get_task(getproc(), r.pid, &task), KERN_SUCCESS);
    task_suspend(task);
    destroy_port(reply);
    reply = new_port();
    EXPECT_KR(send_request(shop, reply, GIVE_ID, sizeof m.header, 0), MACH_MSG_SUCCESS);
    destroy_port(reply); /* it asks, and is gone before it is answered: does not count */
    task_resume(task);
    mach_port_deallocate(mach_task_self(), task);
    for (int i = 0; i < 2; i++) {
        mach_port_t right = ask(shop);

        if (!right) {
            put_away();
            return;
        }
        mach_port_deallocate(mach_task_self(), right);
    }
    finish();
    EXPECT_RUN(0, "");
    mach_port_deallocate(mach_task_self(), shop);
}

TEST(give_refuses)
{
    mach_port_t port = new_port();

    mach_port_insert_right(mach_task_self(), port, port, MACH_MSG_TYPE_MAKE_SEND);
    REQUIRE_KR(bootstrap_register(bootstrap_port, "taken", port), KERN_SUCCESS);
    RUN("/dev/null", "give", "taken");
    EXPECT_REFUSED(1);
    destroy_port(port);
    mach_port_deallocate(mach_task_self(), port);
    RUN(NULL, "give", "noinput");
    EXPECT_REFUSED(1);
    RUN("/dev/null", "give");
    EXPECT_REFUSED(2);
    RUN("/dev/null", "give", "x", "0");
    EXPECT_REFUSED(2);
    RUN("/dev/null", "give", "x", "1y");
    EXPECT_REFUSED(2);
}

/* ---- 6: take ---- */

/* Answers the request in m with so many copies of right. */
static void answer(int id, mach_port_t right, mach_msg_type_name_t disposition, int count)
{
    mach_port_t reply = m.header.msgh_remote_port;

    memset(&m, 0, sizeof m);
    m.header.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0) | MACH_MSGH_BITS_COMPLEX;
    m.header.msgh_size = (mach_msg_size_t)(sizeof m.header + sizeof m.complex.body
                                           + (size_t)count * sizeof m.complex.right[0]);
    m.header.msgh_remote_port = reply;
    m.header.msgh_id = id;
    m.complex.body.msgh_descriptor_count = (mach_msg_size_t)count;
    for (int i = 0; i < count; i++) {
        m.complex.right[i].name = right;
        m.complex.right[i].disposition = (uint8_t)disposition;
        m.complex.right[i].type = MACH_MSG_PORT_DESCRIPTOR;
    }
    EXPECT_KR(mach_msg(&m.header, MACH_SEND_MSG, m.header.msgh_size, 0, MACH_PORT_NULL, 0,
                       MACH_PORT_NULL), MACH_MSG_SUCCESS);
}

static mach_port_t open_gift(int *fd)
{
    snprintf(gift, sizeof gift, "taken over, %u\n", seed());
    make_file("gift", gift);
    *fd = open("gift", O_RDONLY);
    return getdport(*fd);
}

TEST(take_copies)
{
    mach_port_t port = serve("take1"), right;
    int fd;

    right = open_gift(&fd);
    BEGIN("/dev/null", "take", "take1");
    if (get_request(port, GIVE_ID)) {
        if (m.header.msgh_size != sizeof m.header || m.header.msgh_bits & MACH_MSGH_BITS_COMPLEX)
            FAIL("take: the request is a header of 24 bytes alone; it has %u", m.header.msgh_size);
        answer(GIVE_ID + REPLY, right, MACH_MSG_TYPE_COPY_SEND, 1);
        finish();
        EXPECT_RUN(0, gift);
    }
    mach_port_deallocate(mach_task_self(), right);
    close(fd);
    destroy_port(port);
}

TEST(take_runs_a_command)
{
    mach_port_t port = serve("take2"), right;
    int fd;

    right = open_gift(&fd);
    BEGIN("/dev/null", "take", "take2", self, "cat");
    if (get_request(port, GIVE_ID)) {
        answer(GIVE_ID + REPLY, right, MACH_MSG_TYPE_COPY_SEND, 1);
        finish();
        EXPECT_RUN(0, gift);
    }
    BEGIN("/dev/null", "take", "take2", "posix_lab_no_such_program");
    if (get_request(port, GIVE_ID)) {
        answer(GIVE_ID + REPLY, right, MACH_MSG_TYPE_COPY_SEND, 1);
        finish();
        EXPECT_REFUSED(127);
    }
    mach_port_deallocate(mach_task_self(), right);
    close(fd);
    destroy_port(port);
}

/* Gives the program a send right under a name that it knows nothing of. The name; MACH_PORT_NULL. */
static mach_port_name_t plant(mach_port_t right)
{
    const mach_port_name_t name = 0x2000; /* entry 32: it has not as many */
    task_t task;
    kern_return_t kr;

    if (proc_get_task(getproc(), r.pid, &task) != KERN_SUCCESS)
        return MACH_PORT_NULL;
    kr = mach_port_insert_right(task, name, right, MACH_MSG_TYPE_COPY_SEND);
    mach_port_deallocate(mach_task_self(), task);
    EXPECT_KR(kr, KERN_SUCCESS);
    return kr == KERN_SUCCESS ? name : MACH_PORT_NULL;
}

TEST(take_believes_no_stranger)
{
    mach_port_t port = serve("take3"), right;
    mach_port_name_t name;
    int fd;

    right = open_gift(&fd);
    for (int i = 0; i < 6; i++) {
        BEGIN("/dev/null", "take", "take3");
        if (!get_request(port, GIVE_ID))
            break;
        name = plant(right);
        switch (i) {
        case 0: /* the answer to something else */
            answer(GIVE_ID + REPLY + 1, right, MACH_MSG_TYPE_COPY_SEND, 1);
            break;
        case 1:
            answer(GIVE_ID + REPLY, right, MACH_MSG_TYPE_COPY_SEND, 2);
            break;
        case 2: /* no right, but the place of one */
            answer(GIVE_ID + REPLY, MACH_PORT_NULL, MACH_MSG_TYPE_COPY_SEND, 1);
            break;
        case 3: /* a receive right is no file */
            answer(GIVE_ID + REPLY, new_port(), MACH_MSG_TYPE_MOVE_RECEIVE, 1);
            break;
        case 4: /* not complex: bytes that look like a body, with a right that take has anyway */
            m.header.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0);
            m.header.msgh_size = 48;
            m.header.msgh_local_port = MACH_PORT_NULL;
            m.header.msgh_id = GIVE_ID + REPLY;
            m.complex.body.msgh_descriptor_count = 1;
            m.complex.right[0].name = name;
            m.complex.right[0].disposition = MACH_MSG_TYPE_PORT_SEND;
            EXPECT_KR(mach_msg(&m.header, MACH_SEND_MSG, 48, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL),
                      MACH_MSG_SUCCESS);
            break;
        default: /* none at all: the kernel tells */
            mach_port_deallocate(mach_task_self(), m.header.msgh_remote_port);
        }
        finish();
        EXPECT_REFUSED(1);
    }
    mach_port_deallocate(mach_task_self(), right);
    close(fd);
    destroy_port(port);
}

TEST(take_refuses)
{
    RUN("/dev/null", "take", "posix_lab_no_such_name");
    EXPECT_REFUSED(1);
    RUN("/dev/null", "take");
    EXPECT_REFUSED(2);
}

LAB_MAIN(help)
