/* The one file that sees MPI, for world.c: what needs another process. Without MPI nothing of it is called but mpi_join. */
#ifndef DIFFC_WORLD_MPI_H
#define DIFFC_WORLD_MPI_H

#include "base/world.h"

typedef struct {
    bool joined; /* MPI has begun */
    bool alone;  /* world_go_alone */
    int rank, size;
    char (*names)[WORLD_NAME_BYTES]; /* [size] hosts */
} World;
extern World world;

/* As world_begin where a launcher has started this process: sets all of world but alone. */
bool mpi_join(Err *err);

/* As world_should_say, world_end, world_broadcast (from process `from`) and world_gather, among several. */
bool mpi_should_say(const char *sentence);
void mpi_leave(int code);
void mpi_broadcast(int from, void *data, size_t bytes);
void mpi_gather(char *items, size_t count, size_t bytes);
/* The first item of a process's share. */
size_t world_share_begin(size_t count, int process, int processes);

/* Each of `count` values becomes the least or greatest of all processes'. */
typedef enum { LEAST_INT, GREATEST_INT, GREATEST_REAL } Reduction;
void mpi_reduce(void *values, int count, Reduction what);

/* Two processes call it with each other: `give` goes to the partner, and what that gives, floats, is added to `take` or,
 * whatever it is, put there. */
typedef struct {
    char *at;
    size_t bytes;
} Piece;
void mpi_exchange(int partner, Piece give, Piece take, bool add);

#endif
