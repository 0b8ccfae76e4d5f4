/* What posix_fs.c tests, of the file server tmpfs. */
#define DIR_NAME "/tmp/test"
#include "posix_fs.c"
