/*
 * Arithmetic: C's operators on integers. Read expand.h first. XCU 2.6.4.
 *
 * By precedence climbing: a level's operands are expressions of the levels above it. What && || and ?:
 * leave out is parsed, and has no effect (`skip`).
 */
#include "expand.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    const char *at, *all;
    int skip; /* > 0: not evaluated */
};

static intmax_t read_assignment(struct reader *r);
static intmax_t read_conditional(struct reader *r);

static void wrong(const struct reader *r, const char *what) __attribute__((noreturn));
static void wrong(const struct reader *r, const char *what)
{
    fail("arithmetic: %s in \"%s\"", what, r->all);
}

static void blanks(struct reader *r)
{
    while (isspace((unsigned char)*r->at))
        r->at++;
}

static intmax_t read_number(struct reader *r, const char *s, const char **end)
{
    char *behind;
    intmax_t n = (intmax_t)strtoull(s, &behind, 0);

    if (behind == s || isalnum((unsigned char)*behind) || *behind == '_')
        wrong(r, "a bad number");
    *end = behind;
    return n;
}

static intmax_t value_of(struct reader *r, const char *name)
{
    const char *value = parameter_value(name), *end;
    bool minus;
    intmax_t n;

    if (r->skip > 0)
        return 0;
    if (value == NULL && options[OPT_NOUNSET])
        fail("%s: parameter not set", name);
    if (value == NULL)
        return 0;
    while (isspace((unsigned char)*value))
        value++;
    if (*value == '\0')
        return 0;
    minus = *value == '-';
    n = read_number(r, value + (minus || *value == '+'), &end);
    while (isspace((unsigned char)*end))
        end++;
    if (*end != '\0')
        wrong(r, "a value that is no number");
    return minus ? -n : n;
}

static const char *read_name(struct reader *r)
{
    const char *begin = r->at;

    while (isalnum((unsigned char)*r->at) || *r->at == '_')
        r->at++;
    return temp_copy(begin, r->at - begin);
}

static intmax_t read_primary(struct reader *r)
{
    intmax_t n;

    blanks(r);
    if (*r->at == '(') {
        r->at++;
        n = read_assignment(r);
        blanks(r);
        if (*r->at != ')')
            wrong(r, "expected \")\"");
        r->at++;
        return n;
    }
    if (isdigit((unsigned char)*r->at))
        return read_number(r, r->at, &r->at);
    if (isalpha((unsigned char)*r->at) || *r->at == '_')
        return value_of(r, read_name(r));
    wrong(r, *r->at == '\0' ? "an operand is missing" : "expected an operand");
}

static intmax_t read_unary(struct reader *r)
{
    blanks(r);
    switch (*r->at) {
    case '-':
        r->at++;
        return (intmax_t)-(uintmax_t)read_unary(r);
    case '+':
        r->at++;
        return read_unary(r);
    case '~':
        r->at++;
        return ~read_unary(r);
    case '!':
        r->at++;
        return !read_unary(r);
    }
    return read_primary(r);
}

static const struct binary {
    char text[3];
    int level; /* 0 binds least */
} binaries[] = { /* longer ones first */
    {"||", 0}, {"&&", 1}, {"==", 5}, {"!=", 5}, {"<=", 6}, {">=", 6}, {"<<", 7}, {">>", 7},
    {"|", 2},  {"^", 3},  {"&", 4},  {"<", 6},  {">", 6},  {"+", 8},  {"-", 8},  {"*", 9},
    {"/", 9},  {"%", 9},
};
#define LEVELS 10

/* The binary operator that is next, if it is one of that level. */
static const struct binary *binary_at(struct reader *r, int level)
{
    blanks(r);
    for (size_t i = 0; i < sizeof(binaries) / sizeof(binaries[0]); i++) {
        const struct binary *b = &binaries[i];
        size_t length = strlen(b->text);

        if (strncmp(r->at, b->text, length) != 0)
            continue;
        /* "+=" and its likes assign */
        if (r->at[length] == '=' && b->level != 5 && b->level != 6 && b->level > 1
            && !(length == 1 && r->at[1] == '=' && r->at[2] == '='))
            return NULL;
        return b->level == level ? b : NULL;
    }
    return NULL;
}

