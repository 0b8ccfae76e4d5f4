/*
 * The trace: a ring of records for each CPU, off unless booted with trace=N. Read kern/trace.h and
 * mach/trace.h before; kern/cpu.h for why a ring needs no lock to be written.
 *
 *   records[number % trace_size]     record number 0 is the CPU's first, head the number of the next
 *
 *        number:  ... head-size | head-size+1 ...... head-1 | head
 *                     the writer may be   to be read          the next to be
 *                     over it just now                        written
 *
 * Only its own CPU writes to a ring, with interrupts masked. Any CPU may read it meanwhile: it looks
 * at head, copies, and looks at head again, to see what the writer has run over in between. The
 * writer fills in record `head` before it counts it, so record head - trace_size is not safe either.
 */
#include <kern/cpu.h>
#include <kern/debug.h>
#include <kern/host.h>
#include <kern/thread.h>
#include <kern/trace.h>
#include <mach/host_priv_server.h>

#define TRACE_SIZE_DEFAULT 1024
#define TRACE_SIZE_MAX     65536

struct trace_ring {
    uint64_t head;                /* written by the ring's CPU alone, with release order */
    struct trace_record *records; /* trace_size of them */
};

uint32_t trace_size;
static struct trace_ring rings[MAX_CPUS];

void trace_init(void)
{
    char word[12];
    uint64_t wanted = boot_number("trace");
    uint32_t size = 2;

    if (!boot_arg("trace", word, sizeof(word)))
        return;
    if (word[0] == '\0')
        wanted = TRACE_SIZE_DEFAULT;
    if (wanted == 0)
        return;
    while (size < wanted && size < TRACE_SIZE_MAX)
        size *= 2;
    for (uint32_t i = 0; i < boot_info.cpus; i++)
        rings[i].records = boot_alloc(size * sizeof(struct trace_record), sizeof(uint64_t));
    trace_size = size;
}

/*
 * Writes record number `head` of this CPU's ring (kind, object and value as given; the time and the
 * thread are the current ones), and then counts it, with release order: a reader that sees the new
 * head sees the record. The oldest record is overwritten when the ring is full. See trace.h for the
 * context.
 */
void trace_record(uint32_t kind, const void *object, int32_t value)
{
    struct trace_ring *ring = &rings[current_cpu()->number];
    uint64_t head = ring->head;

    ring->records[head % trace_size] = (struct trace_record){
        .time = machine_time(),
        .thread = (uint64_t)current_thread(),
        .object = (uint64_t)object,
        .value = value,
        .kind = kind,
    };
    __atomic_store_n(&ring->head, head + 1, __ATOMIC_RELEASE);
}

/*
 * Copies to `out` the records of a ring from number *next on, oldest first, at most `room` of them, and
 * returns how many. Those that have been overwritten, or may be at this moment, are left out: the first
 * copied is then the oldest that is whole. *next becomes the number of the record behind the last one
 * copied, so that the next call goes on from there (and the caller sees how many he missed); when there
 * is none to copy, that of the next to be written. A *next beyond that is taken for it. Another CPU may
 * be writing to the ring meanwhile. No locks; does not block.
 */
static uint32_t ring_read(struct trace_ring *ring, uint64_t *next, struct trace_record *out,
                          uint32_t room)
{
    uint64_t head = __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE);
    uint64_t first = MIN(*next, head);
    uint64_t oldest, end;
    uint32_t lost;

    oldest = head >= trace_size ? head - trace_size + 1 : 0;
    first = MAX(first, oldest);
    end = MIN(head, first + room);
    for (uint64_t number = first; number < end; number++)
        out[number - first] = ring->records[number % trace_size];

    /* What the writer has reached since: those records are torn, or are others by now. */
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    head = __atomic_load_n(&ring->head, __ATOMIC_RELAXED);
    oldest = head >= trace_size ? head - trace_size + 1 : 0;
    lost = MIN(MAX(first, oldest), end) - first;
    memmove(out, out + lost, (end - first - lost) * sizeof(*out));
    *next = end;
    return end - first - lost;
}

kern_return_t host_trace_read(host_priv_t host, uint32_t cpu, uint64_t *next, char *data,
                              mach_msg_type_number_t *count)
{
    struct trace_record records[TRACE_READ_MAX];
    uint32_t room = MIN(*count / sizeof(records[0]), TRACE_READ_MAX);

    if (host == NULL)
        return KERN_INVALID_HOST;
    if (cpu >= boot_info.cpus)
        return KERN_INVALID_ARGUMENT;
    if (trace_size == 0)
        return KERN_NOT_SUPPORTED;
    *count = ring_read(&rings[cpu], next, records, room) * sizeof(records[0]);
    memcpy(data, records, *count);
    return KERN_SUCCESS;
}
