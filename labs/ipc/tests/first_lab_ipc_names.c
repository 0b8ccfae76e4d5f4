/* Lab ipc, exercises 1 to 3: the name table, its memory, and rights under chosen names. */
#include "lab_ipc.h"

TEST_LIMIT(1);

/* ---- 1: chosen names, and walking over all ---- */

TEST(a_name_can_be_chosen)
{
    mach_port_t name = MACH_PORT_MAKE(0x12345, 7);

    REQUIRE_KR(mach_port_allocate_name(SELF, MACH_PORT_RIGHT_RECEIVE, name), KERN_SUCCESS);
    EXPECT_EQ(type_of(name), MACH_PORT_TYPE_RECEIVE);
    EXPECT_EQ(type_of(MACH_PORT_MAKE(0x12345, 6)), MACH_PORT_TYPE_NONE);
    EXPECT_EQ(type_of(MACH_PORT_MAKE(0x12344, 7)), MACH_PORT_TYPE_NONE);
    EXPECT_KR(mach_port_destroy(SELF, name), KERN_SUCCESS);
    EXPECT_EQ(type_of(name), MACH_PORT_TYPE_NONE);
    REQUIRE_KR(mach_port_allocate_name(SELF, MACH_PORT_RIGHT_RECEIVE, name), KERN_SUCCESS);
    EXPECT_KR(mach_port_destroy(SELF, name), KERN_SUCCESS);
}

TEST(a_name_that_cannot_be_had_is_an_error)
{
    mach_port_t name = MACH_PORT_MAKE(0x2345, 9), high = MACH_PORT_MAKE(0xfffffe, 1);

    REQUIRE_KR(mach_port_allocate_name(SELF, MACH_PORT_RIGHT_RECEIVE, name), KERN_SUCCESS);
    EXPECT_KR(mach_port_allocate_name(SELF, MACH_PORT_RIGHT_RECEIVE, name), KERN_NAME_EXISTS);
    EXPECT_KR(mach_port_allocate_name(SELF, MACH_PORT_RIGHT_RECEIVE, MACH_PORT_MAKE(0x2345, 8)),
              KERN_NO_SPACE);
    EXPECT_EQ(type_of(name), MACH_PORT_TYPE_RECEIVE);
    EXPECT_KR(mach_port_allocate_name(SELF, MACH_PORT_RIGHT_RECEIVE, MACH_PORT_NULL),
              KERN_INVALID_VALUE);
    EXPECT_KR(mach_port_allocate_name(SELF, MACH_PORT_RIGHT_RECEIVE, MACH_PORT_DEAD),
              KERN_INVALID_VALUE);
    EXPECT_KR(mach_port_allocate_name(SELF, MACH_PORT_RIGHT_RECEIVE, MACH_PORT_MAKE(0xffffff, 3)),
              KERN_INVALID_VALUE);
    EXPECT_KR(mach_port_allocate_name(SELF, MACH_PORT_RIGHT_RECEIVE, high), KERN_SUCCESS);
    EXPECT_EQ(type_of(high), MACH_PORT_TYPE_RECEIVE);
    mach_port_destroy(SELF, high);
    mach_port_destroy(SELF, name);
}

/* The entry chosen was free, and in the list of free ones: now it must not be. */
TEST(a_chosen_name_is_not_given_out_again)
{
    mach_port_t ports[200], first = new_port(), chosen;

    mach_port_destroy(SELF, first); /* the next to be given out, with another generation */
    chosen = MACH_PORT_MAKE(MACH_PORT_INDEX(first), 0xa5);
    REQUIRE_KR(mach_port_allocate_name(SELF, MACH_PORT_RIGHT_DEAD_NAME, chosen), KERN_SUCCESS);
    for (int i = 0; i < 200; i++)
        ports[i] = new_port();
    EXPECT_EQ(type_of(chosen), MACH_PORT_TYPE_DEAD_NAME);
    for (int i = 0; i < 200; i++) {
        EXPECT_TRUE(MACH_PORT_INDEX(ports[i]) != MACH_PORT_INDEX(chosen));
        EXPECT_EQ(type_of(ports[i]), MACH_PORT_TYPE_RECEIVE);
        mach_port_destroy(SELF, ports[i]);
    }
    mach_port_destroy(SELF, chosen);
}

