/* Dates from seconds and back: UTC, the Gregorian calendar. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define DAY        86400L
#define CYCLE      400L    /* years, after which the calendar is the same, weekdays too */
#define CYCLE_DAYS 146097L
#define ASCTIME_MAX 26 /* bytes, as POSIX has it: for years of four digits */

static const char *const weekdays[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                       "Thursday", "Friday", "Saturday"};
static const char *const months[] = {"January",   "February", "March",    "April",
                                     "May",       "June",     "July",     "August",
                                     "September", "October",  "November", "December"};

static int is_leap(long year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_of(int month, long year)
{
    static const char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return days[month] + (month == 1 && is_leap(year));
}

/* Days from 1970-01-01 to the first of January of year. */
static long days_before(long year)
{
    long y = year - 1;
    long leaps = y / 4 - y / 100 + y / 400;

    if (y < 0) /* C divides towards zero; a year is counted from the floor */
        leaps = (y - 3) / 4 - (y - 99) / 100 + (y - 399) / 400;
    return (year - 1970) * 365 + leaps - 477; /* 477 leap days before 1970 */
}

struct tm *gmtime_r(const time_t *restrict t, struct tm *restrict tm)
{
    long days = *t / DAY;
    long rest = *t % DAY;
    long cycle, year;

    if (rest < 0) {
        rest += DAY;
        days--;
    }
    cycle = days / CYCLE_DAYS - (days % CYCLE_DAYS < 0);
    days -= cycle * CYCLE_DAYS;
    year = 1970 + days / 366; /* at or before the right one */
    while (days_before(year + 1) <= days)
        year++;
    if (year + cycle * CYCLE - 1900 > INT_MAX || year + cycle * CYCLE - 1900 < INT_MIN) {
        errno = EOVERFLOW;
        return NULL;
    }
    memset(tm, 0, sizeof(*tm));
    tm->tm_hour = rest / 3600;
    tm->tm_min = rest % 3600 / 60;
    tm->tm_sec = rest % 60;
    tm->tm_wday = (days + 4) % 7; /* 1970-01-01 was a Thursday */
    tm->tm_year = (int)(year + cycle * CYCLE - 1900);
    tm->tm_yday = days - days_before(year);
    tm->tm_mday = tm->tm_yday + 1;
    while (tm->tm_mday > days_of(tm->tm_mon, year))
        tm->tm_mday -= days_of(tm->tm_mon++, year);
    return tm;
}

struct tm *localtime_r(const time_t *restrict t, struct tm *restrict tm)
{
    return gmtime_r(t, tm);
}

struct tm *gmtime(const time_t *t)
{
    static struct tm tm;

    return gmtime_r(t, &tm);
}

struct tm *localtime(const time_t *t)
{
    return gmtime(t);
}

time_t timegm(struct tm *tm)
{
    long year = tm->tm_year + 1900L + tm->tm_mon / 12;
    int month = tm->tm_mon % 12;
    time_t t;

    if (month < 0) {
        month += 12;
        year--;
    }
    t = days_before(year) + tm->tm_mday - 1;
    for (int m = 0; m < month; m++)
        t += days_of(m, year);
    t = t * DAY + tm->tm_hour * 3600L + tm->tm_min * 60L + tm->tm_sec;
    return gmtime_r(&t, tm) != NULL ? t : -1;
}

time_t mktime(struct tm *tm)
{
    return timegm(tm);
}

double difftime(time_t a, time_t b)
{
    return (double)(a - b);
}

/* ISO 8601: a week belongs to the year in which its Thursday is. */
static void convert_iso_week(char *to, size_t size, char letter, const struct tm *tm)
{
    int thursday = tm->tm_yday - (tm->tm_wday + 6) % 7 + 3; /* of this week, as a day of this year */
    long year = tm->tm_year + 1900L;

    if (thursday < 0) {
        year--;
        thursday += 365 + is_leap(year);
    } else if (thursday >= 365 + is_leap(year)) {
        thursday -= 365 + is_leap(year);
        year++;
    }
    if (letter == 'V')
        snprintf(to, size, "%02d", thursday / 7 + 1);
    else if (letter == 'G')
        snprintf(to, size, "%ld", year);
    else
        snprintf(to, size, "%02ld", (year % 100 + 100) % 100);
}

/* One conversion of strftime, to at most 64 bytes. */
static void convert(char *to, size_t size, char letter, const struct tm *tm)
{
    switch (letter) {
    case 'a':
        snprintf(to, size, "%.3s", weekdays[tm->tm_wday]);
        break;
    case 'A':
        snprintf(to, size, "%s", weekdays[tm->tm_wday]);
        break;
    case 'b':
    case 'h':
        snprintf(to, size, "%.3s", months[tm->tm_mon]);
        break;
    case 'B':
        snprintf(to, size, "%s", months[tm->tm_mon]);
        break;
    case 'c':
        strftime(to, size, "%a %b %e %H:%M:%S %Y", tm);
        break;
    case 'D':
    case 'x':
        strftime(to, size, "%m/%d/%y", tm);
        break;
    case 'd':
        snprintf(to, size, "%02d", tm->tm_mday);
        break;
    case 'e':
        snprintf(to, size, "%2d", tm->tm_mday);
        break;
    case 'F':
        strftime(to, size, "%Y-%m-%d", tm);
        break;
    case 'H':
        snprintf(to, size, "%02d", tm->tm_hour);
        break;
    case 'I':
        snprintf(to, size, "%02d", tm->tm_hour % 12 == 0 ? 12 : tm->tm_hour % 12);
        break;
    case 'j':
        snprintf(to, size, "%03d", tm->tm_yday + 1);
        break;
    case 'm':
        snprintf(to, size, "%02d", tm->tm_mon + 1);
        break;
    case 'M':
        snprintf(to, size, "%02d", tm->tm_min);
        break;
    case 'n':
        strcpy(to, "\n");
        break;
    case 'p':
        strcpy(to, tm->tm_hour < 12 ? "AM" : "PM");
        break;
    case 'R':
        strftime(to, size, "%H:%M", tm);
        break;
    case 's': {
        struct tm copy = *tm;

        snprintf(to, size, "%ld", (long)timegm(&copy));
        break;
    }
    case 'S':
        snprintf(to, size, "%02d", tm->tm_sec);
        break;
    case 't':
        strcpy(to, "\t");
        break;
    case 'T':
    case 'X':
        strftime(to, size, "%H:%M:%S", tm);
        break;
    case 'u':
        snprintf(to, size, "%d", tm->tm_wday == 0 ? 7 : tm->tm_wday);
        break;
    case 'w':
        snprintf(to, size, "%d", tm->tm_wday);
        break;
    case 'C':
        snprintf(to, size, "%02ld", (tm->tm_year + 1900L) / 100);
        break;
    case 'r':
        strftime(to, size, "%I:%M:%S %p", tm);
        break;
    case 'U': /* weeks from the first Sunday */
        snprintf(to, size, "%02d", (tm->tm_yday + 7 - tm->tm_wday) / 7);
        break;
    case 'W': /* from the first Monday */
        snprintf(to, size, "%02d", (tm->tm_yday + 7 - (tm->tm_wday + 6) % 7) / 7);
        break;
    case 'g':
    case 'G':
    case 'V':
        convert_iso_week(to, size, letter, tm);
        break;
    case 'y':
        snprintf(to, size, "%02d", (tm->tm_year % 100 + 100) % 100);
        break;
    case 'Y':
        snprintf(to, size, "%d", tm->tm_year + 1900);
        break;
    case 'z':
        strcpy(to, "+0000");
        break;
    case 'Z':
        strcpy(to, "UTC");
        break;
    case '%':
        strcpy(to, "%");
        break;
    default:
        snprintf(to, size, "%%%c", letter);
    }
}

size_t strftime(char *restrict s, size_t size, const char *restrict format,
                const struct tm *restrict tm)
{
    size_t length = 0;

    for (; *format != '\0'; format++) {
        char piece[64] = {*format, '\0'};
        size_t piece_length;

        if (*format == '%' && format[1] != '\0') {
            format++;
            if ((*format == 'E' || *format == 'O') && format[1] != '\0')
                format++; /* another calendar's or other digits: the POSIX locale has none */
            convert(piece, sizeof(piece), *format, tm);
        }
        piece_length = strlen(piece);
        if (length + piece_length >= size)
            return 0;
        memcpy(s + length, piece, piece_length);
        length += piece_length;
    }
    if (size == 0)
        return 0;
    s[length] = '\0';
    return length;
}

char *asctime_r(const struct tm *restrict tm, char *restrict text)
{
    strftime(text, ASCTIME_MAX, "%a %b %e %H:%M:%S %Y\n", tm);
    return text;
}

char *asctime(const struct tm *tm)
{
    static char text[ASCTIME_MAX];

    return asctime_r(tm, text);
}

char *ctime_r(const time_t *t, char *text)
{
    struct tm tm;

    return gmtime_r(t, &tm) != NULL ? asctime_r(&tm, text) : NULL;
}

char *ctime(const time_t *t)
{
    static char text[ASCTIME_MAX];

    return ctime_r(t, text);
}
