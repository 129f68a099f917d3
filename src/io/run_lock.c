#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/fsio.h"
#include "io/checkpoint.h"

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
