/*
 * What the Mach tests share: ports and messages in one line each, and the leak check that ends
 * every program.
 */
#ifndef MACH_TEST_H
#define MACH_TEST_H

#include <cthreads.h>
#include <mach/mach.h>
#include <mach/mach_host.h>
#include <mach/mach_port.h>
#include <mach/notify_ids.h>
#include <mach/task.h>
#include <mach/thread_act.h>
#include <mach/vm_map.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <testlib.h>

#define SELF mach_task_self()

/* One took less time than the other. Only said where time is counted: a busy host makes anything long. */
#define EXPECT_SHORTER(one, other) EXPECT_TRUE((one) < (other) || !test_time_is_counted())

/* A message of one word, and room for a trailer. */
struct small {
    mach_msg_header_t header;
    uint32_t word;
    mach_msg_security_trailer_t trailer;
};
#define SMALL_SIZE (sizeof(mach_msg_header_t) + sizeof(uint32_t))

/* A message with one port descriptor. */
struct carrier {
    mach_msg_header_t header;
    mach_msg_body_t body;
    mach_msg_port_descriptor_t port;
    mach_msg_security_trailer_t trailer;
};
#define CARRIER_SIZE offsetof(struct carrier, trailer)

/* A message with one out-of-line region. */
struct ool {
    mach_msg_header_t header;
    mach_msg_body_t body;
    mach_msg_ool_descriptor_t memory;
    mach_msg_security_trailer_t trailer;
};
#define OOL_SIZE offsetof(struct ool, trailer)

/* A fresh receive right; MACH_PORT_NULL: could not. */
static inline mach_port_t new_port(void)
{
    mach_port_t port = MACH_PORT_NULL;

    mach_port_allocate(SELF, MACH_PORT_RIGHT_RECEIVE, &port);
    return port;
}

/* The same, with a send right under the same name. */
static inline mach_port_t new_port_send(void)
{
    mach_port_t port = new_port();

    mach_port_insert_right(SELF, port, port, MACH_MSG_TYPE_MAKE_SEND);
    return port;
}

/* Destroys all the names in this space: destroy(port, notify). */
#define destroy(...) \
    destroy_names((const mach_port_t[]){__VA_ARGS__}, \
                  sizeof((mach_port_t[]){__VA_ARGS__}) / sizeof(mach_port_t))

static inline void destroy_names(const mach_port_t *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        mach_port_destroy(SELF, names[i]);
}

static inline mach_msg_return_t send_word(mach_port_t to, mach_msg_type_name_t how, uint32_t word,
                                          mach_msg_option_t options, mach_msg_timeout_t timeout)
{
    struct small m = {.header = {.msgh_bits = MACH_MSGH_BITS(how, 0), .msgh_remote_port = to,
                                 .msgh_id = 77}, .word = word};

    mach_msg_return_t mr = mach_msg(&m.header, MACH_SEND_MSG | options, SMALL_SIZE, 0,
                                    MACH_PORT_NULL, timeout, MACH_PORT_NULL);

    if (mr == MACH_SEND_TIMED_OUT) /* the rights came back in the message: COPY became MOVE */
        mach_msg_destroy(&m.header);
    return mr;
}

/* Polls unless told otherwise. */
static inline mach_msg_return_t receive_word(mach_port_t from, struct small *m,
                                             mach_msg_timeout_t timeout)
{
    return mach_msg(&m->header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof(*m), from, timeout,
                    MACH_PORT_NULL);
}

/* Sends `right` (as disposition says) in a message to `to`, for which there must be a send
 * right. */
static inline mach_msg_return_t send_right(mach_port_t to, mach_port_t right,
                                           mach_msg_type_name_t disposition)
{
    struct carrier m = {
        .header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0) | MACH_MSGH_BITS_COMPLEX,
                   .msgh_remote_port = to, .msgh_id = 78},
        .body = {.msgh_descriptor_count = 1},
        .port = {.name = right, .disposition = (uint8_t)disposition,
                 .type = MACH_MSG_PORT_DESCRIPTOR},
    };

    return mach_msg(&m.header, MACH_SEND_MSG | MACH_SEND_TIMEOUT, CARRIER_SIZE, 0, MACH_PORT_NULL, 0,
                    MACH_PORT_NULL);
}

static inline mach_msg_return_t receive_right(mach_port_t from, struct carrier *m)
{
    return mach_msg(&m->header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof(*m), from, 0,
                    MACH_PORT_NULL);
}

#define NO_SUCH_NAME MACH_PORT_MAKE(0x888, 0) /* denotes nothing in any test's space */

