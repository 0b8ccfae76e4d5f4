/*
 * Types: the builtin ones, and how declared types are made of others. On the wire everything inline
 * is a run of units (1, 2, 4 or 8 bytes, aligned to their size); a struct or an array of structs is
 * just more units, so the layout follows from the .defs file alone, not from a compiler's structs.
 * Read mig.h before.
 */
#include <string.h>

#include "mig.h"

#define UNIT_COUNT_MAX MESSAGE_MAX /* no inline type is longer than a message */

static struct entry {
    struct type *type;
    struct entry *next;
} *entries;

static const struct {
    const char *name;
    const char *unit;
    unsigned size;
} builtins[] = {
    {"MACH_MSG_TYPE_BOOLEAN", "int32_t", 4},
    {"MACH_MSG_TYPE_CHAR", "char", 1},
    {"MACH_MSG_TYPE_BYTE", "uint8_t", 1},
    {"MACH_MSG_TYPE_INTEGER_8", "int8_t", 1},
    {"MACH_MSG_TYPE_INTEGER_16", "int16_t", 2},
    {"MACH_MSG_TYPE_INTEGER_32", "int32_t", 4},
    {"MACH_MSG_TYPE_INTEGER_64", "int64_t", 8},
    {"MACH_MSG_TYPE_UNSIGNED_8", "uint8_t", 1},
    {"MACH_MSG_TYPE_UNSIGNED_16", "uint16_t", 2},
    {"MACH_MSG_TYPE_UNSIGNED_32", "uint32_t", 4},
    {"MACH_MSG_TYPE_UNSIGNED_64", "uint64_t", 8},
    {"MACH_MSG_TYPE_UNSIGNED", "uint32_t", 4},
    {"MACH_MSG_TYPE_INTEGER", "int32_t", 4},
    {"MACH_MSG_TYPE_PORT_NAME", "uint32_t", 4},
    {"int8_t", "int8_t", 1},
    {"int16_t", "int16_t", 2},
    {"int32_t", "int32_t", 4},
    {"int64_t", "int64_t", 8},
    {"uint8_t", "uint8_t", 1},
    {"uint16_t", "uint16_t", 2},
    {"uint32_t", "uint32_t", 4},
    {"uint64_t", "uint64_t", 8},
    {"char", "char", 1},
    {"short", "int16_t", 2},
    {"int", "int32_t", 4},
    {"unsigned", "uint32_t", 4},
    {"boolean_t", "int32_t", 4},
};

static const struct {
    const char *name;
    int value;
} dispositions[] = {
    {"MACH_MSG_TYPE_MOVE_RECEIVE", 16},   {"MACH_MSG_TYPE_MOVE_SEND", 17},
    {"MACH_MSG_TYPE_MOVE_SEND_ONCE", 18}, {"MACH_MSG_TYPE_COPY_SEND", 19},
    {"MACH_MSG_TYPE_MAKE_SEND", 20},      {"MACH_MSG_TYPE_MAKE_SEND_ONCE", 21},
    {"MACH_MSG_TYPE_PORT_RECEIVE", 16},   {"MACH_MSG_TYPE_PORT_SEND", 17},
    {"MACH_MSG_TYPE_PORT_SEND_ONCE", 18}, {"MACH_MSG_TYPE_POLYMORPHIC", DISPOSITION_POLYMORPHIC},
    {"polymorphic", DISPOSITION_POLYMORPHIC},
};

int disposition_by_name(const char *name)
{
    for (size_t i = 0; i < sizeof(dispositions) / sizeof(dispositions[0]); i++) {
        if (strcmp(dispositions[i].name, name) == 0)
            return dispositions[i].value;
    }
    return 0;
}

int disposition_received(int sent)
{
    switch (sent) {
    case 19: /* COPY_SEND */
    case 20: /* MAKE_SEND */
        return 17;
    case 21: /* MAKE_SEND_ONCE */
        return 18;
    default:
        return sent;
    }
}

void types_init(void)
{
    for (size_t i = 0; i < sizeof(builtins) / sizeof(builtins[0]); i++) {
        struct type *type = allocate(sizeof(*type));

        type->name = builtins[i].name;
        type->kind = TYPE_SCALAR;
        type->unit = builtins[i].unit;
        type->unit_size = builtins[i].size;
        type->units = 1;
        type->count = 1;
        type->builtin = true;
        if (strncmp(type->name, "MACH_MSG_TYPE_", 14) == 0)
            type->ctype = type->unit; /* those names are no C types */
        type_declare(type);
    }
}

struct type *type_find(const char *name)
{
    int disposition;

    for (struct entry *entry = entries; entry != NULL; entry = entry->next) {
        if (strcmp(entry->type->name, name) == 0)
            return entry->type;
    }
    disposition = disposition_by_name(name);
    if (disposition != 0) {
        struct type *type = type_port(disposition, (struct place){"builtin", 0});

        type->builtin = true;
        type->ctype = "mach_port_t";
        return type;
    }
    return NULL;
}

void type_declare(struct type *type)
{
    struct entry *entry;
    struct type *old = type_find(type->name);

    if (old != NULL && !old->builtin) {
        error_at(type->place, "expected a new name for a type, found '%s', declared at %s:%d",
                 type->name, old->place.file, old->place.line);
        return;
    }
    entry = allocate(sizeof(*entry));
    entry->type = type;
    entry->next = entries;
    entries = entry;
}

