/*
 * Lab ipc, exercise 8: notifications. What came is read off the port's counts where that will do, and
 * received where its contents matter (that needs exercise 6).
 */
#include "lab_ipc.h"

TEST_LIMIT(1);

static kern_return_t ask(mach_port_t name, mach_msg_id_t what, mach_port_mscount_t sync,
                         mach_port_t notify, mach_port_t *previous)
{
    *previous = MACH_PORT_NULL;
    return mach_port_request_notification(SELF, name, what, sync, notify,
                                          MACH_MSG_TYPE_MAKE_SEND_ONCE, previous);
}

static unsigned waiting(mach_port_t port)
{
    return status_of(port).mps_msgcount;
}

/* The next notification: its id, and the word in it. */
static mach_msg_id_t receive_note(mach_port_t port, uint32_t *word)
{
    struct small m;

    if (receive_word(port, &m, 0) != MACH_MSG_SUCCESS)
        return 0;
    *word = m.word;
    return m.header.msgh_id;
}

TEST(no_senders_is_sent_when_the_last_goes)
{
    mach_port_t port = port_with_send(), notify = new_port(), previous;

    EXPECT_KR(ask(port, MACH_NOTIFY_NO_SENDERS, 1, notify, &previous), KERN_SUCCESS);
    EXPECT_EQ(previous, MACH_PORT_NULL);
    EXPECT_EQ(status_of(port).mps_nsrequest, TRUE);
    EXPECT_EQ(waiting(notify), 0);
    mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_SEND, -1);
    EXPECT_EQ(waiting(notify), 1);
    EXPECT_EQ(status_of(port).mps_nsrequest, FALSE);
    mach_port_destroy(SELF, port);
    EXPECT_EQ(waiting(notify), 1);
    mach_port_destroy(SELF, notify);
}

TEST(no_senders_is_sent_at_once_if_there_are_none)
{
    mach_port_t port = new_port(), notify = new_port(), previous;

    EXPECT_KR(ask(port, MACH_NOTIFY_NO_SENDERS, 1, notify, &previous), KERN_SUCCESS);
    EXPECT_EQ(waiting(notify), 0); /* one is still to be made, says the 1 */
    EXPECT_KR(ask(port, MACH_NOTIFY_NO_SENDERS, 0, notify, &previous), KERN_SUCCESS);
    EXPECT_EQ(waiting(notify), 1);
    EXPECT_TRUE(previous != MACH_PORT_NULL);
    EXPECT_EQ(type_of(previous), MACH_PORT_TYPE_SEND_ONCE);
    EXPECT_EQ(status_of(port).mps_nsrequest, FALSE);
    mach_port_destroy(SELF, port);
    mach_port_destroy(SELF, notify);
    mach_port_deallocate(SELF, previous);
}

TEST(a_request_can_be_taken_back)
{
    mach_port_t port = port_with_send(), notify = new_port(), previous, none;

    EXPECT_KR(ask(port, MACH_NOTIFY_NO_SENDERS, 1, notify, &previous), KERN_SUCCESS);
    EXPECT_KR(ask(port, MACH_NOTIFY_NO_SENDERS, 0, MACH_PORT_NULL, &previous), KERN_SUCCESS);
    EXPECT_EQ(type_of(previous), MACH_PORT_TYPE_SEND_ONCE);
    EXPECT_KR(ask(port, MACH_NOTIFY_DEAD_NAME, 0, notify, &none), KERN_SUCCESS);
    EXPECT_EQ(none, MACH_PORT_NULL);
    EXPECT_KR(ask(port, MACH_NOTIFY_DEAD_NAME, 0, MACH_PORT_NULL, &none), KERN_SUCCESS);
    EXPECT_EQ(type_of(none), MACH_PORT_TYPE_SEND_ONCE);
    mach_port_destroy(SELF, port);
    EXPECT_EQ(waiting(notify), 0);
    EXPECT_EQ(status_of(notify).mps_sorights, 2);
    mach_port_destroy(SELF, notify);
    mach_port_deallocate(SELF, previous);
    mach_port_deallocate(SELF, none);
}

TEST(a_dead_name_is_told_once_and_counts)
{
    mach_port_t port = port_with_send(), notify = new_port(), previous;
    uint32_t word = 0;

    EXPECT_KR(ask(port, MACH_NOTIFY_DEAD_NAME, 0, notify, &previous), KERN_SUCCESS);
    mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_RECEIVE, -1);
    EXPECT_EQ(waiting(notify), 1);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_DEAD_NAME), 2);
    EXPECT_EQ(receive_note(notify, &word), MACH_NOTIFY_DEAD_NAME);
    EXPECT_EQ(word, port);
    /* Of a name dead already it is sent at once, if that is asked for; else it is an error. */
    EXPECT_KR(ask(port, MACH_NOTIFY_DEAD_NAME, 0, notify, &previous), KERN_INVALID_ARGUMENT);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_DEAD_NAME), 2);
    EXPECT_KR(ask(port, MACH_NOTIFY_DEAD_NAME, 1, notify, &previous), KERN_SUCCESS);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_DEAD_NAME), 3);
    EXPECT_EQ(receive_note(notify, &word), MACH_NOTIFY_DEAD_NAME);
    EXPECT_EQ(word, port);
    mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_DEAD_NAME, MACH_PORT_UREFS_MAX - 3);
    EXPECT_KR(ask(port, MACH_NOTIFY_DEAD_NAME, 1, notify, &previous), KERN_UREFS_OVERFLOW);
    mach_port_destroy(SELF, port);
    mach_port_destroy(SELF, notify);
}

