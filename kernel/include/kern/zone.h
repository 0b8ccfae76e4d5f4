/*
 * Zones: allocators of equal-sized objects, and kalloc for odd sizes.
 *
 * A zone takes whole pages (vm_page_grab, reached through the linear map) and cuts them up. Its
 * memory is TYPE-STABLE: a page once given to a zone stays there, and an object's lock word stays a
 * lock word after the object is freed. Looks at another CPU's current
 * thread without a lock rely on that (sched.c, fpu.c; docs/tricks.md).
 */
#ifndef _KERN_ZONE_H_
#define _KERN_ZONE_H_

#include <kern/lock.h>
#include <stddef.h>

struct zone;
typedef struct zone *zone_t;

/* Makes a zone; at boot only, so it panics rather than fail. size in bytes, at most a page. Objects
 * are 16-aligned. name is kept by reference. */
zone_t zone_create(const char *name, size_t size);
/* An object, its contents undefined (but see type-stability above); NULL when out of memory. Never
 * blocks. Fast path: a per-CPU cache, no lock. */
void *zalloc(zone_t zone);
void *zalloc_zeroed(zone_t zone);
void zfree(zone_t zone, void *object);
/* Objects handed out now: exact when the system is quiet. */
uint32_t zone_count(zone_t zone);
/* For host_info: pages held by all zones, bytes handed out by all zones. */
void zone_totals(uint32_t *pages, uint32_t *bytes_used);

/* Memory of any size, 16-aligned: from power-of-two zones up to a page, above that pages in a
 * row, or (up to KVA_PAGES_MAX) pages mapped so.
 * NULL when out of memory; never blocks. size must be given back on free. */
void *kalloc(size_t size);
void *kalloc_zeroed(size_t size);
void kfree(void *address, size_t size);

/* Sets up the allocator; needs vm_page_grab (vm_page_init). */
void zone_init(void);

#endif
