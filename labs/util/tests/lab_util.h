/*
 * What the tests of lab util share: running a program of /bin with an input, and looking at what it
 * printed, at its status, at the processes it left, and at the port names it holds.
 */
#ifndef LAB_UTIL_H
#define LAB_UTIL_H

#include "posix_test.h"

#include <mach/mach.h>
#include <mach/mach_port.h>
#include <mach/vm_map.h>
#include <ostia.h>
#include <servers/proc.h>
#include <stdarg.h>

#define OUTPUT_SIZE (64 * 1024)
#define ERRORS_SIZE 1024
#define ARGS_MAX    16
#define SIGNALLED   1000 /* added to the signal that ended a program */

/* A program that runs, and what it did. There is one at a time. */
struct run {
    pid_t pid;
    int output;                /* the pipe we read its standard output from */
    char command[256];         /* for messages */
    char out[OUTPUT_SIZE];
    char errors[ERRORS_SIZE];  /* its standard error */
    int code;                  /* its exit status, or SIGNALLED + signal */
};

static struct run r;

/* Starts /bin/argv[0] with input (a file's name; NULL: no standard input at all) and r.output. */
static inline void begin_args(const char *input, const char *const *argv)
{
    char path[64];
    int fds[2] = {-1, -1};
    size_t at = 0;

    memset(&r, 0, sizeof r);
    r.output = r.pid = -1;
    for (int i = 0; argv[i] != NULL && at < sizeof r.command; i++)
        at += (size_t)snprintf(r.command + at, sizeof r.command - at, "%s%s", i > 0 ? " " : "",
                               argv[i]);
    snprintf(path, sizeof path, argv[0][0] == '/' ? "%s" : "/bin/%s", argv[0]);
    if (access(path, F_OK) != 0) {
        FAIL("not written yet: there is no program %s", path);
        return;
    }
    if (pipe(fds) != 0)
        return;
    r.pid = fork();
    if (r.pid == 0) {
        int in = input != NULL ? open(input, O_RDONLY) : -1;
        int errors = open("errors", O_WRONLY | O_CREAT | O_TRUNC, 0644);

        dup2(fds[1], 1);
        dup2(errors, 2);
        if (input == NULL)
            close(0);
        else if (in >= 0)
            dup2(in, 0);
        for (int fd = 3; fd < 20; fd++)
            close(fd);
        execv(path, (char *const *)argv);
        _exit(99);
    }
    close(fds[1]);
    r.output = fds[0];
}

/* Waits for its end, and reads what is left of its output: all processes that could write are gone then. */
static inline void finish(void)
{
    size_t have = strlen(r.out);
    int status = 0;

    if (r.pid < 0)
        return;
    read_all(r.output, r.out + have, sizeof r.out - have);
    close(r.output);
    if (waitpid(r.pid, &status, 0) != r.pid)
        FAIL("%s: cannot wait for it", r.command);
    r.code = WIFEXITED(status) ? WEXITSTATUS(status) : SIGNALLED + WTERMSIG(status);
    file_text("errors", r.errors, sizeof r.errors);
    r.pid = -1;
}

/* Reads on until its output has that many lines. 0: it ended before. */
static inline int read_lines(int lines)
{
    size_t have = strlen(r.out);
    int seen = 0;

    for (const char *p = r.out; *p != '\0'; p++)
        seen += *p == '\n';
    while (seen < lines && have < sizeof r.out - 1) {
        if (read(r.output, r.out + have, 1) != 1)
            return 0;
        seen += r.out[have++] == '\n';
        r.out[have] = '\0';
    }
    return seen >= lines;
}

#define BEGIN(input, ...) begin_args((input), (const char *const[]){__VA_ARGS__, NULL})
#define RUN(input, ...) \
    do { \
        BEGIN((input), __VA_ARGS__); \
        finish(); \
    } while (0)

