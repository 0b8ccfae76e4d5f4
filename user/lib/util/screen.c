/*
 * The terminal as a screen. Read util.h before.
 *
 * A second thread reads the keys, so that one can wait for a key for some time only: it reads a byte when one
 * is wanted, and whoever gives up waiting finds it the next time.
 */
#include <cthreads.h>
#include <errno.h>
#include <fcntl.h>
#include <mach/mach.h>
#include <mach/semaphore.h>
#include <mach/traps.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include <util.h>

#define ESCAPE     0x1b
#define TAB_WIDTH  8
#define DELETE     0x7f
#define KEY_TENTHS 1 /* what follows an escape later than this was typed */
#define TENTH      (100 * 1000 * 1000) /* of a second, in nanoseconds */

int screen_rows = 24, screen_columns = 80;

static int terminal = -1;
static struct termios before;
static char **rows; /* what each row shows; NULL: it is clear */
static char output[4096];
static size_t output_length;
static int typed_ahead = KEY_NONE;
static semaphore_t key_wanted, key_there;
static int key_read;
static bool key_pending; /* wanted, and not taken yet */

static void put(const char *text, size_t length)
{
    while (length > 0) {
        size_t room = sizeof(output) - output_length, part = length < room ? length : room;

        memcpy(output + output_length, text, part);
        output_length += part;
        text += part;
        length -= part;
        if (output_length == sizeof(output))
            screen_flush();
    }
}

static void put_string(const char *text)
{
    put(text, strlen(text));
}

void screen_flush(void)
{
    size_t done = 0;
    ssize_t n;

    while (done < output_length && (n = write(terminal, output + done, output_length - done)) > 0)
        done += (size_t)n;
    output_length = 0;
}

void screen_end(void)
{
    if (terminal < 0)
        return;
    screen_move(screen_rows - 1, 0);
    put_string("\033[K");
    screen_flush();
    tcsetattr(terminal, TCSADRAIN, &before);
    close(terminal);
    terminal = -1;
}

void screen_move(int row, int column)
{
    char text[32];

    snprintf(text, sizeof(text), "\033[%d;%dH", row + 1, column + 1);
    put_string(text);
}

/* The bytes in columns that are seen: as much of the line as is between two columns. */
char *screen_text(const char *text, size_t length, size_t left, size_t columns)
{
    char *shown = must(malloc(columns + 1));
    size_t column = 0, used = 0;

    for (size_t i = 0; i < length && column < left + columns; i++) {
        unsigned char c = (unsigned char)text[i];
        size_t width = screen_width(c, column);
        char cell[TAB_WIDTH + 1] = "        ";

        if (c >= ' ' && c != DELETE)
            cell[0] = (char)c;
        else if (c != '\t')
            memcpy(cell, (char[]){'^', (char)(c ^ 0x40)}, 2);
        for (size_t n = 0; n < width; n++, column++)
            if (column >= left && used < columns)
                shown[used++] = cell[n];
    }
    shown[used] = '\0';
    return shown;
}

size_t screen_width(int c, size_t column)
{
    return c == '\t' ? TAB_WIDTH - column % TAB_WIDTH : c < ' ' || c == DELETE ? 2 : 1;
}

void screen_row(int row, const char *text, bool reverse)
{
    char *shown;

    if (asprintf(&shown, "%s%.*s%s", reverse ? "\033[7m" : "", screen_columns, text,
                 reverse ? "\033[m" : "") < 0)
        must(NULL);
    if (rows[row] != NULL && strcmp(rows[row], shown) == 0) {
        free(shown);
        return;
    }
    free(rows[row]);
    rows[row] = shown;
    screen_move(row, 0);
    put_string(shown);
    if (strlen(text) < (size_t)screen_columns)
        put_string("\033[K");
}

static void *read_keys(void *unused)
{
    for (;;) {
        unsigned char byte;

        while (semaphore_wait(key_wanted) == KERN_ABORTED)
            ;
        key_read = read(terminal, &byte, 1) == 1 ? byte : KEY_GONE;
        semaphore_signal(key_there);
    }
    return unused;
}

int screen_begin(void)
{
    struct winsize size;
    struct termios keys;

    terminal = open("/dev/tty", O_RDWR | O_CLOEXEC);
    if (terminal < 0)
        return -1;
    if (tcgetattr(terminal, &before) < 0) {
        close(terminal);
        terminal = -1;
        return -1;
    }
    if (tcgetwinsize(terminal, &size) == 0 && size.ws_row > 1 && size.ws_col > 1) {
        screen_rows = size.ws_row;
        screen_columns = size.ws_col;
    }
    keys = before;
    keys.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG | IEXTEN);
    keys.c_iflag &= ~(tcflag_t)(ICRNL | IXON);
    keys.c_oflag &= ~(tcflag_t)OPOST;
    keys.c_cc[VMIN] = 1;
    keys.c_cc[VTIME] = 0;
    if (semaphore_create(mach_task_self(), &key_wanted, SYNC_POLICY_FIFO, 0) != KERN_SUCCESS
        || semaphore_create(mach_task_self(), &key_there, SYNC_POLICY_FIFO, 0) != KERN_SUCCESS
        || mach_thread_create(read_keys, NULL, NULL) != KERN_SUCCESS) {
        errno = ENOMEM; /* the program gives up, and what was made with it */
        return -1;
    }
    rows = must(calloc((size_t)screen_rows, sizeof(*rows)));
    tcsetattr(terminal, TCSADRAIN, &keys);
    put_string("\033[H\033[2J");
    atexit(screen_end);
    return 0;
}

/* A byte, KEY_NONE or KEY_GONE. */
static int read_byte(int tenths)
{
    kern_return_t kr;

    if (!key_pending)
        semaphore_signal(key_wanted);
    key_pending = true;
    do
        kr = tenths > 0 ? semaphore_timedwait(key_there, (uint64_t)tenths / 10, tenths % 10 * TENTH)
                        : semaphore_wait(key_there);
    while (kr == KERN_ABORTED);
    if (kr != KERN_SUCCESS)
        return kr == KERN_OPERATION_TIMED_OUT ? KEY_NONE : KEY_GONE;
    key_pending = false;
    return key_read;
}

int screen_key(int tenths)
{
    static const char letters[] = "ABCDHF"; /* from KEY_UP on: ESC [ A and so on */
    static const int tilde[] = {0, KEY_HOME, 0, KEY_DELETE, KEY_END, KEY_PAGE_UP, KEY_PAGE_DOWN};
    int key = typed_ahead, number = 0;
    const char *letter;

    typed_ahead = KEY_NONE;
    screen_flush();
    if (key == KEY_NONE)
        key = read_byte(tenths);
    if (key != ESCAPE)
        return key;
    key = read_byte(KEY_TENTHS);
    if (key != '[') {
        typed_ahead = key; /* the escape was a key of its own */
        return ESCAPE;
    }
    while ((key = read_byte(KEY_TENTHS)) >= '0' && key <= '9')
        number = number * 10 + key - '0';
    letter = key > 0 ? strchr(letters, key) : NULL;
    if (letter != NULL)
        return KEY_UP + (int)(letter - letters);
    return key == '~' && number > 0 && number < (int)COUNT_OF(tilde) && tilde[number] != 0
               ? tilde[number]
               : ESCAPE;
}
