/* Temporary files whose writers have died. A living writer holds a lock on its file (flock), which the
 * system drops when the process ends; the number in the name alone would not do, for containers have
 * numbers of their own. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fsio.h"

bool file_is_temporary(const char *name, size_t *target, long *pid)
{
    static const char end[] = ".tmp";
    size_t length = strlen(name), digits = 0;
    if (length < sizeof end || strcmp(name + length - (sizeof end - 1), end) != 0) return false;
    size_t at = length - (sizeof end - 1);
    while (at > 0 && name[at - 1] >= '0' && name[at - 1] <= '9' && digits < 10) at--, digits++;
    if (digits == 0 || at < 2 || name[at - 1] != '.' || name[at] == '0') return false;
    *target = at - 1;
    *pid = strtol(name + at, NULL, 10);
    return true;
}

/* Whether a process holds the file. A file that cannot be opened counts as held and is left alone. */
static bool is_held(const char *path, long pid)
{
    struct stat st;
    bool runs = kill((pid_t)pid, 0) == 0 || errno == EPERM;
    if (runs && pid != (long)getpid()) return true;
    int fd = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return true;
    bool held = fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) ||
                (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK);
    close(fd);
    return held;
}

void leftovers_remove(const char *folder, bool (*ours)(const void *context, const char *target),
                      const void *context)
{
    Names names;
    if (!folder_list(folder, &names, NULL)) return;
    for (size_t i = 0; i < names.count; i++) {
        char path[PATH_BYTES], target[PATH_BYTES];
        size_t length;
        long pid;
        if (!file_is_temporary(names.names[i], &length, &pid)) continue;
        memcpy(target, names.names[i], length);
        target[length] = '\0';
        if (!ours(context, target) || !path_join(path, folder, names.names[i], NULL)) continue;
        if (!is_held(path, pid)) unlink(path);
    }
    names_free(&names);
}
