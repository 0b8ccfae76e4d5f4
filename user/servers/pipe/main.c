/*
 * The pipe server: pipe.defs makes a pair of ports, io.defs is what they speak.
 *
 * Nobody polls: a read of an empty pipe, or a write to a full one, leaves its reply port and bytes
 * in the pipe, and is answered when the other end did its part or went away (no-senders
 * notification).
 */
#include <credentials.h>
#include <errno.h>
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
#include <servers/pipe_server.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PIPE_SIZE   (16 * 1024) /* a power of two: positions wrap by masking */
#define PIPE_ATOMIC 4096        /* PIPE_BUF: a write of at most so much is taken whole */
#define MESSAGE_MAX (IO_DATA_MAX + 512)

/* A request that waits. The pipe has room for one; the others' are malloc'ed. */
struct waiter {
    struct waiter *next;
    mach_port_t reply;   /* send-once, ours */
    uint32_t process;    /* who: interrupt_operation is for its own */
    uint32_t amount;     /* a reader's: at most so much */
    char *data;          /* a writer's bytes, not yet taken; malloc'ed */
    uint32_t length;
    uint32_t done;       /* of them, taken so far */
};

struct queue_of_waiters {
    struct waiter *first;
    struct waiter **last;
};

struct pipe;

/* One end; each holds the pipe. */
struct pipe_end {
    struct port_object object;
    struct pipe *pipe;
    struct poller *pollers;
};

struct pipe {
    struct pipe_end reader;
    struct pipe_end writer;
    int ends;            /* that exist: the pipe is freed with the second */
    boolean_t reader_open;
    boolean_t writer_open;
    uint32_t head;       /* bytes ever written into the buffer */
    uint32_t tail;       /* bytes ever read from it */
    struct queue_of_waiters readers;
    struct queue_of_waiters writers;
    struct waiter one;
    boolean_t one_in_use;
    char *buffer;
};

static const struct port_class service_class = {.name = "pipe service"};
static struct port_object service;
static uint64_t next_inode = 1;

static uint32_t used(const struct pipe *pipe)
{
    return pipe->head - pipe->tail;
}

static void put(struct pipe *pipe, const char *data, uint32_t length)
{
    for (uint32_t part; length > 0; data += part, length -= part, pipe->head += part) {
        uint32_t at = pipe->head & (PIPE_SIZE - 1);

        part = length < PIPE_SIZE - at ? length : PIPE_SIZE - at;
        memcpy(pipe->buffer + at, data, part);
    }
}

static void take(struct pipe *pipe, char *data, uint32_t length)
{
    for (uint32_t part; length > 0; data += part, length -= part, pipe->tail += part) {
        uint32_t at = pipe->tail & (PIPE_SIZE - 1);

        part = length < PIPE_SIZE - at ? length : PIPE_SIZE - at;
        memcpy(data, pipe->buffer + at, part);
    }
}

static void queue_init(struct queue_of_waiters *queue)
{
    queue->first = NULL;
    queue->last = &queue->first;
}

/* A waiter at the end of the queue; NULL: out of memory. */
static struct waiter *enqueue(struct pipe *pipe, struct queue_of_waiters *queue, mach_port_t reply)
{
    struct waiter *waiter = pipe->one_in_use ? malloc(sizeof(*waiter)) : &pipe->one;

    if (waiter == NULL)
        return NULL;
    pipe->one_in_use = TRUE;
    *waiter = (struct waiter){.reply = reply, .process = credentials_pid(ports_sender())};
    *queue->last = waiter;
    queue->last = &waiter->next;
    return waiter;
}

/* Takes *link out of the queue. */
static void free_waiter(struct pipe *pipe, struct queue_of_waiters *queue, struct waiter **link)
{
    struct waiter *waiter = *link;

    *link = waiter->next;
    if (*link == NULL)
        queue->last = link;
    if (waiter->data != NULL)
        free(waiter->data);
    if (waiter == &pipe->one)
        pipe->one_in_use = FALSE;
    else
        free(waiter);
}