/* What the program that ran must have done; NULL: printed anything. Says so, with all one needs to know. */
static inline void check_run(int line, int code, const char *out)
{
    if (r.command[0] == '\0' || (r.code == code && (out == NULL || strcmp(r.out, out) == 0)))
        return;
    if (r.code != code)
        test_fail(__BASE_FILE__, line, "%s: status %d, expected %d; it printed \"%.200s\" and \"%.200s\" "
                  "on standard error", r.command, r.code, code, r.out, r.errors);
    else
        test_fail(__BASE_FILE__, line, "%s: printed \"%.300s\", expected \"%.300s\"", r.command, r.out,
                  out);
}

/* It must have refused: that status, a message on standard error, nothing on standard output. */
static inline void check_refused(int line, int code)
{
    check_run(line, code, "");
    if (r.errors[0] == '\0')
        test_fail(__BASE_FILE__, line, "%s: no message on standard error", r.command);
}

#define EXPECT_RUN(code, out) check_run(__LINE__, (code), (out))
#define EXPECT_REFUSED(code) check_refused(__LINE__, (code))

/* A number that the grader chooses: what a program is asked cannot be known beforehand. */
static inline unsigned seed(void)
{
    char text[16];

    return test_boot_arg("seed", text, sizeof text) > 0 ? (unsigned)strtoul(text, NULL, 10) : 1;
}

/* ---- processes ---- */

/* Calls visit with each process; stops when it returns 1. Returns whether it did. */
static inline int each_process(int (*visit)(const proc_info_t *, void *), void *arg)
{
    proc_info_array_t list;
    mach_msg_type_number_t count;
    int stop = 0;

    if (proc_list(getproc(), &list, &count) != KERN_SUCCESS)
        return 0;
    for (mach_msg_type_number_t i = 0; i < count && !stop; i++)
        stop = visit(&list[i], arg);
    vm_deallocate(mach_task_self(), (vm_address_t)list, count * sizeof *list);
    return stop;
}

static inline int has_pid(const proc_info_t *p, void *arg)
{
    return p->pid == *(const int *)arg;
}

static inline int process_exists(int pid)
{
    return each_process(has_pid, &pid);
}

/* Ends every process that was made since pid, and pid. */
static inline int kill_since(const proc_info_t *p, void *arg)
{
    if (p->pid >= *(const int *)arg)
        kill(p->pid, SIGKILL);
    return 0;
}

/* Ends the program, with all that it started. */
static inline void put_away(void)
{
    int pid = r.pid;

    if (pid > 0) {
        each_process(kill_since, &pid);
        close(r.output);
        waitpid(pid, NULL, 0);
        r.pid = -1;
    }
}

/* How many port names, and user references of send rights, a process has. -1: there is none. */
static inline int count_rights(int pid, int *references)
{
    ipc_info_name_array_t info;
    mach_msg_type_number_t count;
    task_t task;
    kern_return_t kr;

    if (references != NULL)
        *references = 0;
    if (proc_get_task(getproc(), pid, &task) != KERN_SUCCESS)
        return -1;
    kr = mach_port_space_info(task, &info, &count);
    mach_port_deallocate(mach_task_self(), task);
    if (kr != KERN_SUCCESS)
        return -1;
    for (mach_msg_type_number_t i = 0; i < count && references != NULL; i++)
        *references += (int)info[i].iin_urefs;
    vm_deallocate(mach_task_self(), (vm_address_t)info, count * sizeof *info);
    return (int)count;
}

static const char *self; /* this program's path */

/* For LAB_MAIN: this program is nobody's command. */
static inline int no_command(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return 2;
}

/* main. command(argc, argv): what this program does, and its status, where it is the command of another. */
#define LAB_MAIN(command) \
    int main(int argc, char **argv) \
    { \
        if (argc > 1) \
            return command(argc, argv); \
        self = argv[0]; \
        if (test_open() != 0) /* before anything is started that could take it */ \
            test_report("no grading port: this boot was not started with test="); \
        open_standard(); \
        return test_main(__FILE__); \
    }

#endif
