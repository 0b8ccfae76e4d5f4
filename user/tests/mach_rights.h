/*
 * What the chapters on rights share: the state of a space and of a port, to be compared; ports
 * whose receive right is elsewhere; notifications. Read mach_test.h before.
 */
#ifndef MACH_RIGHTS_H
#define MACH_RIGHTS_H

#include "mach_test.h"

/* ---- rights in one line ---- */

static inline mach_port_t new_set(void)
{
    mach_port_t set = MACH_PORT_NULL;

    mach_port_allocate(SELF, MACH_PORT_RIGHT_PORT_SET, &set);
    return set;
}

static inline mach_port_t new_dead_name(void)
{
    mach_port_t dead = MACH_PORT_NULL;

    mach_port_allocate(SELF, MACH_PORT_RIGHT_DEAD_NAME, &dead);
    return dead;
}

/* A send-once right to port, which we receive on. */
static inline mach_port_t new_send_once(mach_port_t port)
{
    mach_port_t once = MACH_PORT_NULL;
    mach_msg_type_name_t type;

    mach_port_extract_right(SELF, port, MACH_MSG_TYPE_MAKE_SEND_ONCE, &once, &type);
    return once;
}

/* ---- all a space holds, to be compared ---- */

#define STATE_NAMES_MAX 256

/* Each name with its type and user references; of a receive right also its queue and senders. */
struct space_state {
    uint32_t count;
    ipc_info_name_t names[STATE_NAMES_MAX];
};

static inline void state_of_task(task_t task, struct space_state *state)
{
    ipc_info_name_array_t info;
    mach_msg_type_number_t count;

    state->count = 0;
    if (mach_port_space_info(task, &info, &count) != KERN_SUCCESS)
        return;
    for (mach_msg_type_number_t i = 0; i < count && i < STATE_NAMES_MAX; i++) {
        state->names[i] = info[i];
        if (!(info[i].iin_type & MACH_PORT_TYPE_RECEIVE)) /* others do things with their ports */
            state->names[i].iin_msgcount = state->names[i].iin_srights = 0;
    }
    state->count = count;
    vm_deallocate(SELF, (vm_address_t)info, count * sizeof(*info));
}

static inline void state_take(struct space_state *state)
{
    state_of_task(SELF, state);
}

/* Is this task's space as it was? Else the first name that differs is *where. */
static inline boolean_t state_same(const struct space_state *before, mach_port_name_t *where)
{
    static struct space_state now;

    state_take(&now);
    *where = MACH_PORT_NULL;
    for (uint32_t i = 0; i < before->count && i < now.count && i < STATE_NAMES_MAX; i++) {
        if (memcmp(&before->names[i], &now.names[i], sizeof(now.names[i])) != 0) {
            *where = before->names[i].iin_name;
            return FALSE;
        }
    }
    return before->count == now.count;
}

/* Fails the case unless the space is as it was. */
#define EXPECT_SAME_STATE(before) \
    do { \
        mach_port_name_t where_; \
        if (!state_same(before, &where_)) \
            FAIL("the space is not as it was: first at name 0x%x", where_); \
    } while (0)

/* The receive status; all 0xff if it could not be had. */
static inline mach_port_status_t status_of(mach_port_t port)
{
    mach_port_status_t status;

    if (mach_port_get_receive_status(SELF, port, &status) != KERN_SUCCESS)
        memset(&status, 0xff, sizeof status);
    return status;
}

