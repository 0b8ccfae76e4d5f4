/*
 * Runs MIG-made client and server stubs against each other, on the host. mach_msg is a fake that
 * does to a message what the kernel does (ports change sides, dispositions become those received,
 * the size is set, a trailer added), lets a test spoil it, and hands it to the demultiplexer in a
 * buffer of exactly its size, so that the address sanitizer sees any read past the end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mach/mig_support.h>

#include "all.h"
#include "all_server.h"

struct mach_tcb host_tcb;
mach_port_t mach_task_self_ = 1;

static const char *test_name = "";
static int failures;
#define CHECK(condition) check(condition, #condition, __LINE__)
static void check(int condition, const char *text, int line)
{
    if (condition)
        return;
    printf("FAIL %s, line %d: %s\n", test_name, line, text);
    if (++failures > 20)
        exit(1);
}

/* ---- the fake kernel ---- */
enum { SERVER_PORT = 0x1001, REPLY_PORT = 0x2001, REPLY_RIGHT = 0x3001 };
#define RECEIVED(d) ((d) == 19 || (d) == 20 ? 17 : (d) == 21 ? 18 : (d))

static struct {        /* since reset() */
    int calls;         /* of server routines */
    int bodies;        /* messages with descriptors destroyed */
    int rights;        /* rights and regions in them */
    int header_rights; /* reply rights destroyed */
    int reply_ports_made;
    int reply_ports_destroyed;
    int object_references;
    int sent; /* messages without a reply */
    mach_msg_option_t option;
    mach_msg_timeout_t timeout;
} seen;

static int routine_result;          /* what the routines are to return */
static mach_msg_return_t fail_send; /* what mach_msg is to return */
static void (*spoil_request)(mach_msg_header_t *);
static void (*spoil_reply)(mach_msg_header_t *);
static struct { /* of the last request and reply, as delivered */
    mach_msg_size_t request_size;
    mach_msg_size_t reply_size;
    char request[70000];
    char reply[70000];
} wire;
static boolean_t found;            /* what the demultiplexer said */
static kern_return_t server_code;  /* RetCode of its reply */
static mach_msg_header_t *pending; /* a delayed reply */

static void reset(void)
{
    memset(&seen, 0, sizeof(seen));
    routine_result = KERN_SUCCESS;
    fail_send = MACH_MSG_SUCCESS;
    spoil_request = NULL;
    spoil_reply = NULL;
}

mach_port_name_t mach_reply_port(void)
{
    seen.reply_ports_made++;
    return REPLY_PORT;
}

kern_return_t mach_port_mod_refs(ipc_space_t task, mach_port_name_t name, mach_port_right_t right,
                                 mach_port_delta_t delta)
{
    CHECK(task == 1 && name == REPLY_PORT && right == MACH_PORT_RIGHT_RECEIVE && delta == -1);
    seen.reply_ports_destroyed++;
    return KERN_SUCCESS;
}

static mach_msg_descriptor_t *descriptors(mach_msg_header_t *message)
{
    return (mach_msg_descriptor_t *)((mach_msg_base_t *)message + 1);
}

static int descriptor_count(mach_msg_header_t *message)
{
    if (!(message->msgh_bits & MACH_MSGH_BITS_COMPLEX))
        return 0;
    return (int)((mach_msg_base_t *)message)->body.msgh_descriptor_count;
}

void mach_msg_destroy(mach_msg_header_t *message)
{
    if (message->msgh_bits & MACH_MSGH_BITS_REMOTE_MASK && message->msgh_remote_port != 0)
        seen.header_rights++;
    if (!(message->msgh_bits & MACH_MSGH_BITS_COMPLEX))
        return;
    seen.bodies++;
    for (int i = 0; i < descriptor_count(message) && 32 + 16 * (i + 1) <= (int)message->msgh_size;
         i++)
        seen.rights += descriptors(message)[i].port.type == MACH_MSG_PORT_DESCRIPTOR
                           ? descriptors(message)[i].port.name != 0
                           : descriptors(message)[i].out_of_line.address != 0;
}

static void receive_dispositions(mach_msg_header_t *message)
{
    for (int i = 0; i < descriptor_count(message); i++) {
        mach_msg_descriptor_t *d = &descriptors(message)[i];

        if (d->port.type == MACH_MSG_PORT_DESCRIPTOR)
            d->port.disposition = RECEIVED(d->port.disposition);
        else if (d->port.type == MACH_MSG_OOL_PORTS_DESCRIPTOR)
            d->ool_ports.disposition = RECEIVED(d->ool_ports.disposition);
    }
}

/* A buffer of exactly the message's (spoilt) size, with a trailer if one is due. */
static mach_msg_header_t *delivered(const mach_msg_header_t *message, int trailer)
{
    static const mach_msg_security_trailer_t token = {0, sizeof(token), 9, {{7, 8}}};
    size_t size = message->msgh_size;
    char *buffer = malloc(size + (trailer ? sizeof(token) : 0));

    memcpy(buffer, message, size);
    if (trailer)
        memcpy(buffer + size, &token, sizeof(token));
    return (mach_msg_header_t *)buffer;
}

