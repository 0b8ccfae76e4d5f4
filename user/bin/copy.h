/* What cp and mv share: copying one file. */
#ifndef COPY_H
#define COPY_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* name, or name/base-of-file if name is a directory (in path, size bytes). */
static inline const char *copy_target(const char *file, const char *name, char *path, size_t size)
{
    const char *slash = strrchr(file, '/');
    struct stat st;

    if (stat(name, &st) < 0 || !S_ISDIR(st.st_mode))
        return name;
    snprintf(path, size, "%s/%s", name, slash != NULL ? slash + 1 : file);
    return path;
}

/* 0, or 1 after a message; then `to` is not left half written. */
static inline int copy_file(const char *program, const char *from, const char *to)
{
    static char buffer[16384];
    struct stat st, other;
    int in = open(from, O_RDONLY), out;
    ssize_t n = 0;

    if (in < 0 || fstat(in, &st) < 0) {
        fprintf(stderr, "%s: %s: %s\n", program, from, strerror(errno));
        return 1;
    }
    if (S_ISDIR(st.st_mode) ||
        (stat(to, &other) == 0 && other.st_ino == st.st_ino && other.st_dev == st.st_dev)) {
        fprintf(stderr, "%s: %s: %s\n", program, from,
                S_ISDIR(st.st_mode) ? "is a directory" : "is the same file");
        close(in);
        return 1;
    }
    out = open(to, O_WRONLY | O_CREAT | O_TRUNC, st.st_mode & 0777);
    if (out < 0) {
        fprintf(stderr, "%s: %s: %s\n", program, to, strerror(errno));
        close(in);
        return 1;
    }
    while ((n = read(in, buffer, sizeof(buffer))) > 0)
        for (ssize_t done = 0, w; done < n; done += w)
            if ((w = write(out, buffer + done, n - done)) < 0) {
                n = -1;
                break;
            }
    if (n < 0) {
        fprintf(stderr, "%s: %s to %s: %s\n", program, from, to, strerror(errno));
        unlink(to);
    }
    close(in);
    close(out);
    return n < 0;
}

#endif
