/*
 * The fuzzer, against every port that a Mach task can have: the kernel's, privileged ones too, and
 * those of the servers that run without a disk and that anyone can look up (posix_fuzz.c has the
 * others; the device and disk servers are given to drivers and file systems alone). A child
 * attacks; what it destroys of itself costs only the child, and another goes on where it died.
 * Nothing is expected of the answers. But the kernel lives, no server dies, and nothing is left
 * behind. Read fuzz.h and mach_child.h before.
 *
 * Boot arguments: seed=N (default 1), fuzz.count=N messages (default 500000);
 * fuzz.target=N, this target alone, to find out whose fault a leak is. With -icount the same seed
 * is the same run. `make stress` runs it with many seeds (grade/README.md).
 */
#define ZONE_SLACK (64 * 1024) /* name tables keep some leaves they once needed; no more */
#define PORTS_FEWER 1 /* that of leave_waits, if attackers have made the terminal answer at once */
#include "fuzz.h"
#include "mach_child.h"

#include <mach/device.h>
#include <mach/host_priv.h>
#include <mach/memory_object.h>
#include <mach/memory_object_control.h>
#include <mach/semaphore.h>
#include <ports.h>
#include <server_types.h>
#include <servers/bootstrap.h>
#include <servers/io.h>
#include <servers/tty.h>
#include <stdlib.h>
#include <termios.h>

TEST_LIMIT(300);

#define FRESH_EVERY 500   /* messages: then victims are made anew */
#define ATTACK_LENGTH 25000 /* then another attacker: this one has given too many of its rights away */

enum target_kind {
    TARGET_HOST,
    TARGET_HOST_PRIV,
    TARGET_CLOCK,
    TARGET_SEMAPHORE,
    TARGET_TASK,
    TARGET_THREAD,
    TARGET_CONTROL, /* a pager's memory control port */
    TARGET_MASTER,
    TARGET_DEVICE,
    TARGET_BOOTSTRAP,
    TARGET_TTY,
    TARGETS
};

/* Which ids a target answers to, and how long an answer is waited for (ms): the kernel's is
 * there at once. */
static const struct {
    mach_msg_id_t first, last;
    mach_msg_timeout_t wait;
    const char *service;
} targets[TARGETS] = {
    [TARGET_HOST] = {200, 299, 0, NULL},
    [TARGET_HOST_PRIV] = {200, 499, 0, NULL},
    [TARGET_CLOCK] = {1000, 1099, 0, NULL},
    [TARGET_SEMAPHORE] = {4000, 4099, 0, NULL},
    [TARGET_TASK] = {3200, 4099, 0, NULL},
    [TARGET_THREAD] = {3600, 3699, 0, NULL},
    [TARGET_CONTROL] = {2200, 2299, 0, NULL},
    [TARGET_MASTER] = {2800, 2899, 0, NULL},
    [TARGET_DEVICE] = {2800, 2899, 0, NULL},
    [TARGET_BOOTSTRAP] = {5000, 5099, 1, NULL},
    [TARGET_TTY] = {5100, 5499, 1, "tty"},
};

/* What is not tried, since it is rightly obeyed: the target (TARGETS: any), the routine, and
 * why. */
static const struct {
    enum target_kind target;
    const char *routine;
    const char *why;
} excluded[] = {
    {TARGETS, "host_reboot", "switches the machine off"},
    {TARGETS, "host_grade_log", "would write verdicts"},
    {TARGETS, "vm_set_default_memory_manager", "would make the attacker everybody's pager"},
    {TARGET_MASTER, "device_dma_allocate", "is kept until the port has no senders: the master always has"},
    {TARGET_TTY, "io_write", "writes to the console"},
    {TARGET_TTY, "io_pwrite", "writes to the console"},
    {TARGET_TTY, "tty_type", "types, and that is shown"},
    {TARGET_TTY, "tty_flow", "stops the console"},
};

/* Shared with the attacker. */
static struct progress {
    volatile uint64_t sent, answered, index;
    volatile uint64_t accepted[TARGETS], refused[TARGETS];
    volatile uint64_t last_id, last_target;
} *progress;

static mach_port_t target[TARGETS];
static mach_port_t pager;
static vm_address_t paged;
static uint64_t fuzz_count;
static unsigned only; /* this target, if it is one */

static mach_msg_id_t id_of(const char *routine)
{
    for (unsigned i = 0; i < FUZZ_ROUTINES; i++)
        if (strcmp(fuzz_routines[i].name, routine) == 0)
            return fuzz_routines[i].id;
    return 0;
}

static mach_msg_id_t excluded_id[sizeof(excluded) / sizeof(excluded[0])];

