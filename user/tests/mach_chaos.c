/*
 * Chaos, and then the books are balanced: 16 tasks pass each other rights of every kind, receive
 * rights among them, and memory, in ports and sets, with time-outs, aborts and changing
 * priorities; they die at any moment and are replaced. Nobody knows what he gets, from whom, or
 * whether it is still alive. In the end all are terminated, and every port, set, message, task,
 * thread, map and page must be back where it was: what two dead tasks sent each other in rings,
 * too. Read mach_child.h before; mach_stress.c does the same to threads and forks.
 *
 * Boot arguments: seed=N (default 1); chaos.seconds=N, of guest time (default 2). With -icount a
 * run with the same seed (and jitter=, if any) is the same run. `make stress` runs it for long
 * (grade/README.md).
 */
#include "mach_child.h"

#include <mach/host_priv.h>
#include <stdlib.h>

TEST_LIMIT(300);

#define TASKS         16
#define BAG           24  /* names a task knows of */
#define DESCRIPTORS   4   /* the most in a message */
#define ARRAY         8   /* rights in an out-of-line array, the most */
#define PAGES         24  /* of out-of-line memory, the most */
#define PATTERN       0xc4a05UL
#define STUCK_SECONDS 20  /* longer than any wait of a task's */
#define ANY_RIGHT     (MACH_PORT_TYPE_PORT_RIGHTS | MACH_PORT_TYPE_DEAD_NAME)
#define LETTER        20001
#define REPLY         20002

/* What all tasks share. */
static struct shared {
    volatile uint64_t steps[TASKS];
    volatile uint64_t at[TASKS];   /* which kind of step: tells where one got stuck */
    volatile uint64_t sent, received, moved_receive, timed_out, regions, notifications;
    volatile uint64_t bad;         /* the line of the first check that failed */
} *shared;

#define CHECK(condition) \
    do { \
        if (!(condition) && shared->bad == 0) \
            shared->bad = __LINE__; \
    } while (0)
#define COUNT(what) __atomic_fetch_add(&shared->what, 1, __ATOMIC_RELAXED)

static uint64_t state;               /* of the generator: each task has its own */
static mach_port_name_t bag[BAG];
static mach_port_t box, set;         /* the receive right one is born with; a set of others */
static unsigned number;

struct letter {
    mach_msg_header_t header;
    mach_msg_body_t body;
    mach_msg_descriptor_t descriptor[DESCRIPTORS];
    mach_msg_security_trailer_t trailer;
};

/* xorshift64* [Marsaglia 2003; Vigna 2016] */
static unsigned below(unsigned limit)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (unsigned)((state * 0x2545f4914f6cdd1dUL) >> 33) % limit;
}

/* ---- the bag ---- */

/* Gives up all that a name stands for, one way or another. */
static void release(mach_port_name_t name)
{
    mach_port_type_t type = type_of(name);

    if (name == MACH_PORT_NULL || name == MACH_PORT_DEAD || name == box || name == set)
        return;
    if (below(2) || !(type & (MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_RECEIVE))) {
        mach_port_destroy(SELF, name);
        return;
    }
    if (type & MACH_PORT_TYPE_RECEIVE)
        mach_port_mod_refs(SELF, name, MACH_PORT_RIGHT_RECEIVE, -1);
    mach_port_destroy(SELF, name); /* (the receive right may have been all) */
}

static void keep(mach_port_name_t name)
{
    unsigned i = below(BAG);

    if (name == MACH_PORT_NULL || name == MACH_PORT_DEAD)
        return;
    for (unsigned k = 0; k < BAG; k++)
        if (bag[k] == name)
            return; /* merged with one we have */
    if (bag[i] != MACH_PORT_NULL)
        release(bag[i]);
    bag[i] = name;
}

