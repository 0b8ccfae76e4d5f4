/*
 * libports: a server's objects by port name. The contracts are in ports.h.
 *
 * No-senders without a race: the kernel counts the send rights ever made from a receive right
 * (mscount), and so does the object. A no-senders notification carries the kernel's count of the
 * moment it was sent. If the object has made more rights since, the notification is old news, and
 * another one is asked for; only when both counts agree can nobody send any more.
 */
#include <mach/mach_port.h>
#include <mach/notify_ids.h>
#include <mach/vm_map.h>
#include <ports.h>

/* What the kernel sends (notify.defs); only looked at when the kernel's token is in the trailer. */
typedef struct {
    mach_msg_header_t header;
    mach_port_mscount_t count;
} no_senders_notification_t;

typedef struct {
    mach_msg_header_t header;
    mach_port_name_t name;
} dead_name_notification_t;

typedef struct {
    mach_msg_header_t header;
    mach_msg_body_t body;
    mach_msg_port_descriptor_t right;
} port_destroyed_notification_t;

/*
 * A port in the set that nobody can send to: senders and messages are gone, since the no-senders notification
 * comes by the port itself, behind them. One is kept, for the next object: so a quiet server holds as many
 * ports as it did before.
 */
static struct spare {
    mach_port_t port; /* MACH_PORT_NULL: there is none */
    mach_port_mscount_t mscount;
} spare;

static mach_port_t port_set;

/*
 * The objects, by the index part of their port's name. The kernel gives out names from the bottom
 * of its table, so this one is as dense as that.
 */
static struct port_object **table;
static uint32_t table_size;

/* Makes room for index. KERN_RESOURCE_SHORTAGE. */
static kern_return_t grow_table(uint32_t index)
{
    uint32_t size = table_size != 0 ? table_size : PAGE_SIZE / sizeof(*table);
    vm_address_t memory = 0;
    kern_return_t kr;

    while (size <= index)
        size *= 2;
    kr = vm_allocate(mach_task_self(), &memory, size * sizeof(*table), TRUE);
    if (kr != KERN_SUCCESS)
        return kr;
    for (uint32_t i = 0; i < table_size; i++)
        ((struct port_object **)memory)[i] = table[i];
    if (table_size != 0)
        vm_deallocate(mach_task_self(), (vm_address_t)table, table_size * sizeof(*table));
    table = (struct port_object **)memory;
    table_size = size;
    return KERN_SUCCESS;
}

void *ports_find(mach_port_t port, const struct port_class *class)
{
    uint32_t index = MACH_PORT_INDEX(port);
    struct port_object *object = index < table_size ? table[index] : NULL;

    /* The whole name is compared: an old one of another generation finds nothing. */
    if (object == NULL || object->port != port || (class != NULL && object->class != class))
        return NULL;
    return object;
}

mach_port_t ports_set(void)
{
    if (port_set == MACH_PORT_NULL
        && mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_PORT_SET, &port_set)
               != KERN_SUCCESS)
        port_set = MACH_PORT_NULL;
    return port_set;
}

/* Asks to be told when there are no senders, `mscount` rights having been made. */
static kern_return_t request_no_senders(struct port_object *object)
{
    mach_port_t previous = MACH_PORT_NULL;
    kern_return_t kr =
        mach_port_request_notification(mach_task_self(), object->port, MACH_NOTIFY_NO_SENDERS,
                                       object->mscount, object->port,
                                       MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous);

    if (kr == KERN_SUCCESS && previous != MACH_PORT_NULL)
        mach_port_deallocate(mach_task_self(), previous);
    return kr;
}

