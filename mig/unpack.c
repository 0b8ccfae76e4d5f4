/*
 * The C that checks a message and reads it. Nothing in a message is believed before it was checked
 * against the size that arrived: a fixed message has one size; a variable one is walked, with a
 * count checked before the elements it promises are looked at. Read mig.h, layout.c and pack.c
 * before.
 */
#include "mig.h"

static unsigned total_size(const struct type *type)
{
    return element_size(type) * (unsigned)type->count;
}

static bool is_variable(const struct item *item)
{
    return item->kind == ITEM_VALUE
        && (item->argument->type->kind == TYPE_VAR_ARRAY
            || item->argument->type->kind == TYPE_VAR_STRING);
}

static const struct item *first_variable(const struct message *message)
{
    const struct item *item = message->items;

    while (!is_variable(item))
        item = item->next;
    return item;
}

static void check_descriptor(FILE *f, const struct argument *argument, const char *var)
{
    static const char *const types[] = {
        [TYPE_PORT] = "PORT", [TYPE_OUT_OF_LINE] = "OOL", [TYPE_OUT_OF_LINE_PORTS] = "OOL_PORTS"};
    const struct type *type = argument->type;
    const char *field = format_string("%s->%s", var, argument->name);

    fprintf(f, "\n        || %s.type != MACH_MSG_%s_DESCRIPTOR", field, types[type->kind]);
    if (is_polymorphic(type))
        fprintf(f, "\n        || !MACH_MSG_TYPE_PORT_ANY_RIGHT(%s.disposition)", field);
    else if (type->kind != TYPE_OUT_OF_LINE)
        fprintf(f, "\n        || %s.disposition != %d", field, type->received);
    if (type->kind == TYPE_OUT_OF_LINE) {
        if (!type->variable) {
            fprintf(f, "\n        || %s.size != %llu", field,
                    (unsigned long long)(element_size(type) * type->count));
            return;
        }
        if (element_size(type) > 1)
            fprintf(f, "\n        || %s.size %% %u != 0", field, element_size(type));
        if (type->count != 0)
            fprintf(f, "\n        || %s.size > %llu", field,
                    (unsigned long long)(element_size(type) * type->count));
    } else if (type->kind == TYPE_OUT_OF_LINE_PORTS && type->count != 0) {
        fprintf(f, "\n        || %s.count %s %llu", field, type->variable ? ">" : "!=",
                (unsigned long long)type->count);
    }
}

void emit_string_check(FILE *f, const struct message *message, const char *var)
{
    for (const struct item *item = message->items; item != NULL; item = item->next) {
        if (item->kind == ITEM_VALUE && item->argument->type->kind == TYPE_STRING && !item->moved)
            fprintf(f, "\n        || %s->%s[%u] != '\\0'", var, item->argument->name,
                    total_size(item->argument->type) - 1);
    }
}

void emit_shape_check(FILE *f, enum side side, const struct message *message, const char *var)
{
    const char *bits = format_string("%s->Head.msgh_bits", var);
    bool user_reply = side == SIDE_USER && !side_is_kernel(side);
    bool complex = message->descriptor_count > 0;

    /* A reply has no reply port: a right there would leak. (The kernel keeps it elsewhere.) */
    if (user_reply)
        fprintf(f, "(%s & (MACH_MSGH_BITS_COMPLEX | MACH_MSGH_BITS_REMOTE_MASK)) != %s", bits,
                complex ? "MACH_MSGH_BITS_COMPLEX" : "0");
    else if (message->variable)
        fprintf(f, "%s(%s & MACH_MSGH_BITS_COMPLEX)", complex ? "!" : "", bits);
    else
        fprintf(f, "!mig_has_shape(&%s->Head, %s, %u)", var, complex ? "TRUE" : "FALSE",
                message->max_size);
    if (message->variable)
        fprintf(f, "\n        || %s->Head.msgh_size < %u", var, first_variable(message)->offset);
    else if (user_reply)
        fprintf(f, "\n        || %s->Head.msgh_size != %u", var, message->max_size);
    if (message->descriptor_count > 0)
        fprintf(f, "\n        || %s->msgh_body.msgh_descriptor_count != %d", var,
                message->descriptor_count);
    for (int i = 0; i < message->descriptor_count; i++)
        check_descriptor(f, message->descriptors[i], var);
    emit_string_check(f, message, var);
}

void emit_walk_locals(FILE *f, const struct message *message)
{
    for (const struct item *item = message->items; item != NULL; item = item->next) {
        const char *name = item->argument != NULL ? item->argument->name : "";

        if (!item->moved)
            continue;
        if (item->kind == ITEM_COUNT)
            fprintf(f, "    uint32_t %s_count;\n", name);
        else if (item->kind == ITEM_ROOM)
            fprintf(f, "    uint32_t %s_room;\n", name);
        else if (item->argument->type->kind == TYPE_SCALAR)
            fprintf(f, "    %s %s_value;\n", item->argument->type->unit, name);
        else
            fprintf(f, "    char *%s_at;\n", name);
    }
}

