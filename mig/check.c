/*
 * What the grammar cannot say: each routine has one request port; special arguments have fitting
 * types; names do not collide with each other or with the generated code's own. Read mig.h before.
 */
#include <string.h>

#include "mig.h"

/* Names the generated functions use themselves, and C's keywords. */
static const char *const reserved[] = {
    "Head", "RetCode", "msgh_body", "InP", "OutP", "InHeadP", "OutHeadP", "Mess", "Request",
    "Reply", "Offset", "ReplyPort", "Result", "Value", "Trailer", "Size", "request",
    "auto", "break", "case", "char", "const", "continue", "default", "do", "double", "else", "enum",
    "extern", "float", "for", "goto", "if", "inline", "int", "long", "register", "restrict",
    "return", "short", "signed", "sizeof", "static", "struct", "switch", "typedef", "union",
    "unsigned", "void", "volatile", "while",
};

bool goes_in(const struct argument *argument)
{
    return argument->direction == DIR_IN || argument->direction == DIR_INOUT;
}

bool goes_out(const struct argument *argument)
{
    return argument->direction == DIR_OUT || argument->direction == DIR_INOUT;
}

static void check_name(const struct routine *routine, const struct argument *argument)
{
    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
        if (strcmp(reserved[i], argument->name) == 0)
            error_at(argument->place, "argument '%s': the name is used by C or by the stub",
                     argument->name);
    }
    for (const struct argument *a = routine->arguments; a != argument; a = a->next) {
        if (strcmp(a->name, argument->name) == 0)
            error_at(argument->place, "argument '%s' is declared twice", argument->name);
    }
    for (const struct argument *a = routine->arguments; a != NULL; a = a->next) {
        if ((has_count(argument->type)
             && strcmp(a->name, format_string("%sCnt", argument->name)) == 0)
            || (is_polymorphic(argument->type)
                && strcmp(a->name, format_string("%sPoly", argument->name)) == 0))
            error_at(a->place, "argument '%s' has the name of an argument made for '%s'", a->name,
                     argument->name);
    }
}

/* One of a kind: the request port, a reply port, ... */
static void set_once(struct argument **slot, struct argument *argument, const char *what)
{
    if (*slot != NULL)
        error_at(argument->place, "expected one %s, found a second, '%s'", what, argument->name);
    *slot = argument;
}

static void check_port(const struct argument *argument)
{
    if (argument->type->kind != TYPE_PORT)
        error_at(argument->place, "argument '%s': expected a port type", argument->name);
}

static void check_word(const struct argument *argument)
{
    if (argument->type->kind != TYPE_SCALAR || element_size(argument->type) != 4)
        error_at(argument->place, "argument '%s': expected a 32-bit integer type", argument->name);
}

/* An argument that travels in the request, the reply or both. */
static void check_carried(struct routine *routine, const struct argument *argument)
{
    const struct type *type = argument->type;
    bool translated = type->in_translation.function != NULL
                   || type->out_translation.function != NULL;

    if (routine->simple && goes_out(argument))
        error_at(argument->place, "argument '%s': a simpleroutine has no reply, "
                 "so no out arguments", argument->name);
    if (type->kind == TYPE_ARRAY || type->kind == TYPE_VAR_ARRAY) {
        if (type->element != NULL && type->element->kind == TYPE_PORT)
            error_at(argument->place, "argument '%s': an array of ports travels out of line: "
                     "write ^array", argument->name);
        if (type->count == 0)
            error_at(argument->place, "argument '%s': expected a bound, array[*:N], or ^array[]",
                     argument->name);
        else if (type->count > MESSAGE_MAX / element_size(type))
            error_at(argument->place, "argument '%s': %llu elements do not fit in a message: "
                     "pass them out of line (^array)", argument->name,
                     (unsigned long long)type->count);
    }
    if (is_descriptor(type) && type->kind != TYPE_PORT
        && type->count > UINT32_MAX / element_size(type))
        error_at(argument->place, "argument '%s': more than 4 GiB", argument->name);
    if (argument->count_in_out && !(argument->direction == DIR_OUT && type->kind == TYPE_VAR_ARRAY))
        error_at(argument->place, "argument '%s': countinout is for out arguments array[*:N]",
                 argument->name);
    if (argument->dealloc && type->kind != TYPE_OUT_OF_LINE && type->kind != TYPE_OUT_OF_LINE_PORTS)
        error_at(argument->place, "argument '%s': dealloc is for out-of-line arguments",
                 argument->name);
    if (translated && type->kind != TYPE_SCALAR && type->kind != TYPE_PORT)
        error_at(argument->place, "argument '%s': intran and outtran are for ports and scalars",
                 argument->name);
    if (type->kind == TYPE_STRUCT && type->name == NULL && type->ctype == NULL)
        error_at(argument->place, "argument '%s': a struct written in place needs a ctype",
                 argument->name);
    if (translated && argument->direction == DIR_INOUT)
        error_at(argument->place, "argument '%s': an inout argument cannot be translated",
                 argument->name);
    if (type->kind == TYPE_PORT && argument->direction == DIR_IN && type->in_translation.function)
        routine->translated_ports = true;
}

