/* A preloaded library that makes the n-th file call or the n-th allocation of a program fail, fall short, be
 * interrupted, or be its last. Calls are counted between the beginning and the end of main.
 *
 *   LD_PRELOAD=faults.so FAULT=WHAT:N:ACTION program...
 *
 * WHAT    file    calls that change files: open (for writing), write, pwrite, ftruncate, fsync, close (of what was
 *                 opened for writing), rename, unlink, link, mkdir, rmdir
 *         read    calls that only look: open (for reading), read and pread, opendir
 *         memory  malloc, calloc, realloc, aligned_alloc, posix_memalign, but a BLAS's
 *         or the name of one of these file calls
 * N       which of them, from 1; "N+": all from the N-th on
 * ACTION  a number: the call fails with this errno and does nothing; but a failed fsync or close has lost what was
 *                 written since the file was opened, as it may, and a failed close closes. An allocation gives NULL.
 *         short   of the bytes to read or write one half, one at least
 *         plant   open: another process has just made a symbolic link of that name, to $FAULT_VICTIM
 *         kill    kill -9 in place of the call
 *         bytes, names, all   a power cut in place of the call, which loses the unsynced bytes of files, the unsynced
 *                 names of folders, or both (unsynced.h), then kill -9
 *
 * FAULT_TRACE names a file that receives a line "NUMBER CALL PATH" a file call of WHAT (of a write the number of the
 * file), and at the end "memory COUNT". FAULT_KEPT names an empty folder on the same file system, where removed files
 * wait for a power cut. An fsync or a rename of a file whose fsync has failed is never right (the kernel drops the
 * bytes and says so once): it is said on stderr, "faults: ...". */
#define _GNU_SOURCE /* RTLD_NEXT, renameat2 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include "caller.h"
#include "unsynced.h"

/* Up to 0; above are the numbers of errors. */
enum { CUT_ALL = -6, CUT_NAMES, CUT_BYTES, KILL, PLANT, SHORT, NO_FAULT };

static struct {
    char what[16];
    long n;
    bool onward;
    int action;
} wanted;
static bool counting;
static long file_calls, allocations;
static _Thread_local bool inside; /* this library's own calls pass through */
static int trace = -1;
static ino_t failed_sync; /* the file whose fsync has failed */

#define NEXT(result, name, ...)                                                                    \
    static result (*real)(__VA_ARGS__);                                                            \
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, name)