/* A name from the bag with one of these types, and where it was. */
static mach_port_name_t pick(mach_port_type_t types, unsigned *where)
{
    unsigned begin = below(BAG);

    for (unsigned i = 0; i < BAG; i++) {
        *where = (begin + i) % BAG;
        if (bag[*where] != MACH_PORT_NULL && (type_of(bag[*where]) & types))
            return bag[*where];
    }
    return MACH_PORT_NULL;
}

/* ---- messages ---- */

/* A way of passing on what the name is; 0: there is none. */
static uint8_t disposition_for(mach_port_name_t name)
{
    mach_port_type_t type = type_of(name);

    if (type & MACH_PORT_TYPE_RECEIVE) {
        if (name == box)
            return below(2) ? MACH_MSG_TYPE_MAKE_SEND : MACH_MSG_TYPE_MAKE_SEND_ONCE;
        switch (below(4)) {
        case 0:
            return MACH_MSG_TYPE_MAKE_SEND;
        case 1:
            return MACH_MSG_TYPE_MAKE_SEND_ONCE;
        default:
            return MACH_MSG_TYPE_MOVE_RECEIVE;
        }
    }
    if (type & MACH_PORT_TYPE_SEND_ONCE)
        return MACH_MSG_TYPE_MOVE_SEND_ONCE;
    if (type & (MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_DEAD_NAME))
        return below(3) ? MACH_MSG_TYPE_COPY_SEND : MACH_MSG_TYPE_MOVE_SEND;
    return 0;
}

/* Checks memory that came, and gives it up (or forgets it: it goes with the task). */
static void absorb_memory(mach_msg_ool_descriptor_t *d)
{
    uint64_t pages = d->size / PAGE_SIZE;

    for (uint64_t i = 0; i < pages; i++)
        CHECK(*(volatile uint64_t *)(d->address + i * PAGE_SIZE) == PATTERN + i);
    if (pages != 0 && below(4) == 0)
        *(volatile uint64_t *)d->address = 0; /* a copy of our own */
    COUNT(regions);
    if (below(16) != 0 && d->size != 0)
        vm_deallocate(SELF, d->address, d->size);
}

/* Takes in what a message brought: from others, or back, since it could not be sent. */
static void absorb(struct letter *m)
{
    unsigned count = m->header.msgh_bits & MACH_MSGH_BITS_COMPLEX ? m->body.msgh_descriptor_count : 0;

    CHECK(count <= DESCRIPTORS);
    for (unsigned i = 0; i < count && i < DESCRIPTORS; i++) {
        mach_msg_descriptor_t *d = &m->descriptor[i];

        if (d->port.type == MACH_MSG_PORT_DESCRIPTOR) {
            keep(d->port.name);
        } else if (d->port.type == MACH_MSG_OOL_DESCRIPTOR) {
            absorb_memory(&d->out_of_line);
        } else {
            mach_port_name_t *names = (mach_port_name_t *)d->ool_ports.address;

            for (unsigned k = 0; k < d->ool_ports.count; k++)
                keep(names[k]);
            if (d->ool_ports.count != 0)
                vm_deallocate(SELF, d->ool_ports.address, d->ool_ports.count * sizeof(*names));
        }
    }
}

static void put_memory(mach_msg_ool_descriptor_t *d)
{
    vm_size_t size = (below(4) ? 1 + below(4) : below(PAGES)) * PAGE_SIZE;

    *d = (mach_msg_ool_descriptor_t){.type = MACH_MSG_OOL_DESCRIPTOR,
                                     .copy = below(4) ? MACH_MSG_VIRTUAL_COPY : MACH_MSG_PHYSICAL_COPY,
                                     .deallocate = TRUE};
    if (size == 0 || vm_allocate(SELF, &d->address, size, TRUE) != KERN_SUCCESS)
        return;
    d->size = size;
    for (uint64_t i = 0; i < size / PAGE_SIZE; i++)
        *(volatile uint64_t *)(d->address + i * PAGE_SIZE) = PATTERN + i;
}