static struct type *new_type(enum type_kind kind, struct place place)
{
    struct type *type = allocate(sizeof(*type));

    type->kind = kind;
    type->unit = "uint8_t";
    type->unit_size = 1;
    type->units = 1;
    type->count = 1;
    type->place = place;
    return type;
}

struct type *type_derive(const struct type *base, struct place place)
{
    struct type *type = allocate(sizeof(*type));

    *type = *base;
    type->name = NULL;
    type->builtin = false;
    type->ctype = NULL;
    type->cuser = NULL;
    type->cserver = NULL;
    type->in_translation = (struct translation){0};
    type->out_translation = (struct translation){0};
    type->destructor = (struct translation){0};
    type->place = place;
    return type;
}

struct type *type_port(int sent, struct place place)
{
    struct type *type = new_type(TYPE_PORT, place);

    type->sent = sent;
    type->received = disposition_received(sent);
    return type;
}

static uint64_t check_count(uint64_t count, struct place place)
{
    if (count == 0)
        error_at(place, "expected a size of at least 1, found 0");
    else if (count > UNIT_COUNT_MAX)
        error_at(place,
                 "expected a size of at most %d, a message's, found %llu: pass it out of line "
                 "(^)",
                 MESSAGE_MAX, (unsigned long long)count);
    else
        return count;
    return 1;
}

struct type *type_struct(uint64_t count, struct type *element, struct place place)
{
    struct type *type = new_type(TYPE_STRUCT, place);
    uint64_t units;

    if (element->kind != TYPE_SCALAR && element->kind != TYPE_STRUCT) {
        error_at(place, "expected a scalar or a struct as a struct's element, found %s",
                 describe_type(element));
        return type;
    }
    units = check_count(count, place) * element->units;
    type->unit = element->unit;
    type->unit_size = element->unit_size;
    type->units = (unsigned)check_count(units, place);
    return type;
}

struct type *type_array(bool variable, uint64_t count, struct type *element, struct place place)
{
    struct type *type = new_type(variable ? TYPE_VAR_ARRAY : TYPE_ARRAY, place);

    bool nested = element->kind == TYPE_ARRAY && element->element->kind != TYPE_PORT;

    if (element->kind != TYPE_SCALAR && element->kind != TYPE_STRUCT
        && element->kind != TYPE_PORT && !nested) {
        error_at(place,
                 "expected a scalar, a struct, a port or a fixed array of data as an array's "
                 "element, found %s",
                 describe_type(element));
        return type;
    }
    type->element = element;
    type->unit = element->unit;
    type->unit_size = element->unit_size;
    type->units = element->units;
    if (nested) /* a row of a table: units one after the other */
        type->units =
            (unsigned)check_count(element->units * check_count(element->count, place), place);
    type->count = count; /* checked when an argument lies inline, see check.c */
    type->sent = element->sent;
    type->received = element->received;
    return type;
}

struct type *type_string(bool variable, uint64_t count, struct place place)
{
    struct type *type = new_type(variable ? TYPE_VAR_STRING : TYPE_STRING, place);

    type->unit = "char";
    type->count = check_count(count, place);
    return type;
}

struct type *type_out_of_line(struct type *target, struct place place)
{
    struct type *type = type_derive(target, place);

    switch (target->kind) {
    case TYPE_SCALAR:
    case TYPE_STRUCT:
        type->element = target;
        break;
    case TYPE_ARRAY:
    case TYPE_VAR_ARRAY:
        break;
    case TYPE_PORT:
        type->element = target;
        break;
    default:
        error_at(place, "expected an array, a struct, a scalar or a port after '^', found %s",
                 describe_type(target));
        return type;
    }
    type->variable = target->kind == TYPE_VAR_ARRAY;
    type->kind = type->element != NULL && type->element->kind == TYPE_PORT ? TYPE_OUT_OF_LINE_PORTS
                                                                          : TYPE_OUT_OF_LINE;
    return type;
}

const char *describe_type(const struct type *type)
{
    static const char *const kinds[] = {
        [TYPE_SCALAR] = "a scalar", [TYPE_STRUCT] = "a struct", [TYPE_ARRAY] = "an array",
        [TYPE_VAR_ARRAY] = "a variable array", [TYPE_STRING] = "a string",
        [TYPE_VAR_STRING] = "a variable string", [TYPE_PORT] = "a port",
        [TYPE_OUT_OF_LINE] = "out-of-line memory", [TYPE_OUT_OF_LINE_PORTS] = "out-of-line ports"};

    return kinds[type->kind];
}

unsigned element_size(const struct type *type)
{
    return type->unit_size * type->units;
}

bool is_descriptor(const struct type *type)
{
    return type->kind == TYPE_PORT || type->kind == TYPE_OUT_OF_LINE
        || type->kind == TYPE_OUT_OF_LINE_PORTS;
}

bool has_count(const struct type *type)
{
    return type->kind == TYPE_VAR_ARRAY
        || ((type->kind == TYPE_OUT_OF_LINE || type->kind == TYPE_OUT_OF_LINE_PORTS)
            && type->variable);
}

bool is_polymorphic(const struct type *type)
{
    return (type->kind == TYPE_PORT || type->kind == TYPE_OUT_OF_LINE_PORTS)
        && type->sent == DISPOSITION_POLYMORPHIC;
}
