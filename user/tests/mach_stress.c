/*
 * A storm: tasks and threads that pass each other rights and memory at random, make and kill tasks and
 * threads, fork, suspend, resume and abort, all at once; then everything is ended, and nothing may be
 * left. What it looks for is what no single case finds: races. All choices come from a seeded generator;
 * with jitter=SEED under icount (docs/debugging) a storm can be had again.
 *
 * Boot arguments: stress.seconds=N (guest seconds, default 3), stress.seed=N.
 *
 * Each worker is a task with two threads and a box, a port of its own that the others may send to. A
 * worker that makes no progress for STUCK_SECONDS is a lost wake-up or a dead lock of the kernel's: all
 * its waits have time-outs.
 */
#include "mach_child.h"

#include <mach/host_priv.h>
#include <mach/semaphore.h>
#include <stdlib.h>

TEST_LIMIT(120);
#define WORKERS       8
#define STUCK_SECONDS 20
#define KEPT          8        /* rights a worker's thread holds on to for a while */
#define PATTERN       0x05714a5eUL
#define AREA_PAGES    16

/* Shared with all workers. */
static struct shared {
    volatile uint64_t stop;
    volatile uint64_t progress[WORKERS][2];
    volatile uint64_t step[WORKERS][2];  /* what it is at: tells where it got stuck */
    volatile uint32_t box[WORKERS];      /* names; the same in each space, as a rule */
    volatile uint64_t bad;               /* the line of the first check that failed */
} *shared;

/* The line, for the report: a worker cannot report itself. */
#define CHECK(condition) \
    do { \
        if (!(condition) && shared->bad == 0) \
            shared->bad = __LINE__; \
    } while (0)

static uint64_t storm_seed = 1;
static char area[AREA_PAGES * PAGE_SIZE] __attribute__((aligned(4096)));

struct worker {
    unsigned number;
    unsigned thread;
    uint64_t seed;
    mach_port_t box; /* whose receive right is ours */
    mach_port_t kept[KEPT];
    task_t forked;
    thread_t victim;
    mach_port_t victim_port;
    vm_address_t memory;
    vm_size_t memory_size;
    char victim_stack[4096] __attribute__((aligned(16)));
};
static struct worker workers[2]; /* of this task: one a thread */

/* xorshift64* [Marsaglia 2003; Vigna 2016] */
static uint64_t rnd(uint64_t *seed)
{
    *seed ^= *seed >> 12;
    *seed ^= *seed << 25;
    *seed ^= *seed >> 27;
    return (*seed * 0x2545f4914f6cdd1dUL) >> 16;
}

static unsigned below(struct worker *w, unsigned limit)
{
    return (unsigned)(rnd(&w->seed) % limit);
}

/* ---- messages ---- */

struct letter {
    mach_msg_header_t header;
    mach_msg_body_t body;
    mach_msg_port_descriptor_t port;
    mach_msg_ool_descriptor_t memory;
    uint64_t pages;
    mach_msg_security_trailer_t trailer;
};
#define LETTER_SIZE offsetof(struct letter, trailer)

/* Message ids: none the kernel serves, or answers with (a box may be dead, and its name a semaphore). */
enum { LETTER = 10001, QUESTION, ANSWER };

/* Keeps a name for later, or what it held before is given up. */
static void keep(struct worker *w, mach_port_t name)
{
    unsigned i = below(w, KEPT);

    if (w->kept[i] != MACH_PORT_NULL)
        mach_port_destroy(SELF, w->kept[i]);
    w->kept[i] = name;
}

/* Memory with a pattern that the receiver can check. */
static vm_address_t patterned(struct worker *w, unsigned pages)
{
    vm_address_t a = 0;

    if (vm_allocate(SELF, &a, pages * PAGE_SIZE, TRUE) != KERN_SUCCESS)
        return 0;
    for (unsigned i = 0; i < pages; i++)
        *(volatile uint64_t *)(a + i * PAGE_SIZE) = PATTERN + i;
    return a;
}