/* An array of rights of one kind: fresh receive rights, or send rights. */
static void put_array(mach_msg_ool_ports_descriptor_t *d)
{
    unsigned count = below(ARRAY + 1), where;
    vm_address_t address = 0;

    *d = (mach_msg_ool_ports_descriptor_t){.type = MACH_MSG_OOL_PORTS_DESCRIPTOR, .deallocate = TRUE,
                                           .disposition = MACH_MSG_TYPE_MOVE_RECEIVE};
    if (count == 0 || vm_allocate(SELF, &address, PAGE_SIZE, TRUE) != KERN_SUCCESS)
        return;
    if (below(2))
        d->disposition = MACH_MSG_TYPE_COPY_SEND;
    for (unsigned i = 0; i < count; i++)
        ((mach_port_name_t *)address)[i] = d->disposition == MACH_MSG_TYPE_COPY_SEND
                                               ? pick(MACH_PORT_TYPE_SEND, &where) : new_port();
    d->address = address;
    d->count = count;
}

/* A message that failed, and was not touched: what it would have moved is given up. */
static void give_up(struct letter *m)
{
    for (unsigned i = 0; i < m->body.msgh_descriptor_count; i++) {
        mach_msg_descriptor_t *d = &m->descriptor[i];

        if (d->port.type == MACH_MSG_PORT_DESCRIPTOR)
            keep(d->port.name);
        if (d->port.type == MACH_MSG_OOL_DESCRIPTOR && d->out_of_line.size != 0)
            vm_deallocate(SELF, d->out_of_line.address, d->out_of_line.size);
        if (d->port.type == MACH_MSG_OOL_PORTS_DESCRIPTOR && d->ool_ports.count != 0) {
            mach_port_name_t *names = (mach_port_name_t *)d->ool_ports.address;

            for (unsigned k = 0; k < d->ool_ports.count
                                 && d->ool_ports.disposition == MACH_MSG_TYPE_MOVE_RECEIVE; k++)
                release(names[k]);
            vm_deallocate(SELF, d->ool_ports.address, PAGE_SIZE);
        }
    }
}

static void send_letter(void)
{
    struct letter m = {.header = {.msgh_bits = MACH_MSGH_BITS_COMPLEX, .msgh_id = LETTER}};
    mach_port_name_t reply = below(4) == 0 ? box : MACH_PORT_NULL;
    mach_msg_option_t option = MACH_SEND_MSG | (below(8) ? MACH_SEND_TIMEOUT : MACH_SEND_INTERRUPT);
    unsigned where, count = below(DESCRIPTORS + 1);
    mach_msg_return_t mr;

    if (option & MACH_SEND_INTERRUPT)
        option |= MACH_SEND_TIMEOUT; /* nobody may wait for ever */
    m.header.msgh_remote_port = pick(MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_SEND_ONCE, &where);
    if (m.header.msgh_remote_port == MACH_PORT_NULL)
        return;
    m.header.msgh_bits |= type_of(m.header.msgh_remote_port) & MACH_PORT_TYPE_SEND_ONCE
                              ? MACH_MSG_TYPE_MOVE_SEND_ONCE : MACH_MSG_TYPE_COPY_SEND;
    if (reply != MACH_PORT_NULL) {
        m.header.msgh_bits |= MACH_MSGH_BITS(0, MACH_MSG_TYPE_MAKE_SEND_ONCE);
        m.header.msgh_local_port = reply;
    }
    m.body.msgh_descriptor_count = count;
    for (unsigned i = 0; i < count; i++) {
        mach_port_name_t name;

        switch (below(4)) {
        case 0:
            put_memory(&m.descriptor[i].out_of_line);
            break;
        case 1:
            put_array(&m.descriptor[i].ool_ports);
            break;
        default:
            name = pick(ANY_RIGHT, &where);
            m.descriptor[i].port = (mach_msg_port_descriptor_t){.type = MACH_MSG_PORT_DESCRIPTOR,
                .name = name, .disposition = name != MACH_PORT_NULL ? disposition_for(name) : 0};
            if (m.descriptor[i].port.disposition == 0)
                m.descriptor[i].port.disposition = MACH_MSG_TYPE_COPY_SEND;
            if (m.descriptor[i].port.disposition == MACH_MSG_TYPE_MOVE_RECEIVE)
                COUNT(moved_receive);
            break;
        }
    }
    mr = mach_msg_trap(&m.header, option,
                       offsetof(struct letter, descriptor) + count * sizeof(m.descriptor[0]), 0,
                       MACH_PORT_NULL, below(3), MACH_PORT_NULL);
    if (mr == MACH_MSG_SUCCESS) {
        COUNT(sent);
    } else if (mr == MACH_SEND_TIMED_OUT || mr == MACH_SEND_INTERRUPTED) {
        COUNT(timed_out);
        keep(m.header.msgh_remote_port);
        if (m.header.msgh_local_port != MACH_PORT_NULL && m.header.msgh_local_port != box)
            keep(m.header.msgh_local_port);
        absorb(&m);
    } else {
        give_up(&m);
    }
    for (unsigned i = 0; i < BAG; i++) /* what has gone */
        if (bag[i] != MACH_PORT_NULL && type_of(bag[i]) == MACH_PORT_TYPE_NONE)
            bag[i] = MACH_PORT_NULL;
}

