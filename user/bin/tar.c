/*
 * tar: files in one file, in POSIX's ustar form: blocks of 512 bytes, a header and the contents of each file,
 * two blocks of zeros at the end. [POSIX XCU pax, ustar interchange format]
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>
#include <util.h>

static const char usage[] =
    "usage: tar -c [-v] [-f archive] [-C dir] file...\n"
    "       tar -x [-vkp] [-f archive] [-C dir] [file...]\n"
    "       tar -t [-v] [-f archive] [file...]\n"
    "Makes an archive of files and of directories with all that is in them; -x takes them out, -t lists it.\n"
    "  -f archive  - or not said: standard input or output\n"
    "  -C dir      goes there before\n"
    "  -v          tells the names, with -t as ls -l\n"
    "  -k          what is there already stays; -p: owners and modes as in the archive, less no umask\n"
    "The first word may be without its -. Names with .. or a / in front lose that when taken out.\n";

#define BLOCK 512
#define NAME_SIZE 100
#define PREFIX_SIZE 155
#define OCTAL 8

struct header {
    char name[NAME_SIZE];
    char mode[8], uid[8], gid[8], size[12], mtime[12], sum[8]; /* octal digits */
    char type, link[NAME_SIZE];
    char magic[6], version[2], user[32], group[32], major[8], minor[8];
    char prefix[PREFIX_SIZE], pad[12];
};
_Static_assert(sizeof(struct header) == BLOCK, "a header is a block");

static const char zeros[2 * BLOCK];
static int archive = -1;
static char **wanted;
static bool *found;
static bool verbose, keep, exactly, listing;

/* ---- making one ---- */

static void write_all(const void *data, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = write(archive, (const char *)data + done, size - done);

        if (n < 0)
            die("archive");
        done += (size_t)n;
    }
}

/* The number in so many octal digits, less one for a NUL. false: it does not fit. */
static bool put_number(char *field, size_t size, unsigned long long number)
{
    char text[32];

    if ((size_t)snprintf(text, sizeof(text), "%0*llo", (int)size - 1, number) >= size)
        return false;
    memcpy(field, text, size);
    return true;
}

static unsigned long checksum(const struct header *h)
{
    const unsigned char *bytes = (const unsigned char *)h;
    unsigned long sum = 0;

    for (size_t i = 0; i < BLOCK; i++) /* the field itself counts as blanks */
        sum +=
            i >= offsetof(struct header, sum) && i < offsetof(struct header, type) ? ' ' : bytes[i];
    return sum;
}

/* The name, with what does not fit in front of a / in the prefix. */
static bool put_name(struct header *h, const char *name)
{
    size_t length = strlen(name);
    const char *slash = name;

    if (length <= NAME_SIZE) {
        memcpy(h->name, name, length);
        return true;
    }
    while ((slash = strchr(slash + 1, '/')) != NULL)
        if (slash - name <= PREFIX_SIZE && length - (size_t)(slash + 1 - name) <= NAME_SIZE) {
            memcpy(h->prefix, name, (size_t)(slash - name));
            memcpy(h->name, slash + 1, length - (size_t)(slash + 1 - name));
            return slash[1] != '\0';
        }
    return false;
}

static void write_contents(const char *path, int fd, off_t size)
{
    static char buffer[BLOCK * 32];
    off_t left = size;

    while (left > 0) {
        size_t want = left < (off_t)sizeof(buffer) ? (size_t)left : sizeof(buffer);
        ssize_t n = read(fd, buffer, want);

        if (n <= 0) { /* what the header promised must come, or nothing behind it can be read */
            complain_of(path, n < 0 ? strerror(errno) : "has become shorter");
            memset(buffer, 0, sizeof(buffer));
            n = (ssize_t)want;
        }
        write_all(buffer, (size_t)n);
        left -= n;
    }
    write_all(zeros, (size_t)(-size & (BLOCK - 1)));
}

