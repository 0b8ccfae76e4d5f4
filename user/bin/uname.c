/* uname: which system this is. [POSIX XCU uname] */
#include <sys/utsname.h>
#include <unistd.h>
#include <util.h>

static const char usage[] =
    "usage: uname [-amnrsv]\n"
    "Prints the system's name.\n"
    "  -s -n -r -v -m  its name; the machine's in a network; release; version; kind of processor\n"
    "  -a              all of them\n";

int main(int argc, char **argv)
{
    static const char letters[] = "snrvm";
    struct utsname system;
    const char *const values[] = {system.sysname, system.nodename, system.release, system.version,
                                  system.machine};
    bool wanted[128] = {false}, any = false;
    int option;

    util_begin(argv, usage);
    while ((option = getopt(argc, argv, "amnrsv")) != -1) {
        if (option == '?')
            util_usage();
        wanted[option] = any = true;
    }
    if (optind < argc)
        util_usage();
    if (uname(&system) < 0)
        die("system");
    if (!any)
        wanted['s'] = true;
    any = false;
    for (size_t i = 0; i < COUNT_OF(values); i++)
        if (wanted['a'] || wanted[(int)letters[i]]) {
            printf("%s%s", any ? " " : "", values[i]);
            any = true;
        }
    putchar('\n');
    return util_end();
}