static boolean_t is_excluded(unsigned kind, mach_msg_id_t id)
{
    for (unsigned i = 0; i < sizeof(excluded) / sizeof(excluded[0]); i++)
        if (id == excluded_id[i] && (excluded[i].target == kind || excluded[i].target == TARGETS))
            return TRUE;
    return FALSE;
}

/* ---- what is attacked ---- */

/* The kernel waits here until the pager is ready: so it needs another thread. */
static void *map_paged(void *unused)
{
    if (vm_map(SELF, &paged, 16 * PAGE_SIZE, 0, TRUE, pager, 0, FALSE, VM_PROT_DEFAULT, VM_PROT_ALL,
               VM_INHERIT_NONE) != KERN_SUCCESS)
        paged = 0;
    return unused;
}

/* Maps memory whose pager we are, and takes the control port from the kernel's first message. */
static void make_control(void)
{
    cthread_t thread;
    struct {
        struct carrier m;
        char more[128];
    } init;

    pager = new_port_send();
    paged = 0;
    thread = cthread_fork(map_paged, NULL);
    /* Who watches aborts a wait that is long: then it is over, and not begun anew. */
    if (mach_msg(&init.m.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT | MACH_RCV_INTERRUPT, 0, sizeof(init), pager,
                 50, MACH_PORT_NULL) == MACH_MSG_SUCCESS) {
        target[TARGET_CONTROL] = init.m.port.name;
        memory_object_ready(target[TARGET_CONTROL], FALSE, MEMORY_OBJECT_COPY_DELAY);
    } else { /* the mapping fails with its pager */
        mach_port_destroy(SELF, pager);
        pager = MACH_PORT_NULL;
    }
    if (thread != NULL)
        cthread_join(thread);
}

static void drop_victims(void)
{
    if (target[TARGET_TASK] != MACH_PORT_NULL)
        task_terminate(target[TARGET_TASK]);
    if (target[TARGET_SEMAPHORE] != MACH_PORT_NULL)
        semaphore_destroy(SELF, target[TARGET_SEMAPHORE]);
    for (unsigned k = TARGET_SEMAPHORE; k <= TARGET_CONTROL; k++)
        if (target[k] != MACH_PORT_NULL)
            mach_port_destroy(SELF, target[k]);
    if (paged != 0)
        vm_deallocate(SELF, paged, 16 * PAGE_SIZE);
    if (pager != MACH_PORT_NULL)
        mach_port_destroy(SELF, pager);
    if (target[TARGET_DEVICE] != MACH_PORT_NULL)
        mach_port_destroy(SELF, target[TARGET_DEVICE]);
    paged = 0;
}

static void make_victims(void)
{
    for (unsigned k = TARGET_SEMAPHORE; k <= TARGET_CONTROL; k++)
        target[k] = MACH_PORT_NULL;
    target[TARGET_DEVICE] = MACH_PORT_NULL;
    if (task_create(SELF, TRUE, &target[TARGET_TASK]) == KERN_SUCCESS)
        thread_create(target[TARGET_TASK], &target[TARGET_THREAD]);
    semaphore_create(SELF, &target[TARGET_SEMAPHORE], SYNC_POLICY_FIFO, 1);
    make_control();
    device_create(target[TARGET_MASTER], 0, 0, 0, &target[TARGET_DEVICE]);
    for (unsigned k = TARGET_SEMAPHORE; k <= TARGET_DEVICE; k++)
        if (k != TARGET_MASTER && target[k] != MACH_PORT_NULL)
            mach_port_mod_refs(SELF, target[k], MACH_PORT_RIGHT_SEND, 10);
}

static void find_targets(void)
{
    mach_port_t bootstrap = MACH_PORT_NULL;

    target[TARGET_HOST] = mach_host_self();
    host_get_clock_service(target[TARGET_HOST], SYSTEM_CLOCK, &target[TARGET_CLOCK]);
    host_get_special_port(target[TARGET_HOST_PRIV], HOST_DEVICE_PORT, &target[TARGET_MASTER]);
    task_get_special_port(SELF, TASK_BOOTSTRAP_PORT, &bootstrap);
    target[TARGET_BOOTSTRAP] = bootstrap;
    for (unsigned k = 0; k < TARGETS; k++)
        if (targets[k].service != NULL)
            bootstrap_look_up(bootstrap, (char *)targets[k].service, &target[k]);
    for (unsigned k = 0; k < TARGETS; k++)
        if (target[k] != MACH_PORT_NULL)
            mach_port_mod_refs(SELF, target[k], MACH_PORT_RIGHT_SEND, FUZZ_REFS);
}

