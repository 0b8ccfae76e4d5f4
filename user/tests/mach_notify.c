/*
 * Mach by example, 7: notifications. The kernel tells, by a message to a send-once right given in
 * advance, that a name's port died, that the name was deleted, or that a receive right was about to
 * be destroyed. Each request is answered once, whatever happens.
 */
#include "mach_rights.h"

/* ---- dead-name notifications ---- */

/* A dead-name notification comes once, names the name, and brings a reference to it.
 * [KI mach_notify_dead_name] */
TEST(dead_name_comes_once_and_adds_a_reference)
{
    mach_port_t port = new_port_send(), notify = new_port();

    REQUIRE_KR(request(port, MACH_NOTIFY_DEAD_NAME, 0, notify), KERN_SUCCESS);
    REQUIRE_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_RECEIVE, -1), KERN_SUCCESS);
    EXPECT_NOTE(notify, MACH_NOTIFY_DEAD_NAME, port);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_DEAD_NAME), 2);
    EXPECT_EQ(note_id(notify), 0);
    EXPECT_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_DEAD_NAME, -2), KERN_SUCCESS);
    mach_port_destroy(SELF, notify);
}

/* A name's type tells that a dead-name notification is requested. [KI mach_port_type] */
TEST(the_type_tells_of_a_dead_name_request)
{
    mach_port_t port = new_port_send(), notify = new_port();

    REQUIRE_KR(request(port, MACH_NOTIFY_DEAD_NAME, 0, notify), KERN_SUCCESS);
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_SEND_RECEIVE | MACH_PORT_TYPE_DNREQUEST);
    REQUIRE_KR(request(port, MACH_NOTIFY_DEAD_NAME, 0, MACH_PORT_NULL), KERN_SUCCESS);
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_SEND_RECEIVE);
    EXPECT_EQ(note_id(notify), MACH_NOTIFY_SEND_ONCE);
    destroy(port, notify);
}

/* Of a name that is dead already: with sync it comes at once, with a reference; without,
 * KERN_INVALID_ARGUMENT. [KI mach_port_request_notification] */
TEST(dead_name_request_for_a_dead_name)
{
    mach_port_t dead = new_dead_name(), notify = new_port();

    EXPECT_KR(request(dead, MACH_NOTIFY_DEAD_NAME, 0, notify), KERN_INVALID_ARGUMENT);
    EXPECT_EQ(refs_of(dead, MACH_PORT_RIGHT_DEAD_NAME), 1);
    EXPECT_EQ(note_id(notify), MACH_NOTIFY_SEND_ONCE); /* the right it came with is destroyed */
    EXPECT_KR(request(dead, MACH_NOTIFY_DEAD_NAME, 1, notify), KERN_SUCCESS);
    EXPECT_NOTE(notify, MACH_NOTIFY_DEAD_NAME, dead);
    EXPECT_EQ(refs_of(dead, MACH_PORT_RIGHT_DEAD_NAME), 2);
    destroy(dead, notify);
}

/* If the dead name has all references it can have, that is KERN_UREFS_OVERFLOW.
 * [KI mach_port_request_notification] */
TEST(dead_name_request_does_not_overflow_references)
{
    mach_port_t dead = new_dead_name(), notify = new_port();

    REQUIRE_KR(mach_port_mod_refs(SELF, dead, MACH_PORT_RIGHT_DEAD_NAME, MACH_PORT_UREFS_MAX - 1),
               KERN_SUCCESS);
    EXPECT_KR(request(dead, MACH_NOTIFY_DEAD_NAME, 1, notify), KERN_UREFS_OVERFLOW);
    EXPECT_EQ(note_id(notify), MACH_NOTIFY_SEND_ONCE);
    EXPECT_EQ(refs_of(dead, MACH_PORT_RIGHT_DEAD_NAME), MACH_PORT_UREFS_MAX);
    destroy(dead, notify);
}

