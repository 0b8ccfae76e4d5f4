/* Places in streams. */
#include "stdio_file.h"

#include <unistd.h>

int fseeko(FILE *f, off_t offset, int whence)
{
    if (__stdio_flush(f) == EOF)
        return -1;
    if (whence == SEEK_CUR && f->at < f->end)
        offset -= (off_t)(f->end - f->at); /* the program is not where the file's offset is */
    if (lseek(f->fd, offset, whence) < 0)
        return -1;
    f->at = 0;
    f->end = 0;
    f->flags &= ~STREAM_EOF;
    return 0;
}

int fseek(FILE *f, long offset, int whence)
{
    return fseeko(f, offset, whence);
}

off_t ftello(FILE *f)
{
    off_t at;

    if (f->flags & STREAM_APPEND)
        __stdio_flush(f); /* what waits will be at the end, wherever that is by then */
    at = lseek(f->fd, 0, SEEK_CUR);
    if (at < 0)
        return -1;
    return f->flags & STREAM_PENDING ? at + (off_t)f->at : at - (off_t)(f->end - f->at);
}

long ftell(FILE *f)
{
    return ftello(f);
}

void rewind(FILE *f)
{
    fseeko(f, 0, SEEK_SET);
    clearerr(f);
}
