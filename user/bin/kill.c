/* kill [-SIGNAL] PID...: sends a signal, TERM unless named. [POSIX XCU kill] */
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    int number;
} signals[] = {
    {"HUP", SIGHUP},   {"INT", SIGINT},   {"QUIT", SIGQUIT}, {"KILL", SIGKILL}, {"TERM", SIGTERM},
    {"STOP", SIGSTOP}, {"CONT", SIGCONT}, {"USR1", SIGUSR1}, {"USR2", SIGUSR2}, {"0", 0},
};

static int signal_named(const char *name)
{
    if (isdigit((unsigned char)*name))
        return atoi(name);
    if (strncmp(name, "SIG", 3) == 0)
        name += 3;
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        if (strcmp(signals[i].name, name) == 0)
            return signals[i].number;
    return -1;
}

int main(int argc, char **argv)
{
    int signal = SIGTERM, first = 1, status = 0;

    if (argc > 1 && argv[1][0] == '-' && argv[1][1] != '\0' && strcmp(argv[1], "--") != 0) {
        signal = signal_named(argv[1] + 1);
        first = 2;
    } else if (argc > 1 && strcmp(argv[1], "--") == 0) {
        first = 2;
    }
    if (first >= argc || signal < 0) {
        fprintf(stderr, signal < 0 ? "kill: no such signal\n" : "usage: kill [-signal] pid...\n");
        return 2;
    }
    for (int i = first; i < argc; i++) {
        char *end;
        long pid = strtol(argv[i], &end, 10);

        if (*end != '\0' || end == argv[i]) {
            fprintf(stderr, "kill: %s: is not a process id\n", argv[i]);
            status = 1;
        } else if (kill((pid_t)pid, signal) < 0) {
            fprintf(stderr, "kill: %s: %s\n", argv[i], strerror(errno));
            status = 1;
        }
    }
    return status;
}
