/*
 * libc's functions that need the system and that libc_posix does not look at: streams to commands and
 * in memory, several buffers at once, directories sorted and walked, names of users, options of the
 * system.
 */
#include "posix_test.h"

#include <dirent.h>
#include <err.h>
#include <fenv.h>
#include <ftw.h>
#include <grp.h>
#include <limits.h>
#include <locale.h>
#include <math.h>
#include <pwd.h>
#include <regex.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <time.h>

TEST(popen_reads_and_writes_commands)
{
    char line[100];
    FILE *f = popen("echo one; echo two; exit 3", "r");

    REQUIRE_TRUE(f != NULL);
    EXPECT_TRUE(fgets(line, sizeof line, f) != NULL);
    EXPECT_STREQ(line, "one\n");
    EXPECT_TRUE(fgets(line, sizeof line, f) != NULL);
    EXPECT_TRUE(fgets(line, sizeof line, f) == NULL);
    EXPECT_EQ(WEXITSTATUS(pclose(f)), 3);
    f = popen("cat > out", "w");
    REQUIRE_TRUE(f != NULL);
    fprintf(f, "%d\n", 17);
    EXPECT_EQ(pclose(f), 0);
    EXPECT_STREQ(file_text("out", line, sizeof line), "17\n");
    EXPECT_TRUE(popen("x", "rw") == NULL);
    EXPECT_EQ(errno, EINVAL);
}

TEST(tmpfile_has_no_name)
{
    char text[10] = "";
    FILE *f = tmpfile();

    REQUIRE_TRUE(f != NULL);
    EXPECT_EQ(fputs("hello", f) >= 0, 1);
    rewind(f);
    EXPECT_TRUE(fgets(text, sizeof text, f) != NULL);
    EXPECT_STREQ(text, "hello");
    EXPECT_EQ(fclose(f), 0);
}

TEST(mkdtemp_makes_a_directory)
{
    char name[] = "dirXXXXXX", other[] = "fileXXXXXX.c";
    struct stat st;
    int fd;

    REQUIRE_TRUE(mkdtemp(name) == name);
    EXPECT_EQ(stat(name, &st), 0);
    EXPECT_TRUE(S_ISDIR(st.st_mode));
    EXPECT_EQ(st.st_mode & 07777, 0700);
    EXPECT_EQ(rmdir(name), 0);
    fd = mkstemps(other, 2);
    EXPECT_TRUE(fd >= 0 && strcmp(other + 10, ".c") == 0);
    close(fd);
    EXPECT_EQ(unlink(other), 0);
    EXPECT_TRUE(mkdtemp(strcpy(name, "dirXXXXX")) == NULL);
}

TEST(streams_in_memory)
{
    char buffer[20] = "some text", *grown = NULL;
    size_t size = 99;
    int a = 0, b = 0;
    FILE *f = fmemopen(buffer, strlen(buffer), "r");

    REQUIRE_TRUE(f != NULL);
    EXPECT_EQ(fgetc(f), 's');
    EXPECT_EQ(fseek(f, -4, SEEK_END), 0);
    EXPECT_EQ(fgetc(f), 't');
    EXPECT_EQ(fputc('x', f), EOF);
    EXPECT_EQ(fclose(f), 0);
    f = fmemopen(buffer, 5, "w");
    REQUIRE_TRUE(f != NULL);
    EXPECT_EQ(fprintf(f, "123"), 3);
    EXPECT_EQ(fflush(f), 0);
    EXPECT_STREQ(buffer, "123");
    EXPECT_EQ(fputs("45678", f) >= 0 && fflush(f) == 0, 0); /* no room */
    fclose(f);
    f = open_memstream(&grown, &size);
    REQUIRE_TRUE(f != NULL);
    EXPECT_EQ(size, 0);
    for (int i = 0; i < 3000; i++)
        fprintf(f, "%d ", i);
    EXPECT_EQ(fclose(f), 0);
    EXPECT_EQ(size, strlen(grown));
    EXPECT_STREQ(grown + size - 5, "2999 ");
    EXPECT_EQ(sscanf(grown, "%d %d", &a, &b), 2);
    EXPECT_EQ(b, 1);
    free(grown);
}

TEST(fscanf_reads_a_file)
{
    int i = 0;
    double d = 0;
    char word[10] = "", *line = NULL;
    size_t size = 0;
    FILE *f;

    make_file("in", "12 3.25 word rest\nnext\n");
    f = fopen("in", "r");
    REQUIRE_TRUE(f != NULL);
    EXPECT_EQ(fscanf(f, "%d%lf%9s", &i, &d, word), 3);
    EXPECT_EQ(i, 12);
    EXPECT_TRUE(d == 3.25);
    EXPECT_STREQ(word, "word");
    EXPECT_EQ(getline(&line, &size, f), 6);
    EXPECT_STREQ(line, " rest\n");
    EXPECT_EQ(fscanf(f, "%d", &i), 0);
    EXPECT_EQ(fscanf(f, "%9s", word), 1);
    EXPECT_STREQ(word, "next");
    EXPECT_EQ(fscanf(f, "%d", &i), EOF);
    free(line);
    fclose(f);
}

