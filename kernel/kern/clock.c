/*
 * The system clock: time since boot, alarms, and the traps that sleep. Read mach/clock.defs and the
 * last part of kern/sched.h first. The time of day is calendar.c's.
 *
 * An alarm is a message made ready beforehand, so that its timer, which goes off in an interrupt,
 * has only to send it. It belongs to the task that set it, and dies with it.
 */
#include <ipc/ipc_kmsg.h>
#include <ipc/ipc_kobject.h>
#include <ipc/ipc_port.h>
#include <kern/debug.h>
#include <kern/host.h>
#include <kern/ledger.h>
#include <kern/task.h>
#include <kern/traps.h>
#include <kern/zone.h>
#include <mach/clock_reply.h>
#include <mach/clock_server.h>

#define NSEC_PER_SEC 1000000000L

struct clock {
    struct ipc_port *port;
};

struct alarm {
    struct timer timer;
    struct ipc_kmsg *kmsg;   /* with the send-once right */
    struct task *task;       /* who set it; a reference */
    struct queue task_link;  /* in task->alarms: owned by LOCK_TASK; unlinked: on its way out */
};

static struct clock system_clock;
static zone_t alarm_zone;

/* A checked time from a user program as nanoseconds; far away if it does not fit. */
static kern_return_t nanoseconds(int64_t seconds, int64_t nsec, uint64_t *ns)
{
    if (seconds < 0 || nsec < 0 || nsec >= NSEC_PER_SEC)
        return KERN_INVALID_VALUE;
    if (__builtin_mul_overflow((uint64_t)seconds, (uint64_t)NSEC_PER_SEC, ns)
        || __builtin_add_overflow(*ns, (uint64_t)nsec, ns))
        *ns = ~0UL; /* five hundred years */
    return KERN_SUCCESS;
}

/* The deadline for a time of either type. */
static kern_return_t deadline_of(int type, int64_t seconds, int64_t nsec, uint64_t *deadline)
{
    uint64_t hz = machine_time_frequency();
    uint64_t ns;
    kern_return_t kr = nanoseconds(seconds, nsec, &ns);

    if (kr != KERN_SUCCESS)
        return kr;
    if (type == TIME_RELATIVE) {
        *deadline = deadline_after_ns(ns);
        return KERN_SUCCESS;
    }
    if (type != TIME_ABSOLUTE)
        return KERN_INVALID_VALUE;
    *deadline = ns / NSEC_PER_SEC * hz + (ns % NSEC_PER_SEC * hz + NSEC_PER_SEC - 1) / NSEC_PER_SEC;
    *deadline = MAX(*deadline, 1UL); /* 0 would be no deadline */
    return KERN_SUCCESS;
}

kern_return_t clock_get_time(clock_serv_t clock, time_value64_t *now)
{
    if (clock == NULL)
        return KERN_INVALID_ARGUMENT;
    time_from_machine(machine_time(), now);
    return KERN_SUCCESS;
}

kern_return_t clock_get_attributes(clock_serv_t clock, int flavor, clock_attr_t attribute,
                                   mach_msg_type_number_t *count)
{
    if (clock == NULL || *count < 1)
        return KERN_INVALID_ARGUMENT;
    if (flavor != CLOCK_GET_TIME_RES && (flavor < CLOCK_ALARM_CURRES || flavor > CLOCK_ALARM_MAXRES))
        return KERN_INVALID_VALUE;
    attribute[0] = MAX(1, NSEC_PER_SEC / (int64_t)machine_time_frequency());
    *count = 1;
    return KERN_SUCCESS;
}

/* ---- alarms ---- */

/* Takes the alarm off its task's list: true for one caller, who goes on to free it. */
static bool alarm_take(struct alarm *alarm)
{
    bool taken;

    spin_lock(&alarm->task->lock);
    taken = !queue_unlinked(&alarm->task_link);
    if (taken)
        queue_remove(&alarm->task_link);
    spin_unlock(&alarm->task->lock);
    return taken;
}

static void alarm_free(struct alarm *alarm)
{
    struct task *task = alarm->task;

    ledger_zfree(task->ledger, alarm_zone, alarm, sizeof(*alarm));
    task_deallocate(task);
}

/* The time has come: interrupt context. The kernel runs with interrupts masked, so nothing that was
 * interrupted holds a lock. */
static void alarm_expired(struct timer *timer)
{
    struct alarm *alarm = container_of(timer, struct alarm, timer);
    clock_alarm_reply_t *message;

    if (!alarm_take(alarm))
        return; /* clock_alarm_cancel_all has it, and waits for us to leave */
    message = (clock_alarm_reply_t *)alarm->kmsg->ikm_header;
    time_from_machine(machine_time(), &message->alarm_time);
    ipc_kmsg_send_always(alarm->kmsg);
    alarm_free(alarm);
}

