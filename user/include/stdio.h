/* Buffered input and output. */
#ifndef _STDIO_H_
#define _STDIO_H_

#include <stdarg.h>
#include <stddef.h>
#include <sys/types.h>

#define EOF        (-1)
#define BUFSIZ     4096
#define FILENAME_MAX 1024
#define FOPEN_MAX  65536
#define TMP_MAX    1000000
#define L_tmpnam   32
#define L_ctermid  16
#define P_tmpdir   "/tmp"
#ifndef SEEK_SET
#define SEEK_SET 0
#define SEEK_CUR 1
#define SEEK_END 2
#endif
#define _IOFBF 0
#define _IOLBF 1
#define _IONBF 2

typedef struct FILE FILE;
typedef off_t fpos_t;
extern FILE *const stdin;
extern FILE *const stdout;
extern FILE *const stderr;
#define stdin  stdin
#define stdout stdout
#define stderr stderr

FILE *fopen(const char *restrict path, const char *restrict mode);
FILE *fdopen(int fd, const char *mode);
FILE *freopen(const char *restrict path, const char *restrict mode, FILE *restrict f);
int fclose(FILE *f);
int fflush(FILE *f); /* NULL: all that are open for writing */
int fileno(FILE *f);
int feof(FILE *f);
int ferror(FILE *f);
void clearerr(FILE *f);
int setvbuf(FILE *restrict f, char *restrict buffer, int mode, size_t size);
void setbuf(FILE *restrict f, char *restrict buffer);
void setlinebuf(FILE *f);
FILE *fmemopen(void *restrict buffer, size_t size, const char *restrict mode);
FILE *open_memstream(char **buffer, size_t *size);
FILE *popen(const char *command, const char *mode);
int pclose(FILE *f);
FILE *tmpfile(void);
char *tmpnam(char *name);
char *tempnam(const char *directory, const char *prefix);
char *ctermid(char *name);

/* A stream is locked by each of these functions, if the program has threads; between flockfile and
 * funlockfile it is the thread's. */
void flockfile(FILE *f);
int ftrylockfile(FILE *f);
void funlockfile(FILE *f);
int getc_unlocked(FILE *f);
int getchar_unlocked(void);
int putc_unlocked(int c, FILE *f);
int putchar_unlocked(int c);

int fgetc(FILE *f);
int getc(FILE *f);
int getchar(void);
int ungetc(int c, FILE *f);
char *fgets(char *restrict s, int size, FILE *restrict f);
ssize_t getline(char **restrict line, size_t *restrict size, FILE *restrict f);
ssize_t getdelim(char **restrict line, size_t *restrict size, int delimiter, FILE *restrict f);
size_t fread(void *restrict p, size_t size, size_t count, FILE *restrict f);
int fputc(int c, FILE *f);
int putc(int c, FILE *f);
int putchar(int c);
int fputs(const char *restrict s, FILE *restrict f);
int puts(const char *s);
size_t fwrite(const void *restrict p, size_t size, size_t count, FILE *restrict f);
int fseek(FILE *f, long offset, int whence);
int fseeko(FILE *f, off_t offset, int whence);
long ftell(FILE *f);
off_t ftello(FILE *f);
void rewind(FILE *f);
int fgetpos(FILE *restrict f, fpos_t *restrict position);
int fsetpos(FILE *f, const fpos_t *position);

#define _PRINTF(text, arguments) __attribute__((format(printf, text, arguments)))
int printf(const char *restrict format, ...) _PRINTF(1, 2);
int fprintf(FILE *restrict f, const char *restrict format, ...) _PRINTF(2, 3);
int dprintf(int fd, const char *restrict format, ...) _PRINTF(2, 3);
int sprintf(char *restrict s, const char *restrict format, ...) _PRINTF(2, 3);
int snprintf(char *restrict s, size_t size, const char *restrict format, ...) _PRINTF(3, 4);
int asprintf(char **s, const char *format, ...) _PRINTF(2, 3);
int vprintf(const char *restrict format, va_list ap) _PRINTF(1, 0);
int vfprintf(FILE *restrict f, const char *restrict format, va_list ap) _PRINTF(2, 0);
int vdprintf(int fd, const char *restrict format, va_list ap) _PRINTF(2, 0);
int vsprintf(char *restrict s, const char *restrict format, va_list ap) _PRINTF(2, 0);
int vsnprintf(char *restrict s, size_t size, const char *restrict format, va_list ap) _PRINTF(3, 0);
int vasprintf(char **s, const char *format, va_list ap) _PRINTF(2, 0);
#undef _PRINTF
#define _SCANF(text, arguments) __attribute__((format(scanf, text, arguments)))
int scanf(const char *restrict format, ...) _SCANF(1, 2);
int fscanf(FILE *restrict f, const char *restrict format, ...) _SCANF(2, 3);
int sscanf(const char *restrict text, const char *restrict format, ...) _SCANF(2, 3);
int vscanf(const char *restrict format, va_list ap) _SCANF(1, 0);
int vfscanf(FILE *restrict f, const char *restrict format, va_list ap) _SCANF(2, 0);
int vsscanf(const char *restrict text, const char *restrict format, va_list ap) _SCANF(2, 0);
#undef _SCANF

void perror(const char *s);
int remove(const char *path);
int rename(const char *path, const char *new_path);
int renameat(int fd, const char *path, int new_fd, const char *new_path);

#endif
