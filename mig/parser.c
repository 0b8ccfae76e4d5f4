/*
 * Tokens to struct subsystem, by recursive descent. After an error the parser skips to the end of
 * the statement and goes on, so that one run reports all mistakes. Keywords may be in any case.
 * Read mig.h and docs/mig.md (the grammar) before.
 */
#include <limits.h>
#include <setjmp.h>
#include <string.h>
#include <strings.h>

#include "mig.h"

struct subsystem subsystem;

static struct token token; /* the one being looked at */
static int depth;          /* of parentheses */
static jmp_buf next_statement;
static const char *user_prefix = "";
static const char *server_prefix = "";
static const char *waittime;
static const char *msgoption;

static void advance(void)
{
    if (token.kind == TOKEN_PUNCT)
        depth += (token.text[0] == '(') - (token.text[0] == ')');
    token = lexer_next();
}

static void __attribute__((noreturn)) syntax_error(const char *expected)
{
    if (token.kind == TOKEN_END)
        error_at(token.place, "expected %s, found end of file", expected);
    else
        error_at(token.place, "expected %s, found '%s'", expected, token.text);
    longjmp(next_statement, 1);
}

static bool looking_at(const char *punct)
{
    return token.kind == TOKEN_PUNCT && strcmp(token.text, punct) == 0;
}

static bool looking_at_word(const char *word)
{
    return token.kind == TOKEN_NAME && strcasecmp(token.text, word) == 0;
}

static bool accept(const char *punct)
{
    if (!looking_at(punct))
        return false;
    advance();
    return true;
}

static bool accept_word(const char *word)
{
    if (!looking_at_word(word))
        return false;
    advance();
    return true;
}

static void expect(const char *punct)
{
    if (!accept(punct))
        syntax_error(format_string("'%s'", punct));
}

static const char *expect_name(const char *what)
{
    const char *name = token.text;

    if (token.kind != TOKEN_NAME)
        syntax_error(what);
    advance();
    return name;
}

/* ---- constant expressions ---- */
static uint64_t expression(int level);

static uint64_t primary(void)
{
    uint64_t value = token.number;

    if (accept("(")) {
        value = expression(0);
        expect(")");
        return value;
    }
    if (token.kind != TOKEN_NUMBER)
        syntax_error("a number");
    advance();
    return value;
}

/* Levels: 0 shifts, 1 sums, 2 products. */
static uint64_t expression(int level)
{
    static const char *const operators[3][3] = {{"<<", ">>", ""}, {"+", "-", ""}, {"*", "/", "%"}};
    uint64_t value = level == 2 ? primary() : expression(level + 1);

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
        right = level == 2 ? primary() : expression(level + 1);
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
            error_at(operator.place, "constant expression overflows at '%s'", operator.text);
            value = 1;
        }
    }
}

/* ---- types ---- */
static struct type *type_spec(void);

/* The rest of `x[N]`, `x[*:N]`, `x[]`: is it variable, and the (largest) count; 0: no bound. */
static uint64_t bounds(bool *variable)
{
    uint64_t count = 0;

    expect("[");
    *variable = true;
    if (accept("*")) {
        if (accept(":"))
            count = expression(0);
    } else if (!looking_at("]")) {
        *variable = false;
        count = expression(0);
    }
    expect("]");
    return count;
}

static struct type *named_type(void)
{
    struct place place = token.place;
    const char *name = expect_name("a type");
    struct type *type = type_find(name);

    if (type == NULL) {
        error_at(place, "expected a type, found '%s', which is not declared", name);
        longjmp(next_statement, 1);
    }
    if (looking_at("|")) { /* disposition as sent | as received */
        struct type *port = type_derive(type, place);
        int received;

        advance();
        received = disposition_by_name(expect_name("a port disposition"));
        if (type->kind != TYPE_PORT || received < 16 || received > 18)
            error_at(place, "expected port dispositions on both sides of '|'");
        port->received = received;
        return port;
    }
    return type;
}

static struct type *type_spec(void)
{
    struct place place = token.place;
    bool variable = false;
    uint64_t count;

    if (accept("^"))
        return type_out_of_line(type_spec(), place);
    if (accept_word("array")) {
        struct type *element;

        count = bounds(&variable);
        if (!accept_word("of"))
            syntax_error("'of'");
        element = type_spec();
        return type_array(variable, count, element, place);
    }
    if (accept_word("struct")) {
        struct type *element;

        count = bounds(&variable);
        if (variable)
            error_at(place, "expected a fixed size in struct[...]");
        if (!accept_word("of"))
            syntax_error("'of'");
        element = type_spec();
        return type_struct(variable ? 1 : count, element, place);
    }
    if (accept_word("c_string")) {
        count = bounds(&variable);
        return type_string(variable, count, place);
    }
    return named_type();
}

/* A C type: name, struct name, and stars. */
static const char *c_type_name(void)
{
    const char *text = "";

    if (accept_word("const"))
        text = "const ";
    if (accept_word("struct"))
        text = format_string("%sstruct ", text);
    text = format_string("%s%s", text, expect_name("a C type"));
    for (const char *space = " "; accept("*"); space = "")
        text = format_string("%s%s*", text, space);
    return text;
}

