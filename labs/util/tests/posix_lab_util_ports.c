/*
 * Lab util, exercises 6 to 8: give and take, kvd, kv. This program is the other side of each: it sends the
 * requests and the answers by hand, byte for byte as the handout has them, also such as are wrong, and it
 * looks at the port names that the program under test holds.
 */
#include "lab_util.h"

#include <mach/error.h>
#include <mach/mig_errors.h>
#include <mach/task.h>
#include <servers/bootstrap.h>
#include <servers/io.h>

TEST_LIMIT(10);

#define PATIENCE   3000 /* ms of guest time in which an answer must come */
#define GIVE_ID    7400
#define KV_SET     6400
#define KV_GET     6401
#define KV_REMOVE  6402
#define KV_WAIT    6403
#define REPLY      100  /* is added to a request's id */

/* One message, of any kind here. */
static union {
    mach_msg_header_t header;
    struct {
        mach_msg_header_t header;
        mach_msg_body_t body;
        mach_msg_port_descriptor_t right[2];
    } complex;
    struct {
        mach_msg_header_t header;
        int32_t ret_code;
    } reply;
    char bytes[4096];
} m;

static int help(int argc, char **argv)
{
    if (strcmp(argv[1], "cat") == 0) {
        char c;

        while (read(0, &c, 1) == 1)
            putchar(c);
    }
    (void)argc;
    return 0;
}

static mach_port_t new_port(void)
{
    mach_port_t port = MACH_PORT_NULL;

    mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &port);
    return port;
}

static void destroy_port(mach_port_t port)
{
    mach_port_mod_refs(mach_task_self(), port, MACH_PORT_RIGHT_RECEIVE, -1);
}

/* Waits until the name server knows name (or not: known 0). The right; MACH_PORT_NULL. */
static mach_port_t wait_for_name(const char *name, int known)
{
    mach_port_t port = MACH_PORT_NULL;

    for (int ms = 0; ms < PATIENCE; ms += 5) {
        int found = bootstrap_look_up(bootstrap_port, name, &port) == KERN_SUCCESS;

        if (found && known)
            return port;
        if (found)
            mach_port_deallocate(mach_task_self(), port);
        else if (!known)
            return MACH_PORT_NULL;
        usleep(5000);
    }
    if (known)
        FAIL("%s: it does not register \"%s\" at the name server", r.command, name);
    else
        FAIL("%s has ended, and the name server still knows \"%s\"", r.command, name);
    return MACH_PORT_NULL;
}

/* Sends what is in m, size bytes, to port; the reply is to come to reply (MACH_PORT_NULL: none). */
static mach_msg_return_t send_request(mach_port_t port, mach_port_t reply, int id, size_t size,
                                      int complex)
{
    m.header.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND,
                                        reply != MACH_PORT_NULL ? MACH_MSG_TYPE_MAKE_SEND_ONCE : 0)
        | (complex ? MACH_MSGH_BITS_COMPLEX : 0);
    m.header.msgh_size = (mach_msg_size_t)size;
    m.header.msgh_remote_port = port;
    m.header.msgh_local_port = reply;
    m.header.msgh_seqno = 0;
    m.header.msgh_id = id;
    return mach_msg(&m.header, MACH_SEND_MSG | MACH_SEND_TIMEOUT, (mach_msg_size_t)size, 0,
                    MACH_PORT_NULL, PATIENCE, MACH_PORT_NULL);
}

/* Receives into m within so many milliseconds. */
static mach_msg_return_t receive(mach_port_t port, mach_msg_timeout_t ms)
{
    memset(&m, 0, sizeof m);
    return mach_msg(&m.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof m, port, ms, MACH_PORT_NULL);
}

/* ---- 6: give ---- */

/* A program under test runs on in the background until then. */
static void stop(void)
{
    put_away();
}

static char gift[64];

static mach_port_t begin_give(const char *count)
{
    snprintf(gift, sizeof gift, "what is given, %u\n", seed());
    make_file("gift", gift);
    BEGIN("gift", "give", "shop", count);
    return r.pid > 0 ? wait_for_name("shop", 1) : MACH_PORT_NULL;
}

