/*
 * A hostile program: wild values in every argument of every Mach trap, and random messages to every port
 * of the kernel's that a task can name. Nothing is expected of the answers, but that they come, that the
 * kernel lives, and that nothing is left behind. All values come from a seeded generator, so that a
 * failure comes again. Children do the worst of it, since they may well destroy themselves.
 */
#include "hostile.h"
#include "mach_child.h"

#include <mach/clock.h>
#include <mach/memory_object.h>
#include <mach/semaphore.h>

TEST_LIMIT(60);
#define TRAP_ROUNDS    300 /* a trap */
#define MESSAGE_ROUNDS 1500 /* a port */

/* ---- traps ---- */

static uint64_t raw_trap(int number, const uint64_t a[8])
{
    register uint64_t x0 __asm__("x0") = a[0];
    register uint64_t x1 __asm__("x1") = a[1];
    register uint64_t x2 __asm__("x2") = a[2];
    register uint64_t x3 __asm__("x3") = a[3];
    register uint64_t x4 __asm__("x4") = a[4];
    register uint64_t x5 __asm__("x5") = a[5];
    register uint64_t x6 __asm__("x6") = a[6];
    register uint64_t x7 __asm__("x7") = a[7];
    register uint64_t x16 __asm__("x16") = (uint64_t)number;

    __asm__ volatile("svc #0x80"
                     : "+r"(x0), "+r"(x16)
                     : "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5), "r"(x6), "r"(x7)
                     : "x17", "cc", "memory");
    return x0;
}

static const int traps[] = {
    MACH_TRAP_vm_allocate,        MACH_TRAP_vm_deallocate,
    MACH_TRAP_reply_port,         MACH_TRAP_thread_self,      MACH_TRAP_task_self,
    MACH_TRAP_host_self,          MACH_TRAP_msg,              MACH_TRAP_semaphore_signal,
    MACH_TRAP_semaphore_signal_all, MACH_TRAP_semaphore_signal_thread, MACH_TRAP_semaphore_wait,
    MACH_TRAP_semaphore_wait_signal, MACH_TRAP_semaphore_timedwait, MACH_TRAP_swtch_pri,
    MACH_TRAP_swtch,              MACH_TRAP_thread_switch,    MACH_TRAP_clock_sleep,
    MACH_TRAP_wait_until,         MACH_TRAP_debug_print,      MACH_TRAP_thread_set_self_state,
};
#define TRAP_COUNT ((int)(sizeof traps / sizeof *traps))

/* How far the child has come: a trap that blocks is no fault, so it is moved on from outside. */
static volatile uint64_t trap_index, trap_round;

/*
 * Excluded: debug_print with a range that can be read, which would only fill the console; vm_deallocate; and
 * thread_set_self_state of the thread state, which rightly sends the thread anywhere: its number stays,
 * its flavor does not (a_state_of_ones_own_sends_it_anywhere tries that).
 */
static boolean_t excluded(int trap, uint64_t a[8])
{
    if (trap == MACH_TRAP_debug_print) {
        a[1] = below(2) ? below(4) : rnd();
        return a[0] >= 0x400000 && a[0] < VM_MAX_ADDRESS && a[1] > 8;
    }
    if (trap == MACH_TRAP_vm_deallocate) /* of its own code */
        return (mach_port_t)a[0] == mach_task_self();
    if (trap == MACH_TRAP_thread_set_self_state)
        return (int)a[0] == ARM_THREAD_STATE64 || (int)a[0] == ARM_TLS_STATE64;
    return FALSE;
}