mach_msg_return_t mach_msg(mach_msg_header_t *msg, mach_msg_option_t option,
                           mach_msg_size_t send_size, mach_msg_size_t rcv_size,
                           mach_port_name_t rcv_name, mach_msg_timeout_t timeout,
                           mach_port_name_t notify)
{
    static uint64_t request_buffer[9000];
    static uint64_t out_buffer[9000];
    mach_msg_header_t *in = (mach_msg_header_t *)request_buffer;
    mach_msg_header_t *out = (mach_msg_header_t *)out_buffer;
    mach_msg_bits_t bits = msg->msgh_bits;

    CHECK(option & MACH_SEND_MSG);
    CHECK(send_size % 4 == 0 && notify == 0);
    seen.option = option;
    seen.timeout = timeout;
    if (fail_send != MACH_MSG_SUCCESS)
        return fail_send;
    memcpy(in, msg, send_size);
    in->msgh_size = send_size;
    if (!(option & MACH_RCV_MSG) && MACH_MSGH_BITS_REMOTE(bits) == MACH_MSG_TYPE_MOVE_SEND_ONCE) {
        seen.sent++; /* a delayed reply */
        pending = in;
        return MACH_MSG_SUCCESS;
    }
    CHECK(msg->msgh_remote_port == SERVER_PORT);
    in->msgh_bits =
        (bits & MACH_MSGH_BITS_COMPLEX) |
        MACH_MSGH_BITS(RECEIVED(MACH_MSGH_BITS_LOCAL(bits)), RECEIVED(MACH_MSGH_BITS_REMOTE(bits)));
    in->msgh_remote_port = msg->msgh_local_port != 0 ? REPLY_RIGHT : 0;
    in->msgh_local_port = SERVER_PORT;
    in->msgh_seqno = 42;
    receive_dispositions(in);
    if (spoil_request != NULL)
        spoil_request(in);
    wire.request_size = in->msgh_size;
    memcpy(wire.request, in, in->msgh_size);
    in = delivered(in, 1);
    memset(out, 0xee, sizeof(out_buffer));
    pending = NULL;
    found = all_server(in, out);
    server_code = ((mig_reply_error_t *)out)->RetCode;
    free(in);
    if (!(option & MACH_RCV_MSG)) {
        CHECK(rcv_size == 0);
        CHECK(!found || server_code == MIG_NO_REPLY);
        return MACH_MSG_SUCCESS;
    }
    if (server_code == MIG_NO_REPLY) {
        if (pending == NULL) {
            return MACH_RCV_TIMED_OUT;
        }
        out = pending;
    }
    CHECK(out->msgh_id == msg->msgh_id + 100 || spoil_request != NULL);
    CHECK(out->msgh_remote_port == REPLY_RIGHT);
    CHECK(MACH_MSGH_BITS_REMOTE(out->msgh_bits) == MACH_MSG_TYPE_MOVE_SEND_ONCE);
    CHECK(out->msgh_size % 4 == 0);
    out->msgh_bits =
        (out->msgh_bits & MACH_MSGH_BITS_COMPLEX) | MACH_MSGH_BITS(0, MACH_MSG_TYPE_PORT_SEND_ONCE);
    out->msgh_local_port = rcv_name;
    out->msgh_remote_port = 0;
    receive_dispositions(out);
    if (spoil_reply != NULL)
        spoil_reply(out);
    wire.reply_size = out->msgh_size;
    memcpy(wire.reply, out, out->msgh_size);
    if (out->msgh_size > rcv_size)
        return MACH_RCV_TOO_LARGE;
    memcpy(msg, out, out->msgh_size);
    return MACH_MSG_SUCCESS;
}

/* ---- the server ---- */
static struct object the_object;

struct object *object_of(mach_port_t port)
{
    the_object.port = port;
    seen.object_references++;
    return &the_object;
}

void object_release(struct object *object)
{
    CHECK(object == &the_object);
    seen.object_references--;
}

uint32_t handle_of(struct object *object)
{
    return object->port + 1;
}

kern_return_t S_null(mach_port_t server)
{
    CHECK(server == SERVER_PORT);
    seen.calls++;
    return routine_result;
}

kern_return_t S_scalars(mach_port_t server, int8_t a, uint64_t b, int16_t c, uint32_t d,
                        boolean_t e, char f, int8_t *ra, uint64_t *rb, int16_t *rc, uint32_t *rd,
                        int64_t *g)
{
    seen.calls++;
    CHECK(server == SERVER_PORT && e == TRUE && f == 'f');
    *ra = (int8_t)(a - 1);
    *rb = b + 1;
    *rc = (int16_t)(c - 1);
    *rd = d + 1;
    *g = -*g;
    return routine_result;
}

kern_return_t S_structs(mach_port_t server, pair_t p, big_t q, pair_t *rp, big_t *rq)
{
    (void)server;
    seen.calls++;
    CHECK(rq->words[1] == 77);
    for (int i = 0; i < 12; i++)
        rp->bytes[i] = (uint8_t)(p.bytes[i] + 1);
    for (int i = 0; i < 3; i++)
        rq->words[i] = q.words[i] + 1;
    return routine_result;
}

kern_return_t S_arrays(mach_port_t server, int_array_t fixed, short_array_t shorts,
                       mach_msg_type_number_t shortsCnt, uint8_t x, const uint64_t *wides,
                       mach_msg_type_number_t widesCnt, uint64_t y, int_array_t rfixed,
                       short_array_t rshorts, mach_msg_type_number_t *rshortsCnt, uint8_t *rx,
                       wide_array_t rwides, mach_msg_type_number_t *rwidesCnt, uint64_t *ry,
                       pair_t *rp)
{
    (void)server;
    seen.calls++;
    CHECK(*rshortsCnt == 10 && *rwidesCnt == 5);
    for (int i = 0; i < 4; i++)
        rfixed[i] = (int)((unsigned)fixed[i] * 2);
    /* The largest first: nothing may be overwritten when the reply is packed. */
    for (unsigned i = 0; i < widesCnt; i++)
        rwides[i] = wides[i] + 1;
    for (unsigned i = 0; i < shortsCnt; i++)
        rshorts[i] = (int16_t)-shorts[i];
    *rshortsCnt = shortsCnt;
    *rwidesCnt = widesCnt;
    *rx = (uint8_t)(x + 1);
    *ry = y + 1;
    memset(rp, 0x5a, sizeof(*rp));
    return routine_result;
}

kern_return_t S_room(mach_port_t server, uint32_t n, short_array_t shorts,
                     mach_msg_type_number_t *shortsCnt)
{
    (void)server;
    seen.calls++;
    if (n > 100) /* a routine that says more than it was given room for */
        *shortsCnt = n;
    else
        *shortsCnt = n < *shortsCnt ? n : *shortsCnt;
    for (unsigned i = 0; i < *shortsCnt && i < 10; i++)
        shorts[i] = (int16_t)i;
    return routine_result;
}

kern_return_t S_strings(mach_port_t server, const char *n, const char *t, const char *u,
                        const char *m, char *rn, char *rt, char *ru, char *rm)
{
    (void)server;
    seen.calls++;
    strcpy(rn, m);
    strcpy(rt, u);
    strcpy(ru, t);
    strcpy(rm, n);
    return routine_result;
}

