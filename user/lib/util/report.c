/* How utilities say what they can do and what went wrong. Read util.h before. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <util.h>

#define USAGE_STATUS 2

const char *util_name = "";
int util_status;
int util_failure = 1;

static const char *the_usage;

void util_begin(char **argv, const char *usage)
{
    static const char prefix[] = "usage: ";
    const char *name = usage + strlen(prefix);

    the_usage = usage;
    util_name = must(strndup(name, strcspn(name, " \n")));
    if (argv[0] != NULL && argv[1] != NULL && strcmp(argv[1], "--help") == 0) {
        fputs(usage, stdout);
        exit(util_end());
    }
}

void util_usage(void)
{
    int lines = 0, length;

    /* The synopsis may go on, with white space at a line's beginning. */
    for (length = 0; the_usage[length] != '\0'; length++)
        if (the_usage[length] == '\n' && the_usage[length + 1] != ' ' && ++lines == 1)
            break;
    fflush(stdout);
    fprintf(stderr, "%.*s\n", length, the_usage);
    exit(util_failure > USAGE_STATUS ? util_failure : USAGE_STATUS);
}

void complain_of(const char *what, const char *reason)
{
    fflush(stdout); /* in order, where both go to the same place */
    fprintf(stderr, "%s: %s: %s\n", util_name, what, reason);
    util_status = util_failure;
}

void complain(const char *what)
{
    complain_of(what, strerror(errno));
}

void die_of(const char *what, const char *reason)
{
    complain_of(what, reason);
    exit(util_status);
}

void die(const char *what)
{
    die_of(what, strerror(errno));
}

void *must(void *memory)
{
    if (memory == NULL)
        die_of("memory", strerror(ENOMEM));
    return memory;
}

int util_end(void)
{
    if (fflush(stdout) != 0 || ferror(stdout))
        complain("standard output");
    return util_status;
}