/* Asks once; the right that came, checked in every respect. MACH_PORT_NULL after FAIL. */
static mach_port_t ask(mach_port_t shop)
{
    mach_port_t reply = new_port(), right = MACH_PORT_NULL;
    mach_msg_return_t mr = send_request(shop, reply, GIVE_ID, sizeof m.header, 0);

    if (mr == MACH_MSG_SUCCESS)
        mr = receive(reply, PATIENCE);
    if (mr != MACH_MSG_SUCCESS)
        FAIL("give: no answer to a request: %s", mach_error_string(mr));
    else if (m.header.msgh_id != GIVE_ID + REPLY || !(m.header.msgh_bits & MACH_MSGH_BITS_COMPLEX))
        FAIL("give: the answer has id %d and bits %#x; expected id 7500, complex", m.header.msgh_id,
             m.header.msgh_bits);
    else if (m.header.msgh_size != 48 || m.complex.body.msgh_descriptor_count != 1
             || m.complex.right[0].type != MACH_MSG_PORT_DESCRIPTOR)
        FAIL("give: the answer has %u bytes and %u descriptors; expected 48, and one, of a port",
             m.header.msgh_size, m.complex.body.msgh_descriptor_count);
    else if (m.complex.right[0].disposition != MACH_MSG_TYPE_PORT_SEND)
        FAIL("give: the answer holds a right of disposition %d; expected a send right (17)",
             m.complex.right[0].disposition);
    else
        right = m.complex.right[0].name;
    destroy_port(reply);
    return right;
}

/* Is it the file that give has as its input? */
static void expect_gift(mach_port_t right)
{
    char data[64];
    mach_msg_type_number_t count = sizeof data - 1;
    kern_return_t kr = io_pread(right, 0, count, data, &count);

    data[kr == KERN_SUCCESS ? count : 0] = '\0';
    if (kr != KERN_SUCCESS || strcmp(data, gift) != 0)
        FAIL("give: reading from what it gave: %s, \"%s\"", mach_error_string(kr), data);
}

TEST(give_once)
{
    mach_port_t shop = begin_give("1"), right;

    REQUIRE_TRUE(shop != MACH_PORT_NULL);
    right = ask(shop);
    if (!right) {
        stop();
        return;
    }
    finish();
    EXPECT_RUN(0, "");
    expect_gift(right); /* ours, though the giver is gone */
    mach_port_deallocate(mach_task_self(), right);
    mach_port_deallocate(mach_task_self(), shop);
    wait_for_name("shop", 0);
}

TEST(give_several_times)
{
    mach_port_t shop = begin_give("3");

    REQUIRE_TRUE(shop != MACH_PORT_NULL);
    for (int i = 0; i < 3; i++) {
        mach_port_t right = ask(shop);

        if (!right) {
            stop();
            return;
        }
        expect_gift(right);
        mach_port_deallocate(mach_task_self(), right);
    }
    finish();
    EXPECT_RUN(0, "");
    mach_port_deallocate(mach_task_self(), shop);
}

TEST(give_keeps_nothing_of_strangers)
{
    mach_port_t shop = begin_give("100"), keep[12], reply;
    int before, after, references, references_after, pid = r.pid;

    REQUIRE_TRUE(shop != MACH_PORT_NULL);
    mach_port_deallocate(mach_task_self(), ask(shop));
    before = count_rights(pid, &references);
    for (int i = 0; i < 12; i++) { /* rights to ports that live on, or a dead name would take their place */
        reply = new_port();
        keep[i] = new_port();
        memset(&m, 0, sizeof m);
        m.complex.body.msgh_descriptor_count = 1;
        m.complex.right[0].name = keep[i];
        m.complex.right[0].disposition = MACH_MSG_TYPE_MAKE_SEND;
        m.complex.right[0].type = MACH_MSG_PORT_DESCRIPTOR;
        EXPECT_KR(send_request(shop, i % 2 ? reply : MACH_PORT_NULL, i % 3 ? 1234 : GIVE_ID, 48, 1),
                  MACH_MSG_SUCCESS);
        if (i % 2 && receive(reply, PATIENCE) == MACH_MSG_SUCCESS
            && m.header.msgh_id == GIVE_ID + REPLY)
            FAIL("give: it answered a message that is no request");
        destroy_port(reply);
    }
    mach_port_deallocate(mach_task_self(), ask(shop)); /* so all before it have been dealt with */
    after = count_rights(pid, &references_after);
    if (after != before || references_after != references)
        FAIL("give held %d port names with %d references, and %d with %d after messages that are no "
             "requests: what came in them was not given back", before, references, after,
             references_after);
    for (int i = 0; i < 12; i++)
        destroy_port(keep[i]);
    mach_port_deallocate(mach_task_self(), shop);
    stop();
}

