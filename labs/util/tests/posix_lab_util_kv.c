/*
 * Lab util, exercises 7 and 8: kvd, kv. This program is kvd's client and kv's server: it sends the requests
 * and the answers by hand, as docs/mig.md lays them out, also such as are wrong, and it looks at the port
 * names that kvd holds.
 */
#include "lab_util_msg.h"

TEST_LIMIT(10);

#define KV_SET    6400
#define KV_GET    6401
#define KV_REMOVE 6402
#define KV_WAIT   6403

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
    put_away();
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

LAB_MAIN(no_command)