kern_return_t ports_adopt(struct port_object *object, const struct port_class *class,
                          mach_port_t receive_right)
{
    mach_port_status_t status;
    kern_return_t kr;

    if (ports_set() == MACH_PORT_NULL)
        return KERN_RESOURCE_SHORTAGE;
    if (MACH_PORT_INDEX(receive_right) >= table_size) {
        kr = grow_table(MACH_PORT_INDEX(receive_right));
        if (kr != KERN_SUCCESS)
            return kr;
    }
    kr = mach_port_get_receive_status(mach_task_self(), receive_right, &status);
    if (kr != KERN_SUCCESS)
        return kr;
    object->port = receive_right;
    object->class = class;
    object->refs = 1;
    object->mscount = status.mps_mscount;
    object->has_senders = FALSE;
    if (status.mps_srights) {
        kr = request_no_senders(object);
        if (kr != KERN_SUCCESS)
            return kr;
        object->has_senders = TRUE;
        object->refs++;
    }
    kr = mach_port_insert_member(mach_task_self(), receive_right, port_set);
    if (kr != KERN_SUCCESS)
        return kr;
    table[MACH_PORT_INDEX(receive_right)] = object;
    return KERN_SUCCESS;
}

/* A new port, in the set, with room in the table. */
static kern_return_t new_port(struct spare *new)
{
    kern_return_t kr = mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &new->port);

    if (kr != KERN_SUCCESS)
        return kr;
    new->mscount = 0;
    if (ports_set() == MACH_PORT_NULL)
        kr = KERN_RESOURCE_SHORTAGE;
    else if (MACH_PORT_INDEX(new->port) >= table_size)
        kr = grow_table(MACH_PORT_INDEX(new->port));
    if (kr == KERN_SUCCESS)
        kr = mach_port_insert_member(mach_task_self(), new->port, port_set);
    if (kr != KERN_SUCCESS)
        mach_port_mod_refs(mach_task_self(), new->port, MACH_PORT_RIGHT_RECEIVE, -1);
    return kr;
}

kern_return_t ports_create(struct port_object *object, const struct port_class *class)
{
    struct spare its;
    kern_return_t kr = KERN_SUCCESS;

    if (class->short_lived && spare.port != MACH_PORT_NULL) {
        its = spare;
        spare.port = MACH_PORT_NULL;
    } else {
        kr = new_port(&its);
    }
    if (kr != KERN_SUCCESS)
        return kr;
    object->port = its.port;
    object->class = class;
    object->refs = 1;
    object->mscount = its.mscount;
    object->has_senders = FALSE;
    table[MACH_PORT_INDEX(its.port)] = object;
    return KERN_SUCCESS;
}

mach_port_t ports_make_send(struct port_object *object)
{
    if (mach_port_insert_right(mach_task_self(), object->port, object->port,
                               MACH_MSG_TYPE_MAKE_SEND)
        != KERN_SUCCESS)
        return MACH_PORT_NULL;
    object->mscount++;
    if (!object->has_senders) {
        /* The right exists, so this cannot fire before it is given up again. */
        if (request_no_senders(object) != KERN_SUCCESS) {
            mach_port_deallocate(mach_task_self(), object->port);
            return MACH_PORT_NULL;
        }
        object->has_senders = TRUE;
        object->refs++;
    }
    return object->port;
}

mach_port_t ports_offer(struct port_object *object)
{
    object->mscount++;
    if (!object->has_senders) {
        /* It cannot fire before so many rights were made. */
        if (request_no_senders(object) != KERN_SUCCESS) {
            object->mscount--;
            return MACH_PORT_NULL;
        }
        object->has_senders = TRUE;
        object->refs++;
    }
    return object->port;
}

void ports_withdraw(struct port_object *object)
{
    mach_port_insert_right(mach_task_self(), object->port, object->port, MACH_MSG_TYPE_MAKE_SEND);
    mach_port_deallocate(mach_task_self(), object->port);
}

void *ports_lookup(mach_port_t port, const struct port_class *class)
{
    struct port_object *object = ports_find(port, class);

    if (object != NULL)
        object->refs++;
    return object;
}

void ports_ref(void *object)
{
    ((struct port_object *)object)->refs++;
}