TEST(closing_a_stream_leaves_the_offset_where_it_was_read_to)
{
    char rest[20] = "";
    int fd;
    FILE *f;

    make_file("in", "line 1\nline 2\n");
    fd = open("in", O_RDONLY);
    f = fdopen(dup(fd), "r");
    REQUIRE_TRUE(f != NULL);
    EXPECT_TRUE(fgets(rest, sizeof rest, f) != NULL);
    EXPECT_EQ(fclose(f), 0);
    memset(rest, 0, sizeof rest);
    EXPECT_EQ(read(fd, rest, 19), 7);
    EXPECT_STREQ(rest, "line 2\n");
    close(fd);
}

TEST(readv_and_writev)
{
    static char big[20000], in[20000];
    char a[4] = "", b[8] = "";
    struct iovec out[] = {{"one", 3}, {"", 0}, {"two", 3}}, to[] = {{a, 2}, {b, 7}};
    struct iovec large[] = {{big, 10000}, {big + 10000, 10000}}, back[] = {{in, 15000}, {in + 15000, 5000}};
    int fd = open("vector", O_RDWR | O_CREAT | O_TRUNC, 0644);

    REQUIRE_TRUE(fd >= 0);
    for (int i = 0; i < 20000; i++)
        big[i] = (char)(i * 7 + i / 256);
    EXPECT_EQ(writev(fd, out, 3), 6);
    EXPECT_EQ(lseek(fd, 0, SEEK_SET), 0);
    EXPECT_EQ(readv(fd, to, 2), 6);
    EXPECT_STREQ(a, "on");
    EXPECT_STREQ(b, "etwo");
    EXPECT_EQ(lseek(fd, 0, SEEK_SET), 0);
    EXPECT_EQ(writev(fd, large, 2), 20000);
    EXPECT_EQ(lseek(fd, 0, SEEK_SET), 0);
    EXPECT_EQ(readv(fd, back, 2), 20000);
    EXPECT_EQ(memcmp(in, big, 20000), 0);
    EXPECT_ERRNO(writev(fd, out, 0), EINVAL);
    EXPECT_ERRNO(writev(fd, out, IOV_MAX + 1), EINVAL);
    out[0].iov_len = (size_t)-1;
    EXPECT_ERRNO(writev(fd, out, 3), EINVAL);
    EXPECT_ERRNO(readv(-1, to, 2), EBADF);
    close(fd);
}