TEST(give_survives)
{
    mach_port_t shop = begin_give("2"), reply = new_port();
    task_t task;

    REQUIRE_TRUE(shop != MACH_PORT_NULL);
    memset(&m, 0, sizeof m);
    EXPECT_KR(send_request(shop, reply, GIVE_ID, 4000, 0), MACH_MSG_SUCCESS); /* too long for anybody */
    REQUIRE_KR(proc_get_task(getproc(), r.pid, &task), KERN_SUCCESS);
    task_suspend(task);
    destroy_port(reply);
    reply = new_port();
    EXPECT_KR(send_request(shop, reply, GIVE_ID, sizeof m.header, 0), MACH_MSG_SUCCESS);
    destroy_port(reply); /* it asks, and is gone before it is answered: does not count */
    task_resume(task);
    mach_port_deallocate(mach_task_self(), task);
    for (int i = 0; i < 2; i++) {
        mach_port_t right = ask(shop);

        if (!right) {
            stop();
            return;
        }
        mach_port_deallocate(mach_task_self(), right);
    }
    finish();
    EXPECT_RUN(0, "");
    mach_port_deallocate(mach_task_self(), shop);
}

TEST(give_refuses)
{
    mach_port_t port = new_port();

    mach_port_insert_right(mach_task_self(), port, port, MACH_MSG_TYPE_MAKE_SEND);
    REQUIRE_KR(bootstrap_register(bootstrap_port, "taken", port), KERN_SUCCESS);
    RUN("/dev/null", "give", "taken");
    EXPECT_REFUSED(1);
    destroy_port(port);
    mach_port_deallocate(mach_task_self(), port);
    RUN(NULL, "give", "noinput");
    EXPECT_REFUSED(1);
    RUN("/dev/null", "give");
    EXPECT_REFUSED(2);
    RUN("/dev/null", "give", "x", "0");
    EXPECT_REFUSED(2);
    RUN("/dev/null", "give", "x", "1y");
    EXPECT_REFUSED(2);
}

/* ---- 6: take ---- */

/* A service port of ours; a name is used once, since the name server forgets it a little later. */
static mach_port_t serve(const char *name)
{
    mach_port_t port = new_port();

    mach_port_insert_right(mach_task_self(), port, port, MACH_MSG_TYPE_MAKE_SEND);
    if (bootstrap_register(bootstrap_port, name, port) != KERN_SUCCESS)
        FAIL("the test cannot register \"%s\"", name);
    mach_port_deallocate(mach_task_self(), port);
    return port;
}

/* The next request, in m; 0 after FAIL, and then the program is gone. */
static int get_request(mach_port_t port, int id)
{
    mach_msg_return_t mr = r.pid > 0 ? receive(port, PATIENCE) : MACH_RCV_TIMED_OUT;

    if (r.pid <= 0)
        return 0;
    while (mr == MACH_MSG_SUCCESS && m.header.msgh_id < 128) /* a notification: nobody's */
        mr = receive(port, PATIENCE);
    if (mr != MACH_MSG_SUCCESS)
        FAIL("%s: no request came: %s", r.command, mach_error_string(mr));
    else if (m.header.msgh_id != id)
        FAIL("%s: sent a request with id %d, expected %d", r.command, m.header.msgh_id, id);
    else if (MACH_MSGH_BITS_REMOTE(m.header.msgh_bits) != MACH_MSG_TYPE_PORT_SEND_ONCE)
        FAIL("%s: the request's reply right has disposition %u; expected send-once (18)", r.command,
             MACH_MSGH_BITS_REMOTE(m.header.msgh_bits));
    else
        return 1;
    stop();
    return 0;
}

/* Answers the request in m with so many copies of right. */
static void answer(int id, mach_port_t right, mach_msg_type_name_t disposition, int count)
{
    mach_port_t reply = m.header.msgh_remote_port;

    memset(&m, 0, sizeof m);
    m.header.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0) | MACH_MSGH_BITS_COMPLEX;
    m.header.msgh_size = (mach_msg_size_t)(sizeof m.header + sizeof m.complex.body
                                           + (size_t)count * sizeof m.complex.right[0]);
    m.header.msgh_remote_port = reply;
    m.header.msgh_id = id;
    m.complex.body.msgh_descriptor_count = (mach_msg_size_t)count;
    for (int i = 0; i < count; i++) {
        m.complex.right[i].name = right;
        m.complex.right[i].disposition = (uint8_t)disposition;
        m.complex.right[i].type = MACH_MSG_PORT_DESCRIPTOR;
    }
    EXPECT_KR(mach_msg(&m.header, MACH_SEND_MSG, m.header.msgh_size, 0, MACH_PORT_NULL, 0,
                       MACH_PORT_NULL), MACH_MSG_SUCCESS);
}

static mach_port_t open_gift(int *fd)
{
    snprintf(gift, sizeof gift, "taken over, %u\n", seed());
    make_file("gift", gift);
    *fd = open("gift", O_RDONLY);
    return getdport(*fd);
}

