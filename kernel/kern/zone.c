/*
 * Zones: allocators of equal-sized objects; and kalloc on top of them. Read kern/zone.h first.
 *
 *     zalloc -> this CPU's magazine -> the zone's free list -> a new page, cut up
 *
 * A magazine is a small stack of free objects that belongs to one CPU: the kernel runs with
 * interrupts masked, so taking from it needs no lock. An empty magazine is filled half from the
 * free list, a full one emptied half into it, so that a CPU that allocates and frees in turns
 * touches no lock at all.
 *
 * A free object in the list is linked through its LAST 8 bytes: its lock word, which comes early in
 * every structure that has one, stays as the last owner left it (unlocked). That and the fact that
 * no page ever leaves its zone is the type-stability that zone.h promises.
 */
#include <kern/cpu.h>
#include <kern/debug.h>
#include <kern/zone.h>
#include <vm/pmap.h>

#define OBJECT_ALIGN  16
#define MAGAZINE_SIZE 15 /* with the count: 128 bytes, two cache lines */
#define MAGAZINE_BYTES 8192 /* no more than this much lies in one magazine of large objects */

struct magazine {
    uint32_t count;
    void *objects[MAGAZINE_SIZE];
};

struct zone {
    spinlock_t lock;
    const char *name;
    uint32_t size;          /* of an object, rounded up */
    uint32_t magazine_size; /* objects a magazine may hold */
    uint32_t pages;
    uint32_t free_count;
    void *free;             /* linked through link_of() */
    zone_t next;            /* in all_zones; fixed after boot */
    struct magazine magazines[MAX_CPUS];
};

static struct zone zone_zone;   /* the zone of zones */
static zone_t all_zones;
static uint32_t large_pages;    /* held by kalloc for sizes above a page; atomic */

/* ---- kalloc: zones of 32, 64, ... bytes, up to a page ---- */
#define KALLOC_MIN_SHIFT 5
#define KALLOC_ZONES     (PAGE_SHIFT - KALLOC_MIN_SHIFT + 1)
static zone_t kalloc_zones[KALLOC_ZONES];

static void **link_of(zone_t zone, void *object)
{
    return (void **)((char *)object + zone->size - sizeof(void *));
}

/* Cuts one more page into objects of the zone. False: no page. No locks held. */
static bool zone_grow(zone_t zone)
{
    vm_page_t page = vm_page_grab();

    if (page == NULL)
        return false;

    char *start = vm_page_address(page);

    memset(start, 0, PAGE_SIZE); /* lock words begin unlocked */
    spin_lock(&zone->lock);
    for (char *object = start; object + zone->size <= start + PAGE_SIZE; object += zone->size) {
        *link_of(zone, object) = zone->free;
        zone->free = object;
        zone->free_count++;
    }
    zone->pages++;
    spin_unlock(&zone->lock);
    return true;
}

/* The slow half of zalloc: this CPU's magazine is empty. Leaves it half full if it can. */
static void *zalloc_refill(zone_t zone, struct magazine *magazine)
{
    void *object = NULL;

    do {
        spin_lock(&zone->lock);
        while (zone->free != NULL && magazine->count <= zone->magazine_size / 2) {
            object = zone->free;
            zone->free = *link_of(zone, object);
            zone->free_count--;
            magazine->objects[magazine->count++] = object;
        }
        spin_unlock(&zone->lock);
    } while (magazine->count == 0 && zone_grow(zone));
    return magazine->count > 0 ? magazine->objects[--magazine->count] : NULL;
}

void *zalloc(zone_t zone)
{
    struct magazine *magazine = &zone->magazines[current_cpu()->number];

    if (magazine->count > 0)
        return magazine->objects[--magazine->count];
    return zalloc_refill(zone, magazine);
}

void *zalloc_zeroed(zone_t zone)
{
    void *object = zalloc(zone);

    if (object != NULL)
        memset(object, 0, zone->size);
    return object;
}

void zfree(zone_t zone, void *object)
{
    struct magazine *magazine = &zone->magazines[current_cpu()->number];

    assert(object != NULL && ((uintptr_t)object & (OBJECT_ALIGN - 1)) == 0);
    if (magazine->count == zone->magazine_size) {
        spin_lock(&zone->lock);
        while (magazine->count > zone->magazine_size / 2) {
            void *old = magazine->objects[--magazine->count];

            *link_of(zone, old) = zone->free;
            zone->free = old;
            zone->free_count++;
        }
        spin_unlock(&zone->lock);
    }
    magazine->objects[magazine->count++] = object;
}