/* Sends a letter with a right of some kind, and with memory, to somebody. */
static void send_letter(struct worker *w)
{
    static const uint8_t how[] = {MACH_MSG_TYPE_MAKE_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE,
                                  MACH_MSG_TYPE_MOVE_RECEIVE, MACH_MSG_TYPE_COPY_SEND,
                                  MACH_MSG_TYPE_MOVE_SEND};
    unsigned choice = below(w, 5), pages = below(w, 3) ? 1 + below(w, 8) : 1 + below(w, 64);
    mach_port_t cargo = new_port();
    vm_address_t memory = patterned(w, pages);
    boolean_t moves = below(w, 2);
    struct letter m = {
        .header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0) | MACH_MSGH_BITS_COMPLEX,
                   .msgh_remote_port = shared->box[below(w, WORKERS)], .msgh_id = LETTER},
        .body = {.msgh_descriptor_count = 2},
        .port = {.name = cargo, .disposition = how[choice], .type = MACH_MSG_PORT_DESCRIPTOR},
        .memory = {.address = memory, .size = pages * PAGE_SIZE, .deallocate = moves,
                   .copy = MACH_MSG_VIRTUAL_COPY, .type = MACH_MSG_OOL_DESCRIPTOR},
        .pages = pages,
    };
    mach_msg_return_t mr;

    if (memory == 0) {
        mach_port_destroy(SELF, cargo);
        return;
    }
    if (choice >= 2)
        mach_port_insert_right(SELF, cargo, cargo, MACH_MSG_TYPE_MAKE_SEND);
    mr = mach_msg(&m.header, MACH_SEND_MSG | MACH_SEND_TIMEOUT, LETTER_SIZE, 0, MACH_PORT_NULL,
                  below(w, 2), MACH_PORT_NULL);
    if (mr == MACH_SEND_TIMED_OUT) { /* all came back, memory at another place */
        m.header.msgh_local_port = MACH_PORT_NULL;
        mach_msg_destroy(&m.header);
    } else if (mr != MACH_MSG_SUCCESS && moves) {
        vm_deallocate(SELF, memory, pages * PAGE_SIZE);
    }
    if (!moves) { /* a change after the send is nobody's business */
        *(volatile uint64_t *)memory = 0;
        vm_deallocate(SELF, memory, pages * PAGE_SIZE);
    }
    if (below(w, 2))
        keep(w, cargo);
    else
        mach_port_destroy(SELF, cargo);
}

static void receive_letter(struct worker *w, mach_port_t from)
{
    struct letter m;
    mach_msg_return_t mr;

    mr = mach_msg(&m.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT
                  | MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_SENDER), 0, sizeof(m), from,
                  below(w, 4), MACH_PORT_NULL);
    if (mr != MACH_MSG_SUCCESS)
        return;
    if (m.header.msgh_id == LETTER && (m.header.msgh_bits & MACH_MSGH_BITS_COMPLEX)) {
        CHECK(m.memory.size == m.pages * PAGE_SIZE);
        for (unsigned i = 0; i < m.pages; i++)
            CHECK(*(volatile uint64_t *)(m.memory.address + i * PAGE_SIZE) == PATTERN + i);
        *(volatile uint64_t *)m.memory.address = 1;
        if (below(w, 2)) {
            keep(w, m.port.name);
            m.port.name = MACH_PORT_NULL;
        }
    } else if (m.header.msgh_id == QUESTION) { /* a question: answered, as a rule */
        struct small answer = {.header = {
            .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0),
            .msgh_remote_port = m.header.msgh_remote_port, .msgh_id = ANSWER}, .word = 77};

        if (below(w, 8) != 0
            && mach_msg(&answer.header, MACH_SEND_MSG, SMALL_SIZE, 0, MACH_PORT_NULL, 0,
                        MACH_PORT_NULL) == MACH_MSG_SUCCESS)
            m.header.msgh_remote_port = MACH_PORT_NULL;
    }
    mach_msg_destroy(&m.header);
}

