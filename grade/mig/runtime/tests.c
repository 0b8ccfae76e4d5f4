/*
 * What must come of it. After every call the accounts must balance: each right and each region was
 * given up once, by whom the one rule says. Read runtime.h and docs/mig.md before.
 */
#include "runtime.h"

static const struct routine_test *begin(int id)
{
    const struct routine_test *test = test_of(id);

    reset();
    later_mode = 0;
    test_name = test->name;
    return test;
}

/* ---- messages that are right ---- */
static void check_layouts(void)
{
    int id = ((mach_msg_header_t *)wire.request)->msgh_id;

    check_layout(id, FALSE, wire.request, wire.request_size);
    if (!test_of(id)->simple)
        check_layout(id, TRUE, wire.reply, wire.reply_size);
}

static void test_round_trips(void)
{
    for (unsigned i = 0; i < test_count; i++) {
        const struct routine_test *test = begin(tests[i].id);

        CHECK(test->call() == KERN_SUCCESS);
        CHECK(seen.calls == 1 && found && seen.objects == 0 && balanced());
        CHECK(wire.request_size == test->request_size);
        CHECK(test->simple || wire.reply_size == test->reply_size);
        check_layouts();
    }
    for (shorts_count = 0; shorts_count <= 10; shorts_count++) {
        for (wides_count = 0; wides_count <= 5; wides_count++) {
            CHECK(begin(7004)->call() == KERN_SUCCESS);
            check_layouts();
        }
    }
    shorts_count = 3;
    wides_count = 2;
    for (text = "twenty bytes  , NUL"; *text != '\0'; text++) {
        CHECK(begin(7006)->call() == KERN_SUCCESS);
        check_layouts();
    }
    text = "text";
}

static void test_waiting(void)
{
    CHECK(begin(7016)->call() == KERN_SUCCESS && seen.timeout == 250); /* waittime 250; */
    CHECK((seen.option & MACH_SEND_TIMEOUT) && (seen.option & MACH_RCV_TIMEOUT));
    CHECK(begin(7015)->call() == KERN_SUCCESS && seen.timeout == 17); /* waittime w */
    CHECK(seen.option == (MACH_SEND_MSG | MACH_SEND_TIMEOUT));
    CHECK(begin(7022)->call() == KERN_SUCCESS && seen.timeout == 33); /* sendtime 33; */
    CHECK(seen.option == (MACH_SEND_MSG | MACH_SEND_TIMEOUT));
    CHECK(begin(7021)->call() == KERN_SUCCESS && seen.timeout == 99); /* sendtime w; and a token */
    CHECK(seen.option == (MACH_SEND_MSG | MACH_RCV_MSG | MACH_SEND_TIMEOUT | MACH_SEND_INTERRUPT
                          | (int)MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_SENDER)));
    CHECK(begin(7000)->call() == KERN_SUCCESS && seen.option == (MACH_SEND_MSG | MACH_RCV_MSG));
}

/* ---- who owns what when a routine, or the send, fails ---- */
static void test_errors_release(void)
{
    for (unsigned i = 0; i < test_count; i++) {
        const struct routine_test *test = begin(tests[i].id);

        if (test->id == 7012)
            continue; /* returns what it likes: test_reply_rights */
        routine_result = KERN_NO_SPACE;
        CHECK(test->call() == (test->simple ? KERN_SUCCESS : KERN_NO_SPACE));
        CHECK(seen.calls == 1 && seen.objects == 0 && balanced());

        begin(test->id); /* the routine consumed everything; the reply right is released */
        routine_result = MIG_NO_REPLY;
        CHECK(test->call() == (test->simple ? KERN_SUCCESS : MACH_RCV_TIMED_OUT));
        CHECK(seen.calls == 1 && seen.objects == 0 && balanced());
    }
}

