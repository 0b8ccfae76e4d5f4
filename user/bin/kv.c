/*
 * kv set KEY VALUE | get KEY | wait KEY | rm KEY: asks the server of kv.defs (kvd). get prints KEY's value;
 * wait, too, once there is one. Status: 0; 1 after a message; 2 wrong usage.
 */
#include <mach/mach.h>
#include <mach/mach_port.h>
#include <servers/bootstrap.h>
#include <servers/kv.h>
#include <stdio.h>
#include <string.h>

#define SERVICE    "kv"
#define VALUE_SIZE 1024 /* kv_value_t */

int main(int argc, char **argv)
{
    char value[VALUE_SIZE] = "";
    const char *verb = argc > 1 ? argv[1] : "";
    const char *key = argv[2];
    mach_port_t server;
    kern_return_t kr;
    int asks = strcmp(verb, "get") == 0 || strcmp(verb, "wait") == 0;

    if (argc != (strcmp(verb, "set") == 0 ? 4 : 3)
        || (!asks && strcmp(verb, "set") != 0 && strcmp(verb, "rm") != 0)) {
        fprintf(stderr, "usage: kv set key value | get key | wait key | rm key\n");
        return 2;
    }
    kr = bootstrap_look_up(bootstrap_port, SERVICE, &server);
    if (kr != KERN_SUCCESS) {
        fprintf(stderr, "kv: no server: %s\n", mach_error_string(kr));
        return 1;
    }
    if (strcmp(verb, "set") == 0)
        kr = kv_set(server, key, argv[3]);
    else if (strcmp(verb, "rm") == 0)
        kr = kv_remove(server, key);
    else
        kr = strcmp(verb, "get") == 0 ? kv_get(server, key, value) : kv_wait(server, key, value);
    mach_port_deallocate(mach_task_self(), server);
    if (kr != KERN_SUCCESS) {
        fprintf(stderr, "kv: %s: %s\n", key, mach_error_string(kr));
        return 1;
    }
    if (asks && puts(value) < 0)
        return 1;
    return 0;
}
