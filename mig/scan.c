/*
 * The parser's view of the tokens: the one being looked at, what it may be, and constant
 * expressions. A syntax error is reported and then left by longjmp: to the parser's loop, which
 * skips to the end of the statement. Keywords may be in any case. Read mig.h, parser.h and lexer.c
 * before.
 */
#include <string.h>
#include <strings.h>

#include "parser.h"

struct token token;
int depth;
jmp_buf next_statement;

void advance(void)
{
    if (token.kind == TOKEN_PUNCT)
        depth += (token.text[0] == '(') - (token.text[0] == ')');
    token = lexer_next();
}

void syntax_error(const char *expected)
{
    if (token.kind == TOKEN_END)
        error_at(token.place, "expected %s, found end of file", expected);
    else
        error_at(token.place, "expected %s, found '%s'", expected, token.text);
    longjmp(next_statement, 1);
}

bool looking_at(const char *punct)
{
    return token.kind == TOKEN_PUNCT && strcmp(token.text, punct) == 0;
}

bool looking_at_word(const char *word)
{
    return token.kind == TOKEN_NAME && strcasecmp(token.text, word) == 0;
}

bool accept(const char *punct)
{
    if (!looking_at(punct))
        return false;
    advance();
    return true;
}

bool accept_word(const char *word)
{
    if (!looking_at_word(word))
        return false;
    advance();
    return true;
}

void expect(const char *punct)
{
    if (!accept(punct))
        syntax_error(format_string("'%s'", punct));
}

const char *expect_name(const char *what)
{
    const char *name = token.text;

    if (token.kind != TOKEN_NAME)
        syntax_error(what);
    advance();
    return name;
}

void refuse_words(const struct refused *list)
{
    for (; list->word != NULL; list++) {
        if (!looking_at_word(list->word))
            continue;
        error_at(token.place, "'%s' has no meaning here: %s", token.text, list->reason);
        longjmp(next_statement, 1);
    }
}

/* ---- constant expressions ---- */
static uint64_t operations(int level);

static uint64_t primary(void)
{
    uint64_t value = token.number;

    if (accept("(")) {
        value = operations(0);
        expect(")");
        return value;
    }
    if (token.kind != TOKEN_NUMBER)
        syntax_error("a number");
    advance();
    return value;
}

/* Levels: 0 shifts, 1 sums, 2 products. */
static uint64_t operations(int level)
{
    static const char *const operators[3][3] = {{"<<", ">>", ""}, {"+", "-", ""}, {"*", "/", "%"}};
    uint64_t value = level == 2 ? primary() : operations(level + 1);

    for (;;) {
        struct token operator = token;
        uint64_t right;
        bool overflow = false;
        int which = 0;

        while (which < 3 && !looking_at(operators[level][which]))
            which++;
        if (which == 3)
            return value;
        advance();
        right = level == 2 ? primary() : operations(level + 1);
        switch (operator.text[0]) {
        case '+':
            overflow = __builtin_add_overflow(value, right, &value);
            break;
        case '-':
            overflow = __builtin_sub_overflow(value, right, &value);
            break;
        case '*':
            overflow = __builtin_mul_overflow(value, right, &value);
            break;
        case '<':
            overflow = right > 63 || (value << right) >> right != value;
            value = overflow ? 0 : value << right;
            break;
        case '>':
            value = right > 63 ? 0 : value >> right;
            break;
        default:
            overflow = right == 0;
            if (!overflow)
                value = operator.text[0] == '/' ? value / right : value % right;
        }
        if (overflow) {
            error_at(operator.place,
                     "expected a constant of 64 bits, found an overflow at '%s'", operator.text);
            value = 1;
        }
    }
}

uint64_t constant_expression(void)
{
    return operations(0);
}
