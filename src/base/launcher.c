#include "base/launcher.h"

#include <stdlib.h>
#include <time.h>

/* The first of the variables that is set, as a number; else `otherwise`. */
static int number_of(const char *const *variables, int otherwise)
{
    for (; *variables; variables++)
        if (getenv(*variables)) return atoi(getenv(*variables));
    return otherwise;
}

/* PMIx gives no number in a variable; where it is Slurm's, Slurm does. */
int launcher_processes(void)
{
    static const char *const sizes[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE",
                                        NULL};
    static const char *const of_slurm[] = {"SLURM_STEP_NUM_TASKS", NULL};
    return number_of(sizes, getenv("PMIX_RANK") ? number_of(of_slurm, 1) : 1);
}

int launcher_rank(void)
{
    static const char *const ranks[] = {"OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK",
                                        "MV2_COMM_WORLD_RANK", NULL};
    return number_of(ranks, -1);
}

bool launcher_says(void)
{
    if (launcher_processes() == 1 || launcher_rank() <= 0) return true;
    nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
    return false;
}
