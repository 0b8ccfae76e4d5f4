/*
 * The driver of the real-time clock, a PL031 [Arm DDI 0224]: it tells the kernel the time of day once, and
 * sets both when root says so (rtc.defs). Read mach/mapped_time.h first.
 *
 * The device counts seconds. When it was read, up to one had passed since its last step: the time of day is
 * so much late, never early, and from there on it goes by the CPU's counter. Without the device the time
 * begins with 1970 at boot.
 */
#include <credentials.h>
#include <errno.h>
#include <mach/device.h>
#include <mach/error.h>
#include <mach/host_priv.h>
#include <mach/mach.h>
#include <mach/mach_port.h>
#include <mach/traps.h>
#include <ports.h>
#include <server_types.h>
#include <servers/bootstrap.h>
#include <servers/driver.h>
#include <servers/rtc_server.h>
#include <stdio.h>

/* Registers, as word indexes [3.2]. */
enum {
    DR = 0x00 / 4, /* the time, s */
    LR = 0x08 / 4, /* what is written here is the time */
    CR = 0x0c / 4, /* control */
};
#define CR_START 1u

static volatile uint32_t *rtc; /* NULL: there is none */
static host_priv_t host_priv;

static const struct port_class service_class = {.name = "rtc service"};
static struct port_object service;

kern_return_t S_rtc_set_time(mach_port_t server, int64_t seconds, int64_t nanoseconds)
{
    (void)server;
    if (credentials_uid(ports_sender()) != 0)
        return unix_err(EPERM);
    if (host_set_time(host_priv, (time_value64_t){seconds, nanoseconds}) != KERN_SUCCESS)
        return unix_err(EINVAL);
    if (rtc != NULL && seconds <= UINT32_MAX) /* a later one it cannot keep */
        rtc[LR] = (uint32_t)seconds;
    return KERN_SUCCESS;
}

/* Finds the device and tells the kernel its time. */
static kern_return_t device_open(void)
{
    mach_port_t server;
    device_t device;
    vm_address_t address;
    kern_return_t kr = bootstrap_look_up(bootstrap_port, SERVICE_DEVICE, &server);

    if (kr == KERN_SUCCESS) {
        kr = driver_claim(server, "arm,pl031", 0, 0, &device);
        mach_port_deallocate(mach_task_self(), server);
    }
    if (kr == unix_err(ENODEV))
        return KERN_SUCCESS;
    if (kr == KERN_SUCCESS)
        kr = device_map(device, mach_task_self(), &address);
    if (kr != KERN_SUCCESS)
        return kr;
    rtc = (volatile uint32_t *)address;
    if (!(rtc[CR] & CR_START))
        rtc[CR] = CR_START;
    return host_set_time(host_priv, (time_value64_t){rtc[DR], 0});
}

int main(void)
{
    static const mig_demux_t demuxers[] = {rtc_server, NULL};
    mach_port_t receive;
    kern_return_t kr = bootstrap_privileged_port(bootstrap_port, "host", &host_priv);

    if (kr == KERN_SUCCESS)
        kr = device_open();
    if (kr == KERN_SUCCESS)
        kr = bootstrap_check_in(bootstrap_port, SERVICE_RTC, &receive);
    if (kr == KERN_SUCCESS)
        kr = ports_adopt(&service, &service_class, receive);
    if (kr != KERN_SUCCESS) {
        printf("rtc: cannot start: %s\n", mach_error_string(kr));
        return 1;
    }
    ports_serve(demuxers, rtc_server_max_request);
}