static void try_traps(uint64_t first)
{
    /* What is tried must be in this task's own space. */
    for (int i = 0; i < 4; i++)
        ports[port_count++] = mach_reply_port();
    ports[port_count++] = mach_thread_self();
    ports[port_count++] = mach_task_self();
    ports[port_count++] = mach_host_self();
    for (; trap_index < TRAP_COUNT; trap_index++)
        for (trap_round = 0; trap_round < TRAP_ROUNDS; trap_round++) {
            int trap = traps[trap_index];
            uint64_t a[8];

            for (int i = 0; i < 8; i++)
                a[i] = wild();
            fill_wild(area, 256);
            if (trap == MACH_TRAP_msg) {
                a[0] = below(3) ? (uint64_t)area + 4 * below(64) : a[0];
                a[1] = below(2) ? a[1] | MACH_SEND_TIMEOUT | MACH_RCV_TIMEOUT : a[1];
                a[2] = below(2) ? 24 + 4 * below(32) : a[2];
                a[3] = below(2) ? below(4096) : a[3];
                a[5] = below(8) ? 0 : a[5];
            }
            if (!excluded(trap, a))
                raw_trap(trap, a);
        }
    trap_index = 1000; /* through */
    for (;;)
        sleep_ms(1000);
}

TEST(wild_arguments_in_every_trap)
{
    uint64_t index = 0, round = 0, last_index = ~0UL, last_round = ~0UL;
    struct child child;
    int deaths = 0, stuck = 0;

    seed = 0x05714;
    trap_index = 0;
    REQUIRE_KR(child_make(&child), KERN_SUCCESS);
    REQUIRE_KR(task_set_exception_ports(child.task, EXC_MASK_ALL, MACH_PORT_NULL, EXCEPTION_DEFAULT,
                                        ARM_THREAD_STATE64), KERN_SUCCESS);
    REQUIRE_KR(child_run(&child, try_traps, 0), KERN_SUCCESS);
    while (deaths < 200) {
        sleep_ms(2);
        if (peek(child.task, &trap_index, &index) != KERN_SUCCESS
            || (type_of(child.thread) & MACH_PORT_TYPE_DEAD_NAME)) {
            /* A wild message to its own task port may have ended it. Go on with the next trap. */
            child_end(&child);
            seed = 0x05714 + ++deaths;
            trap_index = last_index == ~0UL ? 0 : last_index + (deaths % 4 == 0);
            REQUIRE_KR(child_make(&child), KERN_SUCCESS);
            REQUIRE_KR(task_set_exception_ports(child.task, EXC_MASK_ALL, MACH_PORT_NULL,
                                                EXCEPTION_DEFAULT, ARM_THREAD_STATE64), KERN_SUCCESS);
            REQUIRE_KR(child_run(&child, try_traps, 0), KERN_SUCCESS);
            continue;
        }
        if (index == 1000)
            break;
        if (peek(child.task, &trap_round, &round) != KERN_SUCCESS)
            continue;
        stuck = index == last_index && round == last_round ? stuck + 1 : 0;
        last_index = index;
        last_round = round;
        if (stuck > 0) { /* it waits: call it back, or it suspended itself: let it go on */
            thread_abort(child.thread);
            thread_resume(child.thread);
            task_resume(child.task);
        }
    }
    EXPECT_EQ(index, 1000);
    child_end(&child);
}

static void wander(uint64_t arg)
{
    arm_thread_state64_t state;

    seed = arg;
    fill_wild(&state, sizeof state);
    state.pc = wild();
    state.sp = wild();
    thread_set_self_state(ARM_THREAD_STATE64, &state, ARM_THREAD_STATE64_COUNT);
}

TEST(a_state_of_ones_own_sends_it_anywhere)
{
    for (int i = 0; i < 30; i++) {
        struct child child;

        REQUIRE_KR(child_make(&child), KERN_SUCCESS);
        REQUIRE_KR(task_set_exception_ports(child.task, EXC_MASK_ALL, MACH_PORT_NULL,
                                            EXCEPTION_DEFAULT, ARM_THREAD_STATE64), KERN_SUCCESS);
        REQUIRE_KR(child_run(&child, wander, i + 1), KERN_SUCCESS);
        sleep_ms(3);
        child_end(&child);
    }
}

/* ---- messages to the kernel ---- */

