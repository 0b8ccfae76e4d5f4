/* echo: writes its arguments. [POSIX XCU echo] */
#include <string.h>
#include <util.h>

static const char usage[] =
    "usage: echo [-n] [word...]\n"
    "Prints the words in one line.\n"
    "  -n  without the newline\n";

int main(int argc, char **argv)
{
    bool newline = true;
    int first = 1;

    if (argc == 2) /* else --help is a word as others */
        util_begin(argv, usage);
    if (argc > 1 && strcmp(argv[1], "-n") == 0) {
        newline = false;
        first = 2;
    }
    util_name = "echo";
    for (int i = first; i < argc; i++)
        printf("%s%s", i > first ? " " : "", argv[i]);
    if (newline)
        putchar('\n');
    return util_end();
}
