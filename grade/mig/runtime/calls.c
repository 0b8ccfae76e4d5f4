/*
 * The client: a call of each routine with known arguments. On success it checks what came back, and
 * gives it up; on failure, that no result was written. By the one rule (docs/mig.md) what it gave
 * is gone, unless nothing was sent. Read runtime.h and routines.c before.
 */
#include "runtime.h"

unsigned shorts_count = 3;
unsigned wides_count = 2;
mach_msg_type_number_t room_asked = 4;
mach_msg_type_number_t room_wanted = 4;
mach_msg_type_number_t room_got;
const char *text = "text";
int later_mode;
const char *returned_text = "fits";

/* What moves is the client's before the call, and after one that sent nothing. */
static void give_all(const mach_port_t *ports, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        give(ports[i]);
}

static void take_back(kern_return_t kr, const mach_port_t *ports, unsigned count)
{
    for (unsigned i = 0; i < count && mig_not_sent(kr); i++)
        take(ports[i]);
}

static void free_back(kern_return_t kr, void *region)
{
    if (mig_not_sent(kr))
        free_region(region);
}

static void take_names(mach_port_t *names, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        take(names[i]);
    free_region(names);
}

static const mach_port_t array_ports[3] = {41, 42, 43};

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

static kern_return_t do_room(void)
{
    int16_t shorts[10];
    mach_msg_type_number_t count = room_asked;
    kern_return_t kr = room(SERVER_PORT, room_wanted, shorts, &count);

    room_got = count;
    return kr;
}

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
    static const mach_port_t moved[] = {13, 15, 17};
    mach_port_t ra = 0, rb = 0, rc = 0, g = 17;
    mach_msg_type_name_t poly = 0;
    kern_return_t kr;

    give_all(moved, 3);
    kr = ports(SERVER_PORT, 11, 12, 13, 14, 15, 16, MACH_MSG_TYPE_MAKE_SEND_ONCE, 5, &ra, &rb, &rc,
               &poly, &g);
    take_back(kr, moved, 3);
    if (kr != KERN_SUCCESS) {
        CHECK(ra == 0 && rb == 0 && rc == 0 && g == 17);
        return kr;
    }
    CHECK(ra == 21 && rb == 22 && rc == 23 && poly == MACH_MSG_TYPE_PORT_RECEIVE && g == 24);
    for (mach_port_t port = 21; port <= 24; port++)
        take(port);
    return kr;
}

static kern_return_t do_memory(void)
{
    char *hello = new_region("hello", 5); /* goes with the message; the others are copied */
    uint64_t longs[2] = {3, 4};
    char block[64] = {[63] = 9};
    char *ra = NULL;
    char *rc = NULL;
    uint64_t *rb = NULL;
    mach_msg_type_number_t ra_count = 0;
    mach_msg_type_number_t rb_count = 0;
    kern_return_t kr =
        memory(SERVER_PORT, hello, 5, longs, 2, block, &ra, &ra_count, &rb, &rb_count, &rc);

    free_back(kr, hello);
    if (kr != KERN_SUCCESS) {
        CHECK(ra == NULL && rb == NULL && rc == NULL && ra_count == 0);
        return kr;
    }
    CHECK(ra_count == 100 && strcmp(ra, "out") == 0 && rb_count == 3 && rb[2] == 3);
    CHECK(strcmp(rc, "out") == 0);
    free_region(ra);
    free_region(rb);
    free_region(rc);
    return kr;
}

static kern_return_t do_port_arrays(void)
{
    mach_port_t p[3] = {41, 42, 43};
    mach_port_t *rp = NULL;
    mach_msg_type_number_t count = 0;
    kern_return_t kr;

    give_all(p, 3);
    kr = port_arrays(SERVER_PORT, p, 3, &rp, &count);
    take_back(kr, p, 3);
    if (kr != KERN_SUCCESS) {
        CHECK(rp == NULL && count == 0);
        return kr;
    }
    CHECK(count == 2 && rp[0] == 31 && rp[1] == 32);
    take_names(rp, 2);
    return kr;
}

