/*
 * Ledgers: how much of the kernel each task uses, and may use. (The word is OSF/1 MK's.)
 *
 * A ledger has limits of five things, and a charge is refused when it would go above one:
 *   names         rights in the task's space: counted by the space itself (ipc_entry.h)
 *   messages      that the task has sent and nobody has received yet, and
 *   message bytes what they take: the buffer, rights, copied data
 *   memory        what the kernel allocates for the task: threads with their stacks, ports, port sets,
 *                 semaphores, alarms, the name table, map entries, page tables, and its messages, too
 *   virtual       what is mapped in the task's address space: counted by the map itself (vm_map.h); and what
 *                 was copied so that the task may write to a memory object (vm_snapshot.c): charged here
 * What is bounded by these has no charge of its own: a dead-name request by the name it is for, a dead port
 * by the names for it and by the messages with rights to it, which cost as much as ports, a memory object by
 * the entries that show it.
 *
 * THE SENDER PAYS for a message until it is received: else anybody could use up what a server may have. So a
 * charge can outlive the task, and what keeps a ledger is the memory charged to it, its own and the task's
 * included: when only its own is left, the ledger is freed. That is also what proves the accounts exact: a
 * ledger that were given back too little would stay for ever (host_counters.ledgers), and one given back too
 * much fails an assertion. Who asks for pages to be returned to a pager pays in the same way, until the pager
 * has let go of them; and who maps a memory object, or faults on it, for what the kernel asks of its pager.
 *
 * No locks: charges are atomic operations, allowed under any lock and in interrupts. NULL stands for the
 * kernel, which is charged nothing. The path of an RPC never comes here: a small message that goes straight
 * to a receiver is not charged.
 */
#ifndef _KERN_LEDGER_H_
#define _KERN_LEDGER_H_

#include <kern/zone.h>
#include <mach/mach_types.h>

enum ledger_item {
    LEDGER_NAMES,
    LEDGER_MESSAGES,
    LEDGER_MESSAGE_BYTES,
    LEDGER_MEMORY,
    LEDGER_VIRTUAL,
    LEDGER_ITEMS
};

struct ledger {
    uint64_t used[LEDGER_ITEMS];  /* atomic; not of names, and of virtual memory only the snapshots */
    uint64_t limit[LEDGER_ITEMS]; /* read and written as single words */
};

/* A ledger with the limits of another (NULL: those of the first task), charged `size` bytes beside its own,
 * which ledger_credit gives back as the last. NULL: out of memory. */
struct ledger *ledger_create(const struct ledger *model, size_t size);
/* Memory: false if it would be more than the limit; nothing is charged then. */
bool ledger_charge(struct ledger *ledger, size_t bytes);
/* The same, whatever the limit: for what ledger_has_room allowed a moment ago. */
void ledger_charge_always(struct ledger *ledger, size_t bytes);
bool ledger_has_room(const struct ledger *ledger, size_t bytes);
/* The ledger may be gone afterwards. */
void ledger_credit(struct ledger *ledger, size_t bytes);
/* A message (messages 1), or memory that is one later (0), of so many bytes: all of it or nothing. */
bool ledger_charge_message(struct ledger *ledger, uint32_t messages, size_t bytes);
void ledger_credit_message(struct ledger *ledger, uint32_t messages, size_t bytes);

/* Zeroed memory that is charged. NULL: over the limit, or out of memory. */
void *ledger_kalloc(struct ledger *ledger, size_t size);
void ledger_kfree(struct ledger *ledger, void *address, size_t size);
void *ledger_zalloc(struct ledger *ledger, zone_t zone, size_t size);
void ledger_zfree(struct ledger *ledger, zone_t zone, void *object, size_t size);

/* The first task's limits are parts of this much memory. */
void ledger_init(uint64_t memory);
uint32_t ledger_total(void);

#endif
