/*
 * Priority inheritance along blocked RPCs.
 *
 * A client that waits for a reply matters no less because another works for it. While it waits it LENDS its
 * priority to the thread that has its request, its `server`, if that has a lower one of its own:
 *   - the thread that was handed the request;
 *   - while the request is queued, or waits for room in the queue, the thread that last received from
 *     that port: it is busy with a request that came before;
 *   - from then on the thread that takes it out of the queue.
 * A server that waits for another server's reply lends on what it has been lent. The loan ends as the
 * client is woken up, by whatever; at the latest before it is back in user mode, or waits again
 * (AST_LENDS says that there is something to end).
 *
 * Not followed: what a thread waits for without a reply port, semaphores (nobody owns them), and a
 * request that its server has given to another thread by other means than a call.
 *
 * The idea is Sha, Rajkumar and Lehoczky's ("Priority Inheritance Protocols", IEEE ToC 39(9), 1990);
 * that messages carry it, QNX's; XNU does it by turnstiles, L4 by "helping". docs/design-notes.md
 * compares.
 */
#ifndef _KERN_INHERIT_H_
#define _KERN_INHERIT_H_

#include <ipc/ipc_port.h>
#include <kern/thread.h>

/* The current thread's message is put in the queue of port (locked), or waits for room in it. call: it will
 * wait for an answer to it. */
void inherit_queued(struct ipc_port *port, struct ipc_kmsg *kmsg, bool call);
/* The current thread has taken a request out of a queue: kmsg->ikm_client is not NULL. */
void inherit_received(struct ipc_kmsg *kmsg);
/* Would this thread, about to wait, lend to its server? Its lock is held, or it is the caller's. */
static inline bool inherit_would_lend(const struct thread *thread)
{
    return __builtin_expect(thread->server != NULL
                            && thread->sched_priority > thread->server->priority, 0);
}
/* The thread has begun to wait, or its priority changed: it lends what it should. No locks held that come
 * after LOCK_WAITQ. */
void inherit_update(struct thread *thread);
/* It is about to be woken up by the caller, who owns that. The same locks. */
void inherit_withdraw(struct thread *thread);
/* The current thread has waited, and may have lent: AST_LENDS, or its request is still queued. No
 * locks. */
void inherit_end(struct thread *self);
static inline void inherit_waited(struct thread *self)
{
    if (__builtin_expect((self->ast & AST_LENDS) != 0 || self->request != NULL, 0))
        inherit_end(self);
}
void inherit_init(void);

#endif