/* Sends it, and destroys the answer. */
static void exchange(mach_msg_size_t size)
{
    mach_msg_return_t mr;

    mr = mach_msg_trap(&message.header, MACH_SEND_MSG | MACH_RCV_MSG | MACH_SEND_TIMEOUT
                       | MACH_RCV_TIMEOUT, size, sizeof message, mig_get_reply_port(), 0,
                       MACH_PORT_NULL);
    if (mr == MACH_MSG_SUCCESS) {
        message.header.msgh_remote_port = MACH_PORT_NULL;
        mach_msg_destroy(&message.header);
    }
}

/*
 * The requests a child may send to its ports. Excluded, since they rightly end or stop it:
 *   task_terminate, task_suspend, thread_terminate, thread_suspend, thread_set_state: its own end;
 *   task_set_emulation, *_set_exception_ports: nothing is there to answer;
 *   vm_deallocate, vm_protect, vm_write, vm_copy, vm_map, vm_remap, vm_allocate (over its own code and
 *   data), mach_port_destroy, _mod_refs, _deallocate, _rename, _insert_right, _move/_insert_member (its
 *   reply port goes): tried on a victim task instead, where anything goes.
 */
static boolean_t harmless(mach_msg_id_t id, boolean_t victim)
{
    static const mach_msg_id_t own_end[] = {3401, 3402, 3408, 3410, 3602, 3603, 3608, 3613};
    static const mach_msg_id_t own_harm[] = {3800, 3801, 3802, 3805, 3806, 3807, 3808};

    if (victim)
        return TRUE;
    for (unsigned i = 0; i < sizeof own_end / sizeof *own_end; i++)
        if (id == own_end[i])
            return FALSE;
    for (unsigned i = 0; i < sizeof own_harm / sizeof *own_harm; i++)
        if (id == own_harm[i])
            return FALSE;
    return id < 3200 || id >= 3300;
}

/* The subsystems that the kernel serves. */
static const mach_msg_id_t bases[] = {200, 400, 1000, 2200, 2240, 2401, 2800, 3200, 3400,
                                      3600, 3800, 617200, 64};

static volatile uint64_t messages_sent;

/* In a child: ports[0] to shower; ports[1] is the victim's own, if there is one. */
static void shower(uint64_t victim)
{
    in_child = TRUE;
    for (messages_sent = 0; messages_sent < MESSAGE_ROUNDS; messages_sent++) {
        mach_msg_id_t id = bases[below(sizeof bases / sizeof *bases)] + (mach_msg_id_t)below(45);

        if (below(20) == 0)
            id = (mach_msg_id_t)wild();
        if (harmless(id, victim))
            exchange(random_message(ports[0], id));
    }
    messages_sent = ~0UL;
    for (;;)
        sleep_ms(1000);
}

/* Lets a child shower `port`; it may well end itself. */
static void shower_from_child(mach_port_t port, boolean_t victim, uint64_t with_seed)
{
    struct child child;
    uint64_t sent = 0, last = 0;
    int still = 0;

    seed = with_seed;
    ports[0] = port;
    port_count = 1;
    REQUIRE_KR(child_make(&child), KERN_SUCCESS);
    REQUIRE_KR(child_give(&child, port), KERN_SUCCESS);
    REQUIRE_KR(child_run(&child, shower, victim), KERN_SUCCESS);
    while (still < 500 && !(type_of(child.task) & MACH_PORT_TYPE_DEAD_NAME)) {
        sleep_ms(2);
        if (peek(child.task, &messages_sent, &sent) != KERN_SUCCESS || sent == ~0UL)
            break;
        still = sent == last ? still + 1 : 0;
        last = sent;
        if (still > 3) {
            thread_abort(child.thread);
            thread_resume(child.thread);
            task_resume(child.task);
        }
    }
    EXPECT_TRUE(still < 500);
    child_end(&child);
}

TEST(random_messages_to_the_host)
{
    host_t host = mach_host_self();

    shower_from_child(host, TRUE, 1);
    mach_port_deallocate(SELF, host);
}

