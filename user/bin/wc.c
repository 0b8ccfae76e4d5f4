/* wc [-lwc] [FILE...]: counts lines, words and bytes. [POSIX XCU wc] */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct counts {
    unsigned long lines, words, bytes;
};

static int show_lines, show_words, show_bytes;

static void print(const struct counts *c, const char *name)
{
    if (show_lines)
        printf("%7lu ", c->lines);
    if (show_words)
        printf("%7lu ", c->words);
    if (show_bytes)
        printf("%7lu ", c->bytes);
    printf("%s\n", name);
}

static int count(int fd, const char *name, struct counts *total)
{
    static char buffer[16384];
    struct counts c = {0};
    int in_word = 0;
    ssize_t n;

    while ((n = read(fd, buffer, sizeof(buffer))) > 0) {
        c.bytes += n;
        for (ssize_t i = 0; i < n; i++) {
            c.lines += buffer[i] == '\n';
            c.words += in_word && isspace((unsigned char)buffer[i]);
            in_word = !isspace((unsigned char)buffer[i]);
        }
    }
    c.words += in_word;
    if (n < 0) {
        fprintf(stderr, "wc: %s: %s\n", name, strerror(errno));
        return 1;
    }
    print(&c, name);
    total->lines += c.lines;
    total->words += c.words;
    total->bytes += c.bytes;
    return 0;
}

int main(int argc, char **argv)
{
    struct counts total = {0};
    int option, status = 0;

    while ((option = getopt(argc, argv, "lwc")) != -1) {
        show_lines |= option == 'l';
        show_words |= option == 'w';
        show_bytes |= option == 'c';
        if (option == '?')
            return 2;
    }
    if (!show_lines && !show_words && !show_bytes)
        show_lines = show_words = show_bytes = 1;
    if (optind == argc)
        return count(STDIN_FILENO, "", &total);
    for (int i = optind; i < argc; i++) {
        int fd = open(argv[i], O_RDONLY);

        if (fd < 0) {
            fprintf(stderr, "wc: %s: %s\n", argv[i], strerror(errno));
            status = 1;
            continue;
        }
        status |= count(fd, argv[i], &total);
        close(fd);
    }
    if (argc - optind > 1)
        print(&total, "total");
    return status;
}
