/* Shell patterns: * ? [...] and backslash. */
#ifndef _FNMATCH_H_
#define _FNMATCH_H_

#define FNM_NOMATCH  1
#define FNM_PATHNAME 1 /* a slash is matched by a slash only */
#define FNM_NOESCAPE 2
#define FNM_PERIOD   4 /* a leading period is matched by a period only */

int fnmatch(const char *pattern, const char *string, int flags);

#endif