kern_return_t S_inouts(mach_port_t server, int_array_t fixed, short_array_t shorts,
                       mach_msg_type_number_t *shortsCnt, char *t, char *n)
{
    (void)server;
    seen.calls++;
    for (int i = 0; i < 4; i++)
        fixed[i]++;
    for (unsigned i = 0; i < *shortsCnt; i++)
        shorts[i]++;
    shorts[(*shortsCnt)++] = 99;
    strcat(t, "!");
    strcat(n, "?");
    return routine_result;
}

kern_return_t S_ports(mach_port_t server, mach_port_t a, mach_port_t b, mach_port_t c,
                      mach_port_t d, mach_port_t e, mach_port_t f, mach_msg_type_name_t fPoly,
                      int x, mach_port_t *ra, mach_port_t *rb, mach_port_t *rc,
                      mach_msg_type_name_t *rcPoly, mach_port_t *g)
{
    (void)server;
    seen.calls++;
    CHECK(a == 11 && b == 12 && c == 13 && d == 14 && e == 15 && f == 16 && x == 5 && *g == 17);
    CHECK(fPoly == MACH_MSG_TYPE_PORT_SEND_ONCE);
    *ra = 21;
    *rb = 22;
    *rc = 23;
    *rcPoly = MACH_MSG_TYPE_MOVE_RECEIVE;
    *g = 24;
    return routine_result;
}

static char out_bytes[100];
static uint64_t out_longs[3] = {1, 2, 3};

kern_return_t S_memory(mach_port_t server, char *a, mach_msg_type_number_t aCnt, uint64_t *b,
                       mach_msg_type_number_t bCnt, char *c, char **ra,
                       mach_msg_type_number_t *raCnt, uint64_t **rb, mach_msg_type_number_t *rbCnt,
                       char **rc)
{
    (void)server;
    seen.calls++;
    CHECK(aCnt == 5 && memcmp(a, "hello", 5) == 0 && bCnt == 2 && b[1] == 4 && c[63] == 9);
    *ra = out_bytes;
    *raCnt = sizeof(out_bytes);
    *rb = out_longs;
    *rbCnt = 3;
    *rc = out_bytes;
    return routine_result;
}

static mach_port_t out_ports[2] = {31, 32};

kern_return_t S_port_arrays(mach_port_t server, mach_port_t *p, mach_msg_type_number_t pCnt,
                            mach_port_t **rp, mach_msg_type_number_t *rpCnt)
{
    (void)server;
    seen.calls++;
    CHECK(pCnt == 3 && p[2] == 43);
    *rp = out_ports;
    *rpCnt = 2;
    return routine_result;
}

kern_return_t S_objects(struct object *server, struct object *other, mach_port_t given,
                        struct object **h)
{
    seen.calls++;
    CHECK(server == &the_object && other == &the_object && given == 51);
    CHECK(other->port == 50);
    *h = other;
    return routine_result;
}

kern_return_t S_later(mach_port_t server, mach_port_t reply, int mode, uint32_t *x, char *t,
                      mach_port_t *p)
{
    (void)server;
    seen.calls++;
    CHECK(reply == REPLY_RIGHT);
    switch (mode) {
    case 0: /* at once */
        *x = 1;
        strcpy(t, "now");
        *p = 61;
        return KERN_SUCCESS;
    case 1:
        CHECK(S_later_reply(reply, KERN_SUCCESS, 2, "later", 62) == KERN_SUCCESS);
        return MIG_NO_REPLY;
    case 2:
        CHECK(S_later_reply(reply, KERN_FAILURE, 0, NULL, 0) == KERN_SUCCESS);
        return MIG_NO_REPLY;
    case 3: /* the client is gone: the reply right and what it holds are destroyed */
        fail_send = MACH_SEND_INVALID_DEST;
        CHECK(S_later_reply(reply, KERN_SUCCESS, 2, "later", 62) == MACH_SEND_INVALID_DEST);
        fail_send = MACH_MSG_SUCCESS;
        CHECK(seen.header_rights == 1 && seen.rights == 1);
        return MIG_NO_REPLY;
    default: /* too long: nothing is consumed */
        CHECK(S_later_reply(reply, KERN_SUCCESS, 2, "a text longer than its bound", 62) ==
              MIG_ARRAY_TOO_LARGE);
        CHECK(seen.header_rights == 0 && seen.rights == 0);
        return KERN_ABORTED;
    }
}

kern_return_t S_who(mach_port_t server, uint32_t n, security_token_t token, uint32_t *sum)
{
    (void)server;
    seen.calls++;
    *sum = n + token.val[0] + token.val[1];
    return routine_result;
}

kern_return_t S_tell(mach_port_t server, mach_port_t p, int x)
{
    (void)server;
    seen.calls++;
    CHECK(p == 71 && x == 8);
    return routine_result;
}

kern_return_t S_tell_text(mach_port_t server, const char *t)
{
    (void)server;
    seen.calls++;
    CHECK(strcmp(t, "psst") == 0);
    return routine_result;
}

kern_return_t S_timed(mach_port_t server, int x)
{
    (void)server;
    seen.calls++;
    CHECK(x == 3);
    return routine_result;
}

kern_return_t S_mixed(mach_port_t server, row_t *rows, mach_msg_type_number_t rowsCnt, uint64_t y,
                      uint64_t *ry)
{
    (void)server;
    seen.calls++;
    *ry = y + rows[rowsCnt - 1].words[1];
    return routine_result;
}

/* ---- the client: a call of each routine with known arguments, checking the results ---- */
#define UNTOUCHED 0x55555555

static kern_return_t do_null(void)
{
    return null(SERVER_PORT);
}

static kern_return_t do_scalars(void)
{
    int8_t ra = 0x55;
    uint64_t rb = UNTOUCHED;
    int16_t rc = 0x5555;
    uint32_t rd = UNTOUCHED;
    int64_t g = 1LL << 40;
    kern_return_t kr = scalars(SERVER_PORT, -128 + 1, 1ULL << 63, -5, 0xfffffffe, TRUE, 'f', &ra,
                               &rb, &rc, &rd, &g);

    if (kr == KERN_SUCCESS)
        CHECK(ra == -128 && rb == (1ULL << 63) + 1 && rc == -6 && rd == ~0U && g == -(1LL << 40));
    else
        CHECK(ra == 0x55 && rb == UNTOUCHED && rc == 0x5555 && rd == UNTOUCHED && g == 1LL << 40);
    return kr;
}

