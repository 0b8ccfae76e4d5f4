/* test, [: is it so? By the number of arguments, and beyond four by -o and -a. [POSIX XCU test] */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <util.h>

static const char usage[] =
    "usage: test [expression]\n"
    "       [ [expression] ]\n"
    "Says by its exit status whether the expression is true: 0; false: 1; wrong: 2.\n"
    "  -e -f -d -h -L -p -S -b -c file  there is such a file, of any type or of that\n"
    "  -r -w -x file                    one may read it, write it, run it\n"
    "  -s -u -g -k file                 it is not empty, has the set-user-id, set-group-id, sticky bit\n"
    "  -t fd                            the descriptor is a terminal\n"
    "  -n text, -z text, text           the text is not empty, is empty, is not\n"
    "  a = b, a != b                    of texts\n"
    "  a -eq -ne -lt -le -gt -ge b      of numbers\n"
    "  a -nt -ot -ef b                  newer than, older than, the same file as\n"
    "  ! x, ( x ), x -a y, x -o y       not, first, and, or\n";

static char **at, **end; /* the arguments not taken yet */

static bool unary(char letter, const char *operand)
{
    struct stat st;

    if (letter == 'n' || letter == 'z')
        return (*operand == '\0') == (letter == 'z');
    if (letter == 't')
        return isatty((int)number_of(operand, 0, 1 << 20, "a descriptor"));
    if (letter == 'r' || letter == 'w' || letter == 'x')
        return access(operand, letter == 'r' ? R_OK : letter == 'w' ? W_OK : X_OK) == 0;
    if ((letter == 'h' || letter == 'L' ? lstat : stat)(operand, &st) < 0)
        return false;
    switch (letter) {
    case 'f': return S_ISREG(st.st_mode);
    case 'd': return S_ISDIR(st.st_mode);
    case 'h':
    case 'L': return S_ISLNK(st.st_mode);
    case 'p': return S_ISFIFO(st.st_mode);
    case 'S': return S_ISSOCK(st.st_mode);
    case 'b': return S_ISBLK(st.st_mode);
    case 'c': return S_ISCHR(st.st_mode);
    case 's': return st.st_size > 0;
    case 'u': return st.st_mode & S_ISUID;
    case 'g': return st.st_mode & S_ISGID;
    case 'k': return st.st_mode & S_ISVTX;
    default: return true; /* e */
    }
}

static bool is_unary(const char *word)
{
    return word[0] == '-' && word[1] != '\0' && word[2] == '\0'
           && strchr("bcdefghkLnprsStuwxz", word[1]) != NULL;
}

static bool compare_files(const char *a, const char *operator, const char *b)
{
    struct stat x, y;
    bool has_x = stat(a, &x) == 0, has_y = stat(b, &y) == 0;
    long order;

    if (strcmp(operator, "-ef") == 0)
        return has_x && has_y && x.st_ino == y.st_ino && x.st_dev == y.st_dev;
    if (!has_x || !has_y)
        return strcmp(operator, "-nt") == 0 ? has_x : has_y;
    order = x.st_mtim.tv_sec != y.st_mtim.tv_sec ? x.st_mtim.tv_sec - y.st_mtim.tv_sec
                                                 : x.st_mtim.tv_nsec - y.st_mtim.tv_nsec;
    return strcmp(operator, "-nt") == 0 ? order > 0 : order < 0;
}

static bool is_binary(const char *word)
{
    static const char *const operators[] = {"=",   "==",  "!=",  "-eq", "-ne", "-lt",
                                            "-le", "-gt", "-ge", "-nt", "-ot", "-ef"};

    for (size_t i = 0; i < COUNT_OF(operators); i++)
        if (strcmp(word, operators[i]) == 0)
            return true;
    return false;
}

static long number(const char *text)
{
    long value;

    text += strspn(text, " \t\n"); /* as XCU 2.6.4 and other shells have it */
    if (!is_number(text, &value))
        die_of(text, "is no number");
    return value;
}

static bool binary(const char *a, const char *operator, const char *b)
{
    long order;

    if (operator[0] != '-')
        return (strcmp(a, b) == 0) == (operator[0] == '=');
    if (strcmp(operator, "-nt") == 0 || strcmp(operator, "-ot") == 0 ||
        strcmp(operator, "-ef") == 0)
        return compare_files(a, operator, b);
    order = (number(a) > number(b)) - (number(a) < number(b));
    switch (operator[1] << 8 | operator[2]) {
    case 'e' << 8 | 'q': return order == 0;
    case 'n' << 8 | 'e': return order != 0;
    case 'l' << 8 | 't': return order < 0;
    case 'l' << 8 | 'e': return order <= 0;
    case 'g' << 8 | 't': return order > 0;
    default: return order >= 0;
    }
}

static bool is(int ahead, const char *word)
{
    return end - at > ahead && strcmp(at[ahead], word) == 0;
}

static bool either(void);

static bool primary(void)
{
    bool result;

    if (at == end)
        die_of(at[-1], "an operand is missing");
    if (end - at >= 3 && is_binary(at[1])) {
        at += 3;
        return binary(at[-3], at[-2], at[-1]);
    }
    if (is(0, "!") && end - at > 1) {
        at++;
        return !primary();
    }
    if (is(0, "(") && end - at > 1) {
        at++;
        result = either();
        if (!is(0, ")"))
            die_of("(", "is not closed");
        at++;
        return result;
    }
    if (end - at >= 2 && is_unary(at[0])) {
        at += 2;
        return unary(at[-2][1], at[-1]);
    }
    return *(*at++) != '\0';
}

static bool both(void)
{
    bool result = primary();

    while (is(0, "-a")) {
        at++;
        result &= primary();
    }
    return result;
}

static bool either(void)
{
    bool result = both();

    while (is(0, "-o")) {
        at++;
        result |= both();
    }
    return result;
}

/* POSIX's rules for up to four arguments, which no operand can upset. */
static bool by_count(void)
{
    switch (end - at) {
    case 0: return false;
    case 1: return *(*at++) != '\0';
    case 2:
        if (is(0, "!")) {
            at += 2;
            return *at[-1] == '\0';
        }
        if (!is_unary(at[0]))
            die_of(at[0], "is no operator");
        at += 2;
        return unary(at[-2][1], at[-1]);
    case 3:
        if (is_binary(at[1]) || is(1, "-a") || is(1, "-o"))
            return either();
        if (is(0, "!")) {
            at++;
            return !by_count();
        }
        if (is(0, "(") && is(2, ")")) {
            at += 3;
            return *at[-2] != '\0';
        }
        die_of(at[1], "is no operator");
    case 4:
        if (is(0, "!")) {
            at++;
            return !by_count();
        }
    }
    return either();
}

int main(int argc, char **argv)
{
    const char *slash = strrchr(argv[0], '/');
    bool bracket = strcmp(slash != NULL ? slash + 1 : argv[0], "[") == 0, result;
    static char *none[] = {NULL, NULL};

    util_failure = 2;
    /* --help as the one argument of test is a text that is not empty. */
    util_begin(bracket ? argv : none, usage);
    at = argv + 1;
    end = argv + argc;
    if (bracket && (at == end || strcmp(*--end, "]") != 0))
        die_of("[", "is not closed");
    result = by_count();
    if (at != end)
        die_of(*at, "is one argument too many");
    return !result;
}
