/*
 * diskread.c: reads from the disk that nobody waits for. Read struct bread in fs.h, disk.defs, and aside.c of
 * user/lib/fileserver before.
 *
 * The request is sent as a message, and its answer is received by the server's loop as any other. Each read
 * that is under way has a port for its answer, so it is known whose that is; there are a few, and other reads
 * wait for one of them. When the disk server dies with a request the kernel says so on that port, and it is
 * sent once more, to the same port, where the next one will find it.
 */
#include "diskdev.h"
#include "server.h"

#include <errno.h>
#include <mach/error.h>
#include <mach/mach.h>
#include <mach/notify_ids.h>
#include <servers/disk_server.h>
#include <stdlib.h>

#define SLOTS      4 /* fewer than a port's queue takes: sending does not wait for a disk server that works */
#define DISK_READ  (disk_subsystem_base + 1) /* disk.defs: its second routine */
#define REPLY_STEP 100                       /* from a request's id to its reply's [docs/mig.md] */

struct read {
    struct bread bread; /* first */
    struct read *next;
};

static struct slot {
    struct port_object object;
    struct read *read; /* under way; NULL: none */
} slots[SLOTS];

static struct read *waiting; /* for a slot */
static struct read **waiting_end = &waiting;

static const struct port_class slot_class = {.name = "read from the disk"};

static struct slot *free_slot(void)
{
    for (int i = 0; i < SLOTS; i++)
        if (slots[i].read == NULL)
            return &slots[i];
    return NULL;
}

/* False: it could not be sent. */
static bool send(struct slot *slot, struct read *r)
{
    struct {
        mach_msg_header_t head;
        uint64_t block;
        uint32_t count;
    } __attribute__((packed, aligned(8))) message = {
        .head.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
        .head.msgh_local_port = slot->object.port,
        .head.msgh_id = DISK_READ,
        .count = r->bread.count,
    };

    message.head.msgh_remote_port = diskdev_place(volume->cache.dev, r->bread.block, &message.block);
    slot->read = r;
    if (mach_msg(&message.head, MACH_SEND_MSG, offsetof(typeof(message), count) + sizeof message.count, 0,
                 MACH_PORT_NULL, MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL) == MACH_MSG_SUCCESS)
        return true;
    slot->read = NULL;
    return false;
}

static struct bread *later(struct bdev *dev, uint32_t block, uint32_t count)
{
    struct read *r = calloc(1, sizeof *r);
    struct slot *slot = waiting == NULL ? free_slot() : NULL;

    (void)dev;
    if (r == NULL)
        return NULL;
    r->bread.block = block;
    r->bread.count = count;
    if (slot == NULL) {
        *waiting_end = r;
        waiting_end = &r->next;
    } else if (!send(slot, r)) {
        free(r);
        return NULL;
    }
    return &r->bread;
}

static void complete(struct read *r, const uint8_t *data, int err)
{
    bread_arrived(volume, &r->bread, data, err);
    aside_resume(r->bread.waiting);
    bread_done(volume, &r->bread);
    free(r);
}

/* What cannot be sent is read as a change would. */
static void read_now(struct read *r)
{
    static uint8_t data[BREAD_MAX * OSTIAFS_BLOCK_SIZE];
    int err = bdev_read(&volume->cache, r->bread.block, r->bread.count, data);

    complete(r, data, err);
}

static void start_waiting(void)
{
    struct slot *slot;

    while (waiting != NULL && (slot = free_slot()) != NULL) {
        struct read *r = waiting;

        waiting = r->next;
        if (waiting == NULL)
            waiting_end = &waiting;
        r->next = NULL;
        if (!send(slot, r))
            read_now(r);
    }
}

typedef struct {
    mach_msg_header_t head;
    kern_return_t code;
    uint32_t size; /* not of an error */
    uint8_t data[BREAD_MAX * OSTIAFS_BLOCK_SIZE];
} read_reply_t;

/* What the disk server's answer says. */
static int result_of(const read_reply_t *reply, const struct read *r)
{
    uint32_t size = r->bread.count * OSTIAFS_BLOCK_SIZE;

    if (reply->head.msgh_id != DISK_READ + REPLY_STEP || reply->head.msgh_size < sizeof(mig_reply_error_t))
        return EIO;
    if (reply->code != KERN_SUCCESS)
        return is_unix_err(reply->code) ? (int)err_get_code(reply->code) : EIO;
    if (reply->head.msgh_size != offsetof(read_reply_t, data) + size || reply->size != size)
        return EIO;
    return 0;
}

boolean_t diskread_server(mach_msg_header_t *in, mach_msg_header_t *out)
{
    const read_reply_t *reply = (const read_reply_t *)in;
    struct slot *slot = ports_lookup(in->msgh_local_port, &slot_class);
    struct read *r;

    if (slot == NULL)
        return FALSE;
    ports_deref(slot);
    mig_release_request(in);
    mig_no_reply(in, out);
    r = slot->read;
    if (r == NULL)
        return TRUE;
    slot->read = NULL;
    if (in->msgh_id != MACH_NOTIFY_SEND_ONCE)
        complete(r, reply->data, result_of(reply, r));
    else if (!send(slot, r))
        read_now(r);
    start_waiting();
    return TRUE;
}

void diskread_start(void)
{
    for (int i = 0; i < SLOTS; i++)
        if (ports_create(&slots[i].object, &slot_class) != KERN_SUCCESS)
            return; /* the disk is waited for */
    volume->cache.ready = aside_ready;
    volume->cache.later = later;
}