/* A send-once right's name can be watched as well. [KI mach_port_request_notification] */
TEST(dead_name_of_a_send_once_right)
{
    mach_port_t port = new_port(), once = new_send_once(port), notify = new_port();

    REQUIRE_KR(request(once, MACH_NOTIFY_DEAD_NAME, 0, notify), KERN_SUCCESS);
    mach_port_destroy(SELF, port);
    EXPECT_NOTE(notify, MACH_NOTIFY_DEAD_NAME, once);
    EXPECT_EQ(refs_of(once, MACH_PORT_RIGHT_DEAD_NAME), 2);
    destroy(once, notify);
}

/* A port set has no port that could die: KERN_INVALID_RIGHT. [KI mach_port_request_notification] */
TEST(dead_name_request_for_a_set_is_refused)
{
    mach_port_t set = new_set(), notify = new_port();

    EXPECT_KR(request(set, MACH_NOTIFY_DEAD_NAME, 0, notify), KERN_INVALID_RIGHT);
    EXPECT_EQ(note_id(notify), MACH_NOTIFY_SEND_ONCE);
    destroy(set, notify);
}

/* A second request for a name replaces the first, and returns its right.
 * [KI mach_port_request_notification] */
TEST(a_dead_name_request_replaces_the_last)
{
    mach_port_t port = new_port_send(), first = new_port(), second = new_port(), previous = 1;

    REQUIRE_KR(request(port, MACH_NOTIFY_DEAD_NAME, 0, first), KERN_SUCCESS);
    REQUIRE_KR(request_of(SELF, port, MACH_NOTIFY_DEAD_NAME, 0, second, &previous), KERN_SUCCESS);
    EXPECT_EQ(type_of(previous), MACH_PORT_TYPE_SEND_ONCE);
    REQUIRE_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_RECEIVE, -1), KERN_SUCCESS);
    EXPECT_EQ(note_id(second), MACH_NOTIFY_DEAD_NAME);
    EXPECT_EQ(note_id(first), 0);
    mach_port_deallocate(SELF, previous);
    EXPECT_EQ(note_id(first), MACH_NOTIFY_SEND_ONCE);
    destroy(port, first, second);
}

/* Each task that asked is told, by the name it has. [KI mach_notify_dead_name] */
TEST(each_space_is_told_its_own_name)
{
    mach_port_t port = new_port_send(), mine = new_port(), childs = new_port(), previous;
    mach_port_t name = MACH_PORT_MAKE(80, 3);
    task_t child;

    REQUIRE_KR(task_create(SELF, FALSE, &child), KERN_SUCCESS);
    REQUIRE_KR(mach_port_insert_right(child, name, port, MACH_MSG_TYPE_COPY_SEND), KERN_SUCCESS);
    REQUIRE_KR(request(port, MACH_NOTIFY_DEAD_NAME, 0, mine), KERN_SUCCESS);
    REQUIRE_KR(request_of(child, name, MACH_NOTIFY_DEAD_NAME, 0, childs, &previous), KERN_SUCCESS);
    REQUIRE_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_RECEIVE, -1), KERN_SUCCESS);
    EXPECT_NOTE(mine, MACH_NOTIFY_DEAD_NAME, port);
    EXPECT_NOTE(childs, MACH_NOTIFY_DEAD_NAME, name);
    task_terminate(child);
    mach_port_deallocate(SELF, child);
    destroy(port, mine, childs);
}

/* A renamed right is told of by its new name. [KI mach_port_rename] */
TEST(the_notification_follows_a_renaming)
{
    struct parked parked = park();
    mach_port_t notify = new_port(), name = MACH_PORT_MAKE(0x4a00, 1);

    REQUIRE_KR(request(parked.port, MACH_NOTIFY_DEAD_NAME, 0, notify), KERN_SUCCESS);
    REQUIRE_KR(mach_port_rename(SELF, parked.port, name), KERN_SUCCESS);
    EXPECT_EQ(type_of(name), MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_DNREQUEST);
    park_kill(&parked);
    EXPECT_NOTE(notify, MACH_NOTIFY_DEAD_NAME, name);
    destroy(name, notify);
}

