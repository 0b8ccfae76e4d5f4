/* What was printed on the early console can be read again. */
#include "posix_test.h"

#include <mach/mach.h>
#include <mach/mach_host.h>
#include <mach/traps.h>

#define KEPT 8192 /* HISTORY_SIZE of kernel/kern/printf.c */

static char text[2 * KEPT];

/* All from *next on, at the beginning of text; how many bytes. */
static unsigned read_log(uint64_t *next)
{
    mach_msg_type_number_t count;
    unsigned length = 0;

    do {
        count = sizeof text - 1 - length < 1024 ? sizeof text - 1 - length : 1024;
        EXPECT_EQ(host_console_log(mach_host_self(), next, text + length, &count), KERN_SUCCESS);
        length += count;
    } while (count > 0);
    text[length] = '\0';
    return length;
}

TEST(what_is_printed_is_kept)
{
    uint64_t next = 0;
    unsigned before;

    read_log(&next);
    before = next;
    debug_print("first\n", 6);
    debug_print("second\n", 7);
    EXPECT_EQ(read_log(&next), 13);
    EXPECT_STREQ(text, "first\nsecond\n");
    EXPECT_EQ(next, before + 13);
    EXPECT_EQ(read_log(&next), 0);
}

TEST(what_is_too_old_is_left_out)
{
    static char line[64];
    uint64_t next = 0;
    unsigned length;

    memset(line, '.', sizeof line - 1);
    line[sizeof line - 1] = '\n';
    for (int i = 0; i < 2 * KEPT / (int)sizeof line; i++)
        debug_print(line, sizeof line);
    length = read_log(&next);
    EXPECT_EQ(length, KEPT);
    EXPECT_EQ(memcmp(text + length - sizeof line, line, sizeof line), 0);
    next = 1; /* long gone */
    EXPECT_EQ(read_log(&next), KEPT);
    next = ~0UL; /* never there */
    EXPECT_EQ(read_log(&next), 0);
    debug_print("on\n", 3);
    EXPECT_EQ(read_log(&next), 3);
}

POSIX_TEST_MAIN