static kern_return_t do_structs(void)
{
    pair_t p = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}};
    big_t q = {{1ULL << 50, 2, 3}};
    pair_t rp = {{0}};
    big_t rq = {{7, 77, 777}};
    kern_return_t kr = structs(SERVER_PORT, p, q, &rp, &rq);

    if (kr == KERN_SUCCESS)
        CHECK(rp.bytes[0] == 2 && rp.bytes[11] == 13 && rq.words[0] == (1ULL << 50) + 1 &&
              rq.words[2] == 4);
    else
        CHECK(rp.bytes[0] == 0 && rq.words[0] == 7);
    return kr;
}

static unsigned shorts_count = 3;
static unsigned wides_count = 2;

static kern_return_t do_arrays(void)
{
    int_array_t fixed = {1, 2, 3, 4};
    int16_t shorts[10] = {10, 11, 12, 13, 14, 15, 16, 17, 18, 19};
    uint64_t wides[5] = {1ULL << 33, 200, 300, 400, 500};
    int_array_t rfixed = {0};
    int16_t rshorts[10] = {0};
    uint64_t rwides[5] = {0};
    mach_msg_type_number_t rshorts_count = UNTOUCHED;
    mach_msg_type_number_t rwides_count = UNTOUCHED;
    uint8_t rx = 0;
    uint64_t ry = 0;
    pair_t rp = {{0}};
    kern_return_t kr =
        arrays(SERVER_PORT, fixed, shorts, shorts_count, 7, wides, wides_count, 1ULL << 44, rfixed,
               rshorts, &rshorts_count, &rx, rwides, &rwides_count, &ry, &rp);

    if (kr != KERN_SUCCESS) {
        CHECK(rshorts_count == UNTOUCHED && rwides_count == UNTOUCHED && rfixed[0] == 0 && rx == 0);
        return kr;
    }
    CHECK(rfixed[3] == 8 && rshorts_count == shorts_count && rwides_count == wides_count);
    for (unsigned i = 0; i < shorts_count; i++)
        CHECK(rshorts[i] == -(int)(10 + i));
    for (unsigned i = 0; i < wides_count; i++)
        CHECK(rwides[i] == wides[i] + 1);
    CHECK(rx == 8 && ry == (1ULL << 44) + 1 && rp.bytes[11] == 0x5a);
    return kr;
}

static mach_msg_type_number_t room_asked = 4;
static mach_msg_type_number_t room_wanted = 4;
static mach_msg_type_number_t room_got;

static kern_return_t do_room(void)
{
    int16_t shorts[10];
    mach_msg_type_number_t count = room_asked;
    kern_return_t kr = room(SERVER_PORT, room_wanted, shorts, &count);

    room_got = count;
    return kr;
}

static const char *text = "text";

static kern_return_t do_strings(void)
{
    char rn[16] = "";
    char rm[16] = "";
    char rt[20] = "";
    char ru[20] = "";
    kern_return_t kr = strings(SERVER_PORT, "name", text, "you", "a second name", rn, rt, ru, rm);

    if (kr == KERN_SUCCESS)
        CHECK(!strcmp(rn, "a second name") && !strcmp(rt, "you") && !strcmp(ru, text) &&
              !strcmp(rm, "name"));
    else
        CHECK(*rn == 0 && *rt == 0 && *ru == 0 && *rm == 0);
    return kr;
}

static kern_return_t do_inouts(void)
{
    int_array_t fixed = {1, 2, 3, 4};
    int16_t shorts[10] = {5, 6};
    mach_msg_type_number_t count = 2;
    char t[20] = "hey";
    char n[16] = "who";
    kern_return_t kr = inouts(SERVER_PORT, fixed, shorts, &count, t, n);

    if (kr == KERN_SUCCESS)
        CHECK(fixed[3] == 5 && count == 3 && shorts[0] == 6 && shorts[2] == 99 &&
              !strcmp(t, "hey!") && !strcmp(n, "who?"));
    else
        CHECK(fixed[3] == 4 && count == 2 && !strcmp(t, "hey"));
    return kr;
}

static kern_return_t do_ports(void)
{
    mach_port_t ra = 0, rb = 0, rc = 0, g = 17;
    mach_msg_type_name_t poly = 0;
    kern_return_t kr = ports(SERVER_PORT, 11, 12, 13, 14, 15, 16, MACH_MSG_TYPE_MAKE_SEND_ONCE, 5,
                             &ra, &rb, &rc, &poly, &g);

    if (kr == KERN_SUCCESS)
        CHECK(ra == 21 && rb == 22 && rc == 23 && poly == MACH_MSG_TYPE_PORT_RECEIVE && g == 24);
    else
        CHECK(ra == 0 && rb == 0 && rc == 0 && g == 17);
    return kr;
}

static kern_return_t do_memory(void)
{
    char hello[] = "hello";
    uint64_t longs[2] = {3, 4};
    char block[64] = {[63] = 9};
    char *ra = NULL;
    char *rc = NULL;
    uint64_t *rb = NULL;
    mach_msg_type_number_t ra_count = 0;
    mach_msg_type_number_t rb_count = 0;
    kern_return_t kr =
        memory(SERVER_PORT, hello, 5, longs, 2, block, &ra, &ra_count, &rb, &rb_count, &rc);

    if (kr == KERN_SUCCESS)
        CHECK(ra == out_bytes && ra_count == 100 && rb == out_longs && rb_count == 3 &&
              rc == out_bytes);
    else
        CHECK(ra == NULL && rb == NULL && rc == NULL && ra_count == 0);
    return kr;
}

static kern_return_t do_port_arrays(void)
{
    mach_port_t p[3] = {41, 42, 43};
    mach_port_t *rp = NULL;
    mach_msg_type_number_t count = 0;
    kern_return_t kr = port_arrays(SERVER_PORT, p, 3, &rp, &count);

    CHECK(kr == KERN_SUCCESS ? rp == out_ports && count == 2 : rp == NULL && count == 0);
    return kr;
}

static kern_return_t do_objects(void)
{
    handle_t handle = 0;
    kern_return_t kr = objects(SERVER_PORT, 50, 51, &handle);

    CHECK(handle == (kr == KERN_SUCCESS ? 51 : 0));
    CHECK(seen.object_references == 0);
    return kr;
}

static int later_mode;

