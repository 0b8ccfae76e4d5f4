/* Lab ipc, exercises 6 and 7: messages sent, waited for and received; port sets. */
#include "lab_ipc.h"

TEST_LIMIT(1);

static mach_msg_return_t send_now(mach_port_t port, uint32_t word)
{
    return send_word(port, MACH_MSG_TYPE_COPY_SEND, word, MACH_SEND_TIMEOUT, 0);
}

/* The word of the next message, or -1. */
static long word_from(mach_port_t port)
{
    struct small m;

    return receive_word(port, &m, 0) == MACH_MSG_SUCCESS ? (long)m.word : -1;
}

/* Lets other threads run until they wait. */
static void let_run(void)
{
    for (int i = 0; i < 10; i++)
        thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, 5);
}

/* ---- 6: the queue ---- */

TEST(messages_come_in_order)
{
    mach_port_t port = port_with_send();
    struct small m;

    mach_port_set_qlimit(SELF, port, 10);
    EXPECT_EQ(word_from(port), -1);
    for (int i = 0; i < 10; i++)
        EXPECT_KR(send_now(port, 100 + i), MACH_MSG_SUCCESS);
    EXPECT_EQ(status_of(port).mps_msgcount, 10);
    for (int i = 0; i < 10; i++) {
        EXPECT_KR(receive_word(port, &m, 0), MACH_MSG_SUCCESS);
        EXPECT_EQ(m.word, 100 + i);
        EXPECT_EQ(m.header.msgh_seqno, i);
        EXPECT_EQ(m.header.msgh_local_port, port);
        EXPECT_EQ(status_of(port).mps_msgcount, 9 - i);
    }
    EXPECT_EQ(word_from(port), -1);
    mach_port_destroy(SELF, port);
}

TEST(a_message_too_large_stays_in_the_queue)
{
    mach_port_t port = port_with_send();
    struct small m;

    send_now(port, 7);
    EXPECT_KR(mach_msg(&m.header, MACH_RCV_MSG | MACH_RCV_LARGE | MACH_RCV_TIMEOUT, 0,
                       sizeof(mach_msg_header_t), port, 0, MACH_PORT_NULL), MACH_RCV_TOO_LARGE);
    EXPECT_EQ(m.header.msgh_size, SMALL_SIZE);
    EXPECT_EQ(status_of(port).mps_msgcount, 1);
    EXPECT_KR(receive_word(port, &m, 0), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.word, 7);
    EXPECT_EQ(m.header.msgh_seqno, 0);
    mach_port_destroy(SELF, port);
}

static mach_port_t shared;
static volatile long got[8];
static volatile int got_count;

static void *receiver(void *arg)
{
    struct small m;
    long n = (long)arg;

    while (n-- > 0) {
        mach_msg_return_t mr = mach_msg(&m.header, MACH_RCV_MSG, 0, sizeof(m), shared,
                                        MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);

        got[got_count] = mr == MACH_MSG_SUCCESS ? (long)m.word : -(long)(unsigned)mr;
        got_count++;
    }
    return NULL;
}

TEST(a_waiting_receiver_gets_the_message)
{
    cthread_t thread;

    shared = port_with_send();
    got_count = 0;
    thread = cthread_fork(receiver, (void *)3);
    for (int i = 0; i < 3; i++) {
        let_run(); /* it waits */
        EXPECT_EQ(got_count, i);
        EXPECT_KR(send_now(shared, 50 + i), MACH_MSG_SUCCESS);
        let_run();
        EXPECT_EQ(got_count, i + 1);
        EXPECT_EQ(got[i], 50 + i);
        EXPECT_EQ(status_of(shared).mps_msgcount, 0);
    }
    cthread_join(thread);
    EXPECT_EQ(status_of(shared).mps_seqno, 3);
    mach_port_destroy(SELF, shared);
}