static void test_not_sent(void)
{
    static const mach_msg_return_t codes[] = {
        MACH_SEND_INVALID_DEST, MACH_SEND_NO_BUFFER | MACH_MSG_IPC_KERNEL,
        MACH_SEND_TIMED_OUT, /* the message comes back, and the stub releases it */
    };

    for (unsigned i = 0; i < test_count; i++) {
        for (unsigned j = 0; j < sizeof(codes) / sizeof(codes[0]); j++) {
            begin(tests[i].id);
            fail_send = codes[j];
            CHECK(tests[i].call() == codes[j] && seen.calls == 0 && balanced());
        }
    }
    shorts_count = 11; /* an argument longer than its bound */
    CHECK(begin(7004)->call() == MACH_SEND_TOO_LARGE && seen.calls == 0);
    shorts_count = 3;
    text = "twenty-one bytes, NUL";
    CHECK(begin(7006)->call() == MACH_SEND_TOO_LARGE && seen.calls == 0);
    text = "text";
}

/* A server that says the request was not sent, which would have the client release it again. */
static void test_lies(void)
{
    static const kern_return_t lies[] = {MACH_SEND_INVALID_DEST, MACH_SEND_TOO_LARGE,
                                         MACH_SEND_NO_BUFFER | MACH_MSG_IPC_KERNEL};

    for (unsigned i = 0; i < test_count; i++) {
        for (unsigned j = 0; j < sizeof(lies) / sizeof(lies[0]); j++) {
            begin(tests[i].id);
            routine_result = lies[j];
            if (!tests[i].simple && tests[i].id != 7012)
                CHECK(tests[i].call() == MIG_REMOTE_ERROR && seen.calls == 1 && balanced());
        }
    }
}

/* A routine that returns more than there is room for: what else it returned is released. */
static void test_results_too_large(void)
{
    returned_text = "twenty bytes and no NUL";
    CHECK(begin(7020)->call() == MIG_ARRAY_TOO_LARGE && seen.calls == 1 && balanced());
    returned_text = "fits";
    CHECK(begin(7020)->call() == KERN_SUCCESS && balanced());
    room_wanted = 10;
    for (room_asked = 0; room_asked <= 12; room_asked++) {
        CHECK(begin(7005)->call() == KERN_SUCCESS);
        CHECK(room_got == (room_asked < 10 ? room_asked : 10));
    }
    room_asked = 3;
    room_wanted = 55; /* five fit the message, but not the client's room */
    CHECK(begin(7005)->call() == MIG_ARRAY_TOO_LARGE && room_got == 3 && balanced());
    room_asked = 10;
    room_wanted = 1000; /* the routine lies: its stub does not send what it does not have */
    CHECK(begin(7005)->call() == MIG_ARRAY_TOO_LARGE && balanced());
    room_asked = 4;
    room_wanted = 4;
}

/* ---- messages that are wrong ---- */
static void test_bad_requests(void)
{
    int all = 0;

    for (unsigned i = 0; i < test_count; i++) {
        const struct routine_test *test = &tests[i];
        kern_return_t expected = test->simple ? KERN_SUCCESS : MIG_BAD_ARGUMENTS;
        int mutation;

        for (mutation = 0;; mutation++) {
            kern_return_t kr;
            boolean_t right;

            begin(test->id);
            spoil_request = spoil;
            begin_spoiling(test->id, FALSE, mutation);
            kr = test->call();
            if (!spoilt)
                break;
            right = kr == expected && seen.calls == 0 && seen.objects == 0 && balanced();
            if (!right)
                printf("%s: request %d, %s: kr %d, %d calls\n", test_name, mutation, spoilt_how, kr,
                       seen.calls);
            CHECK(right);
        }
        CHECK(mutation >= 5);
        all += mutation;
    }
    CHECK(all > 400);
    printf("%d malformed requests\n", all);
}

static void test_bad_replies(void)
{
    int all = 0;

    for (unsigned i = 0; i < test_count; i++) {
        const struct routine_test *test = &tests[i];
        int mutation = 0;

        for (; !test->simple; mutation++) {
            kern_return_t kr;
            boolean_t right;

            begin(test->id);
            spoil_reply = spoil;
            begin_spoiling(test->id, TRUE, mutation);
            kr = test->call();
            if (!spoilt)
                break;
            /* One longer than any reply does not get here: the kernel destroys it. */
            right = (kr == MIG_TYPE_ERROR || kr == MACH_RCV_TOO_LARGE) && balanced();
            if (!right)
                printf("%s: reply %d, %s: kr %d\n", test_name, mutation, spoilt_how, kr);
            CHECK(right);
        }
        CHECK(test->simple || mutation >= 6);
        all += mutation;
    }
    CHECK(all > 400);
    printf("%d malformed replies\n", all);
}

