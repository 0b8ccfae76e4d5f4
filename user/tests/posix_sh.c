/* The shell, by sh -c, and the programs that it starts. */
#include "posix_test.h"

static char output[16 * 1024];

/* What a command must print, and its exit code. */
static const struct {
    const char *command;
    const char *prints;
    int code;
} simple[] = {
    {"echo hello", "hello\n", 0},
    {"echo one; echo two", "one\ntwo\n", 0},
    {"echo 'a  b' \"c  d\" e\\ f", "a  b c  d e f\n", 0},
    {"echo a | cat", "a\n", 0},
    {"echo a b c | cat | cat | wc -w", NULL, 0},
    {"exit 3", "", 3},
    {"none-such-program", NULL, 127},
    {"cd / && echo in", "in\n", 0},
    {"echo x > f; cat f", "x\n", 0},
    {"echo y >> f; cat f", "x\ny\n", 0},
    {"cat < f", "x\ny\n", 0},
    {"grep y f", "y\n", 0},
    {"grep z f", "", 1},
    {"cp f g; cat g", "x\ny\n", 0},
    {"mv g h; cat h; cat g", NULL, 1},
    {"ln h i; rm h; cat i", "x\ny\n", 0},
    {"mkdir d; echo in > d/e; ls d", "e\n", 0},
    {"ls d/e", "d/e\n", 0},
    {"rm d/e; ls d", "", 0},
    {"(echo sub; exit 2); echo $?", "sub\n2\n", 0},
    {"true && echo yes || echo no", "yes\n", 0},
    {"false && echo yes || echo no", "no\n", 0},
    {"sleep 0 & wait; echo waited", "waited\n", 0},
    {"cd d; cd ..; ls f", "f\n", 0},
    {"cd none", NULL, 2},
    {"A=5; echo $A", "5\n", 0},
    {"echo a 2>/dev/null", "a\n", 0},
    {"ls none 2>/dev/null; echo $?", "1\n", 0},
    {"", "", 0},
};

TEST(what_commands_print)
{
    for (unsigned i = 0; i < sizeof simple / sizeof *simple; i++) {
        int status = shell(simple[i].command, output, sizeof output);

        if (!WIFEXITED(status) || WEXITSTATUS(status) != simple[i].code)
            FAIL("%s: status %#x, not %d; printed \"%s\"", simple[i].command, status, simple[i].code,
                 output);
        if (simple[i].prints != NULL && strcmp(output, simple[i].prints) != 0)
            FAIL("%s: printed \"%s\", not \"%s\"", simple[i].command, output, simple[i].prints);
    }
}

TEST(a_long_pipeline)
{
    EXPECT_EQ(shell("echo through | cat | cat | cat | cat | cat | cat | cat | cat | cat", output,
                    sizeof output), 0);
    EXPECT_STREQ(output, "through\n");
}

TEST(counting_words)
{
    EXPECT_EQ(make_file("w", "one two\nthree\n"), 0);
    EXPECT_EQ(shell("wc w", output, sizeof output), 0);
    EXPECT_TRUE(strstr(output, "2") != NULL && strstr(output, "3") != NULL
                && strstr(output, "14") != NULL);
}

TEST(ps_shows_the_shell)
{
    EXPECT_EQ(shell("ps", output, sizeof output), 0);
    EXPECT_TRUE(strstr(output, "sh") != NULL);
    EXPECT_TRUE(strstr(output, "ps") != NULL);
}

TEST(ports_and_vmmap_show_something)
{
    EXPECT_EQ(shell("ports", output, sizeof output), 0);
    EXPECT_TRUE(strlen(output) > 50);
    EXPECT_EQ(shell("vmmap", output, sizeof output), 0);
    EXPECT_TRUE(strlen(output) > 50);
}

TEST(a_script_file)
{
    EXPECT_EQ(make_file("script", "echo first $1\nexit 4\n"), 0);
    EXPECT_EQ(WEXITSTATUS(shell("sh script argument", output, sizeof output)), 4);
    EXPECT_STREQ(output, "first argument\n");
    EXPECT_EQ(make_file("script", "#!/bin/sh\necho by itself $1\n"), 0);
    EXPECT_EQ(chmod("script", 0755), 0);
    EXPECT_EQ(shell("./script too", output, sizeof output), 0);
    EXPECT_STREQ(output, "by itself too\n");
}

TEST(kill_by_the_shell)
{
    EXPECT_EQ(shell("sleep 1000 & kill $!; wait; echo over", output, sizeof output), 0);
    EXPECT_TRUE(strstr(output, "over\n") != NULL);
}

TEST(large_output_through_a_pipe)
{
    EXPECT_EQ(shell("cat /bin/sh /bin/sh /bin/sh | wc -c", output, sizeof output), 0);
    EXPECT_TRUE(atoi(output) > 30000);
}

POSIX_TEST_MAIN