static bool add(const char *path, const struct stat *st, enum walk_step step)
{
    struct header h = {.magic = "ustar", .version = {'0', '0'}};
    bool is_link = S_ISLNK(st->st_mode), fits;
    off_t size = S_ISREG(st->st_mode) ? st->st_size : 0;
    char *name;
    ssize_t n;
    int fd = -1;

    if (step == WALK_LEAVE)
        return true;
    if (asprintf(&name, "%s%s", path + strspn(path, "/"), step == WALK_ENTER ? "/" : "") < 0)
        must(NULL);
    if (*name == '\0')
        return true; /* / itself */
    h.type = S_ISDIR(st->st_mode)    ? '5'
             : is_link               ? '2'
             : S_ISCHR(st->st_mode)  ? '3'
             : S_ISBLK(st->st_mode)  ? '4'
             : S_ISFIFO(st->st_mode) ? '6'
                                     : '0';
    fits = put_name(&h, name) && put_number(h.mode, sizeof(h.mode), st->st_mode & 07777) &&
           put_number(h.uid, sizeof(h.uid), st->st_uid) &&
           put_number(h.gid, sizeof(h.gid), st->st_gid) &&
           put_number(h.size, sizeof(h.size), (unsigned long long)size) &&
           put_number(h.mtime, sizeof(h.mtime),
                      st->st_mtime > 0 ? (unsigned long long)st->st_mtime : 0);
    put_number(h.major, sizeof(h.major), h.type == '3' || h.type == '4' ? major(st->st_rdev) : 0);
    put_number(h.minor, sizeof(h.minor), h.type == '3' || h.type == '4' ? minor(st->st_rdev) : 0);
    strlcpy(h.user, user_name(st->st_uid), sizeof(h.user));
    strlcpy(h.group, group_name(st->st_gid), sizeof(h.group));
    if (is_link && (n = readlink(path, h.link, sizeof(h.link))) < 0) {
        complain(path);
    } else if (!fits || (is_link && n == sizeof(h.link))) {
        complain_of(path, "does not fit into an archive: too long a name, or too large");
    } else if (S_ISREG(st->st_mode) && (fd = open(path, O_RDONLY)) < 0) {
        complain(path);
    } else {
        put_number(h.sum, sizeof(h.sum) - 1, checksum(&h));
        h.sum[sizeof(h.sum) - 1] = ' ';
        if (verbose)
            fprintf(archive == STDOUT_FILENO ? stderr : stdout, "%s\n", name);
        write_all(&h, sizeof(h));
        if (fd >= 0)
            write_contents(path, fd, size);
    }
    if (fd >= 0)
        close(fd);
    free(name);
    return true;
}

/* ---- reading one ---- */

