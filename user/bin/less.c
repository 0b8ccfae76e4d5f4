/* less: shows texts screen by screen. (Its commands are those of others' less and POSIX's more.) */
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <util.h>

static const char usage[] =
    "usage: less [-S] [file...]\n"
    "Shows files, one behind the other, a screen at a time; copies them, if the output is no terminal.\n"
    "  -S  cuts long lines off; else they go on in the next row\n"
    "Keys: space, f, page down: on by a screen; b, page up: back; d u: by half a screen;\n"
    "  return, j, down: on by a row; k, up: back; g G: to the beginning, the end;\n"
    "  /text ?text: to the regular expression, on or back; n N: to the next one, the other way; q: ends\n";

struct text {
    char *at;
    size_t length;
};

static struct text *lines;
static size_t count, room;
static size_t top;     /* the line at the top of the screen, */
static size_t top_row; /* and which of its rows */
static bool cut;
static const char *message = "";
static regex_t pattern;
static bool has_pattern, backwards;

static void read_lines(FILE *file, const char *name)
{
    struct line line = {0};

    while (read_line(file, &line)) {
        if (count == room) {
            room = room > 0 ? 2 * room : 1024;
            lines = must(realloc(lines, room * sizeof(*lines)));
        }
        lines[count].at = must(malloc(line.length + 1));
        memcpy(lines[count].at, line.text, line.length + 1);
        lines[count++].length = line.length;
    }
    free(line.text);
}

/* Where in the line the row begins that is `row` rows below its first; its length, if it has fewer. */
static size_t row_begin(const struct text *line, size_t row)
{
    size_t at = 0;

    for (; row > 0 && at < line->length; row--)
        for (size_t column = 0; at < line->length; at++) {
            column += screen_width((unsigned char)line->at[at], column);
            if (column > (size_t)screen_columns)
                break;
        }
    return at;
}

static size_t rows_of(const struct text *line)
{
    size_t rows = 1;

    if (!cut)
        while (row_begin(line, rows) < line->length)
            rows++;
    return rows;
}

/* Moves the top by so many rows. */
static void scroll(long rows)
{
    for (; rows > 0; rows--) {
        if (top_row + 1 < rows_of(&lines[top])) {
            top_row++;
        } else if (top + 1 < count) {
            top++;
            top_row = 0;
        } else {
            return;
        }
    }
    for (; rows < 0; rows++) {
        if (top_row > 0) {
            top_row--;
        } else if (top > 0) {
            top--;
            top_row = rows_of(&lines[top]) - 1;
        } else {
            return;
        }
    }
}

static bool is_end_shown(void)
{
    size_t rows = 0;

    for (size_t i = top; i < count; i++) {
        rows += rows_of(&lines[i]) - (i == top ? top_row : 0);
        if (rows > (size_t)screen_rows - 1)
            return false;
    }
    return true;
}

static void go_to_end(void)
{
    top = count - 1;
    top_row = rows_of(&lines[top]) - 1;
    scroll(-(screen_rows - 2));
}

static void show(void)
{
    size_t line = top, row = top_row;
    bool text_at_end;

    for (int y = 0; y < screen_rows - 1; y++) {
        size_t begin, end;
        char *text;

        if (line >= count) {
            screen_row(y, "~", false);
            continue;
        }
        begin = row_begin(&lines[line], row);
        end = cut ? lines[line].length : row_begin(&lines[line], row + 1);
        text = screen_text(lines[line].at + begin, end - begin, 0, (size_t)screen_columns);
        screen_row(y, text, false);
        free(text);
        row = end < lines[line].length ? row + 1 : 0;
        line += row == 0;
    }
    text_at_end = is_end_shown();
    screen_row(screen_rows - 1, *message != '\0' ? message : text_at_end ? "(END)" : ":",
               *message != '\0' || text_at_end);
    screen_move(screen_rows - 1, *message != '\0' || text_at_end ? 0 : 1);
    message = "";
}

/* What is typed behind / or ?, on the last row; NULL: it was given up. */
static const char *ask(char prompt)
{
    static char text[256];
    size_t length = 1;

    text[0] = prompt;
    for (;;) {
        int key;

        text[length] = '\0';
        screen_row(screen_rows - 1, text, false);
        screen_move(screen_rows - 1, (int)length);
        key = screen_key(0);
        if (key == '\r' || key == '\n')
            return text + 1;
        if (key < 0 || key == CTRL_KEY('C') || key == CTRL_KEY('[') || (key == 0x7f && length == 1))
            return NULL;
        if (key == 0x7f || key == '\b')
            length--;
        else if (key >= ' ' && key < 256 && length + 1 < sizeof(text))
            text[length++] = (char)key;
    }
}

static void search(bool back)
{
    if (!has_pattern) {
        message = "nothing was searched for yet";
        return;
    }
    for (size_t i = top; back ? i-- > 0 : ++i < count;) {
        regmatch_t m = {0, (regoff_t)lines[i].length};

        if (regexec(&pattern, lines[i].at, 1, &m, REG_STARTEND) == 0) {
            top = i;
            top_row = 0;
            return;
        }
    }
    message = "not found";
}

static void ask_and_search(char prompt)
{
    static char words[128];
    const char *text = ask(prompt);
    int error;

    if (text == NULL)
        return;
    backwards = prompt == '?';
    if (*text != '\0') {
        if (has_pattern)
            regfree(&pattern);
        error = regcomp(&pattern, text, 0);
        has_pattern = error == 0;
        if (!has_pattern) {
            regerror(error, &pattern, words, sizeof(words));
            message = words;
            return;
        }
    }
    search(backwards);
}

/* false: it is the end. */
static bool obey(int key)
{
    int screen = screen_rows - 1;

    switch (key) {
    case 'q':
    case 'Q':
    case CTRL_KEY('C'):
    case KEY_GONE: return false;
    case ' ':
    case 'f':
    case CTRL_KEY('F'):
    case KEY_PAGE_DOWN:
        if (!is_end_shown())
            scroll(screen);
        break;
    case 'b':
    case CTRL_KEY('B'):
    case KEY_PAGE_UP: scroll(-screen); break;
    case 'd':
    case CTRL_KEY('D'): scroll(is_end_shown() ? 0 : screen / 2); break;
    case 'u':
    case CTRL_KEY('U'): scroll(-screen / 2); break;
    case '\r':
    case '\n':
    case 'j':
    case KEY_DOWN: scroll(is_end_shown() ? 0 : 1); break;
    case 'k':
    case KEY_UP: scroll(-1); break;
    case 'g':
    case '<':
    case KEY_HOME: top = top_row = 0; break;
    case 'G':
    case '>':
    case KEY_END: go_to_end(); break;
    case '/':
    case '?': ask_and_search((char)key); break;
    case 'n': search(backwards); break;
    case 'N': search(!backwards); break;
    default: message = "keys: space b j k d u g G / ? n N q";
    }
    return true;
}

int main(int argc, char **argv)
{
    int option;

    util_begin(argv, usage);
    while ((option = getopt(argc, argv, "S")) != -1) {
        if (option == '?')
            util_usage();
        cut = true;
    }
    if (optind == argc && isatty(STDIN_FILENO))
        util_usage();
    each_input(argv + optind, read_lines);
    if (!isatty(STDOUT_FILENO) || count == 0 || screen_begin() < 0) {
        for (size_t i = 0; i < count; i++) {
            fwrite(lines[i].at, 1, lines[i].length, stdout);
            putchar('\n');
        }
        return util_end();
    }
    do
        show();
    while (obey(screen_key(0)));
    screen_end();
    return util_end();
}