void ports_deref(void *pointer)
{
    struct port_object *object = pointer;
    struct spare its = {.port = object->port, .mscount = object->mscount};
    boolean_t keep;

    if (--object->refs != 0)
        return;
    keep = object->class->short_lived && spare.port == MACH_PORT_NULL;
    table[MACH_PORT_INDEX(its.port)] = NULL;
    object->class->destroy(object);
    if (keep)
        spare = its;
    else
        mach_port_mod_refs(mach_task_self(), its.port, MACH_PORT_RIGHT_RECEIVE, -1);
}

static void no_senders(struct port_object *object, mach_port_mscount_t count)
{
    /* A difference, since the counts may wrap. */
    if ((int32_t)(object->mscount - count) > 0) {
        /* If the kernel has no memory for the request the object stays for ever: better than that
         * it goes while somebody may send. */
        request_no_senders(object);
        return;
    }
    object->has_senders = FALSE;
    if (object->class->no_senders != NULL)
        object->class->no_senders(object);
    ports_deref(object);
}

/* The kernel tells object something. FALSE: not of a kind its class minds. */
static boolean_t notify(struct port_object *object, mach_msg_header_t *in)
{
    switch (in->msgh_id) {
    case MACH_NOTIFY_NO_SENDERS:
        if (object->has_senders)
            no_senders(object, ((no_senders_notification_t *)in)->count);
        return TRUE;
    case MACH_NOTIFY_DEAD_NAME:
        if (object->class->dead_name == NULL)
            return FALSE;
        object->class->dead_name(object, ((dead_name_notification_t *)in)->name);
        return TRUE;
    case MACH_NOTIFY_PORT_DESTROYED:
        if (object->class->port_destroyed == NULL)
            return FALSE;
        object->class->port_destroyed(object,
                                      ((port_destroyed_notification_t *)in)->right.name);
        in->msgh_bits &= ~MACH_MSGH_BITS_COMPLEX; /* the right is the class's now */
        return TRUE;
    default:
        return FALSE;
    }
}

boolean_t ports_notify_server(mach_msg_header_t *in, mach_msg_header_t *out)
{
    struct port_object *object;
    boolean_t handled;

    if (in->msgh_id < MACH_NOTIFY_FIRST || in->msgh_id > MACH_NOTIFY_LAST)
        return FALSE;
    if (!mach_msg_from_kernel(in)) {
        mig_release_request(in);
        mig_no_reply(in, out);
        return TRUE;
    }
    object = ports_lookup(in->msgh_local_port, NULL);
    if (object == NULL)
        return FALSE;
    handled = notify(object, in);
    ports_deref(object);
    if (handled)
        mig_no_reply(in, out);
    return handled;
}

static const mig_demux_t *server_demuxers;
static const mach_msg_header_t *served; /* the request that a routine works on */

security_token_t ports_sender(void)
{
    return mach_msg_trailer(served)->msgh_sender;
}

static boolean_t demux(mach_msg_header_t *in, mach_msg_header_t *out)
{
    served = in;
    if (in->msgh_id >= MACH_NOTIFY_FIRST && in->msgh_id <= MACH_NOTIFY_LAST
        && ports_notify_server(in, out))
        return TRUE;
    for (const mig_demux_t *d = server_demuxers; *d != NULL; d++)
        if ((*d)(in, out))
            return TRUE;
    /* A dead-name notification nobody minds still brought a reference to the name. */
    if (in->msgh_id == MACH_NOTIFY_DEAD_NAME)
        mach_port_deallocate(mach_task_self(), ((dead_name_notification_t *)in)->name);
    return FALSE;
}

void ports_again(mach_msg_header_t *in, mach_msg_header_t *out)
{
    mach_msg_serve(demux, in, out);
}

void ports_serve(const mig_demux_t *demuxers, mach_msg_size_t max_size)
{
    server_demuxers = demuxers;
    for (;;) {
        mach_msg_return_t result =
            mach_msg_server(demux, max_size, ports_set(),
                            MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_SENDER));

        /* Out of memory, or the set is gone: nothing to be done but to go on trying. */
        (void)result;
        thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, 10);
    }
}