/* ---- the attacker ---- */

static void shoot(unsigned kind)
{
    boolean_t storm = below(16) == 0; /* no answer is waited for */
    mach_msg_return_t mr;
    uint32_t size;

    if (kind == TARGET_BOOTSTRAP)
        port_count = 0; /* a name registered for a port that outlives the attacker stays, as it should */
    size = fuzz_message(target[kind], targets[kind].first, targets[kind].last);
    if (is_excluded(kind, fuzz.header.msgh_id))
        return;
    if (fuzz.header.msgh_remote_port != target[kind])
        return; /* spoilt: to our own task, say */
    progress->last_id = (uint64_t)fuzz.header.msgh_id;
    progress->last_target = kind;
    mr = mach_msg_trap(&fuzz.header, storm ? MACH_SEND_MSG | MACH_SEND_TIMEOUT
                       : MACH_SEND_MSG | MACH_RCV_MSG | MACH_SEND_TIMEOUT | MACH_RCV_TIMEOUT, size,
                       sizeof(fuzz), fuzz_reply, targets[kind].wait, MACH_PORT_NULL);
    progress->sent++;
    if (mr == MACH_MSG_SUCCESS || (mr >= MACH_RCV_IN_PROGRESS && mr < MACH_RCV_IN_PROGRESS + 0x1000))
        progress->accepted[kind]++;
    else
        progress->refused[kind]++;
    if (mr == MACH_MSG_SUCCESS && !storm) {
        progress->answered++;
        mach_msg_destroy(&fuzz.header);
    } else if (mr == MACH_SEND_TIMED_OUT) {
        mach_msg_destroy(&fuzz.header); /* it came back */
        sleep_ms(1);
    }
}

static void attack(uint64_t with_seed)
{
    fuzz_begin(with_seed);
    find_targets();
    make_victims();
    for (uint64_t i = 1; i <= ATTACK_LENGTH && progress->sent < fuzz_count; i++) {
        port_count = 0;
        for (unsigned k = 0; k < TARGETS; k++)
            if (k != TARGET_HOST_PRIV && target[k] != MACH_PORT_NULL)
                ports[port_count++] = target[k];
        ports[port_count++] = SELF;
        shoot(only < TARGETS ? only : (unsigned)below(TARGETS));
        if (i % 64 == 0)
            fuzz_drain();
        if (i % FRESH_EVERY == 0) {
            drop_victims();
            fuzz_names_again();
            make_victims();
        }
        progress->index++;
    }
    drop_victims();
}

/* ---- who watches ---- */

static boolean_t attacker_start(struct child *child, uint64_t with_seed)
{
    if (child_make(child) != KERN_SUCCESS)
        return FALSE;
    task_set_exception_ports(child->task, EXC_MASK_ALL, MACH_PORT_NULL, EXCEPTION_DEFAULT,
                             ARM_THREAD_STATE64);
    return mach_port_insert_right(child->task, test_host_priv(), test_host_priv(), MACH_MSG_TYPE_COPY_SEND)
               == KERN_SUCCESS
           && child_run(child, attack, with_seed) == KERN_SUCCESS;
}

/* The tasks there were; any others at the end were made by attackers, who may have lost them. */
static mach_port_array_t tasks;
static mach_msg_type_number_t task_count;

static void end_other_tasks(void)
{
    mach_port_array_t now;
    mach_msg_type_number_t count;

    if (host_tasks(test_host_priv(), &now, &count) != KERN_SUCCESS)
        return;
    for (unsigned i = 0; i < count; i++) {
        unsigned k = 0;

        while (k < task_count && tasks[k] != now[i])
            k++;
        if (k == task_count)
            task_terminate(now[i]);
        mach_port_deallocate(SELF, now[i]);
    }
    vm_deallocate(SELF, (vm_address_t)now, count * sizeof(*now));
}

/*
 * A read and a poll of the terminal by a client that dies then. The server notices with the next
 * one's: so this drops what attackers left there, and leaves one of its own, before and after.
 */
