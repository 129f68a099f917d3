#include "base/machine.h"

#include <dirent.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/openmp.h"

/* ---- Control groups of Linux (a container, a batch system, systemd). A group's limit holds for all groups
 * below it, so the whole path from the process's group up to the mount is read, in version 2 and in
 * version 1. ---- */

enum { LINE_BYTES = 2 * PATH_BYTES };
static const double WITHOUT_LIMIT = (double)INFINITY;

static FILE *open_file(const char *root, const char *folder, const char *name)
{
    char path[PATH_BYTES];
    int n = snprintf(path, sizeof path, "%s%s/%s", root, folder, name);
    return n < (int)sizeof path ? fopen(path, "re") : NULL;
}

/* The numbers at the start of a file of a group; "max" is `without`. Returns how many there are. */
static int read_numbers(const char *root, const char *folder, const char *name, double without,
                        double out[2])
{
    char line[128];
    FILE *file = open_file(root, folder, name);
    if (!file) return 0;
    int count = 0;
    if (fgets(line, sizeof line, file)) {
        char *rest = NULL;
        for (char *word = strtok_r(line, " \n", &rest); word && count < 2;
             word = strtok_r(NULL, " \n", &rest))
            out[count++] = strcmp(word, "max") == 0 ? without : strtod(word, NULL);
    }
    fclose(file);
    return count;
}

static double read_number(const char *root, const char *folder, const char *name, double without)
{
    double values[2];
    return read_numbers(root, folder, name, without, values) > 0 ? values[0] : without;
}

/* The value of `key` in a file of lines "key value"; 0: not there. */
static double read_keyed(const char *root, const char *folder, const char *name, const char *key)
{
    char line[256];
    double value = 0;
    size_t length = strlen(key);
    FILE *file = open_file(root, folder, name);
    if (!file) return 0;
    while (fgets(line, sizeof line, file))
        if (strncmp(line, key, length) == 0 && line[length] == ' ')
            value = strtod(line + length, NULL);
    fclose(file);
    return value;
}

/* Whether `list`, words between commas, has `word`. */
static bool has_word(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = list; at; at = strchr(at, ',')) {
        if (*at == ',') at++;
        if (strncmp(at, word, length) == 0 && (at[length] == ',' || at[length] == '\0'))
            return true;
    }
    return false;
}

/* mountinfo writes space, tab, newline and backslash as \ and three octal digits. */
static void unescape(char *text)
{
    char *to = text;
    for (const char *from = text; *from; to++) {
        int byte = 0;
        if (*from == '\\' && strspn(from + 1, "01234567") >= 3) {
            for (int i = 1; i <= 3; i++) byte = byte * 8 + (from[i] - '0');
            *to = (char)byte;
            from += 4;
        } else {
            *to = *from++;
        }
    }
    *to = '\0';
}

/* A line of mountinfo: "36 35 98:0 ROOT MOUNT options [more ...] - TYPE source super-options". */
typedef struct {
    char *root, *mount;
} Mount;

static bool parse_mount(char *line, const char *controller, bool second, Mount *m)
{
    char *dash = strstr(line, " - "), *rest = NULL, *words[5];
    if (!dash) return false;
    *dash = '\0';
    char *type = strtok_r(dash + 3, " \n", &rest);
    strtok_r(NULL, " \n", &rest);
    const char *options = strtok_r(NULL, " \n", &rest);
    if (!type || strcmp(type, second ? "cgroup2" : "cgroup") != 0) return false;
    if (!second && !(options && has_word(options, controller))) return false;
    for (int i = 0; i < 5; i++)
        if (!(words[i] = strtok_r(i == 0 ? line : NULL, " ", &rest))) return false;
    *m = (Mount){.root = words[3], .mount = words[4]};
    unescape(m->root);
    unescape(m->mount);
    return true;
}

/* The group's folder: where the hierarchy is mounted, *mount bytes, and the group's path below. In a container
 * the mount may show part of the hierarchy only; a group outside it is seen as its root. */
