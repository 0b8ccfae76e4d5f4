/*
 * Mach by example, 21: two at once. Each case lets two threads do things to one port at the same
 * time, many times, a little earlier or later each time; whatever came first, one of the results
 * that the rules allow has come about, and nothing is counted twice or lost. Run on one CPU, on
 * four, and on four under twenty seeds of timer intervals. Here one of the two sends or receives.
 */
#include "mach_race.h"

TEST_SEEDS(20)

static mach_port_t set;
static struct small first_message, second_message;

static void send_first(void)
{
    first_result = send_word(port, MACH_MSG_TYPE_COPY_SEND, 1, 0, 0);
}

/* ---- sending ---- */

static boolean_t sent_or_dead(void)
{
    boolean_t ok = either(first_result, MACH_MSG_SUCCESS, MACH_SEND_INVALID_DEST);

    CHECK_EQ(second_result, KERN_SUCCESS);
    CHECK_EQ(type_of(port), MACH_PORT_TYPE_DEAD_NAME);
    CHECK_EQ(refs_of(port, MACH_PORT_RIGHT_DEAD_NAME), 1);
    mach_port_destroy(SELF, port);
    return ok;
}

/* A send to a port that dies succeeds, or finds it dead; the send right is a dead name. [KP,
 * port death] */
TEST(send_against_death)
{
    run_race(make_port, send_first, kill_port, sent_or_dead);
}

static boolean_t sent_to_moved(void)
{
    struct carrier m;
    uint32_t id;

    CHECK_EQ(first_result, MACH_MSG_SUCCESS);
    CHECK_EQ(second_result, MACH_MSG_SUCCESS);
    CHECK_EQ(type_of(port), MACH_PORT_TYPE_SEND);
    CHECK_EQ(receive_right(box, &m), MACH_MSG_SUCCESS);
    CHECK_EQ(m.port.name, port);
    CHECK_EQ(drain(port, &id), 1);
    mach_port_destroy(SELF, port);
    mach_port_destroy(SELF, box);
    return TRUE;
}

/* A send to a port that moves arrives, once. [KI mach_msg] */
TEST(send_against_move)
{
    run_race(make_port_and_box, send_first, move_port, sent_to_moved);
}

static mach_port_t new_name;

static void make_port_and_name(void)
{
    new_name = MACH_PORT_MAKE(MACH_PORT_INDEX(new_name) < 0x5200 ? 0x5200
                                                                 : MACH_PORT_INDEX(new_name) + 128, 1);
    make_port();
}

static void rename_port(void)
{
    delay(other_delay);
    second_result = mach_port_rename(SELF, port, new_name);
}

static boolean_t sent_to_renamed(void)
{
    mach_port_t name = new_name;
    boolean_t ok = either(first_result, MACH_MSG_SUCCESS, MACH_SEND_INVALID_DEST);
    uint32_t id;

    CHECK_EQ(second_result, KERN_SUCCESS);
    CHECK_EQ(drain(name, &id), first_result == MACH_MSG_SUCCESS);
    CHECK_EQ(type_of(name), MACH_PORT_TYPE_SEND_RECEIVE);
    CHECK_EQ(refs_of(name, MACH_PORT_RIGHT_SEND), 1);
    mach_port_destroy(SELF, name);
    return ok;
}

/* A send to a name that is renamed arrives, or finds no name. [KI mach_port_rename] */
TEST(send_against_rename)
{
    run_race(make_port_and_name, send_first, rename_port, sent_to_renamed);
}

static void make_port_and_set(void)
{
    make_port();
    set = new_set();
}

static void join_set(void)
{
    delay(other_delay);
    second_result = mach_port_insert_member(SELF, port, set);
}

static boolean_t received_from_set(void)
{
    uint32_t id;

    CHECK_EQ(first_result, MACH_MSG_SUCCESS);
    CHECK_EQ(second_result, KERN_SUCCESS);
    CHECK_EQ(drain(set, &id), 1);
    mach_port_destroy(SELF, port);
    mach_port_destroy(SELF, set);
    return TRUE;
}

/* A message to a port that joins a set is received from the set, whichever was first. [KI
 * mach_port_move_member] */
TEST(send_against_joining_a_set)
{
    run_race(make_port_and_set, send_first, join_set, received_from_set);
}

static void receive_from_set(void)
{
    delay(other_delay);
    second_result = receive_word(set, &second_message, WAIT_LIMIT_MS);
}

static void join_and_send(void)
{
    first_result = mach_port_insert_member(SELF, port, set);
    if (first_result == KERN_SUCCESS)
        send_first();
}

static boolean_t woken_in_set(void)
{
    CHECK_EQ(first_result, MACH_MSG_SUCCESS);
    CHECK_EQ(second_result, MACH_MSG_SUCCESS);
    CHECK_EQ(second_message.header.msgh_local_port, port);
    mach_port_destroy(SELF, port);
    mach_port_destroy(SELF, set);
    return TRUE;
}

/* A receiver who begins to wait on a set is not missed by a message that comes then. [KI
 * mach_msg] */
TEST(send_against_waiting_on_a_set)
{
    run_race(make_port_and_set, join_and_send, receive_from_set, woken_in_set);
}