/* Many names may watch one port: all are told. [KI mach_notify_dead_name] */
TEST(a_hundred_watchers_are_told)
{
    mach_port_t port = new_port(), notify = new_port(), once[100];
    uint32_t told = 0;

    for (int i = 0; i < 100; i++) {
        once[i] = new_send_once(port);
        REQUIRE_KR(request(once[i], MACH_NOTIFY_DEAD_NAME, 0, notify), KERN_SUCCESS);
    }
    mach_port_destroy(SELF, port);
    for (int i = 0; i < 100; i++) {
        EXPECT_EQ(notification(notify, &told), MACH_NOTIFY_DEAD_NAME);
        EXPECT_KR(mach_port_mod_refs(SELF, told, MACH_PORT_RIGHT_DEAD_NAME, -2), KERN_SUCCESS);
    }
    EXPECT_EQ(note_id(notify), 0);
    mach_port_destroy(SELF, notify);
}

/* ---- port-deleted notifications ---- */

/* If the watched name is deleted first, that is told instead. [KI mach_notify_port_deleted] */
TEST(port_deleted_comes_when_the_watched_name_goes)
{
    struct parked parked = park();
    mach_port_t notify = new_port();
    uint32_t name = 0;

    REQUIRE_KR(request(parked.port, MACH_NOTIFY_DEAD_NAME, 0, notify), KERN_SUCCESS);
    REQUIRE_KR(mach_port_deallocate(SELF, parked.port), KERN_SUCCESS);
    EXPECT_EQ(notification(notify, &name), MACH_NOTIFY_PORT_DELETED);
    EXPECT_EQ(name, parked.port);
    park_kill(&parked);
    EXPECT_EQ(note_id(notify), 0); /* not told of its death as well */
    mach_port_destroy(SELF, notify);
    park_end(&parked);
}

/* A reference given up that is not the last deletes no name. [KI mach_notify_port_deleted] */
TEST(port_deleted_waits_for_the_last_reference)
{
    struct parked parked = park();
    mach_port_t notify = new_port();

    REQUIRE_KR(mach_port_mod_refs(SELF, parked.port, MACH_PORT_RIGHT_SEND, 1), KERN_SUCCESS);
    REQUIRE_KR(request(parked.port, MACH_NOTIFY_DEAD_NAME, 0, notify), KERN_SUCCESS);
    REQUIRE_KR(mach_port_deallocate(SELF, parked.port), KERN_SUCCESS);
    EXPECT_EQ(note_id(notify), 0);
    REQUIRE_KR(mach_port_deallocate(SELF, parked.port), KERN_SUCCESS);
    EXPECT_EQ(note_id(notify), MACH_NOTIFY_PORT_DELETED);
    mach_port_destroy(SELF, notify);
    park_end(&parked);
}

/* A right that is moved away in a message deletes its name. [KI mach_notify_port_deleted] */
TEST(port_deleted_comes_when_the_right_is_moved)
{
    struct parked parked = park();
    mach_port_t notify = new_port(), box = new_port_send(), port = new_port();
    mach_port_t once = new_send_once(port);

    REQUIRE_KR(request(parked.port, MACH_NOTIFY_DEAD_NAME, 0, notify), KERN_SUCCESS);
    REQUIRE_KR(send_right(box, parked.port, MACH_MSG_TYPE_MOVE_SEND), MACH_MSG_SUCCESS);
    EXPECT_EQ(note_id(notify), MACH_NOTIFY_PORT_DELETED);
    REQUIRE_KR(request(once, MACH_NOTIFY_DEAD_NAME, 0, notify), KERN_SUCCESS);
    REQUIRE_KR(send_word(once, MACH_MSG_TYPE_MOVE_SEND_ONCE, 1, 0, 0), MACH_MSG_SUCCESS);
    EXPECT_EQ(note_id(notify), MACH_NOTIFY_PORT_DELETED);
    REQUIRE_KR(request(port, MACH_NOTIFY_DEAD_NAME, 0, notify), KERN_SUCCESS);
    REQUIRE_KR(send_right(box, port, MACH_MSG_TYPE_MOVE_RECEIVE), MACH_MSG_SUCCESS);
    EXPECT_EQ(note_id(notify), MACH_NOTIFY_PORT_DELETED);
    destroy(box, notify);
    park_end(&parked);
}