static int not_hidden(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

TEST(scandir_sorts)
{
    struct dirent **list;
    int n;

    mkdir("sorted", 0755);
    make_file("sorted/b", "");
    make_file("sorted/c", "");
    make_file("sorted/a", "");
    n = scandir("sorted", &list, not_hidden, alphasort);
    REQUIRE_EQ(n, 3);
    EXPECT_STREQ(list[0]->d_name, "a");
    EXPECT_STREQ(list[2]->d_name, "c");
    while (n > 0)
        free(list[--n]);
    free(list);
    EXPECT_ERRNO(scandir("none", &list, NULL, NULL), ENOENT);
}

static char walked[200];

static int note(const char *path, const struct stat *st, int type, struct FTW *where)
{
    snprintf(walked + strlen(walked), sizeof walked - strlen(walked), "%s:%d:%d ", path + where->base, type,
             where->level);
    return strcmp(path + where->base, "stop") == 0 ? 42 : 0;
}

TEST(nftw_walks)
{
    mkdir("tree", 0755);
    mkdir("tree/d", 0755);
    make_file("tree/d/f", "x");
    walked[0] = '\0';
    EXPECT_EQ(nftw("tree", note, 5, 0), 0);
    EXPECT_STREQ(walked, "tree:1:0 d:1:1 f:0:2 ");
    walked[0] = '\0';
    EXPECT_EQ(nftw("tree", note, 5, FTW_DEPTH | FTW_PHYS), 0);
    EXPECT_STREQ(walked, "f:0:2 d:5:1 tree:5:0 ");
    make_file("tree/d/stop", "x");
    EXPECT_EQ(nftw("tree", note, 5, 0), 42);
    EXPECT_ERRNO(nftw("none", note, 5, 0), ENOENT);
}

TEST(users_have_names)
{
    struct passwd *root = getpwuid(0), entry, *found;
    struct group *group = getgrgid(0);
    char buffer[200];

    REQUIRE_TRUE(root != NULL && group != NULL);
    EXPECT_STREQ(root->pw_name, "root");
    EXPECT_TRUE(root->pw_dir[0] == '/');
    EXPECT_STREQ(group->gr_name, "root");
    EXPECT_TRUE(getpwnam("nobody-of-that-name") == NULL);
    EXPECT_TRUE(getgrnam("root") != NULL && getgrnam("root")->gr_gid == 0);
    EXPECT_EQ(getpwnam_r("root", &entry, buffer, sizeof buffer, &found), 0);
    EXPECT_TRUE(found == &entry && entry.pw_uid == 0);
    EXPECT_EQ(getpwnam_r("root", &entry, buffer, 5, &found), ERANGE);
    EXPECT_EQ(getpwnam_r("none", &entry, buffer, sizeof buffer, &found), 0);
    EXPECT_TRUE(found == NULL);
    setpwent();
    EXPECT_TRUE(getpwent() != NULL);
    while (getpwent() != NULL)
        ;
    endpwent();
    EXPECT_STREQ(getlogin(), "root");
}

TEST(the_system_says_what_it_is)
{
    struct utsname name;
    char host[65];

    REQUIRE_EQ(uname(&name), 0);
    EXPECT_STREQ(name.sysname, "Ostia");
    EXPECT_STREQ(name.machine, "aarch64");
    EXPECT_TRUE(name.release[0] != '\0');
    EXPECT_EQ(gethostname(host, sizeof host), 0);
    EXPECT_STREQ(host, name.nodename);
    EXPECT_ERRNO(gethostname(host, 2), ENAMETOOLONG);
    EXPECT_EQ(sysconf(_SC_PAGESIZE), 4096);
    EXPECT_TRUE(sysconf(_SC_PHYS_PAGES) >= 1000);
    EXPECT_TRUE(sysconf(_SC_NPROCESSORS_ONLN) >= 1);
    EXPECT_ERRNO(sysconf(-5), EINVAL);
    EXPECT_EQ(pathconf("/", _PC_NAME_MAX), 255);
    EXPECT_ERRNO(pathconf("/none", _PC_NAME_MAX), ENOENT);
    EXPECT_ERRNO(pathconf("/", 999), EINVAL);
}

TEST(there_is_one_locale)
{
    EXPECT_STREQ(setlocale(LC_ALL, NULL), "C");
    EXPECT_TRUE(setlocale(LC_ALL, "de_DE.UTF-8") == NULL);
    EXPECT_STREQ(setlocale(LC_ALL, ""), "C");
    setenv("LC_ALL", "xx", 1);
    EXPECT_TRUE(setlocale(LC_ALL, "") == NULL);
    unsetenv("LC_ALL");
    EXPECT_STREQ(localeconv()->decimal_point, ".");
    EXPECT_TRUE(newlocale(LC_ALL_MASK, "xx", NULL) == NULL);
    EXPECT_EQ(errno, ENOENT);
}

/* On the host the same code is compared function by function; here, that it runs on this processor. */
TEST(mathematics)
{
    volatile double one = 1, x = 0.5;

    EXPECT_TRUE(fabs(sin(one) - 0.8414709848078965) < 1e-16);
    EXPECT_TRUE(fabs(cos(1e22) - 0.5232147853951389) < 1e-15);
    EXPECT_TRUE(exp(one) == M_E && log(exp(one)) == 1 && pow(2, 0.5) == M_SQRT2);
    EXPECT_TRUE(atan2(one, -1) == 3 * M_PI / 4 && sqrt(x * 4) == M_SQRT2);
    EXPECT_TRUE(floor(-x) == -1 && ceil(x) == 1 && round(2.5) == 3 && rint(2.5) == 2 && lround(-2.5) == -3);
    EXPECT_TRUE(fmod(7.5, 2) == 1.5 && remainder(7, 4) == -1 && hypot(3, 4) == 5 && cbrt(27) == 3);
    EXPECT_TRUE(isnan(sqrt(-one)) && isinf(one / (x - 0.5)) && isnan(log(-one)));
    EXPECT_TRUE(tgamma(5) == 24 && fabs(erf(x) - 0.5204998778130465) < 1e-16);
    EXPECT_TRUE(strtod("1.25e3", NULL) == 1250);
}

TEST(floating_point_environment)
{
    volatile double one = 1, three = 3, zero = 0, q;
    double up, down;

    feclearexcept(FE_ALL_EXCEPT);
    q = one / zero;
    EXPECT_EQ(fetestexcept(FE_ALL_EXCEPT), FE_DIVBYZERO);
    EXPECT_EQ(fesetround(FE_UPWARD), 0);
    EXPECT_EQ(fegetround(), FE_UPWARD);
    up = one / three;
    fesetround(FE_DOWNWARD);
    down = one / three;
    fesetround(FE_TONEAREST);
    EXPECT_TRUE(up > down && up - down < 1e-16);
    EXPECT_TRUE(fetestexcept(FE_INEXACT) != 0);
    EXPECT_EQ(feclearexcept(FE_ALL_EXCEPT), 0);
    EXPECT_EQ(fetestexcept(FE_ALL_EXCEPT), 0);
    (void)q;
}

TEST(err_says_who_and_why)
{
    EXPECT_STREQ(getprogname(), "libc_more");
}

POSIX_TEST_MAIN