static struct translation translation(bool has_result)
{
    struct translation result = {0};

    if (has_result)
        result.result = c_type_name();
    result.function = expect_name("a function");
    expect("(");
    result.argument = c_type_name();
    expect(")");
    return result;
}

static void type_options(struct type *type)
{
    for (;;) {
        if (accept_word("ctype")) {
            expect(":");
            type->ctype = c_type_name();
        } else if (accept_word("cusertype")) {
            expect(":");
            type->cuser = c_type_name();
        } else if (accept_word("cservertype")) {
            expect(":");
            type->cserver = c_type_name();
        } else if (accept_word("intran")) {
            expect(":");
            type->in_translation = translation(true);
        } else if (accept_word("outtran")) {
            expect(":");
            type->out_translation = translation(true);
        } else if (accept_word("destructor")) {
            expect(":");
            type->destructor = translation(false);
        } else {
            return;
        }
    }
}

/* `= spec options`, for a type called name. */
static struct type *type_definition(const char *name, struct place place)
{
    struct type *type;

    expect("=");
    type = type_derive(type_spec(), place);
    type->name = name;
    type_options(type);
    return type;
}

static void type_statement(void)
{
    struct place place = token.place;
    const char *name = expect_name("a type's name");
    struct type *type = type_definition(name, place);

    expect(";");
    type_declare(type);
}

/* ---- routines ---- */
static const struct {
    const char *word;
    enum direction direction;
} directions[] = {
    {"in", DIR_IN},
    {"out", DIR_OUT},
    {"inout", DIR_INOUT},
    {"requestport", DIR_REQUEST_PORT},
    {"replyport", DIR_REPLY_PORT},
    {"ureplyport", DIR_UREPLY_PORT},
    {"sreplyport", DIR_SREPLY_PORT},
    {"waittime", DIR_WAITTIME},
    {"msgoption", DIR_MSGOPTION},
    {"msgseqno", DIR_MSGSEQNO},
    {"sectoken", DIR_SECTOKEN},
    {"serversectoken", DIR_SECTOKEN},
};

static void argument_flags(struct argument *argument)
{
    for (;;) {
        bool comma = accept(",");

        if (accept_word("dealloc"))
            argument->dealloc = true;
        else if (accept_word("countinout"))
            argument->count_in_out = true;
        else if (accept_word("const"))
            argument->is_const = true;
        else if (comma)
            syntax_error("dealloc, countinout or const");
        else
            return;
    }
}

static struct argument *argument(void)
{
    struct argument *result = allocate(sizeof(*result));
    const char *word;

    result->place = token.place;
    word = expect_name("an argument");
    if (!looking_at(":")) {
        size_t i;

        for (i = 0; i < sizeof(directions) / sizeof(directions[0]); i++) {
            if (strcasecmp(directions[i].word, word) == 0)
                break;
        }
        if (i == sizeof(directions) / sizeof(directions[0])) {
            if (token.kind != TOKEN_NAME)
                syntax_error("':' after the argument's name");
            error_at(result->place, "expected a direction (in, out, inout, ...), found '%s'", word);
            longjmp(next_statement, 1);
        }
        result->direction = directions[i].direction;
        result->place = token.place;
        word = expect_name("an argument's name");
    }
    result->name = word;
    expect(":");
    if (token.kind == TOKEN_NAME && !looking_at_word("array") && !looking_at_word("struct")
        && !looking_at_word("c_string")) {
        struct token name = token;

        advance();
        if (looking_at("=")) { /* name: c_name = spec, for this argument alone */
            result->type = type_definition(name.text, name.place);
        } else {
            result->type = type_find(name.text);
            if (result->type == NULL) {
                error_at(name.place, "expected a type, found '%s', which is not declared",
                         name.text);
                longjmp(next_statement, 1);
            }
        }
    } else {
        result->type = type_derive(type_spec(), result->place);
        type_options(result->type);
    }
    argument_flags(result);
    return result;
}

static int next_number(struct place place, uint64_t count)
{
    int number = subsystem.end;

    if (subsystem.name == NULL) {
        error_at(place, "expected 'subsystem' before the first routine");
        subsystem.name = "unnamed";
    }
    if (count > (uint64_t)(INT_MAX - REPLY_ID_OFFSET - number)) {
        error_at(place, "message ids overflow");
        count = 0;
    }
    subsystem.end += (int)count;
    return number;
}

static void routine_statement(bool simple)
{
    struct routine *routine = allocate(sizeof(*routine));
    struct routine **last = &subsystem.routines;
    struct argument **tail = &routine->arguments;

    routine->simple = simple;
    routine->place = token.place;
    routine->number = next_number(token.place, 1);
    routine->name = expect_name("a routine's name");
    expect("(");
    while (!looking_at(")")) {
        *tail = argument();
        tail = &(*tail)->next;
        if (looking_at(")"))
            break;
        if (!accept(";"))
            syntax_error("';' or ')'");
    }
    expect(")");
    expect(";");
    routine->user_prefix = user_prefix;
    routine->server_prefix = server_prefix;
    routine->waittime = waittime;
    routine->msgoption = msgoption;
    for (; *last != NULL; last = &(*last)->next) {
        if (strcmp((*last)->name, routine->name) == 0)
            error_at(routine->place, "routine '%s' is declared already, at %s:%d", routine->name,
                     (*last)->place.file, (*last)->place.line);
    }
    *last = routine;
}

