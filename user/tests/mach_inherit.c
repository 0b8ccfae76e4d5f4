/*
 * Priority inheritance: a server works with the priority of the most important thread that waits for
 * it, however many servers are between. Read kern/inherit.h for the rules.
 *
 * The cases inversion_* have hogs, of a priority between client's and server's, on all processors, for
 * hog.ms=N milliseconds (default 3000). Without inheritance (boot argument inherit=off) they fail:
 * grade/test_inherit.py looks that they do.
 */
#include "mach_child.h"

#include <mach/semaphore.h>

#define HIGH   60 /* the client */
#define MIDDLE 45 /* hogs: further below HIGH and above LOW than usage can move a priority */
#define LOW    20 /* servers */
#define SLACK  8  /* what usage may take off */

TEST_LIMIT(60);
/* ---- servers and clients ---- */

/* A thread that receives on port, waits for its gate, calls `next` if there is one, and answers. */
struct server {
    mach_port_t port;
    mach_port_t next;
    semaphore_t gate;
    volatile mach_port_t thread;
    volatile uint64_t served;
    volatile uint64_t entered; /* requests it has received */
    cthread_t handle;
};

/* A thread that calls `to` once. */
struct client {
    mach_port_t to;
    int priority;
    mach_msg_timeout_t timeout; /* 0: none */
    semaphore_t start;          /* to be signalled before it calls; or none */
    volatile mach_port_t thread;
    volatile uint64_t done;
    mach_msg_return_t result;
    uint64_t ended_ms;
    cthread_t handle;
};

#define STOP 99 /* the request to end; it is answered, too */

static void be(int priority)
{
    thread_priority(mach_thread_self_cached(), priority, FALSE);
}

static mach_msg_return_t call(mach_port_t to, int id, mach_msg_timeout_t timeout)
{
    mach_port_t reply = new_port();
    struct small m = {.header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND,
                                                             MACH_MSG_TYPE_MAKE_SEND_ONCE),
                                 .msgh_remote_port = to, .msgh_local_port = reply, .msgh_id = id}};
    mach_msg_option_t options = MACH_SEND_MSG | MACH_RCV_MSG | MACH_RCV_INTERRUPT | MACH_SEND_INTERRUPT
                                | (timeout != 0 ? MACH_RCV_TIMEOUT : 0);
    mach_msg_return_t mr = mach_msg(&m.header, options, SMALL_SIZE, sizeof(m), reply, timeout,
                                    MACH_PORT_NULL);

    mach_port_mod_refs(SELF, reply, MACH_PORT_RIGHT_RECEIVE, -1);
    return mr;
}

static void *serve(void *arg)
{
    struct server *server = arg;
    struct small m;

    be(LOW);
    server->thread = mach_thread_self_cached();
    for (;;) {
        mach_msg_id_t id;

        if (mach_msg(&m.header, MACH_RCV_MSG, 0, sizeof(m), server->port, 0, MACH_PORT_NULL)
            != MACH_MSG_SUCCESS)
            return NULL;
        id = m.header.msgh_id;
        if (id != STOP) {
            server->entered++;
            semaphore_wait(server->gate);
            if (server->next != MACH_PORT_NULL)
                call(server->next, 1, 0);
            server->served++;
        }
        m.header.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0);
        m.header.msgh_local_port = MACH_PORT_NULL;
        if (mach_msg(&m.header, MACH_SEND_MSG, SMALL_SIZE, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL)
            != MACH_MSG_SUCCESS)
            mach_msg_destroy(&m.header); /* the client has given up: its port is dead */
        if (id == STOP)
            return NULL;
    }
}

static boolean_t start_server(struct server *server, const struct server *next)
{
    memset(server, 0, sizeof(*server));
    server->port = new_port_send();
    server->next = next != NULL ? next->port : MACH_PORT_NULL;
    semaphore_create(SELF, &server->gate, SYNC_POLICY_FIFO, 0);
    server->handle = cthread_fork(serve, server);
    for (int ms = 0; server->thread == MACH_PORT_NULL && ms < WAIT_LIMIT_MS; ms++)
        sleep_ms(1);
    return server->handle != NULL && server->thread != MACH_PORT_NULL
           && wait_for_state(server->thread, TH_STATE_WAITING);
}

