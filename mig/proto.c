/*
 * C types and prototypes. How an argument looks in C, by its type (in / out):
 *
 *   scalar, struct, port   T x              T *x
 *   array[N]               T x (a pointer)  T x
 *   array[*:N]             T x, Cnt         T x, Cnt *     T is a pointer type
 *   c_string               const char *     char *         unless a ctype is given
 *   ^ (out of line)        T x [, Cnt]      T *x [, Cnt *] in the kernel T is vm_map_copy_t
 *
 * A polymorphic port adds xPoly before xCnt. Read mig.h before.
 */
#include <string.h>

#include "mig.h"

bool side_is_kernel(enum side side)
{
    return side == SIDE_USER ? subsystem.kernel_user : subsystem.kernel_server;
}

bool is_argument_of(enum side side, const struct argument *argument)
{
    switch (argument->direction) {
    case DIR_REQUEST_PORT:
    case DIR_REPLY_PORT:
        return side != SIDE_REPLY;
    case DIR_UREPLY_PORT:
    case DIR_WAITTIME:
    case DIR_SENDTIME:
    case DIR_USECTOKEN:
    case DIR_MSGOPTION:
        return side == SIDE_USER;
    case DIR_SREPLY_PORT:
    case DIR_MSGSEQNO:
    case DIR_SECTOKEN:
        return side == SIDE_SERVER;
    default:
        return side != SIDE_REPLY || goes_out(argument);
    }
}

const char *c_element(const struct type *type)
{
    const struct type *element = type->element;

    if (element->ctype != NULL)
        return element->ctype;
    if (element->name != NULL)
        return element->name;
    return element->kind == TYPE_PORT ? "mach_port_t" : element->unit;
}

const char *c_type(enum side side, const struct argument *argument)
{
    const struct type *type = argument->type;
    bool is_input = side == SIDE_REPLY || argument->direction == DIR_IN;
    const char *name = type->ctype != NULL ? type->ctype : type->name;

    if (side != SIDE_USER) {
        if (argument->direction == DIR_IN || argument->direction == DIR_REQUEST_PORT) {
            if (type->in_translation.function != NULL)
                return type->in_translation.result;
        } else if (argument->direction == DIR_OUT && type->out_translation.function != NULL) {
            return type->out_translation.argument;
        }
    }
    if (side == SIDE_USER && type->cuser != NULL)
        return type->cuser;
    if (side != SIDE_USER && type->cserver != NULL)
        return type->cserver;
    switch (type->kind) {
    case TYPE_STRING:
    case TYPE_VAR_STRING:
        if (type->ctype != NULL)
            return type->ctype;
        return is_input ? "const char *" : "char *";
    case TYPE_OUT_OF_LINE:
        if (side_is_kernel(side))
            return "vm_map_copy_t";
        break;
    case TYPE_SCALAR:
        return name != NULL ? name : type->unit;
    case TYPE_PORT:
        return name != NULL ? name : "mach_port_t";
    case TYPE_STRUCT:
        return name != NULL ? name : type->unit;
    default:
        break;
    }
    if (argument->is_const && type->ctype == NULL && is_input)
        return format_string("const %s *", c_element(type));
    return name != NULL ? name : format_string("%s *", c_element(type));
}

bool passed_by_pointer(enum side side, const struct argument *argument)
{
    switch (argument->type->kind) {
    case TYPE_ARRAY:
    case TYPE_VAR_ARRAY:
    case TYPE_STRING:
    case TYPE_VAR_STRING:
        return false; /* they are pointers already */
    default:
        return side != SIDE_REPLY
            && (goes_out(argument) || argument->direction == DIR_USECTOKEN);
    }
}

const char *c_declaration(const char *type, bool pointer, const char *name)
{
    bool stars = type[strlen(type) - 1] == '*';

    return format_string("%s%s%s%s", type, stars ? "" : " ", pointer ? "*" : "", name);
}

void emit_prototype(FILE *f, enum side side, const struct routine *routine)
{
    const char *separator = "";

    fprintf(f, "kern_return_t %s%s%s(\n    ",
            side == SIDE_USER ? routine->user_prefix : routine->server_prefix, routine->name,
            side == SIDE_REPLY ? "_reply" : "");
    if (side == SIDE_REPLY) {
        fprintf(f, "mach_port_t ReplyPort,\n    kern_return_t RetCode");
        separator = ",\n    ";
    }
    for (const struct argument *a = routine->arguments; a != NULL; a = a->next) {
        bool pointer = side != SIDE_REPLY && goes_out(a);

        if (!is_argument_of(side, a))
            continue;
        fprintf(f, "%s%s", separator,
                c_declaration(c_type(side, a), passed_by_pointer(side, a), a->name));
        separator = ",\n    ";
        if (is_polymorphic(a->type))
            fprintf(f, ",\n    mach_msg_type_name_t %s%sPoly", pointer ? "*" : "", a->name);
        if (has_count(a->type))
            fprintf(f, ",\n    mach_msg_type_number_t %s%sCnt", pointer ? "*" : "", a->name);
    }
    fputc(')', f);
}

/* Has this C type been checked for an argument before `end`? */
static bool checked_before(enum side side, const char *type, const struct argument *end)
{
    for (const struct routine *r = subsystem.routines; r != NULL; r = r->next) {
        for (const struct argument *a = r->arguments; a != NULL; a = a->next) {
            if (a == end)
                return false;
            if ((a->type->kind == TYPE_SCALAR || a->type->kind == TYPE_STRUCT)
                && is_argument_of(side, a) && strcmp(c_type(side, a), type) == 0)
                return true;
        }
    }
    return false;
}

void emit_size_checks(FILE *f, enum side side)
{
    for (const struct routine *r = subsystem.routines; r != NULL; r = r->next) {
        for (const struct argument *a = r->arguments; a != NULL; a = a->next) {
            const char *type = c_type(side, a);

            if ((a->type->kind != TYPE_SCALAR && a->type->kind != TYPE_STRUCT)
                || !is_argument_of(side, a) || a->type->in_translation.function != NULL
                || a->type->out_translation.function != NULL || checked_before(side, type, a))
                continue;
            fprintf(f, "_Static_assert(sizeof(%s) == %u, "
                    "\"%s: the .defs file has another size\");\n",
                    type, element_size(a->type), type);
        }
    }
    fputc('\n', f);
}
