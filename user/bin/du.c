/* du: how much room files take on the disk. [POSIX XCU du] */
#include <stdlib.h>
#include <unistd.h>
#include <util.h>

static const char usage[] =
    "usage: du [-aksx] [file...]\n"
    "Tells how many blocks of 512 bytes directories take with all that is in them.\n"
    "  -a  of each file, too\n"
    "  -s  of operands only\n"
    "  -k  in blocks of 1024 bytes\n"
    "  -x  leaves out what is on another file system\n";

struct seen { /* a file with several names, which counts once */
    dev_t dev;
    ino_t ino;
};

static bool all, operands_only, kib, one_device;
static unsigned long *sums; /* of each directory on the way down, in blocks */
static size_t depth, room;
static struct seen *seen;
static size_t seen_count, seen_room;
static dev_t device;

static bool is_seen(const struct stat *st)
{
    if (S_ISDIR(st->st_mode) || st->st_nlink < 2)
        return false;
    for (size_t i = 0; i < seen_count; i++)
        if (seen[i].ino == st->st_ino && seen[i].dev == st->st_dev)
            return true;
    if (seen_count == seen_room) {
        seen_room = seen_room > 0 ? 2 * seen_room : 64;
        seen = must(realloc(seen, seen_room * sizeof(*seen)));
    }
    seen[seen_count++] = (struct seen){st->st_dev, st->st_ino};
    return false;
}

static void show(unsigned long blocks, const char *path)
{
    printf("%lu\t%s\n", kib ? (blocks + 1) / 2 : blocks, path);
}

static bool count(const char *path, const struct stat *st, enum walk_step step)
{
    if (step == WALK_LEAVE) {
        unsigned long blocks = sums[--depth];

        if (depth > 0)
            sums[depth - 1] += blocks;
        if (depth == 0 || !operands_only)
            show(blocks, path);
        return true;
    }
    if (depth == 0)
        device = st->st_dev;
    if ((one_device && st->st_dev != device) || is_seen(st))
        return false;
    if (step == WALK_ENTER) {
        if (depth == room) {
            room = room > 0 ? 2 * room : 64;
            sums = must(realloc(sums, room * sizeof(*sums)));
        }
        sums[depth++] = st->st_blocks;
        return true;
    }
    if (depth > 0)
        sums[depth - 1] += st->st_blocks;
    if (depth == 0 || all)
        show(st->st_blocks, path);
    return true;
}

int main(int argc, char **argv)
{
    int option;

    util_begin(argv, usage);
    while ((option = getopt(argc, argv, "aksx")) != -1) {
        switch (option) {
        case 'a': all = true; break;
        case 'k': kib = true; break;
        case 's': operands_only = true; break;
        case 'x': one_device = true; break;
        default: util_usage();
        }
    }
    if (optind == argc)
        walk(".", WALK_PHYSICAL, count);
    for (int i = optind; i < argc; i++)
        walk(argv[i], WALK_PHYSICAL, count);
    free(sums);
    free(seen);
    return util_end();
}
