/* Nearest neighbours by Euclidean distance, exact: products of matrices (|a|^2 + |b|^2 - 2 ab in float32)
 * exclude what is too far by more than their rounding, and the rest is computed again in double. So
 * results depend neither on the level (vec.h) nor on threads. */
#ifndef DIFFC_NEIGHBOURS_H
#define DIFFC_NEIGHBOURS_H

#include "model/image_set.h"

/* The sum of squared differences, in double. */
double squared_distance(const float *a, const float *b, int dims);

/* Query number `query` and points first .. first + count - 1: low[i] and high[i] bound their squared
 * distances. Called from several threads at once, for different queries, and for each query with its
 * points in order. */
typedef void PairWork(void *context, size_t query, size_t first, size_t count, const float *low,
                      const float *high);
/* Calls `work` for all pairs, block by block. */
bool for_all_pairs(const Features *queries, const Features *points, PairWork *work, void *context,
                   Err *err);

typedef struct {
    size_t index;
    double squared; /* distance; INFINITY: there is no such neighbour */
} Neighbour;

/* The k nearest points of each query; the points may come in several calls, in order. */
typedef struct {
    Features queries;
    int k;
    const size_t
        *except;     /* [queries.count]: a point that is no neighbour of the query; NULL: none */
    Neighbour *best; /* [queries.count, k], nearest first; of equally near ones the first */
    const Features *points; /* of the running call */
    size_t first;
} NeighbourSearch;

bool neighbours_open(NeighbourSearch *s, const Features *queries, int k, const size_t *except,
                     Err *err);
/* points: numbers first .. of all. */
bool neighbours_add(NeighbourSearch *s, const Features *points, size_t first, Err *err);
void neighbours_close(NeighbourSearch *s);

/* radii [count]: the squared distance of each vector from its k-th nearest neighbour among the others. */
bool neighbour_radii(const Features *x, int k, double *radii, Err *err);

#endif
