/*
 * kvd: the server of kv.defs. Run it in the background; it registers as "kv" and serves until it is killed.
 *
 * kv_wait for a key without a value is not answered now: its reply right is kept, and used when somebody sets
 * the key. If the one who waits dies first, the right becomes a dead name, and the notification of that
 * takes it off the list.
 */
#include <errno.h>
#include <mach/error.h>
#include <mach/mach.h>
#include <mach/mach_port.h>
#include <mach/notify_ids.h>
#include <ports.h>
#include <servers/bootstrap.h>
#include <servers/kv_server.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERVICE "kv"

struct pair {
    struct pair *next;
    char *value;
    char key[];
};

struct waiter {
    struct waiter *next;
    mach_port_t reply; /* send-once, ours */
    char key[];
};

static void waiter_died(void *object, mach_port_name_t name);

/* The service is there as long as the process: it never loses its last reference. */
static const struct port_class service_class = {.name = "kv", .dead_name = waiter_died};
static struct port_object service;
static struct pair *pairs;
static struct waiter *waiters;

/* The link that leads to key's pair; it leads to NULL if there is none. */
static struct pair **find(const char *key)
{
    struct pair **link = &pairs;

    while (*link != NULL && strcmp((*link)->key, key) != 0)
        link = &(*link)->next;
    return link;
}

/* Takes a waiter off the list and frees it. Its right is the caller's. */
static void forget(struct waiter **link)
{
    struct waiter *w = *link;

    *link = w->next;
    free(w);
}

/* key has a value: answers those who wait for it. */
static void answer_waiters(const char *key, const char *value)
{
    struct waiter **link = &waiters;

    while (*link != NULL) {
        if (strcmp((*link)->key, key) == 0) {
            S_kv_wait_reply((*link)->reply, KERN_SUCCESS, value); /* consumes the right */
            forget(link);
        } else {
            link = &(*link)->next;
        }
    }
}

/* The notification brought a reference to the name; the waiter had one. */
static void waiter_died(void *object, mach_port_name_t name)
{
    struct waiter **link = &waiters;

    (void)object;
    while (*link != NULL && (*link)->reply != name)
        link = &(*link)->next;
    if (*link != NULL) {
        mach_port_deallocate(mach_task_self(), name);
        forget(link);
    }
    mach_port_deallocate(mach_task_self(), name);
}

kern_return_t S_kv_set(mach_port_t server, const char *key, const char *value)
{
    struct pair **link = find(key);
    struct pair *pair = *link;
    char *copy;

    (void)server;
    if (key[0] == '\0')
        return unix_err(EINVAL);
    copy = strdup(value);
    if (copy == NULL)
        return unix_err(ENOMEM);
    if (pair == NULL) {
        pair = malloc(sizeof(*pair) + strlen(key) + 1);
        if (pair == NULL) {
            free(copy);
            return unix_err(ENOMEM);
        }
        strcpy(pair->key, key);
        pair->value = NULL;
        pair->next = NULL;
        *link = pair;
    }
    free(pair->value);
    pair->value = copy;
    answer_waiters(key, value);
    return KERN_SUCCESS;
}

kern_return_t S_kv_get(mach_port_t server, const char *key, char *value)
{
    const struct pair *pair = *find(key);

    (void)server;
    if (pair == NULL)
        return unix_err(ENOENT);
    strcpy(value, pair->value); /* it came in a kv_value_t */
    return KERN_SUCCESS;
}

kern_return_t S_kv_remove(mach_port_t server, const char *key)
{
    struct pair **link = find(key);
    struct pair *pair = *link;

    (void)server;
    if (pair == NULL)
        return unix_err(ENOENT);
    *link = pair->next;
    free(pair->value);
    free(pair);
    return KERN_SUCCESS;
}

kern_return_t S_kv_wait(mach_port_t server, mach_port_t reply, const char *key, char *value)
{
    struct waiter **end = &waiters;
    struct waiter *w;
    mach_port_t previous;
    kern_return_t kr;

    if (*find(key) != NULL)
        return S_kv_get(server, key, value);
    if (key[0] == '\0')
        return unix_err(EINVAL);
    w = malloc(sizeof(*w) + strlen(key) + 1);
    if (w == NULL)
        return unix_err(ENOMEM);
    kr = mach_port_request_notification(mach_task_self(), reply, MACH_NOTIFY_DEAD_NAME, 0,
                                        service.port, MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous);
    if (kr != KERN_SUCCESS) { /* it is dead already */
        free(w);
        return kr;
    }
    w->reply = reply;
    strcpy(w->key, key);
    w->next = NULL;
    while (*end != NULL) /* first come, first served */
        end = &(*end)->next;
    *end = w;
    return MIG_NO_REPLY;
}

int main(int argc, char **argv)
{
    static const mig_demux_t demuxers[] = {kv_server, NULL};
    mach_port_t send;
    kern_return_t kr;

    (void)argv;
    if (argc > 1) {
        fprintf(stderr, "usage: kvd\n");
        return 2;
    }
    kr = ports_create(&service, &service_class);
    if (kr == KERN_SUCCESS) {
        send = ports_make_send(&service);
        kr = send == MACH_PORT_NULL ? KERN_RESOURCE_SHORTAGE
                                    : bootstrap_register(bootstrap_port, SERVICE, send);
    }
    if (kr != KERN_SUCCESS) {
        fprintf(stderr, "kvd: %s\n", mach_error_string(kr));
        return 1;
    }
    mach_port_deallocate(mach_task_self(), send); /* the name server has one of its own */
    ports_serve(demuxers, kv_server_max_request > kv_server_max_reply ? kv_server_max_request
                                                                      : kv_server_max_reply);
}
