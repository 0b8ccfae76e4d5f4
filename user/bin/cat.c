/* cat [FILE...]: copies files, or standard input (-), to standard output. [POSIX XCU cat] */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int copy(int fd, const char *name)
{
    static char buffer[16384];
    ssize_t n;

    while ((n = read(fd, buffer, sizeof(buffer))) > 0) {
        for (ssize_t done = 0, w; done < n; done += w) {
            w = write(STDOUT_FILENO, buffer + done, n - done);
            if (w < 0) {
                fprintf(stderr, "cat: write error: %s\n", strerror(errno));
                return 1;
            }
        }
    }
    if (n < 0)
        fprintf(stderr, "cat: %s: %s\n", name, strerror(errno));
    return n < 0;
}

int main(int argc, char **argv)
{
    int status = 0;

    if (argc < 2)
        return copy(STDIN_FILENO, "standard input");
    for (int i = 1; i < argc; i++) {
        int fd = strcmp(argv[i], "-") == 0 ? STDIN_FILENO : open(argv[i], O_RDONLY);

        if (fd < 0) {
            fprintf(stderr, "cat: %s: %s\n", argv[i], strerror(errno));
            status = 1;
            continue;
        }
        status |= copy(fd, argv[i]);
        if (fd != STDIN_FILENO)
            close(fd);
    }
    return status;
}
