/* stty: the terminal's modes, shown and changed. [POSIX XCU stty] */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include <util.h>

static const char usage[] =
    "usage: stty [-a | -g] [-F terminal]\n"
    "       stty [-F terminal] setting...\n"
    "Shows how the terminal of standard input works (what is not as usual), or changes it.\n"
    "  -a  shows all\n"
    "  -g  shows it as one word, which is a setting, too\n"
    "  size rows N columns N     shows, changes the window's size\n"
    "  sane raw -raw cooked nl   many at once: as usual; byte by byte, and back; ends of lines alone\n"
    "  [-]echo [-]icanon ...     sets, clears (-) a flag that -a shows\n"
    "  intr C min N time N ...   a control character, as it is, as ^C, or ^- for none; a number\n"
    "  N ispeed N ospeed N       the speed\n";

enum word { IFLAG, OFLAG, CFLAG, LFLAG };

/* Flags, in the order they are shown. clear: what else of its field goes; sane: is it set as usual? */
static const struct flag {
    const char *name;
    enum word word;
    tcflag_t set, clear;
    bool sane;
} flags[] = {
    {"parenb", CFLAG, PARENB, 0, false},   {"parodd", CFLAG, PARODD, 0, false},
    {"cs5", CFLAG, CS5, CSIZE, false},     {"cs6", CFLAG, CS6, CSIZE, false},
    {"cs7", CFLAG, CS7, CSIZE, false},     {"cs8", CFLAG, CS8, CSIZE, true},
    {"hupcl", CFLAG, HUPCL, 0, true},      {"cstopb", CFLAG, CSTOPB, 0, false},
    {"cread", CFLAG, CREAD, 0, true},      {"clocal", CFLAG, CLOCAL, 0, true},
    {"ignbrk", IFLAG, IGNBRK, 0, false},   {"brkint", IFLAG, BRKINT, 0, false},
    {"ignpar", IFLAG, IGNPAR, 0, false},   {"parmrk", IFLAG, PARMRK, 0, false},
    {"inpck", IFLAG, INPCK, 0, false},     {"istrip", IFLAG, ISTRIP, 0, false},
    {"inlcr", IFLAG, INLCR, 0, false},     {"igncr", IFLAG, IGNCR, 0, false},
    {"icrnl", IFLAG, ICRNL, 0, true},      {"ixon", IFLAG, IXON, 0, true},
    {"ixoff", IFLAG, IXOFF, 0, false},     {"ixany", IFLAG, IXANY, 0, false},
    {"iutf8", IFLAG, IUTF8, 0, true},      {"opost", OFLAG, OPOST, 0, true},
    {"onlcr", OFLAG, ONLCR, 0, true},      {"ocrnl", OFLAG, OCRNL, 0, false},
    {"onocr", OFLAG, ONOCR, 0, false},     {"onlret", OFLAG, ONLRET, 0, false},
    {"tab0", OFLAG, TAB0, TABDLY, true},   {"tab3", OFLAG, TAB3, TABDLY, false},
    {"isig", LFLAG, ISIG, 0, true},        {"icanon", LFLAG, ICANON, 0, true},
    {"iexten", LFLAG, IEXTEN, 0, true},    {"echo", LFLAG, ECHO, 0, true},
    {"echoe", LFLAG, ECHOE, 0, true},      {"echok", LFLAG, ECHOK, 0, true},
    {"echonl", LFLAG, ECHONL, 0, false},   {"noflsh", LFLAG, NOFLSH, 0, false},
    {"tostop", LFLAG, TOSTOP, 0, false},   {"echoctl", LFLAG, ECHOCTL, 0, true},
    {"echoke", LFLAG, ECHOKE, 0, true},
};

#define CTRL(c) ((c) & 0x1f)
#define DELETE  0x7f

