/*
 * Mach by example, 21: two at once. Each case lets two threads do things to one port at the same
 * time, many times, a little earlier or later each time; whatever came first, one of the results
 * that the rules allow has come about, and nothing is counted twice or lost. Run on one CPU, on
 * four, and on four under twenty seeds of timer intervals.
 */
#include "mach_rights.h"
#include "mach_worker.h"

#include <mach/semaphore.h>

TEST_SEEDS(20)

#define ROUNDS 40

/* ---- two threads that begin together ---- */

static struct {
    void (*other)(void); /* what the second thread does */
    volatile uint64_t go, done;
    volatile uint64_t port; /* the second thread's */
    cthread_t thread;
} race;

static uint64_t random_state;

/* A number below `limit` (xorshift, Marsaglia 2003). */
static uint32_t random_below(uint32_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 20) % limit;
}

static void delay(uint32_t loops)
{
    for (volatile uint32_t i = 0; i < loops; i++)
        continue;
}

/* Until *word is value. Under icount another CPU runs when this one yields. */
static void await(volatile uint64_t *word, uint64_t value)
{
    while (__atomic_load_n(word, __ATOMIC_ACQUIRE) != value) {
        __asm__ volatile("yield");
        swtch();
    }
}

#define RACE_ENDS ~0UL

static void *second_thread(void *arg)
{
    __atomic_store_n(&race.port, mach_thread_self_cached(), __ATOMIC_RELEASE);
    for (uint64_t round = 1;; round++) {
        uint64_t go;

        while ((go = __atomic_load_n(&race.go, __ATOMIC_ACQUIRE)) != round && go != RACE_ENDS) {
            __asm__ volatile("yield");
            swtch();
        }
        if (go == RACE_ENDS)
            return NULL;
        race.other();
        __atomic_store_n(&race.done, round, __ATOMIC_RELEASE);
    }
}

/* Both at once, for a round: the delays decide who is first. Returns when both are through. */
static void race_round(uint64_t round, void (*one)(void))
{
    uint32_t before = random_below(200);

    __atomic_store_n(&race.go, round, __ATOMIC_RELEASE);
    for (uint32_t turns = random_below(3); turns > 0; turns--) /* under icount: let the other begin */
        __asm__ volatile("yield");
    delay(before);
    one();
    await(&race.done, round);
}

static uint32_t other_delay;

/*
 * ROUNDS times: prepare, then `one` in this thread and `two` in the other, then check. Ends early
 * if a check has failed the case.
 */
static void run_race(void (*prepare)(void), void (*one)(void), void (*two)(void),
                     boolean_t (*check)(void))
{
    race.other = two;
    race.go = race.done = 0;
    race.port = MACH_PORT_NULL;
    race.thread = cthread_fork(second_thread, NULL);
    REQUIRE_TRUE(race.thread != NULL);
    while (__atomic_load_n(&race.port, __ATOMIC_ACQUIRE) == MACH_PORT_NULL)
        swtch();
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(random_state)); /* the same again under icount */
    random_state |= 1;
    for (uint64_t round = 1; round <= ROUNDS; round++) {
        prepare();
        other_delay = random_below(200);
        race_round(round, one);
        if (!check())
            break;
    }
    __atomic_store_n(&race.go, RACE_ENDS, __ATOMIC_RELEASE);
    cthread_join(race.thread);
}

/* Up to two milliseconds: about when a time-out of one is up. */
static void delay_to_deadline(void)
{
    uint64_t begin, now;

    __asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(begin));
    do {
        __asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(now));
    } while (now - begin < other_delay * 625UL); /* 62,500 are a millisecond; other_delay is below 200 */
}

/* Is it one of the two? */
static boolean_t either(mach_msg_return_t got, mach_msg_return_t a, mach_msg_return_t b)
{
    if (got == a || got == b)
        return TRUE;
    FAIL("expected 0x%x or 0x%x, got 0x%x", (unsigned)a, (unsigned)b, (unsigned)got);
    return FALSE;
}

