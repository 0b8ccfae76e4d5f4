/* Motions: where a key leads. Read vi.h first. */
#include "vi.h"

#include <ctype.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <util.h>

static regex_t pattern;
static bool has_pattern, last_backwards;
static int found_char, found_key; /* of f F t T, for ; and , */

size_t first_nonblank(size_t row)
{
    size_t col = 0;

    while (col < length_of(row) && isblank((unsigned char)lines[row]->at[col]))
        col++;
    return col;
}

/* ---- words ---- */

static int class_of(struct place p, bool big)
{
    int c = char_at(p);

    if (isspace(c))
        return 0;
    return big || isalnum(c) || c == '_' ? 1 : 2;
}

static bool step(struct place *p, bool forward)
{
    if (forward) {
        if (p->col < length_of(p->row)) {
            p->col++;
        } else if (p->row + 1 < line_count) {
            *p = (struct place){p->row + 1, 0};
        } else {
            return false;
        }
    } else if (p->col > 0) {
        p->col--;
    } else if (p->row > 0) {
        p->row--;
        p->col = length_of(p->row);
    } else {
        return false;
    }
    return true;
}

static bool is_empty_line(struct place p)
{
    return p.col == 0 && length_of(p.row) == 0;
}

static void word_forward(struct place *p, bool big)
{
    int class = class_of(*p, big);

    while (class != 0 && class_of(*p, big) == class && step(p, true))
        ;
    while (class_of(*p, big) == 0 && step(p, true) && !is_empty_line(*p))
        ;
}

static void word_end(struct place *p, bool big)
{
    struct place next;

    do
        if (!step(p, true))
            return;
    while (class_of(*p, big) == 0);
    for (next = *p; step(&next, true) && class_of(next, big) == class_of(*p, big);)
        *p = next;
}

static void word_back(struct place *p, bool big)
{
    struct place before;

    do
        if (!step(p, false))
            return;
    while (class_of(*p, big) == 0 && !is_empty_line(*p));
    for (before = *p; step(&before, false) && class_of(before, big) == class_of(*p, big);)
        *p = before;
}

/* ---- in a line ---- */

static bool find_char(int key, int c, long count, struct motion *m)
{
    bool forward = key == 'f' || key == 't';
    const char *text = lines[cursor.row]->at;
    size_t col = cursor.col;

    for (; count > 0; count--)
        do {
            if (forward ? ++col >= length_of(cursor.row) : col-- == 0)
                return false;
        } while ((unsigned char)text[col] != c);
    if (key == 't')
        col--;
    if (key == 'T')
        col++;
    m->to.col = col;
    m->inclusive = forward;
    return true;
}

/* The bracket that belongs to the first one in the line from the cursor on. */
static bool find_bracket(struct motion *m)
{
    static const char open_ones[] = "([{", close_ones[] = ")]}";
    struct place p = cursor;
    const char *o = NULL, *c = NULL;
    int depth = 0;

    for (;; p.col++) {
        if (p.col >= length_of(p.row))
            return false;
        o = strchr(open_ones, char_at(p));
        c = strchr(close_ones, char_at(p));
        if (o != NULL || c != NULL)
            break;
    }
    size_t which = o != NULL ? (size_t)(o - open_ones) : (size_t)(c - close_ones);

    do {
        int at = char_at(p);

        depth += (at == open_ones[which]) - (at == close_ones[which]);
        if (depth == 0) {
            m->to = p;
            m->inclusive = true;
            return true;
        }
    } while (step(&p, o != NULL));
    return false;
}

/* ---- searching ---- */

/* The match in the line that begins first at or behind `from`, or (last) the last one before it. */
static bool match_in(size_t row, size_t from, bool last, struct place *to)
{
    const struct line_text *line = lines[row];
    bool found = false;
    size_t at = last ? 0 : from;
    regmatch_t m;

    while (at <= line->length) {
        m = (regmatch_t){(regoff_t)at, (regoff_t)line->length};
        if (regexec(&pattern, line->at, 1, &m, REG_STARTEND | (at > 0 ? REG_NOTBOL : 0)) != 0
            || (last && (size_t)m.rm_so >= from))
            break;
        found = true;
        *to = (struct place){row, (size_t)m.rm_so};
        if (!last)
            break;
        at = (size_t)m.rm_so + 1;
    }
    return found;
}

static bool find_pattern(bool backwards, struct place *to)
{
    for (size_t n = 0; n <= line_count; n++) {
        size_t row = (cursor.row + (backwards ? line_count - n % line_count : n)) % line_count;
        size_t from = backwards ? (n == 0 ? cursor.col : length_of(row) + 1)
                      : n == 0  ? cursor.col + 1
                                : 0;

        if (match_in(row, from, backwards, to))
            return true;
    }
    tell("not found");
    return false;
}

