/*
 * A line that is typed: the prompt, the keys, what they do. Read edit.h first.
 *
 *   ^A ^E ^B ^F, arrows, Home, End      the line's begin, end, a character left, right
 *   ESC b, ESC f                        a word left, right
 *   ^H ^D, Backspace, Delete            delete a character (^D on an empty line: end of file)
 *   ^K ^U ^W ESC d ESC Backspace, ^Y    kill to the end, to the begin, a word; put back
 *   ^T ^L                               exchange two characters; clear the screen
 *   ^P ^N, arrows up and down           lines typed before
 *   ^R, then ^R ^G                      search in them; further back, give up
 *   Tab, Tab Tab                        complete a name, list the names
 *   ^C                                  drop the line
 */
#include "edit.h"
#include "expand.h"
#include "job.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define CTRL(c) ((c) & 0x1f)
#define ESCAPE  0x1b
#define DELETE  0x7f

/* Keys that come as sequences get numbers above all bytes. */
enum { KEY_END_OF_FILE = -1, KEY_UP = 0x100, KEY_DOWN, KEY_LEFT, KEY_RIGHT, KEY_HOME, KEY_END_KEY,
       KEY_DELETE, KEY_UNKNOWN, KEY_META = 0x200 };

enum outcome { GO_ON, ACCEPT, DROP, FINISH };

static struct termios modes; /* the terminal's, to be put back */
static bool have_modes;
static bool is_raw;

struct editing {
    struct unwind unwind;
    struct line line;
    const char *prompt;
    size_t index;          /* in history; history_count(): the new line */
    char *new_line;        /* what was typed before one went up, malloc'ed */
    bool tab;              /* the last key was a tab */
};

static bool raw_mode(void);

/* ---- keys ---- */

AT_START static int read_byte(void)
{
    unsigned char c;

    for (;;) {
        ssize_t n = read(STDIN_FILENO, &c, 1);

        if (n == 1)
            return c;
        if (n == 0 || errno != EINTR)
            return KEY_END_OF_FILE;
        check_interrupt();
        if (trap_pending()) { /* what it runs may end the shell, or be to be interrupted */
            bool was_raw = is_raw;

            edit_restore();
            trap_run();
            if (was_raw)
                raw_mode();
        }
    }
}

/* Behind ESC [ or ESC O. */
static int read_sequence(void)
{
    int number = 0, c;

    while ((c = read_byte()) >= '0' && c <= '?')
        if (c <= '9')
            number = (number * 10 + c - '0') % 1000;
        else if (c == ';')
            number = 0; /* a modifier follows: it is not minded */
    switch (c) {
    case 'A':
        return KEY_UP;
    case 'B':
        return KEY_DOWN;
    case 'C':
        return KEY_RIGHT;
    case 'D':
        return KEY_LEFT;
    case 'H':
        return KEY_HOME;
    case 'F':
        return KEY_END_KEY;
    case '~':
        return number == 1 || number == 7 ? KEY_HOME
               : number == 4 || number == 8 ? KEY_END_KEY : number == 3 ? KEY_DELETE : KEY_UNKNOWN;
    case KEY_END_OF_FILE:
        return KEY_END_OF_FILE;
    }
    return KEY_UNKNOWN;
}

AT_START static int read_key(void)
{
    int c = read_byte();

    if (c != ESCAPE)
        return c;
    c = read_byte();
    if (c == '[' || c == 'O')
        return read_sequence();
    return c == KEY_END_OF_FILE ? c : KEY_META + c;
}

/* ---- what they do ---- */

/* Shows line `index` of the history, or the new one behind them. */
static void go_history(struct editing *e, size_t index)
{
    size_t count = history_count();

    if (index > count || index == e->index)
        return;
    if (e->index >= count) {
        free(e->new_line);
        e->new_line = copy_string(e->line.text);
    }
    e->index = index;
    line_set(&e->line, index < count ? history_line(index) : e->new_line);
}