static void ask(struct worker *w)
{
    mach_port_t reply = new_port();
    struct {
        struct small m;
        char room[64];
    } u = {.m = {.header = {
        .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
        .msgh_remote_port = shared->box[below(w, WORKERS)], .msgh_local_port = reply,
        .msgh_id = QUESTION}}};
    mach_msg_return_t mr;

    mr = mach_msg(&u.m.header, MACH_SEND_MSG | MACH_RCV_MSG | MACH_SEND_TIMEOUT | MACH_RCV_TIMEOUT,
                  SMALL_SIZE, sizeof(u), reply, 1 + below(w, 5), MACH_PORT_NULL);
    if (mr == MACH_MSG_SUCCESS && u.m.header.msgh_id == ANSWER)
        CHECK(u.m.word == 77);
    else if (mr == MACH_SEND_TIMED_OUT)
        mach_msg_destroy(&u.m.header);
    mach_port_destroy(SELF, reply);
}

static void notifications(struct worker *w)
{
    mach_port_t watched = w->kept[below(w, KEPT)], previous = MACH_PORT_NULL;

    if (watched == MACH_PORT_NULL)
        return;
    if (mach_port_request_notification(SELF, watched,
                                       below(w, 2) ? MACH_NOTIFY_DEAD_NAME : MACH_NOTIFY_NO_SENDERS, 0,
                                       w->box, MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous) == KERN_SUCCESS
        && previous != MACH_PORT_NULL)
        mach_port_deallocate(SELF, previous);
}

static void sets(struct worker *w)
{
    mach_port_t set, members[2] = {new_port_send(), new_port_send()};
    struct small m;

    if (mach_port_allocate(SELF, MACH_PORT_RIGHT_PORT_SET, &set) != KERN_SUCCESS)
        set = MACH_PORT_NULL;
    for (int i = 0; i < 2; i++) {
        send_word(members[i], MACH_MSG_TYPE_COPY_SEND, 1, MACH_SEND_TIMEOUT, 0);
        mach_port_move_member(SELF, members[i], set);
    }
    if (below(w, 2))
        mach_port_move_member(SELF, members[0], MACH_PORT_NULL);
    if (set != MACH_PORT_NULL)
        receive_word(set, &m, below(w, 2));
    if (below(w, 2))
        mach_port_destroy(SELF, set);
    mach_port_destroy(SELF, members[0]);
    if (set != MACH_PORT_NULL)
        mach_port_destroy(SELF, set); /* (or it is none any more) */
    mach_port_destroy(SELF, members[1]);
}

/* ---- memory ---- */

static void memory(struct worker *w)
{
    if (w->memory == 0) {
        w->memory_size = (1 + below(w, 32)) * PAGE_SIZE;
        if (vm_allocate(SELF, &w->memory, w->memory_size, TRUE) != KERN_SUCCESS)
            w->memory = 0;
        return;
    }
    for (vm_size_t i = 0; i < w->memory_size; i += PAGE_SIZE)
        *(volatile uint64_t *)(w->memory + i) = PATTERN ^ i;
    if (below(w, 2)) {
        vm_size_t half = trunc_page(w->memory_size / 2);

        vm_protect(SELF, w->memory, half, FALSE, VM_PROT_READ);
        vm_inherit(SELF, w->memory, half, below(w, 2) ? VM_INHERIT_NONE : VM_INHERIT_COPY);
        vm_protect(SELF, w->memory, half, FALSE, VM_PROT_READ | VM_PROT_WRITE);
    }
    for (vm_size_t i = 0; i < w->memory_size; i += PAGE_SIZE)
        CHECK(*(volatile uint64_t *)(w->memory + i) == (PATTERN ^ i));
    if (below(w, 2)) {
        vm_deallocate(SELF, w->memory, w->memory_size);
        w->memory = 0;
    }
}

