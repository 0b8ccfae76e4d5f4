/* vi: edits a file on the screen. Read vi.h first. */
#include "vi.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <util.h>

static const char usage[] =
    "usage: vi [file]\n"
    "Edits a file on the screen. Keys, most of them behind a number of times:\n"
    "  h j k l w b e 0 ^ $ G gg H M L f F t T ; , % and arrows move; ^F ^B ^D ^U scroll\n"
    "  / ? n N search; i a I A o O begin to type, escape ends that\n"
    "  d c y > < and a motion, or twice: delete, change, yank, shift; p P put\n"
    "  x X D C s S r J ~ change; u undoes, ^R does it again; . repeats\n"
    "  :w [file] :q :wq :x :e file :r file :s/regex/with/g :d, behind lines as 1,$ or %; ! insists\n"
    "  ZZ writes and ends\n";

const char *file_name;
bool ended, typing;
size_t top;

static char message[256];
static char asked[256]; /* what is being typed on the last row */
static bool asking;
static size_t left; /* the column at the left, for lines that are longer than the screen is wide */

/* ---- keys ---- */

struct keys {
    int *at;
    size_t count, room;
};

static struct keys recorded, last_change;
static size_t replayed; /* of last_change, while replaying */
static bool replaying;

static void show(void);

static void add_key(struct keys *k, int key)
{
    if (k->count == k->room) {
        k->room = k->room > 0 ? 2 * k->room : 64;
        k->at = must(realloc(k->at, k->room * sizeof(*k->at)));
    }
    k->at[k->count++] = key;
}

int next_key(void)
{
    int key;

    if (replaying && replayed < last_change.count)
        return last_change.at[replayed++];
    if (replaying)
        return CTRL_KEY('['); /* a command that asks for more than it did: it is over */
    show();
    key = screen_key(0);
    message[0] = '\0';
    add_key(&recorded, key);
    return key;
}

void begin_recording(void)
{
    recorded.count = 0;
}

void end_recording(bool is_change)
{
    struct keys swap = last_change;

    if (!is_change || replaying)
        return;
    last_change = recorded;
    recorded = swap;
}

void repeat_change(void)
{
    if (last_change.count == 0 || replaying)
        return;
    replaying = true;
    replayed = 0;
    obey_command();
    replaying = false;
}

char *ask_line(char prompt)
{
    size_t length = 1;
    int key;

    asked[0] = prompt;
    asked[1] = '\0';
    asking = true;
    while ((key = next_key()) != '\r' && key != '\n') {
        bool back = key == 0x7f || key == '\b';

        if (key < 0 || key == CTRL_KEY('[') || key == CTRL_KEY('C') || (back && length == 1)) {
            asking = false;
            return NULL;
        }
        if (back)
            length--;
        else if (key <= 0xff && length + 1 < sizeof(asked))
            asked[length++] = (char)key;
        asked[length] = '\0';
    }
    asking = false;
    return must(strdup(asked + 1));
}

void tell(const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    vsnprintf(message, sizeof(message), format, ap);
    va_end(ap);
}

/* ---- the screen ---- */

size_t screen_height(void)
{
    return (size_t)screen_rows - 1;
}

static size_t column_of(struct place p)
{
    size_t column = 0;

    for (size_t i = 0; i < p.col && i < length_of(p.row); i++)
        column += screen_width((unsigned char)lines[p.row]->at[i], column);
    return column;
}

static void show(void)
{
    size_t height = screen_height(), column;
    const char *last = asking ? asked : message[0] != '\0' ? message : typing ? "-- typing --" : "";

    if (cursor.row < top)
        top = top - cursor.row < height
                  ? cursor.row
                  : cursor.row - (cursor.row < height / 2 ? cursor.row : height / 2);
    if (cursor.row >= top + height)
        top = cursor.row - top < 2 * height ? cursor.row - height + 1 : cursor.row - height / 2;
    column = column_of(cursor);
    if (column < left || column >= left + (size_t)screen_columns)
        left = column < (size_t)screen_columns ? 0 : column - (size_t)screen_columns / 2;
    for (size_t y = 0; y < height; y++) {
        char *text = NULL;

        if (top + y < line_count)
            text =
                screen_text(lines[top + y]->at, length_of(top + y), left, (size_t)screen_columns);
        screen_row((int)y, text != NULL ? text : "~", false);
        free(text);
    }
    screen_row((int)height, last, false);
    if (asking)
        screen_move(screen_rows - 1, (int)strlen(asked));
    else
        screen_move((int)(cursor.row - top), (int)(column - left));
}

int main(int argc, char **argv)
{
    int option;

    util_begin(argv, usage);
    while ((option = getopt(argc, argv, "")) != -1)
        util_usage();
    if (argc - optind > 1)
        util_usage();
    if (screen_begin() < 0)
        die("terminal");
    text_clear();
    if (optind < argc) {
        char *line;

        if (asprintf(&line, "e %s", argv[optind]) < 0)
            must(NULL);
        obey_line(line);
        free(line);
    }
    while (!ended)
        obey_command();
    screen_end();
    return util_end();
}