static kern_return_t do_later(void)
{
    uint32_t x = 0;
    char t[20] = "";
    mach_port_t p = 0;
    kern_return_t kr = later(SERVER_PORT, later_mode, &x, t, &p);

    if (kr == KERN_SUCCESS)
        CHECK(later_mode == 0 ? x == 1 && !strcmp(t, "now") && p == 61
                              : x == 2 && !strcmp(t, "later") && p == 62);
    else
        CHECK(x == 0 && *t == 0 && p == 0);
    return kr;
}

static kern_return_t do_who(void)
{
    uint32_t sum = 0;
    kern_return_t kr = who(SERVER_PORT, &sum);

    CHECK(sum == (kr == KERN_SUCCESS ? 42 + 7 + 8 : 0));
    return kr;
}

static kern_return_t do_tell(void)
{
    return tell(SERVER_PORT, 71, 8);
}

static kern_return_t do_tell_text(void)
{
    return tell_text(SERVER_PORT, 17, 0, "psst");
}

static kern_return_t do_timed(void)
{
    return timed(SERVER_PORT, REPLY_PORT, 3);
}

static kern_return_t do_mixed(void)
{
    row_t rows[1] = {{{1, 2}}};
    uint64_t ry = 0;
    kern_return_t kr = mixed(SERVER_PORT, rows, 1, 1ULL << 40, &ry);

    CHECK(ry == (kr == KERN_SUCCESS ? (1ULL << 40) + 2 : 0));
    return kr;
}

/*
 * For each routine: how it is called, and by hand from docs/mig.md the sizes of its messages and
 * where their counts (with the largest allowed) and the last NULs of their strings lie.
 */
struct count {
    int offset;
    unsigned max;
};
static const struct routine_test {
    const char *name;
    kern_return_t (*call)(void);
    int id;
    int simple;
    unsigned request_size;
    unsigned reply_size;
    struct count request_counts[3];
    struct count reply_counts[3];
    int request_nuls[5];
    int reply_nuls[5];
} tests[] = {
    {"null", do_null, 7000, 0, 24, 28, {{0}}, {{0}}, {0}, {0}},
    {"scalars", do_scalars, 7001, 0, 64, 56, {{0}}, {{0}}, {0}, {0}},
    {"structs", do_structs, 7002, 0, 24 + 12 + 4 + 24 + 24, 28 + 12 + 24, {{0}}, {{0}}, {0}, {0}},
    /* 24 fixed 40 count 44 shorts 50 x, pad, 52 count 56 wides 72 y 80 */
    {"arrays", do_arrays, 7004, 0, 80, 100, {{40, 10}, {52, 5}}, {{44, 10}, {56, 5}}, {0}, {0}},
    {"room", do_room, 7005, 0, 32, 40, {{0}}, {{28, 10}}, {0}, {0}},
    /* 24 n 40 count 44 "text" 49, pad, 52 count 56 "you" 60 m 76 */
    {"strings",
     do_strings,
     7006,
     0,
     76,
     80,
     {{40, 20}, {52, 20}},
     {{44, 20}, {52, 20}},
     {39, 48, 59, 75},
     {43, 51, 60, 76}},
    /* 24 fixed 40 count 44 shorts 48 count 52 "hey" 56 n 72 */
    {"inouts",
     do_inouts,
     7007,
     0,
     72,
     84,
     {{40, 10}, {48, 20}},
     {{44, 10}, {56, 20}},
     {55, 71},
     {64, 80}},
    {"ports", do_ports, 7008, 0, 32 + 7 * 16 + 4, 32 + 4 * 16 + 4, {{0}}, {{0}}, {0}, {0}},
    {"memory", do_memory, 7009, 0, 32 + 3 * 16, 32 + 3 * 16 + 4, {{0}}, {{0}}, {0}, {0}},
    {"port_arrays", do_port_arrays, 7010, 0, 48, 52, {{0}}, {{0}}, {0}, {0}},
    {"objects", do_objects, 7011, 0, 64, 32, {{0}}, {{0}}, {0}, {0}},
    {"later", do_later, 7012, 0, 28, 64, {{0}}, {{56, 20}}, {0}, {63}},
    {"who", do_who, 7013, 0, 24, 32, {{0}}, {{0}}, {0}, {0}},
    {"tell", do_tell, 7014, 1, 52, 0, {{0}}, {{0}}, {0}, {0}},
    {"tell_text", do_tell_text, 7015, 1, 36, 0, {{24, 20}}, {{0}}, {32}, {0}},
    {"timed", do_timed, 7016, 0, 28, 28, {{0}}, {{0}}, {0}, {0}},
    /* 24 count 28 a row of 8 bytes aligned to 4 36, pad, 40 y 48 */
    {"mixed", do_mixed, 7017, 0, 48, 40, {{24, 3}}, {{0}}, {0}, {0}},
};
#define TEST_COUNT (sizeof(tests) / sizeof(tests[0]))

/* ---- spoiling ---- */
static const struct routine_test *test;
static int reply_spoilt; /* which message the mutation is for */
static int mutation;     /* its number */
static int mutated;      /* is there a mutation of that number */
static int was_complex;
static int was_held; /* rights in the message after the mutation */

static int this_one(int *n)
{
    return (*n)++ == mutation;
}

