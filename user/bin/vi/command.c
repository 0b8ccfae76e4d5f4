/* The keys of command mode, and typing. Read vi.h and motion.c first. */
#include "vi.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <util.h>

#define ESCAPE CTRL_KEY('[')
#define TAB_WIDTH 8

/* What was deleted or yanked last. */
static char *kept;
static size_t kept_length;
static bool kept_lines;

struct place insert_begin;

static bool before(struct place a, struct place b)
{
    return a.row < b.row || (a.row == b.row && a.col < b.col);
}

static void keep(struct place from, struct place to, bool whole_lines)
{
    free(kept);
    kept = copy_range(from, to, &kept_length);
    kept_lines = whole_lines;
}

/* The cursor stands on a character, not behind the last one. */
static void settle(void)
{
    if (cursor.row >= line_count)
        cursor.row = line_count - 1;
    if (cursor.col >= length_of(cursor.row))
        cursor.col = length_of(cursor.row) > 0 ? length_of(cursor.row) - 1 : 0;
}

/* ---- typing ---- */

/* Backspace: within what is typed now. */
static void erase(void)
{
    struct place from = cursor;

    if (!before(insert_begin, cursor))
        return;
    if (cursor.col > 0) {
        from.col--;
    } else {
        from.row--;
        from.col = length_of(from.row);
    }
    delete_range(from, cursor);
    cursor = from;
}

static void type_text(void)
{
    int key;

    insert_begin = cursor;
    typing = true;
    while ((key = next_key()) != ESCAPE && key != CTRL_KEY('C') && key >= 0) {
        char c = (char)key;

        switch (key) {
        case '\r': c = '\n'; break;
        case 0x7f:
        case '\b': erase(); continue;
        case CTRL_KEY('V'): c = (char)next_key(); break;
        case KEY_LEFT: cursor.col -= cursor.col > 0; break;
        case KEY_RIGHT: cursor.col += cursor.col < length_of(cursor.row); break;
        case KEY_UP: cursor.row -= cursor.row > 0; break;
        case KEY_DOWN: cursor.row += cursor.row + 1 < line_count; break;
        case KEY_HOME: cursor.col = 0; break;
        case KEY_END: cursor.col = length_of(cursor.row); break;
        default:
            if (key > 0xff)
                continue;
        }
        if (key > 0xff) { /* moved: what comes is typed there */
            if (cursor.col > length_of(cursor.row))
                cursor.col = length_of(cursor.row);
            insert_begin = cursor;
            continue;
        }
        cursor = insert_text(cursor, &c, 1);
    }
    typing = false;
    cursor.col -= cursor.col > 0;
}

/* ---- operators ---- */

static void shift_lines(size_t from, size_t to, bool right)
{
    for (size_t row = from; row <= to; row++) {
        if (right) {
            if (length_of(row) > 0)
                insert_text((struct place){row, 0}, "\t", 1);
        } else {
            size_t blanks = 0;

            while (blanks < TAB_WIDTH && blanks < length_of(row) && lines[row]->at[blanks] == ' ')
                blanks++;
            if (blanks < TAB_WIDTH && blanks < length_of(row) && lines[row]->at[blanks] == '\t')
                blanks++;
            delete_range((struct place){row, 0}, (struct place){row, blanks});
        }
    }
    cursor = (struct place){from, first_nonblank(from)};
}

/* Lines [from, to]. */
static void operate_lines(int operator, size_t from, size_t to)
{
    struct place begin = {from, 0}, end = {to, length_of(to)};

    if (operator == '<' || operator == '>') {
        shift_lines(from, to, operator == '>');
        return;
    }
    keep(begin, end, true);
    cursor.row = from;
    if (operator == 'y')
        return;
    if (operator == 'd') {
        delete_lines(from, to - from + 1);
        if (cursor.row >= line_count)
            cursor.row = line_count - 1;
        cursor.col = first_nonblank(cursor.row);
        return;
    }
    cursor.col = 0;
    delete_range(begin, end);
    type_text();
}

