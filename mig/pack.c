/*
 * The C that fills a message. Arguments up to the first variable array lie where the message's
 * struct has them; what follows is put at `Offset`, a variable of the stub that counts the bytes
 * used. Read mig.h and layout.c before.
 */
#include "mig.h"

static unsigned total_size(const struct type *type)
{
    return element_size(type) * (unsigned)type->count;
}

void emit_message_struct(FILE *f, const struct message *message, const char *name)
{
    int pads = 0;

    fprintf(f, "    typedef struct {\n        mach_msg_header_t Head;\n");
    if (message->descriptor_count > 0)
        fprintf(f, "        mach_msg_body_t msgh_body;\n");
    for (int i = 0; i < message->descriptor_count; i++) {
        const struct argument *argument = message->descriptors[i];

        fprintf(f, "        mach_msg_%s_descriptor_t %s;\n",
                argument->type->kind == TYPE_PORT ? "port"
                : argument->type->kind == TYPE_OUT_OF_LINE ? "ool" : "ool_ports", argument->name);
    }
    for (const struct item *item = message->items; item != NULL; item = item->next) {
        if (item->pad > 0)
            fprintf(f, "        uint8_t mig_pad%d[%u];\n", pads++, item->pad);
        if (item->kind == ITEM_RET_CODE) {
            fprintf(f, "        kern_return_t RetCode;\n");
        } else if (item->kind != ITEM_VALUE) {
            fprintf(f, "        uint32_t %s%s;\n", item->argument->name,
                    item->kind == ITEM_COUNT ? "Cnt" : "Room");
        } else {
            const struct type *type = item->argument->type;

            fprintf(f, "        %s %s", type->unit, item->argument->name);
            if (type->kind != TYPE_SCALAR)
                fprintf(f, "[%u]", total_size(type) / type->unit_size);
            fprintf(f, ";\n");
        }
    }
    if (message->tail_pad > 0)
        fprintf(f, "        uint8_t mig_tail[%u];\n", message->tail_pad);
    fprintf(f, "    } %s;\n", name);
}

/* The stub's variable for a value on its way out: an argument, or what it points to. */
static const char *source(enum side side, const struct argument *argument, const char *suffix)
{
    bool pointer = side == SIDE_USER && goes_out(argument)
                && (*suffix != '\0' || passed_by_pointer(side, argument));

    return format_string("%s%s%s", pointer ? "*" : "", argument->name, suffix);
}

/* A scalar or a port: the same, translated. */
static const char *value(enum side side, const struct argument *argument)
{
    const char *text = source(side, argument, "");

    if (side != SIDE_USER && argument->type->out_translation.function != NULL)
        return format_string("%s(%s)", argument->type->out_translation.function, text);
    return text;
}

static const char *disposition(enum side side, const struct argument *argument)
{
    if (is_polymorphic(argument->type))
        return format_string("(uint8_t)%s", source(side, argument, "Poly"));
    if (side != SIDE_USER && side_is_kernel(side))
        return format_string("%d", argument->type->received);
    return format_string("%d", argument->type->sent);
}

static const char *byte_count(enum side side, const struct argument *argument)
{
    const struct type *type = argument->type;

    if (!has_count(type))
        return format_string("%u", total_size(type));
    if (element_size(type) == 1)
        return source(side, argument, "Cnt");
    return format_string("%s * %u", source(side, argument, "Cnt"), element_size(type));
}

static void pack_descriptor(FILE *f, enum side side, const struct argument *argument,
                            const char *var)
{
    const struct type *type = argument->type;

    switch (type->kind) {
    case TYPE_PORT:
        fprintf(f, "    %s->%s = (mach_msg_port_descriptor_t){\n"
                "        .kport = (uint64_t)%s,\n"
                "        .disposition = %s,\n"
                "        .type = MACH_MSG_PORT_DESCRIPTOR,\n    };\n",
                var, argument->name, value(side, argument), disposition(side, argument));
        break;
    case TYPE_OUT_OF_LINE:
        fprintf(f, "    %s->%s = (mach_msg_ool_descriptor_t){\n"
                "        .address = (uint64_t)%s,\n"
                "        .size = %s,\n"
                "        .deallocate = %s,\n"
                "        .copy = MACH_MSG_%s_COPY,\n"
                "        .type = MACH_MSG_OOL_DESCRIPTOR,\n    };\n",
                var, argument->name, source(side, argument, ""), byte_count(side, argument),
                argument->dealloc ? "TRUE" : "FALSE",
                argument->physical_copy ? "PHYSICAL" : "VIRTUAL");
        break;
    default:
        fprintf(f, "    %s->%s = (mach_msg_ool_ports_descriptor_t){\n"
                "        .address = (uint64_t)%s,\n"
                "        .count = %s,\n"
                "        .deallocate = %s,\n"
                "        .copy = MACH_MSG_%s_COPY,\n"
                "        .disposition = %s,\n"
                "        .type = MACH_MSG_OOL_PORTS_DESCRIPTOR,\n    };\n",
                var, argument->name, source(side, argument, ""),
                has_count(type) ? source(side, argument, "Cnt")
                                : format_string("%llu", (unsigned long long)type->count),
                argument->dealloc ? "TRUE" : "FALSE",
                argument->physical_copy ? "PHYSICAL" : "VIRTUAL", disposition(side, argument));
        break;
    }
}

