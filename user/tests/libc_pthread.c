/* POSIX threads over cthreads and gsync: one property a case. */
#include "posix_test.h"

#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/mman.h>
#include <time.h>

TEST_SEEDS(5)

#define MANY 8

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static volatile long counter;
static volatile int stage;

/* ms from now. */
static struct timespec in_ms(clockid_t clock, long ms)
{
    struct timespec t;

    clock_gettime(clock, &t);
    t.tv_nsec += ms * 1000000;
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return t;
}

static void set_stage(int to)
{
    pthread_mutex_lock(&mutex);
    stage = to;
    pthread_cond_broadcast(&cond);
    pthread_mutex_unlock(&mutex);
}

static void await_stage(int at_least)
{
    pthread_mutex_lock(&mutex);
    while (stage < at_least)
        pthread_cond_wait(&cond, &mutex);
    pthread_mutex_unlock(&mutex);
}

static void *add_many(void *arg)
{
    for (int i = 0; i < 1000; i++) {
        pthread_mutex_lock(&mutex);
        counter++;
        pthread_mutex_unlock(&mutex);
    }
    return arg;
}

TEST(threads_are_made_and_joined)
{
    pthread_t thread[MANY];
    void *value;

    counter = 0;
    for (long i = 0; i < MANY; i++)
        REQUIRE_EQ(pthread_create(&thread[i], NULL, add_many, (void *)i), 0);
    for (long i = 0; i < MANY; i++) {
        EXPECT_EQ(pthread_join(thread[i], &value), 0);
        EXPECT_EQ(value, i);
    }
    EXPECT_EQ(counter, MANY * 1000);
    EXPECT_EQ(pthread_join(pthread_self(), NULL), EDEADLK);
    EXPECT_TRUE(pthread_equal(pthread_self(), pthread_self()));
}

static void *use_stack(void *arg)
{
    volatile char *big = __builtin_alloca((size_t)arg);

    for (size_t i = 0; i < (size_t)arg; i += 4096)
        big[i] = 1;
    pthread_exit((void *)7);
}

TEST(attributes_hold)
{
    pthread_attr_t attr;
    pthread_t thread;
    size_t size;
    int state;
    void *value;

    EXPECT_EQ(pthread_attr_init(&attr), 0);
    EXPECT_EQ(pthread_attr_setstacksize(&attr, 100), EINVAL);
    EXPECT_EQ(pthread_attr_setstacksize(&attr, 6 << 20), 0);
    EXPECT_EQ(pthread_attr_getstacksize(&attr, &size), 0);
    EXPECT_EQ(size, 6 << 20);
    REQUIRE_EQ(pthread_create(&thread, &attr, use_stack, (void *)(5L << 20)), 0);
    EXPECT_EQ(pthread_join(thread, &value), 0);
    EXPECT_EQ(value, 7);
    EXPECT_EQ(pthread_attr_setdetachstate(&attr, 17), EINVAL);
    EXPECT_EQ(pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED), 0);
    EXPECT_EQ(pthread_attr_getdetachstate(&attr, &state), 0);
    EXPECT_EQ(state, PTHREAD_CREATE_DETACHED);
    EXPECT_EQ(pthread_attr_destroy(&attr), 0);
}

static void *hold_until_told(void *arg)
{
    await_stage((int)(long)arg);
    return NULL;
}

TEST(detached_threads_cannot_be_joined)
{
    pthread_t thread;

    stage = 0;
    REQUIRE_EQ(pthread_create(&thread, NULL, hold_until_told, (void *)1), 0);
    EXPECT_EQ(pthread_detach(thread), 0);
    EXPECT_EQ(pthread_join(thread, NULL), EINVAL);
    EXPECT_EQ(pthread_detach(thread), EINVAL);
    set_stage(1);
}

