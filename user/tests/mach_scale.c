/*
 * Large numbers: port sets of 10,000 members, names all over the index range, names used again and again.
 * What grows with the number is the whole, never the single step; time is guest time, so with -icount these
 * limits are exact.
 */
#define ZONE_SLACK (128 * 1024) /* a name table keeps a part of the leaves it once needed */
#include "mach_child.h"

#define MEMBERS 10000

static mach_port_t members[MEMBERS];

static void note_least(uint64_t *least, uint64_t begun)
{
    uint64_t took = counter() - begun;

    *least = took < *least ? took : *least;
}

/* Makes n ports that are in the set: the time it took. */
static uint64_t fill(mach_port_t set, uint32_t n)
{
    uint64_t begun = counter();

    for (uint32_t i = 0; i < n; i++) {
        members[i] = new_port();
        if (mach_port_insert_member(SELF, members[i], set) != KERN_SUCCESS)
            return 0;
    }
    return counter() - begun;
}

static uint64_t destroy_members(uint32_t n)
{
    uint64_t begun = counter();

    for (uint32_t i = 0; i < n; i++)
        mach_port_destroy(SELF, members[i]);
    return counter() - begun;
}

/* Ten times as many take ten times as long, not a hundred times. */
#define EXPECT_LINEAR(of_1000, of_10000) EXPECT_SHORTER(of_10000, 50 * (of_1000))

TEST(inserting_into_a_large_set_costs_the_same_each)
{
    uint64_t small, large, small_end, large_end;
    mach_port_t set;

    REQUIRE_KR(mach_port_allocate(SELF, MACH_PORT_RIGHT_PORT_SET, &set), KERN_SUCCESS);
    small = fill(set, 1000);
    small_end = destroy_members(1000);
    large = fill(set, MEMBERS);
    large_end = destroy_members(MEMBERS);
    EXPECT_TRUE(small != 0 && large != 0);
    EXPECT_LINEAR(small, large);
    EXPECT_LINEAR(small_end, large_end);
    mach_port_destroy(SELF, set);
}

TEST(a_large_set_is_told_and_destroyed_in_proportion)
{
    uint64_t told[2] = {~0UL, ~0UL}, destroyed[2] = {~0UL, ~0UL};

    for (int round = 0; round < 6; round++) { /* the shortest of three times */
        uint32_t n = round % 2 == 0 ? 1000 : MEMBERS;
        mach_msg_type_number_t count;
        mach_port_t set, *names;
        uint64_t begun;

        REQUIRE_KR(mach_port_allocate(SELF, MACH_PORT_RIGHT_PORT_SET, &set), KERN_SUCCESS);
        REQUIRE_TRUE(fill(set, n) != 0);
        begun = counter();
        REQUIRE_KR(mach_port_get_set_status(SELF, set, &names, &count), KERN_SUCCESS);
        note_least(&told[round % 2], begun);
        EXPECT_EQ(count, n);
        vm_deallocate(SELF, (vm_address_t)names, count * sizeof(*names));
        begun = counter();
        EXPECT_KR(mach_port_destroy(SELF, set), KERN_SUCCESS);
        note_least(&destroyed[round % 2], begun);
        for (uint32_t i = 0; i < n; i += n / 10) { /* the members are in no set now, and well */
            mach_port_status_t status;

            EXPECT_KR(mach_port_get_receive_status(SELF, members[i], &status), KERN_SUCCESS);
            EXPECT_EQ(status.mps_pset, MACH_PORT_NULL);
        }
        destroy_members(n);
    }
    EXPECT_LINEAR(told[0], told[1]);
    EXPECT_LINEAR(destroyed[0], destroyed[1]);
}

/* Receives one message at a time from the set: the shortest time it took. */
static uint64_t receive_all(mach_port_t set, uint32_t n, uint32_t step)
{
    uint64_t least = ~0UL;
    struct small m;

    for (uint32_t i = 0; i < n; i += step) { /* in turn, each once */
        uint64_t begun = counter();

        EXPECT_KR(receive_word(set, &m, 0), MACH_MSG_SUCCESS);
        note_least(&least, begun);
        EXPECT_EQ(m.header.msgh_local_port, members[i]);
    }
    EXPECT_KR(receive_word(set, &m, 0), MACH_RCV_TIMED_OUT);
    return least;
}

TEST(receiving_from_a_large_set_does_not_look_at_all_members)
{
    mach_port_t set;
    uint64_t least[2];

    for (int round = 0; round < 2; round++) {
        uint32_t n = round == 0 ? 100 : MEMBERS, step = n / 100;

        REQUIRE_KR(mach_port_allocate(SELF, MACH_PORT_RIGHT_PORT_SET, &set), KERN_SUCCESS);
        REQUIRE_TRUE(fill(set, n) != 0);
        for (uint32_t i = 0; i < n; i += step)
            send_word(members[i], MACH_MSG_TYPE_MAKE_SEND, 1, 0, 0);
        least[round] = receive_all(set, n, step);
        destroy_members(n);
        mach_port_destroy(SELF, set);
    }
    EXPECT_SHORTER(least[1], 5 * least[0]);
}

/* The shortest of some. */
static uint64_t time_of_status(mach_port_t port)
{
    mach_port_status_t status;
    uint64_t least = ~0UL;

    for (int i = 0; i < 20; i++) {
        uint64_t begun = counter();

        mach_port_get_receive_status(SELF, port, &status);
        note_least(&least, begun);
    }
    return least;
}

