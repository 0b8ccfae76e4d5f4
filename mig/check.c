/*
 * What the grammar cannot say: each routine has one request port; special arguments have fitting
 * types; names do not collide with each other or with the generated code's own. Read mig.h before.
 */
#include <string.h>

#include "mig.h"

/* Names the generated functions use themselves, and C's keywords. */
static const char *const reserved[] = {
    "Head",    "RetCode",  "msgh_body", "InP",       "OutP",      "InHeadP",  "OutHeadP",
    "Mess",    "Request",  "Reply",     "Offset",    "ReplyPort", "Result",   "Value",
    "Trailer", "Size",     "request",   "too_large", "refuse",    "send",     "auto",
    "break",   "case",     "char",      "const",     "continue",  "default",  "do",
    "double",  "else",     "enum",      "extern",    "float",     "for",      "goto",
    "if",      "inline",   "int",       "long",      "register",  "restrict", "return",
    "short",   "signed",   "sizeof",    "static",    "struct",    "switch",   "typedef",
    "union",   "unsigned", "void",      "volatile",  "while",
};

bool goes_in(const struct argument *argument)
{
    return argument->direction == DIR_IN || argument->direction == DIR_INOUT;
}

bool goes_out(const struct argument *argument)
{
    return argument->direction == DIR_OUT || argument->direction == DIR_INOUT;
}

static void check_reserved(struct place place, const char *name)
{
    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
        if (strcmp(reserved[i], name) == 0)
            error_at(place, "expected a name that neither C nor the stub uses, found '%s'", name);
    }
}

