/*
 * cd and pwd. Read sh.h first. XCU cd: the way one went counts (-L), or the folders there are (-P).
 */
#include "builtins.h"
#include "sh.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* PWD, if it names the current folder by an absolute path without dots. */
static const char *logical_pwd(void)
{
    const char *pwd = var_get("PWD");
    struct stat there, here;

    if (pwd == NULL || *pwd != '/' || strstr(pwd, "/./") != NULL || strstr(pwd, "/../") != NULL
        || stat(pwd, &there) < 0 || stat(".", &here) < 0 || there.st_dev != here.st_dev
        || there.st_ino != here.st_ino)
        return NULL;
    return pwd;
}

const char *current_folder(bool physical)
{
    const char *pwd = physical ? NULL : logical_pwd();
    char path[PATH_MAX];

    if (pwd != NULL)
        return temp_copy(pwd, strlen(pwd));
    return getcwd(path, sizeof(path)) != NULL ? temp_copy(path, strlen(path)) : NULL;
}

/* An absolute path without "." and "..", which take the part before them away. */
static char *without_dots(const char *path)
{
    char *result = temp_alloc(strlen(path) + 2), *end = result;

    while (*path != '\0') {
        size_t length = strcspn(path, "/");

        if (length == 2 && strncmp(path, "..", 2) == 0) {
            while (end > result && *--end != '/')
                ;
        } else if (length > 0 && !(length == 1 && *path == '.')) {
            *end++ = '/';
            memcpy(end, path, length);
            end += length;
        }
        path += length;
        path += *path == '/';
    }
    if (end == result)
        *end++ = '/';
    *end = '\0';
    return result;
}

/* Goes there, and sets PWD and OLDPWD. false with errno. */
static bool go(const char *to, bool physical)
{
    const char *old = current_folder(false), *new;

    if (physical || old == NULL) {
        if (chdir(to) < 0)
            return false;
        new = current_folder(true);
    } else {
        struct stat st;

        new = without_dots(*to == '/' ? to : temp_print("%s/%s", old, to));
        if (stat(to, &st) < 0 || chdir(new) < 0) /* (of a/.. there must be an a) */
            return false;
    }
    if (old != NULL)
        var_set("OLDPWD", old);
    if (new != NULL)
        var_set("PWD", new);
    var_set_flags("OLDPWD", VAR_EXPORT);
    var_set_flags("PWD", VAR_EXPORT);
    return true;
}

/* CDPATH's folders are tried for a relative path that does not begin with a dot. */
static bool go_by_path(const char *to, bool physical, bool *tell)
{
    const char *path = var_get("CDPATH");

    if (*to == '/' || strcmp(to, ".") == 0 || strcmp(to, "..") == 0 || strncmp(to, "./", 2) == 0
        || strncmp(to, "../", 3) == 0)
        path = NULL;
    for (; path != NULL; path++) {
        size_t length = strcspn(path, ":");

        if (length > 0 && go(temp_print("%.*s/%s", (int)length, path, to), physical)) {
            *tell = true;
            return true;
        }
        path += length;
        if (*path == '\0')
            break;
    }
    return go(to, physical);
}

int builtin_cd(int argc, char **argv)
{
    bool physical = false, tell = false;
    const char *to;
    int i;

    for (i = 1; i < argc && argv[i][0] == '-' && argv[i][1] != '\0'; i++) {
        if (strcmp(argv[i], "--") == 0) {
            i++;
            break;
        }
        if (strcmp(argv[i], "-L") != 0 && strcmp(argv[i], "-P") != 0)
            return builtin_error("%s: no such option", argv[i]) + 1;
        physical = argv[i][1] == 'P';
    }
    to = i < argc ? argv[i] : var_get("HOME");
    if (to == NULL)
        return builtin_error("HOME is not set");
    if (strcmp(to, "-") == 0) {
        to = var_get("OLDPWD");
        if (to == NULL)
            return builtin_error("OLDPWD is not set");
        tell = true;
    }
    to = temp_copy(to, strlen(to));
    if (!go_by_path(to, physical, &tell))
        return builtin_error("can't cd to %s: %s", to, strerror(errno)) + 1;
    if (tell)
        puts(var_get("PWD"));
    return 0;
}

int builtin_pwd(int argc, char **argv)
{
    const char *path = current_folder(argc > 1 && strcmp(argv[1], "-P") == 0);

    if (path == NULL)
        return builtin_error("%s", strerror(errno));
    puts(path);
    return 0;
}
