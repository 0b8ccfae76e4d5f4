/* POSIX's system interfaces: descriptors, processes, names. Each sets errno when it returns -1. */
#ifndef _UNISTD_H_
#define _UNISTD_H_

#include <sys/types.h>

#define STDIN_FILENO  0
#define STDOUT_FILENO 1
#define STDERR_FILENO 2
#define SEEK_SET 0
#define SEEK_CUR 1
#define SEEK_END 2
#define F_OK 0
#define X_OK 1
#define W_OK 2
#define R_OK 4
#define _SC_ARG_MAX                      0
#define _SC_CHILD_MAX                    1
#define _SC_CLK_TCK                      2
#define _SC_NGROUPS_MAX                  3
#define _SC_OPEN_MAX                     4
#define _SC_STREAM_MAX                   5
#define _SC_TZNAME_MAX                   6
#define _SC_JOB_CONTROL                  7
#define _SC_SAVED_IDS                    8
#define _SC_TIMERS                       11
#define _SC_MAPPED_FILES                 15
#define _SC_VERSION                      29
#define _SC_PAGESIZE                     30
#define _SC_PAGE_SIZE                    _SC_PAGESIZE
#define _SC_SEM_VALUE_MAX                33
#define _SC_LINE_MAX                     43
#define _SC_RE_DUP_MAX                   44
#define _SC_2_VERSION                    46
#define _SC_IOV_MAX                      60
#define _SC_THREADS                      67
#define _SC_GETGR_R_SIZE_MAX             69
#define _SC_GETPW_R_SIZE_MAX             70
#define _SC_LOGIN_NAME_MAX               71
#define _SC_TTY_NAME_MAX                 72
#define _SC_THREAD_DESTRUCTOR_ITERATIONS 73
#define _SC_THREAD_KEYS_MAX              74
#define _SC_THREAD_STACK_MIN             75
#define _SC_THREAD_THREADS_MAX           76
#define _SC_NPROCESSORS_CONF             83
#define _SC_NPROCESSORS_ONLN             84
#define _SC_PHYS_PAGES                   85
#define _SC_AVPHYS_PAGES                 86
#define _SC_ATEXIT_MAX                   87
#define _SC_MONOTONIC_CLOCK              149
#define _SC_READER_WRITER_LOCKS          153
#define _SC_REGEXP                       155
#define _SC_SHELL                        157
#define _SC_SPIN_LOCKS                   154
#define _SC_SYMLOOP_MAX                  173
#define _SC_HOST_NAME_MAX                180

/* pathconf, confstr */
#define _PC_LINK_MAX         0
#define _PC_MAX_CANON        1
#define _PC_MAX_INPUT        2
#define _PC_NAME_MAX         3
#define _PC_PATH_MAX         4
#define _PC_PIPE_BUF         5
#define _PC_CHOWN_RESTRICTED 6
#define _PC_NO_TRUNC         7
#define _PC_VDISABLE         8
#define _PC_FILESIZEBITS     13
#define _PC_2_SYMLINKS       20
#define _PC_SYMLINK_MAX      19
#define _CS_PATH             0

/* What of POSIX is here; docs/posix.md says it function by function. */
#define _POSIX_VERSION             200809L
#define _POSIX2_VERSION            200809L
#define _XOPEN_VERSION             700
#define _POSIX_JOB_CONTROL         1
#define _POSIX_SAVED_IDS           1
#define _POSIX_FSYNC               200809L
#define _POSIX_MAPPED_FILES        200809L
#define _POSIX_MEMORY_PROTECTION   200809L
#define _POSIX_MONOTONIC_CLOCK     200809L
#define _POSIX_NO_TRUNC            1
#define _POSIX_READER_WRITER_LOCKS 200809L
#define _POSIX_BARRIERS            200809L
#define _POSIX_REGEXP              1
#define _POSIX_SEMAPHORES          200809L
#define _POSIX_SHELL               1
#define _POSIX_SPIN_LOCKS          200809L
#define _POSIX_THREADS             200809L
#define _POSIX_TIMEOUTS            200809L
#define _POSIX_VDISABLE            0

