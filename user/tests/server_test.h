/*
 * What tests do to servers: kill them, by the privileged host port, as a bug of theirs would, and stop them
 * for a while.
 */
#ifndef SERVER_TEST_H
#define SERVER_TEST_H

#include <mach/host_priv.h>
#include <mach/mach.h>
#include <mach/mach_port.h>
#include <mach/task.h>
#include <mach/vm_map.h>
#include <string.h>
#include <testlib.h>
#include <time.h>

static inline void pause_ms(long ms)
{
    struct timespec t = {0, ms * 1000000};

    nanosleep(&t, NULL);
}

/* The task of the server with that name, a send right; MACH_PORT_NULL: there is none. */
static inline task_t find_server(const char *name)
{
    mach_port_t *tasks;
    mach_msg_type_number_t count;
    task_t found = MACH_PORT_NULL;
    char task_name[32];

    if (host_tasks(test_host_priv(), &tasks, &count) != KERN_SUCCESS)
        return MACH_PORT_NULL;
    for (mach_msg_type_number_t i = 0; i < count; i++) {
        if (found == MACH_PORT_NULL && task_get_name(tasks[i], task_name) == KERN_SUCCESS &&
            strcmp(task_name, name) == 0)
            found = tasks[i];
        else
            mach_port_deallocate(mach_task_self(), tasks[i]);
    }
    vm_deallocate(mach_task_self(), (vm_address_t)tasks, count * sizeof(*tasks));
    return found;
}

/* Kills the server and waits until another task has its name; 0: it did not come back. */
static inline int kill_server(const char *name)
{
    task_t old = find_server(name), now = MACH_PORT_NULL;

    if (old == MACH_PORT_NULL || task_terminate(old) != KERN_SUCCESS)
        return 0;
    for (int i = 0; i < 200 && now == MACH_PORT_NULL; i++) {
        pause_ms(10);
        now = find_server(name);
        if (now == old) {
            mach_port_deallocate(mach_task_self(), now);
            now = MACH_PORT_NULL;
        }
    }
    mach_port_deallocate(mach_task_self(), old);
    if (now == MACH_PORT_NULL)
        return 0;
    mach_port_deallocate(mach_task_self(), now);
    return 1;
}

#endif