/* Names far apart, near the ends of leaves and of upper slots. */
static const uint32_t sparse[] = {100,    127,    128,     255,     0xffff,   0x10000,
                                  0x1000, 0x1007f, 0x7fffff, 0x800000, 0xfffffd, 0xfffffe};
#define SPARSE (sizeof(sparse) / sizeof(sparse[0]))

TEST(every_name_is_listed_once)
{
    mach_port_name_array_t names;
    mach_port_type_array_t types;
    mach_msg_type_number_t count, type_count, before;

    REQUIRE_KR(mach_port_names(SELF, &names, &before, &types, &type_count), KERN_SUCCESS);
    for (unsigned i = 0; i < SPARSE; i++)
        REQUIRE_KR(mach_port_allocate_name(SELF, MACH_PORT_RIGHT_DEAD_NAME,
                                           MACH_PORT_MAKE(sparse[i], 0x42)), KERN_SUCCESS);
    REQUIRE_KR(mach_port_names(SELF, &names, &count, &types, &type_count), KERN_SUCCESS);
    EXPECT_EQ(count, before + SPARSE);
    for (unsigned i = 0; i < SPARSE; i++) {
        int found = 0;

        for (unsigned k = 0; k < count; k++)
            found += names[k] == MACH_PORT_MAKE(sparse[i], 0x42)
                     && types[k] == MACH_PORT_TYPE_DEAD_NAME;
        EXPECT_EQ(found, 1);
        mach_port_destroy(SELF, MACH_PORT_MAKE(sparse[i], 0x42));
    }
}

TEST(a_dying_task_gives_up_every_name)
{
    uint32_t before = ports_now();
    task_t child;

    REQUIRE_KR(task_create(SELF, FALSE, &child), KERN_SUCCESS);
    for (unsigned i = 0; i < SPARSE; i++)
        EXPECT_KR(mach_port_allocate_name(child, MACH_PORT_RIGHT_RECEIVE,
                                          MACH_PORT_MAKE(sparse[i], 1)), KERN_SUCCESS);
    REQUIRE_KR(task_terminate(child), KERN_SUCCESS);
    mach_port_deallocate(SELF, child);
    EXPECT_EQ(ports_now(), before);
}

/* ---- 2: memory ---- */

#define MANY 6000
static mach_port_t many[MANY], again[MANY];

static void fill(mach_port_t *names, int n)
{
    for (int i = 0; i < n; i++)
        names[i] = new_port();
}

static void empty(mach_port_t *names, int n)
{
    for (int i = 0; i < n; i++)
        mach_port_destroy(SELF, names[i]);
}

/* What zones have handed out is as before, but for two leaves. */
TEST(empty_leaves_are_given_back)
{
    struct host_counters before, full, after;

    counters(&before);
    fill(many, MANY);
    counters(&full);
    empty(many, MANY);
    counters(&after);
    EXPECT_TRUE(full.zone_bytes_used > before.zone_bytes_used + MANY / 128 * 4096);
    EXPECT_TRUE(after.zone_bytes_used <= before.zone_bytes_used + 2 * 4096);
}

TEST(names_stay_stale_when_their_leaf_is_made_anew)
{
    for (int round = 0; round < 3; round++) {
        fill(many, 1000);
        empty(many, 1000);
        fill(again, 1000);
        for (int i = 0; i < 1000; i++)
            EXPECT_EQ(type_of(many[i]), MACH_PORT_TYPE_NONE);
        empty(again, 1000);
    }
}

TEST(a_leaf_with_a_name_in_use_stays)
{
    fill(many, MANY);
    for (int i = 0; i < MANY; i++)
        if (i % 300 != 7)
            mach_port_destroy(SELF, many[i]);
    fill(again, 500);
    for (int i = 7; i < MANY; i += 300)
        EXPECT_EQ(type_of(many[i]), MACH_PORT_TYPE_RECEIVE);
    for (int i = 7; i < MANY; i += 300)
        EXPECT_KR(mach_port_destroy(SELF, many[i]), KERN_SUCCESS);
    for (int i = 0; i < 500; i++)
        EXPECT_EQ(type_of(again[i]), MACH_PORT_TYPE_RECEIVE);
    empty(again, 500);
}

