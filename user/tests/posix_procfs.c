/* /proc: what it tells, to whom, and of whom; that it changes nothing and is of no use to who would. */
#include "posix_test.h"

#include <dirent.h>
#include <mach/host_priv.h>
#include <mach/mach.h>
#include <mach/mach_host.h>
#include <mach/mach_port.h>
#include <mach/task.h>
#include <mach/vm_map.h>
#include <ostia.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>

TEST_LIMIT(60);

#define USER  1000
#define GROUP 1000

static char text[65536];

/* /proc/PID/NAME; NAME "" gives the directory. */
static const char *of(pid_t pid, const char *name)
{
    static char path[64];

    snprintf(path, sizeof path, "/proc/%d%s%s", pid, *name != '\0' ? "/" : "", name);
    return path;
}

/* The number behind key at the beginning of a line of the text; -1: there is none. */
static long number_of(const char *key)
{
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, strlen(key)) == 0)
            return strtol(line + strlen(key), NULL, 10);
    }
    return -1;
}

/* A child that waits until it is killed, after it has become `uid` and `gid`. */
static pid_t make_child(uid_t uid, gid_t gid)
{
    int ready[2];
    char c;
    pid_t pid = pipe(ready) == 0 ? fork() : -1;

    if (pid == 0) {
        if (setgid(gid) == 0 && setuid(uid) == 0)
            write(ready[1], "", 1);
        for (;;)
            pause();
    }
    if (pid > 0 && read(ready[0], &c, 1) != 1)
        pid = -1;
    close(ready[0]);
    close(ready[1]);
    return pid;
}

