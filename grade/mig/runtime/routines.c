/*
 * The server's routines. Each knows the arguments that calls.c gives it. What a routine was given
 * it takes if it succeeds (or returns MIG_NO_REPLY), and only then: consumed(). Read runtime.h
 * before.
 */
#include "runtime.h"

/* Is the routine to succeed, and so to keep what it was given? Says to fake.c that it was called.
 * */
static boolean_t consumed(void)
{
    seen.calls++;
    return routine_result == KERN_SUCCESS || routine_result == MIG_NO_REPLY;
}

static void take_ports(mach_port_t *names, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        take(names[i]);
    free_region(names);
}

static struct object the_object;

struct object *object_of(mach_port_t port)
{
    the_object.port = port;
    seen.objects++;
    return &the_object;
}

void object_release(struct object *object)
{
    CHECK(object == &the_object);
    seen.objects--;
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
    else if (n > 50) /* one that does not care how much room the client has */
        *shortsCnt = n - 50;
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
    CHECK(a == 11 && b == 12 && c == 13 && d == 14 && e == 15 && f == 16 && x == 5 && *g == 17);
    CHECK(fPoly == MACH_MSG_TYPE_PORT_SEND_ONCE);
    if (!consumed())
        return routine_result;
    for (mach_port_t port = 11; port <= 17; port++)
        take(port);
    *ra = 21; /* is made on the way; the others move */
    *rb = 22;
    *rc = 23;
    *rcPoly = MACH_MSG_TYPE_MOVE_RECEIVE;
    *g = 24;
    if (routine_result == KERN_SUCCESS) {
        give(22);
        give(23);
        give(24);
    }
    return routine_result;
}

static char out_bytes[100] = "out";
static uint64_t out_longs[3] = {1, 2, 3};
static mach_port_t out_ports[2] = {31, 32};

kern_return_t S_memory(mach_port_t server, char *a, mach_msg_type_number_t aCnt, uint64_t *b,
                       mach_msg_type_number_t bCnt, char *c, char **ra,
                       mach_msg_type_number_t *raCnt, uint64_t **rb, mach_msg_type_number_t *rbCnt,
                       char **rc)
{
    (void)server;
    CHECK(aCnt == 5 && memcmp(a, "hello", 5) == 0 && bCnt == 2 && b[1] == 4 && c[63] == 9);
    if (!consumed())
        return routine_result;
    free_region(a);
    free_region(b);
    free_region(c);
    *ra = out_bytes; /* stays the server's: no dealloc */
    *raCnt = sizeof(out_bytes);
    *rc = out_bytes;
    if (routine_result == KERN_SUCCESS) {
        *rb = new_region(out_longs, sizeof(out_longs));
        *rbCnt = 3;
    }
    return routine_result;
}

kern_return_t S_port_arrays(mach_port_t server, mach_port_t *p, mach_msg_type_number_t pCnt,
                            mach_port_t **rp, mach_msg_type_number_t *rpCnt)
{
    (void)server;
    CHECK(pCnt == 3 && p[2] == 43);
    if (!consumed())
        return routine_result;
    take_ports(p, pCnt);
    if (routine_result == KERN_SUCCESS) {
        give(31);
        give(32);
        *rp = new_region(out_ports, sizeof(out_ports));
        *rpCnt = 2;
    }
    return routine_result;
}