uint32_t zone_count(zone_t zone)
{
    uint32_t idle = zone->free_count;

    for (int i = 0; i < MAX_CPUS; i++)
        idle += zone->magazines[i].count;
    return zone->pages * (uint32_t)(PAGE_SIZE / zone->size) - idle;
}

void zone_totals(uint32_t *pages, uint32_t *bytes_used)
{
    uint32_t large = __atomic_load_n(&large_pages, __ATOMIC_RELAXED);

    *pages = large;
    *bytes_used = large * PAGE_SIZE;
    for (zone_t zone = all_zones; zone != NULL; zone = zone->next) {
        *pages += zone->pages;
        *bytes_used += zone_count(zone) * zone->size;
    }
}

static void zone_setup(zone_t zone, const char *name, size_t size)
{
    memset(zone, 0, sizeof(*zone));
    spin_lock_init(&zone->lock, LOCK_ZONE);
    zone->name = name;
    zone->size = (size + OBJECT_ALIGN - 1) & ~(size_t)(OBJECT_ALIGN - 1);
    zone->magazine_size = MIN(MAGAZINE_SIZE, MAX(2, MAGAZINE_BYTES / zone->size));
    zone->next = all_zones;
    all_zones = zone;
}

zone_t zone_create(const char *name, size_t size)
{
    zone_t zone;

    if (size == 0 || size > PAGE_SIZE)
        panic("zone_create %s: objects of %zu bytes; a zone's are 1 to %lu", name, size,
              (unsigned long)PAGE_SIZE);
    zone = zalloc(&zone_zone);
    if (zone == NULL)
        panic("zone_create %s: no page of memory is left at boot", name);
    zone_setup(zone, name, size);
    return zone;
}

/* ---- kalloc ---- */

#define SCARCE_SHARE 8 /* free pages are few when they are less than so much of all */

static zone_t kalloc_zone(size_t size)
{
    int shift = KALLOC_MIN_SHIFT;

    if (size > 1UL << KALLOC_MIN_SHIFT)
        shift = 64 - __builtin_clzl(size - 1);
    return kalloc_zones[shift - KALLOC_MIN_SHIFT];
}

void *kalloc(size_t size)
{
    if (size <= PAGE_SIZE)
        return zalloc(kalloc_zone(size));
    if (size > UINT32_MAX)
        return NULL;

    uint32_t count = (size + PAGE_SIZE - 1) >> PAGE_SHIFT;
    bool scarce = vm_counts.free < vm_counts.total / SCARCE_SHARE;
    vm_page_t pages = NULL;
    void *address = NULL;

    /* Among few free pages a search for neighbours takes long, and mostly fails. */
    if (count > KVA_PAGES_MAX || !scarce)
        pages = vm_page_grab_contiguous(count, PAGE_SIZE);

    if (pages == NULL)
        address = count <= KVA_PAGES_MAX ? kva_alloc(count) : NULL;
    if (pages == NULL && address == NULL)
        return NULL;
    __atomic_fetch_add(&large_pages, count, __ATOMIC_RELAXED);
    return pages != NULL ? vm_page_address(pages) : address;
}

void *kalloc_zeroed(size_t size)
{
    void *address = kalloc(size);

    if (address != NULL)
        memset(address, 0, size);
    return address;
}

void kfree(void *address, size_t size)
{
    if (size <= PAGE_SIZE) {
        zfree(kalloc_zone(size), address);
        return;
    }

    uint32_t count = (size + PAGE_SIZE - 1) >> PAGE_SHIFT;

    if (!kva_free(address))
        for (uint32_t i = 0; i < count; i++)
            vm_page_release(vm_page_of_phys(virt_to_phys(address) + i * PAGE_SIZE));
    __atomic_fetch_sub(&large_pages, count, __ATOMIC_RELAXED);
}

void zone_init(void)
{
    static const char *const names[KALLOC_ZONES] = {"kalloc.32",   "kalloc.64",  "kalloc.128",
                                                    "kalloc.256",  "kalloc.512", "kalloc.1024",
                                                    "kalloc.2048", "kalloc.4096"};

    zone_setup(&zone_zone, "zones", sizeof(struct zone));
    for (int i = 0; i < KALLOC_ZONES; i++)
        kalloc_zones[i] = zone_create(names[i], (size_t)1 << (i + KALLOC_MIN_SHIFT));
}
