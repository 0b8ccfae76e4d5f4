/* Lab trap, exercise 5: the trace. Booted with trace=16 (test_trap.py), and once without. */
#include "mach_test.h"

TEST_LIMIT(1);

#include <mach/host_priv.h>
#include <mach/trace.h>
#include <stdlib.h>

static struct trace_record records[TRACE_READ_MAX + 1];

/* From number *next on; the number of records, or -1. */
static int trace_from(uint64_t *next)
{
    mach_msg_type_number_t size = sizeof(records);
    char data[1536];

    if (host_trace_read(test_host_priv(), 0, next, data, &size) != KERN_SUCCESS)
        return -1;
    if (size % sizeof(records[0]) != 0 || size > sizeof(data))
        return -1;
    memcpy(records, data, size);
    return size / sizeof(records[0]);
}

/* Everything there is; *next is behind it. */
static int trace_rest(uint64_t *next)
{
    int n = trace_from(next);

    return n;
}

static void send_to(mach_port_t port, int id)
{
    mach_msg_header_t m = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
                           .msgh_remote_port = port, .msgh_id = id};

    mach_msg(&m, MACH_SEND_MSG | MACH_SEND_TIMEOUT, sizeof(m), 0, MACH_PORT_NULL, 0, MACH_PORT_NULL);
}

static void receive_from(mach_port_t port)
{
    struct small m;

    receive_word(port, &m, 0);
}

static int find(int count, uint32_t kind, int value)
{
    for (int i = 0; i < count; i++)
        if (records[i].kind == kind && records[i].value == value)
            return i;
    return -1;
}

TEST(sends_and_receives_are_noted)
{
    mach_port_t a = new_port_send(), b = new_port_send();
    uint64_t next = ~0UL, from;
    int n, send_a, send_b, receive_a;

    REQUIRE_EQ(trace_rest(&next), 0); /* beyond the end: none, and *next is where to go on */
    from = next;
    REQUIRE_TRUE(from > 0 && from < 1UL << 32);
    send_to(a, 1001);
    send_to(b, 1002);
    receive_from(a);
    n = trace_from(&next);
    REQUIRE_TRUE(n >= 3);
    send_a = find(n, TRACE_SEND, 1001);
    send_b = find(n, TRACE_SEND, 1002);
    receive_a = find(n, TRACE_RECEIVE, 1001);
    REQUIRE_TRUE(send_a >= 0 && send_a < send_b && send_b < receive_a);
    EXPECT_EQ(find(n, TRACE_RECEIVE, 1002), -1);
    EXPECT_EQ(records[send_a].object, records[receive_a].object);
    EXPECT_TRUE(records[send_a].object != records[send_b].object);
    EXPECT_EQ(records[send_a].thread, records[receive_a].thread);
    for (int i = 1; i < n; i++)
        EXPECT_TRUE(records[i - 1].time <= records[i].time);
    EXPECT_TRUE(records[receive_a].time > records[send_a].time);
    EXPECT_TRUE(next >= from + n); /* none was missed but by reading itself */
    mach_port_destroy(SELF, a);
    mach_port_destroy(SELF, b);
}

TEST(reading_goes_on_where_it_stopped)
{
    mach_port_t port = new_port_send();
    uint64_t next = ~0UL, again;
    int n;

    trace_rest(&next);
    send_to(port, 2001);
    again = next;
    n = trace_from(&next);
    EXPECT_EQ(find(n, TRACE_SEND, 2001), n - 2); /* the newest is the reading's own request */
    EXPECT_EQ(records[n - 1].kind, TRACE_SEND);
    EXPECT_EQ(next, again + n);
    n = trace_from(&again); /* the same records again, and those of the reading */
    EXPECT_TRUE(find(n, TRACE_SEND, 2001) >= 0);
    n = trace_from(&next);
    EXPECT_EQ(find(n, TRACE_SEND, 2001), -1);
    mach_port_destroy(SELF, port);
}

/* 16 records in the ring; the one the writer may be over is left out: 15, the newest. */
TEST(the_oldest_are_overwritten)
{
    mach_port_t port = new_port_send();
    uint64_t next = 0, before;
    int n, last;

    for (int i = 0; i < 40; i++) {
        send_to(port, 3000 + i);
        receive_from(port);
    }
    before = next;
    n = trace_from(&next);
    EXPECT_EQ(n, 15);
    EXPECT_TRUE(next > before + 80);
    last = find(n, TRACE_RECEIVE, 3039);
    REQUIRE_TRUE(last > 0);
    for (int i = 1; i < 10 && last - i >= 0; i++) { /* sends and receives take turns */
        EXPECT_EQ(records[last - i].value, 3039 - i / 2);
        EXPECT_EQ(records[last - i].kind, i % 2 ? TRACE_SEND : TRACE_RECEIVE);
    }
    for (int i = 0; i < n; i++)
        EXPECT_TRUE(records[i].kind >= TRACE_SEND && records[i].kind <= TRACE_SWITCH);
    mach_port_destroy(SELF, port);
}

TEST(switches_are_noted)
{
    uint64_t next = ~0UL;
    int n, switched;

    trace_rest(&next);
    thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, 5);
    n = trace_from(&next);
    switched = find(n, TRACE_SWITCH, 0);
    REQUIRE_TRUE(switched >= 0);
    EXPECT_TRUE(records[switched].object != records[switched].thread);
}

TEST(room_is_kept_to)
{
    mach_msg_type_number_t size = 3 * sizeof(records[0]) + 5;
    uint64_t next = 0;
    char data[1536];

    EXPECT_KR(host_trace_read(test_host_priv(), 99, &next, data, &size), KERN_INVALID_ARGUMENT);
    EXPECT_KR(host_trace_read(SELF, 0, &next, data, &size), KERN_INVALID_HOST);
}

TEST_MAIN
