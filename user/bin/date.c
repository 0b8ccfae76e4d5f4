/* date: the time of day, as a format says. UTC is all there is. [POSIX XCU date] */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <util.h>

static const char usage[] =
    "usage: date [-u] [-d time | -r file | -s time] [+format]\n"
    "Prints the time, in UTC.\n"
    "  -u       as ever\n"
    "  -d time  another: YYYY-MM-DDThh:mm:SS, T or a space between, or @ and the seconds since 1970\n"
    "  -r file  the time at which the file was written\n"
    "  -s time  sets the clock first; as -d has it (root only)\n"
    "  +format  with %Y %m %d %H %M %S and strftime's other letters\n";

#define TEXT_MAX 4096

static time_t time_of(const char *text)
{
    time_t when;
    long seconds;

    if (*text == '@' && is_number(text + 1, &seconds))
        return seconds;
    if (!parse_date(text, &when))
        die_of(text, "is no time");
    return when;
}

static time_t set_time(time_t when)
{
    if (clock_settime(CLOCK_REALTIME, &(struct timespec){when, 0}) < 0)
        complain("cannot set the clock");
    return when;
}

int main(int argc, char **argv)
{
    const char *format = "%a %b %e %H:%M:%S UTC %Y";
    time_t when = time(NULL);
    static char text[TEXT_MAX];
    struct stat st;
    struct tm tm;
    int option;
    char *with_mark;

    util_begin(argv, usage);
    while ((option = getopt(argc, argv, "ud:r:s:")) != -1) {
        switch (option) {
        case 'u': break;
        case 'd':
            when = time_of(optarg);
            break;
        case 'r':
            if (stat(optarg, &st) < 0)
                die(optarg);
            when = st.st_mtime;
            break;
        case 's': when = set_time(time_of(optarg)); break;
        default: util_usage();
        }
    }
    if (argc - optind > 1 || (optind < argc && *argv[optind] != '+'))
        util_usage();
    if (optind < argc)
        format = argv[optind] + 1;
    if (localtime_r(&when, &tm) == NULL)
        die("the time");
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
