/* date: the time of day, as a format says. UTC is all there is. [POSIX XCU date] */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <util.h>

static const char usage[] =
    "usage: date [-u] [-d @seconds | -r file] [+format]\n"
    "Prints the time, in UTC.\n"
    "  -u           as ever\n"
    "  -d @seconds  that time, since 1970\n"
    "  -r file      the time at which the file was written\n"
    "  +format      with %Y %m %d %H %M %S and strftime's other letters\n";

#define TEXT_MAX 4096

int main(int argc, char **argv)
{
    const char *format = "%a %b %e %H:%M:%S UTC %Y";
    time_t when = time(NULL);
    static char text[TEXT_MAX];
    struct stat st;
    struct tm tm;
    long seconds;
    int option;
    char *with_mark;

    util_begin(argv, usage);
    while ((option = getopt(argc, argv, "ud:r:")) != -1) {
        switch (option) {
        case 'u': break;
        case 'd':
            if (*optarg != '@' || !is_number(optarg + 1, &seconds))
                die_of(optarg, "is not @ and a number of seconds");
            when = seconds;
            break;
        case 'r':
            if (stat(optarg, &st) < 0)
                die(optarg);
            when = st.st_mtime;
            break;
        default: util_usage();
        }
    }
    if (argc - optind > 1 || (optind < argc && *argv[optind] != '+'))
        util_usage();
    if (optind < argc)
        format = argv[optind] + 1;
    localtime_r(&when, &tm);
    /* The mark tells an empty result from one that does not fit. */
    if (asprintf(&with_mark, "%s.", format) < 0)
        must(NULL);
    if (strftime(text, sizeof(text), with_mark, &tm) == 0)
        die_of(format, "is too long");
    free(with_mark);
    text[strlen(text) - 1] = '\0';
    puts(text);
    return util_end();
}
