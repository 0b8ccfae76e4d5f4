/* builtins.h: the builtins with a file of their own: cd.c, read.c, test.c, printf.c, times.c,
 * ulimit.c. */
#ifndef BUILTINS_H
#define BUILTINS_H

#include <stdbool.h>

int builtin_cd(int argc, char **argv);
int builtin_pwd(int argc, char **argv);
/* Where we are, in temporary memory; NULL with errno. physical: without symbolic links. */
const char *current_folder(bool physical);
int builtin_read(int argc, char **argv);
int builtin_test(int argc, char **argv);
int builtin_echo(int argc, char **argv);
int builtin_printf(int argc, char **argv);
int builtin_times(int argc, char **argv);
int builtin_ulimit(int argc, char **argv);

#endif