/* ---- the other statements ---- */
static void subsystem_statement(void)
{
    struct place place = token.place;

    if (subsystem.name != NULL)
        error_at(place, "expected one 'subsystem', found a second");
    for (;;) {
        if (accept_word("KernelServer"))
            subsystem.kernel_server = true;
        else if (accept_word("KernelUser"))
            subsystem.kernel_user = true;
        else
            break;
    }
    subsystem.name = expect_name("the subsystem's name");
    if (token.kind != TOKEN_NUMBER)
        syntax_error("the subsystem's first message id");
    if (token.number > INT_MAX - REPLY_ID_OFFSET) {
        error_at(token.place, "message id %s is too large", token.text);
        token.number = 0;
    }
    subsystem.base = (int)token.number;
    subsystem.end = subsystem.base;
    advance();
    expect(";");
}

static void import_statement(bool user, bool server)
{
    struct import *import = allocate(sizeof(*import));
    struct import **last = &subsystem.imports;

    if (looking_at("<"))
        token = lexer_rest_of_file_name();
    if (token.kind != TOKEN_STRING)
        syntax_error("\"file\" or <file>");
    import->file = token.text;
    import->user = user;
    import->server = server;
    advance();
    expect(";");
    while (*last != NULL)
        last = &(*last)->next;
    *last = import;
}

/* Text up to the semicolon: a C expression for the generated code. */
static const char *c_expression(void)
{
    const char *text = "";

    while (token.kind != TOKEN_END && !looking_at(";")) {
        text = format_string("%s%s%s", text, *text == '\0' ? "" : " ", token.text);
        advance();
    }
    if (*text == '\0')
        syntax_error("a C expression");
    expect(";");
    return text;
}

static const char *name_statement(const char *what)
{
    const char *name = expect_name(what);

    expect(";");
    return name;
}

static void obsolete(const char *word, const char *instead)
{
    error_at(token.place, "'%s' is obsolete: use %s", word, instead);
    longjmp(next_statement, 1);
}

static void statement(void)
{
    if (accept(";"))
        return;
    if (accept_word("subsystem")) {
        subsystem_statement();
    } else if (accept_word("type")) {
        type_statement();
    } else if (accept_word("routine")) {
        routine_statement(false);
    } else if (accept_word("simpleroutine")) {
        routine_statement(true);
    } else if (looking_at_word("skip")) {
        struct place place = token.place;
        uint64_t count = 1;

        advance();
        if (!looking_at(";"))
            count = expression(0);
        expect(";");
        next_number(place, count);
    } else if (accept_word("import")) {
        import_statement(true, true);
    } else if (accept_word("uimport")) {
        import_statement(true, false);
    } else if (accept_word("simport")) {
        import_statement(false, true);
    } else if (accept_word("userprefix")) {
        user_prefix = name_statement("a prefix");
    } else if (accept_word("serverprefix")) {
        server_prefix = name_statement("a prefix");
    } else if (accept_word("serverdemux")) {
        subsystem.server_demux = name_statement("the demultiplexer's name");
    } else if (accept_word("waittime")) {
        waittime = c_expression();
    } else if (accept_word("nowaittime")) {
        expect(";");
        waittime = NULL;
    } else if (accept_word("msgoption")) {
        msgoption = c_expression();
        if (strcmp(msgoption, "MACH_MSG_OPTION_NONE") == 0)
            msgoption = NULL;
    } else if (accept_word("rcsid")) {
        c_expression();
    } else if (looking_at_word("procedure") || looking_at_word("simpleprocedure")) {
        obsolete(token.text, looking_at_word("procedure") ? "routine" : "simpleroutine");
    } else if (looking_at_word("function")) {
        obsolete(token.text, "routine, with the result as an out argument");
    } else if (looking_at_word("camelot") || looking_at_word("error")) {
        obsolete(token.text, "the routine's kern_return_t");
    } else {
        syntax_error("a statement (subsystem, type, routine, simpleroutine, skip, import, ...)");
    }
}

/* After an error: to the statement's end, or to where a routine begins (a `)` may be missing). */
static void skip_statement(void)
{
    while (token.kind != TOKEN_END) {
        if (looking_at(";") && depth <= 0) {
            advance();
            break;
        }
        advance();
        if (looking_at_word("routine") || looking_at_word("simpleroutine"))
            break;
    }
    depth = 0;
}

void parse(void)
{
    token = (struct token){0};
    advance();
    while (token.kind != TOKEN_END) {
        if (setjmp(next_statement) == 0)
            statement();
        else
            skip_statement();
    }
    if (subsystem.name == NULL && error_count == 0)
        error_at(token.place, "expected 'subsystem', found end of file");
}
