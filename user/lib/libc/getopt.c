/* getopt. [POSIX.1-2017, getopt] */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

char *optarg;
int optind = 1;
int opterr = 1;
int optopt;

static int complain(const char *program, const char *what, const char *options)
{
    if (opterr && *options != ':')
        fprintf(stderr, "%s: %s -- '%c'\n", program, what, optopt);
    return '?';
}

int getopt(int argc, char *const argv[], const char *options)
{
    static const char *at = ""; /* in the word of options being looked at */
    static int word;            /* which is argv[word] */
    const char *known;

    if (*at == '\0' || word != optind) { /* the next word, or the caller has set optind anew */
        if (optind >= argc || argv[optind] == NULL || argv[optind][0] != '-'
            || argv[optind][1] == '\0')
            return -1;
        if (strcmp(argv[optind], "--") == 0) {
            optind++;
            return -1;
        }
        at = argv[optind] + 1;
        word = optind;
    }
    optopt = *at++;
    known = optopt != ':' ? strchr(options, optopt) : NULL;
    if (*at == '\0')
        optind++;
    word = optind;
    if (known == NULL)
        return complain(argv[0], "unknown option", options);
    if (known[1] != ':')
        return optopt;
    /* Its argument: the rest of the word, or the next one. */
    if (*at != '\0') {
        optarg = (char *)at;
        optind++;
    } else if (optind < argc) {
        optarg = argv[optind++];
    } else {
        complain(argv[0], "option needs an argument", options);
        return *options == ':' ? ':' : '?';
    }
    at = "";
    word = optind;
    return optopt;
}
