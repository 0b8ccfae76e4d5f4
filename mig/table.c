/*
 * The table: what every message of the subsystem looks like, for programs that make or check
 * messages without stubs (a fuzzer, the generator's own tests, a tracer). One line a thing, each a
 * call of a C macro that who includes the file defines; so it is as easily read by a script. Read
 * mig.h and layout.c before.
 *
 *   MIG_SUBSYSTEM(name, first id, one past the last id)
 *   MIG_ROUTINE(name, id, simple)                       1: a simpleroutine, without MIG_REPLY
 *   MIG_REQUEST(least size, largest size, descriptors)  then the fields of the request
 *   MIG_REPLY(least size, largest size, descriptors)    then those of the reply
 *   MIG_FIELD(kind, name, offset, unit, size, count, sent, received)
 *
 * kind: PORT, MEMORY, VAR_MEMORY, PORTS, VAR_PORTS (descriptors); VALUE, STRUCT, ARRAY, VAR_ARRAY,
 * STRING, VAR_STRING (inline); COUNT (of the VAR_ARRAY or VAR_STRING that follows), ROOM (of a
 * countinout argument), RETCODE. offset: in bytes, every variable array before it taken at its
 * longest. unit: what it is aligned to, in bytes. size: of one element, in bytes. count: elements;
 * of COUNT, ROOM and VAR_ the most allowed, 0: no bound. sent, received: dispositions of ports, as
 * the sender and as the receiver sees them; -1 if polymorphic, 0 if it is no port.
 */
#include "mig.h"

static void emit_field(FILE *f, const char *kind, const char *name, unsigned offset, unsigned unit,
                       unsigned size, uint64_t count, int sent, int received)
{
    fprintf(f, "MIG_FIELD(%s, %s, %u, %u, %u, %llu, %d, %d)\n", kind, name, offset, unit, size,
            (unsigned long long)count, sent, received);
}

static void emit_descriptor(FILE *f, const struct argument *argument, unsigned offset)
{
    const struct type *type = argument->type;

    switch (type->kind) {
    case TYPE_PORT:
        emit_field(f, "PORT", argument->name, offset, 8, DESCRIPTOR_SIZE, 1, type->sent,
                   type->received);
        break;
    case TYPE_OUT_OF_LINE_PORTS:
        emit_field(f, type->variable ? "VAR_PORTS" : "PORTS", argument->name, offset, 8, 4,
                   type->count, type->sent, type->received);
        break;
    default:
        emit_field(f, type->variable ? "VAR_MEMORY" : "MEMORY", argument->name, offset, 8,
                   element_size(type), type->count, 0, 0);
        break;
    }
}

static void emit_item(FILE *f, const struct item *item)
{
    static const char *const kinds[] = {
        [TYPE_SCALAR] = "VALUE", [TYPE_STRUCT] = "STRUCT", [TYPE_ARRAY] = "ARRAY",
        [TYPE_VAR_ARRAY] = "VAR_ARRAY", [TYPE_STRING] = "STRING", [TYPE_VAR_STRING] = "VAR_STRING"};
    const struct type *type = item->argument != NULL ? item->argument->type : NULL;

    switch (item->kind) {
    case ITEM_RET_CODE:
        emit_field(f, "RETCODE", "RetCode", item->offset, 4, 4, 1, 0, 0);
        break;
    case ITEM_COUNT:
        emit_field(f, "COUNT", item->argument->name, item->offset, 4, 4, type->count, 0, 0);
        break;
    case ITEM_ROOM:
        emit_field(f, "ROOM", item->argument->name, item->offset, 4, 4, type->count, 0, 0);
        break;
    case ITEM_VALUE:
        emit_field(f, kinds[type->kind], item->argument->name, item->offset, type->unit_size,
                   element_size(type), type->count, 0, 0);
        break;
    }
}

/* With every array empty, and of every string but its NUL. */
static unsigned least_size(const struct message *message)
{
    unsigned size = HEADER_SIZE;

    if (message->descriptor_count > 0)
        size += BODY_SIZE + (unsigned)message->descriptor_count * DESCRIPTOR_SIZE;
    for (const struct item *item = message->items; item != NULL; item = item->next) {
        const struct type *type = item->kind == ITEM_VALUE ? item->argument->type : NULL;
        unsigned unit = type != NULL ? type->unit_size : 4;

        size = (size + unit - 1) & ~(unit - 1);
        size += type == NULL ? 4
              : type->kind == TYPE_VAR_ARRAY ? 0
              : type->kind == TYPE_VAR_STRING ? 1
              : element_size(type) * (unsigned)type->count;
    }
    return (size + 3) & ~3U;
}

static void emit_message(FILE *f, const char *what, const struct message *message)
{
    fprintf(f, "MIG_%s(%u, %u, %d)\n", what, least_size(message), message->max_size,
            message->descriptor_count);
    for (int i = 0; i < message->descriptor_count; i++)
        emit_descriptor(f, message->descriptors[i],
                        HEADER_SIZE + BODY_SIZE + (unsigned)i * DESCRIPTOR_SIZE);
    for (const struct item *item = message->items; item != NULL; item = item->next)
        emit_item(f, item);
}

void write_table(FILE *f)
{
    fprintf(f, "/* Messages of subsystem %s, made by migcom: do not edit. See docs/mig.md. */\n"
            "MIG_SUBSYSTEM(%s, %d, %d)\n", subsystem.name, subsystem.name, subsystem.base,
            subsystem.end);
    for (const struct routine *r = subsystem.routines; r != NULL; r = r->next) {
        fprintf(f, "\nMIG_ROUTINE(%s, %d, %d)\n", r->name, r->number, r->simple);
        emit_message(f, "REQUEST", &r->request);
        if (!r->simple)
            emit_message(f, "REPLY", &r->reply);
    }
}
