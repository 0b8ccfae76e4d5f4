/*
 * Hostile messages that are nearly right. Every interface of the system is known from its .defs as
 * a table (mig/table.c); a message is built as its stub would build it, with values of all sorts,
 * and then spoilt, or not, in up to three ways. All comes from a seeded generator (hostile.h), so
 * that a failure comes again.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include "hostile.h"

#include <mach/mach_port.h>
#include <mach/notify_ids.h>

enum fuzz_kind {
    FIELD_NONE,
    FIELD_VALUE,  /* a number */
    FIELD_COUNT,  /* of the array behind it */
    FIELD_BYTES,
    FIELD_ARRAY,
    FIELD_STRING,
    FIELD_PORT,   /* descriptors: a right, memory, an array of rights */
    FIELD_MEMORY,
    FIELD_PORTS,
};
struct fuzz_field {
    uint8_t kind;
    int8_t disposition; /* as the sender states it; -1: any */
    uint16_t offset;
    uint32_t size;
};
struct fuzz_routine {
    const char *name;
    mach_msg_id_t id;
    int simple;
    uint32_t size;        /* the most */
    uint32_t descriptors;
    struct fuzz_field field[16]; /* after one that is FIELD_NONE: until a FIELD_NONE */
};
static const struct fuzz_routine fuzz_routines[] = {
#include <fuzz_table.h>
};
#define FUZZ_ROUTINES (sizeof(fuzz_routines) / sizeof(fuzz_routines[0]))

#define FUZZ_SIZE_MAX 20480 /* longer than any request; a few messages are made longer than that */
static union {
    mach_msg_header_t header;
    mach_msg_base_t base;
    char bytes[FUZZ_SIZE_MAX + 64];
} fuzz;

/* Names of every sort in the task that attacks: those that were spoilt, or moved away, are made
 * anew by fuzz_names_again. */
static mach_port_t fuzz_own;     /* receive and send right */
static mach_port_t fuzz_reply;   /* receive right; answers come here */
static mach_port_t fuzz_dead, fuzz_stale, fuzz_set;

#define FUZZ_REFS 30000 /* user references, so that a right is there still when some have been moved away */

static inline void fuzz_names_again(void)
{
    mach_port_t task = mach_task_self();
    mach_port_t *receive[2] = {&fuzz_own, &fuzz_reply};

    for (int i = 0; i < 2; i++) {
        if (*receive[i] != MACH_PORT_NULL)
            mach_port_destroy(task, *receive[i]);
        mach_port_allocate(task, MACH_PORT_RIGHT_RECEIVE, receive[i]);
    }
    mach_port_insert_right(task, fuzz_own, fuzz_own, MACH_MSG_TYPE_MAKE_SEND);
    mach_port_set_qlimit(task, fuzz_reply, MACH_PORT_QLIMIT_MAX);
}

static inline void fuzz_begin(uint64_t with_seed)
{
    mach_port_t task = mach_task_self();

    seed = with_seed * 0x9e3779b97f4a7c15UL + 1;
    in_child = TRUE;
    fuzz_names_again();
    mach_port_allocate(task, MACH_PORT_RIGHT_PORT_SET, &fuzz_set);
    mach_port_allocate(task, MACH_PORT_RIGHT_RECEIVE, &fuzz_stale);
    mach_port_destroy(task, fuzz_stale);
    mach_port_allocate(task, MACH_PORT_RIGHT_DEAD_NAME, &fuzz_dead);
}

static inline mach_port_name_t fuzz_name(void)
{
    switch (below(16)) {
    case 0:
        return MACH_PORT_NULL;
    case 1:
        return MACH_PORT_DEAD;
    case 2:
        return fuzz_dead;
    case 3:
        return fuzz_stale;
    case 4:
        return fuzz_set;
    case 5:
        return (mach_port_name_t)rnd(); /* another's, or nobody's */
    case 6:
    case 7:
    case 8:
    case 9:
        return fuzz_own;
    default:
        return port_count ? ports[below(port_count)] : fuzz_own;
    }
}