TEST(mutex_types)
{
    pthread_mutexattr_t attr;
    pthread_mutex_t m;

    pthread_mutexattr_init(&attr);
    EXPECT_EQ(pthread_mutexattr_settype(&attr, 99), EINVAL);
    EXPECT_EQ(pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK), 0);
    EXPECT_EQ(pthread_mutex_init(&m, &attr), 0);
    EXPECT_EQ(pthread_mutex_unlock(&m), EPERM);
    EXPECT_EQ(pthread_mutex_lock(&m), 0);
    EXPECT_EQ(pthread_mutex_lock(&m), EDEADLK);
    EXPECT_EQ(pthread_mutex_trylock(&m), EBUSY);
    EXPECT_EQ(pthread_mutex_destroy(&m), EBUSY);
    EXPECT_EQ(pthread_mutex_unlock(&m), 0);
    EXPECT_EQ(pthread_mutex_destroy(&m), 0);
    EXPECT_EQ(pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE), 0);
    EXPECT_EQ(pthread_mutex_init(&m, &attr), 0);
    EXPECT_EQ(pthread_mutex_lock(&m), 0);
    EXPECT_EQ(pthread_mutex_lock(&m), 0);
    EXPECT_EQ(pthread_mutex_trylock(&m), 0);
    EXPECT_EQ(pthread_mutex_unlock(&m), 0);
    EXPECT_EQ(pthread_mutex_unlock(&m), 0);
    EXPECT_EQ(pthread_mutex_destroy(&m), EBUSY);
    EXPECT_EQ(pthread_mutex_unlock(&m), 0);
    EXPECT_EQ(pthread_mutex_unlock(&m), EPERM);
    EXPECT_EQ(pthread_mutex_destroy(&m), 0);
    EXPECT_EQ(pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED), ENOTSUP);
}

static void *try_held(void *arg)
{
    struct timespec soon = in_ms(CLOCK_REALTIME, 30);
    struct timespec wrong = {0, -1};
    long wrongs = 0;

    wrongs += pthread_mutex_trylock(arg) != EBUSY;
    wrongs += pthread_mutex_timedlock(arg, &soon) != ETIMEDOUT;
    wrongs += pthread_mutex_timedlock(arg, &wrong) != EINVAL;
    return (void *)wrongs;
}

TEST(a_held_mutex_is_waited_for_until_the_deadline)
{
    pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
    struct timespec begin = in_ms(CLOCK_REALTIME, 30);
    struct timespec end;
    pthread_t thread;
    void *wrongs;

    pthread_mutex_lock(&m);
    REQUIRE_EQ(pthread_create(&thread, NULL, try_held, &m), 0);
    pthread_join(thread, &wrongs);
    EXPECT_EQ(wrongs, 0);
    clock_gettime(CLOCK_REALTIME, &end);
    EXPECT_TRUE(end.tv_sec > begin.tv_sec || (end.tv_sec == begin.tv_sec && end.tv_nsec >= begin.tv_nsec));
    EXPECT_EQ(pthread_mutex_unlock(&m), 0);
    EXPECT_EQ(pthread_mutex_timedlock(&m, &begin), 0); /* free: no matter how late */
    EXPECT_EQ(pthread_mutex_unlock(&m), 0);
}

/* A ring of threads, each of which passes a token on to the next. */
static volatile int token;