extern char **environ;

/* ---- descriptors ---- */
ssize_t read(int fd, void *buffer, size_t size);
ssize_t write(int fd, const void *buffer, size_t size);
ssize_t pread(int fd, void *buffer, size_t size, off_t offset);
ssize_t pwrite(int fd, const void *buffer, size_t size, off_t offset);
off_t lseek(int fd, off_t offset, int whence);
int close(int fd);
int dup(int fd);
int dup2(int fd, int to);
int pipe(int fds[2]);
int isatty(int fd);
char *ttyname(int fd);
int ttyname_r(int fd, char *name, size_t size);
int ftruncate(int fd, off_t length);
int truncate(const char *path, off_t length);
int fsync(int fd);
int fdatasync(int fd);
void sync(void);

/* ---- names ---- */
int chdir(const char *path);
int fchdir(int fd);
char *getcwd(char *buffer, size_t size);
int access(const char *path, int mode);
int faccessat(int fd, const char *path, int mode, int flags);
int link(const char *path, const char *new_path);
int linkat(int fd, const char *path, int new_fd, const char *new_path, int flags);
int symlink(const char *target, const char *path);
int symlinkat(const char *target, int fd, const char *path);
ssize_t readlink(const char *path, char *buffer, size_t size);
ssize_t readlinkat(int fd, const char *path, char *buffer, size_t size);
int unlink(const char *path);
int unlinkat(int fd, const char *path, int flags);
int rmdir(const char *path);
int chown(const char *path, uid_t uid, gid_t gid);
int fchown(int fd, uid_t uid, gid_t gid);
int lchown(const char *path, uid_t uid, gid_t gid);
int fchownat(int fd, const char *path, uid_t uid, gid_t gid, int flags);

/* ---- processes ---- */
pid_t fork(void);
int execve(const char *path, char *const argv[], char *const envp[]);
int execv(const char *path, char *const argv[]);
int execvp(const char *file, char *const argv[]);
int execl(const char *path, const char *arg, ...);
int execlp(const char *file, const char *arg, ...);
int execle(const char *path, const char *arg, ...);
int fexecve(int fd, char *const argv[], char *const envp[]);
void _exit(int status) __attribute__((noreturn));
pid_t getpid(void);
pid_t getppid(void);
pid_t getpgrp(void);
pid_t getpgid(pid_t pid);
pid_t getsid(pid_t pid);
int setpgid(pid_t pid, pid_t pgid);
pid_t setsid(void);
pid_t tcgetpgrp(int fd);
int tcsetpgrp(int fd, pid_t pgid);
uid_t getuid(void);
uid_t geteuid(void);
gid_t getgid(void);
gid_t getegid(void);
int getresuid(uid_t *ruid, uid_t *euid, uid_t *suid);
int getresgid(gid_t *rgid, gid_t *egid, gid_t *sgid);
int setuid(uid_t uid);
int setgid(gid_t gid);
int seteuid(uid_t uid);
int setegid(gid_t gid);
int setreuid(uid_t ruid, uid_t euid);
int setregid(gid_t rgid, gid_t egid);
int setresuid(uid_t ruid, uid_t euid, uid_t suid);
int setresgid(gid_t rgid, gid_t egid, gid_t sgid);
int getgroups(int size, gid_t *list);
int setgroups(size_t size, const gid_t *list);
unsigned alarm(unsigned seconds);
useconds_t ualarm(useconds_t value, useconds_t interval);
int pause(void);
unsigned sleep(unsigned seconds);
int usleep(useconds_t microseconds);
int brk(void *address);
void *sbrk(intptr_t increment);
long sysconf(int name);
long pathconf(const char *path, int name);
long fpathconf(int fd, int name);
size_t confstr(int name, char *buffer, size_t size);
int gethostname(char *name, size_t size);
char *getlogin(void);
int getlogin_r(char *name, size_t size);
void swab(const void *restrict from, void *restrict to, ssize_t size);
int getpagesize(void);

extern char *optarg;
extern int optind;
extern int opterr;
extern int optopt;
int getopt(int argc, char *const argv[], const char *options);

#endif
