/*
 * What the messages of an interface look like, from migcom's table (TABLE), and every way to spoil
 * one. A message is spoilt as a hostile sender would: what it then holds is valid for the kernel,
 * and moves. Read messages.h before, and mig/table.c.
 */
#include "messages.h"

enum row_kind {
    ROUTINE, REQUEST, REPLY,
    PORT, MEMORY, VAR_MEMORY, PORTS, VAR_PORTS, /* descriptors */
    VALUE, STRUCT, ARRAY, VAR_ARRAY, STRING, VAR_STRING, COUNT, ROOM, RETCODE,
};
static const struct row {
    enum row_kind kind;
    const char *name;
    unsigned offset; /* of ROUTINE: its id; of REQUEST, REPLY: the least size, and the largest */
    unsigned unit;
    unsigned size;
    unsigned count;
    int sent, received;
} rows[] = {
#define MIG_SUBSYSTEM(name, base, end)
#define MIG_ROUTINE(name, id, simple)       {ROUTINE, #name, id, simple, 0, 0, 0, 0},
#define MIG_REQUEST(least, largest, number) {REQUEST, "", least, largest, 0, number, 0, 0},
#define MIG_REPLY(least, largest, number)   {REPLY, "", least, largest, 0, number, 0, 0},
#define MIG_FIELD(kind, name, offset, unit, size, count, sent, received) \
    {kind, #name, offset, unit, size, count, sent, received},
#include TABLE
    {ROUTINE, "", 0, 0, 0, 0, 0, 0},
};

static boolean_t is_field(const struct row *row)
{
    return row->kind > REPLY;
}

static boolean_t is_descriptor(const struct row *row)
{
    return row->kind >= PORT && row->kind <= VAR_PORTS;
}

/* The REQUEST or REPLY of a routine; its fields follow. */
static const struct row *message_of(int id, enum row_kind kind)
{
    const struct row *row = rows;

    while (row->kind != ROUTINE || (int)row->offset != id)
        row++;
    while (row->kind != kind)
        row++;
    return row;
}

/* ---- where the values of a message lie ---- */
struct place {
    const struct row *row;
    unsigned at, length; /* bytes */
};

/* Finds the inline fields of a message, as docs/mig.md describes them. Returns the end of the last.
 * */
static unsigned find_places(const struct row *message, mach_msg_header_t *m, struct place *places,
                            unsigned *place_count)
{
    unsigned at = message->count > 0 ? 32 + 16 * message->count : 24;
    unsigned count = 0; /* of the array that follows */

    *place_count = 0;
    for (const struct row *row = message + 1; is_field(row); row++) {
        unsigned length = row->size * row->count;

        if (is_descriptor(row))
            continue;
        at = (at + row->unit - 1) & ~(row->unit - 1);
        if (row->kind == COUNT || row->kind == ROOM)
            length = 4;
        if (row->kind == VAR_ARRAY || row->kind == VAR_STRING)
            length = row->size * count;
        if (row->kind == COUNT)
            memcpy(&count, (char *)m + at, 4);
        places[(*place_count)++] = (struct place){row, at, length};
        at += length;
    }
    return at;
}

void check_layout(int id, boolean_t reply, char *bytes, mach_msg_size_t size)
{
    const struct row *message = message_of(id, reply ? REPLY : REQUEST);
    struct place places[32];
    unsigned count;
    unsigned end = find_places(message, (mach_msg_header_t *)bytes, places, &count);
    unsigned at = message->count > 0 ? 32 + 16 * message->count : 24;
    boolean_t varied = FALSE;

    CHECK(((end + 3) & ~3U) == size && size >= message->offset && size <= message->unit);
    for (unsigned i = 0; i <= count; i++) {
        unsigned next = i < count ? places[i].at : size;

        for (; at < next; at++)
            CHECK(bytes[at] == 0); /* nothing of the sender's stack */
        if (i == count)
            break;
        CHECK(varied || places[i].at == places[i].row->offset);
        varied |= places[i].row->kind == VAR_ARRAY || places[i].row->kind == VAR_STRING;
        at += places[i].length;
    }
}

/* ---- the mutations ---- */
boolean_t spoilt;
const char *spoilt_how;
static const struct row *message; /* what is spoilt, and the mutation's number */
static int wanted;
static int number; /* of the mutation that could come next */
static mach_msg_header_t *m;

void begin_spoiling(int id, boolean_t reply, int mutation)
{
    message = message_of(id, reply ? REPLY : REQUEST);
    wanted = mutation;
    spoilt = FALSE;
}

/* Is it this mutation's turn? */
static boolean_t now(const char *how)
{
    if (spoilt || number++ != wanted)
        return FALSE;
    spoilt = TRUE;
    spoilt_how = how;
    return TRUE;
}

static void drop_all(void)
{
    for (int i = 0; i < descriptor_count(m); i++)
        drop_descriptor(&descriptors(m)[i]);
}

static void add_header_right(void)
{
    m->msgh_bits |= MACH_MSG_TYPE_PORT_SEND;
    m->msgh_remote_port = 99;
    give(99);
}

static void spoil_shape(void)
{
    mach_msg_size_t size = m->msgh_size;
    mach_msg_size_t first = message->count > 0 ? 32 + 16 * message->count : 24;
    mach_msg_size_t largest = message->unit;

    if (message->count > 0 && now("descriptors, but not complex")) {
        drop_all();
        m->msgh_bits &= ~MACH_MSGH_BITS_COMPLEX;
    }
    if (message->count == 0 && now("complex without descriptors")) {
        m->msgh_bits |= MACH_MSGH_BITS_COMPLEX;
        memset(m + 1, 0, sizeof(mach_msg_body_t));
        m->msgh_size = size < 32 ? 32 : size;
    }
    for (mach_msg_size_t s = first; s < size; s += 4) {
        if (now("too short"))
            m->msgh_size = s;
    }
    for (mach_msg_size_t s = size + 4; s <= largest + 16; s += 4) {
        if (now("too long")) {
            memset((char *)m + size, 0, s - size);
            m->msgh_size = s;
        }
    }
    if (message->kind == REPLY && now("a right in the header"))
        add_header_right();
    if (message->kind == REPLY && now("an error reply with a right in the header")) {
        drop_all();
        m->msgh_bits &= ~MACH_MSGH_BITS_COMPLEX;
        m->msgh_size = sizeof(mig_reply_error_t);
        ((mig_reply_error_t *)m)->RetCode = KERN_FAILURE;
        add_header_right();
    }
}

static void spoil_count(const struct place *count, const struct place *array)
{
    uint32_t *value = (uint32_t *)((char *)m + count->at);
    uint32_t size = array->row->size;
    uint32_t wrong[] = {~0U, 0x80000000U, count->row->count + 1, *value + 8, *value - 8 / size,
                        (uint32_t)(0x100000000 / size) + *value /* as many bytes, in 32 bits */};

    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (wrong[i] != *value && now("wrong count"))
            *value = wrong[i];
    }
    if (array->row->kind == VAR_STRING && now("string without even a NUL"))
        *value = 0;
}

