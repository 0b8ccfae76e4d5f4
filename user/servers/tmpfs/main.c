/*
 * tmpfs: files in memory, on /tmp. Read docs/fs.md, and fs.h, the map of its core, before.
 *
 * What it may take of the memory is said by the boot argument tmpfs=SIZE, in KiB, or with an M behind in
 * MiB; else it is a quarter of what there is. When it dies its files are gone; the next one mounts itself
 * again.
 */
#include "server.h"

#include <mach/mach.h>
#include <mach/mach_host.h>
#include <ostia.h>
#include <stdio.h>
#include <stdlib.h>

#define MOUNTED_ON "/tmp"
#define PART       4 /* of the machine's memory, in pages */

struct fs *volume;

static void say(const char *what, uint32_t number)
{
    printf("tmpfs: %s %u\n", what, number);
}

/* Pages that files may have. */
static uint64_t limit(void)
{
    host_basic_info_data_t info;
    mach_msg_type_number_t count = HOST_BASIC_INFO_COUNT;
    char *text = boot_arg("tmpfs=");
    char *end;

    if (text != NULL) {
        uint64_t size = strtoul(text, &end, 10) << 10;

        return (*end == 'M' ? size << 10 : size) / PAGE_SIZE;
    }
    if (host_info(mach_host_self(), HOST_BASIC_INFO, (host_info_t)&info, &count) != KERN_SUCCESS)
        return 0;
    return info.memory_size / PAGE_SIZE / PART;
}

int main(void)
{
    static struct fs fs = {.say = say};

    if (volume_create(&fs, limit()) != 0 || !serve_begin("tmpfs", SERVICE_TMPFS, OSTIAFS_ROOT_INO, NULL))
        return 1;
    volume = &fs;
    serve_mount("tmpfs", OSTIAFS_ROOT_INO, MOUNTED_ON);
    serve(NULL, 0);
}
