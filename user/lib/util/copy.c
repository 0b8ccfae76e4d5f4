/* Copying files and trees, for cp and mv. Read util.h before. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <util.h>

static struct copy_how how; /* of the call to copy_path under way */

bool confirm(const char *question, const char *path)
{
    int c, answer;

    fprintf(stderr, "%s: %s: %s? ", util_name, path, question);
    answer = c = getchar();
    while (c != '\n' && c != EOF)
        c = getchar();
    return answer == 'y' || answer == 'Y';
}

/* Owner, times and mode as the original's. Not being allowed to give a file away is no error. */
static bool preserve(const char *to, const struct stat *st)
{
    struct timespec times[2] = {st->st_atim, st->st_mtim};
    mode_t mode = st->st_mode & 07777;

    if (chown(to, st->st_uid, st->st_gid) < 0)
        mode &= ~(mode_t)(S_ISUID | S_ISGID);
    if (chmod(to, mode) == 0 && utimensat(AT_FDCWD, to, times, 0) == 0)
        return true;
    complain(to);
    return false;
}

/* The bytes. A new file that cannot be written whole is not left there. */
static bool copy_contents(const char *from, const char *to, const struct stat *st)
{
    int in = open(from, O_RDONLY), out;
    bool writing = false, created, good;

    if (in < 0) {
        complain(from);
        return false;
    }
    out = open(to, O_WRONLY | O_TRUNC);
    created = out < 0 && (errno == ENOENT || (how.force && unlink(to) == 0));
    if (created)
        out = open(to, O_WRONLY | O_CREAT | O_EXCL, st->st_mode & 0777);
    if (out < 0) {
        complain(to);
        close(in);
        return false;
    }
    good = copy_bytes(in, out, -1, &writing) >= 0;
    if (!good)
        complain(writing ? to : from);
    if (close(out) < 0 && good) {
        complain(to);
        good = false;
    }
    close(in);
    if (!good && created)
        unlink(to);
    return good;
}

static bool copy_link(const char *from, const char *to)
{
    char target[PATH_MAX];
    ssize_t n = readlink(from, target, sizeof(target) - 1);

    if (n < 0) {
        complain(from);
        return false;
    }
    target[n] = '\0';
    if (symlink(target, to) == 0 ||
        (errno == EEXIST && unlink(to) == 0 && symlink(target, to) == 0))
        return true;
    complain(to);
    return false;
}

static bool copy_one(const char *from, const char *to, bool follow);

/* The directory, made or there already, and what is in it. */
static bool copy_directory(const char *from, const char *to, const struct stat *st)
{
    struct stat there;
    char **names;
    bool good = true, made = mkdir(to, (st->st_mode & 0777) | S_IRWXU) == 0;

    if (!made && (errno != EEXIST || stat(to, &there) < 0 || !S_ISDIR(there.st_mode))) {
        complain(to);
        return false;
    }
    names = names_in(from);
    if (names == NULL) {
        complain(from);
        return false;
    }
    for (char **name = names; *name != NULL; name++) {
        char *inner = join_path(from, *name), *copy = join_path(to, *name);

        good &= copy_one(inner, copy, false);
        free(inner);
        free(copy);
    }
    free_names(names);
    if (made && !how.preserve) { /* S_IRWXU was only for what is in it */
        mode_t mask = umask(0);

        umask(mask);
        chmod(to, st->st_mode & 0777 & ~mask);
    }
    return good;
}

static bool is_inside(const struct stat *dir, const char *path)
{
    char *parent = must(realpath(path, NULL));
    struct stat st;
    bool inside = false;

    for (char *slash = parent + strlen(parent); slash != NULL && !inside;
         slash = strrchr(parent, '/')) {
        *slash = '\0';
        inside = stat(*parent != '\0' ? parent : "/", &st) == 0 && st.st_ino == dir->st_ino
                 && st.st_dev == dir->st_dev;
    }
    free(parent);
    return inside;
}

/* Would the copy of the directory lie in it? to itself need not be there yet. */
static bool is_inside_itself(const struct stat *dir, const char *to)
{
    char *parent = must(strdup(to)), *slash;
    bool inside;

    while (strlen(parent) > 1 && parent[strlen(parent) - 1] == '/')
        parent[strlen(parent) - 1] = '\0';
    slash = strrchr(parent, '/');
    if (access(to, F_OK) == 0)
        inside = is_inside(dir, to);
    else if (slash == NULL)
        inside = is_inside(dir, ".");
    else {
        slash[slash == parent] = '\0';
        inside = access(parent, F_OK) == 0 && is_inside(dir, parent);
    }
    free(parent);
    return inside;
}

static bool copy_one(const char *from, const char *to, bool follow)
{
    struct stat st, there;
    bool good;

    if ((follow ? stat : lstat)(from, &st) < 0) {
        complain(from);
        return false;
    }
    if (stat(to, &there) == 0) {
        if (there.st_ino == st.st_ino && there.st_dev == st.st_dev) {
            complain_of(from, "is the same file");
            return false;
        }
        if (S_ISDIR(there.st_mode) != S_ISDIR(st.st_mode)) {
            complain_of(to, S_ISDIR(st.st_mode) ? "is not a directory" : "is a directory");
            return false;
        }
        if (how.ask && !S_ISDIR(st.st_mode) && !confirm("overwrite", to))
            return true;
    }
    switch (st.st_mode & S_IFMT) {
    case S_IFDIR:
        if (!how.recursive) {
            complain_of(from, "is a directory");
            return false;
        }
        good = copy_directory(from, to, &st);
        break;
    case S_IFLNK:
        return copy_link(from, to);
    case S_IFREG:
        good = copy_contents(from, to, &st);
        break;
    default:
        if (!how.recursive) {
            good = copy_contents(from, to, &st);
            break;
        }
        good = mknod(to, st.st_mode, st.st_rdev) == 0;
        if (!good)
            complain(to);
    }
    return good && (!how.preserve || preserve(to, &st));
}

bool copy_path(const char *from, const char *to, const struct copy_how *wanted)
{
    struct stat st;

    how = *wanted;
    if (how.recursive && (how.follow ? stat : lstat)(from, &st) == 0 && S_ISDIR(st.st_mode)
        && is_inside_itself(&st, to)) {
        complain_of(from, "cannot be copied into itself");
        return false;
    }
    return copy_one(from, to, how.follow);
}

void each_target(int count, char **operands, bool (*each)(const char *from, const char *to))
{
    const char *last;
    struct stat st;

    if (count < 2)
        util_usage();
    last = operands[count - 1];
    if (stat(last, &st) < 0 || !S_ISDIR(st.st_mode)) {
        if (count > 2)
            die_of(last, "is not a directory");
        if (!each(operands[0], last))
            util_status = util_failure;
        return;
    }
    for (int i = 0; i < count - 1; i++) {
        char *name = last_component(operands[i]), *path = join_path(last, name);

        if (!each(operands[i], path))
            util_status = util_failure;
        free(path);
        free(name);
    }
}
