/* expr: works an expression out. Results are texts; those that are numbers count as such. [POSIX XCU expr] */
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <util.h>

static const char usage[] =
    "usage: expr operand...\n"
    "Prints what the expression comes to, each operand and operator being an argument. Lowest first:\n"
    "  a | b          a, if it is neither empty nor 0, else b\n"
    "  a & b          a, if neither is empty or 0, else 0\n"
    "  = != < <= > >= compare: 1 or 0\n"
    "  + -, * / %     of whole numbers\n"
    "  text : regex   the part in \\( \\), or how many characters match, from the beginning\n"
    "  ( a )          first\n"
    "Status 0: neither empty nor 0; 1: one of them; 2: the expression is wrong; 3: error.\n";

static char **at; /* the arguments not taken yet */

static bool take(const char *word)
{
    if (*at == NULL || strcmp(*at, word) != 0)
        return false;
    at++;
    return true;
}

static bool is_nothing(const char *value)
{
    long number;

    return *value == '\0' || (is_number(value, &number) && number == 0);
}

static char *text_of(long long number)
{
    char *text;

    if (asprintf(&text, "%lld", number) < 0)
        must(NULL);
    return text;
}

static long number(const char *text)
{
    long value;

    if (!is_number(text, &value))
        die_of(text, "is no whole number");
    return value;
}

static char *either(void);

static char *primary(void)
{
    char *value;

    if (*at == NULL)
        die_of(at[-1], "an operand is missing");
    if (!take("("))
        return *at++;
    value = either();
    if (!take(")"))
        die_of("(", "is not closed");
    return value;
}

static char *match(char *text, char *pattern)
{
    char *anchored, words[128];
    regmatch_t m[2];
    regex_t regex;
    int error;

    /* No \( \) around it: groups keep their numbers. */
    if (asprintf(&anchored, "%s%s", *pattern == '^' ? "" : "^", pattern) < 0)
        must(NULL);
    error = regcomp(&regex, anchored, 0);
    if (error != 0) {
        regerror(error, &regex, words, sizeof(words));
        die_of(pattern, words);
    }
    if (regexec(&regex, text, 2, m, 0) != 0)
        return regex.re_nsub > 0 ? "" : "0";
    if (regex.re_nsub == 0)
        return text_of(m[0].rm_eo);
    return m[1].rm_so < 0 ? ""
                          : must(strndup(text + m[1].rm_so, (size_t)(m[1].rm_eo - m[1].rm_so)));
}

static char *matched(void)
{
    char *value = primary();

    while (take(":"))
        value = match(value, primary());
    return value;
}

static char *product(void)
{
    char *value = matched();

    for (;;) {
        char operator = *at != NULL && (*at)[0] != '\0' && (*at)[1] == '\0' ? **at : '\0';
        long a, b, result;

        if (operator != '*' && operator != '/' && operator != '%')
            return value;
        at++;
        a = number(value);
        b = number(matched());
        if (operator != '*' && b == 0)
            die_of("0", "cannot be divided by");
        if (operator == '*') {
            if (__builtin_mul_overflow(a, b, &result))
                die_of(value, "the product is too large");
        } else if (b == -1) {
            if (__builtin_sub_overflow(0, operator == '/' ? a : 0, &result))
                die_of(value, "the quotient is too large");
        } else {
            result = operator == '/' ? a / b : a % b;
        }
        value = text_of(result);
    }
}

static char *sum(void)
{
    char *value = product();

    for (;;) {
        bool plus = take("+"), overflow;
        long a, b, result;

        if (!plus && !take("-"))
            return value;
        a = number(value);
        b = number(product());
        overflow =
            plus ? __builtin_add_overflow(a, b, &result) : __builtin_sub_overflow(a, b, &result);
        if (overflow)
            die_of(value, "the sum is too large");
        value = text_of(result);
    }
}

static char *comparison(void)
{
    static const char *const operators[] = {"=", "==", "!=", "<", "<=", ">", ">="};
    char *value = sum();

    for (;;) {
        size_t i = 0;
        long a, b;
        int order;
        char *other;
        const char *o;

        while (i < COUNT_OF(operators) && !take(operators[i]))
            i++;
        if (i == COUNT_OF(operators))
            return value;
        o = operators[i];
        other = sum();
        order =
            is_number(value, &a) && is_number(other, &b) ? (a > b) - (a < b) : strcmp(value, other);
        value = text_of(*o == '=' ? order == 0 : *o == '!' ? order != 0
                        : order == 0 ? o[1] == '=' : (order < 0) == (*o == '<'));
    }
}

static char *both(void)
{
    char *value = comparison();

    while (take("&")) {
        char *other = comparison();

        if (is_nothing(value) || is_nothing(other))
            value = "0";
    }
    return value;
}

static char *either(void)
{
    char *value = both();

    while (take("|")) {
        char *other = both();

        if (is_nothing(value))
            value = *other != '\0' ? other : "0";
    }
    return value;
}

int main(int argc, char **argv)
{
    char *value;

    util_failure = 2;
    util_begin(argv, usage);
    at = argv + 1;
    if (*at != NULL && strcmp(*at, "--") == 0)
        at++;
    if (*at == NULL)
        util_usage();
    value = either();
    if (*at != NULL)
        die_of(*at, "is no operator");
    puts(value);
    util_failure = 3;
    util_end();
    return util_status != 0 ? util_status : is_nothing(value);
}