static intmax_t apply(struct reader *r, const char *op, intmax_t a, intmax_t b)
{
    uintmax_t ua = (uintmax_t)a, ub = (uintmax_t)b;

    switch (op[0]) {
    case '|':
        return a | b;
    case '^':
        return a ^ b;
    case '&':
        return a & b;
    case '=':
        return a == b;
    case '!':
        return a != b;
    case '<':
        return op[1] == '<' ? (intmax_t)(ua << (ub & 63)) : op[1] == '=' ? a <= b : a < b;
    case '>':
        return op[1] == '>' ? a >> (ub & 63) : op[1] == '=' ? a >= b : a > b;
    case '+':
        return (intmax_t)(ua + ub);
    case '-':
        return (intmax_t)(ua - ub);
    case '*':
        return (intmax_t)(ua * ub);
    }
    if (b == 0) {
        if (r->skip > 0)
            return 0;
        wrong(r, "division by zero");
    }
    if (b == -1) /* INTMAX_MIN has no positive */
        return op[0] == '/' ? (intmax_t)-ua : 0;
    return op[0] == '/' ? a / b : a % b;
}

static intmax_t read_level(struct reader *r, int level)
{
    const struct binary *b;
    intmax_t left, right;

    if (level == LEVELS)
        return read_unary(r);
    left = read_level(r, level + 1);
    while ((b = binary_at(r, level)) != NULL) {
        bool decided = (level == 0 && left != 0) || (level == 1 && left == 0);

        r->at += strlen(b->text);
        r->skip += decided;
        right = read_level(r, level + 1);
        r->skip -= decided;
        if (level <= 1)
            left = level == 0 ? left != 0 || right != 0 : left != 0 && right != 0;
        else
            left = apply(r, b->text, left, right);
    }
    return left;
}

static intmax_t read_conditional(struct reader *r)
{
    intmax_t condition = read_level(r, 0), yes, no;

    blanks(r);
    if (*r->at != '?')
        return condition;
    r->at++;
    r->skip += condition == 0;
    yes = read_assignment(r);
    r->skip -= condition == 0;
    blanks(r);
    if (*r->at != ':')
        wrong(r, "expected \":\"");
    r->at++;
    r->skip += condition != 0;
    no = read_conditional(r);
    r->skip -= condition != 0;
    return condition != 0 ? yes : no;
}

/* name = value, name += value, ...: or anything else. */
static intmax_t read_assignment(struct reader *r)
{
    static const char *const ops[] = {"<<=", ">>=", "=", "+=", "-=", "*=", "/=", "%=", "&=", "^=",
                                      "|="};
    const char *begin, *name;
    intmax_t value;

    blanks(r);
    begin = r->at;
    if (!isalpha((unsigned char)*r->at) && *r->at != '_')
        return read_conditional(r);
    name = read_name(r);
    blanks(r);
    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        size_t length = strlen(ops[i]);

        if (strncmp(r->at, ops[i], length) != 0 || (length == 1 && r->at[1] == '='))
            continue;
        r->at += length;
        value = read_assignment(r);
        if (length > 1)
            value = apply(r, ops[i], value_of(r, name), value);
        if (r->skip == 0)
            var_set(name, temp_print("%jd", value));
        return value;
    }
    r->at = begin;
    return read_conditional(r);
}

intmax_t arithmetic(const char *expression)
{
    struct reader r = {expression, expression, 0};
    intmax_t value;

    blanks(&r);
    if (*r.at == '\0')
        return 0;
    value = read_assignment(&r);
    blanks(&r);
    if (*r.at != '\0')
        wrong(&r, "something is left over");
    return value;
}
