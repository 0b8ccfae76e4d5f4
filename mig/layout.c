/*
 * Where things lie in a message:
 *
 *   header 24 | body 8 | descriptors 16 each | [RetCode 4] | values, each aligned to its unit
 *
 * Body and descriptors only if there is a port or out-of-line argument. A variable array is a
 * 32-bit count and then the elements; what follows one is laid out here as if the array were at its
 * longest (the stubs' structs are so), and moved down when the message is built. Read mig.h before.
 */
#include "mig.h"

static unsigned inline_size(const struct item *item)
{
    const struct type *type;

    if (item->kind != ITEM_VALUE)
        return 4;
    type = item->argument->type;
    return element_size(type) * (unsigned)type->count;
}

static unsigned inline_alignment(const struct item *item)
{
    return item->kind == ITEM_VALUE ? item->argument->type->unit_size : 4;
}

static bool is_variable(const struct type *type)
{
    return type->kind == TYPE_VAR_ARRAY || type->kind == TYPE_VAR_STRING;
}

/* The largest power of 2, up to 8, that divides n. */
static unsigned low_bit(unsigned n)
{
    return n % 8 == 0 ? 8 : n & -n;
}

unsigned alignment_after(const struct item *item, unsigned known)
{
    bool variable = item->kind == ITEM_VALUE && is_variable(item->argument->type);
    unsigned bytes = low_bit(variable ? element_size(item->argument->type) : inline_size(item));

    if (!item->moved)
        known = low_bit(item->offset);
    return bytes < known ? bytes : known;
}

static void add_item(struct message *message, enum item_kind kind, struct argument *argument)
{
    struct item *item = allocate(sizeof(*item));
    struct item **last = &message->items;
    unsigned alignment;

    item->kind = kind;
    item->argument = argument;
    item->moved = message->variable;
    alignment = inline_alignment(item);
    item->offset = (message->max_size + alignment - 1) & ~(alignment - 1);
    item->pad = item->offset - message->max_size;
    if (inline_size(item) <= MESSAGE_MAX && message->max_size <= MESSAGE_MAX)
        message->max_size = item->offset + inline_size(item);
    while (*last != NULL)
        last = &(*last)->next;
    *last = item;
    if (kind == ITEM_VALUE && is_variable(argument->type))
        message->variable = true;
}

static void lay_out(struct message *message, const struct routine *routine, bool reply)
{
    int count = 0;

    message->max_size = HEADER_SIZE;
    for (struct argument *a = routine->arguments; a != NULL; a = a->next)
        count += (reply ? goes_out(a) : goes_in(a)) && is_descriptor(a->type);
    if (count > 0) {
        message->max_size += BODY_SIZE + (unsigned)count * DESCRIPTOR_SIZE;
        message->descriptors = allocate((size_t)count * sizeof(message->descriptors[0]));
    }
    if (reply)
        add_item(message, ITEM_RET_CODE, NULL);
    for (struct argument *a = routine->arguments; a != NULL; a = a->next) {
        if (!reply && a->count_in_out)
            add_item(message, ITEM_ROOM, a);
        if (!(reply ? goes_out(a) : goes_in(a)))
            continue;
        if (is_descriptor(a->type)) {
            message->descriptors[message->descriptor_count++] = a;
            continue;
        }
        if (is_variable(a->type))
            add_item(message, ITEM_COUNT, a);
        add_item(message, ITEM_VALUE, a);
    }
    message->tail_pad = -message->max_size & 3;
    message->max_size += message->tail_pad;
    if (message->max_size > MESSAGE_MAX)
        error_at(routine->place, "routine '%s': expected a %s of at most %d bytes, found a longer "
                 "one: pass large arguments out of line", routine->name,
                 reply ? "reply" : "request", MESSAGE_MAX);
    else if (subsystem.kernel_user && message->max_size > KERNEL_FRAME_MAX)
        error_at(routine->place,
                 "routine '%s': expected a %s of at most %d bytes, to fit on a kernel "
                 "stack, found one of up to %u: pass large arguments out of line",
                 routine->name, reply ? "reply" : "request", KERNEL_FRAME_MAX, message->max_size);
}

void lay_out_routines(void)
{
    for (struct routine *routine = subsystem.routines; routine != NULL; routine = routine->next) {
        lay_out(&routine->request, routine, false);
        if (!routine->simple)
            lay_out(&routine->reply, routine, true);
    }
}