/* Every routine about a name of task's says kr of this one; other is a port or set of ours. */
static inline void expect_refused_by_all(task_t task, mach_port_name_t name, mach_port_name_t other,
                                         kern_return_t kr)
{
    mach_port_name_array_t members;
    mach_msg_type_number_t count;
    mach_msg_type_name_t type;
    mach_port_status_t status;
    mach_port_urefs_t refs;
    mach_port_t out;

    EXPECT_KR(mach_port_destroy(task, name), kr);
    EXPECT_KR(mach_port_deallocate(task, name), kr);
    EXPECT_KR(mach_port_get_refs(task, name, MACH_PORT_RIGHT_SEND, &refs), kr);
    EXPECT_KR(mach_port_mod_refs(task, name, MACH_PORT_RIGHT_SEND, 1), kr);
    EXPECT_KR(mach_port_set_qlimit(task, name, 1), kr);
    EXPECT_KR(mach_port_set_mscount(task, name, 1), kr);
    EXPECT_KR(mach_port_set_seqno(task, name, 1), kr);
    EXPECT_KR(mach_port_get_receive_status(task, name, &status), kr);
    EXPECT_KR(mach_port_get_set_status(task, name, &members, &count), kr);
    EXPECT_KR(mach_port_move_member(task, name, other), kr);
    EXPECT_KR(mach_port_insert_member(task, name, other), kr);
    EXPECT_KR(mach_port_extract_member(task, name, other), kr);
    EXPECT_KR(mach_port_extract_right(task, name, MACH_MSG_TYPE_MAKE_SEND, &out, &type), kr);
    EXPECT_KR(mach_port_request_notification(task, name, MACH_NOTIFY_DEAD_NAME, 0, MACH_PORT_NULL,
                                             MACH_MSG_TYPE_MAKE_SEND_ONCE, &out), kr);
}

/* ---- a port that lives, and whose receive right is not in this space ---- */

struct parked {
    mach_port_t box;  /* in whose queue the receive right waits */
    mach_port_t port; /* a send right, with one user reference */
};

static inline struct parked park(void)
{
    struct parked parked = {new_port_send(), new_port_send()};

    send_right(parked.box, parked.port, MACH_MSG_TYPE_MOVE_RECEIVE);
    return parked;
}

/* Takes the receive right out of the box: it joins port, where that still is a send right. */
static inline mach_port_t unpark(struct parked *parked)
{
    struct carrier m;

    if (receive_right(parked->box, &m) != MACH_MSG_SUCCESS)
        return MACH_PORT_NULL;
    mach_port_destroy(SELF, parked->box);
    parked->box = MACH_PORT_NULL;
    return m.port.name;
}

/* The port dies in its box. What this space has of it is a dead name then. */
static inline void park_kill(struct parked *parked)
{
    mach_port_destroy(SELF, parked->box);
    parked->box = MACH_PORT_NULL;
}

static inline void park_end(struct parked *parked)
{
    if (parked->box != MACH_PORT_NULL)
        mach_port_destroy(SELF, parked->box);
    mach_port_destroy(SELF, parked->port);
}

/* ---- notifications ---- */

/*
 * Takes a message from port, if there is one: its id, and in *word its word. 0: none; -1: it was
 * not the kernel that sent it.
 */
static inline int notification(mach_port_t port, uint32_t *word)
{
    struct small m;
    mach_msg_return_t mr;

    mr = mach_msg(&m.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT |
                  MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_SENDER), 0, sizeof(m), port, 0,
                  MACH_PORT_NULL);
    if (mr != MACH_MSG_SUCCESS)
        return 0;
    *word = m.word;
    return mach_msg_from_kernel(&m.header) ? m.header.msgh_id : -1;
}

/* The same for who does not look at the word. */
static inline int note_id(mach_port_t port)
{
    uint32_t word;

    return notification(port, &word);
}

/* The next message on port is the kernel's: notification id, about `value`. */
#define EXPECT_NOTE(port, id, value) \
    do { \
        uint32_t word_ = 0; \
        EXPECT_EQ(notification(port, &word_), id); \
        EXPECT_EQ(word_, value); \
    } while (0)

/* Requests notification id for what task calls name, to be sent to notify. What was registered before
 * is the caller's. */
static inline kern_return_t request_of(task_t task, mach_port_name_t name, mach_msg_id_t id,
                                       uint32_t sync, mach_port_t notify, mach_port_t *previous)
{
    *previous = MACH_PORT_NULL;
    return mach_port_request_notification(task, name, id, sync, notify, MACH_MSG_TYPE_MAKE_SEND_ONCE,
                                          previous);
}

/* The same of a name of ours; what was registered before is dropped. */
static inline kern_return_t request(mach_port_t name, mach_msg_id_t id, uint32_t sync,
                                    mach_port_t notify)
{
    mach_port_t previous;
    kern_return_t kr = request_of(SELF, name, id, sync, notify, &previous);

    if (kr == KERN_SUCCESS && previous != MACH_PORT_NULL)
        mach_port_deallocate(SELF, previous);
    return kr;
}

#endif