static void read_wish(void)
{
    static const char *const words[] = {"short", "plant", "kill", "bytes", "names", "all"};
    const char *wish = getenv("FAULT"), *file = getenv("FAULT_TRACE");
    char number[32], action[16];
    if (file) trace = (int)syscall(SYS_openat, AT_FDCWD, file, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (!wish || sscanf(wish, "%15[^:]:%31[^:]:%15s", wanted.what, number, action) != 3) return;
    wanted.n = atol(number);
    wanted.onward = number[strlen(number) - 1] == '+';
    wanted.action = atoi(action);
    for (int i = 0; i < 6; i++)
        if (strcmp(action, words[i]) == 0) wanted.action = SHORT - i;
}

static void die(long variant)
{
    inside = true;
    if (wanted.action <= CUT_BYTES)
        unsynced_lose(wanted.action != CUT_NAMES, wanted.action != CUT_BYTES, variant);
    for (;;) raise(SIGKILL);
}

/* Counts a call that is about to be made. What is to happen to it: NO_FAULT, SHORT, PLANT or an
 * errno, which is then set. */
static int count_call(const char *kind, const char *call, const char *path)
{
    if (!counting || inside) return NO_FAULT;
    if (strcmp(wanted.what, kind) != 0 && strcmp(wanted.what, call) != 0) return NO_FAULT;
    long k = __atomic_add_fetch(&file_calls, 1, __ATOMIC_RELAXED);
    if (trace >= 0) {
        char line[4200];
        int length = snprintf(line, sizeof line, "%ld %s %s\n", k, call, path);
        syscall(SYS_write, trace, line, (size_t)length);
    }
    if (wanted.onward ? k < wanted.n : k != wanted.n) return NO_FAULT;
    if (wanted.action <= KILL) die(k);
    if (wanted.action > 0) errno = wanted.action;
    return wanted.action;
}

static bool out_of_memory(const void *caller)
{
    if (!counting || inside || is_from("blas", caller) || is_from("libomp", caller)) return false;
    long k = __atomic_add_fetch(&allocations, 1, __ATOMIC_RELAXED);
    if (strcmp(wanted.what, "memory") != 0 || (wanted.onward ? k < wanted.n : k != wanted.n))
        return false;
    errno = ENOMEM;
    return true;
}

/* Calls of unsynced.c, and those of the C library within them, are this library's own. */
#define NOTE(call)                                                                                 \
    do {                                                                                           \
        int said = errno;                                                                          \
        inside = true;                                                                             \
        call;                                                                                      \
        inside = false;                                                                            \
        errno = said;                                                                              \
    } while (0)
#define NOTE_IF(condition, call)                                                                   \
    do {                                                                                           \
        if (counting && !inside && (condition)) NOTE(call);                                        \
    } while (0)

/* ---- main ---- */

typedef int Main(int, char **, char **);
static Main *program_main;

static int counted_main(int argc, char **argv, char **environment)
{
    read_wish();
    counting = !strstr(argv[0], "symbolizer"); /* which a sanitizer starts */
    int code = program_main(argc, argv, environment);
    counting = false;
    if (trace >= 0) dprintf(trace, "memory %ld\n", allocations);
    return code;
}

int __libc_start_main(Main *, int, char **, void (*)(void), void (*)(void), void (*)(void), void *);
int __libc_start_main(Main *start, int argc, char **argv, void (*init)(void), void (*fini)(void),
                      void (*rtld_fini)(void), void *stack_end)
{
    NEXT(int, "__libc_start_main", Main *, int, char **, void (*)(void), void (*)(void),
         void (*)(void), void *);
    program_main = start;
    return real(counted_main, argc, argv, init, fini, rtld_fini, stack_end);
}

/* ---- files ---- */

/* Which files' bytes a close may lose: those opened for writing. */
static bool is_written(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && (flags & O_ACCMODE) != O_RDONLY;
}

int openat(int folder, const char *path, int flags, ...)
{
    NEXT(int, "openat", int, const char *, int, ...);
    mode_t mode = 0;
    if (flags & (O_CREAT | O_TMPFILE)) {
        va_list args;
        va_start(args, flags);
        mode = va_arg(args, mode_t);
        va_end(args);
    }
    bool writes = (flags & O_ACCMODE) != O_RDONLY || flags & O_CREAT;
    int fault = count_call(writes ? "file" : "read", "open", path);
    if (fault > 0) return -1;
    if (fault == PLANT && flags & O_CREAT)
        NOTE((void)!symlinkat(getenv("FAULT_VICTIM"), folder, path));
    struct stat st;
    bool created = writes && counting && !inside && fstatat(folder, path, &st, 0) != 0;
    int fd = real(folder, path, flags, mode);
    NOTE_IF(fd >= 0 && writes, unsynced_open(fd, path, created));
    /* A new file may have the number of one that is gone. */
    if (created && fd >= 0 && fstat(fd, &st) == 0 && st.st_ino == failed_sync) failed_sync = 0;
    return fd;
}

int open(const char *path, int flags, ...)
{
    mode_t mode = 0;
    if (flags & (O_CREAT | O_TMPFILE)) {
        va_list args;
        va_start(args, flags);
        mode = va_arg(args, mode_t);
        va_end(args);
    }
    return openat(AT_FDCWD, path, flags, mode);
}

static size_t some(size_t size)
{
    return size > 1 ? size / 2 : size;
}

/* For the trace: which file is written, in place of its path. */
static const char *number_of(int fd, char out[24])
{
    struct stat st;
    bool known = trace >= 0 && counting && !inside && fstat(fd, &st) == 0;
    snprintf(out, 24, "%llu", known ? (unsigned long long)st.st_ino : 0);
    return out;
}

ssize_t write(int fd, const void *bytes, size_t size)
{
    NEXT(ssize_t, "write", int, const void *, size_t);
    char file[24];
    int fault = count_call("file", "write", number_of(fd, file));
    if (fault > 0) return -1;
    ssize_t put = real(fd, bytes, fault == SHORT ? some(size) : size);
    NOTE_IF(put > 0, unsynced_write(fd));
    return put;
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at)
{
    NEXT(ssize_t, "pwrite", int, const void *, size_t, off_t);
    int fault = count_call("file", "pwrite", "");
    if (fault > 0) return -1;
    ssize_t put = real(fd, bytes, fault == SHORT ? some(size) : size, at);
    NOTE_IF(put > 0, unsynced_write(fd));
    return put;
}

ssize_t read(int fd, void *bytes, size_t size)
{
    NEXT(ssize_t, "read", int, void *, size_t);
    int fault = count_call("read", "read", "");
    return fault > 0 ? -1 : real(fd, bytes, fault == SHORT ? some(size) : size);
}

ssize_t pread(int fd, void *bytes, size_t size, off_t at)
{
    NEXT(ssize_t, "pread", int, void *, size_t, off_t);
    int fault = count_call("read", "read", "");
    return fault > 0 ? -1 : real(fd, bytes, fault == SHORT ? some(size) : size, at);
}

int ftruncate(int fd, off_t size)
{
    NEXT(int, "ftruncate", int, off_t);
    if (is_from("libomp", __builtin_return_address(0))) return real(fd, size);
    if (count_call("file", "ftruncate", "") > 0) return -1;
    int result = real(fd, size);
    NOTE_IF(result == 0, unsynced_write(fd));
    return result;
}

int fsync(int fd)
{
    NEXT(int, "fsync", int);
    struct stat st = {0};
    if (counting && !inside && fstat(fd, &st) == 0 && st.st_ino == failed_sync)
        dprintf(STDERR_FILENO, "faults: fsync again, of a file whose fsync has failed\n");
    if (count_call("file", "fsync", "") > 0) {
        if (S_ISREG(st.st_mode)) failed_sync = st.st_ino;
        NOTE(unsynced_lose_file(fd));
        return -1;
    }
    int result = real(fd);
    NOTE_IF(result == 0, unsynced_sync(fd));
    return result;
}

int close(int fd)
{
    NEXT(int, "close", int);
    int fault = counting && !inside && is_written(fd) ? count_call("file", "close", "") : NO_FAULT;
    if (fault > 0) NOTE(unsynced_lose_file(fd));
    int result = real(fd);
    if (fault <= 0) return result;
    errno = fault;
    return -1;
}

int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags)
{
    struct stat st = {0};
    if (!inside && fstatat(from_folder, from, &st, 0) == 0 && st.st_ino == failed_sync)
        dprintf(STDERR_FILENO, "faults: rename of a file whose fsync has failed\n");
    if (count_call("file", "rename", to) > 0) return -1;
    bool exchange = flags & RENAME_EXCHANGE;
    NOTE_IF(!exchange, unsynced_before_removal(to));
    int result = (int)syscall(SYS_renameat2, from_folder, from, to_folder, to, flags);
    NOTE_IF(result == 0, unsynced_rename(from, to, exchange));
    return result;
}

