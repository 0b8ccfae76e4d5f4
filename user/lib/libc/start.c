/*
 * From the stack a program is started with to main. A program that was exec'ed finds a startup
 * record (startup.h) through the auxiliary vector; a server that bootstrap started has none, and
 * no files: what it prints goes to the console by debug_print.
 */
#include "posix.h"

#include <stdlib.h>
#include <unistd.h>

char **environ;
const char *__program_name = "";

int main(int argc, char **argv, char **envp);
void __ostia_start(uint64_t *stack) __attribute__((noreturn, used));

static const struct startup *find_startup(const uint64_t *auxv)
{
    for (; auxv[0] != 0; auxv += 2) {
        const struct startup *startup = (const struct startup *)auxv[1];

        if (auxv[0] == AT_OSTIA_STARTUP && startup != NULL && startup->magic == STARTUP_MAGIC)
            return startup;
    }
    return NULL;
}

/* Port names that need not be asked for again. */
static void adopt_names(const struct startup *startup, mach_port_t *thread)
{
    for (uint32_t i = 0; i < startup->fd_count; i++) {
        const struct startup_fd *f = &startup->fds[i];

        if (f->fd == STARTUP_TASK)
            mach_task_self_ = f->port;
        else if (f->fd == STARTUP_THREAD)
            *thread = f->port;
        else if (f->fd == STARTUP_BOOTSTRAP)
            mach_init_bootstrap(f->port);
    }
}

/* stack: argc, argv, NULL, envp, NULL, auxv pairs [ELF ABI, process initialization] */
void __ostia_start(uint64_t *stack)
{
    int argc = (int)stack[0];
    char **argv = (char **)(stack + 1);
    char **end;
    const struct startup *startup;
    mach_port_t thread = MACH_PORT_NULL;

    environ = argv + argc + 1;
    if (argc > 0)
        __program_name = argv[0];
    for (end = environ; *end != NULL; end++)
        ;
    startup = find_startup((const uint64_t *)(end + 1));
    if (startup != NULL)
        adopt_names(startup, &thread);
    mach_init();
    mach_tcb()->thread_port = thread;
    if (startup != NULL)
        __posix_start(startup);
    exit(main(argc, argv, environ));
}
