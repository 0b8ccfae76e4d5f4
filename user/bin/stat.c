/* stat: all that a file system tells of a file. (The format's letters are those of GNU's stat.) */
#include <limits.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>
#include <util.h>

static const char usage[] =
    "usage: stat [-L] [-c format] file...\n"
    "Tells all about files.\n"
    "  -L         about what a symbolic link leads to\n"
    "  -c format  prints that, and a newline, with %n name, %N name and link, %s size, %b blocks of 512\n"
    "             bytes, %f %a mode in hexadecimal and octal, %A in letters, %F type, %i inode, %h links,\n"
    "             %u %g %U %G owner and group in numbers and names, %d device, %t %T its numbers,\n"
    "             %X %Y %Z %x %y %z times of reading, writing and changing, in seconds and as dates\n";

static const char whole[] =
    "  File: %N\n  Size: %s  Blocks: %b  Type: %F\n  Inode: %i  Links: %h  Device: %d\n"
    "  Mode: (%a/%A)  Owner: (%u/%U)  Group: (%g/%G)\n"
    "  Read:    %x\n  Written: %y\n  Changed: %z";

static const char *type_of(const struct stat *st)
{
    switch (st->st_mode & S_IFMT) {
    case S_IFDIR: return "directory";
    case S_IFCHR: return "character special file";
    case S_IFBLK: return "block special file";
    case S_IFIFO: return "fifo";
    case S_IFLNK: return "symbolic link";
    case S_IFSOCK: return "socket";
    default: return st->st_size == 0 ? "regular empty file" : "regular file";
    }
}

static void print_time(const struct timespec *time)
{
    char text[32];

    time_text(text, sizeof(text), "%Y-%m-%d %H:%M:%S", time->tv_sec);
    printf("%s.%09ld +0000", text, time->tv_nsec);
}

static void print_link(const char *path, const struct stat *st)
{
    char target[PATH_MAX];
    ssize_t n = S_ISLNK(st->st_mode) ? readlink(path, target, sizeof(target)) : -1;

    printf("%s", path);
    if (n >= 0)
        printf(" -> %.*s", (int)n, target);
}

static void print_item(char letter, const char *path, const struct stat *st)
{
    char letters[11];

    switch (letter) {
    case 'n': printf("%s", path); break;
    case 'N': print_link(path, st); break;
    case 's': printf("%ld", (long)st->st_size); break;
    case 'b': printf("%ld", (long)st->st_blocks); break;
    case 'B': printf("512"); break;
    case 'o': printf("%ld", (long)st->st_blksize); break;
    case 'f': printf("%x", (unsigned)st->st_mode); break;
    case 'a': printf("%o", (unsigned)st->st_mode & 07777); break;
    case 'A':
        mode_letters(st->st_mode, letters);
        printf("%s", letters);
        break;
    case 'F': printf("%s", type_of(st)); break;
    case 'i': printf("%lu", (unsigned long)st->st_ino); break;
    case 'h': printf("%lu", (unsigned long)st->st_nlink); break;
    case 'u': printf("%u", (unsigned)st->st_uid); break;
    case 'g': printf("%u", (unsigned)st->st_gid); break;
    case 'U': printf("%s", user_name(st->st_uid)); break;
    case 'G': printf("%s", group_name(st->st_gid)); break;
    case 'd': printf("%lu", (unsigned long)st->st_dev); break;
    case 't': printf("%x", (unsigned)major(st->st_rdev)); break;
    case 'T': printf("%x", (unsigned)minor(st->st_rdev)); break;
    case 'X': printf("%ld", (long)st->st_atime); break;
    case 'Y': printf("%ld", (long)st->st_mtime); break;
    case 'Z': printf("%ld", (long)st->st_ctime); break;
    case 'x': print_time(&st->st_atim); break;
    case 'y': print_time(&st->st_mtim); break;
    case 'z': print_time(&st->st_ctim); break;
    case '%': putchar('%'); break;
    default: die_of((char[]){'%', letter, '\0'}, "is not known");
    }
}

int main(int argc, char **argv)
{
    const char *format = whole;
    bool follow = false;
    struct stat st;
    int option;

    util_begin(argv, usage);
    while ((option = getopt(argc, argv, "Lc:")) != -1) {
        switch (option) {
        case 'L': follow = true; break;
        case 'c': format = optarg; break;
        default: util_usage();
        }
    }
    if (optind == argc)
        util_usage();
    for (int i = optind; i < argc; i++) {
        if ((follow ? stat : lstat)(argv[i], &st) < 0) {
            complain(argv[i]);
            continue;
        }
        for (const char *p = format; *p != '\0'; p++)
            if (*p == '%')
                print_item(*++p, argv[i], &st); /* a % at the end: dies */
            else
                putchar(*p);
        putchar('\n');
    }
    return util_end();
}
