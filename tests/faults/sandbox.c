#define _GNU_SOURCE /* nftw */
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_WORDS = 64, HANG_SECONDS = 120, OPEN_FOLDERS = 16 };

void sandbox_stop(const char *what, const char *path)
{
    fprintf(stderr, "sweep: cannot %s %s: %s\n", what, path, strerror(errno));
    exit(2);
}

/* nftw has no context of its own. */
static FileList *listing;
static size_t root_length;
static const char *copy_target;

static int list_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st, (void)at;
    if (kind == FTW_D || kind == FTW_DP) return 0;
    if (listing->count == SANDBOX_FILES) sandbox_stop("list all files of", path);
    snprintf(listing->path[listing->count++], sizeof *listing->path, "%s", path + root_length + 1);
    return 0;
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(a, b);
}

void sandbox_list(const char *folder, FileList *out)
{
    out->count = 0;
    listing = out;
    root_length = strlen(folder);
    nftw(folder, list_one, OPEN_FOLDERS, FTW_PHYS);
    qsort(out->path, (size_t)out->count, sizeof *out->path, compare_paths);
}

bool sandbox_has(const FileList *list, const char *path)
{
    return bsearch(path, list->path, (size_t)list->count, sizeof *list->path, compare_paths) !=
           NULL;
}

char *sandbox_join(char out[SANDBOX_PATH], const char *folder, const char *name)
{
    if (snprintf(out, SANDBOX_PATH, "%s%s%s", folder, *folder ? "/" : "", name) >= SANDBOX_PATH)
        sandbox_stop("name", name);
    return out;
}

char *sandbox_read(const char *folder, const char *name, size_t *size)
{
    char path[SANDBOX_PATH];
    struct stat st;
    int fd = open(sandbox_join(path, folder, name), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return NULL;
    if (fstat(fd, &st) != 0) sandbox_stop("look at", path);
    char *bytes = malloc((size_t)st.st_size + 1);
    if (!bytes || read(fd, bytes, (size_t)st.st_size) != st.st_size) sandbox_stop("read", path);
    bytes[st.st_size] = '\0';
    if (size) *size = (size_t)st.st_size;
    close(fd);
    return bytes;
}

void sandbox_write(const char *folder, const char *name, const void *bytes, size_t size)
{
    char path[SANDBOX_PATH];
    int fd = open(sandbox_join(path, folder, name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0 || write(fd, bytes, size) != (ssize_t)size) sandbox_stop("write", path);
    close(fd);
}

bool sandbox_same(const char *a, const char *b, const char *name)
{
    size_t size_a = 0, size_b = 0;
    char *x = sandbox_read(a, name, &size_a), *y = sandbox_read(b, name, &size_b);
    bool same = x && y ? size_a == size_b && memcmp(x, y, size_a) == 0 : !x && !y;
    free(x);
    free(y);
    return same;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st, (void)kind, (void)at;
    return remove(path);
}

void sandbox_remove(const char *folder)
{
    nftw(folder, remove_one, OPEN_FOLDERS, FTW_PHYS | FTW_DEPTH);
}

static int copy_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    char target[SANDBOX_PATH];
    (void)st, (void)at;
    snprintf(target, sizeof target, "%s%s", copy_target, path + root_length);
    if (kind == FTW_D) {
        if (mkdir(target, 0777) != 0) sandbox_stop("make", target);
        return 0;
    }
    size_t size = 0;
    char *bytes = sandbox_read("", path, &size);
    if (!bytes) sandbox_stop("read", path);
    sandbox_write("", target, bytes, size);
    free(bytes);
    return 0;
}

void sandbox_copy(const char *from, const char *to)
{
    sandbox_remove(to);
    copy_target = to;
    root_length = strlen(from);
    nftw(from, copy_one, OPEN_FOLDERS, FTW_PHYS);
}

static void set_or_not(const char *name, const char *value)
{
    if (value)
        setenv(name, value, 1);
    else
        unsetenv(name);
}

static void become(const Spawn *s, const char *folder, const char *words, const char *out,
                   const char *err)
{
    char text[1024], *argv[MOST_WORDS], *rest = text;
    int count = 0;
    snprintf(text, sizeof text, "diffc %s", words);
    for (char *word; (word = strtok_r(rest, " ", &rest)) && count < MOST_WORDS - 1;)
        argv[count++] = word;
    argv[count] = NULL;
    int in = open("/dev/null", O_RDONLY);
    int to_out = open(out, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0666);
    int to_err = open(err, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0666);
    if (dup2(in, 0) < 0 || dup2(to_out, 1) < 0 || dup2(to_err, 2) < 0 || chdir(folder) != 0)
        sandbox_stop("run in", folder);
    for (int fd = 3; fd < 64; fd++) close(fd);
    set_or_not("FAULT", s->fault);
    set_or_not("FAULT_TRACE", s->trace);
    set_or_not("FAULT_KEPT", s->kept);
    set_or_not("FAULT_VICTIM", s->victim);
    alarm(HANG_SECONDS);
    set_or_not("LD_PRELOAD", s->library);
    execv(s->program, argv);
    sandbox_stop("run", s->program);
}

Outcome sandbox_run(const Spawn *spawn, const char *folder, const char *words)
{
    char out[SANDBOX_PATH], err[SANDBOX_PATH];
    int status = 0;
    snprintf(out, sizeof out, "%s.stdout", folder);
    snprintf(err, sizeof err, "%s.stderr", folder);
    fflush(NULL);
    pid_t child = fork();
    if (child < 0) sandbox_stop("start", spawn->program);
    if (child == 0) become(spawn, folder, words, out, err);
    if (waitpid(child, &status, 0) != child) sandbox_stop("wait for", spawn->program);
    return (Outcome){.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
                     .signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0,
                     .out = sandbox_read("", out, NULL),
                     .err = sandbox_read("", err, NULL)};
}

void sandbox_forget(Outcome *outcome)
{
    free(outcome->out);
    free(outcome->err);
}
