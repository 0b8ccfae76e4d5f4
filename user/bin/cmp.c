/* cmp: are two files the same? [POSIX XCU cmp] */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <util.h>

static const char usage[] =
    "usage: cmp [-l | -s] file1 file2\n"
    "Tells where two files differ first. Status 0: nowhere; 1: they differ; 2: error.\n"
    "  -l  every byte that differs: its place, and both in octal\n"
    "  -s  says nothing\n";

static FILE *open_input(const char *name)
{
    FILE *file = strcmp(name, "-") == 0 ? stdin : fopen(name, "r");

    if (file == NULL)
        die(name);
    return file;
}

int main(int argc, char **argv)
{
    bool every = false, silent = false;
    unsigned long byte = 0, line = 1;
    FILE *files[2];
    int option, a, b;

    util_failure = 2;
    util_begin(argv, usage);
    while ((option = getopt(argc, argv, "ls")) != -1) {
        if (option == '?')
            util_usage();
        every |= option == 'l';
        silent |= option == 's';
    }
    if (argc - optind != 2 || (every && silent))
        util_usage();
    for (int i = 0; i < 2; i++)
        files[i] = open_input(argv[optind + i]);
    for (;;) {
        a = getc(files[0]);
        b = files[1] == files[0] ? a : getc(files[1]);
        byte++;
        if (a == EOF || b == EOF)
            break;
        if (a != b) {
            util_status = 1;
            if (!every)
                break;
            printf("%lu %o %o\n", byte, (unsigned)a, (unsigned)b);
        }
        line += a == '\n';
    }
    for (int i = 0; i < 2; i++)
        if (ferror(files[i]))
            die(argv[optind + i]);
    if (a == EOF && b == EOF)
        return util_end();
    util_status = 1;
    if (a == EOF || b == EOF) {
        fflush(stdout);
        if (!silent)
            fprintf(stderr, "cmp: EOF on %s\n", argv[optind + (a != EOF)]);
    } else if (!silent) {
        printf("%s %s differ: char %lu, line %lu\n", argv[optind], argv[optind + 1], byte, line);
    }
    return util_end();
}