static void spoil_values(void)
{
    struct place places[32];
    unsigned count;

    find_places(message, m, places, &count);
    for (unsigned i = 0; i < count; i++) {
        const struct place *place = &places[i];
        char *last = (char *)m + place->at + place->length - 1;

        if (place->row->kind == COUNT)
            spoil_count(place, place + 1);
        if ((place->row->kind == STRING || place->row->kind == VAR_STRING)
            && now("string without a NUL")) {
            CHECK(*last == '\0');
            *last = 'x';
        }
        /* With an error there is nothing but the code (where there is nothing else anyway, this is
         * an error reply as it should be). */
        if (place->row->kind == RETCODE && message->unit != sizeof(mig_reply_error_t)
            && now("an error code with results"))
            *(kern_return_t *)((char *)m + place->at) = KERN_FAILURE;
    }
}

/* ---- descriptors ---- */
static mach_msg_descriptor_t a_port(uint8_t disposition)
{
    give(90);
    return (mach_msg_descriptor_t){.port = {.name = 90, .disposition = disposition,
                                            .type = MACH_MSG_PORT_DESCRIPTOR}};
}

static mach_msg_descriptor_t a_region(uint32_t size)
{
    static const char bytes[1024];

    return (mach_msg_descriptor_t){.out_of_line = {.address = (uint64_t)new_region(bytes, size),
                                                   .size = size, .deallocate = TRUE,
                                                   .type = MACH_MSG_OOL_DESCRIPTOR}};
}