int renameat(int from_folder, const char *from, int to_folder, const char *to)
{
    return renameat2(from_folder, from, to_folder, to, 0);
}

int rename(const char *from, const char *to)
{
    return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int unlinkat(int folder, const char *path, int flags)
{
    NEXT(int, "unlinkat", int, const char *, int);
    bool is_folder = flags & AT_REMOVEDIR;
    if (count_call("file", is_folder ? "rmdir" : "unlink", path) > 0) return -1;
    NOTE_IF(!is_folder, unsynced_before_removal(path));
    int result = real(folder, path, flags);
    NOTE_IF(result == 0, is_folder ? unsynced_rmdir(path) : unsynced_unlink(path));
    return result;
}

int unlink(const char *path)
{
    return unlinkat(AT_FDCWD, path, 0);
}

int rmdir(const char *path)
{
    return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

int mkdirat(int folder, const char *path, mode_t mode)
{
    NEXT(int, "mkdirat", int, const char *, mode_t);
    if (count_call("file", "mkdir", path) > 0) return -1;
    int result = real(folder, path, mode);
    NOTE_IF(result == 0, unsynced_mkdir(path));
    return result;
}

int mkdir(const char *path, mode_t mode)
{
    return mkdirat(AT_FDCWD, path, mode);
}

DIR *opendir(const char *path)
{
    NEXT(DIR *, "opendir", const char *);
    return count_call("read", "opendir", path) > 0 ? NULL : real(path);
}

/* ---- memory ---- */

/* dlsym may allocate before it has found calloc. */
static void *early(size_t size)
{
    static _Alignas(max_align_t) char room[4096];
    static size_t used;
    size_t at = used;
    used += (size + 15) / 16 * 16;
    return used <= sizeof room ? room + at : NULL;
}

#define NEXT_OR_EARLY(result, name, size, ...)                                                     \
    static result (*real)(__VA_ARGS__);                                                            \
    static bool searching;                                                                         \
    if (!real && searching) return early(size);                                                    \
    if (!real) {                                                                                   \
        searching = true;                                                                          \
        *(void **)&real = dlsym(RTLD_NEXT, name);                                                  \
        searching = false;                                                                         \
    }

void *malloc(size_t size)
{
    NEXT_OR_EARLY(void *, "malloc", size, size_t);
    return out_of_memory(__builtin_return_address(0)) ? NULL : real(size);
}

void *calloc(size_t count, size_t size)
{
    NEXT_OR_EARLY(void *, "calloc", count *size, size_t, size_t);
    return out_of_memory(__builtin_return_address(0)) ? NULL : real(count, size);
}

void *realloc(void *block, size_t size)
{
    NEXT(void *, "realloc", void *, size_t);
    return out_of_memory(__builtin_return_address(0)) ? NULL : real(block, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    NEXT(void *, "aligned_alloc", size_t, size_t);
    return out_of_memory(__builtin_return_address(0)) ? NULL : real(alignment, size);
}

int posix_memalign(void **block, size_t alignment, size_t size)
{
    NEXT(int, "posix_memalign", void **, size_t, size_t);
    return out_of_memory(__builtin_return_address(0)) ? ENOMEM : real(block, alignment, size);
}
