/*
 * Mach by example, 17: the clock. Time since boot, sleeping, and alarms, which are messages. Read
 * mach/clock.defs and mach/traps.h beside it.
 */
#include "mach_rights.h"
#include "mach_worker.h"

#include <mach/clock.h>
#include <mach/clock_reply.h>
#include <mach/host_priv.h>
#include <mach/mapped_time.h>
#include <mach/vm_map.h>

static host_t host;
static clock_serv_t clock_port;

static boolean_t open_clock(void)
{
    host = mach_host_self();
    return host_get_clock_service(host, SYSTEM_CLOCK, &clock_port) == KERN_SUCCESS;
}

static void close_clock(void)
{
    mach_port_deallocate(SELF, clock_port);
    mach_port_deallocate(SELF, host);
}

static uint64_t now_ns(void)
{
    time_value64_t now = {0, 0};

    clock_get_time(clock_port, &now);
    return now.seconds * 1000000000UL + now.nanoseconds;
}

/* There is a system clock, and no others. [OSF host_get_clock_service] */
TEST(there_is_one_clock)
{
    clock_serv_t other;

    REQUIRE_TRUE(open_clock());
    EXPECT_EQ(type_of(clock_port), MACH_PORT_TYPE_SEND);
    EXPECT_TRUE(host_get_clock_service(host, 999, &other) != KERN_SUCCESS);
    EXPECT_TRUE(host_get_clock_service(host, -1, &other) != KERN_SUCCESS);
    close_clock();
}

/* Time never goes back, and its resolution is told. [OSF clock_get_time] */
TEST(time_goes_forward)
{
    mach_msg_type_number_t count = 1;
    natural_t resolution = 0;
    uint64_t before, after;

    REQUIRE_TRUE(open_clock());
    for (int flavor = CLOCK_GET_TIME_RES; flavor <= CLOCK_ALARM_MAXRES; flavor++) {
        EXPECT_KR(clock_get_attributes(clock_port, flavor, &resolution, &count),
                  flavor == CLOCK_GET_TIME_RES + 1 ? KERN_INVALID_VALUE : KERN_SUCCESS);
        EXPECT_TRUE(resolution > 0 && resolution < 1000000);
    }
    count = 0;
    EXPECT_KR(clock_get_attributes(clock_port, CLOCK_GET_TIME_RES, &resolution, &count),
              KERN_INVALID_ARGUMENT);
    before = now_ns();
    for (int i = 0; i < 1000; i++) {
        after = now_ns();
        EXPECT_TRUE(after >= before);
        before = after;
    }
    sleep_ms(20);
    EXPECT_TRUE(now_ns() - before >= 20000000);
    close_clock();
}

/* The counter that programs can read and the clock agree, by the fraction that is told.
 * [XNU mach_timebase_info] */
TEST(the_counter_is_the_clock)
{
    mach_timebase_info_data_t base = {0, 0};
    uint64_t ticks, clock_before, clock_after, ns;

    REQUIRE_TRUE(open_clock());
    EXPECT_KR(mach_timebase_info(&base), KERN_SUCCESS);
    REQUIRE_TRUE(base.numer != 0 && base.denom != 0);
    clock_before = now_ns();
    ticks = counter();
    clock_after = now_ns();
    ns = ticks * base.numer / base.denom;
    EXPECT_TRUE(ns + 1000 >= clock_before && ns <= clock_after + 1000);
    EXPECT_KR(mach_timebase_info((void *)8), KERN_INVALID_ADDRESS);
    close_clock();
}

/* A sleep for a time lasts at least so long, and tells when it ended. [OSF clock_sleep] */
TEST(a_relative_sleep_lasts_long_enough)
{
    time_value64_t wakeup = {0, 0};
    uint64_t before;

    REQUIRE_TRUE(open_clock());
    before = now_ns();
    EXPECT_KR(clock_sleep_trap(TIME_RELATIVE, 0, 15000000, &wakeup), KERN_SUCCESS);
    EXPECT_TRUE(now_ns() - before >= 15000000);
    EXPECT_TRUE(wakeup.seconds * 1000000000UL + wakeup.nanoseconds - before >= 15000000);
    close_clock();
}

