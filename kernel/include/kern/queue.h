/*
 * Doubly linked circular queues, intrusive: the link is a member of the element. An empty queue's
 * head points to itself; so does an element that is in no queue, if queue_unlinked() is to be asked
 * of it. Guarded by whatever guards the element.
 */
#ifndef _KERN_QUEUE_H_
#define _KERN_QUEUE_H_

#include <stdbool.h>
#include <stddef.h>

struct queue {
    struct queue *next;
    struct queue *prev;
};

#define container_of(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))
#define QUEUE_INITIALIZER(head) {&(head), &(head)}

static inline void queue_init(struct queue *q)
{
    q->next = q;
    q->prev = q;
}

static inline bool queue_empty(const struct queue *q)
{
    return q->next == q;
}

#define queue_unlinked(link) queue_empty(link)

static inline void queue_insert_after(struct queue *where, struct queue *link)
{
    link->next = where->next;
    link->prev = where;
    where->next->prev = link;
    where->next = link;
}

static inline void enqueue_head(struct queue *q, struct queue *link)
{
    queue_insert_after(q, link);
}

static inline void enqueue_tail(struct queue *q, struct queue *link)
{
    struct queue *last = q->prev;

    link->next = q;
    link->prev = last;
    last->next = link;
    q->prev = link;
}

/* Takes link out of the queue it is in, and leaves it unlinked. */
static inline void queue_remove(struct queue *link)
{
    struct queue *next = link->next;
    struct queue *prev = link->prev;

    prev->next = next;
    next->prev = prev;
    queue_init(link);
}

/* The first link, taken out; NULL if there is none. */
static inline struct queue *dequeue_head(struct queue *q)
{
    struct queue *link = q->next;

    if (link == q)
        return NULL;
    queue_remove(link);
    return link;
}

#define queue_entry(link, type, member) container_of(link, type, member)
#define queue_first(q, type, member)    queue_entry((q)->next, type, member)

/* elt must not be removed in the body; the _safe form allows that. */
#define queue_for_each(elt, q, type, member)                                    \
    for (elt = queue_entry((q)->next, type, member); &elt->member != (q);       \
         elt = queue_entry(elt->member.next, type, member))
#define queue_for_each_safe(elt, tmp, q, type, member)                          \
    for (elt = queue_entry((q)->next, type, member),                            \
        tmp = queue_entry(elt->member.next, type, member);                      \
         &elt->member != (q);                                                   \
         elt = tmp, tmp = queue_entry(elt->member.next, type, member))

#endif