#define CHECK_EQ(actual, expected) \
    do { \
        if (!test_equal((long)(actual), (long)(expected), __FILE__, __LINE__, #actual, #expected)) \
            return FALSE; \
    } while (0)

/* What the cases race about. */
static mach_port_t port, box, set, notify, once;
static mach_msg_return_t first_result, second_result;
static struct small first_message, second_message;

static uint32_t drain(mach_port_t from, uint32_t *last)
{
    struct small m;
    uint32_t count = 0;

    while (receive_word(from, &m, 0) == MACH_MSG_SUCCESS) {
        *last = (uint32_t)m.header.msgh_id;
        count++;
    }
    return count;
}

static void send_first(void)
{
    first_result = send_word(port, MACH_MSG_TYPE_COPY_SEND, 1, 0, 0);
}

static void make_port(void)
{
    port = new_port_send();
}

static void make_port_and_box(void)
{
    make_port();
    box = new_port_send();
}

static void make_port_and_notify(void)
{
    make_port();
    notify = new_port();
}

static void kill_port(void)
{
    delay(other_delay);
    second_result = mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_RECEIVE, -1);
}

static void move_port(void)
{
    delay(other_delay);
    second_result = send_right(box, port, MACH_MSG_TYPE_MOVE_RECEIVE);
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

/* ---- notifications ---- */

static void request_dead_name(void)
{
    first_result = request(port, MACH_NOTIFY_DEAD_NAME, 1, notify);
}

static boolean_t told_once_of_death(void)
{
    uint32_t id = 0;

    CHECK_EQ(first_result, KERN_SUCCESS);
    CHECK_EQ(second_result, KERN_SUCCESS);
    CHECK_EQ(drain(notify, &id), 1);
    CHECK_EQ(id, MACH_NOTIFY_DEAD_NAME);
    CHECK_EQ(refs_of(port, MACH_PORT_RIGHT_DEAD_NAME), 2);
    mach_port_destroy(SELF, port);
    mach_port_destroy(SELF, notify);
    return TRUE;
}

/* A death during the request for its notification is told, once, with a reference.
 * [KI mach_port_request_notification] */
TEST(dead_name_request_against_death)
{
    run_race(make_port_and_notify, request_dead_name, kill_port, told_once_of_death);
}

static void delete_name(void)
{
    delay(other_delay);
    second_result = mach_port_destroy(SELF, port);
}

static boolean_t told_once_of_deletion(void)
{
    boolean_t ok = either(first_result, KERN_SUCCESS, KERN_INVALID_NAME);
    uint32_t id = 0;

    CHECK_EQ(second_result, KERN_SUCCESS);
    CHECK_EQ(drain(notify, &id), 1);
    CHECK_EQ(id, first_result == KERN_SUCCESS ? MACH_NOTIFY_PORT_DELETED : MACH_NOTIFY_SEND_ONCE);
    mach_port_destroy(SELF, notify);
    return ok;
}

/* A name deleted during the request is told of, or the request is refused. [KI
 * mach_notify_port_deleted] */
TEST(dead_name_request_against_deletion)
{
    run_race(make_port_and_notify, request_dead_name, delete_name, told_once_of_deletion);
}

static void request_no_senders(void)
{
    first_result = request(port, MACH_NOTIFY_NO_SENDERS, 1, notify);
}

static void drop_sender(void)
{
    delay(other_delay);
    second_result = mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_SEND, -1);
}

static boolean_t told_once_of_no_senders(void)
{
    uint32_t id = 0;

    CHECK_EQ(first_result, KERN_SUCCESS);
    CHECK_EQ(second_result, KERN_SUCCESS);
    CHECK_EQ(drain(notify, &id), 1);
    CHECK_EQ(id, MACH_NOTIFY_NO_SENDERS);
    mach_port_destroy(SELF, port);
    mach_port_destroy(SELF, notify);
    return TRUE;
}

/* The last sender that goes during the request is told of, once. [KI mach_notify_no_senders] */
TEST(no_senders_request_against_the_last_sender)
{
    run_race(make_port_and_notify, request_no_senders, drop_sender, told_once_of_no_senders);
}

/* ---- rights ---- */

static void make_send_once(void)
{
    port = new_port();
    once = new_send_once(port);
}

static void use_send_once(void)
{
    first_result = send_word(once, MACH_MSG_TYPE_MOVE_SEND_ONCE, 1, 0, 0);
}

static void drop_send_once(void)
{
    delay(other_delay);
    second_result = mach_port_deallocate(SELF, once);
}

static boolean_t one_message_came(void)
{
    boolean_t used = first_result == MACH_MSG_SUCCESS;
    uint32_t id = 0;

    CHECK_EQ(first_result, used ? MACH_MSG_SUCCESS : MACH_SEND_INVALID_DEST);
    CHECK_EQ(second_result, used ? KERN_INVALID_NAME : KERN_SUCCESS);
    CHECK_EQ(drain(port, &id), 1);
    CHECK_EQ(id, used ? 77 : MACH_NOTIFY_SEND_ONCE);
    mach_port_destroy(SELF, port);
    return TRUE;
}

/* A send-once right that one uses and another destroys brings one message. [KP, send-once
 * rights] */
TEST(use_against_destruction_of_a_send_once_right)
{
    run_race(make_send_once, use_send_once, drop_send_once, one_message_came);
}

static struct parked parked;

static void make_parked(void)
{
    parked = park();
    port = parked.port;
    box = new_port_send();
}

static void move_send_first(void)
{
    first_result = send_right(box, port, MACH_MSG_TYPE_MOVE_SEND);
}

static void move_send_second(void)
{
    delay(other_delay);
    second_result = send_right(box, port, MACH_MSG_TYPE_MOVE_SEND);
}

static boolean_t moved_once(void)
{
    boolean_t first = first_result == MACH_MSG_SUCCESS;

    CHECK_EQ(first_result, first ? MACH_MSG_SUCCESS : MACH_SEND_INVALID_RIGHT);
    CHECK_EQ(second_result, first ? MACH_SEND_INVALID_RIGHT : MACH_MSG_SUCCESS);
    CHECK_EQ(type_of(port), MACH_PORT_TYPE_NONE);
    CHECK_EQ(status_of(box).mps_msgcount, 1);
    mach_port_destroy(SELF, box);
    park_end(&parked);
    return TRUE;
}

/* One reference that two move away is moved once. [KI mach_msg] */
TEST(two_moves_of_one_reference)
{
    run_race(make_parked, move_send_first, move_send_second, moved_once);
}

static struct carrier arrived;

static void make_arriving(void)
{
    make_parked();
    send_right(box, port, MACH_MSG_TYPE_COPY_SEND);
}

static void receive_arriving(void)
{
    first_result = receive_right(box, &arrived);
}

static void drop_reference(void)
{
    delay(other_delay);
    second_result = mach_port_deallocate(SELF, port);
}

static boolean_t one_reference_left(void)
{
    CHECK_EQ(first_result, MACH_MSG_SUCCESS);
    CHECK_EQ(second_result, KERN_SUCCESS);
    CHECK_EQ(refs_of(arrived.port.name, MACH_PORT_RIGHT_SEND), 1);
    if (arrived.port.name != port)
        CHECK_EQ(type_of(port), MACH_PORT_TYPE_NONE);
    mach_port_destroy(SELF, box);
    parked.port = arrived.port.name;
    park_end(&parked);
    return TRUE;
}

/* A right that arrives while its last reference goes leaves one reference, by the old name or a
 * new. [KP, send rights] */
TEST(arrival_against_deallocation)
{
    run_race(make_arriving, receive_arriving, drop_reference, one_reference_left);
}

static boolean_t arrived_or_died(void)
{
    CHECK_EQ(first_result, MACH_MSG_SUCCESS);
    CHECK_EQ(second_result, KERN_SUCCESS);
    CHECK_EQ(type_of(port), MACH_PORT_TYPE_DEAD_NAME);
    if (arrived.port.name != MACH_PORT_DEAD)
        CHECK_EQ(arrived.port.name, port);
    CHECK_EQ(refs_of(port, MACH_PORT_RIGHT_DEAD_NAME), arrived.port.name == MACH_PORT_DEAD ? 1 : 2);
    mach_port_destroy(SELF, box);
    mach_port_destroy(SELF, port);
    return TRUE;
}

static void make_arriving_own(void)
{
    make_port_and_box();
    send_right(box, port, MACH_MSG_TYPE_COPY_SEND);
}

/* A right that arrives while its port dies is dead, and counted where it merged before. [KP,
 * dead names] */
TEST(arrival_against_death)
{
    run_race(make_arriving_own, receive_arriving, kill_port, arrived_or_died);
}

static void move_box_into_port(void)
{
    first_result = send_right(port, box, MACH_MSG_TYPE_MOVE_RECEIVE);
}

static boolean_t both_dead(void)
{
    CHECK_EQ(first_result, MACH_MSG_SUCCESS);
    CHECK_EQ(second_result, MACH_MSG_SUCCESS);
    CHECK_EQ(type_of(port), MACH_PORT_TYPE_DEAD_NAME);
    CHECK_EQ(type_of(box), MACH_PORT_TYPE_DEAD_NAME);
    mach_port_destroy(SELF, port);
    mach_port_destroy(SELF, box);
    return TRUE;
}

/* Two ports that are sent into each other at once form a ring, which is destroyed. [KI mach_msg;
 * ipc_port.c] */
TEST(two_moves_into_each_other)
{
    run_race(make_port_and_box, move_box_into_port, move_port, both_dead);
}

static void destroy_first(void)
{
    first_result = mach_port_destroy(SELF, port);
}

static boolean_t destroyed_once(void)
{
    boolean_t first = first_result == KERN_SUCCESS;

    CHECK_EQ(first_result, first ? KERN_SUCCESS : KERN_INVALID_NAME);
    CHECK_EQ(second_result, first ? KERN_INVALID_NAME : KERN_SUCCESS);
    return TRUE;
}

/* A name that two destroy is destroyed once. [KI mach_port_destroy] */
TEST(two_destructions)
{
    run_race(make_port, destroy_first, delete_name, destroyed_once);
}

/* ---- tasks ---- */

static task_t victim;

static void make_victim(void)
{
    make_port();
    victim = MACH_PORT_NULL;
    task_create(SELF, FALSE, &victim);
}

static void insert_into_victim(void)
{
    first_result = mach_port_insert_right(victim, MACH_PORT_MAKE(91, 1), port,
                                          MACH_MSG_TYPE_MOVE_RECEIVE);
}

static void terminate_victim(void)
{
    delay(other_delay);
    second_result = task_terminate(victim);
}

static boolean_t right_is_gone(void)
{
    CHECK_EQ(second_result, KERN_SUCCESS);
    if (type_of(port) == MACH_PORT_TYPE_SEND_RECEIVE) { /* the request was not even sent */
        CHECK_EQ(first_result, MACH_SEND_INVALID_DEST);
    } else {
        for (int ms = 0; ms < WAIT_LIMIT_MS && type_of(port) != MACH_PORT_TYPE_DEAD_NAME; ms++)
            sleep_ms(1);
        CHECK_EQ(type_of(port), MACH_PORT_TYPE_DEAD_NAME);
    }
    mach_port_destroy(SELF, port);
    mach_port_deallocate(SELF, victim);
    return TRUE;
}

/* A receive right given to a task that ends is dead, or was not given. [KI task_terminate] */
TEST(gift_against_the_tasks_end)
{
    run_race(make_victim, insert_into_victim, terminate_victim, right_is_gone);
}

/* ---- semaphores ---- */

static semaphore_t semaphore;

static void make_semaphore(void)
{
    semaphore_create(SELF, &semaphore, SYNC_POLICY_FIFO, 0);
}

static void wait_shortly(void)
{
    first_result = semaphore_timedwait(semaphore, 0, 1000000);
}

static void signal_late(void)
{
    delay_to_deadline();
    second_result = semaphore_signal(semaphore);
}

static boolean_t signal_not_lost(void)
{
    boolean_t ok = either(first_result, KERN_SUCCESS, KERN_OPERATION_TIMED_OUT);

    CHECK_EQ(second_result, KERN_SUCCESS);
    CHECK_EQ(semaphore_timedwait(semaphore, 0, 0),
             first_result == KERN_SUCCESS ? KERN_OPERATION_TIMED_OUT : KERN_SUCCESS);
    semaphore_destroy(SELF, semaphore);
    mach_port_deallocate(SELF, semaphore);
    return ok;
}

/* A signal that comes as a waiter's time is up wakes him, or is counted. [OSF
 * semaphore_timedwait] */
TEST(signal_against_time_out)
{
    run_race(make_semaphore, wait_shortly, signal_late, signal_not_lost);
}

static void wait_long(void)
{
    first_result = semaphore_wait(semaphore);
}

static void destroy_semaphore(void)
{
    delay(other_delay);
    second_result = semaphore_destroy(SELF, semaphore);
}

static boolean_t wait_terminated(void)
{
    boolean_t ok = either(first_result, KERN_TERMINATED, KERN_INVALID_ARGUMENT);

    CHECK_EQ(second_result, KERN_SUCCESS);
    mach_port_deallocate(SELF, semaphore);
    return ok;
}

/* Who waits on a semaphore that is destroyed is woken, or finds none. [OSF semaphore_destroy] */
TEST(wait_against_destruction)
{
    run_race(make_semaphore, wait_long, destroy_semaphore, wait_terminated);
}

TEST_MAIN