/* It has nothing to do any more. */
static void stop_server(struct server *server)
{
    EXPECT_KR(call(server->port, STOP, 0), MACH_MSG_SUCCESS);
    cthread_join(server->handle);
    semaphore_destroy(SELF, server->gate);
    mach_port_deallocate(SELF, server->gate);
    mach_port_destroy(SELF, server->port);
}

static void *ask(void *arg)
{
    struct client *client = arg;

    be(client->priority);
    client->thread = mach_thread_self_cached();
    if (client->start != MACH_PORT_NULL)
        semaphore_wait(client->start);
    client->result = call(client->to, 1, client->timeout);
    client->ended_ms = now_ms();
    __atomic_store_n(&client->done, 1, __ATOMIC_RELEASE);
    return NULL;
}

/* Starts a client, and waits until it waits. */
static boolean_t start_client(struct client *client, mach_port_t to, int priority)
{
    *client = (struct client){.to = to, .priority = priority, .timeout = client->timeout,
                              .start = client->start};
    client->handle = cthread_fork(ask, client);
    for (int ms = 0; client->thread == MACH_PORT_NULL && ms < WAIT_LIMIT_MS; ms++)
        sleep_ms(1);
    return client->handle != NULL && wait_for_state(client->thread, TH_STATE_WAITING);
}

static boolean_t client_ends(struct client *client)
{
    boolean_t ended = wait_for_value(&client->done, 1);

    if (ended)
        cthread_join(client->handle);
    return ended;
}

static int priority_of(mach_port_t thread)
{
    struct thread_basic_info info;
    mach_msg_type_number_t count = THREAD_BASIC_INFO_COUNT;

    if (thread_info(thread, THREAD_BASIC_INFO, (thread_info_t)&info, &count) != KERN_SUCCESS)
        return -1;
    return info.cur_priority;
}