static void receive_letter(mach_port_name_t from)
{
    struct letter m;
    mach_msg_return_t mr;

    mr = mach_msg_trap(&m.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT | (below(2) ? MACH_RCV_INTERRUPT : 0)
                       | MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_SENDER), 0, sizeof(m), from, below(4),
                       MACH_PORT_NULL);
    if (mr != MACH_MSG_SUCCESS)
        return;
    COUNT(received);
    if (mach_msg_from_kernel(&m.header)) {
        COUNT(notifications);
        if (m.header.msgh_id == MACH_NOTIFY_DEAD_NAME) {
            mach_port_deallocate(SELF, ((struct small *)&m)->word);
            return;
        }
    }
    if (m.header.msgh_remote_port != MACH_PORT_NULL) { /* somebody wants an answer: now, later or never */
        struct small answer = {.header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0),
                                          .msgh_remote_port = m.header.msgh_remote_port, .msgh_id = REPLY}};

        if (below(3) || mach_msg(&answer.header, MACH_SEND_MSG, SMALL_SIZE, 0, MACH_PORT_NULL, 0,
                                 MACH_PORT_NULL) != MACH_MSG_SUCCESS)
            keep(m.header.msgh_remote_port);
    }
    absorb(&m);
}

/* ---- what else a task does ---- */

static void new_rights(void)
{
    mach_port_t port = new_port();

    if (port != MACH_PORT_NULL && below(2))
        mach_port_insert_right(SELF, port, port, MACH_MSG_TYPE_MAKE_SEND);
    if (port != MACH_PORT_NULL && below(4) == 0)
        mach_port_set_qlimit(SELF, port, below(4));
    keep(port);
}

static void ask(void)
{
    static const mach_msg_id_t what[] = {MACH_NOTIFY_DEAD_NAME, MACH_NOTIFY_NO_SENDERS,
                                         MACH_NOTIFY_PORT_DESTROYED};
    unsigned where, i = below(3);
    mach_port_name_t name = pick(i == 0 ? ANY_RIGHT : MACH_PORT_TYPE_RECEIVE, &where);
    mach_port_t previous = MACH_PORT_NULL;

    if (name == MACH_PORT_NULL || name == box)
        return;
    if (mach_port_request_notification(SELF, name, what[i], i == 0 ? below(2) : 0, box,
                                       MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous) == KERN_SUCCESS)
        keep(previous);
}

