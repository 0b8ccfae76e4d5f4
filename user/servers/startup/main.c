/*
 * What runs when the servers are up: the first process; or, in a test boot (boot argument
 * test=A,B,..), the test programs one after the other, and then power off. grade/README.md has the
 * contract.
 */
#include <mach/host_priv.h>
#include <mach/mach_port.h>
#include <mach/mach.h>
#include <mach/notify_ids.h>
#include <ostia.h>
#include <servers/bootstrap.h>
#include <servers/fs.h>
#include <servers/proc.h>
#include <server_types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_PROCESS "/bin/init"
#define GRADE_PORT    "grade" /* where a test program finds the privileged host port, once */

static host_priv_t host_priv;
static mach_port_t end_port; /* where the end of a test program is told */

static void fatal(const char *what, kern_return_t kr)
{
    printf("startup: %s: %s (%#x)\n", what, mach_error_string(kr), (unsigned)kr);
    exit(1);
}

/* A process from the disk; *task gets a send right. */
static kern_return_t start_process(const char *path, task_t *task)
{
    mach_port_t proc;
    kern_return_t kr = bootstrap_look_up(bootstrap_port, SERVICE_PROC, &proc);

    if (kr == KERN_SUCCESS) {
        kr = proc_start(proc, host_priv, path, 1, path, strlen(path) + 1, task);
        mach_port_deallocate(mach_task_self(), proc);
    }
    return kr;
}

/* From the boot archive if it is there, else from the disk. */
static kern_return_t start_test(const char *name, task_t *task)
{
    char path[sizeof(service_name_t)];
    kern_return_t kr;

    if ((size_t)snprintf(path, sizeof(path), "/tests/%s", name) >= sizeof(path))
        return KERN_INVALID_NAME;
    kr = bootstrap_start(bootstrap_port, path + 1, task);
    return kr == KERN_SUCCESS ? kr : start_process(path, task);
}

/* Returns when task is dead. Consumes the right to it. */
static void wait_for(task_t task)
{
    struct {
        mach_msg_header_t header;
        char body[64];
    } msg;
    mach_port_t previous;
    kern_return_t kr;

    kr = mach_port_request_notification(mach_task_self(), task, MACH_NOTIFY_DEAD_NAME, 0, end_port,
                                        MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous);
    if (kr == KERN_SUCCESS) {
        mach_msg(&msg.header, MACH_RCV_MSG, 0, sizeof(msg), end_port, MACH_MSG_TIMEOUT_NONE,
                 MACH_PORT_NULL);
        mach_port_deallocate(mach_task_self(), task); /* the notification's reference */
    }
    mach_port_deallocate(mach_task_self(), task);
}

static void run_tests(char *names)
{
    char *name;

    while ((name = strsep(&names, ",")) != NULL) {
        task_t task;
        kern_return_t kr;

        kr = bootstrap_offer_once(bootstrap_port, GRADE_PORT, host_priv);
        if (kr != KERN_SUCCESS)
            fatal("cannot offer the grading port", kr);
        kr = start_test(name, &task);
        if (kr == KERN_SUCCESS)
            wait_for(task);
        else
            printf("startup: cannot start test %s: %s\n", name, mach_error_string(kr));
        bootstrap_withdraw(bootstrap_port, GRADE_PORT);
    }
}

/* A file server of the system's mounts itself before it serves: so when it answers, it is there. */
static void await_mounts(void)
{
    static const char *const services[] = {SERVICE_TMPFS, SERVICE_PROCFS /* and its /dev, before */};
    mach_port_t server, root;

    for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
        if (bootstrap_look_up(bootstrap_port, services[i], &server) != KERN_SUCCESS)
            continue;
        if (fs_root(server, &root) == KERN_SUCCESS)
            mach_port_deallocate(mach_task_self(), root);
        mach_port_deallocate(mach_task_self(), server);
    }
}

int main(void)
{
    char *tests, *bench;
    kern_return_t kr;
    task_t task;

    kr = bootstrap_privileged_port(bootstrap_port, "host", &host_priv);
    if (kr == KERN_SUCCESS)
        kr = mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &end_port);
    if (kr != KERN_SUCCESS)
        fatal("cannot begin", kr);

    await_mounts();
    tests = boot_arg("test=");
    bench = boot_arg("bench=");
    if (tests != NULL || bench != NULL) {
        if (tests != NULL)
            run_tests(tests);
        if (bench != NULL)
            run_tests(strdup("bench"));
        host_reboot(host_priv, 0);
    }
    kr = start_process(FIRST_PROCESS, &task);
    if (kr != KERN_SUCCESS)
        fatal("cannot start " FIRST_PROCESS, kr);
    return 0;
}
