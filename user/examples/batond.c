/*
 * batond: the server of baton.defs, a whole one to begin with. docs/13-servers.md tells how it is made. Read
 * ports.h before.
 */
#include <credentials.h>
#include <errno.h>
#include <mach/error.h>
#include <mach/mach.h>
#include <mach/mach_port.h>
#include <ports.h>
#include <servers/baton_server.h>
#include <servers/bootstrap.h>
#include <stdio.h>
#include <stdlib.h>

#define SERVICE "baton"

/* A client's turn: it waits for the baton, or has it. */
struct turn {
    struct port_object object; /* while it has it: its port's send right is the baton */
    struct turn *next;         /* while it waits */
    mach_port_t reply;         /* the same: send-once, ours */
    uint32_t pid;
};

static void turn_ends(void *object);

static const struct port_class turn_class = {.name = "turn", .destroy = turn_ends};
static const struct port_class service_class = {.name = "baton service"};
static struct port_object service;
static struct turn *now;   /* who has it; NULL: nobody */
static struct turn *first; /* who waits */
static struct turn **last = &first;

/* It is t's turn: *baton is what the reply makes the client's right of. */
static kern_return_t begin(struct turn *t, mach_port_t *baton)
{
    if (ports_create(&t->object, &turn_class) != KERN_SUCCESS) {
        free(t);
        return unix_err(ENOMEM);
    }
    now = t;
    *baton = ports_offer(&t->object);
    ports_deref(t); /* from here on the client's right keeps it */
    return *baton == MACH_PORT_NULL ? unix_err(ENOMEM) : KERN_SUCCESS;
}

/* (port_class) Nobody has a right to the turn's port any more. */
static void turn_ends(void *object)
{
    free(object);
    now = NULL;
    while (now == NULL && first != NULL) {
        struct turn *t = first;
        mach_port_t reply = t->reply;
        mach_port_t baton = MACH_PORT_NULL;
        kern_return_t kr;

        first = t->next;
        if (first == NULL)
            last = &first;
        kr = begin(t, &baton);
        S_baton_take_reply(reply, kr, baton);
    }
}

kern_return_t S_baton_take(mach_port_t server, mach_port_t reply, mach_port_t *baton)
{
    struct turn *t = calloc(1, sizeof(*t));

    (void)server;
    if (t == NULL)
        return unix_err(ENOMEM);
    t->pid = credentials_pid(ports_sender());
    if (now == NULL)
        return begin(t, baton);
    t->reply = reply;
    *last = t;
    last = &t->next;
    return MIG_NO_REPLY;
}

kern_return_t S_baton_holder(mach_port_t server, uint32_t *pid)
{
    (void)server;
    *pid = now != NULL ? now->pid : 0;
    return KERN_SUCCESS;
}

int main(void)
{
    static const mig_demux_t demuxers[] = {baton_server, NULL};
    mach_port_t send;
    kern_return_t kr = ports_create(&service, &service_class);

    if (kr == KERN_SUCCESS) {
        send = ports_make_send(&service);
        kr = send == MACH_PORT_NULL ? KERN_RESOURCE_SHORTAGE
                                    : bootstrap_register(bootstrap_port, SERVICE, send);
    }
    if (kr != KERN_SUCCESS) {
        fprintf(stderr, "batond: %s\n", mach_error_string(kr));
        return 1;
    }
    mach_port_deallocate(mach_task_self(), send); /* the name server has one of its own */
    ports_serve(demuxers, baton_server_max_request > baton_server_max_reply ? baton_server_max_request
                                                                            : baton_server_max_reply);
}
