/* cp FILE... TARGET: copies files. [POSIX XCU cp, without -r yet] */
#include "copy.h"

int main(int argc, char **argv)
{
    char path[1024];
    struct stat st;
    int status = 0;

    if (argc < 3) {
        fprintf(stderr, "usage: cp file... target\n");
        return 2;
    }
    if (argc > 3 && (stat(argv[argc - 1], &st) < 0 || !S_ISDIR(st.st_mode))) {
        fprintf(stderr, "cp: %s: is not a directory\n", argv[argc - 1]);
        return 1;
    }
    for (int i = 1; i < argc - 1; i++)
        status |= copy_file("cp", argv[i],
                            copy_target(argv[i], argv[argc - 1], path, sizeof(path)));
    return status;
}
