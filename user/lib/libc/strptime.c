/* strptime: dates from text. [POSIX.1-2017, strptime] */
#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>
#include <time.h>

static const char *const weekdays[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                       "Thursday", "Friday", "Saturday"};
static const char *const months[] = {"January",   "February", "March",    "April",
                                     "May",       "June",     "July",     "August",
                                     "September", "October",  "November", "December"};

struct reading {
    const char *s;
    struct tm *tm;
    int century; /* -1: not said */
    int hour_12; /* -1: the hour is that of 24 */
    bool afternoon;
    bool year; /* it was said */
    bool day;  /* month and day were */
    bool year_day;
};

static bool number(struct reading *r, int digits, int min, int max, int *value)
{
    int n = 0;
    int taken = 0;

    while (isspace((unsigned char)*r->s))
        r->s++;
    for (; taken < digits && isdigit((unsigned char)*r->s); taken++)
        n = n * 10 + (*r->s++ - '0');
    *value = n;
    return taken > 0 && n >= min && n <= max;
}

/* A name of a list, whole or its first three letters. */
static bool name(struct reading *r, const char *const *names, int count, int *value)
{
    for (int i = 0; i < count; i++) {
        size_t length = strlen(names[i]);

        if (strncasecmp(r->s, names[i], length) != 0)
            length = strncasecmp(r->s, names[i], 3) == 0 ? 3 : 0;
        if (length > 0) {
            r->s += length;
            *value = i;
            return true;
        }
    }
    return false;
}

static bool read_format(struct reading *r, const char *format);

static bool year_of_two(struct reading *r)
{
    int year;

    if (!number(r, 2, 0, 99, &year))
        return false;
    r->tm->tm_year = year < 69 ? year + 100 : year; /* POSIX: 69 to 99 are the 20th century's */
    r->year = true;
    return true;
}

static bool half_of_day(struct reading *r)
{
    if (strncasecmp(r->s, "AM", 2) != 0 && strncasecmp(r->s, "PM", 2) != 0)
        return false;
    r->afternoon = (*r->s | 0x20) == 'p';
    r->s += 2;
    return true;
}

/* +hhmm, -hh:mm or Z, which is read and, the calendar being UTC's, not kept. */
static bool zone(struct reading *r)
{
    int value;

    if (*r->s == 'Z') {
        r->s++;
        return true;
    }
    if (*r->s != '+' && *r->s != '-')
        return false;
    r->s++;
    if (!number(r, 2, 0, 24, &value))
        return false;
    r->s += *r->s == ':';
    return !isdigit((unsigned char)*r->s) || number(r, 2, 0, 59, &value);
}

static bool seconds_since_1970(struct reading *r)
{
    bool negative = *r->s == '-';
    time_t t = 0;

    r->s += negative;
    if (!isdigit((unsigned char)*r->s))
        return false;
    for (; isdigit((unsigned char)*r->s); r->s++)
        if (__builtin_mul_overflow(t, 10, &t) || __builtin_add_overflow(t, *r->s - '0', &t))
            return false;
    t = negative ? -t : t;
    return gmtime_r(&t, r->tm) != NULL;
}

static bool convert(struct reading *r, char letter)
{
    struct tm *tm = r->tm;
    int unused;

    switch (letter) {
    case 'a':
    case 'A':
        return name(r, weekdays, 7, &tm->tm_wday);
    case 'b':
    case 'B':
    case 'h':
        return name(r, months, 12, &tm->tm_mon);
    case 'c':
        return read_format(r, "%a %b %e %H:%M:%S %Y");
    case 'C':
        return number(r, 2, 0, 99, &r->century);
    case 'd':
    case 'e':
        r->day = true;
        return number(r, 2, 1, 31, &tm->tm_mday);
    case 'D':
    case 'x':
        return read_format(r, "%m/%d/%y");
    case 'F':
        return read_format(r, "%Y-%m-%d");
    case 'H':
    case 'k':
        return number(r, 2, 0, 23, &tm->tm_hour);
    case 'I':
    case 'l':
        return number(r, 2, 1, 12, &r->hour_12);
    case 'j':
        if (!number(r, 3, 1, 366, &tm->tm_yday))
            return false;
        tm->tm_yday--;
        return r->year_day = true;
    case 'm':
        if (!number(r, 2, 1, 12, &tm->tm_mon))
            return false;
        tm->tm_mon--;
        return true;
    case 'M':
        return number(r, 2, 0, 59, &tm->tm_min);
    case 'p':
        return half_of_day(r);
    case 'r':
        return read_format(r, "%I:%M:%S %p");
    case 'R':
        return read_format(r, "%H:%M");
    case 's':
        return seconds_since_1970(r);
    case 'S':
        return number(r, 2, 0, 60, &tm->tm_sec);
    case 'T':
    case 'X':
        return read_format(r, "%H:%M:%S");
    case 'u':
        if (!number(r, 1, 1, 7, &tm->tm_wday))
            return false;
        tm->tm_wday %= 7;
        return true;
    case 'U':
    case 'W':
    case 'V':
        return number(r, 2, 0, 53, &unused); /* read; a date needs no week */
    case 'w':
        return number(r, 1, 0, 6, &tm->tm_wday);
    case 'y':
        return year_of_two(r);
    case 'Y':
        if (!number(r, 4, 0, 9999, &tm->tm_year))
            return false;
        tm->tm_year -= 1900;
        return r->year = true;
    case 'z':
        return zone(r);
    case 'Z':
        while (isalpha((unsigned char)*r->s))
            r->s++;
        return true;
    case '%':
        return *r->s == '%' && *r->s++ != '\0';
    default:
        return false;
    }
}

static bool read_format(struct reading *r, const char *format)
{
    for (; *format != '\0'; format++) {
        if (isspace((unsigned char)*format) || (*format == '%' && (format[1] == 'n' || format[1] == 't'))) {
            format += *format == '%';
            while (isspace((unsigned char)*r->s))
                r->s++;
            continue;
        }
        if (*format != '%') {
            if (*r->s++ != *format)
                return false;
            continue;
        }
        format++;
        format += *format == 'E' || *format == 'O';
        if (!convert(r, *format))
            return false;
    }
    return true;
}

char *strptime(const char *restrict s, const char *restrict format, struct tm *restrict tm)
{
    struct reading r = {.s = s, .tm = tm, .century = -1, .hour_12 = -1};

    if (!read_format(&r, format))
        return NULL;
    if (r.hour_12 >= 0)
        tm->tm_hour = r.hour_12 % 12 + (r.afternoon ? 12 : 0);
    if (r.century >= 0)
        tm->tm_year = r.century * 100 - 1900 + (r.year ? (tm->tm_year % 100 + 100) % 100 : 0);
    if (r.year && (r.day || r.year_day)) { /* the others follow */
        struct tm whole = {.tm_year = tm->tm_year, .tm_mon = tm->tm_mon, .tm_mday = tm->tm_mday};

        if (r.year_day && !r.day) {
            whole.tm_mon = 0;
            whole.tm_mday = tm->tm_yday + 1;
        }
        timegm(&whole);
        tm->tm_wday = whole.tm_wday;
        tm->tm_yday = whole.tm_yday;
        tm->tm_mon = whole.tm_mon;
        tm->tm_mday = whole.tm_mday;
    }
    return (char *)r.s;
}
