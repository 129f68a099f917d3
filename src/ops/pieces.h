/* Flat loops over the elements of a tensor. Private to src/ops. */
#ifndef DIFFC_PIECES_H
#define DIFFC_PIECES_H

/* Elements of one unit of work; the bits of an element do not depend on the division into pieces. */
enum { PIECE = 8192 };

/* Runs the statement for each piece of the d->N * d->size elements: those from i to i + n - 1. */
#define FOR_PIECES(d, statement)                                                                   \
    do {                                                                                           \
        size_t total = (size_t)(d)->N * (d)->size;                                                 \
        _Pragma("omp parallel for schedule(static)") for (size_t i = 0; i < total; i += PIECE)     \
        {                                                                                          \
            size_t n = total - i < PIECE ? total - i : PIECE;                                      \
            statement;                                                                             \
        }                                                                                          \
    } while (0)

#endif
