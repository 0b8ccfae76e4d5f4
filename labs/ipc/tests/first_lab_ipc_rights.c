/* Lab ipc, exercises 4 and 5: rights taken out of a space, and put back when a send fails. */
#include "lab_ipc.h"

TEST_LIMIT(1);

static int has_senders(mach_port_t port)
{
    return status_of(port).mps_srights;
}

/* A send right alone, to a port of a task of its own. */
static mach_port_t send_only(task_t *child)
{
    mach_port_t port = MACH_PORT_NULL;

    task_create(SELF, FALSE, child);
    mach_port_allocate(*child, MACH_PORT_RIGHT_RECEIVE, &port);
    return send_right_of(*child, port);
}

static void end(task_t child)
{
    task_terminate(child);
    mach_port_deallocate(SELF, child);
}

static int senders_of(task_t child)
{
    mach_port_name_array_t names;
    mach_port_type_array_t types;
    mach_msg_type_number_t count = 0, type_count;
    mach_port_status_t status = {.mps_srights = FALSE};

    mach_port_names(child, &names, &count, &types, &type_count);
    for (mach_msg_type_number_t i = 0; i < count; i++)
        if (types[i] & MACH_PORT_TYPE_RECEIVE)
            mach_port_get_receive_status(child, names[i], &status);
    return status.mps_srights;
}

#define HELD 64

/* Send rights that are in the hash while a case does its work: are they found by their ports after it? */
static struct held {
    task_t child;
    mach_port_t theirs[HELD], ours[HELD];
} held;

static void hold_rights(void)
{
    task_create(SELF, FALSE, &held.child);
    for (int i = 0; i < HELD; i++) {
        mach_port_allocate(held.child, MACH_PORT_RIGHT_RECEIVE, &held.theirs[i]);
        held.ours[i] = send_right_of(held.child, held.theirs[i]);
    }
}

static void expect_held(void)
{
    for (int i = 0; i < HELD; i++) {
        EXPECT_EQ(send_right_of(held.child, held.theirs[i]), held.ours[i]);
        mach_port_mod_refs(SELF, held.ours[i], MACH_PORT_RIGHT_SEND, -2);
    }
    end(held.child);
}

/* ---- 4: out of a space ---- */

TEST(move_send_takes_a_reference)
{
    mach_port_t port = port_with_send();

    mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_SEND, 2);
    EXPECT_KR(give_away(port, MACH_MSG_TYPE_MOVE_SEND), MACH_MSG_SUCCESS);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_SEND), 2);
    EXPECT_TRUE(has_senders(port));
    EXPECT_KR(give_away(port, MACH_MSG_TYPE_MOVE_SEND), MACH_MSG_SUCCESS);
    EXPECT_TRUE(has_senders(port));
    EXPECT_KR(give_away(port, MACH_MSG_TYPE_MOVE_SEND), MACH_MSG_SUCCESS);
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_RECEIVE);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_RECEIVE), 1);
    EXPECT_TRUE(!has_senders(port));
    EXPECT_KR(give_away(port, MACH_MSG_TYPE_MOVE_SEND), MACH_SEND_INVALID_RIGHT);
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_RECEIVE);
    mach_port_destroy(SELF, port);
}

TEST(the_last_send_right_takes_its_name_along)
{
    task_t child;
    mach_port_t send = send_only(&child), fresh;

    REQUIRE_EQ(type_of(send), MACH_PORT_TYPE_SEND);
    mach_port_mod_refs(SELF, send, MACH_PORT_RIGHT_SEND, 1);
    EXPECT_KR(give_away(send, MACH_MSG_TYPE_MOVE_SEND), MACH_MSG_SUCCESS);
    EXPECT_EQ(refs_of(send, MACH_PORT_RIGHT_SEND), 1);
    EXPECT_TRUE(senders_of(child));
    EXPECT_KR(give_away(send, MACH_MSG_TYPE_MOVE_SEND), MACH_MSG_SUCCESS);
    EXPECT_EQ(type_of(send), MACH_PORT_TYPE_NONE);
    EXPECT_TRUE(!senders_of(child));
    for (int i = 0; i < 40; i++) { /* the hash has not kept the entry: it is another's soon */
        fresh = new_port();
        EXPECT_TRUE(fresh != send);
        EXPECT_EQ(type_of(fresh), MACH_PORT_TYPE_RECEIVE);
        mach_port_destroy(SELF, fresh);
    }
    fresh = send_only(&child);
    EXPECT_EQ(type_of(fresh), MACH_PORT_TYPE_SEND);
    mach_port_deallocate(SELF, fresh);
    end(child);
}