static void end_child(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

TEST(it_is_another_file_system)
{
    struct stat proc, root, up;
    struct statvfs st;

    REQUIRE_EQ(stat("/proc", &proc), 0);
    EXPECT_EQ(stat("/", &root), 0);
    EXPECT_EQ(stat("/proc/self/..", &up), 0);
    EXPECT_TRUE(up.st_dev == proc.st_dev && up.st_ino == proc.st_ino);
    EXPECT_EQ(stat("/proc/..", &up), 0);
    EXPECT_TRUE(up.st_dev == root.st_dev && up.st_ino == root.st_ino);
    EXPECT_TRUE(proc.st_dev != root.st_dev);
    EXPECT_EQ(proc.st_mode, S_IFDIR | 0555);
    EXPECT_EQ(statvfs("/proc", &st), 0);
    EXPECT_EQ(st.f_blocks, 0);
    EXPECT_EQ(shell("mount | grep proc; df -P /proc | tail -n 1 | tr -s ' ' | cut -d ' ' -f 2-", text,
                    sizeof text), 0);
    EXPECT_STREQ(text, "procfs on /proc\n0 0 0 0% /proc\n");
}

TEST(self_is_who_asks)
{
    char target[32] = "", cwd[64];
    struct stat self, own;

    snprintf(text, sizeof text, "%d", getpid());
    EXPECT_EQ(readlink("/proc/self", target, sizeof target - 1), (long)strlen(text));
    EXPECT_STREQ(target, text);
    EXPECT_EQ(stat("/proc/self", &self), 0);
    EXPECT_EQ(stat(of(getpid(), ""), &own), 0);
    EXPECT_EQ(self.st_ino, own.st_ino);
    EXPECT_EQ(shell("test $(readlink /proc/self 2>/dev/null || ls -l /proc/self | sed 's/.* //') != $$ && "
                    "cd -P /proc/$$ && pwd -P | sed s/$$/ME/", text, sizeof text), 0);
    EXPECT_STREQ(text, "/proc/ME\n");
    REQUIRE_EQ(chdir("/proc/self"), 0);
    snprintf(text, sizeof text, "/proc/%d", getpid());
    EXPECT_STREQ(getcwd(cwd, sizeof cwd), text);
    chdir(DIR_NAME);
}

TEST(status_is_of_the_process)
{
    pid_t child = make_child(USER, GROUP);

    REQUIRE_TRUE(child > 0);
    file_text(of(child, "status"), text, sizeof text);
    EXPECT_EQ(strncmp(text, "Name:\tposix_procfs\nState:\tS\n", 28), 0);
    EXPECT_EQ(number_of("Pid:"), child);
    EXPECT_EQ(number_of("PPid:"), getpid());
    EXPECT_EQ(number_of("Pgrp:"), getpgrp());
    EXPECT_EQ(number_of("Session:"), getsid(0));
    EXPECT_EQ(number_of("Uid:"), USER);
    EXPECT_EQ(number_of("Gid:"), GROUP);
    EXPECT_EQ(number_of("Threads:"), 1);
    EXPECT_TRUE(number_of("VmRSS:") > 0 && number_of("VmSize:") >= number_of("VmRSS:"));
    kill(child, SIGSTOP);
    EXPECT_EQ(waitpid(child, NULL, WUNTRACED), child);
    EXPECT_TRUE(strstr(file_text(of(child, "status"), text, sizeof text), "State:\tT\n") != NULL);
    end_child(child);
}

TEST(cmdline_and_exe_are_the_program)
{
    char exe[64] = "";

    EXPECT_EQ(shell("sh -c 'cat /proc/$$/cmdline | tr \"\\000\" .; :' a 'b c'", text, sizeof text), 0);
    EXPECT_STREQ(text, "sh.-c.cat /proc/$$/cmdline | tr \"\\000\" .; :.a.b c.");
    EXPECT_EQ(readlink("/proc/self/exe", exe, sizeof exe - 1), 19);
    EXPECT_STREQ(exe, "/tests/posix_procfs");
    EXPECT_EQ(shell("/proc/self/exe 2>&1; exec /bin/sh -c '/proc/$$/exe -c \"echo \\$0\" x'", text,
                    sizeof text), 0);
    EXPECT_TRUE(strstr(text, "x\n") != NULL);
}

/* What a process was started with is kept as far as 1024 bytes go. */
TEST(a_long_cmdline_is_cut_off)
{
    char longer[1200], command[1300];

    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    snprintf(command, sizeof command, "sh -c 'wc -c < /proc/$$/cmdline; :' %s", longer);
    EXPECT_EQ(shell(command, text, sizeof text), 0);
    EXPECT_EQ(atoi(text), 1024);
}

TEST(maps_and_ports_are_what_a_task_has)
{
    char line[40];
    mach_port_t port;
    char *at = mmap(NULL, 3 * 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    REQUIRE_TRUE(at != MAP_FAILED);
    REQUIRE_EQ(mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &port), KERN_SUCCESS);
    file_text("/proc/self/maps", text, sizeof text);
    snprintf(line, sizeof line, "%08lx-%08lx r--p", (unsigned long)at, (unsigned long)at + 3 * 4096);
    EXPECT_TRUE(strstr(text, line) != NULL);
    EXPECT_TRUE(strstr(text, " r-x") != NULL && strstr(text, " pager\n") != NULL);
    file_text("/proc/self/ports", text, sizeof text);
    snprintf(line, sizeof line, "\n%x receive refs ", port);
    EXPECT_TRUE(strstr(text, line) != NULL);
    mach_port_mod_refs(mach_task_self(), port, MACH_PORT_RIGHT_RECEIVE, -1);
    munmap(at, 3 * 4096);
}

/* ---- who may see what ---- */

static pid_t roots, users, group_mates; /* processes of root, of the user, and of the user in another group */

static int user_sees(void)
{
    char target[64];
    int fd = open(of(roots, "maps"), O_RDONLY); /* by root: may it be read by who is none any more? */

    if (fd < 0 || setgid(GROUP) != 0 || setuid(USER) != 0)
        return 1;
    if (read(fd, text, sizeof text) != -1 || errno != EACCES)
        return 2;
    close(fd);
    if (number_of("") == 0 || *file_text(of(roots, "status"), text, sizeof text) == '\0')
        return 3;
    if (open(of(roots, "maps"), O_RDONLY) != -1 || errno != EACCES)
        return 4;
    if (open(of(roots, "ports"), O_RDONLY) != -1 || errno != EACCES)
        return 5;
    if (open(of(roots, "cmdline"), O_RDONLY) != -1 || errno != EACCES)
        return 6;
    if (readlink(of(roots, "exe"), target, sizeof target) != -1 || errno != EACCES)
        return 7;
    fd = open(of(users, "maps"), O_RDONLY);
    if (fd < 0 || read_all(fd, text, sizeof text) <= 0)
        return 8;
    if (readlink(of(users, "exe"), target, sizeof target) <= 0)
        return 9;
    fd = open(of(group_mates, "maps"), O_RDONLY); /* the file is the user's; what is in it is not */
    if (fd < 0 || read(fd, text, sizeof text) != -1 || errno != EACCES)
        return 10;
    if (readlink(of(group_mates, "exe"), target, sizeof target) != -1 || errno != EACCES)
        return 11;
    if (open("/proc/self/status", O_WRONLY) != -1 || errno != EACCES)
        return 12;
    if (mount_port("/proc/self", getdport(fd), "mine") != -1 || errno != EPERM)
        return 13;
    return 0;
}

TEST(what_is_in_a_process_is_for_its_owner)
{
    struct stat st;

    roots = make_child(0, 0);
    users = make_child(USER, GROUP);
    group_mates = make_child(USER, GROUP + 1);
    REQUIRE_TRUE(roots > 0 && users > 0 && group_mates > 0);
    EXPECT_EQ(stat(of(users, "maps"), &st), 0);
    EXPECT_TRUE(st.st_uid == USER && st.st_gid == GROUP && st.st_mode == (S_IFREG | 0400));
    EXPECT_EQ(run_child(user_sees), 0);
    EXPECT_TRUE(*file_text(of(users, "maps"), text, sizeof text) != '\0'); /* root sees all */
    end_child(roots);
    end_child(users);
    end_child(group_mates);
}

/* ---- processes that end ---- */

TEST(a_process_that_ends_takes_its_files_along)
{
    pid_t child = make_child(0, 0);
    int dir = open(of(child, ""), O_RDONLY | O_DIRECTORY), status, maps, zombies;
    char c;

    REQUIRE_TRUE(dir >= 0);
    status = openat(dir, "status", O_RDONLY);
    maps = openat(dir, "maps", O_RDONLY);
    REQUIRE_TRUE(status >= 0 && maps >= 0);
    EXPECT_EQ(read(maps, &c, 1), 1);
    kill(child, SIGKILL);
    EXPECT_EQ(waitid(P_PID, child, NULL, WEXITED | WNOWAIT), 0);
    EXPECT_TRUE(strstr(file_text(of(child, "status"), text, sizeof text), "State:\tZ\n") != NULL);
    zombies = openat(dir, "maps", O_RDONLY);
    EXPECT_ERRNO(read(zombies, &c, 1), ESRCH);
    EXPECT_EQ(waitpid(child, NULL, 0), child);
    EXPECT_ERRNO(read(status, &c, 1), ESRCH);
    EXPECT_EQ(read(maps, &c, 1), 1); /* from the text that was begun */
    EXPECT_ERRNO(pread(maps, &c, 1, 0), ESRCH);
    EXPECT_ERRNO(openat(dir, "status", O_RDONLY), ENOENT);
    EXPECT_ERRNO(open(of(child, "status"), O_RDONLY), ENOENT);
    EXPECT_ERRNO(access(of(child, ""), F_OK), ENOENT);
    close(dir);
    close(status);
    close(maps);
    close(zombies);
}

TEST(a_text_is_one_reader_s_own)
{
    int a = open("/proc/uptime", O_RDONLY), b;
    char first[32] = "", again[32] = "";

    REQUIRE_EQ(read(a, first, 2), 2);
    for (int i = 0; i < 2; i++) {
        struct timespec t = {0, 20000000};

        nanosleep(&t, NULL);
    }
    b = open("/proc/uptime", O_RDONLY);
    EXPECT_TRUE(read(b, again, sizeof again - 1) > 3);
    EXPECT_TRUE(read(a, first + 2, sizeof first - 3) > 1);
    EXPECT_TRUE(strtod(first, NULL) < strtod(again, NULL));
    EXPECT_EQ(read(a, text, 1), 0);
    EXPECT_EQ(lseek(a, 0, SEEK_SET), 0);
    EXPECT_TRUE(read(a, text, sizeof text) > 3);
    close(a);
    close(b);
}

/* One byte at a time, as often as libc would think of a mapping. */
TEST(small_reads_give_the_same)
{
    char whole[256];
    int fd = open("/proc/version", O_RDONLY);
    size_t length = 0;

    while (length < sizeof whole - 1 && read(fd, text + length, 1) == 1)
        length++;
    text[length] = '\0';
    close(fd);
    EXPECT_STREQ(text, file_text("/proc/version", whole, sizeof whole));
    EXPECT_TRUE(length > 10);
    fd = open("/proc/version", O_RDONLY);
    EXPECT_EQ(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED, 1);
    EXPECT_EQ(errno, ENODEV);
    close(fd);
}

/* ---- names ---- */

TEST(names_are_those_of_processes)
{
    static const char *const wrong[] = {"0", "00", "01", "-1", "99999", "4294967297", "18446744073709551617",
                                        "1x", "x", "self2", " 1", "status"};

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        snprintf(text, sizeof text, "/proc/%s", wrong[i]);
        EXPECT_ERRNO(access(text, F_OK), ENOENT);
    }
    EXPECT_EQ(access("/proc/1/status", F_OK), 0);
    EXPECT_ERRNO(access("/proc/1/1", F_OK), ENOENT);
    EXPECT_ERRNO(access("/proc/1/meminfo", F_OK), ENOENT);
    EXPECT_ERRNO(access("/proc/1/status/", F_OK), ENOTDIR);
    EXPECT_ERRNO(access("/proc/self/status/x", F_OK), ENOTDIR);
}