static void *receiver_with_little_room(void *arg)
{
    struct small m;

    got[0] = mach_msg(&m.header, MACH_RCV_MSG | MACH_RCV_LARGE, 0, sizeof(mach_msg_header_t), shared,
                      MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
    got[1] = m.header.msgh_size;
    return NULL;
}

TEST(a_waiting_receiver_without_room_is_told_the_size)
{
    cthread_t thread;

    shared = port_with_send();
    thread = cthread_fork(receiver_with_little_room, NULL);
    let_run();
    EXPECT_KR(send_now(shared, 9), MACH_MSG_SUCCESS);
    cthread_join(thread);
    EXPECT_EQ(got[0], MACH_RCV_TOO_LARGE);
    EXPECT_EQ(got[1], SMALL_SIZE);
    EXPECT_EQ(word_from(shared), 9);
    mach_port_destroy(SELF, shared);
}

TEST(a_full_queue_times_out)
{
    mach_port_t port = port_with_send();

    mach_port_set_qlimit(SELF, port, 2);
    EXPECT_KR(send_now(port, 1), MACH_MSG_SUCCESS);
    EXPECT_KR(send_now(port, 2), MACH_MSG_SUCCESS);
    EXPECT_KR(send_now(port, 3), MACH_SEND_TIMED_OUT);
    EXPECT_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, 3, MACH_SEND_TIMEOUT, 20),
              MACH_SEND_TIMED_OUT);
    EXPECT_EQ(status_of(port).mps_msgcount, 2);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_SEND), 1);
    EXPECT_EQ(word_from(port), 1);
    EXPECT_EQ(word_from(port), 2);
    EXPECT_EQ(word_from(port), -1);
    mach_port_destroy(SELF, port);
}

static volatile int sent;
static volatile mach_msg_return_t sent_result;

static void *sender(void *arg)
{
    long word = (long)arg;

    sent_result = send_word(shared, MACH_MSG_TYPE_COPY_SEND, (uint32_t)word, 0, 0);
    sent++;
    return NULL;
}

/* Each receive makes room for one: the first who waits. */
TEST(blocked_senders_are_served_in_order)
{
    cthread_t threads[3];

    shared = port_with_send();
    sent = 0;
    mach_port_set_qlimit(SELF, shared, 1);
    EXPECT_KR(send_now(shared, 10), MACH_MSG_SUCCESS);
    for (long i = 0; i < 3; i++) {
        threads[i] = cthread_fork(sender, (void *)(11 + i));
        let_run();
    }
    EXPECT_EQ(sent, 0);
    for (int i = 0; i < 4; i++) {
        EXPECT_KR(send_now(shared, 99), MACH_SEND_TIMED_OUT); /* a newcomer does not slip in */
        EXPECT_EQ(word_from(shared), 10 + i);
        let_run();
        EXPECT_EQ(sent, i < 3 ? i + 1 : 3);
        EXPECT_EQ(status_of(shared).mps_msgcount, i < 3 ? 1 : 0);
        if (i >= 2)
            break;
    }
    EXPECT_EQ(word_from(shared), 13);
    for (int i = 0; i < 3; i++)
        cthread_join(threads[i]);
    EXPECT_KR(sent_result, MACH_MSG_SUCCESS);
    mach_port_destroy(SELF, shared);
}

TEST(a_larger_limit_admits_blocked_senders)
{
    cthread_t threads[3];

    shared = port_with_send();
    sent = 0;
    mach_port_set_qlimit(SELF, shared, 1);
    send_now(shared, 20);
    for (long i = 0; i < 3; i++) {
        threads[i] = cthread_fork(sender, (void *)(21 + i));
        let_run();
    }
    mach_port_set_qlimit(SELF, shared, 3);
    let_run();
    EXPECT_EQ(sent, 2);
    EXPECT_EQ(status_of(shared).mps_msgcount, 3);
    for (int i = 0; i < 4; i++) {
        EXPECT_EQ(word_from(shared), 20 + i);
        let_run();
    }
    for (int i = 0; i < 3; i++)
        cthread_join(threads[i]);
    mach_port_destroy(SELF, shared);
}

