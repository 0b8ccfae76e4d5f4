/*
 * From a pattern to its tree, by recursive descent: alternatives, of concatenations, of repeated atoms.
 * Beyond POSIX's: \+ \? \| in basic patterns (as POSIX 2024 allows), references in extended ones, and
 * \< \> \b \B \w \W \s \S \` \' as GNU's have them. Read regex_tree.h before.
 */
#include "regex_tree.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 1000 /* groups within groups: the parser's recursion, and so its stack */
#define NODES_MAX 4000000 /* after x{m,n} were written out: what 32-bit indices into programs allow amply */

struct parser {
    struct regex *re;
    const char *p;
    int error;
    int depth;
    bool extended;
    bool closed[10]; /* groups that are complete, for references */
};

static int alternatives(struct parser *parser);

static int fail(struct parser *parser, int error)
{
    if (parser->error == 0)
        parser->error = error;
    return -1;
}

/* Room for one element more in an array of `count`; false: there is no memory. */
static bool make_room(void **array, int count, int *room, size_t size)
{
    int more = *room != 0 ? *room * 2 : 16;
    void *new;

    if (count < *room)
        return true;
    new = count < NODES_MAX ? reallocarray(*array, (size_t)more, size) : NULL;
    if (new == NULL)
        return false;
    *array = new;
    *room = more;
    return true;
}

static int new_node(struct parser *parser, int type, int value)
{
    struct regex *re = parser->re;

    if (!make_room((void **)&re->nodes, re->node_count, &re->node_room, sizeof(*re->nodes)))
        return fail(parser, REG_ESPACE);
    re->nodes[re->node_count] = (struct node){.type = (uint8_t)type, .value = value, .first = -1, .next = -1};
    return re->node_count++;
}

static int new_set(struct parser *parser, const struct set *set)
{
    struct regex *re = parser->re;

    for (int i = 0; i < re->set_count; i++)
        if (memcmp(&re->sets[i], set, sizeof(*set)) == 0)
            return new_node(parser, NODE_SET, i);
    if (!make_room((void **)&re->sets, re->set_count, &re->set_room, sizeof(*re->sets)))
        return fail(parser, REG_ESPACE);
    re->sets[re->set_count++] = *set;
    return new_node(parser, NODE_SET, re->set_count - 1);
}

static int byte_node(struct parser *parser, unsigned char byte)
{
    struct set set = {{0}};

    set_add(&set, byte);
    if (parser->re->flags & REG_ICASE) {
        set_add(&set, (unsigned char)tolower(byte));
        set_add(&set, (unsigned char)toupper(byte));
    }
    return new_set(parser, &set);
}

static int any_node(struct parser *parser)
{
    struct set set;

    memset(&set, 0xff, sizeof(set));
    if (parser->re->flags & REG_NEWLINE)
        set.bits['\n' / 32] &= ~(1U << '\n' % 32);
    return new_set(parser, &set);
}

/* \w, \s and their opposites. */
static int class_node(struct parser *parser, char letter)
{
    struct set set = {{0}};
    char lower = (char)tolower((unsigned char)letter);

    __regex_class(lower == 'w' ? "alnum" : "space", 5, &set);
    if (lower == 'w')
        set_add(&set, '_');
    for (int i = 0; letter != lower && i < 8; i++)
        set.bits[i] = ~set.bits[i];
    return new_set(parser, &set);
}

/* A node of that type with these children, the first of a list. */
static int parent(struct parser *parser, int type, int value, int child)
{
    int node = child >= 0 ? new_node(parser, type, value) : -1;
    struct node *nodes = parser->re->nodes;

    if (node < 0)
        return -1;
    nodes[node].first = child;
    nodes[node].groups = type == NODE_GROUP;
    for (; child >= 0; child = nodes[child].next)
        nodes[node].groups |= nodes[child].groups;
    return node;
}

/* A copy of the tree below node, for x{m,n}. */
static int copy(struct parser *parser, int node)
{
    int new = new_node(parser, parser->re->nodes[node].type, parser->re->nodes[node].value);
    int last = -1;

    if (new < 0)
        return -1;
    parser->re->nodes[new].groups = parser->re->nodes[node].groups;
    for (int child = parser->re->nodes[node].first; child >= 0; child = parser->re->nodes[child].next) {
        int copied = copy(parser, child);

        if (copied < 0)
            return -1;
        if (last < 0)
            parser->re->nodes[new].first = copied;
        else
            parser->re->nodes[last].next = copied;
        last = copied;
    }
    return new;
}

