/*
 * dev.c: the tree /dev. Read devproc.h before.
 *
 * A device is a name for a service: who opens /dev/tty gets the serial server's own port, and nobody is
 * between them from then on. There are the devices of the table; and one for each service named dev/NAME that
 * a driver registers with the name server, for as long as it lives. The memory devices (null, zero, full) are
 * so small that they are served here: whoever opens one gets the same open file, which costs nothing.
 *
 * /dev/char and /dev/block lead from a device's numbers to its name: there clients are sent who open a device
 * node somewhere else.
 *
 * Mode and owner can be changed, and last as long as this server does.
 */
#include "devproc.h"

#include <errno.h>
#include <fcntl.h>
#include <mach/mach_port.h>
#include <server_types.h>
#include <servers/bootstrap.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX     "dev/" /* of the services that become devices */
#define CHARACTER  OSTIAFS_S_IFCHR
#define BLOCK      OSTIAFS_S_IFBLK

/* Majors and minors are those Linux's users know [Linux admin-guide/devices.txt]. */
#define MAJOR_MEM   1
#define MINOR_NULL  3
#define MINOR_ZERO  5
#define MINOR_FULL  7
#define MAJOR_TTY   5
#define MAJOR_DISK  8
#define MAJOR_LOCAL 240 /* "for local use" there: the drivers' that register */

struct device {
    const char *name;
    const char *service;    /* NULL: served here */
    bool registered;        /* by a driver: it may go */
    uint16_t mode;
    uint32_t uid, gid, major, minor;
    mach_port_t port;       /* of a declared service, which never dies, once it was asked for */
    struct open_file *open; /* of a memory device, once it was opened */
};

static struct device table[] = {
    {"console", SERVICE_TTY, .mode = CHARACTER | 0620, .major = MAJOR_TTY, .minor = 1},
    {"disk0", SERVICE_DISK, .mode = BLOCK | 0600, .major = MAJOR_DISK},
    {"full", NULL, .mode = CHARACTER | 0666, .major = MAJOR_MEM, .minor = MINOR_FULL},
    {"null", NULL, .mode = CHARACTER | 0666, .major = MAJOR_MEM, .minor = MINOR_NULL},
    {"tty", SERVICE_TTY, .mode = CHARACTER | 0666, .major = MAJOR_TTY},
    {"zero", NULL, .mode = CHARACTER | 0666, .major = MAJOR_MEM, .minor = MINOR_ZERO},
};
#define TABLE (sizeof table / sizeof table[0])

static struct device **devices; /* the table's, then those that were ever registered: an index stays */
static size_t device_count;
static int64_t begun;           /* seconds: what the times say until they are set */

/* ---- numbers ---- */

enum { KIND_DIRECTORY, KIND_DEVICE, KIND_LINK };
#define KIND_SHIFT 24
#define INDEX      ((1U << KIND_SHIFT) - 1)
#define NUMBER(kind, index) (DEV_TREE | (uint32_t)(kind) << KIND_SHIFT | (uint32_t)(index))
#define CHAR_DIRECTORY  NUMBER(KIND_DIRECTORY, 2) /* DEV_ROOT has 1 */
#define BLOCK_DIRECTORY NUMBER(KIND_DIRECTORY, 3)
#define DIRECTORIES 2

static unsigned kind_of(uint32_t ino)
{
    return (ino & ~DEV_TREE) >> KIND_SHIFT;
}

static struct device *device_of(uint32_t ino)
{
    return devices[ino & INDEX];
}

/* ---- devices ---- */

static bool add(struct device *device)
{
    struct device **more = realloc(devices, (device_count + 1) * sizeof *more);

    if (more == NULL)
        return false;
    devices = more;
    devices[device_count++] = device;
    return true;
}

/* The port of its service; MACH_PORT_NULL: there is none now. Of a registered one the right is the
 * caller's. */
static mach_port_t service_port(struct device *d)
{
    service_name_t name;
    mach_port_t port = d->port;

    snprintf(name, sizeof name, "%s%s", d->registered ? PREFIX : "", d->registered ? d->name : d->service);
    if (port == MACH_PORT_NULL && bootstrap_look_up(bootstrap_port, name, &port) != KERN_SUCCESS)
        return MACH_PORT_NULL;
    if (!d->registered)
        d->port = port;
    return port;
}

static bool is_there(struct device *d)
{
    mach_port_t port = d->service != NULL || d->registered ? service_port(d) : MACH_PORT_NULL;

    if (d->registered && port != MACH_PORT_NULL)
        mach_port_deallocate(mach_task_self(), port);
    return (d->service == NULL && !d->registered) || port != MACH_PORT_NULL;
}

/* The place of a device; device_count: there is none of that name. */
static size_t find(const char *name, size_t len)
{
    size_t i = 0;

    while (i < device_count && !(strlen(devices[i]->name) == len && memcmp(devices[i]->name, name, len) == 0))
        i++;
    return i;
}

/* A device for a service that is registered as dev/name. */
static int add_registered(const char *name, size_t len)
{
    struct device *d = malloc(sizeof *d);
    char *copy = strndup(name, len);

    if (d != NULL && copy != NULL) {
        *d = (struct device){.name = copy, .registered = true, .mode = CHARACTER | 0600,
                             .major = MAJOR_LOCAL, .minor = (uint32_t)(device_count - TABLE)};
        if (is_there(d) && add(d))
            return 0;
    }
    free(copy);
    free(d);
    return ENOENT;
}

