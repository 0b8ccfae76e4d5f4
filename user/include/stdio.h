/* Buffered input and output. */
#ifndef _STDIO_H_
#define _STDIO_H_

#include <stdarg.h>
#include <stddef.h>
#include <sys/types.h>

#define EOF        (-1)
#define BUFSIZ     4096
#define FILENAME_MAX 1024
#define L_tmpnam   32
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

void perror(const char *s);
int remove(const char *path);
int rename(const char *path, const char *new_path);
int renameat(int fd, const char *path, int new_fd, const char *new_path);

#endif