/* A number: the wild ones, and those that routines know: flavors, small sizes, addresses that
 * are there. */
static inline uint64_t fuzz_number(void)
{
    switch (below(6)) {
    case 0:
        return below(4);
    case 1:
        return below(4096);
    case 2:
        return below(64) * 4096;
    case 3:
        return fuzz_name();
    default:
        return wild();
    }
}

static inline void fuzz_put(uint32_t offset, uint64_t value, uint32_t size)
{
    if (offset + 8 <= sizeof(fuzz.bytes))
        memcpy(fuzz.bytes + offset, &value, size < 8 ? size : 8);
}

static inline void fuzz_descriptor(const struct fuzz_field *f)
{
    mach_msg_descriptor_t *d = (mach_msg_descriptor_t *)(fuzz.bytes + f->offset);
    int disposition = f->disposition < 0 ? 16 + (int)below(6) : f->disposition;

    memset(d, 0, sizeof(*d));
    if (f->kind == FIELD_PORT) {
        /* What makes needs a receive right, what moves is copied as a rule: else soon nothing
         * is left */
        d->port.type = MACH_MSG_PORT_DESCRIPTOR;
        d->port.disposition = (uint8_t)disposition;
        if (disposition == MACH_MSG_TYPE_MOVE_SEND)
            d->port.disposition = MACH_MSG_TYPE_COPY_SEND;
        if (disposition == MACH_MSG_TYPE_MOVE_SEND_ONCE)
            d->port.disposition = MACH_MSG_TYPE_MAKE_SEND_ONCE;
        d->port.name = d->port.disposition == MACH_MSG_TYPE_COPY_SEND && below(2) ? fuzz_name() : fuzz_own;
    } else if (f->kind == FIELD_MEMORY) {
        d->out_of_line.type = MACH_MSG_OOL_DESCRIPTOR;
        d->out_of_line.copy = (uint8_t)below(2);
        d->out_of_line.address = (uint64_t)area + below(2) * below(4096);
        d->out_of_line.size = (uint32_t)below(sizeof(area) - 4096);
    } else {
        d->ool_ports.type = MACH_MSG_OOL_PORTS_DESCRIPTOR;
        d->ool_ports.disposition = (uint8_t)disposition;
        d->ool_ports.address = (uint64_t)area;
        d->ool_ports.count = (uint32_t)below(64);
        for (uint32_t i = 0; i < d->ool_ports.count; i++)
            memcpy(area + 4 * i, &fuzz_own, 4);
    }
}

/* As the stub would: fields where they belong if every array is full. Returns the size. */
static inline uint32_t fuzz_well_formed(mach_port_t to, const struct fuzz_routine *r)
{
    fuzz.header.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE);
    fuzz.header.msgh_remote_port = to;
    fuzz.header.msgh_local_port = fuzz_reply;
    fuzz.header.msgh_id = r->id;
    if (r->descriptors != 0) {
        fuzz.header.msgh_bits |= MACH_MSGH_BITS_COMPLEX;
        fuzz.base.body.msgh_descriptor_count = r->descriptors;
    }
    for (const struct fuzz_field *f = r->field + 1; f < r->field + 16 && f->kind != FIELD_NONE; f++) {
        switch (f->kind) {
        case FIELD_VALUE:
            fuzz_put(f->offset, fuzz_number(), f->size);
            break;
        case FIELD_COUNT:
            fuzz_put(f->offset, f[1].kind == FIELD_ARRAY || f[1].kind == FIELD_STRING
                                    ? f[1].size / (below(2) ? 1 : 4) : fuzz_number(), 4);
            break;
        case FIELD_STRING:
            memset(fuzz.bytes + f->offset, 'a' + (int)below(26), f->size < 32 ? f->size : 32);
            fuzz.bytes[f->offset + (f->size < 32 ? f->size - 1 : below(32))] = '\0';
            break;
        case FIELD_BYTES:
        case FIELD_ARRAY:
            fill_wild(fuzz.bytes + f->offset, f->size < 128 ? f->size : 128);
            break;
        default:
            fuzz_descriptor(f);
            break;
        }
    }
    return r->size;
}

