/* tee: copies standard input to standard output and to files. [POSIX XCU tee] */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#include <util.h>

static const char usage[] =
    "usage: tee [-ai] [file...]\n"
    "Copies standard input to standard output and to each file.\n"
    "  -a  adds to the files\n"
    "  -i  is not interrupted by ^C\n";

struct output {
    int fd; /* -1: it failed */
    const char *name;
};

int main(int argc, char **argv)
{
    static char buffer[16384];
    struct output *outputs;
    int option, flags = O_TRUNC, count = 0;
    ssize_t n;

    util_begin(argv, usage);
    while ((option = getopt(argc, argv, "ai")) != -1) {
        switch (option) {
        case 'a': flags = O_APPEND; break;
        case 'i': signal(SIGINT, SIG_IGN); break;
        default: util_usage();
        }
    }
    outputs = must(calloc((size_t)(argc - optind) + 1, sizeof(*outputs)));
    outputs[count++] = (struct output){STDOUT_FILENO, "standard output"};
    for (int i = optind; i < argc; i++) {
        int fd = open(argv[i], O_WRONLY | O_CREAT | flags, 0666);

        if (fd < 0)
            complain(argv[i]);
        outputs[count++] = (struct output){fd, argv[i]};
    }
    while ((n = read(STDIN_FILENO, buffer, sizeof(buffer))) > 0)
        for (int i = 0; i < count; i++)
            for (ssize_t done = 0, w; done < n && outputs[i].fd >= 0; done += w)
                if ((w = write(outputs[i].fd, buffer + done, n - done)) < 0) {
                    complain(outputs[i].name);
                    outputs[i].fd = -1;
                    break;
                }
    if (n < 0)
        complain("-");
    free(outputs);
    return util_end();
}
