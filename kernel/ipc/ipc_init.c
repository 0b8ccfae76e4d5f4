/* Starts ipc: the zones, then the table of kernel routines. Once, before there is a task. */
#include <ipc/ipc_kmsg.h>
#include <ipc/ipc_kobject.h>
#include <ipc/ipc_pset.h>
#include <ipc/ipc_space.h>

void ipc_init(void)
{
    ipc_port_init();
    ipc_pset_init();
    ipc_kmsg_init();
    ipc_space_init();
    ipc_kobject_init();
    mach_msg_fast_init();
}
