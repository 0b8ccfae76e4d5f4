/*
 * packed_pager: memory that takes less than its size. A page that the kernel returns is kept packed, and
 * unpacked when it is asked for again: more memory for the price of time.
 *
 *     $ /examples/packed_pager &
 *
 * What packs is of the family of Lempel and Ziv's of 1977: a page becomes items, each either a byte or a
 * piece of what came before, as a distance back and a length. A byte of flags goes before each eight items.
 * A piece may reach into itself: distance 1 is the same byte over and over. Read pager.h before.
 */
#include <pager.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIECE_MIN 3               /* bytes: shorter ones are not worth two */
#define PIECE_MAX (PIECE_MIN + 15) /* 4 bits of length, and 12 of distance */
#define HASH_SIZE 1024
#define PACKED_MAX (PAGE_SIZE + 17) /* where packing stops that does not pay */

struct page {
    uint8_t *packed; /* NULL: zeros */
    uint16_t size;   /* PAGE_SIZE: as it is */
};

struct object {
    struct pager pager;
    struct page pages[];
};

static vm_size_t held_pages, held_bytes; /* in all objects */

/* in's page into out; returns its size, PAGE_SIZE: not worth it. */
static vm_size_t pack(const uint8_t *in, uint8_t *out)
{
    int16_t last[HASH_SIZE]; /* where three such bytes were seen last */
    vm_size_t at = 0, n = 0;

    memset(last, -1, sizeof last);
    while (at < PAGE_SIZE && n < PAGE_SIZE) {
        uint8_t *flags = &out[n++];

        *flags = 0;
        for (int item = 0; item < 8 && at < PAGE_SIZE; item++) {
            vm_size_t length = 0;
            int from = -1;

            if (at + PIECE_MIN <= PAGE_SIZE) {
                int16_t *seen = &last[(in[at] * 33 * 33 + in[at + 1] * 33 + in[at + 2]) % HASH_SIZE];

                from = *seen;
                *seen = (int16_t)at;
            }
            while (from >= 0 && length < PIECE_MAX && at + length < PAGE_SIZE
                   && in[from + length] == in[at + length])
                length++;
            if (length < PIECE_MIN) {
                out[n++] = in[at++];
                continue;
            }
            *flags |= 1 << item;
            out[n++] = (uint8_t)(at - from);
            out[n++] = (uint8_t)((at - from) >> 8 | (length - PIECE_MIN) << 4);
            at += length;
        }
    }
    return n < PAGE_SIZE ? n : PAGE_SIZE;
}

static void unpack(const uint8_t *in, uint8_t *out)
{
    for (vm_size_t at = 0; at < PAGE_SIZE;) {
        uint8_t flags = *in++;

        for (int item = 0; item < 8 && at < PAGE_SIZE; item++) {
            vm_size_t distance, length;

            if (!(flags & 1 << item)) {
                out[at++] = *in++;
                continue;
            }
            distance = in[0] | (in[1] & 15) << 8;
            length = (in[1] >> 4) + PIECE_MIN;
            in += 2;
            for (; length > 0; length--, at++)
                out[at] = out[at - distance];
        }
    }
}

/* Forgets what a page held. */
static void drop(struct page *page)
{
    if (page->packed == NULL)
        return;
    held_pages--;
    held_bytes -= page->size;
    free(page->packed);
    page->packed = NULL;
}

static void keep(struct page *page, const uint8_t *data)
{
    static uint8_t buffer[PACKED_MAX];
    vm_size_t size = pack(data, buffer);
    uint8_t *packed = malloc(size);

    if (packed == NULL) /* the page is lost, as on a disk that is full; an older one would be a lie */
        return drop(page);
    memcpy(packed, size < PAGE_SIZE ? buffer : data, size);
    drop(page);
    *page = (struct page){packed, (uint16_t)size};
    held_pages++;
    held_bytes += size;
}

kern_return_t S_pagers_tell(mach_port_t server, char *text)
{
    snprintf(text, PAGER_TEXT_SIZE, "%lu pages in %lu bytes\n", held_pages, held_bytes);
    return KERN_SUCCESS;
}

static void destroy(void *object)
{
    struct object *o = object;

    for (vm_size_t i = 0; i < o->pager.size / PAGE_SIZE; i++)
        drop(&o->pages[i]);
    free(o);
}

const struct port_class pager_class = {.name = "packed", .destroy = destroy};
const int pager_strategy = MEMORY_OBJECT_COPY_DELAY; /* nobody else changes it */

kern_return_t S_pagers_create(mach_port_t server, vm_size_t size, mach_port_t *right)
{
    struct object *o;

    size = round_page(size);
    if (size == 0 || size > PAGER_SIZE_MAX)
        return KERN_INVALID_ARGUMENT;
    o = calloc(1, sizeof(*o) + size / PAGE_SIZE * sizeof(*o->pages));
    if (o == NULL || pager_make(&o->pager, size, right) != KERN_SUCCESS) {
        free(o);
        return KERN_RESOURCE_SHORTAGE;
    }
    return KERN_SUCCESS;
}

kern_return_t S_memory_object_data_request(mach_port_t object, mach_port_t control,
                                           vm_offset_t offset, vm_size_t length, vm_prot_t access)
{
    static uint8_t buffer[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
    struct object *o = pager_find(object);

    if (o == NULL)
        return KERN_INVALID_ARGUMENT;
    for (vm_offset_t at = offset; at < offset + length; at += PAGE_SIZE) {
        struct page *page = &o->pages[at / PAGE_SIZE];

        if (at >= o->pager.size) {
            memory_object_data_error(control, at, PAGE_SIZE, KERN_MEMORY_ERROR);
        } else if (page->packed == NULL) {
            memory_object_data_unavailable(control, at, PAGE_SIZE);
        } else {
            if (page->size < PAGE_SIZE)
                unpack(page->packed, buffer);
            else
                memcpy(buffer, page->packed, PAGE_SIZE);
            memory_object_data_supply(control, at, (vm_offset_t)buffer, PAGE_SIZE, VM_PROT_NONE, FALSE,
                                      PAGER_NO_REPLY);
        }
    }
    mach_port_deallocate(mach_task_self(), control);
    return KERN_SUCCESS;
}

kern_return_t S_memory_object_data_return(mach_port_t object, mach_port_t control,
                                          vm_offset_t offset, vm_offset_t data,
                                          mach_msg_type_number_t size, boolean_t dirty,
                                          boolean_t kernel_copy)
{
    struct object *o = pager_find(object);

    if (o == NULL)
        return KERN_INVALID_ARGUMENT;
    for (vm_size_t at = 0; at < size && offset + at < o->pager.size; at += PAGE_SIZE)
        keep(&o->pages[(offset + at) / PAGE_SIZE], (const uint8_t *)data + at);
    vm_deallocate(mach_task_self(), data, size);
    mach_port_deallocate(mach_task_self(), control);
    return KERN_SUCCESS;
}

int main(void)
{
    return pager_serve("packed_pager");
}
