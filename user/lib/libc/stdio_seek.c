/* Places in streams. */
#include "stdio_file.h"

#include <unistd.h>

int fseeko(FILE *f, off_t offset, int whence)
{
    STREAM_LOCK(f);

    if (__stdio_flush(f) == EOF)
        return -1;
    if (whence == SEEK_CUR && f->at < f->end)
        offset -= (off_t)(f->end - f->at); /* the program is not where the file's offset is */
    if (__stdio_lseek(f, offset, whence) < 0)
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
    STREAM_LOCK(f);

    if (f->flags & STREAM_APPEND)
        __stdio_flush(f); /* what waits will be at the end, wherever that is by then */
    at = __stdio_lseek(f, 0, SEEK_CUR);
    if (at < 0)
        return -1;
    return f->flags & STREAM_PENDING ? at + (off_t)f->at : at - (off_t)(f->end - f->at);
}

long ftell(FILE *f)
{
    return ftello(f);
}

int fgetpos(FILE *restrict f, fpos_t *restrict position)
{
    off_t at = ftello(f);

    if (at < 0)
        return -1;
    *position = at;
    return 0;
}

int fsetpos(FILE *f, const fpos_t *position)
{
    return fseeko(f, *position, SEEK_SET);
}

void rewind(FILE *f)
{
    fseeko(f, 0, SEEK_SET);
    clearerr(f);
}
