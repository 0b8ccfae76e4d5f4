/* regerror: the words for regcomp's errors. */
#include <regex.h>
#include <string.h>

size_t regerror(int error, const regex_t *restrict re, char *restrict buffer, size_t size)
{
    static const char *const words[] = {
        [0] = "Success",
        [REG_NOMATCH] = "No match",
        [REG_BADPAT] = "Invalid regular expression",
        [REG_ECOLLATE] = "Invalid collation character",
        [REG_ECTYPE] = "Invalid character class name",
        [REG_EESCAPE] = "Trailing backslash",
        [REG_ESUBREG] = "Invalid back reference",
        [REG_EBRACK] = "Unmatched [ or [^",
        [REG_EPAREN] = "Unmatched ( or \\(",
        [REG_EBRACE] = "Unmatched { or \\{",
        [REG_BADBR] = "Invalid content of \\{\\}",
        [REG_ERANGE] = "Invalid range end",
        [REG_ESPACE] = "Out of memory",
        [REG_BADRPT] = "Invalid preceding regular expression",
    };
    const char *text = "Unknown error";

    (void)re;
    if (error >= 0 && error < (int)(sizeof(words) / sizeof(*words)))
        text = words[error];
    return strlcpy(buffer, text, size) + 1;
}
