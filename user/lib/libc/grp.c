/* The groups: /etc/group. Read accounts.h before. */
#include "accounts.h"

#include <errno.h>
#include <grp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FILE_OF_GROUPS {.fd = -1, .path = "/etc/group", .root = "root::0:root"}
#define LINE 4096 /* bytes of an entry for the functions without a buffer */

/* The members' names, an array of pointers behind the line in the buffer. */
static int set_members(struct group *entry, char *list, char *buffer, size_t size)
{
    char *end = list + strlen(list) + 1;
    char **member = (char **)(((uintptr_t)end + sizeof(char *) - 1) & ~(sizeof(char *) - 1));
    char **limit = (char **)(buffer + (size & ~(sizeof(char *) - 1)));

    entry->gr_mem = member;
    for (char *name; (name = strsep(&list, ",")) != NULL;)
        if (*name != '\0' && member < limit)
            *member++ = name;
    if (member >= limit) {
        errno = ERANGE;
        return -1;
    }
    *member = NULL;
    return 1;
}

/* The next entry that is one. 1, 0 or -1 with errno. */
static int next(struct accounts *file, struct group *entry, char *buffer, size_t size)
{
    int result;

    while ((result = __accounts_next(file, buffer, size)) > 0) {
        char *field[4];

        if (!__accounts_split(buffer, field, 4) || !__accounts_number(field[2], &entry->gr_gid))
            continue;
        entry->gr_name = field[0];
        entry->gr_passwd = field[1];
        return set_members(entry, field[3], buffer, size);
    }
    return result;
}

/* By name, or (NULL) by gid. 0, with NULL if there is none, or an error number. */
static int find(const char *name, gid_t gid, struct group *entry, char *buffer, size_t size,
                struct group **found)
{
    struct accounts file = FILE_OF_GROUPS;
    int error = errno;
    int result;

    *found = NULL;
    while ((result = next(&file, entry, buffer, size)) > 0)
        if (name != NULL ? strcmp(entry->gr_name, name) == 0 : entry->gr_gid == gid) {
            *found = entry;
            break;
        }
    result = result < 0 ? errno : 0;
    __accounts_close(&file);
    errno = error;
    return result;
}

int getgrnam_r(const char *name, struct group *entry, char *buffer, size_t size, struct group **found)
{
    return find(name, 0, entry, buffer, size, found);
}

int getgrgid_r(gid_t gid, struct group *entry, char *buffer, size_t size, struct group **found)
{
    return find(NULL, gid, entry, buffer, size, found);
}

static struct group own;
static char own_buffer[LINE];

static struct group *find_own(const char *name, gid_t gid)
{
    struct group *found;
    int error = find(name, gid, &own, own_buffer, sizeof(own_buffer), &found);

    if (error != 0)
        errno = error;
    return found;
}

struct group *getgrnam(const char *name)
{
    return find_own(name, 0);
}

struct group *getgrgid(gid_t gid)
{
    return find_own(NULL, gid);
}

static struct accounts all = FILE_OF_GROUPS;

struct group *getgrent(void)
{
    return next(&all, &own, own_buffer, sizeof(own_buffer)) > 0 ? &own : NULL;
}

void setgrent(void)
{
    __accounts_close(&all);
}

void endgrent(void)
{
    __accounts_close(&all);
}