/* ---- tasks and threads ---- */

/* In a task of its own, a copy of the worker: writes all over the copy. */
static void forked(uint64_t rounds)
{
    for (uint64_t i = 0; i < rounds; i++) {
        for (unsigned page = 0; page < AREA_PAGES; page++)
            *(volatile uint64_t *)(area + page * PAGE_SIZE) = rounds + i;
        mach_port_destroy(SELF, new_port());
        for (unsigned page = 0; page < AREA_PAGES; page++)
            CHECK(*(volatile uint64_t *)(area + page * PAGE_SIZE) == rounds + i);
    }
}

static void fork_one(struct worker *w)
{
    struct child child;

    if (w->forked != MACH_PORT_NULL) {
        if (below(w, 2))
            task_suspend(w->forked);
        task_terminate(w->forked);
        mach_port_deallocate(SELF, w->forked);
        w->forked = MACH_PORT_NULL;
        return;
    }
    if (child_make(&child) != KERN_SUCCESS)
        return;
    if (child_run(&child, forked, 1 + below(w, 20)) == KERN_SUCCESS)
        mach_port_deallocate(SELF, child.thread);
    w->forked = child.task;
}

/* A thread that waits, runs, faults and traps, and has no use for anything that could get stuck. */
static void victim(struct worker *w)
{
    struct small m;

    for (uint64_t i = 0;; i++) {
        mach_msg_trap(&m.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof(m), w->victim_port, i % 3,
                      MACH_PORT_NULL);
        thread_switch(MACH_PORT_NULL, SWITCH_OPTION_DEPRESS, 1);
        *(volatile char *)(area + i % AREA_PAGES * PAGE_SIZE) = 1;
        for (volatile int n = 0; n < 1000; n++)
            ;
        swtch_pri(0);
    }
}

static void victimize(struct worker *w)
{
    arm_thread_state64_t state = {
        .x[0] = (uint64_t)w,
        .sp = (uint64_t)w->victim_stack + sizeof(w->victim_stack),
        .pc = (uint64_t)victim,
    };
    mach_msg_type_number_t count = ARM_THREAD_STATE64_COUNT;

    if (w->victim == MACH_PORT_NULL) {
        if (w->victim_port == MACH_PORT_NULL)
            w->victim_port = new_port_send();
        if (thread_create_running(SELF, ARM_THREAD_STATE64, (thread_state_t)&state, count, &w->victim)
            != KERN_SUCCESS)
            w->victim = MACH_PORT_NULL;
        return;
    }
    switch (below(w, 7)) {
    case 0:
        thread_suspend(w->victim);
        if (thread_get_state(w->victim, ARM_THREAD_STATE64, (thread_state_t)&state, &count)
            == KERN_SUCCESS)
            CHECK(state.sp >= (uint64_t)w->victim_stack
                  && state.sp <= (uint64_t)w->victim_stack + sizeof(w->victim_stack));
        thread_resume(w->victim);
        break;
    case 1:
        thread_abort(w->victim);
        break;
    case 2:
        send_word(w->victim_port, MACH_MSG_TYPE_COPY_SEND, 1, MACH_SEND_TIMEOUT, 0);
        break;
    case 3:
        thread_switch(w->victim, SWITCH_OPTION_NONE, 0);
        break;
    case 4: /* somewhere else altogether */
        thread_suspend(w->victim);
        thread_abort(w->victim);
        thread_set_state(w->victim, ARM_THREAD_STATE64, (thread_state_t)&state, count);
        thread_resume(w->victim);
        break;
    case 5:
        mach_port_destroy(SELF, w->victim_port);
        w->victim_port = new_port_send();
        break;
    default:
        thread_terminate(w->victim);
        mach_port_deallocate(SELF, w->victim);
        w->victim = MACH_PORT_NULL;
        /* Its stack is the next one's: it has to be off it. */
        sleep_ms(5);
        break;
    }
}

