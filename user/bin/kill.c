/* kill: sends signals to processes. [POSIX XCU kill] */
#include <ctype.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <util.h>

static const char usage[] =
    "usage: kill [-s name | -number | -name] pid...\n"
    "       kill -l [number]\n"
    "Sends processes a signal: TERM, if no other is said; to -pid's whole process group.\n"
    "  -s name, -name  HUP, INT, KILL and so on; 0 only asks whether there is such a process\n"
    "  -number         the same by number\n"
    "  -l              the signals' names; or that of a number, or of what $? is of a process it ended\n";

#define ENDED_BY 128 /* what $? is more than the signal's number */

static const struct {
    const char *name;
    int number;
} signals[] = {
    {"0", 0},          {"HUP", SIGHUP},       {"INT", SIGINT},   {"QUIT", SIGQUIT},
    {"ILL", SIGILL},   {"TRAP", SIGTRAP},     {"ABRT", SIGABRT}, {"BUS", SIGBUS},
    {"FPE", SIGFPE},   {"KILL", SIGKILL},     {"USR1", SIGUSR1}, {"SEGV", SIGSEGV},
    {"USR2", SIGUSR2}, {"PIPE", SIGPIPE},     {"ALRM", SIGALRM}, {"TERM", SIGTERM},
    {"CHLD", SIGCHLD}, {"CONT", SIGCONT},     {"STOP", SIGSTOP}, {"TSTP", SIGTSTP},
    {"TTIN", SIGTTIN}, {"TTOU", SIGTTOU},     {"URG", SIGURG},   {"XCPU", SIGXCPU},
    {"XFSZ", SIGXFSZ}, {"VTALRM", SIGVTALRM}, {"PROF", SIGPROF}, {"WINCH", SIGWINCH},
    {"IO", SIGIO},     {"SYS", SIGSYS},
};

static int signal_named(const char *name)
{
    long number;

    if (is_number(name, &number) && number >= 0 && number < NSIG)
        return (int)number;
    if (strncasecmp(name, "SIG", 3) == 0)
        name += 3;
    for (size_t i = 0; i < COUNT_OF(signals); i++)
        if (strcasecmp(signals[i].name, name) == 0)
            return signals[i].number;
    die_of(name, "there is no such signal");
}

static void show_names(const char *text)
{
    long wanted = text != NULL ? number_of(text, 0, INT_MAX, "a number") : 0;
    bool found = false;

    wanted -= wanted > ENDED_BY ? ENDED_BY : 0;
    for (size_t i = 1; i < COUNT_OF(signals); i++)
        if (text == NULL || wanted == signals[i].number) {
            puts(signals[i].name);
            found = true;
        }
    if (!found)
        complain_of(text, "there is no such signal");
}

int main(int argc, char **argv)
{
    int number = SIGTERM;
    long pid;

    util_begin(argv, usage);
    argv++;
    if (*argv != NULL && strcmp(*argv, "-l") == 0) {
        if (argv[1] != NULL && argv[2] != NULL)
            util_usage();
        show_names(argv[1]);
        return util_end();
    }
    if (*argv != NULL && strcmp(*argv, "-s") == 0) {
        if (argv[1] == NULL)
            util_usage();
        number = signal_named(argv[1]);
        argv += 2;
    } else if (*argv != NULL && **argv == '-' && argv[0][1] != '\0' && strcmp(*argv, "--") != 0) {
        number = signal_named(*argv + 1);
        argv++;
    }
    if (*argv != NULL && strcmp(*argv, "--") == 0)
        argv++;
    if (*argv == NULL)
        util_usage();
    for (; *argv != NULL; argv++)
        if (!is_number(*argv, &pid) || pid > INT_MAX || pid < -INT_MAX)
            complain_of(*argv, "is not a process id");
        else if (kill((pid_t)pid, number) < 0)
            complain(*argv);
    return util_end();
}
