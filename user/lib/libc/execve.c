/*
 * execve: the proc server puts the new program in this task. What it cannot know, which
 * descriptors are open and what else the port names stand for, goes to the new program in a
 * startup record (startup.h).
 */
#include "posix.h"

#include <errno.h>
#include <fcntl.h>
#include <mach/mach_port.h>
#include <mach/vm_map.h>
#include <servers/proc.h>
#include <string.h>
#include <unistd.h>

#define EXTRA_NAMES 5 /* rights in the record that are no descriptors */


static uint32_t count_strings(char *const list[], size_t *size)
{
    uint32_t count = 0;

    for (; list != NULL && list[count] != NULL; count++)
        *size += strlen(list[count]) + 1;
    return count;
}

static char *copy_strings(char *to, char *const list[], uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        to = stpcpy(to, list[i]) + 1;
    return to;
}

static void add(struct startup *startup, int fd, mach_port_t port, uint32_t flags,
                uint32_t fd_flags)
{
    if (port != MACH_PORT_NULL)
        startup->fds[startup->fd_count++] = (struct startup_fd){fd, port, flags, fd_flags};
}

static void fill_startup(struct startup *startup, mach_port_t file)
{
    startup->magic = STARTUP_MAGIC;
    startup->proc = __proc_port;
    startup->root = __root_port;
    startup->cwd = __cwd_port;
    startup->umask = __umask;
    startup->fd_limit = __fd_limit;
    startup->blocked = mach_tcb()->sig_blocked;
    startup->ignored = __signals.ignored;
    for (int fd = 0; fd < __fd_count; fd++) {
        struct fd *f = &__fd_table[fd];

        __window_end(f);
        add(startup, fd, f->port, f->flags, f->fd_flags | (f->own ? STARTUP_OWN : 0));
    }
    add(startup, STARTUP_TASK, mach_task_self(), 0, 0);
    add(startup, STARTUP_THREAD, mach_thread_self_cached(), 0, 0);
    add(startup, STARTUP_BOOTSTRAP, mach_bootstrap_port_cached(), 0, 0);
    add(startup, STARTUP_RELEASE, __pipe_service_cached(), 0, 0);
    add(startup, STARTUP_RELEASE, file, 0, 0);
    startup->old_reply = mig_get_reply_port();
    startup->old_sig_reply = mach_tcb()->sig_reply_port;
    startup->size = sizeof(*startup) + startup->fd_count * sizeof(struct startup_fd);
}

/* Consumes the right to file, which no descriptor has. Returns only on failure. */
static int exec_port(mach_port_t file, const char *path, char *const argv[], char *const envp[])
{
    size_t strings_size = 0;
    uint32_t argc = count_strings(argv, &strings_size);
    uint32_t envc = count_strings(envp, &strings_size);
    size_t startup_size =
        sizeof(struct startup) + (__fd_count + EXTRA_NAMES) * sizeof(struct startup_fd);
    vm_address_t memory = 0;
    struct startup *startup;
    char *strings;
    kern_return_t kr;

    if (strings_size > UINT32_MAX - PAGE_SIZE - startup_size)
        kr = KERN_RESOURCE_SHORTAGE;
    else
        kr = vm_allocate(mach_task_self(), &memory, startup_size + strings_size, TRUE);
    if (kr == KERN_SUCCESS) {
        startup = (struct startup *)memory;
        strings = (char *)memory + startup_size;
        fill_startup(startup, file);
        copy_strings(copy_strings(strings, argv, argc), envp, envc);
        kr = proc_exec(__proc_port, mach_thread_self_cached(), file, path, argc, envc,
                       (vm_offset_t)strings, strings_size, (vm_offset_t)startup, startup->size,
                       mach_tcb()->sig_blocked);
        vm_deallocate(mach_task_self(), memory, startup_size + strings_size);
    }
    mach_port_deallocate(mach_task_self(), file);
    return __error(kr);
}

int execve(const char *path, char *const argv[], char *const envp[])
{
    mach_port_t file;

    if (__proc_port == MACH_PORT_NULL)
        return __fail(ENOSYS);
    file = __path_open(AT_FDCWD, path, O_RDONLY, 0);
    return file != MACH_PORT_NULL ? exec_port(file, path, argv, envp) : -1;
}

int fexecve(int fd, char *const argv[], char *const envp[])
{
    struct fd *f = __fd_get(fd);

    if (f == NULL)
        return -1;
    if (__proc_port == MACH_PORT_NULL)
        return __fail(ENOSYS);
    /* A reference for exec_port and the new program to give up. */
    if (mach_port_mod_refs(mach_task_self(), f->port, MACH_PORT_RIGHT_SEND, 1) != KERN_SUCCESS)
        return __fail(ENOMEM);
    return exec_port(f->port, "", argv, envp);
}