TEST(random_messages_to_the_clock)
{
    host_t host = mach_host_self();
    clock_serv_t clock;

    REQUIRE_KR(host_get_clock_service(host, SYSTEM_CLOCK, &clock), KERN_SUCCESS);
    shower_from_child(clock, TRUE, 2);
    mach_port_deallocate(SELF, clock);
    mach_port_deallocate(SELF, host);
}

TEST(random_messages_to_a_semaphore)
{
    semaphore_t semaphore;

    REQUIRE_KR(semaphore_create(SELF, &semaphore, SYNC_POLICY_FIFO, 1), KERN_SUCCESS);
    shower_from_child(semaphore, TRUE, 3);
    semaphore_destroy(SELF, semaphore);
    mach_port_deallocate(SELF, semaphore);
}

TEST(random_messages_to_a_task)
{
    for (uint64_t i = 0; i < 4; i++) {
        struct child victim;

        REQUIRE_KR(child_make(&victim), KERN_SUCCESS);
        shower_from_child(victim.task, TRUE, 40 + i);
        child_end(&victim);
    }
}

TEST(random_messages_to_a_thread)
{
    for (uint64_t i = 0; i < 4; i++) {
        struct child victim;

        REQUIRE_KR(child_make(&victim), KERN_SUCCESS);
        REQUIRE_KR(thread_create(victim.task, &victim.thread), KERN_SUCCESS);
        shower_from_child(victim.thread, TRUE, 50 + i);
        child_end(&victim);
    }
}

static void shower_self(uint64_t with_seed)
{
    ports[0] = with_seed & 1 ? mach_task_self() : mach_thread_self_cached();
    port_count = 1;
    shower(FALSE);
}

TEST(random_messages_to_itself)
{
    for (uint64_t i = 0; i < 4; i++) {
        struct child child;
        uint64_t sent = 0, last = 0;
        int still = 0;

        seed = 60 + i;
        REQUIRE_KR(child_make(&child), KERN_SUCCESS);
        REQUIRE_KR(child_run(&child, shower_self, i), KERN_SUCCESS);
        while (still < 500 && !(type_of(child.task) & MACH_PORT_TYPE_DEAD_NAME)) {
            sleep_ms(2);
            if (peek(child.task, &messages_sent, &sent) != KERN_SUCCESS || sent == ~0UL)
                break;
            still = sent == last ? still + 1 : 0;
            last = sent;
        }
        child_end(&child);
    }
}

TEST(random_messages_between_tasks)
{
    mach_port_t port = new_port_send();

    seed = 7;
    ports[0] = port;
    port_count = 1;
    for (int i = 0; i < MESSAGE_ROUNDS; i++) {
        mach_msg_size_t size = random_message(port, (mach_msg_id_t)wild());

        if (mach_msg_trap(&message.header, MACH_SEND_MSG | MACH_SEND_TIMEOUT, size, 0, MACH_PORT_NULL,
                          0, MACH_PORT_NULL) != MACH_MSG_SUCCESS)
            continue;
        if (mach_msg_trap(&message.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof message, port, 0,
                          MACH_PORT_NULL) == MACH_MSG_SUCCESS)
            mach_msg_destroy(&message.header);
    }
    mach_port_destroy(SELF, port);
    mig_dealloc_reply_port(mig_get_reply_port()); /* with the notifications that came to it */
}

/* ---- notifications that the kernel did not send ---- */

TEST(a_forged_notification_is_told_apart)
{
    mach_port_t port = new_port_send();
    struct small m = {.header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
                                 .msgh_remote_port = port, .msgh_id = MACH_NOTIFY_NO_SENDERS}};

    REQUIRE_KR(mach_msg(&m.header, MACH_SEND_MSG, SMALL_SIZE, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL),
               MACH_MSG_SUCCESS);
    REQUIRE_KR(mach_msg(&m.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT
                        | MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_SENDER), 0, sizeof m, port, 0,
                        MACH_PORT_NULL), MACH_MSG_SUCCESS);
    EXPECT_TRUE(!mach_msg_from_kernel(&m.header));
    mach_port_destroy(SELF, port);
}