static void free_first(struct pipe *pipe, struct queue_of_waiters *queue)
{
    free_waiter(pipe, queue, &queue->first);
}

/* How many of `length` bytes, `done` of which are in, may go into the buffer now. */
static uint32_t admitted(const struct pipe *pipe, uint32_t length, uint32_t done)
{
    uint32_t room = PIPE_SIZE - used(pipe), left = length - done;

    if (length <= PIPE_ATOMIC)
        return room >= left ? left : 0;
    return room < left ? room : left;
}

static uint32_t ready(const struct pipe_end *end);

static void tell_pollers(struct pipe *pipe)
{
    if (pipe->reader.pollers != NULL)
        pollers_wake(&pipe->reader.pollers, ready(&pipe->reader));
    if (pipe->writer.pollers != NULL)
        pollers_wake(&pipe->writer.pollers, ready(&pipe->writer));
}

/* Moves bytes as long as somebody can go on; answers those that are done. */
static void progress(struct pipe *pipe)
{
    static char data[IO_DATA_MAX];
    boolean_t moved;

    do {
        struct waiter *w;

        moved = FALSE;
        while ((w = pipe->writers.first) != NULL) {
            uint32_t n = pipe->reader_open ? admitted(pipe, w->length, w->done) : 0;

            put(pipe, w->data + w->done, n);
            w->done += n;
            if (pipe->reader_open && w->done < w->length)
                break;
            if (w->done > 0)
                S_io_write_reply(w->reply, KERN_SUCCESS, w->done);
            else
                S_io_write_reply(w->reply, unix_err(EPIPE), 0);
            free_first(pipe, &pipe->writers);
            moved = TRUE;
        }
        while ((w = pipe->readers.first) != NULL && (used(pipe) > 0 || !pipe->writer_open)) {
            uint32_t n = w->amount < used(pipe) ? w->amount : used(pipe);
            uint32_t tail = pipe->tail;

            take(pipe, data, n);
            if (S_io_read_reply(w->reply, KERN_SUCCESS, data, n) != KERN_SUCCESS)
                pipe->tail = tail; /* it died waiting: the bytes are the next reader's */
            free_first(pipe, &pipe->readers);
            moved = TRUE;
        }
    } while (moved);
    tell_pollers(pipe);
}

/* The first reader, who waits for them, gets the first of these bytes, past the buffer, which is empty.
 * Returns how many; 0: it died waiting. */
static uint32_t hand_over(struct pipe *pipe, char *data, uint32_t length)
{
    struct waiter *w = pipe->readers.first;
    uint32_t n = w->amount < length ? w->amount : length;

    if (S_io_read_reply(w->reply, KERN_SUCCESS, data, n) != KERN_SUCCESS)
        n = 0;
    free_first(pipe, &pipe->readers);
    return n;
}

/* What io_poll tells of an end. A write of PIPE_BUF must fit. */
static uint32_t ready(const struct pipe_end *end)
{
    const struct pipe *pipe = end->pipe;

    if (end == &pipe->reader)
        return (used(pipe) > 0 ? IO_POLL_IN : 0) | (pipe->writer_open ? 0 : IO_POLL_HUP);
    if (!pipe->reader_open)
        return IO_POLL_ERR;
    return pipe->writers.first == NULL && PIPE_SIZE - used(pipe) >= PIPE_ATOMIC ? IO_POLL_OUT : 0;
}

static void end_closed(void *object)
{
    struct pipe_end *end = object;
    struct pipe *pipe = end->pipe;

    if (end == &pipe->reader)
        pipe->reader_open = FALSE;
    else
        pipe->writer_open = FALSE;
    progress(pipe);
}