bool search(const char *text, bool backwards, struct place *to)
{
    char words[128];
    int error;

    last_backwards = backwards;
    if (text != NULL && *text != '\0') {
        if (has_pattern)
            regfree(&pattern);
        error = regcomp(&pattern, text, 0);
        has_pattern = error == 0;
        if (!has_pattern) {
            regerror(error, &pattern, words, sizeof(words));
            tell("%s", words);
            return false;
        }
    }
    if (!has_pattern) {
        tell("nothing was searched for yet");
        return false;
    }
    return find_pattern(backwards, to);
}

bool search_again(bool other_way, struct place *to)
{
    if (!has_pattern) {
        tell("nothing was searched for yet");
        return false;
    }
    return find_pattern(last_backwards != other_way, to);
}

/* ---- all of them ---- */

static void to_row(struct motion *m, size_t row)
{
    m->to.row = row < line_count ? row : line_count - 1;
    m->to.col = first_nonblank(m->to.row);
    m->lines = true;
}

/* j and k keep the column, as far as the line has it. */
static bool up_or_down(struct motion *m, long rows)
{
    if ((rows < 0 && cursor.row < (size_t)-rows) ||
        (rows > 0 && cursor.row + (size_t)rows >= line_count))
        return false;
    m->to.row = cursor.row + (size_t)rows;
    m->lines = true;
    return true;
}

static bool search_motion(int key, struct motion *m)
{
    char *text = ask_line((char)key);
    bool good = text != NULL && search(text, key == '?', &m->to);

    free(text);
    return good;
}

static bool word_motion(int key, long count, struct motion *m)
{
    bool big = isupper(key);

    for (; count > 0; count--)
        switch (tolower(key)) {
        case 'w': word_forward(&m->to, big); break;
        case 'b': word_back(&m->to, big); break;
        default: word_end(&m->to, big);
        }
    m->inclusive = tolower(key) == 'e';
    return true;
}

bool find_motion(int key, long count, struct motion *m, bool *failed)
{
    long times = count > 0 ? count : 1;
    bool good = true;

    *m = (struct motion){.to = cursor};
    *failed = false;
    switch (key) {
    case 'h':
    case KEY_LEFT:
    case '\b':
    case 0x7f:
        good = cursor.col > 0;
        m->to.col -= (size_t)times < cursor.col ? (size_t)times : cursor.col;
        break;
    case 'l':
    case ' ':
    case KEY_RIGHT:
        good = cursor.col < length_of(cursor.row);
        m->to.col += (size_t)times;
        if (m->to.col > length_of(cursor.row))
            m->to.col = length_of(cursor.row);
        break;
    case 'j':
    case CTRL_KEY('N'):
    case KEY_DOWN: good = up_or_down(m, times); break;
    case 'k':
    case CTRL_KEY('P'):
    case KEY_UP: good = up_or_down(m, -times); break;
    case '+':
    case '\r':
    case '\n':
        good = up_or_down(m, times);
        m->to.col = good ? first_nonblank(m->to.row) : 0;
        break;
    case '-':
        good = up_or_down(m, -times);
        m->to.col = good ? first_nonblank(m->to.row) : 0;
        break;
    case '0':
    case KEY_HOME: m->to.col = 0; break;
    case '^': m->to.col = first_nonblank(cursor.row); break;
    case '$':
    case KEY_END:
        m->to.row += (size_t)times - 1 < line_count - cursor.row ? (size_t)times - 1
                                                                 : line_count - cursor.row - 1;
        m->to.col = length_of(m->to.row);
        break;
    case '|':
        m->to.col =
            (size_t)times - 1 < length_of(cursor.row) ? (size_t)times - 1 : length_of(cursor.row);
        break;
    case 'w':
    case 'W':
    case 'b':
    case 'B':
    case 'e':
    case 'E': good = word_motion(key, times, m); break;
    case 'G': to_row(m, count > 0 ? (size_t)count - 1 : line_count - 1); break;
    case 'g':
        good = next_key() == 'g';
        to_row(m, count > 0 ? (size_t)count - 1 : 0);
        break;
    case 'H': to_row(m, top + (size_t)times - 1); break;
    case 'M':
        to_row(m,
               top + (line_count - top < screen_height() ? line_count - top : screen_height()) / 2);
        break;
    case 'L': to_row(m, top + screen_height() - 1); break;
    case 'f':
    case 'F':
    case 't':
    case 'T':
        found_key = key;
        found_char = next_key();
        good = find_char(key, found_char, times, m);
        break;
    case ';': good = found_key != 0 && find_char(found_key, found_char, times, m); break;
    case ',': good = found_key != 0 && find_char(found_key ^ 0x20, found_char, times, m); break;
    case '%': good = find_bracket(m); break;
    case '/':
    case '?': good = search_motion(key, m); break;
    case 'n':
    case 'N': good = search_again(key == 'N', &m->to); break;
    default: return false;
    }
    *failed = !good;
    return good;
}
