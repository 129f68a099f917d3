/* The processes that work on one command together, by MPI (MPI 3.1, any implementation). world.c is the one
 * file that sees MPI, in a program built by `make MPI=1`; without MPI, or without mpirun, there is one process
 * and these functions do nothing.
 *
 * Work is shared by index (world_share), results are put together in the order of their indices (world_gather),
 * and sums follow a fixed binary tree (world_sum), so that the bits of a result do not depend on how many
 * processes there are. All processes call the same functions in the same order, each from its main thread.
 * A process that fails ends all of them (world_end). */
#ifndef DIFFC_WORLD_H
#define DIFFC_WORLD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Joins the processes that a launcher has started. ERR_USAGE: it has started several of a program that was built
 * without MPI, each of which would do all the work alone. */
bool world_begin(Err *err);
/* Leaves them, before the program exits with `code`. After a failure (code is not 0) of this process alone the
 * others end too, within seconds and with that code. */
void world_end(int code);

int world_rank(void); /* 0 .. world_size() - 1; process 0 writes, logs and shows progress */
int world_size(void);

/* This process's share first .. end-1 of the items 0 .. count-1; shares are neighbours and differ by at most one. */
void world_share(size_t count, size_t *first, size_t *end);
/* items [count][bytes]: each process has filled its share of them; afterwards every process has all. */
void world_gather(void *items, size_t count, size_t bytes);
/* Process 0's bytes go to all. */
void world_broadcast(void *data, size_t bytes);
/* Whether it is true of every process; and the least and the greatest of the processes' values. */
bool world_all(bool true_here);
int world_least(int value);
int world_greatest(int value);

/* x [count]: becomes in every process the sum over all processes along the binary tree of their numbers,
 * (x0 + x1) + (x2 + x3), with the same bits everywhere. world_size() is a power of two. */
void world_sum(float *x, size_t count);

#endif