kern_return_t S_objects(struct object *server, struct object *other, mach_port_t given,
                        struct object **h)
{
    CHECK(server == &the_object && other == &the_object && given == 51);
    CHECK(other->port == 50);
    if (consumed())
        take(given);
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
        give(61);
        return KERN_SUCCESS;
    case 1:
        give(62);
        CHECK(S_later_reply(reply, KERN_SUCCESS, 2, "later", 62) == KERN_SUCCESS);
        return MIG_NO_REPLY;
    case 2:
        CHECK(S_later_reply(reply, KERN_FAILURE, 0, NULL, 0) == KERN_SUCCESS);
        return MIG_NO_REPLY;
    case 5: /* nobody takes it in time */
    case 3: /* the client is gone: the reply right and what was given with it are released */
        give(62);
        fail_send = mode == 3 ? MACH_SEND_INVALID_DEST : MACH_SEND_TIMED_OUT;
        CHECK(S_later_reply(reply, KERN_SUCCESS, 2, "later", 62) == fail_send);
        fail_send = MACH_MSG_SUCCESS;
        CHECK(balanced());
        return MIG_NO_REPLY;
    default: /* too long: nothing is consumed */
        CHECK(S_later_reply(reply, KERN_SUCCESS, 2, "a text longer than its bound", 62) ==
              MIG_ARRAY_TOO_LARGE);
        CHECK(rights[REPLY_RIGHT] == 1 && rights[62] == 0);
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
    CHECK(p == 71 && x == 8);
    if (consumed())
        take(p);
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

kern_return_t S_inout_rights(mach_port_t server, uint64_t **m, mach_msg_type_number_t *mCnt,
                             char **b, mach_port_t **p, mach_msg_type_number_t *pCnt,
                             mach_port_t *q, mach_msg_type_name_t *qPoly, mach_port_t **s, int x)
{
    (void)server;
    CHECK(*mCnt == 2 && (*m)[1] == 4 && (*b)[63] == 9 && *pCnt == 3 && (*p)[0] == 41 && *q == 16);
    CHECK(*qPoly == MACH_MSG_TYPE_PORT_SEND_ONCE && (*s)[0] == 44 && (*s)[1] == 45 && x == 5);
    if (!consumed())
        return routine_result;
    free_region(*m);
    take_ports(*p, 3);
    take(*q);
    if (routine_result != KERN_SUCCESS) {
        free_region(*b);
        take_ports(*s, 2);
        return routine_result;
    }
    *m = new_region(out_longs, sizeof(out_longs)); /* another one; b and s go back as they came */
    *mCnt = 3;
    *p = new_region(out_ports, sizeof(out_ports));
    *pCnt = 2;
    give(31);
    give(32);
    *q = 23;
    *qPoly = MACH_MSG_TYPE_MAKE_SEND;
    return routine_result;
}

kern_return_t S_others(mach_port_t server, mach_port_t *p, mach_msg_type_name_t pPoly,
                       mach_msg_type_number_t pCnt, uint64_t *n, mach_port_t c, uint64_t **rn,
                       mach_port_t **rp, mach_msg_type_name_t *rpPoly,
                       mach_msg_type_number_t *rpCnt, table_t table, char *label)
{
    (void)server;
    CHECK(pPoly == MACH_MSG_TYPE_PORT_SEND && pCnt == 2 && p[1] == 42 && *n == 77 && c == 18);
    CHECK(table[1][2] == 6 && strcmp(label, "label") == 0);
    if (!consumed())
        return routine_result;
    take_ports(p, pCnt);
    free_region(n);
    take(c);
    if (routine_result != KERN_SUCCESS)
        return routine_result;
    *rn = new_region(&(uint64_t){78}, sizeof(uint64_t));
    *rp = new_region(out_ports, sizeof(out_ports));
    *rpPoly = MACH_MSG_TYPE_MOVE_SEND_ONCE;
    *rpCnt = 2;
    give(31);
    give(32);
    table[1][2] = 7;
    strcat(label, "led");
    return routine_result;
}

kern_return_t S_released(mach_port_t server, mach_port_t given, mach_port_t *p, char **m,
                         mach_msg_type_number_t *mCnt, mach_port_t **list,
                         mach_msg_type_number_t *listCnt, char *t)
{
    (void)server;
    if (!consumed())
        return routine_result;
    take(given);
    if (routine_result != KERN_SUCCESS)
        return routine_result;
    give(31);
    give(32);
    give(62);
    *p = 62;
    *m = new_region(out_bytes, 10);
    *mCnt = 10;
    *list = new_region(out_ports, sizeof(out_ports));
    *listCnt = 2;
    strncpy(t, returned_text, 20); /* may be one that does not fit */
    return routine_result;
}

kern_return_t S_checked(mach_port_t server, int x, int *y)
{
    (void)server;
    seen.calls++;
    *y = x + 1;
    return routine_result;
}

kern_return_t S_tell_memory(mach_port_t server, char *m, mach_msg_type_number_t mCnt)
{
    (void)server;
    CHECK(mCnt == 5 && memcmp(m, "hello", 5) == 0);
    if (consumed())
        free_region(m);
    return routine_result;
}