/* A sleep until a time does not end before; if it is past, at once. [OSF clock_sleep] */
TEST(an_absolute_sleep_ends_at_its_time)
{
    uint64_t deadline;

    REQUIRE_TRUE(open_clock());
    deadline = now_ns() + 15000000;
    EXPECT_KR(clock_sleep_trap(TIME_ABSOLUTE, deadline / 1000000000, deadline % 1000000000, NULL),
              KERN_SUCCESS);
    EXPECT_TRUE(now_ns() >= deadline);
    EXPECT_KR(clock_sleep_trap(TIME_ABSOLUTE, 0, 1, NULL), KERN_SUCCESS);
    EXPECT_KR(clock_sleep_trap(TIME_ABSOLUTE, 0, 0, NULL), KERN_SUCCESS);
    close_clock();
}

/* A type or time that is none is KERN_INVALID_VALUE, a wake-up time that cannot be written
 * KERN_INVALID_ADDRESS. [OSF clock_sleep] */
TEST(a_sleep_wants_a_time)
{
    EXPECT_KR(clock_sleep_trap(7, 0, 1, NULL), KERN_INVALID_VALUE);
    EXPECT_KR(clock_sleep_trap(TIME_RELATIVE, 0, 1000000000, NULL), KERN_INVALID_VALUE);
    EXPECT_KR(clock_sleep_trap(TIME_RELATIVE, ~0UL, 0, NULL), KERN_INVALID_VALUE);
    EXPECT_KR(clock_sleep_trap(TIME_RELATIVE, 0, 1, (void *)8), KERN_INVALID_ADDRESS);
    EXPECT_KR(clock_sleep_trap(TIME_RELATIVE, 0, 1, (void *)0xffff000040200000), KERN_INVALID_ADDRESS);
}

/* One can wait until the counter has a value. [XNU mach_wait_until] */
TEST(wait_until_a_value_of_the_counter)
{
    uint64_t before, after;

    before = counter();
    EXPECT_KR(mach_wait_until(before + 625000), KERN_SUCCESS); /* 10 ms at 62.5 MHz */
    after = counter();
    EXPECT_TRUE(after - before >= 625000);
    EXPECT_KR(mach_wait_until(before), KERN_SUCCESS);
    EXPECT_KR(mach_wait_until(0), KERN_SUCCESS);
}

static mach_msg_return_t work_sleep(struct worker *w)
{
    return clock_sleep_trap(TIME_RELATIVE, 1000000, 0, NULL);
}

static mach_msg_return_t work_wait_until(struct worker *w)
{
    return mach_wait_until(~0UL >> 1);
}

/* thread_abort ends a sleep: KERN_ABORTED. [KI thread_abort] */
TEST(a_sleep_can_be_aborted)
{
    struct worker w[2] = {{.run = work_sleep}, {.run = work_wait_until}};

    for (int i = 0; i < 2; i++) {
        REQUIRE_TRUE(worker_start(&w[i]));
        EXPECT_KR(thread_abort((thread_t)w[i].port), KERN_SUCCESS);
        EXPECT_KR(worker_join(&w[i]), KERN_ABORTED);
    }
}

struct alarm_message {
    clock_alarm_reply_t reply;
    mach_msg_security_trailer_t trailer;
};

static mach_msg_return_t receive_alarm(mach_port_t port, struct alarm_message *m,
                                       mach_msg_timeout_t timeout)
{
    return mach_msg(&m->reply.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof *m, port, timeout,
                    MACH_PORT_NULL);
}