static const struct key {
    const char *name;
    int index;
    cc_t sane;
} keys[] = {
    {"intr", VINTR, CTRL('C')},   {"quit", VQUIT, CTRL('\\')},  {"erase", VERASE, DELETE},
    {"kill", VKILL, CTRL('U')},   {"eof", VEOF, CTRL('D')},     {"eol", VEOL, 0},
    {"eol2", VEOL2, 0},           {"start", VSTART, CTRL('Q')}, {"stop", VSTOP, CTRL('S')},
    {"susp", VSUSP, CTRL('Z')},   {"rprnt", VREPRINT, CTRL('R')}, {"werase", VWERASE, CTRL('W')},
    {"lnext", VLNEXT, CTRL('V')},
};

static const struct key numbers[] = {{"min", VMIN, 1}, {"time", VTIME, 0}};

static const struct {
    long baud;
    speed_t speed;
} speeds[] = {
    {0, B0},       {50, B50},     {75, B75},     {110, B110},   {134, B134},     {150, B150},
    {200, B200},   {300, B300},   {600, B600},   {1200, B1200}, {1800, B1800},   {2400, B2400},
    {4800, B4800}, {9600, B9600}, {19200, B19200}, {38400, B38400}, {57600, B57600},
    {115200, B115200}, {230400, B230400},
};

static struct termios t;
static int terminal = STDIN_FILENO;
static size_t column; /* of what is shown */

static tcflag_t *word_of(const struct flag *flag)
{
    tcflag_t *const words[] = {&t.c_iflag, &t.c_oflag, &t.c_cflag, &t.c_lflag};

    return words[flag->word];
}

static bool is_set(const struct flag *flag)
{
    tcflag_t field = flag->clear | flag->set;

    return (*word_of(flag) & field) == flag->set;
}

static void set_flag(const struct flag *flag, bool on)
{
    tcflag_t *word = word_of(flag);

    *word &= ~(flag->clear | flag->set);
    if (on)
        *word |= flag->set;
}

static void sane(void)
{
    for (size_t i = 0; i < COUNT_OF(flags); i++)
        if (flags[i].clear == 0 || flags[i].sane)
            set_flag(&flags[i], flags[i].sane);
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        t.c_cc[keys[i].index] = keys[i].sane;
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        t.c_cc[numbers[i].index] = numbers[i].sane;
}

static void cooked(void)
{
    t.c_iflag |= ICRNL | IXON;
    t.c_oflag |= OPOST;
    t.c_lflag |= ICANON | ISIG | IEXTEN | ECHO;
}

/* ---- showing ---- */

static void show(const char *text)
{
    size_t length = strlen(text);

    if (column > 0 && column + 1 + length >= 80) {
        putchar('\n');
        column = 0;
    }
    column += (size_t)printf(column > 0 ? " %s" : "%s", text);
}

static void end_row(void)
{
    if (column > 0)
        putchar('\n');
    column = 0;
}

static void show_key(const struct key *key)
{
    char text[32];
    cc_t c = t.c_cc[key->index];

    if (c == _POSIX_VDISABLE)
        snprintf(text, sizeof(text), "%s = ^-;", key->name);
    else if (c < ' ' || c == DELETE)
        snprintf(text, sizeof(text), "%s = ^%c;", key->name, c ^ 0x40);
    else
        snprintf(text, sizeof(text), "%s = %c;", key->name, c);
    show(text);
}

static void show_number(const char *name, long number)
{
    char text[32];

    snprintf(text, sizeof(text), "%s %ld;", name, number);
    show(text);
}

static long baud(speed_t speed)
{
    for (size_t i = 0; i < COUNT_OF(speeds); i++)
        if (speeds[i].speed == speed)
            return speeds[i].baud;
    return 0;
}

static void show_speed(void)
{
    show_number("speed", baud(cfgetospeed(&t)));
    if (cfgetispeed(&t) != cfgetospeed(&t))
        show_number("ispeed", baud(cfgetispeed(&t)));
}

