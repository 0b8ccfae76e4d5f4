/* What posix_owner.c tests, of the file server tmpfs. */
#define DIR_NAME "/tmp/test"
#include "posix_owner.c"
