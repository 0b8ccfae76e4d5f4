/*
 * Reads and writes that wait, and time. Read serial.h first.
 *
 * A request that waits keeps its reply right: reads in `readers`; writes, and what is to be done after
 * them, in `writers`, in their order. One alarm of the kernel's clock is for all times.
 */
#include "serial.h"

#include "pl011.h"

#include <credentials.h>
#include <errno.h>
#include <mach/clock.h>
#include <mach/clock_reply.h>
#include <mach/error.h>
#include <mach/mach.h>
#include <mach/mach_host.h>
#include <mach/mach_port.h>
#include <mach/traps.h>
#include <pollers.h>
#include <server_types.h>
#include <servers/interrupt_server.h>
#include <servers/io_server.h>
#include <servers/tty_server.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>

#define WAITING_MAX 64 /* reads, and writes, of one process: each takes a name and memory of ours */
#define NSEC_PER_SEC 1000000000ULL
#define TENTH        (NSEC_PER_SEC / 10) /* VTIME's unit */
#define BREAK_TIME   (NSEC_PER_SEC / 4)  /* POSIX: a quarter of a second to a half */

enum kind { READ, WRITE, DRAIN, ATTR, BREAK };

struct request {
    struct request *next;
    enum kind kind;
    mach_port_t reply;  /* send-once, ours */
    uint32_t process;   /* who: interrupt_operation is for its own */
    uint32_t amount;    /* READ: at most so much; WRITE: what to answer at the end */
    char *data;         /* WRITE: what was not queued yet; ATTR: the modes; malloc'ed */
    uint32_t length;
    uint32_t done;
    boolean_t flush;    /* ATTR: TCSAFLUSH */
    uint64_t deadline;  /* READ: when its time is over; BREAK: when it ends; ns, 0: no such time */
};

struct list {
    struct request *first, **end;
};
static struct list readers = {.end = &readers.first}, writers = {.end = &writers.first};

struct poller *pollers;

/* ---- time ---- */

static const struct port_class alarm_class = {.name = "alarm"};
static struct port_object alarm_port;
static mach_port_t clock_port;
static boolean_t alarm_is_set;

static uint64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_nsec;
}

/*
 * An alarm will come at the request's deadline, if it has one, or before: then this is called again. No alarm
 * can be taken back; so there is one at a time, and none is for later than a tenth of a second, which is the
 * soonest that any deadline can be. If there can be none, the time is over now.
 */
static void set_alarm(struct request *request)
{
    uint64_t time, left = 0;

    if (request == NULL || request->deadline == 0 || alarm_is_set)
        return;
    time = now();
    if (request->deadline > time)
        left = request->deadline - time < TENTH ? request->deadline - time : TENTH;
    alarm_is_set = clock_alarm(clock_port, TIME_RELATIVE,
                               (time_value64_t){.nanoseconds = (int64_t)left},
                               alarm_port.port) == KERN_SUCCESS;
    if (!alarm_is_set)
        request->deadline = 1;
}

/* Its time is over in so many ns. */
static void set_deadline(struct request *request, uint64_t ns)
{
    request->deadline = now() + ns;
    set_alarm(request);
}

static boolean_t is_late(const struct request *request)
{
    return request->deadline != 0 && request->deadline <= now();
}

kern_return_t alarm_init(void)
{
    kern_return_t kr = ports_create(&alarm_port, &alarm_class);

    if (kr == KERN_SUCCESS)
        kr = host_get_clock_service(mach_host_self(), SYSTEM_CLOCK, &clock_port);
    return kr;
}

/* ---- lists ---- */

static struct request *request_new(enum kind kind, mach_port_t reply)
{
    struct request *request = calloc(1, sizeof(*request));

    if (request == NULL)
        return NULL;
    request->kind = kind;
    request->reply = reply;
    request->process = credentials_pid(ports_sender());
    return request;
}

static void request_free(struct request *request)
{
    if (request != NULL)
        free(request->data);
    free(request);
}

/* Takes *link out of the list. */
static void take_out(struct list *list, struct request **link)
{
    struct request *request = *link;

    *link = request->next;
    if (*link == NULL)
        list->end = link;
    request_free(request);
}

/* Has its client died? */
static boolean_t is_dead(const struct request *r)
{
    mach_port_type_t type;

    return mach_port_type(mach_task_self(), r->reply, &type) == KERN_SUCCESS
           && (type & MACH_PORT_TYPE_DEAD_NAME);
}

/* Those whose clients have died meanwhile leave the list: but for a break that is on the wire. Returns how
 * many of this process are left. */