/* A send that fails deletes no name: the request is in force again. [KI mach_msg] */
TEST(a_failed_send_leaves_the_request)
{
    struct parked parked = park();
    mach_port_t notify = new_port(), box = new_port_send();
    static struct space_state before;

    REQUIRE_KR(request(parked.port, MACH_NOTIFY_DEAD_NAME, 0, notify), KERN_SUCCESS);
    state_take(&before);
    EXPECT_KR(send_in_vain(box, parked.port, MACH_MSG_TYPE_MOVE_SEND), MACH_SEND_INVALID_RIGHT);
    EXPECT_SAME_STATE(&before);
    EXPECT_EQ(note_id(notify), 0);
    park_kill(&parked);
    EXPECT_EQ(note_id(notify), MACH_NOTIFY_DEAD_NAME);
    destroy(box, notify);
    park_end(&parked);
}

/* Of a name that died there was a notification already: its deletion brings no other.
 * [KI mach_notify_port_deleted] */
TEST(a_dead_name_deleted_is_not_told_again)
{
    struct parked parked = park();
    mach_port_t notify = new_port();

    REQUIRE_KR(request(parked.port, MACH_NOTIFY_DEAD_NAME, 0, notify), KERN_SUCCESS);
    park_kill(&parked);
    REQUIRE_KR(mach_port_destroy(SELF, parked.port), KERN_SUCCESS);
    EXPECT_EQ(note_id(notify), MACH_NOTIFY_DEAD_NAME);
    EXPECT_EQ(note_id(notify), 0);
    mach_port_destroy(SELF, notify);
}

/* A task's end deletes its names. [KI mach_notify_port_deleted] */
TEST(port_deleted_when_the_task_ends)
{
    mach_port_t port = new_port_send(), notify = new_port(), previous;
    mach_port_t name = MACH_PORT_MAKE(81, 3);
    struct small m;
    task_t child;

    REQUIRE_KR(task_create(SELF, FALSE, &child), KERN_SUCCESS);
    REQUIRE_KR(mach_port_insert_right(child, name, port, MACH_MSG_TYPE_COPY_SEND), KERN_SUCCESS);
    REQUIRE_KR(request_of(child, name, MACH_NOTIFY_DEAD_NAME, 0, notify, &previous), KERN_SUCCESS);
    REQUIRE_KR(task_terminate(child), KERN_SUCCESS);
    EXPECT_KR(receive_word(notify, &m, 5000), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.header.msgh_id, MACH_NOTIFY_PORT_DELETED);
    EXPECT_EQ(m.word, name);
    mach_port_deallocate(SELF, child);
    destroy(port, notify);
}

/* ---- port-destroyed notifications ---- */

/* A receive right that would be destroyed goes to who asked for it instead; the port lives on.
 * [KI mach_notify_port_destroyed] */
TEST(port_destroyed_saves_the_receive_right)
{
    mach_port_t port = new_port_send(), notify = new_port();
    struct carrier m;

    REQUIRE_KR(request(port, MACH_NOTIFY_PORT_DESTROYED, 0, notify), KERN_SUCCESS);
    REQUIRE_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_RECEIVE, -1), KERN_SUCCESS);
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_SEND); /* not dead: the right is in the message */
    REQUIRE_KR(receive_right(notify, &m), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.header.msgh_id, MACH_NOTIFY_PORT_DESTROYED);
    EXPECT_EQ(m.port.disposition, MACH_MSG_TYPE_PORT_RECEIVE);
    EXPECT_EQ(m.port.name, port); /* merges with the send right */
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_SEND_RECEIVE);
    EXPECT_EQ(status_of(port).mps_pdrequest, FALSE); /* used up */
    destroy(port, notify);
}