static kern_return_t do_objects(void)
{
    static const mach_port_t moved = 51; /* 50 is copied */
    handle_t handle = 0;
    kern_return_t kr;

    give(moved);
    kr = objects(SERVER_PORT, 50, moved, &handle);
    take_back(kr, &moved, 1);
    CHECK(handle == (kr == KERN_SUCCESS ? 51 : 0));
    return kr;
}

static kern_return_t do_later(void)
{
    uint32_t x = 0;
    char t[20] = "";
    mach_port_t p = 0;
    kern_return_t kr = later(SERVER_PORT, later_mode, &x, t, &p);

    if (kr == KERN_SUCCESS)
        CHECK(later_mode == 0 ? x == 1 && !strcmp(t, "now") && p == 61
                              : x == 2 && !strcmp(t, "later") && p == 62);
    if (kr == KERN_SUCCESS)
        take(p);
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
    static const mach_port_t moved = 71;
    kern_return_t kr;

    give(moved);
    kr = tell(SERVER_PORT, moved, 8);
    take_back(kr, &moved, 1);
    return kr;
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

static kern_return_t do_inout_rights(void)
{
    static const uint64_t longs[2] = {3, 4};
    static const char block[64] = {[63] = 9};
    static const mach_port_t two[2] = {44, 45};
    uint64_t *m = new_region(longs, sizeof(longs));
    char *b = new_region(block, sizeof(block));
    mach_port_t *p = new_region(array_ports, sizeof(array_ports));
    mach_port_t *s = new_region(two, sizeof(two));
    const void *sent[] = {m, b, p, s};
    mach_msg_type_number_t m_count = 2, p_count = 3;
    mach_port_t q = 16;
    mach_msg_type_name_t poly = MACH_MSG_TYPE_MOVE_SEND_ONCE;
    kern_return_t kr;

    give_all(array_ports, 3);
    give_all(two, 2);
    give(q);
    kr = inout_rights(SERVER_PORT, &m, &m_count, &b, &p, &p_count, &q, &poly, &s, 5);
    if (kr != KERN_SUCCESS) {
        CHECK(m == sent[0] && b == sent[1] && p == sent[2] && s == sent[3] && q == 16);
        CHECK(m_count == 2 && p_count == 3 && poly == MACH_MSG_TYPE_MOVE_SEND_ONCE);
    }
    if (mig_not_sent(kr) || kr == KERN_SUCCESS) { /* what is in the variables is ours again */
        take(q);
        take_names(p, p_count);
        take_names(s, 2);
        free_region(m);
        free_region(b);
    }
    CHECK(kr != KERN_SUCCESS || (m_count == 3 && p_count == 2 && q == 23));
    CHECK(kr != KERN_SUCCESS || poly == MACH_MSG_TYPE_PORT_SEND);
    return kr;
}

static kern_return_t do_others(void)
{
    static const mach_port_t moved = 18;
    mach_port_t *p = new_region(array_ports, 2 * sizeof(*p)); /* copied: these rights stay ours */
    uint64_t n = 77;
    uint64_t *rn = NULL;
    mach_port_t *rp = NULL;
    mach_msg_type_name_t poly = 0;
    mach_msg_type_number_t count = 0;
    table_t table = {{1, 2, 3}, {4, 5, 6}};
    char label[12] = "label";
    kern_return_t kr;

    give(moved);
    kr = others(SERVER_PORT, p, MACH_MSG_TYPE_COPY_SEND, 2, &n, moved, &rn, &rp, &poly, &count,
                table, label);
    free_back(kr, p);
    take_back(kr, &moved, 1);
    if (kr != KERN_SUCCESS) {
        CHECK(rn == NULL && rp == NULL && count == 0 && table[1][2] == 6
              && !strcmp(label, "label"));
        return kr;
    }
    CHECK(*rn == 78 && count == 2 && rp[1] == 32 && poly == MACH_MSG_TYPE_PORT_SEND_ONCE);
    CHECK(table[1][2] == 7 && table[0][0] == 1 && strcmp(label, "labelled") == 0);
    free_region(rn);
    take_names(rp, 2);
    return kr;
}

static kern_return_t do_released(void)
{
    mach_port_t p = 0;
    char *m = NULL;
    mach_port_t *list = NULL;
    mach_msg_type_number_t m_count = 0, list_count = 0;
    char t[20] = "";
    static const mach_port_t given = 70;
    kern_return_t kr;

    give(given);
    kr = released(SERVER_PORT, given, &p, &m, &m_count, &list, &list_count, t);
    take_back(kr, &given, 1);
    if (kr != KERN_SUCCESS) {
        CHECK(p == 0 && m == NULL && list == NULL && *t == '\0');
        return kr;
    }
    CHECK(p == 62 && m_count == 10 && list_count == 2 && strcmp(t, returned_text) == 0);
    take(p);
    free_region(m);
    take_names(list, list_count);
    return kr;
}

static kern_return_t do_checked(void)
{
    security_token_t who = {{0, 0}};
    int y = 0;
    kern_return_t kr = checked(SERVER_PORT, 99, 6, &who, &y);

    CHECK(kr == KERN_SUCCESS ? y == 7 && who.val[0] == 7 && who.val[1] == 8
                             : y == 0 && who.val[0] == 0);
    return kr;
}

static kern_return_t do_tell_memory(void)
{
    char *m = new_region("hello", 5);
    kern_return_t kr = tell_memory(SERVER_PORT, m, 5);

    free_back(kr, m);
    return kr;
}

/* The sizes of the messages these calls make, by hand from docs/mig.md. */
const struct routine_test tests[] = {
    {"null", do_null, 7000, FALSE, 24, 28},
    {"scalars", do_scalars, 7001, FALSE, 64, 56},
    {"structs", do_structs, 7002, FALSE, 24 + 12 + 4 + 24 + 24, 28 + 12 + 24},
    /* 24 fixed 40 count 44 shorts 50 x, pad, 52 count 56 wides 72 y 80 */
    {"arrays", do_arrays, 7004, FALSE, 80, 100},
    {"room", do_room, 7005, FALSE, 32, 40},
    /* 24 n 40 count 44 "text" 49, pad, 52 count 56 "you" 60 m 76 */
    {"strings", do_strings, 7006, FALSE, 76, 80},
    /* 24 fixed 40 count 44 shorts 48 count 52 "hey" 56 n 72 */
    {"inouts", do_inouts, 7007, FALSE, 72, 84},
    {"ports", do_ports, 7008, FALSE, 32 + 7 * 16 + 4, 32 + 4 * 16 + 4},
    {"memory", do_memory, 7009, FALSE, 32 + 3 * 16, 32 + 3 * 16 + 4},
    {"port_arrays", do_port_arrays, 7010, FALSE, 48, 52},
    {"objects", do_objects, 7011, FALSE, 64, 32},
    {"later", do_later, 7012, FALSE, 28, 64},
    {"who", do_who, 7013, FALSE, 24, 32},
    {"tell", do_tell, 7014, TRUE, 52, 0},
    {"tell_text", do_tell_text, 7015, TRUE, 36, 0},
    {"timed", do_timed, 7016, FALSE, 28, 28},
    /* 24 count 28 a row of 8 bytes aligned to 4 36, pad, 40 y 48 */
    {"mixed", do_mixed, 7017, FALSE, 48, 40},
    {"inout_rights", do_inout_rights, 7018, FALSE, 32 + 5 * 16 + 4, 32 + 5 * 16 + 4},
    {"others", do_others, 7019, FALSE, 32 + 3 * 16 + 12 + 12, 32 + 2 * 16 + 4 + 12 + 12},
    /* 80 RetCode 84 count 88 "fits" 93, pad, 96 */
    {"released", do_released, 7020, FALSE, 48, 96},
    {"checked", do_checked, 7021, FALSE, 28, 32},
    {"tell_memory", do_tell_memory, 7022, TRUE, 48, 0},
};
const unsigned test_count = sizeof(tests) / sizeof(tests[0]);

const struct routine_test *test_of(int id)
{
    for (unsigned i = 0; i < test_count; i++) {
        if (tests[i].id == id)
            return &tests[i];
    }
    return NULL;
}
