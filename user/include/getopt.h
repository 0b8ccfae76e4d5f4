/* getopt_long: options with names (GNU's). getopt is in unistd.h, by POSIX. */
#ifndef _GETOPT_H_
#define _GETOPT_H_

#include <unistd.h>

#define no_argument       0
#define required_argument 1
#define optional_argument 2

struct option {
    const char *name; /* NULL: the list's end */
    int has_arg;
    int *flag; /* NULL: val is returned; else it goes there, and 0 is returned */
    int val;
};

int getopt_long(int argc, char *const argv[], const char *options, const struct option *list, int *index);
int getopt_long_only(int argc, char *const argv[], const char *options, const struct option *list,
                     int *index);

#endif
