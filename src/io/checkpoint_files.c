#include "io/checkpoint_files.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/mem.h"

static bool parse_name(const char *name, int64_t *step)
{
    char expected[64];
    char *end = NULL;
    if (strncmp(name, "step-", 5) != 0 || name[5] < '0' || name[5] > '9') return false;
    *step = strtoll(name + 5, &end, 10);
    snprintf(expected, sizeof expected, "step-%08lld.safetensors", (long long)*step);
    return strcmp(name, expected) == 0;
}

bool checkpoint_path(char *path, const char *run, int64_t step, Err *err)
{
    char name[96];
    snprintf(name, sizeof name, CHECKPOINT_FOLDER "/step-%08lld.safetensors", (long long)step);
    return path_join(path, run, name, err);
}

static int newest_first(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? 1 : x > y ? -1 : 0;
}

bool checkpoint_list(const char *run, CheckpointList *out, Err *err)
{
    char folder[PATH_BYTES];
    Names names;
    *out = (CheckpointList){NULL, 0};
    if (!path_join(folder, run, CHECKPOINT_FOLDER, err)) return false;
    if (!path_exists(folder)) return true;
    if (!folder_list(folder, &names, err)) return false;
    out->steps = mem_alloc(names.count, sizeof *out->steps);
    if (!out->steps) err_set(err, ERR_MEMORY, "%s: not enough memory for its list", folder);
    for (size_t i = 0; out->steps && i < names.count; i++)
        if (parse_name(names.names[i], &out->steps[out->count])) out->count++;
    names_free(&names);
    if (out->count) qsort(out->steps, out->count, sizeof *out->steps, newest_first);
    return out->steps != NULL;
}

static bool is_checkpoint(const void *context, const char *name)
{
    int64_t step;
    (void)context;
    return parse_name(name, &step);
}

void checkpoint_remove_leftovers(const char *run)
{
    char folder[PATH_BYTES];
    if (path_join(folder, run, CHECKPOINT_FOLDER, NULL))
        leftovers_remove(folder, is_checkpoint, NULL);
}

/* What cannot be removed stays: the new checkpoint is safe, and that is what counts. */
void checkpoint_rotate(const char *run, int64_t step, int keep)
{
    CheckpointList list;
    char path[PATH_BYTES];
    if (!checkpoint_list(run, &list, NULL)) return;
    int kept = 0;
    for (size_t i = 0; i < list.count; i++) {
        if (list.steps[i] <= step && kept++ < keep) continue;
        if (checkpoint_path(path, run, list.steps[i], NULL)) unlink(path);
    }
    mem_free(list.steps);
    checkpoint_remove_leftovers(run);
}

bool checkpoint_exists(const char *run, bool *exists, Err *err)
{
    CheckpointList list;
    *exists = false;
    if (!checkpoint_list(run, &list, err)) return false;
    *exists = list.count > 0;
    mem_free(list.steps);
    return true;
}

/* ---- the lock of a run ---- */

bool run_lock(RunLock *lock, const char *run, Err *err)
{
    char path[PATH_BYTES], pid[32] = "";
    lock->fd = -1;
    if (!path_join(path, run, "lock", err)) return false;
    int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (fd < 0 && errno == ELOOP)
        return err_set(err, ERR_IO, "%s: is a symbolic link; the lock of a run must be a file",
                       path);
    if (fd < 0) return err_set_errno(err, "%s: cannot open", path);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        bool taken = errno == EWOULDBLOCK;
        if (!taken) err_set_errno(err, "%s: cannot lock", path);
        ssize_t got = taken ? read(fd, pid, sizeof pid - 1) : 0;
        long owner = got > 0 ? strtol(pid, NULL, 10) : 0;
        /* A process that has not signed yet leaves the pid of the one before, which has ended. */
        bool known = owner > 0 && (kill((pid_t)owner, 0) == 0 || errno == EPERM);
        if (known)
            snprintf(pid, sizeof pid, "process %ld", owner);
        else
            snprintf(pid, sizeof pid, "another process");
        if (taken)
            err_set(err, ERR_IO, "%s: is in use by %s; wait until it ends or choose another folder",
                    run, pid);
        close(fd);
        return false;
    }
    lock->fd = fd;
    return true;
}

void run_lock_sign(RunLock *lock)
{
    char pid[32];
    int length = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    /* The pid is only for others, so a full disk must not stop the run here. */
    bool told = ftruncate(lock->fd, 0) == 0 && pwrite(lock->fd, pid, (size_t)length, 0) == length;
    (void)told;
}

/* The file stays: removing it would let two processes hold locks on two files of one name. */
void run_unlock(RunLock *lock)
{
    if (lock->fd >= 0) close(lock->fd);
    lock->fd = -1;
}