#define CHILDREN 160 /* more than one answer of fs_readdir has room for */

TEST(every_process_is_listed_once)
{
    static pid_t children[CHILDREN];
    int found[CHILDREN] = {0}, count = 0, odd = 0, last = 0;
    struct dirent *e;
    DIR *dir;

    while (count < CHILDREN && (children[count] = fork()) > 0)
        count++;
    if (count < CHILDREN && children[count] == 0)
        for (;;)
            pause();
    dir = opendir("/proc");
    REQUIRE_TRUE(dir != NULL);
    while ((e = readdir(dir)) != NULL) {
        struct stat st;
        int pid = atoi(e->d_name);

        odd += fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 || st.st_ino != e->d_ino ||
               st.st_mode >> 12 != e->d_type || (pid != 0 && pid <= last);
        if (pid != 0)
            last = pid;
        for (int i = 0; i < count; i++)
            found[i] += children[i] == pid;
        if (pid == children[1]) /* names that go while one reads disturb no others */
            end_child(children[0]);
    }
    closedir(dir);
    EXPECT_EQ(odd, 0);
    for (int i = 0; i < count; i++)
        odd += found[i] != 1;
    EXPECT_EQ(odd, 0);
    EXPECT_TRUE(count > CHILDREN / 2);
    for (int i = 1; i < count; i++)
        end_child(children[i]);
}

