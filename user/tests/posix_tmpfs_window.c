/* What posix_window.c tests, of the file server tmpfs. */
#define DIR_NAME "/tmp/test"
#include "posix_window.c"
