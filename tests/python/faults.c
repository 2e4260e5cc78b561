/* A disk and a clock that fail, for a process that is started with LD_PRELOAD. What fails, and
 * when, stands in a file of numbers that the test and the process both map: see faults.py. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

/* The numbers of the file, in this order. */
enum {
    CALLS, STRIKE_AT, HOW, STRUCK, STRUCK_FILE, STRUCK_KIND, FILES, KINDS,
    CLOCK_OFFSET, CLOCK_STOPPED, FIELDS
};

/* What happens to the call that is struck. */
enum { NOTHING, IO_ERROR, IO_ERROR_DONE, FULL, KILL_BEFORE, KILL_WITHIN, KILL_AFTER };

enum { WRITE = 1, SYNC = 2, TRUNCATE = 4 };

static volatile int64_t *plan;

__attribute__((constructor)) static void map_plan(void) {
    const char *path = getenv("COMITY_FAULTS");
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *mapped = mmap(NULL, FIELDS * 8, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (mapped != MAP_FAILED) plan = mapped;
}

/* Which file of the node this is: the bit of its name, and 16 more where it is the memory that
 * connections share. Zero: not one of them. */
static int64_t file_bit(int file) {
    static const char *const names[] = {"/log.db", "/keys.db", "/local.db", "/view.db"};
    char link[40], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    for (int at = 0; at < 4; at++) {
        const char *found = strstr(path, names[at]);
        if (!found) continue;
        const char *tail = found + strlen(names[at]);
        if (!*tail || !strcmp(tail, "-wal") || !strcmp(tail, "-journal")) return 1 << at;
        if (!strcmp(tail, "-shm")) return 16;
    }
    return 0;
}

static void die(void) {
    kill(getpid(), SIGKILL);
    pause();
}

/* What is to happen to this call. A disk that is full stays so until the test says otherwise. */
static int64_t strike(int file, int64_t kind) {
    int saved = errno;
    int64_t how = NOTHING;
    int64_t bit = plan && (plan[KINDS] & kind) ? file_bit(file) & plan[FILES] : 0;
    if (bit) {
        int64_t call = __atomic_add_fetch(&plan[CALLS], 1, __ATOMIC_SEQ_CST);
        int64_t from = plan[STRIKE_AT];
        int stays = plan[HOW] == FULL && kind == WRITE;
        if (from > 0 && (call == from || (stays && call > from))) {
            how = plan[HOW];
            if (__atomic_add_fetch(&plan[STRUCK], 1, __ATOMIC_SEQ_CST) == 1) {
                plan[STRUCK_FILE] = bit;
                plan[STRUCK_KIND] = kind;
            }
        }
    }
    errno = saved;
    if (how == KILL_BEFORE) die();
    return how;
}

static int64_t fail(int number) {
    errno = number;
    return -1;
}

/* A write that is struck gets half way. */
#define TORN(HALF, WHOLE)                               \
    switch (strike(file, WRITE)) {                      \
    case IO_ERROR: (void)!(HALF); return fail(EIO);     \
    case IO_ERROR_DONE: (void)!(WHOLE); return fail(EIO); \
    case FULL: (void)!(HALF); return fail(ENOSPC);      \
    case KILL_WITHIN: (void)!(HALF); die(); break;      \
    case KILL_AFTER: (void)!(WHOLE); die(); break;      \
    default: break;                                     \
    }                                                   \
    return WHOLE

ssize_t write(int file, const void *octets, size_t count) {
    static ssize_t (*real)(int, const void *, size_t);
    if (!real) real = dlsym(RTLD_NEXT, "write");
    if (!plan) return real(file, octets, count);
    off_t at = lseek(file, 0, SEEK_CUR);
    /* The place in the file stays where it was when a write fails. */
    TORN((at < 0 ? 0 : pwrite(file, octets, count / 2, at)), real(file, octets, count));
}

static ssize_t write_at(int file, const void *octets, size_t count, off_t at) {
    static ssize_t (*real)(int, const void *, size_t, off_t);
    if (!real) real = dlsym(RTLD_NEXT, "pwrite64");
    TORN(real(file, octets, count / 2, at), real(file, octets, count, at));
}

ssize_t pwrite64(int file, const void *octets, size_t count, off_t at) {
    return write_at(file, octets, count, at);
}

/* Only what is done once may fail here: a sync that failed is done, not done, or cut off. */
static int sync_or_not(int file, const char *name) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    switch (strike(file, SYNC)) {
    case IO_ERROR: return (int)fail(EIO);
    case FULL: return (int)fail(ENOSPC);
    case IO_ERROR_DONE: real(file); return (int)fail(EIO);
    case KILL_WITHIN: die(); break;
    case KILL_AFTER: real(file); die(); break;
    default: break;
    }
    return real(file);
}

int fsync(int file) { return sync_or_not(file, "fsync"); }

int fdatasync(int file) { return sync_or_not(file, "fdatasync"); }

int ftruncate64(int file, off_t length) {
    static int (*real)(int, off_t);
    if (!real) real = dlsym(RTLD_NEXT, "ftruncate64");
    switch (strike(file, TRUNCATE)) {
    case IO_ERROR: return (int)fail(EIO);
    case IO_ERROR_DONE: real(file, length); return (int)fail(EIO);
    case FULL: return (int)fail(ENOSPC);
    case KILL_WITHIN: die(); break;
    case KILL_AFTER: real(file, length); die(); break;
    default: break;
    }
    return real(file, length);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, now);
    if (result != 0 || !plan || clock != CLOCK_REALTIME) return result;
    int64_t micros = (int64_t)now->tv_sec * 1000000 + now->tv_nsec / 1000;
    if (plan[CLOCK_STOPPED]) micros = plan[CLOCK_STOPPED];
    micros += plan[CLOCK_OFFSET];
    now->tv_sec = micros / 1000000;
    now->tv_nsec = micros % 1000000 * 1000;
    return result;
}