TEST(take_copies)
{
    mach_port_t port = serve("take1"), right;
    int fd;

    right = open_gift(&fd);
    BEGIN("/dev/null", "take", "take1");
    if (get_request(port, GIVE_ID)) {
        if (m.header.msgh_size != sizeof m.header || m.header.msgh_bits & MACH_MSGH_BITS_COMPLEX)
            FAIL("take: the request is a header of 24 bytes alone; it has %u", m.header.msgh_size);
        answer(GIVE_ID + REPLY, right, MACH_MSG_TYPE_COPY_SEND, 1);
        finish();
        EXPECT_RUN(0, gift);
    }
    mach_port_deallocate(mach_task_self(), right);
    close(fd);
    destroy_port(port);
}

TEST(take_runs_a_command)
{
    mach_port_t port = serve("take2"), right;
    int fd;

    right = open_gift(&fd);
    BEGIN("/dev/null", "take", "take2", self, "cat");
    if (get_request(port, GIVE_ID)) {
        answer(GIVE_ID + REPLY, right, MACH_MSG_TYPE_COPY_SEND, 1);
        finish();
        EXPECT_RUN(0, gift);
    }
    BEGIN("/dev/null", "take", "take2", "posix_lab_no_such_program");
    if (get_request(port, GIVE_ID)) {
        answer(GIVE_ID + REPLY, right, MACH_MSG_TYPE_COPY_SEND, 1);
        finish();
        EXPECT_REFUSED(127);
    }
    mach_port_deallocate(mach_task_self(), right);
    close(fd);
    destroy_port(port);
}

/* Gives the program a send right under a name that it knows nothing of. The name; MACH_PORT_NULL. */
static mach_port_name_t plant(mach_port_t right)
{
    const mach_port_name_t name = 0x2000; /* entry 32: it has not as many */
    task_t task;
    kern_return_t kr;

    if (proc_get_task(getproc(), r.pid, &task) != KERN_SUCCESS)
        return MACH_PORT_NULL;
    kr = mach_port_insert_right(task, name, right, MACH_MSG_TYPE_COPY_SEND);
    mach_port_deallocate(mach_task_self(), task);
    EXPECT_KR(kr, KERN_SUCCESS);
    return kr == KERN_SUCCESS ? name : MACH_PORT_NULL;
}

TEST(take_believes_no_stranger)
{
    mach_port_t port = serve("take3"), right;
    mach_port_name_t name;
    int fd;

    right = open_gift(&fd);
    for (int i = 0; i < 6; i++) {
        BEGIN("/dev/null", "take", "take3");
        if (!get_request(port, GIVE_ID))
            break;
        name = plant(right);
        switch (i) {
        case 0: /* the answer to something else */
            answer(GIVE_ID + REPLY + 1, right, MACH_MSG_TYPE_COPY_SEND, 1);
            break;
        case 1:
            answer(GIVE_ID + REPLY, right, MACH_MSG_TYPE_COPY_SEND, 2);
            break;
        case 2: /* no right, but the place of one */
            answer(GIVE_ID + REPLY, MACH_PORT_NULL, MACH_MSG_TYPE_COPY_SEND, 1);
            break;
        case 3: /* a receive right is no file */
            answer(GIVE_ID + REPLY, new_port(), MACH_MSG_TYPE_MOVE_RECEIVE, 1);
            break;
        case 4: /* not complex: bytes that look like a body, with a right that take has anyway */
            m.header.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0);
            m.header.msgh_size = 48;
            m.header.msgh_local_port = MACH_PORT_NULL;
            m.header.msgh_id = GIVE_ID + REPLY;
            m.complex.body.msgh_descriptor_count = 1;
            m.complex.right[0].name = name;
            m.complex.right[0].disposition = MACH_MSG_TYPE_PORT_SEND;
            EXPECT_KR(mach_msg(&m.header, MACH_SEND_MSG, 48, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL),
                      MACH_MSG_SUCCESS);
            break;
        default: /* none at all: the kernel tells */
            mach_port_deallocate(mach_task_self(), m.header.msgh_remote_port);
        }
        finish();
        EXPECT_REFUSED(1);
    }
    mach_port_deallocate(mach_task_self(), right);
    close(fd);
    destroy_port(port);
}

TEST(take_refuses)
{
    RUN("/dev/null", "take", "posix_lab_no_such_name");
    EXPECT_REFUSED(1);
    RUN("/dev/null", "take");
    EXPECT_REFUSED(2);
}

/* ---- messages of kv.defs, as docs/mig.md lays them out ---- */

/* Puts a string behind the *at bytes of m: its length with the NUL, its bytes, and zeros (multiple of 4). */
static void put_string(size_t *at, const char *string)
{
    uint32_t length = (uint32_t)strlen(string) + 1;

    memcpy(m.bytes + *at, &length, sizeof length);
    *at += sizeof length;
    memset(m.bytes + *at, 0, (length + 3) & ~3U);
    memcpy(m.bytes + *at, string, length);
    *at += (length + 3) & ~3U;
}

