/*
 * Memory: arenas, the temporary one among them, and texts that grow. Read sh.h first.
 */
#include "sh.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 4000 /* bytes of an ordinary block: with its header and malloc's, a page */

struct block {
    struct block *next;
    size_t used, size;
    char bytes[];
};
struct arena temp;

AT_START void *need(void *p)
{
    if (p == NULL)
        fail("out of memory");
    return p;
}

AT_START char *copy_string(const char *s)
{
    return need(strdup(s));
}

AT_START void *arena_alloc(struct arena *arena, size_t size)
{
    struct block *block = arena->blocks;

    size = (size + 15) & ~(size_t)15;
    if (block == NULL || block->size - block->used < size) {
        size_t room = size > BLOCK ? size : BLOCK;

        block = need(malloc(sizeof(*block) + room));
        *block = (struct block){arena->blocks, 0, room};
        arena->blocks = block;
    }
    block->used += size;
    return block->bytes + block->used - size;
}

AT_START char *arena_copy(struct arena *arena, const char *s, size_t length)
{
    char *copy = arena_alloc(arena, length + 1);

    if (length > 0)
        memcpy(copy, s, length);
    copy[length] = '\0';
    return copy;
}

void arena_free(struct arena *arena)
{
    struct block *block;

    while ((block = arena->blocks) != NULL) {
        arena->blocks = block->next;
        free(block);
    }
}

AT_START void *temp_alloc(size_t size)
{
    return arena_alloc(&temp, size);
}

AT_START char *temp_copy(const char *s, size_t length)
{
    return arena_copy(&temp, s, length);
}

char *temp_print(const char *format, ...)
{
    va_list ap;
    int length;
    char *s;

    va_start(ap, format);
    length = vsnprintf(NULL, 0, format, ap);
    va_end(ap);
    s = temp_alloc(length + 1);
    va_start(ap, format);
    vsnprintf(s, length + 1, format, ap);
    va_end(ap);
    return s;
}

AT_START struct mark temp_mark(void)
{
    return (struct mark){temp.blocks, temp.blocks != NULL ? temp.blocks->used : 0};
}

void temp_release(struct mark mark)
{
    while (temp.blocks != mark.block) {
        struct block *block = temp.blocks;

        if (block->next == NULL && block->size == BLOCK) { /* the first one is kept */
            block->used = 0;
            return;
        }
        temp.blocks = block->next;
        free(block);
    }
    if (mark.block != NULL)
        mark.block->used = mark.used;
}

static void text_room(struct text *text, size_t more)
{
    size_t room = text->room == 0 ? 64 : text->room;
    char *bytes;

    if (text->length + more + 1 <= text->room)
        return;
    while (room < text->length + more + 1)
        room *= 2;
    bytes = temp_alloc(room);
    if (text->length > 0)
        memcpy(bytes, text->bytes, text->length);
    text->bytes = bytes;
    text->room = room;
}

void text_add(struct text *text, char c)
{
    text_append(text, &c, 1);
}

void text_append(struct text *text, const char *s, size_t length)
{
    text_room(text, length);
    memcpy(text->bytes + text->length, s, length);
    text->length += length;
    text->bytes[text->length] = '\0';
}

const char *text_string(struct text *text)
{
    return text->bytes != NULL ? text->bytes : "";
}