static void end_destroy(void *object)
{
    struct pipe_end *end = object;
    struct pipe *pipe = end->pipe;

    if (--pipe->ends > 0)
        return;
    while (pipe->readers.first != NULL) { /* none can be left, as a reader held its end */
        mach_port_deallocate(mach_task_self(), pipe->readers.first->reply);
        free_first(pipe, &pipe->readers);
    }
    while (pipe->writers.first != NULL) {
        mach_port_deallocate(mach_task_self(), pipe->writers.first->reply);
        free_first(pipe, &pipe->writers);
    }
    pollers_destroy(&pipe->reader.pollers);
    pollers_destroy(&pipe->writer.pollers);
    free(pipe->buffer);
    free(pipe);
}

static const struct port_class end_class = {
    .name = "pipe end",
    .destroy = end_destroy,
    .no_senders = end_closed,
    .short_lived = TRUE,
};

kern_return_t S_pipe_create(mach_port_t server, mach_port_t *reader, mach_port_t *writer)
{
    struct pipe *pipe = calloc(1, sizeof(*pipe));

    (void)server;
    if (pipe == NULL)
        return unix_err(ENOMEM);
    pipe->buffer = malloc(PIPE_SIZE);
    pipe->reader.pipe = pipe->writer.pipe = pipe;
    queue_init(&pipe->readers);
    queue_init(&pipe->writers);
    if (pipe->buffer == NULL || ports_create(&pipe->reader.object, &end_class) != KERN_SUCCESS) {
        free(pipe->buffer);
        free(pipe);
        return unix_err(ENOMEM);
    }
    pipe->ends = 1;
    if (ports_create(&pipe->writer.object, &end_class) != KERN_SUCCESS) {
        ports_deref(&pipe->reader); /* frees the pipe */
        return unix_err(ENOMEM);
    }
    pipe->ends = 2;
    pipe->reader_open = pipe->writer_open = TRUE;
    *reader = ports_offer(&pipe->reader.object);
    *writer = ports_offer(&pipe->writer.object);
    /* The references made by ports_create are ours; the senders hold their own from here on. */
    ports_deref(&pipe->reader);
    if (*writer == MACH_PORT_NULL || *reader == MACH_PORT_NULL) {
        if (*reader != MACH_PORT_NULL)
            ports_withdraw(&pipe->reader.object);
        if (*writer != MACH_PORT_NULL)
            ports_withdraw(&pipe->writer.object);
        ports_deref(&pipe->writer);
        return unix_err(ENOMEM);
    }
    ports_deref(&pipe->writer);
    return KERN_SUCCESS;
}

/* The end of a request; NULL if the port is no pipe's. (No routine here gives up what keeps it.) */
static struct pipe_end *lookup(mach_port_t io)
{
    return ports_find(io, &end_class);
}

kern_return_t S_io_read(mach_port_t io, mach_port_t reply, uint32_t amount, char *data,
                        mach_msg_type_number_t *dataCnt)
{
    struct pipe_end *end = lookup(io);
    struct pipe *pipe;
    struct waiter *waiter;
    kern_return_t kr = KERN_SUCCESS;

    if (end == NULL)
        return unix_err(EBADF);
    pipe = end->pipe;
    if (amount > IO_DATA_MAX)
        amount = IO_DATA_MAX;
    if (end != &pipe->reader) {
        kr = unix_err(EBADF);
    } else if (amount == 0 || (pipe->readers.first == NULL &&
                               (used(pipe) > 0 || !pipe->writer_open))) {
        *dataCnt = amount < used(pipe) ? amount : used(pipe);
        take(pipe, data, *dataCnt);
        if (pipe->writers.first != NULL)
            progress(pipe); /* there is room for writers now */
        else
            tell_pollers(pipe);
    } else if ((waiter = enqueue(pipe, &pipe->readers, reply)) == NULL) {
        kr = unix_err(ENOMEM);
    } else {
        waiter->amount = amount;
        kr = MIG_NO_REPLY;
    }
    return kr;
}

