/*
 * The accounts of rights and memory. A right is counted from when it is made (by a task that has it
 * to give, or on the way) until somebody gives it up; memory likewise, and it is real memory, so
 * that the sanitizer sees it used too long or freed twice. Read messages.h before.
 */
#include "messages.h"

const char *test_name = "";
int failures;
int rights[NAMES];
int regions;

void check(int condition, const char *text, const char *file, int line)
{
    if (condition)
        return;
    printf("FAIL %s, %s:%d: %s\n", test_name, file, line, text);
    if (++failures > 20)
        exit(1);
}

void open_accounts(void)
{
    memset(rights, 0, sizeof(rights));
    regions = 0;
}

void give(mach_port_name_t name)
{
    CHECK(name > 0 && name < NAMES);
    rights[name]++;
}

void take(mach_port_name_t name)
{
    CHECK(name > 0 && name < NAMES);
    rights[name]--;
}

void *new_region(const void *contents, size_t size)
{
    void *region = malloc(size);

    memcpy(region, contents, size);
    regions++;
    return region;
}

void free_region(void *address)
{
    free(address);
    regions--;
}

boolean_t balanced(void)
{
    for (int name = 0; name < NAMES; name++) {
        if (rights[name] != 0) {
            printf("port %d: %+d rights\n", name, rights[name]);
            return FALSE;
        }
    }
    if (regions != 0)
        printf("%+d regions\n", regions);
    return regions == 0;
}

boolean_t moves(uint8_t disposition)
{
    return disposition <= MACH_MSG_TYPE_MOVE_SEND_ONCE;
}

int descriptor_count(mach_msg_header_t *message)
{
    if (!(message->msgh_bits & MACH_MSGH_BITS_COMPLEX))
        return 0;
    return (int)((mach_msg_base_t *)message)->body.msgh_descriptor_count;
}

void drop_descriptor(mach_msg_descriptor_t *d)
{
    mach_port_name_t *names = (mach_port_name_t *)d->ool_ports.address;

    if (d->port.type == MACH_MSG_PORT_DESCRIPTOR && moves(d->port.disposition))
        take(d->port.name);
    if (d->port.type == MACH_MSG_OOL_PORTS_DESCRIPTOR && moves(d->ool_ports.disposition)) {
        for (uint32_t i = 0; i < d->ool_ports.count; i++)
            take(names[i]);
    }
    if (d->port.type != MACH_MSG_PORT_DESCRIPTOR && d->out_of_line.deallocate)
        free_region(names);
}
