/*
 * open.c: open file descriptions. Read server.h and ports.h before.
 *
 * A client that opens a file gets a send right to a port made for that; the port is the
 * description, with the offset. A fork copies the right, and so both processes share the offset,
 * as POSIX wants it. The no-senders notification is the close.
 */
#include "server.h"

#include <errno.h>
#include <stdlib.h>

/* The memory of the last that was closed, for the next that is opened. */
static struct open_file *spare;

static void destroy(void *object)
{
    struct open_file *f = object;

    inode_put(f->ip);
    above_put(f->above);
    if (spare == NULL)
        spare = f;
    else
        free(f);
}

static const struct port_class open_class = {.name = "open file", .destroy = destroy, .short_lived = TRUE};

/* One with a port, and a reference; what it is of is the caller's to fill in. NULL: no memory. */
static struct open_file *create(uint32_t flags)
{
    struct open_file *f = spare != NULL ? spare : malloc(sizeof *f);

    spare = NULL;
    if (f != NULL)
        *f = (struct open_file){.flags = flags};
    if (f == NULL || ports_create(&f->object, &open_class) == KERN_SUCCESS)
        return f;
    free(f);
    return NULL;
}

int open_new(struct inode *ip, uint32_t flags, struct above *above, mach_port_t *port)
{
    struct open_file *f = create(flags);

    if (f == NULL) {
        inode_put(ip);
        return ENOMEM;
    }
    f->ip = ip;
    f->above = above_ref(above);
    *port = ports_offer(&f->object);
    ports_deref(f); /* the senders have it; without them, this is the end of it */
    return *port == MACH_PORT_NULL ? ENOMEM : 0;
}

int open_kept(struct open_file **kept, struct inode *ip, uint32_t flags, mach_port_t *port)
{
    if (*kept == NULL) {
        *kept = create(flags);
        if (*kept == NULL)
            return ENOMEM;
        (*kept)->ip = inode_ref(ip);
    }
    *port = ports_offer(&(*kept)->object);
    return *port == MACH_PORT_NULL ? ENOMEM : 0;
}

struct open_file *open_find(mach_port_t port)
{
    return ports_find(port, &open_class);
}

struct open_file *open_get(mach_port_t port)
{
    return ports_lookup(port, &open_class);
}