/* An alarm is one message to a send-once right, not before its time. [OSF clock_alarm] */
TEST(alarms_are_messages)
{
    mach_port_t port = new_port();
    time_value64_t when = {0, 10000000};
    struct alarm_message m;
    uint64_t before;

    REQUIRE_TRUE(open_clock());
    before = now_ns();
    REQUIRE_KR(clock_alarm(clock_port, TIME_RELATIVE, when, port), KERN_SUCCESS);
    REQUIRE_KR(receive_alarm(port, &m, WAIT_LIMIT_MS), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.reply.header.msgh_id, CLOCK_ALARM_REPLY_ID);
    EXPECT_EQ(m.reply.header.msgh_size, sizeof m.reply);
    EXPECT_EQ(m.reply.alarm_code, KERN_SUCCESS);
    EXPECT_EQ(m.reply.alarm_type, TIME_RELATIVE);
    EXPECT_TRUE(m.reply.alarm_time.seconds * 1000000000UL + m.reply.alarm_time.nanoseconds - before
                >= 10000000);
    EXPECT_KR(receive_alarm(port, &m, 20), MACH_RCV_TIMED_OUT);
    close_clock();
    mach_port_destroy(SELF, port);
}

/* Alarms go off in the order of their times, not of their making. [OSF clock_alarm] */
TEST(alarms_come_in_the_order_of_their_times)
{
    mach_port_t early = new_port(), late = new_port(), set = new_set();
    struct alarm_message m;
    time_value64_t when;
    uint64_t begin;

    REQUIRE_TRUE(open_clock());
    REQUIRE_KR(mach_port_insert_member(SELF, early, set), KERN_SUCCESS);
    REQUIRE_KR(mach_port_insert_member(SELF, late, set), KERN_SUCCESS);
    begin = now_ns() + 20000000;
    when = (time_value64_t){(begin + 30000000) / 1000000000, (begin + 30000000) % 1000000000};
    REQUIRE_KR(clock_alarm(clock_port, TIME_ABSOLUTE, when, late), KERN_SUCCESS);
    when = (time_value64_t){begin / 1000000000, begin % 1000000000};
    REQUIRE_KR(clock_alarm(clock_port, TIME_ABSOLUTE, when, early), KERN_SUCCESS);
    REQUIRE_KR(receive_alarm(set, &m, WAIT_LIMIT_MS), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.reply.header.msgh_local_port, early);
    REQUIRE_KR(receive_alarm(set, &m, WAIT_LIMIT_MS), MACH_MSG_SUCCESS);
    EXPECT_EQ(m.reply.header.msgh_local_port, late);
    close_clock();
    mach_port_destroy(SELF, set);
    mach_port_destroy(SELF, early);
    mach_port_destroy(SELF, late);
}

/* A time or type that is none is refused, and the alarm's right is destroyed. [OSF clock_alarm] */
TEST(an_alarm_wants_a_time)
{
    mach_port_t port = new_port();
    time_value64_t when = {0, 1}, negative = {0, -1}, large = {0, 1000000000}, before = {-1, 0};

    REQUIRE_TRUE(open_clock());
    EXPECT_KR(clock_alarm(clock_port, TIME_RELATIVE, negative, port), KERN_INVALID_VALUE);
    EXPECT_KR(clock_alarm(clock_port, TIME_RELATIVE, large, port), KERN_INVALID_VALUE);
    EXPECT_KR(clock_alarm(clock_port, TIME_RELATIVE, before, port), KERN_INVALID_VALUE);
    EXPECT_KR(clock_alarm(clock_port, 55, when, port), KERN_INVALID_VALUE);
    for (int i = 0; i < 4; i++)
        EXPECT_EQ(note_id(port), MACH_NOTIFY_SEND_ONCE);
    EXPECT_EQ(note_id(port), 0);
    close_clock();
    mach_port_destroy(SELF, port);
}

