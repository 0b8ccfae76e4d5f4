/*
 * Priority inheritance: who waits for a server's answer lends it his priority. Read kern/inherit.h
 * and sched.c first.
 *
 * A thread counts, for each priority, the threads that lend it that; the highest is what it
 * inherits. So to lend and to give back are the same work however many wait. A thread that inherits, and
 * itself waits for a server, lends on what it got: a chain. All loans are under one lock, which only they
 * take. It comes before the threads' own, of which one at a time is held.
 *
 * REFERENCES. `server` is a hint that may name a thread long dead: its memory is still a thread's
 * (zone.h), so a reference is taken if there is still one (reference_live). Who lends keeps that until he
 * runs again, since the last may only be dropped with no locks held, and he is often woken under some.
 */
#include <kern/debug.h>
#include <kern/inherit.h>
#include <kern/runq.h>
#include <kern/task.h>
#include <kern/thread.h>
#include <ipc/ipc_kmsg.h>
#include <machine/cpu.h>

/* The longest chain that is followed: it is done with interrupts masked. Nobody loses but who waits for
 * more servers than that. */
#define CHAIN_MAX 64

static spinlock_t inherit_lock = SPINLOCK_INITIALIZER(LOCK_INHERIT);
static bool inherit_off;

static bool reference_live(struct thread *thread)
{
    uint32_t refs = __atomic_load_n(&thread->refs, __ATOMIC_RELAXED);

    while (refs != 0) {
        if (__atomic_compare_exchange_n(&thread->refs, &refs, refs + 1, false, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED))
            return true;
    }
    return false;
}

/* What thread lends to its lent_to becomes priority, 0: nothing. True: that one inherits more, or less, now.
 * inherit_lock is held. */
static bool set_loan(struct thread *thread, uint8_t priority)
{
    struct thread *server = thread->lent_to;
    struct loans *loans = &server->loans;
    int highest;

    if (priority == thread->lent || (priority != 0 && loans->count[priority] == UINT16_MAX))
        return false;
    if (thread->lent != 0 && --loans->count[thread->lent] == 0)
        loans->bitmap[thread->lent / 64] &= ~(1UL << thread->lent % 64);
    if (priority != 0 && loans->count[priority]++ == 0)
        loans->bitmap[priority / 64] |= 1UL << priority % 64;
    thread->lent = priority;
    highest = MAX(0, bitmap_highest(loans->bitmap));
    if (highest == server->inherited)
        return false;
    spin_lock(&server->lock);
    server->inherited = highest;
    sched_reprioritize(server);
    spin_unlock(&server->lock);
    return true;
}

/* Thread, if it waits, lends what it should, and so do, along the chain, those who it lends to.
 * inherit_lock is held. */
static void update(struct thread *thread)
{
    for (int links = 0; links < CHAIN_MAX; links++) {
        struct thread *server = NULL;
        uint8_t priority;

        spin_lock(&thread->lock);
        priority = thread->sched_priority;
        /* With its lock: who wakes it up later sees AST_LENDS, and who did we see. */
        if (thread->state == TH_WAITING && thread->server != NULL) {
            if (thread->lent_to == NULL && priority > thread->server->priority
                && reference_live(thread->server)) {
                thread->lent_to = thread->server;
                ast_set(thread, AST_LENDS);
            }
            server = thread->lent_to;
        }
        spin_unlock(&thread->lock);
        if (server == NULL || !set_loan(thread, priority > server->priority ? priority : 0))
            return;
        thread = server;
    }
}

void inherit_update(struct thread *thread)
{
    if (inherit_off)
        return;
    spin_lock(&inherit_lock);
    update(thread);
    spin_unlock(&inherit_lock);
}

/* inherit_lock is held. */
static void withdraw(struct thread *thread)
{
    if (thread->lent_to != NULL && set_loan(thread, 0))
        update(thread->lent_to);
}

void inherit_withdraw(struct thread *thread)
{
    spin_lock(&inherit_lock);
    withdraw(thread);
    spin_unlock(&inherit_lock);
}

void inherit_end(struct thread *self)
{
    struct thread *server, *before;

    spin_lock(&inherit_lock);
    withdraw(self);
    server = self->lent_to;
    before = self->lent_before;
    self->lent_to = NULL;
    self->lent_before = NULL;
    self->request = NULL;
    ast_clear(self, AST_LENDS);
    spin_unlock(&inherit_lock);
    thread_deallocate(server);
    thread_deallocate(before);
}

void inherit_queued(ipc_port_t port, ipc_kmsg_t kmsg, bool call)
{
    struct thread *self = current_thread();
    struct thread *server = port->server;
    struct task *task = server != NULL ? server->task : NULL;

    if (task == NULL || task->space != port->receiver || server == self)
        server = NULL;
    self->server = server;
    if (call && !inherit_off) {
        self->request = kmsg;
        kmsg->ikm_client = self;
    }
}

void inherit_received(ipc_kmsg_t kmsg)
{
    struct thread *self = current_thread();
    struct thread *client = kmsg->ikm_client;

    /* A client that is gone, or waits no more, has another request or none. */
    if (client->request != kmsg)
        return;
    if (client->server == self) { /* as thought */
        ipc_kmsg_t expected = kmsg;

        __atomic_compare_exchange_n(&client->request, &expected, NULL, false, __ATOMIC_RELAXED,
                                    __ATOMIC_RELAXED);
        return;
    }
    spin_lock(&inherit_lock);
    /* Then it is still there: before it goes on, or ends, it calls inherit_end. */
    if (client->request == kmsg) {
        client->request = NULL;
        if (client->state != TH_WAITING || client->waitq == &kmsg->ikm_local->receivers) {
            client->server = self;
            withdraw(client);
            if (client->lent_to != NULL) {
                client->lent_before = client->lent_to;
                client->lent_to = NULL;
            }
            update(client);
        }
    }
    spin_unlock(&inherit_lock);
}

void inherit_init(void)
{
    char value[8];

    inherit_off = boot_arg("inherit", value, sizeof(value)) && strcmp(value, "off") == 0;
}