TEST(nothing_can_be_changed)
{
    EXPECT_ERRNO(open("/proc/version", O_WRONLY), EROFS);
    EXPECT_ERRNO(open("/proc/version", O_RDWR | O_TRUNC), EROFS);
    EXPECT_ERRNO(open("/proc/new", O_WRONLY | O_CREAT, 0666), EROFS);
    EXPECT_ERRNO(truncate("/proc/version", 0), EROFS);
    EXPECT_ERRNO(mkdir("/proc/new", 0777), EROFS);
    EXPECT_ERRNO(mkdir("/proc/1", 0777), EEXIST);
    EXPECT_ERRNO(rmdir("/proc/1"), EROFS);
    EXPECT_ERRNO(unlink("/proc/version"), EROFS);
    EXPECT_ERRNO(rename("/proc/version", "/proc/v"), EROFS);
    EXPECT_ERRNO(symlink("x", "/proc/new"), EROFS);
    EXPECT_ERRNO(link("/proc/version", "/proc/new"), EROFS);
    EXPECT_ERRNO(mknod("/proc/new", S_IFCHR | 0666, 1 << 8 | 3), EROFS);
    EXPECT_ERRNO(chmod("/proc/version", 0666), EPERM);
    EXPECT_ERRNO(chown("/proc/version", USER, GROUP), EPERM);
    EXPECT_ERRNO(utimensat(AT_FDCWD, "/proc/version", NULL, 0), EPERM);
}

/* ---- the system ---- */