/* If nobody is there any more to be woken, nothing happens. [OSF clock_alarm] */
TEST(an_alarm_for_a_dead_port_is_lost)
{
    mach_port_t port = new_port();
    time_value64_t when = {0, 10000000};

    REQUIRE_TRUE(open_clock());
    REQUIRE_KR(clock_alarm(clock_port, TIME_RELATIVE, when, port), KERN_SUCCESS);
    mach_port_destroy(SELF, port);
    sleep_ms(20);
    close_clock();
}

static void set_far_alarm(uint64_t clock)
{
    time_value64_t far = {1000000, 0};

    clock_alarm((clock_serv_t)clock, TIME_RELATIVE, far, new_port());
}

/* An alarm dies with the task that set it. [clock.c] */
TEST(an_alarm_dies_with_its_task)
{
    struct child child;

    REQUIRE_TRUE(open_clock());
    REQUIRE_KR(child_make(&child), KERN_SUCCESS);
    REQUIRE_KR(child_give(&child, clock_port), KERN_SUCCESS);
    REQUIRE_KR(child_run(&child, set_far_alarm, clock_port), KERN_SUCCESS);
    EXPECT_TRUE(wait_until_dead(child.task));
    child_end(&child);
    close_clock();
}

/* The page that tells the time of day can be read, and by no means written. [mach/mapped_time.h] */
TEST(the_time_of_day_is_a_page_to_be_read)
{
    const struct mapped_time *mapped;
    vm_address_t address = 0;
    int64_t first;

    host = mach_host_self();
    REQUIRE_KR(host_map_time(host, SELF, &address), KERN_SUCCESS);
    mapped = (const struct mapped_time *)address;
    first = mapped->boot;
    EXPECT_TRUE(first >= 0);
    EXPECT_TRUE(vm_protect(SELF, address, PAGE_SIZE, FALSE, VM_PROT_DEFAULT) != KERN_SUCCESS);
    EXPECT_TRUE(vm_write(SELF, address, (vm_offset_t)&first, sizeof(first)) != KERN_SUCCESS);
    EXPECT_KR(vm_deallocate(SELF, address, PAGE_SIZE), KERN_SUCCESS);
    EXPECT_TRUE(host_map_time(SELF, SELF, &address) != KERN_SUCCESS);
    EXPECT_TRUE(host_map_time(host, host, &address) != KERN_SUCCESS);
    mach_port_deallocate(SELF, host);
}

/* Only the privileged host port sets it; a time that is none is refused. [Mach 3.0 host_set_time] */
TEST(the_time_of_day_is_set_by_the_privileged)
{
    static const time_value64_t wrong[] = {{-1, 0}, {0, -1}, {0, 1000000000}, {INT64_MAX, 0}};
    const struct mapped_time *mapped;
    vm_address_t address = 0;
    int64_t first, now;

    REQUIRE_TRUE(open_clock());
    REQUIRE_KR(host_map_time(host, SELF, &address), KERN_SUCCESS);
    mapped = (const struct mapped_time *)address;
    first = mapped->boot;
    EXPECT_TRUE(host_set_time(host, (time_value64_t){1, 0}) != KERN_SUCCESS);
    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        EXPECT_KR(host_set_time(test_host_priv(), wrong[i]), KERN_INVALID_VALUE);
    EXPECT_EQ(mapped->boot, first);
    EXPECT_KR(host_set_time(test_host_priv(), (time_value64_t){1000, 5}), KERN_SUCCESS);
    EXPECT_TRUE(mapped->boot <= 1000000000005 && mapped->boot + (int64_t)now_ns() >= 1000000000005);
    now = first + (int64_t)now_ns();
    EXPECT_KR(host_set_time(test_host_priv(), (time_value64_t){now / 1000000000, now % 1000000000}),
              KERN_SUCCESS);
    EXPECT_TRUE(mapped->boot <= first);
    vm_deallocate(SELF, address, PAGE_SIZE);
    close_clock();
}

TEST_MAIN
