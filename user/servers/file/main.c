/*
 * The file server: names, files and directories as ports. Read fs.h, the map of its core, and server.h of
 * user/lib/fileserver, the map of what is around that, before.
 *
 * When nothing can be mounted it says why in one line and goes on serving errors: to die would
 * only have it started again.
 */
#include "diskdev.h"
#include "server.h"

#include <cthreads.h>
#include <mach/mach.h>
#include <servers/disk_server.h>
#include <servers/fs.h>
#include <stdio.h>

#define CACHE_BLOCKS 1024  /* 4 MiB of blocks in memory, at most */
#define SYNC_PERIOD  5000  /* ms between two write-backs of what has changed */

struct fs *volume;

static void say(const char *what, uint32_t number)
{
    if (number != 0)
        printf("file: %s %u\n", what, number);
    else
        printf("file: %s\n", what);
}

/* A thread that has what changed written back now and then. It asks like any client, so that the
 * core has one thread. */
static void *update(void *arg)
{
    mach_port_t port = *(mach_port_t *)arg;

    mig_get_reply_port(); /* made now, not in five seconds: who counts the system's ports sees it */
    for (;;) {
        thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, SYNC_PERIOD);
        (void)fs_sync(port);
    }
    return NULL;
}

static void mount_disk(void)
{
    const char *why;
    struct bdev *dev;
    int err = diskdev_open(&dev, &why);

    if (err == 0)
        err = volume_mount(dev, CACHE_BLOCKS, clock_now, say, &volume, &why);
    if (err != 0) {
        volume = NULL;
        printf("file: cannot mount the root file system: %s\n", why);
    }
}

int main(void)
{
    static mach_port_t to_self;

    mount_disk();
    if (!serve_begin("file", SERVICE_FILE, OSTIAFS_ROOT_INO, &to_self))
        return 1;
    if (volume != NULL && !volume->readonly && to_self != MACH_PORT_NULL &&
        mach_thread_create(update, &to_self, NULL) != KERN_SUCCESS)
        printf("file: no thread to write back: changes reach the disk with sync only\n");
    if (volume != NULL)
        diskread_start();
    serve(diskread_server, disk_server_max_reply);
}
