/*
 * The serial server: the terminal. io.defs and tty.defs on one port; interrupts are messages too.
 *
 * One thread, one port set, nobody polls: a read that must wait keeps its reply port in `readers`,
 * a write that finds the output queue full in `writers`.
 */
#include "pl011.h"
#include "tty.h"

#include <credentials.h>
#include <errno.h>
#include <mach/device_notify.h>
#include <mach/error.h>
#include <mach/mach.h>
#include <mach/mach_port.h>
#include <mach/traps.h>
#include <pollers.h>
#include <ports.h>
#include <server_types.h>
#include <servers/bootstrap.h>
#include <servers/interrupt_server.h>
#include <servers/io_server.h>
#include <servers/proc.h>
#include <servers/tty_server.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MESSAGE_MAX (IO_DATA_MAX + 512)
#define WAITING_MAX 64 /* reads, and writes: each takes a name and memory of ours, and append its time */

struct request {
    struct request *next;
    mach_port_t reply; /* send-once, ours */
    uint32_t process;  /* who: interrupt_operation is for its own */
    uint32_t amount;   /* read: at most so much; write: what to answer at the end */
    char *data;        /* write: what was not queued yet, malloc'ed */
    uint32_t length;
    uint32_t done;
};

static struct request *readers, **readers_end = &readers;
static struct request *writers, **writers_end = &writers;

static struct poller *pollers;

static const struct port_class tty_class = {.name = "tty"};
static const struct port_class intr_class = {.name = "interrupt"};
static struct port_object tty, intr;
static int foreground; /* process group, 0: none */
static int rows = 24, columns = 80;

/* Those whose clients have died meanwhile leave the list. FALSE: it is full; request is freed. */
static boolean_t append(struct request **list, struct request ***end, struct request *request)
{
    mach_port_type_t type;
    unsigned count = 0;

    while (*list != NULL) {
        struct request *r = *list;

        if (mach_port_type(mach_task_self(), r->reply, &type) == KERN_SUCCESS
            && (type & MACH_PORT_TYPE_DEAD_NAME)) {
            *list = r->next;
            mach_port_deallocate(mach_task_self(), r->reply);
            free(r->data);
            free(r);
        } else {
            list = &r->next;
            count++;
        }
    }
    *end = list;
    if (count >= WAITING_MAX) {
        free(request->data);
        free(request);
        return FALSE;
    }
    request->next = NULL;
    *list = request;
    *end = &request->next;
    return TRUE;
}

/* Takes *link out of the list that ends at *end. */
static void free_request(struct request ***end, struct request **link)
{
    struct request *request = *link;

    *link = request->next;
    if (*link == NULL)
        *end = link;
    free(request->data);
    free(request);
}

/* Output to the wire as far as it takes it, and more from the writers that wait. */
static void transmit(void)
{
    for (;;) {
        struct request *w = writers;
        int c;

        while ((c = tty_output_first()) >= 0 && pl011_put((char)c))
            tty_sent();
        if (w == NULL)
            return;
        uint32_t n = tty_write(w->data + w->done, w->length - w->done);

        w->done += n;
        if (w->done < w->length) {
            if (n == 0)
                return;
            continue;
        }
        S_io_write_reply(w->reply, KERN_SUCCESS, w->amount);
        free_request(&writers_end, &writers);
    }
}

/* Input to the readers that wait. */
static void deliver(void)
{
    static char data[IO_DATA_MAX];

    while (readers != NULL && tty_readable()) {
        uint32_t n = tty_read(data, readers->amount);

        if (S_io_read_reply(readers->reply, KERN_SUCCESS, data, n) != KERN_SUCCESS)
            tty_unread(); /* it died waiting */
        free_request(&readers_end, &readers);
    }
}

/* What io_poll tells. */
static uint32_t ready(void)
{
    return (readers == NULL && tty_readable() ? IO_POLL_IN : 0)
        | (writers == NULL && tty_writable() ? IO_POLL_OUT : 0);
}

static void send_signal(int signal)
{
    static mach_port_t proc;

    if (proc == MACH_PORT_NULL &&
        bootstrap_look_up(bootstrap_port, SERVICE_PROC, &proc) != KERN_SUCCESS)
        return;
    if (foreground != 0)
        proc_signal_group(proc, foreground, 0, signal);
}

/* A demultiplexer: interrupts come as messages of the kernel's own form. */
static boolean_t intr_server(mach_msg_header_t *in, mach_msg_header_t *out)
{
    int c, signal;

    if (in->msgh_id != DEVICE_INTR_NOTIFY_ID || in->msgh_local_port != intr.port)
        return FALSE;
    while ((c = pl011_get()) >= 0)
        if ((signal = tty_input((unsigned char)c)) != 0)
            send_signal(signal);
    transmit();
    pl011_ack();
    deliver();
    pollers_wake(&pollers, ready());
    out->msgh_remote_port = MACH_PORT_NULL;
    ((mig_reply_error_t *)out)->RetCode = MIG_NO_REPLY;
    return TRUE;
}

/* ---- io.defs ---- */

kern_return_t S_io_read(mach_port_t io, mach_port_t reply, uint32_t amount, char *data,
                        mach_msg_type_number_t *dataCnt)
{
    struct request *request;

    if (amount > IO_DATA_MAX)
        amount = IO_DATA_MAX;
    if (amount == 0 || (readers == NULL && tty_readable())) {
        *dataCnt = tty_read(data, amount);
        return KERN_SUCCESS;
    }
    request = calloc(1, sizeof(*request));
    if (request == NULL)
        return unix_err(ENOMEM);
    request->reply = reply;
    request->process = credentials_pid(ports_sender());
    request->amount = amount;
    return append(&readers, &readers_end, request) ? MIG_NO_REPLY : unix_err(EAGAIN);
}