kern_return_t S_io_write(mach_port_t io, mach_port_t reply, char *data,
                         mach_msg_type_number_t dataCnt, uint32_t *amount)
{
    struct pipe_end *end = lookup(io);
    struct pipe *pipe;
    struct waiter *waiter;
    char *copy;
    kern_return_t kr = KERN_SUCCESS;

    if (end == NULL)
        return unix_err(EBADF);
    pipe = end->pipe;
    if (end != &pipe->writer) {
        kr = unix_err(EBADF);
    } else if (!pipe->reader_open) {
        kr = unix_err(EPIPE);
    } else if (pipe->writers.first == NULL && admitted(pipe, dataCnt, 0) == dataCnt) {
        *amount = dataCnt;
        while (dataCnt > 0 && pipe->readers.first != NULL) { /* (then the buffer is empty) */
            uint32_t n = hand_over(pipe, data, dataCnt);

            data += n;
            dataCnt -= n;
        }
        put(pipe, data, dataCnt);
        tell_pollers(pipe);
    } else if ((copy = malloc(dataCnt)) == NULL
               || (waiter = enqueue(pipe, &pipe->writers, reply)) == NULL) {
        free(copy);
        kr = unix_err(ENOMEM);
    } else {
        memcpy(copy, data, dataCnt);
        waiter->data = copy;
        waiter->length = dataCnt;
        progress(pipe);
        kr = MIG_NO_REPLY;
    }
    return kr;
}

kern_return_t S_io_poll(mach_port_t io, mach_port_t reply, uint32_t events, uint32_t tag, uint32_t *revents,
                        uint32_t *tag_out)
{
    struct pipe_end *end = lookup(io);
    kern_return_t kr;

    if (end == NULL)
        return unix_err(EBADF);
    kr = pollers_add(&end->pollers, reply, events, tag, ready(end), revents, tag_out);
    return kr;
}

/* (interrupt.defs) A write that is half done is done. */
kern_return_t S_interrupt_operation(mach_port_t io)
{
    struct pipe_end *end = lookup(io);
    uint32_t process = credentials_pid(ports_sender());
    struct queue_of_waiters *queue;
    struct waiter **link, *w;

    if (end == NULL)
        return KERN_SUCCESS;
    queue = end == &end->pipe->reader ? &end->pipe->readers : &end->pipe->writers;
    for (link = &queue->first; (w = *link) != NULL;) {
        if (w->process != process) {
            link = &w->next;
            continue;
        }
        if (queue == &end->pipe->readers)
            S_io_read_reply(w->reply, unix_err(EINTR), NULL, 0);
        else
            S_io_write_reply(w->reply, w->done > 0 ? KERN_SUCCESS : unix_err(EINTR), w->done);
        free_waiter(end->pipe, queue, link);
    }
    progress(end->pipe); /* a writer behind it may have room */
    return KERN_SUCCESS;
}

kern_return_t S_io_stat(mach_port_t io, io_stat_t *stat)
{
    struct pipe_end *end = lookup(io);

    if (end == NULL)
        return unix_err(EBADF);
    memset(stat, 0, sizeof(*stat));
    stat->st_ino = next_inode++;
    stat->st_mode = S_IFIFO | 0600;
    stat->st_nlink = 1;
    stat->st_size = used(end->pipe);
    stat->st_blksize = PIPE_ATOMIC;
    return KERN_SUCCESS;
}

int main(void)
{
    static const mig_demux_t demuxers[] = {io_server, pipe_server, interrupt_server, NULL};
    mach_port_t receive;
    kern_return_t kr = bootstrap_check_in(bootstrap_port, SERVICE_PIPE, &receive);

    if (kr == KERN_SUCCESS)
        kr = ports_adopt(&service, &service_class, receive);
    if (kr != KERN_SUCCESS) {
        printf("pipe: cannot start: %s\n", mach_error_string(kr));
        return 1;
    }
    ports_serve(demuxers, MESSAGE_MAX);
}