static void semaphores(struct worker *w)
{
    semaphore_t semaphore;

    if (semaphore_create(SELF, &semaphore, below(w, 2) ? SYNC_POLICY_FIFO : SYNC_POLICY_FIXED_PRIORITY,
                         (int)below(w, 2)) != KERN_SUCCESS)
        return;
    semaphore_timedwait(semaphore, 0, below(w, 2000000));
    semaphore_signal(semaphore);
    CHECK(semaphore_timedwait(semaphore, 5, 0) != KERN_OPERATION_TIMED_OUT);
    if (below(w, 2))
        semaphore_destroy(SELF, semaphore);
    mach_port_deallocate(SELF, semaphore);
}

/* ---- the workers ---- */

static void *work(void *arg)
{
    struct worker *w = arg;

    while (!shared->stop) {
        unsigned step = below(w, 14);

        shared->step[w->number][w->thread] = step;
        switch (step) {
        case 0:
        case 1:
            send_letter(w);
            break;
        case 2:
        case 3:
        case 4:
            receive_letter(w, w->box);
            break;
        case 5:
            receive_letter(w, w->kept[below(w, KEPT)]);
            break;
        case 6:
        case 7:
            ask(w);
            break;
        case 8:
            notifications(w);
            break;
        case 9:
            sets(w);
            break;
        case 10:
            memory(w);
            break;
        case 11:
            if (below(w, 4) == 0)
                fork_one(w);
            break;
        case 12:
            victimize(w);
            break;
        case 13:
            semaphores(w);
            break;
        }
        shared->progress[w->number][w->thread]++;
    }
    return NULL;
}

static void worker_begin(uint64_t number)
{
    for (unsigned t = 0; t < 2; t++) {
        struct worker *w = &workers[t];

        memset(w, 0, sizeof(*w));
        w->number = (unsigned)number;
        w->thread = t;
        w->seed = storm_seed * 1000 + number * 2 + t + 1;
        w->box = shared->box[number];
    }
    cthread_fork(work, &workers[1]);
    work(&workers[0]);
    for (;;)
        sleep_ms(1000);
}

/* A worker, with a box, to which all others get send rights. */
static boolean_t worker_start(struct child *children, unsigned number)
{
    mach_port_t box = new_port_send();
    struct child *child = &children[number];

    child->task = child->thread = MACH_PORT_NULL;
    if (child_make(child) != KERN_SUCCESS) {
        mach_port_destroy(SELF, box);
        return FALSE;
    }
    mach_port_insert_right(child->task, box, box, MACH_MSG_TYPE_MOVE_RECEIVE);
    mach_port_insert_right(child->task, box, box, MACH_MSG_TYPE_COPY_SEND);
    shared->box[number] = box;
    storm_seed++;
    if (child_run(child, worker_begin, number) != KERN_SUCCESS) {
        task_terminate(child->task);
        mach_port_deallocate(SELF, child->task);
        child->task = MACH_PORT_NULL;
        return FALSE;
    }
    for (unsigned i = 0; i < WORKERS; i++) {
        if (i == number || children[i].task == MACH_PORT_NULL)
            continue;
        mach_port_insert_right(children[i].task, box, box, MACH_MSG_TYPE_COPY_SEND);
        mach_port_insert_right(child->task, shared->box[i], shared->box[i], MACH_MSG_TYPE_COPY_SEND);
    }
    return TRUE;
}

static void worker_end(struct child *children, unsigned number)
{
    child_end(&children[number]);
    children[number].task = MACH_PORT_NULL;
    mach_port_deallocate(SELF, shared->box[number]); /* dead by now, or about to be */
    shared->box[number] = MACH_PORT_NULL;
}

