#include "base/machine.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cgroup.h"
#include "base/openmp.h"

enum { PATH_ROOM = 4096 };

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
    cpus.quota = cgroup_cpus(root);
    return cpus;
}

int machine_threads(const MachineCpus *cpus)
{
    return cpus->quota < cpus->allowed ? (int)fmax(ceil(cpus->quota), 1) : cpus->allowed;
}

static FILE *open_file(const char *root, const char *name)
{
    char path[PATH_ROOM];
    int n = snprintf(path, sizeof path, "%s%s", root, name);
    return n < (int)sizeof path ? fopen(path, "re") : NULL;
}

/* MemAvailable and SwapFree. */
static void read_meminfo(const char *root, MachineMemory *m)
{
    char line[256];
    uint64_t kib;
    FILE *file = open_file(root, "/proc/meminfo");
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
    FILE *file = open_file(root, "/proc/self/statm");
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
    uint64_t group = cgroup_free_bytes(root);
    if (group < m.bytes) {
        m.bytes = group;
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