/* Consumes alarm_port, a send-once right, on success. */
kern_return_t clock_alarm(clock_serv_t clock, int alarm_type, time_value64_t alarm_time,
                          mach_port_t alarm_port)
{
    struct task *task = current_task();
    clock_alarm_reply_t *message;
    struct alarm *alarm;
    uint64_t deadline;
    kern_return_t kr;

    if (clock == NULL || !IP_VALID(alarm_port))
        return KERN_INVALID_ARGUMENT;
    kr = deadline_of(alarm_type, alarm_time.seconds, alarm_time.nanoseconds, &deadline);
    if (kr != KERN_SUCCESS)
        return kr;
    alarm = ledger_zalloc(task->ledger, alarm_zone, sizeof(*alarm));
    if (alarm == NULL)
        return KERN_RESOURCE_SHORTAGE;
    alarm->kmsg = ipc_kmsg_alloc(sizeof(clock_alarm_reply_t));
    if (alarm->kmsg == NULL || !ipc_kmsg_charge(alarm->kmsg, task->ledger)) {
        kr = KERN_RESOURCE_SHORTAGE;
        goto fail;
    }
    message = (clock_alarm_reply_t *)alarm->kmsg->ikm_header;
    message->header.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_PORT_SEND_ONCE, 0);
    message->header.msgh_id = CLOCK_ALARM_REPLY_ID;
    message->alarm_code = KERN_SUCCESS;
    message->alarm_type = alarm_type;
    timer_init(&alarm->timer, alarm_expired);
    queue_init(&alarm->task_link);
    alarm->task = task;

    spin_lock(&task->lock);
    if (!task->active) {
        spin_unlock(&task->lock);
        kr = KERN_TERMINATED;
        goto fail;
    }
    task_reference(task);
    alarm->kmsg->ikm_remote = alarm_port;
    enqueue_tail(&task->alarms, &alarm->task_link);
    timer_arm(&alarm->timer, deadline);
    spin_unlock(&task->lock);
    return KERN_SUCCESS;

fail:
    if (alarm->kmsg != NULL)
        ipc_kmsg_free(alarm->kmsg);
    ledger_zfree(task->ledger, alarm_zone, alarm, sizeof(*alarm));
    return kr;
}

void clock_alarm_cancel_all(struct task *task)
{
    for (;;) {
        struct queue *link;
        struct alarm *alarm;

        spin_lock(&task->lock);
        link = dequeue_head(&task->alarms);
        spin_unlock(&task->lock);
        if (link == NULL)
            return;
        alarm = queue_entry(link, struct alarm, task_link);
        if (!timer_cancel(&alarm->timer))
            timer_drain(&alarm->timer);
        ipc_kmsg_destroy(alarm->kmsg);
        alarm_free(alarm);
    }
}

/* ---- traps ---- */

static kern_return_t sleep_until(uint64_t deadline)
{
    return thread_sleep_until(deadline) == THREAD_TIMED_OUT ? KERN_SUCCESS : KERN_ABORTED;
}

/*
 * Sleeps until or for a time (deadline_of has what is no time: that is returned, and nobody sleeps). Then the
 * time now is written to the user address `wakeup`, unless that is 0, also when the sleep was aborted.
 * KERN_SUCCESS, KERN_ABORTED, KERN_INVALID_VALUE; KERN_INVALID_ADDRESS: wakeup cannot be written.
 */
kern_return_t clock_sleep_trap(int sleep_type, uint64_t sec, uint64_t nsec, vm_address_t wakeup)
{
    time_value64_t now;
    uint64_t deadline;
    kern_return_t kr = deadline_of(sleep_type, sec, nsec, &deadline);

    if (kr != KERN_SUCCESS)
        return kr;
    kr = sleep_until(deadline);
    if (wakeup != 0) {
        time_from_machine(machine_time(), &now);
        if (copyout(&now, (void *)wakeup, sizeof(now)) != 0)
            return KERN_INVALID_ADDRESS;
    }
    return kr;
}

kern_return_t mach_wait_until_trap(uint64_t deadline)
{
    return sleep_until(MAX(deadline, 1UL));
}

/*
 * Tells the program how to turn differences of CNTVCT into nanoseconds: writes numer and denom, the
 * fraction NSEC_PER_SEC / machine_time_frequency() in lowest terms, to the user address `info`.
 * KERN_SUCCESS; KERN_INVALID_ADDRESS: it cannot be written (then nothing is said about what is there).
 * May block on a page fault; no locks held.
 */
kern_return_t mach_timebase_info_trap(vm_address_t info)
{
    mach_timebase_info_data_t base;
    uint64_t a = NSEC_PER_SEC;
    uint64_t b = machine_time_frequency();

    while (b != 0) { /* Euclid: a becomes the greatest common divisor */
        uint64_t rest = a % b;

        a = b;
        b = rest;
    }
    base.numer = NSEC_PER_SEC / a;
    base.denom = machine_time_frequency() / a;
    return copyout(&base, (void *)info, sizeof(base)) == 0 ? KERN_SUCCESS : KERN_INVALID_ADDRESS;
}

/* ---- ports: the clock is never freed, so there is nothing to count ---- */

clock_serv_t convert_port_to_clock(mach_port_t port)
{
    return ipc_port_kobject(port, IKOT_CLOCK, NULL);
}

mach_port_t convert_clock_to_port(clock_serv_t clock)
{
    return clock == NULL ? MACH_PORT_NULL : ipc_port_make_send(clock->port);
}

clock_serv_t clock_lookup(int clock_id)
{
    return clock_id == SYSTEM_CLOCK ? &system_clock : NULL;
}

void clock_init(void)
{
    alarm_zone = zone_create("alarms", sizeof(struct alarm));
    system_clock.port = ipc_port_alloc_kernel(IKOT_CLOCK, &system_clock);
    if (system_clock.port == NULL)
        panic("clock_init: no memory for the clock's port");
}