/* What those who may do to a task anything do to it. */
static void harass(struct worker *self, struct child *children, unsigned number)
{
    struct child *child = &children[number];

    switch (below(self, 6)) {
    case 0:
    case 1:
        task_suspend(child->task);
        if (below(self, 2))
            sleep_ms(1);
        task_resume(child->task);
        break;
    case 2:
    case 3:
        thread_abort(child->thread);
        break;
    case 4: {
        mach_port_array_t threads;
        mach_msg_type_number_t count;

        if (task_threads(child->task, &threads, &count) != KERN_SUCCESS)
            break;
        for (unsigned i = 0; i < count; i++) {
            thread_abort(threads[i]);
            mach_port_deallocate(SELF, threads[i]);
        }
        if (count != 0)
            vm_deallocate(SELF, (vm_address_t)threads, count * sizeof(*threads));
        break;
    }
    default:
        if (below(self, 4) != 0)
            break;
        worker_end(children, number);
        worker_start(children, number);
        break;
    }
}

/* A worker that dies between making a task and using it leaves a task that nobody holds. */
static void end_orphans(void)
{
    char own[32] = "", name[32];
    mach_port_array_t tasks;
    mach_msg_type_number_t count;

    task_get_name(SELF, own);
    if (host_tasks(test_host_priv(), &tasks, &count) != KERN_SUCCESS)
        return;
    for (unsigned i = 0; i < count; i++) {
        if (tasks[i] != SELF && task_get_name(tasks[i], name) == KERN_SUCCESS && strcmp(name, own) == 0)
            task_terminate(tasks[i]);
        mach_port_deallocate(SELF, tasks[i]);
    }
    vm_deallocate(SELF, (vm_address_t)tasks, count * sizeof(*tasks));
}

TEST(a_storm)
{
    static struct worker self;
    struct child children[WORKERS] = {{MACH_PORT_NULL, MACH_PORT_NULL}};
    uint64_t last[WORKERS][2] = {{0}}, since[WORKERS][2], end, total = 0;
    vm_address_t region = 0;

    REQUIRE_KR(vm_allocate(SELF, &region, round_page(sizeof(*shared)), TRUE), KERN_SUCCESS);
    REQUIRE_KR(vm_inherit(SELF, region, round_page(sizeof(*shared)), VM_INHERIT_SHARE), KERN_SUCCESS);
    shared = (struct shared *)region;
    storm_seed = boot_number("stress.seed", 1) * 1000;
    self.seed = storm_seed + 1;
    end = now_ms() + boot_number("stress.seconds", 3) * 1000;
    for (unsigned i = 0; i < WORKERS; i++) {
        EXPECT_TRUE(worker_start(children, i));
        since[i][0] = since[i][1] = now_ms();
    }
    while (now_ms() < end && shared->bad == 0) {
        unsigned number = below(&self, WORKERS);

        if (children[number].task == MACH_PORT_NULL)
            worker_start(children, number);
        else
            harass(&self, children, number);
        for (unsigned i = 0; i < WORKERS; i++)
            for (unsigned t = 0; t < 2; t++) {
                uint64_t now = shared->progress[i][t];

                if (now != last[i][t]) {
                    total += now - last[i][t];
                    last[i][t] = now;
                    since[i][t] = now_ms();
                } else if (now_ms() - since[i][t] > STUCK_SECONDS * 1000 && shared->bad == 0) {
                    shared->bad = 100000 + i * 1000 + t * 100 + shared->step[i][t];
                }
            }
        sleep_ms(below(&self, 4));
    }
    EXPECT_EQ(shared->bad, 0);
    EXPECT_TRUE(total > 0);
    test_report("# %lu steps", (unsigned long)total);
    shared->stop = 1;
    for (unsigned i = 0; i < WORKERS; i++)
        if (children[i].task != MACH_PORT_NULL)
            worker_end(children, i);
    for (int i = 0; i < 20; i++) { /* those who die may still be in the middle of task_create */
        sleep_ms(10);
        end_orphans();
    }
    vm_deallocate(SELF, region, round_page(sizeof(*shared)));
}

TEST_MAIN