static void *pass_on(void *arg)
{
    int me = (int)(long)arg;

    for (int round = 0; round < 50; round++) {
        pthread_mutex_lock(&mutex);
        while (token != me)
            pthread_cond_wait(&cond, &mutex);
        token = (me + 1) % MANY;
        counter++;
        pthread_cond_broadcast(&cond);
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

TEST(conditions_pass_a_token_round)
{
    pthread_t thread[MANY];

    counter = 0;
    token = 0;
    for (long i = 0; i < MANY; i++)
        REQUIRE_EQ(pthread_create(&thread[i], NULL, pass_on, (void *)i), 0);
    for (int i = 0; i < MANY; i++)
        pthread_join(thread[i], NULL);
    EXPECT_EQ(counter, MANY * 50);
}

TEST(conditions_end_at_their_deadline)
{
    pthread_condattr_t attr;
    pthread_cond_t c;
    struct timespec t = in_ms(CLOCK_REALTIME, 20);
    struct timespec wrong = {0, 1000000000};

    pthread_mutex_lock(&mutex);
    EXPECT_EQ(pthread_cond_timedwait(&cond, &mutex, &t), ETIMEDOUT);
    EXPECT_EQ(pthread_cond_timedwait(&cond, &mutex, &wrong), EINVAL);
    pthread_condattr_init(&attr);
    EXPECT_EQ(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC), 0);
    EXPECT_EQ(pthread_condattr_setclock(&attr, 77), EINVAL);
    EXPECT_EQ(pthread_cond_init(&c, &attr), 0);
    t = in_ms(CLOCK_MONOTONIC, 20);
    EXPECT_EQ(pthread_cond_timedwait(&c, &mutex, &t), ETIMEDOUT);
    EXPECT_EQ(pthread_mutex_trylock(&mutex), EBUSY); /* it is held again */
    pthread_mutex_unlock(&mutex);
    EXPECT_EQ(pthread_cond_signal(&c), 0);
    EXPECT_EQ(pthread_cond_destroy(&c), 0);
}

static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static volatile int writer_seen;
static pthread_barrier_t barrier;

static void *read_together(void *arg)
{
    pthread_rwlock_rdlock(&rwlock);
    pthread_barrier_wait(&barrier); /* passes only if all hold it at once */
    pthread_rwlock_unlock(&rwlock);
    return NULL;
}

static void *write_alone(void *arg)
{
    for (int i = 0; i < 200; i++) {
        pthread_rwlock_wrlock(&rwlock);
        counter++;
        sched_yield();
        counter++;
        pthread_rwlock_unlock(&rwlock);
        pthread_rwlock_rdlock(&rwlock);
        writer_seen |= counter & 1;
        pthread_rwlock_unlock(&rwlock);
    }
    return NULL;
}

TEST(many_read_and_one_writes)
{
    struct timespec past = {0, 0};
    pthread_t thread[MANY];

    pthread_barrier_init(&barrier, NULL, MANY);
    for (int i = 0; i < MANY; i++)
        REQUIRE_EQ(pthread_create(&thread[i], NULL, read_together, NULL), 0);
    for (int i = 0; i < MANY; i++)
        pthread_join(thread[i], NULL);
    EXPECT_EQ(pthread_barrier_destroy(&barrier), 0);
    counter = 0;
    for (int i = 0; i < MANY; i++)
        REQUIRE_EQ(pthread_create(&thread[i], NULL, write_alone, NULL), 0);
    for (int i = 0; i < MANY; i++)
        pthread_join(thread[i], NULL);
    EXPECT_EQ(counter, MANY * 400);
    EXPECT_EQ(writer_seen, 0);
    EXPECT_EQ(pthread_rwlock_rdlock(&rwlock), 0);
    EXPECT_EQ(pthread_rwlock_tryrdlock(&rwlock), 0);
    EXPECT_EQ(pthread_rwlock_trywrlock(&rwlock), EBUSY);
    EXPECT_EQ(pthread_rwlock_timedwrlock(&rwlock, &past), ETIMEDOUT);
    EXPECT_EQ(pthread_rwlock_unlock(&rwlock), 0);
    EXPECT_EQ(pthread_rwlock_unlock(&rwlock), 0);
    EXPECT_EQ(pthread_rwlock_trywrlock(&rwlock), 0);
    EXPECT_EQ(pthread_rwlock_tryrdlock(&rwlock), EBUSY);
    EXPECT_EQ(pthread_rwlock_timedrdlock(&rwlock, &past), ETIMEDOUT);
    EXPECT_EQ(pthread_rwlock_unlock(&rwlock), 0);
    EXPECT_EQ(pthread_rwlock_destroy(&rwlock), 0);
}

static volatile int serials;

static void *meet(void *arg)
{
    for (int i = 0; i < 50; i++)
        if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD)
            serials++; /* one at a time: the others wait for it at the next round */
    return NULL;
}

