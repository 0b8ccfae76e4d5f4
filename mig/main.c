/*
 * migcom: options, input, output. Outputs are made in memory and written only if there was no
 * error, under a temporary name that is then renamed: a make that is interrupted never sees half a
 * file. Read mig.h before.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mig.h"

static const char usage[] =
    "usage: migcom [-header F] [-user F] [-server F] [-sheader F] [-table F]\n"
    "              [-iheader NAME] [-kernel-server] [-kernel-user] [FILE]\n"
    "Reads FILE (or standard input), a .defs file after the C preprocessor. See docs/mig.md.\n";

enum output { USER_HEADER, USER, SERVER, SERVER_HEADER, TABLE, OUTPUT_COUNT };
static const char *const output_options[OUTPUT_COUNT] = {"-header", "-user", "-server", "-sheader",
                                                          "-table"};
static const char *paths[OUTPUT_COUNT];
static const char *input_path;
static const char *internal_header; /* -iheader */

static void parse_options(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char **value = NULL;

        if (strcmp(argv[i], "-kernel-server") == 0) {
            subsystem.kernel_server = true;
            continue;
        }
        if (strcmp(argv[i], "-kernel-user") == 0) {
            subsystem.kernel_user = true;
            continue;
        }
        for (int output = 0; output < OUTPUT_COUNT; output++) {
            if (strcmp(argv[i], output_options[output]) == 0)
                value = &paths[output];
        }
        if (strcmp(argv[i], "-iheader") == 0)
            value = &internal_header;
        if (value != NULL && i + 1 < argc) {
            *value = argv[++i];
        } else if (value == NULL && (argv[i][0] != '-' || argv[i][1] == '\0')
                   && input_path == NULL) {
            input_path = argv[i];
        } else {
            fprintf(stderr, "migcom: %s '%s'\n%s", value != NULL ? "expected a value after"
                    : argv[i][0] == '-' ? "unknown option"
                    : "expected one input file, found a second,", argv[i], usage);
            exit(1);
        }
    }
}

static char *read_input(void)
{
    bool standard = input_path == NULL || strcmp(input_path, "-") == 0;
    FILE *f = standard ? stdin : fopen(input_path, "r");
    char *text;
    size_t size;
    FILE *memory = open_memstream(&text, &size);
    int c;

    if (f == NULL)
        fatal("cannot open %s: %s", input_path, strerror(errno));
    if (memory == NULL)
        fatal("out of memory");
    while ((c = getc(f)) != EOF) {
        if (c == '\0')
            fatal("%s: not a text file", standard ? "standard input" : input_path);
        putc(c, memory);
    }
    if (ferror(f))
        fatal("cannot read %s: %s", standard ? "standard input" : input_path, strerror(errno));
    if (!standard)
        fclose(f);
    if (fclose(memory) != 0)
        fatal("out of memory");
    return text;
}

/* How the .c files include the header that goes with them; null if there is none. */
static const char *include_name(enum output header)
{
    const char *base;

    if (internal_header != NULL)
        return internal_header[0] == '<' || internal_header[0] == '"'
             ? internal_header : format_string("\"%s\"", internal_header);
    if (paths[header] == NULL)
        return NULL;
    base = strrchr(paths[header], '/');
    return format_string("\"%s\"", base != NULL ? base + 1 : paths[header]);
}

/* Makes one output: its text is in memory. */
static char *make(enum output output, size_t *size)
{
    char *text;
    FILE *f = open_memstream(&text, size);

    if (f == NULL)
        fatal("out of memory");
    switch (output) {
    case USER_HEADER:
        write_user_header(f);
        break;
    case USER:
        write_user(f, include_name(USER_HEADER));
        break;
    case SERVER:
        write_server(f, include_name(SERVER_HEADER));
        break;
    case TABLE:
        write_table(f);
        break;
    default:
        write_server_header(f);
        break;
    }
    if (fclose(f) != 0)
        fatal("out of memory");
    return text;
}

static void write_output(const char *path, const char *text, size_t size)
{
    const char *temporary = format_string("%s.%ld.tmp", path, (long)getpid());
    FILE *f = fopen(temporary, "w");

    if (f == NULL)
        fatal("cannot write %s: %s", path, strerror(errno));
    if (fwrite(text, 1, size, f) != size || fflush(f) != 0) {
        int error = errno;

        fclose(f);
        unlink(temporary);
        fatal("cannot write %s: %s", path, strerror(error));
    }
    fclose(f);
    if (rename(temporary, path) != 0) {
        int error = errno;

        unlink(temporary);
        fatal("cannot write %s: %s", path, strerror(error));
    }
}

int main(int argc, char **argv)
{
    char *texts[OUTPUT_COUNT] = {0};
    size_t sizes[OUTPUT_COUNT];

    parse_options(argc, argv);
    lexer_start(read_input(), input_path != NULL ? input_path : "<stdin>");
    types_init();
    parse();
    if (error_count == 0)
        check_routines();
    if (error_count == 0)
        lay_out_routines();
    if (error_count != 0)
        return 1;
    for (int output = 0; output < OUTPUT_COUNT; output++) {
        if (paths[output] != NULL)
            texts[output] = make(output, &sizes[output]);
    }
    for (int output = 0; output < OUTPUT_COUNT; output++) {
        if (paths[output] != NULL)
            write_output(paths[output], texts[output], sizes[output]);
    }
    return 0;
}
