/*
 * The servers: read from etc/servers, started in order, started again when they die.
 *
 * A server that dies young again and again is given up, so that a broken one does not eat the
 * machine.
 */
#include "bootstrap.h"

#include <mach/mach_port.h>
#include <mach/notify_ids.h>
#include <mach/traps.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEATHS_MAX 1000 /* restarts of one server */

static struct server *servers;

static void server_died(void *object, mach_port_name_t name);

const struct port_class server_class = {
    .name = "bootstrap port",
    .dead_name = server_died,
};

static void bad_line(const char *line, const char *why)
{
    printf("bootstrap: etc/servers: \"%s\": %s\n", line, why);
    exit(1);
}

/* Takes the next word from *at, up to one of `ends`; NULL if there is none. */
static char *word(char **at, const char *ends)
{
    char *start = *at + strspn(*at, ends);
    char *end = start + strcspn(start, ends);

    if (*start == '\0')
        return NULL;
    *at = *end == '\0' ? end : end + 1;
    *end = '\0';
    return start;
}

static unsigned privilege_named(const char *name)
{
    static const struct {
        const char *name;
        unsigned bit;
    } table[] = {
        {"device", PRIV_DEVICE}, {"driver", PRIV_DRIVER}, {"host", PRIV_HOST},
        {"archive", PRIV_ARCHIVE}, {"memory", PRIV_MEMORY}, {"once", PRIV_ONCE},
        {"blocks", PRIV_BLOCKS}, {"-", 0},
    };

    for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (strcmp(name, table[i].name) == 0)
            return table[i].bit;
    bad_line(name, "is no privilege; they are device, driver, host, archive, memory, blocks, once");
    return 0;
}

/* A service as a line has it: its name, and behind a colon the privilege that looking it up needs. */
static void declare(char *text, struct server *server)
{
    const char *name = word(&text, ":"), *privilege = word(&text, ":");

    if (name == NULL)
        bad_line(server->program, "has a service without a name");
    if (strcmp(name, "-") != 0
        && service_declare(name, server, privilege != NULL ? privilege_named(privilege) : 0) != KERN_SUCCESS)
        bad_line(name, "cannot be declared: a name twice, or no memory");
}

static void read_line(char *line)
{
    char *at = line, *program = word(&at, " \t"), *services = word(&at, " \t"),
         *privileges = word(&at, " \t"), *name;
    struct server *server, **link;

    if (program == NULL || program[0] == '#')
        return;
    if (services == NULL || privileges == NULL)
        bad_line(program, "needs a list of services and one of privileges, or -");
    server = calloc(1, sizeof(*server));
    if (server == NULL || ports_create(&server->object, &server_class) != KERN_SUCCESS)
        bad_line(program, "no memory");
    server->program = program;
    while ((name = word(&privileges, ",")) != NULL)
        server->privileges |= privilege_named(name);
    while ((name = word(&services, ",")) != NULL)
        declare(name, server);
    for (link = &servers; *link != NULL; link = &(*link)->next)
        ;
    *link = server;
}

void servers_read(void)
{
    size_t size;
    const char *text = archive_find("etc/servers", &size);
    char *copy, *at, *line;

    if (text == NULL)
        bad_line("", "is not in the boot archive; make boot.tar");
    copy = malloc(size + 1); /* kept: names point into it */
    if (copy == NULL)
        bad_line("", "no memory");
    memcpy(copy, text, size);
    copy[size] = '\0';
    at = copy;
    while ((line = word(&at, "\n")) != NULL)
        read_line(line);
}

static kern_return_t server_start(struct server *server)
{
    mach_port_t bootstrap = ports_make_send(&server->object), previous;
    kern_return_t kr;

    if (bootstrap == MACH_PORT_NULL)
        return KERN_RESOURCE_SHORTAGE;
    kr = load_program(server->program, bootstrap, (server->privileges & PRIV_MEMORY) != 0,
                      &server->task);
    mach_port_deallocate(mach_task_self(), bootstrap);
    if (kr != KERN_SUCCESS) {
        server->task = MACH_PORT_NULL;
        return kr;
    }
    kr = mach_port_request_notification(mach_task_self(), server->task, MACH_NOTIFY_DEAD_NAME, 0,
                                        server->object.port, MACH_MSG_TYPE_MAKE_SEND_ONCE,
                                        &previous);
    if (kr != KERN_SUCCESS) {
        /* It died already (or we are out of memory, which would leave it unwatched). */
        mach_port_deallocate(mach_task_self(), server->task);
        server->task = MACH_PORT_NULL;
    }
    return kr;
}

static void start_or_say(struct server *server)
{
    kern_return_t kr = server_start(server);

    if (kr != KERN_SUCCESS)
        printf("bootstrap: cannot start %s: error %d\n", server->program, kr);
}

void servers_start(void)
{
    for (struct server *server = servers; server != NULL; server = server->next)
        start_or_say(server);
}

/* The task of a server is a dead name now; the notification added a user reference to ours. */
static void server_died(void *object, mach_port_name_t name)
{
    struct server *server = object;

    mach_port_deallocate(mach_task_self(), name);
    mach_port_deallocate(mach_task_self(), name);
    if (name != server->task)
        return;
    server->task = MACH_PORT_NULL;
    if (server->privileges & PRIV_ONCE)
        return;
    if (++server->deaths >= DEATHS_MAX) {
        printf("bootstrap: %s died %u times; giving up\n", server->program, server->deaths);
    } else {
        printf("bootstrap: %s died; starting it again\n", server->program);
        start_or_say(server);
    }
}
