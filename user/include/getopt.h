/* getopt is in unistd.h, by POSIX; this name is for programs that look for it here. */
#ifndef _GETOPT_H_
#define _GETOPT_H_
#include <unistd.h>
#endif
