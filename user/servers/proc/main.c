/*
 * The proc server: POSIX processes over Mach tasks. Start-up, and first processes. Read proc.h
 * first.
 */
#include "proc.h"

#include <errno.h>
#include <fcntl.h>
#include <mach/error.h>
#include <mach/exc_server.h>
#include <mach/mach.h>
#include <mach/mach_port.h>
#include <mach/semaphore.h>
#include <mach/task.h>
#include <mach/thread_act.h>
#include <mach/traps.h>
#include <servers/bootstrap.h>
#include <servers/fs.h>
#include <servers/interrupt_server.h>
#include <servers/proc_server.h>
#include <signal.h>
#include <startup.h>
#include <stdio.h>
#include <string.h>

#define MESSAGE_MAX 4096 /* no request or reply of proc.defs and exc.defs is larger */

mach_port_t root_directory, proc_bootstrap, exception_port;
host_priv_t host_priv;
semaphore_t idle_semaphore;

static const struct port_class service_class = {.name = "proc service"};
static const struct port_class exception_class = {.name = "exceptions"};
static struct port_object service, exceptions;

/* The file server's root. Asked for when first needed: the file server may come up after us. */
mach_port_t get_root(void)
{
    mach_port_t server;
    mach_port_type_t type;

    if (root_directory != MACH_PORT_NULL &&
        mach_port_type(mach_task_self(), root_directory, &type) == KERN_SUCCESS &&
        (type & MACH_PORT_TYPE_DEAD_NAME)) {
        mach_port_deallocate(mach_task_self(), root_directory); /* the server died */
        root_directory = MACH_PORT_NULL;
    }
    if (root_directory == MACH_PORT_NULL &&
        bootstrap_look_up(bootstrap_port, SERVICE_FILE, &server) == KERN_SUCCESS) {
        if (fs_root(server, &root_directory) != KERN_SUCCESS)
            root_directory = MACH_PORT_NULL;
        mach_port_deallocate(mach_task_self(), server);
    }
    return root_directory;
}

boolean_t is_service(mach_port_t port)
{
    return port == service.port;
}

/* Names a first process finds its ports under; its space is empty, so they are free. */
#define NAME_PROC MACH_PORT_MAKE(16, 1)
#define NAME_ROOT MACH_PORT_MAKE(17, 1)

/* Fills the new task's special and exception ports and its first names. (The host port it has from
 * us by inheritance is the plain one.) */
static kern_return_t equip(task_t task, struct process *p)
{
    mach_port_t own = ports_make_send(&p->object);
    kern_return_t kr;

    if (own == MACH_PORT_NULL)
        return KERN_RESOURCE_SHORTAGE;
    kr = mach_port_insert_right(task, NAME_PROC, own, MACH_MSG_TYPE_MOVE_SEND);
    if (kr != KERN_SUCCESS)
        mach_port_deallocate(mach_task_self(), own);
    if (kr == KERN_SUCCESS)
        kr = mach_port_insert_right(task, NAME_ROOT, get_root(), MACH_MSG_TYPE_COPY_SEND);
    if (kr == KERN_SUCCESS)
        kr = task_set_special_port(task, TASK_BOOTSTRAP_PORT, proc_bootstrap);
    if (kr == KERN_SUCCESS)
        kr = task_set_exception_ports(task, EXC_MASK_ALL, exception_port,
                                      EXCEPTION_STATE_IDENTITY, ARM_THREAD_STATE64);
    return kr;
}

