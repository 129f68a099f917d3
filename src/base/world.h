/* The processes that work on one command together, by MPI (MPI 3.1, any implementation). world_mpi.c is the one
 * file that sees MPI, in a program built by `make MPI=1`; without MPI, or without mpirun, there is one process
 * and these functions do nothing.
 *
 * Work is shared by index (world_share), results are put together in the order of their indices (world_gather),
 * and sums follow a fixed binary tree (world_sum_parts), so that the bits of a result do not depend on how many
 * processes there are. All processes call the same functions in the same order, each from its main thread.
 * Whatever else a process does by itself must not lead it past such a call that the others make. */
#ifndef DIFFC_WORLD_H
#define DIFFC_WORLD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Joins the processes that a launcher has started, and divides the CPUs that several of one machine may run on
 * among them. Belongs before the number of threads is asked for. ERR_USAGE: the launcher has started several of a
 * program that does not find them (built without MPI or for another one), each of which would do all the work alone. */
bool world_begin(Err *err);
/* From here on process 0 is alone, with a world of one. For work that is not shared, which the others leave out. */
void world_go_alone(void);
/* Before a failure is said: whether this process should say it. Process 0 should; another one should unless process 0
 * says a sentence that begins with this one within a second. */
bool world_should_say(const char *sentence);
/* Leaves the others, before the program exits with `code`. After a failure (code is not 0) that not all meet, all
 * others are ended, within seconds and with that code. */
void world_end(int code);

int world_rank(void); /* 0 .. world_size() - 1; process 0 writes, logs and shows progress */
int world_size(void);
/* "process 3 on HOST" */
enum { WORLD_NAME_BYTES = 100 };
const char *world_name(int process, char out[WORLD_NAME_BYTES]);

/* This process's share first .. end-1 of the items 0 .. count-1; shares are neighbours and differ by at most one. */
void world_share(size_t count, size_t *first, size_t *end);
/* items [count][bytes]: each process has filled its share of them; afterwards every process has all. */
void world_gather(void *items, size_t count, size_t bytes);
/* Process 0's bytes go to all. */
void world_broadcast(void *data, size_t bytes);
/* Whether it is true of every process; the least and the greatest of the processes' values; and the greatest of each of
 * `count` of them. */
bool world_all(bool true_here);
int world_least(int value);
int world_greatest(int value);
void world_greatest_reals(double *values, int count);
/* Makes a failure (ok is false) of one process that of all: where any has failed, all return false with the error of the
 * first that has, which names that process unless it is process 0. err is not NULL. */
bool world_agree(bool ok, Err *err);
/* The first process whose data are not those of process 0; -1: all have the same. All processes get the same answer. */
int world_first_other(const void *data, size_t bytes);

/* Work on one array that is divided by `bounds` [world_size() + 1], the same in all processes: each owns the part
 * bounds[p] .. bounds[p + 1]-1 with p = world_part(). world_size() is a power of two.
 * Summing: the process's part of x becomes the sum over all processes along the binary tree of their numbers,
 * (x0 + x1) + (x2 + x3); the other parts are then of no use. Gathering: each part goes to all. */
int world_part(void);
void world_sum_parts(float *x, const size_t *bounds);
void world_gather_parts(void *items, size_t bytes, const size_t *bounds);

#endif