TEST(a_barrier_has_one_serial_thread_a_round)
{
    pthread_t thread[MANY];

    serials = 0;
    EXPECT_EQ(pthread_barrier_init(&barrier, NULL, 0), EINVAL);
    pthread_barrier_init(&barrier, NULL, MANY);
    for (int i = 0; i < MANY; i++)
        REQUIRE_EQ(pthread_create(&thread[i], NULL, meet, NULL), 0);
    for (int i = 0; i < MANY; i++)
        pthread_join(thread[i], NULL);
    EXPECT_EQ(serials, 50);
}

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void count_once(void)
{
    counter++;
    sched_yield();
}

static void *do_once(void *arg)
{
    pthread_once(&once, count_once);
    return (void *)counter;
}

TEST(once_is_once)
{
    pthread_t thread[MANY];
    void *value;

    counter = 0;
    for (int i = 0; i < MANY; i++)
        REQUIRE_EQ(pthread_create(&thread[i], NULL, do_once, NULL), 0);
    for (int i = 0; i < MANY; i++) {
        pthread_join(thread[i], &value);
        EXPECT_EQ(value, 1); /* nobody came back before it was done */
    }
}

static pthread_key_t key;
static volatile int destroyed;

static void destroy_twice(void *value)
{
    destroyed++;
    if (value == (void *)1)
        pthread_setspecific(key, (void *)2); /* and so it is called again */
}

static void *own_value(void *arg)
{
    if (pthread_getspecific(key) != NULL)
        return (void *)-1;
    pthread_setspecific(key, arg);
    sched_yield();
    return pthread_getspecific(key) == arg ? NULL : (void *)-2;
}

TEST(keys_have_values_of_each_thread)
{
    pthread_key_t keys[PTHREAD_KEYS_MAX + 1];
    pthread_t thread[2];
    void *value;
    int n = 0;

    REQUIRE_EQ(pthread_key_create(&key, destroy_twice), 0);
    EXPECT_EQ(pthread_setspecific(key, "mine"), 0);
    for (long i = 0; i < 2; i++)
        REQUIRE_EQ(pthread_create(&thread[i], NULL, own_value, (void *)(i + 1)), 0);
    for (int i = 0; i < 2; i++) {
        EXPECT_EQ(pthread_join(thread[i], &value), 0);
        EXPECT_EQ(value, NULL);
    }
    EXPECT_EQ(destroyed, 3);
    EXPECT_STREQ(pthread_getspecific(key), "mine");
    EXPECT_EQ(pthread_key_delete(key), 0);
    EXPECT_EQ(pthread_key_delete(key), EINVAL);
    while (n <= PTHREAD_KEYS_MAX && pthread_key_create(&keys[n], NULL) == 0) {
        EXPECT_EQ(pthread_getspecific(keys[n]), NULL); /* also of the one deleted */
        n++;
    }
    EXPECT_EQ(n, PTHREAD_KEYS_MAX);
    while (n > 0)
        pthread_key_delete(keys[--n]);
    EXPECT_EQ(pthread_setspecific(key, "x"), EINVAL);
}

static volatile int cleaned;

static void clean(void *arg)
{
    cleaned = cleaned * 10 + (int)(long)arg;
    if (arg == (void *)1)
        pthread_mutex_unlock(&mutex);
}

static void *wait_for_ever(void *arg)
{
    pthread_mutex_lock(&mutex);
    pthread_cleanup_push(clean, (void *)1);
    pthread_cleanup_push(clean, (void *)2);
    stage = 1;
    pthread_cond_broadcast(&cond);
    for (;;)
        pthread_cond_wait((pthread_cond_t *)arg, &mutex);
    pthread_cleanup_pop(0);
    pthread_cleanup_pop(0);
    return NULL;
}

