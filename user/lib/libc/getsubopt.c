/* getsubopt: suboptions, separated by commas, as in -o size=3,fast. */
#include <stdlib.h>
#include <string.h>

int getsubopt(char **options, char *const *tokens, char **value)
{
    char *option = *options;
    size_t length = strcspn(option, ",");
    size_t name;

    *options += length + (option[length] == ',');
    option[length] = '\0';
    name = strcspn(option, "=");
    for (int i = 0; tokens[i] != NULL; i++)
        if (strncmp(tokens[i], option, name) == 0 && tokens[i][name] == '\0') {
            *value = option[name] == '=' ? option + name + 1 : NULL;
            return i;
        }
    *value = option;
    return -1;
}
