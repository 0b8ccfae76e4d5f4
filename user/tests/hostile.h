/*
 * Wild values and random messages, for programs that mean no good. All come from a seeded generator, so
 * that a failure comes again.
 */
#ifndef HOSTILE_H
#define HOSTILE_H

#include <mach/mach.h>
#include <string.h>

/* ---- wild values ---- */

static uint64_t seed;

/* xorshift64* [Marsaglia 2003; Vigna 2016] */
static uint64_t rnd(void)
{
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return seed * 0x2545f4914f6cdd1dUL;
}

static uint64_t below(uint64_t limit)
{
    return rnd() % limit;
}

static char area[4 * 4096] __attribute__((aligned(4096)));
static mach_port_t ports[16]; /* names worth trying */
static unsigned port_count;

/* Something an argument might be: a name, a small number, an address good or bad, or anything. */
static uint64_t wild(void)
{
    switch (below(12)) {
    case 0:
        return 0;
    case 1:
        return ~0UL;
    case 2:
        return below(64);
    case 3:
        return (uint64_t)-below(64);
    case 4:
        return (uint64_t)area + below(sizeof area);
    case 5:
        return (uint64_t)area + sizeof area - below(16); /* about to leave it */
    case 6:
        return 0xffff000000000000UL + below(1UL << 32);
    case 7:
        return below(2) ? VM_MAX_ADDRESS - below(32) : 0x400000 + below(0x1000);
    case 8:
        return 1UL << below(64);
    case 9:
    case 10:
        return port_count ? ports[below(port_count)] : 0;
    default:
        return rnd();
    }
}

static void fill_wild(void *at, unsigned size)
{
    for (unsigned i = 0; i + 4 <= size; i += 4) {
        uint32_t word = (uint32_t)(below(3) ? wild() : rnd());

        memcpy((char *)at + i, &word, 4);
    }
}

/* ---- random messages ---- */

static struct {
    mach_msg_header_t header;
    mach_msg_body_t body;
    mach_msg_descriptor_t descriptor[8];
    char data[2048];
} message;

static boolean_t in_child; /* whose memory may go */

/* A message of random shape; more often than not one that the kernel takes in. */
static inline mach_msg_size_t random_message(mach_port_t to, mach_msg_id_t id)
{
    mach_msg_size_t size = sizeof(mach_msg_header_t) + 4 * (mach_msg_size_t)below(60);
    unsigned count = (unsigned)below(4);

    fill_wild(&message, sizeof message);
    message.header.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND,
                                              below(8) ? MACH_MSG_TYPE_MAKE_SEND_ONCE : 0);
    message.header.msgh_remote_port = to;
    message.header.msgh_local_port = below(8) ? mig_get_reply_port() : (mach_port_t)wild();
    message.header.msgh_id = id;
    if (message.header.msgh_local_port != mig_get_reply_port())
        message.header.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0);
    if (below(2))
        return size;
    message.header.msgh_bits |= MACH_MSGH_BITS_COMPLEX;
    message.body.msgh_descriptor_count = below(16) ? count : (uint32_t)wild();
    for (unsigned i = 0; i < count; i++) {
        mach_msg_descriptor_t *d = &message.descriptor[i];

        d->port.type = (uint8_t)below(below(8) ? 3 : 256);
        switch (d->port.type) {
        case MACH_MSG_PORT_DESCRIPTOR:
            d->port.name = (mach_port_name_t)wild();
            d->port.disposition = (uint8_t)(below(8) ? 19 : 16 + below(7));
            break;
        case MACH_MSG_OOL_DESCRIPTOR:
            d->out_of_line.address = wild();
            d->out_of_line.size = (uint32_t)below(below(4) ? 20000 : 1UL << 32);
            d->out_of_line.deallocate = in_child && below(16) == 0;
            d->out_of_line.copy = (uint8_t)below(4);
            break;
        case MACH_MSG_OOL_PORTS_DESCRIPTOR:
            d->ool_ports.address = wild();
            d->ool_ports.count = (uint32_t)below(below(4) ? 100 : 1UL << 32);
            d->ool_ports.deallocate = 0;
            d->ool_ports.disposition = (uint8_t)(below(8) ? 19 : 16 + below(7));
            break;
        }
    }
    return size + (mach_msg_size_t)(sizeof(mach_msg_body_t) + count * sizeof(mach_msg_descriptor_t));
}

#endif