TEST(the_hash_forgets_the_names_that_went)
{
    hold_rights();
    for (int i = HELD / 2; i-- > 0;)
        EXPECT_KR(give_away(held.ours[i + HELD / 2], MACH_MSG_TYPE_MOVE_SEND), MACH_MSG_SUCCESS);
    for (int i = HELD / 2; i < HELD; i++) {
        held.ours[i] = send_right_of(held.child, held.theirs[i]);
        EXPECT_EQ(refs_of(held.ours[i], MACH_PORT_RIGHT_SEND), 1);
    }
    expect_held();
}

TEST(move_receive_leaves_a_send_right)
{
    mach_port_t port = port_with_send();
    uint32_t before = ports_now();

    mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_SEND, 2);
    EXPECT_KR(give_away(port, MACH_MSG_TYPE_MOVE_RECEIVE), MACH_MSG_SUCCESS); /* it dies there */
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_DEAD_NAME);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_DEAD_NAME), 3);
    EXPECT_EQ(ports_now(), before - 1);
    mach_port_destroy(SELF, port);
}

TEST(move_receive_takes_the_name_along)
{
    uint32_t before = ports_now();
    mach_port_t port = new_port();

    EXPECT_KR(give_away(port, MACH_MSG_TYPE_MOVE_RECEIVE), MACH_MSG_SUCCESS);
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_NONE);
    EXPECT_EQ(ports_now(), before);
    EXPECT_KR(give_away(SELF, MACH_MSG_TYPE_MOVE_RECEIVE), MACH_SEND_INVALID_RIGHT);
    EXPECT_TRUE(type_of(SELF) == MACH_PORT_TYPE_SEND);
}

TEST(a_dead_name_moves_as_one)
{
    mach_port_t dead = MACH_PORT_NULL;

    REQUIRE_KR(mach_port_allocate(SELF, MACH_PORT_RIGHT_DEAD_NAME, &dead), KERN_SUCCESS);
    mach_port_mod_refs(SELF, dead, MACH_PORT_RIGHT_DEAD_NAME, 2);
    EXPECT_KR(give_away(dead, MACH_MSG_TYPE_COPY_SEND), MACH_MSG_SUCCESS);
    EXPECT_EQ(refs_of(dead, MACH_PORT_RIGHT_DEAD_NAME), 3);
    EXPECT_KR(give_away(dead, MACH_MSG_TYPE_MOVE_SEND), MACH_MSG_SUCCESS);
    EXPECT_EQ(refs_of(dead, MACH_PORT_RIGHT_DEAD_NAME), 2);
    EXPECT_KR(give_away(dead, MACH_MSG_TYPE_MOVE_SEND_ONCE), MACH_MSG_SUCCESS);
    EXPECT_EQ(refs_of(dead, MACH_PORT_RIGHT_DEAD_NAME), 1);
    EXPECT_KR(give_away(dead, MACH_MSG_TYPE_MAKE_SEND), MACH_SEND_INVALID_RIGHT);
    EXPECT_KR(give_away(dead, MACH_MSG_TYPE_MOVE_RECEIVE), MACH_SEND_INVALID_RIGHT);
    EXPECT_EQ(refs_of(dead, MACH_PORT_RIGHT_DEAD_NAME), 1);
    EXPECT_KR(give_away(dead, MACH_MSG_TYPE_MOVE_SEND), MACH_MSG_SUCCESS);
    EXPECT_EQ(type_of(dead), MACH_PORT_TYPE_NONE);
}

/* ---- 5: back again ---- */

static const mach_port_t nobody = MACH_PORT_MAKE(0x7777, 1);

