/*
 * primes LIMIT: the prime numbers up to LIMIT, one a line, by a sieve of processes (M. D. McIlroy's).
 *
 * The first process writes 2, 3, 4 ... LIMIT into a pipe. Each process behind it reads a first number, which
 * is a prime: nobody before it divided it. It prints that and passes on those of the others that the
 * prime does not divide. It starts its successor when there is something to pass on, so there is one
 * process a prime, and one for the numbers.
 *
 * The end runs down the line as end of file, and back up as exit status: each waits for its successor.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The process to the right: where its numbers go, and who it is. */
struct successor {
    int out;
    pid_t pid;
};

static int filter(int in);

static int complain(const char *what)
{
    fprintf(stderr, "primes: %s: %s\n", what, strerror(errno));
    return -1;
}

/* Starts a process that filters what is written to s->out. in: what this process reads, not the new
 * one's business (-1: nothing). 0; -1 after a message. */
static int start(struct successor *s, int in)
{
    int fds[2];

    if (pipe(fds) < 0)
        return complain("pipe");
    s->pid = fork();
    if (s->pid == 0) {
        if (in >= 0)
            close(in);
        close(fds[1]);
        _exit(filter(fds[0]));
    }
    close(fds[0]);
    s->out = fds[1];
    if (s->pid < 0) {
        close(s->out);
        return complain("fork");
    }
    return 0;
}

/* 0; -1 after a message, or without one if the successor is gone: it has said why. */
static int pass_on(const struct successor *s, int number)
{
    if (write(s->out, &number, sizeof(number)) == (ssize_t)sizeof(number))
        return 0;
    return errno == EPIPE ? -1 : complain("write");
}

/* No more numbers for it: its status, and with it that of all behind it. */
static int finish(const struct successor *s)
{
    int status;

    close(s->out);
    if (waitpid(s->pid, &status, 0) != s->pid)
        return complain("wait"), 1;
    return status != 0;
}

/* A process of the sieve, reading from in. Its status. */
static int filter(int in)
{
    struct successor next = {-1, -1};
    int prime, number, bad = 0;
    ssize_t n = read(in, &prime, sizeof(prime));

    if (n == 0)
        return 0;
    if (n != (ssize_t)sizeof(prime) || dprintf(STDOUT_FILENO, "%d\n", prime) < 0)
        return complain("cannot go on"), 1;
    while (!bad && (n = read(in, &number, sizeof(number))) == (ssize_t)sizeof(number)) {
        if (number % prime == 0)
            continue;
        if (next.pid < 0 && start(&next, in) < 0)
            return 1;
        bad = pass_on(&next, number) < 0;
    }
    if (n < 0)
        bad = 1, complain("read");
    if (next.pid > 0)
        bad |= finish(&next);
    return bad;
}

int main(int argc, char **argv)
{
    struct successor first;
    char *end = "";
    long limit = argc == 2 ? strtol(argv[1], &end, 10) : 0;
    int bad = 0;

    if (argc != 2 || argv[1][0] == '\0' || *end != '\0' || limit < 0 || limit > 0x7fffffff) {
        fprintf(stderr, "usage: primes limit\n");
        return 2;
    }
    if (limit < 2)
        return 0;
    signal(SIGPIPE, SIG_IGN);
    if (start(&first, -1) < 0)
        return 1;
    for (long number = 2; !bad && number <= limit; number++)
        bad = pass_on(&first, (int)number) < 0;
    return finish(&first) | bad;
}