/* Runs path as the first program of p. An errno, or -1. */
static int first_exec(struct process *p, const char *path, unsigned argc, const char *strings,
                      size_t string_size)
{
    struct startup startup = {
        .magic = STARTUP_MAGIC,
        .size = sizeof(startup),
        .proc = NAME_PROC,
        .root = NAME_ROOT,
        .cwd = NAME_ROOT,
        .umask = 022,
    };
    struct exec_args args = {p, MACH_PORT_NULL, path, argc, 0, strings, string_size, &startup,
                             sizeof(startup)};
    thread_t thread;
    mach_msg_type_name_t how;
    uint32_t on;
    kern_return_t kr;
    int error;

    kr = fs_open(get_root(), path, O_RDONLY, 0, &args.file, &how, &on);
    if (kr != KERN_SUCCESS)
        return is_unix_err(kr) ? err_get_code(kr) : EIO;
    kr = thread_create(p->task, &thread);
    error = on != 0 ? EACCES : kr == KERN_SUCCESS ? exec_program(p->task, thread, TRUE, &args) : ENOMEM;
    if (kr == KERN_SUCCESS)
        mach_port_deallocate(mach_task_self(), thread);
    mach_port_deallocate(mach_task_self(), args.file);
    return error;
}

kern_return_t S_proc_start(mach_port_t server, mach_port_t priv, const char *path, uint32_t argc,
                           const char *strings, mach_msg_type_number_t stringsCnt,
                           mach_port_t *task)
{
    struct process *p;
    const char *name = strrchr(path, '/');
    int error;

    if (priv != host_priv) /* send rights to one port have one name: the same port, or not */
        return unix_err(EPERM);
    if (get_root() == MACH_PORT_NULL)
        return unix_err(ENODEV); /* the file server has said why */
    if (task_create(mach_task_self(), FALSE, task) != KERN_SUCCESS)
        return unix_err(ENOMEM);
    p = process_new(process_find(1), *task, &error);
    if (p == NULL) {
        task_terminate(*task);
        mach_port_deallocate(mach_task_self(), *task);
        return unix_err(error);
    }
    process_name(p, name != NULL ? name + 1 : path);
    /* One reference is the table's; the reply moves another to the caller. */
    mach_port_mod_refs(mach_task_self(), *task, MACH_PORT_RIGHT_SEND, 1);
    p->sid = p->pgid = p->pid;
    p->execed = TRUE;
    error = ENOMEM;
    if (cred_apply(p) == KERN_SUCCESS && equip(*task, p) == KERN_SUCCESS)
        error = first_exec(p, path, argc, strings, stringsCnt);
    if (error != 0) {
        mach_port_deallocate(mach_task_self(), *task);
        process_end(p, SIGKILL, -1);
        return unix_err(error > 0 ? error : ENOMEM);
    }
    mach_port_deallocate(mach_task_self(), priv);
    return KERN_SUCCESS;
}

static kern_return_t start(void)
{
    mach_port_t receive;
    kern_return_t kr = bootstrap_privileged_port(bootstrap_port, "host", &host_priv);

    if (kr == KERN_SUCCESS)
        kr = bootstrap_unprivileged(bootstrap_port, &proc_bootstrap);
    if (kr == KERN_SUCCESS)
        kr = semaphore_create(mach_task_self(), &idle_semaphore, SYNC_POLICY_FIFO, 0);
    if (kr == KERN_SUCCESS)
        kr = ports_create(&exceptions, &exception_class);
    if (kr != KERN_SUCCESS)
        return kr;
    exception_port = exceptions.port;
    kr = mach_port_insert_right(mach_task_self(), exception_port, exception_port,
                                MACH_MSG_TYPE_MAKE_SEND);
    if (kr == KERN_SUCCESS)
        kr = bootstrap_check_in(bootstrap_port, SERVICE_PROC, &receive);
    if (kr == KERN_SUCCESS)
        kr = ports_adopt(&service, &service_class, receive);
    if (kr == KERN_SUCCESS)
        kr = timer_init();
    return kr;
}

int main(void)
{
    static const mig_demux_t demuxers[] = {proc_server, exc_server, interrupt_server, timer_server,
                                           crash_server, NULL};
    kern_return_t kr = start();

    if (kr != KERN_SUCCESS) {
        printf("proc: cannot start: %s\n", mach_error_string(kr));
        return 1;
    }
    ports_serve(demuxers, MESSAGE_MAX);
}