static bool find_folder(const char *root, const char *controller, bool second, const char *group,
                        char *folder, size_t *mount)
{
    char line[LINE_BYTES];
    FILE *file = open_file(root, "/proc/self", "mountinfo");
    bool found = false;
    if (!file) return false;
    while (!found && fgets(line, sizeof line, file)) {
        Mount m;
        if (!parse_mount(line, controller, second, &m)) continue;
        size_t shown = strcmp(m.root, "/") == 0 ? 0 : strlen(m.root);
        bool below = strncmp(group, m.root, shown) == 0 && !strstr(group, "/..") &&
                     (group[shown] == '/' || group[shown] == '\0');
        const char *rest = below ? group + shown : "";
        *mount = strlen(m.mount);
        int n = snprintf(folder, PATH_BYTES, "%s%s", m.mount, strcmp(rest, "/") == 0 ? "" : rest);
        found = n < PATH_BYTES;
    }
    fclose(file);
    return found;
}

typedef double (*GroupLimit)(const char *root, const char *folder, bool second);

/* The smallest limit of the groups on the path. */
static double smallest_on_path(const char *root, char *folder, size_t mount, bool second,
                               GroupLimit limit)
{
    double least = limit(root, folder, second);
    for (char *slash; strlen(folder) > mount && (slash = strrchr(folder, '/'));) {
        *slash = '\0';
        least = fmin(least, limit(root, folder, second));
    }
    return least;
}

/* The smallest limit of all hierarchies that count `controller`. Each line of /proc/self/cgroup is
 * "number:controllers:path"; version 2 is number 0 and names no controllers. */
static double smallest_limit(const char *root, const char *controller, GroupLimit limit)
{
    char line[LINE_BYTES], folder[PATH_BYTES];
    double least = WITHOUT_LIMIT;
    FILE *file = open_file(root, "/proc/self", "cgroup");
    if (!file) return least;
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        char *controllers = strchr(line, ':'), *group = NULL;
        if (controllers) group = strchr(++controllers, ':');
        if (!group) continue;
        *group++ = '\0';
        bool second = strncmp(line, "0:", 2) == 0;
        size_t mount;
        if (!second && !has_word(controllers, controller)) continue;
        if (find_folder(root, controller, second, group, folder, &mount))
            least = fmin(least, smallest_on_path(root, folder, mount, second, limit));
    }
    fclose(file);
    return least;
}

/* CPU time a second of time: cpu.max, or cpu.cfs_quota_us / cpu.cfs_period_us. */
static double cpu_limit(const char *root, const char *folder, bool second)
{
    double quota[2] = {WITHOUT_LIMIT, 0};
    if (second) {
        if (read_numbers(root, folder, "cpu.max", WITHOUT_LIMIT, quota) < 2) return WITHOUT_LIMIT;
    } else {
        quota[0] = read_number(root, folder, "cpu.cfs_quota_us", -1);
        quota[1] = read_number(root, folder, "cpu.cfs_period_us", 0);
    }
    return quota[0] > 0 && quota[1] > 0 ? quota[0] / quota[1] : WITHOUT_LIMIT;
}

/* Bytes that can still be taken: limit - (used - file cache that can be dropped). */
static double memory_limit(const char *root, const char *folder, bool second)
{
    double limit =
        read_number(root, folder, second ? "memory.max" : "memory.limit_in_bytes", WITHOUT_LIMIT);
    if (second) limit = fmin(limit, read_number(root, folder, "memory.high", WITHOUT_LIMIT));
    /* Version 1 writes the largest multiple of a page for "no limit". */
    if (limit >= 0x1p62) return WITHOUT_LIMIT;
    double used = read_number(root, folder, second ? "memory.current" : "memory.usage_in_bytes", 0);
    double cache =
        read_keyed(root, folder, "memory.stat", second ? "inactive_file" : "total_inactive_file");
    return fmax(limit - fmax(used - cache, 0), 0);
}

/* ---- The machine ---- */

/* The CPUs of OMP_PLACES, GOMP_CPU_AFFINITY and such; 0: none are set. */
static int placed_cpus(void)
{
    int count = 0;
    for (int place = 0; place < omp_get_num_places(); place++)
        count += omp_get_place_num_procs(place);
    return count;
}

/* OpenMP counted the CPUs of the affinity mask before it bound a thread to one of them. */
MachineCpus machine_cpus(const char *root)
{
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    int allowed = omp_get_num_procs(), placed = placed_cpus();
    if (placed > 0 && placed < allowed) allowed = placed;
    MachineCpus cpus = {.online = online > 0 ? (int)online : 1,
                        .allowed = allowed > 0 ? allowed : 1};
    cpus.quota = smallest_limit(root, "cpu", cpu_limit);
    return cpus;
}

