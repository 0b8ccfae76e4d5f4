/*
 * The example pagers (user/examples/): each is started as a process, and does what its first comment says.
 */
#include "posix_test.h"
#include <mach/mach.h>
#include <mach/mach_port.h>
#include <mach/vm_map.h>
#include <servers/bootstrap.h>
#include <servers/pagers.h>
#include <time.h>

TEST_LIMIT(60);

#define SELF  mach_task_self()
#define PAGES 16
#define SIZE  (PAGES * PAGE_SIZE)
#define TEXT  2048

/* The process of the pager that was started last, and its service. */
static pid_t pager;
static mach_port_t service;

static void pause_ms(long ms)
{
    struct timespec t = {0, ms * 1000000};

    nanosleep(&t, NULL);
}

static int start(char *name)
{
    char path[64];
    kern_return_t kr = KERN_FAILURE;

    snprintf(path, sizeof path, "/examples/%s", name);
    pager = fork();
    if (pager == 0) {
        execl(path, name, NULL);
        _exit(127);
    }
    for (int tries = 0; tries < 500 && kr != KERN_SUCCESS; tries++) {
        pause_ms(10);
        kr = bootstrap_look_up(bootstrap_port, name, &service);
    }
    return kr == KERN_SUCCESS;
}

static void stop(void)
{
    int status;

    mach_port_deallocate(SELF, service);
    kill(pager, SIGKILL);
    EXPECT_EQ(waitpid(pager, &status, 0), pager);
}

/* A right to a new object; MACH_PORT_NULL: there was none. */
static mach_port_t create(vm_size_t size)
{
    mach_port_t object = MACH_PORT_NULL;

    return pagers_create(service, size, &object) == KERN_SUCCESS ? object : MACH_PORT_NULL;
}

/* Where it is mapped now; NULL: it could not be. The right stays. */
static volatile char *map(mach_port_t object)
{
    vm_address_t address = 0;

    if (vm_map(SELF, &address, SIZE, 0, TRUE, object, 0, FALSE, VM_PROT_DEFAULT, VM_PROT_ALL,
               VM_INHERIT_NONE) != KERN_SUCCESS)
        return NULL;
    return (volatile char *)address;
}

static void unmap(volatile char *at)
{
    EXPECT_KR(vm_deallocate(SELF, (vm_address_t)at, SIZE), KERN_SUCCESS);
}

/* What the pager tells, once it tells of `what`; what it tells last if it never does. */
static const char *tell(const char *what)
{
    static char text[TEXT];

    for (int tries = 0; tries < 200; tries++) {
        text[0] = '\0';
        if (pagers_tell(service, text) != KERN_SUCCESS || strstr(text, what) != NULL)
            break;
        pause_ms(10);
    }
    return text;
}

/* ---- zero_pager ---- */

TEST(zero_pager_logs_what_is_asked)
{
    volatile char *at;
    mach_port_t object;

    REQUIRE_TRUE(start("zero_pager"));
    object = create(SIZE);
    at = map(object);
    REQUIRE_TRUE(at != NULL);
    for (int i = 0; i < 4; i++)
        EXPECT_EQ(at[i * PAGE_SIZE], 0);
    at[PAGE_SIZE] = 'x';
    at[12 * PAGE_SIZE] = 'y';
    unmap(at);
    EXPECT_STREQ(tell("return 1: 1 pages at 12"),
                 "request 1: 1 pages at 0\n"
                 "request 1: 2 pages at 1\n" /* it reads on: more at a time */
                 "request 1: 4 pages at 3\n"
                 "request 1: 1 pages at 12 to write\n"
                 "return 1: 1 pages at 1\n"
                 "return 1: 1 pages at 12\n");
    at = map(object); /* what was written is there again, the rest is zero */
    REQUIRE_TRUE(at != NULL);
    EXPECT_EQ(at[PAGE_SIZE], 'x');
    EXPECT_EQ(at[12 * PAGE_SIZE], 'y');
    EXPECT_EQ(at[12 * PAGE_SIZE + 1], 0);
    EXPECT_EQ(at[13 * PAGE_SIZE], 0);
    unmap(at);
    mach_port_deallocate(SELF, object);
    stop();
}

TEST(zero_pager_keeps_objects_apart)
{
    mach_port_t object[2];
    volatile char *at[2];

    REQUIRE_TRUE(start("zero_pager"));
    for (int i = 0; i < 2; i++) {
        object[i] = create(SIZE);
        at[i] = map(object[i]);
        REQUIRE_TRUE(at[i] != NULL);
        at[i][0] = (char)('0' + i);
    }
    EXPECT_EQ(at[0][0], '0');
    EXPECT_EQ(at[1][0], '1');
    EXPECT_EQ(create(0), MACH_PORT_NULL);
    EXPECT_EQ(create(1UL << 50), MACH_PORT_NULL);
    for (int i = 0; i < 2; i++) {
        unmap(at[i]);
        mach_port_deallocate(SELF, object[i]);
    }
    stop();
}

/* ---- packed_pager ---- */