/* ^R: what is typed is looked for in ever older lines. Returns the key that ended it. */
static int search(struct editing *e)
{
    struct line text = {0};
    char *before = copy_string(e->line.text);
    size_t index = history_count();
    bool failing = false;
    int key;

    line_set(&text, "");
    for (;;) {
        struct mark mark = temp_mark();
        long found;

        screen_show(temp_print("(%ssearch)'%s': ", failing ? "failing " : "", text.text),
                    e->line.text, e->line.cursor);
        temp_release(mark);
        key = read_key();
        if (key == CTRL('R')) {
            found = history_search(index, text.text);
        } else if (key == DELETE || key == CTRL('H')) {
            line_delete(&text, line_left(&text, text.length), text.length);
            found = history_search(history_count(), text.text);
        } else if (key >= ' ' && key < 0x100) {
            line_insert(&text, &(char){(char)key}, 1);
            found = history_search(index < history_count() ? index + 1 : index, text.text);
        } else {
            break;
        }
        failing = found < 0;
        if (failing) {
            screen_bell();
        } else {
            index = e->index = (size_t)found;
            line_set(&e->line, history_line(index));
            e->line.cursor = strstr(e->line.text, text.text) - e->line.text;
        }
    }
    if (key == CTRL('G') || key == CTRL('C')) {
        line_set(&e->line, before);
        e->index = history_count();
        key = CTRL('G');
    }
    free(before);
    free(text.text);
    return key;
}

static void tab(struct editing *e)
{
    struct mark mark = temp_mark();

    complete(&e->line, e->tab);
    temp_release(mark);
}

static void move_or_bell(struct line *line, size_t to)
{
    if (to == line->cursor)
        screen_bell();
    line->cursor = to;
}

static void delete_or_bell(struct line *line, size_t from, size_t to)
{
    if (from == to)
        screen_bell();
    line_delete(line, from, to);
}

/* Keys that change the text, or move in it. false: it is none of them. */
static bool edit_key(struct line *line, int key)
{
    size_t at = line->cursor;

    switch (key) {
    case CTRL('A'):
    case KEY_HOME:
        line->cursor = 0;
        break;
    case CTRL('E'):
    case KEY_END_KEY:
        line->cursor = line->length;
        break;
    case CTRL('B'):
    case KEY_LEFT:
        move_or_bell(line, line_left(line, at));
        break;
    case CTRL('F'):
    case KEY_RIGHT:
        move_or_bell(line, line_right(line, at));
        break;
    case KEY_META + 'b':
        move_or_bell(line, line_word_left(line, at, false));
        break;
    case KEY_META + 'f':
        move_or_bell(line, line_word_right(line, at));
        break;
    case CTRL('H'):
    case DELETE:
        delete_or_bell(line, line_left(line, at), at);
        break;
    case CTRL('D'):
    case KEY_DELETE:
        delete_or_bell(line, at, line_right(line, at));
        break;
    case CTRL('K'):
        line_kill(line, at, line->length);
        break;
    case CTRL('U'):
        line_kill(line, 0, at);
        break;
    case CTRL('W'):
        line_kill(line, line_word_left(line, at, true), at);
        break;
    case KEY_META + DELETE:
    case KEY_META + CTRL('H'):
        line_kill(line, line_word_left(line, at, false), at);
        break;
    case KEY_META + 'd':
        line_kill(line, at, line_word_right(line, at));
        break;
    case CTRL('Y'):
        if (line->killed != NULL)
            line_insert(line, line->killed, strlen(line->killed));
        break;
    case CTRL('T'):
        line_transpose(line);
        break;
    default:
        if (key < ' ' || key > 0xff)
            return false;
        line_insert(line, &(char){(char)key}, 1);
    }
    return true;
}

static enum outcome handle_key(struct editing *e, int key)
{
    if (key == CTRL('R'))
        key = search(e);
    switch (key) {
    case KEY_END_OF_FILE:
        return FINISH;
    case '\n':
    case '\r':
        return ACCEPT;
    case CTRL('C'):
        return DROP;
    case CTRL('D'):
        if (e->line.length == 0)
            return FINISH;
        break;
    case CTRL('P'):
    case KEY_UP:
        if (e->index > 0)
            go_history(e, e->index - 1);
        else
            screen_bell();
        return GO_ON;
    case CTRL('N'):
    case KEY_DOWN:
        go_history(e, e->index + 1);
        return GO_ON;
    case CTRL('L'):
        screen_clear();
        return GO_ON;
    case CTRL('G'):
        return GO_ON;
    case '\t':
        tab(e);
        return GO_ON;
    }
    if (!edit_key(&e->line, key))
        screen_bell();
    return GO_ON;
}