/* false: that was the end. */
static bool read_block(void *block)
{
    size_t done = 0;

    while (done < BLOCK) {
        ssize_t n = read(archive, (char *)block + done, BLOCK - done);

        if (n < 0)
            die("archive");
        if (n == 0 && done > 0)
            die_of("archive", "ends in the middle");
        if (n == 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

static unsigned long long get_number(const char *field, size_t size)
{
    char text[16];

    memcpy(text, field, size);
    text[size] = '\0';
    return strtoull(text, NULL, OCTAL);
}
#define GET(field) get_number((field), sizeof(field))

/* Writes the contents to fd (-1: nowhere), and reads on to the next header. */
static void read_contents(const char *path, int fd, unsigned long long size)
{
    char block[BLOCK];

    for (; size > 0; size -= size < BLOCK ? size : BLOCK) {
        size_t n = size < BLOCK ? (size_t)size : BLOCK, done = 0;

        if (!read_block(block))
            die_of("archive", "ends in the middle");
        while (fd >= 0 && done < n) {
            ssize_t written = write(fd, block + done, n - done);

            if (written < 0) {
                complain(path);
                fd = -1;
                break;
            }
            done += (size_t)written;
        }
    }
}

/* Is it a link that may lead out of this directory? */
static bool leads_out(const char *path)
{
    char target[PATH_MAX];
    ssize_t n = readlink(path, target, sizeof(target) - 1);

    if (n < 0)
        return false;
    target[n] = '\0';
    return target[0] == '/' || strstr(target, "..") != NULL;
}

/* The directories above; false after a complaint: an archive must not go through its own links. */
static bool make_parents(char *path)
{
    bool good = true;

    for (char *slash = strchr(path, '/'); slash != NULL && good; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (leads_out(path)) {
            complain_of(path, "is a link that leads elsewhere");
            good = false;
        }
        mkdir(path, 0777);
        *slash = '/';
    }
    return good;
}

/* Times, and with -p owner and mode; of directories they are left as they come: what is put into them
 * changes them again. */
static void restore(const char *path, const struct header *h)
{
    struct timespec times[2] = {{(time_t)GET(h->mtime), 0}, {(time_t)GET(h->mtime), 0}};

    if (h->type == '2')
        return;
    if (exactly && chown(path, (uid_t)GET(h->uid), (gid_t)GET(h->gid)) < 0)
        complain(path);
    if (exactly && chmod(path, (mode_t)GET(h->mode) & 07777) < 0)
        complain(path);
    utimensat(AT_FDCWD, path, times, 0);
}

static void extract(const struct header *h, char *path, unsigned long long size)
{
    mode_t mode = (mode_t)GET(h->mode) & 0777;
    char link_name[NAME_SIZE + 1] = "";
    struct stat st;
    int fd = -1, result = 0;

    memcpy(link_name, h->link, NAME_SIZE);
    if (!make_parents(path)) {
        read_contents(path, -1, size);
        return;
    }
    if (lstat(path, &st) == 0 && h->type != '5') {
        if (keep || S_ISDIR(st.st_mode)) {
            if (!keep)
                complain_of(path, "is a directory");
            read_contents(path, -1, size);
            return;
        }
        unlink(path); /* a link there would lead elsewhere */
    }
    switch (h->type) {
    case '5':
        result = mkdir(path, mode | S_IRWXU);
        if (result < 0 && errno == EEXIST)
            result = stat(path, &st) == 0 && S_ISDIR(st.st_mode) ? 0 : -1;
        break;
    case '1': result = link(link_name, path); break;
    case '2': result = symlink(link_name, path); break;
    case '3':
        result = mknod(path, S_IFCHR | mode, makedev(GET(h->major), GET(h->minor)));
        break;
    case '4':
        result = mknod(path, S_IFBLK | mode, makedev(GET(h->major), GET(h->minor)));
        break;
    case '6': result = mkfifo(path, mode); break;
    default: result = fd = open(path, O_WRONLY | O_CREAT | O_EXCL, mode);
    }
    if (result < 0)
        complain(path);
    read_contents(path, fd, size);
    if (fd >= 0)
        close(fd);
    if (result >= 0)
        restore(path, h);
}

static void list(const struct header *h, const char *name, unsigned long long size)
{
    static const char types[] = "0123456", letters[] = "-hlcbdp";
    const char *type = h->type != '\0' ? strchr(types, h->type) : types;
    char mode[11], date[32];

    if (!verbose) {
        puts(name);
        return;
    }
    mode_letters((mode_t)GET(h->mode) & 07777, mode);
    mode[0] = type != NULL ? letters[type - types] : '?';
    time_text(date, sizeof(date), "%Y-%m-%d %H:%M", (time_t)GET(h->mtime));
    printf("%s %.32s/%.32s %8llu %s %s", mode, h->user, h->group, size, date, name);
    if (h->type == '1' || h->type == '2')
        printf(h->type == '1' ? " link to %.100s" : " -> %.100s", h->link);
    putchar('\n');
}

/* Is the name one of the operands, or below one? */
static bool is_wanted(const char *name)
{
    bool any = *wanted == NULL;

    for (size_t i = 0; wanted[i] != NULL; i++) {
        size_t length = strlen(wanted[i]);

        while (length > 0 && wanted[i][length - 1] == '/')
            length--;
        if (strncmp(name, wanted[i], length) == 0 && (name[length] == '\0' || name[length] == '/'))
            any = found[i] = true;
    }
    return any;
}

/* Where the name leads to below this directory: without / in front, and not by way of "..". */
static char *safe_name(char *name)
{
    char *p = name;

    p += strspn(p, "/");
    for (char *at = p; at != NULL && *at != '\0'; at = strchr(at, '/')) {
        at += *at == '/';
        if (strncmp(at, "..", 2) == 0 && (at[2] == '/' || at[2] == '\0'))
            p = at + 2 + strspn(at + 2, "/");
    }
    return p;
}

static void read_archive(void)
{
    char name[PREFIX_SIZE + 1 + NAME_SIZE + 1];
    struct header h;
    bool any = false;

    while (read_block(&h) && memcmp(&h, zeros, BLOCK) != 0) {
        unsigned long long size;
        char *path;

        if (GET(h.sum) != checksum(&h))
            die_of("archive", any ? "is damaged" : "is none");
        any = true;
        size = h.type == '0' || h.type == '\0' || h.type == '7' || h.type > '9' ? GET(h.size) : 0;
        snprintf(name, sizeof(name), "%.*s%s%.*s", PREFIX_SIZE, h.prefix,
                 h.prefix[0] != '\0' ? "/" : "", NAME_SIZE, h.name);
        path = safe_name(name);
        if (!is_wanted(name) || (h.type > '9' && !listing)) { /* a letter: others' additions */
            read_contents(name, -1, size);
        } else if (listing) {
            list(&h, name, size);
            read_contents(name, -1, size);
        } else {
            if (verbose)
                puts(name);
            if (*path != '\0')
                extract(&h, path, size);
            else
                read_contents(name, -1, size);
        }
    }
    for (size_t i = 0; wanted[i] != NULL; i++)
        if (!found[i])
            complain_of(wanted[i], "is not in the archive");
}

int main(int argc, char **argv)
{
    const char *file = "-", *directory = NULL;
    char what = '\0';
    int option;

    util_begin(argv, usage);
    if (argc > 1 && argv[1][0] != '-' && asprintf(&argv[1], "-%s", argv[1]) < 0)
        must(NULL);
    while ((option = getopt(argc, argv, "cxtvkpf:C:")) != -1) {
        switch (option) {
        case 'c':
        case 'x':
        case 't':
            if (what != '\0')
                util_usage();
            what = (char)option;
            break;
        case 'v': verbose = true; break;
        case 'k': keep = true; break;
        case 'p': exactly = true; break;
        case 'f': file = optarg; break;
        case 'C': directory = optarg; break;
        default: util_usage();
        }
    }
    if (what == '\0' || (what == 'c' && optind == argc))
        util_usage();
    if (strcmp(file, "-") == 0)
        archive = what == 'c' ? STDOUT_FILENO : STDIN_FILENO;
    else
        archive =
            what == 'c' ? open(file, O_WRONLY | O_CREAT | O_TRUNC, 0666) : open(file, O_RDONLY);
    if (archive < 0)
        die(file);
    if (directory != NULL && chdir(directory) < 0)
        die(directory);
    wanted = argv + optind;
    found = must(calloc((size_t)argc + 1, sizeof(*found)));
    listing = what == 't';
    if (what == 'c') {
        for (; *wanted != NULL; wanted++)
            walk(*wanted, WALK_PHYSICAL, add);
        write_all(zeros, sizeof(zeros));
    } else {
        read_archive();
    }
    free(found);
    return util_end();
}