/* The string at *at of the message received; NULL: there is none. */
static const char *get_string(size_t *at)
{
    uint32_t length;
    const char *string = m.bytes + *at + sizeof length;

    memcpy(&length, m.bytes + *at, sizeof length);
    if (*at + sizeof length > m.header.msgh_size || length == 0
        || length > m.header.msgh_size - *at - sizeof length || string[length - 1] != '\0')
        return NULL;
    *at += sizeof length + ((length + 3) & ~3U);
    return string;
}

/* Sends a request of kv.defs; value may be NULL. */
static mach_msg_return_t kv_send(mach_port_t kv, mach_port_t reply, int id, const char *key,
                                 const char *value)
{
    size_t at = sizeof m.header;

    put_string(&at, key);
    if (value != NULL)
        put_string(&at, value);
    return send_request(kv, reply, id, at, 0);
}

/* Takes the reply that must have come to `reply`. The RetCode; the value in *value, if there is one. */
static kern_return_t kv_receive(mach_port_t reply, int id, const char **value)
{
    mach_msg_return_t mr = receive(reply, PATIENCE);
    size_t at = sizeof m.reply;

    *value = NULL;
    if (mr != MACH_MSG_SUCCESS || m.header.msgh_id != id + REPLY) {
        FAIL("kvd: no reply to request %d: %s, id %d", id, mach_error_string(mr), m.header.msgh_id);
        return KERN_FAILURE;
    }
    if (m.reply.ret_code == KERN_SUCCESS && (id == KV_GET || id == KV_WAIT)
        && (*value = get_string(&at)) == NULL)
        FAIL("kvd: the reply to %d holds no string", id);
    return m.reply.ret_code;
}

static kern_return_t kv_call(mach_port_t kv, int id, const char *key, const char *in,
                             const char **out)
{
    mach_port_t reply = new_port();
    const char *value;
    kern_return_t kr = kv_send(kv, reply, id, key, in);

    if (kr == MACH_MSG_SUCCESS)
        kr = kv_receive(reply, id, out != NULL ? out : &value);
    destroy_port(reply);
    return kr;
}

static void expect_value(int line, mach_port_t kv, const char *key, const char *value)
{
    const char *got;
    kern_return_t kr = kv_call(kv, KV_GET, key, NULL, &got);

    if (kr != KERN_SUCCESS || got == NULL || strcmp(got, value) != 0)
        test_fail(__BASE_FILE__, line, "kvd: get \"%s\": %s, \"%.100s\"; expected \"%.100s\"", key,
                  mach_error_string(kr), got != NULL ? got : "", value);
}

#define EXPECT_VALUE(kv, key, value) expect_value(__LINE__, (kv), (key), (value))

/* ---- 7: kvd ---- */

static mach_port_t begin_kvd(void)
{
    BEGIN("/dev/null", "kvd");
    return r.pid > 0 ? wait_for_name("kv", 1) : MACH_PORT_NULL;
}

/* It must be running still, and ends here. */
static void end_kvd(mach_port_t kv)
{
    int status;

    if (r.pid > 0 && waitpid(r.pid, &status, WNOHANG) != 0)
        FAIL("kvd has ended, with status %#x", status);
    stop();
    mach_port_deallocate(mach_task_self(), kv);
    wait_for_name("kv", 0);
}

TEST(kvd_set_get_remove)
{
    mach_port_t kv = begin_kvd();
    char longer[64];

    REQUIRE_TRUE(kv != MACH_PORT_NULL);
    EXPECT_KR(kv_call(kv, KV_GET, "a", NULL, NULL), unix_err(ENOENT));
    EXPECT_KR(kv_call(kv, KV_SET, "a", "one", NULL), KERN_SUCCESS);
    EXPECT_KR(kv_call(kv, KV_SET, "b", "two", NULL), KERN_SUCCESS);
    EXPECT_KR(kv_call(kv, KV_SET, "empty", "", NULL), KERN_SUCCESS);
    EXPECT_VALUE(kv, "a", "one");
    EXPECT_VALUE(kv, "b", "two");
    EXPECT_VALUE(kv, "empty", "");
    snprintf(longer, sizeof longer, "a longer one than before, %u", seed());
    EXPECT_KR(kv_call(kv, KV_SET, "a", longer, NULL), KERN_SUCCESS);
    EXPECT_VALUE(kv, "a", longer);
    EXPECT_KR(kv_call(kv, KV_REMOVE, "a", NULL, NULL), KERN_SUCCESS);
    EXPECT_KR(kv_call(kv, KV_GET, "a", NULL, NULL), unix_err(ENOENT));
    EXPECT_KR(kv_call(kv, KV_REMOVE, "a", NULL, NULL), unix_err(ENOENT));
    EXPECT_KR(kv_call(kv, KV_SET, "", "x", NULL), unix_err(EINVAL));
    EXPECT_VALUE(kv, "b", "two");
    end_kvd(kv);
}

