/*
 * The first task. Starts the servers from the boot archive, and is the name server from then on.
 * (What runs when they are up is the startup program's affair: user/servers/startup.)
 *
 * The kernel gives it the privileged host port as its TASK_HOST_PORT, and the boot archive in its
 * memory, at the place the environment variable `archive` says ("0xADDRESS,0xSIZE").
 */
#include "bootstrap.h"

#include <mach/host_priv.h>
#include <mach/task.h>
#include <mach/traps.h>
#include <servers/bootstrap_server.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGE_MAX 4096 /* no request or reply of bootstrap.defs is larger */

host_priv_t host_priv;
host_t host_port;
mach_port_t device_master;
struct server world = {.program = "world"};

static void fatal(const char *what, kern_return_t kr)
{
    printf("bootstrap: %s: error %d; the system cannot start\n", what, kr);
    exit(1);
}

int main(void)
{
    static const mig_demux_t demuxers[] = {bootstrap_server, NULL};
    const char *archive = getenv("archive");
    char *comma;
    kern_return_t kr;

    kr = task_get_special_port(mach_task_self(), TASK_HOST_PORT, &host_priv);
    if (kr == KERN_SUCCESS)
        kr = host_get_special_port(host_priv, HOST_PORT, &host_port);
    if (kr == KERN_SUCCESS)
        kr = host_get_special_port(host_priv, HOST_DEVICE_PORT, &device_master);
    if (kr != KERN_SUCCESS)
        fatal("the kernel gave no privileged host port", kr);
    if (archive == NULL || (comma = strchr(archive, ',')) == NULL)
        fatal("the kernel gave no boot archive", KERN_FAILURE);
    archive_init((const char *)strtoul(archive, NULL, 0), strtoul(comma + 1, NULL, 0));

    kr = ports_create(&world.object, &server_class);
    if (kr != KERN_SUCCESS)
        fatal("no port", kr);
    servers_read();
    servers_start();
    ports_serve(demuxers, MESSAGE_MAX);
}
