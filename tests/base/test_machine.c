#include <inttypes.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/machine.h"
#include "base/openmp.h"
#include "base/parallel.h"
#include "test.h"

/* A file below the test's folder, which stands for the root. */
static void put(const char *path, const char *text)
{
    char full[PATH_BYTES], folder[PATH_BYTES];
    Err err = {0};
    snprintf(full, sizeof full, "%s%s", test_folder(), path);
    snprintf(folder, sizeof folder, "%s", full);
    *strrchr(folder, '/') = '\0';
    EXPECT(folder_make(folder, &err) && file_write(full, text, strlen(text), &err));
}

static void mounts(const char *text)
{
    put("/proc/self/mountinfo", text);
}

static double quota(void)
{
    return machine_cpus(test_folder()).quota;
}

static uint64_t free_bytes(void)
{
    return machine_memory(test_folder()).bytes;
}

static const char second[] =
    "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
    "30 22 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";

/* The hybrid layout: version 1 controllers, version 2 beside them without any. */
static const char first[] =
    "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
    "33 31 0:30 / /sys/fs/cgroup/cpuacct rw,relatime - cgroup cgroup rw,cpuacct\n"
    "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n"
    "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
    "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";

TEST(without_control_groups_there_is_no_limit)
{
    EXPECT(isinf(quota()));
    EXPECT(free_bytes() == UINT64_MAX);
    mounts(second);
    put("/proc/self/cgroup", "0::/user.slice\n");
    EXPECT(isinf(quota()));
    put("/sys/fs/cgroup/user.slice/cpu.max", "max 100000\n");
    put("/sys/fs/cgroup/user.slice/memory.max", "max\n");
    EXPECT(isinf(quota()));
    EXPECT(free_bytes() == UINT64_MAX);
}

TEST(the_smallest_cpu_quota_on_the_path_of_a_version_2_group_counts)
{
    mounts(second);
    put("/proc/self/cgroup", "0::/a/b/c\n");
    put("/sys/fs/cgroup/a/b/c/cpu.max", "max 100000\n");
    put("/sys/fs/cgroup/a/b/cpu.max", "400000 100000\n");
    put("/sys/fs/cgroup/a/cpu.max", "75000 50000\n");
    EXPECT_NEAR(quota(), 1.5, 1e-12);
    put("/sys/fs/cgroup/a/b/c/cpu.max", "20000 100000\n");
    EXPECT_NEAR(quota(), 0.2, 1e-12);
}

TEST(version_1_quotas_are_found_by_the_controller_of_the_mount)
{
    mounts(first);
    put("/proc/self/cgroup", "4:memory:/job/1\n2:cpuacct:/x\n1:cpu:/job/1\n0::/\n");
    put("/sys/fs/cgroup/cpu/job/1/cpu.cfs_quota_us", "-1\n");
    put("/sys/fs/cgroup/cpu/job/1/cpu.cfs_period_us", "100000\n");
    EXPECT(isinf(quota()));
    put("/sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", "250000\n");
    put("/sys/fs/cgroup/cpu/job/cpu.cfs_period_us", "100000\n");
    EXPECT_NEAR(quota(), 2.5, 1e-12);
    put("/sys/fs/cgroup/cpuacct/x/cpu.cfs_quota_us", "1000\n");
    put("/sys/fs/cgroup/cpuacct/x/cpu.cfs_period_us", "100000\n");
    EXPECT_NEAR(quota(), 2.5, 1e-12);
}

/* A container sees its own group where the whole hierarchy is mounted outside, and may still be told
 * its path from outside; "/../.." is the path of a process moved out of its namespace. */
TEST(a_mount_that_shows_part_of_the_hierarchy_is_understood)
{
    mounts("32 31 0:29 /docker/77 /sys/fs/my\\040groups rw - cgroup cgroup rw,cpu,cpuacct\n");
    put("/proc/self/cgroup", "3:cpuacct,cpu:/docker/77/inner\n");
    put("/sys/fs/my groups/cpu.cfs_quota_us", "300000\n");
    put("/sys/fs/my groups/cpu.cfs_period_us", "100000\n");
    EXPECT_NEAR(quota(), 3, 1e-12);
    put("/sys/fs/my groups/inner/cpu.cfs_quota_us", "100000\n");
    put("/sys/fs/my groups/inner/cpu.cfs_period_us", "100000\n");
    EXPECT_NEAR(quota(), 1, 1e-12);
    put("/proc/self/cgroup", "3:cpuacct,cpu:/docker/778\n");
    EXPECT_NEAR(quota(), 3, 1e-12);
    put("/proc/self/cgroup", "3:cpuacct,cpu:/docker/77/../../other\n");
    EXPECT_NEAR(quota(), 3, 1e-12);
}

