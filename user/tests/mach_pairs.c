/*
 * Clients and servers in pairs that have nothing to do with each other: how many round trips one pair
 * makes, and how many two make, in the same time. grade/test_smp.py runs it on two CPUs and compares.
 * Read mach_child.h before.
 */
#include "mach_child.h"

#include <stdlib.h>

#define ROUNDS    5  /* with pairs.ms=, else one */
#define TIME_MS   5  /* for each measurement; boot argument pairs.ms= for longer ones */
#define SLICE_MS  20 /* one pair and two take turns: who else uses the host's CPUs slows both alike */
#define SETTLE_MS 4  /* until the pairs are spread over the CPUs */
#define PAIRS     2
#define TICKS     1000000

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

/* A pair that has made no round trip since `before`, if there is one. */
static boolean_t one_stands(unsigned count, const uint64_t before[])
{
    for (unsigned i = 0; i < count; i++)
        if (tallies[i].trips == before[i])
            return TRUE;
    return FALSE;
}

/*
 * The round trips that `count` pairs make together in TICKS of the system counter, measured over
 * slice_ms, or until each has made one and this thread runs again.
 */
static uint64_t measure(unsigned count, int slice_ms)
{
    uint64_t before[PAIRS], begin, ticks, sum = 0;

    for (unsigned i = 0; i < count; i++) {
        before[i] = tallies[i].trips;
        ports[i] = new_port();
        if (child_make(&servers[i]) != KERN_SUCCESS || child_make(&clients[i]) != KERN_SUCCESS
            || child_give(&clients[i], ports[i]) != KERN_SUCCESS
            || mach_port_insert_right(servers[i].task, ports[i], ports[i], MACH_MSG_TYPE_MOVE_RECEIVE)
                   != KERN_SUCCESS)
            FAIL("no memory for pair %u", i);
        child_run(&servers[i], serve, i);
        child_run(&clients[i], call, i);
    }
    do
        sleep_ms(SETTLE_MS);
    while (one_stands(count, before));
    begin = test_ticks();
    for (unsigned i = 0; i < count; i++)
        before[i] = tallies[i].trips;
    do
        sleep_ms(slice_ms);
    while (one_stands(count, before));
    ticks = test_ticks() - begin;
    for (unsigned i = 0; i < count; i++)
        sum += tallies[i].trips - before[i];
    for (unsigned i = 0; i < count; i++) {
        child_end(&clients[i]);
        child_end(&servers[i]);
    }
    return sum * TICKS / ticks;
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
        uint64_t one = 0, two = 0;

        for (int done = 0; done < time_ms; done += SLICE_MS) {
            int slice_ms = time_ms < SLICE_MS ? time_ms : SLICE_MS;

            one += measure(1, slice_ms);
            two += measure(2, slice_ms);
        }
        EXPECT_TRUE(one > 0 && two > 0);
        test_report("# pairs %lu %lu", one, two);
    }
    REQUIRE_KR(vm_deallocate(SELF, region, PAIRS * sizeof(*tallies)), KERN_SUCCESS);
}

TEST_MAIN