static int optional(struct parser *parser, int node)
{
    int empty = node >= 0 ? new_node(parser, NODE_EMPTY, 0) : -1;

    if (empty < 0)
        return -1;
    parser->re->nodes[node].next = empty;
    return parent(parser, NODE_ALT, 0, node);
}

/* node, at least min and at most max times (-1: any number), written out: x{2,4} is xxx?x?, x+ is xx*. */
static int repeat(struct parser *parser, int node, int min, int max)
{
    int last = -1;
    int first = -1;
    int count = max < 0 ? min + 1 : max;

    if (min == 0 && max < 0)
        return parent(parser, NODE_STAR, 0, node);
    if (min == 1 && max == 1)
        return node;
    for (int i = 0; i < count; i++) {
        int part = i == count - 1 ? node : copy(parser, node);

        if (i >= min)
            part = max < 0 ? parent(parser, NODE_STAR, 0, part) : optional(parser, part);
        if (part < 0)
            return -1;
        if (last < 0)
            first = part;
        else
            parser->re->nodes[last].next = part;
        last = part;
    }
    return first >= 0 ? parent(parser, NODE_CAT, 0, first) : new_node(parser, NODE_EMPTY, 0);
}

static int number(struct parser *parser)
{
    int value = 0;

    while (isdigit((unsigned char)*parser->p)) {
        value = value * 10 + (*parser->p++ - '0');
        if (value > RE_DUP_MAX)
            return fail(parser, REG_BADBR);
    }
    return value;
}

/* {m}, {m,} or {m,n}, from behind the opening brace. */
static int interval(struct parser *parser, int node)
{
    const char *close = parser->extended ? "}" : "\\}";
    int min;
    int max;

    if (!isdigit((unsigned char)*parser->p) && *parser->p != ',')
        return fail(parser, strstr(parser->p, close) != NULL ? REG_BADBR : REG_EBRACE);
    min = number(parser);
    max = min;
    if (min >= 0 && *parser->p == ',') {
        parser->p++;
        max = isdigit((unsigned char)*parser->p) ? number(parser) : -1;
    }
    if (parser->error != 0)
        return -1;
    if (strncmp(parser->p, close, strlen(close)) != 0)
        return fail(parser, *parser->p == '\0' ? REG_EBRACE : REG_BADBR);
    parser->p += strlen(close);
    if (max >= 0 && min > max)
        return fail(parser, REG_BADBR);
    return repeat(parser, node, min, max);
}

/* The operator at p, or '\0': one of * + ? {; with its length. */
static char operator(const struct parser *parser, const char *p, int *length)
{
    bool escaped = !parser->extended && *p == '\\' && p[1] != '*'; /* (an escaped star is a star) */
    char c = *p == '*' ? '*' : parser->extended ? *p : escaped ? p[1] : '\0';

    *length = 1 + escaped;
    if (c == '{' && parser->extended && !isdigit((unsigned char)p[1]) && p[1] != ',')
        return '\0'; /* a brace that begins no interval is a brace */
    return c != '\0' && strchr("*+?{", c) != NULL ? c : '\0';
}

/* What may follow an atom, any number of times. Several of * + ? are the same as one of them. */
static int repetitions(struct parser *parser, int node)
{
    for (int count = 0; node >= 0; count++) {
        int length;
        char c = operator(parser, parser->p, &length);
        int min = 1;
        int max = 1;

        if (c == '\0')
            return node;
        if (count > DEPTH_MAX)
            return fail(parser, REG_ESPACE);
        if (c == '{') {
            parser->p += length;
            node = interval(parser, node);
            continue;
        }
        for (; c != '\0' && c != '{'; c = operator(parser, parser->p, &length)) {
            parser->p += length;
            min = c == '+' ? min : 0;
            max = c == '?' ? max : -1;
        }
        node = repeat(parser, node, min, max);
    }
    return -1;
}

static int group(struct parser *parser)
{
    const char *close = parser->extended ? ")" : "\\)";
    int index = ++parser->re->group_count;
    int inside;

    if (++parser->depth > DEPTH_MAX)
        return fail(parser, REG_ESPACE);
    inside = alternatives(parser);
    parser->depth--;
    if (inside < 0)
        return -1;
    if (strncmp(parser->p, close, strlen(close)) != 0)
        return fail(parser, REG_EPAREN);
    parser->p += strlen(close);
    if (index < 10)
        parser->closed[index] = true;
    return parent(parser, NODE_GROUP, index, inside);
}