static void check_argument(struct routine *routine, struct argument *argument)
{
    check_name(routine, argument);
    switch (argument->direction) {
    case DIR_REQUEST_PORT:
        check_port(argument);
        break;
    case DIR_REPLY_PORT:
        check_port(argument);
        set_once(&routine->reply_port, argument, "reply port");
        set_once(&routine->sreply_port, argument, "reply port");
        break;
    case DIR_UREPLY_PORT:
        check_port(argument);
        set_once(&routine->reply_port, argument, "reply port");
        break;
    case DIR_SREPLY_PORT:
        check_port(argument);
        set_once(&routine->sreply_port, argument, "reply port");
        break;
    case DIR_WAITTIME:
        check_word(argument);
        set_once(&routine->waittime_argument, argument, "waittime");
        break;
    case DIR_MSGOPTION:
        check_word(argument);
        set_once(&routine->msgoption_argument, argument, "msgoption");
        break;
    case DIR_MSGSEQNO:
        check_word(argument);
        break;
    case DIR_SECTOKEN:
        if (element_size(argument->type) != 8 || argument->type->kind != TYPE_STRUCT)
            error_at(argument->place, "argument '%s': expected security_token_t", argument->name);
        if (subsystem.kernel_server)
            error_at(argument->place, "argument '%s': the kernel serves in the sender's context "
                     "and needs no token", argument->name);
        break;
    default:
        check_carried(routine, argument);
    }
    if (subsystem.kernel_user
        && (argument->direction == DIR_WAITTIME || argument->direction == DIR_MSGOPTION))
        error_at(argument->place, "argument '%s': the kernel's stubs have no waittime or msgoption",
                 argument->name);
    if (subsystem.kernel_user && !routine->simple && argument == routine->reply_port)
        error_at(argument->place, "argument '%s': the kernel makes its own reply port",
                 argument->name);
}

/* The argument marked requestport, or else the first. */
static void find_request_port(struct routine *routine)
{
    struct argument *first = routine->arguments;

    for (struct argument *argument = first; argument != NULL; argument = argument->next) {
        if (argument->direction == DIR_REQUEST_PORT)
            set_once(&routine->request_port, argument, "request port");
    }
    if (routine->request_port == NULL && first != NULL
        && (first->direction == DIR_NONE || first->direction == DIR_IN)
        && first->type->kind == TYPE_PORT) {
        first->direction = DIR_REQUEST_PORT;
        routine->request_port = first;
    }
    if (routine->request_port == NULL)
        error_at(routine->place, "routine '%s': expected a request port as the first argument",
                 routine->name);
    for (struct argument *argument = first; argument != NULL; argument = argument->next) {
        if (argument->direction == DIR_NONE)
            argument->direction = DIR_IN;
    }
}

void check_routines(void)
{
    for (struct routine *routine = subsystem.routines; routine != NULL; routine = routine->next) {
        find_request_port(routine);
        for (struct argument *argument = routine->arguments; argument != NULL;
             argument = argument->next)
            check_argument(routine, argument);
    }
}
