/*
 * libpager: what small pagers have in common (user/lib/pager.c): how an object begins and ends, who is
 * believed, and the service under which objects are had. The pagers of user/examples/ are made with it.
 * Read mach/memory_object.defs before, and ports.h.
 *
 * An object is a port with something behind it. It lives as long as somebody holds a send right: a client
 * who may still map it, or the kernel, which holds one from memory_object_init to memory_object_terminate.
 * So when no senders are left nothing can be asked for any more.
 *
 * A pager defines S_pagers_create and S_pagers_tell (servers/pagers.defs), S_memory_object_data_request
 * and S_memory_object_data_return, and of the rest of the protocol what it cares about: the others are
 * in pager.c. One thread serves all.
 */
#ifndef _PAGER_H_
#define _PAGER_H_

#include <mach/mach.h>
#include <mach/mach_port.h>
#include <mach/memory_object_control.h>
#include <mach/memory_object_server.h>
#include <mach/vm_map.h>
#include <ports.h>
#include <servers/pagers_server.h>

#define PAGER_SIZE_MAX  (64UL << 20) /* bytes of an object: what an example is ready to keep */
#define PAGER_TEXT_SIZE 2048         /* pager_text_t */
#define PAGER_NO_REPLY  MACH_PORT_NULL, MACH_MSG_TYPE_MAKE_SEND_ONCE

/* Begins every pager's object. */
struct pager {
    struct port_object port;
    mach_port_t control; /* the kernel's port, a send right; MACH_PORT_NULL: nobody maps it */
    vm_size_t size;
};

/* The class of the program's objects, and how the kernel may copy them. */
extern const struct port_class pager_class;
extern const int pager_strategy;

/* Gives a new object its port, and a client the right to it. On failure the object is the caller's to
 * free. */
kern_return_t pager_make(struct pager *pager, vm_size_t size, mach_port_t *right);
/* The object of the port that a message came to, good as long as the message is served; NULL: the port is
 * no object's. */
void *pager_find(mach_port_t port);
/* What memory_object_terminate means to every pager: the rights to the control port are given up. */
kern_return_t pager_finish(struct pager *pager, mach_port_t control);
/* Registers the service under that name, and serves it and all objects. Returns only if it cannot: an
 * exit status, after a message. */
int pager_serve(char *name);

#endif
