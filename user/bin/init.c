/*
 * init: process 1. Opens the console for itself and all that come after, keeps a shell running, and
 * waits for the children of parents that are gone. The proc server starts it with no descriptors.
 */
#include <errno.h>
#include <fcntl.h>
#include <mach/traps.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define CONSOLE "/dev/console"
#define SHELL   "/bin/sh"

static char *const shell_argv[] = {"sh", NULL};
static char *const shell_envp[] = {"PATH=/bin", "HOME=/", "TERM=vt100", NULL};

static int open_console(void)
{
    int fd = open(CONSOLE, O_RDWR | O_NOCTTY); /* the shell's, not ours */

    if (fd < 0)
        return -1;
    while (fd < STDERR_FILENO) /* 0 was free, so this makes 1 and 2 */
        fd = dup(fd);
    return fd < 0 ? -1 : 0;
}

/* The shell gets a session, which the terminal controls: so ^C is for what it runs. */
static void run_shell(void)
{
    setsid();
    ioctl(STDIN_FILENO, TIOCSCTTY);
    execve(SHELL, shell_argv, shell_envp);
    perror("init: cannot run " SHELL);
    _exit(1);
}

int main(void)
{
    if (open_console() < 0) {
        static const char no_console[] = "init: cannot open " CONSOLE ": ";
        const char *words = strerror(errno);

        /* There is no descriptor to print to: the kernel's own console. */
        debug_print(no_console, sizeof(no_console) - 1);
        debug_print(words, strlen(words));
        debug_print("\n", 1);
        return 1;
    }
    for (;;) {
        pid_t shell;
        pid_t pid;

        printf("init: starting sh\n");
        fflush(stdout);
        shell = fork();
        if (shell == 0)
            run_shell();
        if (shell < 0) {
            perror("init: fork");
            sleep(1);
            continue;
        }
        do
            pid = wait(NULL); /* the shell, or an orphan */
        while (pid != shell && (pid >= 0 || errno == EINTR));
    }
}
