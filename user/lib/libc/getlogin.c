/* getlogin: the name of the process's user. (Nobody logs in here: there is no other.) */
#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

char *getlogin(void)
{
    struct passwd *user = getpwuid(getuid());

    return user != NULL ? user->pw_name : NULL;
}

int getlogin_r(char *name, size_t size)
{
    char *user = getlogin();

    if (user == NULL)
        return ENXIO;
    return strlcpy(name, user, size) < size ? 0 : ERANGE;
}