static unsigned prune(struct list *list, uint32_t process)
{
    unsigned count = 0;

    for (struct request **link = &list->first, *r; (r = *link) != NULL;) {
        if (is_dead(r) && !(r->kind == BREAK && r->deadline != 0)) {
            mach_port_deallocate(mach_task_self(), r->reply);
            take_out(list, link);
        } else {
            link = &r->next;
            count += r->process == process;
        }
    }
    return count;
}

/* The answer to a request that is to wait: MIG_NO_REPLY, or an error, and it is freed. NULL: no memory. */
static kern_return_t append(struct list *list, struct request *request)
{
    if (request == NULL)
        return unix_err(ENOMEM);
    if (prune(list, request->process) >= WAITING_MAX) {
        request_free(request);
        return unix_err(EAGAIN);
    }
    *list->end = request;
    list->end = &request->next;
    return MIG_NO_REPLY;
}

boolean_t nobody_reads(void)
{
    return readers.first == NULL;
}

boolean_t nobody_writes(void)
{
    return writers.first == NULL;
}

/* ---- input ---- */

static boolean_t is_timed(void)
{
    return !(tty_attr.c_lflag & ICANON) && tty_attr.c_cc[VTIME] != 0;
}

/* Reads that are answered: what there is, or how it is now. */
static void answer_readers(void)
{
    static char data[IO_DATA_MAX];
    struct request *r;

    while ((r = readers.first) != NULL && tty_readable(r->amount, is_late(r))) {
        uint32_t n = tty_read(data, r->amount);

        if (S_io_read_reply(r->reply, KERN_SUCCESS, data, n) != KERN_SUCCESS)
            tty_unread(); /* it died waiting */
        take_out(&readers, &readers.first);
    }
}

/* The next one's time is between bytes: since the latest came. */
static void restart_time(void)
{
    if (readers.first != NULL && is_timed() && tty_attr.c_cc[VMIN] > 0 && tty_input_queued() > 0)
        set_deadline(readers.first, tty_attr.c_cc[VTIME] * TENTH);
}

kern_return_t wait_read(mach_port_t reply, uint32_t amount)
{
    struct request *request = request_new(READ, reply);
    kern_return_t kr;

    if (request != NULL)
        request->amount = amount;
    kr = append(&readers, request);
    if (kr == MIG_NO_REPLY && is_timed()) {
        if (tty_attr.c_cc[VMIN] == 0)
            set_deadline(request, tty_attr.c_cc[VTIME] * TENTH);
        else if (readers.first == request)
            restart_time();
        answer_readers(); /* (if there can be no alarm) */
    }
    return kr;
}

uint32_t ready(void)
{
    /* POSIX leaves open what MIN means to poll: here that a read would not wait. */
    uint32_t least = tty_attr.c_cc[VTIME] == 0 && tty_attr.c_cc[VMIN] > 0 ? tty_attr.c_cc[VMIN] : 1;
    boolean_t input =
        tty_attr.c_lflag & ICANON ? tty_readable(1, FALSE) : tty_input_queued() >= least;

    return (readers.first == NULL && input ? IO_POLL_IN : 0)
        | (writers.first == NULL && tty_writable() ? IO_POLL_OUT : 0);
}

void deliver(void)
{
    answer_readers();
    restart_time();
    pollers_wake(&pollers, ready());
}

void readers_ask_again(void)
{
    while (readers.first != NULL) {
        S_io_read_reply(readers.first->reply, unix_err(EINTR), NULL, 0);
        take_out(&readers, &readers.first);
    }
}

/* ---- output ---- */

kern_return_t wait_write(mach_port_t reply, const char *data, uint32_t length, uint32_t amount)
{
    struct request *request = request_new(WRITE, reply);

    if (request != NULL) {
        request->amount = amount;
        request->length = length;
        request->data = malloc(length);
        if (request->data == NULL) {
            request_free(request);
            return unix_err(ENOMEM);
        }
        memcpy(request->data, data, length);
    }
    return append(&writers, request);
}

void set_attr(const tty_attr_t *attr, boolean_t flush)
{
    if (flush)
        tty_flush_input();
    tty_attr = *attr;
    tty_mode_changed();
    for (struct request *r = readers.first; r != NULL; r = r->next) {
        r->deadline = 0;
        if (is_timed() && tty_attr.c_cc[VMIN] == 0)
            set_deadline(r, tty_attr.c_cc[VTIME] * TENTH);
    }
    deliver();
}

/* Nothing is before what is asked for now. */
static boolean_t is_drained(void)
{
    return writers.first == NULL && tty_output_queued() == 0;
}

kern_return_t wait_drain(mach_port_t reply)
{
    return is_drained() ? KERN_SUCCESS : append(&writers, request_new(DRAIN, reply));
}

