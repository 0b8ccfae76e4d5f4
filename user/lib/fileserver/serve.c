/* serve.c: how a file server begins, and its loop. Read ports.h before. */
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <mach/error.h>
#include <mach/mach.h>
#include <mach/mach_port.h>
#include <servers/bootstrap.h>
#include <servers/fs.h>
#include <servers/fs_server.h>
#include <servers/io_server.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOUNT_TRIES 100
#define MOUNT_PAUSE 10 /* ms between two */

struct service {
    struct port_object object;
    uint32_t root;
};

static const struct port_class service_class = {.name = "file service"};

bool serve_begin(const char *server, const char *service, uint32_t root, mach_port_t *to_self)
{
    struct service *s = malloc(sizeof *s); /* for ever */
    mach_port_t receive;
    kern_return_t kr = s == NULL ? KERN_RESOURCE_SHORTAGE
                                 : bootstrap_check_in(bootstrap_port, service, &receive);

    if (kr == KERN_SUCCESS) {
        s->root = root;
        kr = ports_adopt(&s->object, &service_class, receive);
    }
    if (kr != KERN_SUCCESS)
        printf("%s: cannot start: %s\n", server, mach_error_string(kr));
    else if (to_self != NULL)
        *to_self = ports_make_send(&s->object);
    return kr == KERN_SUCCESS;
}

uint32_t serve_root(mach_port_t port)
{
    struct service *s = ports_lookup(port, &service_class);
    uint32_t root = s != NULL ? s->root : OSTIAFS_ROOT_INO;
    struct open_file *f = s == NULL ? open_get(port) : NULL;

    if (f != NULL)
        root = inode_root(f->ip);
    if (s != NULL)
        ports_deref(s);
    if (f != NULL)
        ports_deref(f);
    return root;
}

/* The root, for the directory's parent: a send right. MACH_PORT_NULL with *err. */
static mach_port_t root_below(uint32_t ino, mach_port_t parent, int *err)
{
    struct above *above = above_new(parent);
    mach_port_t root;

    *err = above == NULL ? ENOMEM : open_root(ino, O_PATH, above, &root);
    above_put(above);
    /* What open_root offers is made here, and not by a reply. */
    if (*err == 0 &&
        mach_port_insert_right(mach_task_self(), root, root, MACH_MSG_TYPE_MAKE_SEND) != KERN_SUCCESS)
        *err = ENOMEM;
    return *err == 0 ? root : MACH_PORT_NULL;
}

/* The file server that was told of the last one's death will know soon. */
static kern_return_t mount_patiently(mach_port_t dir, const char *path, mach_port_t root, const char *what)
{
    kern_return_t kr;
    int tries = 0;

    do {
        if (tries > 0)
            thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, MOUNT_PAUSE);
        kr = fs_mount(dir, path, root, what);
    } while ((kr == unix_err(FS_EREMOTE) || kr == unix_err(EBUSY)) && ++tries < MOUNT_TRIES);
    return kr;
}

bool serve_mount(const char *server, uint32_t ino, const char *directory)
{
    path_t up;
    mach_port_t file, top, parent, root = MACH_PORT_NULL;
    mach_msg_type_name_t how;
    uint32_t on = 0;
    kern_return_t kr = bootstrap_look_up(bootstrap_port, SERVICE_FILE, &file);
    int err;

    if (kr == KERN_SUCCESS)
        kr = fs_root(file, &top);
    if (kr != KERN_SUCCESS)
        return false; /* nothing is mounted: a machine without a disk */
    snprintf(up, sizeof up, "%s/..", directory);
    kr = fs_open(top, up, O_PATH | O_DIRECTORY, 0, &parent, &how, &on);
    if (kr == KERN_SUCCESS && on != 0) { /* the last one is still mounted there: its own "..", gone soon */
        mach_port_deallocate(mach_task_self(), parent);
        kr = unix_err(FS_EREMOTE);
    }
    if (kr == KERN_SUCCESS) {
        root = root_below(ino, parent, &err);
        kr = reply_code(err);
    }
    if (kr == KERN_SUCCESS) {
        kr = mount_patiently(top, directory, root, server);
        mach_port_deallocate(mach_task_self(), root);
    }
    mach_port_deallocate(mach_task_self(), top);
    mach_port_deallocate(mach_task_self(), file);
    if (kr != KERN_SUCCESS)
        printf("%s: cannot be mounted on %s: %s\n", server, directory,
               is_unix_err(kr) ? strerror(err_get_code(kr)) : mach_error_string(kr));
    return kr == KERN_SUCCESS;
}

/* io.defs and fs.defs. */
static boolean_t clients_server(mach_msg_header_t *in, mach_msg_header_t *out)
{
    aside_begin(in);
    return in->msgh_id >= fs_subsystem_base ? fs_server(in, out) : io_server(in, out);
}

void serve(mig_demux_t more, mach_msg_size_t largest)
{
    const mig_demux_t demuxers[] = {clients_server, pager_server, more, NULL};

    if (largest < io_server_max_request)
        largest = io_server_max_request;
    if (largest < io_server_max_reply)
        largest = io_server_max_reply;
    if (largest < fs_server_max_request)
        largest = fs_server_max_request;
    if (largest < fs_server_max_reply)
        largest = fs_server_max_reply;
    ports_serve(demuxers, largest);
}
