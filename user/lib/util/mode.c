/* Modes, owners and groups as people write them. Read util.h before. */
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <util.h>

#define ALL_BITS 07777

/* The bits of a class, shifted to all three of them. */
static mode_t spread(mode_t class_bits)
{
    return class_bits << 6 | class_bits << 3 | class_bits;
}

/* One action of a clause, as +rw or =u. Returns what is behind it, or NULL: it is none. */
static const char *parse_action(const char *p, mode_t who, mode_t allowed, mode_t *mode)
{
    char operator = *p++;
    mode_t bits = 0;

    if (operator != '+' && operator != '-' && operator != '=')
        return NULL;
    for (; *p != '\0' && *p != ',' && strchr("+-=", *p) == NULL; p++)
        switch (*p) {
        case 'r': bits |= spread(S_IROTH); break;
        case 'w': bits |= spread(S_IWOTH); break;
        case 'x': bits |= spread(S_IXOTH); break;
        case 'X': bits |= S_ISDIR(*mode) || (*mode & spread(S_IXOTH)) ? spread(S_IXOTH) : 0; break;
        case 's': bits |= S_ISUID | S_ISGID; break;
        case 't': bits |= S_ISVTX; break;
        case 'u': bits |= spread(*mode >> 6 & 7); break;
        case 'g': bits |= spread(*mode >> 3 & 7); break;
        case 'o': bits |= spread(*mode & 7); break;
        default: return NULL;
        }
    bits &= who & allowed;
    if (operator == '=') /* a directory keeps its set-id bits, unless they are said */
        *mode &= ~(who & (S_ISDIR(*mode) ? ~(mode_t)(S_ISUID | S_ISGID) : ALL_BITS));
    *mode = operator == '-' ? *mode & ~bits : *mode | bits;
    return p;
}

bool parse_mode(const char *text, mode_t *mode, mode_t mask)
{
    const char *p = text;
    mode_t new_mode = *mode;

    if (*p >= '0' && *p <= '7') {
        char *end;
        unsigned long bits = strtoul(p, &end, 8);

        if (*end != '\0' || bits > ALL_BITS)
            return false;
        *mode = (*mode & S_IFMT) | (mode_t)bits;
        return true;
    }
    do {
        mode_t who = 0, allowed = ALL_BITS;

        for (; *p != '\0' && strchr("ugoa", *p) != NULL; p++) {
            who |= *p == 'u' || *p == 'a' ? S_IRWXU | S_ISUID : 0;
            who |= *p == 'g' || *p == 'a' ? S_IRWXG | S_ISGID : 0;
            who |= *p == 'o' || *p == 'a' ? S_IRWXO : 0;
            who |= *p == 'a' || *p == 'o' || *p == 'u' || *p == 'g' ? S_ISVTX : 0;
        }
        if (who == 0) {
            who = ALL_BITS;
            allowed = ~mask;
        }
        do
            p = parse_action(p, who, allowed, &new_mode);
        while (p != NULL && *p != '\0' && *p != ',');
    } while (p != NULL && *p++ == ',');
    if (p == NULL)
        return false;
    *mode = new_mode;
    return true;
}

void mode_letters(mode_t mode, char letters[11])
{
    switch (mode & S_IFMT) {
    case S_IFDIR: letters[0] = 'd'; break;
    case S_IFCHR: letters[0] = 'c'; break;
    case S_IFBLK: letters[0] = 'b'; break;
    case S_IFIFO: letters[0] = 'p'; break;
    case S_IFLNK: letters[0] = 'l'; break;
    case S_IFSOCK: letters[0] = 's'; break;
    default: letters[0] = '-'; break;
    }
    for (int bit = 8; bit >= 0; bit--)
        letters[9 - bit] = mode >> bit & 1 ? "xwr"[bit % 3] : '-';
    if (mode & S_ISUID)
        letters[3] = mode & S_IXUSR ? 's' : 'S';
    if (mode & S_ISGID)
        letters[6] = mode & S_IXGRP ? 's' : 'S';
    if (mode & S_ISVTX)
        letters[9] = mode & S_IXOTH ? 't' : 'T';
    letters[10] = '\0';
}

/* The number as text, in one buffer after the other. */
static const char *digits(unsigned long id)
{
    static char text[24];

    snprintf(text, sizeof(text), "%lu", id);
    return text;
}

const char *user_name(uid_t uid)
{
    struct passwd *user = getpwuid(uid);

    return user != NULL ? user->pw_name : digits(uid);
}

const char *group_name(gid_t gid)
{
    struct group *group = getgrgid(gid);

    return group != NULL ? group->gr_name : digits(gid);
}

bool user_number(const char *text, uid_t *uid)
{
    struct passwd *user = getpwnam(text);
    long number;

    if (user == NULL && (!is_number(text, &number) || number < 0 || number >= UINT32_MAX))
        return false;
    *uid = user != NULL ? user->pw_uid : (uid_t)number;
    return true;
}

bool group_number(const char *text, gid_t *gid)
{
    struct group *group = getgrnam(text);
    long number;

    if (group == NULL && (!is_number(text, &number) || number < 0 || number >= UINT32_MAX))
        return false;
    *gid = group != NULL ? group->gr_gid : (gid_t)number;
    return true;
}
