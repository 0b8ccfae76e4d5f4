/* cat [-u] [FILE...]: copies files to standard output, unbuffered as -u asks. [POSIX XCU cat] */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <util.h>

static const char usage[] =
    "usage: cat [-u] [file...]\n"
    "Copies files, or standard input (-), to standard output.\n"
    "  -u  at once: this is always so\n";

static void copy(int fd, const char *name)
{
    bool writing;

    if (copy_bytes(fd, STDOUT_FILENO, -1, &writing) >= 0)
        return;
    if (writing)
        die("standard output");
    complain(name);
}

int main(int argc, char **argv)
{
    int option;

    util_begin(argv, usage);
    while ((option = getopt(argc, argv, "u")) != -1)
        if (option == '?')
            util_usage();
    if (optind == argc)
        copy(STDIN_FILENO, "-");
    for (int i = optind; i < argc; i++) {
        int fd = strcmp(argv[i], "-") == 0 ? STDIN_FILENO : open(argv[i], O_RDONLY);

        if (fd < 0) {
            complain(argv[i]);
            continue;
        }
        copy(fd, argv[i]);
        if (fd != STDIN_FILENO)
            close(fd);
    }
    return util_end();
}