static void show_modes(bool all)
{
    struct winsize size;

    show_speed();
    if (all && tcgetwinsize(terminal, &size) == 0) {
        show_number("rows", size.ws_row);
        show_number("columns", size.ws_col);
    }
    end_row();
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        if (all || t.c_cc[keys[i].index] != keys[i].sane)
            show_key(&keys[i]);
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        if (all || (!(t.c_lflag & ICANON) && t.c_cc[numbers[i].index] != numbers[i].sane))
            show_number(numbers[i].name, t.c_cc[numbers[i].index]);
    end_row();
    for (size_t i = 0; i < COUNT_OF(flags); i++) {
        char text[16];
        bool set = is_set(&flags[i]), field = flags[i].clear != 0;

        if ((all && (set || !field)) || (!all && set != flags[i].sane && (set || !field))) {
            snprintf(text, sizeof(text), "%s%s", set ? "" : "-", flags[i].name);
            show(text);
        }
    }
    end_row();
}

/* -g: eight numbers, and the control characters. */
static void show_word(void)
{
    printf("%x:%x:%x:%x:%x:%x", t.c_iflag, t.c_oflag, t.c_cflag, t.c_lflag, t.c_ispeed, t.c_ospeed);
    for (size_t i = 0; i < NCCS; i++)
        printf(":%x", t.c_cc[i]);
    putchar('\n');
}

/* ---- changing ---- */

static bool set_word(const char *text)
{
    unsigned long values[6 + NCCS];
    char *end;

    for (size_t i = 0; i < COUNT_OF(values); i++) {
        values[i] = strtoul(text, &end, 16);
        if (end == text || *end != (i + 1 < COUNT_OF(values) ? ':' : '\0'))
            return false;
        text = end + 1;
    }
    t.c_iflag = (tcflag_t)values[0];
    t.c_oflag = (tcflag_t)values[1];
    t.c_cflag = (tcflag_t)values[2];
    t.c_lflag = (tcflag_t)values[3];
    t.c_ispeed = (speed_t)values[4];
    t.c_ospeed = (speed_t)values[5];
    for (size_t i = 0; i < NCCS; i++)
        t.c_cc[i] = (cc_t)values[6 + i];
    return true;
}

/* A speed by its number; false: there is none. */
static bool set_speed(const char *text, bool in, bool out)
{
    long wanted;

    if (!is_number(text, &wanted))
        return false;
    for (size_t i = 0; i < COUNT_OF(speeds); i++) {
        if (speeds[i].baud != wanted)
            continue;
        if (in)
            cfsetispeed(&t, speeds[i].speed);
        if (out)
            cfsetospeed(&t, speeds[i].speed);
        return true;
    }
    return false;
}

/* The control character that is meant by C, ^C, ^? or ^-. */
static cc_t key_of(const char *text)
{
    if (strcmp(text, "^-") == 0 || strcmp(text, "undef") == 0 || *text == '\0')
        return _POSIX_VDISABLE;
    if (text[0] == '^' && text[1] == '?' && text[2] == '\0')
        return DELETE;
    if (text[0] == '^' && text[1] != '\0' && text[2] == '\0')
        return (cc_t)CTRL(text[1]);
    if (text[1] != '\0')
        die_of(text, "is no control character");
    return (cc_t)text[0];
}

/* Many at once. */
static bool set_many(const char *name, bool on)
{
    if (strcmp(name, "sane") == 0 && on)
        sane();
    else if (strcmp(name, on ? "raw" : "cooked") == 0)
        cfmakeraw(&t);
    else if (strcmp(name, on ? "cooked" : "raw") == 0)
        cooked();
    else if (strcmp(name, "nl") == 0)
        on ? (t.c_iflag &= ~(tcflag_t)ICRNL, t.c_oflag &= ~(tcflag_t)ONLCR)
           : (t.c_iflag |= ICRNL, t.c_oflag |= ONLCR);
    else if (strcmp(name, "tabs") == 0)
        t.c_oflag = (t.c_oflag & ~(tcflag_t)TABDLY) | (on ? TAB0 : TAB3);
    else if (strcmp(name, "ek") == 0 && on)
        t.c_cc[VERASE] = DELETE, t.c_cc[VKILL] = CTRL('U');
    else
        return false;
    return true;
}

