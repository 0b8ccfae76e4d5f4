/*
 * proc.c: processes and the system's figures as files: the tree /proc. Read devproc.h before.
 *
 * It keeps nothing: who looks has the proc server or the kernel asked. A file's number is the process's, and
 * behind it its place in the table below; process 0 stands for the system.
 *
 * What is in a process is for those whom the proc server would give its task: it decides, when the text is
 * made, for whoever reads it then. The permissions say the same before, but they know no more than one owner.
 */
#include "devproc.h"

#include <credentials.h>
#include <errno.h>
#include <mach/error.h>
#include <mach/vm_map.h>
#include <servers/bootstrap.h>
#include <servers/proc.h>
#include <stdlib.h>
#include <string.h>

#define FILE_BITS  8 /* of a number: the place in the table */
#define DIRECTORY  (OSTIAFS_S_IFDIR | 0555)
#define LINK       (OSTIAFS_S_IFLNK | 0777)
#define PUBLIC     (OSTIAFS_S_IFREG | 0444)
#define PRIVATE    (OSTIAFS_S_IFREG | 0400)

host_priv_t host_priv;
mach_port_t proc_server;

static const struct file {
    const char *name;
    bool of_process;
    uint16_t mode;
    text_t text;
} files[] = {
    [PROC_ROOT] = {"", false, DIRECTORY, NULL},
    {"cpuinfo", false, PUBLIC, text_cpuinfo},
    {"meminfo", false, PUBLIC, text_meminfo},
    {"mounts", false, PUBLIC, text_mounts},
    {"self", false, LINK, text_self},
    {"uptime", false, PUBLIC, text_uptime},
    {"version", false, PUBLIC, text_version},
    {"vmstat", false, PUBLIC, text_vmstat},
    {"", true, DIRECTORY, NULL}, /* a process's directory */
    {"cmdline", true, PRIVATE, text_cmdline},
    {"exe", true, LINK, text_exe},
    {"maps", true, PRIVATE, text_maps},
    {"ports", true, PRIVATE, text_ports},
    {"status", true, PUBLIC, text_status},
};
#define FILES (sizeof files / sizeof files[0])

static uint32_t number(int pid, size_t file)
{
    return (uint32_t)pid << FILE_BITS | (uint32_t)file;
}

static int pid_of(uint32_t ino)
{
    return (int)(ino >> FILE_BITS);
}

static const struct file *file_of(uint32_t ino)
{
    return &files[ino & ((1U << FILE_BITS) - 1)];
}

static uint32_t directory_of(int pid)
{
    size_t file = PROC_ROOT;

    while (pid != 0 && !files[file].of_process)
        file++;
    return number(pid, file);
}

int proc_attributes(uint32_t ino, struct ostiafs_inode *d)
{
    proc_info_t info;
    proc_ids_t ids;
    int pid = pid_of(ino);

    d->mode = file_of(ino)->mode;
    if ((d->mode & OSTIAFS_S_IFMT) == OSTIAFS_S_IFDIR)
        d->nlink = 2;
    clock_now(&d->mtime, &d->mtime_nsec);
    d->atime = d->ctime = d->mtime;
    d->atime_nsec = d->ctime_nsec = d->mtime_nsec;
    if (pid == 0)
        return 0;
    if (proc_status(proc_server, pid, &info, ids) != KERN_SUCCESS)
        return ENOENT;
    if (d->nlink == 2)
        return 0; /* the directory is root's: a mount on it would outlive the process */
    if (ids[PROC_RUID] == ids[PROC_EUID] && ids[PROC_SUID] == ids[PROC_EUID])
        d->uid = ids[PROC_EUID]; /* else it is root's */
    if (ids[PROC_RGID] == ids[PROC_EGID] && ids[PROC_SGID] == ids[PROC_EGID])
        d->gid = ids[PROC_EGID];
    return 0;
}

int proc_lookup(uint32_t directory, const char *name, size_t len, uint32_t *ino)
{
    int pid = pid_of(directory);
    int other = 0;
    size_t i;

    if (len == 2 && memcmp(name, "..", len) == 0) {
        *ino = PROC_ROOT;
        return 0;
    }
    for (i = 0; i < FILES; i++)
        if (files[i].text != NULL && files[i].of_process == (pid != 0) && strlen(files[i].name) == len &&
            memcmp(files[i].name, name, len) == 0) {
            *ino = number(pid, i);
            return 0;
        }
    for (i = 0; i < len && name[i] >= '0' && name[i] <= '9' && other <= CREDENTIAL_ID_MAX; i++)
        other = other * 10 + (name[i] - '0');
    if (pid != 0 || i < len || len == 0 || name[0] == '0' || other > CREDENTIAL_ID_MAX)
        return ENOENT;
    *ino = directory_of(other); /* whether there is one proc_attributes finds out */
    return 0;
}

static int by_pid(const void *a, const void *b)
{
    return ((const proc_info_t *)a)->pid - ((const proc_info_t *)b)->pid;
}

/* The processes' directories, from pid `from` on. Their places are behind the table's. */
static int process_names(uint64_t from, made_each_t each, void *arg)
{
    proc_info_array_t list;
    mach_msg_type_number_t count;
    bool more = true;
    char name[12];
    kern_return_t kr = proc_list(proc_server, &list, &count);

    if (kr != KERN_SUCCESS)
        return is_unix_err(kr) ? err_get_code(kr) : EIO;
    qsort(list, count, sizeof *list, by_pid);
    for (mach_msg_type_number_t i = 0; i < count && more; i++) {
        int pid = list[i].pid;

        snprintf(name, sizeof name, "%d", pid);
        if ((uint64_t)pid >= from)
            more = each(arg, name, directory_of(pid), OSTIAFS_S_IFDIR >> 12, FILES + (uint64_t)pid + 1);
    }
    vm_deallocate(mach_task_self(), (vm_address_t)list, count * sizeof *list);
    return 0;
}

int proc_names(uint32_t directory, uint64_t from, made_each_t each, void *arg)
{
    int pid = pid_of(directory);

    for (uint64_t i = from; i < FILES; i++)
        if (files[i].text != NULL && files[i].of_process == (pid != 0) &&
            !each(arg, files[i].name, number(pid, i), (uint8_t)(files[i].mode >> 12), i + 1))
            return 0;
    return pid != 0 ? 0 : process_names(from > FILES ? from - FILES : 0, each, arg);
}

int proc_text(uint32_t ino, FILE *out)
{
    return file_of(ino)->text(pid_of(ino), out);
}

bool proc_begin(void)
{
    return bootstrap_privileged_port(bootstrap_port, "host", &host_priv) == KERN_SUCCESS &&
           bootstrap_look_up(bootstrap_port, SERVICE_PROC, &proc_server) == KERN_SUCCESS;
}
