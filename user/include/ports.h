/*
 * libports: a server's objects by port name.
 *
 * An object begins with struct port_object. Its receive right is in the server's port set, its
 * class says what it is, its references keep it. The right's no-senders notification drops the
 * reference that the senders hold; the last reference calls the class's `destroy` and destroys the
 * receive right. Not thread-safe yet: one service thread a process.
 */
#ifndef _PORTS_H_
#define _PORTS_H_

#include <mach/mach.h>

struct port_class {
    const char *name;
    /* No references are left; free what the object owns (and itself). */
    void (*destroy)(void *object);
    /* May be NULL. The last sender went: called before its reference is dropped. */
    void (*no_senders)(void *object);
    /* May be NULL. Notifications asked for with a send-once right made from the object's port: a
     * name died (the class owns the extra user reference), a receive right came back (the class
     * owns it). */
    void (*dead_name)(void *object, mach_port_name_t name);
    void (*port_destroyed)(void *object, mach_port_t receive_right);
    /* Its objects come and go often: a port is kept for the next. Not for a class that makes
     * send-once rights of them: the next object would get what was sent to the last. */
    boolean_t short_lived;
};

struct port_object {
    mach_port_t port;        /* receive right */
    const struct port_class *class;
    uint32_t refs;
    boolean_t has_senders;   /* a no-senders request is out */
    mach_port_mscount_t mscount; /* sends made so far, those offered included */
};

/* The server's port set: all objects' ports are in it. Made at the first use. */
mach_port_t ports_set(void);
/* Gives object a new port (or an existing receive right: ports_adopt), one reference for the
 * caller. KERN_RESOURCE_SHORTAGE. */
kern_return_t ports_create(struct port_object *object, const struct port_class *class);
kern_return_t ports_adopt(struct port_object *object, const struct port_class *class,
                          mach_port_t receive_right);
/* A new send right to hand out (disposition MOVE_SEND), with no-senders requested. MACH_PORT_NULL:
 * out of resources. */
mach_port_t ports_make_send(struct port_object *object);
/* The same, for a reply that makes the right itself (disposition MAKE_SEND): one call of the kernel
 * less. What is offered must be made: if not by the reply, then by ports_withdraw or (when a reply
 * cannot be sent) by mach_msg_destroy. */
mach_port_t ports_offer(struct port_object *object);
void ports_withdraw(struct port_object *object);
/* The object a request came to, if it is of class (NULL: any), with a reference; else NULL. */
void *ports_lookup(mach_port_t port, const struct port_class *class);
/* The same without a reference: for a routine that does nothing which could drop one. */
void *ports_find(mach_port_t port, const struct port_class *class);
void ports_ref(void *object);
void ports_deref(void *object);
/* Who sent the request that is being served (credentials.h); in a routine that ports_serve calls. */
security_token_t ports_sender(void);
/* Serves a request that was kept, with its trailer and the right to its answer, as if it had just come,
 * and answers it. `out` has room for the largest reply. Only from what ports_serve calls, which has no
 * use for its own request's sender any more. */
void ports_again(mach_msg_header_t *in, mach_msg_header_t *out);
/* Demultiplexes notifications to the objects' ports: TRUE for those this library or the object's
 * class handles, and for a forged one (the trailer's token tells), which is dropped. FALSE for the
 * kernel's others, which a demultiplexer of the server's own may take and believe. The message
 * must have been received with MACH_RCV_TRAILER_SENDER. */
boolean_t ports_notify_server(mach_msg_header_t *in, mach_msg_header_t *out);
/* Serves until the end of the world: receives on ports_set(), tries ports_notify_server and then
 * each of the demultiplexers (NULL-terminated) until one says TRUE; replies. max_size: of any
 * request or reply. */
void ports_serve(const mig_demux_t *demuxers, mach_msg_size_t max_size) __attribute__((noreturn));

#endif