/* Sends two rights in one message to `to`, for which there must be a send right. */
static inline mach_msg_return_t send_two_rights(mach_port_t to,
                                                mach_port_t first, mach_msg_type_name_t first_how,
                                                mach_port_t second, mach_msg_type_name_t second_how)
{
    struct {
        mach_msg_header_t header;
        mach_msg_body_t body;
        mach_msg_port_descriptor_t ports[2];
    } m = {
        .header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0) | MACH_MSGH_BITS_COMPLEX,
                   .msgh_remote_port = to, .msgh_id = 79},
        .body = {.msgh_descriptor_count = 2},
        .ports = {{.name = first, .disposition = (uint8_t)first_how},
                  {.name = second, .disposition = (uint8_t)second_how}},
    };

    return mach_msg(&m.header, MACH_SEND_MSG, sizeof m, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL);
}

/* Sends right, with another that there is not, so that it fails: MACH_SEND_INVALID_RIGHT. */
static inline mach_msg_return_t send_in_vain(mach_port_t to, mach_port_t right,
                                             mach_msg_type_name_t how)
{
    return send_two_rights(to, right, how, NO_SUCH_NAME, MACH_MSG_TYPE_COPY_SEND);
}

/* The board's counter: 62.5 MHz. */
static inline uint64_t counter(void)
{
    uint64_t ticks;

    __asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(ticks));
    return ticks;
}
#define TICKS_PER_MS 62500UL

static inline uint64_t now_ms(void)
{
    return counter() / TICKS_PER_MS;
}

/* The number that a boot argument gives. */
static inline uint64_t boot_number(const char *name, uint64_t otherwise)
{
    char text[24];

    return test_boot_arg(name, text, sizeof(text)) < 0 ? otherwise : strtoul(text, NULL, 0);
}

/* Classic C-threads names. NULL: the thread could not be made. */
static inline cthread_t cthread_fork(void *(*start)(void *), void *arg)
{
    cthread_t thread = NULL;

    return mach_thread_create(start, arg, &thread) == KERN_SUCCESS ? thread : NULL;
}
#define cthread_join mach_thread_join

static inline uint32_t refs_of(mach_port_t name, mach_port_right_t right)
{
    mach_port_urefs_t refs = ~0U;

    return mach_port_get_refs(SELF, name, right, &refs) == KERN_SUCCESS ? refs : ~0U;
}

static inline mach_port_type_t type_of(mach_port_t name)
{
    mach_port_type_t type = 0;

    return mach_port_type(SELF, name, &type) == KERN_SUCCESS ? type : MACH_PORT_TYPE_NONE;
}

static inline void counters(struct host_counters *c)
{
    mach_msg_type_number_t count = HOST_OSTIA_COUNTERS_COUNT;
    host_t host = mach_host_self();

    memset(c, 0, sizeof(*c));
    host_info(host, HOST_OSTIA_COUNTERS, (host_info_t)c, &count);
    mach_port_deallocate(SELF, host);
}

static inline void *no_work(void *arg)
{
    return arg;
}

/* libmach makes some things at their first use, and keeps them. */
static inline void warm_up(void)
{
    cthread_t thread = cthread_fork(no_work, NULL);

    mach_thread_self_cached();
    if (thread != NULL)
        cthread_join(thread);
}

/* ---- the leak check: of every program, at its end ---- */

/* What this task's names hold: how many there are, and their user references together. */
struct own_names {
    uint32_t names;
    uint32_t urefs;
};

static inline struct own_names own_names(void)
{
    struct own_names own = {0, 0};
    ipc_info_name_array_t info;
    mach_msg_type_number_t count;

    if (mach_port_space_info(SELF, &info, &count) != KERN_SUCCESS)
        return own;
    own.names = count;
    for (mach_msg_type_number_t i = 0; i < count; i++)
        own.urefs += info[i].iin_urefs;
    vm_deallocate(SELF, (vm_address_t)info, count * sizeof(*info));
    return own;
}

/*
 * Before the first case and after the last: what the kernel counts is the same at both, and so is
 * what this task names. Dying tasks take their time, so the second waits a while for it.
 */
static struct host_counters baseline;
static struct own_names baseline_names;

/* Between two looks, in milliseconds. Under jitter guest time is dear, and owes nothing to the
 * host's. */
static inline mach_msg_timeout_t baseline_pause(void)
{
    char seed[32];

    return test_boot_arg("jitter", seed, sizeof seed) > 0 ? 2 : 20;
}

#ifdef ACCOUNT_PAGES
/* Writes, without changing it, to every page of this program's own, so that the same are in objects before
 * and after; of the stack as much as a case may take. */
static inline void touch_own_memory(void)
{
    volatile char stack[64 * 1024];
    vm_address_t at = 0;
    struct vm_region_info info;
    vm_size_t size;

    memset((void *)stack, 0, sizeof stack);
    for (; vm_region(SELF, &at, &size, &info) == KERN_SUCCESS; at += size)
        if ((info.protection & VM_PROT_WRITE) && size <= (1 << 20))
            for (vm_address_t page = at; page < at + size; page += PAGE_SIZE)
                __atomic_fetch_add((char *)page, 0, __ATOMIC_RELAXED);
}

/* A child that comes and goes makes the kernel take apart what earlier ones left of copy-on-write. */
static inline void settle_pages(void)
{
    task_t child;

    if (task_create(SELF, TRUE, &child) == KERN_SUCCESS) {
        task_terminate(child);
        mach_port_deallocate(SELF, child);
    }
    touch_own_memory();
}
#endif