static void sets(void)
{
    unsigned where;
    mach_port_name_t name = pick(MACH_PORT_TYPE_RECEIVE, &where);

    if (set == MACH_PORT_NULL && mach_port_allocate(SELF, MACH_PORT_RIGHT_PORT_SET, &set) != KERN_SUCCESS)
        set = MACH_PORT_NULL;
    if (below(16) == 0) {
        mach_port_destroy(SELF, set);
        set = MACH_PORT_NULL;
    } else if (name != MACH_PORT_NULL) {
        mach_port_move_member(SELF, name, below(4) ? set : MACH_PORT_NULL);
    }
}

static void work(uint64_t which)
{
    unsigned where;

    memset(bag, 0, sizeof(bag));
    set = MACH_PORT_NULL;
    number = (unsigned)which;
    for (;;) {
        unsigned step = below(20);

        shared->at[number] = step;
        if (step < 6)
            send_letter();
        else if (step < 9)
            receive_letter(box);
        else if (step < 11)
            receive_letter(set);
        else if (step < 13)
            receive_letter(pick(MACH_PORT_TYPE_RECEIVE, &where));
        else if (step < 15)
            new_rights();
        else if (step < 17)
            ask();
        else if (step < 18)
            sets();
        else if (step < 19)
            thread_priority(mach_thread_self_cached(), (int)below(40), FALSE);
        else if (below(400) == 0)
            task_terminate(SELF);
        shared->steps[number]++;
    }
}

/* ---- who sets it going ---- */

static struct child children[TASKS];
static mach_port_t boxes[TASKS]; /* send rights */

/* Tells task `to` of task `of`. */
static void introduce(unsigned to, unsigned of)
{
    struct letter m = {
        .header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0) | MACH_MSGH_BITS_COMPLEX,
                   .msgh_remote_port = boxes[to], .msgh_id = LETTER},
        .body = {.msgh_descriptor_count = 1},
        .descriptor[0].port = {.name = boxes[of], .disposition = MACH_MSG_TYPE_COPY_SEND,
                               .type = MACH_MSG_PORT_DESCRIPTOR},
    };

    if (boxes[to] != MACH_PORT_NULL && boxes[of] != MACH_PORT_NULL
        && mach_msg(&m.header, MACH_SEND_MSG | MACH_SEND_TIMEOUT, CARRIER_SIZE, 0, MACH_PORT_NULL, 0,
                    MACH_PORT_NULL) == MACH_SEND_TIMED_OUT)
        mach_msg_destroy(&m.header); /* the rights came back, as user references more */
}

static void start(unsigned i)
{
    uint64_t seed = state;

    box = new_port_send();
    if (box == MACH_PORT_NULL || child_make(&children[i]) != KERN_SUCCESS) {
        mach_port_destroy(SELF, box);
        return;
    }
    boxes[i] = box;
    if (mach_port_insert_right(children[i].task, box, box, MACH_MSG_TYPE_MOVE_RECEIVE) != KERN_SUCCESS
        || child_run(&children[i], work, i) != KERN_SUCCESS)
        task_terminate(children[i].task); /* no memory, perhaps: seen as one that died */
    state = seed;
    below(2);
    for (unsigned k = 0; k < TASKS; k++) {
        introduce(i, k);
        introduce(k, i);
    }
}

static void end(unsigned i)
{
    if (children[i].task == MACH_PORT_NULL)
        return;
    child_end(&children[i]);
    mach_port_deallocate(SELF, boxes[i]);
    children[i].task = MACH_PORT_NULL;
    boxes[i] = MACH_PORT_NULL;
}

/* What the holder of a task port may do at any time. */
static void harass(unsigned i)
{
    switch (below(8)) {
    case 0:
    case 1:
    case 2:
        thread_abort(children[i].thread);
        break;
    case 3:
        task_suspend(children[i].task);
        sleep_ms(below(2));
        task_resume(children[i].task);
        break;
    case 4:
        thread_priority(children[i].thread, (int)below(40), FALSE);
        break;
    case 5:
        if (below(4) == 0)
            end(i);
        break;
    default:
        introduce(i, below(TASKS));
        break;
    }
}

static struct host_counters before;