TEST(a_ports_set_is_found_without_a_search)
{
    mach_port_status_t status;
    uint64_t alone, among;
    mach_port_t set, port = new_port();

    REQUIRE_KR(mach_port_allocate(SELF, MACH_PORT_RIGHT_PORT_SET, &set), KERN_SUCCESS);
    REQUIRE_KR(mach_port_insert_member(SELF, port, set), KERN_SUCCESS);
    alone = time_of_status(port);
    for (int i = 0; i < MEMBERS; i++)
        members[i] = new_port();
    REQUIRE_KR(mach_port_rename(SELF, set, MACH_PORT_MAKE(0xfffffe, 3)), KERN_SUCCESS);
    among = time_of_status(port);
    EXPECT_KR(mach_port_get_receive_status(SELF, port, &status), KERN_SUCCESS);
    EXPECT_EQ(status.mps_pset, MACH_PORT_MAKE(0xfffffe, 3));
    EXPECT_TRUE(among < 5 * alone);
    destroy_members(MEMBERS);
    mach_port_destroy(SELF, MACH_PORT_MAKE(0xfffffe, 3));
    mach_port_destroy(SELF, port);
}

/* ---- names ---- */

TEST(names_can_be_chosen_over_the_whole_index_range)
{
    uint32_t indexes[64], n = 0;

    for (uint32_t bit = 0; bit < 24; bit++) {
        indexes[n++] = (1U << bit) + 7000 % (bit + 1);
        indexes[n++] = 0xfffffe - (1U << bit) / 2;
    }
    for (uint32_t i = 0; i < n; i++) {
        mach_port_t name = MACH_PORT_MAKE(indexes[i], 200);
        kern_return_t kr = mach_port_allocate_name(SELF, MACH_PORT_RIGHT_DEAD_NAME, name);

        if (kr != KERN_SUCCESS) { /* (two of the list, or something in use) */
            EXPECT_TRUE(kr == KERN_NAME_EXISTS || kr == KERN_NO_SPACE);
            indexes[i] = 0;
            continue;
        }
        EXPECT_EQ(type_of(name), MACH_PORT_TYPE_DEAD_NAME);
        EXPECT_EQ(type_of(name ^ 1), MACH_PORT_TYPE_NONE); /* another generation */
    }
    for (uint32_t i = 0; i < n; i++)
        if (indexes[i] != 0)
            EXPECT_KR(mach_port_deallocate(SELF, MACH_PORT_MAKE(indexes[i], 200)), KERN_SUCCESS);
}

TEST(a_right_is_renamed_to_any_index)
{
    mach_port_t port = new_port_send();

    for (uint32_t bit = 10; bit < 24; bit++) {
        mach_port_t name = MACH_PORT_MAKE((1U << bit) + 5, bit);

        EXPECT_KR(mach_port_rename(SELF, port, name), KERN_SUCCESS);
        EXPECT_EQ(type_of(port), MACH_PORT_TYPE_NONE);
        EXPECT_EQ(type_of(name), MACH_PORT_TYPE_SEND_RECEIVE);
        port = name;
    }
    mach_port_destroy(SELF, port);
}

TEST(generations_wrap_and_names_stay_apart)
{
    mach_port_t last = MACH_PORT_NULL;

    for (int i = 0; i < 1000; i++) { /* 256 generations, four times around */
        mach_port_t port = new_port();

        REQUIRE_TRUE(port != MACH_PORT_NULL && port != MACH_PORT_DEAD && port != last);
        EXPECT_EQ(type_of(last), MACH_PORT_TYPE_NONE);
        EXPECT_KR(mach_port_destroy(SELF, port), KERN_SUCCESS);
        last = port;
    }
}

/* Undoing is in the order of the rights, not of their square. */
TEST(a_large_message_that_fails_is_undone_quickly)
{
    struct {
        mach_msg_header_t header;
        mach_msg_body_t body;
        mach_msg_ool_ports_descriptor_t ports;
    } m;
    mach_port_t to = new_port_send(), notify = new_port(), previous, bad = MACH_PORT_MAKE(0x7abcde, 9);
    uint64_t took[2] = {~0UL, ~0UL};

    for (int round = 0; round < 6; round++) {
        uint32_t n = round % 2 == 0 ? 500 : 5000;
        uint64_t begun;

        for (uint32_t i = 0; i < n; i++) { /* send-once rights, with requests for their ports' deaths */
            mach_msg_type_name_t type;

            EXPECT_KR(mach_port_extract_right(SELF, to, MACH_MSG_TYPE_MAKE_SEND_ONCE, &members[i], &type),
                      KERN_SUCCESS);
            EXPECT_KR(mach_port_request_notification(SELF, members[i], MACH_NOTIFY_DEAD_NAME, 0, notify,
                                                     MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous),
                      KERN_SUCCESS);
        }
        members[n] = bad;
        memset(&m, 0, sizeof m);
        m.header.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0) | MACH_MSGH_BITS_COMPLEX;
        m.header.msgh_remote_port = to;
        m.body.msgh_descriptor_count = 1;
        m.ports.address = (uint64_t)members;
        m.ports.count = n + 1;
        m.ports.disposition = MACH_MSG_TYPE_MOVE_SEND_ONCE;
        m.ports.type = MACH_MSG_OOL_PORTS_DESCRIPTOR;
        begun = counter();
        EXPECT_KR(mach_msg(&m.header, MACH_SEND_MSG, sizeof m, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL),
                  MACH_SEND_INVALID_RIGHT);
        note_least(&took[round % 2], begun);
        for (uint32_t i = 0; i < n; i++) { /* all as before, the requests too */
            EXPECT_EQ(type_of(members[i]), MACH_PORT_TYPE_SEND_ONCE | MACH_PORT_TYPE_DNREQUEST);
            mach_port_deallocate(SELF, members[i]);
        }
    }
    EXPECT_LINEAR(took[0], took[1]);
    mach_port_destroy(SELF, to);
    mach_port_destroy(SELF, notify);
}

TEST_MAIN