static mach_msg_descriptor_t some_ports(uint8_t disposition, uint32_t count)
{
    static const mach_port_name_t names[8] = {91, 92, 93, 94, 95, 96, 97, 98};

    for (uint32_t i = 0; i < count; i++)
        give(names[i]);
    return (mach_msg_descriptor_t){
        .ool_ports = {.address = (uint64_t)new_region(names, count * sizeof(names[0])),
                      .count = count, .deallocate = TRUE, .disposition = disposition,
                      .type = MACH_MSG_OOL_PORTS_DESCRIPTOR}};
}

static void replace(mach_msg_descriptor_t *d, mach_msg_descriptor_t other)
{
    drop_descriptor(d);
    *d = other;
}

static void spoil_descriptor(const struct row *row, mach_msg_descriptor_t *d)
{
    boolean_t port = row->kind == PORT;
    boolean_t ports = row->kind == PORTS || row->kind == VAR_PORTS;
    uint32_t fitting = ports ? row->kind == PORTS ? row->count : 1 : 2;

    for (uint8_t right = MACH_MSG_TYPE_MOVE_RECEIVE; right <= MACH_MSG_TYPE_MOVE_SEND_ONCE;
         right++) {
        boolean_t other_right = row->received != -1 && row->received != right;

        if ((!port || other_right) && now(port ? "wrong right" : "a port"))
            replace(d, a_port(right));
        if ((!ports || other_right) && now(ports ? "wrong rights" : "ports"))
            replace(d, some_ports(right, fitting));
    }
    if ((port || ports) && now("memory"))
        replace(d, a_region(ports ? fitting * 4 : 8));
    if (row->kind == PORTS && now("one port less"))
        replace(d, some_ports((uint8_t)row->received, row->count - 1));
    if (ports && row->count > 0 && now("one port too many"))
        replace(d, some_ports((uint8_t)row->received, row->count + 1));
    if (row->kind == MEMORY && now("one element less"))
        replace(d, a_region(row->size * (row->count - 1)));
    if ((row->kind == MEMORY || row->kind == VAR_MEMORY) && row->count > 0
        && now("one element too many"))
        replace(d, a_region(row->size * (row->count + 1)));
    if (row->kind == VAR_MEMORY && row->size > 1 && now("a part of an element"))
        replace(d, a_region(row->size + 1));
}

static void spoil_descriptors(void)
{
    mach_msg_body_t *body = (mach_msg_body_t *)(m + 1);
    mach_msg_descriptor_t *d = descriptors(m);
    uint32_t count = message->count;
    const struct row *row = message + 1;

    for (uint32_t i = 0; i < count; row++) {
        if (is_descriptor(row))
            spoil_descriptor(row, &d[i++]);
    }
    if (count == 0)
        return;
    if (now("no descriptors at all")) {
        drop_all();
        body->msgh_descriptor_count = 0;
    }
    if (now("the last descriptor as data")) {
        drop_descriptor(&d[count - 1]);
        body->msgh_descriptor_count--;
    }
    if (now("a descriptor missing")) {
        drop_descriptor(&d[0]);
        memmove(&d[0], &d[1], m->msgh_size - 48);
        m->msgh_size -= 16;
        body->msgh_descriptor_count--;
    }
    if (now("a descriptor too many")) {
        memmove(&d[1], &d[0], m->msgh_size - 32);
        d[0] = a_port(MACH_MSG_TYPE_MOVE_SEND);
        m->msgh_size += 16;
        body->msgh_descriptor_count++;
    }
}

void spoil(mach_msg_header_t *sent)
{
    m = sent;
    number = 0;
    spoil_shape();
    if (!spoilt)
        spoil_values();
    if (!spoilt)
        spoil_descriptors();
}