/* One mutation that must be found out; mutated = 0 when there are no more. */
static void mutate(mach_msg_header_t *m)
{
    static const int types[] = {0, 1, 2, 3};
    const struct count *counts = reply_spoilt ? test->reply_counts : test->request_counts;
    const int *nuls = reply_spoilt ? test->reply_nuls : test->request_nuls;
    mach_msg_size_t size = m->msgh_size;
    int n = 0;
    int descriptors_number = descriptor_count(m);

    mutated = 1;
    if (this_one(&n)) {
        m->msgh_bits ^= MACH_MSGH_BITS_COMPLEX;
        if (m->msgh_bits & MACH_MSGH_BITS_COMPLEX) /* the kernel gives no body that is not there */
            m->msgh_size = size + 8, memset((char *)m + size, 0, 8);
        goto done;
    }
    for (mach_msg_size_t s = descriptors_number > 0 ? 32 : 24; s < size; s += 4) {
        if (reply_spoilt && s == 28 && descriptors_number == 0 && size != 28)
            continue; /* has the form of an error reply; see test_error_replies */
        if (this_one(&n)) {
            m->msgh_size = s;
            goto done;
        }
    }
    for (int extra = 4; extra <= 16; extra += 4) {
        if (this_one(&n)) {
            memset((char *)m + size, 0, 16);
            m->msgh_size = size + (unsigned)extra;
            goto done;
        }
    }
    for (int i = 0; i < 3; i++) {
        uint32_t *count = (uint32_t *)((char *)m + counts[i].offset);
        uint32_t wrong[5] = {~0U, counts[i].max + 1, *count + 9, 0x80000000U, *count - 3};

        for (int j = 0; j < 5 && counts[i].offset != 0; j++) {
            if (this_one(&n)) {
                *count = wrong[j];
                goto done;
            }
        }
    }
    for (int i = 0; i < 5 && nuls[i] != 0; i++) {
        if (this_one(&n)) {
            CHECK(((char *)m)[nuls[i]] == 0);
            ((char *)m)[nuls[i]] = 'x';
            goto done;
        }
    }
    for (int i = 0; i < descriptors_number; i++) {
        mach_msg_descriptor_t *d = &descriptors(m)[i];

        for (int t = 0; t < 4; t++) {
            if (types[t] != d->port.type && this_one(&n)) {
                d->port.type = (uint8_t)types[t];
                goto done;
            }
        }
        /* Polymorphic ones take any right; they are the 6th of ports, the 3rd of its reply. */
        if (test->id == 7008 && i == (reply_spoilt ? 2 : 5)) {
            if (this_one(&n)) {
                d->port.disposition = 22;
                goto done;
            }
            continue;
        }
        for (int disposition = 16; disposition <= 18; disposition++) {
            if (d->port.type == MACH_MSG_PORT_DESCRIPTOR && disposition != d->port.disposition &&
                this_one(&n)) {
                d->port.disposition = (uint8_t)disposition;
                goto done;
            }
            if (d->port.type == MACH_MSG_OOL_PORTS_DESCRIPTOR &&
                disposition != d->ool_ports.disposition && this_one(&n)) {
                d->ool_ports.disposition = (uint8_t)disposition;
                goto done;
            }
        }
        if (d->port.type == MACH_MSG_OOL_PORTS_DESCRIPTOR && this_one(&n)) {
            d->ool_ports.count = 7;
            goto done;
        }
        if (d->port.type == MACH_MSG_OOL_DESCRIPTOR && test->id == 7009 && i > 0) {
            if (this_one(&n)) {
                d->out_of_line.size += 1; /* no whole number of elements, or not the fixed size */
                goto done;
            }
            if (this_one(&n)) {
                d->out_of_line.size = 808; /* 101 of 100 */
                goto done;
            }
        }
    }
    if (descriptors_number > 0 && this_one(&n)) {
        ((mach_msg_base_t *)m)->body.msgh_descriptor_count--;
        goto done;
    }
    if (descriptors_number > 0 && this_one(&n)) {
        ((mach_msg_base_t *)m)->body.msgh_descriptor_count++;
        goto done;
    }
    if (reply_spoilt && this_one(&n)) { /* a reply right in a reply */
        m->msgh_bits |= MACH_MSG_TYPE_PORT_SEND;
        m->msgh_remote_port = 99;
        goto done;
    }
    mutated = 0;
    return;
done:
    was_complex = (m->msgh_bits & MACH_MSGH_BITS_COMPLEX) != 0;
    was_held = descriptor_count(m);
}

static void begin(const struct routine_test *t)
{
    reset();
    test = t;
    test_name = t->name;
    later_mode = 0;
}

static void test_round_trips(void)
{
    for (size_t i = 0; i < TEST_COUNT; i++) {
        begin(&tests[i]);
        CHECK(tests[i].call() == KERN_SUCCESS);
        CHECK(seen.calls == 1 && found && seen.header_rights == 0);
        CHECK(seen.bodies == (tests[i].id == 7011)); /* a translated port is released by the stub */
        CHECK(wire.request_size == tests[i].request_size);
        CHECK(tests[i].simple || wire.reply_size == tests[i].reply_size);
    }
    begin(&tests[15]);
    CHECK(do_timed() == KERN_SUCCESS && seen.timeout == 250);
    CHECK((seen.option & MACH_SEND_TIMEOUT) && (seen.option & MACH_RCV_TIMEOUT));
    begin(&tests[14]); /* tell_text */
    CHECK(do_tell_text() == KERN_SUCCESS && seen.timeout == 17 &&
          (seen.option & MACH_SEND_TIMEOUT));
    for (shorts_count = 0; shorts_count <= 10; shorts_count++) {
        for (wides_count = 0; wides_count <= 5; wides_count++) {
            begin(&tests[3]);
            CHECK(do_arrays() == KERN_SUCCESS);
        }
    }
    shorts_count = 11;
    wides_count = 0;
    CHECK(do_arrays() == MIG_ARRAY_TOO_LARGE);
    shorts_count = 3;
    wides_count = 2;
    for (text = "nineteen characters"; *text != '\0'; text++) {
        begin(&tests[5]);
        CHECK(do_strings() == KERN_SUCCESS);
    }
    text = "twenty characters .";
    CHECK(do_strings() == KERN_SUCCESS);
    text = "twenty-one characters";
    CHECK(do_strings() == MIG_ARRAY_TOO_LARGE);
    text = "text";
}

static void test_padding_is_zero(void)
{
    static const struct {
        int test, reply, from, to;
    } pads[] = {
        {1, 0, 25, 32}, {1, 0, 42, 44}, {1, 0, 53, 56}, {2, 0, 36, 40},
        {3, 0, 51, 52}, {5, 0, 49, 52}, {1, 1, 29, 32}, {1, 1, 42, 44},
        {5, 1, 77, 80}, {3, 1, 55, 56}, {5, 0, 29, 39}, {5, 1, 42, 43},
    };

    test_name = "padding";
    for (size_t i = 0; i < sizeof(pads) / sizeof(pads[0]); i++) {
        begin(&tests[pads[i].test]);
        test->call();
        for (int at = pads[i].from; at < pads[i].to; at++) {
            const char *bytes = pads[i].reply ? wire.reply : wire.request;

            if (bytes[at] != 0)
                printf("byte %d of the %s of %s is %d\n", at, pads[i].reply ? "reply" : "request",
                       test->name, bytes[at]);
            CHECK(bytes[at] == 0);
        }
    }
}

