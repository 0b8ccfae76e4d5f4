/* ls [-alid] [FILE...]: lists directories, sorted. [POSIX XCU ls] */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int all, long_format, inode, directory_itself;
static int status;

static void complain(const char *name)
{
    fprintf(stderr, "ls: %s: %s\n", name, strerror(errno));
    status = 1;
}

static char type_letter(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFDIR: return 'd';
    case S_IFCHR: return 'c';
    case S_IFBLK: return 'b';
    case S_IFIFO: return 'p';
    case S_IFLNK: return 'l';
    default: return '-';
    }
}

/* One line for the file at path, shown as name. */
static void show(const char *path, const char *name)
{
    char target[1024];
    struct stat st;
    ssize_t n;

    if (!long_format && !inode) {
        puts(name);
        return;
    }
    if (lstat(path, &st) < 0) {
        complain(path);
        return;
    }
    if (inode)
        printf("%6lu ", (unsigned long)st.st_ino);
    if (long_format) {
        putchar(type_letter(st.st_mode));
        for (int bit = 8; bit >= 0; bit--)
            putchar(st.st_mode >> bit & 1 ? "xwr"[bit % 3] : '-');
        printf(" %3u %4u %4u ", (unsigned)st.st_nlink, (unsigned)st.st_uid, (unsigned)st.st_gid);
        if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode))
            printf("%4u,%3u ", (unsigned)st.st_rdev >> 8, (unsigned)st.st_rdev & 0xff);
        else
            printf("%8ld ", (long)st.st_size);
    }
    printf("%s", name);
    if (long_format && S_ISLNK(st.st_mode) && (n = readlink(path, target, sizeof(target) - 1)) >= 0)
        printf(" -> %.*s", (int)n, target);
    putchar('\n');
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void list(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    char **names = NULL;
    size_t count = 0, room = 0;

    if (dir == NULL) {
        complain(path);
        return;
    }
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.' && !all)
            continue;
        if (count == room) {
            room = room == 0 ? 64 : room * 2;
            names = realloc(names, room * sizeof(*names));
        }
        if (names == NULL || (names[count] = strdup(entry->d_name)) == NULL) {
            complain(path);
            break;
        }
        count++;
    }
    closedir(dir);
    qsort(names, count, sizeof(*names), compare);
    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(path) + strlen(names[i]) + 2;
        char *full = malloc(size);

        if (full != NULL) {
            snprintf(full, size, "%s/%s", path, names[i]);
            show(full, names[i]);
        }
        free(full);
        free(names[i]);
    }
    free(names);
}

int main(int argc, char **argv)
{
    int option;

    while ((option = getopt(argc, argv, "alid")) != -1) {
        switch (option) {
        case 'a': all = 1; break;
        case 'l': long_format = 1; break;
        case 'i': inode = 1; break;
        case 'd': directory_itself = 1; break;
        default: fprintf(stderr, "usage: ls [-alid] [file...]\n"); return 2;
        }
    }
    if (optind == argc) {
        if (directory_itself)
            show(".", ".");
        else
            list(".");
    }
    for (int i = optind; i < argc; i++) {
        struct stat st;

        if (lstat(argv[i], &st) < 0) {
            complain(argv[i]);
        } else if (S_ISDIR(st.st_mode) && !directory_itself) {
            if (argc - optind > 1)
                printf("%s%s:\n", i > optind ? "\n" : "", argv[i]);
            list(argv[i]);
        } else {
            show(argv[i], argv[i]);
        }
    }
    return fflush(stdout) == 0 ? status : 1;
}