/* Learns of all that are registered now. */
static void add_all_registered(void)
{
    service_name_t name = PREFIX, next;

    while (bootstrap_next(bootstrap_port, name, next) == KERN_SUCCESS &&
           strncmp(next, PREFIX, strlen(PREFIX)) == 0) {
        const char *rest = next + strlen(PREFIX);

        if (strchr(rest, '/') == NULL && find(rest, strlen(rest)) == device_count)
            (void)add_registered(rest, strlen(rest));
        memcpy(name, next, sizeof name);
    }
}

bool dev_begin(void)
{
    uint32_t nanoseconds;

    clock_now(&begun, &nanoseconds);
    for (size_t i = 0; i < TABLE; i++)
        if (!add(&table[i]))
            return false;
    return true;
}

/* ---- the tree ---- */

int dev_attributes(uint32_t ino, struct ostiafs_inode *d)
{
    d->atime = d->mtime = d->ctime = begun;
    switch (kind_of(ino)) {
    case KIND_DIRECTORY:
        d->mode = OSTIAFS_S_IFDIR | 0755;
        d->nlink = ino == DEV_ROOT ? 2 + DIRECTORIES : 2;
        return 0;
    case KIND_LINK:
        d->mode = OSTIAFS_S_IFLNK | 0777;
        return 0;
    }
    d->mode = device_of(ino)->mode;
    d->uid = device_of(ino)->uid;
    d->gid = device_of(ino)->gid;
    d->rdev_major = device_of(ino)->major;
    d->rdev_minor = device_of(ino)->minor;
    return 0;
}

int dev_change(uint32_t ino, const struct ostiafs_inode *d)
{
    if (kind_of(ino) != KIND_DEVICE)
        return EPERM;
    device_of(ino)->mode = d->mode;
    device_of(ino)->uid = d->uid;
    device_of(ino)->gid = d->gid;
    return 0;
}

static uint16_t type_in(uint32_t directory)
{
    return directory == CHAR_DIRECTORY ? CHARACTER : BLOCK;
}

/* "1:3" in /dev/char. ENXIO, as of a node whose device does not exist. */
static int lookup_numbers(uint32_t directory, const char *name, size_t len, uint32_t *ino)
{
    char numbers[2 * 12];

    add_all_registered();
    for (size_t i = 0; i < device_count; i++) {
        const struct device *d = devices[i];
        size_t length = (size_t)snprintf(numbers, sizeof numbers, "%u:%u", d->major, d->minor);

        if ((d->mode & OSTIAFS_S_IFMT) == type_in(directory) && length == len &&
            memcmp(numbers, name, len) == 0) {
            *ino = NUMBER(KIND_LINK, i);
            return 0;
        }
    }
    return memchr(name, ':', len) != NULL ? ENXIO : ENOENT;
}

int dev_lookup(uint32_t directory, const char *name, size_t len, uint32_t *ino)
{
    size_t i;

    *ino = DEV_ROOT;
    if (len == 2 && memcmp(name, "..", len) == 0)
        return 0;
    if (directory != DEV_ROOT)
        return lookup_numbers(directory, name, len, ino);
    *ino = CHAR_DIRECTORY;
    if (len == 4 && memcmp(name, "char", len) == 0)
        return 0;
    *ino = BLOCK_DIRECTORY;
    if (len == 5 && memcmp(name, "block", len) == 0)
        return 0;
    i = find(name, len);
    *ino = NUMBER(KIND_DEVICE, i);
    if (i < device_count)
        return is_there(devices[i]) ? 0 : ENOENT;
    return len < sizeof(service_name_t) - sizeof PREFIX ? add_registered(name, len) : ENOENT;
}

int dev_names(uint32_t directory, uint64_t from, made_each_t each, void *arg)
{
    bool root = directory == DEV_ROOT;
    char numbers[2 * 12];

    add_all_registered();
    if (root && from < 1 && !each(arg, "block", BLOCK_DIRECTORY, OSTIAFS_S_IFDIR >> 12, 1))
        return 0;
    if (root && from < 2 && !each(arg, "char", CHAR_DIRECTORY, OSTIAFS_S_IFDIR >> 12, 2))
        return 0;
    for (uint64_t i = from > DIRECTORIES ? from - DIRECTORIES : 0; i < device_count; i++) {
        struct device *d = devices[i];

        if (!is_there(d) || (!root && (d->mode & OSTIAFS_S_IFMT) != type_in(directory)))
            continue;
        snprintf(numbers, sizeof numbers, "%u:%u", d->major, d->minor);
        if (!each(arg, root ? d->name : numbers, NUMBER(root ? KIND_DEVICE : KIND_LINK, i),
                  (uint8_t)((root ? d->mode : OSTIAFS_S_IFLNK) >> 12), i + DIRECTORIES + 1))
            break;
    }
    return 0;
}

int dev_text(uint32_t ino, FILE *out)
{
    fprintf(out, "../%s", device_of(ino)->name);
    return 0;
}

/* ---- open devices ---- */

int made_open(struct inode *ip, mach_port_t *port, mach_msg_type_name_t *how)
{
    struct device *d = device_of(ip->ino);

    if (d->service == NULL && !d->registered) {
        *how = MACH_MSG_TYPE_MAKE_SEND;
        return open_kept(&d->open, ip, O_RDWR, port);
    }
    *port = service_port(d);
    *how = d->registered ? MACH_MSG_TYPE_MOVE_SEND : MACH_MSG_TYPE_COPY_SEND;
    return *port == MACH_PORT_NULL ? ENXIO : 0;
}

int made_read(const struct inode *ip, void *data, size_t *len)
{
    if (ip->d->rdev_minor == MINOR_NULL)
        *len = 0;
    memset(data, 0, *len);
    return 0;
}

int made_write(const struct inode *ip, const void *data, size_t *len)
{
    return ip->d->rdev_minor == MINOR_FULL ? ENOSPC : 0;
}
