/*
 * The name server: the routines of bootstrap.defs.
 *
 * A declared service's port exists from the start. Its receive right is here until the server
 * checks in, and comes back here (port-destroyed notification) when the server dies, with the
 * messages in its queue; the send right that is handed out stays good all the while.
 */
#include "bootstrap.h"

#include <errno.h>
#include <mach/error.h>
#include <mach/mach_port.h>
#include <mach/notify_ids.h>
#include <mach/traps.h>
#include <mach/vm_map.h>
#include <servers/bootstrap_server.h>
#include <stdlib.h>
#include <string.h>

/* What anyone may have registered: a search goes through all, and each takes memory of the first task's. */
#define REGISTERED_MAX 1024
#define DEVICES "dev/" /* a service that is called so is shown in /dev */

static struct service *services;
static unsigned registered; /* by tasks that are no servers */

static void service_came_back(void *object, mach_port_t receive_right);
static void registered_port_died(void *object, mach_port_name_t name);

/* Is told of the death of a registered port: one request stands for all names it was registered
 * under. */
static struct port_object registry;
static const struct port_class registry_class = {.name = "registry", .dead_name = registered_port_died};

static void service_destroy(void *object)
{
    struct service *s = object;

    registered -= s->by_anyone;
    free(s);
}

static const struct port_class service_class = {
    .name = "service",
    .destroy = service_destroy,
    .port_destroyed = service_came_back,
};

struct service *service_find(const char *name)
{
    for (struct service *s = services; s != NULL; s = s->next)
        if (strcmp(s->name, name) == 0)
            return s;
    return NULL;
}

/* A service record with its notification port, in the list; NULL: the name is taken, or no
 * memory. */
static struct service *service_new(const char *name)
{
    struct service *s;

    if (name[0] == '\0' || strlen(name) >= sizeof(s->name) || service_find(name) != NULL)
        return NULL;
    s = calloc(1, sizeof(*s));
    if (s == NULL)
        return NULL;
    if (ports_create(&s->object, &service_class) != KERN_SUCCESS) {
        free(s);
        return NULL;
    }
    strcpy(s->name, name);
    s->next = services;
    services = s;
    return s;
}

static void service_free(struct service *service)
{
    struct service **link = &services;

    while (*link != service)
        link = &(*link)->next;
    *link = service->next;
    if (service->send != MACH_PORT_NULL)
        mach_port_deallocate(mach_task_self(), service->send);
    ports_deref(service); /* destroys the notification port, frees the record */
}

kern_return_t service_declare(const char *name, struct server *server, unsigned needs)
{
    struct service *s = service_new(name);
    kern_return_t kr;

    if (s == NULL)
        return KERN_NAME_EXISTS;
    s->server = server;
    s->needs = needs;
    kr = mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &s->receive);
    if (kr == KERN_SUCCESS)
        kr = mach_port_insert_right(mach_task_self(), s->receive, s->receive,
                                    MACH_MSG_TYPE_MAKE_SEND);
    s->send = s->receive;
    return kr;
}

/* Hands the receive right out, once the kernel has promised to bring it back. */
static kern_return_t give_receive(struct service *s, mach_port_t *port)
{
    mach_port_t previous;
    kern_return_t kr;

    kr = mach_port_request_notification(mach_task_self(), s->receive, MACH_NOTIFY_PORT_DESTROYED, 0,
                                        s->object.port, MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous);
    if (kr != KERN_SUCCESS)
        return kr;
    *port = s->receive;
    s->receive = MACH_PORT_NULL;
    return KERN_SUCCESS;
}

/* A server that had checked in died: the next one may. Same port, so the same name here. */
static void service_came_back(void *object, mach_port_t receive_right)
{
    struct service *s = object;
    mach_port_t reply = s->waiting, port = MACH_PORT_NULL;
    kern_return_t kr;

    s->receive = receive_right;
    s->waiting = MACH_PORT_NULL;
    if (reply == MACH_PORT_NULL)
        return;
    kr = give_receive(s, &port);
    do_bootstrap_check_in_reply(reply, kr, port);
}

static void registered_port_died(void *object, mach_port_name_t name)
{
    struct service *next;

    for (struct service *s = services; s != NULL; s = next) {
        next = s->next;
        if (s->server == NULL && s->send == name)
            service_free(s);
    }
    mach_port_deallocate(mach_task_self(), name); /* the notification's reference */
}

/* ---- bootstrap.defs ---- */

/* Whose bootstrap port is this? No reference: servers are never freed. */
static struct server *caller(mach_port_t bootstrap)
{
    struct server *server = ports_lookup(bootstrap, &server_class);

    if (server != NULL)
        ports_deref(server);
    return server;
}

kern_return_t do_bootstrap_check_in(mach_port_t bootstrap, mach_port_t reply, const char *name,
                                    mach_port_t *port)
{
    struct server *server = caller(bootstrap);
    struct service *s = service_find(name);

    if (s == NULL)
        return unix_err(ENOENT);
    if (server == NULL || s->server != server)
        return unix_err(EPERM);
    if (s->receive != MACH_PORT_NULL)
        return give_receive(s, port);
    if (s->waiting != MACH_PORT_NULL)
        return unix_err(EBUSY);
    s->waiting = reply; /* the task died before its space was cleared: the right is on its way */
    return MIG_NO_REPLY;
}

kern_return_t do_bootstrap_look_up(mach_port_t bootstrap, const char *name, mach_port_t *port)
{
    struct server *server = caller(bootstrap);
    struct service *s = service_find(name);
    kern_return_t kr;

    if (s == NULL)
        return unix_err(ENOENT);
    if (server == NULL || (s->needs & ~server->privileges) != 0)
        return unix_err(EPERM);
    /* The reply moves a send right: one user reference more for it. */
    kr = mach_port_mod_refs(mach_task_self(), s->send, MACH_PORT_RIGHT_SEND, 1);
    if (kr != KERN_SUCCESS)
        return unix_err(ENOENT);
    *port = s->send;
    if (s->once)
        service_free(s);
    return KERN_SUCCESS;
}