static bool is_one_a_core(const MachineCpus *cpus)
{
    return cpus->cores > 0 && cpus->cores < cpus->allowed && cpus->gain > 0 &&
           100 * cpus->gain < LEAST_GAIN_PERCENT;
}

/* The default before the quota. */
static int wanted_threads(const MachineCpus *cpus)
{
    return is_one_a_core(cpus) ? cpus->cores : cpus->allowed;
}

int machine_threads(const MachineCpus *cpus)
{
    int wanted = wanted_threads(cpus);
    return cpus->quota < wanted ? (int)fmax(ceil(cpus->quota), 1) : wanted;
}

void machine_threads_reason(const MachineCpus *cpus, char *out, size_t size)
{
    if (cpus->quota < wanted_threads(cpus))
        snprintf(out, size, "the CPU quota of the control group is %.3g", cpus->quota);
    else if (is_one_a_core(cpus))
        snprintf(out, size,
                 "one for each core, because the CPUs of a core compute %.2f times as much as one "
                 "of them",
                 cpus->gain);
    else
        snprintf(out, size, "the process may run on %d CPU%s", cpus->allowed,
                 cpus->allowed == 1 ? "" : "s");
}

double machine_waited_seconds(const char *root)
{
    char path[PATH_BYTES], folder[PATH_BYTES];
    double seconds = 0, nanoseconds[2]; /* that a thread ran, and that it waited */
    int n = snprintf(path, sizeof path, "%s/proc/self/task", root);
    DIR *threads = n < (int)sizeof path ? opendir(path) : NULL;
    if (!threads) return 0;
    for (const struct dirent *e; (e = readdir(threads));) {
        n = snprintf(folder, sizeof folder, "/proc/self/task/%s", e->d_name);
        if (n < (int)sizeof folder && read_numbers(root, folder, "schedstat", 0, nanoseconds) == 2)
            seconds += 1e-9 * nanoseconds[1];
    }
    closedir(threads);
    return seconds;
}

void machine_cpu_name(const char *root, char *out, size_t size)
{
    static const char key[] = "model name";
    char line[256];
    FILE *file = open_file(root, "/proc", "cpuinfo");
    out[0] = '\0';
    if (!file) return;
    while (!out[0] && fgets(line, sizeof line, file)) {
        const char *value = strchr(line, ':');
        if (strncmp(line, key, sizeof key - 1) != 0 || !value) continue;
        value += strspn(value, ": \t");
        snprintf(out, size, "%.*s", (int)strcspn(value, "\n"), value);
    }
    fclose(file);
}

/* MemAvailable and SwapFree. */
static void read_meminfo(const char *root, MachineMemory *m)
{
    char line[256];
    uint64_t kib;
    FILE *file = open_file(root, "/proc", "meminfo");
    if (!file) return;
    while (fgets(line, sizeof line, file)) {
        if (sscanf(line, "MemAvailable: %" SCNu64 " kB", &kib) == 1) m->bytes = kib * 1024;
        if (sscanf(line, "SwapFree: %" SCNu64 " kB", &kib) == 1) m->swap = kib * 1024;
    }
    fclose(file);
}

static uint64_t resident_bytes(const char *root)
{
    uint64_t pages = 0;
    FILE *file = open_file(root, "/proc/self", "statm");
    if (!file) return 0;
    if (fscanf(file, "%*u %" SCNu64, &pages) != 1) pages = 0;
    fclose(file);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

MachineMemory machine_memory(const char *root)
{
    MachineMemory m = {.bytes = UINT64_MAX, .bound = MEMORY_OF_MACHINE};
    read_meminfo(root, &m);
    m.resident = resident_bytes(root);
    double group = smallest_limit(root, "memory", memory_limit);
    if (isfinite(group) && (uint64_t)group < m.bytes) {
        m.bytes = (uint64_t)group;
        m.bound = MEMORY_OF_GROUP;
    }
    return m;
}

const char *memory_bound_words(MemoryBound bound)
{
    static const char *const words[] = {[MEMORY_OF_MACHINE] = "free",
                                        [MEMORY_OF_GROUP] =
                                            "left by the memory limit of the control group"};
    return words[bound];
}