/* Counts are checked before anything is filled in or translated. */
static void check_limits(FILE *f, enum side side, const struct message *message, const char *fail)
{
    for (int i = 0; i < message->descriptor_count; i++) {
        const struct argument *argument = message->descriptors[i];
        const struct type *type = argument->type;
        unsigned long long limit = type->count;

        if (!has_count(type) || side == SIDE_SERVER)
            continue;
        if (limit == 0 && type->kind == TYPE_OUT_OF_LINE && element_size(type) > 1)
            limit = UINT32_MAX / element_size(type); /* the size in bytes is 32 bits */
        if (limit != 0)
            fprintf(f, "    if (%s > %llu)\n        %s\n", source(side, argument, "Cnt"), limit,
                    fail);
    }
    for (const struct item *item = message->items; item != NULL; item = item->next) {
        if (item->kind == ITEM_VALUE && item->argument->type->kind == TYPE_VAR_ARRAY)
            fprintf(f, "    if (%s > %llu)\n        %s\n", source(side, item->argument, "Cnt"),
                    (unsigned long long)item->argument->type->count, fail);
    }
}

/* Copies `size` bytes from the C expression `from` to where the item belongs. */
static void copy(FILE *f, enum side side, const struct item *item, const char *var,
                 const char *from, const char *size)
{
    bool built_in_place = side == SIDE_SERVER && item->argument->type->kind != TYPE_STRUCT;

    if (item->moved)
        fprintf(f, "    __builtin_mem%s((char *)%s + Offset, %s, %s);\n",
                built_in_place ? "move" : "cpy", var, from, size);
    else if (!built_in_place)
        fprintf(f, "    __builtin_memcpy(%s->%s, %s, %s);\n", var, item->argument->name, from,
                size);
}

static void pack_word(FILE *f, const struct item *item, const char *var, const char *field,
                      const char *from)
{
    const char *unit = item->kind == ITEM_VALUE ? item->argument->type->unit : "uint32_t";

    if (item->moved)
        fprintf(f, "    {\n        %s Value = (%s)%s;\n\n"
                "        __builtin_memcpy((char *)%s + Offset, &Value, sizeof(Value));\n"
                "        Offset += sizeof(Value);\n    }\n", unit, unit, from, var);
    else
        fprintf(f, "    %s->%s = %s;\n", var, field, from);
}

/* c_string[N]: a server's routine wrote it where it belongs, into zeroed bytes. */
static void pack_string(FILE *f, enum side side, const struct item *item, const char *var,
                        const char *fail)
{
    const struct argument *argument = item->argument;
    unsigned size = total_size(argument->type);
    const char *to = item->moved ? format_string("(char *)%s + Offset", var)
                                 : format_string("%s->%s", var, argument->name);

    if (side != SIDE_SERVER) {
        fprintf(f, "    if (mig_fill_string(%s, %s, %u) == 0)\n        %s\n", to, argument->name,
                size, fail);
    } else {
        fprintf(f, "    if (%s->%s[%u] != '\\0')\n        %s\n", var, argument->name, size - 1,
                fail);
        copy(f, side, item, var, format_string("%s->%s", var, argument->name),
             format_string("%u", size));
    }
    if (item->moved)
        fprintf(f, "    Offset += %u;\n", size);
}

/* c_string[*:N], together with its count. */
static void pack_variable_string(FILE *f, enum side side, const struct item *item, const char *var,
                                 const char *fail)
{
    const struct argument *argument = item->argument;
    const char *base = item->moved ? "Offset + 4" : format_string("%u", item->offset);
    unsigned long long size = argument->type->count;

    fprintf(f, "    {\n        uint32_t Value = mig_copy_string((char *)%s + %s, %s, %llu);\n\n"
            "        if (Value == 0)\n            %s\n", var, base,
            side == SIDE_SERVER ? format_string("%s->%s", var, argument->name) : argument->name,
            size, fail);
    if (item->moved)
        fprintf(f, "        __builtin_memcpy((char *)%s + Offset, &Value, sizeof(Value));\n", var);
    else
        fprintf(f, "        %s->%sCnt = Value;\n", var, argument->name);
    fprintf(f, "        Offset = %s + Value;\n    }\n", base);
}

