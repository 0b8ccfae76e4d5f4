/* Parts of path names. */
#ifndef _LIBGEN_H_
#define _LIBGEN_H_

char *basename(char *path); /* either may change path */
char *dirname(char *path);

#endif