/* ---- a line ---- */

AT_START static const char *plain_prompt(void)
{
    return prompt_now[2] == '1' ? "$ " : "> ";
}

/* A prompt that cannot be expanded must not keep one from typing a better one. */
static const char *expanded(const char *text)
{
    const char *volatile result = plain_prompt();
    struct catcher catcher;

    if (catch(&catcher) == 0)
        result = expand_here(text);
    uncatch(&catcher);
    return result;
}

AT_START static const char *prompt_text(void)
{
    const char *text = var_get(prompt_now);

    if (text == NULL)
        text = plain_prompt();
    else if (strpbrk(text, "$`\\") != NULL)
        text = expanded(text);
    return temp_copy(text, strlen(text));
}

AT_START void edit_restore(void)
{
    if (have_modes)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &modes);
    is_raw = false;
}

AT_START static bool raw_mode(void)
{
    struct termios raw;

    have_modes = tcgetattr(STDIN_FILENO, &modes) == 0;
    if (!options[OPT_EMACS] || !have_modes)
        return false;
    raw = modes;
    raw.c_lflag &= ~(ICANON | ECHO | ISIG | IEXTEN);
    raw.c_iflag &= ~(IXON | INLCR | IGNCR);
    raw.c_iflag |= ICRNL;
    raw.c_oflag |= OPOST | ONLCR;
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    is_raw = tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0;
    return is_raw;
}

static void end_editing(struct unwind *unwind)
{
    struct editing *e = (struct editing *)unwind;

    edit_restore();
    free(e->line.text);
    free(e->line.killed);
    free(e->new_line);
}

/* Lines as they come. */
static bool plain_more(struct source *source, const char *prompt)
{
    int c;

    write(STDERR_FILENO, prompt, strlen(prompt));
    while ((c = read_byte()) != KEY_END_OF_FILE) {
        source_append(source, &(char){(char)c}, 1);
        if (c == '\n')
            return true;
    }
    return false;
}

AT_START static enum outcome edit_line(struct editing *e)
{
    enum outcome outcome = GO_ON;
    int key;

    write(STDERR_FILENO, e->prompt, strlen(e->prompt));
    key = read_key(); /* (nothing more than this is done for a prompt) */
    screen_begin(e->prompt);
    line_set(&e->line, "");
    e->index = history_count();
    for (;;) {
        outcome = handle_key(e, key);
        e->tab = key == '\t';
        if (outcome == ACCEPT || outcome == DROP)
            e->line.cursor = e->line.length;
        screen_show(e->prompt, e->line.text, e->line.cursor);
        if (outcome != GO_ON)
            return outcome;
        key = read_key();
    }
}

AT_START bool edit_more(struct source *source)
{
    struct editing e = {0};
    struct mark mark = temp_mark();
    enum outcome outcome;

    e.prompt = prompt_text(); /* (may run commands) */
    if (!raw_mode()) {
        bool more = plain_more(source, e.prompt);

        prompt_now = "PS2";
        temp_release(mark);
        return more;
    }
    unwind_push(&e.unwind, end_editing);
    check_interrupt(); /* ^C was typed before; from now on it is a key */
    outcome = edit_line(&e);
    if (outcome == DROP) {
        write(STDERR_FILENO, "^C", 2);
        screen_end();
        throw(128 + SIGINT);
    }
    if (outcome == ACCEPT) {
        screen_end();
        history_add(e.line.text);
        source_append(source, e.line.text, e.line.length);
        source_append(source, "\n", 1);
    }
    unwind_pop();
    prompt_now = "PS2";
    temp_release(mark);
    return outcome == ACCEPT;
}

/* With ignoreeof only `exit` ends the shell, as long as the terminal is there to type it. */
bool edit_at_end(void)
{
    if (options[OPT_IGNOREEOF] && isatty(STDIN_FILENO)) {
        fputs("\nUse exit to leave the shell.\n", stderr);
        return false;
    }
    fputc('\n', stderr);
    return !job_keeps();
}