/* The table keeps room: a name made and freed in turn does not make and free a leaf each time. */
TEST(a_little_room_is_kept)
{
    uint32_t begin, least = ~0U;

    fill(many, 1000);
    empty(many, 1000);
    fill(many, 90);
    for (int i = 0; i < 90; i++) {
        mach_port_t port;

        again[i] = new_port();
        begin = instructions();
        port = new_port();
        mach_port_destroy(SELF, port);
        least = instructions() - begin;
        EXPECT_TRUE(least < 20000); /* a leaf made anew would be cleared, and listed */
    }
    empty(again, 90);
    empty(many, 90);
}

static mach_port_t theirs[MANY];

/* Send rights alone are found by their port. Many of them, of a task made for this. */
static task_t fill_sends(int n)
{
    task_t child = MACH_PORT_NULL;

    task_create(SELF, FALSE, &child);
    for (int i = 0; i < n; i++) {
        mach_port_allocate(child, MACH_PORT_RIGHT_RECEIVE, &theirs[i]);
        many[i] = send_right_of(child, theirs[i]);
    }
    return child;
}

TEST(rights_are_found_after_the_hash_has_grown)
{
    task_t child = fill_sends(2000);

    for (int i = 0; i < 2000; i++) {
        EXPECT_EQ(send_right_of(child, theirs[i]), many[i]);
        EXPECT_EQ(refs_of(many[i], MACH_PORT_RIGHT_SEND), 2);
    }
    for (int i = 0; i < 2000; i++)
        EXPECT_KR(mach_port_mod_refs(SELF, many[i], MACH_PORT_RIGHT_SEND, -2), KERN_SUCCESS);
    task_terminate(child);
    mach_port_deallocate(SELF, child);
}

TEST(finding_a_right_costs_the_same_among_many)
{
    uint32_t begin, few, lots = 0;
    task_t child = fill_sends(20);

    begin = instructions();
    for (int i = 0; i < 20; i++)
        send_right_of(child, theirs[i]);
    few = instructions() - begin;
    task_terminate(child);
    mach_port_deallocate(SELF, child);

    child = fill_sends(4000);
    begin = instructions();
    for (int i = 0; i < 4000; i += 200)
        send_right_of(child, theirs[i]);
    lots = instructions() - begin;
    EXPECT_TRUE(lots < few + few / 4);
    task_terminate(child);
    mach_port_deallocate(SELF, child);
}

/* ---- 3: rights under chosen names, renaming, and half of two rights given up ---- */

TEST(a_right_is_put_under_a_name)
{
    mach_port_t port = new_port(), other = port_with_send(), name = MACH_PORT_MAKE(40, 0x55);
    mach_port_type_t type = 0;
    task_t child;

    EXPECT_KR(mach_port_insert_right(SELF, port, port, MACH_MSG_TYPE_MAKE_SEND), KERN_SUCCESS);
    EXPECT_KR(mach_port_insert_right(SELF, port, port, MACH_MSG_TYPE_MAKE_SEND), KERN_SUCCESS);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_SEND), 2);
    EXPECT_KR(mach_port_insert_right(SELF, other, port, MACH_MSG_TYPE_MAKE_SEND),
              KERN_RIGHT_EXISTS);
    REQUIRE_KR(task_create(SELF, FALSE, &child), KERN_SUCCESS);
    EXPECT_KR(mach_port_insert_right(child, name, port, MACH_MSG_TYPE_COPY_SEND), KERN_SUCCESS);
    EXPECT_KR(mach_port_type(child, name, &type), KERN_SUCCESS);
    EXPECT_EQ(type, MACH_PORT_TYPE_SEND);
    EXPECT_KR(mach_port_insert_right(child, name, other, MACH_MSG_TYPE_COPY_SEND), KERN_NAME_EXISTS);
    EXPECT_KR(mach_port_insert_right(child, MACH_PORT_MAKE(41, 1), port, MACH_MSG_TYPE_COPY_SEND),
              KERN_RIGHT_EXISTS);
    EXPECT_KR(mach_port_insert_right(child, MACH_PORT_MAKE(42, 1), port,
                                     MACH_MSG_TYPE_MAKE_SEND_ONCE), KERN_SUCCESS);
    task_terminate(child);
    mach_port_deallocate(SELF, child);
    mach_port_destroy(SELF, port);
    mach_port_destroy(SELF, other);
}