/* The port's messages come back with the right. [KI mach_notify_port_destroyed] */
TEST(port_destroyed_saves_the_queue)
{
    mach_port_t port = new_port_send(), notify = new_port();
    struct carrier m;
    struct small s;

    REQUIRE_KR(request(port, MACH_NOTIFY_PORT_DESTROYED, 0, notify), KERN_SUCCESS);
    REQUIRE_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, 11, 0, 0), MACH_MSG_SUCCESS);
    REQUIRE_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_RECEIVE, -1), KERN_SUCCESS);
    REQUIRE_KR(send_word(port, MACH_MSG_TYPE_COPY_SEND, 12, 0, 0), MACH_MSG_SUCCESS);
    REQUIRE_KR(receive_right(notify, &m), MACH_MSG_SUCCESS);
    REQUIRE_KR(receive_word(m.port.name, &s, 0), MACH_MSG_SUCCESS);
    EXPECT_EQ(s.word, 11);
    REQUIRE_KR(receive_word(m.port.name, &s, 0), MACH_MSG_SUCCESS);
    EXPECT_EQ(s.word, 12);
    destroy(port, notify);
}

/* It comes also when the task that had the right ends. [KI mach_notify_port_destroyed] */
TEST(port_destroyed_when_the_task_ends)
{
    mach_port_t name = MACH_PORT_MAKE(82, 1), notify = new_port(), previous;
    struct carrier m;
    task_t child;

    REQUIRE_KR(task_create(SELF, FALSE, &child), KERN_SUCCESS);
    REQUIRE_KR(mach_port_allocate_name(child, MACH_PORT_RIGHT_RECEIVE, name), KERN_SUCCESS);
    REQUIRE_KR(request_of(child, name, MACH_NOTIFY_PORT_DESTROYED, 0, notify, &previous),
               KERN_SUCCESS);
    REQUIRE_KR(task_terminate(child), KERN_SUCCESS);
    EXPECT_KR(mach_msg(&m.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof m, notify, 5000, 0),
              MACH_MSG_SUCCESS);
    EXPECT_EQ(m.header.msgh_id, MACH_NOTIFY_PORT_DESTROYED);
    EXPECT_EQ(type_of(m.port.name), MACH_PORT_TYPE_RECEIVE);
    mach_port_destroy(SELF, m.port.name);
    mach_port_deallocate(SELF, child);
    mach_port_destroy(SELF, notify);
}

/* It comes also when a message that carries the right is destroyed. [KI
 * mach_notify_port_destroyed] */
TEST(port_destroyed_when_its_message_is)
{
    mach_port_t port = new_port_send(), notify = new_port(), box = new_port_send();
    struct carrier m;

    REQUIRE_KR(request(port, MACH_NOTIFY_PORT_DESTROYED, 0, notify), KERN_SUCCESS);
    REQUIRE_KR(send_right(box, port, MACH_MSG_TYPE_MOVE_RECEIVE), MACH_MSG_SUCCESS);
    mach_port_destroy(SELF, box);
    REQUIRE_KR(receive_right(notify, &m), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.port.name, port);
    destroy(port, notify);
}

/* A port that would be sent into its own queue dies all the same. [ipc_port.c] */
TEST(port_destroyed_to_itself_saves_nothing)
{
    mach_port_t port = new_port_send();

    REQUIRE_KR(request(port, MACH_NOTIFY_PORT_DESTROYED, 0, port), KERN_SUCCESS);
    REQUIRE_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_RECEIVE, -1), KERN_SUCCESS);
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_DEAD_NAME);
    mach_port_destroy(SELF, port);
}

/* If nobody is there to be told, the port dies with the message. [KI mach_notify_port_destroyed] */
TEST(port_destroyed_to_a_dead_port_saves_nothing)
{
    mach_port_t port = new_port_send(), notify = new_port();

    REQUIRE_KR(request(port, MACH_NOTIFY_PORT_DESTROYED, 0, notify), KERN_SUCCESS);
    mach_port_destroy(SELF, notify);
    REQUIRE_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_RECEIVE, -1), KERN_SUCCESS);
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_DEAD_NAME);
    mach_port_destroy(SELF, port);
}

