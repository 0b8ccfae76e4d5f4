/* What older programs look for here. */
#ifndef _SYS_PARAM_H_
#define _SYS_PARAM_H_

#include <endian.h>
#include <limits.h>

#define MAXPATHLEN PATH_MAX
#define NBBY       CHAR_BIT
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define howmany(x, y) (((x) + ((y) - 1)) / (y))
#define roundup(x, y) (howmany(x, y) * (y))

#endif
