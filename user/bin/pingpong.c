/*
 * pingpong [ROUNDS]: two processes pass a number to and fro over a pair of pipes, each adding one to it.
 * In each round (default: one) the child prints "PID: ping N" when it has received, the parent "PID: pong N".
 *
 * A process learns that the other is gone from its pipe: end of file, once nobody holds the writing end.
 * "Nobody" means itself, too, and so each closes the two ends that are not its own.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* One side's ends of the pipes, and what it says. */
struct side {
    const char *word;
    int in, out;
};

/* Receives the number. 1; 0: the other side is gone; -1 after a message. */
static int receive(const struct side *side, unsigned *number)
{
    ssize_t n = read(side->in, number, sizeof(*number)); /* no more than PIPE_BUF: whole or nothing */

    if (n < 0)
        fprintf(stderr, "pingpong: read: %s\n", strerror(errno));
    return n < 0 ? -1 : n == (ssize_t)sizeof(*number);
}

/* 0; -1 after a message. */
static int send_on(const struct side *side, unsigned number)
{
    if (write(side->out, &number, sizeof(number)) == (ssize_t)sizeof(number))
        return 0;
    fprintf(stderr, "pingpong: write: %s\n", strerror(errno));
    return -1;
}

/* Says what was received. One write: the other side's lines are not mixed into it. */
static int tell(const struct side *side, unsigned number)
{
    return dprintf(STDOUT_FILENO, "%d: %s %u\n", (int)getpid(), side->word, number) < 0 ? -1 : 0;
}

/* The child: gives back what it gets until there is no more. The process's status. */
static int give_back(const struct side *side)
{
    unsigned number;
    int got;

    while ((got = receive(side, &number)) > 0)
        if (tell(side, number) < 0 || send_on(side, number + 1) < 0)
            return 1;
    return got < 0;
}

/* The parent. The process's status. */
static int play(const struct side *side, unsigned long rounds)
{
    unsigned number = 1;

    for (; rounds > 0; rounds--, number++) {
        int got;

        if (send_on(side, number) < 0 || (got = receive(side, &number)) < 0)
            return 1;
        if (got == 0) {
            fprintf(stderr, "pingpong: the other process is gone\n");
            return 1;
        }
        if (tell(side, number) < 0)
            return 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    unsigned long rounds = 1;
    char *end = "";
    int there[2], back[2], status, result;
    pid_t child;

    if (argc == 2)
        rounds = strtoul(argv[1], &end, 10);
    if (argc > 2 || *end != '\0' || rounds == 0 || (argc == 2 && strchr("+-", argv[1][0]) != NULL)) {
        fprintf(stderr, "usage: pingpong [rounds]\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN); /* writing to nobody is an error to report, not the end */
    if (pipe(there) < 0 || pipe(back) < 0 || (child = fork()) < 0) {
        fprintf(stderr, "pingpong: %s\n", strerror(errno));
        return 1;
    }
    if (child == 0) {
        close(there[1]);
        close(back[0]);
        return give_back(&(struct side){"ping", there[0], back[1]});
    }
    close(there[0]);
    close(back[1]);
    result = play(&(struct side){"pong", back[0], there[1]}, rounds);
    close(there[1]); /* the child sees the end of its input, and ends */
    if (waitpid(child, &status, 0) != child || status != 0)
        result = 1;
    return result;
}