static void walk_word(FILE *f, const char *var, const char *to, unsigned size, const char *fail)
{
    fprintf(f, "    Offset += %u;\n    if (Offset > %s->Head.msgh_size)\n        %s\n"
            "    __builtin_memcpy(&%s, (char *)%s + Offset - %u, %u);\n", size, var, fail, to, var,
            size, size);
}

/* known: what Offset is a multiple of. */
static void walk_item(FILE *f, const struct message *message, const struct item *item,
                      const char *var, unsigned known, const char *fail)
{
    const struct argument *argument = item->argument;
    const struct type *type = argument->type;
    const char *count = arrived_count(message, argument, ITEM_COUNT, var);
    unsigned alignment = item->kind == ITEM_VALUE ? type->unit_size : 4;

    if (item->moved && known < alignment)
        fprintf(f, "    Offset = (Offset + %u) & ~%uU;\n", alignment - 1, alignment - 1);
    if (item->kind != ITEM_VALUE) {
        walk_word(f, var, format_string("%s_%s", argument->name,
                                        item->kind == ITEM_COUNT ? "count" : "room"), 4, fail);
        return;
    }
    if (type->kind == TYPE_SCALAR) {
        walk_word(f, var, format_string("%s_value", argument->name), type->unit_size, fail);
        return;
    }
    if (type->kind == TYPE_VAR_STRING)
        fprintf(f, "    if (%s == 0)\n        %s\n", count, fail);
    if (is_variable(item))
        fprintf(f, "    if (%s > %llu)\n        %s\n", count,
                (unsigned long long)type->count, fail);
    if (item->moved)
        fprintf(f, "    %s_at = (char *)%s + Offset;\n", argument->name, var);
    if (is_variable(item) && element_size(type) > 1)
        fprintf(f, "    Offset += %s * %u;\n", count, element_size(type));
    else if (is_variable(item))
        fprintf(f, "    Offset += %s;\n", count);
    else
        fprintf(f, "    Offset += %u;\n", total_size(type));
    fprintf(f, "    if (Offset > %s->Head.msgh_size)\n        %s\n", var, fail);
    if (type->kind == TYPE_VAR_STRING)
        fprintf(f, "    if (%s[%s - 1] != '\\0')\n        %s\n",
                arrived_value(message, argument, var), count, fail);
    else if (type->kind == TYPE_STRING)
        fprintf(f, "    if (%s_at[%u] != '\\0')\n        %s\n", argument->name,
                total_size(type) - 1, fail);
}

void emit_walk(FILE *f, const struct message *message, const char *var, const char *fail)
{
    const struct item *item;
    unsigned known = 8;

    if (!message->variable)
        return;
    item = first_variable(message);
    fprintf(f, "    Offset = %u;\n", item->offset);
    for (; item != NULL; item = item->next) {
        unsigned alignment = item->kind == ITEM_VALUE ? item->argument->type->unit_size : 4;

        walk_item(f, message, item, var, known, fail);
        known = alignment_after(item, known > alignment ? known : alignment);
    }
    fprintf(f, "    if (%s != %s->Head.msgh_size)\n        %s\n",
            known < 4 ? "((Offset + 3) & ~3U)" : "Offset", var, fail);
}

static const struct item *find(const struct message *message, const struct argument *argument,
                               enum item_kind kind)
{
    const struct item *item = message->items;

    while (item != NULL && (item->argument != argument || item->kind != kind))
        item = item->next;
    return item;
}

const char *arrived_value(const struct message *message, const struct argument *argument,
                          const char *var)
{
    const struct item *item = find(message, argument, ITEM_VALUE);

    if (!item->moved)
        return format_string("%s->%s", var, argument->name);
    return format_string("%s_%s", argument->name,
                         argument->type->kind == TYPE_SCALAR ? "value" : "at");
}

const char *arrived_count(const struct message *message, const struct argument *argument,
                          enum item_kind kind, const char *var)
{
    const struct item *item = find(message, argument, kind);

    if (argument->type->kind == TYPE_OUT_OF_LINE_PORTS)
        return format_string("%s->%s.count", var, argument->name);
    if (argument->type->kind == TYPE_OUT_OF_LINE)
        return format_string(element_size(argument->type) > 1 ? "%s->%s.size / %u" : "%s->%s.size",
                             var, argument->name, element_size(argument->type));
    if (item == NULL)
        return NULL;
    if (item->moved)
        return format_string("%s_%s", argument->name, kind == ITEM_COUNT ? "count" : "room");
    return format_string("%s->%s%s", var, argument->name, kind == ITEM_COUNT ? "Cnt" : "Room");
}

const char *arrived_port(enum side side, const struct argument *argument, const char *var)
{
    return side_is_kernel(side) ? format_string("(mach_port_t)%s->%s.kport", var, argument->name)
                                : format_string("%s->%s.name", var, argument->name);
}

const char *arrived_memory(enum side side, const struct argument *argument, const char *var)
{
    return format_string("(%s)(uintptr_t)%s->%s.address", c_type(side, argument), var,
                         argument->name);
}