static void operate(int operator, struct motion m)
{
    struct place from = cursor, to = m.to;

    if (before(to, from)) {
        from = m.to;
        to = cursor;
    }
    if (m.lines || operator == '<' || operator == '>') {
        operate_lines(operator, from.row, to.row);
        return;
    }
    if (m.inclusive && to.col < length_of(to.row))
        to.col++;
    keep(from, to, false);
    cursor = from;
    if (operator == 'y')
        return;
    delete_range(from, to);
    if (operator == 'c')
        type_text();
}

static long read_count(int *key)
{
    long count = 0;

    while (isdigit(*key) && (*key != '0' || count > 0)) {
        if (count < 100000000)
            count = count * 10 + *key - '0';
        *key = next_key();
    }
    return count;
}

/* The last of so many lines from the cursor's on. */
static size_t last_of(long count)
{
    size_t last = cursor.row + (count > 1 ? (size_t)count - 1 : 0);

    return last < line_count ? last : line_count - 1;
}

/* An operator and its motion. Has it changed something? */
static bool operator_command(int operator, long count)
{
    int key = next_key();
    long more = read_count(&key);
    struct motion m;
    bool failed;

    if (count == 0 || more == 0)
        count = count > more ? count : more;
    else
        count *= more;
    if (operator != 'y')
        text_mark();
    if (key == operator) {
        operate_lines(operator, cursor.row, last_of(count));
        return operator != 'y';
    }
    /* cw is about the word alone, not what is behind it. */
    if (operator == 'c' && (key == 'w' || key == 'W') && !isspace(char_at(cursor)))
        key = key == 'w' ? 'e' : 'E';
    if (!find_motion(key, count, &m, &failed))
        return false;
    if ((key == 'w' || key == 'W') && m.to.row > cursor.row &&
        m.to.col <= first_nonblank(m.to.row)) {
        m.to.row--; /* dw at a line's end leaves the next line where it is */
        m.to.col = length_of(m.to.row);
    }
    operate(operator, m);
    return operator != 'y';
}

/* ---- other commands ---- */

static void put_kept(bool behind, long count)
{
    for (; count > 0 && kept != NULL; count--) {
        if (kept_lines) {
            size_t row = cursor.row + behind;
            const char *p = kept;

            cursor.row = row;
            for (;;) {
                size_t length = strcspn(p, "\n");

                insert_line(row++, p, length);
                if (p[length] == '\0')
                    break;
                p += length + 1;
            }
            cursor.col = first_nonblank(cursor.row);
        } else {
            if (behind && length_of(cursor.row) > 0)
                cursor.col++;
            cursor = insert_text(cursor, kept, kept_length);
            cursor.col -= cursor.col > 0;
        }
    }
}

static void join_lines(long count)
{
    for (count -= count > 1; count > 0 && cursor.row + 1 < line_count; count--) {
        size_t end = length_of(cursor.row), begin = first_nonblank(cursor.row + 1);
        bool blank = end > 0 && begin < length_of(cursor.row + 1) &&
                     lines[cursor.row]->at[end - 1] != ' ' &&
                     lines[cursor.row + 1]->at[begin] != ')';

        delete_range((struct place){cursor.row, end}, (struct place){cursor.row + 1, begin});
        cursor.col = end;
        if (blank)
            insert_text(cursor, " ", 1);
    }
}

/* r and ~: characters that become others. */
static bool replace_chars(long count, int with)
{
    if (cursor.col + (size_t)count > length_of(cursor.row)) {
        if (with >= 0)
            return false;
        count = (long)(length_of(cursor.row) - cursor.col);
    }
    for (; count > 0; count--) {
        int old = char_at(cursor);
        char c = (char)(with >= 0 ? with : islower(old) ? toupper(old) : tolower(old));
        struct place end = {cursor.row, cursor.col + 1};

        delete_range(cursor, end);
        cursor = insert_text(cursor, c == '\r' ? "\n" : &c, 1);
    }
    if (with >= 0 && cursor.col > 0)
        cursor.col--;
    return true;
}