TEST(damaged_files_of_control_groups_mean_no_limit)
{
    static const char *const texts[] = {"",      "\n",       "0 0\n", "100000\n", "-5 100000\n",
                                        "x y\n", "nan nan\n"};
    mounts(second);
    put("/proc/self/cgroup", "0\n\n:\n::\n0::/a\n");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        put("/sys/fs/cgroup/a/cpu.max", texts[i]);
        EXPECT(isinf(quota()));
    }
    mounts(" - cgroup2\n - \nx - cgroup2 cgroup2 rw\n");
    EXPECT(isinf(quota()));
}

TEST(free_memory_of_a_group_is_its_limit_less_what_cannot_be_dropped)
{
    mounts(second);
    put("/proc/self/cgroup", "0::/a\n");
    put("/sys/fs/cgroup/a/memory.max", "1000000\n");
    put("/sys/fs/cgroup/a/memory.current", "700000\n");
    put("/sys/fs/cgroup/a/memory.stat", "anon 400000\nactive_file 50000\ninactive_file 250000\n");
    EXPECT_INT((long long)free_bytes(), 550000);
    put("/sys/fs/cgroup/a/memory.high", "600000\n");
    EXPECT_INT((long long)free_bytes(), 150000);
    put("/sys/fs/cgroup/a/memory.current", "900000\n");
    EXPECT_INT((long long)free_bytes(), 0);
    mounts(first);
    put("/proc/self/cgroup", "4:memory:/job\n");
    put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    put("/sys/fs/cgroup/memory/memory.usage_in_bytes", "1000\n");
    EXPECT(free_bytes() == UINT64_MAX);
    put("/sys/fs/cgroup/memory/job/memory.limit_in_bytes", "5000\n");
    put("/sys/fs/cgroup/memory/job/memory.usage_in_bytes", "4000\n");
    put("/sys/fs/cgroup/memory/job/memory.stat", "inactive_file 1\ntotal_inactive_file 500\n");
    EXPECT_INT((long long)free_bytes(), 1500);
}

TEST(free_memory_is_the_machines_or_the_groups_whichever_is_less)
{
    put("/proc/meminfo", "MemTotal: 900 kB\nMemAvailable:    600 kB\nSwapFree: 20 kB\n");
    MachineMemory m = machine_memory(test_folder());
    EXPECT_INT((long long)m.bytes, 600 * 1024);
    EXPECT_INT((long long)m.swap, 20 * 1024);
    EXPECT_INT(m.bound, MEMORY_OF_MACHINE);
    put("/proc/self/statm", "1000 30 20 1 0 100 0\n");
    EXPECT_INT((long long)machine_memory(test_folder()).resident, 30 * sysconf(_SC_PAGESIZE));
    mounts(second);
    put("/proc/self/cgroup", "0::/\n");
    put("/sys/fs/cgroup/memory.max", "1000\n");
    m = machine_memory(test_folder());
    EXPECT_INT((long long)m.bytes, 1000);
    EXPECT_INT(m.bound, MEMORY_OF_GROUP);
}