kern_return_t wait_attr(mach_port_t reply, const tty_attr_t *attr, boolean_t flush)
{
    struct request *request;

    if (is_drained()) {
        set_attr(attr, flush);
        return KERN_SUCCESS;
    }
    request = request_new(ATTR, reply);
    if (request != NULL) {
        request->flush = flush;
        request->data = malloc(sizeof(*attr));
        if (request->data == NULL) {
            request_free(request);
            return unix_err(ENOMEM);
        }
        memcpy(request->data, attr, sizeof(*attr));
    }
    return append(&writers, request);
}

kern_return_t wait_break(mach_port_t reply)
{
    kern_return_t kr = append(&writers, request_new(BREAK, reply));

    if (kr == MIG_NO_REPLY)
        transmit();
    return kr;
}

/* As much of a write as there is room for. Is it done? */
static boolean_t write_some(struct request *w)
{
    w->done += tty_write(w->data + w->done, w->length - w->done);
    if (w->done < w->length)
        return FALSE;
    S_io_write_reply(w->reply, KERN_SUCCESS, w->amount);
    return TRUE;
}

/* The break begins, or ends. Is it done? */
static boolean_t break_some(struct request *w)
{
    if (w->deadline == 0 && !is_dead(w)) {
        pl011_break(TRUE);
        set_deadline(w, BREAK_TIME);
    }
    if (w->deadline != 0 && !is_late(w))
        return FALSE;
    pl011_break(FALSE);
    S_tty_break_reply(w->reply, KERN_SUCCESS);
    return TRUE;
}

/* The first that waits goes on as far as it can. Is it done? */
static boolean_t go_on(struct request *w)
{
    if (w->kind == WRITE)
        return write_some(w);
    if (tty_output_queued() > 0)
        return FALSE;
    switch (w->kind) {
    case ATTR:
        S_tty_set_attr_reply(w->reply, KERN_SUCCESS);
        set_attr((const tty_attr_t *)w->data, w->flush);
        return TRUE;
    case BREAK:
        return break_some(w);
    default:
        S_tty_drain_reply(w->reply, KERN_SUCCESS);
        return TRUE;
    }
}

void transmit(void)
{
    for (;;) {
        struct request *w = writers.first;
        uint32_t queued = 0;
        int c;

        if (w == NULL || w->kind != BREAK || w->deadline == 0) {
            while ((c = tty_output_first()) >= 0 && pl011_put((char)c))
                tty_sent();
            queued = tty_output_queued();
        }
        if (w == NULL)
            return;
        if (go_on(w))
            take_out(&writers, &writers.first);
        else if (w->kind != WRITE || tty_output_queued() == queued)
            return;
    }
}

/* ---- time is over, or interrupted ---- */

boolean_t alarm_server(mach_msg_header_t *in, mach_msg_header_t *out)
{
    if (in->msgh_id != CLOCK_ALARM_REPLY_ID || in->msgh_local_port != alarm_port.port)
        return FALSE;
    alarm_is_set = FALSE;
    transmit();
    answer_readers();
    if (readers.first != NULL && is_late(readers.first))
        readers.first->deadline = 0; /* it must have a byte all the same */
    set_alarm(readers.first);
    set_alarm(writers.first);
    pollers_wake(&pollers, ready());
    mig_no_reply(in, out);
    return TRUE;
}

/* A call is answered with what is done of it. */
static void answer_interrupted(struct request *r)
{
    switch (r->kind) {
    case READ:
        S_io_read_reply(r->reply, unix_err(EINTR), NULL, 0);
        break;
    case WRITE:
        r->done += r->amount - r->length; /* and what was queued at once */
        S_io_write_reply(r->reply, r->done > 0 ? KERN_SUCCESS : unix_err(EINTR), r->done);
        break;
    case DRAIN:
        S_tty_drain_reply(r->reply, unix_err(EINTR));
        break;
    case ATTR:
        S_tty_set_attr_reply(r->reply, unix_err(EINTR));
        break;
    case BREAK:
        if (r->deadline != 0)
            pl011_break(FALSE);
        S_tty_break_reply(r->reply, unix_err(EINTR));
        break;
    }
}

static void interrupt(struct list *list, uint32_t process)
{
    for (struct request **link = &list->first; *link != NULL;) {
        if ((*link)->process != process) {
            link = &(*link)->next;
            continue;
        }
        answer_interrupted(*link);
        take_out(list, link);
    }
}

/* (interrupt.defs) A write that is half done is done. */
kern_return_t S_interrupt_operation(mach_port_t io)
{
    uint32_t process = credentials_pid(ports_sender());

    interrupt(&readers, process);
    interrupt(&writers, process);
    transmit();
    return KERN_SUCCESS;
}
