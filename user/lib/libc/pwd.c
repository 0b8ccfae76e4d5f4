/* The users: /etc/passwd. Read accounts.h before. */
#include "accounts.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#define FILE_OF_USERS {.fd = -1, .path = "/etc/passwd", .root = "root::0:0:root:/:/bin/sh"}
#define LINE 1024 /* bytes of an entry for the functions without a buffer */

/* The next entry that is one. 1, 0 or -1 with errno. */
static int next(struct accounts *file, struct passwd *entry, char *buffer, size_t size)
{
    int result;

    while ((result = __accounts_next(file, buffer, size)) > 0) {
        char *field[7];

        if (!__accounts_split(buffer, field, 7) || !__accounts_number(field[2], &entry->pw_uid)
            || !__accounts_number(field[3], &entry->pw_gid))
            continue;
        entry->pw_name = field[0];
        entry->pw_passwd = field[1];
        entry->pw_gecos = field[4];
        entry->pw_dir = field[5];
        entry->pw_shell = field[6];
        return 1;
    }
    return result;
}

/* By name, or (NULL) by uid. 0, with NULL if there is none, or an error number. */
static int find(const char *name, uid_t uid, struct passwd *entry, char *buffer, size_t size,
                struct passwd **found)
{
    struct accounts file = FILE_OF_USERS;
    int error = errno;
    int result;

    *found = NULL;
    while ((result = next(&file, entry, buffer, size)) > 0)
        if (name != NULL ? strcmp(entry->pw_name, name) == 0 : entry->pw_uid == uid) {
            *found = entry;
            break;
        }
    result = result < 0 ? errno : 0;
    __accounts_close(&file);
    errno = error;
    return result;
}

int getpwnam_r(const char *name, struct passwd *entry, char *buffer, size_t size, struct passwd **found)
{
    return find(name, 0, entry, buffer, size, found);
}

int getpwuid_r(uid_t uid, struct passwd *entry, char *buffer, size_t size, struct passwd **found)
{
    return find(NULL, uid, entry, buffer, size, found);
}

static struct passwd own;
static char own_buffer[LINE];

static struct passwd *find_own(const char *name, uid_t uid)
{
    struct passwd *found;
    int error = find(name, uid, &own, own_buffer, sizeof(own_buffer), &found);

    if (error != 0)
        errno = error;
    return found;
}

struct passwd *getpwnam(const char *name)
{
    return find_own(name, 0);
}

struct passwd *getpwuid(uid_t uid)
{
    return find_own(NULL, uid);
}

static struct accounts all = FILE_OF_USERS;

struct passwd *getpwent(void)
{
    return next(&all, &own, own_buffer, sizeof(own_buffer)) > 0 ? &own : NULL;
}

void setpwent(void)
{
    __accounts_close(&all);
}

void endpwent(void)
{
    __accounts_close(&all);
}