static mach_msg_id_t new_id;
static void spoil_id(mach_msg_header_t *m)
{
    m->msgh_id = new_id;
}

/* What the kernel sends when a reply right is destroyed unused. */
static void spoil_to_notification(mach_msg_header_t *m)
{
    for (int i = 0; i < descriptor_count(m); i++)
        drop_descriptor(&descriptors(m)[i]);
    m->msgh_id = 0107;
    m->msgh_size = 24;
    m->msgh_bits &= ~MACH_MSGH_BITS_COMPLEX;
}

static void test_ids(void)
{
    static const mach_msg_id_t ids[] = {0, -1, 6999, 7003, 7023, 0x7fffffff, (int)0x80000000};

    for (unsigned i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        begin(7008);
        new_id = ids[i];
        spoil_request = spoil_id;
        CHECK(tests[7].call() == MIG_REPLY_MISMATCH); /* its id is 100 more than the request's */
        CHECK(!found && server_code == MIG_BAD_ID && seen.calls == 0 && balanced());
    }
    for (unsigned i = 0; i < test_count; i++) {
        if (tests[i].simple)
            continue;
        begin(tests[i].id);
        new_id = tests[i].id + 101;
        spoil_reply = spoil_id;
        CHECK(tests[i].call() == MIG_REPLY_MISMATCH && balanced());
        begin(tests[i].id);
        spoil_reply = spoil_to_notification;
        CHECK(tests[i].call() == MIG_SERVER_DIED && balanced());
    }
}

/* Any bytes at all, where a message holds no pointers: no read past the end, nothing kept. */
static unsigned random_number(void)
{
    static unsigned state = 1;

    state = state * 1103515245 + 12345;
    return state >> 8;
}

static void spoil_randomly(mach_msg_header_t *m)
{
    for (unsigned n = 1 + random_number() % 4; n > 0 && m->msgh_size > 24; n--)
        ((unsigned char *)m)[24 + random_number() % (m->msgh_size - 24)] =
            (unsigned char)(random_number() % 2 ? random_number() : 255);
    if (random_number() % 4 == 0)
        m->msgh_size = 24 + random_number() % 40 * 4;
}

static void test_random(void)
{
    static uint64_t out[9000];

    for (int i = 0; i < 20000; i++) {
        int id = i % 2 ? 7004 : 7006; /* routines that take any contents */
        char n[16], t[20], u[20], m[16];
        uint64_t buffer[200] = {0};
        mach_msg_header_t *copy;

        CHECK(begin(id)->call() == KERN_SUCCESS);
        memcpy(buffer, wire.request, wire.request_size);
        spoil_randomly((mach_msg_header_t *)buffer);
        copy = delivered((mach_msg_header_t *)buffer, FALSE);
        all_server(copy, (mach_msg_header_t *)out);
        free(copy);
        begin(7006);
        spoil_reply = spoil_randomly;
        if (strings(SERVER_PORT, "n", "t", "u", "m", n, t, u, m) == KERN_SUCCESS)
            CHECK(strlen(n) < 16 && strlen(t) < 20 && strlen(u) < 20 && strlen(m) < 16);
    }
}

/* ---- reply rights and reply ports ---- */
static void add_reply_right(mach_msg_header_t *m)
{
    m->msgh_bits |= MACH_MSGH_BITS(0, MACH_MSG_TYPE_MAKE_SEND_ONCE);
    m->msgh_local_port = REPLY_PORT;
}

static void test_reply_rights(void)
{
    static const struct {
        int mode, delayed;
        kern_return_t result;
    } cases[] = {{0, 0, KERN_SUCCESS}, {1, 1, KERN_SUCCESS}, {2, 1, KERN_FAILURE},
                 {3, 0, MACH_RCV_TIMED_OUT}, {4, 0, KERN_ABORTED}, {5, 0, MACH_RCV_TIMED_OUT}};
    struct {
        mach_msg_header_t head;
        int mode;
    } in = {{MACH_MSGH_BITS(17, 17), 28, REPLY_RIGHT, SERVER_PORT, 0, 7012}, 0};
    uint64_t out[100];

    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct routine_test *later = begin(7012);

        later_mode = cases[i].mode;
        CHECK(later->call() == cases[i].result && seen.delayed == cases[i].delayed);
        CHECK(seen.calls == 1 && balanced());
    }
    begin(7012); /* a send right would not do for later_reply() */
    CHECK(all_server(&in.head, (mach_msg_header_t *)out));
    CHECK(((mig_reply_error_t *)out)->RetCode == MIG_BAD_ARGUMENTS && seen.calls == 0);
}

