/*
 * names_cache.c: the names that were looked up last, so that most steps of a path need no look at the
 * directory's blocks. Read dir.c before, which asks it, and tells it of each change.
 *
 * A name has one place it can be in, by its hash and its directory; another that belongs there takes it. Long
 * names are not kept. That a name is not there is known, too: ino is 0. A directory is removed when it is
 * empty, so when its number becomes another's nothing is known of it but names that are not there, and in an
 * empty directory none is.
 */
#include "fs.h"

#include <string.h>

static struct cached_name *place_of(const struct inode *dp, uint32_t hash)
{
    return &dp->fs->names[(hash ^ dp->ino * 31) % NAMES_CACHED];
}

static bool is_it(const struct cached_name *n, const struct inode *dp, const char *name, size_t len,
                  uint32_t hash)
{
    return n->hash == hash && n->dir == dp->ino && n->len == len && memcmp(n->name, name, len) == 0;
}

const struct cached_name *names_find(const struct inode *dp, const char *name, size_t len, uint32_t hash)
{
    const struct cached_name *n = place_of(dp, hash);

    return is_it(n, dp, name, len, hash) ? n : NULL;
}

void names_keep(const struct inode *dp, const char *name, size_t len, uint32_t hash, uint32_t ino)
{
    struct cached_name *n = place_of(dp, hash);

    if (len > sizeof n->name)
        return;
    *n = (struct cached_name){.dir = dp->ino, .hash = hash, .ino = ino, .len = (uint8_t)len};
    memcpy(n->name, name, len);
}