kern_return_t S_io_write(mach_port_t io, mach_port_t reply, char *data,
                         mach_msg_type_number_t dataCnt, uint32_t *amount)
{
    struct request *request;
    uint32_t n = 0;

    while (writers == NULL && n < dataCnt) {
        uint32_t taken = tty_write(data + n, dataCnt - n);

        transmit();
        n += taken;
        if (taken == 0)
            break;
    }
    if (n == dataCnt) {
        *amount = n;
        return KERN_SUCCESS;
    }
    request = calloc(1, sizeof(*request));
    if (request != NULL)
        request->data = malloc(dataCnt - n);
    if (request == NULL || request->data == NULL) {
        free(request);
        *amount = n;
        return n > 0 ? KERN_SUCCESS : unix_err(ENOMEM);
    }
    memcpy(request->data, data + n, dataCnt - n);
    request->reply = reply;
    request->process = credentials_pid(ports_sender());
    request->amount = dataCnt;
    request->length = dataCnt - n;
    if (append(&writers, &writers_end, request))
        return MIG_NO_REPLY;
    *amount = n;
    return n > 0 ? KERN_SUCCESS : unix_err(EAGAIN);
}

kern_return_t S_io_poll(mach_port_t io, mach_port_t reply, uint32_t events, uint32_t tag, uint32_t *revents,
                        uint32_t *tag_out)
{
    return pollers_add(&pollers, reply, events, tag, ready(), revents, tag_out);
}

kern_return_t S_io_stat(mach_port_t io, io_stat_t *stat)
{
    memset(stat, 0, sizeof(*stat));
    stat->st_ino = 1;
    stat->st_mode = S_IFCHR | 0620;
    stat->st_nlink = 1;
    stat->st_rdev = 1 << 8;
    stat->st_blksize = TTY_LINE;
    return KERN_SUCCESS;
}

kern_return_t S_io_truncate(mach_port_t io, int64_t length)
{
    return KERN_SUCCESS; /* POSIX: O_TRUNC has no effect on a terminal */
}

/* (interrupt.defs) A write that is half done is done. */
kern_return_t S_interrupt_operation(mach_port_t io)
{
    uint32_t process = credentials_pid(ports_sender());
    struct request **link, *r;

    for (link = &readers; (r = *link) != NULL;) {
        if (r->process != process) {
            link = &r->next;
            continue;
        }
        S_io_read_reply(r->reply, unix_err(EINTR), NULL, 0);
        free_request(&readers_end, link);
    }
    for (link = &writers; (r = *link) != NULL;) {
        if (r->process != process) {
            link = &r->next;
            continue;
        }
        r->done += r->amount - r->length; /* and what was queued at once */
        S_io_write_reply(r->reply, r->done > 0 ? KERN_SUCCESS : unix_err(EINTR), r->done);
        free_request(&writers_end, link);
    }
    return KERN_SUCCESS;
}

/* ---- tty.defs ---- */

kern_return_t S_tty_get_attr(mach_port_t port, tty_attr_t *attr)
{
    *attr = tty_attr;
    return KERN_SUCCESS;
}

kern_return_t S_tty_set_attr(mach_port_t port, int action, tty_attr_t attr)
{
    if (action < 0 || action > 2)
        return unix_err(EINVAL);
    if (action == 2)
        tty_flush_input();
    tty_attr = attr;
    tty_mode_changed();
    deliver();
    pollers_wake(&pollers, ready());
    return KERN_SUCCESS;
}

kern_return_t S_tty_get_pgrp(mach_port_t port, int *pgid)
{
    *pgid = foreground;
    return KERN_SUCCESS;
}

kern_return_t S_tty_set_pgrp(mach_port_t port, int pgid)
{
    if (pgid < 0)
        return unix_err(EINVAL);
    foreground = pgid;
    return KERN_SUCCESS;
}

kern_return_t S_tty_get_winsize(mach_port_t port, int *r, int *c)
{
    *r = rows;
    *c = columns;
    return KERN_SUCCESS;
}

kern_return_t S_tty_set_winsize(mach_port_t port, int r, int c)
{
    if (r < 0 || c < 0)
        return unix_err(EINVAL);
    rows = r;
    columns = c;
    return KERN_SUCCESS;
}

int main(void)
{
    static const mig_demux_t demuxers[] = {intr_server, io_server, tty_server, interrupt_server, NULL};
    mach_port_t receive;
    kern_return_t kr;

    tty_init();
    kr = ports_create(&intr, &intr_class);
    if (kr == KERN_SUCCESS)
        kr = mach_port_insert_right(mach_task_self(), intr.port, intr.port,
                                    MACH_MSG_TYPE_MAKE_SEND);
    if (kr == KERN_SUCCESS)
        kr = pl011_open(intr.port);
    if (kr == KERN_SUCCESS)
        kr = bootstrap_check_in(bootstrap_port, SERVICE_TTY, &receive);
    if (kr == KERN_SUCCESS)
        kr = ports_adopt(&tty, &tty_class, receive);
    if (kr != KERN_SUCCESS) {
        printf("serial: cannot start: %s\n", mach_error_string(kr));
        return 1;
    }
    ports_serve(demuxers, MESSAGE_MAX);
}
