#ifdef __linux__
#define _GNU_SOURCE /* cpu_set_t */
#include <sched.h>
#endif
#include "base/cores.h"

#include <stdio.h>

#include "base/fsio.h"

void cores_find_cpus(Cores *c)
{
    c->cpus = 0;
#ifdef __linux__
    cpu_set_t allowed;
    _Static_assert((int)CORES_MOST_CPUS <= (int)CPU_SETSIZE, "each CPU has a place in the set");
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
    for (int cpu = 0; cpu < CORES_MOST_CPUS; cpu++)
        if (CPU_ISSET(cpu, &allowed)) c->cpu[c->cpus++] = cpu;
#endif
}

/* The first CPU of the core of `cpu`; -1: not known. The file lists the core's CPUs, as "0,64" or "0-1"; its newer
 * name is core_cpus_list. */
static int first_of_core(const char *root, int cpu)
{
    char path[PATH_BYTES];
    int first = -1;
    int n = snprintf(path, sizeof path,
                     "%s/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", root, cpu);
    FILE *file = n < (int)sizeof path ? fopen(path, "re") : NULL;
    if (!file) return -1;
    if (fscanf(file, "%d", &first) != 1) first = -1;
    fclose(file);
    return first;
}

void cores_read(Cores *c, const char *root)
{
    int first[CORES_MOST_CPUS]; /* of each core */
    c->cores = 0;
    for (int i = 0; i < c->cpus; i++) {
        int own = first_of_core(root, c->cpu[i]), core = 0;
        if (own < 0) {
            c->cores = 0;
            break;
        }
        while (core < c->cores && first[core] != own) core++;
        if (core == c->cores) first[c->cores++] = own;
        c->core[i] = core;
    }
    if (c->cores > 0) return;
    c->cores = c->cpus;
    for (int i = 0; i < c->cpus; i++) c->core[i] = i;
}

int cores_cpu_of(const Cores *c, int core, int k)
{
    for (int i = 0; i < c->cpus; i++)
        if (c->core[i] == core && k-- == 0) return i;
    return -1;
}

int cores_first_shared(const Cores *c)
{
    for (int core = 0; core < c->cores; core++)
        if (cores_cpu_of(c, core, 1) >= 0) return core;
    return -1;
}

void cores_run_on(const Cores *c, int index, int core)
{
#ifdef __linux__
    cpu_set_t set;
    CPU_ZERO(&set);
    for (int i = 0; i < c->cpus; i++) {
        bool wanted = (index < 0 || index == i) && (core < 0 || core == c->core[i]);
        if (wanted) CPU_SET(c->cpu[i], &set);
    }
    if (CPU_COUNT(&set) > 0) sched_setaffinity(0, sizeof set, &set);
#else
    (void)c, (void)index, (void)core;
#endif
}

void cores_take_share(const Cores *c, int place, int places)
{
#ifdef __linux__
    cpu_set_t set;
    int first = c->cpus * place / places, end = c->cpus * (place + 1) / places, at = 0;
    if (end == first) end++;
    CPU_ZERO(&set);
    for (int core = 0; core < c->cores; core++)
        for (int k = 0, i; (i = cores_cpu_of(c, core, k)) >= 0; k++, at++)
            if (at >= first && at < end) CPU_SET(c->cpu[i], &set);
    if (CPU_COUNT(&set) > 0) sched_setaffinity(0, sizeof set, &set);
#else
    (void)c, (void)place, (void)places;
#endif
}