/* Sends what m carries and a right that does not exist behind it: all must be as before. */
static mach_msg_return_t fail_with(struct rights_message *m)
{
    add_right(m, nobody, MACH_MSG_TYPE_COPY_SEND);
    return send_rights(m);
}

static mach_msg_return_t fail_one(mach_port_t name, mach_msg_type_name_t how)
{
    struct rights_message m = {.body.msgh_descriptor_count = 0};

    add_right(&m, name, how);
    return fail_with(&m);
}

TEST(made_rights_are_unmade)
{
    mach_port_t port = new_port();
    mach_port_status_t status;

    EXPECT_KR(fail_one(port, MACH_MSG_TYPE_MAKE_SEND), MACH_SEND_INVALID_RIGHT);
    status = status_of(port);
    EXPECT_EQ(status.mps_srights, FALSE);
    EXPECT_EQ(status.mps_mscount, 0);
    EXPECT_KR(fail_one(port, MACH_MSG_TYPE_MAKE_SEND_ONCE), MACH_SEND_INVALID_RIGHT);
    status = status_of(port);
    EXPECT_EQ(status.mps_sorights, 0);
    EXPECT_EQ(status.mps_msgcount, 0);
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_RECEIVE);
    mach_port_destroy(SELF, port);
}

TEST(copied_and_moved_send_rights_come_back)
{
    mach_port_t port = port_with_send();
    task_t child;
    mach_port_t send = send_only(&child);

    EXPECT_KR(fail_one(port, MACH_MSG_TYPE_COPY_SEND), MACH_SEND_INVALID_RIGHT);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_SEND), 1);
    mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_SEND, -1);
    EXPECT_TRUE(!has_senders(port)); /* the copy was not forgotten */
    mach_port_destroy(SELF, port);

    port = port_with_send();
    EXPECT_KR(fail_one(port, MACH_MSG_TYPE_MOVE_SEND), MACH_SEND_INVALID_RIGHT);
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_SEND_RECEIVE);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_SEND), 1);
    mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_SEND, 3);
    EXPECT_KR(fail_one(port, MACH_MSG_TYPE_MOVE_SEND), MACH_SEND_INVALID_RIGHT);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_SEND), 4);
    mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_SEND, -4);
    EXPECT_TRUE(!has_senders(port));
    mach_port_destroy(SELF, port);

    EXPECT_KR(fail_one(send, MACH_MSG_TYPE_MOVE_SEND), MACH_SEND_INVALID_RIGHT);
    EXPECT_EQ(type_of(send), MACH_PORT_TYPE_SEND);
    EXPECT_EQ(refs_of(send, MACH_PORT_RIGHT_SEND), 1);
    EXPECT_TRUE(senders_of(child));
    mach_port_deallocate(SELF, send);
    EXPECT_TRUE(!senders_of(child));
    end(child);
}

/* It can be found by its port again: the next right to the port merges with it. */
TEST(a_send_right_that_came_back_is_in_the_hash)
{
    mach_port_t port = MACH_PORT_NULL, send;
    task_t child;

    REQUIRE_KR(task_create(SELF, FALSE, &child), KERN_SUCCESS);
    mach_port_allocate(child, MACH_PORT_RIGHT_RECEIVE, &port);
    send = send_right_of(child, port);
    EXPECT_KR(fail_one(send, MACH_MSG_TYPE_MOVE_SEND), MACH_SEND_INVALID_RIGHT);
    EXPECT_EQ(send_right_of(child, port), send);
    EXPECT_EQ(refs_of(send, MACH_PORT_RIGHT_SEND), 2);
    mach_port_mod_refs(SELF, send, MACH_PORT_RIGHT_SEND, -2);
    end(child);
}

