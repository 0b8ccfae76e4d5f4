/*
 * The file server: names, files and directories as ports. Read server.h, its map, before.
 *
 * When nothing can be mounted it says why in one line and goes on serving errors: to die would
 * only have it started again.
 */
#include "server.h"

#include <cthreads.h>
#include <errno.h>
#include <mach/mach.h>
#include <servers/bootstrap.h>
#include <servers/fs.h>
#include <servers/fs_server.h>
#include <servers/io_server.h>
#include <stdio.h>
#include <time.h>

#define CACHE_BLOCKS 1024  /* 4 MiB of blocks in memory, at most */
#define SYNC_PERIOD  5000  /* ms between two write-backs of what has changed */

struct fs *volume;

static const struct port_class service_class = {.name = "file service"};
static struct port_object service;

/* The time of day, for fs.h. No message: libc reads it in a page of the kernel's. */
static void now(int64_t *seconds, uint32_t *nanoseconds)
{
    struct timespec time;

    clock_gettime(CLOCK_REALTIME, &time);
    *seconds = time.tv_sec;
    *nanoseconds = (uint32_t)time.tv_nsec;
}

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
        err = volume_mount(dev, CACHE_BLOCKS, now, say, &volume, &why);
    if (err != 0) {
        volume = NULL;
        printf("file: cannot mount the root file system: %s\n", why);
    }
}

int main(void)
{
    static const mig_demux_t demuxers[] = {io_server, fs_server, pager_server, NULL};
    static mach_port_t to_self;
    mach_msg_size_t largest = io_server_max_request;
    mach_port_t receive;
    kern_return_t kr;

    mount_disk();
    kr = bootstrap_check_in(bootstrap_port, SERVICE_FILE, &receive);
    if (kr == KERN_SUCCESS)
        kr = ports_adopt(&service, &service_class, receive);
    if (kr != KERN_SUCCESS) {
        printf("file: cannot start: %s\n", mach_error_string(kr));
        return 1;
    }
    to_self = ports_make_send(&service);
    if (volume != NULL && !volume->readonly && to_self != MACH_PORT_NULL &&
        mach_thread_create(update, &to_self, NULL) != KERN_SUCCESS)
        printf("file: no thread to write back: changes reach the disk with sync only\n");
    if (largest < io_server_max_reply)
        largest = io_server_max_reply;
    if (largest < fs_server_max_reply)
        largest = fs_server_max_reply;
    ports_serve(demuxers, largest);
}