TEST(threads_are_the_allowed_cpus_or_the_quota_rounded_up)
{
    static const struct {
        int allowed;
        double quota;
        int threads;
    } cases[] = {{8, (double)INFINITY, 8},
                 {8, 1.5, 2},
                 {8, 2, 2},
                 {8, 0.1, 1},
                 {1, 4, 1},
                 {4, 4, 4},
                 {2, 1.5, 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        MachineCpus cpus = {.online = 16, .allowed = cases[i].allowed, .quota = cases[i].quota};
        EXPECT_INT(machine_threads(&cpus), cases[i].threads);
    }
}

TEST(threads_are_one_a_core_where_its_cpus_compute_no_more_than_one_of_them)
{
    static const struct {
        MachineCpus cpus;
        int threads;
        const char *reason;
    } cases[] = {
        {{2, 2, (double)INFINITY, 1, 1.02},
         1,
         "one for each core, because the CPUs of a core compute 1.02 times"},
        {{8, 8, (double)INFINITY, 4, 1.09}, 4, "one for each core"},
        {{8, 8, (double)INFINITY, 4, 1.11},
         8,
         "may run on 8 CPUs"}, /* they add something, or the topology is wrong */
        {{8, 8, (double)INFINITY, 4, 0}, 8, "may run on 8 CPUs"}, /* not measured */
        {{8, 8, (double)INFINITY, 8, 1}, 8, "may run on 8 CPUs"},
        {{8, 8, (double)INFINITY, 0, 1}, 8, "may run on 8 CPUs"},
        {{8, 3, (double)INFINITY, 2, 1}, 2, "one for each core"},
        {{8, 8, 2.5, 4, 1}, 3, "the CPU quota of the control group is 2.5"},
        {{8, 8, 6, 4, 1}, 4, "one for each core"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char reason[160];
        machine_threads_reason(&cases[i].cpus, reason, sizeof reason);
        EXPECT_INT(machine_threads(&cases[i].cpus), cases[i].threads);
        EXPECT_CONTAINS(reason, cases[i].reason);
    }
}

TEST(the_number_of_threads_is_what_a_team_has)
{
    static const int asked[] = {1, 2, 3, 5};
    char text[256];
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        int team = 0;
        parallel_set_threads(asked[i]);
        EXPECT(parallel_threads() >= 1 && parallel_threads() <= asked[i]);
        EXPECT(parallel_describe(text, sizeof text) == (parallel_threads() == asked[i]));
#pragma omp parallel num_threads(parallel_threads()) reduction(+ : team)
        team++;
        EXPECT_INT(team, parallel_threads());
    }
}

#ifndef DIFFC_SANITIZED /* which needs more address space than any limit leaves */
/* Stacks for 60 threads have no room below the limit. OpenMP would end the program. */
TEST(threads_that_the_system_does_not_start_are_done_without)
{
    enum { ASKED = 60, ROOM = 64 << 20 };
    struct rlimit before;
    unsigned long long pages = 0;
    char text[256];
    int team = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || omp_get_thread_limit() < ASKED) {
        if (file) fclose(file);
        test_skip("there is no /proc/self/statm, or OMP_THREAD_LIMIT is set");
        return;
    }
    EXPECT_INT(fscanf(file, "%llu", &pages), 1);
    fclose(file);
    EXPECT(getrlimit(RLIMIT_AS, &before) == 0);
    rlim_t limit = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + ROOM;
    struct rlimit small = {.rlim_cur = limit, .rlim_max = before.rlim_max};
    EXPECT(setrlimit(RLIMIT_AS, &small) == 0);
    parallel_set_threads(ASKED);
    EXPECT(parallel_threads() < ASKED);
    EXPECT(!parallel_describe(text, sizeof text));
    EXPECT_CONTAINS(text, "instead of 60: the system starts no more");
#pragma omp parallel num_threads(parallel_threads()) reduction(+ : team)
    team++;
    EXPECT_INT(team, parallel_threads());
    EXPECT(setrlimit(RLIMIT_AS, &before) == 0);
}
#endif

TEST(name_of_the_cpu_is_the_first_one_given)
{
    char name[32];
    machine_cpu_name(test_folder(), name, sizeof name);
    EXPECT_TEXT(name, "");
    put("/proc/cpuinfo", "processor\t: 0\nmodel\t\t: 17\nmodel name\t: Some CPU 9B45: fast\n"
                         "processor\t: 1\nmodel name\t: Another\n");
    machine_cpu_name(test_folder(), name, sizeof name);
    EXPECT_TEXT(name, "Some CPU 9B45: fast");
    put("/proc/cpuinfo", "processor\t: 0\nBogoMIPS\t: 50.00\n");
    machine_cpu_name(test_folder(), name, sizeof name);
    EXPECT_TEXT(name, "");
}

TEST(waiting_for_a_cpu_is_that_of_all_threads)
{
    EXPECT_NEAR(machine_waited_seconds(test_folder()), 0, 0);
    put("/proc/self/task/41/schedstat", "670723845 5357091371 316\n");
    put("/proc/self/task/42/schedstat", "1 1500000000 3\n");
    put("/proc/self/task/43/comm", "of a system that does not tell\n");
    EXPECT_NEAR(machine_waited_seconds(test_folder()), 6.857091371, 1e-9);
}