/* Simpleroutines whose client sent a reply right all the same. */
static void test_unwanted_reply_rights(void)
{
    for (unsigned i = 0; i < test_count; i++) {
        for (int fails = 0; fails < 2 && tests[i].simple; fails++) {
            begin(tests[i].id);
            spoil_request = add_reply_right;
            routine_result = fails ? KERN_FAILURE : KERN_SUCCESS;
            CHECK(tests[i].call() == KERN_SUCCESS && seen.calls == 1 && balanced());
            CHECK(((mach_msg_header_t *)wire.request)->msgh_remote_port == REPLY_RIGHT);
        }
    }
}

static void test_trailer(void)
{
    struct {
        mach_msg_header_t head;
        mach_msg_security_trailer_t trailer;
    } in = {{MACH_MSGH_BITS(18, 17), 24, REPLY_RIGHT, SERVER_PORT, 0, 7013}, {0, 8, 0, {{0, 0}}}};
    uint64_t out[100];

    begin(7013); /* a server that did not ask for the sender's token */
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
        {MACH_RCV_TIMED_OUT, 1, 1},     {MACH_SEND_TIMED_OUT, 0, 0},
        {MACH_RCV_TOO_LARGE, 0, 0},
    };

    for (unsigned i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        CHECK(begin(7000)->call() == KERN_SUCCESS && host_tcb.reply_port == REPLY_PORT);
        begin(7000);
        fail_send = codes[i].code;
        CHECK(tests[0].call() == codes[i].code);
        CHECK((host_tcb.reply_port == 0) == codes[i].forgotten);
        CHECK(seen.reply_ports_destroyed == codes[i].destroyed && seen.reply_ports_made == 0);
        CHECK(begin(7000)->call() == KERN_SUCCESS && seen.reply_ports_made == codes[i].forgotten);
        begin(7016); /* the caller's own is the caller's */
        host_tcb.reply_port = 77;
        fail_send = codes[i].code;
        CHECK(test_of(7016)->call() == codes[i].code && host_tcb.reply_port == 77);
        CHECK(seen.reply_ports_destroyed == 0);
        host_tcb.reply_port = REPLY_PORT;
    }
}

/* An interrupted RPC goes on; one that asked to be told (msgoption) is told, and nothing was sent.
 * */
static void test_interruptions(void)
{
    for (int times = 1; times <= 3; times++) {
        begin(7008);
        interruptions = times;
        CHECK(test_of(7008)->call() == KERN_SUCCESS && seen.calls == 1 && balanced());
    }
    begin(7008);
    interrupt_receive = TRUE; /* only the receive is begun anew */
    CHECK(test_of(7008)->call() == KERN_SUCCESS && seen.calls == 1 && balanced());
    begin(7021);
    interruptions = 1;
    CHECK(test_of(7021)->call() == MACH_SEND_INTERRUPTED && seen.calls == 0 && balanced());
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } all[] = {
        {"round_trips", test_round_trips},
        {"waiting", test_waiting},
        {"errors_release", test_errors_release},
        {"not_sent", test_not_sent},
        {"lies", test_lies},
        {"results_too_large", test_results_too_large},
        {"bad_requests", test_bad_requests},
        {"bad_replies", test_bad_replies},
        {"ids", test_ids},
        {"random", test_random},
        {"reply_rights", test_reply_rights},
        {"unwanted_reply_rights", test_unwanted_reply_rights},
        {"trailer", test_trailer},
        {"reply_port", test_reply_port},
        {"interruptions", test_interruptions},
    };

    setvbuf(stdout, NULL, _IONBF, 0);
    for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (argc < 2 || strcmp(argv[1], all[i].name) == 0)
            all[i].run();
    }
    return failures != 0;
}