TEST(baseline_is_taken)
{
    take_baseline();
    before = baseline;
}

TEST(chaos)
{
    uint64_t last[TASKS] = {0}, since[TASKS], finish, deaths = 0, steps = 0;
    vm_size_t size = round_page(sizeof(*shared));
    vm_address_t region = 0;

    REQUIRE_KR(vm_allocate(SELF, &region, size, TRUE), KERN_SUCCESS);
    REQUIRE_KR(vm_inherit(SELF, region, size, VM_INHERIT_SHARE), KERN_SUCCESS);
    shared = (struct shared *)region;
    state = boot_number("seed", 1) * 0x9e3779b97f4a7c15UL;
    finish = now_ms() + boot_number("chaos.seconds", 2) * 1000;
    for (unsigned i = 0; i < TASKS; i++) {
        start(i);
        since[i] = now_ms();
    }
    while (now_ms() < finish && shared->bad == 0) {
        unsigned i = below(TASKS);

        if (children[i].task != MACH_PORT_NULL && (type_of(children[i].task) & MACH_PORT_TYPE_DEAD_NAME))
            end(i);
        if (children[i].task == MACH_PORT_NULL) {
            deaths++;
            start(i);
        } else {
            harass(i);
        }
        for (i = 0; i < TASKS; i++) {
            if (shared->steps[i] != last[i] || children[i].task == MACH_PORT_NULL) {
                steps += shared->steps[i] - last[i];
                last[i] = shared->steps[i];
                since[i] = now_ms();
            } else if (now_ms() - since[i] > STUCK_SECONDS * 1000 && shared->bad == 0) {
                shared->bad = 100000 + i * 100 + shared->at[i];
            }
        }
        sleep_ms(below(3));
    }
    EXPECT_EQ(shared->bad, 0);
    EXPECT_TRUE(shared->received > 0 && shared->moved_receive > 0 && shared->timed_out > 0);
    for (unsigned i = 0; i < TASKS; i++)
        end(i);
    test_report("# %lu steps, %lu deaths; messages: %lu sent, %lu received, %lu came back; "
                "%lu receive rights, %lu regions, %lu notifications",
                steps, deaths, shared->sent, shared->received,
                shared->timed_out, shared->moved_receive, shared->regions, shared->notifications);
    vm_deallocate(SELF, region, size);
}

TEST_NOTHING_LEAKED

/* What the kernel may keep of the memory: each CPU's spare kernel stacks (kstack.c: CACHE_MAX
 * of 2 pages), and the page tables that map them. Zones keep the pages they have, too; those
 * are counted. */
#define PAGES_KEPT (8 * 2 * CPUS_MAX + 4)
#define CPUS_MAX   4

/* Beyond what expect_baseline looks at: memory. */
TEST(every_page_is_back)
{
    struct host_counters now;

    if (before.ports == 0)
        SKIP("no baseline was taken in this run");
    for (int tries = 0; tries < 100; tries++) {
        counters(&now);
        if (now.anonymous_pages <= before.anonymous_pages
            && now.free_pages + now.zone_pages + PAGES_KEPT >= before.free_pages + before.zone_pages)
            break;
        sleep_ms(10);
    }
    test_report("# pages: free %u -> %u, zones %u -> %u, anonymous %u -> %u, wired %u -> %u; "
                "zone bytes %u -> %u",
                before.free_pages, now.free_pages, before.zone_pages, now.zone_pages, before.anonymous_pages,
                now.anonymous_pages, before.wired_pages, now.wired_pages, before.zone_bytes_used,
                now.zone_bytes_used);
    EXPECT_TRUE(now.anonymous_pages <= before.anonymous_pages);
    EXPECT_TRUE(now.free_pages + now.zone_pages + PAGES_KEPT >= before.free_pages + before.zone_pages);
    EXPECT_TRUE(now.zone_bytes_used <= before.zone_bytes_used + PAGE_SIZE);
}

TEST_MAIN
