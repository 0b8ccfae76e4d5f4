/* Times as people write them, in UTC. Read util.h before. */
#include <ctype.h>
#include <string.h>
#include <time.h>
#include <util.h>

/* As many digits as the format has N, in the number it says; the rest literally. Behind it, or NULL. */
static const char *take(const char *text, int digits, int *value)
{
    *value = 0;
    while (digits-- > 0) {
        if (!isdigit((unsigned char)*text))
            return NULL;
        *value = *value * 10 + (*text++ - '0');
    }
    return text;
}

static bool is_time(struct tm *tm, time_t *when)
{
    if (tm->tm_mon < 0 || tm->tm_mon > 11 || tm->tm_mday < 1 || tm->tm_mday > 31 || tm->tm_hour > 23
        || tm->tm_min > 59 || tm->tm_sec > 60)
        return false;
    *when = timegm(tm);
    return true;
}

void time_text(char *text, size_t max, const char *format, time_t when)
{
    struct tm tm;

    if (localtime_r(&when, &tm) == NULL)
        snprintf(text, max, "%lld s", (long long)when);
    else if (strftime(text, max, format, &tm) == 0)
        *text = '\0';
}

bool parse_time(const char *text, time_t *when)
{
    size_t digits = strspn(text, "0123456789");
    time_t now = time(NULL);
    int year, century;
    struct tm broken;
    struct tm *tm = &broken;

    gmtime_r(&now, tm);
    tm->tm_sec = 0;
    if (digits == 12) {
        text = take(text, 4, &year);
        tm->tm_year = year - 1900;
    } else if (digits == 10) { /* 69 to 99 are of the last century [POSIX] */
        text = take(text, 2, &year);
        century = year >= 69 ? 0 : 100;
        tm->tm_year = year + century;
    } else if (digits != 8) {
        return false;
    }
    text = take(text, 2, &tm->tm_mon);
    text = take(text, 2, &tm->tm_mday);
    text = take(text, 2, &tm->tm_hour);
    text = take(text, 2, &tm->tm_min);
    tm->tm_mon--;
    if (*text == '.' && ((text = take(text + 1, 2, &tm->tm_sec)) == NULL))
        return false;
    return *text == '\0' && is_time(tm, when);
}

bool parse_date(const char *text, time_t *when)
{
    static const char between[] = "--T::";
    struct tm tm = {.tm_year = 0};
    int *const fields[] = {&tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec};

    for (int i = 0; i < 6; i++) {
        text = take(text, i == 0 ? 4 : 2, fields[i]);
        if (text == NULL)
            return false;
        if (i < 5 && *text != between[i] && !(between[i] == 'T' && *text == ' '))
            return false;
        text += i < 5;
    }
    tm.tm_year -= 1900;
    tm.tm_mon--;
    return (*text == '\0' || strcmp(text, "Z") == 0) && is_time(&tm, when);
}
