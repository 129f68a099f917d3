/* What the variables of a launcher of several processes (mpirun, srun) tell a process that it has started: of Open MPI,
 * of those that speak PMI (MPICH, Intel MPI, MVAPICH) and of PMIx below Slurm. */
#ifndef DIFFC_LAUNCHER_H
#define DIFFC_LAUNCHER_H

#include <stdbool.h>

/* How many it has started; 1: none has, or it does not tell. */
int launcher_processes(void);
/* The number of this process, from 0; -1: no launcher has started it. */
int launcher_rank(void);
/* Whether this process should say a failure that it shares with others without knowing them: the first one should. A
 * launcher may end all as soon as one ends, so the others come back a second later. */
bool launcher_says(void);

#endif
