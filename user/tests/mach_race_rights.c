/*
 * Mach by example, 34: two at once, about rights. As in chapter 21, with notifications, rights, tasks
 * and semaphores.
 */
#include "mach_race.h"

#include <mach/semaphore.h>

TEST_SEEDS(20)

static mach_port_t notify, once;

static void make_port_and_notify(void)
{
    make_port();
    notify = new_port();
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
