/* Reading what operands name. Read util.h before. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <util.h>

void each_input(char **names, void (*each)(FILE *file, const char *name))
{
    static char *standard_input[] = {"-", NULL};

    for (char **name = *names != NULL ? names : standard_input; *name != NULL; name++) {
        FILE *file = strcmp(*name, "-") == 0 ? stdin : fopen(*name, "r");

        if (file == NULL) {
            complain(*name);
            continue;
        }
        errno = 0;
        each(file, *name);
        if (ferror(file))
            complain(*name);
        if (file != stdin)
            fclose(file);
        else
            clearerr(file); /* - may be named again */
    }
}

bool is_number(const char *text, long *value)
{
    char *end;

    errno = 0;
    *value = strtol(text, &end, 10);
    return end != text && *end == '\0' && errno == 0 && strchr(" \t\n", *text) == NULL;
}

long number_of(const char *text, long least, long most, const char *what)
{
    long value;

    if (!is_number(text, &value) || value < least || value > most) {
        fprintf(stderr, "%s: %s: is not %s\n", util_name, text, what);
        exit(util_failure > 2 ? util_failure : 2);
    }
    return value;
}

long long copy_bytes(int from, int to, long long limit, bool *writing)
{
    static char buffer[16384];
    long long total = 0;

    while (limit < 0 || total < limit) {
        size_t want = limit >= 0 && limit - total < (long long)sizeof(buffer)
                          ? (size_t)(limit - total)
                          : sizeof(buffer);
        ssize_t n = read(from, buffer, want);

        *writing = false;
        if (n <= 0)
            return n < 0 ? -1 : total;
        for (ssize_t done = 0, w; done < n; done += w)
            if ((w = write(to, buffer + done, n - done)) < 0) {
                *writing = true;
                return -1;
            }
        total += n;
    }
    return total;
}

bool read_line(FILE *file, struct line *line)
{
    ssize_t n = getline(&line->text, &line->room, file);

    if (n <= 0) {
        if (errno == ENOMEM)
            must(NULL);
        return false;
    }
    line->newline = line->text[n - 1] == '\n';
    line->length = n - line->newline;
    line->text[line->length] = '\0';
    return true;
}