/* The server gets to have this priority, less what usage took off the lender's or its own. */
static boolean_t comes_to(const struct server *server, int priority)
{
    for (int ms = 0; ms < WAIT_LIMIT_MS; ms += 2) {
        int is = priority_of(server->thread);

        if (is <= priority && is > priority - SLACK)
            return TRUE;
        sleep_ms(2);
    }
    return FALSE;
}
#define EXPECT_PRIORITY(server, priority)                                                        \
    do {                                                                                         \
        if (!comes_to(server, priority))                                                         \
            FAIL(#server " has priority %d, not " #priority, priority_of((server)->thread));     \
    } while (0)

/* ---- inversion ---- */

static volatile uint64_t hogs_stop;
static uint64_t hogs_deadline;

static void *hog(void *arg)
{
    be(MIDDLE);
    while (!hogs_stop && now_ms() < hogs_deadline)
        ;
    return NULL;
}

static int processors(void)
{
    struct host_basic_info info;
    mach_msg_type_number_t count = HOST_BASIC_INFO_COUNT;
    mach_port_t host = mach_host_self();
    kern_return_t kr = host_info(host, HOST_BASIC_INFO, (host_info_t)&info, &count);

    mach_port_deallocate(SELF, host);
    return kr == KERN_SUCCESS ? info.avail_cpus : 1;
}

/*
 * The last server of `depth` works for somebody unimportant when a hog a processor begins, the others
 * wait for each other; then comes a client of priority HIGH. True if it is answered before the hogs end.
 */
static boolean_t answered_in_time(struct server *servers, int depth)
{
    struct client low[4];
    struct client high = {0};
    cthread_t hogs[8];
    int n = processors();

    memset(low, 0, sizeof(low));
    for (int i = depth - 1; i >= 0; i--) {
        if (!start_server(&servers[i], i < depth - 1 ? &servers[i + 1] : NULL))
            return FALSE;
    }
    for (int i = depth - 1; i >= 0; i--) {
        if (i < depth - 1)
            semaphore_signal(servers[i].gate); /* goes on to wait for the next */
        if (!start_client(&low[i], servers[i].port, LOW)
            || !wait_for_state(servers[i].thread, TH_STATE_WAITING))
            return FALSE;
    }
    semaphore_create(SELF, &high.start, SYNC_POLICY_FIFO, 0);
    if (!start_client(&high, servers[0].port, HIGH))
        return FALSE;
    be(HIGH + 3);
    hogs_stop = 0;
    hogs_deadline = now_ms() + boot_number("hog.ms", 3000);
    for (int i = 0; i < n; i++)
        hogs[i] = cthread_fork(hog, NULL);
    sleep_ms(50); /* they run, on all processors */
    semaphore_signal(high.start);
    sleep_ms(5);
    for (int i = 0; i < depth; i++) {
        for (int k = 0; k < 2 * depth; k++)
            semaphore_signal(servers[i].gate);
    }
    while (!high.done && now_ms() < hogs_deadline)
        sleep_ms(5);
    hogs_stop = 1;
    be(31);
    for (int i = 0; i < n; i++)
        cthread_join(hogs[i]);
    if (!client_ends(&high))
        return FALSE;
    for (int i = 0; i < depth; i++)
        client_ends(&low[i]);
    semaphore_destroy(SELF, high.start);
    mach_port_deallocate(SELF, high.start);
    for (int i = 0; i < depth; i++)
        stop_server(&servers[i]);
    return high.ended_ms < hogs_deadline;
}

TEST(inversion_at_one_server_is_avoided)
{
    struct server servers[1];

    EXPECT_TRUE(answered_in_time(servers, 1));
}

TEST(inversion_along_a_chain_of_three_is_avoided)
{
    struct server servers[3];

    EXPECT_TRUE(answered_in_time(servers, 3));
}

/* ---- hand-offs ---- */

static volatile uint64_t events; /* counts what happens */
static volatile uint64_t middle_at, client_at;
static semaphore_t middle_gate;
static volatile mach_port_t middle_thread;

static void *run_once(void *arg)
{
    be(MIDDLE);
    middle_thread = mach_thread_self_cached();
    semaphore_wait(middle_gate);
    middle_at = __atomic_add_fetch(&events, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

/* Before it answers, it makes somebody ready to run who matters less than itself but more than its client. */
static void *signal_and_answer(void *arg)
{
    mach_port_t port = *(mach_port_t *)arg;
    struct small m;
    mach_msg_option_t options = MACH_RCV_MSG;

    be(HIGH);
    while (mach_msg(&m.header, options, sizeof(m.header), sizeof(m), port, 0, MACH_PORT_NULL)
           == MACH_MSG_SUCCESS) {
        semaphore_signal(middle_gate);
        m.header.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0);
        m.header.msgh_local_port = MACH_PORT_NULL;
        options = MACH_SEND_MSG | MACH_RCV_MSG;
    }
    return NULL;
}

static void *call_and_tell(void *arg)
{
    be(LOW);
    call(*(mach_port_t *)arg, 1, 0);
    client_at = __atomic_add_fetch(&events, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

/* An answer takes the CPU along to its receiver, but not past somebody more important. */
TEST(a_hand_off_passes_over_nobody)
{
    mach_port_t port = new_port_send();
    cthread_t server, middle, client;

    semaphore_create(SELF, &middle_gate, SYNC_POLICY_FIFO, 0);
    server = cthread_fork(signal_and_answer, &port);
    for (int i = 0; i < 20; i++) {
        middle_thread = MACH_PORT_NULL;
        middle = cthread_fork(run_once, NULL);
        for (int ms = 0; middle_thread == MACH_PORT_NULL && ms < WAIT_LIMIT_MS; ms++)
            sleep_ms(1);
        REQUIRE_TRUE(wait_for_state(middle_thread, TH_STATE_WAITING));
        client = cthread_fork(call_and_tell, &port);
        cthread_join(client);
        cthread_join(middle);
        if (processors() == 1) /* else both may run at once */
            EXPECT_EQ(middle_at + 1, client_at);
    }
    mach_port_destroy(SELF, port);
    cthread_join(server);
    semaphore_destroy(SELF, middle_gate);
    mach_port_deallocate(SELF, middle_gate);
}

/* ---- lending ---- */

TEST(who_is_handed_a_request_inherits)
{
    struct server server;
    struct client client = {0};

    REQUIRE_TRUE(start_server(&server, NULL));
    EXPECT_PRIORITY(&server, LOW);
    REQUIRE_TRUE(start_client(&client, server.port, HIGH));
    EXPECT_PRIORITY(&server, HIGH);
    semaphore_signal(server.gate);
    EXPECT_TRUE(client_ends(&client));
    EXPECT_KR(client.result, MACH_MSG_SUCCESS);
    EXPECT_PRIORITY(&server, LOW); /* given back with the answer */
    stop_server(&server);
}

TEST(a_less_important_client_lends_nothing)
{
    struct server server;
    struct client client = {0};

    REQUIRE_TRUE(start_server(&server, NULL));
    REQUIRE_TRUE(start_client(&client, server.port, 2));
    EXPECT_PRIORITY(&server, LOW);
    semaphore_signal(server.gate);
    EXPECT_TRUE(client_ends(&client));
    stop_server(&server);
}

TEST(the_most_important_of_many_counts)
{
    struct server server;
    struct client first = {0}, second = {0}, third = {0};

    REQUIRE_TRUE(start_server(&server, NULL));
    REQUIRE_TRUE(start_client(&first, server.port, 32));
    EXPECT_PRIORITY(&server, 32);
    REQUIRE_TRUE(start_client(&second, server.port, HIGH));
    EXPECT_PRIORITY(&server, HIGH);
    REQUIRE_TRUE(start_client(&third, server.port, MIDDLE));
    EXPECT_PRIORITY(&server, HIGH);
    semaphore_signal(server.gate); /* the first is answered: the second is still the highest */
    EXPECT_TRUE(client_ends(&first));
    EXPECT_PRIORITY(&server, HIGH);
    semaphore_signal(server.gate);
    EXPECT_TRUE(client_ends(&second));
    EXPECT_PRIORITY(&server, MIDDLE);
    semaphore_signal(server.gate);
    EXPECT_TRUE(client_ends(&third));
    EXPECT_PRIORITY(&server, LOW);
    stop_server(&server);
}

TEST(a_priority_changed_while_waiting_is_lent_anew)
{
    struct server server;
    struct client client = {0};

    REQUIRE_TRUE(start_server(&server, NULL));
    REQUIRE_TRUE(start_client(&client, server.port, 2));
    EXPECT_PRIORITY(&server, LOW);
    EXPECT_KR(thread_priority(client.thread, HIGH, FALSE), KERN_SUCCESS);
    EXPECT_PRIORITY(&server, HIGH);
    EXPECT_KR(thread_priority(client.thread, 2, FALSE), KERN_SUCCESS);
    EXPECT_PRIORITY(&server, LOW);
    semaphore_signal(server.gate);
    EXPECT_TRUE(client_ends(&client));
    stop_server(&server);
}

TEST(a_sender_who_waits_for_room_lends)
{
    struct server server;
    struct client clients[3] = {{0}};

    REQUIRE_TRUE(start_server(&server, NULL));
    EXPECT_KR(mach_port_set_qlimit(SELF, server.port, 1), KERN_SUCCESS);
    REQUIRE_TRUE(start_client(&clients[0], server.port, LOW)); /* is served */
    REQUIRE_TRUE(start_client(&clients[1], server.port, LOW)); /* is queued */
    EXPECT_PRIORITY(&server, LOW);
    REQUIRE_TRUE(start_client(&clients[2], server.port, HIGH));
    EXPECT_PRIORITY(&server, HIGH);
    for (int i = 0; i < 3; i++) {
        EXPECT_PRIORITY(&server, HIGH); /* waiting for room, queued, served */
        semaphore_signal(server.gate);
        EXPECT_TRUE(client_ends(&clients[i]));
    }
    EXPECT_PRIORITY(&server, LOW);
    stop_server(&server);
}

TEST(the_thread_that_takes_the_request_inherits)
{
    struct server busy, other;
    struct client low = {0}, high = {0};

    REQUIRE_TRUE(start_server(&busy, NULL));
    REQUIRE_TRUE(start_client(&low, busy.port, LOW));
    REQUIRE_TRUE(start_client(&high, busy.port, HIGH));
    EXPECT_PRIORITY(&busy, HIGH); /* it looks as if the request had to wait for it */
    memset(&other, 0, sizeof(other));
    other.port = busy.port;
    semaphore_create(SELF, &other.gate, SYNC_POLICY_FIFO, 0);
    other.handle = cthread_fork(serve, &other);
    EXPECT_TRUE(wait_for_value(&other.entered, 1));
    EXPECT_PRIORITY(&other, HIGH);
    EXPECT_PRIORITY(&busy, LOW);
    semaphore_signal(other.gate);
    EXPECT_TRUE(client_ends(&high));
    EXPECT_PRIORITY(&other, LOW);
    semaphore_signal(busy.gate);
    EXPECT_TRUE(client_ends(&low));
    EXPECT_KR(call(busy.port, STOP, 0), MACH_MSG_SUCCESS);
    EXPECT_KR(call(busy.port, STOP, 0), MACH_MSG_SUCCESS);
    cthread_join(busy.handle);
    cthread_join(other.handle);
    semaphore_destroy(SELF, busy.gate);
    mach_port_deallocate(SELF, busy.gate);
    semaphore_destroy(SELF, other.gate);
    mach_port_deallocate(SELF, other.gate);
    mach_port_destroy(SELF, busy.port);
}

/* ---- chains ---- */

#define CHAIN 3

/* servers[0] waits for [1] waits for [2], which waits for its gate; all for one unimportant client. */
static boolean_t start_chain(struct server *servers, struct client *low)
{
    for (int i = CHAIN - 1; i >= 0; i--) {
        if (!start_server(&servers[i], i < CHAIN - 1 ? &servers[i + 1] : NULL))
            return FALSE;
    }
    for (int i = 0; i < CHAIN - 1; i++)
        semaphore_signal(servers[i].gate);
    return start_client(low, servers[0].port, 2) && wait_for_value(&servers[CHAIN - 1].entered, 1)
           && wait_for_state(servers[CHAIN - 1].thread, TH_STATE_WAITING);
}

/* Lets everything through. */
static void end_chain(struct server *servers, struct client *low, struct client *high)
{
    for (int i = 0; i < CHAIN; i++)
        semaphore_signal(servers[i].gate);
    semaphore_signal(servers[CHAIN - 1].gate);
    EXPECT_TRUE(client_ends(low));
    if (high != NULL)
        EXPECT_TRUE(client_ends(high));
    for (int i = 0; i < CHAIN; i++)
        EXPECT_PRIORITY(&servers[i], LOW);
    for (int i = 0; i < CHAIN; i++)
        stop_server(&servers[i]);
}

TEST(a_chain_of_three_inherits)
{
    struct server servers[CHAIN];
    struct client low = {0}, high = {0};

    REQUIRE_TRUE(start_chain(servers, &low));
    for (int i = 0; i < CHAIN; i++)
        EXPECT_PRIORITY(&servers[i], LOW);
    REQUIRE_TRUE(start_client(&high, servers[0].port, HIGH));
    for (int i = 0; i < CHAIN; i++)
        EXPECT_PRIORITY(&servers[i], HIGH);
    end_chain(servers, &low, &high);
    EXPECT_KR(high.result, MACH_MSG_SUCCESS);
}

TEST(a_new_link_passes_on_what_is_inherited)
{
    struct server first, second;
    struct client high = {0};

    REQUIRE_TRUE(start_server(&second, NULL) && start_server(&first, &second));
    REQUIRE_TRUE(start_client(&high, first.port, HIGH));
    EXPECT_PRIORITY(&second, LOW);
    semaphore_signal(first.gate); /* only now it calls the second */
    EXPECT_TRUE(wait_for_value(&second.entered, 1));
    EXPECT_PRIORITY(&second, HIGH);
    semaphore_signal(second.gate);
    EXPECT_TRUE(client_ends(&high));
    EXPECT_PRIORITY(&first, LOW);
    EXPECT_PRIORITY(&second, LOW);
    stop_server(&first);
    stop_server(&second);
}

TEST(an_abort_takes_the_loan_back)
{
    struct server servers[CHAIN];
    struct client low = {0}, high = {0};

    REQUIRE_TRUE(start_chain(servers, &low));
    REQUIRE_TRUE(start_client(&high, servers[0].port, HIGH));
    EXPECT_PRIORITY(&servers[CHAIN - 1], HIGH);
    EXPECT_KR(thread_abort(high.thread), KERN_SUCCESS);
    EXPECT_TRUE(client_ends(&high));
    EXPECT_KR(high.result, MACH_RCV_INTERRUPTED);
    for (int i = 0; i < CHAIN; i++)
        EXPECT_PRIORITY(&servers[i], LOW);
    end_chain(servers, &low, NULL);
}

TEST(a_time_out_takes_the_loan_back)
{
    struct server servers[CHAIN];
    struct client low = {0}, high = {.timeout = 300};

    REQUIRE_TRUE(start_chain(servers, &low));
    REQUIRE_TRUE(start_client(&high, servers[0].port, HIGH));
    EXPECT_TRUE(client_ends(&high));
    EXPECT_KR(high.result, MACH_RCV_TIMED_OUT);
    for (int i = 0; i < CHAIN; i++)
        EXPECT_PRIORITY(&servers[i], LOW);
    end_chain(servers, &low, NULL);
}

static void child_asks(uint64_t port)
{
    be(HIGH);
    call(port, 1, 0);
}

TEST(the_death_of_a_client_takes_the_loan_back)
{
    struct server servers[CHAIN];
    struct client low = {0};
    struct child child;

    REQUIRE_TRUE(start_chain(servers, &low));
    REQUIRE_KR(child_make(&child), KERN_SUCCESS);
    EXPECT_KR(child_give(&child, servers[0].port), KERN_SUCCESS);
    REQUIRE_KR(child_run(&child, child_asks, servers[0].port), KERN_SUCCESS);
    for (int i = 0; i < CHAIN; i++)
        EXPECT_PRIORITY(&servers[i], HIGH);
    child_end(&child);
    for (int i = 0; i < CHAIN; i++)
        EXPECT_PRIORITY(&servers[i], LOW);
    end_chain(servers, &low, NULL);
}

/* The death of a server in the midst of a chain: its client learns of it, its own loan ends. */
static void child_forwards(uint64_t port)
{
    struct small m;
    mach_port_t own = port >> 32;

    be(2);
    if (mach_msg(&m.header, MACH_RCV_MSG, 0, sizeof(m), own, 0, MACH_PORT_NULL) == MACH_MSG_SUCCESS)
        call((mach_port_t)port, 1, 0);
}

TEST(the_death_of_a_server_takes_the_loan_back)
{
    mach_port_t port = new_port_send();
    struct client high = {0};
    struct server last;
    struct child child;

    REQUIRE_TRUE(start_server(&last, NULL));
    REQUIRE_KR(child_make(&child), KERN_SUCCESS);
    EXPECT_KR(child_give(&child, last.port), KERN_SUCCESS);
    EXPECT_KR(mach_port_insert_right(child.task, port, port, MACH_MSG_TYPE_MOVE_RECEIVE),
              KERN_SUCCESS);
    REQUIRE_KR(child_run(&child, child_forwards, (uint64_t)port << 32 | last.port), KERN_SUCCESS);
    REQUIRE_TRUE(start_client(&high, port, HIGH));
    EXPECT_TRUE(wait_for_value(&last.entered, 1));
    EXPECT_PRIORITY(&last, HIGH);
    child_end(&child);
    EXPECT_TRUE(client_ends(&high));
    EXPECT_PRIORITY(&last, LOW);
    semaphore_signal(last.gate);
    stop_server(&last);
    mach_port_deallocate(SELF, port);
}

TEST(a_circle_of_calls_does_no_harm)
{
    struct server first, second;
    struct client low = {0}, high = {0};

    REQUIRE_TRUE(start_server(&second, NULL) && start_server(&first, &second));
    second.next = first.port;
    semaphore_signal(first.gate);
    semaphore_signal(second.gate);
    REQUIRE_TRUE(start_client(&low, first.port, LOW));
    EXPECT_TRUE(wait_for_value(&second.entered, 1)); /* and now they wait for each other */
    REQUIRE_TRUE(start_client(&high, first.port, HIGH));
    EXPECT_PRIORITY(&first, HIGH);
    EXPECT_PRIORITY(&second, HIGH);
    EXPECT_KR(thread_abort(high.thread), KERN_SUCCESS);
    EXPECT_TRUE(client_ends(&high));
    second.next = MACH_PORT_NULL;
    EXPECT_KR(thread_abort(second.thread), KERN_SUCCESS); /* it gives up, and answers the first */
    EXPECT_TRUE(client_ends(&low));
    for (int i = 0; i < 4; i++)
        semaphore_signal(first.gate);
    for (int i = 0; i < 4; i++)
        semaphore_signal(second.gate);
    first.next = MACH_PORT_NULL;
    stop_server(&first);
    stop_server(&second);
}

TEST_MAIN
