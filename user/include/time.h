/* Clocks. The time of day is the real-time clock's (servers/rtc); without one, 1970 begins at boot. */
#ifndef _TIME_H_
#define _TIME_H_

#include <sys/types.h>

#ifndef _LOCALE_T_
#define _LOCALE_T_
typedef const struct __locale *locale_t;
#endif

struct timespec {
    time_t tv_sec;
    long tv_nsec;
};

struct tm {
    int tm_sec;
    int tm_min;
    int tm_hour;
    int tm_mday;
    int tm_mon;
    int tm_year;
    int tm_wday;
    int tm_yday;
    int tm_isdst;
};

#define CLOCKS_PER_SEC           1000000L
#define CLOCK_REALTIME           0
#define CLOCK_MONOTONIC          1
#define CLOCK_PROCESS_CPUTIME_ID 2
#define CLOCK_THREAD_CPUTIME_ID  3
#define TIMER_ABSTIME            1
#define TIME_UTC                 1

int clock_gettime(clockid_t clock, struct timespec *time);
int clock_settime(clockid_t clock, const struct timespec *time); /* CLOCK_REALTIME, by root */
int clock_getres(clockid_t clock, struct timespec *resolution);
int clock_nanosleep(clockid_t clock, int flags, const struct timespec *time,
                    struct timespec *left);
int nanosleep(const struct timespec *time, struct timespec *left);
time_t time(time_t *t);
clock_t clock(void);
double difftime(time_t a, time_t b);
struct tm *gmtime(const time_t *t);
struct tm *gmtime_r(const time_t *restrict t, struct tm *restrict tm);
struct tm *localtime(const time_t *t); /* UTC */
struct tm *localtime_r(const time_t *restrict t, struct tm *restrict tm);
time_t mktime(struct tm *tm);
time_t timegm(struct tm *tm);
size_t strftime(char *restrict s, size_t size, const char *restrict format,
                const struct tm *restrict tm);
size_t strftime_l(char *restrict s, size_t size, const char *restrict format,
                  const struct tm *restrict tm, locale_t locale);
/* Reads a date as format says it; what is behind it, NULL if it does not match. */
char *strptime(const char *restrict s, const char *restrict format, struct tm *restrict tm);
char *asctime(const struct tm *tm);
char *asctime_r(const struct tm *restrict tm, char *restrict text);
char *ctime(const time_t *t);
char *ctime_r(const time_t *t, char *text);
int timespec_get(struct timespec *time, int base);
int clock_getcpuclockid(pid_t pid, clockid_t *clock);            /* of the caller only */

/* The time zone: UTC, whatever TZ says. */
extern char *tzname[2];
extern long timezone;
extern int daylight;
void tzset(void);

#endif