TEST(a_dying_port_wakes_who_waits)
{
    cthread_t thread;

    shared = port_with_send();
    got_count = 0;
    thread = cthread_fork(receiver, (void *)2);
    let_run();
    EXPECT_KR(send_now(shared, 61), MACH_MSG_SUCCESS);
    let_run();
    mach_port_destroy(SELF, shared);
    cthread_join(thread);
    EXPECT_EQ(got[0], 61);
    EXPECT_EQ(-got[1], MACH_RCV_PORT_DIED); /* and not the message from before */

    shared = port_with_send();
    sent = 0;
    mach_port_set_qlimit(SELF, shared, 1);
    send_now(shared, 1);
    thread = cthread_fork(sender, (void *)2);
    let_run();
    EXPECT_EQ(sent, 0);
    mach_port_mod_refs(SELF, shared, MACH_PORT_RIGHT_RECEIVE, -1);
    cthread_join(thread);
    EXPECT_KR(sent_result, MACH_MSG_SUCCESS); /* as if it had arrived before */
    mach_port_destroy(SELF, shared);
}

TEST(a_receive_gives_up_in_time)
{
    mach_port_t port = port_with_send();
    struct small m;

    EXPECT_KR(receive_word(port, &m, 30), MACH_RCV_TIMED_OUT);
    EXPECT_KR(send_now(port, 5), MACH_MSG_SUCCESS); /* nobody is left in the queue of receivers */
    EXPECT_EQ(word_from(port), 5);
    mach_port_destroy(SELF, port);
}