static void check_name(const struct routine *routine, const struct argument *argument)
{
    check_reserved(argument->place, argument->name);
    for (const struct argument *a = routine->arguments; a != argument; a = a->next) {
        if (strcmp(a->name, argument->name) == 0)
            error_at(argument->place,
                     "expected a new name for an argument, found '%s' a second time",
                     argument->name);
    }
    for (const struct argument *a = routine->arguments; a != NULL; a = a->next) {
        if ((has_count(argument->type)
             && strcmp(a->name, format_string("%sCnt", argument->name)) == 0)
            || (is_polymorphic(argument->type)
                && strcmp(a->name, format_string("%sPoly", argument->name)) == 0))
            error_at(a->place,
                     "expected a new name for an argument, found '%s', which is made for '%s'",
                     a->name, argument->name);
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
        error_at(argument->place, "argument '%s': expected a port, found %s", argument->name,
                 describe_type(argument->type));
}

/* For messages about values that have one size. */
static const char *size_and_type(const struct type *type)
{
    if (type->kind != TYPE_SCALAR && type->kind != TYPE_STRUCT)
        return describe_type(type);
    return format_string("%s of %u", describe_type(type), element_size(type));
}

static void check_word(const struct argument *argument)
{
    if (argument->type->kind != TYPE_SCALAR || element_size(argument->type) != 4)
        error_at(argument->place, "argument '%s': expected a scalar of 4 bytes, found %s",
                 argument->name, size_and_type(argument->type));
}

/* An argument that travels in the request, the reply or both. */
static void check_carried(struct routine *routine, const struct argument *argument)
{
    const struct type *type = argument->type;
    bool translated = type->in_translation.function != NULL
                   || type->out_translation.function != NULL;

    if (routine->simple && goes_out(argument))
        error_at(argument->place, "argument '%s': expected in: a simpleroutine has no reply",
                 argument->name);
    if (type->kind == TYPE_ARRAY || type->kind == TYPE_VAR_ARRAY) {
        if (type->element != NULL && type->element->kind == TYPE_PORT)
            error_at(argument->place,
                     "argument '%s': expected ^array, found array: ports in an array "
                     "travel out of line",
                     argument->name);
        if (type->count == 0)
            error_at(argument->place,
                     "argument '%s': expected a bound, array[*:N], or ^array[], found "
                     "none",
                     argument->name);
        else if (type->count > MESSAGE_MAX / element_size(type))
            error_at(argument->place,
                     "argument '%s': expected at most %u elements, a message's, found "
                     "%llu: pass them out of line (^array)",
                     argument->name, MESSAGE_MAX / element_size(type),
                     (unsigned long long)type->count);
    }
    if (is_descriptor(type) && type->kind != TYPE_PORT
        && type->count > UINT32_MAX / element_size(type))
        error_at(argument->place,
                 "argument '%s': expected at most 4 GiB, found %llu elements of %u bytes",
                 argument->name, (unsigned long long)type->count, element_size(type));
    if (argument->count_in_out && !(argument->direction == DIR_OUT && type->kind == TYPE_VAR_ARRAY))
        error_at(argument->place,
                 "argument '%s': expected countinout only with out and array[*:N], found %s",
                 argument->name, describe_type(type));
    if ((argument->dealloc || argument->physical_copy) && type->kind != TYPE_OUT_OF_LINE
        && type->kind != TYPE_OUT_OF_LINE_PORTS)
        error_at(argument->place,
                 "argument '%s': expected dealloc and physicalcopy only with what is "
                 "out of line, found %s",
                 argument->name, describe_type(type));
    if (translated && type->kind != TYPE_SCALAR && type->kind != TYPE_PORT)
        error_at(argument->place,
                 "argument '%s': expected intran and outtran only with a port or a "
                 "scalar, found %s",
                 argument->name, describe_type(type));
    if (type->kind == TYPE_STRUCT && type->name == NULL && type->ctype == NULL)
        error_at(argument->place,
                 "argument '%s': expected a ctype for a struct written in place, found "
                 "none",
                 argument->name);
    if (translated && argument->direction == DIR_INOUT)
        error_at(argument->place,
                 "argument '%s': expected an in and an out argument instead of inout, "
                 "which cannot be translated",
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
    case DIR_SENDTIME:
        check_word(argument);
        set_once(&routine->sendtime_argument, argument, "sendtime");
        break;
    case DIR_MSGOPTION:
        check_word(argument);
        set_once(&routine->msgoption_argument, argument, "msgoption");
        break;
    case DIR_MSGSEQNO:
        check_word(argument);
        break;
    case DIR_USECTOKEN:
        set_once(&routine->token_argument, argument, "usersectoken");
        if (routine->simple || subsystem.kernel_user)
            error_at(argument->place, "argument '%s': expected no token: %s", argument->name,
                     routine->simple ? "a simpleroutine has no reply"
                                     : "the kernel asks for no trailer");
        /* fall through */
    case DIR_SECTOKEN:
        if (element_size(argument->type) != 8 || argument->type->kind != TYPE_STRUCT)
            error_at(argument->place,
                     "argument '%s': expected a struct of 8 bytes (security_token_t), "
                     "found %s",
                     argument->name, size_and_type(argument->type));
        if (subsystem.kernel_server && argument->direction == DIR_SECTOKEN)
            error_at(argument->place, "argument '%s': expected no token: the kernel serves in the "
                     "sender's context", argument->name);
        break;
    default:
        check_carried(routine, argument);
    }
    if (subsystem.kernel_user && !routine->simple && argument == routine->reply_port)
        error_at(argument->place, "argument '%s': expected no reply port: the kernel makes its own",
                 argument->name);
}

/* mach_msg has one time-out: for the send alone (sendtime), or for send and receive (waittime). */
static void check_waiting(const struct routine *routine)
{
    bool waits = routine->waittime != NULL || routine->waittime_argument != NULL;
    bool sends = routine->sendtime != NULL || routine->sendtime_argument != NULL;

    if (waits && sends)
        error_at(routine->place, "routine '%s': expected waittime or sendtime, found both",
                 routine->name);
    if (subsystem.kernel_user
        && (waits || sends || routine->msgoption != NULL || routine->msgoption_argument != NULL))
        error_at(routine->place, "routine '%s': expected no waittime, sendtime or msgoption: the "
                 "kernel's stubs have none", routine->name);
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
        error_at(routine->place,
                 "routine '%s': expected a request port as the first argument, found "
                 "%s",
                 routine->name, first == NULL ? "none" : describe_type(first->type));
    for (struct argument *argument = first; argument != NULL; argument = argument->next) {
        if (argument->direction == DIR_NONE)
            argument->direction = DIR_IN;
    }
}

void check_routines(void)
{
    for (struct routine *routine = subsystem.routines; routine != NULL; routine = routine->next) {
        find_request_port(routine);
        check_reserved(routine->place, format_string("%s%s", routine->user_prefix, routine->name));
        for (struct argument *argument = routine->arguments; argument != NULL;
             argument = argument->next)
            check_argument(routine, argument);
        check_waiting(routine);
    }
}
