/* touch: sets files' times, and makes those that are not there. [POSIX XCU touch] */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <util.h>

static const char usage[] =
    "usage: touch [-acm] [-r file | -t time | -d date] file...\n"
    "Sets the times of files to now, and makes empty ones of those that are not there.\n"
    "  -a       only the time it was last read\n"
    "  -m       only the time it was last written\n"
    "  -c       makes none\n"
    "  -r file  that file's times\n"
    "  -t time  [[CC]YY]MMDDhhmm[.SS]\n"
    "  -d date  YYYY-MM-DDThh:mm:SS, T or a space between\n";

/* As many digits as the format has N, in the number it says; the rest literally. Behind it, or NULL. */
static const char *take(const char *text, int digits, int *value)
{
    *value = 0;
    while (digits-- > 0) {
        if (!isdigit((unsigned char)*text))
            return NULL;
        *value = *value * 10 + (*text++ - '0');
    }
    return text;
}

static bool in_range(const struct tm *tm)
{
    return tm->tm_mon >= 0 && tm->tm_mon < 12 && tm->tm_mday >= 1 && tm->tm_mday <= 31
           && tm->tm_hour < 24 && tm->tm_min < 60 && tm->tm_sec <= 60;
}

/* -t */
static bool parse_time(const char *text, struct tm *tm)
{
    size_t digits = strspn(text, "0123456789");
    time_t now = time(NULL);
    int year, century;

    gmtime_r(&now, tm);
    tm->tm_sec = 0;
    if (digits == 12) {
        text = take(text, 4, &year);
        tm->tm_year = year - 1900;
    } else if (digits == 10) { /* 69 to 99 are of the last century [POSIX] */
        text = take(text, 2, &year);
        century = year >= 69 ? 0 : 100;
        tm->tm_year = year + century;
    } else if (digits != 8) {
        return false;
    }
    text = take(text, 2, &tm->tm_mon);
    text = take(text, 2, &tm->tm_mday);
    text = take(text, 2, &tm->tm_hour);
    text = take(text, 2, &tm->tm_min);
    tm->tm_mon--;
    if (*text == '.' && ((text = take(text + 1, 2, &tm->tm_sec)) == NULL))
        return false;
    return *text == '\0' && in_range(tm);
}

/* -d */
static bool parse_date(const char *text, struct tm *tm)
{
    static const char between[] = "--T::";
    int *const fields[] = {&tm->tm_year, &tm->tm_mon, &tm->tm_mday, &tm->tm_hour, &tm->tm_min,
                           &tm->tm_sec};

    memset(tm, 0, sizeof(*tm));
    for (int i = 0; i < 6; i++) {
        text = take(text, i == 0 ? 4 : 2, fields[i]);
        if (text == NULL)
            return false;
        if (i < 5 && *text != between[i] && !(between[i] == 'T' && *text == ' '))
            return false;
        text += i < 5;
    }
    tm->tm_year -= 1900;
    tm->tm_mon--;
    return (*text == '\0' || strcmp(text, "Z") == 0) && in_range(tm);
}

int main(int argc, char **argv)
{
    struct timespec times[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}};
    bool access_time = false, write_time = false, make = true;
    struct stat st;
    struct tm tm;
    int option;

    util_begin(argv, usage);
    while ((option = getopt(argc, argv, "acmr:t:d:")) != -1) {
        switch (option) {
        case 'a': access_time = true; break;
        case 'm': write_time = true; break;
        case 'c': make = false; break;
        case 'r':
            if (stat(optarg, &st) < 0)
                die(optarg);
            times[0] = st.st_atim;
            times[1] = st.st_mtim;
            break;
        case 't':
        case 'd':
            if (!(option == 't' ? parse_time : parse_date)(optarg, &tm))
                die_of(optarg, "is no time");
            times[0] = times[1] = (struct timespec){timegm(&tm), 0};
            break;
        default: util_usage();
        }
    }
    if (optind == argc)
        util_usage();
    if (access_time && !write_time)
        times[1].tv_nsec = UTIME_OMIT;
    if (write_time && !access_time)
        times[0].tv_nsec = UTIME_OMIT;
    for (int i = optind; i < argc; i++) {
        int fd;

        if (utimensat(AT_FDCWD, argv[i], times, 0) == 0)
            continue;
        if (errno != ENOENT) {
            complain(argv[i]);
        } else if (make) {
            fd = open(argv[i], O_WRONLY | O_CREAT, 0666);
            if (fd < 0 || futimens(fd, times) < 0)
                complain(argv[i]);
            if (fd >= 0)
                close(fd);
        }
    }
    return util_end();
}
