/* touch: sets files' times, and makes those that are not there. [POSIX XCU touch] */
#include <errno.h>
#include <fcntl.h>
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

int main(int argc, char **argv)
{
    struct timespec times[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}};
    bool access_time = false, write_time = false, make = true;
    struct stat st;
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
            if (!(option == 't' ? parse_time : parse_date)(optarg, &times[0].tv_sec))
                die_of(optarg, "is no time");
            times[0].tv_nsec = 0;
            times[1] = times[0];
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
