/* Which CPUs are threads of one core. */
#include "base/cores.h"
#include "base/fsio.h"
#include "test.h"

static void put_siblings(int cpu, const char *text)
{
    char path[PATH_BYTES];
    Err err = {0};
    snprintf(path, sizeof path, "%s/sys/devices/system/cpu/cpu%d/topology", test_folder(), cpu);
    EXPECT(folder_make(path, &err));
    size_t length = strlen(path);
    snprintf(path + length, sizeof path - length, "/thread_siblings_list");
    EXPECT(file_write(path, text, strlen(text), &err));
}

static Cores read_cores(int cpus, const int *cpu)
{
    Cores c = {.cpus = cpus};
    memcpy(c.cpu, cpu, (size_t)cpus * sizeof *cpu);
    cores_read(&c, test_folder());
    return c;
}

TEST(cpus_belong_to_the_core_that_the_system_names)
{
    const char *const lists[] = {"0,4\n", "1-2\n", "1-2\n", "3\n", "0,4\n"};
    const int all[] = {0, 1, 2, 3, 4}, core[] = {0, 1, 1, 2, 0};
    for (int i = 0; i < 5; i++) put_siblings(i, lists[i]);
    Cores c = read_cores(5, all);
    EXPECT_INT(c.cores, 3);
    for (int i = 0; i < 5; i++) EXPECT_INT(c.core[i], core[i]);
    EXPECT_INT(cores_first_shared(&c), 0);
    EXPECT_INT(cores_cpu_of(&c, 0, 1), 4);
    EXPECT_INT(cores_cpu_of(&c, 0, 2), -1);
}

/* The lists name CPUs that the process may not use. */
TEST(only_allowed_cpus_count)
{
    const char *const lists[] = {"0-1\n", "0-1\n", "2-3\n", "2-3\n"};
    const int odd[] = {1, 3}, three[] = {1, 2, 3};
    for (int i = 0; i < 4; i++) put_siblings(i, lists[i]);
    Cores c = read_cores(2, odd);
    EXPECT_INT(c.cores, 2);
    EXPECT_INT(cores_first_shared(&c), -1);
    c = read_cores(3, three);
    EXPECT_INT(c.cores, 2);
    EXPECT_INT(cores_first_shared(&c), 1);
    EXPECT_INT(cores_cpu_of(&c, 1, 0), 1);
    EXPECT_INT(cores_cpu_of(&c, 1, 1), 2);
}

TEST(without_a_readable_topology_each_cpu_is_a_core)
{
    static const char *const damaged[] = {"", "\n", "x\n", "-1\n", ",2\n"};
    const int two[] = {0, 1};
    EXPECT_INT(read_cores(2, two).cores, 2);
    put_siblings(0, "0-1\n");
    EXPECT_INT(read_cores(2, two).cores, 2);
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        put_siblings(1, damaged[i]);
        Cores c = read_cores(2, two);
        EXPECT_INT(c.cores, 2);
        EXPECT_INT(c.core[1], 1);
    }
    put_siblings(1, "0-1\n");
    EXPECT_INT(read_cores(2, two).cores, 1);
}

/* The tests run with the affinity that they were given. */
TEST(a_thread_runs_where_it_is_put)
{
    static Cores c, after;
    cores_find_cpus(&c);
    if (c.cpus == 0) {
        test_skip("the system does not tell on which CPUs a process may run");
        return;
    }
    for (int i = 0; i < c.cpus; i++) c.core[i] = i / 2;
    c.cores = (c.cpus + 1) / 2;
    cores_run_on(&c, c.cpus - 1, -1);
    cores_find_cpus(&after);
    EXPECT_INT(after.cpus, 1);
    EXPECT_INT(after.cpu[0], c.cpu[c.cpus - 1]);
    cores_run_on(&c, -1, 0);
    cores_find_cpus(&after);
    EXPECT_INT(after.cpus, c.cpus < 2 ? c.cpus : 2);
    EXPECT_INT(after.cpu[0], c.cpu[0]);
    cores_run_on(&c, -1, -1);
    cores_find_cpus(&after);
    EXPECT_INT(after.cpus, c.cpus);
}