static void leave_waits(void)
{
    mach_port_t bootstrap, tty;
    io_stat_t stat;

    REQUIRE_KR(task_get_special_port(SELF, TASK_BOOTSTRAP_PORT, &bootstrap), KERN_SUCCESS);
    REQUIRE_KR(bootstrap_look_up(bootstrap, "tty", &tty), KERN_SUCCESS);
    fuzz_reply = new_port();
    for (unsigned i = 0; i < FUZZ_ROUTINES; i++) {
        uint32_t size;

        if (strcmp(fuzz_routines[i].name, "io_read") != 0 && strcmp(fuzz_routines[i].name, "io_poll") != 0)
            continue;
        size = fuzz_well_formed(tty, &fuzz_routines[i]);
        fuzz_put(sizeof(mach_msg_header_t), IO_POLL_IN, 4); /* the events, or the amount */
        fuzz_put(sizeof(mach_msg_header_t) + 4, 1, 4);
        EXPECT_KR(mach_msg(&fuzz.header, MACH_SEND_MSG, size, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL),
                  MACH_MSG_SUCCESS);
    }
    io_stat(tty, &stat); /* when that is answered the server has both */
    mach_port_destroy(SELF, fuzz_reply);
    mach_port_deallocate(SELF, tty);
    mach_port_deallocate(SELF, bootstrap);
}

/* What the attackers may change, as it was. */
static tty_attr_t modes;

static void keep_modes(boolean_t restore)
{
    mach_port_t bootstrap, tty;

    REQUIRE_KR(task_get_special_port(SELF, TASK_BOOTSTRAP_PORT, &bootstrap), KERN_SUCCESS);
    REQUIRE_KR(bootstrap_look_up(bootstrap, "tty", &tty), KERN_SUCCESS);
    EXPECT_KR(restore ? tty_set_attr(tty, TCSAFLUSH, modes) : tty_get_attr(tty, &modes), KERN_SUCCESS);
    mach_port_deallocate(SELF, tty);
    mach_port_deallocate(SELF, bootstrap);
}

TEST(baseline_is_taken)
{
    seed = 1;
    keep_modes(FALSE);
    leave_waits();
    REQUIRE_KR(host_tasks(test_host_priv(), &tasks, &task_count), KERN_SUCCESS);
    take_baseline();
}

TEST(nothing_falls)
{
    vm_size_t size = round_page(sizeof(*progress));
    uint64_t with_seed = boot_number("seed", 1) * 1000, last = 0, deaths = 0;
    vm_address_t region = 0;
    struct child child;
    int still = 0;

    fuzz_count = boot_number("fuzz.count", 500000);
    only = (unsigned)boot_number("fuzz.target", TARGETS);
    REQUIRE_KR(vm_allocate(SELF, &region, size, TRUE), KERN_SUCCESS);
    REQUIRE_KR(vm_inherit(SELF, region, size, VM_INHERIT_SHARE), KERN_SUCCESS);
    progress = (struct progress *)region;
    target[TARGET_HOST_PRIV] = test_host_priv();
    for (unsigned i = 0; i < sizeof(excluded) / sizeof(excluded[0]); i++) {
        excluded_id[i] = id_of(excluded[i].routine);
        EXPECT_TRUE(excluded_id[i] != 0);
    }
    REQUIRE_TRUE(attacker_start(&child, with_seed));
    while (progress->sent < fuzz_count && still < 2000) {
        sleep_ms(2);
        if (type_of(child.task) & MACH_PORT_TYPE_DEAD_NAME) { /* done, or a part of its memory went */
            child_end(&child);
            deaths++;
            REQUIRE_TRUE(deaths < fuzz_count / 100 + 10 && attacker_start(&child, with_seed + deaths));
        }
        still = progress->index == last ? still + 1 : 0;
        last = progress->index;
        if (still > 3) { /* it waits, or has suspended itself */
            thread_abort(child.thread);
            thread_resume(child.thread);
            task_resume(child.task);
        }
    }
    child_end(&child);
    end_other_tasks();
    keep_modes(TRUE);
    leave_waits();
    test_report("# %lu messages, %lu answers; %lu attackers", progress->sent, progress->answered, deaths + 1);
    for (unsigned k = 0; k < TARGETS; k++)
        test_report("# target %u: %lu taken, %lu refused", k, progress->accepted[k], progress->refused[k]);
    EXPECT_TRUE(progress->sent >= fuzz_count);
    for (unsigned k = 0; k < TARGETS; k++)
        EXPECT_TRUE(progress->accepted[k] > 0 || only < TARGETS);
    vm_deallocate(SELF, region, size);
}

/* The servers that were there are there still, and the same ones: startup would have been told
 * of a death. */
TEST(servers_answer)
{
    static const char *const names[] = {"tty", "file", "pipe", "proc"};
    mach_port_t bootstrap, port;

    REQUIRE_KR(task_get_special_port(SELF, TASK_BOOTSTRAP_PORT, &bootstrap), KERN_SUCCESS);
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        EXPECT_KR(bootstrap_look_up(bootstrap, (char *)names[i], &port), KERN_SUCCESS);
        mach_port_deallocate(SELF, port);
    }
    mach_port_deallocate(SELF, bootstrap);
}

TEST_NOTHING_LEAKED

TEST_MAIN
