/* mv FILE... TARGET: renames files, or moves them into a directory. [POSIX XCU mv] */
#include "copy.h"

static int move(const char *from, const char *to)
{
    if (rename(from, to) == 0)
        return 0;
    if (errno != EXDEV) {
        fprintf(stderr, "mv: %s: %s\n", from, strerror(errno));
        return 1;
    }
    return copy_file("mv", from, to) || unlink(from) < 0;
}

int main(int argc, char **argv)
{
    char path[1024];
    struct stat st;
    int status = 0;

    if (argc < 3) {
        fprintf(stderr, "usage: mv file... target\n");
        return 2;
    }
    if (argc > 3 && (stat(argv[argc - 1], &st) < 0 || !S_ISDIR(st.st_mode))) {
        fprintf(stderr, "mv: %s: is not a directory\n", argv[argc - 1]);
        return 1;
    }
    for (int i = 1; i < argc - 1; i++)
        status |= move(argv[i], copy_target(argv[i], argv[argc - 1], path, sizeof(path)));
    return status;
}