static void scroll_rows(long rows)
{
    size_t last = line_count - 1;

    top = rows < 0 && top < (size_t)-rows ? 0
          : top + (size_t)rows < last     ? top + (size_t)rows
                                          : last;
    cursor.row = rows < 0 && cursor.row < (size_t)-rows ? 0
                 : cursor.row + (size_t)rows < last     ? cursor.row + (size_t)rows
                                                        : last;
}

/* i a I A o O: where typing begins. */
static void insert_command(int key)
{
    switch (key) {
    case 'a': cursor.col += cursor.col < length_of(cursor.row); break;
    case 'A': cursor.col = length_of(cursor.row); break;
    case 'I': cursor.col = first_nonblank(cursor.row); break;
    case 'o':
    case 'O':
        cursor.row += key == 'o';
        insert_line(cursor.row, "", 0);
        cursor.col = 0;
        break;
    }
    type_text();
}

/* A key that stands for an operator and a motion. */
static void alias(int operator, int motion_key, long count)
{
    struct motion m;
    bool failed;

    if (find_motion(motion_key, count, &m, &failed) || operator == 'c')
        operate(operator, m);
}

/* Commands that change the text; true: it was one. */
static bool change_command(int key, long count)
{
    long times = count > 0 ? count : 1;

    if (strchr("iaIAoOxXDCsSpPJr~", key) == NULL || key == '\0')
        return false;
    text_mark();
    switch (key) {
    case 'x': alias('d', 'l', count); break;
    case 'X': alias('d', 'h', count); break;
    case 'D': alias('d', '$', count); break;
    case 'C': alias('c', '$', count); break;
    case 's': alias('c', 'l', count); break;
    case 'S': operate_lines('c', cursor.row, last_of(times)); break;
    case 'p': put_kept(true, times); break;
    case 'P': put_kept(false, times); break;
    case 'J': join_lines(times); break;
    case 'r':
        key = next_key();
        if (key != ESCAPE && key >= 0 && key <= 0xff)
            replace_chars(times, key);
        break;
    case '~': replace_chars(times, -1); break;
    default: insert_command(key);
    }
    return true;
}

/* Commands that change nothing, or what was before. */
static void other_command(int key, long count)
{
    long half = (long)screen_height() / 2, screen = (long)screen_height() - 2;
    char *line;

    switch (key) {
    case ':':
        line = ask_line(':');
        if (line != NULL)
            obey_line(line);
        free(line);
        break;
    case 'u':
        if (!text_undo())
            tell("there is nothing to undo");
        break;
    case CTRL_KEY('R'):
        if (!text_redo())
            tell("there is nothing to do again");
        break;
    case '.': repeat_change(); break;
    case CTRL_KEY('F'):
    case KEY_PAGE_DOWN: scroll_rows(screen); break;
    case CTRL_KEY('B'):
    case KEY_PAGE_UP: scroll_rows(-screen); break;
    case CTRL_KEY('D'): scroll_rows(half); break;
    case CTRL_KEY('U'): scroll_rows(-half); break;
    case CTRL_KEY('E'): top += top + 1 < line_count; break;
    case CTRL_KEY('Y'): top -= top > 0; break;
    case CTRL_KEY('G'):
        tell("line %zu of %zu%s", cursor.row + 1, line_count, changed ? ", changed" : "");
        break;
    case 'Y': operate_lines('y', cursor.row, last_of(count)); break;
    case 'Z':
        key = next_key();
        if (key == 'Z')
            obey_line("x");
        else if (key == 'Q')
            obey_line("q!");
        break;
    case ESCAPE:
    case CTRL_KEY('L'): break;
    case KEY_GONE: ended = true; break;
    default: tell("there is no such command");
    }
}

void obey_command(void)
{
    struct motion m;
    bool failed, done;
    long count;
    int key;

    begin_recording();
    key = next_key();
    count = read_count(&key);
    if (key > 0 && key < 0x80 && strchr("dcy<>", key) != NULL) {
        done = operator_command(key, count);
    } else if (key < 0x80 && key > 0 && change_command(key, count)) {
        done = true;
    } else {
        done = false;
        if (find_motion(key, count, &m, &failed))
            cursor = m.to;
        else if (!failed)
            other_command(key, count);
    }
    end_recording(done);
    settle();
}