/* A sequence that nothing packs. */
static uint32_t noise(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

/* Page i: zeros, one letter, a text, numbers, noise. */
static char expected(int page, vm_size_t at, uint32_t *state)
{
    static const char text[] = "the quick brown fox jumps over the lazy dog. ";

    switch (page % 5) {
    case 0:
        return 0;
    case 1:
        return (char)('a' + page);
    case 2:
        return text[at * (page + 1) % (sizeof text - 1)];
    case 3:
        return (char)(at / 7 + page);
    default:
        return (char)noise(state);
    }
}

TEST(packed_pager_keeps_every_byte_in_less)
{
    unsigned long bytes, wrong = 0;
    uint32_t state = 1;
    mach_port_t object;
    volatile char *at;
    char *text;

    REQUIRE_TRUE(start("packed_pager"));
    object = create(SIZE);
    at = map(object);
    REQUIRE_TRUE(at != NULL);
    for (int page = 0; page < PAGES; page++)
        for (vm_size_t i = 0; i < PAGE_SIZE; i++)
            at[page * PAGE_SIZE + i] = expected(page, i, &state);
    unmap(at); /* all of it goes to the pager */
    EXPECT_EQ(strtoul(tell("16 pages in "), &text, 10), PAGES);
    bytes = strtoul(text + strlen(" pages in "), NULL, 10);
    EXPECT_TRUE(bytes > 3 * PAGE_SIZE && bytes < SIZE / 2); /* three are noise */
    for (int round = 0; round < 2; round++) {
        at = map(object);
        REQUIRE_TRUE(at != NULL);
        state = 1;
        for (int page = 0; page < PAGES; page++)
            for (vm_size_t i = 0; i < PAGE_SIZE; i++)
                wrong += at[page * PAGE_SIZE + i] != expected(page, i, &state);
        EXPECT_EQ(wrong, 0);
        unmap(at);
    }
    mach_port_deallocate(SELF, object);
    EXPECT_STREQ(tell("0 pages in 0"), "0 pages in 0 bytes\n"); /* and gives it all back */
    stop();
}

/* ---- shared_pager ---- */

static volatile uint64_t *word(volatile char *at, vm_offset_t offset)
{
    return (volatile uint64_t *)(at + offset);
}

TEST(shared_pager_shows_writes_to_all)
{
    mach_port_t object[3];
    volatile char *at[3];

    REQUIRE_TRUE(start("shared_pager"));
    for (int i = 0; i < 3; i++) {
        object[i] = create(SIZE);
        at[i] = map(object[i]);
        REQUIRE_TRUE(at[i] != NULL);
    }
    for (uint64_t round = 1; round < 50; round++) {
        int writer = (int)(round % 3);

        *word(at[writer], PAGE_SIZE) = round;
        for (int i = 0; i < 3; i++)
            EXPECT_EQ(*word(at[i], PAGE_SIZE), round);
        *word(at[(writer + 1) % 3], 8) += 1; /* another page, another writer */
    }
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(*word(at[i], 8), 49);
    unmap(at[0]); /* the last writers take what they wrote along */
    unmap(at[1]);
    EXPECT_EQ(*word(at[2], PAGE_SIZE), 49);
    EXPECT_EQ(*word(at[2], 8), 49);
    unmap(at[2]);
    for (int i = 0; i < 3; i++)
        mach_port_deallocate(SELF, object[i]);
    stop();
}

#define ROUNDS 200

/* In a task of its own, with an object of its own: counts in three ways. */
static void count_with(int number)
{
    volatile char *at = map(create(SIZE));

    if (at == NULL)
        _exit(1);
    for (int i = 0; i < ROUNDS; i++) {
        *word(at, 64 + 8 * number) += 1; /* each its word of one page */
        __atomic_fetch_add(word(at, 8), 1, __ATOMIC_SEQ_CST); /* the same word */
        while (*word(at, PAGE_SIZE) % 2 != (uint64_t)number) /* and by turns */
            sleep(0);
        *word(at, PAGE_SIZE) += 1;
    }
    unmap(at);
    _exit(0);
}

TEST(shared_pager_loses_no_write_of_two_tasks)
{
    mach_port_t object;
    volatile char *at;
    pid_t child[2];
    int status;

    REQUIRE_TRUE(start("shared_pager"));
    object = create(SIZE);
    at = map(object);
    REQUIRE_TRUE(at != NULL);
    EXPECT_EQ(*word(at, 8), 0);
    for (int i = 0; i < 2; i++) {
        child[i] = fork();
        if (child[i] == 0) { /* the service's right is not inherited */
            if (bootstrap_look_up(bootstrap_port, "shared_pager", &service) != KERN_SUCCESS)
                _exit(2);
            count_with(i);
        }
    }
    for (int i = 0; i < 2; i++) {
        EXPECT_EQ(waitpid(child[i], &status, 0), child[i]);
        EXPECT_EQ(status, 0);
    }
    EXPECT_EQ(*word(at, 64), ROUNDS);
    EXPECT_EQ(*word(at, 72), ROUNDS);
    EXPECT_EQ(*word(at, 8), 2 * ROUNDS);
    EXPECT_EQ(*word(at, PAGE_SIZE), 2 * ROUNDS);
    EXPECT_TRUE(strtoul(tell("moves"), NULL, 10) >= 2 * ROUNDS); /* each turn takes the page away */
    unmap(at);
    mach_port_deallocate(SELF, object);
    stop();
}

POSIX_TEST_MAIN