TEST(kvd_long_and_many)
{
    static char key[64], value[1024];
    mach_port_t kv = begin_kvd();

    REQUIRE_TRUE(kv != MACH_PORT_NULL);
    memset(key, 'k', sizeof key - 1);
    memset(value, 'v', sizeof value - 1);
    EXPECT_KR(kv_call(kv, KV_SET, key, value, NULL), KERN_SUCCESS);
    EXPECT_VALUE(kv, key, value);
    for (int i = 0; i < 200; i++) {
        sprintf(key, "key%d", i);
        sprintf(value, "value%d", i);
        EXPECT_KR(kv_call(kv, KV_SET, key, value, NULL), KERN_SUCCESS);
    }
    for (int i = 199; i >= 0; i -= 2) {
        sprintf(key, "key%d", i);
        EXPECT_KR(kv_call(kv, KV_REMOVE, key, NULL, NULL), KERN_SUCCESS);
    }
    for (int i = 0; i < 200; i += 2) {
        sprintf(key, "key%d", i);
        sprintf(value, "value%d", i);
        EXPECT_VALUE(kv, key, value);
    }
    end_kvd(kv);
}

TEST(kvd_wrong_requests)
{
    mach_port_t kv = begin_kvd(), reply;
    uint32_t length = 100000;

    REQUIRE_TRUE(kv != MACH_PORT_NULL);
    EXPECT_KR(kv_call(kv, KV_SET, "a", "one", NULL), KERN_SUCCESS);
    EXPECT_KR(kv_call(kv, KV_WAIT + 1, "a", NULL, NULL), (kern_return_t)MIG_BAD_ID);
    reply = new_port();
    memset(&m, 0, sizeof m);
    memcpy(m.bytes + sizeof m.header, &length, sizeof length); /* a string longer than its message */
    EXPECT_KR(send_request(kv, reply, KV_GET, 40, 0), MACH_MSG_SUCCESS);
    EXPECT_KR(receive(reply, PATIENCE), MACH_MSG_SUCCESS);
    EXPECT_KR(m.reply.ret_code, (kern_return_t)MIG_BAD_ARGUMENTS);
    destroy_port(reply);
    EXPECT_VALUE(kv, "a", "one");
    end_kvd(kv);
}

TEST(kvd_is_alone)
{
    static struct run first;
    mach_port_t kv = begin_kvd();

    first = r;
    REQUIRE_TRUE(kv != MACH_PORT_NULL);
    RUN("/dev/null", "kvd");
    EXPECT_REFUSED(1);
    r = first;
    EXPECT_KR(kv_call(kv, KV_SET, "a", "one", NULL), KERN_SUCCESS);
    EXPECT_VALUE(kv, "a", "one");
    end_kvd(kv);
}

TEST(kvd_wait_has_a_value)
{
    mach_port_t kv = begin_kvd();
    const char *value;

    REQUIRE_TRUE(kv != MACH_PORT_NULL);
    EXPECT_KR(kv_call(kv, KV_SET, "a", "one", NULL), KERN_SUCCESS);
    EXPECT_KR(kv_call(kv, KV_WAIT, "a", NULL, &value), KERN_SUCCESS);
    EXPECT_STREQ(value, "one");
    EXPECT_KR(kv_call(kv, KV_WAIT, "", NULL, NULL), unix_err(EINVAL));
    end_kvd(kv);
}

TEST(kvd_wait_until_it_is_set)
{
    mach_port_t kv = begin_kvd(), waits[3];
    const char *value;

    REQUIRE_TRUE(kv != MACH_PORT_NULL);
    for (int i = 0; i < 3; i++) {
        waits[i] = new_port();
        EXPECT_KR(kv_send(kv, waits[i], KV_WAIT, i < 2 ? "later" : "never", NULL), MACH_MSG_SUCCESS);
    }
    /* Others are served meanwhile. */
    EXPECT_KR(kv_call(kv, KV_SET, "a", "one", NULL), KERN_SUCCESS);
    EXPECT_VALUE(kv, "a", "one");
    for (int i = 0; i < 3; i++)
        if (receive(waits[i], 20) == MACH_MSG_SUCCESS)
            FAIL("kvd: a wait was answered before there was a value (code %#x)", m.reply.ret_code);
    EXPECT_KR(kv_call(kv, KV_SET, "later", "now", NULL), KERN_SUCCESS);
    for (int i = 0; i < 2; i++) {
        EXPECT_KR(kv_receive(waits[i], KV_WAIT, &value), KERN_SUCCESS);
        EXPECT_STREQ(value, "now");
    }
    if (receive(waits[2], 20) == MACH_MSG_SUCCESS)
        FAIL("kvd: who waits for \"never\" was answered when \"later\" was set");
    EXPECT_KR(kv_call(kv, KV_SET, "later", "again", NULL), KERN_SUCCESS);
    if (receive(waits[0], 20) == MACH_MSG_SUCCESS)
        FAIL("kvd: a wait was answered twice");
    for (int i = 0; i < 3; i++)
        destroy_port(waits[i]);
    end_kvd(kv);
}

