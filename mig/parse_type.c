/*
 * Type specifications and their options, tokens to struct type. Read mig.h, parser.h and type.c
 * before, and docs/mig.md (the grammar).
 */
#include <string.h>

#include "parser.h"

/* The rest of `x[N]`, `x[*:N]`, `x[]`: is it variable, and the (largest) count; 0: no bound. */
static uint64_t bounds(bool *variable)
{
    uint64_t count = 0;

    expect("[");
    *variable = true;
    if (accept("*")) {
        if (accept(":"))
            count = constant_expression();
    } else if (!looking_at("]")) {
        *variable = false;
        count = constant_expression();
    }
    expect("]");
    return count;
}

static const struct refused refused_types[] = {
    {"MACH_MSG_TYPE_REAL", "stubs use no floating-point registers; send struct[8] of uint8_t"},
    {"MACH_MSG_TYPE_REAL_32", "stubs use no floating-point registers; send struct[4] of uint8_t"},
    {"MACH_MSG_TYPE_REAL_64", "stubs use no floating-point registers; send struct[8] of uint8_t"},
    {"MACH_MSG_TYPE_BIT", "the smallest unit is a byte"},
    {"MACH_MSG_TYPE_STRING", "write c_string[N]"},
    {"MACH_MSG_TYPE_STRING_C", "write c_string[N], or (MACH_MSG_TYPE_STRING_C, 8 * N)"},
    {NULL, NULL},
};

static struct type *named_type(void)
{
    struct place place = token.place;
    const char *name;
    struct type *type;

    refuse_words(refused_types);
    name = expect_name("a type");
    type = type_find(name);

    if (type == NULL) {
        error_at(place, "expected a type, found '%s', which is not declared", name);
        longjmp(next_statement, 1);
    }
    if (looking_at("|")) { /* disposition as sent | as received */
        struct type *port = type_derive(type, place);
        int received;

        advance();
        received = disposition_by_name(expect_name("a port disposition"));
        if (type->kind != TYPE_PORT || type->sent == DISPOSITION_POLYMORPHIC)
            error_at(place, "expected a port disposition before '|', found '%s'", name);
        else if (received < 16 || received > 18)
            error_at(place, "expected MACH_MSG_TYPE_PORT_RECEIVE, _SEND or _SEND_ONCE after '|'");
        else if (received != disposition_received(type->sent) && type->sent != 16)
            error_at(place, "expected after '|' what '%s' becomes when it is received", name);
        port->received = received;
        return port;
    }
    return type;
}

/* The rest of `(ipc-type, bits)`: the classic way to write a type and its size. */
static struct type *sized_type(struct place place)
{
    bool string = accept_word("MACH_MSG_TYPE_STRING_C") || accept_word("MACH_MSG_TYPE_STRING");
    struct type *type = string ? NULL : named_type();
    uint64_t bits;

    expect(",");
    bits = constant_expression();
    if (accept(",")) {
        static const struct refused flags[] = {
            {"islong", "there is one form of type descriptors"},
            {"dealloc", "it is a flag of arguments"},
            {NULL, NULL},
        };

        refuse_words(flags);
        syntax_error("')'");
    }
    expect(")");
    if (string && bits % 8 != 0)
        error_at(place, "expected a multiple of 8 bits, found %llu", (unsigned long long)bits);
    if (string)
        return type_string(false, bits / 8, place);
    if (type->kind != TYPE_SCALAR && type->kind != TYPE_PORT)
        error_at(place, "expected a scalar or a port before ','");
    else if (bits != (type->kind == TYPE_PORT ? 32 : 8 * element_size(type)))
        error_at(place, "expected %u bits, found %llu",
                 type->kind == TYPE_PORT ? 32 : 8 * element_size(type), (unsigned long long)bits);
    return type;
}

struct type *type_spec(void)
{
    struct place place = token.place;
    bool variable = false;
    uint64_t count;

    if (accept("("))
        return sized_type(place);
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
            error_at(place, "expected a fixed size, struct[N], found a variable one");
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

void type_options(struct type *type)
{
    static const struct refused options[] = {
        {"intranpayload", "messages carry no payload of the port; use intran"},
        {NULL, NULL},
    };

    for (;;) {
        refuse_words(options);
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
struct type *type_definition(const char *name, struct place place)
{
    struct type *type;

    expect("=");
    type = type_derive(type_spec(), place);
    type->name = name;
    type_options(type);
    return type;
}
