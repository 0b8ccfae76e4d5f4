/*
 * Included by the kernel's MIG-made server stubs: everything the routines and conversions of
 * mach_types.defs need.
 */
#ifndef _KERN_SERVER_H_
#define _KERN_SERVER_H_

#include <ipc/ipc_kobject.h>
#include <ipc/ipc_port.h>
#include <ipc/ipc_space.h>
#include <kern/host.h>
#include <kern/task.h>
#include <kern/thread.h>
#include <vm/vm_map.h>
#include <vm/vm_object.h>

#endif
