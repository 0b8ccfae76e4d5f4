/*
 * Ledgers: counters with limits. Read kern/ledger.h first, which says what is charged, and to whom.
 */
#include <kern/debug.h>
#include <kern/ledger.h>

/* What the first task may use, and by inheritance all, until task_set_limits says otherwise. Much for any
 * program, and little enough that a few programs at their limits leave the rest of the system something. */
#define NAMES_DEFAULT         65536
#define MESSAGES_DEFAULT      16384
#define MEMORY_DEFAULT_PART   4 /* of the machine's memory */
#define MESSAGES_DEFAULT_PART 8

static zone_t ledger_zone;
static uint64_t default_limit[LEDGER_ITEMS];

struct ledger *ledger_create(const struct ledger *model, size_t size)
{
    const uint64_t *limit = model != NULL ? model->limit : default_limit;
    struct ledger *ledger = zalloc_zeroed(ledger_zone);

    if (ledger == NULL)
        return NULL;
    for (int i = 0; i < LEDGER_ITEMS; i++)
        ledger->limit[i] = __atomic_load_n(&limit[i], __ATOMIC_RELAXED);
    ledger->used[LEDGER_MEMORY] = sizeof(*ledger) + size;
    return ledger;
}

static bool charge(struct ledger *ledger, enum ledger_item item, uint64_t amount)
{
    uint64_t limit = __atomic_load_n(&ledger->limit[item], __ATOMIC_RELAXED);
    uint64_t used = __atomic_load_n(&ledger->used[item], __ATOMIC_RELAXED);

    do {
        if (used > limit || amount > limit - used)
            return false;
    } while (!__atomic_compare_exchange_n(&ledger->used[item], &used, used + amount, true,
                                          __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    return true;
}

/* What is left. Release and acquire: whoever frees the ledger comes after all others' last use of it. */
static uint64_t credit(struct ledger *ledger, enum ledger_item item, uint64_t amount)
{
    uint64_t used = __atomic_fetch_sub(&ledger->used[item], amount, __ATOMIC_ACQ_REL);

    assert(used >= amount);
    return used - amount;
}

bool ledger_charge(struct ledger *ledger, size_t bytes)
{
    return ledger == NULL || charge(ledger, LEDGER_MEMORY, bytes);
}

void ledger_charge_always(struct ledger *ledger, size_t bytes)
{
    if (ledger != NULL)
        __atomic_fetch_add(&ledger->used[LEDGER_MEMORY], bytes, __ATOMIC_RELAXED);
}

bool ledger_has_room(const struct ledger *ledger, size_t bytes)
{
    return ledger == NULL
           || __atomic_load_n(&ledger->used[LEDGER_MEMORY], __ATOMIC_RELAXED) + bytes
                  <= __atomic_load_n(&ledger->limit[LEDGER_MEMORY], __ATOMIC_RELAXED);
}

void ledger_credit(struct ledger *ledger, size_t bytes)
{
    if (ledger != NULL && credit(ledger, LEDGER_MEMORY, bytes) == sizeof(*ledger))
        zfree(ledger_zone, ledger);
}

bool ledger_charge_message(struct ledger *ledger, uint32_t messages, size_t bytes)
{
    if (ledger == NULL)
        return true;
    if (!charge(ledger, LEDGER_MESSAGES, messages))
        return false;
    if (charge(ledger, LEDGER_MESSAGE_BYTES, bytes)) {
        if (charge(ledger, LEDGER_MEMORY, bytes))
            return true;
        credit(ledger, LEDGER_MESSAGE_BYTES, bytes);
    }
    credit(ledger, LEDGER_MESSAGES, messages);
    return false;
}

void ledger_credit_message(struct ledger *ledger, uint32_t messages, size_t bytes)
{
    if (ledger == NULL)
        return;
    credit(ledger, LEDGER_MESSAGES, messages);
    credit(ledger, LEDGER_MESSAGE_BYTES, bytes);
    ledger_credit(ledger, bytes); /* last: it may free the ledger */
}

void *ledger_kalloc(struct ledger *ledger, size_t size)
{
    void *address = NULL;

    if (ledger_charge(ledger, size) && (address = kalloc_zeroed(size)) == NULL)
        ledger_credit(ledger, size);
    return address;
}

void ledger_kfree(struct ledger *ledger, void *address, size_t size)
{
    kfree(address, size);
    ledger_credit(ledger, size);
}

void *ledger_zalloc(struct ledger *ledger, zone_t zone, size_t size)
{
    void *object = NULL;

    if (ledger_charge(ledger, size) && (object = zalloc_zeroed(zone)) == NULL)
        ledger_credit(ledger, size);
    return object;
}

void ledger_zfree(struct ledger *ledger, zone_t zone, void *object, size_t size)
{
    zfree(zone, object);
    ledger_credit(ledger, size);
}

uint32_t ledger_total(void)
{
    return zone_count(ledger_zone);
}

void ledger_init(uint64_t memory)
{
    ledger_zone = zone_create("ledgers", sizeof(struct ledger));
    default_limit[LEDGER_NAMES] = NAMES_DEFAULT;
    default_limit[LEDGER_MESSAGES] = MESSAGES_DEFAULT;
    default_limit[LEDGER_MESSAGE_BYTES] = memory / MESSAGES_DEFAULT_PART;
    default_limit[LEDGER_MEMORY] = memory / MEMORY_DEFAULT_PART;
    default_limit[LEDGER_VIRTUAL] = ~0UL; /* what is not touched costs nothing */
}