static bool set_by_name(const char *name)
{
    bool on = name[0] != '-';

    name += !on;
    for (size_t i = 0; i < COUNT_OF(flags); i++) {
        if (strcmp(name, flags[i].name) != 0 || (!on && flags[i].clear != 0))
            continue;
        set_flag(&flags[i], on);
        return true;
    }
    return set_many(name, on);
}

/* Settings that have a value; false: it is none of them. */
static bool set_value(const char *name, const char *value)
{
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        if (strcmp(name, keys[i].name) != 0)
            continue;
        t.c_cc[keys[i].index] = key_of(value);
        return true;
    }
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        if (strcmp(name, numbers[i].name) != 0)
            continue;
        t.c_cc[numbers[i].index] = (cc_t)number_of(value, 0, 255, name);
        return true;
    }
    if (strcmp(name, "ispeed") == 0 || strcmp(name, "ospeed") == 0) {
        if (!set_speed(value, name[0] == 'i', name[0] == 'o'))
            die_of(value, "is no speed");
        return true;
    }
    return false;
}

static bool is_size(const char *name)
{
    return strcmp(name, "rows") == 0 || strcmp(name, "columns") == 0 || strcmp(name, "cols") == 0;
}

static void set_size(const char *name, const char *value)
{
    struct winsize size;
    unsigned short number = (unsigned short)number_of(value, 0, 65535, name);

    if (tcgetwinsize(terminal, &size) < 0)
        die("terminal");
    *(name[0] == 'r' ? &size.ws_row : &size.ws_col) = number;
    if (tcsetwinsize(terminal, &size) < 0)
        die("terminal");
}

static void show_size(void)
{
    struct winsize size;

    if (tcgetwinsize(terminal, &size) < 0)
        die("terminal");
    printf("%d %d\n", size.ws_row, size.ws_col);
}

/* Carries the settings out, in their order. */
static void set_all(char **settings)
{
    struct termios before = t;

    for (; *settings != NULL; settings++) {
        if (strcmp(*settings, "size") == 0)
            show_size();
        else if (strcmp(*settings, "speed") == 0)
            printf("%ld\n", baud(cfgetospeed(&t)));
        else if (settings[1] != NULL && is_size(*settings))
            set_size(settings[0], settings[1]), settings++;
        else if (settings[1] != NULL && set_value(settings[0], settings[1]))
            settings++;
        else if (!set_by_name(*settings) && !set_speed(*settings, true, true) && !set_word(*settings))
            die_of(*settings, "is no setting");
    }
    if (memcmp(&before, &t, sizeof(t)) != 0 && tcsetattr(terminal, TCSADRAIN, &t) < 0)
        die("terminal");
}

int main(int argc, char **argv)
{
    bool all = false, word = false;
    int i = 1;

    util_begin(argv, usage);
    for (; i < argc && argv[i][0] == '-'; i++) { /* (settings begin with - as well) */
        if (strcmp(argv[i], "-a") == 0)
            all = true;
        else if (strcmp(argv[i], "-g") == 0)
            word = true;
        else if (strcmp(argv[i], "-F") == 0 && i + 1 < argc) {
            terminal = open(argv[++i], O_RDONLY | O_NONBLOCK | O_NOCTTY);
            if (terminal < 0)
                die(argv[i]);
        } else
            break;
    }
    if (i < argc && (all || word))
        util_usage();
    if (tcgetattr(terminal, &t) < 0)
        die(terminal == STDIN_FILENO ? "standard input" : "terminal");
    if (i < argc)
        set_all(argv + i);
    else if (word)
        show_word();
    else
        show_modes(all);
    return util_end();
}
