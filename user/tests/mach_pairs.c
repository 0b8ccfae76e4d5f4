/*
 * Clients and servers in pairs that have nothing to do with each other: how many round trips one pair
 * makes, and how many two make, in the same time. grade/test_smp.py runs it on two CPUs and compares.
 * Read mach_child.h before.
 */
#include "mach_child.h"

#include <stdlib.h>

#define ROUNDS   5 /* with pairs.ms=, else one */
#define TIME_MS  5 /* for each measurement; boot argument pairs.ms= for longer ones */
#define PAIRS    2

struct message {
    mach_msg_header_t header;
    mach_msg_security_trailer_t trailer;
};

struct tally {
    volatile uint64_t trips;
    char pad[PAGE_SIZE - sizeof(uint64_t)]; /* no cache line is shared */
};
static struct tally *tallies; /* shared with the children */
static struct child servers[PAIRS], clients[PAIRS];
static mach_port_t ports[PAIRS];
static int time_ms = TIME_MS;

static void serve(uint64_t number)
{
    mach_msg_option_t option = MACH_RCV_MSG;
    struct message m;

    for (;;) {
        if (mach_msg(&m.header, option, sizeof(m.header), sizeof(m), ports[number], 0, 0)
            != MACH_MSG_SUCCESS)
            return;
        m.header.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0);
        m.header.msgh_local_port = MACH_PORT_NULL;
        option = MACH_SEND_MSG | MACH_RCV_MSG;
    }
}

static void call(uint64_t number)
{
    mach_port_t reply = mach_reply_port();
    struct message m;

    for (;;) {
        m.header = (mach_msg_header_t){
            .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
            .msgh_remote_port = ports[number], .msgh_local_port = reply};
        if (mach_msg(&m.header, MACH_SEND_MSG | MACH_RCV_MSG, sizeof(m.header), sizeof(m), reply, 0, 0)
            != MACH_MSG_SUCCESS)
            return;
        tallies[number].trips++;
    }
}

/* The round trips that `count` pairs make in time_ms, together; the least of any of them in *least. */
static uint64_t measure(unsigned count, uint64_t *least)
{
    uint64_t before[PAIRS], sum = 0;

    for (unsigned i = 0; i < count; i++) {
        ports[i] = new_port();
        if (child_make(&servers[i]) != KERN_SUCCESS || child_make(&clients[i]) != KERN_SUCCESS
            || child_give(&clients[i], ports[i]) != KERN_SUCCESS
            || mach_port_insert_right(servers[i].task, ports[i], ports[i], MACH_MSG_TYPE_MOVE_RECEIVE)
                   != KERN_SUCCESS)
            FAIL("no memory for pair %u", i);
        child_run(&servers[i], serve, i);
        child_run(&clients[i], call, i);
    }
    sleep_ms(4); /* until they are spread over the CPUs */
    for (unsigned i = 0; i < count; i++)
        before[i] = tallies[i].trips;
    sleep_ms(time_ms);
    *least = ~0UL;
    for (unsigned i = 0; i < count; i++) {
        uint64_t trips = tallies[i].trips - before[i];

        sum += trips;
        *least = trips < *least ? trips : *least;
    }
    for (unsigned i = 0; i < count; i++) {
        child_end(&clients[i]);
        child_end(&servers[i]);
    }
    return sum;
}

/* No pair stands still for another; what they reach is the report's, for the harness to judge. */
TEST(pairs_go_on_side_by_side)
{
    vm_address_t region = 0;
    int rounds = 1;
    char text[8];

    if (test_boot_arg("pairs.ms", text, sizeof text) > 0) {
        time_ms = atoi(text);
        rounds = ROUNDS;
    }
    REQUIRE_KR(vm_allocate(SELF, &region, PAIRS * sizeof(*tallies), TRUE), KERN_SUCCESS);
    REQUIRE_KR(vm_inherit(SELF, region, PAIRS * sizeof(*tallies), VM_INHERIT_SHARE), KERN_SUCCESS);
    tallies = (struct tally *)region;
    for (int round = 0; round < rounds; round++) {
        uint64_t least, one = measure(1, &least), two = measure(2, &least);

        EXPECT_TRUE(one > 0 && least > 0);
        test_report("# pairs %lu %lu", one, two);
    }
    REQUIRE_KR(vm_deallocate(SELF, region, PAIRS * sizeof(*tallies)), KERN_SUCCESS);
}

TEST_MAIN