static void *refuse_for_a_while(void *arg)
{
    int old;

    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
    set_stage(1);
    await_stage(2);
    pthread_testcancel();
    counter = 1;
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
    pthread_testcancel();
    counter = 2;
    return NULL;
}

TEST(cancelled_threads_clean_up)
{
    pthread_cond_t never = PTHREAD_COND_INITIALIZER;
    pthread_t thread;
    void *value;

    stage = cleaned = 0;
    REQUIRE_EQ(pthread_create(&thread, NULL, wait_for_ever, &never), 0);
    await_stage(1);
    EXPECT_EQ(pthread_cancel(thread), 0);
    EXPECT_EQ(pthread_join(thread, &value), 0);
    EXPECT_EQ(value, PTHREAD_CANCELED);
    EXPECT_EQ(cleaned, 21);
    EXPECT_EQ(pthread_mutex_trylock(&mutex), 0); /* the handler has unlocked it */
    pthread_mutex_unlock(&mutex);
    stage = 0;
    counter = 0;
    REQUIRE_EQ(pthread_create(&thread, NULL, refuse_for_a_while, NULL), 0);
    await_stage(1);
    EXPECT_EQ(pthread_cancel(thread), 0);
    set_stage(2);
    EXPECT_EQ(pthread_join(thread, &value), 0);
    EXPECT_EQ(value, PTHREAD_CANCELED);
    EXPECT_EQ(counter, 1);
}

static sem_t filled, empty;
static int slots[4];

static void *produce(void *arg)
{
    for (int i = 1; i <= 500; i++) {
        sem_wait(&empty);
        slots[i % 4] = i;
        sem_post(&filled);
    }
    return NULL;
}

TEST(semaphores_count)
{
    struct timespec soon = in_ms(CLOCK_REALTIME, 20);
    pthread_t thread;
    int value;

    sem_init(&empty, 0, 4);
    sem_init(&filled, 0, 0);
    REQUIRE_EQ(pthread_create(&thread, NULL, produce, NULL), 0);
    for (int i = 1; i <= 500; i++) {
        sem_wait(&filled);
        REQUIRE_EQ(slots[i % 4], i);
        sem_post(&empty);
    }
    pthread_join(thread, NULL);
    EXPECT_EQ(sem_getvalue(&empty, &value), 0);
    EXPECT_EQ(value, 4);
    EXPECT_ERRNO(sem_trywait(&filled), EAGAIN);
    EXPECT_ERRNO(sem_timedwait(&filled, &soon), ETIMEDOUT);
    EXPECT_EQ(sem_init(&filled, 0, SEM_VALUE_MAX), 0);
    EXPECT_ERRNO(sem_post(&filled), EOVERFLOW);
    EXPECT_EQ(sem_destroy(&filled), 0);
}

TEST(processes_share_locks_in_shared_memory)
{
    struct shared {
        sem_t sem;
        pthread_mutex_t mutex;
        int value;
    } *s = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_mutexattr_t attr;
    int status;
    pid_t pid;

    REQUIRE_TRUE(s != MAP_FAILED);
    sem_init(&s->sem, 1, 0);
    pthread_mutexattr_init(&attr);
    EXPECT_EQ(pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED), 0);
    pthread_mutex_init(&s->mutex, &attr);
    pid = fork();
    if (pid == 0) {
        for (int i = 0; i < 200; i++) {
            pthread_mutex_lock(&s->mutex);
            s->value++;
            pthread_mutex_unlock(&s->mutex);
        }
        sem_post(&s->sem);
        _exit(0);
    }
    for (int i = 0; i < 200; i++) {
        pthread_mutex_lock(&s->mutex);
        s->value++;
        pthread_mutex_unlock(&s->mutex);
    }
    EXPECT_EQ(sem_wait(&s->sem), 0);
    EXPECT_EQ(s->value, 400);
    waitpid(pid, &status, 0);
    munmap(s, 4096);
}

