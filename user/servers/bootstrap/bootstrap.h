/*
 * bootstrap.h: what the parts of the bootstrap task share. Read bootstrap.defs first.
 *
 *   archive.c   files of the boot archive (ustar)
 *   load.c      an ELF program of the archive -> a task
 *   servers.c   the table of servers: start, watch, restart
 *   names.c     the name server: routines of bootstrap.defs
 *   main.c      start-up
 */
#ifndef BOOTSTRAP_H
#define BOOTSTRAP_H

#include <mach/mach_types.h>
#include <ports.h>
#include <server_types.h>
#include <stddef.h>

enum privilege {
    PRIV_DEVICE = 1,  /* the device master port */
    PRIV_DRIVER = 2,  /* may look up the device server */
    PRIV_HOST = 4,    /* the privileged host port */
    PRIV_ARCHIVE = 8, /* files of the boot archive */
    PRIV_MEMORY = 32, /* page-out depends on it: it stays in memory, and gets the last pages */
    PRIV_ONCE = 16,   /* no privilege: the program ends by itself */
    PRIV_BLOCKS = 64, /* may look up the disk server, which obeys whoever can ask */
};

struct service;

/* A server, or (one for all) the world without privileges. The port object is the
 * bootstrap port the task was started with. */
struct server {
    struct port_object object;
    struct server *next;
    const char *program;       /* in the archive */
    unsigned privileges;       /* enum privilege */
    task_t task;               /* MACH_PORT_NULL: not running */
    unsigned deaths;
};

/* A name that can be looked up. */
struct service {
    struct port_object object; /* object.port is used for notifications only, see names.c */
    struct service *next;
    char name[sizeof(service_name_t)];
    struct server *server;     /* who may check in; NULL: registered by somebody */
    mach_port_t receive;       /* the receive right while no server has it */
    mach_port_t waiting;       /* reply port of a check-in that came before the right was back */
    mach_port_t send;
    unsigned needs;            /* privilege to look it up, 0: anyone */
    boolean_t once;            /* the first look-up takes it away */
    boolean_t by_anyone;       /* registered by a task that is no server */
};

extern host_priv_t host_priv;
extern host_t host_port;    /* the one without privilege: what every task started here gets */
extern mach_port_t device_master;
extern struct server world; /* whose port tasks without a server's own get */
extern const struct port_class server_class;

/* archive.c: a file's bytes, or NULL. */
void archive_init(const char *start, size_t size);
const char *archive_find(const char *name, size_t *size);

/* load.c: a new task running `program`, with its name as argv[0]; *task gets a send right. pinned:
 * all its memory is wired, and will be.
 * KERN_INVALID_ARGUMENT: not a program for this machine. Nothing is left behind on failure. */
kern_return_t load_program(const char *program, mach_port_t bootstrap, boolean_t pinned, task_t *task);

/* servers.c */
void servers_read(void); /* etc/servers: makes servers and their services; exits on a bad line */
void servers_start(void);

/* names.c */
struct service *service_find(const char *name);
kern_return_t service_declare(const char *name, struct server *server, unsigned needs);

#endif