static void test_errors_release(void)
{
    for (size_t i = 0; i < TEST_COUNT; i++) {
        kern_return_t kr;

        if (tests[i].id == 7012)
            continue;
        begin(&tests[i]);
        routine_result = KERN_NO_SPACE;
        kr = tests[i].call();
        CHECK(kr == (tests[i].simple ? KERN_SUCCESS : KERN_NO_SPACE));
        CHECK(seen.calls == 1);
        mach_msg_header_t *request = (mach_msg_header_t *)wire.request;
        CHECK(seen.rights == descriptor_count(request));
        CHECK(seen.header_rights == 0);

        begin(&tests[i]); /* the routine consumed everything; the reply right is released */
        routine_result = MIG_NO_REPLY;
        kr = tests[i].call();
        CHECK(kr == (tests[i].simple ? KERN_SUCCESS : MACH_RCV_TIMED_OUT));
        CHECK(seen.rights == (tests[i].id == 7011 ? 1 : 0));
        CHECK(seen.header_rights == !tests[i].simple);
        CHECK(seen.reply_ports_destroyed == (!tests[i].simple && tests[i].id != 7016));
        CHECK(tests[i].simple || tests[i].id == 7016 || host_tcb.reply_port == 0);
    }
    begin(&tests[10]); /* objects: the translated port is the stub's, the other the routine's */
    CHECK(do_objects() == KERN_SUCCESS && seen.rights == 1);
}

static void test_bad_requests(void)
{
    for (size_t i = 0; i < TEST_COUNT; i++) {
        for (mutation = 0;; mutation++) {
            kern_return_t kr;
            int wanted_rights;

            begin(&tests[i]);
            reply_spoilt = 0;
            spoil_request = mutate;
            kr = tests[i].call();
            if (!mutated)
                break;
            wanted_rights = was_complex;
            if (kr != (tests[i].simple ? KERN_SUCCESS : MIG_BAD_ARGUMENTS) || seen.calls != 0 ||
                seen.bodies != wanted_rights || seen.header_rights != 0)
                printf("mutation %d of the request: kr %d calls %d bodies %d header %d\n", mutation,
                       kr, seen.calls, seen.bodies, seen.header_rights);
            CHECK(kr == (tests[i].simple ? KERN_SUCCESS : MIG_BAD_ARGUMENTS));
            CHECK(seen.calls == 0 && seen.bodies == wanted_rights && seen.header_rights == 0);
            CHECK(seen.object_references == 0);
        }
        CHECK(mutation >= 4);
    }
}

static void test_bad_replies(void)
{
    for (size_t i = 0; i < TEST_COUNT; i++) {
        for (mutation = 0; !tests[i].simple; mutation++) {
            kern_return_t kr;
            int before;

            begin(&tests[i]);
            reply_spoilt = 1;
            spoil_reply = mutate;
            before = tests[i].id == 7011; /* bodies the server itself destroyed */
            kr = tests[i].call();
            if (!mutated)
                break;
            if (kr == MACH_RCV_TOO_LARGE) /* longer than any reply: the kernel destroyed it */
                continue;
            if (kr != MIG_TYPE_ERROR || seen.bodies != was_complex + before)
                printf("mutation %d of the reply: kr %d bodies %d\n", mutation, kr, seen.bodies);
            CHECK(kr == MIG_TYPE_ERROR && seen.calls == 1);
            CHECK(seen.bodies == was_complex + before);
        }
        CHECK(tests[i].simple || mutation >= 4);
    }
}

static mach_msg_id_t new_id;
static void spoil_id(mach_msg_header_t *m)
{
    m->msgh_id = new_id;
}

static void spoil_to_notification(mach_msg_header_t *m)
{
    m->msgh_id = 0107;
    m->msgh_size = 24;
    m->msgh_bits &= ~MACH_MSGH_BITS_COMPLEX;
}

static void spoil_to_empty_error(mach_msg_header_t *m)
{
    m->msgh_size = 28;
    m->msgh_bits &= ~MACH_MSGH_BITS_COMPLEX;
    ((mig_reply_error_t *)m)->RetCode = KERN_SUCCESS;
}

static void test_ids(void)
{
    static const mach_msg_id_t ids[] = {0, -1, 6999, 7003, 7018, 0x7fffffff, (int)0x80000000};

    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        begin(&tests[7]);
        new_id = ids[i];
        spoil_request = spoil_id;
        do_ports();
        CHECK(!found && server_code == MIG_BAD_ID && seen.calls == 0);
        CHECK(seen.rights == 0); /* left for the next demultiplexer */
    }
    for (size_t i = 0; i < TEST_COUNT; i++) {
        if (tests[i].simple)
            continue;
        begin(&tests[i]);
        new_id = tests[i].id + 101;
        spoil_reply = spoil_id;
        CHECK(tests[i].call() == MIG_REPLY_MISMATCH);
        begin(&tests[i]);
        spoil_reply = spoil_to_notification;
        CHECK(tests[i].call() == MIG_SERVER_DIED);
        if (tests[i].reply_size != 28) { /* an error reply without an error */
            begin(&tests[i]);
            spoil_reply = spoil_to_empty_error;
            CHECK(tests[i].call() == MIG_TYPE_ERROR);
        }
    }
}

static void test_room(void)
{
    begin(&tests[4]);
    room_wanted = 10;
    for (room_asked = 0; room_asked <= 12; room_asked++) {
        CHECK(do_room() == KERN_SUCCESS);
        CHECK(room_got == (room_asked < 10 ? room_asked : 10));
    }
    room_asked = 10;
    room_wanted = 1000; /* the routine lies: its stub does not send what it does not have */
    CHECK(do_room() == MIG_ARRAY_TOO_LARGE);
    room_asked = 4;
    room_wanted = 4;
}

static void add_reply_right(mach_msg_header_t *m)
{
    m->msgh_bits |= MACH_MSG_TYPE_PORT_SEND_ONCE;
    m->msgh_remote_port = REPLY_RIGHT;
}