/* Both counts of the server, once it has dealt with all that came before. */
static int settled_rights(mach_port_t kv, int *references)
{
    kv_call(kv, KV_GET, "a", NULL, NULL);
    usleep(20000);
    kv_call(kv, KV_GET, "a", NULL, NULL);
    return count_rights(r.pid, references);
}

TEST(kvd_forgets_the_dead)
{
    mach_port_t kv = begin_kvd(), waits[10];
    int before, after, references, references_after;
    const char *value;

    REQUIRE_TRUE(kv != MACH_PORT_NULL);
    EXPECT_KR(kv_call(kv, KV_SET, "a", "one", NULL), KERN_SUCCESS);
    before = settled_rights(kv, &references);
    for (int i = 0; i < 10; i++) {
        waits[i] = new_port();
        EXPECT_KR(kv_send(kv, waits[i], KV_WAIT, "later", NULL), MACH_MSG_SUCCESS);
    }
    for (int i = 1; i < 10; i++) /* all but 0, 3, 6, 9 die waiting */
        if (i % 3 != 0)
            destroy_port(waits[i]);
    after = settled_rights(kv, &references_after);
    if (after != before + 4 || references_after != references + 4)
        FAIL("kvd held %d port names with %d references; after six of ten clients died waiting, %d with "
             "%d, and not 4 more", before, references, after, references_after);
    EXPECT_KR(kv_call(kv, KV_SET, "later", "now", NULL), KERN_SUCCESS);
    for (int i = 0; i < 10; i += 3) {
        EXPECT_KR(kv_receive(waits[i], KV_WAIT, &value), KERN_SUCCESS);
        destroy_port(waits[i]);
    }
    after = settled_rights(kv, &references_after);
    EXPECT_EQ(after, before);
    EXPECT_EQ(references_after, references);
    end_kvd(kv);
}

TEST(kvd_keeps_no_rights)
{
    mach_port_t kv = begin_kvd(), wait;
    int before, after, references, references_after;
    const char *value;

    REQUIRE_TRUE(kv != MACH_PORT_NULL);
    EXPECT_KR(kv_call(kv, KV_SET, "a", "one", NULL), KERN_SUCCESS);
    before = settled_rights(kv, &references);
    for (int i = 0; i < 10; i++) {
        EXPECT_KR(kv_call(kv, KV_SET, "a", "one", NULL), KERN_SUCCESS);
        EXPECT_KR(kv_call(kv, KV_WAIT, "a", NULL, &value), KERN_SUCCESS);
        EXPECT_KR(kv_call(kv, KV_WAIT, "", NULL, NULL), unix_err(EINVAL));
        EXPECT_KR(kv_call(kv, KV_WAIT + 1, "a", NULL, NULL), (kern_return_t)MIG_BAD_ID);
        wait = new_port();
        EXPECT_KR(kv_send(kv, wait, KV_WAIT, "later", NULL), MACH_MSG_SUCCESS);
        EXPECT_KR(kv_call(kv, KV_SET, "later", "now", NULL), KERN_SUCCESS);
        EXPECT_KR(kv_receive(wait, KV_WAIT, &value), KERN_SUCCESS);
        EXPECT_KR(kv_call(kv, KV_REMOVE, "later", NULL, NULL), KERN_SUCCESS);
        destroy_port(wait);
    }
    after = settled_rights(kv, &references_after);
    if (after != before || references_after != references)
        FAIL("kvd held %d port names with %d references; after 50 requests that are all answered, "
             "%d with %d", before, references, after, references_after);
    end_kvd(kv);
}

/* ---- 8: kv, against a server that is this program ---- */

