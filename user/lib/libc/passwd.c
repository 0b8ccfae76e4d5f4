/* /etc/passwd and /etc/group: names of numbers. [POSIX.1-2017, getpwuid, getgrgid] */
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PASSWD_FIELDS 7
#define GROUP_FIELDS  4
#define MEMBERS_MAX   64 /* of one group; those behind are not told */

static char *line; /* that the latest answer points into */

/* Cuts the line at its colons. Are there just so many fields? */
static int split(char *fields[], int count)
{
    char *rest = line;

    line[strcspn(line, "\n")] = '\0';
    for (int i = 0; i < count; i++)
        if ((fields[i] = strsep(&rest, ":")) == NULL)
            return 0;
    return rest == NULL;
}

/* Finds the line of `count` fields whose name is that one, or whose number, its third field. */
static int find(const char *path, char *fields[], int count, const char *name, uint32_t number)
{
    FILE *file = fopen(path, "r");
    size_t room = 0;
    int found = 0;

    free(line);
    line = NULL;
    while (file != NULL && !found && getline(&line, &room, file) > 0)
        found = split(fields, count)
                && (name != NULL ? strcmp(fields[0], name) == 0
                                 : fields[2][0] != '\0' && strtoul(fields[2], NULL, 10) == number);
    if (file != NULL)
        fclose(file);
    return found;
}

static struct passwd *find_user(const char *name, uid_t uid)
{
    static struct passwd user;
    char *f[PASSWD_FIELDS];

    if (!find("/etc/passwd", f, PASSWD_FIELDS, name, uid))
        return NULL;
    user = (struct passwd){f[0], (uid_t)strtoul(f[2], NULL, 10), (gid_t)strtoul(f[3], NULL, 10),
                           f[4], f[5], f[6]};
    return &user;
}

struct passwd *getpwuid(uid_t uid)
{
    return find_user(NULL, uid);
}

struct passwd *getpwnam(const char *name)
{
    return find_user(name, 0);
}

static struct group *find_group(const char *name, gid_t gid)
{
    static struct group group;
    static char *members[MEMBERS_MAX + 1];
    char *f[GROUP_FIELDS];
    int count = 0;

    if (!find("/etc/group", f, GROUP_FIELDS, name, gid))
        return NULL;
    while (count < MEMBERS_MAX && f[3] != NULL && f[3][0] != '\0')
        members[count++] = strsep(&f[3], ",");
    members[count] = NULL;
    group = (struct group){f[0], (gid_t)strtoul(f[2], NULL, 10), members};
    return &group;
}

struct group *getgrgid(gid_t gid)
{
    return find_group(NULL, gid);
}

struct group *getgrnam(const char *name)
{
    return find_group(name, 0);
}