TEST(the_users_references_stop_at_the_most)
{
    mach_port_t port = port_with_send();

    REQUIRE_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_SEND, MACH_PORT_UREFS_MAX - 1),
               KERN_SUCCESS);
    EXPECT_KR(mach_port_insert_right(SELF, port, port, MACH_MSG_TYPE_MAKE_SEND),
              KERN_UREFS_OVERFLOW);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_SEND), MACH_PORT_UREFS_MAX);
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_SEND_RECEIVE);
    mach_port_destroy(SELF, port);
}

TEST(a_receive_right_is_renamed)
{
    mach_port_t port = port_with_send(), name = MACH_PORT_MAKE(0x4321, 3), other = new_port();
    mach_port_t send = MACH_PORT_NULL;
    mach_msg_type_name_t type;

    EXPECT_KR(mach_port_rename(SELF, port, other), KERN_NAME_EXISTS);
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_SEND_RECEIVE);
    REQUIRE_KR(mach_port_rename(SELF, port, name), KERN_SUCCESS);
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_NONE);
    EXPECT_EQ(type_of(name), MACH_PORT_TYPE_SEND_RECEIVE);
    EXPECT_EQ(refs_of(name, MACH_PORT_RIGHT_SEND), 1);
    EXPECT_KR(mach_port_extract_right(SELF, name, MACH_MSG_TYPE_MAKE_SEND, &send, &type),
              KERN_SUCCESS);
    EXPECT_EQ(send, name); /* found by the port's receiver_name */
    mach_port_destroy(SELF, name);
    mach_port_destroy(SELF, other);
}

TEST(a_send_right_is_renamed)
{
    mach_port_t theirs_1 = MACH_PORT_NULL, send, name = MACH_PORT_MAKE(0x4322, 5);
    task_t child;

    REQUIRE_KR(task_create(SELF, FALSE, &child), KERN_SUCCESS);
    mach_port_allocate(child, MACH_PORT_RIGHT_RECEIVE, &theirs_1);
    send = send_right_of(child, theirs_1);
    send_right_of(child, theirs_1);
    REQUIRE_KR(mach_port_rename(SELF, send, name), KERN_SUCCESS);
    EXPECT_EQ(type_of(send), MACH_PORT_TYPE_NONE);
    EXPECT_EQ(refs_of(name, MACH_PORT_RIGHT_SEND), 2);
    EXPECT_EQ(send_right_of(child, theirs_1), name); /* found by the hash */
    EXPECT_EQ(refs_of(name, MACH_PORT_RIGHT_SEND), 3);
    task_terminate(child);
    EXPECT_EQ(type_of(name), MACH_PORT_TYPE_DEAD_NAME);
    mach_port_destroy(SELF, name);
    mach_port_deallocate(SELF, child);
}

TEST(the_receive_right_goes_and_the_send_right_stays)
{
    mach_port_t port = port_with_send();
    uint32_t before = ports_now();

    REQUIRE_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_SEND, 4), KERN_SUCCESS);
    REQUIRE_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_RECEIVE, -1), KERN_SUCCESS);
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_DEAD_NAME);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_DEAD_NAME), 5);
    EXPECT_EQ(ports_now(), before - 1);
    mach_port_destroy(SELF, port);
}

TEST(the_send_right_goes_and_the_receive_right_stays)
{
    mach_port_t port = port_with_send();
    mach_port_status_t status;

    REQUIRE_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_SEND, 2), KERN_SUCCESS);
    REQUIRE_KR(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_SEND, -3), KERN_SUCCESS);
    EXPECT_EQ(type_of(port), MACH_PORT_TYPE_RECEIVE);
    EXPECT_EQ(refs_of(port, MACH_PORT_RIGHT_SEND), 0);
    status = status_of(port);
    EXPECT_EQ(status.mps_srights, FALSE);
    EXPECT_EQ(status.mps_mscount, 1);
    mach_port_destroy(SELF, port);
}

TEST_MAIN