static void test_reply_rights(void)
{
    begin(&tests[11]);
    CHECK(do_later() == KERN_SUCCESS && seen.sent == 0);
    later_mode = 1;
    CHECK(do_later() == KERN_SUCCESS && seen.sent == 1 && seen.header_rights == 0);
    later_mode = 2;
    CHECK(do_later() == KERN_FAILURE && seen.header_rights == 0);
    reset();
    later_mode = 3;
    CHECK(do_later() == MACH_RCV_TIMED_OUT && seen.header_rights == 1);
    reset();
    later_mode = 4;
    CHECK(do_later() == KERN_ABORTED && seen.header_rights == 0);
    later_mode = 0;
    begin(&tests[13]); /* a simpleroutine whose client sent a reply right */
    spoil_request = add_reply_right;
    CHECK(do_tell() == KERN_SUCCESS && seen.calls == 1 && seen.header_rights == 1 &&
          seen.rights == 0);
    begin(&tests[11]); /* a reply right that is not send-once would not do for _reply */
    test_name = "later, with a send right";
    {
        /* Called below mach_msg's checks of the reply: straight into the demultiplexer. */
        struct {
            mach_msg_header_t head;
            int mode;
        } in = {{MACH_MSGH_BITS(17, 17), 28, REPLY_RIGHT, SERVER_PORT, 0, 7012}, 0};
        uint64_t out[100];

        CHECK(all_server(&in.head, (mach_msg_header_t *)out));
        CHECK(((mig_reply_error_t *)out)->RetCode == MIG_BAD_ARGUMENTS && seen.calls == 0);
    }
}

static void test_trailer(void)
{
    struct {
        mach_msg_header_t head;
        mach_msg_security_trailer_t trailer;
    } in = {{MACH_MSGH_BITS(18, 17), 24, REPLY_RIGHT, SERVER_PORT, 0, 7013}, {0, 8, 0, {{0, 0}}}};
    uint64_t out[100];

    begin(&tests[12]); /* a server that did not ask for the sender's token */
    CHECK(all_server(&in.head, (mach_msg_header_t *)out));
    CHECK(((mig_reply_error_t *)out)->RetCode == MIG_TRAILER_ERROR && seen.calls == 0);
}

static void test_reply_port(void)
{
    static const struct {
        mach_msg_return_t code;
        int forgotten, destroyed;
    } codes[] = {
        {MACH_SEND_INVALID_DEST, 0, 0}, {MACH_SEND_INVALID_REPLY, 1, 0},
        {MACH_RCV_INVALID_NAME, 1, 0},  {MACH_RCV_PORT_DIED, 1, 0},
        {MACH_RCV_TIMED_OUT, 1, 1},     {MACH_RCV_INTERRUPTED, 1, 1},
        {MACH_SEND_TIMED_OUT, 0, 0},    {MACH_RCV_TOO_LARGE, 0, 0},
    };

    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        begin(&tests[0]);
        CHECK(do_null() == KERN_SUCCESS);
        CHECK(host_tcb.reply_port == REPLY_PORT);
        reset();
        fail_send = codes[i].code;
        CHECK(do_null() == codes[i].code);
        CHECK((host_tcb.reply_port == 0) == codes[i].forgotten);
        CHECK(seen.reply_ports_destroyed == codes[i].destroyed && seen.reply_ports_made == 0);
        reset();
        CHECK(do_null() == KERN_SUCCESS && seen.reply_ports_made == codes[i].forgotten);
    }
}

/* Any bytes at all: no crash, no read past the end (the sanitizers look), and nothing kept twice.
 */
static unsigned random_state = 1;
static unsigned random_number(void)
{
    random_state = random_state * 1103515245 + 12345;
    return random_state >> 8;
}

static void spoil_randomly(mach_msg_header_t *m)
{
    unsigned first = descriptor_count(m) > 0 ? 32 : 24;
    unsigned n = 1 + random_number() % 4;

    while (n-- > 0 && m->msgh_size > first) {
        unsigned at = first + random_number() % (m->msgh_size - first);

        if (descriptor_count(m) > 0 && at < 32 + 16 * (unsigned)descriptor_count(m))
            continue; /* pointers: the kernel vouches for those */
        ((unsigned char *)m)[at] = (unsigned char)(random_number() % 2 ? random_number() : 255);
    }
    if (random_number() % 4 == 0)
        m->msgh_size = first + random_number() % 40 * 4;
}

static void test_random(void)
{
    char *out = malloc(70000);

    for (int i = 0; i < 20000; i++) {
        const struct routine_test *t = &tests[3 + (i % 2 ? 2 : 0) + (i % 3 ? 0 : 2)];
        mach_msg_header_t *copy;
        uint64_t buffer[200] = {0};
        mach_msg_header_t *m = (mach_msg_header_t *)buffer;

        begin(t);
        if (t->id != 7004 && t->id != 7006)
            continue; /* routines that take any contents */
        t->call();
        memcpy(buffer, wire.request, wire.request_size);
        spoil_randomly(m);
        copy = delivered(m, 0);
        all_server(copy, (mach_msg_header_t *)out);
        free(copy);
    }
    for (int i = 0; i < 20000; i++) {
        int16_t shorts[10];
        uint64_t wides[5];
        int_array_t fixed = {0};
        char n[16], t[20], u[20], m[16];
        mach_msg_type_number_t a, b;
        uint8_t x;
        uint64_t y;
        pair_t p;

        begin(&tests[3]);
        spoil_reply = spoil_randomly;
        if (i % 2)
            arrays(SERVER_PORT, fixed, shorts, 0, 7, wides, 0, 1, fixed, shorts, &a, &x, wides, &b,
                   &y, &p);
        else if (strings(SERVER_PORT, "n", "t", "u", "m", n, t, u, m) == KERN_SUCCESS)
            CHECK(strlen(n) < 16 && strlen(t) < 20 && strlen(u) < 20 && strlen(m) < 16);
    }
    free(out);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } all[] = {
        {"round_trips", test_round_trips},
        {"padding", test_padding_is_zero},
        {"errors_release", test_errors_release},
        {"bad_requests", test_bad_requests},
        {"bad_replies", test_bad_replies},
        {"ids", test_ids},
        {"room", test_room},
        {"reply_rights", test_reply_rights},
        {"trailer", test_trailer},
        {"reply_port", test_reply_port},
        {"random", test_random},
    };

    setvbuf(stdout, NULL, _IONBF, 0);
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (argc < 2 || strcmp(argv[1], all[i].name) == 0)
            all[i].run();
    }
    return failures != 0;
}
