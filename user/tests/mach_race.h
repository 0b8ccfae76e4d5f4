/*
 * Two threads that do things to one port at the same time, many times, a little earlier or later each
 * time: what the chapters on races share. Read mach_worker.h before.
 *
 *     run_race(prepare, one, two, check);     // `one` here and `two` in another thread, ROUNDS times
 *
 * What they race about, and what came of it, are the variables below.
 */
#ifndef MACH_RACE_H
#define MACH_RACE_H

#include "mach_rights.h"
#include "mach_worker.h"

#define ROUNDS 40

/* ---- two threads that begin together ---- */

static struct {
    void (*other)(void); /* what the second thread does */
    volatile uint64_t go, done;
    volatile uint64_t port; /* the second thread's */
    cthread_t thread;
} race;

static uint64_t random_state;

/* A number below `limit` (xorshift, Marsaglia 2003). */
static inline uint32_t random_below(uint32_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 20) % limit;
}

static inline void delay(uint32_t loops)
{
    for (volatile uint32_t i = 0; i < loops; i++)
        continue;
}

/* Until *word is value. Under icount another CPU runs when this one yields. */
static inline void await(volatile uint64_t *word, uint64_t value)
{
    while (__atomic_load_n(word, __ATOMIC_ACQUIRE) != value) {
        __asm__ volatile("yield");
        swtch();
    }
}

#define RACE_ENDS ~0UL

static inline void *second_thread(void *arg)
{
    __atomic_store_n(&race.port, mach_thread_self_cached(), __ATOMIC_RELEASE);
    for (uint64_t round = 1;; round++) {
        uint64_t go;

        while ((go = __atomic_load_n(&race.go, __ATOMIC_ACQUIRE)) != round && go != RACE_ENDS) {
            __asm__ volatile("yield");
            swtch();
        }
        if (go == RACE_ENDS)
            return NULL;
        race.other();
        __atomic_store_n(&race.done, round, __ATOMIC_RELEASE);
    }
}

/* Both at once, for a round: the delays decide who is first. Returns when both are through. */
static inline void race_round(uint64_t round, void (*one)(void))
{
    uint32_t before = random_below(200);

    __atomic_store_n(&race.go, round, __ATOMIC_RELEASE);
    for (uint32_t turns = random_below(3); turns > 0; turns--) /* under icount: let the other begin */
        __asm__ volatile("yield");
    delay(before);
    one();
    await(&race.done, round);
}

static uint32_t other_delay;

/*
 * ROUNDS times: prepare, then `one` in this thread and `two` in the other, then check. Ends early
 * if a check has failed the case.
 */
static inline void run_race(void (*prepare)(void), void (*one)(void), void (*two)(void),
                            boolean_t (*check)(void))
{
    race.other = two;
    race.go = race.done = 0;
    race.port = MACH_PORT_NULL;
    race.thread = cthread_fork(second_thread, NULL);
    REQUIRE_TRUE(race.thread != NULL);
    while (__atomic_load_n(&race.port, __ATOMIC_ACQUIRE) == MACH_PORT_NULL)
        swtch();
    random_state = counter(); /* the same again under icount */
    random_state |= 1;
    for (uint64_t round = 1; round <= ROUNDS; round++) {
        prepare();
        other_delay = random_below(200);
        race_round(round, one);
        if (!check())
            break;
    }
    __atomic_store_n(&race.go, RACE_ENDS, __ATOMIC_RELEASE);
    cthread_join(race.thread);
}

/* Up to two milliseconds: about when a time-out of one is up. */
static inline void delay_to_deadline(void)
{
    uint64_t begin = counter();

    while (counter() - begin < other_delay * TICKS_PER_MS / 100) /* other_delay is below 200 */
        continue;
}

/* Is it one of the two? */
static inline boolean_t either(mach_msg_return_t got, mach_msg_return_t a, mach_msg_return_t b)
{
    if (got == a || got == b)
        return TRUE;
    FAIL("expected 0x%x or 0x%x, got 0x%x", (unsigned)a, (unsigned)b, (unsigned)got);
    return FALSE;
}

#define CHECK_EQ(actual, expected) \
    do { \
        if (!test_equal((long)(actual), (long)(expected), __FILE__, __LINE__, #actual, #expected)) \
            return FALSE; \
    } while (0)

/* What the cases race about. */
static mach_port_t port, box;
static mach_msg_return_t first_result, second_result;

static inline uint32_t drain(mach_port_t from, uint32_t *last)
{
    struct small m;
    uint32_t count = 0;

    while (receive_word(from, &m, 0) == MACH_MSG_SUCCESS) {
        *last = (uint32_t)m.header.msgh_id;
        count++;
    }
    return count;
}

static inline void make_port(void)
{
    port = new_port_send();
}

static inline void make_port_and_box(void)
{
    make_port();
    box = new_port_send();
}

static inline void kill_port(void)
{
    delay(other_delay);
    second_result = mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_RECEIVE, -1);
}

static inline void move_port(void)
{
    delay(other_delay);
    second_result = send_right(box, port, MACH_MSG_TYPE_MOVE_RECEIVE);
}

#endif