TEST(figures_are_those_of_the_machine)
{
    struct utsname system;
    host_basic_info_data_t info;
    mach_msg_type_number_t count = HOST_BASIC_INFO_COUNT;
    host_t host = mach_host_self();
    int processors = 0;

    EXPECT_EQ(host_info(host, HOST_BASIC_INFO, (host_info_t)&info, &count), KERN_SUCCESS);
    mach_port_deallocate(mach_task_self(), host);
    file_text("/proc/meminfo", text, sizeof text);
    EXPECT_TRUE(number_of("MemTotal:") > 0 && number_of("MemTotal:") <= (long)(info.memory_size / 1024));
    EXPECT_TRUE(number_of("MemFree:") > 0 && number_of("MemFree:") < number_of("MemTotal:"));
    file_text("/proc/vmstat", text, sizeof text);
    EXPECT_TRUE(number_of("tasks ") > 5 && number_of("threads ") >= number_of("tasks "));
    file_text("/proc/cpuinfo", text, sizeof text);
    for (const char *at = text; (at = strstr(at, "processor\t")) != NULL; at++)
        processors++;
    EXPECT_EQ(processors, info.avail_cpus);
    uname(&system);
    EXPECT_EQ(strncmp(file_text("/proc/version", text, sizeof text), system.version, strlen(system.version)),
              0);
    file_text("/proc/mounts", text, sizeof text);
    EXPECT_EQ(strncmp(text, "file /\n", 7), 0);
    EXPECT_TRUE(strstr(text, "\ntmpfs /tmp\n") != NULL && strstr(text, "\nprocfs /proc\n") != NULL);
}

TEST(utilities_go_through_it)
{
    EXPECT_EQ(shell("find /proc > /tmp/found; grep -c '^/proc/1/status$' /tmp/found", text, sizeof text), 0);
    EXPECT_STREQ(text, "1\n");
    EXPECT_EQ(shell("grep -r 'Name:.init$' /proc/1 /proc/version; grep -rl . /proc > /dev/null 2>&1; "
                    "grep -c MemTotal /proc/meminfo", text, sizeof text), 0);
    EXPECT_STREQ(text + strlen(text) - 2, "1\n");
    EXPECT_EQ(shell("ls -l /proc > /dev/null && cp /proc/version /tmp/v && cmp /proc/version /tmp/v && "
                    "tail -n 1 /proc/self/status | cut -f 1; rm /tmp/v /tmp/found", text, sizeof text), 0);
    EXPECT_STREQ(text, "SystemTime:\n");
}

/* The names that the server has, and pages of its memory. */
static void measure(unsigned *names, uint64_t *size)
{
    task_basic_info_data_t info;
    mach_msg_type_number_t count, name_count;
    mach_port_t *tasks;
    char name[32];

    *names = 0;
    *size = 0;
    if (host_tasks(test_host_priv(), &tasks, &count) != KERN_SUCCESS)
        return;
    for (unsigned i = 0; i < count; i++) {
        ipc_info_name_t *list;
        mach_msg_type_number_t info_count = TASK_BASIC_INFO_COUNT;

        if (task_get_name(tasks[i], name) == KERN_SUCCESS && strcmp(name, "devproc") == 0 &&
            mach_port_space_info(tasks[i], &list, &name_count) == KERN_SUCCESS) {
            *names = name_count;
            vm_deallocate(mach_task_self(), (vm_address_t)list, name_count * sizeof *list);
            task_info(tasks[i], TASK_BASIC_INFO, (task_info_t)&info, &info_count);
            *size = info.virtual_size;
        }
        mach_port_deallocate(mach_task_self(), tasks[i]);
    }
    vm_deallocate(mach_task_self(), (vm_address_t)tasks, count * sizeof *tasks);
}

/* A look costs the server nothing once it is over. */
TEST(nothing_is_left_of_a_look)
{
    unsigned names[2];
    uint64_t size[2];

    for (int i = 0; i < 2; i++) {
        for (int n = 0; n < 20; n++)
            shell("cat /proc/self/* /proc/[a-z]* > /dev/null; ls -lR /proc > /dev/null 2>&1; ls /proc/1/x; "
                  "rm /proc/1/maps", text, sizeof text);
        measure(&names[i], &size[i]);
    }
    EXPECT_TRUE(names[0] > 0);
    EXPECT_EQ(names[1], names[0]);
    EXPECT_EQ(size[1], size[0]);
}

POSIX_TEST_MAIN