/* One way of spoiling a message; may give it another size. */
static inline uint32_t fuzz_spoil(uint32_t size)
{
    mach_msg_descriptor_t *d = (mach_msg_descriptor_t *)(fuzz.bytes + sizeof(mach_msg_base_t)) + below(3);
    static const uint8_t kinds[] = {0, MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND,
                                    MACH_MSG_TYPE_MAKE_SEND_ONCE};

    switch (below(14)) {
    case 0: /* truncated */
        return sizeof(mach_msg_header_t) + (uint32_t)below(size);
    case 1: /* longer, or shorter by a little */
        return size + 4 * (uint32_t)below(16) - 16;
    case 2: /* far longer */
        return (uint32_t)(below(4) ? below(FUZZ_SIZE_MAX) : rnd());
    case 3:
        fuzz.base.body.msgh_descriptor_count = (uint32_t)(below(2) ? below(4) : wild());
        return size;
    case 4:
        fuzz.header.msgh_bits ^= MACH_MSGH_BITS_COMPLEX;
        return size;
    case 5:
        fuzz.header.msgh_bits ^= 1U << below(32);
        return size;
    case 6:
        d->port.type = (uint8_t)below(below(8) ? 4 : 256);
        return size;
    case 7:
        d->port.disposition = (uint8_t)(below(8) ? 16 + below(7) : rnd());
        return size;
    case 8:
        d->port.name = fuzz_name();
        return size;
    case 9: /* memory: huge, not there, across what is not there, the kernel's */
        d->out_of_line.type = MACH_MSG_OOL_DESCRIPTOR;
        d->out_of_line.address = wild();
        d->out_of_line.size = (uint32_t)(below(2) ? rnd() : below(1 << 20));
        d->out_of_line.copy = (uint8_t)below(4);
        d->out_of_line.deallocate = 0;
        return size;
    case 10: /* the answer to a port of another kind */
        fuzz.header.msgh_bits = (fuzz.header.msgh_bits & ~MACH_MSGH_BITS(0, 0xff))
                                | MACH_MSGH_BITS(0, kinds[below(4)]);
        fuzz.header.msgh_local_port = below(4) ? fuzz_name() : fuzz_own;
        return size;
    case 11: /* a notification that the kernel did not send */
        fuzz.header.msgh_id = MACH_NOTIFY_PORT_DELETED + (mach_msg_id_t)below(8);
        return below(2) ? size : (uint32_t)sizeof(mach_msg_header_t) + 4;
    case 12:
        fuzz.header.msgh_id += (mach_msg_id_t)(below(2) ? below(300) : wild());
        return size;
    default: /* any word */
        fuzz_put(24 + 4 * (uint32_t)below(size / 4), wild(), 4);
        return size;
    }
}

/*
 * A message to `to`, mostly of an interface whose ids begin in [first, last], and now and then of
 * any. Returns its size; fuzz.header.msgh_id says what it became.
 */
static inline uint32_t fuzz_message(mach_port_t to, mach_msg_id_t first, mach_msg_id_t last)
{
    const struct fuzz_routine *r;
    uint32_t size;
    int tries = 0;

    do
        r = &fuzz_routines[below(FUZZ_ROUTINES)];
    while ((r->id < first || r->id > last) && ++tries < 400 && below(200) != 0);
    size = fuzz_well_formed(to, r);
    for (uint64_t spoilt = below(4); spoilt > 0; spoilt--)
        size = fuzz_spoil(size);
    return size;
}

/* Takes in answers, and gives up what they bring. */
static inline void fuzz_drain(void)
{
    static char answer[65536 + 64];
    mach_msg_header_t *header = (mach_msg_header_t *)answer;

    while (mach_msg_trap(header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof(answer), fuzz_reply, 0,
                         MACH_PORT_NULL) == MACH_MSG_SUCCESS)
        mach_msg_destroy(header);
    while (mach_msg_trap(header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof(answer), fuzz_own, 0,
                         MACH_PORT_NULL) == MACH_MSG_SUCCESS)
        mach_msg_destroy(header);
}

#endif