static void pack_value(FILE *f, enum side side, const struct item *item, const char *var,
                       const char *fail)
{
    const struct argument *argument = item->argument;
    const struct type *type = argument->type;
    const char *from = argument->name;

    switch (type->kind) {
    case TYPE_SCALAR:
        pack_word(f, item, var, argument->name, value(side, argument));
        return;
    case TYPE_STRING:
        pack_string(f, side, item, var, fail);
        return;
    case TYPE_VAR_STRING:
        pack_variable_string(f, side, item, var, fail);
        return;
    case TYPE_STRUCT:
        from = side == SIDE_USER && goes_out(argument) ? argument->name
                                                       : format_string("&%s", argument->name);
        break;
    default:
        if (side == SIDE_SERVER)
            from = format_string("%s->%s", var, argument->name);
        break;
    }
    copy(f, side, item, var, from, byte_count(side, argument));
    if (item->moved)
        fprintf(f, "    Offset += %s;\n", byte_count(side, argument));
    else if (type->kind == TYPE_VAR_ARRAY)
        fprintf(f, "    Offset = %u + %s;\n", item->offset, byte_count(side, argument));
}

static void pack_descriptors(FILE *f, enum side side, const struct message *message,
                             const char *var)
{
    if (message->descriptor_count > 0)
        fprintf(f, "    %s->msgh_body = (mach_msg_body_t){.msgh_descriptor_count = %d};\n", var,
                message->descriptor_count);
    for (int i = 0; i < message->descriptor_count; i++)
        pack_descriptor(f, side, message->descriptors[i], var);
}

static void pack_items(FILE *f, enum side side, const struct message *message, const char *var,
                       const char *fail)
{
    int pads = 0;
    unsigned known = 8; /* Offset is a multiple of this */

    for (const struct item *item = message->items; item != NULL; item = item->next) {
        unsigned alignment = item->kind == ITEM_VALUE ? item->argument->type->unit_size : 4;
        bool of_string = item->argument != NULL && item->argument->type->kind == TYPE_VAR_STRING;
        bool string_value = of_string && item->kind == ITEM_VALUE; /* its count was aligned */

        if (item->pad > 0 && !item->moved)
            fprintf(f, "    __builtin_memset(%s->mig_pad%d, 0, %u);\n", var, pads, item->pad);
        pads += item->pad > 0;
        if (item->moved && known < alignment && !string_value) {
            fprintf(f, "    Offset = mig_align(%s, Offset, %u);\n", var, alignment);
            known = alignment;
        }
        known = alignment_after(item, known);
        switch (item->kind) {
        case ITEM_RET_CODE:
            fprintf(f, "    %s->RetCode = KERN_SUCCESS;\n", var);
            break;
        case ITEM_COUNT:
            if (!of_string)
                pack_word(f, item, var, format_string("%sCnt", item->argument->name),
                          source(side, item->argument, "Cnt"));
            break;
        case ITEM_ROOM:
            pack_word(f, item, var, format_string("%sRoom", item->argument->name),
                      source(side, item->argument, "Cnt"));
            break;
        case ITEM_VALUE:
            pack_value(f, side, item, var, fail);
            break;
        }
    }
    if (message->variable && known < 4)
        fprintf(f, "    Offset = mig_align(%s, Offset, 4);\n", var);
    else if (!message->variable && message->tail_pad > 0)
        fprintf(f, "    __builtin_memset(%s->mig_tail, 0, %u);\n", var, message->tail_pad);
}

/*
 * What a routine returned belongs to its reply, also if that turns out not to fit: the descriptors
 * come first, so that whoever refuses the rest finds there what to release. Elsewhere nothing is
 * given before all has been found to fit.
 */
void emit_pack(FILE *f, enum side side, const struct message *message, const char *var,
               const char *fail)
{
    if (side == SIDE_SERVER) {
        pack_descriptors(f, side, message, var);
        if (message->descriptor_count > 0)
            fprintf(f, "    %s->Head.msgh_bits |= MACH_MSGH_BITS_COMPLEX;\n", var);
    }
    check_limits(f, side, message, fail);
    pack_items(f, side, message, var, fail);
    if (side != SIDE_SERVER)
        pack_descriptors(f, side, message, var);
}

const char *packed_size(const struct message *message)
{
    return message->variable ? "Offset" : format_string("%u", message->max_size);
}