/* Registers a send right (consumed on success) for as long as its port lives. */
static kern_return_t offer(const char *name, mach_port_t port, boolean_t once)
{
    struct service *s;
    mach_port_t previous = MACH_PORT_NULL;

    if (port == MACH_PORT_NULL || port == MACH_PORT_DEAD)
        return unix_err(EINVAL);
    if (registry.port == MACH_PORT_NULL && ports_create(&registry, &registry_class) != KERN_SUCCESS)
        return unix_err(ENOMEM);
    if (service_find(name) != NULL)
        return unix_err(EEXIST);
    s = service_new(name);
    if (s == NULL)
        return unix_err(ENOMEM);
    if (mach_port_request_notification(mach_task_self(), port, MACH_NOTIFY_DEAD_NAME, 0,
                                       registry.port, MACH_MSG_TYPE_MAKE_SEND_ONCE,
                                       &previous) != KERN_SUCCESS) {
        service_free(s);
        return unix_err(EINVAL);
    }
    if (previous != MACH_PORT_NULL) /* it has another name already */
        mach_port_deallocate(mach_task_self(), previous);
    s->send = port;
    s->once = once;
    return KERN_SUCCESS;
}

kern_return_t do_bootstrap_register(mach_port_t bootstrap, const char *name, mach_port_t port)
{
    struct server *server = caller(bootstrap);
    kern_return_t kr;

    if (server == NULL)
        return unix_err(EPERM);
    if (server == &world && strncmp(name, DEVICES, strlen(DEVICES)) == 0)
        return unix_err(EPERM);
    if (server == &world && registered >= REGISTERED_MAX)
        return unix_err(ENOSPC);
    kr = offer(name, port, FALSE);
    if (kr == KERN_SUCCESS && server == &world) {
        service_find(name)->by_anyone = TRUE;
        registered++;
    }
    return kr;
}

kern_return_t do_bootstrap_next(mach_port_t bootstrap, const char *name, char *next)
{
    const struct server *server = caller(bootstrap);
    const struct service *first = NULL;

    if (server == NULL || server == &world)
        return unix_err(EPERM);
    for (const struct service *s = services; s != NULL; s = s->next)
        if (strcmp(s->name, name) > 0 && (first == NULL || strcmp(s->name, first->name) < 0))
            first = s;
    if (first == NULL)
        return unix_err(ENOENT);
    strlcpy(next, first->name, sizeof(service_name_t));
    return KERN_SUCCESS;
}

static boolean_t may_start(mach_port_t bootstrap)
{
    struct server *server = caller(bootstrap);

    return server != NULL && (server->privileges & PRIV_HOST) != 0;
}

kern_return_t do_bootstrap_offer_once(mach_port_t bootstrap, const char *name, mach_port_t port)
{
    return may_start(bootstrap) ? offer(name, port, TRUE) : unix_err(EPERM);
}

kern_return_t do_bootstrap_withdraw(mach_port_t bootstrap, const char *name)
{
    struct service *s = service_find(name);

    if (!may_start(bootstrap))
        return unix_err(EPERM);
    if (s == NULL || s->server != NULL)
        return unix_err(ENOENT);
    service_free(s);
    return KERN_SUCCESS;
}

kern_return_t do_bootstrap_start(mach_port_t bootstrap, const char *program, mach_port_t *task)
{
    mach_port_t port;
    kern_return_t kr;

    if (!may_start(bootstrap))
        return unix_err(EPERM);
    port = ports_make_send(&world.object);
    if (port == MACH_PORT_NULL)
        return unix_err(ENOMEM);
    kr = load_program(program, port, FALSE, task);
    mach_port_deallocate(mach_task_self(), port);
    if (kr == KERN_INVALID_NAME)
        return unix_err(ENOENT);
    return kr == KERN_INVALID_ARGUMENT ? unix_err(ENOEXEC) : kr;
}

kern_return_t do_bootstrap_privileged_port(mach_port_t bootstrap, const char *which,
                                           mach_port_t *port)
{
    struct server *server = caller(bootstrap);
    unsigned needs = strcmp(which, "host") == 0     ? PRIV_HOST
                     : strcmp(which, "device") == 0 ? PRIV_DEVICE
                                                    : 0;

    if (needs == 0)
        return unix_err(ENOENT);
    if (server == NULL || !(server->privileges & needs))
        return unix_err(EPERM);
    *port = needs == PRIV_HOST ? host_priv : device_master;
    return mach_port_mod_refs(mach_task_self(), *port, MACH_PORT_RIGHT_SEND, 1);
}

kern_return_t do_bootstrap_archive_file(mach_port_t bootstrap, const char *name, vm_offset_t *data,
                                        mach_msg_type_number_t *dataCnt)
{
    struct server *server = caller(bootstrap);
    const char *bytes;
    size_t size;

    if (server == NULL || !(server->privileges & PRIV_ARCHIVE))
        return unix_err(EPERM);
    bytes = archive_find(name, &size);
    if (bytes == NULL)
        return unix_err(ENOENT);
    *data = (vm_offset_t)bytes;
    *dataCnt = (mach_msg_type_number_t)size;
    return KERN_SUCCESS;
}

kern_return_t do_bootstrap_unprivileged(mach_port_t bootstrap, mach_port_t *port)
{
    if (caller(bootstrap) == NULL)
        return unix_err(EPERM);
    *port = world.object.port; /* the reply makes a send right of it */
    return KERN_SUCCESS;
}