static int fork_order;

static void before(void) { fork_order = fork_order * 10 + 1; }
static void in_parent(void) { fork_order = fork_order * 10 + 2; }
static void in_child(void) { fork_order = fork_order * 10 + 3; }

static void *use_malloc(void *arg)
{
    while (stage == 0)
        free(malloc(100));
    return NULL;
}

static int child_works(void)
{
    pthread_t thread;
    void *p = malloc(1000); /* whoever held malloc's lock is not here */

    counter = 0;
    return p == NULL || fork_order != 13 || pthread_create(&thread, NULL, add_many, NULL) != 0
        || pthread_join(thread, NULL) != 0 || counter != 1000;
}

TEST(a_thread_may_fork)
{
    pthread_t thread;

    EXPECT_EQ(pthread_atfork(before, in_parent, in_child), 0);
    stage = 0;
    REQUIRE_EQ(pthread_create(&thread, NULL, use_malloc, NULL), 0);
    for (int i = 0; i < 10; i++) {
        fork_order = 0;
        EXPECT_EQ(run_child(child_works), 0);
        EXPECT_EQ(fork_order, 12);
    }
    stage = 1;
    pthread_join(thread, NULL);
}

static FILE *file;

static void *write_lines(void *arg)
{
    for (int i = 0; i < 100; i++) {
        flockfile(file);
        fprintf(file, "%ld", (long)arg);
        sched_yield();
        fprintf(file, "%ld\n", (long)arg);
        funlockfile(file);
    }
    return NULL;
}

TEST(a_stream_is_locked)
{
    pthread_t thread[4];
    int lines = 0;
    char line[32];

    file = fopen("lines", "w+");
    REQUIRE_TRUE(file != NULL);
    for (long i = 0; i < 4; i++)
        REQUIRE_EQ(pthread_create(&thread[i], NULL, write_lines, (void *)i), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(thread[i], NULL);
    rewind(file);
    while (fgets(line, sizeof line, file) != NULL) {
        EXPECT_TRUE(strlen(line) == 3 && line[0] == line[1]);
        lines++;
    }
    EXPECT_EQ(lines, 400);
    EXPECT_EQ(ftrylockfile(file), 0);
    funlockfile(file);
    fclose(file);
}

/* A second thread waits for main's, takes its value, and is what ends the process. */
static void *join_main(void *first)
{
    void *value = NULL;

    if (pthread_join(first, &value) != 0 || value != &counter)
        _exit(2);
    raise(SIGUSR1);
    kill(getpid(), SIGUSR2); /* not for the thread that has ended */
    while (counter != 2)
        sched_yield();
    _exit(7);
}

static void count_signal(int signal)
{
    counter++;
}

static int leave_one_who_joins(void)
{
    pthread_t thread;

    counter = 0;
    signal(SIGUSR1, count_signal);
    signal(SIGUSR2, count_signal);
    if (pthread_create(&thread, NULL, join_main, pthread_self()) != 0)
        return 1;
    pthread_exit((void *)&counter);
}

TEST(the_first_thread_is_joined)
{
    EXPECT_EQ(run_child(leave_one_who_joins), 7 << 8);
}

/* main's thread goes first; the process ends with the last, and its exit status is 0. */
static int leave_others(void)
{
    pthread_t thread;

    stage = 0;
    if (pthread_create(&thread, NULL, hold_until_told, (void *)1) != 0)
        return 1;
    set_stage(1);
    pthread_exit(NULL);
}

TEST(the_process_ends_with_its_last_thread)
{
    EXPECT_EQ(run_child(leave_others), 0);
}

POSIX_TEST_MAIN
