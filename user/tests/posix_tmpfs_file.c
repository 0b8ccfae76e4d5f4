/* What posix_file.c tests, of the file server tmpfs. */
#define DIR_NAME "/tmp/test"
#include "posix_file.c"