/* Takes the request that kv sends, checks what is in it, answers with code and (if it is not NULL) value. */
static void serve_kv(mach_port_t port, int id, const char *key, const char *in, kern_return_t code,
                     const char *value)
{
    size_t at = sizeof m.header;
    mach_port_t reply;
    const char *got;

    if (!get_request(port, id))
        return;
    got = get_string(&at);
    if (got == NULL || strcmp(got, key) != 0)
        FAIL("%s: sent the key \"%s\"", r.command, got != NULL ? got : "(none)");
    got = in != NULL ? get_string(&at) : NULL;
    if (in != NULL && (got == NULL || strcmp(got, in) != 0))
        FAIL("%s: sent the value \"%s\"", r.command, got != NULL ? got : "(none)");
    reply = m.header.msgh_remote_port;
    memset(&m, 0, sizeof m);
    at = sizeof m.reply;
    m.reply.ret_code = code;
    if (value != NULL)
        put_string(&at, value);
    m.header.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0);
    m.header.msgh_size = (mach_msg_size_t)at;
    m.header.msgh_remote_port = reply;
    m.header.msgh_id = id + REPLY;
    EXPECT_KR(mach_msg(&m.header, MACH_SEND_MSG, m.header.msgh_size, 0, MACH_PORT_NULL, 0,
                       MACH_PORT_NULL), MACH_MSG_SUCCESS);
    finish();
}

/* The port that "kv" is for the cases below. */
static mach_port_t serve_as_kv(void)
{
    wait_for_name("kv", 0);
    return serve("kv");
}

TEST(kv_sets_and_removes)
{
    mach_port_t port = serve_as_kv();

    BEGIN("/dev/null", "kv", "set", "colour", "deep red");
    serve_kv(port, KV_SET, "colour", "deep red", KERN_SUCCESS, NULL);
    EXPECT_RUN(0, "");
    BEGIN("/dev/null", "kv", "set", "colour", "");
    serve_kv(port, KV_SET, "colour", "", KERN_SUCCESS, NULL);
    EXPECT_RUN(0, "");
    BEGIN("/dev/null", "kv", "rm", "colour");
    serve_kv(port, KV_REMOVE, "colour", NULL, KERN_SUCCESS, NULL);
    EXPECT_RUN(0, "");
    destroy_port(port);
}

TEST(kv_gets_and_waits)
{
    static char value[1024], line[1026];
    mach_port_t port = serve_as_kv();

    memset(value, 'v', sizeof value - 1);
    sprintf(line, "%s\n", value);
    BEGIN("/dev/null", "kv", "get", "colour");
    serve_kv(port, KV_GET, "colour", NULL, KERN_SUCCESS, "light blue");
    EXPECT_RUN(0, "light blue\n");
    BEGIN("/dev/null", "kv", "get", "long");
    serve_kv(port, KV_GET, "long", NULL, KERN_SUCCESS, value);
    EXPECT_RUN(0, line);
    BEGIN("/dev/null", "kv", "wait", "later");
    serve_kv(port, KV_WAIT, "later", NULL, KERN_SUCCESS, "");
    EXPECT_RUN(0, "\n");
    destroy_port(port);
}

TEST(kv_tells_errors)
{
    mach_port_t port = serve_as_kv();

    BEGIN("/dev/null", "kv", "get", "colour");
    serve_kv(port, KV_GET, "colour", NULL, unix_err(ENOENT), NULL);
    EXPECT_REFUSED(1);
    if (r.command[0] != '\0' && (strstr(r.errors, "colour") == NULL
                                 || strstr(r.errors, strerror(ENOENT)) == NULL))
        FAIL("kv get: says \"%.100s\"; expected the key and \"%s\"", r.errors, strerror(ENOENT));
    BEGIN("/dev/null", "kv", "set", "colour", "red");
    serve_kv(port, KV_SET, "colour", "red", unix_err(ENOMEM), NULL);
    EXPECT_REFUSED(1);
    BEGIN("/dev/null", "kv", "rm", "colour");
    serve_kv(port, KV_REMOVE, "colour", NULL, unix_err(ENOENT), NULL);
    EXPECT_REFUSED(1);
    BEGIN("/dev/null", "kv", "wait", "colour");
    if (get_request(port, KV_WAIT)) { /* a server that dies */
        mach_port_deallocate(mach_task_self(), m.header.msgh_remote_port);
        finish();
        EXPECT_REFUSED(1);
    }
    destroy_port(port);
}

TEST(kv_refuses)
{
    wait_for_name("kv", 0);
    RUN("/dev/null", "kv", "get", "colour"); /* there is no server */
    EXPECT_REFUSED(1);
    RUN("/dev/null", "kv");
    EXPECT_REFUSED(2);
    RUN("/dev/null", "kv", "get");
    EXPECT_REFUSED(2);
    RUN("/dev/null", "kv", "set", "colour");
    EXPECT_REFUSED(2);
    RUN("/dev/null", "kv", "get", "colour", "red");
    EXPECT_REFUSED(2);
    RUN("/dev/null", "kv", "paint", "colour");
    EXPECT_REFUSED(2);
}

LAB_MAIN
