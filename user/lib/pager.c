/*
 * libpager: small pagers. The contracts are in pager.h, which should be read before.
 */
#include <pager.h>
#include <servers/bootstrap.h>
#include <stdio.h>

kern_return_t pager_make(struct pager *pager, vm_size_t size, mach_port_t *right)
{
    kern_return_t kr = ports_create(&pager->port, &pager_class);

    if (kr != KERN_SUCCESS)
        return kr;
    pager->control = MACH_PORT_NULL;
    pager->size = size;
    *right = ports_make_send(&pager->port);
    if (*right == MACH_PORT_NULL) { /* and no message can come any more */
        mach_port_mod_refs(mach_task_self(), pager->port.port, MACH_PORT_RIGHT_RECEIVE, -1);
        return KERN_RESOURCE_SHORTAGE;
    }
    ports_deref(pager); /* the senders' reference keeps it */
    return KERN_SUCCESS;
}

void *pager_find(mach_port_t port)
{
    void *object = ports_lookup(port, &pager_class);

    if (object != NULL)
        ports_deref(object); /* only another message, that no senders are left, takes the last one */
    return object;
}

kern_return_t pager_finish(struct pager *pager, mach_port_t control)
{
    if (control != MACH_PORT_NULL && control != MACH_PORT_DEAD) /* init's, once more, if it is not dead */
        mach_port_deallocate(mach_task_self(), control);
    if (pager->control != MACH_PORT_NULL)
        mach_port_deallocate(mach_task_self(), pager->control);
    pager->control = MACH_PORT_NULL;
    return KERN_SUCCESS;
}

/* ---- what a pager need not care about (pager_replies.c has more): it may have a routine of its own ---- */

#define WEAK kern_return_t __attribute__((weak))

WEAK S_memory_object_init(mach_port_t object, mach_port_t control, vm_size_t page_size)
{
    struct pager *pager = pager_find(object);

    if (pager == NULL)
        return KERN_INVALID_ARGUMENT;
    pager->control = control;
    memory_object_ready(control, FALSE, pager_strategy);
    return KERN_SUCCESS;
}

WEAK S_memory_object_terminate(mach_port_t object, mach_port_t control)
{
    struct pager *pager = pager_find(object);

    return pager == NULL ? KERN_INVALID_ARGUMENT : pager_finish(pager, control);
}

/* ---- the service ---- */

/* Who may map an object can send to its port, too: the protocol is believed from the kernel only. */
static boolean_t kernel_only(mach_msg_header_t *in, mach_msg_header_t *out)
{
    if (in->msgh_id < memory_object_subsystem_base || in->msgh_id >= memory_object_subsystem_end)
        return FALSE;
    if (mach_msg_from_kernel(in))
        return memory_object_server(in, out);
    mig_server_error(in, out, KERN_NO_ACCESS);
    mig_no_reply(in, out); /* nor does a reply right that came with it stay here */
    return TRUE;
}

int pager_serve(char *name)
{
    static const mig_demux_t demuxers[] = {kernel_only, pagers_server, NULL};
    static const struct port_class class = {.name = "pagers"};
    static struct port_object service;
    mach_port_t right = MACH_PORT_NULL;
    kern_return_t kr = ports_create(&service, &class);

    if (kr == KERN_SUCCESS)
        right = ports_make_send(&service);
    if (kr == KERN_SUCCESS)
        kr = right == MACH_PORT_NULL ? KERN_RESOURCE_SHORTAGE
                                     : bootstrap_register(bootstrap_port, name, right);
    if (kr != KERN_SUCCESS) {
        fprintf(stderr, "%s: %s\n", name, mach_error_string(kr));
        return 1;
    }
    mach_port_deallocate(mach_task_self(), right); /* the name server has one of its own */
    ports_serve(demuxers, pagers_server_max_reply);
}