static inline void take_baseline(void)
{
    mach_msg_timeout_t pause = baseline_pause();
    struct host_counters last;

    warm_up();
#ifdef ACCOUNT_PAGES
    settle_pages();
#endif
    counters(&last);
    for (int quiet = 0, tries = 0; quiet < 15 && tries < 200; tries++) { /* servers may still begin */
        thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, pause);
        counters(&baseline);
        quiet = baseline.ports == last.ports && baseline.vm_map_entries == last.vm_map_entries
                        && baseline.free_pages == last.free_pages
                    ? quiet + 1
                    : 0;
        last = baseline;
    }
    EXPECT_TRUE(baseline.ports > 0);
    baseline_names = own_names();
}

/* Zones keep what is free, and a few caches a CPU; a page's worth for each kind of object is no
 * leak. A program may allow more before it includes this, with the reason. */
#ifndef ZONE_SLACK
#define ZONE_SLACK (24 * 1024)
#endif

/* So many ports may be fewer in the end. */
#ifndef PORTS_FEWER
#define PORTS_FEWER 0
#endif

static inline boolean_t ports_as_before(const struct host_counters *now)
{
    return now->ports <= baseline.ports && now->ports + PORTS_FEWER >= baseline.ports;
}

#ifdef ACCOUNT_PAGES
/* Every page in an object at the beginning is in one at the end, and no more are. */
static inline void expect_pages(mach_msg_timeout_t pause)
{
    struct host_counters now;

    for (int tries = 0; tries < 20; tries++) {
        settle_pages();
        thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, pause);
        counters(&now);
        if (now.anonymous_pages == baseline.anonymous_pages && now.pager_pages == baseline.pager_pages)
            return;
    }
    FAIL("pages left behind: anonymous %u -> %u, of pagers %u -> %u", baseline.anonymous_pages,
         now.anonymous_pages, baseline.pager_pages, now.pager_pages);
}
#endif

static inline void expect_baseline(void)
{
    mach_msg_timeout_t pause = baseline_pause();
    struct host_counters now;
    struct own_names names;

    if (baseline.ports == 0)
        SKIP("no baseline was taken in this run");
    for (int tries = 0; tries < 100; tries++) {
        counters(&now);
        if (ports_as_before(&now) && now.kmsgs == baseline.kmsgs
            && now.tasks == baseline.tasks && now.threads == baseline.threads
            && now.ledgers == baseline.ledgers && now.vm_map_entries <= baseline.vm_map_entries
            && now.zone_bytes_used <= baseline.zone_bytes_used + ZONE_SLACK)
            break;
        thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, pause);
    }
    names = own_names();
    if (!ports_as_before(&now) || now.port_sets != baseline.port_sets
        || now.kmsgs != baseline.kmsgs || now.tasks != baseline.tasks
        || now.threads != baseline.threads || now.semaphores != baseline.semaphores
        || now.ledgers != baseline.ledgers || now.spaces != baseline.spaces || now.vm_maps != baseline.vm_maps
        || now.vm_map_entries > baseline.vm_map_entries + 4
        || now.vm_objects > baseline.vm_objects + 8 /* shadows that nothing has collapsed yet */
        || now.zone_bytes_used > baseline.zone_bytes_used + ZONE_SLACK
        || names.names != baseline_names.names || names.urefs != baseline_names.urefs)
        FAIL("left behind: ports %u -> %u, sets %u -> %u, kmsgs %u -> %u, tasks %u -> %u, "
             "ledgers %u -> %u, threads %u -> %u, semaphores %u -> %u, spaces %u -> %u, maps %u -> %u, "
             "map entries %u -> %u, objects %u -> %u, kernel memory %u -> %u, own names %u -> %u, "
             "with references %u -> %u",
             baseline.ports, now.ports, baseline.port_sets, now.port_sets, baseline.kmsgs, now.kmsgs,
             baseline.tasks, now.tasks, baseline.ledgers, now.ledgers, baseline.threads,
             now.threads, baseline.semaphores, now.semaphores, baseline.spaces, now.spaces,
             baseline.vm_maps, now.vm_maps,
             baseline.vm_map_entries, now.vm_map_entries, baseline.vm_objects, now.vm_objects,
             baseline.zone_bytes_used, now.zone_bytes_used, baseline_names.names, names.names,
             baseline_names.urefs, names.urefs);
#ifdef ACCOUNT_PAGES
    expect_pages(pause);
#endif
}

/* The same as cases, for a program that has work of its own at either end. */
#define TEST_NOTHING_LEAKED \
    TEST(nothing_leaked) { expect_baseline(); }

/* Ends the file. A program named mach_* gets the leak check as its last case. */
#undef TEST_MAIN
#define TEST_MAIN \
    int main(void) { return test_main_between(take_baseline, __FILE__, expect_baseline); }

#endif
