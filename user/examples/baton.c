/* baton COMMAND...: runs it while nobody else's runs: a client of batond. Read baton.defs before. */
#include <mach/error.h>
#include <mach/mach.h>
#include <servers/baton.h>
#include <servers/bootstrap.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    mach_port_t server;
    mach_port_t baton;
    kern_return_t kr;
    int status = 0;
    pid_t pid;

    if (argc < 2) {
        fprintf(stderr, "usage: baton command...\n");
        return 2;
    }
    kr = bootstrap_look_up(bootstrap_port, "baton", &server);
    if (kr == KERN_SUCCESS)
        kr = baton_take(server, &baton);
    if (kr != KERN_SUCCESS) {
        fprintf(stderr, "baton: %s\n", mach_error_string(kr));
        return 1;
    }
    pid = fork();
    if (pid == 0) {
        execvp(argv[1], argv + 1);
        perror(argv[1]);
        _exit(127);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid) {
        perror("baton");
        return 1;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1; /* the baton goes back with us */
}