TEST(an_inline_trailer_is_not_the_kernels)
{
    struct {
        mach_msg_header_t header;
        mach_msg_security_trailer_t forged; /* all zeros but for its size */
        mach_msg_security_trailer_t room;
    } m;
    mach_port_t port = new_port_send();

    memset(&m, 0, sizeof m);
    m.header.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0);
    m.header.msgh_remote_port = port;
    m.forged.msgh_trailer_size = sizeof m.forged;
    REQUIRE_KR(mach_msg(&m.header, MACH_SEND_MSG, offsetof(typeof(m), room), 0, MACH_PORT_NULL, 0,
                        MACH_PORT_NULL), MACH_MSG_SUCCESS);
    REQUIRE_KR(mach_msg(&m.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT
                        | MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_SENDER), 0, sizeof m, port, 0,
                        MACH_PORT_NULL), MACH_MSG_SUCCESS);
    EXPECT_TRUE(!mach_msg_from_kernel(&m.header));
    mach_port_destroy(SELF, port);
}

/* ---- hogs ---- */

#define HOG_STEP (64 * PAGE_SIZE)

static volatile uint64_t hogged;

static void hog_memory(uint64_t arg)
{
    for (;;) {
        vm_address_t a = 0;

        if (vm_allocate(SELF, &a, HOG_STEP, TRUE) != KERN_SUCCESS)
            break;
        for (vm_size_t i = 0; i < HOG_STEP; i += PAGE_SIZE)
            *(volatile char *)(a + i) = 1; /* ends here with an exception, or is refused above */
        hogged++;
    }
    for (;;)
        sleep_ms(1000);
}

TEST(a_memory_hog_ends_itself_alone)
{
    uint64_t now = 0, last = ~0UL;
    struct child child;
    vm_address_t a = 0;
    int still = 0;

    hogged = 0;
    REQUIRE_KR(child_make(&child), KERN_SUCCESS);
    REQUIRE_KR(task_set_exception_ports(child.task, EXC_MASK_ALL, MACH_PORT_NULL, EXCEPTION_DEFAULT,
                                        ARM_THREAD_STATE64), KERN_SUCCESS);
    REQUIRE_KR(child_run(&child, hog_memory, 0), KERN_SUCCESS);
    while (still < 100 && !(type_of(child.task) & MACH_PORT_TYPE_DEAD_NAME)) {
        sleep_ms(10);
        if (peek(child.task, &hogged, &now) == KERN_SUCCESS)
            still = now == last ? still + 1 : 0;
        last = now;
    }
    child_end(&child);
    for (int tries = 0; tries < 500; tries++) {
        struct host_counters c;

        counters(&c);
        if (c.free_pages > baseline.free_pages / 2)
            break;
        sleep_ms(10);
    }
    EXPECT_KR(vm_allocate(SELF, &a, 100 * PAGE_SIZE, TRUE), KERN_SUCCESS);
    memset((void *)a, 1, 100 * PAGE_SIZE);
    EXPECT_KR(vm_deallocate(SELF, a, 100 * PAGE_SIZE), KERN_SUCCESS);
}

static void hog_names(uint64_t arg)
{
    mach_port_t name;

    while (mach_port_allocate(SELF, MACH_PORT_RIGHT_RECEIVE, &name) == KERN_SUCCESS && hogged < 50000)
        hogged++;
    hogged = ~0UL;
    for (;;)
        sleep_ms(1000);
}

TEST(a_port_hog_is_refused_or_cleaned_up)
{
    uint64_t now = 0;
    struct child child;

    hogged = 0;
    REQUIRE_KR(child_make(&child), KERN_SUCCESS);
    REQUIRE_KR(child_run(&child, hog_names, 0), KERN_SUCCESS);
    for (int ms = 0; ms < 20000 && now != ~0UL; ms += 10) {
        sleep_ms(10);
        if (peek(child.task, &hogged, &now) != KERN_SUCCESS)
            break;
    }
    EXPECT_TRUE(now == ~0UL);
    child_end(&child);
}

TEST_MAIN