TEST(a_name_that_goes_is_told)
{
    mach_port_t port = MACH_PORT_NULL, send, notify = new_port(), previous;
    uint32_t word = 0;
    task_t child;

    REQUIRE_KR(task_create(SELF, FALSE, &child), KERN_SUCCESS);
    mach_port_allocate(child, MACH_PORT_RIGHT_RECEIVE, &port);
    send = send_right_of(child, port);
    EXPECT_KR(ask(send, MACH_NOTIFY_DEAD_NAME, 0, notify, &previous), KERN_SUCCESS);
    EXPECT_KR(mach_port_deallocate(SELF, send), KERN_SUCCESS);
    EXPECT_EQ(receive_note(notify, &word), MACH_NOTIFY_PORT_DELETED);
    EXPECT_EQ(word, send);
    task_terminate(child);
    EXPECT_EQ(waiting(notify), 0);
    mach_port_deallocate(SELF, child);
    mach_port_destroy(SELF, notify);
}

TEST(many_requests_on_one_port)
{
    mach_port_t port = port_with_send(), notify = new_port(), once[50], previous;
    mach_msg_type_name_t type;
    uint32_t word = 0;
    int told = 0, deleted = 0;

    mach_port_set_qlimit(SELF, notify, 1);
    for (int i = 0; i < 50; i++) { /* each send-once right has a name of its own */
        mach_port_extract_right(SELF, port, MACH_MSG_TYPE_MAKE_SEND_ONCE, &once[i], &type);
        EXPECT_KR(ask(once[i], MACH_NOTIFY_DEAD_NAME, 0, notify, &previous), KERN_SUCCESS);
        EXPECT_EQ(previous, MACH_PORT_NULL);
    }
    for (int i = 0; i < 50; i += 2) /* slots are freed, and used again */
        mach_port_deallocate(SELF, once[i]);
    for (int i = 0; i < 50; i += 4) {
        mach_port_extract_right(SELF, port, MACH_MSG_TYPE_MAKE_SEND_ONCE, &once[i], &type);
        EXPECT_KR(ask(once[i], MACH_NOTIFY_DEAD_NAME, 0, notify, &previous), KERN_SUCCESS);
        EXPECT_EQ(previous, MACH_PORT_NULL);
    }
    mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_RECEIVE, -1);
    EXPECT_EQ(waiting(notify), 50 + 13);
    for (int i = 0; i < 63; i++) {
        mach_msg_id_t id = receive_note(notify, &word);

        told += id == MACH_NOTIFY_DEAD_NAME && refs_of(word, MACH_PORT_RIGHT_DEAD_NAME) == 2;
        deleted += id == MACH_NOTIFY_PORT_DELETED;
    }
    EXPECT_EQ(told, 38);
    EXPECT_EQ(deleted, 25);
    mach_port_destroy(SELF, port);
    mach_port_destroy(SELF, notify);
}

TEST(a_receive_right_is_saved_from_destruction)
{
    mach_port_t port = port_with_send(), notify = new_port(), previous;
    struct carrier m;

    EXPECT_KR(ask(port, MACH_NOTIFY_PORT_DESTROYED, 1, port, &previous), KERN_INVALID_VALUE);
    EXPECT_KR(ask(port, MACH_NOTIFY_PORT_DESTROYED, 0, notify, &previous), KERN_SUCCESS);
    EXPECT_EQ(status_of(port).mps_pdrequest, TRUE);
    mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_RECEIVE, -1);
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_SEND);
    EXPECT_EQ(waiting(notify), 1);
    REQUIRE_KR(receive_right(notify, &m), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.header.msgh_id, MACH_NOTIFY_PORT_DESTROYED);
    EXPECT_EQ(m.port.name, port);
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_SEND_RECEIVE);
    EXPECT_EQ(status_of(port).mps_pdrequest, FALSE);
    mach_port_destroy(SELF, port);
    mach_port_destroy(SELF, notify);
}

TEST(wrong_requests_change_nothing)
{
    mach_port_t port = new_port(), notify = new_port(), set = MACH_PORT_NULL, previous;

    mach_port_allocate(SELF, MACH_PORT_RIGHT_PORT_SET, &set);
    EXPECT_KR(ask(set, MACH_NOTIFY_DEAD_NAME, 0, notify, &previous), KERN_INVALID_RIGHT);
    EXPECT_KR(ask(SELF, MACH_NOTIFY_NO_SENDERS, 0, notify, &previous), KERN_INVALID_RIGHT);
    EXPECT_KR(ask(SELF, MACH_NOTIFY_PORT_DESTROYED, 0, notify, &previous), KERN_INVALID_RIGHT);
    EXPECT_KR(ask(MACH_PORT_MAKE(0x7777, 1), MACH_NOTIFY_DEAD_NAME, 0, notify, &previous),
              KERN_INVALID_NAME);
    EXPECT_EQ(status_of(notify).mps_sorights, 0);
    mach_port_destroy(SELF, port);
    mach_port_destroy(SELF, notify);
    mach_port_destroy(SELF, set);
}

TEST(requests_leave_nothing_behind)
{
    struct host_counters before, after;
    mach_port_t previous;

    counters(&before);
    for (int i = 0; i < 200; i++) {
        mach_port_t port = port_with_send(), notify = new_port();

        ask(port, MACH_NOTIFY_DEAD_NAME, 0, notify, &previous);
        ask(port, MACH_NOTIFY_NO_SENDERS, 1, notify, &previous);
        if (i % 2)
            mach_port_destroy(SELF, notify);
        mach_port_destroy(SELF, port);
        if (i % 2 == 0)
            mach_port_destroy(SELF, notify);
    }
    counters(&after);
    EXPECT_EQ(after.ports, before.ports);
    EXPECT_EQ(after.kmsgs, before.kmsgs);
    EXPECT_TRUE(after.zone_bytes_used < before.zone_bytes_used + 8192);
}

TEST_MAIN