/* Behind a backslash, which has been read. */
static int escape(struct parser *parser)
{
    static const char assertions[] = "^$<>bB`'"; /* in the order of enum assertion */
    char c = *parser->p++;

    switch (c) {
    case '\0':
        parser->p--;
        return fail(parser, REG_EESCAPE);
    case '1' ... '9':
        if (!parser->closed[c - '0'])
            return fail(parser, REG_ESUBREG);
        parser->re->has_refs = true;
        return new_node(parser, NODE_REF, c - '0');
    case 'w': case 'W': case 's': case 'S':
        return class_node(parser, c);
    case '<': case '>': case 'b': case 'B': case '`': case '\'':
        return new_node(parser, NODE_ASSERT, (int)(strchr(assertions, c) - assertions));
    case '{':
        return parser->extended ? byte_node(parser, '{') : fail(parser, REG_BADRPT);
    default:
        return byte_node(parser, (unsigned char)c);
    }
}

/* Is the pattern at an end of an alternative: its own, a group's, or before a bar? */
static bool at_end(const struct parser *parser, const char *p)
{
    if (*p == '\0')
        return true;
    if (parser->extended)
        return *p == '|' || (*p == ')' && parser->depth > 0);
    return *p == '\\' && (p[1] == '|' || p[1] == ')');
}

/* One atom with what repeats it. `first`: nothing but an anchor came before in this alternative. */
static int piece(struct parser *parser, bool first, bool anchored)
{
    char c = *parser->p;

    if (c == '^' && (parser->extended || (first && !anchored))) {
        parser->p++;
        return new_node(parser, NODE_ASSERT, ASSERT_BOL);
    }
    if (c == '$' && (parser->extended || at_end(parser, parser->p + 1))) {
        parser->p++;
        return new_node(parser, NODE_ASSERT, ASSERT_EOL);
    }
    if (first && parser->extended && strchr("*+?", c) != NULL)
        return fail(parser, REG_BADRPT);
    if (first && parser->extended && c == '{' && isdigit((unsigned char)parser->p[1]))
        return fail(parser, REG_BADRPT);
    parser->p++;
    if (c == '[') {
        struct set set = {{0}};
        int error = __regex_bracket(&parser->p, parser->re->flags, &set);

        return error != 0 ? fail(parser, error) : repetitions(parser, new_set(parser, &set));
    }
    if (c == '.')
        return repetitions(parser, any_node(parser));
    if (parser->extended ? c == '(' : c == '\\' && *parser->p == '(') {
        parser->p += !parser->extended;
        return repetitions(parser, group(parser));
    }
    if (c == '\\')
        return repetitions(parser, escape(parser));
    return repetitions(parser, byte_node(parser, (unsigned char)c));
}

static int concatenation(struct parser *parser)
{
    bool anchored = false;
    bool any = false;
    int first = -1;
    int last = -1;

    while (!at_end(parser, parser->p)) {
        int part = piece(parser, !any, anchored);

        if (part < 0)
            return -1;
        if (last < 0)
            first = part;
        else
            parser->re->nodes[last].next = part;
        last = part;
        if (parser->re->nodes[part].type == NODE_ASSERT && parser->re->nodes[part].value == ASSERT_BOL)
            anchored = true;
        else
            any = true;
    }
    if (first < 0)
        return new_node(parser, NODE_EMPTY, 0);
    return first == last ? first : parent(parser, NODE_CAT, 0, first);
}

static int alternatives(struct parser *parser)
{
    int first = concatenation(parser);
    int last = first;

    while (last >= 0) {
        int part;

        if (parser->extended ? *parser->p != '|' : parser->p[0] != '\\' || parser->p[1] != '|')
            break;
        parser->p += parser->extended ? 1 : 2;
        part = concatenation(parser);
        if (part < 0)
            return -1;
        parser->re->nodes[last].next = part;
        last = part;
    }
    if (last < 0)
        return -1;
    return first == last ? first : parent(parser, NODE_ALT, 0, first);
}

int __regex_parse(struct regex *re, const char *pattern)
{
    struct parser parser = {.re = re, .p = pattern, .extended = (re->flags & REG_EXTENDED) != 0};

    re->root = alternatives(&parser);
    if (parser.error == 0 && *parser.p != '\0')
        return REG_EPAREN;
    return parser.error;
}
