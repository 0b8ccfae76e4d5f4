/*
 * Statements: tokens to struct subsystem, by recursive descent. After an error the parser skips to
 * the end of the statement and goes on, so that one run reports all mistakes. Read mig.h, parser.h
 * and docs/mig.md (the grammar) before.
 */
#include <limits.h>
#include <string.h>
#include <strings.h>

#include "parser.h"

struct subsystem subsystem;

static const char *user_prefix = "";
static const char *server_prefix = "";
static const char *waittime;
static const char *sendtime;
static const char *msgoption;

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
    {"sendtime", DIR_SENDTIME},
    {"msgoption", DIR_MSGOPTION},
    {"msgseqno", DIR_MSGSEQNO},
    {"sectoken", DIR_SECTOKEN},
    {"serversectoken", DIR_SECTOKEN},
    {"usersectoken", DIR_USECTOKEN},
};

#define NO_AUDIT  "a trailer has no audit token; use sectoken"
#define NO_IMPL   "a stub has no arguments of its own"
static const struct refused refused_directions[] = {
    {"audittoken", NO_AUDIT},
    {"serveraudittoken", NO_AUDIT},
    {"useraudittoken", NO_AUDIT},
    {"servercontexttoken", "a trailer has no context"},
    {"impl", NO_IMPL},
    {"userimpl", NO_IMPL},
    {"serverimpl", NO_IMPL},
    {"retcode", "every reply has one; a server replies later by name_reply()"},
    {NULL, NULL},
};

static const struct refused refused_flags[] = {
    {"islong", "there is one form of type descriptors"},
    {"servercopy", "what is in line never travels out of line: write ^ where it should"},
    {"samecount", "each array has a count of its own; send structs, or check in the routine"},
    {"overwrite", "out-of-line memory is received at a new address"},
    {"auto", "a stub does not free what it returned"},
    {NULL, NULL},
};

static void argument_flags(struct argument *argument)
{
    for (;;) {
        bool comma = accept(",");

        refuse_words(refused_flags);
        if (accept_word("dealloc"))
            argument->dealloc = true;
        else if (accept_word("physicalcopy"))
            argument->physical_copy = true;
        else if (accept_word("countinout"))
            argument->count_in_out = true;
        else if (accept_word("const"))
            argument->is_const = true;
        else if (accept_word("notdealloc") || accept_word("notphysicalcopy")
                 || accept_word("notconst") || accept_word("isnotlong")
                 || accept_word("notservercopy"))
            continue; /* they say what is so without them */
        else if (comma)
            syntax_error("dealloc, physicalcopy, countinout or const");
        else
            return;
    }
}

static struct argument *argument(void)
{
    struct argument *result = allocate(sizeof(*result));
    struct token first = token;
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
            token = first; /* the statement is left anyway */
            refuse_words(refused_directions);
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
        error_at(place, "expected message ids below %d, found more", INT_MAX - REPLY_ID_OFFSET);
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
    routine->sendtime = sendtime;
    routine->msgoption = msgoption;
    for (; *last != NULL; last = &(*last)->next) {
        if (strcmp((*last)->name, routine->name) == 0)
            error_at(routine->place,
                     "expected a new name for a routine, found '%s', declared at %s:%d",
                     routine->name, (*last)->place.file, (*last)->place.line);
    }
    *last = routine;
}

/* ---- the other statements ---- */
static void type_statement(void)
{
    struct place place = token.place;
    const char *name = expect_name("a type's name");
    struct type *type = type_definition(name, place);

    expect(";");
    type_declare(type);
}

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
        error_at(token.place, "expected a message id of at most %d, found %s",
                 INT_MAX - REPLY_ID_OFFSET, token.text);
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

#define OBSOLETE "it is obsolete; use "
static const struct refused refused_statements[] = {
    {"procedure", OBSOLETE "routine"},
    {"simpleprocedure", OBSOLETE "simpleroutine"},
    {"function", OBSOLETE "routine, with the result as an out argument"},
    {"error", OBSOLETE "the routine's kern_return_t"},
    {"errorproc", OBSOLETE "the routine's kern_return_t"},
    {"camelot", OBSOLETE "routine"},
    {"dimport", "use import"},
    {"iimport", "use import"},
    {"usertypelimit", "stubs allocate no memory"},
    {"onstacklimit", "stubs allocate no memory"},
    {"consumeonsenderror", "what was not sent is always the client's"},
    {"usespecialreplyport", "the reply port is always the thread's; or use ureplyport"},
    {NULL, NULL},
};

static void statement(void)
{
    if (accept(";"))
        return;
    refuse_words(refused_statements);
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
            count = constant_expression();
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
    } else if (accept_word("sendtime")) {
        sendtime = c_expression();
    } else if (accept_word("nosendtime")) {
        expect(";");
        sendtime = NULL;
    } else if (accept_word("msgoption")) {
        msgoption = c_expression();
        if (strcmp(msgoption, "MACH_MSG_OPTION_NONE") == 0)
            msgoption = NULL;
    } else if (accept_word("rcsid")) {
        c_expression();
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