static void destroy_set(void)
{
    delay(other_delay);
    second_result = mach_port_destroy(SELF, set);
}

static void make_member(void)
{
    make_port_and_set();
    mach_port_insert_member(SELF, port, set);
}

static boolean_t kept_by_port(void)
{
    uint32_t id;

    CHECK_EQ(first_result, MACH_MSG_SUCCESS);
    CHECK_EQ(second_result, KERN_SUCCESS);
    CHECK_EQ(drain(port, &id), 1);
    mach_port_destroy(SELF, port);
    return TRUE;
}

/* A message to a member of a set that is destroyed stays in its port. [KI mach_port_destroy] */
TEST(send_against_the_sets_end)
{
    run_race(make_member, send_first, destroy_set, kept_by_port);
}

/* ---- receiving ---- */

static void receive_first(void)
{
    first_result = receive_word(port, &first_message, WAIT_LIMIT_MS);
}

static boolean_t receiver_told_of_death(void)
{
    boolean_t ok = either(first_result, MACH_RCV_PORT_DIED, MACH_RCV_INVALID_NAME);

    CHECK_EQ(second_result, KERN_SUCCESS);
    mach_port_destroy(SELF, port);
    return ok;
}

/* Who receives on a port that dies is told so, or finds no receive right. [KI mach_msg] */
TEST(receive_against_death)
{
    run_race(make_port, receive_first, kill_port, receiver_told_of_death);
}

static boolean_t receiver_told_of_move(void)
{
    boolean_t ok = either(first_result, MACH_RCV_PORT_CHANGED, MACH_RCV_INVALID_NAME);

    CHECK_EQ(second_result, MACH_MSG_SUCCESS);
    mach_port_destroy(SELF, port);
    mach_port_destroy(SELF, box);
    return ok;
}

/* Who receives on a port that moves away is told so, or finds no receive right. [KI mach_msg] */
TEST(receive_against_move)
{
    run_race(make_port_and_box, receive_first, move_port, receiver_told_of_move);
}

static void receive_shortly(void)
{
    first_result = receive_word(port, &first_message, 1);
}

static void send_late(void)
{
    delay_to_deadline();
    second_result = send_word(port, MACH_MSG_TYPE_COPY_SEND, 2, 0, 0);
}

static boolean_t received_or_queued(void)
{
    boolean_t ok = either(first_result, MACH_MSG_SUCCESS, MACH_RCV_TIMED_OUT);
    uint32_t id;

    CHECK_EQ(second_result, MACH_MSG_SUCCESS);
    CHECK_EQ(drain(port, &id) + (first_result == MACH_MSG_SUCCESS), 1);
    mach_port_destroy(SELF, port);
    return ok;
}

/* A message that comes as the receiver's time is up is received or queued, not lost. [KI
 * mach_msg] */
TEST(time_out_against_hand_over)
{
    run_race(make_port, receive_shortly, send_late, received_or_queued);
}

static void send_and_abort(void)
{
    boolean_t abort_first = random_below(2);

    if (abort_first)
        thread_abort((thread_t)race.port);
    send_first();
    if (!abort_first)
        thread_abort((thread_t)race.port);
}

static void receive_abortably(void)
{
    delay(other_delay);
    second_result = mach_msg_trap(&second_message.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0,
                                  sizeof second_message, port, WAIT_LIMIT_MS, MACH_PORT_NULL);
}

static boolean_t received_or_interrupted(void)
{
    boolean_t ok = either(second_result, MACH_MSG_SUCCESS, MACH_RCV_INTERRUPTED);
    uint32_t id;

    CHECK_EQ(first_result, MACH_MSG_SUCCESS);
    CHECK_EQ(drain(port, &id) + (second_result == MACH_MSG_SUCCESS), 1);
    mach_port_destroy(SELF, port);
    return ok;
}

/* A receiver that is aborted as it is handed a message has received it, or it is queued. [KI
 * thread_abort] */
TEST(abort_against_hand_over)
{
    run_race(make_port, send_and_abort, receive_abortably, received_or_interrupted);
}

static void make_rendezvous(void)
{
    make_port();
    mach_port_set_qlimit(SELF, port, 0);
}

static void send_shortly(void)
{
    first_result = send_word(port, MACH_MSG_TYPE_COPY_SEND, 1, MACH_SEND_TIMEOUT, 1);
}

static void receive_late(void)
{
    delay_to_deadline();
    second_result = receive_word(port, &second_message, 1);
}

static boolean_t sent_if_received(void)
{
    boolean_t ok = either(first_result, MACH_MSG_SUCCESS, MACH_SEND_TIMED_OUT)
                   && either(second_result, MACH_MSG_SUCCESS, MACH_RCV_TIMED_OUT);

    CHECK_EQ(first_result == MACH_MSG_SUCCESS, second_result == MACH_MSG_SUCCESS);
    CHECK_EQ(refs_of(port, MACH_PORT_RIGHT_SEND), 1);
    mach_port_destroy(SELF, port);
    return ok;
}

/* A send whose time is up as somebody receives was received, or was not sent. [KI mach_msg] */
TEST(time_out_against_admission)
{
    run_race(make_rendezvous, send_shortly, receive_late, sent_if_received);
}

TEST_MAIN