static void *aborted_receiver(void *arg)
{
    struct small m;

    got[0] = mach_msg(&m.header, MACH_RCV_MSG | MACH_RCV_INTERRUPT, 0, sizeof(m), shared,
                      MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
    return NULL;
}

static void *aborted_sender(void *arg)
{
    sent_result = send_word(shared, MACH_MSG_TYPE_COPY_SEND, 3, MACH_SEND_INTERRUPT, 0);
    return NULL;
}

/* thread_abort of the newest thread of this task. */
static void abort_newest(void)
{
    thread_array_t threads;
    mach_msg_type_number_t count = 0;

    task_threads(SELF, &threads, &count);
    for (mach_msg_type_number_t i = 0; i < count; i++) {
        if (threads[i] != mach_thread_self())
            thread_abort(threads[i]);
    }
}

TEST(waits_can_be_interrupted)
{
    cthread_t thread;

    shared = port_with_send();
    thread = cthread_fork(aborted_receiver, NULL);
    let_run();
    abort_newest();
    cthread_join(thread);
    EXPECT_EQ(got[0], MACH_RCV_INTERRUPTED);
    mach_port_set_qlimit(SELF, shared, 1);
    send_now(shared, 1);
    thread = cthread_fork(aborted_sender, NULL);
    let_run();
    abort_newest();
    cthread_join(thread);
    EXPECT_KR(sent_result, MACH_SEND_INTERRUPTED);
    EXPECT_EQ(word_from(shared), 1);
    EXPECT_EQ(word_from(shared), -1);
    mach_port_destroy(SELF, shared);
}

/* ---- 7: sets ---- */

static mach_port_t new_set(void)
{
    mach_port_t set = MACH_PORT_NULL;

    mach_port_allocate(SELF, MACH_PORT_RIGHT_PORT_SET, &set);
    return set;
}

TEST(members_join_and_leave)
{
    mach_port_t a = port_with_send(), b = port_with_send(), set = new_set(), other = new_set();
    mach_port_name_array_t members;
    mach_msg_type_number_t count = 0;

    EXPECT_KR(mach_port_insert_member(SELF, a, set), KERN_SUCCESS);
    EXPECT_KR(mach_port_insert_member(SELF, b, set), KERN_SUCCESS);
    EXPECT_KR(mach_port_insert_member(SELF, a, set), KERN_ALREADY_IN_SET);
    EXPECT_KR(mach_port_insert_member(SELF, a, other), KERN_SUCCESS);
    EXPECT_KR(mach_port_get_set_status(SELF, set, &members, &count), KERN_SUCCESS);
    EXPECT_EQ(count, 2);
    EXPECT_KR(mach_port_extract_member(SELF, a, set), KERN_SUCCESS);
    EXPECT_KR(mach_port_extract_member(SELF, a, set), KERN_NOT_IN_SET);
    EXPECT_KR(mach_port_get_set_status(SELF, set, &members, &count), KERN_SUCCESS);
    EXPECT_EQ(count, 1);
    EXPECT_EQ(members[0], b);
    EXPECT_KR(mach_port_get_set_status(SELF, other, &members, &count), KERN_SUCCESS);
    EXPECT_EQ(count, 1);
    mach_port_destroy(SELF, a); /* a dead port is in no set */
    EXPECT_KR(mach_port_get_set_status(SELF, other, &members, &count), KERN_SUCCESS);
    EXPECT_EQ(count, 0);
    mach_port_destroy(SELF, set);
    EXPECT_EQ(status_of(b).mps_pset, MACH_PORT_NULL);
    EXPECT_KR(send_now(b, 4), MACH_MSG_SUCCESS);
    EXPECT_EQ(word_from(b), 4); /* it receives for itself again */
    mach_port_destroy(SELF, b);
    mach_port_destroy(SELF, other);
}

TEST(a_set_receives_for_its_members)
{
    mach_port_t a = port_with_send(), b = port_with_send(), set = new_set();
    struct small m;

    send_now(a, 1); /* before it joins */
    mach_port_insert_member(SELF, a, set);
    mach_port_insert_member(SELF, b, set);
    EXPECT_KR(receive_word(a, &m, 0), MACH_RCV_IN_SET);
    EXPECT_KR(receive_word(set, &m, 0), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.word, 1);
    EXPECT_EQ(m.header.msgh_local_port, a);
    EXPECT_EQ(word_from(set), -1);
    send_now(b, 2);
    EXPECT_KR(receive_word(set, &m, 0), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.word, 2);
    EXPECT_EQ(m.header.msgh_local_port, b);
    send_now(a, 3);
    mach_port_extract_member(SELF, a, set); /* leaves with its message */
    EXPECT_EQ(word_from(set), -1);
    EXPECT_EQ(word_from(a), 3);
    mach_port_destroy(SELF, a);
    mach_port_destroy(SELF, b);
    mach_port_destroy(SELF, set);
}

/* Two send-once rights of one member die unused: it is ready once, and both are told. */
TEST(a_member_is_ready_once)
{
    mach_port_t a = port_with_send(), b = port_with_send(), set = new_set(), once[3];
    mach_msg_type_name_t type;
    int notes = 0, words = 0;
    struct small m;

    mach_port_insert_member(SELF, a, set);
    mach_port_insert_member(SELF, b, set);
    for (int i = 0; i < 3; i++)
        mach_port_extract_right(SELF, a, MACH_MSG_TYPE_MAKE_SEND_ONCE, &once[i], &type);
    mach_port_deallocate(SELF, once[0]);
    send_now(b, 5);
    mach_port_deallocate(SELF, once[1]);
    mach_port_deallocate(SELF, once[2]);
    while (notes + words < 10 && receive_word(set, &m, 0) == MACH_MSG_SUCCESS) {
        notes += m.header.msgh_id == MACH_NOTIFY_SEND_ONCE;
        words += m.header.msgh_id == 77;
    }
    EXPECT_EQ(notes, 3);
    EXPECT_EQ(words, 1);
    mach_port_destroy(SELF, a);
    mach_port_destroy(SELF, b);
    mach_port_destroy(SELF, set);
}

TEST(members_with_messages_are_served_in_turn)
{
    mach_port_t ports[3], set = new_set();
    int turns[3] = {0, 0, 0};
    struct small m;

    for (int i = 0; i < 3; i++) {
        ports[i] = port_with_send();
        mach_port_insert_member(SELF, ports[i], set);
        for (int k = 0; k < 4; k++)
            send_now(ports[i], 10 * i + k);
    }
    for (int round = 1; round <= 4; round++) {
        for (int i = 0; i < 3; i++) {
            EXPECT_KR(receive_word(set, &m, 0), MACH_MSG_SUCCESS);
            turns[m.word / 10]++;
            EXPECT_EQ(m.word % 10, round - 1);
        }
        for (int i = 0; i < 3; i++)
            EXPECT_EQ(turns[i], round);
    }
    EXPECT_EQ(word_from(set), -1);
    for (int i = 0; i < 3; i++)
        mach_port_destroy(SELF, ports[i]);
    mach_port_destroy(SELF, set);
}

/* With a limit of 0 a message passes from hand to hand; here the sender has given up when we come. */
TEST(a_sender_who_gave_up_is_not_waited_for)
{
    mach_port_t a = port_with_send(), set = new_set();

    mach_port_insert_member(SELF, a, set);
    EXPECT_KR(mach_port_set_qlimit(SELF, a, 0), KERN_SUCCESS);
    EXPECT_KR(send_word(a, MACH_MSG_TYPE_COPY_SEND, 1, MACH_SEND_TIMEOUT, 20), MACH_SEND_TIMED_OUT);
    EXPECT_EQ(word_from(set), -1);
    mach_port_destroy(SELF, a);
    mach_port_destroy(SELF, set);
}

TEST(a_message_to_a_member_wakes_who_waits_on_the_set)
{
    mach_port_t a = port_with_send(), set = new_set();
    cthread_t thread;

    mach_port_insert_member(SELF, a, set);
    shared = set;
    got_count = 0;
    thread = cthread_fork(receiver, (void *)2);
    let_run();
    EXPECT_KR(send_now(a, 31), MACH_MSG_SUCCESS);
    let_run();
    EXPECT_EQ(got_count, 1);
    EXPECT_EQ(got[0], 31);
    mach_port_destroy(SELF, a);
    a = port_with_send(); /* a port with a message joins a set that a thread waits on */
    send_now(a, 32);
    mach_port_insert_member(SELF, a, set);
    let_run();
    EXPECT_EQ(got_count, 2);
    EXPECT_EQ(got[1], 32);
    if (got_count == 2)
        cthread_join(thread);
    mach_port_destroy(SELF, a);
    mach_port_destroy(SELF, set);
}

TEST(who_waits_is_told_of_changes)
{
    mach_port_t a = port_with_send(), set = new_set();
    cthread_t thread;

    shared = a;
    got_count = 0;
    thread = cthread_fork(receiver, (void *)1);
    let_run();
    EXPECT_KR(mach_port_insert_member(SELF, a, set), KERN_SUCCESS);
    let_run();
    EXPECT_EQ(got_count, 1);
    EXPECT_EQ(-got[0], MACH_RCV_PORT_CHANGED);
    if (got_count == 1)
        cthread_join(thread);
    shared = set;
    got_count = 0;
    thread = cthread_fork(receiver, (void *)1);
    let_run();
    mach_port_destroy(SELF, set);
    let_run();
    EXPECT_EQ(got_count, 1);
    EXPECT_EQ(-got[0], MACH_RCV_PORT_DIED);
    if (got_count == 1)
        cthread_join(thread);
    mach_port_destroy(SELF, a);
}

TEST(sets_leave_nothing_behind)
{
    struct host_counters before, after;

    counters(&before);
    for (int i = 0; i < 500; i++) {
        mach_port_t a = port_with_send(), b = new_port(), set = new_set(), other = new_set();

        send_now(a, 1);
        mach_port_insert_member(SELF, a, set);
        EXPECT_EQ(word_from(set), 1);
        mach_port_insert_member(SELF, a, other);
        mach_port_insert_member(SELF, b, set);
        mach_port_destroy(SELF, a);
        mach_port_destroy(SELF, set);
        mach_port_destroy(SELF, other);
        mach_port_destroy(SELF, b);
    }
    counters(&after);
    EXPECT_EQ(after.port_sets, before.port_sets);
    EXPECT_TRUE(after.ports <= before.ports);
    EXPECT_TRUE(after.zone_bytes_used < before.zone_bytes_used + 8192);
}

TEST_MAIN