/* ---- requests ---- */

/* An id that is no notification's is KERN_INVALID_VALUE, and so is a sync for port-destroyed.
 * [KI mach_port_request_notification] */
TEST(request_notification_checks_id_and_sync)
{
    mach_port_t port = new_port_send(), notify = new_port();

    EXPECT_KR(request(port, 12345, 0, MACH_PORT_NULL), KERN_INVALID_VALUE);
    EXPECT_KR(request(port, MACH_NOTIFY_SEND_ONCE, 0, MACH_PORT_NULL), KERN_INVALID_VALUE);
    EXPECT_KR(request(port, MACH_NOTIFY_PORT_DELETED, 0, MACH_PORT_NULL), KERN_INVALID_VALUE);
    EXPECT_KR(request(port, MACH_NOTIFY_PORT_DESTROYED, 1, notify), KERN_INVALID_VALUE);
    EXPECT_EQ(note_id(notify), MACH_NOTIFY_SEND_ONCE);
    EXPECT_EQ(status_of(port).mps_pdrequest, FALSE);
    destroy(port, notify);
}

/* A notification is sent by a send-once right and by no other: KERN_INVALID_CAPABILITY.
 * [KI mach_port_request_notification] */
TEST(request_notification_wants_a_send_once_right)
{
    mach_port_t port = new_port_send(), notify = new_port_send(), previous = 0;

    EXPECT_KR(mach_port_request_notification(SELF, port, MACH_NOTIFY_DEAD_NAME, 0, notify,
                                             MACH_MSG_TYPE_COPY_SEND, &previous),
              KERN_INVALID_CAPABILITY);
    EXPECT_KR(mach_port_request_notification(SELF, port, MACH_NOTIFY_DEAD_NAME, 0, MACH_PORT_DEAD,
                                             MACH_MSG_TYPE_MOVE_SEND_ONCE, &previous),
              KERN_INVALID_CAPABILITY);
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_SEND_RECEIVE);
    EXPECT_EQ(refs_of(notify, MACH_PORT_RIGHT_SEND), 1);
    destroy(port, notify);
}

/* A notification whose port is full is queued: it came by a send-once right. [KI mach_msg] */
TEST(notifications_pass_a_full_queue)
{
    mach_port_t port = new_port_send(), notify = new_port_send();
    struct small m;

    REQUIRE_KR(mach_port_set_qlimit(SELF, notify, 1), KERN_SUCCESS);
    REQUIRE_KR(send_word(notify, MACH_MSG_TYPE_COPY_SEND, 1, 0, 0), MACH_MSG_SUCCESS);
    REQUIRE_KR(request(port, MACH_NOTIFY_NO_SENDERS, 0, notify), KERN_SUCCESS);
    mach_port_deallocate(SELF, port);
    REQUIRE_KR(receive_word(notify, &m, 0), MACH_MSG_SUCCESS);
    EXPECT_EQ(note_id(notify), MACH_NOTIFY_NO_SENDERS);
    destroy(port, notify);
}

/* The trailer of a notification says that the kernel sent it; of a forged one, who did.
 * [message.h, notify.defs] */
TEST(a_forged_notification_can_be_told)
{
    mach_port_t notify = new_port_send(), once;
    struct small m = {.header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
                                 .msgh_remote_port = notify, .msgh_id = MACH_NOTIFY_NO_SENDERS}};

    REQUIRE_KR(mach_msg(&m.header, MACH_SEND_MSG, SMALL_SIZE, 0, 0, 0, 0), MACH_MSG_SUCCESS);
    EXPECT_EQ(note_id(notify), -1);
    once = new_send_once(notify);
    mach_port_deallocate(SELF, once);
    EXPECT_EQ(note_id(notify), MACH_NOTIFY_SEND_ONCE);
    mach_port_destroy(SELF, notify);
}

TEST_MAIN
