/* time: how long a command takes. [POSIX XCU time] */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <util.h>

static const char usage[] =
    "usage: time [-p] command [argument...]\n"
    "Runs the command, and tells on standard error how many seconds it took, and of the processor's time.\n"
    "  -p  in POSIX's form, as ever\n";

#define CANNOT_RUN 126
#define NOT_FOUND  127
#define ENDED_BY   128 /* and the signal's number: as the shell has it */

static void show(const char *name, long seconds, long usec)
{
    fprintf(stderr, "%s %ld.%02ld\n", name, seconds, usec / 10000);
}

int main(int argc, char **argv)
{
    struct timespec begin, end;
    struct rusage used;
    int option, status;
    pid_t child;

    util_begin(argv, usage);
    while ((option = getopt(argc, argv, "p")) != -1)
        if (option == '?')
            util_usage();
    if (optind == argc)
        util_usage();
    clock_gettime(CLOCK_MONOTONIC, &begin);
    child = fork();
    if (child < 0)
        die("fork");
    if (child == 0) {
        execvp(argv[optind], argv + optind);
        complain(argv[optind]);
        _exit(errno == ENOENT ? NOT_FOUND : CANNOT_RUN);
    }
    signal(SIGINT, SIG_IGN); /* they are for the command */
    signal(SIGQUIT, SIG_IGN);
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            die("wait");
    clock_gettime(CLOCK_MONOTONIC, &end);
    if (getrusage(RUSAGE_CHILDREN, &used) < 0)
        die("usage");
    end.tv_sec -= begin.tv_sec + (end.tv_nsec < begin.tv_nsec);
    end.tv_nsec += end.tv_nsec < begin.tv_nsec ? 1000000000 : 0;
    show("real", end.tv_sec, (end.tv_nsec - begin.tv_nsec) / 1000);
    show("user", used.ru_utime.tv_sec, used.ru_utime.tv_usec);
    show("sys", used.ru_stime.tv_sec, used.ru_stime.tv_usec);
    return WIFEXITED(status) ? WEXITSTATUS(status) : ENDED_BY + WTERMSIG(status);
}
