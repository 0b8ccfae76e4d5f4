/* dmesg: what was printed on the early console: by the kernel, and by servers that speak to it directly. */
#include <mach/mach.h>
#include <mach/mach_host.h>
#include <util.h>

static const char usage[] =
    "usage: dmesg\n"
    "Prints what the kernel and the servers have told since boot, as far as it is kept.\n";

#define PIECE 1024

int main(int argc, char **argv)
{
    uint64_t next = 0;
    char text[PIECE];
    mach_msg_type_number_t count;

    util_begin(argv, usage);
    if (argc > 1)
        util_usage();
    do {
        kern_return_t kr;

        count = sizeof(text);
        kr = host_console_log(mach_host_self(), &next, text, &count);
        if (kr != KERN_SUCCESS)
            die_of("console", mach_error_string(kr));
        fwrite(text, 1, count, stdout);
    } while (count > 0);
    return util_end();
}
