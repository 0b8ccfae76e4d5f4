/* Names of files that programs know. */
#ifndef _PATHS_H_
#define _PATHS_H_

#define _PATH_BSHELL  "/bin/sh"
#define _PATH_DEFPATH "/bin"
#define _PATH_DEVNULL "/dev/null"
#define _PATH_TMP     "/tmp/"
#define _PATH_TTY     "/dev/tty"

#endif
