/* A stream, as stdio's own files see it. */
#ifndef _STDIO_FILE_H_
#define _STDIO_FILE_H_

#include <cthreads.h>
#include <stdio.h>

#define STREAM_READ    1   /* may be read */
#define STREAM_WRITE   2   /* may be written */
#define STREAM_EOF     4
#define STREAM_ERROR   8
#define STREAM_OWN     16  /* its buffer is malloc's */
#define STREAM_ALLOC   32  /* the FILE is, too */
#define STREAM_PENDING 64  /* the buffer holds output, else input */
#define STREAM_APPEND  128
#define STREAM_UNKNOWN 256 /* stdout: line buffered if it is a terminal, not looked at yet */

struct FILE;

/* What a stream that is no descriptor does instead of read, write, lseek and close: the same results. */
struct stream_ops {
    ssize_t (*read)(struct FILE *f, char *to, size_t size);
    ssize_t (*write)(struct FILE *f, const char *from, size_t size);
    off_t (*seek)(struct FILE *f, off_t offset, int whence);
    int (*close)(struct FILE *f);
};

struct FILE {
    int fd;
    int flags;
    int mode;     /* _IOFBF, _IOLBF, _IONBF */
    char *buffer; /* NULL: none yet */
    size_t size;  /* of buffer */
    size_t at;    /* input: next byte to give. output: bytes waiting */
    size_t end;   /* input: end of what was read */
    char single[8]; /* the buffer of a stream without one: room for what is pushed back */
    struct FILE *next; /* all that are open, but the three */
    const struct stream_ops *ops; /* NULL: a descriptor */
    void *cookie;      /* for ops */
    cthread_t owner;   /* has locked it, `depth` times */
    int depth;
    mutex_t lock;
};

extern struct FILE *__stdio_files;
/* The list, for this thread alone, if there are several; taken before a stream's lock. */
void __stdio_lock_list(void);
void __stdio_unlock_list(void);

/* For the rest of the block the stream is this thread's, if there are several. */
#define STREAM_LOCK(f) \
    struct FILE *locked_ __attribute__((cleanup(__stdio_unlock), unused)) = __stdio_lock(f)
struct FILE *__stdio_lock(FILE *f);
void __stdio_unlock(struct FILE **f);

/* lseek of the file, whatever it is. */
off_t __stdio_lseek(FILE *f, off_t offset, int whence);
/* A new stream with open(2)'s flags; it is in the list. NULL with ENOMEM. */
FILE *__stdio_new(int fd, int flags);
/* Gives input that was read ahead back to the file, if that can be: its offset is where the program is. */
void __stdio_unread(FILE *f);

/* Makes sure there is a buffer, and that it is used for reading (or writing). 0, or EOF with the
 * error flag set. */
int __stdio_to_read(FILE *f);
int __stdio_to_write(FILE *f);
/* Fills the empty input buffer. Bytes read; 0: end of file or error, flagged. */
size_t __stdio_fill(FILE *f);
/* Writes bytes as the stream's mode says. Returns how many were taken. */
size_t __stdio_write(FILE *f, const char *bytes, size_t size);
/* Writes out what waits. 0 or EOF. */
int __stdio_flush(FILE *f);
/* The open(2) flags of an fopen mode, or -1 with EINVAL. */
int __stdio_mode(const char *mode);

#endif