TEST(a_send_once_right_comes_back)
{
    mach_port_t port = new_port(), once = MACH_PORT_NULL;
    mach_msg_type_name_t type;

    REQUIRE_KR(mach_port_extract_right(SELF, port, MACH_MSG_TYPE_MAKE_SEND_ONCE, &once, &type),
               KERN_SUCCESS);
    EXPECT_KR(fail_one(once, MACH_MSG_TYPE_MOVE_SEND_ONCE), MACH_SEND_INVALID_RIGHT);
    EXPECT_EQ(type_of(once), MACH_PORT_TYPE_SEND_ONCE);
    EXPECT_EQ(refs_of(once, MACH_PORT_RIGHT_SEND_ONCE), 1);
    EXPECT_EQ(status_of(port).mps_sorights, 1);
    mach_port_destroy(SELF, port);
    EXPECT_EQ(type_of(once), MACH_PORT_TYPE_DEAD_NAME);
    mach_port_deallocate(SELF, once);
}

TEST(a_receive_right_comes_back)
{
    mach_port_t port = new_port(), both = port_with_send();
    mach_port_t send = MACH_PORT_NULL;
    mach_msg_type_name_t type;

    EXPECT_KR(fail_one(port, MACH_MSG_TYPE_MOVE_RECEIVE), MACH_SEND_INVALID_RIGHT);
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_RECEIVE);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_SEND), 0);
    EXPECT_KR(fail_one(both, MACH_MSG_TYPE_MOVE_RECEIVE), MACH_SEND_INVALID_RIGHT);
    EXPECT_EQ(type_of(both), MACH_PORT_TYPE_SEND_RECEIVE);
    EXPECT_KR(mach_port_extract_right(SELF, both, MACH_MSG_TYPE_MAKE_SEND, &send, &type),
              KERN_SUCCESS);
    EXPECT_EQ(send, both);
    EXPECT_EQ(refs_of(both, MACH_PORT_RIGHT_SEND), 2);
    mach_port_destroy(SELF, port);
    mach_port_destroy(SELF, both);
}

TEST(the_hash_is_as_before)
{
    mach_port_t ports[40];

    hold_rights();
    for (int i = 0; i < 40; i++) {
        ports[i] = port_with_send();
        EXPECT_KR(fail_one(ports[i], MACH_MSG_TYPE_MOVE_RECEIVE), MACH_SEND_INVALID_RIGHT);
    }
    for (int i = 0; i < 40; i++)
        mach_port_destroy(SELF, ports[i]);
    expect_held();
}

TEST(dead_names_come_back)
{
    mach_port_t dead = MACH_PORT_NULL;

    REQUIRE_KR(mach_port_allocate(SELF, MACH_PORT_RIGHT_DEAD_NAME, &dead), KERN_SUCCESS);
    EXPECT_KR(fail_one(dead, MACH_MSG_TYPE_COPY_SEND), MACH_SEND_INVALID_RIGHT);
    EXPECT_EQ(refs_of(dead, MACH_PORT_RIGHT_DEAD_NAME), 1);
    EXPECT_KR(fail_one(dead, MACH_MSG_TYPE_MOVE_SEND), MACH_SEND_INVALID_RIGHT);
    EXPECT_EQ(refs_of(dead, MACH_PORT_RIGHT_DEAD_NAME), 1);
    mach_port_mod_refs(SELF, dead, MACH_PORT_RIGHT_DEAD_NAME, 2);
    EXPECT_KR(fail_one(dead, MACH_MSG_TYPE_MOVE_SEND_ONCE), MACH_SEND_INVALID_RIGHT);
    EXPECT_EQ(refs_of(dead, MACH_PORT_RIGHT_DEAD_NAME), 3);
    mach_port_destroy(SELF, dead);
}

/* Several rights of one name, undone last first. */
TEST(all_of_a_name_comes_back)
{
    mach_port_t port = port_with_send();
    struct rights_message m = {.body.msgh_descriptor_count = 0};

    mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_SEND, 1);
    add_right(&m, port, MACH_MSG_TYPE_MOVE_SEND);
    add_right(&m, port, MACH_MSG_TYPE_MOVE_SEND);
    add_right(&m, port, MACH_MSG_TYPE_MOVE_RECEIVE);
    EXPECT_KR(fail_with(&m), MACH_SEND_INVALID_RIGHT);
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_SEND_RECEIVE);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_SEND), 2);
    mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_SEND, -2);
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_RECEIVE);
    EXPECT_TRUE(!has_senders(port));
    mach_port_destroy(SELF, port);
}

TEST_MAIN
